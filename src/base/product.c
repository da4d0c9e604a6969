/* product.c - packing, and the loops around the tile of product_tile.h.
 *
 * After Goto and van de Geijn (2008) and Van Zee and van de Geijn (2015): a tile of the result stays
 * in registers while k runs, B streams from packed panels, k is cut so that the piece of a panel in
 * use stays in the L1 cache. A is read where it lies. The cut of k is fixed, hence every element is
 * the same chain of fused multiply-adds whatever block it is computed in.
 */
#include "base/product.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { K_BLOCK = 256 };

#define TILE_PARAMETERS                                                                            \
    real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride, const real *b,      \
        size_t k, bool more, bool wide
typedef void tile_function(TILE_PARAMETERS);

typedef struct instruction_set {
    const char *name;
    size_t rows, columns;       /* of the largest tile */
    tile_function *const *tile; /* tile[r - 1] computes r rows */
} instruction_set;

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define ISA(name) CAT(name##_, SUFFIX)

#define SUFFIX v1
#define TARGET
#define BYTES 16
#define ROWS 4
#define EACH_ROWS INSTANCE(1) INSTANCE(2) INSTANCE(3) INSTANCE(4)
#include "base/product_tile.h"
static tile_function *const tiles_v1[] = { tile1_v1, tile2_v1, tile3_v1, tile4_v1 };
static const instruction_set set_v1 = { "v1", ROWS, 2 * BYTES / sizeof(real), tiles_v1 };
#undef SUFFIX
#undef TARGET
#undef BYTES
#undef ROWS
#undef EACH_ROWS

#ifdef __x86_64__
#define SUFFIX v3
#define TARGET __attribute__((target("avx2,fma")))
#define BYTES 32
#define ROWS 6
#define EACH_ROWS INSTANCE(1) INSTANCE(2) INSTANCE(3) INSTANCE(4) INSTANCE(5) INSTANCE(6)
#include "base/product_tile.h"
static tile_function *const tiles_v3[] = { tile1_v3, tile2_v3, tile3_v3, tile4_v3, tile5_v3,
                                           tile6_v3 };
static const instruction_set set_v3 = { "v3", ROWS, 2 * BYTES / sizeof(real), tiles_v3 };
#undef SUFFIX
#undef TARGET
#undef BYTES
#undef ROWS
#undef EACH_ROWS

#define SUFFIX v4
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")))
#define BYTES 64
#define ROWS 12
#define EACH_ROWS                                                                                  \
    INSTANCE(1) INSTANCE(2) INSTANCE(3) INSTANCE(4) INSTANCE(5) INSTANCE(6) INSTANCE(7)            \
    INSTANCE(8) INSTANCE(9) INSTANCE(10) INSTANCE(11) INSTANCE(12)
#include "base/product_tile.h"
static tile_function *const tiles_v4[] = { tile1_v4, tile2_v4, tile3_v4,  tile4_v4,
                                           tile5_v4, tile6_v4, tile7_v4,  tile8_v4,
                                           tile9_v4, tile10_v4, tile11_v4, tile12_v4 };
static const instruction_set set_v4 = { "v4", ROWS, 2 * BYTES / sizeof(real), tiles_v4 };
#endif

static const instruction_set *choose(void)
{
#ifdef __x86_64__
    const char *wanted = getenv("PINHOLE_ISA");
    bool v1 = wanted && strcmp(wanted, "v1") == 0, v3 = wanted && strcmp(wanted, "v3") == 0;
    __builtin_cpu_init();
    if (!v1 && !v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        return &set_v4;
    if (!v1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &set_v3;
#endif
    return &set_v1;
}

static const instruction_set *current(void)
{
    /* Every thread that gets here first stores the same pointer. */
    static const instruction_set *chosen;
    const instruction_set *set = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (set == NULL) {
        set = choose();
        __atomic_store_n(&chosen, set, __ATOMIC_RELAXED);
    }
    return set;
}

const char *ph_product_isa(void)
{
    return current()->name;
}

size_t ph_panels_size(size_t k, size_t n)
{
    return (n + PH_PANEL - 1) / PH_PANEL * PH_PANEL * k;
}

void ph_pack_panels(real *panels, const real *b, size_t k_stride, size_t n_stride, size_t k,
                    size_t n, size_t first, size_t last)
{
    for (size_t p = first; p < last; p++) {
        size_t from = p * PH_PANEL, width = n - from < PH_PANEL ? n - from : PH_PANEL;
        real *panel = panels + from * k;
        const real *source = b + from * n_stride;
        if (n_stride == 1) {
            for (size_t kk = 0; kk < k; kk++, panel += PH_PANEL) {
                memcpy(panel, source + kk * k_stride, width * sizeof panel[0]);
                memset(panel + width, 0, (PH_PANEL - width) * sizeof panel[0]);
            }
            continue;
        }
        /* Transposing: pieces of 16 x PH_PANEL stay in the L1 cache on both sides. */
        for (size_t k0 = 0; k0 < k; k0 += 16) {
            size_t count = k - k0 < 16 ? k - k0 : 16;
            for (size_t j = 0; j < PH_PANEL; j++)
                for (size_t i = 0; i < count; i++)
                    panel[(k0 + i) * PH_PANEL + j] =
                        j < width ? source[j * n_stride + (k0 + i) * k_stride] : 0;
        }
    }
}

void ph_product_block(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride,
                      const real *panels, size_t m, size_t k, size_t n)
{
    const instruction_set *set = current();
    size_t most = set->rows;
    for (size_t k0 = 0; k0 < k; k0 += K_BLOCK) {
        size_t depth = k - k0 < K_BLOCK ? k - k0 : K_BLOCK;
        for (size_t j = 0; j < n; j += set->columns) {
            const real *b = panels + (j / PH_PANEL * k + k0) * PH_PANEL + j % PH_PANEL;
            for (size_t i = 0; i < m; i += most) {
                size_t rows = m - i < most ? m - i : most;
                set->tile[rows - 1](c + i * c_stride + j, c_stride,
                                    a + i * m_stride + k0 * k_stride, m_stride, k_stride, b, depth,
                                    k0 > 0, n - j > set->columns / 2);
            }
        }
    }
}
