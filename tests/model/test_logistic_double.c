/* test_logistic_double.c - logistic PCA: codes are at the minimum of their own problems, the
 * derivative of the loss is the one that leaves them where they are, training goes down, to what is
 * known where rows have logits of low rank; and the first steps are NumPy's. */
#include "golden/logistic.h"
#include "made.h"

enum { N = 60, WIDTH = 14, CODE = 3 };

/* The slope of a row's objective at its code, by its definition. */
static double slope_at(const ph_model *m, const real *x, const real *z, double ridge)
{
    const real *w = weights(m, "logistic-pca/loadings"), *mean = weights(m, "logistic-pca/mean");
    double slope[CODE], sum = 0;
    for (size_t j = 0; j < CODE; j++)
        slope[j] = ridge * (double)z[j];
    for (size_t c = 0; c < WIDTH; c++) {
        double logit = (double)mean[c];
        for (size_t j = 0; j < CODE; j++)
            logit += (double)(w[c * CODE + j] * z[j]);
        for (size_t j = 0; j < CODE; j++)
            slope[j] += (double)w[c * CODE + j] * (1 / (1 + exp(-logit)) - (double)x[c]);
    }
    for (size_t j = 0; j < CODE; j++)
        sum += slope[j] * slope[j];
    return sqrt(sum);
}

/* kind 0: anything in [0,1]; 1: zeros and ones; 2: all one; 3: all zero but one. */
static void make_rows(real *x, int kind)
{
    for (size_t i = 0; i < N * WIDTH; i++) {
        double u = mixed(i + 77);
        x[i] = (real)(kind == 0 ? u : kind == 1 ? u < 0.3 : kind == 2 ? 1 : i % WIDTH == 4);
    }
}

static void codes_are_at_their_minimum(void **state)
{
    (void)state;
    static real x[N * WIDTH], z[N * CODE], alone[CODE];
    static const double sizes[] = { 0.01, 1, 20 }, ridges[] = { 1e-6, 1e-3, 10 };
    for (int kind = 0; kind < 4; kind++)
        for (size_t s = 0; s < 3; s++)
            for (size_t k = 0; k < 3; k++) {
                char options[128];
                make_rows(x, kind);
                ph_data *data = ph_data_from_memory(x, N, WIDTH, NULL);
                snprintf(options, sizeof options, "latent-dim=%d scaling=none ridge=%g", CODE,
                         ridges[k]);
                ph_model *m = make("logistic-pca", data, options);
                scatter_parameters(m->graph, sizes[s], 3);
                if (s == 1) /* a loading that fits rows of ones the better the larger its number */
                    for (size_t c = 0; c < WIDTH; c++)
                        weights(m, "logistic-pca/loadings")[c * CODE] = 1;
                assert_int_equal(ph_model_apply(m, "encode", x, N, z), PH_OK);
                for (size_t r = 0; r < N; r++) {
                    double slope = slope_at(m, x + r * WIDTH, z + r * CODE, ridges[k]);
                    if (!(slope < 1e-8))
                        fail_msg("rows %d, loadings of %g, ridge %g: slope %g at the code of row %zu",
                                 kind, sizes[s], ridges[k], slope, r);
                }
                assert_int_equal(ph_model_apply(m, "encode", x + 5 * WIDTH, 1, alone), PH_OK);
                assert_memory_equal(alone, z + 5 * CODE, sizeof alone);
                ph_model_free(m);
                ph_data_close(data);
            }
}

static void the_loss_has_its_derivative(void **state)
{
    (void)state;
    static real x[N * WIDTH];
    make_rows(x, 0);
    ph_data *data = ph_data_from_memory(x, N, WIDTH, NULL);
    ph_model *m = make("logistic-pca", data, "latent-dim=3 scaling=none ridge=0.1");
    scatter_parameters(m->graph, 1, 5);
    check_gradient(m, "logistic-pca", x, 9, 1e-6);
    ph_model_free(m);
    ph_data_close(data);
}

typedef struct course {
    double first, last;
    int count, rises;
} course;

static void follow(void *user, ph_model *m, const ph_progress *p)
{
    course *c = user;
    double loss = ph_figure_get(&p->figures, "loss");
    (void)m;
    if (p->event != PH_EVENT_EPOCH)
        return;
    c->rises += c->count > 0 && loss > c->last;
    c->first = c->count++ == 0 ? loss : c->first;
    c->last = loss;
}

static course train(ph_model *m, const ph_data *data)
{
    course c = { 0 };
    assert_int_equal(ph_train(m, data, &(ph_training){ .progress = follow, .user = &c }), PH_OK);
    return c;
}

static void training_goes_down(void **state)
{
    (void)state;
    static real x[N * WIDTH];
    make_rows(x, 1);
    ph_data *data = ph_data_from_memory(x, N, WIDTH, NULL);
    ph_model *m = make("logistic-pca", data, "latent-dim=3 scaling=none ridge=0.01 optimizer=sgd "
                                             "lr=0.05 batch-size=60 epochs=300");
    course c = train(m, data);
    assert_true(c.count == 300 && c.rises == 0 && c.last < 0.8 * c.first);
    ph_model_free(m);
    ph_data_close(data);
}

/* Rows whose logits have rank 3: the least cross-entropy is their entropy, and they come back. */
static void logits_of_low_rank_come_back(void **state)
{
    (void)state;
    static real x[N * WIDTH], y[N * WIDTH];
    double entropy = 0, worst = 0;
    for (size_t r = 0; r < N; r++)
        for (size_t c = 0; c < WIDTH; c++) {
            double logit = cos((double)c);
            for (size_t j = 0; j < CODE; j++)
                logit += mixed_normal(r * CODE + j) * mixed_normal(5000 + c * CODE + j);
            double p = 1 / (1 + exp(-logit));
            x[r * WIDTH + c] = (real)p;
            entropy -= (p * log(p) + (1 - p) * log1p(-p)) / N;
        }
    ph_data *data = ph_data_from_memory(x, N, WIDTH, NULL);
    ph_model *m = make("logistic-pca", data, "latent-dim=3 scaling=none ridge=1e-6 lr=0.05 "
                                             "schedule=cosine batch-size=60 epochs=2000");
    course c = train(m, data);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, data, &f), PH_OK);
    assert_int_equal(ph_model_apply(m, "reconstruct", x, N, y), PH_OK);
    for (size_t i = 0; i < N * WIDTH; i++)
        worst = fmax(worst, fabs((double)(x[i] - y[i])));
    double bce = ph_figure_get(&f, "bce");
    if (!(c.first > 1.1 * entropy && bce >= entropy && bce < entropy * (1 + 1e-6) && worst < 1e-3))
        fail_msg("%.10g nats a row, but the entropy is %.10g; the worst number is off by %g", bce,
                 entropy, worst);
    ph_model_free(m);
    ph_data_close(data);
}

enum { ROWS = 7, GOLDEN_WIDTH = 12, STEPS = 5 };

static void compare(void *user, ph_model *m, const ph_progress *p)
{
    int *step = user;
    (void)m;
    if (p->event != PH_EVENT_EPOCH)
        return;
    double loss = ph_figure_get(&p->figures, "loss"), want = golden_logistic[(*step)++];
    if (!(fabs(loss - want) <= 1e-12 * want))
        fail_msg("step %d: %.17g, but NumPy has %.17g", *step, loss, want);
}

static void the_first_steps_are_numpys(void **state)
{
    (void)state;
    real x[ROWS * GOLDEN_WIDTH];
    for (int i = 0; i < ROWS * GOLDEN_WIDTH; i++)
        x[i] = (real)(0.5 + 0.5 * sin(0.37 * i));
    ph_data *data = ph_data_from_memory(x, ROWS, GOLDEN_WIDTH, NULL);
    ph_model *m = make("logistic-pca", data, "latent-dim=3 scaling=none ridge=0.01 lr=0.01 "
                                             "epochs=5 batch-size=7 no-shuffle=1");
    for (size_t i = 0; i < GOLDEN_WIDTH; i++)
        weights(m, "logistic-pca/mean")[i] = (real)(0.1 * cos(0.3 * (double)i));
    for (size_t i = 0; i < GOLDEN_WIDTH * CODE; i++)
        weights(m, "logistic-pca/loadings")[i] = (real)(0.5 * sin(1 + 0.7 * (double)i));
    int step = 0;
    ph_training training = { .progress = compare, .user = &step };
    assert_int_equal(ph_train(m, data, &training), PH_OK);
    assert_int_equal(step, STEPS);
    ph_model_free(m);
    ph_data_close(data);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static real x[N * WIDTH];
    make_rows(x, 0);
    ph_data *data = ph_data_from_memory(x, N, WIDTH, NULL);
    refused("logistic-pca", data, "latent-dim=15", "15 components of rows of 14 numbers");
    refused("logistic-pca", data, "latent-dim=3 ridge=0", "ridge");
    refused("logistic-pca", data, "latent-dim=3 scaling=standardise", "needs values in [0,1]");
    ph_data_close(data);
    x[77] = (real)1.01;
    data = ph_data_from_memory(x, N, WIDTH, NULL);
    refused("logistic-pca", data, "latent-dim=3 scaling=none", "needs values in [0,1]");
    ph_data_close(data);
    x[77] = 256;
    data = ph_data_from_memory(x, N, WIDTH, NULL);
    refused("logistic-pca", data, "latent-dim=3 scaling=bytes", "needs values in [0,1]");
    ph_model *m = make("logistic-pca", data, "latent-dim=3 scaling=minmax");
    ph_model_free(m);
    ph_data_close(data);
}

/* Rows of other data may leave [0,1]: their codes are those of the nearest rows that do not. */
static void rows_beyond_are_taken_for_the_nearest(void **state)
{
    (void)state;
    static real x[N * WIDTH], z[2 * CODE];
    make_rows(x, 0);
    ph_data *data = ph_data_from_memory(x, N, WIDTH, NULL);
    ph_model *m = make("logistic-pca", data, "latent-dim=3 scaling=none");
    for (size_t c = 0; c < WIDTH; c++) {
        x[c] = c % 3 == 0 ? -2 : c % 3 == 1 ? 3 : (real)0.5;
        x[WIDTH + c] = c % 3 == 0 ? 0 : c % 3 == 1 ? 1 : (real)0.5;
    }
    assert_int_equal(ph_model_apply(m, "encode", x, 2, z), PH_OK);
    assert_memory_equal(z, z + CODE, CODE * sizeof *z);
    ph_model_free(m);
    ph_data_close(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_at_their_minimum),
        cmocka_unit_test(the_loss_has_its_derivative),
        cmocka_unit_test(training_goes_down),
        cmocka_unit_test(logits_of_low_rank_come_back),
        cmocka_unit_test(the_first_steps_are_numpys),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(rows_beyond_are_taken_for_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
