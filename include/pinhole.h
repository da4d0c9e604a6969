/* pinhole.h - the public face of libpinhole: data, models, training, use.
 *
 * STEP BY STEP
 *     ph_data     *data  = ph_data_open("fashion-mnist:train", NULL);
 *     ph_settings *set   = ph_settings_new();
 *     ph_settings_set(set, "latent-dim", "20");
 *     ph_model    *model = ph_model_new("ae", data, set);
 *     ph_train(model, data, NULL);
 *     ph_model_save(model, "fashion.pin", false);
 *     ph_model_apply(model, "encode", &rows, codes);
 *
 * Every function that can fail returns a ph_status (or NULL); ph_message() then holds one line, in
 * the calling thread, that says what went wrong and where. The library never prints, exits or
 * aborts. Objects are not shared between threads without a lock of the caller's; a ph_data may be
 * read by many threads at once.
 *
 * One's own objectives and families: pinhole/graph.h.
 */
#ifndef PINHOLE_H
#define PINHOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define PH_VERSION "0.1.0"

/* The element type of values. The tests also build everything in double precision (PH_DOUBLE),
 * where formulas can be checked to 1e-6; the installed library is single precision. */
#ifdef PH_DOUBLE
typedef double ph_real;
#else
typedef float ph_real;
#endif

/* ---- Errors ------------------------------------------------------------------------------- */

typedef enum ph_status {
    PH_OK = 0,
    PH_USAGE,     /* an option, a name or an argument is wrong: the caller's mistake */
    PH_DATA,      /* a file does not hold what it says */
    PH_IO,        /* the system refused to open, read or write */
    PH_MEMORY,    /* an allocation failed */
    PH_MODEL,     /* a graph was built wrongly: shapes, scopes, missing gradient */
    PH_DIVERGED,  /* a loss became NaN or infinite; the last good weights were kept */
    PH_STOPPED    /* ph_stop() was called; everything was kept */
} ph_status;

/* The message of the last failure in this thread: one line, no newline; "" when there was none. */
const char *ph_message(void);

/* ---- Settings: names and values, as on the command line ------------------------------------ */

/* One row describes an option wherever it appears: flag, help, configuration file, model file. */
typedef enum ph_option_type {
    PH_OPTION_FLAG,    /* no value needed: on; "name=0" or "no" turns it off. Target: bool */
    PH_OPTION_INT,     /* target: int64_t */
    PH_OPTION_REAL,    /* target: double */
    PH_OPTION_SIZE,    /* a number of bytes, also as 64K, 512M, 2G (times 1024). Target: size_t */
    PH_OPTION_TEXT,    /* target: const char *, owned by the settings that it was read from */
    PH_OPTION_CHOICE   /* one word of `choices`; "lp:P" in choices admits "lp:" and a number, "c:KxN"
                          two with an x between. Target: const char * */
} ph_option_type;

typedef struct ph_option {
    const char *name;      /* with dashes: "latent-dim"; "_" is taken for "-" everywhere */
    const char *aliases;   /* blank-separated other names that are accepted, or NULL */
    ph_option_type type;
    size_t offset;         /* of the target in the family's options struct */
    const char *value;     /* the default as text; NULL: none (0, NULL) */
    double min, max;       /* of INT and REAL, both 0: any finite number */
    const char *choices;   /* of CHOICE, blank-separated */
    const char *help;      /* one line, no full stop */
} ph_option;

typedef struct ph_settings ph_settings;

ph_settings *ph_settings_new(void);
void ph_settings_free(ph_settings *);
/* Sets name to value (a copy); a later value replaces an earlier one. PH_MEMORY;
 * PH_USAGE past 4096 names. */
ph_status ph_settings_set(ph_settings *, const char *name, const char *value);
/* The value last set under this name ("-" equals "_"), or NULL. */
const char *ph_settings_get(const ph_settings *, const char *name);
/* Reads lines `name = value` or `name` (a flag); `#` starts a comment. A value set before wins over
 * the file's. PH_IO, PH_USAGE with file and line. */
ph_status ph_settings_read(ph_settings *, const char *path);

size_t ph_settings_count(const ph_settings *);
const char *ph_settings_name(const ph_settings *, size_t i);
const char *ph_settings_value(const ph_settings *, size_t i);

/* The row of that name or alias ("_" equals "-"), or NULL. */
const ph_option *ph_option_find(const ph_option *table, size_t count, const char *name);
/* Fills the struct at target from settings or defaults. Texts point into settings or the table.
 * PH_USAGE names option, value and what is allowed. */
ph_status ph_options_read(const ph_option *table, size_t count, const ph_settings *, void *target);
/* Every name must be in one of n tables; else PH_USAGE with the nearest one. */
ph_status ph_options_check(const ph_settings *, const ph_option *const *tables,
                           const size_t *counts, size_t n);

/* The one of n names that a mistyped one is nearest to, or NULL when none is near. */
const char *ph_nearest(const char *name, const char *const *names, size_t n);

/* ---- Data ----------------------------------------------------------------------------------- */

typedef struct ph_data ph_data;

/* How a set is opened; zero is the default everywhere. ph_data_options() is the same as a table of
 * options, with help. Lists of columns name them as the header does, or by their number from 1 on. */
typedef struct ph_data_desc {
    const char *part;          /* "train", "test" or "all" when the spec names none; NULL: "all" */
    uint64_t seed;             /* of built-in sets; 0 is a seed like any other */
    size_t memory_limit;       /* bytes: larger sets stay in their file, or go to a temporary one, and
                                  are read row by row when needed; 0: 256 MiB */
    const char *only_label;    /* the list of classes, by name or number, whose rows are taken; others, and
                                  rows without a label, are left out; NULL: all rows */
    const char *format;        /* "auto": by the name's ending, then by the first bytes. "bytes": of any file, or
                                  of all in a folder, as they are */

    /* Tables (CSV) */
    const char *label_column, *id_column; /* by name or number from 1 on. The first column is taken for
                                             the id if it is text, or has no name where others have;
                                             "none": there is no id */
    const char *columns;       /* the list to read, in this order; NULL: all */
    const char *drop_columns;  /* the list to leave out */
    const char *separator;     /* "auto", "comma", "semicolon", "tab", "blank" (runs of blanks), "bar" */
    const char *decimal;       /* "auto", "point" or "comma" */
    const char *header;        /* "auto", "yes" or "no" */
    const char *text_columns;  /* columns of text: "refuse" or "drop" */

    /* Files of named arrays (.npz, .safetensors) */
    const char *array, *label_array; /* label_array "none": there are no labels */

    /* Folders of pictures */
    const char *size;          /* "WIDTHxHEIGHT" that they are brought to; "own": none, all are of one size;
                                  NULL: that of a model's rows, where they are opened for one, else "own" */
    const char *fit;           /* how: "crop" (default), "pad" or "stretch" */
    const char *channels;      /* "auto" (3 if any picture can hold colour), "gray" or "rgb" */

    /* Sounds, bytes, series and pictures that are larger than a row */
    const char *window;        /* samples of a sound in a row, NULL: 1024; bytes, NULL: 64; lines of a table or of a
                                  .npy array, which make a row of shape {n} or {1, n, columns}, NULL: a row is a
                                  line; "WIDTHxHEIGHT" of the part of a picture that a row is, after `size`; NULL:
                                  all of it. Of the labels of its lines a row has the highest */
    const char *hop;           /* how far windows are from each other, likewise; NULL: half a window. The
                                  last window of each piece lies flush with its end; a piece smaller than
                                  a window is continued in it by reflection, but bytes are PH_DATA */
    size_t row;                /* numbers in a row, as a model has them: .npy arrays whose rows are of so many are
                                  windows already, and not cut; 0: unknown */
    const char *window_of;     /* NULL: tables and .npy arrays are cut, too; "table": tables, but not arrays, whose rows
                                  may be windows already; "other": neither. Models open other sets so */
} ph_data_desc;

/* The options that opening data has, for a ph_data_desc as their target. */
const ph_option *ph_data_options(size_t *count);

typedef struct ph_data_info {
    char name[64];         /* the spec's last path component, without the part */
    const char *format;    /* "IDX", "NPY", "NPZ", "CSV", "CIFAR", "pictures", "safetensors",
                              "WAV", "bytes", "built-in", "memory" */
    const char *element;   /* as NumPy names it: "u1", "i2", "i4", "i8", "f4", "f8", ... */
    size_t rows;
    size_t rank;           /* of one row, 1 to 4 */
    size_t shape[4];       /* of one row: {28, 28}, {32, 32, 3}, {n} */
    size_t width;          /* product of shape */
    size_t classes;        /* largest label + 1; 0 when the set has no labels */
    bool has_test;         /* the set has a test part of its own */
    const char *id_column; /* the name of the column that the ids are from, or NULL */
    const char *left_out;  /* a list of the columns of text that were dropped, or NULL */
    size_t pieces;         /* sounds, tables, files of bytes or pictures that rows are windows of; 0: they are none, or
                              copies of such (only_label) */
    char window[24], hop[24]; /* of those, as in ph_data_desc */
    uint32_t rate;         /* of sounds: samples of a channel in a second; 0: there are none */
    const char *coding;    /* of their samples: "16-bit PCM", "32-bit float", ..., "mixed", or NULL */
    bool bytes;            /* numbers are bytes of a file, symbols from 0 to 255 */
    bool table;            /* rows are windows of the lines of a table or an array */
} ph_data_info;

/* What a row is a window of, and where it lies there. Sizes and places are in lines [0] and columns [1];
 * all but pictures have one column, and as many lines as samples, bytes or lines of the table. */
typedef struct ph_excerpt {
    size_t piece;          /* from 0 on */
    const char *name;      /* of the file, or of it in its folder */
    bool picture;          /* and not a sound, a table or bytes */
    size_t size[2], place[2], whole[2], channels;
} ph_excerpt;

/* Opens `spec`: a path, a name looked up in $PINHOLE_DATA (folders separated by ":"), then in the
 * user's cache, or a built-in set ("glyphs"). A path is an IDX file or folder, .npy, .npz, .csv or
 * .tsv, a CIFAR batch or folder, a picture or a folder of them (PNG, JPEG, PGM, PPM; flat or one
 * folder for each class), a sound (WAV) or a folder of them, .safetensors; with desc->window a folder of tables,
 * with desc->format "bytes" any file or folder of files. IDX, .npy, CSV, CIFAR, bytes and single sounds may be
 * gzipped. "-" is standard input, CSV, .npy, WAV or bytes. An ending ":train", ":test" or ":all" picks the part and
 * wins over desc->part. A part that a set does not have is PH_USAGE; desc->part falls back to all where there are no
 * parts. "FIRST+SECOND" is the rows of both, one set after the other, where they are
 * of one kind; classes go by their names.
 * desc may be NULL. NULL on failure, with status PH_USAGE, PH_IO, PH_DATA in ph_last_status(). */
ph_data *ph_data_open(const char *spec, const ph_data_desc *desc);
/* Rows of the caller's, copied: rows x width, row-major. labels may be NULL. */
ph_data *ph_data_from_memory(const ph_real *values, size_t rows, size_t width,
                             const uint32_t *labels);
/* Says what the numbers of a row are: {height, width} or {height, width, channels} of a picture, {n} of
 * a line of a table. PH_USAGE if that is another number of them. */
ph_status ph_data_set_shape(ph_data *, size_t rank, const size_t *shape);
/* Rows first .. first+count-1 of `data`, which must outlive the part. */
ph_data *ph_data_slice(const ph_data *data, size_t first, size_t count);
void ph_data_close(ph_data *);
void ph_data_describe(const ph_data *, ph_data_info *info);
/* False where rows are no windows, or there is no such row. */
bool ph_data_excerpt(const ph_data *, size_t row, ph_excerpt *);
/* Reads n rows by index, in the data's own units, to out (n x width). PH_IO, PH_DATA. */
ph_status ph_data_read(const ph_data *, const size_t *index, size_t n, ph_real *out);
/* One label a row, PH_NO_LABEL where it has none, or NULL when the set has none at all. */
#define PH_NO_LABEL UINT32_MAX
const uint32_t *ph_data_labels(const ph_data *);
/* The class of that name or number, or PH_NO_LABEL where the set has none such. */
uint32_t ph_data_find_class(const ph_data *, const char *text);
/* The name of a column, of a class, of a row (as the set's id column or file names have it), or NULL
 * where the set has none. Where rows are windows of a table, every number has the name of its column there. */
const char *ph_data_column(const ph_data *, size_t column);
const char *ph_data_class(const ph_data *, size_t label);
const char *ph_data_id(const ph_data *, size_t row);
/* The name of a line of a table that rows are windows of, as its id column has it, or NULL. */
const char *ph_data_line(const ph_data *, size_t piece, size_t line);
/* Smallest and largest finite value of the set: one pass over it. */
ph_status ph_data_range(const ph_data *, double *min, double *max);
/* What a number takes in bits by how often each of the 256 there are is in the rows: the entropy of their
 * distribution (Shannon 1948). PH_USAGE where numbers are not of one byte without a sign. */
ph_status ph_data_entropy(const ph_data *, double *bits);

typedef struct ph_column {
    double min, max, mean, deviation; /* of the finite values; NaN where there is none */
    size_t missing, infinite;         /* NaN, and values beyond all numbers */
} ph_column;

/* One pass over the set: what is in each of its `width` columns. Those of windows have one range, mean and
 * deviation, of tables one for each column of the table; what is missing is counted window by window. */
ph_status ph_data_survey(const ph_data *, ph_column *columns);

/* Name number i of the sets that ph_data_get knows, or NULL past the last. */
const char *ph_data_downloadable(size_t i);
/* Writes the folder in which a set of that name lies in the user's cache, whether it is there or not:
 * $XDG_CACHE_HOME/pinhole/NAME or ~/.cache/pinhole/NAME. False if there is no home or no room. */
bool ph_data_cache(const char *name, char *path, size_t size);
/* Downloads the official files of a set into the user's cache, where ph_data_open finds them. Each
 * file has its name only once its size and SHA-256 are right; files that are there are kept. What an
 * interrupted download brought stays in FILE.part, and the next call goes on from there.
 * $PINHOLE_MIRROR, a base URL, replaces the known addresses: files are then at
 * $PINHOLE_MIRROR/NAME/FILE. libcurl and libcrypto are opened at run time.
 * progress (may be NULL) is called as bytes come, and once with done == total when a file is in its
 * place; a file that was there gets that call alone.
 * PH_USAGE: no such set; PH_DATA: other bytes than the official ones; PH_IO: network, server, disk or a
 * missing library; PH_STOPPED after ph_stop(). */
ph_status ph_data_get(const char *name,
                      void (*progress)(void *user, const char *file, uint64_t done, uint64_t total),
                      void *user);

/* The status that the last failing call of this thread returned, for calls that return NULL. */
ph_status ph_last_status(void);

/* ---- Output --------------------------------------------------------------------------------- */

typedef struct ph_writer ph_writer;

typedef struct ph_writer_desc {
    const char *format;    /* "npy", "npz", "csv", "safetensors", "png", "wav", "bytes"; NULL: by the path's
                              ending ("-": npy); where that is none of these, bytes of a file are such again */
    size_t rank;           /* of one row; 0: {width} */
    size_t shape[4];
    size_t width;          /* reals in one row */
    const char *element;   /* "u2" or "u4": they are whole numbers of that type, and npy, npz and
                              safetensors keep them so; NULL: they are reals */
    double white;          /* png: the value drawn white, 0: 1.0; black is 0. Rows that are no pictures
                              are lines of cells instead, black to white over each column's values */
    size_t columns;        /* png: rows side by side; 0: a nearly square grid of pictures, filled row by
                              row, or one line for each row of a table */
    const ph_data *source; /* the set that the rows come from, one for each from its first on: csv has
                              its ids before each row, npz and safetensors its labels (y) */
    bool whole;            /* png, wav, csv, bytes: rows are the windows of one picture, sound, table or file, all of
                              source's; that is written, put together from them with a smooth cross-fade, or, of
                              bytes, each from the window in whose middle it is most, as the nearest byte. A sound
                              has the rate of source, as 16-bit PCM where its coding is that or 8 bits, else as
                              32-bit float */
    size_t *clipped;       /* wav, bytes, if not NULL: set at the end to how many samples were beyond full scale,
                              -1 to 1, or bytes beyond 0 to 255, and were brought to it, as PCM must; floats
                              are kept */
    const char *(*column)(const void *user, size_t column); /* csv: names for a first line */
    const char *(*text)(const void *user, size_t column, ph_real value); /* csv: what stands for a number of that
                              column; NULL, also as the answer: the number itself */
    const char *(*row)(const void *user, size_t row); /* csv: names of rows, in the place of source's ids */
    const void *user;
} ph_writer_desc;

/* Opens path for rows to come; "-" is standard output. The file appears under its name, whole, at
 * ph_writer_close() only; before that, or after a failure, an older file stays as it was. */
ph_writer *ph_writer_open(const char *path, const ph_writer_desc *desc);
/* PH_USAGE for a number that is not of the element type. */
ph_status ph_writer_rows(ph_writer *, const ph_real *values, size_t rows);
/* Finishes the file and frees the writer, whatever the status. PH_IO. */
ph_status ph_writer_close(ph_writer *);
/* Frees the writer and leaves no trace of its file. */
void ph_writer_discard(ph_writer *);

/* What `make` gives for windows first .. first+count-1 of one sound, table or picture, all of whose windows are the
 * rows of `windows`, put together with a smooth cross-fade: `channels` numbers for each frame of a window, and
 * of the whole, whose lines and columns ph_data_excerpt() tells. PH_USAGE where rows are no such windows. */
typedef ph_status ph_window_maker(void *with, const ph_data *windows, size_t first, size_t count, ph_real *out);
ph_status ph_join_windows(const ph_data *windows, size_t channels, ph_window_maker *make, void *with,
                          ph_real *out);

/* A picture of equal tiles. tiles holds rows x columns pictures one after the other, each
 * height x width x channels (channels 1 or 3), black at 0 and white at `white`; values outside are
 * drawn as the nearest. by_column fills the grid column by column. gap: black pixels between. panel: a
 * white line, two pixels wide, behind every so many columns but the last; 0: none. */
typedef struct ph_grid {
    const ph_real *tiles;
    size_t rows, columns, height, width, channels, gap, panel;
    double white;
    bool by_column;
} ph_grid;
ph_status ph_grid_save(const char *path, const ph_grid *grid);

/* Where a picture comes back wrong: the picture, its reconstruction and the error of each pixel, as heat
 * over the picture in light gray, side by side as PNG, with a bar that names the scale. original and back
 * hold height x width x channels (1 or 3), black at 0 and white at `white` (0: 1.0); error holds height x
 * width, white at 0 and darkest at `most`. Small pictures are magnified. */
typedef struct ph_heat {
    const ph_real *original, *back, *error;
    size_t height, width, channels;
    double white, most;
} ph_heat;
ph_status ph_heat_save(const char *path, const ph_heat *heat);

/* ---- Models --------------------------------------------------------------------------------- */

typedef struct ph_model ph_model;

typedef struct ph_family {
    const char *name;             /* "ae" */
    const char *help;             /* one line */
    const ph_option *options;
    size_t option_count;
} ph_family;

/* Family number i, or NULL past the last. */
const ph_family *ph_family_at(size_t i);

/* What lists of layers are made of, such as that of the option "hidden": number i as it is written, and
 * what it is, one line; NULL past the last. */
const char *ph_layer_at(size_t i, const char **help);
/* The options that training has for every family. */
const ph_option *ph_training_options(size_t *count);

/* A new model of a family for rows like those of `data`, with random weights; its scaling is
 * fitted on `data`. settings (may be NULL) hold options of the family and of training; an unknown
 * one is PH_USAGE and names the nearest. */
ph_model *ph_model_new(const char *family, const ph_data *data, const ph_settings *settings);
/* What can be said of family and settings before there are data: PH_USAGE where ph_model_new would
 * refuse them for any. */
ph_status ph_model_check(const char *family, const ph_settings *settings);
ph_model *ph_model_load(const char *path);
/* Writes the model file (safetensors) atomically. weights_only drops the state of training. */
ph_status ph_model_save(const ph_model *, const char *path, bool weights_only);
void ph_model_free(ph_model *);

/* A named list of numbers. Names are unique; the text of unit says reduction and unit. Both texts last
 * as long as the model. */
typedef struct ph_figure {
    const char *name, *unit;
    double value;
} ph_figure;
/* A figure of many numbers; they, too, last as long as the model. */
typedef struct ph_list {
    const char *name, *unit;
    size_t count;
    const double *value;
} ph_list;
/* How many of a set of numbers are in which range: count[i] from edge[i] up to, but without, edge[i+1], and in
 * the last one those at its upper edge, too, unless they are whole numbers. It lasts as long as the model. */
typedef struct ph_histogram {
    const char *name, *unit;
    size_t bins;
    bool whole;
    const double *edge, *count;
} ph_histogram;
typedef struct ph_figures {
    size_t count;
    ph_figure at[96];
    size_t lists;
    ph_list list[4];
    size_t histograms;
    ph_histogram histogram[2];
} ph_figures;
/* The value called name, NaN if there is none. */
double ph_figure_get(const ph_figures *, const char *name);

typedef struct ph_model_info {
    const char *family;
    char data[64];                /* the name of the set it was made for */
    size_t rank, shape[4], width; /* of one row of input */
    size_t latent_dim;            /* numbers of a code */
    size_t code_classes;          /* where a code is blocks of so many numbers, the probabilities of
                                     the classes of a variable each; 0: it is numbers */
    size_t words, books;          /* where a row is words of a codebook: how many there are, and in how
                                     many books, each with words of its own; words 0: it is not */
    size_t token_rank, token_shape[4]; /* of the words of a row; several books are last */
    size_t parameters;            /* trained numbers */
    size_t layers;                /* of the encoder; encode --layer counts from 1 */
    double flops_per_row;         /* multiplications and additions of a training step, per row */
    int64_t epoch, step;          /* trained so far */
    double white;                 /* the value of white in the data's own units, 0: unknown */
} ph_model_info;
void ph_model_describe(const ph_model *, ph_model_info *info);
/* The name of a number of a row, as the table that the model was made for has it, or NULL, also where rows are
 * windows of it. */
const char *ph_model_column(const ph_model *, size_t column);
/* The name of a class that the model has learnt, as the set that it was made for has it (a number, where that
 * has numbers alone), or NULL; the class of that name or number, or PH_NO_LABEL. */
const char *ph_model_class(const ph_model *, size_t label);
uint32_t ph_model_find_class(const ph_model *, const char *text);
/* The resolved value of an option, as text; NULL if the model has no such option. */
const char *ph_model_option(const ph_model *, const char *name);
/* Writes what the model is to `to`: what is "summary", "options", "record" (of training) or
 * "program" (every call of the compiled step: formulas, shapes, bytes, arithmetic). */
ph_status ph_model_print(const ph_model *, FILE *to, const char *what);

/* ---- Use ------------------------------------------------------------------------------------ */

/* Functions of a model: "encode" (row to code), "decode" (code to row), "reconstruct" (row to
 * row), "layer1", "layer2", ... (row to hidden layer), "seen" (of models that hide a part of a row before
 * they give it back: 1 for each number that is not hidden, else 0); with a codebook "tokens" (row to the
 * numbers of its words) and "decode-tokens" (those to row; PH_DATA for a number that is no word's). Rows
 * are in the data's own units: the model's scaling is applied on the way in and undone on the way out. A
 * row's result depends on that row alone. */
ph_status ph_model_port(const ph_model *, const char *function, size_t *width_in,
                        size_t *width_out);
ph_status ph_model_apply(ph_model *, const char *function, const ph_real *in, size_t rows,
                         ph_real *out);

/* The same for `count` rows of data from row `first` on. PH_DATA also where the rows do not fit the
 * model (width, names of columns) or hold a value that is missing and has no treatment. */
ph_status ph_model_apply_data(ph_model *, const char *function, const ph_data *data, size_t first,
                              size_t count, ph_real *out);
/* How odd rows are: the mean squared error of each one's reconstruction over its numbers, in the
 * model's input scale, for `count` rows of data from row `first` on. */
ph_status ph_model_errors(ph_model *, const ph_data *data, size_t first, size_t count,
                          double *errors);
/* Where they come from, of pictures: for each pixel (count x height x width) the root of its squared error,
 * mean over its channels, so that the mean of its squares is the row's error. PH_USAGE where rows are no
 * pictures. */
ph_status ph_model_error_maps(ph_model *, const ph_data *data, size_t first, size_t count,
                              ph_real *maps);
/* Keeps how the errors of these rows (those of training, as a rule) are distributed. */
ph_status ph_model_calibrate(ph_model *, const ph_data *data);
/* The error that a share of those rows stayed below (0.99: one in a hundred was above); NaN where
 * nothing is kept. */
double ph_model_threshold(const ph_model *, double share);
/* The same of pieces, where those rows were windows of several: of_windows "largest" or "mean" of each one's
 * errors. "each" is ph_model_threshold(). */
double ph_model_threshold_of(const ph_model *, const char *of_windows, double share);

/* What can be asked for as the measure of how odd a row is; the larger, the odder:
 *   error      the mean squared error of its reconstruction, as ph_model_errors()
 *   blurred:S  the largest squared error of a pixel after the map of them is blurred by a Gaussian whose
 *              deviation is S pixels: a small fault in a large picture
 *   code       the squared Mahalanobis distance of its code from the codes of the training rows, over the
 *              numbers of a code (Lee, Lee, Lee and Shin 2018)
 *   both       the error over that of the training rows, plus the distance of the code: each of them is 1
 *              in the mean of the training rows (Denouden et al. 2018)
 *   nll:K      minus the log-likelihood under a variational model, by K importance samples
 *   bits       those of its words by a prior over them that is told no class (Pinaya et al. 2022) */
#define PH_SCORES "error blurred:S code both nll:K bits"

typedef struct ph_score_desc {
    const char *score;         /* NULL: "error" */
    const ph_data *training;   /* the rows that are normal; code and both need them. NULL: none */
    double share;              /* the threshold is what this share of them stay below, in [0,1] */
    const char *of_windows;    /* where rows are windows of sounds, tables or pictures: "largest" or "mean" of the
                                  scores of each one's windows; NULL or "each": windows have their own */
} ph_score_desc;
/* The scores of all rows of data, or of all sounds or pictures that they are windows of, in the first places
 * of scores, which has room for those of all rows; so with the training rows. threshold (may be NULL): where the
 * share of the training rows ends; without these, of the rows that the model was calibrated on (of their pieces, as
 * of_windows says, where it knows several; else of windows) if the score is the error, else NaN. PH_USAGE where the
 * model or the rows have no such score, and where training rows are needed. */
ph_status ph_model_score(ph_model *, const ph_data *data, const ph_score_desc *, double *scores,
                         double *threshold);

/* Whether codes of the model follow a prior, so that rows can be drawn from it. */
bool ph_model_has_prior(const ph_model *);
/* How codes are drawn. from: "prior", the model's; "normal", standard normals; or "mixture", the Gaussian
 * mixture that ph_model_fit_mixture fitted to the codes of data (the model file keeps it). labels: the class
 * of each, PH_NO_LABEL where any will do; NULL: of all. temperature, top: of a prior over words, which are drawn
 * by the power 1/temperature of their probability (0: 1), among the `top` most likely ones (0: all). */
typedef struct ph_draws {
    const char *from;
    uint64_t seed;
    const uint32_t *labels;
    double temperature;
    size_t top;
} ph_draws;
/* Codes number first .. first+count-1 of the endless list that a seed gives. Decode them for rows. PH_USAGE
 * where the codes are not of that kind: normals and mixtures are numbers, not classes. */
ph_status ph_model_draw_codes(ph_model *, const ph_draws *, size_t first, size_t count, ph_real *codes);
/* How many classes or clusters a draw may be told; 0: there is nothing of the kind. */
size_t ph_model_labels(const ph_model *);
/* The same, where they are the first numbers of the codes that are decoded, each between 0 and 1, the style
 * behind them. Gives `count` codes that class. PH_USAGE. */
size_t ph_model_label_numbers(const ph_model *);
ph_status ph_model_set_label(const ph_model *, size_t label, ph_real *codes, size_t count);
ph_status ph_model_fit_mixture(ph_model *, const ph_data *data, size_t components, uint64_t seed);
/* Components of the mixture that the model keeps; 0: it keeps none. */
size_t ph_model_mixture(const ph_model *);

/* Opens data for `function` of the model: the columns that it was trained on, by their names, and
 * pictures in its size, unless desc (may be NULL) says otherwise. Classes have the numbers that they have in
 * the model, found by their names; those that it does not know come behind, and are PH_DATA where labels are
 * measured by (ph_model_eval) or learnt (ph_train). An array that has the shape of one row is
 * that row. Fails as ph_data_open() does, and with PH_DATA where the rows do not fit. */
ph_data *ph_model_open_data(const ph_model *, const char *function, const char *spec,
                            const ph_data_desc *desc);

/* The kinds of noise that training's option `noise` has, as choices of an option: mask:P sets a
 * share P of the numbers to 0, salt-pepper:P to 0 or 1, gauss:S adds a deviation S, in the model's
 * input scale. */
#define PH_NOISES "none mask:P gauss:S salt-pepper:P"

/* Noise for rows that a model is to restore. A row's noise is a function of kind, seed, the row's
 * number in its set and the column alone, whatever else is read and whichever model is asked;
 * Gaussian noise is not clipped, as in training. The model must outlive it. NULL: PH_USAGE for a
 * kind that is none. */
typedef struct ph_noise ph_noise;
ph_noise *ph_noise_new(ph_model *, const char *kind, uint64_t seed);
void ph_noise_free(ph_noise *);
/* `count` rows of data from row `first` on, with noise, and what the model makes of those, in the
 * data's own units; corrupted and restored may be NULL. */
ph_status ph_noise_rows(ph_noise *, const ph_data *data, size_t first, size_t count,
                        ph_real *corrupted, ph_real *restored);
/* Adds mse_corrupted and mse_restored, both against the clean rows over the whole set, snr_before and
 * snr_after (dB; the signal is what the clean numbers differ by from their mean), and psnr_... where the
 * input scale has a peak. */
ph_status ph_noise_measure(ph_noise *, const ph_data *data, ph_figures *figures);

/* Rows with holes, for models that fill them ("fill"; mae). mask: rows of as many numbers, one for all of
 * data or one for each: a number above half of the mask's largest is seen, another is a hole. Of pictures it may
 * be gray, of windows those of one sound or picture of the size that all of them have. What is missing in data
 * (NaN) is a hole by itself; mask NULL: nothing else is. A token with
 * a hole in it is hidden from the model whole; only the holes are filled. Model, data and mask must
 * outlive it. NULL: PH_USAGE where the model cannot, the mask does not fit, has no hole, or a value that is no
 * number. */
typedef struct ph_holes ph_holes;
/* Opens a mask for rows of data: brought to size and cut as they were, where it is as large as their pictures
 * were before; an array of windows is taken as it is. Fails as ph_model_open_data() does. */
ph_data *ph_holes_open_mask(const ph_model *, const ph_data *data, const char *spec);
ph_holes *ph_holes_new(ph_model *, const ph_data *data, const ph_data *mask);
void ph_holes_free(ph_holes *);
/* `count` rows of data from row `first` on, filled, in the data's own units; what is seen is as it was.
 * seen (may be NULL): 1 for what is, 0 for holes. */
ph_status ph_holes_fill(ph_holes *, size_t first, size_t count, ph_real *seen, ph_real *filled);
/* Adds hole_share and masked_mse, the error of what fills the holes of the whole set; of bytes holes_exact. Where
 * data miss values, hole_missing is the share of the holes that these are: they count in no error, and where there
 * are no others, there is none. rows_unseen: how many rows are a hole as a whole, if any is. */
ph_status ph_holes_measure(ph_holes *, ph_figures *figures);

/* Measures the model on data: rows, mse, sse and what applies of bce, psnr, ... */
ph_status ph_model_eval(ph_model *, const ph_data *data, ph_figures *figures);

/* How the units of a code are used. A unit is active in a row where it is above `low`, as in
 * training: 0, or 0.1 where the code's activation is the sigmoid. */
enum { PH_ACTIVITY_BINS = 20 };
typedef struct ph_activity {
    size_t rows, units;
    double low, target;        /* target: RHO of sparsity kl:RHO, else NaN */
    double mean;               /* activation, over units and rows */
    double share;              /* of units that are active, mean over rows */
    size_t dead;               /* units that are active in no row */
    double *unit_mean;         /* activation of each unit, over rows */
    double edge[PH_ACTIVITY_BINS + 1]; /* of evenly wide bins, from 0 or the smallest activation up
                                          to the largest (sigmoid: 1) */
    size_t count[PH_ACTIVITY_BINS];    /* activations in each, of all units and rows */
} ph_activity;
/* Whether there are units that are on or off: the model's code is a sparse one, or its activation
 * is relu or sigmoid. */
bool ph_model_has_activity(const ph_model *);
ph_status ph_model_activity(ph_model *, const ph_data *data, ph_activity *);
void ph_activity_free(ph_activity *);

/* What is measured beyond that; zero: nothing. */
typedef struct ph_measures {
    const ph_data *training;   /* the rows that probes, PCA, quantisers and classifiers are fitted on;
                                  NULL: four fifths of `data`, drawn by a fixed seed, and these
                                  measures are taken on the rest */
    bool probe;                /* accuracy of a linear probe and of nearest neighbours on codes */
    size_t probe_labels;       /* they learn from so many labelled rows, drawn evenly over the classes */
    uint64_t probe_seed;       /* by this seed; 0: from all */
    bool code_size;            /* bytes of a code and what comes back from it, beside PCA */
    bool classifier;           /* Fréchet distance and inception score of reconstructions and of samples
                                  (from the prior; without one from normals and from a mixture), on the
                                  features of a classifier that is trained on the labelled rows */
    size_t importance_samples; /* of each row, for an estimate of its likelihood; 0: none */
    size_t parzen_draws;       /* from the prior, for a Parzen estimate of the rows' likelihood; 0: none */
    const ph_data *real_features, *generated_features; /* Fréchet distance between these sets */
    bool map;                  /* how much of the plane that codes lie on is empty, and the error of
                                  `training`, where it is given, less that of data */
    bool jpeg;                 /* of a model with a codebook: what JPEG makes of pictures at that size,
                                  headers and tables not counted */
    const char *noise;         /* how well rows with this noise come back; NULL: not measured */
    uint64_t noise_seed;
    ph_activity *activity;     /* filled, for the caller to free; dead_units is a figure, too, and the
                                  activations are a histogram */
} ph_measures;

/* The figures of ph_model_eval(), the structural similarity of pictures, the error relative to the
 * variance of the rows, the divergence of each dimension of a variational code from its prior (the
 * list "kl_per_dim"), and what `measures` (may be NULL) asks for. Every unit names the protocol. Names
 * and units live as long as the model. PH_USAGE where labels are asked for and there are none. */
ph_status ph_model_measure(ph_model *, const ph_data *data, const ph_measures *measures,
                           ph_figures *figures);

/* ---- Training ------------------------------------------------------------------------------- */

typedef enum ph_event {
    PH_EVENT_STEP,     /* every log-every steps */
    PH_EVENT_SECOND,   /* about once a second, for a progress line */
    PH_EVENT_EPOCH,
    PH_EVENT_DONE,
    PH_EVENT_NOT_SAVED /* a checkpoint could not be saved; the note says why; training goes on */
} ph_event;

/* What a phase of training has cost in this run. name is NULL where the model has a single phase; it
 * lasts as long as the model. */
typedef struct ph_phase_cost {
    const char *name;
    double flops_per_row;         /* multiplications and additions of its products in a step */
    double seconds;
} ph_phase_cost;

/* What a layer of a phase has cost in this run, where layers are timed: the products with its weight, with
 * what runs on their results (bias and activation forward, the update behind a weight's derivative). */
typedef struct ph_layer_cost {
    const char *phase;            /* as ph_phase_cost has it */
    const char *name;             /* "encoder/0"; "": what is in no layer, such as the loss */
    size_t rank, shape[4];        /* of its weight; rank 0: it has none */
    double flops_per_row[2];      /* forward; backward, which is both derivatives */
    double seconds[2];
} ph_layer_cost;

typedef struct ph_progress {
    ph_event event;
    int64_t epoch, epochs;        /* done, planned */
    int64_t step, steps;          /* in all: done, planned */
    size_t rows;                  /* in an epoch */
    double seconds;               /* of training alone, this run */
    double rows_per_second;
    double lr;
    const char *preparing;        /* the phase that this epoch belongs to, one before training proper, such
                                     as "layer1"; or NULL */
    const char *note;             /* why training ended early or a checkpoint failed, what is odd about
                                     the epoch, or NULL */
    size_t phases;                /* in the order in which a step runs them */
    const ph_phase_cost *phase;   /* valid during the call */
    size_t layers;                /* of all phases; 0 where they are not timed */
    const ph_layer_cost *layer;   /* valid during the call; the names as long as the training */
    ph_figures figures;           /* loss and reported terms: mean since the last such event;
                                     val_... where there is a validation part. The names are always the
                                     same; what is not known yet is NaN */
} ph_progress;

typedef struct ph_training {
    const ph_settings *settings;  /* override the model's training options */
    const ph_data *validation;    /* NULL: --val-split decides */
    const char *save_to;          /* model file for checkpoints and the final save; NULL: none */
    void (*progress)(void *user, ph_model *, const ph_progress *);
    void *user;
    bool time_layers;             /* progress has the cost of each layer; a step takes a little longer */
} ph_training;

/* Trains up to the option `epochs` in all, going on from where the model is. PH_DATA also where labels
 * are learnt and have other numbers than in the model (ph_model_open_data). PH_STOPPED after
 * ph_stop(), PH_DIVERGED at a NaN or infinite loss; both keep good weights and save them. After any
 * other failure (rows that cannot be read, a file that cannot be saved) the model holds what it has
 * come to: ph_model_save keeps it, and training goes on from there. */
ph_status ph_train(ph_model *, const ph_data *data, const ph_training *training);
/* Asks what runs long in this process to end: training (this one, or else the next) after a step, a
 * download at once. Safe in a signal handler. */
void ph_stop(void);

/* ---- Report --------------------------------------------------------------------------------- */

/* What a page is made with; zero: nothing of it. */
typedef struct ph_report_desc {
    const char *title;         /* of the page; NULL: the family and the set */
    const ph_data *train;      /* the part that the model was trained on, to compare errors */
    ph_model *beside;          /* its map of the same rows is shown beside the model's */
    const char *name, *beside_name; /* of the two, where both are shown; NULL: their families */
    const char *times;         /* "NAME=SECONDS,...": bars of them beside the model's time of training */
    ph_figures *figures, *beside_figures; /* if not NULL: what the page tells of either model */
} ph_report_desc;

/* Writes one page (HTML) about the model on data: figures, curves of training, reconstructions,
 * worst rows, filters, a map of the codes, and what else applies. The file needs no other and no
 * network; equal arguments give equal bytes. desc may be NULL. Replaces path atomically, "-" is
 * standard output. Fails as ph_model_eval() does before anything is written; PH_IO. */
ph_status ph_report_save(ph_model *, const ph_data *data, const ph_report_desc *desc,
                         const char *path);

/* Draws what the first layer looks for: the weights from a picture to each unit, up to `most` of
 * them (0: all), those of largest norm first (PCA's components in their order), on a scale of its
 * own each: negative is blue, zero white, positive red-brown; filters of colour pictures in their
 * colours about gray. *count, unless NULL: how many there are. PH_USAGE where rows are no pictures
 * or the layer is not dense. */
ph_status ph_filters_save(const ph_model *, size_t most, const char *path, size_t *count);

/* ---- Machine -------------------------------------------------------------------------------- */

/* Threads that the library works with; 0: one for each CPU this process may use. Pinned inside the
 * inherited affinity mask unless there are more threads than CPUs or pin is false. */
ph_status ph_set_threads(int threads, bool pin);
int ph_threads(void);
/* Arithmetic peak, in operations a second: fused multiply-adds without memory, all threads at
 * once, measured for about `seconds`. */
double ph_machine_peak(double seconds);
/* "x86-64-v4", ... : the instruction set that the kernels were chosen for. */
const char *ph_machine_isa(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
