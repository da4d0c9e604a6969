/* get.c - pinhole data get NAME: downloads an official set. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What the progress callback works with: the file at hand, and what came in all. */
typedef struct get_state {
    bool terminal, open_line;
    char file[64];
    uint64_t first, bytes;     /* of the file when it began, downloaded in all */
    double began, told;
} get_state;

static void interrupt(int number)
{
    (void)number;
    ph_stop();
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* On a terminal one line that is written over; elsewhere a line for each file that is in its place. */
static void progress(void *user, const char *file, uint64_t done, uint64_t total)
{
    get_state *s = user;
    if (strcmp(s->file, file) != 0 || done < s->first) {
        snprintf(s->file, sizeof s->file, "%s", file);
        s->first = done;
        s->began = now();
        s->told = 0;
    }
    double seconds = now() - s->began, came = (double)(done - s->first);
    bool last = done == total;
    if (last)
        s->bytes += done - s->first;
    if (!last && (!s->terminal || now() - s->told < 0.1))
        return;
    s->told = now();
    fprintf(stderr, "%s%s: ", s->terminal ? "\r\033[K" : "", file);
    if (!last)
        fprintf(stderr, "%.1f of %.1f MB", (double)done / 1e6, (double)total / 1e6);
    else
        fprintf(stderr, "%.1f MB%s", (double)total / 1e6, came > 0 ? "" : ", is there");
    if (came > 0 && seconds > 0)
        fprintf(stderr, ", %.1f MB/s", came / seconds / 1e6);
    if (last)
        fputc('\n', stderr);
    s->open_line = !last;
}

int cli_get(const cli_arguments *a)
{
    get_state s = { .terminal = isatty(STDERR_FILENO) };
    char folder[4096];
    struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESETHAND };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    ph_status status = ph_data_get(a->word[1], progress, &s);
    if (s.open_line)
        fputc('\n', stderr);
    if (status != PH_OK || !ph_data_cache(a->word[1], folder, sizeof folder))
        return cli_fail();
    if (a->json) {
        cli_json_begin();
        cli_json_text("name", a->word[1]);
        cli_json_text("folder", folder);
        cli_json_number("bytes", (double)s.bytes);
        cli_json_end();
    } else {
        printf("%s is in %s\n", a->word[1], folder);
    }
    return CLI_DONE;
}
