/* lapack.c - eigenvectors of a symmetric matrix by LAPACK's syevr (Dhillon and Parlett 2004), singular
 * values by its gesdd.
 *
 * The library is opened when it is first needed. Linked in the usual way it would be loaded, with
 * the BLAS behind it, by every command: 20 of the 25 ms that a start would take.
 */
#include "base/lapack.h"

#include <dlfcn.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

typedef __typeof__(LAPACKE_dsyevr_work) syevr_function;

/* The function of that name, or NULL with a message. */
static void *find(const char *name)
{
    static const char *const names[] = { "liblapacke.so.3", "liblapacke.so", "libopenblas.so.0" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        void *found = library ? dlsym(library, name) : NULL;
        if (found)
            return found;
    }
    ph_fail(PH_IO, "LAPACK is needed here and was not found: install liblapacke");
    return NULL;
}

static bool all_finite(const double *matrix, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(matrix[i]))
            return false;
    return true;
}

/* With working memory of ours: where LAPACKE takes it and there is none, it prints. */
ph_status ph_eigenvectors(double *matrix, size_t n, size_t k, double *value, double *vectors)
{
    syevr_function *syevr;
    *(void **)&syevr = find("LAPACKE_dsyevr_work");
    if (syevr == NULL)
        return PH_IO;
    if (!all_finite(matrix, n * n))
        return ph_fail(PH_DATA, "no eigenvectors: there are NaN or infinite values");
    lapack_int size = (lapack_int)n, first = (lapack_int)(n - k + 1), found = 0, whole_need = 0;
    double *all = malloc(n * sizeof *all), *work = NULL, need = 0;
    lapack_int *support = malloc((2 * k + 2) * sizeof *support), *whole_work = NULL;
    /* A first call with lengths of -1 only tells how much memory the second needs. */
    lapack_int info = syevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', size, matrix, size, 0, 0, first, size, 0,
                            &found, all, vectors, size, support, &need, -1, &whole_need, -1);
    if (info == 0) {
        work = malloc(((size_t)need + 1) * sizeof *work);
        whole_work = malloc(((size_t)whole_need + 1) * sizeof *whole_work);
    }
    ph_status status = PH_OK;
    if (info == 0 && (all == NULL || support == NULL || work == NULL || whole_work == NULL))
        status = ph_fail(PH_MEMORY, "out of memory for eigenvectors");
    if (info == 0 && status == PH_OK)
        info = syevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', size, matrix, size, 0, 0, first, size, 0, &found,
                     all, vectors, size, support, work, (lapack_int)need, whole_work, whole_need);
    if (status == PH_OK && (info != 0 || found != (lapack_int)k))
        status = ph_fail(PH_DATA, "the eigenvectors do not converge");
    for (size_t i = 0; i < k && status == PH_OK; i++)
        value[i] = all[i];
    free(all);
    free(support);
    free(work);
    free(whole_work);
    return status;
}

ph_status ph_singular_values(double *matrix, size_t m, size_t n, double *value)
{
    __typeof__(LAPACKE_dgesdd) *gesdd;
    *(void **)&gesdd = find("LAPACKE_dgesdd");
    if (gesdd == NULL)
        return PH_IO;
    double none;
    if (gesdd(LAPACK_ROW_MAJOR, 'N', (lapack_int)m, (lapack_int)n, matrix, (lapack_int)n, value, &none,
              (lapack_int)m, &none, (lapack_int)n) != 0)
        return ph_fail(PH_DATA, "the singular values do not converge; are there NaN values?");
    return PH_OK;
}
