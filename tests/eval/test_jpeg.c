/* test_jpeg.c - JPEG at the size of a model's words, against every quality tried by libjpeg itself.
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
#include <turbojpeg.h>

#include "eval/eval.h"

enum { ROWS = 40, MOST = 64 * 48 * 3 };

typedef struct made {
    double data, file, squares; /* bits; of the errors, in units of white */
} made;

/* What all rows come to at one quality, mean. The bytes before the data are the same in every file. */
static made compress_all(const real *x, int height, int width, int channels, int quality)
{
    made sum = { 0 };
    unsigned char first[1024], *file = NULL;
    unsigned long size = 0;
    static uint8_t pixels[MOST], back[MOST];
    tjhandle in = tjInitCompress(), out = tjInitDecompress();
    int format = channels == 3 ? TJPF_RGB : TJPF_GRAY, all = height * width * channels;
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < all; i++)
            pixels[i] = (uint8_t)lrint((double)x[r * all + i]);
        assert_int_equal(tjCompress2(in, pixels, width, 0, height, format, &file, &size,
                                     channels == 3 ? TJSAMP_420 : TJSAMP_GRAY, quality, 0), 0);
        assert_int_equal(tjDecompress2(out, file, size, back, width, 0, height, format, 0), 0);
        unsigned char *scan = memmem(file, size, "\xff\xda", 2);
        assert_non_null(scan);
        size_t begin = (size_t)(scan - file) + 2 + (size_t)(scan[2] << 8 | scan[3]);
        assert_true(begin < sizeof first && (r == 0 || memcmp(first, file, begin) == 0));
        assert_memory_equal(file + size - 2, "\xff\xd9", 2);
        memcpy(first, file, begin);
        sum.data += 8 * (double)(size - begin - 2);
        sum.file += 8 * (double)size;
        for (int i = 0; i < all; i++)
            sum.squares += pow((pixels[i] - back[i]) / 255.0, 2) / ROWS / all;
    }
    sum.data /= ROWS;
    sum.file /= ROWS;
    tjFree(file);
    tjDestroy(in);
    tjDestroy(out);
    return sum;
}

/* A model that was never trained has words, too. */
static ph_model *words_of(const ph_data *d)
{
    ph_settings *s = ph_settings_new();
    assert_int_equal(ph_settings_set(s, "hidden", "conv 2 4/4"), PH_OK);
    assert_int_equal(ph_settings_set(s, "latent-dim", "2"), PH_OK);
    ph_model *m = ph_model_new("vqvae", d, s);
    if (m == NULL)
        fail_msg("%s", ph_message());
    ph_settings_free(s);
    return m;
}

static double figure(const ph_figures *f, const char *name)
{
    double value = ph_figure_get(f, name);
    if (isnan(value))
        fail_msg("no %s", name);
    return value;
}

static void check(ph_model *m, const ph_data *d, const made *at, double wanted)
{
    static const ph_measures none = { 0 };
    ph_figures f = { 0 };
    char quality[32];
    int best = 1;
    for (int q = 1; q <= 100; q++)
        best = at[q].data <= wanted ? q : best;
    ph_figure_add(&f, "bits_per_picture", "as wanted", wanted);
    ph_study s = { .model = m, .asked = &none, .data = d, .figures = &f };
    if (ph_study_jpeg(&s) != PH_OK)
        fail_msg("%s", ph_message());
    const char *unit = f.at[1].unit;
    snprintf(quality, sizeof quality, " at quality %d,", best);
    if (strstr(unit, quality) == NULL)
        fail_msg("%g bits:%s but: %s", wanted, quality, unit);
    bool above = at[best].data > wanted;
    assert_true((strstr(unit, "more than the words,") != NULL) == above);
    assert_true((strstr(unit, "no more than the words") != NULL) == !above);
    assert_true(fabs(figure(&f, "jpeg_bits") - at[best].data) < 1e-9 * at[best].data);
    assert_true(fabs(figure(&f, "jpeg_file_bits") - at[best].file) < 1e-9 * at[best].file);
    double pixels = (double)(m->row.dim[0] * m->row.dim[1]);
    assert_true(fabs(figure(&f, "jpeg_bits_per_pixel") * pixels - at[best].data) < 1e-9 * at[best].data);
    assert_true(fabs(figure(&f, "jpeg_psnr") + 10 * log10(at[best].squares)) < 1e-4);
    assert_true(figure(&f, "jpeg_ssim") > 0 && figure(&f, "jpeg_ssim") < 1);
}

static void the_best_quality_of_that_size(void **state)
{
    (void)state;
    static const struct { size_t height, width, channels; } cases[] = {
        { 28, 28, 1 }, { 37, 21, 1 }, { 37, 21, 3 }, { 64, 48, 3 },
    };
    static real x[ROWS * MOST];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t h = cases[i].height, w = cases[i].width, c = cases[i].channels;
        made at[101];
        for (size_t k = 0; k < ROWS * h * w * c; k++) {
            double right = (double)(k / c % w), down = (double)(k / c / w % h), row = (double)(k / c / w / h);
            x[k] = (real)rint(127 + 60 * sin(right / 5 + row) + 40 * cos(down * right / 60 + (double)(k % c)) +
                              20 * sin(12.9898 * (double)k));
        }
        x[1] = 255; /* so white is known */
        ph_data *d = ph_data_from_memory(x, ROWS, h * w * c, NULL);
        assert_int_equal(ph_data_set_shape(d, c == 3 ? 3 : 2, (size_t[]){ h, w, c }), PH_OK);
        ph_model *m = words_of(d);
        m->white = 255;
        for (int q = 1; q <= 100; q++)
            at[q] = compress_all(x, (int)h, (int)w, (int)c, q);
        assert_true(at[1].data < at[40].data && at[40].data < at[100].data);
        double wanted[] = { 1, at[1].data, at[40].data, at[40].data - 0.01, at[77].data + 0.01, at[100].data, 1e9 };
        for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
            check(m, d, at, wanted[k]);
        ph_model_free(m);
        ph_data_close(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_best_quality_of_that_size) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
