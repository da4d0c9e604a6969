/* optimizer.c - the updates, written as formulas over nodes. The engine fuses them into whatever
 * computes the gradient.
 *
 *     sgd       u = momentum u + g;  w = w - lr u        (nesterov: w - lr (g + momentum u))
 *     rmsprop   v = b2 v + (1 - b2) g^2;  w = w - lr g / (sqrt(v) + eps)   (Tieleman, Hinton 2012)
 *     adam      m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2, both corrected for their start
 *               w = w - lr m / (sqrt(v) + eps)           (Kingma and Ba 2015)
 *     adamw     adam, and w shrinks by lr * weight_decay (Loshchilov and Hutter 2019)
 */
#include "train/train.h"

#include "op/op_nodes.h"

#include <math.h>
#include <string.h>

/* What all updates of a phase share: whole scalars. */
typedef struct rates {
    ph_node *rate;             /* lr */
    ph_node *corrected;        /* lr / (1 - b1^t) */
    ph_node *scale;            /* 1 / sqrt(1 - b2^t) */
    ph_node *keep;             /* 1 - lr * weight_decay */
    ph_node *average;          /* 1 - decay of the averaged weights at this step */
} rates;

typedef struct emitter {
    ph_graph *graph;
    int phase;
    bool **reached;            /* of each phase from this one on: what its loss depends on */
    const ph_trainer_options *o;
    ph_scope *scope;
    rates shared;
    ph_update *update;
} emitter;

static void assign(emitter *e, ph_node *state, ph_node *value)
{
    e->update->assign[e->update->count++] = ph_assignment(state, value);
}

static ph_node *state_like(emitter *e, const ph_variable *w, const char *what)
{
    char name[200];
    snprintf(name, sizeof name, "%s/%s", w->name, what);
    return ph_state(e->scope, name, w->shape.rank, w->shape.dim, PH_ZEROS);
}

/* 1 - decay^t, without the cancellation that exp would bring: 1 - e^x = -2 h / (1 - h) with
 * h = tanh(x / 2). */
static ph_node *one_minus_power(ph_node *t, double decay)
{
    ph_node *h = ph_tanh(ph_scale(t, 0.5 * log(decay)));
    return ph_div(ph_scale(h, -2), ph_shift(ph_neg(h), 1));
}

static void share_rates(emitter *e, ph_node *rate)
{
    const ph_trainer_options *o = e->o;
    ph_node *step = ph_state(e->scope, "step", 1, (size_t[]){ 1 }, PH_ZEROS);
    ph_node *t = ph_shift(step, 1);
    assign(e, step, t);
    ph_node *one = ph_constant(e->graph, 1);
    e->shared.rate = rate;
    e->shared.corrected = o->beta1 > 0 ? ph_div(rate, one_minus_power(t, o->beta1)) : rate;
    e->shared.scale = o->beta2 > 0 ? ph_div(one, ph_sqrt(one_minus_power(t, o->beta2))) : one;
    e->shared.keep = ph_shift(ph_scale(rate, -o->weight_decay), 1);
    /* Early averages forget faster, so that the random start does not linger. */
    ph_node *early = ph_div(ph_shift(t, 1), ph_shift(t, 10));
    e->shared.average = ph_shift(ph_neg(ph_min(early, ph_constant(e->graph, o->average))), 1);
}

static ph_node *sgd(emitter *e, const ph_variable *w, ph_node *g)
{
    if (e->o->momentum > 0) {
        ph_node *u = state_like(e, w, "momentum");
        ph_node *next = ph_add(ph_scale(u, e->o->momentum), g);
        assign(e, u, next);
        g = e->o->nesterov ? ph_add(g, ph_scale(next, e->o->momentum)) : next;
    }
    return ph_sub(w->node, ph_mul(g, e->shared.rate));
}

static ph_node *rmsprop(emitter *e, const ph_variable *w, ph_node *g)
{
    ph_node *v = state_like(e, w, "square");
    ph_node *next = ph_average_square(v, g, e->o->beta2);
    assign(e, v, next);
    return sgd(e, w, ph_div(g, ph_shift(ph_sqrt(next), e->o->epsilon)));
}

static ph_node *adam(emitter *e, const ph_variable *w, ph_node *g, ph_node *from)
{
    ph_node *m = state_like(e, w, "mean"), *v = state_like(e, w, "square");
    ph_node *next_m = ph_average(m, g, e->o->beta1);
    ph_node *next_v = ph_average_square(v, g, e->o->beta2);
    assign(e, m, next_m);
    assign(e, v, next_v);
    return ph_adam_step(from, next_m, next_v, e->shared.corrected, e->shared.scale, e->o->epsilon);
}

/* Whether the parameter's name begins with one of the blank-separated prefixes. */
static bool is_trained(const ph_variable *v, const char *train)
{
    if (v->kind != PH_VARIABLE_PARAMETER || train == NULL)
        return v->kind == PH_VARIABLE_PARAMETER;
    for (const char *at = train; *at;) {
        size_t length = strcspn(at, " ");
        if (length && strncmp(v->name, at, length) == 0 && strchr("/", v->name[length]))
            return true;
        at += length + strspn(at + length, " ");
    }
    return false;
}

/* Whether phase number i changes v: its name says so, and the loss depends on it. */
static bool changes(const ph_graph *graph, bool *const *reached, int i, const ph_variable *v)
{
    return is_trained(v, graph->phase[i].train) && v->node->id <= graph->phase[i].loss->id &&
           reached[i][v->node->id];
}

/* By id, the nodes that a loss depends on. */
static bool *reach(ph_graph *graph, const ph_node *loss)
{
    bool *on = ph_arena_take(&graph->arena, (size_t)loss->id + 1);
    if (on == NULL)
        return NULL;
    on[loss->id] = true;
    for (int id = loss->id; id >= 0; id--)
        for (int k = 0; on[id] && k < graph->node[id]->input_count; k++)
            on[graph->node[id]->input[k]->id] = true;
    return on;
}

/* By id, what is at hand where a loss is computed: what it depends on, and what follows from that and
 * from parameters and states, but neither from other rows nor from other noise. */
static bool *at_hand(ph_graph *graph, const ph_node *loss, const bool *reached)
{
    bool *known = ph_arena_take(&graph->arena, (size_t)graph->node_count);
    for (int id = 0; known && id < graph->node_count; id++) {
        const ph_node *n = graph->node[id];
        bool input = n->variable && n->variable->kind == PH_VARIABLE_INPUT;
        known[id] = !input && !(n->op->flags & PH_OP_NOISE);
        for (int k = 0; k < n->input_count; k++)
            known[id] = known[id] && known[n->input[k]->id];
        known[id] = known[id] || (id <= loss->id && reached[id]);
    }
    return known;
}

/* What the model itself assigns, such as statistics of a batch: once in a step, though several phases
 * may compute it. A phase that prepares is alone in its steps. False: out of memory. */
static bool add_own_assignments(ph_graph *graph, int number, const bool *reached, ph_update *update)
{
    const ph_phase *phase = &graph->phase[number];
    const bool *known = at_hand(graph, phase->loss, reached);
    for (int id = 0; known && id < graph->node_count; id++) {
        ph_node *n = graph->node[id];
        if (!(n->op->flags & PH_OP_ASSIGN) || !n->flag || !known[n->input[1]->id])
            continue;
        ph_variable *state = n->input[0]->variable;
        bool done = phase->epochs == 0 && state->assigned;
        for (int i = 0; i < update->count; i++)
            done = done || update->assign[i]->input[0] == n->input[0];
        if (!done)
            update->assign[update->count++] = n;
        state->assigned = state->assigned || phase->epochs == 0;
    }
    return known != NULL;
}

/* A parameter that several phases change has one average: it takes what the last of them comes to. */
static bool keeps_average(const emitter *e, const ph_variable *w)
{
    bool last = e->o->average > 0;
    for (int i = e->phase + 1; i < e->graph->phase_count; i++)
        last = last && !changes(e->graph, e->reached, i, w);
    return last;
}

static void update_parameter(emitter *e, ph_variable *w, ph_node *g)
{
    const ph_trainer_options *o = e->o;
    bool decays = o->weight_decay > 0 && w->shape.rank > 1;
    bool apart = strcmp(o->optimizer, "adamw") == 0;
    if (decays && !apart)
        g = ph_add(g, ph_scale(w->node, o->weight_decay));
    ph_node *next;
    if (strcmp(o->optimizer, "sgd") == 0)
        next = sgd(e, w, g);
    else if (strcmp(o->optimizer, "rmsprop") == 0)
        next = rmsprop(e, w, g);
    else
        next = adam(e, w, g, decays && apart ? ph_mul(w->node, e->shared.keep) : w->node);
    if (w->when)
        next = ph_select(w->when, w->instead, next);
    assign(e, w->node, next);
    if (keeps_average(e, w)) {
        ph_node *average = state_like(e, w, "average");
        if (!ph_is_dead(average)) {
            w->average = average->variable;
            memcpy(w->average->data, w->data, w->size * sizeof w->data[0]);
        }
        ph_node *moved = ph_add(average, ph_mul(ph_sub(next, average), e->shared.average));
        assign(e, average, w->when ? ph_select(w->when, w->instead, moved) : moved);
    }
}

static void clip(ph_node **g, size_t count, double most)
{
    ph_node *sum = ph_sum_all(ph_square(g[0]));
    for (size_t i = 1; i < count; i++)
        sum = ph_add(sum, ph_sum_all(ph_square(g[i])));
    ph_graph *graph = sum->graph;
    ph_node *norm = ph_max(ph_sqrt(sum), ph_constant(graph, 1e-30));
    ph_node *factor = ph_min(ph_div(ph_constant(graph, most), norm), ph_constant(graph, 1));
    for (size_t i = 0; i < count; i++)
        g[i] = ph_mul(g[i], factor);
}

/* A number of a phase's own: 0 leaves the option, below 0 is none. */
static void settle(double *option, double own)
{
    if (own != 0)
        *option = own > 0 ? own : 0;
}

static ph_trainer_options own_options(const ph_trainer_options *o, const ph_phase *phase)
{
    ph_trainer_options own = *o;
    settle(&own.momentum, phase->momentum);
    settle(&own.beta1, phase->momentum);
    settle(&own.weight_decay, phase->weight_decay);
    return own;
}

ph_status ph_phase_update(ph_graph *graph, int number, const ph_trainer_options *o,
                          ph_update *update)
{
    const ph_phase *phase = &graph->phase[number];
    size_t variables = 0, count = 0;
    for (const ph_variable *v = graph->variable; v; v = v->next)
        variables++;
    ph_node **w = ph_arena_take(&graph->arena, variables * sizeof w[0]);
    ph_node **g = ph_arena_take(&graph->arena, variables * sizeof g[0]);
    update->assign = ph_arena_take(&graph->arena, (variables * 4 + 64) * sizeof w[0]);
    update->count = 0;
    bool *reached[PH_MAX_PHASES];
    bool room = w && g && update->assign;
    for (int i = number; i < graph->phase_count; i++)
        room = (reached[i] = reach(graph, graph->phase[i].loss)) && room;
    if (!room)
        return ph_fail(PH_MEMORY, "out of memory while building the update");
    for (ph_variable *v = graph->variable; v; v = v->next)
        if (changes(graph, reached, number, v))
            w[count++] = v->node;
    ph_trainer_options own = own_options(o, phase);
    o = &own;
    if (count == 0)
        return ph_fail(PH_MODEL, "phase %d trains no parameter: there is none in '%s'", number + 1,
                       phase->train ? phase->train : "the model");
    update->loss = phase->loss->shape.set ? ph_mean_rows(ph_sum(phase->loss)) : phase->loss;
    if (!add_own_assignments(graph, number, reached[number], update))
        return ph_fail(PH_MEMORY, "out of memory while building the update");
    ph_gradient(update->loss, w, count, g);
    if (o->clip_norm > 0)
        clip(g, count, o->clip_norm);
    char scope[32] = "optimizer", rate[32] = "lr";
    if (graph->phase_count > 1) {
        snprintf(scope, sizeof scope, "optimizer/%d", number + 1);
        snprintf(rate, sizeof rate, "lr%d", number + 1);
    }
    emitter e = { .graph = graph, .phase = number, .reached = reached, .o = o,
                  .scope = ph_scope_of(graph, scope), .update = update };
    share_rates(&e, ph_knob(graph, rate, o->lr));
    for (size_t i = 0; i < count; i++)
        update_parameter(&e, w[i]->variable, g[i]);
    return ph_graph_status(graph);
}
