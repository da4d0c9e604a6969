/* arena.h - memory that is taken in small pieces and given back all at once. */
#ifndef PH_BASE_ARENA_H
#define PH_BASE_ARENA_H

#include <stddef.h>

typedef struct ph_arena {
    struct ph_arena_chunk *chunk;
} ph_arena;

/* Zeroed memory, aligned for any type; NULL when there is none left. */
void *ph_arena_take(ph_arena *, size_t bytes);
char *ph_arena_text(ph_arena *, const char *text);
void ph_arena_free(ph_arena *);

#endif
