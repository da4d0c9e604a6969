/* file.c - atomic replacement by rename(2), with the data flushed to the disk before it. */
#define _GNU_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ph_file {
    char *path, *temporary;    /* temporary NULL: standard output */
    int descriptor, error;     /* error: the first errno */
    FILE *stream;
};

static ph_status cannot(const char *path, const char *what, int error)
{
    return ph_fail(error == ENOMEM ? PH_MEMORY : PH_IO, "%s: cannot %s: %s", path, what,
                   strerror(error));
}

static void release(ph_file *f)
{
    if (f == NULL)
        return;
    if (f->stream && f->stream != stdout)
        fclose(f->stream);
    free(f->path);
    free(f->temporary);
    free(f);
}

ph_file *ph_file_create(const char *path)
{
    ph_file *f = calloc(1, sizeof *f);
    if (f == NULL) {
        cannot(path, "write", ENOMEM);
        return NULL;
    }
    if (strcmp(path, "-") == 0) {
        f->path = strdup("standard output");
        f->stream = stdout;
        return f;
    }
    /* Through a symbolic link the file it points to is replaced, not the link. */
    char *real_path = realpath(path, NULL);
    f->path = real_path ? real_path : strdup(path);
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        /* A device or a pipe cannot be replaced; it is written to as it comes. */
        f->stream = fopen(path, "wb");
    } else if (f->path && asprintf(&f->temporary, "%s.XXXXXX", f->path) >= 0) {
        f->descriptor = mkostemp(f->temporary, O_CLOEXEC);
        if (f->descriptor >= 0) {
            mode_t mask = umask(0);
            umask(mask);
            fchmod(f->descriptor, exists ? old.st_mode & 07777 : 0666 & ~mask);
            f->stream = fdopen(f->descriptor, "wb");
        } else {
            free(f->temporary);
            f->temporary = NULL;
        }
    }
    if (f->stream == NULL) {
        int error = errno;
        if (f->temporary)
            unlink(f->temporary);
        cannot(path, "write", error);
        release(f);
        return NULL;
    }
    return f;
}

bool ph_file_is_stream(const ph_file *f)
{
    return f->temporary == NULL;
}

ph_status ph_file_write(ph_file *f, const void *bytes, size_t count)
{
    if (f->error == 0 && count && fwrite(bytes, 1, count, f->stream) != count)
        f->error = errno ? errno : EIO;
    return f->error ? cannot(f->path, "write", f->error) : PH_OK;
}

ph_status ph_file_write_at(ph_file *f, size_t offset, const void *bytes, size_t count)
{
    if (f->error == 0 && fseeko(f->stream, (off_t)offset, SEEK_SET) != 0)
        f->error = errno;
    return ph_file_write(f, bytes, count);
}

static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    int folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

ph_status ph_file_rename(int descriptor, const char *from, const char *to)
{
    if (fsync(descriptor) != 0 || rename(from, to) != 0)
        return cannot(to, "write", errno);
    sync_folder(to);
    return PH_OK;
}

ph_status ph_file_commit(ph_file *f)
{
    if (f->error == 0 && fflush(f->stream) != 0)
        f->error = errno;
    ph_status status = f->error ? cannot(f->path, "write", f->error)
                       : f->temporary ? ph_file_rename(f->descriptor, f->temporary, f->path)
                                      : PH_OK;
    if (status == PH_OK)
        release(f);
    else
        ph_file_discard(f);
    return status;
}

void ph_file_discard(ph_file *f)
{
    if (f && f->temporary)
        unlink(f->temporary);
    release(f);
}

uint8_t *ph_file_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0 || S_ISDIR(info.st_mode)) {
        cannot(path, "read", file && errno == 0 ? EISDIR : errno ? errno : EISDIR);
        if (file)
            fclose(file);
        return NULL;
    }
    uint8_t *bytes = malloc((size_t)info.st_size + 1);
    *size = bytes ? fread(bytes, 1, (size_t)info.st_size, file) : 0;
    if (bytes == NULL || *size != (size_t)info.st_size) {
        cannot(path, "read", bytes == NULL ? ENOMEM : ferror(file) ? errno : EIO);
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}
