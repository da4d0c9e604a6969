/* layers.c - layers: functions from node to node.
 *
 * Starts: Glorot and Bengio (2010) uniform, half width sqrt(6 / (in + out)); He et al. (2015) for
 * the relu family, half width sqrt(6 / in). Biases start at zero.
 */
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct activation {
    const char *name;
    ph_node *(*apply)(ph_node *);
    bool rectifies;            /* keeps about half of the signal: He's start */
} activation;

static ph_node *linear(ph_node *a) { return a; }
static ph_node *leaky_relu(ph_node *a) { return ph_leaky_relu(a, 0.01); }
static ph_node *elu(ph_node *a) { return ph_elu(a, 1); }

static const activation activations[] = {
    { "linear", linear, false },      { "relu", ph_relu, true },
    { "leaky-relu", leaky_relu, true }, { "elu", elu, true },
    { "gelu", ph_gelu, true },        { "silu", ph_silu, true },
    { "sigmoid", ph_sigmoid, false }, { "tanh", ph_tanh, false },
    { "softplus", ph_softplus, true },
};

static const activation *find(const char *name)
{
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++)
        if (strcmp(activations[i].name, name) == 0)
            return &activations[i];
    return NULL;
}

ph_node *ph_activation(ph_node *a, const char *name)
{
    const activation *found = find(name);
    return found ? found->apply(a)
                 : ph_mistake(a->graph, "activation '%s' is not one of " PH_ACTIVATIONS, name);
}

double ph_start_range(size_t in, size_t out, const char *name, const char *rule)
{
    const activation *found = find(name);
    if (strcmp(rule, "torch") == 0)
        return sqrt(1.0 / (double)in);
    bool he = strcmp(rule, "he") == 0 || (strcmp(rule, "auto") == 0 && found && found->rectifies);
    return sqrt(6.0 / (double)(he ? in : in + out));
}

ph_node *ph_linear_with(ph_scope *scope, ph_node *a, size_t n, const char *activation_name,
                        const char *rule, bool bias, ph_node *weight)
{
    if (ph_is_dead(a))
        return a;
    char name[32];
    int number = scope->layers++;
    size_t in = ph_shape_columns(&a->shape);
    double range = ph_start_range(in, n, activation_name, rule);
    bool transposed = weight != NULL;
    if (weight == NULL) {
        snprintf(name, sizeof name, "%d/weight", number);
        weight = ph_parameter(scope, name, 2, (size_t[]){ in, n }, PH_UNIFORM, range);
    }
    ph_node *y = ph_product(a, weight, transposed);
    return bias ? ph_add(y, ph_bias(scope, number, n, rule, range)) : y;
}

ph_node *ph_bias(ph_scope *scope, int number, size_t n, const char *rule, double range)
{
    char name[32];
    bool random = strcmp(rule, "torch") == 0;
    snprintf(name, sizeof name, "%d/bias", number);
    return ph_parameter(scope, name, 1, &n, random ? PH_UNIFORM : PH_ZEROS, random ? range : 0);
}

ph_node *ph_linear(ph_scope *scope, ph_node *a, size_t n, const char *activation_name, bool bias)
{
    return ph_linear_with(scope, a, n, activation_name, "auto", bias, NULL);
}

ph_node *ph_dropout(ph_node *a, double p)
{
    if (p == 0)
        return a;
    if (!(p > 0 && p < 1))
        return ph_mistake(a->graph, "dropout: a probability lies in [0, 1), not %g", p);
    /* The factor is what differs in training, so a derivative passes through one product. */
    ph_node *factor = ph_scale(ph_bernoulli_like(a, 1 - p), 1 / (1 - p));
    return ph_mul(a, ph_when_training(factor, ph_broadcast(ph_constant(a->graph, 1), a)));
}

/* ---- Losses ------------------------------------------------------------------------------------- */

ph_node *ph_loss(const char *loss, ph_node *y, ph_node *x)
{
    return ph_sum(ph_loss_parts(loss, y, x));
}

ph_node *ph_loss_parts(const char *loss, ph_node *y, ph_node *x)
{
    double power = 0;
    int end = 0;
    if (strcmp(loss, "bce") == 0)
        return ph_bce(y, x);
    if (strcmp(loss, "mse") == 0)
        return ph_square(ph_sub(y, x));
    if (sscanf(loss, "lp:%lf%n", &power, &end) == 1 && loss[end] == '\0' && power > 0) {
        ph_node *size = ph_abs(ph_sub(y, x));
        if (power == 1)
            return size;
        if (power == 2)
            return ph_square(size);
        /* The power of zero has no finite derivative below P = 1 and log(0) on the way there. */
        return ph_power(ph_max(size, ph_constant(y->graph, 1e-12)), power);
    }
    ph_refuse(y->graph, "loss '%s' is not one of bce, mse, lp:P with P > 0", loss);
    return &y->graph->dead;
}
