/* vqvae.c - the vector-quantised autoencoder (van den Oord, Vinyals and Kavukcuoglu 2017): a row becomes
 * words of a learned vocabulary, one for each pixel of the encoder's last picture.
 *
 *     loss = -log p(x|z) + codebook-weight |e - stop(z_e)|^2 + commitment |z_e - stop(e)|^2
 *
 * with z the words e of the vectors z_e, straight through (nn/codebook.c has that and its variants). The
 * paper's weights are 1 and 0.25; some lectures write (beta, 1). An encoder that ends in numbers gives one
 * vector.
 */
#include "model/model.h"
#include "nn/codebook.h"
#include "nn/likelihood.h"

#include <string.h>

typedef struct vqvae_options {
    ph_net_options net;
    ph_codebook_options book;
    const char *likelihood;
    int64_t latent_dim;
} vqvae_options;

#define AT(field) offsetof(vqvae_options, field)

static const ph_option table[] = {
    PH_NET_OPTIONS(vqvae_options, "conv 32 4/2, conv 64 4/2, conv 64 3"),
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, AT(latent_dim), "64", 1, 1e6,
      NULL, "size of a vector, of which a row has one for each pixel that the encoder ends with" },
    { "codes", "n-codes num-embeddings codebook-size", PH_OPTION_INT, AT(book.codes), "512", 2, 1 << 24, NULL,
      "words of the codebook" },
    { "quantizer", NULL, PH_OPTION_TEXT, AT(book.quantizer), "vq", 0, 0, NULL,
      "vq: a learned codebook; fsq:8,5,5,5: each number of a vector rounded to one of so many levels" },
    { "codebook", NULL, PH_OPTION_CHOICE, AT(book.codebook), "loss", 0, 0, "loss ema",
      "words follow their vectors by a loss, or are exponential averages of them" },
    { "codebook-weight", NULL, PH_OPTION_REAL, AT(book.codebook_weight), "1", 0, 1e6, NULL,
      "weight of that loss" },
    { "commitment", "commitment-weight commitment-cost", PH_OPTION_REAL, AT(book.commitment), "0.25", 0, 1e6,
      NULL, "weight of the loss by which vectors keep to their words" },
    { "codebook-decay", "ema-decay", PH_OPTION_REAL, AT(book.decay), "0.99", 0, 0.999999, NULL,
      "of the averages: of a word's use, and of its vectors" },
    { "revive", NULL, PH_OPTION_REAL, AT(book.revive), "0.03", 0, 1, NULL,
      "words that are used less than this part of an even share become vectors of the batch; 0: none do" },
    { "residual", NULL, PH_OPTION_INT, AT(book.residual), "1", 1, 32, NULL,
      "words for each vector, each for what those before it have left" },
    { "product", NULL, PH_OPTION_INT, AT(book.product), "1", 1, 256, NULL,
      "equal parts of a vector, each with words of its own" },
    { "normalize-codes", NULL, PH_OPTION_FLAG, AT(book.normalize), "0", 0, 0, NULL,
      "vectors and words have a length of 1" },
    { "rotation", NULL, PH_OPTION_FLAG, AT(book.rotation), "0", 0, 0, NULL,
      "derivatives go through the rotation that takes a vector to its word, not straight through" },
    { "likelihood", NULL, PH_OPTION_CHOICE, AT(likelihood), "auto", 0, 0, "auto " PH_LIKELIHOODS,
      "of a row given its words; C: the variance; L: levels from 0 to 1 that numbers are rounded to "
      "[16]; auto: bernoulli for bytes and [0,1]" },
};

typedef struct vqvae {
    ph_graph *graph;
    const vqvae_options *o;
    ph_scope *encoder, *decoder;
    ph_layers in, out;
    ph_picture code;           /* the vectors, as a picture */
    ph_stack stack;
    ph_codebook book;
    ph_likelihood likelihood;
    ph_node *x, *row;
} vqvae;

static size_t positions(const vqvae *n)
{
    return n->code.size[0] * n->code.size[1];
}

/* The row's vectors, [t, d]. */
static ph_node *encode(vqvae *n)
{
    const vqvae_options *o = n->o;
    ph_picture picture = ph_picture_of(&n->x->shape);
    ph_stack layers = n->stack;
    layers.input = n->x;
    ph_node *h = ph_stack_over(n->encoder, n->row, &picture, &n->in, &layers);
    h = ph_reshape(h, 2, (size_t[]){ positions(n), ph_width(h) / positions(n) });
    return ph_linear_with(n->encoder, h, (size_t)o->latent_dim, "linear", o->net.init, true, NULL);
}

static ph_node *decode(vqvae *n, ph_node *vectors)
{
    size_t each = ph_likelihood_width(&n->likelihood) / ph_width(n->x);
    ph_node *y = ph_decode_over(n->decoder, ph_flatten(vectors), &n->code, &n->x->shape, each, &n->out,
                                &n->stack);
    ph_scope_again(n->decoder);
    return y;
}

static ph_node *picture(vqvae *n, ph_node *vectors)
{
    return ph_reshape_like(ph_likelihood_mean(&n->likelihood, decode(n, vectors)), n->x);
}

static bool read_options(vqvae *n)
{
    const vqvae_options *o = n->o;
    n->code = (ph_picture){ false, { 0, 0, (size_t)o->latent_dim } };
    if (ph_net_layers(&o->net, &n->x->shape, &n->code, &n->in, &n->out) != PH_OK)
        ph_refuse(n->graph, "%s", ph_message());
    ph_codebook_read(&n->book, &o->book, ph_scope_of(n->graph, "codebook"), (size_t)o->latent_dim);
    ph_likelihood_read(&n->likelihood, o->likelihood, n->decoder, ph_width(n->row));
    return ph_graph_status(n->graph) == PH_OK;
}

static ph_node *weighted(ph_node *term, double weight)
{
    return ph_scale(ph_mean_rows(term), weight);
}

static void objective(vqvae *n, const ph_quantized *q)
{
    const ph_codebook_options *o = &n->o->book;
    ph_node *rec = ph_log_likelihood(&n->likelihood, decode(n, q->vectors), n->row);
    ph_node *loss = ph_neg(ph_mean_rows(rec));
    bool averages = strcmp(o->codebook, "ema") == 0;
    if (q->commitment)
        loss = ph_add(loss, weighted(q->commitment, o->commitment));
    if (q->codebook && !averages)
        loss = ph_add(loss, weighted(q->codebook, o->codebook_weight));
    ph_add_phase(n->graph, &(ph_phase){ .loss = loss });
    ph_report(n->graph, "rec", "log p(x|z), nats per row", rec);
    const char *unit = "squared distance of vectors to their words, summed over a row, unweighted";
    if (q->commitment)
        ph_report(n->graph, "commitment", unit, q->commitment);
    if (q->codebook && !averages)
        ph_report(n->graph, "codebook", unit, q->codebook);
}

/* How the words' numbers stand in the row: a grid of them or a line, with the books last. */
static size_t token_shape(const vqvae *n, size_t shape[3])
{
    bool line = n->code.flat || n->x->shape.rank == 1;
    size_t rank = 0;
    if (!line)
        shape[rank++] = n->code.size[0];
    shape[rank++] = line ? positions(n) : n->code.size[1];
    if (n->book.books > 1)
        shape[rank++] = n->book.books;
    return rank;
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const vqvae_options *o = options;
    vqvae n = { .graph = g, .o = o, .x = x, .row = ph_flatten(x), .encoder = ph_scope_of(g, "encoder"),
                .decoder = ph_scope_of(g, "decoder"), .stack = ph_stack_of(&o->net) };
    if (!read_options(&n))
        return;
    ph_quantized q = ph_quantize(&n.book, encode(&n));
    objective(&n, &q);
    size_t shape[3], rank = token_shape(&n, shape);
    ph_node *code = ph_flatten(q.vectors), *tokens = ph_reshape(q.tokens, rank, shape);
    ph_node *given = ph_input_beside(x, "tokens", rank, shape);
    ph_count_words(tokens, n.book.words, n.book.books);
    ph_export(g, "encode", x, code);
    ph_export(g, "tokens", x, tokens);
    ph_export(g, "decode", code, picture(&n, code));
    ph_export(g, "reconstruct", x, picture(&n, code));
    ph_node *words = ph_words(&n.book, ph_reshape_like(given, q.tokens));
    ph_export(g, "decode-tokens", given, picture(&n, ph_flatten(words)));
}

/* Levels say by themselves how many words there are, and of how many numbers. */
static ph_status settle(ph_settings *s)
{
    static const char *const names[] = { "latent-dim", "codes" }, *const usual[] = { "64", "512" };
    size_t size[2] = { 0 };
    size[0] = ph_fsq_depth(ph_settings_get(s, "quantizer"), &size[1]);
    for (int i = 0; i < 2 && size[0]; i++) {
        char text[24];
        const char *given = ph_settings_get(s, names[i]);
        snprintf(text, sizeof text, "%zu", size[i]);
        if (strcmp(given, usual[i]) != 0 && strcmp(given, text) != 0)
            return ph_fail(PH_USAGE, "%s %s: quantizer %s has %s", names[i], given,
                           ph_settings_get(s, "quantizer"), text);
        PH_TRY(ph_settings_set(s, names[i], text));
    }
    return PH_OK;
}

const ph_family_desc ph_family_vqvae = {
    .face = { "vqvae", "vector-quantised autoencoder", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(vqvae_options),
    .build = build,
    .settle = settle,
};
