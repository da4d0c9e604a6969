/* gather.c - rows of a table by index, and its derivative, an ordered scatter-add; rows by a number in
 * [0, 1), for draws. */
#include "op/op_nodes.h"

#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 64, TASK_COLUMNS = 64 / sizeof(real) };

/* How many numbers, or indices, input 1 has. */
static size_t count_of(const ph_call *call)
{
    const ph_shape *s = &call->node->input[1]->shape;
    return ph_call_rows(call, s) * ph_shape_columns(s);
}

static void run_gather(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t columns = ph_shape_columns(&n->shape), entries = n->input[0]->shape.dim[0];
    size_t rows = count_of(call), task;
    const real *table = ph_call_input(call, 0);
    const uint32_t *index = (const uint32_t *)ph_call_input(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            /* An index beyond the table is the caller's mistake; it must not become a wild read. */
            if (index[r] < entries)
                memcpy(out + r * columns, table + index[r] * columns, columns * sizeof out[0]);
            else
                memset(out + r * columns, 0xff, columns * sizeof out[0]);
        }
}

/* Each part takes columns, not rows, so that additions to one entry happen in the order of rows. */
static void run_scatter(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t columns = ph_shape_columns(&n->shape), entries = n->shape.dim[0], task;
    size_t rows = count_of(call);
    const real *in = ph_call_input(call, 0);
    const uint32_t *index = (const uint32_t *)ph_call_input(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (columns + TASK_COLUMNS - 1) / TASK_COLUMNS, &task)) {
        size_t from = task * TASK_COLUMNS;
        size_t count = columns - from < TASK_COLUMNS ? columns - from : TASK_COLUMNS;
        for (size_t e = 0; e < entries; e++)
            memset(out + e * columns + from, 0, count * sizeof out[0]);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; index[r] < entries && c < count; c++)
                out[index[r] * columns + from + c] += in[r * columns + from + c];
    }
}

static void run_pick(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t columns = ph_shape_columns(&n->shape), entries = n->input[0]->shape.dim[0];
    size_t rows = count_of(call), task;
    const real *table = ph_call_input(call, 0), *u = ph_call_input(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++) {
            size_t row = u[r] > 0 ? (size_t)(u[r] * (real)entries) : 0;
            row = row < entries ? row : entries - 1; /* u may round up to 1 */
            memcpy(out + r * columns, table + row * columns, columns * sizeof out[0]);
        }
}

static void gather_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_scatter(dy, y->input[1], y->input[0]->shape.dim[0]);
}

static void scatter_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_gather(dy, y->input[1]);
}

const ph_op ph_op_gather = { .name = "gather", .flags = PH_OP_BY_INDEX, .arity = 2,
                             .run = run_gather, .gradient = gather_gradient };
const ph_op ph_op_scatter = { .name = "scatter_add", .flags = PH_OP_BY_INDEX, .arity = 2,
                              .run = run_scatter, .gradient = scatter_gradient };

const ph_op ph_op_pick = { .name = "pick", .arity = 2, .run = run_pick };

ph_node *ph_scatter(ph_node *a, ph_node *index, size_t entries)
{
    if (ph_is_dead(a) || ph_is_dead(index))
        return ph_is_dead(a) ? a : index;
    ph_shape table = ph_shape_of(0, 2, (size_t[]){ entries, ph_shape_columns(&a->shape) }), lines;
    if (entries == 0 || !ph_shape_of_entries(&index->shape, table.dim[1], &lines) ||
        lines.set != a->shape.set || ph_shape_size(&lines) != ph_shape_size(&a->shape)) {
        char left[96], right[96];
        return ph_mistake(a->graph, "scatter: there is not one index in %s for each line of %s",
                          ph_shape_text(&index->shape, right), ph_shape_text(&a->shape, left));
    }
    return ph_node_new(&ph_op_scatter, table, (ph_node *[]){ a, index }, 2, NULL, NULL, false);
}

ph_node *ph_gather(ph_node *table, ph_node *index)
{
    if (ph_is_dead(table) || ph_is_dead(index))
        return ph_is_dead(table) ? table : index;
    ph_shape shape;
    if (table->shape.set != 0 || table->shape.rank != 2 ||
        !ph_shape_of_entries(&index->shape, table->shape.dim[1], &shape)) {
        char text[96], indices[96];
        return ph_mistake(table->graph, "gather: a whole table of 2 dimensions and indices of up to %d "
                          "are needed, not %s and %s", PH_MAX_RANK - 1,
                          ph_shape_text(&table->shape, text), ph_shape_text(&index->shape, indices));
    }
    return ph_node_new(&ph_op_gather, shape, (ph_node *[]){ table, index }, 2, NULL, NULL, false);
}

ph_node *ph_pick(ph_node *table, ph_node *u)
{
    if (ph_is_dead(table) || ph_is_dead(u))
        return ph_is_dead(table) ? table : u;
    if (table->shape.set != 0 || table->shape.rank != 2 || ph_shape_size(&u->shape) != 1) {
        char text[96];
        return ph_mistake(table->graph, "pick: a whole table of 2 dimensions and one number a row are "
                          "needed, not %s", ph_shape_text(&table->shape, text));
    }
    ph_shape shape = ph_shape_of(u->shape.set, 1, &table->shape.dim[1]);
    return ph_node_new(&ph_op_pick, shape, (ph_node *[]){ table, u }, 2, NULL, NULL, false);
}
