/* distances.c - squared Euclidean distances of all rows of one side to a block of the other's, as products:
 * |a - b|^2 = |a|^2 + |b|^2 - 2 ab.
 */
#include "eval/eval.h"

#include "base/kernel.h"
#include "base/product.h"
#include "base/team.h"

#include <math.h>
#include <stdlib.h>

enum { COLUMNS = PH_BLOCK_PANELS * PH_PANEL };

static real *reals(size_t count)
{
    return aligned_alloc(64, (count * sizeof(real) + 127) / 64 * 64);
}

PH_KERNEL static void to_distances(real *product, const real *norm, size_t n)
{
    for (size_t c = 0; c < n; c++)
        product[c] = norm[c] - 2 * product[c];
}

typedef struct search {
    ph_distances *d;
    ph_line_visitor *visit;
    void *context;
} search;

static void search_block(void *context, int part, int parts)
{
    const search *s = context;
    const ph_distances *d = s->d;
    _Alignas(64) real tile[PH_BLOCK_ROWS * COLUMNS];
    for (size_t row = (size_t)part * PH_BLOCK_ROWS; row < d->count; row += (size_t)parts * PH_BLOCK_ROWS) {
        size_t rows = d->count - row < PH_BLOCK_ROWS ? d->count - row : PH_BLOCK_ROWS;
        for (size_t column = 0; column < d->block_rows; column += COLUMNS) {
            size_t left = d->block_rows - column, columns = left < COLUMNS ? left : COLUMNS;
            ph_product_block(tile, COLUMNS, d->rows + row * d->width, d->width, 1,
                             d->panels + column * d->width, rows, d->width, columns, false);
            for (size_t i = 0; i < rows; i++) {
                to_distances(tile + i * COLUMNS, d->norm + column, columns);
                s->visit(s->context, row + i, column, tile + i * COLUMNS, columns);
            }
        }
    }
}

ph_status ph_distances_begin(ph_distances *d, size_t count, size_t width)
{
    *d = (ph_distances){ .count = count, .width = width, .rows = reals(count * width),
                         .block = reals(PH_EVAL_ROWS * width), .norm = reals(PH_EVAL_ROWS),
                         .panels = reals(ph_panels_size(width, PH_EVAL_ROWS)) };
    return d->rows && d->block && d->norm && d->panels
               ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the distances of %zu rows", count);
}

void ph_distances_visit(ph_distances *d, size_t block_rows, ph_line_visitor *visit, void *context)
{
    search s = { d, visit, context };
    d->block_rows = block_rows;
    for (size_t r = 0; r < block_rows; r++)
        d->norm[r] = (real)ph_squares(d->block + r * d->width, d->width);
    ph_pack_panels(d->panels, d->block, 1, d->width, d->width, block_rows, 0,
                   (block_rows + PH_PANEL - 1) / PH_PANEL);
    ph_team_run(search_block, &s);
}

void ph_distances_end(ph_distances *d)
{
    free(d->rows);
    free(d->block);
    free(d->norm);
    free(d->panels);
    *d = (ph_distances){ 0 };
}

double ph_squares(const real *row, size_t width)
{
    double sum = 0;
    for (size_t c = 0; c < width; c++)
        sum += (double)row[c] * (double)row[c];
    return sum;
}
