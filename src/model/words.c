/* words.c - models whose rows become words of a codebook: are tokens such, how are the words used, and how
 * many bits does a row take.
 */
#include "model/model.h"

#include <math.h>
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
    return (m->row.rank == 2 || m->row.rank == 3) && (channels == 1 || channels == 3);
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

ph_status ph_model_word_figures(ph_model *m, const ph_word_use *use, ph_figures *figures)
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
    bool picture = ph_model_is_picture(m);
    ph_figure_add(figures, picture ? "bits_per_picture" : "bits_per_row", length, bits);
    if (picture)
        ph_figure_add(figures, "bits_per_pixel", "the same for each pixel, of all channels",
                      bits / (double)(m->row.dim[0] * m->row.dim[1]));
    double token = ph_figure_get(figures, "bits_per_token");
    if (!isnan(token)) {
        bits = token * (double)tokens;
        ph_figure_add(figures, picture ? "prior_bits_per_picture" : "prior_bits_per_row",
                      "the same words by their probability in the prior", bits);
        if (picture)
            ph_figure_add(figures, "prior_bits_per_pixel", "the same for each pixel, of all channels",
                          bits / (double)(m->row.dim[0] * m->row.dim[1]));
    }
    return use->books > 1 ? add_books(m, use, figures) : PH_OK;
}
