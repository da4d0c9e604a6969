/* units.c - a sparse code's units: how strongly they are on, and how much each is over all rows. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>

enum { UNIT_BINS = 30 };

static bool has_units(const ph_page *r)
{
    return r->activity.units > 0;
}

/* One bar for each bin between edges; what is a noun for what is counted. */
static void put_histogram(ph_page *r, ph_plot *p, const double *edge, const double *count,
                          size_t bins, double all, const char *what)
{
    double floor_y = p->height - p->bottom;
    ph_plot_begin(r, p, "hover");
    ph_put(r, "how many of the ");
    ph_put_count(r, (size_t)all);
    ph_put(r, " %s are how large", what);
    ph_plot_axes(r, p);
    for (size_t i = 0; i < bins; i++) {
        double x = ph_plot_x(p, edge[i]), width = ph_plot_x(p, edge[i + 1]) - x;
        double y = count[i] > 0 ? fmin(ph_plot_y(p, p->y.log ? count[i] / all : count[i]), floor_y)
                                : floor_y;
        ph_put(r, "<g class=\"bar\"><rect class=\"band\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" "
                  "height=\"%g\"/><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/><title>",
               x, p->top, width, floor_y - p->top, x + 0.5, y, fmax(width - 1, 0.5), floor_y - y);
        ph_put_number(r, edge[i], 3);
        ph_put(r, " to ");
        ph_put_number(r, edge[i + 1], 3);
        ph_put(r, " · ");
        ph_put_count(r, (size_t)count[i]);
        ph_put(r, " (%.3g %%)</title></g>", 100 * count[i] / all);
    }
}

static void put_activations(ph_page *r)
{
    const ph_activity *a = &r->activity;
    double count[PH_ACTIVITY_BINS], all = (double)a->rows * (double)a->units, least = 1;
    for (size_t i = 0; i < PH_ACTIVITY_BINS; i++) {
        count[i] = (double)a->count[i];
        least = count[i] > 0 ? fmin(least, count[i] / all) : least;
    }
    ph_plot p = { .width = 480, .height = 300, .left = 58, .right = 12, .top = 28, .bottom = 50,
                  .x = { .low = a->edge[0], .high = a->edge[PH_ACTIVITY_BINS] },
                  .y = { .low = least / 2, .high = 1, .log = true, .label = "share, log scale" } };
    p.x.label = "activation";
    ph_put(r, "<figure class=\"card\"><figcaption><b>All activations</b>, of each unit in each "
              "row</figcaption>");
    put_histogram(r, &p, a->edge, count, PH_ACTIVITY_BINS, all, "activations");
    ph_put(r, "</svg></figure>");
}

/* Where the units' means were to be. */
static void put_target(ph_page *r, const ph_plot *p)
{
    double x = ph_plot_x(p, r->activity.target);
    ph_put(r, "<path class=\"target\" d=\"M%.1f %gV%g\"/><text class=\"name middle\" x=\"%.1f\" "
              "y=\"%g\">ρ = ", x, p->top, p->height - p->bottom, fmin(x, p->width - 40), p->top - 8);
    ph_put_number(r, r->activity.target, 4);
    ph_put(r, "</text>");
}

static void put_means(ph_page *r)
{
    const ph_activity *a = &r->activity;
    bool aimed = a->target == a->target;
    double low = 0, high = aimed ? a->target : 0, most = 1;
    double edge[UNIT_BINS + 1], count[UNIT_BINS] = { 0 };
    for (size_t c = 0; c < a->units; c++) {
        low = fmin(low, a->unit_mean[c]);
        high = fmax(high, a->unit_mean[c]);
    }
    high = high > low ? low + 1.05 * (high - low) : low + 1;
    for (size_t i = 0; i <= UNIT_BINS; i++)
        edge[i] = low + (high - low) * (double)i / UNIT_BINS;
    for (size_t c = 0; c < a->units; c++) {
        size_t at = (size_t)((a->unit_mean[c] - low) / (high - low) * UNIT_BINS);
        at = at < UNIT_BINS ? at : UNIT_BINS - 1;
        most = fmax(most, ++count[at]);
    }
    ph_plot p = { .width = 480, .height = 300, .left = 58, .right = 12, .top = 28, .bottom = 50,
                  .x = { .low = low, .high = high, .label = "mean activation over all rows" },
                  .y = { .low = 0, .high = most, .whole = true, .label = "units" } };
    ph_put(r, "<figure class=\"card\"><figcaption><b>Units</b>, by their mean activation"
              "</figcaption>");
    put_histogram(r, &p, edge, count, UNIT_BINS, (double)a->units, "units");
    if (aimed)
        put_target(r, &p);
    ph_put(r, "</svg></figure>");
}

static ph_status write_units(ph_page *r)
{
    const ph_activity *a = &r->activity;
    ph_put(r, "<p>A unit of the code is active in a row where it is above %g. In a row %.3g %% of "
              "the %zu units are, on average; the mean activation is ",
           a->low, 100 * a->share, a->units);
    ph_put_number(r, a->mean, 4);
    if (a->target == a->target) {
        ph_put(r, ", the target ρ is ");
        ph_put_number(r, a->target, 4);
    }
    if (a->dead)
        ph_put(r, ". %zu unit%s dead: active in none of the rows.</p>", a->dead,
               a->dead == 1 ? " is" : "s are");
    else
        ph_put(r, ". No unit is dead: each is active in some row.</p>");
    ph_put(r, "<div class=\"plots\">");
    put_activations(r);
    put_means(r);
    ph_put(r, "</div>");
    return PH_OK;
}

const ph_section ph_section_units = { "units", "Sparse code", has_units, write_units };
