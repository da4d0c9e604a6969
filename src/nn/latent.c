/* latent.c - codes drawn from q(z|x), and their divergence from the prior p(z).
 *
 *     gaussian         q = N(mu, sigma^2), p = N(0, I), z = mu + sigma eps (Kingma and Welling 2014)
 *                      KL = sum of (mu^2 + sigma^2 - log sigma^2 - 1) / 2
 *     categorical:KxN  N variables of K classes each, p uniform; a code is N blocks of K numbers, each
 *                      a one among zeros: the class of which log q + g is largest, with g = -log(-log u)
 *                      (Gumbel 1954). KL = sum of q log (q K)
 *
 * A largest class has no derivative. So training draws softmax((log q + g) / temperature), which tends
 * to the one among zeros as the temperature falls (Jang, Gu and Poole 2017; Maddison, Mnih and Teh
 * 2017), against the KL of the classes themselves, as Jang et al. do. All other programs draw classes, so
 * what is measured is a bound for the model with classes and not for the relaxed one.
 */
#include "nn/latent.h"

#include <math.h>

size_t ph_latent_classes(const char *text)
{
    double classes = 0;
    return sscanf(text, "categorical:%lf", &classes) == 1 && classes > 0 ? (size_t)classes : 0;
}

void ph_latent_read(ph_latent *l, ph_graph *g, const char *text, size_t latent_dim)
{
    double classes = 0, variables = 0;
    *l = (ph_latent){ .variables = latent_dim };
    if (sscanf(text, "categorical:%lfx%lf", &classes, &variables) != 2)
        return;
    if (!(classes >= 2 && variables >= 1 && classes * variables <= 1e6) ||
        classes != floor(classes) || variables != floor(variables)) {
        ph_refuse(g, "latent %s: 2 classes or more by 1 variable or more, such as categorical:10x20, "
                  "and at most a million numbers", text);
        return;
    }
    l->classes = (size_t)classes;
    l->variables = (size_t)variables;
}

size_t ph_latent_width(const ph_latent *l)
{
    return l->classes ? l->variables * l->classes : l->variables;
}

void ph_latent_over(ph_latent *l, ph_scope *encoder, ph_node *h, const char *init)
{
    ph_node *own = ph_linear_with(encoder, h, ph_latent_width(l), "linear", init, true, NULL);
    if (l->classes == 0) {
        l->code = own;
        l->log_variance = ph_linear_with(encoder, h, l->variables, "linear", init, true, NULL);
        return;
    }
    l->log_q = ph_log_softmax(ph_reshape(own, 2, (size_t[]){ l->variables, l->classes }));
    l->code = ph_flatten(ph_exp(l->log_q));
}

ph_node *ph_for_each_draw(ph_node *a, size_t count)
{
    ph_shape shape = ph_shape_of(a->shape.set, 2, (size_t[]){ count, ph_width(a) });
    return count > 1 ? ph_broadcast_to(a, &shape) : a;
}

/* ---- Gaussians ------------------------------------------------------------------------------- */

/* (z - mu) / sigma is the noise itself, and the constants of the two densities cancel. */
static ph_node *gaussian_draws(const ph_latent *l, size_t count, ph_node **log_ratio)
{
    ph_node *mu = ph_for_each_draw(l->code, count);
    ph_node *log_variance = ph_for_each_draw(l->log_variance, count);
    ph_node *deviation = ph_for_each_draw(ph_exp(ph_scale(l->log_variance, 0.5)), count);
    ph_node *noise = ph_normal_like(mu), *z = ph_add(mu, ph_mul(deviation, noise));
    ph_node *terms = ph_sub(ph_add(ph_square(noise), log_variance), ph_square(z));
    *log_ratio = ph_scale(ph_sum_last(terms), 0.5);
    return z;
}

/* ---- Classes --------------------------------------------------------------------------------- */

/* log q of each class, for `count` draws: [count, variables, classes]. */
static ph_node *log_q_of(const ph_latent *l, size_t count)
{
    ph_node *flat = ph_for_each_draw(ph_flatten(l->log_q), count);
    return ph_reshape(flat, 3, (size_t[]){ count, l->variables, l->classes });
}

static ph_node *perturbed(ph_node *log_q)
{
    return ph_sub(log_q, ph_log(ph_neg(ph_log(ph_uniform_like(log_q)))));
}

static ph_node *class_draws(const ph_latent *l, size_t count, ph_node **log_ratio)
{
    ph_node *log_q = log_q_of(l, count), *z = ph_largest(perturbed(log_q), 1);
    size_t shape[2] = { count, ph_latent_width(l) }, from = count > 1 ? 0 : 1;
    ph_node *of_classes = ph_reshape(ph_mul(z, log_q), 2 - from, shape + from);
    double log_p = -(double)l->variables * log((double)l->classes);
    *log_ratio = ph_shift(ph_neg(ph_sum_last(of_classes)), log_p);
    return ph_reshape(z, 2 - from, shape + from);
}

static ph_node *relaxed_draw(const ph_latent *l)
{
    ph_node *a = perturbed(l->log_q);
    ph_node *relaxed = ph_softmax(ph_div(a, ph_knob(a->graph, "temperature", 1)));
    return ph_flatten(ph_when_training(relaxed, ph_largest(a, 1)));
}

ph_node *ph_latent_prior(const ph_latent *l, ph_node *like)
{
    ph_shape shape = ph_shape_of(like->shape.set, 2, (size_t[]){ l->variables, l->classes });
    ph_node *zero = ph_broadcast_to(ph_constant(like->graph, 0), &shape);
    return ph_flatten(ph_largest(ph_uniform_like(zero), 1));
}

/* ---- Either ---------------------------------------------------------------------------------- */

ph_node *ph_latent_draw(const ph_latent *l)
{
    ph_node *log_ratio;
    return l->classes ? relaxed_draw(l) : gaussian_draws(l, 1, &log_ratio);
}

ph_node *ph_latent_draws(const ph_latent *l, size_t count, ph_node **log_ratio)
{
    return (l->classes ? class_draws : gaussian_draws)(l, count, log_ratio);
}

ph_node *ph_latent_kl(const ph_latent *l)
{
    if (l->classes) {
        ph_node *terms = ph_mul(ph_exp(l->log_q), ph_shift(l->log_q, log((double)l->classes)));
        return ph_flatten(ph_sum_last(terms));
    }
    ph_node *second = ph_add(ph_square(l->code), ph_exp(l->log_variance));
    return ph_scale(ph_shift(ph_sub(second, l->log_variance), -1), 0.5);
}

/* A variable is active when its mean moves with the row: its variance over the rows, of classes the sum
 * of theirs, is above 0.01 (Burda et al. 2016). */
ph_node *ph_latent_active(const ph_latent *l)
{
    ph_node *mean = ph_mean_rows(l->code), *square = ph_mean_rows(ph_square(l->code));
    ph_node *variance = ph_sub(square, ph_square(mean));
    if (l->classes)
        variance = ph_sum_last(ph_reshape(variance, 2, (size_t[]){ l->variables, l->classes }));
    return ph_sum_all(ph_less(ph_constant(variance->graph, 0.01), variance));
}
