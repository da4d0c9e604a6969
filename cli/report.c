/* report.c - pinhole report MODEL DATA: one page about a model. */
#include "cli.h"

#include <string.h>

typedef struct report_options {
    const char *output, *title, *beside, *times;
} report_options;

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, offsetof(report_options, output), NULL, 0, 0, NULL,
      "file, also -o: a page (.html) that needs no other file; - is standard output" },
    { "title", NULL, PH_OPTION_TEXT, offsetof(report_options, title), NULL, 0, 0, NULL,
      "of the page [the family and the set]" },
    { "beside", NULL, PH_OPTION_TEXT, offsetof(report_options, beside), NULL, 0, 0, NULL,
      "another model: its map of the same rows beside this one's, and the figures of both" },
    { "times", NULL, PH_OPTION_TEXT, offsetof(report_options, times), NULL, 0, 0, NULL,
      "times of other runs, NAME=SECONDS,...: bars of them beside the time that training took" },
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

/* A model as the page calls it: "ae (digits.pin)". */
static const char *name_of(const ph_model *m, const char *path, char name[256])
{
    ph_model_info info;
    ph_model_describe(m, &info);
    const char *slash = strrchr(path, '/');
    snprintf(name, 256, "%s (%s)", info.family, cli_shown(slash ? slash + 1 : path));
    return name;
}

static void print_figures(const ph_figures *f)
{
    for (size_t i = 0; i < f->count; i++)
        cli_json_number(f->at[i].name, f->at[i].value);
}

static void print_json(const char *path, const ph_report_desc *d)
{
    cli_json_begin();
    cli_json_text("report", path);
    cli_json_object_begin("units");
    for (size_t i = 0; i < d->figures->count; i++)
        cli_json_text(d->figures->at[i].name, d->figures->at[i].unit);
    cli_json_object_end();
    print_figures(d->figures);
    if (d->beside) {
        cli_json_object_begin("beside");
        print_figures(d->beside_figures);
        cli_json_object_end();
    }
    cli_json_end();
}

/* A page under the name of something else would mislead. */
static int check_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *ending = strrchr(slash ? slash : path, '.');
    if (ending == NULL || strcmp(ending, ".html") == 0 || strcmp(ending, ".htm") == 0)
        return CLI_DONE;
    return cli_usage("%s: a report is a page, and its name ends in .html", path);
}

/* Both models take the same rows. */
static int report(const cli_command *c, const cli_arguments *a, const void *options)
{
    (void)c;
    const report_options *o = options;
    if (check_name(o->output) != CLI_DONE)
        return CLI_USAGE;
    ph_figures figures, beside_figures;
    char name[256], beside_name[256];
    ph_model *m = ph_model_load(a->word[0]);
    ph_model *beside = m && o->beside ? ph_model_load(o->beside) : NULL;
    bool loaded = m && (beside || o->beside == NULL);
    ph_data *data = loaded ? cli_open_for(a, m, "reconstruct", a->word[1], "test") : NULL;
    ph_data *train = data ? open_training_part(a, m, data) : NULL;
    const ph_report_desc desc = {
        .title = o->title, .train = train, .times = o->times, .beside = beside, .figures = &figures,
        .name = m ? name_of(m, a->word[0], name) : NULL, .beside_figures = &beside_figures,
        .beside_name = beside ? name_of(beside, o->beside, beside_name) : NULL };
    int code = CLI_DONE;
    if (data == NULL || ph_report_save(m, data, &desc, o->output) != PH_OK)
        code = cli_fail();
    bool streams = strcmp(o->output, "-") == 0;
    if (code == CLI_DONE && a->json && !streams)
        print_json(o->output, &desc);
    else if (code == CLI_DONE && !streams)
        fprintf(stderr, "saved %s\n", o->output);
    ph_data_close(train);
    ph_data_close(data);
    ph_model_free(beside);
    ph_model_free(m);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    report_options o = { 0 };
    return cli_write(c, argc, argv, &o, &o.output, report);
}

const cli_command cli_report = {
    .name = "report", .words = "MODEL DATA -o FILE", .help = "a page about a model, in one file",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
};
