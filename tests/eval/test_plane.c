/* test_plane.c - codes on a plane: which cells are empty, against a plain count; what is expected of normal
 * codes, against draws of such; gaps are seen where there are gaps.
 */
#include "eval/eval.h"
#include "model/made.h"

enum { ROWS = 3000, WIDTH = 6 };

static real rows[ROWS * WIDTH];

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The share of 20 x 20 cells over the central 95 % of both coordinates in which no point lies. */
static double slow_empty(const double *x, const double *y, size_t n)
{
    const double *at[2] = { x, y };
    double low[2], high[2], *sorted = malloc(n * sizeof *sorted);
    for (int a = 0; a < 2; a++) {
        memcpy(sorted, at[a], n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_value);
        low[a] = sorted[(size_t)(0.025 * (double)(n - 1))];
        high[a] = sorted[(size_t)ceil(0.975 * (double)(n - 1))];
    }
    free(sorted);
    double empty = 0;
    for (int i = 0; i < 20; i++)
        for (int k = 0; k < 20; k++) {
            double left = low[0] + (high[0] - low[0]) * i / 20, right = low[0] + (high[0] - low[0]) * (i + 1) / 20;
            double down = low[1] + (high[1] - low[1]) * k / 20, up = low[1] + (high[1] - low[1]) * (k + 1) / 20;
            bool hit = false;
            for (size_t r = 0; r < n && !hit; r++)
                hit = x[r] >= left && x[r] <= right && y[r] >= down && y[r] <= up;
            empty += !hit;
        }
    return empty / 400;
}

static ph_model *pca_of(const ph_data *d, const char *options)
{
    ph_model *m = make("pca", d, options);
    if (ph_train(m, d, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    return m;
}

static ph_figures map_of(ph_model *m, const ph_data *d, const ph_data *training)
{
    ph_figures f;
    assert_int_equal(ph_model_measure(m, d, &(ph_measures){ .map = true, .training = training }, &f), PH_OK);
    return f;
}

/* Rows of decreasing variance; with a hole where the first two are small, if there is to be one. */
static ph_data *cloud(size_t n, double hole)
{
    for (size_t r = 0, draw = 0; r < n; draw++) {
        real *row = rows + r * WIDTH;
        for (size_t c = 0; c < WIDTH; c++)
            row[c] = (real)(mixed_normal(draw * WIDTH + c) / (double)(c < 2 ? 1 : 5 * c));
        r += (double)(row[0] * row[0] + row[1] * row[1]) > hole * hole;
    }
    return ph_data_from_memory(rows, n, WIDTH, NULL);
}

/* Two numbers are their own plane; of three PCA's first two are the principal axes, in their order, up to
 * the sample that they are found on: fewer than that many rows here. */
static void the_cells_are_counted(void **state)
{
    (void)state;
    enum { N = 1500 };
    static double x[N], y[N];
    static real code[N * 4];
    for (size_t k = 2; k <= 4; k += 2) {
        ph_data *d = cloud(N, 0.7);
        ph_model *m = pca_of(d, k == 2 ? "latent-dim=2 scaling=none" : "latent-dim=4 scaling=none");
        ph_figures f = map_of(m, d, NULL);
        assert_int_equal(ph_model_apply_data(m, "encode", d, 0, N, code), PH_OK);
        for (size_t r = 0; r < N; r++) {
            x[r] = (double)code[r * k];
            y[r] = (double)code[r * k + 1];
        }
        /* A code on the edge of a cell may fall to either side. */
        assert_near(ph_figure_get(&f, "empty_cells"), slow_empty(x, y, N), 2.0 / 400);
        assert_true(isnan(ph_figure_get(&f, "train_minus_test")));
        ph_model_free(m);
        ph_data_close(d);
    }
}

/* Axes whose largest number is negative, as the iteration finds them, and stands before others: codes are
 * the rows themselves, spread along two known ways. */
static void axes_are_turned_as_a_whole(void **state)
{
    (void)state;
    enum { N = 1500, D = 3 };
    static const double way[2][D] = { { -0.7, 0.5, 0.5 }, { 0, 0.6, -0.6 } };
    static real x[N * D];
    static double along[N], across[N];
    for (size_t r = 0; r < N; r++) {
        along[r] = 3 * mixed_normal(3 * r);
        across[r] = mixed_normal(3 * r + 1);
        for (size_t c = 0; c < D; c++)
            x[r * D + c] = (real)(along[r] * way[0][c] + across[r] * way[1][c]);
    }
    ph_data *d = ph_data_from_memory(x, N, D, NULL);
    ph_model *m = make("ae", d, "hidden=none latent-dim=3 scaling=none epochs=1");
    real *w = weights(m, "encoder/0/weight"), *bias = weights(m, "encoder/0/bias");
    for (size_t i = 0; i < D * D; i++)
        w[i] = i % (D + 1) == 0;
    memset(bias, 0, D * sizeof *bias);
    ph_figures f = map_of(m, d, NULL);
    assert_near(ph_figure_get(&f, "empty_cells"), slow_empty(along, across, N), 4.0 / 400);
    ph_model_free(m);
    ph_data_close(d);
}

/* Of a class and a style, the style's numbers are the plane; the class is none. */
static void styles_are_the_plane(void **state)
{
    (void)state;
    enum { N = 900 };
    static double x[N], y[N];
    static real style[N * 2], code[N * 5];
    uint32_t labels[N];
    ph_data *plain = cloud(N, 0);
    ph_data_close(plain);
    for (size_t r = 0; r < N; r++)
        labels[r] = (uint32_t)(r % 3);
    ph_data *d = ph_data_from_memory(rows, N, WIDTH, labels);
    ph_model *m = make("aae", d, "labels=90 latent-dim=2 hidden=8 epochs=1");
    assert_int_equal(ph_train(m, d, NULL), PH_OK);
    ph_figures f = map_of(m, d, NULL);
    assert_int_equal(ph_model_apply_data(m, "style", d, 0, N, style), PH_OK);
    assert_int_equal(ph_model_apply_data(m, "encode", d, 0, N, code), PH_OK);
    for (size_t r = 0; r < N; r++) {
        x[r] = (double)style[2 * r];
        y[r] = (double)style[2 * r + 1];
        assert_true(style[2 * r] == code[5 * r + 3] && style[2 * r + 1] == code[5 * r + 4]);
    }
    assert_near(ph_figure_get(&f, "empty_cells"), slow_empty(x, y, N), 2.0 / 400);
    for (size_t i = 0; i < f.count; i++)
        if (strcmp(f.at[i].name, "empty_cells") == 0)
            assert_string_equal(f.at[i].unit, "share of a 20x20 grid over the central 95 % of 900 styles that is "
                                "empty");
    ph_model_free(m);
    ph_data_close(d);
}

/* What is expected of normal codes is the mean of many draws. */
static void normal_codes_leave_what_is_expected(void **state)
{
    (void)state;
    enum { TIMES = 40 };
    static double x[ROWS], y[ROWS];
    for (size_t n = 300; n <= ROWS; n *= 10) {
        double mean = 0;
        for (size_t t = 0; t < TIMES; t++) {
            for (size_t r = 0; r < n; r++) {
                x[r] = mixed_normal(t * 10000 + 2 * r);
                y[r] = 3 * mixed_normal(t * 10000 + 2 * r + 1);
            }
            mean += slow_empty(x, y, n) / TIMES;
        }
        ph_data *d = cloud(n, 0);
        ph_model *m = pca_of(d, "latent-dim=2 scaling=none");
        ph_figures f = map_of(m, d, NULL);
        assert_near(ph_figure_get(&f, "empty_cells_normal"), mean, 0.02);
        assert_near(ph_figure_get(&f, "empty_cells"), mean, 0.06);
        ph_model_free(m);
        ph_data_close(d);
    }
}

static void gaps_are_seen(void **state)
{
    (void)state;
    ph_data *whole = cloud(ROWS, 0);
    ph_model *m = pca_of(whole, "latent-dim=2 scaling=none");
    ph_figures f = map_of(m, whole, whole);
    double full = ph_figure_get(&f, "empty_cells");
    assert_true(ph_figure_get(&f, "train_minus_test") == 0);
    ph_data *ring = cloud(ROWS, 1.2);
    f = map_of(m, ring, whole);
    assert_true(ph_figure_get(&f, "empty_cells") > full + 0.1);
    ph_figures other;
    assert_int_equal(ph_model_eval(m, whole, &other), PH_OK);
    assert_near(ph_figure_get(&f, "train_minus_test"),
                ph_figure_get(&other, "mse") - ph_figure_get(&f, "mse"), 0);
    ph_model_free(m);
    ph_data_close(ring);
    ph_data_close(whole);
}

/* One number has intervals; rows that are all the same have one code, and the rest is empty. */
static void small_cases(void **state)
{
    (void)state;
    ph_data *d = cloud(ROWS, 0);
    ph_model *m = pca_of(d, "latent-dim=1 scaling=none");
    ph_figures f = map_of(m, d, NULL);
    assert_true(ph_figure_get(&f, "empty_cells") == 0);
    assert_true(ph_figure_get(&f, "empty_cells_normal") < 1e-9);
    ph_data *one = ph_data_slice(d, 5, 1);
    f = map_of(m, one, NULL);
    assert_near(ph_figure_get(&f, "empty_cells"), 19.0 / 20, 1e-12);
    ph_model_free(m);
    ph_data_close(one);
    ph_data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cells_are_counted),
        cmocka_unit_test(axes_are_turned_as_a_whole),
        cmocka_unit_test(styles_are_the_plane),
        cmocka_unit_test(normal_codes_leave_what_is_expected),
        cmocka_unit_test(gaps_are_seen),
        cmocka_unit_test(small_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
