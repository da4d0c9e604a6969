/* compile.c - from the nodes that are asked for to a list of calls.
 *
 * A call is one op that runs by itself, a group of element-wise nodes, or a tiled op (a matrix
 * product) that carries a group as its epilogue. Nodes are placed when something asks for them:
 * together with all unplaced element-wise nodes they depend on (their cone), in the earliest call
 * where everything they read is there. So relu(x W + b) runs on the tiles of x W, and so does the
 * update of W on the tiles of its gradient, by the same rule and without a pattern being named.
 *
 * Values needed by nobody outside their call never reach memory.
 */
#include "graph/program.h"

#include "base/product.h"

#include <stdlib.h>
#include <string.h>

/* What placing needs to know about each node while it goes on. */
typedef struct placing {
    ph_program *program;
    bool *needed;
    int *call;                 /* -1: not placed yet, or a leaf */
    ph_node **cone;
    int cone_count;
    bool *in_cone;
    int *settled, round;       /* marks of settle() */
    bool *asked;               /* outputs: placed in the order they were built */
    ph_node *guard;
} placing;

static bool is_leaf(const ph_program *p, const ph_node *n)
{
    return (n->op->flags & PH_OP_LEAF) || p->value[n->id].bound >= 0;
}

static ph_node *root_of(const ph_program *p, ph_node *n)
{
    while (p->value[n->id].bound < 0 && n->op->flags & (PH_OP_VIEW | PH_OP_CHOICE))
        n = n->input[n->op->flags & PH_OP_CHOICE && !p->training ? 1 : 0];
    return n;
}

static bool is_sum(const ph_node *n)
{
    return n->op->flags & (PH_OP_SUM_LAST | PH_OP_SUM_ROWS);
}

static bool is_map(const ph_node *n)
{
    return n->op->flags & (PH_OP_MAP | PH_OP_NOISE | PH_OP_ASSIGN);
}

static const ph_shape *domain_of(const ph_node *n)
{
    return is_sum(n) ? &n->input[0]->shape : &n->shape;
}

static bool domains_equal(const ph_shape *a, const ph_shape *b)
{
    return a->set == b->set && ph_shape_lead(a) == ph_shape_lead(b) &&
           ph_shape_columns(a) == ph_shape_columns(b);
}

static void mark_needed(placing *s, ph_node *n)
{
    n = root_of(s->program, n);
    if (s->needed[n->id])
        return;
    s->needed[n->id] = true;
    for (int i = 0; !is_leaf(s->program, n) && i < n->input_count; i++)
        mark_needed(s, n->input[i]);
}

static ph_call *new_call(placing *s, ph_node *node, const ph_shape *domain)
{
    ph_program *p = s->program;
    ph_call *call = ph_arena_take(&p->memory, sizeof *call);
    if (call == NULL)
        return NULL;
    call->program = p;
    call->node = node;
    call->op = node ? node->op : NULL;
    call->group.domain = *domain;
    p->call[p->call_count++] = call;
    return call;
}

static bool takes_group(const ph_call *call)
{
    return call->op == NULL || call->op->flags & PH_OP_TILED;
}

/* Whether everything node n reads is there when call number c runs its group. */
static bool may_join(const placing *s, const ph_node *n, int c)
{
    const ph_program *p = s->program;
    const ph_shape *domain = domain_of(n);
    for (int i = 0; i < n->input_count; i++) {
        if (n->op->flags & PH_OP_ASSIGN && i == 0)
            continue;
        ph_node *in = n->input[i], *root = root_of(p, in);
        if (is_leaf(p, root) || s->in_cone[root->id] || s->call[root->id] < c)
            continue;
        if (s->call[root->id] > c || is_sum(root) ||
            ph_shape_fit(&in->shape, domain) != PH_FIT_FULL ||
            !domains_equal(domain_of(root), domain))
            return false;
    }
    if (!(n->op->flags & PH_OP_ASSIGN))
        return true;
    if (s->guard && c <= s->call[s->guard->id])
        return false;
    /* An assignment waits for every reader of the old value. */
    const ph_node *state = n->input[0];
    for (int id = 0; id < p->graph->node_count; id++) {
        const ph_node *reader = p->graph->node[id];
        if (!s->needed[id] || reader == n || is_leaf(p, reader))
            continue;
        for (int i = 0; i < reader->input_count; i++)
            if (root_of(p, reader->input[i]) == state && !s->in_cone[id] &&
                (s->call[id] > c || (s->call[id] == c && !is_map(reader))))
                return false;
    }
    return true;
}

static bool add_to_group(placing *s, ph_call *call, ph_node *n)
{
    ph_group *g = &call->group;
    if (g->node_count == g->node_capacity) {
        int capacity = g->node_capacity ? 2 * g->node_capacity : 8;
        ph_node **grown = ph_arena_take(&s->program->memory, (size_t)capacity * sizeof grown[0]);
        if (grown == NULL)
            return false;
        if (g->node_count)
            memcpy(grown, g->node, (size_t)g->node_count * sizeof grown[0]);
        g->node = grown;
        g->node_capacity = capacity;
    }
    g->node[g->node_count++] = n;
    call->assigns = call->assigns || n->op->flags & PH_OP_ASSIGN;
    return true;
}

static bool place(placing *s, ph_node *n);

/* Whether input i of n, not placed yet, belongs into the cone of n. */
static bool goes_along(const placing *s, const ph_node *n, int i)
{
    const ph_node *in = n->input[i], *root = root_of(s->program, n->input[i]);
    return is_map(root) && domains_equal(&root->shape, domain_of(n)) &&
           ph_shape_fit(&in->shape, domain_of(n)) == PH_FIT_FULL;
}

static bool is_placed(const placing *s, const ph_node *n, int i)
{
    const ph_node *root = root_of(s->program, n->input[i]);
    return is_leaf(s->program, root) || s->call[root->id] >= 0 ||
           (n->op->flags & PH_OP_ASSIGN && i == 0);
}

/* Places what the cone of n reads from other domains. This comes before the cone is gathered, since
 * such an input may itself depend on nodes that would be in the cone. */
static bool settle(placing *s, ph_node *n, int round)
{
    s->settled[n->id] = round;
    for (int i = 0; i < n->input_count; i++) {
        ph_node *root = root_of(s->program, n->input[i]);
        if (is_placed(s, n, i) || s->settled[root->id] == round)
            continue;
        if (goes_along(s, n, i) ? !settle(s, root, round) : !place(s, root))
            return false;
    }
    return true;
}

static void gather_cone(placing *s, ph_node *n)
{
    s->in_cone[n->id] = true;
    for (int i = 0; i < n->input_count; i++) {
        ph_node *root = root_of(s->program, n->input[i]);
        if (!is_placed(s, n, i) && !s->in_cone[root->id])
            gather_cone(s, root);
    }
    s->cone[s->cone_count++] = n;
}

static bool place_cone(placing *s, ph_node *n)
{
    ph_program *p = s->program;
    int begin = s->cone_count;
    if (!settle(s, n, ++s->round))
        return false;
    if (s->call[n->id] >= 0)
        return true;
    gather_cone(s, n);
    int c = 0;
    for (; c < p->call_count; c++) {
        bool joins = takes_group(p->call[c]) && domains_equal(&p->call[c]->group.domain,
                                                              domain_of(n));
        for (int i = begin; joins && i < s->cone_count; i++)
            joins = may_join(s, s->cone[i], c);
        if (joins)
            break;
    }
    if (c == p->call_count && !new_call(s, NULL, domain_of(n)))
        return false;
    for (int i = begin; i < s->cone_count; i++) {
        s->call[s->cone[i]->id] = c;
        s->in_cone[s->cone[i]->id] = false;
        if (!add_to_group(s, p->call[c], s->cone[i]))
            return false;
    }
    s->cone_count = begin;
    return true;
}

static bool place(placing *s, ph_node *n)
{
    if (is_leaf(s->program, n) || s->call[n->id] >= 0)
        return true;
    if (is_map(n) || is_sum(n))
        return place_cone(s, n);
    for (int i = 0; i < n->input_count; i++)
        if (!place(s, root_of(s->program, n->input[i])))
            return false;
    if (!new_call(s, n, &n->shape))
        return false;
    s->call[n->id] = s->program->call_count - 1;
    return true;
}

static bool place_all(placing *s, const ph_program_desc *d)
{
    ph_program *p = s->program;
    ph_graph *graph = p->graph;
    /* The first call takes the scalars that depend on nothing but leaves, such as a rate with its
     * schedule, so that they never keep an update from joining the call that makes its gradient. */
    if (!new_call(s, NULL, &(ph_shape){ .rank = 1, .dim = { 1 } }))
        return false;
    for (int id = 0; id < graph->node_count; id++)
        if (s->needed[id] && (!is_map(graph->node[id]) || s->asked[id]) &&
            root_of(p, graph->node[id]) == graph->node[id] && !place(s, graph->node[id]))
            return false;
    for (int i = 0; i < d->assign_count; i++) {
        for (int id = 0; id < graph->node_count; id++) {
            ph_node *reader = graph->node[id];
            for (int k = 0; s->needed[id] && k < reader->input_count; k++)
                if (!(reader->op->flags & PH_OP_ASSIGN) && !is_leaf(p, reader) &&
                    root_of(p, reader->input[k]) == d->assigns[i]->input[0] && !place(s, reader))
                    return false;
        }
        if (!place(s, d->assigns[i]))
            return false;
    }
    return true;
}

/* A value is stored when a call other than its own reads it, or the caller wants it. */
static void decide_memory(placing *s, const ph_program_desc *d)
{
    ph_program *p = s->program;
    for (int id = 0; id < p->graph->node_count; id++) {
        ph_node *n = p->graph->node[id];
        if (!s->needed[id] || is_leaf(p, n))
            continue;
        if (is_sum(n) || !(is_map(n) || n->op->flags & PH_OP_TILED))
            p->value[id].stored = true;
        for (int i = 0; i < n->input_count; i++) {
            ph_node *root = root_of(p, n->input[i]);
            if (!is_leaf(p, root) && (s->call[root->id] != s->call[id] || !(is_map(n) || is_sum(n))))
                p->value[root->id].stored = true;
        }
    }
    for (int i = 0; i < d->output_count; i++) {
        ph_node *root = root_of(p, d->outputs[i]);
        p->value[root->id].stored = !is_leaf(p, root);
    }
    if (s->guard)
        p->value[s->guard->id].stored = !is_leaf(p, s->guard);
}

static bool check_use(ph_program *p, const ph_program_desc *d)
{
    for (int i = 0; i < p->graph->node_count; i++) {
        ph_node *n = p->graph->node[i];
        if (n->variable && n->variable->kind == PH_VARIABLE_INPUT && p->value[i].bound < 0) {
            /* Only an input that is really read must be fed: mark_needed has left its mark. */
            if (p->value[i].stored) {
                ph_fail(PH_MODEL, "input '%s' is needed but not fed", n->variable->name);
                return false;
            }
        }
    }
    for (int i = 0; i < d->assign_count; i++)
        if (!(d->assigns[i]->input[0]->op->flags & PH_OP_LEAF) ||
            !ph_shape_equal(&d->assigns[i]->input[0]->shape, &d->assigns[i]->shape)) {
            ph_fail(PH_MODEL, "assign: the target must be a parameter or state of equal shape");
            return false;
        }
    return true;
}

static ph_status compile(ph_program *p, placing *s, const ph_program_desc *d)
{
    for (int i = 0; i < p->graph->node_count; i++)
        s->call[i] = -1;
    for (int i = 0; i < d->output_count; i++)
        mark_needed(s, d->outputs[i]);
    for (int i = 0; i < d->assign_count; i++)
        mark_needed(s, d->assigns[i]);
    if (d->guard) {
        mark_needed(s, d->guard);
        p->guard = s->guard = root_of(p, d->guard);
        s->asked[s->guard->id] = true;
    }
    for (int i = 0; i < d->output_count; i++)
        s->asked[root_of(p, d->outputs[i])->id] = true;
    for (int i = 0; i < p->graph->node_count; i++) {
        ph_node *n = p->graph->node[i];
        p->root[i] = root_of(p, n);
        p->value[i].stored = s->needed[i] && n->variable &&
                             n->variable->kind == PH_VARIABLE_INPUT;
    }
    if (!check_use(p, d))
        return PH_MODEL;
    if (!place_all(s, d))
        return ph_fail(PH_MEMORY, "out of memory while compiling a program");
    for (int i = 0; i < p->graph->node_count; i++)
        p->value[i].stored = false;
    decide_memory(s, d);
    int kept = 0;
    for (int c = 0; c < p->call_count; c++)
        if (p->call[c]->op || p->call[c]->group.node_count)
            p->call[kept++] = p->call[c];
    p->call_count = kept;
    for (int c = 0; c < p->call_count; c++) {
        ph_call *call = p->call[c];
        call->stored = call->node && p->value[call->node->id].stored;
        PH_TRY(ph_group_compile(call));
    }
    return ph_plan(p);
}

ph_program *ph_compile(ph_graph *graph, const ph_program_desc *d)
{
    if (ph_graph_status(graph) != PH_OK)
        return NULL;
    ph_program *p = calloc(1, sizeof *p);
    if (p == NULL) {
        ph_fail(PH_MEMORY, "out of memory while compiling a program");
        return NULL;
    }
    size_t nodes = (size_t)graph->node_count;
    p->graph = graph;
    p->training = d->training;
    p->value_count = graph->node_count;
    p->seed = graph->seed;
    for (int i = 0; i < PH_MAX_SETS; i++)
        p->max_rows[i] = p->rows[i] = i ? d->max_rows : 1;
    placing s = { .program = p };
    size_t pointers = (size_t)(d->feed_count + d->output_count);
    ph_arena *m = &p->memory;
    bool ok = (p->call = ph_arena_take(m, 2 * nodes * sizeof p->call[0] + 64)) &&
              (p->value = ph_arena_take(m, nodes * sizeof p->value[0])) &&
              (p->root = ph_arena_take(m, nodes * sizeof p->root[0])) &&
              (p->feed = ph_arena_take(m, pointers * sizeof p->feed[0])) &&
              (s.needed = ph_arena_take(m, nodes * sizeof s.needed[0])) &&
              (s.call = ph_arena_take(m, nodes * sizeof s.call[0])) &&
              (s.cone = ph_arena_take(m, nodes * sizeof s.cone[0])) &&
              (s.settled = ph_arena_take(m, nodes * sizeof s.settled[0])) &&
              (s.asked = ph_arena_take(m, nodes * sizeof s.asked[0])) &&
              (s.in_cone = ph_arena_take(m, nodes * sizeof s.in_cone[0]));
    if (!ok) {
        ph_fail(PH_MEMORY, "out of memory while compiling a program");
        ph_program_free(p);
        return NULL;
    }
    p->output = p->feed + d->feed_count;
    p->feed_count = d->feed_count;
    p->output_count = d->output_count;
    for (size_t i = 0; i < nodes; i++)
        p->value[i].bound = -1;
    for (int i = 0; i < d->feed_count; i++) {
        p->feed[i] = d->feeds[i];
        p->value[d->feeds[i]->id].bound = i;
    }
    for (int i = 0; i < d->output_count; i++)
        p->output[i] = d->outputs[i];
    if (compile(p, &s, d) != PH_OK) {
        ph_program_free(p);
        return NULL;
    }
    return p;
}

void ph_program_free(ph_program *p)
{
    if (p == NULL)
        return;
    free(p->arena);
    free(p->scratch);
    ph_arena_free(&p->memory);
    free(p);
}
