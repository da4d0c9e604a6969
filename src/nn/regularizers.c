/* regularizers.c - what makes a code more than a copy: noise on the input, sparse codes, codes that
 * do not move with the input.
 */
#include "nn/nn.h"

#include <math.h>
#include <string.h>

/* ---- Noise ----------------------------------------------------------------------------------- */

ph_node *ph_corrupt(ph_node *x, const char *noise, ph_node **touched)
{
    double amount = 0;
    *touched = NULL;
    if (ph_is_dead(x) || strcmp(noise, "none") == 0)
        return x;
    ph_graph *g = x->graph;
    bool share = sscanf(noise, "mask:%lf", &amount) == 1 ||
                 sscanf(noise, "salt-pepper:%lf", &amount) == 1;
    if (share && !(amount > 0 && amount < 1)) {
        ph_refuse(g, "noise %s: a probability lies between 0 and 1", noise);
        return &g->dead;
    }
    if (strncmp(noise, "mask:", 5) == 0) {
        ph_node *kept = ph_bernoulli_like(x, 1 - amount);
        *touched = ph_shift(ph_neg(kept), 1);
        return ph_mul(x, kept);
    }
    if (strncmp(noise, "salt-pepper:", 12) == 0) {
        /* One draw decides: the lowest part of [0,1) is pepper, the next is salt. */
        ph_node *u = ph_uniform_like(x);
        ph_node *pepper = ph_less(u, ph_constant(g, amount / 2));
        *touched = ph_less(u, ph_constant(g, amount));
        return ph_select(*touched, ph_shift(ph_neg(pepper), 1), x);
    }
    if (sscanf(noise, "gauss:%lf", &amount) == 1 && amount > 0)
        return ph_add(x, ph_scale(ph_normal_like(x), amount));
    ph_refuse(g, "noise %s: a standard deviation is above 0", noise);
    return &g->dead;
}

/* ---- Sparse codes ---------------------------------------------------------------------------- */

/* Kullback-Leibler divergence of Bernoulli(rho) from the mean activation of each unit, summed over
 * units (Ng 2011). */
static ph_node *kl_to(ph_node *mean, double rho)
{
    ph_node *small = ph_constant(mean->graph, 1e-7);
    ph_node *on = ph_log(ph_max(mean, small));
    ph_node *off = ph_log(ph_max(ph_shift(ph_neg(mean), 1), small));
    double entropy = rho * log(rho) + (1 - rho) * log(1 - rho);
    ph_node *cross = ph_add(ph_scale(on, -rho), ph_scale(off, rho - 1));
    return ph_sum_all(ph_shift(cross, entropy));
}

ph_node *ph_sparsity(ph_node *code, const char *kind, const char *activation)
{
    double rho = 0;
    if (ph_is_dead(code))
        return code;
    if (strcmp(kind, "l1") == 0)
        return ph_mean_rows(ph_sum(ph_abs(code)));
    if (strcmp(kind, "mean") == 0)
        return ph_sum_all(ph_mean_rows(code));
    if (sscanf(kind, "kl:%lf", &rho) == 1 && rho > 0 && rho < 1) {
        if (strcmp(activation, "sigmoid") != 0)
            ph_refuse(code->graph, "sparsity %s: units must lie in (0,1): latent-activation sigmoid "
                      "(with pretrain layerwise activation, too), not %s", kind, activation);
        return kl_to(ph_mean_rows(code), rho);
    }
    ph_refuse(code->graph, "sparsity %s: the target is a mean activation between 0 and 1", kind);
    return &code->graph->dead;
}

/* ---- Contraction: the squared Frobenius norm of the Jacobian (Rifai et al. 2011) ----------------- */

ph_node *ph_jacobian_of_layer(ph_node *h, ph_node *a, ph_node *weight)
{
    ph_node *slope;
    ph_gradient(ph_sum_all(h), &a, 1, &slope);
    return ph_sum(ph_mul(ph_square(slope), ph_sum_rows(ph_square(weight))));
}

ph_node *ph_jacobian_exact(ph_node *h, ph_node *x)
{
    ph_node *sum = NULL;
    for (size_t j = 0; j < ph_width(h); j++) {
        ph_node *row;
        ph_gradient(ph_sum_all(ph_slice(h, j, 1)), &x, 1, &row);
        ph_node *square = ph_sum(ph_square(row));
        sum = sum ? ph_add(sum, square) : square;
    }
    return sum;
}

ph_node *ph_jacobian_estimate(ph_node *h, ph_node *x)
{
    ph_node *sign = ph_shift(ph_scale(ph_bernoulli_like(h, 0.5), 2), -1), *row;
    ph_gradient(ph_sum_all(ph_mul(h, sign)), &x, 1, &row);
    return ph_sum(ph_square(row));
}
