/* ae.c - the autoencoder: x -> code -> y, trained to give x back (Rumelhart, Hinton and Williams
 * 1986; deep: Hinton and Salakhutdinov 2006).
 *
 *     h_i = dropout(f(W_i h_{i-1} + b_i)),  code = g(W h + b),  the decoder mirrors the encoder
 *     loss: cross-entropy of logits ("bce", nats), squared error ("mse") or |y - x|^P ("lp:P"),
 *     summed over a row
 */
#include "model/model.h"

#include <string.h>

typedef struct ae_options {
    const char *hidden, *decoder_hidden, *activation, *latent_activation, *loss, *init;
    int64_t latent_dim;
    double dropout;
    bool tied, no_bias;
} ae_options;

#define AT(field) offsetof(ae_options, field)

static const ph_option table[] = {
    { "hidden", "hidden-neuron-list hidden-layer-sizes layers", PH_OPTION_TEXT, AT(hidden),
      "256,128", 0, 0, NULL, "widths of the encoder's hidden layers, or none" },
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, AT(latent_dim), "20", 1,
      1e6, NULL, "size of the code" },
    { "decoder-hidden", NULL, PH_OPTION_TEXT, AT(decoder_hidden), "mirror", 0, 0, NULL,
      "widths of the decoder's hidden layers; mirror: the encoder's, reversed" },
    { "activation", NULL, PH_OPTION_CHOICE, AT(activation), "relu", 0, 0, PH_ACTIVATIONS,
      "of the hidden layers" },
    { "latent-activation", NULL, PH_OPTION_CHOICE, AT(latent_activation), "linear", 0, 0,
      PH_ACTIVATIONS, "of the code" },
    { "dropout", "dropout-rate", PH_OPTION_REAL, AT(dropout), "0", 0, 0.99, NULL,
      "share of hidden units dropped in training" },
    { "loss", NULL, PH_OPTION_CHOICE, AT(loss), "auto", 0, 0, "auto bce mse lp:P",
      "what is minimised; auto: bce for bytes and [0,1], else mse" },
    { "tied", "tied-weights", PH_OPTION_FLAG, AT(tied), "0", 0, 0, NULL,
      "the decoder uses the encoder's weights, transposed" },
    { "no-bias", NULL, PH_OPTION_FLAG, AT(no_bias), "0", 0, 0, NULL, "layers without biases" },
    { "init", NULL, PH_OPTION_CHOICE, AT(init), "auto", 0, 0, "auto glorot he",
      "start of the weights; auto: he for the relu family, else glorot" },
};

static ph_node *layer(ph_scope *scope, ph_node *a, size_t n, const char *activation,
                      const ae_options *o, ph_node *tied)
{
    return ph_activation(ph_linear_with(scope, a, n, activation, o->init, !o->no_bias, tied),
                         activation);
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const ae_options *o = options;
    ph_layers in, out;
    if (ph_layers_read(o->hidden, &in) != PH_OK) {
        ph_refuse(g, "%s", ph_message());
        return;
    }
    bool mirrored = strcmp(o->decoder_hidden, "mirror") == 0;
    if (!mirrored && ph_layers_read(o->decoder_hidden, &out) != PH_OK) {
        ph_refuse(g, "decoder-%s", ph_message());
        return;
    }
    if (mirrored) {
        out.count = in.count;
        for (size_t i = 0; i < in.count; i++)
            out.width[i] = in.width[in.count - 1 - i];
    }
    if (o->tied && (out.count != in.count || !mirrored)) {
        ph_refuse(g, "tied weights need a mirrored decoder");
        return;
    }

    ph_scope *encoder = ph_scope_of(g, "encoder"), *decoder = ph_scope_of(g, "decoder");
    ph_node *row = ph_flatten(x), *h = row, *used[PH_MAX_LAYERS + 1] = { NULL };
    for (size_t i = 0; i < in.count; i++) {
        h = ph_dropout(layer(encoder, h, in.width[i], o->activation, o, NULL), o->dropout);
        char name[32];
        snprintf(name, sizeof name, "layer%zu", i + 1);
        ph_export(g, name, x, h);
    }
    ph_node *code = layer(encoder, h, (size_t)o->latent_dim, o->latent_activation, o, NULL);
    for (size_t i = 0; o->tied && i <= in.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "encoder/%zu/weight", in.count - i);
        ph_variable *weight = ph_variable_find(g, name);
        used[i] = weight ? weight->node : NULL;
    }
    h = code;
    for (size_t i = 0; i < out.count; i++)
        h = ph_dropout(layer(decoder, h, out.width[i], o->activation, o, used[i]), o->dropout);
    ph_node *y = layer(decoder, h, ph_width(x), "linear", o, used[out.count]);

    ph_add_phase(g, &(ph_phase){ .loss = ph_loss(o->loss, y, row) });
    bool logits = strcmp(o->loss, "bce") == 0;
    ph_node *picture = ph_reshape_like(logits ? ph_sigmoid(y) : y, x);
    if (logits)
        ph_report(g, "bce", "nats per row", ph_loss("bce", y, row));
    ph_export(g, "encode", x, code);
    ph_export(g, "decode", code, picture);
    ph_export(g, "reconstruct", x, picture);
}

const ph_family_desc ph_family_ae = {
    .face = { "ae", "autoencoder, of any depth", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(ae_options),
    .build = build,
};
