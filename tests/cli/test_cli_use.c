/* test_cli_use.c - score and sample: which rows are odd, new rows, lattices, ways between rows; labels
 * and layers one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"

/* A table of points near a line; rows of class 1 lie off it. */
static void write_line(const char *name, int rows, int odd_every)
{
    FILE *f = fopen(in_folder(name), "w");
    uint32_t state = 7;
    fputs("id,a,b,c,kind\n", f);
    for (int r = 0; r < rows; r++) {
        state = state * 1664525u + 1013904223u;
        double t = (state >> 8) / 16777216.0 * 4 - 2;
        bool odd = odd_every && r % odd_every == 0;
        fprintf(f, "row%d,%.6f,%.6f,%.6f,%d\n", r, t, odd ? -2 * t + 3 : 2 * t, -t, odd);
    }
    fclose(f);
}

static ph_data *opened(const char *name)
{
    ph_data *d = ph_data_open(in_folder(name), NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

/* An array has the numbers of the table of scores, row for row. */
static void same_scores(const char *table, const char *array)
{
    ph_data *a = opened(table), *b = opened(array);
    ph_data_info one, other;
    ph_data_describe(a, &one);
    ph_data_describe(b, &other);
    assert_true(one.rows == other.rows && one.width == 2 && other.width == 2);
    for (size_t r = 0; r < one.rows; r++) {
        ph_real x[2], y[2];
        assert_int_equal(ph_data_read(a, &r, 1, x), PH_OK);
        assert_int_equal(ph_data_read(b, &r, 1, y), PH_OK);
        assert_memory_equal(x, y, sizeof x);
    }
    ph_data_close(a);
    ph_data_close(b);
}

static void odd_rows_are_found(void **state)
{
    (void)state;
    write_line("good.csv", 400, 0);
    write_line("mixed.csv", 200, 10);
    assert_run("train ae good.csv --label-column kind --hidden none --latent-dim 1 --epochs 200 "
               "--lr 0.01 -o line.pin --quiet", 0);
    assert_run("score line.pin mixed.csv --label-column kind --threshold 1e-6 --json", 0);
    assert_true(figure("rows") == 200 && figure("odd") == 20);
    /* A hundredth of the good rows lies above the quantile, give or take. */
    assert_run("score line.pin mixed.csv --label-column kind --json", 0);
    assert_true(figure("odd") >= 20 && figure("odd") < 40);
    assert_true(figure("roc_auc") == 1 && figure("average_precision") == 1);
    assert_run("score line.pin mixed.csv -o s.csv", 0);
    slurp("s.csv", out, sizeof out);
    assert_int_equal(strncmp(out, "id,error,odd\nrow0,", 18), 0);
    assert_run("score line.pin mixed.csv -o s.npy", 0);
    same_scores("s.csv", "s.npy");
    assert_fails("score line.pin mixed.csv -o s.odd", 2, "what kind of file");
    assert_run("score line.pin mixed.csv --quantile 1 --json", 0);
    double least = figure("threshold");
    assert_run("score line.pin good.csv --quantile 1 --json", 0);
    assert_true(figure("odd") == 0 && figure("threshold") == least);
    assert_run("score line.pin good.csv --threshold 1e-300 --json", 0);
    assert_true(figure("odd") > 300); /* the line fits so well that some errors are zero */
    assert_fails("score line.pin mixed.csv --quantile 2", 2, "quantile");
}

/* The same rows of two files, as numbers. */
static void same_rows(const char *a, const char *b, size_t row_a, size_t row_b, double most)
{
    ph_data *x = opened(a), *y = opened(b);
    ph_data_info info;
    ph_data_describe(x, &info);
    ph_real *u = malloc(2 * info.width * sizeof *u), *v = u + info.width;
    assert_int_equal(ph_data_read(x, &row_a, 1, u), PH_OK);
    assert_int_equal(ph_data_read(y, &row_b, 1, v), PH_OK);
    for (size_t c = 0; c < info.width; c++)
        assert_true(fabs((double)u[c] - (double)v[c]) <= most);
    free(u);
    ph_data_close(x);
    ph_data_close(y);
}

/* Pictures of 5 x 3 pixels in colour, one of which has a corner that the others have not. */
static void write_pictures(const char *name)
{
    char path[128];
    mkdir(in_folder(name), 0777);
    for (int i = 0; i < 12; i++) {
        snprintf(path, sizeof path, "%s/plate no %d.ppm", name, i);
        FILE *f = fopen(in_folder(path), "wb");
        fputs("P6\n5 3\n255\n", f);
        for (int p = 0; p < 45; p++)
            fputc(i == 7 && p < 3 ? 250 : (p * 5 + i * (p % 3)) % 200, f);
        fclose(f);
    }
}

/* The mean of a map's squares is the row's error, and each pixel's the mean over its channels. */
static void maps_are_errors(const char *model, const char *set)
{
    ph_model *m = ph_model_load(in_folder(model));
    ph_data *d = opened(set);
    ph_data_info info;
    ph_data_describe(d, &info);
    size_t channels = info.rank == 3 ? info.shape[2] : 1, size = info.width / channels;
    ph_real *x = malloc(2 * info.width * sizeof *x), *y = x + info.width;
    ph_real *maps = malloc(info.rows * size * sizeof *maps);
    double *errors = malloc(info.rows * sizeof *errors);
    assert_int_equal(ph_model_error_maps(m, d, 0, info.rows, maps), PH_OK);
    assert_int_equal(ph_model_errors(m, d, 0, info.rows, errors), PH_OK);
    for (size_t r = 0; r < info.rows; r++) {
        double sum = 0;
        assert_int_equal(ph_data_read(d, &r, 1, x), PH_OK);
        assert_int_equal(ph_model_apply(m, "reconstruct", x, 1, y), PH_OK);
        for (size_t p = 0; p < size; p++) {
            double here = 0, map = (double)maps[r * size + p];
            for (size_t c = 0; c < channels; c++)
                here += pow((double)(x[p * channels + c] - y[p * channels + c]) / 255, 2) / (double)channels;
            assert_true(fabs(map * map - here) < 1e-5);
            sum += map * map / (double)size;
        }
        assert_true(fabs(sum - errors[r]) < 1e-6);
    }
    free(x);
    free(maps);
    free(errors);
    ph_data_close(d);
    ph_model_free(m);
}

/* Maps are there of the rows that fewer than `count` others err more than, and of no other. */
static void only_oddest(const char *model, const char *set, const char *maps, size_t count)
{
    enum { ROWS = 12 };
    double errors[ROWS];
    ph_model *m = ph_model_load(in_folder(model));
    ph_data *d = opened(set);
    assert_int_equal(ph_model_errors(m, d, 0, ROWS, errors), PH_OK);
    for (size_t r = 0; r < ROWS; r++) {
        char path[256];
        size_t above = 0;
        for (size_t i = 0; i < ROWS; i++)
            above += errors[i] > errors[r];
        const char *id = ph_data_id(d, r);
        snprintf(path, sizeof path, "%s/%02zu-plate_no_%.*s.png", maps, r + 1, (int)strcspn(id + 9, "."), id + 9);
        assert_int_equal(there(path), above < count);
    }
    ph_data_close(d);
    ph_model_free(m);
}

static void maps_of_errors(void **state)
{
    (void)state;
    write_pictures("plates");
    assert_run("train ae plates --hidden none --latent-dim 2 --epochs 30 --scaling bytes -o pl.pin --quiet", 0);
    maps_are_errors("pl.pin", "plates");
    assert_run("score pl.pin plates --maps heat --maps-of 3 --json", 0);
    assert_true(figure("maps") == 3 && figure("maps_scale") > 0);
    only_oddest("pl.pin", "plates", "heat", 3);
    assert_run("score pl.pin plates --maps all -o s.csv", 0);
    assert_says(err, "all: 12 maps of errors");
    slurp("s.csv", out, sizeof out);
    assert_says(out, "id,error,odd\nplate no 0.ppm,");
    assert_true(there("all/01-plate_no_0.png") && there("all/12-plate_no_9.png"));
    ph_data *d = opened("all");
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_true(info.rows == 12 && info.rank == 3);
    ph_data_close(d);
    assert_fails("score pl.pin plates --maps-of 3", 2, "without --maps");
    assert_fails("eval pl.pin plates --probe --probe-seed 3", 2, "--probe-seed does nothing without --probe-labels");
    assert_fails("eval pl.pin plates --noise-seed 3", 2, "without --noise");
    assert_fails("reconstruct pl.pin plates --noise-seed 3 -o r.npy", 2, "without --noise");
    assert_fails("sample pl.pin --steps 5 -o r.npy", 2, "without --grid or --interpolate");
    assert_fails("score pl.pin plates -o s.png", 2, "no picture");
    assert_fails("score pl.pin plates --maps plates", 2, "choose another");
    assert_fails("score pl.pin plates --maps plates/heat", 2, "choose another");
    assert_true(!there("plates/heat"));
    assert_fails("score pl.pin plates --maps s.csv", 2, "s.csv");
    assert_fails("score line.pin good.csv --maps heat", 2, "rows are none");
    assert_fails("score pl.pin plates --maps nowhere/heat", 2, "cannot make the folder");
}

/* One class is learnt, the others are odd; a recipe may say so, and the model does not: it is measured on all. */
static void one_class(void **state)
{
    (void)state;
    static const char recipe[] = "family = ae\ndata = glyphs\nonly-label = 3\nhidden = 64\nlatent-dim = 4\n"
                                 "epochs = 20\nlr = 3e-3\n";
    FILE *f = fopen(in_folder("three"), "w");
    fputs(recipe, f);
    fclose(f);
    assert_run("train three -o three.pin --quiet --json", 0);
    assert_true(figure("rows") > 900 && figure("rows") < 1100);
    assert_run("eval three.pin glyphs --json", 0);
    assert_true(figure("rows") == 2000);
    assert_run("eval three.pin glyphs --only-label 3,4 --json", 0);
    assert_true(figure("rows") > 350 && figure("rows") < 450);
    assert_run("info three.pin --options", 0);
    assert_null(strstr(out, "only-label"));
    assert_run("score three.pin glyphs --normal-label 3 --json", 0);
    assert_true(figure("roc_auc") > 0.9 && figure("rows") == 2000);
    assert_run("score three.pin glyphs --score both --training glyphs --normal-label 3 --json", 0);
    double both = figure("roc_auc"), threshold = figure("threshold");
    assert_true(both > 0.9);
    assert_run("score three.pin glyphs --score both --training glyphs --normal-label 3 -o b.csv", 0);
    assert_says(err, "class 3 normal");
    slurp("b.csv", out, sizeof out);
    assert_says(out, "row,score,odd\n1,");
    /* The training rows are those of the class alone: the same as if they were a set of their own. */
    assert_run("score three.pin glyphs:train --only-label 3 --score both --training glyphs --normal-label 3 "
               "--json --quantile 0.99", 0);
    assert_true(figure("threshold") == threshold && fabs(figure("odd") / figure("rows") - 0.01) < 0.002);
    assert_fails("score three.pin glyphs --score code", 2, "--training DATA");
    assert_fails("score three.pin glyphs --score code --threshold 1", 2, "needs the training rows");
    assert_fails("score three.pin glyphs --normal-label 11", 2, "none of its classes");
    assert_fails("train ae glyphs --only-label 11 -o x.pin", 2, "none of its classes, 0 to 9");
    assert_fails("score line.pin good.csv --normal-label 1", 2, "no labels");
}

static void new_rows(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 32 --latent-dim 2 --epochs 2 -o v.pin --quiet", 0);
    assert_run("sample v.pin -n 30 -o a.npy", 0);
    assert_run("sample v.pin -n 10 -o b.npy --threads 1", 0);
    same_rows("a.npy", "b.npy", 9, 9, 0); /* a sample is its number's, however many are drawn */
    assert_run("sample v.pin -n 30 --seed 1 -o c.npy", 0);
    assert_run("sample v.pin --grid -2:2 --steps 5 -o grid.npy", 0);
    ph_data *grid = opened("grid.npy");
    ph_data_info info;
    ph_data_describe(grid, &info);
    assert_int_equal(info.rows, 25);
    ph_data_close(grid);
    FILE *codes = fopen(in_folder("corner.csv"), "w");
    fputs("z1,z2\n-2,2\n2,-2\n0,0\n", codes);
    fclose(codes);
    assert_run("decode v.pin corner.csv -o corner.npy", 0);
    same_rows("grid.npy", "corner.npy", 0, 0, 0);
    same_rows("grid.npy", "corner.npy", 24, 1, 0);
    same_rows("grid.npy", "corner.npy", 12, 2, 0);
    assert_run("sample v.pin glyphs --interpolate 3,8 --steps 4 -o way.npy", 0);
    assert_run("reconstruct v.pin glyphs -o rec.npy", 0);
    same_rows("way.npy", "rec.npy", 0, 2, 1e-3);
    same_rows("way.npy", "rec.npy", 3, 7, 1e-3);
    assert_run("sample v.pin glyphs -n 3 --nearest -o near.npy", 0);
    same_rows("near.npy", "a.npy", 2, 1, 0); /* pairs: a sample, its nearest row */
    assert_run("sample v.pin -n 9 -o tiles.png", 0);
    assert_true(there("tiles.png"));
}

static void a_mixture_of_codes(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 32 --latent-dim 4 --epochs 2 -o m.pin --quiet", 0);
    assert_fails("sample m.pin -n 5 -o x.npy", 2, "mixture");
    assert_run("sample m.pin --from normal -n 5 -o n.npy", 0);
    assert_run("sample m.pin glyphs --components 5 -n 20 -o a.npy", 0);
    assert_says(err, "mixture of 5");
    assert_run("sample m.pin -n 20 -o b.npy", 0); /* the model file keeps it */
    for (size_t r = 0; r < 20; r++)
        same_rows("a.npy", "b.npy", r, r, 0);
    assert_run("sample m.pin glyphs -n 2 --nearest -o c.npy", 0);
    assert_string_equal(err, ""); /* nor is another fitted, unless it is asked for */
    same_rows("a.npy", "c.npy", 1, 2, 0);
    assert_fails("sample m.pin --components 3 -o c.npy", 2, "needs DATA");
    assert_run("eval m.pin glyphs", 0);
    assert_fails("sample m.pin --grid -1:1 -o g.png", 2, "code has 4 numbers");
    assert_fails("sample m.pin --grid 1:0 -o g.png", 2, "A below B");
    assert_fails("sample m.pin glyphs --interpolate 0,5 -o g.png", 2, "from 1 to 2000");
    assert_fails("sample m.pin --nearest -o g.png", 2, "needs DATA");
    assert_fails("sample m.pin -n 3", 2, "where to");
}

static void layers_and_labels(void **state)
{
    (void)state;
    assert_run("train ae glyphs --hidden 40,30 --latent-dim 20 --activation sigmoid --latent-activation "
               "sigmoid --pretrain layerwise --pretrain-epochs 1 --finetune labels --epochs 6 --lr 0.005 "
               "-o p.pin --json", 0);
    assert_says(out, "\"epochs\":9");
    assert_run("eval p.pin glyphs --json", 0);
    assert_true(figure("error") < 0.2);
    assert_run("train ae glyphs --hidden 40,30 --latent-dim 20 --activation sigmoid --latent-activation "
               "sigmoid --pretrain layerwise --pretrain-epochs 1 --finetune labels --epochs 3 --lr 0.005 "
               "-o q.pin --quiet", 0);
    assert_run("train ae glyphs --epochs 6 --resume -o q.pin --quiet", 0);
    assert_run("eval q.pin glyphs --json", 0);
    double resumed = figure("error");
    assert_run("eval p.pin glyphs --json", 0);
    assert_true(figure("error") == resumed);
    static const char *const nothing[][2] = { /* options that would do nothing */
        { "--finetune labels --noise mask:0.1", "noise: labels are learnt" },
        { "--finetune labels --sparsity l1", "sparsity: labels are learnt" },
        { "--finetune labels --pretrain layerwise --contractive 1", "contractive: it has no part" },
        { "--emphasis 2", "emphasis: only" },
        { "--emphasis 2 --noise gauss:0.1", "emphasis: only" },
        { "--sparsity topk:2 --sparsity-weight 3", "sparsity-weight: sparsity topk:2" },
        { "--jacobian exact", "jacobian: only" },
        { "--pretrain-epochs 3", "pretrain-epochs: there is no" },
        { "--pretrain-lr 0.1", "pretrain-lr: there is no" },
        { "--output-activation linear", "bce is a loss of a sigmoid" },
        { "--output-activation sigmoid --scaling standardise", "needs values in [0,1]" },
    };
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        char command[256];
        snprintf(command, sizeof command, "train ae glyphs --epochs 1 -o x.pin %s", nothing[i][0]);
        assert_fails(command, 2, nothing[i][1]);
    }
    write_line("nolabel.csv", 50, 0);
    assert_fails("train ae nolabel.csv --drop-columns kind --finetune labels --hidden 4 --latent-dim 2 "
                 "-o x.pin", 2, "no labels");
}

static void layers_of_every_family(void **state)
{
    (void)state;
    static const char *const families[] = { "ae", "vae", "aae" };
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char command[128];
        snprintf(command, sizeof command, "train %s glyphs --hidden 9,6 --latent-dim 3 --epochs 0 -o l.pin "
                 "--quiet", families[i]);
        assert_run(command, 0);
        for (size_t layer = 1; layer <= 2; layer++) {
            ph_data_info info;
            snprintf(command, sizeof command, "encode l.pin glyphs --layer %zu -o l.npy", layer);
            assert_run(command, 0);
            ph_data *d = opened("l.npy");
            ph_data_describe(d, &info);
            assert_int_equal(info.width, layer == 1 ? 9 : 6);
            ph_data_close(d);
        }
        assert_fails("encode l.pin glyphs --layer 3 -o l.npy", 2, "layer3");
    }
}

static void classes_and_styles(void **state)
{
    (void)state;
    ph_data_info info;
    assert_run("train aae glyphs --labels 100 --hidden 64 --latent-dim 2 --epochs 3 --lr 0.003 -o c.pin "
               "--json", 0);
    assert_says(out, "\"label_error\":");
    assert_says(out, "\"prior_mmd\":");
    assert_run("eval c.pin glyphs --json", 0);
    assert_true(figure("error") < 0.3);
    assert_run("encode c.pin glyphs --classify -o classes.npy", 0);
    ph_data *classes = opened("classes.npy");
    ph_real row[2];
    for (size_t r = 0; r < 2000; r += 100) {
        assert_int_equal(ph_data_read(classes, &r, 1, row), PH_OK);
        assert_true(row[0] >= 0 && row[0] < 10 && row[1] > 0.09 && row[1] <= 1);
    }
    ph_data_close(classes);
    assert_run("sample c.pin -n 3 --every-label -o all.npy", 0);
    ph_data *all = opened("all.npy");
    ph_data_describe(all, &info);
    assert_int_equal(info.rows, 30);
    ph_data_close(all);
    assert_run("sample c.pin --label 3 --grid=-1:1,1:-1 --steps 3 -o up.npy", 0);
    assert_run("sample c.pin --label 3 --grid=-1:1 --steps 3 -o plain.npy", 0);
    assert_run("sample c.pin --label 3 --grid=-1:1,-1:1 --steps 3 -o down.npy", 0);
    for (size_t r = 0; r < 9; r++) {
        same_rows("up.npy", "plain.npy", r, r, 0);
        same_rows("up.npy", "down.npy", r, (2 - r / 3) * 3 + r % 3, 0);
    }
    assert_fails("sample c.pin --label 10 -o x.npy", 2, "classes 0 to 9");
    assert_fails("sample c.pin --grid=-1:1 -o x.npy", 2, "which class");
    assert_fails("sample m.pin --from normal --label 1 -o x.npy", 2, "no class");
    assert_fails("sample c.pin --from normal -o x.npy", 2, "come from prior");
    assert_fails("sample c.pin glyphs --from mixture -o x.npy", 2, "come from prior");
    assert_fails("encode m.pin glyphs --classify -o x.npy", 2, "knows no classes");
}

static void likely_rows(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 32 --latent-dim 3 --epochs 2 -o l.pin --quiet", 0);
    assert_run("eval l.pin glyphs --importance-samples 5 --json", 0);
    double few = figure("nll"), elbo = figure("elbo");
    assert_run("eval l.pin glyphs --importance-samples 100 --json", 0);
    assert_true(figure("nll") < few + 0.1 && figure("nll") <= -elbo + 0.5 && figure("nll_se") > 0);
    assert_fails("eval p.pin glyphs --importance-samples 5", 2, "no likelihood");
}

/* Codes of classes: what assumes numbers is refused in a line, all else works. */
static void codes_of_classes(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 32 --latent categorical:4x3 --epochs 3 -o c.pin --quiet", 0);
    assert_run("info c.pin", 0);
    assert_says(out, "3 variables of 4 classes");
    assert_run("info c.pin --options", 0);
    assert_says(out, "temperature-epochs = 3");
    assert_run("sample c.pin -n 30 -o a.npy", 0);
    assert_run("sample c.pin --from prior -n 10 -o b.npy --threads 1", 0);
    same_rows("a.npy", "b.npy", 9, 9, 0);
    assert_run("encode c.pin glyphs -o codes.csv", 0);
    assert_run("decode c.pin codes.csv -o back.npy", 0);
    assert_run("reconstruct c.pin glyphs -o rec.npy", 0);
    same_rows("back.npy", "rec.npy", 1, 1, 0.01);
    assert_run("sample c.pin glyphs --interpolate 3,8 --steps 4 -o way.npy", 0);
    assert_fails("sample c.pin --grid -3:3 -o g.png", 2, "3 variables of 4 classes");
    assert_fails("sample c.pin --from normal -o g.png", 2, "come from prior");
    assert_fails("sample c.pin glyphs --from mixture -o g.png", 2, "mixture of Gaussians");
    assert_fails("sample m.pin --from prior -o g.png", 2, "no prior");
    assert_run("eval c.pin glyphs --importance-samples 20 --json", 0);
    assert_true(figure("nll") <= -figure("elbo") + 0.5 && figure("nll_se") > 0);
    assert_run("train vae glyphs --resume --epochs 4 --latent categorical:4x3 -o c.pin --quiet", 0);
    assert_fails("train vae glyphs --latent categorical:4 -o x.pin", 2, "categorical:KxN");
    assert_fails("train vae glyphs --latent categorical:4x3 --objective iwae:5 -o x.pin", 2, "elbo");
}

/* The divergence of each code dimension, by size in words, by place in JSON. */
static void each_dimension(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 32 --latent-dim 70 --epochs 2 -o d.pin --quiet", 0);
    assert_run("eval d.pin glyphs --json", 0);
    const char *at = strstr(out, "\"kl_per_dim\":[");
    assert_non_null(at);
    double kl = figure("kl"), sum = 0, largest = 0;
    size_t count = 0, place = 0;
    for (at = strchr(at, '['); *at != ']'; at += *at != ']' && *at != ',', count++) {
        char *end;
        double value = strtod(at + 1, &end);
        place = value > largest ? count + 1 : place;
        largest = value > largest ? value : largest;
        sum += value;
        at = end;
    }
    assert_int_equal(count, 70);
    assert_true(fabs(sum - kl) < 1e-4 * kl);
    assert_says(out, "\"kl_per_dim\":\"nats per row");
    char told[64];
    assert_run("eval d.pin glyphs", 0);
    snprintf(told, sizeof told, "the largest first:\n%6zu: %.4g", place, largest);
    assert_says(out, told);
    assert_says(out, "the other 6 together");
}

/* A code that says nothing is told of where training ends, and only there. */
static void a_collapse_is_told(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 16 --latent-dim 3 --beta 1e5 --epochs 2 -o f.pin --quiet", 0);
    assert_says(err, "the posterior has collapsed");
    assert_run("eval f.pin glyphs", 0);
    assert_says(out, "the posterior has collapsed");
    assert_run("train vae glyphs --hidden 16 --latent-dim 3 --beta 0 --epochs 6 -o f.pin --quiet --json", 0);
    assert_null(strstr(err, "collapsed"));
    assert_true(figure("sigma") < 0.5 && figure("sigma") > 0);
    assert_run("train vae glyphs --hidden 16 --latent categorical:3x2 --beta 1e5 --epochs 2 -o f.pin "
               "--quiet", 0);
    assert_says(err, "the posterior has collapsed");
}

static void likely_levels(void **state)
{
    (void)state;
    assert_run("train vae glyphs --hidden 16 --latent-dim 3 --likelihood categorical:4 --epochs 2 -o l.pin "
               "--quiet", 0);
    assert_run("eval l.pin glyphs --importance-samples 10 --json", 0);
    /* Nats of a discrete likelihood: between nothing and all levels alike. */
    assert_true(figure("nll") <= -figure("elbo") + 0.5);
    assert_true(figure("nll") > 0 && figure("nll") < 784 * log(4));
    assert_fails("train vae glyphs --likelihood categorical:1000 -o x.pin", 2, "2 to 256 levels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_rows_are_found), cmocka_unit_test(maps_of_errors), cmocka_unit_test(one_class),
        cmocka_unit_test(new_rows),
        cmocka_unit_test(a_mixture_of_codes), cmocka_unit_test(layers_and_labels),
        cmocka_unit_test(layers_of_every_family),
        cmocka_unit_test(classes_and_styles), cmocka_unit_test(likely_rows),
        cmocka_unit_test(likely_levels), cmocka_unit_test(codes_of_classes),
        cmocka_unit_test(each_dimension), cmocka_unit_test(a_collapse_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
