/* sets.c - rows that a model makes, as sets. */
#include "eval/eval.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>

typedef struct maker {
    ph_model *model;
    const char *function;
    const ph_data *data;
    real *codes;               /* of samples */
    size_t width;
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

/* A standard normal number for each place of a code (Box and Muller 1958). */
static double normal(uint64_t seed, size_t row, size_t column)
{
    uint32_t r[4], key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    ph_philox(r, (uint32_t[]){ (uint32_t)row, (uint32_t)((uint64_t)row >> 32), (uint32_t)column, 0 },
              key);
    double radius = sqrt(-2 * log(((double)r[0] + 0.5) / 4294967296.0));
    return radius * cos(6.283185307179586 * ((double)r[1] + 0.5) / 4294967296.0);
}

static ph_status decode(void *context, size_t first, size_t count, real *out)
{
    const maker *m = context;
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < m->width; c++)
            m->codes[r * m->width + c] = (real)normal(m->seed, first + r, c);
    return ph_model_apply(m->model, "decode", m->codes, count, out);
}

ph_data *ph_samples(ph_model *m, size_t rows, uint64_t seed)
{
    maker k = { .model = m, .seed = seed };
    size_t out;
    if (ph_model_port(m, "decode", &k.width, &out) != PH_OK)
        return NULL;
    k.codes = malloc(PH_EVAL_ROWS * k.width * sizeof *k.codes);
    if (k.codes == NULL) {
        ph_fail(PH_MEMORY, "out of memory for samples");
        return NULL;
    }
    ph_data *set = ph_data_compute("samples", rows, out, NULL, decode, &k);
    free(k.codes);
    return set;
}
