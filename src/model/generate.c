/* generate.c - rows said word by word by a prior over words (token_prior.c): each word is drawn given those
 * before it, which leave keys and values, so that a word costs the same wherever it stands.
 */
#include "model/model.h"

#include "base/order.h"
#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 1 << 26 }; /* told to the net at once */

/* Rows in the making. What the net is told of one: the place and the number of its last word, and a line of
 * keys and values for each place before that. */
typedef struct saying {
    const ph_draws *draws;
    ph_function *next;
    size_t words, count;       /* of the vocabulary; of a row */
    size_t told, line;         /* numbers that the net is told of a row, and of a line */
    size_t most;               /* rows at once */
    real *in;
    double *share;             /* of each word; and room to sort them */
} saying;

bool ph_model_says_words(const ph_model *m)
{
    return ph_model_export(m, "next") != NULL;
}

/* exp(logit / temperature), 0 for all but the `top` most likely words; returns their sum. */
static double weigh(const saying *s, const real *logit)
{
    double temperature = s->draws->temperature > 0 ? s->draws->temperature : 1, high = -INFINITY, sum = 0;
    size_t top = s->draws->top;
    double *share = s->share, *sorted = share + s->words, least = 0;
    for (size_t w = 0; w < s->words; w++)
        high = fmax(high, (double)logit[w]);
    for (size_t w = 0; w < s->words; w++)
        share[w] = exp(((double)logit[w] - high) / temperature);
    if (top && top < s->words) {
        memcpy(sorted, share, s->words * sizeof *share);
        ph_sort_numbers(sorted, s->words);
        least = sorted[s->words - top];
    }
    for (size_t w = 0; w < s->words; w++)
        sum += share[w] = share[w] < least ? 0 : share[w];
    return sum;
}

/* u in (0, 1) of one word of one row, whatever else is drawn. */
static double uniform(uint64_t seed, size_t row, size_t place)
{
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) }, word[4];
    ph_philox(word, (uint32_t[4]){ (uint32_t)place, (uint32_t)row, (uint32_t)(row >> 32), 0x54414c4b }, key);
    return (word[0] + 0.5) / 4294967296.0;
}

static size_t draw(const saying *s, const real *logit, double u)
{
    double left = u * weigh(s, logit);
    size_t last = 0;
    for (size_t w = 0; w < s->words; w++) {
        if (s->share[w] == 0)
            continue;
        last = w;
        left -= s->share[w];
        if (left < 0)
            break;
    }
    return last;
}

/* The word that stands before a row's own: of its class, or of none. */
static size_t first_word(const saying *s, size_t row)
{
    uint32_t label = s->draws->labels ? s->draws->labels[row] : PH_NO_LABEL;
    return s->words + (label == PH_NO_LABEL ? 0 : 1 + label);
}

/* `rows` rows' words, of which the first row is number `from` of those wanted and `number` of the seed's. */
static ph_status say(saying *s, size_t from, size_t number, size_t rows, real *tokens)
{
    ph_program *p = s->next->program;
    memset(s->in, 0, rows * s->told * sizeof *s->in);
    for (size_t place = 0; place < s->count; place++) {
        for (size_t r = 0; r < rows; r++) {
            real *in = s->in + r * s->told;
            in[0] = (real)place;
            in[1] = place ? tokens[r * s->count + place - 1] : (real)first_word(s, from + r);
        }
        PH_TRY(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, rows }, (const void *[]){ s->in }));
        for (size_t r = 0; r < rows; r++) {
            const real *out = ph_program_output(p, 0) + r * (s->words + s->line);
            double u = uniform(s->draws->seed, number + r, place);
            tokens[r * s->count + place] = (real)draw(s, out, u);
            memcpy(s->in + r * s->told + 2 + place * s->line, out + s->words, s->line * sizeof *out);
        }
    }
    return PH_OK;
}

static ph_status check_labels(const ph_model *m, const ph_draws *d, size_t count)
{
    size_t labels = ph_model_labels(m);
    for (size_t i = 0; d->labels && i < count; i++)
        if (d->labels[i] != PH_NO_LABEL && d->labels[i] >= labels)
            return labels ? ph_fail(PH_USAGE, "label %u: the model has classes 0 to %zu", d->labels[i], labels - 1)
                          : ph_fail(PH_USAGE, "label %u: the model was trained without labels", d->labels[i]);
    return PH_OK;
}

static ph_status say_all(ph_model *m, saying *s, size_t first, size_t count, real *tokens, real *codes)
{
    size_t width, code;
    PH_TRY(ph_model_port(m, "vectors", &width, &code));
    for (size_t done = 0, rows; done < count; done += rows) {
        rows = count - done < s->most ? count - done : s->most;
        PH_TRY(say(s, done, first + done, rows, tokens));
        PH_TRY(ph_model_apply(m, "vectors", tokens, rows, codes + done * code));
    }
    return PH_OK;
}

ph_status ph_model_say(ph_model *m, const ph_draws *draws, size_t first, size_t count, real *codes)
{
    saying s = { .draws = draws, .next = ph_model_function(m, "next"), .words = m->graph->words,
                 .count = ph_width(m->graph->tokens) };
    if (s.next == NULL)
        return ph_last_status();
    PH_TRY(check_labels(m, draws, count));
    s.told = ph_width(s.next->named->input);
    s.line = ph_width(s.next->named->value) - s.words;
    size_t room = MOST_NUMBERS / s.told + 1;
    s.most = ph_use_rows(s.next->program, count);
    s.most = s.most < room ? s.most : room;
    s.in = malloc(s.most * s.told * sizeof *s.in);
    s.share = malloc(2 * s.words * sizeof *s.share);
    real *tokens = malloc(s.most * s.count * sizeof *tokens);
    ph_status status = s.in && s.share && tokens ? say_all(m, &s, first, count, tokens, codes)
                                                 : ph_fail(PH_MEMORY, "out of memory for words");
    free(s.in);
    free(s.share);
    free(tokens);
    return status;
}
