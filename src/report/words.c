/* words.c - a codebook at work: what it was trained with, how much each word is used, and what a picture
 * takes in bits beside JPEG.
 */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_words(const ph_page *r)
{
    return r->words.count != NULL;
}

static double option(const ph_page *r, const char *name)
{
    const char *text = ph_model_option(r->model, name);
    return text ? strtod(text, NULL) : NAN;
}

static bool is(const ph_page *r, const char *name, const char *value)
{
    const char *text = ph_model_option(r->model, name);
    return text && strcmp(text, value) == 0;
}

/* ---- What it was trained with ------------------------------------------------------------------ */

static void put_weights(ph_page *r)
{
    double codebook = option(r, "codebook-weight"), commitment = option(r, "commitment");
    if (isnan(codebook) || isnan(commitment))
        return;
    if (!is(r, "quantizer", "vq")) {
        ph_put(r, " Words are the levels of a fixed grid (");
        ph_put_text(r, ph_model_option(r->model, "quantizer"));
        ph_put(r, "), which needs no loss of its own.");
        return;
    }
    if (is(r, "codebook", "ema")) {
        ph_put(r, " Words are exponential averages of their vectors; the loss weighs the vectors' "
                  "commitment to them by ");
        ph_put_number(r, commitment, 4);
        ph_put(r, ".");
        return;
    }
    ph_put(r, " The loss weighs the distance by which words follow their vectors by ");
    ph_put_number(r, codebook, 4);
    ph_put(r, " and the vectors' commitment to them by ");
    ph_put_number(r, commitment, 4);
    if (codebook == 1 && commitment == 0.25)
        ph_put(r, ": the weights of the paper (van den Oord et al. 2017), (1, β)");
    else if (commitment == 1 && codebook != 1)
        ph_put(r, ": the weights of lectures, (β, 1); the paper has (1, β)");
    ph_put(r, ".");
}

static void put_facts(ph_page *r)
{
    const ph_model_info *m = &r->info;
    size_t rank = m->token_rank - (m->books > 1);
    ph_put(r, "<p>A row is ");
    for (size_t i = 0; i < rank; i++)
        ph_put(r, "%s%zu", i ? " × " : "", m->token_shape[i]);
    if (m->books > 1)
        ph_put(r, " × %zu", m->books);
    ph_put(r, " words, each one of ");
    ph_put_count(r, m->words);
    if (m->books > 1)
        ph_put(r, " of its book, of which there are %zu", m->books);
    ph_put(r, ". On these rows ");
    ph_put_count(r, (size_t)ph_figure_get(&r->figures, "codes_used"));
    ph_put(r, " words are used, with a perplexity of ");
    ph_put_number(r, ph_figure_get(&r->figures, "perplexity"), 4);
    ph_put(r, m->books > 1 ? " (mean over books)." : ".");
    put_weights(r);
    ph_put(r, "</p>");
}

/* ---- Use ------------------------------------------------------------------------------------------ */

static int most_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* A line over the ranks of the words that are used; of many, as many points as can be seen. */
static void put_line(ph_page *r, const ph_plot *p, const double *count, size_t used)
{
    enum { POINTS = 600 };
    double x[POINTS], y[POINTS];
    size_t shown = used < POINTS ? used : POINTS;
    for (size_t i = 0; i < shown; i++) {
        size_t rank = shown > 1 ? i * (used - 1) / (shown - 1) : 0;
        x[i] = (double)rank + 1;
        y[i] = count[rank];
    }
    ph_plot_line(r, p, x, y, shown, "first");
    ph_put(r, "</svg>");
}

static ph_status put_use(ph_page *r)
{
    size_t all = r->words.words * r->words.books, used = 0;
    double *count = malloc(all * sizeof *count), sum = 0;
    if (count == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the words' use");
    memcpy(count, r->words.count, all * sizeof *count);
    qsort(count, all, sizeof *count, most_first);
    for (; used < all && count[used] > 0; used++)
        sum += count[used];
    ph_plot p = { .width = 640, .height = 280, .left = 58, .right = 12, .top = 28, .bottom = 50,
                  .x = { .low = 1, .high = fmax((double)all, 2), .label = "words, by their use" },
                  .y = { .low = 0.8, .high = used ? 1.2 * count[0] : 2, .log = true,
                         .label = "times used, log scale" } };
    ph_put(r, "<figure class=\"card map\"><figcaption><b>Use of the words</b>, the most used first");
    if (used < all) {
        ph_put(r, "; ");
        ph_put_count(r, all - used);
        ph_put(r, " are not used at all");
    }
    ph_put(r, "</figcaption>");
    ph_plot_begin(r, &p, "");
    ph_put(r, "how often each of ");
    ph_put_count(r, all);
    ph_put(r, " words is used, the most used first: from ");
    ph_put_count(r, (size_t)count[0]);
    ph_put(r, " times down to ");
    ph_put_count(r, (size_t)count[all - 1]);
    ph_plot_axes(r, &p);
    put_line(r, &p, count, used);
    ph_put(r, "<p class=\"note\">An even use would be ");
    ph_put_number(r, sum / (double)all, 4);
    ph_put(r, " times each.</p></figure>");
    free(count);
    return PH_OK;
}

/* ---- Bits ----------------------------------------------------------------------------------------- */

static void put_cell(ph_page *r, const char *figure, int digits)
{
    double value = ph_figure_get(&r->figures, figure);
    ph_put(r, "<td>");
    if (!isnan(value))
        ph_put_number(r, value, digits);
    ph_put(r, "</td>");
}

/* The words of a prior come back as those at fixed length do. JPEG is beside the words above it. */
static void put_lines(ph_page *r)
{
    static const struct {
        const char *name, *bits, *pixel, *psnr, *ssim;
    } lines[] = {
        { "words, of fixed length", "bits_per_picture", "bits_per_pixel", "psnr", "ssim" },
        { "JPEG", "jpeg_bits", "jpeg_bits_per_pixel", "jpeg_psnr", "jpeg_ssim" },
        { "words, by the prior", "prior_bits_per_picture", "prior_bits_per_pixel", "psnr", "ssim" },
        { "JPEG", "prior_jpeg_bits", "prior_jpeg_bits_per_pixel", "prior_jpeg_psnr", "prior_jpeg_ssim" },
        { "words, by the prior, of a known class", "prior_bits_per_picture_given_class",
          "prior_bits_per_pixel_given_class", "psnr", "ssim" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        double bits = ph_figure_get(&r->figures, lines[i].bits);
        bool jpeg = strcmp(lines[i].name, "JPEG") == 0;
        if (isnan(bits))
            continue;
        ph_put(r, "<tr><th scope=\"row\">%s%s</th>", lines[i].name,
               !jpeg ? "" : bits > ph_figure_get(&r->figures, lines[i - 1].bits) ? ", the least there is"
                                                                              : " of that size");
        put_cell(r, lines[i].bits, 5);
        put_cell(r, lines[i].pixel, 3);
        put_cell(r, lines[i].psnr, 4);
        put_cell(r, lines[i].ssim, 3);
        ph_put(r, "</tr>");
    }
}

static void put_bits(ph_page *r)
{
    bool prior = !isnan(ph_figure_get(&r->figures, "prior_jpeg_bits"));
    if (isnan(ph_figure_get(&r->figures, "jpeg_bits")))
        return;
    ph_put(r, "<div class=\"card\"><table class=\"compare\"><caption>A picture in so many bits</caption>"
              "<thead><tr><th scope=\"col\"></th><th scope=\"col\">bits</th><th scope=\"col\">bits a pixel</th>"
              "<th scope=\"col\">PSNR, dB</th><th scope=\"col\">SSIM</th></tr></thead><tbody>");
    put_lines(r);
    ph_put(r, "</tbody></table><p class=\"note\">Of words the codebook%s and the decoder are not counted; of JPEG a "
              "picture's own data are, at the best quality that takes no more than the words. Headers and tables "
              "are alike for all pictures and not counted: with them a file has ", prior ? ", the prior" : "");
    ph_put_number(r, ph_figure_get(&r->figures, "jpeg_file_bits"), 5);
    ph_put(r, " bits.</p></div>");
}

static ph_status write_words(ph_page *r)
{
    put_facts(r);
    PH_TRY(put_use(r));
    put_bits(r);
    return PH_OK;
}

const ph_section ph_section_words = { "words", "Words of the codebook", has_words, write_words };
