/* likelihood.h - p(x|z): how likely a row is under what a decoder makes of a code. */
#ifndef PH_NN_LIKELIHOOD_H
#define PH_NN_LIKELIHOOD_H

#include "nn/nn.h"

#define PH_LIKELIHOODS "bernoulli gaussian:C gaussian logistic:L logistic categorical:L categorical"

typedef struct ph_likelihood {
    ph_scope *scope;           /* of the decoder, where a learned variance is kept */
    size_t width;              /* numbers of a row */
    bool bernoulli, logistic;
    double variance;           /* of gaussian:C; 0: learned */
    size_t levels;             /* of logistic and categorical; 0: another */
    ph_node *level;            /* of categorical: their numbers, 0 .. levels-1 */
    bool words;                /* which are those of rows, too */
} ph_likelihood;

/* One of PH_LIKELIHOODS for rows of so many numbers, whole ones below `words` if that is not 0; refuses what
 * has no meaning. */
void ph_likelihood_read(ph_likelihood *, const char *text, ph_scope *decoder, size_t width, size_t words);
/* Numbers that a decoder gives for a row. */
size_t ph_likelihood_width(const ph_likelihood *);
/* log p(x|z) in nats: one number for each code that y was decoded from, [1] per row, or [count, 1]. row:
 * x as [width], or as often as there are codes, [count, width]. */
ph_node *ph_log_likelihood(const ph_likelihood *, ph_node *y, ph_node *row);
/* Where rows are taken for levels, reports bits_per_dimension: those of -log p in nats of a row, one number a
 * row, for each of its numbers. `of` says what log p is of. */
void ph_report_bits(const ph_likelihood *, const char *of, ph_node *log_p);
/* The mean of p(x|z), of words the likeliest, [width] per row, of y decoded from one code. */
ph_node *ph_likelihood_mean(const ph_likelihood *, ph_node *y);

#endif
