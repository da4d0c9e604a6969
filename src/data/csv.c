/* csv.c - tables as text: comma-, semicolon-, tab-, bar- or blank-separated values (RFC 4180, and what
 * is found in the wild).
 *
 * The text passes once, from a file, gzip or a pipe, through a buffer of a megabyte; the numbers go
 * to the set's store. So a table may be larger than memory, and an epoch reads no text. A line is a row, or,
 * where a window is asked for, a frame of a series: one of several channels is a picture of one line.
 */
#include "data/csv.h"
#include "data/number.h"
#include "data/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BUFFER = 1 << 20 };
#define LONGEST_RECORD ((size_t)1 << 30)

/* ---- Records --------------------------------------------------------------------------------- */

/* Moves what is left to the front and reads behind it; a buffer that is full of one record grows. */
static ph_status refill(ph_csv *c)
{
    size_t got;
    memmove(c->buffer, c->buffer + c->at, c->size - c->at);
    c->size -= c->at;
    c->at = 0;
    if (c->size + 1 >= c->capacity) {
        size_t capacity = c->capacity * 2;
        char *grown = capacity > LONGEST_RECORD ? NULL : realloc(c->buffer, capacity);
        if (grown == NULL)
            return ph_fail(PH_DATA, "%s: line %zu is longer than %zu bytes: not a table", c->path,
                           c->line, c->capacity);
        c->buffer = grown;
        c->capacity = capacity;
    }
    char *more = c->buffer + c->size;
    PH_TRY(ph_source_some(c->in, more, c->capacity - 1 - c->size, &got));
    if (got && memchr(more, '\0', got))
        return ph_fail(PH_DATA, "%s: from line %zu on there are zero bytes: no text, or UTF-16; save it "
                       "as UTF-8", c->path, c->line);
    c->size += got;
    c->buffer[c->size] = '\0';
    c->ended = got == 0;
    return PH_OK;
}

static bool is_blank(char x)
{
    return x == ' ' || x == '\t';
}

static bool is_separator(const ph_csv *c, char x)
{
    return c->separator == ' ' ? is_blank(x) : x == c->separator;
}

/* The end of a record that holds a quote: a line end inside of a quoted field belongs to it. NULL if
 * the buffer ends before, *open if that is within quotes. */
static const char *quoted_end(const ph_csv *c, const char *p, const char *limit, size_t *lines,
                              bool *open)
{
    bool at_start = true;
    for (; p < limit; p++) {
        if (at_start && *p == '"') {
            for (p++; p < limit && (*p != '"' || p[1] == '"'); p += *p == '"' ? 2 : 1)
                *lines += *p == '\n';
            *open = p >= limit;
            if (*open)
                return NULL;
        } else if (*p == '\n') {
            return p;
        }
        at_start = is_separator(c, *p) || (at_start && is_blank(*p));
    }
    return NULL;
}

static bool all_blank(const char *p, const char *end)
{
    while (p < end && is_blank(*p))
        p++;
    return p == end;
}

/* Finds the record that begins at c->at. Needs more text: *end NULL. */
static ph_status find_end(const ph_csv *c, const char **end, size_t *lines)
{
    const char *p = c->buffer + c->at, *limit = c->buffer + c->size;
    bool open = false;
    *lines = 1;
    *end = memchr(p, '\n', c->size - c->at);
    if (memchr(p, '"', (size_t)((*end ? *end : limit) - p)))
        *end = quoted_end(c, p, limit, lines, &open);
    if (*end || !c->ended)
        return PH_OK;
    if (open)
        return ph_fail(PH_DATA, "%s: line %zu: a quoted field has no end", c->path, c->line);
    *end = limit;
    return PH_OK;
}

bool ph_csv_record(ph_csv *c, ph_record *r, ph_status *status)
{
    for (*status = PH_OK;;) {
        const char *end;
        size_t lines;
        *status = find_end(c, &end, &lines);
        if (*status == PH_OK && end == NULL)
            *status = refill(c);
        if (*status != PH_OK)
            return false;
        if (end == NULL)
            continue;
        const char *begin = c->buffer + c->at, *last = end;
        if (end == c->buffer + c->size && begin == end)
            return false;
        c->at = (size_t)(end - c->buffer) + (end < c->buffer + c->size);
        *r = (ph_record){ begin, NULL, c->line, lines };
        c->line += lines;
        while (last > begin && (last[-1] == '\r' || (c->separator == ' ' && is_blank(last[-1]))))
            last--;
        r->end = last;
        if (!all_blank(begin, last) || (c->separator == '\t' && memchr(begin, '\t', (size_t)(last - begin))))
            return true;
    }
}

/* ---- Fields ---------------------------------------------------------------------------------- */

const char *ph_csv_column(const ph_csv *c, size_t field, char text[160])
{
    const char *name = ph_texts_at(&c->names, field);
    if (name && *name)
        snprintf(text, 160, "column %zu ('%.120s')", field + 1, name);
    else
        snprintf(text, 160, "column %zu", field + 1);
    return text;
}

static ph_status unquote(ph_csv *c, const ph_record *r, const char **at, const char **text,
                         size_t *length)
{
    size_t n = 0, most = (size_t)(r->end - *at) + 1;
    if (most > c->scratch_size) {
        char *grown = realloc(c->scratch, most);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", c->path);
        c->scratch = grown;
        c->scratch_size = most;
    }
    const char *p = *at + 1;
    for (; p < r->end && (*p != '"' || (p + 1 < r->end && p[1] == '"')); p += *p == '"' ? 2 : 1)
        c->scratch[n++] = *p;
    if (p >= r->end)
        return ph_fail(PH_DATA, "%s: line %zu: a quoted field has no end", c->path, r->line);
    c->scratch[n] = '\0';
    *at = p + 1;
    *text = c->scratch;
    *length = n;
    return PH_OK;
}

ph_status ph_csv_field(ph_csv *c, const ph_record *r, const char **at, const char **text,
                       size_t *length)
{
    const char *p = *at;
    while (p < r->end && is_blank(*p) && (c->separator == ' ' || !is_separator(c, *p)))
        p++;
    bool quoted = p < r->end && *p == '"';
    if (quoted) {
        PH_TRY(unquote(c, r, &p, text, length));
        while (p < r->end && is_blank(*p) && !is_separator(c, *p))
            p++;
        if (p < r->end && !is_separator(c, *p))
            return ph_fail(PH_DATA, "%s: line %zu: '%c' follows the end of the quoted field '%.40s'",
                           c->path, r->line, *p, *text);
    } else {
        const char *begin = p;
        while (p < r->end && !is_separator(c, *p))
            p++;
        *text = begin;
        *length = (size_t)(p - begin);
    }
    while (!quoted && *length && is_blank((*text)[*length - 1]))
        --*length;
    if (c->separator == ' ')
        while (p + 1 < r->end && is_blank(*p) && is_blank(p[1]))
            p++;
    *at = p < r->end ? p + 1 : NULL;
    return PH_OK;
}

static bool is_missing(const char *text, size_t length)
{
    static const char *const words[] = { "", "na", "n/a", "nan", "null", "none", "?", "-", ".",
                                         "#n/a", "missing" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0)
            return true;
    return false;
}

bool ph_csv_number(const char *text, size_t length, char decimal, double *number)
{
    if (ph_number_read(text, text + length, decimal, number) == text + length && length)
        return true;
    *number = NAN;
    if (is_missing(text, length))
        return true;
    size_t sign = length && (*text == '-' || *text == '+');
    if ((length - sign == 3 && strncasecmp(text + sign, "inf", 3) == 0) ||
        (length - sign == 8 && strncasecmp(text + sign, "infinity", 8) == 0)) {
        *number = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static ph_status wrong_count(const ph_csv *c, const ph_record *r)
{
    size_t fields = 0, length;
    const char *at = r->text, *text;
    for (ph_status status = PH_OK; at && status == PH_OK; fields++)
        status = ph_csv_field((ph_csv *)c, r, &at, &text, &length);
    return ph_fail(PH_DATA, "%s: line %zu: %zu fields, where %s has %zu", c->path, r->line, fields,
                   c->header ? "the header" : "the first line", c->fields);
}

/* A field that is not simply a number: it is quoted, blank or missing, or has another role. */
static ph_status read_field(ph_csv *c, const ph_record *r, size_t field, const char **at,
                            ph_data *d, ph_texts *labels, real *row)
{
    const char *text = NULL;
    size_t length = 0;
    char where[160];
    double number;
    PH_TRY(ph_csv_field(c, r, at, &text, &length));
    if (c->role[field] == PH_CSV_ID)
        return ph_data_add_id(d, text, length);
    if (c->role[field] == PH_CSV_LABEL)
        return ph_texts_add(labels, text, length);
    if (c->role[field] == PH_CSV_SKIP || (c->role[field] == PH_CSV_EMPTY && length == 0))
        return PH_OK;
    if (c->role[field] == PH_CSV_EMPTY)
        return ph_fail(PH_DATA, "%s: line %zu, %s: '%.*s', where the first lines have nothing",
                       c->path, r->line, ph_csv_column(c, field, where),
                       (int)(length < 60 ? length : 60), text);
    if (!ph_csv_number(text, length, c->decimal, &number))
        return ph_fail(PH_DATA, "%s: line %zu, %s: '%.*s' is not a number", c->path, r->line,
                       ph_csv_column(c, field, where), (int)(length < 60 ? length : 60), text);
    row[c->role[field]] = (real)number;
    return PH_OK;
}

static ph_status read_row(ph_csv *c, const ph_record *r, ph_data *d, ph_texts *labels, real *row)
{
    const char *at = r->text;
    for (size_t field = 0; field < c->fields; field++) {
        if (at == NULL)
            return wrong_count(c, r);
        if (c->role[field] >= 0) {
            double number;
            const char *end = ph_number_read(at, r->end, c->decimal, &number);
            if (end > at && (end == r->end || *end == c->separator) &&
                (c->separator != ' ' || end == r->end || !is_blank(end[1]))) {
                row[c->role[field]] = (real)number;
                at = end == r->end ? NULL : end + 1;
                continue;
            }
        }
        PH_TRY(read_field(c, r, field, &at, d, labels, row));
    }
    return at == NULL ? PH_OK : wrong_count(c, r);
}

static ph_status read_rows(ph_csv *c, ph_data *d, ph_texts *labels)
{
    enum { BYTES = 1 << 16 };
    size_t most = BYTES / (c->width * sizeof(real)) + 1, rows = 0;
    real *block = malloc(most * c->width * sizeof *block);
    ph_status status = block ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    ph_record r;
    while (status == PH_OK && ph_csv_record(c, &r, &status)) {
        status = read_row(c, &r, d, labels, block + rows * c->width);
        if (status == PH_OK && ++rows == most) {
            status = ph_data_append(d, block, rows);
            rows = 0;
        }
    }
    if (status == PH_OK && rows)
        status = ph_data_append(d, block, rows);
    free(block);
    return status;
}

/* The first table of a set says what its columns are. */
static ph_status begin(ph_csv *c, ph_data *d, const ph_data_desc *desc)
{
    PH_TRY(ph_csv_layout(c, desc, d));
    d->element = PH_REAL_ELEMENT;
    d->rank = 1;
    d->shape[0] = c->width;
    return ph_data_begin(d, desc->memory_limit);
}

static ph_status differ(const ph_csv *c, const ph_data *own, const ph_data *d)
{
    char here[120], there[120];
    if (c->width != d->width)
        return ph_fail(PH_DATA, "%s: %zu columns of numbers, but those before it have %zu", c->path, c->width,
                       d->width);
    if (!own->id_column != !d->id_column)
        return ph_fail(PH_DATA, "%s: its lines have %s names, unlike those before it", c->path,
                       own->id_column ? "" : "no");
    for (size_t i = 0; i < own->columns.count || i < d->columns.count; i++) {
        const char *name = ph_texts_at(&own->columns, i), *first = ph_texts_at(&d->columns, i);
        snprintf(here, sizeof here, "%s", name ? name : "");
        snprintf(there, sizeof there, "%s", first ? first : "");
        if (strcmp(here, there) != 0)
            return ph_fail(PH_DATA, "%s: column %zu of numbers is '%s', but of those before it '%s'", c->path, i + 1,
                           here, there);
    }
    return PH_OK;
}

/* Further tables have the same columns. */
static ph_status compare(ph_csv *c, const ph_data *d, const ph_data_desc *desc)
{
    ph_data *own = ph_data_make(d->name, "CSV");
    ph_status status = own ? ph_csv_layout(c, desc, own) : PH_MEMORY;
    if (status == PH_OK)
        status = differ(c, own, d);
    ph_data_close(own);
    return status;
}

/* Appends the lines of a table, and their labels. */
static ph_status read_table(ph_csv *c, bool first, ph_data *d, ph_texts *labels, const ph_data_desc *desc)
{
    c->capacity = BUFFER;
    c->buffer = malloc(c->capacity);
    if (c->buffer == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    /* A sample that shows how the table is written: with a whole line, and more if there is more. */
    while (!c->ended && (c->size < BUFFER / 4 || memchr(c->buffer, '\n', c->size) == NULL))
        PH_TRY(refill(c));
    PH_TRY(first ? begin(c, d, desc) : compare(c, d, desc));
    return read_rows(c, d, labels);
}

static ph_status read_file(ph_source *in, bool first, ph_data *d, ph_texts *labels, const ph_data_desc *desc)
{
    ph_csv c = { .in = in, .path = ph_source_name(in), .line = 1 };
    size_t before = d->rows;
    ph_status status = read_table(&c, first, d, labels, desc);
    if (status == PH_OK && d->rows == before)
        status = ph_fail(PH_DATA, "%s: there are no rows", c.path);
    free(c.buffer);
    free(c.scratch);
    free(c.role);
    free(c.order);
    ph_texts_free(&c.names);
    return status;
}

/* ---- Series ---------------------------------------------------------------------------------- */

static ph_status read_series(ph_pieces *p, ph_source *in, size_t *frames)
{
    size_t before = p->d->rows;
    PH_TRY(read_file(in, p->count == 0, p->d, &p->labels, p->desc));
    *frames = p->d->rows - before;
    return PH_OK;
}

static const ph_piece_kind series = { "CSV", read_series, 0 };

ph_data *ph_csv_folder(const ph_folder *folder, const char *name, const char *part, const ph_data_desc *desc)
{
    return ph_pieces_of_folder(folder, name, part, &series, desc);
}

/* ---- Rows of a table alone ------------------------------------------------------------------- */

static ph_status read_lines(ph_source *in, ph_data *d, const ph_data_desc *desc)
{
    ph_texts labels = { 0 };
    ph_status status = read_file(in, true, d, &labels, desc);
    if (status == PH_OK && labels.count)
        status = ph_data_label_texts(d, &labels, ph_source_name(in));
    ph_texts_free(&labels);
    return status;
}

ph_data *ph_csv_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    if (ph_is_cut(desc, "table"))
        return ph_pieces_of_file(in, name, &series, desc);
    ph_data *d = ph_data_make(name, "CSV");
    if (d == NULL || read_lines(in, d, desc) == PH_OK)
        return d;
    ph_data_close(d);
    return NULL;
}
