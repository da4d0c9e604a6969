/* product_tile.h - the innermost loops of the product, for one instruction set.
 *
 * product.c includes this once for each instruction set, with ISA(name), ISA_NAME, TARGET (an
 * attribute), BYTES (of a vector), ROWS (the most rows of a tile) and EACH_ROWS (INSTANCE(1) to
 * INSTANCE(ROWS)) defined; they end here. The loops over rows and vectors have constant bounds
 * after inlining and are unrolled away: the sums of a tile, rows x 2 vectors, live in registers.
 */
typedef real ISA(vector) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));

/* Rows of A are addressed in threes from one pointer (p, p + s, p + 2s are all addressing modes):
 * a pointer a row would not fit into the general registers. */
TARGET static inline __attribute__((always_inline)) void
ISA(tile)(real *c, size_t c_stride, const real *a, size_t m_stride, size_t k_stride, const real *b,
          size_t b_stride, size_t k, bool more, const size_t rows, const size_t width)
{
    enum { LANES = BYTES / sizeof(real) };
    ISA(vector) sum[ROWS][2];
    const real *row[(ROWS + 2) / 3];
    UNROLL for (size_t r = 0; r < rows; r += 3)
        row[r / 3] = a + r * m_stride;
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < width; v++)
            sum[r][v] = more ? *(ISA(vector) *)(c + r * c_stride + v * LANES) : (ISA(vector)){0};
    for (size_t kk = 0; kk < k; kk++) {
        const ISA(vector) *line = (const ISA(vector) *)(b + kk * b_stride);
        UNROLL for (size_t r = 0; r < rows; r++)
            UNROLL for (size_t v = 0; v < width; v++)
                sum[r][v] += row[r / 3][r % 3 * m_stride] * line[v];
        UNROLL for (size_t r = 0; r < rows; r += 3)
            row[r / 3] += k_stride;
    }
    UNROLL for (size_t r = 0; r < rows; r++)
        UNROLL for (size_t v = 0; v < width; v++)
            *(ISA(vector) *)(c + r * c_stride + v * LANES) = sum[r][v];
}

#define INSTANCE(rows)                                                                             \
    TARGET static void ISA(tile_##rows)(TILE_PARAMETERS)                                           \
    {                                                                                              \
        if (wide)                                                                                  \
            ISA(tile)(c, c_stride, a, m_stride, k_stride, b, b_stride, k, more, rows, 2);          \
        else                                                                                       \
            ISA(tile)(c, c_stride, a, m_stride, k_stride, b, b_stride, k, more, rows, 1);          \
    }
EACH_ROWS
#undef INSTANCE

/* Packs rows of B, all PH_PANEL columns of them read and those from `width` on set to zero. */
TARGET static void ISA(copy)(real *panel, const real *b, size_t k_stride, size_t k, size_t width)
{
    typedef __typeof__((ISA(vector)){0} < (ISA(vector)){0}) bits;
    enum { LANES = BYTES / sizeof(real), VECTORS = PH_PANEL / LANES };
    bits keep[VECTORS];
    for (size_t j = 0; j < PH_PANEL; j++)
        keep[j / LANES][j % LANES] = j < width ? -1 : 0;
    for (size_t kk = 0; kk < k; kk++) {
        const ISA(vector) *from = (const ISA(vector) *)(b + kk * k_stride);
        ISA(vector) *to = (ISA(vector) *)(panel + kk * PH_PANEL);
        UNROLL for (size_t v = 0; v < VECTORS; v++)
            to[v] = (ISA(vector))((bits)from[v] & keep[v]);
    }
}

TARGET static void ISA(transpose)(real *to, const real *from, size_t stride)
{
    transpose(to, from, stride);
}

static const struct kernel ISA(kernel) = {
    .name = ISA_NAME,
    .rows = ROWS,
    .lanes = BYTES / sizeof(real),
    .copy = ISA(copy),
    .transpose = ISA(transpose),
#define INSTANCE(rows) ISA(tile_##rows),
    .tile = {EACH_ROWS},
#undef INSTANCE
};

#undef ISA
#undef ISA_NAME
#undef TARGET
#undef BYTES
#undef ROWS
#undef EACH_ROWS
