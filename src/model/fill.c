/* fill.c - rows with holes, which a model fills by what is seen around them. */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ph_holes {
    ph_model *model;
    const ph_data *data, *mask;
    ph_function *fill;
    double half;               /* of the mask's largest number */
    size_t width;
    real *x, *seen;            /* of a block: rows in the model's scale, zeros and ones */
};

static ph_status check(ph_holes *h)
{
    double low, high;
    PH_TRY(ph_model_check_data(h->model, "reconstruct", h->data));
    PH_TRY(ph_model_check_data(h->model, "reconstruct", h->mask));
    if (h->mask->rows != 1 && h->mask->rows != h->data->rows)
        return ph_fail(PH_USAGE, "%s: a mask has one row for all, or one for each of the %zu of %s, not "
                       "%zu", h->mask->name, h->data->rows, h->data->name, h->mask->rows);
    PH_TRY(ph_data_range(h->mask, &low, &high));
    h->half = high / 2;
    if (!(high > 0))
        return ph_fail(PH_USAGE, "%s: all of it is a hole, and nothing is seen that could tell what is in it",
                       h->mask->name);
    if (low > h->half)
        return ph_fail(PH_USAGE, "%s: no hole in it; one is where a number is not above half of the "
                       "largest", h->mask->name);
    return PH_OK;
}

static ph_status begin(ph_holes *h)
{
    h->fill = ph_model_function(h->model, "fill");
    if (h->fill == NULL)
        return ph_last_status();
    PH_TRY(check(h));
    h->width = ph_shape_size(&h->model->row);
    h->x = malloc(PH_USE_ROWS * h->width * sizeof *h->x);
    h->seen = malloc(PH_USE_ROWS * h->width * sizeof *h->seen);
    return h->x && h->seen ? PH_OK : ph_fail(PH_MEMORY, "out of memory for rows with holes");
}

ph_holes *ph_holes_new(ph_model *m, const ph_data *data, const ph_data *mask)
{
    ph_holes *h = calloc(1, sizeof *h);
    if (h == NULL) {
        ph_fail(PH_MEMORY, "out of memory for holes");
        return NULL;
    }
    *h = (ph_holes){ .model = m, .data = data, .mask = mask };
    if (begin(h) == PH_OK)
        return h;
    ph_holes_free(h);
    return NULL;
}

void ph_holes_free(ph_holes *h)
{
    if (h == NULL)
        return;
    free(h->x);
    free(h->seen);
    free(h);
}

static ph_status read_seen(ph_holes *h, size_t first, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        size_t row = h->mask->rows == 1 ? 0 : first + r;
        real *seen = h->seen + r * h->width;
        PH_TRY(ph_data_read(h->mask, &row, 1, seen));
        for (size_t c = 0; c < h->width; c++)
            seen[c] = (double)seen[c] > h->half;
    }
    return PH_OK;
}

/* Up to *count rows from row `first` on, in the model's scale; *filled is the program's own. */
static ph_status block(ph_holes *h, size_t first, size_t *count, const real **filled)
{
    ph_model *m = h->model;
    size_t w = h->width, n = *count = ph_use_rows(h->fill->program, *count);
    PH_TRY(read_seen(h, first, n));
    PH_TRY(ph_fetch_range(h->data, &m->scaling, first, n, h->x));
    PH_TRY(ph_model_scratch(m, 2 * w));
    for (size_t r = 0; r < n; r++) {
        memcpy(m->rows_in + 2 * r * w, h->x + r * w, w * sizeof *h->x);
        memcpy(m->rows_in + (2 * r + 1) * w, h->seen + r * w, w * sizeof *h->x);
    }
    ph_program *p = h->fill->program;
    PH_TRY(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, n }, (const void *[]){ m->rows_in }));
    *filled = ph_program_output(p, 0);
    return PH_OK;
}

/* What is seen comes back to the bit, which scaling there and back would not do. */
static ph_status keep_seen(const ph_holes *h, size_t first, size_t count, ph_real *filled)
{
    for (size_t r = 0; r < count; r++) {
        size_t row = first + r;
        real *own = h->x; /* not needed any more */
        PH_TRY(ph_data_read(h->data, &row, 1, own));
        for (size_t c = 0; c < h->width; c++)
            if (h->seen[r * h->width + c] != 0 && isfinite(own[c]))
                filled[r * h->width + c] = own[c];
    }
    return PH_OK;
}

ph_status ph_holes_fill(ph_holes *h, size_t first, size_t count, ph_real *seen, ph_real *filled)
{
    for (size_t done = 0, n; done < count; done += n) {
        const real *y;
        size_t at = done * h->width;
        n = count - done;
        PH_TRY(block(h, first + done, &n, &y));
        memcpy(filled + at, y, n * h->width * sizeof *filled);
        ph_scaling_undo_to(&h->model->scaling, filled + at, n, h->width);
        PH_TRY(keep_seen(h, first + done, n, filled + at));
        if (seen)
            memcpy(seen + at, h->seen, n * h->width * sizeof *seen);
    }
    return PH_OK;
}

ph_status ph_holes_measure(ph_holes *h, ph_figures *figures)
{
    double squares = 0, holes = 0, exact = 0, rows = (double)h->data->rows;
    for (size_t first = 0, n; first < h->data->rows; first += n) {
        const real *y;
        n = h->data->rows - first;
        PH_TRY(block(h, first, &n, &y));
        for (size_t i = 0; i < n * h->width; i++)
            if (h->seen[i] == 0) {
                double off = (double)y[i] - (double)h->x[i];
                squares += off * off;
                exact += off * off < 1e-12;
                holes++;
            }
    }
    ph_figure_add(figures, "hole_share", "share of the rows' numbers that are holes",
                  holes / rows / (double)h->width);
    ph_figure_add(figures, "masked_mse", "mean over the holes, against what stands there, in the "
                  "model's input scale", squares / holes);
    if (h->data->bytes)
        ph_figure_add(figures, "holes_exact", "share of the holes that what stands there is filled in",
                      exact / holes);
    return PH_OK;
}
