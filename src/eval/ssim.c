/* ssim.c - structural similarity (Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from
 * error visibility to structural similarity", 2004).
 *
 *     ssim = (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sxx + syy + C2))
 *     C1 = (0.01 white)^2, C2 = (0.03 white)^2
 *
 * with means m and (co)variances s under a Gaussian window of 11 x 11 pixels, sigma 1.5, and the mean
 * taken over the places where the whole window lies in the picture, as in the authors' program. The
 * window is a product of a row and a column: x, y, x^2, y^2 and x y are averaged along rows, then
 * along columns, in double, since variances are differences of squares.
 */
#include "eval/eval.h"

#include "base/kernel.h"
#include "base/team.h"

#include <math.h>
#include <stdlib.h>

enum { WINDOW = PH_SSIM_WINDOW, MOMENTS = 5 };

typedef struct job {
    const ph_ssim_desc *d;
    const real *x, *y;
    size_t rows;
    double *out, weight[WINDOW];
    double *scratch;           /* for each part: one picture line and all lines averaged along */
    size_t scratch_size;
} job;

/* out[c] = the sum of weight[k] * a[c + k * stride]. */
PH_KERNEL static void average(const double *a, size_t stride, size_t n, const double *weight,
                              double *out)
{
    for (size_t c = 0; c < n; c++)
        out[c] = weight[0] * a[c];
    for (size_t k = 1; k < WINDOW; k++)
        for (size_t c = 0; c < n; c++)
            out[c] += weight[k] * a[c + k * stride];
}

PH_KERNEL static double compare(const double *m, size_t n, double c1, double c2)
{
    const double *x = m, *y = m + n, *xx = m + 2 * n, *yy = m + 3 * n, *xy = m + 4 * n;
    double sum = 0;
    for (size_t c = 0; c < n; c++) {
        double both = x[c] * y[c], squares = x[c] * x[c] + y[c] * y[c];
        sum += (2 * both + c1) * (2 * (xy[c] - both) + c2) /
               ((squares + c1) * (xx[c] + yy[c] - squares + c2));
    }
    return sum;
}

/* The mean over one channel of one picture. */
static double channel(const job *j, const real *x, const real *y, double *scratch)
{
    size_t width = j->d->width, step = j->d->channels, across = width - WINDOW + 1;
    size_t down = j->d->height - WINDOW + 1;
    double *line = scratch, *along = line + MOMENTS * width, sum = 0;
    double *window = along + MOMENTS * across * j->d->height;
    for (size_t r = 0; r < j->d->height; r++) {
        for (size_t c = 0; c < width; c++) {
            double a = (double)x[(r * width + c) * step] / j->d->white;
            double b = (double)y[(r * width + c) * step] / j->d->white;
            line[c] = a;
            line[width + c] = b;
            line[2 * width + c] = a * a;
            line[3 * width + c] = b * b;
            line[4 * width + c] = a * b;
        }
        for (size_t m = 0; m < MOMENTS; m++)
            average(line + m * width, 1, across, j->weight, along + (r * MOMENTS + m) * across);
    }
    for (size_t r = 0; r < down; r++) {
        average(along + r * MOMENTS * across, MOMENTS * across, MOMENTS * across, j->weight, window);
        sum += compare(window, across, 0.01 * 0.01, 0.03 * 0.03);
    }
    return sum / (double)(across * down);
}

static void run(void *context, int part, int parts)
{
    const job *j = context;
    const ph_ssim_desc *d = j->d;
    double *scratch = j->scratch + (size_t)part * j->scratch_size;
    size_t size = d->height * d->width * d->channels;
    for (size_t r = (size_t)part; r < j->rows; r += (size_t)parts) {
        double sum = 0;
        for (size_t c = 0; c < d->channels; c++)
            sum += channel(j, j->x + r * size + c, j->y + r * size + c, scratch);
        j->out[r] = sum / (double)d->channels;
    }
}

ph_status ph_ssim(const ph_ssim_desc *d, const real *x, const real *y, size_t rows, double *out)
{
    job j = { .d = d, .x = x, .y = y, .rows = rows, .out = out };
    double sum = 0;
    for (int k = 0; k < WINDOW; k++)
        sum += j.weight[k] = exp(-(k - WINDOW / 2) * (k - WINDOW / 2) / (2 * 1.5 * 1.5));
    for (int k = 0; k < WINDOW; k++)
        j.weight[k] /= sum;
    j.scratch_size = MOMENTS * (2 * d->width + d->width * d->height);
    j.scratch = malloc((size_t)ph_team_parts() * j.scratch_size * sizeof *j.scratch);
    if (j.scratch == NULL)
        return ph_fail(PH_MEMORY, "out of memory for ssim");
    ph_team_run(run, &j);
    free(j.scratch);
    return PH_OK;
}
