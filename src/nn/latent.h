/* latent.h - q(z|x) and p(z): what a variational model's codes are. */
#ifndef PH_NN_LATENT_H
#define PH_NN_LATENT_H

#include "nn/nn.h"

#define PH_LATENTS "gaussian categorical:KxN"

typedef struct ph_latent {
    size_t variables, classes; /* classes of each variable; 0: they are Gaussian */
    ph_node *code;             /* what stands for a row: means, or the probabilities of all classes */
    ph_node *log_variance;     /* [variables] per row, of Gaussians */
    ph_node *log_q;            /* [variables, classes] per row, of classes */
} ph_latent;

/* The K of categorical:KxN, 0 for gaussian. */
size_t ph_latent_classes(const char *text);
/* One of PH_LATENTS; the size of a Gaussian code is latent_dim. Refuses what has no meaning. */
void ph_latent_read(ph_latent *, ph_graph *, const char *text, size_t latent_dim);
/* Numbers of a code: one for each Gaussian, or one for each class of each variable. */
size_t ph_latent_width(const ph_latent *);
/* Makes q(z|x) from the encoder's last hidden layer h. */
void ph_latent_over(ph_latent *, ph_scope *encoder, ph_node *h, const char *init);
/* A code from q(z|x), [width] per row, through which a loss has a derivative: of classes, in training,
 * relaxed at the knob "temperature" (see ph_latent_relax); in use, exact. */
ph_node *ph_latent_draw(const ph_latent *);
/* `count` exact codes from q(z|x), [count, width] per row ([width] for one), and log p(z) - log q(z|x) of
 * each in nats, [count, 1] per row ([1] for one). */
ph_node *ph_latent_draws(const ph_latent *, size_t count, ph_node **log_ratio);
/* A code from the prior of classes, for each row of `like`. */
ph_node *ph_latent_prior(const ph_latent *, ph_node *like);
/* KL(q || p) of each variable in nats, [variables] per row. */
ph_node *ph_latent_kl(const ph_latent *);
/* How many variables tell of the row: a whole scalar, over the batch. */
ph_node *ph_latent_active(const ph_latent *);
/* a [n] per row, the same for each of `count` draws: [count, n]; for one it stays as it is. */
ph_node *ph_for_each_draw(ph_node *a, size_t count);

#endif
