/* restore.c - pinhole reconstruct --noise: rows through noise and the model. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static ph_status restore(void *noise, const ph_data *data, size_t first, size_t count, ph_real *out)
{
    return ph_noise_rows(noise, data, first, count, NULL, out);
}

/* Clean, corrupted and restored rows side by side. */
static ph_status draw(ph_noise *n, ph_model *m, const ph_data *data, const cli_restore *r)
{
    size_t index[CLI_SHOWN], shown = cli_choose_rows(data, index), height, width, channels;
    ph_data_info info;
    ph_model_info model;
    ph_data_describe(data, &info);
    ph_model_describe(m, &model);
    size_t panel = shown * model.width;
    ph_real *tiles = calloc(3 * panel, sizeof *tiles);
    ph_status status = tiles ? ph_data_read(data, index, shown, tiles) : PH_MEMORY;
    for (size_t i = 0; i < shown && status == PH_OK; i++)
        status = ph_noise_rows(n, data, index[i], 1, tiles + panel + i * model.width,
                               tiles + 2 * panel + i * model.width);
    if (status == PH_OK)
        status = cli_draw_panels(r->path, &model, tiles, 3, shown);
    free(tiles);
    bool pictures = cli_is_picture(model.rank, model.shape, &height, &width, &channels);
    if (status == PH_OK && !r->json && strcmp(r->path, "-") != 0)
        printf("%s: %zu row%s of %s%s: clean on the left, with noise %s in the middle, restored on "
               "the right\n", r->path, shown, shown == 1 ? "" : "s", info.name, pictures ? "" : ", one a line",
               r->noise);
    return status;
}

/* Rows on standard output leave no room for JSON there. */
static void print(const ph_figures *f, const cli_restore *r)
{
    bool streams = strcmp(r->path, "-") == 0;
    for (size_t i = 0; i < f->count && (streams || !r->json); i++)
        fprintf(streams ? stderr : stdout, "%-16s %-12.7g %s\n", f->at[i].name, f->at[i].value,
                f->at[i].unit);
    if (streams || !r->json)
        return;
    cli_json_begin();
    cli_json_object_begin("units");
    for (size_t i = 0; i < f->count; i++)
        cli_json_text(f->at[i].name, f->at[i].unit);
    cli_json_object_end();
    cli_json_text("noise", r->noise);
    cli_json_number("noise_seed", (double)r->seed);
    for (size_t i = 0; i < f->count; i++)
        cli_json_number(f->at[i].name, f->at[i].value);
    cli_json_end();
}

int cli_restore_rows(ph_model *m, const ph_data *data, const cli_restore *r)
{
    ph_figures figures = { 0 };
    bool picture = cli_draws_rows(data, r->path);
    ph_noise *n = ph_noise_new(m, r->noise, (uint64_t)r->seed);
    int code = CLI_DONE;
    if (n == NULL || ph_noise_measure(n, data, &figures) != PH_OK || (picture && draw(n, m, data, r) != PH_OK))
        code = cli_fail();
    else if (!picture)
        code = cli_write_rows(m, data, r->path, restore, n);
    if (code == CLI_DONE)
        print(&figures, r);
    ph_noise_free(n);
    return code;
}
