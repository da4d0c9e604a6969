/* data.h - a set of rows, wherever they come from.
 *
 * Numbers stay as the file has them (bytes stay bytes) until a batch is made. A set is either in
 * memory or read with pread when rows are asked for; both may be read by many threads at once.
 */
#ifndef PH_DATA_DATA_H
#define PH_DATA_DATA_H

#include "base/error.h"
#include "base/real.h"

typedef enum ph_element { PH_U1, PH_I1, PH_I2, PH_I4, PH_I8, PH_F4, PH_F8 } ph_element;

size_t ph_element_bytes(ph_element);
const char *ph_element_name(ph_element);

enum { PH_DATA_RANK = 4 };

struct ph_data {
    char name[64];
    const char *format;
    ph_element element;
    bool swapped;              /* bytes of a number are in the other order than this machine's */
    bool by_column;            /* Fortran order: the rows of one column lie together */
    bool has_test;
    size_t rows, rank, shape[PH_DATA_RANK], width;
    uint8_t *memory;           /* the numbers; NULL: in the file */
    int file;                  /* -1: none */
    uint64_t offset;           /* of the numbers in the file */
    char *path;
    uint32_t *labels;
    size_t classes;
    const ph_data *whole;      /* a slice: the set it is part of, from row `first` on */
    size_t first;
};

/* An empty set, to be filled by a reader. NULL when out of memory. */
ph_data *ph_data_make(const char *name, const char *format);
/* Sets the shape of a row and the number of rows; PH_DATA where they overflow or are 0. */
ph_status ph_data_shape(ph_data *, const char *path, size_t rows, size_t rank, const size_t *shape);
/* Takes the numbers from path at offset: into memory up to the limit, else with pread. PH_DATA where
 * the file is too short. */
ph_status ph_data_take_file(ph_data *, const char *path, uint64_t offset, size_t memory_limit);
/* Takes labels (they are freed with the set) and counts the classes. */
void ph_data_take_labels(ph_data *, uint32_t *labels);

/* Readers: each opens one kind of file. */
ph_data *ph_idx_open(const char *path, const char *name, const char *part, size_t memory_limit);
ph_data *ph_npy_open(const char *path, const char *name, size_t memory_limit);
ph_data *ph_glyphs_open(const char *part, uint64_t seed);

#endif
