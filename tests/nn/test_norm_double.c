/* test_norm_double.c - normalisation layers against plain loops, and when running statistics move: once
 * in each step of training, whatever the phases, and never else.
 */
#include "model/made.h"
#include "nn/nn.h"
#include "same_files.h"
#include "scratch.h"

#include <pinhole/graph.h>

static void near(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s: %.17g, but by hand %.17g", what, got, want);
}

/* ---- Values and derivatives ------------------------------------------------------------------------ */

enum { H = 2, W = 3, C = 6, PICTURE = H * W * C, N = 5 };

/* Normalises the numbers of a whose set is the same as number i's. */
typedef size_t (*set_of)(size_t i);
static size_t of_line(size_t i) { return i / C; }
static size_t of_channel(size_t i) { return i % C; }
static size_t of_pair(size_t i) { return i / PICTURE * 3 + i % C / 2; }
static size_t of_row_channel(size_t i) { return i / PICTURE * C + i % C; }

static void normalise(const double *a, set_of set, double *mean, double *variance)
{
    for (size_t i = 0; i < N * PICTURE; i++) {
        double sum = 0, square = 0, count = 0;
        for (size_t k = 0; k < N * PICTURE; k++)
            if (set(k) == set(i))
                sum += a[k], count++;
        for (size_t k = 0; k < N * PICTURE; k++)
            if (set(k) == set(i))
                square += (a[k] - sum / count) * (a[k] - sum / count);
        mean[i] = sum / count;
        variance[i] = square / count;
    }
}

typedef struct layer {
    ph_graph *graph;
    ph_node *x, *y, *sum, *dx;
    real a[N * PICTURE];
} layer;

static layer make_layer(const char *kind)
{
    layer l = { .graph = ph_graph_new(1) };
    ph_scope *scope = ph_scope_of(l.graph, "net");
    l.x = ph_input(l.graph, "x", 3, (size_t[]){ H, W, C });
    l.y = ph_norm(scope, l.x, kind);
    ph_node *weight = ph_parameter(ph_scope_of(l.graph, "test"), "weight", 3, (size_t[]){ H, W, C },
                                   PH_NORMAL, 1);
    l.sum = ph_sum_all(ph_mul(ph_square(l.y), weight));
    ph_gradient(l.sum, &l.x, 1, &l.dx);
    for (size_t i = 0; i < N * PICTURE; i++)
        l.a[i] = 3 + 2 * mixed_normal(i) + (double)(i % C);
    for (size_t c = 0; c < C; c++) {
        ph_variable_find(l.graph, "net/0/scale")->data[c] = 1 + 0.1 * (double)c;
        ph_variable_find(l.graph, "net/0/shift")->data[c] = 0.3 - 0.1 * (double)c;
    }
    return l;
}

static void value_of(const layer *l, bool training, ph_node *node, double *out)
{
    ph_program *p = ph_compile(l->graph, &(ph_program_desc){
        .training = training, .feeds = &l->x, .feed_count = 1, .outputs = &node, .output_count = 1,
        .max_rows = N });
    if (p == NULL)
        fail_msg("%s", ph_message());
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, N }, (const void *[]){ l->a }), PH_OK);
    size_t count = ph_shape_size(&node->shape) * (node->shape.set ? N : 1);
    memcpy(out, ph_program_output(p, 0), count * sizeof *out);
    ph_program_free(p);
}

static void values_and_derivatives(void **state)
{
    (void)state;
    static const struct { const char *kind; set_of set; } kinds[] = {
        { "layer", of_line }, { "group:3", of_pair }, { "group", of_row_channel },
        { "batch", of_channel },
    };
    static double y[N * PICTURE], dx[N * PICTURE], mean[N * PICTURE], variance[N * PICTURE];
    for (size_t k = 0; k < 4; k++) {
        layer l = make_layer(kinds[k].kind);
        value_of(&l, true, l.y, y);
        normalise(l.a, kinds[k].set, mean, variance);
        for (size_t i = 0; i < N * PICTURE; i++) {
            double unit = (l.a[i] - mean[i]) / sqrt(variance[i] + 1e-5);
            near(y[i], unit * (1 + 0.1 * (double)(i % C)) + 0.3 - 0.1 * (double)(i % C), 1e-12,
                 kinds[k].kind);
        }
        value_of(&l, true, l.dx, dx);
        for (size_t i = 0; i < N * PICTURE; i += 7) {
            double at = l.a[i], up, down;
            l.a[i] = at + 1e-5;
            value_of(&l, true, l.sum, &up);
            l.a[i] = at - 1e-5;
            value_of(&l, true, l.sum, &down);
            l.a[i] = at;
            near(dx[i], (up - down) / 2e-5, 1e-6, kinds[k].kind);
        }
        ph_graph_free(l.graph);
    }
}

static void batch_norm_in_use_takes_the_running_statistics(void **state)
{
    (void)state;
    double y[N * PICTURE];
    layer l = make_layer("batch");
    real *mean = ph_variable_find(l.graph, "net/0/mean")->data;
    real *variance = ph_variable_find(l.graph, "net/0/variance")->data;
    for (size_t c = 0; c < C; c++) {
        mean[c] = (double)c;
        variance[c] = 0.5 + (double)c;
    }
    value_of(&l, false, l.y, y);
    for (size_t i = 0; i < N * PICTURE; i++) {
        double c = (double)(i % C), unit = (l.a[i] - c) / sqrt(0.5 + c + 1e-5);
        near(y[i], unit * (1 + 0.1 * c) + 0.3 - 0.1 * c, 1e-12, "batch in use");
        assert_true(mean[i % C] == c && variance[i % C] == 0.5 + c);
    }
    ph_graph_free(l.graph);
}

static void wrong_kinds_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "group:4", "group:0", "group:", "group:2x", "group:-2", "bach",
                                         "group:99999999999999999999" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ph_graph *g = ph_graph_new(1);
        ph_node *x = ph_input(g, "x", 3, (size_t[]){ H, W, C });
        assert_true(ph_is_dead(ph_norm(ph_scope_of(g, "net"), x, wrong[i])));
        assert_int_equal(ph_graph_status(g), PH_USAGE);
        assert_non_null(strstr(ph_message(), wrong[i]));
        ph_graph_free(g);
    }
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 3, (size_t[]){ H, W, C });
    assert_ptr_equal(ph_norm(ph_scope_of(g, "net"), x, "none"), x);
    ph_graph_free(g);
}

/* ---- Running statistics in training ---------------------------------------------------------------- */

enum { ROWS = 10, WIDTH = 4, BATCH = 3, EPOCHS = 4 };

/* Two phases whose losses share a net with batch normalisation, which is applied again: to other values
 * of the same rows, and to codes. prelude: epochs that the first one has alone. */
typedef struct net_options {
    int64_t prelude;
} net_options;

static const ph_option table[] = {
    { "prelude", NULL, PH_OPTION_INT, offsetof(net_options, prelude), "0", 0, 100, NULL, "epochs" },
};

static ph_node *net(ph_graph *g, ph_node *x)
{
    ph_scope *scope = ph_scope_of(g, "net");
    ph_node *h = ph_norm(scope, x, "batch");
    ph_scope_again(scope);
    return h;
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const net_options *o = options;
    ph_node *code = ph_input(g, "code", 1, (size_t[]){ WIDTH });
    ph_export(g, "decode", code, net(g, code));
    ph_node *first = net(g, x), *second = net(g, ph_scale(x, 2));
    ph_node *loss = ph_sum(ph_square(ph_sub(first, x)));
    ph_add_phase(g, &(ph_phase){ .loss = loss, .name = "first", .epochs = o->prelude });
    ph_add_phase(g, &(ph_phase){ .loss = ph_sum(ph_square(ph_add(first, second))), .name = "second" });
    ph_export(g, "reconstruct", x, first);
}

static const ph_family_desc normed = {
    .face = { "normed", "batch normalisation", table, 1 }, .options_size = sizeof(net_options),
    .build = build,
};

static real x[ROWS * WIDTH];
static ph_data *data;

static const char options[] = "lr=0.01 epochs=4 batch-size=3 log-every=1 scaling=none";

/* One step's rows first .. first + n - 1. The last batch of an epoch has one. */
static void step_by_hand(double *mean, double *variance, size_t first, size_t n)
{
    for (size_t c = 0; c < WIDTH; c++) {
        double sum = 0, square = 0;
        for (size_t r = first; r < first + n; r++)
            sum += x[r * WIDTH + c];
        for (size_t r = first; r < first + n; r++)
            square += pow(x[r * WIDTH + c] - sum / (double)n, 2);
        mean[c] += 0.1 * (sum / (double)n - mean[c]);
        if (n > 1)
            variance[c] += 0.1 * (square / (double)(n - 1) - variance[c]);
    }
}

static void they_move_once_a_step(void **state)
{
    (void)state;
    for (int prelude = 0; prelude < 3; prelude += 2) {
        char text[256];
        snprintf(text, sizeof text, "%s no-shuffle=1 prelude=%d", options, prelude);
        ph_model *m = make("normed", data, text);
        double mean[WIDTH] = { 0 }, variance[WIDTH] = { 1, 1, 1, 1 };
        assert_int_equal(ph_train(m, data, &(ph_training){ .validation = data }), PH_OK);
        for (int epoch = 0; epoch < EPOCHS + prelude; epoch++)
            for (size_t r = 0; r < ROWS; r += BATCH)
                step_by_hand(mean, variance, r, ROWS - r < BATCH ? ROWS - r : BATCH);
        for (size_t c = 0; c < WIDTH; c++) {
            near(weights(m, "net/0/mean")[c], mean[c], 1e-12, "running mean");
            near(weights(m, "net/0/variance")[c], variance[c], 1e-12, "running variance");
        }
        ph_model_free(m);
    }
}

static void use_does_not_move_them(void **state)
{
    (void)state;
    static real out[ROWS * WIDTH];
    ph_model *m = make("normed", data, options);
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    real mean[WIDTH], variance[WIDTH];
    memcpy(mean, weights(m, "net/0/mean"), sizeof mean);
    memcpy(variance, weights(m, "net/0/variance"), sizeof variance);
    assert_int_equal(ph_model_apply(m, "reconstruct", x, ROWS, out), PH_OK);
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        size_t c = i % WIDTH;
        double unit = (x[i] - mean[c]) / sqrt(variance[c] + 1e-5);
        near(out[i], unit * weights(m, "net/0/scale")[c] + weights(m, "net/0/shift")[c], 1e-12, "use");
    }
    assert_int_equal(ph_model_apply(m, "decode", x, 1, out), PH_OK);
    assert_memory_equal(mean, weights(m, "net/0/mean"), sizeof mean);
    assert_memory_equal(variance, weights(m, "net/0/variance"), sizeof variance);
    ph_model_free(m);
}

static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

static void resumed_equals_uninterrupted(void **state)
{
    (void)state;
    char whole[4096];
    snprintf(whole, sizeof whole, "%s", in_folder("whole.pin"));
    ph_model *m = make("normed", data, options);
    assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = whole }), PH_OK);
    ph_model_free(m);
    for (int64_t stop = 1; stop < 14; stop += 4) {
        m = make("normed", data, options);
        ph_training t = { .save_to = in_folder("half.pin"), .progress = stop_at, .user = &stop };
        assert_int_equal(ph_train(m, data, &t), PH_STOPPED);
        ph_model_free(m);
        m = ph_model_load(in_folder("half.pin"));
        assert_non_null(m);
        assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = in_folder("half.pin") }), PH_OK);
        ph_model_free(m);
        assert_true(same_arrays(whole, in_folder("half.pin")));
    }
}

int main(void)
{
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (real)(mixed_normal(i) + (double)(i % WIDTH));
    data = ph_data_from_memory(x, ROWS, WIDTH, NULL);
    ph_family_register(&normed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_derivatives),
        cmocka_unit_test(batch_norm_in_use_takes_the_running_statistics),
        cmocka_unit_test(wrong_kinds_are_refused),
        cmocka_unit_test(they_move_once_a_step),
        cmocka_unit_test(use_does_not_move_them),
        cmocka_unit_test(resumed_equals_uninterrupted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
