/* test_mae_double.c - the masked autoencoder against PyTorch (tests/golden/mae.py), and what must hold of
 * any: what is hidden, what comes back, holes of one's own, labels after pretraining.
 */
#include "golden/mae.h"
#include "made.h"
#include "same_files.h"
#include "scratch.h"

enum { ROWS = 7, STEPS = 5, WIDTH = 48, CLASSES = 3 };
#define SMALL "mask=0.5 depth=2 mlp-ratio=2 scaling=none decoder-width=4 "
#define PICTURE SMALL "patch=2 width=8 heads=2 decoder-heads=2 "

static ph_real rows[ROWS * WIDTH];

static ph_data *waves(size_t rank, const size_t *shape)
{
    uint32_t labels[ROWS];
    size_t width = 1;
    for (size_t i = 0; i < rank; i++)
        width *= shape[i];
    for (size_t i = 0; i < ROWS * width; i++)
        rows[i] = (ph_real)(0.5 + 0.5 * sin(0.37 * (double)i));
    for (uint32_t r = 0; r < ROWS; r++)
        labels[r] = r % CLASSES;
    ph_data *d = ph_data_from_memory(rows, ROWS, width, labels);
    assert_int_equal(ph_data_set_shape(d, rank, shape), PH_OK);
    return d;
}

static ph_data *pictures(void)
{
    return waves(3, (size_t[]){ 4, 6, 2 });
}

/* ---- Against PyTorch ------------------------------------------------------------------------- */

/* As tests/golden/mae.py has it: by scope, number of the layer and kind. */
static void set_parameters(ph_graph *graph)
{
    for (ph_variable *v = graph->variable; v; v = v->next) {
        if (v->kind != PH_VARIABLE_PARAMETER)
            continue;
        const char *name = strchr(v->name, '/') + 1, *kind = strrchr(v->name, '/') + 1;
        int scope = v->name[0] == 'e' ? 0 : v->name[0] == 'd' ? 1 : 2;
        int number = strcmp(name, "positions") == 0 ? 50
                     : strcmp(name, "hidden") == 0  ? 51
                     : strcmp(name, "symbols") == 0 ? 52
                                                    : atoi(name);
        bool weight = strcmp(kind, "weight") == 0;
        bool gain = strcmp(kind, "gain") == 0 || strcmp(kind, "scale") == 0;
        double seed = 100 * scope + 7 * number + (weight ? 1 : gain ? 2 : 3);
        for (size_t k = 0; k < v->size; k++)
            v->data[k] = (real)(weight ? 0.4 * sin(seed + 0.7 * (double)k)
                                       : gain + 0.1 * cos(seed + 0.3 * (double)k));
    }
}

static void close_to(const char *what, int step, double have, double want)
{
    if (!(fabs(have - want) <= 1e-11 * (1 + fabs(want))))
        fail_msg("%s, step %d: %.17g, but PyTorch has %.17g", what, step + 1, have, want);
}

/* The first `prepared` steps tell their loss alone. */
static void check(ph_data *data, const char *options, const char *figure, int prepared,
                  const double golden[STEPS][2])
{
    double seen[STEPS][2];
    char text[512];
    snprintf(text, sizeof text, "%s lr=0.01 batch-size=7 no-shuffle=1 epochs=%d", options,
             STEPS - prepared);
    ph_model *m = make("mae", data, text);
    set_parameters(m->graph);
    train_noting(m, data, STEPS, (const char *const[]){ "loss", figure }, 2, seen[0]);
    for (int i = 0; i < STEPS; i++) {
        close_to(options, i, seen[i][0], golden[i][0]);
        if (i >= prepared)
            close_to(figure, i, seen[i][1], golden[i][1]);
    }
    ph_model_free(m);
    ph_data_close(data);
}

static void first_steps(void **state)
{
    (void)state;
    check(pictures(), PICTURE, "masked_mse", 0, golden_mae_picture);
    check(pictures(), PICTURE "mask=0.67 positions=learned normalize-patches=1 loss-on=all",
          "masked_mse", 0, golden_mae_normalized);
    check(waves(1, (size_t[]){ 12 }), SMALL "patch=3 width=6 heads=3 decoder-heads=1", "masked_mse", 0,
          golden_mae_series);
    check(waves(1, (size_t[]){ 12 }), SMALL "patch=3 width=6 heads=3 decoder-heads=1 loss=categorical:5",
          "masked_bits", 0, golden_mae_symbols);
    check(waves(1, (size_t[]){ 12 }), SMALL "mask=0.75 patch=1 width=8 heads=2 decoder-heads=1 loss-on=all "
          "loss=categorical:256", "masked_bits", 0, golden_mae_symbols_everywhere);
    check(pictures(), PICTURE "mask=0.67 positions=learned loss=categorical:7", "masked_bits", 0,
          golden_mae_symbols_of_pictures);
    check(pictures(), PICTURE "mask=0.75 normalize-patches=1 finetune=labels pretrain-epochs=2",
          "label_error", 2, golden_mae_labels);
}

/* ---- What is hidden -------------------------------------------------------------------------- */

static void apply(ph_model *m, const char *function, const ph_real *in, size_t n, ph_real *out)
{
    if (ph_model_apply(m, function, in, n, out) != PH_OK)
        fail_msg("%s: %s", function, ph_message());
}

/* The patch of 2x2 pixels, of 3 a line, that number i of a row belongs to. */
static size_t patch_of(size_t i)
{
    return i / 12 / 2 * 3 + i % 12 / 2 / 2;
}

static void whole_patches_are_hidden_and_the_rest_is_kept(void **state)
{
    (void)state;
    static const struct { const char *mask; size_t hidden; } shares[] = { { "0.2", 1 }, { "0.5", 3 },
                                                                          { "0.75", 4 }, { "0.9", 5 } };
    static ph_real sees[ROWS * WIDTH], back[ROWS * WIDTH];
    for (int i = 0; i < 4; i++) {
        char text[256];
        ph_data *data = pictures();
        snprintf(text, sizeof text, "%s mask=%s", PICTURE, shares[i].mask);
        ph_model *m = make("mae", data, text);
        apply(m, "seen", rows, ROWS, sees);
        apply(m, "reconstruct", rows, ROWS, back);
        bool differ = false;
        for (size_t r = 0; r < ROWS; r++) {
            size_t numbers[6] = { 0 }, hidden = 0;
            for (size_t c = 0; c < WIDTH; c++) {
                size_t at = r * WIDTH + c;
                numbers[patch_of(c)] += sees[at] == 0;
                assert_true(sees[at] == 0 || sees[at] == 1);
                assert_true(sees[at] == 0 ? back[at] != rows[at] : back[at] == rows[at]);
                differ = differ || sees[at] != sees[c];
            }
            for (size_t k = 0; k < 6; k++) {
                assert_true(numbers[k] == 0 || numbers[k] == 8);
                hidden += numbers[k] == 8;
            }
            assert_int_equal(hidden, shares[i].hidden);
        }
        assert_true(differ);
        /* A row alone has the same hidden as among others. */
        ph_real alone[WIDTH];
        apply(m, "reconstruct", rows + 3 * WIDTH, 1, alone);
        assert_memory_equal(alone, back + 3 * WIDTH, sizeof alone);
        ph_model_free(m);
        ph_data_close(data);
    }
}

/* In training the choice is another in each step, and every patch has its turn. */
static void every_step_hides_others(void **state)
{
    (void)state;
    enum { TURNS = 200 };
    ph_data *data = pictures();
    ph_model *m = make("mae", data, PICTURE "mask=0.75");
    ph_node *sees = ph_model_export(m, "seen")->value;
    ph_program *p = program_of(m, true, &sees, 1, ROWS);
    size_t count[6] = { 0 };
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        run_program(p, rows, ROWS, turn);
        for (size_t i = 0; i < ROWS * WIDTH; i++)
            count[patch_of(i % WIDTH)] += ph_program_output(p, 0)[i] != 0;
    }
    /* Two of six, eight numbers each: a mean of n/3 with a deviation of sqrt(2n)/3. */
    double n = TURNS * ROWS;
    for (size_t k = 0; k < 6; k++)
        assert_true(fabs((double)count[k] / 8 - n / 3) < 4.5 * sqrt(2 * n) / 3);
    ph_program_free(p);
    ph_model_free(m);
    ph_data_close(data);
}

/* ---- Symbols --------------------------------------------------------------------------------- */

/* What is hidden comes back as one of the levels, what is seen as it was; the share that is right, and that
 * filling the same holes by the mean of what is thought of each level is no different where all that may be
 * seen is. */
static void symbols_come_back(void **state)
{
    (void)state;
    enum { LEVELS = 5, EACH = 12 };
    static ph_real sees[ROWS * EACH], back[ROWS * EACH], filled[ROWS * EACH];
    ph_data *waved = waves(1, (size_t[]){ EACH });
    for (size_t i = 0; i < ROWS * EACH; i++)
        rows[i] = (ph_real)(round((double)rows[i] * (LEVELS - 1)) / (LEVELS - 1));
    ph_data *data = ph_data_from_memory(rows, ROWS, EACH, NULL);
    ph_model *m = make("mae", data, SMALL "patch=3 width=6 heads=3 decoder-heads=1 loss=categorical:5");
    scatter_parameters(m->graph, 0.9, 7);
    apply(m, "seen", rows, ROWS, sees);
    apply(m, "reconstruct", rows, ROWS, back);
    double exact = 0, hidden = 0;
    size_t levels[LEVELS] = { 0 };
    for (size_t i = 0; i < ROWS * EACH; i++) {
        double level = (double)back[i] * (LEVELS - 1);
        assert_true(fabs(level - round(level)) < 1e-12 && level > -0.5 && level < LEVELS - 0.5);
        assert_true(sees[i] == 0 || back[i] == rows[i]);
        hidden += sees[i] == 0;
        exact += sees[i] == 0 && fabs((double)(back[i] - rows[i])) < 1e-12;
        levels[lround(level)] += sees[i] == 0;
    }
    size_t used = 0;
    for (size_t k = 0; k < LEVELS; k++)
        used += levels[k] > 0;
    assert_true(exact > 0 && exact < hidden && used > 1);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, data, &f), PH_OK);
    assert_true(fabs(ph_figure_get(&f, "masked_exact") - exact / hidden) < 1e-12);
    assert_true(ph_figure_get(&f, "masked_bits") > 0);
    assert_true(isnan(ph_figure_get(&f, "entropy"))); /* they are no bytes */
    ph_data *mask = ph_data_from_memory(sees, ROWS, EACH, NULL);
    ph_holes *h = ph_holes_new(m, data, mask);
    assert_non_null(h);
    assert_int_equal(ph_holes_fill(h, 0, ROWS, NULL, filled), PH_OK);
    for (size_t i = 0; i < ROWS * EACH; i++)
        assert_true(fabs((double)(filled[i] - back[i])) < 1e-12);
    ph_holes_free(h);
    ph_data_close(mask);
    refused("mae", data, SMALL "patch=3 width=6 heads=3 decoder-heads=1 loss=categorical:5 normalize-patches=1",
            "no mean");
    refused("mae", data, "loss=categorical:1", "2 to 256 levels");
    refused("mae", data, "loss=categorical:5 scaling=standardise", "[0,1]");
    ph_model_free(m);
    ph_data_close(data);
    ph_data_close(waved);
}

/* ---- Holes of one's own ---------------------------------------------------------------------- */

/* A net that has fewer tokens to look at than in training does as one that never had more. */
static void fewer_are_seen_than_in_training(void **state)
{
    (void)state;
    ph_data *data = pictures();
    ph_model *usual = make("mae", data, PICTURE), *sparing = make("mae", data, PICTURE "mask=0.8");
    scatter_parameters(usual->graph, 0.7, 3);
    scatter_parameters(sparing->graph, 0.7, 3);
    static ph_real sees[ROWS * WIDTH], back[ROWS * WIDTH], in[2 * WIDTH], filled[WIDTH];
    apply(sparing, "seen", rows, ROWS, sees);
    apply(sparing, "reconstruct", rows, ROWS, back);
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(in, rows + r * WIDTH, WIDTH * sizeof *in);
        memcpy(in + WIDTH, sees + r * WIDTH, WIDTH * sizeof *in);
        apply(usual, "fill", in, 1, filled);
        for (size_t c = 0; c < WIDTH; c++)
            assert_true(fabs((double)(filled[c] - back[r * WIDTH + c])) < 1e-12);
    }
    ph_model_free(usual);
    ph_model_free(sparing);
    ph_data_close(data);
}

/* Where as many are seen as in training, whichever way they were chosen. */
static void filling_what_is_hidden_is_reconstructing(void **state)
{
    (void)state;
    static const char *const nets[] = { PICTURE,
                                        PICTURE "normalize-patches=1 positions=learned depth=3" };
    for (int i = 0; i < 2; i++) {
        ph_data *data = pictures();
        ph_model *m = make("mae", data, nets[i]);
        scatter_parameters(m->graph, 0.7, 3);
        static ph_real sees[ROWS * WIDTH], back[ROWS * WIDTH], filled[ROWS * WIDTH], own[ROWS * WIDTH];
        apply(m, "seen", rows, ROWS, sees);
        apply(m, "reconstruct", rows, ROWS, back);
        ph_data *mask = ph_data_from_memory(sees, ROWS, WIDTH, NULL);
        ph_holes *h = ph_holes_new(m, data, mask);
        assert_non_null(h);
        assert_int_equal(ph_holes_fill(h, 0, ROWS, own, filled), PH_OK);
        assert_memory_equal(own, sees, sizeof own);
        double squares = 0;
        for (size_t k = 0; k < ROWS * WIDTH; k++) {
            assert_true(fabs((double)(filled[k] - back[k])) < 1e-12);
            squares += pow((double)(filled[k] - rows[k]), 2);
        }
        ph_figures f = { 0 }, all;
        assert_int_equal(ph_holes_measure(h, &f), PH_OK);
        assert_int_equal(ph_model_eval(m, data, &all), PH_OK);
        assert_true(ph_figure_get(&f, "hole_share") == 0.5);
        assert_true(fabs(ph_figure_get(&f, "masked_mse") - squares / (ROWS * WIDTH / 2)) < 1e-12);
        assert_true(fabs(ph_figure_get(&all, "masked_mse") - squares / (ROWS * WIDTH / 2)) < 1e-12);
        assert_true(fabs(ph_figure_get(&all, "mse") - squares / (ROWS * WIDTH)) < 1e-12);
        ph_holes_free(h);
        ph_data_close(mask);
        ph_model_free(m);
        ph_data_close(data);
    }
}

/* A hole hides its patch: what stands in it, and beside it in the patch, does not matter. Only the hole
 * is filled. */
static void holes_hide_their_patches(void **state)
{
    (void)state;
    enum { HOLE = 2 * 12 + 3 * 2 }; /* line 2, column 3: patch 4 */
    ph_data *data = pictures();
    ph_model *m = make("mae", data, PICTURE);
    scatter_parameters(m->graph, 0.7, 5);
    ph_real in[2 * WIDTH], first[WIDTH], out[WIDTH];
    memcpy(in, rows, WIDTH * sizeof *in);
    for (size_t c = 0; c < WIDTH; c++)
        in[WIDTH + c] = c != HOLE;
    apply(m, "fill", in, 1, first);
    for (size_t moved = 0; moved < WIDTH; moved++) {
        in[moved] += 1;
        apply(m, "fill", in, 1, out);
        for (size_t c = 0; c < WIDTH; c++)
            assert_true(c == HOLE || out[c] == in[c]);
        assert_int_equal(out[HOLE] == first[HOLE], patch_of(moved) == 4);
        in[moved] = rows[moved];
    }
    ph_model_free(m);
    ph_data_close(data);
}

static void masks_must_fit(void **state)
{
    (void)state;
    ph_data *data = pictures();
    ph_model *m = make("mae", data, PICTURE), *ae = make("ae", data, "latent-dim=2 scaling=none");
    static ph_real none[ROWS * WIDTH];
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        none[i] = 1;
    ph_data *whole = ph_data_from_memory(none, 1, WIDTH, NULL);
    ph_data *two = ph_data_from_memory(none, 2, WIDTH, NULL);
    ph_data *narrow = ph_data_from_memory(none, 1, WIDTH - 1, NULL);
    ph_holes *h = ph_holes_new(m, data, NULL); /* nothing is missing */
    ph_figures f = { 0 };
    assert_int_equal(ph_holes_measure(h, &f), PH_OK);
    assert_true(ph_figure_get(&f, "hole_share") == 0 && isnan(ph_figure_get(&f, "masked_mse")));
    ph_holes_free(h);
    assert_null(ph_holes_new(m, data, whole));
    assert_non_null(strstr(ph_message(), "no hole"));
    assert_null(ph_holes_new(m, data, two));
    assert_non_null(strstr(ph_message(), "one row for all"));
    assert_null(ph_holes_new(m, data, narrow));
    assert_int_equal(ph_last_status(), PH_DATA);
    assert_null(ph_holes_new(ae, data, whole));
    assert_int_equal(ph_last_status(), PH_USAGE);
    assert_non_null(strstr(ph_message(), "fill"));
    ph_data_close(whole);
    ph_data_close(two);
    ph_data_close(narrow);
    ph_model_free(ae);
    ph_model_free(m);
    ph_data_close(data);
}

/* ---- Labels ---------------------------------------------------------------------------------- */

static ph_model *trained(ph_data *data, const char *options)
{
    ph_model *m = make("mae", data, options);
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    return m;
}

/* Pretrained in the same run, or before, or not at all; a number of labels. */
static void labels_come_after_hidden_tokens(void **state)
{
    (void)state;
    char text[600];
    const char *path = in_folder("mae.pin");
    ph_data *data = pictures();
    ph_model *first = trained(data, PICTURE "epochs=3 lr=0.01");
    assert_int_equal(ph_model_save(first, path, false), PH_OK);
    /* Sizes are those of the file; nothing has been trained yet. */
    snprintf(text, sizeof text, "pretrained=%s finetune=labels labels=3 epochs=40 lr=0.01 scaling=none",
             path);
    ph_model *m = make("mae", data, text);
    assert_string_equal(ph_model_option(m, "width"), "8");
    for (ph_variable *v = m->graph->variable; v; v = v->next)
        if (v->kind == PH_VARIABLE_PARAMETER && v->name[0] != 'c')
            assert_memory_equal(v->data, weights(first, v->name), v->size * sizeof v->data[0]);
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    ph_model_free(m);
    snprintf(text, sizeof text, "pretrained=%s width=16 scaling=none", path);
    refused("mae", data, text, "width 16");
    snprintf(text, sizeof text, PICTURE "finetune=labels pretrain-epochs=2 epochs=60 lr=0.01");
    m = trained(data, text);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, data, &f), PH_OK);
    assert_true(ph_figure_get(&f, "error") == 0); /* seven rows are learnt by heart */
    assert_int_equal(m->trainer.progress.epoch, 62);
    ph_model_free(m);
    ph_model_free(first);
    ph_data_close(data);
}

/* Pretraining and an epoch, saved, and three more epochs are as good as all at once. */
static void resumed_is_uninterrupted(void **state)
{
    (void)state;
    char whole[520], parts[520];
    ph_data *data = pictures();
    snprintf(whole, sizeof whole, "%s", in_folder("whole.pin"));
    snprintf(parts, sizeof parts, "%s", in_folder("parts.pin"));
#define RUN PICTURE "finetune=labels labels=5 pretrain-epochs=2 batch-size=3 epochs="
    ph_model *m = trained(data, RUN "4");
    assert_int_equal(ph_model_save(m, whole, false), PH_OK);
    ph_model_free(m);
    m = trained(data, RUN "1");
    assert_int_equal(ph_model_save(m, parts, false), PH_OK);
    ph_model_free(m);
    m = ph_model_load(parts);
    assert_non_null(m);
    ph_settings *more = settings_of("epochs=4");
    assert_int_equal(ph_train(m, data, &(ph_training){ .settings = more }), PH_OK);
    assert_int_equal(ph_model_save(m, parts, false), PH_OK);
    assert_true(same_arrays(whole, parts));
    ph_settings_free(more);
    ph_model_free(m);
    ph_data_close(data);
}

static void senseless_options(void **state)
{
    (void)state;
    ph_data *data = pictures(), *series = waves(1, (size_t[]){ 12 });
    refused("mae", data, "patch=3", "1 2");
    refused("mae", data, "patch=4", "--size, such as 8x4");
    refused("mae", series, "patch=5", "12");
    refused("mae", data, "patch=2 mask=0.95", "none would be seen");
    refused("mae", data, "patch=2 mask=0.05", "all would be seen");
    refused("mae", data, "patch=2 width=30", "heads");
    refused("mae", data, "patch=2 width=6 heads=2", "positions");
    refused("mae", series, "normalize-patches=1", "patch");
    refused("mae", data, "patch=2 labels=4", "finetune");
    refused("mae", data, "patch=2 pretrain-epochs=4", "finetune");
    refused("mae", data, "patch=2 finetune=labels labels=none", "labels none");
    refused("mae", data, "patch=2 finetune=labels pretrain-lr=0.1", "pretrain-lr");
    ph_settings *s = settings_of("patch=2 pretrained=nowhere.pin");
    assert_null(ph_model_new("mae", data, s));
    assert_int_equal(ph_last_status(), PH_IO);
    ph_settings_free(s);
    enum { LONG = 20000 };
    static ph_real numbers[LONG];
    ph_data *endless = ph_data_from_memory(numbers, 1, LONG, NULL);
    refused("mae", endless, "mask=0.5", "larger --patch");
    ph_data_close(endless);
    ph_data_close(series);
    ph_data_close(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_steps),
        cmocka_unit_test(whole_patches_are_hidden_and_the_rest_is_kept),
        cmocka_unit_test(every_step_hides_others),
        cmocka_unit_test(symbols_come_back),
        cmocka_unit_test(filling_what_is_hidden_is_reconstructing),
        cmocka_unit_test(fewer_are_seen_than_in_training),
        cmocka_unit_test(holes_hide_their_patches),
        cmocka_unit_test(masks_must_fit),
        cmocka_unit_test(labels_come_after_hidden_tokens),
        cmocka_unit_test(resumed_is_uninterrupted),
        cmocka_unit_test(senseless_options),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
