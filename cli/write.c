/* write.c - rows through a model into a file, or into a folder with a file for each sound, table, picture or file of
 * bytes.
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Codes are called z1, z2, ..., behind y1, y2, ... for classes or clusters; rows as the table that the
 * model was made for calls them. */
static const char *code_name(const void *user, size_t column)
{
    static char name[24];
    size_t in, code, latent, out, classes = ph_model_label_numbers(user);
    bool has_classes = classes && ph_model_port(user, "encode", &in, &code) == PH_OK &&
                       ph_model_port(user, "decode", &latent, &out) == PH_OK && code == latent;
    classes = has_classes ? classes : 0;
    if (column < classes)
        snprintf(name, sizeof name, "y%zu", column + 1);
    else
        snprintf(name, sizeof name, "z%zu", column - classes + 1);
    return name;
}

static const char *token_name(const void *user, size_t column)
{
    static char name[24];
    (void)user;
    snprintf(name, sizeof name, "t%zu", column + 1);
    return name;
}

const char *cli_row_name(const void *user, size_t column)
{
    static char name[24];
    const char *own = ph_model_column(user, column);
    snprintf(name, sizeof name, "x%zu", column + 1);
    return own ? own : name;
}

/* As the table calls its columns whose lines come back. */
static const char *line_name(const void *user, size_t column)
{
    static char name[24];
    const char *own = ph_data_column(user, column);
    snprintf(name, sizeof name, "x%zu", column + 1);
    return own ? own : name;
}

/* What is written: what `make` gives for rows, in the form of what the model's `function` does. */
typedef struct writing {
    ph_model *model;
    const char *function;
    double white;
    const char *format;        /* NULL: by the file's ending */
    cli_make make;
    void *with;
} writing;

/* Whether the rows that come back are windows of something that such a file holds. */
static bool is_whole(const ph_data *data, const char *path)
{
    ph_excerpt at;
    ph_data_info info = { 0 };
    if (data)
        ph_data_describe(data, &info);
    return data && ph_data_excerpt(data, 0, &at) &&
           (info.bytes || cli_ends(path, info.table ? ".csv" : ".wav") || cli_ends(path, ".png"));
}

/* Opens the file, for *width reals for each row of data. */
static ph_writer *open_writer(const writing *to, const ph_data *data, const char *path, size_t *clipped,
                              size_t *width)
{
    size_t width_in, width_out;
    ph_model_info model;
    ph_model *m = to->model;
    const char *function = to->function;
    ph_model_describe(m, &model);
    if (ph_model_port(m, function, &width_in, &width_out) != PH_OK)
        return NULL;
    *width = width_out;
    bool rows = strncmp(function, "decode", 6) == 0 || strcmp(function, "reconstruct") == 0;
    bool tokens = strcmp(function, "tokens") == 0;
    ph_writer_desc desc = { .width = width_out, .white = to->white, .source = data, .user = m,
                            .clipped = clipped, .format = to->format };
    desc.whole = strcmp(function, "reconstruct") == 0 && is_whole(data, path);
    if (ph_model_column(m, 0) || ph_data_id(data, 0))
        desc.column = rows ? cli_row_name : tokens ? token_name : code_name;
    if (desc.whole && cli_ends(path, ".csv")) {
        desc.column = ph_data_column(data, 0) || ph_data_line(data, 0, 0) ? line_name : NULL;
        desc.user = data;
    }
    if (rows || tokens) {
        desc.rank = rows ? model.rank : model.token_rank;
        for (size_t i = 0; i < desc.rank; i++)
            desc.shape[i] = rows ? model.shape[i] : model.token_shape[i];
    }
    if (tokens) {
        desc.element = model.words > 65536 ? "u4" : "u2";
        desc.white = (double)model.words - 1;
    }
    return ph_writer_open(path, &desc);
}

bool cli_draws_rows(const ph_data *data, const char *path)
{
    ph_excerpt at;
    ph_data_info info;
    ph_data_describe(data, &info);
    bool one = info.pieces == 1 && ph_data_excerpt(data, 0, &at) && at.picture;
    return cli_ends(path, ".png") && !one;
}

static void tell_clipped(const ph_data *data, const char *path, size_t clipped)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    if (clipped && info.bytes)
        fprintf(stderr, "pinhole: %s: %zu number%s below 0 or above 255, no byte, and %s brought to the nearest "
                "(-o FILE.npy keeps what came back)\n", path, clipped, clipped == 1 ? " was" : "s were",
                clipped == 1 ? "was" : "were");
    else if (clipped)
        fprintf(stderr, "pinhole: %s: %zu sample%s beyond full scale, which 16-bit PCM cannot hold, and "
                "%s brought to it (-o FILE.npy keeps what came back)\n", path, clipped,
                clipped == 1 ? " was" : "s were", clipped == 1 ? "was" : "were");
}

/* Rows first .. first+count-1 of data, which `part` is. */
static ph_status write_file(const writing *w, const ph_data *data, const ph_data *part, size_t first,
                            size_t count, const char *path)
{
    enum { BATCH = 1024 };
    size_t width = 0, clipped = 0;
    ph_writer *writer = open_writer(w, part, path, &clipped, &width);
    ph_real *out = writer ? malloc(BATCH * width * sizeof *out) : NULL;
    ph_status status = writer == NULL ? ph_last_status() : out ? PH_OK : PH_MEMORY;
    for (size_t done = 0, n; done < count && status == PH_OK; done += n) {
        n = count - done < BATCH ? count - done : BATCH;
        status = w->make(w->with, data, first + done, n, out);
        if (status == PH_OK)
            status = ph_writer_rows(writer, out, n);
    }
    free(out);
    if (status == PH_OK)
        status = ph_writer_close(writer);
    else if (writer)
        ph_writer_discard(writer);
    if (status == PH_OK)
        tell_clipped(data, path, clipped);
    return status;
}

/* ---- A file for each sound, table, picture or file of bytes --------------------------------------------- */

/* Makes the folders of a path; false, and said, where that cannot be. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (!made)
            cli_usage("%s: cannot make the folder: %s", path, strerror(errno));
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

/* FOLDER/NAME, with an ending of what is written behind it unless it has that; bytes have none. */
static bool name_piece(const char *folder, const ph_excerpt *at, const ph_data_info *info, char *path, size_t size)
{
    const char *ending = info->bytes ? "" : at->picture ? ".png" : info->table ? ".csv" : ".wav";
    const char *more = cli_ends(at->name, ending) ? "" : ending;
    if ((size_t)snprintf(path, size, "%s%s%s", folder, at->name, more) < size)
        return true;
    cli_usage("%s%s: the name is too long", folder, at->name);
    return false;
}

/* Each run of rows that are windows of one piece. */
static int write_pieces(const writing *w, const ph_data *data, const char *folder)
{
    ph_data_info info;
    ph_excerpt at, next;
    writing own = *w;
    ph_data_describe(data, &info);
    if (info.bytes)
        own.format = "bytes";
    for (size_t first = 0, end; first < info.rows; first = end) {
        char path[4096];
        ph_data_excerpt(data, first, &at);
        for (end = first + 1; ph_data_excerpt(data, end, &next) && next.piece == at.piece;)
            end++;
        if (!name_piece(folder, &at, &info, path, sizeof path) || !make_folders(path))
            return CLI_FAILED;
        ph_data *piece = ph_data_slice(data, first, end - first);
        ph_status status = piece ? write_file(&own, data, piece, first, end - first, path) : ph_last_status();
        ph_data_close(piece);
        if (status != PH_OK)
            return cli_fail();
    }
    return CLI_DONE;
}

/* A row that is a picture. */
static int write_picture(const writing *w, const ph_data *data, size_t row, const char *folder, const ph_real *values)
{
    char path[4096];
    size_t width;
    ph_excerpt at = { .name = ph_data_id(data, row), .picture = true };
    if (!name_piece(folder, &at, &(ph_data_info){ 0 }, path, sizeof path) || !make_folders(path))
        return CLI_FAILED;
    ph_writer *writer = open_writer(w, data, path, NULL, &width);
    if (writer == NULL)
        return cli_fail();
    if (ph_writer_rows(writer, values, 1) == PH_OK)
        return ph_writer_close(writer) == PH_OK ? CLI_DONE : cli_fail();
    ph_writer_discard(writer);
    return cli_fail();
}

static int write_pictures(const writing *w, const ph_data *data, const char *folder)
{
    enum { BATCH = 256 };
    ph_data_info info;
    ph_data_describe(data, &info);
    ph_real *out = malloc(BATCH * info.width * sizeof *out);
    int code = out ? CLI_DONE : cli_fail();
    for (size_t first = 0, n; first < info.rows && code == CLI_DONE; first += n) {
        n = info.rows - first < BATCH ? info.rows - first : BATCH;
        if (w->make(w->with, data, first, n, out) != PH_OK)
            code = cli_fail();
        for (size_t i = 0; i < n && code == CLI_DONE; i++)
            code = write_picture(w, data, first + i, folder, out + i * info.width);
    }
    free(out);
    return code;
}

static int write_folder(const writing *w, const ph_data *data, const char *folder)
{
    ph_excerpt at;
    ph_data_info info;
    ph_model_info model;
    size_t height, width, channels;
    ph_data_describe(data, &info);
    ph_model_describe(w->model, &model);
    bool pictures = strcmp(info.format, "pictures") == 0 && strcmp(w->function, "reconstruct") == 0 &&
                    cli_is_picture(model.rank, model.shape, &height, &width, &channels);
    if (ph_data_excerpt(data, 0, &at))
        return write_pieces(w, data, folder);
    if (pictures)
        return write_pictures(w, data, folder);
    return cli_usage("%s: a folder takes sounds, tables, pictures or files of bytes, and the rows of %s are no such files",
                     folder, info.name);
}

static int write_all(const writing *w, const ph_data *data, const char *path)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    bool whole = strcmp(w->function, "reconstruct") == 0 && is_whole(data, path);
    if (info.pieces > 1 && whole && (info.rate || info.table))
        return cli_usage("%s: %s has %zu %ss; -o FOLDER/ takes a file for each", path, info.name, info.pieces,
                         info.table ? "table" : "sound");
    if (cli_ends(path, "/"))
        return write_folder(w, data, path);
    return write_file(w, data, data, 0, info.rows, path) == PH_OK ? CLI_DONE : cli_fail();
}

/* ---- What is written ---------------------------------------------------------------------------- */

static ph_status apply(void *with, const ph_data *data, size_t first, size_t count, ph_real *out)
{
    const writing *w = with;
    return ph_model_apply_data(w->model, w->function, data, first, count, out);
}

int cli_stream(ph_model *m, const char *function, const ph_data *data, const char *path,
               double white)
{
    writing w = { .model = m, .function = function, .white = white, .make = apply, .with = &w };
    return write_all(&w, data, path);
}

int cli_write_rows(ph_model *m, const ph_data *data, const char *path, cli_make make, void *with)
{
    ph_model_info model;
    ph_model_describe(m, &model);
    return write_all(&(writing){ .model = m, .function = "reconstruct", .white = model.white, .make = make,
                                  .with = with }, data, path);
}
