/* frechet.c - two figures of generated rows, from features or class probabilities.
 *
 * Fréchet distance (Dowson and Landau 1982; of features: Heusel et al. 2017):
 *
 *     d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^1/2
 *
 * With S1 = A transpose(A) and S2 = B transpose(B) from eigenvectors, that last trace is the sum of the
 * singular values of transpose(A) B. They are exact to the rounding of the largest; eigenvalues of
 * S1^1/2 S2 S1^1/2 would be so before the root is taken, which loses half of the digits.
 *
 * Inception score (Salimans et al. 2016): exp E KL(p(y|x) || p(y)), for each of ten parts.
 */
#include "eval/eval.h"

#include "base/kernel.h"
#include "base/lapack.h"
#include "base/team.h"

#include <math.h>
#include <stdlib.h>

enum { PARTS = 10 };

typedef struct moments {
    double *mean, *factor;     /* factor: row i is eigenvector i times the root of its value */
    double trace;
} moments;

static void free_moments(moments *m)
{
    free(m->mean);
    free(m->factor);
}

static ph_status take_moments(const ph_data *d, moments *m)
{
    size_t n = d->width;
    if (d->rows < 2)
        return ph_fail(PH_DATA, "%s: a covariance needs two rows at least", d->name);
    double *covariance = malloc(n * n * sizeof *covariance), *value = malloc(n * sizeof *value);
    m->mean = malloc(n * sizeof *m->mean);
    m->factor = malloc(n * n * sizeof *m->factor);
    ph_status status = covariance && value && m->mean && m->factor
                           ? ph_moments(d, &ph_scaling_none, m->mean, covariance)
                           : ph_fail(PH_MEMORY, "out of memory for covariances of %zu features", n);
    m->trace = 0;
    for (size_t i = 0; i < n && status == PH_OK; i++) {
        for (size_t j = i; j < n; j++)
            covariance[i * n + j] /= (double)d->rows - 1;
        m->trace += covariance[i * n + i];
    }
    if (status == PH_OK)
        status = ph_eigenvectors(covariance, n, n, value, m->factor);
    for (size_t i = 0; i < n && status == PH_OK; i++)
        for (size_t j = 0; j < n; j++)
            m->factor[i * n + j] *= value[i] > 0 ? sqrt(value[i]) : 0;
    free(covariance);
    free(value);
    return status;
}

typedef struct product_job {
    const double *a, *b;
    double *out;
    size_t n;
} product_job;

PH_KERNEL static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* out = A transpose(B), in double. */
static void multiply(void *context, int part, int parts)
{
    const product_job *p = context;
    for (size_t i = (size_t)part; i < p->n; i += (size_t)parts)
        for (size_t j = 0; j < p->n; j++)
            p->out[i * p->n + j] = dot(p->a + i * p->n, p->b + j * p->n, p->n);
}

static ph_status trace_of_root(const moments *a, const moments *b, size_t n, double *trace)
{
    double *product = malloc(n * n * sizeof *product), *value = malloc(n * sizeof *value);
    ph_status status = product && value ? PH_OK : ph_fail(PH_MEMORY, "out of memory for a product");
    if (status == PH_OK) {
        ph_team_run(multiply, &(product_job){ a->factor, b->factor, product, n });
        status = ph_singular_values(product, n, n, value);
    }
    *trace = 0;
    for (size_t i = 0; i < n && status == PH_OK; i++)
        *trace += value[i];
    free(product);
    free(value);
    return status;
}

ph_status ph_frechet(const ph_data *x, const ph_data *y, double *distance)
{
    moments a = { 0 }, b = { 0 };
    double trace = 0;
    if (x->width != y->width)
        return ph_fail(PH_DATA, "%s: rows of %zu features, but %s has %zu", y->name, y->width, x->name,
                       x->width);
    ph_status status = take_moments(x, &a);
    if (status == PH_OK)
        status = take_moments(y, &b);
    if (status == PH_OK)
        status = trace_of_root(&a, &b, x->width, &trace);
    *distance = a.trace + b.trace - 2 * trace;
    for (size_t i = 0; i < x->width && status == PH_OK; i++)
        *distance += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i]);
    *distance = *distance > 0 ? *distance : 0;
    free_moments(&a);
    free_moments(&b);
    return status;
}

/* ---- Inception score ------------------------------------------------------------------------- */

/* The score of rows first, first + step, first + 2 step, ... mean: room for the classes. */
static ph_status score(const ph_data *d, size_t first, size_t step, real *row, double *mean,
                       double *result)
{
    double entropy = 0, divergence = 0, count = 0;
    for (size_t c = 0; c < d->width; c++)
        mean[c] = 0;
    for (size_t r = first; r < d->rows; r += step, count++) {
        PH_TRY(ph_data_read(d, &r, 1, row));
        for (size_t c = 0; c < d->width; c++) {
            double p = exp((double)row[c]);
            mean[c] += p;
            entropy -= p > 0 ? p * (double)row[c] : 0;
        }
    }
    for (size_t c = 0; c < d->width; c++)
        divergence -= mean[c] > 0 ? mean[c] / count * log(mean[c] / count) : 0;
    *result = exp(divergence - entropy / count);
    return PH_OK;
}

ph_status ph_inception_score(const ph_data *d, double *mean, double *deviation)
{
    size_t parts = d->rows < PARTS ? d->rows : PARTS;
    real *row = malloc(d->width * sizeof *row);
    double *average = malloc(d->width * sizeof *average), at[PARTS], squares = 0;
    ph_status status = row && average ? PH_OK : ph_fail(PH_MEMORY, "out of memory");
    *mean = 0;
    for (size_t i = 0; i < parts && status == PH_OK; i++) {
        status = score(d, i, parts, row, average, &at[i]);
        *mean += at[i] / (double)parts;
    }
    for (size_t i = 0; i < parts && status == PH_OK; i++)
        squares += (at[i] - *mean) * (at[i] - *mean);
    *deviation = sqrt(squares / (double)parts);
    free(row);
    free(average);
    return status;
}
