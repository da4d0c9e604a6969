/* test_vqvae_double.c - the vector-quantised autoencoder against the losses that PyTorch computed
 * (tests/golden), and against what is known of it without any computation.
 */
#include "made.h"
#include "same_files.h"
#include "scratch.h"

#include "golden/vqvae.h"

enum { ROWS = 7, HEIGHT = 4, WIDTH = 6, STEPS = 5, MANY = 97 };

static ph_data *data, *many;

/* ---- Step by step ---------------------------------------------------------------------------- */

static ph_model *small(const char *own, int epochs)
{
    char text[512];
    snprintf(text, sizeof text, "decoder-hidden=8 latent-dim=4 scaling=none epochs=%d batch-size=7 "
             "lr=0.01 no-shuffle=1 %s", epochs, own);
    ph_settings *s = settings_of(text);
    assert_int_equal(ph_settings_set(s, "hidden", "conv 3 2/2"), PH_OK);
    ph_model *m = ph_model_new("vqvae", data, s);
    if (m == NULL)
        fail_msg("%s: %s", own, ph_message());
    ph_settings_free(s);
    return m;
}

static void check(const char *own, const double golden[STEPS][2])
{
    static const char *const names[] = { "loss", "perplexity" };
    double seen[STEPS][2];
    ph_model *m = small(own, STEPS);
    golden_parameters(m->graph);
    train_noting(m, data, STEPS, names, 2, seen[0]);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < 2; i++)
            if (!(fabs(seen[step][i] - golden[step][i]) <= 1e-12 * golden[step][i]))
                fail_msg("%s, step %d: %s %.17g, but PyTorch has %.17g", own, step + 1,
                         names[i], seen[step][i], golden[step][i]);
    ph_model_free(m);
}

static void golden_steps(void **state)
{
    (void)state;
    check("codes=5 likelihood=bernoulli", golden_vqvae_loss);
    check("codes=5 likelihood=bernoulli codebook=ema codebook-decay=0.5 revive=0.8", golden_vqvae_ema);
    check("codes=5 likelihood=gaussian:0.5 codebook-weight=0.5 commitment=1", golden_vqvae_lecture);
    check("codes=5 likelihood=bernoulli residual=3 revive=0.9",
          golden_vqvae_residual);
    check("codes=5 likelihood=bernoulli product=2 codebook=ema codebook-decay=0.7",
          golden_vqvae_product);
    check("codes=5 likelihood=bernoulli product=2 residual=2", golden_vqvae_product_residual);
    check("codes=5 likelihood=bernoulli rotation=1 revive=0.7",
          golden_vqvae_rotation);
    check("codes=5 likelihood=bernoulli rotation=1 residual=2", golden_vqvae_rotation_residual);
    check("codes=5 likelihood=bernoulli normalize-codes=1", golden_vqvae_normalised);
    check("codes=5 likelihood=bernoulli normalize-codes=1 codebook=ema codebook-decay=0.6 product=2",
          golden_vqvae_normalised_ema);
    check("likelihood=bernoulli quantizer=fsq:4,3,2,5", golden_vqvae_levels);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static const char *const variants[] = {
    "codes=6 average=0.9 val-split=0.2", "codes=6 codebook=ema revive=0.5 codebook-decay=0.7",
    "codes=5 residual=2 product=2 rotation=1", "codes=6 normalize-codes=1 codebook=ema",
    "quantizer=fsq:4,3,2,5",
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static ph_model *variant(size_t i)
{
    char text[512];
    snprintf(text, sizeof text, "latent-dim=4 scaling=none epochs=3 batch-size=33 log-every=1 "
             "likelihood=bernoulli %s", variants[i]);
    ph_settings *s = settings_of(text);
    assert_int_equal(ph_settings_set(s, "hidden", "conv 3 2/2"), PH_OK);
    ph_model *m = ph_model_new("vqvae", many, s);
    if (m == NULL)
        fail_msg("%s: %s", variants[i], ph_message());
    ph_settings_free(s);
    return m;
}

/* Every bin, of powers of two, has the words that are used as often as it says; all words are in one. */
static void check_uses(const real *tokens, size_t n, const ph_model_info *info, const ph_figures *figures)
{
    assert_int_equal(figures->histograms, 1);
    const ph_histogram *h = &figures->histogram[0];
    assert_string_equal(h->name, "word_uses");
    assert_true(h->whole && h->edge[0] == 0 && h->edge[1] == 1 && h->count[h->bins - 1] > 0);
    double all = 0;
    for (size_t i = 0; i < h->bins; i++) {
        size_t words = 0;
        for (size_t w = 0; w < info->words * info->books; w++) {
            double uses = 0;
            for (size_t k = w / info->words; k < n; k += info->books)
                uses += tokens[k] == (real)(w % info->words);
            words += uses >= h->edge[i] && uses < h->edge[i + 1];
        }
        assert_true(h->count[i] == (double)words && (i < 1 || h->edge[i + 1] == 2 * h->edge[i]));
        all += h->count[i];
    }
    assert_true(all == (double)(info->words * info->books));
}

/* Rows through their tokens are the rows through their codes, to the bit; what eval says of the words is
 * what counting them says. */
static void tokens_are_the_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        ph_model *m = variant(i);
        ph_model_info info;
        ph_figures figures;
        size_t in, tokens, out;
        assert_int_equal(ph_train(m, many, NULL), PH_OK);
        ph_model_describe(m, &info);
        assert_int_equal(ph_model_port(m, "tokens", &in, &tokens), PH_OK);
        assert_int_equal(tokens, 6 * info.books);
        assert_int_equal(info.token_rank, info.books > 1 ? 3 : 2);
        assert_true(info.token_shape[0] == 2 && info.token_shape[1] == 3);
        assert_int_equal(ph_model_port(m, "decode-tokens", &tokens, &out), PH_OK);
        real *t = malloc(MANY * tokens * sizeof *t), *y = malloc(MANY * out * sizeof *y);
        real *z = malloc(MANY * out * sizeof *z);
        assert_int_equal(ph_model_apply_data(m, "tokens", many, 0, MANY, t), PH_OK);
        if (ph_model_apply(m, "decode-tokens", t, MANY, y) != PH_OK)
            fail_msg("%s: %s", variants[i], ph_message());
        assert_int_equal(ph_model_apply_data(m, "reconstruct", many, 0, MANY, z), PH_OK);
        assert_memory_equal(y, z, MANY * out * sizeof *y);

        double used = 0, perplexity = 0;
        for (size_t b = 0; b < info.books; b++) {
            double entropy = 0, all = MANY * 6;
            for (size_t w = 0; w < info.words; w++) {
                double count = 0;
                for (size_t k = b; k < MANY * tokens; k += info.books)
                    count += t[k] == (real)w;
                used += count > 0;
                entropy -= count > 0 ? count / all * log(count / all) : 0;
            }
            perplexity += exp(entropy) / (double)info.books;
        }
        assert_int_equal(ph_model_eval(m, many, &figures), PH_OK);
        assert_true(ph_figure_get(&figures, "codes_used") == used && used > 1);
        assert_true(fabs(ph_figure_get(&figures, "perplexity") - perplexity) < 1e-9 * perplexity);
        assert_int_equal(figures.lists, info.books > 1 ? 2 : 0);
        check_uses(t, MANY * tokens, &info, &figures);
        double bits = (double)tokens * log2((double)info.words);
        assert_true(ph_figure_get(&figures, "bits_per_picture") == bits);
        assert_true(ph_figure_get(&figures, "bits_per_pixel") == bits / (HEIGHT * WIDTH));

        for (size_t k = 0; k < 3; k++) {
            t[4] = (real[]){ (real)info.words, -1, (real)0.5 }[k];
            assert_int_equal(ph_model_apply(m, "decode-tokens", t, MANY, y), PH_DATA);
            assert_non_null(strstr(ph_message(), "number 5 of row 1"));
        }
        free(t);
        free(y);
        free(z);
        ph_model_free(m);
    }
}

/* Words that are replaced are so in the averaged weights, too: all of them are in the first step. */
static void averages_take_over_what_is_replaced(void **state)
{
    (void)state;
    ph_model *m = small("codes=5 average=0.99 likelihood=bernoulli", 1);
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    const ph_variable *words = ph_variable_find(m->graph, "codebook/0/words");
    const ph_variable *weight = ph_variable_find(m->graph, "decoder/0/weight");
    assert_memory_equal(words->data, words->average->data, words->size * sizeof(real));
    assert_memory_not_equal(weight->data, weight->average->data, weight->size * sizeof(real));
    ph_model_free(m);
}

/* With averages that forget at once, a word that nothing is near to stays what it is. */
static void unused_words_stay(void **state)
{
    (void)state;
    ph_model *m = small("codes=5 codebook=ema codebook-decay=0 revive=0 likelihood=bernoulli", 1);
    assert_int_equal(ph_train(m, data, NULL), PH_OK);
    real *words = weights(m, "codebook/0/words"), far[4] = { 90, 91, 92, 93 };
    memcpy(words + 2 * 4, far, sizeof far);
    for (int epoch = 2; epoch < 5; epoch++) {
        ph_settings *s = ph_settings_new();
        assert_int_equal(ph_settings_set(s, "epochs", (char[]){ (char)('0' + epoch), 0 }), PH_OK);
        assert_int_equal(ph_train(m, data, &(ph_training){ .settings = s }), PH_OK);
        ph_settings_free(s);
        assert_memory_equal(weights(m, "codebook/0/words") + 2 * 4, far, sizeof far);
        for (size_t i = 0; i < 4; i++)
            assert_true(fabs((double)weights(m, "codebook/0/words")[i]) < 10);
    }
    ph_model_free(m);
}

/* With the usual share, 0.03, of five words: one that is not used any more is judged by the last 5 / 0.03
 * vectors, forgets its even share in ln(1 / 0.03) times as many, 585, and is a vector of the batch again. */
static void unused_words_come_back(void **state)
{
    (void)state;
    static const char *const kinds[] = { "loss", "ema" };
    for (size_t k = 0; k < 2; k++) {
        char text[64], epochs[8];
        snprintf(text, sizeof text, "codes=5 codebook=%s likelihood=bernoulli", kinds[k]);
        ph_model *m = small(text, 1);
        assert_int_equal(ph_train(m, data, NULL), PH_OK);
        size_t vectors = ROWS * ph_shape_size(&m->graph->tokens->shape), epoch = 1;
        const real far[4] = { 90, 91, 92, 93 };
        real *word = weights(m, "codebook/0/words") + 2 * 4, *usage = weights(m, "codebook/0/usage");
        memcpy(word, far, sizeof far);
        usage[2] = (real)0.2;
        if (k == 1) {
            weights(m, "codebook/0/counts")[2] = (real)0.2;
            for (size_t i = 0; i < 4; i++)
                weights(m, "codebook/0/sums")[2 * 4 + i] = (real)0.2 * far[i];
        }
        for (; word[0] > 50 && epoch < 60; epoch++) {
            ph_settings *s = ph_settings_new();
            snprintf(epochs, sizeof epochs, "%zu", epoch + 1);
            assert_int_equal(ph_settings_set(s, "epochs", epochs), PH_OK);
            assert_int_equal(ph_train(m, data, &(ph_training){ .settings = s }), PH_OK);
            ph_settings_free(s);
        }
        assert_int_equal(epoch - 1, (size_t)ceil(585 / (double)vectors));
        ph_model_free(m);
    }
}

/* Rows of several kinds, far apart: no word stands for two of them. */
static void every_kind_gets_a_word(void **state)
{
    (void)state;
    enum { KINDS = 5, EACH = 60 };
    real x[KINDS * EACH * 5];
    for (size_t r = 0; r < KINDS * EACH; r++)
        for (size_t c = 0; c < 5; c++)
            x[r * 5 + c] = (real)(3 * (r % KINDS == c) + 0.05 * mixed_normal(r * 5 + c));
    ph_data *kinds = ph_data_from_memory(x, KINDS * EACH, 5, NULL);
    for (int ema = 0; ema < 2; ema++) {
        char text[256];
        real token[KINDS * EACH];
        int kind[16];
        ph_figures figures;
        snprintf(text, sizeof text, "hidden=16 latent-dim=4 codes=16 epochs=30 batch-size=64 lr=0.01 "
                 "likelihood=gaussian:0.1 codebook=%s", ema ? "ema codebook-decay=0.9" : "loss");
        ph_model *m = make("vqvae", kinds, text);
        assert_int_equal(ph_train(m, kinds, NULL), PH_OK);
        assert_int_equal(ph_model_apply_data(m, "tokens", kinds, 0, KINDS * EACH, token), PH_OK);
        memset(kind, -1, sizeof kind);
        for (size_t r = 0; r < KINDS * EACH; r++) {
            int *of = &kind[(size_t)token[r]];
            if (*of >= 0 && *of != (int)(r % KINDS))
                fail_msg("%s: a word for kinds %d and %zu", text, *of, r % KINDS);
            *of = (int)(r % KINDS);
        }
        assert_int_equal(ph_model_eval(m, kinds, &figures), PH_OK);
        assert_true(ph_figure_get(&figures, "codes_used") >= KINDS);
        if (!(ph_figure_get(&figures, "mse") < 0.05)) /* of a variance of 1 */
            fail_msg("%s: mse %g", text, ph_figure_get(&figures, "mse"));
        assert_true(ph_figure_get(&figures, "bits_per_row") == 4);
        ph_model_free(m);
    }
    ph_data_close(kinds);
}

/* ---- Resuming -------------------------------------------------------------------------------- */

static void stop_at(void *user, ph_model *m, const ph_progress *p)
{
    (void)m;
    if (p->event == PH_EVENT_STEP && p->step == *(const int64_t *)user)
        ph_stop();
}

/* The training record, which has the use of the words over each epoch, without the seconds. */
static void read_record(const char *path, char *record, size_t size)
{
    ph_model *m = ph_model_load(path);
    FILE *f = fmemopen(record, size, "w");
    assert_true(m && f);
    assert_int_equal(ph_model_print(m, f, "record"), PH_OK);
    fclose(f);
    ph_model_free(m);
    for (char *at = record; (at = strstr(at, "\"seconds\":"));) {
        const char *rest = at + strcspn(at, ",");
        memmove(at, rest, strlen(rest) + 1);
    }
}

static bool same_as(const char *a, const char *b)
{
    char path[512], record[2][4096];
    snprintf(path, sizeof path, "%s", in_folder(a));
    read_record(path, record[0], sizeof record[0]);
    read_record(in_folder(b), record[1], sizeof record[1]);
    assert_non_null(strstr(record[0], "\"perplexity\":"));
    return strcmp(record[0], record[1]) == 0 && same_arrays(path, in_folder(b));
}

static void resumed_equals_uninterrupted(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        const char *const file[] = { "whole.pin", "other.pin" };
        for (int k = 0; k < 2; k++) {
            ph_set_threads(k ? 3 : 1, false);
            ph_model *m = variant(i);
            assert_int_equal(ph_train(m, many, &(ph_training){ .save_to = in_folder(file[k]) }), PH_OK);
            ph_model_free(m);
        }
        assert_true(same_as("whole.pin", "other.pin"));
        ph_set_threads(2, false);
        for (int64_t stop = 1; stop <= 6; stop++) {
            ph_model *m = variant(i);
            ph_training t = { .save_to = in_folder("half.pin"), .progress = stop_at, .user = &stop };
            assert_int_equal(ph_train(m, many, &t), PH_STOPPED);
            ph_model_free(m);
            m = ph_model_load(in_folder("half.pin"));
            if (m == NULL)
                fail_msg("%s: %s", variants[i], ph_message());
            t = (ph_training){ .save_to = in_folder("half.pin") };
            assert_int_equal(ph_train(m, many, &t), PH_OK);
            ph_model_free(m);
            if (!same_as("whole.pin", "half.pin"))
                fail_msg("%s: other bits when stopped after step %d", variants[i], (int)stop);
        }
    }
}

/* ---- Options --------------------------------------------------------------------------------- */

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const struct { const char *options, *word; } cases[] = {
        { "quantizer=fsq:1,2", "levels" }, { "quantizer=fsq:", "levels" },
        { "quantizer=fsq:8,,5", "levels" }, { "quantizer=fsq:256,256,17", "levels" },
        { "quantizer=fsq:257", "levels" }, { "quantizer=pq", "vq" },
        { "quantizer=fsq:4,4 latent-dim=3", "latent-dim" }, { "quantizer=fsq:4,4 codes=17", "codes" },
        { "quantizer=fsq:4,4 codebook=ema", "for vq" }, { "quantizer=fsq:4,4 residual=2", "for vq" },
        { "quantizer=fsq:4,4 commitment=1", "words are fixed" }, { "quantizer=fsq:4,4 revive=0", "words are fixed" },
        { "quantizer=fsq:4,4 codebook-decay=0.9", "words are fixed" },
        { "codebook-decay=0.9", "codebook ema" },
        { "product=3 latent-dim=4", "divide" }, { "codebook=ema codebook-weight=2", "no such loss" },
        { "normalize-codes=1 residual=2", "residual" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused("vqvae", data, cases[i].options, cases[i].word);
}

int main(void)
{
    real x[MANY * HEIGHT * WIDTH], y[MANY * HEIGHT * WIDTH];
    for (size_t i = 0; i < MANY * HEIGHT * WIDTH; i++) {
        x[i] = (real)(0.5 + 0.5 * sin(0.37 * (double)i));
        y[i] = (real)(0.5 + 0.4 * sin((double)(i % 24) * mixed(i / 24)) + 0.1 * mixed(i));
    }
    data = ph_data_from_memory(x, ROWS, HEIGHT * WIDTH, NULL);
    many = ph_data_from_memory(y, MANY, HEIGHT * WIDTH, NULL);
    ph_data_set_shape(data, 2, (size_t[]){ HEIGHT, WIDTH });
    ph_data_set_shape(many, 2, (size_t[]){ HEIGHT, WIDTH });
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_steps),
        cmocka_unit_test(tokens_are_the_code),
        cmocka_unit_test(averages_take_over_what_is_replaced),
        cmocka_unit_test(unused_words_stay), cmocka_unit_test(unused_words_come_back),
        cmocka_unit_test(every_kind_gets_a_word),
        cmocka_unit_test(resumed_equals_uninterrupted),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
