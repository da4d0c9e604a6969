/* aae.c - the adversarial autoencoder (Makhzani, Shlens, Jaitly, Goodfellow and Frey 2015): an autoencoder
 * whose codes a critic cannot tell from draws of a prior. In every step, one after the other:
 *
 *     reconstruction   encoder and decoder: the row back from its code
 *     critic           L_D = -mean(log D(z') + log(1 - D(z))), z' drawn from the prior, z codes as they are
 *                      in use: no dropout, no noise on the row
 *     generator        encoder: L_G = -mean log D(z), through the critic, which stays as it is
 *     classify         encoder, from rows with labels: their cross-entropy
 *
 * D is a sigmoid of a logit a, so that log D = -softplus(-a) and log(1 - D) = -softplus(a). Each phase has
 * an optimiser of its own on the weights that they share. Dropout stands behind the activation; with ReLU
 * that is the same as between it and the product.
 *
 * What labels do (--labels-for):
 *     decoder     it gets the label beside the style z, which then need not tell it (supervised)
 *     classifier  the code is (y, z): a softmax y over the classes, with a critic of its own that knows
 *                 one-hot draws, and a style z; some rows' labels are learnt (semi-supervised)
 *     prior       the critic is told the label, and draws come from that class's part of the prior
 * Without labels and with the prior categorical:K, y is a softmax over K clusters.
 */
#include "model/aae.h"

#include <math.h>
#include <string.h>

#define AT(field) offsetof(ph_aae_options, field)
#define OF_PHASE(name, field, what)                                                                \
    { "lr-" name, NULL, PH_OPTION_REAL, AT(field.lr), "0", 0, 1e3, NULL,                           \
      "learning rate of " what "; 0: --lr" },                                                      \
    { "momentum-" name, NULL, PH_OPTION_REAL, AT(field.momentum), "-1", -1, 0.999999, NULL,        \
      "momentum of sgd and rmsprop and beta1 of adam for " what "; -1: --momentum, --beta1" },     \
    { "weight-decay-" name, NULL, PH_OPTION_REAL, AT(field.weight_decay), "-1", -1, 1e3, NULL,     \
      "pull of the weights to 0 for " what "; -1: --weight-decay" }

static const ph_option table[] = {
    PH_NET_OPTIONS(ph_aae_options, "1000,1000"),
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, AT(latent_dim), "10", 1, 1e6,
      NULL, "size of the code; of its style z, where it has a class or a cluster too" },
    { "critic-hidden", "discriminator-hidden", PH_OPTION_TEXT, AT(critic_hidden), "same", 0, 0, NULL,
      "widths of each critic's hidden layers; same: those of the encoder's dense ones" },
    { "critic-dropout", NULL, PH_OPTION_REAL, AT(critic_dropout), "0", 0, 0.99, NULL,
      "share of the critics' hidden units left out, in training" },
    { "critic-noise", NULL, PH_OPTION_CHOICE, AT(critic_noise), "none", 0, 0, PH_NOISES,
      "on the draws and codes that critics judge, in training" },
    { "noise", "corruption", PH_OPTION_CHOICE, AT(noise), "none", 0, 0, PH_NOISES,
      "on the rows that go in, where the encoder learns; the clean row is wanted back" },
    { "encoder", NULL, PH_OPTION_CHOICE, AT(encoder), "deterministic", 0, 0,
      "deterministic gaussian noise:D", "what a code is drawn by in training: nothing, a Gaussian whose "
      "mean and variance the encoder gives, or D normals that go in beside the row" },
    { "loss", NULL, PH_OPTION_CHOICE, AT(loss), "auto", 0, 0, "auto bce mse lp:P",
      "of the reconstruction; auto: bce for bytes and [0,1], else mse" },
    { "prior", NULL, PH_OPTION_TEXT, AT(prior), "normal", 0, 0, NULL,
      "that codes follow: normal:S (deviation S), uniform:A (from -A to A), mixture:K (petals in the plane), "
      "mixture:KxL (a grid in it), swissroll, FILE.npy (its rows); categorical:K or categorical:K,PRIOR: K "
      "clusters and a style" },
    { "prior-rows", NULL, PH_OPTION_INT, AT(prior_rows), "0", 0, 1e9, NULL,
      "of the prior's file, which the model keeps; 0: all" },
    { "labels", NULL, PH_OPTION_TEXT, AT(labels), "none", 0, 0, NULL,
      "how many rows' labels are used: none, all, or a number of them, drawn evenly over the classes" },
    { "labels-for", NULL, PH_OPTION_CHOICE, AT(labels_for), "auto", 0, 0,
      "auto decoder classifier prior", "who learns by the labels: the decoder, from rows with labels alone (a row "
      "is then given back with the label that does it best); a classifier in the encoder; or a critic that knows "
      "each class's part of the prior; auto: prior for a mixture or a swissroll, decoder where all rows have "
      "labels and all are used, else classifier" },
    { "critic-label", NULL, PH_OPTION_FLAG, AT(critic_label), "0", 0, 0, NULL,
      "the critic is told the class that the decoder is told: the style of each class follows the prior, not "
      "only that of all together, and so says nothing of the class" },
    { "labelled-apart", NULL, PH_OPTION_FLAG, AT(labelled_apart), "0", 0, 0, NULL,
      "rows whose labels are used are not among those without" },
    { "without", NULL, PH_OPTION_CHOICE, AT(without), "nothing", 0, 0,
      "nothing critics reconstruction both", "phases left out, to compare with: critics and generator, "
      "reconstruction, or both (the encoder then learns from labels alone)" },
    { "tutorial-faults", NULL, PH_OPTION_FLAG, AT(tutorial_faults), "0", 0, 0, NULL,
      "as the code of a well-known tutorial has it, to compare with: the decoder's last hidden layer "
      "without activation, and cross-entropy of the softmax of a softmax" },
    { "classes", NULL, PH_OPTION_INT, AT(classes), "0", 0, 65536, NULL,
      "of the labels; 0: as many as the data have" },
    OF_PHASE("reconstruction", reconstruction, "encoder and decoder on giving rows back"),
    OF_PHASE("critic", critic, "the critics"),
    OF_PHASE("generator", generator, "the encoder against the critics"),
    OF_PHASE("classify", classify, "the encoder on labels"),
};

/* ---- Nets ------------------------------------------------------------------------------------ */

/* learns: with dropout and noise, in training; else as in use. Either way the same weights. */
static ph_node *hidden(ph_aae_net *n, ph_node *row, bool learns)
{
    const ph_aae_options *o = n->o;
    ph_stack stack = ph_stack_of(&o->net);
    stack.dropout = learns ? o->net.dropout : 0;
    stack.input = learns || row != n->row ? NULL : n->x;
    ph_picture picture = ph_picture_of(&n->x->shape);
    ph_node *touched, *h = row;
    double count = 0;
    if (learns)
        h = ph_when_training(ph_corrupt(row, o->noise, &touched), row);
    if (sscanf(o->encoder, "noise:%lf", &count) == 1) {
        if (!(count >= 1 && count <= 10000 && count == floor(count))) {
            ph_refuse(n->graph, "encoder %s: 1 to 10000 normals go in beside the row", o->encoder);
            return &n->graph->dead;
        }
        ph_node *zero = ph_broadcast_to(ph_constant(n->graph, 0), &(ph_shape){ row->shape.set, 1,
                                                                               { (size_t)count } });
        h = ph_concatenate(h, ph_when_training(ph_normal_like(zero), zero));
        picture = (ph_picture){ .flat = true, .size = { 1, 1, ph_width(h) } };
    }
    return ph_stack_over(n->encoder, h, &picture, &n->in, &stack);
}

ph_aae_code ph_aae_encode(ph_aae_net *n, ph_node *row, bool learns)
{
    const char *init = n->o->net.init;
    ph_node *h = hidden(n, row, learns);
    ph_aae_code c = { .z = ph_linear_with(n->encoder, h, n->latent, "linear", init, true, NULL) };
    if (strcmp(n->o->encoder, "gaussian") == 0) {
        ph_node *lv = ph_linear_with(n->encoder, h, n->latent, "linear", init, true, NULL);
        ph_node *eps = ph_mul(ph_exp(ph_scale(lv, 0.5)), ph_normal_like(lv));
        c.z = ph_when_training(ph_add(c.z, eps), c.z);
    }
    if (n->kinds) {
        c.logits = ph_linear_with(n->encoder, h, n->kinds, "linear", init, true, NULL);
        c.y = ph_softmax(c.logits);
    }
    ph_scope_again(n->encoder);
    return c;
}

/* y before z, where there is a y. */
static ph_node *beside(ph_node *y, ph_node *z)
{
    return y ? ph_concatenate(y, z) : z;
}

/* The row, before the activation that makes it one, from all that is known of it. */
static ph_node *decode(ph_aae_net *n, ph_node *latent)
{
    ph_stack stack = ph_stack_of(&n->o->net);
    stack.last_is_linear = n->o->tutorial_faults;
    ph_node *y = ph_decode_over(n->decoder, latent, NULL, &n->x->shape, 1, &n->out, &stack);
    ph_scope_again(n->decoder);
    return y;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

/* -1 leaves the option; a phase says "none" by a number below 0. */
static double own(double value)
{
    return value < 0 ? 0 : value > 0 ? value : -1;
}

int ph_aae_phase(const ph_aae_net *n, const char *name, const char *train, ph_node *loss,
                 const ph_aae_phase_options *o)
{
    return ph_add_phase(n->graph, &(ph_phase){ .loss = loss, .train = train, .name = name, .lr = o->lr,
                                               .momentum = own(o->momentum),
                                               .weight_decay = own(o->weight_decay) });
}

static bool leaves_out(const ph_aae_options *o, const char *what)
{
    return strcmp(o->without, what) == 0 || strcmp(o->without, "both") == 0;
}

static void reconstruct(const ph_aae_net *n, ph_node *back)
{
    ph_node *loss = ph_loss(n->o->loss, back, n->row);
    int phase = ph_aae_phase(n, "reconstruction", "encoder decoder", loss, &n->o->reconstruction);
    if (strcmp(n->o->loss, "bce") == 0)
        ph_report_in(n->graph, phase, "bce", "nats per row", loss);
}

static void classify(ph_aae_net *n)
{
    ph_aae_code c = ph_aae_encode(n, ph_flatten(n->second), true);
    ph_node *log_p = ph_log_softmax(n->o->tutorial_faults ? c.y : c.logits);
    ph_node *chosen = ph_sum(ph_mul(n->labels, log_p));
    int phase = ph_aae_phase(n, "classify", "encoder", ph_neg(chosen), &n->o->classify);
    ph_node *known = ph_sum(n->labels), *hit = ph_sum(ph_mul(n->labels, ph_largest(c.logits, 1)));
    ph_node *few = ph_constant(n->graph, 1e-6);
    ph_report_in(n->graph, phase, "label_error", "share of rows with labels that are misclassified",
                 ph_div(ph_mean_rows(ph_sub(known, hit)), ph_max(ph_mean_rows(known), few)));
}

/* ---- What it is for -------------------------------------------------------------------------- */

static ph_node *as_row(const ph_aae_net *n, ph_node *y)
{
    return ph_reshape_like(strcmp(n->o->loss, "bce") == 0 ? ph_sigmoid(y) : y, n->x);
}

/* The row from its style and from the label that gives it back best: one decoder for each label in turn. */
static ph_node *reconstruct_by_best(ph_aae_net *n, ph_node *z)
{
    size_t classes = (size_t)n->o->classes;
    ph_node *best = &n->graph->dead, *error = NULL;
    for (size_t k = 0; k < classes && ph_graph_status(n->graph) == PH_OK; k++) {
        ph_node *y = decode(n, ph_concatenate(ph_aae_one_at(z, classes, k), z));
        ph_node *own_error = ph_loss(n->o->loss, y, n->row);
        ph_node *better = error ? ph_less(own_error, error) : NULL;
        best = better ? ph_select(better, y, best) : y;
        error = better ? ph_min(own_error, error) : own_error;
    }
    return best;
}

static void export(ph_aae_net *n, const ph_aae_code *still, ph_node *latent, ph_node *logit_row)
{
    ph_graph *g = n->graph;
    ph_node *draw = ph_prior_draw(&n->prior, still->z, NULL, n->table);
    size_t count = n->use == PH_AAE_FOR_DECODER ? (size_t)n->o->classes : n->kinds;
    ph_node *kind = count ? ph_prior_category(n->row, count) : NULL;
    ph_node *back = n->use == PH_AAE_FOR_DECODER ? reconstruct_by_best(n, still->z) : logit_row;
    ph_export(g, "encode", n->x, beside(still->y, still->z));
    ph_export(g, "decode", latent, as_row(n, logit_row));
    ph_export(g, "reconstruct", n->x, as_row(n, back));
    ph_export(g, "prior", n->x, beside(kind, draw));
    if (count)
        ph_export(g, "label", latent, ph_slice(latent, 0, count));
    if (n->use == PH_AAE_FOR_PRIOR) {
        ph_node *told = ph_input_beside(n->x, "class", 1, (size_t[]){ (size_t)n->o->classes });
        ph_export(g, "prior-of", told, ph_prior_draw(&n->prior, still->z, told, n->table));
    }
    if (n->kinds) {
        ph_export(g, n->use == PH_AAE_FOR_CLASSIFIER ? "classify" : "cluster", n->x, still->y);
        ph_export(g, "style", n->x, still->z);
    }
    ph_compare(still->z, draw);
}

/* ---- Options --------------------------------------------------------------------------------- */

static ph_aae_use use_of(const ph_aae_net *n, int64_t wanted)
{
    const char *by = n->o->labels_for;
    if (wanted < 0)
        return PH_AAE_FOR_NOTHING;
    if (strcmp(by, "auto") == 0)
        return ph_prior_has_parts(&n->prior) ? PH_AAE_FOR_PRIOR
               : wanted == 0                 ? PH_AAE_FOR_DECODER
                                             : PH_AAE_FOR_CLASSIFIER;
    return strcmp(by, "decoder") == 0 ? PH_AAE_FOR_DECODER
           : strcmp(by, "prior") == 0 ? PH_AAE_FOR_PRIOR
                                      : PH_AAE_FOR_CLASSIFIER;
}

/* What labels need. */
static void check_labels(const ph_aae_net *n)
{
    const ph_aae_options *o = n->o;
    ph_graph *g = n->graph;
    if (n->prior.clusters)
        ph_refuse(g, "prior %s: clusters are found without labels", o->prior);
    if (o->classes < 2)
        ph_refuse(g, "labels %s: the data have no labels of two classes or more (--label-column names "
                  "those of a table)", o->labels);
    if (n->use == PH_AAE_FOR_PRIOR && !ph_prior_has_parts(&n->prior))
        ph_refuse(g, "labels-for prior: %s has no parts for the classes; mixture:%lld and swissroll have",
                  o->prior, (long long)o->classes);
    if (n->use == PH_AAE_FOR_PRIOR && n->prior.kind == PH_PRIOR_MIXTURE &&
        n->prior.parts != (size_t)o->classes)
        ph_refuse(g, "prior %s: each class has a component, and there are %lld classes", o->prior,
                  (long long)o->classes);
}

/* What fits together, told otherwise. */
static void check(const ph_aae_net *n)
{
    const ph_aae_options *o = n->o;
    const ph_aae_phase_options *c = &o->classify;
    ph_graph *g = n->graph;
    if (n->use != PH_AAE_FOR_NOTHING)
        check_labels(n);
    else if (strcmp(o->labels_for, "auto") != 0)
        ph_refuse(g, "labels-for %s: how many labels? Give --labels all or a number", o->labels_for);
    if (n->use != PH_AAE_FOR_CLASSIFIER && (c->lr != 0 || c->momentum != -1 || c->weight_decay != -1))
        ph_refuse(g, "lr-classify, momentum-classify, weight-decay-classify: nothing is classified "
                  "(--labels-for classifier)");
    if (o->labelled_apart && (n->use == PH_AAE_FOR_NOTHING || n->use == PH_AAE_FOR_DECODER))
        ph_refuse(g, "labelled-apart: no rows without labels are used beside those with them");
    if (o->critic_label && n->use != PH_AAE_FOR_DECODER)
        ph_refuse(g, "critic-label: the decoder is told no class (--labels-for decoder)");
}

static bool read_options(ph_aae_net *n)
{
    const ph_aae_options *o = n->o;
    bool sound = ph_net_layers(&o->net, &n->x->shape, NULL, &n->in, &n->out) == PH_OK &&
                 ph_prior_read(o->prior, &n->prior) == PH_OK;
    n->judge.option = n->in.option;
    for (size_t i = 0; i < n->in.count; i++)
        if (n->in.layer[i].kind == PH_DENSE)
            n->judge.layer[n->judge.count++] = n->in.layer[i];
    if (sound && strcmp(o->critic_hidden, "same") != 0)
        sound = ph_layers_read("critic-hidden", o->critic_hidden, &n->judge) == PH_OK;
    if (!sound) {
        ph_refuse(n->graph, "%s", ph_message());
        return false;
    }
    int64_t wanted = ph_labels_wanted(n->graph, o->labels, o->classes);
    n->use = use_of(n, wanted);
    n->kinds = n->use == PH_AAE_FOR_CLASSIFIER ? (size_t)o->classes : n->prior.clusters;
    check(n);
    if (ph_graph_status(n->graph) != PH_OK)
        return false;
    if (n->use != PH_AAE_FOR_NOTHING) {
        n->second = n->use == PH_AAE_FOR_DECODER ? NULL : ph_labelled(n->x);
        n->labels = ph_labels(n->second ? n->second : n->x, (size_t)o->classes);
        ph_use_labels(n->graph, (size_t)wanted, o->labelled_apart);
    }
    if (n->prior.kind == PH_PRIOR_ROWS)
        n->table = ph_state(ph_scope_of(n->graph, "prior"), "rows", 2,
                            (size_t[]){ (size_t)o->prior_rows, n->latent }, PH_ZEROS);
    return true;
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const ph_aae_options *o = options;
    ph_aae_net n = { .graph = g, .o = o, .x = x, .row = ph_flatten(x), .latent = (size_t)o->latent_dim,
              .encoder = ph_scope_of(g, "encoder"), .decoder = ph_scope_of(g, "decoder") };
    if (!read_options(&n))
        return;
    ph_aae_code moving = ph_aae_encode(&n, n.row, true), still = ph_aae_encode(&n, n.row, false);
    ph_node *known = n.use == PH_AAE_FOR_DECODER ? n.labels : NULL;
    ph_node *back = decode(&n, beside(known ? known : moving.y, moving.z));
    if (!leaves_out(o, "reconstruction"))
        reconstruct(&n, back);
    if (!leaves_out(o, "critics"))
        ph_aae_compete(&n, &still, &moving);
    if (n.use == PH_AAE_FOR_CLASSIFIER)
        classify(&n);
    else if (leaves_out(o, "both"))
        ph_refuse(g, "without both: only --labels-for classifier leaves something to learn");
    ph_node *latent = beside(known ? known : still.y, still.z);
    export(&n, &still, latent, decode(&n, latent));
}

/* Rows without a label are for a classifier to learn from, too. */
static ph_status settle(ph_settings *s, const ph_data *data)
{
    const uint32_t *labels = ph_data_labels(data);
    bool is_auto = strcmp(ph_settings_get(s, "labels-for"), "auto") == 0;
    bool all = strcmp(ph_settings_get(s, "labels"), "all") == 0;
    size_t known = 0;
    ph_prior p;
    while (labels && known < data->rows && labels[known] != PH_NO_LABEL)
        known++;
    if (is_auto && all && labels && known < data->rows &&
        ph_prior_read(ph_settings_get(s, "prior"), &p) == PH_OK && !ph_prior_has_parts(&p))
        PH_TRY(ph_settings_set(s, "labels-for", "classifier"));
    return ph_prior_settle(s);
}

static ph_status start(ph_graph *g, const void *options)
{
    const ph_aae_options *o = options;
    ph_prior p;
    PH_TRY(ph_prior_read(o->prior, &p));
    return ph_prior_fill(&p, ph_variable_find(g, "prior/rows"));
}

const ph_family_desc ph_family_aae = {
    .face = { "aae", "adversarial autoencoder", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(ph_aae_options),
    .build = build,
    .settle = settle,
    .start = start,
    .remark = ph_aae_remark,
};
