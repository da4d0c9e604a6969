/* test_attention_double.c - attention and the transformer's block against loops written out here:
 * values, derivatives by differences of the loops, and what a causal one may see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/program.h"
#include "nn/nn.h"

enum { ROWS = 3, N = 5, D = 6, HEADS = 3, HIDDEN = 7, SIZE = N * D, COUNT = ROWS * SIZE };

typedef struct net {
    ph_graph *graph;
    ph_node *x, *y;
    bool block, causal;
    size_t heads;
    double rows[COUNT];
} net;

/* ---- The formulas, one row at a time -------------------------------------------------------------- */

/* Parameter `name` of layer `number`. */
static ph_variable *parameter(const net *n, int number, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "net/%d/%s", number, name);
    ph_variable *v = ph_variable_find(n->graph, full);
    assert_non_null(v);
    return v;
}

static void linear(const net *n, int number, const double *a, size_t in, double *out, size_t width)
{
    const ph_variable *weight = parameter(n, number, "weight");
    assert_int_equal(weight->size, in * width);
    for (size_t t = 0; t < N; t++)
        for (size_t j = 0; j < width; j++) {
            out[t * width + j] = parameter(n, number, "bias")->data[j];
            for (size_t i = 0; i < in; i++)
                out[t * width + j] += a[t * in + i] * weight->data[i * width + j];
        }
}

static void norm(const net *n, int number, const double *a, double *out)
{
    for (size_t t = 0; t < N; t++) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < D; i++)
            mean += a[t * D + i] / D;
        for (size_t i = 0; i < D; i++)
            variance += pow(a[t * D + i] - mean, 2) / D;
        for (size_t i = 0; i < D; i++)
            out[t * D + i] = (a[t * D + i] - mean) / sqrt(variance + 1e-5) *
                                 parameter(n, number, "scale")->data[i] +
                             parameter(n, number, "shift")->data[i];
    }
}

/* What token t of head h gets from the tokens that it sees. */
static void mix(const net *n, const double *all, size_t h, size_t t, double *out)
{
    size_t each = D / n->heads, seen = n->causal ? t + 1 : N;
    double share[N], sum = 0;
    for (size_t s = 0; s < seen; s++) {
        double score = 0;
        for (size_t i = 0; i < each; i++)
            score += all[t * 3 * D + h * each + i] * all[s * 3 * D + D + h * each + i];
        sum += share[s] = exp(score / sqrt((double)each));
    }
    for (size_t i = 0; i < each; i++) {
        out[h * each + i] = 0;
        for (size_t s = 0; s < seen; s++)
            out[h * each + i] += share[s] / sum * all[s * 3 * D + 2 * D + h * each + i];
    }
}

static void attention(const net *n, int number, const double *a, double *out)
{
    double all[3 * SIZE], mixed[SIZE];
    linear(n, number, a, D, all, 3 * D);
    for (size_t t = 0; t < N; t++)
        for (size_t h = 0; h < n->heads; h++)
            mix(n, all, h, t, mixed + t * D);
    linear(n, number + 1, mixed, D, out, D);
}

static void block(const net *n, const double *a, double *out)
{
    double normed[SIZE], h[SIZE], inner[N * HIDDEN];
    norm(n, 0, a, normed);
    attention(n, 1, normed, h);
    for (size_t i = 0; i < SIZE; i++)
        h[i] += a[i];
    norm(n, 3, h, normed);
    linear(n, 4, normed, D, inner, HIDDEN);
    for (size_t i = 0; i < N * HIDDEN; i++)
        inner[i] *= 0.5 * (1 + erf(inner[i] / sqrt(2)));
    linear(n, 5, inner, HIDDEN, out, D);
    for (size_t i = 0; i < SIZE; i++)
        out[i] += h[i];
}

static void by_formula(const net *n, double *out)
{
    for (size_t r = 0; r < ROWS; r++)
        if (n->block)
            block(n, n->rows + r * SIZE, out + r * SIZE);
        else
            attention(n, 0, n->rows + r * SIZE, out + r * SIZE);
}

/* ---- The same as nodes ---------------------------------------------------------------------------- */

/* Numbers in -1 .. 1 that have nothing to do with each other. */
static double mixed_number(size_t i)
{
    uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    return (double)((x ^ x >> 27) >> 11) / 4503599627370496.0 - 1;
}

static void make(net *n, bool is_block, bool causal, size_t heads, double size)
{
    *n = (net){ .graph = ph_graph_new(1), .block = is_block, .causal = causal, .heads = heads };
    n->x = ph_input(n->graph, "x", 2, (size_t[]){ N, D });
    ph_scope *scope = ph_scope_of(n->graph, "net");
    n->y = is_block ? ph_transformer_block(scope, n->x, heads, HIDDEN, causal)
                    : ph_attention(scope, n->x, heads, causal);
    if (ph_graph_status(n->graph) != PH_OK)
        fail_msg("%s", ph_message());
    assert_true(ph_shape_equal(&n->y->shape, &n->x->shape));
    size_t k = COUNT;
    for (ph_variable *v = n->graph->variable; v; v = v->next)
        for (size_t i = 0; v->kind == PH_VARIABLE_PARAMETER && i < v->size; i++)
            v->data[i] = mixed_number(k++);
    for (size_t i = 0; i < COUNT; i++)
        n->rows[i] = size * mixed_number(i);
}

static ph_program *program_of(const net *n, ph_node **outputs, int count)
{
    ph_program *p = ph_compile(n->graph, &(ph_program_desc){
        .training = true, .feeds = (ph_node *[]){ n->x }, .feed_count = 1, .outputs = outputs,
        .output_count = count, .max_rows = ROWS });
    if (p == NULL)
        fail_msg("%s", ph_message());
    return p;
}

static void run(const net *n, ph_program *p)
{
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, ROWS }, (const void *[]){ n->rows }),
                     PH_OK);
}

static void evaluate(net *n, double *out)
{
    ph_program *p = program_of(n, &n->y, 1);
    run(n, p);
    memcpy(out, ph_program_output(p, 0), COUNT * sizeof *out);
    ph_program_free(p);
}

static void values_are_the_formula(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        net n;
        double have[COUNT], want[COUNT];
        make(&n, kind & 1, kind & 2, kind & 4 ? 1 : HEADS, 1);
        evaluate(&n, have);
        by_formula(&n, want);
        for (size_t i = 0; i < COUNT; i++)
            if (!(fabs(have[i] - want[i]) < 1e-12 * (1 + fabs(want[i]))))
                fail_msg("kind %d: number %zu is %.17g, but should be %.17g", kind, i, have[i], want[i]);
        ph_graph_free(n.graph);
    }
}

/* ---- Derivatives ---------------------------------------------------------------------------------- */

static double weighted(const net *n)
{
    double out[COUNT], sum = 0;
    by_formula(n, out);
    for (size_t i = 0; i < COUNT; i++)
        sum += out[i] * mixed_number(i % SIZE + 9000);
    return sum;
}

/* The derivative of the weighted sum by each of `count` numbers of the net. */
static void check_against_differences(const net *n, const char *name, double *numbers, size_t count,
                                      const real *derivative)
{
    for (size_t i = 0; i < count; i++) {
        double start = numbers[i], h = 1e-4, value[4];
        for (int k = 0; k < 4; k++) {
            numbers[i] = start + h * (double[]){ 1, -1, 2, -2 }[k];
            value[k] = weighted(n);
        }
        numbers[i] = start;
        double want = (8 * (value[0] - value[1]) - (value[2] - value[3])) / (12 * h);
        if (!(fabs(derivative[i] - want) < 1e-8 * (1 + fabs(want))))
            fail_msg("%s, number %zu: derivative %.12g, but differences say %.12g", name, i,
                     derivative[i], want);
    }
}

static void derivatives_are_those_of_the_formula(void **state)
{
    (void)state;
    enum { MOST = 16 };
    for (int causal = 0; causal < 2; causal++) {
        net n;
        make(&n, true, causal, HEADS, 1);
        double weights[SIZE];
        for (size_t i = 0; i < SIZE; i++)
            weights[i] = mixed_number(i + 9000);
        ph_node *by[MOST] = { n.x }, *derivative[MOST];
        int count = 1;
        for (ph_variable *v = n.graph->variable; v; v = v->next)
            if (v->kind == PH_VARIABLE_PARAMETER)
                by[count++] = v->node;
        assert_int_equal(count, 13);
        ph_node *w = ph_constants(n.graph, "weights", 2, (size_t[]){ N, D }, weights);
        ph_gradient(ph_sum_all(ph_mul(n.y, w)), by, (size_t)count, derivative);
        ph_program *p = program_of(&n, derivative, count);
        run(&n, p);
        check_against_differences(&n, "x", n.rows, COUNT, ph_program_output(p, 0));
        for (int i = 1; i < count; i++)
            check_against_differences(&n, by[i]->variable->name, by[i]->variable->data,
                                      by[i]->variable->size, ph_program_output(p, i));
        ph_program_free(p);
        ph_graph_free(n.graph);
    }
}

/* ---- What a token sees ---------------------------------------------------------------------------- */

static void causal_tokens_do_not_see_later_ones(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++)
        for (size_t t = 1; t < N; t++) {
            net n;
            double before[COUNT], after[COUNT];
            make(&n, kind & 1, kind & 2, HEADS, 1);
            evaluate(&n, before);
            for (size_t i = 0; i < COUNT; i++)
                n.rows[i] += i % SIZE >= t * D ? 1e3 * mixed_number(i + 500) : 0;
            evaluate(&n, after);
            for (size_t r = 0; r < ROWS; r++) {
                size_t first = r * SIZE, later = first + t * D;
                bool same = memcmp(before + first, after + first, t * D * sizeof *before) == 0;
                assert_true(same == n.causal);
                assert_memory_not_equal(before + later, after + later, (N - t) * D * sizeof *before);
            }
            ph_graph_free(n.graph);
        }
}

/* Scores of millions: one token gets everything, and no derivative overflows. */
static void large_scores_stay_finite(void **state)
{
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        net n;
        make(&n, false, causal, HEADS, 1e4);
        ph_node *outputs[] = { n.y, NULL };
        ph_gradient(ph_sum_all(ph_square(n.y)), &n.x, 1, &outputs[1]);
        ph_program *p = program_of(&n, outputs, 2);
        run(&n, p);
        for (int k = 0; k < 2; k++)
            for (size_t i = 0; i < COUNT; i++)
                assert_true(isfinite(ph_program_output(p, k)[i]));
        ph_program_free(p);
        ph_graph_free(n.graph);
    }
}

/* ---- One token after the other -------------------------------------------------------------------- */

/* Line t of x, [1, D]. */
static ph_node *line_of(ph_node *x, size_t t)
{
    return ph_reshape(ph_slice(ph_flatten(x), t * D, D), 2, (size_t[]){ 1, D });
}

/* Lines one after the other as [N, D], what is missing filled with numbers that nobody should see. */
static ph_node *lines_of(const net *n, ph_node *lines, size_t count)
{
    ph_node *rest = count < N ? ph_scale(ph_slice(ph_flatten(n->x), count * D, (N - count) * D), 1e6) : NULL;
    ph_node *all = lines && rest ? ph_concatenate(lines, rest) : lines ? lines : rest;
    return ph_reshape(all, 2, (size_t[]){ N, D });
}

/* The same net over each token with what those before it have left, all results as [N, D]. */
static ph_node *one_by_one(net *n)
{
    ph_scope *scope = ph_scope_of(n->graph, "net");
    ph_node *keys = NULL, *values = NULL, *out = NULL;
    for (size_t t = 0; t < N; t++) {
        char name[16];
        double seen[N] = { 0 };
        for (size_t i = 0; i < t; i++)
            seen[i] = 1;
        snprintf(name, sizeof name, "seen%zu", t);
        ph_memory memory = { lines_of(n, keys, t), lines_of(n, values, t),
                             ph_constants(n->graph, name, 1, &(size_t){ N }, seen), NULL, NULL };
        ph_scope_again(scope);
        ph_node *y = ph_transformer_block_of_one(scope, line_of(n->x, t), n->heads, HIDDEN, &memory);
        if (ph_graph_status(n->graph) != PH_OK)
            fail_msg("%s", ph_message());
        assert_true(y->shape.rank == 2 && y->shape.dim[0] == 1 && y->shape.dim[1] == D);
        keys = keys ? ph_concatenate(keys, memory.key) : memory.key;
        values = values ? ph_concatenate(values, memory.value) : memory.value;
        out = out ? ph_concatenate(out, ph_flatten(y)) : ph_flatten(y);
    }
    return ph_reshape(out, 2, (size_t[]){ N, D });
}

/* At every place, with one head and with several, it is what the loops say of all tokens at once. */
static void one_by_one_is_all_at_once(void **state)
{
    (void)state;
    static const size_t heads[] = { 1, 2, HEADS, D };
    for (size_t k = 0; k < sizeof heads / sizeof heads[0]; k++) {
        net n;
        double have[COUNT], want[COUNT];
        make(&n, true, true, heads[k], 1);
        int parameters = 0;
        for (ph_variable *v = n.graph->variable; v; v = v->next)
            parameters += v->kind == PH_VARIABLE_PARAMETER;
        n.y = one_by_one(&n);
        for (ph_variable *v = n.graph->variable; v; v = v->next)
            parameters -= v->kind == PH_VARIABLE_PARAMETER;
        assert_int_equal(parameters, 0);
        evaluate(&n, have);
        by_formula(&n, want);
        for (size_t i = 0; i < COUNT; i++)
            if (!(fabs(have[i] - want[i]) < 1e-12 * (1 + fabs(want[i]))))
                fail_msg("%zu heads: number %zu is %.17g, but should be %.17g", heads[k], i, have[i], want[i]);
        ph_graph_free(n.graph);
    }
}

static void mistakes_are_told(void **state)
{
    (void)state;
    for (int mistake = 0; mistake < 3; mistake++) {
        ph_graph *graph = ph_graph_new(1);
        ph_scope *scope = ph_scope_of(graph, "net");
        size_t shape[] = { N, D };
        ph_node *a = ph_input(graph, "x", mistake == 0 ? 1 : 2, shape);
        ph_transformer_block(scope, a, mistake == 1 ? 0 : mistake == 2 ? 4 : 1, HIDDEN, false);
        assert_int_equal(ph_graph_status(graph), PH_MODEL);
        assert_non_null(strstr(ph_message(), "attention: ["));
        ph_graph_free(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_formula),
        cmocka_unit_test(derivatives_are_those_of_the_formula),
        cmocka_unit_test(causal_tokens_do_not_see_later_ones),
        cmocka_unit_test(large_scores_stay_finite),
        cmocka_unit_test(one_by_one_is_all_at_once),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
