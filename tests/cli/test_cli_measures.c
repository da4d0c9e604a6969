/* test_cli_measures.c - rows back from noise, what a sparse code does, two models on a map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <spng.h>

#include <pinhole.h>

#include "cli/command.h"

/* The size of a picture in pixels. */
static void size_of(const char *name, uint32_t *width, uint32_t *height)
{
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    spng_ctx *png = spng_ctx_new(0);
    struct spng_ihdr header;
    spng_set_png_file(png, f);
    assert_int_equal(spng_get_ihdr(png, &header), 0);
    *width = header.width;
    *height = header.height;
    spng_ctx_free(png);
    fclose(f);
}

static double mean_square(const char *a, const char *b)
{
    ph_data *x = ph_data_open(a, NULL), *y = ph_data_open(in_folder(b), NULL);
    assert_true(x && y);
    ph_data_info info;
    ph_data_describe(x, &info);
    ph_real *u = malloc(2 * info.width * sizeof *u), *v = u + info.width;
    double sum = 0;
    for (size_t r = 0; r < info.rows; r++) {
        assert_int_equal(ph_data_read(x, &r, 1, u), PH_OK);
        assert_int_equal(ph_data_read(y, &r, 1, v), PH_OK);
        for (size_t c = 0; c < info.width; c++)
            sum += pow(((double)u[c] - (double)v[c]) / 255, 2);
    }
    free(u);
    ph_data_close(x);
    ph_data_close(y);
    return sum / (double)info.rows / (double)info.width;
}

static void rows_come_back(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 64 --latent-dim 16 --noise gauss:0.4 --epochs 2 -o d.pin "
               "--quiet", 0);
    assert_run("reconstruct d.pin glyphs --noise gauss:0.4 -o r.npy --json", 0);
    double corrupted = figure("psnr_corrupted"), restored = figure("psnr_restored");
    assert_true(fabs(corrupted + 10 * log10(0.16)) < 0.02);
    assert_true(restored > corrupted + 6);
    assert_true(fabs(figure("mse_restored") / mean_square("glyphs:test", "r.npy") - 1) < 1e-4);
    assert_says(out, "\"units\":{\"mse_corrupted\":\"mean over all elements of 2000 rows with "
                     "noise gauss:0.4, seed 1");
    assert_run("eval d.pin glyphs --noise gauss:0.4 --json", 0);
    assert_true(figure("psnr_corrupted") == corrupted && figure("psnr_restored") == restored);
    assert_run("reconstruct d.pin glyphs --noise gauss:0.4 --noise-seed 2 -o s.npy --json", 0);
    assert_true(figure("psnr_restored") != restored);
    assert_run("reconstruct d.pin glyphs --noise gauss:0.4 -o -", 0);
    assert_says(err, "psnr_restored");
    assert_int_equal(memcmp(out, "\x93NUMPY", 6), 0);
    /* Without noise it is the reconstruction of before. */
    assert_run("reconstruct d.pin glyphs --noise none -o plain.npy", 0);
    assert_true(*out == '\0');
}

static void three_panels(void **state)
{
    (void)state;
    uint32_t width, height;
    assert_run("reconstruct d.pin glyphs --noise mask:0.25 -o p.png", 0);
    assert_says(out,
                "p.png: 50 rows of glyphs: clean on the left, with noise mask:0.25 in the middle, "
                "restored on the right\n");
    assert_says(out, "\npsnr_corrupted ");
    assert_says(out, "\npsnr_restored ");
    size_of("p.png", &width, &height);
    assert_true(width == 15 * 28 + 2 * 2 && height == 10 * 28);
    FILE *f = fopen(in_folder("t.csv"), "w");
    fputs("a,b\n", f);
    for (int r = 0; r < 30; r++)
        fprintf(f, "%d,%d\n", r, 3 * r % 7);
    fclose(f);
    assert_run("train ae t.csv --hidden 4 --latent-dim 1 --epochs 1 -o t.pin --quiet", 0);
    assert_run("reconstruct t.pin t.csv --noise gauss:0.1 -o t.png", 0);
    assert_says(out, "t.png: 30 rows of t.csv, one a line: clean");
    assert_true(strstr(out, "psnr") == NULL); /* no peak */
    assert_run("reconstruct t.pin t.csv --noise gauss:0.1 -o back.csv", 0);
    slurp("back.csv", out, sizeof out);
    assert_int_equal(strncmp(out, "a,b\n", 4), 0);
}

static void mistakes(void **state)
{
    (void)state;
    assert_fails("reconstruct d.pin glyphs --noise snow -o x.npy", 2,
                 "'snow' is not one of: none mask:P");
    assert_fails("reconstruct d.pin glyphs --noise mask:1.5 -o x.npy", 2, "between 0 and 1");
    assert_fails("reconstruct d.pin glyphs --noise gauss:0.1 --noise-seed -1 -o x.npy", 2,
                 "noise-seed");
    assert_fails("reconstruct d.pin glyphs --noise mask:0.2 --beside d.pin -o x.png", 2, "--beside");
    assert_fails("eval d.pin glyphs --noise gauss:0", 2, "above 0");
    assert_fails("reconstruct d.pin t.csv --noise gauss:0.1 -o x.npy", 1, "rows of 2 numbers");
    assert_true(!there("x.npy"));
}

/* Sums of the histogram and of the units in JSON; bars in text; nothing of it for a code that is
 * not sparse. */
static void sparse_codes_are_told(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden none --latent-dim 7 --latent-activation sigmoid "
               "--sparsity kl:0.1 --epochs 1 -o s.pin --quiet", 0);
    assert_run("eval s.pin glyphs --json", 0);
    double mean = 0, all = 0;
    const char *at = strstr(out, "\"unit_mean_activation\":[");
    assert_non_null(at);
    for (int c = 0; c < 7; c++) {
        char *end;
        at += strcspn(at, "[,") + 1;
        mean += strtod(at, &end) / 7;
        assert_int_equal(*end, c < 6 ? ',' : ']');
        at = end;
    }
    assert_true(fabs(mean - figure("mean_activation")) < 1e-5);
    at = strstr(out, "\"counts\":[");
    assert_non_null(at);
    for (int i = 0; i < 20; i++) {
        at += strcspn(at, "[,") + 1;
        all += strtod(at, NULL);
    }
    assert_true(all == 2000 * 7 && figure("target_activation") == 0.1);
    double dead = figure("dead_units");
    assert_true(dead >= 0 && dead <= 7);
    assert_run("eval s.pin glyphs", 0);
    assert_says(out, "\nactivations of 7 units in 2000 rows\n       0 to 0.1 ");
    assert_says(out, "; target 0.1\n");
    assert_run("eval d.pin glyphs", 0);
    assert_true(strstr(out, "activation") == NULL);
}

static void maps_side_by_side(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 16 --latent-dim 2 --epochs 1 -o v.pin --quiet", 0);
    assert_run("report d.pin glyphs --beside v.pin -o two.html --json", 0);
    assert_says(out, "\"beside\":{\"rows\":2000,");
    /* The last ones are v.pin's. */
    double empty = figure("empty_cells"), gap = figure("train_minus_test");
    assert_run("eval v.pin glyphs --map --json", 0);
    assert_true(figure("empty_cells") == empty && figure("train_minus_test") == gap);
    assert_run("report d.pin glyphs:train --beside v.pin -o two.html --json", 0);
    assert_true(strstr(out, "train_minus_test") == NULL);
    assert_fails("report d.pin glyphs --beside t.pin -o two.html", 1,
                 "rows of 784 (28x28) numbers");
    assert_fails("report d.pin glyphs --beside v.pin -o v.pin", 2, "that file is read");
    assert_fails("report d.pin glyphs --beside nothing.pin -o two.html", 1, "nothing.pin");
}

static void filters_are_drawn(void **state)
{
    (void)state;
    uint32_t width, height;
    assert_run("info s.pin --filters f.png", 0);
    assert_says(err, "saved f.png: 7 of 7 filters");
    size_of("f.png", &width, &height);
    assert_true(width == 3 * 29 - 1 && height == 3 * 29 - 1);
    assert_run("train pca glyphs --latent-dim 500 -o pca.pin", 0);
    assert_run("info pca.pin --filters f.png --json", 0);
    assert_true(figure("drawn") == 400 && figure("count") == 500);
    size_of("f.png", &width, &height);
    assert_true(width == 20 * 29 - 1 && height == 20 * 29 - 1);
    assert_fails("info t.pin --filters t.png", 2, "no pictures");
    assert_fails("info s.pin --filters s.pin", 2, "that file is read");
    assert_fails("info s.pin --filters /nowhere/f.png", 1, "/nowhere/f.png");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),    cmocka_unit_test(three_panels),
        cmocka_unit_test(mistakes),          cmocka_unit_test(sparse_codes_are_told),
        cmocka_unit_test(maps_side_by_side), cmocka_unit_test(filters_are_drawn),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
