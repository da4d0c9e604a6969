/* test_sounds.c - WAV in every coding and with every kind of damage, and rows that are windows: of sounds and
 * of pictures of any size.
 */
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
#include <zlib.h>

#include "data/data.h"
#include "data/windowed.h"
#include "data/scaling.h"
#include "sound.h"

static const sound mono = { .tag = 1, .bits = 16, .channels = 1, .rate = 8000, .frames = 2500 };

/* ---- Codings ------------------------------------------------------------------------------------ */

static void every_coding(void **state)
{
    (void)state;
    static const struct { unsigned tag, bits; const char *name; } kinds[] = {
        { 1, 8, "8-bit PCM" },   { 1, 16, "16-bit PCM" },   { 1, 24, "24-bit PCM" },
        { 1, 32, "32-bit PCM" }, { 3, 32, "32-bit float" }, { 3, 64, "64-bit float" } };
    for (size_t k = 0; k < 6; k++)
        for (unsigned channels = 1; channels < 4; channels++)
            for (int extensible = 0; extensible < 2; extensible++) {
                sound s = { kinds[k].tag, kinds[k].bits, channels, 44100, extensible, 1031 };
                ph_data_info info;
                static real row[1031 * 3];
                assert_true(write_sound("k.wav", &s));
                ph_data *d = opened("k.wav", &(ph_data_desc){ .window = "1031" });
                ph_data_describe(d, &info);
                assert_string_equal(info.coding, kinds[k].name);
                assert_int_equal(info.rate, 44100);
                assert_int_equal(info.rows, 1);
                assert_int_equal(info.width, 1031 * channels);
                assert_int_equal(info.rank, channels == 1 ? 1 : 3);
                if (channels > 1)
                    assert_true(info.shape[0] == 1 && info.shape[1] == 1031 && info.shape[2] == channels);
                assert_int_equal(ph_data_read(d, &(size_t){ 0 }, 1, row), PH_OK);
                for (size_t i = 0; i < info.width; i++) {
                    double want = s.tag == 3 ? sample_at(i / channels, i % channels)
                                             : ldexp((double)level_at(&s, i / channels, i % channels),
                                                     1 - (int)s.bits);
                    assert_true((float)row[i] == (float)want);
                }
                ph_data_close(d);
            }
}

/* ---- Windows ------------------------------------------------------------------------------------ */

/* Window 1000 and hop 300 in 2500: 0, 300, ..., 1500, the last flush with the end. */
static void windows_of_a_sound(void **state)
{
    (void)state;
    static const struct { const char *window, *hop; size_t size, rows, last_but_one, apart; } cuts[] = {
        { NULL, NULL, 1024, 4, 1024, 512 },       { "1000", "300", 1000, 6, 1200, 300 },
        { "1000", NULL, 1000, 4, 1000, 500 },     { "1000", "700", 1000, 4, 1400, 700 },
        { "2500", NULL, 2500, 1, 0, 1250 },       { "2499", "7", 2499, 2, 0, 7 },
        { "1", "1", 1, 2500, 2498, 1 },           { "3", NULL, 3, 1250, 2496, 2 },
    };
    sound s = mono;
    for (s.channels = 1; s.channels < 3; s.channels++) {
        assert_true(write_sound("w.wav", &s));
        for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++)
            for (size_t limit = 0; limit < 2; limit++) {
                static real row[2 * 2500];
                ph_data_desc desc = { .window = cuts[k].window, .hop = cuts[k].hop, .memory_limit = limit * 100 };
                ph_data *d = opened("w.wav", &desc);
                ph_data_info info;
                ph_data_describe(d, &info);
                assert_int_equal(info.rows, cuts[k].rows);
                assert_int_equal(info.pieces, 1);
                for (size_t r = 0; r < info.rows; r++) {
                    ph_excerpt at;
                    char id[64];
                    size_t begin = r + 1 == info.rows ? s.frames - cuts[k].size : r * cuts[k].apart;
                    assert_true(r + 2 != info.rows || begin == cuts[k].last_but_one);
                    assert_true(ph_data_excerpt(d, r, &at));
                    assert_true(at.place[0] == begin && at.place[1] == 0 && at.whole[0] == s.frames);
                    snprintf(id, sizeof id, "w.wav+%zu", begin);
                    assert_string_equal(ph_data_id(d, r), id);
                    assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
                    for (size_t i = 0; i < info.width; i++)
                        assert_true((float)row[i] == (float)ldexp((double)level_at(&s, begin + i / s.channels,
                                                                                  i % s.channels), -15));
                }
                assert_false(ph_data_excerpt(d, info.rows, &(ph_excerpt){ 0 }));
                ph_data_close(d);
            }
    }
}

static void refused_windows(void **state)
{
    (void)state;
    assert_true(write_sound("w.wav", &mono));
    static const struct { const char *window, *hop, *says; ph_status status; } bad[] = {
        { "0", NULL, "window 0:", PH_USAGE },     { "", NULL, "window :", PH_USAGE },
        { "10x10", NULL, "window 10x10:", PH_USAGE }, { "-3", NULL, "window -3:", PH_USAGE },
        { "1e3", NULL, "window 1e3:", PH_USAGE }, { "99999999999999999999", NULL, "window 9", PH_USAGE },
        { "10", "11", "hop 11: larger than the window", PH_USAGE }, { "10", "0", "hop 0:", PH_USAGE },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused("w.wav", &(ph_data_desc){ .window = bad[i].window, .hop = bad[i].hop }, bad[i].status,
                       bad[i].says);
}

/* Where a walk of that many steps among n frames ends that turns at the first and at the last. */
static size_t walk(size_t steps, size_t n)
{
    size_t at = 0;
    bool back = false;
    for (; steps && n > 1; steps--) {
        back = at == 0 ? false : at == n - 1 ? true : back;
        at = back ? at - 1 : at + 1;
    }
    return at;
}

/* A sound shorter than a window is one row, and goes on by reflection. */
static void short_sounds_go_on(void **state)
{
    (void)state;
    static const struct { size_t frames; const char *window; size_t size; } cuts[] = {
        { 1, NULL, 1024 }, { 1, "2", 2 },   { 2, "7", 7 },   { 3, "4", 4 },      { 100, NULL, 1024 },
        { 100, "101", 101 }, { 100, "199", 199 }, { 100, "1001", 1001 }, { 1023, NULL, 1024 },
    };
    for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++)
        for (unsigned channels = 1; channels < 3; channels++)
            for (size_t limit = 0; limit < 2; limit++) {
                static real row[2 * 1024], copy[2 * 1024];
                sound s = { 1, 16, channels, 8000, false, cuts[k].frames };
                assert_true(write_sound("short.wav", &s));
                ph_data *d = opened("short.wav", &(ph_data_desc){ .window = cuts[k].window,
                                                                   .memory_limit = limit });
                ph_excerpt at;
                assert_int_equal(d->rows, 1);
                assert_int_equal(d->width, cuts[k].size * channels);
                assert_true(ph_data_excerpt(d, 0, &at));
                assert_true(at.place[0] == 0 && at.size[0] == cuts[k].size && at.whole[0] == s.frames);
                assert_string_equal(ph_data_id(d, 0), "short.wav+0");
                assert_int_equal(ph_data_read(d, &(size_t){ 0 }, 1, row), PH_OK);
                for (size_t i = 0; i < d->width; i++) {
                    size_t frame = walk(i / channels, s.frames);
                    assert_true((float)row[i] == (float)ldexp((double)level_at(&s, frame, i % channels), -15));
                }
                ph_data *picked = ph_data_pick(d, &(size_t){ 0 }, 1, PH_MEMORY_LIMIT);
                assert_int_equal(ph_data_read(picked, &(size_t){ 0 }, 1, copy), PH_OK);
                assert_memory_equal(row, copy, d->width * sizeof *row);
                ph_data_close(picked);
                ph_data_close(d);
            }
}

/* A slice and picked rows of windows are the windows that they were. */
static void parts_of_windows(void **state)
{
    (void)state;
    sound s = mono;
    s.channels = 2;
    assert_true(write_sound("w.wav", &s));
    ph_data *d = opened("w.wav", &(ph_data_desc){ .window = "100", .hop = "30" });
    ph_data *slice = ph_data_slice(d, 7, 20);
    const size_t index[] = { 19, 3, 3 };
    ph_data *picked = ph_data_pick(slice, index, 3, PH_MEMORY_LIMIT);
    assert_non_null(picked);
    ph_excerpt at;
    assert_true(ph_data_excerpt(slice, 19, &at) && at.place[0] == 26 * 30);
    assert_false(ph_data_excerpt(picked, 0, &at));
    for (size_t i = 0; i < 3; i++) {
        real a[200], b[200], c[200];
        size_t there = index[i] + 7;
        assert_int_equal(ph_data_read(d, &there, 1, a), PH_OK);
        assert_int_equal(ph_data_read(slice, &index[i], 1, b), PH_OK);
        assert_int_equal(ph_data_read(picked, &i, 1, c), PH_OK);
        assert_memory_equal(a, b, sizeof a);
        assert_memory_equal(a, c, sizeof a);
    }
    ph_data_close(picked);
    ph_data_close(slice);
    ph_data_close(d);
}

/* ---- Ways in ------------------------------------------------------------------------------------ */

static void assert_same_rows(const ph_data *a, const ph_data *b)
{
    static real x[1024], y[1024];
    assert_int_equal(a->rows, b->rows);
    for (size_t r = 0; r < a->rows; r++) {
        assert_int_equal(ph_data_read(a, &r, 1, x), PH_OK);
        assert_int_equal(ph_data_read(b, &r, 1, y), PH_OK);
        assert_memory_equal(x, y, sizeof x);
    }
}

static void zipped_piped_and_named_otherwise(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 14];
    size_t size = sound_bytes(bytes, &mono);
    assert_true(write_bytes("p.wav", bytes, size) && write_bytes("nameless", bytes, size));
    gzFile packed = gzopen(in_folder("p.wav.gz"), "wb");
    assert_int_equal(gzwrite(packed, bytes, (unsigned)size), (int)size);
    gzclose(packed);
    ph_data *plain = opened("p.wav", NULL), *zipped = opened("p.wav.gz", NULL), *other = opened("nameless", NULL);
    assert_same_rows(plain, zipped);
    assert_same_rows(plain, other);
    int kept = dup(STDIN_FILENO), ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), size);
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    ph_data *piped = ph_data_open("-", NULL);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
    assert_non_null(piped);
    assert_same_rows(plain, piped);
    ph_data_close(plain);
    ph_data_close(zipped);
    ph_data_close(other);
    ph_data_close(piped);
}

/* A writer to a pipe says 2^32 - 1 bytes, and the sound ends where the file does. */
static void chunks_and_unknown_length(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 14], more[1 << 14];
    size_t size = sound_bytes(bytes, &mono);
    assert_true(write_bytes("plain.wav", bytes, size));
    ph_data *plain = opened("plain.wav", NULL);
    memcpy(more, bytes, size);
    number_to(more + 40, UINT32_MAX, 4);
    assert_true(write_bytes("stream.wav", more, size));
    assert_true(write_bytes("cut.wav", more, size - 1));
    ph_data *d = opened("stream.wav", NULL);
    assert_same_rows(plain, d);
    ph_data_close(d);
    assert_refused("cut.wav", NULL, PH_DATA, "cut.wav: a damaged WAV: it ends within a frame");
    /* A chunk of five bytes, and the one that makes it even, before the data and behind them. */
    static const uint8_t list[14] = { 'L', 'I', 'S', 'T', 5, 0, 0, 0, 'd', 'a', 't', 'a', '!', 0 };
    memcpy(more, bytes, 36);
    memcpy(more + 36, list, 14);
    memcpy(more + 50, bytes + 36, size - 36);
    memcpy(more + 14 + size, list, 14);
    assert_true(write_bytes("list.wav", more, size + 28));
    d = opened("list.wav", NULL);
    assert_same_rows(plain, d);
    ph_data_close(d);
    memcpy(more + 14 + size, "data\4\0\0\0abcd", 12);
    assert_true(write_bytes("twice.wav", more, size + 26));
    assert_refused("twice.wav", NULL, PH_DATA, "twice.wav: a damaged WAV: there is a second chunk of data");
    ph_data_close(plain);
}

static void damage(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 14], bad[1 << 14];
    size_t size = sound_bytes(bytes, &mono);
    static const struct { size_t at; uint64_t value; size_t count, size; const char *says; } kinds[] = {
        { 0, 'X', 1, 0, "first bytes are not those of a WAV" },
        { 0, 0x34364652, 4, 0, "a WAV of kind RF64, which is not read" },
        { 8, 'X', 1, 0, "first bytes are not those of a WAV" },
        { 16, 15, 4, 0, "format chunk is shorter than 16 bytes" },
        { 20, 7, 2, 0, "its samples are mu-law" },
        { 20, 0x55, 2, 0, "its samples are MP3" },
        { 20, 99, 2, 0, "its samples are format 99" },
        { 20, 3, 2, 0, "its samples are float of 16 bits" },
        { 20, 0xfffe, 2, 0, "extensible format names no coding" },
        { 22, 0, 2, 0, "names no channel or no rate" },
        { 24, 0, 4, 0, "names no channel or no rate" },
        { 32, 3, 2, 0, "a frame another size" },
        { 34, 12, 2, 0, "its samples are PCM of 12 bits" },
        { 36, 'x', 1, 0, "it ends before its header says it does" },
        { 40, 0, 4, 0, "there are no samples in it" },
        { 40, 4999, 4, 0, "no whole number of frames" },
        { 40, 5002, 4, 0, "its header says 2501 samples, but it ends after 2500" },
        { 44, 0, 0, 2 * 2400 + 45, "its header says 2500 samples, but it ends after 2400" },
        { 44, 0, 0, 44, "its header says 2500 samples, but it ends after 0" },
        { 44, 0, 0, 43, "it ends before its header says it does" },
        { 44, 0, 0, 30, "it ends before its header says it does" },
        { 44, 0, 0, 11, "it ends before its header says it does" },
        { 12, 0x61746164, 4, 0, "its data come before their format" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        memcpy(bad, bytes, size);
        number_to(bad + kinds[i].at, kinds[i].value, kinds[i].count);
        assert_true(write_bytes("bad.wav", bad, kinds[i].size ? kinds[i].size : size));
        assert_refused("bad.wav", NULL, PH_DATA, kinds[i].says);
        assert_non_null(strstr(ph_message(), "bad.wav: "));
    }
    assert_true(write_bytes("empty.wav", "", 0));
    assert_refused("empty.wav", NULL, PH_DATA, "empty.wav");
    /* Whatever is cut off, it is told. */
    for (size_t left = 1; left < size; left += 97) {
        assert_true(write_bytes("short.wav", bytes, left));
        assert_null(ph_data_open(in_folder("short.wav"), NULL));
        assert_int_equal(ph_last_status(), PH_DATA);
    }
}

/* ---- Folders ------------------------------------------------------------------------------------ */

static void folders(void **state)
{
    (void)state;
    sound s = mono;
    for (const char *const *f = (const char *const[]){ "set", "set/b", "set/a", "mix", NULL }; *f; f++)
        mkdir(in_folder(*f), 0777);
    s.frames = 1500;
    assert_true(write_sound("set/b/2.wav", &s));
    s.frames = 1024;
    s.bits = 24;
    assert_true(write_sound("set/a/1.WAVE", &s));
    ph_data *d = opened("set", NULL);
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, 1 + 2);
    assert_int_equal(info.pieces, 2);
    assert_int_equal(info.classes, 2);
    assert_string_equal(info.coding, "mixed");
    assert_string_equal(ph_data_class(d, 1), "b");
    assert_string_equal(ph_data_id(d, 0), "a/1.WAVE+0");
    assert_string_equal(ph_data_id(d, 2), "b/2.wav+476");
    assert_int_equal(ph_data_labels(d)[0], 0);
    assert_int_equal(ph_data_labels(d)[2], 1);
    real row[1024];
    assert_int_equal(ph_data_read(d, &(size_t){ 2 }, 1, row), PH_OK);
    assert_true((float)row[0] == (float)(floor(sample_at(476, 0) * 32768) / 32768));
    ph_data_close(d);
    s.rate = 16000;
    assert_true(write_sound("set/b/3.wav", &s));
    assert_refused("set", NULL, PH_USAGE, "b/3.wav: 16000 samples a second, but a/1.WAVE has 8000");
    s = mono;
    s.channels = 2;
    assert_true(write_sound("set/b/3.wav", &s));
    assert_refused("set", NULL, PH_USAGE, "b/3.wav: 2 channels, but a/1.WAVE has 1");
    assert_true(write_sound("mix/a.wav", &mono) && write_bytes("mix/b.pgm", "P5 1 1 255 x", 12));
    assert_refused("mix", NULL, PH_USAGE, "pictures and sounds in one folder (a.wav, b.pgm)");
}

/* ---- Pictures ----------------------------------------------------------------------------------- */

static uint8_t shade_at(size_t picture, size_t y, size_t x, size_t c)
{
    return (uint8_t)(31 * picture + 7 * y + 11 * x + 101 * c + x * y);
}

static void write_picture(const char *name, size_t picture, size_t width, size_t height, size_t channels)
{
    static uint8_t bytes[1 << 15];
    size_t n = (size_t)sprintf((char *)bytes, "P%d %zu %zu 255\n", channels == 3 ? 6 : 5, width, height);
    for (size_t i = 0; i < width * height * channels; i++)
        bytes[n++] = shade_at(picture, i / channels / width, i / channels % width, i % channels);
    assert_true(write_bytes(name, bytes, n));
}

static void windows_of_pictures(void **state)
{
    (void)state;
    static const size_t sizes[3][2] = { { 13, 7 }, { 5, 20 }, { 5, 4 } }; /* width, height */
    static const size_t rows[3] = { 5 * 3, 1 * 9, 1 }; /* 5x4 windows, 2 apart in both */
    char id[64];
    for (size_t channels = 1; channels < 4; channels += 2) {
        mkdir(in_folder("photos"), 0777);
        for (size_t p = 0; p < 3; p++) {
            sprintf(id, "photos/%zu.ppm", p);
            write_picture(id, p, sizes[p][0], sizes[p][1], channels);
        }
        for (size_t limit = 0; limit < 2; limit++) {
            ph_data *d = opened("photos", &(ph_data_desc){ .window = "5x4", .hop = "2", .memory_limit = limit * 9 });
            ph_data_info info;
            ph_data_describe(d, &info);
            assert_int_equal(info.rows, rows[0] + rows[1] + rows[2]);
            assert_int_equal(info.pieces, 3);
            assert_string_equal(info.window, "5x4");
            assert_string_equal(info.hop, "2x2");
            assert_true(info.shape[0] == 4 && info.shape[1] == 5 && info.rank == (channels == 3 ? 3 : 2));
            for (size_t r = 0, p = 0, first = 0; r < info.rows; r++) {
                real row[60];
                if (r == first + rows[p])
                    first += rows[p++];
                size_t across = p == 0 ? 5 : 1, last_y = sizes[p][1] - 4, last_x = sizes[p][0] - 5;
                size_t y = (r - first) / across * 2, x = (r - first) % across * 2;
                y = y < last_y ? y : last_y;
                x = x < last_x ? x : last_x;
                snprintf(id, sizeof id, "%zu.ppm+%zu+%zu", p, x, y);
                assert_string_equal(ph_data_id(d, r), id);
                assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
                for (size_t i = 0; i < info.width; i++)
                    assert_int_equal(row[i], shade_at(p, y + i / channels / 5, x + i / channels % 5, i % channels));
            }
            ph_data_close(d);
        }
    }
    assert_refused("photos", NULL, PH_USAGE, "cut them with --window");
    assert_refused("photos", &(ph_data_desc){ .hop = "2" }, PH_USAGE, "hop 2: of pictures it takes a window");
    /* First to a size, then into windows: four of 3x3 in 4x4. */
    ph_data *d = opened("photos", &(ph_data_desc){ .size = "4x4", .window = "3", .hop = "1" });
    assert_int_equal(d->rows, 3 * 4);
    ph_data_close(d);
}

/* A picture smaller than a window, in one direction or in both, goes on by reflection there; in the other it is
 * cut as ever. */
static void small_pictures_go_on(void **state)
{
    (void)state;
    static const size_t sizes[5][2] = { { 13, 7 }, { 5, 20 }, { 20, 20 }, { 1, 1 }, { 1, 9 } }; /* width, height */
    static const struct { const char *window; size_t width, height; } cuts[] = {
        { "6x4", 6, 4 }, { "8x9", 8, 9 }, { "32x32", 32, 32 }, { "3x33", 3, 33 }, { "20x20", 20, 20 },
    };
    char name[64];
    mkdir(in_folder("small"), 0777);
    for (size_t channels = 1; channels < 4; channels += 2) {
        for (size_t p = 0; p < 5; p++) {
            sprintf(name, "small/%zu.ppm", p);
            write_picture(name, p, sizes[p][0], sizes[p][1], channels);
        }
        for (size_t k = 0; k < 2 * sizeof cuts / sizeof cuts[0]; k++) {
            size_t width = cuts[k / 2].width, height = cuts[k / 2].height, r = 0;
            ph_data *d = opened("small", &(ph_data_desc){ .window = cuts[k / 2].window, .memory_limit = k % 2 });
            assert_int_equal(d->width, width * height * channels);
            for (size_t p = 0; p < 5; p++) {
                size_t last_x = sizes[p][0] > width ? sizes[p][0] - width : 0;
                size_t last_y = sizes[p][1] > height ? sizes[p][1] - height : 0;
                for (size_t y = 0;; y = y + (height + 1) / 2 < last_y ? y + (height + 1) / 2 : last_y) {
                    for (size_t x = 0;; x = x + (width + 1) / 2 < last_x ? x + (width + 1) / 2 : last_x, r++) {
                        static real row[33 * 33 * 3];
                        snprintf(name, sizeof name, "%zu.ppm+%zu+%zu", p, x, y);
                        assert_string_equal(ph_data_id(d, r), name);
                        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
                        for (size_t i = 0; i < d->width; i++) {
                            size_t there_y = walk(y + i / channels / width, sizes[p][1]);
                            size_t there_x = walk(x + i / channels % width, sizes[p][0]);
                            assert_int_equal(row[i], shade_at(p, there_y, there_x, i % channels));
                        }
                        if (x == last_x)
                            break;
                    }
                    r++;
                    if (y == last_y)
                        break;
                }
            }
            assert_int_equal(d->rows, r);
            ph_data_close(d);
        }
    }
}

/* All columns of windows have one scale: that of all numbers that rows have. */
static void one_scale(void **state)
{
    (void)state;
    assert_true(write_sound("w.wav", &mono));
    ph_data *d = opened("w.wav", &(ph_data_desc){ .window = "1000", .hop = "300" });
    double sum = 0, squares = 0, low = INFINITY, high = -INFINITY, count = 6 * 1000;
    for (size_t r = 0; r < 6; r++) {
        real row[1000];
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (size_t i = 0; i < 1000; i++) {
            sum += (double)row[i];
            squares += (double)row[i] * (double)row[i];
            low = fmin(low, (double)row[i]);
            high = fmax(high, (double)row[i]);
        }
    }
    double mean = sum / count, deviation = sqrt(squares / count - mean * mean);
    ph_scaling s;
    assert_int_equal(ph_scaling_fit(&s, "standardise", "refuse", d), PH_OK);
    assert_int_equal(s.width, 1);
    assert_true(fabs((double)s.shift[0] - mean) < 1e-6 && fabs((double)s.scale[0] * deviation - 1) < 1e-5);
    ph_scaling_free(&s);
    assert_int_equal(ph_scaling_fit(&s, "minmax", "refuse", d), PH_OK);
    assert_true(fabs((double)s.shift[0] - low) < 1e-6 && fabs((double)s.scale[0] * (high - low) - 1) < 1e-5);
    ph_scaling_free(&s);
    ph_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_coding),      cmocka_unit_test(windows_of_a_sound),
        cmocka_unit_test(refused_windows),   cmocka_unit_test(parts_of_windows),
        cmocka_unit_test(zipped_piped_and_named_otherwise),
        cmocka_unit_test(chunks_and_unknown_length),
        cmocka_unit_test(damage),            cmocka_unit_test(folders),
        cmocka_unit_test(windows_of_pictures), cmocka_unit_test(one_scale),
        cmocka_unit_test(short_sounds_go_on), cmocka_unit_test(small_pictures_go_on),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
