/* series.c - a row that is a window of a series or of a sound, drawn as the curves that it was cut from. */
#include "report/report.h"

#include <math.h>

enum { MOST_POINTS = 600 };

/* A column of a row: its frames, apart from each other by the number of columns, and where the first of them lies. */
typedef struct curve {
    size_t frames, apart, first;
    const char *along;
} curve;

/* What is beyond the end of its table or sound was no part of it. Lines are counted from 1 on, samples from 0, as in
 * the row's name. */
static curve curve_of(const ph_page *r, size_t row)
{
    ph_excerpt at;
    curve c = { .frames = r->info.width / r->columns, .apart = r->columns, .first = !r->set.rate,
                .along = r->set.rate ? "sample" : r->set.table ? "line" : "place in the row" };
    if (ph_data_excerpt(r->data, row, &at) && !at.picture) {
        size_t left = at.whole[0] - at.place[0];
        c.frames = c.frames < left ? c.frames : left;
        c.first += at.place[0];
    }
    return c;
}

/* The points of a curve; of a long one the least and the greatest of each stretch, so that no peak is lost. */
static size_t take_points(const curve *c, const real *values, double *x, double *y)
{
    size_t stretch = c->frames <= MOST_POINTS ? 1 : (2 * c->frames + MOST_POINTS - 1) / MOST_POINTS, count = 0;
    for (size_t begin = 0; begin < c->frames; begin += stretch) {
        size_t low = begin, high = begin;
        for (size_t i = begin + 1; i < begin + stretch && i < c->frames; i++) {
            low = values[i * c->apart] < values[low * c->apart] ? i : low;
            high = values[i * c->apart] > values[high * c->apart] ? i : high;
        }
        size_t ends[] = { low < high ? low : high, low < high ? high : low };
        for (size_t k = low == high; k < 2; k++, count++) {
            x[count] = (double)(c->first + ends[k]);
            y[count] = (double)values[ends[k] * c->apart];
        }
    }
    return count;
}

static void widen(ph_axis *a, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isfinite(y[i])) {
            a->low = fmin(a->low, y[i]);
            a->high = fmax(a->high, y[i]);
        }
}

static void shade_unseen(ph_page *r, const ph_plot *p, const curve *c, const real *seen)
{
    double left = p->left, right = p->width - p->right;
    for (size_t begin = 0, end; begin < c->frames; begin = end) {
        bool hidden = seen[begin * c->apart] == 0;
        for (end = begin + 1; end < c->frames && (seen[end * c->apart] == 0) == hidden;)
            end++;
        double from = fmax(ph_plot_x(p, (double)(c->first + begin) - 0.5), left);
        double to = fmin(ph_plot_x(p, (double)(c->first + end) - 0.5), right);
        if (hidden)
            ph_put(r, "<rect class=\"unseen\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" height=\"%g\"/>", from, p->top,
                   to - from, p->height - p->top - p->bottom);
    }
}

void ph_put_series(ph_page *r, size_t row, size_t column, const real *original, const real *back, const real *seen)
{
    double x[2][MOST_POINTS], y[2][MOST_POINTS];
    const curve c = curve_of(r, row);
    size_t last = c.first + c.frames - 1, count[] = { take_points(&c, original + column, x[0], y[0]),
                                                      take_points(&c, back + column, x[1], y[1]) };
    ph_plot p = { .width = 320, .height = 176, .left = 46, .right = 18, .top = 8, .bottom = 40,
                  .x = { .low = (double)c.first, .high = (double)(last > c.first ? last : last + 1), .whole = true,
                         .label = c.along },
                  .y = { .low = INFINITY, .high = -INFINITY, .label = "" } };
    for (int k = 0; k < 2; k++)
        widen(&p.y, y[k], count[k]);
    ph_axis_settle(&p.y);
    ph_plot_begin(r, &p, "");
    ph_put_column(r, column);
    ph_put(r, ", original and back, %s %zu to %zu", c.along, c.first, last);
    ph_plot_axes(r, &p);
    if (seen)
        shade_unseen(r, &p, &c, seen + column);
    ph_plot_line(r, &p, x[0], y[0], count[0], "first");
    ph_plot_line(r, &p, x[1], y[1], count[1], "second");
    ph_put(r, "</svg>");
}
