/* order.h - numbers sorted, and what a share of them stay below. */
#ifndef PH_BASE_ORDER_H
#define PH_BASE_ORDER_H

#include <stddef.h>

/* Sorts n numbers, the smallest first. */
void ph_sort_numbers(double *values, size_t n);
/* The one of n sorted numbers that a share of them stay below, between neighbours by a straight line. */
double ph_at_share(const double *sorted, size_t n, double share);

#endif
