/* codebook.h - vector quantisation: codes that are words of a learned vocabulary, and the fixed grid that
 * needs none.
 */
#ifndef PH_NN_CODEBOOK_H
#define PH_NN_CODEBOOK_H

#include "nn/nn.h"

enum { PH_MOST_LEVELS = 16 };

typedef struct ph_codebook_options {
    const char *quantizer, *codebook;
    int64_t codes, residual, product;
    double codebook_weight, commitment, decay, revive;
    bool normalize, rotation;
} ph_codebook_options;

/* What quantises each of a row's vectors to one word of each book. A book is one of `product` equal parts
 * of a vector, or of what earlier books have left of that part, `residual` times. */
typedef struct ph_codebook {
    const ph_codebook_options *o;
    ph_scope *scope;
    size_t depth;              /* numbers of a vector, d */
    size_t books, words;       /* words of each book; fsq has one, of all combinations of levels */
    size_t levels[PH_MOST_LEVELS], level_count; /* of fsq; 0: it is vq */
} ph_codebook;

/* What a row's vectors [t, d] have become. */
typedef struct ph_quantized {
    ph_node *vectors;          /* [t, d]: the words, through which a derivative passes to the vectors */
    ph_node *tokens;           /* [t, books]: the words' numbers */
    ph_node *codebook, *commitment; /* whole scalars or [1] per row, before their weights; NULL: none */
} ph_quantized;

/* How many numbers the vectors of quantizer "fsq:8,5,5,5" have, and its words; 0: it is no such list. */
size_t ph_fsq_depth(const char *quantizer, size_t *words);
/* Reads the options for vectors of that depth; refuses what has no meaning. */
void ph_codebook_read(ph_codebook *, const ph_codebook_options *, ph_scope *, size_t depth);
/* Quantises vectors [t, d] per row. In training its books also follow the vectors as the options say. */
ph_quantized ph_quantize(ph_codebook *, ph_node *vectors);
/* The words of tokens [t, books] (numbers) as vectors [t, d]. */
ph_node *ph_words(ph_codebook *, ph_node *tokens);

#endif
