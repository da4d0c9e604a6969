/* test_denoising.c - a net with more units than numbers in a row copies, and lets noise through; trained
 * on noisy rows it takes noise out. Drawn digits of 14 x 14 points; what is measured are rows that neither
 * was trained on. (Linear nets, of which the answer is known: test_linear_double.c.)
 */
#include "made.h"

enum { SIDE = 14, WIDTH = SIDE * SIDE, TRAINED = 3000, MEASURED = 500 };

/* Rows of the glyphs, from 0 to 1, each point the mean of four. */
static ph_data *small_glyphs(const char *part, size_t rows)
{
    static real row[4 * WIDTH];
    real *small = calloc(rows * WIDTH, sizeof *small);
    ph_data *d = ph_data_open(part, NULL);
    assert_true(d && small);
    for (size_t r = 0; r < rows; r++) {
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (size_t i = 0; i < 4 * WIDTH; i++)
            small[r * WIDTH + i / 56 * SIDE + i % 28 / 2] += row[i] / 1020;
    }
    ph_data_close(d);
    d = ph_data_from_memory(small, rows, WIDTH, NULL);
    free(small);
    return d;
}

typedef struct outcome {
    double clean, corrupted, restored; /* mean squared errors */
} outcome;

static ph_data *rows, *test;

static outcome trained(const char *options)
{
    char text[256];
    ph_figures f;
    snprintf(text, sizeof text,
             "hidden=none loss=mse lr=0.003 schedule=cosine batch-size=100 epochs=30 %s", options);
    ph_model *m = make("ae", rows, text);
    if (ph_train(m, rows, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    const ph_measures asked = { .noise = "gauss:0.3", .noise_seed = 1 };
    assert_int_equal(ph_model_measure(m, test, &asked, &f), PH_OK);
    outcome o = { ph_figure_get(&f, "mse"), ph_figure_get(&f, "mse_corrupted"),
                  ph_figure_get(&f, "mse_restored") };
    ph_model_free(m); /* and with it the names of the figures */
    return o;
}

static double gain(outcome o)
{
    return 10 * log10(o.corrupted / o.restored);
}

/* What loses nothing keeps all the noise, too. */
static void a_linear_code_of_the_rows_size_loses_nothing(void **state)
{
    (void)state;
    outcome o = trained("latent-dim=196 scaling=center");
    outcome narrow = trained("latent-dim=20 scaling=center");
    printf("error %.2g from 196 numbers, %.2g from 20\n", o.clean, narrow.clean);
    assert_true(o.clean < 5e-5 && narrow.clean > 50 * o.clean);
    assert_true(fabs(gain(o)) < 0.5);
}

static void noise_cures_copying(void **state)
{
    (void)state;
    outcome copy = trained("latent-dim=300 latent-activation=relu scaling=none");
    outcome cured = trained("latent-dim=300 latent-activation=relu scaling=none noise=gauss:0.3");
    printf("copy: error %.2g, gain %.1f dB; with noise in training: error %.2g, gain %.1f dB\n",
           copy.clean, gain(copy), cured.clean, gain(cured));
    assert_true(copy.clean < 1e-3 && gain(copy) < 2);
    assert_true(gain(cured) > 8);
    assert_true(cured.clean > 5 * copy.clean); /* its price */
}

static int set_up(void **state)
{
    (void)state;
    rows = small_glyphs("glyphs:train", TRAINED);
    test = small_glyphs("glyphs:test", MEASURED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ph_data_close(test);
    ph_data_close(rows);
    return 0;
}

/* A vector at each of 7 x 7 pixels, of which a far corner of the row moves none but its own; it decodes to a
 * row, and what cannot be is refused. */
static void a_spatial_code_stays_where_it_is(void **state)
{
    (void)state;
    static real row[2 * WIDTH], code[2][7 * 7 * 3], back[WIDTH];
    ph_data *square = ph_data_slice(rows, 0, 10);
    assert_int_equal(ph_data_set_shape(square, 2, (size_t[]){ SIDE, SIDE }), PH_OK);
    ph_settings *s = settings_of("spatial-code=1 latent-dim=3 loss=mse");
    assert_int_equal(ph_settings_set(s, "hidden", "conv 4 2/2"), PH_OK);
    ph_model *m = ph_model_new("ae", square, s);
    if (m == NULL)
        fail_msg("%s", ph_message());
    size_t in, out;
    assert_int_equal(ph_model_port(m, "encode", &in, &out), PH_OK);
    assert_int_equal(out, 7 * 7 * 3);
    memset(row, 0, sizeof row);
    row[WIDTH + WIDTH - 1] = 1;
    assert_int_equal(ph_model_apply(m, "encode", row, 2, code[0]), PH_OK);
    assert_memory_equal(code[0], code[1], 48 * 3 * sizeof(real));
    assert_true(memcmp(code[0] + 48 * 3, code[1] + 48 * 3, 3 * sizeof(real)) != 0);
    if (ph_model_apply(m, "decode", code[1], 1, back) != PH_OK)
        fail_msg("%s", ph_message());
    ph_model_free(m);
    ph_settings_free(s);
    refused("ae", square, "spatial-code=1 hidden=32", "must end in a picture");
    refused("ae", square, "spatial-code=1 hidden=none", "must end in a picture");
    ph_data_close(square);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spatial_code_stays_where_it_is),
        cmocka_unit_test(a_linear_code_of_the_rows_size_loses_nothing),
        cmocka_unit_test(noise_cures_copying),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
