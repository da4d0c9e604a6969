/* arena.c - chunks in a list; a piece that does not fit opens a new chunk. A graph is thousands of
 * small pieces that live and die together, which is what this is for. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct ph_arena_chunk {
    struct ph_arena_chunk *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

enum { CHUNK = 64 * 1024 };

void *ph_arena_take(ph_arena *arena, size_t bytes)
{
    size_t align = alignof(max_align_t);
    bytes = (bytes + align - 1) / align * align;
    struct ph_arena_chunk *chunk = arena->chunk;
    if (chunk == NULL || chunk->size - chunk->used < bytes) {
        size_t size = bytes > CHUNK ? bytes : CHUNK;
        chunk = calloc(1, sizeof *chunk + size);
        if (chunk == NULL)
            return NULL;
        chunk->size = size;
        chunk->next = arena->chunk;
        arena->chunk = chunk;
    }
    void *piece = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return piece;
}

char *ph_arena_text(ph_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ph_arena_take(arena, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

void ph_arena_free(ph_arena *arena)
{
    while (arena->chunk) {
        struct ph_arena_chunk *next = arena->chunk->next;
        free(arena->chunk);
        arena->chunk = next;
    }
}
