/* lines.c - some lines of a row's own matrix, by indices of the row's own, and the adjoint, which adds
 * lines up where they were taken. (gather.c: of a table that all rows share.)
 */
#include "op/op_nodes.h"

#include "base/kernel.h"
#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 16 };

/* Rows of the set that the value is of. */
static size_t rows_of(const ph_call *call)
{
    const ph_shape *s = &call->node->shape;
    return ph_call_rows(call, s) / ph_shape_lead(s);
}

static void run_take(ph_call *call, int part)
{
    const ph_node *node = call->node;
    size_t n = node->input[0]->shape.dim[0], k = node->shape.dim[0], d = node->shape.dim[1];
    size_t rows = rows_of(call), task;
    const real *a = ph_call_input(call, 0);
    const uint32_t *index = (const uint32_t *)ph_call_input(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t i = task * TASK_ROWS * k; i < rows * k && i < (task + 1) * TASK_ROWS * k; i++) {
            /* As in gather: no wild read, whatever the index. */
            if (index[i] < n)
                memcpy(out + i * d, a + (i / k * n + index[i]) * d, d * sizeof out[0]);
            else
                memset(out + i * d, 0xff, d * sizeof out[0]);
        }
}

PH_KERNEL static void add_own_line(real *to, const real *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* A row's lines are added in their order, by one thread. */
static void run_add(ph_call *call, int part)
{
    const ph_node *node = call->node;
    size_t k = node->input[0]->shape.dim[0], n = node->shape.dim[0], d = node->shape.dim[1];
    size_t rows = rows_of(call), task;
    const real *lines = ph_call_input(call, 0);
    const uint32_t *index = (const uint32_t *)ph_call_input(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            memset(out + r * n * d, 0, n * d * sizeof out[0]);
            for (size_t i = r * k; i < (r + 1) * k; i++)
                if (index[i] < n)
                    add_own_line(out + (r * n + index[i]) * d, lines + i * d, d);
        }
}

static void take_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_add_lines(dy, y->input[1], y->input[0]->shape.dim[0]);
}

static void add_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_take_lines(dy, y->input[1]);
}

const ph_op ph_op_take_lines = { .name = "take_lines", .flags = PH_OP_BY_INDEX, .arity = 2,
                                 .run = run_take, .gradient = take_gradient };
const ph_op ph_op_add_lines = { .name = "add_lines", .flags = PH_OP_BY_INDEX, .arity = 2,
                                .run = run_add, .gradient = add_gradient };

/* lines: how many a must have to fit the indices; 0: any number. */
static ph_node *by_lines(const ph_op *op, ph_node *a, ph_node *index, size_t lines, size_t result)
{
    const ph_shape *s = &a->shape, *i = &index->shape;
    bool fits = s->rank == 2 && i->rank == 1 && s->set != 0 && i->set == s->set;
    if (!fits || (lines && s->dim[0] != lines)) {
        char text[96], indices[96];
        return ph_mistake(a->graph, "%s: lines, [n, d], and indices, [k], of the same rows are needed, "
                          "not %s and %s", op->name, ph_shape_text(s, text), ph_shape_text(i, indices));
    }
    ph_shape shape = ph_shape_of(s->set, 2, (size_t[]){ result, s->dim[1] });
    return ph_node_new(op, shape, (ph_node *[]){ a, index }, 2, NULL, NULL, false);
}

ph_node *ph_take_lines(ph_node *a, ph_node *index)
{
    if (ph_is_dead(a) || ph_is_dead(index))
        return ph_is_dead(a) ? a : index;
    return by_lines(&ph_op_take_lines, a, index, 0, ph_shape_size(&index->shape));
}

ph_node *ph_add_lines(ph_node *lines, ph_node *index, size_t n)
{
    if (ph_is_dead(lines) || ph_is_dead(index))
        return ph_is_dead(lines) ? lines : index;
    if (n == 0)
        return ph_mistake(lines->graph, "add_lines: a result of no lines");
    return by_lines(&ph_op_add_lines, lines, index, ph_shape_size(&index->shape), n);
}
