/* test_cli_mask.c - the masked autoencoder from outside: pictures with holes of one's own, tables, series,
 * labels, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"

#define SMALL "--width 8 --depth 1 --decoder-width 8 --batch-size 16 --quiet "

enum { SIDE = 8, PIXELS = SIDE * SIDE, PICTURES = 40 };

static void write_pgm(const char *name, const uint8_t *pixels)
{
    FILE *f = fopen(in_folder(name), "wb");
    fprintf(f, "P5 %d %d 255\n", SIDE, SIDE);
    fwrite(pixels, 1, PIXELS, f);
    fclose(f);
}

/* Slopes: from left to right in one class, downwards in the other. */
static void write_slopes(void)
{
    char name[64];
    mkdir(in_folder("slopes"), 0777);
    mkdir(in_folder("slopes/across"), 0777);
    mkdir(in_folder("slopes/down"), 0777);
    for (int i = 0; i < PICTURES; i++) {
        uint8_t pixels[PIXELS];
        for (int k = 0; k < PIXELS; k++)
            pixels[k] = (uint8_t)(20 + 3 * i + 10 * (i % 2 ? k / SIDE : k % SIDE));
        snprintf(name, sizeof name, "slopes/%s/%02d.pgm", i % 2 ? "down" : "across", i);
        write_pgm(name, pixels);
    }
}

static ph_real *values_of(const char *name, size_t rows, size_t width)
{
    ph_data *d = ph_data_open(in_folder(name), NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, rows);
    assert_int_equal(info.width, width);
    ph_real *x = malloc(rows * width * sizeof *x);
    for (size_t r = 0; r < rows; r++)
        assert_int_equal(ph_data_read(d, &r, 1, x + r * width), PH_OK);
    ph_data_close(d);
    return x;
}

static void pictures_with_holes(void **state)
{
    (void)state;
    uint8_t mask[PIXELS];
    write_slopes();
    for (int k = 0; k < PIXELS; k++) /* a square in the middle, across four patches */
        mask[k] = k / SIDE >= 3 && k / SIDE < 5 && k % SIDE >= 3 && k % SIDE < 5 ? 0 : 255;
    write_pgm("hole.pgm", mask);
    assert_run("train mae slopes --patch 2 " SMALL "--epochs 60 --lr 0.01 -o s.pin", 0);
    assert_run("reconstruct s.pin slopes --mask hole.pgm -o filled.npy --json", 0);
    assert_true(figure("hole_share") == 4.0 / PIXELS);
    assert_true(figure("masked_mse") < 0.01); /* of their mean it would be 0.03 */
    ph_real *x = values_of("slopes", PICTURES, PIXELS), *y = values_of("filled.npy", PICTURES, PIXELS);
    double squares = 0;
    for (size_t i = 0; i < PICTURES * PIXELS; i++) {
        assert_true(mask[i % PIXELS] == 0 || x[i] == y[i]);
        squares += pow((double)(x[i] - y[i]) / 255, 2);
    }
    assert_true(fabs(squares / (4 * PICTURES) - figure("masked_mse")) < 1e-6);
    free(x);
    free(y);
    /* A mask for each row, and rows one by one; pictures of all that. */
    assert_run("reconstruct s.pin slopes --mask slopes -o each.npy", 0);
    assert_says(out, "hole_share");
    assert_run("reconstruct s.pin slopes --mask hole.pgm -o holes.png", 0);
    assert_says(out, "filled in the middle");
    assert_run("reconstruct s.pin slopes -o hidden.png", 0);
    assert_true(there("holes.png") && there("hidden.png"));
    assert_run("reconstruct s.pin slopes/down/01.pgm --mask hole.pgm -o one.npy", 0);
    free(values_of("one.npy", 1, PIXELS));
    assert_run("encode s.pin slopes/down/01.pgm -o one.csv", 0);
    slurp("one.csv", out, sizeof out);
    assert_says(out, "\n01.pgm,");
}

static void mistakes_with_masks(void **state)
{
    (void)state;
    uint8_t mask[PIXELS];
    memset(mask, 255, sizeof mask);
    write_pgm("whole.pgm", mask);
    memset(mask, 0, sizeof mask);
    write_pgm("nothing.pgm", mask);
    FILE *f = fopen(in_folder("narrow.pgm"), "wb");
    fprintf(f, "P5 %d %d 255\n", SIDE - 2, SIDE);
    fwrite("\377", 1, 1, f);
    fwrite(mask, 1, SIDE * (SIDE - 2) - 1, f);
    assert_int_equal(fclose(f), 0);
    assert_run("train ae slopes --latent-dim 2 --hidden none --epochs 1 --quiet -o ae.pin", 0);
    assert_fails("reconstruct ae.pin slopes --mask hole.pgm -o x.npy", 2, "no 'fill'");
    assert_fails("reconstruct s.pin slopes --mask whole.pgm -o x.npy", 2, "no hole");
    assert_fails("reconstruct s.pin slopes --mask nothing.pgm -o x.npy", 2, "nothing is seen");
    assert_fails("reconstruct s.pin slopes --mask narrow.pgm -o x.npy", 1, "narrow.pgm: rows of 48 (8x6)");
    assert_fails("reconstruct s.pin slopes --mask nowhere.pgm -o x.npy", 2, "nowhere.pgm");
    assert_fails("reconstruct s.pin slopes --mask slopes/down -o x.npy", 2, "one row for all");
    assert_fails("reconstruct s.pin slopes --mask hole.pgm --noise gauss:0.1 -o x.npy", 2, "one of them");
    assert_fails("reconstruct s.pin slopes --mask hole.pgm --beside ae.pin -o x.png", 2, "one of them");
    assert_fails("train mae slopes --patch 3 --quiet -o x.pin", 2, "1 2 4 8");
    assert_fails("decode s.pin slopes -o x.npy", 2, "no 'decode'");
    assert_false(there("x.npy"));
}

static void labels_and_codes(void **state)
{
    (void)state;
    assert_run("eval s.pin slopes --probe --json", 0);
    assert_true(figure("masked_mse") > figure("mse") && figure("probe_accuracy") > 0.6);
    assert_run("encode s.pin slopes -o code.npy", 0);
    assert_run("encode s.pin slopes --layer 1 -o layer.npy", 0);
    free(values_of("code.npy", PICTURES, 8));
    free(values_of("layer.npy", PICTURES, 8));
    assert_run("train mae slopes --pretrained s.pin --finetune labels --labels 10 --epochs 40 --lr 0.01 "
               "--batch-size 16 --quiet -o tuned.pin", 0);
    assert_run("eval tuned.pin slopes --json", 0);
    assert_true(figure("error") <= 0.1);
    assert_run("encode tuned.pin slopes --classify -o classes.csv", 0);
    assert_fails("train mae slopes --finetune labels --labels 1 --quiet -o x.pin", 2,
                 "labels 1: fewer than the 2 classes");
    assert_fails("train mae slopes --pretrained ae.pin --quiet -o x.pin", 2, "family ae");
    assert_fails("train mae slopes --pretrained s.pin --depth 3 --quiet -o x.pin", 2, "depth 3");
    assert_run("report s.pin slopes -o s.html", 0);
    static char page[1 << 20];
    slurp("s.html", page, sizeof page);
    assert_says(page, "What the model saw on the left");
    assert_says(page, "pair three");
}

/* Every column of a table is a token, and so are pieces of a series. */
static void columns_and_pieces(void **state)
{
    (void)state;
    FILE *f = fopen(in_folder("t.csv"), "w");
    fputs("a,b,c,d\n", f);
    for (int r = 0; r < 200; r++)
        fprintf(f, "%g,%g,%g,%g\n", r % 20 * 0.1, r % 20 * 0.2, r % 20 * -0.1 + 5, r % 20 * 3.0);
    fclose(f);
    f = fopen(in_folder("holes.csv"), "w");
    fputs("a,b,c,d\n1,0,1,1\n", f);
    fclose(f);
    assert_run("train mae t.csv --mask 0.25 " SMALL "--epochs 60 --lr 0.01 -o t.pin", 0);
    assert_run("reconstruct t.pin t.csv --mask holes.csv -o t.npy --json", 0);
    assert_true(figure("hole_share") == 0.25 && figure("masked_mse") < 0.3); /* of 1 */
    assert_run("reconstruct t.pin t.csv -o t.png", 0);
    assert_run("report t.pin t.csv -o t.html", 0);
    assert_fails("train mae t.csv --patch 3 --quiet -o x.pin", 2, "patch 3");
    assert_run("train mae t.csv --patch 2 --mask 0.5 --normalize-patches " SMALL "--epochs 1 -o p.pin", 0);
    assert_run("score t.pin t.csv -o errors.csv", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_with_holes),
        cmocka_unit_test(mistakes_with_masks),
        cmocka_unit_test(labels_and_codes),
        cmocka_unit_test(columns_and_pieces),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
