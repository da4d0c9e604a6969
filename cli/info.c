/* info.c - pinhole info MODEL: what a model is. */
#include "cli.h"

#include <string.h>

typedef struct info_options {
    bool program, options, record;
    const char *filters;
} info_options;

static const ph_option table[] = {
    { "program", NULL, PH_OPTION_FLAG, offsetof(info_options, program), "0", 0, 0, NULL,
      "every call of the compiled training step: formulas, shapes, bytes, arithmetic" },
    { "options", NULL, PH_OPTION_FLAG, offsetof(info_options, options), "0", 0, 0, NULL,
      "the resolved options, as a config file" },
    { "record", NULL, PH_OPTION_FLAG, offsetof(info_options, record), "0", 0, 0, NULL,
      "the figures of every epoch, one JSON object a line" },
    { "filters", NULL, PH_OPTION_TEXT, offsetof(info_options, filters), NULL, 0, 0, NULL,
      "file (.png) for a picture of the first layer's weights: a tile for each unit, at most the "
      "400 of largest norm; negative is blue, zero white, positive red-brown" },
};

static void print_json(const ph_model *m)
{
    ph_model_info info;
    ph_model_describe(m, &info);
    cli_json_begin();
    cli_json_text("family", info.family);
    cli_json_text("data", info.data);
    cli_json_number("width", (double)info.width);
    cli_json_number("latent_dim", (double)info.latent_dim);
    cli_json_number("layers", (double)info.layers);
    cli_json_number("parameters", (double)info.parameters);
    cli_json_number("epochs", (double)info.epoch);
    cli_json_number("steps", (double)info.step);
    cli_json_text("scaling", ph_model_option(m, "scaling"));
    if (ph_model_class(m, 0)) {
        cli_json_list_begin("class_names");
        for (size_t k = 0; ph_model_class(m, k); k++)
            cli_json_item_text(ph_model_class(m, k));
        cli_json_list_end();
    }
    cli_json_end();
}

static int draw_filters(const ph_model *m, const char *path, bool json)
{
    enum { MOST = 400 };
    size_t count;
    if (ph_filters_save(m, MOST, path, &count) != PH_OK)
        return cli_fail();
    size_t drawn = count < MOST ? count : MOST;
    if (json) {
        cli_json_begin();
        cli_json_text("filters", path);
        cli_json_number("drawn", (double)drawn);
        cli_json_number("count", (double)count);
        cli_json_end();
    } else if (strcmp(path, "-") != 0) {
        fprintf(stderr, "saved %s: %zu of %zu filters, each tile on a scale of its own\n", path,
                drawn, count);
    }
    return CLI_DONE;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    info_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help) {
        ph_model *m = ph_model_load(a.word[0]);
        const char *what = o.program ? "program" : o.options ? "options" : o.record ? "record"
                                                                                    : "summary";
        if (m == NULL)
            code = cli_fail();
        else if (o.filters)
            code = draw_filters(m, o.filters, a.json);
        else if (a.json && !o.program && !o.options && !o.record)
            print_json(m);
        else if (ph_model_print(m, stdout, what) != PH_OK)
            code = cli_fail();
        ph_model_free(m);
    }
    cli_free(&a);
    return code;
}

const cli_command cli_info = {
    .name = "info", .words = "MODEL", .help = "what a model is and how it computes",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 1, .most_words = 1, .run = run,
};
