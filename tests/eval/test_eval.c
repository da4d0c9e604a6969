/* test_eval.c - each measure against an independent and slow computation, or a value known beforehand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.12g is not %.12g", a, b);
}

static uint64_t drawn;

/* In (0, 1). */
static double uniform(void)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return ((double)(drawn >> 33) + 0.5) / 2147483648.0;
}

static double normal(void)
{
    double radius = sqrt(-2 * log(uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

static ph_data *set_of(const real *values, size_t rows, size_t width, const uint32_t *labels)
{
    ph_data *d = ph_data_from_memory(values, rows, width, labels);
    assert_non_null(d);
    return d;
}

/* Normal rows about `classes` centres, which are `apart` from each other, plus `offset`. */
static ph_data *clouds(size_t rows, size_t width, uint32_t classes, double apart, double offset)
{
    real *x = malloc(rows * width * sizeof *x);
    uint32_t *labels = malloc(rows * sizeof *labels);
    for (size_t r = 0; r < rows; r++) {
        labels[r] = (uint32_t)(uniform() * classes);
        for (size_t c = 0; c < width; c++)
            x[r * width + c] = (real)(offset + normal() + (c % classes == labels[r] ? apart : 0));
    }
    ph_data *d = set_of(x, rows, width, labels);
    free(x);
    free(labels);
    return d;
}

/* ---- Structural similarity ------------------------------------------------------------------- */

/* As in the paper: a window of two dimensions at each place, sums of weighted differences. */
static double slow_ssim(const real *x, const real *y, size_t height, size_t width, size_t channels,
                        double white)
{
    double sum = 0, count = 0, weight[11][11], all = 0;
    for (int i = 0; i < 11; i++)
        for (int j = 0; j < 11; j++)
            all += weight[i][j] = exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
    for (size_t c = 0; c < channels; c++)
        for (size_t top = 0; top + 11 <= height; top++)
            for (size_t left = 0; left + 11 <= width; left++) {
                double mx = 0, my = 0, sxx = 0, syy = 0, sxy = 0;
                for (int again = 0; again < 2; again++)
                    for (size_t i = 0; i < 11; i++)
                        for (size_t j = 0; j < 11; j++) {
                            size_t at = ((top + i) * width + left + j) * channels + c;
                            double w = weight[i][j] / all, a = (double)x[at], b = (double)y[at];
                            mx += again ? 0 : w * a;
                            my += again ? 0 : w * b;
                            sxx += again ? w * (a - mx) * (a - mx) : 0;
                            syy += again ? w * (b - my) * (b - my) : 0;
                            sxy += again ? w * (a - mx) * (b - my) : 0;
                        }
                double c1 = 0.0001 * white * white, c2 = 0.0009 * white * white;
                sum += (2 * mx * my + c1) * (2 * sxy + c2) /
                       ((mx * mx + my * my + c1) * (sxx + syy + c2));
                count++;
            }
    return sum / count;
}

static void ssim_is_what_the_paper_says(void **state)
{
    (void)state;
    static const ph_ssim_desc kinds[] = { { 28, 28, 1, 255 }, { 11, 11, 1, 1 }, { 13, 17, 3, 255 } };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        enum { ROWS = 5 };
        const ph_ssim_desc *d = &kinds[k];
        size_t size = d->height * d->width * d->channels;
        real *x = malloc(ROWS * size * sizeof *x), *y = malloc(ROWS * size * sizeof *y);
        double out[ROWS];
        for (size_t i = 0; i < ROWS * size; i++) {
            x[i] = (real)(d->white * uniform());
            y[i] = (real)((double)x[i] * 0.7 + 0.3 * d->white * uniform());
        }
        assert_int_equal(ph_ssim(d, x, x, ROWS, out), PH_OK);
        for (size_t r = 0; r < ROWS; r++)
            assert_near(out[r], 1, 1e-12);
        assert_int_equal(ph_ssim(d, x, y, ROWS, out), PH_OK);
        for (size_t r = 0; r < ROWS; r++) {
            double slow = slow_ssim(x + r * size, y + r * size, d->height, d->width, d->channels,
                                    d->white);
            assert_near(out[r], slow, 1e-10);
            assert_true(out[r] < 0.99);
        }
        free(x);
        free(y);
    }
}

/* ---- Neighbours and probes ------------------------------------------------------------------- */

static double slow_neighbours(const ph_data *train, const ph_data *test, size_t k)
{
    size_t w = train->width, hits = 0;
    real *a = malloc(w * sizeof *a), *b = malloc(train->rows * w * sizeof *b);
    double *distance = malloc(train->rows * sizeof *distance);
    for (size_t i = 0; i < train->rows; i++)
        assert_int_equal(ph_data_read(train, &i, 1, b + i * w), PH_OK);
    for (size_t r = 0; r < test->rows; r++) {
        size_t near[10];
        assert_int_equal(ph_data_read(test, &r, 1, a), PH_OK);
        for (size_t i = 0; i < train->rows; i++) {
            distance[i] = 0;
            for (size_t c = 0; c < w; c++)
                distance[i] += pow((double)a[c] - (double)b[i * w + c], 2);
        }
        for (size_t n = 0; n < k; n++) {
            near[n] = 0;
            for (size_t i = 0; i < train->rows; i++)
                near[n] = distance[i] < distance[near[n]] ? i : near[n];
            distance[near[n]] = INFINITY;
        }
        uint32_t best = 0;
        for (size_t n = 0, most = 0; n < k; n++) {
            size_t votes = 0;
            for (size_t o = 0; o < k; o++)
                votes += train->labels[near[o]] == train->labels[near[n]];
            if (votes > most) {
                most = votes;
                best = train->labels[near[n]];
            }
        }
        hits += best == test->labels[r];
    }
    free(a);
    free(b);
    free(distance);
    return (double)hits / (double)test->rows;
}

static void neighbours_are_the_nearest(void **state)
{
    (void)state;
    static const struct { size_t train, test, width; double offset; } kinds[] = {
        { 300, 100, 7, 0 }, { 2500, 130, 3, 1000 }, { 1025, 65, 90, -5 }, { 12, 9, 1, 0 },
    };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        double found[2];
        ph_data *train = clouds(kinds[k].train, kinds[k].width, 4, 1.5, kinds[k].offset);
        ph_data *test = clouds(kinds[k].test, kinds[k].width, 4, 1.5, kinds[k].offset);
        assert_int_equal(ph_neighbours(train, test, &ph_scaling_none, (size_t[]){ 1, 10 }, 2, found),
                         PH_OK);
        assert_near(found[0], slow_neighbours(train, test, 1), 1e-12);
        assert_near(found[1], slow_neighbours(train, test, 10), 1e-12);
        ph_data_close(train);
        ph_data_close(test);
    }
}

static void a_row_is_its_own_neighbour(void **state)
{
    (void)state;
    double found;
    ph_data *d = clouds(500, 5, 3, 0, 0);
    assert_int_equal(ph_neighbours(d, d, &ph_scaling_none, (size_t[]){ 1 }, 1, &found), PH_OK);
    assert_near(found, 1, 0);
    ph_data_close(d);
}

static void a_probe_separates(void **state)
{
    (void)state;
    static const struct { const char *hidden; double apart, least, most; } kinds[] = {
        { "none", 20, 1, 1 }, { "16,8", 20, 1, 1 }, { "none", 0, 0.1, 0.5 },
    };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        double share;
        ph_data *train = clouds(400, 6, 4, kinds[k].apart, 3), *test = clouds(200, 6, 4,
                                                                            kinds[k].apart, 3);
        const ph_classifier_desc desc = { .hidden = kinds[k].hidden, .scaling = "standardise",
                                          .missing = "refuse", .lr = 0.01, .l2 = 1e-4,
                                          .least_steps = 1000 };
        ph_classifier *c = ph_classifier_train(train, &desc), *same = ph_classifier_train(train, &desc);
        assert_true(c && same);
        assert_int_equal(ph_classifier_accuracy(c, test, &share), PH_OK);
        assert_true(share >= kinds[k].least && share <= kinds[k].most);
        assert_true(ph_classifier_hash(c) == ph_classifier_hash(same));
        ph_classifier_free(c);
        ph_classifier_free(same);
        ph_data_close(train);
        ph_data_close(test);
    }
}

/* The gradient of the objective, computed here, is zero where the probe has ended. */
static void a_probe_ends_at_the_optimum(void **state)
{
    (void)state;
    enum { ROWS = 300, WIDTH = 3, CLASSES = 2 };
    ph_data *d = clouds(ROWS, WIDTH, CLASSES, 1, 0);
    ph_classifier *c = ph_classifier_train(d, &(ph_classifier_desc){
        .hidden = "none", .scaling = "none", .missing = "refuse", .lr = 0.01, .l2 = 1e-4,
        .least_steps = 3000 });
    ph_data *log_p = ph_classifier_apply(c, "log-p", d);
    assert_non_null(log_p);
    double gradient[WIDTH][CLASSES] = { { 0 } };
    for (size_t r = 0; r < ROWS; r++) {
        real x[WIDTH], l[CLASSES];
        assert_int_equal(ph_data_read(d, &r, 1, x), PH_OK);
        assert_int_equal(ph_data_read(log_p, &r, 1, l), PH_OK);
        for (size_t k = 0; k < CLASSES; k++)
            for (size_t i = 0; i < WIDTH; i++)
                gradient[i][k] += (exp((double)l[k]) - (d->labels[r] == k)) * (double)x[i] / ROWS;
    }
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t k = 0; k < CLASSES; k++)
            assert_near(gradient[i][k], 0, 5e-3);
    ph_data_close(log_p);
    ph_data_close(d);
    ph_classifier_free(c);
}

static void labels_are_needed(void **state)
{
    (void)state;
    real x[40] = { 0 }, out[8];
    uint32_t labels[10] = { 0, 1, 2, 3 };
    ph_data *bare = set_of(x, 10, 4, NULL), *labelled = set_of(x, 10, 4, labels);
    assert_null(ph_classifier_train(bare, &(ph_classifier_desc){ .hidden = "none" }));
    assert_int_equal(ph_last_status(), PH_USAGE);
    assert_int_equal(ph_fetch_labels(bare, (size_t[]){ 0 }, 1, 4, out), PH_DATA);
    assert_int_equal(ph_fetch_labels(labelled, (size_t[]){ 0, 3 }, 2, 3, out), PH_DATA);
    assert_int_equal(ph_fetch_labels(labelled, (size_t[]){ 0, 3 }, 2, 4, out), PH_OK);
    assert_memory_equal(out, ((real[]){ 1, 0, 0, 0, 0, 0, 0, 1 }), sizeof out);
    ph_data_close(bare);
    ph_data_close(labelled);
}

/* ---- Generated rows -------------------------------------------------------------------------- */

/* Two dimensions have a closed form: tr (S1 S2)^1/2 = sqrt(tr S1 S2 + 2 sqrt(det S1 S2)). */
static void frechet_of_two_clouds(void **state)
{
    (void)state;
    enum { ROWS = 2000 };
    static real x[2][ROWS * 2];
    double mean[2][2] = { { 0 } }, s[2][3] = { { 0 } }, found;
    for (int i = 0; i < 2; i++)
        for (size_t r = 0; r < ROWS; r++) {
            double a = normal(), b = normal();
            x[i][2 * r] = (real)(i ? 3 + a - 2 * b : a);
            x[i][2 * r + 1] = (real)(i ? 0.5 * b - 4 : 3 * b + a);
            mean[i][0] += (double)x[i][2 * r] / ROWS;
            mean[i][1] += (double)x[i][2 * r + 1] / ROWS;
        }
    for (int i = 0; i < 2; i++)
        for (size_t r = 0; r < ROWS; r++) {
            double a = (double)x[i][2 * r] - mean[i][0], b = (double)x[i][2 * r + 1] - mean[i][1];
            s[i][0] += a * a / (ROWS - 1);
            s[i][1] += a * b / (ROWS - 1);
            s[i][2] += b * b / (ROWS - 1);
        }
    double trace = s[0][0] * s[1][0] + 2 * s[0][1] * s[1][1] + s[0][2] * s[1][2];
    double det = (s[0][0] * s[0][2] - s[0][1] * s[0][1]) * (s[1][0] * s[1][2] - s[1][1] * s[1][1]);
    double distance = pow(mean[0][0] - mean[1][0], 2) + pow(mean[0][1] - mean[1][1], 2) + s[0][0] +
                      s[0][2] + s[1][0] + s[1][2] - 2 * sqrt(trace + 2 * sqrt(det));
    ph_data *a = set_of(x[0], ROWS, 2, NULL), *b = set_of(x[1], ROWS, 2, NULL);
    assert_int_equal(ph_frechet(a, b, &found), PH_OK);
    assert_near(found, distance, 1e-5 * distance);
    assert_int_equal(ph_frechet(b, a, &found), PH_OK);
    assert_near(found, distance, 1e-5 * distance);
    ph_data_close(a);
    ph_data_close(b);
}

/* Along the axes covariances commute: the sum of squared differences of deviations. */
static void frechet_of_known_moments(void **state)
{
    (void)state;
    const real x[] = { 1, 0, -1, 0, 0, 2, 0, -2 }, y[] = { 5, 4, 1, 4, 3, 5, 3, 3 };
    double found, a = sqrt(2.0 / 3), b = sqrt(8.0 / 3);
    ph_data *one = set_of(x, 4, 2, NULL), *other = set_of(y, 4, 2, NULL);
    assert_int_equal(ph_frechet(one, other, &found), PH_OK);
    assert_near(found, 25 + (a - b) * (a - b) + (b - a) * (b - a), 1e-5);
    ph_data *narrow = set_of(x, 8, 1, NULL), *single = set_of(x, 1, 2, NULL);
    assert_int_equal(ph_frechet(one, narrow, &found), PH_DATA);
    assert_int_equal(ph_frechet(one, single, &found), PH_DATA);
    ph_data_close(one);
    ph_data_close(other);
    ph_data_close(narrow);
    ph_data_close(single);
}

/* Also where there are fewer rows than columns, so that most eigenvalues are zero. */
static void frechet_to_itself_is_zero(void **state)
{
    (void)state;
    for (size_t rows = 20; rows <= 500; rows *= 5) {
        ph_data *d = clouds(rows, 64, 3, 2, 10);
        double found, trace = 0;
        ph_column column[64];
        assert_int_equal(ph_data_survey(d, column), PH_OK);
        for (size_t c = 0; c < 64; c++)
            trace += column[c].deviation * column[c].deviation;
        assert_int_equal(ph_frechet(d, d, &found), PH_OK);
        assert_near(found, 0, 1e-6 * trace);
        ph_data_close(d);
    }
}

static void inception_scores(void **state)
{
    (void)state;
    enum { ROWS = 400, CLASSES = 5 };
    static real sure[ROWS * CLASSES], unsure[ROWS * CLASSES], mixed[ROWS * CLASSES];
    double mean, deviation, expected = 0;
    for (size_t r = 0; r < ROWS; r++) {
        double sum = 0, p[CLASSES];
        for (size_t c = 0; c < CLASSES; c++)
            sum += p[c] = uniform() * uniform();
        for (size_t c = 0; c < CLASSES; c++) {
            sure[r * CLASSES + c] = r / 10 % CLASSES == c ? 0 : -1000;
            unsure[r * CLASSES + c] = (real)log(1.0 / CLASSES);
            mixed[r * CLASSES + c] = (real)log(p[c] / sum);
        }
    }
    for (size_t part = 0; part < 10; part++) {
        double marginal[CLASSES] = { 0 }, kl = 0;
        for (size_t r = part; r < ROWS; r += 10)
            for (size_t c = 0; c < CLASSES; c++)
                marginal[c] += exp((double)mixed[r * CLASSES + c]) / (ROWS / 10);
        for (size_t r = part; r < ROWS; r += 10)
            for (size_t c = 0; c < CLASSES; c++) {
                double p = exp((double)mixed[r * CLASSES + c]);
                kl += p * log(p / marginal[c]) / (ROWS / 10);
            }
        expected += exp(kl) / 10;
    }
    ph_data *d[3] = { set_of(sure, ROWS, CLASSES, NULL), set_of(unsure, ROWS, CLASSES, NULL),
                      set_of(mixed, ROWS, CLASSES, NULL) };
    const double score[3] = { CLASSES, 1, expected };
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ph_inception_score(d[i], &mean, &deviation), PH_OK);
        assert_near(mean, score[i], 1e-5);
        assert_true(i == 2 ? deviation > 0 : deviation < 1e-5);
        ph_data_close(d[i]);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static ph_model *pca_of(const ph_data *d, const char *n)
{
    ph_settings *s = ph_settings_new();
    ph_settings_set(s, "latent-dim", n);
    ph_model *m = ph_model_new("pca", d, s);
    ph_settings_free(s);
    if (m == NULL || ph_train(m, d, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    return m;
}

static double figure(const ph_figures *f, const char *name)
{
    double value = ph_figure_get(f, name);
    if (isnan(value))
        fail_msg("there is no %s", name);
    return value;
}

/* The Parzen estimate of rows beyond a block of draws, by its definition. */
static void parzen_by_definition(void **state)
{
    (void)state;
    enum { W = 5, ROWS = 70, DRAWS = 1500 };
    static real codes[DRAWS * 2], draw[DRAWS * W], x[W];
    ph_data *fit = clouds(300, W, 3, 2, 0), *test = clouds(ROWS, W, 3, 2, 0);
    ph_settings *s = ph_settings_new();
    const char *options[][2] = { { "latent-dim", "2" }, { "hidden", "8" }, { "scaling", "none" },
                                 { "epochs", "3" }, { "likelihood", "gaussian" } };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(ph_settings_set(s, options[i][0], options[i][1]), PH_OK);
    ph_model *m = ph_model_new("vae", fit, s);
    assert_non_null(m);
    assert_int_equal(ph_train(m, fit, NULL), PH_OK);
    ph_figures f;
    ph_measures asked = { .training = fit, .parzen_draws = DRAWS };
    assert_int_equal(ph_model_measure(m, test, &asked, &f), PH_OK);
    double deviation = figure(&f, "parzen_deviation"), best[3] = { 0 };
    assert_int_equal(ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 1 }, 0, DRAWS, codes), PH_OK);
    assert_int_equal(ph_model_apply(m, "decode", codes, DRAWS, draw), PH_OK);
    for (int step = -1; step < 3; step++) { /* -1: the figure; then the rungs about the one it chose */
        const ph_data *rows = step < 0 ? test : fit;
        double mean = 0, square = 0, wide = deviation * pow(10, step < 0 ? 0 : (step - 1) * 0.05);
        for (size_t r = 0; r < rows->rows; r++) {
            double p = 0;
            assert_int_equal(ph_data_read(rows, &r, 1, x), PH_OK);
            for (size_t k = 0; k < DRAWS; k++) {
                double d = 0;
                for (size_t c = 0; c < W; c++)
                    d += pow((double)x[c] - (double)draw[k * W + c], 2);
                p += exp(-d / (2 * wide * wide)) / DRAWS;
            }
            p = log(p) - W / 2.0 * log(6.283185307179586 * wide * wide);
            mean += p / (double)rows->rows;
            square += p * p / (double)rows->rows;
        }
        if (step >= 0) {
            best[step] = mean;
            continue;
        }
        assert_near(figure(&f, "parzen"), mean, 1e-4 * fabs(mean));
        assert_near(figure(&f, "parzen_se"), sqrt((square - mean * mean) / (ROWS - 1)), 1e-4);
    }
    assert_true(best[1] >= best[0] && best[1] >= best[2]);
    ph_model *pca = pca_of(fit, "2");
    assert_int_equal(ph_model_measure(pca, test, &asked, &f), PH_USAGE);
    assert_non_null(strstr(ph_message(), "no prior"));
    ph_model_free(pca);
    ph_model_free(m);
    ph_settings_free(s);
    ph_data_close(fit);
    ph_data_close(test);
}

static ph_model *aae_of(const ph_data *d, const char *option, const char *value)
{
    static const char *const own[][2] = { { "hidden", "24" }, { "latent-dim", "1" }, { "epochs", "30" },
                                          { "batch-size", "50" }, { "lr", "0.005" } };
    ph_settings *s = ph_settings_new();
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        assert_int_equal(ph_settings_set(s, own[i][0], own[i][1]), PH_OK);
    assert_int_equal(ph_settings_set(s, option, value), PH_OK);
    ph_model *m = ph_model_new("aae", d, s);
    ph_settings_free(s);
    if (m == NULL || ph_train(m, d, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    return m;
}

/* A decoder that is told the class gives rows of it; one that does not listen would have a third. */
static void samples_of_their_class(void **state)
{
    (void)state;
    ph_data *fit = clouds(600, 6, 3, 3, 0), *test = clouds(300, 6, 3, 3, 0);
    ph_figures f;
    ph_measures asked = { .training = fit, .classifier = true };
    ph_model *told = aae_of(fit, "labels", "all");
    assert_int_equal(ph_model_measure(told, test, &asked, &f), PH_OK);
    assert_true(figure(&f, "classifier_accuracy") > 0.9);
    assert_true(figure(&f, "samples_right") > 0.9);
    ph_model_free(told);
    ph_data_close(fit);
    ph_data_close(test);
}

/* Codes through bytes, rounded here, decoded by the model; PCA beside PCA is itself. */
static void codes_as_bytes(void **state)
{
    (void)state;
    enum { N = 6, ROWS = 200, TRAIN = 500 };
    ph_data *train = ph_data_open("glyphs:train", NULL), *fit = ph_data_slice(train, 0, TRAIN);
    ph_data *test = ph_data_open("glyphs:test", NULL), *rows = ph_data_slice(test, 0, ROWS);
    ph_model *m = pca_of(fit, "6");
    static real own[TRAIN * N], code[ROWS * N], back[ROWS * 784], x[784];
    ph_figures f;
    assert_int_equal(ph_model_measure(m, rows, &(ph_measures){ .training = fit, .code_size = true },
                                      &f), PH_OK);
    assert_int_equal(ph_model_apply_data(m, "encode", fit, 0, TRAIN, own), PH_OK);
    assert_int_equal(ph_model_apply_data(m, "encode", rows, 0, ROWS, code), PH_OK);
    for (size_t c = 0; c < N; c++) {
        double low = (double)own[c], high = low;
        for (size_t r = 0; r < TRAIN; r++) {
            low = fmin(low, (double)own[r * N + c]);
            high = fmax(high, (double)own[r * N + c]);
        }
        for (size_t r = 0; r < ROWS; r++) {
            double byte = round(((double)code[r * N + c] - low) / (high - low) * 255);
            code[r * N + c] = (real)(low + fmin(fmax(byte, 0), 255) / 255 * (high - low));
        }
    }
    assert_int_equal(ph_model_apply(m, "decode", code, ROWS, back), PH_OK);
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++) {
        assert_int_equal(ph_data_read(rows, &r, 1, x), PH_OK);
        for (size_t c = 0; c < 784; c++)
            sum += pow(((double)x[c] - (double)back[r * 784 + c]) / 255, 2);
    }
    assert_near(figure(&f, "psnr_8bit"), -10 * log10(sum / ROWS / 784), 1e-3);
    assert_near(figure(&f, "psnr_float"), figure(&f, "psnr"), 1e-4);
    assert_near(figure(&f, "pca_psnr"), figure(&f, "psnr"), 1e-4);
    assert_near(figure(&f, "pca_psnr_8bit"), figure(&f, "psnr_8bit"), 1e-3);
    assert_true(figure(&f, "code_bytes") == 24 && figure(&f, "code_bytes_8bit") == 6);
    ph_model_free(m);
    ph_data_close(rows);
    ph_data_close(test);
    ph_data_close(fit);
    ph_data_close(train);
}

/* What every model is told of pictures: the mean of slow ssim, the error over the variance. */
static void pictures_have_ssim(void **state)
{
    (void)state;
    enum { ROWS = 60 };
    ph_data *all = ph_data_open("glyphs:test", NULL), *d = ph_data_slice(all, 0, ROWS);
    ph_model *m = pca_of(d, "4");
    static real x[ROWS * 784], y[ROWS * 784];
    ph_figures f;
    assert_int_equal(ph_model_measure(m, d, NULL, &f), PH_OK);
    assert_int_equal(ph_model_apply_data(m, "reconstruct", d, 0, ROWS, y), PH_OK);
    double ssim = 0, error = 0, variance = 0;
    for (size_t r = 0; r < ROWS; r++) {
        assert_int_equal(ph_data_read(d, &r, 1, x + r * 784), PH_OK);
        ssim += slow_ssim(x + r * 784, y + r * 784, 28, 28, 1, 255) / ROWS;
    }
    for (size_t c = 0; c < 784; c++) {
        double mean = 0;
        for (size_t r = 0; r < ROWS; r++)
            mean += (double)x[r * 784 + c] / ROWS;
        for (size_t r = 0; r < ROWS; r++) {
            variance += pow((double)x[r * 784 + c] - mean, 2);
            error += pow((double)x[r * 784 + c] - (double)y[r * 784 + c], 2);
        }
    }
    assert_near(figure(&f, "ssim"), ssim, 1e-6);
    assert_near(figure(&f, "relative_error"), error / variance, 1e-5);
    ph_model_free(m);
    ph_data_close(d);
    ph_data_close(all);
}

/* Without a training part a fifth of the rows is measured; every figure says so. */
static void a_set_without_parts_is_split(void **state)
{
    (void)state;
    ph_data *d = clouds(600, 8, 4, 20, 0), *bare = clouds(50, 8, 4, 0, 0), *few = ph_data_slice(d, 0, 4);
    ph_model *m = pca_of(d, "4");
    const ph_measures asked = { .probe = true, .classifier = true, .code_size = true };
    ph_figures f;
    assert_int_equal(ph_model_measure(m, d, &asked, &f), PH_OK);
    static const char *const right[] = { "probe_accuracy", "knn_1", "knn_10", "rows_probe_accuracy",
                                         "rows_knn_1", "rows_knn_10", "classifier_accuracy" };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_near(figure(&f, right[i]), 1, 0.02);
    assert_near(figure(&f, "inception_real"), 4, 0.6);
    assert_near(figure(&f, "inception_rec"), 4, 0.6);
    assert_true(figure(&f, "frechet_floor") > 0 && figure(&f, "frechet_rec") > 0);
    /* The codes are clouds, too: ten Gaussians follow them, one standard normal does not. */
    assert_true(figure(&f, "frechet_mixture") < 0.5 * figure(&f, "frechet_normal"));
    assert_true(isnan(ph_figure_get(&f, "frechet_samples")));
    assert_true(figure(&f, "mse_8bit") >= figure(&f, "mse_float"));
    assert_true(isnan(ph_figure_get(&f, "ssim")) && isnan(ph_figure_get(&f, "psnr_8bit")));
    for (size_t i = 0; i < f.count; i++) {
        assert_true(strlen(f.at[i].unit) > 8);
        if (strcmp(f.at[i].name, "knn_1") == 0)
            assert_non_null(strstr(f.at[i].unit, "a fifth of the rows"));
    }
    assert_int_equal(ph_model_measure(m, few, &asked, &f), PH_USAGE);
    ph_data *unlabelled = ph_data_compute("bare", 0, 8, NULL, NULL, NULL);
    assert_null(unlabelled);
    free(bare->labels);
    bare->labels = NULL;
    assert_int_equal(ph_model_measure(m, bare, &asked, &f), PH_USAGE);
    assert_non_null(strstr(ph_message(), "labels"));
    ph_model_free(m);
    ph_data_close(few);
    ph_data_close(bare);
    ph_data_close(d);
}

/* Of four clouds far apart ten labelled rows each are enough; a draw is the same by its seed. More than there are
 * are refused, and fewer than classes. */
static void a_probe_of_few_labels(void **state)
{
    (void)state;
    ph_data *train = clouds(500, 8, 4, 40, 0), *test = clouds(100, 8, 4, 40, 0);
    ph_model *m = pca_of(train, "6");
    ph_figures f, again, other;
    ph_measures asked = { .probe = true, .training = train, .probe_labels = 40, .probe_seed = 3 };
    assert_int_equal(ph_model_measure(m, test, &asked, &f), PH_OK);
    assert_int_equal(ph_model_measure(m, test, &asked, &again), PH_OK);
    assert_near(figure(&f, "probe_accuracy"), 1, 0.02);
    assert_near(figure(&f, "rows_knn_1"), 1, 0.02);
    assert_near(figure(&f, "probe_accuracy"), figure(&again, "probe_accuracy"), 0);
    for (size_t i = 0; i < f.count; i++)
        if (strcmp(f.at[i].name, "probe_accuracy") == 0)
            assert_non_null(strstr(f.at[i].unit, "the training part, with 40 of their labels, drawn by seed 3"));
    asked.probe_labels = 3;
    assert_int_equal(ph_model_measure(m, test, &asked, &other), PH_USAGE);
    assert_non_null(strstr(ph_message(), "3 labels are fewer than the 4 classes"));
    asked.probe_labels = 501;
    assert_int_equal(ph_model_measure(m, test, &asked, &other), PH_USAGE);
    assert_non_null(strstr(ph_message(), "501 labelled rows are wanted"));
    ph_model_free(m);
    ph_data_close(train);
    ph_data_close(test);
}

static void picked_rows(void **state)
{
    (void)state;
    ph_data *all = ph_data_open("glyphs:test", NULL), *part = ph_data_slice(all, 100, 50);
    const size_t index[] = { 7, 0, 49, 7 };
    ph_data *d = ph_data_pick(part, index, 4, PH_MEMORY_LIMIT);
    assert_non_null(d);
    assert_true(d->rows == 4 && d->rank == 2 && ph_data_white(d) == 255);
    for (size_t i = 0; i < 4; i++) {
        real x[784], y[784];
        assert_int_equal(ph_data_read(part, &index[i], 1, x), PH_OK);
        assert_int_equal(ph_data_read(d, &i, 1, y), PH_OK);
        assert_memory_equal(x, y, sizeof x);
        assert_int_equal(ph_data_labels(d)[i], ph_data_labels(part)[index[i]]);
    }
    ph_data_close(d);
    ph_data_close(part);
    ph_data_close(all);
}

/* Samples of PCA: codes of mean 0 and variance 1 through the decoder and back. */
static void samples_are_normal(void **state)
{
    (void)state;
    enum { ROWS = 4000 };
    ph_data *d = clouds(200, 8, 4, 3, 0);
    ph_model *m = pca_of(d, "3");
    ph_data *rows = ph_samples(m, "normal", ROWS, 1), *codes = ph_results(m, "encode", rows);
    ph_column column[3];
    assert_int_equal(ph_data_survey(codes, column), PH_OK);
    for (size_t c = 0; c < 3; c++) {
        assert_near(column[c].mean, 0, 4 / sqrt(ROWS));
        assert_near(column[c].deviation, 1, 4 / sqrt(2 * ROWS));
    }
    ph_data_close(codes);
    ph_data_close(rows);
    ph_data_close(d);
    ph_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parzen_by_definition), cmocka_unit_test(samples_of_their_class),
        cmocka_unit_test(ssim_is_what_the_paper_says), cmocka_unit_test(neighbours_are_the_nearest),
        cmocka_unit_test(a_row_is_its_own_neighbour), cmocka_unit_test(a_probe_separates),
        cmocka_unit_test(a_probe_ends_at_the_optimum), cmocka_unit_test(labels_are_needed),
        cmocka_unit_test(frechet_of_two_clouds), cmocka_unit_test(frechet_of_known_moments),
        cmocka_unit_test(frechet_to_itself_is_zero), cmocka_unit_test(inception_scores),
        cmocka_unit_test(codes_as_bytes), cmocka_unit_test(pictures_have_ssim),
        cmocka_unit_test(a_set_without_parts_is_split), cmocka_unit_test(a_probe_of_few_labels), cmocka_unit_test(picked_rows),
        cmocka_unit_test(samples_are_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
