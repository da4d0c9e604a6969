/* source.c - zlib reads plain files and gzipped ones alike. */
#include "data/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { HEAD = 16 };

struct ph_source {
    char *name;
    gzFile file;
    bool stream;
    uint8_t head[HEAD];        /* looked at, not yet taken: from head_at to head_size */
    size_t head_at, head_size;
};

ph_source *ph_source_open(const char *path)
{
    ph_source *in = calloc(1, sizeof *in);
    if (in) {
        in->stream = strcmp(path, "-") == 0;
        in->name = strdup(in->stream ? "standard input" : path);
        errno = 0;
        int copy = in->stream ? dup(STDIN_FILENO) : -1;
        in->file = in->stream ? gzdopen(copy, "rb") : gzopen(path, "rb");
        if (in->stream && in->file == NULL && copy >= 0)
            close(copy);
    }
    if (in && in->name && in->file) {
        gzbuffer(in->file, 1 << 17);
        return in;
    }
    if (in && in->name && errno && errno != ENOMEM)
        ph_fail(PH_IO, "%s: cannot read: %s", in->name, strerror(errno));
    else
        ph_fail(PH_MEMORY, "%s: out of memory", path);
    ph_source_close(in);
    return NULL;
}

void ph_source_close(ph_source *in)
{
    if (in == NULL)
        return;
    if (in->file)
        gzclose(in->file);
    free(in->name);
    free(in);
}

const char *ph_source_name(const ph_source *in)
{
    return in->name;
}

size_t ph_source_peek(ph_source *in, uint8_t head[HEAD])
{
    for (int read = 1; read > 0 && in->head_at == 0 && in->head_size < HEAD;) {
        read = gzread(in->file, in->head + in->head_size, (unsigned)(HEAD - in->head_size));
        in->head_size += read > 0 ? (size_t)read : 0;
    }
    memcpy(head, in->head, in->head_size);
    return in->head_size;
}

bool ph_source_is_plain(const ph_source *in)
{
    return !in->stream && gzdirect(in->file);
}

ph_status ph_source_some(ph_source *in, void *to, size_t count, size_t *got)
{
    size_t kept = in->head_size - in->head_at;
    if (kept) {
        *got = kept < count ? kept : count;
        memcpy(to, in->head + in->head_at, *got);
        in->head_at += *got;
        return PH_OK;
    }
    int error = Z_OK, read = gzread(in->file, to, (unsigned)(count < (1u << 30) ? count : 1u << 30));
    const char *why = gzerror(in->file, &error), *behind = strstr(why, ": "); /* the file's name stands first */
    *got = read > 0 ? (size_t)read : 0;
    if (error == Z_ERRNO)
        return ph_fail(PH_IO, "%s: cannot read: %s", in->name, strerror(errno));
    if (error == Z_BUF_ERROR)
        return ph_fail(PH_DATA, "%s: the gzipped data end too early: the file was cut off", in->name);
    if (read < 0 || (error != Z_OK && error != Z_STREAM_END))
        return ph_fail(PH_DATA, "%s: not sound gzipped data: %s", in->name,
                       behind ? behind + 2 : why);
    return PH_OK;
}

ph_status ph_source_take(void *input, void *to, size_t count)
{
    ph_source *in = input;
    for (size_t done = 0, got; done < count; done += got) {
        PH_TRY(ph_source_some(in, (char *)to + done, count - done, &got));
        if (got == 0)
            return ph_fail(PH_DATA, "%s: it ends before its header says it does", in->name);
    }
    return PH_OK;
}

ph_status ph_source_end(ph_source *in)
{
    uint8_t byte;
    size_t got;
    PH_TRY(ph_source_some(in, &byte, 1, &got));
    return got ? ph_fail(PH_DATA, "%s: more bytes follow than its header says", in->name) : PH_OK;
}
