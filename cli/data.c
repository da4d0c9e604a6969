/* data.c - pinhole data DATA: what a set is, and a picture of it. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

typedef struct data_options {
    const char *output;
} data_options;

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, offsetof(data_options, output), NULL, 0, 0, NULL,
      "picture (.png), also -o: ten rows of each class, one class in each line" },
};

enum { ACROSS = 10 };

static size_t *count_classes(const ph_data *d, const ph_data_info *info)
{
    const uint32_t *labels = ph_data_labels(d);
    size_t *count = calloc(info->classes + 1, sizeof *count);
    for (size_t i = 0; count && labels && i < info->rows; i++)
        count[labels[i]]++;
    return count;
}

/* The first ten rows of each class, class by class; without classes the first hundred rows. */
static size_t choose(const ph_data *d, const ph_data_info *info, size_t *index, size_t lines)
{
    const uint32_t *labels = ph_data_labels(d);
    size_t found = 0, *taken = calloc(lines + 1, sizeof *taken);
    for (size_t i = 0; i < lines * ACROSS; i++)
        index[i] = SIZE_MAX;
    for (size_t r = 0; taken && r < info->rows && found < lines * ACROSS; r++) {
        size_t line = labels ? labels[r] : found / ACROSS;
        if (line < lines && taken[line] < ACROSS) {
            index[line * ACROSS + taken[line]++] = r;
            found++;
        }
    }
    free(taken);
    return found;
}

static ph_status draw(const ph_data *d, const ph_data_info *info, double low, double high,
                      const char *path)
{
    size_t height, width, channels, lines = info->classes ? info->classes : ACROSS;
    if (lines > 100)
        lines = 100;
    if (!cli_is_picture(info->rank, info->shape, &height, &width, &channels)) {
        height = channels = 1;
        width = info->width;
    }
    size_t *index = malloc(lines * ACROSS * sizeof *index);
    ph_real *tiles = calloc(lines * ACROSS * info->width, sizeof *tiles);
    ph_status status = index && tiles ? PH_OK : PH_MEMORY;
    if (status == PH_OK)
        choose(d, info, index, lines);
    for (size_t i = 0; i < lines * ACROSS && status == PH_OK; i++) {
        ph_real *tile = tiles + i * info->width;
        if (index[i] == SIZE_MAX)
            continue;
        status = ph_data_read(d, &index[i], 1, tile);
        for (size_t c = 0; c < info->width && low < 0; c++)
            tile[c] = (ph_real)((double)tile[c] - low);
    }
    if (status == PH_OK)
        status = ph_grid_save(path, &(ph_grid){
            .tiles = tiles, .rows = lines, .columns = ACROSS, .height = height, .width = width,
            .channels = channels, .white = high - (low < 0 ? low : 0) });
    free(index);
    free(tiles);
    return status;
}

static void shape_text(const ph_data_info *info, char text[64])
{
    size_t used = 0;
    for (size_t i = 0; i < info->rank; i++)
        used += (size_t)snprintf(text + used, 64 - used, "%s%zu", i ? "x" : "", info->shape[i]);
}

/* NaN values, row by row. */
static ph_status count_missing(const ph_data *d, const ph_data_info *info, size_t *missing)
{
    ph_real *row = malloc(info->width * sizeof *row);
    ph_status status = row ? PH_OK : PH_MEMORY;
    *missing = 0;
    for (size_t r = 0; r < info->rows && status == PH_OK; r++) {
        status = ph_data_read(d, &r, 1, row);
        for (size_t c = 0; c < info->width && status == PH_OK; c++)
            *missing += row[c] != row[c];
    }
    free(row);
    return status;
}

static void print(const ph_data *d, const ph_data_info *info, double low, double high,
                  size_t missing, bool json)
{
    char shape[64];
    shape_text(info, shape);
    size_t *count = count_classes(d, info);
    if (json) {
        cli_json_begin();
        cli_json_number("rows", (double)info->rows);
        cli_json_text("shape", shape);
        cli_json_text("type", info->element);
        cli_json_text("format", info->format);
        cli_json_number("min", low);
        cli_json_number("max", high);
        cli_json_number("classes", (double)info->classes);
        cli_json_number("missing", (double)missing);
        cli_json_end();
    } else {
        printf("%s: %zu rows of %s, %s numbers (%s), from %g to %g\n", info->name, info->rows,
               shape, info->element, info->format, low, high);
        if (missing)
            printf("%zu values are missing (NaN)\n", missing);
        if (info->classes)
            printf("%zu classes:", info->classes);
        for (size_t i = 0; count && i < info->classes; i++)
            printf(" %zu (%zu)", i, count[i]);
        if (info->classes)
            putchar('\n');
        if (info->has_test)
            puts("has a training and a test part: :train, :test, :all");
    }
    free(count);
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    data_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help) {
        double low, high;
        size_t missing;
        ph_data_info info;
        ph_data *data = cli_open(&a, a.word[0], "test");
        if (data)
            ph_data_describe(data, &info);
        size_t length = o.output ? strlen(o.output) : 0;
        if (data && o.output && (length < 4 || strcmp(o.output + length - 4, ".png") != 0))
            code = cli_usage("%s: the picture's name should end in .png", o.output);
        else if (data == NULL || ph_data_range(data, &low, &high) != PH_OK ||
                 count_missing(data, &info, &missing) != PH_OK ||
                 (o.output && draw(data, &info, low, high, o.output) != PH_OK))
            code = cli_fail();
        else
            print(data, &info, low, high, missing, a.json);
        ph_data_close(data);
    }
    cli_free(&a);
    return code;
}

const cli_command cli_data = {
    .name = "data", .words = "DATA", .help = "what a set of data is",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 1, .most_words = 1, .reads = true, .run = run,
};
