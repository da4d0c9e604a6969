/* bench.c - pinhole bench: our training and inference rates, as shares of the machine's arithmetic
 * peak measured in between, and beside the frameworks where they are installed.
 *
 * --layers tells where a step's time goes, in windows of their own, since timing costs a little.
 *
 * Everything is measured in turns - a probe of the peak, a window of training, a window of the
 * peer - and reported as the median over the rounds, since machines are shared and their speed
 * moves.
 */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct bench_options {
    const char *data, *peer;
    int64_t rounds;
    double seconds;
    bool layers;
} bench_options;

static const ph_option table[] = {
    { "data", NULL, PH_OPTION_TEXT, offsetof(bench_options, data), NULL, 0, 0, NULL,
      "rows of 784 numbers [fashion-mnist where it is found, else glyphs]" },
    { "rounds", NULL, PH_OPTION_INT, offsetof(bench_options, rounds), "7", 1, 1000, NULL,
      "rounds to take the median of" },
    { "seconds", NULL, PH_OPTION_REAL, offsetof(bench_options, seconds), "1", 0.05, 100, NULL,
      "seconds of each window" },
    { "layers", NULL, PH_OPTION_FLAG, offsetof(bench_options, layers), "0", 0, 0, NULL,
      "a table of each layer's share of the time and of the peak, forward and backward" },
    { "peer", NULL, PH_OPTION_TEXT, offsetof(bench_options, peer), NULL, 0, 0, NULL,
      "command that measures a peer: called with the case's name, prints JSON with rows_per_second "
      "or seconds" },
};

/* A case: a model, the rows in a batch (0: it is fitted at once), and its further options; or those of a
 * recipe that is given in the place of a case. */
typedef struct bench_case {
    const char *name, *help, *family;
    size_t batch;
    const char *options;
    const ph_settings *recipe;
} bench_case;

static const bench_case cases[] = {
    { "ae-512", "784-256-128-20 mirrored, batch 512", "ae", 512, "hidden=256,128;latent-dim=20", NULL },
    { "ae-128", "784-256-128-20 mirrored, batch 128", "ae", 128, "hidden=256,128;latent-dim=20", NULL },
    { "wide-100", "784-1000-1000-20 mirrored, batch 100", "ae", 100, "hidden=1000,1000;latent-dim=20",
      NULL },
    { "ae-400", "784-400-20 mirrored, batch 128", "ae", 128, "hidden=400;latent-dim=20", NULL },
    { "vae", "the same as a vae", "vae", 128, "hidden=400;latent-dim=20", NULL },
    { "aae", "784-1000-1000-(2, 10), 3,000 labels, batch 100", "aae", 100,
      "hidden=1000,1000;latent-dim=2;labels=3000;dropout=0.25;critic-dropout=0.2",
      NULL },
    { "vqvae", "28x28 to 7x7 words of 512, conv 32 4/2, conv 64 4/2, conv 64 3, batch 128", "vqvae", 128,
      "hidden=conv 32 4/2, conv 64 4/2, conv 64 3;latent-dim=64;likelihood=gaussian:0.5", NULL },
    { "pca", "PCA-30; peer: NumPy, covariance and eigh", "pca", 0, "latent-dim=30", NULL },
    { "pca-sklearn", "PCA-30; peer: scikit-learn", "pca", 0, "latent-dim=30", NULL },
};
enum { CASES = sizeof cases / sizeof cases[0], MOST_ROUNDS = 1000, MOST_PHASES = 8, MOST_LAYERS = 128 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One figure over the rounds; what is no number is left out. */
typedef struct samples {
    size_t count;
    double value[MOST_ROUNDS];
} samples;

static void add(samples *s, double value)
{
    if (!isnan(value))
        s->value[s->count++] = value;
}

static double median(samples *s)
{
    size_t n = s->count;
    cli_sort_numbers(s->value, n);
    return n == 0 ? NAN : n % 2 ? s->value[n / 2] : (s->value[n / 2 - 1] + s->value[n / 2]) / 2;
}

/* "name=value;name=value" into settings. */
static ph_status read_options(ph_settings *s, const char *options)
{
    char text[256], *rest = text;
    snprintf(text, sizeof text, "%s", options);
    for (char *name; (name = strsep(&rest, ";")) != NULL;) {
        char *value = strchr(name, '=');
        *value = '\0';
        if (ph_settings_set(s, name, value + 1) != PH_OK)
            return ph_last_status();
    }
    return PH_OK;
}

/* What a recipe says of the model; what it is trained on and how long is the bench's. */
static ph_status copy_options(ph_settings *s, const ph_settings *recipe)
{
    static const char *const own[] = { "family", "data", "checkpoint-every", "val-split" };
    for (size_t i = 0; i < ph_settings_count(recipe); i++) {
        const char *name = ph_settings_name(recipe, i);
        size_t count;
        const ph_option *data = ph_data_options(&count);
        bool taken = !ph_option_find(data, count, name);
        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++)
            taken = taken && strcmp(name, own[k]) != 0;
        if (taken && ph_settings_set(s, name, ph_settings_value(recipe, i)) != PH_OK)
            return ph_last_status();
    }
    return PH_OK;
}

static ph_model *make(const bench_case *c, const ph_data *data)
{
    char endless[96] = "";
    ph_settings *s = ph_settings_new();
    ph_status status = s ? PH_OK : ph_last_status();
    if (status == PH_OK)
        status = c->recipe ? copy_options(s, c->recipe) : read_options(s, c->options);
    snprintf(endless, sizeof endless, "batch-size=%zu;log-every=1;epochs=1000000", c->batch);
    if (status == PH_OK && c->batch)
        status = read_options(s, endless);
    ph_model *m = status == PH_OK ? ph_model_new(c->family, data, s) : NULL;
    ph_settings_free(s);
    return m;
}

/* A window of training: the rate between its first report and its last. */
typedef struct window {
    double seconds, began, ended;
    int64_t first, last;
    size_t phases;
    double spent[MOST_PHASES];   /* seconds that each phase took, first less than none, then in all */
    ph_phase_cost phase[MOST_PHASES];
    size_t layers;               /* 0: they are not timed */
    double layer_began[MOST_LAYERS][2];
    ph_layer_cost layer[MOST_LAYERS]; /* whose names are gone with the training */
    char layer_name[MOST_LAYERS][64];
} window;

/* In between the two reports a phase has spent what the later one says less what the earlier did. */
static void count_phases(window *w, const ph_progress *p, double sign)
{
    w->phases = p->phases < MOST_PHASES ? p->phases : MOST_PHASES;
    for (size_t i = 0; i < w->phases; i++) {
        w->phase[i] = p->phase[i];
        w->spent[i] += sign * p->phase[i].seconds;
    }
}

static void begin_layers(window *w, const ph_progress *p)
{
    w->layers = p->layers < MOST_LAYERS ? p->layers : MOST_LAYERS;
    for (size_t i = 0; i < w->layers; i++)
        memcpy(w->layer_began[i], p->layer[i].seconds, sizeof w->layer_began[i]);
}

static void end_layers(window *w, const ph_progress *p)
{
    for (size_t i = 0; i < w->layers; i++) {
        const char *phase = p->phases > 1 && p->layer[i].phase ? p->layer[i].phase : "";
        const char *name = *p->layer[i].name ? p->layer[i].name : "the rest";
        w->layer[i] = p->layer[i];
        for (int back = 0; back < 2; back++)
            w->layer[i].seconds[back] -= w->layer_began[i][back];
        snprintf(w->layer_name[i], sizeof w->layer_name[i], "%s%s%s", phase, *phase ? ": " : "", name);
    }
}

static void watch(void *user, ph_model *m, const ph_progress *p)
{
    window *w = user;
    (void)m;
    if (p->event != PH_EVENT_STEP)
        return;
    double t = now();
    if (w->began == 0) {
        w->began = t;
        w->first = p->step;
        count_phases(w, p, -1);
        begin_layers(w, p);
    }
    w->ended = t;
    w->last = p->step;
    if (t - w->began >= w->seconds) {
        count_phases(w, p, 1);
        end_layers(w, p);
        ph_stop();
    }
}

/* Rows a second of training, or of a pass through encoder and decoder, or seconds of a PCA. */
static double train_rate(ph_model *m, const ph_data *data, double seconds, size_t batch, bool layers,
                         window *w)
{
    *w = (window){ .seconds = seconds };
    ph_status status = ph_train(m, data, &(ph_training){ .progress = watch, .user = w,
                                                         .time_layers = layers });
    if (status != PH_STOPPED || w->last == w->first)
        return NAN;
    return (double)(w->last - w->first) * (double)batch / (w->ended - w->began);
}

static double use_rate(ph_model *m, const ph_real *rows, ph_real *out, size_t count, double seconds)
{
    double began = now(), done = 0;
    while (now() - began < seconds) {
        if (ph_model_apply(m, "reconstruct", rows, count, out) != PH_OK)
            return NAN;
        done += (double)count;
    }
    return done / (now() - began);
}

static double pca_seconds(const bench_case *c, const ph_data *data)
{
    ph_model *m = make(c, data);
    double began = now();
    ph_status status = m ? ph_train(m, data, NULL) : ph_last_status();
    double seconds = now() - began;
    ph_model_free(m);
    return status == PH_OK ? seconds : NAN;
}

/* The figures that a peer prints: the numbers after "name": in its output, NaN where none is. */
static void peer_figures(const char *peer, const char *name, size_t count,
                         const char *const *figure, double *value)
{
    char command[4096], line[4096], key[64];
    for (size_t i = 0; i < count; i++)
        value[i] = NAN;
    if (peer == NULL)
        return;
    snprintf(command, sizeof command, "%s %s 2>/dev/null", peer, name);
    FILE *pipe = popen(command, "r");
    while (pipe && fgets(line, sizeof line, pipe))
        for (size_t i = 0; i < count; i++) {
            snprintf(key, sizeof key, "\"%s\":", figure[i]);
            const char *at = strstr(line, key);
            value[i] = at ? strtod(at + strlen(key), NULL) : value[i];
        }
    if (pipe)
        pclose(pipe);
}

/* Medians. share: of the peak; of a phase: of the window's time, and of the peak while it ran. */
typedef struct result {
    double rate, flops, share, use, peer, ratio, use_ratio, peak;
    size_t phases;
    char phase_name[MOST_PHASES][32];
    double phase_time[MOST_PHASES], phase_share[MOST_PHASES];
    size_t layers;
    struct layer_result {
        char name[64];
        size_t rank, shape[4];
        double time[2], share[2]; /* forward and backward; share NaN where there are no products */
    } layer[MOST_LAYERS];
} result;

/* What a round gives, each beside the peak that was measured around it. */
typedef struct rounds {
    samples rate, share, use, peer, ratio, use_ratio, peak;
    samples phase_time[MOST_PHASES], phase_share[MOST_PHASES];
} rounds;

/* A model with its data and what it takes to measure both. */
typedef struct bench {
    const bench_case *c;
    const bench_options *o;
    const ph_data *data;
    ph_model *model;
    double flops;              /* of a training step, per row */
    ph_real *rows, *out;       /* count rows each */
    size_t count;
} bench;

static void add_phases(rounds *r, const bench *b, const window *w, double peak)
{
    for (size_t i = 0; i < w->phases; i++) {
        double rows = (double)(w->last - w->first) * (double)b->c->batch;
        add(&r->phase_time[i], w->spent[i] / (w->ended - w->began));
        add(&r->phase_share[i], rows * w->phase[i].flops_per_row / w->spent[i] / peak);
    }
}

static ph_status run_round(const bench *b, rounds *r, window *w)
{
    bool fits = b->c->batch == 0;
    double other[2], before = ph_machine_peak(0.1);
    double rate = fits ? pca_seconds(b->c, b->data)
                       : train_rate(b->model, b->data, b->o->seconds, b->c->batch, false, w);
    double peak = (before + ph_machine_peak(0.1)) / 2;
    double use = fits ? NAN : use_rate(b->model, b->rows, b->out, b->count, b->o->seconds / 4);
    if (isnan(rate))
        return ph_last_status();
    peer_figures(b->o->peer, b->c->name, 2,
                 (const char *[]){ fits ? "seconds" : "rows_per_second", "use_rows_per_second" }, other);
    add(&r->rate, rate);
    add(&r->peak, peak);
    add(&r->share, rate * b->flops / peak);
    add(&r->use, use);
    add(&r->peer, other[0]);
    add(&r->ratio, rate / other[0]);
    add(&r->use_ratio, use / other[1]);
    add_phases(r, b, w, peak);
    return PH_OK;
}

static void medians(const bench *b, rounds *r, const window *w, result *all)
{
    *all = (result){ .rate = median(&r->rate), .share = median(&r->share), .use = median(&r->use),
                   .peer = median(&r->peer), .ratio = median(&r->ratio),
                   .use_ratio = median(&r->use_ratio), .peak = median(&r->peak),
                   .phases = w->phases > 1 ? w->phases : 0 };
    all->flops = b->flops * all->rate;
    for (size_t i = 0; i < all->phases; i++) {
        snprintf(all->phase_name[i], sizeof all->phase_name[i], "%s", w->phase[i].name);
        all->phase_time[i] = median(&r->phase_time[i]);
        all->phase_share[i] = median(&r->phase_share[i]);
    }
}

/* Makes the model, reads rows for it to give back, and lets it warm up. */
static ph_status prepare(bench *b, window *w)
{
    enum { ROWS = 1024 };
    size_t index[ROWS];
    ph_data_info info;
    ph_model_info model;
    ph_data_describe(b->data, &info);
    b->model = make(b->c, b->data);
    b->rows = malloc(ROWS * info.width * sizeof *b->rows);
    b->out = malloc(ROWS * info.width * sizeof *b->out);
    b->count = info.rows < ROWS ? info.rows : ROWS;
    for (size_t i = 0; i < b->count; i++)
        index[i] = i;
    if (b->model == NULL || b->rows == NULL || b->out == NULL)
        return ph_last_status();
    ph_status status = ph_data_read(b->data, index, b->count, b->rows);
    if (status != PH_OK || b->c->batch == 0)
        return status;
    train_rate(b->model, b->data, 0.2, b->c->batch, false, w);
    ph_model_describe(b->model, &model);
    b->flops = model.flops_per_row;
    return PH_OK;
}

/* Where the time goes: windows in which layers are timed, added up. */
static ph_status time_layers(const bench *b, result *all)
{
    double seconds = 0;
    window *w = malloc(sizeof *w);
    ph_status status = w ? PH_OK : PH_MEMORY;
    for (int64_t i = 0; i < b->o->rounds && status == PH_OK; i++) {
        double before = ph_machine_peak(0.1);
        if (isnan(train_rate(b->model, b->data, b->o->seconds, b->c->batch, true, w))) {
            status = ph_last_status();
            break;
        }
        double peak = (before + ph_machine_peak(0.1)) / 2;
        double rows = (double)(w->last - w->first) * (double)b->c->batch;
        seconds += w->ended - w->began;
        all->layers = w->layers;
        for (size_t l = 0; l < w->layers; l++) {
            struct layer_result *to = &all->layer[l];
            memcpy(to->name, w->layer_name[l], sizeof to->name);
            to->rank = w->layer[l].rank;
            memcpy(to->shape, w->layer[l].shape, sizeof to->shape);
            for (int back = 0; back < 2; back++) {
                to->time[back] += w->layer[l].seconds[back];
                to->share[back] += rows * w->layer[l].flops_per_row[back] / peak;
            }
        }
    }
    for (size_t l = 0; l < all->layers; l++)
        for (int back = 0; back < 2; back++) {
            struct layer_result *to = &all->layer[l];
            to->share[back] = to->share[back] > 0 ? to->share[back] / to->time[back] : NAN;
            to->time[back] /= seconds;
        }
    free(w);
    return status;
}

static ph_status run_case(const bench_case *c, const ph_data *data, const bench_options *o,
                          result *r)
{
    static window w;
    w = (window){ 0 };
    bench b = { .c = c, .o = o, .data = data };
    rounds *all = calloc(1, sizeof *all);
    ph_status status = all ? prepare(&b, &w) : PH_MEMORY;
    for (int64_t i = 0; i < o->rounds && status == PH_OK; i++)
        status = run_round(&b, all, &w);
    if (status == PH_OK)
        medians(&b, all, &w, r);
    if (status == PH_OK && o->layers && c->batch)
        status = time_layers(&b, r);
    ph_model_free(b.model);
    free(b.rows);
    free(b.out);
    free(all);
    return status;
}

/* A figure in the width that its format gives, a dash where there is none. */
static void print_cell(double value, const char *format)
{
    char text[64];
    int width = snprintf(text, sizeof text, format, 0.0);
    if (isnan(value))
        snprintf(text, sizeof text, "%*s", width, "-");
    else
        snprintf(text, sizeof text, format, value);
    printf("  %s", text);
}

static void print_head(const bench_options *o, const ph_data *data)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    printf("%d threads, %s, peak %.0f GFLOP/s; %s; medians of %lld rounds of %g s\n\n",
           ph_threads(), ph_machine_isa(), ph_machine_peak(0.3) * 1e-9, info.name,
           (long long)o->rounds, o->seconds);
    printf("%-17s %-48s  %16s  %5s  %6s  %16s  %16s  %5s  %5s\n", "case", "", "training", "GF/s",
           "share", "use", "peer's training", "ratio", "use");
}

static void print_layers_json(const result *r)
{
    static const char *const times[] = { "forward_time", "backward_time" };
    static const char *const shares[] = { "forward_share", "backward_share" };
    cli_json_object_begin("layers");
    for (size_t l = 0; l < r->layers; l++) {
        const struct layer_result *at = &r->layer[l];
        cli_json_object_begin(at->name);
        for (int back = 0; back < 2; back++) {
            cli_json_number(times[back], at->time[back]);
            if (!isnan(at->share[back]))
                cli_json_number(shares[back], at->share[back]);
        }
        cli_json_object_end();
    }
    cli_json_object_end();
}

/* What is left of the time is that between steps: rows are fetched, and progress is told. */
static void print_layers(const result *r)
{
    double left = 1;
    printf("  %-32s %-14s  %18s  %18s\n  %-47s  %8s  %8s  %8s  %8s\n", "layer", "weight", "forward", "backward",
           "", "time", "of peak", "time", "of peak");
    for (size_t i = 0; i < 2 * r->layers; i++) { /* layers, then what is in none */
        const struct layer_result *at = &r->layer[i % r->layers];
        char shape[96] = "";
        if ((at->rank == 0) != (i >= r->layers))
            continue;
        printf("  %-32s %-14s", at->name, cli_shape(at->rank, at->shape, shape));
        for (int back = 0; back < 2; back++) {
            print_cell(100 * at->time[back], "%6.1f %%");
            print_cell(100 * at->share[back], "%6.1f %%");
            left -= at->time[back];
        }
        putchar('\n');
    }
    printf("  %-47s  %6.1f %%\n", "between steps", 100 * left);
}

static void print(const bench_case *c, const result *r, bool json)
{
    bool pca = c->batch == 0;
    if (json) {
        cli_json_begin();
        cli_json_text("case", c->name);
        cli_json_number(pca ? "seconds" : "rows_per_second", r->rate);
        if (!pca) {
            cli_json_number("flops_per_second", r->flops);
            cli_json_number("share", r->share);
            cli_json_number("reconstructed_rows_per_second", r->use);
        }
        cli_json_number("peak", r->peak);
        cli_json_number("peer", r->peer);
        cli_json_number("ratio", r->ratio);
        if (!pca)
            cli_json_number("use_ratio", r->use_ratio);
        for (size_t i = 0; i < r->phases; i++) {
            cli_json_object_begin(r->phase_name[i]);
            cli_json_number("time", r->phase_time[i]);
            cli_json_number("share", r->phase_share[i]);
            cli_json_object_end();
        }
        if (r->layers)
            print_layers_json(r);
        cli_json_end();
        return;
    }
    printf("%-17s %-48s", c->name, c->help);
    print_cell(r->rate, pca ? "%9.3f s     " : "%9.0f rows/s");
    print_cell(pca ? NAN : r->flops * 1e-9, "%5.0f");
    print_cell(pca ? NAN : 100 * r->share, "%4.1f %%");
    print_cell(r->use, "%9.0f rows/s");
    print_cell(r->peer, pca ? "%9.3f s     " : "%9.0f rows/s");
    print_cell(r->ratio, "%5.2f");
    print_cell(r->use_ratio, "%5.2f");
    putchar('\n');
    for (size_t i = 0; i < r->phases; i++)
        printf("  %-35s %2.0f %% of the time  %28.1f %%\n", r->phase_name[i], 100 * r->phase_time[i],
               100 * r->phase_share[i]);
    if (r->layers)
        print_layers(r);
    fflush(stdout);
}

static const bench_case *find_case(const char *name)
{
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(name, cases[i].name) == 0)
            return &cases[i];
    return NULL;
}

/* What is measured: the cases that the words name, all where there are none; recipes behind them, in
 * settings that the caller frees. */
static int choose(const cli_arguments *a, bench_case *chosen, ph_settings **recipe, size_t *count)
{
    char names[256] = "";
    for (size_t i = 0; i < CASES; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), " %s", cases[i].name);
    for (size_t i = 0; i < CASES && a->words == 0; i++)
        chosen[(*count)++] = cases[i];
    for (size_t w = 0; w < a->words; w++) {
        const bench_case *known = find_case(a->word[w]);
        if (known) {
            chosen[(*count)++] = *known;
            continue;
        }
        if (access(a->word[w], R_OK) != 0)
            return cli_usage("'%s' is no case and no recipe; there are:%s", a->word[w], names);
        ph_settings *s = recipe[w] = ph_settings_new();
        if (s == NULL || ph_settings_read(s, a->word[w]) != PH_OK)
            return cli_fail();
        const char *family = ph_settings_get(s, "family"), *batch = ph_settings_get(s, "batch-size");
        const char *slash = strrchr(a->word[w], '/');
        if (family == NULL)
            return cli_usage("%s: it names no family", a->word[w]);
        chosen[(*count)++] = (bench_case){ slash ? slash + 1 : a->word[w], "the recipe", family,
                                           strcmp(family, "pca") == 0 ? 0
                                           : batch                    ? (size_t)atoll(batch)
                                                                      : 128,
                                           "", s };
    }
    return CLI_DONE;
}

/* The rows to train on; those of glyphs where there are no others and none were named. */
static ph_data *open_rows(const cli_arguments *a, const bench_options *o)
{
    ph_data *data = cli_open(a, o->data ? o->data : "fashion-mnist", "train");
    return data || o->data ? data : cli_open(a, "glyphs", "train");
}

static int measure_all(const cli_arguments *a, const bench_options *o, const bench_case *chosen,
                       size_t count)
{
    ph_data *data = open_rows(a, o);
    int code = data ? CLI_DONE : cli_fail();
    if (data && !a->json)
        print_head(o, data);
    for (size_t i = 0; i < count && code == CLI_DONE; i++) {
        static result r;
        if (run_case(&chosen[i], data, o, &r) != PH_OK)
            code = cli_fail();
        else
            print(&chosen[i], &r, a->json);
    }
    ph_data_close(data);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    bench_options o = { 0 };
    bench_case chosen[(int)CASES + (int)CLI_MAX_WORDS];
    ph_settings *recipe[CLI_MAX_WORDS] = { NULL };
    size_t count = 0;
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help)
        code = choose(&a, chosen, recipe, &count);
    if (code == CLI_DONE && !a.help)
        code = measure_all(&a, &o, chosen, count);
    for (size_t i = 0; i < CLI_MAX_WORDS; i++)
        ph_settings_free(recipe[i]);
    cli_free(&a);
    return code;
}

const cli_command cli_bench = {
    .name = "bench", .words = "[CASE or RECIPE...]",
    .help = "speed on this machine, beside its limit and peers",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .most_words = CLI_MAX_WORDS, .run = run,
};
