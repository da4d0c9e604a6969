/* test_cli_prior.c - a prior over words on the command line: trained over a model, rows said of a class. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"
#include "same_files.h"

#define WORDS "train vqvae glyphs --hidden 'conv 4 4/2, conv 8 4/2' --latent-dim 4 --codes 16 --epochs 1 " \
              "--batch-size 500 --quiet "
#define SMALL "--width 16 --depth 1 --heads 2 --mlp-ratio 2 --batch-size 500 --quiet "

static bool same_files(const char *a, const char *b)
{
    char first[512];
    snprintf(first, sizeof first, "%s", in_folder(a));
    return same_bytes(first, in_folder(b));
}

static void move(const char *from, const char *to)
{
    char first[512];
    snprintf(first, sizeof first, "%s", in_folder(from));
    assert_int_equal(rename(first, in_folder(to)), 0);
}

static void trained_over_a_model(void **state)
{
    (void)state;
    assert_run(WORDS "-o words.pin", 0);
    assert_run("train prior words.pin glyphs " SMALL "--labels all --epochs 2 -o prior.pin", 0);
    assert_run("train prior words.pin glyphs " SMALL "--epochs 1 -o plain.pin --json", 0);
    assert_true(figure("bits_per_token") > 0 && figure("bits_per_token") < 4.5);
    assert_true(strstr(out, "codes_used") == NULL && strstr(out, "perplexity") == NULL);
    assert_run("reconstruct words.pin glyphs -o want.npy", 0);
    assert_run("encode words.pin glyphs --tokens -o want-tokens.npy", 0);

    /* A recipe names the model, too; the file stands alone. */
    FILE *f = fopen(in_folder("recipe"), "w");
    fputs("family = prior\nbase = words.pin\ndata = glyphs\nwidth = 16\ndepth = 1\nheads = 2\nmlp-ratio = 2\n"
          "batch-size = 500\nlabels = all\nepochs = 1\n", f);
    fclose(f);
    assert_run("train recipe --quiet -o again.pin", 0);
    move("words.pin", "away.pin");
    assert_run("train prior words.pin glyphs --labels all --epochs 2 --resume --quiet -o again.pin", 0);
    assert_run("sample again.pin -n 20 -o a.npy", 0);
    assert_run("sample prior.pin -n 20 -o b.npy", 0);
    assert_true(same_files("a.npy", "b.npy"));
    assert_run("reconstruct prior.pin glyphs -o have.npy", 0);
    assert_true(same_files("have.npy", "want.npy"));
    assert_run("encode prior.pin glyphs --tokens -o have-tokens.npy", 0);
    assert_true(same_files("have-tokens.npy", "want-tokens.npy"));
    assert_run("decode prior.pin have-tokens.npy --tokens -o have.npy", 0);
    assert_true(same_files("have.npy", "want.npy"));
    move("away.pin", "words.pin");

    assert_run("eval prior.pin glyphs --json", 0);
    double bits = figure("bits_per_token");
    assert_true(bits > 0 && bits < 4);
    assert_true(fabs(figure("prior_bits_per_picture") - 49 * bits) < 1e-3);
    assert_true(fabs(figure("prior_bits_per_pixel") - 49 * bits / 784) < 1e-6);
    assert_true(figure("bits_per_picture") == 49 * 4 && figure("error") < 0.95);
    double given = figure("bits_per_token_given_class");
    assert_true(given > 0 && given != bits);
    assert_true(fabs(figure("prior_bits_per_picture_given_class") - 49 * given) < 1e-3);
    assert_true(fabs(figure("prior_bits_per_pixel_given_class") - 49 * given / 784) < 1e-6);
    assert_run("encode prior.pin glyphs --classify -o classes.csv", 0);
    assert_fails("encode plain.pin glyphs --classify -o x.csv", 2, "classify");
    assert_run("info prior.pin", 0);
    assert_says(out, "a row is [7,7] words of 16");
    assert_says(out, "prior/words");
    assert_run("eval plain.pin glyphs --json", 0);
    assert_true(strstr(out, "bits_per_token") && strstr(out, "given_class") == NULL);
}

/* JPEG has the size of the words, and that of the words by the prior. */
static void beside_jpeg(void **state)
{
    (void)state;
    static char page[1 << 20];
    assert_run("eval prior.pin glyphs --jpeg --json", 0);
    double own = figure("prior_bits_per_picture"), bits = figure("prior_jpeg_bits");
    assert_true(own < 49 * 4 && bits > own && figure("jpeg_bits") == bits); /* the least, both times */
    assert_true(figure("prior_jpeg_psnr") == figure("jpeg_psnr") && figure("prior_jpeg_ssim") > 0);
    assert_true(fabs(figure("prior_jpeg_bits_per_pixel") * 784 - bits) < 1e-3);
    assert_run("report prior.pin glyphs -o prior.html", 0);
    slurp("prior.html", page, sizeof page);
    static const char *const said[] = {
        "words, of fixed length", "words, by the prior</th>", "words, by the prior, of a known class",
        "Each line has words drawn by the same random numbers, each column one class",
        "nats of a row&#39;s words, and of the class after them, for each word",
    };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        assert_true(strstr(page, said[i]) != NULL || (print_error("no '%s'\n", said[i]), false));
    char *first = strstr(page, "JPEG, the least there is");
    assert_true(first && strstr(first + 1, "JPEG, the least there is"));
    assert_null(strstr(page, "<b>perplexity</b>"));
    assert_null(strstr(page, "one style"));
    assert_run("report words.pin glyphs -o words.html", 0);
    slurp("words.html", page, sizeof page);
    assert_non_null(strstr(page, "<b>perplexity</b>"));
    assert_non_null(strstr(page, "words, of fixed length"));
    assert_non_null(strstr(page, "summed over a row, mean over rows"));
    assert_null(strstr(page, "words, by the prior"));
}

/* Rows are read as the model has read them: bytes of any file, in its windows. */
static void rows_as_the_model_reads_them(void **state)
{
    (void)state;
    FILE *f = fopen(in_folder("book.txt"), "w");
    for (int i = 0; i < 400; i++)
        fprintf(f, "line %d of a book that is no table;\n", i);
    fclose(f);
    assert_run("train vqvae book.txt --format bytes --window 32 --hidden 'embed 256x4, conv 8 4/2' --latent-dim 4 --codes 8 "
               "--epochs 1 -o letters.pin --quiet", 0);
    assert_run("train prior letters.pin book.txt " SMALL "--epochs 1 -o sayer.pin --quiet", 0);
    assert_run("eval sayer.pin book.txt --json", 0);
    assert_true(figure("bits_per_token") > 0);
}

static void words_of_the_command(void **state)
{
    (void)state;
    assert_fails("train ae words.pin glyphs -o x.pin", 2, "what is 'glyphs'?");
    assert_fails("train prior glyphs -o x.pin", 2, "pinhole train prior MODEL DATA");
    assert_fails("train prior -o x.pin", 2, "pinhole train prior MODEL DATA");
    assert_run("train ae glyphs --hidden 8 --latent-dim 2 --epochs 1 -o ae.pin --quiet", 0);
    assert_fails("train prior ae.pin glyphs -o x.pin", 2, "a model of family ae, where one of vqvae is needed");
    assert_fails("train prior none.pin glyphs -o x.pin", 1, "none.pin");
    assert_fails("train prior words.pin glyphs --codes 64 -o x.pin", 2, "words.pin was made with 16");
    assert_fails("train prior words.pin glyphs --width 10 -o x.pin", 2, "heads");
    assert_fails("train prior words.pin glyphs --name-weight 2 -o x.pin", 2, "name-weight");
    assert_fails("train prior prior.pin glyphs -o x.pin", 2, "a model of family prior");
    assert_true(!there("x.pin"));
}

/* The numbers of a file of `rows` rows of 28x28. */
static void read_rows(const char *name, size_t rows, ph_real *x)
{
    ph_data_info info;
    ph_data *d = ph_data_open(in_folder(name), NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_describe(d, &info);
    assert_int_equal(info.rows, rows);
    assert_int_equal(info.width, 784);
    for (size_t r = 0; r < rows; r++)
        assert_int_equal(ph_data_read(d, &r, 1, x + r * 784), PH_OK);
    ph_data_close(d);
}

static void rows_of_a_class(void **state)
{
    (void)state;
    static ph_real every[20 * 784], one[4 * 784];
    assert_run("sample prior.pin -n 5 --seed 3 -o a.npy", 0);
    assert_run("sample prior.pin -n 5 --seed 3 -o b.npy --threads 1", 0);
    assert_true(same_files("a.npy", "b.npy"));
    assert_run("sample prior.pin -n 5 --seed 4 -o b.npy", 0);
    assert_true(!same_files("a.npy", "b.npy"));

    /* A column for each class: the draws that --label gives. */
    assert_run("sample prior.pin --every-label -n 2 -o every.npy", 0);
    read_rows("every.npy", 20, every);
    for (size_t c = 0; c < 10; c += 3) {
        char command[96];
        snprintf(command, sizeof command, "sample prior.pin --label %zu -n 2 -o one.npy", c);
        assert_run(command, 0);
        read_rows("one.npy", 2, one);
        for (size_t i = 0; i < 2; i++)
            assert_memory_equal(one + i * 784, every + (i * 10 + c) * 784, 784 * sizeof *one);
    }
    assert_run("sample prior.pin --every-label -n 2 -o every.png", 0);

    /* The likeliest words, whatever the seed: all rows are the same. */
    assert_run("sample prior.pin -n 4 --top 1 --label 1 -o one.npy", 0);
    read_rows("one.npy", 4, one);
    for (size_t i = 1; i < 4; i++)
        assert_memory_equal(one + i * 784, one, 784 * sizeof *one);
    assert_run("sample prior.pin -n 4 --temperature 1e-5 --label 1 --seed 9 -o cold.npy", 0);
    assert_true(same_files("cold.npy", "one.npy"));
    assert_run("sample prior.pin -n 4 --temperature 0 --label 1 --seed 9 -o cold.npy", 0);
    assert_true(same_files("cold.npy", "one.npy"));
    assert_run("sample prior.pin -n 5 --seed 3 --temperature 0.5 -o b.npy", 0);
    assert_true(!same_files("a.npy", "b.npy"));
    assert_run("sample prior.pin -n 5 --seed 3 --temperature 1 --top 16 -o b.npy", 0);
    assert_true(same_files("a.npy", "b.npy"));

    assert_fails("sample prior.pin --label 10 -o x.npy", 2, "the model has classes 0 to 9");
    assert_fails("sample plain.pin --label 0 -o x.npy", 2, "trained without labels");
    assert_fails("sample plain.pin --every-label -o x.npy", 2, "no class");
    assert_fails("sample prior.pin --temperature -1 -o x.npy", 2, "temperature");
    assert_fails("sample words.pin glyphs --top 3 -o x.npy", 2, "--top: codes are not drawn word by word");
    assert_fails("sample words.pin -n 3 -o x.npy", 2, "its words have no prior yet");
    assert_fails("sample words.pin glyphs -n 3 -o x.npy", 2, "its words have no prior yet");
    assert_fails("sample ae.pin --from normal --top 3 -o x.npy", 2, "word by word");
    assert_fails("sample prior.pin --from normal --temperature 0.5 -o x.npy", 2, "word by word");
    assert_true(!there("x.npy"));
}

/* A copy with its last bytes gone, or with other bytes in one place. */
static void damage(const char *from, const char *to, size_t keep, const char *text, const char *instead)
{
    size_t size;
    uint8_t *bytes = ph_file_read(in_folder(from), &size);
    assert_non_null(bytes);
    uint8_t *at = text ? memmem(bytes, size, text, strlen(text)) : NULL;
    assert_true((text != NULL) == (at != NULL));
    if (at)
        memcpy(at, instead, strlen(instead));
    FILE *f = fopen(in_folder(to), "wb");
    assert_true(f && fwrite(bytes, 1, size * keep / 100, f) == size * keep / 100 && fclose(f) == 0);
    free(bytes);
}

static void damaged_files_are_told(void **state)
{
    (void)state;
    static const struct { size_t keep; const char *text, *instead; } cases[] = {
        { 99, NULL, NULL }, { 50, NULL, NULL }, { 1, NULL, NULL }, { 100, "prior/words", "prior/wards" },
        { 100, "codebook/0/words", "codebook/0/wards" },
        { 100, "\"option:classes\":\"10", "\"option:classes\":\"11" },
        { 100, "\"option:heads\":\"2", "\"option:heads\":\"3" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        damage("prior.pin", "bad.pin", cases[i].keep, cases[i].text, cases[i].instead);
        assert_fails("sample bad.pin -o x.npy", 1, "bad.pin");
        assert_fails("train prior bad.pin glyphs -o x.pin", 1, "bad.pin");
    }
    damage("words.pin", "bad.pin", 90, NULL, NULL);
    assert_fails("train prior bad.pin glyphs -o x.pin", 1, "bad.pin");
    assert_true(!there("x.npy") && !there("x.pin"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trained_over_a_model), cmocka_unit_test(beside_jpeg), cmocka_unit_test(rows_as_the_model_reads_them), cmocka_unit_test(words_of_the_command),
        cmocka_unit_test(rows_of_a_class), cmocka_unit_test(damaged_files_are_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
