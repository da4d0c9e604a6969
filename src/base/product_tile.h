/* product_tile.h - the innermost loops of the product, for one instruction set.
 *
 * product.c includes this once per instruction set, with ISA, TARGET, BYTES (of a vector) and ROWS
 * (the most rows a tile has) defined.
 */
typedef real ISA(vec) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));

TARGET static inline __attribute__((always_inline)) void
ISA(tile)(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride, const real *b,
          size_t k, bool more, const int rows, const int vecs)
{
    enum { LANES = BYTES / sizeof(real) };
    ISA(vec) sum[ROWS][2];
    const real *row[(ROWS + 2) / 3];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r += 3)
        row[r / 3] = a + r * m_stride;
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++)
            sum[r][v] = more ? *(const ISA(vec) *)(c + r * c_stride + v * LANES) : (ISA(vec)){0};
    for (size_t kk = 0; kk < k; kk++) {
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 2
            for (int v = 0; v < vecs; v++)
                sum[r][v] += row[r / 3][r % 3 * m_stride] * ((const ISA(vec) *)b)[v];
        }
#pragma GCC unroll 16
        for (int r = 0; r < rows; r += 3)
            row[r / 3] += k_stride;
        b += PH_PANEL;
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++)
            *(ISA(vec) *)(c + r * c_stride + v * LANES) = sum[r][v];
}

#define INSTANCE(rows)                                                                             \
    TARGET static void ISA(tile##rows)(TILE_PARAMETERS)                                            \
    {                                                                                              \
        if (wide)                                                                                  \
            ISA(tile)(c, c_stride, a, m_stride, k_stride, b, k, more, rows, 2);                    \
        else                                                                                       \
            ISA(tile)(c, c_stride, a, m_stride, k_stride, b, k, more, rows, 1);                    \
    }
EACH_ROWS
#undef INSTANCE
