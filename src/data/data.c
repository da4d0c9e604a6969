/* data.c - a set of rows: how readers fill it, how rows of it are read. */
#include "data/data.h"

#include "data/scaling.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Numbers --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t bytes;
} elements[PH_ELEMENTS] = {
    [PH_U1] = { "u1", 1 }, [PH_I1] = { "i1", 1 }, [PH_U2] = { "u2", 2 },    [PH_I2] = { "i2", 2 },
    [PH_U4] = { "u4", 4 }, [PH_I4] = { "i4", 4 }, [PH_U8] = { "u8", 8 },    [PH_I8] = { "i8", 8 },
    [PH_F2] = { "f2", 2 }, [PH_F4] = { "f4", 4 }, [PH_BF2] = { "bf16", 2 }, [PH_F8] = { "f8", 8 },
};

size_t ph_element_bytes(ph_element e)
{
    return elements[e].bytes;
}

const char *ph_element_name(ph_element e)
{
    return elements[e].name;
}

/* IEEE 754 half precision: five bits of exponent, ten of fraction. */
static real half(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    uint32_t fraction = bits & 1023u;
    double value = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31)
        value = fraction ? (double)NAN : (double)INFINITY;
    return (real)(bits >> 15 ? -value : value);
}

static real brain(uint16_t bits)
{
    float value;
    memcpy(&value, &(uint32_t){ (uint32_t)bits << 16 }, sizeof value);
    return (real)value;
}

void ph_convert(ph_element e, const uint8_t *from, size_t n, real *to)
{
#define CASE(element, type, convert)                                                               \
    case element:                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                           \
            type value;                                                                            \
            memcpy(&value, from + i * sizeof value, sizeof value);                                 \
            to[i] = convert(value);                                                                \
        }                                                                                          \
        break
    switch (e) {
        CASE(PH_U1, uint8_t, (real));
        CASE(PH_I1, int8_t, (real));
        CASE(PH_U2, uint16_t, (real));
        CASE(PH_I2, int16_t, (real));
        CASE(PH_U4, uint32_t, (real));
        CASE(PH_I4, int32_t, (real));
        CASE(PH_U8, uint64_t, (real));
        CASE(PH_I8, int64_t, (real));
        CASE(PH_F2, uint16_t, half);
        CASE(PH_BF2, uint16_t, brain);
        CASE(PH_F4, float, (real));
        CASE(PH_F8, double, (real));
    case PH_ELEMENTS:
        break;
    }
#undef CASE
}

/* Turns the bytes of each number around, in place. */
static void swap_bytes(uint8_t *p, size_t n, size_t bytes)
{
    for (size_t i = 0; i < n; i++, p += bytes)
        for (size_t b = 0; b < bytes / 2; b++) {
            uint8_t kept = p[b];
            p[b] = p[bytes - 1 - b];
            p[bytes - 1 - b] = kept;
        }
}

/* ---- Making a set ---------------------------------------------------------------------------- */

ph_data *ph_data_make(const char *name, const char *format)
{
    ph_data *d = calloc(1, sizeof *d);
    if (d == NULL) {
        ph_fail(PH_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    snprintf(d->name, sizeof d->name, "%s", name);
    d->format = format;
    d->store = ph_store_of(d->name, 0);
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

void ph_data_as_row(ph_data *d, size_t rank, const size_t *shape)
{
    bool plain = !d->windows && !d->labels && !d->columns.count && !d->ids.count;
    bool inner = rank == 1 ? d->width == 1
                           : d->rank == rank - 1 && memcmp(d->shape, shape + 1, d->rank * sizeof shape[0]) == 0;
    if (!plain || !inner || d->rows != shape[0])
        return;
    d->width *= d->rows;
    d->rows = 1;
    d->rank = rank;
    memcpy(d->shape, shape, rank * sizeof shape[0]);
}

static size_t row_bytes(const ph_data *d)
{
    return d->width * ph_element_bytes(d->element);
}

/* What is in memory is brought to this machine's order once, and not for each batch. */
static void settle_order(ph_data *d)
{
    if (!d->swapped || d->store.memory == NULL)
        return;
    swap_bytes(d->store.memory + d->offset, d->rows * d->width, ph_element_bytes(d->element));
    d->swapped = false;
}

ph_status ph_data_take_file(ph_data *d, const char *path, uint64_t offset, bool last,
                            size_t memory_limit)
{
    struct stat info;
    size_t bytes = d->rows * row_bytes(d);
    d->path = strdup(path);
    if (d->path == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    d->store = ph_store_of(d->path, memory_limit);
    d->store.file = open(path, O_RDONLY | O_CLOEXEC);
    if (d->store.file < 0 || fstat(d->store.file, &info) != 0)
        return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
    uint64_t there = (uint64_t)info.st_size < offset ? 0 : (uint64_t)info.st_size - offset;
    if (there < bytes)
        return ph_fail(PH_DATA, "%s: the header says %zu rows of %zu numbers, %zu bytes, but only "
                       "%llu bytes follow it", path, d->rows, d->width, bytes,
                       (unsigned long long)there);
    if (last && there > bytes)
        return ph_fail(PH_DATA, "%s: more bytes follow than its header says", path);
    d->offset = offset;
    if (bytes > memory_limit)
        return PH_OK;
    d->store.memory = malloc(bytes + 64);
    if (d->store.memory == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    PH_TRY(ph_read_at(d->store.file, path, d->store.memory, bytes, offset));
    close(d->store.file);
    d->store.file = -1;
    d->offset = 0;
    settle_order(d);
    return PH_OK;
}

ph_status ph_data_take_stream(ph_data *d, ph_reader read, void *source, size_t memory_limit)
{
    enum { PIECE = 1 << 20 };
    size_t bytes = d->rows * row_bytes(d);
    uint8_t *piece = malloc(PIECE);
    ph_status status = piece ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    d->store = ph_store_of(d->name, memory_limit);
    for (size_t done = 0; done < bytes && status == PH_OK;) {
        size_t count = bytes - done < PIECE ? bytes - done : PIECE;
        status = read(source, piece, count);
        if (status == PH_OK)
            status = ph_store_append(&d->store, piece, count);
        done += count;
    }
    free(piece);
    if (status == PH_OK)
        settle_order(d);
    return status;
}

ph_status ph_data_begin(ph_data *d, size_t memory_limit)
{
    PH_TRY(ph_data_shape(d, d->name, 1, d->rank, (size_t[PH_DATA_RANK]){
        d->shape[0], d->shape[1], d->shape[2], d->shape[3] }));
    d->rows = 0;
    d->store = ph_store_of(d->name, memory_limit);
    return PH_OK;
}

ph_status ph_data_append(ph_data *d, const void *numbers, size_t rows)
{
    d->rows += rows;
    return ph_store_append(&d->store, numbers, rows * row_bytes(d));
}

ph_status ph_data_finish(ph_data *d, const char *path)
{
    return d->rows ? PH_OK : ph_fail(PH_DATA, "%s: there are no rows", path);
}

/* Where the number at this place of a row, counted in the order of C, stands in Fortran's. */
static size_t fortran_column(const ph_data *d, size_t c)
{
    size_t place = 0, stride[PH_DATA_RANK];
    for (size_t i = 0, step = 1; i < d->rank; step *= d->shape[i++])
        stride[i] = step;
    for (size_t i = d->rank; i-- > 0; c /= d->shape[i])
        place += c % d->shape[i] * stride[i];
    return place;
}

ph_status ph_data_transpose(ph_data *d, size_t memory_limit)
{
    enum { BLOCK = 1 << 25 };
    size_t bytes = ph_element_bytes(d->element), most = BLOCK / row_bytes(d) + 1;
    size_t block = d->rows < most ? d->rows : most;
    uint8_t *column = malloc(block * bytes), *rows = malloc(block * row_bytes(d));
    ph_store out = ph_store_of(d->name, memory_limit);
    ph_status status = column && rows ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t first = 0; first < d->rows && status == PH_OK; first += block) {
        size_t count = d->rows - first < block ? d->rows - first : block;
        for (size_t c = 0; c < d->width && status == PH_OK; c++) {
            size_t at = fortran_column(d, c) * d->rows + first;
            status = ph_store_read(&d->store, column, count * bytes, d->offset + at * bytes);
            for (size_t r = 0; r < count && status == PH_OK; r++)
                memcpy(rows + (r * d->width + c) * bytes, column + r * bytes, bytes);
        }
        if (status == PH_OK)
            status = ph_store_append(&out, rows, count * row_bytes(d));
    }
    free(column);
    free(rows);
    ph_store_free(&d->store);
    d->store = out;
    d->offset = 0;
    if (status == PH_OK)
        settle_order(d);
    return status;
}

/* The labels of b behind those of a. Where classes have names, b's go by theirs. */
static ph_status join_labels(ph_data *a, const ph_data *b, const char *path)
{
    bool named = a->class_names.count > 0;
    uint32_t *labels = realloc(a->labels, (a->rows + b->rows) * sizeof *labels);
    if (labels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    a->labels = labels;
    for (size_t i = 0; i < b->rows; i++) {
        const char *name = named && b->labels[i] != PH_NO_LABEL ? ph_data_class(b, b->labels[i]) : NULL;
        size_t own = name ? ph_texts_find(&a->class_names, name) : b->labels[i];
        if (own == SIZE_MAX) {
            own = a->class_names.count;
            PH_TRY(ph_data_add_class(a, name));
        }
        labels[a->rows + i] = (uint32_t)own;
    }
    return PH_OK;
}

ph_status ph_data_join(ph_data *a, const ph_data *b, const char *path)
{
    enum { PIECE = 1 << 16 };
    uint8_t piece[PIECE];
    bool shaped = a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
    bool named = !a->class_names.count == !b->class_names.count; /* numbers alone may be of other classes */
    if (!shaped || !named || a->element != b->element || (a->labels == NULL) != (b->labels == NULL) || a->windows ||
        b->windows)
        return ph_fail(PH_USAGE, "%s: the two parts differ in kind and cannot be joined; name :train "
                       "or :test", path);
    ph_store out = ph_store_of(a->name, a->store.limit);
    ph_status status = PH_OK;
    const ph_data *from[2] = { a, b };
    for (int i = 0; i < 2; i++) {
        size_t bytes = from[i]->rows * row_bytes(a);
        for (size_t done = 0; done < bytes && status == PH_OK; done += PIECE) {
            size_t count = bytes - done < PIECE ? bytes - done : PIECE;
            status = ph_store_read(&from[i]->store, piece, count, from[i]->offset + done);
            if (from[i]->swapped)
                swap_bytes(piece, count / ph_element_bytes(a->element), ph_element_bytes(a->element));
            if (status == PH_OK)
                status = ph_store_append(&out, piece, count);
        }
    }
    ph_store_free(&a->store);
    a->store = out;
    a->offset = 0;
    a->swapped = false;
    if (status == PH_OK && a->labels)
        status = join_labels(a, b, path);
    if (memcmp(a->own, b->own, sizeof a->own) != 0)
        memset(a->own, 0, sizeof a->own);
    bool all_have_ids = a->ids.count == a->rows && b->ids.count == b->rows;
    a->rows += b->rows;
    if (status == PH_OK && a->labels)
        ph_data_take_labels(a, a->labels);
    if (!all_have_ids) /* names for some rows would be taken for those of others */
        ph_texts_free(&a->ids);
    return status == PH_OK && all_have_ids ? ph_texts_copy(&a->ids, &b->ids) : status;
}

ph_data *ph_data_from_memory(const ph_real *values, size_t rows, size_t width,
                             const uint32_t *labels)
{
    ph_data *d = ph_data_make("memory", "memory");
    if (d == NULL)
        return NULL;
    d->element = PH_REAL_ELEMENT;
    ph_status status = ph_data_shape(d, "memory", rows, 1, &width);
    if (status == PH_OK) {
        d->store = ph_store_of(d->name, SIZE_MAX);
        status = ph_store_append(&d->store, values, rows * row_bytes(d));
    }
    if (status == PH_OK && labels) {
        uint32_t *own = malloc(rows * sizeof *own);
        if (own)
            ph_data_take_labels(d, memcpy(own, labels, rows * sizeof *own));
        else
            status = ph_fail(PH_MEMORY, "out of memory for %zu labels", rows);
    }
    if (status == PH_OK)
        return d;
    ph_data_close(d);
    return NULL;
}

ph_status ph_data_set_shape(ph_data *d, size_t rank, const size_t *shape)
{
    size_t width = 1;
    for (size_t i = 0; i < rank && i < PH_DATA_RANK; i++)
        width *= shape[i];
    if (rank == 0 || rank > PH_DATA_RANK || width != d->width)
        return ph_fail(PH_USAGE, "%s: a shape of %zu numbers for rows of %zu", d->name, width, d->width);
    return ph_data_shape(d, d->name, d->rows, rank, shape);
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
        ph_store_free(&d->store);
        ph_texts_free(&d->class_names);
        ph_texts_free(&d->columns);
        ph_texts_free(&d->ids);
        ph_windows_free(d->windows);
        free(d->labels);
        free(d->path);
        free(d->id_column);
        free(d->left_out);
    }
    free(d);
}

/* ---- Reading rows ---------------------------------------------------------------------------- */

/* Numbers from the file, piece by piece on the stack: reading takes no memory. */
static ph_status read_from_file(const ph_data *d, uint64_t at, size_t length, real *out)
{
    enum { PIECE = 1 << 14 };
    uint8_t piece[PIECE];
    size_t each = ph_element_bytes(d->element);
    for (size_t c = 0; c < length; c += PIECE / each) {
        size_t count = length - c < PIECE / each ? length - c : PIECE / each;
        PH_TRY(ph_store_read(&d->store, piece, count * each, at + c * each));
        if (d->swapped)
            swap_bytes(piece, count, each);
        ph_convert(d->element, piece, count, out + c);
    }
    return PH_OK;
}

static bool is_cut(const ph_data *d)
{
    return d->windows && d->windows->count > 0;
}

ph_runs ph_data_runs(const ph_data *d, size_t row)
{
    row += d->first;
    return is_cut(d) ? ph_windows_runs(d->windows, row)
                      : (ph_runs){ .begin = row * d->width, .count = 1, .length = d->width };
}

void ph_data_continue(const ph_data *d, size_t row, void *numbers, size_t bytes)
{
    if (is_cut(d))
        ph_windows_continue(d->windows, row + d->first, numbers, bytes);
}

static ph_status read_row(const ph_data *d, size_t row, real *out)
{
    ph_runs runs = ph_data_runs(d, row);
    size_t each = ph_element_bytes(d->element);
    for (size_t i = 0; i < runs.count; i++) {
        uint64_t at = d->offset + (uint64_t)(runs.begin + i * runs.apart) * each;
        real *to = out + i * runs.within;
        if (d->store.memory)
            ph_convert(d->element, d->store.memory + at, runs.length, to);
        else
            PH_TRY(read_from_file(d, at, runs.length, to));
    }
    ph_data_continue(d, row, out, sizeof *out);
    return PH_OK;
}

ph_status ph_data_read_scaled(const ph_data *d, const ph_scaling *s, const size_t *index, size_t n,
                              real *out)
{
    for (size_t i = 0; i < n; i++, out += d->width) {
        if (index[i] >= d->rows)
            return ph_fail(PH_USAGE, "%s: row %zu of %zu", d->name, index[i], d->rows);
        PH_TRY(read_row(d, index[i], out));
        if (s)
            PH_TRY(ph_scaling_apply(s, d, index[i], out));
    }
    return PH_OK;
}

ph_status ph_data_read(const ph_data *d, const size_t *index, size_t n, ph_real *out)
{
    return ph_data_read_scaled(d, NULL, index, n, out);
}

/* ---- Telling --------------------------------------------------------------------------------- */

const uint32_t *ph_data_labels(const ph_data *d)
{
    return d->labels;
}

double ph_data_white(const ph_data *d)
{
    bool picture = d->rank >= 2 && !(d->windows && d->windows->table);
    return (picture && d->element == PH_U1) || d->bytes ? 255 : picture && d->element == PH_U2 ? 65535 : 0;
}

const char *ph_data_column(const ph_data *d, size_t column)
{
    return column < d->width ? ph_texts_at(&d->columns, column % ph_data_scales(d)) : NULL;
}

size_t ph_data_scales(const ph_data *d)
{
    const ph_windows *w = d->windows;
    return w == NULL ? d->width : w->table ? w->channels : 1;
}

const char *ph_data_class(const ph_data *d, size_t label)
{
    return ph_texts_at(&d->class_names, label);
}

const char *ph_data_id(const ph_data *d, size_t row)
{
    return row < d->rows ? ph_texts_at(&d->ids, row + d->first) : NULL;
}

void ph_data_describe(const ph_data *d, ph_data_info *info)
{
    *info = (ph_data_info){ .format = d->format, .element = ph_element_name(d->element),
                            .rows = d->rows, .rank = d->rank, .width = d->width,
                            .classes = d->labels ? d->classes : 0, .has_test = d->has_test,
                            .id_column = d->id_column, .left_out = d->left_out, .rate = d->rate,
                            .coding = d->coding, .bytes = d->bytes, .pieces = d->windows ? d->windows->count : 0,
                            .table = d->windows && d->windows->table };
    snprintf(info->name, sizeof info->name, "%s", d->name);
    memcpy(info->shape, d->shape, sizeof info->shape);
    if (d->windows) {
        ph_cut_text(d->windows->cut.window, d->windows->picture, info->window);
        ph_cut_text(d->windows->cut.hop, d->windows->picture, info->hop);
    }
}
