/* join.h - windows of a sound, a table, a picture or a file of bytes put together again.
 *
 * Where windows overlap, what they give is cross-faded: each number is weighted by sin^2 of its place in the
 * window, from edge to edge, in both directions, and divided by the sum of the weights at its place in the
 * whole. So weights add up to one everywhere, at the edges and beside a window that lies flush with the end,
 * too, and windows that agree give back what they were cut from. Bytes have no mean: each is taken from the window
 * whose weight is the largest. What a window has beyond the end of a piece that is smaller (data/windows.h) is
 * dropped.
 */
#ifndef PH_VIEW_JOIN_H
#define PH_VIEW_JOIN_H

#include "base/error.h"
#include "base/real.h"

typedef struct ph_join ph_join;
/* Takes the next lines of the whole, each with all its columns and channels. */
typedef ph_status (*ph_lines)(void *to, const real *lines, size_t count);

/* For all rows of source, in their order, which must be the windows of one piece: else PH_USAGE. They come with
 * so many numbers for each frame. path is for messages. */
ph_join *ph_join_new(const char *path, const ph_data *source, size_t channels, ph_lines, void *to);
void ph_join_free(ph_join *);
/* The next rows. Lines are passed on as soon as no later window has a part in them, so that what is kept is
 * as high as a window. */
ph_status ph_join_rows(ph_join *, const real *rows, size_t count);
/* PH_USAGE unless there were as many rows as windows. */
ph_status ph_join_end(const ph_join *);

#endif
