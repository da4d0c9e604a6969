/* test_kill.c - the command killed and interrupted at any moment: the file is whole, and what is resumed
 * comes to the same model, to the bit. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "faults/process.h"

#ifdef PH_SANITIZED
enum { KILLS = 30, STOPS = 3 };
#else
enum { KILLS = 200, STOPS = 8 };
#endif

/* ---- Killed -------------------------------------------------------------------------------------- */

static void killed_anywhere(void **state)
{
    (void)state;
    double whole = duration(TINY "--epochs 40 --checkpoint-every 1 -o whole.pin"), began = now();
    int kills = 0, early = 0, in_save = 0, ends = 0;
    int64_t epoch = 0;
    while (kills < KILLS) {
        bool resumed = there("k.pin");
        pid_t child = start("k", resumed ? TINY "--epochs 40 --checkpoint-every 1 -o k.pin --resume"
                                         : TINY "--epochs 40 --checkpoint-every 1 -o k.pin");
        /* The start is short and much happens in it: it gets more than its share. */
        int status = end_by(child, SIGKILL, whole * 1.05 * draw() * draw());
        if (status != 0 && status != -SIGKILL)
            fail_msg("status %d: %s", status, said("k.err"));
        kills += status != 0;
        int64_t told = epoch_told("k.out");
        assert_true(leftovers() <= 1);
        in_save += leftovers();
        if (!there("k.pin")) {
            assert_true(!resumed && told <= 1);
            early++;
            continue;
        }
        int64_t now_at = epoch_in("k.pin");
        assert_true(now_at >= told - 1 && now_at >= epoch);
        epoch = now_at;
        if (kills % 10 == 0) {
            run("info k.pin", 0);
            run("eval k.pin rows.npy", 0);
        }
        if (status == 0) {
            assert_true(same_models("k.pin", "whole.pin"));
            assert_int_equal(leftovers(), 0);
            unlink(in_folder("k.pin"));
            epoch = 0;
            ends++;
        }
    }
    if (there("k.pin")) {
        run(TINY "--epochs 40 -o k.pin --resume", 0);
        assert_true(same_models("k.pin", "whole.pin"));
    }
    print_message("    %d kills in %.0f s: %d before the first save, %d within a save; %d runs came to "
                  "their end\n", kills, now() - began, early, in_save, ends);
}

/* ---- Interrupted --------------------------------------------------------------------------------- */

static void stopped_anywhere(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "--epochs 40 --optimizer adam --schedule cosine --warmup 2 --val-split 0.2",
        "--epochs 40 --optimizer sgd --momentum 0.9 --nesterov --lr 0.02 --schedule step --step-every 5 "
        "--clip-norm 1",
        "--epochs 40 --optimizer rmsprop --momentum 0.5 --schedule plateau --patience 1 --val-split 0.3 "
        "--average 0.9",
        "--epochs 400 --optimizer adamw --weight-decay 0.01 --lr 0.02 --val-split 0.2 --early-stop 3",
    };
    int stops = 0, ends = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        char first[512], again[540];
        snprintf(first, sizeof first, TINY "%s -o whole.pin", kinds[k]);
        double whole = duration(first);
        snprintf(first, sizeof first, TINY "%s -o s.pin", kinds[k]);
        snprintf(again, sizeof again, "%s --resume", first);
        for (int stopped = 0; stopped < STOPS;) {
            int status = end_by(start("s", there("s.pin") ? again : first), SIGINT,
                                whole * 0.7 * draw());
            /* Before training has begun there is nothing to keep, and the signal ends it. */
            if (status != 0 && status != 1 && status != -SIGINT)
                fail_msg("status %d: %s", status, said("s.err"));
            if (status == 1)
                assert_says("s.err", "--resume");
            stopped += status == 1;
            stops += status == 1;
            if (stopped == STOPS)
                run(again, status = 0);
            if (status == 0) {
                if (!same_models("s.pin", "whole.pin"))
                    fail_msg("another model after stops, with %s", kinds[k]);
                unlink(in_folder("s.pin"));
                ends++;
            }
        }
    }
    print_message("    %d stops, %d runs came to their end\n", stops, ends);
}

static void a_second_stop_ends_at_once(void **state)
{
    (void)state;
    pid_t child = start("slow", "train ae glyphs --hidden 2048 --latent-dim 2 --batch-size 10000 -o slow.pin");
    wait_for_training(child);
    wait_for(0.05);
    kill(child, SIGINT);
    wait_for(0.05);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0); /* it waits for its step to end */
    double began = now();
    kill(child, SIGINT);
    assert_int_equal(end_of(child), -SIGINT);
    assert_true(now() - began < 2);
    assert_false(there("slow.pin"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(stopped_anywhere),
        cmocka_unit_test(a_second_stop_ends_at_once),
    };
    return cmocka_run_group_tests(tests, make_rows, remove_folder);
}
