/* graph.c - building a graph: nodes, phases, what is reported, and the mistakes that stick to it.
 *
 * Equal nodes are built once (hash consing without the hash: graphs are small and built once), so
 * a gradient that asks for sigmoid(x) finds the one that the forward pass made.
 */
#include "graph/graph.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool ph_shape_equal(const ph_shape *a, const ph_shape *b)
{
    return a->set == b->set && a->rank == b->rank &&
           memcmp(a->dim, b->dim, a->rank * sizeof a->dim[0]) == 0;
}

ph_shape ph_shape_of(int set, size_t rank, const size_t *dim)
{
    ph_shape shape = { .set = set, .rank = rank };
    memcpy(shape.dim, dim, rank * sizeof dim[0]);
    return shape;
}

/* Whether the last dimensions of the domain are those of the operand, but for ones before them. */
static bool ends_with(const ph_shape *domain, const ph_shape *operand)
{
    size_t rank = operand->rank;
    while (rank > 1 && operand->dim[operand->rank - rank] == 1)
        rank--;
    return rank <= domain->rank && memcmp(operand->dim + operand->rank - rank,
                                          domain->dim + domain->rank - rank,
                                          rank * sizeof operand->dim[0]) == 0;
}

ph_shape ph_shape_of_lines(const ph_shape *s)
{
    return s->rank > 1 ? ph_shape_of(s->set, s->rank - 1, s->dim)
                       : ph_shape_of(s->set, 1, (size_t[]){ 1 });
}

bool ph_shape_of_entries(const ph_shape *s, size_t n, ph_shape *entries)
{
    size_t lead = s->rank == 1 && s->dim[0] == 1 ? 0 : s->rank;
    if (lead == PH_MAX_RANK)
        return false;
    *entries = *s;
    entries->dim[lead] = n;
    entries->rank = lead + 1;
    return true;
}

ph_fit ph_shape_fit(const ph_shape *operand, const ph_shape *domain)
{
    size_t columns = ph_shape_columns(domain), lead = ph_shape_lead(domain);
    bool whole = operand->set == 0 && domain->set != 0;
    if (!whole && operand->set == domain->set && ph_shape_columns(operand) == columns &&
        ph_shape_lead(operand) == lead)
        return PH_FIT_FULL;
    if (operand->set == 0 && ph_shape_size(operand) == 1)
        return PH_FIT_ONE;
    if (operand->set == 0 && ph_shape_columns(operand) == columns && ph_shape_lead(operand) == 1)
        return PH_FIT_ROW;
    if (!whole && operand->set == domain->set && ph_shape_columns(operand) == 1 &&
        ph_shape_lead(operand) == lead)
        return PH_FIT_COLUMN;
    if (!whole && operand->set == domain->set && ph_shape_lead(operand) == 1 &&
        (ph_shape_columns(operand) == columns || ph_shape_columns(operand) == 1))
        return PH_FIT_SHARED;
    return operand->set == 0 && ends_with(domain, operand) ? PH_FIT_CYCLE : PH_FIT_OTHER;
}

const char *ph_shape_text(const ph_shape *shape, char buffer[96])
{
    size_t used = 0;
    for (size_t i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(buffer + used, 96 - used, "%s%zu", i ? "," : "[", shape->dim[i]);
    snprintf(buffer + used, 96 - used, "]%s", shape->set ? " per row" : "");
    return buffer;
}

/* ---- The graph and its mistakes -------------------------------------------------------------- */

ph_graph *ph_graph_new(uint64_t seed)
{
    ph_graph *graph = calloc(1, sizeof *graph);
    if (graph == NULL) {
        ph_fail(PH_MEMORY, "out of memory while making a graph");
        return NULL;
    }
    graph->seed = seed;
    graph->room = PH_ANY_ROOM;
    graph->variable_end = &graph->variable;
    graph->dead.graph = graph;
    graph->nowhere = (ph_scope){ .graph = graph, .name = "" };
    graph->dead.shape = (ph_shape){ .rank = 1, .dim = { 1 } };
    return graph;
}

void ph_graph_free(ph_graph *graph)
{
    if (graph == NULL)
        return;
    for (ph_variable *v = graph->variable; v; v = v->next)
        free(v->data);
    free(graph->node);
    ph_arena_free(&graph->arena);
    free(graph);
}

ph_status ph_graph_status(ph_graph *graph)
{
    return graph->status == PH_OK ? PH_OK : ph_fail(graph->status, "%s", graph->message);
}

static ph_node *stick(ph_graph *graph, ph_status status, const char *format, va_list args)
{
    if (graph->status == PH_OK) {
        graph->status = status;
        vsnprintf(graph->message, sizeof graph->message, format, args);
    }
    return &graph->dead;
}

ph_node *ph_mistake(ph_graph *graph, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ph_node *dead = stick(graph, PH_MODEL, format, args);
    va_end(args);
    return dead;
}

void ph_refuse(ph_graph *graph, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    stick(graph, PH_USAGE, format, args);
    va_end(args);
}

ph_node *ph_out_of_memory(ph_graph *graph)
{
    if (graph->status == PH_OK) {
        graph->status = PH_MEMORY;
        snprintf(graph->message, sizeof graph->message, "out of memory while building a graph");
    }
    return &graph->dead;
}

bool ph_is_dead(const ph_node *node)
{
    return node == &node->graph->dead;
}

bool ph_is_index(const ph_node *n)
{
    while (n->op->flags & PH_OP_VIEW)
        n = n->input[0];
    return n->op->flags & PH_OP_INDEX;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

ph_node *ph_node_append(ph_graph *graph, const ph_node *like)
{
    if (graph->node_count == graph->node_capacity) {
        int capacity = graph->node_capacity ? 2 * graph->node_capacity : 128;
        ph_node **grown = realloc(graph->node, (size_t)capacity * sizeof grown[0]);
        if (grown == NULL)
            return ph_out_of_memory(graph);
        graph->node = grown;
        graph->node_capacity = capacity;
    }
    ph_node *node = ph_arena_take(&graph->arena, sizeof *node);
    if (node == NULL)
        return ph_out_of_memory(graph);
    *node = *like;
    node->id = graph->node_count;
    graph->node[graph->node_count++] = node;
    return node;
}

static bool same(const ph_node *a, const ph_node *b)
{
    return a->op == b->op && a->input_count == b->input_count &&
           a->flag == b->flag && ph_shape_equal(&a->shape, &b->shape) &&
           memcmp(a->input, b->input, sizeof a->input) == 0 &&
           memcmp(a->extent, b->extent, sizeof a->extent) == 0 &&
           memcmp(a->attribute, b->attribute, sizeof a->attribute) == 0;
}

ph_node *ph_node_new(const ph_op *op, ph_shape shape, ph_node *const *inputs, int count,
                     const double *attributes, const size_t *extents, bool flag)
{
    ph_graph *graph = inputs[0]->graph;
    ph_node node = { .op = op, .graph = graph, .shape = shape, .input_count = count,
                     .flag = flag };
    for (int i = 0; i < count; i++) {
        if (inputs[i]->graph != graph)
            return ph_mistake(graph, "%s: input %d is a node of another graph", op->name, i + 1);
        if (ph_is_dead(inputs[i]))
            return inputs[i];
        bool index = ph_is_index(inputs[i]), wanted = op->flags & PH_OP_BY_INDEX && i == count - 1;
        if (index != wanted && !(op->flags & PH_OP_VIEW))
            return ph_mistake(graph, "%s: input %d holds %s", op->name, i + 1,
                              index ? "indices, not numbers" : "numbers, not indices");
        node.input[i] = inputs[i];
    }
    for (int i = 0; attributes && i < PH_MAX_ATTRIBUTES; i++)
        node.attribute[i] = (real)attributes[i];
    for (int i = 0; extents && i < PH_MAX_EXTENTS; i++)
        node.extent[i] = extents[i];
    if (op->flags & PH_OP_NOISE)
        node.ordinal = graph->noise_count++;
    else if (!(op->flags & PH_OP_ASSIGN))
        for (int i = 0; i < graph->node_count; i++)
            if (same(graph->node[i], &node))
                return graph->node[i];
    return ph_node_append(graph, &node);
}

/* The shape of operands that broadcast against each other, aligned at the last dimension. */
static bool broadcast(const ph_op *op, ph_node *const *inputs, int count, ph_shape *out)
{
    *out = (ph_shape){ .rank = 1, .dim = { 1 } };
    for (int i = 0; i < count; i++) {
        const ph_shape *in = &inputs[i]->shape;
        ph_shape merged = in->rank > out->rank ? *in : *out;
        const ph_shape *small = in->rank > out->rank ? out : in;
        merged.set = in->set ? in->set : out->set;
        bool fits = in->set == 0 || out->set == 0 || in->set == out->set;
        for (size_t d = 0; d < small->rank; d++) {
            size_t *a = &merged.dim[merged.rank - 1 - d], b = small->dim[small->rank - 1 - d];
            fits = fits && (*a == b || *a == 1 || b == 1);
            *a = *a == 1 ? b : *a;
        }
        if (!fits) {
            char left[96], right[96];
            ph_mistake(inputs[0]->graph, "%s: shapes %s and %s do not fit", op->name,
                       ph_shape_text(out, left), ph_shape_text(in, right));
            return false;
        }
        *out = merged;
    }
    return true;
}

/* An operand that only repeats another value gives way to that value where the result keeps its
 * shape: operands are broadcast anyway, and the repeated one would have to be made first. */
static void drop_repeats(const ph_op *op, ph_node **operand, const ph_shape *shape)
{
    for (int i = 0; i < op->arity; i++) {
        ph_node *kept = operand[i];
        while (operand[i]->op->flags & PH_OP_REPEAT) {
            ph_shape without;
            operand[i] = operand[i]->input[0];
            if (ph_shape_fit(&operand[i]->shape, shape) != PH_FIT_OTHER &&
                broadcast(op, operand, op->arity, &without) && ph_shape_equal(&without, shape))
                kept = operand[i];
        }
        operand[i] = kept;
    }
}

/* A formula of values that are all repeated is the formula of the values, repeated: a derivative that
 * is the same for every row stays a scalar, and what reads it need not wait for a value per row. */
static bool takes_repeats_out(const ph_op *op, ph_node *const *operand, const ph_shape *shape,
                              ph_node **bare)
{
    ph_shape small;
    for (int i = 0; i < op->arity; i++) {
        bare[i] = operand[i];
        while (bare[i]->op->flags & PH_OP_REPEAT)
            bare[i] = bare[i]->input[0];
    }
    return broadcast(op, bare, op->arity, &small) && !ph_shape_equal(&small, shape) &&
           ph_shape_fit(&small, shape) != PH_FIT_OTHER;
}

ph_node *ph_map(const ph_op *op, ph_node *const *inputs, const double *attributes)
{
    ph_graph *graph = inputs[0]->graph;
    ph_shape shape;
    ph_node *operand[PH_MAX_INPUTS], *bare[PH_MAX_INPUTS];
    for (int i = 0; i < op->arity; i++) {
        if (ph_is_dead(inputs[i]))
            return inputs[i];
        if (ph_is_index(inputs[i]))
            return ph_mistake(graph, "%s: input %d holds indices, not numbers", op->name, i + 1);
        operand[i] = inputs[i];
    }
    if (!broadcast(op, operand, op->arity, &shape))
        return &graph->dead;
    if (takes_repeats_out(op, operand, &shape, bare))
        return ph_broadcast_to(ph_map(op, bare, attributes), &shape);
    drop_repeats(op, operand, &shape);
    for (int i = 0; i < op->arity; i++)
        if (ph_shape_fit(&operand[i]->shape, &shape) == PH_FIT_OTHER)
            operand[i] = ph_broadcast_to(operand[i], &shape);
    return ph_node_new(op, shape, operand, op->arity, attributes, NULL, false);
}

/* What a broadcast over lines spread: over the last dimension, over rows, over outer dimensions. */
static ph_node *sum_outer(ph_node *d, const ph_shape *like)
{
    ph_shape from = d->shape;
    if (like->set == from.set && ph_shape_size(like) == 1)
        return ph_sum(d);
    if (like->set == from.set && ph_shape_columns(like) == ph_shape_columns(&from) &&
        ph_shape_lead(like) == 1)
        return ph_sum_leading(d);
    if (ph_shape_columns(like) == 1)
        d = ph_sum_last(d);
    if (like->set == 0 && from.set != 0)
        d = ph_reshape(ph_sum_rows(ph_flatten(d)), d->shape.rank, d->shape.dim);
    if (ph_shape_size(&d->shape) == ph_shape_size(like) || d->shape.set != like->set)
        return d;
    if (ph_shape_fit(like, &d->shape) == PH_FIT_CYCLE) {
        size_t size = ph_shape_size(like), lead = ph_shape_size(&d->shape) / size;
        return ph_sum_rows(ph_reshape(d, 2, (size_t[]){ lead, size }));
    }
    return ph_fold(d, like);
}

ph_node *ph_sum_like(ph_node *d, const ph_shape *like)
{
    if (ph_is_dead(d) || ph_shape_equal(&d->shape, like))
        return d;
    size_t size = ph_shape_size(like);
    switch (ph_shape_fit(like, &d->shape)) {
    case PH_FIT_FULL:
        return ph_reshape(d, like->rank, like->dim);
    case PH_FIT_ONE:
        d = ph_sum_all(d);
        break;
    case PH_FIT_ROW:
        d = ph_sum_rows(d);
        break;
    case PH_FIT_COLUMN:
        d = ph_sum_last(d);
        break;
    case PH_FIT_SHARED:
    case PH_FIT_CYCLE:
    case PH_FIT_OTHER:
        d = sum_outer(d, like);
        if (ph_shape_size(&d->shape) != size) {
            char a[96], b[96];
            return ph_mistake(d->graph, "gradient: %s cannot be summed to %s",
                              ph_shape_text(&d->shape, a), ph_shape_text(like, b));
        }
    }
    return ph_reshape(d, like->rank, like->dim);
}

/* ---- Phases, reports, exports ---------------------------------------------------------------- */

int ph_add_phase(ph_graph *graph, const ph_phase *phase)
{
    if (graph->phase_count == PH_MAX_PHASES) {
        ph_mistake(graph, "a model has at most %d phases", PH_MAX_PHASES);
        return 0;
    }
    ph_phase *mine = &graph->phase[graph->phase_count++];
    *mine = *phase;
    if ((phase->train && (mine->train = ph_arena_text(&graph->arena, phase->train)) == NULL) ||
        (phase->name && (mine->name = ph_arena_text(&graph->arena, phase->name)) == NULL) ||
        (phase->unit && (mine->unit = ph_arena_text(&graph->arena, phase->unit)) == NULL))
        ph_out_of_memory(graph);
    return graph->phase_count - 1;
}

static void name_node(ph_graph *graph, ph_named *list, int *count, int most, const char *name,
                      const char *unit, ph_node *in, ph_node *value)
{
    if (*count == most) {
        ph_mistake(graph, "%s: a model has at most %d reports or exports of its kind", name, most);
        return;
    }
    ph_named *named = &list[*count];
    *named = (ph_named){ ph_arena_text(&graph->arena, name), ph_arena_text(&graph->arena, unit),
                         in, value, .phase = -1 };
    if (named->name == NULL || named->unit == NULL)
        ph_out_of_memory(graph);
    else
        ++*count;
}

bool ph_needs_more(const ph_node *value)
{
    ph_graph *graph = value->graph;
    bool *more = calloc((size_t)value->id + 1, sizeof *more);
    if (more == NULL) {
        ph_out_of_memory(graph);
        return true;
    }
    for (int id = 0; id <= value->id; id++) {
        const ph_node *n = graph->node[id];
        more[id] = n->variable && n->variable->kind == PH_VARIABLE_INPUT && n->variable->slot > 0;
        for (int i = n->op->flags & PH_OP_CHOICE ? 1 : 0; i < n->input_count; i++)
            more[id] = more[id] || more[n->input[i]->id];
    }
    bool answer = more[value->id];
    free(more);
    return answer;
}

void ph_report(ph_graph *graph, const char *name, const char *unit, ph_node *value)
{
    int before = graph->report_count;
    name_node(graph, graph->report, &graph->report_count, PH_MAX_NAMED, name, unit, NULL, value);
    if (graph->report_count > before && !ph_is_dead(value))
        graph->report[before].needs_more = ph_needs_more(value);
}

void ph_report_each(ph_graph *graph, const char *name, const char *unit, ph_node *value)
{
    if (ph_width(value) <= PH_LONGEST_LIST)
        name_node(graph, graph->list, &graph->list_count, PH_MAX_LISTS, name, unit, NULL, value);
}

void ph_report_in(ph_graph *graph, int phase, const char *name, const char *unit, ph_node *value)
{
    int before = graph->report_count;
    ph_report(graph, name, unit, value);
    if (graph->report_count > before)
        graph->report[before].phase = phase;
}

void ph_compare(ph_node *codes, ph_node *draws)
{
    ph_graph *graph = codes->graph;
    if (ph_is_dead(codes) || ph_is_dead(draws))
        return;
    if (!ph_shape_equal(&codes->shape, &draws->shape))
        ph_mistake(graph, "compare: the two sides differ in shape");
    graph->compared[0] = codes;
    graph->compared[1] = draws;
}

void ph_count_words(ph_node *tokens, size_t words, size_t books)
{
    ph_graph *graph = tokens->graph;
    if (ph_is_dead(tokens))
        return;
    if (tokens->shape.set == 0 || ph_is_index(tokens) || words == 0 || books == 0 ||
        ph_width(tokens) % books)
        ph_mistake(graph, "count_words: they are numbers of rows, so many of each book");
    graph->tokens = tokens;
    graph->words = words;
    graph->books = books;
    graph->words_stay = graph->frozen;
}

void ph_export(ph_graph *graph, const char *name, ph_node *in, ph_node *value)
{
    if (!ph_is_dead(value) && ph_is_index(value))
        ph_mistake(graph, "export %s: indices are made numbers first", name);
    name_node(graph, graph->exported, &graph->export_count, PH_MAX_NAMED, name, "", in, value);
}
