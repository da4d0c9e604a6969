/* arrays.h - files of named arrays: which of them are the rows, which the labels. */
#ifndef PH_DATA_ARRAYS_H
#define PH_DATA_ARRAYS_H

#include "data/data.h"

typedef struct ph_arrays {
    const char *path;
    ph_texts names;
    void *source;
    /* Fills an empty set with the array of that name. */
    ph_status (*read)(const struct ph_arrays *, ph_data *, const char *name, const ph_data_desc *);
} ph_arrays;

/* The set that the arrays make: those that desc names, else X (x, data, arr_0, or the only one) and
 * y (labels, label, if it is there); x_train, y_train, x_test and y_test are two parts. */
ph_data *ph_arrays_open(const ph_arrays *, const char *name, const char *format,
                        const ph_data_desc *desc);

#endif
