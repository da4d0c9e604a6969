/* test_cli_sound.c - sounds and photos of any size from outside: trained on in windows, given back whole, the
 * ratios of signal to noise, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include <pinhole.h>

#include "cli/command.h"
#include "sound.h"

#define NET "--hidden 'conv 8 8/2, res 8' --spatial-code --latent-dim 8 --quiet "

static const sound mono = { 1, 16, 1, 8000, false, 4001 };

static void assert_alike(const char *a, const char *b)
{
    ph_data_info x, y;
    char path[600];
    snprintf(path, sizeof path, "%s", in_folder(a));
    ph_data *one = ph_data_open(path, &(ph_data_desc){ .window = "1", .hop = "1" });
    ph_data *other = ph_data_open(in_folder(b), &(ph_data_desc){ .window = "1", .hop = "1" });
    assert_true(one && other);
    ph_data_describe(one, &x);
    ph_data_describe(other, &y);
    assert_true(x.rows == y.rows && x.rate == y.rate && x.width == y.width);
    assert_string_equal(x.coding ? x.coding : "", y.coding ? y.coding : "");
    ph_data_close(one);
    ph_data_close(other);
}

static void a_sound_comes_back_whole(void **state)
{
    (void)state;
    assert_true(write_sound("song.wav", &mono));
    assert_run("data song.wav --window 256", 0);
    assert_says(out, "song.wav: 31 rows of 256, f4 numbers (WAV)");
    assert_says(out, "rows are windows of 256 samples, 128 apart, of 1 sound");
    assert_says(out, "16-bit PCM, 1 channel, 8000 samples a second");
    assert_run("data song.wav --window 256 --json", 0);
    assert_true(figure("pieces") == 1 && figure("rate") == 8000 && figure("small_pieces") == 0);
    assert_run("train ae song.wav --window 256 --hop 64 " NET "--noise gauss:0.3 --epochs 40 --lr 0.01 -o d.pin", 0);
    assert_run("reconstruct d.pin song.wav -o clean.wav", 0);
    assert_alike("song.wav", "clean.wav");
    assert_run("eval d.pin song.wav --noise gauss:0.3 --json", 0);
    assert_true(figure("rows") == 60); /* windows of 256, 64 apart, as the model's */
    assert_true(fabs(figure("snr_before") + 20 * log10(0.3)) < 0.2);
    assert_true(figure("snr_after") > figure("snr_before") + 3);
    assert_true(fabs(figure("snr_after") - figure("snr_before") -
                     10 * log10(figure("mse_corrupted") / figure("mse_restored"))) < 1e-4);
    assert_run("eval d.pin song.wav --hop 256 --json", 0);
    assert_true(figure("rows") == 16);
    assert_run("score d.pin song.wav -o odd.csv", 0);
    assert_says(err, " of 1 sounds are odd: largest error above ");
    assert_says(err, "99 % of the training windows stayed below");
    slurp("odd.csv", out, sizeof out);
    assert_says(out, "id,error,odd\nsong.wav,");
    assert_run("score d.pin song.wav --of-windows each -o odd.csv", 0);
    assert_says(err, " of 60 rows are odd: error above ");
    assert_run("report d.pin song.wav -o page.html", 0);
    assert_run("reconstruct d.pin song.wav --noise gauss:0.3 -o noisy.wav", 0);
    assert_alike("song.wav", "noisy.wav");
    assert_run("reconstruct d.pin - -o piped.wav <song.wav", 0);
    assert_run("reconstruct d.pin song.wav -o - >/dev/null", 0);
    assert_run("encode d.pin song.wav -o codes.npy", 0);
    assert_run("reconstruct d.pin song.wav -o rows.png", 0);
}

static void beyond_full_scale_is_told(void **state)
{
    (void)state;
    assert_true(write_sound("song.wav", &mono));
    /* Untrained, with a scale of its own: what comes back is anything. */
    assert_run("train ae song.wav --window 256 --hidden none --latent-dim 2 --quiet --epochs 20 --lr 2 -o wild.pin", 0);
    assert_run("reconstruct wild.pin song.wav -o wild.wav", 0);
    assert_says(err, "pinhole: wild.wav: ");
    assert_says(err, "beyond full scale, which 16-bit PCM cannot hold");
    assert_one_line(err);
}

static void write_photo(const char *name, unsigned width, unsigned height)
{
    static uint8_t bytes[1 << 16];
    int n = sprintf((char *)bytes, "P6 %u %u 255\n", width, height);
    for (unsigned i = 0; i < width * height * 3; i++)
        bytes[n++] = (uint8_t)(60 + i / 3 % width * 2 + i / 3 / width + 20 * (i % 3));
    assert_true(write_bytes(name, bytes, (size_t)n));
}

static void photos_come_back_whole(void **state)
{
    (void)state;
    mkdir(in_folder("photos"), 0777);
    mkdir(in_folder("photos/a"), 0777);
    mkdir(in_folder("photos/b"), 0777);
    write_photo("photos/a/1.ppm", 40, 31);
    write_photo("photos/b/2.ppm", 16, 50);
    assert_run("data photos --window 16 -o tiles.png", 0);
    assert_says(out, "rows are windows of 16x16, 8x8 apart, of 2 pictures");
    assert_run("train ae photos --window 16 --noise gauss:0.1 --hidden 'conv 8 4/2, res 8' --spatial-code "
               "--latent-dim 8 --loss mse --quiet --batch-size 4 --epochs 30 --lr 0.005 -o p.pin", 0);
    assert_run("reconstruct p.pin photos/a/1.ppm -o clean.png", 0);
    assert_alike("photos/a/1.ppm", "clean.png");
    assert_run("data clean.png", 0);
    assert_says(out, "clean.png: 1 row of 31x40x3, u1");
    assert_run("eval p.pin photos --noise gauss:0.1 --json", 0);
    assert_true(figure("snr_after") > figure("snr_before"));
    assert_run("reconstruct p.pin photos -o panels.png", 0); /* several: fifty rows beside what became of them */
    assert_run("reconstruct p.pin photos -o clean/", 0);
    assert_true(there("clean/a/1.ppm.png") && there("clean/b/2.ppm.png"));
    assert_run("data clean/b/2.ppm.png", 0);
    assert_says(out, "1 row of 50x16x3, u1");
    /* Each piece of a folder is what it is alone. */
    assert_run("reconstruct p.pin photos/b/2.ppm -o alone.png", 0);
    char command[2048];
    snprintf(command, sizeof command, "cd %s && cmp alone.png clean/b/2.ppm.png", folder);
    assert_int_equal(system(command), 0);
    assert_fails("reconstruct p.pin photos -o photos/", 2, "what is read lies there");
    assert_fails("reconstruct p.pin photos -o photos/a/", 2, "what is read lies there");
}

/* ---- Scores of what was cut ------------------------------------------------------------------------ */

enum { PHOTOS = 2, PIXELS = 40 * 31 };

/* What windows say of each pixel, weighted by sin^2 of the place in them, over the sum of the weights. */
static void add_up(const ph_data *d, size_t piece, size_t channels, const ph_real *rows, double *sum)
{
    static double share[PIXELS];
    ph_data_info info;
    ph_data_describe(d, &info);
    size_t width = 0, all = 0;
    memset(share, 0, sizeof share);
    for (size_t r = 0; r < info.rows; r++) {
        ph_excerpt at;
        assert_true(ph_data_excerpt(d, r, &at));
        if (at.piece != piece)
            continue;
        width = at.whole[1];
        all = width * at.whole[0];
        for (size_t i = 0; i < 16 * 16; i++) {
            size_t place = (at.place[0] + i / 16) * width + at.place[1] + i % 16;
            double weight = pow(sin(acos(-1) * ((double)(i / 16) + 0.5) / 16) *
                                sin(acos(-1) * ((double)(i % 16) + 0.5) / 16), 2);
            share[place] += weight;
            for (size_t c = 0; c < channels; c++)
                sum[place * channels + c] += weight * (double)rows[(r * 256 + i) * channels + c];
        }
    }
    for (size_t i = 0; i < all * channels; i++)
        sum[i] /= share[i / channels];
}

static void assert_same_picture(const char *a, const char *b)
{
    char path[600];
    snprintf(path, sizeof path, "%s", in_folder(a));
    ph_data *one = ph_data_open(path, NULL), *other = ph_data_open(in_folder(b), NULL);
    if (!one || !other)
        fail_msg("%s", ph_message());
    ph_data_info x, y;
    ph_data_describe(one, &x);
    ph_data_describe(other, &y);
    assert_true(x.shape[0] == y.shape[0] && x.shape[1] == y.shape[1] && x.width == y.width);
    ph_real *p = malloc(x.width * sizeof *p), *q = malloc(x.width * sizeof *q);
    assert_int_equal(ph_data_read(one, &(size_t){ 0 }, 1, p), PH_OK);
    assert_int_equal(ph_data_read(other, &(size_t){ 0 }, 1, q), PH_OK);
    for (size_t i = 0; i < x.width; i++)
        if (!(fabs((double)p[i] - (double)q[i]) <= 1))
            fail_msg("%s: number %zu is %g, not %g", a, i, (double)p[i], (double)q[i]);
    free(p);
    free(q);
    ph_data_close(one);
    ph_data_close(other);
}

/* One map for each photo, of all its windows. */
static void check_maps(double scale)
{
    static const char *const have[PHOTOS] = { "heat/1-a_1.png", "heat/2-b_2.png" };
    static const size_t sizes[PHOTOS][2] = { { 31, 40 }, { 50, 16 } };
    static double sums[PHOTOS][7 * PIXELS];
    static ph_real numbers[7 * PIXELS];
    ph_model *m = ph_model_load(in_folder("p.pin"));
    ph_data *d = m ? ph_model_open_data(m, "reconstruct", in_folder("photos"), NULL) : NULL;
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_info info;
    ph_data_describe(d, &info);
    ph_real *rows = malloc(3 * info.rows * info.width * sizeof *rows), *back = rows + info.rows * info.width;
    ph_real *error = back + info.rows * info.width;
    for (size_t r = 0; r < info.rows; r++)
        assert_int_equal(ph_data_read(d, &r, 1, rows + r * info.width), PH_OK);
    assert_int_equal(ph_model_apply_data(m, "reconstruct", d, 0, info.rows, back), PH_OK);
    assert_int_equal(ph_model_error_maps(m, d, 0, info.rows, error), PH_OK);
    double most = 0;
    memset(sums, 0, sizeof sums);
    for (size_t p = 0; p < PHOTOS; p++) {
        add_up(d, p, 3, rows, sums[p]);
        add_up(d, p, 3, back, sums[p] + 3 * PIXELS);
        add_up(d, p, 1, error, sums[p] + 6 * PIXELS);
        for (size_t i = 0; i < PIXELS; i++)
            most = fmax(most, sums[p][6 * PIXELS + i]);
    }
    assert_true(fabs(scale - most) < 1e-5 * most);
    for (size_t p = 0; p < PHOTOS; p++) {
        for (size_t i = 0; i < 7 * PIXELS; i++)
            numbers[i] = (ph_real)sums[p][i];
        assert_int_equal(ph_heat_save(in_folder("want.png"), &(ph_heat){
            .original = numbers, .back = numbers + 3 * PIXELS, .error = numbers + 6 * PIXELS, .white = 255,
            .height = sizes[p][0], .width = sizes[p][1], .channels = 3, .most = scale }), PH_OK);
        assert_same_picture("want.png", have[p]);
    }
    free(rows);
    ph_data_close(d);
    ph_model_free(m);
}

/* The scores in a file whose lines begin with the photo's name. */
static size_t read_scores(const char *name, const char *photo, double scores[64])
{
    size_t count = 0;
    slurp(name, out, sizeof out);
    for (char *line = strchr(out, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        if (strncmp(line + 1, photo, strlen(photo)) == 0)
            scores[count++] = strtod(strchr(line, ',') + 1, NULL);
    return count;
}

static void photos_are_scored(void **state)
{
    (void)state;
    static const char *const photos[PHOTOS] = { "a/1.ppm", "b/2.ppm" };
    static const size_t windows[PHOTOS] = { 4 * 3, 1 * 6 };
    double least = 1e9, top = 0;
    assert_run("score p.pin photos --of-windows each --maps each -o each.csv --json", 0);
    assert_true(figure("rows") == 18 && figure("maps") == 18 && strstr(out, "pieces") == NULL);
    assert_true(there("each/01-a_1_0_0.png") && there("each/02-a_1_8_0.png") && there("each/18-b_2_0_34.png"));
    assert_run("score p.pin photos --of-windows mean -o mean.csv", 0);
    assert_says(err, " of 2 pictures are odd: mean over windows of the error above");
    assert_run("score p.pin photos --maps heat -o largest.csv --json", 0);
    assert_true(figure("rows") == 18 && figure("pieces") == 2 && figure("maps") == 2);
    check_maps(figure("maps_scale"));
    for (size_t p = 0; p < PHOTOS; p++) {
        double each[64], one[64], mean = 0, largest = 0;
        assert_int_equal(read_scores("each.csv", photos[p], each), windows[p]);
        for (size_t i = 0; i < windows[p]; i++) {
            mean += each[i] / (double)windows[p];
            largest = fmax(largest, each[i]);
        }
        assert_int_equal(read_scores("largest.csv", photos[p], one), 1);
        assert_true(one[0] == largest);
        assert_int_equal(read_scores("mean.csv", photos[p], one), 1);
        assert_true(fabs(one[0] - mean) < 1e-6 * mean);
        least = fmin(least, largest);
        top = fmax(top, largest);
    }
    /* The threshold is of photos, too, where there are some to compare with; labels are those of photos. */
    assert_run("score p.pin photos --training photos --quantile 0 --json", 0);
    assert_true(fabs(figure("threshold") - least) < 1e-6 * least && figure("odd") == 1);
    assert_run("score p.pin photos --training photos --quantile 1 --json", 0);
    assert_true(fabs(figure("threshold") - top) < 1e-6 * top && figure("odd") == 0);
    assert_true(figure("roc_auc") == 0 || figure("roc_auc") == 1);
    assert_says(out, "\"normal\":\"a\"");
    assert_run("score p.pin photos --maps worst --maps-of 1", 0);
    assert_true(there("worst/1-a_1.png") != there("worst/2-b_2.png"));
    assert_run("score p.pin photos --training photos -o -", 0);
    assert_says(err, "99 % of the training pictures stayed below");
    assert_fails("score p.pin photos --of-windows least", 2, "of-windows");
}

/* ---- Sounds ---------------------------------------------------------------------------------------- */

static void folders_of_sounds(void **state)
{
    (void)state;
    sound s = mono;
    mkdir(in_folder("songs"), 0777);
    assert_true(write_sound("songs/1.wav", &s));
    s.frames = 300;
    assert_true(write_sound("songs/2.wav", &s));
    assert_run("train ae songs --window 256 " NET "--epochs 1 -o f.pin", 0);
    assert_fails("reconstruct f.pin songs -o songs.wav", 2, "songs has 2 sounds; -o FOLDER/ takes a file for each");
    assert_run("reconstruct f.pin songs -o back/", 0);
    assert_alike("songs/2.wav", "back/2.wav");
    assert_run("reconstruct f.pin songs/2.wav -o alone.wav", 0);
    char command[2048];
    snprintf(command, sizeof command, "cd %s && cmp alone.wav back/2.wav", folder);
    assert_int_equal(system(command), 0);
    assert_run("reconstruct f.pin songs --noise gauss:0.2 -o noisy/", 0);
    assert_true(there("noisy/1.wav"));
}

/* What is smaller than a window is no reason to stop: it comes back in its own size. */
static void small_ones(void **state)
{
    (void)state;
    sound s = mono;
    mkdir(in_folder("few"), 0777);
    mkdir(in_folder("tiny"), 0777);
    for (s.frames = 1; s.frames < 400; s.frames += 127) {
        char name[32];
        snprintf(name, sizeof name, "few/%zu.wav", s.frames);
        assert_true(write_sound(name, &s));
    }
    assert_run("data few --window 256", 0);
    assert_says(out, "of 4 sounds\n3 of them are smaller than a window and continued in it by reflection\n");
    assert_run("data few --window 256 --json", 0);
    assert_true(figure("pieces") == 4 && figure("small_pieces") == 3 && figure("rows") == 5);
    assert_run("train ae few --window 256 " NET "--epochs 1 -o few.pin", 0);
    assert_run("reconstruct few.pin few -o few-back/", 0);
    assert_alike("few/1.wav", "few-back/1.wav");
    assert_alike("few/255.wav", "few-back/255.wav");
    assert_alike("few/382.wav", "few-back/382.wav");
    assert_run("reconstruct few.pin few/128.wav -o 128.wav", 0);
    assert_alike("few/128.wav", "128.wav");
    assert_run("score few.pin few -o few.csv", 0);
    write_photo("tiny/1.ppm", 20, 20);
    write_photo("tiny/2.ppm", 40, 33);
    write_photo("tiny/3.ppm", 1, 1);
    assert_run("train ae tiny --window 32x32 --hidden 'conv 4 4/2' --spatial-code --latent-dim 4 --quiet --epochs 1 "
               "-o tiny.pin", 0);
    assert_run("reconstruct tiny.pin tiny -o tiny-back/", 0);
    assert_alike("tiny/1.ppm", "tiny-back/1.ppm.png");
    assert_alike("tiny/2.ppm", "tiny-back/2.ppm.png");
    assert_alike("tiny/3.ppm", "tiny-back/3.ppm.png");
    assert_run("score tiny.pin tiny --maps tiny-heat -o tiny.csv", 0);
    assert_true(there("tiny-heat/1-1.png") && there("tiny-heat/2-2.png") && there("tiny-heat/3-3.png"));
}

static void mistakes(void **state)
{
    (void)state;
    sound s = mono;
    assert_true(write_sound("song.wav", &s));
    assert_run("train ae song.wav --window 256 " NET "--epochs 1 -o m.pin", 0);
    s.rate = 16000;
    assert_true(write_sound("fast.wav", &s));
    assert_fails("reconstruct m.pin fast.wav -o x.wav", 1, "fast.wav: 16000 samples a second, but the model was "
                 "made for 8000");
    s = mono;
    s.channels = 2;
    assert_true(write_sound("stereo.wav", &s));
    assert_fails("reconstruct m.pin stereo.wav -o x.wav", 1, "stereo.wav: 2 channels, but the model was made for 1");
    assert_fails("reconstruct m.pin song.wav -o song.wav", 2, "that file is read");
    assert_fails("encode m.pin song.wav -o x.wav", 2, "x.wav: a .wav is written of what comes back of a sound");
    assert_run("data glyphs --window 5", 0);
    assert_says(err, "--window does nothing here, it is for sounds and pictures");
    assert_fails("train ae song.wav --window 256 --spatial-code --hidden 32", 2, "spatial-code: the hidden layers "
                 "must end in a picture");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_comes_back_whole), cmocka_unit_test(beyond_full_scale_is_told),
        cmocka_unit_test(photos_come_back_whole),   cmocka_unit_test(folders_of_sounds),
        cmocka_unit_test(photos_are_scored),        cmocka_unit_test(small_ones),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
