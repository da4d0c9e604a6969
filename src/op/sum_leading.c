/* sum_leading.c - sums over all inner dimensions but the last, row by row: what samples of one row
 * have in common, such as the derivative of the mean that they were drawn around.
 */
#include "op/op_nodes.h"

#include "base/kernel.h"
#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 16 };

PH_KERNEL static void add(real *to, const real *from, size_t columns)
{
    for (size_t c = 0; c < columns; c++)
        to[c] += from[c];
}

static void run(ph_call *call, int part)
{
    const ph_shape *in = &call->node->input[0]->shape;
    size_t columns = ph_shape_columns(in), lead = ph_shape_lead(in), task;
    size_t rows = ph_call_rows(call, &call->node->shape);
    const real *a = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            memset(out + r * columns, 0, columns * sizeof out[0]);
            for (size_t k = 0; k < lead; k++)
                add(out + r * columns, a + (r * lead + k) * columns, columns);
        }
}

static void gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_broadcast_to(dy, &y->input[0]->shape);
}

const ph_op ph_op_sum_leading = { .name = "sum_leading", .arity = 1, .run = run,
                                  .gradient = gradient };

ph_node *ph_sum_leading(ph_node *a)
{
    if (ph_is_dead(a) || ph_shape_lead(&a->shape) == 1)
        return ph_is_dead(a) ? a : ph_flatten(a);
    if (a->shape.set == 0)
        return ph_sum_rows(a);
    size_t columns = ph_shape_columns(&a->shape);
    return ph_node_new(&ph_op_sum_leading, ph_shape_of(a->shape.set, 1, &columns), &a, 1, NULL, NULL,
                       false);
}
