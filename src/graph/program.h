/* program.h - what a graph is compiled into: a flat list of calls, cut into steps, and the memory
 * that they work in. The row counts are told when it is run.
 *
 * compile.c decides which nodes share a call, group.c how a group of element-wise nodes runs on a
 * tile, plan.c where values lie and where the threads must wait for each other, run.c runs.
 */
#ifndef PH_GRAPH_PROGRAM_H
#define PH_GRAPH_PROGRAM_H

#include "graph/graph.h"

#include <stdatomic.h>

enum { PH_MAX_SETS = 8, PH_GROUP_TILE = 1024 };

/* Where an operand of an instruction is found: in the call's tile (the result of a tiled op, just
 * computed), in a register (a tile-sized scratch of the thread), or in memory. */
typedef enum ph_place { PH_IN_TILE, PH_IN_REGISTER, PH_IN_MEMORY } ph_place;

typedef struct ph_operand {
    ph_place place;
    int number;                /* of the register, or the id of the node in memory */
    ph_fit fit;
} ph_operand;

typedef struct ph_instruction {
    const ph_op *op;
    ph_node *node;
    int inputs;
    ph_operand in[PH_MAX_INPUTS], out;
    bool expands;              /* fills a register from a value that is broadcast, but for whole lines */
    /* Sums are made block by block and combined in fixed order at the end of the call. */
    size_t partial;            /* offset in the arena */
} ph_instruction;

typedef struct ph_group {
    ph_shape domain;
    int node_count, node_capacity;
    ph_node **node;
    int count, registers, sums;
    ph_instruction *instruction;
    bool flat;                 /* may be run as one long row */
    size_t block_rows, block_columns;
} ph_group;

typedef struct ph_program ph_program;

typedef struct ph_call {
    ph_program *program;
    const ph_op *op;           /* NULL: the group alone */
    ph_node *node;
    ph_group group;
    bool assigns;
    size_t scratch, scratch_size;
    size_t stored;             /* of a tiled op: whether its own result goes to memory */
} ph_call;

typedef enum ph_stage { PH_PREPARE, PH_RUN, PH_FINISH, PH_GUARD } ph_stage;

enum { PH_MAX_PARTS = 64 };

/* Tasks are handed out by counters, one for each part: a part first takes the tasks of its own
 * share, then helps the others. Who computes a task does not change its result. */
typedef struct ph_counter {
    _Alignas(64) atomic_size_t next;
} ph_counter;

typedef struct ph_step {
    ph_call *call;
    ph_stage stage;
    bool barrier;              /* before it: it reads or writes what an earlier step may still use */
    bool serial;               /* too small to share: part 0 does it */
    bool check;                /* after its barrier, parts leave if the guard has stopped the run */
    ph_counter *counter;
} ph_step;

/* Memory of a value that crosses calls. */
typedef struct ph_value {
    real *data;
    bool stored;               /* in the arena */
    int bound;                 /* number of the feed, or -1 */
    size_t offset, size;       /* in the arena; reals at the largest row counts */
} ph_value;

/* Seconds of the steps as the first thread sees them: from when it may begin one, behind its barrier, to when
 * it may begin the next; so waiting for others belongs to what was waited for. */
typedef struct ph_timing {
    double *spent;             /* by step */
    int *slot;                 /* by step: twice the number of its layer, plus 1 if it is backward */
    size_t layers;
    ph_layer_cost *layer;      /* the first has no name: what is in no layer */
} ph_timing;

struct ph_program {
    ph_graph *graph;
    ph_arena memory;
    bool training;
    int call_count, step_count;
    ph_call **call;
    ph_step *step;
    int value_count;
    ph_value *value;           /* by node id */
    ph_node **root;            /* by node id: the node whose memory or register it is */
    int feed_count;
    ph_node **feed;
    int output_count;
    ph_node **output;
    size_t max_rows[PH_MAX_SETS], rows[PH_MAX_SETS];
    size_t arena_size;         /* reals */
    real *arena, *scratch;
    size_t scratch_size, registers_size; /* of one part, reals: registers, then the call's own */
    ph_node *guard;            /* the loss that is tested before anything is assigned, or NULL */
    atomic_bool stopped;
    uint64_t seed;
    uint32_t noise_step, noise_phase;
    int parts;
    ph_counter *counter;
    ph_step *current[PH_MAX_PARTS];
    ph_timing *timing;         /* NULL: nothing is timed */
    /* Inputs of ph_program_run */
    const void *const *bound;
};

typedef struct ph_program_desc {
    bool training;             /* which side of ph_when_training */
    ph_node *const *feeds;     /* nodes whose values come from outside */
    int feed_count;
    ph_node *const *outputs;   /* values to be had after a run */
    int output_count;
    ph_node *const *assigns;   /* ph_assign nodes to be carried out */
    int assign_count;
    ph_node *guard;            /* whole scalar: if it is not finite, the run stops before the first
                                  assignment with PH_DIVERGED */
    size_t max_rows;           /* of every set */
} ph_program_desc;

ph_program *ph_compile(ph_graph *, const ph_program_desc *);
void ph_program_free(ph_program *);
/* Runs with rows[s] rows in set s (rows[0] unused) and bound[i] as memory of feed i. */
ph_status ph_program_run(ph_program *, const size_t *rows, const void *const *bound);
/* The memory of output i, valid until the next run; u32 where it holds indices. */
const real *ph_program_output(const ph_program *, int i);
void ph_program_print(const ph_program *, FILE *);
/* From now on its runs are timed, for layers of a phase of that name (layers.c). */
ph_status ph_program_time(ph_program *, const char *phase);
/* What they have cost since. */
const ph_layer_cost *ph_program_layers(ph_program *, size_t *count);
double ph_clock(void);
double ph_program_flops(const ph_program *, size_t rows);

/* ---- For ops ---------------------------------------------------------------------------------- */

/* Rows of the value of `shape` as a matrix in this run. */
size_t ph_call_rows(const ph_call *, const ph_shape *shape);
const real *ph_call_input(const ph_call *, int i);
real *ph_call_output(const ph_call *);
real *ph_call_scratch(const ph_call *);
/* Scratch of this part alone: as much as the op's `own` says, or a tile of PH_BLOCK_ROWS rows of
 * PH_BLOCK_PANELS panels. */
real *ph_call_own(const ph_call *, int part);
/* Takes the next of `tasks` tasks; false when all are taken. */
bool ph_next_task(ph_call *, int part, size_t tasks, size_t *task);
/* Runs the call's group on a tile that lies at row, column of the result. */
void ph_group_tile(ph_call *, int part, size_t row, size_t rows, size_t column, size_t columns,
                   const real *tile, size_t stride);

/* ---- Between the files of the engine ------------------------------------------------------------ */

ph_status ph_group_compile(ph_call *);
void ph_group_run(ph_call *, int part);
void ph_group_finish(ph_call *, int part);
size_t ph_group_blocks(const ph_call *, size_t *column_blocks);
ph_status ph_plan(ph_program *);

#endif
