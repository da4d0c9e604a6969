/* scaling.c - fitting and applying the scaling of rows. */
#include "data/scaling.h"

#include "base/kernel.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WHAT = 160 };           /* room for what is wrong with a value */

static real zero = 0, one = 1;
const ph_scaling ph_scaling_none = { .kind = "none", .width = 1, .shift = &zero, .scale = &one };

static real *copy(const real *from, size_t count)
{
    real *to = malloc(count * sizeof *to);
    return to ? memcpy(to, from, count * sizeof *to) : NULL;
}

ph_status ph_scaling_copy(ph_scaling *s, const ph_scaling *from)
{
    *s = *from;
    s->shift = copy(from->shift, from->width);
    s->scale = copy(from->scale, from->width);
    s->fill = from->fill ? copy(from->fill, from->columns) : NULL;
    if (s->shift && s->scale && (s->fill || from->fill == NULL))
        return PH_OK;
    ph_scaling_free(s);
    return ph_fail(PH_MEMORY, "out of memory for the scaling of rows");
}

void ph_scaling_free(ph_scaling *s)
{
    free(s->shift);
    free(s->scale);
    free(s->fill);
    s->shift = s->scale = s->fill = NULL;
}

/* A value that stands in the way: which one, in the words of its set. */
static ph_status refuse(const ph_data *d, size_t row, size_t column, const char *what)
{
    char where[160], id[96] = "";
    const char *name = ph_data_column(d, column), *own = ph_data_id(d, row);
    bool table = d->windows && d->windows->table;
    size_t columns = ph_data_scales(d), own_column = (table ? column % columns : column) + 1;
    if (name)
        snprintf(where, sizeof where, "column %zu ('%.100s')", own_column, name);
    else
        snprintf(where, sizeof where, "column %zu", own_column);
    if (own)
        snprintf(id, sizeof id, " ('%.80s')", own);
    if (table)
        return ph_fail(PH_DATA, "%s: row %zu%s, its line %zu, %s: the value is %s", d->name, row + 1, id,
                       column / columns + 1, where, what);
    return ph_fail(PH_DATA, "%s: row %zu%s, %s: the value is %s", d->name, row + 1, id, where, what);
}

static const char *not_finite(real value, const char *gaps, char what[WHAT])
{
    snprintf(what, WHAT, "missing (NaN)%s%s", gaps ? "; " : "", gaps ? gaps : "");
    return isnan(value) ? what : "infinite";
}

const char ph_gaps_take_means[] = "a model trained with --missing mean takes the column's mean";

/* Finds the first value that cannot be used, now that it is known that there is one. */
static ph_status refuse_first(const ph_data *d, bool nan_too)
{
    char what[WHAT];
    real *row = malloc(d->width * sizeof *row);
    ph_status status = row ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        status = ph_data_read(d, &r, 1, row);
        for (size_t c = 0; c < d->width && status == PH_OK; c++)
            if (isinf(row[c]) || (nan_too && isnan(row[c])))
                status = refuse(d, r, c, not_finite(row[c], ph_gaps_take_means, what));
    }
    free(row);
    return status;
}

static const char *choose(const ph_data *d, const ph_column *c)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < d->width; i++) {
        low = c[i].min < low ? c[i].min : low;
        high = c[i].max > high ? c[i].max : high;
    }
    /* Bytes that use all their range are pictures that somebody has made flat. */
    if (d->element == PH_U1 && low == 0 && high == 255)
        return "bytes";
    return low < 0 || high > 1 ? "standardise" : "none";
}

static ph_status fill_means(ph_scaling *s, const ph_data *d, const ph_column *c)
{
    s->columns = ph_data_scales(d);
    s->fill = malloc(s->columns * sizeof *s->fill);
    if (s->fill == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t i = 0; i < s->columns; i++) {
        const char *name = ph_data_column(d, i);
        if (c && isnan(c[i].mean))
            return ph_fail(PH_DATA, "%s: column %zu%s%s%s holds no value at all: leave it out with "
                           "--drop-columns", d->name, i + 1, name ? " ('" : "", name ? name : "",
                           name ? "')" : "");
        s->fill[i] = (real)(c ? c[i].mean : 0);
    }
    return PH_OK;
}

static ph_status set_columns(ph_scaling *s, const ph_data *d, const ph_column *c)
{
    bool center = strcmp(s->kind, "center") == 0;
    bool each = center || strcmp(s->kind, "minmax") == 0 || strcmp(s->kind, "standardise") == 0;
    s->width = each ? ph_data_scales(d) : 1;
    s->shift = calloc(s->width, sizeof *s->shift);
    s->scale = calloc(s->width, sizeof *s->scale);
    if (s->shift == NULL || s->scale == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t i = 0; i < s->width; i++) {
        double shift = 0, spread = 1;
        if (strcmp(s->kind, "bytes") == 0)
            spread = ph_data_white(d) > 0 ? ph_data_white(d) : 255;
        if (center) {
            shift = c[i].mean;
            spread = ph_data_white(d) > 0 ? ph_data_white(d) : 1;
        }
        if (strcmp(s->kind, "minmax") == 0) {
            shift = c[i].min;
            spread = c[i].max - c[i].min;
        }
        if (strcmp(s->kind, "standardise") == 0) {
            shift = c[i].mean;
            spread = c[i].deviation;
        }
        s->shift[i] = (real)shift;
        s->scale[i] = (real)(spread > 0 ? 1 / spread : 1);
    }
    return PH_OK;
}

ph_status ph_scaling_fit(ph_scaling *s, const char *kind, const char *missing, const ph_data *d)
{
    ph_column *c = NULL;
    size_t nan = 0, infinite = 0;
    /* Bytes have a known range and no NaN: they need no pass. */
    bool known = ph_data_white(d) > 0 && strcmp(kind, "minmax") != 0 &&
                 strcmp(kind, "standardise") != 0 && strcmp(kind, "center") != 0;
    ph_status status = PH_OK;
    *s = (ph_scaling){ 0 };
    if (!known) {
        c = malloc(d->width * sizeof *c);
        status = c ? ph_data_survey(d, c) : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    }
    for (size_t i = 0; c && i < d->width && status == PH_OK; i++) {
        nan += c[i].missing;
        infinite += c[i].infinite;
    }
    bool fill = strcmp(missing, "mean") == 0;
    if (infinite || (nan && !fill))
        status = refuse_first(d, !fill);
    if (status == PH_OK && strcmp(kind, "auto") == 0)
        kind = known ? "bytes" : choose(d, c);
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    if (status == PH_OK && fill)
        status = fill_means(s, d, c);
    if (status == PH_OK)
        status = set_columns(s, d, c);
    free(c);
    if (status != PH_OK)
        ph_scaling_free(s);
    return status;
}

PH_KERNEL static void apply_one(real *x, size_t n, real shift, real scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (x[i] - shift) * scale;
}

PH_KERNEL static void apply_each(real *x, size_t n, size_t width, const real *shift, const real *scale)
{
    for (size_t first = 0; first < n; first += width)
        for (size_t i = 0; i < width; i++)
            x[first + i] = (x[first + i] - shift[i]) * scale[i];
}

/* 0 exactly where all are finite: the exponent of NaN and infinity makes x - x NaN. */
PH_KERNEL static real check(const real *x, size_t n)
{
    real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] - x[i] == 0 ? 0 : 1;
    return sum;
}

static void scale_row(const ph_scaling *s, real *row, size_t columns)
{
    if (s->width > 1)
        apply_each(row, columns, s->width, s->shift, s->scale);
    else if (s->shift[0] != 0 || s->scale[0] != 1)
        apply_one(row, columns, s->shift[0], s->scale[0]);
}

/* Fills what is missing; SIZE_MAX, or the first column whose value is no use. */
static size_t settle_row(const ph_scaling *s, real *row, size_t columns)
{
    if (check(row, columns) == 0)
        return SIZE_MAX;
    for (size_t c = 0; c < columns; c++) {
        if (isnan(row[c]) && s->fill)
            row[c] = s->fill[c % s->columns];
        if (!isfinite(row[c]))
            return c;
    }
    return SIZE_MAX;
}

/* The first value that is not one of the words that rows are of, and what it is; SIZE_MAX: all are. */
static size_t not_a_word(const ph_scaling *s, const real *row, size_t columns, char what[WHAT])
{
    for (size_t c = 0; c < columns && s->words; c++) {
        double value = (double)row[c];
        if (value >= 0 && value < (double)s->words && value == floor(value))
            continue;
        snprintf(what, WHAT, "%.9g, but the words of embed are 0 to %zu", value, s->words - 1);
        return c;
    }
    return SIZE_MAX;
}

ph_status ph_scaling_check_words(const ph_scaling *s, size_t first, const real *rows, size_t n, size_t columns)
{
    char what[WHAT];
    for (size_t r = 0; r < n; r++) {
        size_t bad = not_a_word(s, rows + r * columns, columns, what);
        if (bad != SIZE_MAX)
            return ph_fail(PH_DATA, "the rows given: row %zu, column %zu: the value is %s", first + r + 1, bad + 1,
                           what);
    }
    return PH_OK;
}

ph_status ph_scaling_apply(const ph_scaling *s, const ph_data *d, size_t row, real *values)
{
    bool whole = d->element < PH_F2;
    size_t bad = whole ? SIZE_MAX : settle_row(s, values, d->width);
    char what[WHAT];
    if (bad != SIZE_MAX)
        return refuse(d, row, bad, not_finite(values[bad], s->gaps, what));
    if ((bad = not_a_word(s, values, d->width, what)) != SIZE_MAX)
        return refuse(d, row, bad, what);
    scale_row(s, values, d->width);
    return PH_OK;
}

ph_status ph_scaling_apply_to(const ph_scaling *s, size_t first, real *rows, size_t n,
                              size_t columns)
{
    for (size_t r = 0; r < n; r++, rows += columns) {
        size_t bad = settle_row(s, rows, columns);
        if (bad != SIZE_MAX)
            return ph_fail(PH_DATA, "the rows given: row %zu, column %zu: the value is %s",
                           first + r + 1, bad + 1, isnan(rows[bad]) ? "missing (NaN)" : "infinite");
        scale_row(s, rows, columns);
    }
    return PH_OK;
}

/* What was a byte is one again: there and back, rounding takes some of them beside their whole number. */
static void settle_whole(real *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double whole = rint((double)x[i]), off = fabs((double)x[i] - whole);
        if (off <= 2 * (sizeof(real) == 8 ? DBL_EPSILON : (double)FLT_EPSILON) * fabs(whole))
            x[i] = (real)whole;
    }
}

void ph_scaling_undo_to(const ph_scaling *s, real *rows, size_t n, size_t columns)
{
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < columns; c++) {
            size_t i = c % s->width;
            rows[r * columns + c] = rows[r * columns + c] / s->scale[i] + s->shift[i];
        }
    if (strcmp(s->kind, "bytes") == 0)
        settle_whole(rows, n * columns);
}
