/* test_archive.c - a set that comes as one archive: unpacked by the names expected, kept out of all
 * other places, refused when it is damaged. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/sha256.h"
#include "data/get.h"
#include "data/scene.h"

static uint8_t large[2000];

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 2654435761u >> 13);
    return clear();
}

typedef struct archive {
    uint8_t bytes[1 << 16];
    size_t count;
} archive;

static void add_member(archive *a, const char *name, char type, const void *bytes, size_t count)
{
    uint8_t *header = a->bytes + a->count;
    unsigned sum = 0;
    memset(header, 0, 512);
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 124, 12, "%011zo", count);
    header[156] = (uint8_t)type;
    memcpy(header + 257, "ustar\00000", 8);
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
    memcpy(header + 512, bytes, count);
    a->count += 512 + (count + 511) / 512 * 512;
}

/* Serves the archive, gzipped, and returns the set that it is. */
static ph_remote_set serve_archive(const archive *a, size_t count, const ph_tar_member *members)
{
    static uint8_t packed[1 << 17];
    static char sum[PH_SHA256_TEXT];
    gzFile f = gzopen(in_folder("packed"), "wb");
    assert_int_equal(gzwrite(f, a->bytes, (unsigned)count), (int)count);
    gzclose(f);
    assert_int_equal(ph_sha256_file(in_folder("packed"), sum), PH_OK);
    FILE *in = fopen(in_folder("packed"), "rb");
    size_t size = fread(packed, 1, sizeof packed, in);
    fclose(in);
    serve_file("/made-up/all.tar.gz", packed, size);
    return (ph_remote_set){ .name = "made-up", .files = { { "all.tar.gz", size, sum } },
                            .members = members };
}

static const ph_tar_member members[] = { { "one.bin", 700 }, { "two.bin", 512 }, { "meta.txt", 0 },
                                         { NULL, 0 } };

static void count_files(void *user, const char *file, uint64_t done, uint64_t total)
{
    (void)file;
    *(int *)user += done == total;
}

static void assert_refused(const ph_remote_set *set, const char *says)
{
    assert_int_equal(ph_get_set(set, NULL, NULL), PH_DATA);
    assert_says(ph_message(), says);
}

static void unpacks(void **state)
{
    (void)state;
    static archive a;
    a.count = 0;
    add_member(&a, "batches/", '5', "", 0);
    add_member(&a, "batches/readme.html", '0', large, 600);
    add_member(&a, "batches/meta.txt", '0', "cat\n", 4);
    add_member(&a, "../../../one.bin", '0', large, 700);
    add_member(&a, "/tmp/two.bin", 0, large + 700, 512);
    add_member(&a, "../../one.bin", '2', "", 0);
    ph_remote_set set = serve_archive(&a, a.count + 1024, members);
    int files = 0;
    assert_int_equal(ph_get_set(&set, count_files, &files), PH_OK);
    assert_holds("pinhole/made-up/one.bin", large, 700);
    assert_holds("pinhole/made-up/two.bin", large + 700, 512);
    assert_holds("pinhole/made-up/meta.txt", "cat\n", 4);
    assert_int_equal(size_of("pinhole/made-up/readme.html"), -1);
    assert_int_equal(size_of("pinhole/made-up/all.tar.gz"), -1);
    assert_int_equal(size_of("one.bin"), -1);
    assert_int_equal(files, 3);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_int_equal(server.requests, 1);
    truncate(in_folder("pinhole/made-up/two.bin"), 511);
    assert_int_equal(ph_get_set(&set, NULL, NULL), PH_OK);
    assert_int_equal(server.requests, 2);
    assert_int_equal(size_of("pinhole/made-up/two.bin"), 512);
}

static void damaged_archives(void **state)
{
    (void)state;
    static archive a;
    static const struct { size_t count; const char *says; } cut[] = {
        { 100, "ends early" }, { 512 + 300, "ends early" }, { 2 * 512 + 512, "ends early" } };
    for (size_t i = 0; i < 3; i++) {
        begin(NULL);
        a.count = 0;
        add_member(&a, "one.bin", '0', large, 700);
        ph_remote_set set = serve_archive(&a, cut[i].count, members);
        assert_refused(&set, cut[i].says);
    }
    begin(NULL);
    ph_remote_set set = serve_archive(&a, a.count + 1024, members);
    assert_refused(&set, "all.tar.gz: there is no two.bin in it");
    begin(NULL);
    add_member(&a, "two.bin", '0', large, 513);
    set = serve_archive(&a, a.count + 1024, members);
    assert_refused(&set, "two.bin has 513 bytes in it, not 512");
    assert_int_equal(size_of("pinhole/made-up/two.bin"), -1);
    begin(NULL);
    a.bytes[3] ^= 1;
    set = serve_archive(&a, a.count + 1024, members);
    assert_refused(&set, "not a tar archive");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unpacks, begin), cmocka_unit_test_setup(damaged_archives, begin),
    };
    return cmocka_run_group_tests(tests, open_scene, close_scene);
}
