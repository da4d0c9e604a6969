/* test_get.c - downloading: whole, resumed, wrong, stopped. A server on loopback hands out a small
 * made-up set. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "data/get.h"
#include "data/scene.h"

enum { BYTES = 300000 };

static uint8_t large[BYTES];
static char large_sum[PH_SHA256_TEXT], small_sum[PH_SHA256_TEXT];

static int begin(void **state)
{
    (void)state;
    int status = clear();
    serve_file("/made-up/large.gz", large, BYTES);
    serve_file("/made-up/small.gz", small, SMALL);
    return status;
}

static ph_remote_set made_up(void)
{
    return (ph_remote_set){ .name = "made-up", .files = { { "large.gz", BYTES, large_sum },
                                                          { "small.gz", SMALL, small_sum } } };
}

#define LARGE "pinhole/made-up/large.gz"

static void assert_all_there(void)
{
    assert_holds(LARGE, large, BYTES);
    assert_holds("pinhole/made-up/small.gz", small, SMALL);
    assert_int_equal(size_of(LARGE ".part"), -1);
    assert_int_equal(size_of("pinhole/made-up/small.gz.part"), -1);
}

static void assert_fails(const ph_remote_set *set, ph_status status, const char *says)
{
    assert_int_equal(ph_get_set(set, NULL, NULL), status);
    assert_says(ph_message(), says);
    assert_null(strchr(ph_message(), '\n'));
}

static void known_sums(void **state)
{
    char sum[PH_SHA256_TEXT];
    (void)state;
    write_file("abc", "abc", 3);
    assert_int_equal(ph_sha256_file(in_folder("abc"), sum), PH_OK);
    assert_string_equal(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(ph_sha256_file(in_folder("nothing"), sum), PH_IO);
}

typedef struct calls {
    size_t count, whole;
    uint64_t last;
    bool stop;
} calls;

static void count_calls(void *user, const char *file, uint64_t done, uint64_t total)
{
    calls *c = user;
    assert_true(done <= total);
    assert_non_null(file);
    c->count++;
    c->whole += done == total;
    c->last = done;
    if (c->stop && done > 0)
        ph_stop();
}

static void a_whole_set(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    calls c = { 0 };
    assert_int_equal(ph_get_set(&set, count_calls, &c), PH_OK);
    assert_all_there();
    assert_int_equal(server.requests, 2);
    assert_int_equal(c.whole, 2);
    assert_true(c.count > 2);
    /* Nothing is asked for again. */
    c = (calls){ 0 };
    assert_int_equal(ph_get_set(&set, count_calls, &c), PH_OK);
    assert_int_equal(server.requests, 2);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.whole, 2);
    /* A file that has been damaged since is brought anew. */
    write_file("pinhole/made-up/small.gz", "ten bytes!", SMALL);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_int_equal(server.requests, 3);
    assert_all_there();
}

static void resumes(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    server.break_after = 100000;
    assert_fails(&set, PH_IO, "100000 of 300000 bytes are kept, run it again to go on");
    assert_holds(LARGE ".part", large, 100000);
    assert_int_equal(size_of(LARGE), -1);
    server.break_after = 50000;
    assert_fails(&set, PH_IO, "150000 of 300000 bytes are kept");
    assert_int_equal(server.range, 100000);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_int_equal(server.requests, 4);
    assert_all_there();
}

static void a_part_is_whole_already(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    char from[600];
    snprintf(from, sizeof from, "%s", in_folder(LARGE));
    assert_int_equal(rename(from, in_folder(LARGE ".part")), 0);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_int_equal(server.requests, 2);
    assert_all_there();
}

/* Ways in which a part cannot be gone on with: each time the whole file comes anew. */
static void starts_over(void **state)
{
    ph_remote_set set = made_up();
    uint8_t *other = calloc(1, BYTES + 1);
    for (int way = 0; way < 5; way++) {
        begin(state);
        server.break_after = 1000;
        assert_fails(&set, PH_IO, "1000 of 300000");
        server.no_ranges = way == 0;
        server.refuse_ranges = way == 1;
        if (way == 2)
            write_file(LARGE ".part", "something else", 14);
        if (way == 3)
            write_file(LARGE ".part", other, BYTES);
        if (way == 4)
            write_file(LARGE ".part", other, BYTES + 1);
        assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
        assert_all_there();
    }
    free(other);
}

static void wrong_bytes(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    server.wrong = true;
    assert_fails(&set, PH_DATA, large_sum);
    assert_says(ph_message(), "/made-up/large.gz: 300000 bytes with the SHA-256 ");
    assert_says(ph_message(), "removed");
    assert_int_equal(size_of(LARGE), -1);
    assert_int_equal(size_of(LARGE ".part"), -1);
    assert_int_equal(size_of("pinhole/made-up"), -1);
    server.wrong = false;
    serve_file("/made-up/large.gz", large, BYTES - 1);
    assert_fails(&set, PH_DATA, "299999 bytes with the SHA-256 ");
    uint8_t *longer = calloc(1, BYTES + 1);
    serve_file("/made-up/large.gz", longer, BYTES + 1);
    assert_fails(&set, PH_DATA, "more than the 300000 bytes of the official file");
    assert_int_equal(size_of(LARGE ".part"), -1);
    reset_server();
    free(longer);
    /* An older good file stays when a new one cannot be had. */
    begin(state);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    server.wrong = true;
    write_file("pinhole/made-up/small.gz", "older", 5);
    assert_fails(&set, PH_DATA, small_sum);
    assert_holds("pinhole/made-up/small.gz", "older", 5);
    assert_holds(LARGE, large, BYTES);
}

static void no_such_file_no_network(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    reset_server();
    assert_fails(&set, PH_IO, "/made-up/large.gz: cannot download: the server answers 404");
    assert_int_equal(size_of("pinhole/made-up"), -1);
    setenv("PINHOLE_MIRROR", "http://127.0.0.1:1/", 1);
    assert_fails(&set, PH_IO, "http://127.0.0.1:1/made-up/large.gz: cannot download: Failed to connect");
    setenv("PINHOLE_MIRROR", "file:///etc", 1);
    assert_fails(&set, PH_IO, "file:///etc/made-up/large.gz: cannot download: Protocol");
    setenv("PINHOLE_MIRROR", "nonsense://x", 1);
    assert_fails(&set, PH_IO, "cannot download: Protocol");
}

static void redirects(void **state)
{
    char moved[80];
    (void)state;
    ph_remote_set set = made_up();
    snprintf(moved, sizeof moved, "%s/moved", base);
    setenv("PINHOLE_MIRROR", moved, 1);
    server.redirect = "file:///etc";
    assert_fails(&set, PH_IO, "cannot download: Protocol \"file\"");
    server.redirect = base;
    server.break_after = 1000;
    assert_fails(&set, PH_IO, "1000 of 300000");
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_int_equal(size_of(LARGE), BYTES);
    assert_all_there();
}

/* The first is closed, the second has wrong bytes, the third is right. */
static void mirrors(void **state)
{
    char wrong[80], right[80];
    (void)state;
    unsetenv("PINHOLE_MIRROR");
    ph_remote_set set = made_up();
    snprintf(wrong, sizeof wrong, "%s/wrong", base);
    snprintf(right, sizeof right, "%s/made-up", base);
    set.mirrors[0] = "http://127.0.0.1:1";
    set.mirrors[1] = wrong;
    assert_fails(&set, PH_IO, "/wrong/large.gz: cannot download: the server answers 404");
    serve_file("/wrong/large.gz", "no", 2);
    assert_fails(&set, PH_DATA, "/wrong/large.gz: 2 bytes with the SHA-256 ");
    set.mirrors[2] = right;
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_all_there();
}

static void stopped(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    calls c = { .stop = true };
    server.break_after = 100000;   /* so that there is something left to stop */
    assert_int_equal(ph_get_set(&set, count_calls, &c), PH_STOPPED);
    assert_says(ph_message(), "large.gz: interrupted; ");
    assert_says(ph_message(), "of 300000 bytes are kept, run it again to go on");
    assert_int_equal(size_of(LARGE), -1);
    assert_true(size_of(LARGE ".part") > 0);
    assert_int_equal(server.requests, 1);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_true(server.requests == 3);
    assert_all_there();
}

static void places_that_cannot_be_written(void **state)
{
    (void)state;
    ph_remote_set set = made_up();
    char path[600];
    mkdir(in_folder("pinhole"), 0777);
    mkdir(in_folder("pinhole/made-up"), 0777);
    assert_int_equal(symlink("/dev/full", in_folder(LARGE ".part")), 0);
    assert_fails(&set, PH_IO, "large.gz.part: cannot write: No space left on device");
    assert_int_equal(server.requests, 1);
    begin(state);
    write_file("file", "", 0);
    snprintf(path, sizeof path, "%s", in_folder("file"));
    setenv("XDG_CACHE_HOME", path, 1);
    assert_fails(&set, PH_IO, "file: cannot make the folder: File exists");
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    assert_fails(&set, PH_IO, "/proc/nowhere: cannot make the folder: ");
    setenv("XDG_CACHE_HOME", "", 1);
    const char *home = getenv("HOME");
    char kept[300];
    snprintf(kept, sizeof kept, "%s", home ? home : "/");
    unsetenv("HOME");
    assert_fails(&set, PH_IO, "neither $XDG_CACHE_HOME nor $HOME is set");
    setenv("HOME", folder, 1);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_holds(".cache/" LARGE, large, BYTES);
    setenv("HOME", kept, 1);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(ph_data_downloadable(0), "fashion-mnist");
    assert_string_equal(ph_data_downloadable(1), "mnist");
    assert_string_equal(ph_data_downloadable(2), "cifar10");
    assert_null(ph_data_downloadable(3));
    assert_int_equal(ph_data_get("fasion-mnist", NULL, NULL), PH_USAGE);
    assert_says(ph_message(), "did you mean fashion-mnist?");
    assert_says(ph_message(), "there are fashion-mnist, mnist, cifar10");
    char path[300], small_path[8];
    assert_true(ph_data_cache("mnist", path, sizeof path));
    assert_string_equal(path, in_folder("pinhole/mnist"));
    assert_false(ph_data_cache("mnist", small_path, sizeof small_path));
    serve_file("/mnist/train-images-idx3-ubyte.gz", small, SMALL);
    assert_int_equal(ph_data_get("mnist", NULL, NULL), PH_DATA);
    assert_says(ph_message(), "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609");
}

static int open_all(void **state)
{
    int status = open_scene(state);
    for (size_t i = 0; i < BYTES; i++)
        large[i] = (uint8_t)(i * 2654435761u >> 13);
    write_file("large", large, BYTES);
    write_file("small", small, SMALL);
    return status || ph_sha256_file(in_folder("large"), large_sum) != PH_OK ||
           ph_sha256_file(in_folder("small"), small_sum) != PH_OK;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(known_sums), TEST(a_whole_set), TEST(resumes), TEST(a_part_is_whole_already),
        TEST(starts_over), TEST(wrong_bytes), TEST(no_such_file_no_network), TEST(redirects),
        TEST(mirrors), TEST(stopped), TEST(places_that_cannot_be_written), TEST(names),
    };
    return cmocka_run_group_tests(tests, open_all, close_scene);
}
