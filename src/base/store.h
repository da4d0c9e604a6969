/* store.h - bytes that are appended, then read at any place: in memory up to a limit, beyond it in a
 * file without a name, which is gone when the process is.
 */
#ifndef PH_BASE_STORE_H
#define PH_BASE_STORE_H

#include "base/error.h"

typedef struct ph_store {
    const char *name;          /* of what is stored, for messages */
    size_t limit, size, capacity;
    uint8_t *memory;           /* NULL once the bytes are in the file */
    int file;                  /* -1: none */
} ph_store;

ph_store ph_store_of(const char *name, size_t memory_limit);
ph_status ph_store_append(ph_store *, const void *bytes, size_t count);
/* Reads from the file or from memory. Safe for many threads at once, as long as none appends. */
ph_status ph_store_read(const ph_store *, void *to, size_t count, uint64_t offset);
void ph_store_free(ph_store *);

/* Reads count bytes of an open file at offset; PH_DATA where it ends before. path is for messages. */
ph_status ph_read_at(int file, const char *path, void *to, size_t count, uint64_t offset);

#endif
