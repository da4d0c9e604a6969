/* clusters.c - a few lines that stand for all lines of a value per row, x [.., d]: any of them, and the
 * means of the clusters round some of them.
 *
 *     choose_lines    line number Philox(key, k) mod (number of lines) for each k
 *     cluster_lines   Lloyd's iteration (1982) from given centres, so many rounds; a cluster that no line
 *                     is in keeps its centre
 *
 * Neither has a derivative. A codebook begins with them and has its dead entries replaced by them.
 */
#include "op/op_nodes.h"

#include "base/philox.h"
#include "base/product.h"
#include "graph/program.h"
#include "op/nearest.h"

#include <string.h>

enum { TASK_CENTRES = 64 };

/* A computed input as a whole number: 0 for what is none, as a damaged file's may be. */
static uint64_t whole(const ph_call *call, int input)
{
    real value = ph_call_input(call, input)[0];
    return value > 0 && value < (real)(UINT64_C(1) << 53) ? (uint64_t)value : 0;
}

static void run_choose(ph_call *call, int part)
{
    const ph_node *n = call->node;
    size_t count = n->shape.dim[0], d = n->shape.dim[1], task;
    size_t lines = ph_call_rows(call, &n->input[0]->shape);
    const real *x = ph_call_input(call, 0);
    uint64_t key = whole(call, 1);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, (count + TASK_CENTRES - 1) / TASK_CENTRES, &task))
        for (size_t k = task * TASK_CENTRES; k < count && k < (task + 1) * TASK_CENTRES; k++) {
            uint32_t word[4], counter[4] = { (uint32_t)k, (uint32_t)((uint64_t)k >> 32), 0, 0 };
            ph_philox(word, counter, (uint32_t[2]){ (uint32_t)key, (uint32_t)(key >> 32) });
            uint64_t line = (((uint64_t)word[0] << 32) | word[1]) % (lines ? lines : 1);
            if (lines)
                memcpy(out + k * d, x + line * d, d * sizeof *out);
            else
                memset(out + k * d, 0, d * sizeof *out);
        }
}

/* ---- Clusters -------------------------------------------------------------------------------------- */

/* The centres as the search wants them, first, where scratch is aligned; the sums of the lines of each cluster, and
 * how many these are. */
static size_t cluster_scratch(const ph_call *call)
{
    const ph_shape *s = &call->node->shape;
    return ph_nearest_room(s->dim[0], s->dim[1]) + s->dim[0] * (s->dim[1] + 1);
}

static void add_to_clusters(real *sum, real *members, const uint32_t *index, const real *line, size_t count, size_t d)
{
    for (size_t l = 0; l < count; l++, line += d) {
        members[index[l]] += 1;
        for (size_t i = 0; i < d; i++)
            sum[index[l] * d + i] += line[i];
    }
}

static void move_centres(real *centre, real *scratch, real *tile, const real *x, size_t lines, size_t count, size_t d)
{
    real *room = scratch, *sum = room + ph_nearest_room(count, d), *members = sum + count * d;
    memset(sum, 0, count * (d + 1) * sizeof *sum);
    ph_nearest_pack(room, centre, count, d, 0, (count + PH_PANEL - 1) / PH_PANEL);
    for (size_t l = 0; l < lines; l += PH_BLOCK_ROWS) {
        uint32_t index[PH_BLOCK_ROWS];
        size_t block = lines - l < PH_BLOCK_ROWS ? lines - l : PH_BLOCK_ROWS;
        ph_nearest_search(index, x + l * d, block, room, count, d, tile);
        add_to_clusters(sum, members, index, x + l * d, block, d);
    }
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < d && members[k] > 0; i++)
            centre[k * d + i] = sum[k * d + i] / members[k];
}

/* One part does it all: it happens once in the life of a model, and never again costs anything. */
static void run_cluster(ph_call *call, int part)
{
    const ph_shape *s = &call->node->shape;
    size_t lines = ph_call_rows(call, &call->node->input[0]->shape), task;
    size_t rounds = whole(call, 2);
    real *out = ph_call_output(call);
    while (ph_next_task(call, part, 1, &task)) {
        memcpy(out, ph_call_input(call, 1), s->dim[0] * s->dim[1] * sizeof *out);
        for (size_t round = 0; round < rounds; round++)
            move_centres(out, ph_call_scratch(call), ph_call_own(call, part), ph_call_input(call, 0), lines,
                         s->dim[0], s->dim[1]);
    }
}

const ph_op ph_op_choose_lines = { .name = "choose_lines", .arity = 2, .run = run_choose };
const ph_op ph_op_cluster_lines = { .name = "cluster_lines", .arity = 3, .run = run_cluster,
                                    .scratch = cluster_scratch };

ph_node *ph_choose_lines(ph_node *x, size_t count, ph_node *key)
{
    if (ph_is_dead(x) || ph_is_dead(key))
        return ph_is_dead(x) ? x : key;
    if (count == 0 || key->shape.set != 0 || ph_shape_size(&key->shape) != 1)
        return ph_mistake(x->graph, "choose_lines: a whole scalar is the key, and 1 line or more is chosen");
    ph_shape shape = ph_shape_of(0, 2, (size_t[]){ count, ph_shape_columns(&x->shape) });
    return ph_node_new(&ph_op_choose_lines, shape, (ph_node *[]){ x, key }, 2, NULL, NULL, false);
}

ph_node *ph_cluster_lines(ph_node *x, ph_node *centres, ph_node *rounds)
{
    if (ph_is_dead(x) || ph_is_dead(centres) || ph_is_dead(rounds))
        return &x->graph->dead;
    const ph_shape *c = &centres->shape;
    if (c->set != 0 || c->rank != 2 || c->dim[1] != ph_shape_columns(&x->shape) || rounds->shape.set != 0 ||
        ph_shape_size(&rounds->shape) != 1) {
        char left[96], right[96];
        return ph_mistake(x->graph, "cluster_lines: shapes %s and %s do not fit",
                          ph_shape_text(&x->shape, left), ph_shape_text(c, right));
    }
    return ph_node_new(&ph_op_cluster_lines, *c, (ph_node *[]){ x, centres, rounds }, 3, NULL, NULL, false);
}
