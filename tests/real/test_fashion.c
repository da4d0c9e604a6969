/* test_fashion.c - published and independently computed figures on the real sets. Says so and passes
 * where a set is not found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <pinhole.h>

static ph_data *open_set(const char *name, const char *part)
{
    if (getenv("PINHOLE_DATA") == NULL)
        setenv("PINHOLE_DATA", PH_SOURCE_DIR "/../shared/data", 1);
    ph_data *d = ph_data_open(name, &(ph_data_desc){ .part = part });
    if (d == NULL) {
        printf("%s is not there: skipped\n", name);
        skip();
    }
    return d;
}

static ph_model *train(const char *family, const ph_data *data, const char *const (*set)[2])
{
    ph_settings *s = ph_settings_new();
    for (; (*set)[0]; set++)
        assert_int_equal(ph_settings_set(s, (*set)[0], (*set)[1]), PH_OK);
    ph_model *m = ph_model_new(family, data, s);
    if (m == NULL || ph_train(m, data, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    ph_settings_free(s);
    return m;
}

/* The figures on the test part; their names belong to the model, which the caller frees. */
static ph_figures measure(ph_model **model, const char *family, const char *name,
                          const char *const (*set)[2])
{
    ph_data *rows = open_set(name, "train"), *test = open_set(name, "test");
    ph_figures f;
    *model = train(family, rows, set);
    assert_int_equal(ph_model_eval(*model, test, &f), PH_OK);
    ph_data_close(rows);
    ph_data_close(test);
    return f;
}

/* 13.866: the figure published in 2006 (Hinton and Salakhutdinov) as 13.87, to one digit more. */
static void pca_of_mnist(void **state)
{
    (void)state;
    ph_model *m;
    ph_figures f = measure(&m, "pca", "mnist", (const char *const[][2]){ { "latent-dim", "30" }, { 0 } });
    assert_true(fabs(ph_figure_get(&f, "sse") - 13.866) < 0.0006);
    ph_model_free(m);
}

/* 14.664 and 0.018705: NumPy's eigenvectors of the covariance. */
static void pca_of_fashion_mnist(void **state)
{
    (void)state;
    ph_model *m;
    ph_figures f = measure(&m, "pca", "fashion-mnist",
                           (const char *const[][2]){ { "latent-dim", "20" }, { 0 } });
    assert_true(fabs(ph_figure_get(&f, "sse") - 14.664) < 0.0006);
    assert_true(fabs(ph_figure_get(&f, "mse") - 0.018705) < 0.0000006);
    ph_model_free(m);
}

/* PyTorch with the same settings: test mse 0.0277 after 1 epoch, 0.0141 after 10. */
static void ae_equals_pytorch(void **state)
{
    (void)state;
    static const struct { const char *epochs; double mse; } points[] = { { "1", 0.0277 },
                                                                        { "10", 0.0141 } };
    for (size_t i = 0; i < 2; i++) {
        ph_model *m;
        ph_figures f = measure(&m, "ae", "fashion-mnist", (const char *const[][2]){
            { "epochs", points[i].epochs }, { "batch-size", "512" }, { "init", "glorot" }, { 0 } });
        double mse = ph_figure_get(&f, "mse");
        printf("after %s epochs: mse %.5f, PyTorch %.5f\n", points[i].epochs, mse, points[i].mse);
        /* A single seed moves by a few percent this early; 50 epochs agree within 2 % (results.md). */
        assert_true(fabs(mse / points[i].mse - 1) < 0.05);
        ph_model_free(m);
    }
}

static void a_good_schedule(void **state)
{
    (void)state;
    ph_model *m;
    ph_figures f = measure(&m, "ae", "fashion-mnist", (const char *const[][2]){
        { "epochs", "15" }, { "batch-size", "512" }, { "lr", "6e-3" }, { "warmup", "2" },
        { "schedule", "cosine" }, { 0 } });
    assert_true(ph_figure_get(&f, "mse") < 0.0115);
    assert_true(ph_figure_get(&f, "bce") < 217);
    ph_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pca_of_mnist), cmocka_unit_test(pca_of_fashion_mnist),
        cmocka_unit_test(ae_equals_pytorch), cmocka_unit_test(a_good_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
