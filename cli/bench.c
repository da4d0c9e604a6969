/* bench.c - pinhole bench: our training and inference rates, as shares of the machine's arithmetic
 * peak measured in between, and beside the frameworks where they are installed.
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
    double window;
} bench_options;

static const ph_option table[] = {
    { "data", NULL, PH_OPTION_TEXT, offsetof(bench_options, data), NULL, 0, 0, NULL,
      "rows of 784 numbers [fashion-mnist where it is found, else glyphs]" },
    { "rounds", NULL, PH_OPTION_INT, offsetof(bench_options, rounds), "7", 1, 1000, NULL,
      "rounds to take the median of" },
    { "window", NULL, PH_OPTION_REAL, offsetof(bench_options, window), "1", 0.05, 100, NULL,
      "seconds of each window" },
    { "peer", NULL, PH_OPTION_TEXT, offsetof(bench_options, peer), NULL, 0, 0, NULL,
      "command that measures a peer: called with the case's name, prints JSON with rows_per_second "
      "or seconds" },
};

/* A case: a net and a batch, or PCA. */
static const struct bench_case {
    const char *name, *help, *family, *hidden, *latent_dim, *batch_size;
} cases[] = {
    { "ae-512", "784-256-128-20 mirrored, batch 512", "ae", "256,128", "20", "512" },
    { "ae-128", "784-256-128-20 mirrored, batch 128", "ae", "256,128", "20", "128" },
    { "wide-100", "784-1000-1000-20 mirrored, batch 100", "ae", "1000,1000", "20", "100" },
    { "ae-400", "784-400-20 mirrored, batch 128", "ae", "400", "20", "128" },
    { "vae", "the same as a vae", "vae", "400", "20", "128" },
    { "pca", "PCA-30; peer: NumPy, covariance and eigh", "pca", NULL, "30", NULL },
    { "pca-sklearn", "PCA-30; peer: scikit-learn", "pca", NULL, "30", NULL },
};
enum { CASES = sizeof cases / sizeof cases[0], MOST_ROUNDS = 1000 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], by_value);
    return count == 0 ? NAN : count % 2 ? values[count / 2]
                                        : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static ph_model *make(const struct bench_case *c, const ph_data *data)
{
    ph_settings *s = ph_settings_new();
    bool ok = s && ph_settings_set(s, "latent-dim", c->latent_dim) == PH_OK &&
              (!c->hidden || ph_settings_set(s, "hidden", c->hidden) == PH_OK) &&
              (!c->batch_size || (ph_settings_set(s, "batch-size", c->batch_size) == PH_OK &&
                                  ph_settings_set(s, "log-every", "1") == PH_OK &&
                                  ph_settings_set(s, "epochs", "1000000") == PH_OK));
    ph_model *m = ok ? ph_model_new(c->family, data, s) : NULL;
    ph_settings_free(s);
    return m;
}

/* A window of training: the rate between its first report and its last. */
typedef struct window {
    double seconds, began, ended;
    int64_t first, last;
} window;

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
    }
    w->ended = t;
    w->last = p->step;
    if (t - w->began >= w->seconds)
        ph_stop();
}

/* Rows a second of training, or of a pass through encoder and decoder, or seconds of a PCA. */
static double train_rate(ph_model *m, const ph_data *data, double seconds, size_t batch)
{
    window w = { .seconds = seconds };
    ph_status status = ph_train(m, data, &(ph_training){ .progress = watch, .user = &w });
    if (status != PH_STOPPED || w.last == w.first)
        return NAN;
    return (double)(w.last - w.first) * (double)batch / (w.ended - w.began);
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

static double pca_seconds(const struct bench_case *c, const ph_data *data)
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

typedef struct result {
    double rate, flops, share, use, peer, ratio, use_ratio, peak;
} result;

static ph_status run_case(const struct bench_case *c, const ph_data *data, const bench_options *o,
                          result *r)
{
    static double rate[MOST_ROUNDS], share[MOST_ROUNDS], use[MOST_ROUNDS], ratio[MOST_ROUNDS],
        peer[MOST_ROUNDS], peak[MOST_ROUNDS], use_ratio[MOST_ROUNDS];
    enum { ROWS = 1024 };
    bool pca = strcmp(c->family, "pca") == 0;
    size_t rounds = (size_t)o->rounds, index[ROWS], compared = 0;
    ph_data_info info;
    ph_data_describe(data, &info);
    ph_model *m = make(c, data);
    ph_real *rows = malloc(ROWS * info.width * sizeof *rows);
    ph_real *out = malloc(ROWS * info.width * sizeof *out);
    ph_status status = m && rows && out ? PH_OK : ph_last_status();
    size_t count = info.rows < ROWS ? info.rows : ROWS;
    for (size_t i = 0; i < count; i++)
        index[i] = i;
    if (status == PH_OK)
        status = ph_data_read(data, index, count, rows);
    double flops = 0;
    size_t batch = c->batch_size ? (size_t)atol(c->batch_size) : 1;
    if (status == PH_OK && !pca) {
        train_rate(m, data, 0.2, batch); /* warm-up */
        ph_model_info model;
        ph_model_describe(m, &model);
        flops = model.flops_per_row;
    }
    for (size_t i = 0; i < rounds && status == PH_OK; i++) {
        double before = ph_machine_peak(0.1);
        rate[i] = pca ? pca_seconds(c, data) : train_rate(m, data, o->window, batch);
        peak[i] = (before + ph_machine_peak(0.1)) / 2;
        share[i] = rate[i] * flops / peak[i];
        use[i] = pca ? NAN : use_rate(m, rows, out, count, o->window / 4);
        double other[2];
        peer_figures(o->peer, c->name, 2, (const char *[]){ pca ? "seconds" : "rows_per_second",
                                                            "use_rows_per_second" }, other);
        if (!isnan(other[0])) {
            peer[compared] = other[0];
            use_ratio[compared] = use[i] / other[1];
            ratio[compared++] = rate[i] / other[0];
        }
        if (isnan(rate[i]))
            status = ph_last_status();
    }
    if (status == PH_OK)
        *r = (result){ .rate = median(rate, rounds), .flops = flops * median(rate, rounds),
                       .share = median(share, rounds), .use = median(use, rounds),
                       .peak = median(peak, rounds),
                       .peer = median(peer, compared), .ratio = median(ratio, compared),
                       .use_ratio = pca ? NAN : median(use_ratio, compared) };
    ph_model_free(m);
    free(rows);
    free(out);
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
           (long long)o->rounds, o->window);
    printf("%-12s %-40s  %16s  %5s  %6s  %16s  %16s  %5s  %5s\n", "case", "", "training", "GF/s",
           "share", "use", "peer's training", "ratio", "use");
}

static void print(const struct bench_case *c, const result *r, bool json)
{
    bool pca = strcmp(c->family, "pca") == 0;
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
        cli_json_end();
        return;
    }
    printf("%-12s %-40s", c->name, c->help);
    print_cell(r->rate, pca ? "%9.3f s     " : "%9.0f rows/s");
    print_cell(pca ? NAN : r->flops * 1e-9, "%5.0f");
    print_cell(pca ? NAN : 100 * r->share, "%4.1f %%");
    print_cell(r->use, "%9.0f rows/s");
    print_cell(r->peer, pca ? "%9.3f s     " : "%9.0f rows/s");
    print_cell(r->ratio, "%5.2f");
    print_cell(r->use_ratio, "%5.2f");
    putchar('\n');
    fflush(stdout);
}

static int check_cases(const cli_arguments *a)
{
    for (size_t w = 0; w < a->words; w++) {
        bool known = false;
        for (size_t i = 0; i < CASES; i++)
            known = known || strcmp(a->word[w], cases[i].name) == 0;
        if (!known)
            return cli_usage("'%s' is no case; there are: ae-512 ae-128 wide-100 ae-400 vae pca pca-sklearn",
                             a->word[w]);
    }
    return CLI_DONE;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    bench_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help)
        code = check_cases(&a);
    if (code != CLI_DONE || a.help) {
        cli_free(&a);
        return code;
    }
    ph_data *data = cli_open(&a, o.data ? o.data : "fashion-mnist", "train");
    if (data == NULL && o.data == NULL)
        data = cli_open(&a, "glyphs", "train");
    if (data == NULL)
        code = cli_fail();
    if (data && !a.json)
        print_head(&o, data);
    for (size_t i = 0; i < CASES && code == CLI_DONE; i++) {
        result r;
        bool wanted = a.words == 0;
        for (size_t w = 0; w < a.words; w++)
            wanted = wanted || strcmp(a.word[w], cases[i].name) == 0;
        if (!wanted)
            continue;
        if (run_case(&cases[i], data, &o, &r) != PH_OK)
            code = cli_fail();
        else
            print(&cases[i], &r, a.json);
    }
    ph_data_close(data);
    cli_free(&a);
    return code;
}

const cli_command cli_bench = {
    .name = "bench", .words = "[CASE...]",
    .help = "speed on this machine, beside its limit and peers",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .most_words = CLI_MAX_WORDS, .run = run,
};
