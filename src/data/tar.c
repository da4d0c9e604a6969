/* tar.c - tar archives (POSIX ustar) through zlib.
 *
 * An archive is blocks of 512 bytes: a header, then the member's bytes, filled up to a whole block.
 * A name in it is only compared with those that are expected, never used as a path.
 */
#include "data/tar.h"

#include "base/file.h"
#include "base/stop.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCK = 512, PIECE = 128 * BLOCK, NAME = 100, SIZE_AT = 124, SUM_AT = 148, TYPE_AT = 156 };

static ph_status read_all(gzFile in, const char *path, void *to, size_t count)
{
    int got = gzread(in, to, (unsigned)count);
    if (got == (int)count)
        return PH_OK;
    return ph_fail(PH_DATA, "%s: cannot unpack: the archive %s", path,
                   got < 0 ? "is damaged" : "ends early");
}

/* Numbers are octal digits. */
static bool octal(const uint8_t *text, size_t digits, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    while (i < digits && text[i] == ' ')
        i++;
    for (; i < digits && text[i] != 0 && text[i] != ' '; i++) {
        if (text[i] < '0' || text[i] > '7')
            return false;
        *value = *value * 8 + (uint64_t)(text[i] - '0');
    }
    return true;
}

/* The sum of a header is taken with blanks in place of the sum itself. */
static bool header_is_right(const uint8_t *header)
{
    uint64_t told, sum = 8 * ' ';
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= SUM_AT && i < SUM_AT + 8 ? 0 : header[i];
    return octal(header + SUM_AT, 8, &told) && told == sum;
}

static const ph_tar_member *expected(const uint8_t *header, const ph_tar_member *members)
{
    char name[NAME + 1] = "";
    if (header[TYPE_AT] != '0' && header[TYPE_AT] != 0)
        return NULL;
    memcpy(name, header, NAME);
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    for (const ph_tar_member *m = members; m->name; m++)
        if (strcmp(m->name, base) == 0)
            return m;
    return NULL;
}

/* The bytes of a member go to `out`, or nowhere if that is NULL. */
static ph_status copy(gzFile in, const char *archive, uint64_t bytes, ph_file *out)
{
    uint8_t *piece = malloc(PIECE);
    ph_status status = piece ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", archive);
    uint64_t filled = (bytes + BLOCK - 1) / BLOCK * BLOCK;
    for (uint64_t done = 0; done < filled && status == PH_OK; done += PIECE) {
        uint64_t left = filled - done, own = bytes - done;
        status = read_all(in, archive, piece, left < PIECE ? (size_t)left : PIECE);
        if (status == PH_OK && out)
            status = ph_file_write(out, piece, own < PIECE ? (size_t)own : PIECE);
        if (status == PH_OK && ph_stop_asked())
            status = ph_fail(PH_STOPPED, "%s: interrupted; run it again to go on", archive);
    }
    free(piece);
    return status;
}

static ph_status unpack_member(gzFile in, const char *archive, const char *folder,
                               const ph_tar_member *m, uint64_t bytes)
{
    char path[4096 + 64];
    if (m->bytes && m->bytes != bytes)
        return ph_fail(PH_DATA, "%s: %s has %llu bytes in it, not %llu", archive, m->name,
                       (unsigned long long)bytes, (unsigned long long)m->bytes);
    snprintf(path, sizeof path, "%s/%s", folder, m->name);
    ph_file *out = ph_file_create(path);
    if (out == NULL)
        return ph_last_status();
    ph_status status = copy(in, archive, bytes, out);
    if (status == PH_OK)
        return ph_file_commit(out);
    ph_file_discard(out);
    return status;
}

static ph_status unpack(gzFile in, const char *archive, const char *folder,
                        const ph_tar_member *members)
{
    static const uint8_t end[BLOCK];
    uint8_t header[BLOCK];
    uint64_t bytes, found = 0;
    for (;;) {
        PH_TRY(read_all(in, archive, header, BLOCK));
        if (memcmp(header, end, BLOCK) == 0)
            break;
        if (!header_is_right(header) || !octal(header + SIZE_AT, 12, &bytes))
            return ph_fail(PH_DATA, "%s: cannot unpack: not a tar archive", archive);
        const ph_tar_member *m = expected(header, members);
        PH_TRY(m ? unpack_member(in, archive, folder, m, bytes) : copy(in, archive, bytes, NULL));
        if (m)
            found |= UINT64_C(1) << (m - members);
    }
    for (const ph_tar_member *m = members; m->name; m++)
        if (!(found >> (m - members) & 1))
            return ph_fail(PH_DATA, "%s: there is no %s in it", archive, m->name);
    return PH_OK;
}

ph_status ph_tar_unpack(const char *archive, const char *folder, const ph_tar_member *members)
{
    gzFile in = gzopen(archive, "rb");
    if (in == NULL)
        return ph_fail(PH_IO, "%s: cannot read", archive);
    gzbuffer(in, 1 << 17);
    ph_status status = unpack(in, archive, folder, members);
    gzclose(in);
    return status;
}
