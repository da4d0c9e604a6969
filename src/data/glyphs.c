/* glyphs.c - the built-in set: drawn digits, 28 x 28 bytes, for demonstrations and tests without any
 * download.
 *
 * A digit is a few strokes, each a chain of points on a unit square. A row bends them by its own
 * slant, rotation, scale, shift and wobble, and paints every pixel by its distance to the nearest
 * stroke. All draws are functions of seed, row and number (Philox), so a row never changes.
 */
#include "base/philox.h"
#include "data/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 28, TRAIN = 10000, TEST = 2000, POINTS = 40 };

/* Strokes as points (x right, y down) of a box of 0 to 100; -1 lifts the pen, -2 ends. */
static const int8_t digit[10][2 * POINTS] = {
    { 50,8, 33,13, 24,30, 22,50, 25,70, 35,87, 50,92, 66,87, 76,70, 78,50, 75,30, 66,13, 50,8, -2 },
    { 34,26, 46,18, 54,8, 54,92, -2 },
    { 24,28, 30,14, 46,8, 64,11, 74,24, 72,40, 60,56, 42,72, 24,91, 78,91, -2 },
    { 25,18, 38,9, 55,8, 70,16, 72,30, 63,43, 46,48, -1, 46,48, 66,53, 77,67, 73,83, 57,92, 38,92, 23,82, -2 },
    { 62,92, 62,8, 20,64, 82,64, -2 },
    { 73,9, 33,9, 28,46, 45,40, 62,43, 75,56, 75,74, 64,88, 46,92, 24,84, -2 },
    { 68,11, 50,16, 34,34, 25,56, 27,77, 40,91, 58,91, 72,80, 74,63, 64,50, 47,48, 32,57, 26,68, -2 },
    { 22,9, 78,9, 62,38, 50,64, 42,92, -2 },
    { 50,48, 33,40, 27,26, 36,12, 50,8, 64,12, 73,26, 67,40, 50,48, 32,58, 23,73, 32,88, 50,92, 68,88, 77,73, 68,58, 50,48, -2 },
    { 72,36, 62,48, 46,50, 32,42, 28,27, 37,13, 53,8, 68,15, 74,32, 72,56, 62,78, 44,92, -2 },
};

typedef struct hand {
    double xx, xy, yx, yy, dx, dy; /* from the box to pixels */
    double width, ink, wobble;
    uint32_t key[2], row;
} hand;

/* Number i of this row's draws, in (-1, 1), roughly bell-shaped. */
static double draw(const hand *h, uint32_t i)
{
    uint32_t counter[4] = { i, h->row, 0x474c5950, 0 }, word[4];
    ph_philox(word, counter, h->key);
    double sum = 0;
    for (int k = 0; k < 4; k++)
        sum += (word[k] + 0.5) / 4294967296.0;
    return (sum - 2) / 2;
}

static void take_up(hand *h)
{
    double slant = 0.35 * draw(h, 0), turn = 0.22 * draw(h, 1);
    double wide = 0.17 * (1 + 0.30 * draw(h, 2)), tall = 0.20 * (1 + 0.20 * draw(h, 3));
    double c = cos(turn), s = sin(turn);
    /* Columns of rotation x slant x scale. */
    h->xx = c * wide;
    h->yx = s * wide;
    h->xy = (-s - slant * c) * tall;
    h->yy = (c - slant * s) * tall;
    h->dx = SIDE / 2.0 + 2.2 * draw(h, 4);
    h->dy = SIDE / 2.0 + 2.0 * draw(h, 5);
    h->width = 1.25 + 0.75 * draw(h, 6);
    h->ink = 235 + 40 * draw(h, 7);
    h->wobble = 4.5;
}

/* Lightens the pixels around the segment a-b by their distance to it. */
static void segment(const hand *h, const double a[2], const double b[2], double *near)
{
    double reach = h->width + 1.5;
    int x0 = (int)fmax(0, fmin(a[0], b[0]) - reach), x1 = (int)fmin(SIDE - 1, fmax(a[0], b[0]) + reach);
    int y0 = (int)fmax(0, fmin(a[1], b[1]) - reach), y1 = (int)fmin(SIDE - 1, fmax(a[1], b[1]) + reach);
    double ex = b[0] - a[0], ey = b[1] - a[1], length = ex * ex + ey * ey + 1e-9;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            double px = x + 0.5 - a[0], py = y + 0.5 - a[1];
            double t = (px * ex + py * ey) / length;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            double qx = px - t * ex, qy = py - t * ey, d = sqrt(qx * qx + qy * qy);
            if (d < near[y * SIDE + x])
                near[y * SIDE + x] = d;
        }
}

static void paint(const hand *h, const int8_t *points, uint8_t *pixel)
{
    double near[SIDE * SIDE], last[2] = { 0, 0 };
    bool down = false;
    uint32_t number = 16;
    for (int i = 0; i < SIDE * SIDE; i++)
        near[i] = 99;
    for (; *points != -2; number += 2) {
        if (*points == -1) {
            down = false;
            points++;
            continue;
        }
        double x = points[0] - 50 + h->wobble * draw(h, number);
        double y = points[1] - 50 + h->wobble * draw(h, number + 1);
        double at[2] = { h->dx + h->xx * x + h->xy * y, h->dy + h->yx * x + h->yy * y };
        if (down)
            segment(h, last, at, near);
        memcpy(last, at, sizeof last);
        down = true;
        points += 2;
    }
    for (uint32_t i = 0; i < SIDE * SIDE; i++) {
        double cover = h->width + 0.5 - near[i];
        cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
        uint32_t counter[4] = { i / 4, h->row, 0x4e4f4953, 0 }, word[4];
        ph_philox(word, counter, h->key);
        double noise = 10.0 * ((word[i % 4] + 0.5) / 4294967296.0 - 0.5);
        double value = cover * h->ink + (cover > 0 ? noise : 0);
        pixel[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
    }
}

ph_data *ph_glyphs_open(const char *part, uint64_t seed)
{
    bool test = strcmp(part, "test") == 0, all = strcmp(part, "all") == 0;
    size_t first = test ? TRAIN : 0, rows = test ? TEST : all ? TRAIN + TEST : TRAIN;
    ph_data *d = ph_data_make("glyphs", "built-in");
    if (d == NULL)
        return NULL;
    uint8_t row[SIDE * SIDE];
    uint32_t *labels = malloc(rows * sizeof *labels);
    ph_status status = labels ? PH_OK : ph_fail(PH_MEMORY, "glyphs: out of memory");
    d->has_test = true;
    d->rank = 2;
    d->shape[0] = d->shape[1] = SIDE;
    if (status == PH_OK)
        status = ph_data_begin(d, SIZE_MAX);
    for (size_t r = 0; r < rows && status == PH_OK; r++) {
        uint32_t number = (uint32_t)(first + r);
        hand h = { .key = { (uint32_t)seed, (uint32_t)(seed >> 32) }, .row = number };
        /* Ten rows hold each digit once, in an order that changes from ten to ten. */
        labels[r] = (number % 10 * 7 + number / 10 * 3 + number / 100) % 10;
        take_up(&h);
        paint(&h, digit[labels[r]], row);
        status = ph_data_append(d, row, 1);
    }
    if (status == PH_OK) {
        ph_data_take_labels(d, labels);
        return d;
    }
    free(labels);
    ph_data_close(d);
    return NULL;
}
