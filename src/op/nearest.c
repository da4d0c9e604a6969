/* nearest.c - which entry of a table, [v, d], is nearest to each line of x, [.., d]: what a vector is
 * quantised to (van den Oord et al. 2017).
 *
 *     argmin over e of |x - e|^2  =  argmin over e of |e|^2 / 2 - x.e
 *
 * So it is a product, of 64 lines with two panels of entries at a time, each looked through while it is
 * in the cache. The table is packed and its norms are taken first. Of equal ones the first is taken, and
 * an index does not depend on the lines beside it. The choice has no derivative.
 */
#include "op/nearest.h"

#include "base/product.h"
#include "op/op_nodes.h"

#include "base/kernel.h"
#include "graph/program.h"

#include <math.h>

enum { LINES = PH_BLOCK_ROWS, COLUMNS = PH_BLOCK_PANELS * PH_PANEL };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ph_nearest_room(size_t entries, size_t depth)
{
    return ph_panels_size(depth, entries) + entries;
}

PH_KERNEL static void take_norms(real *norms, const real *entry, size_t count, size_t depth)
{
    for (size_t e = 0; e < count; e++, entry += depth) {
        real sum = 0;
        for (size_t k = 0; k < depth; k++)
            sum += entry[k] * entry[k];
        norms[e] = sum / 2;
    }
}

/* The table as the right factor, in panels, and behind it half the squared norm of each entry. */
void ph_nearest_pack(real *room, const real *table, size_t entries, size_t depth, size_t first, size_t last)
{
    size_t from = first * PH_PANEL, to = least(last * PH_PANEL, entries);
    ph_pack_panels(room, table, 1, depth, depth, entries, first, last);
    take_norms(room + ph_panels_size(depth, entries) + from, table + from * depth, to - from, depth);
}

/* The least of norm - product in one line of a tile, if it is below that of the tiles before. */
PH_KERNEL static void look(real *distance, const real *norms, size_t columns, size_t column, real *best,
                           uint32_t *index)
{
    real low = INFINITY;
    for (size_t c = 0; c < columns; c++)
        distance[c] = norms[c] - distance[c];
#pragma omp simd reduction(min : low)
    for (size_t c = 0; c < columns; c++)
        low = distance[c] < low ? distance[c] : low;
    if (!(low < *best))
        return;
    /* A compiler may begin its vectors of the least with the largest finite number, and end there where a
     * line is all NaN: only what is found counts. */
    for (size_t c = 0; c < columns; c++)
        if (distance[c] == low) {
            *best = low;
            *index = (uint32_t)(column + c);
            return;
        }
}

void ph_nearest_search(uint32_t *index, const real *line, size_t count, const real *room, size_t entries,
                       size_t depth, real *tile)
{
    const real *norms = room + ph_panels_size(depth, entries);
    real best[LINES];
    for (size_t r = 0; r < count; r++) {
        best[r] = INFINITY;
        index[r] = 0;
    }
    for (size_t e = 0; e < entries; e += COLUMNS) {
        size_t columns = least(COLUMNS, entries - e);
        ph_product_block(tile, COLUMNS, line, depth, 1, room + e * depth, count, depth, columns, false);
        for (size_t r = 0; r < count; r++)
            look(tile + r * COLUMNS, norms + e, columns, e, &best[r], &index[r]);
    }
}

/* ---- The op ----------------------------------------------------------------------------------------- */

static const ph_shape *table_of(const ph_call *call)
{
    return &call->node->input[1]->shape;
}

static size_t scratch(const ph_call *call)
{
    return ph_nearest_room(table_of(call)->dim[0], table_of(call)->dim[1]);
}

static void prepare(ph_call *call, int part)
{
    size_t entries = table_of(call)->dim[0], depth = table_of(call)->dim[1], panel;
    while (ph_next_task(call, part, (entries + PH_PANEL - 1) / PH_PANEL, &panel))
        ph_nearest_pack(ph_call_scratch(call), ph_call_input(call, 1), entries, depth, panel, panel + 1);
}

static void run(ph_call *call, int part)
{
    size_t entries = table_of(call)->dim[0], depth = table_of(call)->dim[1];
    size_t lines = ph_call_rows(call, &call->node->input[0]->shape), task;
    const real *x = ph_call_input(call, 0);
    uint32_t *out = (uint32_t *)ph_call_output(call);
    while (ph_next_task(call, part, (lines + LINES - 1) / LINES, &task)) {
        size_t line = task * LINES;
        ph_nearest_search(out + line, x + line * depth, least(LINES, lines - line), ph_call_scratch(call), entries,
                          depth, ph_call_own(call, part));
    }
}

static double flops(const ph_node *node)
{
    return 2.0 * (double)ph_shape_size(&node->input[0]->shape) * (double)node->input[1]->shape.dim[0];
}

const ph_op ph_op_nearest_entry = {
    .name = "nearest_entry", .flags = PH_OP_INDEX, .arity = 2, .run = run, .scratch = scratch,
    .prepare = prepare, .flops = flops
};

ph_node *ph_nearest_entry(ph_node *x, ph_node *table)
{
    if (ph_is_dead(x) || ph_is_dead(table))
        return ph_is_dead(x) ? x : table;
    const ph_shape *e = &table->shape;
    if (e->set != 0 || e->rank != 2 || e->dim[1] != ph_shape_columns(&x->shape)) {
        char left[96], right[96];
        return ph_mistake(x->graph, "nearest_entry: %s and a table %s do not fit",
                          ph_shape_text(&x->shape, left), ph_shape_text(e, right));
    }
    return ph_node_new(&ph_op_nearest_entry, ph_shape_of_lines(&x->shape), (ph_node *[]){ x, table }, 2,
                       NULL, NULL, false);
}
