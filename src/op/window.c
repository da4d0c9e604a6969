/* window.c - where windows lie in pictures. */
#include "op/window.h"

#include <string.h>

ph_shape ph_pictures_of(const ph_shape *like, size_t h, size_t w, size_t channels)
{
    ph_shape s = *like;
    memcpy(s.dim + s.rank - 3, (size_t[]){ h, w, channels }, 3 * sizeof s.dim[0]);
    return s;
}

void ph_window_extents(const ph_window *window, size_t extent[PH_MAX_EXTENTS])
{
    for (int i = 0; i < 2; i++) {
        extent[PH_WINDOW_STRIDE + i] = window->stride[i] ? window->stride[i] : 1;
        extent[PH_WINDOW_PADDING + i] = window->padding[i];
        extent[PH_WINDOW_DILATION + i] = window->dilation[i] ? window->dilation[i] : 1;
    }
}

size_t ph_window_places(const size_t *extent, int axis, size_t k, size_t size)
{
    size_t reach = (k - 1) * extent[PH_WINDOW_DILATION + axis] + 1;
    size_t room = size + 2 * extent[PH_WINDOW_PADDING + axis];
    return k == 0 || room < reach ? 0 : (room - reach) / extent[PH_WINDOW_STRIDE + axis] + 1;
}

/* The same; 0 also where one of them is all outside. */
static size_t places_inside(const size_t *extent, int axis, size_t size)
{
    size_t k = extent[PH_WINDOW_SIZE + axis], count = ph_window_places(extent, axis, k, size), at;
    for (size_t p = 0; p < count; p++) {
        bool inside = false;
        for (size_t i = 0; i < k && !inside; i++)
            inside = ph_window_falls(extent, axis, p, i, size, &at);
        if (!inside)
            return 0;
    }
    return count;
}

bool ph_window_over(const char *name, ph_node *x, size_t kh, size_t kw, const ph_window *window,
                    size_t extent[PH_MAX_EXTENTS], ph_shape *y)
{
    char text[96];
    if (x->shape.rank < 3 || window->groups > 1) {
        ph_mistake(x->graph, "%s: a picture [h,w,c] and a window of one group are needed, not %s and "
                   "%zu groups", name, ph_shape_text(&x->shape, text), window->groups ? window->groups : 1);
        return false;
    }
    const size_t *in = ph_picture_dim(&x->shape);
    ph_window_extents(window, extent);
    extent[PH_WINDOW_SIZE] = kh;
    extent[PH_WINDOW_SIZE + 1] = kw;
    size_t lines = places_inside(extent, 0, in[0]), columns = places_inside(extent, 1, in[1]);
    *y = ph_pictures_of(&x->shape, lines, columns, in[2]);
    if (lines == 0 || columns == 0)
        ph_mistake(x->graph, "%s: windows of %zu x %zu do not all have a place in %s", name, kh, kw,
                   ph_shape_text(&x->shape, text));
    return lines && columns;
}
