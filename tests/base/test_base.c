/* test_base.c - the ground floor: the team of threads, files, settings and options, safetensors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/options.h"
#include "base/safetensors.h"
#include "base/team.h"
#include "scratch.h"


/* ---- The team ---------------------------------------------------------------------------------- */

typedef struct count {
    atomic_int parts, passed;
    int seen[64];
    bool wrong;
} count;

static void count_parts(void *context, int part, int parts)
{
    count *c = context;
    atomic_fetch_add(&c->parts, 1);
    for (int round = 1; round <= 50; round++) {
        atomic_fetch_add(&c->passed, 1);
        ph_team_barrier(NULL, NULL);
        if (atomic_load(&c->passed) < round * parts)
            c->wrong = true;
        ph_team_barrier(NULL, NULL);
    }
    c->seen[part] = parts;
}

static void barriers_hold(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads++)
        for (int again = 0; again < 20; again++) {
            count c = { 0 };
            assert_int_equal(ph_set_threads(threads, again % 2), PH_OK);
            assert_int_equal(ph_threads(), threads);
            ph_team_run(count_parts, &c);
            assert_int_equal(atomic_load(&c.parts), threads);
            assert_false(c.wrong);
            for (int i = 0; i < threads; i++)
                assert_int_equal(c.seen[i], threads);
        }
    assert_int_equal(ph_set_threads(-1, true), PH_USAGE);
    assert_int_equal(ph_set_threads(1000, true), PH_USAGE);
    ph_set_threads(2, false);
}

__attribute__((unused)) static void a_child_has_a_team_of_its_own(void **state)
{
    (void)state;
    count c = { 0 };
    ph_team_run(count_parts, &c);
    pid_t child = fork();
    if (child == 0) {
        count mine = { 0 };
        ph_team_run(count_parts, &mine);
        _exit(mine.wrong || atomic_load(&mine.parts) != 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- Files -------------------------------------------------------------------------------------- */

static void assert_holds(const char *name, const char *text)
{
    size_t size;
    uint8_t *bytes = ph_file_read(in_folder(name), &size);
    assert_non_null(bytes);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    ph_file *f = ph_file_create(in_folder("a"));
    assert_int_equal(ph_file_write(f, "first", 5), PH_OK);
    assert_int_equal(access(in_folder("a"), F_OK), -1);
    assert_int_equal(ph_file_commit(f), PH_OK);
    assert_holds("a", "first");
    assert_int_equal(chmod(in_folder("a"), 0640), 0);
    f = ph_file_create(in_folder("a"));
    ph_file_write(f, "xxxxxx", 6);
    assert_int_equal(ph_file_write_at(f, 1, "eco", 3), PH_OK);
    assert_holds("a", "first");
    assert_int_equal(ph_file_commit(f), PH_OK);
    assert_holds("a", "xecoxx");
    struct stat info;
    assert_int_equal(stat(in_folder("a"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    f = ph_file_create(in_folder("a"));
    ph_file_write(f, "gone", 4);
    ph_file_discard(f);
    assert_holds("a", "xecoxx");
    char to[512];
    snprintf(to, sizeof to, "%s", in_folder("a"));
    assert_int_equal(symlink(to, in_folder("link")), 0);
    f = ph_file_create(in_folder("link"));
    ph_file_write(f, "through", 7);
    assert_int_equal(ph_file_commit(f), PH_OK);
    assert_holds("a", "through");
    assert_int_equal(lstat(in_folder("link"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_null(ph_file_create("/nowhere/at/all"));
    assert_int_equal(ph_last_status(), PH_IO);
    f = ph_file_create("/dev/full");
    ph_file_write(f, "x", 1);
    assert_int_equal(ph_file_commit(f), PH_IO);
}

/* ---- Options ------------------------------------------------------------------------------------- */

typedef struct target {
    bool flag;
    int64_t whole;
    double real_number;
    const char *text, *choice;
} target;

static const ph_option table[] = {
    { "a-flag", NULL, PH_OPTION_FLAG, offsetof(target, flag), "0", 0, 0, NULL, "" },
    { "whole", "count n_rows", PH_OPTION_INT, offsetof(target, whole), "7", 1, 100, NULL, "" },
    { "real", NULL, PH_OPTION_REAL, offsetof(target, real_number), "0.1", 0, 0, NULL, "" },
    { "text", NULL, PH_OPTION_TEXT, offsetof(target, text), NULL, 0, 0, NULL, "" },
    { "choice", NULL, PH_OPTION_CHOICE, offsetof(target, choice), "bce", 0, 0, "bce lp:P mse grid:KxN", "" },
};
enum { OPTIONS = sizeof table / sizeof table[0] };

static ph_status read_one(const char *name, const char *value, target *t)
{
    ph_settings *s = ph_settings_new();
    assert_int_equal(ph_settings_set(s, name, value), PH_OK);
    ph_status status = ph_options_read(table, OPTIONS, s, t);
    if (t->text == value || t->text)
        t->text = NULL; /* it pointed into the settings */
    if (status == PH_OK && t->choice != table[4].value)
        t->choice = strncmp(value, "lp", 2) == 0 ? "lp" : "other";
    ph_settings_free(s);
    return status;
}

static void options(void **state)
{
    (void)state;
    target t;
    assert_int_equal(ph_options_read(table, OPTIONS, NULL, &t), PH_OK);
    assert_true(!t.flag && t.whole == 7 && t.real_number == 0.1 && t.text == NULL);
    assert_string_equal(t.choice, "bce");
    static const struct { const char *name, *value; } right[] = {
        { "a_flag", "1" }, { "A-Flag", "yes" }, { "whole", "100" }, { "n-rows", "1" },
        { "real", "-1e-3" }, { "choice", "mse" }, { "choice", "lp:1.5" }, { "whole", "1e2" },
        { "choice", "grid:10x20" } };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_int_equal(read_one(right[i].name, right[i].value, &t), PH_OK);
    static const struct { const char *name, *value, *says; } wrong[] = {
        { "a-flag", "maybe", "flag" }, { "whole", "0", "between 1 and 100" }, { "whole", "", "whole" },
        { "whole", "1.5", "whole number" }, { "whole", "101", "between" }, { "real", "nan", "number" },
        { "real", "1x", "number" }, { "choice", "lp:", "one of: bce" }, { "choice", "lp:x", "one of" },
        { "choice", "mse2", "one of" }, { "choice", "", "one of" }, { "choice", "grid:10", "one of" },
        { "choice", "grid:10x", "one of" }, { "choice", "grid:x20", "one of" },
        { "choice", "grid:10x20x3", "one of" }, { "choice", "grid:10:20", "one of" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(read_one(wrong[i].name, wrong[i].value, &t), PH_USAGE);
        if (strstr(ph_message(), wrong[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", ph_message(), wrong[i].says);
    }
    const ph_option *tables[] = { table };
    size_t counts[] = { OPTIONS };
    ph_settings *s = ph_settings_new();
    ph_settings_set(s, "wohle", "3");
    assert_int_equal(ph_options_check(s, tables, counts, 1), PH_USAGE);
    assert_non_null(strstr(ph_message(), "did you mean 'whole'"));
    ph_settings_free(s);
    /* Numbers come back exactly from their text. */
    for (int i = 0; i < 1000; i++) {
        char text[64];
        target from = { .real_number = (i - 500) * 0.1 / 3 }, to;
        ph_option_text(&table[2], &from, text, sizeof text);
        assert_int_equal(read_one("real", text, &to), PH_OK);
        assert_true(to.real_number == from.real_number);
    }
}

static void settings_have_an_end(void **state)
{
    (void)state;
    FILE *file = fopen(in_folder("long"), "w");
    for (int i = 0; i < 1000000; i++)
        fprintf(file, "name%d = 1\n", i);
    fclose(file);
    ph_settings *s = ph_settings_new();
    assert_int_equal(ph_settings_read(s, in_folder("long")), PH_USAGE);
    assert_non_null(strstr(ph_message(), "long:4097: name4096"));
    assert_int_equal(ph_settings_set(s, "name7", "2"), PH_OK);
    assert_string_equal(ph_settings_get(s, "name7"), "2");
    ph_settings_free(s);
}

/* ---- Safetensors ------------------------------------------------------------------------------------- */

static void tensors_come_back(void **state)
{
    (void)state;
    float a[6] = { 1, 2, 3, 4, 5, 6 };
    uint8_t b[3] = { 7, 8, 9 };
    ph_tensor t[] = { { "a/weight", "F32", 2, { 2, 3 }, sizeof a, a },
                      { "b", "U8", 1, { 3 }, sizeof b, b } };
    ph_text text[] = { { "name", "a \"quoted\" text\nof two lines" } };
    ph_tensors file;
    assert_int_equal(ph_tensors_write(in_folder("t"), t, 2, text, 1), PH_OK);
    assert_int_equal(ph_tensors_read(in_folder("t"), &file), PH_OK);
    assert_memory_equal(ph_tensors_find(&file, "a/weight")->data, a, sizeof a);
    assert_int_equal(ph_tensors_find(&file, "a/weight")->shape[1], 3);
    assert_memory_equal(ph_tensors_find(&file, "b")->data, b, sizeof b);
    assert_string_equal(ph_tensors_text(&file, "name"), text[0].value);
    assert_null(ph_tensors_find(&file, "c"));
    assert_int_equal(((const uint8_t *)ph_tensors_find(&file, "a/weight")->data - file.bytes) % 64, 0);
    ph_tensors_free(&file);
    /* Cut anywhere, it is refused and nothing leaks. */
    size_t size;
    uint8_t *bytes = ph_file_read(in_folder("t"), &size);
    for (size_t cut = 0; cut < size; cut++) {
        FILE *f = fopen(in_folder("cut"), "wb");
        fwrite(bytes, 1, cut, f);
        fclose(f);
        assert_int_equal(ph_tensors_read(in_folder("cut"), &file), PH_DATA);
        assert_non_null(strstr(ph_message(), "cut"));
    }
    free(bytes);
}

/* Names of files need not be UTF-8, nor end where a character does; the header must be and is read
 * by others, who also write it in other ways. */
static void texts_of_any_kind(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        { "caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80" },
        { "caf\xe9", "caf\xef\xbf\xbd" }, /* Latin-1 */
        { "cut \xf0\x9f\x98", "cut \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "\\ \" \b\f\n\r\t\x01\x7f /", "\\ \" \b\f\n\r\t\x01\x7f /" },
        { "", "" },
    };
    ph_tensors file;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(ph_tensors_write(in_folder("t"), NULL, 0, &(ph_text){ "x", kinds[i][0] }, 1),
                         PH_OK);
        assert_int_equal(ph_tensors_read(in_folder("t"), &file), PH_OK);
        assert_string_equal(ph_tensors_text(&file, "x"), kinds[i][1]);
        ph_tensors_free(&file);
    }
    const char header[] = " { \"__metadata__\" : { \"\\u0061\" : \"\\u00e9\\uD83D\\ude00\\/\" }\n,"
                          "\"b\":{\"data_offsets\":[0, 0],\"shape\":[0 ],\"dtype\":\"U8\"}}\t";
    uint64_t length = strlen(header);
    FILE *f = fopen(in_folder("t"), "wb");
    fwrite(&length, 1, 8, f);
    fwrite(header, 1, length, f);
    fclose(f);
    assert_int_equal(ph_tensors_read(in_folder("t"), &file), PH_OK);
    assert_string_equal(ph_tensors_text(&file, "a"), "\xc3\xa9\xf0\x9f\x98\x80/");
    assert_non_null(ph_tensors_find(&file, "b"));
    ph_tensors_free(&file);
    /* Any byte of it may be another: that is seen, or makes no difference. */
    static const char others[] = "\"\\{}[],:0au/ \n\x80\xff";
    for (size_t i = 0; i < length; i++)
        for (size_t c = 0; c < sizeof others; c++) {
            char text[sizeof header];
            memcpy(text, header, sizeof header);
            text[i] = others[c];
            f = fopen(in_folder("t"), "wb");
            fwrite(&length, 1, 8, f);
            fwrite(text, 1, length, f);
            fclose(f);
            ph_status status = ph_tensors_read(in_folder("t"), &file);
            assert_true(status == PH_OK || status == PH_DATA);
            ph_tensors_free(&file);
        }
}

static void damaged_headers(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "", "[]", "nonsense", "{\"a\":1}", "{\"a\":{}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,400]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,9223372036854775807],"
        "\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
        "{\"__metadata__\":{\"a\":\"\\ud800\"}}", "{\"__metadata__\":{\"a\":\"\\u0000\"}}",
        "{\"__metadata__\":{\"a\":\"\\x\"}}", "{\"__metadata__\":{\"a\":\"\xff\"}}", "{} x",
        "{\"__metadata__\":3}", "{\"__metadata__\":{\"a\":3}}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ph_tensors file;
        uint64_t length = strlen(headers[i]);
        FILE *f = fopen(in_folder("bad"), "wb");
        fwrite(&length, 1, 8, f);
        fwrite(headers[i], 1, length, f);
        fwrite("12345678", 1, 8, f);
        fclose(f);
        if (ph_tensors_read(in_folder("bad"), &file) != PH_DATA)
            fail_msg("accepted: %s", headers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(barriers_hold),
#ifndef __SANITIZE_THREAD__ /* which does not let a forked child start threads */
        cmocka_unit_test(a_child_has_a_team_of_its_own),
#endif
        cmocka_unit_test(files_are_replaced_whole), cmocka_unit_test(options),
        cmocka_unit_test(tensors_come_back), cmocka_unit_test(texts_of_any_kind),
        cmocka_unit_test(damaged_headers), cmocka_unit_test(settings_have_an_end),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
