/* test_faults.c - every allocation, every access to a file and every start of a thread fails in turn,
 * once and from then on: a status and one line of message come back, nothing leaks, and a file is
 * the old one or the new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <zlib.h>

#include "base/error.h"
#include "faults/inject.h"
#include "same_files.h"
#include "scratch.h"

/* There only in builds with a sanitizer that knows leaks. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

enum { ROWS = 40, WIDTH = 6 };
static ph_data *data;
static char model_path[64], old_path[64], new_path[64], out_path[64], trained_path[64];
static const char *data_path; /* of a reader under trial: it may take a failed read for a short file */

/* ---- The trial of one use ------------------------------------------------------------------------ */

static void assert_told(const char *name, long n, ph_status status)
{
    const char *message = ph_message();
    if (status == PH_OK)
        return;
    bool expected = status == PH_MEMORY || status == PH_IO || (status == PH_DATA && data_path);
    if (!expected)
        fail_msg("%s, call %ld, %s fails: status %d, %s", name, n, fault.what, status, message);
    if (*message == '\0' || strchr(message, '\n') || ph_last_status() != status)
        fail_msg("%s, call %ld, %s fails: status %d, but the message is '%s'", name, n, fault.what,
                 status, message);
}

/* Runs `use` with fault n = 1, 2, 3, ... until there is none left to meet. `check` looks at what is
 * there afterwards. */
static void each_fault(const char *name, ph_status (*use)(void), void (*check)(ph_status))
{
    if (use() != PH_OK)
        fail_msg("%s: %s", name, ph_message());
    check(PH_OK);
    long met = 0;
    for (int lasting = 0; lasting < 2; lasting++)
        for (long n = 1;; n++) {
            long live = fault.live;
            ph_fail(PH_OK, "%s", "");
            arm(n, lasting);
            ph_status status = use();
            fault.armed = false;
            if (fault.hits == 0) {
                assert_int_equal(status, PH_OK);
                check(status);
                break;
            }
            assert_told(name, n, status);
#ifndef PH_SANITIZED
            if (fault.live != live)
                fail_msg("%s, call %ld, %s fails: %ld blocks leak", name, n, fault.what,
                         fault.live - live);
#endif
            (void)live;
            check(status);
            assert_int_equal(leftovers(), 0);
            met++;
        }
    if (__lsan_do_recoverable_leak_check)
        assert_int_equal(__lsan_do_recoverable_leak_check(), 0);
    print_message("    %s: %ld faults\n", name, met);
    unlink(trained_path);
}

/* ---- What is there afterwards -------------------------------------------------------------------- */

static void nothing(ph_status status)
{
    (void)status;
}

static void copy(const char *from, const char *to)
{
    size_t size;
    uint8_t *bytes = ph_file_read(from, &size);
    FILE *file = fopen(to, "wb");
    assert_non_null(bytes);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
}

/* A failing save leaves the old file; one that went well has put the new one in its place, though a
 * flush of the folder may have failed. */
static void old_or_new(ph_status status)
{
    if (!same_bytes(model_path, status == PH_OK ? new_path : old_path))
        fail_msg("call %ld, %s fails: status %d, but the file is another", fault.first, fault.what,
                 status);
    copy(old_path, model_path);
}

/* Training that ended well came to the same weights, whatever failed on the way. */
static void whole_or_absent(ph_status status)
{
    ph_model *m = ph_model_load(model_path);
    if (status == PH_OK || access(model_path, F_OK) == 0)
        assert_non_null(m);
    ph_model_free(m);
    if (status == PH_OK && access(trained_path, F_OK) != 0)
        assert_int_equal(rename(model_path, trained_path), 0);
    else if (status == PH_OK)
        assert_true(same_arrays(model_path, trained_path));
    unlink(model_path);
}

static void written_or_absent(ph_status status)
{
    assert_int_equal(access(out_path, F_OK) == 0, status == PH_OK);
    unlink(out_path);
}

/* ---- Uses ---------------------------------------------------------------------------------------- */

static ph_settings *settings(const char *text)
{
    ph_settings *s = ph_settings_new();
    char words[512], *rest = words, *word;
    snprintf(words, sizeof words, "%s", text);
    while (s && (word = strtok_r(rest, " ", &rest))) {
        char *equals = strchr(word, '=');
        *equals = '\0';
        if (ph_settings_set(s, word, equals + 1) != PH_OK) {
            ph_settings_free(s);
            return NULL;
        }
    }
    return s;
}

static ph_status train_as(const char *family, const char *text)
{
    ph_settings *s = settings(text);
    ph_model *m = s ? ph_model_new(family, data, s) : NULL;
    ph_status status = m ? ph_train(m, data, &(ph_training){ .save_to = model_path })
                         : ph_last_status();
    if (m == NULL && status == PH_OK)
        fail_msg("no model, and no status");
    ph_model_free(m);
    ph_settings_free(s);
    return status;
}

static ph_status train_ae(void)
{
    return train_as("ae", "hidden=5 latent-dim=2 batch-size=16 epochs=2 val-split=0.25 average=0.9 "
                          "clip-norm=1 dropout=0.1 weight-decay=0.01 checkpoint-every=1");
}

static ph_status train_pca(void)
{
    return train_as("pca", "latent-dim=2");
}

/* A model with everything that a file can hold, in old_path after one epoch and new_path after two. */
static ph_model *loaded;

static ph_status save(void)
{
    return ph_model_save(loaded, model_path, false);
}

static ph_status load(void)
{
    ph_model *m = ph_model_load(new_path);
    ph_status status = m ? PH_OK : ph_last_status();
    if (m == NULL && status == PH_OK)
        fail_msg("no model, and no status");
    ph_model_free(m);
    return status;
}

static ph_status resume(void)
{
    ph_model *m = ph_model_load(old_path);
    ph_settings *s = m ? settings("epochs=2") : NULL;
    ph_status status = s ? ph_train(m, data, &(ph_training){ .settings = s, .save_to = model_path })
                         : ph_last_status();
    ph_settings_free(s);
    ph_model_free(m);
    return status;
}

static ph_status encode_to(const char *name, const char *function, size_t width)
{
    ph_real in[ROWS * WIDTH], out[ROWS * WIDTH];
    size_t index[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        index[i] = i;
    snprintf(out_path, sizeof out_path, "%s/%s", folder, name);
    ph_model *m = ph_model_load(new_path);
    if (m == NULL)
        return ph_last_status();
    ph_writer *w = ph_writer_open(out_path, &(ph_writer_desc){ .width = width });
    ph_status status = w ? ph_data_read(data, index, ROWS, in) : ph_last_status();
    if (status == PH_OK)
        status = ph_model_apply(m, function, in, ROWS, out);
    for (size_t i = 0; i < ROWS && status == PH_OK; i++)
        status = ph_writer_rows(w, out + i * width, 1);
    if (w && status == PH_OK)
        status = ph_writer_close(w);
    else if (w)
        ph_writer_discard(w);
    ph_model_free(m);
    return status;
}

static ph_status encode_npy(void) { return encode_to("codes.npy", "encode", 2); }
static ph_status encode_csv(void) { return encode_to("codes.csv", "encode", 2); }
static ph_status reconstruct_png(void) { return encode_to("rows.png", "reconstruct", WIDTH); }

static ph_status eval(void)
{
    ph_figures figures;
    ph_model *m = ph_model_load(new_path);
    ph_status status = m ? ph_model_eval(m, data, &figures) : ph_last_status();
    if (status == PH_OK)
        assert_true(ph_figure_get(&figures, "mse") > 0);
    ph_model_free(m);
    return status;
}

static ph_status info(void)
{
    static const char *const what[] = { "summary", "options", "record", "program" };
    ph_model_info about;
    FILE *to = fopen("/dev/null", "w");
    if (to == NULL)
        return ph_fail(PH_IO, "/dev/null");
    ph_model *m = ph_model_load(new_path);
    ph_status status = m ? PH_OK : ph_last_status();
    for (int i = 0; i < 4 && status == PH_OK; i++)
        status = ph_model_print(m, to, what[i]);
    if (status == PH_OK)
        ph_model_describe(m, &about);
    ph_model_free(m);
    fclose(to);
    return status;
}

/* Data as it is read from a file: a .npy file into memory and by rows, gzipped IDX. */
static size_t data_limit;

static ph_status read_data(void)
{
    ph_real row[WIDTH];
    ph_data *d = ph_data_open(data_path, &(ph_data_desc){ .memory_limit = data_limit });
    ph_status status = d ? ph_data_read(d, &(size_t){ 3 }, 1, row) : ph_last_status();
    if (d == NULL && status == PH_OK)
        fail_msg("no data, and no status");
    ph_data_close(d);
    return status;
}

/* Threads are started anew each time. */
static ph_status threads(void)
{
    ph_figures figures;
    ph_set_threads(4, false);
    ph_model *m = ph_model_load(new_path);
    ph_status status = m ? ph_model_eval(m, data, &figures) : ph_last_status();
    ph_model_free(m);
    ph_set_threads(1, false);
    return status;
}

/* ---- Tests --------------------------------------------------------------------------------------- */

static void training(void **state)
{
    (void)state;
    each_fault("train ae", train_ae, whole_or_absent);
}

static void training_pca(void **state)
{
    (void)state;
    each_fault("train pca", train_pca, whole_or_absent);
}

static void resuming(void **state)
{
    (void)state;
    copy(old_path, model_path);
    each_fault("resume", resume, whole_or_absent);
}

static void saving(void **state)
{
    (void)state;
    loaded = ph_model_load(new_path);
    copy(old_path, model_path);
    each_fault("save", save, old_or_new);
}

static void loading(void **state)
{
    (void)state;
    each_fault("load", load, nothing);
}

static void encoding(void **state)
{
    (void)state;
    each_fault("encode .npy", encode_npy, written_or_absent);
    each_fault("encode .csv", encode_csv, written_or_absent);
    each_fault("reconstruct .png", reconstruct_png, written_or_absent);
}

static void evaluating(void **state)
{
    (void)state;
    each_fault("eval", eval, nothing);
    each_fault("info", info, nothing);
}

static void reading_data(void **state)
{
    (void)state;
    static const uint8_t idx[] = { 0, 0, 8, 2, 0, 0, 0, 8, 0, 0, 0, 3, [35] = 1 };
    char npy[64], gz[64];
    snprintf(npy, sizeof npy, "%s/data.npy", folder);
    snprintf(gz, sizeof gz, "%s/data.idx.gz", folder);
    ph_real x[ROWS * WIDTH] = { 0 };
    ph_writer *w = ph_writer_open(npy, &(ph_writer_desc){ .width = WIDTH });
    assert_true(w && ph_writer_rows(w, x, ROWS) == PH_OK && ph_writer_close(w) == PH_OK);
    gzFile file = gzopen(gz, "wb");
    assert_int_equal(gzwrite(file, idx, sizeof idx), sizeof idx);
    gzclose(file);
    data_path = npy;
    data_limit = 1 << 20;
    each_fault("read .npy", read_data, nothing);
    data_limit = 1;
    each_fault("read .npy by rows", read_data, nothing);
    data_path = gz;
    each_fault("read gzipped IDX", read_data, nothing);
    data_path = NULL;
}

static void starting_threads(void **state)
{
    (void)state;
    each_fault("threads", threads, nothing);
}

static int begin(void **state)
{
    ph_real x[ROWS * WIDTH];
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = (ph_real)(i * 7 % 31) / 31;
    if (make_folder(state) != 0 || ph_set_threads(1, false) != PH_OK)
        return 1;
    snprintf(model_path, sizeof model_path, "%s/model.pin", folder);
    snprintf(old_path, sizeof old_path, "%s/old.pin", folder);
    snprintf(trained_path, sizeof trained_path, "%s/trained", folder);
    snprintf(new_path, sizeof new_path, "%s/new.pin", folder);
    data = ph_data_from_memory(x, ROWS, WIDTH, NULL);
    ph_settings *s = settings("hidden=5 latent-dim=2 epochs=1 val-split=0.25 average=0.9"), *more;
    ph_model *m = ph_model_new("ae", data, s);
    more = settings("epochs=2");
    bool ok = m && ph_train(m, data, &(ph_training){ .save_to = old_path }) == PH_OK &&
              ph_train(m, data, &(ph_training){ .settings = more, .save_to = new_path }) == PH_OK;
    ph_model_free(m);
    ph_settings_free(s);
    ph_settings_free(more);
    return ok ? 0 : 1;
}

static int end(void **state)
{
    ph_model_free(loaded);
    ph_data_close(data);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saving),    cmocka_unit_test(loading),
        cmocka_unit_test(training),  cmocka_unit_test(training_pca),
        cmocka_unit_test(resuming),  cmocka_unit_test(encoding),
        cmocka_unit_test(evaluating), cmocka_unit_test(reading_data),
        cmocka_unit_test(starting_threads),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
