/* product.c - packing, blocking and the choice of the instruction set for the matrix product.
 *
 * The scheme is that of Goto and van de Geijn ("Anatomy of high-performance matrix
 * multiplication", ACM TOMS 34(3), 2008) in the form of BLIS (Van Zee and van de Geijn, ACM TOMS
 * 41(3), 2015): a tile of C stays in registers while one row of a packed panel of B and one column
 * of A pass by. Unlike theirs, A is not packed: its elements are broadcast one by one, for which
 * either orientation serves, and the matrices of a network are small enough to stay in the cache.
 *
 * An element of C is one chain of multiply-adds in ascending order of k, whatever the tile, the
 * block or the vector width: a sum that waits in memory between two blocks of k loses nothing. So
 * the result depends on neither the batch nor the threads, and is the same on all instruction sets
 * that fuse multiply-adds.
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
    DEPTH = TRY_DEPTH,  /* Block of k: a tile's rows of A stay in the L1 cache from panel to panel. */
    SQUARE = 8,   /* Side of the squares in which a transposed B is packed. */
    MOST_ROWS = 14 /* Of any tile below. */
};

#define TILE_PARAMETERS                                                                            \
    real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride, const real *b,      \
        size_t k, bool more, bool wide

/* tile[r - 1] computes r rows of C, two vectors wide or one, and adds to what is there if `more`. */
struct kernel {
    const char *name;
    size_t rows, lanes;
    void (*transpose)(real *to, const real *from, size_t stride);
    void (*tile[MOST_ROWS])(TILE_PARAMETERS);
};

typedef real eight __attribute__((vector_size(SQUARE * sizeof(real)), aligned(sizeof(real)), may_alias));

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

/* One panel of `width` columns from a B whose columns are contiguous: by squares, and what is left
 * at the edges one by one. */
static void pack_columns(real *panel, const real *b, size_t n_stride, size_t k, size_t width)
{
    void (*transpose)(real *, const real *, size_t) = kernel()->transpose;
    size_t k_whole = k / SQUARE * SQUARE, whole = width / SQUARE * SQUARE;
    for (size_t j = 0; j < whole; j += SQUARE)
        for (size_t kk = 0; kk < k_whole; kk += SQUARE)
            transpose(panel + kk * PH_PANEL + j, b + j * n_stride + kk, n_stride);
    for (size_t kk = 0; kk < k; kk++)
        for (size_t j = kk < k_whole ? whole : 0; j < width; j++)
            panel[kk * PH_PANEL + j] = b[j * n_stride + kk];
}

void ph_pack_panels(real *panels, const real *b, size_t k_stride, size_t n_stride, size_t k,
                    size_t n, size_t first, size_t last)
{
    for (size_t p = first; p < last; p++) {
        real *panel = panels + p * k * PH_PANEL;
        const real *from = b + p * PH_PANEL * n_stride;
        size_t width = least(PH_PANEL, n - p * PH_PANEL);
        if (n_stride != 1)
            pack_columns(panel, from, n_stride, k, width);
        else if (width == PH_PANEL)
            for (size_t kk = 0; kk < k; kk++)
                memcpy(panel + kk * PH_PANEL, from + kk * k_stride, PH_PANEL * sizeof *panel);
        else
            for (size_t kk = 0; kk < k; kk++)
                memcpy(panel + kk * PH_PANEL, from + kk * k_stride, width * sizeof *panel);
        if (width < PH_PANEL)
            for (size_t kk = 0; kk < k; kk++)
                memset(panel + kk * PH_PANEL + width, 0, (PH_PANEL - width) * sizeof *panel);
    }
}

void ph_product_block(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride,
                      const real *panels, size_t m, size_t k, size_t n)
{
    const struct kernel *use = kernel();
    size_t strips = (m + use->rows - 1) / use->rows;
    size_t k0 = 0;
    do {
        size_t depth = least(DEPTH, k - k0);
        for (size_t s = 0, i = 0; s < strips; s++) {
            size_t rows = (m - i + strips - s - 1) / (strips - s);
            const real *from = a + i * m_stride + k0 * k_stride;
            for (size_t j = 0; j < n; j += 2 * use->lanes) {
                const real *b = panels + j / PH_PANEL * PH_PANEL * k + k0 * PH_PANEL + j % PH_PANEL;
                use->tile[rows - 1](c + i * c_stride + j, c_stride, from, m_stride, k_stride, b,
                                    depth, k0 > 0, n - j > use->lanes);
            }
            i += rows;
        }
        k0 += depth;
    } while (k0 < k);
}
