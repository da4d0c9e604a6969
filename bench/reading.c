/* reading.c - what reading costs: the same rows in every format, as training meets them.
 *
 *     bench_reading [FOLDER [MEGABYTES]]     the files go to FOLDER (a temporary one is made)
 *
 * 1. CSV: megabytes a second of processor time, one thread.
 * 2. Formats: seconds to open, and an epoch of the recipes' net (784-256-128-20-...), as a ratio to
 *    IDX, in turns, median of ROUNDS.
 * 3. Pictures: 10,000 JPEG of 96x96 to 28x28; opening, and the epochs after it beside IDX.
 * 4. A CSV of MEGABYTES (1000): one epoch, and the most memory that the process ever had.
 */
#define _GNU_SOURCE
#include <pinhole.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <turbojpeg.h>
#include <unistd.h>

enum { ROWS = 20000, WIDTH = 784, ROUNDS = 7, PICTURES = 10000, SIDE = 96 };

static char folder[4096];

static const char *in_folder(const char *name)
{
    static char path[2][4400];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "bench_reading: %s\n", *ph_message() ? ph_message() : "cannot write its files");
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return x[n / 2];
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void write_rows(const ph_data *glyphs, const char *name)
{
    static ph_real row[WIDTH];
    ph_writer *w = ph_writer_open(in_folder(name), &(ph_writer_desc){ .width = WIDTH });
    check(w != NULL);
    for (size_t r = 0; r < ROWS; r++) {
        check(ph_data_read(glyphs, (size_t[]){ r % 12000 }, 1, row) == PH_OK);
        check(ph_writer_rows(w, row, 1) == PH_OK);
    }
    check(ph_writer_close(w) == PH_OK);
}

static void write_idx(const ph_data *glyphs)
{
    static ph_real row[WIDTH];
    uint8_t head[12] = { 0, 0, 8, 2, 0, 0, ROWS >> 8, ROWS & 255, 0, 0, WIDTH >> 8, WIDTH & 255 };
    FILE *file = fopen(in_folder("rows.idx"), "wb");
    check(file && fwrite(head, 1, sizeof head, file) == sizeof head);
    for (size_t r = 0; r < ROWS; r++) {
        uint8_t bytes[WIDTH];
        check(ph_data_read(glyphs, (size_t[]){ r % 12000 }, 1, row) == PH_OK);
        for (size_t c = 0; c < WIDTH; c++)
            bytes[c] = (uint8_t)row[c];
        check(fwrite(bytes, 1, WIDTH, file) == WIDTH);
    }
    fclose(file);
}

static void write_pngs(const ph_data *glyphs)
{
    static ph_real row[WIDTH];
    mkdir(in_folder("png"), 0777);
    for (size_t r = 0; r < ROWS / 4; r++) {
        char name[64];
        snprintf(name, sizeof name, "png/%05zu.png", r);
        check(ph_data_read(glyphs, &r, 1, row) == PH_OK);
        check(ph_grid_save(in_folder(name), &(ph_grid){ .tiles = row, .rows = 1, .columns = 1,
                           .height = 28, .width = 28, .channels = 1, .white = 255 }) == PH_OK);
    }
}

static void write_jpegs(void)
{
    static uint8_t pixels[SIDE * SIDE * 3];
    uint32_t state = 1;
    mkdir(in_folder("jpeg"), 0777);
    for (int i = 0; i < PICTURES; i++) {
        char name[64];
        unsigned char *out = NULL;
        unsigned long size = 0;
        double a = i * 0.37, b = i * 0.11;
        for (int p = 0; p < SIDE * SIDE * 3; p++) {
            state = state * 1664525u + 1013904223u;
            pixels[p] = (uint8_t)(128 + 100 * sin(a + p % (3 * SIDE) * 0.02) * cos(b + p * 0.0001) +
                                  (state >> 28));
        }
        tjhandle handle = tjInitCompress();
        tjCompress2(handle, pixels, SIDE, 0, SIDE, TJPF_RGB, &out, &size, TJSAMP_420, 85, 0);
        snprintf(name, sizeof name, "jpeg/%05d.jpg", i);
        FILE *file = fopen(in_folder(name), "wb");
        check(file && fwrite(out, 1, size, file) == size);
        fclose(file);
        tjFree(out);
        tjDestroy(handle);
    }
}

/* Six figures each, as a sensor's log has them. */
static double write_table(const char *name, double bytes, size_t width)
{
    FILE *file = fopen(in_folder(name), "w");
    uint64_t s = 88172645463325252u;
    check(file != NULL);
    for (size_t c = 0; c < width; c++)
        fprintf(file, "%ssensor%zu", c ? "," : "", c);
    fputc('\n', file);
    while ((double)ftello(file) < bytes)
        for (size_t c = 0; c < width; c++) {
            s ^= s << 13, s ^= s >> 7, s ^= s << 17;
            fprintf(file, "%.6g%c", (double)(s >> 11) / 9007199254740992.0 * 100 - 50,
                    c + 1 < width ? ',' : '\n');
        }
    double size = (double)ftello(file);
    fclose(file);
    return size;
}

/* ---- Measures -------------------------------------------------------------------------------- */

static ph_model *new_model(const ph_data *data)
{
    ph_settings *s = ph_settings_new();
    check(s && ph_settings_set(s, "batch-size", "512") == PH_OK &&
          ph_settings_set(s, "scaling", "minmax") == PH_OK &&
          ph_settings_set(s, "epochs", "100000") == PH_OK);
    ph_model *m = ph_model_new("ae", data, s);
    check(m != NULL);
    ph_settings_free(s);
    return m;
}

static double epoch(ph_model *m, const ph_data *data)
{
    ph_model_info info;
    char text[32];
    ph_model_describe(m, &info);
    snprintf(text, sizeof text, "%lld", (long long)info.epoch + 1);
    ph_settings *s = ph_settings_new();
    check(s && ph_settings_set(s, "epochs", text) == PH_OK);
    double begin = seconds(CLOCK_MONOTONIC);
    check(ph_train(m, data, &(ph_training){ .settings = s }) == PH_OK);
    ph_settings_free(s);
    ph_data_info d;
    ph_data_describe(data, &d);
    return (seconds(CLOCK_MONOTONIC) - begin) / (double)d.rows;
}

static void csv_rate(void)
{
    double bytes = write_table("table.csv", 100e6, 100), rate[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
        ph_data *d = ph_data_open(in_folder("table.csv"), NULL);
        check(d != NULL);
        rate[i] = bytes / (seconds(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e6;
        ph_data_close(d);
    }
    printf("CSV, 100 columns of six figures: %.0f MB a second of processor time\n",
           median(rate, ROUNDS));
}

/* Opens every spec, then trains on them in turns. The first is what the others are compared with. */
static void compare(const char *title, const char *const *specs, size_t count,
                    const ph_data_desc *desc)
{
    ph_data *data[8];
    ph_model *model[8];
    double time[8][ROUNDS], ratio[ROUNDS];
    printf("%s\n%-16s %10s %14s %10s\n", title, "", "open, s", "epoch, us/row", "ratio");
    double opening[8];
    for (size_t i = 0; i < count; i++) {
        double begin = seconds(CLOCK_MONOTONIC);
        data[i] = ph_data_open(in_folder(specs[i]), desc);
        opening[i] = seconds(CLOCK_MONOTONIC) - begin;
        check(data[i] != NULL);
        model[i] = new_model(data[i]);
        epoch(model[i], data[i]);
    }
    for (int r = 0; r < ROUNDS; r++)
        for (size_t i = 0; i < count; i++)
            time[i][r] = epoch(model[i], data[i]);
    for (size_t i = 0; i < count; i++) {
        for (int r = 0; r < ROUNDS; r++)
            ratio[r] = time[i][r] / time[0][r];
        double middle = median(ratio, ROUNDS);
        printf("%-16s %10.3f %14.3f %10.3f\n", specs[i], opening[i], 1e6 * median(time[i], ROUNDS),
               middle);
        ph_model_free(model[i]);
        ph_data_close(data[i]);
    }
}

/* In a process of its own, so that the most memory it had is that of this alone. */
static void large_table(double megabytes)
{
    double bytes = write_table("large.csv", megabytes * 1e6, 100);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        double begin = seconds(CLOCK_MONOTONIC);
        ph_data *d = ph_data_open(in_folder("large.csv"), NULL);
        check(d != NULL);
        double opened = seconds(CLOCK_MONOTONIC) - begin;
        ph_model *m = new_model(d);
        double row = epoch(m, d);
        ph_data_info info;
        ph_data_describe(d, &info);
        struct rusage used;
        getrusage(RUSAGE_SELF, &used);
        printf("CSV of %.0f MB, %zu rows: opened in %.1f s, an epoch in %.1f s, at most %.0f MiB of "
               "memory\n", bytes / 1e6, info.rows, opened, row * (double)info.rows,
               (double)used.ru_maxrss / 1024);
        exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
    snprintf(folder, sizeof folder, "%s", argc > 1 ? argv[1] : "/var/tmp/pinhole-bench-XXXXXX");
    if (argc > 1 ? mkdir(folder, 0777) != 0 && access(folder, W_OK) != 0 : !mkdtemp(folder))
        return 1;
    /* Before any thread is started: a child has none of its parent's. */
    large_table(argc > 2 ? atof(argv[2]) : 1000);
    ph_set_threads(0, true);
    csv_rate();
    ph_data *glyphs = ph_data_open("glyphs", NULL);
    check(glyphs != NULL);
    write_idx(glyphs);
    static const char *const rows[] = { "rows.idx", "rows.npy", "rows.npz", "rows.safetensors",
                                        "rows.csv" };
    for (size_t i = 1; i < 5; i++)
        write_rows(glyphs, rows[i]);
    compare("Rows of 784, in memory", rows, 5, NULL);
    compare("Rows of 784, from disk (memory limit 1 MiB)", rows, 5,
            &(ph_data_desc){ .memory_limit = 1 << 20 });
    write_pngs(glyphs);
    write_jpegs();
    static const char *const pictures[] = { "rows.idx", "png", "jpeg" };
    compare("Pictures, brought to 28x28 gray", pictures, 3,
            &(ph_data_desc){ .size = "28x28", .channels = "gray" });
    ph_data_close(glyphs);
    char command[4500];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return argc == 1 && system(command) != 0;
}
