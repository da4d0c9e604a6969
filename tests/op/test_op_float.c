/* test_op_float.c - every op in the product build, against the same references in double; the vector
 * functions against the C library; noise. */
#include "op_table.h"

#include "base/vmath.h"

/* ---- Vector functions ------------------------------------------------------------------------------ */

static float exp_f(float x) { return ph_v_exp(x); }
static float log_f(float x) { return ph_v_log(x); }
static float log1p_f(float x) { return ph_v_log1p(x); }
static float tanh_f(float x) { return ph_v_tanh(x); }
static float erf_f(float x) { return ph_v_erf(x); }
static float sin_f(float x) { return ph_v_sin(x); }
static float cos_f(float x) { return ph_v_cos(x); }
static float sigmoid_f(float x) { return ph_v_sigmoid(x); }
static float softplus_f(float x) { return ph_v_softplus(x); }
static double sigmoid_d(double x) { return 1 / (1 + exp(-x)); }
static double softplus_d(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

/* The largest error over a dense range, in units of the last place of the result or, below `small`,
 * of a number of that size. */
static double worst(float (*f)(float), double (*exact)(double), float low, float high, float small)
{
    double most = 0;
    for (int i = 0; i <= 2000000; i++) {
        float x = low + (high - low) * (float)i / 2000000.f;
        double want = exact((double)x), size = fmax(fabs(want), (double)small);
        double unit = ldexp(0x1p-23, ilogb(size)), error = fabs((double)f(x) - want) / unit;
        most = error > most ? error : most;
    }
    return most;
}

#define assert_within(limit, ...)                                                                  \
    do {                                                                                           \
        double error = worst(__VA_ARGS__);                                                         \
        if (!(error <= (limit)))                                                                   \
            fail_msg("%s: %.2f units in the last place", #__VA_ARGS__, error);                     \
    } while (0)

static void vector_functions(void **state)
{
    (void)state;
    assert_within(2, exp_f, exp, -87, 88, 0);
    assert_within(2, log_f, log, 1e-3f, 50, 1e-6f);
    assert_within(2, log_f, log, 1e-30f, 1e-3f, 0);
    assert_within(3, log1p_f, log1p, 0, 1, 0);
    assert_within(3, tanh_f, tanh, -10, 10, 0);
    assert_within(7, erf_f, erf, -4, 4, 0.5f);
    assert_within(4, sin_f, sin, -3.14159265f, 3.14159265f, 0.25f);
    assert_within(4, cos_f, cos, -3.14159265f, 3.14159265f, 0.25f);
    assert_within(3, sigmoid_f, sigmoid_d, -80, 80, 0);
    assert_within(3, softplus_f, softplus_d, -80, 80, 0);
}

static void special_values(void **state)
{
    (void)state;
    assert_true(exp_f(-INFINITY) == 0 && exp_f(INFINITY) == INFINITY && isnan(exp_f(NAN)));
    assert_true(exp_f(0) == 1 && exp_f(200) == INFINITY && exp_f(-200) == 0);
    assert_true(exp_f(-100) > 0); /* denormal: underflow is gradual */
    assert_true(log_f(0) == -INFINITY && log_f(INFINITY) == INFINITY && isnan(log_f(-1)));
    assert_true(isnan(log_f(NAN)) && log_f(1) == 0);
    assert_true(fabs((double)log_f(1e-40f) - log(1e-40f)) < 1e-4);
    assert_true(log1p_f(0) == 0 && log1p_f(INFINITY) == INFINITY);
    assert_true(fabs((double)log1p_f(1e-10f) / 1e-10 - 1) < 1e-6);
    assert_true(tanh_f(0) == 0 && tanh_f(100) == 1 && tanh_f(-100) == -1 && isnan(tanh_f(NAN)));
    assert_true(sigmoid_f(0) == 0.5f && sigmoid_f(1000) == 1 && sigmoid_f(-1000) == 0);
    assert_true(softplus_f(1000) == 1000 && softplus_f(-1000) == 0 && isnan(softplus_f(NAN)));
    assert_true(softplus_f(INFINITY) == INFINITY);
}

/* ---- Noise -------------------------------------------------------------------------------------------- */

enum { NOISE_ROWS = 301, NOISE_COLUMNS = 200 };

typedef struct noise {
    ph_graph *graph;
    ph_node *x, *value[4];     /* normal, uniform, bernoulli, a second normal */
} noise;

static noise make_noise(uint64_t seed)
{
    noise n = { .graph = ph_graph_new(seed) };
    n.x = ph_input(n.graph, "x", 1, (size_t[]){ NOISE_COLUMNS });
    n.value[0] = ph_normal_like(n.x);
    n.value[1] = ph_uniform_like(n.x);
    n.value[2] = ph_bernoulli_like(n.x, 0.2);
    n.value[3] = ph_normal_like(n.x);
    return n;
}

static void draw(const noise *n, size_t rows, uint32_t step, int threads, real *out)
{
    ph_set_threads(threads, false);
    ph_program *p = ph_compile(n->graph, &(ph_program_desc){
        .training = true, .feeds = (ph_node *const *)&n->x, .feed_count = 1, .outputs = n->value,
        .output_count = 4, .max_rows = NOISE_ROWS });
    assert_non_null(p);
    p->noise_step = step;
    real *x = calloc(NOISE_ROWS * NOISE_COLUMNS, sizeof *x);
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, rows }, (const void *[]){ x }), PH_OK);
    for (int i = 0; i < 4; i++)
        memcpy(out + (size_t)i * NOISE_ROWS * NOISE_COLUMNS, ph_program_output(p, i),
               rows * NOISE_COLUMNS * sizeof *out);
    free(x);
    ph_program_free(p);
}

static void noise_is_a_function_of_its_place(void **state)
{
    (void)state;
    enum { N = NOISE_ROWS * NOISE_COLUMNS };
    real *a = calloc(4 * N, sizeof *a), *b = calloc(4 * N, sizeof *b);
    noise one = make_noise(7), same = make_noise(7), other = make_noise(8);
    draw(&one, NOISE_ROWS, 3, 1, a);
    for (int threads = 1; threads <= 4; threads++) {
        draw(&same, NOISE_ROWS, 3, threads, b);
        assert_memory_equal(a, b, 4 * N * sizeof *a);
    }
    draw(&one, 5, 3, 2, b); /* a smaller batch: the same rows */
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(a + i * N, b + i * N, 5 * NOISE_COLUMNS * sizeof *a);
    draw(&one, NOISE_ROWS, 4, 1, b);
    assert_true(memcmp(a, b, N * sizeof *a) != 0);
    draw(&other, NOISE_ROWS, 3, 1, b);
    assert_true(memcmp(a, b, N * sizeof *a) != 0);
    assert_true(memcmp(a, a + 3 * N, N * sizeof *a) != 0); /* another node */
    free(a);
    free(b);
    ph_graph_free(one.graph);
    ph_graph_free(same.graph);
    ph_graph_free(other.graph);
}

static void noise_has_its_moments(void **state)
{
    (void)state;
    enum { N = NOISE_ROWS * NOISE_COLUMNS };
    real *a = calloc(4 * N, sizeof *a);
    noise n = make_noise(1);
    draw(&n, NOISE_ROWS, 0, 2, a);
    /* mean, variance and the correlation of neighbours, within five standard errors. */
    static const double mean[] = { 0, 0.5, 0.2, 0 }, variance[] = { 1, 1.0 / 12, 0.16, 1 };
    for (int k = 0; k < 4; k++) {
        double sum = 0, square = 0, product = 0, fourth = 0;
        for (size_t i = 0; i < N; i++) {
            double d = (double)a[(size_t)k * N + i] - mean[k];
            sum += d;
            square += d * d;
            fourth += d * d * d * d;
            if (i)
                product += d * ((double)a[(size_t)k * N + i - 1] - mean[k]);
        }
        double error = sqrt(variance[k] / N);
        assert_true(fabs(sum / N) < 5 * error);
        assert_true(fabs(square / N - variance[k]) < 0.02 * variance[k] + 5 * error * 0.1);
        assert_true(fabs(product / N) < 5 * variance[k] / sqrt(N));
        if (k % 3 == 0)
            assert_true(fabs(fourth / N - 3) < 0.15);
    }
    free(a);
    ph_graph_free(n.graph);
}

/* Pooling needs a pixel in each window, and a picture. */
static void windows_of_nothing_are_mistakes(void **state)
{
    (void)state;
    static const struct { size_t kh, kw; ph_window window; } wrong[] = {
        { 0, 2, { .stride = { 1, 1 } } }, { 6, 1, { .groups = 1 } }, { 2, 2, { .padding = { 2, 0 } } },
        { 1, 1, { .groups = 2 } }, { 2, 2, { .padding = { 0, 7 }, .dilation = { 1, 9 } } },
    };
    for (size_t i = 0; i < 2 * sizeof wrong / sizeof wrong[0]; i++) {
        ph_graph *g = ph_graph_new(1);
        ph_node *x = ph_input(g, "x", 3, (size_t[]){ 4, 1, 2 });
        ph_node *y = i % 2 ? ph_max_pool(x, wrong[i / 2].kh, wrong[i / 2].kw, &wrong[i / 2].window)
                           : ph_average_pool(x, wrong[i / 2].kh, wrong[i / 2].kw, &wrong[i / 2].window);
        assert_true(ph_is_dead(y) && ph_is_dead(ph_max_pool(y, 1, 1, &(ph_window){ .groups = 1 })));
        assert_int_equal(ph_graph_status(g), PH_MODEL);
        assert_non_null(strstr(ph_message(), i % 2 ? "max pooling" : "average pooling"));
        ph_graph_free(g);
    }
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 2, (size_t[]){ 4, 2 });
    assert_true(ph_is_dead(ph_upsample(x, 8, 2, true)));
    assert_int_equal(ph_graph_status(g), PH_MODEL);
    assert_non_null(strstr(ph_message(), "upsample: [4,2] per row"));
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_a_row),
        cmocka_unit_test(all_rows),
        cmocka_unit_test(indices_cross_calls),
        cmocka_unit_test(indices_are_no_numbers),
        cmocka_unit_test(vector_functions),
        cmocka_unit_test(special_values),
        cmocka_unit_test(noise_is_a_function_of_its_place),
        cmocka_unit_test(noise_has_its_moments),
        cmocka_unit_test(windows_of_nothing_are_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
