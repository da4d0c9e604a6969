/* labels.c - classes of rows: from any texts or numbers to indices from 0 on. */
#define _GNU_SOURCE
#include "data/data.h"
#include "data/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INDICES = 10000, MOST_CLASSES = 65536 };

void ph_data_take_labels(ph_data *d, uint32_t *labels)
{
    d->labels = labels;
    for (size_t i = 0; i < d->rows; i++)
        if (labels[i] != PH_NO_LABEL && labels[i] + 1 > d->classes)
            d->classes = labels[i] + 1;
}

ph_status ph_data_add_class(ph_data *d, const char *name)
{
    return ph_texts_add(&d->class_names, name, strlen(name));
}

ph_status ph_data_add_id(ph_data *d, const char *text, size_t length)
{
    return ph_texts_add(&d->ids, text, length);
}

/* One row's label, as it is sorted and compared. */
typedef struct entry {
    const char *text;
    double value;              /* NaN unless all are numbers */
    size_t row;
} entry;

static int compare(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->value < y->value || x->value > y->value)
        return x->value < y->value ? -1 : 1;
    return isnan(x->value) ? strcmp(x->text, y->text) : 0;
}

/* Whole numbers that are indices already keep their values; others are counted through in order. */
static ph_status assign(ph_data *d, entry *e, size_t n, bool indices, uint32_t *labels, const char *path)
{
    qsort(e, n, sizeof *e, compare);
    size_t classes = 0;
    for (size_t i = 0; i < n; i++) {
        if (indices) {
            labels[e[i].row] = (uint32_t)e[i].value;
            continue;
        }
        if (i == 0 || compare(&e[i - 1], &e[i]) != 0) {
            if (++classes > MOST_CLASSES)
                return ph_fail(PH_USAGE, "%s: the label has more than %d different values: is it "
                               "one?", path, MOST_CLASSES);
            PH_TRY(ph_data_add_class(d, e[i].text));
        }
        labels[e[i].row] = (uint32_t)(classes - 1);
    }
    return PH_OK;
}

ph_status ph_data_label_texts(ph_data *d, const ph_texts *texts, const char *path)
{
    entry *e = malloc(d->rows * sizeof *e);
    uint32_t *labels = malloc(d->rows * sizeof *labels);
    ph_status status = e && labels ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", path);
    bool numbers = true, indices = true;
    size_t n = 0;
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        const char *text = ph_texts_at(texts, r), *end = text + strlen(text);
        labels[r] = PH_NO_LABEL;
        if (*text == '\0')
            continue;
        e[n] = (entry){ text, NAN, r };
        numbers = numbers && ph_number_read(text, end, '.', &e[n].value) == end;
        indices = indices && numbers && e[n].value >= 0 && e[n].value < MOST_INDICES &&
                  e[n].value == floor(e[n].value);
        n++;
    }
    for (size_t i = 0; i < n && !numbers; i++)
        e[i].value = NAN;
    if (status == PH_OK && n == 0)
        status = ph_fail(PH_DATA, "%s: no row has a label", path);
    if (status == PH_OK)
        status = assign(d, e, n, indices, labels, path);
    free(e);
    if (status == PH_OK)
        ph_data_take_labels(d, labels);
    else
        free(labels);
    return status;
}

ph_status ph_data_label_values(ph_data *d, const double *values, const char *path)
{
    ph_texts texts = { 0 };
    ph_status status = PH_OK;
    char text[32];
    for (size_t r = 0; r < d->rows && status == PH_OK; r++) {
        int length = isnan(values[r]) ? 0 : snprintf(text, sizeof text, "%.17g", values[r]);
        status = !isinf(values[r]) ? ph_texts_add(&texts, text, (size_t)length)
                                     : ph_fail(PH_DATA, "%s: row %zu: an infinite label", path, r + 1);
    }
    if (status == PH_OK)
        status = ph_data_label_texts(d, &texts, path);
    ph_texts_free(&texts);
    return status;
}

/* ---- As another set has them ------------------------------------------------------------------ */

const char *ph_data_class_text(const ph_data *d, size_t label, char number[24])
{
    const char *name = ph_data_class(d, label);
    snprintf(number, 24, "%zu", label);
    return name ? name : number;
}

ph_status ph_data_class_numbers(const ph_data *d, const ph_texts *known, uint32_t *number)
{
    char text[24];
    size_t twice, *order = ph_texts_order(known);
    if (order == NULL)
        return ph_last_status();
    for (size_t k = 0; k < d->classes; k++) {
        size_t at = ph_texts_find_ordered(known, order, ph_data_class_text(d, k, text), &twice);
        number[k] = at == SIZE_MAX ? PH_NO_LABEL : (uint32_t)at;
    }
    free(order);
    bool by_name = d->class_names.count > 0;
    for (size_t r = 0; r < d->rows && d->labels && !by_name; r++)
        by_name = d->labels[r] != PH_NO_LABEL && number[d->labels[r]] != PH_NO_LABEL;
    for (size_t k = 0; k < d->classes && !by_name; k++)
        number[k] = k < known->count ? (uint32_t)k : PH_NO_LABEL;
    return PH_OK;
}

/* The names of the classes as they are numbered anew, those that are not known behind the others. */
static ph_status name_anew(const ph_data *d, const ph_texts *known, uint32_t *number, ph_texts *names)
{
    char text[24];
    PH_TRY(ph_texts_copy(names, known));
    for (size_t r = 0; r < d->rows; r++) {
        uint32_t label = d->labels[r];
        if (label == PH_NO_LABEL || number[label] != PH_NO_LABEL)
            continue;
        const char *name = ph_data_class_text(d, label, text);
        number[label] = (uint32_t)names->count;
        PH_TRY(ph_texts_add(names, name, strlen(name)));
    }
    return PH_OK;
}

ph_status ph_data_number_classes(ph_data *d, const ph_texts *known)
{
    uint32_t *number = malloc((d->classes + 1) * sizeof *number);
    ph_texts names = { 0 };
    ph_status status = number ? ph_data_class_numbers(d, known, number)
                              : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    bool same = true;
    for (size_t r = 0; status == PH_OK && d->labels && r < d->rows && same; r++)
        same = d->labels[r] == PH_NO_LABEL || d->labels[r] == number[d->labels[r]];
    if (status == PH_OK && !same)
        status = name_anew(d, known, number, &names);
    if (status == PH_OK && !same) {
        for (size_t r = 0; r < d->rows; r++)
            d->labels[r] = d->labels[r] == PH_NO_LABEL ? PH_NO_LABEL : number[d->labels[r]];
        d->classes = 0;
        ph_data_take_labels(d, d->labels);
        ph_texts_free(&d->class_names);
        d->class_names = names;
    } else {
        ph_texts_free(&names);
    }
    free(number);
    return status;
}
