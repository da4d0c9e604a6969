/* attention.c - self-attention and the transformer's block, over a sequence of n tokens, [n, d] per row, or
 * over several of them, [s, n, d].
 *
 *     attention    softmax(Q transpose(K) / sqrt(d / heads)) V for each head, with Q, K and V linear in
 *                  the tokens, and a linear layer over all heads (Vaswani et al. 2017)
 *     block        h = a + attention(norm(a)), h + mlp(norm(h)): norms come first (Xiong et al. 2020)
 */
#include "nn/nn.h"

#include <math.h>

/* Queries, keys and values, each [s * heads, n, d / heads]. */
typedef struct projections {
    ph_node *q, *k, *v;
    const ph_shape *shape;     /* of the sequences */
    size_t heads, n, d, each;
} projections;

/* Number `which` of the three, of [s, 3 * heads, n, each]: equal pieces of each sequence's numbers. */
static ph_node *heads_of(ph_node *all, size_t which)
{
    if (ph_is_dead(all))
        return all;
    const size_t *s = all->shape.dim;
    size_t size = s[1] / 3 * s[2] * s[3];
    ph_node *lines = ph_reshape(all, 2, (size_t[]){ s[0], 3 * size });
    return ph_reshape(ph_slice(lines, which * size, size), 3, (size_t[]){ s[0] * s[1] / 3, s[2], s[3] });
}

static bool project(ph_scope *scope, ph_node *a, size_t heads, projections *p)
{
    if (ph_is_dead(a))
        return false;
    size_t rank = a->shape.rank, n = rank < 2 ? 0 : a->shape.dim[rank - 2], d = ph_shape_columns(&a->shape);
    if (rank < 2 || rank > 3 || heads == 0 || d % heads != 0) {
        char text[96];
        ph_mistake(a->graph, "attention: %s is not a sequence of tokens of a width that %zu heads divide",
                   ph_shape_text(&a->shape, text), heads);
        return false;
    }
    size_t sequences = rank == 3 ? a->shape.dim[0] : 1, each = d / heads;
    ph_node *all = ph_reshape(ph_linear(scope, a, 3 * d, "linear", true), 4,
                              (size_t[]){ sequences, n, 3 * heads, each });
    all = ph_swap_axes(all, 1, 2);
    *p = (projections){ heads_of(all, 0), heads_of(all, 1), heads_of(all, 2), &a->shape, heads, n, d, each };
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

/* What all heads have mixed, [s * heads, n, d / heads], as the sequences are. */
static ph_node *join(ph_scope *scope, const projections *p, ph_node *mixed)
{
    size_t sequences = p->shape->rank == 3 ? p->shape->dim[0] : 1;
    mixed = ph_reshape(mixed, 4, (size_t[]){ sequences, p->heads, p->n, p->each });
    mixed = ph_reshape(ph_swap_axes(mixed, 1, 2), p->shape->rank, p->shape->dim);
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
