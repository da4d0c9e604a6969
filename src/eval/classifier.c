/* classifier.c - a net that tells classes apart, trained by the engine that trains the models.
 *
 *     h_i = dropout(relu(W_i h_{i-1} + b_i)),  loss = -log softmax(W h + b)[label]
 *
 * Seed, rule and order of rows are fixed, so that equal rows give equal weights.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 128 };

struct ph_classifier {
    ph_graph *graph;
    ph_trainer trainer;
    ph_scaling scaling;
    ph_settings *settings;
    real *batch;               /* PH_EVAL_ROWS scaled rows */
};

static ph_status build(ph_classifier *c, const ph_data *data, const ph_classifier_desc *desc)
{
    ph_layers hidden;
    PH_TRY(ph_layers_read("hidden", desc->hidden, &hidden));
    ph_graph *g = c->graph = ph_graph_new(1);
    if (g == NULL)
        return ph_last_status();
    ph_scope *scope = ph_scope_of(g, "classifier");
    ph_stack stack = { .activation = "relu", .init = "auto", .dropout = desc->dropout, .bias = true };
    ph_node *x = ph_input(g, "x", 1, &data->width), *h = ph_stack_over(scope, x, NULL, &hidden, &stack);
    ph_node *log_p = ph_log_softmax(ph_linear(scope, h, data->classes, "linear", true));
    ph_node *y = ph_input_beside(x, "y", 1, &data->classes);
    ph_add_phase(g, &(ph_phase){ .loss = ph_neg(ph_sum(ph_mul(y, log_p))) });
    ph_export(g, "features", x, h);
    ph_export(g, "log-p", x, log_p);
    PH_TRY(ph_graph_status(g));
    ph_trainer_start(&c->trainer, g, x, &c->scaling);
    c->trainer.y = y;
    return PH_OK;
}

static ph_status set_options(ph_classifier *c, size_t rows, const ph_classifier_desc *desc)
{
    size_t steps = (rows + BATCH - 1) / BATCH, epochs = (desc->least_steps + steps - 1) / steps;
    char text[4][32];
    snprintf(text[0], sizeof text[0], "%zu", epochs > desc->epochs ? epochs : desc->epochs);
    snprintf(text[1], sizeof text[1], "%d", BATCH);
    snprintf(text[2], sizeof text[2], "%g", desc->lr);
    snprintf(text[3], sizeof text[3], "%g", desc->l2);
    const char *const set[][2] = { { "epochs", text[0] }, { "batch-size", text[1] },
                                   { "lr", text[2] }, { "weight-decay", text[3] },
                                   { "schedule", "cosine" } };
    c->settings = ph_settings_new();
    if (c->settings == NULL)
        return ph_last_status();
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        PH_TRY(ph_settings_set(c->settings, set[i][0], set[i][1]));
    return ph_options_read(ph_training_table, ph_training_table_size, c->settings, &c->trainer.o);
}

static ph_status start(ph_classifier *c, const ph_data *data, const ph_classifier_desc *desc)
{
    if (data->labels == NULL)
        return ph_fail(PH_USAGE, "%s: there are no labels to learn from", data->name);
    PH_TRY(ph_scaling_fit(&c->scaling, desc->scaling, desc->missing, data));
    PH_TRY(build(c, data, desc));
    PH_TRY(set_options(c, data->rows, desc));
    c->batch = aligned_alloc(64, (PH_EVAL_ROWS * data->width * sizeof(real) + 63) / 64 * 64);
    return c->batch ? ph_trainer_run(&c->trainer, data, NULL, &(ph_hooks){ 0 })
                    : ph_fail(PH_MEMORY, "out of memory for a classifier");
}

ph_classifier *ph_classifier_train(const ph_data *data, const ph_classifier_desc *desc)
{
    ph_classifier *c = calloc(1, sizeof *c);
    if (c && start(c, data, desc) == PH_OK)
        return c;
    if (c == NULL)
        ph_fail(PH_MEMORY, "out of memory for a classifier");
    ph_classifier_free(c);
    return NULL;
}

void ph_classifier_free(ph_classifier *c)
{
    if (c == NULL)
        return;
    ph_trainer_free(&c->trainer);
    ph_graph_free(c->graph);
    ph_scaling_free(&c->scaling);
    ph_settings_free(c->settings);
    free(c->batch);
    free(c);
}

/* ---- Use ------------------------------------------------------------------------------------- */

typedef struct application {
    ph_classifier *c;
    ph_program *program;
    const ph_data *data;
    size_t width;
} application;

static ph_status apply(void *context, size_t first, size_t count, real *out)
{
    const application *a = context;
    PH_TRY(ph_fetch_range(a->data, &a->c->scaling, first, count, a->c->batch));
    PH_TRY(ph_program_run(a->program, (size_t[PH_MAX_SETS]){ 1, count },
                          (const void *[]){ a->c->batch }));
    memcpy(out, ph_program_output(a->program, 0), count * a->width * sizeof out[0]);
    return PH_OK;
}

ph_data *ph_classifier_apply(ph_classifier *c, const char *function, const ph_data *data)
{
    ph_node *value = c->graph->exported[strcmp(function, "features") == 0 ? 0 : 1].value;
    application a = { .c = c, .data = data, .width = ph_shape_size(&value->shape) };
    if (data->width != ph_shape_size(&c->trainer.x->shape)) {
        ph_fail(PH_DATA, "%s: rows of %zu numbers, but the classifier takes %zu", data->name,
                data->width, ph_shape_size(&c->trainer.x->shape));
        return NULL;
    }
    a.program = ph_compile(c->graph, &(ph_program_desc){
        .feeds = &c->trainer.x, .feed_count = 1, .outputs = &value, .output_count = 1,
        .max_rows = PH_EVAL_ROWS });
    ph_data *set = a.program ? ph_data_compute(data->name, data->rows, a.width, data->labels, apply,
                                               &a) : NULL;
    ph_program_free(a.program);
    return set;
}

ph_status ph_hits(const ph_data *scores, double *share)
{
    size_t hits = 0, n = scores->width;
    if (scores->labels == NULL)
        return ph_fail(PH_USAGE, "%s: there are no labels to compare with", scores->name);
    real *row = malloc(n * sizeof *row);
    ph_status status = row ? PH_OK : ph_fail(PH_MEMORY, "out of memory");
    for (size_t r = 0; r < scores->rows && status == PH_OK; r++) {
        size_t best = 0;
        status = ph_data_read(scores, &r, 1, row);
        for (size_t c = 1; c < n && status == PH_OK; c++)
            best = row[c] > row[best] ? c : best;
        hits += best == scores->labels[r];
    }
    free(row);
    *share = (double)hits / (double)scores->rows;
    return status;
}

ph_status ph_classifier_accuracy(ph_classifier *c, const ph_data *data, double *share)
{
    ph_data *log_p = ph_classifier_apply(c, "log-p", data);
    ph_status status = log_p ? ph_hits(log_p, share) : ph_last_status();
    ph_data_close(log_p);
    return status;
}

uint64_t ph_classifier_hash(const ph_classifier *c)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const ph_variable *v = c->graph->variable; v; v = v->next) {
        const uint8_t *bytes = (const uint8_t *)v->data;
        for (size_t i = 0; v->kind == PH_VARIABLE_PARAMETER && i < v->size * sizeof(real); i++)
            hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}
