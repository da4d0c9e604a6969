/* test_prior_double.c - the prior over words against PyTorch (tests/golden/prior.py), and what must hold of
 * any: the net of the vqvae stays as it was, a row said word by word is as likely as the row at once, draws
 * are of the net's probabilities.
 */
#include <unistd.h>

#include "golden/prior.h"
#include "made.h"
#include "same_files.h"
#include "scratch.h"

enum { ROWS = 7, HEIGHT = 4, WIDTH = 6, STEPS = 5, MANY = 97, CLASSES = 3, WORDS = 6 };
#define NET "width=8 depth=2 heads=2 mlp-ratio=2 "

static ph_data *data, *many;

static ph_model *vqvae(const ph_data *rows, const char *text)
{
    ph_settings *s = settings_of(text);
    assert_int_equal(ph_settings_set(s, "hidden", "conv 3 2/2"), PH_OK);
    ph_model *m = ph_model_new("vqvae", rows, s);
    if (m == NULL)
        fail_msg("%s: %s", text, ph_message());
    ph_settings_free(s);
    return m;
}

/* A prior over the words of the model in that file of the folder. */
static ph_model *prior(const char *base, const ph_data *rows, const char *options)
{
    char text[1024];
    snprintf(text, sizeof text, "base=%s %s", in_folder(base), options);
    return make("prior", rows, text);
}

static void save(const ph_model *m, const char *name)
{
    if (ph_model_save(m, in_folder(name), false) != PH_OK)
        fail_msg("%s", ph_message());
}

static ph_model *load(const char *name)
{
    ph_model *m = ph_model_load(in_folder(name));
    if (m == NULL)
        fail_msg("%s", ph_message());
    return m;
}

static void train(ph_model *m, const ph_data *rows)
{
    if (ph_train(m, rows, NULL) != PH_OK)
        fail_msg("%s", ph_message());
}

static void apply(ph_model *m, const char *function, const real *in, size_t rows, real *out)
{
    if (ph_model_apply(m, function, in, rows, out) != PH_OK)
        fail_msg("%s: %s", function, ph_message());
}

/* ---- Step by step ---------------------------------------------------------------------------------- */

/* As tests/golden/prior.py has it: number after number in the order they were made. */
static void set_parameters(ph_graph *graph, double size)
{
    size_t i = 0;
    for (ph_variable *v = graph->variable; v; v = v->next)
        for (size_t k = 0; v->kind == PH_VARIABLE_PARAMETER && k < v->size; k++, i++) {
            bool gain = strstr(v->name, "/scale"), bias = strstr(v->name, "/bias") || strstr(v->name, "/shift");
            v->data[k] = gain || bias ? gain + 0.1 * cos(0.3 * (double)i) : size * sin(1 + 0.7 * (double)i);
        }
}

static void assert_golden(const char *what, double have, double want)
{
    if (!(fabs(have - want) <= 1e-12 * (1 + want)))
        fail_msg("%s: %.17g, but PyTorch has %.17g", what, have, want);
}

/* Each step's figures; then what eval makes of the last weights. */
static void check(const char *words, const char *own, const double golden[STEPS + 1][3])
{
    static const char *const names[] = { "loss", "bits_per_token", "name_error" };
    double seen[STEPS][3];
    char text[512];
    snprintf(text, sizeof text, "decoder-hidden=8 scaling=none likelihood=bernoulli %s", words);
    ph_model *base = vqvae(data, text);
    set_parameters(base->graph, 1.5);
    save(base, "base.pin");
    snprintf(text, sizeof text, NET "epochs=%d batch-size=7 lr=0.01 no-shuffle=1 %s", STEPS, own);
    ph_model *m = prior("base.pin", data, text);
    set_parameters(m->graph, 0.4);
    train_noting(m, data, STEPS, names, 3, seen[0]);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < (*own ? 3 : 2); i++) {
            snprintf(text, sizeof text, "%s %s, step %d: %s", words, own, step + 1, names[i]);
            assert_golden(text, seen[step][i], golden[step][i]);
        }
    assert_true(*own || isnan(seen[0][2]));
    ph_figures f;
    assert_int_equal(ph_model_eval(m, data, &f), PH_OK);
    assert_golden("bits_per_token", ph_figure_get(&f, "bits_per_token"), golden[STEPS][0]);
    double given = ph_figure_get(&f, "bits_per_token_given_class"), count = (double)ph_width(m->graph->tokens);
    assert_true(isnan(given) == !*own);
    if (*own) {
        assert_golden("bits_per_token_given_class", given, golden[STEPS][1]);
        assert_golden("prior_bits_per_picture_given_class",
                      ph_figure_get(&f, "prior_bits_per_picture_given_class") / count, golden[STEPS][1]);
        assert_golden("prior_bits_per_pixel_given_class",
                      ph_figure_get(&f, "prior_bits_per_pixel_given_class") * HEIGHT * WIDTH / count,
                      golden[STEPS][1]);
    }
    ph_model_free(m);
    ph_model_free(base);
}

static void golden_steps(void **state)
{
    (void)state;
    check("codes=5 latent-dim=4", "", golden_prior_plain);
    check("codes=5 latent-dim=4", "labels=all", golden_prior_labels);
    check("codes=5 latent-dim=4", "labels=all name-weight=3", golden_prior_weight);
    check("codes=5 latent-dim=4 product=2", "", golden_prior_product);
    check("quantizer=fsq:4,3,2", "labels=all", golden_prior_levels);
}

/* ---- The net of the vqvae -------------------------------------------------------------------------- */

static const char *const variants[] = {
    "codes=6 average=0.9 val-split=0.2", "codes=6 codebook=ema revive=0.5 codebook-decay=0.7 norm=batch",
    "codes=5 residual=2 product=2 rotation=1", "codes=6 normalize-codes=1 norm=batch", "quantizer=fsq:4,3,2",
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static ph_model *trained_vqvae(size_t i)
{
    char text[512];
    snprintf(text, sizeof text, "%s scaling=none epochs=3 batch-size=33 lr=0.01 likelihood=bernoulli %s",
             strstr(variants[i], "fsq") ? "" : "latent-dim=4", variants[i]);
    ph_model *m = vqvae(many, text);
    train(m, many);
    return m;
}

/* As it is in use: the averaged weights, the best ones. */
static const real *in_use(const ph_variable *v)
{
    return v->used ? v->used : v->data;
}

/* Everything of the net that the vqvae's use reads. Its averages, which training alone needs, are left
 * behind. */
static void assert_same_net(const ph_model *m, const ph_model *base)
{
    size_t count = 0;
    for (const ph_variable *v = m->graph->variable; v; v = v->next) {
        bool kept = v->kind == PH_VARIABLE_PARAMETER || v->kind == PH_VARIABLE_STATE;
        bool own = strncmp(v->name, "prior/", 6) == 0 || strncmp(v->name, "optimizer/", 10) == 0;
        if (!kept || own)
            continue;
        const ph_variable *of = ph_variable_find(base->graph, v->name);
        if (of == NULL || !ph_shape_equal(&of->shape, &v->shape) ||
            memcmp(in_use(v), in_use(of), v->size * sizeof(real)) != 0)
            fail_msg("%s is not the vqvae's", v->name);
        count += of->kind == PH_VARIABLE_PARAMETER;
    }
    for (const ph_variable *v = base->graph->variable; v; v = v->next)
        count -= v->kind == PH_VARIABLE_PARAMETER;
    assert_int_equal(count, 0);
}

/* How the words are used is the same in every epoch: no figure of them, but one of eval. */
static void assert_frozen_figures(ph_model *m)
{
    ph_figures f;
    assert_non_null(strstr(m->trainer.history, "\"val_bits_per_token\":"));
    assert_null(strstr(m->trainer.history, "codes_used"));
    assert_null(strstr(m->trainer.history, "perplexity"));
    assert_int_equal(ph_model_eval(m, many, &f), PH_OK);
    assert_true(ph_figure_get(&f, "codes_used") > 1 && ph_figure_get(&f, "perplexity") > 1);
}

static void assert_same_function(ph_model *m, ph_model *base, const char *function)
{
    size_t in, out, other;
    assert_int_equal(ph_model_port(base, function, &in, &out), PH_OK);
    assert_int_equal(ph_model_port(m, function, &in, &other), PH_OK);
    assert_int_equal(out, other);
    real *a = malloc(MANY * out * sizeof *a), *b = malloc(MANY * out * sizeof *b);
    assert_true(a && b);
    if (strcmp(function, "decode-tokens") == 0) {
        real *tokens = malloc(MANY * in * sizeof *tokens);
        assert_int_equal(ph_model_apply_data(base, "tokens", many, 0, MANY, tokens), PH_OK);
        apply(base, function, tokens, MANY, a);
        apply(m, function, tokens, MANY, b);
        free(tokens);
    } else {
        assert_int_equal(ph_model_apply_data(base, function, many, 0, MANY, a), PH_OK);
        assert_int_equal(ph_model_apply_data(m, function, many, 0, MANY, b), PH_OK);
    }
    assert_memory_equal(a, b, MANY * out * sizeof *a);
    free(a);
    free(b);
}

/* Trained and loaded without the vqvae's file, the net is what it was. */
static void the_net_stays_and_the_file_stands_alone(void **state)
{
    (void)state;
    static const char *const functions[] = { "encode", "reconstruct", "tokens", "decode-tokens" };
    for (size_t i = 0; i < VARIANTS; i++) {
        ph_model *base = trained_vqvae(i);
        save(base, "base.pin");
        ph_model *m = prior("base.pin", many, NET "labels=all epochs=2 batch-size=33 average=0.9 val-split=0.3");
        assert_int_equal(unlink(in_folder("base.pin")), 0);
        real *start = malloc(ph_variable_find(m->graph, "prior/words")->size * sizeof *start);
        size_t bytes = ph_variable_find(m->graph, "prior/words")->size * sizeof *start;
        memcpy(start, weights(m, "prior/words"), bytes);
        assert_same_net(m, base);
        train(m, many);
        assert_memory_not_equal(start, weights(m, "prior/words"), bytes);
        assert_frozen_figures(m);
        free(start);
        assert_same_net(m, base);
        save(m, "prior.pin");
        ph_model_free(m);
        m = load("prior.pin");
        assert_same_net(m, base);
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
            assert_same_function(m, base, functions[f]);
        ph_model_free(m);
        ph_model_free(base);
    }
}

/* Rows of the prior's own, on another scale, are scaled as those of the vqvae were. */
static void scaling_is_that_of_the_words(void **state)
{
    (void)state;
    static real other[MANY * HEIGHT * WIDTH];
    for (size_t i = 0; i < MANY * HEIGHT * WIDTH; i++)
        other[i] = 5 + 3 * mixed_normal(i);
    ph_data *rows = ph_data_from_memory(other, MANY, HEIGHT * WIDTH, NULL);
    assert_int_equal(ph_data_set_shape(rows, 2, (size_t[]){ HEIGHT, WIDTH }), PH_OK);
    ph_model *base = vqvae(many, "codes=6 latent-dim=4 scaling=standardise epochs=1");
    train(base, many);
    save(base, "base.pin");
    ph_model *m = prior("base.pin", rows, NET "epochs=1");
    train(m, rows);
    save(m, "prior.pin");
    ph_model_free(m);
    m = load("prior.pin");
    const ph_scaling *a = &m->scaling, *b = &base->scaling;
    assert_string_equal(a->kind, "standardise");
    assert_string_equal(ph_model_option(m, "scaling"), "standardise");
    assert_int_equal(a->width, HEIGHT * WIDTH);
    assert_int_equal(b->width, HEIGHT * WIDTH);
    assert_memory_equal(a->shift, b->shift, a->width * sizeof(real));
    assert_memory_equal(a->scale, b->scale, a->width * sizeof(real));
    assert_same_function(m, base, "tokens");
    ph_model_free(m);
    ph_model_free(base);
    ph_data_close(rows);
}

/* ---- Word by word ---------------------------------------------------------------------------------- */

/* A prior that knows nothing, but has an opinion: weights that make some words far likelier. */
static ph_model *opinionated(size_t variant, const char *options)
{
    char text[256];
    ph_model *base = trained_vqvae(variant);
    save(base, "base.pin");
    ph_model_free(base);
    snprintf(text, sizeof text, NET "%s", options);
    ph_model *m = prior("base.pin", many, text);
    scatter_parameters(m->graph, 0.7, 3);
    return m;
}

/* A row in the making, as its caller feeds it: after each word what the net makes of the next. */
typedef struct teller {
    ph_model *model;
    size_t words, count, told, line, place;
    real in[4096], out[512];
} teller;

static void begin(teller *t, ph_model *m, size_t label)
{
    size_t said;
    *t = (teller){ .model = m, .words = m->graph->words, .count = ph_shape_size(&m->graph->tokens->shape) };
    assert_int_equal(ph_model_port(m, "next", &t->told, &said), PH_OK);
    t->line = said - t->words;
    assert_int_equal(t->told, 2 + t->count * t->line);
    assert_true(t->told <= sizeof t->in / sizeof(real) && said <= sizeof t->out / sizeof(real));
    t->in[1] = (real)(t->words + (label == PH_NO_LABEL ? 0 : 1 + label));
    apply(m, "next", t->in, 1, t->out);
}

static void tell(teller *t, real word)
{
    memcpy(t->in + 2 + t->place * t->line, t->out + t->words, t->line * sizeof(real));
    t->in[0] = (real)++t->place;
    t->in[1] = word;
    if (t->place < t->count)
        apply(t->model, "next", t->in, 1, t->out);
}

/* Of the word that comes next. */
static double probability(const teller *t, size_t word)
{
    double sum = 0;
    for (size_t w = 0; w < t->words; w++)
        sum += exp(t->out[w]);
    return exp(t->out[word]) / sum;
}

/* Bits of a word, mean over the row's. */
static double bits_of(ph_model *m, size_t label, const real *tokens)
{
    static teller t;
    double sum = 0;
    begin(&t, m, label);
    for (size_t i = 0; i < t.count; i++) {
        sum -= log2(probability(&t, (size_t)tokens[i])) / (double)t.count;
        tell(&t, tokens[i]);
    }
    return sum;
}

/* Of the rows with a label, each said behind the word of its class. */
static void check_given_class(ph_model *m, const real *tokens, size_t count, const ph_figures *f)
{
    const uint32_t *labels = ph_data_labels(many);
    double bits = 0, known = 0, told = ph_figure_get(f, "bits_per_token_given_class");
    if (ph_model_labels(m) == 0) {
        assert_true(isnan(told) && isnan(ph_figure_get(f, "prior_bits_per_picture_given_class")));
        return;
    }
    for (size_t r = 0; r < MANY; r++)
        if (labels[r] != PH_NO_LABEL) {
            bits += bits_of(m, labels[r], tokens + r * count);
            known++;
        }
    bits /= known;
    if (!(fabs(told - bits) < 1e-10 * bits))
        fail_msg("%.15g bits given the class, but %.15g word by word", told, bits);
    assert_true(fabs(ph_figure_get(f, "prior_bits_per_picture_given_class") - bits * (double)count) < 1e-8);
    assert_true(fabs(ph_figure_get(f, "bits_per_token") - bits) > 1e-3 * bits);
}

static void words_are_as_likely_as_the_row_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < VARIANTS; i++) {
        ph_model *m = opinionated(i, i % 2 ? "heads=4 depth=1" : "labels=all");
        size_t in, count;
        assert_int_equal(ph_model_port(m, "tokens", &in, &count), PH_OK);
        real *tokens = malloc(MANY * count * sizeof *tokens);
        assert_int_equal(ph_model_apply_data(m, "tokens", many, 0, MANY, tokens), PH_OK);
        double bits = 0, odd[MANY];
        assert_int_equal(ph_model_score(m, many, &(ph_score_desc){ .score = "bits" }, odd, NULL), PH_OK);
        for (size_t r = 0; r < MANY; r++) {
            double each = bits_of(m, PH_NO_LABEL, tokens + r * count);
            assert_true(fabs(odd[r] - each * (double)count) < 1e-8);
            bits += each / MANY;
        }
        ph_figures f;
        assert_int_equal(ph_model_eval(m, many, &f), PH_OK);
        double at_once = ph_figure_get(&f, "bits_per_token");
        if (!(fabs(at_once - bits) < 1e-10 * bits))
            fail_msg("%s: %.15g bits at once, but %.15g word by word", variants[i], at_once, bits);
        assert_true(fabs(ph_figure_get(&f, "prior_bits_per_picture") - bits * (double)count) < 1e-8);
        check_given_class(m, tokens, count, &f);
        free(tokens);
        ph_model_free(m);
    }
}

/* The report of that name, before its mean over rows is taken. */
static ph_node *report_of(const ph_model *m, const char *name)
{
    for (int i = 0; i < m->graph->report_count; i++)
        if (strcmp(m->graph->report[i].name, name) == 0)
            return m->graph->report[i].value;
    fail_msg("%s is not reported", name);
    return NULL;
}

/* The share of the rows with a label that are misnamed. */
static double misnamed(ph_model *m, const real *rows, const uint32_t *labels)
{
    real share[MANY * CLASSES];
    size_t wrong = 0, known = 0;
    apply(m, "classify", rows, MANY, share);
    for (size_t r = 0; r < MANY; r++) {
        const real *of = share + r * CLASSES;
        size_t best = of[1] > of[0] ? 1 : 0;
        best = of[2] > of[best] ? 2 : best;
        known += labels[r] != PH_NO_LABEL;
        wrong += labels[r] != PH_NO_LABEL && best != labels[r];
    }
    return (double)wrong / (double)known;
}

/* In training a labelled row's words follow its class, or none, by the noise of the step; in use none. */
static void classes_come_first_in_one_half(void **state)
{
    (void)state;
    enum { TURNS = 30 };
    ph_model *m = opinionated(0, "labels=all");
    const uint32_t *labels = ph_data_labels(many);
    real tokens[MANY * WORDS], rows[MANY * HEIGHT * WIDTH], chosen[MANY * CLASSES] = { 0 };
    size_t index[MANY];
    for (size_t r = 0; r < MANY; r++) {
        index[r] = r;
        if (labels[r] != PH_NO_LABEL)
            chosen[r * CLASSES + labels[r]] = 1;
    }
    assert_int_equal(ph_data_read(many, index, MANY, rows), PH_OK);
    assert_int_equal(ph_model_apply_data(m, "tokens", many, 0, MANY, tokens), PH_OK);
    double bits[MANY][2];
    for (size_t r = 0; r < MANY; r++)
        for (int known = 0; known < 2; known++)
            bits[r][known] = bits_of(m, known ? labels[r] : PH_NO_LABEL, tokens + r * WORDS);
    ph_node *feeds[] = { m->x, m->graph->labels };
    ph_node *outputs[] = { report_of(m, "bits_per_token"), report_of(m, "name_error") };
    for (int training = 0; training < 2; training++) {
        ph_program *p = ph_compile(m->graph, &(ph_program_desc){
            .training = training, .feeds = feeds, .feed_count = 2, .outputs = outputs, .output_count = 2,
            .max_rows = MANY });
        assert_non_null(p);
        size_t first = 0, labelled = 0;
        for (uint32_t turn = 0; turn < TURNS; turn++) {
            p->noise_step = turn;
            assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, MANY },
                                            (const void *[]){ rows, chosen }), PH_OK);
            for (size_t r = 0; r < MANY; r++) {
                double have = ph_program_output(p, 0)[r];
                bool none = fabs(have - bits[r][0]) < 1e-10, known = fabs(have - bits[r][1]) < 1e-10;
                assert_true(labels[r] == PH_NO_LABEL ? none : none != known);
                labelled += labels[r] != PH_NO_LABEL;
                first += labels[r] != PH_NO_LABEL && known;
            }
            double error = misnamed(m, rows, labels);
            assert_true(error > 0 && error < 1);
            assert_true(training || fabs(ph_program_output(p, 1)[0] - error) < 1e-12);
        }
        double half = (double)labelled / 2;
        assert_true(training ? fabs((double)first - half) < 4.5 * sqrt(half / 2) : first == 0);
        ph_program_free(p);
    }
    ph_model_free(m);
}

/* ---- Draws ----------------------------------------------------------------------------------------- */

enum { MOST = 20000, CODE = WORDS * 4 };
static real codes[MOST * CODE], other[MOST * CODE], said[MOST * WORDS];

static void draw(ph_model *m, ph_draws d, size_t first, size_t count, real *to)
{
    d.from = "prior";
    if (ph_model_draw_codes(m, &d, first, count, to) != PH_OK)
        fail_msg("%s", ph_message());
}

/* The numbers of the words that codes are, of a model with one book. */
static void read_words(const ph_model *m, const real *code, size_t rows, real *tokens)
{
    const real *word = weights(m, "codebook/0/words");
    for (size_t i = 0; i < rows * WORDS; i++) {
        size_t w = 0;
        while (w < m->graph->words && memcmp(code + i * 4, word + w * 4, 4 * sizeof *code) != 0)
            w++;
        assert_true(w < m->graph->words);
        tokens[i] = (real)w;
    }
}

static void draws_depend_on_seed_and_number_alone(void **state)
{
    (void)state;
    enum { COUNT = 1100 }; /* more than are drawn at once */
    ph_model *m = opinionated(0, "labels=all");
    static uint32_t labels[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        labels[i] = i % 4 < CLASSES ? (uint32_t)(i % 4) : PH_NO_LABEL;
    ph_draws d = { .seed = 5, .labels = labels };
    draw(m, d, 0, COUNT, codes);
    static const size_t blocks[][2] = { { 13, 20 }, { 1020, 80 }, { 0, 1 }, { 1099, 1 } };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        d.labels = labels + blocks[i][0];
        draw(m, d, blocks[i][0], blocks[i][1], other);
        assert_memory_equal(other, codes + blocks[i][0] * CODE, blocks[i][1] * CODE * sizeof *other);
    }
    for (int threads = 1; threads <= 3; threads += 2) {
        ph_set_threads((size_t)threads, false);
        draw(m, (ph_draws){ .seed = 5, .labels = labels }, 0, COUNT, other);
        assert_memory_equal(other, codes, COUNT * CODE * sizeof *other);
    }
    draw(m, (ph_draws){ .seed = 6, .labels = labels }, 0, COUNT, other);
    size_t same = 0;
    for (size_t r = 0; r < COUNT; r++)
        same += memcmp(other + r * CODE, codes + r * CODE, CODE * sizeof *other) == 0;
    assert_true(same < COUNT / 2);
    ph_model_free(m);
}

/* The word of that rank, from 0 on, among those that may come next. */
static size_t ranked(const teller *t, size_t word)
{
    size_t rank = 0;
    for (size_t w = 0; w < t->words; w++)
        rank += t->out[w] > t->out[word];
    return rank;
}

/* How often a word of each rank was drawn in `rows` rows. */
static void count_ranks(ph_model *m, ph_draws d, size_t rows, size_t rank[WORDS])
{
    static teller t;
    memset(rank, 0, WORDS * sizeof *rank);
    draw(m, d, 0, rows, codes);
    read_words(m, codes, rows, said);
    for (size_t r = 0; r < rows; r++) {
        begin(&t, m, d.labels ? d.labels[r] : PH_NO_LABEL);
        for (size_t i = 0; i < WORDS; i++) {
            rank[ranked(&t, (size_t)said[r * WORDS + i])]++;
            tell(&t, said[r * WORDS + i]);
        }
    }
}

static void likely_words_are_preferred(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    size_t rank[WORDS], usual[WORDS];
    uint32_t labels[COUNT];
    ph_model *m = opinionated(0, "labels=all");
    assert_int_equal(m->graph->words, WORDS);
    for (uint32_t i = 0; i < COUNT; i++)
        labels[i] = i % CLASSES;
    count_ranks(m, (ph_draws){ .labels = labels }, COUNT, usual);
    assert_true(usual[0] < COUNT * WORDS && usual[2] + usual[3] + usual[4] + usual[5] > 0);
    count_ranks(m, (ph_draws){ .labels = labels, .temperature = 1e-6 }, COUNT, rank);
    assert_int_equal(rank[0], COUNT * WORDS);
    count_ranks(m, (ph_draws){ .labels = labels, .top = 1 }, COUNT, rank);
    assert_int_equal(rank[0], COUNT * WORDS);
    count_ranks(m, (ph_draws){ .labels = labels, .top = 2 }, COUNT, rank);
    assert_true(rank[1] > 0 && rank[0] + rank[1] == COUNT * WORDS);
    count_ranks(m, (ph_draws){ .labels = labels, .temperature = 0.5 }, COUNT, rank);
    assert_true(rank[0] > usual[0]);
    count_ranks(m, (ph_draws){ .labels = labels, .temperature = 3 }, COUNT, rank);
    assert_true(rank[0] < usual[0]);
    /* As many as there are, or more, is all of them. */
    draw(m, (ph_draws){ .seed = 1 }, 0, COUNT, codes);
    for (size_t top = WORDS; top < WORDS + 2; top++) {
        draw(m, (ph_draws){ .seed = 1, .top = top, .temperature = 1 }, 0, COUNT, other);
        assert_memory_equal(other, codes, COUNT * CODE * sizeof *other);
    }
    ph_model_free(m);
}

/* Chi squared of the words at a place whose share should be p^power. Rows count where the word before was
 * `given`, WORDS: at the first place. */
static void check_shares(const teller *t, size_t place, size_t given, double power, size_t label)
{
    double share[WORDS], sum = 0, squares = 0;
    size_t count[WORDS] = { 0 }, rows = 0;
    for (size_t w = 0; w < WORDS; w++)
        sum += share[w] = pow(probability(t, w), power);
    for (size_t r = 0; r < MOST; r++)
        if (place == 0 || (size_t)said[r * WORDS + place - 1] == given) {
            count[(size_t)said[r * WORDS + place]]++;
            rows++;
        }
    assert_true(rows > 1000);
    for (size_t w = 0; w < WORDS; w++) {
        double expected = (double)rows * share[w] / sum;
        assert_true(expected > 5);
        squares += pow((double)count[w] - expected, 2) / expected;
    }
    /* With 5 degrees of freedom one in a thousand lies above 20.5. */
    if (!(squares < 20.5))
        fail_msg("class %zu, place %zu, power %g: chi squared %g", label, place, power, squares);
}

static void words_are_drawn_as_often_as_they_are_likely(void **state)
{
    (void)state;
    static teller t;
    static uint32_t labels[MOST];
    ph_model *m = opinionated(0, "labels=all");
    scatter_parameters(m->graph, 0.4, 3);
    for (size_t k = 0; k <= CLASSES; k++) {
        uint32_t label = k < CLASSES ? (uint32_t)k : PH_NO_LABEL;
        double temperature = k == 1 ? 2 : 0;
        for (size_t i = 0; i < MOST; i++)
            labels[i] = label;
        draw(m, (ph_draws){ .seed = 11 + k, .labels = labels, .temperature = temperature }, 0, MOST, codes);
        read_words(m, codes, MOST, said);
        begin(&t, m, label);
        check_shares(&t, 0, WORDS, temperature > 0 ? 1 / temperature : 1, k);
        size_t often = 0;
        for (size_t w = 1; w < WORDS; w++)
            often = t.out[w] > t.out[often] ? w : often;
        tell(&t, (real)often);
        check_shares(&t, 1, often, temperature > 0 ? 1 / temperature : 1, k);
    }
    ph_model_free(m);
}

/* ---- Labels ---------------------------------------------------------------------------------------- */

static void refused_draw(ph_model *m, ph_draws d, const char *word)
{
    d.from = "prior";
    assert_int_equal(ph_model_draw_codes(m, &d, 0, 2, codes), PH_USAGE);
    if (strstr(ph_message(), word) == NULL)
        fail_msg("'%s' does not say %s", ph_message(), word);
}

static void classes_that_are_not_there_are_refused(void **state)
{
    (void)state;
    ph_model *m = opinionated(0, "labels=all"), *plain = opinionated(0, "");
    ph_model *vae = make("vae", many, "latent-dim=2 hidden=4 scaling=none likelihood=bernoulli");
    assert_int_equal(ph_model_labels(m), CLASSES);
    assert_int_equal(ph_model_labels(plain), 0);
    refused_draw(m, (ph_draws){ .labels = (uint32_t[]){ 0, CLASSES } }, "label 3: the model has classes 0 to 2");
    refused_draw(plain, (ph_draws){ .labels = (uint32_t[]){ PH_NO_LABEL, 0 } }, "trained without labels");
    draw(plain, (ph_draws){ .labels = (uint32_t[]){ PH_NO_LABEL, PH_NO_LABEL } }, 0, 2, codes);
    refused_draw(vae, (ph_draws){ .temperature = 0.5 }, "word by word");
    refused_draw(vae, (ph_draws){ .top = 3 }, "word by word");
    ph_model_free(vae);
    ph_model_free(plain);
    ph_model_free(m);
}

/* Rows of three kinds, and their kinds as labels: classes are told from words, and words of classes. */
static void classes_and_words_are_learnt(void **state)
{
    (void)state;
    enum { EACH = 60, COUNT = CLASSES * EACH };
    static real x[COUNT * 5], back[COUNT * 5], code[COUNT * 4];
    uint32_t labels[COUNT];
    for (uint32_t r = 0; r < COUNT; r++) {
        labels[r] = r % CLASSES;
        for (size_t c = 0; c < 5; c++)
            x[r * 5 + c] = 3 * (labels[r] == c) + 0.05 * mixed_normal(r * 5 + c);
    }
    ph_data *kinds = ph_data_from_memory(x, COUNT, 5, labels);
    ph_model *base = make("vqvae", kinds, "hidden=16 latent-dim=4 codes=8 epochs=30 batch-size=64 lr=0.01 "
                                          "scaling=none likelihood=gaussian:0.1");
    train(base, kinds);
    save(base, "base.pin");
    ph_model *m = prior("base.pin", kinds, NET "labels=all epochs=60 batch-size=30 lr=0.01");
    train(m, kinds);
    ph_figures f;
    assert_int_equal(ph_model_eval(m, kinds, &f), PH_OK);
    assert_true(ph_figure_get(&f, "error") == 0);
    ph_draws d = { .from = "prior", .labels = labels };
    assert_int_equal(ph_model_draw_codes(m, &d, 0, COUNT, code), PH_OK);
    apply(m, "decode", code, COUNT, back);
    size_t right = 0;
    for (size_t r = 0; r < COUNT; r++)
        right += fabs(back[r * 5 + labels[r]] - 3) < 1;
    assert_true(right > COUNT * 95 / 100);
    ph_model_free(m);
    ph_model_free(base);
    ph_data_close(kinds);
}

/* ---- Resuming -------------------------------------------------------------------------------------- */

static void resumed_is_uninterrupted(void **state)
{
    (void)state;
    char whole[520], parts[520];
    snprintf(whole, sizeof whole, "%s", in_folder("whole.pin"));
    snprintf(parts, sizeof parts, "%s", in_folder("parts.pin"));
#define RUN NET "labels=all batch-size=33 lr=0.01 average=0.9 epochs="
    ph_model *m = opinionated(1, RUN "4");
    train(m, many);
    assert_int_equal(ph_model_save(m, whole, false), PH_OK);
    ph_model_free(m);
    m = opinionated(1, RUN "1");
    train(m, many);
    assert_int_equal(ph_model_save(m, parts, false), PH_OK);
    ph_model_free(m);
    assert_int_equal(unlink(in_folder("base.pin")), 0);
    m = ph_model_load(parts);
    assert_non_null(m);
    ph_settings *more = settings_of("epochs=4");
    assert_int_equal(ph_train(m, many, &(ph_training){ .settings = more }), PH_OK);
    assert_int_equal(ph_model_save(m, parts, false), PH_OK);
    assert_true(same_arrays(whole, parts));
    ph_settings_free(more);
    ph_model_free(m);
}

/* ---- Options --------------------------------------------------------------------------------------- */

static void refused_over(const char *base, const ph_data *rows, const char *options, const char *word)
{
    char text[1024];
    snprintf(text, sizeof text, "base=%s %s", in_folder(base), options);
    refused("prior", rows, text, word);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    real x[20] = { 0, 1, 2, 3 };
    ph_data *narrow = ph_data_from_memory(x, 4, 5, NULL);
    ph_model *base = trained_vqvae(0), *ae = make("ae", many, "latent-dim=2 hidden=4 scaling=none");
    ph_model *scaled = vqvae(many, "codes=6 latent-dim=4 scaling=standardise");
    save(base, "base.pin");
    save(ae, "ae.pin");
    save(scaled, "scaled.pin");
    refused("prior", many, "width=8", "over whose words");
    refused_over("ae.pin", many, "", "a model of family ae, where one of vqvae is needed");
    refused_over("base.pin", many, "codes=64", "--codes 64: ");
    assert_non_null(strstr(ph_message(), "base.pin was made with 6"));
    refused_over("base.pin", many, "scaling=minmax", "--scaling minmax: ");
    refused_over("base.pin", many, "width=8 heads=3", "heads");
    refused_over("base.pin", many, NET "name-weight=2", "name-weight");
    refused_over("base.pin", data, NET "labels=all classes=1", "labels all");
    refused_over("scaled.pin", narrow, NET, "rows of 24 numbers");
    ph_settings *s = settings_of("base=nowhere.pin");
    assert_null(ph_model_new("prior", many, s));
    assert_int_equal(ph_last_status(), PH_IO);
    ph_settings_free(s);
    ph_data *nameless = ph_data_from_memory(x, 4, 5, NULL);
    ph_model *flat = make("vqvae", nameless, "hidden=4 latent-dim=2 codes=3 scaling=none likelihood=gaussian");
    save(flat, "flat.pin");
    refused_over("flat.pin", nameless, NET "labels=all", "no labels");
    ph_model_free(flat);
    ph_data_close(nameless);
    ph_model_free(scaled);
    ph_model_free(ae);
    ph_model_free(base);
    ph_data_close(narrow);
}

static ph_data *table(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    ph_data *d = ph_data_open(in_folder(name), NULL);
    assert_non_null(d);
    return d;
}

/* The same widths, but another column is the first one. */
static void columns_stand_as_they_did(void **state)
{
    (void)state;
    ph_data *ab = table("ab.csv", "a,b\n1,2\n3,5\n4,1\n"), *ba = table("ba.csv", "b,a\n1,2\n3,5\n4,1\n");
    ph_model *m = make("vqvae", ab, "hidden=4 latent-dim=2 codes=3");
    save(m, "ab.pin");
    char text[1024];
    snprintf(text, sizeof text, "base=%s " NET, in_folder("ab.pin"));
    ph_settings *s = settings_of(text);
    assert_null(ph_model_new("prior", ba, s));
    assert_int_equal(ph_last_status(), PH_DATA);
    assert_non_null(strstr(ph_message(), "column 1"));
    ph_settings_free(s);
    ph_model_free(prior("ab.pin", ab, NET));
    ph_model_free(m);
    ph_data_close(ab);
    ph_data_close(ba);
}

int main(void)
{
    static real x[MANY * HEIGHT * WIDTH], y[MANY * HEIGHT * WIDTH];
    static uint32_t labels[MANY];
    static const uint32_t few[ROWS] = { 0, 1, 2, PH_NO_LABEL, 1, 2, 0 };
    for (size_t i = 0; i < MANY * HEIGHT * WIDTH; i++) {
        x[i] = 0.5 + 0.5 * sin(0.37 * (double)i);
        y[i] = 0.5 + 0.4 * sin((double)(i % 24) * mixed(i / 24)) + 0.1 * mixed(i);
    }
    for (uint32_t r = 0; r < MANY; r++)
        labels[r] = r % 5 == 4 ? PH_NO_LABEL : r % CLASSES;
    data = ph_data_from_memory(x, ROWS, HEIGHT * WIDTH, few);
    many = ph_data_from_memory(y, MANY, HEIGHT * WIDTH, labels);
    ph_data_set_shape(data, 2, (size_t[]){ HEIGHT, WIDTH });
    ph_data_set_shape(many, 2, (size_t[]){ HEIGHT, WIDTH });
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_steps),
        cmocka_unit_test(the_net_stays_and_the_file_stands_alone),
        cmocka_unit_test(scaling_is_that_of_the_words),
        cmocka_unit_test(words_are_as_likely_as_the_row_at_once),
        cmocka_unit_test(classes_come_first_in_one_half),
        cmocka_unit_test(draws_depend_on_seed_and_number_alone),
        cmocka_unit_test(likely_words_are_preferred),
        cmocka_unit_test(words_are_drawn_as_often_as_they_are_likely),
        cmocka_unit_test(classes_that_are_not_there_are_refused),
        cmocka_unit_test(classes_and_words_are_learnt),
        cmocka_unit_test(resumed_is_uninterrupted),
        cmocka_unit_test(nonsense_is_refused), cmocka_unit_test(columns_stand_as_they_did),
    };
    int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
    ph_data_close(data);
    ph_data_close(many);
    return failed;
}
