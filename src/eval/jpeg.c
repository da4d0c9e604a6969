/* jpeg.c - what JPEG makes of the same pictures at the size that a model's words take: baseline files,
 * each with its own headers, at the quality whose mean size is nearest.
 *
 * The headers alone (tables of quantisation and of Huffman codes) take some hundred bytes a picture.
 * Where the words take less, no quality comes near, and the smallest, quality 1, is measured.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>
#include <turbojpeg.h>

enum { SAMPLE = 1000 };        /* rows that the quality is chosen on */

typedef struct codec {
    tjhandle in, out;
    ph_ssim_desc picture;
    size_t width, header;      /* numbers of a row; bytes before and behind a file's data */
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

/* The bytes up to the data, and the two that end the file. */
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
    c->header = header_size(c->file, c->size);
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
        *bits += 8 * (double)c->size / (double)count;
    }
    return PH_OK;
}

/* Sizes grow with the quality: the two between which the wanted one lies, and of these the nearer. */
static ph_status choose(codec *c, const real *rows, size_t count, double wanted, int *quality)
{
    int low = 1, high = 100;
    double bits[2];
    while (high - low > 1) {
        int middle = (low + high) / 2;
        PH_TRY(mean_bits(c, rows, count, middle, &bits[0]));
        *(bits[0] < wanted ? &low : &high) = middle;
    }
    PH_TRY(mean_bits(c, rows, count, low, &bits[0]));
    PH_TRY(mean_bits(c, rows, count, high, &bits[1]));
    *quality = fabs(bits[0] - wanted) <= fabs(bits[1] - wanted) ? low : high;
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
    double bits, header, squares, ssim;
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
        sum->bits += 8 * (double)c->size;
        sum->header += 8 * (double)c->header;
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

static ph_status add(ph_study *s, const codec *c, int quality, double wanted, const sums *sum)
{
    double rows = (double)s->data->rows, bits = sum->bits / rows, header = sum->header / rows;
    PH_TRY(ph_study_add(s, "jpeg_bits", bits, "a picture as baseline JPEG%s at quality %d, mean; %s",
                        c->picture.channels == 3 ? " (4:2:0)" : "", quality,
                        header > wanted ? "its headers alone are larger than the words, so this is the "
                                          "smallest there is"
                                        : "the size nearest to that of the words"));
    PH_TRY(ph_study_add(s, "jpeg_header_bits", header, "of these without the picture's own data"));
    PH_TRY(ph_study_add(s, "jpeg_psnr", -10 * log10(sum->squares / rows / (double)c->width),
                        "dB, of what comes back, of the mean squared error, peak white"));
    return ph_study_add(s, "jpeg_ssim", sum->ssim / rows, "structural similarity of the same");
}

bool ph_study_has_jpeg(const ph_model *m)
{
    return m->graph->tokens && ph_shows_pictures(m);
}

ph_status ph_study_jpeg(ph_study *s)
{
    codec c = { 0 };
    sums sum = { 0 };
    int quality;
    double wanted = ph_figure_get(s->figures, "bits_per_picture");
    if (!ph_study_has_jpeg(s->model))
        return ph_fail(PH_USAGE, "jpeg: it is for models with a codebook, of pictures of at least %dx%d",
                       PH_SSIM_WINDOW, PH_SSIM_WINDOW);
    ph_status status = begin(&c, s->model);
    if (status == PH_OK)
        status = choose_quality(&c, s->data, wanted, &quality);
    if (status == PH_OK)
        status = measure(&c, s->data, quality, &sum);
    if (status == PH_OK)
        status = add(s, &c, quality, wanted, &sum);
    end(&c);
    return status;
}
