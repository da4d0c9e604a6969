/* filters.c - what the first layer looks for, and samples from the prior. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILTERS = 100, SAMPLES = 48 };

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the report's pictures");
}

/* ---- Filters -------------------------------------------------------------------------------------- */

/* The weight that meets the row first, one filter a column, where the layer is dense. */
static const ph_variable *first_weight(const ph_page *r)
{
    static const char *const names[] = { "encoder/0/weight", "pca/components" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const ph_variable *v = ph_variable_find(r->model->graph, names[i]);
        if (v && v->shape.rank == 2 && v->shape.dim[0] == r->info.width)
            return v;
    }
    return NULL;
}

static bool has_filters(const ph_page *r)
{
    return r->picture && first_weight(r) != NULL;
}

/* From blue over white to red-brown, both ends equally dark; v from -1 to 1. */
static void diverging(double v, real *rgb)
{
    static const double ends[2][3] = { { 0.02, 0.31, 0.60 }, { 0.69, 0.27, 0.02 } };
    for (int c = 0; c < 3; c++)
        rgb[c] = (real)(0.97 + fabs(v) * (ends[v > 0][c] - 0.97));
}

static ph_status put_filter(ph_page *r, const real *weight, size_t filters, size_t at, real *tile,
                            real *drawn)
{
    size_t width = r->info.width, factor = ph_shrink_factor(r->height, r->width, 32);
    for (size_t i = 0; i < width; i++)
        tile[i] = weight[i * filters + at];
    size_t numbers = ph_shrink(tile, r->height, r->width, r->channels, factor, drawn);
    double most = 0;
    for (size_t i = 0; i < numbers; i++)
        most = fmax(most, fabs((double)drawn[i]));
    /* Colour filters are drawn in their own colours around gray. */
    for (size_t i = 0; i < numbers; i++) {
        double v = most > 0 ? (double)drawn[i] / most : 0;
        if (r->channels == 3)
            tile[i] = (real)(0.5 + 0.5 * v);
        else
            diverging(v, tile + 3 * i);
    }
    ph_put(r, "<img alt=\"\" src=\"");
    PH_TRY(ph_put_image(r, &(ph_grid){ .tiles = tile, .rows = 1, .columns = 1, .channels = 3,
                                       .height = (r->height + factor - 1) / factor,
                                       .width = (r->width + factor - 1) / factor }, SIZE_MAX));
    ph_put(r, "\">");
    return PH_OK;
}

static void explain(ph_page *r, bool pca)
{
    static const char scale[] = "<span class=\"scale\">negative <i></i> positive</span>: white is zero; ";
    ph_put(r, "<p>%s; %seach tile has its own scale.</p>",
           pca ? "The principal components, the one of most variance first"
               : "The weights from the picture to each unit of the first layer, the largest norm first",
           r->channels == 3 ? "gray is zero, and " : scale);
}

/* Components stay in their order, units are shown by their norm. */
static ph_status choose_filters(const ph_variable *v, const real *weight, bool pca, size_t most,
                                size_t *chosen)
{
    size_t filters = v->shape.dim[1];
    for (size_t i = 0; i < most; i++)
        chosen[i] = i;
    if (pca)
        return PH_OK;
    double *norm = calloc(filters, sizeof *norm);
    if (norm == NULL)
        return out_of_memory();
    for (size_t i = 0; i < v->size; i++)
        norm[i % filters] += (double)weight[i] * (double)weight[i];
    ph_page_largest(norm, filters, most, chosen);
    free(norm);
    return PH_OK;
}

static ph_status write_filters(ph_page *r)
{
    const ph_variable *v = first_weight(r);
    const real *weight = v->used ? v->used : v->data;
    size_t width = r->info.width, filters = v->shape.dim[1], chosen[MOST_FILTERS];
    size_t most = filters < MOST_FILTERS ? filters : MOST_FILTERS;
    bool pca = strncmp(v->name, "pca/", 4) == 0;
    real *tile = malloc(3 * width * sizeof *tile), *drawn = malloc(width * sizeof *drawn);
    ph_status status = tile && drawn ? choose_filters(v, weight, pca, most, chosen) : out_of_memory();
    explain(r, pca);
    ph_put(r, "<div class=\"tiles%s\" role=\"img\" aria-label=\"%zu filters\">",
           most > 20 ? " filters" : "", most);
    for (size_t i = 0; i < most && status == PH_OK; i++)
        status = put_filter(r, weight, filters, chosen[i], tile, drawn);
    ph_put(r, "</div>");
    if (most < filters)
        ph_put(r, "<p class=\"note\">%zu of %zu.</p>", most, filters);
    free(tile);
    free(drawn);
    return status;
}

/* ---- Samples ------------------------------------------------------------------------------------- */

static bool has_samples(const ph_page *r)
{
    return r->variables && r->decodes && r->picture;
}

static ph_status write_samples(ph_page *r)
{
    const char *from = r->classes ? "prior" : "normal";
    real *code = malloc(r->code * sizeof *code), *row = malloc(r->info.width * sizeof *row);
    ph_status status = code && row ? PH_OK : out_of_memory();
    ph_put(r, "<p>Decoded from codes drawn from the prior, %s; the draw is always the same.</p>"
              "<div class=\"tiles\" role=\"img\" aria-label=\"%d samples\">",
           r->classes ? "all classes equally likely" : "a standard normal distribution", SAMPLES);
    for (size_t i = 0; i < SAMPLES && status == PH_OK; i++) {
        status = ph_model_draw_codes(r->model, from, 0, i, 1, code);
        if (status == PH_OK)
            status = ph_model_apply(r->model, "decode", code, 1, row);
        if (status == PH_OK)
            status = ph_put_tile(r, row, "");
    }
    ph_put(r, "</div>");
    free(code);
    free(row);
    return status;
}

const ph_section ph_section_filters = { "filters", "Filters", has_filters, write_filters };
const ph_section ph_section_samples = { "samples", "Samples", has_samples, write_samples };
