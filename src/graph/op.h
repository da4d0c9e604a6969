/* op.h - what an op is: one row, defined in one file of src/op/, that the engine works from.
 *
 * The engine never asks for an op by name. What it may do with a node follows from the flags and
 * the functions of its row.
 */
#ifndef PH_GRAPH_OP_H
#define PH_GRAPH_OP_H

#include "base/real.h"

enum { PH_MAX_RANK = 4, PH_MAX_INPUTS = 5, PH_MAX_ATTRIBUTES = 3, PH_MAX_EXTENTS = 8 };

struct ph_node;
struct ph_call;

/* A tile of element-wise work. Rows are `stride` reals apart; a stride of 0 repeats one row. */
typedef struct ph_tile {
    size_t rows, columns;
    real *out;
    size_t out_stride;
    const real *in[PH_MAX_INPUTS];
    size_t in_stride[PH_MAX_INPUTS];
    const real *attribute;
} ph_tile;

/* The key of noise, and where in the value the tile lies. */
typedef struct ph_noise_at {
    uint64_t seed;
    uint32_t step, phase, node;
    size_t row, column;
} ph_noise_at;

enum ph_op_flags {
    PH_OP_MAP = 1,          /* element by element: has `map` */
    PH_OP_NOISE = 2,        /* element by element from nothing: has `noise`; never merged */
    PH_OP_SUM_LAST = 4,     /* may end a group: sum along the last dimension */
    PH_OP_SUM_ROWS = 8,     /* may end a group: sum over all dimensions but the last */
    PH_OP_VIEW = 16,        /* the value is its first input's memory */
    PH_OP_LEAF = 32,        /* value from outside: input, state, knob, constant */
    PH_OP_ASSIGN = 64,      /* input 1 is written over the state that is input 0 */
    PH_OP_TILED = 128,      /* `run` computes tile by tile and runs the call's group on each */
    PH_OP_CHOICE = 256,     /* input 0 in programs that train, input 1 in others */
    PH_OP_INDEX = 512,      /* the value is u32 */
    PH_OP_REPEAT = 1024,    /* the value is input 0, repeated */
    PH_OP_BY_INDEX = 2048   /* the last input holds indices; no other op but a VIEW takes any */
};

typedef struct ph_op {
    const char *name;
    const char *formula;    /* of MAP: with operands a to e and attributes p, q, r */
    unsigned flags;
    int arity;
    /* Emits nodes for the derivative by each input; NULL entries mean none. NULL: none at all. */
    void (*gradient)(struct ph_node *y, struct ph_node *dy, struct ph_node **by_input);
    void (*map)(const ph_tile *);
    void (*noise)(const ph_tile *, const ph_noise_at *);
    /* Runs one part of the call. Parts share its tasks through ph_next_task. */
    void (*run)(struct ph_call *, int part);
    /* Scratch that the call shares between its parts, in reals. NULL: none. */
    size_t (*scratch)(const struct ph_call *);
    /* Scratch of each part for itself, in reals, at least 1. NULL: what a block of a result takes. */
    size_t (*own)(const struct ph_call *);
    /* Fills the scratch before `run`, with a barrier between. NULL: nothing to prepare. */
    void (*prepare)(struct ph_call *, int part);
    double (*flops)(const struct ph_node *); /* per row (or whole); NULL: none to speak of */
    void (*cuda)(void); /* the slot of the kernel for GPUs */
} ph_op;

#endif
