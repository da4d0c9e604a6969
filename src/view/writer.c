/* writer.c - rows on their way out: .csv as they come, .npy, .npz, .safetensors and PNG grids when all
 * are there, windows of a sound, a picture or of bytes as the whole (join.h). What is gathered may be larger
 * than memory (base/store.h).
 */
#include "view/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct ph_writer_format {
    const char *name;
    bool own_file;                                             /* `finish` writes path by itself */
    bool typed;                                                /* numbers are gathered as the element */
    ph_status (*begin)(ph_writer *);
    ph_status (*row)(ph_writer *, const real *values, size_t rows); /* NULL: gathered, or joined */
    ph_status (*finish)(ph_writer *);
} formats[] = {
    { "npy", false, true, NULL, NULL, ph_write_npy },
    { "csv", false, false, ph_begin_csv, ph_write_csv_rows, NULL },
    { "png", true, false, ph_begin_png, NULL, ph_write_png },
    { "npz", true, true, NULL, NULL, ph_write_npz },
    { "safetensors", false, true, NULL, NULL, ph_write_safetensors },
    { "wav", false, false, ph_begin_wav, NULL, NULL },
    { "bytes", false, false, ph_begin_bytes, NULL, NULL },
};
enum { FORMATS = sizeof formats / sizeof formats[0], GATHER_LIMIT = 256 << 20 };

static const ph_element elements[] = {
    { NULL, sizeof(real) == 8 ? "<f8" : "<f4", sizeof(real) == 8 ? "F64" : "F32", sizeof(real) },
    { "u2", "<u2", "U16", 2 },
    { "u4", "<u4", "U32", 4 },
};

/* NULL stands for reals. */
static const ph_element *find_element(const char *name)
{
    for (size_t i = 1; name && i < sizeof elements / sizeof elements[0]; i++)
        if (strcmp(elements[i].name, name) == 0)
            return &elements[i];
    return name ? NULL : elements;
}

bool ph_writes_bytes(const ph_writer_desc *d)
{
    ph_data_info info = { 0 };
    if (d->whole && d->source)
        ph_data_describe(d->source, &info);
    return info.bytes && info.pieces > 0;
}

static const struct ph_writer_format *format_of(const char *name)
{
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    return NULL;
}

static const struct ph_writer_format *find_format(const char *path, const ph_writer_desc *d)
{
    const char *dot = strrchr(path, '.');
    const char *name = d->format ? d->format : strcmp(path, "-") == 0 ? "npy" : dot ? dot + 1 : "";
    const struct ph_writer_format *format = format_of(name);
    if (format == NULL && ph_writes_bytes(d))
        format = format_of("bytes");
    if (format)
        return format;
    ph_fail(PH_USAGE, "%s: what kind of file? Its name should end in .npy, .npz, .csv, .safetensors, "
            ".png or .wav", path);
    return NULL;
}

/* Fails early, before the work is done, if the file could not be written. */
static bool open_file(ph_writer *w)
{
    bool stream = strcmp(w->path, "-") == 0;
    if (stream && w->format->own_file) {
        ph_fail(PH_USAGE, "a .%s file cannot go to standard output; give -o FILE", w->format->name);
        return false;
    }
    w->file = ph_file_create(w->path);
    if (w->file && w->format->own_file) {
        ph_file_discard(w->file);
        w->file = NULL;
        return true;
    }
    return w->file != NULL;
}

ph_writer *ph_writer_open(const char *path, const ph_writer_desc *desc)
{
    const struct ph_writer_format *format = find_format(path, desc);
    const ph_element *element = find_element(desc->element);
    if (format && element == NULL)
        ph_fail(PH_USAGE, "%s: '%s' is no element type of files", path, desc->element);
    if (format == NULL || element == NULL)
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
    w->element = format->typed ? element : elements;
    w->desc = *desc;
    w->gathered = ph_store_of(w->path, GATHER_LIMIT);
    if (w->desc.rank == 0) {
        w->desc.rank = 1;
        w->desc.shape[0] = desc->width;
    }
    if (open_file(w) && (format->begin == NULL || format->begin(w) == PH_OK))
        return w;
    ph_writer_discard(w);
    return NULL;
}

/* Whole numbers, in the bytes that they have in the file, piece by piece. */
static ph_status gather_whole(ph_writer *w, const real *values, size_t count)
{
    enum { PIECE = 1024 };
    uint8_t bytes[4 * PIECE];
    size_t size = w->element->size, most = ((size_t)1 << (8 * size)) - 1;
    for (size_t i = 0, used = 0; i < count; i++) {
        double value = (double)values[i];
        if (!(value >= 0 && value <= (double)most && value == floor(value)))
            return ph_fail(PH_USAGE, "%s: %.9g is no whole number from 0 to %zu", w->path, value, most);
        for (size_t b = 0; b < size; b++)
            bytes[used++] = (uint8_t)((size_t)value >> (8 * b));
        if (used == size * PIECE || i + 1 == count) {
            PH_TRY(ph_store_append(&w->gathered, bytes, used));
            used = 0;
        }
    }
    return PH_OK;
}

static ph_status gather(ph_writer *w, const real *values, size_t count)
{
    return w->element == elements ? ph_store_append(&w->gathered, values, count * sizeof values[0])
                                  : gather_whole(w, values, count);
}

ph_status ph_writer_rows(ph_writer *w, const ph_real *values, size_t rows)
{
    ph_status status = w->join          ? ph_join_rows(w->join, values, rows)
                       : w->format->row ? w->format->row(w, values, rows)
                                        : gather(w, values, rows * w->desc.width);
    w->rows += rows;
    return status;
}

ph_status ph_writer_close(ph_writer *w)
{
    ph_status status = w->join ? ph_join_end(w->join) : PH_OK;
    if (status == PH_OK && w->format->finish)
        status = w->format->finish(w);
    if (status == PH_OK && w->file) {
        status = ph_file_commit(w->file);
        w->file = NULL;
    }
    if (w->desc.clipped)
        *w->desc.clipped = w->clipped;
    ph_writer_discard(w);
    return status;
}

void ph_writer_discard(ph_writer *w)
{
    if (w->file)
        ph_file_discard(w->file);
    ph_store_free(&w->gathered);
    ph_join_free(w->join);
    free(w->path);
    free(w);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static ph_status text_field(ph_writer *w, const char *text, char behind)
{
    bool quote = strpbrk(text, ",;\t\"\r\n|") != NULL || *text == ' ' || *text == '\0' ||
                 text[strlen(text) - 1] == ' ';
    if (quote)
        PH_TRY(ph_file_write(w->file, "\"", 1));
    for (; *text; text++)
        PH_TRY(ph_file_write(w->file, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1));
    return ph_file_write(w->file, (char[]){ '"', behind } + !quote, quote ? 2 : 1);
}

static const char *row_name(const ph_writer *w, size_t row)
{
    const ph_data *source = w->desc.source;
    if (w->join)
        return ph_data_line(source, w->piece, row);
    return w->desc.row ? w->desc.row(w->desc.user, row) : source ? ph_data_id(source, row) : NULL;
}

static ph_status csv_header(ph_writer *w)
{
    ph_data_info info = { 0 };
    const ph_data *source = w->desc.source;
    if (source)
        ph_data_describe(source, &info);
    if (row_name(w, 0))
        PH_TRY(text_field(w, info.id_column && (w->join || !info.window[0]) ? info.id_column : "id", ','));
    for (size_t c = 0; c < w->desc.width; c++) {
        const char *name = w->desc.column(w->desc.user, c);
        PH_TRY(text_field(w, name ? name : "", c + 1 < w->desc.width ? ',' : '\n'));
    }
    return PH_OK;
}

/* Nine digits bring a float back exactly, seventeen a double; fewer if fewer do. */
static int number_text(char text[40], real value)
{
    int most = sizeof(real) == 8 ? 17 : 9, length = 0;
    for (int digits = most - 3; digits <= most; digits++) {
        length = snprintf(text, 40, "%.*g", digits, (double)value);
        if ((real)strtod(text, NULL) == value)
            break;
    }
    /* A program around this library may have set a locale whose decimal mark is a comma. */
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
    return length;
}

/* Rows, or lines, from number `first` on. */
static ph_status write_csv(ph_writer *w, const real *values, size_t first, size_t rows)
{
    if (w->desc.column && first == 0 && rows)
        PH_TRY(csv_header(w));
    for (size_t r = 0; r < rows; r++) {
        const char *id = row_name(w, first + r);
        if (id)
            PH_TRY(text_field(w, id, ','));
        for (size_t c = 0; c < w->desc.width; c++, values++) {
            char text[48], behind = c + 1 < w->desc.width ? ',' : '\n';
            const char *own = w->desc.text ? w->desc.text(w->desc.user, c, *values) : NULL;
            if (own) {
                PH_TRY(text_field(w, own, behind));
                continue;
            }
            int length = number_text(text, *values);
            text[length++] = behind;
            PH_TRY(ph_file_write(w->file, text, (size_t)length));
        }
    }
    return PH_OK;
}

ph_status ph_write_csv_rows(ph_writer *w, const real *values, size_t rows)
{
    return write_csv(w, values, w->rows, rows);
}

static ph_status write_csv_lines(void *to, const real *lines, size_t count)
{
    ph_writer *w = to;
    PH_TRY(write_csv(w, lines, w->lines, count));
    w->lines += count;
    return PH_OK;
}

ph_status ph_begin_csv(ph_writer *w)
{
    ph_excerpt table;
    ph_data_info info = { 0 };
    if (!w->desc.whole)
        return PH_OK;
    if (w->desc.source)
        ph_data_describe(w->desc.source, &info);
    if (!info.table || !ph_data_excerpt(w->desc.source, 0, &table))
        return ph_fail(PH_USAGE, "%s: the rows are no windows of a table", w->path);
    w->piece = table.piece;
    w->desc.width = table.channels;
    w->join = ph_join_new(w->path, w->desc.source, table.channels, write_csv_lines, w);
    return w->join ? PH_OK : ph_last_status();
}

/* ---- PNG ------------------------------------------------------------------------------------- */

/* Brings each column to [0,1], from its smallest value to its largest: columns of a table have scales
 * of their own. One with a single value becomes gray. */
static void stretch(real *values, size_t rows, size_t width)
{
    for (size_t c = 0; c < width; c++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t r = 0; r < rows; r++) {
            double v = (double)values[r * width + c];
            low = isfinite(v) && v < low ? v : low;
            high = isfinite(v) && v > high ? v : high;
        }
        for (size_t r = 0; r < rows; r++) {
            real *v = &values[r * width + c];
            *v = low < high ? (real)(((double)*v - low) / (high - low)) : isnan(*v) ? *v : (real)0.5;
        }
    }
}

/* Pixels a side of a cell, so that some hundred cells fill a screen and few can still be seen. */
static size_t magnify(size_t cells)
{
    enum { SCREEN = 640, MOST = 16 };
    size_t pixels = SCREEN / cells;
    return pixels < 1 ? 1 : pixels > MOST ? MOST : pixels;
}

/* Rows that are no pictures: a line of cells for each, `across` rows side by side. */
static ph_status draw_table(const ph_writer *w, real *values, size_t across, size_t lines)
{
    size_t width = w->desc.width, x = magnify(across * width), y = magnify(lines), pixels;
    real *blocks = NULL;
    if (!__builtin_mul_overflow(across * lines * y, width * x, &pixels))
        blocks = calloc(pixels, sizeof *blocks);
    if (blocks == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", w->path);
    stretch(values, w->rows, width);
    for (size_t r = 0; r < w->rows; r++) {
        real *block = blocks + (r % across * lines + r / across) * y * width * x;
        for (size_t i = 0; i < y * width * x; i++)
            block[i] = values[r * width + i % (width * x) / x];
    }
    ph_status status = ph_grid_save(w->path, &(ph_grid){
        .tiles = blocks, .rows = 1, .columns = across, .height = lines * y, .width = width * x,
        .channels = 1, .gap = x });
    free(blocks);
    return status;
}

static ph_status gather_lines(void *to, const real *lines, size_t count)
{
    ph_writer *w = to;
    return gather(w, lines, count * w->whole[1] * w->channels);
}

ph_status ph_begin_png(ph_writer *w)
{
    ph_excerpt picture;
    const ph_data *source = w->desc.source;
    if (!w->desc.whole)
        return PH_OK;
    if (source == NULL || !ph_data_excerpt(source, 0, &picture) || !picture.picture)
        return ph_fail(PH_USAGE, "%s: the rows are no windows of a picture", w->path);
    memcpy(w->whole, picture.whole, sizeof w->whole);
    w->channels = picture.channels;
    w->join = ph_join_new(w->path, source, w->channels, gather_lines, w);
    return w->join ? PH_OK : ph_last_status();
}

/* The picture that rows were windows of. */
static ph_status draw_whole(ph_writer *w)
{
    real *pixels = malloc(w->gathered.size + 1);
    if (pixels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", w->path);
    ph_status status = ph_store_read(&w->gathered, pixels, w->gathered.size, 0);
    if (status == PH_OK)
        status = ph_grid_save(w->path, &(ph_grid){ .tiles = pixels, .rows = 1, .columns = 1, .white = w->desc.white,
                                                   .height = w->whole[0], .width = w->whole[1],
                                                   .channels = w->channels });
    free(pixels);
    return status;
}

/* A picture of all rows: as tiles where a row is a picture, else as a table of cells. */
ph_status ph_write_png(ph_writer *w)
{
    const ph_writer_desc *d = &w->desc;
    bool picture = d->rank == 2 || (d->rank == 3 && (d->shape[2] == 1 || d->shape[2] == 3));
    size_t columns = d->columns ? d->columns : picture ? (size_t)ceil(sqrt((double)w->rows)) : 1;
    size_t lines = columns ? (w->rows + columns - 1) / columns : 0;
    if (w->rows == 0)
        return ph_fail(PH_USAGE, "%s: there is nothing to draw", w->path);
    if (w->join)
        return draw_whole(w);
    real *tiles = calloc(lines * columns * d->width, sizeof *tiles);
    if (tiles == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", w->path);
    ph_status status = ph_store_read(&w->gathered, tiles, w->gathered.size, 0);
    if (status == PH_OK && !picture)
        status = draw_table(w, tiles, columns, lines);
    else if (status == PH_OK)
        status = ph_grid_save(w->path, &(ph_grid){
            .tiles = tiles, .rows = lines, .columns = columns, .white = d->white,
            .height = d->shape[0], .width = d->shape[1],
            .channels = d->rank == 3 ? d->shape[2] : 1 });
    free(tiles);
    return status;
}
