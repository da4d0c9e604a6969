/* scaling.h - how a model's rows are scaled: x' = (x - shift) * scale, kept in the model file. */
#ifndef PH_DATA_SCALING_H
#define PH_DATA_SCALING_H

#include "data/data.h"

typedef struct ph_scaling {
    char kind[16];             /* "none", "bytes", "minmax", "standardise" */
    size_t width;              /* 1: the same for all columns; else one of each for each column */
    real *shift, *scale;
} ph_scaling;

/* kind "auto": bytes are divided by 255, values in [0,1] stay, others are standardised. Constant
 * columns become 0. */
ph_status ph_scaling_fit(ph_scaling *, const char *kind, const ph_data *);
void ph_scaling_free(ph_scaling *);
/* In place, for n rows of `columns` numbers: the width of the scaling, or any if that is 1. */
void ph_scaling_apply_to(const ph_scaling *, real *rows, size_t n, size_t columns);
void ph_scaling_undo_to(const ph_scaling *, real *rows, size_t n, size_t columns);

/* Reads rows by index and scales them, in one pass over each row. Thread-safe, without allocation. */
ph_status ph_data_read_scaled(const ph_data *, const ph_scaling *, const size_t *index, size_t n,
                              real *out);

#endif
