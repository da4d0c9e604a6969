/* token_prior.c - a prior over the words that a vqvae makes of rows: a causal transformer (Vaswani et al.
 * 2017) that tells each word from those before it, so that new rows can be said word by word, and rows
 * written in as many bits as they surprise it.
 *
 *     log p(row) = sum over its words t_i of log p(t_i | t_1 .. t_i-1)
 *
 * With labels the class is a word, too. It stands before a row's words in one half of the training rows,
 * drawn anew in each step, and after them in the other: so rows are said of a class, and classes are told
 * from rows, by one net.
 *
 * The vqvae's net is part of the model, as it was trained, and stays as it is. Words go in by number: those
 * of the vqvae first, then the one that begins a row of no known class, then the classes. Where a vector
 * has several words (residual, product), they follow each other; their places tell them apart.
 */
#include "model/vqvae.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct prior_options {
    ph_vqvae_options words;
    const char *base, *labels;
    int64_t width, depth, heads, mlp_ratio, classes;
    double name_weight;
} prior_options;

#define AT(field) offsetof(prior_options, field)

static const ph_option table[] = {
    { "base", "vqvae", PH_OPTION_TEXT, AT(base), NULL, 0, 0, NULL,
      "model file of family vqvae, whose words these are (pinhole train prior MODEL DATA); all of its "
      "own options are taken over" },
    { "width", "embed-dim", PH_OPTION_INT, AT(width), "128", 1, 65536, NULL,
      "numbers of a word in the transformer" },
    { "depth", NULL, PH_OPTION_INT, AT(depth), "4", 1, 24, NULL, "transformer blocks" },
    { "heads", "num-heads", PH_OPTION_INT, AT(heads), "4", 1, 1024, NULL,
      "of each block's attention; they divide the width" },
    { "mlp-ratio", NULL, PH_OPTION_INT, AT(mlp_ratio), "4", 1, 64, NULL,
      "hidden units of each block's dense part, as a multiple of the width" },
    { "labels", NULL, PH_OPTION_CHOICE, AT(labels), "none", 0, 0, "none all",
      "all: a row's class is a word before its words, or after them" },
    { "name-weight", NULL, PH_OPTION_REAL, AT(name_weight), "1", 0, 1e6, NULL,
      "weight of the class that comes after a row's words, beside that of a word" },
    { "classes", NULL, PH_OPTION_INT, AT(classes), "0", 0, 65536, NULL,
      "of the labels; 0: as many as the data have" },
    PH_VQVAE_OPTIONS
};

typedef struct net {
    ph_graph *graph;
    const prior_options *o;
    ph_vqvae words;
    ph_scope *scope;
    size_t width, vocabulary, count, classes; /* count: words of a row; classes: 0 without labels */
    ph_node *tokens;           /* of the rows, [count] */
    ph_node *embedding, *places, *numbers; /* numbers: of the places, from 0 on */
} net;

static bool check(net *n)
{
    const prior_options *o = n->o;
    bool named = strcmp(o->labels, "all") == 0;
    if (o->base == NULL || *o->base == '\0')
        ph_refuse(n->graph, "prior: over whose words? pinhole train prior MODEL DATA, with a MODEL of family "
                  "vqvae");
    if (named && o->classes < 2)
        ph_refuse(n->graph, "labels all: the data have no labels of two classes or more (--label-column "
                  "names those of a table)");
    if (!named && o->name_weight != 1)
        ph_refuse(n->graph, "name-weight: without labels (--labels all) no class is named");
    if (o->width % o->heads)
        ph_refuse(n->graph, "heads: they divide the width");
    /* A file that asks for more than it holds is found out before its nodes are made. */
    if ((size_t)(o->width * o->width) > n->graph->room)
        ph_refuse(n->graph, "width: there is no room for its weights");
    n->classes = named ? (size_t)o->classes : 0;
    return ph_graph_status(n->graph) == PH_OK;
}

/* ---- The net --------------------------------------------------------------------------------- */

/* 0, 1, .. for the places and for the classes. */
static ph_node *numbers(ph_graph *g, const char *name, size_t count)
{
    double *value = malloc(count * sizeof *value);
    if (value == NULL)
        return ph_out_of_memory(g);
    for (size_t i = 0; i < count; i++)
        value[i] = (double)i;
    ph_node *node = ph_constants(g, name, 1, &count, value);
    free(value);
    return node;
}

static size_t inner(const net *n)
{
    return n->width * (size_t)n->o->mlp_ratio;
}

/* Lines [t, width] of words by number, [t], at places [t]. */
static ph_node *embed(const net *n, ph_node *words, ph_node *places)
{
    size_t t = ph_width(words);
    ph_node *lines = ph_reshape(ph_gather(n->embedding, ph_to_index(words)), 2, (size_t[]){ t, n->width });
    return ph_add(lines, places);
}

/* The logits of words, [t, vocabulary], from what the blocks give. */
static ph_node *speak(const net *n, ph_node *lines)
{
    return ph_linear(n->scope, lines, n->vocabulary, "linear", true);
}

static ph_node *lines_of(ph_node *h, size_t first, size_t count)
{
    size_t width = ph_shape_columns(&h->shape);
    return ph_reshape(ph_slice(ph_flatten(h), first * width, count * width), 2,
                      (size_t[]){ count, width });
}

/* Logits of a row's words, [count], each from those before it and the first one, a number; and, with labels,
 * of its class after all of them. */
static ph_node *listen(const net *n, ph_node *first, ph_node *tokens, ph_node **name)
{
    size_t given = n->classes ? n->count : n->count - 1;
    ph_node *said = given ? ph_concatenate(first, ph_slice(tokens, 0, given)) : first;
    ph_node *h = embed(n, said, n->places);
    for (int64_t i = 0; i < n->o->depth; i++)
        h = ph_transformer_block(n->scope, h, (size_t)n->o->heads, inner(n), true);
    h = ph_norm(n->scope, h, "layer");
    ph_node *logits = speak(n, n->classes ? lines_of(h, 0, n->count) : h);
    if (n->classes)
        *name = ph_linear(n->scope, ph_flatten(lines_of(h, n->count, 1)), n->classes, "linear", true);
    ph_scope_again(n->scope);
    return logits;
}

/* The next word, for who says a row: `told` is a place, the word that stands there, and for each place
 * before it what that word has left, for each block its keys and its values. Gives the logits of the word that
 * follows, and what this one leaves. */
static ph_node *next(const net *n, ph_node *told)
{
    size_t width = n->width, line = 2 * width * (size_t)n->o->depth;
    ph_node *place = ph_slice(told, 0, 1), *word = ph_slice(told, 1, 1), *left = NULL;
    ph_node *past = ph_reshape(ph_slice(told, 2, n->count * line), 2, (size_t[]){ n->count, line });
    ph_node *at = ph_reshape(ph_gather(n->places, ph_to_index(place)), 2, (size_t[]){ 1, width });
    ph_node *h = embed(n, word, at);
    ph_memory memory = { .seen = ph_less(n->numbers, place) };
    for (int64_t i = 0; i < n->o->depth; i++) {
        memory.keys = ph_slice(past, 2 * width * (size_t)i, width);
        memory.values = ph_slice(past, 2 * width * (size_t)i + width, width);
        h = ph_transformer_block_of_one(n->scope, h, (size_t)n->o->heads, inner(n), &memory);
        ph_node *own = ph_concatenate(memory.key, memory.value);
        left = left ? ph_concatenate(left, own) : own;
    }
    ph_node *logits = speak(n, ph_norm(n->scope, h, "layer"));
    ph_scope_again(n->scope);
    return ph_concatenate(ph_flatten(logits), left);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* Log probability of what was said, one number a row: chosen is as logits, zeros with ones. */
static ph_node *log_share(ph_node *logits, ph_node *chosen)
{
    return ph_sum(ph_mul(chosen, ph_log_softmax(logits)));
}

/* Log probability of a row's words, from their logits. */
static ph_node *log_words(const net *n, ph_node *logits, ph_node *tokens)
{
    return log_share(logits, ph_one_hot(ph_to_index(tokens), n->vocabulary));
}

/* The number of the first word: that of the row's class, where it is known and comes first, or the one of
 * no class. Sets whether the class comes after the words. In use, and so for rows that validate, it is
 * after them in every row: figures do not depend on draws. */
static ph_node *begin(const net *n, ph_node *labels, ph_node **after)
{
    ph_node *zero = ph_scale(ph_slice(n->tokens, 0, 1), 0), *none = ph_shift(zero, (double)n->vocabulary);
    if (labels == NULL)
        return none;
    ph_node *known = ph_sum(labels), *number = ph_sum(ph_mul(labels, numbers(n->graph, "classes", n->classes)));
    ph_node *drawn = ph_less(ph_uniform_like(known), ph_constant(n->graph, 0.5));
    ph_node *before = ph_mul(known, ph_when_training(drawn, ph_scale(known, 0)));
    *after = ph_sub(known, before);
    return ph_when_training(ph_add(none, ph_mul(before, ph_shift(number, 1))), none);
}

/* Mean over words, so that rates suit rows of any length. */
static void learn(const net *n)
{
    ph_graph *g = n->graph;
    ph_node *labels = n->classes ? ph_labels(n->words.x, n->classes) : NULL, *after = NULL, *name = NULL;
    ph_node *logits = listen(n, begin(n, labels, &after), n->tokens, &name);
    ph_node *said = log_words(n, logits, n->tokens), *all = said;
    if (labels) {
        ph_node *named = ph_mul(after, log_share(name, labels));
        all = ph_add(all, ph_scale(named, n->o->name_weight));
    }
    double each = 1 / (double)n->count;
    int phase = ph_add_phase(g, &(ph_phase){
        .loss = ph_neg(ph_scale(ph_mean_rows(all), each)), .train = n->scope->name,
        .unit = labels ? "nats of a row's words, and of the class after them, for each word, mean over rows"
                       : "nats of a word, mean over a row's words and over rows" });
    ph_report(g, "bits_per_token", "of a row's words, by the prior", ph_scale(said, -each / log(2)));
    if (labels) {
        ph_node *hit = ph_mul(after, ph_sum(ph_mul(labels, ph_largest(name, 1))));
        ph_node *rows = ph_max(ph_sum_rows(after), ph_constant(g, 1));
        ph_report_in(g, phase, "name_error", "share of the rows whose class comes after their words that are "
                     "misnamed", ph_sub(ph_constant(g, 1), ph_div(ph_sum_rows(hit), rows)));
        ph_export(g, "classify", n->words.x, ph_softmax(name));
    }
}

/* The bits of words that are given, behind the number of the one that begins them: of a class, or of none. */
static void weigh(const net *n)
{
    ph_node *given = ph_input_beside(n->words.x, "begun", 1, (size_t[]){ 1 + n->count }), *name;
    ph_node *tokens = ph_slice(given, 1, n->count);
    ph_node *logits = listen(n, ph_slice(given, 0, 1), tokens, &name);
    ph_export(n->graph, "bits", given, ph_scale(log_words(n, logits, tokens), -1 / log(2)));
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    net n = { .graph = g, .o = options };
    if (!check(&n))
        return;
    ph_freeze(g, true);
    bool made = ph_vqvae_make(&n.words, g, x, &n.o->words);
    ph_freeze(g, false);
    if (!made)
        return;
    n.scope = ph_scope_of(g, "prior");
    n.tokens = ph_flatten(ph_stop_gradient(n.words.tokens));
    n.count = ph_width(n.tokens);
    n.width = (size_t)n.o->width;
    n.vocabulary = n.words.book.words;
    size_t places = n.count + (n.classes > 0), words = n.vocabulary + 1 + n.classes;
    size_t line = 2 * n.width * (size_t)n.o->depth;
    n.embedding = ph_parameter(n.scope, "words", 2, (size_t[]){ words, n.width }, PH_NORMAL, 0.02);
    n.places = ph_parameter(n.scope, "places", 2, (size_t[]){ places, n.width }, PH_NORMAL, 0.02);
    n.numbers = numbers(g, "places", n.count);
    learn(&n);
    weigh(&n);
    ph_node *told = ph_input_beside(x, "told", 1, (size_t[]){ 2 + n.count * line });
    ph_export(g, "next", told, next(&n, told));
}

const ph_family_desc ph_family_prior = {
    .face = { "prior", "prior over the words of a vqvae, said one after the other", table,
              sizeof table / sizeof table[0] },
    .options_size = sizeof(prior_options),
    .build = build,
    .earlier = { "base", "vqvae", NULL, "encoder decoder codebook" },
};
