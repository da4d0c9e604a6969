/* made.h - models on made-up rows, and their loss with its derivatives, for the tests of families. */
#ifndef TESTS_MODEL_MADE_H
#define TESTS_MODEL_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* A number in (0,1) that looks random, a function of i. */
static inline double mixed(size_t i)
{
    uint64_t h = (i + 1) * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9u;
    h = (h ^ h >> 27) * 0x94D049BB133111EBu;
    return ((double)((h ^ h >> 31) >> 11) + 0.5) / 9007199254740992.0;
}

/* One of a standard normal variable, likewise. */
static inline double mixed_normal(size_t i)
{
    return sqrt(-2 * log(mixed(2 * i))) * cos(2 * M_PI * mixed(2 * i + 1));
}

/* "name=value name=value" as settings. */
static inline ph_settings *settings_of(const char *text)
{
    ph_settings *s = ph_settings_new();
    char copy[512], *rest = copy, *word;
    assert_true(snprintf(copy, sizeof copy, "%s", text) < (int)sizeof copy);
    while ((word = strtok_r(rest, " ", &rest))) {
        char *equals = strchr(word, '=');
        *equals = '\0';
        assert_int_equal(ph_settings_set(s, word, equals + 1), PH_OK);
    }
    return s;
}

static inline ph_model *make(const char *family, const ph_data *data, const char *text)
{
    ph_settings *s = settings_of(text);
    ph_model *m = ph_model_new(family, data, s);
    if (m == NULL)
        fail_msg("%s %s: %s", family, text, ph_message());
    ph_settings_free(s);
    return m;
}

/* That no model comes of these options, and that the message has `word` in it. */
static inline void refused(const char *family, const ph_data *data, const char *text, const char *word)
{
    ph_settings *s = settings_of(text);
    ph_model *m = ph_model_new(family, data, s);
    assert_null(m);
    assert_int_equal(ph_last_status(), PH_USAGE);
    if (strstr(ph_message(), word) == NULL)
        fail_msg("%s: '%s' does not say %s", text, ph_message(), word);
    ph_settings_free(s);
}

/* Every parameter set to made-up numbers of that size, biases too. */
static inline void scatter_parameters(ph_graph *g, double size, size_t seed)
{
    for (ph_variable *v = g->variable; v; v = v->next)
        for (size_t i = 0; v->kind == PH_VARIABLE_PARAMETER && i < v->size; i++)
            v->data[i] = (real)(size * (2 * mixed(seed * 1000003 + i * 31 + (size_t)v->ordinal * 7919) - 1));
}

/* As tests/golden has them: number after number in the order they were made. */
static inline void golden_parameters(ph_graph *g)
{
    size_t i = 0;
    for (ph_variable *v = g->variable; v; v = v->next)
        for (size_t k = 0; v->kind == PH_VARIABLE_PARAMETER && k < v->size; k++, i++)
            v->data[k] = (real)(strstr(v->name, "/bias") ? 0.1 * cos(0.3 * (double)i)
                                                         : 0.5 * sin(1.0 + 0.7 * (double)i));
}

typedef struct noted {
    const char *const *name;
    double *figure;
    int names, epochs, most;
} noted;

static inline void note_epoch(void *user, ph_model *m, const ph_progress *p)
{
    noted *n = user;
    (void)m;
    if (p->event != PH_EVENT_EPOCH)
        return;
    assert_true(n->epochs < n->most);
    for (int i = 0; i < n->names; i++)
        n->figure[n->epochs * n->names + i] = ph_figure_get(&p->figures, n->name[i]);
    n->epochs++;
}

/* Trains for so many epochs; figure, [epochs, names], has what each reported, NaN for what it did not. */
static inline void train_noting(ph_model *m, const ph_data *data, int epochs, const char *const *name,
                                int names, double *figure)
{
    noted n = { name, figure, names, 0, epochs };
    assert_int_equal(ph_train(m, data, &(ph_training){ .progress = note_epoch, .user = &n }), PH_OK);
    assert_int_equal(n.epochs, epochs);
}

static inline real *weights(const ph_model *m, const char *name)
{
    ph_variable *v = ph_variable_find(m->graph, name);
    if (v == NULL)
        fail_msg("there is no %s", name);
    return v->data;
}

/* A program for some nodes of a model, at the model's input. */
static inline ph_program *program_of(ph_model *m, bool training, ph_node *const *outputs, int count,
                                     size_t rows)
{
    ph_program *p = ph_compile(m->graph, &(ph_program_desc){
        .training = training, .feeds = &m->x, .feed_count = 1, .outputs = outputs,
        .output_count = count, .max_rows = rows });
    if (p == NULL)
        fail_msg("%s", ph_message());
    return p;
}

static inline void run_program(ph_program *p, const real *rows, size_t count, uint32_t step)
{
    p->noise_step = step;
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, count }, (const void *[]){ rows }),
                     PH_OK);
}

/* What the graph reports under that name: a whole scalar, the mean over rows. */
static inline ph_node *reported(const ph_model *m, const char *name)
{
    for (int i = 0; i < m->graph->report_count; i++)
        if (strcmp(m->graph->report[i].name, name) == 0) {
            ph_node *value = m->graph->report[i].value;
            return value->shape.set ? ph_mean_rows(ph_sum(value)) : value;
        }
    fail_msg("%s is not reported", name);
    return NULL;
}

static inline ph_node *loss_of(const ph_model *m)
{
    ph_node *loss = m->graph->phase[0].loss;
    return loss->shape.set ? ph_mean_rows(ph_sum(loss)) : loss;
}

/* The loss's derivative by every parameter against central differences, with the same noise in all
 * runs. */
static inline void check_gradient(ph_model *m, const char *what, const real *rows, size_t count,
                                  double tolerance)
{
    enum { MOST = 32 };
    ph_node *w[MOST], *outputs[MOST + 1] = { loss_of(m) };
    int parameters = 0;
    for (ph_variable *v = m->graph->variable; v; v = v->next)
        if (v->kind == PH_VARIABLE_PARAMETER && parameters < MOST)
            w[parameters++] = v->node;
    ph_gradient(outputs[0], w, (size_t)parameters, outputs + 1);
    ph_program *p = program_of(m, true, outputs, 1 + parameters, count);
    ph_program *alone = program_of(m, true, outputs, 1, count);
    run_program(p, rows, count, 3);
    for (int i = 0; i < parameters; i++) {
        ph_variable *v = w[i]->variable;
        double largest = 0;
        for (size_t k = 0; k < v->size; k++) {
            double got = (double)ph_program_output(p, 1 + i)[k], value[2], h = 1e-5;
            real start = v->data[k];
            for (int side = 0; side < 2; side++) {
                v->data[k] = start + (real)(side ? -h : h);
                run_program(alone, rows, count, 3);
                value[side] = (double)ph_program_output(alone, 0)[0];
            }
            v->data[k] = start;
            double want = (value[0] - value[1]) / (2 * h);
            largest = fmax(largest, fabs(want));
            if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
                fail_msg("%s, %s[%zu]: derivative %.12g, but differences say %.12g", what, v->name, k,
                         got, want);
        }
        if (largest == 0)
            fail_msg("%s: the loss does not depend on %s", what, v->name);
    }
    ph_program_free(alone);
    ph_program_free(p);
}

#endif
