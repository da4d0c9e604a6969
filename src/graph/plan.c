/* plan.c - steps, memory and barriers of a program.
 *
 * Every value that crosses calls gets a place in one arena for as long as it is read; larger values
 * are placed first, each at the lowest offset that is free for its whole life. A barrier stands
 * before a step only if the step touches memory that an earlier step, since the last barrier, may
 * still be writing (or reads what this one writes).
 */
#include "graph/program.h"

#include "base/product.h"

#include <stdlib.h>
#include <string.h>

/* One use of memory by a step: a piece of the arena, or a variable (begin == end). */
typedef struct use {
    int variable;
    size_t begin, end;
    bool writes;
} use;

enum { MAX_USES = 160, GUARD_FLAG = -2, ALIGN = 64 / sizeof(real) };

typedef struct uses {
    int count;
    use at[MAX_USES];
} uses;

/* A piece of the arena and the steps between which it must keep its content. */
typedef struct life {
    size_t *offset, size;
    int first, last;
} life;

static size_t value_size(const ph_program *p, const ph_node *n)
{
    const ph_shape *s = &n->shape;
    size_t size = p->rows[s->set] * ph_shape_size(s);
    if (n->op->flags & PH_OP_INDEX)
        size = size * sizeof(uint32_t) / sizeof(real) + 1;
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static void use_piece(uses *u, size_t begin, size_t size, bool writes)
{
    if (u->count < MAX_USES)
        u->at[u->count++] = (use){ 0, begin, begin + size, writes };
}

static void use_value(const ph_program *p, uses *u, int id, bool writes)
{
    if (p->value[id].stored)
        use_piece(u, p->value[id].offset, p->value[id].size, writes);
    else if (u->count < MAX_USES)
        u->at[u->count++] = (use){ id + 1, 0, 0, writes };
}

static bool is_sum(const ph_instruction *i)
{
    return i->op && i->op->flags & (PH_OP_SUM_ROWS | PH_OP_SUM_LAST);
}

static size_t partial_size(const ph_call *call, const ph_instruction *i)
{
    size_t column_blocks, row_blocks = ph_group_blocks(call, &column_blocks);
    size_t size = i->op->flags & PH_OP_SUM_ROWS
                      ? row_blocks * ph_shape_columns(&call->group.domain)
                      : column_blocks * ph_call_rows(call, &call->group.domain);
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static void collect(const ph_program *p, const ph_step *step, uses *u)
{
    const ph_call *call = step->call;
    u->count = 0;
    if (step->stage == PH_GUARD) {
        use_value(p, u, p->guard->id, false);
        u->at[u->count++] = (use){ GUARD_FLAG, 0, 0, true };
        return;
    }
    if (step->stage != PH_FINISH && call->op)
        for (int i = 0; i < call->node->input_count; i++)
            use_value(p, u, p->root[call->node->input[i]->id]->id, false);
    if (call->scratch_size && step->stage != PH_FINISH)
        use_piece(u, call->scratch, call->scratch_size, step->stage == PH_PREPARE);
    if (step->stage == PH_PREPARE)
        return;
    if (step->stage == PH_RUN && call->assigns)
        u->at[u->count++] = (use){ GUARD_FLAG, 0, 0, false };
    if (step->stage == PH_RUN && call->op && p->value[call->node->id].stored)
        use_value(p, u, call->node->id, true);
    for (int n = 0; n < call->group.count; n++) {
        const ph_instruction *i = &call->group.instruction[n];
        for (int k = 0; k < i->inputs && step->stage == PH_RUN; k++)
            if (i->in[k].place == PH_IN_MEMORY)
                use_value(p, u, i->in[k].number, false);
        if (is_sum(i)) {
            use_piece(u, i->partial, partial_size(call, i), step->stage == PH_RUN);
            if (step->stage == PH_FINISH)
                use_value(p, u, i->node->id, true);
        } else if (i->out.place == PH_IN_MEMORY && step->stage == PH_RUN) {
            use_value(p, u, i->out.number, true);
        }
    }
}

static bool conflict(const uses *a, const uses *b)
{
    for (int i = 0; i < a->count; i++)
        for (int k = 0; k < b->count; k++) {
            const use *x = &a->at[i], *y = &b->at[k];
            bool same = x->variable || y->variable ? x->variable == y->variable
                                                   : x->begin < y->end && y->begin < x->end;
            if (same && (x->writes || y->writes))
                return true;
        }
    return false;
}

static bool too_small_to_share(const ph_step *step)
{
    const ph_call *call = step->call;
    if (step->stage == PH_GUARD)
        return true;
    size_t rows = ph_call_rows(call, &call->group.domain);
    size_t columns = ph_shape_columns(&call->group.domain), column_blocks;
    if (step->stage == PH_FINISH)
        return rows + columns <= 1024;
    if (call->op)
        return false;
    return call->group.flat ? rows * columns <= 16 * PH_GROUP_TILE
                            : ph_group_blocks(call, &column_blocks) == 1;
}

static ph_status make_steps(ph_program *p)
{
    p->step = ph_arena_take(&p->memory, ((size_t)p->call_count * 3 + 1) * sizeof p->step[0]);
    if (p->step == NULL)
        return ph_fail(PH_MEMORY, "out of memory while planning a program");
    for (int c = 0; c < p->call_count; c++) {
        ph_call *call = p->call[c];
        bool guarded = false;
        if (call->op && call->op->prepare && call->op->scratch(call) > 0)
            p->step[p->step_count++] = (ph_step){ .call = call, .stage = PH_PREPARE };
        p->step[p->step_count++] = (ph_step){ .call = call, .stage = PH_RUN };
        if (call->group.sums)
            p->step[p->step_count++] = (ph_step){ .call = call, .stage = PH_FINISH };
        for (int i = 0; p->guard && i < call->group.node_count; i++)
            guarded = guarded || call->group.node[i] == p->guard;
        if (guarded || (p->guard && call->node == p->guard))
            p->step[p->step_count++] = (ph_step){ .call = call, .stage = PH_GUARD };
    }
    for (int s = 0; s < p->step_count; s++)
        p->step[s].serial = too_small_to_share(&p->step[s]);
    return PH_OK;
}

static void live(life *l, int step)
{
    if (l->first < 0)
        l->first = step;
    l->last = step;
}

/* The lives of all pieces: values, then scratch and partial sums of each call. */
static int find_lives(ph_program *p, life *lives, int *of_value)
{
    int count = 0;
    for (int id = 0; id < p->value_count; id++) {
        of_value[id] = -1;
        if (!p->value[id].stored)
            continue;
        p->value[id].size = value_size(p, p->graph->node[id]);
        of_value[id] = count;
        lives[count++] = (life){ &p->value[id].offset, p->value[id].size, -1, -1 };
    }
    for (int s = 0; s < p->step_count; s++) {
        ph_step *step = &p->step[s];
        ph_call *call = step->call;
        if (step->stage == PH_GUARD) {
            live(&lives[of_value[p->guard->id]], s);
            continue;
        }
        for (int i = 0; call->op && i < call->node->input_count; i++) {
            int id = p->root[call->node->input[i]->id]->id;
            if (of_value[id] >= 0)
                live(&lives[of_value[id]], s);
        }
        if (call->op && of_value[call->node->id] >= 0)
            live(&lives[of_value[call->node->id]], s);
        for (int n = 0; n < call->group.count; n++) {
            ph_instruction *i = &call->group.instruction[n];
            for (int k = 0; k < i->inputs; k++)
                if (i->in[k].place == PH_IN_MEMORY && of_value[i->in[k].number] >= 0)
                    live(&lives[of_value[i->in[k].number]], s);
            if (i->out.place == PH_IN_MEMORY && of_value[i->out.number] >= 0)
                live(&lives[of_value[i->out.number]], s);
            if (is_sum(i) && step->stage == PH_RUN)
                lives[count++] = (life){ &i->partial, partial_size(call, i), s, s + 1 };
        }
        if (step->stage == PH_RUN && call->op && call->op->scratch) {
            call->scratch_size = (call->op->scratch(call) + ALIGN - 1) / ALIGN * ALIGN;
            lives[count++] = (life){ &call->scratch, call->scratch_size,
                                     call->op->prepare && call->scratch_size ? s - 1 : s, s };
        }
    }
    for (int i = 0; i < p->output_count; i++) {
        int id = p->root[p->output[i]->id]->id;
        if (of_value[id] >= 0)
            lives[of_value[id]].last = p->step_count;
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    const life *x = a, *y = b;
    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return x->first - y->first;
}

static void place_lives(ph_program *p, life *lives, int count)
{
    qsort(lives, (size_t)count, sizeof lives[0], by_size);
    for (int i = 0; i < count; i++) {
        size_t offset = 0;
        for (bool moved = true; moved;) {
            moved = false;
            for (int k = 0; k < i; k++) {
                const life *other = &lives[k];
                bool together = other->first <= lives[i].last && lives[i].first <= other->last;
                if (together && offset < *other->offset + other->size &&
                    *other->offset < offset + lives[i].size) {
                    offset = *other->offset + other->size;
                    moved = true;
                }
            }
        }
        *lives[i].offset = offset;
        if (offset + lives[i].size > p->arena_size)
            p->arena_size = offset + lives[i].size;
    }
}

static ph_status place_barriers(ph_program *p)
{
    uses *all = calloc((size_t)p->step_count + 1, sizeof *all);
    if (all == NULL)
        return ph_fail(PH_MEMORY, "out of memory while planning a program");
    int since = 0;
    bool guarded = false;
    for (int s = 0; s < p->step_count; s++) {
        ph_step *step = &p->step[s];
        collect(p, step, &all[s]);
        if (all[s].count == MAX_USES) /* Too many to tell. */
            step->barrier = true;
        for (int b = since; b < s && !step->barrier; b++)
            step->barrier = !(step->serial && p->step[b].serial) && conflict(&all[b], &all[s]);
        if (step->barrier) {
            since = s;
            step->check = guarded;
            guarded = false;
        }
        guarded = guarded || step->stage == PH_GUARD;
    }
    free(all);
    return PH_OK;
}

static ph_status take_memory(ph_program *p)
{
    int registers = 1;
    size_t own = PH_BLOCK_ROWS * PH_BLOCK_PANELS * PH_PANEL;
    for (int c = 0; c < p->call_count; c++) {
        const ph_call *call = p->call[c];
        size_t wanted = call->op && call->op->own ? call->op->own(call) : 0;
        registers = call->group.registers > registers ? call->group.registers : registers;
        own = wanted > own ? wanted : own;
    }
    p->registers_size = (size_t)registers * PH_GROUP_TILE;
    p->scratch_size = p->registers_size + (own + ALIGN - 1) / ALIGN * ALIGN;
    p->arena = aligned_alloc(64, (p->arena_size + ALIGN) * sizeof(real));
    p->scratch = aligned_alloc(64, p->scratch_size * PH_MAX_PARTS * sizeof(real));
    p->counter = ph_arena_take(&p->memory, ((size_t)p->step_count * PH_MAX_PARTS + 1) *
                                               sizeof p->counter[0]);
    if (p->arena == NULL || p->scratch == NULL || p->counter == NULL)
        return ph_fail(PH_MEMORY, "out of memory: a program needs %zu bytes",
                       p->arena_size * sizeof(real));
    uintptr_t base = ((uintptr_t)p->counter + 63) / 64 * 64;
    for (int s = 0; s < p->step_count; s++)
        p->step[s].counter = (ph_counter *)base + (size_t)s * PH_MAX_PARTS;
    for (int id = 0; id < p->value_count; id++) {
        ph_node *n = p->graph->node[id];
        if (p->value[id].stored)
            p->value[id].data = p->arena + p->value[id].offset;
        else if (n->variable)
            p->value[id].data = n->variable->used && !p->training ? (real *)n->variable->used
                                                                 : n->variable->data;
    }
    return PH_OK;
}

ph_status ph_plan(ph_program *p)
{
    PH_TRY(make_steps(p));
    size_t pieces = (size_t)p->value_count + (size_t)p->call_count;
    for (int c = 0; c < p->call_count; c++)
        pieces += (size_t)p->call[c]->group.sums;
    life *lives = calloc(pieces + 1, sizeof *lives);
    int *of_value = calloc((size_t)p->value_count + 1, sizeof *of_value);
    if (lives == NULL || of_value == NULL) {
        free(lives);
        free(of_value);
        return ph_fail(PH_MEMORY, "out of memory while planning a program");
    }
    int count = find_lives(p, lives, of_value);
    place_lives(p, lives, count);
    free(lives);
    free(of_value);
    PH_TRY(place_barriers(p));
    return take_memory(p);
}
