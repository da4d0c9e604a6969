/* indices.c - from numbers to an index and back: the place of the largest, a row of zeros with a one,
 * the index as a number. None of them has a derivative.
 */
#include "op/op_nodes.h"

#include "graph/program.h"

#include <string.h>

enum { TASK_REALS = 8192, MOST_INDEX = 1 << 24 };

static void run_argmax(ph_call *call, int part)
{
    const ph_shape *from = &call->node->input[0]->shape;
    size_t lines = ph_call_rows(call, from), n = ph_shape_columns(from), each = TASK_REALS / n + 1, task;
    const real *a = ph_call_input(call, 0);
    uint32_t *out = (uint32_t *)ph_call_output(call);
    while (ph_next_task(call, part, (lines + each - 1) / each, &task))
        for (size_t r = task * each; r < lines && r < (task + 1) * each; r++) {
            const real *line = a + r * n;
            size_t most = 0;
            for (size_t c = 1; c < n; c++)
                most = line[c] > line[most] ? c : most;
            out[r] = (uint32_t)most;
        }
}

static void run_one_hot(ph_call *call, int part)
{
    const ph_shape *shape = &call->node->shape;
    size_t lines = ph_call_rows(call, shape), n = ph_shape_columns(shape);
    size_t each = TASK_REALS / n + 1, task;
    const uint32_t *index = (const uint32_t *)ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (lines + each - 1) / each, &task))
        for (size_t r = task * each; r < lines && r < (task + 1) * each; r++) {
            memset(out + r * n, 0, n * sizeof out[0]);
            if (index[r] < n)
                out[r * n + index[r]] = 1;
        }
}

static void run_to_real(ph_call *call, int part)
{
    const ph_shape *shape = &call->node->shape;
    size_t count = ph_call_rows(call, shape) * ph_shape_columns(shape), task;
    const uint32_t *index = (const uint32_t *)ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (count + TASK_REALS - 1) / TASK_REALS, &task))
        for (size_t i = task * TASK_REALS; i < count && i < (task + 1) * TASK_REALS; i++)
            out[i] = (real)index[i];
}

static void run_to_index(ph_call *call, int part)
{
    const ph_shape *shape = &call->node->shape;
    size_t count = ph_call_rows(call, shape) * ph_shape_columns(shape), task;
    const real *a = ph_call_input(call, 0);
    uint32_t *out = (uint32_t *)ph_call_output(call);
    while (ph_next_task(call, part, (count + TASK_REALS - 1) / TASK_REALS, &task))
        for (size_t i = task * TASK_REALS; i < count && i < (task + 1) * TASK_REALS; i++) {
            bool is = a[i] >= 0 && a[i] <= MOST_INDEX;
            out[i] = is && (real)(uint32_t)a[i] == a[i] ? (uint32_t)a[i] : UINT32_MAX;
        }
}

const ph_op ph_op_argmax_last = { .name = "argmax_last", .flags = PH_OP_INDEX, .arity = 1,
                                  .run = run_argmax };
const ph_op ph_op_one_hot = { .name = "one_hot", .flags = PH_OP_BY_INDEX, .arity = 1,
                              .run = run_one_hot };
const ph_op ph_op_to_real = { .name = "to_real", .flags = PH_OP_BY_INDEX, .arity = 1,
                              .run = run_to_real };
const ph_op ph_op_to_index = { .name = "to_index", .flags = PH_OP_INDEX, .arity = 1,
                               .run = run_to_index };

ph_node *ph_argmax_last(ph_node *a)
{
    if (ph_is_dead(a))
        return a;
    return ph_node_new(&ph_op_argmax_last, ph_shape_of_lines(&a->shape), &a, 1, NULL, NULL, false);
}

ph_node *ph_one_hot(ph_node *index, size_t n)
{
    if (ph_is_dead(index))
        return index;
    ph_shape shape;
    if (n == 0 || !ph_shape_of_entries(&index->shape, n, &shape)) {
        char text[96];
        return ph_mistake(index->graph, "one_hot: %s cannot become rows of %zu numbers",
                          ph_shape_text(&index->shape, text), n);
    }
    return ph_node_new(&ph_op_one_hot, shape, &index, 1, NULL, NULL, false);
}

ph_node *ph_to_real(ph_node *index)
{
    return ph_node_new(&ph_op_to_real, index->shape, &index, 1, NULL, NULL, false);
}

ph_node *ph_to_index(ph_node *a)
{
    return ph_is_dead(a) ? a : ph_node_new(&ph_op_to_index, a->shape, &a, 1, NULL, NULL, false);
}
