/* logistic_code.c - the code z of a row x under loadings W that are given: a logistic regression of
 * the row's numbers on their loadings (Collins, Dasgupta and Schapire 2001), convex, with one
 * solution:
 *
 *     minimise over z   f = sum_c (softplus(l_c) - x_c l_c)  +  ridge/2 |z|^2,   l = mean + W z
 *
 * Newton's method, from the least squares fit of the row's own logits, x drawn a little to 1/2
 * (McCullagh and Nelder 1989). Where logits are large a step falls far short; one step of Newton's
 * method along its line corrects its length, which halves their number, and it is halved until f
 * falls enough (Armijo 1966). The ridge gives a minimum to a row that some direction of codes fits
 * the better the further it goes, and to loadings that repeat each other.
 *
 * Every row is solved by itself, so neither its batch nor the threads can change it. There is no
 * derivative: at the minimum f does not change with z (the envelope theorem), so derivatives of f
 * by W and mean need none.
 */
#include "op/op_nodes.h"

#include "base/product.h"
#include "base/team.h"
#include "base/vmath.h"
#include "graph/program.h"

#include <float.h>
#include <string.h>

/* A row takes USUAL_STEPS or so; MOST_STEPS and MOST_HALVINGS are there for what are no numbers. */
enum {
    USUAL_STEPS = 7,
    MOST_STEPS = 100,
    MOST_HALVINGS = 40,
    LANES = 16,
    TASK_ROWS = 4,
    MOST_CODE = 512
};

#ifdef PH_DOUBLE
static const double last_decrement = 1e-14, rounding = 64 * DBL_EPSILON;
#else
static const double last_decrement = 1e-6, rounding = 64 * FLT_EPSILON;
#endif

/* A row's problem. Rows of matrices and all vectors are padded to whole panels of the products. */
typedef struct regression {
    size_t width, k, long_width, stride;
    real ridge;
    const real *loadings;      /* [width, k] */
    real *panels;              /* the same, transposed and packed */
    const real *mean, *x;
    real *weighted;            /* [width, k]: loadings times weight */
    real *hessian;             /* [k, stride]: its upper triangle becomes its Cholesky factor */
    real *gradient, *step;     /* stride */
    real *logit, *trial, *move; /* long_width, as are the next two */
    real *slope, *weight;      /* first and second derivative of the cross-entropy by each logit */
} regression;

static size_t whole_panels(size_t n)
{
    return (n + PH_PANEL - 1) / PH_PANEL * PH_PANEL;
}

static regression regression_of(const ph_node *n)
{
    const ph_shape *w = &n->input[1]->shape;
    return (regression){ .width = w->dim[0], .k = w->dim[1], .long_width = whole_panels(w->dim[0]),
                         .stride = whole_panels(w->dim[1]), .ridge = n->attribute[0] };
}

/* How much of the call's scratch one part has for itself. */
static size_t own_size(const regression *s)
{
    return s->long_width * (s->stride + 5) + s->stride * (s->k + 2);
}

static size_t scratch(const ph_call *call)
{
    regression s = regression_of(call->node);
    return ph_panels_size(s.k, s.width) + (size_t)ph_team_parts() * own_size(&s);
}

/* Whether there is scratch for that part: it was measured for the threads that there were. */
static bool has_scratch(const ph_call *call, const regression *s, int part)
{
    return ph_panels_size(s->k, s->width) + ((size_t)part + 1) * own_size(s) <= call->scratch_size;
}

/* The same with its memory: what parts have for themselves follows what they share. */
static regression regression_in(const ph_call *call, int part)
{
    regression s = regression_of(call->node);
    real *at = ph_call_scratch(call);
    s.loadings = ph_call_input(call, 1);
    s.mean = ph_call_input(call, 2);
    s.panels = at;
    s.weighted = at += ph_panels_size(s.k, s.width) + (size_t)part * own_size(&s);
    s.hessian = at += s.long_width * s.stride;
    s.gradient = at += s.k * s.stride;
    s.step = at += s.stride;
    s.logit = at += s.stride;
    s.trial = at += s.long_width;
    s.move = at += s.long_width;
    s.slope = at += s.long_width;
    s.weight = at + s.long_width;
    return s;
}

static void prepare(ph_call *call, int part)
{
    regression s = regression_in(call, part);
    size_t panel;
    while (ph_next_task(call, part, s.long_width / PH_PANEL, &panel))
        ph_pack_panels(s.panels, s.loadings, 1, s.k, s.k, s.width, panel, panel + 1);
}

/* ---- The function and its derivatives -------------------------------------------------------- */

PH_INLINE void measure_piece(const regression *s, const real *logit, size_t first, size_t count,
                             real *sum)
{
    const real *at = logit + first, *x = s->x + first;
    real *slope = s->slope + first, *weight = s->weight + first;
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        real l = at[i], size = l > 0 ? l : -l, rare = ph_v_exp(-size), share = 1 / (1 + rare);
        slope[i] = (l > 0 ? share : rare * share) - x[i];
        weight[i] = rare * share * share;
        sum[i] += (l > 0 ? l : 0) + ph_v_log1p(rare) - x[i] * l;
    }
}

/* The cross-entropy of these logits, and its derivatives. */
PH_KERNEL static double measure(const regression *s, const real *logit)
{
    real sum[LANES] = { 0 };
    size_t whole = s->width / LANES * LANES;
    double all = 0;
    for (size_t i = 0; i < whole; i += LANES)
        measure_piece(s, logit, i, LANES, sum);
    measure_piece(s, logit, whole, s->width - whole, sum);
    for (size_t i = 0; i < LANES; i++)
        all += (double)sum[i];
    return all;
}

/* Slopes and weights that make the first Newton step, from z = 0, the fit that it starts from. */
PH_KERNEL static void begin(const regression *s)
{
    const real *x = s->x, *mean = s->mean;
    real *slope = s->slope, *weight = s->weight;
#pragma omp simd
    for (size_t i = 0; i < s->width; i++) {
        real p = (real)0.98 * x[i] + (real)0.01;
        weight[i] = p * (1 - p);
        slope[i] = weight[i] * (mean[i] - ph_v_log(p / (1 - p)));
    }
}

PH_KERNEL static void weigh(const regression *s)
{
    for (size_t i = 0; i < s->width; i++) {
        const real *from = s->loadings + i * s->k;
        real *to = s->weighted + i * s->k, weight = s->weight[i];
#pragma omp simd
        for (size_t j = 0; j < s->k; j++)
            to[j] = weight * from[j];
    }
}

/* Gradient and Hessian of f at z: transpose(W) slope and transpose(W) diag(weight) W, with the
 * ridge. */
static void differentiate(const regression *s, const real *z)
{
    weigh(s);
    ph_product_block_direct(s->gradient, s->stride, s->slope, s->width, 1, s->loadings, s->k, 1,
                            s->width, s->k, false);
    ph_product_block_direct(s->hessian, s->stride, s->weighted, 1, s->k, s->loadings, s->k, s->k,
                            s->width, s->k, false);
    for (size_t j = 0; j < s->k; j++) {
        s->gradient[j] += s->ridge * z[j];
        s->hessian[j * s->stride + j] += s->ridge;
    }
}

/* W z. */
static void multiply(const regression *s, const real *z, real *out)
{
    ph_product_block(out, s->long_width, z, s->k, 1, s->panels, 1, s->k, s->width, false);
}

static void add(real *out, const real *a, real factor, const real *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = a[i] + factor * b[i];
}

/* ---- Newton's method ------------------------------------------------------------------------- */

/* The Hessian's Cholesky factor U, transpose(U) U, in its place. But for rounding, no pivot is
 * below the ridge. */
PH_KERNEL static void factorise(const regression *s)
{
    for (size_t j = 0; j < s->k; j++) {
        real *row = s->hessian + j * s->stride;
        real pivot = row[j] < s->ridge ? s->ridge : row[j], root = (real)sqrt((double)pivot);
        row[j] = root;
        for (size_t i = j + 1; i < s->k; i++)
            row[i] /= root;
        for (size_t i = j + 1; i < s->k; i++) {
            real *below = s->hessian + i * s->stride;
#pragma omp simd
            for (size_t c = i; c < s->k; c++)
                below[c] -= row[i] * row[c];
        }
    }
}

/* step = the inverse Hessian times the gradient, which is lost; returns their product. */
static double solve(const regression *s)
{
    real *y = s->gradient, *step = s->step;
    double decrement = 0;
    for (size_t j = 0; j < s->k; j++) {
        const real *row = s->hessian + j * s->stride;
        y[j] /= row[j];
        decrement += (double)y[j] * (double)y[j];
        for (size_t i = j + 1; i < s->k; i++)
            y[i] -= row[i] * y[j];
    }
    for (size_t j = s->k; j-- > 0;) {
        const real *row = s->hessian + j * s->stride;
        step[j] = y[j];
        for (size_t i = j + 1; i < s->k; i++)
            step[j] -= row[i] * step[i];
        step[j] /= row[j];
    }
    return decrement;
}

static double newton(const regression *s, const real *z)
{
    differentiate(s, z);
    factorise(s);
    return solve(s);
}

/* How much of the step is best, by the slope and bend of f where all of it is taken. */
PH_KERNEL static real length(const regression *s, const real *z)
{
    const real *move = s->move, *slope = s->slope, *weight = s->weight, *step = s->step;
    real rise = 0, bend = 0;
#pragma omp simd reduction(+ : rise, bend)
    for (size_t i = 0; i < s->width; i++) {
        rise += move[i] * slope[i];
        bend += move[i] * move[i] * weight[i];
    }
    for (size_t j = 0; j < s->k; j++) {
        rise += s->ridge * step[j] * (z[j] - step[j]);
        bend += s->ridge * step[j] * step[j];
    }
    real more = rise / bend;
    return more < -0.75 ? 0.25 : more > 9 ? 10 : 1 + more;
}

/* f where that much of the step is taken, with what `measure` leaves there. */
static double measure_step(const regression *s, const real *z, real part)
{
    double square = 0;
    add(s->trial, s->logit, -part, s->move, s->width);
    for (size_t j = 0; j < s->k; j++) {
        double moved = (double)(z[j] - part * s->step[j]);
        square += moved * moved;
    }
    return measure(s, s->trial) + (double)s->ridge / 2 * square;
}

static void take_step(regression *s, real *z, real part)
{
    real *old = s->logit;
    add(z, z, -part, s->step, s->k);
    s->logit = s->trial;
    s->trial = old;
}

/* Goes along the step as far as it helps; false where no part of it does, which is rounding. */
static bool advance(regression *s, real *z, double decrement, double *f)
{
    multiply(s, s->step, s->move);
    measure_step(s, z, 1);
    real part = length(s, z);
    for (int i = 0; i < MOST_HALVINGS; i++, part /= 2) {
        double now = measure_step(s, z, part);
        if (now <= *f - 1e-4 * (double)part * decrement + rounding * (1 + *f)) {
            take_step(s, z, part);
            *f = now;
            return true;
        }
    }
    return false;
}

/* Whether a last step ends at rounding, or steps have come to nothing else. */
static bool is_last(double decrement, double before, double f)
{
    return decrement < last_decrement || (decrement < rounding * (1 + f) && decrement > before / 2);
}

static void find_code(regression *s, const real *x, real *z)
{
    s->x = x;
    memset(z, 0, s->k * sizeof z[0]);
    memcpy(s->logit, s->mean, s->width * sizeof s->logit[0]);
    begin(s);
    newton(s, z);
    multiply(s, s->step, s->move);
    double f = measure_step(s, z, 1), before = INFINITY;
    take_step(s, z, 1);
    for (int i = 0; i < MOST_STEPS; i++) {
        double decrement = newton(s, z);
        if (is_last(decrement, before, f)) {
            add(z, z, -1, s->step, s->k);
            return;
        }
        if (!advance(s, z, decrement, &f))
            return;
        before = decrement;
    }
}

static void run(ph_call *call, int part)
{
    regression s = regression_in(call, part);
    size_t rows = ph_call_rows(call, &call->node->shape), task;
    const real *x = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (has_scratch(call, &s, part) &&
           ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++)
            find_code(&s, x + r * s.width, out + r * s.k);
}

static double flops(const ph_node *n)
{
    double width = (double)n->input[1]->shape.dim[0], k = (double)n->input[1]->shape.dim[1];
    return USUAL_STEPS * 2 * width * k * (k + 2) * (double)ph_shape_lead(&n->shape);
}

const ph_op ph_op_logistic_code = { .name = "logistic_code", .arity = 3, .run = run,
                                    .scratch = scratch, .prepare = prepare, .flops = flops };

ph_node *ph_logistic_code(ph_node *x, ph_node *loadings, ph_node *mean, double ridge)
{
    if (ph_is_dead(x) || ph_is_dead(loadings) || ph_is_dead(mean))
        return ph_is_dead(x) ? x : ph_is_dead(loadings) ? loadings : mean;
    const ph_shape *w = &loadings->shape, *m = &mean->shape;
    size_t width = ph_shape_columns(&x->shape);
    if (w->set != 0 || w->rank != 2 || w->dim[0] != width || m->set != 0 || m->rank != 1 ||
        m->dim[0] != width) {
        char row[96], left[96], right[96];
        return ph_mistake(x->graph, "logistic code: rows %s, loadings %s and mean %s do not fit",
                          ph_shape_text(&x->shape, row), ph_shape_text(w, left),
                          ph_shape_text(m, right));
    }
    if (w->dim[1] > MOST_CODE || !(ridge > 0))
        return ph_mistake(x->graph, "logistic code: %zu numbers with ridge %g; there are at most "
                          "%d, and the ridge is above 0", w->dim[1], ridge, MOST_CODE);
    ph_shape shape = x->shape;
    shape.dim[shape.rank - 1] = w->dim[1];
    return ph_node_new(&ph_op_logistic_code, shape, (ph_node *[]){ x, loadings, mean }, 3,
                       (double[3]){ ridge }, NULL, false);
}
