/* test_cli.c - the command from outside: exit statuses, what goes where, files in and out, stopping
 * and resuming. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pinhole.h>

#include "cli/command.h"

static void usage(void **state)
{
    (void)state;
    assert_run("", 2);
    assert_string_equal(out, "");
    assert_says(err, "usage");
    assert_run("--version", 0);
    assert_string_equal(out, "pinhole 0.1.0\n");
    assert_run("--help", 0);
    static const char *const commands[] = { "train", "eval", "encode", "decode", "reconstruct", "report",
                                            "info", "data", "bench" };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s --help", commands[i]);
        assert_run(text, 0);
        assert_says(out, "--threads");
        assert_string_equal(err, "");
    }
    assert_run("help train", 0);
    assert_says(out, "--latent-dim");
    assert_run("help frobnicate", 2);
    assert_says(err, "unknown command 'frobnicate'");
    assert_run("train --help", 0);
    assert_says(out, "--latent-dim");
    assert_says(out, "[0.001]");
    /* The layers that a list takes: one by one in the help, by name where one is none of them. */
    const char *layers = strstr(out, "\nlayers of --hidden"), *layer, *help;
    assert_non_null(layers);
    for (size_t i = 0; (layer = ph_layer_at(i, &help)); i++) {
        assert_says(layers, layer);
        assert_says(layers, help);
    }
    assert_run("train ae glyphs --hidden 'frob 3'", 2);
    for (size_t i = 1; (layer = ph_layer_at(i, &help)); i++) {
        char name[32];
        assert_int_equal(sscanf(layer, "%31s", name), 1);
        assert_says(strstr(err, "(conv"), name);
    }
}

static void wrong_usage(void **state)
{
    (void)state;
    static const struct { const char *arguments, *says; } wrong[] = {
        { "trian", "did you mean 'train'" },
        { "train", "train what" },
        { "train ae", "train what" },
        { "train aee glyphs", "did you mean 'ae'" },
        { "train ae glyphs --latent-dmi 3", "did you mean 'latent-dim'" },
        { "train ae glyphs --latent-dim", "needs a value" },
        { "train ae glyphs --latent-dim 0", "between 1 and" },
        { "train ae glyphs --latent-dim 2.5", "whole number" },
        { "train ae glyphs --optimizer adma", "one of: adam" },
        { "train ae glyphs --loss lp:x", "one of" },
        { "train ae glyphs --hidden 12,,3", "neither a width" },
        { "train ae glyphs --hidden 12,-3", "neither a width" },
        { "train ae glyphs --hidden 'conv 8'", "a layer such as conv" },
        { "train ae glyphs --hidden 'conv 8 3/0'", "'conv 8 3/0': a window and its stride are whole numbers from 1" },
        { "train ae glyphs --hidden 'conv 8 3 groups 2x5'", "is not a layer such as conv 32 4/2" },
        { "train ae glyphs --hidden 'conv 8'", "such as conv 32 4/2: something is missing behind it" },
        { "train ae glyphs --hidden 'conv 8 3 pad, 64'", "such as conv 32 4/2: something is missing behind it" },
        { "train ae glyphs --hidden 'conv -8 3'", "such as conv 32 4/2: '-8' does not belong there" },
        { "train ae glyphs --hidden 'conv 8 3 dilate 2x0 pad 1'", "such as conv 32 4/2: '2x0' does not belong there" },
        { "train ae glyphs --hidden '64, pool 3/2 pad 1'", "'pool 3/2 pad 1' is not a layer such as pool 2: 'pad' does" },
        { "train ae glyphs --hidden 'res 64 2'", "such as res 64 x2: '2' does not belong there" },
        { "train ae glyphs --hidden 'up 2 cubic'", "such as up 2: 'cubic' does not belong there" },
        { "train ae glyphs --hidden 'attend 4 causal x0'", "'x0' does not belong there" },
        { "train ae glyphs --hidden '64 relu'", "'64 relu' is not a layer such as 256: 'relu' does not belong there" },
        { "train ae glyphs --hidden '64, conv 8 3'", "needs a picture" },
        { "train ae glyphs --hidden 'conv 8 99 pad 0'", "does not fit" },
        { "train ae glyphs --hidden 'conv 8 4/2,'", "hidden: 'conv 8 4/2,' ends in a comma" },
        { "train ae glyphs --hidden 'conv 8 3 groups 4'", "hidden: conv: groups 4 do not divide 1 channels" },
        { "train ae glyphs --hidden 'conv 6 3, deconv 4 3 groups 3'", "deconv: groups 3 do not divide 4 channels" },
        { "train ae glyphs --hidden 'conv 32 4/2, attend 5'", "hidden: attend: 5 heads do not divide 32 channels" },
        { "train ae glyphs --decoder-hidden '32, grid 13x17x2'",
          "decoder-hidden: grid: 13x17x2 are 442 numbers, but there are 32 before it" },
        { "train ae glyphs --decoder-hidden 'conv 8 3'", "decoder-hidden: conv needs a picture, but has 20 numbers before it" },
        { "train aae glyphs --critic-hidden 'pool 2'", "critic-hidden: pool needs a picture" },
        { "train ae glyphs --hidden 'conv 8 3, norm frob'", "'norm frob' is not a layer such as norm batch" },
        { "train ae glyphs --hidden 'conv 8 3, norm none'", "is not a layer such as norm batch" },
        { "train ae glyphs --hidden 'conv 8 3, norm group:3'", "hidden: norm: group:3 does not divide 8 channels" },
        { "train ae glyphs --hidden 'norm layer, conv 8 3'", "norm: of a single channel, layer leaves nothing" },
        { "train ae glyphs --hidden '64, norm batch' --pretrain layerwise", "for dense layers without a norm" },
        { "train ae glyphs --hidden 'conv 8 3 pad 1000'", "pad 1000 is not below the 3 pixels from end to end" },
        { "train ae glyphs --hidden 'conv 8 3 dilate 2 pad 1x5'", "pad 5 is not below the 5 pixels" },
        { "train ae glyphs --hidden 'conv 8 4/2, res 8' --tied", "tied: res is not undone by its own weights" },
        { "train ae glyphs --hidden 'up 1000'", "up would make 28000x28000x1 of 28x28x1; a layer has" },
        { "train ae glyphs --hidden 'conv 1000000 3'", "conv would make 28x28x1000000 of 28x28x1" },
        { "train ae glyphs --hidden 'embed 50'", "'embed 50' is not a layer such as embed 50x8" },
        { "train ae glyphs --hidden '64, embed 50x8'", "hidden: embed: stands first in an encoder's list" },
        { "train ae glyphs --decoder-hidden 'embed 50x8'", "decoder-hidden: embed: stands first in an enc" },
        { "train ae glyphs --hidden 'embed 256x2' --scaling bytes", "scaling bytes: embed takes whole numbers" },
        { "train ae glyphs --hidden 'embed 256x2' --missing mean", "missing mean: embed takes words" },
        { "train ae glyphs --hidden 'embed 256x2' --contractive 1", "contractive: a code has no derivative by words" },
        { "train vae glyphs --hidden 'embed 256x2' --likelihood categorical:4", "rows are of 256 words" },
        { "train ae glyphs --early-stop 3", "val-split" },
        { "train ae glyphs extra word", "too many" },
        { "train ae nowhere", "no such file" },
        { "train pca glyphs --dropout 0.5", "unknown option 'dropout'" },
        { "eval onlymodel", "missing words" },
        { "data glyphs:train -x", "unknown option" },
        { "bench nothing --data glyphs", "no case and no recipe" },
        { "encode a b", "where to" },
        { "report a b", "where to" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_run(wrong[i].arguments, 2);
        assert_says(err, wrong[i].says);
        assert_one_line(err);
        assert_string_equal(out, "");
    }
    assert_false(there("ae-glyphs.pin"));
    /* Fits to the code, whose size the list does not say. */
    assert_run("train ae glyphs --decoder-hidden 'grid 2x2x5, up 14' --latent-dim 20 --epochs 0 -o grid.pin", 0);
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* Rows of words are taken as they are, in training and later, and what is no word is told by its place. */
static void words_of_rows(void **state)
{
    (void)state;
    char text[4096] = "a,b,c\n";
    for (int i = 0; i < 60; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%d,%d,%d\n", i % 3, (i + 1) % 3, 2 - i % 3);
    write_text("words.csv", text);
    write_text("off.csv", "a,b,c\n0,1,2\n0,3,2\n");
    write_text("half.csv", "a,b,c\n0,1,2\n0,1,0.5\n");
    write_text("below.csv", "a,b,c\n-1,1,2\n");
    assert_run("train vae words.csv --hidden 'embed 3x4, 16' --likelihood categorical --latent-dim 2 --lr 0.03 "
               "--epochs 300 -o words.pin --quiet --json", 0);
    double bits = figure("bits_per_dimension"); /* three kinds of rows: log2 3 / 3 at best, log2 3 by chance */
    assert_true(bits > 0.52 && bits < 0.9);
    assert_run("reconstruct words.pin words.csv -o back.csv", 0);
    slurp("back.csv", out, sizeof out);
    assert_string_equal(out, text);
    const char *place = "row 2, column 2 ('b'): the value is 3, but the words of embed are 0 to 2";
    assert_fails("encode words.pin off.csv -o -", 1, place);
    assert_fails("train ae off.csv --hidden 'embed 3x2' --latent-dim 1 -o off.pin --quiet", 1, place);
    assert_fails("encode words.pin half.csv -o -", 1, "column 3 ('c'): the value is 0.5");
    assert_fails("encode words.pin below.csv -o -", 1, "row 1, column 1 ('a'): the value is -1");
}

/* Epochs that prepare have a loss alone, the first lines within an epoch no validation. */
static void a_log_has_as_many_fields_in_every_line(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 16 --latent-dim 4 --contractive 0.1 --pretrain layerwise "
               "--pretrain-epochs 1 --epochs 2 --val-split 0.5 --log-every 20 --log fields.csv -o f.pin", 0);
    assert_says(err, "jacobian: ");
    assert_true(strstr(err, "nan") == NULL);
    slurp("fields.csv", out, sizeof out);
    int lines = 0, fields = 0;
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        int own = 1;
        for (const char *at = line; *at; at++)
            own += *at == ',';
        fields = lines ? fields : own;
        assert_int_equal(own, fields);
    }
    assert_true(lines > 4 && fields == 5 + 3 + 3);
}

static void a_whole_round(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 64 --latent-dim 8 --epochs 2 -o m.pin --json --log log.csv "
               "--pictures pictures", 0);
    assert_true(figure("epochs") == 2 && figure("rows") == 10000 && figure("steps") == 2 * 79);
    assert_true(figure("loss") > 0 && figure("loss") < 543);
    assert_true(figure("rows_per_second") > 0 && figure("seconds") > 0);
    assert_true(there("pictures/rec_epoch_1.png") && there("pictures/rec_epoch_2.png"));
    slurp("log.csv", out, sizeof out);
    assert_says(out, "epoch,step,seconds,rows_per_second,lr,loss");
    assert_run("eval m.pin glyphs --json --pca", 0);
    assert_true(figure("rows") == 2000);
    assert_true(figure("mse") > 0 && figure("mse") < 0.09 && figure("pca_mse") > 0);
    double mse = figure("mse"), sse = figure("sse");
    assert_true(sse > 783.9 * mse && sse < 784.1 * mse);
    assert_run("encode m.pin glyphs -o codes.npy", 0);
    assert_run("data codes.npy --json", 0);
    assert_true(figure("rows") == 2000);
    assert_says(out, "\"shape\":[8]");
    assert_run("decode m.pin codes.npy -o rows.npy", 0);
    assert_run("data rows.npy --json", 0);
    assert_says(out, "\"shape\":[28,28]");
    assert_run("encode m.pin glyphs --layer 1 -o layer.csv", 0);
    assert_run("encode m.pin glyphs --layer 2 -o layer.csv", 2);
    assert_says(err, "layer1");
    assert_run("reconstruct m.pin glyphs -o r.png", 0);
    assert_run("reconstruct m.pin glyphs -o r.npy", 0);
    assert_run("encode m.pin glyphs -o -", 0);
    assert_memory_equal(out, "\x93NUMPY", 6);
    assert_run("encode m.pin glyphs -o x.unknown", 2);
    assert_run("info m.pin", 0);
    assert_says(out, "encoder/0/weight");
    assert_run("info m.pin --program", 0);
    assert_says(out, "product");
    assert_says(out, "relu");
    assert_run("info m.pin --options", 0);
    assert_says(out, "latent-dim = 8");
    assert_run("report m.pin glyphs --title 'A <page>' -o page.html", 0);
    assert_one_line(err);
    slurp("page.html", out, sizeof out);
    assert_says(out, "<title>A &lt;page&gt;</title>");
    assert_says(out, "training part</dt><dd>10");
    assert_run("report m.pin glyphs:train -o - --threads 1", 0);
    assert_int_equal(strncmp(out, "<!DOCTYPE html>", 15), 0);
    assert_true(strstr(out, "training part") == NULL);
    assert_run("report m.pin glyphs -o no/such/page.html", 1);
    assert_fails("report m.pin glyphs -o page.png", 2, "ends in .html");
    assert_one_line(err);
    assert_run("train pca glyphs --latent-dim 8 -o p.pin", 0);
    assert_run("eval p.pin glyphs --json", 0);
    assert_run("encode p.pin glyphs -o pca.csv", 0);
    assert_run("info p.pin --program", 0);
}

/* The reconstruction of decode(encode(x)) is reconstruct(x). */
static void decode_undoes_encode(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 16 --latent-dim 4 --epochs 1 -o d.pin --quiet", 0);
    assert_run("encode d.pin glyphs -o c.npy", 0);
    assert_run("decode d.pin c.npy -o a.csv", 0);
    assert_run("reconstruct d.pin glyphs -o b.csv", 0);
    char command[600];
    snprintf(command, sizeof command, "cmp %s/a.csv %s/b.csv", folder, folder);
    assert_int_equal(system(command), 0);
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

/* A table through every command: names of columns and rows stay, others' columns do not matter. */
static void tables(void **state)
{
    (void)state;
    write_file("t.csv", "name;a;b;c\nu;1,5;2;0\nv;2,5;4;1\nw;;8;0\nx;3,5;6;1\n");
    write_file("other.csv", "b,more,a,name\n2,7,1.5,u\n");
    assert_run("data t.csv --label-column c -o t.png", 0);
    assert_says(out, "4 rows of 2");
    assert_says(out, "1 value is missing");
    assert_says(out, "2 classes: 0 (2) 1 (2)");
    assert_string_equal(err, "");
    assert_true(there("t.png"));
    assert_run("train ae t.csv --label-column c --hidden 4 --latent-dim 1 --epochs 2 -o t.pin", 1);
    assert_says(err, "row 3 ('w'), column 1 ('a')");
    assert_says(err, "--missing mean");
    assert_run("train ae t.csv --label-column c --hidden 4 --latent-dim 1 --epochs 2 -o t.pin "
               "--missing mean --quiet", 0);
    assert_run("encode t.pin t.csv -o codes.csv", 0);
    assert_run("decode t.pin codes.csv -o rows.csv", 0);
    slurp("rows.csv", out, sizeof out);
    assert_memory_equal(out, "name,a,b\nu,", 11);
    assert_run("eval t.pin other.csv --pca-data t.csv --json", 0);
    assert_true(figure("rows") == 1 && figure("pca_mse") >= 0);
    assert_run("reconstruct t.pin t.csv -o beside.png", 0);
    assert_true(there("beside.png"));
    assert_run("decode t.pin t.csv -o x.csv", 1);
    assert_says(err, "the model's codes have 1");
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s train ae - --hidden 4 --latent-dim 1 --epochs 1 "
             "--quiet <rows.csv 2>/dev/null && %s encode t.pin - -o - <t.csv >piped.npy && "
             "%s encode t.pin t.csv -o file.npy && cmp piped.npy file.npy", folder, PH_COMMAND,
             PH_COMMAND, PH_COMMAND);
    assert_int_equal(system(command), 0);
    assert_true(there("ae-standard-input.pin"));
}

/* What an option cannot do is said, and which part of a set one sees. */
static void said_of_data(void **state)
{
    (void)state;
    assert_run("data glyphs --size 8x8", 0);
    assert_says(err, "--size does nothing here");
    assert_one_line(err);
    assert_says(out, "this is :test of");
    assert_run("data glyphs:train", 0);
    assert_says(out, "this is :train of");
    assert_string_equal(err, "");
    assert_run("data glyphs --json", 0);
    assert_says(out, "\"part\":\"test\"");
}

static void recipes(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/recipe", folder);
    FILE *f = fopen(path, "w");
    fputs("# a recipe\nfamily = ae\ndata = glyphs  # the built-in set\nhidden = 16\nlatent_dim = 3\n"
          "epochs = 1\noutput = recipe.pin\n", f);
    fclose(f);
    assert_run("train recipe --quiet", 0);
    assert_true(there("recipe.pin"));
    assert_run("info recipe.pin --json", 0);
    assert_true(figure("latent_dim") == 3);
    assert_run("train --config recipe --latent-dim 5 -o other.pin --quiet", 0);
    assert_run("info other.pin --json", 0);
    assert_true(figure("latent_dim") == 5);
    f = fopen(path, "a");
    fputs("latent dim = 4\n", f);
    fclose(f);
    assert_run("train recipe", 2);
    assert_says(err, "recipe:8");
}

/* Every file of recipes/ is one: configurations make a model, experiments are sound shell. */
static void recipes_of_the_house(void **state)
{
    (void)state;
    struct dirent *entry;
    DIR *all = opendir(PH_SOURCE_DIR "/recipes");
    assert_non_null(all);
    FILE *f = fopen(in_folder("house.csv"), "w"); /* 40 rows of 40 numbers in [0,1], of two classes */
    for (int i = 0; i < 40 * 41; i++)
        fprintf(f, "%g%c", i % 41 < 40 ? i * i % 8 / 7.0 : i / 41 % 2, i % 41 < 40 ? ',' : '\n');
    fclose(f);
    int count = 0;
    while ((entry = readdir(all))) {
        char command[1024];
        const char *ending = strrchr(entry->d_name, '.');
        if (entry->d_name[0] == '.')
            continue;
        if (ending && strcmp(ending, ".sh") == 0) {
            snprintf(command, sizeof command, "sh -n '%s/recipes/%s'", PH_SOURCE_DIR, entry->d_name);
            assert_int_equal(system(command), 0);
        } else {
            snprintf(command, sizeof command, "grep -q '^labels = [0-9]' '%s/recipes/%s'", PH_SOURCE_DIR,
                     entry->d_name);
            const char *fewer = system(command) == 0 ? "--labels 20" : "";
            snprintf(command, sizeof command, "train '%s/recipes/%s' house.csv --label-column 41 --scaling none "
                     "--epochs 0 -o house.pin --quiet %s", PH_SOURCE_DIR, entry->d_name, fewer);
            assert_run(command, 0);
        }
        count++;
    }
    closedir(all);
    assert_true(count > 0);
}

static void interrupted_and_resumed(void **state)
{
    (void)state;
    char command[1024];
    const char *options = "train ae glyphs --hidden 32 --latent-dim 4 --epochs 30 --no-pin";
    snprintf(command, sizeof command, "%s -o whole.pin --quiet", options);
    assert_run(command, 0);
    snprintf(command, sizeof command, "cd %s && { %s %s -o cut.pin 2>cut.err & } && sleep 0.4 && "
             "kill -INT $! ; wait $!", folder, PH_COMMAND, options);
    int status = system(command);
    slurp("cut.err", err, sizeof err);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 1) { /* else it was faster than we */
        assert_says(err, "--resume");
        assert_true(there("cut.pin"));
    }
    snprintf(command, sizeof command, "%s -o cut.pin --resume --quiet", options);
    assert_run(command, 0);
    assert_run("encode whole.pin glyphs -o w.npy", 0);
    assert_run("encode cut.pin glyphs -o c.npy", 0);
    snprintf(command, sizeof command, "cmp %s/w.npy %s/c.npy", folder, folder);
    assert_int_equal(system(command), 0);
}

static void failures_leave_nothing(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 8 --latent-dim 2 --epochs 1 -o no/such/folder.pin --quiet", 1);
    assert_says(err, "no/such/folder.pin");
    assert_run("train ae glyphs --hidden 8 --latent-dim 2 --epochs 1 -o f.pin --quiet", 0);
    assert_run("encode f.pin glyphs -o /dev/full", 2);
    assert_run("encode f.pin glyphs -o no/such/folder.npy", 1);
    assert_one_line(err);
    char command[600];
    snprintf(command, sizeof command, "cd %s && head -c 3000 f.pin > cut-model.pin && "
             "printf garbage > text.pin", folder);
    assert_int_equal(system(command), 0);
    assert_run("eval cut-model.pin glyphs", 1);
    assert_says(err, "cut-model.pin");
    assert_one_line(err);
    assert_run("eval text.pin glyphs", 1);
    assert_one_line(err);
    assert_run("eval missing.pin glyphs", 1);
    assert_one_line(err);
    assert_run("train ae glyphs --hidden 8 --latent-dim 2 --epochs 1 -o c2.pin --quiet", 0);
    assert_run("encode c2.pin glyphs -o c2.npy", 0);
    assert_run("eval c2.pin c2.npy", 1);
    assert_says(err, "784");
    /* Rows narrower and wider than the model's, through each way of using it. */
    assert_run("train ae c2.npy --hidden 4 --latent-dim 1 --epochs 1 -o narrow.pin --quiet", 0);
    static const char *const ways[] = { "reconstruct %s -o x.png", "reconstruct %s -o x.npy",
                                        "encode %s -o x.csv", "decode %s -o x.npy" };
    static const char *const pairs[] = { "c2.pin c2.npy", "narrow.pin glyphs" };
    for (int w = 0; w < 4; w++)
        for (int p = w == 3; p < 2; p++) {
            snprintf(command, sizeof command, ways[w], pairs[p]);
            assert_run(command, 1);
            assert_one_line(err);
            assert_false(there("x.png") || there("x.npy") || there("x.csv"));
        }
}

/* The layers of a case, whose times are a part of the whole. */
static void speed_of_layers(void)
{
    static const char *const layers[] = { "encoder/0", "encoder/1", "decoder/0", "decoder/1", "the rest" };
    static const char *const times[] = { "\"forward_time\":", "\"backward_time\":" };
    double time = 0;
    assert_run("bench ae-400 --data glyphs --rounds 2 --seconds 0.05 --layers --json", 0);
    for (size_t i = 0; i < 5; i++) {
        char key[64];
        snprintf(key, sizeof key, "\"%s\":{", layers[i]);
        const char *at = strstr(out, key);
        if (at == NULL)
            fail_msg("no %s in %s", key, out);
        for (size_t k = 0; k < 2; k++) {
            at = strstr(at, times[k]);
            assert_non_null(at);
            double part = strtod(at + strlen(times[k]), NULL);
            assert_true(part > 0);
            time += part;
        }
    }
    assert_true(time < 1.01);
    assert_run("bench ae-400 --data glyphs --rounds 1 --seconds 0.05 --layers", 0);
    assert_says(out, "encoder/0                        784x400");
    assert_true(strstr(out, "the rest") > strstr(out, "decoder/1"));
    assert_says(out, "between steps");
}

/* A case and a recipe, with what each phase of a step costs. */
static void speed(void **state)
{
    (void)state;
    FILE *f = fopen(in_folder("fast"), "w");
    fputs("family = aae\nlabels = 20\nonly-label = 3\nhidden = 16\nlatent-dim = 2\nbatch-size = 50\nepochs = 3\n", f);
    fclose(f);
    assert_run("bench ae-400 fast --data glyphs --rounds 1 --seconds 0.05 --json", 0);
    assert_says(out, "{\"case\":\"ae-400\",\"rows_per_second\":");
    char *recipe = strstr(out, "\"case\":\"fast\"");
    assert_non_null(recipe);
    static const char *const phases[] = { "reconstruction", "critic", "generator", "classify" };
    double time = 0;
    for (size_t i = 0; i < 4; i++) {
        char key[64];
        snprintf(key, sizeof key, "\"%s\":{\"time\":", phases[i]);
        char *at = strstr(recipe, key);
        assert_non_null(at);
        double part = strtod(at + strlen(key), NULL);
        assert_true(part > 0);
        time += part;
    }
    assert_true(time < 1.01);
    f = fopen(in_folder("nameless"), "w");
    fputs("hidden = 16\n", f);
    fclose(f);
    assert_fails("bench nameless --data glyphs", 2, "names no family");
    speed_of_layers();
}

static void measures(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 32 --latent-dim 6 --epochs 2 -o e.pin --quiet", 0);
    assert_run("eval e.pin glyphs --json --probe --code-size --pca", 0);
    assert_true(figure("ssim") > 0 && figure("ssim") < 1);
    assert_true(figure("probe_accuracy") > 0.5 && figure("knn_1") > 0.5 && figure("knn_10") > 0.5);
    assert_true(figure("code_bytes") == 24 && figure("code_bytes_8bit") == 6);
    assert_true(figure("psnr_8bit") <= figure("psnr_float") + 1e-3 && figure("pca_psnr_8bit") > 10);
    assert_says(out, "\"units\":{\"rows\":\"rows measured\"");
    assert_run("eval e.pin glyphs:test --json --training glyphs:test --probe-labels 200 --probe-seed 2", 0);
    assert_true(figure("probe_accuracy") > 0.3 && figure("probe_accuracy") < 1);
    assert_run("eval e.pin glyphs --probe-labels 1000000", 2);
    assert_one_line(err);
    assert_run("eval e.pin glyphs --training glyphs:train", 2);
    assert_says(err, "nothing that is asked for is fitted");
    assert_run("train pca glyphs --latent-dim 6 --scaling center -o c.pin --quiet", 0);
    assert_run("eval c.pin glyphs --json", 0);
    assert_true(fabs(figure("psnr") + 10 * log10(figure("mse"))) < 1e-3);
    assert_run("eval e.pin glyphs --features classifier", 0);
    assert_says(out, "classifier_accuracy");
    assert_says(out, "frechet_floor");
    assert_says(out, "inception_rec_sd");
    assert_run("encode e.pin glyphs:train -o real.npy", 0);
    assert_run("encode e.pin glyphs -o made.npy", 0);
    assert_run("eval e.pin glyphs --json --features real.npy,made.npy", 0);
    assert_true(figure("frechet_given") > 0);
    assert_run("eval e.pin glyphs --json --features real.npy,real.npy", 0);
    assert_true(figure("frechet_given") < 1e-3);
    assert_run("eval e.pin glyphs --features real.npy", 2);
    assert_one_line(err);
    assert_run("eval e.pin glyphs --features real.npy,missing.npy", 2);
    assert_one_line(err);
    assert_run("eval e.pin glyphs --also glyphs:train,made.npy --json", 0);
    assert_says(err, "made.npy: rows of 6 numbers");
    assert_one_line(err);
    assert_says(out, "{\"set\":\"glyphs:train\",\"mse\":");
    assert_run("eval e.pin glyphs --also nowhere", 2);
    assert_one_line(err);
    assert_run("reconstruct e.pin glyphs -o bare.npy", 0);
    assert_run("eval e.pin bare.npy --probe", 2);
    assert_says(err, "labels");
    assert_one_line(err);
}

static void starts_fast(void **state)
{
    (void)state;
    double best = 1;
    for (int i = 0; i < 20; i++) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        pid_t child = fork();
        if (child == 0) {
            freopen("/dev/null", "w", stdout);
            execl(PH_COMMAND, PH_COMMAND, "--version", (char *)NULL);
            _exit(127);
        }
        int status;
        waitpid(child, &status, 0);
        clock_gettime(CLOCK_MONOTONIC, &b);
        assert_int_equal(status, 0);
        double seconds = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        best = seconds < best ? seconds : best;
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(best < 0.010);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage),     cmocka_unit_test(wrong_usage), cmocka_unit_test(words_of_rows),
        cmocka_unit_test(a_log_has_as_many_fields_in_every_line),
        cmocka_unit_test(a_whole_round), cmocka_unit_test(decode_undoes_encode),
        cmocka_unit_test(tables),    cmocka_unit_test(said_of_data),
        cmocka_unit_test(recipes),   cmocka_unit_test(recipes_of_the_house),
        cmocka_unit_test(interrupted_and_resumed),
        cmocka_unit_test(failures_leave_nothing), cmocka_unit_test(measures), cmocka_unit_test(speed),
        cmocka_unit_test(starts_fast),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
