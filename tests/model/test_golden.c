/* test_golden.c - golden losses in the product build. */
#define TOLERANCE 1e-5
#include "golden.h"
