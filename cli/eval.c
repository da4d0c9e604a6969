/* eval.c - pinhole eval MODEL DATA: how well a model does. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct eval_options {
    bool pca, probe, code_size, map, jpeg;
    const char *training, *pca_data, *features, *also, *noise;
    int64_t importance_samples, parzen, probe_labels, probe_seed, noise_seed;
} eval_options;

#define AT(field) offsetof(eval_options, field)

static const ph_option table[] = {
    { "training", NULL, PH_OPTION_TEXT, AT(training), NULL, 0, 0, NULL,
      "the rows that PCA, probes, classifiers and other yardsticks are fitted on [the set's training part]" },
    { "pca", NULL, PH_OPTION_FLAG, AT(pca), "0", 0, 0, NULL,
      "beside it, PCA with a code of equal size, fitted on the set's training part" },
    { "pca-data", NULL, PH_OPTION_TEXT, AT(pca_data), NULL, 0, 0, NULL,
      "the same, fitted on this set" },
    { "importance-samples", "n-samples", PH_OPTION_INT, AT(importance_samples), "0", 0, 1e7, NULL,
      "of each row, for its likelihood under a variational model" },
    { "parzen", NULL, PH_OPTION_INT, AT(parzen), "0", 0, 1e9, NULL,
      "draws from the model, for a Parzen estimate of the rows' likelihood (10000 as a rule)" },
    { "probe", NULL, PH_OPTION_FLAG, AT(probe), "0", 0, 0, NULL,
      "accuracy of a linear probe and of the nearest neighbours on codes, and on rows" },
    { "probe-labels", NULL, PH_OPTION_INT, AT(probe_labels), "0", 0, 1e15, NULL,
      "the same, learning from so many labelled rows, drawn evenly over the classes; 0: from all" },
    { "probe-seed", NULL, PH_OPTION_INT, AT(probe_seed), "1", 0, 9007199254740992.0, NULL,
      "of the draw" },
    { "code-size", NULL, PH_OPTION_FLAG, AT(code_size), "0", 0, 0, NULL,
      "bytes of a row's code, as floats and as bytes, and what comes back from it, beside PCA" },
    { "features", NULL, PH_OPTION_TEXT, AT(features), NULL, 0, 0, NULL,
      "Fréchet distance and inception score on the features of a classifier that is trained on the "
      "set (classifier), or the distance between two sets of features (REAL.npy,GENERATED.npy)" },
    { "map", NULL, PH_OPTION_FLAG, AT(map), "0", 0, 0, NULL,
      "share of a plane over the codes that is empty, and the error of the set's training part less "
      "that of these rows" },
    { "jpeg", NULL, PH_OPTION_FLAG, AT(jpeg), "0", 0, 0, NULL,
      "beside a model with a codebook, what JPEG makes of the pictures at the size of their words" },
    { "noise", "corruption", PH_OPTION_CHOICE, AT(noise), "none", 0, 0, PH_NOISES,
      "how far rows with this noise, and their reconstructions, are from the clean rows" },
    { "noise-seed", NULL, PH_OPTION_INT, AT(noise_seed), "1", 0, 9007199254740992.0, NULL,
      "of the noise" },
    { "also", NULL, PH_OPTION_TEXT, AT(also), NULL, 0, 0, NULL,
      "a table of the errors on other sets, too: mnist,glyphs" },
};

/* What a measurement holds open. */
typedef struct eval {
    const cli_arguments *a;
    eval_options o;
    const char *spec;
    ph_model *model, *pca_model; /* which hold the texts of their figures */
    ph_data *data, *training;  /* training: NULL where the set has no part for it */
    ph_figures figures, pca;
    ph_activity activity;      /* units 0: there is none to tell */
} eval;

/* The length of a spec without the part that it names; *part is what it names, or "". */
static size_t spec_length(const char *spec, const char **part)
{
    const char *colon = strrchr(spec, ':');
    bool named = colon && (strcmp(colon, ":test") == 0 || strcmp(colon, ":train") == 0 ||
                           strcmp(colon, ":all") == 0);
    *part = named ? colon + 1 : "";
    return named ? (size_t)(colon - spec) : strlen(spec);
}

/* What --training names, or the training part of the set that is measured. What it has none of, or what was
 * asked to be measured itself, cannot be fitted on: NULL with PH_OK. */
static ph_status open_training(eval *e)
{
    char set[4096];
    const char *part;
    ph_data_info info;
    size_t length = spec_length(e->spec, &part);
    if (e->o.training) {
        e->training = cli_open_for(e->a, e->model, "reconstruct", e->o.training, "train");
        return e->training ? PH_OK : ph_last_status();
    }
    if (strcmp(e->spec, "-") == 0 || (*part && strcmp(part, "test") != 0))
        return PH_OK;
    snprintf(set, sizeof set, "%.*s", (int)length, e->spec);
    e->training = cli_open_for(e->a, e->model, "reconstruct", set, "train");
    if (e->training == NULL)
        return ph_last_status();
    ph_data_describe(e->training, &info);
    if (!info.has_test) {
        ph_data_close(e->training);
        e->training = NULL;
    }
    return PH_OK;
}

static const char *noise_of(const eval *e)
{
    return strcmp(e->o.noise, "none") == 0 ? NULL : e->o.noise;
}

/* PCA as a model like any other: same data, same scaling, same code size. */
static ph_status eval_pca(eval *e)
{
    ph_model_info info;
    char text[32];
    ph_data *given = NULL;
    if (e->o.pca_data) {
        given = cli_open_for(e->a, e->model, "reconstruct", e->o.pca_data, "train");
        if (given == NULL)
            return ph_last_status();
    }
    const ph_data *rows = given ? given : e->training ? e->training : e->data;
    ph_model_describe(e->model, &info);
    snprintf(text, sizeof text, "%zu", info.latent_dim);
    if (!given && e->training == NULL)
        fprintf(stderr, "pinhole: %s has no training part: pca and its scaling are fitted on the rows "
                "it is measured on (--pca-data DATA: on others)\n", e->spec);
    ph_settings *settings = ph_settings_new();
    ph_status status = settings ? PH_OK : ph_last_status();
    if (status == PH_OK)
        status = ph_settings_set(settings, "latent-dim", text);
    if (status == PH_OK)
        status = ph_settings_set(settings, "scaling", ph_model_option(e->model, "scaling"));
    if (status == PH_OK)
        status = ph_settings_set(settings, "missing", ph_model_option(e->model, "missing"));
    e->pca_model = status == PH_OK ? ph_model_new("pca", rows, settings) : NULL;
    if (status == PH_OK)
        status = e->pca_model ? ph_train(e->pca_model, rows, NULL) : ph_last_status();
    if (status == PH_OK)
        status = ph_model_measure(e->pca_model, e->data, &(ph_measures){
            .noise = noise_of(e), .noise_seed = (uint64_t)e->o.noise_seed }, &e->pca);
    ph_settings_free(settings);
    ph_data_close(given);
    return status;
}

/* ---- Other sets ------------------------------------------------------------------------------ */

enum { MOST_SETS = 16 };

typedef struct transfer {
    size_t count;
    char name[MOST_SETS + 1][64];
    ph_figures at[MOST_SETS + 1];
} transfer;

/* A set whose rows do not fit is left out with a word; one that cannot be read at all is an error. */
static ph_status measure_other(const eval *e, const char *spec, transfer *t)
{
    char message[1024];
    ph_data *data = cli_open_for(e->a, e->model, "reconstruct", spec, "test");
    if (data == NULL && ph_last_status() == PH_DATA) {
        snprintf(message, sizeof message, "%s", ph_message());
        ph_data *any = cli_open_quietly(e->a, spec, "test");
        if (any == NULL)
            return ph_last_status();
        ph_data_close(any);
        fprintf(stderr, "pinhole: %s; left out\n", message);
        return PH_OK;
    }
    ph_status status = data ? ph_model_measure(e->model, data, NULL, &t->at[t->count])
                            : ph_last_status();
    snprintf(t->name[t->count], sizeof t->name[0], "%s", spec);
    t->count += status == PH_OK;
    ph_data_close(data);
    return status;
}

/* The set itself, then those of the list. */
static int measure_others(const eval *e, transfer *t)
{
    char list[4096], *rest = list, *spec;
    snprintf(t->name[0], sizeof t->name[0], "%s", e->spec);
    t->at[0] = e->figures;
    t->count = 1;
    snprintf(list, sizeof list, "%s", e->o.also);
    while ((spec = strtok_r(rest, ",", &rest))) {
        if (t->count > MOST_SETS)
            return cli_usage("also: more than %d sets", MOST_SETS);
        if (measure_other(e, spec, t) != PH_OK)
            return cli_fail();
    }
    return CLI_DONE;
}

static const char *const transferred[] = { "mse", "psnr", "relative_error" };
enum { TRANSFERRED = sizeof transferred / sizeof transferred[0] };

static void print_transfer(const transfer *t)
{
    printf("\n%-22s", "set");
    for (size_t i = 0; i < t->count; i++)
        printf(" %-14s", t->name[i]);
    for (size_t k = 0; k < TRANSFERRED; k++) {
        if (isnan(ph_figure_get(&t->at[0], transferred[k]))) /* psnr of a table */
            continue;
        printf("\n%-22s", transferred[k]);
        for (size_t i = 0; i < t->count; i++)
            printf(" %-14.7g", ph_figure_get(&t->at[i], transferred[k]));
    }
    putchar('\n');
}

static void print_transfer_json(const transfer *t)
{
    for (size_t i = 0; i < t->count; i++) {
        cli_json_begin();
        cli_json_text("set", t->name[i]);
        for (size_t k = 0; k < TRANSFERRED; k++)
            cli_json_number(transferred[k], ph_figure_get(&t->at[i], transferred[k]));
        cli_json_end();
    }
}

/* ---- Telling --------------------------------------------------------------------------------- */

static void print_json(const ph_figures *f, const ph_figures *pca, const ph_activity *activity)
{
    cli_json_begin();
    cli_json_object_begin("units");
    for (size_t i = 0; i < f->count; i++)
        cli_json_text(f->at[i].name, f->at[i].unit);
    for (size_t i = 0; i < f->lists; i++)
        cli_json_text(f->list[i].name, f->list[i].unit);
    for (size_t i = 0; i < f->histograms; i++)
        cli_json_text(f->histogram[i].name, f->histogram[i].unit);
    cli_json_object_end();
    for (size_t i = 0; i < f->count; i++)
        cli_json_number(f->at[i].name, f->at[i].value);
    for (size_t i = 1; pca && i < pca->count; i++) {
        char name[80];
        snprintf(name, sizeof name, "pca_%s", pca->at[i].name);
        double known = ph_figure_get(f, name);
        if (known != known)
            cli_json_number(name, pca->at[i].value);
    }
    for (size_t i = 0; i < f->lists; i++) {
        cli_json_list_begin(f->list[i].name);
        for (size_t k = 0; k < f->list[i].count; k++)
            cli_json_item_number(f->list[i].value[k]);
        cli_json_list_end();
    }
    for (size_t i = 0; i < f->histograms; i++)
        cli_json_histogram(&f->histogram[i]);
    if (activity->units)
        cli_json_activity(activity);
    cli_json_end();
}

typedef struct part {
    size_t place;              /* from 1 on */
    double value;
} part;

static int largest_first(const void *a, const void *b)
{
    const part *x = a, *y = b;
    int by_value = (x->value < y->value) - (x->value > y->value);
    return by_value ? by_value : (x->place > y->place) - (x->place < y->place);
}

/* The numbers of a list by size, each behind its place; of a long one the largest, and what is left. */
static void print_list(const ph_list *l)
{
    enum { SHOWN = 64, EACH_LINE = 8 };
    part *parts = malloc((l->count + 1) * sizeof *parts);
    double rest = 0;
    for (size_t i = 0; parts && i < l->count; i++)
        parts[i] = (part){ i + 1, l->value[i] };
    if (parts)
        qsort(parts, l->count, sizeof *parts, largest_first);
    printf("%s, %s, the largest first:", l->name, l->unit);
    for (size_t i = 0; parts && i < l->count; i++) {
        if (i < SHOWN)
            printf("%s%6zu: %-8.4g", i % EACH_LINE ? "" : "\n", parts[i].place, parts[i].value);
        else
            rest += parts[i].value;
    }
    putchar('\n');
    if (l->count > SHOWN)
        printf("  the other %zu together: %.4g\n", l->count - SHOWN, rest);
    free(parts);
}

static void print(const ph_figures *f, const ph_figures *pca)
{
    int widest = 16;
    for (size_t i = 0; i < f->count; i++)
        widest = (int)strlen(f->at[i].name) > widest ? (int)strlen(f->at[i].name) : widest;
    for (size_t i = 0; i < f->count; i++) {
        printf("%-*s %-12.7g", widest, f->at[i].name, f->at[i].value);
        if (pca && i > 0) {
            double value = ph_figure_get(pca, f->at[i].name);
            if (value == value)
                printf(" pca %-12.7g", value);
            else
                printf(" %-16s", "");
        }
        printf(" %s\n", f->at[i].unit);
    }
    for (size_t i = 0; i < f->lists; i++)
        print_list(&f->list[i]);
    for (size_t i = 0; i < f->histograms; i++)
        cli_print_histogram(&f->histogram[i]);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Opens the two sets of features that --features names, if it names any. */
static int open_features(const eval *e, ph_data *set[2])
{
    char list[4096];
    if (e->o.features == NULL || strcmp(e->o.features, "classifier") == 0)
        return CLI_DONE;
    snprintf(list, sizeof list, "%s", e->o.features);
    char *comma = strchr(list, ',');
    if (comma == NULL)
        return cli_usage("features: '%s' is neither classifier nor two files, REAL.npy,GENERATED.npy",
                         list);
    *comma = '\0';
    set[0] = cli_open_quietly(e->a, list, "all");
    set[1] = set[0] ? cli_open_quietly(e->a, comma + 1, "all") : NULL;
    return set[1] ? CLI_DONE : cli_fail();
}

static int measure(eval *e)
{
    ph_data *features[2] = { NULL, NULL };
    ph_measures asked = { .probe = e->o.probe || e->o.probe_labels, .code_size = e->o.code_size,
                          .probe_labels = (size_t)e->o.probe_labels, .probe_seed = (uint64_t)e->o.probe_seed,
                          .importance_samples = (size_t)e->o.importance_samples,
                          .parzen_draws = (size_t)e->o.parzen };
    asked.map = e->o.map;
    asked.jpeg = e->o.jpeg;
    asked.noise = noise_of(e);
    asked.noise_seed = (uint64_t)e->o.noise_seed;
    asked.activity = ph_model_has_activity(e->model) ? &e->activity : NULL;
    asked.classifier = e->o.features && strcmp(e->o.features, "classifier") == 0;
    int code = open_features(e, features);
    bool fits = asked.probe || asked.code_size || asked.classifier || asked.parzen_draws || e->o.map || e->o.pca ||
                e->o.pca_data;
    if (code == CLI_DONE && e->o.training && !fits)
        code = cli_usage("--training: nothing that is asked for is fitted (--probe, --code-size, --pca, --features "
                         "classifier, --parzen, --map)");
    if (code == CLI_DONE && fits && open_training(e) != PH_OK)
        code = cli_fail();
    asked.training = e->training;
    asked.real_features = features[0];
    asked.generated_features = features[1];
    if (code == CLI_DONE && (ph_model_measure(e->model, e->data, &asked, &e->figures) != PH_OK ||
                             ((e->o.pca || e->o.pca_data) && eval_pca(e) != PH_OK)))
        code = cli_fail();
    ph_data_close(features[0]);
    ph_data_close(features[1]);
    return code;
}

static int measure_and_print(eval *e)
{
    int code = measure(e);
    const ph_figures *pca = (e->o.pca || e->o.pca_data) ? &e->pca : NULL;
    transfer *others = e->o.also ? malloc(sizeof *others) : NULL;
    if (code == CLI_DONE && e->o.also)
        code = others ? measure_others(e, others) : cli_fail();
    if (code == CLI_DONE && e->a->json) {
        if (others)
            print_transfer_json(others);
        print_json(&e->figures, pca, &e->activity);
    } else if (code == CLI_DONE) {
        print(&e->figures, pca);
        if (e->activity.units)
            cli_print_activity(&e->activity);
        if (others)
            print_transfer(others);
    }
    free(others);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    eval e = { .a = &a };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &e.o);
    if (code == CLI_DONE && !a.help) {
        e.spec = a.word[1];
        e.model = ph_model_load(a.word[0]);
        e.data = e.model ? cli_open_for(&a, e.model, "reconstruct", e.spec, "test") : NULL;
        code = e.data ? measure_and_print(&e) : cli_fail();
        ph_activity_free(&e.activity);
        ph_data_close(e.training);
        ph_data_close(e.data);
        ph_model_free(e.pca_model);
        ph_model_free(e.model);
    }
    cli_free(&a);
    return code;
}

const cli_command cli_eval = {
    .name = "eval", .words = "MODEL DATA", .help = "measure a model on data",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
    .needs = (const char *const[]){ "probe-seed", "--probe-labels", "noise-seed", "--noise", NULL },
};
