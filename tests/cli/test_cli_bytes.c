/* test_cli_bytes.c - text as bytes from outside: what is learnt of it, holes, whole files and folders back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"

#define SMALL "--width 32 --depth 2 --mlp-ratio 2 --decoder-width 32 --batch-size 16 --threads 1 --quiet "

static const char *const words[] = { "the ",   "camera ", "light ", "through ", "a ",     "small ",
                                     "hole ",  "makes ",  "picture ", "on ",    "wall ",  "upside ",
                                     "down ",  "and ",   "whole ", "again.\n", "nobody ", "looks " };

/* Words drawn by a generator of the test's own, so that what comes next in a word is known and which word is not. */
static size_t write_text(const char *name, uint32_t seed, size_t least)
{
    size_t size = 0;
    FILE *f = fopen(in_folder(name), "wb");
    while (size < least) {
        seed = seed * 1664525u + 1013904223u;
        size += (size_t)fprintf(f, "%s", words[(seed >> 16) % (sizeof words / sizeof words[0])]);
    }
    fclose(f);
    return size;
}

static size_t read_file(const char *name, char *to, size_t size)
{
    FILE *f = fopen(in_folder(name), "rb");
    if (f == NULL)
        fail_msg("there is no %s", name);
    size_t n = fread(to, 1, size, f);
    fclose(f);
    return n;
}

static void write_file(const char *name, const char *from, size_t size)
{
    FILE *f = fopen(in_folder(name), "wb");
    assert_int_equal(fwrite(from, 1, size, f), size);
    fclose(f);
}

/* Of text that it never saw, it tells hidden bytes better than by how often each is there. */
static void text_is_learnt(void **state)
{
    (void)state;
    static char page[1 << 20];
    write_text("text.txt", 1, 8000);
    write_text("new.txt", 2, 2000);
    assert_run("data text.txt --format bytes --window 32", 0);
    assert_says(out, "rows are windows of 32 bytes, 16 apart, of 1 file");
    assert_says(out, "bits a byte");
    assert_run("train mae text.txt --format bytes --window 32 --mask 0.2 " SMALL "--epochs 30 --lr 0.005 -o t.pin", 0);
    assert_run("eval t.pin new.txt --json", 0); /* as bytes, in windows of 32 */
    assert_true(figure("rows") > 100 && figure("entropy") > 3.5);
    if (!(figure("masked_bits") < 0.7 * figure("entropy")))
        fail_msg("%g bits of %g", figure("masked_bits"), figure("entropy"));
    assert_true(figure("masked_exact") > 0.45);
    assert_true(strstr(out, "\"mse\"") == NULL && strstr(out, "psnr") == NULL); /* a byte is no quantity */
    assert_run("info t.pin", 0);
    assert_fails("eval t.pin new.txt --format csv", 2, "holds text"); /* what is asked for wins */
    assert_run("report t.pin new.txt -o page.html", 0);
    assert_true(read_file("page.html", page, sizeof page) > 0);
    assert_says(page, "hidden bytes came back</figcaption><pre>");
    assert_says(page, "<mark>");
    assert_run("encode t.pin new.txt -o codes.csv", 0);
    assert_run("score t.pin new.txt -o odd.csv", 0);
    assert_says(err, " of 1 files are odd");
}

static void whole_files_come_back(void **state)
{
    (void)state;
    static char text[1 << 14], back[1 << 14];
    size_t size = read_file("new.txt", text, sizeof text), same = 0;
    assert_run("reconstruct t.pin new.txt -o back.txt", 0);
    assert_int_equal(read_file("back.txt", back, sizeof back), size);
    for (size_t i = 0; i < size; i++)
        same += text[i] == back[i];
    assert_true(same > size * 85 / 100 && same < size); /* four fifths are seen */
    assert_run("reconstruct t.pin - -o piped.bin <new.txt", 0);
    assert_int_equal(read_file("piped.bin", text, sizeof text), size);
    assert_memory_equal(text, back, size);
    assert_run("reconstruct t.pin new.txt -o back.npy", 0);
    ph_data *d = ph_data_open(in_folder("back.npy"), NULL);
    ph_real row[32];
    for (size_t r = 0; r < 20; r++) {
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (int i = 0; i < 32; i++)
            assert_true(row[i] == floor((double)row[i]) && row[i] >= 0 && row[i] <= 255);
    }
    ph_data_close(d);
    mkdir(in_folder("texts"), 0777);
    write_text("texts/a.csv", 3, 100);
    write_text("texts/b", 4, 32);
    assert_run("reconstruct t.pin texts -o again/", 0);
    assert_int_equal(read_file("again/a.csv", back, sizeof back), read_file("texts/a.csv", text, sizeof text));
    assert_int_equal(read_file("again/b", back, sizeof back), read_file("texts/b", text, sizeof text));
    assert_fails("reconstruct t.pin texts -o one.txt", 2, "not the windows of one file");
}

/* Holes are filled by what stands around them, by a mask that is a file of bytes, too. */
static void holes_in_text(void **state)
{
    (void)state;
    static char text[1 << 14], mask[1 << 14], back[1 << 14];
    size_t size = read_file("new.txt", text, sizeof text), right = 0, holes = 0;
    for (size_t i = 0; i < size; i++)
        mask[i] = i % 7 == 3 ? ' ' : 'x';
    write_file("mask.txt", mask, size);
    assert_run("reconstruct t.pin new.txt --mask mask.txt -o filled.txt", 0);
    assert_says(out, "holes_exact");
    assert_int_equal(read_file("filled.txt", back, sizeof back), size);
    for (size_t i = 0; i < size; i++) {
        assert_true(mask[i] == 'x' ? back[i] == text[i] : true);
        holes += mask[i] == ' ';
        right += mask[i] == ' ' && back[i] == text[i];
    }
    assert_true(right > holes / 2);
}

/* Bytes of other families are numbers from 0 to 1, and what comes back is rounded. */
static void other_families(void **state)
{
    (void)state;
    assert_run("train ae new.txt --format bytes --window 16 --hidden none --latent-dim 4 --epochs 2 --quiet -o ae.pin", 0);
    assert_run("info ae.pin", 0);
    assert_says(out, "scaling bytes");
    assert_run("reconstruct ae.pin new.txt -o ae.txt", 0);
    assert_true(there("ae.txt"));
    assert_run("train vae new.txt --format bytes --window 16 --hidden 16 --latent-dim 4 --epochs 1 --quiet -o vae.pin", 0);
    assert_run("eval vae.pin new.txt --json", 0);
    assert_true(figure("bits_per_dimension") > 0); /* bytes are levels to it */
}

/* Folders are classes, for a probe and for labels after hidden bytes. */
static void labelled_folders(void **state)
{
    (void)state;
    mkdir(in_folder("kinds"), 0777);
    mkdir(in_folder("kinds/digits"), 0777);
    mkdir(in_folder("kinds/words"), 0777);
    write_text("kinds/words/a", 7, 1200);
    FILE *f = fopen(in_folder("kinds/digits/a"), "wb");
    for (uint32_t i = 0; i < 300; i++)
        fprintf(f, "%u ", (i * 2654435761u) % 1000);
    fclose(f);
    assert_run("encode t.pin kinds -o codes.npz", 0);
    assert_run("eval t.pin kinds --probe --json", 0);
    assert_true(figure("probe_accuracy") > 0.9);
    assert_run("train mae kinds --format bytes --pretrained t.pin --window 32 --finetune labels --labels 20 --epochs 5 "
               "--threads 1 --quiet -o named.pin", 0);
    assert_run("eval named.pin kinds --json", 0);
    assert_true(figure("error") < 0.1);
}

/* Bytes in an array, with labels: symbols where that is asked for, numbers where it is not. */
static void labelled_arrays(void **state)
{
    (void)state;
    enum { ROWS = 60, WIDTH = 16 };
    char head[256];
    int64_t labels[ROWS];
    uint8_t x[ROWS * WIDTH];
    uint32_t seed = 5;
    for (size_t i = 0; i < ROWS * WIDTH; i++) { /* the one class of vowels, the other of consonants, in any order */
        seed = seed * 1664525u + 1013904223u;
        x[i] = (uint8_t)(i / WIDTH % 2 ? "aeiou" : "bdfhk")[(seed >> 16) % 5];
        labels[i / WIDTH] = (int64_t)(i / WIDTH % 2);
    }
    size_t first = sizeof labels;
    int n = snprintf(head + 8, sizeof head - 8, "{\"X\":{\"dtype\":\"U8\",\"shape\":[%d,%d],\"data_offsets\":[%zu,%zu]},"
                     "\"y\":{\"dtype\":\"I64\",\"shape\":[%d],\"data_offsets\":[0,%zu]}}", ROWS, WIDTH, first,
                     first + sizeof x, ROWS, first);
    for (; n % 8; n++)
        head[8 + n] = ' ';
    memcpy(head, &(uint64_t){ (uint64_t)n }, 8);
    FILE *f = fopen(in_folder("x.safetensors"), "wb");
    assert_int_equal(fwrite(head, 1, 8 + (size_t)n, f), 8 + n);
    assert_int_equal(fwrite(labels, 1, sizeof labels, f), sizeof labels);
    assert_int_equal(fwrite(x, 1, sizeof x, f), sizeof x);
    fclose(f);
    assert_fails("train mae x.safetensors --loss categorical:256 -o x.pin", 2, "choose scaling minmax or bytes");
    assert_run("train mae x.safetensors --loss categorical:256 --scaling bytes --mask 0.25 " SMALL
               "--epochs 60 --lr 0.005 -o x.pin", 0);
    assert_run("eval x.pin x.safetensors --probe --json", 0);
    assert_true(figure("probe_accuracy") > 0.9);
    /* Which class a row is of can be seen, which of its five letters it is cannot. */
    assert_true(figure("entropy") > 3.2 && figure("masked_bits") < 2.8);
    assert_run("reconstruct x.pin x.safetensors -o back.npy", 0);
    ph_data *d = ph_data_open(in_folder("back.npy"), NULL);
    ph_real row[WIDTH];
    for (size_t r = 0; r < ROWS; r++) {
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        for (int i = 0; i < WIDTH; i++)
            assert_true(row[i] == floor((double)row[i]) && row[i] >= 'a' && row[i] <= 'u');
    }
    ph_data_close(d);
    assert_run("train mae x.safetensors --pretrained x.pin --finetune labels --labels 10 --epochs 10 --threads 1 "
               "--batch-size 16 --quiet -o xl.pin", 0);
    assert_run("eval xl.pin x.safetensors --json", 0);
    assert_true(figure("error") < 0.1);
    /* Unasked they are numbers, as ever. */
    assert_run("train mae x.safetensors " SMALL "--epochs 1 -o numbers.pin", 0);
    assert_run("eval numbers.pin x.safetensors --json", 0);
    assert_true(figure("masked_mse") > 0 && strstr(out, "masked_bits") == NULL);
}

static void mistakes(void **state)
{
    (void)state;
    write_file("short", "abc", 3);
    assert_fails("eval t.pin short", 1, "short is 3 bytes long, smaller than a window of 32");
    assert_fails("data text.txt --format byte", 2, "not one of: auto");
    assert_fails("reconstruct t.pin new.txt -o new.txt", 2, "that file is read");
    assert_fails("reconstruct t.pin new.txt -o new.wav", 2, "a .wav is written of what comes back of a sound");
    assert_fails("encode t.pin new.txt -o codes.txt", 2, "what kind of file?");
    assert_fails("train mae text.txt --format bytes --window 30 --patch 4 -o x.pin", 2, "divisor of 30");
    assert_fails("train mae text.txt --format bytes --normalize-patches --patch 4 -o x.pin", 2, "no mean");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_learnt), cmocka_unit_test(whole_files_come_back), cmocka_unit_test(holes_in_text),
        cmocka_unit_test(other_families), cmocka_unit_test(labelled_folders),      cmocka_unit_test(labelled_arrays),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
