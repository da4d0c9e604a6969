/* ae.c - the autoencoder: x -> code -> y, trained to give x back (Rumelhart, Hinton and Williams
 * 1986; deep: Hinton and Salakhutdinov 2006).
 *
 *     h_i = dropout(f(W_i h_{i-1} + b_i)),  code = g(W h + b),  the decoder mirrors the encoder
 *     loss: cross-entropy of logits ("bce", nats), squared error ("mse") or |y - x|^P ("lp:P"),
 *     summed over a row
 *
 * And what makes more of it than a copy, alone or together (nn/regularizers.c):
 *     denoising      x with noise in, the clean x wanted (Vincent et al. 2008, 2010)
 *     sparse         half the squared error + weight * (L1, mean activation or KL of the code); or only
 *                    the K largest of the code are kept (Ng 2011; Makhzani and Frey 2014)
 *     contractive    + weight * |d code / d x|^2 (Rifai et al. 2011)
 *     stacked        each layer is first trained as an autoencoder of what the one before it gives, with
 *                    the noise and the sparsity asked for; then the net is unrolled and trained whole
 *                    (Bengio et al. 2007), or its encoder with a softmax layer on labels (Vincent et al.
 *                    2010)
 *     spatial code   no layer mixes all pixels: the code is a vector at each pixel that the convolutions end
 *                    in, the same W for all of them, and so is what the decoder begins with. So a net is
 *                    convolutions alone, and as good for a large row as for a small one
 */
#include "model/model.h"

#include <math.h>
#include <string.h>

typedef struct ae_options {
    ph_net_options net;
    const char *latent_activation, *loss, *output_activation;
    const char *noise, *sparsity, *jacobian, *pretrain, *finetune;
    int64_t latent_dim, pretrain_epochs, classes;
    double emphasis, sparsity_weight, contractive, pretrain_lr;
    bool tied, no_bias, spatial_code;
} ae_options;

#define AT(field) offsetof(ae_options, field)

static const ph_option table[] = {
    PH_NET_OPTIONS(ae_options, "256,128"),
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, AT(latent_dim), "20", 1,
      1e6, NULL, "size of the code" },
    { "spatial-code", NULL, PH_OPTION_FLAG, AT(spatial_code), "0", 0, 0, NULL,
      "the code is latent-dim numbers at each pixel that the hidden layers end in, and no layer mixes them all" },
    { "latent-activation", NULL, PH_OPTION_CHOICE, AT(latent_activation), "linear", 0, 0,
      PH_ACTIVATIONS, "of the code" },
    { "loss", NULL, PH_OPTION_CHOICE, AT(loss), "auto", 0, 0, "auto bce mse lp:P",
      "what is minimised; auto: bce for bytes and [0,1], else mse" },
    { "output-activation", NULL, PH_OPTION_CHOICE, AT(output_activation), "auto", 0, 0,
      "auto linear sigmoid", "of the numbers that come back; auto: sigmoid for bce, else linear" },
    { "tied", "tied-weights", PH_OPTION_FLAG, AT(tied), "0", 0, 0, NULL,
      "the decoder uses the encoder's weights, transposed" },
    { "no-bias", NULL, PH_OPTION_FLAG, AT(no_bias), "0", 0, 0, NULL, "layers without biases" },
    { "noise", "corruption", PH_OPTION_CHOICE, AT(noise), "none", 0, 0, PH_NOISES,
      "on the rows that go in, fresh in each step; the clean row is wanted back" },
    { "emphasis", NULL, PH_OPTION_REAL, AT(emphasis), "1", 0, 1e3, NULL,
      "weight in the loss of values that noise replaced; that of others is 1" },
    { "sparsity", NULL, PH_OPTION_CHOICE, AT(sparsity), "none", 0, 0, "none l1 mean kl:RHO topk:K",
      "what keeps the code sparse" },
    { "sparsity-weight", NULL, PH_OPTION_REAL, AT(sparsity_weight), "1", 0, 1e6, NULL,
      "weight of that beside half the squared error" },
    { "contractive", "contractive-weight", PH_OPTION_REAL, AT(contractive), "0", 0, 1e6, NULL,
      "weight of the squared norm of the code's derivative" },
    { "jacobian", NULL, PH_OPTION_CHOICE, AT(jacobian), "auto", 0, 0, "auto closed exact estimate",
      "how that is computed; auto: closed for one layer, exact up to a code of 8, else estimate" },
    { "pretrain", NULL, PH_OPTION_CHOICE, AT(pretrain), "none", 0, 0, "none layerwise",
      "layerwise: each layer first as an autoencoder of what the one before it gives" },
    { "pretrain-epochs", NULL, PH_OPTION_INT, AT(pretrain_epochs), "10", 1, 1e6, NULL,
      "for each layer, before and beside --epochs" },
    { "pretrain-lr", NULL, PH_OPTION_REAL, AT(pretrain_lr), "0", 0, 1e3, NULL,
      "learning rate of that; 0: --lr" },
    { "finetune", NULL, PH_OPTION_CHOICE, AT(finetune), "reconstruction", 0, 0,
      "reconstruction labels", "what --epochs train: the whole net on giving rows back, or the encoder "
      "with a softmax layer on the labels" },
    { "classes", NULL, PH_OPTION_INT, AT(classes), "0", 0, 65536, NULL,
      "of the labels; 0: as many as the data have" },
};

typedef struct net {
    ph_graph *graph;
    const ae_options *o;
    ph_scope *encoder, *decoder;
    ph_layers in, out;
    ph_picture picture;        /* that a spatial code is; else flat */
    ph_node *x, *row, *touched; /* touched: where noise replaced a value, or NULL */
    ph_node *seen;              /* what the encoder is given: the row, with noise in training */
    ph_node *inside;            /* the code before its activation */
    ph_node *code;              /* [latent-dim], a spatial one [pixels, latent-dim] */
} net;

static ph_node *linear(const net *n, ph_scope *scope, ph_node *a, size_t width, const char *activation)
{
    return ph_linear_with(scope, a, width, activation, n->o->net.init, !n->o->no_bias, NULL);
}

static ph_stack stack(const net *n)
{
    ph_stack stack = ph_stack_of(&n->o->net);
    stack.bias = !n->o->no_bias;
    return stack;
}

/* The code, or what sparsity topk:K leaves of it. */
static ph_node *largest(const net *n, ph_node *code)
{
    const ae_options *o = n->o;
    double kept = 0;
    if (sscanf(o->sparsity, "topk:%lf", &kept) != 1)
        return code;
    if (kept >= 1 && kept <= (double)o->latent_dim && kept == floor(kept))
        return ph_mul(code, ph_largest(code, (size_t)kept));
    ph_refuse(n->graph, "sparsity %s: 1 to %lld of the code's numbers are kept", o->sparsity,
              (long long)o->latent_dim);
    return code;
}

static void encode(net *n)
{
    const ae_options *o = n->o;
    bool clean = strcmp(o->finetune, "labels") == 0;
    n->seen = ph_when_training(ph_corrupt(n->row, clean ? "none" : o->noise, &n->touched), n->row);
    ph_stack layers = stack(n);
    ph_picture picture = ph_picture_of(&n->x->shape);
    layers.input = n->x;
    ph_node *h = ph_stack_over(n->encoder, n->seen, &picture, &n->in, &layers);
    if (o->spatial_code) {
        size_t pixels = n->picture.size[0] * n->picture.size[1];
        h = ph_reshape(h, 2, (size_t[]){ pixels, ph_width(h) / pixels });
    }
    n->inside = linear(n, n->encoder, h, (size_t)o->latent_dim, o->latent_activation);
    n->code = largest(n, ph_activation(n->inside, o->latent_activation));
}

/* Whether what comes back lies between 0 and 1. */
static bool bounded(const ae_options *o)
{
    return strcmp(o->loss, "bce") == 0 || strcmp(o->output_activation, "sigmoid") == 0;
}

/* The loss of a row from y, what the decoder's last product gives: cross-entropy takes it as it is. */
static ph_node *loss_parts(const net *n, ph_node *y, ph_node *row)
{
    bool logits = strcmp(n->o->loss, "bce") == 0;
    return ph_loss_parts(n->o->loss, bounded(n->o) && !logits ? ph_sigmoid(y) : y, row);
}

static ph_node *decode(const net *n)
{
    ph_stack layers = stack(n);
    layers.tied = n->o->tied ? n->encoder : NULL;
    const ph_picture *picture = n->o->spatial_code ? &n->picture : NULL;
    return ph_decode_over(n->decoder, ph_flatten(n->code), picture, &n->x->shape, 1, &n->out, &layers);
}

static ph_node *reconstruction_loss(const net *n, ph_node *y)
{
    ph_node *parts = loss_parts(n, y, n->row);
    if (n->o->emphasis != 1 && n->touched) {
        ph_node *weight = ph_shift(ph_scale(n->touched, n->o->emphasis - 1), 1);
        ph_node *one = ph_broadcast(ph_constant(n->graph, 1), weight);
        parts = ph_mul(parts, ph_when_training(weight, one));
    }
    return ph_sum(parts);
}

static ph_node *with_sparsity(const net *n, ph_node *loss)
{
    const ae_options *o = n->o;
    if (strcmp(o->sparsity, "none") == 0)
        return loss;
    bool squares = strcmp(o->loss, "mse") == 0;
    ph_node *low = ph_constant(n->graph, strcmp(o->latent_activation, "sigmoid") == 0 ? 0.1 : 0);
    ph_report(n->graph, "mean_activation", "mean over units and rows", ph_mean(n->code));
    ph_report(n->graph, "active_share", "share of units above 0 (sigmoid: 0.1)",
              ph_mean(ph_less(low, n->code)));
    if (strncmp(o->sparsity, "topk:", 5) == 0)
        return loss;
    ph_node *penalty = ph_sparsity(n->code, o->sparsity, o->latent_activation);
    const char *unit =
        strcmp(o->sparsity, "l1") == 0 ? "L1 norm of the code, mean over rows, before its weight"
        : strcmp(o->sparsity, "mean") == 0
            ? "mean activation in a batch, summed over units, before its weight"
            : "KL of target to mean activation in a batch, sum over units, before its weight";
    ph_report(n->graph, "sparsity", unit, penalty);
    return ph_add(ph_scale(loss, squares ? 0.5 : 1), ph_scale(penalty, o->sparsity_weight));
}

static ph_node *contraction(const net *n)
{
    const char *how = n->o->jacobian;
    ph_variable *weight = ph_variable_find(n->graph, "encoder/0/weight");
    bool is_auto = strcmp(how, "auto") == 0, one = n->in.count == 0;
    if (strcmp(how, "closed") == 0 && !one)
        ph_refuse(n->graph, "jacobian closed: only an encoder of one layer has it");
    if (one && (is_auto || strcmp(how, "closed") == 0))
        return ph_jacobian_of_layer(n->code, n->inside, weight ? weight->node : NULL);
    if (strcmp(how, "exact") == 0 || (is_auto && ph_width(n->code) <= 8))
        return ph_jacobian_exact(ph_flatten(n->code), n->seen);
    return ph_jacobian_estimate(ph_flatten(n->code), n->seen);
}

/* Layer number i of a side over a, with its parameters as they are. */
static ph_node *layer_again(const net *n, const char *side, size_t i, ph_node *a, ph_node *weight)
{
    char name[48];
    snprintf(name, sizeof name, "%s/%zu/weight", side, i);
    ph_variable *w = ph_variable_find(n->graph, name);
    snprintf(name, sizeof name, "%s/%zu/bias", side, i);
    ph_variable *b = ph_variable_find(n->graph, name);
    ph_node *y = ph_product(a, w ? w->node : weight, w == NULL);
    return b ? ph_add(y, b->node) : y;
}

/* Layer i as an autoencoder of a, which the layers before it give. */
static void pretrain_layer(const net *n, size_t i, ph_node *a, const char *activation)
{
    const ae_options *o = n->o;
    char train[64], name[48];
    size_t back = n->in.count - i;
    ph_node *touched, *noisy = ph_when_training(ph_corrupt(a, o->noise, &touched), a);
    ph_node *h = ph_activation(layer_again(n, "encoder", i, noisy, NULL), activation);
    if (i == n->in.count)
        h = largest(n, h);
    snprintf(name, sizeof name, "encoder/%zu/weight", i);
    ph_variable *tied = ph_variable_find(n->graph, name);
    ph_node *y = layer_again(n, "decoder", back, h, tied ? tied->node : NULL), *loss;
    const char *kind = i == 0 ? o->loss : strcmp(o->net.activation, "sigmoid") == 0 ? "bce" : "mse";
    bool logits = strcmp(kind, "bce") == 0;
    loss = ph_mean_rows(i == 0 ? ph_sum(loss_parts(n, y, a))
                               : ph_loss(kind, logits ? y : ph_activation(y, o->net.activation), a));
    bool sparse = strcmp(o->sparsity, "none") != 0 && strncmp(o->sparsity, "topk:", 5) != 0;
    if (sparse)
        loss = ph_add(ph_scale(loss, strcmp(kind, "mse") == 0 ? 0.5 : 1),
                      ph_scale(ph_sparsity(h, o->sparsity, activation), o->sparsity_weight));
    snprintf(train, sizeof train, "encoder/%zu decoder/%zu", i, back);
    snprintf(name, sizeof name, "layer%zu", i + 1);
    ph_add_phase(n->graph, &(ph_phase){ .loss = loss, .train = train, .name = name,
                                        .epochs = o->pretrain_epochs, .lr = o->pretrain_lr });
}

static void pretrain(const net *n)
{
    const ae_options *o = n->o;
    if (strcmp(o->net.decoder_hidden, "mirror") != 0)
        ph_refuse(n->graph, "pretrain layerwise needs a mirrored decoder");
    if (!ph_layers_dense(&n->in) || strcmp(o->net.norm, "none") != 0)
        ph_refuse(n->graph, "pretrain layerwise is for dense layers without a norm");
    ph_node *a = n->row;
    for (size_t i = 0; i <= n->in.count && ph_graph_status(n->graph) == PH_OK; i++) {
        const char *f = i < n->in.count ? o->net.activation : o->latent_activation;
        pretrain_layer(n, i, a, f);
        a = ph_activation(layer_again(n, "encoder", i, a, NULL), f);
    }
}

/* A softmax layer on the code, and the cross-entropy of the labels. */
static void classify(const net *n)
{
    size_t classes = (size_t)n->o->classes;
    if (classes < 2) {
        ph_refuse(n->graph, "finetune labels: the data have no labels of two classes or more "
                  "(--label-column names those of a table)");
        return;
    }
    ph_node *logits = linear(n, ph_scope_of(n->graph, "classifier"), ph_flatten(n->code), classes, "linear");
    ph_node *labels = ph_labels(n->x, classes), *known = ph_sum(labels);
    ph_node *chosen = ph_mul(labels, ph_log_softmax(logits));
    ph_add_phase(n->graph, &(ph_phase){ .loss = ph_neg(ph_sum(chosen)), .train = "encoder classifier",
                                        .unit = "nats of a row's class, mean over rows" });
    ph_node *hit = ph_sum(ph_mul(labels, ph_largest(logits, 1)));
    ph_report(n->graph, "label_error", "share of rows that are misclassified; those without a label are not",
              ph_sub(known, hit));
    ph_export(n->graph, "classify", n->x, ph_softmax(logits));
}

static void objective(const net *n, ph_node *y)
{
    ph_node *loss = with_sparsity(n, ph_mean_rows(reconstruction_loss(n, y)));
    if (n->o->contractive > 0) {
        ph_node *norm = contraction(n);
        ph_report(n->graph, "jacobian", "squared norm of the code's derivative, mean over rows", norm);
        loss = ph_add(loss, ph_scale(ph_mean_rows(norm), n->o->contractive));
    }
    ph_add_phase(n->graph, &(ph_phase){ .loss = loss });
    if (strcmp(n->o->loss, "bce") == 0)
        ph_report(n->graph, "bce", "nats per row", ph_loss("bce", y, n->row));
}

static bool read_layers(net *n)
{
    const ph_net_options *nets = &n->o->net;
    n->picture.size[2] = (size_t)n->o->latent_dim;
    if (ph_net_layers(nets, &n->x->shape, n->o->spatial_code ? &n->picture : NULL, &n->in, &n->out) != PH_OK)
        ph_refuse(n->graph, "%s", ph_message());
    else if (n->o->spatial_code && (n->picture.flat || n->in.count == 0))
        ph_refuse(n->graph, "spatial-code: the hidden layers must end in a picture, as conv 32 4/2 does");
    else if (n->o->spatial_code && (n->o->tied || strcmp(n->o->pretrain, "none") != 0))
        ph_refuse(n->graph, "%s: not of a spatial code", n->o->tied ? "tied" : "pretrain layerwise");
    else if (n->o->tied && (strcmp(nets->decoder_hidden, "mirror") != 0 || strcmp(nets->norm, "none") != 0))
        ph_refuse(n->graph, "tied weights need a mirrored decoder and no norm");
    else if (n->o->tied && ph_layers_untied(&n->in))
        ph_refuse(n->graph, "tied: %s is not undone by its own weights, transposed, as dense layers and "
                  "convolutions are", ph_layers_untied(&n->in));
    else if (n->o->contractive > 0 && ph_layers_words(&n->in))
        ph_refuse(n->graph, "contractive: a code has no derivative by words, which embed takes");
    return ph_graph_status(n->graph) == PH_OK;
}

/* Options that would do nothing are refused. */
static void check(const net *n)
{
    const ae_options *o = n->o;
    bool layers = strcmp(o->pretrain, "layerwise") == 0, labels = strcmp(o->finetune, "labels") == 0;
    bool sparse = strcmp(o->sparsity, "none") != 0, kept = strncmp(o->sparsity, "topk:", 5) == 0;
    bool noise = strcmp(o->noise, "none") != 0, everywhere = strncmp(o->noise, "gauss:", 6) == 0;
    if (labels && !layers && (noise || (sparse && !kept)))
        ph_refuse(n->graph, "%s: labels are learnt from clean rows and without a penalty on the code; it "
                  "acts in --pretrain layerwise", noise ? "noise" : "sparsity");
    if (labels && o->contractive > 0)
        ph_refuse(n->graph, "contractive: it has no part in learning labels");
    if (o->emphasis != 1 && (!noise || everywhere))
        ph_refuse(n->graph, "emphasis: only the noises mask:P and salt-pepper:P replace some values");
    if (o->sparsity_weight != 1 && (!sparse || kept))
        ph_refuse(n->graph, "sparsity-weight: sparsity %s has no weight", o->sparsity);
    if (strcmp(o->output_activation, "linear") == 0 && strcmp(o->loss, "bce") == 0)
        ph_refuse(n->graph, "output-activation linear: bce is a loss of a sigmoid");
    if (strcmp(o->jacobian, "auto") != 0 && o->contractive == 0)
        ph_refuse(n->graph, "jacobian: only --contractive needs it");
    if (!layers && (o->pretrain_epochs != 10 || o->pretrain_lr != 0))
        ph_refuse(n->graph, "%s: there is no pretraining without --pretrain layerwise",
                  o->pretrain_lr != 0 ? "pretrain-lr" : "pretrain-epochs");
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    net n = { .graph = g, .o = options, .x = x, .row = ph_flatten(x),
              .encoder = ph_scope_of(g, "encoder"), .decoder = ph_scope_of(g, "decoder") };
    check(&n);
    if (!read_layers(&n))
        return;
    encode(&n);
    ph_node *y = decode(&n);
    if (strcmp(n.o->pretrain, "layerwise") == 0)
        pretrain(&n);
    if (strcmp(n.o->finetune, "labels") == 0)
        classify(&n);
    else
        objective(&n, y);
    ph_node *picture = ph_reshape_like(bounded(n.o) ? ph_sigmoid(y) : y, x);
    ph_export(g, "encode", x, n.code);
    ph_export(g, "decode", n.code, picture);
    ph_export(g, "reconstruct", x, picture);
}

const ph_family_desc ph_family_ae = {
    .face = { "ae", "autoencoder, of any depth", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(ae_options),
    .build = build,
};
