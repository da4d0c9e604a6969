/* store.c - appended bytes, which move from memory to a nameless file when they are too many. */
#define _GNU_SOURCE
#include "base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ph_store ph_store_of(const char *name, size_t memory_limit)
{
    return (ph_store){ .name = name, .limit = memory_limit, .file = -1 };
}

/* Temporary files that may be large belong in /var/tmp, which is on disk; /tmp may be memory. */
static int open_nameless(const char **folder)
{
    const char *chosen = getenv("TMPDIR");
    const char *const folders[] = { chosen && *chosen ? chosen : "/var/tmp", "/var/tmp", "/tmp" };
    int file = -1;
    for (size_t i = 0; i < 3 && file < 0; i++) {
        char path[4096];
        *folder = folders[i];
        file = open(*folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (file >= 0)
            break;
        snprintf(path, sizeof path, "%s/pinhole.XXXXXX", *folder);
        file = mkostemp(path, O_CLOEXEC);
        if (file >= 0)
            unlink(path);
    }
    return file;
}

static ph_status write_out(ph_store *s, const uint8_t *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t put = write(s->file, bytes + done, count - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return ph_fail(PH_IO, "%s: cannot write its numbers to a temporary file: %s; $TMPDIR "
                           "names the folder for it, a higher --memory-limit avoids it", s->name,
                           strerror(errno));
        done += (size_t)put;
    }
    return PH_OK;
}

static ph_status move_to_file(ph_store *s)
{
    const char *folder = "";
    s->file = open_nameless(&folder);
    if (s->file < 0)
        return ph_fail(PH_IO, "%s: cannot make a temporary file in %s: %s", s->name, folder,
                       strerror(errno));
    PH_TRY(write_out(s, s->memory, s->size));
    free(s->memory);
    s->memory = NULL;
    s->capacity = 0;
    return PH_OK;
}

ph_status ph_store_append(ph_store *s, const void *bytes, size_t count)
{
    if (s->file < 0 && s->size + count > s->limit)
        PH_TRY(move_to_file(s));
    if (s->file >= 0) {
        PH_TRY(write_out(s, bytes, count));
    } else {
        if (s->size + count + 64 > s->capacity) {
            size_t capacity = (s->size + count) * 3 / 2 + 4096;
            uint8_t *grown = realloc(s->memory, capacity);
            if (grown == NULL)
                return ph_fail(PH_MEMORY, "%s: out of memory", s->name);
            s->memory = grown;
            s->capacity = capacity;
        }
        memcpy(s->memory + s->size, bytes, count);
    }
    s->size += count;
    return PH_OK;
}

ph_status ph_read_at(int file, const char *path, void *to, size_t count, uint64_t offset)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = pread(file, (char *)to + done, count - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
        if (got == 0)
            return ph_fail(PH_DATA, "%s: the file has become shorter while it was read", path);
        done += (size_t)got;
    }
    return PH_OK;
}

ph_status ph_store_read(const ph_store *s, void *to, size_t count, uint64_t offset)
{
    if (s->memory == NULL)
        return ph_read_at(s->file, s->name, to, count, offset);
    memcpy(to, s->memory + offset, count);
    return PH_OK;
}

void ph_store_free(ph_store *s)
{
    free(s->memory);
    if (s->file >= 0)
        close(s->file);
    s->memory = NULL;
    s->file = -1;
}
