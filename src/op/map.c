/* map.c - turns each line of elementwise.def into an op: kernel, derivative, row, constructor.
 *
 * To add an op: a line in elementwise.def, its declaration in pinhole/graph.h if it is to be public
 * (constructors with attributes or conveniences stand at the end of this file), and a row in
 * tests/op/test_op_double.c.
 */
#include "op/op_nodes.h"

#include "base/vmath.h"
#include "graph/graph.h"

#include <math.h>

#ifdef PH_DOUBLE
#define PH_SQRT sqrt
#define PH_ROUND rint
#else
#define PH_SQRT sqrtf
#define PH_ROUND rintf
#endif
/* Of the standard normal distribution; where both are asked for, they share one exponential. */
#define PH_SCALED(a) ((a) * (real)M_SQRT1_2)
#define PH_NORMAL_BELOW(a) ((real)0.5 * (1 + ph_v_erf(PH_SCALED(a))))
#define PH_NORMAL_DENSITY(a) ((real)0.3989422804014327 * ph_v_exp(-(PH_SCALED(a) * PH_SCALED(a))))

/* ---- The rows, declared first, since derivatives refer to each other --------------------------- */

#define MAP1(name, ...) static const ph_op op_##name;
#define MAP2(name, ...) static const ph_op op_##name;
#define MAP3(name, ...) static const ph_op op_##name;
#define MAP5(name, ...) static const ph_op op_##name;
#include "op/elementwise.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef MAP5

static ph_node *gelu_gradient(ph_node *a, ph_node *dy)
{
    return ph_map(&op_gelu_gradient, (ph_node *[]){ a, dy }, NULL);
}

static ph_node *normal_density(ph_node *a)
{
    return ph_scale(ph_exp(ph_scale(ph_square(a), -0.5)), 0.3989422804014327);
}

static ph_node *relu_gradient(ph_node *y, ph_node *dy)
{
    return ph_map(&op_relu_gradient, (ph_node *[]){ y, dy }, NULL);
}

static ph_node *leaky_relu_gradient(ph_node *a, ph_node *dy, double slope)
{
    return ph_map(&op_leaky_relu_gradient, (ph_node *[]){ a, dy }, (double[3]){ slope });
}

static ph_node *elu_gradient(ph_node *y, ph_node *dy, double alpha)
{
    return ph_map(&op_elu_gradient, (ph_node *[]){ y, dy }, (double[3]){ alpha });
}

static ph_node *sigmoid_gradient(ph_node *y, ph_node *dy)
{
    return ph_map(&op_sigmoid_gradient, (ph_node *[]){ y, dy }, NULL);
}

static ph_node *tanh_gradient(ph_node *y, ph_node *dy)
{
    return ph_map(&op_tanh_gradient, (ph_node *[]){ y, dy }, NULL);
}

/* ---- Derivatives -------------------------------------------------------------------------------- */

#define NONE NULL
#define NODES(y)                                                                                   \
    ph_node *a = (y)->input[0], *b = (y)->input[1], *c = (y)->input[2];                            \
    double p = (double)(y)->attribute[0], q = (double)(y)->attribute[1];                           \
    ph_node *zero = ph_constant((y)->graph, 0);                                                    \
    (void)a, (void)b, (void)c, (void)p, (void)q, (void)zero, (void)dy
#define DERIVATIVE(name, ...)                                                                      \
    static void derivative_##name(ph_node *y, ph_node *dy, ph_node **by_input)                     \
    {                                                                                              \
        NODES(y);                                                                                  \
        ph_node *each[] = { __VA_ARGS__ };                                                         \
        for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)                                  \
            by_input[i] = each[i];                                                                 \
    }
#define MAP1(name, formula, value, ...) DERIVATIVE(name, __VA_ARGS__)
#define MAP2(name, formula, value, ...) DERIVATIVE(name, __VA_ARGS__)
#define MAP3(name, formula, value, ...) DERIVATIVE(name, __VA_ARGS__)
#define MAP5(name, formula, value, ...) DERIVATIVE(name, __VA_ARGS__)
#include "op/elementwise.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef MAP5
#undef NODES
#undef NONE

/* ---- Kernels ------------------------------------------------------------------------------------ */

/* The pragma promises what the tiles keep: an output is its operand exactly, or apart from it. */
#define KERNEL(name, value, pointers, numbers)                                                     \
    PH_KERNEL static void kernel_##name(const ph_tile *t)                                          \
    {                                                                                              \
        const real p = t->attribute[0], q = t->attribute[1], r = t->attribute[2];                  \
        const size_t columns = t->columns;                                                         \
        (void)p, (void)q, (void)r;                                                                 \
        for (size_t row = 0; row < t->rows; row++) {                                               \
            real *out = t->out + row * t->out_stride;                                              \
            pointers;                                                                              \
            _Pragma("omp simd") for (size_t i = 0; i < columns; i++)                               \
            {                                                                                      \
                numbers;                                                                           \
                out[i] = (value);                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
#define POINTER(x, k) const real *x##_ = t->in[k] + row * t->in_stride[k]
#define NUMBER(x) const real x = x##_[i]
#define MAP1(name, formula, value, ...) KERNEL(name, value, POINTER(a, 0), NUMBER(a))
#define MAP2(name, formula, value, ...)                                                            \
    KERNEL(name, value, POINTER(a, 0); POINTER(b, 1), NUMBER(a); NUMBER(b))
#define MAP3(name, formula, value, ...)                                                            \
    KERNEL(name, value, POINTER(a, 0); POINTER(b, 1); POINTER(c, 2), NUMBER(a); NUMBER(b); NUMBER(c))
#define MAP5(name, formula, value, ...)                                                            \
    KERNEL(name, value, POINTER(a, 0); POINTER(b, 1); POINTER(c, 2); POINTER(d, 3); POINTER(e, 4), \
           NUMBER(a); NUMBER(b); NUMBER(c); NUMBER(d); NUMBER(e))
#include "op/elementwise.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef MAP5

/* ---- Rows --------------------------------------------------------------------------------------- */

#define ROW(op_name, op_formula, op_arity)                                                         \
    static const ph_op op_##op_name = { .name = #op_name, .formula = op_formula,                   \
                                        .flags = PH_OP_MAP, .arity = op_arity,                     \
                                        .gradient = derivative_##op_name,                          \
                                        .map = kernel_##op_name };
#define MAP1(name, formula, ...) ROW(name, formula, 1)
#define MAP2(name, formula, ...) ROW(name, formula, 2)
#define MAP3(name, formula, ...) ROW(name, formula, 3)
#define MAP5(name, formula, ...) ROW(name, formula, 5)
#include "op/elementwise.def"
#undef MAP1
#undef MAP2
#undef MAP3
#undef MAP5

/* Every row, for the tests: an op without a test fails them. */
const ph_op *const ph_map_ops[] = {
#define MAP1(name, ...) &op_##name,
#define MAP2(name, ...) &op_##name,
#define MAP3(name, ...) &op_##name,
#define MAP5(name, ...) &op_##name,
#include "op/elementwise.def"
    NULL
};

/* ---- Constructors --------------------------------------------------------------------------------- */

static bool is_number(const ph_node *n, double wanted)
{
    double value;
    return ph_is_constant(n, &value) && value == wanted;
}

/* Whether `kept` alone has the shape that it would have together with a scalar. */
static bool keeps_shape(const ph_node *scalar, const ph_node *kept)
{
    return ph_shape_size(&scalar->shape) == 1 && scalar->shape.set == 0 && !ph_is_dead(kept);
}

#define PLAIN1(name)                                                                               \
    ph_node *ph_##name(ph_node *a) { return ph_map(&op_##name, &a, NULL); }
#define PLAIN2(name)                                                                               \
    ph_node *ph_##name(ph_node *a, ph_node *b)                                                     \
    {                                                                                              \
        return ph_map(&op_##name, (ph_node *[]){ a, b }, NULL);                                    \
    }
#define NUMBERED(name, number)                                                                     \
    ph_node *ph_##name(ph_node *a, double number)                                                  \
    {                                                                                              \
        return ph_map(&op_##name, &a, (double[3]){ number });                                      \
    }

PLAIN2(sub)
PLAIN2(div)
PLAIN2(max)
PLAIN2(min)
PLAIN2(less)
PLAIN2(less_equal)
PLAIN2(equal)
PLAIN1(neg)
PLAIN1(abs)
PLAIN1(round)
PLAIN1(sign)
PLAIN1(square)
PLAIN1(sqrt)
PLAIN1(exp)
PLAIN1(log)
PLAIN1(erf)
PLAIN1(gelu)
PLAIN1(relu)
PLAIN1(sigmoid)
PLAIN1(tanh)
PLAIN1(softplus)
PLAIN2(bce)
NUMBERED(power, exponent)
NUMBERED(leaky_relu, slope)
NUMBERED(elu, alpha)

ph_node *ph_add(ph_node *a, ph_node *b)
{
    if (is_number(a, 0) && keeps_shape(a, b))
        return b;
    if (is_number(b, 0) && keeps_shape(b, a))
        return a;
    return ph_map(&op_add, (ph_node *[]){ a, b }, NULL);
}

ph_node *ph_mul(ph_node *a, ph_node *b)
{
    double value;
    if (ph_is_constant(a, &value))
        return ph_scale(b, value);
    if (ph_is_constant(b, &value))
        return ph_scale(a, value);
    return ph_map(&op_mul, (ph_node *[]){ a, b }, NULL);
}

ph_node *ph_scale(ph_node *a, double factor)
{
    double value;
    if (factor == 1)
        return a;
    if (ph_is_constant(a, &value))
        return ph_constant(a->graph, factor * value);
    if (a->op == &op_scale)
        return ph_scale(a->input[0], factor * (double)a->attribute[0]);
    return ph_map(&op_scale, &a, (double[3]){ factor });
}

ph_node *ph_shift(ph_node *a, double term)
{
    return term == 0 ? a : ph_map(&op_shift, &a, (double[3]){ term });
}

ph_node *ph_clamp(ph_node *a, double low, double high)
{
    if (!(low <= high))
        return ph_mistake(a->graph, "clamp: the lower bound %g is above the upper %g", low, high);
    return ph_map(&op_clamp, &a, (double[3]){ low, high });
}

ph_node *ph_select(ph_node *condition, ph_node *a, ph_node *b)
{
    return ph_map(&op_select, (ph_node *[]){ condition, a, b }, NULL);
}

ph_node *ph_silu(ph_node *a)
{
    return ph_mul(a, ph_sigmoid(a));
}

ph_node *ph_average(ph_node *old, ph_node *new, double decay)
{
    return ph_map(&op_average, (ph_node *[]){ old, new }, (double[3]){ decay });
}

ph_node *ph_average_square(ph_node *old, ph_node *new, double decay)
{
    return ph_map(&op_average_square, (ph_node *[]){ old, new }, (double[3]){ decay });
}

ph_node *ph_adam_step(ph_node *w, ph_node *m, ph_node *v, ph_node *rate, ph_node *scale,
                      double epsilon)
{
    return ph_map(&op_adam_step, (ph_node *[]){ w, m, v, rate, scale }, (double[3]){ epsilon });
}

static const ph_op op_repeat = { .name = "repeat", .formula = "a", .arity = 1,
                                 .flags = PH_OP_MAP | PH_OP_REPEAT, .gradient = derivative_copy,
                                 .map = kernel_copy };

ph_node *ph_copy_to(ph_node *a, const ph_shape *shape)
{
    return ph_node_new(&op_repeat, *shape, &a, 1, NULL, NULL, false);
}
