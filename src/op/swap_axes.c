/* swap_axes.c - a value with two of its dimensions exchanged: the heads of a sequence's tokens become
 * sequences of heads. Its own derivative, on the derivative.
 */
#include "op/op_nodes.h"

#include "base/kernel.h"
#include "graph/program.h"

#include <string.h>

enum { TASK_REALS = 4096, LONG = 32 };

/* The value as [outer, first, middle, second, inner], outer with all rows. */
typedef struct axes {
    size_t first, middle, second, inner;
} axes;

static axes axes_of(const ph_shape *s, size_t first, size_t second)
{
    axes x = { s->dim[first], 1, s->dim[second], 1 };
    for (size_t d = first + 1; d < second; d++)
        x.middle *= s->dim[d];
    for (size_t d = second + 1; d < s->rank; d++)
        x.inner *= s->dim[d];
    return x;
}

/* One line of the result: all of the first axis, and what lies within. */
PH_KERNEL static void take_line(real *restrict out, const real *in, const axes *x)
{
    size_t step = x->middle * x->second * x->inner;
    for (size_t a = 0; a < x->first; a++, in += step, out += x->inner)
        if (x->inner >= LONG)
            memcpy(out, in, x->inner * sizeof *out);
        else
            for (size_t i = 0; i < x->inner; i++)
                out[i] = in[i];
}

static void run(ph_call *call, int part)
{
    const ph_node *n = call->node;
    const ph_shape *from = &n->input[0]->shape;
    axes x = axes_of(from, n->extent[0], n->extent[1]);
    size_t width = x.first * x.inner, each = TASK_REALS / width + 1, task;
    size_t lines = ph_call_rows(call, from) * ph_shape_columns(from) / width;
    const real *in = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (lines + each - 1) / each, &task))
        for (size_t line = task * each; line < lines && line < (task + 1) * each; line++) {
            size_t middle = line % x.middle, second = line / x.middle % x.second;
            size_t outer = line / x.middle / x.second;
            size_t at = (outer * x.first * x.middle + middle) * x.second + second;
            take_line(out + line * width, in + at * x.inner, &x);
        }
}

static void gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_swap_axes(dy, y->extent[0], y->extent[1]);
}

const ph_op ph_op_swap_axes = { .name = "swap_axes", .arity = 1, .run = run, .gradient = gradient };

ph_node *ph_swap_axes(ph_node *a, size_t first, size_t second)
{
    if (ph_is_dead(a) || first == second)
        return a;
    if (first > second)
        return ph_swap_axes(a, second, first);
    ph_shape shape = a->shape;
    if (second >= shape.rank) {
        char text[96];
        return ph_mistake(a->graph, "swap_axes: %s has no dimension %zu", ph_shape_text(&a->shape, text),
                          second);
    }
    shape.dim[first] = a->shape.dim[second];
    shape.dim[second] = a->shape.dim[first];
    axes x = axes_of(&shape, first, second);
    if (x.middle == 1 && (x.first == 1 || x.second == 1)) /* nothing moves */
        return ph_reshape(a, shape.rank, shape.dim);
    size_t extent[PH_MAX_EXTENTS] = { first, second };
    if (a->op == &ph_op_swap_axes && memcmp(a->extent, extent, sizeof extent) == 0)
        return a->input[0];
    return ph_node_new(&ph_op_swap_axes, shape, &a, 1, NULL, extent, false);
}
