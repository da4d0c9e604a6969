/* test_golden_double.c - golden losses in the proving build. */
#define TOLERANCE 1e-12
#include "golden.h"
