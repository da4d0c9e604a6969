/* test_pictures_formats.c - one picture file: every kind of PNG, JPEG, PGM and PPM, every kind of
 * damage, and bringing a picture to a size. Files are written here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <zlib.h>

#include "data/picture.h"
#include "scratch.h"

static void write_file(const char *name, const void *bytes, size_t count)
{
    remove(in_folder(name));   /* Some file systems wait for the disk when a file is written over. */
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    fclose(f);
}

static uint8_t *read_file(const char *name, size_t *size)
{
    FILE *f = fopen(in_folder(name), "rb");
    uint8_t *bytes = malloc(1 << 20);
    assert_non_null(f);
    *size = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    return bytes;
}

/* Reads the file and holds it against what is expected: a picture of bytes, or of words. */
static void expect(const char *name, size_t width, size_t height, size_t channels, unsigned bits,
                   const void *pixels)
{
    ph_picture p, header;
    if (ph_picture_read(in_folder(name), &p) != PH_OK)
        fail_msg("%s", ph_message());
    assert_int_equal(ph_picture_measure(in_folder(name), &header), PH_OK);
    assert_true(header.width == width && header.height == height && header.channels == channels &&
                header.bits == bits && header.pixels == NULL);
    assert_true(p.width == width && p.height == height && p.channels == channels && p.bits == bits);
    assert_memory_equal(p.pixels, pixels, width * height * channels * (bits / 8));
    ph_picture_free(&p);
}

static void refuse(const char *name, const char *part_of_message)
{
    ph_picture p;
    assert_int_equal(ph_picture_read(in_folder(name), &p), PH_DATA);
    assert_null(p.pixels);
    if (strstr(ph_message(), part_of_message) == NULL || strstr(ph_message(), name) == NULL ||
        strchr(ph_message(), '\n'))
        fail_msg("'%s' does not say '%s' of %s", ph_message(), part_of_message, name);
}

/* ---- PNG ---------------------------------------------------------------------------------------- */

typedef struct png {
    int type, depth, interlaced;
    struct spng_plte *palette;
    struct spng_trns *clear;
} png;

static void write_png(const char *name, uint32_t width, uint32_t height, png kind, const void *pixels,
                      size_t bytes)
{
    spng_ctx *c = spng_ctx_new(SPNG_CTX_ENCODER);
    struct spng_ihdr header = { .width = width, .height = height, .bit_depth = (uint8_t)kind.depth,
                                .color_type = (uint8_t)kind.type,
                                .interlace_method = (uint8_t)kind.interlaced };
    size_t size;
    int error;
    assert_int_equal(spng_set_option(c, SPNG_ENCODE_TO_BUFFER, 1), 0);
    assert_int_equal(spng_set_ihdr(c, &header), 0);
    if (kind.palette)
        assert_int_equal(spng_set_plte(c, kind.palette), 0);
    if (kind.clear)
        assert_int_equal(spng_set_trns(c, kind.clear), 0);
    assert_int_equal(spng_encode_image(c, pixels, bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
    void *buffer = spng_get_png_buffer(c, &size, &error);
    assert_non_null(buffer);
    write_file(name, buffer, size);
    free(buffer);
    spng_ctx_free(c);
}

static void gray_png(void **state)
{
    (void)state;
    const png one = { .type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 1 };
    const png two = { .type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 2 };
    const png four = { .type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 4, .interlaced = 1 };
    const png eight = { .type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 8 };
    const png sixteen = { .type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 16 };
    write_png("a.png", 3, 2, one, (uint8_t[]){ 0xa0, 0x40 }, 2);
    expect("a.png", 3, 2, 1, 8, (uint8_t[]){ 255, 0, 255, 0, 255, 0 });
    write_png("a.png", 3, 2, two, (uint8_t[]){ 0x18, 0xe4 }, 2);
    expect("a.png", 3, 2, 1, 8, (uint8_t[]){ 0, 85, 170, 255, 170, 85 });
    write_png("a.png", 3, 2, four, (uint8_t[]){ 0x01, 0x20, 0xef, 0x70 }, 4);
    expect("a.png", 3, 2, 1, 8, (uint8_t[]){ 0, 17, 34, 238, 255, 119 });
    uint8_t bytes[256];
    uint16_t words[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
        words[i] = (uint16_t)(i * 257 + i % 7);
    }
    write_png("a.png", 16, 16, eight, bytes, 256);
    expect("a.png", 16, 16, 1, 8, bytes);
    write_png("a.png", 16, 15, sixteen, words, 480);
    expect("a.png", 16, 15, 1, 16, words);
    struct spng_trns clear = { .gray = 9 };
    write_png("a.png", 3, 1, (png){ .type = 0, .depth = 8, .clear = &clear }, (uint8_t[]){ 8, 9, 10 }, 3);
    expect("a.png", 3, 1, 1, 8, (uint8_t[]){ 8, 0, 10 });
}

static void colour_png(void **state)
{
    (void)state;
    const png rgb = { .type = SPNG_COLOR_TYPE_TRUECOLOR, .depth = 8 };
    const png rgb_16 = { .type = SPNG_COLOR_TYPE_TRUECOLOR, .depth = 16 };
    const png rgba = { .type = SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, .depth = 8 };
    const png rgba_16 = { .type = SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, .depth = 16 };
    const png gray_alpha = { .type = SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, .depth = 8 };
    const png gray_alpha_16 = { .type = SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, .depth = 16 };
    const uint8_t six[] = { 1, 2, 3, 250, 128, 0 };
    write_png("c.png", 2, 1, rgb, six, 6);
    expect("c.png", 2, 1, 3, 8, six);
    const uint16_t words[] = { 1, 256, 65535, 4242, 0, 513 };
    write_png("c.png", 1, 2, rgb_16, words, 12);
    expect("c.png", 1, 2, 3, 16, words);
    write_png("c.png", 3, 1, rgba, (uint8_t[]){ 200, 100, 50, 255, 200, 100, 50, 0, 200, 100, 51, 128 },
              12);
    expect("c.png", 3, 1, 3, 8, (uint8_t[]){ 200, 100, 50, 0, 0, 0, 100, 50, 26 });
    write_png("c.png", 1, 2, rgba_16, (uint16_t[]){ 60000, 1, 65535, 65535, 60000, 1, 65535, 32768 }, 16);
    expect("c.png", 1, 2, 3, 16, (uint16_t[]){ 60000, 1, 65535, 30000, 1, 32768 });
    write_png("c.png", 2, 1, gray_alpha, (uint8_t[]){ 200, 255, 200, 64 }, 4);
    expect("c.png", 2, 1, 1, 8, (uint8_t[]){ 200, 50 });
    write_png("c.png", 2, 1, gray_alpha_16, (uint16_t[]){ 65535, 0, 65535, 777 }, 8);
    expect("c.png", 2, 1, 1, 16, (uint16_t[]){ 0, 777 });
    struct spng_plte palette = { .n_entries = 3, .entries = { { .red = 9, .green = 8, .blue = 7 },
                                                              { .red = 255 }, { .blue = 100 } } };
    struct spng_trns clear = { .n_type3_entries = 2, .type3_alpha = { 0, 255 } };
    png indexed = { .type = SPNG_COLOR_TYPE_INDEXED, .depth = 8, .palette = &palette };
    write_png("c.png", 3, 1, indexed, (uint8_t[]){ 2, 0, 1 }, 3);
    expect("c.png", 3, 1, 3, 8, (uint8_t[]){ 0, 0, 100, 9, 8, 7, 255, 0, 0 });
    indexed.clear = &clear;
    indexed.depth = 2;
    write_png("c.png", 3, 1, indexed, (uint8_t[]){ 0x84 }, 1);
    expect("c.png", 3, 1, 3, 8, (uint8_t[]){ 0, 0, 100, 0, 0, 0, 255, 0, 0 });
}

/* A picture that deflate cannot make smaller: chunks of pixels fall under no limit of ours. */
static void large_png(void **state)
{
    (void)state;
    size_t side = 2500, bytes = side * side * 3;
    uint8_t *noise = malloc(bytes);
    uint32_t word = 1;
    for (size_t i = 0; i < bytes; i++)
        noise[i] = (uint8_t)((word = word * 1664525u + 1013904223u) >> 24);
    write_png("large.png", (uint32_t)side, (uint32_t)side,
              (png){ .type = SPNG_COLOR_TYPE_TRUECOLOR, .depth = 8 }, noise, bytes);
    expect("large.png", side, side, 3, 8, noise);
    free(noise);
}

/* ---- JPEG --------------------------------------------------------------------------------------- */

static void write_jpeg(const char *name, int width, int height, int format, const uint8_t *pixels,
                       int flags)
{
    tjhandle c = tjInitCompress();
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    assert_int_equal(tjCompress2(c, pixels, width, 0, height, format, &bytes, &size,
                                 format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_444, 100, flags), 0);
    write_file(name, bytes, size);
    tjFree(bytes);
    tjDestroy(c);
}

static void jpeg(void **state)
{
    (void)state;
    static uint8_t pixels[40 * 24 * 4];
    for (size_t channels = 1; channels <= 3; channels += 2)
        for (int progressive = 0; progressive < 2; progressive++) {
            for (size_t i = 0; i < 40 * 24 * channels; i++)
                pixels[i] = (uint8_t)(40 + i / channels % 40 * 4 + i % channels * 20);
            write_jpeg("a.jpg", 40, 24, channels == 1 ? TJPF_GRAY : TJPF_RGB, pixels,
                       progressive ? TJFLAG_PROGRESSIVE : 0);
            ph_picture p;
            assert_int_equal(ph_picture_read(in_folder("a.jpg"), &p), PH_OK);
            assert_true(p.width == 40 && p.height == 24 && p.channels == channels && p.bits == 8);
            for (size_t i = 0; i < 40 * 24 * channels; i++)
                assert_true(abs(p.pixels[i] - pixels[i]) <= 2);
            ph_picture_free(&p);
        }
    write_jpeg("cmyk.jpg", 40, 24, TJPF_CMYK, pixels, 0);
    refuse("cmyk.jpg", "CMYK");
}

/* ---- PGM and PPM -------------------------------------------------------------------------------- */

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static void pnm(void **state)
{
    (void)state;
    write_text("a.pgm", "P2 # a comment\n3\t2 # 9 9\n#\n255\n0 1 2\n253 254\n255");
    expect("a.pgm", 3, 2, 1, 8, (uint8_t[]){ 0, 1, 2, 253, 254, 255 });
    write_text("a.pgm", "P2#\r1 3#\n15\n0 7 15\n\n");
    expect("a.pgm", 1, 3, 1, 8, (uint8_t[]){ 0, 119, 255 });
    write_text("a.pgm", "P2 3 1 1000 0 500 1000");
    expect("a.pgm", 3, 1, 1, 16, (uint16_t[]){ 0, 32768, 65535 });
    write_text("a.ppm", "P3\n2 1\n255\n1 2 3 # red\n 4 5 6\n");
    expect("a.ppm", 2, 1, 3, 8, (uint8_t[]){ 1, 2, 3, 4, 5, 6 });
    write_text("a.pgm", "P5 2 2\n255\n#\n A");
    expect("a.pgm", 2, 2, 1, 8, "#\n A");
    write_file("a.pgm", "P5 2 1 65535\n\x01\x02\xff\xfe\n", 18);
    expect("a.pgm", 2, 1, 1, 16, (uint16_t[]){ 0x102, 0xfffe });
    write_text("a.pnm", "P6\n2 1 255 abcdef");
    expect("a.pnm", 2, 1, 3, 8, "abcdef");
    static const struct { const char *text, *says; } wrong[] = {
        { "P5", "first bytes" }, { "P4 1 1 1", "first bytes" }, { "P5 ", "header" },
        { "P5 2 2 255", "header" }, { "P5 2 x 255 abcd", "header" }, { "P5 -2 2 255 abcd", "header" },
        { "P5 2 2 0 abcd", "largest value is 0" }, { "P5 2 2 65536 abcd", "header" },
        { "P5 99999999999999999999 2 255 abcd", "header" }, { "P5 0 2 255 abcd", "0 x 2" },
        { "P5 65535 65535 255 abcd", "2^28" }, { "P5 65535 4096 255 abcd", "can hold" },
        { "P2 65535 4096 255 1 2 3", "can hold" }, { "P5 2 2 255 abc", "can hold" },
        { "P5 2 2 255 abcde", "after its last" }, { "P2 2 1 255 1 2 3", "after its last" },
        { "P2 2 1 255 1 256", "above the largest" }, { "P5 2 1 9 ab", "above the largest" },
        { "P2 2 1 255 1 65536", "missing" }, { "P2 2 1 255 111 ", "missing" },
        { "P3 1 1 255 1 2 a", "missing" }, { "GIF89a", "first bytes" }, { "", "first bytes" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_text("bad.pgm", wrong[i].text);
        refuse("bad.pgm", wrong[i].says);
    }
}

/* ---- Damage ------------------------------------------------------------------------------------- */

static void big_endian(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Cut anywhere, but for the `rest` that nobody needs, a file is refused; with any byte changed it is
 * read or refused. */
static void cut_and_change(const char *name, size_t rest)
{
    size_t size;
    uint8_t *bytes = read_file(name, &size);
    ph_picture p;
    for (size_t n = 0; n < size - rest; n += n + 16 < size ? 7 : 1) {
        write_file("cut.png", bytes, n);
        refuse("cut.png", "cut.png: ");
        ph_picture_measure(in_folder("cut.png"), &p);
        assert_null(strchr(ph_message(), '\n'));
    }
    for (size_t i = 0; i < size; i += 3) {
        bytes[i] ^= (uint8_t)(1 + i * 37);
        write_file("changed.png", bytes, size);
        ph_status status = ph_picture_read(in_folder("changed.png"), &p);
        assert_true(status == PH_OK || status == PH_DATA);
        assert_null(strchr(ph_message(), '\n'));
        ph_picture_free(&p);
        bytes[i] ^= (uint8_t)(1 + i * 37);
    }
    free(bytes);
}

static void damage(void **state)
{
    (void)state;
    static uint8_t pixels[40 * 24 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * i / 7);
    write_png("a.png", 40, 24, (png){ .type = SPNG_COLOR_TYPE_TRUECOLOR, .depth = 8 }, pixels,
              sizeof pixels);
    cut_and_change("a.png", 4);   /* the checksum of the mark of the end */
    for (int progressive = 0; progressive < 2; progressive++) {
        write_jpeg("a.jpg", 40, 24, TJPF_RGB, pixels, progressive ? TJFLAG_PROGRESSIVE : 0);
        cut_and_change("a.jpg", 0);
    }
    write_text("a.ppm", "P3 2 2 255 1 2 3 4 5 6 7 8 9 10 11 12");
    size_t size;
    uint8_t *bytes = read_file("a.ppm", &size);
    for (size_t n = 0; n + 2 < size; n += 7) {
        write_file("cut.ppm", bytes, n);
        refuse("cut.ppm", "cut.ppm: ");
    }
    free(bytes);
    write_file("a.pgm", "P5 100 1 255 ", 13);
    refuse("a.pgm", "100 x 1");
}

static void lying_headers(void **state)
{
    (void)state;
    static const struct { uint32_t width, height; const char *says; } sizes[] = {
        { 65535, 4096, "can hold" }, { 65535, 65535, "2^28" }, { 65536, 1, "65535" },
        { 1, 100000, "65535" }, { 0, 4, "" }, { 0xffffffff, 0xffffffff, "" } };
    static uint8_t pixels[40 * 24];
    uint8_t *bytes;
    size_t size;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_png("a.png", 40, 24, (png){ .depth = 8 }, pixels, sizeof pixels);
        bytes = read_file("a.png", &size);
        big_endian(bytes + 16, sizes[i].width);
        big_endian(bytes + 20, sizes[i].height);
        big_endian(bytes + 29, (uint32_t)crc32(0, bytes + 12, 17));
        write_file("lies.png", bytes, size);
        refuse("lies.png", sizes[i].says);
        free(bytes);
    }
    for (int progressive = 0; progressive < 2; progressive++) {
        write_jpeg("a.jpg", 40, 24, TJPF_GRAY, pixels, progressive ? TJFLAG_PROGRESSIVE : 0);
        bytes = read_file("a.jpg", &size);
        size_t frame = 2;   /* The frame's header: FF C0 or FF C2, length, precision, height, width. */
        while (bytes[frame + 1] != 0xc0 && bytes[frame + 1] != 0xc2)
            frame += 2 + (size_t)(bytes[frame + 2] << 8 | bytes[frame + 3]);
        memcpy(bytes + frame + 5, "\xff\x00\x0f\xff", 4);
        write_file("lies.jpg", bytes, size);
        refuse("lies.jpg", "can hold");
        memcpy(bytes + frame + 5, "\xff\xdc\xff\xdc", 4);
        write_file("lies.jpg", bytes, size);
        refuse("lies.jpg", "2^28");
        memcpy(bytes + frame + 5, "\x00\x28\x00\x28", 4);
        write_file("lies.jpg", bytes, size);
        refuse("lies.jpg", "damaged JPEG");
        free(bytes);
    }
}

static void names_of_pictures(void **state)
{
    (void)state;
    assert_true(ph_is_picture("a.png") && ph_is_picture("a/b.JPG") && ph_is_picture("x.y.Jpeg") &&
                ph_is_picture("a.pgm") && ph_is_picture("a.PPM") && ph_is_picture("a.pnm"));
    assert_false(ph_is_picture("png") || ph_is_picture("a.gif") || ph_is_picture("a.png.txt") ||
                 ph_is_picture("a.png/b"));
    ph_picture p;
    assert_int_equal(ph_picture_read(in_folder("nothing.png"), &p), PH_IO);
    assert_int_equal(ph_picture_measure(in_folder("nothing.png"), &p), PH_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gray_png), cmocka_unit_test(colour_png), cmocka_unit_test(large_png),
        cmocka_unit_test(jpeg),     cmocka_unit_test(pnm),        cmocka_unit_test(damage),
        cmocka_unit_test(lying_headers), cmocka_unit_test(names_of_pictures),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
