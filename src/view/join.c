/* join.c - overlapping windows added up, line by line. */
#include "view/join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ph_join {
    const ph_data *source;
    ph_lines take;
    void *to;
    ph_excerpt whole;          /* the first window */
    bool chooses;              /* one window for each frame, in the place of a mean */
    size_t row, rows, top;     /* the next row; the line of the whole that the band begins with */
    size_t channels, columns;  /* numbers in a frame; frames in a line of the band, at least those of a window */
    double *sum, *share;       /* a band as high as a window: weighted numbers, and the weights of its frames */
    double *weight[2];         /* of a window's lines, and of its columns */
    real *out;                 /* a line */
};

static ph_status check(const char *path, ph_join *j)
{
    ph_data_info info;
    ph_excerpt last;
    ph_data_describe(j->source, &info);
    j->rows = info.rows;
    j->chooses = info.bytes;
    if (!ph_data_excerpt(j->source, 0, &j->whole) || !ph_data_excerpt(j->source, info.rows - 1, &last))
        return ph_fail(PH_USAGE, "%s: the rows of %s are no windows of a sound or a picture", path, info.name);
    bool begins = j->whole.place[0] == 0 && j->whole.place[1] == 0, ends = true;
    for (int i = 0; i < 2; i++)
        ends = ends && last.place[i] + last.size[i] >= last.whole[i];
    if (last.piece != j->whole.piece || !begins || !ends)
        return ph_fail(PH_USAGE, "%s: the rows of %s are not the windows of one %s, but of several or of a part",
                       path, info.name, last.picture ? "picture"
                       : info.bytes ? "file"
                       : info.table ? "table"
                                    : "sound");
    return PH_OK;
}

static double *taper(size_t n)
{
    static const double pi = 3.14159265358979323846;
    double *w = malloc(n * sizeof *w);
    for (size_t i = 0; w && i < n; i++)
        w[i] = pow(sin(pi * ((double)i + 0.5) / (double)n), 2);
    return w;
}

ph_join *ph_join_new(const char *path, const ph_data *source, size_t channels, ph_lines take, void *to)
{
    ph_join *j = calloc(1, sizeof *j);
    if (j == NULL) {
        ph_fail(PH_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    *j = (ph_join){ .source = source, .take = take, .to = to, .channels = channels };
    if (check(path, j) == PH_OK) {
        size_t wide = j->whole.whole[1], height = j->whole.size[0];
        j->columns = wide > j->whole.size[1] ? wide : j->whole.size[1];
        j->sum = calloc(height * j->columns * channels, sizeof *j->sum);
        j->share = calloc(height * j->columns, sizeof *j->share);
        j->out = malloc(wide * channels * sizeof *j->out);
        j->weight[0] = taper(j->whole.size[0]);
        j->weight[1] = taper(j->whole.size[1]);
        if (j->sum && j->share && j->out && j->weight[0] && j->weight[1])
            return j;
        ph_fail(PH_MEMORY, "%s: out of memory", path);
    }
    ph_join_free(j);
    return NULL;
}

void ph_join_free(ph_join *j)
{
    if (j == NULL)
        return;
    free(j->sum);
    free(j->share);
    free(j->out);
    free(j->weight[0]);
    free(j->weight[1]);
    free(j);
}

/* Passes `count` lines on, as far as the piece has them, and moves the band down by as many. */
static ph_status pass_on(ph_join *j, size_t count)
{
    size_t columns = j->columns, line = columns * j->channels, height = j->whole.size[0];
    for (size_t y = 0; y < count && j->top + y < j->whole.whole[0]; y++) {
        for (size_t i = 0; i < j->whole.whole[1] * j->channels; i++)
            j->out[i] = (real)(j->sum[y * line + i] / j->share[y * columns + i / j->channels]);
        PH_TRY(j->take(j->to, j->out, 1));
    }
    memmove(j->sum, j->sum + count * line, (height - count) * line * sizeof *j->sum);
    memset(j->sum + (height - count) * line, 0, count * line * sizeof *j->sum);
    memmove(j->share, j->share + count * columns, (height - count) * columns * sizeof *j->share);
    memset(j->share + (height - count) * columns, 0, count * columns * sizeof *j->share);
    j->top += count;
    return PH_OK;
}

static void add(ph_join *j, const ph_excerpt *at, const real *row)
{
    for (size_t y = 0; y < at->size[0]; y++) {
        double *share = j->share + y * j->columns + at->place[1];
        double *sum = j->sum + (y * j->columns + at->place[1]) * j->channels;
        for (size_t x = 0; x < at->size[1]; x++) {
            double weight = j->weight[0][y] * j->weight[1][x];
            if (j->chooses && weight > share[x]) {
                memset(sum, 0, j->channels * sizeof *sum);
                share[x] = 0;
            } else if (j->chooses) {
                weight = 0;
            }
            share[x] += weight;
            for (size_t c = 0; c < j->channels; c++)
                *sum++ += weight * (double)*row++;
        }
    }
}

ph_status ph_join_rows(ph_join *j, const real *rows, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        ph_excerpt at;
        if (!ph_data_excerpt(j->source, j->row, &at))
            return ph_fail(PH_USAGE, "%s: more rows than its %zu windows", j->whole.name, j->rows);
        if (at.place[0] > j->top)
            PH_TRY(pass_on(j, at.place[0] - j->top));
        add(j, &at, rows + r * at.size[0] * at.size[1] * j->channels);
        if (++j->row == j->rows)
            PH_TRY(pass_on(j, at.size[0]));
    }
    return PH_OK;
}

ph_status ph_join_end(const ph_join *j)
{
    return j->row == j->rows ? PH_OK
                             : ph_fail(PH_USAGE, "%s: only %zu of its %zu windows came back", j->whole.name,
                                       j->row, j->rows);
}

/* ---- All at once -------------------------------------------------------------------------------- */

typedef struct whole {
    real *next;
    size_t line;               /* numbers in one */
} whole;

static ph_status keep(void *to, const real *lines, size_t count)
{
    whole *w = to;
    memcpy(w->next, lines, count * w->line * sizeof *lines);
    w->next += count * w->line;
    return PH_OK;
}

ph_status ph_join_windows(const ph_data *windows, size_t channels, ph_window_maker *make, void *with, real *out)
{
    enum { BATCH = 256 };
    ph_data_info info;
    ph_data_describe(windows, &info);
    whole all = { .next = out };
    ph_join *j = ph_join_new(info.name, windows, channels, keep, &all);
    if (j == NULL)
        return ph_last_status();
    all.line = j->whole.whole[1] * channels;
    real *rows = malloc(BATCH * j->whole.size[0] * j->whole.size[1] * channels * sizeof *rows);
    ph_status status = rows ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", info.name);
    for (size_t first = 0; first < info.rows && status == PH_OK; first += BATCH) {
        size_t count = info.rows - first < BATCH ? info.rows - first : BATCH;
        status = make(with, windows, first, count, rows);
        if (status == PH_OK)
            status = ph_join_rows(j, rows, count);
    }
    free(rows);
    ph_join_free(j);
    return status;
}
