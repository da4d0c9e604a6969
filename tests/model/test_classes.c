/* test_classes.c - classes go by their names: a model keeps what those that it learnt are called, and takes other
 * sets' labels by that, whichever of them a set has and in whatever order.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <pinhole.h>

#include "scratch.h"

enum { WIDTH = 3, CLASSES = 3 };

/* A table of `rows` rows whose classes follow each other as in the list; of each name the last letter says where
 * its rows lie: h, m and k apart. */
static void write_table(const char *name, int rows, const char *const *kinds, int count)
{
    FILE *f = fopen(in_folder(name), "w");
    uint32_t state = 5;
    fputs("a,b,c,kind\n", f);
    for (int r = 0; r < rows; r++) {
        const char *kind = kinds[r % count];
        char last = kind[strlen(kind) - 1];
        for (int c = 0; c < WIDTH; c++) {
            state = state * 1664525u + 1013904223u;
            double noise = (state >> 8) / 16777216.0 - 0.5;
            fprintf(f, "%.4f,", noise + 3 * (c == (last == 'h' || last == '1') + 2 * (last == 'k' || last == '2')));
        }
        fprintf(f, "%s\n", kind);
    }
    fclose(f);
}

#define TABLE(name, rows, ...)                                                                     \
    write_table(name, rows, (const char *const[]){ __VA_ARGS__ },                                  \
                (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))

static const ph_data_desc by_kind = { .label_column = "kind" };

static ph_data *opened(const char *name)
{
    ph_data *d = ph_data_open(in_folder(name), &by_kind);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

static ph_data *opened_for(const ph_model *m, const char *name)
{
    ph_data *d = ph_model_open_data(m, "reconstruct", in_folder(name), &by_kind);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

static ph_model *trained(const char *family, const char *const *options, const ph_data *data)
{
    ph_settings *s = ph_settings_new();
    for (; *options; options += 2)
        assert_int_equal(ph_settings_set(s, options[0], options[1]), PH_OK);
    ph_settings_set(s, "hidden", "8");
    ph_settings_set(s, "latent-dim", "2");
    ph_settings_set(s, "epochs", "60");
    ph_settings_set(s, "lr", "0.01");
    ph_settings_set(s, "batch-size", "30");
    ph_model *m = ph_model_new(family, data, s);
    if (m == NULL || ph_train(m, data, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    ph_settings_free(s);
    return m;
}

#define OPTIONS(...) (const char *const[]){ __VA_ARGS__, NULL }

static ph_model *classifier_of(const char *table)
{
    ph_data *data = opened(table);
    ph_model *m = trained("aae", OPTIONS("labels", "all", "labels-for", "classifier"), data);
    ph_data_close(data);
    return m;
}

/* The share of rows whose most likely class is not called as their own, row by row. */
static double error_by_name(ph_model *m, const ph_data *own)
{
    ph_data_info info;
    size_t wrong = 0;
    ph_data_describe(own, &info);
    for (size_t r = 0; r < info.rows; r++) {
        ph_real share[CLASSES];
        size_t best = 0;
        char number[24];
        assert_int_equal(ph_model_apply_data(m, "classify", own, r, 1, share), PH_OK);
        for (size_t k = 1; k < CLASSES; k++)
            best = share[k] > share[best] ? k : best;
        uint32_t label = ph_data_labels(own)[r];
        snprintf(number, sizeof number, "%u", label);
        const char *name = ph_data_class(own, label) ? ph_data_class(own, label) : number;
        wrong += strcmp(ph_model_class(m, best), name) != 0;
    }
    return (double)wrong / (double)info.rows;
}

/* eval has the error that names have, whoever opened the set; opened for the model, labels are its own. */
static void assert_error(ph_model *m, const char *table)
{
    ph_figures figures;
    ph_data *own = opened(table), *fitted = opened_for(m, table);
    double wanted = error_by_name(m, own);
    ph_data_info info;
    ph_data_describe(own, &info);
    assert_int_equal(ph_model_eval(m, own, &figures), PH_OK);
    assert_float_equal(ph_figure_get(&figures, "error"), wanted, 1e-12);
    assert_int_equal(ph_model_eval(m, fitted, &figures), PH_OK);
    assert_float_equal(ph_figure_get(&figures, "error"), wanted, 1e-12);
    assert_true(wanted < 0.1);
    for (size_t r = 0; r < info.rows; r++) {
        char number[24];
        uint32_t label = ph_data_labels(own)[r];
        snprintf(number, sizeof number, "%u", label);
        const char *name = ph_data_class(own, label) ? ph_data_class(own, label) : number;
        assert_string_equal(ph_model_class(m, ph_data_labels(fitted)[r]), name);
    }
    ph_data_close(own);
    ph_data_close(fitted);
}

static void assert_refused(ph_status status, const char *file, const char *what)
{
    assert_int_equal(status, PH_DATA);
    if (!strstr(ph_message(), file) || !strstr(ph_message(), what) || strchr(ph_message(), '\n'))
        fail_msg("'%s' says not '%s' and '%s' in one line", ph_message(), file, what);
}

static int write_tables(void **state)
{
    if (make_folder(state))
        return 1;
    TABLE("all.csv", 90, "ash", "elm", "oak");
    TABLE("oak.csv", 20, "oak");
    TABLE("two.csv", 20, "oak", "elm");
    TABLE("unknown.csv", 20, "ash", "elm", "larch");
    TABLE("beside.csv", 20, "a-larch", "oak", "elm"); /* the one that is not known comes before the others */
    TABLE("signs.csv", 90, "-1", "0", "2");
    TABLE("unsigned.csv", 20, "0", "2");
    TABLE("numbers.csv", 90, "0", "1", "2");
    TABLE("number.csv", 20, "2");
    TABLE("three.csv", 20, "0", "1", "3");
    return 0;
}

static void names_are_kept(void **state)
{
    (void)state;
    static const char *const names[CLASSES] = { "ash", "elm", "oak" };
    ph_model *m = classifier_of("all.csv");
    for (int turn = 0; turn < 3; turn++) {
        for (size_t k = 0; k < CLASSES; k++)
            assert_string_equal(ph_model_class(m, k), names[k]);
        assert_null(ph_model_class(m, CLASSES));
        assert_int_equal(ph_model_find_class(m, "oak"), 2);
        assert_int_equal(ph_model_find_class(m, "1"), 1);
        assert_int_equal(ph_model_find_class(m, "3"), PH_NO_LABEL);
        assert_int_equal(ph_model_find_class(m, "birch"), PH_NO_LABEL);
        assert_error(m, "all.csv");
        assert_error(m, "oak.csv");
        assert_error(m, "two.csv");
        assert_int_equal(ph_model_save(m, in_folder("m.pin"), turn == 1), PH_OK);
        ph_model_free(m);
        m = ph_model_load(in_folder("m.pin"));
        assert_non_null(m);
    }
    ph_model_free(m);
}

/* Classes of two sets that are read as one have the order of the first. */
static void another_order(void **state)
{
    (void)state;
    char spec[1100], first[512];
    snprintf(first, sizeof first, "%s", in_folder("two.csv"));
    snprintf(spec, sizeof spec, "%s+%s", first, in_folder("all.csv"));
    ph_data *both = ph_data_open(spec, &by_kind);
    assert_non_null(both);
    assert_string_equal(ph_data_class(both, 0), "elm");
    ph_model *m = trained("aae", OPTIONS("labels", "all", "labels-for", "classifier"), both);
    assert_string_equal(ph_model_class(m, 0), "elm");
    assert_string_equal(ph_model_class(m, 2), "ash");
    assert_error(m, "all.csv");
    assert_error(m, "oak.csv");
    assert_error(m, "two.csv");

    /* Learning goes on with labels as the model has them only. */
    ph_data *own = opened("all.csv"), *fitted = opened_for(m, "all.csv");
    ph_settings *more = ph_settings_new();
    ph_settings_set(more, "epochs", "61");
    assert_refused(ph_train(m, own, &(ph_training){ .settings = more }), "all.csv", "'ash' is number 0");
    assert_refused(ph_train(m, fitted, &(ph_training){ .settings = more, .validation = own }), "all.csv",
                   "'ash' is number 0");
    assert_int_equal(ph_train(m, fitted, &(ph_training){ .settings = more, .validation = fitted }), PH_OK);
    assert_error(m, "all.csv");
    ph_settings_free(more);
    ph_data_close(own);
    ph_data_close(fitted);
    ph_data_close(both);
    ph_model_free(m);
}

/* A class that the model does not know is said where labels count, and there alone. */
static void unknown_classes(void **state)
{
    (void)state;
    static const char *const tables[] = { "unknown.csv", "beside.csv" };
    static const char *const classes[] = { "'larch'", "'a-larch'" };
    ph_model *m = classifier_of("all.csv");
    for (int i = 0; i < 2; i++) {
        ph_figures figures;
        ph_data *own = opened(tables[i]), *fitted = opened_for(m, tables[i]);
        ph_real share[CLASSES];
        assert_refused(ph_model_eval(m, own, &figures), tables[i], classes[i]);
        assert_refused(ph_model_eval(m, fitted, &figures), tables[i], classes[i]);
        assert_refused(ph_train(m, fitted, NULL), tables[i], classes[i]);
        assert_int_equal(ph_model_apply_data(m, "classify", fitted, 0, 1, share), PH_OK);
        assert_int_equal(ph_data_find_class(fitted, "elm"), 1);
        assert_int_equal(ph_data_labels(fitted)[i ? 0 : 2], 3);
        assert_string_equal(ph_data_class(fitted, 3), i ? "a-larch" : "larch");
        ph_data_close(own);
        ph_data_close(fitted);
    }
    ph_model_free(m);

    /* Models that learn no labels take any. */
    ph_data *data = opened("all.csv"), *other = NULL;
    ph_figures figures;
    m = trained("ae", OPTIONS("hidden", "8"), data);
    assert_null(ph_model_class(m, 0));
    other = opened_for(m, "beside.csv");
    assert_string_equal(ph_data_class(other, 0), "a-larch");
    assert_int_equal(ph_model_eval(m, other, &figures), PH_OK);
    ph_data_close(data);
    ph_data_close(other);
    ph_model_free(m);
}

/* Numbers are names where they cannot be counted from 0 on; else they are numbers. */
static void classes_that_are_numbers(void **state)
{
    (void)state;
    ph_figures figures;
    ph_model *m = classifier_of("signs.csv");
    assert_string_equal(ph_model_class(m, 0), "-1");
    assert_error(m, "signs.csv");
    assert_error(m, "unsigned.csv"); /* 0 and 2 by themselves are labels 0 and 2, and the model's 1 and 2 */
    ph_model_free(m);
    m = classifier_of("numbers.csv");
    assert_string_equal(ph_model_class(m, 2), "2");
    assert_error(m, "numbers.csv");
    assert_error(m, "number.csv");
    ph_data *three = opened("three.csv"), *names = opened("all.csv");
    assert_refused(ph_model_eval(m, three, &figures), "three.csv", "'3'");
    assert_refused(ph_model_eval(m, names, &figures), "all.csv", "'ash'");
    ph_data_close(three);
    ph_data_close(names);
    ph_model_free(m);

    /* Numbers alone, of classes that have names, are the model's numbers. */
    m = classifier_of("all.csv");
    names = opened("numbers.csv");
    assert_int_equal(ph_model_eval(m, names, &figures), PH_OK);
    ph_data_close(names);
    ph_model_free(m);
}

/* Every family that learns labels keeps what they are called. */
static void every_family(void **state)
{
    (void)state;
    static const struct { const char *family, *options[7]; } cases[] = {
        { "aae", { "labels", "all", "labels-for", "decoder" } },
        { "aae", { "labels", "20", "prior", "mixture:3" } },
        { "ae", { "finetune", "labels" } },
    };
    ph_data *data = opened("all.csv");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ph_model *m = trained(cases[i].family, cases[i].options, data);
        assert_string_equal(ph_model_class(m, 2), "oak");
        ph_model_free(m);
    }
    ph_data_close(data);
}

/* Puts `to` where `from` first stands in the model file, as many bytes. */
static void change(const char *name, const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *f = fopen(in_folder(name), "rb");
    size_t size = fread(bytes, 1, sizeof bytes, f), length = strlen(from);
    fclose(f);
    char *at = memmem(bytes, size, from, length);
    assert_non_null(at);
    memcpy(at, to, length);
    f = fopen(in_folder(name), "wb");
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

/* A file from before names were kept goes by numbers; one with other names than it has classes is damaged. */
static void older_and_damaged_files(void **state)
{
    (void)state;
    ph_figures figures;
    ph_model *m = classifier_of("all.csv");
    assert_int_equal(ph_model_save(m, in_folder("m.pin"), false), PH_OK);
    ph_model_free(m);
    change("m.pin", "\"classes\":", "\"Classes\":");
    m = ph_model_load(in_folder("m.pin"));
    assert_non_null(m);
    assert_null(ph_model_class(m, 0));
    ph_data *all = opened_for(m, "all.csv"), *oak = opened_for(m, "oak.csv");
    assert_int_equal(ph_model_eval(m, all, &figures), PH_OK);
    assert_true(ph_figure_get(&figures, "error") < 0.1);
    assert_int_equal(ph_model_eval(m, oak, &figures), PH_OK);
    assert_true(ph_figure_get(&figures, "error") > 0.9); /* class 0, as far as the file can say */
    ph_data_close(all);
    ph_data_close(oak);
    ph_model_free(m);
    change("m.pin", "\"Classes\":", "\"classes\":");
    change("m.pin", "elm\\\",", "elm  ,");
    assert_null(ph_model_load(in_folder("m.pin")));
    assert_refused(ph_last_status(), "m.pin", "(classes)");
    change("m.pin", "elm  ,", "elm\\\" ");
    assert_null(ph_model_load(in_folder("m.pin")));
    assert_refused(ph_last_status(), "m.pin", "(classes)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_kept),
        cmocka_unit_test(another_order),
        cmocka_unit_test(unknown_classes),
        cmocka_unit_test(classes_that_are_numbers),
        cmocka_unit_test(every_family),
        cmocka_unit_test(older_and_damaged_files),
    };
    return cmocka_run_group_tests(tests, write_tables, remove_folder);
}
