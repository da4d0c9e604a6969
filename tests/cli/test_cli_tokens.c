/* test_cli_tokens.c - models with a codebook on the command line: tokens out and in, what eval says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"

#define SMALL "--hidden 'conv 4 4/2, conv 8 4/2' --latent-dim 4 --epochs 1 --batch-size 500 --quiet "

static bool same(const char *a, const char *b)
{
    char command[1200];
    snprintf(command, sizeof command, "cmp -s %s/%s %s/%s", folder, a, folder, b);
    return system(command) == 0;
}

/* What a file of tokens holds: its type and the shape of a row. */
static void check_file(const char *name, const char *element, size_t rank, const size_t *shape)
{
    ph_data_info info;
    ph_data *d = ph_data_open(in_folder(name), NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, 2000);
    assert_string_equal(info.element, element);
    assert_int_equal(info.rank, rank);
    assert_memory_equal(info.shape, shape, rank * sizeof *shape);
    ph_data_close(d);
}

static void tokens_go_out_and_in(void **state)
{
    (void)state;
    assert_run("train vqvae glyphs " SMALL "--codes 32 -o one.pin", 0);
    assert_run("reconstruct one.pin glyphs -o want.npy", 0);
    static const char *const ends[] = { "npy", "npz", "csv", "safetensors" };
    for (size_t i = 0; i < 4; i++) {
        char text[256];
        snprintf(text, sizeof text, "encode one.pin glyphs --tokens -o t.%s", ends[i]);
        assert_run(text, 0);
        snprintf(text, sizeof text, "decode one.pin t.%s --tokens -o back.npy", ends[i]);
        assert_run(text, 0);
        assert_true(same("back.npy", "want.npy"));
    }
    check_file("t.npy", "u2", 2, (size_t[]){ 7, 7 });
    check_file("t.npz", "u2", 2, (size_t[]){ 7, 7 });
    assert_run("decode one.pin t.npy --tokens -o back.png", 0);
    assert_run("train vqvae glyphs " SMALL "--codes 32 --product 2 --residual 2 -o four.pin", 0);
    assert_fails("encode four.pin glyphs --tokens -o f.png", 2, "words are numbers");
    assert_run("encode four.pin glyphs --tokens -o f.npy", 0);
    check_file("f.npy", "u2", 3, (size_t[]){ 7, 7, 4 });
    assert_run("train vqvae glyphs " SMALL "--quantizer fsq:17,16,16,16 -o many.pin", 0);
    assert_run("encode many.pin glyphs --tokens -o m.npy", 0);
    check_file("m.npy", "u4", 2, (size_t[]){ 7, 7 });
    assert_run("reconstruct many.pin glyphs -o want.npy", 0);
    assert_run("decode many.pin m.npy --tokens -o back.npy", 0);
    assert_true(same("back.npy", "want.npy"));
}

static void write_tokens(const char *name, size_t rank, const size_t *shape, ph_real first)
{
    ph_real t[49] = { first, 31 };
    size_t width = shape[0] * (rank > 1 ? shape[1] : 1);
    ph_writer *w = ph_writer_open(in_folder(name), &(ph_writer_desc){
        .width = width, .rank = rank, .shape = { shape[0], shape[1] } });
    assert_int_equal(ph_writer_rows(w, t, 49 / width), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
}

static void wrong_tokens_are_refused(void **state)
{
    (void)state;
    static const struct { size_t rank, shape[2]; ph_real first; int status; const char *says; } cases[] = {
        { 2, { 7, 7 }, 31, 0, NULL }, { 1, { 49, 0 }, 31, 0, NULL },
        { 2, { 49, 1 }, 31, 1, "49 (49x1) numbers, but the model's tokens have 49 (7x7)" },
        { 2, { 7, 7 }, 32, 1, "number 1 of row 1 is 32, but the words are 0 to 31" },
        { 2, { 7, 7 }, -1, 1, "number 1 of row 1 is -1" },
        { 2, { 7, 7 }, (ph_real)2.5, 1, "number 1 of row 1 is 2.5" },
        { 2, { 7, 7 }, (ph_real)NAN, 1, "own.npy: row 1, column 1: the value is missing (NaN)\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_tokens("own.npy", cases[i].rank, cases[i].shape, cases[i].first);
        assert_run("decode one.pin own.npy --tokens -o own.png", cases[i].status);
        if (cases[i].says) {
            assert_one_line(err);
            assert_says(err, cases[i].says);
        }
    }
    write_tokens("row.npy", 2, (size_t[]){ 7, 7 }, 31);
    write_tokens("grid.npy", 1, (size_t[]){ 7, 0 }, 31); /* one grid alone, whose lines are no rows */
    assert_run("decode one.pin row.npy --tokens -o of-row.npy", 0);
    assert_run("decode one.pin grid.npy --tokens -o of-grid.npy", 0);
    assert_true(same("of-row.npy", "of-grid.npy"));
    assert_fails("decode one.pin want.npy --tokens -o x.npy", 1, "rows of 784");
    assert_fails("encode one.pin glyphs --tokens --layer 1 -o x.npy", 2, "one of them");
    assert_run("train pca glyphs -o pca.pin --quiet", 0);
    assert_fails("encode pca.pin glyphs --tokens -o x.npy", 2, "has no codebook");
}

static void words_are_told(void **state)
{
    (void)state;
    assert_run("eval one.pin glyphs --json", 0);
    assert_true(figure("codes_used") > 1 && figure("codes_used") <= 32);
    assert_true(figure("perplexity") > 1 && figure("perplexity") <= figure("codes_used"));
    assert_true(figure("bits_per_picture") == 49 * 5);
    assert_true(fabs(figure("bits_per_pixel") - 245.0 / 784) < 1e-6);
    assert_true(figure("commitment") > 0 && figure("codebook") > 0);
    char *at = strstr(out, "\"word_uses\":{\"edges\":[0,1,2,4,");
    assert_non_null(at);
    assert_non_null(at = strstr(at, "\"counts\":["));
    double words = 0, unused = strtod(at += strlen("\"counts\":["), &at);
    for (words = unused; *at == ','; words += strtod(at + 1, &at))
        ;
    assert_true(*at == ']' && words == 32 && unused == 32 - figure("codes_used"));
    assert_run("eval four.pin glyphs", 0);
    assert_says(out, "\nword_uses of 128 words, how often each is used in these rows\n       0  ");
    assert_says(out, "\n       2 to 3 ");
    assert_says(out, "of 128 words in 4 books");
    assert_says(out, "codes_used_per_book");
    assert_run("info one.pin", 0);
    assert_says(out, "a row is [7,7] words of 32");
}

/* A picture of 28x28 in 245 bits is less than JPEG can do; one of 64x64 in many words is not. Headers are
 * told, but not counted. */
static void beside_jpeg(void **state)
{
    (void)state;
    assert_run("eval one.pin glyphs --jpeg --json", 0);
    double least = figure("jpeg_psnr"), own = figure("jpeg_bits");
    assert_true(own > 245 && own < 400 && figure("jpeg_file_bits") > own + 2000);
    assert_true(fabs(figure("jpeg_bits_per_pixel") * 784 - own) < 1e-3);
    assert_says(out, "at quality 1, mean; more than the words, but the least that there is");
    assert_true(least > 10 && figure("jpeg_ssim") > 0 && figure("jpeg_ssim") < 1);
    ph_real *x = malloc(40 * 64 * 64 * 3 * sizeof *x);
    for (size_t i = 0; i < 40 * 64 * 64 * 3; i++)
        x[i] = (ph_real)rint(127 + 60 * sin((double)(i / 3 % 64) / 9 + (double)(i / 12288)) +
                             60 * cos((double)(i / 192 % 64) / 7 + (double)(i % 3)));
    ph_writer *w = ph_writer_open(in_folder("wide.npy"), &(ph_writer_desc){
        .width = 64 * 64 * 3, .rank = 3, .shape = { 64, 64, 3 } });
    assert_int_equal(ph_writer_rows(w, x, 40), PH_OK);
    assert_int_equal(ph_writer_close(w), PH_OK);
    free(x);
    assert_run("train vqvae wide.npy --hidden 'conv 4 4/4' --latent-dim 4 --epochs 1 --codes 256 --product 4 "
               "--scaling minmax --likelihood gaussian:1 -o wide.pin --quiet", 0);
    assert_run("eval wide.pin wide.npy --jpeg --json", 0);
    double bits = figure("bits_per_picture");
    own = figure("jpeg_bits");
    assert_true(bits == 16 * 16 * 4 * 8 && own <= bits && own > 0.8 * bits);
    assert_says(out, "the best quality that takes no more than the words");
    assert_true(figure("jpeg_psnr") > 20);
    assert_fails("eval pca.pin glyphs --jpeg", 2, "with a codebook");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_go_out_and_in), cmocka_unit_test(wrong_tokens_are_refused),
        cmocka_unit_test(words_are_told), cmocka_unit_test(beside_jpeg),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
