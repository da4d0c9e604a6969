/* vae.c - the variational autoencoder (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014).
 *
 *     elbo = E_q[log p(x|z)] - KL(q(z|x) || p(z)); codes q and p: nn/latent.c, p(x|z): nn/likelihood.c
 *     what is minimised: beta KL - rec (beta: Higgins et al. 2017), with free bits (Kingma et al. 2016:
 *     a dimension's mean KL counts from lambda nats on), or |KL - C| in place of KL with a capacity C
 *     that rises (Burgess et al. 2018)
 *     iwae:K  log of the mean of p(x, z_k) / q(z_k|x) over K samples (Burda et al. 2016)
 *
 * Rows in [0,1] may be binarised, as the bernoulli likelihood wants them: each number is the probability
 * of a one, drawn once (static) or anew in each step of training (dynamic; Salakhutdinov and Murray 2008).
 * In use a row has its one static draw.
 * A code of classes is relaxed in training, by a temperature that falls geometrically over the epochs.
 */
#include "model/model.h"
#include "nn/latent.h"
#include "nn/likelihood.h"

#include <math.h>
#include <string.h>

typedef struct vae_options {
    ph_net_options net;
    const char *latent, *likelihood, *binarize, *objective;
    int64_t latent_dim;
    double beta, kl_warmup, free_bits, capacity, capacity_epochs;
    double temperature, temperature_min, temperature_epochs;
} vae_options;

#define AT(field) offsetof(vae_options, field)
enum { USUAL_SIZE = 20 };

static const ph_option table[] = {
    PH_NET_OPTIONS(vae_options, "400"),
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, AT(latent_dim), "20", 1,
      1e6, NULL, "size of a Gaussian code" },
    { "latent", NULL, PH_OPTION_CHOICE, AT(latent), "gaussian", 0, 0, PH_LATENTS,
      "what a code is: normal numbers, or N variables of K classes each (Gumbel-softmax)" },
    { "likelihood", NULL, PH_OPTION_CHOICE, AT(likelihood), "auto", 0, 0, "auto " PH_LIKELIHOODS,
      "of a row given its code; C: the variance; L: levels from 0 to 1 that numbers are rounded to "
      "[logistic 256, categorical 16]; auto: bernoulli for bytes and [0,1]" },
    { "binarize", NULL, PH_OPTION_CHOICE, AT(binarize), "none", 0, 0, "none static dynamic",
      "rows in [0,1] are probabilities of ones: drawn once for each row, or anew in each step" },
    { "beta", NULL, PH_OPTION_REAL, AT(beta), "1", 0, 1e6, NULL, "weight of the KL term" },
    { "kl-warmup", NULL, PH_OPTION_REAL, AT(kl_warmup), "0", 0, 1e6, NULL,
      "epochs over which beta rises from 0" },
    { "free-bits", NULL, PH_OPTION_REAL, AT(free_bits), "0", 0, 1e3, NULL,
      "nats that each code dimension has for nothing" },
    { "capacity", NULL, PH_OPTION_REAL, AT(capacity), "0", 0, 1e6, NULL,
      "nats that the KL term is pulled to, in place of 0" },
    { "capacity-epochs", NULL, PH_OPTION_REAL, AT(capacity_epochs), "0", 0, 1e6, NULL,
      "epochs over which the capacity rises from 0" },
    { "objective", NULL, PH_OPTION_CHOICE, AT(objective), "elbo", 0, 0, "elbo iwae:K",
      "what is raised: the evidence lower bound, or the bound from K importance samples" },
    { "temperature", NULL, PH_OPTION_REAL, AT(temperature), "1", 0.01, 100, NULL,
      "that classes are relaxed at when training begins" },
    { "temperature-min", NULL, PH_OPTION_REAL, AT(temperature_min), "0.5", 0.01, 100, NULL,
      "that it falls to, geometrically" },
    { "temperature-epochs", NULL, PH_OPTION_REAL, AT(temperature_epochs), "0", 0, 1e6, NULL,
      "epochs over which it falls; 0: those of training" },
};

typedef struct net {
    ph_graph *graph;
    const vae_options *o;
    ph_scope *encoder, *decoder;
    ph_layers in, out;
    ph_stack stack;
    ph_node *x, *row;          /* row: x, as the encoder and the likelihood take it */
    ph_latent latent;
    ph_likelihood likelihood;
} net;

/* What the likelihood takes, from codes. The first call makes the decoder. */
static ph_node *decode(net *n, ph_node *z)
{
    size_t each = ph_likelihood_width(&n->likelihood) / ph_width(n->x);
    ph_node *y = ph_decode_over(n->decoder, z, NULL, &n->x->shape, each, &n->out, &n->stack);
    ph_scope_again(n->decoder);
    return y;
}

/* log p(x, z_k) - log q(z_k|x) for `count` draws: [count] per row. */
static ph_node *log_weights(net *n, size_t count)
{
    ph_node *log_ratio, *z = ph_latent_draws(&n->latent, count, &log_ratio);
    /* This copy comes before the decoder, so that the loss can ride on its last layer. */
    ph_node *row = ph_for_each_draw(n->row, count);
    ph_node *rec = ph_log_likelihood(&n->likelihood, decode(n, z), row);
    return ph_reshape(ph_add(rec, log_ratio), 1, &count);
}

/* log of the mean weight. */
static ph_node *importance_bound(net *n, size_t count)
{
    return ph_shift(ph_log_sum_exp(log_weights(n, count)), -log((double)count));
}

static ph_node *kl_loss(net *n, ph_node *parts, ph_node *kl)
{
    const vae_options *o = n->o;
    ph_node *term = ph_mean_rows(kl);
    if (o->free_bits > 0) {
        ph_node *floor = ph_constant(n->graph, o->free_bits);
        term = ph_sum_all(ph_max(ph_mean_rows(parts), floor));
    }
    if (o->capacity > 0)
        term = ph_abs(ph_sub(term, ph_knob(n->graph, "capacity", o->capacity)));
    return ph_mul(ph_knob(n->graph, "beta", o->beta), term);
}

/* The K of iwae:K, 0 for the elbo; what has no meaning is refused. */
static size_t samples_of(const net *n)
{
    const vae_options *o = n->o;
    double samples = 0;
    if (sscanf(o->objective, "iwae:%lf", &samples) != 1)
        return 0;
    if (!(samples >= 1 && samples <= 10000 && samples == floor(samples)))
        ph_refuse(n->graph, "objective %s: 1 to 10000 samples", o->objective);
    if (o->beta != 1 || o->kl_warmup > 0 || o->free_bits > 0 || o->capacity > 0)
        ph_refuse(n->graph, "objective %s has no KL term of its own: beta, kl-warmup, free-bits and "
                  "capacity are for the elbo", o->objective);
    if (n->latent.classes)
        ph_refuse(n->graph, "objective %s needs draws that have a derivative and a density: latent %s "
                  "is for the elbo", o->objective, o->latent);
    return ph_graph_status(n->graph) == PH_OK ? (size_t)samples : 0;
}

/* Returns the KL of each code dimension. */
static ph_node *objective(net *n)
{
    size_t samples = samples_of(n);
    ph_node *z = ph_latent_draw(&n->latent), *parts = ph_latent_kl(&n->latent);
    ph_node *rec = ph_log_likelihood(&n->likelihood, decode(n, z), n->row), *kl = ph_sum_last(parts);
    ph_node *bound = samples ? importance_bound(n, samples) : NULL;
    ph_node *loss = samples ? ph_neg(ph_mean_rows(bound))
                            : ph_sub(kl_loss(n, parts, kl), ph_mean_rows(rec));
    ph_add_phase(n->graph, &(ph_phase){ .loss = loss });
    const char *unit =
        n->latent.classes ? "nats per row, by one draw; in training, of relaxed codes, no bound"
                          : "nats per row, by one draw of its code";
    ph_report(n->graph, "elbo", unit, ph_sub(rec, kl));
    ph_report_bits(&n->likelihood, "of the levels that a row's numbers are taken for, by the elbo", ph_sub(rec, kl));
    ph_report(n->graph, "rec", unit, rec);
    ph_report(n->graph, "kl", "nats per row", kl);
    if (samples)
        ph_report(n->graph, "iwae", "nats per row, importance-weighted bound", bound);
    ph_report(n->graph, "active_in_batch", "code dimensions with a variance above 0.01 in a batch",
              ph_latent_active(&n->latent));
    if (n->latent.log_variance)
        ph_report(n->graph, "sigma", "standard deviation of the posterior, mean over dimensions and rows",
                  ph_mean(ph_exp(ph_scale(n->latent.log_variance, 0.5))));
    ph_report_each(n->graph, "kl_per_dim", "nats per row of each code dimension", parts);
    return parts;
}

/* What the model is of: the row, or ones and zeros drawn from it. */
static ph_node *binarized(const net *n)
{
    ph_node *row = n->row;
    const char *how = n->o->binarize;
    if (strcmp(how, "none") == 0)
        return row;
    if (strcmp(n->o->likelihood, "bernoulli") != 0)
        ph_refuse(n->graph, "binarize %s: the likelihood of ones and zeros is bernoulli, not %s", how,
                  n->o->likelihood);
    ph_node *once = ph_binarize(row);
    bool anew = strcmp(how, "dynamic") == 0;
    return anew ? ph_when_training(ph_less(ph_uniform_like(row), row), once) : once;
}

/* Layers, codes and likelihood as the options say, or a refusal. */
static bool read_options(net *n)
{
    const vae_options *o = n->o;
    if (ph_net_layers(&o->net, &n->x->shape, NULL, &n->in, &n->out) != PH_OK)
        ph_refuse(n->graph, "%s", ph_message());
    ph_latent_read(&n->latent, n->graph, o->latent, (size_t)o->latent_dim);
    ph_likelihood_read(&n->likelihood, o->likelihood, n->decoder, ph_width(n->row), ph_layers_words(&n->in));
    if (n->latent.classes && o->latent_dim != USUAL_SIZE)
        ph_refuse(n->graph, "latent-dim %lld: latent %s has a size of its own", (long long)o->latent_dim,
                  o->latent);
    if (n->latent.classes == 0 && (o->temperature != 1 || o->temperature_min != 0.5))
        ph_refuse(n->graph, "temperature and temperature-min are for latent categorical:KxN");
    if (o->temperature_min > o->temperature)
        ph_refuse(n->graph, "temperature-min %g is above temperature %g", o->temperature_min,
                  o->temperature);
    return ph_graph_status(n->graph) == PH_OK;
}

/* Draws that one run of a program makes: as many as keep what a decoder gives for them small. */
static size_t draws_at_once(const net *n)
{
    return n->likelihood.levels ? 1 : 16;
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const vae_options *o = options;
    net n = { .graph = g, .o = o, .x = x, .row = ph_flatten(x),
              .encoder = ph_scope_of(g, "encoder"), .decoder = ph_scope_of(g, "decoder"),
              .stack = ph_stack_of(&o->net) };
    if (!read_options(&n))
        return;
    n.row = binarized(&n);
    ph_stack encoder = n.stack;
    encoder.input = x;
    ph_picture picture = ph_picture_of(&x->shape);
    ph_node *h = ph_stack_over(n.encoder, n.row, &picture, &n.in, &encoder);
    ph_latent_over(&n.latent, n.encoder, h, o->net.init);
    ph_node *kl = objective(&n), *code = n.latent.code;

    ph_node *mean = ph_likelihood_mean(&n.likelihood, decode(&n, code));
    mean = ph_reshape_like(mean, x);
    ph_export(g, "encode", x, code);
    ph_export(g, "decode", code, mean);
    ph_export(g, "reconstruct", x, mean);
    ph_export(g, "kl", x, kl);
    if (n.latent.log_variance)
        ph_export(g, "posterior", x, ph_concatenate(code, n.latent.log_variance));
    ph_export(g, "log-weights", x, log_weights(&n, draws_at_once(&n)));
    if (n.latent.classes)
        ph_export(g, "prior", x, ph_latent_prior(&n.latent, x));
}

/* Terms that grow over the first epochs, and the temperature, which falls. */
static void schedule(ph_graph *g, const void *options, double epoch)
{
    const vae_options *o = options;
    double beta = o->kl_warmup > 0 && epoch < o->kl_warmup ? epoch / o->kl_warmup : 1;
    double rise = o->capacity_epochs > 0 && epoch < o->capacity_epochs ? epoch / o->capacity_epochs : 1;
    ph_knob_set(g, "beta", beta * o->beta);
    ph_knob_set(g, "capacity", rise * o->capacity);
    double fallen = epoch < o->temperature_epochs ? epoch / o->temperature_epochs : 1;
    double factor = pow(o->temperature_min / o->temperature, fallen);
    ph_knob_set(g, "temperature", factor * o->temperature);
}

static size_t code_classes(const void *options)
{
    return ph_latent_classes(((const vae_options *)options)->latent);
}

/* A temperature that falls over all of training does so over the epochs that were planned when the model
 * was made: a run that goes on longer stays at its end. */
static ph_status settle(ph_settings *s, const ph_data *data)
{
    (void)data;
    if (ph_latent_classes(ph_settings_get(s, "latent")) == 0 ||
        strcmp(ph_settings_get(s, "temperature-epochs"), "0") != 0)
        return PH_OK;
    return ph_settings_set(s, "temperature-epochs", ph_settings_get(s, "epochs"));
}

const ph_family_desc ph_family_vae = {
    .face = { "vae", "variational autoencoder", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(vae_options),
    .build = build,
    .has_prior = true,
    .code_classes = code_classes,
    .settle = settle,
    .schedule = schedule,
};
