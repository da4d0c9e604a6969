/* test_bytes.c - bytes of any file: their windows, their kind, and what cannot be read. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "data/data.h"
#include "data/scaling.h"
#include "sound.h"

enum { SIZE = 1000 };
static uint8_t content[SIZE];

/* All values, and no two places of 256 alike. */
static void make_content(void)
{
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 37 + i / 256);
}

static ph_data *opened(const char *name, const char *window, const char *hop)
{
    ph_data *d = ph_data_open(in_folder(name), &(ph_data_desc){ .format = "bytes", .window = window, .hop = hop });
    if (d == NULL)
        fail_msg("%s: %s", name, ph_message());
    return d;
}

static void assert_refused(const char *name, const char *window, const char *hop, ph_status status, const char *part)
{
    ph_data *d = ph_data_open(in_folder(name), &(ph_data_desc){ .format = "bytes", .window = window, .hop = hop });
    assert_null(d);
    if (ph_last_status() != status || strstr(ph_message(), part) == NULL)
        fail_msg("'%s' (%d) does not say '%s'", ph_message(), ph_last_status(), part);
}

static void assert_windows(ph_data *d, size_t rows, size_t window, size_t hop, size_t size)
{
    static real row[SIZE];
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_true(info.bytes && info.pieces == 1 && info.rows == rows && info.rank == 1 && info.width == window);
    assert_string_equal(info.element, "u1");
    assert_string_equal(info.format, "bytes");
    for (size_t r = 0; r < rows; r++) {
        ph_excerpt at;
        size_t begin = r * hop < size - window ? r * hop : size - window;
        assert_true(ph_data_excerpt(d, r, &at));
        assert_true(at.place[0] == begin && at.whole[0] == size && !at.picture);
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (size_t i = 0; i < window; i++)
            assert_true(row[i] == content[begin + i]);
    }
    ph_data_close(d);
}

/* Whatever the name says, plain, gzipped and from a pipe. */
static void windows_of_any_file(void **state)
{
    (void)state;
    static const struct { const char *window, *hop; size_t size, apart, rows; } cuts[] = {
        { NULL, NULL, 64, 32, 31 },       { "100", "100", 100, 100, 10 }, { "64", "7", 64, 7, 135 },
        { "999", "999", 999, 999, 2 },    { "1000", NULL, 1000, 500, 1 }, { "1", "1", 1, 1, 1000 },
    };
    static const char *const names[] = { "a.txt", "a", "a.csv", "a.npy", "a.png", "a.bin", "a.wav" };
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        assert_true(write_bytes(names[k], content, SIZE));
        for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++)
            assert_windows(opened(names[k], cuts[c].window, cuts[c].hop), cuts[c].rows, cuts[c].size, cuts[c].apart,
                           SIZE);
    }
    gzFile z = gzopen(in_folder("a.gz"), "wb");
    assert_int_equal(gzwrite(z, content, SIZE), SIZE);
    gzclose(z);
    assert_windows(opened("a.gz", "64", "7"), 135, 64, 7, SIZE);
    int was = dup(STDIN_FILENO), file = open(in_folder("a.txt"), O_RDONLY);
    assert_true(dup2(file, STDIN_FILENO) == STDIN_FILENO);
    ph_data *d = ph_data_open("-", &(ph_data_desc){ .format = "bytes", .window = "10", .memory_limit = 100 });
    dup2(was, STDIN_FILENO);
    close(was);
    close(file);
    assert_non_null(d);
    assert_windows(d, 199, 10, 5, SIZE);
}

static void nothing_is_bytes_unasked(void **state)
{
    (void)state;
    assert_true(write_bytes("what.xyz", "\x01\x02\x03\x04what", 8));
    assert_null(ph_data_open(in_folder("what.xyz"), NULL));
    assert_int_equal(ph_last_status(), PH_USAGE);
    assert_non_null(strstr(ph_message(), "--format bytes"));
    assert_true(write_bytes("words.txt", "some words\nand more\n", 20));
    assert_null(ph_data_open(in_folder("words.txt"), NULL)); /* a table without numbers */
}

static void refused_files(void **state)
{
    (void)state;
    uint8_t packed[4096];
    assert_true(write_bytes("a.txt", content, SIZE));
    assert_true(write_bytes("empty", "", 0));
    assert_true(write_bytes("short", "four", 4));
    assert_refused("empty", NULL, NULL, PH_DATA, "empty: it is empty");
    assert_refused("short", NULL, NULL, PH_DATA, "short is 4 bytes long, smaller than a window of 64");
    assert_refused("short", "5", NULL, PH_DATA, "smaller than a window of 5");
    assert_refused("a.txt", "10", "11", PH_USAGE, "hop 11: larger than the window");
    assert_refused("a.txt", "0", NULL, PH_USAGE, "window 0:");
    assert_refused("a.txt", "8x8", NULL, PH_USAGE, "window 8x8: of sounds and bytes");
    assert_refused("nowhere", NULL, NULL, PH_USAGE, "no such file");
    gzFile z = gzopen(in_folder("cut.gz"), "wb");
    assert_int_equal(gzwrite(z, content, SIZE), SIZE);
    gzclose(z);
    FILE *f = fopen(in_folder("cut.gz"), "rb");
    size_t size = fread(packed, 1, sizeof packed, f);
    fclose(f);
    assert_true(write_bytes("cut.gz", packed, size - 9));
    assert_refused("cut.gz", NULL, NULL, PH_DATA, "cut off");
    packed[size / 2] ^= 0x55;
    assert_true(write_bytes("cut.gz", packed, size));
    assert_refused("cut.gz", NULL, NULL, PH_DATA, "not sound gzipped data");
}

/* A folder is all its files, and its folders are classes. */
static void folders_of_files(void **state)
{
    (void)state;
    mkdir(in_folder("corpus"), 0777);
    assert_refused("corpus", NULL, NULL, PH_USAGE, "a folder without files");
    mkdir(in_folder("corpus/c"), 0777);
    mkdir(in_folder("corpus/sh"), 0777);
    assert_true(write_bytes("corpus/c/a.c", content, 100));
    assert_true(write_bytes("corpus/c/b.png", content + 100, 65));
    assert_true(write_bytes("corpus/sh/a.sh", content + 165, 64));
    assert_true(write_bytes("corpus/.hidden", content, 3));
    ph_data *d = opened("corpus", "64", "64");
    ph_data_info info;
    real row[64];
    ph_data_describe(d, &info);
    assert_true(info.bytes && info.pieces == 3 && info.rows == 5 && info.classes == 2);
    static const size_t begins[] = { 0, 36, 100, 101, 165 };
    static const uint32_t labels[] = { 0, 0, 0, 0, 1 };
    for (size_t r = 0; r < 5; r++) {
        assert_int_equal(ph_data_labels(d)[r], labels[r]);
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (size_t i = 0; i < 64; i++)
            assert_true(row[i] == content[begins[r] + i]);
    }
    assert_string_equal(ph_data_id(d, 4), "sh/a.sh+0");
    /* Picked rows are no windows any more, but still bytes. */
    ph_data *one = ph_data_pick_labels(d, "sh", PH_MEMORY_LIMIT);
    ph_data_describe(one, &info);
    assert_true(info.bytes && info.rows == 1 && info.pieces == 0);
    ph_data_close(one);
    ph_data_close(d);
    assert_refused("corpus", "65", NULL, PH_DATA, "sh/a.sh is 64 bytes long");
}

/* The scale of bytes is known, and there and back each is itself. */
static void bytes_stay_bytes(void **state)
{
    (void)state;
    static real rows[256];
    double bits, want = 0;
    uint8_t all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)(i / 2 + 3); /* not the whole range */
    assert_true(write_bytes("half", all, 256));
    ph_data *d = opened("half", "256", NULL);
    ph_scaling s;
    assert_int_equal(ph_scaling_fit(&s, "auto", "refuse", d), PH_OK);
    assert_string_equal(s.kind, "bytes");
    assert_int_equal(ph_data_read_scaled(d, &s, &(size_t){ 0 }, 1, rows), PH_OK);
    for (int i = 0; i < 256; i++)
        assert_true(fabs((double)rows[i] - all[i] / 255.0) < 1e-6);
    for (int i = 0; i < 256; i++)
        rows[i] = (real)i * s.scale[0];
    ph_scaling_undo_to(&s, rows, 1, 256);
    for (int i = 0; i < 256; i++)
        assert_true(rows[i] == i);
    rows[0] = (real)0.3;
    ph_scaling_undo_to(&s, rows, 1, 1);
    assert_true(fabs((double)rows[0] - 76.5) < 1e-4);
    ph_scaling_free(&s);
    assert_int_equal(ph_data_entropy(d, &bits), PH_OK);
    assert_true(fabs(bits - 7) < 1e-12); /* 128 bytes, each as often */
    ph_data_close(d);
    assert_true(write_bytes("three", "aaab", 4));
    d = opened("three", "4", NULL);
    want = -(0.75 * log2(0.75) + 0.25 * log2(0.25));
    assert_int_equal(ph_data_entropy(d, &bits), PH_OK);
    assert_true(fabs(bits - want) < 1e-12);
    ph_data_close(d);
    d = ph_data_from_memory(rows, 1, 4, NULL);
    assert_int_equal(ph_data_entropy(d, &bits), PH_USAGE);
    ph_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_any_file), cmocka_unit_test(nothing_is_bytes_unasked),
        cmocka_unit_test(refused_files),       cmocka_unit_test(folders_of_files),
        cmocka_unit_test(bytes_stay_bytes),
    };
    make_content();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
