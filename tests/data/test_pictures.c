/* test_pictures.c - pictures brought to a size, and folders of them as data: layouts, parts, classes,
 * order; and the real sets where they are found. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/philox.h"
#include "data/data.h"
#include "data/picture.h"
#include "scratch.h"

/* ---- A picture's size --------------------------------------------------------------------------- */

static uint8_t pixels[100 * 100 * 3];

static ph_picture noise(size_t width, size_t height, size_t channels)
{
    for (size_t i = 0; i < width * height * channels; i++) {
        uint32_t out[4];
        ph_philox(out, (uint32_t[4]){ (uint32_t)i }, (uint32_t[2]){ 5, 6 });
        pixels[i] = (uint8_t)out[0];
    }
    return (ph_picture){ .width = width, .height = height, .channels = channels, .bits = 8,
                         .pixels = pixels };
}

/* The weight of input pixel i in output pixel o: a triangle as wide as the larger of the two, its
 * share beyond the edges given to the pixels there. */
static double weight(size_t i, size_t o, size_t in, size_t out)
{
    double scale = (double)out / (double)in, wide = scale < 1 ? 1 / scale : 1, sum = 0, own = 0;
    double centre = ((double)o + 0.5) / scale;
    for (long k = -2 * (long)in; k < 3 * (long)in; k++) {
        double t = 1 - fabs((double)k + 0.5 - centre) / wide;
        long at = k < 0 ? 0 : k >= (long)in ? (long)in - 1 : k;
        sum += t > 0 ? t : 0;
        own += t > 0 && at == (long)i ? t : 0;
    }
    return own / sum;
}

static void resized_as_the_reference(void **state)
{
    (void)state;
    static const size_t sizes[][4] = { { 31, 20, 7, 9 }, { 8, 8, 4, 4 }, { 5, 4, 12, 11 },
                                       { 30, 6, 11, 17 }, { 1, 3, 4, 1 } };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t in_width = sizes[s][0], in_height = sizes[s][1], width = sizes[s][2], height = sizes[s][3];
        ph_picture p = noise(in_width, in_height, 3);
        uint8_t out[12 * 17 * 3];
        assert_int_equal(ph_picture_fit(&p, "stretch", width, height, 3, 8, out), PH_OK);
        for (size_t i = 0; i < width * height * 3; i++) {
            double sum = 0;
            for (size_t k = 0; k < in_width * in_height; k++)
                sum += weight(k % in_width, i / 3 % width, in_width, width) *
                       weight(k / in_width, i / 3 / width, in_height, height) * pixels[3 * k + i % 3];
            if (fabs(sum - out[i]) > 1)
                fail_msg("%zu: number %zu is %d, not %.2f", s, i, out[i], sum);
        }
    }
}

static void constant_stays_constant(void **state)
{
    (void)state;
    static const char *const fits[] = { "crop", "pad", "stretch" };
    static uint16_t words[70 * 50], out[64 * 64];
    for (int value = 0; value < 65536; value += 771)
        for (int f = 0; f < 3; f++) {
            for (size_t i = 0; i < 70 * 50; i++)
                words[i] = (uint16_t)value;
            ph_picture p = { .width = 70, .height = 50, .channels = 1, .bits = 16,
                             .pixels = (uint8_t *)words };
            size_t side = value % 2 ? 64 : 13, top = f == 1 ? (side - side * 50 / 70) / 2 : 0;
            assert_int_equal(ph_picture_fit(&p, fits[f], side, side, 1, 16, out), PH_OK);
            for (size_t i = 0; i < side * side; i++) {
                bool border = f == 1 && (i / side < top || i / side >= side - top);
                bool unsure = f == 1 && (i / side == top || i / side + top + 1 == side);
                if (!unsure)
                    assert_int_equal(out[i], border ? 0 : value);
            }
        }
}

static void crop_pad_and_copy(void **state)
{
    (void)state;
    const uint8_t row[6] = { 1, 2, 3, 4, 5, 6 };
    ph_picture p = { .width = 6, .height = 1, .channels = 1, .bits = 8, .pixels = (uint8_t *)row };
    uint8_t out[64];
    assert_int_equal(ph_picture_fit(&p, "crop", 2, 1, 1, 8, out), PH_OK);
    assert_memory_equal(out, ((uint8_t[]){ 3, 4 }), 2);
    assert_int_equal(ph_picture_fit(&p, "pad", 6, 4, 1, 8, out), PH_OK);
    assert_memory_equal(out, ((uint8_t[24]){ [6] = 1, 2, 3, 4, 5, 6 }), 24);
    p = (ph_picture){ .width = 1, .height = 6, .channels = 1, .bits = 8, .pixels = (uint8_t *)row };
    assert_int_equal(ph_picture_fit(&p, "crop", 1, 3, 1, 8, out), PH_OK);
    assert_memory_equal(out, ((uint8_t[]){ 2, 3, 4 }), 3);
    assert_int_equal(ph_picture_fit(&p, "pad", 3, 6, 1, 8, out), PH_OK);
    for (size_t i = 0; i < 18; i++)
        assert_int_equal(out[i], i % 3 == 1 ? row[i / 3] : 0);
    p = noise(20, 30, 3);
    uint8_t same[20 * 30 * 3];
    assert_int_equal(ph_picture_fit(&p, "crop", 20, 30, 3, 8, same), PH_OK);
    assert_memory_equal(same, pixels, sizeof same);
}

static void channels_and_bits(void **state)
{
    (void)state;
    const uint8_t rgb[] = { 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255 };
    ph_picture p = { .width = 4, .height = 1, .channels = 3, .bits = 8, .pixels = (uint8_t *)rgb };
    uint8_t bytes[12];
    uint16_t words[12];
    assert_int_equal(ph_picture_fit(&p, "crop", 4, 1, 1, 8, bytes), PH_OK);
    assert_memory_equal(bytes, ((uint8_t[]){ 76, 150, 29, 255 }), 4);
    assert_int_equal(ph_picture_fit(&p, "crop", 4, 1, 3, 16, words), PH_OK);
    for (int i = 0; i < 12; i++)
        assert_int_equal(words[i], rgb[i] * 257);
    const uint16_t gray[] = { 0, 128, 129, 65535 };
    p = (ph_picture){ .width = 4, .height = 1, .channels = 1, .bits = 16, .pixels = (uint8_t *)gray };
    assert_int_equal(ph_picture_fit(&p, "crop", 4, 1, 3, 8, bytes), PH_OK);
    assert_memory_equal(bytes, ((uint8_t[]){ 0, 0, 0, 0, 0, 0, 1, 1, 1, 255, 255, 255 }), 12);
}

/* A line of pixels and a line across it: the sizes at which rounding could end with none. */
static void extreme_sizes(void **state)
{
    (void)state;
    uint8_t *line = malloc(65535), *out = malloc(65535 * 3);
    memset(line, 7, 65535);
    static const char *const fits[] = { "crop", "pad", "stretch" };
    for (int f = 0; f < 3; f++)
        for (int turned = 0; turned < 2; turned++) {
            ph_picture p = { .width = turned ? 1 : 65535, .height = turned ? 65535 : 1, .channels = 1,
                             .bits = 8, .pixels = line };
            ph_status status = ph_picture_fit(&p, fits[f], p.height, p.width, 3, 8, out);
            assert_int_equal(status, turned && f == 2 ? PH_DATA : PH_OK);
            assert_int_equal(out[65535 / 2 * 3], 7);
            assert_int_equal(ph_picture_fit(&p, fits[f], 1, 1, 1, 8, out), PH_OK);
            assert_int_equal(out[0], 7);
        }
    free(line);
    free(out);
}

/* ---- Folders ------------------------------------------------------------------------------------ */

/* A file of one gray pixel's value, or of any text, with the folders that it needs. */
static void put_text(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s", in_folder(name));
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0777);
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_pixel(const char *name, int value)
{
    char text[64];
    snprintf(text, sizeof text, "P2 1 1 255 %d", value);
    put_text(name, text);
}

static ph_data *open_folder(const char *name, const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

static void refuse(const char *name, const ph_data_desc *desc, ph_status status, const char *says)
{
    assert_null(ph_data_open(in_folder(name), desc));
    if (ph_last_status() != status || strstr(ph_message(), says) == NULL || strchr(ph_message(), '\n'))
        fail_msg("'%s' (%d) does not say '%s'", ph_message(), (int)ph_last_status(), says);
}

/* Rows of one pixel with these values and labels; labels NULL: there are none. */
static void expect_rows(const char *name, const char *part, size_t rows, const uint8_t *values,
                        const char *labels, size_t classes, bool has_test)
{
    ph_data *d = open_folder(name, &(ph_data_desc){ .part = part });
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, rows);
    assert_int_equal(info.classes, classes);
    assert_true(info.has_test == has_test);
    assert_string_equal(info.format, "pictures");
    assert_memory_equal(d->store.memory, values, rows);
    assert_true((labels == NULL) == (ph_data_labels(d) == NULL));
    for (size_t i = 0; labels && i < rows; i++)
        assert_int_equal(ph_data_labels(d)[i], labels[i] - '0');
    ph_data_close(d);
}

static void layouts(void **state)
{
    (void)state;
    put_pixel("flat/b.pgm", 2);
    put_pixel("flat/a.PGM", 1);
    put_pixel("flat/B.pgm", 0);
    put_text("flat/.hidden.pgm", "no picture");
    put_text("flat/.folder/a.pgm", "no picture");
    put_text("flat/notes.txt", "no picture");
    put_text("flat/texts/notes.txt", "no picture");
    expect_rows("flat", "train", 3, (uint8_t[]){ 0, 1, 2 }, NULL, 0, false);
    expect_rows("flat", "test", 3, (uint8_t[]){ 0, 1, 2 }, NULL, 0, false);
    refuse("flat:train", NULL, PH_USAGE, "no part train");
    put_pixel("deep/x/y/ant/2.pgm", 2);
    put_pixel("deep/x/y/ant/1/9.pgm", 1);
    put_pixel("deep/x/y/ant-lion/1.pgm", 3);
    put_pixel("deep/x/y/bee/1.pgm", 4);
    expect_rows("deep", NULL, 4, (uint8_t[]){ 1, 2, 3, 4 }, "0012", 3, false);
    put_pixel("one/a/b/only.pgm", 9);
    expect_rows("one", NULL, 1, (uint8_t[]){ 9 }, NULL, 0, false);
    put_pixel("deep/x/y/stray.pgm", 5);
    refuse("deep", NULL, PH_DATA, "x/y/stray.pgm lies beside folders of pictures, as that of x/y/ant/1/9");
    put_text("tables/b/c.csv", "1\n");
    put_text("tables/a.npz", "1\n");
    put_text("tables/d.npy", "1\n");
    put_text("tables/e.npy", "1\n");
    refuse("tables", NULL, PH_USAGE, "a folder without pictures, sounds, IDX or CIFAR files; it has files that "
                                     "may be opened: a.npz, b/c.csv, d.npy, ...");
    put_text("empty/a.txt", "1\n");
    refuse("empty", NULL, PH_USAGE, "a folder without pictures, sounds, IDX or CIFAR files");
    assert_int_equal(symlink(".", in_folder("flat/loop")), 0);
    expect_rows("flat", NULL, 3, (uint8_t[]){ 0, 1, 2 }, NULL, 0, false);
}

static void parts(void **state)
{
    (void)state;
    put_pixel("parts/in/test/bee/1.pgm", 5);
    put_pixel("parts/in/test/cat/1.pgm", 6);
    put_pixel("parts/in/train/ant/1.pgm", 1);
    put_pixel("parts/in/train/cat/1.pgm", 2);
    put_pixel("parts/in/train/cat/2.pgm", 3);
    put_pixel("parts/in/other/1.pgm", 99);
    put_pixel("parts/in/stray.pgm", 99);
    expect_rows("parts", "train", 3, (uint8_t[]){ 1, 2, 3 }, "022", 3, true);
    expect_rows("parts", "test", 2, (uint8_t[]){ 5, 6 }, "12", 3, true);
    expect_rows("parts", "all", 5, (uint8_t[]){ 1, 2, 3, 5, 6 }, "02212", 3, true);
    expect_rows("parts:test", "train", 2, (uint8_t[]){ 5, 6 }, "12", 3, true);
    expect_rows("parts/in/train", NULL, 3, (uint8_t[]){ 1, 2, 3 }, "011", 2, false);
    put_pixel("plain/train/1.pgm", 1);
    put_pixel("plain/test/1.pgm", 2);
    expect_rows("plain", NULL, 2, (uint8_t[]){ 1, 2 }, NULL, 0, true);
    put_text("plain/test/2.ppm", "P3 1 1 255 1 2 3");
    ph_data *d = open_folder("plain", &(ph_data_desc){ .part = "train" });
    assert_int_equal(d->width, 3); /* The other part decides, too. */
    ph_data_close(d);
}

static void shapes(void **state)
{
    (void)state;
    ph_data_info info;
    real row[24];
    put_text("sizes/a.pgm", "P2 2 1 255 10 20");
    put_text("sizes/b.pgm", "P2 1 2 65535 10 65535");
    refuse("sizes", NULL, PH_USAGE, "different sizes: a.pgm is 2x1, b.pgm is 1x2; bring them to one with "
                                    "--size WxH");
    ph_data *d = open_folder("sizes", &(ph_data_desc){ .size = "2x4", .fit = "pad" });
    ph_data_describe(d, &info);
    assert_true(info.rank == 2 && info.shape[0] == 4 && info.shape[1] == 2 && info.width == 8);
    assert_string_equal(info.element, "u2");
    assert_int_equal(ph_data_read(d, (size_t[]){ 0, 1 }, 2, row), PH_OK);
    assert_true(row[0] == 0 && (double)row[2] == 10 * 257 && (double)row[3] == 20 * 257);
    assert_true((double)row[8] == 10 && (double)row[15] == 65535);
    ph_data_close(d);
    d = open_folder("sizes", &(ph_data_desc){ .size = "1x1", .channels = "rgb" });
    ph_data_describe(d, &info);
    assert_true(info.rank == 3 && info.shape[0] == 1 && info.shape[1] == 1 && info.shape[2] == 3);
    ph_data_close(d);
    put_text("colour/a.pgm", "P2 1 1 255 7");
    put_text("colour/b.ppm", "P3 1 1 255 255 0 0");
    d = open_folder("colour", NULL);
    assert_int_equal(d->rank, 3);
    assert_memory_equal(d->store.memory, ((uint8_t[]){ 7, 7, 7, 255, 0, 0 }), 6);
    ph_data_close(d);
    d = open_folder("colour", &(ph_data_desc){ .channels = "gray" });
    assert_int_equal(d->rank, 2);
    assert_memory_equal(d->store.memory, ((uint8_t[]){ 7, 76 }), 2);
    ph_data_close(d);
    static const char *const bad[] = { "", "12", "x", "12x", "x12", "12x12x", "12 x12", "-1x4", "0x4",
                                       "4x0", "65536x1", "65535x65535", "1x99999999999999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse("sizes", &(ph_data_desc){ .size = bad[i] }, PH_USAGE, "not WIDTHxHEIGHT");
    refuse("sizes", &(ph_data_desc){ .fit = "shrink" }, PH_USAGE, "fit shrink");
    refuse("sizes", &(ph_data_desc){ .channels = "4" }, PH_USAGE, "channels 4");
}

/* Of many damaged files the first is named, whatever the threads do. */
static void first_failure(void **state)
{
    (void)state;
    char name[64];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "many/%03d.pgm", i);
        put_text(name, i % 50 == 33 ? "P2 1 1 255 hello" : "P2 1 1 255 4");
    }
    for (int i = 0; i < 20; i++)
        refuse("many", NULL, PH_DATA, "many/033.pgm: a damaged PGM");
    put_text("many/040.pgm", "nothing");
    refuse("many", NULL, PH_DATA, "many/040.pgm: its first bytes");
}

/* ---- Real sets ---------------------------------------------------------------------------------- */

static ph_data *open_real(const char *name, const ph_data_desc *desc)
{
    if (getenv("PINHOLE_DATA") == NULL)
        setenv("PINHOLE_DATA", PH_SOURCE_DIR "/../shared/data", 1);
    ph_data *d = ph_data_open(name, desc);
    if (d == NULL && strstr(ph_message(), "no such file")) {
        printf("%s is not there: skipped\n", name);
        skip();
    }
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

static void real_set(const char *name, const ph_data_desc *desc, size_t rows, size_t width, size_t classes)
{
    ph_data_info info;
    ph_data *d = open_real(name, desc);
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, rows);
    assert_int_equal(info.width, width);
    assert_int_equal(info.classes, classes);
    ph_data_close(d);
}

static void olivetti(void **state)
{
    (void)state;
    real_set("olivetti", NULL, 400, 64 * 64, 40);
}

static void flowers(void **state)
{
    (void)state;
    real_set("flowers", &(ph_data_desc){ .size = "32x32" }, 999, 32 * 32 * 3, 5);
    real_set("flowers", &(ph_data_desc){ .size = "32x32", .fit = "pad", .channels = "gray" }, 999,
             32 * 32, 5);
}

static void cifar10(void **state)
{
    (void)state;
    real_set("cifar10/images:train", NULL, 1000, 32 * 32 * 3, 10);
    real_set("cifar10/images:test", NULL, 250, 32 * 32 * 3, 10);
    real_set("cifar10/images", NULL, 1250, 32 * 32 * 3, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resized_as_the_reference), cmocka_unit_test(constant_stays_constant),
        cmocka_unit_test(crop_pad_and_copy),        cmocka_unit_test(channels_and_bits),
        cmocka_unit_test(extreme_sizes),            cmocka_unit_test(layouts),
        cmocka_unit_test(parts),                    cmocka_unit_test(shapes),
        cmocka_unit_test(first_failure),            cmocka_unit_test(olivetti),
        cmocka_unit_test(flowers),                  cmocka_unit_test(cifar10),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
