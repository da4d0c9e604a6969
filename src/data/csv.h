/* csv.h - between the two halves of the CSV reader: csv_layout.c finds out how a table is written,
 * csv.c reads it.
 */
#ifndef PH_DATA_CSV_H
#define PH_DATA_CSV_H

#include "data/data.h"

/* What becomes of a field: numbers from 0 on are the place of the value in the row. EMPTY: skipped, but
 * nothing may stand in it. */
enum { PH_CSV_SKIP = -1, PH_CSV_LABEL = -2, PH_CSV_ID = -3, PH_CSV_EMPTY = -4 };

typedef struct ph_csv {
    ph_source *in;
    const char *path;
    char *buffer;              /* the text that is in memory: from `at` to `size` it is to be read */
    size_t at, size, capacity;
    bool ended;                /* there is no text behind the buffer */
    size_t line;               /* of the record at `at`, from 1 on */
    char separator, decimal;   /* separator ' ': runs of blanks and tabs */
    bool header;
    size_t fields;             /* in each record */
    ph_texts names;            /* of the fields; none without a header */
    size_t *order;             /* of the names, once one has been looked for */
    int *role;                 /* of each field */
    size_t width;              /* numbers in a row */
    char *scratch;             /* a field without its quotes */
    size_t scratch_size;
} ph_csv;

/* One record: its text without the line end, and how many lines it takes. */
typedef struct ph_record {
    const char *text, *end;
    size_t line, lines;
} ph_record;

/* The next record that is not blank; false at the end or after a failure, which *status tells. */
bool ph_csv_record(ph_csv *, ph_record *, ph_status *status);
/* The field at *at, which moves behind the separator (to NULL after the last field): its text,
 * without quotes and surrounding blanks, valid until the next call. */
ph_status ph_csv_field(ph_csv *, const ph_record *, const char **at, const char **text,
                       size_t *length);
/* A field's number; NaN for what stands for a missing value, false if it is neither. */
bool ph_csv_number(const char *text, size_t length, char decimal, double *number);
/* "column 3 ('name')", for messages. */
const char *ph_csv_column(const ph_csv *, size_t field, char text[160]);

/* Sets separator, decimal mark, header, names and roles, and in d the names of columns, of the id and
 * of what was left out. The buffer holds the sample that it looks at. */
ph_status ph_csv_layout(ph_csv *, const ph_data_desc *, ph_data *d);

#endif
