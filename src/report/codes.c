/* codes.c - how much each number of the code, and each of its variables, is used. */
#include "report/report.h"

#include <math.h>

enum { MOST_BARS = 100 };

/* What is called by a letter and its place; the first `front` numbers, which are a class's, y. */
typedef struct naming {
    char letter;
    size_t front;
} naming;

static void put_name(ph_page *r, const naming *n, size_t i)
{
    bool front = i < n->front;
    ph_put(r, "%c%zu", front ? 'y' : n->letter, front ? i + 1 : i - n->front + 1);
}

/* Bars of the largest of `count` values, each with its name and its value as a title. */
static ph_status put_bars(ph_page *r, const double *values, size_t count, const naming *n, const char *what,
                          const char *unit)
{
    size_t order[MOST_BARS], shown = ph_page_largest(values, count, MOST_BARS, order);
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
    ph_put(r, " (");
    put_name(r, n, order[0]);
    ph_put(r, ") down to ");
    ph_put_number(r, values[order[shown - 1]], 3);
    ph_put(r, " (");
    put_name(r, n, order[shown - 1]);
    ph_put(r, ")");
    ph_plot_axes(r, &p);
    for (size_t i = 0; i < shown; i++) {
        double x = p.left + ((double)i + 0.5) * step, y = ph_plot_y(&p, values[order[i]]);
        ph_put(r, "<g class=\"bar\"><rect class=\"band\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" height=\"%g\"/>"
                  "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1\"/><title>",
               x - step / 2, p.top, step, zero - p.top, x - bar / 2, y, bar, fmax(zero - y, 0.5));
        put_name(r, n, order[i]);
        ph_put(r, " · ");
        ph_put_number(r, values[order[i]], 4);
        ph_put(r, "</title></g>");
        if (shown > 24)
            continue;
        ph_put(r, "<text class=\"middle\" x=\"%.1f\" y=\"%g\">", x, zero + 20);
        if (shown <= 16 || n->front)
            put_name(r, n, order[i]);
        else
            ph_put(r, "%zu", order[i] + 1);
        ph_put(r, "</text>");
    }
    ph_put(r, "</svg>");
    if (shown < count)
        ph_put(r, "<p class=\"note\">The first %zu of %zu.</p>", shown, count);
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
    naming names = { 'z', r->code - r->map.code };
    return put_bars(r, r->variance, r->code, &names, "Variance of each number of the code", "variance");
}

static bool has_posterior(const ph_page *r)
{
    return r->variables > 0;
}

/* The variance of a variable's mean: of classes, the sum of theirs. */
static double moves(const ph_page *r, size_t variable)
{
    size_t each = r->classes ? r->classes : 1;
    double sum = 0;
    for (size_t k = 0; k < each; k++)
        sum += r->variance[variable * each + k];
    return sum;
}

static ph_status write_posterior(ph_page *r)
{
    size_t active = 0;
    double total = 0;
    for (size_t v = 0; v < r->variables; v++) {
        active += moves(r, v) > 0.01;
        total += r->kl[v];
    }
    ph_put(r, "<p>%zu of %zu %s are active: their mean has a variance above 0.01. The divergence "
              "of the posterior from the prior is ", active, r->variables,
           r->classes ? "variables" : "units");
    ph_put_number(r, total, 4);
    ph_put(r, " nats per row.</p>");
    naming names = { r->classes ? 'v' : 'z', 0 };
    return put_bars(r, r->kl, r->variables, &names, r->classes
                    ? "Divergence from the prior of each variable of the code"
                    : "Divergence from the prior of each number of the code", "nats per row");
}

const ph_section ph_section_activity = { "activity", "Use of the code", has_codes, write_activity };
const ph_section ph_section_posterior = { "posterior", "Posterior and prior", has_posterior,
                                          write_posterior };
