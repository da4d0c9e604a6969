/* eval.c - pinhole eval MODEL DATA: how well a model does. */
#include "cli.h"

#include <string.h>

typedef struct eval_options {
    bool pca;
    const char *pca_data;
} eval_options;

static const ph_option table[] = {
    { "pca", NULL, PH_OPTION_FLAG, offsetof(eval_options, pca), "0", 0, 0, NULL,
      "beside it, PCA with a code of equal size, fitted on the set's training part" },
    { "pca-data", NULL, PH_OPTION_TEXT, offsetof(eval_options, pca_data), NULL, 0, 0, NULL,
      "the same, fitted on this set" },
};

/* PCA as a model like any other: same data, same kind of scaling, same code size. given: what it is fitted on,
 * NULL: the training part of spec. */
static ph_status eval_pca(const cli_arguments *a, const ph_model *m, const char *spec,
                          const char *given, const ph_data *data, ph_figures *out)
{
    ph_model_info info;
    char text[32], set[4096];
    ph_model_describe(m, &info);
    const char *part = cli_part(spec);
    size_t length = part ? (size_t)(part - spec - 1) : strlen(spec);
    if (given)
        snprintf(set, sizeof set, "%s", given);
    else
        snprintf(set, sizeof set, "%.*s", (int)length, spec);
    snprintf(text, sizeof text, "%zu", info.latent_dim);
    ph_settings *settings = ph_settings_new();
    ph_data *train = cli_open_for(a, m, "reconstruct", set, "train");
    ph_data_info set_info = { .has_test = true };
    if (train)
        ph_data_describe(train, &set_info);
    if (!given && !set_info.has_test)
        fprintf(stderr, "pinhole: %s has no training part: pca and its scaling are fitted on the rows "
                "it is measured on (--pca-data DATA: on others)\n", set);
    ph_status status = settings && train ? PH_OK : ph_last_status();
    if (status == PH_OK)
        status = ph_settings_set(settings, "latent-dim", text);
    static const char *const shared[] = { "scaling", "missing" };
    for (size_t i = 0; i < 2 && status == PH_OK; i++)
        status = ph_settings_set(settings, shared[i], ph_model_option(m, shared[i]));
    ph_model *pca = status == PH_OK ? ph_model_new("pca", train, settings) : NULL;
    if (status == PH_OK)
        status = pca ? ph_train(pca, train, NULL) : ph_last_status();
    if (status == PH_OK)
        status = ph_model_eval(pca, data, out);
    ph_model_free(pca);
    ph_data_close(train);
    ph_settings_free(settings);
    return status;
}

static void print(const ph_figures *f, const ph_figures *pca, bool json)
{
    if (json) {
        cli_json_begin();
        for (size_t i = 0; i < f->count; i++)
            cli_json_number(f->at[i].name, f->at[i].value);
        for (size_t i = 1; pca && i < pca->count; i++) {
            char name[80];
            snprintf(name, sizeof name, "pca_%s", pca->at[i].name);
            cli_json_number(name, pca->at[i].value);
        }
        cli_json_end();
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        printf("%-16s %-12.7g", f->at[i].name, f->at[i].value);
        if (pca && i > 0) {
            double value = ph_figure_get(pca, f->at[i].name);
            if (value == value)
                printf(" pca %-12.7g", value);
            else
                printf(" %-16s", "");
        }
        printf(" %s\n", f->at[i].unit);
    }
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    eval_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help) {
        ph_figures figures, pca;
        ph_model *m = ph_model_load(a.word[0]);
        ph_data *data = m ? cli_open_for(&a, m, "reconstruct", a.word[1], "test") : NULL;
        if (data == NULL || ph_model_eval(m, data, &figures) != PH_OK ||
            ((o.pca || o.pca_data) &&
             eval_pca(&a, m, a.word[1], o.pca_data, data, &pca) != PH_OK))
            code = cli_fail();
        else
            print(&figures, o.pca || o.pca_data ? &pca : NULL, a.json);
        ph_data_close(data);
        ph_model_free(m);
    }
    cli_free(&a);
    return code;
}

const cli_command cli_eval = {
    .name = "eval", .words = "MODEL DATA", .help = "measure a model on data",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
};
