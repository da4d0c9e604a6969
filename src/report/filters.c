/* filters.c - what the first layer looks for. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILTERS = 100 };

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the report's pictures");
}

/* ---- Filters -------------------------------------------------------------------------------------- */

/* What meets the row first or makes it again, one filter a column. */
static const struct filter_kind {
    const char *name, *text;
    bool ordered;              /* by themselves; others are shown by their norm */
} kinds[] = {
    { "encoder/0/weight",
      "The weights from the picture to each unit of the first layer, the largest norm first", false },
    { "pca/components", "The principal components, the one of most variance first", true },
    { "logistic-pca/loadings", "What each number of the code adds to the logits, the largest norm first",
      false },
};

/* `count` of them, [width, count]. */
typedef struct filters {
    const real *weight;
    size_t count, height, width, channels;
    const struct filter_kind *kind;
} filters;

/* The weight that meets the row first, where rows are pictures and the layer is dense. */
static bool find_filters(const ph_model *m, filters *f)
{
    const ph_shape *row = &m->row;
    if (!ph_model_is_picture(m))
        return false;
    f->channels = row->rank == 3 ? row->dim[2] : 1;
    f->height = row->dim[0];
    f->width = row->dim[1];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const ph_variable *v = ph_variable_find(m->graph, kinds[i].name);
        if (v == NULL || v->shape.rank != 2 || v->shape.dim[0] != ph_shape_size(row))
            continue;
        f->weight = v->used ? v->used : v->data;
        f->count = v->shape.dim[1];
        f->kind = &kinds[i];
        return true;
    }
    return false;
}

static bool has_filters(const ph_page *r)
{
    filters f;
    return find_filters(r->model, &f);
}

/* The columns to show, the most telling first. */
static ph_status choose_filters(const filters *f, size_t most, size_t *chosen)
{
    for (size_t i = 0; i < most; i++)
        chosen[i] = i;
    if (f->kind->ordered)
        return PH_OK;
    double *norm = calloc(f->count, sizeof *norm);
    if (norm == NULL)
        return out_of_memory();
    for (size_t i = 0; i < f->height * f->width * f->channels * f->count; i++)
        norm[i % f->count] += (double)f->weight[i] * (double)f->weight[i];
    ph_page_largest(norm, f->count, most, chosen);
    free(norm);
    return PH_OK;
}

/* From blue over white to red-brown, both ends equally dark; v from -1 to 1. */
static void diverging(double v, real *rgb)
{
    static const double ends[2][3] = { { 0.02, 0.31, 0.60 }, { 0.69, 0.27, 0.02 } };
    for (int c = 0; c < 3; c++)
        rgb[c] = (real)(0.97 + fabs(v) * (ends[v > 0][c] - 0.97));
}

/* Filter number `at`, smaller by `factor`, in three channels from 0 to 1, on a scale of its own; work has
 * room for a row. */
static void draw_filter(const filters *f, size_t at, size_t factor, real *work, real *rgb)
{
    size_t size = f->height * f->width * f->channels;
    for (size_t i = 0; i < size; i++)
        work[i] = f->weight[i * f->count + at];
    size_t numbers = ph_shrink(work, f->height, f->width, f->channels, factor, rgb);
    memcpy(work, rgb, numbers * sizeof *work);
    double most = 0;
    for (size_t i = 0; i < numbers; i++)
        most = fmax(most, fabs((double)work[i]));
    /* Colour filters are drawn in their own colours around gray. */
    for (size_t i = 0; i < numbers; i++) {
        double v = most > 0 ? (double)work[i] / most : 0;
        if (f->channels == 3)
            rgb[i] = (real)(0.5 + 0.5 * v);
        else
            diverging(v, rgb + 3 * i);
    }
}

static void explain(ph_page *r, const filters *f)
{
    static const char scale[] = "<span class=\"scale\">negative <i></i> positive</span>: white is zero; ";
    ph_put(r, "<p>%s; %seach tile has its own scale.</p>", f->kind->text,
           f->channels == 3 ? "gray is zero, and " : scale);
}

static ph_status put_filters(ph_page *r, const filters *f, const size_t *chosen, size_t most)
{
    size_t factor = ph_shrink_factor(f->height, f->width, 32);
    real *rgb = malloc(3 * r->info.width * sizeof *rgb);
    real *work = malloc(r->info.width * sizeof *work);
    ph_status status = rgb && work ? PH_OK : out_of_memory();
    for (size_t i = 0; i < most && status == PH_OK; i++) {
        draw_filter(f, chosen[i], factor, work, rgb);
        ph_put(r, "<img alt=\"\" src=\"");
        status = ph_put_image(r, &(ph_grid){ .tiles = rgb, .rows = 1, .columns = 1, .channels = 3,
                                             .height = (f->height + factor - 1) / factor,
                                             .width = (f->width + factor - 1) / factor }, SIZE_MAX);
        ph_put(r, "\">");
    }
    free(rgb);
    free(work);
    return status;
}

static ph_status write_filters(ph_page *r)
{
    filters f;
    if (!find_filters(r->model, &f))
        return PH_OK;
    size_t chosen[MOST_FILTERS], most = f.count < MOST_FILTERS ? f.count : MOST_FILTERS;
    PH_TRY(choose_filters(&f, most, chosen));
    explain(r, &f);
    ph_put(r, "<div class=\"tiles%s\" role=\"img\" aria-label=\"%zu filters\">",
           most > 20 ? " filters" : "", most);
    PH_TRY(put_filters(r, &f, chosen, most));
    ph_put(r, "</div>");
    if (most < f.count)
        ph_put(r, "<p class=\"note\">%zu of %zu.</p>", most, f.count);
    return PH_OK;
}

/* A square grid, or nearly; where no filter is left it is black, as the lines between are. */
static ph_status save_filters(const filters *f, const size_t *chosen, size_t shown,
                              const char *path)
{
    size_t factor = ph_shrink_factor(f->height, f->width, 128), columns = 1;
    size_t height = (f->height + factor - 1) / factor, width = (f->width + factor - 1) / factor;
    while (columns * columns < shown)
        columns++;
    size_t rows = (shown + columns - 1) / columns, size = f->height * f->width * f->channels;
    real *tiles = calloc(rows * columns * height * width * 3 + 3 * size, sizeof *tiles);
    real *work = malloc(size * sizeof *work);
    ph_status status = tiles && work ? PH_OK : out_of_memory();
    for (size_t i = 0; i < shown && status == PH_OK; i++)
        draw_filter(f, chosen[i], factor, work, tiles + i * height * width * 3);
    if (status == PH_OK)
        status = ph_grid_save(path, &(ph_grid){ .tiles = tiles, .rows = rows, .columns = columns,
                                                .gap = 1, .height = height, .width = width,
                                                .channels = 3 });
    free(tiles);
    free(work);
    return status;
}

ph_status ph_filters_save(const ph_model *m, size_t most, const char *path, size_t *count)
{
    filters f;
    if (!find_filters(m, &f))
        return ph_fail(PH_USAGE, "filters: the model's rows are no pictures, or its first layer is "
                       "not dense");
    size_t shown = most && most < f.count ? most : f.count;
    size_t *chosen = malloc(shown * sizeof *chosen);
    ph_status status = chosen ? choose_filters(&f, shown, chosen) : out_of_memory();
    if (status == PH_OK)
        status = save_filters(&f, chosen, shown, path);
    free(chosen);
    if (count)
        *count = f.count;
    return status;
}

const ph_section ph_section_filters = { "filters", "Filters", has_filters, write_filters };
