/* test_sets.c - every set under shared/data: what its README says of it, then a small model's whole life
 * on it. Says so and passes where a set is not found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pinhole.h>

#include "scratch.h"

/* ---- What the READMEs say -------------------------------------------------------------------- */

typedef struct set {
    const char *spec, *format, *element;
    size_t rows, shape[3];     /* shape of one row, up to the first 0 */
    /* The middle row's numbers, each times its place from 1 on, in one sum: it changes with any other
     * order or value. By Python's own gzip, zipfile, csv and zlib; 0: not known. */
    double middle;
    const char *middle_id;
    size_t anomalies;          /* rows of class 1 of 2; where it is 0, `counts` */
    const char *counts, *classes; /* rows of each class, their names; NULL: none */
    const char *columns;
    size_t fields;             /* columns of the file, whatever they are for */
    size_t constant;           /* columns with one value only, of tables */
    double low, high;          /* both 0: not told */
    ph_data_desc how;
} set;

#define TEN(n) n " " n " " n " " n " " n " " n " " n " " n " " n " " n
#define OBJECTS "airplane automobile bird cat deer dog frog horse ship truck"
#define PEOPLE                                                                                     \
    "s01 s02 s03 s04 s05 s06 s07 s08 s09 s10 s11 s12 s13 s14 s15 s16 s17 s18 s19 s20 s21 s22 s23 " \
    "s24 s25 s26 s27 s28 s29 s30 s31 s32 s33 s34 s35 s36 s37 s38 s39 s40"
#define SENSORS                                                                                    \
    "Accelerometer1RMS Accelerometer2RMS Current Pressure Temperature Thermocouple Voltage "       \
    "Volume Flow RateRMS"

#define IDX(name, n, each, sum)                                                                    \
    { .spec = name, .format = "IDX", .element = "u1", .rows = n, .shape = { 28, 28 },              \
      .counts = each, .middle = sum, .high = 255 }
#define CIFAR(name, n, each, names, sum)                                                           \
    { .spec = name, .format = "CIFAR", .element = "u1", .rows = n, .shape = { 32, 32, 3 },         \
      .counts = each, .classes = names, .middle = sum }
#define ADBENCH(name, n, features, anomalous, type, once, sum)                                     \
    { .spec = "adbench/" name ".npz", .format = "NPZ", .element = type, .rows = n,                 \
      .shape = { features }, .anomalies = anomalous, .constant = once, .middle = sum }
#define NAB(name, n, anomalous, min, max, sum, id)                                                 \
    { .spec = "nab/data/" name, .format = "CSV", .element = "f4", .rows = n, .shape = { 1 },       \
      .low = min, .high = max, .columns = "value", .fields = 2, .middle = sum, .middle_id = id },  \
    { .spec = "nab/labelled/" name, .format = "CSV", .element = "f4", .rows = n, .shape = { 1 },   \
      .low = min, .high = max, .columns = "value", .fields = 3, .middle = sum, .middle_id = id,    \
      .anomalies = anomalous, .how = { .label_column = "anomaly" } }
#define SKAB(name, n, anomalous, sum, id)                                                          \
    { .spec = "skab/valve1/" name, .format = "CSV", .element = "f4", .rows = n, .shape = { 8 },    \
      .columns = SENSORS, .fields = 11, .middle = sum, .middle_id = id, .anomalies = anomalous,    \
      .how = { .label_column = "anomaly", .drop_columns = "changepoint" } }

static const set sets[] = {
    IDX("fashion-mnist:train", 60000, TEN("6000"), 24760664),
    IDX("fashion-mnist:test", 10000, TEN("1000"), 32925549),
    IDX("mnist:train", 60000, "5923 6742 5958 6131 5842 5421 5918 6265 5851 5949", 8317077),
    IDX("mnist:test", 10000, "980 1135 1032 1010 982 892 958 1028 974 1009", 9693926),
    CIFAR("cifar10", 20000, "1989 1981 2042 2011 2009 1925 2038 2027 2012 1966", OBJECTS, 653121909),
    CIFAR("cifar10/data_batch_1.bin.gz", 10000, "1005 974 1032 1016 999 937 1030 1001 1025 981", NULL,
          217755889),
    CIFAR("cifar10/data_batch_2.bin.gz", 10000, "984 1007 1010 995 1010 988 1008 1026 987 985", NULL,
          845385195),
    { .spec = "cifar10/images:train", .format = "pictures", .element = "u1", .rows = 1000,
      .shape = { 32, 32, 3 }, .counts = TEN("100"), .classes = OBJECTS, .middle = 656474038,
      .middle_id = "train/dog/blenheim_spaniel_s_000306.png" },
    { .spec = "cifar10/images:test", .format = "pictures", .element = "u1", .rows = 250,
      .shape = { 32, 32, 3 }, .counts = TEN("25"), .classes = OBJECTS, .middle = 651742771,
      .middle_id = "test/dog/blenheim_spaniel_s_001174.png" },
    { .spec = "flowers", .format = "pictures", .element = "u1", .rows = 999, .shape = { 20, 24, 3 },
      .counts = "200 200 200 199 200", .classes = "daisy dandelion roses sunflowers tulips",
      .middle_id = "images/roses/3465443774_6b0c75a3b1_n.jpg", .how = { .size = "24x20" } },
    { .spec = "olivetti", .format = "pictures", .element = "u1", .rows = 400, .shape = { 64, 64 },
      .counts = TEN("10") " " TEN("10") " " TEN("10") " " TEN("10"), .classes = PEOPLE,
      .middle = 894780192, .middle_id = "s21/01.pgm" },
    ADBENCH("2_annthyroid", 7200, 6, 534, "f8", 0, 2.2458),
    ADBENCH("4_breastw", 683, 9, 239, "u1", 0, 73),
    ADBENCH("6_cardio", 1831, 21, 176, "f8", 0, -195.390075),
    ADBENCH("7_Cardiotocography", 2114, 21, 466, "f8", 0, 14277.8),
    ADBENCH("18_Ionosphere", 351, 32, 126, "f8", 0, 416.86429),
    ADBENCH("24_mnist", 7603, 100, 700, "f8", 22, 134757.213),
    ADBENCH("25_musk", 3062, 166, 97, "f8", 0, -546849),
    ADBENCH("29_Pima", 768, 8, 268, "f8", 0, 1454.347),
    ADBENCH("32_shuttle", 49097, 9, 3511, "i2", 0, 1453),
    ADBENCH("38_thyroid", 3772, 6, 93, "f8", 0, 5.98486743),
    ADBENCH("40_vowels", 1456, 12, 50, "f8", 0, 3.69196175),
    ADBENCH("42_WBC", 223, 9, 10, "f8", 0, 176),
    ADBENCH("43_WDBC", 367, 30, 10, "f8", 0, 19288.4438),
    NAB("realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv", 4032, 402, 34.766, 68.092, 43.522,
        "2014-02-21 14:27:00"),
    NAB("realKnownCause/ambient_temperature_system_failure.csv", 7267, 726, 57.4584, 86.2232,
        75.9749412, "2013-12-19 04:00:00"),
    NAB("realKnownCause/machine_temperature_system_failure.csv", 22695, 2268, 2.08472, 108.511,
        94.5935631, "2014-01-11 05:50:00"),
    { .spec = "skab/anomaly-free/anomaly-free.csv", .format = "CSV", .element = "f4", .rows = 9405,
      .shape = { 8 }, .columns = SENSORS, .fields = 9, .middle = 3373.90024,
      .middle_id = "2020-02-08 14:54:40" },
    SKAB("0.csv", 1147, 401, 2346.24094, "2020-03-09 10:24:33"),
    SKAB("1.csv", 1145, 402, 2236.67739, "2020-03-09 10:44:33"),
    SKAB("2.csv", 1075, 337, 2303.01402, "2020-03-09 11:03:55"),
    SKAB("3.csv", 1148, 404, 2258.27881, "2020-03-09 11:24:35"),
    SKAB("4.csv", 1095, 349, 2368.81774, "2020-03-09 11:44:08"),
    SKAB("5.csv", 1154, 403, 2357.16781, "2020-03-09 12:04:36"),
    { .spec = "pbmc68k/counts.csv", .format = "CSV", .element = "f4", .rows = 700, .shape = { 765 },
      .fields = 766, .high = 259, .middle = 190072, .middle_id = "AAATTCGAAGTCTG-5" },
};
enum { SETS = sizeof sets / sizeof sets[0] };

#define assert_done(call)                                                                          \
    do {                                                                                           \
        if ((call) != PH_OK)                                                                       \
            fail_msg("%s", ph_message());                                                          \
    } while (0)

/* ---- Finding and opening --------------------------------------------------------------------- */

/* Where a set lies, without its part; skips the test where it does not lie. Only a missing file is a
 * reason to skip: a reader that fails is not. */
static const char *place(const char *spec)
{
    static char path[1024];
    const char *list = getenv("PINHOLE_DATA");
    while (list && *list) {
        int length = (int)strcspn(list, ":");
        snprintf(path, sizeof path, "%.*s/%.*s", length, list, (int)strcspn(spec, ":"), spec);
        if (access(path, R_OK) == 0)
            return path;
        list += length + (list[length] == ':');
    }
    printf("%s is not there: skipped\n", spec);
    skip();
    return NULL;
}

static ph_data *open_data(const char *spec, const ph_data_desc *how)
{
    ph_data *d = ph_data_open(spec, how);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

static ph_real *read_rows(const ph_data *d, size_t first, size_t count)
{
    ph_data_info info;
    ph_data_describe(d, &info);
    ph_real *rows = malloc(count * info.width * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        size_t row = first + i;
        assert_done(ph_data_read(d, &row, 1, rows + i * info.width));
    }
    return rows;
}

/* ---- Facts ----------------------------------------------------------------------------------- */

static void check_classes(const set *s, const ph_data *d, const ph_data_info *info)
{
    char counts[1024] = "", names[1024] = "", wanted[64];
    size_t count[64] = { 0 }, used = 0, named = 0;
    const uint32_t *label = ph_data_labels(d);
    if (s->counts == NULL && s->anomalies == 0) {
        assert_null(label);
        return;
    }
    assert_non_null(label);
    assert_in_range(info->classes, 1, 64);
    for (size_t r = 0; r < info->rows; r++)
        count[label[r]]++;
    for (size_t c = 0; c < info->classes; c++) {
        const char *between = c ? " " : "", *name = ph_data_class(d, c);
        used += (size_t)snprintf(counts + used, sizeof counts - used, "%s%zu", between, count[c]);
        named += (size_t)snprintf(names + named, sizeof names - named, "%s%s", between,
                                  name ? name : "");
    }
    snprintf(wanted, sizeof wanted, "%zu %zu", s->rows - s->anomalies, s->anomalies);
    assert_string_equal(counts, s->counts ? s->counts : wanted);
    if (s->classes)
        assert_string_equal(names, s->classes);
}

static void check_columns(const set *s, const ph_data *d, const ph_data_info *info)
{
    ph_column *column = malloc(info->width * sizeof *column);
    char names[1024] = "";
    size_t constant = 0, used = 0;
    double low = INFINITY, high = -INFINITY;
    assert_done(ph_data_survey(d, column));
    for (size_t c = 0; c < info->width; c++) {
        assert_true(column[c].missing == 0 && column[c].infinite == 0);
        constant += column[c].min == column[c].max;
        low = fmin(low, column[c].min);
        high = fmax(high, column[c].max);
        if (s->columns)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", c ? " " : "",
                                     ph_data_column(d, c));
    }
    if (info->rank == 1)
        assert_int_equal(constant, s->constant);
    if (s->columns)
        assert_string_equal(names, s->columns);
    if (s->low || s->high) /* the READMEs round to six digits */
        assert_true(fabs(low - s->low) < 1e-5 * s->high && fabs(high - s->high) < 1e-5 * s->high);
    free(column);
}

static void check_middle(const set *s, const ph_data *d, const ph_data_info *info)
{
    ph_real *row = read_rows(d, s->rows / 2, 1);
    double sum = 0, size = 0;
    for (size_t c = 0; c < info->width; c++) {
        sum += (double)(c + 1) * (double)row[c];
        size += (double)(c + 1) * fabs((double)row[c]);
    }
    if (s->middle != 0 && fabs(sum - s->middle) > 2e-7 * size)
        fail_msg("%s: the middle row gives %.9g, not %.9g", s->spec, sum, s->middle);
    if (s->middle_id)
        assert_string_equal(ph_data_id(d, s->rows / 2), s->middle_id);
    free(row);
}

/* The columns of a table are those of values, of ids, and what the options took away. */
static void check_fields(const set *s)
{
    ph_data_info info;
    ph_data *d = open_data(place(s->spec), NULL);
    ph_data_describe(d, &info);
    assert_int_equal(info.width + (ph_data_id(d, 0) != NULL), s->fields);
    ph_data_close(d);
}

static void check_facts(const set *s, const ph_data *d)
{
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_string_equal(info.format, s->format);
    assert_string_equal(info.element, s->element);
    assert_int_equal(info.rows, s->rows);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(i < info.rank ? info.shape[i] : 0, s->shape[i]);
    check_classes(s, d, &info);
    check_columns(s, d, &info);
    check_middle(s, d, &info);
    if (s->fields)
        check_fields(s);
}

/* ---- A model's life -------------------------------------------------------------------------- */

typedef struct losses {
    double first, last;
} losses;

static void watch(void *user, ph_model *m, const ph_progress *p)
{
    losses *l = user;
    (void)m;
    if (p->event != PH_EVENT_EPOCH)
        return;
    l->last = ph_figure_get(&p->figures, "loss");
    if (p->epoch == 1)
        l->first = l->last;
}

/* Few rows are seen more often, so that each set gives some hundred steps. */
static ph_model *train(const ph_data *d, const ph_data_info *info)
{
    char latent[24], epochs[24];
    snprintf(latent, sizeof latent, "%zu", info->width < 16 ? (info->width + 1) / 2 : 8);
    snprintf(epochs, sizeof epochs, "%zu", info->rows > 5000 ? 2 : 10000 / info->rows);
    const char *const options[][2] = { { "hidden", "32" }, { "latent-dim", latent },
                                       { "epochs", epochs }, { "batch-size", "32" }, { "lr", "0.003" } };
    ph_settings *settings = ph_settings_new();
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_done(ph_settings_set(settings, options[i][0], options[i][1]));
    ph_model *m = ph_model_new("ae", d, settings);
    losses l = { 0, 0 };
    if (m == NULL)
        fail_msg("%s", ph_message());
    assert_done(ph_train(m, d, &(ph_training){ .progress = watch, .user = &l }));
    assert_true(l.first > 0 && l.last < l.first);
    ph_settings_free(settings);
    return m;
}

/* What the error would be if each row came back as the mean of all: the variance in the model's scale. */
static double error_of_mean(const ph_model *m, const ph_data *d, const ph_data_info *info)
{
    ph_column *column = malloc(info->width * sizeof *column);
    const char *scaling = ph_model_option(m, "scaling");
    double sum = 0;
    assert_done(ph_data_survey(d, column));
    for (size_t c = 0; c < info->width; c++) {
        double deviation = column[c].deviation;
        if (strcmp(scaling, "standardise") == 0)
            deviation = deviation > 0;
        else
            deviation /= strcmp(scaling, "bytes") == 0 ? 255 : 1;
        sum += deviation * deviation;
    }
    free(column);
    return sum / (double)info->width;
}

static const char *code_name(const void *user, size_t column)
{
    static char name[24];
    (void)user;
    snprintf(name, sizeof name, "z%zu", column + 1);
    return name;
}

static const char *row_name(const void *user, size_t column)
{
    return ph_model_column(user, column) ? ph_model_column(user, column) : code_name(NULL, column);
}

static const char *const endings[] = { "csv", "npz", "safetensors", "npy" };

/* The rows that a function of the model makes of data, in memory and in a file of that ending. */
static ph_real *write_rows(ph_model *m, const char *function, const ph_data *d, const ph_data *source,
                           const char *ending, char path[512])
{
    ph_data_info info;
    ph_model_info model;
    size_t in, width;
    bool codes = strcmp(function, "encode") == 0;
    ph_data_describe(d, &info);
    ph_model_describe(m, &model);
    assert_done(ph_model_port(m, function, &in, &width));
    ph_real *rows = malloc(info.rows * width * sizeof *rows);
    assert_done(ph_model_apply_data(m, function, d, 0, info.rows, rows));
    snprintf(path, 512, "%s/%s.%s", folder, function, ending);
    ph_writer_desc desc = { .width = width, .source = source, .user = m,
                            .column = codes ? code_name : row_name };
    if (!codes) {
        desc.rank = model.rank;
        memcpy(desc.shape, model.shape, sizeof desc.shape);
    }
    ph_writer *w = ph_writer_open(path, &desc);
    assert_non_null(w);
    assert_done(ph_writer_rows(w, rows, info.rows));
    assert_done(ph_writer_close(w));
    return rows;
}

/* A file that was written, opened again for the model: everything that its kind can keep is there. */
static ph_data *read_back(ph_model *m, const char *function, const char *path, const char *ending,
                          const ph_real *rows, const ph_data *source)
{
    ph_data_info info, from;
    ph_data *d = ph_model_open_data(m, function, path, NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    ph_data_describe(d, &info);
    ph_data_describe(source, &from);
    bool table = strcmp(ending, "csv") == 0, codes = strcmp(function, "decode") == 0;
    bool labelled = strcmp(ending, "npz") == 0 || strcmp(ending, "safetensors") == 0;
    assert_int_equal(info.rows, from.rows);
    ph_real *back = read_rows(d, 0, info.rows);
    assert_memory_equal(back, rows, info.rows * info.width * sizeof *rows);
    free(back);
    if (!table && !codes) {
        assert_int_equal(info.rank, from.rank);
        assert_memory_equal(info.shape, from.shape, sizeof info.shape);
    }
    for (size_t r = 0; r < info.rows && table && ph_data_id(source, 0); r++)
        assert_string_equal(ph_data_id(d, r), ph_data_id(source, r));
    for (size_t c = 0; c < info.width && table; c++)
        assert_string_equal(ph_data_column(d, c), codes ? code_name(NULL, c) : row_name(m, c));
    if (labelled && ph_data_labels(source))
        assert_memory_equal(ph_data_labels(d), ph_data_labels(source), info.rows * sizeof(uint32_t));
    return d;
}

/* Some rows of the middle to a file of codes, back from it, and to a file of rows. */
static void check_files(ph_model *m, const ph_data *d, const ph_data_info *info, size_t number)
{
    enum { MOST = 120 };
    size_t count = info->rows < 2 * MOST ? info->rows / 2 : MOST;
    const char *first = endings[number % 4], *second = endings[(number + 1) % 4];
    char code_path[512], row_path[512];
    ph_data *some = ph_data_slice(d, info->rows / 3, count);
    ph_real *straight = malloc(count * info->width * sizeof *straight);
    assert_done(ph_model_apply_data(m, "reconstruct", some, 0, count, straight));
    ph_real *codes = write_rows(m, "encode", some, some, first, code_path);
    ph_data *coded = read_back(m, "decode", code_path, first, codes, some);
    ph_real *rows = write_rows(m, "decode", coded, some, second, row_path);
    assert_memory_equal(rows, straight, count * info->width * sizeof *rows);
    ph_data *decoded = read_back(m, "reconstruct", row_path, second, rows, some);
    ph_data_close(decoded);
    ph_data_close(coded);
    ph_data_close(some);
    free(rows);
    free(codes);
    free(straight);
}

static void a_life(void **state)
{
    const set *s = *state;
    ph_data_info info;
    ph_figures f;
    place(s->spec);
    ph_data *d = open_data(s->spec, &s->how);
    ph_data_describe(d, &info);
    check_facts(s, d);
    ph_model *m = train(d, &info);
    assert_done(ph_model_save(m, in_folder("m.pin"), true));
    ph_model *loaded = ph_model_load(in_folder("m.pin"));
    assert_non_null(loaded);
    ph_model_free(m);
    check_files(loaded, d, &info, (size_t)(s - sets));
    assert_done(ph_model_eval(loaded, d, &f));
    double mse = ph_figure_get(&f, "mse"), mean = error_of_mean(loaded, d, &info);
    printf("%s: mse %.4g, of the mean row %.4g\n", s->spec, mse, mean);
    assert_true(mse < 0.9 * mean);
    ph_model_free(loaded);
    ph_data_close(d);
}

/* ---- The command ----------------------------------------------------------------------------- */

/* Runs a line of the shell in the test's folder, where pinhole is the command. */
static void shell(const char *line)
{
    char command[4096];
    snprintf(command, sizeof command, "cd %s && pinhole() { %s \"$@\"; } && { %s ; } 2>said", folder,
             PH_COMMAND, line);
    if (system(command) != 0) {
        snprintf(command, sizeof command, "cat %s/said", folder);
        system(command);
        fail_msg("%s", line);
    }
}

/* A model of normal days measures others: their further columns, ids and labels are no matter, and it
 * is all one whether they come as a file or through a pipe. */
static void an_analyst(void **state)
{
    (void)state;
    char line[3000];
    place("skab");
    shell("pinhole train ae skab/anomaly-free/anomaly-free.csv --hidden 16 --latent-dim 3 --epochs 5 "
          "--quiet -o pump.pin");
    shell("pinhole encode pump.pin skab/valve1/1.csv -o codes.csv && "
          "head -1 codes.csv | grep -qx datetime,z1,z2,z3 && test $(wc -l <codes.csv) = 1146");
    snprintf(line, sizeof line, "pinhole encode pump.pin - -o piped.csv <%s && cmp piped.csv codes.csv",
             place("skab/valve1/1.csv"));
    shell(line);
    shell("pinhole decode pump.pin codes.csv -o rows.csv && "
          "pinhole reconstruct pump.pin skab/valve1/1.csv -o same.csv && cmp rows.csv same.csv");
    shell("pinhole eval pump.pin skab/valve1/1.csv --json | grep -q '\"rows\":1145'");
    shell("pinhole encode pump.pin skab/valve1/1.csv --label-column anomaly -o codes.npz && "
          "pinhole data codes.npz | grep -qx '2 classes: 0 (743) 1 (402)'");
    shell("! pinhole eval pump.pin pbmc68k/counts.csv && grep -q \"no column 'Accelerometer1RMS'\" said");
}

/* A picture of photographs shows them upright and in their colours: it is read back, and its first
 * tile is the first photograph. */
static void a_photographer(void **state)
{
    enum { SIDE = 24, ACROSS = 10 };
    (void)state;
    place("flowers");
    shell("mkdir -p pictures && pinhole train ae flowers --size 24x24 --hidden 16 --latent-dim 4 "
          "--epochs 1 --quiet -o photos.pin");
    static const char *const lines[] = { "pinhole reconstruct photos.pin flowers -o pictures/p.png",
                                         "pinhole data flowers --size 24x24 -o pictures/p.png >shown" };
    static const size_t rows[] = { ACROSS, 5 }, line[] = { 2, 0 }; /* line: between two panels */
    ph_data *flowers = open_data("flowers", &(ph_data_desc){ .size = "24x24" });
    ph_real *photo = read_rows(flowers, 0, 1);
    for (size_t i = 0; i < 2; i++) {
        ph_data_info info;
        shell(lines[i]);
        ph_data *d = open_data(in_folder("pictures"), NULL);
        ph_data_describe(d, &info);
        size_t wide = ACROSS * SIDE + line[i];
        assert_true(info.shape[0] == rows[i] * SIDE && info.shape[1] == wide && info.shape[2] == 3);
        ph_real *picture = read_rows(d, 0, 1);
        for (size_t y = 0; y < SIDE; y++)
            assert_memory_equal(picture + y * wide * 3, photo + y * SIDE * 3,
                                SIDE * 3 * sizeof *photo);
        free(picture);
        ph_data_close(d);
    }
    free(photo);
    ph_data_close(flowers);
}

int main(void)
{
    struct CMUnitTest tests[SETS + 2] = { cmocka_unit_test(an_analyst),
                                          cmocka_unit_test(a_photographer) };
    if (getenv("PINHOLE_DATA") == NULL)
        setenv("PINHOLE_DATA", PH_SOURCE_DIR "/../shared/data", 1);
    for (size_t i = 0; i < SETS; i++)
        tests[i + 2] = (struct CMUnitTest){ .name = sets[i].spec, .test_func = a_life,
                                        .initial_state = (void *)(uintptr_t)&sets[i] };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
