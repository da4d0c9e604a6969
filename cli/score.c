/* score.c - pinhole score MODEL DATA: how odd each row is, which are odd, and where. Rows that are windows of
 * sounds, tables or pictures have one score for each of these, unless each window is asked for. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct score_options {
    const char *output, *maps, *score, *training, *normal, *of_windows;
    double quantile, threshold;
    int64_t maps_of;
} score_options;

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, offsetof(score_options, output), "-", 0, 0, NULL,
      "file, also -o: .csv, of row or id, error or other score, and whether it is odd; .npy, .npz or .safetensors, of "
      "the last two; - is standard output (CSV)" },
    { "score", NULL, PH_OPTION_CHOICE, offsetof(score_options, score), "error", 0, 0, PH_SCORES,
      "what makes a row odd: its squared error; the largest of a pixel, blurred over S pixels; how far its "
      "code is from those of the training rows; both, in units of their means; its likelihood by K samples; the "
      "bits of its words, by a prior" },
    { "of-windows", NULL, PH_OPTION_CHOICE, offsetof(score_options, of_windows), "largest", 0, 0,
      "largest mean each",
      "the score of a sound, table or picture that is cut into windows: the largest of theirs, or their mean; each: "
      "every window has a line and a map of its own, and of a table says from which line to which it is" },
    { "training", NULL, PH_OPTION_TEXT, offsetof(score_options, training), NULL, 0, 0, NULL,
      "the rows that the model was trained on, which code and both compare with" },
    { "normal-label", NULL, PH_OPTION_TEXT, offsetof(score_options, normal), NULL, 0, 0, NULL,
      "of rows with labels, the class that is not odd [0]; of --training only its rows are taken" },
    { "quantile", NULL, PH_OPTION_REAL, offsetof(score_options, quantile), "0.99", 0, 1, NULL,
      "a row is odd when its score is above that of this share of the training rows" },
    { "threshold", NULL, PH_OPTION_REAL, offsetof(score_options, threshold), "0", 0, 1e300, NULL,
      "a score to compare with in place of that; 0: none" },
    { "maps", NULL, PH_OPTION_TEXT, offsetof(score_options, maps), NULL, 0, 0, NULL,
      "folder for a PNG of each row that is a picture: the row, its reconstruction, and the error of its "
      "pixels as heat, on one scale" },
    { "maps-of", NULL, PH_OPTION_INT, offsetof(score_options, maps_of), "0", 0, 1e15, NULL,
      "only of so many rows, those of largest score; 0: all" },
};

typedef struct scores {
    cli_scored of;
    size_t odd;
    double threshold, mean, area, precision; /* the last two: NaN without two classes */
    bool by_windows;           /* the threshold is of windows, and what is compared with it of pieces */
    const char *normal;        /* the class that is not odd */
    size_t *order;             /* the one of largest error first */
    size_t maps;               /* drawn, on a scale that ends at `most` */
    double most;
} scores;

static const double *compared;

static int by_error(const void *a, const void *b)
{
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    double x = compared[i], y = compared[j];
    return x > y ? -1 : x < y ? 1 : (i > j) - (i < j);
}

static bool sort(const double *errors, scores *s)
{
    s->order = malloc(s->of.count * sizeof *s->order);
    for (size_t r = 0; s->order && r < s->of.count; r++)
        s->order[r] = r;
    compared = errors;
    if (s->order)
        qsort(s->order, s->of.count, sizeof *s->order, by_error);
    return s->order != NULL;
}

/* Finds what is scored; free of.first, also after a failure. */
static ph_status find_scored(const ph_data *data, const score_options *o, cli_scored *of)
{
    ph_data_info info;
    ph_excerpt at;
    ph_data_describe(data, &info);
    *of = (cli_scored){ .data = data, .first = malloc((info.rows + 1) * sizeof *of->first) };
    if (of->first == NULL)
        return PH_MEMORY;
    of->whole = strcmp(o->of_windows, "each") != 0 && ph_data_excerpt(data, 0, &at);
    for (size_t r = 0, piece = SIZE_MAX; r < info.rows; r++) {
        if (of->whole && ph_data_excerpt(data, r, &at) && at.piece == piece)
            continue;
        piece = of->whole ? at.piece : r;
        of->first[of->count++] = r;
    }
    of->first[of->count] = info.rows;
    return PH_OK;
}

const char *cli_scored_name(const cli_scored *s, size_t number)
{
    ph_excerpt at;
    return s->whole && ph_data_excerpt(s->data, s->first[number], &at) ? at.name
                                                                       : ph_data_id(s->data, number);
}

/* What they are called, several of them. */
static const char *kind_of(const cli_scored *s)
{
    ph_data_info info;
    ph_excerpt at;
    ph_data_describe(s->data, &info);
    return !s->whole || !ph_data_excerpt(s->data, 0, &at) ? "rows" : at.picture ? "pictures"
           : info.bytes ? "files" : info.table ? "tables" : "sounds";
}

/* A piece is odd where a window of it is: its label is the first that is not normal, or else any that it has. */
static uint32_t label_of(const cli_scored *s, const uint32_t *labels, uint32_t normal, size_t number)
{
    uint32_t found = PH_NO_LABEL;
    for (size_t r = s->first[number]; r < s->first[number + 1]; r++)
        if (labels[r] != PH_NO_LABEL && (found == PH_NO_LABEL || found == normal))
            found = labels[r];
    return found;
}

/* Area under the receiver operating characteristic, ties counted half, and average precision: rows of any
 * other class than the normal one are odd. */
static bool rank(const double *errors, const uint32_t *labels, uint32_t normal, scores *s)
{
    size_t *order = malloc(s->of.count * sizeof *order), odd = 0, found = 0;
    if (order == NULL)
        return false;
    size_t known = 0; /* rows without a label count neither way */
    for (size_t i = 0; i < s->of.count; i++) {
        uint32_t label = label_of(&s->of, labels, normal, s->order[i]);
        if (label != PH_NO_LABEL) {
            order[known++] = s->order[i];
            odd += label != normal;
        }
    }
    double area = 0, precision = 0;
    for (size_t i = 0, next; i < known; i = next) {
        size_t odd_here = 0;
        for (next = i; next < known && errors[order[next]] == errors[order[i]]; next++)
            odd_here += label_of(&s->of, labels, normal, order[next]) != normal;
        size_t normal_here = next - i - odd_here;
        area += (double)normal_here * ((double)found + (double)odd_here / 2);
        found += odd_here;
        precision += (double)odd_here * (double)found / (double)next;
    }
    free(order);
    bool both = odd > 0 && odd < known;
    s->area = both ? area / ((double)odd * (double)(known - odd)) : NAN;
    s->precision = both ? precision / (double)odd : NAN;
    return true;
}

static bool is_error(const score_options *o)
{
    return strcmp(o->score, "error") == 0;
}

static bool is_table(const char *path)
{
    return strcmp(path, "-") == 0 || cli_ends(path, ".csv");
}

typedef struct names {
    const cli_scored *of;
    const char *const *columns;
} names;

static const char *column_name(const void *user, size_t column)
{
    return ((const names *)user)->columns[column];
}

static const char *row_name(const void *user, size_t row)
{
    return cli_scored_name(((const names *)user)->of, row);
}

/* Lines of a table begin with a name, or else the row's number; rows of an array are where they are. Labels are
 * those of rows, not of what several rows are windows of. */
static ph_status write(const double *errors, const scores *s, const score_options *o)
{
    bool text = is_table(o->output), named = !text || cli_scored_name(&s->of, 0) != NULL;
    const char *columns[] = { "row", is_error(o) ? "error" : "score", "odd" };
    names called = { &s->of, columns + named };
    ph_writer *w = ph_writer_open(o->output, &(ph_writer_desc){
        .format = text ? "csv" : NULL, .width = named ? 2 : 3, .source = s->of.whole ? NULL : s->of.data,
        .column = column_name, .row = row_name, .user = &called });
    ph_status status = w ? PH_OK : ph_last_status();
    for (size_t r = 0; r < s->of.count && status == PH_OK; r++) {
        const ph_real line[3] = { (ph_real)(r + 1), (ph_real)errors[r], errors[r] > s->threshold };
        status = ph_writer_rows(w, line + named, 1);
    }
    if (status == PH_OK)
        return ph_writer_close(w);
    if (w)
        ph_writer_discard(w);
    return status;
}

static void tell(const scores *s, const score_options *o, bool json)
{
    if (json) {
        cli_json_begin();
        cli_json_number("rows", (double)s->of.first[s->of.count]);
        if (s->of.whole)
            cli_json_number("pieces", (double)s->of.count);
        cli_json_number("odd", (double)s->odd);
        cli_json_number("threshold", s->threshold);
        cli_json_number(is_error(o) ? "mean_error" : "mean_score", s->mean);
        if (!isnan(s->area)) {
            cli_json_text("normal", s->normal);
            cli_json_number("roc_auc", s->area);
            cli_json_number("average_precision", s->precision);
        }
        if (s->maps) {
            cli_json_number("maps", (double)s->maps);
            cli_json_number("maps_scale", s->most);
        }
        cli_json_end();
        return;
    }
    fprintf(stderr, "%zu of %zu %s are odd: %s%s above %.6g", s->odd, s->of.count, kind_of(&s->of),
            !s->of.whole ? "" : strcmp(o->of_windows, "mean") == 0 ? "mean over windows of the " : "largest ",
            is_error(o) ? "error" : "score", s->threshold);
    if (o->threshold > 0)
        fputs(", as given\n", stderr);
    else
        fprintf(stderr, ", which %g %% of the training %s stayed below\n", 100 * o->quantile,
                s->by_windows ? "windows" : kind_of(&s->of));
    if (!isnan(s->area))
        fprintf(stderr, "against the labels (class %s normal): roc_auc %.4f, average_precision %.4f\n",
                cli_shown(s->normal), s->area, s->precision);
    if (s->maps)
        fprintf(stderr, "%s: %zu map%s of errors: picture, reconstruction, heat over it from 0 (none) to %.4g (dark), "
                "the root of a pixel's squared error in the model's input scale\n", o->maps, s->maps,
                s->maps == 1 ? "" : "s", s->most);
}

static int draw_maps(const cli_arguments *a, const score_options *o, ph_model *m, scores *s)
{
    size_t count = o->maps_of && (size_t)o->maps_of < s->of.count ? (size_t)o->maps_of : s->of.count;
    int code = cli_draw_maps(a, m, &s->of, s->order, count, o->maps, &s->most);
    s->maps = code == CLI_DONE ? count : 0;
    return code;
}

/* The class that is normal: PH_NO_LABEL where there are no labels. Returns the exit status. */
static int find_normal(const score_options *o, const ph_data *data, uint32_t *normal)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    *normal = ph_data_labels(data) ? 0 : PH_NO_LABEL;
    if (o->normal == NULL)
        return CLI_DONE;
    if (*normal == PH_NO_LABEL)
        return cli_usage("%s: normal-label: its rows have no labels", info.name);
    *normal = ph_data_find_class(data, o->normal);
    return *normal != PH_NO_LABEL ? CLI_DONE
                                  : cli_usage("%s: normal-label: '%s' is none of its classes", info.name,
                                              cli_shown(o->normal));
}

/* The rows to compare with; where they have labels, those of the normal class alone: by its name, where it has
 * one, since sets may number their classes otherwise. */
static ph_data *open_training(const cli_arguments *a, const score_options *o, const ph_model *m,
                              const ph_data *data, uint32_t normal)
{
    const char *name = ph_data_class(data, normal);
    ph_data *all = cli_open_for(a, m, "reconstruct", o->training, "train");
    if (all == NULL || o->normal == NULL || ph_data_labels(all) == NULL)
        return all;
    ph_data_close(all);
    if (ph_settings_set(a->settings, "only-label", name ? name : o->normal) != PH_OK)
        return NULL;
    return cli_open_for(a, m, "reconstruct", o->training, "train");
}

/* Scores of rows, their order and figures. */
static ph_status measure(ph_model *m, const ph_data *data, const ph_data *training, const score_options *o,
                         uint32_t normal, double *errors, scores *s)
{
    ph_status status = ph_model_score(m, data, &(ph_score_desc){
        .score = o->score, .training = training, .share = o->quantile, .of_windows = o->of_windows },
        errors, &s->threshold);
    s->threshold = o->threshold > 0 ? o->threshold : s->threshold;
    s->by_windows = s->of.whole && !o->training && isnan(ph_model_threshold_of(m, o->of_windows, 0));
    for (size_t r = 0; r < s->of.count && status == PH_OK; r++) {
        s->odd += errors[r] > s->threshold;
        s->mean += errors[r] / (double)s->of.count;
    }
    if (status == PH_OK && (!sort(errors, s) ||
                            (normal != PH_NO_LABEL && !rank(errors, ph_data_labels(data), normal, s))))
        status = PH_MEMORY;
    return status;
}

static int score(const cli_arguments *a, const score_options *o, ph_model *m, const ph_data *data)
{
    ph_data_info info;
    uint32_t normal;
    ph_data_describe(data, &info);
    scores s = { .area = NAN, .precision = NAN };
    int code = find_normal(o, data, &normal);
    if (code != CLI_DONE)
        return code;
    const char *first = ph_data_class(data, 0);
    s.normal = o->normal ? o->normal : first ? first : "0";
    bool known = o->threshold > 0 || o->training || (is_error(o) && !isnan(ph_model_threshold(m, 0)));
    if (!known && is_error(o))
        return cli_usage("%s keeps no errors of its training rows; give --training or --threshold",
                         a->word[0]);
    if (!known)
        return cli_usage("score %s: what is odd? Give the training rows with --training DATA, or --threshold",
                         o->score);
    ph_data *training = o->training ? open_training(a, o, m, data, normal) : NULL;
    double *errors = malloc(info.rows * sizeof *errors);
    ph_status status = o->training && !training ? ph_last_status() : errors ? PH_OK : PH_MEMORY;
    if (status == PH_OK)
        status = find_scored(data, o, &s.of);
    if (status == PH_OK)
        status = measure(m, data, training, o, normal, errors, &s);
    code = status == PH_OK ? CLI_DONE : cli_fail();
    if (code == CLI_DONE && o->maps)
        code = draw_maps(a, o, m, &s);
    bool written = strcmp(o->output, "-") != 0 || !a->json;
    if (code == CLI_DONE && written && write(errors, &s, o) != PH_OK)
        code = cli_fail();
    free(errors);
    ph_data_close(training);
    if (code == CLI_DONE)
        tell(&s, o, a->json);
    free(s.order);
    free(s.of.first);
    return code;
}

/* What goes together is asked before anything is opened. */
static int check(const score_options *o)
{
    if (cli_ends(o->output, ".png"))
        return cli_usage("%s: scores are numbers and no picture: .csv, .npy, .npz or .safetensors (--maps draws "
                         "errors)", o->output);
    return CLI_DONE;
}

static int run(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    score_options o = { 0 };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = cli_options(c, &a, &o);
    if (code == CLI_DONE && !a.help)
        code = check(&o);
    if (code == CLI_DONE && !a.help) {
        ph_model *m = ph_model_load(a.word[0]);
        ph_data *data = m ? cli_open_for(&a, m, "reconstruct", a.word[1], "test") : NULL;
        code = data ? score(&a, &o, m, data) : cli_fail();
        ph_data_close(data);
        ph_model_free(m);
    }
    cli_free(&a);
    return code;
}

const cli_command cli_score = {
    .name = "score", .words = "MODEL DATA", .help = "how odd each row is, and which are",
    .options = table, .option_count = sizeof table / sizeof table[0],
    .least_words = 2, .most_words = 2, .reads = true, .run = run,
    .needs = (const char *const[]){ "maps-of", "--maps", NULL },
};
