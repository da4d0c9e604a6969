/* fuzz.c - bytes of any content, taken for a file of some kind, through the public headers.
 *
 * Whatever the bytes are, a reader either opens them, and then all it says about them holds, or it
 * refuses them in one line. Compiled once for each kind as a libFuzzer target (PH_FUZZ_KIND), and
 * once for test_regressions.c, which replays kept inputs with every compiler.
 */
#include <pinhole.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More numbers than this are not computed with: the bytes may well be a large model, in earnest. */
enum { MOST = 1 << 16 };

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz: it does not hold that %s (message: '%s')\n", what, ph_message());
    abort();
}

static ph_status refused(void)
{
    const char *c = ph_message();
    demand(ph_last_status() != PH_OK && *c, "a failure has a message");
    for (; *c; c++)
        demand((unsigned char)*c >= ' ' && *c != 127, "a message is one line of text");
    return ph_last_status();
}

/* ---- Data ---------------------------------------------------------------------------------------- */

/* The first, the middle and the last row; NULL where they cannot be read. */
static ph_real *read_some(const ph_data *data, const ph_data_info *info)
{
    ph_real *rows = malloc(3 * info->width * sizeof *rows);
    demand(rows != NULL, "there is memory for three rows");
    size_t index[3] = { 0, info->rows / 2, info->rows - 1 };
    if (ph_data_read(data, index, 3, rows) == PH_OK)
        return rows;
    refused();
    free(rows);
    return NULL;
}

/* Names are texts to their end; every number of a small set can be read. */
static void check_names(const ph_data *data, const ph_data_info *info)
{
    size_t length = 0;
    for (size_t i = 0; i < info->width && ph_data_column(data, i); i++)
        length += strlen(ph_data_column(data, i));
    for (size_t i = 0; i < info->classes && ph_data_class(data, i); i++)
        length += strlen(ph_data_class(data, i));
    for (size_t i = 0; i < info->rows && ph_data_id(data, i); i++)
        length += strlen(ph_data_id(data, i));
    demand(length < (size_t)1 << 30, "names are no longer than their file");
    static ph_column columns[MOST];
    if (info->width > MOST || info->rows > MOST / info->width)
        return;
    if (ph_data_survey(data, columns) != PH_OK)
        refused();
    else
        for (size_t i = 0; i < info->width; i++)
            demand(!(columns[i].min > columns[i].max) &&
                       columns[i].missing + columns[i].infinite <= info->rows,
                   "a column's survey is sound");
}

static ph_real *check_data(const ph_data *data, ph_data_info *info)
{
    ph_data_describe(data, info);
    size_t width = 1;
    for (size_t i = 0; i < info->rank; i++)
        width *= info->shape[i];
    demand(info->rank >= 1 && info->rank <= 4, "a row has 1 to 4 dimensions");
    demand(info->rows > 0 && width > 0 && width == info->width, "rows and their shape agree");
    demand(info->format && info->element, "format and type have names");
    const uint32_t *labels = ph_data_labels(data);
    demand((labels != NULL) == (info->classes > 0), "classes are counted where there are labels");
    for (size_t i = 0; labels && i < info->rows; i++)
        demand(labels[i] < info->classes || labels[i] == PH_NO_LABEL,
               "a label is below the number of classes, or none");
    check_names(data, info);
    return read_some(data, info);
}

static ph_status open_data(const char *path)
{
    /* Once in memory, once row by row: that must make no difference. And once with wishes. */
    static const ph_data_desc wishes[3] = {
        { .memory_limit = 0 },
        { .memory_limit = 16 },
        { .label_column = "1", .text_columns = "drop", .size = "3x2", .array = "X", .label_array = "y",
          .window = "2", .hop = "1" }
    };
    ph_data_info info[3];
    ph_real *rows[3] = { NULL };
    ph_status status = PH_OK;
    for (int i = 0; i < 3; i++) {
        ph_data *data = ph_data_open(path, &wishes[i]);
        ph_status failure = data ? PH_OK : refused();
        status = i == 0 ? failure : status;
        rows[i] = data ? check_data(data, &info[i]) : NULL;
        ph_data_close(data);
    }
    if (rows[0] && rows[1])
        demand(info[0].rows == info[1].rows && info[0].width == info[1].width &&
                   memcmp(rows[0], rows[1], 3 * info[0].width * sizeof(ph_real)) == 0,
               "rows are the same, in memory or not");
    for (int i = 0; i < 3; i++)
        free(rows[i]);
    return status;
}

/* ---- Models -------------------------------------------------------------------------------------- */

static void print(const ph_model *model, const ph_model_info *info)
{
    FILE *nowhere = fopen("/dev/null", "w");
    demand(nowhere != NULL, "/dev/null opens");
    double batch = strtod(ph_model_option(model, "batch-size"), NULL);
    const char *const what[] = { "summary", "options", "record", "program" };
    for (int i = 0; i < 4; i++)
        if ((i < 3 || batch * (double)(info->parameters + info->width) < MOST) &&
            ph_model_print(model, nowhere, what[i]) != PH_OK)
            refused();
    fclose(nowhere);
}

static void apply(ph_model *model, const ph_model_info *info)
{
    static ph_real row[MOST], out[MOST];
    size_t in_width, out_width;
    if (ph_model_port(model, "encode", &in_width, &out_width) != PH_OK) {
        refused();
        return;
    }
    demand(in_width == info->width && out_width == info->latent_dim, "encode has the model's widths");
    if (in_width < 1024 && out_width < 1024 && ph_model_apply(model, "encode", row, 1, out) != PH_OK)
        refused();
}

/* One more epoch on a few rows, as a run that goes on would. */
static void go_on(ph_model *model, const ph_model_info *info)
{
    static const ph_real rows[4 * 16] = { 0, 0.5, 1, 0, 1, 0.25 };
    char epochs[32];
    if (info->width > 16 || info->parameters > 1024)
        return;
    snprintf(epochs, sizeof epochs, "%lld", (long long)info->epoch + 1);
    ph_data *data = ph_data_from_memory(rows, 4, info->width, NULL);
    ph_settings *settings = ph_settings_new();
    demand(data && settings && ph_settings_set(settings, "epochs", epochs) == PH_OK,
           "there is memory for four rows");
    if (ph_train(model, data, &(ph_training){ .settings = settings }) != PH_OK)
        refused();
    ph_settings_free(settings);
    ph_data_close(data);
}

static ph_status open_model(const char *path)
{
    ph_model_info info;
    ph_model *model = ph_model_load(path);
    if (model == NULL)
        return refused();
    ph_model_describe(model, &info);
    print(model, &info);
    apply(model, &info);
    demand(ph_model_save(model, path, false) == PH_OK, "a model that was loaded can be saved");
    ph_model_free(model);
    model = ph_model_load(path);
    demand(model != NULL, "a model that was saved can be loaded");
    go_on(model, &info);
    ph_model_free(model);
    return PH_OK;
}

/* ---- Recipes --------------------------------------------------------------------------------------- */

/* Reads the settings as the options of a table, into room for any of the library's structs. */
static void read_options(const ph_settings *settings, const ph_option *table, size_t count)
{
    double target[128];
    for (size_t i = 0; i < count; i++)
        demand(table[i].offset < sizeof target - sizeof target[0], "the struct is as small as thought");
    if (ph_options_read(table, count, settings, target) != PH_OK)
        refused();
    if (ph_options_check(settings, &table, &count, 1) != PH_OK)
        refused();
}

static ph_status open_recipe(const char *path)
{
    ph_settings *settings = ph_settings_new();
    demand(settings != NULL, "there is memory for settings");
    ph_status status = ph_settings_read(settings, path);
    if (status != PH_OK)
        demand(refused() == status, "the status is the last one");
    for (size_t i = 0; i < ph_settings_count(settings); i++) {
        const char *name = ph_settings_name(settings, i);
        demand(*name && ph_settings_get(settings, name) == ph_settings_value(settings, i),
               "a setting is found by its name");
    }
    size_t count;
    const ph_option *training = ph_training_options(&count);
    read_options(settings, training, count);
    const ph_option *data = ph_data_options(&count);
    read_options(settings, data, count);
    for (size_t i = 0; ph_family_at(i); i++)
        read_options(settings, ph_family_at(i)->options, ph_family_at(i)->option_count);
    ph_settings_free(settings);
    return status;
}

/* ---- Kinds ------------------------------------------------------------------------------------------- */

/* Pictures are opened as a folder that holds the one file. */
static bool is_picture(const char *kind)
{
    return strcmp(kind, "png") == 0 || strcmp(kind, "jpg") == 0 || strcmp(kind, "pgm") == 0;
}

static char scratch_folder[512];

static void leave(void)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf %s", scratch_folder);
    if (system(command) != 0)
        fprintf(stderr, "fuzz: %s stays behind\n", scratch_folder);
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    demand(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0,
           "the scratch folder can be written to");
}

/* Opens the bytes as a file of this kind: "model", "recipe", or the ending of a data file's name. */
static ph_status fuzz(const char *kind, const uint8_t *bytes, size_t size)
{
    char inner[560], path[600];
    if (*scratch_folder == '\0') {
        const char *scratch = getenv("TMPDIR");
        snprintf(scratch_folder, sizeof scratch_folder, "%s/pinhole-fuzz-XXXXXX", scratch ? scratch : "/tmp");
        demand(mkdtemp(scratch_folder) != NULL, "there is a scratch folder");
        atexit(leave);
        ph_set_threads(1, false); /* Equal inputs take equal paths. */
    }
    snprintf(inner, sizeof inner, "%s/%s", scratch_folder, kind);
    mkdir(inner, 0700);
    snprintf(path, sizeof path, "%s/input.%s", inner, kind);
    write_file(path, bytes, size);
    return strcmp(kind, "model") == 0    ? open_model(path)
           : strcmp(kind, "recipe") == 0 ? open_recipe(path)
                                         : open_data(is_picture(kind) ? inner : path);
}

#ifdef PH_FUZZ_KIND
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz(PH_FUZZ_KIND, bytes, size);
    return 0;
}

/* Safetensors begins with the length of its header, which blind changes would leave behind: here it
 * mostly follows the header, so that they reach what lies after it. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    bool framed = strcmp(PH_FUZZ_KIND, "model") == 0 || strcmp(PH_FUZZ_KIND, "safetensors") == 0;
    uint64_t length = 0;
    if (framed && size > 8)
        memcpy(&length, bytes, sizeof length);
    if (length == 0 || length > size - 8 || seed % 8 == 0)
        return LLVMFuzzerMutate(bytes, size, most);
    size_t rest = size - 8 - (size_t)length;
    uint8_t *header = malloc(most);
    memcpy(header, bytes + 8, length);
    size_t changed = LLVMFuzzerMutate(header, length, most - 8 - rest);
    memmove(bytes + 8 + changed, bytes + 8 + length, rest);
    memcpy(bytes + 8, header, changed);
    memcpy(bytes, &(uint64_t){ changed }, sizeof length);
    free(header);
    return 8 + changed + rest;
}
#endif
