/* group.c - a group of element-wise nodes: turned into instructions, run tile by tile.
 *
 * A tile is about a thousand numbers. Each instruction runs over the whole tile through a vector
 * kernel, and intermediate values stay in registers: tile-sized scratch of the thread that remains
 * in the L1 cache. A loop of instructions over tiles costs one call per thousand numbers and makes
 * every formula fuse with every other, without a compiler at run time.
 *
 * Sums end a group. Their parts are added up tile by tile in fixed blocks, and the blocks in fixed
 * order when all tiles are done, so that a sum has the same bits for any number of threads.
 */
#include "graph/program.h"

#include "base/kernel.h"
#include "base/product.h"

#include <string.h>

/* ---- Compiling ------------------------------------------------------------------------------- */

/* Where the values of a group's nodes are while its instructions are written. */
typedef struct writing {
    ph_call *call;
    ph_group *group;
    int last_use[256];         /* of node i of the group: the last node that reads it */
    int reg[256];              /* register of node i, -1: none */
    int assigned[256];         /* node i is computed in the memory of the state with this id */
    bool busy[64];
    struct { int id; ph_fit fit; int reg; } expanded[32];
    int expanded_count;
} writing;

static int index_in_group(const ph_group *g, const ph_node *n)
{
    for (int i = 0; i < g->node_count; i++)
        if (g->node[i] == n)
            return i;
    return -1;
}

static int take_register(writing *w)
{
    for (int r = 0; r < 64; r++)
        if (!w->busy[r]) {
            w->busy[r] = true;
            if (r + 1 > w->group->registers)
                w->group->registers = r + 1;
            return r;
        }
    return -1;
}

static ph_instruction *next_instruction(writing *w, const ph_op *op, ph_node *node)
{
    ph_instruction *i = &w->group->instruction[w->group->count++];
    *i = (ph_instruction){ .op = op, .node = node };
    return i;
}

static ph_node *root_in(const ph_call *call, const ph_node *in)
{
    return call->program->root[in->id];
}

/* Operand k of node n, with an instruction before it that expands it if it is broadcast. */
static bool operand(writing *w, const ph_node *n, int k, ph_operand *out)
{
    ph_node *in = n->input[k], *root = root_in(w->call, in);
    const ph_shape *domain = &w->group->domain;
    const ph_shape *shape = n->op->flags & (PH_OP_SUM_LAST | PH_OP_SUM_ROWS) ? &in->shape
                                                                             : &n->shape;
    int i = index_in_group(w->group, root);
    if (i >= 0 && w->assigned[i] >= 0) {
        *out = (ph_operand){ PH_IN_MEMORY, w->assigned[i], PH_FIT_FULL };
        return true;
    }
    if (i >= 0 && w->reg[i] >= 0) {
        *out = (ph_operand){ PH_IN_REGISTER, w->reg[i], PH_FIT_FULL };
        return true;
    }
    if (root == w->call->node) {
        *out = (ph_operand){ PH_IN_TILE, 0, PH_FIT_FULL };
        return true;
    }
    ph_fit fit = ph_shape_fit(&in->shape, shape);
    *out = (ph_operand){ PH_IN_MEMORY, root->id, fit };
    bool in_place = fit == PH_FIT_FULL || fit == PH_FIT_ROW;
    if (in_place || (ph_shape_columns(domain) == 1 && fit == PH_FIT_COLUMN))
        return true;
    for (int e = 0; e < w->expanded_count; e++)
        if (w->expanded[e].id == root->id && w->expanded[e].fit == fit) {
            *out = (ph_operand){ PH_IN_REGISTER, w->expanded[e].reg,
                                 fit == PH_FIT_ONE ? PH_FIT_ROW : PH_FIT_FULL };
            return true;
        }
    int reg = take_register(w);
    if (reg < 0 || w->expanded_count == 32)
        return false;
    ph_instruction *expand = next_instruction(w, NULL, root);
    expand->expands = true;
    expand->inputs = 1;
    expand->in[0] = *out;
    expand->out = (ph_operand){ PH_IN_REGISTER, reg, fit == PH_FIT_ONE ? PH_FIT_ROW : PH_FIT_FULL };
    w->expanded[w->expanded_count].id = root->id;
    w->expanded[w->expanded_count].fit = fit;
    w->expanded[w->expanded_count++].reg = reg;
    *out = expand->out;
    return true;
}

/* Registers whose value node `now` was the last to read are free again. */
static void release(writing *w, int now)
{
    for (int i = 0; i < w->group->node_count; i++)
        if (w->last_use[i] == now && w->reg[i] >= 0)
            w->busy[w->reg[i]] = false;
}

/* Nodes in the order they run: as they were placed, assignments last. */
static void order_nodes(ph_group *g, ph_node **sorted)
{
    int count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < g->node_count; i++)
            if (!(g->node[i]->op->flags & PH_OP_ASSIGN) == (pass == 0))
                sorted[count++] = g->node[i];
    for (int i = 0; i < count; i++)
        g->node[i] = sorted[i];
}

/* An assigned value is computed right in the state's memory when nothing else needs the old value
 * after that, and the value itself is needed nowhere else. */
static void settle_assignments(writing *w)
{
    ph_group *g = w->group;
    for (int a = 0; a < g->node_count; a++) {
        const ph_node *assign = g->node[a];
        if (!(assign->op->flags & PH_OP_ASSIGN))
            continue;
        const ph_node *state = assign->input[0];
        int v = index_in_group(g, root_in(w->call, assign->input[1]));
        if (v < 0 || w->assigned[v] >= 0 || w->call->program->value[g->node[v]->id].stored ||
            !(g->node[v]->op->flags & (PH_OP_MAP | PH_OP_NOISE)))
            continue;
        bool read_later = false;
        for (int i = v + 1; i < g->node_count; i++)
            for (int k = 0; k < g->node[i]->input_count; k++)
                read_later = read_later || (i != a && root_in(w->call, g->node[i]->input[k]) == state);
        if (!read_later)
            w->assigned[v] = state->id;
    }
}

static bool write_node(writing *w, int i)
{
    ph_group *g = w->group;
    ph_node *n = g->node[i];
    bool stored = w->call->program->value[n->id].stored;
    ph_instruction built = { .op = n->op, .node = n };
    if (n->op->flags & PH_OP_ASSIGN) {
        int v = index_in_group(g, root_in(w->call, n->input[1]));
        if (v >= 0 && w->assigned[v] == n->input[0]->id)
            return true;
        built.inputs = 1;
        built.out = (ph_operand){ PH_IN_MEMORY, n->input[0]->id, PH_FIT_FULL };
        if (!operand(w, n, 1, &built.in[0]))
            return false;
    } else {
        built.inputs = n->input_count;
        for (int k = 0; k < n->input_count; k++)
            if (!operand(w, n, k, &built.in[k]))
                return false;
        release(w, i);
        if (n->op->flags & (PH_OP_SUM_LAST | PH_OP_SUM_ROWS)) {
            built.out = (ph_operand){ PH_IN_MEMORY, n->id, PH_FIT_FULL };
            g->sums++;
        } else if (w->assigned[i] >= 0) {
            built.out = (ph_operand){ PH_IN_MEMORY, w->assigned[i], PH_FIT_FULL };
        } else if (stored) {
            built.out = (ph_operand){ PH_IN_MEMORY, n->id, PH_FIT_FULL };
        } else {
            w->reg[i] = take_register(w);
            built.out = (ph_operand){ PH_IN_REGISTER, w->reg[i], PH_FIT_FULL };
            if (w->reg[i] < 0)
                return false;
        }
    }
    g->instruction[g->count++] = built;
    return true;
}

ph_status ph_group_compile(ph_call *call)
{
    ph_group *g = &call->group;
    ph_program *p = call->program;
    bool tiled = call->op && call->op->flags & PH_OP_TILED;
    if (g->node_count > 256)
        return ph_fail(PH_MODEL, "a group of more than 256 element-wise nodes");
    writing w = { .call = call, .group = g };
    ph_node *sorted[256];
    order_nodes(g, sorted);
    /* Every operand may need an expanding instruction of its own, and a tile one that stores it. */
    size_t most = (size_t)g->node_count * 2 + 34;
    g->instruction = ph_arena_take(&p->memory, most * sizeof g->instruction[0]);
    if (g->instruction == NULL)
        return ph_fail(PH_MEMORY, "out of memory while compiling a program");
    for (int i = 0; i < g->node_count; i++) {
        w.reg[i] = w.assigned[i] = -1;
        w.last_use[i] = i;
        for (int k = 0; k < g->node[i]->input_count; k++) {
            int from = index_in_group(g, p->root[g->node[i]->input[k]->id]);
            if (from >= 0)
                w.last_use[from] = i;
        }
    }
    settle_assignments(&w);
    g->flat = !tiled;
    if (tiled && call->stored) {
        ph_instruction *store = next_instruction(&w, NULL, call->node);
        store->inputs = 1;
        store->in[0] = (ph_operand){ PH_IN_TILE, 0, PH_FIT_FULL };
        store->out = (ph_operand){ PH_IN_MEMORY, call->node->id, PH_FIT_FULL };
    }
    for (int i = 0; i < g->node_count; i++)
        if (!write_node(&w, i))
            return ph_fail(PH_MODEL, "a group of element-wise nodes needs too many registers");
    for (int i = 0; i < g->count; i++) {
        const ph_instruction *in = &g->instruction[i];
        if (in->op && in->op->flags & (PH_OP_NOISE | PH_OP_SUM_LAST | PH_OP_SUM_ROWS))
            g->flat = false;
        for (int k = 0; k < in->inputs; k++)
            if (in->in[k].place == PH_IN_MEMORY && in->in[k].fit != PH_FIT_FULL &&
                !(in->in[k].fit == PH_FIT_ONE && in->expands))
                g->flat = false;
    }
    size_t columns = ph_shape_columns(&g->domain);
    g->block_columns = tiled ? PH_BLOCK_PANELS * PH_PANEL : columns;
    g->block_rows = tiled ? PH_BLOCK_ROWS : 16 * PH_GROUP_TILE / columns;
    if (g->block_rows == 0)
        g->block_rows = 1;
    return PH_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

size_t ph_group_blocks(const ph_call *call, size_t *column_blocks)
{
    const ph_group *g = &call->group;
    size_t rows = ph_call_rows(call, &g->domain);
    *column_blocks = (ph_shape_columns(&g->domain) + g->block_columns - 1) / g->block_columns;
    return (rows + g->block_rows - 1) / g->block_rows;
}

PH_KERNEL static void fill(real *out, real value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = value;
}

PH_KERNEL static void add_rows(real *restrict sum, const real *in, size_t stride, size_t rows,
                               size_t columns, bool first)
{
    for (size_t r = 0; r < rows; r++, in += stride)
        if (first && r == 0)
            memcpy(sum, in, columns * sizeof sum[0]);
        else
            for (size_t c = 0; c < columns; c++)
                sum[c] += in[c];
}

/* Adds up a row in sixteen lanes and then the lanes, always in the same order. */
PH_KERNEL static void add_columns(real *sum, size_t step, const real *in, size_t stride, size_t rows,
                                  size_t columns, bool first)
{
    for (size_t r = 0; r < rows; r++, in += stride) {
        real lane[16] = { 0 };
        size_t c = 0;
        for (; c + 16 <= columns; c += 16)
            for (size_t l = 0; l < 16; l++)
                lane[l] += in[c + l];
        for (size_t l = 0; c < columns; c++, l++)
            lane[l] += in[c];
        for (size_t half = 8; half; half /= 2)
            for (size_t l = 0; l < half; l++)
                lane[l] += lane[l + half];
        sum[r * step] = first ? lane[0] : sum[r * step] + lane[0];
    }
}

/* A tile of the group's domain: rows x columns at (row, column). */
typedef struct span {
    size_t row, rows, column, columns, width;
    const real *tile;
    size_t stride;
    real *registers;
} span;

static real *locate(const ph_call *call, const ph_operand *o, const span *s, size_t *stride)
{
    switch (o->place) {
    case PH_IN_TILE:
        *stride = s->stride;
        return (real *)s->tile;
    case PH_IN_REGISTER:
        *stride = o->fit == PH_FIT_ROW ? 0 : s->columns;
        return s->registers + (size_t)o->number * PH_GROUP_TILE;
    default:
        break;
    }
    real *base = call->program->value[o->number].data;
    switch (o->fit) {
    case PH_FIT_ROW:
        *stride = 0;
        return base + s->column;
    case PH_FIT_COLUMN:
        *stride = 1;
        return base + s->row;
    case PH_FIT_ONE:
    case PH_FIT_SHARED:
    case PH_FIT_CYCLE:
        *stride = 0;
        return base;
    default:
        *stride = s->width;
        return base + s->row * s->width + s->column;
    }
}

/* Which line (or number) of an operand stands for line `line` of the domain. */
static size_t source_line(const ph_call *call, const ph_instruction *i, size_t line, const span *s)
{
    switch (i->in[0].fit) {
    case PH_FIT_SHARED:
        return line / ph_shape_lead(&call->group.domain);
    case PH_FIT_CYCLE:
        return line % (ph_shape_size(&i->node->shape) / s->width);
    default:
        return line - s->row; /* a column begins at the tile */
    }
}

static void expand(const ph_call *call, const ph_instruction *i, const real *in, real *out,
                   const span *s)
{
    ph_fit fit = i->in[0].fit;
    bool lines = fit == PH_FIT_CYCLE || (fit == PH_FIT_SHARED && ph_shape_size(&i->node->shape) > 1);
    if (fit == PH_FIT_ONE) {
        fill(out, in[0], s->columns);
        return;
    }
    for (size_t r = 0; r < s->rows; r++, out += s->columns) {
        size_t from = source_line(call, i, s->row + r, s);
        if (lines)
            memcpy(out, in + from * s->width + s->column, s->columns * sizeof out[0]);
        else
            fill(out, in[from], s->columns);
    }
}

static void sum(const ph_call *call, const ph_instruction *i, const real *in, size_t stride,
                const span *s)
{
    const ph_group *g = &call->group;
    real *partial = call->program->arena + i->partial;
    if (i->op->flags & PH_OP_SUM_ROWS) {
        size_t block = s->row / g->block_rows;
        add_rows(partial + block * s->width + s->column, in, stride, s->rows, s->columns,
                 s->row % g->block_rows == 0);
    } else {
        size_t blocks, block = s->column / g->block_columns;
        ph_group_blocks(call, &blocks);
        add_columns(partial + s->row * blocks + block, blocks, in, stride, s->rows, s->columns,
                    s->column % g->block_columns == 0);
    }
}

static void run_instructions(const ph_call *call, const span *s)
{
    const ph_program *p = call->program;
    for (int n = 0; n < call->group.count; n++) {
        const ph_instruction *i = &call->group.instruction[n];
        ph_tile tile = { .rows = s->rows, .columns = s->columns,
                         .attribute = i->node->attribute };
        bool dense = true;
        for (int k = 0; k < i->inputs; k++) {
            tile.in[k] = locate(call, &i->in[k], s, &tile.in_stride[k]);
            dense = dense && tile.in_stride[k] == s->columns;
        }
        if (i->op && i->op->flags & (PH_OP_SUM_LAST | PH_OP_SUM_ROWS)) {
            sum(call, i, tile.in[0], tile.in_stride[0], s);
            continue;
        }
        tile.out = locate(call, &i->out, s, &tile.out_stride);
        if (dense && tile.out_stride == s->columns) {
            tile.columns *= tile.rows;
            tile.rows = 1;
        }
        if (i->expands) {
            expand(call, i, tile.in[0], tile.out, s);
        } else if (i->op == NULL || i->op->flags & PH_OP_ASSIGN) {
            for (size_t r = 0; r < tile.rows; r++)
                memmove(tile.out + r * tile.out_stride, tile.in[0] + r * tile.in_stride[0],
                        tile.columns * sizeof(real));
        } else if (i->op->flags & PH_OP_NOISE) {
            tile.rows = s->rows;
            tile.columns = s->columns;
            i->op->noise(&tile, &(ph_noise_at){ .seed = p->seed, .step = p->noise_step,
                                                .phase = p->noise_phase,
                                                .node = (uint32_t)i->node->ordinal,
                                                .row = s->row, .column = s->column });
        } else {
            i->op->map(&tile);
        }
    }
}

void ph_group_tile(ph_call *call, int part, size_t row, size_t rows, size_t column, size_t columns,
                   const real *tile, size_t stride)
{
    const ph_program *p = call->program;
    size_t most = PH_GROUP_TILE / columns;
    span s = { .column = column, .columns = columns, .stride = stride,
               .width = ph_shape_columns(&call->group.domain),
               .registers = p->scratch + (size_t)part * p->scratch_size };
    for (size_t done = 0; done < rows; done += s.rows) {
        s.row = row + done;
        s.rows = rows - done < most ? rows - done : most;
        s.tile = tile ? tile + done * stride : NULL;
        run_instructions(call, &s);
    }
}

static void run_flat(ph_call *call, int part)
{
    const ph_program *p = call->program;
    size_t total = ph_call_rows(call, &call->group.domain) * ph_shape_columns(&call->group.domain);
    size_t block = 16 * PH_GROUP_TILE, tasks = (total + block - 1) / block, task;
    span s = { .rows = 1, .registers = p->scratch + (size_t)part * p->scratch_size };
    while (ph_next_task(call, part, tasks, &task)) {
        size_t end = task * block + block < total ? task * block + block : total;
        for (s.column = task * block; s.column < end; s.column += s.columns) {
            s.columns = end - s.column < PH_GROUP_TILE ? end - s.column : PH_GROUP_TILE;
            s.width = s.columns;
            run_instructions(call, &s);
        }
    }
}

void ph_group_run(ph_call *call, int part)
{
    const ph_group *g = &call->group;
    if (g->flat) {
        run_flat(call, part);
        return;
    }
    size_t columns = ph_shape_columns(&g->domain), rows = ph_call_rows(call, &g->domain);
    size_t column_blocks, blocks = ph_group_blocks(call, &column_blocks), block;
    while (ph_next_task(call, part, blocks, &block)) {
        size_t row = block * g->block_rows;
        size_t count = rows - row < g->block_rows ? rows - row : g->block_rows;
        for (size_t c = 0; c < columns; c += PH_GROUP_TILE)
            ph_group_tile(call, part, row, count, c,
                          columns - c < PH_GROUP_TILE ? columns - c : PH_GROUP_TILE, NULL, 0);
    }
}

PH_KERNEL static void combine(real *restrict out, const real *in, size_t blocks, size_t block_stride,
                              size_t step, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = in[i * step];
    for (size_t b = 1; b < blocks; b++)
        for (size_t i = 0; i < count; i++)
            out[i] += in[i * step + b * block_stride];
}

void ph_group_finish(ph_call *call, int part)
{
    const ph_group *g = &call->group;
    size_t columns = ph_shape_columns(&g->domain), rows = ph_call_rows(call, &g->domain);
    size_t column_blocks, row_blocks = ph_group_blocks(call, &column_blocks);
    enum { CHUNK = 256 };
    size_t row_tasks = (columns + CHUNK - 1) / CHUNK, last_tasks = (rows + CHUNK - 1) / CHUNK;
    size_t tasks = 0, task;
    for (int i = 0; i < g->count; i++)
        if (g->instruction[i].op && g->instruction[i].op->flags & PH_OP_SUM_ROWS)
            tasks += row_tasks;
        else if (g->instruction[i].op && g->instruction[i].op->flags & PH_OP_SUM_LAST)
            tasks += last_tasks;
    while (ph_next_task(call, part, tasks, &task))
        for (int i = 0; i < g->count; i++) {
            const ph_instruction *in = &g->instruction[i];
            if (in->op == NULL || !(in->op->flags & (PH_OP_SUM_ROWS | PH_OP_SUM_LAST)))
                continue;
            bool over_rows = in->op->flags & PH_OP_SUM_ROWS;
            size_t own = over_rows ? row_tasks : last_tasks;
            if (task >= own) {
                task -= own;
                continue;
            }
            size_t from = task * CHUNK, end = over_rows ? columns : rows;
            size_t count = end - from < CHUNK ? end - from : CHUNK;
            real *out = call->program->value[in->node->id].data + from;
            const real *partial = call->program->arena + in->partial;
            if (over_rows)
                combine(out, partial + from, row_blocks, columns, 1, count);
            else
                combine(out, partial + from * column_blocks, column_blocks, 1, column_blocks, count);
            break;
        }
}
