/* scaling.c - fitting and applying the scaling of rows. */
#include "data/scaling.h"

#include "base/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ph_scaling_free(ph_scaling *s)
{
    free(s->shift);
    free(s->scale);
    s->shift = s->scale = NULL;
}

/* What one pass over the set tells of each column. */
typedef struct survey {
    double *low, *high, *mean, *square;
} survey;

static ph_status take_survey(const ph_data *d, survey *c)
{
    size_t w = d->width;
    c->low = calloc(4 * w, sizeof(double));
    real *row = malloc(w * sizeof *row);
    ph_status status = c->low && row ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    if (status == PH_OK) {
        c->high = c->low + w;
        c->mean = c->low + 2 * w;
        c->square = c->low + 3 * w;
    }
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        status = ph_data_read(d, &r, 1, row);
        for (size_t i = 0; i < w && status == PH_OK; i++) {
            double x = (double)row[i], delta = x - c->mean[i];
            if (!isfinite(x))
                status = ph_fail(PH_DATA, "%s: row %zu, column %zu: the value is %s", d->name, r + 1,
                                 i + 1, isnan(x) ? "NaN" : "infinite");
            c->low[i] = r == 0 || x < c->low[i] ? x : c->low[i];
            c->high[i] = r == 0 || x > c->high[i] ? x : c->high[i];
            c->mean[i] += delta / (double)(r + 1); /* Welford (1962) */
            c->square[i] += delta * (x - c->mean[i]);
        }
    }
    free(row);
    return status;
}

static const char *choose(const ph_data *d, const survey *c)
{
    if (d->element == PH_U1)
        return "bytes";
    for (size_t i = 0; i < d->width; i++)
        if (c->low[i] < 0 || c->high[i] > 1)
            return "standardise";
    return "none";
}

ph_status ph_scaling_fit(ph_scaling *s, const char *kind, const ph_data *d)
{
    survey c = { 0 };
    /* Bytes have a known range and no NaN: they need no pass. */
    bool bytes = d->element == PH_U1 && (strcmp(kind, "auto") == 0 || strcmp(kind, "bytes") == 0 ||
                                         strcmp(kind, "none") == 0);
    ph_status status = bytes ? PH_OK : take_survey(d, &c);
    if (status == PH_OK && strcmp(kind, "auto") == 0)
        kind = choose(d, &c);
    bool each = strcmp(kind, "minmax") == 0 || strcmp(kind, "standardise") == 0;
    *s = (ph_scaling){ .width = each ? d->width : 1 };
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    s->shift = calloc(s->width, sizeof *s->shift);
    s->scale = calloc(s->width, sizeof *s->scale);
    if (status == PH_OK && (s->shift == NULL || s->scale == NULL))
        status = ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t i = 0; i < s->width && status == PH_OK; i++) {
        double shift = 0, spread = 1;
        if (strcmp(kind, "bytes") == 0)
            spread = 255;
        if (strcmp(kind, "minmax") == 0) {
            shift = c.low[i];
            spread = c.high[i] - c.low[i];
        }
        if (strcmp(kind, "standardise") == 0) {
            shift = c.mean[i];
            spread = sqrt(c.square[i] / (double)d->rows);
        }
        s->shift[i] = (real)shift;
        s->scale[i] = (real)(spread > 0 ? 1 / spread : 1);
    }
    free(c.low);
    if (status != PH_OK)
        ph_scaling_free(s);
    return status;
}

PH_KERNEL static void apply_one(real *x, size_t n, real shift, real scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - shift) * scale;
}

PH_KERNEL static void apply_each(real *x, size_t n, const real *shift, const real *scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - shift[i]) * scale[i];
}

void ph_scaling_apply_to(const ph_scaling *s, real *rows, size_t n, size_t columns)
{
    if (s->width == 1 && s->shift[0] == 0 && s->scale[0] == 1)
        return;
    for (size_t r = 0; r < n; r++, rows += columns)
        if (s->width == 1)
            apply_one(rows, columns, s->shift[0], s->scale[0]);
        else
            apply_each(rows, columns, s->shift, s->scale);
}

void ph_scaling_undo_to(const ph_scaling *s, real *rows, size_t n, size_t columns)
{
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < columns; c++, rows++) {
            size_t i = s->width == 1 ? 0 : c;
            *rows = *rows / s->scale[i] + s->shift[i];
        }
}
