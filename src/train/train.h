/* train.h - options of training, the optimisers' updates as nodes, and the trainer's own state.
 */
#ifndef PH_TRAIN_TRAIN_H
#define PH_TRAIN_TRAIN_H

#include "data/data.h"
#include "data/scaling.h"
#include "graph/program.h"

typedef struct ph_trainer_options {
    int64_t epochs, batch_size, seed, early_stop, log_every, step_every, patience;
    double lr, momentum, beta1, beta2, epsilon, weight_decay, clip_norm, average, val_split;
    double warmup, lr_min, decay;
    const char *optimizer, *schedule, *missing, *scaling, *checkpoint_every;
    bool nesterov, no_shuffle;
} ph_trainer_options;

extern const ph_option ph_training_table[];
extern const size_t ph_training_table_size;

/* Checks what single ranges cannot. PH_USAGE. */
ph_status ph_training_check(const ph_trainer_options *, bool validates);

/* The assignments that carry out one phase's update, appended to list (of room for `room`), and the
 * loss as a whole scalar. Moments and averages become states named "optimizer/...". */
typedef struct ph_update {
    ph_node *loss;
    int count;
    ph_node **assign;
} ph_update;
ph_status ph_phase_update(ph_graph *, int phase, const ph_trainer_options *, ph_update *);

/* The rate of a step, in epochs done so far (a fraction). plateau: the factor that the validation
 * loss has brought it down by. */
double ph_schedule_rate(const ph_trainer_options *, double epoch, double plateau);

/* A trainer: a graph, how its rows are scaled, how it is trained, and how far it has come. What is
 * under `progress` is saved with the model, as are the states of the graph; the rest is made anew. */
enum { PH_MAX_FIGURES = 40 };

/* How often each word was used (words.c). */
typedef struct ph_word_use {
    size_t words, books;
    double *count;             /* of each word of the first book, then the next; NULL: there are none */
} ph_word_use;

typedef struct ph_trainer_progress {
    int64_t epoch, batch, step; /* epochs done, batches done in this one, steps in all */
    int64_t rows;               /* done in this epoch */
    double sum[PH_MAX_FIGURES]; /* of each figure over those rows */
    double list[PH_MAX_LISTS][PH_LONGEST_LIST]; /* of each number of the lists, likewise */
    double seconds;
    double plateau, best;       /* factor of the rate; best validation loss so far */
    int64_t best_epoch, waited; /* epochs since the plateau schedule last acted or improved */
} ph_trainer_progress;

typedef struct ph_trainer {
    ph_graph *graph;
    ph_node *x;
    ph_node *y;                /* labels, each as a row of zeros with a one, beside x or labelled; NULL */
    ph_node *labelled;         /* a second set of rows; or NULL */
    const ph_scaling *scaling;
    void (*schedule)(ph_graph *, const void *options, double epoch); /* of the family, or NULL */
    const char *(*remark)(const ph_figures *);                        /* likewise */
    const void *family_options;
    ph_trainer_options o;
    ph_trainer_progress progress;
    bool prepared;
    int lead, proper;           /* the first phase of training proper, and how many those are */
    int64_t prelude;            /* epochs of the phases that prepare, together */
    ph_update update[PH_MAX_PHASES];
    int figure_count;           /* loss, reports; then the same with "val_" if rows are held out */
    int list_count;             /* figures that are lists, kept in the record alone */
    ph_node *figure[PH_MAX_FIGURES + PH_MAX_LISTS]; /* the figures, then the lists */
    int figure_phase[PH_MAX_FIGURES + PH_MAX_LISTS]; /* which phase's program has it */
    bool figure_labelled[PH_MAX_FIGURES]; /* whether it is a mean over the labelled rows, not over all */
    char figure_name[2 * PH_MAX_FIGURES][72];
    const char *figure_unit[PH_MAX_FIGURES];
    ph_word_use use;            /* of the words that are learnt, in this epoch; saved like the lists */
    real *best;                 /* parameters and averages of the best epoch, or NULL */
    char *history;              /* one JSON object a line, for each epoch */
    size_t history_size;
} ph_trainer;

typedef struct ph_hooks {
    ph_status (*save)(void *context);                      /* NULL: nothing is saved */
    void (*progress)(void *context, const ph_progress *);  /* NULL: nobody listens */
    void *context;
    bool time_layers;
} ph_hooks;

void ph_trainer_start(ph_trainer *, ph_graph *, ph_node *x, const ph_scaling *);
void ph_trainer_free(ph_trainer *);
/* The unit of a figure that is the loss of a phase, or NULL. */
const char *ph_loss_unit(const ph_graph *, const char *figure);
/* Builds the updates and with them the states of the optimisers. Once. */
ph_status ph_trainer_prepare(ph_trainer *);
/* Reals in the snapshot of parameters and averages; copies them out or back in. */
size_t ph_trainer_snapshot_size(const ph_trainer *);
void ph_trainer_snapshot(const ph_trainer *, real *out);
void ph_trainer_restore(ph_trainer *, const real *in);
/* What programs for use read from now on: with `best` the best epoch's weights where there are such,
 * else the averages, else the weights themselves; so it is while training goes on. Programs compiled
 * before keep what they had. */
void ph_trainer_choose_weights(ph_trainer *, bool best);
/* Compiles what a phase does in a step; its figures are the outputs, in their order, its loss first,
 * then its lists, and last, in the first phase of training proper, the tokens, if words are counted.
 * PH_MEASURE: the program that has all figures, for validation. Feeds are those of ph_trainer_feeds: x,
 * y and labelled, as far as the graph takes them. */
enum { PH_MEASURE = -1, PH_MAX_FEEDS = 3 };
ph_program *ph_trainer_compile(const ph_trainer *, int phase, size_t rows);
int ph_trainer_feeds(const ph_trainer *, ph_node *feed[PH_MAX_FEEDS]);
/* The phase that prepares in this epoch; -1: it is training proper's. */
int ph_trainer_preparing(const ph_trainer *, int64_t epoch);
/* Arithmetic of a training step in products, per row. */
double ph_trainer_flops(const ph_trainer *);
/* Writes every call of a training step. */
ph_status ph_trainer_print(ph_trainer *, FILE *to);
/* A closed form in the place of epochs. */
ph_status ph_trainer_closed_form(ph_trainer *, ph_status (*fit)(ph_graph *, const ph_data *,
                                                                const ph_scaling *),
                                 const ph_data *, const ph_hooks *);
/* Trains up to o.epochs. validation may be NULL. A failure leaves weights and progress as they were
 * after the last whole step or epoch, so that saving and going on loses nothing. */
ph_status ph_trainer_run(ph_trainer *, const ph_data *, const ph_data *validation, const ph_hooks *);

/* What training took of a set: the rows of an epoch, those whose labels it used (0: of all or of none), apart
 * from the others or among them, and those held out by val-split. known: the steps that were made are those of
 * so many rows; otherwise it was another set. */
typedef struct ph_rows_used {
    size_t rows, labelled, held_out;
    bool apart, known;
} ph_rows_used;
ph_status ph_trainer_rows(const ph_trainer *, const ph_data *, ph_rows_used *);

/* How far codes lie from draws of their prior; see distance.c. */
typedef struct ph_distance {
    double mmd, mean, covariance;
} ph_distance;
enum { PH_COMPARED_ROWS = 1000, PH_DISTANCES = 3 };
/* n rows of width numbers each. */
ph_status ph_distance_between(const real *codes, const real *draws, size_t n, size_t width,
                              ph_distance *);
/* Of what ph_compare() was told about, for up to PH_COMPARED_ROWS rows of data, spread evenly over the n
 * that `rows` lists (NULL: 0 to n-1). */
ph_status ph_distance_measure(ph_graph *, ph_node *x, const ph_data *, const ph_scaling *,
                              const size_t *rows, size_t n, ph_distance *);
void ph_distance_figures(const ph_distance *, ph_figure out[PH_DISTANCES]);

/* Of the graph's words, none used yet; count stays NULL where it counts none. PH_MEMORY. */
ph_status ph_word_use_begin(ph_word_use *, const ph_graph *);
void ph_word_use_end(ph_word_use *);
void ph_word_use_forget(ph_word_use *);
/* Counts the words of n rows. */
void ph_word_use_add(ph_word_use *, const ph_graph *, const real *tokens, size_t n);
/* exp of the entropy of the use of a book's words, and how many are used; NaN where none is counted. */
double ph_word_perplexity(const ph_word_use *, size_t book, size_t *used);
/* codes_used, of all books, and perplexity, the mean over books. */
enum { PH_WORD_FIGURES = 2 };
void ph_word_figures(const ph_word_use *, ph_figure out[PH_WORD_FIGURES]);

/* Reads and scales n rows by index into out, on all threads. */
ph_status ph_fetch(const ph_data *, const ph_scaling *, const size_t *index, size_t n, real *out);
/* The same for the rows first .. first+count-1. */
ph_status ph_fetch_range(const ph_data *, const ph_scaling *, size_t first, size_t count, real *out);
/* The labels of n rows by index, each as a row of `classes` zeros with a one, or without where the row
 * has none. PH_DATA where there are no labels at all, or one that is no class. */
ph_status ph_fetch_labels(const ph_data *, const size_t *index, size_t n, size_t classes, real *out);

/* order[0..n-1] becomes the permutation of an epoch: a pure function of seed and epoch. */
void ph_shuffle(size_t *order, size_t n, uint64_t seed, uint64_t epoch);
/* Number i of `count` places spread evenly over rows: one in each of as many equal stretches, drawn within
 * it, so that no order of the rows that repeats itself (every second row from another source, as in MNIST)
 * is met always at the same point. Always the same ones, ascending; count is at most rows. */
size_t ph_spread(size_t i, size_t count, size_t rows);
/* The numbers 0 .. n-1, ascending but for the held_out drawn by the seed, which stand at the end,
 * ascending too. Free it; NULL when out of memory. */
size_t *ph_split_rows(size_t n, size_t held_out, uint64_t seed);
/* Marks, in drawn[n], `wanted` of the rows that have a label (0: all of them), taken evenly over the
 * classes, as far as each has enough, by the seed. rows: indices into data, NULL: 0 to n-1. Returns how
 * many; PH_USAGE in *status where there are fewer. */
size_t ph_draw_labelled(const ph_data *, const size_t *rows, size_t n, size_t wanted, uint64_t seed,
                        bool *drawn, ph_status *status);

#endif
