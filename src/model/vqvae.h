/* vqvae.h - the net that makes words of rows and rows of words, for the families that have one: vqvae
 * trains it, prior learns what it says.
 */
#ifndef PH_MODEL_VQVAE_H
#define PH_MODEL_VQVAE_H

#include "model/model.h"
#include "nn/codebook.h"
#include "nn/likelihood.h"

/* A family's struct of options begins with these, and its table has the rows PH_VQVAE_OPTIONS. */
typedef struct ph_vqvae_options {
    ph_net_options net;
    ph_codebook_options book;
    const char *likelihood;
    int64_t latent_dim;
} ph_vqvae_options;

#define PH_VQVAE_AT(field) offsetof(ph_vqvae_options, field)
#define PH_VQVAE_OPTIONS                                                                            \
    PH_NET_OPTIONS(ph_vqvae_options, "conv 32 4/2, conv 64 4/2, conv 64 3"), \
    { "latent-dim", "n-latent hiddensize z-dim code-size", PH_OPTION_INT, PH_VQVAE_AT(latent_dim), "64", 1, 1e6, \
      NULL, "size of a vector, of which a row has one for each pixel that the encoder ends with" }, \
    { "codes", "n-codes num-embeddings codebook-size", PH_OPTION_INT, PH_VQVAE_AT(book.codes), "512", 2, 1 << 24, NULL, \
      "words of the codebook" }, \
    { "quantizer", NULL, PH_OPTION_TEXT, PH_VQVAE_AT(book.quantizer), "vq", 0, 0, NULL, \
      "vq: a learned codebook; fsq:8,5,5,5: each number of a vector rounded to one of so many levels" }, \
    { "codebook", NULL, PH_OPTION_CHOICE, PH_VQVAE_AT(book.codebook), "loss", 0, 0, "loss ema", \
      "words follow their vectors by a loss, or are exponential averages of them" }, \
    { "codebook-weight", NULL, PH_OPTION_REAL, PH_VQVAE_AT(book.codebook_weight), "1", 0, 1e6, NULL, \
      "weight of that loss" }, \
    { "commitment", "commitment-weight commitment-cost", PH_OPTION_REAL, PH_VQVAE_AT(book.commitment), "0.25", 0, 1e6, \
      NULL, "weight of the loss by which vectors keep to their words" }, \
    { "codebook-decay", "ema-decay", PH_OPTION_REAL, PH_VQVAE_AT(book.decay), "0.99", 0, 0.999999, NULL, \
      "of the averages of codebook ema: of a word's vectors, and of how many there are" }, \
    { "revive", NULL, PH_OPTION_REAL, PH_VQVAE_AT(book.revive), "0.03", 0, 1, NULL, \
      "words that are used less than this part of an even share become vectors of the batch; 0: none do. It takes " \
      "so many vectors as would be some 100 uses of each word, at 0.03" }, \
    { "residual", NULL, PH_OPTION_INT, PH_VQVAE_AT(book.residual), "1", 1, 32, NULL, \
      "words for each vector, each for what those before it have left" }, \
    { "product", NULL, PH_OPTION_INT, PH_VQVAE_AT(book.product), "1", 1, 256, NULL, \
      "equal parts of a vector, each with words of its own" }, \
    { "normalize-codes", NULL, PH_OPTION_FLAG, PH_VQVAE_AT(book.normalize), "0", 0, 0, NULL, \
      "vectors and words have a length of 1" }, \
    { "rotation", NULL, PH_OPTION_FLAG, PH_VQVAE_AT(book.rotation), "0", 0, 0, NULL, \
      "derivatives go through the rotation that takes a vector to its word, not straight through" }, \
    { "likelihood", NULL, PH_OPTION_CHOICE, PH_VQVAE_AT(likelihood), "auto", 0, 0, "auto " PH_LIKELIHOODS, \
      "of a row given its words; C: the variance; L: levels from 0 to 1 that numbers are rounded to " \
      "[logistic 256, categorical 16]; auto: bernoulli for bytes and [0,1]" }

typedef struct ph_vqvae {
    ph_graph *graph;
    const ph_vqvae_options *o;
    ph_scope *encoder, *decoder;
    ph_layers in, out;
    ph_picture code;           /* the vectors, as a picture */
    ph_stack stack;
    ph_codebook book;
    ph_likelihood likelihood;
    ph_node *x, *row;
    ph_quantized said;         /* of x */
    ph_node *tokens;           /* the words' numbers as they stand: a grid of them or a line, the books last */
} ph_vqvae;

/* The net for rows x and its functions: encode, to the words as vectors; tokens; reconstruct; decode; and, of
 * tokens, vectors and decode-tokens. False where options do not fit. Its scopes are encoder, decoder and
 * codebook. */
bool ph_vqvae_make(ph_vqvae *, ph_graph *, ph_node *x, const ph_vqvae_options *);

#endif
