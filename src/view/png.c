/* png.c - writing PNG through libspng, and grids of tiles. */
#include "view/png.h"

#include "base/file.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *encode(const char *name, const uint8_t *pixels, size_t width, size_t height,
                       size_t channels, size_t *size)
{
    if (width == 0 || height == 0 || width > 100000 || height > 100000) {
        ph_fail(PH_USAGE, "%s: a picture of %zu x %zu pixels", name, width, height);
        return NULL;
    }
    spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
    if (png == NULL) {
        ph_fail(PH_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    struct spng_ihdr header = { .width = (uint32_t)width, .height = (uint32_t)height, .bit_depth = 8,
                                .color_type = channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
                                                            : SPNG_COLOR_TYPE_GRAYSCALE };
    int error = spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
    error = error ? error : spng_set_ihdr(png, &header);
    error = error ? error : spng_encode_image(png, pixels, width * height * channels, SPNG_FMT_PNG,
                                              SPNG_ENCODE_FINALIZE);
    uint8_t *bytes = error ? NULL : spng_get_png_buffer(png, size, &error);
    spng_ctx_free(png);
    if (bytes == NULL)
        ph_fail(PH_IO, "%s: cannot make the picture: %s", name, spng_strerror(error));
    return bytes;
}

static uint8_t shade(ph_real value, double white)
{
    double v = (double)value / white;
    return v >= 1 ? 255 : v > 0 ? (uint8_t)(v * 255 + 0.5) : 0; /* NaN is drawn black */
}

enum { LINE = 2 };

/* White lines between panels. */
static void draw_lines(const ph_grid *g, uint8_t *pixels, size_t width, size_t height)
{
    for (size_t column = g->panel; g->panel && column < g->columns; column += g->panel) {
        size_t x = column * (g->width + g->gap) - g->gap + (column / g->panel - 1) * LINE;
        for (size_t y = 0; y < height; y++)
            memset(pixels + (y * width + x) * g->channels, 255, LINE * g->channels);
    }
}

/* The pixels of a grid (free them), or NULL. */
static uint8_t *draw(const char *name, const ph_grid *g, size_t *out_width, size_t *out_height)
{
    if (g->channels != 1 && g->channels != 3) {
        ph_fail(PH_USAGE, "%s: pictures have 1 or 3 channels, not %zu", name, g->channels);
        return NULL;
    }
    size_t tile_height = g->height + g->gap, tile_width = g->width + g->gap;
    size_t height = g->rows * tile_height - (g->rows ? g->gap : 0);
    size_t lines = g->panel && g->columns ? (g->columns - 1) / g->panel : 0;
    size_t width = g->columns * tile_width - (g->columns ? g->gap : 0) + lines * LINE, bytes;
    if (__builtin_mul_overflow(height, width * g->channels, &bytes) || bytes > (size_t)1 << 31) {
        ph_fail(PH_USAGE, "%s: the picture is too large", name);
        return NULL;
    }
    uint8_t *pixels = calloc(1, bytes + 1);
    if (pixels == NULL) {
        ph_fail(PH_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    double white = g->white > 0 ? g->white : 1;
    for (size_t t = 0; t < g->rows * g->columns; t++) {
        size_t row = g->by_column ? t % g->rows : t / g->columns;
        size_t column = g->by_column ? t / g->rows : t % g->columns;
        size_t left = column * tile_width + (g->panel ? column / g->panel * LINE : 0);
        const ph_real *tile = g->tiles + t * g->height * g->width * g->channels;
        for (size_t y = 0; y < g->height; y++)
            for (size_t x = 0; x < g->width * g->channels; x++)
                pixels[((row * tile_height + y) * width + left) * g->channels + x] =
                    shade(tile[y * g->width * g->channels + x], white);
    }
    draw_lines(g, pixels, width, height);
    *out_width = width;
    *out_height = height;
    return pixels;
}

uint8_t *ph_grid_encode(const char *name, const ph_grid *g, size_t *size)
{
    size_t width, height;
    uint8_t *pixels = draw(name, g, &width, &height);
    uint8_t *bytes = pixels ? encode(name, pixels, width, height, g->channels, size) : NULL;
    free(pixels);
    return bytes;
}

ph_status ph_grid_save(const char *path, const ph_grid *g)
{
    size_t size;
    uint8_t *bytes = ph_grid_encode(path, g, &size);
    ph_file *file = bytes ? ph_file_create(path) : NULL;
    ph_status status = file ? ph_file_write(file, bytes, size) : ph_last_status();
    if (file)
        status = ph_file_commit(file);
    free(bytes);
    return status;
}
