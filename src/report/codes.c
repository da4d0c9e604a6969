/* codes.c - how much each number of the code is used. */
#include "report/report.h"

#include <math.h>

enum { MOST_BARS = 100 };

/* Bars of the largest values, each with its place and its value as a title. */
static ph_status put_bars(ph_page *r, const double *values, const char *what, const char *unit)
{
    size_t order[MOST_BARS], shown = ph_page_largest(values, r->code, MOST_BARS, order);
    ph_plot p = { .width = 640, .height = 260, .left = 52, .right = 12, .top = 28, .bottom = 34,
                  .x = { .low = 0, .high = (double)shown }, .y = { .low = 0, .label = unit } };
    p.y.high = values[order[0]] > 0 ? values[order[0]] : 1;
    ph_axis_settle(&p.y);
    double step = (p.width - p.left - p.right) / (double)shown, bar = fmin(0.8 * step, 48);
    double zero = ph_plot_y(&p, 0);
    ph_put(r, "<figure class=\"card map\"><figcaption>%s</figcaption>", what);
    ph_plot_begin(r, &p, "hover");
    ph_put(r, "%s, from ", what);
    ph_put_number(r, values[order[0]], 3);
    ph_put(r, " (z%zu) down to ", order[0] + 1);
    ph_put_number(r, values[order[shown - 1]], 3);
    ph_put(r, " (z%zu)", order[shown - 1] + 1);
    ph_plot_axes(r, &p);
    for (size_t i = 0; i < shown; i++) {
        double x = p.left + ((double)i + 0.5) * step, y = ph_plot_y(&p, values[order[i]]);
        ph_put(r, "<g class=\"bar\"><rect class=\"band\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" height=\"%g\"/>"
                  "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1\"/><title>z%zu · ",
               x - step / 2, p.top, step, zero - p.top, x - bar / 2, y, bar, fmax(zero - y, 0.5),
               order[i] + 1);
        ph_put_number(r, values[order[i]], 4);
        ph_put(r, "</title></g>");
        if (shown <= 24)
            ph_put(r, "<text class=\"middle\" x=\"%.1f\" y=\"%g\">%s%zu</text>", x, zero + 20,
                   shown <= 16 ? "z" : "", order[i] + 1);
    }
    ph_put(r, "</svg>");
    if (shown < r->code)
        ph_put(r, "<p class=\"note\">The first %zu of %zu.</p>", shown, r->code);
    ph_put(r, "</figure>");
    return PH_OK;
}

static bool has_codes(const ph_page *r)
{
    return r->code > 1;
}

static ph_status write_activity(ph_page *r)
{
    double most = 0;
    for (size_t c = 0; c < r->code; c++)
        most = fmax(most, r->variance[c]);
    size_t still = 0;
    for (size_t c = 0; c < r->code; c++)
        still += r->variance[c] <= 1e-6 * most;
    ph_put(r, "<p>The variance over all rows of each number of the code");
    if (still)
        ph_put(r, "; %zu of %zu hardly %s", still, r->code, still == 1 ? "moves" : "move");
    ph_put(r, ".</p>");
    return put_bars(r, r->variance, "Variance of each number of the code", "variance");
}

static bool has_posterior(const ph_page *r)
{
    return r->kl != NULL;
}

static ph_status write_posterior(ph_page *r)
{
    size_t active = 0;
    double total = 0;
    for (size_t c = 0; c < r->code; c++) {
        active += r->mu_variance[c] > 0.01;
        total += r->kl[c];
    }
    ph_put(r, "<p>%zu of %zu units are active: their mean has a variance above 0.01. The divergence "
              "of the posterior from the prior is ", active, r->code);
    ph_put_number(r, total, 4);
    ph_put(r, " nats per row.</p>");
    return put_bars(r, r->kl, "Divergence from the prior of each number of the code", "nats per row");
}

const ph_section ph_section_activity = { "activity", "Use of the code", has_codes, write_activity };
const ph_section ph_section_posterior = { "posterior", "Posterior and prior", has_posterior,
                                          write_posterior };
