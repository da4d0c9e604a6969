/* vae.c - the variational autoencoder (Kingma and Welling 2014; Rezende, Mohamed and Wierstra 2014).
 *
 *     q(z|x) = N(mu, sigma^2),  p(z) = N(0, I),  z = mu + sigma eps
 *     elbo = E_q[log p(x|z)] - KL(q || p),  KL = sum of (mu^2 + sigma^2 - log sigma^2 - 1) / 2
 *     what is minimised: beta KL - rec (beta: Higgins et al. 2017), with free bits (Kingma et al. 2016:
 *     a dimension's mean KL counts from lambda nats on), or |KL - C| in place of KL with a capacity C
 *     that rises (Burgess et al. 2018)
 *     iwae:K  log of the mean of p(x, z_k) / q(z_k|x) over K samples (Burda et al. 2016)
 *
 * Rows in [0,1] may be binarised, as the bernoulli likelihood wants them: each number is the probability
 * of a one, drawn once (static) or anew in each step of training (dynamic; Salakhutdinov and Murray 2008).
 * In use a row has its one static draw.
 *
 * Likelihoods: bernoulli; gaussian:c, variance c, without the constant: rec = -|x - f(z)|^2 / (2c), so
 * the larger c, the smaller KL; gaussian, one variance learned for all (Rybkin et al. 2021).
 */
#include "model/model.h"

#include <math.h>
#include <string.h>

typedef struct vae_options {
    const char *hidden, *decoder_hidden, *activation, *init, *likelihood, *binarize, *objective;
    int64_t latent_dim;
    double dropout, beta, kl_warmup, free_bits, capacity, capacity_epochs;
} vae_options;

#define AT(field) offsetof(vae_options, field)

static const ph_option table[] = {
    { "hidden", "hidden-neuron-list hidden-layer-sizes layers", PH_OPTION_TEXT, AT(hidden), "400", 0,
      0, NULL, "widths of the encoder's hidden layers, or none" },
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, AT(latent_dim), "20", 1,
      1e6, NULL, "size of the code" },
    { "decoder-hidden", NULL, PH_OPTION_TEXT, AT(decoder_hidden), "mirror", 0, 0, NULL,
      "widths of the decoder's hidden layers; mirror: the encoder's, reversed" },
    { "activation", NULL, PH_OPTION_CHOICE, AT(activation), "relu", 0, 0, PH_ACTIVATIONS,
      "of the hidden layers" },
    { "dropout", "dropout-rate", PH_OPTION_REAL, AT(dropout), "0", 0, 0.99, NULL,
      "share of hidden units dropped in training" },
    { "init", NULL, PH_OPTION_CHOICE, AT(init), "auto", 0, 0, "auto glorot he",
      "start of the weights; auto: he for the relu family, else glorot" },
    { "likelihood", NULL, PH_OPTION_CHOICE, AT(likelihood), "auto", 0, 0,
      "auto bernoulli gaussian:C gaussian",
      "of a row given its code; C: the variance; auto: bernoulli for bytes and [0,1]" },
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
};

typedef struct net {
    ph_graph *graph;
    const vae_options *o;
    ph_scope *encoder, *decoder;
    ph_layers in, out;
    ph_stack stack;
    ph_node *row, *mu, *log_variance;
    size_t latent;
} net;

/* Logits (bernoulli) or means of rows, from codes. The first call makes the decoder. */
static ph_node *decode(net *n, ph_node *z)
{
    ph_node *h = ph_stack_over(n->decoder, z, &n->out, &n->stack);
    ph_node *y = ph_linear_with(n->decoder, h, ph_width(n->row), "linear", n->o->init, true, NULL);
    ph_scope_again(n->decoder);
    return y;
}

static bool is_bernoulli(const net *n)
{
    return strcmp(n->o->likelihood, "bernoulli") == 0;
}

/* log p(x|z) in nats, one number for each code that y was decoded from; row: x, for each code too. */
static ph_node *log_likelihood(net *n, ph_node *y, ph_node *row)
{
    double c = 0;
    if (is_bernoulli(n))
        return ph_neg(ph_sum_last(ph_bce(y, row)));
    ph_node *squares = ph_sum_last(ph_square(ph_sub(y, row)));
    if (sscanf(n->o->likelihood, "gaussian:%lf", &c) == 1) {
        if (!(c > 0))
            ph_refuse(n->graph, "likelihood %s: a variance is above 0", n->o->likelihood);
        return ph_scale(squares, -0.5 / c);
    }
    ph_node *log_variance = ph_parameter(n->decoder, "log-variance", 1, (size_t[]){ 1 }, PH_ZEROS, 0);
    double width = (double)ph_width(n->row);
    ph_node *scaled = ph_mul(squares, ph_exp(ph_neg(log_variance)));
    ph_node *constant = ph_scale(ph_shift(log_variance, log(2 * M_PI)), width);
    return ph_scale(ph_add(scaled, constant), -0.5);
}

/* KL of each code dimension, per row. */
static ph_node *kl_parts(const net *n)
{
    ph_node *second = ph_add(ph_square(n->mu), ph_exp(n->log_variance));
    return ph_scale(ph_shift(ph_sub(second, n->log_variance), -1), 0.5);
}

/* [n] per row, the same for each of `count` draws: [count, n]; for one it stays as it is. */
static ph_node *for_each_draw(ph_node *a, size_t count)
{
    ph_shape shape = ph_shape_of(a->shape.set, 2, (size_t[]){ count, ph_width(a) });
    return count > 1 ? ph_broadcast_to(a, &shape) : a;
}

/* `count` draws of the code of each row: [count, latent], or [latent] for one. */
static ph_node *draw(const net *n, size_t count, ph_node **noise)
{
    ph_node *mu = for_each_draw(n->mu, count);
    ph_node *deviation = for_each_draw(ph_exp(ph_scale(n->log_variance, 0.5)), count);
    *noise = ph_normal_like(mu);
    return ph_add(mu, ph_mul(deviation, *noise));
}

/* log p(x, z_k) - log q(z_k|x) for `count` draws: [count] per row. The constants of the two Gaussians
 * cancel, and (z - mu) / sigma is the noise itself. */
static ph_node *log_weights(net *n, size_t count)
{
    ph_node *noise, *z = draw(n, count, &noise);
    /* These copies come before the decoder, so that the loss can ride on its last layer. */
    ph_node *row = for_each_draw(n->row, count), *lv = for_each_draw(n->log_variance, count);
    ph_node *rec = log_likelihood(n, decode(n, z), row);
    ph_node *terms = ph_sub(ph_add(ph_square(noise), lv), ph_square(z));
    ph_node *log_ratio = ph_scale(ph_sum_last(terms), 0.5);
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

/* Dimensions whose mean moves with the row: its variance over the batch is above 0.01 (Burda et al.
 * 2016). */
static ph_node *active_units(const net *n)
{
    ph_node *mean = ph_mean_rows(n->mu), *square = ph_mean_rows(ph_square(n->mu));
    ph_node *variance = ph_sub(square, ph_square(mean));
    return ph_sum_all(ph_less(ph_constant(n->graph, 0.01), variance));
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
    return ph_graph_status(n->graph) == PH_OK ? (size_t)samples : 0;
}

static void objective(net *n)
{
    size_t samples = samples_of(n);
    ph_node *noise, *z = draw(n, 1, &noise);
    ph_node *rec = log_likelihood(n, decode(n, z), n->row), *parts = kl_parts(n);
    ph_node *kl = ph_sum_last(parts);
    ph_node *bound = samples ? importance_bound(n, samples) : NULL;
    ph_node *loss = samples ? ph_neg(ph_mean_rows(bound))
                            : ph_sub(kl_loss(n, parts, kl), ph_mean_rows(rec));
    ph_add_phase(n->graph, &(ph_phase){ .loss = loss });
    ph_report(n->graph, "elbo", "nats per row", ph_sub(rec, kl));
    ph_report(n->graph, "rec", "nats per row", rec);
    ph_report(n->graph, "kl", "nats per row", kl);
    if (samples)
        ph_report(n->graph, "iwae", "nats per row, importance-weighted bound", bound);
    ph_report(n->graph, "active_in_batch", "code dimensions with a variance above 0.01 in a batch",
              active_units(n));
}

/* What the model is of: the row, or ones and zeros drawn from it. */
static ph_node *binarized(const net *n, ph_node *row)
{
    const char *how = n->o->binarize;
    if (strcmp(how, "none") == 0)
        return row;
    if (!is_bernoulli(n))
        ph_refuse(n->graph, "binarize %s: the likelihood of ones and zeros is bernoulli, not %s", how,
                  n->o->likelihood);
    ph_node *once = ph_binarize(row);
    bool anew = strcmp(how, "dynamic") == 0;
    return anew ? ph_when_training(ph_less(ph_uniform_like(row), row), once) : once;
}

/* The layers of both nets, or a refusal. */
static bool read_layers(net *n)
{
    if (ph_layers_read(n->o->hidden, &n->in) == PH_OK &&
        ph_layers_mirror(n->o->decoder_hidden, &n->in, &n->out) == PH_OK)
        return true;
    ph_refuse(n->graph, "%s", ph_message());
    return false;
}

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const vae_options *o = options;
    net n = { .graph = g, .o = o, .latent = (size_t)o->latent_dim,
              .encoder = ph_scope_of(g, "encoder"), .decoder = ph_scope_of(g, "decoder"),
              .stack = { o->activation, o->init, o->dropout, true } };
    n.row = binarized(&n, ph_flatten(x));
    if (!read_layers(&n))
        return;
    ph_node *h = ph_stack_over(n.encoder, n.row, &n.in, &n.stack);
    n.mu = ph_linear_with(n.encoder, h, n.latent, "linear", o->init, true, NULL);
    n.log_variance = ph_linear_with(n.encoder, h, n.latent, "linear", o->init, true, NULL);
    objective(&n);

    ph_node *y = decode(&n, n.mu);
    ph_node *mean = ph_reshape_like(is_bernoulli(&n) ? ph_sigmoid(y) : y, x);
    ph_export(g, "encode", x, n.mu);
    ph_export(g, "decode", n.mu, mean);
    ph_export(g, "reconstruct", x, mean);
    ph_export(g, "posterior", x, ph_concatenate(n.mu, n.log_variance));
    ph_export(g, "log-weights", x, log_weights(&n, 16));
}

/* Terms that grow over the first epochs. */
static void schedule(ph_graph *g, const void *options, double epoch)
{
    const vae_options *o = options;
    double beta = o->kl_warmup > 0 && epoch < o->kl_warmup ? epoch / o->kl_warmup : 1;
    double rise = o->capacity_epochs > 0 && epoch < o->capacity_epochs ? epoch / o->capacity_epochs : 1;
    ph_knob_set(g, "beta", beta * o->beta);
    ph_knob_set(g, "capacity", rise * o->capacity);
}

const ph_family_desc ph_family_vae = {
    .face = { "vae", "variational autoencoder", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(vae_options),
    .build = build,
    .has_prior = true,
    .schedule = schedule,
};
