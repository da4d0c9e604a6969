/* plot.c - axes: round ticks, linear or logarithmic, and the frame that plots are drawn in. */
#include "report/report.h"

#include <math.h>

enum { MOST_TICKS = 40 };

/* The round step (1, 2 or 5 times a power of ten) that cuts the range into about `wanted` parts. */
static double round_step(double range, int wanted)
{
    double power = pow(10, floor(log10(range / wanted))), part = range / wanted / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

void ph_axis_settle(ph_axis *a)
{
    if (!(a->high > a->low)) {
        double around = fabs(a->low) > 0 && !a->log ? fabs(a->low) * 0.5 : a->log ? 0 : 1;
        a->high = a->log ? a->low * 2 : a->low + around;
        a->low = a->log ? a->low / 2 : a->low - around;
    }
    if (a->log) {
        double margin = pow(a->high / a->low, 0.03);
        a->low /= margin;
        a->high *= margin;
    } else if (!a->whole) {
        double margin = 0.03 * (a->high - a->low);
        /* A quantity without negative values gets no negative ticks. */
        a->low = a->low >= 0 && a->low < margin ? 0 : a->low - margin;
        a->high += margin;
    }
}

static double along(const ph_axis *a, double value)
{
    return a->log ? log(value / a->low) / log(a->high / a->low)
                  : (value - a->low) / (a->high - a->low);
}

double ph_plot_x(const ph_plot *p, double value)
{
    return p->left + along(&p->x, value) * (p->width - p->left - p->right);
}

double ph_plot_y(const ph_plot *p, double value)
{
    double at = along(&p->y, value) * (p->height - p->top - p->bottom);
    return p->y.down ? p->top + at : p->height - p->bottom - at;
}

/* One tick alone tells no scale: then they are closer. */
static size_t linear_ticks(const ph_axis *a, int wanted, double *tick)
{
    double step = round_step(a->high - a->low, wanted);
    step = a->whole && step < 1 ? 1 : step;
    size_t count = 0;
    for (double n = ceil(a->low / step - 1e-9); n * step <= a->high + 1e-9 * step && count < MOST_TICKS;
         n++)
        tick[count++] = n * step;
    return count < 2 && !a->whole && wanted < MOST_TICKS ? linear_ticks(a, 2 * wanted, tick) : count;
}

/* Powers of ten, with 2 and 5 between them where there are few; over less than a factor of ten the
 * ticks are those of a linear axis. */
static size_t ticks_of(const ph_axis *a, int wanted, double *tick)
{
    if (!a->log || a->high / a->low < 10)
        return linear_ticks(a, wanted, tick);
    double decades = log10(a->high / a->low);
    int every = (int)ceil(decades / (MOST_TICKS / 4));
    size_t count = 0;
    for (double n = floor(log10(a->low)); n <= log10(a->high) && count + 3 < MOST_TICKS; n += every)
        for (int part = 0; part < (decades < 2.5 ? 3 : 1); part++) {
            double value = pow(10, n) * (part == 0 ? 1 : part == 1 ? 2 : 5);
            if (value >= a->low && value <= a->high)
                tick[count++] = value;
        }
    return count;
}

/* Ticks are round numbers: few digits tell them exactly. */
static void put_tick(ph_page *r, double value)
{
    char text[40];
    double size = fabs(value);
    if (size < 1e-12)
        size = 0;
    snprintf(text, sizeof text, size >= 1e6 || (size > 0 && size < 1e-4) ? "%.3g" : "%.7g", size);
    ph_put(r, "%s%s", value < 0 && size > 0 ? "−" : "", text);
}

void ph_plot_begin(ph_page *r, const ph_plot *p, const char *classes)
{
    ph_put(r, "<svg class=\"plot %s\" viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"", classes,
           p->width, p->height);
}

void ph_plot_axes(ph_page *r, const ph_plot *p)
{
    double tick[MOST_TICKS], right = p->width - p->right, bottom = p->height - p->bottom;
    int across = (int)((right - p->left) / 60), up = (int)((bottom - p->top) / 30);
    ph_put(r, "\"><g class=\"axes\">");
    for (size_t i = 0, n = p->y.label ? ticks_of(&p->y, up, tick) : 0; i < n; i++) {
        double y = ph_plot_y(p, tick[i]);
        ph_put(r, "<path d=\"M%g %.1fH%g\"/><text class=\"end\" x=\"%g\" y=\"%.1f\">", p->left, y, right,
               p->left - 6, y + 4);
        put_tick(r, tick[i]);
        ph_put(r, "</text>");
    }
    for (size_t i = 0, n = p->x.label ? ticks_of(&p->x, across, tick) : 0; i < n; i++) {
        double x = ph_plot_x(p, tick[i]);
        ph_put(r, "<path d=\"M%.1f %gv5\"/><text class=\"middle\" x=\"%.1f\" y=\"%g\">", x, bottom, x,
               bottom + 20);
        put_tick(r, tick[i]);
        ph_put(r, "</text>");
    }
    ph_put(r, "<path class=\"line\" d=\"M%g %gH%g\"/>", p->left, bottom, right);
    if (p->x.label)
        ph_put(r, "<text class=\"middle name\" x=\"%g\" y=\"%g\">%s</text>", (p->left + right) / 2,
               p->height - 4, p->x.label);
    if (p->y.label)
        ph_put(r, "<text class=\"name\" x=\"%g\" y=\"%g\">%s</text>", 2.0, p->top - 10, p->y.label);
    ph_put(r, "</g>");
}

void ph_plot_line(ph_page *r, const ph_plot *p, const double *x, const double *y, size_t count, const char *kind)
{
    const char *move = "M";
    ph_put(r, "<path class=\"curve %s\" d=\"", kind);
    for (size_t i = 0; i < count; i++) {
        bool there = isfinite(y[i]);
        if (there)
            ph_put(r, "%s%.1f %.1f", move, ph_plot_x(p, x[i]), ph_plot_y(p, y[i]));
        move = there ? "L" : "M";
    }
    ph_put(r, "\"/>");
}
