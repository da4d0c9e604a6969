/* vqvae.c - the vector-quantised autoencoder (van den Oord, Vinyals and Kavukcuoglu 2017): a row becomes
 * words of a learned vocabulary, one for each pixel of the encoder's last picture.
 *
 *     loss = -log p(x|z) + codebook-weight |e - stop(z_e)|^2 + commitment |z_e - stop(e)|^2
 *
 * with z the words e of the vectors z_e, straight through (nn/codebook.c has that and its variants). The
 * paper's weights are 1 and 0.25; some lectures write (beta, 1). An encoder that ends in numbers gives one
 * vector.
 */
#include "model/vqvae.h"

#include <math.h>
#include <string.h>

static const ph_option table[] = { PH_VQVAE_OPTIONS };

static size_t positions(const ph_vqvae *n)
{
    return n->code.size[0] * n->code.size[1];
}

/* The row's vectors, [t, d]. */
static ph_node *encode(ph_vqvae *n)
{
    const ph_vqvae_options *o = n->o;
    ph_picture picture = ph_picture_of(&n->x->shape);
    ph_stack layers = n->stack;
    layers.input = n->x;
    ph_node *h = ph_stack_over(n->encoder, n->row, &picture, &n->in, &layers);
    h = ph_reshape(h, 2, (size_t[]){ positions(n), ph_width(h) / positions(n) });
    return ph_linear_with(n->encoder, h, (size_t)o->latent_dim, "linear", o->net.init, true, NULL);
}

static ph_node *decode(ph_vqvae *n, ph_node *vectors)
{
    size_t each = ph_likelihood_width(&n->likelihood) / ph_width(n->x);
    ph_node *y = ph_decode_over(n->decoder, ph_flatten(vectors), &n->code, &n->x->shape, each, &n->out,
                                &n->stack);
    ph_scope_again(n->decoder);
    return y;
}

static ph_node *picture(ph_vqvae *n, ph_node *vectors)
{
    return ph_reshape_like(ph_likelihood_mean(&n->likelihood, decode(n, vectors)), n->x);
}

static bool read_options(ph_vqvae *n)
{
    const ph_vqvae_options *o = n->o;
    n->code = (ph_picture){ .size = { 0, 0, (size_t)o->latent_dim } };
    if (ph_net_layers(&o->net, &n->x->shape, &n->code, &n->in, &n->out) != PH_OK)
        ph_refuse(n->graph, "%s", ph_message());
    ph_codebook_read(&n->book, &o->book, ph_scope_of(n->graph, "codebook"), (size_t)o->latent_dim);
    ph_likelihood_read(&n->likelihood, o->likelihood, n->decoder, ph_width(n->row), ph_layers_words(&n->in));
    return ph_graph_status(n->graph) == PH_OK;
}

static ph_node *weighted(ph_node *term, double weight)
{
    return ph_scale(ph_mean_rows(term), weight);
}

static void objective(ph_vqvae *n)
{
    const ph_quantized *q = &n->said;
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
    double words = (double)ph_width(n->tokens) * log((double)n->book.words);
    ph_report_bits(&n->likelihood, "of the levels that a row's numbers are taken for: -log2 p(x|z), and the "
                   "words, each as likely as any", ph_shift(rec, -words));
    const char *unit = "squared distance of vectors to their words, summed over a row, unweighted";
    if (q->commitment)
        ph_report(n->graph, "commitment", unit, q->commitment);
    if (q->codebook && !averages)
        ph_report(n->graph, "codebook", unit, q->codebook);
}

/* How the words' numbers stand in the row: a grid of them or a line, with the books last. */
static size_t token_shape(const ph_vqvae *n, size_t shape[3])
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

bool ph_vqvae_make(ph_vqvae *n, ph_graph *g, ph_node *x, const ph_vqvae_options *o)
{
    *n = (ph_vqvae){ .graph = g, .o = o, .x = x, .row = ph_flatten(x), .encoder = ph_scope_of(g, "encoder"),
                     .decoder = ph_scope_of(g, "decoder"), .stack = ph_stack_of(&o->net) };
    if (!read_options(n))
        return false;
    n->said = ph_quantize(&n->book, encode(n));
    size_t shape[3], rank = token_shape(n, shape);
    ph_node *code = ph_flatten(n->said.vectors), *given = ph_input_beside(x, "tokens", rank, shape);
    ph_node *vectors = ph_input_beside(x, "vectors", 1, (size_t[]){ ph_width(code) });
    ph_node *words = ph_flatten(ph_words(&n->book, ph_reshape_like(given, n->said.tokens)));
    n->tokens = ph_reshape(n->said.tokens, rank, shape);
    ph_count_words(n->tokens, n->book.words, n->book.books);
    ph_export(g, "encode", x, code);
    ph_export(g, "tokens", x, n->tokens);
    ph_export(g, "decode", vectors, picture(n, vectors));
    ph_export(g, "reconstruct", x, picture(n, code));
    ph_export(g, "vectors", given, words);
    ph_export(g, "decode-tokens", given, picture(n, words));
    return true;
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    ph_vqvae n;
    if (ph_vqvae_make(&n, g, x, options))
        objective(&n);
}

/* Levels say by themselves how many words there are, and of how many numbers. */
static ph_status settle(ph_settings *s, const ph_data *data)
{
    (void)data;
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
    .options_size = sizeof(ph_vqvae_options),
    .build = build,
    .settle = settle,
};
