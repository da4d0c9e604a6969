/* convolution.c - convolutions of pictures, as products whose rows are windows.
 *
 *     convolution              Y[p,o] = sum over k of X[window p, k] W[k,o]
 *     transposed_convolution   X[q,c] = sum over the p and k whose place in window p is q of Y[p,o] W[k,o]
 *     convolution_weight       W[k,o] = sum over p of X[window p, k] Y[p,o]
 *
 * k counts the places of a window and the channels there. The three are the ways to leave one factor out
 * of sum X W Y, so each one's derivatives are the other two. Pictures are [height, width, channels] per
 * row: a window's line is contiguous, and a pixel is a row of the product.
 *
 * The first gathers the windows of 64 pixels into scratch of its thread, which the product kernel then
 * reads; nothing of the size of all windows is ever in memory. The second adds each place's product to
 * the lines of its result that it falls on, or, of few channels, those of all places at once; a task is some
 * lines, and no two write to one line. The third cuts the pixels into SLICES, whatever the threads, and adds up
 * the slices' products in their order. The first two's results go through the call's group while they are in
 * the cache, and so does the weight's derivative.
 */
#include "base/product.h"
#include "op/op_nodes.h"
#include "op/window.h"

#include "graph/program.h"

#include <string.h>

enum {
    PIXELS = PH_BLOCK_ROWS,            /* of a tile, */
    COLUMNS = PH_BLOCK_PANELS * PH_PANEL, /* and its columns; a product may write a panel more. */
    STRIDE = COLUMNS + PH_PANEL,
    SLICES = 8,                        /* that a weight's derivative is summed in, */
    CHUNK = 256,                       /* so many pixels at a time. */
    LINES = 32768                      /* reals of result that a task of the transposed one is about */
};

/* The convolution of a call as numbers, whichever of the three values is asked for. */
typedef struct shape {
    size_t h, w, c;            /* of X */
    size_t y_h, y_w, o;        /* of Y */
    size_t k_h, k_w;           /* of a window */
    size_t groups, c_each, o_each;
    size_t depth;              /* numbers of a window in one group */
    const size_t *extent;
} shape;

static shape shape_of(const ph_shape *x, const ph_shape *y, const ph_shape *weight, const size_t *extent)
{
    const size_t *in = ph_picture_dim(x), *out = ph_picture_dim(y);
    shape s = { .h = in[0], .w = in[1], .c = in[2], .y_h = out[0], .y_w = out[1], .o = out[2],
                .k_h = weight->dim[0], .k_w = weight->dim[1], .extent = extent,
                .groups = extent[PH_WINDOW_GROUPS] };
    s.c_each = s.c / s.groups;
    s.o_each = s.o / s.groups;
    s.depth = s.k_h * s.k_w * s.c_each;
    return s;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Windows --------------------------------------------------------------------------------------- */

PH_INLINE void take(real *to, const real *from, size_t count)
{
    enum { FEW = 4, MANY = 32 };
    if (count >= MANY) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    for (; count >= FEW; count -= FEW, to += FEW, from += FEW)
        memcpy(to, from, FEW * sizeof *to);
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
}

/* A place's channels `from` to `to` of a window, zeros outside of the picture. */
PH_INLINE void take_place(real *out, const real *line, const shape *s, size_t x, size_t kx, size_t first,
                          size_t from, size_t to)
{
    size_t at;
    if (ph_window_falls(s->extent, 1, x, kx, s->w, &at))
        take(out, line + at * s->c + first + from, to - from);
    else
        memset(out, 0, (to - from) * sizeof *out);
}

/* The numbers begin .. end-1 of a window's line, one place after the other. */
PH_INLINE void take_places(real *out, const real *line, const shape *s, size_t x, size_t first, size_t begin,
                           size_t end)
{
    for (size_t k = begin, next; k < end; k = next) {
        size_t kx = k / s->c_each, from = k % s->c_each;
        next = least(end, k + s->c_each - from);
        take_place(out + k - begin, line, s, x, kx, first, from, from + next - k);
    }
}

/* The numbers begin .. end-1 of a window's line that is one piece of the picture's line, which begins `left`
 * numbers before it (or after it, below 0) and has `size` of them. */
PH_INLINE void take_piece(real *out, const real *line, ptrdiff_t left, ptrdiff_t size, ptrdiff_t begin, ptrdiff_t end)
{
    ptrdiff_t from = begin + left, to = end + left, low = from < 0 ? 0 : from, high = to > size ? size : to;
    if (low >= high)
        low = high = from;
    for (ptrdiff_t i = from; i < low; i++)
        out[i - from] = 0;
    take(out + (low - from), line + low, (size_t)(high - low));
    for (ptrdiff_t i = high; i < to; i++)
        out[i - from] = 0;
}

/* The numbers begin .. end-1 of a line of the windows of `count` pixels, from x on, of a line of Y. */
PH_INLINE void gather_line(real *out, size_t out_stride, const real *line, const shape *s, size_t first, size_t x,
                           size_t count, size_t begin, size_t end)
{
    bool piece = s->groups == 1 && s->extent[PH_WINDOW_DILATION + 1] == 1;
    size_t step = s->extent[PH_WINDOW_STRIDE + 1], left = x * step - s->extent[PH_WINDOW_PADDING + 1];
    for (size_t i = 0; i < count; i++, left += step, out += out_stride)
        if (line == NULL)
            memset(out, 0, (end - begin) * sizeof *out);
        else if (piece && left < s->w && left + s->k_w <= s->w)
            take(out, line + left * s->c + begin, end - begin);
        else if (piece)
            take_piece(out, line, (ptrdiff_t)(left * s->c), (ptrdiff_t)(s->w * s->c), (ptrdiff_t)begin, (ptrdiff_t)end);
        else
            take_places(out, line, s, x + i, first, begin, end);
}

/* The numbers begin .. end-1 of the windows of `count` pixels from number `pixel` on, for the channels
 * from `first` on, that of a group: one window a line of out. */
PH_KERNEL static void gather(real *out, size_t out_stride, const real *x, const shape *s, size_t first,
                             size_t pixel, size_t count, size_t begin, size_t end)
{
    size_t depth = s->k_w * s->c_each, px = pixel % s->y_w, py = pixel / s->y_w % s->y_h;
    const real *picture = x + pixel / (s->y_w * s->y_h) * s->h * s->w * s->c;
    for (size_t left = count, here; left > 0; left -= here, px = 0) {
        here = least(left, s->y_w - px);
        for (size_t k = begin, ky = begin / depth, next, at; k < end; k = next, ky++) {
            bool falls = ph_window_falls(s->extent, 0, py, ky, s->h, &at);
            next = least(end, (ky + 1) * depth);
            gather_line(out + k - begin, out_stride, falls ? picture + at * s->w * s->c : NULL, s, first, px, here,
                        k - ky * depth, next - ky * depth);
        }
        out += here * out_stride;
        if (++py == s->y_h) {
            py = 0;
            picture += s->h * s->w * s->c;
        }
    }
}

/* ---- Convolution ----------------------------------------------------------------------------------- */

static shape of_convolution(const ph_call *call)
{
    const ph_node *n = call->node;
    return shape_of(&n->input[0]->shape, &n->shape, &n->input[1]->shape, n->extent);
}

static size_t convolution_own(const ph_call *call)
{
    return PIXELS * (STRIDE + of_convolution(call).depth);
}

static void run_convolution(ph_call *call, int part)
{
    shape s = of_convolution(call);
    const real *x = ph_call_input(call, 0), *weight = ph_call_input(call, 1);
    real *tile = ph_call_own(call, part), *windows = tile + PIXELS * STRIDE;
    size_t pixels = ph_call_rows(call, &call->node->shape), task;
    while (ph_next_task(call, part, (pixels + PIXELS - 1) / PIXELS, &task)) {
        size_t pixel = task * PIXELS, count = least(PIXELS, pixels - pixel), there = s.groups;
        for (size_t column = 0; column < s.o; column += COLUMNS) {
            size_t end = least(s.o, column + COLUMNS);
            for (size_t from = column, to; from < end; from = to) {
                size_t group = from / s.o_each;
                to = least(end, (group + 1) * s.o_each);
                if (group != there)
                    gather(windows, s.depth, x, &s, group * s.c_each, pixel, count, 0, s.depth);
                there = group;
                ph_product_block_direct(tile + from - column, STRIDE, windows, s.depth, 1, weight + from,
                                        s.o, count, s.depth, to - from, false);
            }
            ph_group_tile(call, part, pixel, count, column, end - column, tile, STRIDE);
        }
    }
}

/* ---- Transposed convolution ------------------------------------------------------------------------ */

static shape of_transposed(const ph_call *call)
{
    const ph_node *n = call->node;
    return shape_of(&n->shape, &n->input[0]->shape, &n->input[1]->shape, n->extent);
}

/* Of few channels a panel would be mostly empty: then all places of the windows of a line of Y are one product,
 * which is added to the lines of X that it falls on. */
static bool is_narrow(const shape *s)
{
    return s->groups == 1 && 2 * s->c <= PH_PANEL;
}

static size_t padded(size_t columns)
{
    return (columns + PH_PANEL - 1) / PH_PANEL * PH_PANEL;
}

/* Reals between two pixels of the tile: room for the panel that a product of the last group writes. */
static size_t pixel_stride(const shape *s)
{
    if (is_narrow(s))
        return s->c;
    return padded(s->c - s->c_each + padded(s->c_each));
}

static size_t pixels_of_task(const shape *s)
{
    size_t blocks = LINES / (PIXELS * padded(s->c));
    return PIXELS * (blocks ? blocks : 1);
}

static size_t transposed_own(const ph_call *call)
{
    shape s = of_transposed(call);
    return (pixels_of_task(&s) + 2 * s.w) * pixel_stride(&s) + (is_narrow(&s) ? PIXELS * padded(s.depth) : 0);
}

/* For each group and place of the window the weight from o to c, in panels; or from o to all places. */
static size_t transposed_scratch(const ph_call *call)
{
    shape s = of_transposed(call);
    if (is_narrow(&s))
        return ph_panels_size(s.o, s.depth);
    return s.groups * s.k_h * s.k_w * ph_panels_size(s.o_each, s.c_each);
}

static void prepare_transposed(ph_call *call, int part)
{
    shape s = of_transposed(call);
    size_t places = s.k_h * s.k_w, each = ph_panels_size(s.o_each, s.c_each), task;
    const real *weight = ph_call_input(call, 1);
    if (is_narrow(&s)) {
        while (ph_next_task(call, part, padded(s.depth) / PH_PANEL, &task))
            ph_pack_panels(ph_call_scratch(call), weight, 1, s.o, s.o, s.depth, task, task + 1);
        return;
    }
    while (ph_next_task(call, part, s.groups * places, &task))
        ph_pack_panels(ph_call_scratch(call) + task * each,
                       weight + task % places * s.c_each * s.o + task / places * s.o_each, 1, s.o,
                       s.o_each, s.c_each, 0, (s.c_each + PH_PANEL - 1) / PH_PANEL);
}

/* Adds to a line of X, which begins at tile, what place (ky, kx) of the windows of a line of Y gives. */
static void add_place(real *tile, const shape *s, const real *y_line, const real *panels, size_t kx)
{
    size_t stride = pixel_stride(s), begin = 0, end = s->y_w, at;
    while (begin < end && !ph_window_falls(s->extent, 1, begin, kx, s->w, &at))
        begin++;
    while (begin < end && !ph_window_falls(s->extent, 1, end - 1, kx, s->w, &at))
        end--;
    if (begin == end)
        return;
    ph_window_falls(s->extent, 1, begin, kx, s->w, &at);
    for (size_t g = 0; g < s->groups; g++)
        ph_product_block(tile + at * stride + g * s->c_each, s->extent[PH_WINDOW_STRIDE + 1] * stride,
                         y_line + begin * s->o + g * s->o_each, s->o, 1,
                         panels + g * s->k_h * s->k_w * ph_panels_size(s->o_each, s->c_each), end - begin,
                         s->o_each, s->c_each, true);
}

/* A line of X, whose number counts through all rows. */
static void make_line(real *tile, const shape *s, const real *y, const real *panels, size_t line)
{
    size_t row = line / s->h, at = line % s->h, each = ph_panels_size(s->o_each, s->c_each), there;
    const real *picture = y + row * s->y_h * s->y_w * s->o;
    memset(tile, 0, s->w * pixel_stride(s) * sizeof *tile);
    for (size_t ky = 0; ky < s->k_h; ky++) {
        size_t up = at + s->extent[PH_WINDOW_PADDING], down = ky * s->extent[PH_WINDOW_DILATION];
        size_t from = (up - down) / s->extent[PH_WINDOW_STRIDE];
        if (up < down || from >= s->y_h ||
            !ph_window_falls(s->extent, 0, from, ky, s->h, &there) || there != at)
            continue;
        for (size_t kx = 0; kx < s->k_w; kx++)
            add_place(tile, s, picture + from * s->y_w * s->o, panels + (ky * s->k_w + kx) * each, kx);
    }
}

PH_INLINE void add(real *to, const real *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* Adds line ky of the windows of `count` pixels, from x on, to a line of X; z has a window each `stride`. */
PH_KERNEL static void add_windows(real *line, const shape *s, const real *z, size_t stride, size_t x, size_t count,
                                  size_t ky)
{
    size_t depth = s->k_w * s->c, at;
    bool piece = s->extent[PH_WINDOW_DILATION + 1] == 1;
    z += ky * depth;
    for (size_t i = 0; i < count; i++, z += stride) {
        size_t left = (x + i) * s->extent[PH_WINDOW_STRIDE + 1] - s->extent[PH_WINDOW_PADDING + 1];
        if (piece && left < s->w && left + s->k_w <= s->w)
            add(line + left * s->c, z, depth);
        else
            for (size_t kx = 0; kx < s->k_w; kx++)
                if (ph_window_falls(s->extent, 1, x + i, kx, s->w, &at))
                    add(line + at * s->c, z + kx * s->c, s->c);
    }
}

/* Whether line ky of the windows of line py of Y, in that row, falls on one of the lines first .. last-1 of X, and
 * which of these it is. */
static bool lands(const shape *s, size_t row, size_t py, size_t ky, size_t first, size_t last, size_t *which)
{
    size_t at;
    if (!ph_window_falls(s->extent, 0, py, ky, s->h, &at) || row * s->h + at < first || row * s->h + at >= last)
        return false;
    *which = row * s->h + at - first;
    return true;
}

/* The lines first .. last-1 of X, whose numbers count through all rows, from all windows that fall on them. An
 * element gets its terms in the order of Y's pixels, whatever the lines. */
static void make_narrow(real *tile, real *z, const shape *s, const real *y, const real *panels, size_t first,
                        size_t last)
{
    size_t stride = padded(s->depth), at, count;
    memset(tile, 0, (last - first) * s->w * s->c * sizeof *tile);
    for (size_t row = first / s->h; row * s->h < last; row++)
        for (size_t py = 0; py < s->y_h; py++) {
            const real *line = y + (row * s->y_h + py) * s->y_w * s->o;
            bool falls = false;
            for (size_t ky = 0; ky < s->k_h && !falls; ky++)
                falls = lands(s, row, py, ky, first, last, &at);
            for (size_t px = 0; px < s->y_w && falls; px += count) {
                count = least(PIXELS, s->y_w - px);
                ph_product_block(z, stride, line + px * s->o, s->o, 1, panels, count, s->o, s->depth, false);
                for (size_t ky = 0; ky < s->k_h; ky++)
                    if (lands(s, row, py, ky, first, last, &at))
                        add_windows(tile + at * s->w * s->c, s, z, stride, px, count, ky);
            }
        }
}

static void run_transposed(ph_call *call, int part)
{
    shape s = of_transposed(call);
    const real *y = ph_call_input(call, 0), *panels = ph_call_scratch(call);
    real *tile = ph_call_own(call, part);
    size_t stride = pixel_stride(&s), each = pixels_of_task(&s);
    size_t pixels = ph_call_rows(call, &call->node->shape), task;
    while (ph_next_task(call, part, (pixels + each - 1) / each, &task)) {
        size_t begin = task * each, end = least(pixels, begin + each), first = begin / s.w;
        if (is_narrow(&s))
            make_narrow(tile, tile + (each + 2 * s.w) * stride, &s, y, panels, first, (end + s.w - 1) / s.w);
        else
            for (size_t line = first; line * s.w < end; line++)
                make_line(tile + (line - first) * s.w * stride, &s, y, panels, line);
        for (size_t pixel = begin; pixel < end; pixel += PIXELS)
            for (size_t c = 0; c < s.c; c += COLUMNS)
                ph_group_tile(call, part, pixel, least(PIXELS, end - pixel), c, least(COLUMNS, s.c - c),
                              tile + (pixel - first * s.w) * stride + c, stride);
    }
}

/* ---- The weight's derivative ----------------------------------------------------------------------- */

static shape of_weight(const ph_call *call)
{
    const ph_node *n = call->node;
    return shape_of(&n->input[0]->shape, &n->input[1]->shape, &n->shape, n->extent);
}

static size_t weight_own(const ph_call *call)
{
    (void)call;
    return PIXELS * STRIDE + CHUNK * PIXELS;
}

/* One value of the weight's size for each slice. */
static size_t weight_scratch(const ph_call *call)
{
    shape s = of_weight(call);
    return SLICES * s.depth * s.o;
}

/* A block of the product over the pixels begin .. end-1, into tile. */
static void sum_windows(real *tile, real *windows, const shape *s, const real *x, const real *y,
                        size_t begin, size_t end, size_t k, size_t rows, size_t column, size_t columns)
{
    for (size_t from = column, to; from < column + columns; from = to) {
        size_t group = from / s->o_each;
        to = least(column + columns, (group + 1) * s->o_each);
        size_t pixel = begin, count;
        do { /* once also for a slice without pixels, whose sum is zero */
            count = least(CHUNK, end - pixel);
            gather(windows, rows, x, s, group * s->c_each, pixel, count, k, k + rows);
            ph_product_block_direct(tile + from - column, STRIDE, windows, 1, rows,
                                    y + pixel * s->o + from, s->o, rows, count, to - from,
                                    pixel > begin);
            pixel += count;
        } while (pixel < end);
    }
}

static void prepare_weight(ph_call *call, int part)
{
    shape s = of_weight(call);
    const real *x = ph_call_input(call, 0), *y = ph_call_input(call, 1);
    real *tile = ph_call_own(call, part), *slices = ph_call_scratch(call);
    size_t pixels = ph_call_rows(call, &call->node->input[1]->shape);
    size_t blocks = (s.depth + PIXELS - 1) / PIXELS, column_blocks = (s.o + COLUMNS - 1) / COLUMNS, task;
    while (ph_next_task(call, part, SLICES * blocks * column_blocks, &task)) {
        size_t slice = task / (blocks * column_blocks), block = task % (blocks * column_blocks);
        size_t k = block % blocks * PIXELS, column = block / blocks * COLUMNS;
        size_t rows = least(PIXELS, s.depth - k), columns = least(COLUMNS, s.o - column);
        sum_windows(tile, tile + PIXELS * STRIDE, &s, x, y, pixels * slice / SLICES,
                    pixels * (slice + 1) / SLICES, k, rows, column, columns);
        for (size_t r = 0; r < rows; r++)
            memcpy(slices + (slice * s.depth + k + r) * s.o + column, tile + r * STRIDE,
                   columns * sizeof *slices);
    }
}

PH_KERNEL static void add_slices(real *restrict tile, const real *slices, size_t slice_size, size_t rows,
                                 size_t columns, size_t width)
{
    for (size_t r = 0; r < rows; r++, tile += STRIDE, slices += width) {
        memcpy(tile, slices, columns * sizeof *tile);
        for (size_t slice = 1; slice < SLICES; slice++)
            for (size_t c = 0; c < columns; c++)
                tile[c] += slices[slice * slice_size + c];
    }
}

static void run_weight(ph_call *call, int part)
{
    shape s = of_weight(call);
    real *tile = ph_call_own(call, part);
    size_t blocks = (s.depth + PIXELS - 1) / PIXELS, column_blocks = (s.o + COLUMNS - 1) / COLUMNS, task;
    while (ph_next_task(call, part, blocks * column_blocks, &task)) {
        size_t k = task % blocks * PIXELS, column = task / blocks * COLUMNS;
        size_t rows = least(PIXELS, s.depth - k), columns = least(COLUMNS, s.o - column);
        add_slices(tile, ph_call_scratch(call) + k * s.o + column, s.depth * s.o, rows, columns, s.o);
        ph_group_tile(call, part, k, rows, column, columns, tile, STRIDE);
    }
}

/* ---- Rows ------------------------------------------------------------------------------------------ */

static double flops(const ph_node *n, const ph_shape *x, const ph_shape *y, const ph_shape *weight)
{
    shape s = shape_of(x, y, weight, n->extent);
    return 2.0 * (double)(s.y_h * s.y_w) * (double)s.depth * (double)s.o;
}

static double convolution_flops(const ph_node *n)
{
    return flops(n, &n->input[0]->shape, &n->shape, &n->input[1]->shape);
}

static double transposed_flops(const ph_node *n)
{
    return flops(n, &n->shape, &n->input[0]->shape, &n->input[1]->shape);
}

static double weight_flops(const ph_node *n)
{
    return flops(n, &n->input[0]->shape, &n->input[1]->shape, &n->shape);
}

static ph_node *weight_of(ph_node *x, ph_node *y, const ph_node *like, const ph_shape *size);

static ph_window window_of(const ph_node *n)
{
    ph_window w = { .groups = n->extent[PH_WINDOW_GROUPS] };
    memcpy(w.stride, n->extent + PH_WINDOW_STRIDE, sizeof w.stride);
    memcpy(w.padding, n->extent + PH_WINDOW_PADDING, sizeof w.padding);
    memcpy(w.dilation, n->extent + PH_WINDOW_DILATION, sizeof w.dilation);
    return w;
}

static ph_node *transposed(ph_node *y, ph_node *weight, const ph_node *like, const ph_shape *x)
{
    ph_window w = window_of(like);
    return ph_transposed_convolution(y, weight, &w, ph_picture_dim(x));
}

static ph_node *forward(ph_node *x, ph_node *weight, const ph_node *like)
{
    ph_window w = window_of(like);
    return ph_convolution(x, weight, &w);
}

static void convolution_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = transposed(dy, y->input[1], y, &y->input[0]->shape);
    by_input[1] = weight_of(y->input[0], dy, y, &y->input[1]->shape);
}

static void transposed_gradient(ph_node *x, ph_node *dx, ph_node **by_input)
{
    by_input[0] = forward(dx, x->input[1], x);
    by_input[1] = weight_of(dx, x->input[0], x, &x->input[1]->shape);
}

static void weight_gradient(ph_node *w, ph_node *dw, ph_node **by_input)
{
    by_input[0] = transposed(w->input[1], dw, w, &w->input[0]->shape);
    by_input[1] = forward(w->input[0], dw, w);
}

const ph_op ph_op_convolution = {
    .name = "convolution", .flags = PH_OP_TILED, .arity = 2, .gradient = convolution_gradient,
    .run = run_convolution, .own = convolution_own, .flops = convolution_flops
};
const ph_op ph_op_transposed_convolution = {
    .name = "transposed_convolution", .flags = PH_OP_TILED, .arity = 2, .gradient = transposed_gradient,
    .run = run_transposed, .own = transposed_own, .scratch = transposed_scratch,
    .prepare = prepare_transposed, .flops = transposed_flops
};
const ph_op ph_op_convolution_weight = {
    .name = "convolution_weight", .flags = PH_OP_TILED, .arity = 2, .gradient = weight_gradient,
    .run = run_weight, .own = weight_own, .scratch = weight_scratch, .prepare = prepare_weight,
    .flops = weight_flops
};

/* ---- Nodes ----------------------------------------------------------------------------------------- */

static void extents_of(const ph_window *w, size_t extent[PH_MAX_EXTENTS])
{
    memset(extent, 0, PH_MAX_EXTENTS * sizeof extent[0]);
    ph_window_extents(w, extent);
    extent[PH_WINDOW_GROUPS] = w->groups ? w->groups : 1;
}

static ph_node *mismatch(const char *name, const ph_node *a, const ph_node *b)
{
    char left[96], right[96];
    return ph_mistake(a->graph, "%s: shapes %s and %s do not fit", name,
                      ph_shape_text(&a->shape, left), ph_shape_text(&b->shape, right));
}

/* Whether windows are the pixels themselves: then there is nothing to gather. */
static bool is_product(const ph_shape *weight, const size_t *extent)
{
    const size_t *stride = extent + PH_WINDOW_STRIDE, *padding = extent + PH_WINDOW_PADDING;
    return weight->dim[0] == 1 && weight->dim[1] == 1 && stride[0] == 1 && stride[1] == 1 &&
           extent[PH_WINDOW_GROUPS] == 1 && padding[0] == 0 && padding[1] == 0;
}

ph_node *ph_convolution(ph_node *x, ph_node *weight, const ph_window *window)
{
    if (ph_is_dead(x) || ph_is_dead(weight))
        return ph_is_dead(x) ? x : weight;
    size_t extent[PH_MAX_EXTENTS], groups;
    const ph_shape *k = &weight->shape;
    extents_of(window, extent);
    groups = extent[PH_WINDOW_GROUPS];
    if (x->shape.rank < 3 || k->set != 0 || k->rank != 4 ||
        ph_shape_columns(&x->shape) != groups * k->dim[2] || k->dim[3] % groups != 0)
        return mismatch("convolution", x, weight);
    const size_t *in = ph_picture_dim(&x->shape);
    size_t lines = ph_window_places(extent, 0, k->dim[0], in[0]);
    size_t columns = ph_window_places(extent, 1, k->dim[1], in[1]);
    if (lines == 0 || columns == 0)
        return ph_mistake(x->graph, "convolution: a window of %zu x %zu does not fit into %zu x %zu",
                          k->dim[0], k->dim[1], in[0], in[1]);
    if (is_product(k, extent))
        return ph_product(x, ph_reshape(weight, 2, k->dim + 2), false);
    ph_shape y = ph_pictures_of(&x->shape, lines, columns, k->dim[3]);
    return ph_node_new(&ph_op_convolution, y, (ph_node *[]){ x, weight }, 2, NULL, extent, false);
}

ph_node *ph_transposed_convolution(ph_node *y, ph_node *weight, const ph_window *window,
                                   const size_t *size)
{
    if (ph_is_dead(y) || ph_is_dead(weight))
        return ph_is_dead(y) ? y : weight;
    size_t extent[PH_MAX_EXTENTS], groups;
    const ph_shape *k = &weight->shape;
    extents_of(window, extent);
    groups = extent[PH_WINDOW_GROUPS];
    if (y->shape.rank < 3 || k->set != 0 || k->rank != 4 || ph_shape_columns(&y->shape) != k->dim[3] ||
        k->dim[3] % groups != 0)
        return mismatch("transposed convolution", y, weight);
    for (int i = 0; i < 2; i++)
        if (ph_window_places(extent, i, k->dim[i], size[i]) != ph_picture_dim(&y->shape)[i])
            return ph_mistake(y->graph, "transposed convolution: %zu places of a window of %zu are not in "
                              "%zu pixels", ph_picture_dim(&y->shape)[i], k->dim[i], size[i]);
    if (is_product(k, extent))
        return ph_product(y, ph_reshape(weight, 2, k->dim + 2), true);
    ph_shape x = ph_pictures_of(&y->shape, size[0], size[1], groups * k->dim[2]);
    return ph_node_new(&ph_op_transposed_convolution, x, (ph_node *[]){ y, weight }, 2, NULL, extent,
                       false);
}

/* As in the convolution `like`, for a weight of that shape. */
static ph_node *weight_of(ph_node *x, ph_node *y, const ph_node *like, const ph_shape *size)
{
    if (ph_is_dead(x) || ph_is_dead(y))
        return ph_is_dead(x) ? x : y;
    return ph_node_new(&ph_op_convolution_weight, *size, (ph_node *[]){ x, y }, 2, NULL, like->extent,
                       false);
}
