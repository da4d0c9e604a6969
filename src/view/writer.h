/* writer.h - rows on their way out, as the formats see them. */
#ifndef PH_VIEW_WRITER_H
#define PH_VIEW_WRITER_H

#include "base/file.h"
#include "base/real.h"
#include "base/store.h"
#include "view/join.h"

/* What numbers are in a file: reals, or whole numbers. */
typedef struct ph_element {
    const char *name, *npy, *safetensors;
    size_t size;
} ph_element;

struct ph_writer {
    const struct ph_writer_format *format;
    const ph_element *element;
    ph_writer_desc desc;
    char *path;
    ph_file *file;             /* NULL where the format opens its own at the end */
    size_t rows;
    ph_store gathered;         /* rows of a format that needs all of them at once */
    ph_join *join;             /* rows are windows, put together: NULL where they are not */
    size_t clipped;            /* samples beyond full scale, numbers that are no bytes */
    bool pcm;                  /* a sound's coding, and the channels it has */
    size_t channels;
    size_t whole[2];           /* lines and columns of a picture of windows */
    size_t piece, lines;       /* the table that is put together, and what is written of it */
};

/* `.npy`'s header for that many rows of numbers of `type` ("<f4"), blanks up to a multiple of 64
 * bytes; returns its length. */
enum { PH_NPY_HEADER = 192 };
size_t ph_npy_text(char text[PH_NPY_HEADER], const char *type, size_t rows, size_t rank,
                   const size_t *shape);

ph_status ph_begin_csv(ph_writer *);
ph_status ph_write_csv_rows(ph_writer *, const real *values, size_t rows);
ph_status ph_write_npy(ph_writer *);
ph_status ph_write_npz(ph_writer *);
ph_status ph_write_safetensors(ph_writer *);
ph_status ph_begin_png(ph_writer *);
ph_status ph_write_png(ph_writer *);
ph_status ph_begin_wav(ph_writer *);
/* Whether rows are windows of bytes that are to be put together. */
bool ph_writes_bytes(const ph_writer_desc *);
ph_status ph_begin_bytes(ph_writer *);

#endif
