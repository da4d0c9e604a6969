/* test_cli_classes.c - classes by their names: encode --classify, eval of other files, sample --label, resuming.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"

/* Trees in turn: of each row the last column but the kind is 0, 3 or 6, by the kind's first letter. */
static void write_trees(const char *name, int rows, bool ids, const char *const *kinds, int count)
{
    FILE *f = fopen(in_folder(name), "w");
    uint32_t state = 3;
    fprintf(f, "%sheight,width,kind\n", ids ? "tree," : "");
    for (int r = 0; r < rows; r++) {
        const char *kind = kinds[r % count];
        state = state * 1664525u + 1013904223u;
        double noise = (state >> 8) / 16777216.0, at = 3 * ((kind[0] == 'e') + 2 * (kind[0] == 'o'));
        if (ids)
            fprintf(f, "t%d,", r + 1);
        fprintf(f, strchr(kind, ',') ? "%.4f,%.4f,\"%s\"\n" : "%.4f,%.4f,%s\n", noise, at + noise, kind);
    }
    fclose(f);
}

#define TREES(name, rows, ids, ...)                                                                \
    write_trees(name, rows, ids, (const char *const[]){ __VA_ARGS__ },                             \
                (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))
#define KIND " --label-column kind "

static int begin(void **state)
{
    if (make_folder(state))
        return 1;
    TREES("trees.csv", 90, true, "ash", "elm", "oak, red");
    TREES("oaks.csv", 8, true, "oak, red");
    TREES("two.csv", 30, false, "oak, red", "elm");
    TREES("zebra.csv", 6, true, "ash", "elm", "zebra");
    TREES("late.csv", 30, true, "elm", "oak, red");
    return run("train aae trees.csv" KIND "--labels 60 --hidden 16 --latent-dim 2 --lr 0.01 --batch-size 30 "
               "--epochs 60 -o trees.pin --quiet");
}

/* Lines of a file on `out`, each of which is as it should be up to the confidence. */
static void assert_lines(const char *name, const char *const *lines, size_t count)
{
    const char *at = out;
    slurp(name, out, sizeof out);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(at, lines[i], strlen(lines[i])) != 0)
            fail_msg("line %zu of %s does not begin with %s: %s", i + 1, name, lines[i], out);
        at = strchr(at, '\n') + 1;
    }
}

static void rows_are_called(void **state)
{
    (void)state;
    assert_run("encode trees.pin trees.csv" KIND "--classify -o classes.csv", 0);
    assert_lines("classes.csv", (const char *const[]){ "tree,class,confidence\n", "t1,ash,0.", "t2,elm,0.",
                                                       "t3,\"oak, red\",0." }, 4);
    assert_run("encode trees.pin oaks.csv" KIND "--classify -o classes.csv", 0);
    assert_lines("classes.csv", (const char *const[]){ "tree,class,confidence\n", "t1,\"oak, red\",0." }, 2);
    assert_run("encode trees.pin two.csv" KIND "--classify -o classes.csv", 0);
    assert_lines("classes.csv", (const char *const[]){ "class,confidence\n", "\"oak, red\",0.", "elm,0." }, 3);
    /* Rows of another class are none the less like one that it knows. */
    assert_run("encode trees.pin zebra.csv" KIND "--classify -o classes.csv", 0);
    assert_lines("classes.csv", (const char *const[]){ "tree,class,confidence\n", "t1,ash,0.", "t2,elm,0.",
                                                       "t3," }, 4);
    /* Arrays have the model's numbers, and so have the labels beside them. */
    assert_run("encode trees.pin oaks.csv" KIND "--classify -o classes.npz", 0);
    ph_data *d = ph_data_open(in_folder("classes.npz"), NULL);
    ph_real row[2];
    assert_non_null(d);
    assert_int_equal(ph_data_read(d, (size_t[]){ 0 }, 1, row), PH_OK);
    assert_true(row[0] == 2 && ph_data_labels(d)[0] == 2);
    ph_data_close(d);
    assert_run("info trees.pin", 0);
    assert_says(out, "classes: ash, elm, oak, red\n");
    assert_run("info trees.pin --json", 0);
    assert_says(out, "\"class_names\":[\"ash\",\"elm\",\"oak, red\"]");
}

static void files_with_other_classes(void **state)
{
    (void)state;
    static const char *const fitting[] = { "trees.csv", "oaks.csv", "two.csv", "late.csv" };
    for (size_t i = 0; i < sizeof fitting / sizeof fitting[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "eval trees.pin %s" KIND "--json", fitting[i]);
        assert_run(command, 0);
        assert_true(figure("error") == 0);
    }
    assert_fails("eval trees.pin zebra.csv" KIND, 1, "zebra.csv: row 3 is of class 'zebra', and the model knows "
                 "'ash' to 'oak, red'");
    assert_fails("report trees.pin zebra.csv" KIND "-o page.html", 1, "'zebra'");
    assert_true(!there("page.html"));
    assert_run("score trees.pin zebra.csv" KIND "--normal-label zebra -o scores.csv", 0);
    /* The same class is normal in a file that numbers it otherwise. */
    assert_run("score trees.pin trees.csv" KIND "--normal-label 1 --training late.csv --json", 0);
    double threshold = figure("threshold");
    assert_run("score trees.pin trees.csv" KIND "--normal-label elm --training late.csv --json", 0);
    assert_true(figure("threshold") == threshold);

    /* A file that goes on where another began. */
    assert_run("train aae trees.csv" KIND "--labels all --labels-for classifier --hidden 16 --latent-dim 2 "
               "--lr 0.01 --batch-size 30 --epochs 40 -o on.pin --quiet", 0);
    assert_run("train aae late.csv" KIND "--resume --epochs 80 -o on.pin --quiet", 0);
    assert_run("eval on.pin late.csv" KIND "--json", 0);
    assert_true(figure("error") == 0);
    assert_run("encode on.pin late.csv" KIND "--classify -o classes.csv", 0);
    assert_lines("classes.csv", (const char *const[]){ "tree,class,confidence\n", "t1,elm,", "t2,\"oak, red\"," }, 3);
    assert_run("train aae zebra.csv" KIND "--resume --epochs 90 -o on.pin --quiet", 1);
    assert_says(err, "zebra.csv: row 3 is of class 'zebra'");
}

static void rows_of_a_class(void **state)
{
    (void)state;
    char by_number[1 << 12];
    assert_run("sample trees.pin --label 1 -n 5 -o a.csv", 0);
    slurp("a.csv", by_number, sizeof by_number);
    assert_run("sample trees.pin --label elm -n 5 -o b.csv", 0);
    slurp("b.csv", out, sizeof out);
    assert_string_equal(out, by_number);
    assert_run("sample trees.pin --label \"oak, red\" --grid=-1:1 --steps 2 -o b.csv", 0);
    assert_run("sample trees.pin --label=-1 -n 5 -o b.csv", 0);
    assert_fails("sample trees.pin --label birch -o x.csv", 2, "--label birch: the model has classes ash to oak, red");
    assert_fails("sample trees.pin --label 3 -o x.csv", 2, "classes 0 to 2");
    assert_fails("sample trees.pin --label elm --every-label -o x.csv", 2, "--every-label goes with draws");
    assert_run("train ae trees.csv" KIND "--hidden 4 --latent-dim 2 --epochs 1 -o plain.pin --quiet", 0);
    assert_fails("sample plain.pin --from normal --label elm -o x.csv", 2, "no class");
    assert_run("eval plain.pin zebra.csv" KIND "--json", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_called),
        cmocka_unit_test(files_with_other_classes),
        cmocka_unit_test(rows_of_a_class),
    };
    return cmocka_run_group_tests(tests, begin, remove_folder);
}
