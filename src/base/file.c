/* file.c - atomic replacement by rename(2), with the data flushed to the disk before it. */
#define _GNU_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct ph_file {
    char *path, *temporary;    /* temporary NULL: a stream, written as it comes */
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
    else if (f->descriptor >= 0)
        close(f->descriptor);
    free(f->path);
    free(f->temporary);
    free(f);
}

/* ---- The temporary file -------------------------------------------------------------------------
 *
 * It has a fixed name for each target, so that what a killed process left is found and used again,
 * and a lock, so that what a living process writes is left alone: the next name is taken then. */

enum { WRITERS = 100 };

/* NAME becomes .NAME.part, .NAME.1.part, ... in the same folder. */
static char *temporary_name(const char *path, int number)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t size = strlen(path) + 32;
    char *text = malloc(size);
    int folder = (int)(name - path);
    if (text && number == 0)
        snprintf(text, size, "%.*s.%s.part", folder, path, name);
    else if (text)
        snprintf(text, size, "%.*s.%s.%d.part", folder, path, name, number);
    return text;
}

/* Whether the locked file is still the one of that name: its last owner may have moved it away
 * between our open and our lock. Links from elsewhere would lose what they point to. */
static bool still_there(int descriptor, const char *name)
{
    struct stat ours, named;
    return fstat(descriptor, &ours) == 0 && lstat(name, &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev && ours.st_nlink == 1 &&
           S_ISREG(ours.st_mode);
}

/* Where a file system knows no locks, names are drawn at random. */
static int draw_temporary(ph_file *f)
{
    unlink(f->temporary);
    char *drawn = malloc(strlen(f->path) + 8);
    if (drawn == NULL)
        return -1;
    sprintf(drawn, "%s.XXXXXX", f->path);
    free(f->temporary);
    f->temporary = drawn;
    return mkostemp(drawn, O_CLOEXEC);
}

/* Opens and locks f->temporary; -1 with errno. */
static int open_temporary(ph_file *f)
{
    for (int i = 0; i < WRITERS; i++) {
        free(f->temporary);
        f->temporary = temporary_name(f->path, i);
        if (f->temporary == NULL)
            return -1;
        int descriptor = open(f->temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (descriptor < 0 && errno != EACCES && errno != ELOOP)
            return -1;
        if (descriptor < 0)
            continue; /* another user's, in a folder of everybody's */
        bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
        if (!locked && errno != EWOULDBLOCK && errno != EINTR) {
            close(descriptor);
            return draw_temporary(f);
        }
        if (locked && still_there(descriptor, f->temporary))
            return descriptor;
        close(descriptor);
    }
    errno = errno == EACCES ? EACCES : EBUSY;
    return -1;
}

/* Makes the temporary file an empty one with the rights of the file that it will replace. */
static bool begin(ph_file *f, const struct stat *old)
{
    f->descriptor = open_temporary(f);
    if (f->descriptor < 0) {
        free(f->temporary);
        f->temporary = NULL;
        return false;
    }
    if (ftruncate(f->descriptor, 0) != 0)
        return false;
    if (old)
        fchmod(f->descriptor, old->st_mode & 07777);
    f->stream = fdopen(f->descriptor, "wb");
    return f->stream != NULL;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static ph_file *fail_to_create(ph_file *f, const char *path)
{
    cannot(path, "write", errno);
    ph_file_discard(f);
    return NULL;
}

ph_file *ph_file_create(const char *path)
{
    ph_file *f = calloc(1, sizeof *f);
    if (f == NULL)
        return fail_to_create(NULL, path);
    f->descriptor = -1;
    bool standard = strcmp(path, "-") == 0;
    /* Through a symbolic link the file it points to is replaced, not the link. */
    f->path = standard ? strdup("standard output") : realpath(path, NULL);
    if (f->path == NULL && !standard && errno != ENOMEM)
        f->path = strdup(path);
    if (f->path == NULL)
        return fail_to_create(f, path);
    struct stat old;
    bool exists = stat(path, &old) == 0;
    if (standard)
        f->stream = stdout;
    else if (exists && !S_ISREG(old.st_mode)) /* a device or a pipe cannot be replaced */
        f->stream = fopen(path, "wb");
    else if (!begin(f, exists ? &old : NULL))
        return fail_to_create(f, path);
    return f->stream ? f : fail_to_create(f, path);
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
    bool sound = file && fstat(fileno(file), &info) == 0;
    if (!sound || S_ISDIR(info.st_mode)) {
        cannot(path, "read", sound ? EISDIR : errno);
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
