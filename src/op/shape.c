/* shape.c - ops that move values or only name them anew: reshape, slice, concatenate, broadcast,
 * stop-gradient, the choice between training and use, and assignment.
 */
#include "op/op_nodes.h"

#include "base/kernel.h"
#include "graph/program.h"

#include <string.h>

enum { TASK_REALS = 16384, TASK_COLUMNS = 64 };

/* ---- Views: no work at all ----------------------------------------------------------------------- */

static void reshape_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_reshape(dy, y->input[0]->shape.rank, y->input[0]->shape.dim);
}

const ph_op ph_op_reshape = { .name = "reshape", .flags = PH_OP_VIEW, .arity = 1,
                                  .gradient = reshape_gradient };
const ph_op ph_op_stop_gradient = { .name = "stop_gradient", .flags = PH_OP_VIEW, .arity = 1 };

ph_node *ph_reshape(ph_node *a, size_t rank, const size_t *dim)
{
    if (ph_is_dead(a))
        return a;
    if (rank < 1 || rank > PH_MAX_RANK)
        return ph_mistake(a->graph, "reshape: a shape has 1 to %d dimensions, not %zu", PH_MAX_RANK,
                          rank);
    ph_shape shape = ph_shape_of(a->shape.set, rank, dim);
    if (ph_shape_equal(&shape, &a->shape))
        return a;
    if (ph_shape_size(&shape) != ph_shape_size(&a->shape)) {
        char from[96], to[96];
        return ph_mistake(a->graph, "reshape: %s cannot become %s", ph_shape_text(&a->shape, from),
                          ph_shape_text(&shape, to));
    }
    if (a->op == &ph_op_reshape)
        return ph_reshape(a->input[0], rank, dim);
    return ph_node_new(&ph_op_reshape, shape, &a, 1, NULL, NULL, false);
}

ph_node *ph_reshape_like(ph_node *a, ph_node *like)
{
    return ph_reshape(a, like->shape.rank, like->shape.dim);
}

ph_node *ph_flatten(ph_node *a)
{
    size_t size = ph_shape_size(&a->shape);
    return ph_reshape(a, 1, &size);
}

size_t ph_width(const ph_node *a)
{
    return ph_shape_size(&a->shape);
}

ph_node *ph_stop_gradient(ph_node *a)
{
    return ph_node_new(&ph_op_stop_gradient, a->shape, &a, 1, NULL, NULL, false);
}

static void choice_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    ph_node *zero = ph_broadcast(ph_constant(y->graph, 0), dy);
    by_input[0] = ph_when_training(dy, zero);
    by_input[1] = ph_when_training(zero, dy);
}

/* A derivative may be part of a model's values, such as a contractive penalty, so it is right in
 * programs of both kinds. */
const ph_op ph_op_when_training = { .name = "when_training", .flags = PH_OP_CHOICE, .arity = 2,
                                        .gradient = choice_gradient };

ph_node *ph_when_training(ph_node *training, ph_node *use)
{
    if (!ph_is_dead(training) && !ph_is_dead(use) && !ph_shape_equal(&training->shape, &use->shape))
        return ph_mistake(use->graph, "when_training: the two sides differ in shape");
    if (use->graph->frozen)
        return use;
    return ph_node_new(&ph_op_when_training, use->shape, (ph_node *[]){ training, use }, 2, NULL, NULL,
                       false);
}

/* ---- Assignment ----------------------------------------------------------------------------------- */

const ph_op ph_op_assign = { .name = "assign", .flags = PH_OP_ASSIGN, .arity = 2 };

/* own: the model asked for it, and the trainer sees to it. */
static ph_node *assignment(ph_node *state, ph_node *value, bool own)
{
    if (ph_is_dead(state) || ph_is_dead(value))
        return ph_is_dead(state) ? state : value;
    const ph_variable *v = state->variable;
    if (v == NULL || (v->kind != PH_VARIABLE_PARAMETER && v->kind != PH_VARIABLE_STATE))
        return ph_mistake(state->graph, "assign: the target is not a parameter or state");
    if (!ph_shape_equal(&state->shape, &value->shape))
        value = ph_broadcast_to(value, &state->shape);
    return ph_node_new(&ph_op_assign, state->shape, (ph_node *[]){ state, value }, 2, NULL, NULL, own);
}

ph_node *ph_assignment(ph_node *state, ph_node *value)
{
    return assignment(state, value, false);
}

ph_node *ph_assign(ph_node *state, ph_node *value)
{
    if (state->graph->frozen)
        return value;
    ph_node *done = assignment(state, value, true);
    return ph_is_dead(done) ? done : done->input[1];
}

void ph_replace(ph_node *parameter, ph_node *condition, ph_node *value)
{
    bool dead = ph_is_dead(parameter) || ph_is_dead(condition) || ph_is_dead(value);
    if (dead || parameter->graph->frozen)
        return;
    ph_variable *v = parameter->variable;
    if (v == NULL || v->kind != PH_VARIABLE_PARAMETER) {
        ph_mistake(parameter->graph, "replace: the target is not a parameter");
        return;
    }
    v->when = ph_broadcast_to(condition, &parameter->shape);
    v->instead = ph_broadcast_to(value, &parameter->shape);
}

/* ---- Copies ---------------------------------------------------------------------------------------- */

/* Copies for each row of the result `count` reals from a row of `in` to a row of `out`. */
static void copy_columns(ph_call *call, int part, const real *in, size_t in_width, real *out,
                         size_t out_width, size_t rows, size_t count)
{
    size_t rows_each = TASK_REALS / (count ? count : 1) + 1, task;
    while (ph_next_task(call, part, (rows + rows_each - 1) / rows_each, &task))
        for (size_t r = task * rows_each; r < rows && r < (task + 1) * rows_each; r++)
            memcpy(out + r * out_width, in + r * in_width, count * sizeof out[0]);
}

static void run_slice(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t count = ph_shape_columns(&n->shape);
    copy_columns(call, part, ph_call_input(call, 0) + n->extent[0],
                 ph_shape_columns(&n->input[0]->shape), ph_call_output(call), count,
                 ph_call_rows(call, &n->shape), count);
}

/* Zeros around a: what a slice's derivative needs. extent: where a begins. */
static void run_pad(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t count = ph_shape_columns(&n->input[0]->shape), width = ph_shape_columns(&n->shape);
    size_t rows = ph_call_rows(call, &n->shape), rows_each = TASK_REALS / width + 1, task;
    const real *in = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + rows_each - 1) / rows_each, &task))
        for (size_t r = task * rows_each; r < rows && r < (task + 1) * rows_each; r++) {
            memset(out + r * width, 0, width * sizeof out[0]);
            memcpy(out + r * width + n->extent[0], in + r * count, count * sizeof out[0]);
        }
}

static void run_concatenate(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t left = ph_shape_columns(&n->input[0]->shape), width = ph_shape_columns(&n->shape);
    size_t rows = ph_call_rows(call, &n->shape), rows_each = TASK_REALS / width + 1, task;
    const real *a = ph_call_input(call, 0), *b = ph_call_input(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + rows_each - 1) / rows_each, &task))
        for (size_t r = task * rows_each; r < rows && r < (task + 1) * rows_each; r++) {
            memcpy(out + r * width, a + r * left, left * sizeof out[0]);
            memcpy(out + r * width + left, b + r * (width - left), (width - left) * sizeof out[0]);
        }
}

static ph_node *pad(ph_node *a, size_t first, size_t width)
{
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = width;
    return ph_node_new(&ph_op_pad, shape, &a, 1, NULL, (size_t[PH_MAX_EXTENTS]){ first }, false);
}

static void slice_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = pad(dy, y->extent[0], ph_shape_columns(&y->input[0]->shape));
}

static void pad_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_slice(dy, y->extent[0], ph_shape_columns(&y->input[0]->shape));
}

static void concatenate_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    size_t left = ph_shape_columns(&y->input[0]->shape), all = ph_shape_columns(&y->shape);
    by_input[0] = ph_slice(dy, 0, left);
    by_input[1] = ph_slice(dy, left, all - left);
}

const ph_op ph_op_slice = { .name = "slice", .arity = 1, .run = run_slice,
                                .gradient = slice_gradient };
const ph_op ph_op_pad = { .name = "pad", .arity = 1, .run = run_pad,
                              .gradient = pad_gradient };
const ph_op ph_op_concatenate = { .name = "concatenate", .arity = 2, .run = run_concatenate,
                                      .gradient = concatenate_gradient };

ph_node *ph_slice(ph_node *a, size_t first, size_t count)
{
    if (ph_is_dead(a))
        return a;
    size_t width = ph_shape_columns(&a->shape);
    if (count == 0 || first > width || count > width - first)
        return ph_mistake(a->graph, "slice: %zu columns from %zu on are not within %zu", count,
                          first, width);
    if (count == width)
        return a;
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = count;
    return ph_node_new(&ph_op_slice, shape, &a, 1, NULL, (size_t[PH_MAX_EXTENTS]){ first }, false);
}

ph_node *ph_concatenate(ph_node *a, ph_node *b)
{
    if (ph_is_dead(a) || ph_is_dead(b))
        return ph_is_dead(a) ? a : b;
    ph_shape shape = a->shape, other = b->shape;
    shape.dim[shape.rank - 1] = other.dim[other.rank - 1] = 0;
    if (!ph_shape_equal(&shape, &other)) {
        char left[96], right[96];
        return ph_mistake(a->graph, "concatenate: shapes %s and %s do not fit",
                          ph_shape_text(&a->shape, left), ph_shape_text(&b->shape, right));
    }
    shape.dim[shape.rank - 1] = ph_shape_columns(&a->shape) + ph_shape_columns(&b->shape);
    return ph_node_new(&ph_op_concatenate, shape, (ph_node *[]){ a, b }, 2, NULL, NULL, false);
}

/* ---- Broadcast --------------------------------------------------------------------------------------- */

/* Reals between neighbours along each dimension of `large` in `small`, which is broadcast to it. */
static void find_strides(const ph_shape *small, const ph_shape *large, size_t stride[PH_MAX_RANK])
{
    size_t step = 1;
    memset(stride, 0, PH_MAX_RANK * sizeof stride[0]);
    for (size_t d = 0; d < small->rank; d++) {
        size_t size = small->dim[small->rank - 1 - d];
        stride[large->rank - 1 - d] = size == 1 ? 0 : step;
        step *= size;
    }
}

/* Where in `small` line number `line` of `large` begins. */
static size_t begin_of(const ph_shape *large, const size_t *stride, size_t line)
{
    size_t at = 0;
    for (size_t axis = large->rank - 1; axis-- > 0; line /= large->dim[axis])
        at += line % large->dim[axis] * stride[axis];
    return at;
}

/* The general case, one index at a time along all but the last dimension: what element-wise nodes
 * cannot read in place, such as one number of each group of channels. */
static void run_spread(ph_call *call, int part)
{
    const ph_shape *to = &call->node->shape, *from = &call->node->input[0]->shape;
    size_t stride[PH_MAX_RANK];
    find_strides(from, to, stride);
    size_t lead = ph_shape_lead(to), columns = ph_shape_columns(to);
    size_t per_row = from->set ? ph_shape_size(from) : 0;
    size_t rows = ph_call_rows(call, to), rows_each = TASK_REALS / columns + 1, task;
    const real *in = ph_call_input(call, 0);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (rows + rows_each - 1) / rows_each, &task))
        for (size_t r = task * rows_each; r < rows && r < (task + 1) * rows_each; r++) {
            size_t at = r / lead * per_row + begin_of(to, stride, r % lead);
            for (size_t c = 0; c < columns; c++)
                out[r * columns + c] = in[at + c * stride[to->rank - 1]];
        }
}

static void spread_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    (void)y;
    by_input[0] = dy;
}

PH_KERNEL static void add_copy(real *restrict to, const real *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

/* Adds each line to the one that it was spread from, in their order: a task is some columns of a row. */
static void run_fold(ph_call *call, int part)
{
    const ph_shape *to = &call->node->shape, *from = &call->node->input[0]->shape;
    size_t stride[PH_MAX_RANK], lead = ph_shape_lead(from), columns = ph_shape_columns(from);
    size_t size = ph_shape_size(to), blocks = (columns + TASK_COLUMNS - 1) / TASK_COLUMNS, task;
    size_t rows = ph_call_rows(call, to) / ph_shape_lead(to);
    find_strides(to, from, stride);
    while (ph_next_task(call, part, rows * blocks, &task)) {
        size_t row = task / blocks, first = task % blocks * TASK_COLUMNS;
        size_t count = columns - first < TASK_COLUMNS ? columns - first : TASK_COLUMNS;
        const real *in = ph_call_input(call, 0) + row * lead * columns + first;
        real *out = ph_call_output(call) + row * size + first;
        for (size_t at = 0; at < size; at += columns)
            memset(out + at, 0, count * sizeof out[0]);
        for (size_t line = 0; line < lead; line++)
            add_copy(out + begin_of(from, stride, line), in + line * columns, count);
    }
}

static void fold_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_broadcast_to(dy, &y->input[0]->shape);
}

const ph_op ph_op_fold = { .name = "fold", .arity = 1, .run = run_fold, .gradient = fold_gradient };

ph_node *ph_fold(ph_node *d, const ph_shape *like)
{
    return ph_node_new(&ph_op_fold, *like, &d, 1, NULL, NULL, false);
}

const ph_op ph_op_spread = { .name = "spread", .arity = 1, .run = run_spread,
                                 .gradient = spread_gradient };

ph_node *ph_broadcast_to(ph_node *a, const ph_shape *shape)
{
    if (ph_is_dead(a) || ph_shape_equal(&a->shape, shape))
        return a;
    bool fits = a->shape.rank <= shape->rank && (a->shape.set == 0 || a->shape.set == shape->set);
    for (size_t d = 0; fits && d < a->shape.rank; d++) {
        size_t from = a->shape.dim[a->shape.rank - 1 - d];
        fits = from == 1 || from == shape->dim[shape->rank - 1 - d];
    }
    if (!fits) {
        char from[96], to[96];
        return ph_mistake(a->graph, "broadcast: %s cannot become %s", ph_shape_text(&a->shape, from),
                          ph_shape_text(shape, to));
    }
    if (ph_shape_fit(&a->shape, shape) != PH_FIT_OTHER)
        return ph_copy_to(a, shape);
    return ph_node_new(&ph_op_spread, *shape, &a, 1, NULL, NULL, false);
}

ph_node *ph_broadcast(ph_node *a, ph_node *like)
{
    return ph_is_dead(like) ? like : ph_broadcast_to(a, &like->shape);
}
