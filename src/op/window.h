/* window.h - windows that go over pictures: what convolutions and kinds of pooling share.
 *
 * A picture is the last three dimensions of a value, [h, w, c]; those before it count pictures.
 */
#ifndef PH_OP_WINDOW_H
#define PH_OP_WINDOW_H

#include "graph/graph.h"

#include "base/kernel.h"

/* Extents of a node with a window: two strides, two paddings, two dilations; of pooling also its lines and
 * columns, of a convolution its groups. */
enum { PH_WINDOW_STRIDE = 0, PH_WINDOW_PADDING = 2, PH_WINDOW_DILATION = 4, PH_WINDOW_SIZE = 6,
       PH_WINDOW_GROUPS = 6 };

static inline const size_t *ph_picture_dim(const ph_shape *s)
{
    return s->dim + s->rank - 3;
}

static inline size_t ph_picture_size(const ph_shape *s)
{
    const size_t *dim = ph_picture_dim(s);
    return dim[0] * dim[1] * dim[2];
}

/* As many pictures of another size. */
ph_shape ph_pictures_of(const ph_shape *like, size_t h, size_t w, size_t channels);

/* Whether place k of the window at p lies among `size` lines (axis 0) or columns (1), and where. */
PH_INLINE bool ph_window_falls(const size_t *extent, int axis, size_t p, size_t k, size_t size,
                               size_t *at)
{
    *at = p * extent[PH_WINDOW_STRIDE + axis] + k * extent[PH_WINDOW_DILATION + axis] -
          extent[PH_WINDOW_PADDING + axis];
    return *at < size;         /* below 0 it wraps round, to more than any size */
}

/* Strides, paddings and dilations, with what zeros stand for. */
void ph_window_extents(const ph_window *, size_t extent[PH_MAX_EXTENTS]);
/* Places of a window of k pixels along an axis of so many; 0: it does not fit. */
size_t ph_window_places(const size_t *extent, int axis, size_t k, size_t size);
/* Fills the extents of pooling by windows of kh x kw and the shape of their places over x. False, after a
 * mistake under that name, where they do not fit or a window has no place in the picture. */
bool ph_window_over(const char *name, ph_node *x, size_t kh, size_t kw, const ph_window *,
                    size_t extent[PH_MAX_EXTENTS], ph_shape *y);

#endif
