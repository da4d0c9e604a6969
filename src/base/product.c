/* product.c - packing, blocking and the choice of the instruction set for the matrix product.
 *
 * The scheme is that of Goto and van de Geijn ("Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34(3), 2008) in the form of BLIS (Van Zee and van de Geijn, ACM TOMS
 * 41(3), 2015): a tile of C stays in registers while a row of a panel of B and a column of A pass
 * by for each k, and k is cut so that the part of the panel in use stays in the L1 cache. Unlike
 * theirs, A is never packed, for its elements are broadcast one by one, which suits either
 * orientation; and B only when it is transposed: at the sizes of a layer and a batch, copying B
 * costs more time (a tenth of the product) than contiguous panels save.
 *
 * An element of C is one chain of multiply-adds in ascending order of k, whatever the tile, the
 * block or the vector width: a sum that waits in memory between two parts of k loses nothing. So
 * the result depends on neither the batch nor the threads, and is the same on all instruction sets
 * that fuse multiply and add.
 */
#include "base/product.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum {
    DEPTH = 256,   /* Part of k: that much of a panel takes 32 KiB. */
    SQUARE = 8,    /* Side of the squares in which a transposed B is packed. */
    MOST_ROWS = 14 /* Of any tile below. */
};

#define TILE_PARAMETERS                                                                            \
    real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride, const real *b,      \
        size_t b_stride, size_t k, bool more, bool wide

/* tile[r - 1] computes r rows of C, two vectors wide or one, and adds to what is there if `more`.
 * copy and transpose are the inner loops of packing. */
struct kernel {
    const char *name;
    size_t rows, lanes;
    void (*copy)(real *panel, const real *b, size_t k_stride, size_t k, size_t width);
    void (*transpose)(real *to, const real *from, size_t stride);
    void (*tile[MOST_ROWS])(TILE_PARAMETERS);
};

typedef real eight
    __attribute__((vector_size(SQUARE * sizeof(real)), aligned(sizeof(real)), may_alias));

/* Transposes a square: rows of `from` lie `stride` apart, rows of `to` PH_PANEL. Seen as one
 * sequence, the square is riffled (its halves interleaved) three times, which turns the six bits of
 * an element's place by three. */
static inline __attribute__((always_inline)) void transpose(real *to, const real *from,
                                                             size_t stride)
{
    eight x[SQUARE], y[SQUARE];
    UNROLL for (int i = 0; i < SQUARE; i++)
        x[i] = *(const eight *)(from + i * stride);
    UNROLL for (int round = 0; round < 3; round++) {
        UNROLL for (int i = 0; i < SQUARE / 2; i++) {
            eight low = x[i], high = x[i + SQUARE / 2];
            y[2 * i] = __builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
            y[2 * i + 1] = __builtin_shufflevector(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
        }
        UNROLL for (int i = 0; i < SQUARE; i++)
            x[i] = y[i];
    }
    UNROLL for (int i = 0; i < SQUARE; i++)
        *(eight *)(to + i * PH_PANEL) = x[i];
}

#if defined __x86_64__
#define ISA(name) name##_v4
#define ISA_NAME "v4"
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))
#define BYTES 64
#define ROWS 14
#define EACH_ROWS                                                                                  \
    INSTANCE(1) INSTANCE(2) INSTANCE(3) INSTANCE(4) INSTANCE(5) INSTANCE(6) INSTANCE(7)            \
    INSTANCE(8) INSTANCE(9) INSTANCE(10) INSTANCE(11) INSTANCE(12) INSTANCE(13) INSTANCE(14)
#include "base/product_tile.h"

#define ISA(name) name##_v3
#define ISA_NAME "v3"
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define ROWS 6
#define EACH_ROWS                                                                                  \
    INSTANCE(1) INSTANCE(2) INSTANCE(3) INSTANCE(4) INSTANCE(5) INSTANCE(6)
#include "base/product_tile.h"
#endif

/* Sixteen registers of 16 bytes are what every vector unit has at least. */
#define ISA(name) name##_v1
#define ISA_NAME "v1"
#define TARGET
#define BYTES 16
#define ROWS 6
#define EACH_ROWS                                                                                  \
    INSTANCE(1) INSTANCE(2) INSTANCE(3) INSTANCE(4) INSTANCE(5) INSTANCE(6)
#include "base/product_tile.h"

/* Threads that come here at the same time all choose the same. PINHOLE_ISA asks for less than the
 * processor has, never for more. */
static const struct kernel *kernel(void)
{
    static const struct kernel *chosen;
    const struct kernel *kernel = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (kernel != NULL)
        return kernel;
    kernel = &kernel_v1;
#if defined __x86_64__
    const char *wish = getenv("PINHOLE_ISA");
    bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (wish != NULL && strcmp(wish, "v4") != 0)
        v4 = false;
    if (wish != NULL && strcmp(wish, "v1") == 0)
        v3 = false;
    kernel = v3 && v4 ? &kernel_v4 : v3 ? &kernel_v3 : &kernel_v1;
#endif
    __atomic_store_n(&chosen, kernel, __ATOMIC_RELAXED);
    return kernel;
}

const char *ph_product_isa(void)
{
    return kernel()->name;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ph_panels_size(size_t k, size_t n)
{
    return (n + PH_PANEL - 1) / PH_PANEL * PH_PANEL * k;
}

/* How many of the last rows cannot be read up to column `reach` without leaving the matrix, whose
 * rows lie `stride` apart and whose memory ends with column `width` of the last one. */
static size_t closed_rows(size_t k, size_t stride, size_t width, size_t reach)
{
    return width < reach ? least(k, (reach - width + stride - 1) / stride) : 0;
}

/* A panel of `width` columns from a B with contiguous rows. */
static void pack_rows(real *panel, const real *b, size_t k_stride, size_t k, size_t width)
{
    size_t open = k - closed_rows(k, k_stride, width, PH_PANEL);
    kernel()->copy(panel, b, k_stride, open, width);
    for (size_t kk = open; kk < k; kk++)
        for (size_t j = 0; j < PH_PANEL; j++)
            panel[kk * PH_PANEL + j] = j < width ? b[kk * k_stride + j] : 0;
}

/* A panel of `width` columns from a B with contiguous columns: by squares, two along k that share
 * their cache lines, and what is left at the edges one by one. */
static void pack_columns(real *panel, const real *b, size_t n_stride, size_t k, size_t width)
{
    const struct kernel *use = kernel();
    size_t k_whole = k / SQUARE * SQUARE, whole = width / SQUARE * SQUARE;
    for (size_t k0 = 0; k0 < k_whole; k0 += 2 * SQUARE)
        for (size_t j = 0; j < whole; j += SQUARE)
            for (size_t kk = k0; kk < k_whole && kk < k0 + 2 * SQUARE; kk += SQUARE)
                use->transpose(panel + kk * PH_PANEL + j, b + j * n_stride + kk, n_stride);
    for (size_t kk = 0; kk < k; kk++)
        for (size_t j = kk < k_whole ? whole : 0; j < PH_PANEL; j++)
            panel[kk * PH_PANEL + j] = j < width ? b[j * n_stride + kk] : 0;
}

void ph_pack_panels(real *panels, const real *b, size_t k_stride, size_t n_stride, size_t k,
                    size_t n, size_t first, size_t last)
{
    for (size_t p = first; p < last; p++) {
        size_t column = p * PH_PANEL, width = least(PH_PANEL, n - column);
        if (n_stride == 1)
            pack_rows(panels + column * k, b + column, k_stride, k, width);
        else
            pack_columns(panels + column * k, b + column * n_stride, n_stride, k, width);
    }
}

/* The columns of one tile, all m rows of them. */
static void product_slice(const struct kernel *use, real *c, size_t c_stride, const real *a,
                          size_t m_stride, size_t k_stride, const real *b, size_t b_stride,
                          size_t m, size_t k, bool more, bool wide)
{
    size_t strips = (m + use->rows - 1) / use->rows;
    for (size_t rows; m > 0; m -= rows, strips--) {
        rows = (m + strips - 1) / strips;
        use->tile[rows - 1](c, c_stride, a, m_stride, k_stride, b, b_stride, k, more, wide);
        c += rows * c_stride;
        a += rows * m_stride;
    }
}

/* The panels of B lie panel_stride apart, their rows b_stride; `readable` columns of B are there.
 * A tile reads whole vectors of B, of the last rows from a copy if B ends too early. */
static void product(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride,
                    const real *b, size_t b_stride, size_t panel_stride, size_t readable, size_t m,
                    size_t k, size_t n, bool more)
{
    const struct kernel *use = kernel();
    for (size_t j = 0; j < n; j += 2 * use->lanes) {
        const real *from = b + j / PH_PANEL * panel_stride + j % PH_PANEL;
        bool wide = n - j > use->lanes;
        size_t open = k - closed_rows(k, b_stride, readable - j, use->lanes << wide), k0 = 0;
        do {
            size_t depth = least(DEPTH, open - k0);
            product_slice(use, c + j, c_stride, a + k0 * k_stride, m_stride, k_stride,
                          from + k0 * b_stride, b_stride, m, depth, more || k0 > 0, wide);
            k0 += depth;
        } while (k0 < open);
        if (open < k) {
            real rest[PH_PANEL * PH_PANEL];
            pack_rows(rest, from + open * b_stride, b_stride, k - open, n - j);
            product_slice(use, c + j, c_stride, a + open * k_stride, m_stride, k_stride, rest,
                          PH_PANEL, m, k - open, true, wide);
        }
    }
}

void ph_product_block(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride,
                      const real *panels, size_t m, size_t k, size_t n, bool more)
{
    product(c, c_stride, a, m_stride, k_stride, panels, PH_PANEL, k * PH_PANEL,
            ph_panels_size(1, n), m, k, n, more);
}

void ph_product_block_direct(real *c, size_t c_stride, const real *a, size_t m_stride,
                             size_t k_stride, const real *b, size_t b_stride, size_t m, size_t k,
                             size_t n, bool more)
{
    product(c, c_stride, a, m_stride, k_stride, b, b_stride, PH_PANEL, n, m, k, n, more);
}
