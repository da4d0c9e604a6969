/* codebook.h - quantisers against what they must be, without a model. One body for both builds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/program.h"
#include "nn/codebook.h"

enum { PLACES = 3, MOST_ROWS = 1024 };

/* Vectors, what they become, and what their tokens give. */
typedef struct quantiser {
    ph_codebook_options o;
    ph_codebook book;
    ph_graph *graph;
    ph_node *x, *words;
    ph_quantized q;
} quantiser;

static const ph_codebook_options plain = {
    .quantizer = "vq", .codebook = "loss", .codes = 5, .residual = 1, .product = 1,
    .codebook_weight = 1, .commitment = 0.25, .decay = 0.99, .revive = 0.03
};

/* Words, where they are trained, are numbers of about 1 by formula. */
static void make(quantiser *a, ph_codebook_options o, size_t places, size_t depth)
{
    *a = (quantiser){ .o = o, .graph = ph_graph_new(1) };
    a->x = ph_input(a->graph, "x", 2, (size_t[]){ places, depth });
    ph_codebook_read(&a->book, &a->o, ph_scope_of(a->graph, "codebook"), depth);
    a->q = ph_quantize(&a->book, a->x);
    a->words = ph_words(&a->book, a->q.tokens);
    if (ph_graph_status(a->graph) != PH_OK)
        fail_msg("%s", ph_message());
    for (ph_variable *v = a->graph->variable; v; v = v->next)
        for (size_t i = 0; strstr(v->name, "/words") && i < v->size; i++)
            v->data[i] = (real)sin(1.0 + 1.7 * (double)(i + 100 * (size_t)v->ordinal));
}

static ph_program *compile(const quantiser *a, bool training, ph_node *const *outputs, int count)
{
    ph_program *p = ph_compile(a->graph, &(ph_program_desc){
        .training = training, .feeds = &a->x, .feed_count = 1, .outputs = outputs, .output_count = count,
        .max_rows = MOST_ROWS });
    if (p == NULL)
        fail_msg("%s", ph_message());
    return p;
}

static void run(ph_program *p, const real *rows, size_t count)
{
    const size_t sets[PH_MAX_SETS] = { 1, count };
    assert_int_equal(ph_program_run(p, sets, (const void *[]){ rows }), PH_OK);
}

static void end(quantiser *a, ph_program *p)
{
    ph_program_free(p);
    ph_graph_free(a->graph);
}

/* ---- Words and their numbers ----------------------------------------------------------------- */

/* In use, the words of the tokens are the vectors that came with these, to the bit, and the nearest. */
static void tokens_give_the_words_back(void **state)
{
    (void)state;
    ph_codebook_options all[6] = { plain, plain, plain, plain, plain, plain };
    all[1].product = 2;
    all[2].residual = 3;
    all[3].product = all[3].residual = 2;
    all[4].normalize = true;
    all[5].rotation = true;
    for (size_t i = 0; i < 6; i++) {
        enum { ROWS = 9, DEPTH = 4 };
        quantiser a;
        real x[ROWS * PLACES * DEPTH];
        for (size_t k = 0; k < ROWS * PLACES * DEPTH; k++)
            x[k] = (real)(1.5 * sin(0.3 + 2.9 * (double)k));
        make(&a, all[i], PLACES, DEPTH);
        ph_node *outputs[] = { a.q.vectors, a.words, a.q.tokens };
        ph_program *p = compile(&a, false, outputs, 3);
        run(p, x, ROWS);
        assert_memory_equal(ph_program_output(p, 0), ph_program_output(p, 1), sizeof x);
        bool several = false;
        size_t tokens = ROWS * PLACES * a.book.books;
        assert_int_equal(ph_width(a.q.tokens), PLACES * a.book.books);
        for (size_t k = 0; k < tokens; k++) {
            assert_true(ph_program_output(p, 2)[k] >= 0 && ph_program_output(p, 2)[k] < 5);
            several = several || ph_program_output(p, 2)[k] != ph_program_output(p, 2)[0];
        }
        assert_true(several);
        if (i == 0)
            for (size_t k = 0; k < ROWS * PLACES; k++) {
                const real *word = ph_variable_find(a.graph, "codebook/0/words")->data;
                double own = 0;
                for (size_t c = 0; c < DEPTH; c++)
                    own += pow((double)(x[k * DEPTH + c] - ph_program_output(p, 0)[k * DEPTH + c]), 2);
                for (size_t w = 0; w < 5; w++) {
                    double other = 0;
                    for (size_t c = 0; c < DEPTH; c++)
                        other += pow((double)(x[k * DEPTH + c] - word[w * DEPTH + c]), 2);
                    assert_true(own <= other * (1 + 1e-5));
                }
            }
        end(&a, p);
    }
}

/* ---- Levels ---------------------------------------------------------------------------------- */

/* A number that is bounded to that very level, or, for the outermost, which are never quite reached, goes
 * as far as it can. */
static double of_level(size_t level, size_t levels)
{
    double half = ((double)levels - 1) * 0.999 / 2, offset = levels % 2 ? 0 : 0.5;
    double to = ((double)level - (double)(levels / 2) + offset) / half;
    return to <= -1 ? -30 : to >= 1 ? 30 : atanh(to) - tan(offset / half);
}

/* Every word is reached; its vector and its number lead to each other. */
static void every_word_of_levels(const char *text, size_t count, const size_t *levels)
{
    quantiser a;
    ph_codebook_options o = plain;
    o.quantizer = text;
    make(&a, o, 1, count);
    ph_node *outputs[] = { a.q.tokens, a.q.vectors, a.words };
    ph_program *p = compile(&a, false, outputs, 3);
    real *x = malloc(MOST_ROWS * count * sizeof *x);
    size_t words = 1;
    for (size_t i = 0; i < count; i++)
        words *= levels[i];
    assert_int_equal(a.book.words, words);
    for (size_t first = 0, n; first < words; first += n) {
        n = words - first < MOST_ROWS ? words - first : MOST_ROWS;
        for (size_t r = 0; r < n; r++)
            for (size_t i = 0, rest = first + r; i < count; rest /= levels[i++])
                x[r * count + i] = (real)of_level(rest % levels[i], levels[i]);
        run(p, x, n);
        for (size_t k = 0; k < n * count; k++) /* but for the sign of a zero */
            assert_true(ph_program_output(p, 1)[k] == ph_program_output(p, 2)[k]);
        for (size_t r = 0; r < n; r++) {
            if (ph_program_output(p, 0)[r] != (real)(first + r))
                fail_msg("%s: word %zu became %.9g", text, first + r,
                         (double)ph_program_output(p, 0)[r]);
            for (size_t i = 0, rest = first + r; i < count; rest /= levels[i++]) {
                double width = (double)(levels[i] / 2), want = (double)(rest % levels[i]) / width - 1;
                assert_true(fabs((double)ph_program_output(p, 1)[r * count + i] - want) < 1e-6);
            }
        }
    }
    free(x);
    end(&a, p);
}

static void levels_make_words(void **state)
{
    (void)state;
    every_word_of_levels("fsq:8,5,5,5", 4, (size_t[]){ 8, 5, 5, 5 });
    every_word_of_levels("fsq:2", 1, (size_t[]){ 2 });
    every_word_of_levels("fsq:2,2,3,4,2", 5, (size_t[]){ 2, 2, 3, 4, 2 });
    every_word_of_levels("fsq:256", 1, (size_t[]){ 256 });
    every_word_of_levels("fsq:3,255", 2, (size_t[]){ 3, 255 });
    every_word_of_levels("fsq:16,16,16,16,16", 5, (size_t[]){ 16, 16, 16, 16, 16 }); /* 2^20 */
}

/* ---- Derivatives ----------------------------------------------------------------------------- */

/* The derivative of sum(c y) by x, for vectors y of one word, is R^T c |e|/|x| with the rotation R that
 * takes x to its word e; c itself where it is passed straight through. */
static void derivatives_go_through(void **state)
{
    (void)state;
    enum { DEPTH = 5, ROWS = 6 };
    for (int rotates = 0; rotates < 2; rotates++) {
        quantiser a;
        ph_codebook_options o = plain;
        double c[DEPTH];
        real x[ROWS * DEPTH];
        o.rotation = rotates;
        for (size_t i = 0; i < DEPTH; i++)
            c[i] = cos(0.7 + (double)i);
        for (size_t k = 0; k < ROWS * DEPTH; k++)
            x[k] = (real)(0.2 + 1.3 * sin(2.1 * (double)k));
        make(&a, o, 1, DEPTH);
        ph_node *by = ph_constants(a.graph, "c", 1, (size_t[]){ DEPTH }, c), *outputs[3];
        ph_gradient(ph_sum_all(ph_mul(a.q.vectors, by)), &a.x, 1, &outputs[0]);
        outputs[1] = a.q.vectors;
        outputs[2] = a.words;
        ph_program *p = compile(&a, true, outputs, 3);
        run(p, x, ROWS);
        for (size_t r = 0; r < ROWS; r++) {
            const real *e = ph_program_output(p, 2) + r * DEPTH, *v = x + r * DEPTH;
            double from[DEPTH], to[DEPTH], between[DEPTH], sizes[3] = { 0 };
            for (size_t i = 0; i < DEPTH; i++) {
                sizes[0] += (double)(v[i] * v[i]);
                sizes[1] += (double)(e[i] * e[i]);
                assert_true(fabs((double)(ph_program_output(p, 1)[r * DEPTH + i] - e[i])) < CLOSE);
            }
            for (size_t i = 0; i < DEPTH; i++) {
                from[i] = (double)v[i] / sqrt(sizes[0]);
                to[i] = (double)e[i] / sqrt(sizes[1]);
                sizes[2] += (from[i] + to[i]) * (from[i] + to[i]);
            }
            for (size_t i = 0; i < DEPTH; i++)
                between[i] = (from[i] + to[i]) / sqrt(sizes[2]);
            for (size_t i = 0; i < DEPTH; i++) {
                double back = 0, taken = 0;
                for (size_t k = 0; k < DEPTH; k++) {
                    double rotation = (i == k) - 2 * between[k] * between[i] + 2 * to[k] * from[i];
                    double other = (i == k) - 2 * between[i] * between[k] + 2 * to[i] * from[k];
                    back += rotation * c[k] * sqrt(sizes[1] / sizes[0]);
                    taken += other * from[k];
                }
                assert_true(fabs(taken - to[i]) < CLOSE);
                double got = (double)ph_program_output(p, 0)[r * DEPTH + i];
                double want = rotates ? back : c[i];
                if (!(fabs(got - want) < CLOSE))
                    fail_msg("row %zu, number %zu: derivative %.12g, but R^T c has %.12g", r, i, got,
                             want);
            }
        }
        end(&a, p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(tokens_give_the_words_back),
                                        cmocka_unit_test(levels_make_words),
                                        cmocka_unit_test(derivatives_go_through) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
