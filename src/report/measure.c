/* measure.c - what a page tells, measured before it is written: the errors of rows and columns, the
 * codes' variances, where each row lies on the map.
 *
 * The map's axes are the first two principal axes of the codes that it shows, found by orthogonal
 * iteration: no matrix of code x code is made, and no LAPACK has to be there.
 */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, SAMPLE = 2000, CELLS = 20, ITERATIONS = 500 };

size_t ph_page_spread(const ph_page *r, size_t i, size_t count)
{
    return (size_t)((unsigned __int128)i * r->rows / count);
}

size_t ph_page_largest(const double *values, size_t count, size_t most, size_t *place)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = kept;
        for (; at > 0 && values[place[at - 1]] < values[i]; at--)
            if (at < most)
                place[at] = place[at - 1];
        if (at < most)
            place[at] = i;
        kept += kept < most;
    }
    return kept;
}

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the report");
}

/* ---- The map's axes ----------------------------------------------------------------------------- */

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
    for (size_t c = 0; axis[largest] < 0 && c < n; c++)
        axis[c] = -axis[c];
    return length;
}

static ph_status principal_axes(ph_page *r, double *x)
{
    size_t n = r->code, rows = r->sample_count;
    double *next = malloc(n * sizeof *next), total = 0;
    if (next == NULL)
        return out_of_memory();
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            r->mean[c] += x[i * n + c] / (double)rows;
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < n; c++)
            x[i * n + c] -= r->mean[c];
    for (size_t i = 0; i < rows * n; i++)
        total += x[i] * x[i];
    for (int a = 0; a < 2 && total > 0; a++)
        r->share[a] = find_axis(x, rows, n, a ? r->axis : NULL, r->axis + (size_t)a * n, next) / total;
    free(next);
    return PH_OK;
}

/* The codes of the rows that the map shows give its axes; codes of one or two numbers are their own. */
static ph_status choose_axes(ph_page *r)
{
    size_t n = r->code;
    if (n <= 2) {
        r->axis[0] = 1;
        r->axis[n == 2 ? 3 : 0] = 1;
        return PH_OK;
    }
    double *x = malloc(r->sample_count * n * sizeof *x);
    real *row = malloc(r->info.width * sizeof *row), *code = malloc(n * sizeof *code);
    ph_status status = x && row && code ? PH_OK : out_of_memory();
    for (size_t i = 0; i < r->sample_count && status == PH_OK; i++) {
        status = ph_data_read(r->data, &r->sample[i], 1, row);
        if (status == PH_OK)
            status = ph_model_apply(r->model, "encode", row, 1, code);
        for (size_t c = 0; c < n; c++)
            x[i * n + c] = (double)code[c];
    }
    if (status == PH_OK)
        status = principal_axes(r, x);
    free(x);
    free(row);
    free(code);
    return status;
}

/* ---- One pass over the set ------------------------------------------------------------------------ */

typedef struct pass {
    real *x, *y, *code, *kl;
    double *mean;              /* Welford's, of the codes */
} pass;

static void add_to(double value, double count, double *mean, double *squares)
{
    double off = value - *mean;
    *mean += off / count;
    *squares += off * (value - *mean);
}

static void take_codes(ph_page *r, pass *p, size_t first, size_t count)
{
    size_t n = r->code;
    for (size_t i = 0; i < count; i++) {
        double seen = (double)(first + i + 1), at[2] = { 0, 0 };
        for (size_t c = 0; c < n; c++) {
            double z = (double)p->code[i * n + c];
            add_to(z, seen, &p->mean[c], &r->variance[c]);
            for (size_t a = 0; a < 2; a++)
                at[a] += (z - r->mean[c]) * r->axis[a * n + c];
        }
        r->place[0][first + i] = at[0];
        r->place[1][first + i] = n == 1 ? r->error[first + i] : at[1];
    }
}

static void take_kl(ph_page *r, const pass *p, size_t count)
{
    for (size_t i = 0; i < count * r->variables; i++)
        r->kl[i % r->variables] += (double)p->kl[i] / (double)r->rows;
}

static void take_errors(ph_page *r, const pass *p, size_t first, size_t count)
{
    size_t width = r->info.width;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < width; c++) {
            double off = (double)p->y[i * width + c] - (double)p->x[i * width + c];
            r->error[first + i] += off * off;
            r->column_error[c] += off * off;
        }
}

static ph_status take_batch(ph_page *r, pass *p, size_t first, size_t count)
{
    size_t index[BATCH], width = r->info.width;
    const ph_scaling *s = &r->model->scaling;
    for (size_t i = 0; i < count; i++)
        index[i] = first + i;
    PH_TRY(ph_data_read(r->data, index, count, p->x));
    PH_TRY(ph_model_apply(r->model, "reconstruct", p->x, count, p->y));
    if (r->code)
        PH_TRY(ph_model_apply(r->model, "encode", p->x, count, p->code));
    if (r->variables)
        PH_TRY(ph_model_apply(r->model, "kl", p->x, count, p->kl));
    /* Errors are measured in the model's scale, as everywhere. */
    PH_TRY(ph_scaling_apply_to(s, first, p->x, count, width));
    PH_TRY(ph_scaling_apply_to(s, first, p->y, count, width));
    take_errors(r, p, first, count);
    if (r->code)
        take_codes(r, p, first, count);
    take_kl(r, p, count);
    return PH_OK;
}

static ph_status walk(ph_page *r)
{
    size_t width = r->info.width, n = r->code;
    pass p = { .x = malloc(BATCH * width * sizeof(real)), .y = malloc(BATCH * width * sizeof(real)),
               .code = malloc((BATCH * n + 1) * sizeof(real)),
               .kl = malloc((BATCH * r->variables + 1) * sizeof(real)),
               .mean = calloc(n + 1, sizeof(double)) };
    bool room = p.x && p.y && p.code && p.kl && p.mean;
    ph_status status = room ? PH_OK : out_of_memory();
    for (size_t first = 0; first < r->rows && status == PH_OK; first += BATCH)
        status = take_batch(r, &p, first, r->rows - first < BATCH ? r->rows - first : BATCH);
    for (size_t c = 0; c < n; c++)
        r->variance[c] /= (double)r->rows;
    free(p.x);
    free(p.y);
    free(p.code);
    free(p.kl);
    free(p.mean);
    return status;
}

/* ---- What follows from it --------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The central 95 % along both axes, and how many cells of a grid over them are empty. */
static ph_status count_cells(ph_page *r)
{
    size_t lines = r->code == 1 ? 1 : CELLS;
    bool full[CELLS * CELLS] = { false };
    double *sorted = malloc(r->rows * sizeof *sorted);
    if (sorted == NULL)
        return out_of_memory();
    for (int a = 0; a < 2; a++) {
        memcpy(sorted, r->place[a], r->rows * sizeof *sorted);
        qsort(sorted, r->rows, sizeof *sorted, by_value);
        double last = (double)(r->rows - 1);
        r->low[a] = sorted[(size_t)(0.025 * last)];
        r->high[a] = sorted[(size_t)ceil(0.975 * last)];
    }
    free(sorted);
    r->cells = CELLS * lines;
    for (size_t i = 0; i < r->rows; i++) {
        size_t cell[2] = { 0, 0 };
        bool inside = true;
        for (size_t a = 0; a < (lines > 1 ? 2 : 1); a++) {
            double at = r->high[a] > r->low[a]
                            ? (r->place[a][i] - r->low[a]) / (r->high[a] - r->low[a]) * CELLS : 0;
            inside = inside && at >= 0 && at <= CELLS;
            cell[a] = !inside ? 0 : at < CELLS ? (size_t)at : CELLS - 1;
        }
        if (inside)
            full[cell[1] * CELLS + cell[0]] = true;
    }
    size_t empty = r->cells;
    for (size_t i = 0; i < r->cells; i++)
        empty -= full[i];
    r->empty = (double)empty / (double)r->cells;
    return PH_OK;
}

/* ---- All of it ---------------------------------------------------------------------------------------- */

/* What the model can do; a family of one's own need not have all of it. */
static void look_at_model(ph_page *r)
{
    const ph_graph *g = r->model->graph;
    for (int i = 0; i < g->export_count; i++) {
        const ph_named *e = &g->exported[i];
        size_t in = ph_shape_size(&e->input->shape), out = ph_shape_size(&e->value->shape);
        if (strcmp(e->name, "encode") == 0 && in == r->info.width)
            r->code = out;
        r->decodes = r->decodes || (strcmp(e->name, "decode") == 0 && in == r->info.latent_dim &&
                                    out == r->info.width);
        if (strcmp(e->name, "kl") == 0 && in == r->info.width)
            r->variables = out;
    }
    r->classes = r->info.code_classes;
    if (r->code == 0 || r->code != r->variables * (r->classes ? r->classes : 1))
        r->variables = 0;
    const size_t *shape = r->info.shape;
    r->channels = r->info.rank == 3 ? shape[2] : 1;
    r->picture = (r->info.rank == 2 || r->info.rank == 3) && (r->channels == 1 || r->channels == 3);
    r->height = shape[0];
    r->width = r->info.rank > 1 ? shape[1] : 1;
}

static ph_status make_room(ph_page *r)
{
    size_t n = r->code + 1;
    r->error = calloc(r->rows, sizeof *r->error);
    r->column_error = calloc(r->info.width, sizeof *r->column_error);
    r->variance = calloc(n, sizeof *r->variance);
    r->mean = calloc(n, sizeof *r->mean);
    r->axis = calloc(2 * n, sizeof *r->axis);
    r->kl = calloc(r->variables + 1, sizeof *r->kl);
    r->place[0] = calloc(r->rows, sizeof *r->place[0]);
    r->place[1] = calloc(r->rows, sizeof *r->place[1]);
    r->sample_count = r->rows < SAMPLE ? r->rows : SAMPLE;
    r->sample = calloc(r->sample_count, sizeof *r->sample);
    if (!r->error || !r->column_error || !r->variance || !r->mean || !r->axis || !r->kl ||
        !r->place[0] || !r->place[1] || !r->sample)
        return out_of_memory();
    for (size_t i = 0; i < r->sample_count; i++)
        r->sample[i] = ph_page_spread(r, i, r->sample_count);
    return PH_OK;
}

ph_status ph_page_measure(ph_page *r)
{
    ph_model_describe(r->model, &r->info);
    ph_data_describe(r->data, &r->set);
    r->labels = ph_data_labels(r->data);
    r->rows = r->set.rows;
    if (r->rows == 0)
        return ph_fail(PH_DATA, "%s: no rows to report on", r->set.name);
    PH_TRY(ph_model_eval(r->model, r->data, &r->figures));
    if (r->train)
        PH_TRY(ph_model_eval(r->model, r->train, &r->train_figures));
    look_at_model(r);
    PH_TRY(make_room(r));
    if (r->code)
        PH_TRY(choose_axes(r));
    PH_TRY(walk(r));
    if (ph_model_has_activity(r->model))
        PH_TRY(ph_model_activity(r->model, r->data, &r->activity));
    r->worst_count = ph_page_largest(r->error, r->rows, PH_PAGE_WORST, r->worst);
    return r->code ? count_cells(r) : PH_OK;
}

void ph_page_release(ph_page *r)
{
    free(r->error);
    free(r->column_error);
    free(r->variance);
    free(r->mean);
    free(r->axis);
    free(r->kl);
    free(r->place[0]);
    free(r->place[1]);
    free(r->sample);
    ph_activity_free(&r->activity);
}
