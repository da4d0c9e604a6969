/* neighbours.c - classification by the nearest rows (Cover and Hart 1967): Euclidean, exact.
 *
 * |a - b|^2 = |a|^2 + |b|^2 - 2 ab, so distances are products, made a block of training rows at a time.
 * Rounding may swap rows that are nearly as near as each other: the candidates that are kept are more
 * than are asked for, and their distances are computed anew, in double, before they are ranked.
 */
#include "eval/eval.h"

#include "base/kernel.h"
#include "base/product.h"
#include "base/team.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 24, COLUMNS = PH_BLOCK_PANELS * PH_PANEL, MAX_KINDS = 4 };

typedef struct candidate {
    double distance;
    size_t row;
} candidate;

typedef struct search {
    const ph_data *train, *test;
    const ph_scaling *scaling;
    size_t width, block_rows, block_first;
    real *rows, *block, *panels, *norm, *shift; /* rows: of the test set; norm: |b|^2 in the block */
    candidate *kept;                            /* KEPT for each test row, the farthest first */
    real *limit;                                /* for each test row: the farthest one kept */
    const size_t *k;
    size_t kinds;
    atomic_size_t hits[MAX_KINDS];
    atomic_int status;
} search;

static void subtract(const search *s, real *rows, size_t count)
{
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < s->width; c++)
            rows[r * s->width + c] -= s->shift[c];
}

/* The columns of this line that are nearer than the limit. Most lines have none: one pass of vectors. */
PH_KERNEL static real nearest(const real *product, const real *norm, size_t n)
{
    real least = norm[0] - 2 * product[0];
    for (size_t c = 1; c < n; c++) {
        real d = norm[c] - 2 * product[c];
        least = d < least ? d : least;
    }
    return least;
}

/* Puts one more among the kept and finds out which of them is now the farthest. */
static void keep(search *s, size_t row, real distance, size_t train_row)
{
    candidate *kept = s->kept + row * KEPT;
    size_t far = 0;
    kept[0] = (candidate){ (double)distance, train_row };
    for (size_t i = 1; i < KEPT; i++)
        if (kept[i].distance > kept[far].distance)
            far = i;
    candidate farthest = kept[far];
    kept[far] = kept[0];
    kept[0] = farthest;
    s->limit[row] = (real)farthest.distance;
}

static void scan(search *s, size_t row, const real *tile, size_t rows, size_t column, size_t columns)
{
    for (size_t i = 0; i < rows; i++) {
        const real *product = tile + i * COLUMNS, *norm = s->norm + column;
        if (nearest(product, norm, columns) >= s->limit[row + i])
            continue;
        for (size_t c = 0; c < columns; c++) {
            real d = norm[c] - 2 * product[c];
            if (d < s->limit[row + i])
                keep(s, row + i, d, s->block_first + column + c);
        }
    }
}

/* All test rows against the block of training rows. */
static void search_block(void *context, int part, int parts)
{
    search *s = context;
    _Alignas(64) real tile[PH_BLOCK_ROWS * COLUMNS];
    size_t step = (size_t)parts * PH_BLOCK_ROWS;
    for (size_t row = (size_t)part * PH_BLOCK_ROWS; row < s->test->rows; row += step) {
        size_t rows = s->test->rows - row < PH_BLOCK_ROWS ? s->test->rows - row : PH_BLOCK_ROWS;
        for (size_t column = 0; column < s->block_rows; column += COLUMNS) {
            size_t left = s->block_rows - column, columns = left < COLUMNS ? left : COLUMNS;
            ph_product_block(tile, COLUMNS, s->rows + row * s->width, s->width, 1,
                             s->panels + column * s->width, rows, s->width, columns);
            scan(s, row, tile, rows, column, columns);
        }
    }
}

static int by_distance(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static ph_status rank(const search *s, size_t row, real *other)
{
    candidate *kept = s->kept + row * KEPT;
    const real *own = s->rows + row * s->width;
    for (size_t i = 0; i < KEPT; i++) {
        if (kept[i].row == SIZE_MAX)
            continue;
        PH_TRY(ph_data_read_scaled(s->train, s->scaling, &kept[i].row, 1, other));
        subtract(s, other, 1);
        kept[i].distance = 0;
        for (size_t c = 0; c < s->width; c++) {
            double d = (double)own[c] - (double)other[c];
            kept[i].distance += d * d;
        }
    }
    qsort(kept, KEPT, sizeof *kept, by_distance);
    return PH_OK;
}

/* The class of most of the k nearest; among equals the one that is met first, from the nearest on. */
static uint32_t vote(const search *s, const candidate *kept, size_t k)
{
    uint32_t best = 0;
    size_t most = 0;
    for (size_t i = 0; i < k && kept[i].row != SIZE_MAX; i++) {
        uint32_t label = s->train->labels[kept[i].row];
        size_t votes = 0;
        for (size_t j = 0; j < k && kept[j].row != SIZE_MAX; j++)
            votes += s->train->labels[kept[j].row] == label;
        if (votes > most) {
            most = votes;
            best = label;
        }
    }
    return best;
}

static void decide(void *context, int part, int parts)
{
    search *s = context;
    real *other = malloc(s->width * sizeof *other);
    ph_status status = other ? PH_OK : PH_MEMORY;
    for (size_t r = (size_t)part; r < s->test->rows && status == PH_OK; r += (size_t)parts) {
        status = rank(s, r, other);
        for (size_t i = 0; i < s->kinds && status == PH_OK; i++)
            if (vote(s, s->kept + r * KEPT, s->k[i]) == s->test->labels[r])
                atomic_fetch_add(&s->hits[i], 1);
    }
    free(other);
    if (status != PH_OK)
        atomic_store(&s->status, (int)status);
}

/* Any fixed shift serves; the mean of the first rows makes the numbers small. */
static ph_status take_shift(search *s, size_t rows)
{
    PH_TRY(ph_fetch_range(s->train, s->scaling, 0, rows, s->block));
    for (size_t c = 0; c < s->width; c++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++)
            sum += (double)s->block[r * s->width + c];
        s->shift[c] = (real)(sum / (double)rows);
    }
    return PH_OK;
}

static ph_status search_all(search *s)
{
    size_t all = s->train->rows, w = s->width;
    PH_TRY(take_shift(s, all < PH_EVAL_ROWS ? all : PH_EVAL_ROWS));
    PH_TRY(ph_fetch_range(s->test, s->scaling, 0, s->test->rows, s->rows));
    subtract(s, s->rows, s->test->rows);
    for (size_t i = 0; i < s->test->rows * KEPT; i++)
        s->kept[i] = (candidate){ INFINITY, SIZE_MAX };
    for (size_t r = 0; r < s->test->rows; r++)
        s->limit[r] = (real)INFINITY;
    for (size_t first = 0; first < all; first += PH_EVAL_ROWS) {
        s->block_first = first;
        s->block_rows = all - first < PH_EVAL_ROWS ? all - first : PH_EVAL_ROWS;
        PH_TRY(ph_fetch_range(s->train, s->scaling, first, s->block_rows, s->block));
        subtract(s, s->block, s->block_rows);
        for (size_t r = 0; r < s->block_rows; r++) {
            double sum = 0;
            for (size_t c = 0; c < w; c++)
                sum += (double)s->block[r * w + c] * (double)s->block[r * w + c];
            s->norm[r] = (real)sum;
        }
        ph_pack_panels(s->panels, s->block, 1, w, w, s->block_rows, 0,
                       (s->block_rows + PH_PANEL - 1) / PH_PANEL);
        ph_team_run(search_block, s);
    }
    ph_team_run(decide, s);
    ph_status status = (ph_status)atomic_load(&s->status);
    return status == PH_OK ? PH_OK : ph_fail(status, "%s: cannot read its rows", s->train->name);
}

static real *reals(size_t count)
{
    return aligned_alloc(64, (count * sizeof(real) + 127) / 64 * 64);
}

ph_status ph_neighbours(const ph_data *train, const ph_data *test, const ph_scaling *scaling,
                        const size_t *k, size_t count, double *accuracy)
{
    size_t w = train->width;
    search s = { .train = train, .test = test, .scaling = scaling, .width = w, .k = k,
                 .kinds = count };
    s.rows = reals(test->rows * w);
    s.block = reals(PH_EVAL_ROWS * w);
    s.panels = reals(ph_panels_size(w, PH_EVAL_ROWS));
    s.norm = reals(PH_EVAL_ROWS);
    s.shift = reals(w);
    s.limit = reals(test->rows);
    s.kept = malloc(test->rows * KEPT * sizeof *s.kept);
    ph_status status = PH_OK;
    if (!s.rows || !s.block || !s.panels || !s.norm || !s.shift || !s.limit || !s.kept)
        status = ph_fail(PH_MEMORY, "out of memory for the neighbours of %zu rows", test->rows);
    if (status == PH_OK)
        status = search_all(&s);
    for (size_t i = 0; i < count; i++)
        accuracy[i] = (double)atomic_load(&s.hits[i]) / (double)test->rows;
    free(s.rows);
    free(s.block);
    free(s.panels);
    free(s.norm);
    free(s.shift);
    free(s.limit);
    free(s.kept);
    return status;
}
