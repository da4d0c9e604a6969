/* jpeg.c - what JPEG makes of the same pictures at the size that a model's words take.
 *
 * Counted is a picture's own data. Headers and tables are the same in all files of one size and quality;
 * abbreviated streams (ITU-T T.81, annex B.4) have them once for all, as words have their codebook, which is
 * not counted either. In files as they are they take some hundred bytes a picture, more than the data of a
 * small one.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <turbojpeg.h>

enum { SAMPLE = 1000 };        /* rows that the quality is chosen on */

typedef struct codec {
    tjhandle in, out;
    ph_ssim_desc picture;
    size_t width, data;        /* numbers of a row; bytes of a file without headers and tables */
    uint8_t *pixels;           /* of one picture */
    unsigned char *file;
    unsigned long size;        /* of the file */
    int sampling, format;
} codec;

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for JPEG files");
}

static ph_status begin(codec *c, const ph_model *m)
{
    c->picture = ph_ssim_of(m);
    c->width = ph_shape_size(&m->row);
    bool colour = c->picture.channels == 3;
    c->sampling = colour ? TJSAMP_420 : TJSAMP_GRAY;
    c->format = colour ? TJPF_RGB : TJPF_GRAY;
    c->in = tjInitCompress();
    c->out = tjInitDecompress();
    c->pixels = malloc(c->width);
    c->file = malloc(tjBufSize((int)c->picture.width, (int)c->picture.height, c->sampling));
    return c->in && c->out && c->pixels && c->file ? PH_OK : out_of_memory();
}

static void end(codec *c)
{
    if (c->in)
        tjDestroy(c->in);
    if (c->out)
        tjDestroy(c->out);
    free(c->pixels);
    free(c->file);
}

/* The bytes up to a picture's own data, and the two that end the file. */
static size_t header_size(const unsigned char *file, size_t size)
{
    size_t at = 2;
    while (at + 4 <= size && file[at] == 0xff) {
        bool data = file[at + 1] == 0xda;
        at += 2 + ((size_t)file[at + 2] << 8 | file[at + 3]);
        if (data)
            return at + 2;
    }
    return size;
}

static ph_status compress(codec *c, const real *row, int quality)
{
    for (size_t i = 0; i < c->width; i++) {
        double v = rint(255 * (double)row[i] / c->picture.white);
        c->pixels[i] = (uint8_t)(v > 0 ? v < 255 ? v : 255 : 0); /* NaN: 0 */
    }
    c->size = tjBufSize((int)c->picture.width, (int)c->picture.height, c->sampling);
    if (tjCompress2(c->in, c->pixels, (int)c->picture.width, 0, (int)c->picture.height, c->format,
                    &c->file, &c->size, c->sampling, quality, TJFLAG_NOREALLOC) != 0)
        return ph_fail(PH_DATA, "JPEG: %s", tjGetErrorStr2(c->in));
    c->data = c->size - header_size(c->file, c->size);
    return PH_OK;
}

static ph_status decompress(codec *c, real *row)
{
    if (tjDecompress2(c->out, c->file, c->size, c->pixels, (int)c->picture.width, 0,
                      (int)c->picture.height, c->format, 0) != 0)
        return ph_fail(PH_DATA, "JPEG: %s", tjGetErrorStr2(c->out));
    for (size_t i = 0; i < c->width; i++)
        row[i] = (real)(c->pixels[i] * c->picture.white / 255);
    return PH_OK;
}

/* ---- Which quality -------------------------------------------------------------------------------- */

static ph_status mean_bits(codec *c, const real *rows, size_t count, int quality, double *bits)
{
    *bits = 0;
    for (size_t r = 0; r < count; r++) {
        PH_TRY(compress(c, rows + r * c->width, quality));
        *bits += 8 * (double)c->data;
    }
    *bits /= (double)count;
    return PH_OK;
}

/* Sizes grow with the quality: the best one that takes no more than is wanted, or else the smallest, 1. */
static ph_status choose(codec *c, const real *rows, size_t count, double wanted, int *quality)
{
    int above = 101;
    double bits;
    for (*quality = 1; above - *quality > 1;) {
        int middle = (*quality + above) / 2;
        PH_TRY(mean_bits(c, rows, count, middle, &bits));
        *(bits <= wanted ? quality : &above) = middle;
    }
    return PH_OK;
}

static ph_status choose_quality(codec *c, const ph_data *data, double wanted, int *quality)
{
    size_t index[SAMPLE], count = data->rows < SAMPLE ? data->rows : SAMPLE;
    real *rows = malloc(count * c->width * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        index[i] = ph_spread(i, count, data->rows);
    ph_status status = rows ? ph_data_read(data, index, count, rows) : out_of_memory();
    if (status == PH_OK)
        status = choose(c, rows, count, wanted, quality);
    free(rows);
    return status;
}

/* ---- What comes back ------------------------------------------------------------------------------ */

typedef struct sums {
    double bits, file_bits, squares, ssim;
} sums;

static ph_status measure_block(codec *c, const ph_data *data, size_t first, size_t count, int quality,
                               real *x, real *y, sums *sum)
{
    size_t index[PH_EVAL_ROWS];
    double ssim[PH_EVAL_ROWS], white = c->picture.white;
    for (size_t i = 0; i < count; i++)
        index[i] = first + i;
    PH_TRY(ph_data_read(data, index, count, x));
    for (size_t r = 0; r < count; r++) {
        PH_TRY(compress(c, x + r * c->width, quality));
        sum->bits += 8 * (double)c->data;
        sum->file_bits += 8 * (double)c->size;
        PH_TRY(decompress(c, y + r * c->width));
    }
    for (size_t i = 0; i < count * c->width; i++)
        sum->squares += pow(((double)x[i] - (double)y[i]) / white, 2);
    PH_TRY(ph_ssim(&c->picture, x, y, count, ssim));
    for (size_t r = 0; r < count; r++)
        sum->ssim += ssim[r];
    return PH_OK;
}

static ph_status measure(codec *c, const ph_data *data, int quality, sums *sum)
{
    real *x = malloc(PH_EVAL_ROWS * c->width * sizeof *x);
    real *y = malloc(PH_EVAL_ROWS * c->width * sizeof *y);
    ph_status status = x && y ? PH_OK : out_of_memory();
    for (size_t first = 0; first < data->rows && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t left = data->rows - first, count = left < PH_EVAL_ROWS ? left : PH_EVAL_ROWS;
        status = measure_block(c, data, first, count, quality, x, y, sum);
    }
    free(x);
    free(y);
    return status;
}

/* The figures of one size; their names begin with `of`. */
static ph_status add(ph_study *s, const codec *c, const char *of, int quality, double wanted, const sums *sum)
{
    char name[5][32];
    static const char *const ends[5] = { "bits", "bits_per_pixel", "file_bits", "psnr", "ssim" };
    double rows = (double)s->data->rows, bits = sum->bits / rows;
    double pixels = (double)(c->picture.height * c->picture.width);
    for (int i = 0; i < 5; i++)
        snprintf(name[i], sizeof name[i], "%s_%s", of, ends[i]);
    PH_TRY(ph_study_add(s, name[0], bits, "a picture's own data as baseline JPEG%s at quality %d, mean; %s",
                        c->picture.channels == 3 ? " (4:2:0)" : "", quality,
                        quality == 1 && bits > wanted ? "more than the words, but the least that there is"
                                                      : "the best quality that takes no more than the words"));
    PH_TRY(ph_study_add(s, name[1], bits / pixels, "the same for each pixel, of all channels"));
    PH_TRY(ph_study_add(s, name[2], sum->file_bits / rows, "the same as a file of its own, with headers "
                        "and tables, which are not counted above"));
    PH_TRY(ph_study_add(s, name[3], -10 * log10(sum->squares / rows / (double)c->width),
                        "dB, of what comes back, of the mean squared error, peak white"));
    return ph_study_add(s, name[4], sum->ssim / rows, "structural similarity of the same");
}

/* At the size of that figure, if there is such. */
static ph_status beside(ph_study *s, codec *c, const char *of, const char *size)
{
    double wanted = ph_figure_get(s->figures, size);
    sums sum = { 0 };
    int quality;
    if (isnan(wanted))
        return PH_OK;
    PH_TRY(choose_quality(c, s->data, wanted, &quality));
    PH_TRY(measure(c, s->data, quality, &sum));
    return add(s, c, of, quality, wanted, &sum);
}

bool ph_study_has_jpeg(const ph_model *m)
{
    return m->graph->tokens && ph_shows_pictures(m);
}

ph_status ph_study_jpeg(ph_study *s)
{
    codec c = { 0 };
    if (!ph_study_has_jpeg(s->model))
        return ph_fail(PH_USAGE, "jpeg: it is for models with a codebook, of pictures of at least %dx%d",
                       PH_SSIM_WINDOW, PH_SSIM_WINDOW);
    ph_status status = begin(&c, s->model);
    if (status == PH_OK)
        status = beside(s, &c, "jpeg", "bits_per_picture");
    if (status == PH_OK)
        status = beside(s, &c, "prior_jpeg", "prior_bits_per_picture");
    end(&c);
    return status;
}
