/* words.c - how much of a vocabulary is used in a pass over rows: a count for each word, and two figures.
 *
 *     codes_used   words that are used at all, of all books
 *     perplexity   exp(-sum p log p) over a book's words, p their shares; mean over books
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ph_status ph_word_use_begin(ph_word_use *u, const ph_graph *g)
{
    *u = (ph_word_use){ g->words, g->books, NULL };
    if (g->tokens == NULL)
        return PH_OK;
    u->count = calloc(g->words * g->books, sizeof *u->count);
    return u->count ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the use of %zu words", g->words * g->books);
}

void ph_word_use_end(ph_word_use *u)
{
    free(u->count);
    *u = (ph_word_use){ 0 };
}

void ph_word_use_forget(ph_word_use *u)
{
    if (u->count)
        memset(u->count, 0, u->words * u->books * sizeof *u->count);
}

void ph_word_use_add(ph_word_use *u, const ph_graph *g, const real *tokens, size_t n)
{
    size_t all = n * ph_width(g->tokens);
    for (size_t i = 0; u->count && i < all; i++)
        if (tokens[i] >= 0 && tokens[i] < (real)u->words)
            u->count[i % u->books * u->words + (size_t)tokens[i]] += 1;
}

double ph_word_perplexity(const ph_word_use *u, size_t book, size_t *used)
{
    const double *count = u->count + book * u->words;
    double all = 0, entropy = 0;
    *used = 0;
    for (size_t k = 0; k < u->words; k++)
        all += count[k];
    for (size_t k = 0; k < u->words; k++)
        if (count[k] > 0) {
            entropy -= count[k] / all * log(count[k] / all);
            ++*used;
        }
    return all > 0 ? exp(entropy) : NAN;
}

void ph_word_figures(const ph_word_use *u, ph_figure out[PH_WORD_FIGURES])
{
    double sum = u->count ? 0 : NAN, perplexity = sum;
    for (size_t b = 0, used; u->count && b < u->books; b++, sum += (double)used)
        perplexity += ph_word_perplexity(u, b, &used) / (double)u->books;
    out[0] = (ph_figure){ "codes_used", "words that are used in the pass, of all books",
                          isnan(perplexity) ? NAN : sum };
    out[1] = (ph_figure){ "perplexity", "exp of the entropy of their use in the pass, mean over books",
                          perplexity };
}
