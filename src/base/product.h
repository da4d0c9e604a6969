/* product.h - the matrix product kernel: one operand packed into column panels, the other read
 * where it lies, a block of the result computed at a time.
 *
 * A caller packs B once, cuts C = A B into blocks, and may compute the blocks in any order, on any
 * threads: an element of C has the same bits whatever block it is computed in.
 */
#ifndef PH_BASE_PRODUCT_H
#define PH_BASE_PRODUCT_H

#include <stddef.h>

#include "base/real.h"

enum {
    PH_PANEL = 128 / sizeof(real), /* Columns of a panel. */
    PH_BLOCK_ROWS = 48,            /* A block of this size keeps the kernel busy, */
    PH_BLOCK_PANELS = 4            /* and its result in the cache for what is done to it next. */
};

/* How many reals B, k x n, takes when packed. */
size_t ph_panels_size(size_t k, size_t n);

/* Packs the panels first .. last-1 of B, whose element (kk, j) is b[kk * k_stride + j * n_stride].
 * Panel p lies at panels + p * k * PH_PANEL; columns past n are zero. */
void ph_pack_panels(real *panels, const real *b, size_t k_stride, size_t n_stride, size_t k,
                    size_t n, size_t first, size_t last);

/* C = A B for m rows and the n columns that begin with the first column of panels: element (i, kk)
 * of A is a[i * m_stride + kk * k_stride], one of the strides is 1. Rows of C lie c_stride reals
 * apart and are written up to a multiple of PH_PANEL; what is written past column n is undefined
 * but finite wherever... */
void ph_product_block(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride,
                      const real *panels, size_t m, size_t k, size_t n);

/* The instruction set in use: "v4", "v3" or "v1". */
const char *ph_product_isa(void);

#endif
