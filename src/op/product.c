/* product.c - matrix products, tile by tile, with a group of element-wise nodes as epilogue.
 *
 *     product              C[m,n] = A[m,k] B[k,n] or A[m,k] transpose(B[n,k]); m are A's rows
 *     product over rows    C[m,n] = transpose(A[k,m]) B[k,n]; k are the rows of both
 *
 * The two are closed under differentiation: each one's derivatives are products of the two kinds.
 * A transposed B is packed into panels by all threads first (product.h says why); then every block of
 * the result is computed into a scratch tile of its thread, and the call's group runs on the tile while it is
 * in the cache: bias and activation on the way forward, the optimiser's update on a weight gradient.
 */
#include "base/product.h"
#include "op/op_nodes.h"

#include "graph/program.h"

/* The product of a call as numbers: A is m x k with two strides, B is k x n with two strides. */
typedef struct matrices {
    const real *a, *b;
    size_t m, k, n, a_row, a_k, b_k, b_column;
} matrices;

static bool sums_rows(const ph_node *n);

static matrices matrices_of(const ph_call *call)
{
    const ph_node *node = call->node;
    const ph_shape *a = &node->input[0]->shape, *b = &node->input[1]->shape;
    matrices x = { .a = ph_call_input(call, 0), .b = ph_call_input(call, 1),
                   .n = ph_shape_columns(&node->shape) };
    size_t width = ph_shape_columns(a);
    if (sums_rows(node)) {
        x.m = width;
        x.k = ph_call_rows(call, a);
        x.a_row = 1;
        x.a_k = width;
        x.b_k = x.n;
        x.b_column = 1;
    } else {
        x.m = ph_call_rows(call, a);
        x.k = width;
        x.a_row = width;
        x.a_k = 1;
        x.b_k = node->flag ? 1 : ph_shape_columns(b);
        x.b_column = node->flag ? width : 1;
    }
    return x;
}

/* Only a transposed B has to be packed: one whose rows are contiguous is read where it lies. */
static size_t scratch(const ph_call *call)
{
    matrices x = matrices_of(call);
    return x.b_column == 1 ? 0 : ph_panels_size(x.k, x.n);
}

static void prepare(ph_call *call, int part)
{
    matrices x = matrices_of(call);
    size_t panels = (x.n + PH_PANEL - 1) / PH_PANEL, panel;
    while (ph_next_task(call, part, panels, &panel))
        ph_pack_panels(ph_call_scratch(call), x.b, x.b_k, x.b_column, x.k, x.n, panel, panel + 1);
}

static void run(ph_call *call, int part)
{
    enum { COLUMNS = PH_BLOCK_PANELS * PH_PANEL };
    matrices x = matrices_of(call);
    real *tile = ph_call_own(call, part);
    const real *panels = ph_call_scratch(call);
    size_t row_blocks = (x.m + PH_BLOCK_ROWS - 1) / PH_BLOCK_ROWS;
    size_t column_blocks = (x.n + COLUMNS - 1) / COLUMNS, task;
    while (ph_next_task(call, part, row_blocks * column_blocks, &task)) {
        size_t row = task % row_blocks * PH_BLOCK_ROWS, column = task / row_blocks * COLUMNS;
        size_t rows = x.m - row < PH_BLOCK_ROWS ? x.m - row : PH_BLOCK_ROWS;
        size_t columns = x.n - column < COLUMNS ? x.n - column : COLUMNS;
        const real *a = x.a + row * x.a_row;
        if (x.b_column == 1)
            ph_product_block_direct(tile, COLUMNS, a, x.a_row, x.a_k, x.b + column, x.b_k, rows, x.k,
                                    columns, false);
        else
            ph_product_block(tile, COLUMNS, a, x.a_row, x.a_k, panels + column * x.k, rows, x.k,
                             columns, false);
        ph_group_tile(call, part, row, rows, column, columns, tile, COLUMNS);
    }
}

static double flops(const ph_node *node)
{
    const ph_shape *a = &node->input[0]->shape;
    size_t lead = ph_shape_lead(a);
    return 2.0 * (double)lead * (double)ph_shape_columns(a) *
           (double)ph_shape_columns(sums_rows(node) ? &node->input[1]->shape : &node->shape);
}

static void product_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    ph_node *a = y->input[0], *b = y->input[1];
    by_input[0] = ph_product(dy, b, !y->flag);
    by_input[1] = y->flag ? ph_product_over_rows(dy, a) : ph_product_over_rows(a, dy);
}

static void over_rows_gradient(ph_node *y, ph_node *dy, ph_node **by_input)
{
    by_input[0] = ph_product(y->input[1], dy, true);
    by_input[1] = ph_product(y->input[0], dy, false);
}

const ph_op ph_op_product = {
    .name = "product", .flags = PH_OP_TILED, .arity = 2, .gradient = product_gradient,
    .run = run, .scratch = scratch, .prepare = prepare, .flops = flops
};
const ph_op ph_op_product_over_rows = {
    .name = "product_over_rows", .flags = PH_OP_TILED, .arity = 2, .gradient = over_rows_gradient,
    .run = run, .scratch = scratch, .prepare = prepare, .flops = flops
};

static bool sums_rows(const ph_node *n)
{
    return n->op == &ph_op_product_over_rows;
}

static ph_node *mismatch(const char *name, const ph_node *a, const ph_node *b)
{
    char left[96], right[96];
    return ph_mistake(a->graph, "%s: shapes %s and %s do not fit", name,
                      ph_shape_text(&a->shape, left), ph_shape_text(&b->shape, right));
}

ph_node *ph_product(ph_node *a, ph_node *b, bool transpose_b)
{
    if (ph_is_dead(a) || ph_is_dead(b))
        return ph_is_dead(a) ? a : b;
    size_t k = ph_shape_columns(&a->shape);
    if (b->shape.set != 0 || b->shape.rank != 2 || b->shape.dim[transpose_b ? 1 : 0] != k)
        return mismatch(transpose_b ? "product with transposed b" : "product", a, b);
    ph_shape shape = a->shape;
    shape.dim[shape.rank - 1] = b->shape.dim[transpose_b ? 0 : 1];
    return ph_node_new(&ph_op_product, shape, (ph_node *[]){ a, b }, 2, NULL, NULL, transpose_b);
}

ph_node *ph_product_over_rows(ph_node *a, ph_node *b)
{
    if (ph_is_dead(a) || ph_is_dead(b))
        return ph_is_dead(a) ? a : b;
    if (a->shape.set != b->shape.set || ph_shape_lead(&a->shape) != ph_shape_lead(&b->shape))
        return mismatch("product over rows", a, b);
    size_t dim[2] = { ph_shape_columns(&a->shape), ph_shape_columns(&b->shape) };
    return ph_node_new(&ph_op_product_over_rows, ph_shape_of(0, 2, dim), (ph_node *[]){ a, b }, 2,
                       NULL, NULL, false);
}
