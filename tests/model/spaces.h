/* spaces.h - the spaces that vectors span, and how far apart two of them are. */
#ifndef TESTS_MODEL_SPACES_H
#define TESTS_MODEL_SPACES_H

#include "base/real.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { MOST_VECTORS = 32, LONGEST_VECTOR = 1024 };

/* v less its part in the space of k orthonormal vectors q. */
static inline void leave_space(double *v, const double *q, size_t n, size_t k)
{
    for (size_t j = 0; j < k; j++) {
        double along = 0;
        for (size_t i = 0; i < n; i++)
            along += v[i] * q[j * n + i];
        for (size_t i = 0; i < n; i++)
            v[i] -= along * q[j * n + i];
    }
}

static inline double length_of(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* An orthonormal basis q [k, n] of the space of k vectors (Gram and Schmidt, twice). Number i of vector
 * j is a[i * step + j * next]. */
static inline void orthogonal(double *q, const real *a, size_t n, size_t k, size_t step, size_t next)
{
    for (size_t j = 0; j < k; j++) {
        double *v = q + j * n;
        for (size_t i = 0; i < n; i++)
            v[i] = (double)a[i * step + j * next];
        leave_space(v, q, n, j);
        leave_space(v, q, n, j);
        double length = length_of(v, n);
        for (size_t i = 0; i < n; i++)
            v[i] /= length;
    }
}

/* The sine of the largest principal angle between two spaces with orthonormal bases: the largest singular
 * value of what b leaves outside a, by power iteration. */
static inline double largest_sine(const double *a, const double *b, size_t n, size_t k)
{
    double v[MOST_VECTORS], out[LONGEST_VECTOR], sine = 0;
    for (size_t j = 0; j < k; j++)
        v[j] = 1 + 0.1 * (double)j;
    for (int turn = 0; turn < 300; turn++) {
        double length = length_of(v, k);
        memset(out, 0, sizeof out);
        for (size_t j = 0; j < k; j++)
            for (size_t i = 0; i < n; i++)
                out[i] += v[j] / length * b[j * n + i];
        leave_space(out, a, n, k);
        sine = length_of(out, n);
        for (size_t j = 0; j < k; j++) {
            v[j] = 1e-30;
            for (size_t i = 0; i < n; i++)
                v[j] += out[i] * b[j * n + i];
        }
    }
    return sine;
}

#endif
