/* product.h - the matrix product kernel: C = A B, a block of C at a time.
 *
 * A caller cuts C into blocks and may compute them in any order, on any threads: an element of C
 * has the same bits whatever block it is computed in. A is read where it lies; so is B if its rows
 * are contiguous (ph_product_block_direct). If its columns are, it is packed into panels once
 * before (ph_pack_panels, ph_product_block). Either way the bits are the same.
 */
#ifndef PH_BASE_PRODUCT_H
#define PH_BASE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/real.h"

enum {
    PH_PANEL = 128 / sizeof(real), /* Columns of a panel. */
    PH_BLOCK_ROWS = 64,            /* A block of this size keeps the kernel busy */
    PH_BLOCK_PANELS = 2            /* and stays in the L1 cache for what is done to it next. */
};

/* How many reals B, k x n, takes when packed. */
size_t ph_panels_size(size_t k, size_t n);

/* Packs the panels first .. last-1 of B, whose element (kk, j) is b[kk * k_stride + j * n_stride].
 * Panel p lies at panels + p * k * PH_PANEL; columns past n are zero. */
void ph_pack_panels(real *panels, const real *b, size_t k_stride, size_t n_stride, size_t k,
                    size_t n, size_t first, size_t last);

/* C = A B, or C += A B if `more`, for m rows and the n columns that begin with the first column of
 * panels. Element (i, kk) of A is a[i * m_stride + kk * k_stride]. Rows of C lie c_stride reals apart
 * and have room for a multiple of PH_PANEL columns: what column n and those after it hold afterwards is
 * undefined, but for `more`, which adds zeros to them where A is finite. */
void ph_product_block(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride,
                      const real *panels, size_t m, size_t k, size_t n, bool more);

/* The same for a B that is not packed: element (kk, j) is b[kk * b_stride + j], b_stride >= n. */
void ph_product_block_direct(real *c, size_t c_stride, const real *a, size_t m_stride,
                             size_t k_stride, const real *b, size_t b_stride, size_t m, size_t k,
                             size_t n, bool more);

/* The instruction set in use: "v4", "v3" or "v1". */
const char *ph_product_isa(void);

#endif
