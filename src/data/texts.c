/* texts.c - a list of texts that grows. */
#define _GNU_SOURCE
#include "data/texts.h"

#include <stdlib.h>
#include <string.h>

ph_status ph_texts_add(ph_texts *t, const char *text, size_t length)
{
    if (t->count == t->room) {
        size_t room = t->room * 2 + 16;
        size_t *at = realloc(t->at, room * sizeof *at);
        if (at == NULL)
            return ph_fail(PH_MEMORY, "out of memory for names");
        t->at = at;
        t->room = room;
    }
    if (t->size + length + 1 > t->capacity) {
        size_t capacity = (t->size + length + 1) * 2 + 64;
        char *bytes = realloc(t->bytes, capacity);
        if (bytes == NULL)
            return ph_fail(PH_MEMORY, "out of memory for names");
        t->bytes = bytes;
        t->capacity = capacity;
    }
    t->at[t->count++] = t->size;
    memcpy(t->bytes + t->size, text, length);
    t->bytes[t->size + length] = '\0';
    t->size += length + 1;
    return PH_OK;
}

const char *ph_texts_at(const ph_texts *t, size_t i)
{
    return i < t->count ? t->bytes + t->at[i] : NULL;
}

size_t ph_texts_find(const ph_texts *t, const char *text)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->bytes + t->at[i], text) == 0)
            return i;
    return SIZE_MAX;
}

static int by_text(const void *a, const void *b, void *texts)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = strcmp(ph_texts_at(texts, x), ph_texts_at(texts, y));
    return order ? order : (x > y) - (x < y);
}

size_t *ph_texts_order(const ph_texts *t)
{
    size_t *order = malloc((t->count + 1) * sizeof *order);
    if (order == NULL) {
        ph_fail(PH_MEMORY, "out of memory for names");
        return NULL;
    }
    for (size_t i = 0; i < t->count; i++)
        order[i] = i;
    qsort_r(order, t->count, sizeof *order, by_text, (void *)t);
    return order;
}

size_t ph_texts_find_ordered(const ph_texts *t, const size_t *order, const char *text, size_t *twice)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(ph_texts_at(t, order[middle]), text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < t->count && strcmp(ph_texts_at(t, order[low]), text) == 0;
    bool again = found && low + 1 < t->count && strcmp(ph_texts_at(t, order[low + 1]), text) == 0;
    *twice = again ? order[low + 1] : SIZE_MAX;
    return found ? order[low] : SIZE_MAX;
}

ph_status ph_texts_copy(ph_texts *to, const ph_texts *from)
{
    for (size_t i = 0; i < from->count; i++)
        PH_TRY(ph_texts_add(to, ph_texts_at(from, i), strlen(ph_texts_at(from, i))));
    return PH_OK;
}

void ph_texts_free(ph_texts *t)
{
    free(t->bytes);
    free(t->at);
    *t = (ph_texts){ 0 };
}

/* ---- As a list ------------------------------------------------------------------------------- */

char *ph_texts_list(const ph_texts *t)
{
    char *list = malloc(2 * t->size + 3 * t->count + 1), *to = list;
    if (list == NULL) {
        ph_fail(PH_MEMORY, "out of memory for names");
        return NULL;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (i)
            *to++ = ',';
        *to++ = '"';
        for (const char *text = ph_texts_at(t, i); *text; text++) {
            *to++ = *text;
            *to = '"';
            to += *text == '"';
        }
        *to++ = '"';
    }
    *to = '\0';
    return list;
}

ph_status ph_texts_read_list(ph_texts *t, const char *list)
{
    char *text = malloc(strlen(list) + 1);
    ph_status status = text ? PH_OK : ph_fail(PH_MEMORY, "out of memory for names");
    while (status == PH_OK && *list == '"') {
        size_t length = 0;
        for (list++; *list && (*list != '"' || list[1] == '"'); list += *list == '"' ? 2 : 1)
            text[length++] = *list;
        status = ph_texts_add(t, text, length);
        list += *list == '"';
        list += *list == ',';
    }
    free(text);
    return status == PH_OK && *list ? ph_fail(PH_DATA, "not a list of names in quotes") : status;
}
