/* measure.c - all that is asked about a model on a set: which rows are fitted on and which measured,
 * what applies to any model, and the measures that are asked for by name.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { SPLIT_SEED = 1 };

ph_status ph_study_add(ph_study *s, const char *name, double value, const char *unit, ...)
{
    char text[512];
    va_list args;
    va_start(args, unit);
    vsnprintf(text, sizeof text, unit, args);
    va_end(args);
    ph_arena *arena = &s->model->graph->arena;
    char *own_name = ph_arena_text(arena, name), *own_unit = ph_arena_text(arena, text);
    if (own_name == NULL || own_unit == NULL)
        return ph_fail(PH_MEMORY, "out of memory for figures");
    ph_figure_add(s->figures, own_name, own_unit, value);
    return PH_OK;
}

/* ---- What applies to any model --------------------------------------------------------------- */

typedef struct pass {
    real *x, *y;               /* PH_EVAL_ROWS rows and their reconstructions */
    double *mean, *square;     /* sums over rows, of each column */
    double ssim[PH_EVAL_ROWS], ssim_sum;
    bool pictures;
} pass;

ph_ssim_desc ph_ssim_of(const ph_model *m)
{
    return (ph_ssim_desc){ .height = m->row.dim[0], .width = m->row.dim[1], .white = m->white,
                           .channels = m->row.rank == 3 ? m->row.dim[2] : 1 };
}

bool ph_shows_pictures(const ph_model *m)
{
    ph_ssim_desc d = ph_ssim_of(m);
    return ph_model_is_picture(m) && d.height >= PH_SSIM_WINDOW && d.width >= PH_SSIM_WINDOW &&
           m->white > 0;
}

static void add_columns(pass *p, size_t count, size_t width)
{
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < width; c++) {
            double x = (double)p->x[r * width + c];
            p->mean[c] += x;
            p->square[c] += x * x;
        }
}

static ph_status pass_block(ph_study *s, pass *p, size_t first, size_t count)
{
    ph_model *m = s->model;
    size_t width = s->data->width;
    PH_TRY(ph_fetch_range(s->data, &m->scaling, first, count, p->x));
    add_columns(p, count, width);
    if (!p->pictures)
        return PH_OK;
    ph_scaling_undo_to(&m->scaling, p->x, count, width);
    for (size_t i = 0; i < count * width; i++)
        p->pictures = p->pictures && (double)p->x[i] > -1e-3 * m->white; /* below black: no picture */
    PH_TRY(ph_model_apply_data(m, "reconstruct", s->data, first, count, p->y));
    ph_ssim_desc d = ph_ssim_of(m);
    PH_TRY(ph_ssim(&d, p->x, p->y, count, p->ssim));
    for (size_t r = 0; r < count; r++)
        p->ssim_sum += p->ssim[r];
    return PH_OK;
}

static ph_status add_pass(ph_study *s, const pass *p)
{
    double rows = (double)s->data->rows, variance = 0;
    for (size_t c = 0; c < s->data->width; c++)
        variance += p->square[c] / rows - p->mean[c] / rows * (p->mean[c] / rows);
    if (p->pictures)
        PH_TRY(ph_study_add(s, "ssim", p->ssim_sum / rows, "structural similarity, 11x11 Gaussian "
                            "window, white %g, mean over the pixels whose window is "
                            "whole, channels and rows", s->model->white));
    double sse = ph_figure_get(s->figures, "sse");
    return variance > 0 && !isnan(sse) ? ph_study_add(s, "relative_error", sse / variance, "squared error over that of "
                                       "the rows' mean row; 1 is no better than it")
                        : PH_OK;
}

ph_status ph_study_rows(ph_study *s)
{
    size_t rows = s->data->rows, width = s->data->width;
    pass *p = calloc(1, sizeof *p);
    ph_status status = PH_OK;
    if (p) {
        p->pictures = ph_shows_pictures(s->model);
        p->x = malloc(PH_EVAL_ROWS * width * sizeof *p->x);
        p->y = malloc(PH_EVAL_ROWS * width * sizeof *p->y);
        p->mean = calloc(width, sizeof *p->mean);
        p->square = calloc(width, sizeof *p->square);
    }
    if (!p || !p->x || !p->y || !p->mean || !p->square)
        status = ph_fail(PH_MEMORY, "out of memory for rows");
    for (size_t first = 0; first < rows && status == PH_OK; first += PH_EVAL_ROWS)
        status = pass_block(s, p, first, rows - first < PH_EVAL_ROWS ? rows - first : PH_EVAL_ROWS);
    if (status == PH_OK)
        status = add_pass(s, p);
    if (p) {
        free(p->x);
        free(p->y);
        free(p->mean);
        free(p->square);
    }
    free(p);
    return status;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* Four fifths of the rows, drawn by a fixed seed, and the rest. */
static ph_status split(const ph_data *data, ph_data **fit, ph_data **test)
{
    size_t rows = data->rows, first = rows - rows / 5;
    if (rows < 5)
        return ph_fail(PH_USAGE, "%s: %zu rows are too few to fit on some and measure on others",
                       data->name, rows);
    size_t *order = malloc(rows * sizeof *order);
    if (order == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the order of rows");
    ph_shuffle(order, rows, SPLIT_SEED, 0);
    *fit = ph_data_pick(data, order, first, PH_MEMORY_LIMIT);
    *test = *fit ? ph_data_pick(data, order + first, rows - first, PH_MEMORY_LIMIT) : NULL;
    free(order);
    return *test ? PH_OK : ph_last_status();
}

/* What learns from labels, or is measured by them, has no use for rows without. */
static ph_status check_labels(const ph_data *d)
{
    const uint32_t *labels = ph_data_labels(d);
    for (size_t r = 0; labels && r < d->rows; r++)
        if (labels[r] == PH_NO_LABEL)
            return ph_fail(PH_USAGE, "%s: row %zu has no label, but this measure needs one of every row",
                           d->name, r + 1);
    return PH_OK;
}

static ph_status measure_parts(ph_study *s)
{
    const ph_measures *asked = s->asked;
    if (asked->probe || asked->classifier) {
        PH_TRY(check_labels(s->fit));
        PH_TRY(check_labels(s->test));
    }
    if (asked->probe)
        PH_TRY(ph_study_probe(s));
    if (asked->code_size)
        PH_TRY(ph_study_code_size(s));
    if (asked->parzen_draws)
        PH_TRY(ph_study_parzen(s));
    return asked->classifier ? ph_study_classifier(s) : PH_OK;
}

static ph_status with_parts(ph_study *s)
{
    ph_data *fit = NULL, *test = NULL;
    ph_status status = PH_OK;
    s->fit = s->asked->training;
    s->test = s->data;
    s->parts = "fitted on the training part";
    if (s->fit) {
        PH_TRY(ph_model_check_data(s->model, "reconstruct", s->fit));
    } else {
        status = split(s->data, &fit, &test);
        s->fit = fit;
        s->test = test;
        s->parts = "of a fifth of the rows, drawn by seed 1, fitted on the others";
    }
    if (status == PH_OK)
        status = measure_parts(s);
    ph_data_close(fit);
    ph_data_close(test);
    return status;
}

ph_status ph_model_measure(ph_model *m, const ph_data *data, const ph_measures *asked,
                           ph_figures *figures)
{
    static const ph_measures none = { 0 };
    ph_study s = { .model = m, .asked = asked ? asked : &none, .data = data, .figures = figures };
    PH_TRY(ph_model_eval(m, data, figures));
    PH_TRY(ph_study_rows(&s));
    PH_TRY(ph_study_posterior(&s));
    if (s.asked->importance_samples)
        PH_TRY(ph_study_likelihood(&s));
    if (s.asked->map)
        PH_TRY(ph_study_map(&s));
    if (s.asked->activity)
        PH_TRY(ph_study_activity(&s));
    if (s.asked->jpeg)
        PH_TRY(ph_study_jpeg(&s));
    if (s.asked->noise)
        PH_TRY(ph_study_noise(&s));
    if (s.asked->probe || s.asked->code_size || s.asked->classifier || s.asked->parzen_draws)
        PH_TRY(with_parts(&s));
    return s.asked->real_features || s.asked->generated_features ? ph_study_matrices(&s) : PH_OK;
}
