/* test_join.c - windows put together again, as WAV, as PNG and as bytes: compared with sums over all windows, and read
 * back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "sound.h"
#include "view/join.h"

static ph_data *opened(const char *name, const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    if (d == NULL)
        fail_msg("%s: %s", name, ph_message());
    return d;
}

static real *all_rows(const ph_data *d)
{
    real *rows = malloc(d->rows * d->width * sizeof *rows);
    for (size_t r = 0; r < d->rows; r++)
        assert_int_equal(ph_data_read(d, &r, 1, rows + r * d->width), PH_OK);
    return rows;
}

static void write_pgm(const char *name, size_t width, size_t height)
{
    static uint8_t bytes[1 << 14];
    size_t n = (size_t)sprintf((char *)bytes, "P5 %zu %zu 255\n", width, height);
    for (size_t i = 0; i < width * height; i++)
        bytes[n++] = (uint8_t)(i * 37 + i / 11);
    assert_true(write_bytes(name, bytes, n));
}

/* ---- The sum ------------------------------------------------------------------------------------ */

typedef struct lines {
    real numbers[1 << 14];
    size_t count, each;
} lines;

static ph_status take(void *to, const real *numbers, size_t count)
{
    lines *l = to;
    memcpy(l->numbers + l->count * l->each, numbers, count * l->each * sizeof numbers[0]);
    l->count += count;
    return PH_OK;
}

static double bell(size_t i, size_t n)
{
    double s = sin(acos(-1) * ((double)i + 0.5) / (double)n);
    return s * s;
}

/* Rows of any content: each number of the whole is the weighted mean of what all windows say of it. */
static void assert_joined(const ph_data *d, size_t height, size_t width, size_t channels)
{
    static lines l;
    static double sum[1 << 14], share[1 << 14];
    real *rows = malloc(d->rows * d->width * sizeof *rows);
    l = (lines){ .each = width * channels };
    memset(sum, 0, sizeof sum);
    memset(share, 0, sizeof share);
    for (size_t i = 0; i < d->rows * d->width; i++)
        rows[i] = (real)sin((double)(i * i));
    for (size_t r = 0; r < d->rows; r++) {
        ph_excerpt at;
        assert_true(ph_data_excerpt(d, r, &at));
        for (size_t i = 0; i < d->width; i++) {
            size_t y = i / channels / at.size[1], x = i / channels % at.size[1];
            if (at.place[0] + y >= height || at.place[1] + x >= width)
                continue; /* what a small piece is continued by is not of it */
            size_t place = ((at.place[0] + y) * width + at.place[1] + x) * channels + i % channels;
            double weight = bell(y, at.size[0]) * bell(x, at.size[1]);
            sum[place] += weight * (double)rows[r * d->width + i];
            share[place] += weight;
        }
    }
    ph_join *j = ph_join_new("whole", d, channels, take, &l);
    assert_non_null(j);
    for (size_t r = 0, n; r < d->rows; r += n) { /* in batches of odd sizes */
        n = d->rows - r < 3 ? d->rows - r : 3;
        assert_int_equal(ph_join_end(j), PH_USAGE);
        assert_int_equal(ph_join_rows(j, rows + r * d->width, n), PH_OK);
    }
    assert_int_equal(ph_join_end(j), PH_OK);
    assert_int_equal(ph_join_rows(j, rows, 1), PH_USAGE);
    assert_int_equal(l.count, height);
    for (size_t i = 0; i < height * width * channels; i++) {
        assert_true(share[i] > 0);
        if (!(fabs((double)l.numbers[i] - sum[i] / share[i]) < 1e-5))
            fail_msg("number %zu is %g, not %g", i, (double)l.numbers[i], sum[i] / share[i]);
    }
    ph_join_free(j);
    free(rows);
}

/* What a window says of its frames: its own row's first channel, one number a frame. */
static ph_status first_channel(void *with, const ph_data *d, size_t first, size_t count, real *out)
{
    size_t *calls = with, frames = d->width / 3;
    static real row[1 << 14];
    ++*calls;
    for (size_t r = first; r < first + count; r++) {
        if (ph_data_read(d, &r, 1, row) != PH_OK)
            return ph_last_status();
        for (size_t i = 0; i < frames; i++)
            *out++ = row[3 * i];
    }
    return PH_OK;
}

static ph_status failing(void *with, const ph_data *d, size_t first, size_t count, real *out)
{
    (void)with, (void)d, (void)first, (void)count, (void)out;
    return ph_fail(PH_DATA, "as asked");
}

/* Maps have a number for each pixel, whatever the channels of the picture are. */
static void all_at_once(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 14];
    static const char *const cuts[][2] = { { "16x10", "3x7" }, { "1x1", NULL }, { "40x10", NULL }, { "64", NULL } };
    size_t n = (size_t)sprintf((char *)bytes, "P6 31 23 255\n"), calls = 0;
    for (size_t i = 0; i < 31 * 23 * 3; i++)
        bytes[n++] = (uint8_t)(i * 37 + i / 11);
    assert_true(write_bytes("rgb.ppm", bytes, n));
    for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
        real out[31 * 23 + 1];
        ph_data *d = opened("rgb.ppm", &(ph_data_desc){ .window = cuts[k][0], .hop = cuts[k][1] });
        out[31 * 23] = 4711;
        assert_int_equal(ph_join_windows(d, 1, first_channel, &calls, out), PH_OK);
        for (size_t i = 0; i < 31 * 23; i++)
            assert_true(fabs((double)out[i] - bytes[n - 31 * 23 * 3 + 3 * i]) < 1e-4);
        assert_true(out[31 * 23] == 4711);
        assert_int_equal(ph_join_windows(d, 1, failing, NULL, out), PH_DATA);
        ph_data_close(d);
    }
    assert_true(calls == 1 + 3 + 1 + 1); /* 713 windows of a pixel are three batches */
    real row[4] = { 0 };
    ph_data *rows = ph_data_from_memory(row, 2, 2, NULL);
    assert_int_equal(ph_join_windows(rows, 1, failing, NULL, row), PH_USAGE);
    ph_data_close(rows);
}

static void weighted_means(void **state)
{
    (void)state;
    static const char *const sounds[][2] = { { "100", "50" }, { "100", "37" }, { "99", "1" }, { "64", "64" },
                                             { "333", NULL }, { "1", NULL },   { "7", "5" },
                                             { "334", NULL }, { "2000", NULL } };
    for (unsigned channels = 1; channels < 3; channels++) {
        sound s = { 1, 16, channels, 8000, false, 333 };
        assert_true(write_sound("s.wav", &s));
        for (size_t i = 0; i < sizeof sounds / sizeof sounds[0]; i++) {
            ph_data *d = opened("s.wav", &(ph_data_desc){ .window = sounds[i][0], .hop = sounds[i][1] });
            assert_joined(d, 333, 1, channels);
            ph_data_close(d);
        }
    }
    static const char *const pictures[][2] = { { "16", NULL }, { "16x10", "3x7" }, { "31x23", "1" },
                                               { "5x23", "5x23" }, { "30x1", "2x1" }, { "1x1", NULL },
                                               { "40x10", NULL },  { "16x30", "9x4" }, { "64", NULL } };
    write_pgm("p.pgm", 31, 23);
    write_pgm("one.pgm", 1, 1);
    for (size_t i = 0; i < sizeof pictures / sizeof pictures[0]; i++) {
        ph_data_desc desc = { .window = pictures[i][0], .hop = pictures[i][1] };
        ph_data *d = opened("p.pgm", &desc), *one = opened("one.pgm", &desc);
        assert_joined(d, 23, 31, 1);
        assert_joined(one, 1, 1, 1);
        ph_data_close(d);
        ph_data_close(one);
    }
}

/* ---- Files -------------------------------------------------------------------------------------- */

static ph_writer *writer(const char *name, const ph_data *d, size_t *clipped)
{
    return ph_writer_open(in_folder(name), &(ph_writer_desc){ .width = d->width, .source = d, .whole = true,
                                                             .clipped = clipped, .white = 255 });
}

static void write_rows(const char *name, const ph_data *d, const real *rows, size_t *clipped)
{
    ph_writer *w = writer(name, d, clipped);
    if (w == NULL)
        fail_msg("%s: %s", name, ph_message());
    assert_int_equal(ph_writer_rows(w, rows, d->rows), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
}

static size_t read_bytes(const char *name, uint8_t *to)
{
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, 1 << 16, f);
    fclose(f);
    return n;
}

/* What was cut and is put together is the file that it was: bytes of PCM of 16 bits, samples of others. */
static void a_sound_comes_back(void **state)
{
    (void)state;
    static uint8_t a[1 << 16], b[1 << 16];
    static const struct { unsigned tag, bits; const char *written; } kinds[] = {
        { 1, 16, "16-bit PCM" }, { 1, 8, "16-bit PCM" }, { 1, 24, "32-bit float" }, { 3, 32, "32-bit float" } };
    for (size_t k = 0; k < 4; k++)
        for (unsigned channels = 1; channels < 3; channels++) {
            sound s = { kinds[k].tag, kinds[k].bits, channels, 11025, false, 2047 };
            size_t clipped = 9;
            assert_true(write_sound("in.wav", &s));
            ph_data *d = opened("in.wav", &(ph_data_desc){ .window = "500", .hop = "123" });
            real *rows = all_rows(d);
            write_rows("out.wav", d, rows, &clipped);
            assert_int_equal(clipped, 0);
            ph_data *back = opened("out.wav", &(ph_data_desc){ .window = "500", .hop = "123" });
            ph_data_info info;
            ph_data_describe(back, &info);
            assert_string_equal(info.coding, kinds[k].written);
            assert_int_equal(info.rate, 11025);
            assert_int_equal(info.rows, d->rows);
            real *again = all_rows(back);
            for (size_t i = 0; i < d->rows * d->width; i++)
                assert_true(fabs((double)rows[i] - (double)again[i]) < 1e-7);
            if (k == 0) {
                size_t size = read_bytes("in.wav", a);
                assert_int_equal(read_bytes("out.wav", b), size);
                assert_memory_equal(a, b, size);
            }
            free(rows);
            free(again);
            ph_data_close(back);
            ph_data_close(d);
        }
}

/* What is smaller than a window comes back as it was. */
static void small_ones_come_back(void **state)
{
    (void)state;
    static uint8_t a[1 << 16], b[1 << 16];
    for (size_t frames = 1; frames < 500; frames = 3 * frames + 1)
        for (unsigned channels = 1; channels < 3; channels++) {
            sound s = { 1, 16, channels, 11025, false, frames };
            assert_true(write_sound("in.wav", &s));
            ph_data *d = opened("in.wav", &(ph_data_desc){ .window = "500" });
            real *rows = all_rows(d);
            write_rows("out.wav", d, rows, NULL);
            size_t size = read_bytes("in.wav", a);
            assert_int_equal(read_bytes("out.wav", b), size);
            assert_memory_equal(a, b, size);
            free(rows);
            ph_data_close(d);
        }
    static const char *const windows[] = { "40", "16x30", "40x10" };
    write_pgm("p.pgm", 31, 23);
    ph_data *whole = opened("p.pgm", NULL);
    real *pixels = all_rows(whole);
    for (size_t i = 0; i < 3; i++) {
        ph_data *d = opened("p.pgm", &(ph_data_desc){ .window = windows[i] });
        real *rows = all_rows(d);
        write_rows("p.png", d, rows, NULL);
        ph_data *back = opened("p.png", NULL);
        assert_true(back->shape[0] == 23 && back->shape[1] == 31);
        real *again = all_rows(back);
        assert_memory_equal(pixels, again, 23 * 31 * sizeof *pixels);
        free(rows);
        free(again);
        ph_data_close(back);
        ph_data_close(d);
    }
    free(pixels);
    ph_data_close(whole);
}

/* Beyond full scale: counted, and brought to it in PCM, kept in float. */
static void beyond_full_scale(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    const real rows[6] = { (real)-1.5, -1, (real)0.25, 1, (real)1.001, 7 };
    for (int real_in = 0; real_in < 2; real_in++) {
        sound s = { real_in ? 3 : 1, real_in ? 32 : 16, 1, 8000, false, 6 };
        size_t clipped = 9;
        assert_true(write_sound("in.wav", &s));
        ph_data *d = opened("in.wav", &(ph_data_desc){ .window = "6" });
        write_rows("out.wav", d, rows, &clipped);
        assert_int_equal(clipped, real_in ? 0 : 3);
        size_t size = read_bytes("out.wav", bytes);
        assert_int_equal(size, real_in ? 58 + 24 : 44 + 12);
        for (size_t i = 0; i < 6; i++) {
            static const int16_t levels[6] = { -32768, -32768, 8192, 32767, 32767, 32767 };
            int16_t level;
            float single;
            memcpy(&level, bytes + 44 + 2 * i, 2);
            memcpy(&single, bytes + 58 + 4 * i, 4);
            assert_true(real_in ? single == (float)rows[i] : level == levels[i]);
        }
        ph_data_close(d);
    }
}

static void a_picture_comes_back(void **state)
{
    (void)state;
    write_pgm("p.pgm", 31, 23);
    ph_data *d = opened("p.pgm", &(ph_data_desc){ .window = "16x10", .hop = "5x3" });
    ph_data *whole = opened("p.pgm", NULL);
    real *rows = all_rows(d), *pixels = all_rows(whole);
    write_rows("p.png", d, rows, NULL);
    ph_data *back = opened("p.png", NULL);
    assert_true(back->shape[0] == 23 && back->shape[1] == 31);
    real *again = all_rows(back);
    assert_memory_equal(pixels, again, 23 * 31 * sizeof *pixels);
    free(rows);
    free(pixels);
    free(again);
    ph_data_close(back);
    ph_data_close(whole);
    ph_data_close(d);
}

static void assert_not_open(ph_writer *w, const char *says)
{
    assert_null(w);
    assert_int_equal(ph_last_status(), PH_USAGE);
    if (strstr(ph_message(), says) == NULL)
        fail_msg("'%s' does not say '%s'", ph_message(), says);
}

/* Each byte is what the window says of it in which it is nearest to the middle; numbers are rounded, and
 * those that are no bytes are brought to the nearest and counted. */
static void bytes_come_back(void **state)
{
    (void)state;
    enum { SIZE = 333 };
    static const char *const cuts[][2] = { { "100", "50" }, { "100", "37" }, { "99", "1" }, { "64", "64" },
                                           { "333", NULL }, { "1", NULL },   { "7", "5" } };
    static uint8_t content[SIZE], back[1 << 16];
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 37);
    assert_true(write_bytes("b", content, SIZE));
    for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
        ph_data_desc desc = { .format = "bytes", .window = cuts[k][0], .hop = cuts[k][1] };
        ph_data *d = opened("b", &desc);
        real *rows = all_rows(d);
        size_t clipped, beyond = 0;
        write_rows("same.txt", d, rows, &clipped);
        assert_int_equal(read_bytes("same.txt", back), SIZE);
        assert_memory_equal(back, content, SIZE);
        assert_int_equal(clipped, 0);
        for (size_t i = 0; i < d->rows * d->width; i++)
            rows[i] = (real)(127.5 + 140 * sin((double)(i * i)));
        double want[SIZE], least[SIZE], tie[SIZE];
        for (size_t i = 0; i < SIZE; i++)
            least[i] = tie[i] = INFINITY;
        for (size_t r = 0; r < d->rows; r++)
            for (size_t i = 0; i < d->width; i++) {
                ph_excerpt at;
                assert_true(ph_data_excerpt(d, r, &at));
                size_t place = at.place[0] + i;
                double off = fabs((double)i + 0.5 - (double)d->width / 2);
                double number = (double)rows[r * d->width + i];
                tie[place] = off == least[place] ? number : off < least[place] ? INFINITY : tie[place];
                want[place] = off < least[place] ? number : want[place];
                least[place] = off < least[place] ? off : least[place];
            }
        write_rows("any.txt", d, rows, &clipped);
        assert_int_equal(read_bytes("any.txt", back), SIZE);
        for (size_t i = 0; i < SIZE; i++) {
            double first = fmin(fmax(rint(want[i]), 0), 255), other = fmin(fmax(rint(tie[i]), 0), 255);
            assert_true(back[i] == first || (isfinite(tie[i]) && back[i] == other));
            beyond += isinf(tie[i]) && !(rint(want[i]) >= 0 && rint(want[i]) <= 255);
        }
        assert_true(clipped >= beyond && beyond > 0);
        free(rows);
        ph_data_close(d);
    }
    ph_data *d = opened("b", &(ph_data_desc){ .format = "bytes", .window = "333" });
    real row[SIZE] = { 0 };
    row[7] = (real)NAN;
    ph_writer *w = ph_writer_open(in_folder("nan.txt"), &(ph_writer_desc){ .width = SIZE, .source = d, .whole = true });
    assert_non_null(w);
    assert_int_equal(ph_writer_rows(w, row, 1), PH_DATA);
    assert_non_null(strstr(ph_message(), "missing"));
    ph_writer_discard(w);
    ph_data_close(d);
}

static void refused(void **state)
{
    (void)state;
    sound s = { 1, 16, 1, 8000, false, 333 };
    const real row[4] = { 0 }, none = (real)NAN;
    assert_true(write_sound("s.wav", &s));
    write_pgm("p.pgm", 31, 23);
    ph_data *d = opened("s.wav", &(ph_data_desc){ .window = "111", .hop = "111" });
    ph_data *picture = opened("p.pgm", &(ph_data_desc){ .window = "4" });
    ph_data *rows = ph_data_from_memory(row, 2, 2, NULL), *part = ph_data_slice(d, 1, 2);
    assert_not_open(writer("x.wav", rows, NULL), "x.wav: a .wav is written of what comes back of a sound");
    assert_not_open(writer("x.wav", picture, NULL), "x.wav: a .wav is written of what comes back of a sound");
    assert_not_open(writer("x.wav", part, NULL), "not the windows of one sound");
    assert_not_open(writer("x.png", d, NULL), "x.png: the rows are no windows of a picture");
    ph_writer *w = writer("x.wav", d, NULL);
    real *all = all_rows(d);
    assert_int_equal(ph_writer_rows(w, all, 2), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_USAGE);
    assert_non_null(strstr(ph_message(), "only 2 of its 3 windows came back"));
    w = writer("x.wav", d, NULL);
    all[0] = none;
    assert_int_equal(ph_writer_rows(w, all, 3), PH_DATA);
    assert_non_null(strstr(ph_message(), "a sample is no number"));
    ph_writer_discard(w);
    assert_int_equal(leftovers(), 0);
    free(all);
    ph_data_close(part);
    ph_data_close(rows);
    ph_data_close(picture);
    ph_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighted_means),    cmocka_unit_test(a_sound_comes_back),
        cmocka_unit_test(beyond_full_scale), cmocka_unit_test(a_picture_comes_back),
        cmocka_unit_test(bytes_come_back),   cmocka_unit_test(small_ones_come_back),
        cmocka_unit_test(refused),           cmocka_unit_test(all_at_once),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
