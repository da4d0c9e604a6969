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
} ph_stack;

/* Hidden layers over a, one after the other: linear, activation, dropout. */
ph_node *ph_stack_over(ph_scope *, ph_node *a, const ph_layers *, const ph_stack *);

/* ph_linear with a choice of start ("auto", "glorot", "he"). weight: a whole [n, width of a] that is
 * used transposed, for tied weights; NULL makes one. */
ph_node *ph_linear_with(ph_scope *, ph_node *a, size_t n, const char *activation, const char *rule,
                        bool bias, ph_node *weight);
/* Half width of the uniform start of a layer. */
double ph_start_range(size_t in, size_t out, const char *activation, const char *rule);

#endif
