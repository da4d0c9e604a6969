/* inject.h - the call number n to memory, files or threads fails, as if the machine had no more.
 *
 * In the plain build malloc and its kin are replaced for the whole process, so that what libraries
 * ask for counts and fails too, and live blocks are counted. Sanitizers have a malloc of their own:
 * there the linker wraps our calls (--wrap) and LeakSanitizer counts. Calls to files are wrapped in
 * both; CMakeLists.txt has the list. */
#ifndef TESTS_INJECT_H
#define TESTS_INJECT_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    atomic_long calls, live;   /* live: blocks taken and not given back */
    atomic_int hits;
    long first;                /* the call that fails */
    bool armed, lasting;       /* lasting: every later one fails, too */
    const char *_Atomic what;  /* the first that failed */
} fault;

static void arm(long first, bool lasting)
{
    fault.first = first;
    fault.lasting = lasting;
    fault.what = NULL;
    fault.calls = 0;
    fault.hits = 0;
    fault.armed = true;
}

static bool fails(const char *what, int error)
{
    if (!fault.armed)
        return false;
    long number = atomic_fetch_add(&fault.calls, 1) + 1;
    if (number != fault.first && !(fault.lasting && number > fault.first))
        return false;
    if (atomic_fetch_add(&fault.hits, 1) == 0)
        fault.what = what;
    errno = error;
    return true;
}

/* ---- Memory -------------------------------------------------------------------------------------- */

#ifdef PH_SANITIZED
#define HOOK(name) __wrap_##name
#define REAL(name) __real_##name
char *__real_strdup(const char *);
char *__wrap_strdup(const char *);
char *__wrap_strdup(const char *s) { return fails("strdup", ENOMEM) ? NULL : __real_strdup(s); }
#else
#define HOOK(name) name
#define REAL(name) __libc_##name
void *__libc_memalign(size_t, size_t);
#define __libc_aligned_alloc __libc_memalign
#endif

void *REAL(malloc)(size_t);
void *REAL(calloc)(size_t, size_t);
void *REAL(realloc)(void *, size_t);
void *REAL(aligned_alloc)(size_t, size_t);
void REAL(free)(void *);
void *HOOK(malloc)(size_t);
void *HOOK(calloc)(size_t, size_t);
void *HOOK(realloc)(void *, size_t);
void *HOOK(aligned_alloc)(size_t, size_t);
void HOOK(free)(void *);

static void *taken(void *block)
{
    fault.live += block != NULL;
    return block;
}

void *HOOK(malloc)(size_t n)
{
    return fails("malloc", ENOMEM) ? NULL : taken(REAL(malloc)(n));
}

void *HOOK(calloc)(size_t n, size_t each)
{
    return fails("calloc", ENOMEM) ? NULL : taken(REAL(calloc)(n, each));
}

void *HOOK(realloc)(void *old, size_t n)
{
    if (fails("realloc", ENOMEM))
        return NULL;
    void *block = REAL(realloc)(old, n);
    fault.live += block && !old;
    return block;
}

void *HOOK(aligned_alloc)(size_t alignment, size_t n)
{
    return fails("aligned_alloc", ENOMEM) ? NULL : taken(REAL(aligned_alloc)(alignment, n));
}

void HOOK(free)(void *block)
{
    int error = errno;
    fault.live -= block != NULL;
    REAL(free)(block);
    errno = error;
}

/* Our own pieces of memory are too small to reach malloc each time. */
struct ph_arena;
void *__real_ph_arena_take(struct ph_arena *, size_t);
void *__wrap_ph_arena_take(struct ph_arena *, size_t);
void *__wrap_ph_arena_take(struct ph_arena *arena, size_t n)
{
    return fails("ph_arena_take", ENOMEM) ? NULL : __real_ph_arena_take(arena, n);
}

/* ---- Files and threads --------------------------------------------------------------------------- */

/* One that only refuses. */
#define REFUSES(type, failure, name, error, parameters, arguments)                                 \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails(#name, error) ? (failure) : __real_##name arguments;                          \
    }

REFUSES(char *, NULL, realpath, ENOMEM, (const char *path, char *to), (path, to))
REFUSES(FILE *, NULL, fopen, EMFILE, (const char *path, const char *mode), (path, mode))
REFUSES(FILE *, NULL, fdopen, ENOMEM, (int fd, const char *mode), (fd, mode))
REFUSES(size_t, 0, fread, EIO, (void *p, size_t size, size_t n, FILE *f), (p, size, n, f))
REFUSES(int, EOF, fflush, ENOSPC, (FILE *f), (f))
REFUSES(int, -1, fseeko, EIO, (FILE *f, off_t at, int from), (f, at, from))
REFUSES(int, -1, fsync, EIO, (int fd), (fd))
REFUSES(int, -1, ftruncate, EIO, (int fd, off_t size), (fd, size))
REFUSES(int, -1, flock, ENOLCK, (int fd, int what), (fd, what))
REFUSES(int, -1, rename, EIO, (const char *from, const char *to), (from, to))
REFUSES(int, -1, mkostemp, ENOSPC, (char *name, int flags), (name, flags))
REFUSES(ssize_t, -1, pread, EIO, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
REFUSES(int, EAGAIN, pthread_create, EAGAIN,
        (pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *with), (t, a, run, with))

int __real_open(const char *, int, ...);
int __wrap_open(const char *, int, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return fails("open", EMFILE) ? -1 : __real_open(path, flags, mode);
}

/* A disk that is full takes a part of the bytes first. */
size_t __real_fwrite(const void *, size_t, size_t, FILE *);
size_t __wrap_fwrite(const void *, size_t, size_t, FILE *);
size_t __wrap_fwrite(const void *from, size_t size, size_t n, FILE *f)
{
    if (!fails("fwrite", ENOSPC))
        return __real_fwrite(from, size, n, f);
    size_t half = __real_fwrite(from, size, n / 2, f);
    errno = ENOSPC;
    return half;
}

#endif
