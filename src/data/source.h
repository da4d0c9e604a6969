/* source.h - the bytes of a file, plain or gzipped, or of standard input, from the first to the last.
 */
#ifndef PH_DATA_SOURCE_H
#define PH_DATA_SOURCE_H

#include "base/error.h"

typedef struct ph_source ph_source;

/* path "-" is standard input. NULL on failure. */
ph_source *ph_source_open(const char *path);
void ph_source_close(ph_source *);
/* The path, or "standard input", for messages. */
const char *ph_source_name(const ph_source *);
/* Whether the file can be read at any place by its path: neither gzipped nor standard input. */
bool ph_source_is_plain(const ph_source *);
/* The first bytes (up to 16), which are still to be read; returns how many there are. */
size_t ph_source_peek(ph_source *, uint8_t head[16]);
/* The next count bytes of `input`; PH_DATA where there are fewer. A ph_reader. */
ph_status ph_source_take(void *input, void *to, size_t count);
/* Up to count bytes; *got is 0 at the end only. */
ph_status ph_source_some(ph_source *, void *to, size_t count, size_t *got);
/* Nothing is to be read any more; what is gzipped has the right checksum. PH_DATA. */
ph_status ph_source_end(ph_source *);

#endif
