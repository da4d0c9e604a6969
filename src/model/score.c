/* score.c - how odd a row is: the mean squared error of its reconstruction, in the model's input scale,
 * and where that stands among the errors of the rows that the model was trained on.
 */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ph_status ph_model_errors(ph_model *m, const ph_data *data, size_t first, size_t count,
                          double *errors)
{
    PH_TRY(ph_model_check_data(m, "reconstruct", data));
    ph_function *f = ph_model_function(m, "reconstruct");
    if (f == NULL)
        return ph_last_status();
    size_t width = ph_shape_size(&m->row), index[PH_USE_ROWS];
    PH_TRY(ph_model_scratch(m, width));
    for (size_t done = 0; done < count;) {
        size_t n = ph_use_rows(f->program, count - done);
        for (size_t i = 0; i < n; i++)
            index[i] = first + done + i;
        PH_TRY(ph_fetch(data, &m->scaling, index, n, m->rows_in));
        PH_TRY(ph_program_run(f->program, (size_t[PH_MAX_SETS]){ 1, n },
                              (const void *[]){ m->rows_in }));
        const real *x = m->rows_in, *y = ph_program_output(f->program, 0);
        for (size_t r = 0; r < n; r++) {
            double sum = 0;
            for (size_t c = 0; c < width; c++, x++, y++) {
                double d = (double)*x - (double)*y;
                sum += d * d;
            }
            errors[done + r] = sum / (double)width;
        }
        done += n;
    }
    return PH_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value at a share q of sorted numbers, between neighbours by a straight line. */
static double at_share(const double *sorted, size_t n, double q)
{
    double place = q * (double)(n - 1);
    size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}

ph_status ph_model_calibrate(ph_model *m, const ph_data *data)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    double *errors = malloc(info.rows * sizeof *errors);
    double *quantile = malloc(PH_QUANTILES * sizeof *quantile);
    ph_status status = errors && quantile ? ph_model_errors(m, data, 0, info.rows, errors)
                                          : ph_fail(PH_MEMORY, "out of memory for errors of rows");
    if (status == PH_OK) {
        qsort(errors, info.rows, sizeof *errors, by_value);
        for (size_t i = 0; i < PH_QUANTILES; i++)
            quantile[i] = at_share(errors, info.rows, (double)i / (PH_QUANTILES - 1));
        free(m->quantile);
        m->quantile = quantile;
        quantile = NULL;
    }
    free(errors);
    free(quantile);
    return status;
}

double ph_model_threshold(const ph_model *m, double share)
{
    if (m->quantile == NULL || !(share >= 0 && share <= 1))
        return NAN;
    return at_share(m->quantile, PH_QUANTILES, share);
}
