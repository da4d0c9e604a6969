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

/* Labels from an array of one number a row. Where nobody asked for it by name, numbers that are not
 * whole are taken for something else. */
static ph_status take_labels(ph_data *d, const ph_arrays *a, const char *name, bool asked,
                             const ph_data_desc *desc)
{
    ph_data *y = ph_data_make(name, "");
    double *values = malloc(d->rows * sizeof *values);
    ph_status status = y && values ? a->read(a, y, name, desc)
                                   : ph_fail(PH_MEMORY, "%s: out of memory", a->path);
    bool whole = true;
    if (status == PH_OK && (y->width != 1 || y->rows != d->rows))
        status = ph_fail(PH_DATA, "%s: '%s' has %zu times %zu labels for %zu rows", a->path, name,
                         y->rows, y->width, d->rows);
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        real value;
        status = ph_data_read(y, &r, 1, &value);
        values[r] = (double)value;
        whole = whole && values[r] == floor(values[r]);
    }
    if (status == PH_OK && (asked || whole))
        status = ph_data_label_values(d, values, a->path);
    free(values);
    ph_data_close(y);
    return status;
}

static ph_data *read_set(const ph_arrays *a, const char *name, const char *format, const char *rows,
                         const char *labels, const ph_data_desc *desc)
{
    ph_data *d = ph_data_make(name, format);
    if (d && (a->read(a, d, rows, desc) != PH_OK ||
              (labels && take_labels(d, a, labels, desc->label_array, desc) != PH_OK))) {
        ph_data_close(d);
        return NULL;
    }
    return d;
}

static ph_data *read_parts(const ph_arrays *a, const char *name, const char *format,
                           const ph_data_desc *desc)
{
    bool all = strcmp(desc->part, "all") == 0, test = strcmp(desc->part, "test") == 0;
    ph_data *d = read_set(a, name, format, test ? "x_test" : "x_train",
                          first_of(a, test ? "y_test" : "y_train"), desc);
    ph_data *second = d && all ? read_set(a, name, format, "x_test", first_of(a, "y_test"), desc)
                               : NULL;
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
    const char *asked[2] = { desc->array, desc->label_array };
    for (int i = 0; i < 2; i++)
        if (asked[i] && ph_texts_find(&a->names, asked[i]) == SIZE_MAX) {
            which(a, asked[i]);
            return NULL;
        }
    if (!asked[0] && first_of(a, "x_train") && first_of(a, "x_test"))
        return read_parts(a, name, format, desc);
    const char *rows = asked[0] ? asked[0] : first_of(a, "X x data arr_0");
    const char *labels = asked[1] ? asked[1] : first_of(a, "y Y labels label");
    if (rows == NULL && a->names.count == 1)
        rows = ph_texts_at(&a->names, 0);
    if (rows == NULL) {
        which(a, NULL);
        return NULL;
    }
    return read_set(a, name, format, rows, labels && strcmp(labels, rows) != 0 ? labels : NULL, desc);
}
