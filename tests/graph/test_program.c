/* test_program.c - the rules at the edges: what is fused, what is stored, what waits for what, row
 * counts told at run time, the guard, mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/program.h"
#include "nn/nn.h"
#include "train/train.h"

enum { IN = 11, HIDDEN = 7, HEAD = 3, ROWS = 50 };

typedef struct net {
    ph_graph *graph;
    ph_node *x, *w1, *w2, *h, *loss;
    ph_update update;
    ph_program *program;
    real rows[ROWS * IN];
} net;

static ph_node *node(net *n, const char *name)
{
    ph_variable *v = ph_variable_find(n->graph, name);
    assert_non_null(v);
    return v->node;
}

/* The net's update, and rows for it. */
static void train_on(net *n, ph_node *y, const char *optimizer, double clip)
{
    n->loss = ph_loss("bce", y, n->x);
    ph_add_phase(n->graph, &(ph_phase){ .loss = n->loss });
    ph_trainer_options o = { .lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8,
                             .momentum = strcmp(optimizer, "sgd") ? 0 : 0.9, .optimizer = optimizer,
                             .schedule = "constant", .clip_norm = clip };
    assert_int_equal(ph_phase_update(n->graph, 0, &o, &n->update), PH_OK);
    for (int i = 0; i < ROWS * IN; i++)
        n->rows[i] = (real)(0.5 + 0.5 * sin(i * 0.7));
}

/* x -> relu -> x, cross-entropy; tied: the second layer uses the first one's weights. */
static void make(net *n, const char *optimizer, double clip, bool tied)
{
    *n = (net){ .graph = ph_graph_new(3) };
    n->x = ph_input(n->graph, "x", 1, (size_t[]){ IN });
    ph_scope *s = ph_scope_of(n->graph, "net");
    n->h = ph_relu(ph_linear(s, n->x, HIDDEN, "relu", true));
    n->w1 = node(n, "net/0/weight");
    ph_node *y = ph_linear_with(s, n->h, IN, "linear", "auto", true, tied ? n->w1 : NULL);
    n->w2 = tied ? n->w1 : node(n, "net/1/weight");
    train_on(n, y, optimizer, clip);
}

/* Two layers of equal size on the same rows, as the two heads of a variational encoder. */
static void make_heads(net *n)
{
    *n = (net){ .graph = ph_graph_new(3) };
    n->x = ph_input(n->graph, "x", 1, (size_t[]){ IN });
    ph_scope *s = ph_scope_of(n->graph, "net");
    n->h = ph_relu(ph_linear(s, n->x, HIDDEN, "relu", true));
    ph_node *a = ph_linear(s, n->h, HEAD, "linear", true), *b = ph_linear(s, n->h, HEAD, "linear", true);
    train_on(n, ph_linear(s, ph_mul(a, ph_exp(b)), IN, "linear", true), "adam", 0);
}

static void compile(net *n, ph_node **more, int count)
{
    ph_node *outputs[8] = { n->update.loss };
    for (int i = 0; i < count; i++)
        outputs[1 + i] = more[i];
    n->program = ph_compile(n->graph, &(ph_program_desc){
        .training = true, .feeds = &n->x, .feed_count = 1, .outputs = outputs,
        .output_count = 1 + count, .assigns = n->update.assign, .assign_count = n->update.count,
        .guard = n->update.loss, .max_rows = ROWS });
    if (n->program == NULL)
        fail_msg("%s", ph_message());
}

static void finish(net *n)
{
    ph_program_free(n->program);
    ph_graph_free(n->graph);
}

static ph_status run(net *n, size_t rows)
{
    return ph_program_run(n->program, (size_t[PH_MAX_SETS]){ 1, rows }, (const void *[]){ n->rows });
}

/* The product over rows that makes the gradient of a whole [m, n] value, and its number. */
static const ph_call *weight_gradient(const net *n, const ph_node *w, int *number)
{
    for (int c = 0; c < n->program->call_count; c++) {
        const ph_call *call = n->program->call[c];
        if (call->op == &ph_op_product_over_rows && ph_shape_equal(&call->node->shape, &w->shape)) {
            *number = c;
            return call;
        }
    }
    fail_msg("no gradient of that shape");
    return NULL;
}

static bool assigns_to(const ph_call *call, const ph_node *state)
{
    for (int i = 0; i < call->group.node_count; i++)
        if (call->group.node[i]->op == &ph_op_assign && call->group.node[i]->input[0] == state)
            return true;
    return false;
}

static bool has(const ph_call *call, const char *op)
{
    for (int i = 0; i < call->group.node_count; i++)
        if (strcmp(call->group.node[i]->op->name, op) == 0)
            return true;
    return false;
}

static void updates_ride_on_their_gradient(void **state)
{
    (void)state;
    static const char *const optimizers[] = { "adam", "sgd", "rmsprop" };
    for (size_t i = 0; i < 3; i++) {
        net n;
        int number;
        make(&n, optimizers[i], 0, false);
        compile(&n, NULL, 0);
        const ph_call *call = weight_gradient(&n, n.w1, &number);
        assert_true(assigns_to(call, n.w1));
        assert_false(call->stored); /* the gradient never reaches memory */
        assert_true(assigns_to(weight_gradient(&n, n.w2, &number), n.w2));
        finish(&n);
    }
}

static void clipped_tied_or_reported_gradients_are_stored(void **state)
{
    (void)state;
    net n;
    int number;
    make(&n, "adam", 1, false);
    compile(&n, NULL, 0);
    const ph_call *call = weight_gradient(&n, n.w1, &number);
    assert_true(call->stored);
    assert_false(assigns_to(call, n.w1));
    finish(&n);

    make(&n, "adam", 0, true);
    compile(&n, NULL, 0);
    int products = 0;
    for (int c = 0; c < n.program->call_count; c++)
        products += n.program->call[c]->op == &ph_op_product_over_rows && n.program->call[c]->stored;
    assert_true(products >= 1);
    finish(&n);

    make(&n, "adam", 0, false);
    ph_node *gradient = NULL;
    ph_gradient(n.update.loss, &n.w1, 1, &gradient);
    compile(&n, &gradient, 1);
    call = weight_gradient(&n, n.w1, &number);
    assert_true(call->stored && assigns_to(call, n.w1));
    finish(&n);
}

static void weights_change_after_their_readers(void **state)
{
    (void)state;
    net n;
    int at;
    make(&n, "adam", 0, false);
    compile(&n, NULL, 0);
    weight_gradient(&n, n.w2, &at);
    int readers = 0;
    for (int c = 0; c < n.program->call_count; c++) {
        const ph_call *call = n.program->call[c];
        if (call->op == &ph_op_product && call->node->input[1] == n.w2) {
            assert_true(c < at);
            readers++;
        }
    }
    assert_int_equal(readers, 2); /* forward, and the gradient of h */
    finish(&n);
}

static void loss_and_its_derivative_ride_on_the_output_layer(void **state)
{
    (void)state;
    net n;
    make(&n, "adam", 0, false);
    compile(&n, NULL, 0);
    for (int c = 0; c < n.program->call_count; c++) {
        const ph_call *call = n.program->call[c];
        if (call->op == &ph_op_product && call->node->input[1] == n.w1)
            assert_true(has(call, "add") && has(call, "relu") && !call->stored);
        if (call->op == &ph_op_product && call->node->input[1] == n.w2 && !call->node->flag)
            assert_true(has(call, "bce") && has(call, "sigmoid") && has(call, "sum_rows"));
    }
    finish(&n);
}

/* A log-likelihood is a loss turned round: its derivative is the same for every row, a scalar, and so
 * rides on the output layer as well. */
static void a_likelihood_does_too(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(3);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ IN }), *kl = ph_sum(ph_square(x));
    ph_scope *s = ph_scope_of(g, "net");
    ph_node *y = ph_linear(s, x, IN, "linear", true), *w = ph_variable_find(g, "net/0/weight")->node;
    ph_node *rec = ph_scale(ph_neg(ph_sum_last(ph_square(ph_sub(y, x)))), 0.5);
    ph_node *loss = ph_sub(ph_mul(ph_knob(g, "beta", 1), ph_mean_rows(kl)), ph_mean_rows(rec)), *gradient;
    ph_gradient(loss, &w, 1, &gradient);
    ph_node *outputs[] = { loss, gradient };
    ph_program *p = ph_compile(g, &(ph_program_desc){
        .training = true, .feeds = &x, .feed_count = 1, .outputs = outputs, .output_count = 2,
        .max_rows = ROWS });
    assert_non_null(p);
    const ph_call *product = NULL, *over_rows = NULL;
    for (int c = 0; c < p->call_count; c++) {
        if (p->call[c]->op == &ph_op_product)
            product = p->call[c];
        if (p->call[c]->op == &ph_op_product_over_rows)
            over_rows = p->call[c];
    }
    assert_non_null(product);
    assert_non_null(over_rows);
    assert_false(product->stored);
    const ph_node *derivative = p->root[over_rows->node->input[1]->id];
    bool rides = false;
    for (int i = 0; i < product->group.node_count; i++)
        rides = rides || product->group.node[i] == derivative;
    assert_true(rides);
    ph_program_free(p);
    ph_graph_free(g);
}

/* A step by the program equals a step in which every value is kept and nothing shares memory. */
static void shared_memory_changes_nothing(void **state)
{
    (void)state;
    net a, b;
    make(&a, "adam", 1, false);
    make(&b, "adam", 1, false);
    compile(&a, NULL, 0);
    ph_node *every[7];
    int count = 0;
    for (int i = 0; i < b.graph->node_count && count < 7; i++)
        if (b.graph->node[i]->op->flags & (PH_OP_MAP | PH_OP_TILED) && b.graph->node[i]->shape.set)
            every[count++] = b.graph->node[i];
    compile(&b, every, count);
    assert_true(b.program->arena_size > a.program->arena_size);
    for (int step = 0; step < 5; step++) {
        memset(a.program->arena, 0xff, a.program->arena_size * sizeof(real));
        assert_int_equal(run(&a, ROWS), PH_OK);
        assert_int_equal(run(&b, ROWS), PH_OK);
        assert_true(ph_program_output(a.program, 0)[0] == ph_program_output(b.program, 0)[0]);
    }
    assert_memory_equal(a.w1->variable->data, b.w1->variable->data, IN * HIDDEN * sizeof(real));
    finish(&a);
    finish(&b);
}

static void rows_are_told_at_run_time(void **state)
{
    (void)state;
    net n;
    make(&n, "adam", 0, false);
    ph_node *outputs[] = { n.h, n.loss };
    ph_program *p = ph_compile(n.graph, &(ph_program_desc){
        .feeds = &n.x, .feed_count = 1, .outputs = outputs, .output_count = 2, .max_rows = ROWS });
    assert_non_null(p);
    real h[ROWS * HIDDEN], loss[ROWS];
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, ROWS },
                                    (const void *[]){ n.rows }), PH_OK);
    memcpy(h, ph_program_output(p, 0), sizeof h);
    memcpy(loss, ph_program_output(p, 1), sizeof loss);
    for (size_t r = 0; r < ROWS; r++) { /* one row at a time: the same bits */
        assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 1 },
                                        (const void *[]){ n.rows + r * IN }), PH_OK);
        assert_memory_equal(h + r * HIDDEN, ph_program_output(p, 0), HIDDEN * sizeof(real));
        assert_memory_equal(loss + r, ph_program_output(p, 1), sizeof(real));
    }
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, ROWS + 1 },
                                    (const void *[]){ n.rows }), PH_USAGE);
    ph_program_free(p);
    ph_graph_free(n.graph);
}

static void sets_of_rows_meet_as_whole_values(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ 3 }), *y = ph_input(g, "y", 1, (size_t[]){ 3 });
    ph_node *sum = ph_add(ph_mean_rows(x), ph_scale(ph_mean_rows(y), 10));
    ph_node *feeds[] = { x, y };
    ph_program *p = ph_compile(g, &(ph_program_desc){
        .feeds = feeds, .feed_count = 2, .outputs = &sum, .output_count = 1, .max_rows = 9 });
    assert_non_null(p);
    real a[6] = { 1, 2, 3, 3, 4, 5 }, b[3] = { 1, 1, 2 };
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 2, 1 }, (const void *[]){ a, b }),
                     PH_OK);
    const real *out = ph_program_output(p, 0);
    assert_true(out[0] == 12 && out[1] == 13 && out[2] == 24);
    ph_program_free(p);
    ph_add(x, y);
    assert_int_equal(ph_graph_status(g), PH_MODEL);
    ph_graph_free(g);
}

static void a_bad_loss_changes_nothing(void **state)
{
    (void)state;
    net n;
    make(&n, "adam", 0, false);
    compile(&n, NULL, 0);
    assert_int_equal(run(&n, ROWS), PH_OK);
    size_t count = 0;
    for (ph_variable *v = n.graph->variable; v; v = v->next)
        count += v->size;
    real *before = malloc(count * sizeof *before), *at = before;
    for (ph_variable *v = n.graph->variable; v; v = v->next, at += v ? 0 : 0)
        if (v->data) {
            memcpy(at, v->data, v->size * sizeof *at);
            at += v->size;
        }
    n.rows[17] = (real)NAN;
    assert_int_equal(run(&n, ROWS), PH_DIVERGED);
    at = before;
    for (ph_variable *v = n.graph->variable; v; v = v->next)
        if (v->data) {
            assert_memory_equal(at, v->data, v->size * sizeof *at);
            at += v->size;
        }
    n.rows[17] = 0;
    assert_int_equal(run(&n, ROWS), PH_OK);
    free(before);
    finish(&n);
}

static void training_and_use_differ_where_told(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ 2 }), *y = ph_dropout(x, 0.5), *gradient;
    ph_gradient(ph_sum_all(ph_mul(ph_stop_gradient(x), x)), &x, 1, &gradient);
    real rows[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    for (int training = 0; training < 2; training++) {
        ph_node *outputs[] = { y, gradient };
        ph_program *p = ph_compile(g, &(ph_program_desc){
            .training = training, .feeds = &x, .feed_count = 1, .outputs = outputs,
            .output_count = 2, .max_rows = 4 });
        assert_non_null(p);
        assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 4 }, (const void *[]){ rows }),
                         PH_OK);
        for (int i = 0; i < 8; i++) {
            real out = ph_program_output(p, 0)[i];
            assert_true(training ? out == 0 || out == 2 * rows[i] : out == rows[i]);
            assert_true(ph_program_output(p, 1)[i] == rows[i]); /* not 2 x: one side is stopped */
        }
        ph_program_free(p);
    }
    ph_graph_free(g);
}

/* A derivative that is a value of the model is that of the side in force. */
static void derivatives_are_of_the_side_in_force(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ 2 }), *gradient[2];
    ph_gradient(ph_sum_all(ph_when_training(ph_scale(x, 3), ph_square(x))), &x, 1, &gradient[0]);
    ph_gradient(ph_sum_all(ph_dropout(x, 0.5)), &x, 1, &gradient[1]);
    real rows[4] = { 1, 2, 3, 4 };
    for (int training = 0; training < 2; training++) {
        ph_program *p = ph_compile(g, &(ph_program_desc){
            .training = training, .feeds = &x, .feed_count = 1, .outputs = gradient,
            .output_count = 2, .max_rows = 2 });
        assert_non_null(p);
        assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 2 }, (const void *[]){ rows }),
                         PH_OK);
        for (int i = 0; i < 4; i++) {
            real kept = ph_program_output(p, 1)[i];
            assert_true(ph_program_output(p, 0)[i] == (training ? 3 : 2 * rows[i]));
            assert_true(training ? kept == 0 || kept == 2 : kept == 1);
        }
        ph_program_free(p);
    }
    ph_graph_free(g);
}

static void mistakes_are_told_once(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(1), *other = ph_graph_new(2);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ 5 });
    ph_node *w = ph_parameter(ph_scope_of(g, "a"), "w", 2, (size_t[]){ 4, 3 }, PH_ZEROS, 0);
    ph_node *bad = ph_product(x, w, false);
    assert_true(ph_is_dead(bad));
    /* Everything made of it is dead, and quiet. */
    assert_true(ph_is_dead(ph_relu(ph_add(bad, x))) && ph_is_dead(ph_sum_all(bad)));
    assert_true(ph_is_dead(ph_slice(x, 4, 3)));
    assert_int_equal(ph_graph_status(g), PH_MODEL);
    assert_non_null(strstr(ph_message(), "product: shapes [5] per row and [4,3] do not fit"));
    assert_null(ph_compile(g, &(ph_program_desc){ .outputs = &x, .output_count = 1, .max_rows = 1 }));
    ph_graph_free(g);

    g = ph_graph_new(1);
    x = ph_input(g, "x", 1, (size_t[]){ 5 });
    ph_node *y = ph_input(other, "y", 1, (size_t[]){ 5 });
    assert_true(ph_is_dead(ph_add(x, y)));
    assert_int_equal(ph_graph_status(g), PH_MODEL);
    assert_non_null(strstr(ph_message(), "another graph"));
    ph_graph_free(g);

    g = ph_graph_new(1);
    x = ph_relu(ph_input(g, "x", 1, (size_t[]){ 5 }));
    assert_null(ph_compile(g, &(ph_program_desc){ .outputs = &x, .output_count = 1, .max_rows = 1 }));
    assert_non_null(strstr(ph_message(), "input 'x' is needed but not fed"));
    ph_graph_free(g);
    ph_graph_free(other);
}

/* A value in the middle may be fed: the program begins there. */
static void programs_may_begin_in_the_middle(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ 3 }), *z = ph_square(x), *y = ph_scale(z, 2);
    ph_program *p = ph_compile(g, &(ph_program_desc){
        .feeds = &z, .feed_count = 1, .outputs = &y, .output_count = 1, .max_rows = 1 });
    assert_non_null(p);
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 1 },
                                    (const void *[]){ (real[]){ 1, 2, 3 } }), PH_OK);
    assert_true(ph_program_output(p, 0)[2] == 6);
    ph_program_free(p);
    ph_graph_free(g);
}

/* A vector of constants is its own value, beside a scalar that equals its first number. */
static void constants_are_not_a_constant(void **state)
{
    (void)state;
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 2, (size_t[]){ 2, 1 });
    ph_node *three = ph_constants(g, "three", 1, (size_t[]){ 3 }, (double[]){ 5, 1, 4 });
    ph_node *y = ph_add(ph_mul(x, three), ph_constant(g, 5)), *dx;
    ph_gradient(ph_sum_all(y), &x, 1, &dx);
    ph_program *p = ph_compile(g, &(ph_program_desc){
        .feeds = &x, .feed_count = 1, .outputs = (ph_node *[]){ y, dx }, .output_count = 2,
        .max_rows = 1 });
    if (p == NULL)
        fail_msg("%s", ph_message());
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 1 },
                                    (const void *[]){ (real[]){ 1, 2 } }), PH_OK);
    static const real want[] = { 10, 6, 9, 15, 7, 13 };
    assert_int_equal(ph_shape_size(&y->shape), 6);
    assert_memory_equal(ph_program_output(p, 0), want, sizeof want);
    assert_true(ph_program_output(p, 1)[0] == 10 && ph_program_output(p, 1)[1] == 10);
    ph_program_free(p);
    ph_graph_free(g);
}

/* Products by the layer whose weight they are of: forward, and both derivatives, the first layer's rows having
 * none; whether the derivative of a weight rides with its update, is stored to be clipped, or is a sum. */
static void layers_have_their_products(void **state)
{
    (void)state;
    static const struct { const char *optimizer; double clip; bool tied; } nets[] = {
        { "adam", 0, false }, { "sgd", 0, false }, { "adam", 1, false }, { "adam", 0, true } };
    const double once = 2 * IN * HIDDEN;
    for (size_t i = 0; i < 4; i++) {
        net n;
        size_t count;
        make(&n, nets[i].optimizer, nets[i].clip, nets[i].tied);
        compile(&n, NULL, 0);
        assert_int_equal(ph_program_time(n.program, "phase"), PH_OK);
        const double began = ph_clock();
        for (int k = 0; k < 20; k++)
            assert_int_equal(run(&n, ROWS), PH_OK);
        const double wall = ph_clock() - began;
        const ph_layer_cost *l = ph_program_layers(n.program, &count);
        assert_int_equal(count, nets[i].tied ? 2 : 3);
        assert_string_equal(l[0].name, "");
        assert_true(l[0].flops_per_row[0] == 0 && l[0].flops_per_row[1] == 0);
        assert_string_equal(l[1].name, "net/0");
        assert_string_equal(l[1].phase, "phase");
        assert_true(l[1].rank == 2 && l[1].shape[0] == IN && l[1].shape[1] == HIDDEN);
        assert_true(l[1].flops_per_row[0] == (nets[i].tied ? 2 : 1) * once);
        assert_true(l[1].flops_per_row[1] == (nets[i].tied ? 3 : 1) * once);
        if (!nets[i].tied) {
            assert_string_equal(l[2].name, "net/1");
            assert_true(l[2].flops_per_row[0] == once && l[2].flops_per_row[1] == 2 * once);
        }
        double seconds = 0, flops = 0;
        for (size_t k = 0; k < count; k++)
            for (int back = 0; back < 2; back++) {
                assert_true(l[k].seconds[back] >= 0 && (k == 0 || l[k].seconds[back] > 0));
                seconds += l[k].seconds[back];
                flops += l[k].flops_per_row[back];
            }
        assert_true(seconds > 0 && seconds <= wall);
        assert_true(flops == ph_program_flops(n.program, 1));
        finish(&n);
    }
}

static void layers_alike_are_told_apart(void **state)
{
    (void)state;
    static const double once[] = { 2 * IN * HIDDEN, 2 * HIDDEN * HEAD, 2 * HIDDEN * HEAD, 2 * HEAD * IN };
    net n;
    size_t count;
    make_heads(&n);
    compile(&n, NULL, 0);
    assert_int_equal(ph_program_time(n.program, "phase"), PH_OK);
    const ph_layer_cost *l = ph_program_layers(n.program, &count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 4; i++) {
        char name[] = "net/0";
        name[4] = (char)('0' + i);
        const ph_layer_cost *found = NULL;
        for (size_t k = 1; k < count; k++)
            found = strcmp(l[k].name, name) == 0 ? &l[k] : found;
        assert_non_null(found);
        assert_true(found->flops_per_row[0] == once[i] && found->flops_per_row[1] == (i ? 2 : 1) * once[i]);
    }
    finish(&n);
}

/* Bits do not depend on it. */
static void timing_changes_nothing(void **state)
{
    (void)state;
    real loss[2], weight[2];
    for (int timed = 0; timed < 2; timed++) {
        net n;
        make(&n, "adam", 0, false);
        compile(&n, NULL, 0);
        if (timed)
            assert_int_equal(ph_program_time(n.program, NULL), PH_OK);
        for (int k = 0; k < 3; k++)
            assert_int_equal(run(&n, ROWS), PH_OK);
        loss[timed] = ph_program_output(n.program, 0)[0];
        weight[timed] = ph_variable_find(n.graph, "net/1/weight")->data[5];
        finish(&n);
    }
    assert_true(loss[0] == loss[1] && weight[0] == weight[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_ride_on_their_gradient),
        cmocka_unit_test(clipped_tied_or_reported_gradients_are_stored),
        cmocka_unit_test(weights_change_after_their_readers),
        cmocka_unit_test(loss_and_its_derivative_ride_on_the_output_layer),
        cmocka_unit_test(a_likelihood_does_too),
        cmocka_unit_test(shared_memory_changes_nothing),
        cmocka_unit_test(rows_are_told_at_run_time),
        cmocka_unit_test(sets_of_rows_meet_as_whole_values),
        cmocka_unit_test(a_bad_loss_changes_nothing),
        cmocka_unit_test(training_and_use_differ_where_told),
        cmocka_unit_test(derivatives_are_of_the_side_in_force),
        cmocka_unit_test(mistakes_are_told_once),
        cmocka_unit_test(programs_may_begin_in_the_middle),
        cmocka_unit_test(constants_are_not_a_constant),
        cmocka_unit_test(layers_have_their_products),
        cmocka_unit_test(layers_alike_are_told_apart),
        cmocka_unit_test(timing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
