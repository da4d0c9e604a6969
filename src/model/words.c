/* words.c - models whose rows become words of a codebook: are tokens such, how are the words used, and how
 * many bits does a row take.
 */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ph_model_takes_rows(const ph_model *m, const char *function)
{
    const ph_named *f = ph_model_export(m, function);
    return f == NULL || f->input == m->x;
}

bool ph_model_takes_tokens(const ph_model *m, const char *function)
{
    const ph_named *f = ph_model_export(m, function), *of = ph_model_export(m, "decode-tokens");
    return f && of && f->input == of->input;
}

bool ph_model_is_picture(const ph_model *m)
{
    size_t channels = m->row.rank == 3 ? m->row.dim[2] : 1;
    bool lines = (m->row.rank == 2 || m->row.rank == 3) && m->row.dim[0] > 1; /* one alone is a series */
    return lines && (channels == 1 || channels == 3);
}

ph_status ph_model_check_tokens(const ph_model *m, const ph_named *function, const real *tokens,
                                size_t first, size_t n)
{
    const ph_graph *g = m->graph;
    if (!ph_model_takes_tokens(m, function->name))
        return PH_OK;
    size_t width = ph_width(g->tokens);
    for (size_t i = 0; i < n * width; i++) {
        double token = (double)tokens[i];
        if (!(token >= 0 && token < (double)g->words && token == floor(token)))
            return ph_fail(PH_DATA, "tokens: number %zu of row %zu is %.9g, but the words are 0 to %zu",
                           i % width + 1, first + i / width + 1, token, g->words - 1);
    }
    return PH_OK;
}

/* ---- Figures ----------------------------------------------------------------------------------------- */

/* Text that lives as long as the model, or NULL. */
static const char *lasting(ph_model *m, const char *text)
{
    const char *own = ph_arena_text(&m->graph->arena, text);
    if (own == NULL)
        ph_fail(PH_MEMORY, "out of memory for figures");
    return own;
}

static void add_list(ph_figures *figures, const char *name, const char *unit, const double *value,
                     size_t count)
{
    if (figures->lists < sizeof figures->list / sizeof figures->list[0])
        figures->list[figures->lists++] = (ph_list){ name, unit, count, value };
}

/* The same of each book, where there are several. */
static ph_status add_books(ph_model *m, const ph_word_use *use, ph_figures *figures)
{
    double *value = ph_arena_take(&m->graph->arena, 2 * use->books * sizeof *value);
    if (value == NULL)
        return ph_fail(PH_MEMORY, "out of memory for figures");
    for (size_t b = 0; b < use->books; b++) {
        size_t used;
        value[b] = ph_word_perplexity(use, b, &used);
        value[use->books + b] = (double)used;
    }
    add_list(figures, "codes_used_per_book", "words of each book", value + use->books, use->books);
    add_list(figures, "perplexity_per_book", "of the words of each book", value, use->books);
    return PH_OK;
}

/* Bits of a row, and of a pixel where rows are pictures, as PREbits_per_rowPOST. */
static ph_status add_bits(ph_model *m, ph_figures *figures, const char *pre, const char *post, double bits,
                          const char *unit)
{
    char text[64];
    bool picture = ph_model_is_picture(m);
    snprintf(text, sizeof text, "%sbits_per_%s%s", pre, picture ? "picture" : "row", post);
    const char *row = lasting(m, text);
    snprintf(text, sizeof text, "%sbits_per_pixel%s", pre, post);
    const char *pixel = lasting(m, text);
    if (row == NULL || pixel == NULL)
        return PH_MEMORY;
    ph_figure_add(figures, row, unit, bits);
    if (picture)
        ph_figure_add(figures, pixel, "the same for each pixel, of all channels",
                      bits / (double)(m->row.dim[0] * m->row.dim[1]));
    return PH_OK;
}

/* Puts the word that begins each of n rows before its own, [1 + count]: that of its class, or, without labels, the
 * one of none. Rows of no class that the model knows are left out; returns how many are there. */
static size_t begin_rows(const ph_model *m, const uint32_t *labels, const real *tokens, size_t n, real *begun)
{
    size_t count = ph_width(m->graph->tokens), classes = ph_model_labels(m), there = 0;
    for (size_t r = 0; r < n; r++) {
        if (labels && (labels[r] == PH_NO_LABEL || labels[r] >= classes))
            continue;
        real *to = begun + there++ * (1 + count);
        to[0] = (real)(m->graph->words + (labels ? 1 + labels[r] : 0));
        memcpy(to + 1, tokens + r * count, count * sizeof *to);
    }
    return there;
}

ph_status ph_model_word_bits(ph_model *m, const ph_data *data, const uint32_t *labels, double *bits, size_t *known)
{
    *known = 0;
    if (ph_model_export(m, "bits") == NULL)
        return ph_fail(PH_USAGE, "bits: a prior has such for its words; a model of family %s has none",
                       m->family->face.name);
    size_t count = ph_width(m->graph->tokens);
    real *tokens = malloc(PH_USE_ROWS * count * sizeof *tokens), each[PH_USE_ROWS];
    real *begun = malloc(PH_USE_ROWS * (1 + count) * sizeof *begun);
    ph_status status = tokens && begun ? PH_OK : ph_fail(PH_MEMORY, "out of memory for words");
    for (size_t first = 0; first < data->rows && status == PH_OK; first += PH_USE_ROWS) {
        size_t n = data->rows - first < PH_USE_ROWS ? data->rows - first : PH_USE_ROWS;
        status = ph_model_apply_data(m, "tokens", data, first, n, tokens);
        size_t there = status == PH_OK ? begin_rows(m, labels ? labels + first : NULL, tokens, n, begun) : 0;
        if (there)
            status = ph_model_apply(m, "bits", begun, there, each);
        for (size_t r = 0; r < there && status == PH_OK; r++)
            bits[*known + r] = (double)each[r];
        *known += there;
    }
    free(tokens);
    free(begun);
    return status;
}

/* Bits of the words given the class, mean over the rows that have one; NaN where none has. */
static ph_status bits_given_class(ph_model *m, const ph_data *data, double *bits, size_t *known)
{
    const uint32_t *labels = ph_data_labels(data);
    *bits = NAN;
    *known = 0;
    if (ph_model_labels(m) == 0 || labels == NULL)
        return PH_OK;
    double *each = malloc(data->rows * sizeof *each), sum = 0;
    ph_status status = each ? ph_model_word_bits(m, data, labels, each, known)
                            : ph_fail(PH_MEMORY, "out of memory for words");
    for (size_t r = 0; r < *known && status == PH_OK; r++)
        sum += each[r];
    *bits = sum / (double)*known;
    free(each);
    return status;
}

/* By their probability in a prior over words, where the model is one; of a known class, where it has such. */
static ph_status add_prior(ph_model *m, const ph_data *data, ph_figures *figures)
{
    char text[96];
    size_t known;
    double token = ph_figure_get(figures, "bits_per_token"), tokens = (double)ph_width(m->graph->tokens), given;
    if (isnan(token))
        return PH_OK;
    PH_TRY(add_bits(m, figures, "prior_", "", token * tokens, "the same words by their probability in the prior"));
    PH_TRY(bits_given_class(m, data, &given, &known));
    if (known == 0)
        return PH_OK;
    snprintf(text, sizeof text, "of a row's words, by the prior, given its class: %zu rows have one", known);
    const char *unit = lasting(m, text);
    if (unit == NULL)
        return PH_MEMORY;
    ph_figure_add(figures, "bits_per_token_given_class", unit, given / tokens);
    return add_bits(m, figures, "prior_", "_given_class", given, "the same words by their probability in the "
                    "prior, given the class, whose own bits are not counted");
}

/* 2^(i-1), from which on bin i has words that are used as often; 0 of bin 0. */
static double first_use(size_t i)
{
    return i ? ldexp(1, (int)i - 1) : 0;
}

/* How many words are used how often: never, once, 2 to 3 times, and so on by powers of two. */
static ph_status add_uses(ph_model *m, const ph_word_use *use, ph_figures *figures)
{
    char text[96];
    size_t all = use->words * use->books, bins = 1;
    for (size_t w = 0; w < all; w++)
        while (use->count[w] >= first_use(bins))
            bins++;
    snprintf(text, sizeof text, "of %zu words, how often each is used in these rows", all);
    const char *unit = lasting(m, text);
    double *edge = ph_arena_take(&m->graph->arena, (2 * bins + 1) * sizeof *edge), *count = edge + bins + 1;
    if (unit == NULL || edge == NULL)
        return ph_fail(PH_MEMORY, "out of memory for figures");
    for (size_t i = 0; i <= bins; i++)
        edge[i] = first_use(i);
    memset(count, 0, bins * sizeof *count);
    for (size_t w = 0; w < all; w++) {
        size_t i = 0;
        while (use->count[w] >= edge[i + 1])
            i++;
        count[i]++;
    }
    ph_histogram_add(figures, &(ph_histogram){ "word_uses", unit, bins, true, edge, count });
    return PH_OK;
}

ph_status ph_model_word_figures(ph_model *m, const ph_word_use *use, const ph_data *data, ph_figures *figures)
{
    char text[128];
    ph_figure figure[PH_WORD_FIGURES];
    size_t tokens = ph_width(m->graph->tokens), all = use->words * use->books;
    double bits = (double)tokens * log2((double)use->words);
    ph_word_figures(use, figure);
    int used = snprintf(text, sizeof text, "of %zu words", all);
    if (use->books > 1)
        used += snprintf(text + used, sizeof text - (size_t)used, " in %zu books", use->books);
    snprintf(text + used, sizeof text - (size_t)used, ": %.4g %%", 100 * figure[0].value / (double)all);
    const char *share = lasting(m, text);
    snprintf(text, sizeof text, "%zu words of log2 %zu bits each", tokens, use->words);
    const char *length = lasting(m, text);
    if (share == NULL || length == NULL)
        return PH_MEMORY;
    ph_figure_add(figures, "codes_used", share, figure[0].value);
    ph_figure_add(figures, "perplexity", use->books > 1
                  ? "exp of the entropy of the words' use, mean over books"
                  : "exp of the entropy of the words' use", figure[1].value);
    PH_TRY(add_bits(m, figures, "", "", bits, length));
    PH_TRY(add_prior(m, data, figures));
    PH_TRY(add_uses(m, use, figures));
    return use->books > 1 ? add_books(m, use, figures) : PH_OK;
}
