/* scaling.h - how a model's rows are scaled: x' = (x - shift) * scale, and what stands for a value
 * that is missing; kept in the model file. */
#ifndef PH_DATA_SCALING_H
#define PH_DATA_SCALING_H

#include "data/data.h"

typedef struct ph_scaling {
    char kind[16];             /* "none", "bytes", "center", "minmax", "standardise" */
    size_t width;              /* number c of a row is scaled by c % width: 1, or all columns of a row, or those of a
                                  table whose windows rows are (ph_data_scales) */
    real *shift, *scale;
    real *fill;                /* in the data's own units, by c % columns; NULL: none */
    size_t columns;
    const char *gaps;          /* what helps against missing values, told where they are refused; NULL: nothing */
    size_t words;              /* rows are of whole numbers below this, and refused if not; 0: of any */
} ph_scaling;

/* For `gaps`: what a model may be trained with. */
extern const char ph_gaps_take_means[];

/* Rows as they are, where they are finite. */
extern const ph_scaling ph_scaling_none;

/* kind "auto": pictures of bytes are divided by 255 (of 16 bits by 65535), values in [0,1] stay,
 * others are standardised. "center" takes the mean away, and divides only as bytes. Constant columns
 * become 0. missing "refuse": PH_DATA with row and column of the first NaN; "mean": the mean of the column takes
 * its place, here and wherever the scaling is applied. Infinite values are always refused. */
ph_status ph_scaling_fit(ph_scaling *, const char *kind, const char *missing, const ph_data *);
ph_status ph_scaling_copy(ph_scaling *, const ph_scaling *from);
void ph_scaling_free(ph_scaling *);
/* One row, in place: missing values filled, scaled. PH_DATA with set, row and column where a value is
 * not finite after that, or not a word of those that rows are of. */
ph_status ph_scaling_apply(const ph_scaling *, const ph_data *, size_t row, real *values);
/* The same for n rows of the caller's, of which the first is number `first` in messages; what a model made may
 * be among them, so of words nothing is asked. ph_scaling_check_words() does, before. */
ph_status ph_scaling_check_words(const ph_scaling *, size_t first, const real *rows, size_t n, size_t columns);
ph_status ph_scaling_apply_to(const ph_scaling *, size_t first, real *rows, size_t n,
                              size_t columns);
void ph_scaling_undo_to(const ph_scaling *, real *rows, size_t n, size_t columns);

/* Reads rows by index and scales them, in one pass over each row. Thread-safe, without allocation. */
ph_status ph_data_read_scaled(const ph_data *, const ph_scaling *, const size_t *index, size_t n,
                              real *out);

#endif
