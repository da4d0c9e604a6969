/* distance.c - how far codes lie from draws of the prior that they should follow.
 *
 *     mmd         squared maximum mean discrepancy (Gretton et al. 2012), unbiased, with the inverse
 *                 multiquadric kernel k(a, b) = C / (C + |a - b|^2), C = 2 n v for codes of n numbers and
 *                 draws of mean variance v (Tolstikhin et al. 2018); near 0, also below, where they agree
 *     mean        length of the difference of the means
 *     covariance  Frobenius norm of the difference of the covariances
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct moments {
    double *mean, *covariance;
} moments;

static void measure_moments(const real *rows, size_t n, size_t width, const moments *m)
{
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < width; i++)
            m->mean[i] += (double)rows[r * width + i] / (double)n;
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < width; i++)
            for (size_t j = 0; j < width; j++)
                m->covariance[i * width + j] += ((double)rows[r * width + i] - m->mean[i]) *
                                                ((double)rows[r * width + j] - m->mean[j]) / (double)n;
}

static double kernel(const real *a, const real *b, size_t width, double c)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return c / (c + sum);
}

/* Mean of the kernel over all pairs; of one set with itself, over pairs of different rows. */
static double mean_kernel(const real *a, const real *b, size_t n, size_t width, double c)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            sum += a == b && i == j ? 0 : kernel(a + i * width, b + j * width, width, c);
    return sum / (double)n / (double)(a == b ? n - 1 : n);
}

ph_status ph_distance_between(const real *codes, const real *draws, size_t n, size_t width,
                              ph_distance *d)
{
    double *room = calloc(2 * width * (width + 1), sizeof *room), variance = 0;
    if (room == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the distance of codes from their prior");
    moments a = { room, room + 2 * width }, b = { room + width, a.covariance + width * width };
    measure_moments(codes, n, width, &a);
    measure_moments(draws, n, width, &b);
    *d = (ph_distance){ 0 };
    for (size_t i = 0; i < width; i++) {
        d->mean += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i]);
        variance += b.covariance[i * width + i] / (double)width;
    }
    for (size_t i = 0; i < width * width; i++)
        d->covariance += (a.covariance[i] - b.covariance[i]) * (a.covariance[i] - b.covariance[i]);
    d->mean = sqrt(d->mean);
    d->covariance = sqrt(d->covariance);
    double c = 2 * (double)width * fmax(variance, 1e-12);
    if (n > 1)
        d->mmd = mean_kernel(codes, codes, n, width, c) + mean_kernel(draws, draws, n, width, c) -
                 2 * mean_kernel(codes, draws, n, width, c);
    free(room);
    return PH_OK;
}

ph_status ph_distance_measure(ph_graph *g, ph_node *x, const ph_data *data, const ph_scaling *scaling,
                              const size_t *rows, size_t n, ph_distance *d)
{
    size_t index[PH_COMPARED_ROWS], count = n < PH_COMPARED_ROWS ? n : PH_COMPARED_ROWS;
    size_t width = ph_shape_size(&x->shape);
    for (size_t i = 0; i < count; i++) {
        size_t at = ph_spread(i, count, n);
        index[i] = rows ? rows[at] : at;
    }
    real *batch = aligned_alloc(64, (count * width * sizeof *batch + 63) / 64 * 64);
    ph_program *p = batch ? ph_compile(g, &(ph_program_desc){
        .feeds = &x, .feed_count = 1, .outputs = g->compared, .output_count = 2, .max_rows = count })
                          : NULL;
    ph_status status = p ? ph_fetch(data, scaling, index, count, batch)
                         : batch ? ph_last_status() : ph_fail(PH_MEMORY, "out of memory for rows");
    if (status == PH_OK)
        status = ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, count }, (const void *[]){ batch });
    if (status == PH_OK)
        status = ph_distance_between(ph_program_output(p, 0), ph_program_output(p, 1), count,
                                     ph_shape_size(&g->compared[0]->shape), d);
    ph_program_free(p);
    free(batch);
    return status;
}

void ph_distance_figures(const ph_distance *d, ph_figure out[PH_DISTANCES])
{
    out[0] = (ph_figure){ "prior_mmd", "squared maximum mean discrepancy of up to 1000 codes from as many "
                          "draws of the prior, unbiased, kernel C / (C + d^2)", d->mmd };
    out[1] = (ph_figure){ "prior_mean", "distance of the mean code from the mean draw", d->mean };
    out[2] = (ph_figure){ "prior_covariance", "Frobenius norm of the difference of the covariances of codes and draws",
                          d->covariance };
}
