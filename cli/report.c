/* report.c - pinhole report MODEL DATA: one page about a model. */
#include "cli.h"

#include <string.h>

typedef struct report_options {
    const char *output, *title;
} report_options;

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, offsetof(report_options, output), NULL, 0, 0, NULL,
      "file, also -o: a page (.html) that needs no other file; - is standard output" },
    { "title", NULL, PH_OPTION_TEXT, offsetof(report_options, title), NULL, 0, 0, NULL,
      "of the page [the family and the set]" },
};

/* The part that the set was trained on, where DATA is the other one. */
static ph_data *open_training_part(const cli_arguments *a, const ph_model *m, const ph_data *data)
{
    char spec[4096];
    ph_data_info info;
    ph_data_describe(data, &info);
    const char *given = a->word[1], *colon = strrchr(given, ':');
    bool test = colon && strcmp(colon, ":test") == 0;
    bool other = colon && (strcmp(colon, ":train") == 0 || strcmp(colon, ":all") == 0);
    if (!info.has_test || other)
        return NULL;
    snprintf(spec, sizeof spec, "%.*s:train", (int)(test ? colon - given : (ptrdiff_t)strlen(given)),
             given);
    return cli_open_for(a, m, "reconstruct", spec, "train");
}

static int report(const cli_arguments *a, const report_options *o)
{
    ph_model *m = ph_model_load(a->word[0]);
    ph_data *data = m ? cli_open_for(a, m, "reconstruct", a->word[1], "test") : NULL;
    ph_data *train = data ? open_training_part(a, m, data) : NULL;
    int code = CLI_DONE;
    if (data == NULL || ph_report_save(m, data, train, o->title, o->output) != PH_OK)
        code = cli_fail();
    bool streams = strcmp(o->output, "-") == 0;
    if (code == CLI_DONE && a->json && !streams) {
        cli_json_begin();
        cli_json_text("report", o->output);
        cli_json_end();
    } else if (code == CLI_DONE && !streams) {
        fprintf(stderr, "saved %s\n", o->output);
    }
    ph_data_close(train);
    ph_data_close(data);
    ph_model_free(m);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    report_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help && o.output == NULL)
        code = cli_usage("where to? Give -o FILE, or -o - for standard output");
    if (code == CLI_DONE && !a.help)
        code = report(&a, &o);
    cli_free(&a);
    return code;
}

const cli_command cli_report = {
    .name = "report", .words = "MODEL DATA -o FILE", .help = "a page about a model, in one file",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
};
