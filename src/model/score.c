/* score.c - how odd a row is: the mean squared error of its reconstruction, in the model's input scale,
 * and where that stands among the errors of the rows that the model was trained on; where in a picture
 * it comes from.
 */
#include "model/model.h"

#include "base/order.h"
#include "base/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is made of n rows, from number `at` on, as the model takes them and as it gives them back. */
typedef void (*taker)(void *to, size_t at, size_t n, size_t width, const real *x, const real *y);

static ph_status compare_rows(ph_model *m, const ph_data *data, size_t first, size_t count, taker take,
                              void *to)
{
    PH_TRY(ph_model_check_data(m, "reconstruct", data));
    ph_function *f = ph_model_function(m, "reconstruct");
    if (f == NULL)
        return ph_last_status();
    size_t width = ph_shape_size(&m->row);
    PH_TRY(ph_model_scratch(m, width));
    for (size_t done = 0; done < count;) {
        size_t n = ph_use_rows(f->program, count - done);
        PH_TRY(ph_fetch_range(data, &m->scaling, first + done, n, m->rows_in));
        PH_TRY(ph_program_run(f->program, (size_t[PH_MAX_SETS]){ 1, n },
                              (const void *[]){ m->rows_in }));
        take(to, done, n, width, m->rows_in, ph_program_output(f->program, 0));
        done += n;
    }
    return PH_OK;
}

static double mean_square(const real *x, const real *y, size_t size)
{
    double sum = 0;
    for (size_t i = 0; i < size; i++) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
    }
    return sum / (double)size;
}

static void take_errors(void *to, size_t at, size_t n, size_t width, const real *x, const real *y)
{
    for (size_t r = 0; r < n; r++)
        ((double *)to)[at + r] = mean_square(x + r * width, y + r * width, width);
}

ph_status ph_model_errors(ph_model *m, const ph_data *data, size_t first, size_t count,
                          double *errors)
{
    return compare_rows(m, data, first, count, take_errors, errors);
}

typedef struct pixels {
    size_t channels;
    real *maps;
} pixels;

static void take_maps(void *to, size_t at, size_t n, size_t width, const real *x, const real *y)
{
    const pixels *p = to;
    size_t size = width / p->channels;
    for (size_t i = 0; i < n * size; i++)
        p->maps[at * size + i] = (real)sqrt(mean_square(x + i * p->channels, y + i * p->channels,
                                                        p->channels));
}

ph_status ph_model_error_maps(ph_model *m, const ph_data *data, size_t first, size_t count,
                              ph_real *maps)
{
    if (!ph_model_is_picture(m))
        return ph_fail(PH_USAGE, "maps of errors are of pictures, and the model's rows are none");
    pixels p = { m->row.rank == 3 ? m->row.dim[2] : 1, maps };
    return compare_rows(m, data, first, count, take_maps, &p);
}

/* ---- Windows of pieces ----------------------------------------------------------------------------- */

const char *const ph_folds[] = { "each", "largest", "mean" };

int ph_model_fold_of(const char *of_windows)
{
    int fold = 0;
    while (fold < PH_FOLDS && strcmp(of_windows, ph_folds[fold]) != 0)
        fold++;
    return fold;
}

size_t ph_model_fold(const ph_data *data, int fold, double *scores)
{
    size_t pieces = 0, windows = 0, last = 0;
    bool mean = strcmp(ph_folds[fold], "mean") == 0;
    ph_data_info info;
    ph_excerpt at;
    ph_data_describe(data, &info);
    if (fold == 0 || !ph_data_excerpt(data, 0, &at))
        return info.rows;
    for (size_t r = 0; ph_data_excerpt(data, r, &at); r++) {
        windows = r > 0 && at.piece == last ? windows + 1 : 1;
        last = at.piece;
        double *score = &scores[windows == 1 ? pieces++ : pieces - 1];
        if (windows == 1)
            *score = scores[r];
        else if (mean)
            *score += (scores[r] - *score) / (double)windows;
        else
            *score = scores[r] > *score ? scores[r] : *score;
    }
    return pieces;
}

/* ---- Thresholds ------------------------------------------------------------------------------------ */

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for errors of rows");
}

static ph_status measure(ph_model *m, const ph_data *data, size_t rows, double *errors)
{
    for (size_t first = 0; first < rows; first += PH_USE_ROWS) {
        size_t left = rows - first, count = left < PH_USE_ROWS ? left : PH_USE_ROWS;
        if (ph_stop_asked())
            return ph_fail(PH_STOPPED, "stopped before the errors of all rows were measured");
        PH_TRY(ph_model_errors(m, data, first, count, errors + first));
    }
    return PH_OK;
}

/* Those of pieces, too, where there are several: one alone has no quantiles. */
static ph_status keep_quantiles(ph_model *m, const ph_data *data, double *errors, size_t rows)
{
    bool pieces = ph_data_excerpt(data, 0, &(ph_excerpt){ 0 });
    double *work = malloc(rows * sizeof *work);
    ph_status status = work ? PH_OK : out_of_memory();
    for (int fold = 0; fold < PH_FOLDS && status == PH_OK; fold++) {
        memcpy(work, errors, rows * sizeof *work);
        size_t count = ph_model_fold(data, fold, work);
        free(m->quantile[fold]);
        m->quantile[fold] = NULL;
        if (fold > 0 && (!pieces || count < 2))
            continue;
        m->quantile[fold] = malloc(PH_QUANTILES * sizeof *m->quantile[fold]);
        status = m->quantile[fold] ? PH_OK : out_of_memory();
        ph_sort_numbers(work, count);
        for (size_t i = 0; i < PH_QUANTILES && status == PH_OK; i++)
            m->quantile[fold][i] = ph_at_share(work, count, (double)i / (PH_QUANTILES - 1));
    }
    free(work);
    return status;
}

ph_status ph_model_calibrate(ph_model *m, const ph_data *data)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    double *errors = malloc(info.rows * sizeof *errors);
    ph_status status = errors ? measure(m, data, info.rows, errors) : out_of_memory();
    ph_stop_forget();
    if (status == PH_OK)
        status = keep_quantiles(m, data, errors, info.rows);
    free(errors);
    return status;
}

double ph_model_threshold_of(const ph_model *m, const char *of_windows, double share)
{
    int fold = ph_model_fold_of(of_windows);
    if (fold == PH_FOLDS || m->quantile[fold] == NULL || !(share >= 0 && share <= 1))
        return NAN;
    return ph_at_share(m->quantile[fold], PH_QUANTILES, share);
}

double ph_model_threshold(const ph_model *m, double share)
{
    return ph_model_threshold_of(m, ph_folds[0], share);
}
