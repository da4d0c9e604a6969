/* test_phases_double.c - several phases in a step, each with an optimiser of its own on weights that they
 * share, and a second set of rows with labels, against the same computed here by hand.
 */
#include "model/made.h"
#include "scratch.h"
#include "same_files.h"

#include <pinhole/graph.h>

enum { ROWS = 10, WIDTH = 4, CODE = 3, STEPS = 6 };

/* ---- A family of two phases -------------------------------------------------------------------- */

/* u = x W. Phase "pull": half |u - x's first numbers|^2. Phase "name": cross-entropy of the labels of a
 * second set. Both change W. */
typedef struct two_options {
    int64_t labels;
    bool apart;
} two_options;

static const ph_option table[] = {
    { "labels", NULL, PH_OPTION_INT, offsetof(two_options, labels), "0", 0, 100, NULL, "rows" },
    { "apart", NULL, PH_OPTION_FLAG, offsetof(two_options, apart), "0", 0, 0, NULL, "left out" },
};

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const two_options *o = options;
    ph_node *w = ph_parameter(ph_scope_of(g, "net"), "weight", 2, (size_t[]){ WIDTH, CODE },
                              PH_UNIFORM, 0.5);
    ph_node *u = ph_product(x, w, false);
    ph_node *pull = ph_scale(ph_sum(ph_square(ph_sub(u, ph_slice(x, 0, CODE)))), 0.5);
    ph_node *second = ph_labelled(x), *y = ph_labels(second, CODE);
    ph_node *log_p = ph_log_softmax(ph_product(second, w, false));
    ph_use_labels(g, (size_t)o->labels, o->apart);
    ph_add_phase(g, &(ph_phase){ .loss = pull, .train = "net", .name = "pull" });
    int name = ph_add_phase(g, &(ph_phase){ .loss = ph_neg(ph_sum(ph_mul(y, log_p))), .train = "net",
                                            .name = "name", .lr = 0.05, .momentum = -1,
                                            .weight_decay = 0.01 });
    ph_report(g, "size", "mean over rows", ph_sum(ph_square(u)));
    ph_report_in(g, name, "hits", "share", ph_sum(ph_mul(y, ph_largest(log_p, 1))));
    ph_export(g, "reconstruct", x, ph_product(u, w, true));
}

static const ph_family_desc two = {
    .face = { "two", "two phases", table, 2 }, .options_size = sizeof(two_options), .build = build,
};

static real x[ROWS * WIDTH];
static uint32_t labels[ROWS];
static ph_data *data;

static const char options[] = "optimizer=sgd lr=0.1 momentum=0.9 schedule=step step-every=2 epochs=6 "
                              "batch-size=64 scaling=none average=0.5";

/* ---- The same by hand ---------------------------------------------------------------------------- */

typedef struct hand {
    double w[WIDTH][CODE], velocity[WIDTH][CODE], average[WIDTH][CODE];
    double pull, name, hits;
} hand;

static void product(const hand *h, size_t row, double u[CODE])
{
    for (size_t c = 0; c < CODE; c++) {
        u[c] = 0;
        for (size_t i = 0; i < WIDTH; i++)
            u[c] += x[row * WIDTH + i] * h->w[i][c];
    }
}

/* pulled: the rows of the first set. */
static void step_by_hand(hand *h, const bool *pulled, int epoch)
{
    double g[WIDTH][CODE] = { { 0 } }, u[CODE], n = 0;
    double rate = 0.1 * pow(0.5, (epoch + 1) / 2); /* the schedule is read at the end of the step */
    h->pull = h->name = h->hits = 0;
    for (size_t r = 0; r < ROWS; r++)
        n += pulled[r];
    for (size_t r = 0; r < ROWS; r++) {
        product(h, r, u);
        for (size_t c = 0; c < CODE && pulled[r]; c++) {
            double off = u[c] - x[r * WIDTH + c];
            h->pull += 0.5 * off * off / n;
            for (size_t i = 0; i < WIDTH; i++)
                g[i][c] += off * x[r * WIDTH + i] / n;
        }
    }
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t c = 0; c < CODE; c++) {
            h->velocity[i][c] = 0.9 * h->velocity[i][c] + g[i][c];
            h->w[i][c] -= rate * h->velocity[i][c];
            g[i][c] = 0.01 * h->w[i][c];
        }
    n = 0;
    for (size_t r = 0; r < ROWS; r++)
        n += labels[r] != PH_NO_LABEL;
    for (size_t r = 0; r < ROWS; r++) {
        if (labels[r] == PH_NO_LABEL)
            continue;
        product(h, r, u);
        double sum = exp(u[0]) + exp(u[1]) + exp(u[2]), best = fmax(u[0], fmax(u[1], u[2]));
        h->name -= (u[labels[r]] - log(sum)) / n;
        h->hits += (u[labels[r]] == best) / n;
        for (size_t c = 0; c < CODE; c++)
            for (size_t i = 0; i < WIDTH; i++)
                g[i][c] += (exp(u[c]) / sum - (c == labels[r])) * x[r * WIDTH + i] / n;
    }
    double keep = fmin((epoch + 2.0) / (epoch + 11.0), 0.5);
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t c = 0; c < CODE; c++) {
            h->w[i][c] -= rate / 2 * g[i][c];
            h->average[i][c] = keep * h->average[i][c] + (1 - keep) * h->w[i][c];
        }
}

typedef struct seen {
    hand h;
    bool pulled[ROWS];
    int epochs;
} seen;

static void near(double got, double want, const char *what)
{
    if (!(fabs(got - want) <= 1e-12 * (1 + fabs(want))))
        fail_msg("%s: %.17g, but by hand %.17g", what, got, want);
}

static void compare(void *user, ph_model *m, const ph_progress *p)
{
    seen *s = user;
    if (p->event != PH_EVENT_EPOCH)
        return;
    step_by_hand(&s->h, s->pulled, s->epochs++);
    near(ph_figure_get(&p->figures, "loss"), s->h.pull, "loss");
    near(ph_figure_get(&p->figures, "name_loss"), s->h.name, "name_loss");
    near(ph_figure_get(&p->figures, "hits"), s->h.hits, "hits");
    ph_model_info info;
    ph_model_describe(m, &info);
    assert_int_equal(p->phases, 2);
    assert_string_equal(p->phase[0].name, "pull");
    assert_string_equal(p->phase[1].name, "name");
    assert_true(p->phase[0].seconds > 0 && p->phase[1].seconds > 0);
    assert_true(p->phase[0].seconds + p->phase[1].seconds <= p->seconds);
    near(p->phase[0].flops_per_row + p->phase[1].flops_per_row, info.flops_per_row, "arithmetic");
    const ph_variable *w = ph_variable_find(m->graph, "net/weight");
    for (size_t i = 0; i < WIDTH * CODE; i++) {
        near(w->data[i], s->h.w[i / CODE][i % CODE], "weight");
        near(w->average->data[i], s->h.average[i / CODE][i % CODE], "average");
    }
}

static void steps_are_those_by_hand(void **state)
{
    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        ph_model *m = make("two", data, options);
        if (apart) {
            ph_model_free(m);
            char text[256];
            snprintf(text, sizeof text, "%s apart=1", options);
            m = make("two", data, text);
        }
        seen s = { .epochs = 0 };
        for (size_t i = 0; i < WIDTH * CODE; i++)
            s.h.w[i / CODE][i % CODE] = s.h.average[i / CODE][i % CODE] = weights(m, "net/weight")[i];
        for (size_t r = 0; r < ROWS; r++)
            s.pulled[r] = !apart || labels[r] == PH_NO_LABEL;
        assert_int_equal(ph_train(m, data, &(ph_training){ .progress = compare, .user = &s }), PH_OK);
        assert_int_equal(s.epochs, STEPS);
        assert_int_equal(m->trainer.progress.step, STEPS);
        ph_model_free(m);
    }
}

/* ---- Which rows ------------------------------------------------------------------------------------ */

static void labelled_rows_are_drawn_evenly(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static real values[MANY];
    uint32_t own[MANY];
    bool drawn[3][MANY];
    ph_status status;
    size_t count[4] = { 0 }, wanted = 22;
    for (size_t i = 0; i < MANY; i++)
        own[i] = i % 7 == 0 ? PH_NO_LABEL : i < 5 ? 3 : (uint32_t)(i % 3); /* class 3: rows 1 to 4 */
    ph_data *many = ph_data_from_memory(values, MANY, 1, own);
    for (size_t k = 0; k < 3; k++) {
        memset(drawn[k], 0, sizeof drawn[k]);
        assert_int_equal(ph_draw_labelled(many, NULL, MANY, wanted, k < 2 ? 1 : 2, drawn[k], &status),
                         wanted);
        assert_int_equal(status, PH_OK);
    }
    assert_memory_equal(drawn[0], drawn[1], MANY);
    assert_memory_not_equal(drawn[0], drawn[2], MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_false(drawn[0][i] && own[i] == PH_NO_LABEL);
        if (drawn[0][i])
            count[own[i]]++;
    }
    for (size_t c = 0; c < 3; c++)
        assert_int_equal(count[c], 6);
    assert_int_equal(count[3], 4); /* all there are */
    ph_draw_labelled(many, NULL, MANY, MANY, 1, drawn[2], &status);
    assert_int_equal(status, PH_USAGE);
    assert_non_null(strstr(ph_message(), "257"));
    ph_data_close(many);
}

/* Each pass of the second set has every row once; what a run that was stopped draws is what it would
 * have drawn. */
static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

static void resumed_equals_uninterrupted(void **state)
{
    (void)state;
    static const char small[] = "lr=0.01 epochs=5 batch-size=3 log-every=1 average=0.9 scaling=none "
                                "val-split=0.2 labels=4";
    char whole[] = "whole.pin", half[] = "half.pin";
    ph_model *m = make("two", data, small);
    assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = in_folder(whole) }), PH_OK);
    ph_model_free(m);
    for (int64_t stop = 1; stop < 14; stop += 3) {
        m = make("two", data, small);
        ph_training t = { .save_to = in_folder(half), .progress = stop_at, .user = &stop };
        assert_int_equal(ph_train(m, data, &t), PH_STOPPED);
        ph_model_free(m);
        m = ph_model_load(in_folder(half));
        assert_non_null(m);
        assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = in_folder(half) }), PH_OK);
        ph_model_free(m);
        char path[4096];
        snprintf(path, sizeof path, "%s", in_folder(whole));
        assert_true(same_arrays(path, in_folder(half)));
    }
}

static void no_one_loss_to_judge_by(void **state)
{
    (void)state;
    static const char *const wrong[] = { "val-split=0.2 early-stop=2", "val-split=0.2 schedule=plateau" };
    for (size_t i = 0; i < 2; i++) {
        ph_model *m = make("two", data, wrong[i]);
        assert_int_equal(ph_train(m, data, NULL), PH_USAGE);
        assert_non_null(strstr(ph_message(), "2 losses"));
        ph_model_free(m);
    }
    ph_model *m = make("two", data, "labels=9");
    assert_int_equal(ph_train(m, data, NULL), PH_USAGE);
    assert_non_null(strstr(ph_message(), "9 labelled rows"));
    ph_model_free(m);
}

int main(void)
{
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (real)(2 * mixed(i) - 1);
    for (size_t r = 0; r < ROWS; r++)
        labels[r] = r % 5 > 2 ? PH_NO_LABEL : (uint32_t)(r % 3);
    data = ph_data_from_memory(x, ROWS, WIDTH, labels);
    ph_family_register(&two);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_by_hand),
        cmocka_unit_test(labelled_rows_are_drawn_evenly),
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(no_one_loss_to_judge_by),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
