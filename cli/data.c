/* data.c - pinhole data DATA: what a set is, and a picture of it; pinhole data get NAME is in get.c. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct data_options {
    const char *output;
} data_options;

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, offsetof(data_options, output), NULL, 0, 0, NULL,
      "picture (.png), also -o: ten rows of each class, a class in each line; of a table a row in each" },
};

enum { ACROSS = 10 };

static size_t *count_classes(const ph_data *d, const ph_data_info *info)
{
    const uint32_t *labels = ph_data_labels(d);
    size_t *count = calloc(info->classes + 1, sizeof *count);
    for (size_t i = 0; count && labels && i < info->rows; i++)
        if (labels[i] != PH_NO_LABEL)
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

/* Tiles for the chosen rows, black where there is none. */
static ph_status draw_tiles(const ph_data *d, const ph_data_info *info, const size_t *index,
                            size_t lines, double low, double high, const char *path)
{
    size_t height, width, channels;
    cli_is_picture(info->rank, info->shape, &height, &width, &channels);
    /* Files of pictures say what is white; of other numbers it is the largest. */
    if (strcmp(info->format, "pictures") == 0)
        high = strcmp(info->element, "u1") == 0 ? 255 : 65535;
    ph_real *tiles = calloc(lines * ACROSS * info->width, sizeof *tiles);
    ph_status status = tiles ? PH_OK : PH_MEMORY;
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
    free(tiles);
    return status;
}

static ph_status draw_table(const ph_data *d, const ph_data_info *info, const size_t *index,
                            size_t count, const char *path)
{
    ph_writer *w = ph_writer_open(path, &(ph_writer_desc){ .width = info->width });
    ph_real *row = malloc(info->width * sizeof *row);
    ph_status status = w == NULL ? ph_last_status() : row ? PH_OK : PH_MEMORY;
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        if (index[i] == SIZE_MAX)
            continue;
        status = ph_data_read(d, &index[i], 1, row);
        if (status == PH_OK)
            status = ph_writer_rows(w, row, 1);
    }
    free(row);
    if (status == PH_OK)
        return ph_writer_close(w);
    if (w)
        ph_writer_discard(w);
    return status;
}

static ph_status draw(const ph_data *d, const ph_data_info *info, double low, double high,
                      const char *path)
{
    size_t height, width, channels, lines = info->classes ? info->classes : ACROSS;
    if (lines > 100)
        lines = 100;
    size_t *index = malloc(lines * ACROSS * sizeof *index);
    if (index == NULL)
        return PH_MEMORY;
    choose(d, info, index, lines);
    bool pictures = cli_is_picture(info->rank, info->shape, &height, &width, &channels);
    ph_status status = pictures ? draw_tiles(d, info, index, lines, low, high, path)
                                : draw_table(d, info, index, lines * ACROSS, path);
    free(index);
    return status;
}

/* ---- In words -------------------------------------------------------------------------------- */

/* What a whole set comes to. */
typedef struct summary {
    ph_column *column;
    double low, high;
    size_t missing, infinite, constant;
    double entropy;            /* of bytes */
} summary;

/* Those of the table, where rows are windows of it. */
static size_t columns_of(const ph_data_info *info)
{
    return !info->table ? info->width : info->rank == 3 ? info->shape[2] : 1;
}

static ph_status sum_up(const ph_data *d, const ph_data_info *info, summary *s)
{
    *s = (summary){ .column = malloc(info->width * sizeof *s->column), .low = INFINITY,
                    .high = -INFINITY };
    size_t columns = columns_of(info);
    ph_status status = s->column ? ph_data_survey(d, s->column) : PH_MEMORY;
    for (size_t c = 0; c < info->width && status == PH_OK; c++) {
        const ph_column *at = &s->column[c];
        s->low = at->min < s->low ? at->min : s->low;
        s->high = at->max > s->high ? at->max : s->high;
        s->missing += at->missing;
        s->infinite += at->infinite;
        s->constant += c < columns && at->min == at->max;
        if (c < columns)
            continue;
        s->column[c % columns].missing += at->missing;
        s->column[c % columns].infinite += at->infinite;
    }
    return status == PH_OK && info->bytes ? ph_data_entropy(d, &s->entropy) : status;
}

/* Sounds, tables or pictures that are smaller than a window. */
static size_t count_small(const ph_data *d, const ph_data_info *info)
{
    size_t small = 0;
    ph_excerpt at;
    for (size_t r = 0; r < info->rows && ph_data_excerpt(d, r, &at); r++)
        small += at.place[0] == 0 && at.place[1] == 0 &&
                 (at.whole[0] < at.size[0] || at.whole[1] < at.size[1]);
    return small;
}

static void print_json(const ph_data *d, const ph_data_info *info, const summary *s,
                       const char *part)
{
    cli_json_begin();
    cli_json_text("name", info->name);
    cli_json_text("part", info->has_test ? part : "all");
    cli_json_number("rows", (double)info->rows);
    cli_json_list_begin("shape");
    for (size_t i = 0; i < info->rank; i++)
        cli_json_item_number((double)info->shape[i]);
    cli_json_list_end();
    cli_json_text("type", info->element);
    cli_json_text("format", info->format);
    cli_json_number("min", s->low);
    cli_json_number("max", s->high);
    cli_json_number("classes", (double)info->classes);
    cli_json_number("missing", (double)s->missing);
    cli_json_number("infinite", (double)s->infinite);
    cli_json_number("constant_columns", (double)s->constant);
    if (ph_data_column(d, 0)) {
        cli_json_list_begin("columns");
        for (size_t c = 0; c < columns_of(info); c++)
            cli_json_item_text(ph_data_column(d, c));
        cli_json_list_end();
    }
    if (ph_data_class(d, 0)) {
        cli_json_list_begin("class_names");
        for (size_t i = 0; i < info->classes; i++)
            cli_json_item_text(ph_data_class(d, i) ? ph_data_class(d, i) : "");
        cli_json_list_end();
    }
    if (info->pieces) {
        cli_json_number("pieces", (double)info->pieces);
        cli_json_text("window", info->window);
        cli_json_text("hop", info->hop);
        cli_json_number("small_pieces", (double)count_small(d, info));
    }
    if (info->rate) {
        cli_json_number("rate", info->rate);
        cli_json_text("coding", info->coding);
    }
    if (info->bytes)
        cli_json_number("entropy", s->entropy);
    if (info->id_column)
        cli_json_text("id_column", info->id_column);
    if (info->left_out)
        cli_json_text("left_out", info->left_out);
    cli_json_end();
}

static void print_classes(const ph_data *d, const ph_data_info *info)
{
    enum { MOST = 40 };
    size_t *count = count_classes(d, info);
    printf("%zu class%s:", info->classes, info->classes == 1 ? "" : "es");
    for (size_t i = 0; count && i < info->classes && i < MOST; i++) {
        const char *name = ph_data_class(d, i);
        if (name)
            printf(" %s (%zu)", cli_shown(name), count[i]);
        else
            printf(" %zu (%zu)", i, count[i]);
    }
    if (info->classes > MOST)
        printf(" ... and %zu more", info->classes - MOST);
    putchar('\n');
    free(count);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in alphabetical order, to find such as are there twice; NULL without names. */
static const char **sorted_names(const ph_data *d, const ph_data_info *info)
{
    size_t columns = columns_of(info);
    const char **names = ph_data_column(d, 0) ? malloc(columns * sizeof *names) : NULL;
    for (size_t c = 0; names && c < columns; c++)
        names[c] = ph_data_column(d, c);
    if (names)
        qsort(names, columns, sizeof *names, by_text);
    return names;
}

/* What is odd about a column, or NULL. */
static const char *oddity(const char *name, const char **names, const ph_data_info *info,
                          const ph_column *c, char text[128])
{
    size_t columns = columns_of(info);
    const char **at = names ? bsearch(&name, names, columns, sizeof *names, by_text) : NULL;
    bool twice = at && ((at > names && strcmp(at[-1], name) == 0) ||
                        (at + 1 < names + columns && strcmp(at[1], name) == 0));
    if (isnan(c->mean) && c->infinite == 0)
        return "no value at all";
    snprintf(text, 128, "%s%s%s", c->min == c->max ? "constant" : "",
             twice ? (c->min == c->max ? ", a name twice" : "a name twice") : "",
             name && *name == '\0' ? " without a name" : "");
    return *text ? text : NULL;
}

/* All columns of a table that is not too wide; of a wide one those that are odd. */
static void print_columns(const ph_data *d, const ph_data_info *info, const summary *s)
{
    enum { MOST = 40 };
    size_t shown = 0, columns = columns_of(info);
    const char **names = sorted_names(d, info);
    for (size_t c = 0; c < columns; c++) {
        const ph_column *at = &s->column[c];
        const char *name = ph_data_column(d, c);
        char text[128];
        const char *odd = oddity(name, names, info, at, text);
        if (columns > MOST && !odd && at->missing == 0 && at->infinite == 0)
            continue;
        if (shown == 0)
            printf("%s\n%6s %-24s %12s %12s %12s %12s %9s\n",
                   columns > MOST ? "columns with something odd:" : "columns:", "", "name", "min",
                   "max", "mean", "deviation", "missing");
        if (++shown > MOST)
            continue;
        printf("%6zu %-24.24s %12.6g %12.6g %12.6g %12.6g %9zu%s%s", c + 1, name ? cli_shown(name) : "", at->min,
               at->max, at->mean, at->deviation, at->missing, odd ? "  " : "", odd ? odd : "");
        if (at->infinite)
            printf("  %zu infinite", at->infinite);
        putchar('\n');
    }
    if (shown > MOST)
        printf("... and %zu more\n", shown - MOST);
    free(names);
}

/* The first numbers of a row; of bytes the letters that they are, and a dot for any other. */
static void print_row(const ph_data_info *info, const ph_real *row)
{
    enum { NUMBERS = 8, LETTERS = 64 };
    size_t most = info->bytes ? LETTERS : NUMBERS, shown = info->width < most ? info->width : most;
    if (info->bytes)
        putchar(' ');
    for (size_t c = 0; c < shown; c++)
        if (info->bytes)
            putchar(row[c] >= ' ' && row[c] <= '~' ? (int)row[c] : '.');
        else
            printf(" %.6g", (double)row[c]);
    if (info->width > shown)
        printf(" ... (%zu numbers)", info->width);
}

static ph_status print_rows(const ph_data *d, const ph_data_info *info)
{
    enum { ROWS = 5 };
    ph_real *row = malloc(info->width * sizeof *row);
    ph_status status = row ? PH_OK : PH_MEMORY;
    if (status == PH_OK)
        puts("first rows:");
    for (size_t r = 0; r < ROWS && r < info->rows && status == PH_OK; r++) {
        const char *id = ph_data_id(d, r);
        status = ph_data_read(d, &r, 1, row);
        printf("%6zu %s%s", r + 1, id ? cli_shown(id) : "", id ? ":" : "");
        if (status == PH_OK)
            print_row(info, row);
        if (ph_data_labels(d) && ph_data_labels(d)[r] != PH_NO_LABEL)
            printf("  [class %u]", ph_data_labels(d)[r]);
        putchar('\n');
    }
    free(row);
    return status;
}

/* Three pictures side by side in letters, dark to bright, about as wide as they are high. */
static ph_status print_pictures(const ph_data *d, const ph_data_info *info, double white)
{
    enum { PICTURES = 3, MOST = 40 };
    static const char ink[] = " .:-=+*#%@";
    size_t height, width, channels, count = info->rows < PICTURES ? info->rows : PICTURES;
    if (!cli_is_picture(info->rank, info->shape, &height, &width, &channels) || !(white > 0))
        return PH_OK;
    size_t longer = height > width ? height : width, step = (longer + MOST - 1) / MOST;
    ph_real *pixels = malloc(count * info->width * sizeof *pixels);
    ph_status status = pixels ? ph_data_read(d, (size_t[]){ 0, 1, 2 }, count, pixels) : PH_MEMORY;
    for (size_t y = 0; y < height && status == PH_OK; y += 2 * step) {
        for (size_t p = 0; p < count; p++) {
            fputs(p ? "  |  " : "", stdout);
            for (size_t x = 0; x < width; x += step) {
                double sum = 0;
                for (size_t c = 0; c < channels; c++)
                    sum += (double)pixels[p * info->width + (y * width + x) * channels + c];
                double share = sum / (double)channels / white * 9.999;
                putchar(ink[share < 0 ? 0 : share > 9 ? 9 : (int)share]);
            }
        }
        putchar('\n');
    }
    free(pixels);
    return status;
}

/* What the rows are windows of. */
static void print_pieces(const ph_data *d, const ph_data_info *info)
{
    size_t small = count_small(d, info);
    if (info->pieces == 0)
        return;
    const char *unit = info->bytes ? " bytes" : info->rate ? " samples" : info->table ? " lines" : "";
    const char *piece = info->bytes ? "file" : info->rate ? "sound" : info->table ? "table" : "picture";
    printf("rows are windows of %s%s, %s apart, of %zu %s%s\n", info->window, unit, info->hop, info->pieces,
           piece, info->pieces == 1 ? "" : "s");
    if (small)
        printf("%zu of them %s smaller than a window and continued in it by reflection\n", small,
               small == 1 ? "is" : "are");
    if (info->rate)
        printf("%s, %zu channel%s, %lu samples a second\n", info->coding, info->rank == 3 ? info->shape[2] : 1,
               info->rank == 3 ? "s" : "", (unsigned long)info->rate);
}

static ph_status print(const ph_data *d, const ph_data_info *info, const summary *s,
                       const char *part)
{
    char shape[96];
    printf("%s: %zu row%s of %s, %s numbers (%s), from %g to %g\n", info->name, info->rows,
           info->rows == 1 ? "" : "s", cli_shape(info->rank, info->shape, shape), info->element,
           info->format, s->low, s->high);
    if (info->id_column || ph_data_id(d, 0))
        printf("rows are named%s%s: %s, ...\n", info->id_column && !info->table ? " by " : "",
               info->id_column && !info->table ? cli_shown(info->id_column) : "", cli_shown(ph_data_id(d, 0)));
    print_pieces(d, info);
    if (info->left_out)
        printf("left out, as they hold no numbers: %s\n", cli_shown(info->left_out));
    if (s->missing)
        printf("%zu value%s missing (NaN)\n", s->missing, s->missing == 1 ? " is" : "s are");
    if (s->infinite)
        printf("%zu value%s infinite\n", s->infinite, s->infinite == 1 ? " is" : "s are");
    if (info->classes)
        print_classes(d, info);
    if (info->has_test)
        printf("this is :%s of its training and test parts: :train, :test, :all\n", part);
    if (info->rank > 1 && !info->table)
        return print_pictures(d, info, s->high);
    if (info->bytes)
        printf("%.4g bits a byte, by how often each is there\n", s->entropy);
    else
        print_columns(d, info, s);
    return print_rows(d, info);
}

static ph_status describe(const ph_data *d, const char *part, const char *picture, bool json)
{
    ph_data_info info;
    summary s;
    ph_data_describe(d, &info);
    ph_status status = sum_up(d, &info, &s);
    if (status == PH_OK && picture)
        status = draw(d, &info, s.low, s.high, picture);
    if (status == PH_OK && json)
        print_json(d, &info, &s, part);
    else if (status == PH_OK)
        status = print(d, &info, &s, part);
    free(s.column);
    return status;
}

/* One word is DATA; two are "get NAME". */
static int check_words(const cli_arguments *a, const data_options *o)
{
    bool get = strcmp(a->word[0], "get") == 0;
    size_t length = o->output ? strlen(o->output) : 0;
    if (get && a->words == 1)
        return cli_usage("get what? pinhole data get NAME (pinhole data --help lists the names)");
    if (get && o->output)
        return cli_usage("get draws no picture: --output is for pinhole data DATA");
    if (!get && a->words == 2)
        return cli_usage("'%s' is one word too many: pinhole data DATA", a->word[1]);
    if (o->output && (length < 4 || strcmp(o->output + length - 4, ".png") != 0))
        return cli_usage("%s: the picture's name should end in .png", o->output);
    return CLI_DONE;
}

static int show(const cli_arguments *a, const data_options *o)
{
    /* Here columns of text are told of, and nothing is lost when they are left out. */
    if (ph_settings_get(a->settings, "text-columns") == NULL &&
        ph_settings_set(a->settings, "text-columns", "drop") != PH_OK)
        return cli_fail();
    const char *part = cli_part(a->word[0]);
    part = part ? part : "test";
    ph_data *data = cli_open_quietly(a, a->word[0], part);
    int code = data && describe(data, part, o->output, a->json) == PH_OK ? CLI_DONE : cli_fail();
    ph_data_close(data);
    return code;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    data_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help)
        code = check_words(&a, &o);
    if (code == CLI_DONE && !a.help)
        code = a.words == 2 ? cli_get(&a) : show(&a, &o);
    cli_free(&a);
    return code;
}

const cli_command cli_data = {
    .name = "data", .words = "DATA | get NAME",
    .help = "what a set of data is; download fashion-mnist, mnist or cifar10",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 1, .most_words = 2, .reads = true, .run = run,
};
