/* test_regressions.c - the inputs that fuzzing starts from, and those on which it once found a
 * mistake, replayed: the checks are in fuzz.c. regressions/KIND/NAME says in NAME what was wrong.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>

#include "fuzz/fuzz.c"
#include "scratch.h"

/* Calls visit(root/name) for each entry of a folder; returns how many it says yes to. */
static int each_entry(const char *root, const char *kind, int (*visit)(const char *path, const char *kind))
{
    DIR *entries = opendir(root);
    int count = 0;
    for (struct dirent *e; entries && (e = readdir(entries));) {
        char path[900];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", root, e->d_name);
        count += visit(path, kind ? kind : e->d_name);
    }
    if (entries)
        closedir(entries);
    return count;
}

static int replay(const char *path, const char *kind)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    print_message("%s\n", path);
    return fuzz(kind, bytes, size) == PH_OK;
}

static int replay_kind(const char *path, const char *kind)
{
    each_entry(path, kind, replay);
    return 1;
}

/* A kind of which nothing opens would be fuzzed in vain. */
static int replay_seeds(const char *path, const char *kind)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return 0;
    if (each_entry(path, kind, replay) == 0 && strstr(" " PH_FUZZ_KINDS " ", kind))
        fail_msg("no seed of kind %s can be opened: %s", kind, ph_message());
    return 1;
}

static void seeds(void **state)
{
    char command[700];
    (void)state;
    snprintf(command, sizeof command, PH_FUZZ_SEEDS " %s", in_folder("seeds"));
    assert_int_equal(system(command), 0);
    assert_true(each_entry(in_folder("seeds"), NULL, replay_seeds) > 10);
}

static void regressions(void **state)
{
    (void)state;
    each_entry(PH_SOURCE_DIR "/tests/fuzz/regressions", NULL, replay_kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(seeds), cmocka_unit_test(regressions) };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
