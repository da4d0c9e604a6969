/* map.c - where the rows lie in the space of codes. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A class has one of 10 colours and one of 7 marks: 70 pairs before one comes again. */
enum { COLOURS = 10, MARKS = 7, MOST_CLASSES = 100, SPRITE_COLUMNS = 50 };
enum { SPRITE_BYTES = 1 << 20 };

static const char *const marks[MARKS] = {
    "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
    "M-2.7-2.7h5.4v5.4h-5.4z",
    "M0-3.6L3.4 2.5H-3.4z",
    "M0-3.8L3.8 0 0 3.8-3.8 0z",
    "M0 3.6L3.4-2.5H-3.4z",
    "M-1.2-3.6h2.4v2.4h2.4v2.4h-2.4v2.4h-2.4v-2.4h-2.4v-2.4h2.4z",
    "M0-1.4l2.2-2.2 1.4 1.4-2.2 2.2 2.2 2.2-1.4 1.4-2.2-2.2-2.2 2.2-1.4-1.4 2.2-2.2-2.2-2.2 1.4-1.4z",
};

static bool has_codes(const ph_page *r)
{
    return r->code > 0;
}

/* ---- Classes ------------------------------------------------------------------------------------- */

/* How many rows of each class the map shows; NULL (free it) where rows are not coloured. */
static size_t *count_classes(const ph_page *r, size_t *classes)
{
    size_t there = 0;
    size_t *count = r->labels ? calloc(r->set.classes, sizeof *count) : NULL;
    for (size_t i = 0; count && i < r->sample_count; i++)
        if (r->labels[r->sample[i]] != PH_NO_LABEL)
            there += count[r->labels[r->sample[i]]]++ == 0;
    *classes = there;
    if (there <= MOST_CLASSES && there > 0)
        return count;
    free(count);
    return NULL;
}

static void put_legend(ph_page *r, const size_t *count, size_t classes)
{
    ph_put(r, "<div class=\"legend\" role=\"group\" aria-label=\"classes shown\">");
    if (classes > 2)
        ph_put(r, "<label class=\"all\"><input type=\"checkbox\" checked data-all>all</label>");
    for (size_t k = 0; k < r->set.classes; k++) {
        if (count[k] == 0)
            continue;
        ph_put(r, "<label><input type=\"checkbox\" checked data-class=\"%zu\"><svg class=\"c%zu\" "
                  "viewBox=\"-4.5 -4.5 9 9\" aria-hidden=\"true\"><use href=\"#m%zu\"/></svg>",
               k, k % COLOURS, k % MARKS);
        ph_put_label(r, k);
        ph_put(r, "</label>");
    }
    ph_put(r, "</div>");
}

/* ---- Thumbnails ---------------------------------------------------------------------------------- */

/* One PNG with all pictures of the map, side by side: a tile for each mark, in their order. */
static ph_status put_sprite(ph_page *r)
{
    size_t factor = ph_shrink_factor(r->height, r->width, 32);
    size_t height = (r->height + factor - 1) / factor, width = (r->width + factor - 1) / factor;
    size_t columns = r->sample_count < SPRITE_COLUMNS ? r->sample_count : SPRITE_COLUMNS;
    size_t lines = (r->sample_count + columns - 1) / columns, size = height * width * r->channels;
    real *tiles = calloc(lines * columns * size, sizeof *tiles);
    real *row = malloc(r->info.width * sizeof *row);
    ph_status status = tiles && row ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the report's map");
    for (size_t i = 0; i < r->sample_count && status == PH_OK; i++) {
        status = ph_data_read(r->data, &r->sample[i], 1, row);
        if (status == PH_OK)
            ph_shrink(row, r->height, r->width, r->channels, factor, tiles + i * size);
    }
    if (status == PH_OK) {
        ph_put(r, "<img id=\"sprite\" hidden alt=\"\" data-columns=\"%zu\" data-rows=\"%zu\" src=\"", columns,
               lines);
        status = ph_put_image(r, &(ph_grid){ .tiles = tiles, .rows = lines, .columns = columns,
                                             .height = height, .width = width,
                                             .channels = r->channels, .white = r->info.white },
                              SPRITE_BYTES);
        ph_put(r, "\">");
    }
    free(tiles);
    free(row);
    return status;
}

/* ---- The map ------------------------------------------------------------------------------------- */

/* Of all codes that are shown, and at least from low to high. */
static ph_axis range_of(const ph_page *shown, int a, double low, double high)
{
    ph_axis axis = { .low = low, .high = high };
    for (size_t i = 0; i < shown->sample_count; i++) {
        double v = shown->map.place[a][shown->sample[i]];
        axis.low = fmin(axis.low, v);
        axis.high = fmax(axis.high, v);
    }
    axis.log = shown->map.code == 1 && a == 1 && axis.low > 0 && axis.high / axis.low > 20;
    ph_axis_settle(&axis);
    return axis;
}

static void put_marks(ph_page *r, const ph_page *shown, const ph_plot *p, const size_t *classes)
{
    for (size_t i = 0; i < r->sample_count; i++) {
        size_t row = r->sample[i];
        bool known = classes && r->labels[row] != PH_NO_LABEL;
        size_t k = known ? r->labels[row] : 0;
        if (classes && !known)
            ph_put(r, "<use href=\"#m0\" fill=\"currentColor\" opacity=\".4\"");
        else
            ph_put(r, "<use href=\"#m%zu\" class=\"c%zu\"", k % MARKS, k % COLOURS);
        if (known)
            ph_put(r, " data-class=\"%zu\"", k);
        ph_put(r, " x=\"%.1f\" y=\"%.1f\"><title>", ph_plot_x(p, shown->map.place[0][row]),
               ph_plot_y(p, shown->map.place[1][row]));
        ph_put_row(r, row);
        if (r->labels) {
            ph_put(r, " · ");
            ph_put_label(r, r->labels[row]);
        }
        ph_put(r, " · error ");
        ph_put_number(r, shown->error[row], 3);
        ph_put(r, "</title></use>");
    }
}

/* The codes of one model, of those that are shown. */
static ph_status put_plot(ph_page *r, const ph_page *shown, const size_t *count, size_t classes)
{
    char across[64], up[64];
    bool axes = shown->map.code > 2, lines = ph_page_has_contours(shown);
    double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
    if (lines) /* codes that are far from their prior are to be seen as such */
        PH_TRY(ph_page_prior_range(shown, 2.5, low, high));
    snprintf(across, sizeof across, "first axis, %.1f %% of the variance",
             100 * shown->map.share[0]);
    snprintf(up, sizeof up, "second axis, %.1f %%", 100 * shown->map.share[1]);
    ph_plot p = { .width = 640, .height = 520, .left = 52, .right = 12, .top = 28, .bottom = 50,
                  .x = range_of(shown, 0, low[0], high[0]), .y = range_of(shown, 1, low[1], high[1]) };
    p.x.label = axes ? across : PH_Z1;
    p.y.label = axes                     ? up
                : shown->map.code == 2 ? PH_Z2
                : p.y.log              ? "error of the row, log scale"
                                       : "error of the row";
    ph_plot_begin(r, &p, "");
    ph_put(r, "the %ss of %zu rows", ph_page_what(shown), r->sample_count);
    if (count)
        ph_put(r, ", marked by their %zu class%s", classes, classes == 1 ? "" : "es");
    ph_plot_axes(r, &p);
    ph_status status = lines ? ph_put_contours(r, shown, &p) : PH_OK;
    put_marks(r, shown, &p, count);
    ph_put(r, "<circle class=\"ring\" r=\"7\" visibility=\"hidden\"/></svg>");
    return status;
}

static void put_map_title(ph_page *r, const ph_page *shown)
{
    const char *what = ph_page_what(shown);
    if (shown->map.code == 1)
        ph_put(r, "The %s of a row and the error of its reconstruction", what);
    else if (shown->map.code > 2)
        ph_put(r, "The %ss on their first two principal axes", what);
    else
        ph_put(r, "Each row at the two numbers of its %s", what);
}

static void put_name(ph_page *r, const ph_page *shown)
{
    ph_put_text(r, shown->name && *shown->name ? shown->name : shown->info.family);
}

static void put_axes_share(ph_page *r, const ph_page *shown)
{
    if (shown->map.code <= 2)
        return;
    ph_put(r, "<li>The %zu numbers of a %s", shown->map.code, ph_page_what(shown));
    if (r->beside) {
        ph_put(r, " of ");
        put_name(r, shown);
    }
    ph_put(r, " are shown by their first two principal axes, which have %.1f %% of the variance of "
              "the %ss shown.</li>", 100 * (shown->map.share[0] + shown->map.share[1]), ph_page_what(shown));
}

static void put_style_shown(ph_page *r, const ph_page *shown)
{
    if (!ph_plane_of_styles(&shown->map))
        return;
    ph_put(r, "<li>A code");
    if (r->beside) {
        ph_put(r, " of ");
        put_name(r, shown);
    }
    ph_put(r, " is a %s, %zu numbers, and a style, %zu; the styles are shown.</li>",
           ph_model_export(shown->model, "cluster") ? "cluster" : "class", shown->code - shown->map.code,
           shown->map.code);
}

static void put_rows_shown(ph_page *r)
{
    ph_put(r, "<li>");
    if (r->sample_count < r->rows) {
        ph_put_count(r, r->sample_count);
        ph_put(r, " rows of ");
        ph_put_count(r, r->rows);
        ph_put(r, ", spread evenly over the set.");
    } else {
        ph_put(r, r->rows > 1 ? "All " : "");
        ph_put_count(r, r->rows);
        ph_put(r, " row%s.", r->rows > 1 ? "s" : "");
    }
    ph_put(r, "</li>");
}

static void put_lines_shown(ph_page *r)
{
    if (ph_page_has_contours(r) || (r->beside && ph_page_has_contours(r->beside)))
        ph_put(r, "<li>The lines hold half and nine tenths of the prior's draws, as far as the map "
                  "reaches.</li>");
}

static const char *cells_of(const ph_page *shown)
{
    return shown->map.code == 1 ? "intervals" : "cells of a 20 × 20 grid";
}

static void put_facts(ph_page *r)
{
    ph_put(r, "<ul class=\"note\">");
    put_style_shown(r, r);
    put_axes_share(r, r);
    put_rows_shown(r);
    ph_put(r, "<li>%.1f %% of the %zu %s over the central 95 %% of all %ss are empty; of as many "
              "normally distributed ones %.1f %% would be.</li>",
           100 * r->map.empty, r->map.cells, cells_of(r), ph_page_what(r), 100 * r->map.empty_normal);
    if (r->train) {
        double train = ph_figure_get(&r->train_figures, "mse");
        double here = ph_figure_get(&r->figures, "mse");
        ph_put(r, "<li>Training minus test error (mse): ");
        ph_put_number(r, train - here, 3);
        ph_put(r, " = ");
        ph_put_number(r, train, 4);
        ph_put(r, " − ");
        ph_put_number(r, here, 4);
        ph_put(r, ".</li>");
    }
    put_lines_shown(r);
    ph_put(r, "</ul>");
}

/* ---- Two models ---------------------------------------------------------------------------------- */

static ph_status put_both(ph_page *r, const size_t *count, size_t classes)
{
    const ph_page *shown[2] = { r, r->beside };
    ph_status status = PH_OK;
    ph_put(r, "<div class=\"maps\">");
    for (int i = 0; i < 2 && status == PH_OK; i++) {
        ph_put(r, "<figure><figcaption><b>");
        put_name(r, shown[i]);
        ph_put(r, "</b> ");
        put_map_title(r, shown[i]);
        ph_put(r, "</figcaption>");
        status = put_plot(r, shown[i], count, classes);
        ph_put(r, "</figure>");
    }
    ph_put(r, "</div>");
    return status;
}

static void put_value(ph_page *r, double value, bool share)
{
    ph_put(r, "<td>");
    ph_put_number(r, share ? 100 * value : value, share ? 3 : 4);
    ph_put(r, share && value == value ? " %%</td>" : "</td>");
}

static void compare(ph_page *r)
{
    static const struct { const char *figure, *what; bool share; } lines[] = {
        { "empty_cells", "empty cells", true },
        { "empty_cells_normal", "empty cells expected of as many normal codes", true },
        { "mse", "error (mse) on these rows", false },
        { "train_minus_test", "training minus test error (mse)", false },
    };
    const ph_figures *own = &r->figures, *other = &r->beside->figures;
    ph_put(r, "<table class=\"compare\"><thead><tr><th scope=\"col\"></th><th scope=\"col\">");
    put_name(r, r);
    ph_put(r, "</th><th scope=\"col\">");
    put_name(r, r->beside);
    ph_put(r, "</th></tr></thead><tbody><tr><th scope=\"row\">numbers of a code</th><td>%zu</td>"
              "<td>%zu</td></tr>", r->code, r->beside->code);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        double a = ph_figure_get(own, lines[i].figure), b = ph_figure_get(other, lines[i].figure);
        if (a != a && b != b)
            continue;
        ph_put(r, "<tr><th scope=\"row\">%s</th>", lines[i].what);
        put_value(r, a, lines[i].share);
        put_value(r, b, lines[i].share);
        ph_put(r, "</tr>");
    }
    ph_put(r, "</tbody></table><ul class=\"note\">");
    put_style_shown(r, r);
    put_style_shown(r, r->beside);
    put_axes_share(r, r);
    put_axes_share(r, r->beside);
    put_rows_shown(r);
    put_lines_shown(r);
    ph_put(r, "<li>Cells are those of a grid of 20 × 20 over the central 95 %% of a model's codes on "
              "either axis (of one number, 20 intervals); empty are those that none of all rows "
              "falls into.</li><li>A row that is pointed at is ringed on both maps.</li></ul>");
}

/* ---- The section --------------------------------------------------------------------------------- */

static ph_status write_map(ph_page *r)
{
    size_t classes, *count = count_classes(r, &classes);
    ph_put(r, "<svg hidden class=\"marks\"><defs>");
    for (size_t i = 0; i < MARKS; i++)
        ph_put(r, "<path id=\"m%zu\" d=\"%s\"/>", i, marks[i]);
    ph_put(r, "</defs></svg><figure class=\"card map %s\" id=\"codes\">",
           r->beside ? "two" : "one");
    if (r->beside == NULL) {
        ph_put(r, "<figcaption>");
        put_map_title(r, r);
        ph_put(r, "</figcaption>");
    }
    if (count)
        put_legend(r, count, classes);
    ph_status status;
    if (r->beside)
        status = put_both(r, count, classes);
    else
        status = put_plot(r, r, count, classes);
    if (r->labels && count == NULL)
        ph_put(r, "<p class=\"note\">More than %d classes: they are not coloured.</p>", MOST_CLASSES);
    if (r->beside)
        compare(r);
    else
        put_facts(r);
    ph_put(r, "</figure>");
    free(count);
    return status == PH_OK && r->picture ? put_sprite(r) : status;
}

const ph_section ph_section_map = { "map", "The codes", has_codes, write_map };
