/* command.h - the command from outside: runs it in the test's folder and holds what it said. */
#ifndef TESTS_CLI_COMMAND_H
#define TESTS_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "scratch.h"

static char out[1 << 16], err[1 << 16];

static inline void slurp(const char *name, char *to, size_t size)
{
    FILE *f = fopen(in_folder(name), "rb");
    size_t n = f ? fread(to, 1, size - 1, f) : 0;
    to[n] = '\0';
    if (f)
        fclose(f);
}

/* Runs `pinhole ARGUMENTS`, from nothing on standard input unless they redirect it. */
static inline int run(const char *arguments)
{
    char command[4096];
    bool redirected = strchr(arguments, '<') != NULL;
    snprintf(command, sizeof command, "cd %s && %s %s >stdout 2>stderr %s", folder, PH_COMMAND, arguments,
             redirected ? "" : "</dev/null");
    int status = system(command);
    slurp("stdout", out, sizeof out);
    slurp("stderr", err, sizeof err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

#define assert_run(arguments, status)                                                              \
    do {                                                                                           \
        if (run(arguments) != (status))                                                            \
            fail_msg("pinhole %s: not status %d; it said: %s", arguments, status, err);            \
    } while (0)

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        if (strstr(text, part) == NULL)                                                            \
            fail_msg("'%s' is not in: %s", part, text);                                            \
    } while (0)

/* One line: what is wrong is said in one, and nothing else is. */
#define assert_one_line(text)                                                                      \
    do {                                                                                           \
        if (strchr(text, '\n') != (text) + strlen(text) - 1)                                       \
            fail_msg("not one line: %s", text);                                                    \
    } while (0)

/* Fails with that status and one line that says the part. */
#define assert_fails(arguments, status, part)                                                      \
    do {                                                                                           \
        assert_run(arguments, status);                                                             \
        assert_says(err, part);                                                                    \
        assert_one_line(err);                                                                      \
    } while (0)

static inline bool there(const char *name)
{
    struct stat info;
    return stat(in_folder(name), &info) == 0;
}

/* The last number of that name in the JSON on standard output. */
static inline double figure(const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = NULL;
    for (const char *next = out; (next = strstr(next, key)); next++)
        at = next;
    if (at == NULL)
        fail_msg("no %s in %s", name, out);
    return strtod(at + strlen(key), NULL);
}

#endif
