/* real.h - the element type of every value: float in the product, double in the proving build. */
#ifndef PH_BASE_REAL_H
#define PH_BASE_REAL_H

#include <pinhole.h>

typedef ph_real real;

#endif
