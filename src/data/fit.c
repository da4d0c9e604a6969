/* fit.c - bringing a picture to a size, to channels and to bits.
 *
 * Resizing is stb_image_resize.h on the values as they are stored, with a triangle as the filter: as
 * wide as an output pixel when shrinking, linear interpolation when enlarging, and never beyond the
 * values it is between.
 */
#include "data/picture.h"

#include <stdlib.h>
#include <string.h>

/* From the system's folders, for whose headers compilers do not warn. */
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STBIR_ASSERT(x) ((void)0)
#include <stb/stb_image_resize.h>

typedef struct box {
    size_t left, top, width, height;
} box;

static size_t share(size_t of, size_t part, size_t whole)
{
    size_t result = (2 * of * part + whole) / (2 * whole);
    return result ? result : 1;
}

/* The largest box in width x height that has the proportions across : down, in the middle. */
static box middle(size_t width, size_t height, size_t across, size_t down)
{
    box b = { 0, 0, width, height };
    if (width * down > height * across)
        b.width = share(height, across, down);
    else
        b.height = share(width, down, across);
    b.left = (width - b.width) / 2;
    b.top = (height - b.height) / 2;
    return b;
}

/* Samples of one row: 8 or 16 bits each. */
static unsigned get(const uint8_t *row, size_t i, unsigned bits)
{
    return bits == 16 ? ((const uint16_t *)(const void *)row)[i] : row[i];
}

static void put(uint8_t *row, size_t i, unsigned bits, unsigned value)
{
    if (bits == 16)
        ((uint16_t *)(void *)row)[i] = (uint16_t)value;
    else
        row[i] = (uint8_t)value;
}

static unsigned to_bits(unsigned value, unsigned from, unsigned to)
{
    return from == to ? value : to == 16 ? value * 257 : (value + 128) / 257;
}

/* A row of `from`'s channels and bits as one of others. Gray is the luma of ITU-R BT.601. */
static void convert_row(const ph_picture *from, const uint8_t *row, size_t width, size_t channels,
                        unsigned bits, uint8_t *out)
{
    if (from->channels == channels && from->bits == bits) {
        memcpy(out, row, width * channels * (bits / 8));
        return;
    }
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < channels; c++) {
            unsigned value;
            if (from->channels == channels)
                value = get(row, x * channels + c, from->bits);
            else if (channels == 3)
                value = get(row, x, from->bits);
            else
                value = (299 * get(row, 3 * x, from->bits) + 587 * get(row, 3 * x + 1, from->bits) +
                         114 * get(row, 3 * x + 2, from->bits) + 500) / 1000;
            put(out, x * channels + c, bits, to_bits(value, from->bits, bits));
        }
}

/* What stb will take, counted generously: it counts in 32 bits, and a picture that is very high, made
 * low and wide, would take more. */
static bool is_within_reach(box from, box to, size_t channels)
{
    size_t across = from.width / to.width + 1, down = from.height / to.height + 1;
    size_t columns = from.width + 4 * across + to.width, rows = from.height + 4 * down + to.height;
    size_t numbers = channels * (columns + to.width * (2 * down + 4)) + 4 * (columns + rows);
    return numbers < (size_t)1 << 29;
}

static bool resize(const uint8_t *in, size_t pitch, box from, box to, size_t channels, unsigned bits,
                   uint8_t *out)
{
    int width = (int)to.width, height = (int)to.height, n = (int)channels;
    int from_width = (int)from.width, from_height = (int)from.height;
    return bits == 16 ? stbir_resize_uint16_generic(
                            (const void *)in, from_width, from_height, (int)pitch, (void *)out, width,
                            height, 0, n, STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP,
                            STBIR_FILTER_TRIANGLE, STBIR_COLORSPACE_LINEAR, NULL)
                      : stbir_resize_uint8_generic(
                            in, from_width, from_height, (int)pitch, out, width, height, 0, n,
                            STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP, STBIR_FILTER_TRIANGLE,
                            STBIR_COLORSPACE_LINEAR, NULL);
}

ph_status ph_picture_fit(const ph_picture *p, const char *fit, size_t width, size_t height,
                         size_t channels, unsigned bits, void *out)
{
    box from = { 0, 0, p->width, p->height }, to = { 0, 0, width, height };
    if (strcmp(fit, "crop") == 0)
        from = middle(p->width, p->height, width, height);
    if (strcmp(fit, "pad") == 0)
        to = middle(width, height, p->width, p->height);
    size_t pixel = p->channels * (p->bits / 8), pitch = p->width * pixel;
    const uint8_t *pixels = p->pixels + from.top * pitch + from.left * pixel;
    uint8_t *resized = NULL;
    if (from.width != to.width || from.height != to.height) {
        if (!is_within_reach(from, to, p->channels))
            return ph_fail(PH_DATA, "%zu x %zu pixels cannot be brought to %zu x %zu in one step",
                           from.width, from.height, to.width, to.height);
        resized = malloc(to.width * to.height * pixel);
        if (resized == NULL || !resize(pixels, pitch, from, to, p->channels, p->bits, resized)) {
            free(resized);
            return ph_fail(PH_MEMORY, "out of memory for a picture of %zu x %zu pixels", width, height);
        }
        pixels = resized;
        pitch = to.width * pixel;
    }
    size_t out_pixel = channels * (bits / 8), out_pitch = width * out_pixel;
    memset(out, 0, height * out_pitch);
    for (size_t y = 0; y < to.height; y++)
        convert_row(p, pixels + y * pitch, to.width, channels, bits,
                    (uint8_t *)out + (to.top + y) * out_pitch + to.left * out_pixel);
    free(resized);
    return PH_OK;
}
