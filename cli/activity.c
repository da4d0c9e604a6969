/* activity.c - the units of a sparse code, in text and as JSON. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cli_print_activity(const ph_activity *a)
{
    double *sorted = malloc(a->units * sizeof *sorted);
    if (sorted == NULL)
        return;
    memcpy(sorted, a->unit_mean, a->units * sizeof *sorted);
    cli_sort_numbers(sorted, a->units);
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
}
