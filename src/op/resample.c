/* resample.c - pictures of another size: each new pixel is a weighted mean of old ones.
 *
 *     resample         Y[p] = sum over q of A[p_y, q_y] B[p_x, q_x] X[q]
 *     resample_back    X[q] = sum over p of A[p_y, q_y] B[p_x, q_x] Y[p]
 *
 * Each is the other's derivative. A row of A or B has few numbers besides zeros: a window's, all alike,
 * for the mean of the pixels in it; one, for the nearest pixel; two, for bilinear interpolation between
 * the centres of pixels, which edges repeat outwards. They are listed as taps, by lines and columns of Y or,
 * for the second, of X, so that both gather what a line of their result is made of.
 */
#include "op/op_nodes.h"

#include "graph/program.h"
#include "op/window.h"

#include <math.h>
#include <string.h>

enum { TASK_REALS = 16384, BILINEAR = 0 }; /* where there is no window, the extent that tells */

typedef struct tap {
    uint32_t at;
    real weight;
} tap;

/* What each coordinate of one side is made of: taps begin[i] to begin[i + 1] - 1. */
typedef struct taps {
    uint32_t *begin;
    tap *tap;
} taps;

/* A node of either op as numbers, along one axis. */
typedef struct axis {
    size_t x, y;               /* pixels of X and Y */
    size_t k;                  /* of the window; 0: there is none */
    bool back;
    taps of_y, of_x;           /* of_x for the second op alone */
} axis;

static axis axis_of(const ph_node *n, int i)
{
    size_t in = ph_picture_dim(&n->input[0]->shape)[i], out = ph_picture_dim(&n->shape)[i];
    bool back = n->op == &ph_op_resample_back;
    return (axis){ .x = back ? out : in, .y = back ? in : out,
                   .k = n->extent[PH_WINDOW_SIZE + i], .back = back };
}

/* At most as many taps as an axis has. */
static size_t most_taps(const axis *a)
{
    return a->y * (a->k ? a->k : 2);
}

static size_t table_size(const axis *a)
{
    size_t bytes = 2 * most_taps(a) * sizeof(tap) + (a->x + a->y + 2) * sizeof(uint32_t);
    return (bytes + 63) / 64 * 64 / sizeof(real);
}

static size_t scratch(const ph_call *call)
{
    axis lines = axis_of(call->node, 0), columns = axis_of(call->node, 1);
    return table_size(&lines) + table_size(&columns);
}

/* The two axes of a call that runs: their tables are in its scratch, one after the other. */
static void find_axes(ph_call *call, axis both[2])
{
    real *at = ph_call_scratch(call);
    for (int i = 0; i < 2; i++) {
        axis *a = &both[i];
        *a = axis_of(call->node, i);
        a->of_y.tap = (tap *)at;
        a->of_x.tap = a->of_y.tap + most_taps(a);
        a->of_y.begin = (uint32_t *)(a->of_x.tap + most_taps(a));
        a->of_x.begin = a->of_y.begin + a->y + 1;
        at += table_size(a);
    }
}

/* ---- Taps ------------------------------------------------------------------------------------------ */

static size_t window_taps(const axis *a, const size_t *extent, int i, size_t p, tap *out)
{
    size_t count = 0, at;
    for (size_t k = 0; k < a->k; k++)
        if (ph_window_falls(extent, i, p, k, a->x, &at))
            out[count++].at = (uint32_t)at;
    for (size_t k = 0; k < count; k++)
        out[k].weight = (real)(1 / (double)count);
    return count;
}

static size_t bilinear_taps(const axis *a, size_t p, tap *out)
{
    double centre = fmax(0, ((double)p + 0.5) * (double)a->x / (double)a->y - 0.5);
    size_t at = (size_t)centre;
    double share = at + 1 < a->x ? centre - (double)at : 0;
    out[0] = (tap){ (uint32_t)at, (real)(1 - share) };
    out[1] = (tap){ (uint32_t)at + 1, (real)share };
    return share > 0 ? 2 : 1;
}

/* The taps of coordinate p of Y along axis i; returns how many. */
static size_t find_taps(const ph_node *n, const axis *a, int i, size_t p, tap *out)
{
    if (a->k)
        return window_taps(a, n->extent, i, p, out);
    if (n->extent[BILINEAR])
        return bilinear_taps(a, p, out);
    out[0] = (tap){ (uint32_t)(p * a->x / a->y), 1 };
    return 1;
}

/* The same taps by the coordinates of X. */
static void turn(axis *a)
{
    uint32_t *begin = a->of_x.begin;
    memset(begin, 0, (a->x + 1) * sizeof begin[0]);
    for (size_t t = 0; t < a->of_y.begin[a->y]; t++)
        begin[a->of_y.tap[t].at + 1]++;
    for (size_t q = 0; q < a->x; q++)
        begin[q + 1] += begin[q];
    for (size_t p = 0; p < a->y; p++)
        for (size_t t = a->of_y.begin[p]; t < a->of_y.begin[p + 1]; t++)
            a->of_x.tap[begin[a->of_y.tap[t].at]++] = (tap){ (uint32_t)p, a->of_y.tap[t].weight };
    /* Each has moved on to its end, where the next one begins. */
    memmove(begin + 1, begin, a->x * sizeof begin[0]);
    begin[0] = 0;
}

static void prepare(ph_call *call, int part)
{
    axis both[2];
    size_t task;
    find_axes(call, both);
    while (ph_next_task(call, part, 2, &task)) {
        axis *a = &both[task];
        uint32_t used = 0;
        for (size_t p = 0; p < a->y; p++) {
            a->of_y.begin[p] = used;
            used += (uint32_t)find_taps(call->node, a, (int)task, p, a->of_y.tap + used);
        }
        a->of_y.begin[a->y] = used;
        if (a->back)
            turn(a);
    }
}

/* ---- Running --------------------------------------------------------------------------------------- */

/* Adds a line of the source, times factor, to one of `width` pixels. */
PH_KERNEL static void add_line(real *restrict out, const real *line, const taps *columns, size_t width,
                               size_t channels, real factor)
{
    for (size_t p = 0; p < width; p++, out += channels)
        for (size_t t = columns->begin[p]; t < columns->begin[p + 1]; t++) {
            const real *pixel = line + columns->tap[t].at * channels;
            real weight = factor * columns->tap[t].weight;
            for (size_t c = 0; c < channels; c++)
                out[c] += weight * pixel[c];
        }
}

static void run(ph_call *call, int part)
{
    const ph_shape *from = &call->node->input[0]->shape;
    const size_t *to = ph_picture_dim(&call->node->shape);
    size_t width = to[1], channels = to[2], size = width * channels, task;
    size_t lines = ph_call_rows(call, &call->node->shape) / width, each = TASK_REALS / size + 1;
    axis both[2];
    find_axes(call, both);
    const taps *by_line = both[0].back ? &both[0].of_x : &both[0].of_y;
    const taps *by_column = both[1].back ? &both[1].of_x : &both[1].of_y;
    while (ph_next_task(call, part, (lines + each - 1) / each, &task))
        for (size_t i = task * each; i < lines && i < (task + 1) * each; i++) {
            const real *picture = ph_call_input(call, 0) + i / to[0] * ph_picture_size(from);
            const uint32_t *begin = by_line->begin + i % to[0];
            real *out = ph_call_output(call) + i * size;
            memset(out, 0, size * sizeof out[0]);
            for (size_t t = begin[0]; t < begin[1]; t++)
                add_line(out, picture + by_line->tap[t].at * ph_picture_dim(from)[1] * channels, by_column, width,
                         channels, by_line->tap[t].weight);
        }
}

/* ---- Nodes ----------------------------------------------------------------------------------------- */

static void gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_node_new(&ph_op_resample_back, y->input[0]->shape, &dy, 1, NULL, y->extent, false);
}

static void back_gradient(ph_node *x, ph_node *dx, ph_node **by_input)
{
    by_input[0] = ph_node_new(&ph_op_resample, x->input[0]->shape, &dx, 1, NULL, x->extent, false);
}

const ph_op ph_op_resample = { .name = "resample", .arity = 1, .run = run, .prepare = prepare,
                               .scratch = scratch, .gradient = gradient };
const ph_op ph_op_resample_back = { .name = "resample_back", .arity = 1, .run = run, .prepare = prepare,
                                    .scratch = scratch, .gradient = back_gradient };

ph_node *ph_average_pool(ph_node *x, size_t kh, size_t kw, const ph_window *window)
{
    size_t extent[PH_MAX_EXTENTS] = { 0 };
    ph_shape y;
    if (ph_is_dead(x) || !ph_window_over("average pooling", x, kh, kw, window, extent, &y))
        return &x->graph->dead;
    return ph_node_new(&ph_op_resample, y, &x, 1, NULL, extent, false);
}

ph_node *ph_upsample(ph_node *x, size_t h, size_t w, bool bilinear)
{
    if (ph_is_dead(x))
        return x;
    if (x->shape.rank < 3 || h == 0 || w == 0) {
        char text[96];
        return ph_mistake(x->graph, "upsample: %s cannot become %zu x %zu pixels",
                          ph_shape_text(&x->shape, text), h, w);
    }
    ph_shape y = ph_pictures_of(&x->shape, h, w, ph_shape_columns(&x->shape));
    if (ph_shape_equal(&y, &x->shape))
        return x;
    size_t extent[PH_MAX_EXTENTS] = { [BILINEAR] = bilinear };
    return ph_node_new(&ph_op_resample, y, &x, 1, NULL, extent, false);
}
