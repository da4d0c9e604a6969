/* test_machine.c - the command on a machine that is short of things: a disk that is full, a file that
 * shrinks, another process that writes the same file, more threads than CPUs. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/file.h"
#include "faults/process.h"

/* ---- A full disk --------------------------------------------------------------------------------- */

static void a_file_that_may_not_grow(void **state)
{
    (void)state;
    size_t before, after;
    run(TINY "--epochs 1 -o full.pin", 0);
    uint8_t *old = ph_file_read(in_folder("full.pin"), &before);
    file_limit = 20000;
    run(TINY "--quiet --epochs 3 --checkpoint-every 1 -o full.pin", 1);
    file_limit = 0;
    assert_says("run.err", "full.pin: cannot write: File too large; training goes on");
    assert_says("run.err", "nowhere to save");
    assert_int_equal(epoch_told("run.out"), 3);
    uint8_t *now_there = ph_file_read(in_folder("full.pin"), &after);
    assert_int_equal(before, after);
    assert_memory_equal(old, now_there, before);
    free(old);
    free(now_there);
    assert_int_equal(leftovers(), 0);
    assert_int_equal(rmdir(in_folder("tmp")), 0); /* nor there */
    assert_int_equal(mkdir(in_folder("tmp"), 0777), 0);
}

/* A folder "small" of 8 MiB; false where this process may not mount one. */
static bool has_small_disk;

static void put(const char *path, const char *text)
{
    int file = open(path, O_WRONLY);
    if (file >= 0 && write(file, text, strlen(text)) < 0)
        has_small_disk = false;
    close(file);
}

static void mount_small_disk(void)
{
    char map[64];
    uid_t user = geteuid();
    gid_t group = getegid();
    mkdir(in_folder("small"), 0777);
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
        return;
    if (user != 0) {
        put("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", (unsigned)user);
        put("/proc/self/uid_map", map);
        snprintf(map, sizeof map, "0 %u 1", (unsigned)group);
        put("/proc/self/gid_map", map);
    }
    has_small_disk = mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                     mount("none", in_folder("small"), "tmpfs", 0, "size=8m") == 0;
}

static void fill(void)
{
    char block[4096] = "x";
    FILE *f = fopen(in_folder("small/filler"), "wb");
    setvbuf(f, NULL, _IONBF, 0);
    while (fwrite(block, 1, sizeof block, f) == sizeof block)
        ;
    fclose(f);
}

static void a_full_disk(void **state)
{
    (void)state;
    if (!has_small_disk) {
        print_message("    no small disk can be mounted here\n");
        skip();
    }
    run(TINY "--epochs 2 -o small/m.pin", 0);
    fill();
    /* Full to the end: the old model stays, the new one is saved elsewhere, and goes on from there. */
    run(TINY "--quiet --epochs 4 --checkpoint-every 1 -o small/m.pin", 1);
    assert_says("run.err", "small/m.pin: cannot write: No space left on device; training goes on");
    assert_says("run.err", "tmp/pinhole-");
    assert_int_equal(epoch_in("small/m.pin"), 2);
    char path[512], *end;
    snprintf(path, sizeof path, "%s", strstr(said("run.err"), "saved ") + 6);
    end = strstr(path, " instead");
    assert_non_null(end);
    *end = '\0';
    unlink(in_folder("small/filler"));
    size_t size;
    uint8_t *bytes = ph_file_read(path, &size);
    assert_non_null(bytes);
    FILE *f = fopen(in_folder("small/m.pin"), "wb");
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    free(bytes);
    run(TINY "--epochs 6 -o small/m.pin --resume", 0);
    run(TINY "--epochs 6 -o whole.pin", 0);
    assert_true(same_models("small/m.pin", "whole.pin"));
    /* Full for a while: nothing is lost but that checkpoint. */
    fill();
    pid_t child = start("full", TINY "--quiet --epochs 1000 --checkpoint-every 1 -o small/m.pin");
    for (double limit = now() + 60; !strstr(said("full.err"), "goes on") && now() < limit;)
        wait_for(0.002);
    unlink(in_folder("small/filler"));
    assert_int_equal(end_of(child), 0);
    assert_int_equal(epoch_in("small/m.pin"), 1000);
}

/* ---- Others at work ------------------------------------------------------------------------------ */

static void two_processes_one_file(void **state)
{
    (void)state;
    run(TINY "--epochs 15 --seed 1 -o one.pin", 0);
    run(TINY "--epochs 15 --seed 2 -o two.pin", 0);
    for (int i = 0; i < 5; i++) {
        pid_t a = start("a", TINY "--epochs 15 --seed 1 --checkpoint-every 1 -o both.pin");
        pid_t b = start("b", TINY "--epochs 15 --seed 2 --checkpoint-every 1 -o both.pin");
        assert_int_equal(end_of(a), 0);
        assert_int_equal(end_of(b), 0);
        assert_true(same_models("both.pin", "one.pin") || same_models("both.pin", "two.pin"));
        assert_int_equal(leftovers(), 0);
    }
}

static void more_threads_than_cpus(void **state)
{
    (void)state;
    double best[5];
    for (int threads = 1; threads <= 4; threads++) {
        char arguments[256], name[16];
        snprintf(name, sizeof name, "t%d.pin", threads);
        snprintf(arguments, sizeof arguments, TINY "--epochs 60 --threads %d -o %s", threads, name);
        best[threads] = duration(arguments);
        assert_true(same_models(name, "t1.pin"));
    }
    print_message("    1 to 4 threads: %.3f, %.3f, %.3f, %.3f s\n", best[1], best[2], best[3], best[4]);
#ifndef PH_SANITIZED
    /* Threads that wait for each other by spinning alone would take some 10 s here. */
    assert_true(best[4] < 6 * best[2] + 1);
#endif
}

/* A sparse file of zeros that is too large to be held in memory. */
static void make_large_file(const char *name, size_t rows, size_t width)
{
    char header[129] = "\x93NUMPY\x01";
    header[8] = 118;
    memset(header + 10, ' ', 118);
    int used = snprintf(header + 10, 100, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu, %zu), }",
                        rows, width);
    header[10 + used] = ' ';
    header[127] = '\n';
    FILE *f = fopen(in_folder(name), "wb");
    fwrite(header, 1, 128, f);
    fclose(f);
    assert_int_equal(truncate(in_folder(name), (off_t)(128 + rows * width)), 0);
}

static void a_file_that_shrinks(void **state)
{
    (void)state;
    make_large_file("large.npy", 600000, 1024);
    pid_t child = start("slow", "train ae large.npy --hidden 8 --latent-dim 2 --quiet --no-shuffle "
                                "--scaling bytes -o shrunk.pin");
    wait_for_training(child);
    wait_for(0.3);
    assert_int_equal(truncate(in_folder("large.npy"), 128 + 1024), 0);
    assert_int_equal(end_of(child), 1);
    assert_says("slow.err", "large.npy: the file has become shorter while it was read");
    assert_says("slow.err", "--resume");
    epoch_in("shrunk.pin");
}

static int begin(void **state)
{
    if (make_rows(state) != 0)
        return 1;
    mount_small_disk();
    mkdir(in_folder("tmp"), 0777);
    return setenv("TMPDIR", in_folder("tmp"), 1);
}

static int end(void **state)
{
    umount(in_folder("small"));
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_may_not_grow), cmocka_unit_test(a_full_disk),
        cmocka_unit_test(two_processes_one_file),   cmocka_unit_test(more_threads_than_cpus),
        cmocka_unit_test(a_file_that_shrinks),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
