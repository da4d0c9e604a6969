/* data.h - a set of rows, wherever they come from.
 *
 * Every reader ends in the same place: numbers of one element type, row after row, in memory, in the
 * file they came in, or in a nameless file (base/store.h). They stay as the file has them (bytes stay
 * bytes) until a batch is made; any number of threads may read at once.
 */
#ifndef PH_DATA_DATA_H
#define PH_DATA_DATA_H

#include "base/real.h"
#include "base/store.h"
#include "data/source.h"
#include "data/texts.h"
#include "data/windows.h"

typedef enum ph_element {
    PH_U1, PH_I1, PH_U2, PH_I2, PH_U4, PH_I4, PH_U8, PH_I8, PH_F2, PH_BF2, PH_F4, PH_F8,
    PH_ELEMENTS
} ph_element;
#define PH_REAL_ELEMENT (sizeof(real) == 8 ? PH_F8 : PH_F4)

size_t ph_element_bytes(ph_element);
/* As NumPy names it: "u1", "i4", "f8"; "bf16" is not NumPy's. */
const char *ph_element_name(ph_element);
/* n numbers of that type (in this machine's order) as reals. */
void ph_convert(ph_element, const uint8_t *from, size_t n, real *to);

enum { PH_DATA_RANK = 4, PH_MEMORY_LIMIT = 256 << 20 };

struct ph_data {
    char name[64];
    const char *format;
    ph_element element;
    bool swapped;              /* bytes of a number are in the other order than this machine's */
    bool has_test;
    size_t rows, rank, shape[PH_DATA_RANK], width;
    ph_store store;            /* the numbers */
    uint64_t offset;           /* of the first of them in the store */
    char *path;                /* of the file that the store reads, if it is one with a name */
    uint32_t *labels;
    size_t classes;
    ph_texts class_names, columns, ids;
    char *id_column;           /* its name */
    char size[24], fit[8];     /* that pictures were brought to; "": they had it */
    size_t own[2];             /* lines and columns of all of them before that; 0: they differed */
    char *left_out;            /* columns of text that were dropped, as a list; NULL: none */
    ph_windows *windows;       /* that rows are of larger pieces; NULL: each row lies by itself */
    uint32_t rate;             /* of sounds: frames in a second; 0: it is none */
    const char *coding;        /* of their samples, as the file had them */
    bool bytes;                /* numbers are the bytes of a file: symbols, none of them nearer to another */
    const ph_data *whole;      /* a slice: the set it is part of, from row `first` on */
    size_t first;
};

/* An empty set, to be filled by a reader. NULL when out of memory. */
ph_data *ph_data_make(const char *name, const char *format);
/* Sets the shape of a row and the number of rows; PH_DATA where they overflow or are 0. */
ph_status ph_data_shape(ph_data *, const char *path, size_t rows, size_t rank, const size_t *shape);

/* A set of plain numbers that as a whole has the shape of one row becomes that row. */
void ph_data_as_row(ph_data *, size_t rank, const size_t *shape);

/* Three ways to the numbers. The shape must be set; of ph_data_begin only that of a row. */

/* 1. As they lie in a file from offset on; last: they end it. PH_DATA where its size is another. */
ph_status ph_data_take_file(ph_data *, const char *path, uint64_t offset, bool last,
                            size_t memory_limit);
/* 2. From `read`, which gives the next count bytes or says why it cannot: what is unpacked or comes
 * through a pipe. Memory grows with what is really there, so a header that lies cannot ask for more. */
typedef ph_status (*ph_reader)(void *source, void *to, size_t count);
ph_status ph_data_take_stream(ph_data *, ph_reader read, void *source, size_t memory_limit);
/* 3. Row by row; finish sets the number of rows, and is PH_DATA where there are none. */
ph_status ph_data_begin(ph_data *, size_t memory_limit);
ph_status ph_data_append(ph_data *, const void *numbers, size_t rows);
ph_status ph_data_finish(ph_data *, const char *path);

/* Columns lie one after the other (Fortran order): puts the rows together. */
ph_status ph_data_transpose(ph_data *, size_t memory_limit);
/* The rows of b after those of a, whose kind must be the same; b stays as it is. */
ph_status ph_data_join(ph_data *a, const ph_data *b, const char *path);

/* Takes labels (they are freed with the set) and counts the classes. */
void ph_data_take_labels(ph_data *, uint32_t *labels);
/* Labels from one text a row, as indices into the sorted different texts; whole numbers from 0 to
 * 9999 are their own index. An empty text, or NaN, is no label; PH_DATA where no row has one. */
ph_status ph_data_label_texts(ph_data *, const ph_texts *labels, const char *path);
/* The same from numbers. */
ph_status ph_data_label_values(ph_data *, const double *values, const char *path);
ph_status ph_data_add_class(ph_data *, const char *name);
ph_status ph_data_add_id(ph_data *, const char *text, size_t length);
/* What a class is called: its name, or its number, as text. */
const char *ph_data_class_text(const ph_data *, size_t label, char number[24]);
/* The number that each class of the set has among those of another, by what it is called: number[classes].
 * Where the set has numbers alone and none of them is a name there, they are taken as they are. PH_NO_LABEL:
 * it is not there. */
ph_status ph_data_class_numbers(const ph_data *, const ph_texts *known, uint32_t *number);
/* Numbers the set's own classes so; those of its rows that are not known come behind. */
ph_status ph_data_number_classes(ph_data *, const ph_texts *known);

/* Rows of another set by index, copied as they are stored, with their labels and names. */
ph_data *ph_data_pick(const ph_data *, const size_t *index, size_t n, size_t memory_limit);
/* Those of some classes, a list of names or numbers. PH_USAGE where there are no labels, or none of these. */
ph_data *ph_data_pick_labels(const ph_data *, const char *list, size_t memory_limit);
/* A set of rows that `make` computes, up to 1024 at a time, from front to back; labels may be NULL.
 * What is more than 256 MiB goes to a nameless file. */
typedef ph_status (*ph_row_maker)(void *context, size_t first, size_t count, real *out);
ph_data *ph_data_compute(const char *name, size_t rows, size_t width, const uint32_t *labels,
                         ph_row_maker make, void *context);

/* How many columns there are that may have a scale of their own: those of a row, or, where rows are windows, those
 * of the table, and one of sounds and pictures. Number c of a row is of column c % so many. */
size_t ph_data_scales(const ph_data *);

/* Where the numbers of a row are in the store, counted from the set's first number on. */
ph_runs ph_data_runs(const ph_data *, size_t row);
/* What follows them in the row, where it is a window beyond the end of its piece (ph_windows_continue). */
void ph_data_continue(const ph_data *, size_t row, void *numbers, size_t bytes);

/* What is drawn white: 255 for pictures of bytes and for bytes of a file, 65535 of 16 bits, 0 where that is not
 * known. */
double ph_data_white(const ph_data *);

/* Readers of files: each opens one kind. desc is never NULL and its memory_limit never 0. */
typedef ph_data *(*ph_file_reader)(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_idx_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_npy_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_npz_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_csv_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_cifar_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_safetensors_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_wav_open(ph_source *, const char *name, const ph_data_desc *);
ph_data *ph_bytes_open(ph_source *, const char *name, const ph_data_desc *);
/* Whether the reader of a file, by its name's ending, is one of arrays: .npy, .npz, .safetensors. */
bool ph_is_arrays(const char *path);

/* Readers of folders. `has` tells whether the folder holds that part ("train" or "test") in the
 * reader's kind; part is one of these. */
bool ph_idx_has(const char *folder, const char *part);
ph_data *ph_idx_part(const char *folder, const char *name, const char *part, const ph_data_desc *);
bool ph_cifar_has(const char *folder, const char *part);
ph_data *ph_cifar_part(const char *folder, const char *name, const char *part,
                       const ph_data_desc *);
/* part: what the caller named, or NULL; then desc->part, which a set without parts ignores. "all" is
 * one, too, since classes go by name over both parts. */
struct ph_folder;
ph_data *ph_pictures_open(const struct ph_folder *, const char *name, const char *part,
                          const ph_data_desc *);
ph_data *ph_sounds_open(const struct ph_folder *, const char *name, const char *part,
                        const ph_data_desc *);
ph_data *ph_bytes_folder(const struct ph_folder *, const char *name, const char *part,
                         const ph_data_desc *);
ph_data *ph_csv_folder(const struct ph_folder *, const char *name, const char *part,
                       const ph_data_desc *);
ph_data *ph_glyphs_open(const char *part, uint64_t seed);

/* An array as NumPy writes it, from the bytes of `read`: element, order and shape of d. The numbers
 * follow, *header bytes after the start, in Fortran's order if *by_column. */
ph_status ph_npy_header(ph_data *, const char *path, ph_reader read, void *source, bool *by_column,
                        uint64_t *header);

#endif
