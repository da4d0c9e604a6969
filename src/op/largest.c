/* largest.c - which of a row's numbers are its k largest: 1 there, 0 elsewhere. Of equal ones the first
 * are taken. The choice itself has no derivative.
 */
#include "op/op_nodes.h"

#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 16, HEAP = 512 };

/* The k-th largest of n, by a heap of k whose top is the smallest. */
static real threshold(const real *a, size_t n, size_t k, real *heap)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at;
        if (count < k) {
            for (at = count++; at && heap[(at - 1) / 2] > a[i]; at = (at - 1) / 2)
                heap[at] = heap[(at - 1) / 2];
        } else if (a[i] > heap[0]) {
            for (at = 0;;) {
                size_t child = 2 * at + 1;
                child += child + 1 < k && heap[child + 1] < heap[child];
                if (child >= k || heap[child] >= a[i])
                    break;
                heap[at] = heap[child];
                at = child;
            }
        } else {
            continue;
        }
        heap[at] = a[i];
    }
    return heap[0];
}

static void mark(const real *a, real *out, size_t n, size_t k)
{
    real heap[HEAP];
    real limit = threshold(a, n, k, heap);
    size_t above = 0;
    for (size_t c = 0; c < n; c++)
        above += a[c] > limit;
    for (size_t c = 0, equal = k - above; c < n; c++) {
        bool taken = a[c] > limit || (a[c] == limit && equal > 0);
        equal -= a[c] == limit && equal > 0;
        out[c] = taken;
    }
}

static void run(ph_call *call, int part)
{
    const ph_shape *shape = &call->node->shape;
    size_t rows = ph_call_rows(call, shape), n = ph_shape_columns(shape), task;
    const real *a = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++)
            mark(a + r * n, out + r * n, n, call->node->extent[0]);
}

const ph_op ph_op_largest = { .name = "largest", .arity = 1, .run = run };

ph_node *ph_largest(ph_node *a, size_t k)
{
    if (ph_is_dead(a))
        return a;
    size_t n = ph_shape_columns(&a->shape);
    if (k == 0 || k > n || k > HEAP)
        return ph_mistake(a->graph, "largest: %zu of %zu numbers; it is 1 to %d, and no more than "
                          "there are", k, n, HEAP);
    return ph_node_new(&ph_op_largest, a->shape, &a, 1, NULL, (size_t[PH_MAX_EXTENTS]){ k }, false);
}
