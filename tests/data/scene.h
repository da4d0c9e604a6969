/* scene.h - what the tests of downloading share: a cache of their own, a server, files in the cache. */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <sys/stat.h>

#include "base/file.h"
#include "data/server.h"
#include "scratch.h"

enum { SMALL = 10 };

static const char *const small = "ten bytes\n";
static char base[64];          /* the server's URL */

static inline void write_file(const char *name, const void *bytes, size_t count)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    fclose(f);
}

/* Bytes in a file of the folder, -1 if it is not there. */
static inline long size_of(const char *name)
{
    struct stat info;
    return lstat(in_folder(name), &info) == 0 ? (long)info.st_size : -1;
}

static inline void assert_holds(const char *name, const void *bytes, size_t count)
{
    size_t size;
    uint8_t *read = ph_file_read(in_folder(name), &size);
    assert_non_null(read);
    assert_int_equal(size, count);
    assert_memory_equal(read, bytes, count);
    free(read);
}

static inline void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

/* An empty cache, and a server that behaves. */
static inline int clear(void)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("PINHOLE_MIRROR", base, 1);
    unsetenv("PINHOLE_DATA");
    reset_server();
    return system(command);
}

/* Before and after all tests. */
static inline int open_scene(void **state)
{
    setenv("no_proxy", "*", 1);
    start_server();
    snprintf(base, sizeof base, "http://127.0.0.1:%d", server.port);
    return make_folder(state);
}

static inline int close_scene(void **state)
{
    stop_server();
    return remove_folder(state);
}

#endif
