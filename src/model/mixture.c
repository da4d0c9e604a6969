/* mixture.c - a Gaussian mixture over codes (Dempster, Laird and Rubin 1977), so that an autoencoder
 * without a prior can be drawn from.
 *
 * Full covariances, kept as lower Cholesky factors; expectation maximisation from means that are drawn
 * apart from each other (k-means++, Arthur and Vassilvitskii 2007), until the likelihood gains less
 * than a thousandth of a nat a row.
 */
#include "model/model.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ph_mixture_free(ph_mixture *m)
{
    free(m->weight);
    *m = (ph_mixture){ 0 };
}

/* One piece of memory: weights, means, factors. */
ph_status ph_mixture_make(ph_mixture *m, size_t count, size_t width)
{
    size_t each = 1 + width + width * width;
    ph_mixture_free(m);
    double *memory = calloc(count * each, sizeof *memory);
    if (memory == NULL)
        return ph_fail(PH_MEMORY, "out of memory for a mixture of %zu", count);
    *m = (ph_mixture){ count, width, memory, memory + count, memory + count * (1 + width) };
    return PH_OK;
}

static double uniform(uint64_t seed, uint32_t *number)
{
    uint32_t word[4];
    ph_philox(word, (uint32_t[4]){ (*number)++, 0, 0, 0x4d495854 },
              (uint32_t[2]){ (uint32_t)seed, (uint32_t)(seed >> 32) });
    return (word[0] + 0.5) / 4294967296.0;
}

static double distance(const real *x, const double *mean, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)x[i] - mean[i]) * ((double)x[i] - mean[i]);
    return sum;
}

/* Each further mean is a row drawn with a chance that grows with its squared distance to the nearest
 * mean there is. */
static void start_means(ph_mixture *m, const real *codes, size_t rows, double *nearest, uint64_t seed)
{
    uint32_t draws = 0;
    size_t n = m->width, chosen = (size_t)(uniform(seed, &draws) * (double)rows);
    for (size_t k = 0; k < m->count; k++) {
        double sum = 0, *mean = m->mean + k * n;
        for (size_t i = 0; i < n; i++)
            mean[i] = (double)codes[chosen * n + i];
        for (size_t r = 0; r < rows; r++) {
            double d = distance(codes + r * n, mean, n);
            nearest[r] = k == 0 || d < nearest[r] ? d : nearest[r];
            sum += nearest[r];
        }
        double at = uniform(seed, &draws) * sum;
        for (chosen = 0; chosen + 1 < rows && (at -= nearest[chosen]) > 0;)
            chosen++;
    }
}

/* The lower Cholesky factor in place, with a ridge that keeps it possible. */
static void factor(double *a, size_t n, double ridge)
{
    for (size_t i = 0; i < n; i++)
        a[i * n + i] += ridge;
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++)
            for (size_t i = j; i < n; i++)
                a[i * n + j] -= a[i * n + k] * a[j * n + k];
        double root = sqrt(a[j * n + j] > ridge * 1e-3 ? a[j * n + j] : ridge * 1e-3);
        for (size_t i = j; i < n; i++)
            a[i * n + j] /= root;
        a[j * n + j] = root;
        for (size_t i = 0; i < j; i++)
            a[i * n + j] = 0;
    }
}

double ph_mixture_distance(const ph_mixture *m, size_t k, const real *x, double *solved)
{
    size_t n = m->width;
    const double *l = m->factor + k * n * n, *mean = m->mean + k * n;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)x[i] - mean[i];
        for (size_t j = 0; j < i; j++)
            d -= l[i * n + j] * solved[j];
        solved[i] = d / l[i * n + i];
        sum += solved[i] * solved[i];
    }
    return sum;
}

static double log_density(const ph_mixture *m, size_t k, const real *x, double *solved)
{
    size_t n = m->width;
    const double *l = m->factor + k * n * n;
    double sum = log(m->weight[k] > 1e-300 ? m->weight[k] : 1e-300) - 0.5 * (double)n * log(2 * M_PI);
    for (size_t i = 0; i < n; i++)
        sum -= log(l[i * n + i]);
    return sum - 0.5 * ph_mixture_distance(m, k, x, solved);
}

/* Shares of each component in each row; returns the mean log-likelihood. */
static double expect(const ph_mixture *m, const real *codes, size_t rows, double *share, double *solved)
{
    double total = 0;
    for (size_t r = 0; r < rows; r++) {
        double *at = share + r * m->count, most = -INFINITY, sum = 0;
        for (size_t k = 0; k < m->count; k++) {
            at[k] = log_density(m, k, codes + r * m->width, solved);
            most = at[k] > most ? at[k] : most;
        }
        for (size_t k = 0; k < m->count; k++)
            sum += at[k] = exp(at[k] - most);
        for (size_t k = 0; k < m->count; k++)
            at[k] /= sum;
        total += most + log(sum);
    }
    return total / (double)rows;
}

static void maximise(ph_mixture *m, const real *codes, size_t rows, const double *share, double ridge)
{
    size_t n = m->width;
    for (size_t k = 0; k < m->count; k++) {
        double sum = 1e-12, *mean = m->mean + k * n, *spread = m->factor + k * n * n;
        memset(mean, 0, n * sizeof *mean);
        memset(spread, 0, n * n * sizeof *spread);
        for (size_t r = 0; r < rows; r++) {
            double w = share[r * m->count + k];
            sum += w;
            for (size_t i = 0; i < n; i++)
                mean[i] += w * (double)codes[r * n + i];
        }
        for (size_t i = 0; i < n; i++)
            mean[i] /= sum;
        for (size_t r = 0; r < rows; r++) {
            double w = share[r * m->count + k];
            if (w < 1e-12)
                continue;
            for (size_t i = 0; i < n; i++) {
                double d = w * ((double)codes[r * n + i] - mean[i]);
                for (size_t j = 0; j <= i; j++)
                    spread[i * n + j] += d * ((double)codes[r * n + j] - mean[j]);
            }
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                spread[i * n + j] /= sum;
        factor(spread, n, ridge);
        m->weight[k] = sum / (double)rows;
    }
}

/* The mean variance of a code's numbers: what the ridge is measured by. */
static double mean_variance(const real *codes, size_t rows, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        double mean = 0, square = 0;
        for (size_t r = 0; r < rows; r++) {
            mean += (double)codes[r * n + i] / (double)rows;
            square += (double)codes[r * n + i] * (double)codes[r * n + i] / (double)rows;
        }
        total += square - mean * mean;
    }
    return total / (double)n;
}

/* What is added to variances, so that a number that never changes has one. */
static double ridge_of(double variance)
{
    return 1e-4 * variance + 1e-12;
}

ph_status ph_mixture_fit(ph_mixture *m, size_t count, const real *codes, size_t rows, size_t width,
                         uint64_t seed)
{
    enum { MOST_ROUNDS = 200 };
    if (rows < 2 * count)
        return ph_fail(PH_USAGE, "a mixture of %zu needs more than %zu rows", count, rows);
    PH_TRY(ph_mixture_make(m, count, width));
    double *share = malloc(rows * count * sizeof *share), *nearest = malloc(rows * sizeof *nearest);
    double *solved = malloc(width * sizeof *solved), before = -INFINITY;
    bool ok = share && nearest && solved;
    double variance = mean_variance(codes, rows, width), ridge = ridge_of(variance);
    if (ok)
        start_means(m, codes, rows, nearest, seed);
    for (size_t k = 0; k < count; k++) {
        m->weight[k] = 1 / (double)count;
        for (size_t i = 0; i < width; i++)
            m->factor[k * width * width + i * width + i] = sqrt(variance + ridge);
    }
    for (int round = 0; ok && round < MOST_ROUNDS; round++) {
        double likelihood = expect(m, codes, rows, share, solved);
        if (likelihood - before < 1e-3)
            break;
        before = likelihood;
        maximise(m, codes, rows, share, ridge);
    }
    free(share);
    free(nearest);
    free(solved);
    return ok ? PH_OK : ph_fail(PH_MEMORY, "out of memory while fitting a mixture");
}

ph_status ph_mixture_of(ph_mixture *m, const ph_data *codes)
{
    ph_data_info info;
    ph_data_describe(codes, &info);
    size_t n = info.width;
    double variance = 0;
    PH_TRY(ph_mixture_make(m, 1, n));
    double *scatter = calloc(n * n, sizeof *scatter);
    ph_status status = scatter ? ph_moments(codes, &ph_scaling_none, m->mean, scatter)
                               : ph_fail(PH_MEMORY, "out of memory for a covariance");
    for (size_t i = 0; i < n && status == PH_OK; i++)
        for (size_t j = 0; j <= i; j++)
            m->factor[i * n + j] = scatter[j * n + i] / (double)info.rows;
    for (size_t i = 0; i < n && status == PH_OK; i++)
        variance += m->factor[i * n + i] / (double)n;
    if (status == PH_OK)
        factor(m->factor, n, ridge_of(variance));
    m->weight[0] = 1;
    free(scatter);
    return status;
}

/* normal: `width` standard normals. */
void ph_mixture_draw(const ph_mixture *m, double u, const double *normal, real *code)
{
    size_t k = 0, n = m->width;
    while (k + 1 < m->count && (u -= m->weight[k]) > 0)
        k++;
    for (size_t i = 0; i < n; i++) {
        double sum = m->mean[k * n + i];
        for (size_t j = 0; j <= i; j++)
            sum += m->factor[(k * n + i) * n + j] * normal[j];
        code[i] = (real)sum;
    }
}
