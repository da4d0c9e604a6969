/* scratch.h - a folder of the test's own, gone when it ends. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/pinhole-test-XXXXXX";

/* The path of a file in the folder; valid until the next call. */
static inline const char *in_folder(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    char command[600];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Files in it that were only to be there while another was written; -1 when it cannot be read. */
static inline int leftovers(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return -1;
    for (struct dirent *e; (e = readdir(dir));)
        count += strstr(e->d_name, ".part") || strstr(e->d_name, ".pin.");
    closedir(dir);
    return count;
}

#endif
