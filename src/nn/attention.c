/* attention.c - self-attention and the transformer's block, over a sequence of n tokens, [n, d] per row.
 *
 *     attention    softmax(Q transpose(K) / sqrt(d / heads)) V for each head, with Q, K and V linear in
 *                  the tokens, and a linear layer over all heads (Vaswani et al. 2017)
 *     block        h = a + attention(norm(a)), h + mlp(norm(h)): norms come first (Xiong et al. 2020)
 */
#include "nn/nn.h"

#include <math.h>

/* Queries, keys and values, each [heads, n, d / heads]. */
typedef struct projections {
    ph_node *q, *k, *v;
    size_t n, d, each;
} projections;

/* Number `which` of the three, of all of them one after the other: equal pieces of a row. */
static ph_node *heads_of(ph_node *all, size_t which)
{
    const ph_shape *s = &all->shape;
    size_t size = ph_shape_size(s) / 3;
    return ph_reshape(ph_slice(ph_flatten(all), which * size, size), 3,
                      (size_t[]){ s->dim[0] / 3, s->dim[1], s->dim[2] });
}

static bool project(ph_scope *scope, ph_node *a, size_t heads, projections *p)
{
    if (ph_is_dead(a))
        return false;
    size_t n = a->shape.dim[0], d = ph_shape_columns(&a->shape);
    if (a->shape.rank != 2 || heads == 0 || d % heads != 0) {
        char text[96];
        ph_mistake(a->graph, "attention: %s is not a sequence of tokens of a width that %zu heads divide",
                   ph_shape_text(&a->shape, text), heads);
        return false;
    }
    size_t each = d / heads;
    ph_node *all = ph_reshape(ph_linear(scope, a, 3 * d, "linear", true), 3,
                              (size_t[]){ n, 3 * heads, each });
    all = ph_swap_axes(all, 0, 1);
    *p = (projections){ heads_of(all, 0), heads_of(all, 1), heads_of(all, 2), n, d, each };
    return true;
}

static ph_node *scores_of(const projections *p, ph_node *keys)
{
    return ph_scale(ph_batched_product(p->q, false, keys, true), 1 / sqrt((double)p->each));
}

/* How far the scores of tokens that nobody is to see are put down: their shares become 0. */
static const double hidden_by = 1e9;

static ph_node *hide(ph_node *scores, ph_node *seen)
{
    return ph_add(scores, ph_flatten(ph_scale(ph_shift(seen, -1), hidden_by)));
}

/* What all heads have mixed, [heads, n, d / heads], to [n, d]. */
static ph_node *join(ph_scope *scope, const projections *p, ph_node *mixed)
{
    mixed = ph_reshape(ph_swap_axes(mixed, 0, 1), 2, (size_t[]){ p->n, p->d });
    return ph_linear(scope, mixed, p->d, "linear", true);
}

/* seen: whether a token is, [n, 1] of zeros and ones; NULL: all are. */
static ph_node *attend(ph_scope *scope, ph_node *a, size_t heads, bool causal, ph_node *seen)
{
    projections p;
    if ((seen && ph_is_dead(seen)) || !project(scope, a, heads, &p))
        return &scope->graph->dead;
    ph_node *scores = scores_of(&p, p.k);
    scores = seen ? hide(scores, seen) : scores;
    ph_node *share = causal ? ph_causal_softmax(scores) : ph_softmax(scores);
    return join(scope, &p, ph_batched_product(share, false, p.v, false));
}

/* Lines [t, d] as [heads, t, d / heads]. */
static ph_node *by_head(ph_node *lines, size_t heads)
{
    size_t t = lines->shape.dim[0], d = ph_shape_columns(&lines->shape);
    return ph_swap_axes(ph_reshape(lines, 3, (size_t[]){ t, heads, d / heads }), 0, 1);
}

/* attend() of one token to itself and to those of a memory. */
static ph_node *recall(ph_scope *scope, ph_node *a, size_t heads, ph_memory *m)
{
    projections p;
    if (ph_is_dead(m->keys) || ph_is_dead(m->values) || !project(scope, a, heads, &p))
        return &scope->graph->dead;
    size_t t = m->keys->shape.dim[0];
    ph_node *own = ph_scale(ph_sum_last(ph_mul(p.q, p.k)), 1 / sqrt((double)p.each));
    ph_node *scores = hide(scores_of(&p, by_head(m->keys, heads)), m->seen);
    ph_node *share = ph_softmax(ph_concatenate(scores, own));
    ph_node *mixed = ph_batched_product(ph_slice(share, 0, t), false, by_head(m->values, heads), false);
    m->key = ph_flatten(p.k);
    m->value = ph_flatten(p.v);
    return join(scope, &p, ph_add(mixed, ph_mul(p.v, ph_slice(share, t, 1))));
}

ph_node *ph_attention(ph_scope *scope, ph_node *a, size_t heads, bool causal)
{
    return attend(scope, a, heads, causal, NULL);
}

static ph_node *block(ph_scope *scope, ph_node *a, size_t heads, size_t hidden, bool causal,
                      ph_node *seen, ph_memory *memory)
{
    if (ph_is_dead(a))
        return a;
    size_t d = ph_shape_columns(&a->shape);
    ph_node *normed = ph_norm(scope, a, "layer");
    ph_node *h = ph_add(a, memory ? recall(scope, normed, heads, memory)
                                  : attend(scope, normed, heads, causal, seen));
    ph_node *inner = ph_gelu(ph_linear(scope, ph_norm(scope, h, "layer"), hidden, "gelu", true));
    return ph_add(h, ph_linear(scope, inner, d, "linear", true));
}

ph_node *ph_transformer_block(ph_scope *scope, ph_node *a, size_t heads, size_t hidden, bool causal)
{
    return block(scope, a, heads, hidden, causal, NULL, NULL);
}

ph_node *ph_transformer_block_of_seen(ph_scope *scope, ph_node *a, size_t heads, size_t hidden,
                                      ph_node *seen)
{
    return block(scope, a, heads, hidden, false, seen, NULL);
}

ph_node *ph_transformer_block_of_one(ph_scope *scope, ph_node *a, size_t heads, size_t hidden,
                                     ph_memory *memory)
{
    memory->key = memory->value = &scope->graph->dead; /* Where there is no block, nothing is left. */
    return block(scope, a, heads, hidden, true, NULL, memory);
}
