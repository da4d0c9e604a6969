/* lapack.h - the one door to LAPACK. */
#ifndef PH_BASE_LAPACK_H
#define PH_BASE_LAPACK_H

#include "base/error.h"

/* The k largest eigenvalues of the symmetric n x n matrix (its lower triangle, column by column, is
 * read and spoilt), ascending, and their vectors, one after the other: value[k], vectors[k * n].
 * PH_DATA when they do not converge, PH_IO when there is no LAPACK on this machine. */
ph_status ph_eigenvectors(double *matrix, size_t n, size_t k, double *value, double *vectors);
/* The min(m, n) singular values of an m x n matrix, which is spoilt, in falling order. */
ph_status ph_singular_values(double *matrix, size_t m, size_t n, double *value);

#endif
