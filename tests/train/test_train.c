/* test_train.c - what training promises: equal bits for equal seeds, for any number of threads, and
 * for a run that was stopped and resumed; good weights after a bad step; best weights after many;
 * no allocation in a step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/model.h"
#include "same_files.h"

/* ---- Counting allocations ------------------------------------------------------------------------- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(__GLIBC__)
#define COUNTS_ALLOCATIONS
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
static _Atomic long allocations;
void *malloc(size_t n) { allocations++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { allocations++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { allocations++; return __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { allocations++; return __libc_memalign(a, n); }
#endif

/* ---- Runs ------------------------------------------------------------------------------------------- */

static char file_a[] = "/tmp/pinhole-test-a-XXXXXX", file_b[] = "/tmp/pinhole-test-b-XXXXXX";

/* Rows of the built-in set: 200 of them, so that a batch of 33 leaves a short one of 2. */
static ph_data *rows(size_t count)
{
    static ph_data *all;
    all = all ? all : ph_data_open("glyphs:train", NULL);
    assert_non_null(all);
    return ph_data_slice(all, 0, count);
}

/* name=value, with "_" where a value has a blank. */
static ph_settings *settings(const char *text)
{
    ph_settings *s = ph_settings_new();
    char copy[512], *rest = copy, *word;
    snprintf(copy, sizeof copy, "hidden=24 latent-dim=5 batch-size=33 lr=0.003 %s", text);
    while ((word = strtok_r(rest, " ", &rest))) {
        char *equals = strchr(word, '=');
        *equals = '\0';
        for (char *blank = equals + 1; (blank = strchr(blank, '_'));)
            *blank = ' ';
        assert_int_equal(ph_settings_set(s, word, equals + 1), PH_OK);
    }
    return s;
}

static ph_model *model(const ph_data *data, const char *text)
{
    ph_settings *s = settings(text);
    ph_model *m = ph_model_new("ae", data, s);
    if (m == NULL)
        fail_msg("%s", ph_message());
    ph_settings_free(s);
    return m;
}

#define assert_same_files(a, b) assert_true(same_arrays(a, b))

static void train_to(const char *file, const char *text)
{
    ph_data *data = rows(200);
    ph_model *m = model(data, text);
    assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = file }), PH_OK);
    ph_model_free(m);
    ph_data_close(data);
}

static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

/* Trains until `stop` steps, then loads the file and goes on to the end. */
static void train_in_two(const char *file, const char *text, int64_t stop)
{
    ph_data *data = rows(200);
    ph_model *m = model(data, text);
    ph_training training = { .save_to = file, .progress = stop_at, .user = &stop };
    assert_int_equal(ph_train(m, data, &training), PH_STOPPED);
    ph_model_free(m);
    m = ph_model_load(file);
    if (m == NULL)
        fail_msg("%s", ph_message());
    assert_int_equal(ph_train(m, data, &(ph_training){ .save_to = file }), PH_OK);
    ph_model_free(m);
    ph_data_close(data);
}

/* ---- Tests -------------------------------------------------------------------------------------------- */

static void same_seed_same_bits(void **state)
{
    (void)state;
    train_to(file_a, "epochs=2 dropout=0.2");
    train_to(file_b, "epochs=2 dropout=0.2");
    assert_same_files(file_a, file_b);
}

static void any_threads_same_bits(void **state)
{
    (void)state;
    static const char *const variants[] = {
        "epochs=2 dropout=0.2",
        "epochs=2 norm=batch",
        "epochs=2 norm=layer",
        "epochs=2 hidden=conv_8_4/2,norm_batch,res_8,norm_group:2,pool_2,16 norm=batch",
    };
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        ph_set_threads(1, false);
        train_to(file_a, variants[v]);
        for (int threads = 2; threads <= 4; threads++) {
            ph_set_threads(threads, false);
            train_to(file_b, variants[v]);
            assert_same_files(file_a, file_b);
        }
    }
    ph_set_threads(2, false);
}

static void other_seed_other_bits(void **state)
{
    (void)state;
    ph_data *data = rows(50);
    ph_model *a = model(data, "seed=1"), *b = model(data, "seed=2");
    const real *x = ph_variable_find(a->graph, "encoder/0/weight")->data;
    const real *y = ph_variable_find(b->graph, "encoder/0/weight")->data;
    assert_true(memcmp(x, y, 100 * sizeof(real)) != 0);
    ph_model_free(a);
    ph_model_free(b);
    ph_data_close(data);
}

static void resumed_equals_uninterrupted(void **state)
{
    (void)state;
    static const char *const variants[] = {
        "epochs=4 log-every=1 dropout=0.1",
        "epochs=4 log-every=1 optimizer=adamw weight-decay=0.01 average=0.9 schedule=cosine warmup=1",
        "epochs=4 log-every=1 optimizer=sgd lr=0.01 momentum=0.9 nesterov=1 clip-norm=1",
        "epochs=4 log-every=1 optimizer=rmsprop schedule=step step-every=2",
        "epochs=4 log-every=1 val-split=0.25 schedule=plateau patience=1 average=0.9",
        "epochs=4 log-every=1 tied=1 weight-decay=0.001",
    };
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        train_to(file_a, variants[v]);
        /* In the middle of an epoch, at the end of one, right at the start. */
        for (int64_t stop = 1; stop <= 13; stop += 4) {
            train_in_two(file_b, variants[v], stop);
            assert_same_files(file_a, file_b);
        }
    }
}

static void more_epochs_when_resumed(void **state)
{
    (void)state;
    train_to(file_a, "epochs=3");
    train_to(file_b, "epochs=2");
    ph_data *data = rows(200);
    ph_model *m = ph_model_load(file_b);
    ph_settings *more = ph_settings_new();
    ph_settings_set(more, "epochs", "3");
    assert_int_equal(ph_train(m, data, &(ph_training){ .settings = more, .save_to = file_b }), PH_OK);
    assert_same_files(file_a, file_b);
    ph_settings_set(more, "optimizer", "sgd");
    assert_int_equal(ph_train(m, data, &(ph_training){ .settings = more }), PH_USAGE);
    assert_non_null(strstr(ph_message(), "adam"));
    ph_settings_free(more);
    ph_model_free(m);
    ph_data_close(data);
}

static void keep_epoch(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_EPOCH)
        *(int64_t *)user = p->epoch;
}

static void a_bad_loss_keeps_good_weights(void **state)
{
    (void)state;
    ph_data *data = rows(200);
    int64_t epoch = 0;
    ph_model *m = model(data, "epochs=50 optimizer=sgd lr=1000 loss=mse activation=linear");
    ph_training training = { .save_to = file_a, .progress = keep_epoch, .user = &epoch };
    assert_int_equal(ph_train(m, data, &training), PH_DIVERGED);
    assert_non_null(strstr(ph_message(), "step"));
    for (const ph_variable *v = m->graph->variable; v; v = v->next)
        for (size_t i = 0; v->kind == PH_VARIABLE_PARAMETER && i < v->size; i++)
            assert_true(isfinite(v->data[i]));
    ph_model_free(m);
    ph_data_close(data);
}

static void best_weights_are_used(void **state)
{
    (void)state;
    ph_data *data = rows(200), *validation = ph_data_slice(data, 150, 50),
            *training_rows = ph_data_slice(data, 0, 60);
    ph_model *m = model(training_rows, "epochs=60 lr=0.05 early-stop=3");
    assert_int_equal(ph_train(m, training_rows, &(ph_training){ .validation = validation,
                                                                .save_to = file_a }), PH_OK);
    double best = m->trainer.progress.best;
    assert_true(m->trainer.progress.epoch < 60);
    ph_figures figures;
    assert_int_equal(ph_model_eval(m, validation, &figures), PH_OK);
    assert_true(fabs(ph_figure_get(&figures, "bce") - best) < 1e-3 * best);
    ph_model_free(m);
    /* And after loading, too. */
    m = ph_model_load(file_a);
    assert_int_equal(ph_model_eval(m, validation, &figures), PH_OK);
    assert_true(fabs(ph_figure_get(&figures, "bce") - best) < 1e-3 * best);
    assert_int_equal(ph_model_save(m, file_b, true), PH_OK);
    ph_model_free(m);
    m = ph_model_load(file_b);
    assert_int_equal(ph_model_eval(m, validation, &figures), PH_OK);
    assert_true(fabs(ph_figure_get(&figures, "bce") - best) < 1e-3 * best);
    ph_model_free(m);
    ph_data_close(training_rows);
    ph_data_close(validation);
    ph_data_close(data);
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "early-stop=3", "schedule=plateau", "nesterov=1",
                                         "lr=0.001 lr-min=0.1", "val-split=0.001",
                                         "checkpoint-every=soon" };
    ph_data *data = rows(50);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ph_model *m = model(data, wrong[i]);
        assert_int_equal(ph_train(m, data, NULL), PH_USAGE);
        ph_model_free(m);
    }
    ph_data_close(data);
}

static void a_last_batch_of_one_row(void **state)
{
    (void)state;
    ph_data *data = rows(67);
    ph_model *m = model(data, "epochs=2");
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    assert_int_equal(m->trainer.progress.step, 6);
    ph_model_free(m);
    ph_data_close(data);
}

/* A row's code is the same whatever rows are around it. */
static void codes_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    enum { N = 131 };
    ph_data *data = rows(N);
    ph_model *m = model(data, "epochs=1");
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    ph_real *x = malloc(N * 784 * sizeof *x), all[N * 5], one[5];
    for (size_t i = 0; i < N; i++)
        assert_int_equal(ph_data_read(data, &i, 1, x + i * 784), PH_OK);
    assert_int_equal(ph_model_apply(m, "encode", x, N, all), PH_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(ph_model_apply(m, "encode", x + i * 784, 1, one), PH_OK);
        assert_memory_equal(one, all + i * 5, sizeof one);
    }
    free(x);
    ph_model_free(m);
    ph_data_close(data);
}

#ifdef COUNTS_ALLOCATIONS
static void count(void *user, ph_model *m, const ph_progress *p)
{
    long *seen = user;
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step < 8)
        seen[p->step] = allocations;
}

static void no_allocation_in_a_step(void **state)
{
    (void)state;
    long seen[8] = { 0 };
    ph_data *data = rows(200);
    ph_model *m = model(data, "epochs=1 batch-size=20 dropout=0.1 log-every=1 clip-norm=5 average=0.9");
    assert_int_equal(ph_train(m, data, &(ph_training){ .progress = count, .user = seen }), PH_OK);
    for (int i = 2; i < 8; i++)
        assert_int_equal(seen[i], seen[1]);
    ph_model_free(m);
    ph_data_close(data);
}
#endif

/* Of rows that alternate, as those of MNIST do, half are of either kind; each stretch has its row. */
static void some_rows_meet_no_order_of_all(void **state)
{
    (void)state;
    size_t sizes[] = { 60000, 2000, 1001, 1000 }, even = 0;
    for (size_t s = 0; s < 4; s++)
        for (size_t i = 0; i < 1000; i++) {
            size_t row = ph_spread(i, 1000, sizes[s]);
            assert_true(row >= i * sizes[s] / 1000 && row < (i + 1) * sizes[s] / 1000);
        }
    for (size_t i = 0; i < 1000; i++)
        even += ph_spread(i, 1000, 60000) % 2 == 0;
    assert_in_range(even, 430, 570);
    assert_int_equal(ph_spread(6, 7, SIZE_MAX), ph_spread(6, 7, SIZE_MAX));
    assert_true(ph_spread(6, 7, SIZE_MAX) >= SIZE_MAX / 7 * 6);
}

static int make_files(void **state)
{
    (void)state;
    close(mkstemp(file_a));
    close(mkstemp(file_b));
    return ph_set_threads(2, false);
}

static int remove_files(void **state)
{
    (void)state;
    remove(file_a);
    remove(file_b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bits),
        cmocka_unit_test(any_threads_same_bits),
        cmocka_unit_test(other_seed_other_bits),
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(more_epochs_when_resumed),
        cmocka_unit_test(a_bad_loss_keeps_good_weights),
        cmocka_unit_test(best_weights_are_used),
        cmocka_unit_test(options_that_contradict_are_refused),
        cmocka_unit_test(a_last_batch_of_one_row),
        cmocka_unit_test(codes_do_not_depend_on_the_batch),
        cmocka_unit_test(some_rows_meet_no_order_of_all),
#ifdef COUNTS_ALLOCATIONS
        cmocka_unit_test(no_allocation_in_a_step),
#endif
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
