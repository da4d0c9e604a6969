/* likelihood.c - how likely rows are under a variational model: log p(x) as the logarithm of the mean
 * importance weight over K samples (Rezende, Mohamed and Wierstra 2014; Burda et al. 2016), and what
 * each dimension of the code carries.
 *
 * The weights of a few samples are one run of a program; runs with other noise follow, so any K takes
 * the same memory. The sums keep their largest term apart, and nothing overflows.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct weights {
    double most, sum;          /* log of the largest weight, and the sum of all over it */
} weights;

static void add_weight(weights *w, double log_weight)
{
    if (log_weight > w->most) {
        w->sum = w->sum * exp(w->most - log_weight) + 1;
        w->most = log_weight;
    } else {
        w->sum += exp(log_weight - w->most);
    }
}

enum { BLOCK = 64 };

/* The estimate of log p(x) of `count` rows. */
static ph_status estimate(ph_model *m, ph_program *p, const ph_data *data, size_t first, size_t count,
                          size_t samples, size_t each, real *rows, double *out)
{
    weights w[BLOCK];
    PH_TRY(ph_fetch_range(data, &m->scaling, first, count, rows));
    for (size_t r = 0; r < count; r++)
        w[r] = (weights){ .most = -INFINITY };
    for (size_t done = 0; done < samples; done += each) {
        size_t take = samples - done < each ? samples - done : each;
        /* Rows of other blocks have other noise, too. */
        p->noise_step = (uint32_t)(first / BLOCK * ((samples + each - 1) / each) + done / each);
        PH_TRY(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, count }, (const void *[]){ rows }));
        const real *log_weight = ph_program_output(p, 0);
        for (size_t r = 0; r < count; r++)
            for (size_t k = 0; k < take; k++)
                add_weight(&w[r], (double)log_weight[r * each + k]);
    }
    for (size_t r = 0; r < count; r++)
        out[r] = w[r].most + log(w[r].sum / (double)samples);
    return PH_OK;
}

ph_status ph_likelihoods(ph_model *m, const ph_data *data, size_t samples, double *out)
{
    const ph_named *named = ph_model_export(m, "log-weights");
    size_t rows = data->rows;
    if (named == NULL)
        return ph_fail(PH_USAGE, "importance samples: a model of family %s has no likelihood",
                       m->family->face.name);
    size_t each = ph_shape_size(&named->value->shape);
    ph_program *p = ph_compile(m->graph, &(ph_program_desc){
        .feeds = (ph_node *[]){ named->input }, .feed_count = 1,
        .outputs = (ph_node *[]){ named->value }, .output_count = 1, .max_rows = BLOCK });
    real *block = aligned_alloc(64, (BLOCK * data->width * sizeof *block + 63) / 64 * 64);
    ph_status status = !p ? ph_last_status()
                       : block ? PH_OK
                               : ph_fail(PH_MEMORY, "out of memory for samples");
    for (size_t first = 0; first < rows && status == PH_OK; first += BLOCK)
        status = estimate(m, p, data, first, rows - first < BLOCK ? rows - first : BLOCK, samples, each,
                          block, out + first);
    free(block);
    ph_program_free(p);
    return status;
}

ph_status ph_study_likelihood(ph_study *s)
{
    ph_model *m = s->model;
    size_t samples = s->asked->importance_samples, rows = s->data->rows;
    double *out = malloc(rows * sizeof *out), mean = 0, square = 0;
    ph_status status = out ? ph_likelihoods(m, s->data, samples, out)
                           : ph_fail(PH_MEMORY, "out of memory for likelihoods of rows");
    for (size_t r = 0; r < rows && status == PH_OK; r++) {
        double delta = -out[r] - mean; /* Welford (1962) */
        mean += delta / (double)(r + 1);
        square += delta * (-out[r] - mean);
    }
    free(out);
    double spread = rows > 1 ? sqrt(square / (double)(rows - 1) / (double)rows) : 0;
    const char *likelihood = ph_model_option(m, "likelihood");
    bool bare = likelihood && strncmp(likelihood, "gaussian:", 9) == 0;
    if (status == PH_OK)
        status = ph_study_add(s, "nll", mean, "nats per row: minus log of the mean of %zu importance "
                              "weights, mean over rows%s", samples,
                              bare ? "; without the constant of the Gaussian, as rec" : "");
    return status == PH_OK ? ph_study_add(s, "nll_se", spread, "its standard error over rows") : status;
}

/* ---- What each dimension carries --------------------------------------------------------------- */

/* Means over rows, of what the model encodes and of the divergences. */
typedef struct posterior {
    size_t width, variables;   /* numbers of a code, variables that they are of */
    double *mean, *square;     /* of each number */
    double *kl;                /* of each variable; the model's memory */
    real *code, *parts;
} posterior;

static ph_status make_room(ph_study *s, posterior *p)
{
    size_t in;
    PH_TRY(ph_model_port(s->model, "encode", &in, &p->width));
    PH_TRY(ph_model_port(s->model, "kl", &in, &p->variables));
    p->mean = calloc(2 * p->width, sizeof *p->mean);
    p->square = p->mean ? p->mean + p->width : NULL;
    p->kl = ph_arena_take(&s->model->graph->arena, p->variables * sizeof *p->kl);
    p->code = malloc(PH_EVAL_ROWS * p->width * sizeof *p->code);
    p->parts = malloc(PH_EVAL_ROWS * p->variables * sizeof *p->parts);
    return p->mean && p->kl && p->code && p->parts
               ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the posterior");
}

static ph_status take_rows(ph_study *s, posterior *p, size_t first, size_t count)
{
    double rows = (double)s->data->rows;
    PH_TRY(ph_model_apply_data(s->model, "encode", s->data, first, count, p->code));
    PH_TRY(ph_model_apply_data(s->model, "kl", s->data, first, count, p->parts));
    for (size_t i = 0; i < count * p->width; i++) {
        double value = (double)p->code[i];
        p->mean[i % p->width] += value / rows;
        p->square[i % p->width] += value * value / rows;
    }
    for (size_t i = 0; i < count * p->variables; i++)
        p->kl[i % p->variables] += (double)p->parts[i] / rows;
    return PH_OK;
}

/* Variables whose mean moves with the row; that of one of classes has as many numbers. */
static size_t active_units(const posterior *p)
{
    size_t active = 0, each = p->width / p->variables;
    for (size_t v = 0; v < p->variables; v++) {
        double variance = 0;
        for (size_t c = v * each; c < (v + 1) * each; c++)
            variance += p->square[c] - p->mean[c] * p->mean[c];
        active += variance > 0.01;
    }
    return active;
}

static ph_status add_posterior(ph_study *s, const posterior *p)
{
    size_t active = active_units(p);
    bool collapsed = active == 0 && s->data->rows > 1; /* a single row varies in nothing */
    double largest = 0;
    for (size_t v = 0; v < p->variables; v++)
        largest = p->kl[v] > largest ? p->kl[v] : largest;
    PH_TRY(ph_study_add(s, "active_units", (double)active, "of %zu code dimensions, those whose mean "
                        "has a variance above 0.01 over the rows%s", p->variables,
                        collapsed ? ": the posterior has collapsed, the code says nothing of the row "
                                    "(try a lower beta, kl-warmup or free-bits)" : ""));
    PH_TRY(ph_study_add(s, "kl_largest", largest, "nats, of the code dimension that carries most"));
    s->figures->list[s->figures->lists++] =
        (ph_list){ "kl_per_dim", "nats per row of each code dimension", p->variables, p->kl };
    return PH_OK;
}

ph_status ph_study_posterior(ph_study *s)
{
    posterior p = { 0 };
    size_t rows = s->data->rows;
    if (ph_model_export(s->model, "kl") == NULL || ph_model_export(s->model, "encode") == NULL)
        return PH_OK;
    ph_status status = make_room(s, &p);
    for (size_t first = 0; first < rows && status == PH_OK; first += PH_EVAL_ROWS)
        status = take_rows(s, &p, first, rows - first < PH_EVAL_ROWS ? rows - first : PH_EVAL_ROWS);
    if (status == PH_OK)
        status = add_posterior(s, &p);
    free(p.mean);
    free(p.code);
    free(p.parts);
    return status;
}
