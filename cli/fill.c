/* fill.c - pinhole reconstruct --mask: rows with holes of one's own, filled; and those of tables with values that are
 * missing. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cli_hide(const ph_model_info *model, const ph_real *rows, const ph_real *seen, size_t count,
              ph_real *out)
{
    size_t height, width, channels;
    bool pictures = cli_is_picture(model->rank, model->shape, &height, &width, &channels);
    ph_real blank = (ph_real)(pictures ? (model->white > 0 ? model->white : 1) / 2 : NAN);
    for (size_t i = 0; i < count * model->width; i++)
        out[i] = seen[i] != 0 ? rows[i] : blank;
}

static ph_status fill(void *holes, const ph_data *data, size_t first, size_t count, ph_real *out)
{
    (void)data;
    return ph_holes_fill(holes, first, count, NULL, out);
}

/* Rows with their holes, filled, and as they are, side by side. */
static ph_status draw(ph_holes *h, ph_model *m, const ph_data *data, const cli_filling *f)
{
    size_t index[CLI_SHOWN], shown = cli_choose_rows(data, index);
    ph_data_info info;
    ph_model_info model;
    ph_data_describe(data, &info);
    ph_model_describe(m, &model);
    size_t width = model.width, panel = shown * width;
    ph_real *tiles = calloc(3 * panel + width, sizeof *tiles), *seen = tiles ? tiles + 3 * panel : NULL;
    ph_status status = tiles ? ph_data_read(data, index, shown, tiles + 2 * panel) : PH_MEMORY;
    for (size_t i = 0; i < shown && status == PH_OK; i++) {
        status = ph_holes_fill(h, index[i], 1, seen, tiles + panel + i * width);
        if (status == PH_OK)
            cli_hide(&model, tiles + 2 * panel + i * width, seen, 1, tiles + i * width);
    }
    if (status == PH_OK)
        status = cli_draw_panels(f->path, &model, tiles, 3, shown);
    free(tiles);
    if (status == PH_OK && !f->json)
        printf("%s: %zu row%s of %s: with holes on the left, filled in the middle, as in the data on the right\n",
               f->path, shown, shown == 1 ? "" : "s", info.name);
    return status;
}

/* Rows on standard output leave no room for figures there. */
static void print(const ph_figures *figures, const cli_filling *f)
{
    FILE *to = strcmp(f->path, "-") == 0 ? stderr : stdout;
    if (to == stdout && f->json)
        cli_json_figures(figures);
    for (size_t i = 0; i < figures->count && (to == stderr || !f->json); i++)
        fprintf(to, "%-16s %-12.7g %s\n", figures->at[i].name, figures->at[i].value,
                figures->at[i].unit);
}

bool cli_has_gaps(const ph_model *m, const ph_data *data)
{
    size_t in, out, missing = 0;
    ph_data_info info;
    ph_data_describe(data, &info);
    bool whole = info.element[0] == 'u' || info.element[0] == 'i'; /* such numbers are always there */
    if (whole || ph_model_port(m, "fill", &in, &out) != PH_OK)
        return false;
    ph_column *column = malloc(info.width * sizeof *column);
    bool known = column && ph_data_survey(data, column) == PH_OK;
    for (size_t c = 0; c < info.width && known; c++)
        missing += column[c].missing;
    free(column);
    return missing > 0;
}

int cli_fill_rows(ph_model *m, const ph_data *data, const cli_filling *f)
{
    ph_figures figures = { 0 };
    bool picture = cli_draws_rows(data, f->path);
    ph_data *mask = f->mask ? ph_holes_open_mask(m, data, f->mask) : NULL;
    ph_holes *h = mask || f->mask == NULL ? ph_holes_new(m, data, mask) : NULL;
    int code = CLI_DONE;
    if (h == NULL || ph_holes_measure(h, &figures) != PH_OK || (picture && draw(h, m, data, f) != PH_OK))
        code = cli_fail();
    else if (!picture)
        code = cli_write_rows(m, data, f->path, fill, h);
    if (code == CLI_DONE)
        print(&figures, f);
    ph_holes_free(h);
    ph_data_close(mask);
    return code;
}
