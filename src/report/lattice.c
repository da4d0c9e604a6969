/* lattice.c - what the decoder makes of the space of codes: evenly spaced ones, with each class where it takes one.
 */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LATTICE = 15, LATTICE_OF_CLASS = 9, MOST_LATTICES = 12 };
enum { LATTICE_BYTES = 300 << 10, LATTICES_BYTES = 600 << 10 };

/* Codes that are decoded: `side` of them each way, or in a line. Over the prior they begin at the top left, as
 * `sample --grid` draws them; over the codes that rows have, the second number grows upwards, as on the map. */
typedef struct lattice {
    size_t side, lines, width, label; /* width: numbers of a code; label: PH_NO_LABEL, or its class */
    double low[2], high[2];
    bool prior, down;
} lattice;

static bool has_lattice(const ph_page *r)
{
    size_t in, out;
    return r->picture && r->classes == 0 && (r->map.code == 1 || r->map.code == 2) &&
           ph_model_port(r->model, "decode", &in, &out) == PH_OK && out == r->info.width &&
           in == ph_model_label_numbers(r->model) + r->map.code;
}

static ph_status decode_lattice(ph_page *r, const lattice *l, real *tiles)
{
    real *code = calloc(l->width, sizeof *code), *style = code ? code + l->width - r->map.code : NULL;
    ph_status status = code ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the report's lattice");
    if (status == PH_OK && l->label != PH_NO_LABEL)
        status = ph_model_set_label(r->model, l->label, code, 1);
    for (size_t i = 0; i < l->side * l->lines && status == PH_OK; i++) {
        double at[2] = { (double)(i % l->side) / (double)(l->side - 1), 0 };
        at[1] = l->lines > 1 ? (double)(i / l->side) / (double)(l->lines - 1) : 0;
        at[1] = l->down || l->lines == 1 ? at[1] : 1 - at[1];
        for (size_t a = 0; a < r->map.code; a++)
            style[a] = (real)(l->low[a] + at[a] * (l->high[a] - l->low[a]));
        status = ph_model_apply(r->model, "decode", code, 1, tiles + i * r->info.width);
    }
    free(code);
    return status;
}

/* The picture's bytes, where an address of it stands. */
static ph_status put_lattice(ph_page *r, const lattice *l, size_t budget)
{
    real *tiles = malloc(l->lines * l->side * r->info.width * sizeof *tiles);
    ph_status status = tiles ? decode_lattice(r, l, tiles)
                             : ph_fail(PH_MEMORY, "out of memory for the report's lattice");
    if (status == PH_OK)
        status = ph_put_image(r, &(ph_grid){ .tiles = tiles, .rows = l->lines, .columns = l->side,
                                             .height = r->height, .width = r->width,
                                             .channels = r->channels, .white = r->info.white }, budget);
    free(tiles);
    return status;
}

static ph_status range_lattice(const ph_page *r, lattice *l)
{
    l->prior = ph_page_has_contours(r);
    l->down = l->lines > 1 && (l->prior || r->variables);
    memcpy(l->low, r->map.low, sizeof l->low);
    memcpy(l->high, r->map.high, sizeof l->high);
    for (int a = 0; a < 2 && r->variables; a++) {
        l->low[a] = -3;
        l->high[a] = 3;
    }
    return l->prior ? ph_page_prior_range(r, 2, l->low, l->high) : PH_OK;
}

static void put_place(ph_page *r, const lattice *l, const double *at)
{
    ph_put(r, l->lines > 1 ? "(" : "");
    ph_put_number(r, at[0], 3);
    if (l->lines > 1) {
        ph_put(r, ", ");
        ph_put_number(r, at[1], 3);
        ph_put(r, ")");
    }
}

/* What is decoded, and from where to where. */
static void put_lattice_title(ph_page *r, const lattice *l)
{
    double first[2] = { l->low[0], l->down ? l->low[1] : l->high[1] };
    double last[2] = { l->high[0], l->down ? l->high[1] : l->low[1] };
    ph_put(r, "What the decoder makes of %ss ", ph_page_what(r));
    ph_put(r, l->prior       ? "within two deviations of the prior"
              : r->variables ? "from −3 to 3"
                             : "over the central 95 %% of those above");
    if (r->variables && l->lines == 1)
        return;
    ph_put(r, ", from ");
    put_place(r, l, first);
    ph_put(r, l->lines > 1 ? " at the top left to " : " to ");
    put_place(r, l, last);
    ph_put(r, l->lines > 1 ? " at the bottom right" : "");
}

static ph_axis lattice_axis(const lattice *l, int a)
{
    double half = l->high[a] > l->low[a] ? (l->high[a] - l->low[a]) / (double)(l->side - 1) / 2 : 0.5;
    return (ph_axis){ .low = l->low[a] - half, .high = l->high[a] + half, .label = a ? PH_Z2 : PH_Z1,
                      .down = a == 1 && l->down };
}

static ph_status write_one_lattice(ph_page *r, lattice *l)
{
    PH_TRY(range_lattice(r, l));
    double tile = 560.0 / (double)l->side, tall = fmin(fmax((double)r->height / (double)r->width, 0.3), 3);
    ph_plot p = { .width = 640, .left = 52, .right = 28, .top = 28, .bottom = 50,
                  .height = 78 + tall * tile * (double)l->lines,
                  .x = lattice_axis(l, 0), .y = lattice_axis(l, 1) };
    if (l->lines == 1) {
        p.y.label = NULL;
        p.top = 4;
        p.height -= 24;
    }
    ph_put(r, "<figure class=\"card map\"><figcaption>");
    put_lattice_title(r, l);
    ph_put(r, "</figcaption>");
    ph_plot_begin(r, &p, "");
    ph_put(r, "decoded codes, %zu by %zu", l->side, l->lines);
    ph_plot_axes(r, &p);
    ph_put(r, "<image x=\"%g\" y=\"%g\" width=\"560\" height=\"%g\" preserveAspectRatio=\"none\" href=\"",
           p.left, p.top, tall * tile * (double)l->lines);
    PH_TRY(put_lattice(r, l, LATTICE_BYTES));
    ph_put(r, "\"/></svg></figure>");
    return PH_OK;
}

/* The same styles with each class or cluster, a lattice for each. */
static ph_status write_lattices(ph_page *r, lattice *l, size_t labels)
{
    size_t shown = labels < MOST_LATTICES ? labels : MOST_LATTICES;
    const char *kind = ph_model_export(r->model, "cluster") ? "cluster" : "class";
    PH_TRY(range_lattice(r, l));
    ph_put(r, "<figure class=\"card lattices\"><figcaption>");
    put_lattice_title(r, l);
    ph_put(r, ", with each %s", kind);
    if (shown < labels)
        ph_put(r, "; the first %zu of %zu", shown, labels);
    ph_put(r, "</figcaption>");
    for (l->label = 0; l->label < shown; l->label++) {
        ph_put(r, "<figure><figcaption>%s ", kind);
        ph_put_kind(r, l->label);
        ph_put(r, "</figcaption><img alt=\"%zu by %zu decoded styles\" src=\"", l->side, l->lines);
        PH_TRY(put_lattice(r, l, LATTICES_BYTES / shown));
        ph_put(r, "\"></figure>");
    }
    ph_put(r, "</figure>");
    return PH_OK;
}

static ph_status write_lattice(ph_page *r)
{
    size_t labels = ph_model_label_numbers(r->model), side = labels ? LATTICE_OF_CLASS : LATTICE;
    lattice l = { .side = side, .lines = r->map.code == 2 ? side : 1, .width = labels + r->map.code,
                  .label = PH_NO_LABEL };
    return labels ? write_lattices(r, &l, labels) : write_one_lattice(r, &l);
}

const ph_section ph_section_lattice = { "lattice", "Decoded codes", has_lattice, write_lattice };
