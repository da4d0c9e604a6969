/* test_view.c - rows and pictures on their way out: read back and compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pinhole.h>

#include "scratch.h"
#include "view/heat.h"
#include "view/png.h"

static char *read_all(const char *name, size_t *size)
{
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, f);
    bytes[*size] = '\0';
    fclose(f);
    return bytes;
}

static uint8_t *decode(const char *name, struct spng_ihdr *header, int format)
{
    size_t size, pixels;
    char *bytes = read_all(name, &size);
    spng_ctx *png = spng_ctx_new(0);
    spng_set_png_buffer(png, bytes, size);
    assert_int_equal(spng_get_ihdr(png, header), 0);
    assert_int_equal(spng_decoded_image_size(png, format, &pixels), 0);
    uint8_t *out = malloc(pixels);
    assert_int_equal(spng_decode_image(png, out, pixels, format, 0), 0);
    spng_ctx_free(png);
    free(bytes);
    return out;
}

static void grids(void **state)
{
    (void)state;
    enum { H = 2, W = 3 };
    ph_real tiles[6 * H * W];
    for (int t = 0; t < 6; t++)
        for (int i = 0; i < H * W; i++)
            tiles[t * H * W + i] = (ph_real)(t * 10 + i) / 255;
    for (int by_column = 0; by_column < 2; by_column++)
        for (size_t gap = 0; gap < 2; gap++) {
            struct spng_ihdr header;
            assert_int_equal(ph_grid_save(in_folder("g.png"), &(ph_grid){
                .tiles = tiles, .rows = 3, .columns = 2, .height = H, .width = W, .channels = 1,
                .by_column = by_column, .gap = gap }), PH_OK);
            uint8_t *p = decode("g.png", &header, SPNG_FMT_G8);
            assert_int_equal(header.width, 2 * W + gap);
            assert_int_equal(header.height, 3 * H + 2 * gap);
            assert_int_equal(header.color_type, SPNG_COLOR_TYPE_GRAYSCALE);
            for (size_t row = 0; row < 3; row++)
                for (size_t column = 0; column < 2; column++)
                    for (size_t y = 0; y < H; y++)
                        for (size_t x = 0; x < W; x++) {
                            size_t t = by_column ? column * 3 + row : row * 2 + column;
                            size_t at = (row * (H + gap) + y) * header.width + column * (W + gap) + x;
                            assert_int_equal(p[at], t * 10 + y * W + x);
                        }
            free(p);
        }
}

static void shades(void **state)
{
    (void)state;
    struct spng_ihdr header;
    ph_real tile[6] = { -1, 2, (ph_real)NAN, 0.5, 0.2, 1 };
    assert_int_equal(ph_grid_save(in_folder("s.png"), &(ph_grid){
        .tiles = tile, .rows = 1, .columns = 1, .height = 1, .width = 6, .channels = 1 }), PH_OK);
    uint8_t *p = decode("s.png", &header, SPNG_FMT_G8);
    assert_memory_equal(p, ((uint8_t[]){ 0, 255, 0, 128, 51, 255 }), 6);
    free(p);
    assert_int_equal(ph_grid_save(in_folder("c.png"), &(ph_grid){
        .tiles = tile, .rows = 1, .columns = 1, .height = 1, .width = 2, .channels = 3,
        .white = 2 }), PH_OK);
    p = decode("c.png", &header, SPNG_FMT_RGB8);
    assert_int_equal(header.width, 2);
    assert_memory_equal(p, ((uint8_t[]){ 0, 255, 0, 64, 26, 128 }), 6);
    free(p);
    assert_int_equal(ph_grid_save("/nowhere/c.png", &(ph_grid){
        .tiles = tile, .rows = 1, .columns = 1, .height = 1, .width = 2, .channels = 3 }), PH_IO);
}

/* White lines behind every two columns of five. */
static void panels(void **state)
{
    (void)state;
    struct spng_ihdr header;
    const ph_real tile[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
    assert_int_equal(ph_grid_save(in_folder("p.png"), &(ph_grid){
        .tiles = tile, .rows = 2, .columns = 5, .height = 1, .width = 1, .channels = 1, .gap = 1,
        .white = 255, .panel = 2 }), PH_OK);
    uint8_t *p = decode("p.png", &header, SPNG_FMT_G8);
    assert_int_equal(header.width, 5 + 4 + 2 * 2);
    assert_int_equal(header.height, 3);
    static const uint8_t lines[3][13] = {
        { 1, 0, 2, 255, 255, 0, 3, 0, 4, 255, 255, 0, 5 },
        { 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 255, 0, 0 },
        { 6, 0, 7, 255, 255, 0, 8, 0, 9, 255, 255, 0, 10 },
    };
    assert_memory_equal(p, lines, sizeof lines);
    free(p);
}

/* CIE lightness of a colour, by the definition. */
static double lightness(const double rgb[3])
{
    static const double weight[3] = { 0.2126, 0.7152, 0.0722 };
    double y = 0;
    for (int c = 0; c < 3; c++)
        y += weight[c] * (rgb[c] <= 0.04045 ? rgb[c] / 12.92 : pow((rgb[c] + 0.055) / 1.055, 2.4));
    return y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
}

/* Equal steps of error are about equal steps of lightness, down from white. */
static void heat_darkens_evenly(void **state)
{
    (void)state;
    enum { STEPS = 20 };
    double rgb[3], before = 0, last = 0;
    for (int i = 0; i <= STEPS; i++) {
        ph_heat_colour((double)i / STEPS, rgb);
        double here = lightness(rgb);
        if (i == 0)
            assert_true(fabs(here - 100) < 0.01);
        else
            assert_true(before - here > 3 && before - here < 5.5);
        before = last = here;
    }
    assert_true(last > 10 && last < 20);
    double past[3];
    ph_heat_colour(7, past);
    assert_memory_equal(past, rgb, sizeof rgb);
    ph_heat_colour((double)NAN, past);
    assert_memory_equal(past, rgb, sizeof rgb);
    ph_heat_colour(-1, past);
    assert_true(past[0] == 1 && past[1] == 1 && past[2] == 1);
}

static const uint8_t *pixel(const uint8_t *p, const struct spng_ihdr *h, size_t y, size_t x)
{
    return p + (y * h->width + x) * 3;
}

/* A picture of 3 x 5 pixels, each drawn 26 x 26; heat where one of them errs. */
static void heat_of_a_picture(void **state)
{
    (void)state;
    enum { H = 3, W = 5, SCALE = 26, TILE = W * SCALE + 6 };
    struct spng_ihdr header;
    ph_real original[H * W], back[H * W], error[H * W] = { 0 };
    for (int i = 0; i < H * W; i++) {
        original[i] = (ph_real)(i * 10);
        back[i] = (ph_real)(200 - i);
    }
    error[1 * W + 2] = 4; /* the most */
    error[2 * W + 4] = 1;
    ph_heat heat = { .original = original, .back = back, .error = error, .height = H, .width = W,
                     .channels = 1, .white = 255, .most = 4 };
    assert_int_equal(ph_heat_save(in_folder("h.png"), &heat), PH_OK);
    uint8_t *p = decode("h.png", &header, SPNG_FMT_RGB8);
    assert_int_equal(header.height, H * SCALE + 8);
    for (size_t y = 0; y < H * SCALE; y++)
        for (size_t x = 0; x < W * SCALE; x++) {
            size_t i = y / SCALE * W + x / SCALE;
            assert_int_equal(pixel(p, &header, 4 + y, 4 + x)[0], i * 10);
            assert_int_equal(pixel(p, &header, 4 + y, 4 + TILE + x)[2], 200 - i);
            double rgb[3], gray = 0.78 + 0.22 * (double)(i * 10) / 255;
            ph_heat_colour(i == 7 ? 1 : i == 14 ? 0.25 : 0, rgb);
            for (int c = 0; c < 3; c++)
                assert_true(fabs(pixel(p, &header, 4 + y, 4 + 2 * TILE + x)[c] - 255 * gray * rgb[c]) <= 0.51);
        }
    /* The bar: darkest at its top, white at its bottom, and the first letter beside the top is a 4. */
    size_t bar = 4 + 3 * TILE;
    assert_true(pixel(p, &header, 5, bar + 5)[1] < 20);
    assert_true(pixel(p, &header, 4 + H * SCALE - 2, bar + 5)[1] > 245);
    static const char *const four[7] = { "...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#." };
    for (size_t y = 0; y < 7; y++)
        for (size_t x = 0; x < 5; x++)
            assert_int_equal(pixel(p, &header, 4 + y, bar + 15 + x)[0], four[y][x] == '#' ? 0 : 255);
    free(p);
    heat.channels = 2;
    assert_int_equal(ph_heat_save(in_folder("h.png"), &heat), PH_USAGE);
}

/* Large pictures keep their size, colours theirs; an error of 0 everywhere leaves a light gray picture;
 * a picture lower than the bar's letters has room for them. */
static void heat_of_colours(void **state)
{
    (void)state;
    enum { H = 2, W = 300 };
    struct spng_ihdr header;
    ph_real *x = calloc(H * W * 4, sizeof *x);
    for (size_t i = 0; i < H * W; i++)
        x[i * 3] = 1;
    assert_int_equal(ph_heat_save(in_folder("h.png"), &(ph_heat){
        .original = x, .back = x, .error = x + 3 * H * W, .height = H, .width = W, .channels = 3 }), PH_OK);
    uint8_t *p = decode("h.png", &header, SPNG_FMT_RGB8);
    assert_int_equal(header.height, 48);
    assert_memory_equal(pixel(p, &header, 4, 4 + W - 1), ((uint8_t[]){ 255, 0, 0 }), 3);
    uint8_t gray = (uint8_t)(255 * (0.78 + 0.22 * 0.299) + 0.5);
    assert_memory_equal(pixel(p, &header, 5, 4 + 2 * (W + 6)), ((uint8_t[]){ gray, gray, gray }), 3);
    free(p);
    free(x);
}

/* Cells of at most 16 x 16 pixels, each column from its smallest to its largest; a constant one is gray,
 * a missing value black; two rows side by side are a cell apart. */
static void tables(void **state)
{
    (void)state;
    enum { CELL = 16 };
    const ph_real rows[4][3] = { { -1, 5, 7 }, { 1, (ph_real)NAN, 7 }, { 3, 10, 7 }, { 0, 0, 7 } };
    static const uint8_t shade[4][3] = { { 0, 128, 128 }, { 128, 0, 128 }, { 255, 255, 128 },
                                         { 64, 0, 128 } };
    for (size_t across = 1; across < 3; across++) {
        struct spng_ihdr header;
        ph_writer *w = ph_writer_open(in_folder("t.png"), &(ph_writer_desc){ .width = 3,
                                                                              .columns = across });
        assert_int_equal(ph_writer_rows(w, rows[0], 4), PH_OK);
        assert_int_equal(ph_writer_close(w), PH_OK);
        uint8_t *p = decode("t.png", &header, SPNG_FMT_G8);
        assert_int_equal(header.width, (across * 3 + across - 1) * CELL);
        assert_int_equal(header.height, 4 / across * CELL);
        for (size_t r = 0; r < 4; r++)
            for (size_t c = 0; c < 3; c++)
                for (size_t corner = 0; corner < 4; corner++) {
                    size_t y = r / across * CELL + corner / 2 * (CELL - 1);
                    size_t x = (r % across * 4 + c) * CELL + corner % 2 * (CELL - 1);
                    assert_int_equal(p[y * header.width + x], shade[r][c]);
                }
        free(p);
    }
}

static void encoded_as_saved(void **state)
{
    (void)state;
    ph_real tile[6] = { 0, 0.25, 0.5, 0.75, 1, 0 };
    ph_grid grid = { .tiles = tile, .rows = 1, .columns = 2, .height = 1, .width = 1, .channels = 3 };
    assert_int_equal(ph_grid_save(in_folder("e.png"), &grid), PH_OK);
    size_t saved, size = 0;
    char *file = read_all("e.png", &saved);
    uint8_t *bytes = ph_grid_encode("e", &grid, &size);
    assert_non_null(bytes);
    assert_int_equal(size, saved);
    assert_memory_equal(bytes, file, size);
    free(bytes);
    free(file);
    grid.channels = 2;
    assert_null(ph_grid_encode("a grid", &grid, &size));
    assert_non_null(strstr(ph_message(), "a grid"));
}

static void rows_come_back(void **state)
{
    (void)state;
    ph_real x[12], back[12];
    for (int i = 0; i < 12; i++)
        x[i] = (ph_real)sin(i * 1.7) * (ph_real)pow(10, i - 6);
    ph_writer *w = ph_writer_open(in_folder("a.npy"), &(ph_writer_desc){ .width = 4, .rank = 2,
                                                                          .shape = { 2, 2 } });
    assert_non_null(w);
    assert_int_equal(ph_writer_rows(w, x, 1), PH_OK);
    assert_int_equal(access(in_folder("a.npy"), F_OK), -1); /* not there before it is whole */
    assert_int_equal(ph_writer_rows(w, x + 4, 2), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    ph_data *d = ph_data_open(in_folder("a.npy"), NULL);
    assert_non_null(d);
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, 3);
    assert_int_equal(info.rank, 2);
    assert_int_equal(ph_data_read(d, (size_t[]){ 0, 1, 2 }, 3, back), PH_OK);
    assert_memory_equal(x, back, sizeof x);
    ph_data_close(d);

    w = ph_writer_open(in_folder("a.csv"), &(ph_writer_desc){ .width = 4 });
    assert_int_equal(ph_writer_rows(w, x, 3), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    size_t size;
    char *text = read_all("a.csv", &size), *at = text;
    for (int i = 0; i < 12; i++, at++) {
        assert_true((ph_real)strtod(at, &at) == x[i]);
        assert_int_equal(*at, i % 4 == 3 ? '\n' : ',');
    }
    assert_int_equal(*at, '\0');
    free(text);
}

/* Seven rows of 2x3 with names, classes and values of all sizes. */
static ph_data *source_of_rows(ph_real x[7 * 6])
{
    FILE *f = fopen(in_folder("source.csv"), "w");
    static const char *const names[] = { "plain", "\"with, comma\"", "\"a \"\"quote\"\"\"", "\"two\nlines\"",
                                         "\" blank \"", "\"\"", "q 7" };
    fputs("\"the; id\",\"first \"\"x\"\"\",\"b,c\",c,class\n", f);
    for (int r = 0; r < 7; r++)
        fprintf(f, "%s,%d,2,3,%s\n", names[r], r, r % 3 ? "one" : "other");
    fclose(f);
    for (int i = 0; i < 42; i++)
        x[i] = (ph_real)(sin(i * 1.7) * pow(10, i - 20));
    ph_data *d = ph_data_open(in_folder("source.csv"), &(ph_data_desc){ .label_column = "class" });
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

static void arrays_come_back(void **state)
{
    (void)state;
    ph_real x[42], back[42];
    ph_data *source = source_of_rows(x);
    static const char *const names[] = { "a.npz", "a.safetensors", "a.npy", "b.npz" };
    for (int n = 0; n < 4; n++)
        for (int labelled = 0; labelled < 2; labelled++) {
            ph_writer *w = ph_writer_open(in_folder(names[n]), &(ph_writer_desc){
                .width = 6, .rank = 2, .shape = { 2, 3 }, .source = labelled ? source : NULL });
            assert_non_null(w);
            assert_int_equal(ph_writer_rows(w, x, 0), PH_OK);
            assert_int_equal(ph_writer_rows(w, x, 3), PH_OK);
            assert_int_equal(ph_writer_rows(w, x + 18, 4), PH_OK);
            assert_int_equal(ph_writer_close(w), PH_OK);
            ph_data *d = ph_data_open(in_folder(names[n]), NULL);
            if (d == NULL)
                fail_msg("%s", ph_message());
            ph_data_info info;
            ph_data_describe(d, &info);
            assert_int_equal(info.rows, 7);
            assert_int_equal(info.rank, 2);
            assert_int_equal(info.shape[1], 3);
            assert_string_equal(info.element, sizeof(ph_real) == 8 ? "f8" : "f4");
            assert_int_equal(ph_data_read(d, (size_t[]){ 0, 1, 2, 3, 4, 5, 6 }, 7, back), PH_OK);
            assert_memory_equal(x, back, sizeof x);
            assert_int_equal(ph_data_labels(d) != NULL, labelled && n != 2);
            for (int r = 0; r < 7 && ph_data_labels(d); r++)
                assert_int_equal(ph_data_labels(d)[r], r % 3 ? 0 : 1);
            ph_data_close(d);
        }
    /* The same rows are the same bytes. */
    size_t one, other;
    char *a = read_all("a.npz", &one), *b = read_all("b.npz", &other);
    assert_int_equal(one, other);
    assert_memory_equal(a, b, one);
    free(a);
    free(b);
    ph_data_close(source);
}

static const char *name_of(const void *user, size_t column)
{
    static const char *const names[] = { "z1", "z,2", "z \"3\"", " z4", "", "z6" };
    assert_null(user);
    return names[column];
}

static void tables_come_back(void **state)
{
    (void)state;
    ph_real x[42], row[6];
    ph_data *source = source_of_rows(x), *part = ph_data_slice(source, 2, 3);
    x[3] = (ph_real)NAN;
    ph_writer *w = ph_writer_open(in_folder("t.csv"), &(ph_writer_desc){
        .width = 6, .source = source, .column = name_of });
    assert_int_equal(ph_writer_rows(w, x, 0), PH_OK);
    for (int r = 0; r < 7; r++)
        assert_int_equal(ph_writer_rows(w, x + 6 * r, 1), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    ph_data *d = ph_data_open(in_folder("t.csv"), NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, 7);
    assert_int_equal(info.width, 6);
    assert_string_equal(info.id_column, "the; id");
    for (size_t r = 0; r < 7; r++) {
        assert_string_equal(ph_data_id(d, r), ph_data_id(source, r));
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (size_t c = 0; c < 6; c++) {
            assert_true(row[c] == x[6 * r + c] || (r == 0 && c == 3 && isnan(row[c])));
            assert_string_equal(ph_data_column(d, c), name_of(NULL, c));
        }
    }
    ph_data_close(d);
    w = ph_writer_open(in_folder("t.csv"), &(ph_writer_desc){ .width = 1, .source = part });
    assert_int_equal(ph_writer_rows(w, (ph_real[]){ 1, 0.5, -2 }, 3), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    size_t size;
    char *text = read_all("t.csv", &size);
    assert_string_equal(text, "\"a \"\"quote\"\"\",1\n\"two\nlines\",0.5\n\" blank \",-2\n");
    free(text);
    ph_data_close(part);
    ph_data_close(source);
}

/* Whole numbers keep their type, an odd count of them too; others are refused. */
static void whole_numbers_come_back(void **state)
{
    (void)state;
    static const struct { const char *name, *element; ph_real most; } cases[] = {
        { "w.npy", "u2", 65535 }, { "w.npz", "u2", 65535 }, { "w.safetensors", "u2", 65535 },
        { "w.npy", "u4", 16777216 }, { "w.safetensors", "u4", 16777216 },
    };
    ph_real x[9] = { 0, 1, 255, 256, 65534, 7, 8, 9, 0 }, back[9];
    uint32_t labels[3] = { 1, 0, 2 };
    ph_data *source = ph_data_from_memory(x, 3, 3, labels);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ph_data_info info;
        x[8] = cases[i].most;
        ph_writer *w = ph_writer_open(in_folder(cases[i].name), &(ph_writer_desc){
            .width = 3, .source = source, .element = cases[i].element });
        assert_non_null(w);
        assert_int_equal(ph_writer_rows(w, x, 3), PH_OK);
        assert_int_equal(ph_writer_close(w), PH_OK);
        ph_data *d = ph_data_open(in_folder(cases[i].name), NULL);
        if (d == NULL)
            fail_msg("%s", ph_message());
        ph_data_describe(d, &info);
        assert_string_equal(info.element, cases[i].element);
        assert_int_equal(ph_data_read(d, (size_t[]){ 0, 1, 2 }, 3, back), PH_OK);
        assert_memory_equal(x, back, sizeof x);
        if (i % 3)
            assert_memory_equal(ph_data_labels(d), labels, sizeof labels);
        ph_data_close(d);
    }
    const ph_real wrong[] = { 65536, -1, (ph_real)0.5, (ph_real)NAN };
    for (size_t i = 0; i < 4; i++) {
        ph_writer *w = ph_writer_open(in_folder("w.npy"),
                                      &(ph_writer_desc){ .width = 1, .element = "u2" });
        assert_int_equal(ph_writer_rows(w, &wrong[i], 1), PH_USAGE);
        ph_writer_discard(w);
    }
    assert_null(ph_writer_open(in_folder("w.npy"), &(ph_writer_desc){ .width = 1, .element = "i3" }));
    assert_int_equal(ph_last_status(), PH_USAGE);
    ph_data_close(source);
}

static void failures(void **state)
{
    (void)state;
    ph_real x[4] = { 1, 2, 3, 4 };
    assert_null(ph_writer_open(in_folder("a.txt"), &(ph_writer_desc){ .width = 4 }));
    assert_int_equal(ph_last_status(), PH_USAGE);
    assert_null(ph_writer_open("/nowhere/a.npy", &(ph_writer_desc){ .width = 4 }));
    assert_int_equal(ph_last_status(), PH_IO);
    static const char *const nowhere[] = { "/nowhere/a.npz", "/nowhere/a.safetensors", "/nowhere/a.csv" };
    for (int i = 0; i < 3; i++) {
        assert_null(ph_writer_open(nowhere[i], &(ph_writer_desc){ .width = 4 }));
        assert_int_equal(ph_last_status(), PH_IO);
        assert_non_null(strstr(ph_message(), nowhere[i]));
    }
    assert_null(ph_writer_open("-", &(ph_writer_desc){ .width = 4, .format = "npz" }));
    assert_int_equal(ph_last_status(), PH_USAGE);
    ph_writer *w = ph_writer_open("/dev/full", &(ph_writer_desc){ .width = 4, .format = "csv" });
    assert_non_null(w);
    assert_int_equal(ph_writer_rows(w, x, 1), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_IO);
    assert_non_null(strstr(ph_message(), "/dev/full"));
    w = ph_writer_open("/dev/full", &(ph_writer_desc){ .width = 4, .format = "safetensors" });
    assert_int_equal(ph_writer_rows(w, x, 1), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_IO);
    w = ph_writer_open(in_folder("gone.npz"), &(ph_writer_desc){ .width = 4 });
    assert_int_equal(ph_writer_rows(w, x, 1), PH_OK);
    ph_writer_discard(w);
    assert_int_equal(access(in_folder("gone.npz"), F_OK), -1);
    /* A discarded file leaves the old one and nothing beside it. */
    w = ph_writer_open(in_folder("old.csv"), &(ph_writer_desc){ .width = 4 });
    ph_writer_rows(w, x, 1);
    assert_int_equal(ph_writer_close(w), PH_OK);
    w = ph_writer_open(in_folder("old.csv"), &(ph_writer_desc){ .width = 4 });
    ph_writer_rows(w, x + 1, 0);
    ph_writer_discard(w);
    size_t size;
    char *text = read_all("old.csv", &size);
    assert_string_equal(text, "1,2,3,4\n");
    free(text);
    char command[300];
    snprintf(command, sizeof command, "test $(ls -A %s | grep -c XXX\\|old.csv.) = 0", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(grids), cmocka_unit_test(shades),
                                        cmocka_unit_test(heat_darkens_evenly), cmocka_unit_test(heat_of_a_picture),
        cmocka_unit_test(heat_of_colours), cmocka_unit_test(panels),
                                        cmocka_unit_test(tables), cmocka_unit_test(encoded_as_saved),
                                        cmocka_unit_test(rows_come_back),
                                        cmocka_unit_test(arrays_come_back),
                                        cmocka_unit_test(whole_numbers_come_back),
                                        cmocka_unit_test(tables_come_back),
                                        cmocka_unit_test(failures) };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
