/* picture.h - one picture file: PNG, JPEG, PGM and PPM, and bringing a picture to a size.
 *
 * A file's kind is told by its first bytes. What it says of itself is believed within limits only:
 * 65535 pixels a side, 2^28 in all, and no more than its bytes can hold.
 */
#ifndef PH_DATA_PICTURE_H
#define PH_DATA_PICTURE_H

#include "base/error.h"

enum { PH_PICTURE_SIDE = 65535, PH_PICTURE_PIXELS = 1 << 28 };

typedef struct ph_picture {
    size_t width, height;
    size_t channels;     /* 1 or 3, interleaved */
    unsigned bits;       /* 8, or 16: uint16_t in the machine's order */
    uint8_t *pixels;
} ph_picture;

/* By the path's ending, in upper or lower case: .png .jpg .jpeg .pgm .ppm .pnm. */
bool ph_is_picture(const char *path);
/* Size, channels (3 where the format can hold colour) and bits, from the header; pixels is NULL. */
ph_status ph_picture_measure(const char *path, ph_picture *);
/* Transparent pixels are blended over black. Nothing is to be freed after a failure. */
ph_status ph_picture_read(const char *path, ph_picture *);
void ph_picture_free(ph_picture *);

/* Brings a picture to width x height, channels and bits, at out. A fit of "crop" fills the size with
 * the middle of the picture, "pad" shows all of it between black borders, "stretch" gives up its
 * proportions. Pixels of a picture that has the size already are not touched. The message of a failure
 * names no file. PH_MEMORY, PH_DATA for extreme sizes. */
ph_status ph_picture_fit(const ph_picture *, const char *fit, size_t width, size_t height,
                         size_t channels, unsigned bits, void *out);

/* PGM and PPM (pnm.c), from the bytes of a file. */
bool ph_pnm_begins(const uint8_t *bytes, size_t size);
ph_status ph_pnm_measure(const char *path, const uint8_t *bytes, size_t size, ph_picture *);
ph_status ph_pnm_decode(const char *path, const uint8_t *bytes, size_t size, ph_picture *);

/* Memory for the pixels, `channels` samples each, once `least` bytes, the fewest that such a picture
 * takes in its format, are there. PH_DATA, PH_MEMORY. */
ph_status ph_picture_allocate(ph_picture *, const char *path, size_t channels, size_t least,
                              size_t size);

#endif
