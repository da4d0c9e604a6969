/* test_aae_double.c - the adversarial autoencoder against the losses that PyTorch computed (tests/golden),
 * and against what is known of it without any computation.
 */
#include "made.h"
#include "same_files.h"
#include "scratch.h"

#include "golden/aae.h"
#include "model/prior.h"

enum { ROWS = 7, WIDTH = 12, STEPS = 5, CLASSES = 3 };

static ph_data *data;

/* ---- All phases, step by step ------------------------------------------------------------------ */

static void check(const char *own, const double golden[STEPS][4])
{
    static const char *const names[] = { "loss", "critic_loss", "generator_loss", "classify_loss" };
    double seen[STEPS][4];
    char text[512];
    snprintf(text, sizeof text, "hidden=8 critic-hidden=6 latent-dim=2 loss=bce scaling=none epochs=5 "
             "batch-size=7 no-shuffle=1 lr=0.01 lr-critic=0.02 momentum-critic=0.5 "
             "weight-decay-critic=0.01 lr-generator=0.005 momentum-generator=0 %s", own);
    ph_model *m = make("aae", data, text);
    golden_parameters(m->graph);
    train_noting(m, data, STEPS, names, 4, seen[0]);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < 4 && golden[step][i] > 0; i++)
            if (!(fabs(seen[step][i] - golden[step][i]) <= 1e-12 * golden[step][i]))
                fail_msg("%s, step %d: %s %.17g, but PyTorch has %.17g", own, step + 1, names[i],
                         seen[step][i], golden[step][i]);
    ph_model_free(m);
}

static void golden_steps(void **state)
{
    (void)state;
    check("prior=normal:5", golden_aae_none);
    check("prior=normal:5 dropout=0.25 critic-dropout=0.2", golden_aae_dropout);
    check("prior=normal:5 encoder=gaussian", golden_aae_gaussian);
    check("labels=all dropout=0.25 critic-dropout=0.2", golden_aae_decoder);
    check("labels=all critic-dropout=0.2 critic-label=1", golden_aae_told);
    check("prior=normal:5 critic-dropout=0.2 critic-noise=gauss:0.3", golden_aae_noisy);
    check("labels=7 lr-classify=0.03 dropout=0.25 critic-dropout=0.2", golden_aae_classifier);
    check("labels=7 lr-classify=0.03 dropout=0.25 critic-dropout=0.2 tutorial-faults=1", golden_aae_faults);
    check("prior=categorical:4 critic-dropout=0.2", golden_aae_clusters);
    check("prior=mixture:3 labels=all critic-dropout=0.2", golden_aae_prior);
}

/* ---- Draws ------------------------------------------------------------------------------------- */

enum { DRAWS = 20000 };

/* Codes of the model's prior; each number of the list is the same whatever is drawn with it. */
static real *draw(const char *prior, size_t width)
{
    char text[256];
    snprintf(text, sizeof text, "hidden=4 latent-dim=2 loss=bce scaling=none prior=%s", prior);
    ph_model *m = make("aae", data, text);
    real *codes = malloc(DRAWS * width * sizeof *codes), some[40 * 8];
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 5 }, 0, DRAWS, codes), PH_OK);
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 5 }, 1010, 40, some), PH_OK);
    assert_memory_equal(some, codes + 1010 * width, 40 * width * sizeof *codes);
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 6 }, 1010, 40, some), PH_OK);
    assert_memory_not_equal(some, codes + 1010 * width, 40 * width * sizeof *codes);
    assert_true(ph_model_has_prior(m));
    ph_model_free(m);
    return codes;
}

static void mean_and_variance(const real *z, size_t step, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (size_t i = 0; i < DRAWS; i++)
        *mean += (double)z[i * step] / DRAWS;
    for (size_t i = 0; i < DRAWS; i++)
        *variance += ((double)z[i * step] - *mean) * ((double)z[i * step] - *mean) / DRAWS;
}

static void priors_are_what_they_say(void **state)
{
    (void)state;
    double mean, variance;
    real *z = draw("normal:5", 2);
    for (size_t c = 0; c < 2; c++) {
        mean_and_variance(z + c, 2, &mean, &variance);
        assert_true(fabs(mean) < 0.15 && fabs(variance - 25) < 1);
    }
    free(z);
    z = draw("uniform:2", 2);
    for (size_t c = 0; c < 2; c++) {
        mean_and_variance(z + c, 2, &mean, &variance);
        assert_true(fabs(mean) < 0.05 && fabs(variance - 4.0 / 3) < 0.05);
    }
    for (size_t i = 0; i < 2 * DRAWS; i++)
        assert_true(fabs((double)z[i]) < 2);
    free(z);
    z = draw("mixture:4", 2);
    size_t petal[4] = { 0 };
    double along[2] = { 0 }, across = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        double x = (double)z[2 * i], y = (double)z[2 * i + 1];
        size_t k = fabs(x) > fabs(y) ? (x > 0 ? 0 : 2) : (y > 0 ? 1 : 3);
        double forth = k % 2 ? fabs(y) : fabs(x), aside = k % 2 ? x : y;
        petal[k]++;
        along[0] += forth / DRAWS;
        along[1] += forth * forth / DRAWS;
        across += aside * aside / DRAWS;
    }
    for (size_t k = 0; k < 4; k++)
        assert_true(petal[k] > DRAWS / 4 - 300 && petal[k] < DRAWS / 4 + 300);
    assert_true(fabs(along[0] - 1.4) < 0.02 && fabs(sqrt(along[1] - along[0] * along[0]) - 0.5) < 0.02);
    assert_true(fabs(sqrt(across) - 0.1) < 0.01);
    free(z);
    z = draw("mixture:3x2", 2);
    size_t place[6] = { 0 };
    double apart = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        double x = (double)z[2 * i], y = (double)z[2 * i + 1];
        size_t k = (size_t)fmin(fmax(floor(x + 1.5), 0), 2) + (y < 0 ? 3 : 0);
        place[k]++;
        apart += pow(x - ((double)(k % 3) - 1), 2) / DRAWS + pow(y - (k < 3 ? 0.5 : -0.5), 2) / DRAWS;
    }
    for (size_t k = 0; k < 6; k++)
        assert_true(place[k] > DRAWS / 6 - 300 && place[k] < DRAWS / 6 + 300);
    assert_true(fabs(sqrt(apart / 2) - 0.15) < 0.01);
    free(z);
    z = draw("swissroll", 2);
    mean = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        double x = (double)z[2 * i], y = (double)z[2 * i + 1], s = hypot(x, y) / 3;
        assert_true(fabs(x - 3 * s * cos(4 * M_PI * s)) + fabs(y - 3 * s * sin(4 * M_PI * s)) < 1e-9);
        mean += s * s / DRAWS;
    }
    assert_true(fabs(mean - 0.5) < 0.01);
    free(z);
    z = draw("categorical:3,uniform", 5);
    for (size_t c = 0; c < 3; c++) {
        mean_and_variance(z + c, 5, &mean, &variance);
        assert_true(fabs(mean - 1.0 / 3) < 0.02 && fabs(variance - mean * (1 - mean)) < 1e-9);
    }
    for (size_t i = 0; i < DRAWS; i++)
        assert_true(z[5 * i] + z[5 * i + 1] + z[5 * i + 2] == 1 && fabs((double)z[5 * i + 3]) < 1);
    free(z);
}

/* Piece k of 4 of the roll is a quarter of it. */
static void a_piece_of_the_roll(void **state)
{
    (void)state;
    enum { MANY = 400 };
    ph_prior prior;
    real part[MANY * 4] = { 0 };
    assert_int_equal(ph_prior_read("swissroll", &prior), PH_OK);
    ph_graph *g = ph_graph_new(1);
    ph_node *which = ph_input(g, "part", 1, (size_t[]){ 4 });
    ph_node *like = ph_input_beside(which, "like", 1, (size_t[]){ 2 });
    ph_node *z = ph_prior_draw(&prior, like, which, NULL);
    ph_program *p = ph_compile(g, &(ph_program_desc){ .feeds = &which, .feed_count = 1, .outputs = &z,
                                                      .output_count = 1, .max_rows = MANY });
    assert_non_null(p);
    for (size_t r = 0; r < MANY; r++)
        part[r * 4 + r % 4] = 1;
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, MANY }, (const void *[]){ part }), PH_OK);
    for (size_t r = 0; r < MANY; r++) {
        const real *at = ph_program_output(p, 0) + 2 * r;
        double u = (double)(at[0] * at[0] + at[1] * at[1]) / 9;
        assert_true(u > (double)(r % 4) / 4 - 1e-9 && u < (double)(r % 4 + 1) / 4 + 1e-9);
    }
    ph_program_free(p);
    ph_graph_free(g);
}

/* Where each class has a part of the prior, draws may be told one; others are as without. */
static void draws_of_a_class(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    ph_model *m = make("aae", data, "hidden=4 latent-dim=2 loss=bce scaling=none labels=all prior=mixture:3");
    static real z[MANY * 2], other[MANY * 2], one[2];
    static uint32_t labels[MANY];
    assert_int_equal(ph_model_labels(m), 3);
    assert_int_equal(ph_model_label_numbers(m), 0);
    for (size_t i = 0; i < MANY; i++)
        labels[i] = i % 4 == 3 ? PH_NO_LABEL : (uint32_t)(i % 4);
    ph_draws d = { .from = "prior", .seed = 2, .labels = labels }, any = { .from = "prior", .seed = 2 };
    assert_int_equal(ph_model_draw_codes(m, &d, 0, MANY, z), PH_OK);
    assert_int_equal(ph_model_draw_codes(m, &any, 0, MANY, other), PH_OK);
    for (size_t i = 0; i < MANY; i++) {
        double angle = 2 * M_PI * (double)labels[i] / 3, x = (double)z[2 * i], y = (double)z[2 * i + 1];
        if (labels[i] == PH_NO_LABEL)
            assert_memory_equal(z + 2 * i, other + 2 * i, sizeof one);
        else
            assert_true(fabs(y * cos(angle) - x * sin(angle)) < 0.6); /* six deviations across */
    }
    d.labels = labels + 1601; /* of class 1 */
    assert_int_equal(ph_model_draw_codes(m, &d, 1601, 1, one), PH_OK);
    assert_memory_equal(one, z + 2 * 1601, sizeof one);
    labels[0] = 3;
    d.labels = labels;
    assert_int_equal(ph_model_draw_codes(m, &d, 0, 1, one), PH_USAGE);
    ph_model_free(m);
}

static void rows_of_a_file_are_a_prior(void **state)
{
    (void)state;
    enum { MANY = 9 };
    real rows[MANY * 2], z[2000 * 2];
    char path[512], text[768];
    for (size_t i = 0; i < MANY * 2; i++)
        rows[i] = (real)i * (real)0.5;
    snprintf(path, sizeof path, "%s", in_folder("rows.npy"));
    ph_writer *w = ph_writer_open(path, &(ph_writer_desc){ .width = 2 });
    assert_int_equal(ph_writer_rows(w, rows, MANY), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    snprintf(text, sizeof text, "hidden=4 latent-dim=2 loss=bce scaling=none epochs=1 prior=%s", path);
    ph_model *m = make("aae", data, text);
    assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = in_folder("rows.pin") }), PH_OK);
    ph_model_free(m);
    assert_int_equal(remove(path), 0);
    m = ph_model_load(in_folder("rows.pin")); /* which keeps the rows */
    assert_non_null(m);
    assert_string_equal(ph_model_option(m, "prior-rows"), "9");
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 1 }, 0, 2000, z), PH_OK);
    size_t count[MANY] = { 0 };
    for (size_t i = 0; i < 2000; i++) {
        size_t row = (size_t)((double)z[2 * i] + 0.5);
        assert_true(row < MANY && z[2 * i] == rows[2 * row] && z[2 * i + 1] == rows[2 * row + 1]);
        count[row]++;
    }
    for (size_t r = 0; r < MANY; r++)
        assert_true(count[r] > 150);
    ph_model_free(m);
    snprintf(text, sizeof text, "loss=bce scaling=none prior=%s", in_folder("gone.npy"));
    ph_settings *s = settings_of(text);
    assert_null(ph_model_new("aae", data, s));
    assert_non_null(strstr(ph_message(), "gone.npy: No such file"));
    ph_settings_free(s);
    rows[5] = NAN;
    w = ph_writer_open(path, &(ph_writer_desc){ .width = 2 });
    assert_int_equal(ph_writer_rows(w, rows, MANY), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    snprintf(text, sizeof text, "latent-dim=2 loss=bce scaling=none prior=%s", path);
    s = settings_of(text);
    assert_null(ph_model_new("aae", data, s));
    assert_non_null(strstr(ph_message(), "row 3: number 2 is not finite"));
    ph_settings_free(s);
}

/* ---- What is measured ---------------------------------------------------------------------------- */

static void distances_by_hand(void **state)
{
    (void)state;
    real a[] = { 0, 1, 3 }, b[] = { 1, 2, 6 };
    double c = 2 * (14.0 / 3), within[2] = { 0 }, between = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            within[0] += i == j ? 0 : c / (c + pow((double)(a[i] - a[j]), 2)) / 6;
            within[1] += i == j ? 0 : c / (c + pow((double)(b[i] - b[j]), 2)) / 6;
            between += c / (c + pow((double)(a[i] - b[j]), 2)) / 9;
        }
    ph_distance d;
    assert_int_equal(ph_distance_between(a, b, 3, 1, &d), PH_OK);
    assert_true(fabs(d.mmd - (within[0] + within[1] - 2 * between)) < 1e-12);
    assert_true(fabs(d.mean - 5.0 / 3) < 1e-12);
    assert_true(fabs(d.covariance - (14.0 - 14.0 / 3) / 3) < 1e-12);
}

static ph_data *blobs;
enum { BLOBS = 120, SIDE = 6 };

/* What the decoder makes of the style and each label in turn, the best of it. */
static void reconstructions_take_the_best_label(void **state)
{
    (void)state;
    ph_model *m = make("aae", blobs, "hidden=9 latent-dim=2 labels=all epochs=3 lr=0.01 batch-size=30");
    assert_int_equal(ph_train(m, blobs, NULL), PH_OK);
    for (size_t r = 0; r < 20; r++) {
        real x[SIDE], y[SIDE], z[2], code[5], best[SIDE];
        double least = INFINITY;
        assert_int_equal(ph_data_read(blobs, &r, 1, x), PH_OK);
        assert_int_equal(ph_model_apply(m, "encode", x, 1, z), PH_OK);
        for (size_t k = 0; k < 3; k++) {
            double error = 0;
            code[3] = z[0];
            code[4] = z[1];
            assert_int_equal(ph_model_set_label(m, k, code, 1), PH_OK);
            assert_int_equal(ph_model_apply(m, "decode", code, 1, y), PH_OK);
            for (size_t i = 0; i < SIDE; i++)
                error += pow((double)(x[i] - y[i]) * (double)m->scaling.scale[i], 2);
            if (error < least) {
                least = error;
                memcpy(best, y, sizeof best);
            }
        }
        assert_int_equal(ph_model_apply(m, "reconstruct", x, 1, y), PH_OK);
        for (size_t i = 0; i < SIDE; i++)
            assert_true(fabs((double)(y[i] - best[i])) < 1e-10);
    }
    assert_int_equal(ph_model_set_label(m, 3, (real[5]){ 0 }, 1), PH_USAGE);
    ph_model_free(m);
}

/* Few labels and many rows: the error that is told is that of the shares, and it is small. */
static void classes_are_learnt_from_few_labels(void **state)
{
    (void)state;
    ph_model *m = make("aae", blobs, "hidden=16 latent-dim=2 labels=6 epochs=60 lr=0.005 batch-size=30 "
                       "average=0.95 val-split=0.1");
    assert_int_equal(ph_train(m, blobs, NULL), PH_OK);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, blobs, &f), PH_OK);
    const uint32_t *labels = ph_data_labels(blobs);
    size_t wrong = 0;
    for (size_t r = 0; r < BLOBS; r++) {
        real x[SIDE], share[3], code[5];
        assert_int_equal(ph_data_read(blobs, &r, 1, x), PH_OK);
        assert_int_equal(ph_model_apply(m, "classify", x, 1, share), PH_OK);
        assert_true(fabs((double)(share[0] + share[1] + share[2]) - 1) < 1e-12);
        for (size_t k = 0; k < 3; k++)
            if (share[k] > share[labels[r]]) {
                wrong++;
                break;
            }
        assert_int_equal(ph_model_apply(m, "encode", x, 1, code), PH_OK);
        for (size_t k = 0; k < 3; k++)
            assert_true(fabs((double)(code[k] - share[k])) < 1e-12);
    }
    assert_true(fabs(ph_figure_get(&f, "error") - (double)wrong / BLOBS) < 1e-12);
    if (wrong > BLOBS / 20)
        fail_msg("%zu of %d rows are misclassified", wrong, BLOBS);
    assert_non_null(strstr(m->trainer.history, "\"val_label_error\""));
    assert_non_null(strstr(m->trainer.history, "\"prior_mmd\""));
    assert_true(isnan(ph_figure_get(&f, "label_error"))); /* a figure of training alone */
    ph_model_free(m);
}

/* Of rows held out, few of which have labels, all of them in the first of their batches: figures of labels are
 * means over those few. */
static void held_out_labels_may_be_few(void **state)
{
    (void)state;
    enum { HELD = 50, KNOWN = 9 };
    static const char *const names[] = { "val_label_error", "val_classify_loss" };
    real x[HELD * SIDE], share[3];
    uint32_t labels[HELD];
    for (size_t r = 0, row; r < HELD; r++) {
        row = 2 * r;
        assert_int_equal(ph_data_read(blobs, &row, 1, x + r * SIDE), PH_OK);
        for (size_t i = 0; i < SIDE; i++) /* from nothing's middle: some are misclassified */
            x[r * SIDE + i] *= (real)0.2;
        labels[r] = r < KNOWN ? (uint32_t)(r % 3) : PH_NO_LABEL;
    }
    ph_data *held = ph_data_from_memory(x, HELD, SIDE, labels);
    ph_model *m = make("aae", blobs, "labels=30 hidden=8 latent-dim=2 epochs=1 batch-size=16");
    double seen[2], wrong = 0, loss = 0;
    noted n = { names, seen, 2, 0, 1 };
    ph_training t = { .validation = held, .progress = note_epoch, .user = &n };
    if (ph_train(m, blobs, &t) != PH_OK)
        fail_msg("%s", ph_message());
    for (size_t r = 0; r < KNOWN; r++) {
        assert_int_equal(ph_model_apply(m, "classify", x + r * SIDE, 1, share), PH_OK);
        size_t most = share[1] > share[0] ? 1 : 0;
        most = share[2] > share[most] ? 2 : most;
        wrong += most != labels[r];
        loss -= log((double)share[labels[r]]);
    }
    assert_true(wrong > 0);
    assert_true(fabs(seen[0] - wrong / KNOWN) < 1e-12 && fabs(seen[1] - loss / KNOWN) < 1e-9);
    ph_model_free(m);
    ph_data_close(held);
}

static void clusters_are_counted_by_majority(void **state)
{
    (void)state;
    ph_model *m = make("aae", blobs, "hidden=16 latent-dim=2 prior=categorical:4 epochs=3 lr=0.005 "
                       "batch-size=30");
    assert_int_equal(ph_train(m, blobs, NULL), PH_OK);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, blobs, &f), PH_OK);
    size_t count[4][3] = { { 0 } }, right = 0, used = 0;
    for (size_t r = 0; r < BLOBS; r++) {
        real x[SIDE], share[4];
        assert_int_equal(ph_data_read(blobs, &r, 1, x), PH_OK);
        assert_int_equal(ph_model_apply(m, "cluster", x, 1, share), PH_OK);
        size_t best = 0;
        for (size_t k = 1; k < 4; k++)
            best = share[k] > share[best] ? k : best;
        count[best][ph_data_labels(blobs)[r]]++;
    }
    for (size_t k = 0; k < 4; k++) {
        size_t most = count[k][0] > count[k][1] ? count[k][0] : count[k][1];
        right += most > count[k][2] ? most : count[k][2];
        used += count[k][0] + count[k][1] + count[k][2] > 0;
    }
    assert_true(fabs(ph_figure_get(&f, "cluster_error") - (double)(BLOBS - right) / BLOBS) < 1e-12);
    assert_true(ph_figure_get(&f, "clusters_used") == (double)used);
    ph_model_free(m);
}

/* The game brings codes nearer to the prior than reconstruction alone does. */
static void codes_come_to_the_prior(void **state)
{
    (void)state;
    double mmd[2];
    for (int plays = 0; plays < 2; plays++) {
        char text[256];
        snprintf(text, sizeof text, "hidden=16 latent-dim=2 prior=normal:0.3 epochs=150 lr=0.001 batch-size=40 "
                 "lr-generator=%s", plays ? "0.001" : "1e-12");
        ph_model *m = make("aae", blobs, text);
        assert_int_equal(ph_train(m, blobs, NULL), PH_OK);
        ph_figures f;
        assert_int_equal(ph_model_eval(m, blobs, &f), PH_OK);
        mmd[plays] = ph_figure_get(&f, "prior_mmd");
        ph_model_free(m);
    }
    if (!(mmd[1] < mmd[0] / 10))
        fail_msg("mmd %g, without the game %g", mmd[1], mmd[0]);
}

static void critics_that_win_or_die_are_told(void **state)
{
    (void)state;
    static const struct { double y, draws, codes; const char *says; } cases[] = {
        { 0, 0.99, 0.99, "the critic wins" }, { 0, 0.6, 0.7, NULL }, { 0, 0, 1, "dead" }, { 0, 1, 0, "dead" },
        { 1, 0.99, 0.99, "the critic on y wins" }, { 1, 1, 0, "on y is dead" }, { 1, 0.5, 1, NULL },
    };
    ph_figures many = { 0 };
    ph_figure_add(&many, "largest_class", "", 0.95);
    assert_non_null(strstr(ph_family_aae.remark(&many), "y has collapsed"));
    for (int far = 0; far < 2; far++) {
        ph_figures codes = { 0 };
        ph_figure_add(&codes, "prior_mmd", "", far ? 0.06 : 0.04);
        const char *says = ph_family_aae.remark(&codes);
        assert_true(far ? says && strstr(says, "codes do not follow the prior") : says == NULL);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ph_figures f = { 0 };
        ph_figure_add(&f, cases[i].y ? "critic_y_real" : "critic_real", "", cases[i].draws);
        ph_figure_add(&f, cases[i].y ? "critic_y_fake" : "critic_fake", "", cases[i].codes);
        const char *says = ph_family_aae.remark(&f);
        assert_true(cases[i].says ? says && strstr(says, cases[i].says) : says == NULL);
    }
}

/* ---- Promises for every family --------------------------------------------------------------------- */

static const char *const variants[] = {
    "prior=normal:2 dropout=0.2 critic-dropout=0.1 average=0.9",
    "labels=9 noise=gauss:0.3 average=0.9 val-split=0.2 schedule=cosine momentum-generator=0.1",
    "labels=all optimizer=sgd lr=0.01 momentum=0.9 momentum-critic=0.1 lr-critic=0.05",
    "prior=categorical:4,uniform:2 encoder=noise:2 clip-norm=1",
    "prior=mixture:3 labels=6 labelled-apart=1 encoder=gaussian",
    "labels=9 without=critics", "labels=9 without=both dropout=0.1", "without=reconstruction",
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static ph_model *variant(size_t i)
{
    char text[512];
    snprintf(text, sizeof text, "hidden=7 latent-dim=2 epochs=3 batch-size=33 log-every=1 %s", variants[i]);
    return make("aae", blobs, text);
}

static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

static void train_variant(size_t i, const char *file, int threads)
{
    ph_set_threads(threads, false);
    ph_model *m = variant(i);
    assert_int_equal(ph_train(m, blobs, &(ph_training){ .save_to = in_folder(file) }), PH_OK);
    ph_model_free(m);
}

static bool same_as(const char *a, const char *b)
{
    char path[512];
    snprintf(path, sizeof path, "%s", in_folder(a));
    return same_arrays(path, in_folder(b));
}

static void resumed_equals_uninterrupted(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        train_variant(i, "whole.pin", 1);
        train_variant(i, "other.pin", 3);
        assert_true(same_as("whole.pin", "other.pin"));
        ph_set_threads(2, false);
        for (int64_t stop = 1; stop <= 7; stop += 2) {
            ph_model *m = variant(i);
            ph_training t = { .save_to = in_folder("half.pin"), .progress = stop_at, .user = &stop };
            assert_int_equal(ph_train(m, blobs, &t), PH_STOPPED);
            ph_model_free(m);
            m = ph_model_load(in_folder("half.pin"));
            if (m == NULL)
                fail_msg("%s: %s", variants[i], ph_message());
            assert_int_equal(ph_train(m, blobs, &(ph_training){ .save_to = in_folder("half.pin") }), PH_OK);
            ph_model_free(m);
            if (!same_as("whole.pin", "half.pin"))
                fail_msg("%s: other bits when stopped after step %d", variants[i], (int)stop);
        }
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const struct { const char *options, *word; } cases[] = {
        { "labels=2", "3 classes" }, { "lr-classify=0.1", "nothing is classified" },
        { "labels=all momentum-classify=0.5", "nothing is classified" }, { "prior-rows=5", "no file of rows" },
        { "prior=mixture:1x1", "components" }, { "prior=mixture:3x", "mixture:KxL" }, { "prior=normal:5,3", "one number" },
        { "prior=mixture:-5x-5", "mixture:KxL" }, { "prior=mixture:0x10", "components" }, { "prior=normal:0x5", "not one of" },
        { "prior=normal:0", "above 0" }, { "prior=cauchy", "not one of" }, { "prior=mixture:1", "components" },
        { "prior=mixture:3", "--latent-dim is 2" }, { "prior=categorical:1", "clusters" },
        { "critic-label=1", "no class" }, { "prior=categorical:4 labels=5", "without labels" }, { "labels=some", "number of rows" },
        { "labels=-3", "number of rows" }, { "labels-for=decoder", "how many labels" },
        { "labels=all labels-for=prior", "no parts" },
        { "labels=all prior=mixture:4 latent-dim=2", "there are 3 classes" },
        { "labelled-apart=1", "labelled-apart" }, { "labels=all labelled-apart=1", "labelled-apart" },
        { "without=both", "something to learn" }, { "encoder=noise:0", "normals" }, { "critic-hidden=x", "hidden" }, { "noise=mask:2", "probability" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused("aae", blobs, cases[i].options, cases[i].word);
    /* Where the decoder is told the label, what is exported has a net for each. */
    static const struct { const char *options, *word; } told[] = {
        { "without=both", "something to learn" }, { "encoder=noise:0", "normals" },
        { "noise=mask:2", "probability" }, { "critic-noise=gauss:-1", "deviation" }, { "loss=lp:-1", "lp" },
        { "prior=swissroll labels-for=decoder", "--latent-dim is 2" },
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "labels=all %s", told[i].options);
        refused("aae", blobs, text, told[i].word);
    }
    ph_model *m = make("aae", blobs, "labels=4000 hidden=4 epochs=1");
    assert_int_equal(ph_train(m, blobs, NULL), PH_USAGE);
    assert_non_null(strstr(ph_message(), "4000 labelled rows are wanted"));
    ph_model_free(m);
    ph_data *bare = ph_data_slice(blobs, 0, 20);
    real x[20 * SIDE];
    for (size_t r = 0; r < 20; r++)
        assert_int_equal(ph_data_read(bare, &r, 1, x + r * SIDE), PH_OK);
    ph_data_close(bare);
    bare = ph_data_from_memory(x, 20, SIDE, NULL);
    refused("aae", bare, "labels=5", "no labels");
    ph_data_close(bare);
    /* Where some rows have no label, all labels teach a classifier, unless it is said otherwise. */
    uint32_t some[20];
    for (uint32_t r = 0; r < 20; r++)
        some[r] = r % 5 ? r % 3 : PH_NO_LABEL;
    ph_data *blanks = ph_data_from_memory(x, 20, SIDE, some);
    const char *const who[][2] = { { "labels=all", "classifier" }, { "labels=all labels-for=decoder", "decoder" } };
    for (int i = 0; i < 2; i++) {
        m = make("aae", blanks, who[i][0]);
        assert_string_equal(ph_model_option(m, "labels-for"), who[i][1]);
        assert_true((ph_model_export(m, "classify") != NULL) == (i == 0));
        ph_model_free(m);
    }
    ph_data_close(blanks);
}

/* ---- All ------------------------------------------------------------------------------------------- */

/* Three clouds in six dimensions, each stretched along a way of its own. */
static ph_data *make_blobs(void)
{
    static real x[BLOBS * SIDE];
    static uint32_t labels[BLOBS];
    for (size_t r = 0; r < BLOBS; r++) {
        labels[r] = r % 3;
        for (size_t i = 0; i < SIDE; i++)
            x[r * SIDE + i] = (real)(3 * sin(1.0 + 1.7 * (double)(labels[r] * SIDE + i)) +
                                     0.5 * mixed_normal(r * SIDE + i) +
                                     cos((double)(labels[r] + 2 * i)) * mixed_normal(77777 + r));
    }
    return ph_data_from_memory(x, BLOBS, SIDE, labels);
}

int main(void)
{
    real x[ROWS * WIDTH];
    uint32_t labels[ROWS];
    for (int i = 0; i < ROWS * WIDTH; i++)
        x[i] = (real)(0.5 + 0.5 * sin(0.37 * i));
    for (uint32_t r = 0; r < ROWS; r++)
        labels[r] = r % CLASSES;
    data = ph_data_from_memory(x, ROWS, WIDTH, labels);
    blobs = make_blobs();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_steps),
        cmocka_unit_test(priors_are_what_they_say),
        cmocka_unit_test(a_piece_of_the_roll),
        cmocka_unit_test(draws_of_a_class), cmocka_unit_test(rows_of_a_file_are_a_prior),
        cmocka_unit_test(distances_by_hand),
        cmocka_unit_test(reconstructions_take_the_best_label),
        cmocka_unit_test(classes_are_learnt_from_few_labels),
        cmocka_unit_test(clusters_are_counted_by_majority),
        cmocka_unit_test(codes_come_to_the_prior),
        cmocka_unit_test(critics_that_win_or_die_are_told),
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(nonsense_is_refused), cmocka_unit_test(held_out_labels_may_be_few),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
