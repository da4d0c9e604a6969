/* survey.c - what one pass over a set tells of its columns. */
#include "data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of windows are places of the same sounds, pictures or series, wherever a window happens to begin:
 * they have one mean, deviation and range; those of a series for each of its columns, which are `apart`. Only
 * what is missing is counted place by place. */
static void pool(ph_column *c, size_t width, size_t apart, size_t rows)
{
    ph_column all = { .min = INFINITY, .max = -INFINITY };
    double count = 0, squares = 0;
    for (size_t i = 0; i < width; i += apart) {
        double own = (double)(rows - c[i].missing - c[i].infinite);
        if (own == 0)
            continue;
        double delta = c[i].mean - all.mean; /* Chan, Golub and LeVeque (1979) */
        all.mean += delta * own / (count + own);
        squares += own * c[i].deviation * c[i].deviation + delta * delta * count * own / (count + own);
        count += own;
        all.min = c[i].min < all.min ? c[i].min : all.min;
        all.max = c[i].max > all.max ? c[i].max : all.max;
    }
    for (size_t i = 0; i < width && count > 0; i += apart) {
        c[i].mean = all.mean;
        c[i].deviation = sqrt(squares / count);
        c[i].min = all.min;
        c[i].max = all.max;
    }
}

ph_status ph_data_survey(const ph_data *d, ph_column *column)
{
    size_t w = d->width;
    real *row = malloc(w * sizeof *row);
    if (row == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    ph_status status = PH_OK;
    for (size_t c = 0; c < w; c++)
        column[c] = (ph_column){ .min = INFINITY, .max = -INFINITY };
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        double share = 1 / (double)(r + 1);
        status = ph_data_read(d, &r, 1, row);
        for (size_t c = 0; c < w && status == PH_OK; c++) {
            ph_column *at = &column[c];
            double x = (double)row[c];
            if (!isfinite(x)) {
                at->missing += isnan(x);
                at->infinite += !isnan(x);
                continue;
            }
            /* Welford (1962); the variance is the sum of squares until the end. */
            size_t before = at->missing + at->infinite;
            double delta = x - at->mean;
            at->mean += before ? delta / (double)(r + 1 - before) : delta * share;
            at->deviation += delta * (x - at->mean);
            at->min = x < at->min ? x : at->min;
            at->max = x > at->max ? x : at->max;
        }
    }
    for (size_t c = 0; c < w; c++) {
        size_t count = d->rows - column[c].missing - column[c].infinite;
        column[c].deviation = count ? sqrt(column[c].deviation / (double)count) : NAN;
        column[c].mean = count ? column[c].mean : NAN;
        column[c].min = count ? column[c].min : NAN;
        column[c].max = count ? column[c].max : NAN;
    }
    size_t apart = ph_data_scales(d);
    for (size_t c = 0; c < apart && d->windows; c++)
        pool(column + c, w - c, apart, d->rows);
    free(row);
    return status;
}

ph_status ph_data_range(const ph_data *d, double *min, double *max)
{
    ph_column *column = malloc(d->width * sizeof *column);
    ph_status status = column ? ph_data_survey(d, column)
                              : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    *min = INFINITY;
    *max = -INFINITY;
    for (size_t c = 0; c < d->width && status == PH_OK; c++) {
        *min = column[c].min < *min ? column[c].min : *min;
        *max = column[c].max > *max ? column[c].max : *max;
    }
    free(column);
    return status;
}

ph_status ph_data_entropy(const ph_data *d, double *bits)
{
    size_t count[256] = { 0 };
    if (d->element != PH_U1)
        return ph_fail(PH_USAGE, "%s: its numbers are %s, and not bytes", d->name, ph_element_name(d->element));
    real *row = malloc(d->width * sizeof *row);
    ph_status status = row ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        status = ph_data_read(d, &r, 1, row);
        for (size_t c = 0; c < d->width && status == PH_OK; c++)
            count[(uint8_t)row[c]]++;
    }
    free(row);
    *bits = 0;
    for (int i = 0; i < 256; i++) {
        double share = (double)count[i] / ((double)d->rows * (double)d->width);
        *bits -= share > 0 ? share * log2(share) : 0;
    }
    return status;
}
