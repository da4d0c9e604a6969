/* test_cli_series.c - series in tables from outside: trained on in windows, scored window by window, given back as tables,
 * and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"

#define CONVOLUTIONS "--hidden 'conv 8 4/2, conv 8 4/2' --latent-dim 4 --batch-size 16 --threads 1 --quiet "

enum { LINES = 600 };

/* Waves, with a flat piece from line `odd` on; times in front, and whether a line is odd behind. */
static void write_series(const char *name, size_t columns, size_t lines, size_t odd)
{
    FILE *f = fopen(in_folder(name), "w");
    fputs("time", f);
    for (size_t c = 0; c < columns; c++)
        fprintf(f, ",sensor %zu", c + 1);
    fputs(",odd\n", f);
    for (size_t i = 0; i < lines; i++) {
        bool flat = i >= odd && i < odd + 20;
        fprintf(f, "day %zu", i + 1);
        for (size_t c = 0; c < columns; c++)
            fprintf(f, ",%.6f", 50 * (double)c + (flat ? 4 : sin(0.4 * (double)i + (double)c)));
        fprintf(f, ",%d\n", flat);
    }
    fclose(f);
}

/* Largest absolute difference of two tables of the same columns. */
static double difference(const char *a, const char *b, size_t *lines)
{
    ph_data_info x, y;
    char path[600];
    snprintf(path, sizeof path, "%s", in_folder(a));
    ph_data *one = ph_data_open(path, &(ph_data_desc){ .drop_columns = "odd" });
    ph_data *other = ph_data_open(in_folder(b), NULL);
    if (one == NULL || other == NULL)
        fail_msg("%s", ph_message());
    ph_data_describe(one, &x);
    ph_data_describe(other, &y);
    assert_true(x.rows == y.rows && x.width == y.width);
    assert_string_equal(x.id_column, y.id_column);
    double most = 0;
    for (size_t r = 0; r < x.rows; r++) {
        ph_real p[4], q[4];
        assert_int_equal(ph_data_read(one, &r, 1, p), PH_OK);
        assert_int_equal(ph_data_read(other, &r, 1, q), PH_OK);
        assert_string_equal(ph_data_id(one, r), ph_data_id(other, r));
        for (size_t c = 0; c < x.width; c++) {
            assert_string_equal(ph_data_column(one, c), ph_data_column(other, c));
            most = fmax(most, fabs((double)p[c] - (double)q[c]));
        }
    }
    *lines = x.rows;
    ph_data_close(one);
    ph_data_close(other);
    return most;
}

static void a_series_is_learnt(void **state)
{
    (void)state;
    static char page[1 << 20];
    size_t lines;
    write_series("good.csv", 1, LINES, LINES);
    write_series("bad.csv", 1, 301, 200);
    assert_run("data good.csv --label-column odd --window 32 --hop 8", 0);
    assert_says(out, "good.csv: 72 rows of 32, f4 numbers (CSV)");
    assert_says(out, "rows are windows of 32 lines, 8 apart, of 1 table");
    assert_says(out, "good.csv:1-32: ");
    assert_says(out, "     1 sensor 1 ");
    assert_true(strstr(out, "     2 ") == strstr(out, "     2 good.csv:9-40")); /* a column, not 32 */
    assert_says(err, "");
    assert_run("train ae good.csv --drop-columns odd --window 32 --hop 8 " CONVOLUTIONS "--epochs 60 --lr 0.01 -o a.pin", 0);
    assert_says(err, "good.csv: lines are named by 'time', which is not trained on");
    assert_run("eval a.pin good.csv --json", 0);
    assert_true(figure("rows") == 72);
    if (!(figure("mse") < 0.1))
        fail_msg("mse %g", figure("mse"));
    assert_run("score a.pin bad.csv --label-column odd --of-windows each -o odd.csv", 0);
    slurp("odd.csv", out, sizeof out);
    assert_says(out, "id,error,odd\nbad.csv:1-32,");
    assert_says(out, ",0\nbad.csv:9-40,");
    assert_says(out, "\nbad.csv:270-301,"); /* flush with the end */
    assert_run("score a.pin bad.csv --label-column odd --of-windows each --json -o odd.csv", 0);
    assert_true(figure("rows") == 35 && figure("roc_auc") > 0.95);
    assert_run("score a.pin bad.csv --label-column odd -o odd.csv", 0);
    assert_says(err, "1 of 1 tables are odd");
    assert_run("reconstruct a.pin good.csv -o back.csv", 0);
    assert_true(difference("good.csv", "back.csv", &lines) < 1.5 && lines == LINES);
    slurp("back.csv", out, sizeof out);
    assert_says(out, "time,sensor 1\nday 1,");
    assert_run("report a.pin bad.csv -o page.html", 0);
    slurp("page.html", page, sizeof page);
    assert_true(*page);
    assert_run("encode a.pin bad.csv -o codes.csv", 0);
    slurp("codes.csv", out, sizeof out);
    assert_says(out, "id,z1,z2,z3,z4\nbad.csv:1-32,");
    assert_run("reconstruct a.pin bad.csv --noise gauss:0.1 -o noisy.csv", 0);
    assert_true(difference("bad.csv", "noisy.csv", &lines) > 0 && lines == 301);
    assert_run("train ae bad.csv --label-column odd --only-label 0 --window 32 " CONVOLUTIONS "--epochs 2 -o u.pin", 0);
    assert_run("eval u.pin good.csv --json", 0); /* it knows its windows, though it had them as copies */
    assert_true(figure("rows") == 37);
}

static void hidden_lines_are_told(void **state)
{
    (void)state;
    write_series("good.csv", 1, LINES, LINES);
    assert_run("train mae good.csv --drop-columns odd --window 32 --hop 8 --patch 4 --mask 0.25 --width 32 --depth 2 --mlp-ratio 2 "
               "--decoder-width 32 --batch-size 16 --threads 1 --epochs 60 --lr 0.003 --quiet -o m.pin", 0);
    assert_run("eval m.pin good.csv --json", 0);
    if (!(figure("masked_mse") < 0.3))
        fail_msg("masked_mse %g", figure("masked_mse"));
    assert_run("score m.pin good.csv --of-windows each -o odd.csv", 0);
    assert_run("reconstruct m.pin good.csv -o back.csv", 0);
    write_series("two.csv", 2, 200, 200);
    assert_run("train mae two.csv --drop-columns odd --window 32 --patch 4 --width 16 --depth 1 --decoder-width 16 --batch-size 16 "
               "--threads 1 --epochs 1 --quiet -o m2.pin", 0);
    assert_fails("train mae two.csv --drop-columns odd --window 32 --patch 5 --epochs 1 -o m3.pin", 2, "--patch takes a divisor of 32");
}

/* Several columns are channels, each with its own scale, and by its name. */
static void columns_are_channels(void **state)
{
    (void)state;
    size_t lines;
    write_series("three.csv", 3, LINES, LINES);
    assert_run("data three.csv --label-column odd --window 32", 0);
    assert_says(out, "three.csv: 37 rows of 1x32x3, f4 numbers (CSV)");
    assert_says(out, "     3 sensor 3 ");
    assert_run("data three.csv --label-column odd --window 32 --json", 0);
    assert_says(out, "\"columns\":[\"sensor 1\",\"sensor 2\",\"sensor 3\"]");
    assert_run("train ae three.csv --drop-columns odd --window 32 --hop 8 " CONVOLUTIONS "--epochs 60 --lr 0.01 -o c.pin", 0);
    assert_run("reconstruct c.pin three.csv -o back.csv", 0);
    assert_true(difference("three.csv", "back.csv", &lines) < 2 && lines == LINES);
    FILE *f = fopen(in_folder("turned.csv"), "w"); /* found by name */
    fputs("sensor 3,sensor 1,sensor 2\n", f);
    for (size_t i = 0; i < 100; i++)
        fprintf(f, "%.6f,%.6f,%.6f\n", 100 + sin(0.4 * (double)i + 2), sin(0.4 * (double)i), 50 + sin(0.4 * (double)i + 1));
    fclose(f);
    assert_run("eval c.pin three.csv --json", 0);
    double error = figure("mse");
    assert_run("eval c.pin turned.csv --json", 0);
    assert_true(figure("mse") < 2 * error + 0.01);
    assert_fails("score c.pin three.csv --maps maps", 2, "are windows of a table");
    assert_run("reconstruct c.pin three.csv -o back.png", 0); /* fifty lines of cells, and no colours */
    ph_data *drawn = ph_data_open(in_folder("back.png"), NULL);
    assert_non_null(drawn);
    ph_data_info cells;
    ph_data_describe(drawn, &cells);
    assert_true(cells.rank == 2 && cells.shape[0] == 50 * 12);
    ph_data_close(drawn);
    write_series("two.csv", 2, 100, 100);
    assert_fails("score c.pin two.csv", 1, "no column 'sensor 3'");
    assert_fails("reconstruct c.pin three.csv -o x.wav", 2, "x.wav: a .wav is written of what comes back of a sound");
}

static void folders_of_tables(void **state)
{
    (void)state;
    size_t lines;
    mkdir(in_folder("runs"), 0777);
    write_series("runs/a.csv", 1, 100, 100);
    write_series("runs/b.csv", 1, 77, 77);
    write_series("runs/c.csv", 1, 20, 20); /* smaller than a window */
    assert_run("train ae runs --drop-columns odd --window 32 " CONVOLUTIONS "--epochs 2 -o f.pin", 0);
    assert_run("data runs --drop-columns odd --window 32", 0);
    assert_says(out, "of 3 tables\n1 of them is smaller than a window");
    assert_fails("reconstruct f.pin runs -o back.csv", 2, "runs has 3 tables; -o FOLDER/ takes a file for each");
    assert_run("reconstruct f.pin runs -o back/", 0);
    assert_true(difference("runs/a.csv", "back/a.csv", &lines) < 10 && lines == 100);
    assert_true(difference("runs/c.csv", "back/c.csv", &lines) < 10 && lines == 20);
    assert_run("reconstruct f.pin runs/b.csv -o alone.csv", 0);
    char command[900];
    snprintf(command, sizeof command, "cd %s && cmp alone.csv back/b.csv", folder);
    assert_int_equal(system(command), 0);
    assert_run("encode f.pin runs -o codes.csv", 0);
    assert_run("score f.pin runs -o odd.csv", 0);
    assert_says(err, " of 3 tables are odd: largest error above ");
    assert_says(err, "99 % of the training tables stayed below");
    /* Of the tables that it was trained on none is above all of them, and all but the oddest stay below it. */
    for (int mean = 0; mean < 2; mean++) {
        char arguments[200];
        for (int quantile = 0; quantile < 2; quantile++) {
            snprintf(arguments, sizeof arguments, "score f.pin runs --of-windows %s --quantile %d --json",
                     mean ? "mean" : "largest", quantile);
            assert_run(arguments, 0);
            assert_true(figure("odd") == (quantile ? 0 : 2));
        }
    }
    assert_run("score f.pin runs --of-windows each --quantile 1 --json", 0);
    assert_true(figure("odd") == 0);
}

static void unlike_windows(void **state)
{
    (void)state;
    write_series("good.csv", 1, 100, 100);
    assert_fails("data good.csv --label-column odd --hop 4", 2, "hop 4: of tables it takes a window, too");
    assert_run("train ae good.csv --drop-columns odd --window 32 " CONVOLUTIONS "--epochs 1 -o w.pin", 0);
    assert_run("sample w.pin good.csv --count 5 --components 1 -o s.npy", 0);
    assert_run("score w.pin s.npy --of-windows each -o odd.csv", 0); /* windows already */
    assert_fails("score w.pin s.npy --window 32", 1, "1024");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_is_learnt),  cmocka_unit_test(hidden_lines_are_told),
        cmocka_unit_test(columns_are_channels), cmocka_unit_test(folders_of_tables),
        cmocka_unit_test(unlike_windows),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
