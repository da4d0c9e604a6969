/* pick.c - some rows of a set, by index or class, as a set of their own; and a set from rows that are
 * computed.
 */
#define _GNU_SOURCE
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024 };

static ph_data *checked(ph_data *d, ph_status status)
{
    if (status == PH_OK)
        return d;
    ph_data_close(d);
    return NULL;
}

static ph_status pick_labels(ph_data *d, const ph_data *from, const size_t *index, size_t n)
{
    uint32_t *labels = malloc(n * sizeof *labels);
    if (labels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", from->name);
    for (size_t i = 0; i < n; i++)
        labels[i] = from->labels[index[i]];
    ph_data_take_labels(d, labels);
    return PH_OK;
}

static ph_status pick_rows(ph_data *d, const ph_data *from, const size_t *index, size_t n,
                           size_t memory_limit)
{
    size_t each = ph_element_bytes(from->element);
    uint8_t *row = malloc(from->width * each);
    ph_status status = row ? ph_data_begin(d, memory_limit)
                           : ph_fail(PH_MEMORY, "%s: out of memory", from->name);
    for (size_t i = 0; i < n && status == PH_OK; i++) {
        ph_runs runs = ph_data_runs(from, index[i]);
        for (size_t k = 0; k < runs.count && status == PH_OK; k++)
            status = ph_store_read(&from->store, row + k * runs.within * each, runs.length * each,
                                   from->offset + (uint64_t)(runs.begin + k * runs.apart) * each);
        ph_data_continue(from, index[i], row, each);
        if (status == PH_OK)
            status = ph_data_append(d, row, 1);
    }
    free(row);
    return status == PH_OK ? ph_data_finish(d, d->name) : status;
}

/* What rows and classes are called. */
static ph_status pick_names(ph_data *d, const ph_data *from, const size_t *index, size_t n)
{
    for (size_t i = 0; i < n && ph_data_id(from, 0); i++) {
        const char *id = ph_data_id(from, index[i]);
        PH_TRY(ph_data_add_id(d, id, strlen(id)));
    }
    d->id_column = from->id_column ? strdup(from->id_column) : NULL;
    d->left_out = from->left_out ? strdup(from->left_out) : NULL;
    if ((from->id_column && !d->id_column) || (from->left_out && !d->left_out))
        return ph_fail(PH_MEMORY, "%s: out of memory", from->name);
    PH_TRY(ph_texts_copy(&d->columns, &from->columns));
    return ph_texts_copy(&d->class_names, &from->class_names);
}

/* Windows that are copied no longer say where they were, but still what they are: a model keeps that. */
static ph_status pick_kind(ph_data *d, const ph_data *from)
{
    d->element = from->element;
    d->swapped = from->swapped;
    d->has_test = from->has_test;
    d->bytes = from->bytes;
    d->rate = from->rate;
    d->coding = from->coding;
    d->rank = from->rank;
    memcpy(d->shape, from->shape, sizeof d->shape);
    memcpy(d->size, from->size, sizeof d->size);
    memcpy(d->fit, from->fit, sizeof d->fit);
    memcpy(d->own, from->own, sizeof d->own);
    const ph_windows *w = from->windows;
    if (w == NULL)
        return PH_OK;
    d->windows = malloc(sizeof *d->windows);
    if (d->windows == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", from->name);
    *d->windows = (ph_windows){ .cut = w->cut, .picture = w->picture, .table = w->table, .channels = w->channels };
    return PH_OK;
}

ph_data *ph_data_pick(const ph_data *from, const size_t *index, size_t n, size_t memory_limit)
{
    ph_data *d = ph_data_make(from->name, from->format);
    if (d == NULL)
        return NULL;
    ph_status status = pick_kind(d, from);
    if (status == PH_OK)
        status = pick_rows(d, from, index, n, memory_limit);
    if (status == PH_OK)
        status = pick_names(d, from, index, n);
    if (status == PH_OK && from->labels)
        status = pick_labels(d, from, index, n);
    return checked(d, status);
}

/* ---- By class ------------------------------------------------------------------------------- */

uint32_t ph_data_find_class(const ph_data *d, const char *text)
{
    size_t named = ph_texts_find(&d->class_names, text);
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (named != SIZE_MAX)
        return (uint32_t)named;
    return *text >= '0' && *text <= '9' && *end == '\0' && number < d->classes ? (uint32_t)number
                                                                               : PH_NO_LABEL;
}

static ph_status no_class(const ph_data *d, const char *name)
{
    size_t count = d->class_names.count;
    if (count == 0)
        return ph_fail(PH_USAGE, "%s: only-label: '%.100s' is none of its classes, 0 to %zu", d->name, name,
                       d->classes - 1);
    const char **known = malloc(count * sizeof *known);
    for (size_t i = 0; known && i < count; i++)
        known[i] = ph_texts_at(&d->class_names, i);
    const char *near = known ? ph_nearest(name, known, count) : NULL;
    ph_status status = ph_fail(PH_USAGE, "%s: only-label: '%.100s' is none of its classes, which are %.100s%s%.100s"
                               "%s%.100s%s", d->name, name, ph_texts_at(&d->class_names, 0),
                               count > 2 ? " to " : " and ", ph_texts_at(&d->class_names, count - 1),
                               near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
    free(known);
    return status;
}

/* Marks the classes of the list. A name that holds a comma is found where it is the whole list. */
static ph_status mark_classes(const ph_data *d, char *list, bool *wanted)
{
    uint32_t label = ph_data_find_class(d, list);
    if (label != PH_NO_LABEL) {
        wanted[label] = true;
        return PH_OK;
    }
    for (char *name; (name = strsep(&list, ",")) != NULL; wanted[label] = true) {
        name += strspn(name, " ");
        label = ph_data_find_class(d, name);
        if (label == PH_NO_LABEL)
            return no_class(d, name);
    }
    return PH_OK;
}

ph_data *ph_data_pick_labels(const ph_data *d, const char *list, size_t memory_limit)
{
    if (d->labels == NULL) {
        ph_fail(PH_USAGE, "%s: only-label: its rows have no labels", d->name);
        return NULL;
    }
    char *text = strdup(list);
    bool *wanted = calloc(d->classes + 1, sizeof *wanted);
    size_t *index = malloc(d->rows * sizeof *index), n = 0;
    ph_status status = text && wanted && index ? mark_classes(d, text, wanted)
                                               : ph_fail(PH_MEMORY, "%s: out of memory", d->name);
    for (size_t r = 0; r < d->rows && status == PH_OK; r++)
        if (d->labels[r] != PH_NO_LABEL && wanted[d->labels[r]])
            index[n++] = r;
    if (status == PH_OK && n == 0)
        status = ph_fail(PH_USAGE, "%s: only-label: no row has a label of '%.100s'", d->name, list);
    ph_data *picked = status == PH_OK ? ph_data_pick(d, index, n, memory_limit) : NULL;
    free(text);
    free(wanted);
    free(index);
    return picked;
}

/* ---- Computed ------------------------------------------------------------------------------- */

ph_data *ph_data_compute(const char *name, size_t rows, size_t width, const uint32_t *labels,
                         ph_row_maker make, void *context)
{
    ph_data *d = ph_data_make(name, "memory");
    if (d == NULL)
        return NULL;
    d->element = PH_REAL_ELEMENT;
    d->rank = 1;
    d->shape[0] = width;
    real *block = aligned_alloc(64, (BLOCK * width * sizeof(real) + 63) / 64 * 64);
    uint32_t *own = labels ? malloc(rows * sizeof *own) : NULL;
    ph_status status = block && (own || !labels) ? ph_data_begin(d, PH_MEMORY_LIMIT)
                                                 : ph_fail(PH_MEMORY, "%s: out of memory", name);
    for (size_t first = 0; first < rows && status == PH_OK; first += BLOCK) {
        size_t count = rows - first < BLOCK ? rows - first : BLOCK;
        status = make(context, first, count, block);
        if (status == PH_OK)
            status = ph_data_append(d, block, count);
    }
    free(block);
    if (status == PH_OK && own)
        ph_data_take_labels(d, memcpy(own, labels, rows * sizeof *own));
    else
        free(own);
    return checked(d, status == PH_OK ? ph_data_finish(d, name) : status);
}
