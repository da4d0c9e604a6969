/* png.h - pictures as PNG files. */
#ifndef PH_VIEW_PNG_H
#define PH_VIEW_PNG_H

#include "base/error.h"

/* pixels: height x width x channels (1: gray, 3: RGB) bytes. Replaces path atomically. */
ph_status ph_png_write(const char *path, const uint8_t *pixels, size_t width, size_t height,
                       size_t channels);

#endif
