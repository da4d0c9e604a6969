/* common.c - what the commands share. */
#include "cli.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Arguments ------------------------------------------------------------------------------- */

typedef struct shared_options {
    int64_t threads;
    bool no_pin, json;
} shared_options;

static const ph_option shared_table[] = {
    { "threads", NULL, PH_OPTION_INT, offsetof(shared_options, threads), "0", 0, 64, NULL,
      "threads to work with; 0: one for each CPU" },
    { "no-pin", NULL, PH_OPTION_FLAG, offsetof(shared_options, no_pin), "0", 0, 0, NULL,
      "do not pin threads to CPUs" },
    { "json", NULL, PH_OPTION_FLAG, offsetof(shared_options, json), "0", 0, 0, NULL,
      "results as JSON, one object a line, the last one with the final figures" },
};
enum { SHARED = sizeof shared_table / sizeof shared_table[0], MOST_TABLES = 40 };

/* All tables whose options the command takes. family NULL: those of every family. */
static size_t tables_of(const cli_command *c, const char *family, const ph_option **tables,
                        size_t *counts)
{
    size_t n = 0;
    tables[n] = c->options;
    counts[n++] = c->option_count;
    tables[n] = shared_table;
    counts[n++] = SHARED;
    if (c->reads) {
        tables[n] = ph_data_options(&counts[n]);
        n++;
    }
    if (!c->trains)
        return n;
    tables[n] = ph_training_options(&counts[n]);
    n++;
    for (size_t i = 0; ph_family_at(i) && n < MOST_TABLES; i++)
        if (family == NULL || strcmp(ph_family_at(i)->name, family) == 0) {
            tables[n] = ph_family_at(i)->options;
            counts[n++] = ph_family_at(i)->option_count;
        }
    return n;
}

static void print_table(const char *title, const ph_option *table, size_t count)
{
    printf("\n%s\n", title);
    for (size_t i = 0; i < count; i++) {
        static const char *const kinds[] = { "", " N", " X", " BYTES", " TEXT", " NAME" };
        char name[64];
        snprintf(name, sizeof name, "--%s%s", table[i].name, kinds[table[i].type]);
        printf("  %-26s %s", name, table[i].help);
        if (table[i].choices)
            printf(" (%s)", table[i].choices);
        if (table[i].value && *table[i].value && table[i].type != PH_OPTION_FLAG)
            printf(" [%s]", table[i].value);
        putchar('\n');
    }
}

static void print_help(const cli_command *c)
{
    printf("usage: pinhole %s %s [options]\n\n%s\n", c->name, c->words, c->help);
    if (c->option_count)
        print_table("options", c->options, c->option_count);
    print_table("options of every command", shared_table, SHARED);
    size_t count;
    const ph_option *table = ph_data_options(&count);
    if (c->reads)
        print_table("data", table, count);
    if (!c->trains)
        return;
    table = ph_training_options(&count);
    print_table("training", table, count);
    const char *layer, *help;
    puts("\nlayers of --hidden, --decoder-hidden");
    for (size_t i = 0; (layer = ph_layer_at(i, &help)); i++)
        printf("  %-26s %s\n", layer, help);
    for (size_t i = 0; ph_family_at(i); i++) {
        char title[128];
        const ph_family *f = ph_family_at(i);
        snprintf(title, sizeof title, "family %s: %s", f->name, f->help);
        print_table(title, f->options, f->option_count);
    }
}

int cli_usage(const char *format, ...)
{
    va_list args;
    fputs("pinhole: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return CLI_USAGE;
}

int cli_fail(void)
{
    /* The library always says what failed; without a message it was an allocation of ours. */
    const char *message = ph_message();
    fprintf(stderr, "pinhole: %s\n", *message ? message : "out of memory");
    return ph_last_status() == PH_USAGE ? CLI_USAGE : CLI_FAILED;
}

/* Stores --name value, --name=value or --flag; *i moves over a value that stands apart. */
static int read_option(const cli_command *c, int argc, char **argv, int *i, cli_arguments *a)
{
    const ph_option *tables[MOST_TABLES], *found = NULL;
    size_t counts[MOST_TABLES], n = tables_of(c, NULL, tables, counts);
    const char *text = argv[*i] + 2, *equals = strchr(text, '='), *value = NULL;
    char name[128];
    int length = (int)(equals ? (size_t)(equals - text) : strlen(text));
    snprintf(name, sizeof name, "%.*s", length, text);
    for (size_t t = 0; t < n && !found; t++)
        found = ph_option_find(tables[t], counts[t], name);
    if (found == NULL) {
        ph_settings *one = ph_settings_new();
        if (one && ph_settings_set(one, name, "") == PH_OK)
            ph_options_check(one, tables, counts, n);
        ph_settings_free(one);
        return cli_usage("%s (pinhole %s --help lists them)", ph_message(), c->name);
    }
    if (equals)
        value = equals + 1;
    else if (found->type == PH_OPTION_FLAG)
        value = "1";
    else if (*i + 1 < argc)
        value = argv[++*i];
    else
        return cli_usage("--%s needs a value", name);
    return ph_settings_set(a->settings, found->name, value) == PH_OK ? CLI_DONE : cli_fail();
}

/* The two options that have a letter, where the command has them. */
static const char *long_name(const cli_command *c, const char *word)
{
    const char *name = strcmp(word, "-o") == 0 ? "output" : strcmp(word, "-n") == 0 ? "count" : NULL;
    return name && ph_option_find(c->options, c->option_count, name) ? name : NULL;
}

int cli_read(const cli_command *c, int argc, char **argv, cli_arguments *a)
{
    *a = (cli_arguments){ .settings = ph_settings_new() };
    if (a->settings == NULL)
        return cli_fail();
    bool options = true;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        int status = CLI_DONE;
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            a->help = true;
            print_help(c);
            return CLI_DONE;
        } else if (options && long_name(c, word)) {
            if (i + 1 == argc)
                status = cli_usage("%s needs a value", word);
            else if (ph_settings_set(a->settings, long_name(c, word), argv[++i]) != PH_OK)
                status = cli_fail();
        } else if (options && strncmp(word, "--", 2) == 0) {
            status = read_option(c, argc, argv, &i, a);
        } else if (options && word[0] == '-' && word[1]) {
            status = cli_usage("unknown option '%s' (pinhole %s --help lists them)", word, c->name);
        } else if (a->words == c->most_words) {
            status = cli_usage("'%s' is one word too many: pinhole %s %s", word, c->name, c->words);
        } else {
            a->word[a->words++] = word;
        }
        if (status != CLI_DONE)
            return status;
    }
    if (a->words < c->least_words)
        return cli_usage("missing words: pinhole %s %s", c->name, c->words);
    shared_options shared;
    if (ph_options_read(shared_table, SHARED, a->settings, &shared) != PH_OK)
        return cli_fail();
    a->json = shared.json;
    return ph_set_threads((int)shared.threads, !shared.no_pin) == PH_OK ? CLI_DONE : cli_fail();
}

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && S_ISREG(one.st_mode) &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool cli_ends(const char *name, const char *ending)
{
    size_t length = strlen(name), size = strlen(ending);
    return length >= size && strcmp(name + length - size, ending) == 0;
}

/* Whether a folder that files are written to is one that is read, or lies in it. */
static bool within(const char *folder, const char *spec)
{
    char from[4096], read[PATH_MAX], written[PATH_MAX];
    const char *part = cli_part(spec);
    snprintf(from, sizeof from, "%.*s", (int)(strlen(spec) - (part ? strlen(part) + 1 : 0)), spec);
    if (!cli_ends(folder, "/") || !realpath(from, read) || !realpath(folder, written))
        return false;
    size_t length = strlen(read);
    return strncmp(read, written, length) == 0 && (written[length] == '\0' || written[length] == '/');
}

/* Whether one of the files of a comma-separated list is that file. */
static bool same_in_list(const char *list, const char *file)
{
    char name[4096];
    for (; list && *list; list += strcspn(list, ","), list += *list == ',') {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(list, ","), list);
        if (same_file(name, file))
            return true;
    }
    return false;
}

/* A file that is read must not be lost to what is made of it. */
static int spare_inputs(const cli_arguments *a)
{
    static const char *const outputs[] = { "output", "log", "filters" };
    const char *data = ph_settings_get(a->settings, "data");
    const char *beside = ph_settings_get(a->settings, "beside");
    for (size_t o = 0; o < sizeof outputs / sizeof outputs[0]; o++) {
        const char *output = ph_settings_get(a->settings, outputs[o]);
        bool lost = output && ((data && same_file(output, data)) || same_in_list(beside, output));
        for (size_t i = 0; output && i < a->words && !lost; i++)
            lost = same_file(output, a->word[i]);
        for (size_t i = 0; output && i < a->words; i++)
            if (within(output, a->word[i]))
                return cli_usage("--%s %s: what is read lies there; choose another folder", outputs[o], output);
        if (lost)
            return cli_usage("--%s %s: that file is read; choose another name", outputs[o], output);
    }
    return CLI_DONE;
}

/* An option without what it is of would be taken and do nothing. */
static int check_needs(const cli_command *c, const cli_arguments *a)
{
    for (const char *const *need = c->needs; need && *need; need += 2) {
        bool met = ph_settings_get(a->settings, need[0]) == NULL;
        char others[64], *rest = others, *other;
        snprintf(others, sizeof others, "%s", need[1]);
        while (!met && (other = strtok_r(rest, " ", &rest)))
            met = strncmp(other, "--", 2) == 0 && ph_settings_get(a->settings, other + 2) != NULL;
        if (!met)
            return cli_usage("--%s does nothing without %s", need[0], need[1]);
    }
    return CLI_DONE;
}

int cli_options(const cli_command *c, const cli_arguments *a, void *target)
{
    if (ph_options_read(c->options, c->option_count, a->settings, target) != PH_OK)
        return cli_fail();
    int code = check_needs(c, a);
    return code == CLI_DONE ? spare_inputs(a) : code;
}

void cli_free(cli_arguments *a)
{
    ph_settings_free(a->settings);
}

int cli_write(const cli_command *c, int argc, char **argv, void *options, const char *const *output,
              int (*work)(const cli_command *, const cli_arguments *, const void *options))
{
    cli_arguments a;
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, options);
    if (code == CLI_DONE && !a.help && *output == NULL)
        code = cli_usage("where to? Give -o FILE, or -o - for standard output");
    if (code == CLI_DONE && !a.help)
        code = work(c, &a, options);
    cli_free(&a);
    return code;
}

/* Options that only some kinds of sets have a use for. */
static ph_data *tell_unused(const cli_arguments *a, ph_data *data)
{
    static const struct { const char *formats, *words, *options; } uses[] = {
        { "CSV", "tables as text",
          " label-column id-column columns drop-columns separator decimal header " },
        { "NPZ safetensors", ".npz and .safetensors files", " array label-array " },
        { "pictures", "folders of pictures", " size fit channels " },
        { "pictures WAV bytes CSV NPY", "sounds and pictures, tables, .npy and --format bytes", " window hop " },
        { "built-in", "built-in sets", " data-seed " },
    };
    ph_data_info info;
    size_t count;
    const ph_option *table = ph_data_options(&count);
    if (data)
        ph_data_describe(data, &info);
    for (size_t i = 0; data && i < ph_settings_count(a->settings); i++) {
        const ph_option *o = ph_option_find(table, count, ph_settings_name(a->settings, i));
        char name[64];
        snprintf(name, sizeof name, " %s ", o ? o->name : "");
        for (size_t u = 0; o && u < sizeof uses / sizeof uses[0]; u++)
            if (strstr(uses[u].options, name) && strstr(uses[u].formats, info.format) == NULL)
                fprintf(stderr, "pinhole: %s (%s): --%s does nothing here, it is for %s\n", info.name,
                        info.format, o->name, uses[u].words);
    }
    return data;
}

/* What was not read is said, so that nobody takes it for read. */
static ph_data *tell_left_out(ph_data *data)
{
    ph_data_info info;
    if (data == NULL)
        return NULL;
    ph_data_describe(data, &info);
    if (info.left_out)
        fprintf(stderr, "pinhole: %s: columns left out, as they hold no numbers: %s\n", info.name,
                cli_shown(info.left_out));
    return data;
}

static bool read_desc(const cli_arguments *a, const char *part, ph_data_desc *desc)
{
    size_t count;
    const ph_option *table = ph_data_options(&count);
    *desc = (ph_data_desc){ 0 };
    ph_status status = ph_options_read(table, count, a->settings, desc);
    desc->part = part;
    return status == PH_OK;
}

const char *cli_part(const char *spec)
{
    const char *colon = strrchr(spec, ':');
    bool part = colon && (strcmp(colon, ":train") == 0 || strcmp(colon, ":test") == 0 ||
                          strcmp(colon, ":all") == 0);
    return part ? colon + 1 : NULL;
}

ph_data *cli_open_quietly(const cli_arguments *a, const char *spec, const char *part)
{
    ph_data_desc desc;
    return read_desc(a, part, &desc) ? tell_unused(a, ph_data_open(spec, &desc)) : NULL;
}

ph_data *cli_open(const cli_arguments *a, const char *spec, const char *part)
{
    return tell_left_out(cli_open_quietly(a, spec, part));
}

ph_data *cli_open_for(const cli_arguments *a, const ph_model *m, const char *function,
                      const char *spec, const char *part)
{
    ph_data_desc desc;
    if (!read_desc(a, part, &desc))
        return NULL;
    return tell_left_out(tell_unused(a, ph_model_open_data(m, function, spec, &desc)));
}

const char *cli_shown(const char *text)
{
    enum { TEXTS = 4 };
    static char shown[TEXTS][1024];
    static int next;
    char *to = shown[next++ % TEXTS];
    snprintf(to, sizeof shown[0], "%s", text);
    for (char *c = to; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    return to;
}

const char *cli_shape(size_t rank, const size_t *shape, char text[96])
{
    size_t used = 0;
    for (size_t i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, 96 - used, "%s%zu", i ? "x" : "", shape[i]);
    return text;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void cli_sort_numbers(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
}

/* ---- Pictures and streams -------------------------------------------------------------------- */

bool cli_is_picture(size_t rank, const size_t *shape, size_t *height, size_t *width,
                    size_t *channels)
{
    *channels = rank == 3 ? shape[2] : 1;
    *height = shape[0];
    *width = rank > 1 ? shape[1] : 1;
    bool lines = (rank == 2 || rank == 3) && *height > 1; /* one alone is a series */
    return lines && (*channels == 1 || *channels == 3);
}

size_t cli_choose_rows(const ph_data *data, size_t index[CLI_SHOWN])
{
    ph_data_info info;
    ph_data_describe(data, &info);
    const uint32_t *labels = ph_data_labels(data);
    size_t sorted = 1, rows = info.rows, shown = rows < CLI_SHOWN ? rows : CLI_SHOWN;
    while (labels && sorted < rows && labels[sorted] >= labels[sorted - 1])
        sorted++;
    for (size_t i = 0; i < shown; i++)
        index[i] = labels && sorted == rows ? i * rows / shown : i;
    return shown;
}

ph_status cli_cells(const char *path, const ph_real *rows, size_t width, size_t shown, size_t sets)
{
    ph_writer *w = ph_writer_open(path, &(ph_writer_desc){ .width = width, .columns = sets });
    ph_status status = w ? PH_OK : ph_last_status();
    for (size_t i = 0; i < sets * shown && status == PH_OK; i++)
        status = ph_writer_rows(w, rows + (i / sets + i % sets * shown) * width, 1);
    if (status == PH_OK)
        return ph_writer_close(w);
    if (w)
        ph_writer_discard(w);
    return status;
}

/* A picture with each pixel as a square of `times` by `times`, which makes it as large as `tile` says. */
static void magnify(const ph_real *row, const ph_grid *tile, size_t times, ph_real *out)
{
    size_t channels = tile->channels, line = tile->width / times * channels;
    for (size_t y = 0; y < tile->height; y++)
        for (size_t x = 0; x < tile->width * channels; x++)
            *out++ = row[y / times * line + x / channels / times * channels + x % channels];
}

/* Blocks of twice as many lines as columns, so that two of them are a square; few and small pictures are magnified. */
static ph_status draw_blocks(const char *path, ph_grid grid, const ph_real *rows, size_t panels, size_t shown)
{
    enum { SIDE = 280 };
    size_t width = grid.height * grid.width * grid.channels, columns = (size_t)(sqrt((double)shown / 2) + 0.5);
    grid.panel = columns ? columns : 1;
    grid.columns = panels * grid.panel;
    grid.rows = (shown + grid.panel - 1) / grid.panel;
    size_t high = grid.rows * grid.height, wide = grid.panel * grid.width, side = high > wide ? high : wide;
    size_t times = side < SIDE ? SIDE / side : 1, size = width * times * times;
    ph_real *tiles = calloc(grid.rows * grid.columns * size, sizeof *tiles);
    if (tiles == NULL)
        return PH_MEMORY;
    grid.tiles = tiles;
    grid.height *= times;
    grid.width *= times;
    for (size_t i = 0; i < panels * shown; i++)
        magnify(rows + i * width, &grid, times, tiles + (i / shown * grid.rows * grid.panel + i % shown) * size);
    ph_status status = ph_grid_save(path, &grid);
    free(tiles);
    return status;
}

ph_status cli_draw_panels(const char *path, const ph_model_info *model, const ph_real *rows,
                          size_t panels, size_t shown)
{
    ph_grid grid = { .by_column = true, .white = model->white };
    if (cli_is_picture(model->rank, model->shape, &grid.height, &grid.width, &grid.channels))
        return draw_blocks(path, grid, rows, panels, shown);
    return cli_cells(path, rows, model->width, shown, panels);
}

int cli_picture(ph_model *m, const ph_data *data, const char *path)
{
    ph_model_info model;
    ph_data_info info;
    size_t index[CLI_SHOWN];
    ph_model_describe(m, &model);
    ph_data_describe(data, &info);
    if (info.width != model.width)
        return cli_usage("%s: rows of %zu numbers, but the model takes %zu", info.name, info.width,
                         model.width);
    size_t shown = cli_choose_rows(data, index), panel = shown * model.width, in, out;
    ph_real *tiles = calloc(3 * panel, sizeof *tiles), *back = tiles ? tiles + panel : NULL;
    bool hides = ph_model_port(m, "seen", &in, &out) == PH_OK;
    ph_real *rows = hides && tiles ? tiles + 2 * panel : tiles;
    ph_status status = tiles ? ph_data_read(data, index, shown, rows) : PH_MEMORY;
    if (status == PH_OK && hides)
        status = ph_model_apply(m, "seen", rows, shown, tiles);
    if (status == PH_OK && hides)
        cli_hide(&model, rows, tiles, shown, tiles);
    if (status == PH_OK)
        status = ph_model_apply(m, "reconstruct", rows, shown, back);
    if (status == PH_OK)
        status = cli_draw_panels(path, &model, tiles, hides ? 3 : 2, shown);
    free(tiles);
    return status == PH_OK ? CLI_DONE : cli_fail();
}
