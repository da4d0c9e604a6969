/* sample.c - pinhole sample MODEL [DATA]: new rows, a lattice of the code's plane, ways between rows.
 */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sample_options {
    const char *output, *from, *grid, *interpolate;
    const char *label;
    int64_t count, seed, components, steps, top;
    double temperature;
    bool nearest, every_label;
} sample_options;

#define AT(field) offsetof(sample_options, field)

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, AT(output), NULL, 0, 0, NULL,
      "file, also -o: .png, .npy, .npz, .csv or .safetensors by its ending" },
    { "count", "n n-samples", PH_OPTION_INT, AT(count), "100", 1, 1e8, NULL, "how many, also -n" },
    { "seed", NULL, PH_OPTION_INT, AT(seed), "0", 0, 9e15, NULL, "of the draws" },
    { "from", NULL, PH_OPTION_CHOICE, AT(from), "auto", 0, 0, "auto prior normal mixture",
      "codes from the model's prior, standard normals, or a Gaussian mixture fitted to codes; auto: the "
      "prior where there is one, else the mixture" },
    { "components", NULL, PH_OPTION_INT, AT(components), "10", 1, 1000, NULL,
      "of the mixture, which is fitted to DATA's training part where the model keeps none or this is "
      "given" },
    { "grid", NULL, PH_OPTION_TEXT, AT(grid), NULL, 0, 0, NULL,
      "A:B, a lattice from A to B each way of a code of two (A:B,C:D: A to B across, C to D down), "
      "instead of draws" },
    { "label", NULL, PH_OPTION_TEXT, AT(label), NULL, 0, 0, NULL,
      "class of all rows, by its name or number, for models that know classes or clusters; -1: any" },
    { "every-label", NULL, PH_OPTION_FLAG, AT(every_label), "0", 0, 0, NULL,
      "each draw with every class, side by side" },
    { "temperature", NULL, PH_OPTION_REAL, AT(temperature), "1", 0, 100, NULL,
      "of a prior over words: below 1 the likely ones are drawn more often than they are likely, above 1 "
      "less; 0: always the likeliest" },
    { "top", "top-k", PH_OPTION_INT, AT(top), "0", 0, 1 << 24, NULL,
      "of a prior over words: each word is one of so many most likely ones; 0: of all" },
    { "steps", NULL, PH_OPTION_INT, AT(steps), "20", 2, 1000, NULL,
      "points of the lattice each way, or of the way between two rows" },
    { "interpolate", NULL, PH_OPTION_TEXT, AT(interpolate), NULL, 0, 0, NULL,
      "I,J: the way between the codes of rows I and J (from 1 on) of DATA, instead of draws" },
    { "nearest", NULL, PH_OPTION_FLAG, AT(nearest), "0", 0, 0, NULL,
      "beside each row the nearest one of DATA's training part" },
};

typedef struct sampling {
    const cli_arguments *a;
    const sample_options *o;
    ph_model *model;
    size_t latent, width;
    uint32_t label;            /* of all rows; PH_NO_LABEL: any */
    ph_data *train;            /* of DATA; NULL where none was given */
} sampling;

/* ---- Codes ----------------------------------------------------------------------------------- */

/* Rows of the lattice go from the highest second number down, as on paper. */
static int lattice(const sampling *s, ph_real **codes, size_t *count)
{
    double left, right, top, bottom;
    int one = 0, two = 0;
    ph_model_info info;
    ph_model_describe(s->model, &info);
    size_t steps = (size_t)s->o->steps, labels = ph_model_label_numbers(s->model);
    size_t style = s->latent - labels;
    int read = sscanf(s->o->grid, "%lf:%lf%n,%lf:%lf%n", &left, &right, &one, &top, &bottom, &two);
    if (read == 2) {
        top = right;
        bottom = left;
    }
    if (!(read == 4 || read == 2) || s->o->grid[read == 4 ? two : one] ||
        (read == 2 && !(left < right)))
        return cli_usage("--grid %s: not A:B with A below B, such as -3:3, nor A:B,C:D", s->o->grid);
    if (info.code_classes)
        return cli_usage("--grid draws a plane of numbers, but the model's code is %zu variables of %zu "
                         "classes", s->latent / info.code_classes, info.code_classes);
    if (style != 2)
        return cli_usage("--grid draws a plane, but the model's code has %zu numbers", style);
    if (labels && s->label == PH_NO_LABEL)
        return cli_usage("--grid: which class? Give --label 0 to %zu", labels - 1);
    *count = steps * steps;
    *codes = calloc(*count * s->latent, sizeof **codes);
    if (*codes == NULL)
        return cli_usage("out of memory");
    for (size_t i = 0; i < *count; i++) {
        ph_real *z = *codes + i * s->latent + labels;
        z[0] = (ph_real)(left + (right - left) * (double)(i % steps) / (double)(steps - 1));
        z[1] = (ph_real)(top + (bottom - top) * (double)(i / steps) / (double)(steps - 1));
    }
    return CLI_DONE;
}

/* Points that were not drawn take the class that was asked for. */
static int give_label(const sampling *s, ph_real *codes, size_t count)
{
    if (s->label == PH_NO_LABEL)
        return CLI_DONE;
    return ph_model_set_label(s->model, s->label, codes, count) == PH_OK ? CLI_DONE : cli_fail();
}

static int way_between(const sampling *s, ph_real **codes, size_t *count)
{
    unsigned long from, to;
    int end = 0;
    ph_data_info info;
    if (s->a->words < 2)
        return cli_usage("--interpolate needs the rows' DATA: pinhole sample MODEL DATA");
    ph_data *data = cli_open_for(s->a, s->model, "encode", s->a->word[1], "test");
    if (data == NULL)
        return cli_fail();
    ph_data_describe(data, &info);
    int code = CLI_DONE;
    if (sscanf(s->o->interpolate, "%lu,%lu%n", &from, &to, &end) != 2 || s->o->interpolate[end] ||
        from < 1 || to < 1 || from > info.rows || to > info.rows)
        code = cli_usage("--interpolate %s: not I,J with rows from 1 to %zu", s->o->interpolate,
                         info.rows);
    *count = (size_t)s->o->steps;
    *codes = malloc((*count + 2) * s->latent * sizeof **codes);
    ph_real *a = *codes, *b = a ? a + *count * s->latent : NULL;
    if (code == CLI_DONE && (a == NULL ||
        ph_model_apply_data(s->model, "encode", data, from - 1, 1, b) != PH_OK ||
        ph_model_apply_data(s->model, "encode", data, to - 1, 1, b + s->latent) != PH_OK))
        code = cli_fail();
    for (size_t i = 0; i < *count && code == CLI_DONE; i++)
        for (size_t c = 0; c < s->latent; c++) {
            double share = (double)i / (double)(*count - 1);
            a[i * s->latent + c] = (ph_real)((1 - share) * (double)b[c] +
                                             share * (double)b[s->latent + c]);
        }
    ph_data_close(data);
    return code;
}

/* Where codes are drawn from; a mixture is fitted first, if need be. */
static int source(const sampling *s, const char **from)
{
    bool prior = ph_model_has_prior(s->model);
    *from = strcmp(s->o->from, "auto") != 0 ? s->o->from : prior ? "prior" : "mixture";
    ph_model_info info;
    ph_model_describe(s->model, &info);
    bool mixture = strcmp(*from, "mixture") == 0, asked = ph_settings_get(s->a->settings, "components");
    bool by_word = s->o->top || ph_settings_get(s->a->settings, "temperature");
    if (mixture && by_word) /* before it is fitted, which may take long */
        return cli_usage("%s: codes are not drawn word by word from a mixture",
                         s->o->top ? "--top" : "--temperature");
    if (mixture && info.words && !asked && strcmp(s->o->from, "auto") == 0)
        return cli_usage("%s: its words have no prior yet: pinhole train prior %s DATA makes one, and that "
                         "model's words are drawn", s->a->word[0], s->a->word[0]);
    if (mixture && asked && s->train == NULL)
        return cli_usage("--components needs DATA to fit a mixture on: pinhole sample MODEL DATA");
    if (mixture && s->train && (asked || ph_model_mixture(s->model) == 0)) {
        if (ph_model_fit_mixture(s->model, s->train, (size_t)s->o->components, (uint64_t)s->o->seed) != PH_OK ||
            ph_model_save(s->model, s->a->word[0], false) != PH_OK)
            return cli_fail();
        fprintf(stderr, "a mixture of %lld is fitted to the codes and kept in %s\n",
                (long long)s->o->components, s->a->word[0]);
    }
    return CLI_DONE;
}

/* `count` draws, all of one class (PH_NO_LABEL: of any). */
static ph_status draw(const sampling *s, const char *from, uint32_t label, size_t count, ph_real *codes)
{
    uint32_t *labels = malloc(count * sizeof *labels);
    ph_draws d = { .from = from, .seed = (uint64_t)s->o->seed, .labels = labels,
                   .top = s->o->temperature == 0 ? 1 : (size_t)s->o->top };
    if (ph_settings_get(s->a->settings, "temperature")) /* which only words have */
        d.temperature = s->o->temperature;
    for (size_t i = 0; labels && i < count; i++)
        labels[i] = label;
    ph_status status = labels ? ph_model_draw_codes(s->model, &d, 0, count, codes) : PH_MEMORY;
    free(labels);
    return status;
}

/* Draws, or each draw with every class, side by side. */
static int draws(const sampling *s, ph_real **codes, size_t *count)
{
    const char *from;
    size_t labels = ph_model_labels(s->model), each = (size_t)s->o->count, width = s->latent;
    size_t classes = s->o->every_label ? labels : 1;
    int code = source(s, &from);
    if (code == CLI_DONE && classes == 0)
        return cli_usage("--every-label: codes of this model have no class");
    *count = each * classes;
    ph_real *one = malloc(each * width * sizeof *one);
    *codes = malloc(*count * width * sizeof **codes);
    if (code == CLI_DONE && (*codes == NULL || one == NULL))
        code = cli_usage("out of memory");
    for (size_t c = 0; c < classes && code == CLI_DONE; c++) {
        uint32_t label = s->o->every_label ? (uint32_t)c : s->label;
        code = draw(s, from, label, each, one) == PH_OK ? CLI_DONE : cli_fail();
        for (size_t i = 0; i < each && code == CLI_DONE; i++)
            memcpy(*codes + (i * classes + c) * width, one + i * width, width * sizeof *one);
    }
    free(one);
    return code;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Puts the nearest training row behind each row. */
static ph_status add_nearest(const sampling *s, ph_real **rows, size_t count)
{
    ph_data_info info;
    ph_data_describe(s->train, &info);
    ph_real *both = malloc(2 * count * s->width * sizeof *both);
    ph_real *row = malloc(s->width * sizeof *row);
    double *best = malloc(count * sizeof *best);
    ph_status status = both && row && best ? PH_OK : PH_MEMORY;
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        memcpy(both + 2 * i * s->width, *rows + i * s->width, s->width * sizeof *both);
        best[i] = INFINITY;
    }
    for (size_t r = 0; r < info.rows && status == PH_OK; r++) {
        status = ph_data_read(s->train, &r, 1, row);
        for (size_t i = 0; i < count && status == PH_OK; i++) {
            const ph_real *own = *rows + i * s->width;
            double sum = 0;
            for (size_t c = 0; c < s->width && sum < best[i]; c++)
                sum += ((double)own[c] - (double)row[c]) * ((double)own[c] - (double)row[c]);
            if (sum < best[i]) {
                best[i] = sum;
                memcpy(both + (2 * i + 1) * s->width, row, s->width * sizeof *row);
            }
        }
    }
    free(row);
    free(best);
    free(*rows);
    *rows = both;
    return status;
}

static int write(const sampling *s, const ph_real *rows, size_t count)
{
    ph_model_info info;
    ph_model_describe(s->model, &info);
    ph_writer_desc desc = { .width = s->width, .rank = info.rank, .white = info.white };
    memcpy(desc.shape, info.shape, sizeof desc.shape);
    if (ph_model_column(s->model, 0)) {
        desc.column = cli_row_name;
        desc.user = s->model;
    }
    if (s->o->grid)
        desc.columns = (size_t)s->o->steps;
    if (s->o->interpolate)
        desc.columns = count;
    if (s->o->every_label)
        desc.columns = ph_model_labels(s->model);
    if (s->o->nearest) /* pairs stay together */
        desc.columns = 2 * (size_t)ceil(sqrt((double)count / 4));
    ph_writer *w = ph_writer_open(s->o->output, &desc);
    if (w == NULL)
        return cli_fail();
    if (ph_writer_rows(w, rows, count) == PH_OK)
        return ph_writer_close(w) == PH_OK ? CLI_DONE : cli_fail();
    ph_writer_discard(w);
    return cli_fail();
}

/* The class that was asked for. A number that is none is left to those who know how many there are. */
static int find_label(sampling *s)
{
    const char *label = s->o->label ? s->o->label : "-1", *first = ph_model_class(s->model, 0);
    size_t count = ph_model_labels(s->model);
    char *end;
    unsigned long number = strtoul(label, &end, 10);
    s->label = s->o->label ? ph_model_find_class(s->model, label) : PH_NO_LABEL;
    if (s->label != PH_NO_LABEL || strcmp(label, "-1") == 0)
        return CLI_DONE;
    if (*label >= '0' && *label <= '9' && *end == '\0' && number < PH_NO_LABEL) {
        s->label = (uint32_t)number;
        return CLI_DONE;
    }
    if (count == 0)
        return cli_usage("--label %s: codes of this model have no class", cli_shown(label));
    if (first == NULL)
        return cli_usage("--label %s: the model has classes 0 to %zu", cli_shown(label), count - 1);
    return cli_usage("--label %s: the model has classes %s to %s", cli_shown(label), cli_shown(first),
                     cli_shown(ph_model_class(s->model, count - 1)));
}

static int sample(sampling *s)
{
    ph_real *codes = NULL, *rows = NULL;
    size_t count = 0;
    const sample_options *o = s->o;
    if (ph_model_port(s->model, "decode", &s->latent, &s->width) != PH_OK)
        return cli_fail();
    if (find_label(s) != CLI_DONE)
        return CLI_USAGE;
    if (s->a->words > 1) {
        s->train = cli_open_for(s->a, s->model, "encode", s->a->word[1], "train");
        if (s->train == NULL)
            return cli_fail();
    } else if (o->nearest) {
        return cli_usage("--nearest needs DATA: pinhole sample MODEL DATA --nearest");
    }
    int code = o->grid ? lattice(s, &codes, &count)
               : o->interpolate ? way_between(s, &codes, &count)
                                : draws(s, &codes, &count);
    if (code == CLI_DONE && (o->grid || o->interpolate))
        code = give_label(s, codes, count);
    if (code == CLI_DONE) {
        rows = malloc(count * s->width * sizeof *rows);
        if (rows == NULL || ph_model_apply(s->model, "decode", codes, count, rows) != PH_OK ||
            (o->nearest && add_nearest(s, &rows, count) != PH_OK))
            code = cli_fail();
    }
    if (code == CLI_DONE)
        code = write(s, rows, o->nearest ? 2 * count : count);
    free(codes);
    free(rows);
    ph_data_close(s->train);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    sample_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help && o.output == NULL)
        code = cli_usage("where to? Give -o FILE (a picture ends in .png)");
    if (code == CLI_DONE && !a.help && o.grid && o.interpolate)
        code = cli_usage("a lattice or a way between rows: one of --grid and --interpolate");
    if (code == CLI_DONE && !a.help && o.every_label &&
        (o.grid || o.interpolate || (o.label && strcmp(o.label, "-1") != 0) || o.nearest))
        code = cli_usage("--every-label goes with draws: without --grid, --interpolate, --label, "
                         "--nearest");
    if (code == CLI_DONE && !a.help) {
        sampling s = { .a = &a, .o = &o, .model = ph_model_load(a.word[0]) };
        code = s.model ? sample(&s) : cli_fail();
        ph_model_free(s.model);
    }
    cli_free(&a);
    return code;
}

const cli_command cli_sample = {
    .name = "sample", .words = "MODEL [DATA] -o FILE",
    .help = "new rows, a lattice of codes, ways between rows",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 1, .most_words = 2, .reads = true, .run = run,
    .needs = (const char *const[]){ "steps", "--grid or --interpolate", NULL },
};
