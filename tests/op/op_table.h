/* op_table.h - one table drives the tests of all ops, in both builds.
 *
 * A row names an op, how a graph with it is built, its inputs, and a reference in plain double C that
 * shares nothing with the library. Each row is checked for its forward values, its derivative
 * (against central differences of the reference), its second derivative, several row counts, one to
 * four threads with equal bits, and inputs left as they were. Element-wise rows are checked in every
 * form of broadcasting. An op without a row fails.
 */
#ifndef TESTS_OP_OP_TABLE_H
#define TESTS_OP_OP_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/program.h"
#include "op/op_nodes.h"

enum { MOST_INPUTS = 5, MOST_ROWS = 67, MOST_VALUES = MOST_ROWS * 200 };

typedef struct shape {
    bool whole;
    size_t rank, dim[4];
} shape;

typedef struct problem {
    size_t rows;
    int inputs;
    shape in[MOST_INPUTS], out;
    double *x[MOST_INPUTS];
} problem;

typedef struct op_row {
    const char *op, *label;
    ph_node *(*build)(ph_node **in);
    int inputs;
    double (*scalar)(const double *v);            /* element-wise: one element */
    void (*reference)(const problem *, double *); /* others: all of it */
    shape in[MOST_INPUTS], out;                   /* of others */
    double low[MOST_INPUTS], high[MOST_INPUTS];
    bool no_derivative;
    bool indexed;                                 /* the last input holds indices below 6 */
    bool steps;                                   /* inputs take few different values */
    bool together;                                /* made by differentiating: equal shapes only */
} op_row;

/* ---- Element-wise references ------------------------------------------------------------------ */

#define BUILD1(name, expression)                                                                   \
    static ph_node *build_##name(ph_node **in) { ph_node *a = in[0]; return expression; }
#define BUILD2(name, expression)                                                                   \
    static ph_node *build_##name(ph_node **in)                                                     \
    { ph_node *a = in[0], *b = in[1]; return expression; }
#define SCALAR(name, expression)                                                                   \
    static double scalar_##name(const double *v)                                                   \
    { double a = v[0], b = v[1], c = v[2], d = v[3], e = v[4];                                     \
      (void)a, (void)b, (void)c, (void)d, (void)e; return expression; }

BUILD2(add, ph_add(a, b)) SCALAR(add, a + b)
BUILD2(sub, ph_sub(a, b)) SCALAR(sub, a - b)
BUILD2(mul, ph_mul(a, b)) SCALAR(mul, a *b)
BUILD2(div, ph_div(a, b)) SCALAR(div, a / b)
BUILD2(max, ph_max(a, b)) SCALAR(max, fmax(a, b))
BUILD2(min, ph_min(a, b)) SCALAR(min, fmin(a, b))
BUILD2(less, ph_less(a, b)) SCALAR(less, a < b)
BUILD2(less_equal, ph_less_equal(a, b)) SCALAR(less_equal, a <= b)
BUILD2(equal, ph_equal(a, b)) SCALAR(equal, a == b)
static ph_node *build_select(ph_node **in) { return ph_select(in[0], in[1], in[2]); }
SCALAR(select, a != 0 ? b : c)
BUILD1(scale, ph_scale(a, -1.75)) SCALAR(scale, -1.75 * a)
BUILD1(shift, ph_shift(a, 0.375)) SCALAR(shift, a + 0.375)
BUILD1(power, ph_power(a, 2.5)) SCALAR(power, pow(a, 2.5))
BUILD1(clamp, ph_clamp(a, -0.5, 0.75)) SCALAR(clamp, fmin(fmax(a, -0.5), 0.75))
BUILD1(round, ph_round(a)) SCALAR(round, nearbyint(a))
BUILD1(neg, ph_neg(a)) SCALAR(neg, -a)
BUILD1(abs, ph_abs(a)) SCALAR(abs, fabs(a))
BUILD1(sign, ph_sign(a)) SCALAR(sign, a > 0 ? 1 : a < 0 ? -1 : 0)
BUILD1(square, ph_square(a)) SCALAR(square, a *a)
BUILD1(sqrt, ph_sqrt(a)) SCALAR(sqrt, sqrt(a))
BUILD1(exp, ph_exp(a)) SCALAR(exp, exp(a))
BUILD1(log, ph_log(a)) SCALAR(log, log(a))
BUILD1(erf, ph_erf(a)) SCALAR(erf, erf(a))
BUILD1(relu, ph_relu(a)) SCALAR(relu, a > 0 ? a : 0)
BUILD1(leaky_relu, ph_leaky_relu(a, 0.125)) SCALAR(leaky_relu, a > 0 ? a : 0.125 * a)
BUILD1(elu, ph_elu(a, 1.5)) SCALAR(elu, a > 0 ? a : 1.5 * expm1(a))
BUILD1(gelu, ph_gelu(a)) SCALAR(gelu, 0.5 * a * (1 + erf(a / sqrt(2))))
BUILD1(silu, ph_silu(a)) SCALAR(silu, a / (1 + exp(-a)))
BUILD1(sigmoid, ph_sigmoid(a)) SCALAR(sigmoid, 1 / (1 + exp(-a)))
BUILD1(tanh, ph_tanh(a)) SCALAR(tanh, tanh(a))
BUILD1(softplus, ph_softplus(a)) SCALAR(softplus, fmax(a, 0) + log1p(exp(-fabs(a))))
BUILD2(bce, ph_bce(a, b)) SCALAR(bce, fmax(a, 0) + log1p(exp(-fabs(a))) - a * b)
BUILD2(average, ph_average(a, b, 0.75)) SCALAR(average, 0.75 * a + 0.25 * b)
BUILD2(average_square, ph_average_square(a, b, 0.75)) SCALAR(average_square, 0.75 * a + 0.25 * b * b)
static ph_node *build_adam_step(ph_node **in)
{
    return ph_adam_step(in[0], in[1], in[2], in[3], in[4], 1e-3);
}
SCALAR(adam_step, a - d * b / (sqrt(c) * e + 1e-3))

/* The derivative lines are reached through the derivatives they stand for; here they are built by
 * differentiating, so that their own values have a reference, too. */
static ph_node *derivative_of(ph_node *(*build)(ph_node **), ph_node *a, ph_node *dy)
{
    ph_node *out;
    ph_gradient(ph_sum_all(ph_mul(build(&a), dy)), &a, 1, &out);
    return out;
}
BUILD2(gelu_gradient, derivative_of(build_gelu, a, b))
SCALAR(gelu_gradient, b * (0.5 * erfc(-a / sqrt(2)) + a * exp(-a * a / 2) / sqrt(2 * M_PI)))
BUILD2(relu_gradient, derivative_of(build_relu, a, b)) SCALAR(relu_gradient, a > 0 ? b : 0)
BUILD2(leaky_relu_gradient, derivative_of(build_leaky_relu, a, b))
SCALAR(leaky_relu_gradient, a > 0 ? b : 0.125 * b)
BUILD2(elu_gradient, derivative_of(build_elu, a, b)) SCALAR(elu_gradient, a > 0 ? b : b * 1.5 * exp(a))
BUILD2(sigmoid_gradient, derivative_of(build_sigmoid, a, b))
SCALAR(sigmoid_gradient, b / (1 + exp(-a)) / (1 + exp(a)))
BUILD2(tanh_gradient, derivative_of(build_tanh, a, b))
SCALAR(tanh_gradient, b * (1 - tanh(a) * tanh(a)))
static ph_node *build_copy(ph_node **in)
{
    return ph_map(ph_map_ops[10], in, NULL);
}
SCALAR(copy, a)

/* ---- References of the others -------------------------------------------------------------------- */

static size_t size_of(const shape *s)
{
    size_t size = 1;
    for (size_t i = 0; i < s->rank; i++)
        size *= s->dim[i];
    return size;
}

static size_t count_of(const problem *p, const shape *s)
{
    return size_of(s) * (s->whole ? 1 : p->rows);
}

/* Rows and columns of input i as a matrix. */
static size_t columns(const problem *p, int i) { return p->in[i].dim[p->in[i].rank - 1]; }
static size_t lines(const problem *p, int i) { return count_of(p, &p->in[i]) / columns(p, i); }

static void multiply(const problem *p, double *out, bool transposed)
{
    size_t m = lines(p, 0), k = columns(p, 0), n = p->out.dim[p->out.rank - 1];
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t q = 0; q < k; q++)
                sum += p->x[0][i * k + q] * (transposed ? p->x[1][j * k + q] : p->x[1][q * n + j]);
            out[i * n + j] = sum;
        }
}

static void ref_product(const problem *p, double *out) { multiply(p, out, false); }
static void ref_product_t(const problem *p, double *out) { multiply(p, out, true); }

static void ref_over_rows(const problem *p, double *out)
{
    size_t k = lines(p, 0), m = columns(p, 0), n = columns(p, 1);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            out[i * n + j] = 0;
            for (size_t q = 0; q < k; q++)
                out[i * n + j] += p->x[0][q * m + i] * p->x[1][q * n + j];
        }
}

/* The last two dimensions are matrices, turned or not. */
static void multiply_each(const problem *p, double *out, bool turned_a, bool turned_b)
{
    size_t rank = p->out.rank, m = p->out.dim[rank - 2], n = p->out.dim[rank - 1];
    size_t k = p->in[0].dim[turned_a ? rank - 2 : rank - 1], count = count_of(p, &p->out) / (m * n);
    for (size_t each = 0; each < count; each++) {
        const double *a = p->x[0] + each * m * k, *b = p->x[1] + each * k * n;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                double *sum = &out[(each * m + i) * n + j];
                *sum = 0;
                for (size_t q = 0; q < k; q++)
                    *sum += a[turned_a ? q * m + i : i * k + q] * b[turned_b ? j * k + q : q * n + j];
            }
    }
}

#define BATCHED(name, turned_a, turned_b)                                                          \
    static void ref_##name(const problem *p, double *out)                                          \
    { multiply_each(p, out, turned_a, turned_b); }                                                 \
    static ph_node *build_##name(ph_node **in)                                                     \
    { return ph_batched_product(in[0], turned_a, in[1], turned_b); }
BATCHED(batched, false, false) BATCHED(batched_t, false, true) BATCHED(turned_batched, true, false)
BATCHED(turned_batched_t, true, true)

static void ref_sum_last(const problem *p, double *out)
{
    for (size_t r = 0; r < lines(p, 0); r++) {
        out[r] = 0;
        for (size_t c = 0; c < columns(p, 0); c++)
            out[r] += p->x[0][r * columns(p, 0) + c];
    }
}

static void ref_sum_rows(const problem *p, double *out)
{
    for (size_t c = 0; c < columns(p, 0); c++) {
        out[c] = 0;
        for (size_t r = 0; r < lines(p, 0); r++)
            out[c] += p->x[0][r * columns(p, 0) + c];
    }
}

static uint64_t splitmix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void ref_uniform_of(const problem *p, double *out)
{
    size_t n = columns(p, 0), count = p->out.dim[p->out.rank - 1];
    for (size_t r = 0; r < lines(p, 0); r++) {
        uint64_t sum = 0;
        for (size_t c = 0; c < n; c++) {
            real value = (real)p->x[0][r * n + c];
            uint64_t word = 0;
            memcpy(&word, &value, sizeof value); /* little-endian: the low bytes */
            sum += splitmix(word + (c + 1) * 0x9E3779B97F4A7C15u);
        }
        for (size_t c = 0; c < count; c++) {
            uint64_t word = splitmix(splitmix(sum) + (c + 1) * 0x9E3779B97F4A7C15u);
            out[r * count + c] = ldexp((double)(word >> 41) + 0.5, -23);
        }
    }
}
static void ref_binarize(const problem *p, double *out)
{
    ref_uniform_of(p, out);
    for (size_t i = 0; i < count_of(p, &p->out); i++)
        out[i] = (real)out[i] < (real)p->x[0][i];
}

static void ref_largest(const problem *p, double *out)
{
    size_t n = columns(p, 0);
    for (size_t r = 0; r < lines(p, 0); r++)
        for (size_t c = 0; c < n; c++) {
            size_t before = 0;
            for (size_t i = 0; i < n; i++) {
                double other = p->x[0][r * n + i], own = p->x[0][r * n + c];
                before += other > own || (other == own && i < c);
            }
            out[r * n + c] = before < 4;
        }
}
enum { CODE_RIDGE = 1 };
static ph_node *build_logistic_code(ph_node **in)
{
    return ph_logistic_code(in[0], in[1], in[2], CODE_RIDGE);
}
/* One number of the code after the other goes down its majorising parabola: weights are 1/4 at
 * most. */
static void ref_logistic_code(const problem *p, double *out)
{
    size_t n = columns(p, 0), k = columns(p, 1);
    for (size_t r = 0; r < lines(p, 0); r++) {
        const double *x = p->x[0] + r * n, *w = p->x[1], *mean = p->x[2];
        double *z = out + r * k;
        memset(z, 0, k * sizeof *z);
        for (int turn = 0; turn < 2000; turn++)
            for (size_t j = 0; j < k; j++) {
                double slope = CODE_RIDGE * z[j], bend = CODE_RIDGE;
                for (size_t c = 0; c < n; c++) {
                    double logit = mean[c];
                    for (size_t i = 0; i < k; i++)
                        logit += w[c * k + i] * z[i];
                    slope += w[c * k + j] * (1 / (1 + exp(-logit)) - x[c]);
                    bend += w[c * k + j] * w[c * k + j] / 4;
                }
                z[j] -= slope / bend;
            }
    }
}
static void ref_sum_leading(const problem *p, double *out)
{
    size_t n = columns(p, 0), lead = lines(p, 0) / p->rows;
    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < n; c++) {
            out[r * n + c] = 0;
            for (size_t k = 0; k < lead; k++)
                out[r * n + c] += p->x[0][(r * lead + k) * n + c];
        }
}
static void ref_samples(const problem *p, double *out)
{
    size_t n = columns(p, 1), lead = lines(p, 1) / p->rows;
    for (size_t i = 0; i < lines(p, 1); i++)
        for (size_t c = 0; c < n; c++)
            out[i * n + c] = p->x[0][i / lead * n + c] * p->x[1][i * n + c];
}
static void ref_mean_rows(const problem *p, double *out)
{
    ref_sum_rows(p, out);
    for (size_t c = 0; c < columns(p, 0); c++)
        out[c] /= (double)lines(p, 0);
}

static void ref_max_last(const problem *p, double *out)
{
    for (size_t r = 0; r < lines(p, 0); r++) {
        out[r] = -INFINITY;
        for (size_t c = 0; c < columns(p, 0); c++)
            out[r] = fmax(out[r], p->x[0][r * columns(p, 0) + c]);
    }
}

static double log_sum_exp(const double *x, size_t n)
{
    double most = -INFINITY, sum = 0;
    for (size_t c = 0; c < n; c++)
        most = fmax(most, x[c]);
    for (size_t c = 0; c < n; c++)
        sum += exp(x[c] - most);
    return most + log(sum);
}

static void ref_log_sum_exp(const problem *p, double *out)
{
    for (size_t r = 0; r < lines(p, 0); r++)
        out[r] = log_sum_exp(p->x[0] + r * columns(p, 0), columns(p, 0));
}

static void ref_log_softmax(const problem *p, double *out)
{
    size_t n = columns(p, 0);
    for (size_t i = 0; i < lines(p, 0) * n; i++)
        out[i] = p->x[0][i] - log_sum_exp(p->x[0] + i / n * n, n);
}

static void ref_softmax(const problem *p, double *out)
{
    ref_log_softmax(p, out);
    for (size_t i = 0; i < count_of(p, &p->in[0]); i++)
        out[i] = exp(out[i]);
}

/* By a mask: what comes later is as good as minus infinity. */
static void ref_causal_softmax(const problem *p, double *out)
{
    size_t n = columns(p, 0);
    for (size_t r = 0; r < lines(p, 0); r++) {
        double masked[16];
        for (size_t c = 0; c < n; c++)
            masked[c] = c > r % n ? -1e9 : p->x[0][r * n + c];
        for (size_t c = 0; c < n; c++)
            out[r * n + c] = exp(masked[c] - log_sum_exp(masked, n));
    }
}

static void ref_same(const problem *p, double *out)
{
    memcpy(out, p->x[0], count_of(p, &p->in[0]) * sizeof *out);
}

static void ref_slice(const problem *p, double *out)
{
    for (size_t r = 0; r < lines(p, 0); r++)
        for (size_t c = 0; c < 3; c++)
            out[r * 3 + c] = p->x[0][r * columns(p, 0) + 2 + c];
}

static void ref_pad(const problem *p, double *out)
{
    for (size_t r = 0; r < lines(p, 0); r++)
        for (size_t c = 0; c < 7; c++)
            out[r * 7 + c] = c >= 2 && c < 5 ? p->x[0][r * 3 + c - 2] : 0;
}

static void ref_concatenate(const problem *p, double *out)
{
    size_t a = columns(p, 0), b = columns(p, 1);
    for (size_t r = 0; r < lines(p, 0); r++)
        for (size_t c = 0; c < a + b; c++)
            out[r * (a + b) + c] = c < a ? p->x[0][r * a + c] : p->x[1][r * b + c - a];
}

/* [3, 1] per row and [2, 3, 5]: index by index. */
static void ref_spread(const problem *p, double *out)
{
    for (size_t r = 0; r < p->rows; r++)
        for (size_t i = 0; i < 2; i++)
            for (size_t j = 0; j < 3; j++)
                for (size_t k = 0; k < 5; k++)
                    out[((r * 2 + i) * 3 + j) * 5 + k] = p->x[0][j];
}

/* Pooling of pictures [h, w, c]: kind 0 the values of v at the places of the largest, 1 d added there, 2
 * means, 3 d shared out. Windows of the same table. */
typedef struct pooling { size_t k_h, k_w; ph_window window; } pooling;
static const pooling poolings[] = {
    { 2, 2, { .stride = { 2, 2 } } },
    { 3, 2, { .stride = { 2, 1 }, .padding = { 1, 1 }, .dilation = { 1, 2 } } },
    { 1, 3, { .padding = { 0, 2 }, .dilation = { 1, 2 } } },
};
static void ref_pool(const problem *p, double *out, const shape *x, const shape *y, const pooling *pool,
                     int kind)
{
    const ph_window *w = &pool->window;
    long sh = w->stride[0] ? (long)w->stride[0] : 1, sw = w->stride[1] ? (long)w->stride[1] : 1;
    long dh = w->dilation[0] ? (long)w->dilation[0] : 1, dw = w->dilation[1] ? (long)w->dilation[1] : 1;
    size_t rows = x->whole ? 1 : p->rows, c = x->dim[2];
    memset(out, 0, count_of(p, &p->out) * sizeof *out);
    for (size_t i = 0; i < rows * size_of(y); i++) {
        size_t row = i / size_of(y), pixel = i % size_of(y) / c, inside[64], count = 0, best = 0;
        long y_at = (long)(pixel / y->dim[1]), x_at = (long)(pixel % y->dim[1]);
        for (long k = 0; k < (long)(pool->k_h * pool->k_w); k++) {
            long at_h = y_at * sh + k / (long)pool->k_w * dh - (long)w->padding[0];
            long at_w = x_at * sw + k % (long)pool->k_w * dw - (long)w->padding[1];
            if (at_h >= 0 && at_h < (long)x->dim[0] && at_w >= 0 && at_w < (long)x->dim[1])
                inside[count++] = row * size_of(x) + (size_t)(at_h * (long)x->dim[1] + at_w) * c + i % c;
        }
        for (size_t k = 1; kind < 2 && k < count; k++)
            best = p->x[0][inside[k]] > p->x[0][inside[best]] ? k : best;
        for (size_t k = 0; k < count; k++) {
            if (kind == 0 && k == best)
                out[i] = p->x[p->inputs - 1][inside[k]];
            else if (kind == 1 && k == best)
                out[inside[k]] += p->x[1][i];
            else if (kind == 2)
                out[i] += p->x[0][inside[k]] / (double)count;
            else if (kind == 3)
                out[inside[k]] += p->x[1][i] / (double)count;
        }
    }
}
#define POOLING(n)                                                                                 \
    static ph_node *build_max_pool##n(ph_node **in)                                                \
    { return ph_max_pool(in[0], poolings[n].k_h, poolings[n].k_w, &poolings[n].window); }          \
    static ph_node *build_average_pool##n(ph_node **in)                                            \
    { return ph_average_pool(in[0], poolings[n].k_h, poolings[n].k_w, &poolings[n].window); }      \
    static ph_node *build_max_pool_back##n(ph_node **in)                                           \
    { return derivative_of(build_max_pool##n, in[0], in[1]); }                                     \
    static ph_node *build_average_pool_back##n(ph_node **in)                                       \
    { return derivative_of(build_average_pool##n, in[0], in[1]); }                                 \
    static void ref_max_pool##n(const problem *p, double *out)                                     \
    { ref_pool(p, out, &p->in[0], &p->out, &poolings[n], 0); }                                     \
    static void ref_max_pool_back##n(const problem *p, double *out)                                \
    { ref_pool(p, out, &p->out, &p->in[1], &poolings[n], 1); }                                     \
    static void ref_average_pool##n(const problem *p, double *out)                                 \
    { ref_pool(p, out, &p->in[0], &p->out, &poolings[n], 2); }                                     \
    static void ref_average_pool_back##n(const problem *p, double *out)                            \
    { ref_pool(p, out, &p->out, &p->in[1], &poolings[n], 3); }
POOLING(0) POOLING(1) POOLING(2)

/* Another size, as sums over all pixels with a weight for each pair: 1 for the nearest; for bilinear ones
 * a tent of the width of an old pixel, where what is beyond the edge counts for the edge. */
static double share(size_t p, size_t q, size_t new, size_t old, bool bilinear)
{
    if (!bilinear)
        return floor((double)p * (double)old / (double)new + 1e-9) == (double)q;
    double place = ((double)p + 0.5) * (double)old / (double)new - 0.5, sum = 0;
    for (long i = -3; i < (long)old + 3; i++) {
        long edge = i < 0 ? 0 : i >= (long)old ? (long)old - 1 : i;
        sum += edge == (long)q ? fmax(0, 1 - fabs(place - (double)i)) : 0;
    }
    return sum;
}
static void ref_resize(const problem *p, double *out, const shape *x, const shape *y, bool bilinear,
                       bool back)
{
    size_t rows = x->whole ? 1 : p->rows, c = x->dim[2];
    memset(out, 0, count_of(p, &p->out) * sizeof *out);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < size_of(y); i++)
            for (size_t k = i % c; k < size_of(x); k += c) {
                size_t wide = y->dim[1], old = x->dim[1];
                double weight = share(i / c / wide, k / c / old, y->dim[0], x->dim[0], bilinear) *
                                share(i / c % wide, k / c % old, wide, old, bilinear);
                size_t of_y = r * size_of(y) + i, of_x = r * size_of(x) + k;
                out[back ? of_x : of_y] += weight * p->x[back][back ? of_y : of_x];
            }
}
#define RESIZING(name, h, w, bilinear)                                                             \
    static ph_node *build_##name(ph_node **in) { return ph_upsample(in[0], h, w, bilinear); }      \
    static ph_node *build_##name##_back(ph_node **in)                                              \
    { return derivative_of(build_##name, in[0], in[1]); }                                          \
    static void ref_##name(const problem *p, double *out)                                          \
    { ref_resize(p, out, &p->in[0], &p->out, bilinear, false); }                                   \
    static void ref_##name##_back(const problem *p, double *out)                                   \
    { ref_resize(p, out, &p->out, &p->in[1], bilinear, true); }
RESIZING(nearest, 6, 7, false) RESIZING(bilinear, 6, 7, true) RESIZING(shrunk, 2, 3, true)

/* [2, 3, 5] per row to [2, 1, 5]. */
static void ref_fold(const problem *p, double *out)
{
    memset(out, 0, count_of(p, &p->out) * sizeof *out);
    for (size_t i = 0; i < count_of(p, &p->in[1]); i++)
        out[i / 15 * 5 + i % 5] += p->x[1][i];
}

/* Products of lines, times numbers of a row, plus lines that all rows have: a tile has several rows. */
static void ref_epilogue(const problem *p, double *out)
{
    size_t n = columns(p, 1), lead = p->in[0].dim[0];
    ref_product(p, out);
    for (size_t i = 0; i < count_of(p, &p->out); i++)
        out[i] = out[i] * p->x[2][i / n / lead * n + i % n] + p->x[3][i % (lead * n)];
}
/* Three dimensions in another order. */
static void swap(const problem *p, double *out, const size_t *order)
{
    const size_t *dim = p->in[0].dim, size = size_of(&p->in[0]);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t k = 0; k < size; k++) {
            size_t at[3] = { k / dim[2] / dim[1], k / dim[2] % dim[1], k % dim[2] };
            size_t to = (at[order[0]] * dim[order[1]] + at[order[1]]) * dim[order[2]] + at[order[2]];
            out[r * size + to] = p->x[0][r * size + k];
        }
}
static void ref_swap_first(const problem *p, double *out) { swap(p, out, (size_t[]){ 1, 0, 2 }); }
static void ref_swap_last(const problem *p, double *out) { swap(p, out, (size_t[]){ 0, 2, 1 }); }
static void ref_swap_outer(const problem *p, double *out) { swap(p, out, (size_t[]){ 2, 1, 0 }); }

static void ref_gather(const problem *p, double *out)
{
    for (size_t i = 0; i < count_of(p, &p->in[1]); i++)
        memcpy(out + i * 4, p->x[0] + (size_t)p->x[1][i] * 4, 4 * sizeof *out);
}

static void ref_take_lines(const problem *p, double *out)
{
    size_t n = p->in[0].dim[0], d = p->in[0].dim[1], k = p->in[1].dim[0];
    for (size_t i = 0; i < p->rows * k; i++)
        memcpy(out + i * d, p->x[0] + (i / k * n + (size_t)p->x[1][i]) * d, d * sizeof *out);
}

static void ref_add_lines(const problem *p, double *out)
{
    size_t k = p->in[0].dim[0], d = p->in[0].dim[1];
    for (size_t i = 0; i < p->rows * 6 * d; i++) {
        out[i] = 0;
        for (size_t l = 0; l < k; l++) {
            size_t line = i / d / 6 * k + l;
            out[i] += p->x[1][line] == (double)(i / d % 6) ? p->x[0][line * d + i % d] : 0;
        }
    }
}

/* The place of each number among all is how many come before it. */
static void ref_smallest(const problem *p, double *out)
{
    size_t n = columns(p, 0), count = p->out.dim[p->out.rank - 1];
    for (size_t r = 0; r < lines(p, 0); r++)
        for (size_t c = 0; c < n; c++) {
            const double *x = p->x[0] + r * n;
            size_t before = 0;
            for (size_t i = 0; i < n; i++)
                before += x[i] < x[c] || (x[i] == x[c] && i < c);
            if (before < count)
                out[r * count + before] = (double)c;
        }
}

static void ref_one_hot(const problem *p, double *out)
{
    for (size_t i = 0; i < count_of(p, &p->in[0]); i++)
        for (size_t c = 0; c < 5; c++)
            out[i * 5 + c] = p->x[0][i] == (double)c;
}

static void ref_nearest_entry(const problem *p, double *out)
{
    size_t d = columns(p, 0);
    for (size_t i = 0; i < lines(p, 0); i++) {
        double best = INFINITY;
        for (size_t e = 0; e < p->in[1].dim[0]; e++) {
            double distance = 0;
            for (size_t k = 0; k < d; k++)
                distance += pow(p->x[0][i * d + k] - p->x[1][e * d + k], 2);
            out[i] = distance < best ? (double)e : out[i];
            best = fmin(best, distance);
        }
    }
}

static void ref_argmax_last(const problem *p, double *out)
{
    size_t n = columns(p, 0);
    for (size_t i = 0; i < lines(p, 0); i++) {
        size_t most = n - 1;
        for (size_t c = n; c-- > 0;)
            most = p->x[0][i * n + c] >= p->x[0][i * n + most] ? c : most;
        out[i] = (double)most;
    }
}

static void ref_pick(const problem *p, double *out)
{
    for (size_t r = 0; r < p->rows; r++)
        memcpy(out + r * 4, p->x[0] + (size_t)(p->x[1][r] * 6) * 4, 4 * sizeof *out);
}

/* Convolutions: windows of the table's rows, and the sum over all that each of the three leaves out. */
typedef struct picture {
    size_t h, w, c, y_h, y_w, o, k_h, k_w;
} picture;

static const ph_window windows[] = {
    { .padding = { 1, 1 } },
    { .stride = { 2, 2 }, .padding = { 1, 1 } },
    { .stride = { 1, 3 }, .padding = { 0, 2 }, .dilation = { 2, 1 }, .groups = 2 },
    { .stride = { 1, 2 }, .padding = { 0, 2 }, .dilation = { 1, 2 } },
    { .groups = 4 },
};

/* Adds, for every pair of a pixel of Y and a place of its window, left times right to where `to` says:
 * 0 Y, 1 X, 2 W. */
static void ref_windows(const problem *p, double *out, const shape *x, const shape *y, const shape *k,
                        const ph_window *w, int to)
{
    const size_t *in = x->dim + x->rank - 3, *made = y->dim + y->rank - 3;
    picture s = { in[0], in[1], in[2], made[0], made[1], made[2], k->dim[0], k->dim[1] };
    size_t groups = w->groups ? w->groups : 1, c_each = s.c / groups, o_each = s.o / groups;
    size_t sh = w->stride[0] ? w->stride[0] : 1, sw = w->stride[1] ? w->stride[1] : 1;
    size_t dh = w->dilation[0] ? w->dilation[0] : 1, dw = w->dilation[1] ? w->dilation[1] : 1;
    size_t rows = (x->whole ? 1 : p->rows) * (x->rank == 4 ? x->dim[0] : 1);
    memset(out, 0, count_of(p, &p->out) * sizeof *out);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < s.y_h * s.y_w; i++)
            for (size_t place = 0; place < s.k_h * s.k_w; place++) {
                long at_h = (long)(i / s.y_w * sh + place / s.k_w * dh) - (long)w->padding[0];
                long at_w = (long)(i % s.y_w * sw + place % s.k_w * dw) - (long)w->padding[1];
                if (at_h < 0 || at_h >= (long)s.h || at_w < 0 || at_w >= (long)s.w)
                    continue;
                for (size_t o = 0; o < s.o; o++)
                    for (size_t c = 0; c < c_each; c++) {
                        size_t in_x = ((r * s.h + (size_t)at_h) * s.w + (size_t)at_w) * s.c +
                                      o / o_each * c_each + c;
                        size_t in_y = (r * s.y_h * s.y_w + i) * s.o + o;
                        size_t in_w = (place * c_each + c) * s.o + o;
                        const double *a = p->x[0], *b = p->x[1];
                        if (to == 0)
                            out[in_y] += a[in_x] * b[in_w];
                        else if (to == 1)
                            out[in_x] += a[in_y] * b[in_w];
                        else
                            out[in_w] += a[in_x] * b[in_y];
                    }
            }
}

#define WINDOW(n)                                                                                  \
    static ph_node *build_conv##n(ph_node **in) { return ph_convolution(in[0], in[1], &windows[n]); } \
    static void ref_conv##n(const problem *p, double *out)                                         \
    { ref_windows(p, out, &p->in[0], &p->out, &p->in[1], &windows[n], 0); }                        \
    static ph_node *build_back##n(ph_node **in)                                                    \
    { return ph_transposed_convolution(in[0], in[1], &windows[n], back##n); }                      \
    static void ref_back##n(const problem *p, double *out)                                         \
    { ref_windows(p, out, &p->out, &p->in[0], &p->in[1], &windows[n], 1); }
static const size_t back0[] = { 3, 4 }, back1[] = { 5, 6 }, back2[] = { 5, 4 }, back3[] = { 1, 8 },
                    back4[] = { 2, 3 };
WINDOW(0) WINDOW(1) WINDOW(2) WINDOW(3) WINDOW(4)

/* The third is reached by differentiating the first, which its second derivatives then test, too. */
static ph_node *build_conv_weight(ph_node **in)
{
    ph_node *zero = ph_parameter(ph_scope_of(in[0]->graph, ""), "kernel", 4,
                                 (size_t[]){ 3, 2, 2, 3 }, PH_ZEROS, 0), *out;
    ph_gradient(ph_sum_all(ph_mul(ph_convolution(in[0], zero, &windows[1]), in[1])), &zero, 1, &out);
    return out;
}
static void ref_conv_weight(const problem *p, double *out)
{
    ref_windows(p, out, &p->in[0], &p->in[1], &p->out, &windows[1], 2);
}

/* Numbers to indices and back: what is no index becomes 2^32 - 1. */
static ph_node *build_to_index(ph_node **in) { return ph_to_real(ph_to_index(in[0])); }
static void ref_to_index(const problem *p, double *out)
{
    for (size_t i = 0; i < count_of(p, &p->in[0]); i++) {
        double a = p->x[0][i];
        out[i] = a >= 0 && a == floor(a) ? a : (double)(real)UINT32_MAX;
    }
}

enum { CHOSEN = 5 };
static ph_node *build_choose(ph_node **in) { return ph_choose_lines(in[0], CHOSEN, in[1]); }
/* Philox4x32-10 once more, as its paper has it. */
static uint64_t philox_64(uint32_t counter, uint32_t key)
{
    uint32_t c[4] = { counter, 0, 0, 0 }, k[2] = { key, 0 };
    for (int round = 0; round < 10; round++, k[0] += 0x9E3779B9u, k[1] += 0xBB67AE85u) {
        uint64_t low = 0xD2511F53ull * c[0], high = 0xCD9E8D57ull * c[2];
        uint32_t next[4] = { (uint32_t)(high >> 32) ^ c[1] ^ k[0], (uint32_t)high,
                             (uint32_t)(low >> 32) ^ c[3] ^ k[1], (uint32_t)low };
        memcpy(c, next, sizeof c);
    }
    return (uint64_t)c[0] << 32 | c[1];
}
static void ref_choose(const problem *p, double *out)
{
    size_t n = columns(p, 0);
    for (size_t k = 0; k < CHOSEN; k++)
        memcpy(out + k * n, p->x[0] + philox_64((uint32_t)k, (uint32_t)p->x[1][0]) % lines(p, 0) * n,
               n * sizeof *out);
}

static ph_node *build_cluster(ph_node **in)
{
    return ph_cluster_lines(in[0], in[1], ph_constant(in[0]->graph, 3));
}
static void ref_cluster(const problem *p, double *out)
{
    size_t n = columns(p, 0), count = p->in[1].dim[0];
    memcpy(out, p->x[1], count * n * sizeof *out);
    for (int round = 0; round < 3; round++) {
        double sum[64] = { 0 }, members[16] = { 0 };
        for (size_t l = 0; l < lines(p, 0); l++) {
            size_t best = 0;
            double least = INFINITY;
            for (size_t k = 0; k < count; k++) {
                double distance = 0;
                for (size_t c = 0; c < n; c++)
                    distance += pow(p->x[0][l * n + c] - out[k * n + c], 2);
                best = distance < least ? k : best;
                least = fmin(least, distance);
            }
            members[best]++;
            for (size_t c = 0; c < n; c++)
                sum[best * n + c] += p->x[0][l * n + c];
        }
        for (size_t i = 0; i < count * n; i++)
            out[i] = members[i / n] > 0 ? sum[i] / members[i / n] : out[i];
    }
}

static ph_node *build_product(ph_node **in) { return ph_product(in[0], in[1], false); }
static ph_node *build_product_t(ph_node **in) { return ph_product(in[0], in[1], true); }
static ph_node *build_over_rows(ph_node **in) { return ph_product_over_rows(in[0], in[1]); }
BUILD1(sum_last, ph_sum_last(a))
BUILD1(sum_rows, ph_sum_rows(a))
BUILD1(mean_rows, ph_mean_rows(a))
BUILD1(max_last, ph_max_last(a))
BUILD1(largest, ph_largest(a, 4))
BUILD1(binarize, ph_binarize(a))
BUILD1(uniform_of, ph_uniform_of(a, 50))
BUILD1(smallest, ph_to_real(ph_smallest(a, 4)))
BUILD1(order, ph_to_real(ph_smallest(a, ph_shape_columns(&a->shape))))
BUILD2(take_lines, ph_take_lines(a, b))
BUILD2(add_lines, ph_add_lines(a, b, 6))
BUILD1(sum_leading, ph_sum_leading(a))
BUILD2(samples, ph_mul(a, b))
BUILD1(softmax, ph_softmax(a))
BUILD1(causal_softmax, ph_causal_softmax(a))
BUILD1(log_softmax, ph_log_softmax(a))
BUILD1(log_sum_exp, ph_log_sum_exp(a))
BUILD1(reshape, ph_reshape(a, 3, (size_t[]){ 3, 2, 4 }))
BUILD1(slice, ph_slice(a, 2, 3))
BUILD2(concatenate, ph_concatenate(a, b))
BUILD1(swap_first, ph_swap_axes(a, 0, 1))
BUILD1(swap_last, ph_swap_axes(a, 2, 1))
BUILD1(swap_outer, ph_swap_axes(a, 0, 2))
BUILD1(swap_nothing, ph_swap_axes(ph_swap_axes(ph_swap_axes(a, 1, 2), 0, 1), 1, 0))
static ph_node *build_pad(ph_node **in)
{
    ph_node *wide = ph_broadcast_to(ph_constant(in[0]->graph, 0),
                                    &(ph_shape){ in[0]->shape.set, 1, { 7 } }), *out;
    ph_gradient(ph_sum_all(ph_mul(ph_slice(wide, 2, 3), in[0])), &wide, 1, &out);
    return out;
}
static ph_node *build_spread(ph_node **in)
{
    return ph_broadcast_to(in[0], &(ph_shape){ in[1]->shape.set, 3, { 2, 3, 5 } });
}
static ph_node *build_fold(ph_node **in)
{
    ph_node *out, *wide = ph_broadcast_to(in[0], &in[1]->shape);
    ph_gradient(ph_sum_all(ph_mul(wide, in[1])), in, 1, &out);
    return out;
}
static ph_node *build_epilogue(ph_node **in)
{
    return ph_add(ph_mul(ph_product(in[0], in[1], false), in[2]), in[3]);
}
static ph_node *build_gather(ph_node **in) { return ph_gather(in[0], in[1]); }
static ph_node *build_one_hot(ph_node **in) { return ph_one_hot(in[0], 5); }
static ph_node *build_to_real(ph_node **in) { return ph_to_real(ph_reshape(in[0], 1, (size_t[]){ 6 })); }
static ph_node *build_nearest_entry(ph_node **in) { return ph_to_real(ph_nearest_entry(in[0], in[1])); }
static ph_node *build_argmax_last(ph_node **in) { return ph_to_real(ph_argmax_last(in[0])); }
static ph_node *build_pick(ph_node **in) { return ph_pick(in[0], in[1]); }

/* ---- The table ------------------------------------------------------------------------------------- */

#define EW(name, n, ...) { .op = #name, .label = #name, .build = build_##name, .inputs = n,        \
                           .scalar = scalar_##name, __VA_ARGS__ }
#define BETWEEN(a, b) .low = { a, a, a, a, a }, .high = { b, b, b, b, b }
#define ROWS(...) { false, __VA_ARGS__ }
#define WHOLE(...) { true, __VA_ARGS__ }

static const op_row table[] = {
    EW(add, 2, BETWEEN(-2, 2)), EW(sub, 2, BETWEEN(-2, 2)), EW(mul, 2, BETWEEN(-2, 2)),
    EW(div, 2, .low = { -2, 0.5 }, .high = { 2, 2 }), EW(max, 2, BETWEEN(-2, 2)),
    EW(min, 2, BETWEEN(-2, 2)), EW(less, 2, BETWEEN(-2, 2), .no_derivative = true, .steps = true),
    EW(less_equal, 2, BETWEEN(-2, 2), .no_derivative = true, .steps = true),
    EW(equal, 2, BETWEEN(-2, 2), .no_derivative = true, .steps = true),
    EW(select, 3, .low = { -1, -2, -2 }, .high = { 1, 2, 2 }, .steps = true),
    EW(copy, 1, BETWEEN(-2, 2)), EW(scale, 1, BETWEEN(-2, 2)), EW(shift, 1, BETWEEN(-2, 2)),
    EW(power, 1, BETWEEN(0.25, 3)), EW(clamp, 1, BETWEEN(-2, 2)),
    EW(round, 1, BETWEEN(-3, 3), .no_derivative = true), EW(neg, 1, BETWEEN(-2, 2)),
    EW(abs, 1, BETWEEN(-2, 2)), EW(sign, 1, BETWEEN(-2, 2), .no_derivative = true),
    EW(square, 1, BETWEEN(-2, 2)), EW(sqrt, 1, BETWEEN(0.25, 4)), EW(exp, 1, BETWEEN(-3, 3)),
    EW(log, 1, BETWEEN(0.25, 4)), EW(erf, 1, BETWEEN(-3, 3)), EW(gelu, 1, BETWEEN(-3, 3)),
    EW(gelu_gradient, 2, BETWEEN(-3, 3), .together = true), EW(relu, 1, BETWEEN(-2, 2)),
    EW(relu_gradient, 2, BETWEEN(-2, 2), .together = true), EW(leaky_relu, 1, BETWEEN(-2, 2)),
    EW(leaky_relu_gradient, 2, BETWEEN(-2, 2), .together = true), EW(elu, 1, BETWEEN(-2, 2)),
    EW(elu_gradient, 2, BETWEEN(-2, 2), .together = true), EW(sigmoid, 1, BETWEEN(-5, 5)),
    EW(sigmoid_gradient, 2, BETWEEN(-3, 3), .together = true), EW(tanh, 1, BETWEEN(-3, 3)),
    EW(tanh_gradient, 2, BETWEEN(-2, 2), .together = true), EW(softplus, 1, BETWEEN(-5, 5)),
    EW(bce, 2, .low = { -5, 0 }, .high = { 5, 1 }), EW(average, 2, BETWEEN(-2, 2)),
    EW(average_square, 2, BETWEEN(-2, 2)),
    EW(adam_step, 5, .low = { -2, -2, 0.1, 0.1, 0.5 }, .high = { 2, 2, 2, 1, 2 },
       .no_derivative = true),
    { .op = "mul", .label = "silu", .build = build_silu, .inputs = 1, .scalar = scalar_silu,
      BETWEEN(-3, 3) },

    { "product", "product", build_product, 2, NULL, ref_product,
      { ROWS(1, { 13 }), WHOLE(2, { 13, 37 }) }, ROWS(1, { 37 }), BETWEEN(-1, 1) },
    { "product", "product, transposed", build_product_t, 2, NULL, ref_product_t,
      { ROWS(1, { 13 }), WHOLE(2, { 37, 13 }) }, ROWS(1, { 37 }), BETWEEN(-1, 1) },
    { "product", "product of more dimensions", build_product, 2, NULL, ref_product,
      { ROWS(2, { 3, 5 }), WHOLE(2, { 5, 4 }) }, ROWS(2, { 3, 4 }), BETWEEN(-1, 1) },
    { "product", "product of whole values", build_product, 2, NULL, ref_product,
      { WHOLE(2, { 7, 5 }), WHOLE(2, { 5, 130 }) }, WHOLE(2, { 7, 130 }), BETWEEN(-1, 1) },
    { "product", "product of whole values, transposed", build_product_t, 2, NULL, ref_product_t,
      { WHOLE(2, { 50, 3 }), WHOLE(2, { 17, 3 }) }, WHOLE(2, { 50, 17 }), BETWEEN(-1, 1) },
    { "product", "product to one column", build_product, 2, NULL, ref_product,
      { ROWS(1, { 9 }), WHOLE(2, { 9, 1 }) }, ROWS(1, { 1 }), BETWEEN(-1, 1) },
    { "product", "product and what is broadcast on its tiles", build_epilogue, 4, NULL, ref_epilogue,
      { ROWS(2, { 3, 5 }), WHOLE(2, { 5, 130 }), ROWS(1, { 130 }), WHOLE(2, { 3, 130 }) },
      ROWS(2, { 3, 130 }), BETWEEN(-1, 1) },
    { "product_over_rows", "product over rows", build_over_rows, 2, NULL, ref_over_rows,
      { ROWS(1, { 13 }), ROWS(1, { 37 }) }, WHOLE(2, { 13, 37 }), BETWEEN(-1, 1) },
    { "product_over_rows", "product over rows and a dimension", build_over_rows, 2, NULL,
      ref_over_rows, { ROWS(2, { 2, 5 }), ROWS(2, { 2, 3 }) }, WHOLE(2, { 5, 3 }), BETWEEN(-1, 1) },
    { "product_over_rows", "product over whole rows", build_over_rows, 2, NULL, ref_over_rows,
      { WHOLE(2, { 6, 5 }), WHOLE(2, { 6, 3 }) }, WHOLE(2, { 5, 3 }), BETWEEN(-1, 1) },
    { "batched_product", "batched product", build_batched, 2, NULL, ref_batched,
      { ROWS(3, { 2, 5, 3 }), ROWS(3, { 2, 3, 4 }) }, ROWS(3, { 2, 5, 4 }), BETWEEN(-1, 1) },
    { "batched_product", "batched product, b transposed", build_batched_t, 2, NULL, ref_batched_t,
      { ROWS(3, { 3, 5, 3 }), ROWS(3, { 3, 6, 3 }) }, ROWS(3, { 3, 5, 6 }), BETWEEN(-1, 1) },
    { "batched_product", "batched product, a transposed", build_turned_batched, 2, NULL,
      ref_turned_batched, { ROWS(2, { 3, 7 }), ROWS(2, { 3, 9 }) }, ROWS(2, { 7, 9 }), BETWEEN(-1, 1) },
    { "batched_product", "batched product, both transposed", build_turned_batched_t, 2, NULL,
      ref_turned_batched_t, { ROWS(3, { 2, 3, 7 }), ROWS(3, { 2, 5, 3 }) }, ROWS(3, { 2, 7, 5 }),
      BETWEEN(-1, 1) },
    { "batched_product", "batched product of whole values", build_batched_t, 2, NULL, ref_batched_t,
      { WHOLE(3, { 2, 70, 5 }), WHOLE(3, { 2, 67, 5 }) }, WHOLE(3, { 2, 70, 67 }), BETWEEN(-1, 1) },
    { "batched_product", "batched product of one column", build_batched, 2, NULL, ref_batched,
      { ROWS(2, { 3, 40 }), ROWS(2, { 40, 1 }) }, ROWS(2, { 3, 1 }), BETWEEN(-1, 1) },
    { "convolution", "convolution", build_conv0, 2, NULL, ref_conv0,
      { ROWS(3, { 3, 4, 2 }), WHOLE(4, { 3, 3, 2, 5 }) }, ROWS(3, { 3, 4, 5 }), BETWEEN(-1, 1) },
    { "convolution", "convolution, whole", build_conv0, 2, NULL, ref_conv0,
      { WHOLE(3, { 9, 11, 1 }), WHOLE(4, { 3, 3, 1, 3 }) }, WHOLE(3, { 9, 11, 3 }), BETWEEN(-1, 1) },
    { "convolution", "convolution of stride 2", build_conv1, 2, NULL, ref_conv1,
      { ROWS(3, { 5, 6, 3 }), WHOLE(4, { 4, 4, 3, 2 }) }, ROWS(3, { 2, 3, 2 }), BETWEEN(-1, 1) },
    { "convolution", "convolution of groups", build_conv2, 2, NULL, ref_conv2,
      { ROWS(3, { 5, 4, 4 }), WHOLE(4, { 2, 3, 2, 6 }) }, ROWS(3, { 3, 2, 6 }), BETWEEN(-1, 1) },
    { "convolution", "convolution of a series", build_conv3, 2, NULL, ref_conv3,
      { ROWS(3, { 1, 8, 2 }), WHOLE(4, { 1, 3, 2, 3 }) }, ROWS(3, { 1, 4, 3 }), BETWEEN(-1, 1) },
    { "convolution", "convolution of many groups and channels", build_conv4, 2, NULL, ref_conv4,
      { ROWS(3, { 2, 3, 8 }), WHOLE(4, { 2, 2, 2, 76 }) }, ROWS(3, { 1, 2, 76 }), BETWEEN(-1, 1) },
    { "convolution", "convolution of several pictures a row", build_conv0, 2, NULL, ref_conv0,
      { ROWS(4, { 2, 2, 3, 2 }), WHOLE(4, { 3, 3, 2, 3 }) }, ROWS(4, { 2, 2, 3, 3 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution", build_back0, 2, NULL, ref_back0,
      { ROWS(3, { 3, 4, 5 }), WHOLE(4, { 3, 3, 2, 5 }) }, ROWS(3, { 3, 4, 2 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution of stride 2", build_back1, 2, NULL, ref_back1,
      { ROWS(3, { 2, 3, 2 }), WHOLE(4, { 4, 4, 3, 2 }) }, ROWS(3, { 5, 6, 3 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution of groups", build_back2, 2, NULL, ref_back2,
      { ROWS(3, { 3, 2, 6 }), WHOLE(4, { 2, 3, 2, 6 }) }, ROWS(3, { 5, 4, 4 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution of a series", build_back3, 2, NULL, ref_back3,
      { ROWS(3, { 1, 4, 3 }), WHOLE(4, { 1, 3, 2, 3 }) }, ROWS(3, { 1, 8, 2 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution of many groups", build_back4, 2, NULL, ref_back4,
      { ROWS(3, { 1, 2, 4 }), WHOLE(4, { 2, 2, 19, 4 }) }, ROWS(3, { 2, 3, 76 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution to many channels", build_back1, 2, NULL, ref_back1,
      { ROWS(3, { 2, 3, 2 }), WHOLE(4, { 4, 4, 17, 2 }) }, ROWS(3, { 5, 6, 17 }), BETWEEN(-1, 1) },
    { "transposed_convolution", "transposed convolution of a series to many channels", build_back3, 2, NULL, ref_back3,
      { ROWS(3, { 1, 4, 3 }), WHOLE(4, { 1, 3, 17, 3 }) }, ROWS(3, { 1, 8, 17 }), BETWEEN(-1, 1) },
    { "convolution_weight", "weight of a convolution", build_conv_weight, 2, NULL, ref_conv_weight,
      { ROWS(3, { 5, 4, 2 }), ROWS(3, { 3, 3, 3 }) }, WHOLE(4, { 3, 2, 2, 3 }), BETWEEN(-1, 1) },
    { "pool_take", "max pooling", build_max_pool0, 1, NULL, ref_max_pool0, { ROWS(3, { 4, 5, 3 }) },
      ROWS(3, { 2, 2, 3 }), BETWEEN(-1, 1) },
    { "pool_take", "max pooling with padding", build_max_pool1, 1, NULL, ref_max_pool1,
      { ROWS(3, { 5, 4, 2 }) }, ROWS(3, { 3, 4, 2 }), BETWEEN(-1, 1) },
    { "pool_take", "max pooling of many channels", build_max_pool2, 1, NULL, ref_max_pool2,
      { ROWS(3, { 1, 3, 66 }) }, ROWS(3, { 1, 3, 66 }), BETWEEN(-1, 1) },
    { "pool_take", "max pooling, whole", build_max_pool1, 1, NULL, ref_max_pool1,
      { WHOLE(3, { 5, 4, 1 }) }, WHOLE(3, { 3, 4, 1 }), BETWEEN(-1, 1) },
    { .op = "pool_take", .label = "max pooling of equal values", .build = build_max_pool1, .inputs = 1,
      .reference = ref_max_pool1, .in = { ROWS(3, { 5, 4, 2 }) }, .out = ROWS(3, { 3, 4, 2 }),
      BETWEEN(-1, 1), .no_derivative = true, .steps = true },
    { .op = "pool_spread", .label = "derivative of max pooling of equal values",
      .build = build_max_pool_back1, .inputs = 2, .reference = ref_max_pool_back1,
      .in = { ROWS(3, { 5, 4, 2 }), ROWS(3, { 3, 4, 2 }) }, .out = ROWS(3, { 5, 4, 2 }),
      BETWEEN(-1, 1), .no_derivative = true, .steps = true },
    { "pool_spread", "derivative of max pooling", build_max_pool_back1, 2, NULL, ref_max_pool_back1,
      { ROWS(3, { 5, 4, 2 }), ROWS(3, { 3, 4, 2 }) }, ROWS(3, { 5, 4, 2 }), BETWEEN(-1, 1) },
    { "pool_spread", "derivative of max pooling of many channels", build_max_pool_back2, 2, NULL,
      ref_max_pool_back2, { ROWS(3, { 1, 3, 66 }), ROWS(3, { 1, 3, 66 }) }, ROWS(3, { 1, 3, 66 }),
      BETWEEN(-1, 1) },
    { "pool_spread", "derivative of max pooling apart", build_max_pool_back0, 2, NULL,
      ref_max_pool_back0, { ROWS(3, { 4, 5, 3 }), ROWS(3, { 2, 2, 3 }) }, ROWS(3, { 4, 5, 3 }),
      BETWEEN(-1, 1) },
    { "resample", "average pooling", build_average_pool0, 1, NULL, ref_average_pool0,
      { ROWS(3, { 4, 5, 3 }) }, ROWS(3, { 2, 2, 3 }), BETWEEN(-1, 1) },
    { "resample", "average pooling with padding", build_average_pool1, 1, NULL, ref_average_pool1,
      { ROWS(3, { 5, 4, 2 }) }, ROWS(3, { 3, 4, 2 }), BETWEEN(-1, 1) },
    { "resample", "average pooling of a series", build_average_pool2, 1, NULL, ref_average_pool2,
      { ROWS(3, { 1, 9, 1 }) }, ROWS(3, { 1, 9, 1 }), BETWEEN(-1, 1) },
    { "resample", "nearest pixels", build_nearest, 1, NULL, ref_nearest, { ROWS(3, { 4, 3, 2 }) },
      ROWS(3, { 6, 7, 2 }), BETWEEN(-1, 1) },
    { "resample", "bilinear pixels", build_bilinear, 1, NULL, ref_bilinear, { ROWS(3, { 4, 3, 2 }) },
      ROWS(3, { 6, 7, 2 }), BETWEEN(-1, 1) },
    { "resample", "bilinear pixels, whole", build_bilinear, 1, NULL, ref_bilinear,
      { WHOLE(3, { 4, 1, 2 }) }, WHOLE(3, { 6, 7, 2 }), BETWEEN(-1, 1) },
    { "resample", "fewer bilinear pixels", build_shrunk, 1, NULL, ref_shrunk, { ROWS(3, { 5, 8, 1 }) },
      ROWS(3, { 2, 3, 1 }), BETWEEN(-1, 1) },
    { "resample_back", "derivative of average pooling", build_average_pool_back0, 2, NULL,
      ref_average_pool_back0, { ROWS(3, { 4, 5, 3 }), ROWS(3, { 2, 2, 3 }) }, ROWS(3, { 4, 5, 3 }),
      BETWEEN(-1, 1) },
    { "resample_back", "derivative of average pooling with padding", build_average_pool_back1, 2, NULL,
      ref_average_pool_back1, { ROWS(3, { 5, 4, 2 }), ROWS(3, { 3, 4, 2 }) }, ROWS(3, { 5, 4, 2 }),
      BETWEEN(-1, 1) },
    { "resample_back", "derivative of average pooling of a series", build_average_pool_back2, 2, NULL,
      ref_average_pool_back2, { ROWS(3, { 1, 9, 1 }), ROWS(3, { 1, 9, 1 }) }, ROWS(3, { 1, 9, 1 }),
      BETWEEN(-1, 1) },
    { "resample_back", "derivative of nearest pixels", build_nearest_back, 2, NULL, ref_nearest_back,
      { ROWS(3, { 4, 3, 2 }), ROWS(3, { 6, 7, 2 }) }, ROWS(3, { 4, 3, 2 }), BETWEEN(-1, 1) },
    { "resample_back", "derivative of bilinear pixels", build_bilinear_back, 2, NULL, ref_bilinear_back,
      { ROWS(3, { 4, 3, 2 }), ROWS(3, { 6, 7, 2 }) }, ROWS(3, { 4, 3, 2 }), BETWEEN(-1, 1) },
    { "resample_back", "derivative of fewer bilinear pixels", build_shrunk_back, 2, NULL,
      ref_shrunk_back, { ROWS(3, { 5, 8, 1 }), ROWS(3, { 2, 3, 1 }) }, ROWS(3, { 5, 8, 1 }),
      BETWEEN(-1, 1) },
    { "sum_last", "sum_last", build_sum_last, 1, NULL, ref_sum_last, { ROWS(1, { 37 }) },
      ROWS(1, { 1 }), BETWEEN(-1, 1) },
    { "sum_last", "sum_last of more dimensions", build_sum_last, 1, NULL, ref_sum_last,
      { ROWS(2, { 3, 19 }) }, ROWS(2, { 3, 1 }), BETWEEN(-1, 1) },
    { "sum_rows", "sum_rows", build_sum_rows, 1, NULL, ref_sum_rows, { ROWS(1, { 37 }) },
      WHOLE(1, { 37 }), BETWEEN(-1, 1) },
    { "sum_rows", "sum_rows of whole rows", build_sum_rows, 1, NULL, ref_sum_rows,
      { WHOLE(2, { 9, 5 }) }, WHOLE(1, { 5 }), BETWEEN(-1, 1) },
    { "sum_rows", "mean_rows", build_mean_rows, 1, NULL, ref_mean_rows, { ROWS(2, { 2, 37 }) },
      WHOLE(1, { 37 }), BETWEEN(-1, 1) },
    { "sum_leading", "sum_leading", build_sum_leading, 1, NULL, ref_sum_leading,
      { ROWS(3, { 3, 2, 19 }) }, ROWS(1, { 19 }), BETWEEN(-1, 1) },
    { "sum_leading", "its broadcast", build_samples, 2, NULL, ref_samples,
      { ROWS(1, { 19 }), ROWS(2, { 3, 19 }) }, ROWS(2, { 3, 19 }), BETWEEN(-1, 1) },
    { .op = "largest", .label = "largest", .build = build_largest, .inputs = 1,
      .reference = ref_largest, .in = { ROWS(1, { 11 }) }, .out = ROWS(1, { 11 }), BETWEEN(-1, 1),
      .no_derivative = true, .steps = true },
    { .op = "largest", .label = "largest of many", .build = build_largest, .inputs = 1,
      .reference = ref_largest, .in = { ROWS(1, { 101 }) }, .out = ROWS(1, { 101 }), BETWEEN(-1, 1),
      .no_derivative = true },
    { .op = "uniform_of", .label = "uniform_of", .build = build_uniform_of, .inputs = 1,
      .reference = ref_uniform_of, .in = { ROWS(2, { 2, 7 }) }, .out = ROWS(2, { 2, 50 }),
      BETWEEN(-1, 1), .no_derivative = true },
    { .op = "uniform_of", .label = "binarize", .build = build_binarize, .inputs = 1,
      .reference = ref_binarize, .in = { ROWS(1, { 37 }) }, .out = ROWS(1, { 37 }), BETWEEN(0, 1),
      .no_derivative = true },
    { .op = "logistic_code", .label = "logistic_code", .build = build_logistic_code, .inputs = 3,
      .reference = ref_logistic_code,
      .in = { ROWS(1, { 37 }), WHOLE(2, { 37, 5 }), WHOLE(1, { 37 }) }, .out = ROWS(1, { 5 }),
      .low = { 0, -1, -3 }, .high = { 0.95, 1, 3 }, .no_derivative = true },
    { .op = "logistic_code", .label = "logistic_code of rows of zeros and ones",
      .build = build_logistic_code, .inputs = 3, .reference = ref_logistic_code,
      .in = { ROWS(1, { 9 }), WHOLE(2, { 9, 3 }), WHOLE(1, { 9 }) }, .out = ROWS(1, { 3 }),
      .low = { 0, -1, -1 }, .high = { 1, 2, 1 }, .no_derivative = true, .steps = true },
    { .op = "to_index", .label = "to_index", .build = build_to_index, .inputs = 1, .reference = ref_to_index,
      .in = { ROWS(2, { 3, 5 }) }, .out = ROWS(2, { 3, 5 }), BETWEEN(-2, 9), .no_derivative = true,
      .steps = true },
    { .op = "choose_lines", .label = "choose_lines", .build = build_choose, .inputs = 2,
      .reference = ref_choose, .in = { ROWS(2, { 3, 4 }), WHOLE(1, { 1 }) }, .out = WHOLE(2, { CHOSEN, 4 }),
      .low = { -1, 7 }, .high = { 1, 7.9 }, .no_derivative = true },
    { .op = "cluster_lines", .label = "cluster_lines", .build = build_cluster, .inputs = 2,
      .reference = ref_cluster, .in = { ROWS(2, { 3, 4 }), WHOLE(2, { 6, 4 }) }, .out = WHOLE(2, { 6, 4 }),
      BETWEEN(-1, 1), .no_derivative = true },
    { "max_last", "max_last", build_max_last, 1, NULL, ref_max_last, { ROWS(1, { 11 }) },
      ROWS(1, { 1 }), BETWEEN(-1, 1) },
    { "softmax", "softmax", build_softmax, 1, NULL, ref_softmax, { ROWS(1, { 11 }) },
      ROWS(1, { 11 }), BETWEEN(-3, 3) },
    { "causal_softmax", "causal_softmax", build_causal_softmax, 1, NULL, ref_causal_softmax,
      { ROWS(3, { 2, 5, 5 }) }, ROWS(3, { 2, 5, 5 }), BETWEEN(-3, 3) },
    { "log_softmax", "log_softmax", build_log_softmax, 1, NULL, ref_log_softmax,
      { ROWS(2, { 2, 11 }) }, ROWS(2, { 2, 11 }), BETWEEN(-3, 3) },
    { "log_sum_exp", "log_sum_exp", build_log_sum_exp, 1, NULL, ref_log_sum_exp,
      { ROWS(1, { 11 }) }, ROWS(1, { 1 }), BETWEEN(-3, 3) },
    { "reshape", "reshape", build_reshape, 1, NULL, ref_same, { ROWS(1, { 24 }) },
      ROWS(3, { 3, 2, 4 }), BETWEEN(-1, 1) },
    { "slice", "slice", build_slice, 1, NULL, ref_slice, { ROWS(1, { 7 }) }, ROWS(1, { 3 }),
      BETWEEN(-1, 1) },
    { "pad", "pad", build_pad, 1, NULL, ref_pad, { ROWS(1, { 3 }) }, ROWS(1, { 7 }),
      BETWEEN(-1, 1) },
    { "concatenate", "concatenate", build_concatenate, 2, NULL, ref_concatenate,
      { ROWS(1, { 5 }), ROWS(1, { 3 }) }, ROWS(1, { 8 }), BETWEEN(-1, 1) },
    { "spread", "spread", build_spread, 2, NULL, ref_spread, { WHOLE(2, { 3, 1 }), ROWS(1, { 2 }) },
      ROWS(3, { 2, 3, 5 }), BETWEEN(-1, 1) },
    { "fold", "fold", build_fold, 2, NULL, ref_fold, { ROWS(3, { 2, 1, 5 }), ROWS(3, { 2, 3, 5 }) },
      ROWS(3, { 2, 1, 5 }), BETWEEN(-1, 1) },
    { "swap_axes", "swap_axes", build_swap_first, 1, NULL, ref_swap_first, { ROWS(3, { 2, 3, 5 }) },
      ROWS(3, { 3, 2, 5 }), BETWEEN(-1, 1) },
    { "swap_axes", "swap_axes of long lines", build_swap_first, 1, NULL, ref_swap_first,
      { ROWS(3, { 2, 3, 40 }) }, ROWS(3, { 3, 2, 40 }), BETWEEN(-1, 1) },
    { "swap_axes", "swap_axes of the last", build_swap_last, 1, NULL, ref_swap_last,
      { ROWS(3, { 2, 3, 5 }) }, ROWS(3, { 2, 5, 3 }), BETWEEN(-1, 1) },
    { "swap_axes", "swap_axes, one between", build_swap_outer, 1, NULL, ref_swap_outer,
      { ROWS(3, { 2, 3, 5 }) }, ROWS(3, { 5, 3, 2 }), BETWEEN(-1, 1) },
    { "reshape", "swap_axes that moves nothing", build_swap_nothing, 1, NULL, ref_same,
      { ROWS(3, { 4, 7, 1 }) }, ROWS(3, { 4, 1, 7 }), BETWEEN(-1, 1) },
    { .op = "gather", .label = "gather and scatter_add", .build = build_gather, .inputs = 2,
      .reference = ref_gather, .in = { WHOLE(2, { 6, 4 }), ROWS(1, { 1 }) }, .out = ROWS(1, { 4 }),
      BETWEEN(-1, 1), .indexed = true },
    { .op = "gather", .label = "gather and scatter_add of a sequence", .build = build_gather,
      .inputs = 2, .reference = ref_gather, .in = { WHOLE(2, { 6, 4 }), ROWS(1, { 5 }) },
      .out = ROWS(2, { 5, 4 }), BETWEEN(-1, 1), .indexed = true },
    { .op = "gather", .label = "gather and scatter_add of a grid", .build = build_gather, .inputs = 2,
      .reference = ref_gather, .in = { WHOLE(2, { 6, 4 }), ROWS(2, { 2, 3 }) },
      .out = ROWS(3, { 2, 3, 4 }), BETWEEN(-1, 1), .indexed = true },
    { .op = "one_hot", .label = "one_hot", .build = build_one_hot, .inputs = 1, .reference = ref_one_hot,
      .in = { ROWS(2, { 2, 3 }) }, .out = ROWS(3, { 2, 3, 5 }), .no_derivative = true, .indexed = true },
    { .op = "one_hot", .label = "one_hot of one index", .build = build_one_hot, .inputs = 1,
      .reference = ref_one_hot, .in = { ROWS(1, { 1 }) }, .out = ROWS(1, { 5 }), .no_derivative = true,
      .indexed = true },
    { .op = "to_real", .label = "to_real of a view", .build = build_to_real, .inputs = 1,
      .reference = ref_same, .in = { ROWS(2, { 2, 3 }) }, .out = ROWS(1, { 6 }), .no_derivative = true,
      .indexed = true },
    { .op = "nearest_entry", .label = "nearest", .build = build_nearest_entry, .inputs = 2,
      .reference = ref_nearest_entry, .in = { ROWS(2, { 3, 5 }), WHOLE(2, { 150, 5 }) }, .out = ROWS(1, { 3 }),
      BETWEEN(-1, 1), .no_derivative = true },
    { .op = "nearest_entry", .label = "nearest of equals", .build = build_nearest_entry, .inputs = 2,
      .reference = ref_nearest_entry, .in = { ROWS(3, { 2, 2, 3 }), WHOLE(2, { 90, 3 }) },
      .out = ROWS(2, { 2, 2 }), BETWEEN(-2, 2), .no_derivative = true, .steps = true },
    { .op = "nearest_entry", .label = "nearest to one vector", .build = build_nearest_entry, .inputs = 2,
      .reference = ref_nearest_entry, .in = { ROWS(1, { 7 }), WHOLE(2, { 4, 7 }) }, .out = ROWS(1, { 1 }),
      BETWEEN(-1, 1), .no_derivative = true },
    { .op = "argmax_last", .label = "argmax_last", .build = build_argmax_last, .inputs = 1,
      .reference = ref_argmax_last, .in = { ROWS(2, { 3, 9 }) }, .out = ROWS(1, { 3 }), BETWEEN(-2, 2),
      .no_derivative = true, .steps = true },
    { .op = "take_lines", .label = "take_lines", .build = build_take_lines, .inputs = 2,
      .reference = ref_take_lines, .in = { ROWS(2, { 6, 3 }), ROWS(1, { 5 }) }, .out = ROWS(2, { 5, 3 }),
      BETWEEN(-1, 1), .indexed = true },
    { .op = "take_lines", .label = "take_lines, one of them", .build = build_take_lines, .inputs = 2,
      .reference = ref_take_lines, .in = { ROWS(2, { 6, 40 }), ROWS(1, { 1 }) }, .out = ROWS(2, { 1, 40 }),
      BETWEEN(-1, 1), .indexed = true },
    { .op = "add_lines", .label = "add_lines", .build = build_add_lines, .inputs = 2,
      .reference = ref_add_lines, .in = { ROWS(2, { 7, 3 }), ROWS(1, { 7 }) }, .out = ROWS(2, { 6, 3 }),
      BETWEEN(-1, 1), .indexed = true },
    { .op = "smallest", .label = "smallest", .build = build_smallest, .inputs = 1,
      .reference = ref_smallest, .in = { ROWS(2, { 2, 11 }) }, .out = ROWS(2, { 2, 4 }), BETWEEN(-2, 2),
      .no_derivative = true },
    { .op = "smallest", .label = "order of many equals", .build = build_order, .inputs = 1,
      .reference = ref_smallest, .in = { ROWS(1, { 100 }) }, .out = ROWS(1, { 100 }), BETWEEN(-3, 3),
      .no_derivative = true, .steps = true },
    { .op = "smallest", .label = "order of one", .build = build_order, .inputs = 1,
      .reference = ref_smallest, .in = { ROWS(1, { 1 }) }, .out = ROWS(1, { 1 }), BETWEEN(-1, 1),
      .no_derivative = true },
    { .op = "pick", .label = "pick", .build = build_pick, .inputs = 2, .reference = ref_pick,
      .in = { WHOLE(2, { 6, 4 }), ROWS(1, { 1 }) }, .out = ROWS(1, { 4 }), BETWEEN(0.1, 0.9),
      .no_derivative = true },
};
enum { TABLE = sizeof table / sizeof table[0] };

/* Reached by other tests: derivatives of gather, noise, training against use, assignment, stopped
 * gradients. */
static const char *const elsewhere[] = { "scatter_add", "normal", "uniform", "bernoulli",
                                         "when_training", "assign", "stop_gradient" };

static bool has_row(const char *op)
{
    for (size_t i = 0; i < TABLE; i++)
        if (strcmp(table[i].op, op) == 0)
            return true;
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcmp(elsewhere[i], op) == 0)
            return true;
    return false;
}

static void every_op_has_a_row(void **state)
{
    (void)state;
#define LISTED(name) &ph_op_##name,
    static const ph_op *const others[] = { PH_OTHER_OPS(LISTED) NULL };
    for (const ph_op *const *op = ph_map_ops; *op; op++)
        if (!has_row((*op)->name))
            fail_msg("op %s has no row in the table", (*op)->name);
    for (const ph_op *const *op = others; *op; op++)
        if (!has_row((*op)->name))
            fail_msg("op %s has no row in the table", (*op)->name);
}

/* ---- Checking one row --------------------------------------------------------------------------------- */

static double mixed(size_t i)
{
    uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (double)(x >> 11) / 9007199254740992.0;
}

typedef struct setup {
    const op_row *row;
    problem p;
    ph_graph *graph;
    ph_node *in[MOST_INPUTS], *w, *y;
    real *memory[MOST_INPUTS + 1];
    uint32_t *index;
} setup;

/* The element of operand i that meets element e of the result, under broadcasting. */
static size_t meets(const problem *p, int i, size_t e)
{
    size_t at = 0, step = 1, per_row = size_of(&p->out), inner = e % per_row;
    const shape *s = &p->in[i];
    for (size_t d = 0; d < p->out.rank; d++) {
        size_t here = inner % p->out.dim[p->out.rank - 1 - d];
        inner /= p->out.dim[p->out.rank - 1 - d];
        if (d < s->rank) {
            size_t n = s->dim[s->rank - 1 - d];
            at += (n == 1 ? 0 : here) * step;
            step *= n;
        }
    }
    return at + (s->whole ? 0 : e / per_row * size_of(s));
}

static void reference(const setup *s, double *out)
{
    const problem *p = &s->p;
    if (s->row->reference) {
        s->row->reference(p, out);
        return;
    }
    for (size_t e = 0; e < count_of(p, &p->out); e++) {
        double v[MOST_INPUTS] = { 0 };
        for (int i = 0; i < p->inputs; i++)
            v[i] = p->x[i][meets(p, i, e)];
        out[e] = s->row->scalar(v);
    }
}

static bool is_index(const op_row *row, int i)
{
    return row->indexed && i == row->inputs - 1;
}

/* Value k of input i, as float holds it, so that both builds see the same. */
static double start_of(const op_row *row, int i, size_t k)
{
    double u = mixed(k * 7 + (size_t)i * 1000003), low = row->low[i], high = row->high[i];
    double value = is_index(row, i) ? floor(u * 6) : low + (high - low) * u;
    if (row->steps && (i < 2 || row->inputs == 2))
        value = round(value);
    else if (!is_index(row, i))
        /* Apart from each other, and from the kinks of relu, max and clamp, by more than the steps
         * of the differences. */
        value = fmax(low, round(value * 20) / 20) + (double)(k % 13) * 0.0035 + i * 0.0017 + 0.001;
    return (double)(float)value;
}

static void prepare_inputs(setup *s, const op_row *row, size_t rows, const shape *in)
{
    *s = (setup){ .row = row, .p = { .rows = rows, .inputs = row->inputs } };
    s->graph = ph_graph_new(1);
    ph_node *first = ph_input(s->graph, "rows", 1, (size_t[]){ 1 });
    for (int i = 0; i < row->inputs; i++) {
        s->p.in[i] = in[i];
        size_t count = count_of(&s->p, &in[i]);
        s->p.x[i] = malloc(count * sizeof(double));
        s->memory[i] = malloc((count + 1) * sizeof(real));
        for (size_t k = 0; k < count; k++) {
            s->p.x[i][k] = start_of(row, i, k);
            s->memory[i][k] = (real)s->p.x[i][k];
        }
        char name[32];
        snprintf(name, sizeof name, "in%d", i);
        if (is_index(row, i)) {
            s->in[i] = ph_indices_input(first, name, in[i].rank, in[i].dim);
            s->index = malloc(count * sizeof *s->index);
            for (size_t k = 0; k < count; k++)
                s->index[k] = (uint32_t)s->p.x[i][k];
        } else if (in[i].whole) {
            s->in[i] = ph_parameter(ph_scope_of(s->graph, ""), name, in[i].rank, in[i].dim, PH_ZEROS, 0);
            free(s->memory[i]);
            s->memory[i] = s->in[i]->variable->data;
            for (size_t k = 0; k < count; k++)
                s->memory[i][k] = (real)s->p.x[i][k];
        } else {
            s->in[i] = ph_input_beside(first, name, in[i].rank, in[i].dim);
        }
    }
}

static void prepare(setup *s, const op_row *row, size_t rows, const shape *in, shape out)
{
    prepare_inputs(s, row, rows, in);
    s->p.out = out;
    s->y = row->build(s->in);
    if (ph_graph_status(s->graph) != PH_OK)
        fail_msg("%s: %s", row->label, ph_message());
    if (ph_shape_size(&s->y->shape) != size_of(&out) || (s->y->shape.set == 0) != out.whole)
        fail_msg("%s: the result has another shape", row->label);
}

static void finish(setup *s)
{
    for (int i = 0; i < s->p.inputs; i++) {
        if (!s->p.in[i].whole || is_index(s->row, i))
            free(s->memory[i]);
        free(s->p.x[i]);
    }
    free(s->index);
    ph_graph_free(s->graph);
}

/* Runs a program for `outputs` and copies them out one after the other. */
static void evaluate(setup *s, ph_node **outputs, int count, double *out)
{
    ph_node *feeds[MOST_INPUTS];
    const void *bound[MOST_INPUTS];
    int fed = 0;
    for (int i = 0; i < s->p.inputs; i++)
        if (!s->p.in[i].whole) {
            feeds[fed] = s->in[i];
            bound[fed++] = is_index(s->row, i) ? (void *)s->index : s->memory[i];
        }
    ph_program *program = ph_compile(s->graph, &(ph_program_desc){
        .training = true, .feeds = feeds, .feed_count = fed, .outputs = outputs,
        .output_count = count, .max_rows = s->p.rows });
    if (program == NULL)
        fail_msg("%s: %s", s->row->label, ph_message());
    real *again = NULL;
    for (int threads = 1; threads <= 4; threads++) {
        ph_set_threads(threads, false);
        assert_int_equal(ph_program_run(program, (size_t[PH_MAX_SETS]){ 1, s->p.rows }, bound), PH_OK);
        size_t at = 0;
        for (int i = 0; i < count; i++) {
            size_t n = ph_shape_size(&outputs[i]->shape) * (outputs[i]->shape.set ? s->p.rows : 1);
            const real *values = ph_program_output(program, i);
            if (threads == 1)
                again = realloc(again, (at + n) * sizeof *again);
            if (threads > 1 && memcmp(again + at, values, n * sizeof *again) != 0)
                fail_msg("%s: other bits with %d threads", s->row->label, threads);
            memcpy(again + at, values, n * sizeof *again);
            for (size_t k = 0; k < n; k++)
                out[at + k] = (double)values[k];
            at += n;
        }
    }
    for (int i = 0; i < s->p.inputs; i++)
        for (size_t k = 0; k < count_of(&s->p, &s->p.in[i]); k++)
            assert_true((double)s->memory[i][k] == s->p.x[i][k]);
    free(again);
    ph_program_free(program);
}

static double forward_tolerance(void) { return sizeof(real) == 8 ? 1e-12 : 2e-6; }

static void check_forward(setup *s)
{
    size_t n = count_of(&s->p, &s->p.out);
    double *want = malloc(n * sizeof *want), *have = malloc(n * sizeof *have);
    reference(s, want);
    evaluate(s, &s->y, 1, have);
    double scale = s->row->reference ? 4 : 1; /* sums of many terms */
    for (size_t k = 0; k < n; k++)
        if (!(fabs(have[k] - want[k]) <= scale * forward_tolerance() * (1 + fabs(want[k]))))
            fail_msg("%s, %zu rows: element %zu is %.17g, but should be %.17g", s->row->label, s->p.rows,
                     k, have[k], want[k]);
    free(want);
    free(have);
}

/* Whether input i may be moved and has a derivative: not an index, a condition, a mere shape. */
static bool moves(const setup *s, int i)
{
    return !is_index(s->row, i) && !(strcmp(s->row->op, "spread") == 0 && i == 1) &&
           !(strcmp(s->row->op, "select") == 0 && i == 0);
}

/* sum of w y, by the reference, with inputs moved by h along their directions u. */
static double moved(setup *s, double h, const double *w)
{
    size_t n = count_of(&s->p, &s->p.out);
    double *y = malloc(n * sizeof *y), sum = 0;
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (int i = 0; i < s->p.inputs; i++)
            for (size_t k = 0; moves(s, i) && k < count_of(&s->p, &s->p.in[i]); k++)
                s->p.x[i][k] += sign * h * (mixed(k * 3 + (size_t)i * 77) - 0.5);
        if (sign == 1) {
            reference(s, y);
            for (size_t k = 0; k < n; k++)
                sum += w[k] * y[k];
        }
    }
    free(y);
    /* Adding and subtracting h may leave a rounding error behind. */
    for (int i = 0; i < s->p.inputs; i++)
        for (size_t k = 0; k < count_of(&s->p, &s->p.in[i]); k++)
            s->p.x[i][k] = (double)s->memory[i][k];
    return sum;
}

/* The nodes that the derivative goes to. */
static int targets(const setup *s, ph_node **to, int *number)
{
    int count = 0;
    for (int i = 0; i < s->p.inputs; i++)
        if (moves(s, i)) {
            number[count] = i;
            to[count++] = s->in[i];
        }
    return count;
}

static double along(const setup *s, int count, const int *number, const double *gradient, size_t seed)
{
    double sum = 0;
    size_t at = 0;
    for (int t = 0; t < count; t++)
        for (size_t k = 0; k < count_of(&s->p, &s->p.in[number[t]]); k++, at++)
            sum += gradient[at] * (mixed(k * 3 + (size_t)number[t] * 77 + seed) - 0.5);
    return sum;
}

static ph_node *weights_for(setup *s, double *w, size_t n)
{
    /* One weight for each element of a row, the same in every row: enough to tell them apart. */
    size_t per_row = size_of(&s->p.out);
    ph_node *node = ph_parameter(ph_scope_of(s->graph, ""), "weights", s->y->shape.rank,
                                 s->y->shape.dim, PH_ZEROS, 0);
    for (size_t k = 0; k < n; k++)
        w[k] = (double)(float)(mixed(k % per_row + 5) + 0.5);
    for (size_t k = 0; k < per_row; k++)
        node->variable->data[k] = (real)w[k];
    return node;
}

static void check_derivatives(setup *s)
{
    size_t n = count_of(&s->p, &s->p.out), all = 0;
    double *w = malloc(n * sizeof *w);
    ph_node *to[MOST_INPUTS], *first[MOST_INPUTS], *second[MOST_INPUTS];
    int number[MOST_INPUTS], count = targets(s, to, number);
    for (int t = 0; t < count; t++)
        all += count_of(&s->p, &s->p.in[number[t]]);
    double *have = malloc((all + 1) * sizeof *have);
    ph_node *loss = ph_sum_all(ph_mul(s->y, weights_for(s, w, n)));
    ph_gradient(loss, to, (size_t)count, first);
    evaluate(s, first, count, have);
    /* Richardson's extrapolation of central differences: error of order h^4. */
    double h = 5e-4, near = (moved(s, h, w) - moved(s, -h, w)) / (2 * h);
    double far = (moved(s, 2 * h, w) - moved(s, -2 * h, w)) / (4 * h);
    double want = (4 * near - far) / 3, got = along(s, count, number, have, 0);
    double size = 0;
    for (size_t k = 0; k < all; k++)
        size += fabs(have[k]);
    double tolerance = sizeof(real) == 8 ? 1e-6 : 2e-5;
    if (!(fabs(want - got) <= tolerance * (1 + fabs(want) + 0.05 * size)))
        fail_msg("%s, %zu rows: derivative %.12g, but differences say %.12g", s->row->label, s->p.rows,
                 got, want);

    /* The derivative of <gradient, v> along u, against differences of the library's gradient. */
    if (sizeof(real) == 8) {
        ph_node *sum = ph_constant(s->graph, 0);
        for (int t = 0; t < count; t++)
            sum = ph_add(sum, ph_sum_all(ph_square(first[t])));
        ph_gradient(sum, to, (size_t)count, second);
        evaluate(s, second, count, have);
        got = along(s, count, number, have, 0);
        double value[4], steps[4] = { 1, -1, 2, -2 };
        for (int d = 0; d < 4; d++) {
            for (int sign = 1; sign >= -1; sign -= 2) {
                for (int t = 0; t < count; t++)
                    for (size_t k = 0; k < count_of(&s->p, &s->p.in[number[t]]); k++) {
                        double *x = &s->p.x[number[t]][k];
                        double start = start_of(s->row, number[t], k);
                        *x = sign == 1 ? start + steps[d] * h * (mixed(k * 3 + (size_t)number[t] * 77) - 0.5)
                                       : start;
                        s->memory[number[t]][k] = (real)*x;
                    }
                if (sign == 1)
                    evaluate(s, &sum, 1, &value[d]);
            }
        }
        want = (4 * (value[0] - value[1]) / (2 * h) - (value[2] - value[3]) / (4 * h)) / 3;
        if (!(fabs(want - got) <= 1e-6 * (1 + fabs(want) + 0.05 * size)))
            fail_msg("%s of %zu%s and %zu%s, %zu rows: second derivative %.12g, but differences "
                     "say %.12g", s->row->label, size_of(&s->p.in[0]),
                     s->p.in[0].whole ? " whole" : "", size_of(&s->p.in[1]),
                     s->p.in[1].whole ? " whole" : "", s->p.rows, got, want);
    }
    free(w);
    free(have);
}

static void check(const op_row *row, size_t rows, const shape *in, shape out)
{
    setup s;
    prepare(&s, row, rows, in, out);
    check_forward(&s);
    if (!row->no_derivative)
        check_derivatives(&s);
    finish(&s);
}

static void all_rows(void **state)
{
    (void)state;
    /* Forms of broadcasting: shapes of the first operand and of the others. */
    static const shape forms[][2] = {
        { ROWS(1, { 37 }), ROWS(1, { 37 }) },    { ROWS(1, { 37 }), WHOLE(1, { 37 }) },
        { ROWS(1, { 37 }), ROWS(1, { 1 }) },     { ROWS(1, { 37 }), WHOLE(1, { 1 }) },
        { ROWS(2, { 3, 5 }), WHOLE(1, { 5 }) },  { ROWS(2, { 3, 5 }), ROWS(2, { 3, 1 }) },
        { ROWS(2, { 3, 5 }), WHOLE(2, { 3, 5 }) }, { WHOLE(2, { 4, 7 }), WHOLE(1, { 7 }) },
        { WHOLE(1, { 9 }), WHOLE(1, { 9 }) },    { ROWS(1, { 1 }), WHOLE(1, { 1 }) },
        { ROWS(3, { 2, 3, 5 }), ROWS(1, { 5 }) }, { ROWS(3, { 2, 3, 5 }), ROWS(1, { 1 }) },
        { ROWS(3, { 2, 3, 5 }), WHOLE(2, { 3, 5 }) }, { WHOLE(3, { 2, 3, 5 }), WHOLE(2, { 3, 5 }) },
        { ROWS(3, { 2, 3, 5 }), WHOLE(3, { 2, 1, 5 }) }, { ROWS(3, { 2, 3, 5 }), ROWS(2, { 3, 1 }) },
    };
    static const size_t counts[] = { 1, 2, 7, 67 };
    for (size_t i = 0; i < TABLE; i++)
        for (size_t c = 0; c < 4; c++) {
            const op_row *row = &table[i];
            if (row->reference) {
                check(row, counts[c], row->in, row->out);
                continue;
            }
            for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
                shape in[MOST_INPUTS];
                if (c > 1 && f > 3) /* the larger counts for the common forms only */
                    break;
                if (row->together && f > 0)
                    break;
                for (int k = 0; k < row->inputs; k++)
                    in[k] = forms[f][k > 0];
                check(row, counts[c], in, forms[f][0]);
                if (row->inputs > 1 && f > 0) { /* the broadcast operand first */
                    for (int k = 0; k < row->inputs; k++)
                        in[k] = forms[f][k == 0];
                    check(row, counts[c], in, forms[f][0]);
                }
            }
        }
    ph_set_threads(2, false);
}

/* Indices that a program finds are read in it, as numbers and by a gather, and are an output. */
static void indices_cross_calls(void **state)
{
    (void)state;
    enum { LINES = 3, WIDTH = 5, ENTRIES = 40, ROW_COUNT = 67, COUNT = ROW_COUNT * LINES };
    static const op_row row = { .label = "indices", .inputs = 2, BETWEEN(-1, 1) };
    setup s;
    prepare_inputs(&s, &row, ROW_COUNT,
                   (shape[]){ ROWS(2, { LINES, WIDTH }), WHOLE(2, { ENTRIES, WIDTH }) });
    ph_node *index = ph_nearest_entry(s.in[0], s.in[1]), *taken = ph_gather(s.in[1], index);
    ph_node *outputs[] = { index, ph_to_real(index), taken, ph_exp(ph_sub(s.in[0], taken)) };
    ph_program *program = ph_compile(s.graph, &(ph_program_desc){
        .feeds = s.in, .feed_count = 1, .outputs = outputs, .output_count = 4, .max_rows = 100 });
    assert_non_null(program);
    assert_int_equal(ph_program_run(program, (size_t[PH_MAX_SETS]){ 1, ROW_COUNT },
                                    (const void *[]){ s.memory[0] }), PH_OK);
    const uint32_t *have = (const uint32_t *)ph_program_output(program, 0);
    const real *number = ph_program_output(program, 1), *entry = ph_program_output(program, 2);
    const real *grown = ph_program_output(program, 3);
    double want[COUNT];
    ref_nearest_entry(&s.p, want);
    for (size_t i = 0; i < COUNT * WIDTH; i++) {
        size_t found = (size_t)want[i / WIDTH];
        assert_int_equal(have[i / WIDTH], found);
        assert_true(number[i / WIDTH] == (real)found);
        assert_true(entry[i] == s.memory[1][found * WIDTH + i % WIDTH]);
        assert_true(fabs((double)grown[i] - exp((double)(s.memory[0][i] - entry[i]))) < 1e-5);
    }
    ph_program_free(program);
    finish(&s);
}

/* What takes numbers takes no indices, and the other way round, also behind a view. */
static void indices_are_no_numbers(void **state)
{
    (void)state;
    for (int mistake = 0; mistake < 6; mistake++) {
        ph_graph *graph = ph_graph_new(1);
        ph_node *x = ph_input(graph, "x", 2, (size_t[]){ 2, 3 });
        ph_scope *scope = ph_scope_of(graph, "");
        ph_node *book = ph_parameter(scope, "book", 2, (size_t[]){ 4, 3 }, PH_ZEROS, 0);
        ph_node *index = ph_nearest_entry(x, book), *view = ph_reshape(index, 2, (size_t[]){ 1, 2 });
        assert_int_equal(ph_graph_status(graph), PH_OK);
        switch (mistake) {
        case 0: ph_gather(book, x); break;
        case 1: ph_exp(view); break;
        case 2: ph_softmax(view); break;
        case 3: ph_to_real(x); break;
        case 4: ph_concatenate(view, view); break;
        case 5: ph_export(graph, "encode", x, view); break;
        }
        assert_int_equal(ph_graph_status(graph), PH_MODEL);
        assert_non_null(strstr(ph_message(), "indices"));
        ph_graph_free(graph);
    }
}

#endif
