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
static ph_status estimate(ph_study *s, ph_program *p, size_t first, size_t count, size_t samples,
                          size_t each, real *rows, double *out)
{
    weights w[BLOCK];
    PH_TRY(ph_fetch_range(s->data, &s->model->scaling, first, count, rows));
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

ph_status ph_study_likelihood(ph_study *s)
{
    ph_model *m = s->model;
    const ph_named *named = ph_model_export(m, "log-weights");
    size_t samples = s->asked->importance_samples, rows = s->data->rows;
    if (named == NULL)
        return ph_fail(PH_USAGE, "importance-samples: a model of family %s has no likelihood",
                       m->family->face.name);
    size_t each = ph_shape_size(&named->value->shape);
    ph_program *p = ph_compile(m->graph, &(ph_program_desc){
        .feeds = (ph_node *[]){ named->input }, .feed_count = 1,
        .outputs = (ph_node *[]){ named->value }, .output_count = 1, .max_rows = BLOCK });
    real *block = aligned_alloc(64, (BLOCK * s->data->width * sizeof *block + 63) / 64 * 64);
    double out[BLOCK], mean = 0, square = 0;
    ph_status status = !p ? ph_last_status()
                       : block ? PH_OK
                               : ph_fail(PH_MEMORY, "out of memory for samples");
    for (size_t first = 0; first < rows && status == PH_OK; first += BLOCK) {
        size_t count = rows - first < BLOCK ? rows - first : BLOCK;
        status = estimate(s, p, first, count, samples, each, block, out);
        for (size_t r = 0; r < count && status == PH_OK; r++) {
            double delta = -out[r] - mean; /* Welford (1962) */
            mean += delta / (double)(first + r + 1);
            square += delta * (-out[r] - mean);
        }
    }
    free(block);
    ph_program_free(p);
    double spread = rows > 1 ? sqrt(square / (double)(rows - 1) / (double)rows) : 0;
    if (status == PH_OK)
        status = ph_study_add(s, "nll", mean, "nats per row: minus log of the mean of %zu importance "
                              "weights, mean over rows", samples);
    return status == PH_OK ? ph_study_add(s, "nll_se", spread, "its standard error over rows") : status;
}

/* ---- What each dimension carries --------------------------------------------------------------- */

ph_status ph_study_posterior(ph_study *s)
{
    ph_model *m = s->model;
    size_t in, width, latent, rows = s->data->rows;
    if (ph_model_export(m, "posterior") == NULL)
        return PH_OK;
    PH_TRY(ph_model_port(m, "posterior", &in, &width));
    latent = width / 2;
    real *out = malloc(PH_EVAL_ROWS * width * sizeof *out);
    double *sum = calloc(3 * latent, sizeof *sum), *mean = sum, *square = sum + latent;
    double *kl = sum + 2 * latent;
    ph_status status = out && sum ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the posterior");
    for (size_t first = 0; first < rows && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t count = rows - first < PH_EVAL_ROWS ? rows - first : PH_EVAL_ROWS;
        status = ph_model_apply_data(m, "posterior", s->data, first, count, out);
        for (size_t r = 0; r < count && status == PH_OK; r++)
            for (size_t c = 0; c < latent; c++) {
                double mu = (double)out[r * width + c], lv = (double)out[r * width + latent + c];
                mean[c] += mu / (double)rows;
                square[c] += mu * mu / (double)rows;
                kl[c] += 0.5 * (mu * mu + exp(lv) - lv - 1) / (double)rows;
            }
    }
    size_t active = 0;
    double largest = 0;
    for (size_t c = 0; c < latent && status == PH_OK; c++) {
        active += square[c] - mean[c] * mean[c] > 0.01;
        largest = kl[c] > largest ? kl[c] : largest;
    }
    if (status == PH_OK)
        status = ph_study_add(s, "active_units", (double)active, "of %zu code dimensions, those whose "
                              "mean has a variance above 0.01 over the rows%s", latent,
                              active ? "" : ": the posterior has collapsed, the code says nothing of "
                                            "the row (try a lower beta, kl-warmup or free-bits)");
    if (status == PH_OK)
        status = ph_study_add(s, "kl_largest", largest, "nats, of the code dimension that carries most");
    free(out);
    free(sum);
    return status;
}
