/* nn.h - layers, losses and layer lists, as the families use them beside pinhole/graph.h. */
#ifndef PH_NN_NN_H
#define PH_NN_NN_H

#include "graph/graph.h"
#include "op/op_nodes.h"

#define PH_ACTIVATIONS "linear relu leaky-relu elu gelu silu sigmoid tanh softplus"

enum { PH_MAX_LAYERS = 16 };

/* Widths of hidden layers: "256,128". */
typedef struct ph_layers {
    size_t count, width[PH_MAX_LAYERS];
} ph_layers;

ph_status ph_layers_read(const char *text, ph_layers *layers);
/* The widths of a decoder: "mirror" reverses those of the encoder. */
ph_status ph_layers_mirror(const char *text, const ph_layers *encoder, ph_layers *decoder);

/* What the hidden layers of a net have in common. */
typedef struct ph_stack {
    const char *activation, *init;
    double dropout;
    bool bias;
    ph_node *input;            /* each layer is exported as one of it, layer1 and so on; NULL: none is */
} ph_stack;

/* Hidden layers over a, one after the other: linear, activation, dropout. */
ph_node *ph_stack_over(ph_scope *, ph_node *a, const ph_layers *, const ph_stack *);

/* ph_linear with a choice of start ("auto", "glorot", "he"). weight: a whole [n, width of a] that is
 * used transposed, for tied weights; NULL makes one. */
ph_node *ph_linear_with(ph_scope *, ph_node *a, size_t n, const char *activation, const char *rule,
                        bool bias, ph_node *weight);
/* ph_loss before it is summed: one number for each of x. */
ph_node *ph_loss_parts(const char *loss, ph_node *y, ph_node *x);

/* x with noise of one of PH_NOISES, fresh in every step, in the model's input scale (Vincent et al.
 * 2010). touched: 1 where a value was replaced; NULL where noise is everywhere or nowhere. */
ph_node *ph_corrupt(ph_node *x, const char *noise, ph_node **touched);

/* A whole scalar that grows as a code is less sparse: "l1" mean over rows of its L1 norm, "mean" the
 * signed mean activation summed over units, "kl:RHO" the divergence of RHO from each unit's mean
 * activation, summed over units, which must lie in (0,1). */
ph_node *ph_sparsity(ph_node *code, const char *kind, const char *activation);

/* The squared Frobenius norm of dh/dx, one number a row: in closed form for one layer h = f(a), a =
 * x W + b; exactly, with one derivative for each of h; by one random direction (Hutchinson 1990),
 * right in the mean. */
ph_node *ph_jacobian_of_layer(ph_node *h, ph_node *a, ph_node *weight);
ph_node *ph_jacobian_exact(ph_node *h, ph_node *x);
ph_node *ph_jacobian_estimate(ph_node *h, ph_node *x);

/* Half width of the uniform start of a layer. */
double ph_start_range(size_t in, size_t out, const char *activation, const char *rule);

#endif
