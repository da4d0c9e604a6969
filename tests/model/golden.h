/* golden.h - the first steps of whole models against losses that NumPy computed (tests/golden). One
 * body for both builds; the including file says how close the losses must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "golden/ae.h"
#include "golden/pictures.h"
#include "golden/vae.h"
#include "model/model.h"

enum { ROWS = 7, WIDTH = 12, STEPS = 5 };

/* The parameters of tests/golden, layer by layer in the order they were made. */
static void set_parameters(ph_graph *graph)
{
    size_t i = 0;
    for (ph_variable *v = graph->variable; v; v = v->next) {
        bool bias = strstr(v->name, "/bias"), weight = strstr(v->name, "/weight") || strstr(v->name, "/words");
        for (size_t k = 0; (bias || weight) && k < v->size; k++, i++)
            v->data[k] = (real)(bias ? 0.1 * cos(0.3 * (double)i) : 0.5 * sin(1.0 + 0.7 * (double)i));
    }
}

typedef struct seen {
    double loss[STEPS];
    int count;
} seen;

static void remember(void *user, ph_model *model, const ph_progress *p)
{
    seen *s = user;
    (void)model;
    if (p->event == PH_EVENT_EPOCH)
        s->loss[s->count++] = ph_figure_get(&p->figures, "loss");
}

static void check_rows(const char *family, const char *hidden, const char *decoder, size_t rank,
                       const size_t *shape, const char *options, const double *golden)
{
    enum { MOST = 60 };
    size_t width = 1;
    for (size_t i = 0; i < rank; i++)
        width *= shape[i];
    assert_true(width <= MOST);
    ph_real x[ROWS * MOST];
    for (size_t i = 0; i < ROWS * width; i++) {
        double value = 0.5 + 0.5 * sin(0.37 * (double)i);
        x[i] = (ph_real)(strstr(hidden, "embed 5x") ? floor(4.999 * value) : value);
    }
    ph_data *data = ph_data_from_memory(x, ROWS, width, NULL);
    assert_int_equal(ph_data_set_shape(data, rank, shape), PH_OK);
    ph_settings *s = ph_settings_new();
    char text[256], *rest = text, *word;
    assert_int_equal(ph_settings_set(s, "hidden", hidden), PH_OK);
    assert_int_equal(ph_settings_set(s, "decoder-hidden", decoder), PH_OK);
    snprintf(text, sizeof text, "lr=0.01 epochs=5 batch-size=7 no-shuffle=1 scaling=none %s", options);
    while ((word = strtok_r(rest, " ", &rest))) {
        char *equals = strchr(word, '=');
        *equals = '\0';
        assert_int_equal(ph_settings_set(s, word, equals + 1), PH_OK);
    }
    ph_model *m = ph_model_new(family, data, s);
    if (m == NULL)
        fail_msg("%s", ph_message());
    set_parameters(m->graph);
    seen losses = { 0 };
    assert_int_equal(ph_train(m, data, &(ph_training){ .progress = remember, .user = &losses }),
                     PH_OK);
    assert_int_equal(losses.count, STEPS);
    for (int i = 0; i < STEPS; i++)
        if (!(fabs(losses.loss[i] - golden[i]) <= TOLERANCE * fabs(golden[i])))
            fail_msg("%s %s, step %d: %.17g, but NumPy has %.17g", family, options, i + 1,
                     losses.loss[i], golden[i]);
    ph_model_free(m);
    ph_settings_free(s);
    ph_data_close(data);
}

static void check(const char *family, const char *options, const double *golden)
{
    check_rows(family, "8", "mirror", 1, (size_t[]){ WIDTH }, options, golden);
}

static void golden_ae(void **state)
{
    (void)state;
    check("ae", "latent-dim=3 loss=bce activation=relu", golden_ae_bce_relu);
    check("ae", "latent-dim=3 loss=bce activation=tanh", golden_ae_bce_tanh);
    check("ae", "latent-dim=3 loss=mse activation=relu", golden_ae_mse_relu);
    check("ae", "latent-dim=3 loss=mse activation=tanh", golden_ae_mse_tanh);
    check("ae", "latent-dim=3 loss=mse output-activation=sigmoid activation=relu",
          golden_ae_mse_sigmoid_relu);
    check("ae", "latent-dim=3 loss=mse output-activation=sigmoid activation=tanh",
          golden_ae_mse_sigmoid_tanh);
}

static void golden_of_pictures(void **state)
{
    (void)state;
    const size_t shape[] = { 5, 6, 2 };
    check_rows("ae", "conv 3 3/2, res 4, 7", "mirror", 3, shape, "latent-dim=3 loss=bce", golden_residual);
    check_rows("ae", "conv 3 3/2, res 4 x2, 7", "mirror", 3, shape, "latent-dim=3 loss=bce norm=group:1",
               golden_normed);
    check_rows("ae", "conv 4 3/2, norm batch, res 4 x2, norm group:2, 7, norm layer", "mirror", 3, shape,
               "latent-dim=3 loss=bce", golden_listed);
    check_rows("ae", "norm batch, conv 3 3/2, places, norm batch", "mirror", 3, shape,
               "latent-dim=3 loss=bce", golden_after_norm);
    check_rows("ae", "embed 5x2, conv 3 3/2, norm layer, attend 1", "mirror", 3, shape, "latent-dim=3 loss=mse",
               golden_embedded);
    check_rows("ae", "conv 4 3/2, places, attend 2, attend 4 causal", "mirror", 3, shape,
               "latent-dim=3 loss=bce", golden_attending);
    check_rows("ae", "conv 4 3 groups 2, pool 2, average 2", "8, grid 2x2x2, deconv 3 3/2, up 2", 3, shape,
               "latent-dim=3 loss=bce", golden_pooled);
    check_rows("ae", "conv 4 4/2, conv 5 2x3 pad 0", "mirror", 3, shape, "latent-dim=3 loss=bce",
               golden_to_one_pixel);
    check_rows("vae", "conv 4 3/2, attend 2", "mirror", 3, shape,
               "latent-dim=3 likelihood=logistic objective=iwae:3", golden_weighted);
}

static void golden_vae(void **state)
{
    (void)state;
    check("vae", "latent-dim=20 likelihood=bernoulli activation=relu", golden_vae_elbo);
    check("vae", "latent-dim=20 likelihood=gaussian:0.5 activation=tanh beta=4", golden_vae_beta);
    check("vae", "latent-dim=20 likelihood=gaussian activation=relu", golden_vae_learned);
    check("vae", "latent-dim=20 likelihood=bernoulli activation=tanh objective=iwae:3",
          golden_vae_iwae);
    check("vae", "latent-dim=20 likelihood=gaussian activation=tanh objective=iwae:5",
          golden_vae_iwae_learned);
    check("vae", "latent-dim=20 likelihood=categorical:5 activation=tanh", golden_vae_levels);
    check("vae", "latent-dim=20 likelihood=categorical:5 activation=relu objective=iwae:3",
          golden_vae_iwae_levels);
    check("vae", "latent=categorical:3x4 temperature=2 temperature-min=0.25 likelihood=bernoulli "
          "activation=tanh beta=2", golden_vae_classes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(golden_ae), cmocka_unit_test(golden_of_pictures),
                                        cmocka_unit_test(golden_vae) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
