/* csv_layout.c - how a table is written, from its first lines: separator, decimal mark, header, and
 * what each column is for.
 */
#include "data/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_RECORDS = 200, MOST_FIELDS = 1000000 };

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

/* What comes out if the text is taken to be written with two marks. */
typedef struct trial {
    char separator, decimal;
    size_t fields;             /* in most records */
    double same;               /* share of the records that have so many */
    bool short_header;         /* the first record has one less */
    double numbers;            /* share of the fields that are numbers, after the first record */
} trial;

/* Records of several fields that are all alike, then such as mostly are, then one column; numbers count
 * among equals. */
static double worth(const trial *t)
{
    if (t->fields < 2 || t->same <= 0.5)
        return t->numbers / 4;
    return t->same < 1 ? t->same * (1 + t->numbers) / 2 : 1 + t->numbers;
}

/* The most frequent count; the first record has no say where there are others, as a header may lack
 * the name of the first column (R) or the separator at the end. */
static void judge(trial *t, const size_t *count, size_t records)
{
    size_t best = 0, first = records > 1;
    for (size_t i = first; i < records; i++) {
        size_t same = 0;
        for (size_t k = first; k < records; k++)
            same += count[k] == count[i];
        if (same > best)
            t->fields = count[i];
        best = same > best ? same : best;
    }
    t->short_header = first && count[0] + 1 == t->fields;
    if (first)
        best += count[0] == t->fields || t->short_header;
    t->same = records ? (double)best / (double)records : 0;
}

static trial try(const ph_csv *c, char separator, char decimal)
{
    ph_csv s = sample_of(c, separator, decimal);
    ph_record r;
    ph_status status = PH_OK;
    trial t = { .separator = separator, .decimal = decimal };
    size_t count[SAMPLE_RECORDS] = { 0 }, records = 0, numbers = 0, all = 0;
    while (records < SAMPLE_RECORDS && status == PH_OK && ph_csv_record(&s, &r, &status)) {
        const char *text;
        if (records == 1)
            numbers = all = 0;
        for (const char *at = r.text; at && status == PH_OK && count[records] <= MOST_FIELDS; all++) {
            double number;
            size_t length;
            status = ph_csv_field(&s, &r, &at, &text, &length);
            numbers += status == PH_OK && ph_csv_number(text, length, decimal, &number);
            count[records]++;
        }
        count[records++] *= status == PH_OK;
    }
    judge(&t, count, records);
    t.numbers = all ? (double)numbers / (double)all : 0;
    free(s.scratch);
    return t;
}

/* Commas within fields, between commas quoted ones: none in a number, only such as 1,234, which may be
 * a thousand or a little more than one, or one as 0,5 or 12,34, which settles that they are decimal. */
typedef enum commas { NONE, OPEN, SETTLED } commas;

static commas look_for_commas(const ph_csv *c, char separator, char example[40])
{
    ph_csv s = sample_of(c, separator, ',');
    ph_record r;
    ph_status status;
    commas found = NONE;
    for (size_t i = 0; i < SAMPLE_RECORDS && found != SETTLED && ph_csv_record(&s, &r, &status); i++) {
        const char *at = r.text, *text;
        size_t length;
        while (at && found != SETTLED && ph_csv_field(&s, &r, &at, &text, &length) == PH_OK) {
            double number;
            const char *comma = memchr(text, ',', length), *digits = text;
            if (comma == NULL || !ph_csv_number(text, length, ',', &number))
                continue;
            digits += *digits == '-' || *digits == '+';
            size_t after = (size_t)(text + length - comma - 1);
            found = after != 3 || *digits == '0' || comma - digits > 3 ? SETTLED : OPEN;
            snprintf(example, 40, "%.*s", (int)(length < 39 ? length : 39), text);
        }
    }
    free(s.scratch);
    return found;
}

/* Where another mark fits every record, the header too, blanks that do not are within fields: 1 007,5.
 */
static bool is_within_fields(const trial *t, const trial *best)
{
    return t->separator == ' ' && t->short_header && best->fields > 1 && best->same >= 1;
}

/* Sets the marks and returns what they make of the sample. */
static ph_status choose_marks(ph_csv *c, const ph_data_desc *desc, trial *best)
{
    static const struct { const char *name; char mark; } separators[] = {
        { "comma", ',' }, { "tab", '\t' }, { "semicolon", ';' }, { "bar", '|' }, { "blank", ' ' } };
    const char *wanted = desc->separator ? desc->separator : "auto";
    const char *decimal = desc->decimal ? desc->decimal : "auto";
    bool any = strcmp(wanted, "auto") == 0, comma_given = strcmp(decimal, "comma") == 0;
    double open = 0;
    char example[40] = "", open_example[40];
    *best = (trial){ .separator = any ? ',' : '\0', .decimal = comma_given ? ',' : '.' };
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++) {
        char mark = separators[i].mark;
        if (!any && strcmp(wanted, separators[i].name) != 0)
            continue;
        trial t = try(c, mark, comma_given ? ',' : '.');
        if (any && is_within_fields(&t, best))
            continue;
        if (best->separator == '\0' || worth(&t) > worth(best) + 1e-9)
            *best = t;
        commas found = strcmp(decimal, "auto") == 0 ? look_for_commas(c, mark, open_example) : NONE;
        if (found == NONE)
            continue;
        t = try(c, mark, ',');
        if (found == SETTLED && worth(&t) > worth(best) + 1e-9) {
            *best = t;
        } else if (found == OPEN && worth(&t) > open) {
            open = worth(&t);
            snprintf(example, sizeof example, "%s", open_example);
        }
    }
    c->separator = best->separator;
    c->decimal = best->decimal;
    if (open > worth(best) + 1e-9)
        return ph_fail(PH_USAGE, "%s: '%s' may be a thousand or a little more than one: say which with "
                       "--decimal point or --decimal comma", c->path, example);
    return PH_OK;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* What the sample shows of a field. */
typedef struct seen {
    size_t numbers, texts, filled; /* filled: it is not of length 0 */
    size_t line;               /* of the first text */
    char text[40];
} seen;

/* Looks at the records from c->at on, but for the first `skip`. */
static ph_status look(const ph_csv *c, size_t skip, seen *fields)
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
        at = i < skip ? NULL : r.text;
        for (size_t f = 0; at && f < c->fields && status == PH_OK; f++) {
            double number;
            status = ph_csv_field(&s, &r, &at, &text, &length);
            if (status != PH_OK)
                break;
            fields[f].filled += length > 0;
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

/* Whether a record names columns. One without numbers does. Columns may be called by numbers that
 * count, 0,1,2 or 1990,1991: then the first has no name (pandas), or a text stands where numbers are
 * below. */
static bool is_header(ph_csv *c, const ph_record *r, const seen *below, ph_status *status)
{
    const char *at = r->text, *text;
    size_t length, texts = 0, numbers = 0;
    bool counts = true, tells = false;
    double last = 0;
    for (size_t f = 0; at; f++) {
        double number;
        *status = ph_csv_field(c, r, &at, &text, &length);
        if (*status != PH_OK)
            return false;
        bool is = ph_csv_number(text, length, c->decimal, &number);
        if (is && !isnan(number)) {
            counts = counts && number == floor(number) && (numbers == 0 || number == last + 1);
            last = number;
            numbers++;
        }
        texts += !is;
        tells = tells || (f == 0 && length == 0 && below[0].filled) ||
                (!is && below[f].numbers > 0 && below[f].texts == 0);
    }
    return numbers == 0 ? texts > 0 : numbers > 1 && counts && tells;
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

static ph_status count_fields(ph_csv *c, const ph_record *r)
{
    const char *at = r->text, *text;
    for (c->fields = 0; at && c->fields <= MOST_FIELDS; c->fields++)
        PH_TRY(ph_csv_field(c, r, &at, &text, &(size_t){ 0 }));
    return c->fields <= MOST_FIELDS ? PH_OK
                                    : ph_fail(PH_DATA, "%s: line %zu: more than %d fields: not a table",
                                              c->path, r->line, MOST_FIELDS);
}

/* The first record may be a header; `fields` is what all others have, 0 where they differ. */
static ph_status read_header(ph_csv *c, const char *wanted, size_t fields)
{
    ph_csv s = sample_of(c, c->separator, c->decimal);
    ph_record r = { 0 };
    ph_status status;
    seen *below = NULL;
    bool there = ph_csv_record(&s, &r, &status), auto_header = strcmp(wanted, "auto") == 0;
    if (status == PH_OK && !there)
        status = ph_fail(PH_DATA, "%s: it is empty", c->path);
    if (status == PH_OK)
        status = count_fields(&s, &r);
    size_t named = c->fields = s.fields;
    if (status == PH_OK && named + 1 == fields)
        c->fields = fields;
    if (status == PH_OK && (below = calloc(c->fields, sizeof *below)) == NULL)
        status = ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    if (status == PH_OK)
        status = look(c, 1, below);
    c->header = status == PH_OK && (strcmp(wanted, "yes") == 0 ||
                                    (auto_header && is_header(&s, &r, below, &status)));
    if (!c->header)
        c->fields = named;
    /* The one name that is missing is the first, unless the lines merely end in a separator. */
    bool missing = c->header && named < c->fields;
    bool first = missing && below[named].filled;
    if (c->header && ph_csv_record(c, &r, &status)) {
        status = first ? ph_texts_add(&c->names, "", 0) : PH_OK;
        if (status == PH_OK)
            status = read_names(c, &r);
        if (status == PH_OK && missing && !first)
            status = ph_texts_add(&c->names, "", 0);
    }
    free(below);
    free(s.scratch);
    return status;
}

/* The field of that name or number; SIZE_MAX after saying why there is none. */
static size_t find_field(ph_csv *c, const char *name)
{
    size_t twice;
    char *end;
    if (c->order == NULL && (c->order = ph_texts_order(&c->names)) == NULL)
        return SIZE_MAX;
    size_t found = ph_texts_find_ordered(&c->names, c->order, name, &twice);
    if (found != SIZE_MAX && twice == SIZE_MAX)
        return found;
    if (found != SIZE_MAX) {
        ph_fail(PH_USAGE, "%s: two columns are called '%s' (%zu and %zu): say which by number",
                c->path, name, found + 1, twice + 1);
        return SIZE_MAX;
    }
    unsigned long number = strtoul(name, &end, 10);
    if (*name >= '0' && *name <= '9' && *end == '\0') {
        if (number >= 1 && number <= c->fields)
            return number - 1;
        ph_fail(PH_USAGE, "%s: column %s of %zu", c->path, name, c->fields);
        return SIZE_MAX;
    }
    const char **names = calloc(c->names.count + 1, sizeof *names);
    size_t named = 0;
    for (size_t i = 0; names && i < c->names.count; i++)
        if (*ph_texts_at(&c->names, i))
            names[named++] = ph_texts_at(&c->names, i);
    const char *near = names ? ph_nearest(name, names, named) : NULL;
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

/* A column without a name in which nothing stands: lines that end in a separator make one. */
static bool is_empty(const ph_csv *c, const seen *fields, size_t f)
{
    bool named = c->header ? *ph_texts_at(&c->names, f) != '\0' : f + 1 < c->fields || f == 0;
    return !named && fields[f].filled == 0;
}

/* Texts in columns of numbers: all of them are named at once, with what can be done. */
static ph_status settle_texts(ph_csv *c, ph_data *d, const seen *fields, const ph_data_desc *desc)
{
    bool drop = desc->text_columns && strcmp(desc->text_columns, "drop") == 0;
    char list[700] = "", where[160];
    size_t used = 0, first = SIZE_MAX;
    for (size_t f = 0; f < c->fields; f++) {
        bool text = fields[f].texts && fields[f].numbers == 0;
        if (c->role[f] < 0)
            continue;
        if (is_empty(c, fields, f) && !desc->columns)
            c->role[f] = PH_CSV_EMPTY;
        if (!text)
            continue;
        const char *name = ph_texts_at(&c->names, f);
        char number[24];
        snprintf(number, sizeof number, "%zu", f + 1);
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? "," : "",
                                     name && *name ? name : number);
        if (first == SIZE_MAX)
            first = f;
        c->role[f] = PH_CSV_SKIP;
    }
    if (first != SIZE_MAX && (desc->columns || !drop))
        return ph_fail(PH_USAGE, "%s: %s holds text ('%s' in line %zu): leave text out with "
                       "--drop-columns '%.500s'%s", c->path, ph_csv_column(c, first, where),
                       fields[first].text, fields[first].line, list,
                       desc->label_column ? "" : ", or name classes with --label-column");
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
    } else if (id == NULL && c->fields > 1 && c->role[0] == (desc->columns ? PH_CSV_SKIP : 0)) {
        /* Names of rows are texts, or stand under no name of their own (pandas, R). */
        bool unnamed = c->header && *ph_texts_at(&c->names, 0) == '\0';
        if (fields[0].numbers ? unnamed : fields[0].texts > 0)
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

/* Numbers the columns of values, in the order of the list that was given or as they stand, without
 * the gaps that labels and the like have left, and keeps their names. */
static ph_status settle_values(ph_csv *c, bool listed, ph_data *d)
{
    size_t *field_of = malloc(c->fields * sizeof *field_of);
    if (field_of == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", c->path);
    for (size_t f = 0; f < c->fields; f++)
        field_of[f] = SIZE_MAX;
    for (size_t f = 0; f < c->fields; f++)
        if (c->role[f] >= 0)
            field_of[listed ? (size_t)c->role[f] : f] = f;
    ph_status status = PH_OK;
    c->width = 0;
    for (size_t v = 0; v < c->fields && status == PH_OK; v++) {
        if (field_of[v] == SIZE_MAX)
            continue;
        c->role[field_of[v]] = (int)c->width++;
        const char *name = ph_texts_at(&c->names, field_of[v]);
        if (c->header)
            status = ph_texts_add(&d->columns, name, strlen(name));
    }
    if (status == PH_OK && c->width == 0)
        status = ph_fail(PH_USAGE, "%s: there is no column of numbers", c->path);
    free(field_of);
    return status;
}

static ph_status choose_roles(ph_csv *c, const ph_data_desc *desc, ph_data *d)
{
    seen *fields = calloc(c->fields, sizeof *fields);
    c->role = calloc(c->fields, sizeof *c->role);
    ph_status status = fields && c->role ? look(c, 0, fields)
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
        status = settle_texts(c, d, fields, desc);
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
    if (memchr(text, '\r', c->size) && !memchr(text, '\n', c->size))
        return ph_fail(PH_DATA, "%s: lines end in carriage returns alone; save it with line feeds",
                       c->path);
    return PH_OK;
}

ph_status ph_csv_layout(ph_csv *c, const ph_data_desc *desc, ph_data *d)
{
    trial t;
    PH_TRY(check_text(c));
    PH_TRY(choose_marks(c, desc, &t));
    PH_TRY(read_header(c, desc->header ? desc->header : "auto", t.same < 1 ? 0 : t.fields));
    return choose_roles(c, desc, d);
}
