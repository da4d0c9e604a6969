/* graph.h - nodes, variables and the graph that owns them, as the engine and the ops see them.
 *
 * A node is one value and the op that makes it. Inputs are always built before the node that uses
 * them, so the order of ids is an order of computation.
 */
#ifndef PH_GRAPH_GRAPH_H
#define PH_GRAPH_GRAPH_H

#include "base/arena.h"
#include "base/error.h"
#include "graph/op.h"

#include <pinhole/graph.h>

/* set 0 is a whole value; others number the sets of rows. dim is the shape of one row. */
typedef struct ph_shape {
    int set;
    size_t rank;
    size_t dim[PH_MAX_RANK];
} ph_shape;

static inline size_t ph_shape_columns(const ph_shape *s)
{
    return s->dim[s->rank - 1];
}

/* Rows of the value as a matrix, for each row of its set: all dimensions but the last. */
static inline size_t ph_shape_lead(const ph_shape *s)
{
    size_t lead = 1;
    for (size_t i = 0; i + 1 < s->rank; i++)
        lead *= s->dim[i];
    return lead;
}

static inline size_t ph_shape_size(const ph_shape *s)
{
    return ph_shape_lead(s) * ph_shape_columns(s);
}

/* The shape of one index for each line of s, all dimensions but the last; and that of n numbers for each
 * index of s, false where it has too many dimensions. A single index is [1]; its n numbers are [n]. */
ph_shape ph_shape_of_lines(const ph_shape *s);
bool ph_shape_of_entries(const ph_shape *s, size_t n, ph_shape *entries);

bool ph_shape_equal(const ph_shape *, const ph_shape *);
ph_shape ph_shape_of(int set, size_t rank, const size_t *dim);

/* How an operand lies against the value it is used for, both as matrices: element for element; a whole
 * line repeated down; one number per line repeated along; one number for all; for each row of the set a
 * line, or a number, that all lines of that row share; whole lines that come round again and again.
 * OTHER must be copied out first. */
typedef enum ph_fit {
    PH_FIT_FULL,
    PH_FIT_ROW,
    PH_FIT_COLUMN,
    PH_FIT_ONE,
    PH_FIT_SHARED,
    PH_FIT_CYCLE,
    PH_FIT_OTHER
} ph_fit;
ph_fit ph_shape_fit(const ph_shape *operand, const ph_shape *domain);

typedef enum ph_variable_kind {
    PH_VARIABLE_INPUT,
    PH_VARIABLE_PARAMETER,
    PH_VARIABLE_STATE,
    PH_VARIABLE_KNOB,
    PH_VARIABLE_CONSTANT,
    PH_VARIABLE_INVERSE_ROWS
} ph_variable_kind;

/* What stands behind a leaf. */
typedef struct ph_variable {
    ph_variable_kind kind;
    char *name;
    ph_shape shape;
    size_t size;
    ph_start start;
    double range;
    int ordinal;               /* of parameters and states: part of the key of their start */
    int slot;                  /* of inputs: the number it is bound by */
    real *data;                /* of all but inputs: owned, aligned to 64 bytes */
    struct ph_variable *average; /* the state with its average over the steps, or NULL */
    struct ph_node *when, *instead; /* of parameters: ph_replace(), or NULL */
    bool assigned;             /* of states: a phase of training proper sets it as the model says */
    const real *used;          /* what stands in for a parameter outside training, or NULL */
    ph_node *node;
    struct ph_variable *next;
} ph_variable;

struct ph_node {
    const ph_op *op;
    ph_graph *graph;
    int id;
    ph_shape shape;
    int input_count;
    ph_node *input[PH_MAX_INPUTS];
    real attribute[PH_MAX_ATTRIBUTES];
    size_t extent[PH_MAX_EXTENTS]; /* sizes that the op keeps: where a slice begins, a window's strides */
    bool flag;                 /* a choice that the op keeps: transposed */
    int ordinal;               /* of noise: part of its key */
    ph_variable *variable;     /* of leaves */
};

typedef struct ph_named {
    char *name, *unit;
    ph_node *input, *value;
    int phase;                 /* of a report: where it is measured; -1: the first of training proper */
    bool needs_more;           /* of a report: inputs besides the first, such as labels */
} ph_named;

enum { PH_MAX_PHASES = 24, PH_MAX_NAMED = 40, PH_MAX_LISTS = 4, PH_LONGEST_LIST = 512 };
#define PH_ANY_ROOM ((size_t)PTRDIFF_MAX / sizeof(real))

struct ph_scope {
    ph_graph *graph;
    const char *name;
    int layers;                /* numbers the linear layers made in it */
    bool again;                /* what is asked for by a known name is what is there */
    struct ph_scope *next;
};

struct ph_graph {
    ph_arena arena;
    ph_status status;
    char message[512];
    uint64_t seed;
    size_t room;               /* numbers that further parameters and states may have, together */
    int node_count, node_capacity;
    ph_node **node;
    int set_count, input_count, ordinal_count, noise_count;
    ph_variable *variable, **variable_end;
    ph_scope *scope, nowhere;  /* nowhere: what a caller gets when there is no memory for a scope */
    int phase_count, report_count, list_count, export_count;
    ph_node *labels;           /* the input that takes them, or NULL */
    ph_node *labelled;         /* the second set of rows, or NULL */
    ph_node *compared[2];      /* codes and draws of their prior, or NULL */
    ph_node *tokens;           /* as ph_count_words() was told, or NULL */
    size_t words, books;
    bool words_stay;           /* they were frozen */
    bool frozen;               /* as ph_freeze() was told */
    bool labels_drawn, labels_apart; /* as ph_use_labels() was told */
    size_t labels_count;
    ph_phase phase[PH_MAX_PHASES];
    ph_named report[PH_MAX_NAMED], list[PH_MAX_LISTS], exported[PH_MAX_NAMED];
    ph_node dead;              /* what a constructor returns after a mistake */
};

/* Records the first mistake; returns the dead node. */
ph_node *ph_mistake(ph_graph *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Records that memory ran out; returns the dead node. */
ph_node *ph_out_of_memory(ph_graph *);
bool ph_is_dead(const ph_node *);
/* Whether the value is u32, itself or the one that it is a view of. */
bool ph_is_index(const ph_node *);
/* Whether a value, in use, depends on an input besides the first, such as labels. */
bool ph_needs_more(const ph_node *value);
/* "[784] per row", for messages. */
const char *ph_shape_text(const ph_shape *, char buffer[96]);

/* A node of op with the given inputs and shape. An equal node built before is returned instead,
 * unless the op draws noise or writes. attributes, extents: as many as there may be, or NULL. */
ph_node *ph_node_new(const ph_op *op, ph_shape shape, ph_node *const *inputs, int count,
                     const double *attributes, const size_t *extents, bool flag);
/* The same for an element-wise op: broadcasts the inputs and works out the shape. */
ph_node *ph_map(const ph_op *op, ph_node *const *inputs, const double *attributes);
/* A node like that, whatever was built before. */
ph_node *ph_node_append(ph_graph *, const ph_node *like);

/* A leaf of its own shape that stands for `variable`, with the op that leaves have. */
ph_node *ph_leaf(ph_graph *, ph_variable_kind, const char *name, ph_shape);
/* Draws or sets the starting value of a parameter or state. */
void ph_variable_start(ph_graph *, ph_variable *);
ph_variable *ph_variable_find(ph_graph *, const char *name);
bool ph_is_constant(const ph_node *, double *value);
/* a repeated to a shape that it can be broadcast to. */
ph_node *ph_broadcast_to(ph_node *a, const ph_shape *shape);
/* Its adjoint where only dimensions before the last, and not rows, were repeated. */
ph_node *ph_fold(ph_node *d, const ph_shape *like);
/* d summed to the shape of `like`, undoing a broadcast. */
ph_node *ph_sum_like(ph_node *d, const ph_shape *like);

#endif
