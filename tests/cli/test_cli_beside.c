/* test_cli_beside.c - logistic PCA through the command; models beside each other in one picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"
#include "same_files.h"

static bool same_files(const char *a, const char *b)
{
    char first[512];
    snprintf(first, sizeof first, "%s", in_folder(a));
    return same_bytes(first, in_folder(b));
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");
    fputs(text, f);
    fclose(f);
}

static void logistic_pca(void **state)
{
    (void)state;
    assert_run("train logistic-pca glyphs --latent-dim 6 --lr 0.03 --epochs 2 -o l.pin --json", 0);
    assert_true(figure("epochs") == 2 && figure("loss") > figure("bce"));
    assert_run("eval l.pin glyphs --json", 0);
    double sse = figure("sse");
    assert_run("train pca glyphs --latent-dim 6 -o p.pin --quiet", 0);
    assert_run("eval p.pin glyphs --json", 0);
    assert_true(sse > 0 && sse < figure("sse"));

    /* Codes decode to what reconstruct gives; a row's code is its own, and the threads' number
     * nothing. */
    assert_run("encode l.pin glyphs -o c.npy --threads 2", 0);
    assert_run("encode l.pin glyphs -o d.npy --threads 1", 0);
    assert_true(same_files("c.npy", "d.npy"));
    assert_run("decode l.pin c.npy -o a.csv", 0);
    assert_run("reconstruct l.pin glyphs -o b.csv", 0);
    assert_true(same_files("a.csv", "b.csv"));

    assert_run("train logistic-pca glyphs --latent-dim 6 --lr 0.03 --epochs 1 -o r.pin --quiet", 0);
    assert_run("train logistic-pca glyphs --epochs 2 --resume -o r.pin --quiet", 0);
    assert_run("encode r.pin glyphs -o e.npy", 0);
    assert_true(same_files("c.npy", "e.npy"));
    assert_run("sample l.pin glyphs -n 5 -o new.npy", 0);
    assert_run("score l.pin glyphs -o scores.csv", 0);
    assert_run("info l.pin --program", 0);
    assert_says(out, "logistic_code");
    assert_run("report l.pin glyphs -o l.html", 0);
    assert_true(there("l.html"));

    write_file("wide.csv", "a,b\n0.5,1\n0,1.5\n0.25,0\n");
    assert_fails("train logistic-pca wide.csv --latent-dim 1 --scaling none -o x.pin", 2,
                 "values in [0,1]");
    assert_fails("train logistic-pca wide.csv --latent-dim 3 --scaling minmax -o x.pin", 2,
                 "3 components of rows of 2 numbers");
    assert_true(!there("x.pin"));
    assert_run("train logistic-pca wide.csv --latent-dim 1 --scaling minmax -o w.pin --quiet", 0);
}

/* The numbers of a file's rows (free them). */
static ph_real *numbers_of(const char *spec, size_t *rows, size_t *width)
{
    ph_data_info info;
    ph_data *d = ph_data_open(spec, NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_describe(d, &info);
    *rows = info.rows;
    *width = info.width;
    size_t *index = malloc(info.rows * sizeof *index);
    ph_real *x = malloc(info.rows * info.width * sizeof *x);
    for (size_t i = 0; i < info.rows; i++)
        index[i] = i;
    assert_int_equal(ph_data_read(d, index, info.rows, x), PH_OK);
    free(index);
    ph_data_close(d);
    return x;
}

/* That tile (row, column) of a picture `wide` pixels wide is that picture of 28x28. */
static void assert_tile(const ph_real *picture, size_t wide, size_t row, size_t column,
                        const ph_real *x)
{
    for (size_t i = 0; i < 784; i++) {
        size_t y = row * 30 + i / 28, at = column * 30 + i % 28;
        assert_true(fabs((double)(picture[y * wide + at] - x[i])) <= 0.5 + 1e-3);
    }
}

static void rows_of_pictures(void **state)
{
    (void)state;
    size_t rows, width, place[10], count, pixels;
    assert_run("train ae glyphs --hidden 16 --latent-dim 6 --epochs 1 -o a.pin --quiet", 0);
    assert_run("reconstruct a.pin glyphs -o shown/rows.png --beside l.pin,p.pin --json", 1);
    mkdir(in_folder("shown"), 0700);
    assert_run("reconstruct a.pin glyphs -o shown/rows.png --beside l.pin,p.pin --json", 0);
    assert_string_equal(err, "");
    assert_true(figure("row") == 4 && figure("latent_dim") == 6);
    double sse = figure("sse");
    assert_run("eval p.pin glyphs --json", 0);
    assert_true(sse == figure("sse"));

    /* The first of each class in the order of the classes, and below them what became of them. */
    ph_data *glyphs = ph_data_open("glyphs:test", NULL);
    const uint32_t *labels = ph_data_labels(glyphs);
    for (uint32_t c = 0; c < 10; c++)
        for (place[c] = 0; labels[place[c]] != c; place[c]++)
            ;
    ph_data_close(glyphs);
    ph_real *x = numbers_of("glyphs:test", &rows, &width);
    ph_real *picture = numbers_of(in_folder("shown"), &count, &pixels);
    assert_true(count == 1 && pixels == (4 * 30 - 2) * (10 * 30 - 2));
    static const char *const models[] = { "a.pin", "l.pin", "p.pin" };
    for (size_t m = 0; m < 3; m++) {
        char command[128];
        snprintf(command, sizeof command, "reconstruct %s glyphs -o back.npy", models[m]);
        assert_run(command, 0);
        ph_real *back = numbers_of(in_folder("back.npy"), &rows, &width);
        for (size_t c = 0; c < 10; c++)
            for (size_t i = 0; i < width; i++) /* PCA leaves the range of bytes, a picture cannot */
                back[place[c] * width + i] =
                    (ph_real)fmin(fmax((double)back[place[c] * width + i], 0), 255);
        for (size_t c = 0; c < 10; c++) {
            assert_tile(picture, 298, 0, c, x + place[c] * width);
            assert_tile(picture, 298, 1 + m, c, back + place[c] * width);
        }
        free(back);
    }
    free(picture);
    free(x);

    assert_run("reconstruct a.pin glyphs -o r.png --beside p.pin --rows 3", 0);
    assert_says(out, "2    ");
    assert_says(out, "a.pin (ae)\n3    ");
    assert_says(out, "p.pin (pca)\nsse: squared error summed over a row, mean over 2000 rows");
}

/* Classes that no row is of take no place. */
static void rows_of_classes_there_are(void **state)
{
    (void)state;
    size_t count, pixels[2];
    FILE *f = fopen(in_folder("few.csv"), "w");
    for (int r = 0; r < 40; r++)
        fprintf(f, "%g,%g,%g,%d\n", r / 40.0, r % 7 / 7.0, r % 3 / 3.0, r % 2 ? 7 : 9);
    fclose(f);
    assert_run("train pca few.csv --label-column 4 --latent-dim 1 -o f.pin --quiet", 0);
    for (int i = 0; i < 2; i++) {
        char command[128];
        snprintf(command, sizeof command, "reconstruct f.pin few.csv --label-column 4 --beside f.pin --rows %d "
                 "-o few%d/p.png", i ? 2 : 10, i);
        mkdir(in_folder(i ? "few1" : "few0"), 0700);
        assert_run(command, 0);
        free(numbers_of(in_folder(i ? "few1" : "few0"), &count, &pixels[i]));
    }
    assert_int_equal(pixels[0], 5 * pixels[1]);
}

static void tables_beside(void **state)
{
    (void)state;
    write_file("t.csv", "a,b,c\n0,1,2\n1,2,4\n2,3,1\n3,3,0\n4,5,6\n");
    assert_run("train pca t.csv --latent-dim 1 -o one.pin --quiet", 0);
    assert_run("train pca t.csv --latent-dim 2 -o two.pin --quiet", 0);
    assert_run("reconstruct one.pin t.csv -o cells.png --beside two.pin", 0);
    assert_true(there("cells.png"));
    assert_fails("reconstruct one.pin t.csv -o cells.npy --beside two.pin", 2, "-o FILE.png");
    assert_fails("reconstruct one.pin t.csv -o - --beside two.pin", 2, "-o FILE.png");
    assert_fails("reconstruct one.pin t.csv --beside two.pin", 2, "where to?");
    assert_fails("reconstruct one.pin t.csv -o c.png --rows 5", 2, "--beside");
    assert_fails("reconstruct one.pin t.csv -o c.png --beside two.pin --noise gauss:1", 2,
                 "as they are");
    assert_fails("reconstruct one.pin t.csv -o c.png --beside a.pin", 2,
                 "a.pin: takes rows of 28x28, but one.pin rows of 3");
    assert_fails("reconstruct one.pin t.csv -o c.png --beside none.pin", 1, "none.pin");
    assert_fails("reconstruct one.pin t.csv -o two.pin --beside one.pin,two.pin", 2,
                 "that file is read");
    write_file("d.csv", "a,b,d\n0,1,2\n1,2,4\n2,3,1\n");
    assert_run("train pca d.csv --latent-dim 1 -o other.pin --quiet", 0);
    assert_fails("reconstruct one.pin t.csv -o c.png --beside other.pin", 1, "'d'");
    assert_true(!there("c.png"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logistic_pca),
        cmocka_unit_test(rows_of_pictures),
        cmocka_unit_test(rows_of_classes_there_are),
        cmocka_unit_test(tables_beside),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
