/* fit.h - one run of the training loop. */
#ifndef PH_TRAIN_FIT_H
#define PH_TRAIN_FIT_H

#include "train/train.h"

typedef struct ph_fitting {
    ph_trainer *t;
    const ph_hooks *hooks;
    const ph_data *data, *validation;
    size_t rows, batch_size, width, classes;
    size_t *order;             /* of the training rows in this epoch */
    size_t *labelled_rows;     /* of the second set, ascending; NULL: there is none */
    size_t *labelled_order;    /* of these in the pass of that number */
    size_t labelled_count, labelled_batch;
    int64_t labelled_pass;
    size_t *training_rows;     /* NULL: all rows */
    size_t *validation_rows;   /* 0, 1, 2, ... where the validation part is a set of its own */
    size_t validation_count;
    ph_program *phase[PH_MAX_PHASES], *measure;
    ph_phase_cost cost[PH_MAX_PHASES];
    ph_layer_cost *layer;      /* of all phases, where they are timed, or NULL */
    real *batch, *labels, *second, *good; /* second: the batch of the second set */
    real *spare;               /* becomes the trainer's best when there is a first one */
    int64_t batches;           /* in an epoch */
    int64_t checkpoint_epochs;
    double checkpoint_seconds, saved_at, began, step_began, logged_at, told_at;
    int64_t logged_step, logged_rows;
    double logged[PH_MAX_FIGURES];
    double val[PH_MAX_FIGURES];
    bool has_val;
    ph_word_use val_use;       /* of the words in the validation part */
    ph_figure distance[PH_DISTANCES];
    bool has_distance;
    const char *remark;        /* about the last epoch, or NULL */
    bool judges;               /* the validation loss decides which weights are the best */
} ph_fitting;

/* Fills what data, trainer and hooks ask for; ph_fitting_end frees it, whatever came of that. */
ph_status ph_fitting_begin(ph_fitting *);
void ph_fitting_end(ph_fitting *);

#endif
