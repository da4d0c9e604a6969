/* test_aae_double.c - the adversarial autoencoder against the losses that PyTorch computed (tests/golden),
 * and against what is known of it without any computation.
 */
#include "made.h"
#include "same_files.h"
#include "scratch.h"

#include "golden/aae.h"
#include "model/prior.h"

enum { ROWS = 7, WIDTH = 12, STEPS = 5, CLASSES = 3 };

static ph_data *data;

/* ---- All phases, step by step ------------------------------------------------------------------ */

/* The parameters of tests/golden, in the order they were made. */
static void set_parameters(ph_graph *graph)
{
    size_t i = 0;
    for (ph_variable *v = graph->variable; v; v = v->next)
        for (size_t k = 0; v->kind == PH_VARIABLE_PARAMETER && k < v->size; k++, i++)
            v->data[k] = (real)(strstr(v->name, "/bias") ? 0.1 * cos(0.3 * (double)i)
                                                         : 0.5 * sin(1.0 + 0.7 * (double)i));
}

typedef struct seen {
    double loss[STEPS][4];
    int count;
} seen;

static void remember(void *user, ph_model *m, const ph_progress *p)
{
    static const char *const names[] = { "loss", "critic_loss", "generator_loss", "classify_loss" };
    seen *s = user;
    (void)m;
    for (int i = 0; i < 4 && p->event == PH_EVENT_EPOCH; i++)
        s->loss[s->count][i] = ph_figure_get(&p->figures, names[i]);
    s->count += p->event == PH_EVENT_EPOCH;
}

static void check(const char *own, const double golden[STEPS][4])
{
    char text[512];
    snprintf(text, sizeof text, "hidden=8 critic-hidden=6 latent-dim=2 loss=bce scaling=none epochs=5 "
             "batch-size=7 no-shuffle=1 lr=0.01 lr-critic=0.02 momentum-critic=0.5 "
             "weight-decay-critic=0.01 lr-generator=0.005 momentum-generator=0 lr-classify=0.03 %s", own);
    ph_model *m = make("aae", data, text);
    set_parameters(m->graph);
    seen s = { .count = 0 };
    assert_int_equal(ph_train(m, data, &(ph_training){ .progress = remember, .user = &s }), PH_OK);
    assert_int_equal(s.count, STEPS);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < 4 && golden[step][i] > 0; i++)
            if (!(fabs(s.loss[step][i] - golden[step][i]) <= 1e-12 * golden[step][i]))
                fail_msg("%s, step %d, phase %d: %.17g, but PyTorch has %.17g", own, step + 1, i + 1,
                         s.loss[step][i], golden[step][i]);
    ph_model_free(m);
}

static void golden_steps(void **state)
{
    (void)state;
    check("prior=normal:5", golden_aae_none);
    check("prior=normal:5 dropout=0.25 critic-dropout=0.2", golden_aae_dropout);
    check("prior=normal:5 encoder=gaussian", golden_aae_gaussian);
    check("labels=all dropout=0.25 critic-dropout=0.2", golden_aae_decoder);
    check("labels=7 dropout=0.25 critic-dropout=0.2", golden_aae_classifier);
    check("prior=categorical:4 critic-dropout=0.2", golden_aae_clusters);
    check("prior=mixture:3 labels=all critic-dropout=0.2", golden_aae_prior);
}

int main(void)
{
    real x[ROWS * WIDTH];
    uint32_t labels[ROWS];
    for (int i = 0; i < ROWS * WIDTH; i++)
        x[i] = (real)(0.5 + 0.5 * sin(0.37 * i));
    for (uint32_t r = 0; r < ROWS; r++)
        labels[r] = r % CLASSES;
    data = ph_data_from_memory(x, ROWS, WIDTH, labels);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_steps),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
