/* data.c - opening a set by its name, and reading rows of it. */
#include "data/data.h"

#include "data/scaling.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t bytes;
} elements[] = { [PH_U1] = { "u1", 1 }, [PH_I1] = { "i1", 1 }, [PH_I2] = { "i2", 2 },
                 [PH_I4] = { "i4", 4 }, [PH_I8] = { "i8", 8 }, [PH_F4] = { "f4", 4 },
                 [PH_F8] = { "f8", 8 } };

size_t ph_element_bytes(ph_element e)
{
    return elements[e].bytes;
}

const char *ph_element_name(ph_element e)
{
    return elements[e].name;
}

/* ---- Making a set -------------------------------------------------------------------------------- */

ph_data *ph_data_make(const char *name, const char *format)
{
    ph_data *d = calloc(1, sizeof *d);
    if (d == NULL) {
        ph_fail(PH_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    snprintf(d->name, sizeof d->name, "%s", name);
    d->format = format;
    d->file = -1;
    return d;
}

ph_status ph_data_shape(ph_data *d, const char *path, size_t rows, size_t rank, const size_t *shape)
{
    size_t width = 1, bytes;
    for (size_t i = 0; i < rank; i++)
        if (shape[i] == 0 || __builtin_mul_overflow(width, shape[i], &width))
            return ph_fail(PH_DATA, "%s: a row of no numbers, or of too many", path);
    if (rows == 0)
        return ph_fail(PH_DATA, "%s: there are no rows", path);
    if (__builtin_mul_overflow(width, rows, &bytes) ||
        __builtin_mul_overflow(bytes, (size_t)8, &bytes) || bytes > SIZE_MAX / 4)
        return ph_fail(PH_DATA, "%s: %zu rows of %zu numbers are more than can be addressed", path,
                       rows, width);
    d->rows = rows;
    d->rank = rank;
    d->width = width;
    memcpy(d->shape, shape, rank * sizeof shape[0]);
    return PH_OK;
}

static size_t data_bytes(const ph_data *d)
{
    return d->rows * d->width * ph_element_bytes(d->element);
}

static ph_status read_at(const ph_data *d, void *to, size_t bytes, uint64_t offset)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(d->file, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ph_fail(PH_IO, "%s: cannot read: %s", d->path, strerror(errno));
        if (got == 0)
            return ph_fail(PH_DATA, "%s: the file has become shorter while it was read", d->path);
        done += (size_t)got;
    }
    return PH_OK;
}

ph_status ph_data_take_file(ph_data *d, const char *path, uint64_t offset, size_t memory_limit)
{
    struct stat info;
    d->path = strdup(path);
    d->file = open(path, O_RDONLY | O_CLOEXEC);
    d->offset = offset;
    if (d->path == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    if (d->file < 0 || fstat(d->file, &info) != 0)
        return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
    uint64_t there = (uint64_t)info.st_size < offset ? 0 : (uint64_t)info.st_size - offset;
    if (there < data_bytes(d))
        return ph_fail(PH_DATA, "%s: the header says %zu rows of %zu numbers, %zu bytes, but only "
                       "%llu bytes follow it", path, d->rows, d->width, data_bytes(d),
                       (unsigned long long)there);
    if (data_bytes(d) > memory_limit)
        return PH_OK;
    d->memory = malloc(data_bytes(d) + 64);
    if (d->memory == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    PH_TRY(read_at(d, d->memory, data_bytes(d), offset));
    close(d->file);
    d->file = -1;
    return PH_OK;
}

void ph_data_take_labels(ph_data *d, uint32_t *labels)
{
    d->labels = labels;
    for (size_t i = 0; i < d->rows; i++)
        if (labels[i] + 1 > d->classes)
            d->classes = labels[i] + 1;
}

ph_data *ph_data_from_memory(const ph_real *values, size_t rows, size_t width,
                             const uint32_t *labels)
{
    ph_data *d = ph_data_make("memory", "memory");
    if (d == NULL)
        return NULL;
    d->element = sizeof(real) == 8 ? PH_F8 : PH_F4;
    if (ph_data_shape(d, "memory", rows, 1, &width) != PH_OK) {
        ph_data_close(d);
        return NULL;
    }
    d->memory = malloc(data_bytes(d) + 64);
    uint32_t *own = labels ? malloc(rows * sizeof *own) : NULL;
    if (d->memory == NULL || (labels && own == NULL)) {
        free(own);
        ph_data_close(d);
        ph_fail(PH_MEMORY, "out of memory for %zu rows of %zu numbers", rows, width);
        return NULL;
    }
    memcpy(d->memory, values, data_bytes(d));
    if (labels)
        ph_data_take_labels(d, memcpy(own, labels, rows * sizeof *own));
    return d;
}

ph_data *ph_data_slice(const ph_data *data, size_t first, size_t count)
{
    if (count == 0 || first > data->rows || count > data->rows - first) {
        ph_fail(PH_USAGE, "%s: rows %zu to %zu are not within its %zu", data->name, first,
                first + count, data->rows);
        return NULL;
    }
    ph_data *d = ph_data_make(data->name, data->format);
    if (d == NULL)
        return NULL;
    const ph_data *whole = data->whole ? data->whole : data;
    *d = *whole;
    snprintf(d->name, sizeof d->name, "%s", data->name);
    d->whole = whole;
    d->first = first + (data->whole ? data->first : 0);
    d->rows = count;
    d->labels = whole->labels ? whole->labels + d->first : NULL;
    return d;
}

void ph_data_close(ph_data *d)
{
    if (d && d->whole == NULL) {
        free(d->memory);
        free(d->labels);
        free(d->path);
        if (d->file >= 0)
            close(d->file);
    }
    free(d);
}

/* ---- Reading rows ---------------------------------------------------------------------------------- */

static uint64_t load(const uint8_t *p, size_t bytes, bool swapped)
{
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; i++)
        word |= (uint64_t)p[swapped ? bytes - 1 - i : i] << 8 * i;
    return word;
}

static real number(const uint8_t *p, ph_element element, bool swapped)
{
    uint64_t word = load(p, elements[element].bytes, swapped);
    float f;
    double d;
    switch (element) {
    case PH_U1:
        return (real)word;
    case PH_I1:
        return (real)(int8_t)word;
    case PH_I2:
        return (real)(int16_t)word;
    case PH_I4:
        return (real)(int32_t)word;
    case PH_I8:
        return (real)(int64_t)word;
    case PH_F4: {
        uint32_t half = (uint32_t)word;
        memcpy(&f, &half, sizeof f);
        return (real)f;
    }
    default:
        memcpy(&d, &word, sizeof d);
        return (real)d;
    }
}

static void convert_row(const ph_data *d, const uint8_t *p, real *out)
{
    size_t bytes = elements[d->element].bytes;
    if (d->element == PH_U1)
        for (size_t c = 0; c < d->width; c++)
            out[c] = (real)p[c];
    else if (!d->swapped && d->element == (sizeof(real) == 8 ? PH_F8 : PH_F4))
        memcpy(out, p, d->width * sizeof out[0]);
    else
        for (size_t c = 0; c < d->width; c++)
            out[c] = number(p + c * bytes, d->element, d->swapped);
}

/* One row of a file in Fortran order is one small read for each column. */
static ph_status read_by_column(const ph_data *d, size_t row, real *out)
{
    size_t bytes = elements[d->element].bytes;
    size_t all = d->whole ? d->whole->rows : d->rows;
    uint8_t buffer[8];
    for (size_t c = 0; c < d->width; c++) {
        uint64_t at = ((uint64_t)c * all + row) * bytes;
        if (d->memory == NULL)
            PH_TRY(read_at(d, buffer, bytes, d->offset + at));
        out[c] = number(d->memory ? d->memory + at : buffer, d->element, d->swapped);
    }
    return PH_OK;
}

static ph_status read_row(const ph_data *d, size_t row, real *out)
{
    if (d->by_column)
        return read_by_column(d, row, out);
    size_t bytes = elements[d->element].bytes * d->width;
    if (d->memory) {
        convert_row(d, d->memory + row * bytes, out);
        return PH_OK;
    }
    /* The row is read into the end of its own place, or piece by piece where numbers in the file are
     * wider than ours, so that no memory has to be taken. */
    if (elements[d->element].bytes <= sizeof(real)) {
        uint8_t *tail = (uint8_t *)(out + d->width) - bytes;
        PH_TRY(read_at(d, tail, bytes, d->offset + (uint64_t)row * bytes));
        for (size_t c = 0; c < d->width; c++)
            out[c] = number(tail + c * elements[d->element].bytes, d->element, d->swapped);
        return PH_OK;
    }
    enum { PIECE = 512 };
    uint8_t piece[PIECE * 8];
    for (size_t c = 0; c < d->width; c += PIECE) {
        size_t count = d->width - c < PIECE ? d->width - c : PIECE, each = elements[d->element].bytes;
        PH_TRY(read_at(d, piece, count * each, d->offset + (uint64_t)row * bytes + c * each));
        for (size_t i = 0; i < count; i++)
            out[c + i] = number(piece + i * each, d->element, d->swapped);
    }
    return PH_OK;
}

ph_status ph_data_read_scaled(const ph_data *d, const ph_scaling *s, const size_t *index, size_t n,
                              real *out)
{
    for (size_t i = 0; i < n; i++, out += d->width) {
        if (index[i] >= d->rows)
            return ph_fail(PH_USAGE, "%s: row %zu of %zu", d->name, index[i], d->rows);
        PH_TRY(read_row(d, index[i] + d->first, out));
        if (s)
            ph_scaling_apply_to(s, out, 1, d->width);
    }
    return PH_OK;
}

ph_status ph_data_read(const ph_data *d, const size_t *index, size_t n, ph_real *out)
{
    return ph_data_read_scaled(d, NULL, index, n, out);
}

const uint32_t *ph_data_labels(const ph_data *d)
{
    return d->labels;
}

void ph_data_describe(const ph_data *d, ph_data_info *info)
{
    *info = (ph_data_info){ .format = d->format, .element = ph_element_name(d->element),
                            .rows = d->rows, .rank = d->rank, .width = d->width,
                            .classes = d->labels ? d->classes : 0, .has_test = d->has_test };
    snprintf(info->name, sizeof info->name, "%s", d->name);
    memcpy(info->shape, d->shape, sizeof info->shape);
}

ph_status ph_data_range(const ph_data *d, double *min, double *max)
{
    real *row = malloc(d->width * sizeof *row);
    if (row == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    ph_status status = PH_OK;
    *min = INFINITY;
    *max = -INFINITY;
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        status = read_row(d, r + d->first, row);
        for (size_t c = 0; c < d->width && status == PH_OK; c++) {
            *min = row[c] < *min ? (double)row[c] : *min;
            *max = row[c] > *max ? (double)row[c] : *max;
        }
    }
    free(row);
    return status;
}

/* ---- Finding a set ----------------------------------------------------------------------------------- */

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Where `name` lies: as a path, in a folder of $PINHOLE_DATA, in the user's cache. */
static bool find(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s", name);
    if (exists(path))
        return true;
    const char *list = getenv("PINHOLE_DATA");
    while (list && *list) {
        int length = (int)strcspn(list, ":");
        snprintf(path, size, "%.*s/%s", length, list, name);
        if (length && exists(path))
            return true;
        list += length + (list[length] == ':');
    }
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache)
        snprintf(path, size, "%s/pinhole/%s", cache, name);
    else
        snprintf(path, size, "%s/.cache/pinhole/%s", home ? home : "", name);
    return exists(path);
}

static bool is_part(const char *text)
{
    return strcmp(text, "train") == 0 || strcmp(text, "test") == 0 || strcmp(text, "all") == 0;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t a = strlen(text), b = strlen(ending);
    return a >= b && strcmp(text + a - b, ending) == 0;
}

static ph_status not_found(const char *name)
{
    const char *data = getenv("PINHOLE_DATA");
    return ph_fail(PH_USAGE, "%s: no such file, no set of that name in $PINHOLE_DATA (%s) or the "
                   "cache, and the only built-in set is glyphs%s", name,
                   data && *data ? data : "not set",
                   ph_nearest(name, (const char *[]){ "glyphs" }, 1) ? ": did you mean glyphs?" : "");
}

static ph_data *open_path(const char *path, const char *name, const char *part, bool asked,
                          size_t limit)
{
    bool folder = is_folder(path);
    if (folder || ends_with(path, ".gz") || strstr(path, "-ubyte") || ends_with(path, ".idx"))
        return ph_idx_open(path, name, folder ? part : NULL, limit);
    if (asked && strcmp(part, "train") == 0) {
        ph_fail(PH_USAGE, "%s: a single file has no parts", path);
        return NULL;
    }
    if (ends_with(path, ".npy"))
        return ph_npy_open(path, name, limit);
    ph_fail(PH_USAGE, "%s: not a kind of file that can be read; known are IDX (.gz) and .npy", path);
    return NULL;
}

ph_data *ph_data_open(const char *spec, const ph_data_desc *desc)
{
    char name[4096], path[4096 + 64];
    const char *colon = strrchr(spec, ':'), *part = desc && desc->part ? desc->part : "all";
    size_t limit = desc && desc->memory_limit ? desc->memory_limit : (size_t)512 << 20;
    bool asked = colon && is_part(colon + 1);
    snprintf(name, sizeof name, "%.*s", (int)(asked ? colon - spec : (ptrdiff_t)strlen(spec)), spec);
    if (asked)
        part = colon + 1;
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/')
        name[--length] = '\0';
    const char *last = strrchr(name, '/');
    last = last ? last + 1 : name;
    if (find(name, path, sizeof path))
        return open_path(path, last, part, asked, limit);
    if (strcmp(name, "glyphs") == 0)
        return ph_glyphs_open(part, desc ? desc->seed : 0);
    not_found(name);
    return NULL;
}
