/* beside.c - pinhole reconstruct MODEL DATA -o FILE.png --beside OTHER,THIRD: rows of a set, and
 * below them what becomes of them in each model, with the models' errors on the whole set. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_MODELS = 16 };

typedef struct comparison {
    const cli_arguments *a;
    ph_data *data;
    size_t count;
    const char *name[MOST_MODELS];
    ph_model *model[MOST_MODELS];
    ph_model_info info[MOST_MODELS];
} comparison;

static int add_model(comparison *c, const char *path)
{
    if (c->count == MOST_MODELS)
        return cli_usage("beside: more than %d models", MOST_MODELS);
    ph_model *m = ph_model_load(path);
    if (m == NULL)
        return cli_fail();
    ph_model_info *first = &c->info[0], *info = &c->info[c->count];
    c->model[c->count] = m;
    c->name[c->count++] = path;
    ph_model_describe(m, info);
    if (info->rank == first->rank &&
        memcmp(info->shape, first->shape, info->rank * sizeof info->shape[0]) == 0)
        return CLI_DONE;
    char own[96], other[96];
    return cli_usage("%s: takes rows of %s, but %s rows of %s", path,
                     cli_shape(info->rank, info->shape, own), c->name[0],
                     cli_shape(first->rank, first->shape, other));
}

/* The classes that rows are of, in order, to a list of zeros; returns how many there are. */
static size_t list_classes(const uint32_t *labels, size_t rows, size_t classes, uint32_t *present)
{
    size_t count = 0;
    for (size_t row = 0; row < rows; row++)
        if (labels[row] < classes)
            present[labels[row]] = 1;
    for (uint32_t label = 0; label < classes; label++)
        if (present[label])
            present[count++] = label;
    return count;
}

/* `wanted` rows from all over the classes, class by class: the first of each where there are as
 * many. The first rows of a set without labels. Returns how many there are. */
static size_t choose_rows(const ph_data *data, size_t wanted, size_t *index)
{
    ph_data_info info;
    const uint32_t *labels = ph_data_labels(data);
    size_t count = 0, row = 0, last = 0;
    ph_data_describe(data, &info);
    uint32_t *present = labels ? calloc(info.classes + 1, sizeof *present) : NULL;
    size_t classes = present ? list_classes(labels, info.rows, info.classes, present) : 0;
    for (size_t i = 0; classes && i < wanted; i++) {
        size_t label = present[i * classes / wanted];
        row = label == last ? row : 0;
        last = label;
        while (row < info.rows && labels[row] != label)
            row++;
        if (row < info.rows)
            index[count++] = row++;
    }
    free(present);
    if (count > 0)
        return count;
    for (; count < wanted && count < info.rows; count++)
        index[count] = count;
    return count;
}

/* tiles: the originals, then what becomes of them in each model. Rows that are no pictures are
 * lines of cells, which have the models side by side. */
static ph_status draw(const comparison *c, const char *path, const ph_real *tiles, size_t shown)
{
    const ph_model_info *info = &c->info[0];
    size_t height, width, channels, rows = 1 + c->count;
    if (cli_is_picture(info->rank, info->shape, &height, &width, &channels))
        return ph_grid_save(path, &(ph_grid){ .tiles = tiles, .rows = rows, .columns = shown,
                                              .height = height, .width = width,
                                              .channels = channels, .gap = 2,
                                              .white = info->white });
    return cli_cells(path, tiles, info->width, shown, rows);
}

static ph_status make_picture(const comparison *c, const char *path, size_t wanted)
{
    size_t width = c->info[0].width, *index = malloc(wanted * sizeof *index);
    ph_real *tiles = calloc(wanted * (1 + c->count) * width, sizeof *tiles);
    size_t shown = index ? choose_rows(c->data, wanted, index) : 0;
    ph_status status = tiles && index ? ph_data_read(c->data, index, shown, tiles) : PH_MEMORY;
    for (size_t i = 0; i < c->count * shown && status == PH_OK; i++)
        status = ph_model_apply_data(c->model[i / shown], "reconstruct", c->data,
                                     index[i % shown], 1, tiles + (shown + i) * width);
    if (status == PH_OK)
        status = draw(c, path, tiles, shown);
    free(index);
    free(tiles);
    return status;
}

static void tell_originals(const comparison *c, const ph_data_info *info)
{
    if (c->a->json) {
        cli_json_begin();
        cli_json_number("row", 1);
        cli_json_text("set", info->name);
        cli_json_number("rows", (double)info->rows);
        cli_json_end();
    } else {
        printf("row  sse          scaling      code  what\n1    %-31s %s\n", "", info->name);
    }
}

static void tell_model(const comparison *c, size_t i, const ph_figures *f)
{
    const char *scaling = ph_model_option(c->model[i], "scaling");
    double sse = ph_figure_get(f, "sse");
    if (c->a->json) {
        cli_json_begin();
        cli_json_number("row", (double)(i + 2));
        cli_json_text("model", c->name[i]);
        cli_json_text("family", c->info[i].family);
        cli_json_number("latent_dim", (double)c->info[i].latent_dim);
        cli_json_text("scaling", scaling);
        cli_json_number("sse", sse);
        cli_json_number("mse", ph_figure_get(f, "mse"));
        cli_json_end();
    } else {
        printf("%-4zu %-12.7g %-12s %-5zu %s (%s)\n", i + 2, sse, scaling, c->info[i].latent_dim,
               c->name[i], c->info[i].family);
    }
}

/* What each row of the picture is. */
static ph_status tell_all(const comparison *c)
{
    ph_data_info info;
    ph_data_describe(c->data, &info);
    tell_originals(c, &info);
    for (size_t i = 0; i < c->count; i++) {
        ph_figures f;
        ph_status status = ph_model_eval(c->model[i], c->data, &f);
        if (status != PH_OK)
            return status;
        tell_model(c, i, &f);
    }
    if (!c->a->json)
        printf("sse: squared error summed over a row, mean over %zu rows, in the model's input "
               "scale\n", info.rows);
    return PH_OK;
}

int cli_beside(const cli_arguments *a, const char *others, const char *path, size_t rows)
{
    comparison c = { .a = a };
    size_t length = strlen(path);
    if (length < 5 || strcmp(path + length - 4, ".png") != 0)
        return cli_usage("beside: models are compared in a picture; give -o FILE.png");
    char *list = strdup(others), *rest = list, *name;
    int code = list ? add_model(&c, a->word[0]) : cli_fail();
    while (code == CLI_DONE && (name = strtok_r(rest, ",", &rest)))
        code = add_model(&c, name);
    if (code == CLI_DONE) {
        c.data = cli_open_for(a, c.model[0], "reconstruct", a->word[1], "test");
        if (c.data == NULL || make_picture(&c, path, rows) != PH_OK || tell_all(&c) != PH_OK)
            code = cli_fail();
    }
    for (size_t i = 0; i < c.count; i++)
        ph_model_free(c.model[i]);
    ph_data_close(c.data);
    free(list);
    return code;
}
