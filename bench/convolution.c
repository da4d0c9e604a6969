/* convolution.c - our convolutions beside oneDNN's primitives, on the layers of the vqvae.
 *
 *     make bench-convolution                  one thread
 *     THREADS=2 make bench-convolution        whose OpenMP sleeps between turns, lest it takes ours away
 *
 * The layers of an encoder "conv 32 4/2, conv 64 4/2, conv 64 3" of 28 x 28 x 1 and of the decoder that mirrors
 * it, batch 128, each in its three uses: forward, the gradient by its rows and the one by its weight. A transposed
 * convolution is measured as what it is, the adjoint of a convolution: its forward is that one's gradient by
 * rows, and the other way round. Ours is a compiled graph of the one op. Of oneDNN there are
 *
 *     own         in the formats that it chooses itself, as if all of a net were in them
 *     reordered   the same with its operands brought from our layout and its result brought back
 *     nhwc        rows in our layout, and only the weight in a format of its choice, brought there and back
 *
 * Microseconds are medians over ROUNDS rounds, in which the four take turns; a ratio above 1 says that ours takes
 * longer. Before anything is timed the results are compared. No figure counts unless the machine is quiet.
 */
#include <math.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/graph.h"
#include "graph/program.h"

enum { BATCH = 128, ROUNDS = 21, SIDES = 4 };
static const double least_seconds = 2e-3; /* of a side's turn */

/* Rows, weight and result of a convolution; the uses compute one of them from the others. */
enum { X, WEIGHT, Y, TENSORS };
typedef enum use { BY_WEIGHT = WEIGHT, BY_ROWS = X, FORWARD = Y } use;

/* A convolution of h x h x c pictures to o channels; transposed: the layer is its adjoint. */
typedef struct layer {
    const char *name;
    bool transposed;
    size_t h, c, o, k, stride, padding;
} layer;

static const layer layers[] = {
    { "conv 28x28x1 > 32 4/2", false, 28, 1, 32, 4, 2, 1 },
    { "conv 14x14x32 > 64 4/2", false, 14, 32, 64, 4, 2, 1 },
    { "conv 7x7x64 > 64 3", false, 7, 64, 64, 3, 1, 1 },
    { "deconv 7x7x64 > 32 4/2", true, 14, 32, 64, 4, 2, 1 },
    { "deconv 14x14x32 > 1 4/2", true, 28, 1, 32, 4, 2, 1 },
};

static void check(bool sound, const char *what)
{
    if (sound)
        return;
    fprintf(stderr, "bench_convolution: %s: %s\n", what, ph_message());
    exit(1);
}

static void dnnl(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "bench_convolution: %s: oneDNN's status %d\n", what, (int)status);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- One convolution in one use ------------------------------------------------------------------------- */

/* oneDNN's primitive, its operands and result in its formats, and the ways there and back (NULL: none). */
typedef struct peer {
    dnnl_primitive_t primitive, way[TENSORS];
    dnnl_memory_t own[TENSORS];
    const char *kind;
} peer;

typedef struct work {
    use use;
    size_t size[TENSORS];
    float *data[TENSORS];      /* in our layout; that of the use is what oneDNN comes to */
    ph_graph *graph;
    ph_program *program;
    const void *feed[2];
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t memory[TENSORS]; /* of data */
    peer free, nhwc;
} work;

static size_t result_side(const layer *l)
{
    return (l->h + 2 * l->padding - l->k) / l->stride + 1;
}

static void make_data(work *w, const layer *l)
{
    size_t side = result_side(l);
    w->size[X] = BATCH * l->h * l->h * l->c;
    w->size[WEIGHT] = l->k * l->k * l->c * l->o;
    w->size[Y] = BATCH * side * side * l->o;
    for (int t = 0; t < TENSORS; t++) {
        w->data[t] = aligned_alloc(64, (w->size[t] * sizeof(float) + 63) / 64 * 64);
        check(w->data[t] != NULL, "out of memory");
        for (size_t i = 0; i < w->size[t]; i++)
            w->data[t][i] = (float)rand() / (float)RAND_MAX - 0.5f;
    }
}

static void make_ours(work *w, const layer *l)
{
    size_t side = result_side(l), size[] = { l->h, l->h };
    ph_window window = { .stride = { l->stride, l->stride }, .padding = { l->padding, l->padding } };
    ph_graph *g = w->graph = ph_graph_new(1);
    check(g != NULL, "graph");
    ph_node *x = ph_input(g, "x", 3, (size_t[]){ l->h, l->h, l->c });
    ph_node *y = ph_input_beside(x, "y", 3, (size_t[]){ side, side, l->o });
    ph_node *weight = ph_parameter(ph_scope_of(g, "net"), "weight", 4, (size_t[]){ l->k, l->k, l->c, l->o },
                                   PH_UNIFORM, 0.5), *made = NULL;
    if (w->use == FORWARD)
        made = ph_convolution(x, weight, &window);
    else if (w->use == BY_ROWS)
        made = ph_transposed_convolution(y, weight, &window, size);
    else
        ph_gradient(ph_sum_all(ph_mul(ph_convolution(x, weight, &window), y)), &weight, 1, &made);
    ph_node *feeds[] = { w->use == BY_ROWS ? y : x, y };
    w->feed[0] = w->data[w->use == BY_ROWS ? Y : X];
    w->feed[1] = w->data[Y];
    w->program = ph_compile(g, &(ph_program_desc){
        .feeds = feeds, .feed_count = w->use == BY_WEIGHT ? 2 : 1, .outputs = &made, .output_count = 1,
        .max_rows = BATCH });
    check(w->program != NULL, "compile");
    ph_variable *v = ph_variable_find(g, "net/weight");
    if (v && w->use != BY_WEIGHT)
        memcpy(v->data, w->data[WEIGHT], w->size[WEIGHT] * sizeof(float));
}

/* How oneDNN calls the tensors in each use. */
static const int arguments[TENSORS][TENSORS] = {
    [BY_ROWS] = { DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST },
    [BY_WEIGHT] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST },
    [FORWARD] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST },
};

static void make_peer(work *w, const layer *l, peer *p, bool nhwc)
{
    dnnl_dim_t h = (dnnl_dim_t)l->h, c = (dnnl_dim_t)l->c, o = (dnnl_dim_t)l->o, k = (dnnl_dim_t)l->k;
    dnnl_dim_t side = (dnnl_dim_t)result_side(l), stride = (dnnl_dim_t)l->stride, pad = (dnnl_dim_t)l->padding;
    dnnl_dims_t dims[TENSORS] = { { BATCH, c, h, h }, { o, c, k, k }, { BATCH, o, side, side } };
    dnnl_dims_t strides = { stride, stride }, padding = { pad, pad };
    const dnnl_format_tag_t ours[TENSORS] = { dnnl_nhwc, dnnl_hwio, dnnl_nhwc };
    dnnl_memory_desc_t asked[TENSORS], given[TENSORS];
    for (int t = 0; t < TENSORS; t++) {
        dnnl_format_tag_t tag = nhwc && t != WEIGHT ? ours[t] : dnnl_format_tag_any;
        dnnl(dnnl_memory_desc_init_by_tag(&asked[t], 4, dims[t], dnnl_f32, tag), "format");
        dnnl(dnnl_memory_desc_init_by_tag(&given[t], 4, dims[t], dnnl_f32, ours[t]), "format");
        if (w->memory[t] == NULL)
            dnnl(dnnl_memory_create(&w->memory[t], &given[t], w->engine, w->data[t]), "memory");
    }
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t forward = NULL, made;
    dnnl(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_training, dnnl_convolution_direct, &asked[X],
                                            &asked[WEIGHT], NULL, &asked[Y], strides, padding, padding), "forward");
    dnnl(dnnl_primitive_desc_create(&forward, &desc, NULL, w->engine, NULL), "forward");
    if (w->use == BY_ROWS)
        dnnl(dnnl_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &asked[X], &asked[WEIGHT],
                                                      &asked[Y], strides, padding, padding), "by rows");
    else if (w->use == BY_WEIGHT)
        dnnl(dnnl_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &asked[X], &asked[WEIGHT],
                                                         NULL, &asked[Y], strides, padding, padding), "by weight");
    dnnl(dnnl_primitive_desc_create(&made, &desc, NULL, w->engine, w->use == FORWARD ? NULL : forward), "made");
    dnnl(dnnl_primitive_create(&p->primitive, made), "primitive");
    const char *kind = "";
    dnnl(dnnl_primitive_desc_query(made, dnnl_query_impl_info_str, 0, &kind), "name");
    p->kind = strdup(kind);
    check(p->kind != NULL, "out of memory");
    for (int t = 0; t < TENSORS; t++) {
        const dnnl_memory_desc_t *own =
            dnnl_primitive_desc_query_md(made, dnnl_query_exec_arg_md, arguments[w->use][t]);
        dnnl(dnnl_memory_create(&p->own[t], own, w->engine, DNNL_MEMORY_ALLOCATE), "memory");
        p->way[t] = NULL;
        if (dnnl_memory_desc_equal(own, &given[t])) {
            dnnl(dnnl_memory_set_data_handle(p->own[t], w->data[t]), "memory");
            continue;
        }
        bool result = t == (int)w->use;
        dnnl_primitive_desc_t way;
        dnnl(dnnl_reorder_primitive_desc_create(&way, result ? own : &given[t], w->engine,
                                                result ? &given[t] : own, w->engine, NULL), "reorder");
        dnnl(dnnl_primitive_create(&p->way[t], way), "reorder");
        dnnl_primitive_desc_destroy(way);
    }
    dnnl_primitive_desc_destroy(made);
    dnnl_primitive_desc_destroy(forward);
}

/* ---- Running ----------------------------------------------------------------------------------------------- */

static void run_ours(work *w)
{
    check(ph_program_run(w->program, (size_t[PH_MAX_SETS]){ 1, BATCH }, w->feed) == PH_OK, "run");
}

static void reorder(work *w, const peer *p, int t)
{
    bool result = t == (int)w->use;
    if (p->way[t])
        dnnl(dnnl_primitive_execute(p->way[t], w->stream, 2, (dnnl_exec_arg_t[]){
            { DNNL_ARG_FROM, result ? p->own[t] : w->memory[t] },
            { DNNL_ARG_TO, result ? w->memory[t] : p->own[t] } }), "reorder");
}

static void run_peer(work *w, const peer *p, bool reorders)
{
    dnnl_exec_arg_t arg[TENSORS];
    for (int t = 0; t < TENSORS; t++) {
        arg[t] = (dnnl_exec_arg_t){ arguments[w->use][t], p->own[t] };
        if (reorders && t != (int)w->use)
            reorder(w, p, t);
    }
    dnnl(dnnl_primitive_execute(p->primitive, w->stream, TENSORS, arg), "run");
    if (reorders)
        reorder(w, p, (int)w->use);
    dnnl(dnnl_stream_wait(w->stream), "wait");
}

static void run(work *w, int side)
{
    if (side == 0)
        run_ours(w);
    else
        run_peer(w, side == 3 ? &w->nhwc : &w->free, side != 1);
}

static void compare(work *w, const peer *p)
{
    const float *ours = (const float *)ph_program_output(w->program, 0), *theirs = w->data[w->use];
    double worst = 0, largest = 0;
    memset(w->data[w->use], 0, w->size[w->use] * sizeof(float));
    run_peer(w, p, true);
    for (size_t i = 0; i < w->size[w->use]; i++) {
        worst = fmax(worst, fabs((double)ours[i] - (double)theirs[i]));
        largest = fmax(largest, fabs((double)theirs[i]));
    }
    if (worst <= 1e-4 * largest && largest > 0)
        return;
    fprintf(stderr, "bench_convolution: results differ by %g, where the largest is %g\n", worst, largest);
    exit(1);
}

/* Median microseconds of each side. */
static void measure(work *w, double us[SIDES])
{
    static double taken[SIDES][ROUNDS];
    int times[SIDES];
    for (int side = 0; side < SIDES; side++) {
        double begin = now();
        run(w, side);
        run(w, side);
        times[side] = 1 + (int)(2 * least_seconds / (now() - begin));
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int turn = 0; turn < SIDES; turn++) {
            int side = (turn + round) % SIDES;
            double begin = now();
            for (int i = 0; i < times[side]; i++)
                run(w, side);
            taken[side][round] = (now() - begin) / times[side];
        }
    for (int side = 0; side < SIDES; side++) {
        qsort(taken[side], ROUNDS, sizeof(double), ascending);
        us[side] = 1e6 * taken[side][ROUNDS / 2];
    }
}

static void drop(work *w)
{
    peer *peers[] = { &w->free, &w->nhwc };
    ph_program_free(w->program);
    ph_graph_free(w->graph);
    for (int i = 0; i < 2; i++) {
        dnnl_primitive_destroy(peers[i]->primitive);
        free((char *)peers[i]->kind);
        for (int t = 0; t < TENSORS; t++) {
            dnnl_memory_destroy(peers[i]->own[t]);
            if (peers[i]->way[t])
                dnnl_primitive_destroy(peers[i]->way[t]);
        }
    }
    for (int t = 0; t < TENSORS; t++) {
        dnnl_memory_destroy(w->memory[t]);
        free(w->data[t]);
    }
}

static void line(const char *name, const char *how, const double us[SIDES], const char *kinds)
{
    printf("%-24s %-9s %9.1f %9.1f %9.1f %9.1f   %5.2f %5.2f %5.2f  %s\n", name, how, us[0], us[1], us[2], us[3],
           us[0] / us[1], us[0] / us[2], us[0] / us[3], kinds);
}

int main(int count, char **word)
{
    /* What a layer's forward is of its convolution, and its gradients. */
    static const use uses[2][3] = { { FORWARD, BY_ROWS, BY_WEIGHT }, { BY_ROWS, FORWARD, BY_WEIGHT } };
    static const char *const names[] = { "forward", "by rows", "by weight" };
    int threads = count > 1 ? atoi(word[1]) : 1;
    check(threads >= 1 && ph_set_threads(threads, false) == PH_OK, "threads");
    omp_set_num_threads(threads);
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    dnnl(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    printf("batch %d, %d thread%s, oneDNN %d.%d; microseconds, then ours as a multiple of each\n", BATCH, threads,
           threads > 1 ? "s" : "", dnnl_version()->major, dnnl_version()->minor);
    printf("%-24s %-9s %9s %9s %9s %9s   %5s %5s %5s  %s\n", "layer", "use", "ours", "own", "reordered", "nhwc",
           "/own", "/reo.", "/nhwc", "oneDNN's: own, nhwc");
    double sum[SIDES] = { 0 };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        for (int u = 0; u < 3; u++) {
            const layer *l = &layers[i];
            work w = { .use = uses[l->transposed][u], .engine = engine, .stream = stream };
            double us[SIDES];
            char kinds[96];
            make_data(&w, l);
            make_ours(&w, l);
            make_peer(&w, l, &w.free, false);
            make_peer(&w, l, &w.nhwc, true);
            run_ours(&w);
            compare(&w, &w.free);
            compare(&w, &w.nhwc);
            measure(&w, us);
            snprintf(kinds, sizeof kinds, "%s, %s", w.free.kind, w.nhwc.kind);
            line(l->name, names[u], us, kinds);
            for (int side = 0; side < SIDES && (i || u != 1); side++)
                sum[side] += us[side];
            drop(&w);
        }
    line("a step's", "", sum, "without the first layer's by rows, which nothing needs");
    dnnl_stream_destroy(stream);
    dnnl_engine_destroy(engine);
    return 0;
}
