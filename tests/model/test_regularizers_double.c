/* test_regularizers_double.c - noise, sparse codes and contraction (nn/regularizers.c), alone and in the
 * autoencoder, against formulas written out here and differences.
 */
#include "made.h"
#include "same_files.h"
#include "scratch.h"

#include "op/op_nodes.h"

enum { N = 12, WIDTH = 6, CODE = 4 };

static real rows[N * WIDTH];
static ph_data *data;

/* The same numbers as parameters whatever the regularizer, so that models can be compared. */
static ph_model *ae(const char *options)
{
    char text[512];
    snprintf(text, sizeof text, "latent-dim=%d scaling=none batch-size=%d no-shuffle=1 %s", CODE, N, options);
    ph_model *m = make("ae", data, text);
    scatter_parameters(m->graph, 0.9, 5);
    return m;
}

static ph_node *exported(const ph_model *m, const char *name)
{
    for (int i = 0; i < m->graph->export_count; i++)
        if (strcmp(m->graph->exported[i].name, name) == 0)
            return m->graph->exported[i].value;
    fail_msg("%s is not exported", name);
    return NULL;
}

/* A whole scalar of the model at all rows, with the noise of a step. */
static double value_of(ph_model *m, ph_node *node, bool training, uint32_t step)
{
    ph_program *p = program_of(m, training, &node, 1, N);
    run_program(p, rows, N, step);
    double value = (double)ph_program_output(p, 0)[0];
    ph_program_free(p);
    return value;
}

/* ---- Contraction ------------------------------------------------------------------------------------ */

/* The squared norm of the code's derivative, mean over rows, by differences of the code. */
static double norm_by_differences(ph_model *m, bool training, uint32_t step)
{
    ph_node *code = exported(m, "encode");
    ph_program *p = program_of(m, training, &code, 1, N);
    real moved[N * WIDTH], sides[2][N * CODE];
    double h = 1e-5, sum = 0;
    for (size_t c = 0; c < WIDTH; c++) { /* one column of all rows at once */
        for (int side = 0; side < 2; side++) {
            memcpy(moved, rows, sizeof moved);
            for (size_t r = 0; r < N; r++)
                moved[r * WIDTH + c] += (real)(side ? -h : h);
            run_program(p, moved, N, step);
            memcpy(sides[side], ph_program_output(p, 0), sizeof sides[side]);
        }
        for (size_t i = 0; i < N * CODE; i++)
            sum += pow((double)(sides[0][i] - sides[1][i]) / (2 * h), 2) / N;
    }
    ph_program_free(p);
    return sum;
}

static const char *const encoders[] = {
    "hidden=none latent-activation=sigmoid", "hidden=none latent-activation=tanh",
    "hidden=none latent-activation=relu", "hidden=none latent-activation=linear",
    "hidden=none latent-activation=sigmoid noise=gauss:0.3",
    "hidden=none latent-activation=tanh sparsity=topk:2", "hidden=none latent-activation=sigmoid tied=1",
    "hidden=5,3 activation=sigmoid latent-activation=sigmoid", "hidden=5,3 activation=tanh",
    "hidden=9,8 activation=relu latent-activation=relu", "hidden=5,3 activation=gelu noise=gauss:0.2",
    "hidden=7,5 activation=tanh dropout=0.3 noise=gauss:0.1",
    "hidden=8 activation=elu dropout=0.4 sparsity=topk:3",
};
enum { ENCODERS = sizeof encoders / sizeof encoders[0] };

static ph_model *contractive(size_t i, const char *how)
{
    char text[256];
    snprintf(text, sizeof text, "%s loss=mse contractive=0.5 jacobian=%s", encoders[i], how);
    return ae(text);
}

static bool one_layer(size_t i) { return strstr(encoders[i], "hidden=none"); }

static void jacobians_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENCODERS; i++) {
        ph_model *exact = contractive(i, "exact");
        for (uint32_t step = 0; step < 3; step++)
            for (int training = 0; training < 2; training++) {
                double have = value_of(exact, reported(exact, "jacobian"), training, step);
                double want = norm_by_differences(exact, training, step);
                if (!(fabs(have - want) <= 1e-7 * (1 + want)) || want == 0)
                    fail_msg("%s, %s: the norm is %.12g, but differences say %.12g", encoders[i],
                             training ? "training" : "use", have, want);
            }
        if (one_layer(i)) {
            ph_model *closed = contractive(i, "closed"), *chosen = contractive(i, "auto");
            double want = value_of(exact, reported(exact, "jacobian"), true, 2);
            assert_true(fabs(value_of(closed, reported(closed, "jacobian"), true, 2) - want) < 1e-12 * (1 + want));
            assert_true(fabs(value_of(chosen, reported(chosen, "jacobian"), true, 2) - want) < 1e-12 * (1 + want));
            ph_model_free(closed);
            ph_model_free(chosen);
        }
        ph_model_free(exact);
    }
    refused("ae", data, "hidden=5 contractive=1 jacobian=closed", "one layer");
}

/* Right in the mean over the directions, at equal noise on the input. */
static void the_estimate_has_no_bias(void **state)
{
    (void)state;
    enum { STEPS = 3000 };
    for (size_t i = 0; i < ENCODERS; i++) {
        ph_model *exact = contractive(i, "exact"), *estimate = contractive(i, "estimate");
        ph_node *node[2] = { reported(exact, "jacobian"), reported(estimate, "jacobian") };
        ph_program *p[2] = { program_of(exact, true, &node[0], 1, N), program_of(estimate, true, &node[1], 1, N) };
        double sum = 0, squares = 0;
        for (uint32_t step = 0; step < STEPS; step++) {
            run_program(p[0], rows, N, step);
            run_program(p[1], rows, N, step);
            double d = (double)(ph_program_output(p[1], 0)[0] - ph_program_output(p[0], 0)[0]);
            sum += d;
            squares += d * d;
        }
        double mean = sum / STEPS, error = sqrt((squares / STEPS - mean * mean) / STEPS);
        if (!(fabs(mean) < 4.5 * error + 1e-12))
            fail_msg("%s: the estimate is off by %g +- %g", encoders[i], mean, error);
        ph_program_free(p[0]);
        ph_program_free(p[1]);
        ph_model_free(exact);
        ph_model_free(estimate);
    }
}

static void contraction_has_its_second_derivatives(void **state)
{
    (void)state;
    static const char *const hows[] = { "auto", "exact", "estimate" };
    for (size_t i = 0; i < ENCODERS; i++)
        for (int how = 0; how < 3; how++) {
            ph_model *m = contractive(i, hows[how]);
            check_gradient(m, encoders[i], rows, N, 3e-7);
            ph_model_free(m);
        }
}

/* ---- Sparse codes --------------------------------------------------------------------------------------- */

static double naive_sparsity(const real *code, const char *kind)
{
    double sum = 0, rho = 0;
    sscanf(kind, "kl:%lf", &rho);
    for (size_t j = 0; j < CODE; j++) {
        double mean = 0, size = 0;
        for (size_t r = 0; r < N; r++) {
            mean += (double)code[r * CODE + j] / N;
            size += fabs((double)code[r * CODE + j]) / N;
        }
        sum += strcmp(kind, "l1") == 0     ? size
               : strcmp(kind, "mean") == 0 ? mean
                                           : rho * log(rho / mean) + (1 - rho) * log((1 - rho) / (1 - mean));
    }
    return sum;
}

static void sparsity_is_its_formula(void **state)
{
    (void)state;
    static const struct { const char *kind, *latent; } cases[] = {
        { "l1", "linear" }, { "l1", "relu" }, { "mean", "sigmoid" }, { "mean", "linear" },
        { "kl:0.05", "sigmoid" }, { "kl:0.9", "sigmoid" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        real code[N * CODE], y[N * WIDTH];
        snprintf(text, sizeof text, "hidden=5 activation=tanh loss=mse sparsity=%s sparsity-weight=1.5 "
                 "latent-activation=%s", cases[i].kind, cases[i].latent);
        ph_model *m = ae(text);
        assert_int_equal(ph_model_apply(m, "encode", rows, N, code), PH_OK);
        assert_int_equal(ph_model_apply(m, "reconstruct", rows, N, y), PH_OK);
        double want = naive_sparsity(code, cases[i].kind), squares = 0, mean = 0, active = 0;
        for (size_t k = 0; k < N * WIDTH; k++)
            squares += pow((double)(y[k] - rows[k]), 2) / N;
        for (size_t k = 0; k < N * CODE; k++) {
            mean += (double)code[k] / (N * CODE);
            active += ((double)code[k] > (strcmp(cases[i].latent, "sigmoid") ? 0 : 0.1)) / (double)(N * CODE);
        }
        assert_true(fabs(value_of(m, reported(m, "sparsity"), true, 0) - want) < 1e-12);
        assert_true(fabs(value_of(m, reported(m, "mean_activation"), true, 0) - mean) < 1e-12);
        assert_true(fabs(value_of(m, reported(m, "active_share"), true, 0) - active) < 1e-12);
        assert_true(fabs(value_of(m, loss_of(m), true, 0) - (0.5 * squares + 1.5 * want)) < 1e-12);
        check_gradient(m, text, rows, N, 2e-7);
        ph_model_free(m);
    }
}

static void kl_needs_units_in_the_open_interval(void **state)
{
    (void)state;
    static const char *const others[] = { "linear", "relu", "tanh", "softplus" };
    for (int i = 0; i < 4; i++) {
        char text[128];
        snprintf(text, sizeof text, "sparsity=kl:0.1 latent-activation=%s", others[i]);
        refused("ae", data, text, others[i]);
    }
    refused("ae", data, "sparsity=kl:0 latent-activation=sigmoid", "between 0 and 1");
    refused("ae", data, "sparsity=kl:1 latent-activation=sigmoid", "between 0 and 1");
    refused("ae", data, "sparsity=kl:-2 latent-activation=sigmoid", "between 0 and 1");
}

static void topk_keeps_the_largest(void **state)
{
    (void)state;
    ph_model *all = ae("hidden=5 activation=tanh loss=mse");
    real before[N * CODE], after[N * CODE];
    assert_int_equal(ph_model_apply(all, "encode", rows, N, before), PH_OK);
    ph_model_free(all);
    for (size_t k = 1; k <= CODE; k++) {
        char text[128];
        snprintf(text, sizeof text, "hidden=5 activation=tanh loss=mse sparsity=topk:%zu", k);
        ph_model *m = ae(text);
        assert_int_equal(ph_model_apply(m, "encode", rows, N, after), PH_OK);
        for (size_t i = 0; i < N * CODE; i++) {
            size_t larger = 0;
            for (size_t j = i / CODE * CODE; j < i / CODE * CODE + CODE; j++)
                larger += before[j] > before[i];
            assert_true(after[i] == (larger < k ? before[i] : 0));
        }
        /* A unit that is never among the k largest learns nothing; without that, everything does. */
        if (k == CODE)
            check_gradient(m, text, rows, N, 2e-7);
        weights(m, "encoder/1/bias")[2] = -100;
        ph_node *w = ph_variable_find(m->graph, "encoder/1/weight")->node, *gradient;
        ph_gradient(loss_of(m), &w, 1, &gradient);
        ph_program *p = program_of(m, true, &gradient, 1, N);
        run_program(p, rows, N, 0);
        for (size_t i = 0; i < 5 && k < CODE; i++) {
            assert_true(ph_program_output(p, 0)[i * CODE + 2] == 0);
            assert_true(ph_program_output(p, 0)[i * CODE + 1] != 0 || k == 1);
        }
        ph_program_free(p);
        ph_model_free(m);
    }
    refused("ae", data, "sparsity=topk:0", "kept");
    refused("ae", data, "sparsity=topk:-3", "kept");
    refused("ae", data, "sparsity=topk:2.5", "kept");
    refused("ae", data, "latent-dim=4 sparsity=topk:5", "kept");
}

/* The gradient reaches exactly the numbers that were kept, one for one. */
static void topk_gradients_flow_where_it_kept(void **state)
{
    (void)state;
    enum { WIDE = 9, K = 4 };
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ WIDE }), *mask = ph_largest(x, K), *gradient;
    ph_gradient(ph_sum_all(ph_mul(x, mask)), &x, 1, &gradient);
    ph_node *outputs[] = { mask, gradient };
    ph_program *p = ph_compile(g, &(ph_program_desc){ .training = true, .feeds = &x, .feed_count = 1,
                                                      .outputs = outputs, .output_count = 2, .max_rows = N });
    assert_non_null(p);
    real in[N * WIDE];
    for (size_t i = 0; i < N * WIDE; i++)
        in[i] = (real)round(3 * mixed(i)); /* many are equal */
    run_program(p, in, N, 0);
    for (size_t r = 0; r < N; r++) {
        size_t kept = 0;
        for (size_t c = 0; c < WIDE; c++) {
            kept += ph_program_output(p, 0)[r * WIDE + c] == 1;
            assert_true(ph_program_output(p, 1)[r * WIDE + c] == ph_program_output(p, 0)[r * WIDE + c]);
        }
        assert_int_equal(kept, K);
    }
    ph_program_free(p);
    ph_graph_free(g);
}

/* ---- Noise ---------------------------------------------------------------------------------------------- */

/* ph_corrupt by itself, on rows of 0.5: what became of them, and where it says that it touched. */
enum { MANY = 40, WIDE = 500 };

static bool corrupt(const char *noise, uint32_t step, real *out, real *touched)
{
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ WIDE }), *outputs[2];
    outputs[0] = ph_corrupt(x, noise, &outputs[1]);
    assert_int_equal(ph_graph_status(g), PH_OK);
    bool tells = outputs[1];
    ph_program *p = ph_compile(g, &(ph_program_desc){ .training = true, .feeds = &x, .feed_count = 1,
                                                      .outputs = outputs, .output_count = 1 + tells,
                                                      .max_rows = MANY });
    assert_non_null(p);
    static real in[MANY * WIDE];
    for (size_t i = 0; i < MANY * WIDE; i++)
        in[i] = (real)0.5;
    run_program(p, in, MANY, step);
    memcpy(out, ph_program_output(p, 0), sizeof in);
    if (tells)
        memcpy(touched, ph_program_output(p, 1), sizeof in);
    ph_program_free(p);
    ph_graph_free(g);
    return tells;
}

static void noise_is_what_it_says(void **state)
{
    (void)state;
    static real out[MANY * WIDE], touched[MANY * WIDE], again[MANY * WIDE];
    double count = MANY * WIDE, five = 5 * sqrt(0.3 * 0.7 / count);
    double zeros = 0, ones = 0, sum = 0, squares = 0, fourth = 0;
    assert_true(corrupt("mask:0.3", 4, out, touched));
    for (size_t i = 0; i < MANY * WIDE; i++) {
        assert_true(touched[i] == 1 ? out[i] == 0 : touched[i] == 0 && out[i] == (real)0.5);
        zeros += out[i] == 0;
    }
    assert_true(fabs(zeros / count - 0.3) < five);

    zeros = 0;
    assert_true(corrupt("salt-pepper:0.3", 4, out, touched));
    for (size_t i = 0; i < MANY * WIDE; i++) {
        assert_true(touched[i] == 1 ? out[i] == 0 || out[i] == 1 : touched[i] == 0 && out[i] == (real)0.5);
        zeros += out[i] == 0;
        ones += out[i] == 1;
    }
    assert_true(fabs(zeros / count - 0.15) < five && fabs(ones / count - 0.15) < five);

    assert_false(corrupt("gauss:0.3", 4, out, touched));
    for (size_t i = 0; i < MANY * WIDE; i++) {
        double z = ((double)out[i] - 0.5) / 0.3;
        sum += z / count;
        squares += z * z / count;
        fourth += z * z * z * z / count;
    }
    assert_true(fabs(sum) < 5 / sqrt(count) && fabs(squares - 1) < 5 * sqrt(2 / count) && fabs(fourth - 3) < 0.4);

    static const char *const kinds[] = { "mask:0.3", "salt-pepper:0.3", "gauss:0.3" };
    for (int i = 0; i < 3; i++) {
        corrupt(kinds[i], 4, out, touched);
        corrupt(kinds[i], 4, again, touched);
        assert_memory_equal(out, again, sizeof out);
        corrupt(kinds[i], 5, again, touched);
        size_t equal = 0;
        for (size_t k = 0; k < MANY * WIDE; k++)
            equal += out[k] == again[k];
        assert_true((double)equal / count < 0.75);
        assert_true(memcmp(out, out + WIDE, WIDE * sizeof out[0]) != 0); /* rows differ */
    }
    assert_false(corrupt("none", 4, out, touched));
    for (size_t i = 0; i < MANY * WIDE; i++)
        assert_true(out[i] == (real)0.5);
    static const char *const wrong[] = { "mask:0", "mask:1", "mask:-0.5", "salt-pepper:1.5", "gauss:0", "gauss:-1" };
    for (int i = 0; i < 6; i++) {
        char text[64];
        snprintf(text, sizeof text, "noise=%s", wrong[i]);
        refused("ae", data, text, wrong[i]);
    }
}

static const ph_node *first_noise(const ph_model *m)
{
    for (int i = 0; i < m->graph->node_count; i++)
        if (m->graph->node[i]->op->flags & PH_OP_NOISE)
            return m->graph->node[i];
    fail_msg("there is no noise");
    return NULL;
}

/* Against the clean row, touched values weighted; neither in use. */
static void the_loss_is_of_the_clean_row(void **state)
{
    (void)state;
    static const struct { const char *options; double emphasis; } cases[] = {
        { "noise=mask:0.4", 1 }, { "noise=mask:0.4 emphasis=3.5", 3.5 }, { "noise=mask:0.4 emphasis=0", 0 },
        { "noise=salt-pepper:0.5 emphasis=2", 2 }, { "noise=gauss:0.5", 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "hidden=7 activation=tanh loss=mse %s", cases[i].options);
        ph_model *m = ae(text), *clean = ae("hidden=7 activation=tanh loss=mse");
        ph_node *nodes[] = { loss_of(m), exported(m, "reconstruct"), (ph_node *)first_noise(m) };
        ph_program *p = program_of(m, true, nodes, 3, N);
        run_program(p, rows, N, 9);
        double want = 0;
        for (size_t k = 0; k < N * WIDTH; k++) {
            double drawn = (double)ph_program_output(p, 2)[k];
            bool touched = strstr(text, "mask") ? drawn == 0 : drawn < 0.5;
            double d = (double)(ph_program_output(p, 1)[k] - rows[k]);
            want += (touched ? cases[i].emphasis : 1) * d * d / N;
        }
        assert_true(fabs((double)ph_program_output(p, 0)[0] - want) < 1e-12);
        ph_program_free(p);
        check_gradient(m, text, rows, N, 2e-7);

        real a[N * WIDTH], b[N * WIDTH];
        assert_int_equal(ph_model_apply(m, "reconstruct", rows, N, a), PH_OK);
        assert_int_equal(ph_model_apply(clean, "reconstruct", rows, N, b), PH_OK);
        assert_memory_equal(a, b, sizeof a);
        assert_true(value_of(m, loss_of(m), false, 0) == value_of(clean, loss_of(clean), false, 0));
        ph_model_free(m);
        ph_model_free(clean);
    }
}

/* ---- All together -------------------------------------------------------------------------------------------- */

static const char together[] = "hidden=none latent-activation=sigmoid loss=bce tied=1 noise=mask:0.2 "
                               "sparsity=kl:0.2 sparsity-weight=0.7 contractive=0.3 lr=0.02 log-every=1";
static const char deep[] = "hidden=8,6 activation=tanh dropout=0.1 latent-activation=sigmoid loss=bce tied=1 "
                           "noise=salt-pepper:0.2 sparsity=l1 sparsity-weight=0.7 contractive=0.3 "
                           "jacobian=estimate lr=0.02 log-every=1";

typedef struct course {
    double first, last;
} course;

static void add_up(void *user, ph_model *m, const ph_progress *p)
{
    course *c = user;
    (void)m;
    if (p->event != PH_EVENT_EPOCH)
        return;
    const ph_figures *f = &p->figures;
    double parts = ph_figure_get(f, "bce") + 0.7 * ph_figure_get(f, "sparsity") + 0.3 * ph_figure_get(f, "jacobian");
    c->last = ph_figure_get(f, "loss");
    c->first = p->epoch == 1 ? c->last : c->first;
    assert_true(fabs(c->last - parts) < 1e-12 * (1 + fabs(parts)));
}

static void all_of_them_together(void **state)
{
    (void)state;
    const char *const nets[] = { together, deep };
    for (int i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s epochs=200", nets[i]);
        ph_model *m = ae(text);
        check_gradient(m, nets[i], rows, N, 3e-7);
        course c = { 0 };
        assert_int_equal(ph_train(m, data, &(ph_training){ .progress = add_up, .user = &c }), PH_OK);
        assert_true(c.last < 0.95 * c.first);
        ph_model_free(m);
    }
}

static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

static void train_to(const char *file, const char *options, int64_t stop)
{
    char text[512];
    snprintf(text, sizeof text, "%s latent-dim=%d scaling=none batch-size=5 epochs=3", options, CODE);
    ph_model *m = make("ae", data, text);
    if (stop) {
        ph_training t = { .save_to = file, .progress = stop_at, .user = &stop };
        assert_int_equal(ph_train(m, data, &t), PH_STOPPED);
        ph_model_free(m);
        m = ph_model_load(file);
        assert_non_null(m);
    }
    assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = file }), PH_OK);
    ph_model_free(m);
}

static void same_bits(void **state)
{
    (void)state;
    const char *const nets[] = { together, deep, "hidden=5 noise=gauss:0.1 sparsity=topk:2 contractive=1 log-every=1" };
    char a[600], b[600];
    snprintf(a, sizeof a, "%s", in_folder("a.pin"));
    snprintf(b, sizeof b, "%s", in_folder("b.pin"));
    for (int i = 0; i < 3; i++) {
        train_to(a, nets[i], 0);
        for (int threads = 2; threads <= 3; threads++) {
            ph_set_threads(threads, false);
            train_to(b, nets[i], 0);
            assert_true(same_arrays(a, b));
        }
        ph_set_threads(1, false);
        for (int64_t stop = 1; stop < 9; stop += 3) {
            train_to(b, nets[i], stop);
            assert_true(same_arrays(a, b));
        }
    }
}

static int set_up(void **state)
{
    for (size_t i = 0; i < N * WIDTH; i++)
        rows[i] = (real)mixed(i + 77);
    data = ph_data_from_memory(rows, N, WIDTH, NULL);
    ph_set_threads(1, false);
    return make_folder(state);
}

static int tear_down(void **state)
{
    ph_data_close(data);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jacobians_agree),
        cmocka_unit_test(the_estimate_has_no_bias),
        cmocka_unit_test(contraction_has_its_second_derivatives),
        cmocka_unit_test(sparsity_is_its_formula),
        cmocka_unit_test(kl_needs_units_in_the_open_interval),
        cmocka_unit_test(topk_keeps_the_largest),
        cmocka_unit_test(topk_gradients_flow_where_it_kept),
        cmocka_unit_test(noise_is_what_it_says),
        cmocka_unit_test(the_loss_is_of_the_clean_row),
        cmocka_unit_test(all_of_them_together),
        cmocka_unit_test(same_bits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
