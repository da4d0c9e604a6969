/* nn.h - layers, losses and layer lists, as the families use them beside pinhole/graph.h. */
#ifndef PH_NN_NN_H
#define PH_NN_NN_H

#include "graph/graph.h"
#include "op/op_nodes.h"

#define PH_NORMS "none layer batch group group:G"
#define PH_ACTIVATIONS "linear relu leaky-relu elu gelu silu sigmoid tanh softplus"

/* ---- Lists of layers: layer_list.c ---------------------------------------------------------------- */

enum { PH_MAX_LAYERS = 32 };

typedef enum ph_layer_kind {
    PH_DENSE, PH_CONVOLUTION, PH_DECONVOLUTION, PH_RESIDUAL, PH_POOL, PH_AVERAGE, PH_UP, PH_GRID,
    PH_ATTEND, PH_PLACES, PH_NORMED, PH_EMBED
} ph_layer_kind;

typedef struct ph_layer {
    ph_layer_kind kind;
    size_t width;              /* numbers, or channels */
    size_t kernel[2];          /* of a window, or the factors of what repeats pixels */
    size_t size[2];            /* lines and columns that it makes; 0: as its kind says */
    size_t repeat, heads, words;
    bool bilinear, causal;
    char norm[16];             /* one of PH_NORMS */
    ph_window window;          /* without zeros for what is usual, but for the padding */
} ph_layer;

/* A layer of so many numbers or channels; a window is of one pixel, at every pixel. */
ph_layer ph_layer_of(ph_layer_kind, size_t width);

/* "256,128" or "conv 32 4/2, conv 64 4/2, res 64 x2, 128". */
typedef struct ph_layers {
    const char *option;        /* whose list it is, in messages */
    size_t count;
    ph_layer layer[PH_MAX_LAYERS];
    bool mirror;               /* a decoder that undoes an encoder layer by layer, */
    ph_layer last;             /* the first one of which it undoes with this */
} ph_layers;

/* Lines, columns and channels of a value; flat: 1, 1 and its numbers, which are no picture. */
typedef struct ph_picture {
    bool flat;
    size_t size[3];
    bool thin[2];              /* rows have one line, or one column, and no window acts along it */
    bool row;                  /* a row itself, before any layer */
} ph_picture;

/* A row as a picture: of one line, if it has one dimension, of one channel, if it has two. */
ph_picture ph_picture_of(const ph_shape *row);
ph_status ph_layers_read(const char *option, const char *text, ph_layers *layers);
/* The layers of a decoder for rows of that shape: "mirror" undoes those of the encoder. code: what the
 * decoder is given, numbers or, where the encoder ends in a picture, one of as many pixels; its lines and
 * columns are set here, and where the encoder ends in numbers it becomes such. Tells what does not fit in the
 * encoder; what does not in a decoder of its own, its net tells. */
ph_status ph_layers_mirror(const char *text, ph_layers *encoder, const ph_shape *row, ph_picture *code,
                           ph_layers *decoder);
/* Settles the sizes of l, a layer of that option's list, which follows *before, and makes *before what it
 * gives. */
ph_status ph_layer_shape(const char *option, ph_layer *l, ph_picture *before);
/* Whether all are dense. */
bool ph_layers_dense(const ph_layers *);
/* The name of the first that is not undone by its own weight, transposed; NULL: all are, or have none. */
const char *ph_layers_untied(const ph_layers *);
/* The words that rows consist of, whole numbers from 0 to one less: those of an embedding at the list's head;
 * 0: rows are of any numbers. */
size_t ph_layers_words(const ph_layers *);
/* The norm of what layer i gives that the list itself has, behind it or behind the grid that it is made, or
 * NULL. */
const char *ph_layers_norm(const ph_layers *, size_t i);

/* ---- Layers: layers.c ------------------------------------------------------------------------------- */

/* The options of families with an encoder and a decoder: a struct of options has one as its `net`, and its
 * table PH_NET_OPTIONS. */
typedef struct ph_net_options {
    const char *hidden, *decoder_hidden, *activation, *init, *norm;
    double dropout;
} ph_net_options;

#define PH_NET_OPTIONS(type, usual)                                                                \
    { "hidden", "hidden-neuron-list hidden-layer-sizes layers", PH_OPTION_TEXT,                    \
      offsetof(type, net.hidden), usual, 0, 0, NULL, "the encoder's hidden layers, as listed under " \
      "'layers', with commas between them; or none" },                                             \
    { "decoder-hidden", NULL, PH_OPTION_TEXT, offsetof(type, net.decoder_hidden), "mirror", 0, 0, NULL, \
      "the decoder's; mirror: what undoes the encoder's, in reverse" },                            \
    { "activation", NULL, PH_OPTION_CHOICE, offsetof(type, net.activation), "relu", 0, 0,          \
      PH_ACTIVATIONS, "of the hidden layers" },                                                    \
    { "norm", "normalization", PH_OPTION_CHOICE, offsetof(type, net.norm), "none", 0, 0, PH_NORMS, \
      "of what hidden layers give, before their activation" },                                     \
    { "dropout", "dropout-rate", PH_OPTION_REAL, offsetof(type, net.dropout), "0", 0, 0.99, NULL,  \
      "share of hidden units dropped in training" },                                               \
    { "init", NULL, PH_OPTION_CHOICE, offsetof(type, net.init), "auto", 0, 0, "auto glorot he torch", \
      "start of the weights; auto: he for the relu family, else glorot; torch: as layers of PyTorch, uniform " \
      "within the root of 1 / inputs, biases too" }

/* The encoder's layers and the decoder's (see ph_layers_mirror()). code NULL: numbers. */
ph_status ph_net_layers(const ph_net_options *, const ph_shape *row, ph_picture *code, ph_layers *encoder,
                        ph_layers *decoder);

/* What the layers of a net have in common. */
typedef struct ph_stack {
    const char *activation, *init, *norm; /* norm NULL: none */
    double dropout;
    bool bias;
    ph_node *input;            /* each layer is exported as one of it, layer1 and so on; NULL: none is */
    ph_scope *tied;            /* the encoder whose weights a mirrored decoder uses, or NULL */
    bool last_is_linear;       /* the last hidden layer has no activation */
} ph_stack;

ph_stack ph_stack_of(const ph_net_options *);

/* Hidden layers in turn: linear, norm (its own, or that of all), activation, dropout. a: the numbers, [n], of
 * what *picture says (NULL: of none). Gives numbers again, and in *picture of what. */
ph_node *ph_stack_over(ph_scope *, ph_node *a, ph_picture *picture, const ph_layers *, const ph_stack *);
/* A decoder's hidden layers over codes, the numbers of *picture (NULL: of none), and its last layer: `each`
 * numbers, before the activation that makes them such, for each number of such rows: [width * each]. */
ph_node *ph_decode_over(ph_scope *, ph_node *code, const ph_picture *picture, const ph_shape *row,
                        size_t each, const ph_layers *, const ph_stack *);

/* ph_linear with a choice of start ("auto", "glorot", "he", "torch"). weight: a whole [n, width of a] that is
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

/* Layer number's bias, [n]: zeros, or by rule "torch" within the range of the layer's weight. */
ph_node *ph_bias(ph_scope *, int number, size_t n, const char *rule, double range);
/* Half width of the uniform start of a layer. */
double ph_start_range(size_t in, size_t out, const char *activation, const char *rule);

/* a [.., c] with mean 0 and variance 1, then scaled and shifted by trained [c] of the scope's next
 * layer: "layer", along the last dimension (Ba et al. 2016); "group:G", in each of G groups of channels
 * over all other dimensions of a row, G a divisor of c (Wu and He 2018; "group": the largest up to 32);
 * "batch", each channel over rows and all other dimensions (Ioffe and Szegedy 2015), by running
 * statistics outside training, which are states of the scope; "none": a itself. Refuses other kinds. */
ph_node *ph_norm(ph_scope *, ph_node *a, const char *kind);
/* Whether it is one of PH_NORMS, of so many channels; 0: of any. */
bool ph_norm_fits(const char *kind, size_t channels);
/* Self-attention over the tokens of a, [n, d] per row, to [n, d] (Vaswani et al. 2017): scaled dot
 * products of so many heads, of which d is a multiple. causal: a token sees itself and those before it.
 * Two linear layers: to queries, keys and values, [d, 3 d] in this order, each of all heads; and over
 * what the heads give. */
ph_node *ph_attention(ph_scope *, ph_node *a, size_t heads, bool causal);
/* A transformer's block with the norms first: h = a + attention(norm(a)), h + mlp(norm(h)), the mlp with
 * one layer of `hidden` gelu units. Its layers: a norm, attention's two, a norm, and the mlp's two. */
ph_node *ph_transformer_block(ph_scope *, ph_node *a, size_t heads, size_t hidden, bool causal);
/* The same where tokens attend to those alone for which seen, [n, 1], is 1 and not 0: these become what
 * they would without the others. seen NULL: all are. */
ph_node *ph_transformer_block_of_seen(ph_scope *, ph_node *a, size_t heads, size_t hidden,
                                      ph_node *seen);

/* What the tokens before one have left, so that it alone has to be computed: their keys and values, [t, d],
 * of which those are looked at for which seen, [t], is 1 and not 0. The one's own are set, [d] each. */
typedef struct ph_memory {
    ph_node *keys, *values, *seen;
    ph_node *key, *value;
} ph_memory;
/* What a causal block gives for the last of the tokens, a [1, d]. */
ph_node *ph_transformer_block_of_one(ph_scope *, ph_node *a, size_t heads, size_t hidden, ph_memory *);

/* ---- Tokens: tokens.c ------------------------------------------------------------------------- */

/* How rows are cut into tokens: pictures into squares of `patch` lines and columns, other rows into
 * pieces of `patch` numbers. count tokens, `lines` times `columns` of them, of `width` numbers each. */
typedef struct ph_tokens {
    size_t patch, lines, columns, count, width;
} ph_tokens;

/* patch 0: 4 for pictures, 1 for other rows. PH_USAGE where a row cannot be cut so. */
ph_status ph_tokens_of(const ph_shape *row, size_t patch, ph_tokens *);
/* Rows to their tokens, [count, width], line by line of the picture, a token's numbers likewise; and
 * tokens to rows of that shape. */
ph_node *ph_to_tokens(ph_node *rows, const ph_tokens *);
ph_node *ph_from_tokens(ph_node *tokens, const ph_tokens *, const ph_shape *row);
/* Where tokens lie, as a whole value [count, width]: "sine", sines and cosines of the line in the first
 * half of the width and of the column in the second (Vaswani et al. 2017; in a picture as He et al. 2022
 * have it), of the place alone where there is one line; "learned", a parameter of the scope. Refuses a
 * width that the halves, or sines and cosines, do not divide. */
ph_node *ph_positions(ph_scope *, const char *kind, const ph_tokens *, size_t width);

#endif
