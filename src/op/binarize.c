/* binarize.c - draws once and for all: uniform numbers that are a function of a row's values, so that a
 * row gets the same wherever and however often it is met. They come from the finaliser of SplitMix64
 * (Steele, Lea and Flood 2014).
 */
#include "op/op_nodes.h"

#include "base/kernel.h"
#include "graph/program.h"

#include <string.h>

enum { TASK_ROWS = 16 };
#define GOLDEN 0x9E3779B97F4A7C15u

PH_INLINE uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

PH_INLINE uint64_t bits(real a)
{
#ifdef PH_DOUBLE
    uint64_t word;
#else
    uint32_t word;
#endif
    memcpy(&word, &a, sizeof word);
    return word;
}

/* A sum, so that the columns of a row can be taken side by side. */
PH_KERNEL static void draw(const real *a, size_t n, real *out, size_t count)
{
    uint64_t row = 0;
    for (size_t c = 0; c < n; c++)
        row += mix(bits(a[c]) + (c + 1) * GOLDEN);
    row = mix(row);
    for (size_t c = 0; c < count; c++) {
        uint32_t word = (uint32_t)(mix(row + (c + 1) * GOLDEN) >> 41); /* 23 bits */
        out[c] = ((real)word + (real)0.5) * (real)(1.0 / 8388608.0);
    }
}

static void run(ph_call *call, int part)
{
    const ph_shape *in = &call->node->input[0]->shape;
    size_t rows = ph_call_rows(call, in), n = ph_shape_columns(in), task;
    size_t count = ph_shape_columns(&call->node->shape);
    const real *a = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + TASK_ROWS - 1) / TASK_ROWS, &task))
        for (size_t r = task * TASK_ROWS; r < rows && r < (task + 1) * TASK_ROWS; r++)
            draw(a + r * n, n, out + r * count, count);
}

const ph_op ph_op_uniform_of = { .name = "uniform_of", .arity = 1, .run = run };

ph_node *ph_uniform_of(ph_node *a, size_t n)
{
    if (ph_is_dead(a))
        return a;
    if (n == 0)
        return ph_mistake(a->graph, "uniform_of: no numbers are asked for");
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = n;
    return ph_node_new(&ph_op_uniform_of, shape, &a, 1, NULL, NULL, false);
}

ph_node *ph_binarize(ph_node *a)
{
    return ph_is_dead(a) ? a : ph_less(ph_uniform_of(a, ph_shape_columns(&a->shape)), a);
}
