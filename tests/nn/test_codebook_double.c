/* test_codebook_double.c - quantisers in the proving build. */
#define CLOSE 1e-10
#include "codebook.h"
