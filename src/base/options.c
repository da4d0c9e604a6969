/* options.c - one table of options gives the command's flags, its help, the configuration file and
 * what the model file keeps; this is the code that reads it.
 */
#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Settings ---------------------------------------------------------------------------------- */

typedef struct setting {
    char *name, *value;
} setting;

/* Far more than all tables hold. Settings are looked up one by one, so a file of a million names
 * would keep its reader busy for hours. */
enum { MOST_SETTINGS = 4096 };

struct ph_settings {
    size_t count, capacity;
    setting *at;
};

ph_settings *ph_settings_new(void)
{
    ph_settings *s = calloc(1, sizeof *s);
    if (s == NULL)
        ph_fail(PH_MEMORY, "out of memory for settings");
    return s;
}

void ph_settings_free(ph_settings *s)
{
    for (size_t i = 0; s && i < s->count; i++) {
        free(s->at[i].name);
        free(s->at[i].value);
    }
    if (s)
        free(s->at);
    free(s);
}

static char letter(char c)
{
    return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

/* Whether a[0..length-1] is the name b. */
static bool same_name(const char *a, size_t length, const char *b)
{
    for (size_t i = 0; i < length; i++)
        if (letter(a[i]) != letter(b[i]) || b[i] == '\0')
            return false;
    return b[length] == '\0';
}

static setting *find(const ph_settings *s, const char *name)
{
    for (size_t i = 0; s && i < s->count; i++)
        if (same_name(name, strlen(name), s->at[i].name))
            return &s->at[i];
    return NULL;
}

ph_status ph_settings_set(ph_settings *s, const char *name, const char *value)
{
    setting *old = find(s, name);
    if (old == NULL && s->count == MOST_SETTINGS)
        return ph_fail(PH_USAGE, "%s: more than %d settings", name, MOST_SETTINGS);
    char *copy = strdup(value);
    if (copy && old) {
        free(old->value);
        old->value = copy;
        return PH_OK;
    }
    if (copy && s->count == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 16;
        setting *grown = realloc(s->at, capacity * sizeof *grown);
        if (grown) {
            s->at = grown;
            s->capacity = capacity;
        }
    }
    char *own_name = copy && s->count < s->capacity ? strdup(name) : NULL;
    if (own_name == NULL) {
        free(copy);
        return ph_fail(PH_MEMORY, "out of memory for settings");
    }
    for (char *c = own_name; *c; c++)
        *c = letter(*c);
    s->at[s->count++] = (setting){ own_name, copy };
    return PH_OK;
}

const char *ph_settings_get(const ph_settings *s, const char *name)
{
    const setting *found = find(s, name);
    return found ? found->value : NULL;
}

size_t ph_settings_count(const ph_settings *s)
{
    return s ? s->count : 0;
}

const char *ph_settings_name(const ph_settings *s, size_t i)
{
    return s->at[i].name;
}

const char *ph_settings_value(const ph_settings *s, size_t i)
{
    return s->at[i].value;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    char *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

ph_status ph_settings_read(ph_settings *s, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return ph_fail(PH_IO, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t size = 0, number = 0;
    ph_status status = PH_OK;
    while (status == PH_OK && getline(&line, &size, file) >= 0) {
        number++;
        char *comment = strchr(line, '#');
        if (comment)
            *comment = '\0';
        char *equals = strchr(line, '='), *value = "1";
        if (equals) {
            *equals = '\0';
            value = trim(equals + 1);
        }
        char *name = trim(line);
        if (*name == '\0' && equals == NULL)
            continue;
        if (*name == '\0' || strpbrk(name, " \t"))
            status = ph_fail(PH_USAGE, "%s:%zu: '%s' is not a name; lines read 'name = value'",
                             path, number, name);
        else if (find(s, name) == NULL && ph_settings_set(s, name, value) != PH_OK)
            status = ph_fail(ph_last_status(), "%s:%zu: %s", path, number, ph_message());
    }
    if (status == PH_OK && ferror(file))
        status = ph_fail(PH_IO, "%s: %s", path, strerror(errno));
    free(line);
    fclose(file);
    return status;
}

/* ---- Tables -------------------------------------------------------------------------------------- */

const ph_option *ph_option_find(const ph_option *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (same_name(name, strlen(name), table[i].name))
            return &table[i];
        for (const char *alias = table[i].aliases; alias && *alias;) {
            size_t length = strcspn(alias, " ");
            if (same_name(alias, length, name))
                return &table[i];
            alias += length + strspn(alias + length, " ");
        }
    }
    return NULL;
}

static ph_status bad(const ph_option *o, const char *value, const char *allowed)
{
    return ph_fail(PH_USAGE, "%s: '%s' is not %s", o->name, value, allowed);
}

static ph_status read_number(const ph_option *o, const char *text, double *out)
{
    char *end, allowed[96];
    errno = 0;
    double value = strtod(text, &end);
    bool whole = o->type == PH_OPTION_INT;
    bool bounded = o->min != 0 || o->max != 0;
    if (bounded)
        snprintf(allowed, sizeof allowed, "%s between %g and %g",
                 whole ? "a whole number" : "a number", o->min, o->max);
    else
        snprintf(allowed, sizeof allowed, "%s", whole ? "a whole number" : "a number");
    /* Beyond 2^53 not every whole number is a double any more. */
    if (end == text || *end || !isfinite(value) ||
        (whole && (value != floor(value) || fabs(value) > 9007199254740992.0)) ||
        (bounded && (value < o->min || value > o->max)))
        return bad(o, text, allowed);
    *out = value;
    return PH_OK;
}

static ph_status read_size(const ph_option *o, const char *text, size_t *out)
{
    static const char units[] = "KMG";
    char *end;
    double value = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end) : NULL;
    if (unit) {
        value = ldexp(value, 10 * (int)(unit - units + 1));
        end++;
    }
    if (end == text || *end || !(value >= 1 && value <= 1e18))
        return bad(o, text, "a number of bytes, such as 65536, 512M or 2G");
    *out = (size_t)value;
    return PH_OK;
}

static ph_status read_flag(const ph_option *o, const char *text, bool *out)
{
    static const char *const on[] = { "1", "yes", "true", "on", "" };
    static const char *const off[] = { "0", "no", "false", "off" };
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++)
        if (strcmp(text, on[i]) == 0) {
            *out = true;
            return PH_OK;
        }
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
        if (strcmp(text, off[i]) == 0) {
            *out = false;
            return PH_OK;
        }
    return bad(o, text, "a flag: 1 or 0");
}

/* Whether text has a number for each word of capitals in the pattern, and between them what stands
 * there: KxN takes 10x20. */
static bool has_form(const char *text, const char *pattern, size_t length)
{
    for (const char *end = pattern + length; pattern < end;) {
        size_t capitals = strspn(pattern, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        char *after;
        if (capitals == 0) {
            if (*text++ != *pattern++)
                return false;
            continue;
        }
        double number = strtod(text, &after);
        if (after == text || !isfinite(number))
            return false;
        text = after;
        pattern += capitals;
    }
    return *text == '\0';
}

bool ph_option_allows(const ph_option *o, const char *text)
{
    for (const char *word = o->choices; *word;) {
        size_t length = strcspn(word, " "), stem = strcspn(word, ":");
        if (stem < length && strncmp(text, word, stem + 1) == 0) {
            if (has_form(text + stem + 1, word + stem + 1, length - stem - 1))
                return true;
        } else if (strlen(text) == length && strncmp(text, word, length) == 0) {
            return true;
        }
        word += length + strspn(word + length, " ");
    }
    return false;
}

static ph_status read_choice(const ph_option *o, const char *text)
{
    if (ph_option_allows(o, text))
        return PH_OK;
    char allowed[512];
    snprintf(allowed, sizeof allowed, "one of: %s", o->choices);
    return bad(o, text, allowed);
}

static const char *value_of(const ph_option *o, const ph_settings *s)
{
    for (size_t i = 0; i < ph_settings_count(s); i++)
        if (ph_option_find(o, 1, s->at[i].name))
            return s->at[i].value;
    return o->value;
}

ph_status ph_options_read(const ph_option *table, size_t count, const ph_settings *s, void *target)
{
    for (const ph_option *o = table; o < table + count; o++) {
        const char *text = value_of(o, s);
        char *field = (char *)target + o->offset;
        double number = 0;
        switch (o->type) {
        case PH_OPTION_FLAG:
            PH_TRY(read_flag(o, text ? text : "0", (bool *)field));
            break;
        case PH_OPTION_INT:
            if (text)
                PH_TRY(read_number(o, text, &number));
            *(int64_t *)field = (int64_t)number;
            break;
        case PH_OPTION_REAL:
            if (text)
                PH_TRY(read_number(o, text, &number));
            *(double *)field = number;
            break;
        case PH_OPTION_SIZE:
            *(size_t *)field = 0;
            if (text)
                PH_TRY(read_size(o, text, (size_t *)field));
            break;
        case PH_OPTION_CHOICE:
            if (text)
                PH_TRY(read_choice(o, text));
            *(const char **)field = text;
            break;
        case PH_OPTION_TEXT:
            *(const char **)field = text;
            break;
        }
    }
    return PH_OK;
}

/* How many letters must change to make b of a (Levenshtein 1966). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[65], n = strlen(a), m = strlen(b);
    if (n > 64 || m > 64)
        return 64;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (letter(a[i - 1]) != letter(b[j - 1]));
            diagonal = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
        }
    }
    return row[m];
}

const char *ph_nearest(const char *name, const char *const *names, size_t n)
{
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(name, names[i]);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

ph_status ph_options_check(const ph_settings *s, const ph_option *const *tables,
                           const size_t *counts, size_t n)
{
    enum { MOST = 512 };
    const char *names[MOST];
    size_t count = 0;
    for (size_t t = 0; t < n; t++)
        for (size_t k = 0; k < counts[t] && count < MOST; k++)
            names[count++] = tables[t][k].name;
    for (size_t i = 0; i < ph_settings_count(s); i++) {
        const char *name = s->at[i].name;
        bool known = false;
        for (size_t t = 0; t < n && !known; t++)
            known = ph_option_find(tables[t], counts[t], name) != NULL;
        if (known)
            continue;
        const char *nearest = ph_nearest(name, names, count);
        return nearest ? ph_fail(PH_USAGE, "unknown option '%s'; did you mean '%s'?", name, nearest)
                       : ph_fail(PH_USAGE, "unknown option '%s'", name);
    }
    return PH_OK;
}

const char *ph_option_text(const ph_option *o, const void *target, char *buffer, size_t size)
{
    const char *field = (const char *)target + o->offset;
    switch (o->type) {
    case PH_OPTION_FLAG:
        snprintf(buffer, size, "%d", *(const bool *)field);
        break;
    case PH_OPTION_INT:
        snprintf(buffer, size, "%lld", (long long)*(const int64_t *)field);
        break;
    case PH_OPTION_SIZE:
        snprintf(buffer, size, "%zu", *(const size_t *)field);
        break;
    case PH_OPTION_REAL:
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(buffer, size, "%.*g", digits, *(const double *)field);
            if (strtod(buffer, NULL) == *(const double *)field)
                break;
        }
        break;
    default:
        snprintf(buffer, size, "%s", *(const char *const *)field ? *(const char *const *)field : "");
    }
    return buffer;
}
