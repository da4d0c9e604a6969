/* arrays.c - choosing among named arrays. */
#include "data/arrays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first of the blank-separated names that is there. */
static const char *first_of(const ph_arrays *a, const char *names)
{
    char name[32];
    for (int used; sscanf(names, "%31s%n", name, &used) == 1; names += used) {
        size_t found = ph_texts_find(&a->names, name);
        if (found != SIZE_MAX)
            return ph_texts_at(&a->names, found);
    }
    return NULL;
}

static ph_status which(const ph_arrays *a, const char *wanted)
{
    char list[512] = "";
    for (size_t i = 0, used = 0; i < a->names.count && used < sizeof list - 1; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 ph_texts_at(&a->names, i));
    if (a->names.count == 0)
        return ph_fail(PH_DATA, "%s: there is no array in it", a->path);
    if (wanted)
        return ph_fail(PH_USAGE, "%s: no array '%s'; there are: %s", a->path, wanted, list);
    return ph_fail(PH_USAGE, "%s: which array are the rows? --array NAME; there are: %s", a->path,
                   list);
}

/* Which arrays make a set. Labels may be numbered over two arrays, so that classes are the same in
 * both parts: `own` is that of this part's rows. */
typedef struct choice {
    const char *rows, *labels[2];
    int own;
} choice;

/* Adds the numbers of an array of labels. Where nobody asked for it by name, several numbers a row and
 * numbers that are not whole are taken for something else. */
static ph_status add_labels(const ph_arrays *a, const char *name, const ph_data_desc *desc,
                            double **values, size_t *count, bool *fit)
{
    ph_data *y = ph_data_make(name, "");
    ph_status status = y ? a->read(a, y, name, desc) : ph_last_status();
    *fit = status == PH_OK && y->width == 1;
    if (status == PH_OK && !*fit && desc->label_array)
        status = ph_fail(PH_DATA, "%s: '%s' has %zu numbers a row, where a label is one", a->path, name,
                         y->width);
    double *grown = *fit ? realloc(*values, (*count + y->rows) * sizeof *grown) : NULL;
    if (*fit && grown == NULL)
        status = ph_fail(PH_MEMORY, "%s: out of memory", a->path);
    *values = grown ? grown : *values;
    for (size_t r = 0; grown && r < y->rows && status == PH_OK; r++) {
        real value;
        status = ph_data_read(y, &r, 1, &value);
        grown[(*count)++] = (double)value;
        *fit = *fit && (desc->label_array || (double)value == floor((double)value));
    }
    ph_data_close(y);
    return status;
}

static ph_status take_labels(ph_data *d, const ph_arrays *a, const choice *from,
                             const ph_data_desc *desc)
{
    double *values = NULL;
    uint32_t *own = malloc(d->rows * sizeof *own);
    size_t count = 0, end[3] = { 0 };
    bool fit = true;
    ph_data *all = ph_data_make(d->name, "");
    ph_status status = all && own ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", a->path);
    for (int i = 0; i < 2 && fit && status == PH_OK; i++) {
        if (from->labels[i])
            status = add_labels(a, from->labels[i], desc, &values, &count, &fit);
        end[i + 1] = count;
    }
    const char *name = from->labels[from->own];
    size_t begin = end[from->own], rows = end[from->own + 1] - begin;
    if (status == PH_OK && fit && rows != d->rows)
        status = ph_fail(PH_DATA, "%s: '%s' has %zu labels for %zu rows", a->path, name, rows, d->rows);
    if (status == PH_OK && fit) {
        all->rows = count;
        status = ph_data_label_values(all, values, a->path);
        if (status == PH_OK)
            status = ph_texts_copy(&d->class_names, &all->class_names);
        if (status == PH_OK) {
            ph_data_take_labels(d, memcpy(own, all->labels + begin, rows * sizeof *own));
            own = NULL;
        }
    }
    free(own);
    free(values);
    ph_data_close(all);
    return status;
}

static ph_data *read_set(const ph_arrays *a, const char *name, const char *format, choice from,
                         const ph_data_desc *desc)
{
    ph_data *d = ph_data_make(name, format);
    if (d && (a->read(a, d, from.rows, desc) != PH_OK ||
              (from.labels[from.own] && take_labels(d, a, &from, desc) != PH_OK))) {
        ph_data_close(d);
        return NULL;
    }
    return d;
}

static ph_data *read_parts(const ph_arrays *a, const char *name, const char *format, bool labels,
                           const ph_data_desc *desc)
{
    bool all = strcmp(desc->part, "all") == 0, test = strcmp(desc->part, "test") == 0;
    choice from[2] = { { .rows = "x_train", .own = 0 }, { .rows = "x_test", .own = 1 } };
    for (int i = 0; i < 2 && labels; i++) {
        from[i].labels[0] = first_of(a, "y_train");
        from[i].labels[1] = first_of(a, "y_test");
    }
    ph_data *d = read_set(a, name, format, from[test], desc);
    ph_data *second = d && all ? read_set(a, name, format, from[1], desc) : NULL;
    if (d && all && (second == NULL || ph_data_join(d, second, a->path) != PH_OK)) {
        ph_data_close(d);
        d = NULL;
    }
    ph_data_close(second);
    if (d)
        d->has_test = true;
    return d;
}

ph_data *ph_arrays_open(const ph_arrays *a, const char *name, const char *format,
                        const ph_data_desc *desc)
{
    bool unlabelled = desc->label_array && strcmp(desc->label_array, "none") == 0;
    const char *asked[2] = { desc->array, unlabelled ? NULL : desc->label_array };
    for (int i = 0; i < 2; i++)
        if (asked[i] && ph_texts_find(&a->names, asked[i]) == SIZE_MAX) {
            which(a, asked[i]);
            return NULL;
        }
    if (!asked[0] && !asked[1] && first_of(a, "x_train") && first_of(a, "x_test"))
        return read_parts(a, name, format, !unlabelled, desc);
    choice from = { .rows = asked[0] ? asked[0] : first_of(a, "X x data arr_0") };
    if (from.rows == NULL && a->names.count == 1)
        from.rows = ph_texts_at(&a->names, 0);
    if (from.rows == NULL) {
        which(a, NULL);
        return NULL;
    }
    const char *labels = asked[1] ? asked[1] : first_of(a, "y Y labels label");
    if (!unlabelled && labels && strcmp(labels, from.rows) != 0)
        from.labels[0] = labels;
    return read_set(a, name, format, from, desc);
}
