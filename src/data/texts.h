/* texts.h - many short texts in one piece of memory: names of columns and classes, ids of rows. */
#ifndef PH_DATA_TEXTS_H
#define PH_DATA_TEXTS_H

#include "base/error.h"

typedef struct ph_texts {
    char *bytes;
    size_t *at;                /* where each begins in bytes; all end with '\0' */
    size_t count, room, size, capacity;
} ph_texts;

/* Adds a copy of length bytes of text. */
ph_status ph_texts_add(ph_texts *, const char *text, size_t length);
/* Text number i, or NULL where there is none. */
const char *ph_texts_at(const ph_texts *, size_t i);
/* The number of the text, SIZE_MAX where it is not there. */
size_t ph_texts_find(const ph_texts *, const char *text);
/* The numbers of all texts in alphabetical order, equal ones by number, to find many in many; to be
 * freed. NULL when out of memory. */
size_t *ph_texts_order(const ph_texts *);
/* The same as ph_texts_find; *twice is another such text's number, SIZE_MAX where there is none. */
size_t ph_texts_find_ordered(const ph_texts *, const size_t *order, const char *text, size_t *twice);
ph_status ph_texts_copy(ph_texts *to, const ph_texts *from);
void ph_texts_free(ph_texts *);

/* All texts as one list, each in quotes, as ph_data_desc takes names of columns and a model file has them;
 * to be freed. NULL when out of memory. ph_texts_read_list adds those of such a list; PH_DATA where it is
 * none. */
char *ph_texts_list(const ph_texts *);
ph_status ph_texts_read_list(ph_texts *, const char *list);

#endif
