/* activity.c - how the units of a code are used: how much each is on, how many are on in a row,
 * which never are. "On" is what training reports as active (model/ae.c).
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool option_is(const ph_model *m, const char *name, const char *value)
{
    const char *set = ph_model_option(m, name);
    return set && strcmp(set, value) == 0;
}

bool ph_model_has_activity(const ph_model *m)
{
    const char *sparsity = ph_model_option(m, "sparsity");
    return ph_model_export(m, "encode") && ((sparsity && strcmp(sparsity, "none") != 0) ||
                                            option_is(m, "latent-activation", "sigmoid") ||
                                            option_is(m, "latent-activation", "relu"));
}

/* What each unit comes to over the rows, and the range of all of them. */
static ph_status look_at_units(ph_activity *a, const ph_data *codes, double *low, double *high)
{
    ph_column *unit = malloc(a->units * sizeof *unit);
    a->unit_mean = malloc(a->units * sizeof *a->unit_mean);
    ph_status status = unit && a->unit_mean ? ph_data_survey(codes, unit)
                                            : ph_fail(PH_MEMORY, "out of memory for units");
    for (size_t c = 0; c < a->units && status == PH_OK; c++) {
        a->unit_mean[c] = unit[c].mean;
        a->mean += unit[c].mean / (double)a->units;
        a->dead += unit[c].max <= a->low;
        *low = fmin(*low, unit[c].min);
        *high = fmax(*high, unit[c].max);
    }
    free(unit);
    return status;
}

/* Puts values into their bins; returns how many are above what counts as active. */
static size_t count(ph_activity *a, const real *values, size_t n)
{
    size_t on = 0;
    double low = a->edge[0], high = a->edge[PH_ACTIVITY_BINS];
    for (size_t i = 0; i < n; i++) {
        double at = ((double)values[i] - low) / (high - low) * PH_ACTIVITY_BINS;
        a->count[at <= 0 ? 0 : at < PH_ACTIVITY_BINS ? (size_t)at : PH_ACTIVITY_BINS - 1]++;
        on += (double)values[i] > a->low;
    }
    return on;
}

static ph_status look_at_rows(ph_activity *a, const ph_data *codes)
{
    size_t most = PH_EVAL_ROWS, on = 0;
    real *block = malloc(most * a->units * sizeof *block);
    ph_status status = block ? PH_OK : ph_fail(PH_MEMORY, "out of memory for units");
    for (size_t first = 0; first < a->rows && status == PH_OK; first += most) {
        size_t rows = a->rows - first < most ? a->rows - first : most;
        status = ph_fetch_range(codes, &ph_scaling_none, first, rows, block);
        if (status == PH_OK)
            on += count(a, block, rows * a->units);
    }
    a->share = (double)on / (double)a->units / (double)a->rows;
    free(block);
    return status;
}

ph_status ph_model_activity(ph_model *m, const ph_data *data, ph_activity *a)
{
    bool sigmoid = option_is(m, "latent-activation", "sigmoid");
    const char *sparsity = ph_model_option(m, "sparsity");
    double low = 0, high = sigmoid ? 1 : 0;
    *a = (ph_activity){ .low = sigmoid ? 0.1 : 0, .target = NAN };
    if (sparsity)
        sscanf(sparsity, "kl:%lf", &a->target);
    ph_data *codes = ph_results(m, "encode", data);
    if (codes == NULL)
        return ph_last_status();
    a->rows = codes->rows;
    a->units = codes->width;
    ph_status status = look_at_units(a, codes, &low, &high);
    high = high > low ? high : low + 1;
    for (size_t i = 0; i <= PH_ACTIVITY_BINS; i++)
        a->edge[i] = low + (high - low) * (double)i / PH_ACTIVITY_BINS;
    if (status == PH_OK)
        status = look_at_rows(a, codes);
    ph_data_close(codes);
    if (status != PH_OK)
        ph_activity_free(a);
    return status;
}

void ph_activity_free(ph_activity *a)
{
    free(a->unit_mean);
    a->unit_mean = NULL;
}

/* The bins as a histogram that lasts as long as the model. */
static ph_status add_histogram(ph_study *s, const ph_activity *a)
{
    char text[96];
    ph_arena *arena = &s->model->graph->arena;
    double *edge = ph_arena_take(arena, (2 * PH_ACTIVITY_BINS + 1) * sizeof *edge);
    snprintf(text, sizeof text, "of %zu units in %zu rows", a->units, a->rows);
    const char *unit = ph_arena_text(arena, text);
    if (edge == NULL || unit == NULL)
        return ph_fail(PH_MEMORY, "out of memory for figures");
    double *count = edge + PH_ACTIVITY_BINS + 1;
    memcpy(edge, a->edge, sizeof a->edge);
    for (size_t i = 0; i < PH_ACTIVITY_BINS; i++)
        count[i] = (double)a->count[i];
    ph_histogram_add(s->figures, &(ph_histogram){ "activations", unit, PH_ACTIVITY_BINS, false, edge, count });
    return PH_OK;
}

/* The first two are there already where training reports them. */
ph_status ph_study_activity(ph_study *s)
{
    ph_activity *a = s->asked->activity;
    PH_TRY(ph_model_activity(s->model, s->data, a));
    PH_TRY(add_histogram(s, a));
    if (isnan(ph_figure_get(s->figures, "mean_activation")))
        PH_TRY(ph_study_add(s, "mean_activation", a->mean, "mean over units and rows"));
    if (isnan(ph_figure_get(s->figures, "active_share")))
        PH_TRY(ph_study_add(s, "active_share", a->share, "share of units above %g, mean over rows",
                            a->low));
    return ph_study_add(s, "dead_units", (double)a->dead,
                        "of %zu units of the code, above %g in no row", a->units, a->low);
}
