/* csv_layout.c - how a table is written, from its first lines: separator, decimal mark, header, and
 * what each column is for.
 */
#include "data/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_RECORDS = 200 };

/* A second reader over the sample alone, which leaves the first where it is. */
static ph_csv sample_of(const ph_csv *c, char separator, char decimal)
{
    ph_csv s = { .path = c->path, .buffer = c->buffer, .at = c->at, .size = c->size,
                 .capacity = c->capacity, .ended = true, .line = c->line, .separator = separator,
                 .decimal = decimal };
    /* The last line of the buffer may be cut off; it is a sample only where the text ends there. */
    if (!c->ended) {
        while (s.size > s.at && s.buffer[s.size - 1] != '\n')
            s.size--;
        if (s.size == s.at)
            s.size = c->size;
    }
    return s;
}

/* ---- Separator and decimal mark -------------------------------------------------------------- */

typedef struct trial {
    size_t fields;             /* in every record; 0: they differ */
    double numbers;            /* share of the fields, after the first record, that are numbers */
} trial;

static trial try(const ph_csv *c, char separator, char decimal)
{
    ph_csv s = sample_of(c, separator, decimal);
    ph_record r;
    ph_status status = PH_OK;
    trial t = { 0 };
    size_t records = 0, numbers = 0, all = 0;
    for (; records < SAMPLE_RECORDS && ph_csv_record(&s, &r, &status); records++) {
        size_t fields = 0, length;
        const char *at = r.text, *text;
        for (; at && status == PH_OK; fields++) {
            double number;
            status = ph_csv_field(&s, &r, &at, &text, &length);
            bool is = status == PH_OK && ph_csv_number(text, length, decimal, &number);
            numbers += records > 0 && is;
            all += records > 0;
        }
        t.fields = records == 0 || t.fields == fields ? fields : 0;
        if (t.fields == 0)
            break;
    }
    t.numbers = all ? (double)numbers / (double)all : 0;
    free(s.scratch);
    return status == PH_OK ? t : (trial){ 0 };
}

/* 1,234 may be a thousand or a little more than one: then a comma is not taken for decimal unless
 * somebody says so. A field as 0,5 or 12,34 settles it. */
static bool settles_comma(const ph_csv *c, char separator)
{
    ph_csv s = sample_of(c, separator, ',');
    ph_record r;
    ph_status status;
    bool settled = false;
    for (size_t i = 0; i < SAMPLE_RECORDS && !settled && ph_csv_record(&s, &r, &status); i++) {
        const char *at = r.text, *text;
        size_t length;
        while (at && ph_csv_field(&s, &r, &at, &text, &length) == PH_OK) {
            double number;
            const char *comma = memchr(text, ',', length), *digits = text;
            if (comma == NULL || !ph_csv_number(text, length, ',', &number))
                continue;
            digits += *digits == '-' || *digits == '+';
            size_t after = (size_t)(text + length - comma - 1);
            settled = settled || after != 3 || *digits == '0' || comma - digits > 3;
        }
    }
    free(s.scratch);
    return settled;
}

static void choose_marks(ph_csv *c, const ph_data_desc *desc)
{
    static const struct { const char *name; char mark; } separators[] = {
        { "tab", '\t' }, { "semicolon", ';' }, { "comma", ',' }, { "bar", '|' }, { "blank", ' ' } };
    const char *wanted = desc->separator ? desc->separator : "auto";
    const char *decimal = desc->decimal ? desc->decimal : "auto";
    trial best = { 0 };
    c->separator = ',';
    c->decimal = strcmp(decimal, "comma") == 0 ? ',' : '.';
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++) {
        char mark = separators[i].mark;
        if (strcmp(wanted, "auto") != 0 && strcmp(wanted, separators[i].name) != 0)
            continue;
        for (int comma = 0; comma < 2; comma++) {
            bool possible = strcmp(decimal, "auto") == 0
                                ? !comma || (mark != ',' && settles_comma(c, mark))
                                : comma == (strcmp(decimal, "comma") == 0);
            trial t = possible ? try(c, mark, comma ? ',' : '.') : (trial){ 0 };
            bool chosen = strcmp(wanted, "auto") != 0 && possible && best.fields == 0;
            if (chosen || (t.fields > 1 && t.numbers > best.numbers + 1e-9) ||
                (t.fields > 1 && best.fields == 0)) {
                best = t;
                best.fields = t.fields ? t.fields : 1;
                c->separator = mark;
                c->decimal = comma ? ',' : '.';
            }
        }
    }
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* What the sample shows of a field. */
typedef struct seen {
    size_t numbers, texts, line; /* line: of the first text */
    char text[40];
} seen;

/* Whether a record has no number in it: then it names columns. */
static bool is_header(ph_csv *c, const ph_record *r, ph_status *status)
{
    const char *at = r->text, *text;
    size_t length, texts = 0;
    while (at) {
        double number;
        *status = ph_csv_field(c, r, &at, &text, &length);
        if (*status != PH_OK)
            return false;
        if (ph_csv_number(text, length, c->decimal, &number) && !isnan(number))
            return false;
        texts += length > 0;
    }
    return texts > 0;
}

static ph_status read_names(ph_csv *c, const ph_record *r)
{
    const char *at = r->text, *text;
    size_t length;
    while (at) {
        PH_TRY(ph_csv_field(c, r, &at, &text, &length));
        PH_TRY(ph_texts_add(&c->names, text, length));
    }
    return PH_OK;
}

static ph_status read_header(ph_csv *c, const char *wanted)
{
    ph_csv s = sample_of(c, c->separator, c->decimal);
    ph_record r;
    ph_status status;
    bool there = ph_csv_record(&s, &r, &status);
    if (status == PH_OK && !there)
        status = ph_fail(PH_DATA, "%s: it is empty", c->path);
    for (const char *at = r.text, *text; status == PH_OK && at; c->fields++) {
        size_t length;
        status = ph_csv_field(&s, &r, &at, &text, &length);
    }
    c->header = status == PH_OK && (strcmp(wanted, "yes") == 0 ||
                                    (strcmp(wanted, "auto") == 0 && is_header(&s, &r, &status)));
    free(s.scratch);
    if (status == PH_OK && c->header && ph_csv_record(c, &r, &status)) {
        status = read_names(c, &r);
        c->fields = c->names.count;
    }
    return status;
}

static ph_status look(const ph_csv *c, seen *fields)
{
    ph_csv s = sample_of(c, c->separator, c->decimal);
    ph_record r;
    ph_status status = PH_OK;
    for (size_t i = 0; i < SAMPLE_RECORDS && status == PH_OK; i++) {
        const char *at, *text;
        size_t length;
        if (!ph_csv_record(&s, &r, &status)) {
            status = c->ended ? status : PH_OK; /* the sample may end within quotes */
            break;
        }
        at = r.text;
        for (size_t f = 0; at && f < c->fields && status == PH_OK; f++) {
            double number;
            status = ph_csv_field(&s, &r, &at, &text, &length);
            if (status != PH_OK)
                break;
            if (ph_csv_number(text, length, c->decimal, &number)) {
                fields[f].numbers += !isnan(number);
            } else if (fields[f].texts++ == 0) {
                snprintf(fields[f].text, sizeof fields[f].text, "%.*s",
                         (int)(length < 39 ? length : 39), text);
                fields[f].line = r.line;
            }
        }
    }
    free(s.scratch);
    return status;
}

/* The field of that name or number; SIZE_MAX after saying why there is none. */
static size_t find_field(const ph_csv *c, const char *name)
{
    size_t found = ph_texts_find(&c->names, name);
    char *end;
    if (found != SIZE_MAX) {
        for (size_t f = found + 1; f < c->names.count; f++)
            if (strcmp(ph_texts_at(&c->names, f), name) == 0) {
                ph_fail(PH_USAGE, "%s: two columns are called '%s' (%zu and %zu): say which by number",
                        c->path, name, found + 1, f + 1);
                return SIZE_MAX;
            }
        return found;
    }
    unsigned long number = strtoul(name, &end, 10);
    if (*name >= '0' && *name <= '9' && *end == '\0') {
        if (number >= 1 && number <= c->fields)
            return number - 1;
        ph_fail(PH_USAGE, "%s: column %s of %zu", c->path, name, c->fields);
        return SIZE_MAX;
    }
    const char **names = calloc(c->names.count + 1, sizeof *names);
    for (size_t i = 0; names && i < c->names.count; i++)
        names[i] = ph_texts_at(&c->names, i);
    const char *near = names ? ph_nearest(name, names, c->names.count) : NULL;
    ph_fail(PH_USAGE, "%s: no column '%s'%s%s%s%s", c->path, name, near ? "; did you mean '" : "",
            near ? near : "", near ? "'?" : "",
            c->header ? "" : ": it has no header, so columns go by number");
    free(names);
    return SIZE_MAX;
}

/* Calls for each column of a list as a,"b, c",d. */
static ph_status each_of(ph_csv *c, const char *list, ph_status (*take)(ph_csv *, size_t field))
{
    ph_csv items = { .path = "the list of columns", .separator = ',' };
    ph_record r = { list, list + strlen(list), 1, 1 };
    ph_status status = PH_OK;
    for (const char *at = list, *text; at && status == PH_OK;) {
        size_t length;
        char name[1024];
        status = ph_csv_field(&items, &r, &at, &text, &length);
        if (status != PH_OK)
            break;
        snprintf(name, sizeof name, "%.*s", (int)(length < 1000 ? length : 1000), text);
        size_t field = find_field(c, name);
        status = field == SIZE_MAX ? ph_last_status() : take(c, field);
    }
    free(items.scratch);
    return status;
}

static ph_status take_value(ph_csv *c, size_t field)
{
    char where[160];
    if (c->role[field] >= 0)
        return ph_fail(PH_USAGE, "%s: %s is in the list twice", c->path,
                       ph_csv_column(c, field, where));
    c->role[field] = (int)c->width++;
    return PH_OK;
}

static ph_status drop(ph_csv *c, size_t field)
{
    c->role[field] = PH_CSV_SKIP;
    return PH_OK;
}

/* Texts in columns of numbers: all of them are named at once, with what can be done. */
static ph_status settle_texts(ph_csv *c, ph_data *d, const seen *fields, bool refuse)
{
    char list[700] = "", where[160];
    size_t used = 0, first = SIZE_MAX;
    for (size_t f = 0; f < c->fields; f++) {
        bool text = fields[f].texts && fields[f].numbers == 0;
        bool nothing = !fields[f].texts && !fields[f].numbers && c->header &&
                       *ph_texts_at(&c->names, f) == '\0';
        if (c->role[f] < 0 || !(text || nothing))
            continue;
        const char *name = ph_texts_at(&c->names, f);
        char number[24];
        snprintf(number, sizeof number, "%zu", f + 1);
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? "," : "",
                                     name && *name ? name : number);
        if (text && first == SIZE_MAX)
            first = f;
        c->role[f] = PH_CSV_SKIP;
    }
    if (refuse && first != SIZE_MAX)
        return ph_fail(PH_USAGE, "%s: %s holds text ('%s' in line %zu): leave text out with "
                       "--drop-columns '%.500s'", c->path, ph_csv_column(c, first, where),
                       fields[first].text, fields[first].line, list);
    d->left_out = used ? strdup(list) : NULL;
    return used && d->left_out == NULL ? ph_fail(PH_MEMORY, "%s: out of memory", c->path) : PH_OK;
}

/* The columns that are for something else than values. */
static ph_status choose_special(ph_csv *c, const ph_data_desc *desc, const seen *fields, ph_data *d)
{
    const char *id = desc->id_column;
    size_t field = SIZE_MAX;
    if (desc->label_column) {
        field = find_field(c, desc->label_column);
        if (field == SIZE_MAX)
            return ph_last_status();
        c->role[field] = PH_CSV_LABEL;
    }
    if (id && strcmp(id, "none") != 0) {
        field = find_field(c, id);
        if (field == SIZE_MAX)
            return ph_last_status();
        c->role[field] = PH_CSV_ID;
    } else if (id == NULL && fields[0].texts && fields[0].numbers == 0 && c->fields > 1 &&
               c->role[0] == (desc->columns ? PH_CSV_SKIP : 0)) {
        c->role[0] = PH_CSV_ID;
    }
    for (size_t f = 0; f < c->fields; f++) {
        const char *name = ph_texts_at(&c->names, f);
        if (c->role[f] != PH_CSV_ID)
            continue;
        d->id_column = strdup(name && *name ? name : "id");
        if (d->id_column == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    }
    return PH_OK;
}

/* Numbers the columns of values in their order, unless a list has done so, and keeps their names. */
static ph_status settle_values(ph_csv *c, bool listed, ph_data *d)
{
    size_t *field_of = calloc(c->fields + 1, sizeof *field_of);
    ph_status status = field_of ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    size_t width = 0;
    for (size_t f = 0; f < c->fields && status == PH_OK; f++) {
        if (c->role[f] < 0)
            continue;
        if (!listed)
            c->role[f] = (int)width;
        field_of[c->role[f]] = f;
        width++;
    }
    c->width = width;
    if (status == PH_OK && width == 0)
        status = ph_fail(PH_USAGE, "%s: there is no column of numbers", c->path);
    for (size_t v = 0; v < width && c->header && status == PH_OK; v++) {
        const char *name = ph_texts_at(&c->names, field_of[v]);
        status = ph_texts_add(&d->columns, name, strlen(name));
    }
    free(field_of);
    return status;
}

static ph_status choose_roles(ph_csv *c, const ph_data_desc *desc, ph_data *d)
{
    seen *fields = calloc(c->fields, sizeof *fields);
    c->role = calloc(c->fields, sizeof *c->role);
    ph_status status = fields && c->role ? look(c, fields)
                                         : ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    for (size_t f = 0; f < c->fields && status == PH_OK && desc->columns; f++)
        c->role[f] = PH_CSV_SKIP;
    if (status == PH_OK && desc->columns)
        status = each_of(c, desc->columns, take_value);
    if (status == PH_OK && desc->drop_columns)
        status = each_of(c, desc->drop_columns, drop);
    if (status == PH_OK)
        status = choose_special(c, desc, fields, d);
    if (status == PH_OK)
        status = settle_texts(c, d, fields, desc->columns || !desc->text_columns ||
                                                strcmp(desc->text_columns, "drop") != 0);
    if (status == PH_OK)
        status = settle_values(c, desc->columns != NULL, d);
    free(fields);
    return status;
}

static ph_status check_text(ph_csv *c)
{
    const char *text = c->buffer;
    if (c->size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        c->at = 3;
    else if (c->size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        return ph_fail(PH_DATA, "%s: the text is UTF-16; save it as UTF-8", c->path);
    if (memchr(text, '\0', c->size))
        return ph_fail(PH_DATA, "%s: there are zero bytes in it: not a table as text", c->path);
    if (memchr(text, '\r', c->size) && !memchr(text, '\n', c->size))
        return ph_fail(PH_DATA, "%s: lines end in carriage returns alone; save it with line feeds",
                       c->path);
    return PH_OK;
}

ph_status ph_csv_layout(ph_csv *c, const ph_data_desc *desc, ph_data *d)
{
    PH_TRY(check_text(c));
    choose_marks(c, desc);
    PH_TRY(read_header(c, desc->header ? desc->header : "auto"));
    return choose_roles(c, desc, d);
}
