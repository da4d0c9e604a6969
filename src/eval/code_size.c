/* code_size.c - what a row's code costs in bytes and what comes back from it: as floats, and with each
 * number rounded to one of 256 steps over its range on the training codes; beside it PCA.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>

typedef struct quantiser {
    size_t width;
    real *low, *step;          /* of each number of a code */
} quantiser;

static void free_quantiser(quantiser *q)
{
    free(q->low);
    free(q->step);
}

static ph_status fit_quantiser(quantiser *q, const ph_data *codes)
{
    size_t n = q->width = codes->width;
    ph_column *column = malloc(n * sizeof *column);
    q->low = malloc(n * sizeof *q->low);
    q->step = malloc(n * sizeof *q->step);
    ph_status status = column && q->low && q->step ? ph_data_survey(codes, column)
                                                   : ph_fail(PH_MEMORY, "out of memory for codes");
    for (size_t c = 0; c < n && status == PH_OK; c++) {
        q->low[c] = (real)column[c].min;
        q->step[c] = (real)((column[c].max - column[c].min) / 255);
    }
    free(column);
    return status;
}

/* There and back: what a byte for each number keeps. */
static void round_codes(const quantiser *q, real *codes, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < q->width; c++) {
            real *code = &codes[r * q->width + c];
            double byte = q->step[c] > 0 ? rint((double)(*code - q->low[c]) / (double)q->step[c]) : 0;
            byte = byte < 0 ? 0 : byte > 255 ? 255 : byte;
            *code = (real)((double)q->low[c] + byte * (double)q->step[c]);
        }
}

/* The mean squared error of test rows from their codes, in the model's input scale. q: NULL, or what
 * the codes pass before they are decoded. */
static ph_status code_error(ph_model *m, const ph_data *test, const quantiser *q, double *mse)
{
    size_t width = test->width, n, out, in;
    PH_TRY(ph_model_port(m, "encode", &in, &n));
    PH_TRY(ph_model_port(m, "decode", &in, &out));
    if (in != n || out != width)
        return ph_fail(PH_USAGE, "code size: the decoder does not take codes to rows");
    real *codes = malloc(PH_EVAL_ROWS * n * sizeof *codes);
    real *rows = malloc(2 * PH_EVAL_ROWS * width * sizeof *rows), *back = rows + PH_EVAL_ROWS * width;
    ph_status status = codes && rows ? PH_OK : ph_fail(PH_MEMORY, "out of memory for rows");
    double sum = 0;
    for (size_t first = 0; first < test->rows && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t count = test->rows - first < PH_EVAL_ROWS ? test->rows - first : PH_EVAL_ROWS;
        status = ph_model_apply_data(m, "encode", test, first, count, codes);
        if (status == PH_OK && q)
            round_codes(q, codes, count);
        if (status == PH_OK)
            status = ph_model_apply(m, "decode", codes, count, back);
        if (status == PH_OK)
            status = ph_scaling_apply_to(&m->scaling, first, back, count, width);
        if (status == PH_OK)
            status = ph_fetch_range(test, &m->scaling, first, count, rows);
        for (size_t i = 0; i < count * width && status == PH_OK; i++)
            sum += ((double)rows[i] - (double)back[i]) * ((double)rows[i] - (double)back[i]);
    }
    *mse = sum / (double)test->rows / (double)width;
    free(codes);
    free(rows);
    return status;
}

/* mse[0] from codes as floats, mse[1] from bytes. */
static ph_status both_errors(ph_model *m, const ph_data *fit, const ph_data *test, double mse[2])
{
    quantiser q = { 0 };
    ph_data *codes = ph_results(m, "encode", fit);
    ph_status status = codes ? fit_quantiser(&q, codes) : ph_last_status();
    if (status == PH_OK)
        status = code_error(m, test, NULL, &mse[0]);
    if (status == PH_OK)
        status = code_error(m, test, &q, &mse[1]);
    free_quantiser(&q);
    ph_data_close(codes);
    return status;
}

static ph_status pca_errors(const ph_study *s, size_t n, double mse[2])
{
    char text[32];
    ph_model *pca = NULL;
    ph_settings *settings = ph_settings_new();
    ph_status status = settings ? PH_OK : ph_last_status();
    snprintf(text, sizeof text, "%zu", n);
    const char *const set[][2] = { { "latent-dim", text }, { "scaling", s->model->scaling.kind },
                                   { "missing", s->model->trainer.o.missing } };
    for (size_t i = 0; i < sizeof set / sizeof set[0] && status == PH_OK; i++)
        status = ph_settings_set(settings, set[i][0], set[i][1]);
    if (status == PH_OK)
        status = (pca = ph_model_new("pca", s->fit, settings)) ? ph_train(pca, s->fit, NULL)
                                                               : ph_last_status();
    if (status == PH_OK)
        status = both_errors(pca, s->fit, s->test, mse);
    ph_model_free(pca);
    ph_settings_free(settings);
    return status;
}

/* PSNR where the input scale has a peak, else the squared error itself. */
static ph_status add(ph_study *s, const char *psnr, const char *mse, double value, const char *what)
{
    bool peak = ph_model_has_peak(s->model);
    return ph_study_add(s, peak ? psnr : mse, peak ? -10 * log10(value) : value, "%s, from %s; %s",
                        peak ? "dB, of the mean squared error, peak 1"
                             : "mean squared error in the model's input scale", what, s->parts);
}

ph_status ph_study_code_size(ph_study *s)
{
    size_t in, n;
    double mse[2];
    PH_TRY(ph_model_port(s->model, "encode", &in, &n));
    PH_TRY(both_errors(s->model, s->fit, s->test, mse));
    PH_TRY(ph_study_add(s, "code_bytes", 4 * (double)n, "bytes of a row's code, %zu floats", n));
    PH_TRY(ph_study_add(s, "code_bytes_8bit", (double)n, "bytes of a row's code, %zu bytes: 256 even "
                        "steps over each number's range on the training codes", n));
    PH_TRY(add(s, "psnr_float", "mse_float", mse[0], "codes as floats"));
    PH_TRY(add(s, "psnr_8bit", "mse_8bit", mse[1], "codes as bytes"));
    if (n > s->fit->width || n > s->fit->rows)
        return PH_OK; /* There are not so many components. */
    PH_TRY(pca_errors(s, n, mse));
    PH_TRY(add(s, "pca_psnr", "pca_mse", mse[0], "as many principal components as floats"));
    return add(s, "pca_psnr_8bit", "pca_mse_8bit", mse[1], "as many principal components as bytes");
}
