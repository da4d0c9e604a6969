/* likelihood.c - likelihoods of rows, from a decoder's numbers y for each number x of a row:
 *
 *     bernoulli      y a logit; x in [0,1]: -(softplus(y) - x y)
 *     gaussian:C     y a mean: -(x - y)^2 / (2C); the constant is left out, so that the larger C, the
 *                    smaller a divergence beside it
 *     gaussian       one variance learned for all numbers, with its constant (Rybkin et al. 2021)
 *     categorical:L  x in [0,1] is taken for the nearest of L levels 0, 1/(L-1), .., 1; y are L logits:
 *                    the logarithm of the level's share in their softmax (van den Oord et al. 2016)
 *
 * Bernoulli's is a discrete likelihood only where x is 0 or 1, and a Gaussian's is a density. That of
 * levels is one for pictures as they are: with 256 of them, of their bytes. Nats of models with
 * different numbers of levels are of different data and cannot be compared.
 */
#include "nn/likelihood.h"

#include <math.h>
#include <string.h>

enum { USUAL_LEVELS = 16, MOST_LEVELS = 256 };

static void read_levels(ph_likelihood *l, const char *text)
{
    ph_graph *g = l->scope->graph;
    double levels = USUAL_LEVELS, level[MOST_LEVELS];
    sscanf(text, "categorical:%lf", &levels);
    if (!(levels >= 2 && levels <= MOST_LEVELS && levels == floor(levels))) {
        ph_refuse(g, "likelihood %s: 2 to %d levels", text, MOST_LEVELS);
        levels = 2;
    }
    l->levels = (size_t)levels;
    for (size_t i = 0; i < l->levels; i++)
        level[i] = (double)i;
    l->level = ph_constants(g, "levels", 1, &l->levels, level);
}

void ph_likelihood_read(ph_likelihood *l, const char *text, ph_scope *decoder, size_t width)
{
    *l = (ph_likelihood){ .scope = decoder, .width = width,
                          .bernoulli = strcmp(text, "bernoulli") == 0 };
    if (sscanf(text, "gaussian:%lf", &l->variance) == 1 && !(l->variance > 0))
        ph_refuse(decoder->graph, "likelihood %s: a variance is above 0", text);
    if (strncmp(text, "categorical", 11) == 0)
        read_levels(l, text);
}

size_t ph_likelihood_width(const ph_likelihood *l)
{
    return l->levels ? l->width * l->levels : l->width;
}

/* A level is picked out by comparing, which costs no memory: the comparisons run on the tiles of what
 * reads them. */
static ph_node *categorical(const ph_likelihood *l, ph_node *y, ph_node *row)
{
    size_t codes = ph_shape_lead(&row->shape);
    ph_node *logits = ph_reshape(y, 3, (size_t[]){ codes, l->width, l->levels });
    ph_node *x = ph_scale(ph_clamp(row, 0, 1), (double)l->levels - 1);
    x = ph_reshape(x, 3, (size_t[]){ codes, l->width, 1 });
    ph_node *nearest = ph_mul(ph_less_equal(ph_shift(l->level, -0.5), x),
                              ph_less(x, ph_shift(l->level, 0.5)));
    ph_node *log_p = ph_sub(ph_sum_last(ph_mul(nearest, logits)), ph_log_sum_exp(logits));
    return ph_sum_last(ph_reshape_like(log_p, row));
}

static ph_node *learned_gaussian(const ph_likelihood *l, ph_node *squares)
{
    ph_node *log_variance = ph_parameter(l->scope, "log-variance", 1, (size_t[]){ 1 }, PH_ZEROS, 0);
    ph_node *scaled = ph_mul(squares, ph_exp(ph_neg(log_variance)));
    ph_node *constant = ph_scale(ph_shift(log_variance, log(2 * M_PI)), (double)l->width);
    return ph_scale(ph_add(scaled, constant), -0.5);
}

ph_node *ph_log_likelihood(const ph_likelihood *l, ph_node *y, ph_node *row)
{
    if (ph_is_dead(y) || ph_is_dead(row))
        return ph_is_dead(y) ? y : row;
    if (l->bernoulli)
        return ph_neg(ph_sum_last(ph_bce(y, row)));
    if (l->levels)
        return categorical(l, y, row);
    ph_node *squares = ph_sum_last(ph_square(ph_sub(y, row)));
    return l->variance > 0 ? ph_scale(squares, -0.5 / l->variance) : learned_gaussian(l, squares);
}

ph_node *ph_likelihood_mean(const ph_likelihood *l, ph_node *y)
{
    if (l->levels == 0 || ph_is_dead(y))
        return l->bernoulli ? ph_sigmoid(y) : y;
    ph_node *share = ph_softmax(ph_reshape(y, 2, (size_t[]){ l->width, l->levels }));
    ph_node *mean = ph_scale(ph_sum_last(ph_mul(share, l->level)), 1 / ((double)l->levels - 1));
    return ph_flatten(mean);
}
