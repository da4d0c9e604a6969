/* moments.c - mean and scatter of a set's rows, in one pass.
 *
 * Rows are shifted by the mean of the first block (any fixed shift serves), so that squares stay
 * small, and the mean's part is taken out at the end. Products are made in blocks of the element
 * type, on all threads, and added up in double.
 */
#include "model/model.h"

#include "base/product.h"
#include "base/team.h"

#include <stdlib.h>

enum { BLOCK = 1024 };

/* The upper triangle of scatter += transpose(X) X for one block X of rows, tile by tile. */
typedef struct square_job {
    const real *x;
    size_t count, width;
    double *scatter;
} square_job;

static void multiply_job(void *context, int part, int parts)
{
    square_job *s = context;
    enum { COLUMNS = PH_BLOCK_PANELS * PH_PANEL };
    _Alignas(64) real tile[PH_BLOCK_ROWS * COLUMNS];
    size_t n = s->width, number = 0;
    for (size_t row = 0; row < n; row += PH_BLOCK_ROWS)
        for (size_t column = row / COLUMNS * COLUMNS; column < n; column += COLUMNS) {
            if (number++ % (size_t)parts != (size_t)part)
                continue;
            size_t rows = n - row < PH_BLOCK_ROWS ? n - row : PH_BLOCK_ROWS;
            size_t columns = n - column < COLUMNS ? n - column : COLUMNS;
            ph_product_block_direct(tile, COLUMNS, s->x + row, 1, n, s->x + column, n, rows,
                                    s->count, columns, false);
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < columns; j++)
                    s->scatter[(row + i) * n + column + j] += (double)tile[i * COLUMNS + j];
        }
}

static void take_shift(const real *block, size_t rows, size_t n, real *shift)
{
    for (size_t c = 0; c < n; c++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++)
            sum += (double)block[r * n + c];
        shift[c] = (real)(sum / (double)rows);
    }
}

static void add_block(real *block, size_t count, size_t n, const real *shift, double *mean,
                      double *scatter)
{
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < n; c++)
            mean[c] += (double)(block[r * n + c] -= shift[c]);
    ph_team_run(multiply_job, &(square_job){ block, count, n, scatter });
}

ph_status ph_moments(const ph_data *data, const ph_scaling *scaling, double *mean, double *scatter)
{
    size_t n = data->width, rows = data->rows;
    real *block = aligned_alloc(64, (BLOCK * n * sizeof(real) + 63) / 64 * 64);
    real *shift = malloc(n * sizeof *shift);
    ph_status status = block && shift ? PH_OK : ph_fail(PH_MEMORY, "out of memory for moments");
    for (size_t i = 0; i < n * n; i++)
        scatter[i] = 0;
    for (size_t c = 0; c < n; c++)
        mean[c] = 0;
    for (size_t first = 0; first < rows && status == PH_OK; first += BLOCK) {
        size_t count = rows - first < BLOCK ? rows - first : BLOCK;
        status = ph_fetch_range(data, scaling, first, count, block);
        if (status == PH_OK && first == 0)
            take_shift(block, count, n, shift);
        if (status == PH_OK)
            add_block(block, count, n, shift, mean, scatter);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            scatter[i * n + j] -= mean[i] * mean[j] / (double)rows;
    for (size_t c = 0; c < n && status == PH_OK; c++)
        mean[c] = mean[c] / (double)rows + (double)shift[c];
    free(block);
    free(shift);
    return status;
}
