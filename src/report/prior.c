/* prior.c - the prior that codes should follow: contours of it on the map, rows decoded from draws, and each
 * class with the same styles.
 */
#include "report/report.h"
#include "base/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 100000, GRID = 64, RADIUS = 4, SAMPLES = 48, STYLES = 8, MOST_LABELS = 30 };
enum { TABLE_BYTES = 400 << 10 };

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the report's prior");
}

/* Codes to decode, of *width numbers each, the last of which are the style; NULL without memory. labels: the
 * class of each, or NULL. */
static real *draw(const ph_page *shown, const uint32_t *labels, size_t count, size_t *width,
                  ph_status *status)
{
    size_t out;
    real *codes = NULL;
    const char *from = ph_model_has_prior(shown->model) ? "prior"
                       : ph_model_mixture(shown->model) ? "mixture" : "normal";
    *status = ph_model_port(shown->model, "decode", width, &out);
    if (*status == PH_OK)
        codes = malloc(count * *width * sizeof *codes);
    if (*status == PH_OK)
        *status = codes ? ph_model_draw_codes(shown->model, &(ph_draws){ .from = from, .labels = labels }, 0,
                                              count, codes)
                        : out_of_memory();
    return codes;
}

/* ---- Contours -------------------------------------------------------------------------------------- */

/* Draws in each cell, smoothed by a Gaussian of one and a half cells. */
static void smooth(const double *count, double *density)
{
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++) {
            density[y * GRID + x] = 0;
            for (int j = -RADIUS; j <= RADIUS; j++)
                for (int i = -RADIUS; i <= RADIUS; i++)
                    if (x + i >= 0 && x + i < GRID && y + j >= 0 && y + j < GRID)
                        density[y * GRID + x] += count[(y + j) * GRID + x + i] *
                                                 exp(-(i * i + j * j) / 4.5) / (4.5 * M_PI);
        }
}

/* The density above which a share of all draws lies. */
static double level_of(const double *density, double share)
{
    double sorted[GRID * GRID], sum = 0;
    memcpy(sorted, density, sizeof sorted);
    ph_sort_numbers(sorted, GRID * GRID);
    for (int i = GRID * GRID - 1; i >= 0; i--)
        if ((sum += sorted[i]) >= share * DRAWS)
            return sorted[i];
    return 0;
}

/* Where the level is crossed within each square of four cell centres (marching squares). */
static void put_contour(ph_page *r, const ph_plot *p, const double *density, double level)
{
    static const int corner[4][2] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 } };
    double dx = (p->x.high - p->x.low) / GRID, dy = (p->y.high - p->y.low) / GRID;
    ph_put(r, "<path fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".4\" d=\"");
    for (int y = 0; y + 1 < GRID; y++)
        for (int x = 0; x + 1 < GRID; x++) {
            int crossings = 0;
            for (int e = 0; e < 4; e++) {
                const int *a = corner[e], *b = corner[(e + 1) % 4];
                double at = density[(y + a[1]) * GRID + x + a[0]] - level;
                double to = density[(y + b[1]) * GRID + x + b[0]] - level;
                if ((at > 0) == (to > 0))
                    continue;
                double t = at / (at - to);
                ph_put(r, "%s%.1f %.1f", crossings++ % 2 ? "L" : "M",
                       ph_plot_x(p, p->x.low + (x + 0.5 + a[0] + t * (b[0] - a[0])) * dx),
                       ph_plot_y(p, p->y.low + (y + 0.5 + a[1] + t * (b[1] - a[1])) * dy));
            }
        }
    ph_put(r, "\"/>");
}

bool ph_page_has_contours(const ph_page *shown)
{
    const ph_model *m = shown->model;
    return ph_model_export(m, "prior") && ph_model_export(m, "decode") && shown->map.code == 2 &&
           shown->classes == 0;
}

ph_status ph_put_contours(ph_page *r, const ph_page *shown, const ph_plot *p)
{
    size_t width;
    ph_status status;
    real *codes = draw(shown, NULL, DRAWS, &width, &status);
    double *count = calloc(GRID * GRID, sizeof *count), *density = calloc(GRID * GRID, sizeof *density);
    if (status == PH_OK && (count == NULL || density == NULL))
        status = out_of_memory();
    for (size_t i = 0; i < DRAWS && status == PH_OK; i++) {
        const real *z = codes + i * width + width - 2;
        double x = ((double)z[0] - p->x.low) / (p->x.high - p->x.low) * GRID;
        double y = ((double)z[1] - p->y.low) / (p->y.high - p->y.low) * GRID;
        if (x >= 0 && x < GRID && y >= 0 && y < GRID)
            count[(int)y * GRID + (int)x]++;
    }
    if (status == PH_OK) {
        smooth(count, density);
        for (double share = 0.5; share < 1; share += 0.4) {
            double level = level_of(density, share);
            if (level > 0)
                put_contour(r, p, density, level);
        }
    }
    free(codes);
    free(count);
    free(density);
    return status;
}

/* So many deviations of the prior about its mean, to two digits. */
ph_status ph_page_prior_range(const ph_page *shown, double deviations, double *low, double *high)
{
    size_t width;
    ph_status status;
    real *codes = draw(shown, NULL, DRAWS, &width, &status);
    for (size_t a = 0; a < 2 && status == PH_OK; a++) {
        double mean = 0, square = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            double z = (double)codes[i * width + width - 2 + a];
            mean += z / DRAWS;
            square += z * z / DRAWS;
        }
        double reach = deviations * sqrt(fmax(square - mean * mean, 1e-12));
        double digit = pow(10, floor(log10(reach)) - 1);
        mean = fabs(mean) < 0.05 * reach ? 0 : mean;
        low[a] = round((mean - reach) / digit) * digit;
        high[a] = round((mean + reach) / digit) * digit;
    }
    free(codes);
    return status;
}

/* ---- Rows from draws --------------------------------------------------------------------------------- */

static bool has_samples(const ph_page *r)
{
    const ph_named *decode = ph_model_export(r->model, "decode");
    bool decodes = decode && ph_shape_size(&decode->value->shape) == r->info.width;
    bool drawn = r->variables || ph_model_has_prior(r->model) || ph_model_mixture(r->model);
    return r->picture && decodes && drawn;
}

static const char *name_of_prior(const ph_page *r)
{
    return r->classes                           ? "the prior, all classes equally likely"
           : ph_model_says_words(r->model)      ? "the prior over words, one word after the other"
           : ph_model_export(r->model, "prior") ? "the prior"
           : ph_model_has_prior(r->model)       ? "the prior, a standard normal distribution"
                                                : "a Gaussian mixture that was fitted to codes";
}

static ph_status write_samples(ph_page *r)
{
    size_t width;
    ph_status status;
    real *codes = draw(r, NULL, SAMPLES, &width, &status), *row = malloc(r->info.width * sizeof *row);
    if (status == PH_OK && row == NULL)
        status = out_of_memory();
    ph_put(r, "<p>Decoded from codes drawn from %s; the draw is always the same.</p>"
              "<div class=\"tiles\" role=\"img\" aria-label=\"%d samples\">", name_of_prior(r), SAMPLES);
    for (size_t i = 0; i < SAMPLES && status == PH_OK; i++) {
        status = ph_model_apply(r->model, "decode", codes + i * width, 1, row);
        if (status == PH_OK)
            status = ph_put_tile(r, row, "");
    }
    ph_put(r, "</div>");
    free(codes);
    free(row);
    return status;
}

/* The same styles of one class, decoded into its column of the table. */
static ph_status decode_column(ph_page *r, uint32_t label, size_t columns, real *tiles)
{
    uint32_t labels[STYLES];
    size_t width;
    ph_status status;
    for (size_t i = 0; i < STYLES; i++)
        labels[i] = label;
    real *codes = draw(r, labels, STYLES, &width, &status);
    for (size_t i = 0; i < STYLES && status == PH_OK; i++)
        status = ph_model_apply(r->model, "decode", codes + i * width, 1,
                                tiles + (i * columns + label) * r->info.width);
    free(codes);
    return status;
}

/* A line for each style, or for the same random numbers, by which words are drawn; a column for each class or
 * cluster. */
static ph_status write_table(ph_page *r, size_t labels)
{
    size_t shown = labels < MOST_LABELS ? labels : MOST_LABELS;
    real *tiles = malloc(STYLES * shown * r->info.width * sizeof *tiles);
    ph_status status = tiles ? PH_OK : out_of_memory();
    for (size_t c = 0; c < shown && status == PH_OK; c++)
        status = decode_column(r, (uint32_t)c, shown, tiles);
    bool clusters = ph_model_export(r->model, "cluster") != NULL, says = ph_model_says_words(r->model);
    ph_put(r, "<figure class=\"card styles\"><figcaption>Each line has %s, each column one %s",
           says ? "words drawn by the same random numbers" : "one style", clusters ? "cluster" : "class");
    if (shown < labels)
        ph_put(r, "; the first %zu of %zu", shown, labels);
    ph_put(r, "</figcaption><div style=\"--columns:%zu\">", shown);
    for (size_t c = 0; c < shown; c++) {
        ph_put(r, "<b>");
        ph_put_kind(r, c);
        ph_put(r, "</b>");
    }
    ph_put(r, "<img alt=\"%d %s in %zu %s\" src=\"", STYLES, says ? "draws" : "styles", shown,
           clusters ? "clusters" : "classes");
    if (status == PH_OK)
        status = ph_put_image(r, &(ph_grid){ .tiles = tiles, .rows = STYLES, .columns = shown,
                                             .height = r->height, .width = r->width,
                                             .channels = r->channels, .white = r->info.white },
                              TABLE_BYTES);
    ph_put(r, "\"></div></figure>");
    free(tiles);
    return status;
}

static ph_status write(ph_page *r)
{
    size_t labels = ph_model_labels(r->model);
    if (labels)
        PH_TRY(write_table(r, labels));
    return write_samples(r);
}

const ph_section ph_section_samples = { "samples", "Samples", has_samples, write };
