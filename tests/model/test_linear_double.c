/* test_linear_double.c - linear autoencoders, of which all is known: the best one spans the principal
 * components (Baldi and Hornik 1989), a wide one copies, and one that is given noise becomes the linear
 * filter that takes it out again (Wiener). Factors are free up to an invertible map, so products of
 * encoder and decoder are compared, and the spaces that they span.
 */
#include "made.h"
#include "spaces.h"

enum { N = 240, WIDTH = 8 };

static real rows[N * WIDTH];
static ph_data *data;
static double covariance[WIDTH * WIDTH]; /* of the rows, divided by N */

static ph_model *trained(const char *family, const char *options)
{
    ph_model *m = make(family, data, options);
    if (ph_train(m, data, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    return m;
}

#define LINEAR "hidden=none no-bias=1 scaling=center loss=mse "

static double mse(ph_model *m)
{
    ph_figures f;
    assert_int_equal(ph_model_eval(m, data, &f), PH_OK);
    return ph_figure_get(&f, "mse");
}

/* What the whole net multiplies a row by: [WIDTH, WIDTH]. */
static void product(const ph_model *m, size_t code, double *out)
{
    const real *e = weights(m, "encoder/0/weight"), *d = weights(m, "decoder/0/weight");
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t j = 0; j < WIDTH; j++) {
            out[i * WIDTH + j] = 0;
            for (size_t k = 0; k < code; k++)
                out[i * WIDTH + j] += (double)(e[i * code + k] * d[k * WIDTH + j]);
        }
}

static void the_best_is_pca(void **state)
{
    (void)state;
    for (size_t k = 1; k <= 4; k++) {
        char text[256];
        snprintf(text, sizeof text, "latent-dim=%zu scaling=center", k);
        ph_model *pca = trained("pca", text);
        snprintf(text, sizeof text, LINEAR "latent-dim=%zu lr=0.02 schedule=cosine epochs=4000 batch-size=%d", k, N);
        ph_model *ae = trained("ae", text);
        double best = mse(pca), own = mse(ae), map[WIDTH * WIDTH];
        assert_true(own >= best * (1 - 1e-9) && own <= best * (1 + 1e-6));
        product(ae, k, map);
        const real *c = weights(pca, "pca/components");
        for (size_t i = 0; i < WIDTH; i++)
            for (size_t j = 0; j < WIDTH; j++) {
                double projector = 0;
                for (size_t p = 0; p < k; p++)
                    projector += (double)(c[i * k + p] * c[j * k + p]);
                assert_true(fabs(map[i * WIDTH + j] - projector) < 2e-3);
            }
        double principal[4 * WIDTH], encoder[4 * WIDTH], decoder[4 * WIDTH];
        orthogonal(principal, c, WIDTH, k, k, 1);
        orthogonal(encoder, weights(ae, "encoder/0/weight"), WIDTH, k, k, 1);
        orthogonal(decoder, weights(ae, "decoder/0/weight"), WIDTH, k, 1, WIDTH);
        assert_true(largest_sine(principal, decoder, WIDTH, k) < 2e-3);
        assert_true(largest_sine(principal, encoder, WIDTH, k) < 2e-3);
        ph_model_free(pca);
        ph_model_free(ae);
    }
}

static void a_code_as_wide_as_the_row_loses_nothing(void **state)
{
    (void)state;
    ph_model *m = trained("ae", LINEAR "latent-dim=8 lr=0.02 schedule=cosine epochs=4000 batch-size=240");
    double before = 0;
    for (size_t i = 0; i < WIDTH; i++)
        before += covariance[i * WIDTH + i] / WIDTH;
    assert_true(mse(m) < 1e-6 * before);
    ph_model_free(m);
}

/* b becomes the inverse of a, which is symmetric and positive, times b (Gauss and Jordan). */
static void solve(double *a, double *b)
{
    for (size_t p = 0; p < WIDTH; p++)
        for (size_t i = 0; i < WIDTH; i++) {
            double factor = i == p ? 1 / a[p * WIDTH + p] : a[i * WIDTH + p] / a[p * WIDTH + p];
            if (i == p)
                continue;
            for (size_t j = 0; j < WIDTH; j++) {
                a[i * WIDTH + j] -= factor * a[p * WIDTH + j];
                b[i * WIDTH + j] -= factor * b[p * WIDTH + j];
            }
        }
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t j = 0; j < WIDTH; j++)
            b[i * WIDTH + j] /= a[i * WIDTH + i];
}

/* The map that takes Gaussian noise out best: (S + s^2 I)^-1 S, with S the covariance of the rows. */
static void wiener(double deviation, double *out)
{
    double sum[WIDTH * WIDTH];
    memcpy(sum, covariance, sizeof sum);
    memcpy(out, covariance, sizeof sum);
    for (size_t i = 0; i < WIDTH; i++)
        sum[i * WIDTH + i] += deviation * deviation;
    solve(sum, out);
}

/* The largest difference of two maps. */
static double apart(const double *a, const double *b)
{
    double most = 0;
    for (size_t i = 0; i < WIDTH * WIDTH; i++)
        most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

/* The mean squared error of rows with fresh noise, sent through a map. */
static double error_with_noise(const double *map, double deviation)
{
    double sum = 0, column[WIDTH] = { 0 };
    for (size_t i = 0; i < N * WIDTH; i++)
        column[i % WIDTH] += (double)rows[i] / N;
    for (size_t r = 0; r < 20 * N; r++) {
        double noisy[WIDTH], clean[WIDTH];
        for (size_t i = 0; i < WIDTH; i++) {
            clean[i] = (double)rows[r % N * WIDTH + i] - column[i];
            noisy[i] = clean[i] + deviation * mixed_normal(900000 + r * WIDTH + i);
        }
        for (size_t j = 0; j < WIDTH; j++) {
            double y = 0;
            for (size_t i = 0; i < WIDTH; i++)
                y += noisy[i] * map[i * WIDTH + j];
            sum += (y - clean[j]) * (y - clean[j]) / (20.0 * N * WIDTH);
        }
    }
    return sum;
}

static void a_wide_code_copies_and_noise_cures_it(void **state)
{
    (void)state;
    double identity[WIDTH * WIDTH] = { 0 }, filter[WIDTH * WIDTH], copy[WIDTH * WIDTH], cured[WIDTH * WIDTH];
    for (size_t i = 0; i < WIDTH; i++)
        identity[i * WIDTH + i] = 1;
    wiener(0.5, filter);
    assert_true(apart(filter, identity) > 0.5);

    ph_model *m = trained("ae", LINEAR "latent-dim=16 lr=0.02 schedule=cosine epochs=3000 batch-size=240");
    product(m, 16, copy);
    ph_model_free(m);
    assert_true(apart(copy, identity) < 1e-3);

    m = trained("ae", LINEAR "latent-dim=16 noise=gauss:0.5 lr=0.01 schedule=cosine epochs=12000 batch-size=240");
    product(m, 16, cured);
    ph_model_free(m);
    assert_true(apart(cured, filter) < 0.03);

    /* A copy lets all the noise through; the filter does as well as a linear map can. */
    double let_through = error_with_noise(copy, 0.5), filtered = error_with_noise(cured, 0.5);
    assert_true(fabs(let_through / 0.25 - 1) < 0.05);
    assert_true(filtered < 0.5 * let_through && filtered < 1.01 * error_with_noise(filter, 0.5));
}

/* Rows with variances that fall by half, in a basis that is not the axes. */
static int set_up(void **state)
{
    (void)state;
    double mean[WIDTH] = { 0 };
    for (size_t r = 0; r < N; r++) {
        double z[WIDTH], sum = 0;
        for (size_t c = 0; c < WIDTH; c++)
            z[c] = 1.5 * pow(0.7, (double)c) * mixed_normal(r * WIDTH + c);
        for (size_t c = 0; c < WIDTH; c++) /* a reflection at the plane across (1, 1/2, 1/3, ...) */
            sum += z[c] / (double)(c + 1);
        for (size_t c = 0; c < WIDTH; c++) {
            rows[r * WIDTH + c] = (real)(3 + (double)c + z[c] - 2 * sum / 1.527422 / (double)(c + 1));
            mean[c] += (double)rows[r * WIDTH + c] / N;
        }
    }
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t j = 0; j < WIDTH; j++)
            for (size_t r = 0; r < N; r++)
                covariance[i * WIDTH + j] += ((double)rows[r * WIDTH + i] - mean[i]) *
                                             ((double)rows[r * WIDTH + j] - mean[j]) / N;
    data = ph_data_from_memory(rows, N, WIDTH, NULL);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_pca),
        cmocka_unit_test(a_code_as_wide_as_the_row_loses_nothing),
        cmocka_unit_test(a_wide_code_copies_and_noise_cures_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
