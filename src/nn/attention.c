/* attention.c - self-attention and the transformer's block, over a sequence of n tokens, [n, d] per row.
 *
 *     attention    softmax(Q transpose(K) / sqrt(d / heads)) V for each head, with Q, K and V linear in
 *                  the tokens, and a linear layer over all heads (Vaswani et al. 2017)
 *     block        h = a + attention(norm(a)), h + mlp(norm(h)): norms come first (Xiong et al. 2020)
 */
#include "nn/nn.h"

#include <math.h>

/* Number `which` of the queries, keys and values, [heads, n, d / heads], of all of them one after the
 * other: equal pieces of a row. */
static ph_node *heads_of(ph_node *all, size_t which)
{
    const ph_shape *s = &all->shape;
    size_t size = ph_shape_size(s) / 3;
    return ph_reshape(ph_slice(ph_flatten(all), which * size, size), 3,
                      (size_t[]){ s->dim[0] / 3, s->dim[1], s->dim[2] });
}

/* How far the scores of tokens that nobody is to see are put down: their shares become 0. */
static const double hidden_by = 1e9;

/* seen: whether a token is, [n, 1] of zeros and ones; NULL: all are. */
static ph_node *attend(ph_scope *scope, ph_node *a, size_t heads, bool causal, ph_node *seen)
{
    if (ph_is_dead(a) || (seen && ph_is_dead(seen)))
        return &a->graph->dead;
    size_t n = a->shape.dim[0], d = ph_shape_columns(&a->shape);
    if (a->shape.rank != 2 || heads == 0 || d % heads != 0) {
        char text[96];
        return ph_mistake(a->graph, "attention: %s is not a sequence of tokens of a width that %zu "
                          "heads divide", ph_shape_text(&a->shape, text), heads);
    }
    size_t each = d / heads;
    ph_node *all = ph_reshape(ph_linear(scope, a, 3 * d, "linear", true), 3,
                              (size_t[]){ n, 3 * heads, each });
    all = ph_swap_axes(all, 0, 1);
    ph_node *q = heads_of(all, 0), *k = heads_of(all, 1), *v = heads_of(all, 2);
    ph_node *scores = ph_scale(ph_batched_product(q, false, k, true), 1 / sqrt((double)each));
    if (seen)
        scores = ph_add(scores, ph_flatten(ph_scale(ph_shift(seen, -1), hidden_by)));
    ph_node *share = causal ? ph_causal_softmax(scores) : ph_softmax(scores);
    ph_node *mixed = ph_swap_axes(ph_batched_product(share, false, v, false), 0, 1);
    return ph_linear(scope, ph_reshape(mixed, 2, (size_t[]){ n, d }), d, "linear", true);
}

ph_node *ph_attention(ph_scope *scope, ph_node *a, size_t heads, bool causal)
{
    return attend(scope, a, heads, causal, NULL);
}

static ph_node *block(ph_scope *scope, ph_node *a, size_t heads, size_t hidden, bool causal,
                      ph_node *seen)
{
    if (ph_is_dead(a))
        return a;
    size_t d = ph_shape_columns(&a->shape);
    ph_node *h = ph_add(a, attend(scope, ph_norm(scope, a, "layer"), heads, causal, seen));
    ph_node *inner = ph_gelu(ph_linear(scope, ph_norm(scope, h, "layer"), hidden, "gelu", true));
    return ph_add(h, ph_linear(scope, inner, d, "linear", true));
}

ph_node *ph_transformer_block(ph_scope *scope, ph_node *a, size_t heads, size_t hidden, bool causal)
{
    return block(scope, a, heads, hidden, causal, NULL);
}

ph_node *ph_transformer_block_of_seen(ph_scope *scope, ph_node *a, size_t heads, size_t hidden,
                                      ph_node *seen)
{
    return block(scope, a, heads, hidden, false, seen);
}
