/* writer.c - rows on their way out: .npy, .csv and PNG grids.
 *
 * Rows are written as they come, so sets larger than memory pass; the count in a .npy header is put
 * in at the end. What cannot be put in later (a stream, a picture) is gathered first.
 */
#include "base/file.h"
#include "base/real.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum ph_format { NPY, CSV, PNG } ph_format;

enum { NPY_HEADER = 128 };

struct ph_writer {
    ph_format format;
    ph_writer_desc desc;
    char *path;
    ph_file *file;             /* NULL for pictures */
    size_t rows;
    real *gathered;
    size_t capacity;
};

static bool find_format(const char *path, const ph_writer_desc *d, ph_format *out)
{
    const char *dot = strrchr(path, '.');
    const char *name = d->format ? d->format : strcmp(path, "-") == 0 ? "npy" : dot ? dot + 1 : "";
    static const char *const names[] = { [NPY] = "npy", [CSV] = "csv", [PNG] = "png" };
    for (int i = NPY; i <= PNG; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (ph_format)i;
            return true;
        }
    ph_fail(PH_USAGE, "%s: what kind of file? Its name should end in .npy, .csv or .png", path);
    return false;
}

static ph_status npy_header(ph_writer *w, bool patch)
{
    static const char magic[10] = { '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, NPY_HEADER - 10, 0 };
    char text[NPY_HEADER + 1];
    memcpy(text, magic, sizeof magic);
    size_t used = sizeof magic;
    used += (size_t)snprintf(text + used, sizeof text - used, "{'descr': '<f%zu', 'fortran_order': "
                             "False, 'shape': (%zu", sizeof(real), w->rows);
    for (size_t i = 0; i < w->desc.rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, ", %zu", w->desc.shape[i]);
    used += (size_t)snprintf(text + used, sizeof text - used, "), }");
    memset(text + used, ' ', NPY_HEADER - used);
    text[NPY_HEADER - 1] = '\n';
    return patch ? ph_file_write_at(w->file, 0, text, NPY_HEADER)
                 : ph_file_write(w->file, text, NPY_HEADER);
}

ph_writer *ph_writer_open(const char *path, const ph_writer_desc *desc)
{
    ph_format format;
    if (!find_format(path, desc, &format))
        return NULL;
    ph_writer *w = calloc(1, sizeof *w);
    if (w)
        w->path = strdup(path);
    if (w == NULL || w->path == NULL) {
        free(w);
        ph_fail(PH_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    w->format = format;
    w->desc = *desc;
    if (w->desc.rank == 0) {
        w->desc.rank = 1;
        w->desc.shape[0] = desc->width;
    }
    bool ok = true;
    if (format == PNG && strcmp(path, "-") != 0) {
        /* Fails early, before the work is done, if the picture could not be written. */
        ph_file *trial = ph_file_create(path);
        ok = trial != NULL;
        ph_file_discard(trial);
    } else if (format != PNG) {
        w->file = ph_file_create(path);
        ok = w->file && (format == CSV || ph_file_is_stream(w->file) || !npy_header(w, false));
    }
    if (ok)
        return w;
    ph_writer_discard(w);
    return NULL;
}

static ph_status gather(ph_writer *w, const real *values, size_t rows)
{
    if (w->rows + rows > w->capacity) {
        size_t capacity = 2 * (w->rows + rows);
        real *grown = realloc(w->gathered, capacity * w->desc.width * sizeof *grown);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", w->path);
        w->gathered = grown;
        w->capacity = capacity;
    }
    memcpy(w->gathered + w->rows * w->desc.width, values, rows * w->desc.width * sizeof values[0]);
    w->rows += rows;
    return PH_OK;
}

static ph_status csv_rows(ph_writer *w, const real *values, size_t rows)
{
    char text[40];
    for (size_t i = 0; i < rows * w->desc.width; i++) {
        /* Nine digits bring a float back exactly, seventeen a double; fewer if fewer do. */
        int most = sizeof(real) == 8 ? 17 : 9, length = 0;
        for (int digits = most - 3; digits <= most; digits++) {
            length = snprintf(text, sizeof text, "%.*g", digits, (double)values[i]);
            if ((real)strtod(text, NULL) == values[i])
                break;
        }
        text[length++] = (i + 1) % w->desc.width ? ',' : '\n';
        PH_TRY(ph_file_write(w->file, text, (size_t)length));
    }
    w->rows += rows;
    return PH_OK;
}

ph_status ph_writer_rows(ph_writer *w, const ph_real *values, size_t rows)
{
    if (w->format == CSV)
        return csv_rows(w, values, rows);
    if (w->format == PNG || ph_file_is_stream(w->file))
        return gather(w, values, rows);
    w->rows += rows;
    return ph_file_write(w->file, values, rows * w->desc.width * sizeof values[0]);
}

/* A picture of all rows: as tiles where a row is a picture, else as bars of gray, one row a line. */
static ph_status draw(ph_writer *w)
{
    const ph_writer_desc *d = &w->desc;
    bool picture = d->rank >= 2 && (d->rank == 2 || d->shape[2] == 1 || d->shape[2] == 3);
    size_t columns = d->columns ? d->columns : picture ? (size_t)ceil(sqrt((double)w->rows)) : 1;
    size_t lines = (w->rows + columns - 1) / columns, whole = lines * columns;
    if (w->rows == 0)
        return ph_fail(PH_USAGE, "%s: there is nothing to draw", w->path);
    real *tiles = calloc(whole * d->width, sizeof *tiles);
    if (tiles == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", w->path);
    memcpy(tiles, w->gathered, w->rows * d->width * sizeof *tiles);
    ph_status status = ph_grid_save(w->path, &(ph_grid){
        .tiles = tiles, .rows = lines, .columns = columns, .white = d->white,
        .height = picture ? d->shape[0] : 1, .width = picture ? d->shape[1] : d->width,
        .channels = picture && d->rank == 3 ? d->shape[2] : 1 });
    free(tiles);
    return status;
}

ph_status ph_writer_close(ph_writer *w)
{
    ph_status status = PH_OK;
    if (w->format == PNG) {
        status = draw(w);
    } else {
        bool stream = ph_file_is_stream(w->file);
        if (w->format == NPY)
            status = npy_header(w, !stream);
        if (status == PH_OK && w->format == NPY && stream)
            status = ph_file_write(w->file, w->gathered, w->rows * w->desc.width * sizeof(real));
        if (status == PH_OK) {
            status = ph_file_commit(w->file);
            w->file = NULL;
        }
    }
    ph_writer_discard(w);
    return status;
}

void ph_writer_discard(ph_writer *w)
{
    if (w->file)
        ph_file_discard(w->file);
    free(w->gathered);
    free(w->path);
    free(w);
}
