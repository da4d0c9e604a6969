/* noise.h - corrupted rows, block by block. */
#ifndef PH_MODEL_NOISE_H
#define PH_MODEL_NOISE_H

#include "model/model.h"

struct ph_noise {
    ph_model *model;
    uint64_t seed;
    char kind[32];
    ph_graph *graph;
    ph_program *program;       /* rows to rows with noise */
};

/* Rows in the model's input scale, until the next block or other use of the model. */
typedef struct ph_noisy {
    size_t count;
    const real *clean, *corrupted, *restored;
} ph_noisy;

/* Up to `count` rows from row `first` on: as many as are in one block and the model takes at once. */
ph_status ph_noise_block(ph_noise *, const ph_data *, size_t first, size_t count, ph_noisy *);

#endif
