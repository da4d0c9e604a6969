/* pool.c - the largest pixel of each window, channel by channel.
 *
 *     pool_take(x, v)      Y[p] = v at the place of x's largest in window p, the first of equals
 *     pool_spread(x, d)    X[q] = sum of d[p] over the windows p whose largest x is at q
 *
 * Both are linear in their second input, and there each is the other's derivative; moving x a little
 * moves no place. Max pooling is pool_take(x, x). A place outside of the picture is none.
 */
#include "op/op_nodes.h"

#include "graph/program.h"
#include "op/window.h"

#include <string.h>

enum { CHANNELS = 64 };        /* of a block */

/* The largest pixels so far, and their numbers in the picture. */
typedef struct found {
    real most[CHANNELS];
    uint32_t at[CHANNELS];
} found;

PH_KERNEL static void find_more(found *f, const real *x, uint32_t pixel, size_t channels, bool first)
{
    for (size_t c = 0; c < channels; c++) {
        real most = f->most[c];
        bool more = first || x[c] > most || (x[c] != x[c] && most == most);
        f->most[c] = more ? x[c] : most;
        f->at[c] = more ? pixel : f->at[c];
    }
}

/* The largest pixels of the window at (py, px); x begins at the block's first channel. */
static void find(found *f, const ph_shape *shape, const size_t *extent, const real *x, size_t py,
                 size_t px, size_t channels)
{
    const size_t *dim = ph_picture_dim(shape);
    size_t h = dim[0], w = dim[1], c = dim[2], y_at, x_at;
    bool first = true;
    for (size_t ky = 0; ky < extent[PH_WINDOW_SIZE]; ky++)
        for (size_t kx = 0; kx < extent[PH_WINDOW_SIZE + 1]; kx++)
            if (ph_window_falls(extent, 0, py, ky, h, &y_at) &&
                ph_window_falls(extent, 1, px, kx, w, &x_at)) {
                size_t pixel = y_at * w + x_at;
                find_more(f, x + pixel * c, (uint32_t)pixel, channels, first);
                first = false;
            }
}

static size_t block(size_t channels, size_t first)
{
    return channels - first < CHANNELS ? channels - first : CHANNELS;
}

/* A task is a line of the result. */
static void run_take(ph_call *call, int part)
{
    const ph_node *n = call->node;
    const ph_shape *from = &n->input[0]->shape;
    const size_t *dim = ph_picture_dim(&n->shape);
    size_t lines = dim[0], places = dim[1], c = dim[2], task;
    size_t all = ph_call_rows(call, &n->shape) / places;
    found f;
    while (ph_next_task(call, part, all, &task)) {
        size_t picture = task / lines * ph_picture_size(from);
        const real *x = ph_call_input(call, 0) + picture, *v = ph_call_input(call, 1) + picture;
        real *out = ph_call_output(call) + task * places * c;
        for (size_t p = 0; p < places; p++, out += c)
            for (size_t first = 0; first < c; first += CHANNELS) {
                find(&f, from, n->extent, x + first, task % lines, p, block(c, first));
                for (size_t i = 0; i < block(c, first); i++)
                    out[first + i] = v[f.at[i] * c + first + i];
            }
    }
}

/* A task is a block of channels of a picture: windows overlap, but channels do not. */
static void run_spread(ph_call *call, int part)
{
    const ph_node *n = call->node;
    const size_t *to = ph_picture_dim(&n->shape), *from = ph_picture_dim(&n->input[1]->shape);
    size_t pixels = to[0] * to[1], places = from[0] * from[1], c = to[2], task;
    size_t blocks = (c + CHANNELS - 1) / CHANNELS, pictures = ph_call_rows(call, &n->shape) / pixels;
    found f;
    while (ph_next_task(call, part, pictures * blocks, &task)) {
        size_t picture = task / blocks, first = task % blocks * CHANNELS, count = block(c, first);
        const real *x = ph_call_input(call, 0) + picture * pixels * c + first;
        const real *d = ph_call_input(call, 1) + picture * places * c + first;
        real *out = ph_call_output(call) + picture * pixels * c + first;
        for (size_t i = 0; i < pixels; i++)
            memset(out + i * c, 0, count * sizeof out[0]);
        for (size_t p = 0; p < places; p++, d += c) {
            find(&f, &n->shape, n->extent, x, p / from[1], p % from[1], count);
            for (size_t i = 0; i < count; i++)
                out[f.at[i] * c + i] += d[i];
        }
    }
}

static ph_node *take(ph_node *x, ph_node *v, const ph_shape *y, const size_t *extent)
{
    return ph_node_new(&ph_op_pool_take, *y, (ph_node *[]){ x, v }, 2, NULL, extent, false);
}

static void take_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    ph_node *x = y->input[0];
    by_input[1] = ph_node_new(&ph_op_pool_spread, x->shape, (ph_node *[]){ x, dy }, 2, NULL, y->extent,
                              false);
}

static void spread_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[1] = take(y->input[0], dy, &y->input[1]->shape, y->extent);
}

const ph_op ph_op_pool_take = { .name = "pool_take", .arity = 2, .run = run_take,
                                .gradient = take_gradient };
const ph_op ph_op_pool_spread = { .name = "pool_spread", .arity = 2, .run = run_spread,
                                  .gradient = spread_gradient };

ph_node *ph_max_pool(ph_node *x, size_t kh, size_t kw, const ph_window *window)
{
    size_t extent[PH_MAX_EXTENTS] = { 0 };
    ph_shape y;
    if (ph_is_dead(x) || !ph_window_over("max pooling", x, kh, kw, window, extent, &y))
        return &x->graph->dead;
    return take(x, x, &y, extent);
}
