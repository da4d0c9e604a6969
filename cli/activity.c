/* activity.c - the activations of a sparse code, in text and as JSON. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Two bins make a line, which has a sign where there is anything at all. */
static void print_bars(const ph_activity *a)
{
    enum { WIDEST = 50 };
    static const char bar[] = "##################################################";
    double all = (double)a->rows * (double)a->units, most = 0;
    for (int i = 0; i < PH_ACTIVITY_BINS; i += 2)
        most = fmax(most, (double)(a->count[i] + a->count[i + 1]));
    for (int i = 0; i < PH_ACTIVITY_BINS; i += 2) {
        double n = (double)(a->count[i] + a->count[i + 1]);
        printf("%8.4g to %-8.4g %7.3f %%  %.*s\n", a->edge[i], a->edge[i + 2], 100 * n / all,
               (int)ceil(WIDEST * n / most), bar);
    }
}

void cli_print_activity(const ph_activity *a)
{
    printf("\nactivations of %zu units in %zu rows\n", a->units, a->rows);
    print_bars(a);
    double *sorted = malloc(a->units * sizeof *sorted);
    if (sorted == NULL)
        return;
    memcpy(sorted, a->unit_mean, a->units * sizeof *sorted);
    qsort(sorted, a->units, sizeof *sorted, by_value);
    size_t last = a->units - 1;
    printf("mean activation of a unit: smallest %.4g, quartiles %.4g, %.4g, %.4g, largest %.4g",
           sorted[0], sorted[last / 4], sorted[last / 2], sorted[3 * last / 4], sorted[last]);
    if (a->target == a->target)
        printf("; target %.4g", a->target);
    putchar('\n');
    free(sorted);
}

void cli_json_activity(const ph_activity *a)
{
    if (a->target == a->target)
        cli_json_number("target_activation", a->target);
    cli_json_list_begin("unit_mean_activation");
    for (size_t i = 0; i < a->units; i++)
        cli_json_item_number(a->unit_mean[i]);
    cli_json_list_end();
    cli_json_object_begin("activations");
    cli_json_list_begin("edges");
    for (int i = 0; i <= PH_ACTIVITY_BINS; i++)
        cli_json_item_number(a->edge[i]);
    cli_json_list_end();
    cli_json_list_begin("counts");
    for (int i = 0; i < PH_ACTIVITY_BINS; i++)
        cli_json_item_number((double)a->count[i]);
    cli_json_list_end();
    cli_json_object_end();
}
