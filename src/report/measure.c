/* measure.c - what a page tells, measured before it is written: the errors of rows and columns, the
 * codes' variances, where each row lies on the map.
 */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

size_t ph_page_spread(const ph_page *r, size_t i, size_t count)
{
    return ph_spread(i, count, r->rows);
}

size_t ph_page_largest(const double *values, size_t count, size_t most, size_t *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = kept;
        for (; at > 0 && values[place[at - 1]] < values[i]; at--)
            if (at < most)
                place[at] = place[at - 1];
        if (at < most)
            place[at] = i;
        kept += kept < most;
    }
    return kept;
}

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the report");
}

const char *ph_page_what(const ph_page *shown)
{
    return ph_plane_of_styles(&shown->map) ? "style" : "code";
}

/* ---- One pass over the set ------------------------------------------------------------------------ */

typedef struct pass {
    real *x, *y, *code, *place, *kl, *tokens; /* place: what lies on the map */
    double *mean;              /* Welford's, of the codes */
} pass;

static void add_to(double value, double count, double *mean, double *squares)
{
    double off = value - *mean;
    *mean += off / count;
    *squares += off * (value - *mean);
}

static void take_codes(ph_page *r, pass *p, size_t first, size_t count)
{
    size_t n = r->code;
    for (size_t i = 0; i < count; i++) {
        double seen = (double)(first + i + 1);
        for (size_t c = 0; c < n; c++)
            add_to((double)p->code[i * n + c], seen, &p->mean[c], &r->variance[c]);
        ph_plane_put(&r->map, first + i, p->place + i * r->map.code, r->error[first + i]);
    }
}

static void take_kl(ph_page *r, const pass *p, size_t count)
{
    for (size_t i = 0; i < count * r->variables; i++)
        r->kl[i % r->variables] += (double)p->kl[i] / (double)r->rows;
}

static void take_errors(ph_page *r, const pass *p, size_t first, size_t count)
{
    size_t width = r->info.width;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < width; c++) {
            double off = (double)p->y[i * width + c] - (double)p->x[i * width + c];
            r->error[first + i] += off * off;
            r->column_error[c % r->columns] += off * off;
        }
}

static ph_status take_batch(ph_page *r, pass *p, size_t first, size_t count)
{
    size_t index[BATCH], width = r->info.width;
    const ph_scaling *s = &r->model->scaling;
    for (size_t i = 0; i < count; i++)
        index[i] = first + i;
    PH_TRY(ph_data_read(r->data, index, count, p->x));
    PH_TRY(ph_model_apply(r->model, "reconstruct", p->x, count, p->y));
    if (r->code)
        PH_TRY(ph_model_apply(r->model, "encode", p->x, count, p->code));
    if (p->place != p->code)
        PH_TRY(ph_model_apply(r->model, r->map.function, p->x, count, p->place));
    if (r->variables)
        PH_TRY(ph_model_apply(r->model, "kl", p->x, count, p->kl));
    if (r->words.count) {
        PH_TRY(ph_model_apply(r->model, "tokens", p->x, count, p->tokens));
        ph_word_use_add(&r->words, r->model->graph, p->tokens, count);
    }
    /* Errors are measured in the model's scale, as everywhere. */
    PH_TRY(ph_scaling_apply_to(s, first, p->x, count, width));
    PH_TRY(ph_scaling_apply_to(s, first, p->y, count, width));
    take_errors(r, p, first, count);
    if (r->code)
        take_codes(r, p, first, count);
    take_kl(r, p, count);
    return PH_OK;
}

static ph_status walk(ph_page *r)
{
    size_t width = r->info.width, n = r->code;
    size_t tokens = r->words.count ? ph_width(r->model->graph->tokens) : 0;
    pass p = { .x = malloc(BATCH * width * sizeof(real)), .y = malloc(BATCH * width * sizeof(real)),
               .code = malloc((BATCH * n + 1) * sizeof(real)),
               .kl = malloc((BATCH * r->variables + 1) * sizeof(real)),
               .tokens = malloc((BATCH * tokens + 1) * sizeof(real)),
               .mean = calloc(n + 1, sizeof(double)) };
    bool styles = n > 0 && ph_plane_of_styles(&r->map);
    p.place = styles ? malloc(BATCH * r->map.code * sizeof(real)) : p.code;
    bool room = p.x && p.y && p.code && p.place && p.kl && p.tokens && p.mean;
    ph_status status = room ? PH_OK : out_of_memory();
    for (size_t first = 0; first < r->rows && status == PH_OK; first += BATCH)
        status = take_batch(r, &p, first, r->rows - first < BATCH ? r->rows - first : BATCH);
    for (size_t c = 0; c < n; c++)
        r->variance[c] /= (double)r->rows;
    free(p.x);
    free(p.y);
    free(p.code);
    free(styles ? p.place : NULL);
    free(p.kl);
    free(p.tokens);
    free(p.mean);
    return status;
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

/* What the model can do; a family of one's own need not have all of it. */
static void look_at_model(ph_page *r)
{
    const ph_graph *g = r->model->graph;
    r->bytes = ph_model_of_bytes(r->model);
    for (int i = 0; i < g->export_count; i++) {
        const ph_named *e = &g->exported[i];
        size_t in = ph_shape_size(&e->input->shape), out = ph_shape_size(&e->value->shape);
        if (strcmp(e->name, "encode") == 0 && in == r->info.width)
            r->code = out;
        r->decodes = r->decodes || (strcmp(e->name, "decode") == 0 && in == r->info.latent_dim &&
                                    out == r->info.width);
        r->hides = r->hides || (strcmp(e->name, "seen") == 0 && in == r->info.width && out == in);
        if (strcmp(e->name, "kl") == 0 && in == r->info.width)
            r->variables = out;
    }
    r->classes = r->info.code_classes;
    if (r->code == 0 || r->code != r->variables * (r->classes ? r->classes : 1))
        r->variables = 0;
    const size_t *shape = r->info.shape;
    r->channels = r->info.rank == 3 ? shape[2] : 1;
    r->picture = ph_model_is_picture(r->model);
    r->series = !r->picture && !r->bytes && (*r->model->window || (r->info.rank > 1 && shape[0] == 1));
    r->columns = r->series ? r->channels : r->info.width;
    r->height = shape[0];
    r->width = r->info.rank > 1 ? shape[1] : 1;
}

static ph_status make_room(ph_page *r)
{
    size_t n = r->code + 1;
    r->error = calloc(r->rows, sizeof *r->error);
    r->column_error = calloc(r->columns, sizeof *r->column_error);
    r->variance = calloc(n, sizeof *r->variance);
    r->kl = calloc(r->variables + 1, sizeof *r->kl);
    r->sample_count = r->rows < PH_PLANE_SAMPLE ? r->rows : PH_PLANE_SAMPLE;
    r->sample = calloc(r->sample_count, sizeof *r->sample);
    if (!r->error || !r->column_error || !r->variance || !r->kl || !r->sample)
        return out_of_memory();
    for (size_t i = 0; i < r->sample_count; i++)
        r->sample[i] = ph_page_spread(r, i, r->sample_count);
    return PH_OK;
}

/* What words are compared by. */
static ph_status compare_words(ph_page *r)
{
    static const ph_measures none = { 0 };
    ph_study s = { .model = r->model, .asked = &none, .data = r->data, .figures = &r->figures };
    if (!ph_study_has_jpeg(r->model))
        return PH_OK;
    PH_TRY(ph_study_rows(&s));
    return ph_study_jpeg(&s);
}

static ph_status end_map(ph_page *r)
{
    ph_study s = { .model = r->model, .data = r->data, .figures = &r->figures };
    PH_TRY(ph_plane_end(&r->map));
    return ph_plane_figures(&s, &r->map, r->train ? &r->train_figures : NULL);
}

ph_status ph_page_measure(ph_page *r)
{
    ph_model_describe(r->model, &r->info);
    ph_data_describe(r->data, &r->set);
    r->labels = ph_data_labels(r->data);
    r->rows = r->set.rows;
    if (r->rows == 0)
        return ph_fail(PH_DATA, "%s: no rows to report on", r->set.name);
    PH_TRY(ph_model_eval(r->model, r->data, &r->figures));
    if (r->train)
        PH_TRY(ph_model_eval(r->model, r->train, &r->train_figures));
    look_at_model(r);
    PH_TRY(make_room(r));
    PH_TRY(ph_word_use_begin(&r->words, r->model->graph));
    PH_TRY(compare_words(r));
    if (r->code)
        PH_TRY(ph_plane_begin(&r->map, r->model, r->data));
    PH_TRY(walk(r));
    if (r->code)
        PH_TRY(end_map(r));
    if (ph_model_has_activity(r->model))
        PH_TRY(ph_model_activity(r->model, r->data, &r->activity));
    r->worst_count = ph_page_largest(r->error, r->rows, PH_PAGE_WORST, r->worst);
    return PH_OK;
}

void ph_page_release(ph_page *r)
{
    free(r->error);
    free(r->column_error);
    free(r->variance);
    free(r->kl);
    ph_plane_free(&r->map);
    free(r->sample);
    ph_activity_free(&r->activity);
    ph_word_use_end(&r->words);
}
