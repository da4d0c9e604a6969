/* png.c - writing PNG through libspng, and grids of tiles. */
#include "view/png.h"

#include "base/file.h"

#include <spng.h>
#include <stdlib.h>

ph_status ph_png_write(const char *path, const uint8_t *pixels, size_t width, size_t height,
                       size_t channels)
{
    if (width == 0 || height == 0 || width > 100000 || height > 100000)
        return ph_fail(PH_USAGE, "%s: a picture of %zu x %zu pixels", path, width, height);
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (png == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    struct spng_ihdr header = { .width = (uint32_t)width, .height = (uint32_t)height, .bit_depth = 8,
                                .color_type = channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                                            : SPNG_COLOR_TYPE_GRAYSCALE };
    int error = spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    error = error ? error : spng_set_ihdr(png, &header);
    error = error ? error : spng_encode_image(png, pixels, width * height * channels, SPNG_FMT_PNG,
                                              SPNG_ENCODE_FINALIZE);
    size_t size = 0;
    void *bytes = error ? NULL : spng_get_png_buffer(png, &size, &error);
    spng_ctx_free(png);
    if (bytes == NULL)
        return ph_fail(PH_IO, "%s: cannot make the picture: %s", path, spng_strerror(error));
    ph_file *file = ph_file_create(path);
    ph_status status = file ? ph_file_write(file, bytes, size) : ph_last_status();
    if (file)
        status = ph_file_commit(file);
    free(bytes);
    return status;
}

static uint8_t shade(ph_real value, double white)
{
    double v = (double)value / white;
    return v >= 1 ? 255 : v > 0 ? (uint8_t)(v * 255 + 0.5) : 0; /* NaN is drawn black */
}

ph_status ph_grid_save(const char *path, const ph_grid *g)
{
    if (g->channels != 1 && g->channels != 3)
        return ph_fail(PH_USAGE, "%s: pictures have 1 or 3 channels, not %zu", path, g->channels);
    size_t tile_height = g->height + g->gap, tile_width = g->width + g->gap;
    size_t height = g->rows * tile_height - (g->rows ? g->gap : 0);
    size_t width = g->columns * tile_width - (g->columns ? g->gap : 0), bytes;
    if (__builtin_mul_overflow(height, width * g->channels, &bytes) || bytes > (size_t)1 << 31)
        return ph_fail(PH_USAGE, "%s: the picture is too large", path);
    uint8_t *pixels = calloc(1, bytes + 1);
    if (pixels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    double white = g->white > 0 ? g->white : 1;
    for (size_t t = 0; t < g->rows * g->columns; t++) {
        size_t row = g->by_column ? t % g->rows : t / g->columns;
        size_t column = g->by_column ? t / g->rows : t % g->columns;
        const ph_real *tile = g->tiles + t * g->height * g->width * g->channels;
        for (size_t y = 0; y < g->height; y++)
            for (size_t x = 0; x < g->width * g->channels; x++)
                pixels[((row * tile_height + y) * width + column * tile_width) * g->channels + x] =
                    shade(tile[y * g->width * g->channels + x], white);
    }
    ph_status status = ph_png_write(path, pixels, width, height, g->channels);
    free(pixels);
    return status;
}
