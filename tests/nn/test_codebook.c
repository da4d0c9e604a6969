/* test_codebook.c - quantisers in the build that is installed. */
#define CLOSE 2e-5
#include "codebook.h"
