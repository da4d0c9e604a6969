/* pick.c - some rows of a set, by index, as a set of their own; and a set from rows that are computed.
 */
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY = 1 << 28, BLOCK = 1024 };

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

static ph_status pick_rows(ph_data *d, const ph_data *from, const size_t *index, size_t n)
{
    size_t each = ph_element_bytes(from->element);
    uint8_t *row = malloc(from->width * each);
    ph_status status = row ? ph_data_begin(d, MEMORY) : ph_fail(PH_MEMORY, "%s: out of memory",
                                                                from->name);
    for (size_t i = 0; i < n && status == PH_OK; i++) {
        ph_runs runs = ph_data_runs(from, index[i]);
        for (size_t k = 0; k < runs.count && status == PH_OK; k++)
            status = ph_store_read(&from->store, row + k * runs.length * each, runs.length * each,
                                   from->offset + (uint64_t)(runs.begin + k * runs.apart) * each);
        if (status == PH_OK)
            status = ph_data_append(d, row, 1);
    }
    free(row);
    return status == PH_OK ? ph_data_finish(d, d->name) : status;
}

ph_data *ph_data_pick(const ph_data *from, const size_t *index, size_t n)
{
    ph_data *d = ph_data_make(from->name, from->format);
    if (d == NULL)
        return NULL;
    d->element = from->element;
    d->swapped = from->swapped;
    d->rank = from->rank;
    memcpy(d->shape, from->shape, sizeof d->shape);
    memcpy(d->size, from->size, sizeof d->size);
    memcpy(d->fit, from->fit, sizeof d->fit);
    ph_status status = pick_rows(d, from, index, n);
    if (status == PH_OK)
        status = ph_texts_copy(&d->columns, &from->columns);
    if (status == PH_OK && from->labels)
        status = pick_labels(d, from, index, n);
    return checked(d, status);
}

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
    ph_status status = block && (own || !labels) ? ph_data_begin(d, MEMORY)
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
