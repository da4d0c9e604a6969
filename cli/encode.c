/* encode.c - pinhole encode, decode and reconstruct: rows through a model into a file. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct use_options {
    const char *output, *noise, *beside, *mask;
    int64_t layer, noise_seed, rows;
    bool classify, tokens;
} use_options;

#define OUTPUT                                                                                     \
    { "output", NULL, PH_OPTION_TEXT, offsetof(use_options, output), NULL, 0, 0, NULL,             \
      "file, also -o: .npy, .npz, .csv, .safetensors or .png by its ending; - is standard output (.npy)" }
#define WHOLE_OUTPUT                                                                               \
    { "output", NULL, PH_OPTION_TEXT, offsetof(use_options, output), NULL, 0, 0, NULL,             \
      "file, also -o: as encode's; of a sound a .wav, of a picture that was cut into windows a .png of its " \
      "size, of a table that was a .csv of its lines, of bytes any other ending; FOLDER/ takes a file for each " \
      "sound, table, picture or file of bytes, by its name" }

static const ph_option encode_table[] = {
    OUTPUT,
    { "layer", NULL, PH_OPTION_INT, offsetof(use_options, layer), "0", 0, 64, NULL,
      "hidden layer of the encoder, from 1 on; 0: the code" },
    { "classify", NULL, PH_OPTION_FLAG, offsetof(use_options, classify), "0", 0, 0, NULL,
      "in place of the code the most likely class of a row, or its cluster, and how sure that is; .csv: "
      "behind the row's id, where it has one, and by the class's name; else by its number" },
    { "tokens", NULL, PH_OPTION_FLAG, offsetof(use_options, tokens), "0", 0, 0, NULL,
      "in place of the code the numbers of a row's words in the codebook, as whole numbers of two bytes "
      "(four, where there are more than 65536 words)" },
};
static const ph_option decode_table[] = {
    OUTPUT,
    { "tokens", NULL, PH_OPTION_FLAG, offsetof(use_options, tokens), "0", 0, 0, NULL,
      "CODES are such numbers" },
};
static const ph_option reconstruct_table[] = {
    WHOLE_OUTPUT,
    { "noise", "corruption", PH_OPTION_CHOICE, offsetof(use_options, noise), "none", 0, 0, PH_NOISES,
      "on the rows that go in; how far they and what comes back are from the clean ones is told; of windows that "
      "overlap each has its own" },
    { "noise-seed", NULL, PH_OPTION_INT, offsetof(use_options, noise_seed), "1", 0, 9007199254740992.0,
      NULL, "of the noise" },
    { "mask", NULL, PH_OPTION_TEXT, offsetof(use_options, mask), NULL, 0, 0, NULL,
      "holes that the model (mae) fills: a picture (also gray, or as large as the data's pictures were) or rows of "
      "the data's shape, one for all rows (also without a number of rows: 28x28) or one for each, 0 a hole and 1 seen; "
      ".png: with holes, filled, as they are. Values that are missing in the data are holes by themselves, with a mask "
      "or without: so the gaps of a table are filled" },
    { "beside", NULL, PH_OPTION_TEXT, offsetof(use_options, beside), NULL, 0, 0, NULL,
      "other models, OTHER.pin,THIRD.pin: a .png with a row of pictures for the originals and for "
      "each model, and a table of their errors" },
    { "rows", NULL, PH_OPTION_INT, offsetof(use_options, rows), "10", 1, 1000, NULL,
      "with --beside: originals that are shown, from all classes in their order" },
};

static const char *class_column(const void *user, size_t column)
{
    (void)user;
    return column ? "confidence" : "class";
}

/* The name of the class, where it has one. */
static const char *class_text(const void *user, size_t column, ph_real value)
{
    return column ? NULL : ph_model_class(user, (size_t)value);
}

/* Two numbers for each row: its class, from 0 on, and the share that the model gives it. */
static ph_status write_classes(ph_model *m, const char *function, const ph_data *data, ph_writer *w)
{
    enum { BATCH = 1024 };
    size_t in, classes;
    ph_data_info info;
    ph_data_describe(data, &info);
    ph_status status = ph_model_port(m, function, &in, &classes);
    ph_real *share = status == PH_OK ? malloc(BATCH * classes * sizeof *share) : NULL;
    for (size_t first = 0; first < info.rows && share && status == PH_OK; first += BATCH) {
        size_t count = info.rows - first < BATCH ? info.rows - first : BATCH;
        status = ph_model_apply_data(m, function, data, first, count, share);
        for (size_t r = 0; r < count && status == PH_OK; r++) {
            const ph_real *own = share + r * classes;
            size_t best = 0;
            for (size_t k = 1; k < classes; k++)
                best = own[k] > own[best] ? k : best;
            status = ph_writer_rows(w, (ph_real[]){ (ph_real)best, own[best] }, 1);
        }
    }
    free(share);
    return status == PH_OK && share == NULL ? PH_MEMORY : status;
}

static int classify(ph_model *m, const ph_data *data, const char *path)
{
    size_t in, out;
    const char *function = ph_model_port(m, "cluster", &in, &out) == PH_OK ? "cluster" : "classify";
    if (ph_model_port(m, function, &in, &out) != PH_OK)
        return cli_usage("--classify: the model knows no classes (train aae --labels N, ae or mae "
                         "--finetune labels, or prior --labels all)");
    ph_writer *w = ph_writer_open(path, &(ph_writer_desc){ .width = 2, .source = data, .column = class_column,
                                                           .text = class_text, .user = m });
    if (w == NULL)
        return cli_fail();
    if (write_classes(m, function, data, w) == PH_OK)
        return ph_writer_close(w) == PH_OK ? CLI_DONE : cli_fail();
    ph_writer_discard(w);
    return cli_fail();
}

/* What the options make of the command: a function of the model. */
static int choose_function(const cli_command *c, const use_options *o, ph_model *m, char function[32])
{
    ph_model_info info;
    ph_model_describe(m, &info);
    if ((o->layer > 0) + o->classify + o->tokens > 1)
        return cli_usage("--layer, --classify and --tokens: one of them");
    if (o->tokens && info.words == 0)
        return cli_usage("--tokens: a model of family %s has no codebook", info.family);
    if (o->tokens && strcmp(c->name, "encode") == 0 && cli_ends(o->output, ".png"))
        return cli_usage("%s: words are numbers and no picture: .npy, .csv, .npz or .safetensors", o->output);
    const char *of_tokens = strcmp(c->name, "encode") == 0 ? "tokens" : "decode-tokens";
    if (o->layer > 0)
        snprintf(function, 32, "layer%lld", (long long)o->layer);
    else
        snprintf(function, 32, "%s", o->tokens ? of_tokens : c->name);
    return CLI_DONE;
}

static int use(const cli_command *c, const cli_arguments *a, const void *options)
{
    const use_options *o = options;
    bool noisy = o->noise && strcmp(o->noise, "none") != 0;
    if (o->mask && (noisy || o->beside))
        return cli_usage("--mask and --%s: one of them", noisy ? "noise" : "beside");
    if (o->beside && noisy)
        return cli_usage("--beside and --noise: models are compared on the rows as they are; leave "
                         "one out");
    if (o->beside)
        return cli_beside(a, o->beside, o->output, (size_t)o->rows);
    char function[32];
    ph_model *m = ph_model_load(a->word[0]);
    int code = m ? choose_function(c, o, m, function) : cli_fail();
    ph_data *data = code == CLI_DONE ? cli_open_for(a, m, function, a->word[1], "test") : NULL;
    if (code == CLI_DONE && data == NULL) {
        code = cli_fail();
    } else if (code == CLI_DONE) {
        ph_model_info info;
        ph_model_describe(m, &info);
        bool back = strcmp(c->name, "reconstruct") == 0;
        if (o->classify)
            code = classify(m, data, o->output);
        else if (o->mask || (back && !noisy && cli_has_gaps(m, data)))
            code = cli_fill_rows(m, data, &(cli_filling){ o->mask, o->output, a->json });
        else if (noisy)
            code = cli_restore_rows(m, data, &(cli_restore){ .noise = o->noise, .path = o->output,
                                                             .seed = o->noise_seed, .json = a->json });
        else if (back && cli_draws_rows(data, o->output))
            code = cli_picture(m, data, o->output);
        else
            code = cli_stream(m, function, data, o->output,
                              strcmp(c->name, "encode") == 0 ? 0 : info.white);
    }
    ph_data_close(data);
    ph_model_free(m);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    use_options o = { 0 };
    return cli_write(c, argc, argv, &o, &o.output, use);
}

const cli_command cli_encode = {
    .name = "encode", .words = "MODEL DATA -o FILE", .help = "rows to codes",
    .options = encode_table, .option_count = sizeof encode_table / sizeof encode_table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
};
const cli_command cli_decode = {
    .name = "decode", .words = "MODEL CODES -o FILE", .help = "codes to rows",
    .options = decode_table, .option_count = sizeof decode_table / sizeof decode_table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
};
const cli_command cli_reconstruct = {
    .name = "reconstruct", .words = "MODEL DATA -o FILE",
    .help = "rows through the model and back; .png: fifty rows, beside what became of them; sounds, bytes, tables "
            "and pictures that were cut into windows come back whole",
    .options = reconstruct_table,
    .option_count = sizeof reconstruct_table / sizeof reconstruct_table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
    .needs = (const char *const[]){ "rows", "--beside", "noise-seed", "--noise", NULL },
};
