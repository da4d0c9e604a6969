/* test_measures.c - what codes tell of classes, on MNIST. Says so and passes where it is not found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <pinhole.h>

static ph_data *open_part(const char *part)
{
    if (getenv("PINHOLE_DATA") == NULL)
        setenv("PINHOLE_DATA", PH_SOURCE_DIR "/../shared/data", 1);
    ph_data *d = ph_data_open("mnist", &(ph_data_desc){ .part = part });
    if (d == NULL) {
        printf("mnist is not there: skipped\n");
        skip();
    }
    return d;
}

/* Of the rows themselves: one nearest neighbour 0.9691, as everybody has it; logistic regression about
 * 0.926. A code of 20 keeps nearly all of that. */
static void codes_of_mnist(void **state)
{
    (void)state;
    ph_data *train = open_part("train"), *test = open_part("test");
    ph_settings *s = ph_settings_new();
    ph_settings_set(s, "epochs", "3");
    ph_model *m = ph_model_new("ae", train, s);
    ph_figures f;
    if (m == NULL || ph_train(m, train, NULL) != PH_OK ||
        ph_model_measure(m, test, &(ph_measures){ .training = train, .probe = true }, &f) != PH_OK)
        fail_msg("%s", ph_message());
    printf("probe %.4f, nearest %.4f, of ten %.4f; of rows %.4f, %.4f, %.4f; ssim %.4f\n",
           ph_figure_get(&f, "probe_accuracy"), ph_figure_get(&f, "knn_1"),
           ph_figure_get(&f, "knn_10"), ph_figure_get(&f, "rows_probe_accuracy"),
           ph_figure_get(&f, "rows_knn_1"), ph_figure_get(&f, "rows_knn_10"),
           ph_figure_get(&f, "ssim"));
    assert_true(fabs(ph_figure_get(&f, "rows_knn_1") - 0.9691) < 0.00005);
    assert_true(fabs(ph_figure_get(&f, "rows_probe_accuracy") - 0.925) < 0.005);
    assert_true(ph_figure_get(&f, "probe_accuracy") > 0.8 && ph_figure_get(&f, "probe_accuracy") < 0.96);
    assert_true(ph_figure_get(&f, "knn_1") > 0.93 && ph_figure_get(&f, "knn_10") > 0.94);
    assert_true(ph_figure_get(&f, "ssim") > 0.7 && ph_figure_get(&f, "ssim") < 1);
    ph_model_free(m);
    ph_settings_free(s);
    ph_data_close(train);
    ph_data_close(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(codes_of_mnist) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
