/* maps.c - pinhole score --maps FOLDER: each row that is a picture, or each picture that rows are windows of,
 * beside its reconstruction and the heat of its errors, all on one scale. */
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

/* FOLDER/NUMBER-NAME.png: in their order, and each with a name of its own. A picture's ending goes; where a
 * window lies stays. What could lead elsewhere or trouble a shell is "_". */
static void name_of(const char *folder, const cli_scored *s, bool pictures, size_t number, char path[PATH_MAX])
{
    enum { MOST = 180 };
    char id[MOST + 1] = "";
    int digits = snprintf(NULL, 0, "%zu", s->count);
    const char *text = cli_scored_name(s, number);
    ph_excerpt at;
    snprintf(id, sizeof id, "%s", text ? text : "");
    char *slash = strrchr(id, '/'), *dot = strrchr(slash ? slash : id, '.');
    if (dot && pictures) {
        bool window = !s->whole && ph_data_excerpt(s->data, number, &at);
        const char *place = window ? dot + strcspn(dot, "+") : "";
        memmove(dot, place, strlen(place) + 1);
    }
    for (char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && strchr("-_.", *c) == NULL && (unsigned char)*c < 0x80)
            *c = '_';
    snprintf(path, PATH_MAX, "%s/%0*zu%s%s.png", folder, digits, number + 1, *id ? "-" : "", id);
}

/* ---- What a map shows --------------------------------------------------------------------------- */

static ph_status read_rows(void *with, const ph_data *data, size_t first, size_t count, ph_real *out)
{
    ph_data_info info;
    ph_status status = PH_OK;
    (void)with;
    ph_data_describe(data, &info);
    for (size_t r = first; r < first + count && status == PH_OK; r++, out += info.width)
        status = ph_data_read(data, &r, 1, out);
    return status;
}

static ph_status reconstruct(void *with, const ph_data *data, size_t first, size_t count, ph_real *out)
{
    return ph_model_apply_data(with, "reconstruct", data, first, count, out);
}

static ph_status find_errors(void *with, const ph_data *data, size_t first, size_t count, ph_real *out)
{
    return ph_model_error_maps(with, data, first, count, out);
}

/* Of one row, or of all windows of a picture, put together. */
static ph_status make(ph_model *m, const cli_scored *s, size_t number, ph_window_maker *of, size_t channels,
                      ph_real *out)
{
    size_t first = s->first[number];
    if (!s->whole)
        return of(m, s->data, first, 1, out);
    ph_data *windows = ph_data_slice(s->data, first, s->first[number + 1] - first);
    ph_status status = windows ? ph_join_windows(windows, channels, of, m, out) : ph_last_status();
    ph_data_close(windows);
    return status;
}

/* Numbers of a map's picture, its reconstruction and its errors, one behind the other; *heat tells where and how
 * large they are. */
static ph_real *make_room(const cli_scored *s, size_t number, ph_heat *heat)
{
    ph_excerpt at;
    if (s->whole && ph_data_excerpt(s->data, s->first[number], &at)) {
        heat->height = at.whole[0];
        heat->width = at.whole[1];
    }
    size_t pixels = heat->height * heat->width;
    ph_real *numbers = malloc(pixels * (2 * heat->channels + 1) * sizeof *numbers);
    heat->original = numbers;
    heat->back = numbers + pixels * heat->channels;
    heat->error = numbers + 2 * pixels * heat->channels;
    return numbers;
}

/* The largest error of a pixel. */
static ph_status find_most(ph_model *m, const cli_scored *s, const size_t *number, size_t count, ph_heat *heat)
{
    ph_status status = PH_OK;
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        ph_real *numbers = make_room(s, number[i], heat);
        status = numbers ? make(m, s, number[i], find_errors, 1, numbers) : PH_MEMORY;
        for (size_t p = 0; p < heat->height * heat->width && status == PH_OK; p++)
            heat->most = (double)numbers[p] > heat->most ? (double)numbers[p] : heat->most;
        free(numbers);
    }
    return status;
}

static ph_status draw(ph_model *m, const cli_scored *s, size_t number, const char *path, ph_heat *heat)
{
    ph_real *numbers = make_room(s, number, heat);
    size_t row = heat->height * heat->width * heat->channels;
    ph_status status = numbers ? make(m, s, number, read_rows, heat->channels, numbers) : PH_MEMORY;
    if (status == PH_OK)
        status = make(m, s, number, reconstruct, heat->channels, numbers + row);
    if (status == PH_OK)
        status = make(m, s, number, find_errors, 1, numbers + 2 * row);
    if (status == PH_OK)
        status = ph_heat_save(path, heat);
    free(numbers);
    return status;
}

int cli_draw_maps(const cli_arguments *a, ph_model *m, const cli_scored *s, const size_t *number, size_t count,
                  const char *folder, double *most)
{
    ph_model_info info;
    ph_data_info data;
    ph_model_describe(m, &info);
    ph_data_describe(s->data, &data);
    if (data.table)
        return cli_usage("maps are of pictures, and the rows of %s are windows of a table", data.name);
    bool pictures = data.pieces ? data.rate == 0 : strcmp(data.format, "pictures") == 0;
    ph_heat heat = { .white = info.white };
    if (!cli_is_picture(info.rank, info.shape, &heat.height, &heat.width, &heat.channels))
        return cli_usage("maps are of pictures, and the model's rows are none");
    int code = make_folder(a, folder);
    if (code != CLI_DONE)
        return code;
    ph_status status = find_most(m, s, number, count, &heat);
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        char path[PATH_MAX];
        name_of(folder, s, pictures, number[i], path);
        status = draw(m, s, number[i], path, &heat);
    }
    *most = heat.most;
    return status == PH_OK ? CLI_DONE : cli_fail();
}
