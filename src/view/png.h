/* png.h - grids of pictures as PNG, in memory. */
#ifndef PH_VIEW_PNG_H
#define PH_VIEW_PNG_H

#include "base/error.h"

/* The bytes that ph_grid_save() writes (free them), or NULL; messages call the picture `name`. */
uint8_t *ph_grid_encode(const char *name, const ph_grid *, size_t *size);

#endif
