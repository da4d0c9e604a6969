/* op_nodes.h - constructors of nodes for the library's own use, beside the public ones. */
#ifndef PH_OP_OP_NODES_H
#define PH_OP_OP_NODES_H

#include "graph/graph.h"

/* softplus(a) - a b: the cross-entropy of a logit a and a target b, in nats. */
ph_node *ph_bce(ph_node *a, ph_node *b);
/* decay old + (1 - decay) new, and the same of new squared. */
ph_node *ph_average(ph_node *old, ph_node *new, double decay);
ph_node *ph_average_square(ph_node *old, ph_node *new, double decay);
/* w - rate m / (sqrt(v) scale + epsilon). */
ph_node *ph_adam_step(ph_node *w, ph_node *m, ph_node *v, ph_node *rate, ph_node *scale,
                      double epsilon);
/* a repeated to a shape that an element-wise operand may be broadcast to. */
ph_node *ph_copy_to(ph_node *a, const ph_shape *shape);
/* The node that carries an assignment out, for a program's list. That of ph_assign is marked by its flag,
 * and the trainer puts it on the list of a phase. */
ph_node *ph_assignment(ph_node *state, ph_node *value);

/* Every row, for the tests: an op without a test fails them. Element-wise ones are listed by their
 * lines; the others here. */
extern const ph_op *const ph_map_ops[];
#define PH_OTHER_OPS(X)                                                                            \
    X(product) X(product_over_rows) X(batched_product) \
    X(convolution) X(transposed_convolution) X(convolution_weight) X(sum_last) X(sum_rows) X(sum_leading) \
    X(pool_take) X(pool_spread) X(resample) X(resample_back) \
    X(max_last) X(softmax) X(causal_softmax) X(log_softmax) X(log_sum_exp) \
    X(reshape) X(stop_gradient) X(when_training) X(assign) \
    X(slice) X(pad) X(concatenate) X(spread) X(fold) X(swap_axes) \
    X(gather) X(scatter) X(take_lines) X(add_lines) X(smallest) X(nearest_entry) X(argmax_last) \
    X(one_hot) X(to_real) X(to_index) X(choose_lines) X(cluster_lines) \
    X(pick) X(largest) X(uniform_of) X(logistic_code) X(normal) X(uniform) \
    X(bernoulli)

#define PH_DECLARE(name) extern const ph_op ph_op_##name;
PH_OTHER_OPS(PH_DECLARE)
#undef PH_DECLARE

#endif
