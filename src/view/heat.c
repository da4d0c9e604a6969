/* heat.c - where a picture comes back wrong: errors of pixels as colours over the picture.
 *
 * The picture lies below in light gray and the heat is multiplied onto it, like ink: what is dark is
 * wrong, on a screen and in gray print, and what is wrong can still be seen to belong to something.
 */
#include "view/heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ph_heat_colour(double share, double rgb[3])
{
    /* About 21 of the 100 steps of CIE lightness lie between one and the next. */
    static const double point[][3] = {
        { 1.00, 1.00, 1.00 }, { 1.00, 0.72, 0.29 }, { 0.90, 0.39, 0.20 }, { 0.63, 0.13, 0.28 },
        { 0.29, 0.02, 0.23 },
    };
    enum { LAST = sizeof point / sizeof point[0] - 1 };
    double at = !(share < 1) ? LAST : share > 0 ? share * LAST : 0; /* what is no number is wrong */
    size_t below = at < LAST ? (size_t)at : LAST - 1;
    for (int c = 0; c < 3; c++)
        rgb[c] = point[below][c] + (at - (double)below) * (point[below + 1][c] - point[below][c]);
}

/* One pixel as light gray. */
static double light(const ph_heat *h, size_t pixel)
{
    static const double darkest = 0.78, weight[3] = { 0.299, 0.587, 0.114 };
    const ph_real *value = h->original + pixel * h->channels;
    double gray = 0;
    for (size_t c = 0; c < h->channels; c++)
        gray += (double)value[c] * (h->channels == 3 ? weight[c] : 1);
    gray /= h->white > 0 ? h->white : 1;
    return darkest + (1 - darkest) * (gray >= 1 ? 1 : gray > 0 ? gray : 0);
}

void ph_heat_draw(const ph_heat *h, ph_real *rgb)
{
    for (size_t i = 0; i < h->height * h->width; i++) {
        double colour[3], gray = light(h, i);
        ph_heat_colour(h->most > 0 ? (double)h->error[i] / h->most : 0, colour);
        for (int c = 0; c < 3; c++)
            *rgb++ = (ph_real)(gray * colour[c]);
    }
}

/* ---- The picture of a row --------------------------------------------------------------------- */

enum { MARGIN = 4, GAP = 6, SIDE = 128, BAR = 12, LEAST_HEIGHT = 40 };
enum { LETTER_WIDTH = 5, LETTER_HEIGHT = 7, MOST_LETTERS = 10 };

/* What is drawn on, in three channels from 0 to 1. */
typedef struct canvas {
    size_t height, width;
    ph_real *rgb;
} canvas;

static void put_pixel(canvas *to, size_t y, size_t x, const double rgb[3])
{
    for (size_t c = 0; c < 3; c++)
        to->rgb[(y * to->width + x) * 3 + c] = (ph_real)rgb[c];
}

/* A picture of one or three channels, each pixel as a square of `factor` by `factor`. */
static void put_picture(canvas *to, size_t left, const ph_heat *h, const ph_real *from, size_t channels,
                        double white, size_t factor)
{
    for (size_t y = 0; y < h->height * factor; y++)
        for (size_t x = 0; x < h->width * factor; x++) {
            const ph_real *at = from + (y / factor * h->width + x / factor) * channels;
            double rgb[3];
            for (size_t c = 0; c < 3; c++)
                rgb[c] = (double)at[channels == 3 ? c : 0] / white;
            put_pixel(to, MARGIN + y, left + x, rgb);
        }
}

/* A number in letters of five by seven pixels, from its left upper corner on. */
static void put_number(canvas *to, size_t top, size_t left, size_t scale, double value)
{
    static const char letters[] = "0123456789.-+e";
    static const uint8_t lines[][LETTER_HEIGHT] = {
        { 14, 17, 19, 21, 25, 17, 14 }, { 4, 12, 4, 4, 4, 4, 14 }, { 14, 17, 1, 2, 4, 8, 31 },
        { 31, 2, 4, 2, 1, 17, 14 }, { 2, 6, 10, 18, 31, 2, 2 }, { 31, 16, 30, 1, 1, 17, 14 },
        { 6, 8, 16, 30, 17, 17, 14 }, { 31, 1, 2, 4, 8, 8, 8 }, { 14, 17, 17, 14, 17, 17, 14 },
        { 14, 17, 17, 15, 1, 2, 12 }, { 0, 0, 0, 0, 0, 12, 12 }, { 0, 0, 0, 31, 0, 0, 0 },
        { 0, 4, 4, 31, 4, 4, 0 }, { 0, 0, 14, 17, 31, 16, 14 },
    };
    char text[32];
    snprintf(text, sizeof text, "%.3g", value);
    for (char *comma = strchr(text, ','); comma; comma = NULL)
        *comma = '.'; /* of a locale */
    for (size_t i = 0; text[i] && i < MOST_LETTERS; i++) {
        const char *letter = strchr(letters, text[i]);
        for (size_t y = 0; letter && y < LETTER_HEIGHT * scale; y++)
            for (size_t x = 0; x < LETTER_WIDTH * scale; x++)
                if (lines[letter - letters][y / scale] >> (LETTER_WIDTH - 1 - x / scale) & 1)
                    put_pixel(to, top + y, left + (i * (LETTER_WIDTH + 1)) * scale + x,
                              (double[]){ 0, 0, 0 });
    }
}

/* The scale from 0 at the bottom to `most` at the top. */
static void put_bar(canvas *to, size_t left, size_t height, size_t scale, double most)
{
    static const double line[3] = { 0.5, 0.5, 0.5 };
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < BAR * scale; x++) {
            double rgb[3];
            ph_heat_colour(1 - (double)y / (double)(height - 1), rgb);
            bool edge = y == 0 || y + 1 == height || x == 0 || x + 1 == BAR * scale;
            put_pixel(to, MARGIN + y, left + x, edge ? line : rgb);
        }
    for (size_t i = 0; i < 3; i++)
        put_number(to, MARGIN + i * (height - LETTER_HEIGHT * scale) / 2, left + (BAR + 3) * scale, scale,
                   most * (double)(2 - i) / 2);
}

ph_status ph_heat_save(const char *path, const ph_heat *h)
{
    if (h->channels != 1 && h->channels != 3)
        return ph_fail(PH_USAGE, "%s: pictures have 1 or 3 channels, not %zu", path, h->channels);
    size_t side = h->height > h->width ? h->height : h->width;
    size_t factor = side && side < SIDE ? (SIDE + side - 1) / side : 1;
    size_t height = h->height * factor, width = h->width * factor, bytes;
    height = height > LEAST_HEIGHT ? height : LEAST_HEIGHT;
    size_t scale = 1 + height / 256, bar = MARGIN + 3 * (width + GAP);
    canvas to = { .height = height + 2 * MARGIN,
                  .width = bar + (BAR + 3 + MOST_LETTERS * (LETTER_WIDTH + 1)) * scale + MARGIN };
    bool fits = !__builtin_mul_overflow(to.height, to.width, &bytes) &&
                !__builtin_mul_overflow(bytes, 3 * sizeof *to.rgb, &bytes);
    to.rgb = fits ? malloc(bytes) : NULL;
    ph_real *heat = fits ? malloc(h->height * h->width * 3 * sizeof *heat) : NULL;
    ph_status status = to.rgb && heat ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory", path);
    if (status == PH_OK) {
        double white = h->white > 0 ? h->white : 1;
        for (size_t i = 0; i < to.height * to.width * 3; i++)
            to.rgb[i] = 1;
        ph_heat_draw(h, heat);
        put_picture(&to, MARGIN, h, h->original, h->channels, white, factor);
        put_picture(&to, MARGIN + width + GAP, h, h->back, h->channels, white, factor);
        put_picture(&to, MARGIN + 2 * (width + GAP), h, heat, 3, 1, factor);
        put_bar(&to, bar, height, scale, h->most);
        status = ph_grid_save(path, &(ph_grid){ .tiles = to.rgb, .rows = 1, .columns = 1,
                                                .height = to.height, .width = to.width, .channels = 3 });
    }
    free(to.rgb);
    free(heat);
    return status;
}
