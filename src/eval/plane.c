/* plane.c - codes on a plane: their own two numbers, or their first two principal axes; and how
 * much of that plane they leave empty. Of codes that are a class and a style, the styles: a class is
 * no place.
 *
 * The axes are those of up to PH_PLANE_SAMPLE codes, found by orthogonal iteration: no matrix of
 * code x code is made, and no LAPACK has to be there. A grid of PH_PLANE_CELLS x PH_PLANE_CELLS
 * lies over the central 95 % of the codes on either axis, so that a few codes far out do not
 * stretch it. Of n codes that are normally distributed about a cell of probability p stays empty
 * with (1 - p)^n: what is empty beyond that are gaps.
 */
#include "eval/eval.h"
#include "base/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 500 };

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the map of the codes");
}

/* ---- Axes ------------------------------------------------------------------------------------ */

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* to = transpose(X) X from, for the centred rows X; returns the length of to, which becomes 1. */
static double multiply(const double *x, size_t rows, size_t n, const double *from,
                       const double *across, double *to)
{
    memset(to, 0, n * sizeof *to);
    for (size_t i = 0; i < rows; i++) {
        double along = dot(x + i * n, from, n);
        for (size_t c = 0; c < n; c++)
            to[c] += along * x[i * n + c];
    }
    if (across) { /* stays at right angles to the axis found before */
        double part = dot(to, across, n);
        for (size_t c = 0; c < n; c++)
            to[c] -= part * across[c];
    }
    double length = sqrt(dot(to, to, n));
    for (size_t c = 0; c < n && length > 0; c++)
        to[c] /= length;
    return length;
}

static double find_axis(const double *x, size_t rows, size_t n, const double *across, double *axis,
                        double *next)
{
    /* A start that no symmetry of the data makes perpendicular to the answer. */
    for (size_t c = 0; c < n; c++)
        next[c] = 1 + 0.37 * sin((double)c + 1);
    double length = 0, before = -1;
    for (int i = 0; i < ITERATIONS && fabs(length - before) > 1e-12 * length; i++) {
        before = length;
        memcpy(axis, next, n * sizeof *axis);
        length = multiply(x, rows, n, axis, across, next);
    }
    memcpy(axis, next, n * sizeof *axis);
    size_t largest = 0;
    for (size_t c = 0; c < n; c++)
        largest = fabs(axis[c]) > fabs(axis[largest]) + 1e-9 ? c : largest;
    double sign = axis[largest] < 0 ? -1 : 1;
    for (size_t c = 0; c < n; c++)
        axis[c] *= sign;
    return length;
}

static ph_status principal_axes(ph_plane *map, double *x, size_t rows)
{
    size_t n = map->code;
    double *next = malloc(n * sizeof *next), total = 0;
    if (next == NULL)
        return out_of_memory();
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            map->mean[c] += x[i * n + c] / (double)rows;
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            x[i * n + c] -= map->mean[c];
    for (size_t i = 0; i < rows * n; i++)
        total += x[i] * x[i];
    for (size_t a = 0; a < 2 && total > 0; a++)
        map->share[a] = find_axis(x, rows, n, a ? map->axis : NULL, map->axis + a * n, next) /
                        total;
    free(next);
    return PH_OK;
}

/* Codes of one or two numbers are their own axes. */
static ph_status choose_axes(ph_plane *map, ph_model *m, const ph_data *data)
{
    size_t n = map->code, count = map->rows < PH_PLANE_SAMPLE ? map->rows : PH_PLANE_SAMPLE;
    if (n <= 2) {
        map->axis[0] = 1;
        map->axis[n == 2 ? 3 : 0] = 1;
        return PH_OK;
    }
    double *x = malloc(count * n * sizeof *x);
    real *code = malloc(n * sizeof *code);
    ph_status status = x && code ? PH_OK : out_of_memory();
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        status = ph_model_apply_data(m, map->function, data, ph_spread(i, count, map->rows), 1, code);
        for (size_t c = 0; c < n; c++)
            x[i * n + c] = (double)code[c];
    }
    if (status == PH_OK)
        status = principal_axes(map, x, count);
    free(x);
    free(code);
    return status;
}

bool ph_plane_of_styles(const ph_plane *map)
{
    return strcmp(map->function, "style") == 0;
}

ph_status ph_plane_begin(ph_plane *map, ph_model *m, const ph_data *data)
{
    size_t in, n;
    bool styles = ph_model_export(m, "style") && ph_model_takes_rows(m, "style");
    const char *function = styles ? "style" : "encode";
    PH_TRY(ph_model_port(m, function, &in, &n));
    *map = (ph_plane){ .function = function, .rows = data->rows, .code = n };
    map->mean = calloc(n, sizeof *map->mean);
    map->axis = calloc(2 * n, sizeof *map->axis);
    map->place[0] = calloc(map->rows, sizeof *map->place[0]);
    map->place[1] = calloc(map->rows, sizeof *map->place[1]);
    if (!map->mean || !map->axis || !map->place[0] || !map->place[1])
        return out_of_memory();
    return choose_axes(map, m, data);
}

void ph_plane_put(ph_plane *map, size_t row, const real *code, double error)
{
    for (size_t a = 0; a < 2; a++) {
        double at = 0;
        for (size_t c = 0; c < map->code; c++)
            at += ((double)code[c] - map->mean[c]) * map->axis[a * map->code + c];
        map->place[a][row] = a == 1 && map->code == 1 ? error : at;
    }
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static ph_status central_ranges(ph_plane *map)
{
    double *sorted = malloc(map->rows * sizeof *sorted), last = (double)(map->rows - 1);
    if (sorted == NULL)
        return out_of_memory();
    for (int a = 0; a < 2; a++) {
        memcpy(sorted, map->place[a], map->rows * sizeof *sorted);
        ph_sort_numbers(sorted, map->rows);
        map->low[a] = sorted[(size_t)(0.025 * last)];
        map->high[a] = sorted[(size_t)ceil(0.975 * last)];
    }
    free(sorted);
    return PH_OK;
}

static size_t count_empty(const ph_plane *map, size_t axes)
{
    bool full[PH_PLANE_CELLS * PH_PLANE_CELLS] = { false };
    size_t empty = map->cells;
    for (size_t i = 0; i < map->rows; i++) {
        size_t cell[2] = { 0, 0 };
        bool inside = true;
        for (size_t a = 0; a < axes; a++) {
            double range = map->high[a] - map->low[a];
            double at = range > 0 ? (map->place[a][i] - map->low[a]) / range * PH_PLANE_CELLS : 0;
            inside = inside && at >= 0 && at <= PH_PLANE_CELLS;
            cell[a] = !inside ? 0 : at < PH_PLANE_CELLS ? (size_t)at : PH_PLANE_CELLS - 1;
        }
        bool *at = &full[cell[1] * PH_PLANE_CELLS + cell[0]];
        empty -= inside && !*at;
        *at = *at || inside;
    }
    return empty;
}

/* The share of cells that as many normal codes, independent on both axes, are expected to leave
 * empty. */
static double empty_of_normal(size_t rows, size_t axes)
{
    const double edge = 1.9599639845400545; /* 2.5 % lie beyond it */
    double p[PH_PLANE_CELLS], sum = 0;
    for (int i = 0; i < PH_PLANE_CELLS; i++) {
        double low = edge * (2.0 * i / PH_PLANE_CELLS - 1);
        double high = edge * (2.0 * (i + 1) / PH_PLANE_CELLS - 1);
        p[i] = (erf(high / sqrt(2)) - erf(low / sqrt(2))) / 2;
    }
    for (int i = 0; i < PH_PLANE_CELLS; i++)
        for (int k = 0; k < PH_PLANE_CELLS; k++)
            sum += pow(1 - (axes > 1 ? p[i] * p[k] : p[i]), (double)rows);
    return sum / PH_PLANE_CELLS / PH_PLANE_CELLS;
}

ph_status ph_plane_end(ph_plane *map)
{
    size_t axes = map->code == 1 ? 1 : 2;
    PH_TRY(central_ranges(map));
    map->cells = axes == 1 ? PH_PLANE_CELLS : PH_PLANE_CELLS * PH_PLANE_CELLS;
    map->empty = (double)count_empty(map, axes) / (double)map->cells;
    map->empty_normal = empty_of_normal(map->rows, axes);
    return PH_OK;
}

void ph_plane_free(ph_plane *map)
{
    free(map->mean);
    free(map->axis);
    free(map->place[0]);
    free(map->place[1]);
}

/* ---- Figures --------------------------------------------------------------------------------- */

ph_status ph_plane_figures(ph_study *s, const ph_plane *map, const ph_figures *train)
{
    PH_TRY(ph_study_add(s, "empty_cells", map->empty,
                        "share of %s over the central 95 %% of %zu %s%s that is empty",
                        map->code == 1 ? "20 intervals" : "a 20x20 grid", map->rows,
                        ph_plane_of_styles(map) ? "styles" : "codes",
                        map->code > 2 ? ", on their first two principal axes," : ""));
    PH_TRY(ph_study_add(s, "empty_cells_normal", map->empty_normal,
                        "the same, expected of as many normally distributed codes"));
    if (train == NULL)
        return PH_OK;
    return ph_study_add(s, "train_minus_test",
                        ph_figure_get(train, "mse") - ph_figure_get(s->figures, "mse"),
                        "mse of the training part minus that of these rows");
}

/* Errors of rows are asked for only where they make an axis. */
static ph_status put_rows(ph_plane *map, ph_model *m, const ph_data *data)
{
    real *code = malloc(PH_EVAL_ROWS * map->code * sizeof *code);
    ph_status status = code ? PH_OK : out_of_memory();
    for (size_t first = 0; first < map->rows && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t count = map->rows - first < PH_EVAL_ROWS ? map->rows - first : PH_EVAL_ROWS;
        status = ph_model_apply_data(m, map->function, data, first, count, code);
        for (size_t i = 0; i < count && status == PH_OK; i++)
            ph_plane_put(map, first + i, code + i * map->code, 0);
    }
    free(code);
    return status;
}

ph_status ph_study_map(ph_study *s)
{
    ph_plane map = { 0 };
    ph_figures train;
    ph_status status = ph_plane_begin(&map, s->model, s->data);
    if (status == PH_OK)
        status = put_rows(&map, s->model, s->data);
    if (status == PH_OK)
        status = ph_plane_end(&map);
    if (status == PH_OK && s->asked->training)
        status = ph_model_eval(s->model, s->asked->training, &train);
    if (status == PH_OK)
        status = ph_plane_figures(s, &map, s->asked->training ? &train : NULL);
    ph_plane_free(&map);
    return status;
}
