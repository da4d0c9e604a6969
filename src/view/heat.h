/* heat.h - errors of pixels as colours. */
#ifndef PH_VIEW_HEAT_H
#define PH_VIEW_HEAT_H

#include "base/error.h"

/* The colour of a share of the scale, each part from 0 to 1: white at 0, then yellow, orange, red and
 * nearly black at 1. Lightness falls evenly, so the order stays in gray print. */
void ph_heat_colour(double share, double rgb[3]);
/* The heat over the gray picture: height x width x 3, from 0 to 1. */
void ph_heat_draw(const ph_heat *, ph_real *rgb);

#endif
