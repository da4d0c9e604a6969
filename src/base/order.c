/* order.c - numbers sorted, and what a share of them stay below. */
#include "base/order.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void ph_sort_numbers(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
}

double ph_at_share(const double *sorted, size_t n, double share)
{
    double place = share * (double)(n - 1);
    size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
}
