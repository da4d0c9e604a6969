/* test_linear.c - a linear autoencoder trained on MNIST comes to PCA's optimum: the same error, the same
 * map, the same space. Says so and passes where the set is not found. */
#include "model/made.h"
#include "model/spaces.h"

enum { WIDTH = 784, CODE = 20, ROWS = 1000 };

static ph_data *open_set(const char *part)
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

static double test_error(ph_model *m, const ph_data *test)
{
    ph_figures f;
    assert_int_equal(ph_model_eval(m, test, &f), PH_OK);
    return ph_figure_get(&f, "mse");
}

/* How far the two maps, encoder and decoder in one, are apart on the rows there are, relative to what
 * they leave of these rows. Elsewhere the encoder is free: pixels that are always black tell it nothing. */
static double maps_apart(ph_model *a, ph_model *b, const ph_data *test)
{
    static ph_real x[ROWS * WIDTH], y[ROWS * WIDTH], z[ROWS * WIDTH];
    size_t index[ROWS];
    double apart = 0, left = 0;
    for (size_t i = 0; i < ROWS; i++)
        index[i] = i;
    assert_int_equal(ph_data_read(test, index, ROWS, x), PH_OK);
    assert_int_equal(ph_model_apply(a, "reconstruct", x, ROWS, y), PH_OK);
    assert_int_equal(ph_model_apply(b, "reconstruct", x, ROWS, z), PH_OK);
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        apart += pow((double)(y[i] - z[i]), 2);
        left += pow((double)(x[i] - z[i]), 2);
    }
    return sqrt(apart / left);
}

static void linear_equals_pca(void **state)
{
    (void)state;
    static double principal[CODE * WIDTH], space[CODE * WIDTH];
    ph_data *rows = open_set("train"), *test = open_set("test");
    ph_model *pca = make("pca", rows, "latent-dim=20 scaling=center");
    ph_model *ae = make("ae", rows, "hidden=none no-bias=1 scaling=center loss=mse latent-dim=20 lr=0.003 "
                                    "schedule=cosine batch-size=250 epochs=20");
    assert_int_equal(ph_train(pca, rows, NULL), PH_OK);
    assert_int_equal(ph_train(ae, rows, NULL), PH_OK);
    double best = test_error(pca, test), own = test_error(ae, test);
    double difference = maps_apart(ae, pca, test);
    orthogonal(principal, weights(pca, "pca/components"), WIDTH, CODE, CODE, 1);
    orthogonal(space, weights(ae, "decoder/0/weight"), WIDTH, CODE, 1, WIDTH);
    double sine = largest_sine(principal, space, WIDTH, CODE);
    printf("test mse %.6f, PCA's %.6f; maps differ by %.4f of the error, spaces by %.2f degrees\n", own,
           best, difference, asin(sine) * 180 / M_PI);
    assert_true(fabs(own / best - 1) < 0.005);
    assert_true(difference < 0.05);
    assert_true(sine < 0.02);
    ph_model_free(pca);
    ph_model_free(ae);
    ph_data_close(rows);
    ph_data_close(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(linear_equals_pca) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
