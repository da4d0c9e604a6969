/* softmax.c - softmax, log-softmax and log-sum-exp along the last dimension.
 *
 * The maximum of the row is taken out first, so nothing overflows. Derivatives, with s = softmax(x):
 *     softmax          s * (dy - sum(s dy))
 *     log-softmax      dy - s sum(dy)
 *     log-sum-exp      s dy
 *
 * A causal softmax has fewer columns in the lines before the last; what it leaves out has zeros, which
 * its derivative keeps.
 */
#include "op/op_nodes.h"

#include "base/vmath.h"
#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 32 };

/* exp(a - max) of one row to out; returns the sum, and the maximum in *most. */
PH_KERNEL static real exponentials(const real *a, real *out, size_t columns, real *most)
{
    real top = a[0], sum = 0;
    for (size_t c = 1; c < columns; c++)
        top = a[c] > top ? a[c] : top;
    for (size_t c = 0; c < columns; c++)
        out[c] = ph_v_exp(a[c] - top);
    for (size_t c = 0; c < columns; c++)
        sum += out[c];
    *most = top;
    return sum;
}

typedef void row_job(const real *a, real *out, size_t columns);

static void softmax_row(const real *a, real *out, size_t columns)
{
    real most, scale = 1 / exponentials(a, out, columns, &most);
    for (size_t c = 0; c < columns; c++)
        out[c] *= scale;
}

static void log_softmax_row(const real *a, real *out, size_t columns)
{
    real most, shift = ph_v_log(exponentials(a, out, columns, &most));
    for (size_t c = 0; c < columns; c++)
        out[c] = a[c] - most - shift;
}

static real log_sum_exp_row(const real *a, size_t columns)
{
    real top = a[0], sum = 0;
    for (size_t c = 1; c < columns; c++)
        top = a[c] > top ? a[c] : top;
    for (size_t c = 0; c < columns; c++)
        sum += ph_v_exp(a[c] - top);
    return top + ph_v_log(sum);
}

static void run_rows(ph_call *call, int part, row_job *job)
{
    const ph_shape *in = &call->node->input[0]->shape;
    size_t rows = ph_call_rows(call, in), columns = ph_shape_columns(in), task;
    const real *a = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            if (job)
                job(a + r * columns, out + r * columns, columns);
            else
                out[r] = log_sum_exp_row(a + r * columns, columns);
        }
}

static void run_causal(ph_call *call, int part)
{
    const ph_shape *s = &call->node->shape;
    size_t rows = ph_call_rows(call, s), n = ph_shape_columns(s), task;
    const real *a = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            size_t seen = r % n + 1;
            softmax_row(a + r * n, out + r * n, seen);
            memset(out + r * n + seen, 0, (n - seen) * sizeof out[0]);
        }
}

static void run_softmax(ph_call *call, int part)
{
    run_rows(call, part, softmax_row);
}

static void run_log_softmax(ph_call *call, int part)
{
    run_rows(call, part, log_softmax_row);
}

static void run_log_sum_exp(ph_call *call, int part)
{
    run_rows(call, part, NULL);
}

static void softmax_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_mul(y, ph_sub(dy, ph_sum_last(ph_mul(y, dy))));
}

static void log_softmax_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_sub(dy, ph_mul(ph_softmax(y->input[0]), ph_sum_last(dy)));
}

static void log_sum_exp_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_mul(ph_softmax(y->input[0]), dy);
}

const ph_op ph_op_softmax = { .name = "softmax", .arity = 1, .run = run_softmax,
                                  .gradient = softmax_gradient };
const ph_op ph_op_causal_softmax = { .name = "causal_softmax", .arity = 1, .run = run_causal,
                                         .gradient = softmax_gradient };
const ph_op ph_op_log_softmax = { .name = "log_softmax", .arity = 1, .run = run_log_softmax,
                                      .gradient = log_softmax_gradient };
const ph_op ph_op_log_sum_exp = { .name = "log_sum_exp", .arity = 1, .run = run_log_sum_exp,
                                      .gradient = log_sum_exp_gradient };

ph_node *ph_softmax(ph_node *a)
{
    return ph_node_new(&ph_op_softmax, a->shape, &a, 1, NULL, NULL, false);
}

ph_node *ph_causal_softmax(ph_node *a)
{
    if (ph_is_dead(a))
        return a;
    const ph_shape *s = &a->shape;
    if (s->rank < 2 || s->dim[s->rank - 2] != ph_shape_columns(s)) {
        char text[96];
        return ph_mistake(a->graph, "causal_softmax: the last two dimensions of %s differ",
                          ph_shape_text(s, text));
    }
    return ph_node_new(&ph_op_causal_softmax, *s, &a, 1, NULL, NULL, false);
}

ph_node *ph_log_softmax(ph_node *a)
{
    return ph_node_new(&ph_op_log_softmax, a->shape, &a, 1, NULL, NULL, false);
}

ph_node *ph_log_sum_exp(ph_node *a)
{
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = 1;
    return ph_node_new(&ph_op_log_sum_exp, shape, &a, 1, NULL, NULL, false);
}
