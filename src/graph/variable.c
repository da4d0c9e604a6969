/* variable.c - the leaves of a graph: inputs, constants, knobs, and the parameters and states of scopes, with
 * their starting values.
 */
#include "graph/graph.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Leaves ---------------------------------------------------------------------------------- */

static const ph_op leaf = { .name = "leaf", .flags = PH_OP_LEAF };
static const ph_op index_leaf = { .name = "index", .flags = PH_OP_LEAF | PH_OP_INDEX };

ph_node *ph_leaf(ph_graph *graph, ph_variable_kind kind, const char *name, ph_shape shape)
{
    for (size_t i = 0; i < shape.rank; i++)
        if (shape.dim[i] == 0)
            return ph_mistake(graph, "%s: a dimension is 0", name);
    ph_variable *variable = ph_arena_take(&graph->arena, sizeof *variable);
    if (variable == NULL || (variable->name = ph_arena_text(&graph->arena, name)) == NULL)
        return ph_out_of_memory(graph);
    variable->kind = kind;
    variable->shape = shape;
    variable->size = ph_shape_size(&shape);
    if (kind != PH_VARIABLE_INPUT) {
        size_t bytes = (variable->size * sizeof(real) + 63) / 64 * 64;
        variable->data = aligned_alloc(64, bytes);
        if (variable->data == NULL)
            return ph_out_of_memory(graph);
        memset(variable->data, 0, bytes);
    }
    *graph->variable_end = variable;
    graph->variable_end = &variable->next;
    ph_node node = { .op = &leaf, .graph = graph, .shape = shape, .variable = variable };
    return variable->node = ph_node_append(graph, &node);
}

ph_variable *ph_variable_find(ph_graph *graph, const char *name)
{
    for (ph_variable *v = graph->variable; v; v = v->next)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

static bool shape_ok(ph_graph *graph, const char *name, size_t rank)
{
    if (rank >= 1 && rank <= PH_MAX_RANK)
        return true;
    ph_mistake(graph, "%s: a shape has 1 to %d dimensions, not %zu", name, PH_MAX_RANK, rank);
    return false;
}

static ph_node *input(ph_graph *graph, int set, const char *name, size_t rank, const size_t *dim)
{
    if (!shape_ok(graph, name, rank))
        return &graph->dead;
    ph_node *node = ph_leaf(graph, PH_VARIABLE_INPUT, name, ph_shape_of(set, rank, dim));
    if (!ph_is_dead(node))
        node->variable->slot = graph->input_count++;
    return node;
}

ph_node *ph_input(ph_graph *graph, const char *name, size_t rank, const size_t *shape)
{
    return input(graph, ++graph->set_count, name, rank, shape);
}

ph_node *ph_input_beside(ph_node *beside, const char *name, size_t rank, const size_t *shape)
{
    return ph_is_dead(beside) ? beside
                              : input(beside->graph, beside->shape.set, name, rank, shape);
}

ph_node *ph_index_input(ph_node *beside, const char *name)
{
    return ph_indices_input(beside, name, 1, (size_t[]){ 1 });
}

ph_node *ph_indices_input(ph_node *beside, const char *name, size_t rank, const size_t *shape)
{
    ph_node *node = ph_input_beside(beside, name, rank, shape);
    if (!ph_is_dead(node))
        node->op = &index_leaf;
    return node;
}

ph_node *ph_labels(ph_node *x, size_t classes)
{
    if (ph_is_dead(x))
        return x;
    if (x->graph->labels)
        return ph_mistake(x->graph, "labels: the graph takes some already");
    return x->graph->labels = ph_input_beside(x, "labels", 1, &classes);
}

ph_node *ph_labelled(ph_node *x)
{
    if (ph_is_dead(x))
        return x;
    if (x->graph->labelled)
        return ph_mistake(x->graph, "labelled: the graph has a second set of rows already");
    return x->graph->labelled = ph_input(x->graph, "labelled", x->shape.rank, x->shape.dim);
}

void ph_use_labels(ph_graph *graph, size_t count, bool apart)
{
    graph->labels_drawn = true;
    graph->labels_count = count;
    graph->labels_apart = apart;
}

static const ph_shape scalar = { .rank = 1, .dim = { 1 } };

ph_node *ph_constant(ph_graph *graph, double value)
{
    for (ph_variable *v = graph->variable; v; v = v->next)
        if (v->kind == PH_VARIABLE_CONSTANT && v->size == 1 && v->data[0] == (real)value)
            return v->node;
    char name[32];
    snprintf(name, sizeof name, "%g", value);
    ph_node *node = ph_leaf(graph, PH_VARIABLE_CONSTANT, name, scalar);
    if (!ph_is_dead(node))
        node->variable->data[0] = (real)value;
    return node;
}

ph_node *ph_constants(ph_graph *graph, const char *name, size_t rank, const size_t *shape,
                      const double *values)
{
    if (!shape_ok(graph, name, rank))
        return &graph->dead;
    ph_node *node = ph_leaf(graph, PH_VARIABLE_CONSTANT, name, ph_shape_of(0, rank, shape));
    for (size_t i = 0; !ph_is_dead(node) && i < node->variable->size; i++)
        node->variable->data[i] = (real)values[i];
    return node;
}

bool ph_is_constant(const ph_node *node, double *value)
{
    if (!node->variable || node->variable->kind != PH_VARIABLE_CONSTANT || node->variable->size != 1)
        return false;
    *value = (double)node->variable->data[0];
    return true;
}

ph_node *ph_knob(ph_graph *graph, const char *name, double value)
{
    ph_variable *old = ph_variable_find(graph, name);
    if (old && old->kind == PH_VARIABLE_KNOB)
        return old->node;
    ph_node *node = ph_leaf(graph, PH_VARIABLE_KNOB, name, scalar);
    if (!ph_is_dead(node))
        node->variable->data[0] = (real)value;
    return node;
}

void ph_knob_set(ph_graph *graph, const char *name, double value)
{
    ph_variable *knob = ph_variable_find(graph, name);
    if (knob && knob->kind == PH_VARIABLE_KNOB)
        knob->data[0] = (real)value;
}

ph_node *ph_inverse_rows(ph_node *x)
{
    if (ph_is_dead(x))
        return x;
    if (x->shape.set == 0)
        return ph_constant(x->graph, 1.0);
    char name[32];
    snprintf(name, sizeof name, "1/rows%d", x->shape.set);
    ph_variable *old = ph_variable_find(x->graph, name);
    if (old)
        return old->node;
    ph_node *node = ph_leaf(x->graph, PH_VARIABLE_INVERSE_ROWS, name, scalar);
    if (!ph_is_dead(node))
        node->variable->slot = x->shape.set;
    return node;
}

/* ---- Scopes, parameters, states -------------------------------------------------------------- */

ph_scope *ph_scope_of(ph_graph *graph, const char *name)
{
    for (ph_scope *s = graph->scope; s; s = s->next)
        if (strcmp(s->name, name) == 0)
            return s;
    ph_scope *scope = ph_arena_take(&graph->arena, sizeof *scope);
    if (scope == NULL || (scope->name = ph_arena_text(&graph->arena, name)) == NULL) {
        ph_out_of_memory(graph);
        return &graph->nowhere;
    }
    scope->graph = graph;
    scope->next = graph->scope;
    return graph->scope = scope;
}

void ph_scope_again(ph_scope *scope)
{
    scope->layers = 0;
    scope->again = true;
}

/* Starts are drawn by counter: number i of a variable depends on seed, ordinal and i alone. */
void ph_variable_start(ph_graph *graph, ph_variable *v)
{
    uint32_t key[2] = { (uint32_t)graph->seed, (uint32_t)(graph->seed >> 32) };
    for (size_t i = 0; i < v->size; i++) {
        uint32_t counter[4] = { (uint32_t)i, (uint32_t)(i >> 32), (uint32_t)v->ordinal,
                                0x57415254 };
        uint32_t bits[4];
        double u, value = v->start == PH_ONES;
        if (v->start == PH_UNIFORM || v->start == PH_NORMAL) {
            ph_philox(bits, counter, key);
            u = (bits[0] + 0.5) / 4294967296.0;
            value = v->start == PH_UNIFORM
                        ? v->range * (2 * u - 1)
                        : v->range * sqrt(-2 * log(u)) * cos(2 * M_PI * bits[1] / 4294967296.0);
        }
        v->data[i] = (real)value;
    }
}

static ph_node *kept(ph_scope *scope, ph_variable_kind kind, const char *name, size_t rank,
                     const size_t *shape, ph_start start, double range)
{
    ph_graph *graph = scope->graph;
    if (!shape_ok(graph, name, rank))
        return &graph->dead;
    char full[256];
    int length = snprintf(full, sizeof full, "%s%s%s", scope->name, scope->name[0] ? "/" : "", name);
    if (length >= (int)sizeof full)
        return ph_mistake(graph, "%s: the name is too long", name);
    ph_variable *old = ph_variable_find(graph, full);
    ph_shape wanted = ph_shape_of(0, rank, shape);
    if (old && scope->again && old->kind == kind && ph_shape_equal(&old->shape, &wanted))
        return old->node;
    if (old)
        return ph_mistake(graph, "%s: there is a parameter or state of that name already", full);
    size_t size = 1;
    for (size_t i = 0; i < rank; i++)
        if (__builtin_mul_overflow(size, shape[i], &size))
            size = SIZE_MAX;
    if (size > graph->room)
        return ph_mistake(graph, "%s: there is no room for %zu numbers", full, size);
    ph_node *node = ph_leaf(graph, kind, full, ph_shape_of(0, rank, shape));
    if (ph_is_dead(node))
        return node;
    graph->room -= size;
    node->variable->start = start;
    node->variable->range = range;
    node->variable->ordinal = graph->ordinal_count++;
    ph_variable_start(graph, node->variable);
    return node;
}

void ph_freeze(ph_graph *graph, bool frozen)
{
    graph->frozen = frozen;
}

ph_node *ph_parameter(ph_scope *scope, const char *name, size_t rank, const size_t *shape,
                      ph_start start, double range)
{
    ph_variable_kind kind = scope->graph->frozen ? PH_VARIABLE_STATE : PH_VARIABLE_PARAMETER;
    return kept(scope, kind, name, rank, shape, start, range);
}

ph_node *ph_state(ph_scope *scope, const char *name, size_t rank, const size_t *shape,
                  ph_start start)
{
    return kept(scope, PH_VARIABLE_STATE, name, rank, shape, start, 0);
}
