/* test_scores.c - how odd rows are, against the formulas written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pinhole.h>

enum { HEIGHT = 5, WIDTH = 7, CHANNELS = 3, PIXELS = HEIGHT * WIDTH, ROW = PIXELS * CHANNELS, ROWS = 61, CODE = 3 };

static double random_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) / 16777216.0;
}

/* Pictures from 0 to 1 that vary in a few ways. */
static ph_data *make_pictures(uint32_t seed, size_t rows)
{
    ph_real *values = malloc(rows * ROW * sizeof *values);
    for (size_t r = 0; r < rows; r++) {
        double a = random_number(&seed), b = random_number(&seed);
        for (size_t i = 0; i < ROW; i++)
            values[r * ROW + i] = (ph_real)(0.4 * a * (double)(i % 5) / 4 + 0.4 * b * (double)(i % 3) / 2 +
                                            0.2 * random_number(&seed));
    }
    ph_data *d = ph_data_from_memory(values, rows, ROW, NULL);
    assert_int_equal(ph_data_set_shape(d, 3, (const size_t[]){ HEIGHT, WIDTH, CHANNELS }), PH_OK);
    free(values);
    return d;
}

static ph_model *train(const char *family, const ph_data *d, const char *const *options)
{
    ph_settings *s = ph_settings_new();
    for (; *options; options += 2)
        assert_int_equal(ph_settings_set(s, options[0], options[1]), PH_OK);
    ph_model *m = ph_model_new(family, d, s);
    ph_settings_free(s);
    if (m == NULL || ph_train(m, d, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    return m;
}

/* A model, the rows that it was trained on, and others. */
typedef struct scene {
    ph_data *training, *data;
    ph_model *model;
} scene;

static scene set_up(void)
{
    scene s = { .training = make_pictures(3, 200), .data = make_pictures(5, ROWS) };
    s.model = train("ae", s.training, (const char *const[]){
        "hidden", "none", "latent-dim", "3", "epochs", "20", "scaling", "none", "loss", "mse", "lr", "0.01", NULL });
    return s;
}

static void tear_down(scene *s)
{
    ph_model_free(s->model);
    ph_data_close(s->data);
    ph_data_close(s->training);
}

static double *scores_of(const scene *s, const ph_data *data, const char *score, double share, double *threshold)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    double *out = malloc(info.rows * sizeof *out);
    if (ph_model_score(s->model, data, &(ph_score_desc){ .score = score, .training = s->training, .share = share },
                       out, threshold) != PH_OK)
        fail_msg("%s", ph_message());
    return out;
}

/* The squared difference of a pixel, mean over its channels. */
static void naive_map(const scene *s, size_t row, double map[PIXELS])
{
    ph_real x[ROW], y[ROW];
    assert_int_equal(ph_data_read(s->data, &row, 1, x), PH_OK);
    assert_int_equal(ph_model_apply(s->model, "reconstruct", x, 1, y), PH_OK);
    for (size_t p = 0; p < PIXELS; p++) {
        map[p] = 0;
        for (size_t c = 0; c < CHANNELS; c++)
            map[p] += pow((double)x[p * CHANNELS + c] - (double)y[p * CHANNELS + c], 2) / CHANNELS;
    }
}

static void errors_and_blurred_errors(void **state)
{
    (void)state;
    scene s = set_up();
    static const struct { const char *text; double deviation; } blurs[] = {
        { "blurred:1", 1 }, { "blurred:0.4", 0.4 }, { "blurred:9", 9 }, { "blurred:0", 0 } };
    double *error = scores_of(&s, s.data, NULL, 1, NULL);
    for (size_t b = 0; b < 4; b++) {
        double *blurred = scores_of(&s, s.data, blurs[b].text, 1, NULL), d = blurs[b].deviation;
        for (size_t r = 0; r < ROWS; r++) {
            double map[PIXELS], most = 0, mean = 0;
            naive_map(&s, r, map);
            for (int at = 0; at < PIXELS; at++) {
                double sum = 0, weights = 0;
                mean += map[at] / PIXELS;
                for (int p = 0; p < PIXELS; p++) {
                    int dy = p / WIDTH - at / WIDTH, dx = p % WIDTH - at % WIDTH;
                    bool near = abs(dy) <= ceil(3 * d) && abs(dx) <= ceil(3 * d);
                    double w = !near ? 0 : dx == 0 && dy == 0 ? 1 : exp(-(dx * dx + dy * dy) / (2 * d * d));
                    sum += w * map[p];
                    weights += w;
                }
                most = fmax(most, sum / weights);
            }
            assert_true(fabs(error[r] - mean) < 1e-6 * (1 + mean));
            assert_true(fabs(blurred[r] - most) < 1e-5 * (1 + most));
        }
        free(blurred);
    }
    free(error);
    tear_down(&s);
}

/* Solves a x = b by elimination; a is symmetric and positive. */
static void solve(double a[CODE][CODE], double b[CODE])
{
    for (int k = 0; k < CODE; k++)
        for (int i = 0; i < CODE; i++) {
            double share = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = 0; j < CODE; j++)
                a[i][j] -= share * a[k][j];
            b[i] -= share * b[k];
        }
    for (int i = 0; i < CODE; i++)
        b[i] /= a[i][i];
}

static void distances_of_codes(void **state)
{
    (void)state;
    scene s = set_up();
    enum { TRAINING = 200 };
    ph_real code[TRAINING * CODE], other[ROWS * CODE];
    assert_int_equal(ph_model_apply_data(s.model, "encode", s.training, 0, TRAINING, code), PH_OK);
    assert_int_equal(ph_model_apply_data(s.model, "encode", s.data, 0, ROWS, other), PH_OK);
    double mean[CODE] = { 0 }, covariance[CODE][CODE] = { { 0 } }, sum = 0;
    for (int r = 0; r < TRAINING; r++)
        for (int i = 0; i < CODE; i++)
            mean[i] += (double)code[r * CODE + i] / TRAINING;
    for (int r = 0; r < TRAINING; r++)
        for (int i = 0; i < CODE; i++)
            for (int j = 0; j < CODE; j++)
                covariance[i][j] += ((double)code[r * CODE + i] - mean[i]) *
                                    ((double)code[r * CODE + j] - mean[j]) / TRAINING;
    double trace = covariance[0][0] + covariance[1][1] + covariance[2][2];
    for (int i = 0; i < CODE; i++)
        covariance[i][i] += 1e-4 * trace / CODE;
    double threshold, *error = scores_of(&s, s.data, "error", 1, NULL);
    double *distance = scores_of(&s, s.data, "code", 1, &threshold), *both = scores_of(&s, s.data, "both", 1, NULL);
    double *normal = scores_of(&s, s.training, "error", 1, NULL), *near = scores_of(&s, s.training, "code", 1, NULL);
    double mean_error = 0, most = 0;
    for (int r = 0; r < TRAINING; r++) {
        mean_error += normal[r] / TRAINING;
        sum += near[r] / TRAINING;
        most = fmax(most, near[r]);
    }
    assert_true(fabs(sum - 1) < 0.01 && most == threshold);
    for (int r = 0; r < ROWS; r++) {
        double a[CODE][CODE], off[CODE], solved[CODE], d = 0;
        memcpy(a, covariance, sizeof a);
        for (int i = 0; i < CODE; i++)
            solved[i] = off[i] = (double)other[r * CODE + i] - mean[i];
        solve(a, solved);
        for (int i = 0; i < CODE; i++)
            d += off[i] * solved[i] / CODE;
        assert_true(fabs(distance[r] - d) < 1e-3 * (1 + d));
        assert_true(fabs(both[r] - (error[r] / mean_error + distance[r])) < 1e-9 * both[r]);
    }
    free(error);
    free(distance);
    free(both);
    free(normal);
    free(near);
    tear_down(&s);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The threshold is a quantile of the training rows' scores, or of what the model was calibrated on. */
static void thresholds(void **state)
{
    (void)state;
    scene s = set_up();
    double threshold, *scores = scores_of(&s, s.data, "both", 0.5, &threshold);
    free(scores);
    scores = scores_of(&s, s.training, "both", 0.5, NULL);
    qsort(scores, 200, sizeof *scores, by_value);
    assert_true(threshold == scores[99] + 0.5 * (scores[100] - scores[99]));
    free(scores);
    double out[ROWS];
    ph_score_desc alone = { .share = 0.9 };
    assert_int_equal(ph_model_score(s.model, s.data, &alone, out, &threshold), PH_OK);
    assert_true(isnan(threshold));
    assert_int_equal(ph_model_calibrate(s.model, s.training), PH_OK);
    assert_int_equal(ph_model_score(s.model, s.data, &alone, out, &threshold), PH_OK);
    assert_true(threshold == ph_model_threshold(s.model, 0.9));
    tear_down(&s);
}

/* Minus the mean over rows is the figure that the measures have. */
static void likelihoods(void **state)
{
    (void)state;
    scene s = { .data = make_pictures(5, ROWS) };
    s.model = train("vae", s.data, (const char *const[]){
        "hidden", "8", "latent-dim", "2", "epochs", "2", "scaling", "none", NULL });
    double *scores = scores_of(&s, s.data, "nll:30", 1, NULL), mean = 0;
    ph_figures figures;
    for (int r = 0; r < ROWS; r++)
        mean += scores[r] / ROWS;
    assert_int_equal(ph_model_measure(s.model, s.data, &(ph_measures){ .importance_samples = 30 }, &figures), PH_OK);
    assert_true(fabs(ph_figure_get(&figures, "nll") - mean) < 1e-9 * fabs(mean));
    free(scores);
    tear_down(&s);
}

static void assert_refused(const scene *s, const ph_score_desc *d, const char *why)
{
    double out[ROWS], threshold;
    assert_int_equal(ph_model_score(s->model, s->data, d, out, &threshold), PH_USAGE);
    if (strstr(ph_message(), why) == NULL)
        fail_msg("'%s' does not say '%s'", ph_message(), why);
}

static void refusals(void **state)
{
    (void)state;
    scene s = set_up();
    assert_refused(&s, &(ph_score_desc){ .score = "code" }, "needs the training rows");
    assert_refused(&s, &(ph_score_desc){ .score = "both" }, "needs the training rows");
    assert_refused(&s, &(ph_score_desc){ .score = "nll:10" }, "no likelihood");
    assert_refused(&s, &(ph_score_desc){ .score = "bits" }, "bits: a prior has such");
    assert_refused(&s, &(ph_score_desc){ .score = "nll:0" }, "nll:0");
    assert_refused(&s, &(ph_score_desc){ .score = "nll:2.5" }, "nll:2.5");
    assert_refused(&s, &(ph_score_desc){ .score = "blurred" }, "blurred:S");
    assert_refused(&s, &(ph_score_desc){ .score = "loudness" }, "error");
    assert_refused(&s, &(ph_score_desc){ .share = 1.5, .training = s.training }, "no share");
    ph_real line[4] = { 1, 2, 3, 4 };
    ph_data *table = ph_data_from_memory(line, 2, 2, NULL);
    ph_score_desc d = { .training = table };
    double out[ROWS];
    assert_int_equal(ph_model_score(s.model, s.data, &d, out, NULL), PH_DATA);
    ph_model_free(s.model);
    s.model = train("ae", table, (const char *const[]){ "hidden", "none", "latent-dim", "1", "epochs", "1", NULL });
    ph_data_close(s.data);
    s.data = table;
    assert_refused(&s, &(ph_score_desc){ .score = "blurred:1" }, "rows are none");
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_and_blurred_errors), cmocka_unit_test(distances_of_codes),
        cmocka_unit_test(thresholds), cmocka_unit_test(likelihoods), cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
