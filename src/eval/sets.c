/* sets.c - rows that a model makes, as sets. */
#include "eval/eval.h"

#include <stdlib.h>

typedef struct maker {
    ph_model *model;
    const char *function;
    const ph_data *data;
    ph_draws draws;            /* of samples; labels are of all of them */
    real *codes;
} maker;

static ph_status apply(void *context, size_t first, size_t count, real *out)
{
    const maker *m = context;
    return ph_model_apply_data(m->model, m->function, m->data, first, count, out);
}

ph_data *ph_results(ph_model *m, const char *function, const ph_data *data)
{
    size_t in, out;
    if (ph_model_port(m, function, &in, &out) != PH_OK)
        return NULL;
    return ph_data_compute(data->name, data->rows, out, data->labels, apply,
                           &(maker){ .model = m, .function = function, .data = data });
}

static ph_status decode(void *context, size_t first, size_t count, real *out)
{
    const maker *m = context;
    ph_draws here = m->draws;
    here.labels = here.labels ? here.labels + first : NULL;
    PH_TRY(ph_model_draw_codes(m->model, &here, first, count, m->codes));
    return ph_model_apply(m->model, "decode", m->codes, count, out);
}

static ph_data *make_samples(maker *k, size_t rows)
{
    size_t width, out;
    if (ph_model_port(k->model, "decode", &width, &out) != PH_OK)
        return NULL;
    k->codes = malloc(PH_EVAL_ROWS * width * sizeof *k->codes);
    if (k->codes == NULL) {
        ph_fail(PH_MEMORY, "out of memory for samples");
        return NULL;
    }
    ph_data *set = ph_data_compute("samples", rows, out, k->draws.labels, decode, k);
    free(k->codes);
    return set;
}

ph_data *ph_samples(ph_model *m, const char *from, size_t rows, uint64_t seed)
{
    return make_samples(&(maker){ .model = m, .draws = { .from = from, .seed = seed } }, rows);
}

ph_data *ph_samples_of_classes(ph_model *m, size_t rows, uint64_t seed)
{
    size_t classes = ph_model_labels(m);
    uint32_t *labels = malloc(rows * sizeof *labels);
    if (labels == NULL) {
        ph_fail(PH_MEMORY, "out of memory for samples");
        return NULL;
    }
    for (size_t r = 0; r < rows; r++)
        labels[r] = (uint32_t)(r % classes);
    ph_draws draws = { .from = "prior", .seed = seed, .labels = labels };
    ph_data *set = make_samples(&(maker){ .model = m, .draws = draws }, rows);
    free(labels);
    return set;
}
