/* curves.c - how each reported term went over the epochs, from the model's training record. */
#include "report/report.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_POINTS = 400, MOST_TERMS = 24, MOST_LINES = 24 };

/* One term over the recorded epochs; NaN where an epoch has no value of it. */
typedef struct term {
    char name[64];
    double *training, *validation;
} term;

typedef struct record {
    const ph_graph *graph;
    size_t lines, terms;
    double *epoch;
    term term[MOST_TERMS];
    double *list[PH_MAX_LISTS]; /* of the graph's lists: each number over the epochs, then the next */
} record;

static bool has_record(const ph_page *r)
{
    return r->model->trainer.history && *r->model->trainer.history;
}

/* ---- Reading it ---------------------------------------------------------------------------------- */

static double *column(size_t lines)
{
    double *values = malloc(lines * sizeof *values);
    for (size_t i = 0; values && i < lines; i++)
        values[i] = NAN;
    return values;
}

static term *find_term(record *c, const char *name)
{
    for (size_t t = 0; t < c->terms; t++)
        if (strcmp(c->term[t].name, name) == 0)
            return &c->term[t];
    if (c->terms == MOST_TERMS)
        return NULL;
    term *made = &c->term[c->terms];
    snprintf(made->name, sizeof made->name, "%s", name);
    made->training = column(c->lines);
    made->validation = column(c->lines);
    c->terms += made->training && made->validation;
    if (made->training && made->validation)
        return made;
    free(made->training);
    free(made->validation);
    return NULL;
}

static int find_list(const ph_graph *g, const char *name)
{
    for (int i = 0; i < g->list_count; i++)
        if (strcmp(g->list[i].name, name) == 0)
            return i;
    return -1;
}

static void read_list(record *c, size_t line, const char *name, ph_json_in *in)
{
    int i = find_list(c->graph, name);
    size_t width = i < 0 ? 0 : ph_width(c->graph->list[i].value);
    for (size_t k = 0; !ph_json_take(in, ']'); k++, ph_json_take(in, ',')) {
        const char *before = in->at;
        double value = strtod(in->at, &in->at);
        if (in->at == before)
            return;
        if (k < width)
            c->list[i][k * c->lines + line] = value;
    }
}

static void read_line(record *c, size_t line, ph_json_in in)
{
    bool more = ph_json_take(&in, '{');
    for (char *name; more && (name = ph_json_take_text(&in)) && ph_json_take(&in, ':');
         more = ph_json_take(&in, ',')) {
        if (ph_json_take(&in, '[')) {
            read_list(c, line, name, &in);
            continue;
        }
        bool held_out = strncmp(name, "val_", 4) == 0;
        double value = strtod(in.at, &in.at);
        term *t = strcmp(name, "step") == 0 || strcmp(name, "seconds") == 0 ||
                          strcmp(name, "epoch") == 0
                      ? NULL
                      : find_term(c, name + (held_out ? 4 : 0));
        if (strcmp(name, "epoch") == 0)
            c->epoch[line] = value;
        if (t)
            (held_out ? t->validation : t->training)[line] = value;
    }
}

static ph_status read_record(record *c, const char *history)
{
    bool room = true;
    for (const char *at = history; (at = strchr(at, '\n')); at++)
        c->lines++;
    for (int i = 0; i < c->graph->list_count; i++) {
        c->list[i] = column(ph_width(c->graph->list[i].value) * c->lines + 1);
        room = room && c->list[i];
    }
    c->epoch = column(c->lines + 1);
    char *copy = strdup(history); /* texts are unescaped where they stand */
    if (c->epoch == NULL || copy == NULL || !room) {
        free(copy);
        return ph_fail(PH_MEMORY, "out of memory for the curves");
    }
    size_t line = 0;
    for (char *text = copy, *end; (end = strchr(text, '\n')); text = end + 1, line++) {
        *end = '\0';
        read_line(c, line, (ph_json_in){ text, end });
        c->epoch[line] = isnan(c->epoch[line]) ? (double)line + 1 : c->epoch[line];
    }
    free(copy);
    return PH_OK;
}

static void forget_record(record *c)
{
    for (size_t t = 0; t < c->terms; t++) {
        free(c->term[t].training);
        free(c->term[t].validation);
    }
    for (int i = 0; i < PH_MAX_LISTS; i++)
        free(c->list[i]);
    free(c->epoch);
}

/* ---- Drawing ------------------------------------------------------------------------------------- */

static const char *unit_of(const ph_page *r, const char *name)
{
    const ph_graph *g = r->model->graph;
    const char *loss = ph_loss_unit(g, name);
    for (int i = 0; i < g->report_count; i++)
        if (strcmp(g->report[i].name, name) == 0)
            return g->report[i].unit;
    return loss ? loss : strcmp(name, "lr") == 0 ? "learning rate" : "";
}

/* Columns of the record that are the same number all the way tell nothing new. */
static bool same(const term *a, const term *b, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        if ((a->training[i] != b->training[i] && !isnan(a->training[i] + b->training[i])) ||
            (a->validation[i] != b->validation[i] && !isnan(a->validation[i] + b->validation[i])))
            return false;
    return true;
}

static bool constant(const double *values, size_t lines)
{
    for (size_t i = 1; i < lines; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

static void widen(ph_axis *a, const double *values, size_t lines)
{
    for (size_t i = 0; i < lines; i++) {
        a->low = values[i] < a->low ? values[i] : a->low;
        a->high = values[i] > a->high ? values[i] : a->high;
    }
}

static ph_axis range_of(const term *t, size_t lines)
{
    ph_axis a = { .low = INFINITY, .high = -INFINITY, .label = "" };
    widen(&a, t->training, lines);
    widen(&a, t->validation, lines);
    a.log = a.low > 0 && a.high / a.low > 20;
    ph_axis_settle(&a);
    a.label = a.log ? "log scale" : "";
    return a;
}

static bool any(const double *values, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        if (isfinite(values[i]))
            return true;
    return false;
}

/* Long records are thinned; first and last epoch stay. */
static size_t points_of(const record *c)
{
    return c->lines < MOST_POINTS ? c->lines : MOST_POINTS;
}

static size_t point(const record *c, size_t k)
{
    size_t points = points_of(c);
    return points > 1 ? k * (c->lines - 1) / (points - 1) : 0;
}

static void draw_line(ph_page *r, const ph_plot *p, const record *c, const double *values,
                      const char *kind)
{
    double x[MOST_POINTS], y[MOST_POINTS];
    size_t last = c->lines;
    for (size_t k = 0; k < points_of(c); k++) {
        size_t i = point(c, k);
        x[k] = c->epoch[i];
        y[k] = values[i];
        last = isfinite(y[k]) ? i : last;
    }
    ph_plot_line(r, p, x, y, points_of(c), kind);
    if (last < c->lines)
        ph_put(r, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", kind,
               ph_plot_x(p, c->epoch[last]), ph_plot_y(p, values[last]));
}

/* Bands over the epochs, each with its values as a title: what the pointer finds there. */
static void draw_bands(ph_page *r, const ph_plot *p, const record *c, const term *t)
{
    double right = p->width - p->right, wide = (right - p->left) / (double)points_of(c);
    bool held_out = any(t->validation, c->lines);
    for (size_t k = 0; k < points_of(c); k++) {
        size_t i = point(c, k);
        double x = ph_plot_x(p, c->epoch[i]);
        double from = fmax(x - wide / 2, p->left), to = fmin(x + wide / 2, right);
        ph_put(r, "<rect class=\"band\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" height=\"%g\"><title>epoch %g",
               from, p->top, to - from, p->height - p->top - p->bottom, c->epoch[i]);
        if (isfinite(t->training[i])) {
            ph_put(r, " · %s", held_out ? "training " : "");
            ph_put_number(r, t->training[i], 6);
        }
        if (isfinite(t->validation[i])) {
            ph_put(r, " · validation ");
            ph_put_number(r, t->validation[i], 6);
        }
        ph_put(r, "</title></rect>");
    }
}

/* In words what the picture shows. */
static void tell(ph_page *r, const record *c, const term *t)
{
    size_t last = c->lines - 1;
    ph_put_text(r, t->name);
    ph_put(r, " over %zu epoch%s: from ", c->lines, c->lines == 1 ? "" : "s");
    ph_put_number(r, t->training[0], 4);
    ph_put(r, " to ");
    ph_put_number(r, t->training[last], 4);
    if (isfinite(t->validation[last])) {
        ph_put(r, " in training, ");
        ph_put_number(r, t->validation[last], 4);
        ph_put(r, " in validation");
    }
}

static ph_plot over_epochs(const record *c, ph_axis y)
{
    ph_plot p = { .width = 460, .height = 280, .left = 54, .right = 14, .top = 24, .bottom = 44,
                  .x = { .low = c->epoch[0], .high = c->epoch[c->lines - 1], .whole = true,
                         .label = "epoch" },
                  .y = y };
    if (c->lines == 1) {
        p.x.low -= 1;
        p.x.high += 1;
    }
    return p;
}

static void draw(ph_page *r, const record *c, const term *t, const term *twin)
{
    bool held_out = any(t->validation, c->lines);
    ph_plot p = over_epochs(c, range_of(t, c->lines));
    ph_put(r, "<figure class=\"card\"><figcaption><b>");
    ph_put_text(r, t->name);
    if (twin) {
        ph_put(r, " = ");
        ph_put_text(r, twin->name);
    }
    ph_put(r, "</b> <span class=\"unit\">");
    ph_put_text(r, unit_of(r, twin ? twin->name : t->name));
    ph_put(r, "</span></figcaption>");
    ph_plot_begin(r, &p, "hover");
    tell(r, c, t);
    ph_plot_axes(r, &p);
    draw_line(r, &p, c, t->training, "first");
    if (held_out)
        draw_line(r, &p, c, t->validation, "second");
    draw_bands(r, &p, c, t);
    ph_put(r, "</svg>");
    if (held_out)
        ph_put(r, "<p class=\"key\"><span class=\"key-first\">training</span> "
                  "<span class=\"key-second\">validation</span></p>");
    ph_put(r, "<p class=\"note\">");
    tell(r, c, t);
    ph_put(r, ".</p></figure>");
}

/* A line for each number of a list, of the largest at the end, with its place and value there as a
 * title. */
static ph_status draw_list(ph_page *r, const record *c, int i)
{
    const ph_named *list = &c->graph->list[i];
    size_t width = ph_width(list->value), last = c->lines - 1, order[MOST_LINES];
    double *ends = calloc(width, sizeof *ends);
    if (ends == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the curves");
    for (size_t k = 0; k < width; k++)
        ends[k] = isfinite(c->list[i][k * c->lines + last]) ? c->list[i][k * c->lines + last] : 0;
    size_t shown = ph_page_largest(ends, width, MOST_LINES, order);
    ph_axis y = { .low = 0, .high = 1e-6, .label = "" };
    for (size_t k = 0; k < shown; k++)
        widen(&y, c->list[i] + order[k] * c->lines, c->lines);
    ph_axis_settle(&y);
    ph_plot p = over_epochs(c, y);
    ph_put(r, "<figure class=\"card\"><figcaption><b>");
    ph_put_text(r, list->name);
    ph_put(r, "</b> <span class=\"unit\">");
    ph_put_text(r, list->unit);
    ph_put(r, "</span></figcaption>");
    ph_plot_begin(r, &p, "");
    ph_put(r, "%zu lines over %zu epoch%s", shown, c->lines, c->lines == 1 ? "" : "s");
    ph_plot_axes(r, &p);
    for (size_t k = 0; k < shown; k++) {
        ph_put(r, "<g class=\"part\"><title>%zu · ", order[k] + 1);
        ph_put_number(r, ends[order[k]], 4);
        ph_put(r, "</title>");
        draw_line(r, &p, c, c->list[i] + order[k] * c->lines, "first");
        ph_put(r, "</g>");
    }
    ph_put(r, "</svg><p class=\"note\">%s%zu of %zu; number %zu ends highest, at ",
           shown < width ? "The largest " : "", shown, width, order[0] + 1);
    ph_put_number(r, ends[order[0]], 4);
    ph_put(r, ".</p></figure>");
    free(ends);
    return PH_OK;
}

static ph_status write_curves(ph_page *r)
{
    record c = { .graph = r->model->graph };
    ph_status status = read_record(&c, r->model->trainer.history);
    const term *loss = status == PH_OK && c.lines ? find_term(&c, "loss") : NULL, *twin = NULL;
    for (size_t t = 0; loss && t < c.terms; t++) /* often the loss is a term by itself */
        if (&c.term[t] != loss && any(c.term[t].training, c.lines) && same(&c.term[t], loss, c.lines))
            twin = &c.term[t];
    ph_put(r, "<div class=\"plots\">");
    for (int rates = 0; loss && rates < 2; rates++) /* the learning rate comes last */
        for (size_t t = 0; t < c.terms; t++) {
            const term *one = &c.term[t];
            bool rate = strcmp(one->name, "lr") == 0;
            if (rate == (rates == 1) && one != twin && any(one->training, c.lines) &&
                !(rate && constant(one->training, c.lines)))
                draw(r, &c, one, one == loss ? twin : NULL);
        }
    for (int i = 0; i < c.graph->list_count && status == PH_OK && c.lines; i++)
        if (any(c.list[i], c.lines))
            status = draw_list(r, &c, i);
    ph_put(r, "</div>");
    forget_record(&c);
    return status;
}

const ph_section ph_section_curves = { "curves", "Training", has_record, write_curves };
