/* window.h - windows that go over pictures, channel by channel: what kinds of pooling share. */
#ifndef PH_OP_WINDOW_H
#define PH_OP_WINDOW_H

#include "graph/graph.h"

#include "base/kernel.h"

/* Extents of a node with a window: two strides, two paddings, two dilations, its lines and columns. */
enum { PH_WINDOW_STRIDE = 0, PH_WINDOW_PADDING = 2, PH_WINDOW_DILATION = 4, PH_WINDOW_SIZE = 6 };

/* Whether place k of the window at p lies among `size` lines (axis 0) or columns (1), and where. */
PH_INLINE bool ph_window_falls(const size_t *extent, int axis, size_t p, size_t k, size_t size,
                               size_t *at)
{
    *at = p * extent[PH_WINDOW_STRIDE + axis] + k * extent[PH_WINDOW_DILATION + axis] -
          extent[PH_WINDOW_PADDING + axis];
    return *at < size;         /* below 0 it wraps round, to more than any size */
}

/* Fills extents and the shape [h', w', c] of a window's places over x [h, w, c]. False, after a mistake
 * under that name, where they do not fit or a window has no place in the picture. */
bool ph_window_over(const char *name, ph_node *x, size_t kh, size_t kw, const ph_window *,
                    size_t extent[PH_MAX_EXTENTS], ph_shape *y);

#endif
