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

static bool said(const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    return strstr(out, key) != NULL;
}

/* One PNG for each row, under its file's name, of what an array has of the same rows. */
static void same_pictures(const char *pictures, const char *array)
{
    ph_real *x = values_of(pictures, PICTURES, PIXELS), *y = values_of(array, PICTURES, PIXELS);
    for (size_t i = 0; i < PICTURES * PIXELS; i++)
        assert_true(fabs((double)x[i] - fmin(fmax((double)y[i], 0), 255)) <= 0.51);
    free(x);
    free(y);
}

static void assert_size(const char *name, size_t height, size_t width)
{
    ph_data *d = ph_data_open(in_folder(name), NULL);
    assert_non_null(d);
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_int_equal(info.shape[0], height);
    assert_int_equal(info.shape[1], width);
    ph_data_close(d);
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
    assert_run("reconstruct s.pin slopes --mask hole.pgm -o filled/", 0);
    assert_says(out, "masked_mse");
    assert_true(there("filled/across/00.pgm.png") && there("filled/down/39.pgm.png"));
    same_pictures("filled", "filled.npy");
    assert_run("reconstruct s.pin slopes -o plain.npy", 0);
    assert_run("reconstruct s.pin slopes -o plain/", 0);
    same_pictures("plain", "plain.npy");
    assert_run("reconstruct s.pin slopes --noise gauss:0.1 -o noisy.npy", 0);
    assert_run("reconstruct s.pin slopes --noise gauss:0.1 -o noisy/", 0);
    same_pictures("noisy", "noisy.npy");
    assert_fails("encode s.pin slopes -o codes/", 2, "no such files");
    /* A mask for each row, and rows one by one; pictures of all that. */
    assert_run("reconstruct s.pin slopes --mask slopes -o each.npy", 0);
    assert_says(out, "hole_share");
    assert_run("reconstruct s.pin slopes --mask hole.pgm -o holes.png", 0);
    assert_says(out, "filled in the middle");
    assert_run("reconstruct s.pin slopes -o hidden.png", 0);
    /* Three blocks of ten lines of four, whose longer side is magnified to 280 pixels at most, and lines between. */
    assert_size("holes.png", 10 * SIDE * 3, 3 * 4 * SIDE * 3 + 4);
    assert_size("hidden.png", 10 * SIDE * 3, 3 * 4 * SIDE * 3 + 4);
    /* One picture fills its blocks, with all its pixels: the hole is gray in the first. */
    assert_run("reconstruct s.pin slopes/down/01.pgm --mask hole.pgm -o alone.png", 0);
    assert_says(out, "1 row of 01.pgm");
    assert_size("alone.png", 280, 3 * 280 + 4);
    ph_real *original = values_of("slopes/down/01.pgm", 1, PIXELS), *drawn = values_of("alone.png", 1, 280 * 844);
    for (size_t i = 0; i < 280 * 280; i++) {
        size_t k = i / 280 / 35 * SIDE + i % 280 / 35;
        assert_true(drawn[i / 280 * 844 + i % 280] == (mask[k] ? original[k] : 127));
        assert_true(drawn[i / 280 * 844 + 564 + i % 280] == original[k]);
    }
    free(original);
    free(drawn);
    assert_run("reconstruct s.pin slopes/down/01.pgm -o alone.png", 0);
    assert_size("alone.png", 280, 3 * 280 + 4);
    assert_run("reconstruct s.pin slopes/down/01.pgm --noise gauss:0.1 -o alone.png", 0);
    assert_says(out, "1 row of 01.pgm");
    assert_size("alone.png", 280, 3 * 280 + 4);
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
    assert_fails("reconstruct ae.pin slopes --mask hole.pgm -o x.npy", 2,
                 "family ae has no 'fill': holes are filled by mae");
    assert_fails("reconstruct s.pin slopes --mask whole.pgm -o x.npy", 2, "no hole");
    assert_fails("reconstruct s.pin slopes --mask nothing.pgm -o x.npy", 2, "nothing is seen");
    assert_fails("reconstruct s.pin slopes --mask narrow.pgm -o x.npy", 2, "narrow.pgm: 6x8 pixels");
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

static void write_masks(const char *name, size_t rows, size_t rank, const size_t *shape, const ph_real *values)
{
    ph_writer_desc desc = { .rank = rank, .width = 1 };
    for (size_t i = 0; i < rank; i++)
        desc.width *= desc.shape[i] = shape[i];
    ph_writer *w = ph_writer_open(in_folder(name), &desc);
    assert_int_equal(ph_writer_rows(w, values, rows), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
}

static void write_mask(const char *name, size_t rank, const size_t *shape, const ph_real *values)
{
    write_masks(name, 1, rank, shape, values);
}

/* A gray mask hides a pixel in all its channels, be it an array or a picture. What is no number is refused. */
static void gray_masks(void **state)
{
    (void)state;
    FILE *f = fopen(in_folder("red.ppm"), "wb");
    fprintf(f, "P6 %d %d 255\n", SIDE, SIDE);
    for (int k = 0; k < 3 * PIXELS; k++)
        fputc(k * 37 % 200 + 20, f);
    assert_int_equal(fclose(f), 0);
    ph_real values[PIXELS], colours[3 * PIXELS];
    uint8_t bytes[PIXELS];
    for (int k = 0; k < PIXELS; k++) {
        values[k] = colours[3 * k] = colours[3 * k + 1] = colours[3 * k + 2] = k % 7 != 3;
        bytes[k] = k % 7 != 3 ? 255 : 0;
    }
    write_pgm("gray.pgm", bytes);
    write_mask("gray.npy", 2, (size_t[]){ SIDE, SIDE }, values);
    write_mask("one.npy", 3, (size_t[]){ SIDE, SIDE, 1 }, values);
    write_masks("plane.npy", SIDE, 1, (size_t[]){ SIDE }, values); /* one picture alone, whose lines are no rows */
    write_masks("channel.npy", SIDE, 2, (size_t[]){ SIDE, 1 }, values);
    write_masks("channels.npy", SIDE, 2, (size_t[]){ SIDE, 3 }, colours);
    static const char *const masks[] = { "gray.pgm", "gray.npy", "one.npy", "plane.npy", "channel.npy", "channels.npy" };
    enum { MASKS = sizeof masks / sizeof masks[0] };
    assert_run("train mae red.ppm --patch 1 " SMALL "--epochs 2 -o red.pin", 0);
    ph_real *filled[MASKS], *own = values_of("red.ppm", 1, 3 * PIXELS);
    for (int i = 0; i < MASKS; i++) {
        char command[128];
        snprintf(command, sizeof command, "reconstruct red.pin red.ppm --mask %s -o red.npy --json", masks[i]);
        assert_run(command, 0);
        assert_true(fabs(figure("hole_share") - 9.0 / PIXELS) < 1e-6);
        filled[i] = values_of("red.npy", 1, 3 * PIXELS);
        assert_memory_equal(filled[i], filled[0], 3 * PIXELS * sizeof(ph_real));
    }
    for (int k = 0; k < 3 * PIXELS; k++)
        assert_int_equal(filled[0][k] == own[k], k / 3 % 7 != 3);
    for (int i = 0; i < MASKS; i++)
        free(filled[i]);
    free(own);
    values[12] = (ph_real)NAN;
    write_mask("nan.npy", 2, (size_t[]){ SIDE, SIDE }, values);
    assert_fails("reconstruct red.pin red.ppm --mask nan.npy -o x.npy", 2,
                 "nan.npy: row 1, column 13: the value is missing");
    values[12] = (ph_real)INFINITY;
    write_mask("nan.npy", 2, (size_t[]){ SIDE, SIDE }, values);
    assert_fails("reconstruct red.pin red.ppm --mask nan.npy -o x.npy", 2, "column 13: the value is infinite");
    assert_run("reconstruct s.pin slopes --mask plane.npy -o plane.npz", 0);
    write_masks("narrow.npy", SIDE - 1, 1, (size_t[]){ SIDE }, colours);
    assert_fails("reconstruct s.pin slopes --mask narrow.npy -o x.npy", 1, "narrow.npy: rows of 8 numbers");
    write_mask("wide.npy", 2, (size_t[]){ SIDE / 2, 2 * SIDE }, values);
    assert_fails("reconstruct red.pin red.ppm --mask wide.npy -o x.npy", 1, "wide.npy: rows of 64 (4x16)");
}

/* A photo that is cut comes back as one picture, and a mask of its size is cut like it; what is brought to a size
 * has its mask brought there, too. */
static void masks_go_with_pictures(void **state)
{
    (void)state;
    uint8_t mask[PIXELS];
    for (int k = 0; k < PIXELS; k++) /* one pixel of four by four */
        mask[k] = k / SIDE / 2 == 2 && k % SIDE / 2 == 2 ? 0 : 255;
    write_pgm("corner.pgm", mask);
    assert_run("train mae slopes --window 4 --patch 2 " SMALL "--epochs 2 -o w.pin", 0);
    assert_run("reconstruct w.pin slopes/down/01.pgm --mask corner.pgm -o whole.png", 0);
    ph_real *own = values_of("slopes/down/01.pgm", 1, PIXELS), *x = values_of("whole.png", 1, PIXELS);
    size_t changed = 0;
    for (int k = 0; k < PIXELS; k++) {
        assert_true(mask[k] == 0 || x[k] == own[k]);
        changed += x[k] != own[k];
    }
    assert_true(changed > 0);
    assert_run("reconstruct w.pin slopes --mask corner.pgm -o wholes/", 0); /* the same for all of its size */
    ph_real *y = values_of("wholes/down/01.pgm.png", 1, PIXELS);
    assert_memory_equal(x, y, PIXELS * sizeof *x);
    free(own);
    free(x);
    free(y);
    assert_run("reconstruct w.pin slopes/down/01.pgm --noise gauss:0.1 -o whole.png", 0);
    free(values_of("whole.png", 1, PIXELS));
    assert_run("reconstruct w.pin slopes --mask corner.pgm -o panels.png", 0);
    assert_says(out, "filled in the middle"); /* of several */
    assert_fails("reconstruct w.pin slopes --mask narrow.pgm -o x.npy", 2, "narrow.pgm: as a mask");
    assert_run("train mae slopes --size 4x4 --patch 1 " SMALL "--epochs 2 -o four.pin", 0);
    assert_run("reconstruct four.pin slopes --mask corner.pgm -o four.npy --json", 0);
    assert_true(figure("hole_share") == 1.0 / 16);
    assert_run("reconstruct four.pin slopes --size 4x4 --mask corner.pgm -o four.npy --json", 0);
    assert_true(figure("hole_share") == 1.0 / 16);
    assert_fails("reconstruct four.pin slopes --mask narrow.pgm -o x.npy", 2, "holes are to be drawn in 4x4");
    assert_false(there("x.npy"));
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

/* A mask in the shape of a window is one, as lines or as a row, for all windows or for each. */
static void masks_of_windows(void **state)
{
    (void)state;
    enum { WINDOW = 8, COLUMNS = 4, NUMBERS = WINDOW * COLUMNS, WINDOWS = 49 };
    static ph_real values[WINDOWS * NUMBERS];
    for (int k = 0; k < WINDOWS * NUMBERS; k++)
        values[k] = k % NUMBERS / COLUMNS != 5;
    assert_run("train mae t.csv --window 8 --patch 4 " SMALL "--epochs 2 -o series.pin", 0);
    write_masks("0.npy", WINDOW, 1, (size_t[]){ COLUMNS }, values);
    write_mask("1.npy", 3, (size_t[]){ 1, WINDOW, COLUMNS }, values);
    write_mask("2.npy", 1, (size_t[]){ NUMBERS }, values);
    write_masks("3.npy", WINDOWS, 3, (size_t[]){ 1, WINDOW, COLUMNS }, values);
    double error = 0;
    for (int i = 0; i < 4; i++) {
        char command[128];
        snprintf(command, sizeof command, "reconstruct series.pin t.csv --mask %d.npy -o x.csv --json", i);
        assert_run(command, 0);
        error = i == 0 ? figure("masked_mse") : error;
        assert_true(figure("hole_share") == 1.0 / WINDOW && figure("masked_mse") == error && error > 0);
    }
    assert_fails("reconstruct series.pin t.csv --mask hole.pgm -o x.csv", 2, "hole.pgm: a picture, but");
    write_mask("4.npy", 3, (size_t[]){ 4, 4, 1 }, values + 12); /* of pictures, which arrays are not cut into */
    assert_run("reconstruct w.pin slopes --mask 4.npy -o x.npy", 0);
    assert_int_equal(remove(in_folder("x.npy")), 0);
}

enum { LINES = 200 };

/* The table of columns_and_pieces; in every third line a value may be left out, or marked in a mask. */
static void write_lines(const char *name, bool gaps, bool mask, bool b_hidden)
{
    static const double factor[] = { 0.1, 0.2, -0.1, 3 }, shift[] = { 0, 0, 5, 0 };
    FILE *f = fopen(in_folder(name), "w");
    fputs("a,b,c,d\n", f);
    for (int r = 0; r < LINES; r++)
        for (int c = 0; c < 4; c++) {
            bool gap = r % 3 == 0 && c == (b_hidden ? 0 : r / 3 % 4);
            if (mask)
                fprintf(f, "%d", b_hidden ? c != 1 : !gap);
            else if (!gap || !gaps)
                fprintf(f, "%g", r % 20 * factor[c] + shift[c]);
            fputs(c < 3 ? "," : "\n", f);
        }
    assert_int_equal(fclose(f), 0);
}

/* What is missing is a hole: filled as if a mask had hidden what stands there, and counted in no error. */
static void gaps_are_filled(void **state)
{
    (void)state;
    write_lines("gaps.csv", true, false, false);
    write_lines("gaps-mask.csv", false, true, false);
    assert_run("reconstruct t.pin t.csv --mask gaps-mask.csv -o known.npy --json", 0);
    double share = figure("hole_share");
    assert_true(share > 0.08 && figure("masked_mse") < 0.3 && !said("hole_missing"));
    ph_real *known = values_of("known.npy", LINES, 4);
    static const char *const ways[] = { "reconstruct t.pin gaps.csv -o filled.npy --json",
                                        "reconstruct t.pin gaps.csv --mask gaps-mask.csv -o filled.npy --json" };
    for (int i = 0; i < 2; i++) {
        assert_run(ways[i], 0);
        assert_true(figure("hole_share") == share && figure("hole_missing") == 1 && !said("masked_mse"));
        ph_real *x = values_of("filled.npy", LINES, 4);
        assert_memory_equal(x, known, LINES * 4 * sizeof *x);
        free(x);
    }
    free(known);
    assert_run("reconstruct t.pin gaps.csv -o filled.png", 0);
    assert_says(out, "filled in the middle");
    assert_fails("encode t.pin gaps.csv -o x.npy", 1, "row 1, column 1 ('a'): the value is missing (NaN); pinhole "
                 "reconstruct MODEL DATA -o FILE fills the gaps");
    assert_fails("eval t.pin gaps.csv", 1, "fills the gaps");
    assert_fails("score t.pin gaps.csv", 1, "fills the gaps");
    assert_fails("encode series.pin gaps.csv -o x.npy", 1, "its line 1, column 1 ('a'): the value is missing (NaN); "
                 "pinhole reconstruct MODEL DATA -o FILE");
    assert_fails("reconstruct t.pin gaps.csv --noise gauss:0.1 -o x.npy", 1, "the value is missing");
}

/* Where some holes have something in them, the error is that of these; standardised values of b are 0 to 19. */
static void errors_are_of_what_is_known(void **state)
{
    (void)state;
    write_lines("some.csv", true, false, true);
    write_lines("b-mask.csv", false, true, true);
    assert_run("reconstruct t.pin some.csv --mask b-mask.csv -o some.npy --json", 0);
    ph_real *x = values_of("some.npy", LINES, 4);
    double squares = 0, deviation = 0.2 * sqrt((400 - 1) / 12.0);
    for (int r = 0; r < LINES; r++)
        squares += pow(((double)x[4 * r + 1] - r % 20 * 0.2) / deviation, 2);
    free(x);
    assert_true(fabs(figure("masked_mse") - squares / LINES) < 1e-5 * squares);
    assert_true(fabs(figure("hole_missing") - 67.0 / (67 + LINES)) < 1e-9 && !said("rows_unseen"));
    /* A model whose training filled gaps with means does not take these for known. */
    assert_fails("train mae some.csv --mask 0.25 --quiet -o x.pin", 1, "--missing mean");
    assert_run("train mae some.csv --missing mean --mask 0.25 " SMALL "--epochs 2 -o mean.pin", 0);
    assert_run("reconstruct mean.pin some.csv -o mean.csv --json", 0);
    assert_true(figure("hole_missing") == 1 && !said("masked_mse"));
    FILE *f = fopen(in_folder("dark.csv"), "w");
    fputs("a,b,c,d\n,,,\n1,2,,3\n", f);
    assert_int_equal(fclose(f), 0);
    assert_run("reconstruct t.pin dark.csv -o dark.npy --json", 0);
    assert_true(figure("rows_unseen") == 1 && figure("hole_share") == 5.0 / 8);
    x = values_of("dark.npy", 2, 4);
    for (int i = 0; i < 8; i++)
        assert_true(isfinite((double)x[i]));
    assert_true(x[4] == 1 && x[5] == 2 && x[7] == 3);
    free(x);
    f = fopen(in_folder("dark.csv"), "w");
    fputs("a,b,c,d\n1,,inf,2\n", f);
    assert_int_equal(fclose(f), 0);
    assert_fails("reconstruct t.pin dark.csv -o x.npy", 1, "column 3 ('c'): the value is infinite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_with_holes),
        cmocka_unit_test(mistakes_with_masks),
        cmocka_unit_test(labels_and_codes),
        cmocka_unit_test(gray_masks),
        cmocka_unit_test(masks_go_with_pictures),
        cmocka_unit_test(columns_and_pieces),
        cmocka_unit_test(masks_of_windows),
        cmocka_unit_test(gaps_are_filled),
        cmocka_unit_test(errors_are_of_what_is_known),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
