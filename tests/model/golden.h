/* golden.h - the first steps of whole models against losses that NumPy computed (tests/golden). One
 * body for both builds; the including file says how close the losses must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "golden/ae.h"
#include "model/model.h"

enum { ROWS = 7, WIDTH = 12, STEPS = 5 };

/* The parameters of tests/golden/ae.py, in the order they were made. */
static void set_parameters(ph_graph *graph)
{
    static const char *const order[] = { "encoder/0", "encoder/1", "decoder/0", "decoder/1" };
    size_t i = 0;
    for (int layer = 0; layer < 4; layer++)
        for (int bias = 0; bias < 2; bias++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%s", order[layer], bias ? "bias" : "weight");
            ph_variable *v = ph_variable_find(graph, name);
            assert_non_null(v);
            for (size_t k = 0; k < v->size; k++, i++)
                v->data[k] = (real)(bias ? 0.1 * cos(0.3 * (double)i)
                                         : 0.5 * sin(1.0 + 0.7 * (double)i));
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

static void check(const char *loss, const char *activation, const double *golden)
{
    ph_real x[ROWS * WIDTH];
    for (int i = 0; i < ROWS * WIDTH; i++)
        x[i] = (ph_real)(0.5 + 0.5 * sin(0.37 * i));
    ph_data *data = ph_data_from_memory(x, ROWS, WIDTH, NULL);
    ph_settings *s = ph_settings_new();
    const char *const set[][2] = { { "hidden", "8" }, { "latent-dim", "3" }, { "loss", loss },
                                   { "activation", activation }, { "lr", "0.01" },
                                   { "epochs", "5" }, { "batch-size", "7" }, { "no-shuffle", "1" },
                                   { "scaling", "none" } };
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        assert_int_equal(ph_settings_set(s, set[i][0], set[i][1]), PH_OK);
    ph_model *m = ph_model_new("ae", data, s);
    assert_non_null(m);
    set_parameters(m->graph);
    seen losses = { 0 };
    assert_int_equal(ph_train(m, data, &(ph_training){ .progress = remember, .user = &losses }),
                     PH_OK);
    assert_int_equal(losses.count, STEPS);
    for (int i = 0; i < STEPS; i++)
        if (!(fabs(losses.loss[i] - golden[i]) <= TOLERANCE * fabs(golden[i])))
            fail_msg("%s %s, step %d: %.17g, but NumPy has %.17g", loss, activation, i + 1,
                     losses.loss[i], golden[i]);
    ph_model_free(m);
    ph_settings_free(s);
    ph_data_close(data);
}

static void golden(void **state)
{
    (void)state;
    check("bce", "relu", golden_ae_bce_relu);
    check("bce", "tanh", golden_ae_bce_tanh);
    check("mse", "relu", golden_ae_mse_relu);
    check("mse", "tanh", golden_ae_mse_tanh);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(golden) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
