/* aae.h - what the two files of the adversarial autoencoder share: aae.c and its critics, critics.c. */
#ifndef PH_MODEL_AAE_H
#define PH_MODEL_AAE_H

#include "model/model.h"
#include "model/prior.h"

typedef struct ph_aae_phase_options {
    double lr, momentum, weight_decay;
} ph_aae_phase_options;

typedef struct ph_aae_options {
    ph_net_options net;
    const char *critic_hidden, *critic_noise, *loss, *noise, *encoder;
    const char *prior, *labels, *labels_for, *without;
    int64_t latent_dim, classes, prior_rows;
    double critic_dropout;
    bool labelled_apart, critic_label, tutorial_faults;
    ph_aae_phase_options reconstruction, critic, generator, classify;
} ph_aae_options;

/* Who learns by the labels. */
typedef enum ph_aae_use {
    PH_AAE_FOR_NOTHING, PH_AAE_FOR_DECODER, PH_AAE_FOR_CLASSIFIER, PH_AAE_FOR_PRIOR
} ph_aae_use;

/* One code: the style; logits and shares of classes or clusters, or NULL. */
typedef struct ph_aae_code {
    ph_node *z, *logits, *y;
} ph_aae_code;

typedef struct ph_aae_net {
    ph_graph *graph;
    const ph_aae_options *o;
    ph_scope *encoder, *decoder;
    ph_layers in, out, judge;
    ph_prior prior;
    ph_node *table;            /* rows of the prior's file, or NULL */
    ph_aae_use use;
    size_t latent, kinds;      /* kinds: classes or clusters that y tells apart; 0: there is no y */
    ph_node *x, *row, *second, *labels;
} ph_aae_net;

/* The code of rows. learns: with dropout and noise, in training; else as in use. Either way the same
 * weights. */
ph_aae_code ph_aae_encode(ph_aae_net *n, ph_node *row, bool learns);
/* A phase on the weights of the scopes that `train` names; returns its number. */
int ph_aae_phase(const ph_aae_net *n, const char *name, const char *train, ph_node *loss,
                 const ph_aae_phase_options *o);
/* For each row of `like`, `count` zeros but for a one at `place`. */
ph_node *ph_aae_one_at(ph_node *like, size_t count, size_t place);

/* The phases in which critics learn to tell codes, as they are in use, from draws of the prior, and the
 * encoder to deceive them with codes as it learns them. */
void ph_aae_compete(ph_aae_net *n, const ph_aae_code *still, const ph_aae_code *moving);
/* What is odd about their figures, or NULL. */
const char *ph_aae_remark(const ph_figures *f);

#endif
