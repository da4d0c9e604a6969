/* gradient.c - derivatives as nodes of the same graph (reverse accumulation, Linnainmaa 1970).
 *
 * Ids are an order of computation, so going through them backwards meets every node after all of
 * its uses. The derivative of a node is itself made of nodes and can be differentiated again.
 */
#include "graph/graph.h"

#include <stdlib.h>

/* Marks the nodes that depend on one of x: only through these does a derivative have to flow. */
static void mark_paths(const ph_graph *graph, ph_node *const *x, size_t count, int last, bool *on)
{
    for (size_t i = 0; i < count; i++)
        on[x[i]->id] = true;
    for (int id = 0; id <= last; id++)
        for (int k = 0; k < graph->node[id]->input_count; k++)
            on[id] = on[id] || on[graph->node[id]->input[k]->id];
}

static void flow(ph_graph *graph, ph_node *y, const bool *on, ph_node **d)
{
    for (int id = y->id; id >= 0; id--) {
        ph_node *n = graph->node[id];
        if (d[id] == NULL || n->op->gradient == NULL || n->op->flags & PH_OP_LEAF)
            continue;
        bool wanted = false;
        for (int k = 0; k < n->input_count; k++)
            wanted = wanted || on[n->input[k]->id];
        if (!wanted)
            continue;
        ph_node *by_input[PH_MAX_INPUTS] = { NULL };
        n->op->gradient(n, d[id], by_input);
        for (int k = 0; k < n->input_count; k++) {
            ph_node *in = n->input[k];
            if (by_input[k] == NULL || !on[in->id])
                continue;
            ph_node *part = ph_sum_like(by_input[k], &in->shape);
            d[in->id] = d[in->id] ? ph_add(d[in->id], part) : part;
        }
    }
}

void ph_gradient(ph_node *y, ph_node *const *x, size_t count, ph_node **out)
{
    ph_graph *graph = y->graph;
    bool sound = !ph_is_dead(y);
    for (size_t i = 0; i < count; i++) {
        out[i] = &graph->dead;
        sound = sound && !ph_is_dead(x[i]);
    }
    if (!sound)
        return;
    if (y->shape.set != 0 || ph_shape_size(&y->shape) != 1) {
        char text[96];
        ph_mistake(graph, "gradient: of a whole scalar only, not of %s",
                   ph_shape_text(&y->shape, text));
        return;
    }
    size_t nodes = (size_t)graph->node_count;
    bool *on = calloc(nodes, sizeof *on);
    ph_node **d = calloc(nodes, sizeof *d);
    if (on == NULL || d == NULL) {
        ph_out_of_memory(graph);
    } else {
        mark_paths(graph, x, count, y->id, on);
        d[y->id] = ph_constant(graph, 1);
        flow(graph, y, on, d);
        for (size_t i = 0; i < count; i++)
            out[i] = x[i]->id <= y->id && d[x[i]->id]
                         ? ph_broadcast_to(d[x[i]->id], &x[i]->shape)
                         : ph_broadcast_to(ph_constant(graph, 0), &x[i]->shape);
    }
    free(on);
    free(d);
}
