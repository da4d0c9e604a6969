/* process.h - the command as a process that is started, watched, stopped and killed. The including file
 * defines _GNU_SOURCE and includes cmocka.h before. */
#ifndef TESTS_PROCESS_H
#define TESTS_PROCESS_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/philox.h"
#include "same_files.h"
#include "scratch.h"

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void wait_for(double seconds)
{
    struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&t, NULL);
}

/* Between 0 and 1, the same in every run of the test. */
static inline double draw(void)
{
    static uint32_t number;
    uint32_t bits[4], counter[4] = { number++, 0, 0, 0 }, key[2] = { 2024, 7 };
    ph_philox(bits, counter, key);
    return (bits[0] + 0.5) / 4294967296.0;
}

static size_t file_limit; /* bytes that a started process may write to one file; 0: any */

/* Starts `pinhole ARGUMENTS` in the test's folder; what it says goes to NAME.out and NAME.err. */
static inline pid_t start(const char *name, const char *arguments)
{
    char words[1024], *word[64] = { (char *)"pinhole" }, *rest = words, out[64], err[64];
    int count = 1;
    snprintf(out, sizeof out, "%s.out", name);
    snprintf(err, sizeof err, "%s.err", name);
    unlink(in_folder(out)); /* a child that is killed early would leave an older one */
    snprintf(words, sizeof words, "%s", arguments);
    while (count < 63 && (word[count] = strtok_r(rest, " ", &rest)))
        count++;
    fflush(stdout);
    pid_t child = fork();
    if (child != 0)
        return child;
    if (chdir(folder) != 0)
        _exit(126);
    freopen(out, "w", stdout);
    freopen(err, "w", stderr);
    if (file_limit) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){ file_limit, file_limit });
    }
    execv(PH_COMMAND, word);
    _exit(127);
}

static inline const char *said(const char *file)
{
    static char text[1 << 18];
    FILE *f = fopen(in_folder(file), "rb");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = '\0';
    if (f)
        fclose(f);
    return text;
}

static inline void assert_says(const char *file, const char *part)
{
    if (strstr(said(file), part) == NULL)
        fail_msg("'%s' is not in: %s", part, said(file));
}

/* The exit status, or minus the signal that ended it. */
static inline int end_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void run(const char *arguments, int expected)
{
    int status = end_of(start("run", arguments));
    if (status != expected)
        fail_msg("pinhole %s: %d, not %d: %s", arguments, status, expected, said("run.err"));
}

/* Sends the signal after so many seconds, unless the process ends before. */
static inline int end_by(pid_t child, int number, double seconds)
{
    wait_for(seconds);
    kill(child, number);
    return end_of(child);
}

static inline bool there(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

/* The epoch that a whole model file has come to; fails where it is not whole. */
static inline int64_t epoch_in(const char *name)
{
    ph_model_info info;
    ph_model *m = ph_model_load(in_folder(name));
    if (m == NULL)
        fail_msg("%s", ph_message());
    ph_model_describe(m, &info);
    ph_model_free(m);
    return info.epoch;
}

static inline bool same_models(const char *a, const char *b)
{
    char first[512];
    snprintf(first, sizeof first, "%s", in_folder(a));
    return same_arrays(first, in_folder(b));
}

/* Seconds that a run takes, the best of three; kills and stops are spread over them. */
static inline double duration(const char *arguments)
{
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        double began = now();
        run(arguments, 0);
        best = now() - began < best ? now() - began : best;
    }
    return best;
}

/* The last epoch that was told. */
static inline int64_t epoch_told(const char *file)
{
    const char *last = NULL;
    for (const char *at = said(file); (at = strstr(at, "{\"epoch\":")); at++)
        if (strchr(at, '\n'))
            last = at;
    return last ? atoll(last + 9) : 0;
}

/* Waits until the process has taken over SIGINT, just before it trains. */
static inline void wait_for_training(pid_t child)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    for (double limit = now() + 60; now() < limit; wait_for(0.002)) {
        FILE *f = fopen(path, "r");
        unsigned long long caught = 0;
        while (f && fgets(line, sizeof line, f))
            sscanf(line, "SigCgt: %llx", &caught);
        if (f)
            fclose(f);
        if (caught & 1ull << (SIGINT - 1))
            return;
    }
    fail_msg("it does not begin to train: %s", said("slow.err"));
}

/* Training that takes a fraction of a second, on rows that make_rows() draws. */
#define TINY "train ae rows.npy --hidden 96 --latent-dim 4 --batch-size 40 --dropout 0.1 --json "

static inline int make_rows(void **state)
{
    enum { ROWS = 300, WIDTH = 48 };
    static ph_real x[ROWS * WIDTH];
    if (make_folder(state) != 0)
        return 1;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (ph_real)draw();
    ph_writer *w = ph_writer_open(in_folder("rows.npy"), &(ph_writer_desc){ .width = WIDTH });
    return w == NULL || ph_writer_rows(w, x, ROWS) != PH_OK || ph_writer_close(w) != PH_OK;
}

#endif
