/* sum.c - sums along the last dimension and over rows, and what is made of them; the maximum along
 * the last dimension.
 *
 * The two sums have no kernels here: they end a group (graph/group.c), which adds them up while the
 * values they sum are in the cache.
 */
#include "op/op_nodes.h"

#include "graph/program.h"

static void sum_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_broadcast_to(dy, &y->input[0]->shape);
}

const ph_op ph_op_sum_last = { .name = "sum_last", .formula = "sum along the row of a",
                                   .flags = PH_OP_SUM_LAST, .arity = 1, .gradient = sum_gradient };
const ph_op ph_op_sum_rows = { .name = "sum_rows", .formula = "sum over rows of a",
                                   .flags = PH_OP_SUM_ROWS, .arity = 1, .gradient = sum_gradient };

ph_node *ph_sum_last(ph_node *a)
{
    if (ph_is_dead(a) || ph_shape_columns(&a->shape) == 1)
        return a;
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = 1;
    return ph_node_new(&ph_op_sum_last, shape, &a, 1, NULL, NULL, false);
}

ph_node *ph_sum_rows(ph_node *a)
{
    if (ph_is_dead(a) || (a->shape.set == 0 && ph_shape_lead(&a->shape) == 1))
        return a;
    size_t columns = ph_shape_columns(&a->shape);
    return ph_node_new(&ph_op_sum_rows, ph_shape_of(0, 1, &columns), &a, 1, NULL, NULL, false);
}

ph_node *ph_sum(ph_node *a)
{
    return ph_sum_last(ph_flatten(a));
}

ph_node *ph_mean(ph_node *a)
{
    return ph_scale(ph_sum(a), 1.0 / (double)ph_shape_size(&a->shape));
}

ph_node *ph_mean_rows(ph_node *a)
{
    double lead = (double)ph_shape_lead(&a->shape);
    return ph_scale(ph_mul(ph_sum_rows(a), ph_inverse_rows(a)), 1.0 / lead);
}

ph_node *ph_sum_all(ph_node *a)
{
    return ph_sum_rows(ph_sum_last(a));
}

/* ---- The maximum -------------------------------------------------------------------------------- */

enum { TASK_ROWS = 64 };

static void run_max(ph_call *call, int part)
{
    const ph_shape *in = &call->node->input[0]->shape;
    size_t rows = ph_call_rows(call, in), columns = ph_shape_columns(in), task;
    const real *a = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            real most = a[r * columns];
            for (size_t c = 1; c < columns; c++) {
                real x = a[r * columns + c];
                most = x > most || x != x ? x : most;
            }
            out[r] = most;
        }
}

/* Flows to every element that equals the maximum, shared among them when several do. */
static void max_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    ph_node *is_most = ph_equal(y->input[0], y);
    by_input[0] = ph_mul(is_most, ph_div(dy, ph_sum_last(is_most)));
}

const ph_op ph_op_max_last = { .name = "max_last", .arity = 1, .gradient = max_gradient,
                                   .run = run_max };

ph_node *ph_max_last(ph_node *a)
{
    if (ph_is_dead(a) || ph_shape_columns(&a->shape) == 1)
        return a;
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = 1;
    return ph_node_new(&ph_op_max_last, shape, &a, 1, NULL, NULL, false);
}
