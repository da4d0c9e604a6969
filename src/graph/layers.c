/* layers.c - what each layer of a program costs: its calls are timed, and told apart by the weight that
 * they read, and by whether the loss or a figure depends on them (forward) or an update alone (backward).
 */
#include "graph/program.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double ph_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What the outputs and the guard depend on, by id; nodes come after all they read. */
static void mark_forward(const ph_program *p, bool *forward)
{
    for (int i = 0; i < p->output_count; i++)
        forward[p->output[i]->id] = true;
    if (p->guard)
        forward[p->guard->id] = true;
    for (int id = p->value_count - 1; id >= 0; id--)
        for (int i = 0; forward[id] && i < p->graph->node[id]->input_count; i++)
            forward[p->graph->node[id]->input[i]->id] = true;
}

static bool is_forward(const ph_call *call, const bool *forward)
{
    bool any = call->node && forward[call->node->id];
    for (int i = 0; i < call->group.node_count && !call->node; i++)
        any = any || forward[call->group.node[i]->id];
    return any;
}

static bool has_flops(const ph_call *call)
{
    return call && call->node && call->op->flops;
}

static const ph_variable *input_variable(const ph_program *p, const ph_node *n, int i)
{
    const ph_variable *v = p->root[n->input[i]->id]->variable;
    bool weight = v && (v->kind == PH_VARIABLE_PARAMETER || v->kind == PH_VARIABLE_STATE);
    return weight ? v : NULL;
}

static const ph_variable *weight_of(const ph_program *p, const ph_node *n)
{
    const ph_variable *found = NULL;
    for (int i = n->input_count - 1; i >= 0 && !found; i--)
        found = input_variable(p, n, i);
    return found;
}

/* Whether a product reads the weight and, beside it, that value. */
static bool meets(const ph_program *p, const ph_variable *weight, const ph_node *value)
{
    for (int c = 0; c < p->call_count; c++) {
        const ph_node *n = p->call[c]->node;
        if (!has_flops(p->call[c]) || weight_of(p, n) != weight)
            continue;
        for (int i = 0; i < n->input_count; i++)
            if (p->root[n->input[i]->id] == p->root[value->id])
                return true;
    }
    return false;
}

/* A call that makes the derivative of a weight does not read it; it reads the rows that met it, and the
 * derivatives of what came of these, which meet it on their way back. Of weights of equal size on the same
 * rows the second tells which it is. */
static const ph_variable *weight_from(const ph_program *p, const ph_node *derivative)
{
    const ph_variable *best = NULL;
    for (int c = 0, most = 0; c < p->call_count; c++) {
        const ph_variable *v = has_flops(p->call[c]) ? weight_of(p, p->call[c]->node) : NULL;
        int met = 0;
        for (int i = 0; v && v->size == ph_shape_size(&derivative->shape) && i < derivative->input_count; i++)
            met += meets(p, v, derivative->input[i]);
        best = met > most ? v : best;
        most = met > most ? met : most;
    }
    return best;
}

/* "encoder/0" of "encoder/0/weight". */
static char *layer_name(ph_program *p, const ph_variable *v)
{
    char *name = ph_arena_text(&p->memory, v->name), *slash = name ? strrchr(name, '/') : NULL;
    if (slash && strcmp(slash, "/weight") == 0)
        *slash = '\0';
    return name;
}

/* The layer of that name, one more where there is none yet. NULL: out of memory. */
static ph_layer_cost *layer_of(ph_program *p, const ph_call *call)
{
    const ph_variable *v = weight_of(p, call->node);
    v = v ? v : weight_from(p, call->node);
    const char *name = v ? layer_name(p, v) : call->op->name;
    ph_timing *t = p->timing;
    for (size_t i = 1; name && i < t->layers; i++)
        if (strcmp(t->layer[i].name, name) == 0)
            return &t->layer[i];
    if (name == NULL)
        return NULL;
    const ph_shape *s = v ? &v->shape : &call->node->shape;
    ph_layer_cost *l = &t->layer[t->layers++];
    l->name = name;
    l->rank = (size_t)s->rank;
    for (size_t i = 0; i < l->rank; i++)
        l->shape[i] = s->dim[i];
    return l;
}

static ph_status assign_calls(ph_program *p, const bool *forward)
{
    ph_timing *t = p->timing;
    for (int c = 0; c < p->call_count; c++) {
        const ph_call *call = p->call[c];
        int back = !is_forward(call, forward);
        ph_layer_cost *l = has_flops(call) ? layer_of(p, call) : &t->layer[0];
        if (l == NULL)
            return ph_fail(PH_MEMORY, "out of memory for the times of layers");
        bool per_row = call->node && (call->node->shape.set || call->node->input[0]->shape.set);
        if (has_flops(call) && per_row)
            l->flops_per_row[back] += call->op->flops(call->node);
        for (int s = 0; s < p->step_count; s++)
            if (p->step[s].call == call)
                t->slot[s] = (int)(l - t->layer) * 2 + back;
    }
    return PH_OK;
}

ph_status ph_program_time(ph_program *p, const char *phase)
{
    ph_arena *m = &p->memory;
    ph_timing *t = ph_arena_take(m, sizeof *t);
    bool *forward = calloc((size_t)p->value_count + 1, sizeof *forward);
    bool ok = t && forward && (t->spent = ph_arena_take(m, ((size_t)p->step_count + 1) * sizeof *t->spent)) &&
              (t->slot = ph_arena_take(m, ((size_t)p->step_count + 1) * sizeof *t->slot)) &&
              (t->layer = ph_arena_take(m, ((size_t)p->call_count + 1) * sizeof *t->layer));
    ph_status status = ok ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the times of layers");
    if (ok) {
        p->timing = t;
        t->layers = 1;
        t->layer[0].name = "";
        mark_forward(p, forward);
        status = assign_calls(p, forward);
        for (size_t i = 0; i < t->layers; i++)
            t->layer[i].phase = phase;
    }
    free(forward);
    return status;
}

const ph_layer_cost *ph_program_layers(ph_program *p, size_t *count)
{
    ph_timing *t = p->timing;
    for (size_t i = 0; i < t->layers; i++)
        t->layer[i].seconds[0] = t->layer[i].seconds[1] = 0;
    for (int s = 0; s < p->step_count; s++)
        t->layer[t->slot[s] / 2].seconds[t->slot[s] % 2] += t->spent[s];
    *count = t->layers;
    return t->layer;
}
