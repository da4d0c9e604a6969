/* codebook.c - vector quantisation (van den Oord, Vinyals and Kavukcuoglu 2017) and what later work has
 * added to it.
 *
 *     word         e_k, the nearest to x; straight through: x + stop(e_k - x)
 *     codebook     |e_k - stop(x)|^2, or in its place exponential averages (ema) of the x of each word
 *     commitment   |x - stop(e_k)|^2
 *     rotation     in place of straight through: the rotation and scaling that take x to e_k, held fixed,
 *                  applied to x (Fifty et al. 2024)
 *     normalize    x and e_k on the unit sphere (Yu et al. 2021)
 *     product      a word of its own for each part of x (Jegou et al. 2011)
 *     residual     a word for what the words before it have left of x (Zeghidour et al. 2021)
 *     fsq          each number of x rounded to one of a few levels (Mentzer et al. 2023): no book at all
 *
 * In use there are no derivatives, and a vector is its word to the last bit.
 *
 * A book begins with the means of clusters among the first batch's vectors, by ten rounds of Lloyd's
 * iteration. A word that is used less than `revive` of its even share is replaced by one of the batch's
 * vectors (Dhariwal et al. 2020). That is judged by an average over the last words / revive vectors or so, of
 * which an even share would be 1 / revive uses: as many as it takes to tell, in batches of any size. A word by
 * averages is the quotient of two, of its vectors and of its use, which forget alike: it is a mean of vectors,
 * however rare it is. The constant that others add to the use (Laplace's) would draw rare words to the origin.
 */
#include "nn/codebook.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With a thousand levels the outermost would be out of reach; with more words than that, a word's number
 * could not be taken apart again in single precision. */
enum { START_ROUNDS = 10, MOST_OF_LEVEL = 256, MOST_LEVEL_WORDS = 1 << 20 };

/* ---- Options --------------------------------------------------------------------------------- */

/* The levels of "8,5,5,5"; returns how many there are, 0 where that is no such list. */
static size_t read_levels(const char *text, size_t level[PH_MOST_LEVELS], size_t *words)
{
    size_t count = 0;
    *words = 1;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        char *end;
        unsigned long n = strtoul(at, &end, 10);
        if (*at < '0' || *at > '9' || (*end && *end != ',') || n < 2 || n > MOST_OF_LEVEL ||
            count == PH_MOST_LEVELS || *words * n > MOST_LEVEL_WORDS)
            return 0;
        level[count++] = n;
        *words *= n;
    }
    return count;
}

size_t ph_fsq_depth(const char *quantizer, size_t *words)
{
    size_t level[PH_MOST_LEVELS];
    return strncmp(quantizer, "fsq:", 4) == 0 ? read_levels(quantizer + 4, level, words) : 0;
}

static bool follows(const ph_codebook *b)
{
    return strcmp(b->o->codebook, "ema") == 0;
}

static void check(const ph_codebook *b)
{
    const ph_codebook_options *o = b->o;
    ph_graph *g = b->scope->graph;
    if (b->level_count && b->level_count != b->depth)
        ph_refuse(g, "quantizer %s: it has %zu levels, one for each number of a vector, but latent-dim is %zu",
                  o->quantizer, b->level_count, b->depth);
    bool of_words = o->residual > 1 || o->product > 1 || o->normalize || o->rotation || follows(b);
    if (b->level_count && of_words)
        ph_refuse(g, "quantizer %s: residual, product, normalize-codes, rotation and codebook ema are "
                  "for vq", o->quantizer);
    bool of_learnt = o->codebook_weight != 1 || o->commitment != 0.25 || o->decay != 0.99 || o->revive != 0.03;
    if (b->level_count && of_learnt)
        ph_refuse(g, "quantizer %s: its words are fixed, and nothing draws vectors to them: commitment, "
                  "codebook-weight, codebook-decay and revive are for vq", o->quantizer);
    if (b->depth % (size_t)o->product)
        ph_refuse(g, "product %lld: it does not divide latent-dim %zu", (long long)o->product, b->depth);
    if (!b->level_count && !follows(b) && o->decay != 0.99)
        ph_refuse(g, "codebook-decay: only words that are averages (codebook ema) have one");
    if (follows(b) && o->codebook_weight != 1)
        ph_refuse(g, "codebook-weight: with averages (codebook ema) there is no such loss");
    if (o->normalize && o->residual > 1)
        ph_refuse(g, "normalize-codes: what is left by a word has no length of 1; residual has to be 1");
}

void ph_codebook_read(ph_codebook *b, const ph_codebook_options *o, ph_scope *scope, size_t depth)
{
    *b = (ph_codebook){ .o = o, .scope = scope, .depth = depth, .words = (size_t)o->codes,
                        .books = (size_t)(o->residual * o->product) };
    ph_scope_again(scope); /* who asks for words again gets the same */
    bool levels = strncmp(o->quantizer, "fsq:", 4) == 0;
    if (!levels && strcmp(o->quantizer, "vq") != 0)
        ph_refuse(scope->graph, "quantizer %s: it is vq, or levels such as fsq:8,5,5,5", o->quantizer);
    else if (levels && (b->level_count = read_levels(o->quantizer + 4, b->levels, &b->words)) == 0)
        ph_refuse(scope->graph, "quantizer %s: levels are a list such as fsq:8,5,5,5, each from 2 to "
                  "256, and at most 2^20 words", o->quantizer);
    else
        check(b);
}

/* ---- One book -------------------------------------------------------------------------------- */

static ph_node *on_sphere(ph_node *a)
{
    return ph_div(a, ph_sqrt(ph_shift(ph_sum_last(ph_square(a)), 1e-12)));
}

/* Words as they are kept: trained, or averages. */
static ph_node *kept_words(const ph_codebook *b, size_t book, size_t depth)
{
    char name[32];
    size_t shape[] = { b->words, depth };
    snprintf(name, sizeof name, "%zu/words", book);
    return follows(b) ? ph_state(b->scope, name, 2, shape, PH_ZEROS)
                      : ph_parameter(b->scope, name, 2, shape, PH_UNIFORM, 1 / (double)b->words);
}

static ph_node *kept(const ph_codebook *b, size_t book, const char *what, size_t lines, size_t columns)
{
    char name[48];
    snprintf(name, sizeof name, "%zu/%s", book, what);
    return ph_state(b->scope, name, 2, (size_t[]){ lines, columns }, PH_ZEROS);
}

static ph_node *words_of(const ph_codebook *b, size_t book, size_t depth)
{
    ph_node *words = kept_words(b, book, depth);
    return b->o->normalize ? on_sphere(words) : words;
}

/* How often each word was used in the batch, as a share of all: whole [words, 1]. */
static ph_node *shares(const ph_codebook *b, ph_node *x, ph_node *index)
{
    ph_node *one = ph_broadcast_to(ph_constant(x->graph, 1), &(ph_shape){ x->shape.set, 2,
                                                                          { x->shape.dim[0], 1 } });
    ph_node *each = ph_scale(ph_inverse_rows(x), 1 / (double)x->shape.dim[0]);
    return ph_mul(ph_scatter(one, index, b->words), each);
}

/* Moves the averages, puts vectors of the batch in the place of words that are hardly used, and, in the
 * first step of all, the means of clusters in the place of all words. */
static void follow(const ph_codebook *b, size_t book, ph_node *x, ph_node *index, ph_node *share)
{
    ph_graph *g = x->graph;
    size_t depth = ph_shape_columns(&x->shape);
    double decay = b->o->decay, even = 1 / (double)b->words;
    ph_node *usage = kept(b, book, "usage", b->words, 1), *key = kept(b, book, "steps", 1, 1);
    ph_node *each = ph_scale(ph_inverse_rows(x), 1 / (double)x->shape.dim[0]);
    ph_node *left = ph_exp(ph_div(ph_constant(g, -b->o->revive * even), each));
    ph_node *first = ph_equal(key, ph_constant(g, 0)), *now = ph_add(share, ph_mul(left, ph_sub(usage, share)));
    ph_node *dead = ph_max(ph_less(now, ph_constant(g, b->o->revive * even)), first);
    ph_node *others = ph_choose_lines(x, b->words, ph_shift(ph_scale(key, (double)b->books), (double)book));
    others = ph_cluster_lines(x, others, ph_scale(first, START_ROUNDS));
    ph_assign(key, ph_shift(key, 1));
    ph_assign(usage, ph_select(dead, ph_constant(g, even), now));
    ph_node *words = kept_words(b, book, depth);
    if (!follows(b)) {
        ph_replace(words, dead, others);
        return;
    }
    ph_node *counts = kept(b, book, "counts", b->words, 1), *sums = kept(b, book, "sums", b->words, depth);
    ph_node *count = ph_average(counts, share, decay);
    ph_node *moved = ph_average(sums, ph_mul(ph_scatter(x, index, b->words), each), decay);
    ph_assign(counts, ph_select(dead, ph_constant(g, even), count));
    ph_assign(sums, ph_select(dead, ph_scale(others, even), moved));
    ph_node *least = ph_constant(g, 1e-20), *mean = ph_div(moved, ph_max(count, least));
    ph_assign(words, ph_select(dead, others, ph_select(ph_less(count, least), words, mean)));
}

/* The word of each line of x, [t, depth], that the book has for it, without a way for derivatives. */
static ph_node *look_up(const ph_codebook *b, size_t book, ph_node *x, ph_quantized *q)
{
    size_t depth = ph_shape_columns(&x->shape);
    ph_node *still = ph_stop_gradient(x), *words = words_of(b, book, depth);
    ph_node *index = ph_nearest_entry(still, words);
    ph_node *word = ph_reshape_like(ph_gather(words, index), x);
    ph_node *token = ph_reshape(ph_to_real(index), 2, (size_t[]){ x->shape.dim[0], 1 });
    ph_node *committed = ph_sum(ph_square(ph_sub(x, ph_stop_gradient(word))));
    ph_node *learnt = ph_sum(ph_square(ph_sub(word, still)));
    if (!x->graph->frozen)
        follow(b, book, still, index, shares(b, still, index));
    q->tokens = q->tokens ? ph_concatenate(q->tokens, token) : token;
    q->commitment = q->commitment ? ph_add(q->commitment, committed) : committed;
    q->codebook = q->codebook ? ph_add(q->codebook, learnt) : learnt;
    return ph_stop_gradient(word);
}

/* ---- The way of a derivative ----------------------------------------------------------------- */

/* word, with the derivative by x as if it were x; or, for a rotation, R x with the R that takes x to word:
 * |w|/|x| (x - 2 r (r.x) + 2 w' (x'.x)), x' and w' of length 1, r along their sum, all but the last x held. */
static ph_node *moved(const ph_codebook *b, ph_node *x, ph_node *word)
{
    if (!b->o->rotation)
        return ph_add(x, ph_stop_gradient(ph_sub(word, x)));
    ph_node *still = ph_stop_gradient(x), *from = on_sphere(still), *to = on_sphere(word);
    ph_node *between = on_sphere(ph_add(from, to));
    ph_node *size = ph_div(ph_sqrt(ph_shift(ph_sum_last(ph_square(word)), 1e-12)),
                           ph_sqrt(ph_shift(ph_sum_last(ph_square(still)), 1e-12)));
    ph_node *back = ph_scale(ph_mul(between, ph_sum_last(ph_mul(between, x))), -2);
    ph_node *forth = ph_scale(ph_mul(to, ph_sum_last(ph_mul(from, x))), 2);
    return ph_mul(ph_stop_gradient(size), ph_add(ph_add(x, back), forth));
}

static ph_node *through(const ph_codebook *b, ph_node *x, ph_node *word)
{
    return ph_when_training(moved(b, x, word), word);
}

static ph_quantized quantize_by_books(const ph_codebook *b, ph_node *vectors)
{
    ph_quantized q = { .vectors = NULL };
    size_t parts = (size_t)b->o->product, depth = b->depth / parts, rounds = (size_t)b->o->residual;
    for (size_t p = 0; p < parts; p++) {
        ph_node *part = ph_slice(vectors, p * depth, depth), *word = NULL;
        part = b->o->normalize ? on_sphere(part) : part;
        for (size_t r = 0; r < rounds; r++) {
            ph_node *left = word ? ph_sub(part, word) : part;
            ph_node *next = look_up(b, p * rounds + r, left, &q);
            word = word ? ph_add(word, next) : next;
        }
        word = through(b, part, word);
        q.vectors = q.vectors ? ph_concatenate(q.vectors, word) : word;
    }
    return q;
}

/* ---- The fixed grid -------------------------------------------------------------------------- */

/* A number for each level, [d]. */
static ph_node *by_level(const ph_codebook *b, const char *name, double (*value)(const ph_codebook *, size_t))
{
    double numbers[PH_MOST_LEVELS];
    for (size_t i = 0; i < b->level_count; i++)
        numbers[i] = value(b, i);
    return ph_constants(b->scope->graph, name, 1, &b->level_count, numbers);
}

/* The paper's bounds: tanh(x + lean) half - offset stays a thousandth inside of the outermost levels. */
static double half(const ph_codebook *b, size_t i) { return ((double)b->levels[i] - 1) * 0.999 / 2; }
static double offset(const ph_codebook *b, size_t i) { return b->levels[i] % 2 ? 0 : 0.5; }
static double lean(const ph_codebook *b, size_t i) { return tan(offset(b, i) / half(b, i)); }
static double reach(const ph_codebook *b, size_t i) { return (double)(b->levels[i] / 2); }
static double level(const ph_codebook *b, size_t i) { return (double)b->levels[i]; }

/* Words that differ only in later numbers. */
static double place(const ph_codebook *b, size_t i)
{
    double value = 1;
    for (size_t k = 0; k < i; k++)
        value *= (double)b->levels[k];
    return value;
}

static ph_quantized quantize_by_levels(const ph_codebook *b, ph_node *x)
{
    ph_node *far = by_level(b, "half", half), *shift = by_level(b, "offset", offset);
    ph_node *bounded = ph_sub(ph_mul(ph_tanh(ph_add(x, by_level(b, "lean", lean))), far), shift);
    ph_node *digit = ph_round(bounded), *reached = by_level(b, "reach", reach);
    ph_node *straight = ph_add(bounded, ph_stop_gradient(ph_sub(digit, bounded)));
    ph_quantized q = { .vectors = ph_div(ph_when_training(straight, digit), reached) };
    q.tokens = ph_sum_last(ph_mul(ph_add(digit, reached), by_level(b, "place", place)));
    return q;
}

/* floor(token / place) as round((token + 1/2) / place - 1/2), which is exact as long as there are
 * no more than MOST_LEVEL_WORDS. */
static ph_node *words_by_levels(const ph_codebook *b, ph_node *tokens)
{
    ph_node *here = by_level(b, "place", place), *base = by_level(b, "level", level);
    ph_node *moved = ph_shift(tokens, 0.5);
    ph_node *whole = ph_round(ph_shift(ph_div(moved, here), -0.5));
    ph_node *next = ph_round(ph_shift(ph_div(moved, ph_mul(here, base)), -0.5));
    ph_node *reached = by_level(b, "reach", reach);
    return ph_div(ph_sub(ph_sub(whole, ph_mul(next, base)), reached), reached);
}

/* ---- Both ------------------------------------------------------------------------------------ */

ph_quantized ph_quantize(ph_codebook *b, ph_node *vectors)
{
    if (ph_is_dead(vectors))
        return (ph_quantized){ vectors, vectors, vectors, vectors };
    return b->level_count ? quantize_by_levels(b, vectors) : quantize_by_books(b, vectors);
}

ph_node *ph_words(ph_codebook *b, ph_node *tokens)
{
    if (ph_is_dead(tokens) || b->level_count)
        return ph_is_dead(tokens) ? tokens : words_by_levels(b, tokens);
    size_t parts = (size_t)b->o->product, depth = b->depth / parts, rounds = (size_t)b->o->residual;
    ph_node *all = NULL;
    for (size_t p = 0; p < parts; p++) {
        ph_node *sum = NULL;
        for (size_t r = 0; r < rounds; r++) {
            ph_node *token = ph_reshape(ph_slice(tokens, p * rounds + r, 1), 1, tokens->shape.dim);
            ph_node *word = ph_gather(words_of(b, p * rounds + r, depth), ph_to_index(token));
            word = ph_reshape(word, 2, (size_t[]){ tokens->shape.dim[0], depth });
            sum = sum ? ph_add(sum, word) : word;
        }
        all = all ? ph_concatenate(all, sum) : sum;
    }
    return all;
}
