/* mae.c - the masked autoencoder (He, Chen, Xie, Li, Dollár and Girshick 2022): a row is cut into
 * tokens, most of them are hidden, and the net gives the hidden ones back.
 *
 *     encoder    the seen tokens alone: W t + b + position, transformer blocks, a norm. With three
 *                quarters hidden it does a quarter of the work
 *     decoder    a narrower and shallower one, over all places: a linear layer of what the encoder gives
 *                where a token was seen, one learnt vector where it was not; position, blocks, a norm,
 *                a linear layer to the token's numbers
 *     loss       squared error, mean over the numbers of hidden tokens (or of all); or, where a number is a
 *                symbol, such as a byte, the cross-entropy of a softmax over all that there are
 *
 * In training each step hides other tokens of a row, the same number of every row. In use a row's values
 * say which: it always has the same ones hidden.
 *
 * The code is the mean of what the encoder gives for all tokens. There is no class token: in the paper,
 * too, the mean is as good, and nothing has to learn in the pretraining what nobody asks it for.
 *
 * With normalised targets, (t - mean) / deviation of each token, the net never learns how bright a token
 * is. A linear layer beside the last one tells it, from values that its derivative does not pass
 * through: rows come back whole, and the net learns what the paper's does.
 *
 * Symbols, of which none is nearer to another, have a vector each: those of a token, side by side, go
 * into the encoder in the place of its numbers. What comes back is the likeliest symbol.
 */
#include "model/model.h"
#include "nn/likelihood.h"

#include <math.h>
#include <string.h>

typedef struct mae_options {
    int64_t patch, width, depth, heads, mlp_ratio, decoder_width, decoder_depth, decoder_heads;
    int64_t pretrain_epochs, classes;
    double mask, pretrain_lr;
    const char *positions, *loss, *loss_on, *finetune, *labels, *pretrained;
    bool normalize_patches;
} mae_options;

#define AT(field) offsetof(mae_options, field)

static const ph_option table[] = {
    { "patch", "patch-size", PH_OPTION_INT, AT(patch), "0", 0, 65536, NULL,
      "side of the squares that pictures are cut into, length of the pieces of other rows; 0: 4 and 1" },
    { "mask", "mask-ratio", PH_OPTION_REAL, AT(mask), "0.75", 0, 1, NULL,
      "share of a row's tokens that is hidden" },
    { "width", "embed-dim", PH_OPTION_INT, AT(width), "128", 1, 65536, NULL,
      "numbers of a token in the encoder, and of a code" },
    { "depth", NULL, PH_OPTION_INT, AT(depth), "4", 1, 24, NULL, "the encoder's transformer blocks" },
    { "heads", "num-heads", PH_OPTION_INT, AT(heads), "4", 1, 1024, NULL,
      "of each block's attention; they divide the width" },
    { "mlp-ratio", NULL, PH_OPTION_INT, AT(mlp_ratio), "4", 1, 64, NULL,
      "hidden units of each block's dense part, as a multiple of the width" },
    { "decoder-width", "decoder-embed-dim", PH_OPTION_INT, AT(decoder_width), "64", 1, 65536, NULL,
      "the same in the decoder" },
    { "decoder-depth", NULL, PH_OPTION_INT, AT(decoder_depth), "1", 1, 24, NULL, "its blocks" },
    { "decoder-heads", "decoder-num-heads", PH_OPTION_INT, AT(decoder_heads), "4", 1, 1024, NULL,
      "its heads" },
    { "positions", NULL, PH_OPTION_CHOICE, AT(positions), "sine", 0, 0, "sine learned",
      "how a token knows its place: sines and cosines, in pictures of line and column, or learnt" },
    { "loss", NULL, PH_OPTION_CHOICE, AT(loss), "auto", 0, 0, "auto mse categorical:L",
      "squared error, or the cross-entropy of a softmax over L levels of each number, which has a vector for "
      "each; auto: categorical:256 for bytes of a file, else mse" },
    { "loss-on", NULL, PH_OPTION_CHOICE, AT(loss_on), "masked", 0, 0, "masked all",
      "tokens whose loss is minimised" },
    { "normalize-patches", "norm-pix-loss", PH_OPTION_FLAG, AT(normalize_patches), "0", 0, 0, NULL,
      "each token is wanted back less its own mean, by its own deviation" },
    { "finetune", NULL, PH_OPTION_CHOICE, AT(finetune), "reconstruction", 0, 0, "reconstruction labels",
      "what --epochs train: the whole net on hidden tokens, or the encoder, which then sees all, with a "
      "softmax layer on the labels" },
    { "labels", NULL, PH_OPTION_TEXT, AT(labels), "all", 0, 0, NULL,
      "with --finetune labels, how many rows' labels are used: all, or a number of them, drawn evenly "
      "over the classes by the seed; they go round while all rows make an epoch" },
    { "pretrain-epochs", NULL, PH_OPTION_INT, AT(pretrain_epochs), "0", 0, 1e6, NULL,
      "with --finetune labels: of hidden tokens of all rows, before and beside --epochs" },
    { "pretrain-lr", NULL, PH_OPTION_REAL, AT(pretrain_lr), "0", 0, 1e3, NULL,
      "learning rate of that; 0: --lr" },
    { "pretrained", NULL, PH_OPTION_TEXT, AT(pretrained), NULL, 0, 0, NULL,
      "model file of this family whose net training starts with; its sizes are taken over" },
    { "classes", NULL, PH_OPTION_INT, AT(classes), "0", 0, 65536, NULL,
      "of the labels; 0: as many as the data have" },
};
enum { OPTIONS = sizeof table / sizeof table[0], MOST_TOKENS = 16384 };

typedef struct net {
    ph_graph *graph;
    const mae_options *o;
    ph_scope *encoder, *decoder;
    ph_node *x;
    ph_tokens cut;
    ph_likelihood symbols;     /* of a token's numbers; levels 0: they are none */
    size_t visible;            /* tokens of a row that are seen in training */
    ph_node *places, *decoder_places;
} net;

/* What the decoder says: a token's numbers as the loss wants them, or the logits of its symbols, and mean and
 * deviation of each token, or NULL where the numbers are the token's own. */
typedef struct guess {
    ph_node *numbers, *spread;
} guess;

/* ---- Nets ------------------------------------------------------------------------------------ */

static bool tunes(const mae_options *o)
{
    return strcmp(o->finetune, "labels") == 0;
}

/* The vectors of the symbols of tokens, [m, numbers], side by side: [m, numbers * width]. */
static ph_node *vectors_of(net *n, ph_node *tokens)
{
    size_t levels = n->symbols.levels, width = (size_t)n->o->width, count = ph_shape_lead(&tokens->shape);
    ph_node *each = ph_parameter(n->encoder, "symbols", 2, (size_t[]){ levels, width }, PH_NORMAL, 1);
    ph_node *level = ph_round(ph_scale(ph_clamp(tokens, 0, 1), (double)levels - 1));
    ph_node *vectors = ph_gather(each, ph_to_index(level));
    return ph_reshape(vectors, 2, (size_t[]){ count, n->cut.width * width });
}

/* Tokens, [m, numbers], at their places, [m, width], to [m, width]. seen: which may be looked at; NULL:
 * all. of: the rows that layers are exported as functions of, or NULL. */
static ph_node *encode(net *n, ph_node *tokens, ph_node *places, ph_node *seen, ph_node *of)
{
    const mae_options *o = n->o;
    size_t width = (size_t)o->width, heads = (size_t)o->heads, inner = width * (size_t)o->mlp_ratio;
    ph_node *numbers = n->symbols.levels ? vectors_of(n, tokens) : tokens;
    ph_node *h = ph_add(ph_linear(n->encoder, numbers, width, "linear", true), places);
    for (int64_t i = 0; i < o->depth; i++) {
        char name[32];
        snprintf(name, sizeof name, "layer%lld", (long long)i + 1);
        h = ph_transformer_block_of_seen(n->encoder, h, heads, inner, seen);
        if (of)
            ph_export(n->graph, name, of, ph_scale(ph_sum_leading(h), 1 / (double)n->cut.count));
    }
    h = ph_norm(n->encoder, h, "layer");
    ph_scope_again(n->encoder);
    return h;
}

/* The code of rows: the mean over all tokens. */
static ph_node *code_of(net *n, ph_node *rows, bool exports)
{
    ph_node *h = encode(n, ph_to_tokens(rows, &n->cut), n->places, NULL, exports ? rows : NULL);
    return ph_scale(ph_sum_leading(h), 1 / (double)n->cut.count);
}

/* z: what the encoder gives for the tokens that index names; seen, [n, 1]: those it tells of. */
static guess decode(net *n, ph_node *z, ph_node *index, ph_node *seen)
{
    const mae_options *o = n->o;
    size_t width = (size_t)o->decoder_width, inner = width * (size_t)o->mlp_ratio;
    ph_node *h = ph_linear(n->decoder, z, width, "linear", true);
    ph_node *hidden = ph_parameter(n->decoder, "hidden", 1, &width, PH_NORMAL, 0.02);
    h = ph_add_lines(h, index, n->cut.count);
    h = ph_add(ph_select(seen, h, hidden), n->decoder_places);
    for (int64_t i = 0; i < o->decoder_depth; i++)
        h = ph_transformer_block(n->decoder, h, (size_t)o->decoder_heads, inner, false);
    h = ph_norm(n->decoder, h, "layer");
    guess g = { .numbers = ph_linear(n->decoder, h, ph_likelihood_width(&n->symbols), "linear", true) };
    if (o->normalize_patches)
        g.spread = ph_linear(n->decoder, ph_stop_gradient(h), 2, "linear", true);
    ph_scope_again(n->decoder);
    return g;
}

/* The same as what several guesses have a mean of: numbers in the scale of the tokens, or the probabilities
 * of symbols, [count, numbers, levels]. */
static ph_node *opinion(const net *n, const guess *g)
{
    if (n->symbols.levels)
        return ph_softmax(ph_reshape(g->numbers, 3, (size_t[]){ n->cut.count, n->cut.width, n->symbols.levels }));
    return g->spread ? ph_add(ph_mul(g->numbers, ph_slice(g->spread, 1, 1)), ph_slice(g->spread, 0, 1))
                     : g->numbers;
}

/* Such a mean as tokens. */
static ph_node *settle(const net *n, ph_node *opinion)
{
    if (n->symbols.levels == 0)
        return opinion;
    return ph_scale(ph_to_real(ph_argmax_last(opinion)), 1 / ((double)n->symbols.levels - 1));
}

static ph_node *as_tokens(const net *n, const guess *g)
{
    return settle(n, opinion(n, g));
}

/* ---- What is hidden -------------------------------------------------------------------------- */

/* 1 at the tokens that index names, 0 at others: [count, 1]. */
static ph_node *seen_by(const net *n, ph_node *index)
{
    ph_shape shape = { n->x->shape.set, 2, { n->visible, 1 } };
    return ph_add_lines(ph_broadcast_to(ph_constant(n->graph, 1), &shape), index, n->cut.count);
}

/* The places of the tokens that are seen, [visible]: those of the smallest of as many draws. */
static ph_node *choose(const net *n)
{
    ph_node *row = ph_flatten(n->x), *always = ph_uniform_of(row, n->cut.count);
    return ph_smallest(ph_when_training(ph_uniform_like(always), always), n->visible);
}

/* What is thought of tokens from as many of those that are seen, [n, 1], as in training, or all where there
 * are fewer; draws, [n] in (0, 1), choose. */
static ph_node *guess_from(net *n, ph_node *tokens, ph_node *seen, ph_node *draws)
{
    ph_node *index = ph_smallest(ph_sub(draws, ph_flatten(seen)), n->visible); /* the seen ones first */
    ph_node *looked_at = ph_take_lines(seen, index);
    ph_node *z = encode(n, ph_take_lines(tokens, index), ph_gather(n->places, index), looked_at, NULL);
    guess g = decode(n, z, index, ph_add_lines(looked_at, index, n->cut.count));
    return opinion(n, &g);
}

/* The row without its holes: `holes` is a row and behind it, for each of its numbers, 1 where it is seen
 * and 0 where it is not. A token with a hole in it is hidden, and what it holds counts for nothing. The
 * net does worse with more tokens than it ever had: it is given as many, some times over, for the mean. */
static ph_node *fill(net *n, ph_node *holes)
{
    enum { TIMES = 4 };
    size_t width = ph_width(n->x), count = n->cut.count;
    ph_node *row = ph_reshape_like(ph_slice(holes, 0, width), n->x);
    ph_node *given = ph_to_tokens(ph_reshape_like(ph_slice(holes, width, width), n->x), &n->cut);
    ph_node *most = ph_constant(n->graph, (double)n->cut.width - 0.5);
    ph_node *seen = ph_less(most, ph_sum_last(given)), *tokens = ph_to_tokens(row, &n->cut);
    ph_node *shown = ph_select(seen, tokens, ph_constant(n->graph, 0));
    ph_node *draws = ph_uniform_of(ph_flatten(shown), TIMES * count), *sum = NULL;
    for (size_t i = 0; i < TIMES; i++) {
        ph_node *one = guess_from(n, shown, seen, ph_slice(draws, i * count, count));
        sum = sum ? ph_add(sum, one) : one;
    }
    ph_node *filled = settle(n, ph_scale(sum, 1.0 / TIMES));
    return ph_from_tokens(ph_select(given, tokens, filled), &n->cut, &n->x->shape);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

/* Mean over the numbers of hidden tokens, for each row, of values that every token has as many of. */
static ph_node *mean_over_hidden(const net *n, ph_node *values, ph_node *seen)
{
    ph_node *hidden = ph_sub(ph_constant(n->graph, 1), seen);
    size_t count = (n->cut.count - n->visible) * ph_width(values) / n->cut.count;
    return ph_scale(ph_sum(ph_mul(values, hidden)), 1 / (double)count);
}

static ph_node *mean_over_wanted(const net *n, ph_node *values, ph_node *seen)
{
    return strcmp(n->o->loss_on, "all") == 0 ? ph_mean(values) : mean_over_hidden(n, values, seen);
}

/* Nats of each token's symbols, for each of its numbers, [count, 1]. */
static ph_node *cross_entropy(const net *n, const guess *g, ph_node *tokens)
{
    return ph_scale(ph_log_likelihood(&n->symbols, g->numbers, tokens), -1 / (double)n->cut.width);
}

static ph_node *loss_of(const net *n, const guess *g, ph_node *tokens, ph_node *seen)
{
    if (n->symbols.levels)
        return mean_over_wanted(n, cross_entropy(n, g, tokens), seen);
    if (g->spread == NULL)
        return mean_over_wanted(n, ph_square(ph_sub(g->numbers, tokens)), seen);
    double count = (double)n->cut.width;
    ph_node *mean = ph_scale(ph_sum_last(tokens), 1 / count), *off = ph_sub(tokens, mean);
    ph_node *variance = ph_scale(ph_sum_last(ph_square(off)), 1 / (count - 1));
    ph_node *deviation = ph_sqrt(ph_shift(variance, 1e-6));
    ph_node *spread = ph_sub(g->spread, ph_concatenate(mean, deviation));
    ph_node *error = mean_over_wanted(n, ph_square(ph_sub(g->numbers, ph_div(off, deviation))), seen);
    if (!tunes(n->o))
        ph_report(n->graph, "normalized_mse", "mean over the numbers of the normalised tokens that the "
                  "loss is on", error);
    return ph_add(error, mean_over_wanted(n, ph_square(spread), seen));
}

static void report_hidden(const net *n, const guess *g, ph_node *tokens, ph_node *seen)
{
    ph_node *off = ph_sub(as_tokens(n, g), tokens);
    if (n->symbols.levels == 0) {
        ph_report(n->graph, "masked_mse", "mean over the numbers of hidden tokens, in the model's input "
                  "scale", mean_over_hidden(n, ph_square(off), seen));
        return;
    }
    ph_node *half = ph_constant(n->graph, 0.5 / ((double)n->symbols.levels - 1));
    ph_report(n->graph, "masked_bits", "of each number of hidden tokens: -log2 of the probability of what stands "
              "there", ph_scale(mean_over_hidden(n, cross_entropy(n, g, tokens), seen), 1 / log(2)));
    ph_report(n->graph, "masked_exact", "share of the numbers of hidden tokens that come back as they are",
              mean_over_hidden(n, ph_less(ph_abs(off), half), seen));
}

/* Hidden tokens of all rows: all of training, or what prepares it for labels. */
static void learn_hidden(const net *n, const guess *g, ph_node *tokens, ph_node *seen)
{
    const mae_options *o = n->o;
    bool all = strcmp(n->o->loss_on, "all") == 0, symbols = n->symbols.levels > 0;
    ph_phase phase = { .train = "encoder decoder", .name = "masked",
                       .unit = symbols && all ? "nats, mean over the numbers of all tokens and over rows"
                               : symbols ? "nats, mean over the numbers of hidden tokens and over rows"
                               : all ? "squared error, mean over the numbers of all tokens and over rows"
                                     : "squared error, mean over the numbers of hidden tokens and over rows" };
    if (tunes(o)) {
        phase.epochs = o->pretrain_epochs;
        phase.lr = o->pretrain_lr;
    } else {
        report_hidden(n, g, tokens, seen);
    }
    if (!tunes(o) || o->pretrain_epochs > 0) {
        phase.loss = loss_of(n, g, tokens, seen);
        ph_add_phase(n->graph, &phase);
    }
}

static ph_node *logits_of(const net *n, ph_node *code)
{
    ph_scope *scope = ph_scope_of(n->graph, "classifier");
    ph_node *logits = ph_linear(scope, code, (size_t)n->o->classes, "linear", true);
    ph_scope_again(scope);
    return logits;
}

/* A softmax layer on the code of rows with labels, and their cross-entropy. */
static void learn_labels(net *n, ph_node *code)
{
    ph_graph *g = n->graph;
    ph_node *rows = ph_labelled(n->x), *labels = ph_labels(rows, (size_t)n->o->classes);
    ph_use_labels(g, (size_t)ph_labels_wanted(g, n->o->labels, n->o->classes), false);
    ph_node *logits = logits_of(n, code_of(n, rows, false));
    ph_node *chosen = ph_sum(ph_mul(labels, ph_log_softmax(logits)));
    int phase = ph_add_phase(g, &(ph_phase){ .loss = ph_neg(chosen), .train = "encoder classifier",
                                             .unit = "nats of a row's class, mean over rows with a label" });
    ph_node *hit = ph_sum(ph_mul(labels, ph_largest(logits, 1)));
    ph_report_in(g, phase, "label_error", "share of rows with labels that are misclassified",
                 ph_sub(ph_sum(labels), hit));
    ph_export(g, "classify", n->x, ph_softmax(logits_of(n, code)));
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void check_labels(const net *n)
{
    const mae_options *o = n->o;
    ph_graph *g = n->graph;
    if (tunes(o) && o->classes < 2)
        ph_refuse(g, "finetune labels: the data have no labels of two classes or more (--label-column "
                  "names those of a table)");
    if (tunes(o) && ph_labels_wanted(g, o->labels, o->classes) < 0)
        ph_refuse(g, "labels none: --finetune labels learns from some");
    if (!tunes(o) && strcmp(o->labels, "all") != 0)
        ph_refuse(g, "labels: only --finetune labels learns from them");
    if (!tunes(o) && (o->pretrain_epochs || o->pretrain_lr != 0))
        ph_refuse(g, "%s: only --finetune labels has something to prepare for",
                  o->pretrain_epochs ? "pretrain-epochs" : "pretrain-lr");
    if (o->pretrain_lr != 0 && o->pretrain_epochs == 0)
        ph_refuse(g, "pretrain-lr: without --pretrain-epochs there is no pretraining");
}

static void check(net *n)
{
    const mae_options *o = n->o;
    ph_graph *g = n->graph;
    if (ph_tokens_of(&n->x->shape, (size_t)o->patch, &n->cut) != PH_OK) {
        ph_refuse(g, "%s", ph_message());
        return;
    }
    if (n->cut.count > MOST_TOKENS)
        ph_refuse(g, "patch %zu: %zu tokens a row are more than %d; give a larger --patch", n->cut.patch,
                  n->cut.count, MOST_TOKENS);
    /* A file that asks for more than it holds is found out before it has places made. */
    int64_t widest = o->width > o->decoder_width ? o->width : o->decoder_width;
    if ((size_t)(widest * widest) > g->room)
        ph_refuse(g, "width: there is no room for its weights");
    n->visible = (size_t)lround((double)n->cut.count * (1 - o->mask));
    if (n->visible == 0 || n->visible == n->cut.count)
        ph_refuse(g, "mask %g: of %zu tokens %s would be seen; some must be, and some hidden", o->mask,
                  n->cut.count, n->visible ? "all" : "none");
    if (o->width % o->heads || o->decoder_width % o->decoder_heads)
        ph_refuse(g, "%s: heads divide the width", o->width % o->heads ? "heads" : "decoder-heads");
    ph_likelihood_read(&n->symbols, o->loss, n->decoder, n->cut.width, 0);
    if (o->normalize_patches && n->symbols.levels)
        ph_refuse(g, "normalize-patches: symbols (loss %s) have no mean; leave one out", o->loss);
    if (o->normalize_patches && n->cut.width == 1)
        ph_refuse(g, "normalize-patches: tokens of one number have no deviation; give a larger --patch");
    check_labels(n);
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const mae_options *o = options;
    net n = { .graph = g, .o = o, .x = x, .encoder = ph_scope_of(g, "encoder"),
              .decoder = ph_scope_of(g, "decoder") };
    check(&n);
    if (ph_graph_status(g) != PH_OK)
        return;
    n.places = ph_positions(n.encoder, o->positions, &n.cut, (size_t)o->width);
    n.decoder_places = ph_positions(n.decoder, o->positions, &n.cut, (size_t)o->decoder_width);
    ph_node *tokens = ph_to_tokens(x, &n.cut), *index = choose(&n);
    ph_node *seen = seen_by(&n, index);
    ph_node *z = encode(&n, ph_take_lines(tokens, index), ph_gather(n.places, index), NULL, NULL);
    guess said = decode(&n, z, index, seen);
    ph_node *code = code_of(&n, x, true);
    learn_hidden(&n, &said, tokens, seen);
    if (tunes(o))
        learn_labels(&n, code);
    ph_node *back = ph_select(seen, tokens, as_tokens(&n, &said));
    ph_node *holes = ph_input_beside(x, "holes", 1, (size_t[]){ 2 * ph_width(x) });
    ph_export(g, "encode", x, code);
    ph_export(g, "reconstruct", x, ph_from_tokens(back, &n.cut, &x->shape));
    ph_export(g, "seen", x, ph_from_tokens(ph_broadcast(seen, tokens), &n.cut, &x->shape));
    ph_export(g, "fill", holes, fill(&n, holes));
}

const ph_family_desc ph_family_mae = {
    .face = { "mae", "masked autoencoder: hidden patches given back by what is seen", table, OPTIONS },
    .options_size = sizeof(mae_options),
    .build = build,
    .earlier = { "pretrained", "mae", "patch width depth heads mlp-ratio decoder-width decoder-depth "
                 "decoder-heads positions loss normalize-patches", "encoder decoder" },
};
