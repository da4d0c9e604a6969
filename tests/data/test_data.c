/* test_data.c - readers: IDX, .npy, the built-in set; scaling; finding sets. Files are written here,
 * so that every type, order and kind of damage is met. */
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
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/philox.h"
#include "data/scaling.h"
#include "scratch.h"


static void write_file(const char *name, const void *bytes, size_t count, bool packed)
{
    if (packed) {
        gzFile f = gzopen(in_folder(name), "wb");
        assert_int_equal(gzwrite(f, bytes, (unsigned)count), (int)count);
        gzclose(f);
        return;
    }
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    fclose(f);
}

static void assert_refused(const char *name, ph_status status, const char *part_of_message)
{
    ph_data *d = ph_data_open(in_folder(name), NULL);
    assert_null(d);
    assert_int_equal(ph_last_status(), status);
    if (strstr(ph_message(), part_of_message) == NULL || strstr(ph_message(), name) == NULL)
        fail_msg("'%s' does not say '%s' of %s", ph_message(), part_of_message, name);
}

/* ---- IDX ---------------------------------------------------------------------------------------- */

static size_t idx_header(uint8_t *to, uint8_t type, size_t rank, const uint32_t *dim)
{
    size_t n = 0;
    to[n++] = 0;
    to[n++] = 0;
    to[n++] = type;
    to[n++] = (uint8_t)rank;
    for (size_t i = 0; i < rank; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            to[n++] = (uint8_t)(dim[i] >> shift);
    return n;
}

/* value as `bytes` bytes, most significant first. */
static void big_endian(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void idx_of_every_type(void **state)
{
    (void)state;
    static const struct { uint8_t code; size_t bytes; const char *name; } types[] = {
        { 0x08, 1, "u1" }, { 0x09, 1, "i1" }, { 0x0b, 2, "i2" }, { 0x0c, 4, "i4" },
        { 0x0d, 4, "f4" }, { 0x0e, 8, "f8" } };
    for (size_t t = 0; t < 6; t++)
        for (int packed = 0; packed < 2; packed++)
            for (int limit = 0; limit < 2; limit++) {
                uint8_t bytes[512];
                const uint32_t dim[3] = { 4, 2, 3 };
                size_t n = idx_header(bytes, types[t].code, 3, dim);
                for (int i = 0; i < 24; i++, n += types[t].bytes) {
                    double value = types[t].code == 0x08 ? i * 7 : i * 5 - 60;
                    float single = (float)value;
                    uint32_t f;
                    uint64_t d;
                    memcpy(&f, &single, 4);
                    memcpy(&d, &value, 8);
                    big_endian(bytes + n, types[t].code == 0x0d   ? f
                                          : types[t].code == 0x0e ? d
                                                                  : (uint64_t)(int64_t)value,
                               types[t].bytes);
                }
                const char *name = packed ? "a.idx.gz" : "a.idx";
                write_file(name, bytes, n, packed);
                ph_data *data = ph_data_open(in_folder(name),
                                             &(ph_data_desc){ .memory_limit = limit ? 1 : 0 });
                if (data == NULL)
                    fail_msg("%s", ph_message());
                ph_data_info info;
                ph_data_describe(data, &info);
                assert_int_equal(info.rows, 4);
                assert_int_equal(info.rank, 2);
                assert_int_equal(info.width, 6);
                assert_string_equal(info.element, types[t].name);
                real out[18];
                assert_int_equal(ph_data_read(data, (size_t[]){ 3, 0, 3 }, 3, out), PH_OK);
                for (int c = 0; c < 6; c++) {
                    double sign = types[t].code == 0x08 ? 7 : 5, shift = types[t].code == 0x08 ? 0 : 60;
                    assert_true((double)out[c] == (18 + c) * sign - shift);
                    assert_true((double)out[6 + c] == c * sign - shift);
                    assert_true(out[12 + c] == out[c]);
                }
                assert_int_equal(ph_data_read(data, (size_t[]){ 4 }, 1, out), PH_USAGE);
                ph_data_close(data);
            }
}

static void damaged_idx(void **state)
{
    (void)state;
    uint8_t b[64] = { 0 };
    const uint32_t dim[2] = { 3, 4 }, huge[5] = { ~0u, ~0u, ~0u, ~0u, ~0u }, none[2] = { 0, 4 };
    size_t n = idx_header(b, 8, 2, dim);
    write_file("short.idx", b, n + 11, false);
    assert_refused("short.idx", PH_DATA, "12 bytes");
    write_file("short.idx.gz", b, n + 11, true);
    assert_refused("short.idx.gz", PH_DATA, "ends before");
    write_file("head.idx", b, 6, false);
    assert_refused("head.idx", PH_DATA, "ends before");
    write_file("nothing.idx", b, 0, false);
    assert_refused("nothing.idx", PH_DATA, "ends before");
    n = idx_header(b, 8, 5, huge);
    write_file("huge.idx", b, n, false);
    assert_refused("huge.idx", PH_DATA, "overflow");
    n = idx_header(b, 8, 2, none);
    write_file("none.idx", b, n, false);
    assert_refused("none.idx", PH_DATA, "no rows");
    n = idx_header(b, 8, 2, dim);
    write_file("more.idx.gz", b, n + 13, true);
    assert_refused("more.idx.gz", PH_DATA, "more bytes");
    n = idx_header(b, 7, 2, dim);
    write_file("type.idx", b, n + 12, false);
    assert_refused("type.idx", PH_DATA, "type");
    n = idx_header(b, 8, 2, dim);
    b[3] = 9;
    write_file("rank.idx", b, n + 12, false);
    assert_refused("rank.idx", PH_DATA, "dimensions");
    write_file("cut.idx.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01", 11, false);
    assert_refused("cut.idx.gz", PH_DATA, "cut off");
}

static void a_folder_of_idx(void **state)
{
    (void)state;
    uint8_t b[64];
    const uint32_t train[3] = { 2, 2, 2 }, test[3] = { 1, 2, 2 };
    size_t n = idx_header(b, 8, 3, train);
    memcpy(b + n, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    write_file("train-images-idx3-ubyte", b, n + 8, false);
    n = idx_header(b, 8, 1, train);
    memcpy(b + n, "\x03\x01", 2);
    write_file("train-labels-idx1-ubyte.gz", b, n + 2, true);
    n = idx_header(b, 8, 3, test);
    memcpy(b + n, "\x09\x0a\x0b\x0c", 4);
    write_file("t10k-images.idx3-ubyte.gz", b, n + 4, true);
    n = idx_header(b, 8, 1, test);
    b[n] = 2;
    write_file("t10k-labels-idx1-ubyte", b, n + 1, false);

    char spec[600];
    static const struct { const char *part; size_t rows, classes; double first; } parts[] = {
        { ":train", 2, 4, 1 }, { ":test", 1, 3, 9 }, { ":all", 3, 4, 1 }, { "", 3, 4, 1 } };
    for (size_t i = 0; i < 4; i++) {
        ph_data_info info;
        real row[4];
        snprintf(spec, sizeof spec, "%s%s", folder, parts[i].part);
        ph_data *d = ph_data_open(spec, NULL);
        if (d == NULL)
            fail_msg("%s", ph_message());
        ph_data_describe(d, &info);
        assert_int_equal(info.rows, parts[i].rows);
        assert_int_equal(info.classes, parts[i].classes);
        assert_true(info.has_test);
        assert_int_equal(ph_data_read(d, (size_t[]){ 0 }, 1, row), PH_OK);
        assert_true((double)row[0] == parts[i].first);
        ph_data_close(d);
    }
    ph_data *d = ph_data_open(in_folder("train-images-idx3-ubyte"), NULL);
    assert_non_null(d);
    assert_null(ph_data_labels(d)); /* The labels beside it are packed under another ending. */
    ph_data_close(d);
    n = idx_header(b, 8, 1, (uint32_t[]){ 3 });
    write_file("train-labels-idx1-ubyte.gz", b, n + 3, true);
    snprintf(spec, sizeof spec, "%s:train", folder);
    assert_null(ph_data_open(spec, NULL));
    assert_non_null(strstr(ph_message(), "3 labels for 2 rows"));
}

/* ---- NPY ---------------------------------------------------------------------------------------- */

static size_t npy_header(uint8_t *to, int version, const char *dictionary)
{
    size_t length = strlen(dictionary), begin = version == 1 ? 10 : 12;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = (uint8_t)version;
    to[7] = 0;
    to[8] = (uint8_t)length;
    to[9] = (uint8_t)(length >> 8);
    to[10] = to[11] = 0;
    memcpy(to + begin, dictionary, length);
    return begin + length;
}

static void npy_of_every_type(void **state)
{
    (void)state;
    static const char *const names[] = { "|u1", "<i2", "<i4", "<i8", "<f4", "<f8", ">i4", ">f8" };
    for (size_t t = 0; t < 8; t++)
        for (int fortran = 0; fortran < 2; fortran++)
            for (int limit = 0; limit < 2; limit++) {
                uint8_t b[512];
                char dictionary[200];
                snprintf(dictionary, sizeof dictionary, "{'descr': '%s', 'fortran_order': %s, "
                         "'shape': (3, 4), }\n", names[t], fortran ? "True" : "False");
                size_t n = npy_header(b, 1 + (int)(t % 3), dictionary);
                size_t bytes = (size_t)(names[t][2] - '0');
                for (int i = 0; i < 12; i++, n += bytes) {
                    int row = fortran ? i % 3 : i / 4, column = fortran ? i / 3 : i % 4;
                    double value = row * 10 + column;
                    float single = (float)value;
                    uint64_t word = (uint64_t)value;
                    uint32_t half;
                    memcpy(&half, &single, 4);
                    if (names[t][1] == 'f' && bytes == 8)
                        memcpy(&word, &value, 8);
                    if (names[t][1] == 'f' && bytes == 4)
                        word = half;
                    if (names[t][0] == '>')
                        big_endian(b + n, word, bytes);
                    else
                        memcpy(b + n, &word, bytes);
                }
                write_file("a.npy", b, n, false);
                ph_data *d = ph_data_open(in_folder("a.npy"),
                                          &(ph_data_desc){ .memory_limit = limit ? 1 : 0 });
                if (d == NULL)
                    fail_msg("%s", ph_message());
                real out[12];
                assert_int_equal(ph_data_read(d, (size_t[]){ 2, 0, 1 }, 3, out), PH_OK);
                for (int c = 0; c < 4; c++) {
                    assert_true((double)out[c] == 20 + c);
                    assert_true((double)out[4 + c] == c);
                    assert_true((double)out[8 + c] == 10 + c);
                }
                ph_data_close(d);
            }
}

static void damaged_npy(void **state)
{
    (void)state;
    static const struct { const char *dictionary, *says; } wrong[] = {
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 99999999), }", "only" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", "no rows" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 0), }", "no numbers" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
          "more than" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }", "shape" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,2,3,4,5,6), }", "shape" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3, ", "shape" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "no rows" },
        { "{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1), }", "c8" },
        { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1), }", "descr" },
        { "", "descr" },
    };
    uint8_t b[512];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t n = npy_header(b, 1, wrong[i].dictionary);
        write_file("bad.npy", b, n, false);
        assert_refused("bad.npy", PH_DATA, wrong[i].says);
    }
    write_file("bad.npy", "hello world, hello", 18, false);
    assert_refused("bad.npy", PH_DATA, "magic");
    memcpy(b, "\x93NUMPY\x01\x00\xff\xff", 10);
    write_file("bad.npy", b, 40, false);
    assert_refused("bad.npy", PH_DATA, "ends before");
}

/* ---- The rest ----------------------------------------------------------------------------------- */

static void glyphs(void **state)
{
    (void)state;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    ph_data *train = ph_data_open("glyphs:train", NULL), *test = ph_data_open("glyphs:test", NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
#if !defined(__SANITIZE_ADDRESS__) && defined(NDEBUG)
    assert_true(b.tv_sec - a.tv_sec + 1e-9 * (b.tv_nsec - a.tv_nsec) < 1.0);
#endif
    ph_data *all = ph_data_open("glyphs", NULL), *other = ph_data_open("glyphs:test",
                                                                       &(ph_data_desc){ .seed = 5 });
    assert_int_equal(train->rows, 10000);
    assert_int_equal(test->rows, 2000);
    assert_int_equal(all->rows, 12000);
    assert_memory_equal(all->store.memory + 10000 * 784, test->store.memory, 2000 * 784);
    assert_true(memcmp(other->store.memory, test->store.memory, 784) != 0);
    size_t count[10] = { 0 };
    uint64_t hash = 1469598103934665603u; /* FNV-1a: the set is the same on every machine. */
    for (size_t i = 0; i < 2000 * 784; i++)
        hash = (hash ^ test->store.memory[i]) * 1099511628211u;
    for (size_t i = 0; i < 2000; i++)
        count[test->labels[i]]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(count[i], 200);
    assert_true(hash == 0xc2cec30c146c82a1u);
    ph_data_close(train);
    ph_data_close(test);
    ph_data_close(all);
    ph_data_close(other);
}

static void philox_known_answers(void **state)
{
    (void)state;
    /* From the authors' Random123 distribution, kat_vectors. */
    static const uint32_t ones = 0xffffffffu;
    uint32_t out[4];
    ph_philox(out, (uint32_t[4]){ 0, 0, 0, 0 }, (uint32_t[2]){ 0, 0 });
    assert_memory_equal(out, ((uint32_t[]){ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }), 16);
    ph_philox(out, (uint32_t[4]){ ones, ones, ones, ones }, (uint32_t[2]){ ones, ones });
    assert_memory_equal(out, ((uint32_t[]){ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd }), 16);
}

static void scaling(void **state)
{
    (void)state;
    const real x[8] = { 0, 5, 10, 5, 20, 5, 30, 5 };
    ph_data *d = ph_data_from_memory(x, 4, 2, NULL);
    ph_scaling s;
    real out[8];
    size_t index[4] = { 0, 1, 2, 3 };
    assert_int_equal(ph_scaling_fit(&s, "auto", "refuse", d), PH_OK);
    assert_string_equal(s.kind, "standardise");
    assert_int_equal(ph_data_read_scaled(d, &s, index, 4, out), PH_OK);
    double mean = 0, square = 0;
    for (int r = 0; r < 4; r++) {
        mean += (double)out[2 * r] / 4;
        square += (double)out[2 * r] * (double)out[2 * r] / 4;
        assert_true(out[2 * r + 1] == 0); /* a constant column */
    }
    assert_true(fabs(mean) < 1e-6 && fabs(square - 1) < 1e-5);
    ph_scaling_undo_to(&s, out, 4, 2);
    for (int i = 0; i < 8; i++)
        assert_true(fabs((double)(out[i] - x[i])) < 1e-5);
    ph_scaling_free(&s);
    assert_int_equal(ph_scaling_fit(&s, "minmax", "refuse", d), PH_OK);
    assert_int_equal(ph_data_read_scaled(d, &s, index, 4, out), PH_OK);
    assert_true(out[0] == 0 && fabs((double)out[6] - 1) < 1e-6);
    ph_scaling_free(&s);
    ph_data_close(d);
    d = ph_data_from_memory((real[]){ 1, 2, NAN, 4 }, 2, 2, NULL);
    assert_int_equal(ph_scaling_fit(&s, "auto", "refuse", d), PH_DATA);
    assert_non_null(strstr(ph_message(), "row 2, column 1"));
    ph_data_close(d);
}

static void slices(void **state)
{
    (void)state;
    real x[10], out[1];
    uint32_t labels[10];
    for (int i = 0; i < 10; i++) {
        x[i] = (real)i;
        labels[i] = (uint32_t)i;
    }
    ph_data *d = ph_data_from_memory(x, 10, 1, labels), *a = ph_data_slice(d, 4, 5),
            *b = ph_data_slice(a, 2, 3);
    assert_int_equal(ph_data_read(b, (size_t[]){ 1 }, 1, out), PH_OK);
    assert_true(out[0] == 7);
    assert_int_equal(ph_data_labels(b)[1], 7);
    assert_null(ph_data_slice(d, 8, 3));
    assert_null(ph_data_slice(d, 0, 0));
    ph_data_close(b);
    ph_data_close(a);
    ph_data_close(d);
}

/* ---- Rows of some classes ------------------------------------------------------------------------ */

static ph_data *opened_only(const char *spec, const char *list, size_t memory_limit)
{
    return ph_data_open(spec, &(ph_data_desc){ .only_label = list, .memory_limit = memory_limit });
}

/* The rows of the classes for which `wanted` is set, in their order, as they were. */
static void rows_are_those_of(const char *spec, const char *list, size_t memory_limit, const bool *wanted)
{
    ph_data *all = ph_data_open(spec, &(ph_data_desc){ .memory_limit = memory_limit });
    ph_data *some = opened_only(spec, list, memory_limit);
    if (all == NULL || some == NULL)
        fail_msg("%s", ph_message());
    ph_data_info whole, part;
    ph_data_describe(all, &whole);
    ph_data_describe(some, &part);
    assert_int_equal(part.width, whole.width);
    ph_real *x = malloc(2 * whole.width * sizeof *x), *y = x + whole.width;
    size_t at = 0;
    for (size_t r = 0; r < whole.rows; r++) {
        uint32_t label = ph_data_labels(all)[r];
        if (label == PH_NO_LABEL || !wanted[label])
            continue;
        assert_int_equal(ph_data_read(all, &r, 1, x), PH_OK);
        assert_int_equal(ph_data_read(some, &at, 1, y), PH_OK);
        assert_memory_equal(x, y, whole.width * sizeof *x);
        assert_int_equal(ph_data_labels(some)[at], label);
        if (ph_data_id(all, r))
            assert_string_equal(ph_data_id(some, at), ph_data_id(all, r));
        if (ph_data_class(all, label))
            assert_string_equal(ph_data_class(some, label), ph_data_class(all, label));
        at++;
    }
    assert_true(at > 0 && at == part.rows);
    free(x);
    ph_data_close(all);
    ph_data_close(some);
}

static void rows_of_classes(void **state)
{
    (void)state;
    rows_are_those_of("glyphs:test", "3", 0, (const bool[10]){ [3] = true });
    rows_are_those_of("glyphs:test", "0, 9", 0, (const bool[10]){ [0] = true, [9] = true });
    /* A table: names of rows and classes go along, and a row without a class is in none. */
    static const char table[] = "name,a,b,kind\nu,1,2,sweet\nv,3,4,sour\nw,5,6,\nx,7,8,sweet\ny,9,10,\"hot, dry\"\n";
    write_file("kinds.csv", table, sizeof table - 1, false);
    ph_data_desc desc = { .label_column = "kind", .only_label = "sweet" };
    ph_data *d = ph_data_open(in_folder("kinds.csv"), &desc);
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_true(info.rows == 2 && info.width == 2);
    assert_string_equal(ph_data_id(d, 0), "u");
    assert_string_equal(ph_data_id(d, 1), "x");
    assert_string_equal(ph_data_column(d, 1), "b");
    assert_string_equal(info.id_column, "name");
    ph_data_close(d);
    desc.only_label = "hot, dry";
    d = ph_data_open(in_folder("kinds.csv"), &desc);
    assert_string_equal(ph_data_id(d, 0), "y");
    ph_data_close(d);
    desc.only_label = "sour,swet";
    assert_null(ph_data_open(in_folder("kinds.csv"), &desc));
    assert_int_equal(ph_last_status(), PH_USAGE);
    assert_non_null(strstr(ph_message(), "'swet' is none of its classes"));
    assert_non_null(strstr(ph_message(), "did you mean sweet?"));
    /* Big-endian numbers that stay in their file. */
    uint8_t bytes[64 + 4 * 4], labels[16];
    size_t n = idx_header(bytes, 0x0b, 3, (const uint32_t[]){ 4, 1, 2 });
    for (size_t i = 0; i < 8; i++)
        big_endian(bytes + n + 2 * i, 300 + i, 2);
    mkdir(in_folder("few"), 0777);
    write_file("few/train-images-idx3-ubyte", bytes, n + 16, false);
    size_t m = idx_header(labels, 8, 1, (const uint32_t[]){ 4 });
    memcpy(labels + m, (const uint8_t[]){ 1, 0, 1, 2 }, 4);
    write_file("few/train-labels-idx1-ubyte", labels, m + 4, false);
    for (size_t limit = 0; limit < 2; limit++) {
        rows_are_those_of(in_folder("few"), "1", limit, (const bool[3]){ [1] = true });
        rows_are_those_of(in_folder("few"), "1,2", limit, (const bool[3]){ [1] = true, [2] = true });
    }
    assert_null(opened_only(in_folder("few"), "3", 0));
    assert_non_null(strstr(ph_message(), "few: only-label: '3' is none of its classes, 0 to 2"));
    assert_null(opened_only(in_folder("few"), "", 0));
    assert_null(opened_only(in_folder("few"), "-1", 0));
    assert_null(opened_only(in_folder("few/train-labels-idx1-ubyte"), "1", 0));
    assert_non_null(strstr(ph_message(), "have no labels"));
    /* A class that no row has. */
    memcpy(labels + m, (const uint8_t[]){ 3, 0, 3, 3 }, 4);
    write_file("few/train-labels-idx1-ubyte", labels, m + 4, false);
    assert_null(opened_only(in_folder("few"), "2", 0));
    assert_non_null(strstr(ph_message(), "no row has a label of '2'"));
}

static void names(void **state)
{
    (void)state;
    assert_null(ph_data_open("glyhps", NULL));
    assert_int_equal(ph_last_status(), PH_USAGE);
    assert_non_null(strstr(ph_message(), "did you mean glyphs"));
    uint8_t b[64];
    size_t n = idx_header(b, 8, 2, (uint32_t[]){ 2, 2 });
    write_file("named.idx", b, n + 4, false);
    setenv("PINHOLE_DATA", "/nowhere", 1);
    assert_null(ph_data_open("named.idx", NULL));
    char list[600];
    snprintf(list, sizeof list, "/nowhere:%s", folder);
    setenv("PINHOLE_DATA", list, 1);
    ph_data *d = ph_data_open("named.idx", NULL);
    assert_non_null(d);
    ph_data_close(d);
    assert_refused("nothing.here", PH_USAGE, "no such file");
    write_file("a.xyz", "hel\1lo", 6, false);
    assert_refused("a.xyz", PH_USAGE, "not a kind of file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_of_every_type), cmocka_unit_test(damaged_idx),
        cmocka_unit_test(a_folder_of_idx),   cmocka_unit_test(npy_of_every_type),
        cmocka_unit_test(damaged_npy),       cmocka_unit_test(glyphs),
        cmocka_unit_test(philox_known_answers), cmocka_unit_test(scaling),
        cmocka_unit_test(slices),            cmocka_unit_test(names),
        cmocka_unit_test(rows_of_classes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
