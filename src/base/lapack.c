/* lapack.c - eigenvectors of a symmetric matrix by LAPACK's syevr (Dhillon and Parlett 2004).
 *
 * The library is opened when it is first needed. Linked in the usual way it would be loaded, with
 * the BLAS behind it, by every command: 20 of the 25 ms that a start would take.
 */
#include "base/lapack.h"

#include <dlfcn.h>
#include <lapacke.h>
#include <stdlib.h>

typedef __typeof__(LAPACKE_dsyevr) syevr_function;

static syevr_function *find_syevr(void)
{
    static const char *const names[] = { "liblapacke.so.3", "liblapacke.so", "libopenblas.so.0" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        syevr_function *found = NULL;
        if (library)
            *(void **)&found = dlsym(library, "LAPACKE_dsyevr");
        if (found)
            return found;
    }
    return NULL;
}

ph_status ph_eigenvectors(double *matrix, size_t n, size_t k, double *value, double *vectors)
{
    syevr_function *syevr = find_syevr();
    if (syevr == NULL)
        return ph_fail(PH_IO, "LAPACK is needed here and was not found: install liblapacke");
    lapack_int size = (lapack_int)n, first = (lapack_int)(n - k + 1), found = 0;
    double *all = malloc(n * sizeof *all);
    lapack_int *support = malloc((2 * k + 2) * sizeof *support);
    ph_status status = PH_OK;
    if (all == NULL || support == NULL)
        status = ph_fail(PH_MEMORY, "out of memory for eigenvectors");
    else if (syevr(LAPACK_COL_MAJOR, 'V', 'I', 'L', size, matrix, size, 0, 0, first, size, 0, &found,
                   all, vectors, size, support) != 0 || found != (lapack_int)k)
        status = ph_fail(PH_DATA, "the eigenvectors do not converge; are there NaN values?");
    for (size_t i = 0; i < k && status == PH_OK; i++)
        value[i] = all[i];
    free(all);
    free(support);
    return status;
}
