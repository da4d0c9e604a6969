/* test_arrays.c - .npy, .npz, .safetensors and CIFAR: every type and order of numbers, every way in, and
 * every kind of damage. The files are made here, byte by byte. */
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
#include <zip.h>
#include <zlib.h>

#include "data/data.h"
#include "scratch.h"

/* ---- Files ----------------------------------------------------------------------------------- */

typedef struct bytes {
    uint8_t at[1 << 15];
    size_t count;
} bytes;

static void put(bytes *b, const void *from, size_t count)
{
    assert_true(b->count + count <= sizeof b->at);
    memcpy(b->at + b->count, from, count);
    b->count += count;
}

/* The least significant `count` bytes of value, the other way round if `big`. */
static void put_word(bytes *b, uint64_t value, size_t count, bool big)
{
    for (size_t i = 0; i < count; i++)
        put(b, &(uint8_t){ (uint8_t)(value >> 8 * (big ? count - 1 - i : i)) }, 1);
}

static void write_file(const char *name, const void *from, size_t count)
{
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".gz") == 0) {
        gzFile f = gzopen(in_folder(name), "wb");
        assert_int_equal(gzwrite(f, from, (unsigned)count), (int)count);
        gzclose(f);
        return;
    }
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(from, 1, count, f), count);
    fclose(f);
}

static bytes read_file(const char *name)
{
    bytes b;
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    b.count = fread(b.at, 1, sizeof b.at, f);
    fclose(f);
    return b;
}

static void assert_refused_with(const char *name, ph_status status, const char *says,
                                const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    if (d)
        fail_msg("%s was read, and not refused with '%s'", name, says);
    if (strstr(ph_message(), says) == NULL || strstr(ph_message(), name) == NULL ||
        strchr(ph_message(), '\n'))
        fail_msg("'%s' does not say '%s' of %s in one line", ph_message(), says, name);
    assert_int_equal(ph_last_status(), status);
}

static void assert_refused(const char *name, ph_status status, const char *says)
{
    assert_refused_with(name, status, says, NULL);
}

/* Read or refused in one line that names the file. */
static void assert_settled(const char *name)
{
    ph_data *d = ph_data_open(in_folder(name), NULL);
    if (d == NULL && (strchr(ph_message(), '\n') || strstr(ph_message(), name) == NULL))
        fail_msg("not one line that names the file: %s", ph_message());
    ph_data_close(d);
}

static ph_data *open_it(const char *name, const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static const struct kind {
    const char *npy, *tensor;  /* NULL: the format does not have it */
    ph_element element;
    double step, shift;        /* number i of an array is i * step + shift */
} kinds[] = {
    { "u1", "U8", PH_U1, 1, 3 },       { "i1", "I8", PH_I1, 1, -100 },
    { "u2", "U16", PH_U2, 500, 7 },    { "i2", "I16", PH_I2, 500, -30000 },
    { "u4", "U32", PH_U4, 1e7, 1 },    { "i4", "I32", PH_I4, 1e7, -2e9 },
    { "u8", "U64", PH_U8, 1e17, 1e4 }, { "i8", "I64", PH_I8, 1e16, -9e17 },
    { "f2", "F16", PH_F2, 0.5, -25 },  { NULL, "BF16", PH_BF2, 0.5, -60 },
    { "f4", "F32", PH_F4, 0.1, -3 },   { "f8", "F64", PH_F8, 0.1, -3 },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static double number(const struct kind *k, size_t i)
{
    return (double)i * k->step + k->shift;
}

static uint64_t as_word(ph_element e, double value)
{
    float single = (float)value;
    uint32_t bits;
    uint64_t wide;
    memcpy(&bits, &single, 4);
    memcpy(&wide, &value, 8);
    if (e == PH_F2) { /* of ordinary size: eight bits of exponent become five */
        uint32_t exponent = (bits >> 23 & 255) - 127 + 15;
        return value == 0 ? 0 : bits >> 31 << 15 | exponent << 10 | (bits >> 13 & 1023);
    }
    if (e == PH_U8)
        return (uint64_t)value;
    return e == PH_BF2 ? bits >> 16 : e == PH_F4 ? bits : e == PH_F8 ? wide : (uint64_t)(int64_t)value;
}

static void put_npy_text(bytes *b, const char *dictionary)
{
    put(b, "\x93NUMPY\x01\x00", 8);
    put_word(b, strlen(dictionary), 2, false);
    put(b, dictionary, strlen(dictionary));
}

/* Number i in C's order stands at its place in the order of the file. */
static void put_npy(bytes *b, const struct kind *k, bool big, bool fortran, size_t rank,
                    const size_t *dim)
{
    char text[256], shape[100] = "";
    size_t count = 1, used = 0;
    for (size_t i = 0; i < rank; i++) {
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%zu, ", dim[i]);
        count *= dim[i];
    }
    snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (%s), }\n",
             ph_element_bytes(k->element) == 1 ? '|' : big ? '>' : '<', k->npy,
             fortran ? "True" : "False", shape);
    put_npy_text(b, text);
    for (size_t at = 0; at < count; at++) {
        size_t i = at;
        if (fortran) {
            size_t left = at, place[5];
            for (size_t r = 0; r < rank; left /= dim[r++])
                place[r] = left % dim[r];
            i = 0;
            for (size_t r = 0; r < rank; r++)
                i = i * dim[r] + place[r];
        }
        put_word(b, as_word(k->element, number(k, i)), ph_element_bytes(k->element), big);
    }
}

static void check_numbers(const ph_data *d, const struct kind *k, size_t rank, const size_t *dim)
{
    size_t width = 1;
    for (size_t i = 1; i < rank; i++)
        width *= dim[i];
    assert_int_equal(d->rows, dim[0]);
    assert_int_equal(d->width, width);
    assert_int_equal(d->rank, rank > 1 ? rank - 1 : 1);
    for (size_t i = 1; i < rank; i++)
        assert_int_equal(d->shape[i - 1], dim[i]);
    assert_int_equal(d->element, k->element);
    for (size_t r = d->rows; r-- > 0;) {
        real row[256];
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (size_t c = 0; c < width; c++)
            if (row[c] != (real)(k->element == PH_F4 ? (float)number(k, r * width + c)
                                                     : number(k, r * width + c)))
                fail_msg("%s, row %zu, column %zu: %.9g, not %.9g", ph_element_name(k->element), r, c,
                         (double)row[c], number(k, r * width + c));
    }
    assert_int_equal(ph_data_read(d, &d->rows, 1, NULL), PH_USAGE);
}

/* ---- .npy and .npz --------------------------------------------------------------------------- */

typedef struct array {
    const char *name;
    const bytes *npy;
} array;

static void write_npz(const char *name, const array *arrays, size_t count, int method, bool secret)
{
    int error;
    unlink(in_folder(name));
    zip_t *z = zip_open(in_folder(name), ZIP_CREATE | ZIP_TRUNCATE, &error);
    assert_non_null(z);
    for (size_t i = 0; i < count; i++) {
        zip_source_t *s = zip_source_buffer(z, arrays[i].npy->at, arrays[i].npy->count, 0);
        zip_int64_t index = zip_file_add(z, arrays[i].name, s, 0);
        assert_true(index >= 0);
        assert_int_equal(zip_set_file_compression(z, (zip_uint64_t)index, method, 6), 0);
        if (secret)
            assert_int_equal(zip_file_set_encryption(z, (zip_uint64_t)index, ZIP_EM_TRAD_PKWARE, "x"), 0);
    }
    assert_int_equal(zip_close(z), 0);
}

static const size_t shapes[][5] = { { 6 }, { 5, 3 }, { 4, 3, 2 }, { 3, 2, 2, 3 }, { 2, 2, 1, 3, 2 } };

static void arrays_of_every_kind(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t rank = 1; kinds[k].npy && rank <= 5; rank++)
            for (int way = 0; way < 4; way++) {
                bytes b = { .count = 0 };
                put_npy(&b, &kinds[k], way & 1, way & 2, rank, shapes[rank - 1]);
                write_file("a.npy", b.at, b.count);
                write_file("a.npy.gz", b.at, b.count);
                write_npz("stored.npz", &(array){ "rows.npy", &b }, 1, ZIP_CM_STORE, false);
                write_npz("packed.npz", &(array){ "rows.npy", &b }, 1, ZIP_CM_DEFLATE, false);
                static const char *const names[] = { "a.npy", "a.npy.gz", "stored.npz", "packed.npz" };
                for (int n = 0; n < 4; n++)
                    for (size_t limit = 0; limit < 2; limit++) {
                        ph_data *d = open_it(names[n], &(ph_data_desc){ .memory_limit = limit });
                        check_numbers(d, &kinds[k], rank, shapes[rank - 1]);
                        assert_true((d->store.memory == NULL) == (limit == 1));
                        ph_data_close(d);
                    }
            }
}

static void special_numbers(void **state)
{
    (void)state;
    static const struct { const char *type; uint64_t word; double value; } cases[] = {
        { "<f2", 0x0000, 0 },        { "<f2", 0x0001, 0x1p-24 },   { "<f2", 0x83ff, -0x3ffp-24 },
        { "<f2", 0x0400, 0x1p-14 },  { "<f2", 0x3c00, 1 },         { "<f2", 0x3555, 0x555p-12 },
        { "<f2", 0x7bff, 65504 },    { "<f2", 0xfbff, -65504 },    { "<f2", 0x7c00, (double)INFINITY },
        { "<f2", 0xfc00, -(double)INFINITY }, { "<f2", 0x7e00, (double)NAN }, { "<f2", 0x7c01, (double)NAN },
        { "<u8", UINT64_MAX, 0x1p64 }, { "<i8", (uint64_t)1 << 63, -0x1p63 }, { "<u4", 0xffffffff, 0x1p32 },
        { "|i1", 0x80, -128 },       { "|b1", 1, 1 },              { "=i2", 0x8000, -32768 },
        { "<f8", 0x7ff8000000000000, (double)NAN }, { "<f8", 0x36a0000000000000, 0x1p-149 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        bytes b = { .count = 0 };
        real value;
        snprintf(text, sizeof text, "{\"descr\": \"%s\", \"fortran_order\": False, \"shape\": (1L,)}",
                 cases[i].type);
        put_npy_text(&b, text);
        put_word(&b, cases[i].word, (size_t)(cases[i].type[2] - '0'), false);
        write_file("one.npy", b.at, b.count);
        ph_data *d = open_it("one.npy", NULL);
        assert_int_equal(ph_data_read(d, &(size_t){ 0 }, 1, &value), PH_OK);
        ph_data_close(d);
        if (!((double)value == cases[i].value || (isnan(value) && isnan(cases[i].value))))
            fail_msg("%s %llx is %g", cases[i].type, (unsigned long long)cases[i].word, (double)value);
    }
}

/* One column of numbers, of a type of one letter and one digit. */
static bytes column(const char *type, const double *values, size_t count)
{
    static const struct { const char *name; ph_element element; } known[] = {
        { "<f4", PH_F4 }, { "<i8", PH_I8 }, { "|u1", PH_U1 } };
    char text[128];
    bytes b = { .count = 0 };
    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%zu,)}", type, count);
    put_npy_text(&b, text);
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; strcmp(known[k].name, type) == 0 && i < count; i++)
            put_word(&b, as_word(known[k].element, values[i]), (size_t)(type[2] - '0'), false);
    return b;
}

static void assert_labels(const char *name, const ph_data_desc *desc, const char *part, const char *labels)
{
    char spec[600], text[64];
    snprintf(spec, sizeof spec, "%s%s", in_folder(name), part);
    ph_data *d = ph_data_open(spec, desc);
    if (d == NULL)
        fail_msg("%s", ph_message());
    size_t n = 0;
    text[0] = '\0';
    for (size_t r = 0; d->labels && r < d->rows; r++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%u ", d->labels[r]);
    assert_string_equal(text, labels);
    ph_data_close(d);
}

static void labels_of_arrays(void **state)
{
    (void)state;
    bytes x = { .count = 0 }, t = { .count = 0 };
    put_npy(&x, &kinds[10], false, false, 2, (size_t[]){ 3, 2 });
    put_npy(&t, &kinds[10], false, false, 2, (size_t[]){ 2, 2 });
    bytes y = column("<i8", (double[]){ 2, 0, 5 }, 3), signs = column("<i8", (double[]){ -1, 1, -1 }, 3);
    bytes one = column("<i8", (double[]){ 1, 1 }, 2), part = column("<f4", (double[]){ 0.5, 1, 2 }, 3);
    bytes shorter = column("|u1", (double[]){ 1, 2 }, 2);
    static const char *const pairs[][2] = { { "X.npy", "y.npy" }, { "x.npy", "labels.npy" },
                                            { "data.npy", "label.npy" }, { "arr_0.npy", "Y.npy" } };
    for (int i = 0; i < 4; i++) {
        write_npz("l.npz", (array[]){ { pairs[i][1], &y }, { pairs[i][0], &x } }, 2, ZIP_CM_DEFLATE, false);
        assert_labels("l.npz", NULL, "", "2 0 5 ");
    }
    array all[] = { { "a.npy", &x }, { "b.npy", &signs }, { "c.npy", &part }, { "d.npy", &shorter },
                    { "notes.txt", &y } };
    write_npz("l.npz", all, 5, ZIP_CM_DEFLATE, false);
    assert_refused("l.npz", PH_USAGE, "--array NAME; there are: a, b, c, d");
    assert_refused_with("l.npz", PH_USAGE, "no array 'q'; there are: a", &(ph_data_desc){ .array = "q" });
    assert_refused_with("l.npz", PH_USAGE, "no array 'q'", &(ph_data_desc){ .array = "a", .label_array = "q" });
    assert_labels("l.npz", &(ph_data_desc){ .array = "a" }, "", "");
    assert_labels("l.npz", &(ph_data_desc){ .array = "a", .label_array = "b" }, "", "0 1 0 ");
    assert_labels("l.npz", &(ph_data_desc){ .array = "a", .label_array = "c" }, "", "0 1 2 ");
    assert_refused_with("l.npz", PH_DATA, "'d' has 2 labels for 3 rows",
                        &(ph_data_desc){ .array = "a", .label_array = "d" });
    assert_refused_with("l.npz", PH_DATA, "'a' has 2 numbers a row",
                        &(ph_data_desc){ .array = "b", .label_array = "a" });
    /* y that is no class: not whole, or several numbers. Only of another length it is damage. */
    write_npz("l.npz", (array[]){ { "X.npy", &x }, { "y.npy", &part } }, 2, ZIP_CM_DEFLATE, false);
    assert_labels("l.npz", NULL, "", "");
    write_npz("l.npz", (array[]){ { "X.npy", &x }, { "y.npy", &x } }, 2, ZIP_CM_DEFLATE, false);
    assert_labels("l.npz", NULL, "", "");
    write_npz("l.npz", (array[]){ { "X.npy", &x }, { "y.npy", &shorter } }, 2, ZIP_CM_DEFLATE, false);
    assert_refused("l.npz", PH_DATA, "'y' has 2 labels for 3 rows");
    assert_labels("l.npz", &(ph_data_desc){ .label_array = "none" }, "", "");
    bytes words = { .count = 0 };
    put_npy_text(&words, "{'descr': '<U3', 'fortran_order': False, 'shape': (3,)}");
    write_npz("l.npz", (array[]){ { "X.npy", &x }, { "y.npy", &words } }, 2, ZIP_CM_DEFLATE, false);
    assert_refused("l.npz", PH_DATA, "'y': numbers of type '<U3'");
    /* Two parts: classes are those of both, though the test part lacks one. */
    array parts[] = { { "x_train.npy", &x }, { "y_train.npy", &signs }, { "x_test.npy", &t },
                      { "y_test.npy", &one } };
    write_npz("p.npz", parts, 4, ZIP_CM_DEFLATE, false);
    assert_labels("p.npz", NULL, ":train", "0 1 0 ");
    assert_labels("p.npz", NULL, ":test", "1 1 ");
    assert_labels("p.npz", NULL, "", "0 1 0 1 1 ");
    assert_labels("p.npz", &(ph_data_desc){ .part = "test", .memory_limit = 1 }, "", "1 1 ");
    assert_labels("p.npz", &(ph_data_desc){ .label_array = "none" }, "", "");
    ph_data *d = open_it("p.npz", &(ph_data_desc){ .memory_limit = 1 });
    real row[2];
    assert_true(d->has_test && d->rows == 5);
    assert_int_equal(ph_data_read(d, &(size_t){ 4 }, 1, row), PH_OK);
    assert_true(row[1] == (real)(float)number(&kinds[10], 3));
    assert_string_equal(ph_data_class(d, 1), "1");
    ph_data_close(d);
    parts[3].npy = &y;
    write_npz("p.npz", parts, 4, ZIP_CM_DEFLATE, false);
    assert_refused("p.npz", PH_DATA, "'y_test' has 3 labels for 2 rows");
    parts[2].npy = &y;
    write_npz("p.npz", parts, 4, ZIP_CM_DEFLATE, false);
    assert_refused("p.npz", PH_USAGE, "cannot be joined");
}

static void damaged_npz(void **state)
{
    (void)state;
    bytes x = { .count = 0 };
    put_npy(&x, &kinds[11], false, false, 2, (size_t[]){ 7, 3 });
    bytes y = column("|u1", (double[]){ 0, 1, 2, 0, 1, 2, 0 }, 7);
    array both[] = { { "X.npy", &x }, { "y.npy", &y } };
    for (int method = 0; method < 2; method++) {
        write_npz("whole.npz", both, 2, method ? ZIP_CM_DEFLATE : ZIP_CM_STORE, false);
        bytes whole = read_file("whole.npz");
        for (size_t cut = 0; cut < whole.count; cut++) {
            write_file("cut.npz", whole.at, cut);
            assert_refused("cut.npz", PH_DATA, "");
        }
        for (size_t i = 0; i < whole.count; i++)
            for (int bit = 0; bit < 8; bit += 3) {
                bytes b = whole;
                b.at[i] ^= (uint8_t)(1 << bit);
                write_file("bad.npz", b.at, b.count);
                assert_settled("bad.npz");
            }
        if (method == 0) {
            bytes b = whole;
            uint8_t *at = memmem(b.at, b.count, "(7, 3, )", 8);
            at[120] ^= 1; /* a number */
            write_file("crc.npz", b.at, b.count);
            assert_refused("crc.npz", PH_DATA, "'X' cannot be unpacked: CRC");
        }
    }
    write_npz("secret.npz", both, 2, ZIP_CM_DEFLATE, true);
    assert_refused("secret.npz", PH_DATA, "'X' cannot be unpacked: No password");
    bytes more = x;
    put(&more, "x", 1);
    write_npz("more.npz", &(array){ "X.npy", &more }, 1, ZIP_CM_DEFLATE, false);
    assert_refused("more.npz", PH_DATA, "'X' is longer than its header says");
    more.count -= 2;
    write_npz("less.npz", &(array){ "X.npy", &more }, 1, ZIP_CM_DEFLATE, false);
    assert_refused("less.npz", PH_DATA, "'X' ends before its header says it does");
    write_npz("none.npz", &(array){ "X.txt", &x }, 1, ZIP_CM_DEFLATE, false);
    assert_refused("none.npz", PH_DATA, "there is no array in it");
    bytes huge = { .count = 0 };
    put_npy_text(&huge, "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000000)}");
    write_npz("huge.npz", &(array){ "X.npy", &huge }, 1, ZIP_CM_DEFLATE, false);
    assert_refused("huge.npz", PH_DATA, "ends before");
    write_file("packed.npz.gz", "PK\x03\x04 and so on", 14);
    assert_refused("packed.npz.gz", PH_USAGE, "not from a pipe or through gzip");
}

static void damaged_npy(void **state)
{
    (void)state;
    bytes whole = { .count = 0 };
    put_npy(&whole, &kinds[3], true, true, 3, (size_t[]){ 2, 3, 2 });
    for (size_t cut = 0; cut < whole.count; cut++) {
        write_file("cut.npy", whole.at, cut);
        assert_refused("cut.npy", PH_DATA, "");
        write_file("cut.npy.gz", whole.at, cut);
        assert_refused("cut.npy.gz", PH_DATA, "");
    }
    for (size_t i = 0; i < whole.count; i++)
        for (int value = 0; value < 256; value += 15) {
            bytes b = whole;
            b.at[i] = (uint8_t)value;
            write_file("bad.npy", b.at, b.count);
            assert_settled("bad.npy");
        }
    put(&whole, "x", 1);
    write_file("more.npy.gz", whole.at, whole.count);
    assert_refused("more.npy.gz", PH_DATA, "more bytes follow");
    write_file("more.npy", whole.at, whole.count);
    assert_refused("more.npy", PH_DATA, "more bytes follow");
    static const char *const lies[] = { "(1000000000, 1000000000)", "(4294967296, 4294967296)",
                                        "(18446744073709551616, 1)", "(1152921504606846976, 2)" };
    for (int i = 0; i < 4; i++)
        for (int packed = 0; packed < 2; packed++) {
            char text[128];
            bytes b = { .count = 0 };
            snprintf(text, sizeof text, "{'descr': '<f8', 'fortran_order': %s, 'shape': %s}",
                     i % 2 ? "True" : "False", lies[i]);
            put_npy_text(&b, text);
            put(&b, "12345678", 8);
            write_file(packed ? "lie.npy.gz" : "lie.npy", b.at, b.count);
            assert_refused(packed ? "lie.npy.gz" : "lie.npy", PH_DATA, "");
        }
}

/* ---- .safetensors ---------------------------------------------------------------------------- */

static bytes tensors(const char *json, const void *numbers, size_t count)
{
    bytes b = { .count = 0 };
    put_word(&b, strlen(json), 8, false);
    put(&b, json, strlen(json));
    put(&b, numbers, count);
    return b;
}

static void tensors_of_every_kind(void **state)
{
    (void)state;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t rank = 1; rank <= 5; rank++) {
            char json[300], shape[100] = "";
            bytes numbers = { .count = 0 };
            size_t count = 1, used = 0, each = ph_element_bytes(kinds[k].element);
            for (size_t i = 0; i < rank; i++) {
                used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%zu", i ? "," : "",
                                         shapes[rank - 1][i]);
                count *= shapes[rank - 1][i];
            }
            put(&numbers, "odd", 3); /* another array, so that this one stands at any place */
            for (size_t i = 0; i < count; i++)
                put_word(&numbers, as_word(kinds[k].element, number(&kinds[k], i)), each, false);
            snprintf(json, sizeof json, "{\"z\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
                     "\"X\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[3,%zu]}}", kinds[k].tensor,
                     shape, 3 + count * each);
            bytes file = tensors(json, numbers.at, numbers.count);
            write_file("a.safetensors", file.at, file.count);
            for (size_t limit = 0; limit < 2; limit++) {
                ph_data *d = open_it("a.safetensors", &(ph_data_desc){ .memory_limit = limit });
                assert_string_equal(d->format, "safetensors");
                check_numbers(d, &kinds[k], rank, shapes[rank - 1]);
                ph_data_close(d);
            }
        }
}

static void damaged_tensors(void **state)
{
    (void)state;
    static const char numbers[36] = { 0 };
#define X_OF(type, shape, begin, end)                                                              \
    "{\"X\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
    static const struct { const char *json, *says; } cases[] = {
        { X_OF("F32", "[3,2]", 0, 100) "}", "outside the file" },
        { X_OF("F32", "[3,2]", 24, 0) "}", "outside the file" },
        { X_OF("F32", "[3,2]", -4, 20) "}", "outside the file" },
        { X_OF("F32", "[3,3]", 0, 24) "}", "do not agree" },
        { X_OF("F32", "[4294967296,4294967296]", 0, 24) "}", "too large" },
        { X_OF("F8", "[3,2]", 0, 24) "}", "unknown dtype" },
        { X_OF("F32", "[-3,2]", 0, 24) "}", "not a list of" },
        { X_OF("F32", "[0,2]", 0, 0) "}", "'X': there are no rows" },
        { X_OF("F32", "[2,0]", 0, 0) "}", "'X': a row of no numbers" },
        { X_OF("F32", "[]", 0, 4) "}", "'X' has 0 dimensions" },
        { X_OF("U8", "[1,2,1,2,1,2]", 0, 8) "}", "'X' has 6 dimensions" },
        { X_OF("F32", "[3,2]", 0, 24) ",\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[24,26]}}",
          "'y' has 2 labels for 3 rows" },
        { X_OF("F32", "[3,2]", 0, 24) ",\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[20,22]}}",
          "overlaps" },
        { "[1,2]", "not a JSON object" },
        { "{\"X\":5}", "not a JSON object" },
        { "{", "header" },
        { "{}", "no array" },
        { "", "header" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes b = tensors(cases[i].json, numbers, sizeof numbers);
        write_file("bad.safetensors", b.at, b.count);
        assert_refused("bad.safetensors", PH_DATA, cases[i].says);
    }
    bytes whole = tensors(X_OF("I16", "[3,2]", 0, 12) ",\"y\":{\"dtype\":\"U8\",\"shape\":[3],"
                          "\"data_offsets\":[12,15]}}", numbers, 15);
    for (size_t cut = 0; cut < whole.count; cut++) {
        write_file("cut.safetensors", whole.at, cut);
        assert_refused("cut.safetensors", PH_DATA, "");
    }
    for (size_t i = 0; i < whole.count; i++)
        for (int value = 0; value < 256; value += 15) {
            bytes b = whole;
            b.at[i] = (uint8_t)value;
            write_file("any.safetensors", b.at, b.count);
            assert_settled("any.safetensors");
        }
    write_file("a.safetensors.gz", whole.at, whole.count);
    assert_refused("a.safetensors.gz", PH_USAGE, "not from a pipe or through gzip");
}

/* ---- CIFAR ----------------------------------------------------------------------------------- */

enum { POINTS = 1024, RECORD = 1 + 3 * POINTS };

/* Record r: colour c of point i is 7 r + 80 c + i. */
static size_t put_record(uint8_t *to, size_t head, uint8_t label, size_t r)
{
    to[0] = (uint8_t)(head == 2 ? label / 5 : label);
    to[head - 1] = label;
    for (size_t i = 0; i < 3 * POINTS; i++)
        to[head + i] = (uint8_t)(7 * r + 80 * (i / POINTS) + i % POINTS);
    return head + 3 * POINTS;
}

static void write_batch(const char *name, size_t head, size_t first, size_t count, size_t classes)
{
    static uint8_t b[8 * (RECORD + 1)];
    size_t n = 0;
    for (size_t r = first; r < first + count; r++)
        n += put_record(b + n, head, (uint8_t)(r % classes), r);
    write_file(name, b, n);
}

static void check_records(const ph_data *d, size_t rows, size_t classes)
{
    assert_int_equal(d->rows, rows);
    assert_int_equal(d->rank, 3);
    assert_int_equal(d->shape[2], 3);
    assert_string_equal(d->format, "CIFAR");
    for (size_t r = 0; r < rows; r++) {
        static real row[3 * POINTS];
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        assert_int_equal(d->labels[r], r % classes);
        for (size_t i = 0; i < POINTS; i++)
            for (size_t c = 0; c < 3; c++)
                assert_true(row[3 * i + c] == (real)(uint8_t)(7 * r + 80 * c + i));
    }
}

static void cifar(void **state)
{
    (void)state;
    static const struct { const char *name; size_t head, classes; } files[] = {
        { "data_batch_1.bin", 1, 10 }, { "some.bin.gz", 1, 10 }, { "train.bin", 2, 100 },
        { "test.bin.gz", 2, 100 } };
    for (size_t f = 0; f < 4; f++)
        for (size_t limit = 0; limit < 2; limit++) {
            write_batch(files[f].name, files[f].head, 0, 4, files[f].classes);
            ph_data *d = open_it(files[f].name, &(ph_data_desc){ .memory_limit = limit });
            check_records(d, 4, files[f].classes);
            ph_data_close(d);
            unlink(in_folder(files[f].name));
        }
    mkdir(in_folder("ten"), 0777);
    write_batch("ten/data_batch_1.bin", 1, 0, 3, 10);
    write_batch("ten/data_batch_2.bin.gz", 1, 3, 5, 10);
    write_batch("ten/test_batch.bin", 1, 8, 4, 10);
    write_file("ten/batches.meta.txt", "airplane\r\nautomobile\n\n", 23);
    for (size_t limit = 0; limit < 2; limit++) {
        ph_data *d = open_it("ten", &(ph_data_desc){ .memory_limit = limit });
        check_records(d, 12, 10);
        assert_true(d->has_test);
        assert_string_equal(ph_data_class(d, 1), "automobile");
        ph_data_close(d);
        d = open_it("ten:train", &(ph_data_desc){ .memory_limit = limit });
        check_records(d, 8, 10);
        ph_data_close(d);
        d = open_it("ten", &(ph_data_desc){ .part = "test" });
        assert_int_equal(d->rows, 4);
        assert_int_equal(d->labels[0], 8);
        ph_data_close(d);
    }
    mkdir(in_folder("hundred"), 0777);
    write_batch("hundred/train.bin.gz", 2, 0, 5, 100);
    write_batch("hundred/test.bin", 2, 5, 2, 100);
    ph_data *d = open_it("hundred", NULL);
    check_records(d, 7, 100);
    ph_data_close(d);
}

static void damaged_cifar(void **state)
{
    (void)state;
    static uint8_t b[3 * RECORD];
    for (size_t r = 0; r < 3; r++)
        put_record(b + r * RECORD, 1, (uint8_t)r, r);
    static const struct { size_t size; const char *says; } cuts[] = {
        { 0, "record 1 of 3073 bytes is cut off after 0" },
        { 1, "record 1 of 3073 bytes is cut off after 1" },
        { RECORD - 1, "record 1 of 3073 bytes is cut off after 3072" },
        { RECORD + 1, "record 2 of 3073 bytes is cut off after 1" },
        { 3 * RECORD - 1, "record 3 of 3073 bytes is cut off after 3072" } };
    for (size_t i = 0; i < 5; i++) {
        write_file("cut.bin", b, cuts[i].size);
        assert_refused("cut.bin", PH_DATA, cuts[i].says);
        write_file("cut.bin.gz", b, cuts[i].size);
        assert_refused("cut.bin.gz", PH_DATA, cuts[i].says);
    }
    b[2 * RECORD] = 10;
    write_file("label.bin", b, sizeof b);
    assert_refused("label.bin", PH_DATA, "record 3: the label is 10");
    mkdir(in_folder("broken"), 0777);
    write_batch("broken/data_batch_1.bin", 1, 0, 3, 10);
    write_file("broken/data_batch_2.bin", b, sizeof b);
    assert_refused("broken", PH_DATA, "data_batch_2.bin: record 3: the label is 10");
}

/* ---- Joins ----------------------------------------------------------------------------------- */

static void write_idx(const char *name, uint8_t type, size_t rows, double first)
{
    bytes b = { .count = 0 };
    put(&b, (uint8_t[]){ 0, 0, type, 2 }, 4);
    put_word(&b, rows, 4, true);
    put_word(&b, 5, 4, true);
    ph_element e = type == 0x0d ? PH_F4 : PH_I2;
    for (size_t i = 0; i < rows * 5; i++)
        put_word(&b, as_word(e, first + (double)i), ph_element_bytes(e), true);
    write_file(name, b.at, b.count);
}

/* The training part may lie in its file in the other byte order, the test part in memory in ours. */
static void joined_parts(void **state)
{
    (void)state;
    static const size_t limits[] = { 1, 100, 300, 1 << 20 };
    mkdir(in_folder("parts"), 0777);
    for (int type = 0x0b; type <= 0x0d; type += 2)
        for (int l = 0; l < 4; l++)
            for (int order = 0; order < 2; order++) {
                write_idx("parts/train-images-idx3-ubyte", (uint8_t)type, order ? 2 : 14, 3);
                write_idx("parts/t10k-images-idx3-ubyte", (uint8_t)type, order ? 14 : 2, order ? 13 : 73);
                ph_data *d = open_it("parts", &(ph_data_desc){ .memory_limit = limits[l] });
                assert_int_equal(d->rows, 16);
                for (size_t r = 0; r < 16; r++) {
                    real row[5];
                    assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
                    for (size_t c = 0; c < 5; c++)
                        assert_true(row[c] == (real)(3 + 5 * r + c));
                }
                ph_data_close(d);
            }
    write_idx("parts/t10k-images-idx3-ubyte", 0x0b, 2, 0);
    assert_refused("parts", PH_USAGE, "cannot be joined");
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* Sets one after the other: classes by their names, ids where all have some. */
static void sums_of_sets(void **state)
{
    (void)state;
    char sum[2048];
    write_text("one.csv", "who,a,b,class\nx,1,2,cat\ny,3,4,dog\n");
    write_text("two.csv", "who,a,b,class\nz,5,6,owl\nw,7,8,dog\n");
    write_text("three.csv", "a,b,class\n9,10,dog\n");
    write_text("wide.csv", "who,a,b,c,class\nz,5,6,1,owl\n");
    write_text("a+b.csv", "who,a,b,class\nz,5,6,owl\n");
    const ph_data_desc desc = { .label_column = "class" };
#define SUM(a, b) (snprintf(sum, sizeof sum, "%s", in_folder(a)), \
                   snprintf(sum + strlen(sum), sizeof sum - strlen(sum), "+%s", in_folder(b)), sum)
    ph_data *d = ph_data_open(SUM("one.csv", "two.csv"), &desc);
    assert_non_null(d);
    static const char *const classes[] = { "cat", "dog", "owl", "dog" }, *const ids[] = { "x", "y", "z", "w" };
    assert_int_equal(d->rows, 4);
    for (size_t r = 0; r < 4; r++) {
        real row[2];
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        assert_true(row[0] == (real)(2 * r + 1) && row[1] == (real)(2 * r + 2));
        assert_string_equal(ph_data_class(d, d->labels[r]), classes[r]);
        assert_string_equal(ph_data_id(d, r), ids[r]);
    }
    ph_data_close(d);
    d = ph_data_open(SUM("one.csv", "three.csv"), &desc);
    assert_non_null(d);
    assert_true(d->rows == 3 && ph_data_id(d, 0) == NULL && d->labels[2] == d->labels[1]);
    ph_data_close(d);
    assert_null(ph_data_open(SUM("one.csv", "wide.csv"), &desc));
    assert_non_null(strstr(ph_message(), "cannot be joined"));
    assert_null(ph_data_open(SUM("one.csv", "none.csv"), &desc));
    assert_non_null(strstr(ph_message(), "none.csv"));
    d = open_it("a+b.csv", &desc); /* a name of its own */
    assert_int_equal(d->rows, 1);
    ph_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_of_every_kind),  cmocka_unit_test(special_numbers),
        cmocka_unit_test(labels_of_arrays),      cmocka_unit_test(damaged_npz),
        cmocka_unit_test(damaged_npy),           cmocka_unit_test(tensors_of_every_kind),
        cmocka_unit_test(damaged_tensors),       cmocka_unit_test(cifar),
        cmocka_unit_test(damaged_cifar),         cmocka_unit_test(joined_parts),
        cmocka_unit_test(sums_of_sets),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
