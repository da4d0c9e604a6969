/* test_noise.c - rows with noise and what comes back of them: the noise is what its name says, belongs
 * to the row wherever it is read, and its figures are those of the rows that are handed out.
 */
#include "model/made.h"

enum { ROWS = 1500, WIDTH = 784, N = ROWS * WIDTH };

static ph_data *glyphs, *data;
static real clean[N], noisy[N], back[N];

static ph_noise *noise_of(ph_model *m, const char *kind, uint64_t seed)
{
    ph_noise *n = ph_noise_new(m, kind, seed);
    if (n == NULL)
        fail_msg("%s: %s", kind, ph_message());
    return n;
}

static void corrupt(ph_model *m, const char *kind, uint64_t seed)
{
    ph_noise *n = noise_of(m, kind, seed);
    assert_int_equal(ph_noise_rows(n, data, 0, ROWS, noisy, back), PH_OK);
    ph_noise_free(n);
}

static double squares(const real *x, const real *y)
{
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum += pow(((double)x[i] - (double)y[i]) / 255, 2) / N;
    return sum;
}

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

/* Up to the rounding of a value that was scaled and scaled back. */
static bool is(real a, real b)
{
    return fabs((double)(a - b)) < 1e-4;
}

/* A share of about a million draws, within five standard errors. */
static void assert_share(size_t count, double share)
{
    assert_near((double)count / N, share, 5 * sqrt(share * (1 - share) / N));
}

static void masked(void **state)
{
    (void)state;
    size_t ink = 0, gone = 0;
    ph_model *m = make("ae", data, "hidden=16 latent-dim=4");
    corrupt(m, "mask:0.25", 1);
    for (size_t i = 0; i < N; i++) {
        assert_true(noisy[i] == 0 || is(noisy[i], clean[i]));
        ink += clean[i] != 0;
        gone += clean[i] != 0 && noisy[i] == 0;
    }
    assert_near((double)gone / (double)ink, 0.25, 5 * sqrt(0.25 * 0.75 / (double)ink));
    ph_model_free(m);
}

static void salted(void **state)
{
    (void)state;
    size_t low = 0, high = 0;
    ph_model *m = make("ae", data, "hidden=16 latent-dim=4");
    corrupt(m, "salt-pepper:0.1", 1);
    for (size_t i = 0; i < N; i++) {
        assert_true(noisy[i] == 0 || is(noisy[i], 255) || is(noisy[i], clean[i]));
        low += clean[i] == 255 && noisy[i] == 0;
        high += clean[i] == 0 && is(noisy[i], 255);
    }
    size_t black = 0, white = 0;
    for (size_t i = 0; i < N; i++) {
        black += clean[i] == 0;
        white += clean[i] == 255;
    }
    assert_near((double)high / (double)black, 0.05, 5 * sqrt(0.05 / (double)black));
    assert_near((double)low / (double)white, 0.05, 5 * sqrt(0.05 / (double)white));
    ph_model_free(m);
}

/* Its variance is that of the deviation as it was asked for, since nothing is clipped. */
static void gaussian(void **state)
{
    (void)state;
    size_t below = 0;
    double mean = 0;
    ph_model *m = make("ae", data, "hidden=16 latent-dim=4");
    corrupt(m, "gauss:0.4", 1);
    for (size_t i = 0; i < N; i++) {
        mean += ((double)noisy[i] - (double)clean[i]) / 255 / N;
        below += noisy[i] < clean[i];
    }
    assert_near(mean, 0, 5 * 0.4 / sqrt(N));
    assert_share(below, 0.5);
    assert_near(squares(noisy, clean), 0.16, 5 * 0.16 * sqrt(2.0 / N));
    ph_model_free(m);
}

/* The noise of a row is the same read alone, in any batch, for any model and number of threads. */
static void it_belongs_to_the_row(void **state)
{
    (void)state;
    static real some[200 * WIDTH], restored[200 * WIDTH];
    ph_model *m = make("ae", data, "hidden=16 latent-dim=4");
    ph_model *other = make("pca", data, "latent-dim=3");
    corrupt(m, "gauss:0.4", 7);
    ph_noise *n = noise_of(m, "gauss:0.4", 7), *same = noise_of(other, "gauss:0.4", 7);
    assert_int_equal(ph_set_threads(2, false), PH_OK);
    assert_int_equal(ph_noise_rows(n, data, 950, 200, some, restored), PH_OK);
    assert_memory_equal(some, noisy + 950 * WIDTH, sizeof some);
    assert_memory_equal(restored, back + 950 * WIDTH, sizeof restored);
    assert_int_equal(ph_noise_rows(n, data, 1023, 1, some, NULL), PH_OK);
    assert_memory_equal(some, noisy + 1023 * WIDTH, WIDTH * sizeof some[0]);
    assert_int_equal(ph_noise_rows(same, data, 1400, 100, some, NULL), PH_OK);
    assert_memory_equal(some, noisy + 1400 * WIDTH, 100 * WIDTH * sizeof some[0]);
    assert_int_equal(ph_set_threads(1, false), PH_OK);
    /* Another seed, or the row at its place in the next block, has other noise. */
    ph_noise *another = noise_of(m, "gauss:0.4", 8);
    assert_int_equal(ph_noise_rows(another, data, 0, 1, some, NULL), PH_OK);
    size_t equal = 0, repeated = 0;
    for (size_t i = 0; i < WIDTH; i++) {
        size_t next = 1024 * WIDTH + i;
        equal += some[i] == noisy[i];
        repeated += fabs((double)(noisy[i] - clean[i] - noisy[next] + clean[next])) < 1e-3;
    }
    assert_true(equal < 3 && repeated < 3);
    ph_noise_free(another);
    ph_noise_free(same);
    ph_noise_free(n);
    ph_model_free(other);
    ph_model_free(m);
}

/* Squares of the clean numbers less their mean, in the scale of squares(). */
static double signal(void)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < N; i++)
        mean += (double)clean[i] / 255 / N;
    for (size_t i = 0; i < N; i++)
        sum += pow((double)clean[i] / 255 - mean, 2) / N;
    return sum;
}

/* Restored is what the model makes of the corrupted row; the figures are sums over both. */
static void figures_of_every_model(void **state)
{
    (void)state;
    static const char *const made[][2] = {
        { "ae", "hidden=16 latent-dim=4" },
        { "ae", "hidden=16 latent-dim=4 scaling=standardise loss=mse" },
        { "vae", "hidden=16 latent-dim=4" },
        { "pca", "latent-dim=5" }
    };
    static real own[N];
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        ph_figures f = { 0 }, all;
        ph_model *m = make(made[i][0], data, made[i][1]);
        if (strcmp(made[i][0], "pca") == 0)
            assert_int_equal(ph_train(m, data, NULL), PH_OK);
        ph_noise *n = noise_of(m, "mask:0.3", 3);
        assert_int_equal(ph_noise_measure(n, data, &f), PH_OK);
        assert_int_equal(ph_noise_rows(n, data, 0, ROWS, noisy, back), PH_OK);
        assert_int_equal(ph_model_apply(m, "reconstruct", noisy, ROWS, own), PH_OK);
        bool peak = i != 1;
        for (size_t k = 0; k < N; k++)
            assert_near((double)own[k], (double)back[k], 0.05);
        assert_true(isnan(ph_figure_get(&f, "psnr_restored")) == !peak);
        if (peak) {
            assert_near(ph_figure_get(&f, "mse_corrupted") / squares(noisy, clean), 1, 1e-4);
            assert_near(ph_figure_get(&f, "mse_restored") / squares(back, clean), 1, 1e-4);
            assert_near(ph_figure_get(&f, "snr_before"), 10 * log10(signal() / squares(noisy, clean)), 1e-3);
            assert_near(ph_figure_get(&f, "snr_after"), 10 * log10(signal() / squares(back, clean)), 1e-3);
            assert_near(ph_figure_get(&f, "psnr_corrupted"), -10 * log10(squares(noisy, clean)),
                        1e-3);
            assert_near(ph_figure_get(&f, "psnr_restored"), -10 * log10(squares(back, clean)),
                        1e-3);
        }
        assert_int_equal(
            ph_model_measure(m, data, &(ph_measures){ .noise = "mask:0.3", .noise_seed = 3 }, &all),
            PH_OK);
        for (size_t k = 0; k < f.count; k++)
            assert_true(ph_figure_get(&all, f.at[k].name) == f.at[k].value);
        ph_noise_free(n);
        ph_model_free(m);
    }
}

/* A model that takes few rows at once, as its outputs are many, is given the same noise. */
static void few_rows_at_once(void **state)
{
    (void)state;
    enum { SOME = 150 };
    static real same[SOME * WIDTH], own[SOME * WIDTH];
    ph_data *some = ph_data_slice(data, 0, SOME);
    ph_model *m = make("vae", some, "hidden=8 latent-dim=2 likelihood=categorical:256");
    ph_model *other = make("ae", some, "hidden=8 latent-dim=2");
    assert_true(ph_use_rows(ph_model_function(m, "reconstruct")->program, SOME) < SOME);
    ph_noise *n = noise_of(m, "gauss:0.2", 5), *plain = noise_of(other, "gauss:0.2", 5);
    assert_int_equal(ph_noise_rows(n, some, 0, SOME, noisy, back), PH_OK);
    assert_int_equal(ph_noise_rows(plain, some, 0, SOME, same, NULL), PH_OK);
    assert_memory_equal(noisy, same, sizeof same);
    assert_int_equal(ph_model_apply(m, "reconstruct", noisy, SOME, own), PH_OK);
    for (size_t i = 0; i < SOME * WIDTH; i++)
        assert_near((double)own[i], (double)back[i], 0.01);
    ph_noise_free(plain);
    ph_noise_free(n);
    ph_model_free(other);
    ph_model_free(m);
    ph_data_close(some);
}

static void bad_kinds(void **state)
{
    (void)state;
    static const char *const kinds[] = { "none",   "mask",         "mask:",   "mask:0",
                                         "mask:1", "gauss:-1",     "gauss:x", "snow:0.1",
                                         "",       "salt-pepper:2" };
    ph_model *m = make("ae", data, "hidden=16 latent-dim=4");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_null(ph_noise_new(m, kinds[i], 1));
        assert_int_equal(ph_last_status(), PH_USAGE);
        assert_non_null(strstr(ph_message(), "noise"));
    }
    const real narrow[6] = { 0, 1, 2, 3, 4, 5 };
    ph_data *other = ph_data_from_memory(narrow, 2, 3, NULL);
    ph_noise *n = noise_of(m, "mask:0.5", 1);
    assert_int_equal(ph_noise_rows(n, other, 0, 2, noisy, NULL), PH_DATA);
    ph_noise_free(n);
    ph_data_close(other);
    ph_model_free(m);
}

static int set_up(void **state)
{
    (void)state;
    glyphs = ph_data_open("glyphs:test", NULL);
    data = glyphs ? ph_data_slice(glyphs, 0, ROWS) : NULL;
    if (data == NULL)
        return 1;
    for (size_t r = 0; r < ROWS; r++)
        if (ph_data_read(data, &r, 1, clean + r * WIDTH) != PH_OK)
            return 1;
    return ph_set_threads(1, false);
}

static int tear_down(void **state)
{
    (void)state;
    ph_data_close(data);
    ph_data_close(glyphs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked), cmocka_unit_test(salted), cmocka_unit_test(gaussian),
        cmocka_unit_test(it_belongs_to_the_row), cmocka_unit_test(figures_of_every_model),
        cmocka_unit_test(few_rows_at_once), cmocka_unit_test(bad_kinds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
