/* test_activity.c - how the units of a code are used, against plain sums over the codes. */
#include "model/made.h"

enum { ROWS = 1300, WIDTH = 6, UNITS = 9 };

static real rows[ROWS * WIDTH], code[ROWS * UNITS];
static ph_data *data;

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

/* A model with made-up weights whose last `dead` units no row can turn on. */
static ph_model *model_of(const char *options, size_t dead)
{
    char text[256];
    snprintf(text, sizeof text, "hidden=none latent-dim=%d scaling=none loss=mse %s", UNITS, options);
    ph_model *m = make("ae", data, text);
    scatter_parameters(m->graph, 2, 5);
    for (size_t c = UNITS - dead; c < UNITS; c++)
        weights(m, "encoder/0/bias")[c] = -100;
    assert_int_equal(ph_model_apply_data(m, "encode", data, 0, ROWS, code), PH_OK);
    return m;
}

static void check(const ph_activity *a, double low)
{
    double on = 0, sum = 0;
    size_t dead = 0, counts[PH_ACTIVITY_BINS] = { 0 };
    for (size_t c = 0; c < UNITS; c++) {
        double mean = 0;
        bool ever = false;
        for (size_t r = 0; r < ROWS; r++) {
            double z = (double)code[r * UNITS + c];
            size_t bin = 0;
            while (bin + 1 < PH_ACTIVITY_BINS && z >= a->edge[bin + 1])
                bin++;
            counts[bin]++;
            assert_true(z >= a->edge[0] - 1e-9 && z <= a->edge[PH_ACTIVITY_BINS] + 1e-6);
            mean += z / ROWS;
            on += z > low;
            ever = ever || z > low;
        }
        assert_near(a->unit_mean[c], mean, 1e-6);
        sum += mean / UNITS;
        dead += !ever;
    }
    assert_true(a->rows == ROWS && a->units == UNITS && a->low == low && a->dead == dead);
    assert_near(a->mean, sum, 1e-6);
    assert_near(a->share, on / ROWS / UNITS, 1e-12);
    size_t all = 0;
    for (size_t i = 0; i < PH_ACTIVITY_BINS; i++) {
        /* A value that lies on an edge may be put to either side of it. */
        assert_near((double)a->count[i], (double)counts[i], 3);
        all += a->count[i];
    }
    assert_int_equal(all, ROWS * UNITS);
}

static void sums_over_codes(void **state)
{
    (void)state;
    static const struct { const char *options; double low, target; size_t dead; } made[] = {
        { "latent-activation=sigmoid sparsity=kl:0.2", 0.1, 0.2, 2 },
        { "latent-activation=sigmoid", 0.1, NAN, 0 },
        { "latent-activation=relu sparsity=l1", 0, NAN, 3 },
        { "sparsity=topk:3", 0, NAN, 1 },
    };
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        ph_model *m = model_of(made[i].options, made[i].dead);
        ph_activity a, measured;
        ph_figures f;
        assert_true(ph_model_has_activity(m));
        assert_int_equal(ph_model_activity(m, data, &a), PH_OK);
        check(&a, made[i].low);
        assert_true(a.dead >= made[i].dead);
        assert_true(isnan(made[i].target) ? isnan(a.target) : a.target == made[i].target);
        assert_int_equal(ph_model_measure(m, data, &(ph_measures){ .activity = &measured }, &f), PH_OK);
        assert_true(ph_figure_get(&f, "dead_units") == (double)a.dead);
        /* With a sparsity these two are what training reports, computed in the graph. */
        assert_near(ph_figure_get(&f, "active_share"), a.share, 1e-5);
        assert_near(ph_figure_get(&f, "mean_activation"), a.mean, 1e-5);
        assert_memory_equal(measured.count, a.count, sizeof a.count);
        ph_activity_free(&measured);
        ph_activity_free(&a);
        ph_model_free(m);
    }
}

static void codes_that_are_not_sparse(void **state)
{
    (void)state;
    static const char *const made[][2] = { { "ae", "hidden=4 latent-dim=2" }, { "vae", "hidden=4 latent-dim=2" },
                                           { "pca", "latent-dim=2" },
                                           { "ae", "hidden=4 latent-dim=2 latent-activation=tanh" } };
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        ph_model *m = make(made[i][0], data, made[i][1]);
        assert_false(ph_model_has_activity(m));
        ph_model_free(m);
    }
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        rows[i] = (real)mixed(i);
    data = ph_data_from_memory(rows, ROWS, WIDTH, NULL);
    return ph_set_threads(1, false);
}

static int tear_down(void **state)
{
    (void)state;
    ph_data_close(data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(sums_over_codes),
                                        cmocka_unit_test(codes_that_are_not_sparse) };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
