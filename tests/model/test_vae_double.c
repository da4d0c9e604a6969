/* test_vae_double.c - the variational autoencoder against what is known without it: closed forms, the
 * exact evidence of a linear Gaussian model and of a code of few classes, differences, and the promises
 * that hold for every family.
 */
#include "made.h"
#include "same_files.h"
#include "scratch.h"

enum { N = 40, WIDTH = 6, CODE = 2 };

static real unit_rows[N * WIDTH];     /* in [0,1], near a surface of two dimensions */
static ph_data *data;

/* ---- The posterior and its divergence ---------------------------------------------------------- */

static double kl_of(const real *posterior, size_t code)
{
    double sum = 0;
    for (size_t j = 0; j < code; j++) {
        double mu = (double)posterior[j], lv = (double)posterior[code + j];
        sum += 0.5 * (mu * mu + exp(lv) - lv - 1);
    }
    return sum;
}

static void kl_is_the_divergence(void **state)
{
    (void)state;
    ph_model *m = make("vae", data, "hidden=5 latent-dim=3 likelihood=bernoulli scaling=none");
    scatter_parameters(m->graph, 0.8, 1);
    real posterior[N * 6];
    assert_int_equal(ph_model_apply(m, "posterior", unit_rows, N, posterior), PH_OK);
    ph_node *kl = reported(m, "kl");
    ph_program *p = program_of(m, true, &kl, 1, N);
    for (size_t r = 0; r < N; r++) {
        double closed = kl_of(posterior + 6 * r, 3), sum = 0, squares = 0;
        run_program(p, unit_rows + r * WIDTH, 1, 0);
        assert_true(fabs((double)ph_program_output(p, 0)[0] - closed) < 1e-12);
        enum { DRAWS = 2000 };
        for (size_t i = 0; i < DRAWS; i++) {
            double log_ratio = 0;
            for (size_t j = 0; j < 3; j++) {
                double mu = (double)posterior[6 * r + j], lv = (double)posterior[6 * r + 3 + j];
                double eps = mixed_normal((r * DRAWS + i) * 3 + j), z = mu + exp(lv / 2) * eps;
                log_ratio += 0.5 * (z * z - eps * eps - lv);
            }
            sum += log_ratio;
            squares += log_ratio * log_ratio;
        }
        double mean = sum / DRAWS, error = sqrt((squares / DRAWS - mean * mean) / DRAWS);
        assert_true(fabs(mean - closed) < 5 * error + 1e-9);
    }
    ph_program_free(p);
    ph_model_free(m);
}

/* ---- A linear Gaussian model: everything is known ------------------------------------------------ */

/* W has orthogonal rows, so that the exact posterior is a product over code dimensions. */
static const double W[CODE][WIDTH] = { { 1, 0.5, -1, 0.25, 0, 0.5 }, { 0.5, 0, 0.5, 1, 2, -0.5 } };
static const double B[WIDTH] = { 0.5, 0.25, -0.125, 0, 1, 0.75 };
static const double C = 0.4;

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < WIDTH; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The mean of the exact posterior, and its variances. */
static void exact_posterior(const real *x, double *mean, double *variance)
{
    for (size_t j = 0; j < CODE; j++) {
        double moved[WIDTH];
        for (size_t i = 0; i < WIDTH; i++)
            moved[i] = (double)x[i] - B[i];
        variance[j] = 1 / (1 + dot(W[j], W[j]) / C);
        mean[j] = variance[j] * dot(W[j], moved) / C;
    }
}

/* log N(x; b, transpose(W) W + c I), by the determinant lemma and Woodbury; less the constant that
 * gaussian:c leaves out. */
static double evidence(const real *x)
{
    double mean[CODE], variance[CODE], moved[WIDTH], log_determinant = 0, form;
    exact_posterior(x, mean, variance);
    for (size_t i = 0; i < WIDTH; i++)
        moved[i] = (double)x[i] - B[i];
    form = dot(moved, moved) / C;
    for (size_t j = 0; j < CODE; j++) {
        log_determinant -= log(variance[j]);
        form -= mean[j] * mean[j] / variance[j];
    }
    return -0.5 * (log_determinant + form);
}

/* The evidence once more, by factoring the whole covariance. */
static double evidence_by_cholesky(const real *x)
{
    double l[WIDTH][WIDTH] = { { 0 } }, y[WIDTH], sum = 0;
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t j = 0; j <= i; j++) {
            double s = (i == j) * C;
            for (size_t k = 0; k < CODE; k++)
                s += W[k][i] * W[k][j];
            for (size_t k = 0; k < j; k++)
                s -= l[i][k] * l[j][k];
            l[i][j] = i == j ? sqrt(s) : s / l[j][j];
        }
    for (size_t i = 0; i < WIDTH; i++) {
        y[i] = (double)x[i] - B[i];
        for (size_t k = 0; k < i; k++)
            y[i] -= l[i][k] * y[k];
        y[i] /= l[i][i];
        sum += -0.5 * y[i] * y[i] - log(l[i][i]) - 0.5 * log(2 * M_PI);
    }
    return sum + 0.5 * WIDTH * log(2 * M_PI * C);
}

static double elbo_of(const real *x, const double *mu, const double *lv)
{
    double rec = 0, kl = 0;
    for (size_t i = 0; i < WIDTH; i++) {
        double y = B[i];
        for (size_t j = 0; j < CODE; j++)
            y += W[j][i] * mu[j];
        rec -= ((double)x[i] - y) * ((double)x[i] - y) / (2 * C);
    }
    for (size_t j = 0; j < CODE; j++) {
        rec -= exp(lv[j]) * dot(W[j], W[j]) / (2 * C);
        kl += 0.5 * (mu[j] * mu[j] + exp(lv[j]) - lv[j] - 1);
    }
    return rec - kl;
}

/* q is the exact posterior, or `off` away from it. */
static ph_model *linear_gaussian(const char *objective, double off)
{
    char text[128];
    snprintf(text, sizeof text, "hidden=none latent-dim=2 likelihood=gaussian:0.4 scaling=none objective=%s",
             objective);
    ph_model *m = make("vae", data, text);
    double mean[CODE], variance[CODE];
    real *decoder = weights(m, "decoder/0/weight"), *mu = weights(m, "encoder/0/weight");
    exact_posterior((real[WIDTH]){ 0 }, mean, variance);
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t j = 0; j < CODE; j++) {
            decoder[j * WIDTH + i] = (real)W[j][i];
            mu[i * CODE + j] = (real)(variance[j] * W[j][i] / C);
            weights(m, "encoder/1/weight")[i * CODE + j] = 0;
        }
    for (size_t i = 0; i < WIDTH; i++)
        weights(m, "decoder/0/bias")[i] = (real)B[i];
    for (size_t j = 0; j < CODE; j++) {
        weights(m, "encoder/0/bias")[j] = (real)(mean[j] + off);
        weights(m, "encoder/1/bias")[j] = (real)(log(variance[j]) + 2 * off);
    }
    return m;
}

static void one_sample_of_the_exact_posterior_is_enough(void **state)
{
    (void)state;
    ph_model *m = linear_gaussian("elbo", 0);
    static real w[N * 16];
    assert_int_equal(ph_model_apply(m, "log-weights", unit_rows, N, w), PH_OK);
    for (size_t r = 0; r < N; r++) {
        double known = evidence(unit_rows + r * WIDTH);
        assert_true(fabs(known - evidence_by_cholesky(unit_rows + r * WIDTH)) < 1e-12);
        for (size_t k = 0; k < 16; k++)
            assert_true(fabs((double)w[r * 16 + k] - known) < 1e-10);
    }
    ph_model_free(m);
}

static void weights_average_to_the_evidence(void **state)
{
    (void)state;
    enum { STEPS = 500 };
    ph_model *m = linear_gaussian("elbo", 0.15);
    static real w[N * 16];
    static double sum[N], squares[N];
    memset(sum, 0, sizeof sum);
    memset(squares, 0, sizeof squares);
    assert_int_equal(ph_model_apply(m, "log-weights", unit_rows, N, w), PH_OK);
    for (uint32_t step = 0; step < STEPS; step++) {
        ph_model_function(m, "log-weights")->program->noise_step = step;
        assert_int_equal(ph_model_apply(m, "log-weights", unit_rows, N, w), PH_OK);
        for (size_t r = 0; r < N; r++)
            for (size_t k = 0; k < 16; k++) {
                double ratio = exp((double)w[r * 16 + k] - evidence(unit_rows + r * WIDTH));
                sum[r] += ratio;
                squares[r] += ratio * ratio;
            }
    }
    double all = 0;
    for (size_t r = 0; r < N; r++) {
        double mean = sum[r] / (STEPS * 16), variance = squares[r] / (STEPS * 16) - mean * mean;
        assert_true(fabs(mean - 1) < 5 * sqrt(variance / (STEPS * 16)));
        all += mean / N;
    }
    assert_true(fabs(all - 1) < 0.003);
    ph_model_free(m);
}

/* The mean over rows and many draws of a reported figure, in a program that trains or one that does not. */
static double mean_in(ph_model *m, bool training, const char *name, uint32_t steps)
{
    ph_node *value = reported(m, name);
    ph_program *p = program_of(m, training, &value, 1, N);
    double sum = 0;
    for (uint32_t step = 0; step < steps; step++) {
        run_program(p, unit_rows, N, step);
        sum += (double)ph_program_output(p, 0)[0];
    }
    ph_program_free(p);
    return sum / steps;
}

static double mean_figure(ph_model *m, const char *name, uint32_t steps)
{
    return mean_in(m, true, name, steps);
}

static void bounds_rise_with_samples(void **state)
{
    (void)state;
    double known = 0, elbo = 0, bound[4];
    static const char *const objectives[] = { "iwae:1", "iwae:3", "iwae:10", "iwae:100" };
    ph_model *m = linear_gaussian("elbo", 0.4);
    real posterior[N * 2 * CODE];
    assert_int_equal(ph_model_apply(m, "posterior", unit_rows, N, posterior), PH_OK);
    for (size_t r = 0; r < N; r++) {
        double mu[CODE], lv[CODE];
        for (size_t j = 0; j < CODE; j++) {
            mu[j] = (double)posterior[r * 2 * CODE + j];
            lv[j] = (double)posterior[r * 2 * CODE + CODE + j];
        }
        known += evidence(unit_rows + r * WIDTH) / N;
        elbo += elbo_of(unit_rows + r * WIDTH, mu, lv) / N;
    }
    assert_true(fabs(mean_figure(m, "elbo", 2000) - elbo) < 0.02);
    ph_model_free(m);
    for (int i = 0; i < 4; i++) {
        m = linear_gaussian(objectives[i], 0.4);
        bound[i] = mean_figure(m, "iwae", 2000);
        assert_true(fabs(mean_figure(m, "elbo", 2000) - elbo) < 0.02);
        ph_model_free(m);
    }
    assert_true(fabs(bound[0] - elbo) < 0.02);
    assert_true(elbo < known - 0.3);
    for (int i = 1; i < 4; i++)
        assert_true(bound[i] > bound[i - 1] + 0.01);
    assert_true(bound[3] < known + 0.005 && bound[3] > known - 0.05);
}

/* ---- Codes of classes: few enough to go through all -------------------------------------------------- */

enum { K = 3, V = 2, CODES = 9 };

static ph_model *of_classes(const char *more)
{
    char text[256];
    snprintf(text, sizeof text, "hidden=5 activation=tanh latent=categorical:3x2 likelihood=bernoulli "
             "scaling=none %s", more);
    ph_model *m = make("vae", data, text);
    scatter_parameters(m->graph, 1.5, 3);
    return m;
}

/* log p(x|z) of a row for each of the nine codes, from what the decoder makes of them. */
static void every_code(ph_model *m, const real *x, double log_p[CODES])
{
    real code[CODES * K * V] = { 0 }, mean[CODES * WIDTH];
    for (size_t i = 0; i < CODES; i++)
        code[i * K * V + i % K] = code[i * K * V + K + i / K] = 1;
    assert_int_equal(ph_model_apply(m, "decode", code, CODES, mean), PH_OK);
    for (size_t i = 0; i < CODES; i++) {
        log_p[i] = 0;
        for (size_t c = 0; c < WIDTH; c++) {
            double p = (double)mean[i * WIDTH + c], at = (double)x[c];
            log_p[i] += at * log(p) + (1 - at) * log(1 - p);
        }
    }
}

/* The elbo and the evidence, means over the rows, by going through all codes. */
static void enumerate_codes(ph_model *m, double *elbo, double *known, double *kl)
{
    static real q[N * K * V];
    assert_int_equal(ph_model_apply(m, "encode", unit_rows, N, q), PH_OK);
    *elbo = *known = *kl = 0;
    for (size_t r = 0; r < N; r++) {
        double log_p[CODES], sum = 0;
        const real *own = q + r * K * V;
        every_code(m, unit_rows + r * WIDTH, log_p);
        for (size_t i = 0; i < CODES; i++) {
            double share = (double)own[i % K] * (double)own[K + i / K];
            *elbo += share * (log_p[i] + log(1.0 / CODES) - log(share)) / N;
            *kl += share * log(share * CODES) / N;
            sum += exp(log_p[i]) / CODES;
        }
        *known += log(sum) / N;
    }
}

static void classes_are_what_all_codes_say(void **state)
{
    (void)state;
    double elbo, known, kl;
    ph_model *m = of_classes("");
    enumerate_codes(m, &elbo, &known, &kl);
    assert_true(kl > 0.2 && elbo < known - 0.01);
    assert_true(fabs(mean_in(m, true, "kl", 1) - kl) < 1e-12);
    assert_true(fabs(mean_in(m, false, "elbo", 4000) - elbo) < 0.01);
    /* A cold training draw is nearly a one among zeros; a hot one is not. */
    ph_knob_set(m->graph, "temperature", 0.001);
    assert_true(fabs(mean_in(m, true, "elbo", 4000) - elbo) < 0.01);
    ph_knob_set(m->graph, "temperature", 5);
    assert_true(fabs(mean_in(m, true, "elbo", 4000) - elbo) > 0.05);
    ph_model_free(m);
}

/* Each weight is p(x, z) / q(z|x) of one of the nine codes, and their mean is the evidence. */
static void weights_of_classes_average_to_the_evidence(void **state)
{
    (void)state;
    enum { STEPS = 300 };
    ph_model *m = of_classes("");
    static real w[N * 16], q[N * K * V];
    double all = 0;
    assert_int_equal(ph_model_apply(m, "encode", unit_rows, N, q), PH_OK);
    for (uint32_t step = 0; step < STEPS; step++) {
        assert_int_equal(ph_model_apply(m, "log-weights", unit_rows, N, w), PH_OK);
        ph_model_function(m, "log-weights")->program->noise_step = step + 1;
        for (size_t r = 0; r < N; r++) {
            double log_p[CODES], exact[CODES], evidence_of_row = 0;
            every_code(m, unit_rows + r * WIDTH, log_p);
            for (size_t i = 0; i < CODES; i++) {
                double share = (double)q[r * K * V + i % K] * (double)q[r * K * V + K + i / K];
                exact[i] = log_p[i] - log((double)CODES) - log(share);
                evidence_of_row += exp(log_p[i]) / CODES;
            }
            for (size_t k = 0; k < 16; k++) {
                double nearest = INFINITY;
                for (size_t i = 0; i < CODES; i++)
                    nearest = fmin(nearest, fabs(exact[i] - (double)w[r * 16 + k]));
                assert_true(nearest < 1e-10);
                all += exp((double)w[r * 16 + k]) / evidence_of_row / (STEPS * 16 * N);
            }
        }
    }
    assert_true(fabs(all - 1) < 0.01);
    ph_model_free(m);
}

static void the_prior_of_classes_is_uniform(void **state)
{
    (void)state;
    enum { DRAWS = 30000 };
    ph_model *m = of_classes("");
    static real code[DRAWS * K * V], again[K * V];
    size_t joint[CODES] = { 0 };
    assert_true(ph_model_has_prior(m));
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 5 }, 0, DRAWS, code), PH_OK);
    for (size_t i = 0; i < DRAWS; i++) {
        size_t place = 0;
        for (size_t v = 0, step = 1; v < V; v++, step *= K) {
            size_t ones = 0;
            for (size_t c = 0; c < K; c++) {
                real value = code[(i * V + v) * K + c];
                assert_true(value == 0 || value == 1);
                ones += value == 1;
                place += value == 1 ? c * step : 0;
            }
            assert_int_equal(ones, 1);
        }
        joint[place]++;
    }
    for (size_t i = 0; i < CODES; i++) /* five standard deviations of a binomial number */
        assert_true(fabs((double)joint[i] - DRAWS / (double)CODES) < 5 * sqrt(DRAWS / (double)CODES));
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 5 }, 77, 1, again), PH_OK);
    assert_memory_equal(again, code + 77 * K * V, sizeof again);
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "normal", .seed = 5 }, 0, 1, again), PH_USAGE);
    assert_int_equal(ph_model_fit_mixture(m, data, 2, 1), PH_USAGE);
    ph_model_free(m);
}

/* ---- A likelihood of levels ---------------------------------------------------------------------------- */

/* With next to no noise and no hidden layer, what is decoded is mu W + b. */
static ph_model *without_noise(const char *likelihood)
{
    char text[128];
    snprintf(text, sizeof text, "hidden=none latent-dim=2 scaling=none %s", likelihood);
    ph_model *m = make("vae", data, text);
    scatter_parameters(m->graph, 0.9, 7);
    for (size_t j = 0; j < 2; j++) {
        for (size_t i = 0; i < WIDTH; i++)
            weights(m, "encoder/1/weight")[i * 2 + j] = 0;
        weights(m, "encoder/1/bias")[j] = -80;
    }
    return m;
}

/* Logits are mu W + b, and the rest is a softmax. */
static void levels_are_a_softmax(void **state)
{
    (void)state;
    enum { LEVELS = 5, HERE = WIDTH * LEVELS };
    /* Middles between levels go up; what lies outside [0,1] counts as its end. */
    static const real x[WIDTH] = { 0, (real)0.125, (real)0.124, 1, (real)1.2, (real)-0.3 };
    static const size_t level[WIDTH] = { 0, 1, 0, 4, 4, 0 };
    ph_model *m = without_noise("likelihood=categorical:5");
    real mu[2], mean[WIDTH];
    double want = 0;
    assert_int_equal(ph_model_apply(m, "encode", x, 1, mu), PH_OK);
    assert_int_equal(ph_model_apply(m, "decode", mu, 1, mean), PH_OK);
    for (size_t c = 0; c < WIDTH; c++) {
        double share[LEVELS], sum = 0, middle = 0;
        for (size_t l = 0; l < LEVELS; l++) {
            size_t at = c * LEVELS + l;
            double logit = (double)weights(m, "decoder/0/bias")[at];
            for (size_t j = 0; j < 2; j++)
                logit += (double)mu[j] * (double)weights(m, "decoder/0/weight")[j * HERE + at];
            sum += share[l] = exp(logit);
            middle += share[l] * (double)l / (LEVELS - 1);
        }
        want += log(share[level[c]] / sum);
        assert_true(fabs((double)mean[c] - middle / sum) < 1e-12);
    }
    ph_node *rec = reported(m, "rec");
    ph_program *p = program_of(m, false, &rec, 1, 1);
    run_program(p, x, 1, 0);
    assert_true(fabs((double)ph_program_output(p, 0)[0] - want) < 1e-10);
    ph_program_free(p);
    ph_model_free(m);
}

static double sigmoid(double a)
{
    return 1 / (1 + exp(-a));
}

/* The part of a logistic distribution between a level's ends, for each number; all levels together are 1. */
static void levels_are_parts_of_a_logistic(void **state)
{
    (void)state;
    enum { LEVELS = 5, HERE = WIDTH * 2 };
    static const real x[WIDTH] = { 0, (real)0.126, (real)0.124, 1, (real)1.2, (real)-0.3 };
    static const size_t level[WIDTH] = { 0, 1, 0, 4, 4, 0 };
    ph_model *m = without_noise("likelihood=logistic:5");
    real mu[2], mean[WIDTH];
    double want = 0;
    assert_int_equal(ph_model_apply(m, "encode", x, 1, mu), PH_OK);
    assert_int_equal(ph_model_apply(m, "decode", mu, 1, mean), PH_OK);
    for (size_t c = 0; c < WIDTH; c++) {
        double y[2], part[LEVELS], all = 0;
        for (size_t k = 0; k < 2; k++) {
            y[k] = (double)weights(m, "decoder/0/bias")[c * 2 + k];
            for (size_t j = 0; j < 2; j++)
                y[k] += (double)mu[j] * (double)weights(m, "decoder/0/weight")[j * HERE + c * 2 + k];
        }
        double scale = exp(fmin(fmax(y[1] - 2, -8), 0));
        y[0] += 0.5;
        for (size_t l = 0; l < LEVELS; l++) {
            double below = l == 0 ? 0 : sigmoid(((double)l - 0.5) / (LEVELS - 1) / scale - y[0] / scale);
            double to = l == LEVELS - 1 ? 1 : sigmoid(((double)l + 0.5) / (LEVELS - 1) / scale - y[0] / scale);
            all += part[l] = to - below;
        }
        assert_true(fabs(all - 1) < 1e-12);
        want += log(part[level[c]]);
        assert_true(fabs((double)mean[c] - fmin(fmax(y[0], 0), 1)) < 1e-12);
    }
    ph_node *outputs[] = { reported(m, "rec"), reported(m, "bits_per_dimension"), reported(m, "kl") };
    ph_program *p = program_of(m, false, outputs, 3, 1);
    run_program(p, x, 1, 0);
    assert_true(fabs((double)ph_program_output(p, 0)[0] - want) < 1e-9);
    double kl = (double)ph_program_output(p, 2)[0];
    assert_true(fabs((double)ph_program_output(p, 1)[0] - (kl - want) / log(2) / WIDTH) < 1e-9);
    ph_program_free(p);
    ph_model_free(m);
}

/* Numbers outside [0,1] have no level. */
static void levels_need_unit_rows(void **state)
{
    (void)state;
    static const real wide[4] = { 0, 3, -1, 2 };
    ph_data *d = ph_data_from_memory(wide, 2, 2, NULL);
    refused("vae", d, "likelihood=categorical:4 scaling=none", "[0,1]");
    refused("vae", d, "likelihood=categorical scaling=standardise", "[0,1]");
    refused("vae", d, "likelihood=logistic scaling=standardise", "[0,1]");
    refused("vae", d, "likelihood=logistic:1 scaling=minmax", "levels");
    ph_model_free(make("vae", d, "likelihood=categorical:4 scaling=minmax hidden=3"));
    ph_data_close(d);
}

/* ---- Derivatives ------------------------------------------------------------------------------------ */

static void gradients_are_right(void **state)
{
    (void)state;
    static const char *const variants[] = {
        "likelihood=bernoulli", "likelihood=gaussian:0.3 activation=tanh",
        "likelihood=gaussian activation=gelu", "likelihood=bernoulli beta=3 free-bits=0.2 activation=tanh",
        "likelihood=gaussian:1 capacity=2 activation=silu", "likelihood=bernoulli dropout=0.3 activation=elu",
        "likelihood=bernoulli objective=iwae:1 activation=tanh",
        "likelihood=gaussian objective=iwae:4 activation=sigmoid",
        "likelihood=bernoulli objective=iwae:5 dropout=0.2 decoder-hidden=3,4",
        "likelihood=gaussian:0.2 objective=iwae:3 hidden=none",
        "likelihood=logistic:6 activation=tanh", "likelihood=logistic objective=iwae:3 activation=silu",
        "likelihood=categorical:4 activation=tanh", "likelihood=categorical:3 objective=iwae:4 activation=gelu",
        "latent=categorical:3x4 likelihood=bernoulli activation=tanh",
        "latent=categorical:4x1 likelihood=gaussian beta=3 free-bits=0.2 activation=silu",
        "latent=categorical:2x3 likelihood=categorical:2 dropout=0.2 capacity=1 activation=elu",
    };
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        char text[256];
        bool own = strstr(variants[i], "hidden=none");
        bool classes = strstr(variants[i], "latent=categorical");
        snprintf(text, sizeof text, "%s%sscaling=none %s", own ? "" : "hidden=5 ",
                 classes ? "" : "latent-dim=3 ", variants[i]);
        ph_model *m = make("vae", data, text);
        scatter_parameters(m->graph, 0.7, i);
        check_gradient(m, variants[i], unit_rows, 9, 2e-7);
        ph_model_free(m);
    }
}

/* ---- Terms that change over the epochs ----------------------------------------------------------------- */

/* What each epoch's figures should come to: one step an epoch, so they belong to one set of weights. */
typedef struct formula {
    double (*loss)(int64_t epoch, double rec, double kl, const double *parts);
    double parts[3];           /* the mean KL of each dimension before the epoch's step */
    int64_t epochs;
    bool validates;
} formula;

static void mean_parts(ph_model *m, double *parts)
{
    real posterior[N * 6];
    assert_int_equal(ph_model_apply(m, "posterior", unit_rows, N, posterior), PH_OK);
    for (size_t j = 0; j < 3; j++) {
        parts[j] = 0;
        for (size_t r = 0; r < N; r++)
            parts[j] += kl_of((real[]){ posterior[r * 6 + j], posterior[r * 6 + 3 + j] }, 1) / N;
    }
}

static void compare(void *user, ph_model *m, const ph_progress *p)
{
    formula *f = user;
    if (p->event != PH_EVENT_EPOCH)
        return;
    const ph_figures *g = &p->figures;
    double rec = ph_figure_get(g, "rec"), kl = ph_figure_get(g, "kl"), loss = ph_figure_get(g, "loss");
    assert_true(fabs(f->parts[0] + f->parts[1] + f->parts[2] - kl) < 1e-10);
    assert_true(fabs(rec - kl - ph_figure_get(g, "elbo")) < 1e-10);
    double want = f->loss(p->epoch - 1, rec, kl, f->parts);
    if (!(fabs(loss - want) < 1e-10))
        fail_msg("epoch %lld: loss %.12g, but its parts say %.12g", (long long)p->epoch, loss, want);
    mean_parts(m, f->parts);
    if (f->validates) { /* on the training rows, after the step, with beta and capacity as they end */
        double val_kl = ph_figure_get(g, "val_kl"), val_rec = ph_figure_get(g, "val_rec");
        assert_true(fabs(f->parts[0] + f->parts[1] + f->parts[2] - val_kl) < 1e-10);
        want = f->loss(1000, val_rec, val_kl, f->parts);
        assert_true(fabs(ph_figure_get(g, "val_loss") - want) < 1e-10);
    }
    f->epochs++;
}

static double plain(int64_t e, double rec, double kl, const double *p) { (void)e, (void)p; return 2.5 * kl - rec; }
static double warmed(int64_t e, double rec, double kl, const double *p)
{
    (void)p;
    return 3 * fmin(1, (double)e / 4) * kl - rec;
}
static double capped(int64_t e, double rec, double kl, const double *p)
{
    (void)p;
    return 10 * fabs(kl - 1.5 * fmin(1, (double)e / 5)) - rec;
}
static double freed(int64_t e, double rec, double kl, const double *p)
{
    (void)e, (void)kl;
    return fmax(p[0], 0.3) + fmax(p[1], 0.3) + fmax(p[2], 0.3) - rec;
}
static double all_of_them(int64_t e, double rec, double kl, const double *p)
{
    (void)kl;
    double sum = fmax(p[0], 0.1) + fmax(p[1], 0.1) + fmax(p[2], 0.1);
    return 2 * fmin(1, (double)e / 3) * fabs(sum - fmin(1, (double)e / 6)) - rec;
}

static const struct { const char *options; double (*loss)(int64_t, double, double, const double *); } terms[] = {
    { "beta=2.5", plain },
    { "beta=3 kl-warmup=4", warmed },
    { "beta=10 capacity=1.5 capacity-epochs=5", capped },
    { "free-bits=0.3", freed },
    { "beta=2 kl-warmup=3 free-bits=0.1 capacity=1 capacity-epochs=6", all_of_them },
};

static void losses_are_their_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++)
        for (int validates = 0; validates < 2; validates++) {
            char text[256];
            snprintf(text, sizeof text, "hidden=5 latent-dim=3 likelihood=bernoulli scaling=none lr=0.02 "
                     "epochs=8 no-shuffle=1 batch-size=%d %s", N, terms[i].options);
            ph_model *m = make("vae", data, text);
            scatter_parameters(m->graph, 0.6, i);
            formula f = { .loss = terms[i].loss, .validates = validates };
            mean_parts(m, f.parts);
            ph_training t = { .progress = compare, .user = &f, .validation = validates ? data : NULL };
            assert_int_equal(ph_train(m, data, &t), PH_OK);
            assert_int_equal(f.epochs, 8);
            ph_model_free(m);
        }
}

static void knobs_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "hidden=5 latent-dim=3 likelihood=bernoulli scaling=none lr=0.02 "
                 "epochs=3 no-shuffle=1 batch-size=%d %s", N, terms[i].options);
        ph_model *m = make("vae", data, text);
        assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = in_folder("half.pin") }), PH_OK);
        ph_model_free(m);
        m = ph_model_load(in_folder("half.pin"));
        assert_non_null(m);
        ph_settings *more = settings_of("epochs=7");
        formula f = { .loss = terms[i].loss };
        mean_parts(m, f.parts);
        ph_training t = { .settings = more, .progress = compare, .user = &f };
        assert_int_equal(ph_train(m, data, &t), PH_OK);
        assert_int_equal(f.epochs, 4);
        ph_settings_free(more);
        ph_model_free(m);
    }
}

/* ---- What the knobs do to a trained model ---------------------------------------------------------------- */

static double trained(const char *options, const char *figure, double *deviation)
{
    char text[256];
    snprintf(text, sizeof text, "hidden=16 activation=tanh latent-dim=3 scaling=none lr=0.01 epochs=400 "
             "batch-size=20 %s", options);
    ph_model *m = make("vae", data, text);
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, data, &f), PH_OK);
    real posterior[N * 6];
    assert_int_equal(ph_model_apply(m, "posterior", unit_rows, N, posterior), PH_OK);
    for (size_t r = 0; deviation && r < N; r++)
        for (size_t j = 0; j < 3; j++)
            *deviation = fmax(*deviation, exp(0.5 * (double)posterior[r * 6 + 3 + j]));
    double value = ph_figure_get(&f, figure);
    ph_model_free(m);
    return value;
}

static void a_larger_variance_means_a_smaller_kl(void **state)
{
    (void)state;
    double sharp = trained("likelihood=gaussian:0.003", "kl", NULL);
    double middle = trained("likelihood=gaussian:0.03", "kl", NULL);
    double blurred = trained("likelihood=gaussian:0.3", "kl", NULL);
    assert_true(sharp > middle + 0.5 && middle > blurred + 0.5 && blurred < 0.1);
}

static void without_kl_there_is_no_noise(void **state)
{
    (void)state;
    double free_of_it = 0, held = 0;
    trained("likelihood=gaussian:0.03 beta=0", "kl", &free_of_it);
    trained("likelihood=gaussian:0.03 beta=1", "kl", &held);
    assert_true(free_of_it < 0.1 && held > 0.5);
}

/* ---- Ones and zeros ------------------------------------------------------------------------------------ */

/* With a decoder of biases alone rec is sum of t b - softplus(b): what the ones t are can be read off. */
static double only_biases(ph_model *m)
{
    double want = 0;
    memset(weights(m, "decoder/0/weight"), 0, 3 * WIDTH * sizeof(real));
    for (size_t c = 0; c < WIDTH; c++) {
        double b = weights(m, "decoder/0/bias")[c] = (real)ldexp(1, (int)c);
        for (size_t r = 0; r < N; r++)
            want += ((double)unit_rows[r * WIDTH + c] * b - log1p(exp(-b)) - b) / N;
    }
    return want;
}

static void rows_become_ones_and_zeros(void **state)
{
    (void)state;
    static const char *const kinds[] = { "dynamic", "static" };
    double in_use[2];
    for (int i = 0; i < 2; i++) {
        char text[128];
        snprintf(text, sizeof text, "hidden=none latent-dim=3 scaling=none likelihood=bernoulli binarize=%s",
                 kinds[i]);
        ph_model *m = make("vae", data, text);
        double want = only_biases(m), spread = 0, mean = 0, before = 0;
        ph_node *value = reported(m, "rec");
        ph_program *training = program_of(m, true, &value, 1, N), *use = program_of(m, false, &value, 1, N);
        for (uint32_t step = 0; step < 4000; step++) {
            run_program(training, unit_rows, N, step);
            double rec = (double)ph_program_output(training, 0)[0];
            spread += fabs(rec - before) > 1e-12;
            before = rec;
            mean += rec / 4000;
            /* b are powers of two, so N (rec + the sum of softplus) is a whole number for ones and zeros. */
            double whole = rec * N;
            for (size_t c = 0; c < WIDTH; c++)
                whole += N * (log1p(exp(-ldexp(1, (int)c))) + ldexp(1, (int)c));
            assert_true(fabs(whole - round(whole)) < 1e-6);
        }
        if (i == 0) /* the standard deviation of a step's rec is below 3 */
            assert_true(fabs(mean - want) < 5 * 3 / sqrt(4000) && spread > 3900);
        else
            assert_true(spread == 1);
        for (uint32_t step = 0; step < 3; step++) {
            run_program(use, unit_rows, N, step);
            assert_true(step == 0 || (double)ph_program_output(use, 0)[0] == in_use[i]);
            in_use[i] = (double)ph_program_output(use, 0)[0];
        }
        assert_true(i == 0 || in_use[1] == before);
        ph_program_free(training);
        ph_program_free(use);
        ph_model_free(m);
    }
    assert_true(in_use[0] == in_use[1]);
    refused("vae", data, "binarize=dynamic likelihood=gaussian", "bernoulli");
}

/* ---- What each dimension carries ------------------------------------------------------------------------- */

/* The numbers of "name":[..] in a line of the record. */
static size_t list_in(const char *line, const char *name, double *out, size_t most)
{
    char mark[64];
    size_t count = 0;
    snprintf(mark, sizeof mark, "\"%s\":[", name);
    const char *at = strstr(line, mark);
    assert_non_null(at);
    for (at += strlen(mark); *at != ']' && count < most; at += *at == ',') {
        char *end;
        out[count++] = strtod(at, &end);
        at = end;
    }
    return count;
}

typedef struct told {
    double kl[8], sigma;
    int64_t epochs;
} told;

static void keep_kl(void *user, ph_model *m, const ph_progress *p)
{
    told *t = user;
    (void)m;
    if (p->event != PH_EVENT_EPOCH)
        return;
    t->kl[t->epochs++] = ph_figure_get(&p->figures, "kl");
    t->sigma = ph_figure_get(&p->figures, "sigma");
    assert_true(isnan(ph_figure_get(&p->figures, "kl_per_dim")));
}

static void the_record_has_each_dimension(void **state)
{
    (void)state;
    static const char *const variants[] = { "latent-dim=3", "latent=categorical:4x3" };
    for (int v = 0; v < 2; v++) {
        char text[256];
        told t = { 0 };
        snprintf(text, sizeof text, "hidden=5 scaling=none batch-size=7 epochs=4 lr=0.02 %s", variants[v]);
        ph_model *m = make("vae", data, text);
        assert_int_equal(ph_train(m, data, &(ph_training){ .progress = keep_kl, .user = &t }), PH_OK);
        assert_int_equal(t.epochs, 4);
        const char *line = m->trainer.history;
        for (int e = 0; e < 4; e++, line = strchr(line, '\n') + 1) {
            double part[8], sum = 0;
            assert_int_equal(list_in(line, "kl_per_dim", part, 8), 3);
            for (int i = 0; i < 3; i++)
                sum += part[i];
            assert_true(fabs(sum - t.kl[e]) < 1e-4 * (1 + t.kl[e]));
        }
        ph_model_free(m);
    }
}

/* Lists too long to be read are not kept. */
static void long_lists_are_left_out(void **state)
{
    (void)state;
    ph_model *m = make("vae", data, "hidden=5 scaling=none epochs=1 latent-dim=513");
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    assert_null(strstr(m->trainer.history, "kl_per_dim"));
    ph_model_free(m);
}

static void a_measure_has_each_dimension(void **state)
{
    (void)state;
    static const char *const variants[] = { "latent-dim=3", "latent=categorical:4x3" };
    for (int v = 0; v < 2; v++) {
        char text[256];
        ph_figures f;
        snprintf(text, sizeof text, "hidden=16 scaling=none epochs=100 lr=0.01 batch-size=20 "
                 "likelihood=gaussian:0.01 %s", variants[v]);
        ph_model *m = make("vae", data, text);
        assert_int_equal(ph_train(m, data, NULL), PH_OK);
        assert_int_equal(ph_model_measure(m, data, NULL, &f), PH_OK);
        assert_int_equal(f.lists, 1);
        assert_string_equal(f.list[0].name, "kl_per_dim");
        assert_int_equal(f.list[0].count, 3);
        double sum = 0, most = 0;
        for (int i = 0; i < 3; i++) {
            sum += f.list[0].value[i];
            most = fmax(most, f.list[0].value[i]);
        }
        assert_true(fabs(sum - ph_figure_get(&f, "kl")) < 1e-9 && sum > 1);
        assert_true(most == ph_figure_get(&f, "kl_largest"));
        assert_true(ph_figure_get(&f, "active_units") >= 1);
        ph_model_free(m);
        snprintf(text, sizeof text, "hidden=16 scaling=none epochs=60 lr=0.01 batch-size=20 beta=1000 %s",
                 variants[v]);
        m = make("vae", data, text);
        assert_int_equal(ph_train(m, data, NULL), PH_OK);
        assert_int_equal(ph_model_measure(m, data, NULL, &f), PH_OK);
        assert_true(ph_figure_get(&f, "active_units") == 0);
        ph_model_free(m);
    }
}

static void sigma_is_the_posteriors(void **state)
{
    (void)state;
    ph_model *m = make("vae", data, "hidden=5 latent-dim=3 scaling=none");
    scatter_parameters(m->graph, 1.1, 2);
    real posterior[N * 6];
    double mean = 0;
    assert_int_equal(ph_model_apply(m, "posterior", unit_rows, N, posterior), PH_OK);
    for (size_t i = 0; i < N * 3; i++)
        mean += exp(0.5 * (double)posterior[i / 3 * 6 + 3 + i % 3]) / (N * 3);
    assert_true(fabs(mean_figure(m, "sigma", 1) - mean) < 1e-12);
    ph_model_free(m);
}

/* ---- Promises ----------------------------------------------------------------------------------------------- */

static void use_is_without_noise(void **state)
{
    (void)state;
    static const char *const variants[] = { "latent-dim=3", "latent-dim=3 objective=iwae:3",
                                            "latent=categorical:3x2 likelihood=categorical:3",
                                            "latent-dim=3 likelihood=bernoulli binarize=dynamic" };
    for (int i = 0; i < 4; i++) {
        char text[128];
        snprintf(text, sizeof text, "hidden=9 dropout=0.4 %s", variants[i]);
        ph_model *m = make("vae", data, text);
        assert_int_equal(ph_train(m, data, NULL), PH_OK);
        static const char *const functions[] = { "encode", "reconstruct", "kl" };
        for (int f = 0; f < 3; f++) {
            real all[N * WIDTH], one[WIDTH];
            size_t in, out;
            assert_int_equal(ph_model_port(m, functions[f], &in, &out), PH_OK);
            assert_int_equal(ph_model_apply(m, functions[f], unit_rows, N, all), PH_OK);
            for (size_t r = 0; r < N; r++) {
                ph_model_function(m, functions[f])->program->noise_step = (uint32_t)r;
                assert_int_equal(ph_model_apply(m, functions[f], unit_rows + r * WIDTH, 1, one), PH_OK);
                assert_memory_equal(one, all + r * out, out * sizeof one[0]);
            }
        }
        ph_model_free(m);
    }
}

/* What takes much memory for a row runs with fewer rows at once, to the same results. */
static void wide_values_take_fewer_rows(void **state)
{
    (void)state;
    enum { ROWS = 300, WIDE = 300 };
    real *x = malloc(ROWS * WIDE * sizeof *x), *y = malloc(ROWS * WIDE * sizeof *y), one[WIDE];
    for (size_t i = 0; i < ROWS * WIDE; i++)
        x[i] = (real)mixed(i);
    ph_data *rows = ph_data_from_memory(x, ROWS, WIDE, NULL);
    ph_model *m = make("vae", rows, "hidden=none latent-dim=2 likelihood=categorical:256 scaling=none");
    ph_function *f = ph_model_function(m, "reconstruct");
    assert_non_null(f);
    assert_true(f->program->max_rows[1] < ROWS && f->program->arena_size * sizeof(real) <= 256u << 20);
    assert_true(ph_model_function(m, "encode")->program->max_rows[1] == PH_USE_ROWS);
    assert_int_equal(ph_model_apply_data(m, "reconstruct", rows, 0, ROWS, y), PH_OK);
    for (size_t r = 0; r < ROWS; r += 37) {
        assert_int_equal(ph_model_apply(m, "reconstruct", x + r * WIDE, 1, one), PH_OK);
        assert_memory_equal(one, y + r * WIDE, sizeof one);
    }
    double errors[ROWS], mean = 0;
    assert_int_equal(ph_model_errors(m, rows, 0, ROWS, errors), PH_OK);
    for (size_t r = 0; r < ROWS; r++)
        mean += errors[r] / ROWS;
    ph_figures figures;
    assert_int_equal(ph_model_eval(m, rows, &figures), PH_OK);
    assert_true(fabs(ph_figure_get(&figures, "mse") - mean) < 1e-12);
    ph_model_free(m);
    ph_data_close(rows);
    free(x);
    free(y);
}

static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

/* Trains in one go, or in two with a file in between. */
static void train_to(const char *file, const char *options, int64_t stop)
{
    char text[256];
    snprintf(text, sizeof text, "hidden=9 %s batch-size=7 epochs=3 log-every=1 %s",
             strstr(options, "latent=") ? "" : "latent-dim=3", options);
    ph_model *m = make("vae", data, text);
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

/* Whether the training records of two models say the same, but for the seconds it took. */
static bool same_records(const char *a, const char *b)
{
    ph_model *x = ph_model_load(a), *y = ph_model_load(b);
    assert_true(x && y);
    const char *p = x->trainer.history, *q = y->trainer.history;
    while (*p && *p == *q) {
        bool seconds = strncmp(p, "\"seconds\":", 10) == 0 && strncmp(q, "\"seconds\":", 10) == 0;
        p += seconds ? strcspn(p, ",") : 1;
        q += seconds ? strcspn(q, ",") : 1;
    }
    bool same = *p == *q;
    ph_model_free(x);
    ph_model_free(y);
    return same;
}

static void same_bits(void **state)
{
    (void)state;
    static const char *const variants[] = {
        "", "likelihood=gaussian dropout=0.2", "kl-warmup=2 beta=4 free-bits=0.05 capacity=1 val-split=0.2",
        "objective=iwae:5", "objective=iwae:3 likelihood=gaussian dropout=0.1 decoder-hidden=4,5",
        "likelihood=categorical:3", "latent=categorical:3x4 temperature=2",
    };
    char a[600], b[600];
    snprintf(a, sizeof a, "%s", in_folder("a.pin"));
    snprintf(b, sizeof b, "%s", in_folder("b.pin"));
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        ph_set_threads(1, false);
        train_to(a, variants[i], 0);
        for (int threads = 1; threads <= 3; threads++) {
            ph_set_threads(threads, false);
            train_to(b, variants[i], 0);
            assert_true(same_arrays(a, b));
        }
        ph_set_threads(1, false);
        for (int64_t stop = 1; stop < 15; stop += 5) {
            train_to(b, variants[i], stop);
            assert_true(same_arrays(a, b));
            assert_true(same_records(a, b));
        }
    }
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    refused("vae", data, "objective=iwae:0", "samples");
    refused("vae", data, "objective=iwae:20000", "samples");
    refused("vae", data, "objective=iwae:2.5", "samples");
    refused("vae", data, "likelihood=gaussian:0", "variance");
    refused("vae", data, "likelihood=gaussian:-1", "variance");
    refused("vae", data, "objective=iwae:5 beta=4", "beta");
    refused("vae", data, "objective=iwae:5 kl-warmup=4", "kl-warmup");
    refused("vae", data, "objective=iwae:5 free-bits=0.5", "free-bits");
    refused("vae", data, "objective=iwae:5 capacity=2", "capacity");
    refused("vae", data, "objective=iwae:5 latent=categorical:3x2", "elbo");
    refused("vae", data, "likelihood=categorical:1", "levels");
    refused("vae", data, "likelihood=categorical:2.5", "levels");
    refused("vae", data, "likelihood=categorical:257", "levels");
    refused("vae", data, "latent=categorical:1x4", "2 classes");
    refused("vae", data, "latent=categorical:2.5x4", "2 classes");
    refused("vae", data, "latent=categorical:3x0", "1 variable");
    refused("vae", data, "latent=categorical:1000x10000", "million");
    refused("vae", data, "latent=categorical:3", "categorical:KxN");
    refused("vae", data, "latent=categorical:3x2 latent-dim=5", "latent-dim");
    refused("vae", data, "latent=categorical:3x2 temperature=0.4", "temperature-min");
    refused("vae", data, "temperature=2", "categorical");
}

static int set_up(void **state)
{
    for (size_t r = 0; r < N; r++) {
        double s = mixed(r * 2 + 500), t = mixed(r * 2 + 501);
        for (size_t c = 0; c < WIDTH; c++)
            unit_rows[r * WIDTH + c] = (real)(0.5 + 0.45 * sin(3 * s * (double)(c + 1) + 4 * t + (double)c));
    }
    data = ph_data_from_memory(unit_rows, N, WIDTH, NULL);
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
        cmocka_unit_test(kl_is_the_divergence),
        cmocka_unit_test(one_sample_of_the_exact_posterior_is_enough),
        cmocka_unit_test(weights_average_to_the_evidence),
        cmocka_unit_test(bounds_rise_with_samples),
        cmocka_unit_test(classes_are_what_all_codes_say),
        cmocka_unit_test(weights_of_classes_average_to_the_evidence),
        cmocka_unit_test(the_prior_of_classes_is_uniform),
        cmocka_unit_test(levels_are_a_softmax),
        cmocka_unit_test(levels_are_parts_of_a_logistic),
        cmocka_unit_test(levels_need_unit_rows),
        cmocka_unit_test(gradients_are_right),
        cmocka_unit_test(losses_are_their_parts),
        cmocka_unit_test(knobs_come_back),
        cmocka_unit_test(a_larger_variance_means_a_smaller_kl),
        cmocka_unit_test(without_kl_there_is_no_noise),
        cmocka_unit_test(rows_become_ones_and_zeros),
        cmocka_unit_test(the_record_has_each_dimension),
        cmocka_unit_test(long_lists_are_left_out),
        cmocka_unit_test(a_measure_has_each_dimension),
        cmocka_unit_test(sigma_is_the_posteriors),
        cmocka_unit_test(use_is_without_noise),
        cmocka_unit_test(wide_values_take_fewer_rows),
        cmocka_unit_test(same_bits),
        cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
