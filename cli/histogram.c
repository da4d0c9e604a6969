/* histogram.c - how many numbers are in which range, as bars and as JSON. */
#include "cli.h"

#include <math.h>

/* A line has a sign where there is anything at all. */
static void print_line(const ph_histogram *h, size_t i, double n, double all, double most)
{
    enum { WIDEST = 50 };
    static const char bar[] = "##################################################";
    size_t next = i + (h->whole ? 1 : 2);
    double low = h->edge[i], high = h->edge[next];
    if (!h->whole)
        printf("%8.4g to %-8.4g %7.3f %%", low, high, 100 * n / all);
    else if (high - low == 1)
        printf("%8.0f%12s %9.0f", low, "", n);
    else
        printf("%8.0f to %-8.0f %9.0f", low, high - 1, n);
    printf("  %.*s\n", (int)ceil(WIDEST * n / most), bar);
}

/* Ranges of evenly wide bins are two bins to a line. */
void cli_print_histogram(const ph_histogram *h)
{
    size_t each = h->whole ? 1 : 2;
    double all = 0, most = 0;
    for (size_t i = 0; i + each <= h->bins; i += each) {
        double n = h->count[i] + (each > 1 ? h->count[i + 1] : 0);
        all += n;
        most = fmax(most, n);
    }
    printf("\n%s %s\n", h->name, h->unit);
    for (size_t i = 0; i + each <= h->bins; i += each)
        print_line(h, i, h->count[i] + (each > 1 ? h->count[i + 1] : 0), all, most);
}

void cli_json_histogram(const ph_histogram *h)
{
    cli_json_object_begin(h->name);
    cli_json_list_begin("edges");
    for (size_t i = 0; i <= h->bins; i++)
        cli_json_item_number(h->edge[i]);
    cli_json_list_end();
    cli_json_list_begin("counts");
    for (size_t i = 0; i < h->bins; i++)
        cli_json_item_number(h->count[i]);
    cli_json_list_end();
    cli_json_object_end();
}
