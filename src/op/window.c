/* window.c - where windows lie in pictures. */
#include "op/window.h"

/* Places of the window along an axis of so many pixels; 0: it does not fit, or one is all outside. */
static size_t count_places(const size_t *extent, int axis, size_t size)
{
    size_t k = extent[PH_WINDOW_SIZE + axis], padding = extent[PH_WINDOW_PADDING + axis], at;
    size_t reach = (k - 1) * extent[PH_WINDOW_DILATION + axis] + 1;
    if (k == 0 || padding >= reach || size + 2 * padding < reach)
        return 0;
    size_t count = (size + 2 * padding - reach) / extent[PH_WINDOW_STRIDE + axis] + 1;
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
    if (x->shape.rank != 3 || window->groups > 1) {
        ph_mistake(x->graph, "%s: a picture [h,w,c] and a window of one group are needed, not %s and "
                   "%zu groups", name, ph_shape_text(&x->shape, text), window->groups ? window->groups : 1);
        return false;
    }
    *y = x->shape;
    for (int i = 0; i < 2; i++) {
        extent[PH_WINDOW_STRIDE + i] = window->stride[i] ? window->stride[i] : 1;
        extent[PH_WINDOW_PADDING + i] = window->padding[i];
        extent[PH_WINDOW_DILATION + i] = window->dilation[i] ? window->dilation[i] : 1;
        extent[PH_WINDOW_SIZE + i] = i ? kw : kh;
        y->dim[i] = count_places(extent, i, x->shape.dim[i]);
        if (y->dim[i] == 0) {
            ph_mistake(x->graph, "%s: windows of %zu x %zu do not all have a place in %s", name, kh, kw,
                       ph_shape_text(&x->shape, text));
            return false;
        }
    }
    return true;
}
