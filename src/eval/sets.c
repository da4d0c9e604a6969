/* sets.c - rows that a model makes, as sets. */
#include "eval/eval.h"

#include <stdlib.h>

typedef struct maker {
    ph_model *model;
    const char *function, *from; /* of samples: where codes are drawn */
    const ph_data *data;
    real *codes;               /* of samples */
    size_t width, labels;      /* labels: of samples that are told their class, how many those are; or 0 */
    uint64_t seed;
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
    PH_TRY(ph_model_draw_codes(m->model, m->from, m->seed, first, count, m->codes));
    for (size_t r = 0; r < count && m->labels; r++)
        PH_TRY(ph_model_set_label(m->model, (first + r) % m->labels, m->codes + r * m->width, 1));
    return ph_model_apply(m->model, "decode", m->codes, count, out);
}

static ph_data *make_samples(maker *k, size_t rows, const uint32_t *labels)
{
    size_t out;
    if (ph_model_port(k->model, "decode", &k->width, &out) != PH_OK)
        return NULL;
    k->codes = malloc(PH_EVAL_ROWS * k->width * sizeof *k->codes);
    if (k->codes == NULL) {
        ph_fail(PH_MEMORY, "out of memory for samples");
        return NULL;
    }
    ph_data *set = ph_data_compute("samples", rows, out, labels, decode, k);
    free(k->codes);
    return set;
}

ph_data *ph_samples(ph_model *m, const char *from, size_t rows, uint64_t seed)
{
    return make_samples(&(maker){ .model = m, .from = from, .seed = seed }, rows, NULL);
}

ph_data *ph_samples_of_classes(ph_model *m, size_t rows, uint64_t seed)
{
    maker k = { .model = m, .from = "prior", .seed = seed, .labels = ph_model_labels(m) };
    uint32_t *labels = malloc(rows * sizeof *labels);
    if (labels == NULL) {
        ph_fail(PH_MEMORY, "out of memory for samples");
        return NULL;
    }
    for (size_t r = 0; r < rows; r++)
        labels[r] = (uint32_t)(r % k.labels);
    ph_data *set = make_samples(&k, rows, labels);
    free(labels);
    return set;
}
