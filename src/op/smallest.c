/* smallest.c - the places of a row's smallest numbers, the smallest first; of equal ones the first. With
 * noise for numbers, a random choice of so many places. The choice has no derivative.
 */
#include "op/op_nodes.h"

#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 8 };

/* Two runs of indices, of which the second begins at `middle`, into one. */
static void merge(const real *a, const uint32_t *from, size_t first, size_t middle, size_t end,
                  uint32_t *to)
{
    size_t left = first, right = middle;
    for (size_t i = first; i < end; i++) {
        bool second = left == middle || (right < end && a[from[right]] < a[from[left]]);
        to[i] = from[second ? right++ : left++];
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* All n indices, sorted by runs that double. work has room for 2 n; returns where in it they are. */
static const uint32_t *sort(const real *a, size_t n, uint32_t *work)
{
    uint32_t *from = work, *to = work + n;
    for (size_t i = 0; i < n; i++)
        from[i] = (uint32_t)i;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t first = 0; first < n; first += 2 * run)
            merge(a, from, first, least(first + run, n), least(first + 2 * run, n), to);
        uint32_t *last = from;
        from = to;
        to = last;
    }
    return from;
}

static size_t own(const ph_call *call)
{
    return 2 * ph_shape_columns(&call->node->input[0]->shape);
}

static void run(ph_call *call, int part)
{
    const ph_shape *in = &call->node->input[0]->shape;
    size_t rows = ph_call_rows(call, in), n = ph_shape_columns(in), task;
    size_t count = ph_shape_columns(&call->node->shape);
    const real *a = ph_call_input(call, 0);
    uint32_t *out = (uint32_t *)ph_call_output(call), *work = (uint32_t *)ph_call_own(call, part);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++)
            memcpy(out + r * count, sort(a + r * n, n, work), count * sizeof out[0]);
}

const ph_op ph_op_smallest = { .name = "smallest", .flags = PH_OP_INDEX, .arity = 1, .run = run,
                               .own = own };

ph_node *ph_smallest(ph_node *a, size_t count)
{
    if (ph_is_dead(a))
        return a;
    size_t n = ph_shape_columns(&a->shape);
    if (count == 0 || count > n)
        return ph_mistake(a->graph, "smallest: %zu of %zu numbers; it is 1 to as many as there are",
                          count, n);
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = count;
    return ph_node_new(&ph_op_smallest, shape, &a, 1, NULL, NULL, false);
}
