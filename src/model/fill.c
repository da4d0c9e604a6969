/* fill.c - rows with holes, which a model fills by what is seen around them. Holes are where a mask has them, and
 * where the data have nothing: what is missing there is never seen, and counts in no error. */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ph_holes {
    ph_model *model;
    const ph_data *data, *mask; /* mask NULL: what is missing is all that there is to fill */
    ph_function *fill;
    double half;               /* of the mask's largest number */
    size_t width;
    real *own, *x, *seen;      /* of a block: rows as they are and in the model's scale, zeros and ones */
};

/* ---- The mask ------------------------------------------------------------------------------------ */

/* A mask of pictures may be gray: a pixel is seen in all its channels, or in none. */
static bool is_gray_of(const ph_data *mask, const ph_shape *row)
{
    bool one = mask->rank == 2 || (mask->rank == 3 && mask->shape[2] == 1);
    return row->rank == 3 && one && mask->shape[0] == row->dim[0] && mask->shape[1] == row->dim[1];
}

/* An array may be the mask of one row, without a number of rows before its shape. */
static void take_single(const ph_model *m, ph_data *mask)
{
    const size_t *d = m->row.dim;
    ph_data_as_row(mask, m->row.rank, d);
    if (m->row.rank == 3) {
        ph_data_as_row(mask, 2, d);
        ph_data_as_row(mask, 3, (size_t[]){ d[0], d[1], 1 });
    }
}

static ph_status check_shape(const ph_model *m, const ph_data *mask)
{
    if (is_gray_of(mask, &m->row) || ph_model_check_data(m, "reconstruct", mask) == PH_OK)
        return PH_OK;
    if (strcmp(mask->format, "pictures") == 0 && (m->table || !ph_model_is_picture(m)))
        return ph_fail(PH_USAGE, "%s: a picture, but the model's rows are not pictures; their mask is a file of "
                       "their kind, or an array", mask->name);
    return ph_last_status();
}

static ph_status check_fills(const ph_model *m)
{
    return ph_model_export(m, "fill") ? PH_OK : ph_fail(PH_USAGE, "a model of family %s has no 'fill': holes are "
                                                        "filled by mae", m->family->face.name);
}

static bool same_size(const size_t a[2], const size_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

/* Pictures are brought to a size by cropping, padding or stretching: a mask goes the same way only where it has the
 * size that they had, unless it has the one that they are brought to. */
static ph_status check_size(const ph_data *data, const ph_data *mask)
{
    const size_t *own = mask->own;
    size_t lines = 0, columns = 0;
    if (*mask->size == '\0' || sscanf(mask->size, "%zux%zu", &columns, &lines) != 2)
        return PH_OK;
    if (same_size(own, (size_t[]){ lines, columns }) || (own[0] && same_size(own, data->own)))
        return PH_OK;
    if (own[0] == 0)
        return ph_fail(PH_USAGE, "%s: masks of different sizes; they are to be %s, as the rows of %s", mask->name,
                       mask->size, data->name);
    return ph_fail(PH_USAGE, "%s: %zux%zu pixels, but holes are to be drawn in %s, as the rows of %s have, or in the "
                   "size that its pictures had", mask->name, own[1], own[0], mask->size, data->name);
}

ph_data *ph_holes_open_mask(const ph_model *m, const ph_data *data, const char *spec)
{
    ph_data_info info;
    if (check_fills(m) != PH_OK)
        return NULL;
    ph_data_describe(data, &info);
    ph_data *mask = ph_model_open_rows(m, spec, &(ph_data_desc){
        .size = *data->size ? data->size : "own", .fit = *data->fit ? data->fit : NULL,
        .window = *info.window ? info.window : NULL, .hop = *info.hop ? info.hop : NULL, .row = data->width,
        .window_of = data->windows && data->windows->picture ? "other" : NULL });
    if (mask == NULL)
        return NULL;
    take_single(m, mask);
    if (check_shape(m, mask) == PH_OK && check_size(data, mask) == PH_OK)
        return mask;
    ph_data_close(mask);
    return NULL;
}

/* The row of the mask for a row of data: the only one, its own, or, where both are windows, and those of the mask of
 * one piece alone, the window at the same place. */
static size_t mask_row(const ph_data *data, const ph_data *mask, size_t row)
{
    size_t place[2], all = row + data->first;
    if (mask->rows == 1 || mask->rows == data->rows)
        return mask->rows == 1 ? 0 : row;
    return all - data->windows->piece[ph_windows_at(data->windows, all, place)].row;
}

/* Windows of a mask must lie where those of the data do; one that is a window itself is for all of them. */
static ph_status check_windows(const ph_data *data, const ph_data *mask)
{
    ph_excerpt one, other;
    if (!ph_data_excerpt(mask, 0, &other) || (mask->rows == 1 && same_size(other.whole, other.size)))
        return PH_OK;
    for (size_t r = 0; ph_data_excerpt(data, r, &one); r++) {
        size_t row = mask_row(data, mask, r);
        if (row >= mask->rows || !ph_data_excerpt(mask, row, &other) || !same_size(one.whole, other.whole) ||
            !same_size(one.place, other.place))
            return ph_fail(PH_USAGE, "%s: as a mask it is to be of the size that %s has, whose windows have the holes",
                           other.name, one.name);
    }
    return PH_OK;
}

static ph_status check_rows(const ph_data *data, const ph_data *mask)
{
    bool one_piece = data->windows && mask->windows && mask->windows->count == 1;
    if (mask->rows != 1 && mask->rows != data->rows && !one_piece)
        return ph_fail(PH_USAGE, "%s: a mask has one row for all, or one for each of the %zu of %s, not %zu",
                       mask->name, data->rows, data->name, mask->rows);
    return check_windows(data, mask);
}

/* What is no number is neither seen nor a hole. */
static ph_status check_numbers(const ph_data *mask)
{
    ph_status status = PH_OK;
    real *row = malloc(mask->width * sizeof *row);
    if (row == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", mask->name);
    for (size_t r = 0; r < mask->rows && status == PH_OK; r++) {
        status = ph_data_read(mask, &r, 1, row);
        for (size_t c = 0; c < mask->width && status == PH_OK; c++)
            if (!isfinite(row[c]))
                status = ph_fail(PH_USAGE, "%s: row %zu, column %zu: the value is %s, and a mask has 0 for a hole and "
                                 "1 for what is seen", mask->name, r + 1, c + 1,
                                 isnan(row[c]) ? "missing (NaN)" : "infinite");
    }
    free(row);
    return status;
}

static ph_status check_mask(ph_holes *h)
{
    double low, high;
    PH_TRY(check_shape(h->model, h->mask));
    PH_TRY(check_rows(h->data, h->mask));
    PH_TRY(check_numbers(h->mask));
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

/* ---- Rows and holes ------------------------------------------------------------------------------ */

static ph_status begin(ph_holes *h)
{
    PH_TRY(check_fills(h->model));
    h->fill = ph_model_function(h->model, "fill");
    if (h->fill == NULL)
        return ph_last_status();
    PH_TRY(ph_model_check_data(h->model, "reconstruct", h->data));
    if (h->mask)
        PH_TRY(check_mask(h));
    h->width = ph_shape_size(&h->model->row);
    h->own = malloc(PH_USE_ROWS * h->width * sizeof *h->own);
    h->x = malloc(PH_USE_ROWS * h->width * sizeof *h->x);
    h->seen = malloc(PH_USE_ROWS * h->width * sizeof *h->seen);
    return h->own && h->x && h->seen ? PH_OK : ph_fail(PH_MEMORY, "out of memory for rows with holes");
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
    free(h->own);
    free(h->x);
    free(h->seen);
    free(h);
}

/* What the mask shows of a row. A gray one is spread over the channels, from the back so that it may lie there. */
static ph_status read_mask(const ph_holes *h, size_t row, real *seen)
{
    if (h->mask == NULL) {
        for (size_t c = 0; c < h->width; c++)
            seen[c] = 1;
        return PH_OK;
    }
    size_t channels = h->width / h->mask->width;
    row = mask_row(h->data, h->mask, row);
    PH_TRY(ph_data_read(h->mask, &row, 1, seen));
    for (size_t c = h->width; c-- > 0;)
        seen[c] = (double)seen[c / channels] > h->half;
    return PH_OK;
}

/* Sets what is seen of a row, and that in the model's scale: in the place of what is missing stands anything that
 * is a number, since the model is not shown it. */
static ph_status read_row(const ph_holes *h, size_t row, const real *own, real *x, real *seen)
{
    PH_TRY(read_mask(h, row, seen));
    for (size_t c = 0; c < h->width; c++) {
        seen[c] = isnan(own[c]) ? 0 : seen[c];
        x[c] = isnan(own[c]) ? 0 : own[c];
    }
    return ph_scaling_apply(&h->model->scaling, h->data, row, x);
}

/* Up to *count rows from row `first` on, in the model's scale; *filled is the program's own. */
static ph_status block(ph_holes *h, size_t first, size_t *count, const real **filled)
{
    ph_model *m = h->model;
    size_t w = h->width, n = *count = ph_use_rows(h->fill->program, *count);
    PH_TRY(ph_fetch_range(h->data, NULL, first, n, h->own));
    PH_TRY(ph_model_scratch(m, 2 * w));
    for (size_t r = 0; r < n; r++) {
        real *x = h->x + r * w, *seen = h->seen + r * w;
        PH_TRY(read_row(h, first + r, h->own + r * w, x, seen));
        memcpy(m->rows_in + 2 * r * w, x, w * sizeof *x);
        memcpy(m->rows_in + (2 * r + 1) * w, seen, w * sizeof *seen);
    }
    ph_program *p = h->fill->program;
    PH_TRY(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, n }, (const void *[]){ m->rows_in }));
    *filled = ph_program_output(p, 0);
    return PH_OK;
}

/* What is seen comes back to the bit, which scaling there and back would not do. */
ph_status ph_holes_fill(ph_holes *h, size_t first, size_t count, ph_real *seen, ph_real *filled)
{
    for (size_t done = 0, n; done < count; done += n) {
        const real *y;
        size_t at = done * h->width;
        n = count - done;
        PH_TRY(block(h, first + done, &n, &y));
        memcpy(filled + at, y, n * h->width * sizeof *filled);
        ph_scaling_undo_to(&h->model->scaling, filled + at, n, h->width);
        for (size_t i = 0; i < n * h->width; i++)
            filled[at + i] = h->seen[i] != 0 ? h->own[i] : filled[at + i];
        if (seen)
            memcpy(seen + at, h->seen, n * h->width * sizeof *seen);
    }
    return PH_OK;
}

static bool shows_nothing(const real *seen, size_t width)
{
    for (size_t c = 0; c < width; c++)
        if (seen[c] != 0)
            return false;
    return true;
}

ph_status ph_holes_measure(ph_holes *h, ph_figures *figures)
{
    double squares = 0, holes = 0, missing = 0, exact = 0, dark = 0, rows = (double)h->data->rows;
    for (size_t first = 0, n; first < h->data->rows; first += n) {
        const real *y;
        n = h->data->rows - first;
        PH_TRY(block(h, first, &n, &y));
        for (size_t r = 0; r < n; r++)
            dark += shows_nothing(h->seen + r * h->width, h->width);
        for (size_t i = 0; i < n * h->width; i++)
            if (h->seen[i] == 0) {
                double off = (double)y[i] - (double)h->x[i];
                bool known = !isnan(h->own[i]);
                squares += known ? off * off : 0;
                exact += known && off * off < 1e-12;
                missing += !known;
                holes++;
            }
    }
    ph_figure_add(figures, "hole_share", "share of the rows' numbers that are holes",
                  holes / rows / (double)h->width);
    if (missing > 0)
        ph_figure_add(figures, "hole_missing", "share of the holes that are missing in the data, whose error nobody "
                      "knows", missing / holes);
    if (holes > missing)
        ph_figure_add(figures, "masked_mse", missing > 0 ? "mean over the other holes, against what stands there, in "
                      "the model's input scale" : "mean over the holes, against what stands there, in the model's "
                      "input scale", squares / (holes - missing));
    if (dark > 0)
        ph_figure_add(figures, "rows_unseen", "rows of which nothing is seen: what fills them tells nothing of them",
                      dark);
    if (h->data->bytes && holes > 0)
        ph_figure_add(figures, "holes_exact", "share of the holes that what stands there is filled in",
                      exact / holes);
    return PH_OK;
}
