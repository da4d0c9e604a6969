/* pinhole/graph.h - building one's own objectives and families: nodes, layers, phases.
 *
 * A step of training is a graph. The forward computation, its gradients and the update of the
 * weights are nodes of one graph, which is compiled into a flat program and run by a team of
 * threads. A value is either per row (a batch of rows, their number told at run time) or whole (a
 * weight, a scalar). Shapes below are of one row, or of the whole value.
 *
 * Mistakes (shapes that do not fit, a node of another graph) stick to the graph: the first one is
 * kept, with names and shapes, later calls return a dead node quietly, and ph_graph_status() or
 * whatever compiles the graph reports it once. No constructor needs a check of its own.
 */
#ifndef PINHOLE_GRAPH_H
#define PINHOLE_GRAPH_H

#include <pinhole.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct ph_graph ph_graph;
typedef struct ph_node ph_node;
typedef struct ph_scope ph_scope;

ph_graph *ph_graph_new(uint64_t seed);
void ph_graph_free(ph_graph *);
/* PH_OK, or PH_MODEL with the first mistake as message. */
ph_status ph_graph_status(ph_graph *);
/* For a family's build: an option's value makes no sense (printf-like). Sticks as PH_USAGE. */
void ph_refuse(ph_graph *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- Leaves -------------------------------------------------------------------------------- */

/* Rows fed from outside, each of the given shape. A new input opens a new set of rows: values of
 * different sets have different row counts and meet only as whole values. */
ph_node *ph_input(ph_graph *, const char *name, size_t rank, const size_t *shape);
/* One more input with the rows of `beside`. */
ph_node *ph_input_beside(ph_node *beside, const char *name, size_t rank, const size_t *shape);
/* Indices (u32) of the given shape, or one a row, [1], beside `beside`. */
ph_node *ph_indices_input(ph_node *beside, const char *name, size_t rank, const size_t *shape);
ph_node *ph_index_input(ph_node *beside, const char *name);
/* The labels of the rows of x, each as a row of `classes` zeros with a one, or of zeros where a row
 * has none. Training feeds them from the data; one for a graph. */
ph_node *ph_labels(ph_node *x, size_t classes);
/* A second set of rows like x, for labels to stand beside: each step of training has a batch of them,
 * rows with labels, which go round and round while those of x make an epoch. One for a graph. */
ph_node *ph_labelled(ph_node *x);
/* Training uses the labels of `count` rows, drawn evenly over the classes by the seed (0: of all that
 * have one), and no rows without in the place where labels are. apart: the drawn rows of a second set
 * are left out of the first. */
void ph_use_labels(ph_graph *, size_t count, bool apart);
ph_node *ph_constant(ph_graph *, double value);
/* A whole value of numbers that stay as they are, in the order of their places. */
ph_node *ph_constants(ph_graph *, const char *name, size_t rank, const size_t *shape,
                      const double *values);
/* A whole scalar that the host sets before a run: a rate, a weight that is warmed up. */
ph_node *ph_knob(ph_graph *, const char *name, double value);
/* Sets the knob of that name, if there is one. */
void ph_knob_set(ph_graph *, const char *name, double value);
/* 1 / (number of rows of x), a whole scalar. */
ph_node *ph_inverse_rows(ph_node *x);

/* A scope prefixes the names of its parameters ("encoder/0/weight"). "" is the root. */
ph_scope *ph_scope_of(ph_graph *, const char *name);
/* From now on the scope's parameters that are there are used again, its layers from the first one on:
 * for a net that is applied to more than one value. */
void ph_scope_again(ph_scope *);
typedef enum ph_start { PH_ZEROS, PH_ONES, PH_UNIFORM, PH_NORMAL } ph_start;
/* A trained whole value. range: half width of UNIFORM, standard deviation of NORMAL. */
ph_node *ph_parameter(ph_scope *, const char *name, size_t rank, const size_t *shape,
                      ph_start start, double range);
/* A whole value that is kept and saved with the model but not trained: a moment, an average. */
ph_node *ph_state(ph_scope *, const char *name, size_t rank, const size_t *shape, ph_start start);
/* Sets a parameter or state to `value` once in each step of training, when every reader of the old value
 * is done: in the first phase whose loss depends on all that `value` takes from rows; where there are
 * several values for one state, such as those of a net that is applied twice, the first one made. A phase
 * that prepares does so in its own epochs. Returns the new value. */
ph_node *ph_assign(ph_node *state, ph_node *value);

/* Where `condition` is not 0, a step that trains the parameter ends with `value` in place of what the
 * optimiser came to; both are broadcast to its shape. */
void ph_replace(ph_node *parameter, ph_node *condition, ph_node *value);

/* Noise, fresh in every step: a pure function of seed, step, phase, node, row and column. Shaped
 * like `like`. Philox (Salmon et al. 2011). */
ph_node *ph_normal_like(ph_node *like);              /* mean 0, variance 1 */
ph_node *ph_uniform_like(ph_node *like);             /* in (0, 1) */
ph_node *ph_bernoulli_like(ph_node *like, double p); /* 1 with probability p, else 0 */
/* `training` in programs that train, `use` in all others. */
ph_node *ph_when_training(ph_node *training, ph_node *use);
/* From now on, until it is told otherwise, nets are made as they are in use, for what others have trained:
 * parameters are states, ph_when_training() is its `use`, and nothing is assigned or replaced. */
void ph_freeze(ph_graph *, bool frozen);

/* ---- Element by element -------------------------------------------------------------------- */

/* Operands have equal shapes, or one is broadcast: a whole value over rows, a last dimension of 1
 * along it, a scalar over everything. */
ph_node *ph_add(ph_node *a, ph_node *b);
ph_node *ph_sub(ph_node *a, ph_node *b);
ph_node *ph_mul(ph_node *a, ph_node *b);
ph_node *ph_div(ph_node *a, ph_node *b);
ph_node *ph_max(ph_node *a, ph_node *b);
ph_node *ph_min(ph_node *a, ph_node *b);
ph_node *ph_less(ph_node *a, ph_node *b);            /* 1 where a < b, else 0; no gradient */
ph_node *ph_less_equal(ph_node *a, ph_node *b);
ph_node *ph_equal(ph_node *a, ph_node *b);
ph_node *ph_select(ph_node *condition, ph_node *a, ph_node *b); /* a where condition is not 0 */
ph_node *ph_scale(ph_node *a, double factor);
ph_node *ph_shift(ph_node *a, double term);
ph_node *ph_power(ph_node *a, double exponent);      /* a > 0 */
ph_node *ph_clamp(ph_node *a, double low, double high);
ph_node *ph_round(ph_node *a);                       /* to the nearest whole number, ties to even; no
                                                        derivative */
ph_node *ph_neg(ph_node *a);
ph_node *ph_abs(ph_node *a);
ph_node *ph_sign(ph_node *a);
ph_node *ph_square(ph_node *a);
ph_node *ph_sqrt(ph_node *a);
ph_node *ph_exp(ph_node *a);
ph_node *ph_log(ph_node *a);
ph_node *ph_erf(ph_node *a);
ph_node *ph_relu(ph_node *a);
ph_node *ph_leaky_relu(ph_node *a, double slope);
ph_node *ph_elu(ph_node *a, double alpha);
ph_node *ph_gelu(ph_node *a);                        /* exact, through erf */
ph_node *ph_silu(ph_node *a);
ph_node *ph_sigmoid(ph_node *a);
ph_node *ph_tanh(ph_node *a);
ph_node *ph_softplus(ph_node *a);                    /* log(1 + exp a), without overflow */
ph_node *ph_stop_gradient(ph_node *a);

/* ---- Across elements ----------------------------------------------------------------------- */

/* a [.., k] times the whole b [k, n] gives [.., n]; transpose_b: b is [n, k]. Both may be whole.
 * Leading dimensions of a, and its rows, are rows of the product. */
ph_node *ph_product(ph_node *a, ph_node *b, bool transpose_b);
/* The whole transpose(a) b, summed over all rows: a [.., m], b [.., n] give [m, n]. */
ph_node *ph_product_over_rows(ph_node *a, ph_node *b);
/* a [.., m, k] times b [.., k, n] gives [.., m, n]: one product for each leading index and row, of which
 * a and b have the same. transpose_a: a is [.., k, m]; transpose_b: b is [.., n, k]. */
ph_node *ph_batched_product(ph_node *a, bool transpose_a, ph_node *b, bool transpose_b);
/* How a window goes over the lines [0] and columns [1] of a picture; zeros stand for a stride of 1, no
 * padding, a dilation of 1 and one group. Groups divide the channels: each sees its own. */
typedef struct ph_window {
    size_t stride[2], padding[2], dilation[2], groups;
} ph_window;
/* x [h, w, c] and the whole weight [kh, kw, c / groups, o] give [h', w', o], h' the places of a window of
 * kh lines (with a dilation of d, (kh - 1) d + 1) in h lines with padding of zeros on both sides. A
 * dimension before those of x is one of further pictures. */
ph_node *ph_convolution(ph_node *x, ph_node *weight, const ph_window *);
/* Its adjoint by x: y [h', w', o] and the same weight give size [2] and c channels, in which a window must
 * have h' and w' places. */
ph_node *ph_transposed_convolution(ph_node *y, ph_node *weight, const ph_window *, const size_t *size);
/* x [h, w, c] gives [h', w', c]: the largest, or the mean, of the pixels in each window of kh lines and
 * kw columns, channel by channel. What is outside of the picture does not count, and each window must have
 * a pixel inside; one group. The derivative goes to the largest pixel, the first of equals. */
ph_node *ph_max_pool(ph_node *x, size_t kh, size_t kw, const ph_window *);
ph_node *ph_average_pool(ph_node *x, size_t kh, size_t kw, const ph_window *);
/* x [h', w', c] at a size of h lines and w columns, larger or smaller: of the nearest pixel, or bilinear
 * between the four around it (centres at half pixels, edges repeated). */
ph_node *ph_upsample(ph_node *x, size_t h, size_t w, bool bilinear);
ph_node *ph_sum(ph_node *a);                         /* over all inner dimensions: [1] per row */
ph_node *ph_mean(ph_node *a);
ph_node *ph_sum_last(ph_node *a);                    /* over the last dimension, kept as 1 */
ph_node *ph_max_last(ph_node *a);
ph_node *ph_sum_rows(ph_node *a);                    /* over rows and leading dimensions: whole [n] */
ph_node *ph_mean_rows(ph_node *a);
ph_node *ph_sum_leading(ph_node *a);                 /* over inner dimensions but the last: [n] per row */
ph_node *ph_sum_all(ph_node *a);                     /* a whole scalar */
ph_node *ph_softmax(ph_node *a);                     /* along the last dimension, as the next two */
ph_node *ph_log_softmax(ph_node *a);
/* ph_softmax of [.., n, n] where line i, of the last two dimensions, has but its first i + 1 columns: the
 * others are not looked at and get 0. */
ph_node *ph_causal_softmax(ph_node *a);
ph_node *ph_log_sum_exp(ph_node *a);
ph_node *ph_reshape(ph_node *a, size_t rank, const size_t *shape);
ph_node *ph_reshape_like(ph_node *a, ph_node *like);
ph_node *ph_flatten(ph_node *a);
ph_node *ph_swap_axes(ph_node *a, size_t first, size_t second); /* dimensions, from 0 on */
size_t ph_width(const ph_node *a);                   /* numbers in one row of it, or in all of it */
ph_node *ph_slice(ph_node *a, size_t first, size_t count); /* of the last dimension */
ph_node *ph_concatenate(ph_node *a, ph_node *b);     /* along the last dimension */
/* n numbers that look uniform in (0, 1), fixed by the values of the last dimension, which they take the
 * place of: a row always gets the same; no derivative. */
ph_node *ph_uniform_of(ph_node *a, size_t n);
/* 1 with the number itself, in [0,1], as the probability, else 0: one draw, which the values of the last
 * dimension fix, so that a row always becomes the same; no derivative. ph_less(ph_uniform_like(a), a)
 * draws anew in each step. */
ph_node *ph_binarize(ph_node *a);
/* 1 at the k largest of the last dimension (of equal ones the first), else 0; k up to 512; no
 * gradient. */
ph_node *ph_largest(ph_node *a, size_t k);
/* The code of each row x [w], its numbers in [0,1], in logistic PCA: the z [k] that minimises the
 * cross-entropy of the logits mean [w] + loadings [w, k] z, plus ridge/2 |z|^2, to rounding; k up to
 * 512, ridge > 0; no gradient. */
ph_node *ph_logistic_code(ph_node *x, ph_node *loadings, ph_node *mean, double ridge);
/* a repeated to the shape of `like`. */
ph_node *ph_broadcast(ph_node *a, ph_node *like);
/* Entries of the whole table [v, n]: indices [..] give [.., n], a single one, [1], gives [n]. NaN where
 * there is no such entry. */
ph_node *ph_gather(ph_node *table, ph_node *index);
/* Its derivative: the lines of a [.., n] added up by their index [..], in their order, to a whole
 * [entries, n]. */
ph_node *ph_scatter(ph_node *a, ph_node *index, size_t entries);
/* `count` of the lines of x [.., d], of all its rows, as a whole [count, d]: which ones is a function of
 * key, a whole scalar from 0 to 2^24, and of how many there are; no derivative. */
ph_node *ph_choose_lines(ph_node *x, size_t count, ph_node *key);
/* The whole centres [k, d] after so many rounds (a whole scalar) of Lloyd's iteration (1982) over the lines
 * of x [.., d]; no derivative. */
ph_node *ph_cluster_lines(ph_node *x, ph_node *centres, ph_node *rounds);
/* Lines of a row's own a, [n, d], by its own indices, [k]: [k, d], NaN where there is no such line; and
 * the adjoint, which adds lines, [k, d], up in their order at n places of zeros: [n, d]. */
ph_node *ph_take_lines(ph_node *a, ph_node *index);
ph_node *ph_add_lines(ph_node *lines, ph_node *index, size_t n);
/* The indices (u32) of the `count` smallest numbers of the last dimension, the smallest first, of equal
 * ones the first: [.., count]. With uniform noise so many places at random; no derivative. */
ph_node *ph_smallest(ph_node *a, size_t count);
/* The index (u32) of the entry of the whole table [v, d] that is nearest to each line of x [.., d], and
 * that of the largest number of each line of a [.., n]; of equal ones the first. The result is [..], or
 * [1] where there are no other dimensions; no derivative. */
ph_node *ph_nearest_entry(ph_node *x, ph_node *table);
ph_node *ph_argmax_last(ph_node *a);
/* Indices [..] as zeros with a one at the index, [.., n] (a single one, [1], as [n]; all zeros where it
 * is n or more), and as numbers, [..], exact up to 2^24; no derivative. */
ph_node *ph_one_hot(ph_node *index, size_t n);
ph_node *ph_to_real(ph_node *index);
/* Numbers, which are whole and from 0 to 2^24, as indices, [..]; others become 2^32 - 1, which no table has. */
ph_node *ph_to_index(ph_node *a);
/* Row number floor(u v) of it, for u per row, [1], in [0, 1): with uniform noise, any of its rows. No
 * derivative. */
ph_node *ph_pick(ph_node *table, ph_node *u);

/* ---- Gradients, layers, losses ------------------------------------------------------------- */

/* Derivatives of the whole scalar y by each of x, as nodes (so they can be differentiated again).
 * out[i] has the shape of x[i]; zero where y does not depend on x[i]. */
void ph_gradient(ph_node *y, ph_node *const *x, size_t count, ph_node **out);

/* a W + b with W [width of a, n] and b [n]. Starts: Glorot and Bengio (2010) uniform for every
 * activation but the relu family, He et al. (2015) for that. */
ph_node *ph_linear(ph_scope *, ph_node *a, size_t n, const char *activation, bool bias);
/* "relu", "tanh", ...: applies it by name; "linear" is a itself. */
ph_node *ph_activation(ph_node *a, const char *name);
/* Zero with probability p and scaled by 1/(1-p) in training; a itself in use (Srivastava 2014). */
ph_node *ph_dropout(ph_node *a, double p);

/* Losses: one value a row, [1], summed over the row. "bce": nats, from logits; "mse": squared
 * error; "lp:P": sum of |y - x|^P. */
ph_node *ph_loss(const char *loss, ph_node *y, ph_node *x);

/* ---- Phases, reports, exports -------------------------------------------------------------- */

/* One phase of a training step: minimise the mean over rows of `loss` (or the whole scalar) by
 * changing the parameters of the scopes named in `train` (blank-separated prefixes; NULL: all).
 * Phases with epochs of their own prepare: they run one after the other, each alone, before training
 * proper, which is all the others, one after the other in every step, for the option `epochs`. Each has
 * an optimiser of its own, also on parameters that it shares with others. */
typedef struct ph_phase {
    ph_node *loss;
    const char *train;
    int64_t epochs;
    const char *name;          /* its loss is told as NAME_loss; NULL: loss2, loss3, ... The first one's
                                  is loss */
    double lr;                 /* 0: the option; moved by the schedule, but not where it prepares */
    double momentum;           /* of sgd and rmsprop, beta1 of adam. 0: the option; below 0: none */
    double weight_decay;       /* 0: the option; below 0: none */
    const char *unit;          /* of the loss; NULL: "summed over a row, mean over rows" */
} ph_phase;
/* Returns the number of the phase, from 0 on. */
int ph_add_phase(ph_graph *, const ph_phase *);
/* A figure of every epoch: mean over rows, or the whole scalar. unit says what it is. It is measured in
 * the first phase of training proper, or in the phase of that number. */
void ph_report(ph_graph *, const char *name, const char *unit, ph_node *value);
void ph_report_in(ph_graph *, int phase, const char *name, const char *unit, ph_node *value);
/* The mean over rows of each number of a value per row, kept in the training record as a list. At most
 * 512 numbers: more are not kept. */
void ph_report_each(ph_graph *, const char *name, const char *unit, ph_node *value);
/* Codes of rows, and as many draws of the prior that they should follow: how far they are apart becomes
 * a figure of every epoch and of eval. One pair for a graph. */
void ph_compare(ph_node *codes, ph_node *draws);
/* What a row becomes as words of a vocabulary: their numbers, from 0 to words - 1, in the shape in which
 * they stand, the last dimension being `books` where that is more than 1 (each has words of its own).
 * How often each word is used in a pass over rows, such as an epoch or that of eval, becomes the figures
 * codes_used and perplexity; of words that are frozen (made under ph_freeze), which no epoch changes, of eval
 * alone. One for a graph. */
void ph_count_words(ph_node *tokens, size_t words, size_t books);
/* Makes a function of the model: from input rows to value. */
void ph_export(ph_graph *, const char *name, ph_node *input, ph_node *value);

/* ---- A family of one's own ------------------------------------------------------------------ */

/* What a family is: a table of options, the struct they are read into, and a function that builds
 * the graph for rows x. Registered families work in ph_model_new and in model files. */
typedef struct ph_scaling ph_scaling;
typedef struct ph_family_desc {
    ph_family face;
    size_t options_size;
    void (*build)(ph_graph *, ph_node *x, const void *options);
    bool has_prior;            /* codes are standard normal: rows can be drawn by decoding such. A family
                                  with another prior exports draws of it as "prior", from rows; and where
                                  classes have parts of it, "prior-of", from classes, zeros with a one */
    /* The number of classes K where codes are blocks of K numbers, a one among zeros in each, and their
     * prior is uniform; 0 or NULL: codes are numbers. */
    size_t (*code_classes)(const void *options);
    /* Once, when a model is new: settles options that others, data or files decide, before the graph is
     * built; fills states from elsewhere, after that. NULL: there is nothing of the kind. */
    ph_status (*settle)(ph_settings *, const ph_data *);
    ph_status (*start)(ph_graph *, const void *options);
    /* A model may start with an earlier one, of `family`, whose file an option names: it has that one's
     * scaling, its `options` (blank-separated; NULL: all of its family's), and, in the scopes named
     * (blank-separated), its parameters and states. */
    struct {
        const char *option, *family, *options, *scopes;
    } earlier;
    /* Sets knobs before each step, by the epochs done so far (with a fraction); INFINITY: as they
     * come to be, which is what validation measures with. NULL: nothing moves. */
    void (*schedule)(ph_graph *, const void *options, double epoch);
    /* What is odd about an epoch's figures, as a plain sentence, or NULL. It is told when it comes up.
     * NULL: nothing is remarked. */
    const char *(*remark)(const ph_figures *);
    /* Sets the parameters from the data in closed form, instead of phases; NULL: trained. */
    ph_status (*fit)(ph_graph *, const ph_data *, const ph_scaling *);
    bool unit_rows;            /* scaled rows must lie in [0,1]: ph_model_new refuses others */
} ph_family_desc;
ph_status ph_family_register(const ph_family_desc *); /* the desc must stay where it is */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
