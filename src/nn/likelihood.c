/* likelihood.c - likelihoods of rows, from a decoder's numbers y for each number x of a row:
 *
 *     bernoulli      y a logit; x in [0,1]: -(softplus(y) - x y)
 *     gaussian:C     y a mean: -(x - y)^2 / (2C); the constant is left out, so that the larger C, the
 *                    smaller a divergence beside it
 *     gaussian       one variance learned for all numbers, with its constant (Rybkin et al. 2021)
 *     logistic:L     x in [0,1] is taken for the nearest of L levels; y is, for each, the mean (from 1/2 on)
 *                    and the logarithm of the scale (from -2 on) of a logistic distribution, of which a level
 *                    has the part that is nearest to it, the first and the last all that is beyond (Salimans et
 *                    al. 2017, of one component)
 *     categorical:L  x in [0,1] is taken for the nearest of L levels 0, 1/(L-1), .., 1; y are L logits:
 *                    the logarithm of the level's share in their softmax (van den Oord et al. 2016). Of
 *                    rows of words the levels are these, L as many
 *
 * Bernoulli's is a discrete likelihood only where x is 0 or 1, and a Gaussian's is a density. That of
 * levels is one for pictures as they are: with 256 of them, of their bytes, in bits for each dimension. Nats
 * of models with different numbers of levels are of different data and cannot be compared.
 */
#include "nn/likelihood.h"

#include <math.h>
#include <string.h>

enum { USUAL_LEVELS = 16, BYTE_LEVELS = 256, MOST_LEVELS = 256, MOST_LOGISTIC_LEVELS = 65536 };

/* "categorical:L" or "logistic:L". */
static void read_levels(ph_likelihood *l, const char *text, size_t words)
{
    ph_graph *g = l->scope->graph;
    double usual = words ? (double)words : USUAL_LEVELS;
    double levels = l->logistic ? BYTE_LEVELS : usual, level[MOST_LEVELS];
    int most = l->logistic ? MOST_LOGISTIC_LEVELS : MOST_LEVELS;
    sscanf(text, l->logistic ? "logistic:%lf" : "categorical:%lf", &levels);
    if (!(levels >= 2 && levels <= most && levels == floor(levels))) {
        ph_refuse(g, "likelihood %s: 2 to %d levels", text, most);
        levels = 2;
    }
    l->levels = (size_t)levels;
    if (l->logistic)
        return;
    l->words = words > 0;
    if (words && l->levels != words)
        ph_refuse(g, "likelihood %s: rows are of %zu words", text, words);
    for (size_t i = 0; i < l->levels; i++)
        level[i] = (double)i;
    l->level = ph_constants(g, "levels", 1, &l->levels, level);
}

void ph_likelihood_read(ph_likelihood *l, const char *text, ph_scope *decoder, size_t width, size_t words)
{
    *l = (ph_likelihood){ .scope = decoder, .width = width,
                          .bernoulli = strcmp(text, "bernoulli") == 0,
                          .logistic = strncmp(text, "logistic", 8) == 0 };
    if (sscanf(text, "gaussian:%lf", &l->variance) == 1 && !(l->variance > 0))
        ph_refuse(decoder->graph, "likelihood %s: a variance is above 0", text);
    if (l->logistic || strncmp(text, "categorical", 11) == 0)
        read_levels(l, text, words);
}

size_t ph_likelihood_width(const ph_likelihood *l)
{
    return l->width * (l->logistic ? 2 : l->levels ? l->levels : 1);
}

/* A level is picked out by comparing, which costs no memory: the comparisons run on the tiles of what
 * reads them. */
static ph_node *categorical(const ph_likelihood *l, ph_node *y, ph_node *row)
{
    size_t codes = ph_shape_lead(&row->shape);
    ph_node *logits = ph_reshape(y, 3, (size_t[]){ codes, l->width, l->levels });
    ph_node *x = l->words ? row : ph_scale(ph_clamp(row, 0, 1), (double)l->levels - 1);
    x = ph_reshape(x, 3, (size_t[]){ codes, l->width, 1 });
    ph_node *nearest = ph_mul(ph_less_equal(ph_shift(l->level, -0.5), x),
                              ph_less(x, ph_shift(l->level, 0.5)));
    ph_node *log_p = ph_sub(ph_sum_last(ph_mul(nearest, logits)), ph_log_sum_exp(logits));
    return ph_sum_last(ph_reshape_like(log_p, row));
}

/* Scales between these are narrower than a level and wider than all of them. A net, which begins with numbers
 * about 0, begins in between, in the middle of all levels: its last biases have no way to go first. */
static const double least_log_scale = -8, most_log_scale = 0, first_log_scale = -2, middle = 0.5;

/* Numbers `which` of the two that there are for each of a row, [codes, width]: mean or log scale. */
static ph_node *of_two(const ph_likelihood *l, ph_node *y, size_t which)
{
    size_t codes = ph_width(y) / (2 * l->width);
    ph_node *both = ph_reshape(y, 2, (size_t[]){ codes * l->width, 2 });
    return ph_reshape(ph_slice(both, which, 1), 2, (size_t[]){ codes, l->width });
}

/* log(s(a) - s(b)) of the sigmoids at a level's ends, b + d = a: -b + log(1 - exp(-d)) - softplus(-a) -
 * softplus(-b), which loses no digits where both are near 0 or 1. */
static ph_node *logistic(const ph_likelihood *l, ph_node *y, ph_node *row)
{
    double step = 1 / ((double)l->levels - 1);
    ph_graph *g = y->graph;
    ph_node *mean = ph_shift(of_two(l, y, 0), middle);
    ph_node *log_scale = ph_clamp(ph_shift(of_two(l, y, 1), first_log_scale), least_log_scale, most_log_scale);
    ph_node *inverse = ph_exp(ph_neg(log_scale));
    ph_node *x = ph_scale(ph_round(ph_scale(ph_clamp(row, 0, 1), 1 / step)), step);
    ph_node *off = ph_sub(ph_reshape_like(x, mean), mean);
    ph_node *a = ph_mul(ph_shift(off, step / 2), inverse), *b = ph_mul(ph_shift(off, -step / 2), inverse);
    ph_node *inside = ph_log(ph_sub(ph_constant(g, 1), ph_exp(ph_scale(inverse, -step))));
    ph_node *between = ph_sub(ph_sub(inside, b), ph_add(ph_softplus(ph_neg(a)), ph_softplus(ph_neg(b))));
    ph_node *first = ph_less(x, ph_constant(g, step / 2)), *last = ph_less(ph_constant(g, 1 - step / 2), x);
    ph_node *log_p = ph_select(ph_reshape_like(last, mean), ph_neg(ph_softplus(b)), between);
    log_p = ph_select(ph_reshape_like(first, mean), ph_neg(ph_softplus(ph_neg(a))), log_p);
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
        return l->logistic ? logistic(l, y, row) : categorical(l, y, row);
    ph_node *squares = ph_sum_last(ph_square(ph_sub(y, row)));
    return l->variance > 0 ? ph_scale(squares, -0.5 / l->variance) : learned_gaussian(l, squares);
}

void ph_report_bits(const ph_likelihood *l, const char *of, ph_node *log_p)
{
    if (l->levels)
        ph_report(l->scope->graph, "bits_per_dimension", of,
                  ph_scale(log_p, -1 / (log(2) * (double)l->width)));
}

ph_node *ph_likelihood_mean(const ph_likelihood *l, ph_node *y)
{
    if (l->levels == 0 || ph_is_dead(y))
        return l->bernoulli ? ph_sigmoid(y) : y;
    if (l->logistic)
        return ph_clamp(ph_shift(ph_flatten(of_two(l, y, 0)), middle), 0, 1);
    y = ph_reshape(y, 2, (size_t[]){ l->width, l->levels });
    if (l->words)
        return ph_to_real(ph_argmax_last(y));
    ph_node *share = ph_softmax(y);
    ph_node *mean = ph_scale(ph_sum_last(ph_mul(share, l->level)), 1 / ((double)l->levels - 1));
    return ph_flatten(mean);
}
