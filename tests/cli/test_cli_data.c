/* test_cli_data.c - the command on tables and arrays: columns by name and number, standard input, what is
 * missing, tables that differ from the model's, codes and reconstructions as files of every kind. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pinhole.h>

#include "cli/command.h"

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");
    fputs(text, f);
    fclose(f);
}

static void same_files(const char *a, const char *b)
{
    char command[1300], first[600];
    snprintf(first, sizeof first, "%s", in_folder(a));
    snprintf(command, sizeof command, "cmp %s %s", first, in_folder(b));
    assert_int_equal(system(command), 0);
}

static double value(int r, int c)
{
    return sin(r * 1.3 + c * c) * (c + 1) + c;
}

enum { ROWS = 60 };

/* name,a,b,"c, d",kind; `order` is of the columns a, b and "c, d", `more` a column behind them. */
static void write_table(const char *name, const char *order, const char *more, int missing_row)
{
    FILE *f = fopen(in_folder(name), "w");
    static const char *const names[] = { "a", "b", "\"c, d\"" };
    fputs("name", f);
    for (const char *o = order; *o; o++)
        fprintf(f, ",%s", names[*o - '0']);
    fprintf(f, "%s,kind\n", *more ? ",further" : "");
    for (int r = 0; r < ROWS; r++) {
        fprintf(f, "plant %d", r);
        for (const char *o = order; *o; o++)
            if (r == missing_row && *o == '1')
                fputs(",NA", f);
            else
                fprintf(f, ",%.9g", value(r, *o - '0'));
        fprintf(f, "%s%s,%s\n", *more ? "," : "", more, r % 3 ? "oak" : "ash");
    }
    fclose(f);
}

#define TRAIN "train pca t.csv --latent-dim 2 --label-column kind "

static int begin(void **state)
{
    int status = make_folder(state);
    write_table("t.csv", "012", "", -1);
    write_table("turned.csv", "201", "7", -1);
    write_table("missing.csv", "012", "", 17);
    return status || run(TRAIN "-o t.pin");
}

/* What is said after Ctrl-C is a command that a shell takes and that goes on, options of the data and all. */
static void how_to_go_on(void **state)
{
    (void)state;
    char command[2048], again[2048];
    snprintf(command, sizeof command, "cd %s && timeout --foreground -s INT 2 %s train ae t.csv --label-column kind "
             "--columns '\"c, d\",a' --hidden none --latent-dim 1 --epochs 1000000000 --quiet "
             "-o \"it's mine.pin\" 2>stderr", folder, PH_COMMAND);
    assert_int_not_equal(system(command), 0);
    slurp("stderr", err, sizeof err);
    assert_says(err, "to go on: pinhole train --resume ae t.csv --label-column kind --columns '\"c, d\",a'");
    assert_says(err, "-o 'it'\\''s mine.pin'\n");
    snprintf(again, sizeof again, "%.*s --epochs 1", (int)strcspn(strstr(err, "train --resume"), "\n"),
             strstr(err, "train --resume"));
    assert_run(again, 0);
}

/* Options are looked at before data, which may be large. */
static void mistakes_before_data(void **state)
{
    (void)state;
    assert_fails("train aee nowhere.csv", 2, "did you mean 'ae'?");
    assert_fails("train ae nowhere.csv --epochs x", 2, "epochs: 'x'");
    assert_fails("train pca nowhere.csv --hiden 3", 2, "unknown option 'hiden'");
    assert_fails("train recipes/nowhere", 2, "recipes/nowhere: neither a family nor a recipe");
    assert_fails("data ''", 2, "the name of the data is empty");
}

static void what_is_read_is_not_replaced(void **state)
{
    (void)state;
    write_table("own.csv", "012", "", -1);
    assert_fails(TRAIN "--log t.csv -o own.pin", 2, "--log t.csv: that file is read");
    assert_fails("train pca own.csv --label-column kind --latent-dim 1 -o ./own.csv", 2, "that file is read");
    assert_fails("encode t.pin own.csv -o own.csv", 2, "--output own.csv: that file is read");
    same_files("own.csv", "t.csv");
}

static void names_do_not_steer_the_terminal(void **state)
{
    (void)state;
    write_text("steers.csv", "id,\"x\033[31m\ny\",kind\nr\007,1,k\033\ns,2,l\n");
    assert_run("data steers.csv --label-column kind", 0);
    assert_says(out, "x?[31m?y");
    assert_says(out, "k? (1)");
    assert_says(out, "r?: 1");
    assert_null(strchr(out, '\033'));
    assert_null(strchr(out, '\007'));
}

static void what_a_table_is(void **state)
{
    (void)state;
    assert_run("data t.csv", 0);
    assert_says(out, "t.csv: 60 rows of 3, f4 numbers (CSV)");
    assert_says(out, "rows are named by name: plant 0, ...");
    assert_says(out, "left out, as they hold no numbers: kind");
    assert_says(out, "     3 c, d ");
    assert_says(out, "     1 plant 0:");
    assert_string_equal(err, "");
    assert_run("data t.csv --label-column kind", 0);
    assert_says(out, "2 classes: ash (20) oak (40)");
    assert_says(out, "[class 0]");
    assert_run("data t.csv --label-column kind --json", 0);
    assert_says(out, "\"rows\":60,\"shape\":[3],\"type\":\"f4\",\"format\":\"CSV\"");
    assert_says(out, "\"classes\":2,\"missing\":0,\"infinite\":0,\"constant_columns\":0");
    assert_says(out, "\"columns\":[\"a\",\"b\",\"c, d\"],\"class_names\":[\"ash\",\"oak\"],\"id_column\":\"name\"");
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
    assert_run("data t.csv --columns 4,a --label kind --index-col 1", 0);
    assert_says(out, "     1 c, d");
    assert_says(out, "     2 a ");
    write_text("odd.csv", "a,b,c,c\n1,5,,1\n2,5,,inf\nNA,5,,3\n");
    assert_run("data odd.csv", 0);
    assert_says(out, "4 values are missing (NaN)");
    assert_says(out, "1 value is infinite");
    assert_says(out, "constant");
    assert_says(out, "no value at all");
    assert_says(out, "a name twice");
    assert_run("data odd.csv --json", 0);
    assert_says(out, "\"missing\":4,\"infinite\":1");
    assert_run("data t.csv --label-column kind -o classes.png", 0);
    assert_fails("data t.csv --label-column knid", 2, "did you mean 'kind'?");
    assert_fails("data t.csv --columns a,kind", 2, "holds text ('ash' in line 2)");
    assert_fails("data t.csv --separator colon", 2, "one of");
}

static void standard_input(void **state)
{
    (void)state;
    assert_run("data - --json <t.csv", 0);
    assert_says(out, "\"name\":\"standard input\",\"part\":\"all\",\"rows\":60");
    assert_run("encode t.pin t.csv -o file.csv", 0);
    assert_run("encode t.pin - -o stdin.csv <t.csv", 0);
    same_files("file.csv", "stdin.csv");
    assert_run("encode t.pin t.csv --columns 2,3,4 --id-column none -o -", 0);
    assert_memory_equal(out, "\x93NUMPY", 6);
    assert_run("reconstruct t.pin t.csv -o r.npy", 0);
    assert_run("encode t.pin r.npy -o a.npy", 0);
    assert_run("encode t.pin - -o b.npy <r.npy", 0);
    same_files("a.npy", "b.npy");
    char command[700];
    snprintf(command, sizeof command, "cd %s && gzip -c t.csv >t.csv.gz && gzip -c r.npy >r.npy.gz", folder);
    assert_int_equal(system(command), 0);
    assert_run("encode t.pin - -o c.csv <t.csv.gz", 0);
    same_files("file.csv", "c.csv");
    assert_run("encode t.pin r.npy.gz -o c.npy", 0);
    same_files("a.npy", "c.npy");
    assert_run("eval t.pin - --json <t.csv", 0);
    assert_says(out, "\"rows\":60");
    assert_run("train pca - --latent-dim 1 --drop-columns kind <t.csv", 0);
    assert_int_equal(access(in_folder("pca-standard-input.pin"), R_OK), 0);
    assert_fails("data - </dev/null", 1, "standard input: it is empty");
    assert_run("encode t.pin t.csv -o z.npz", 0);
    assert_fails("data - <z.npz", 2, "standard input: an .npz is read from a file");
    assert_fails("data - --format safetensors <t.csv", 2, "standard input: safetensors are read from a file");
    write_text("one", "5");
    assert_run("data - <one", 0);
}

/* Opens a file that the command wrote and holds the row in it against another's. */
static void same_rows(const char *a, const char *b)
{
    ph_data *one = ph_data_open(in_folder(a), NULL);
    if (one == NULL)
        fail_msg("%s", ph_message());
    ph_data *other = ph_data_open(in_folder(b), NULL);
    if (other == NULL)
        fail_msg("%s", ph_message());
    ph_data_info x, y;
    ph_data_describe(one, &x);
    ph_data_describe(other, &y);
    assert_int_equal(x.rows, y.rows);
    assert_int_equal(x.width, y.width);
    for (size_t r = 0; r < x.rows; r++) {
        ph_real p[8], q[8];
        assert_int_equal(ph_data_read(one, &r, 1, p), PH_OK);
        assert_int_equal(ph_data_read(other, &r, 1, q), PH_OK);
        assert_memory_equal(p, q, x.width * sizeof *p);
    }
    ph_data_close(one);
    ph_data_close(other);
}

static void files_of_every_kind(void **state)
{
    (void)state;
    static const char *const works[] = { "encode", "reconstruct" };
    static const char *const kinds[] = { "csv", "npz", "safetensors" };
    char command[200], name[32];
    for (int w = 0; w < 2; w++) {
        snprintf(command, sizeof command, "%s t.pin t.csv -o w.npy", works[w]);
        assert_run(command, 0);
        for (int k = 0; k < 3; k++)
            for (int labelled = 0; labelled < 2; labelled++) {
                snprintf(name, sizeof name, "w.%s", kinds[k]);
                snprintf(command, sizeof command, "%s t.pin t.csv -o %s %s", works[w], name,
                         labelled ? "--label-column kind" : "");
                assert_run(command, 0);
                same_rows("w.npy", name);
                ph_data *d = ph_data_open(in_folder(name), NULL);
                assert_int_equal(ph_data_labels(d) != NULL, k > 0 && labelled);
                for (int r = 0; r < ROWS && k && labelled; r++)
                    assert_int_equal(ph_data_labels(d)[r], r % 3 ? 1 : 0);
                ph_data_close(d);
            }
    }
    assert_run("encode t.pin t.csv -o codes.csv", 0);
    slurp("codes.csv", out, sizeof out);
    assert_memory_equal(out, "name,z1,z2\nplant 0,", 19);
    assert_run("reconstruct t.pin t.csv -o rows.csv", 0);
    slurp("rows.csv", out, sizeof out);
    assert_memory_equal(out, "name,a,b,\"c, d\"\nplant 0,", 24);
    assert_run("encode t.pin t.csv -o codes.csv --id-column none", 0);
    slurp("codes.csv", out, sizeof out);
    assert_memory_equal(out, "z1,z2\n", 6);
    assert_run("encode t.pin t.csv -o codes.csv", 0);
    assert_run("decode t.pin codes.csv -o decoded.csv", 0);
    same_files("rows.csv", "decoded.csv");
    assert_fails("encode t.pin t.csv -o codes.txt", 2, "what kind of file?");
    assert_fails("encode t.pin t.csv -o no/such.npz", 1, "no/such.npz");
}

static void tables_that_differ(void **state)
{
    (void)state;
    assert_run("encode t.pin t.csv -o own.csv", 0);
    assert_run("encode t.pin turned.csv -o turned-codes.csv", 0);
    same_files("own.csv", "turned-codes.csv");
    assert_run("eval t.pin turned.csv", 0);
    assert_fails("encode t.pin turned.csv --drop-columns kind,further -o x.csv", 1,
                 "turned.csv: column 1 is 'c, d', where the model has 'a'");
    write_text("names.csv", "name,a,b,d\nx,1,2,3\n");
    assert_fails("encode t.pin names.csv -o x.csv", 1, "names.csv: no column 'c, d'");
    assert_says(err, "the model was made for a table that has it");
    write_text("bare.csv", "1,2,3\n4,5,6\n");
    assert_fails("encode t.pin bare.csv -o x.csv", 1, "columns go by number");
    assert_run("encode t.pin bare.csv --columns 1,2,3 -o x.csv", 0);
    unlink(in_folder("x.csv"));
    assert_fails("encode t.pin bare.csv --columns 1,2 -o x.csv", 1, "rows of 2 numbers, but the model's rows have 3");
    write_text("ragged.csv", "name,a,b,\"c, d\"\nx,1,2,3\ny,1,2,3\nz,1,2,3\nw,1,2\n");
    assert_fails("encode t.pin ragged.csv -o x.csv", 1, "ragged.csv: line 5: 3 fields, where the header has 4");
    write_text("words.csv", "name,a,b,\"c, d\"\nx,1,2,3\ny,1,?!,3\n");
    assert_fails("encode t.pin words.csv -o x.csv", 1,
                 "words.csv: line 3, column 3 ('b'): '?!' is not a number");
    write_text("twice.csv", "a,b,\"c, d\",a\n1,2,3,4\n");
    assert_fails("encode t.pin twice.csv -o x.csv", 2, "two columns are called 'a' (1 and 4)");
    assert_int_equal(access(in_folder("x.csv"), F_OK), -1);
    assert_fails("train pca t.csv --latent-dim 2 -o y.pin", 2,
                 "leave text out with --drop-columns 'kind', or name classes with --label-column");
    assert_run("train pca t.csv --latent-dim 2 -o y.pin --text-columns drop", 0);
    assert_says(err, "columns left out, as they hold no numbers: kind");
    assert_run("train pca t.csv --latent-dim 1 -o two.pin --columns b,a", 0);
    assert_run("encode two.pin turned.csv -o two.csv", 0);
    assert_run("train pca t.csv --latent-dim 1 -o other.pin --columns 3,2", 0);
    assert_run("encode other.pin t.csv -o other.csv", 0);
    same_files("two.csv", "other.csv");
}

static void missing_values(void **state)
{
    (void)state;
    assert_fails("train pca missing.csv --latent-dim 2 --label kind -o m.pin", 1,
                 "missing.csv: row 18 ('plant 17'), column 2 ('b'): the value is missing (NaN)");
    assert_fails("encode t.pin missing.csv -o m.csv", 1,
                 "missing.csv: row 18 ('plant 17'), column 2 ('b'): the value is missing (NaN)");
    assert_run("train ae missing.csv --label kind --missing mean --hidden 4 --latent-dim 2 --epochs 1 "
               "-o m.pin --quiet", 0);
    assert_run("encode m.pin missing.csv -o m.csv", 0);
    /* The mean of the column stands in its place. */
    double mean = 0;
    for (int r = 0; r < ROWS; r++)
        mean += r == 17 ? 0 : (double)(float)value(r, 1) / (ROWS - 1);
    FILE *f = fopen(in_folder("filled.csv"), "w");
    fputs("name,a,b,\"c, d\"\n", f);
    for (int r = 0; r < ROWS; r++)
        fprintf(f, "plant %d,%.9g,%.9g,%.9g\n", r, value(r, 0), r == 17 ? mean : value(r, 1), value(r, 2));
    fclose(f);
    assert_run("encode m.pin filled.csv -o f.csv", 0);
    ph_data *a = ph_data_open(in_folder("m.csv"), NULL), *b = ph_data_open(in_folder("f.csv"), NULL);
    for (size_t r = 0; r < ROWS; r++) {
        ph_real x[2], y[2];
        assert_int_equal(ph_data_read(a, &r, 1, x), PH_OK);
        assert_int_equal(ph_data_read(b, &r, 1, y), PH_OK);
        assert_true(fabs((double)(x[0] - y[0])) < 1e-5 && fabs((double)(x[1] - y[1])) < 1e-5);
    }
    ph_data_close(a);
    ph_data_close(b);
    assert_run("train pca missing.csv --label kind --missing mean --latent-dim 2 -o p.pin", 0);
    assert_run("eval p.pin missing.csv", 0);
    write_text("none.csv", "a,b\n1,\n2,\n");
    assert_fails("train pca none.csv --missing mean --latent-dim 1 -o n.pin", 1,
                 "column 2 ('b') holds no value at all");
    write_text("infinite.csv", "a,b\n1,2\n2,inf\n");
    assert_fails("train pca infinite.csv --missing mean --latent-dim 1 -o n.pin", 1,
                 "row 2, column 2 ('b'): the value is infinite");
    assert_fails("train pca t.csv --label kind --missing median --latent-dim 1", 2, "one of");
}

static void parts_of_archives(void **state)
{
    (void)state;
    assert_run("encode t.pin t.csv --label-column kind -o parts.npz", 0);
    assert_run("data parts.npz --json", 0);
    assert_says(out, "\"format\":\"NPZ\"");
    assert_says(out, "\"classes\":2");
    assert_run("data parts.npz --array X --label-array none --json", 0);
    assert_says(out, "\"classes\":0");
    assert_fails("data parts.npz --array Z", 2, "no array 'Z'; there are: X, y");
    assert_fails("data parts.npz:test", 2, "no training and test part");
    assert_fails("data t.csv:train", 2, "no training and test part");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_to_go_on),
        cmocka_unit_test(mistakes_before_data),
        cmocka_unit_test(what_is_read_is_not_replaced),
        cmocka_unit_test(names_do_not_steer_the_terminal),
        cmocka_unit_test(what_a_table_is),     cmocka_unit_test(standard_input),
        cmocka_unit_test(files_of_every_kind), cmocka_unit_test(tables_that_differ),
        cmocka_unit_test(missing_values),      cmocka_unit_test(parts_of_archives),
    };
    return cmocka_run_group_tests(tests, begin, remove_folder);
}
