/* model.h - a model: a family's graph with its options, scaling, training state and programs.
 */
#ifndef PH_MODEL_MODEL_H
#define PH_MODEL_MODEL_H

#include "nn/nn.h"
#include "train/train.h"

/* A compiled function of the model, made when it is first used. */
typedef struct ph_function {
    const ph_named *named;
    ph_program *program;
    bool raw_in, raw_out;      /* rows of data: scaled on the way in, undone on the way out */
} ph_function;

/* Gaussians over codes: weight [count], mean [count, width], lower Cholesky factors of the
 * covariances [count, width, width], one piece of memory. */
typedef struct ph_mixture {
    size_t count, width;
    double *weight, *mean, *factor;
} ph_mixture;

/* What is made of the scores of windows: each its own, or one for each piece. */
extern const char *const ph_folds[];
enum { PH_FOLDS = 3, PH_QUANTILES = 1001 };

struct ph_model {
    const ph_family_desc *family;
    ph_graph *graph;
    ph_node *x;
    ph_settings *settings;     /* every option, resolved, as text */
    void *options;             /* the family's struct */
    ph_scaling scaling;
    ph_shape row;
    char data_name[64];
    ph_texts columns;          /* names of the numbers of a row; none: they go by their place */
    ph_texts classes;          /* what those that it learns are called, in their order; none: it learns none,
                                  or is of a file that does not say */
    char size[24], fit[8];     /* that pictures were brought to */
    char window[24], hop[24];  /* that sounds, bytes, tables or pictures were cut with; "": rows were no windows */
    bool table;                /* windows of tables: columns are those of a line */
    uint32_t rate;             /* of sounds: frames in a second; 0: it was none */
    double white;
    double *quantile[PH_FOLDS]; /* of the errors of training rows, of the largest and of the mean of the windows of
                                  each piece that they are of: PH_QUANTILES of them, or NULL */
    ph_mixture mixture;        /* of the codes of training rows; count 0: none */
    ph_trainer trainer;
    int function_count;
    ph_function function[PH_MAX_NAMED];
    ph_program *eval;
    real *rows_in;             /* scratch of use: PH_USE_ROWS rows of scratch_width numbers */
    size_t scratch_width;
};

enum { PH_USE_ROWS = 1024 };

ph_status ph_mixture_make(ph_mixture *, size_t count, size_t width);
/* Fits `count` Gaussians to rows x width codes; the start is drawn by seed. */
ph_status ph_mixture_fit(ph_mixture *, size_t count, const real *codes, size_t rows, size_t width,
                         uint64_t seed);
/* One code, from u in (0,1) that chooses the component and `width` standard normals. */
void ph_mixture_draw(const ph_mixture *, double u, const double *normal, real *code);
/* One Gaussian with the mean and the covariance of a set of codes. */
ph_status ph_mixture_of(ph_mixture *, const ph_data *codes);
/* Squared Mahalanobis distance of a code from component k; solved has room for a code. */
double ph_mixture_distance(const ph_mixture *, size_t k, const real *code, double *solved);
void ph_mixture_free(ph_mixture *);

/* Mean of the scaled rows of a set and their scatter about it, the sum of outer products: mean[width],
 * scatter[width x width], of which the upper triangle is set. */
ph_status ph_moments(const ph_data *, const ph_scaling *, double *mean, double *scatter);

extern const ph_family_desc ph_family_aae, ph_family_ae, ph_family_logistic_pca, ph_family_mae,
                            ph_family_pca, ph_family_prior, ph_family_vae, ph_family_vqvae;
const ph_family_desc *ph_family_find(const char *name);
/* How many rows' labels an option asks for: -1 none, 0 all. Refuses what is neither nor a number, and fewer than
 * there are classes. */
int64_t ph_labels_wanted(ph_graph *, const char *text, int64_t classes);

/* A model without scaling and graph: options read and resolved. */
ph_model *ph_model_make(const char *family, const ph_settings *, const ph_shape *row);
/* Builds graph and trainer from settings that hold all options; scaling must be set. room: numbers
 * that its parameters and states may have in all, PH_ANY_ROOM where memory alone decides. */
ph_status ph_model_build(ph_model *, size_t room);
/* Whether rows of data can go through `function`: PH_DATA with both widths, or the first column whose
 * name differs. */
ph_status ph_model_check_data(const ph_model *, const char *function, const ph_data *);
/* Opens rows as the model's own were; whether they fit is not asked. */
ph_data *ph_model_open_rows(const ph_model *, const char *spec, const ph_data_desc *);
/* Keeps what makes other data fit: names of columns, size of pictures, windows, rate of sounds; and, once the
 * graph is built, what its classes are called. */
ph_status ph_model_remember(ph_model *, const ph_data *);
ph_status ph_model_remember_classes(ph_model *, const ph_data *);
/* How many classes the labels have that it learns; 0: it learns none. */
size_t ph_model_classes(const ph_model *);
/* The number that each class of the data has in the model (free it). PH_DATA where a row is of one that the
 * model does not know. */
ph_status ph_model_class_numbers(const ph_model *, const ph_data *, uint32_t **number);
/* PH_DATA where labels cannot be taken as the model's: a class that it does not know, or has another number. */
ph_status ph_model_check_classes(const ph_model *, const ph_data *);
/* What a new model starts with (ph_family_desc.earlier): *earlier is it, or NULL where none is named; its
 * options and scaling, before the graph is built; its weights, after that. PH_USAGE where options or rows
 * are not as it has them, PH_DATA where columns are others or stand in another order. */
ph_status ph_model_load_earlier(const ph_model *, ph_model **earlier);
ph_status ph_model_take_over(ph_model *, const ph_model *earlier, const ph_data *);
ph_status ph_model_copy_weights(ph_model *, const ph_model *earlier);
ph_function *ph_model_function(ph_model *, const char *name);
/* What the family exports under that name, or NULL. */
const ph_named *ph_model_export(const ph_model *, const char *name);
/* Whether the model's input scale has 1 as its peak: squared errors then have a PSNR. */
bool ph_model_has_peak(const ph_model *);
/* The largest (fold 1) or the mean (2) of the scores of each piece's windows, in the first places; returns how many
 * there are. Rows that are no windows keep theirs, as all do by fold 0. */
size_t ph_model_fold(const ph_data *, int fold, double *scores);
/* The number of "each", "largest" or "mean"; PH_FOLDS: it is none of them. */
int ph_model_fold_of(const char *of_windows);
/* Whether its rows are bytes of files, which are symbols: no error of theirs is a difference. */
bool ph_model_of_bytes(const ph_model *);
/* Adds the error of clusters by majority, where the model has clusters and the data labels. */
ph_status ph_model_cluster_error(ph_model *, const ph_data *, ph_figures *);
/* Whether `function` takes rows, and not codes or tokens; whether it takes tokens. */
bool ph_model_takes_rows(const ph_model *, const char *function);
bool ph_model_takes_tokens(const ph_model *, const char *function);
/* PH_DATA where the function takes tokens, and one of n rows of them, from row `first` on, is no word's. */
ph_status ph_model_check_tokens(const ph_model *, const ph_named *function, const real *tokens,
                                size_t first, size_t n);
/* The words that rows consist of (see ph_layers_words()), by the option that lists the encoder's layers. */
size_t ph_model_row_words(const ph_model *);
/* Bits of each row's words by a prior, in the first *known places of bits: given the class that its label names, of
 * the rows that have one that the model knows; labels NULL: of all rows, given none. PH_USAGE: it is no prior. */
ph_status ph_model_word_bits(ph_model *, const ph_data *, const uint32_t *labels, double *bits, size_t *known);
/* Adds how the words were used in a pass over data, and what a row takes in bits. */
ph_status ph_model_word_figures(ph_model *, const ph_word_use *, const ph_data *, ph_figures *);
/* Whether rows are pictures, gray or in colour. */
bool ph_model_is_picture(const ph_model *);
/* Adds a figure; texts and numbers must live as long as the figures. */
void ph_figure_add(ph_figures *, const char *name, const char *unit, double value);
void ph_histogram_add(ph_figures *, const ph_histogram *);
/* How many of `left` rows a program of use takes at once. */
size_t ph_use_rows(const ph_program *, size_t left);
/* Room for PH_USE_ROWS rows of that many numbers in m->rows_in. */
ph_status ph_model_scratch(ph_model *, size_t width);
/* Runs n scaled rows of m->rows_in through f to out; returns where the next result goes, or NULL. */
real *ph_function_run(ph_model *, ph_function *f, size_t n, real *out);
/* Programs hold pointers to weights and must go when these move or change shape. */
void ph_model_forget_programs(ph_model *);
/* Classes of each variable of a code, 0 where codes are numbers. */
size_t ph_model_code_classes(const ph_model *);
/* Whether codes are drawn word by word (ph_model_says_words), and such draws, as ph_model_draw_codes(). */
bool ph_model_says_words(const ph_model *);
ph_status ph_model_say(ph_model *, const ph_draws *, size_t first, size_t count, real *codes);
/* From the state dictionary of the graph: encoder layers exported as "layerN". */
size_t ph_model_layers(const ph_model *);

#endif
