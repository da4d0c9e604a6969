/* neighbours.c - classification by the nearest rows (Cover and Hart 1967): Euclidean, exact.
 *
 * Rounding of the distances, which are made by products, may swap rows that are nearly as near as each other: the
 * candidates that are kept are more than are asked for, and their distances are computed anew, in double, before
 * they are ranked.
 */
#include "eval/eval.h"

#include "base/kernel.h"
#include "base/team.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 24, MAX_KINDS = 4 };

typedef struct candidate {
    double distance;
    size_t row;
} candidate;

typedef struct search {
    const ph_data *train, *test;
    const ph_scaling *scaling;
    ph_distances d;            /* of test rows to blocks of training rows */
    size_t width, block_first;
    real *shift;
    candidate *kept;           /* KEPT for each test row, the farthest first */
    real *limit;               /* for each test row: the farthest one kept */
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

/* The least of a line. Most lines have none below the limit: one pass of vectors. */
PH_KERNEL static real nearest(const real *distance, size_t n)
{
    real least = distance[0];
    for (size_t c = 1; c < n; c++)
        least = distance[c] < least ? distance[c] : least;
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

static void scan(void *context, size_t row, size_t column, const real *distance, size_t columns)
{
    search *s = context;
    if (nearest(distance, columns) >= s->limit[row])
        return;
    for (size_t c = 0; c < columns; c++)
        if (distance[c] < s->limit[row])
            keep(s, row, distance[c], s->block_first + column + c);
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
    const real *own = s->d.rows + row * s->width;
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
    PH_TRY(ph_fetch_range(s->train, s->scaling, 0, rows, s->d.block));
    for (size_t c = 0; c < s->width; c++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++)
            sum += (double)s->d.block[r * s->width + c];
        s->shift[c] = (real)(sum / (double)rows);
    }
    return PH_OK;
}

static ph_status search_all(search *s)
{
    size_t all = s->train->rows, rows = s->test->rows;
    PH_TRY(take_shift(s, all < PH_EVAL_ROWS ? all : PH_EVAL_ROWS));
    PH_TRY(ph_fetch_range(s->test, s->scaling, 0, rows, s->d.rows));
    subtract(s, s->d.rows, rows);
    for (size_t i = 0; i < rows * KEPT; i++)
        s->kept[i] = (candidate){ INFINITY, SIZE_MAX };
    for (size_t r = 0; r < rows; r++)
        s->limit[r] = (real)INFINITY;
    for (size_t first = 0; first < all; first += PH_EVAL_ROWS) {
        size_t count = all - first < PH_EVAL_ROWS ? all - first : PH_EVAL_ROWS;
        s->block_first = first;
        PH_TRY(ph_fetch_range(s->train, s->scaling, first, count, s->d.block));
        subtract(s, s->d.block, count);
        ph_distances_visit(&s->d, count, scan, s);
    }
    ph_team_run(decide, s);
    ph_status status = (ph_status)atomic_load(&s->status);
    return status == PH_OK ? PH_OK : ph_fail(status, "%s: cannot read its rows", s->train->name);
}

ph_status ph_neighbours(const ph_data *train, const ph_data *test, const ph_scaling *scaling,
                        const size_t *k, size_t count, double *accuracy)
{
    size_t w = train->width;
    search s = { .train = train, .test = test, .scaling = scaling, .width = w, .k = k,
                 .kinds = count };
    ph_status status = ph_distances_begin(&s.d, test->rows, w);
    s.shift = malloc(w * sizeof *s.shift);
    s.limit = malloc(test->rows * sizeof *s.limit);
    s.kept = malloc(test->rows * KEPT * sizeof *s.kept);
    if (status == PH_OK && (!s.shift || !s.limit || !s.kept))
        status = ph_fail(PH_MEMORY, "out of memory for the neighbours of %zu rows", test->rows);
    if (status == PH_OK)
        status = search_all(&s);
    for (size_t i = 0; i < count; i++)
        accuracy[i] = (double)atomic_load(&s.hits[i]) / (double)test->rows;
    ph_distances_end(&s.d);
    free(s.shift);
    free(s.limit);
    free(s.kept);
    return status;
}
