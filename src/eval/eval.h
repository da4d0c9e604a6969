/* eval.h - measures: figures of sets of rows. Codes, reconstructions, samples and features are sets
 * like those that come from files (ph_data_compute), so a measure does not care where rows are from.
 */
#ifndef PH_EVAL_EVAL_H
#define PH_EVAL_EVAL_H

#include "model/model.h"

enum { PH_EVAL_ROWS = 1024 };

/* What the measures of one model share. */
typedef struct ph_study {
    ph_model *model;
    const ph_measures *asked;
    const ph_data *data;       /* as given */
    const ph_data *fit, *test; /* what is fitted on, what is measured: parts, or data split in two */
    const char *parts;         /* the same in words */
    ph_figures *figures;
} ph_study;

ph_status ph_study_rows(ph_study *);
ph_status ph_study_likelihood(ph_study *);
ph_status ph_study_posterior(ph_study *);
ph_status ph_study_parzen(ph_study *);
ph_status ph_study_probe(ph_study *);
ph_status ph_study_code_size(ph_study *);
ph_status ph_study_classifier(ph_study *);
ph_status ph_study_matrices(ph_study *);
ph_status ph_study_noise(ph_study *);
ph_status ph_study_activity(ph_study *);
ph_status ph_study_map(ph_study *);
/* Needs the figures of ph_model_eval(); PH_USAGE where the model is not of that kind. */
ph_status ph_study_jpeg(ph_study *);
bool ph_study_has_jpeg(const ph_model *);

/* The estimate of log p(x) of every row of data, by so many importance samples, to out[rows]. PH_USAGE
 * where the model has no likelihood. */
ph_status ph_likelihoods(ph_model *, const ph_data *data, size_t samples, double *out);

/* Adds a figure whose unit is written like printf; the text lives as long as the model. */
ph_status ph_study_add(ph_study *, const char *name, double value, const char *unit, ...)
    __attribute__((format(printf, 4, 5)));

/* What `function` of the model makes of all rows of data, with their labels. */
ph_data *ph_results(ph_model *, const char *function, const ph_data *data);
/* Rows decoded from codes that are drawn as ph_model_draw_codes() says. */
ph_data *ph_samples(ph_model *, const char *from, size_t rows, uint64_t seed);
/* Rows decoded from draws of the prior, each told a class in turn, which is its label. For models whose
 * decoder takes a class (ph_model_labels). */
ph_data *ph_samples_of_classes(ph_model *, size_t rows, uint64_t seed);

/* Where codes lie on a plane (plane.c). */
enum { PH_PLANE_SAMPLE = 2000, PH_PLANE_CELLS = 20 };
typedef struct ph_plane {
    const char *function;      /* "encode"; "style", where a code has a class or a cluster in front */
    size_t rows, code;         /* code: numbers of what that gives, at least 1 */
    double *mean, *axis;       /* a code's place is (code - mean) . axis[0 and 1]; axis[2 x code] */
    double share[2];           /* of the variance along both, where a code has more than two numbers */
    double *place[2];          /* of each row; place[1] is its error where a code is one number */
    double low[2], high[2];    /* the central 95 % of both */
    size_t cells;              /* of a grid over that */
    double empty, empty_normal; /* share of cells without a row; of as many normal codes */
} ph_plane;
/* Finds the axes. Then every row is put in its place; then the cells can be counted. Free it, also after
 * a failure. */
ph_status ph_plane_begin(ph_plane *, ph_model *, const ph_data *);
bool ph_plane_of_styles(const ph_plane *);
void ph_plane_put(ph_plane *, size_t row, const real *code, double error);
ph_status ph_plane_end(ph_plane *);
void ph_plane_free(ph_plane *);
/* Adds empty_cells, empty_cells_normal and, with the figures of the training part (or NULL),
 * train_minus_test. */
ph_status ph_plane_figures(ph_study *, const ph_plane *, const ph_figures *train);

/* Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) of each picture x with its y, to
 * out[rows]. Pictures are height x width x channels, at least PH_SSIM_WINDOW high and wide. */
enum { PH_SSIM_WINDOW = 11 };
typedef struct ph_ssim_desc {
    size_t height, width, channels;
    double white;
} ph_ssim_desc;
/* That of a model's rows, and whether these are pictures that have one. */
ph_ssim_desc ph_ssim_of(const ph_model *);
bool ph_shows_pictures(const ph_model *);
ph_status ph_ssim(const ph_ssim_desc *, const real *x, const real *y, size_t rows, double *out);

/* Squared distances of `count` rows, which the caller fills in, to those of a block, which he fills in
 * anew each time, of at most PH_EVAL_ROWS. The squared norm of the row itself is left out. */
typedef struct ph_distances {
    size_t count, width, block_rows;
    real *rows, *block, *norm, *panels;
} ph_distances;
/* Called on any thread with rows of the block from `first` on; one row's come in their order. */
typedef void ph_line_visitor(void *context, size_t row, size_t first, const real *distance, size_t n);
/* End it, also after a failure. */
ph_status ph_distances_begin(ph_distances *, size_t count, size_t width);
void ph_distances_visit(ph_distances *, size_t block_rows, ph_line_visitor *, void *context);
void ph_distances_end(ph_distances *);
double ph_squares(const real *row, size_t width);

/* Share of test rows whose label is that of most of their k nearest training rows, scaled, for each
 * of `count` k, of at most 16: Euclidean, exact; among classes with equally many, the one whose
 * member is nearest. */
ph_status ph_neighbours(const ph_data *train, const ph_data *test, const ph_scaling *,
                        const size_t *k, size_t count, double *accuracy);

/* A net that tells classes apart: dense layers with ReLU and dropout, softmax cross-entropy. Without
 * hidden layers it is multinomial logistic regression. */
typedef struct ph_classifier ph_classifier;
typedef struct ph_classifier_desc {
    const char *hidden;        /* "256,128" or "none" */
    const char *scaling, *missing;
    double lr, l2, dropout;    /* l2: weight of half the squared weights, beside the mean loss */
    size_t epochs, least_steps; /* epochs, or more until there are that many steps of 128 rows */
} ph_classifier_desc;
ph_classifier *ph_classifier_train(const ph_data *, const ph_classifier_desc *);
void ph_classifier_free(ph_classifier *);
/* "features" (of the last hidden layer) or "log-p" (of the classes) of rows, with their labels. */
ph_data *ph_classifier_apply(ph_classifier *, const char *function, const ph_data *);
/* Share of labelled rows that it puts into their class. */
ph_status ph_classifier_accuracy(ph_classifier *, const ph_data *, double *share);
/* FNV-1a of the bytes of its weights. */
uint64_t ph_classifier_hash(const ph_classifier *);

/* Share of rows whose largest number is that of their label. */
ph_status ph_hits(const ph_data *scores, double *share);

/* Fréchet distance of two sets taken for normal distributions (Dowson and Landau 1982). */
ph_status ph_frechet(const ph_data *, const ph_data *, double *distance);

/* Inception score from log-probabilities of classes: exp of the mean KL divergence from their mean,
 * mean and standard deviation over ten parts of the rows (row number modulo 10). */
ph_status ph_inception_score(const ph_data *log_p, double *mean, double *deviation);

#endif
