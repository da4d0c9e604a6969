/* norm.c - normalisation layers: y = d / sqrt(mean of d^2 + epsilon) scale + shift, with d = a - mean.
 *
 * The variance is that of the deviations, which a large mean does not spoil. Statistics of a batch are
 * those of all its rows, whatever the threads. The running ones of batch normalisation move by a tenth
 * in each step, towards the unbiased estimate of the variance, as is the convention; a batch that has one
 * number of a channel says nothing of that.
 */
#include "nn/nn.h"

#include <stdio.h>
#include <string.h>

enum { MOST_GROUPS = 32 };
static const double epsilon = 1e-5, momentum = 0.1;

/* A layer's parameter or state, [c]. */
static ph_node *kept(ph_scope *scope, int layer, const char *what, size_t c, ph_start start,
                     bool trained)
{
    char name[32];
    snprintf(name, sizeof name, "%d/%s", layer, what);
    return trained ? ph_parameter(scope, name, 1, &c, start, 0) : ph_state(scope, name, 1, &c, start);
}

/* 1 / sqrt(variance + epsilon). */
static ph_node *inverse_deviation(ph_node *variance)
{
    return ph_div(ph_constant(variance->graph, 1), ph_sqrt(ph_shift(variance, epsilon)));
}

static ph_node *layer_norm(ph_node *a, ph_node *scale)
{
    double share = 1 / (double)ph_shape_columns(&a->shape);
    ph_node *d = ph_sub(a, ph_scale(ph_sum_last(a), share));
    ph_node *variance = ph_scale(ph_sum_last(ph_square(d)), share);
    return ph_mul(ph_mul(d, inverse_deviation(variance)), scale);
}

/* The means of groups of channels, each [groups, 1], as [c] for every row. */
static ph_node *to_channels(ph_node *means, size_t c)
{
    ph_shape each = means->shape;
    each.dim[1] = c / each.dim[0];
    return ph_reshape(ph_broadcast_to(means, &each), 1, &c);
}

static ph_node *group_means(ph_node *a, size_t groups)
{
    size_t each = ph_shape_columns(&a->shape) / groups;
    ph_node *sums = ph_sum_last(ph_reshape(ph_sum_leading(a), 2, (size_t[]){ groups, each }));
    return ph_scale(sums, 1 / ((double)ph_shape_lead(&a->shape) * (double)each));
}

static ph_node *group_norm(ph_node *a, ph_node *scale, size_t groups)
{
    size_t c = ph_shape_columns(&a->shape);
    ph_node *d = ph_sub(a, to_channels(group_means(a, groups), c));
    ph_node *inverse = inverse_deviation(group_means(ph_square(d), groups));
    return ph_mul(d, ph_mul(to_channels(inverse, c), scale));
}

static ph_node *batch_norm(ph_node *a, ph_node *scale, ph_node *running_mean, ph_node *running_variance)
{
    ph_graph *graph = a->graph;
    ph_node *mean = ph_mean_rows(a);
    ph_node *d = ph_sub(a, ph_when_training(mean, running_mean));
    ph_node *variance = ph_mean_rows(ph_square(d));
    ph_node *inverse = inverse_deviation(ph_when_training(variance, running_variance));
    /* Of n numbers of a channel: 1/n, and whether there are more than one. */
    ph_node *one = ph_constant(graph, 1);
    ph_node *share = ph_scale(ph_inverse_rows(a), 1 / (double)ph_shape_lead(&a->shape));
    ph_node *rate = ph_scale(ph_less(share, one), momentum);
    ph_node *unbiased = ph_div(variance, ph_max(ph_sub(one, share), ph_constant(graph, 0.5)));
    ph_assign(running_mean, ph_average(running_mean, mean, 1 - momentum));
    ph_assign(running_variance,
              ph_add(running_variance, ph_mul(ph_sub(unbiased, running_variance), rate)));
    return ph_mul(d, ph_mul(inverse, scale));
}

/* The number of groups that a kind asks for; 0: none that divides c. */
static size_t groups_of(const char *kind, size_t c)
{
    size_t groups = MOST_GROUPS;
    int end = 0;
    if (strcmp(kind, "group") == 0)
        while (c % groups != 0)
            groups--;
    else if (strncmp(kind, "group:", 6) != 0 || strchr("123456789", kind[6]) == NULL ||
             sscanf(kind + 6, "%zu%n", &groups, &end) != 1 || kind[6 + end] != '\0')
        return 0;
    return groups && c % groups == 0 ? groups : 0;
}

bool ph_norm_fits(const char *kind, size_t channels)
{
    static const char *const plain[] = { "none", "layer", "batch" };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (strcmp(kind, plain[i]) == 0)
            return true;
    return groups_of(kind, channels) > 0;
}

ph_node *ph_norm(ph_scope *scope, ph_node *a, const char *kind)
{
    if (ph_is_dead(a) || strcmp(kind, "none") == 0)
        return a;
    size_t c = ph_shape_columns(&a->shape);
    bool layer = strcmp(kind, "layer") == 0, batch = strcmp(kind, "batch") == 0;
    if (!ph_norm_fits(kind, c)) {
        ph_refuse(a->graph, "norm '%s' is not one of " PH_NORMS ", with a G that divides the %zu "
                  "channels", kind, c);
        return &a->graph->dead;
    }
    int number = scope->layers++;
    ph_node *scale = kept(scope, number, "scale", c, PH_ONES, true);
    ph_node *shift = kept(scope, number, "shift", c, PH_ZEROS, true), *y;
    if (layer)
        y = layer_norm(a, scale);
    else if (batch)
        y = batch_norm(a, scale, kept(scope, number, "mean", c, PH_ZEROS, false),
                       kept(scope, number, "variance", c, PH_ONES, false));
    else
        y = group_norm(a, scale, groups_of(kind, c));
    return ph_add(y, shift);
}
