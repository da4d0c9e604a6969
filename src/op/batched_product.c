/* batched_product.c - one matrix product for each leading index of two values, and for each row of them:
 * C[m,n] = A B, where A and B may each be stored transposed.
 *
 * Derivatives are batched products again. The lines of C are counted through all of its matrices: a
 * block of 64 of them, which the call's group runs on while it is in the cache, may hold pieces of
 * several. The columns of a transposed B that a piece needs are packed into scratch of its thread
 * (product.h says why).
 */
#include "base/product.h"
#include "op/op_nodes.h"

#include "graph/program.h"

#include <string.h>

enum { LINES = PH_BLOCK_ROWS, COLUMNS = PH_BLOCK_PANELS * PH_PANEL };

/* The products of a call as numbers: every A is m x k with two strides, every B is k x n with two. */
typedef struct matrices {
    const real *a, *b;
    size_t m, k, n, a_row, a_k, b_k, b_column;
    bool turned_b;
} matrices;

static bool transposed(const ph_node *n, int i)
{
    return n->extent[i] != 0;
}

static matrices matrices_of(const ph_call *call)
{
    const ph_node *node = call->node;
    const ph_shape *a = &node->input[0]->shape, *c = &node->shape;
    bool a_turned = transposed(node, 0), b_turned = transposed(node, 1);
    matrices x = { .a = ph_call_input(call, 0), .b = ph_call_input(call, 1),
                   .m = c->dim[c->rank - 2], .n = ph_shape_columns(c),
                   .k = a->dim[a->rank - (a_turned ? 2 : 1)], .turned_b = b_turned };
    x.a_row = a_turned ? 1 : x.k;
    x.a_k = a_turned ? x.m : 1;
    x.b_k = b_turned ? 1 : x.n;
    x.b_column = b_turned ? x.k : 1;
    return x;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A tile, and behind it the packed columns of one B. */
static size_t own(const ph_call *call)
{
    matrices x = matrices_of(call);
    return LINES * COLUMNS + (x.turned_b ? ph_panels_size(x.k, COLUMNS) : 0);
}

/* Lines and columns of C of one matrix. A B stays packed for the pieces that follow. */
typedef struct piece {
    size_t matrix, line, lines, column, columns;
} piece;

static void multiply(const matrices *x, const piece *p, real *tile, real *panels, bool pack)
{
    const real *a = x->a + p->matrix * x->m * x->k + p->line * x->a_row;
    const real *b = x->b + p->matrix * x->k * x->n + p->column * x->b_column;
    if (pack)
        ph_pack_panels(panels, b, x->b_k, x->b_column, x->k, p->columns, 0,
                       (p->columns + PH_PANEL - 1) / PH_PANEL);
    if (x->turned_b)
        ph_product_block(tile, COLUMNS, a, x->a_row, x->a_k, panels, p->lines, x->k, p->columns, false);
    else
        ph_product_block_direct(tile, COLUMNS, a, x->a_row, x->a_k, b, x->b_k, p->lines, x->k,
                                p->columns, false);
}

static void run(ph_call *call, int part)
{
    matrices x = matrices_of(call);
    piece p = { .matrix = SIZE_MAX };
    real *tile = ph_call_own(call, part), *panels = tile + LINES * COLUMNS;
    size_t lines = ph_call_rows(call, &call->node->shape), row_blocks = (lines + LINES - 1) / LINES;
    size_t column_blocks = (x.n + COLUMNS - 1) / COLUMNS, task;
    while (ph_next_task(call, part, row_blocks * column_blocks, &task)) {
        size_t line = task % row_blocks * LINES, column = task / row_blocks * COLUMNS;
        size_t count = least(LINES, lines - line);
        for (size_t done = 0; done < count; done += p.lines) {
            piece last = p;
            p = (piece){ (line + done) / x.m, (line + done) % x.m, .column = column,
                         .columns = least(COLUMNS, x.n - column) };
            p.lines = least(count - done, x.m - p.line);
            bool pack = x.turned_b && (p.matrix != last.matrix || p.column != last.column);
            multiply(&x, &p, tile + done * COLUMNS, panels, pack);
        }
        ph_group_tile(call, part, line, count, column, p.columns, tile, COLUMNS);
    }
}

static double flops(const ph_node *node)
{
    const ph_shape *a = &node->input[0]->shape;
    return 2.0 * (double)ph_shape_size(&node->shape) *
           (double)a->dim[a->rank - (transposed(node, 0) ? 2 : 1)];
}

static void gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    ph_node *a = y->input[0], *b = y->input[1];
    bool a_turned = transposed(y, 0), b_turned = transposed(y, 1);
    by_input[0] = a_turned ? ph_batched_product(b, b_turned, dy, true)
                           : ph_batched_product(dy, false, b, !b_turned);
    by_input[1] = b_turned ? ph_batched_product(dy, true, a, a_turned)
                           : ph_batched_product(a, !a_turned, dy, false);
}

const ph_op ph_op_batched_product = {
    .name = "batched_product", .flags = PH_OP_TILED, .arity = 2, .gradient = gradient, .run = run,
    .own = own, .flops = flops
};

ph_node *ph_batched_product(ph_node *a, bool transpose_a, ph_node *b, bool transpose_b)
{
    if (ph_is_dead(a) || ph_is_dead(b))
        return ph_is_dead(a) ? a : b;
    ph_shape shape = a->shape;
    const ph_shape *other = &b->shape;
    size_t lead = shape.rank < 2 ? 0 : shape.rank - 2;
    if (shape.rank < 2 || shape.rank != other->rank || shape.set != other->set ||
        memcmp(shape.dim, other->dim, lead * sizeof shape.dim[0]) != 0 ||
        shape.dim[lead + !transpose_a] != other->dim[lead + transpose_b]) {
        char left[96], right[96];
        return ph_mistake(a->graph, "batched product: shapes %s%s and %s%s do not fit",
                          ph_shape_text(&a->shape, left), transpose_a ? " transposed" : "",
                          ph_shape_text(other, right), transpose_b ? " transposed" : "");
    }
    shape.dim[lead] = a->shape.dim[lead + transpose_a];
    shape.dim[lead + 1] = other->dim[lead + !transpose_b];
    return ph_node_new(&ph_op_batched_product, shape, (ph_node *[]){ a, b }, 2, NULL,
                       (size_t[PH_MAX_EXTENTS]){ transpose_a, transpose_b }, false);
}
