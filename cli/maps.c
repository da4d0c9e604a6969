/* maps.c - pinhole score --maps FOLDER: a picture of each row beside its reconstruction and the heat of
 * its errors, all on one scale. */
#define _GNU_SOURCE
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the folder, unless it would lie among the pictures that are read: it would be a class of them
 * when they are read again. */
static int make_folder(const cli_arguments *a, const char *folder)
{
    char data[PATH_MAX], spec[PATH_MAX], own[PATH_MAX];
    const char *part = cli_part(a->word[1]);
    size_t length = strlen(a->word[1]) - (part ? strlen(part) + 1 : 0);
    bool made = mkdir(folder, 0777) == 0;
    struct stat info;
    if (!made && errno != EEXIST)
        return cli_usage("%s: cannot make the folder: %s", folder, strerror(errno));
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
        return cli_usage("%s: it is no folder", folder);
    snprintf(spec, sizeof spec, "%.*s", (int)length, a->word[1]);
    if (realpath(spec, data) == NULL || realpath(folder, own) == NULL)
        return CLI_DONE; /* data that have a name or come through a pipe */
    length = strlen(data);
    if (strncmp(own, data, length) != 0 || (own[length] != '/' && own[length] != '\0'))
        return CLI_DONE;
    if (made)
        rmdir(folder);
    return cli_usage("%s: that folder is in %s, which is read; choose another", folder, spec);
}

/* FOLDER/ROW-ID.png: rows in their order, and each with a name of its own. What could lead elsewhere or
 * trouble a shell is "_". */
static void name_of(const char *folder, const ph_data *data, const ph_data_info *info, size_t row,
                    char path[PATH_MAX])
{
    enum { MOST = 180 };
    char id[MOST + 1] = "";
    int digits = snprintf(NULL, 0, "%zu", info->rows);
    const char *text = ph_data_id(data, row);
    snprintf(id, sizeof id, "%s", text ? text : "");
    char *dot = strrchr(id, '.');
    if (dot && strcmp(info->format, "pictures") == 0)
        *dot = '\0';
    for (char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL && (unsigned char)*c < 0x80)
            *c = '_';
    snprintf(path, PATH_MAX, "%s/%0*zu%s%s.png", folder, digits, row + 1, *id ? "-" : "", id);
}

/* The largest error of a pixel in these rows. */
static ph_status find_most(ph_model *m, const ph_data *data, const size_t *row, size_t count, ph_real *map,
                           size_t size, double *most)
{
    *most = 0;
    for (size_t i = 0; i < count; i++) {
        ph_status status = ph_model_error_maps(m, data, row[i], 1, map);
        if (status != PH_OK)
            return status;
        for (size_t p = 0; p < size; p++)
            *most = (double)map[p] > *most ? (double)map[p] : *most;
    }
    return PH_OK;
}

static ph_status draw_all(ph_model *m, const ph_data *data, const size_t *row, size_t count,
                          const char *folder, ph_heat *heat, ph_real *numbers)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    ph_real *original = numbers, *back = numbers + info.width, *map = numbers + 2 * info.width;
    heat->original = original;
    heat->back = back;
    heat->error = map;
    ph_status status = find_most(m, data, row, count, map, heat->height * heat->width, &heat->most);
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        char path[PATH_MAX];
        name_of(folder, data, &info, row[i], path);
        status = ph_data_read(data, &row[i], 1, original);
        if (status == PH_OK)
            status = ph_model_apply_data(m, "reconstruct", data, row[i], 1, back);
        if (status == PH_OK)
            status = ph_model_error_maps(m, data, row[i], 1, map);
        if (status == PH_OK)
            status = ph_heat_save(path, heat);
    }
    return status;
}

int cli_draw_maps(const cli_arguments *a, ph_model *m, const ph_data *data, const size_t *row,
                  size_t count, const char *folder, double *most)
{
    ph_model_info info;
    ph_model_describe(m, &info);
    ph_heat heat = { .white = info.white };
    if (!cli_is_picture(info.rank, info.shape, &heat.height, &heat.width, &heat.channels))
        return cli_usage("maps are of pictures, and the model's rows are none");
    int code = make_folder(a, folder);
    if (code != CLI_DONE)
        return code;
    ph_real *numbers = malloc(3 * info.width * sizeof *numbers);
    ph_status status = numbers ? draw_all(m, data, row, count, folder, &heat, numbers) : PH_MEMORY;
    free(numbers);
    *most = heat.most;
    return status == PH_OK ? CLI_DONE : cli_fail();
}
