/* times.c - how long training took, as bars beside times that are given. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TIMES = 32 };

typedef struct times {
    size_t count;
    const char *name[MOST_TIMES];
    double seconds[MOST_TIMES];
    char text[4096];
} times;

/* "one=90,another=5400", in seconds. */
static ph_status read_times(times *t, const char *given)
{
    t->count = 0;
    if (snprintf(t->text, sizeof t->text, "%s", given) >= (int)sizeof t->text)
        return ph_fail(PH_USAGE, "times: longer than %zu letters", sizeof t->text - 1);
    for (char *rest = t->text, *one; (one = strsep(&rest, ",")) != NULL;) {
        char *equals = strrchr(one, '='), *end = equals;
        double seconds = equals ? strtod(equals + 1, &end) : 0;
        if (equals == NULL || equals == one || end == equals + 1 || *end || !(seconds > 0) ||
            !isfinite(seconds))
            return ph_fail(PH_USAGE, "times: '%s' is not NAME=SECONDS", one);
        if (t->count == MOST_TIMES)
            return ph_fail(PH_USAGE, "times: more than %d", MOST_TIMES);
        *equals = '\0';
        t->name[t->count] = one;
        t->seconds[t->count++] = seconds;
    }
    return PH_OK;
}

ph_status ph_page_check_times(const ph_page *r)
{
    times t;
    return r->times ? read_times(&t, r->times) : PH_OK;
}

void ph_put_duration(ph_page *r, double seconds)
{
    double minutes = floor(seconds / 60 + 0.5);
    if (minutes >= 120)
        ph_put(r, "%.0f h %02.0f min", floor(minutes / 60), fmod(minutes, 60));
    else if (seconds >= 120)
        ph_put(r, "%.0f min %02.0f s", floor(seconds / 60), floor(fmod(seconds, 60)));
    else
        ph_put(r, "%.3g s", seconds);
}

static void put_time(ph_page *r, const char *name, double seconds, double longest)
{
    ph_put(r, "<tr><th scope=\"row\">");
    ph_put_text(r, name);
    ph_put(r, "</th><td>");
    ph_put_duration(r, seconds);
    ph_put(r, "</td><td class=\"bar\"><i style=\"width:%.1f%%\"></i></td></tr>", 100 * seconds / longest);
}

static bool has_times(const ph_page *r)
{
    return r->times != NULL;
}

static ph_status write_times(ph_page *r)
{
    times t;
    PH_TRY(read_times(&t, r->times));
    double own = r->model->trainer.progress.seconds, longest = own;
    for (size_t i = 0; i < t.count; i++)
        longest = fmax(longest, t.seconds[i]);
    ph_put(r, "<p>Training alone, without measuring and saving, beside times that were given for this "
              "page.</p><div class=\"card\"><table class=\"bars\"><thead><tr><th scope=\"col\">run"
              "<th scope=\"col\">time<th></tr></thead><tbody>");
    put_time(r, r->name ? r->name : "this model", own, longest);
    for (size_t i = 0; i < t.count; i++)
        put_time(r, t.name[i], t.seconds[i], longest);
    ph_put(r, "</tbody></table></div>");
    return PH_OK;
}

const ph_section ph_section_times = { "times", "Training time", has_times, write_times };
