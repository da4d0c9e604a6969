/* scores.c - how odd rows are: by what comes back of them, by where their codes lie among those of the
 * training rows, by both, by their likelihood. Formulas and sources: PH_SCORES in pinhole.h.
 */
#include "eval/eval.h"
#include "base/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct scorer {
    ph_model *model;
    double number;             /* behind the ":" of a kind */
    ph_mixture codes;          /* of the training rows */
    double error;              /* their mean error */
} scorer;

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for scores");
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

/* ---- Blurred errors ------------------------------------------------------------------------------ */

/* Half of a Gaussian that is cut at three deviations. */
typedef struct blur {
    size_t reach;
    double *weight;
} blur;

/* A line of n numbers, `stride` apart; at its ends the weights that are left make the mean. */
static void blur_line(const blur *b, const double *in, double *out, size_t n, size_t stride)
{
    for (size_t i = 0; i < n; i++) {
        size_t first = i > b->reach ? i - b->reach : 0, last = i + b->reach < n ? i + b->reach : n - 1;
        double sum = 0, weights = 0;
        for (size_t k = first; k <= last; k++) {
            double w = b->weight[k > i ? k - i : i - k];
            sum += w * in[k * stride];
            weights += w;
        }
        out[i * stride] = sum / weights;
    }
}

static double largest_blurred(const blur *b, const real *map, size_t height, size_t width, double *work)
{
    double *square = work, *lines = work + height * width, most = 0;
    for (size_t i = 0; i < height * width; i++)
        square[i] = (double)map[i] * (double)map[i];
    for (size_t y = 0; y < height; y++)
        blur_line(b, square + y * width, lines + y * width, width, 1);
    for (size_t x = 0; x < width; x++)
        blur_line(b, lines + x, square + x, height, width);
    for (size_t i = 0; i < height * width; i++)
        most = square[i] > most ? square[i] : most;
    return most;
}

static ph_status score_blurred(scorer *s, const ph_data *data, double *out)
{
    if (!ph_model_is_picture(s->model))
        return ph_fail(PH_USAGE, "score blurred: it is of pictures, and the model's rows are none");
    size_t height = s->model->row.dim[0], width = s->model->row.dim[1], size = height * width;
    size_t side = height > width ? height : width;
    blur b = { .reach = (size_t)fmin(ceil(3 * s->number), (double)side) };
    b.weight = malloc((b.reach + 1) * sizeof *b.weight);
    real *maps = malloc(PH_EVAL_ROWS * size * sizeof *maps);
    double *work = malloc(2 * size * sizeof *work);
    ph_status status = b.weight && maps && work ? PH_OK : out_of_memory();
    for (size_t i = 0; i <= b.reach && status == PH_OK; i++)
        b.weight[i] = i ? exp(-0.5 * pow((double)i / s->number, 2)) : 1;
    for (size_t first = 0; first < data->rows && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t count = data->rows - first < PH_EVAL_ROWS ? data->rows - first : PH_EVAL_ROWS;
        status = ph_model_error_maps(s->model, data, first, count, maps);
        for (size_t r = 0; r < count && status == PH_OK; r++)
            out[first + r] = largest_blurred(&b, maps + r * size, height, width, work);
    }
    free(b.weight);
    free(maps);
    free(work);
    return status;
}

/* ---- Codes ----------------------------------------------------------------------------------------- */

static ph_status score_codes(scorer *s, const ph_data *data, double *out)
{
    size_t width = s->codes.width;
    real *codes = malloc(PH_EVAL_ROWS * width * sizeof *codes);
    double *solved = malloc(width * sizeof *solved);
    ph_status status = codes && solved ? PH_OK : out_of_memory();
    for (size_t first = 0; first < data->rows && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t count = data->rows - first < PH_EVAL_ROWS ? data->rows - first : PH_EVAL_ROWS;
        status = ph_model_apply_data(s->model, "encode", data, first, count, codes);
        for (size_t r = 0; r < count && status == PH_OK; r++)
            out[first + r] = ph_mixture_distance(&s->codes, 0, codes + r * width, solved) / (double)width;
    }
    free(codes);
    free(solved);
    return status;
}

static ph_status fit_codes(scorer *s, const ph_data *training)
{
    ph_data *codes = ph_results(s->model, "encode", training);
    ph_status status = codes ? ph_mixture_of(&s->codes, codes) : ph_last_status();
    ph_data_close(codes);
    return status;
}

/* ---- Kinds ------------------------------------------------------------------------------------------ */

static ph_status score_errors(scorer *s, const ph_data *data, double *out)
{
    return ph_model_errors(s->model, data, 0, data->rows, out);
}

static ph_status fit_both(scorer *s, const ph_data *training)
{
    double *errors = malloc(training->rows * sizeof *errors);
    ph_status status = errors ? score_errors(s, training, errors) : out_of_memory();
    s->error = status == PH_OK ? mean_of(errors, training->rows) : 0;
    free(errors);
    if (status == PH_OK && !(s->error > 0))
        status = ph_fail(PH_USAGE, "score both: the training rows come back without any error");
    return status == PH_OK ? fit_codes(s, training) : status;
}

static ph_status score_both(scorer *s, const ph_data *data, double *out)
{
    double *distance = malloc(data->rows * sizeof *distance);
    ph_status status = distance ? score_errors(s, data, out) : out_of_memory();
    if (status == PH_OK)
        status = score_codes(s, data, distance);
    for (size_t r = 0; r < data->rows && status == PH_OK; r++)
        out[r] = out[r] / s->error + distance[r];
    free(distance);
    return status;
}

static ph_status score_likelihoods(scorer *s, const ph_data *data, double *out)
{
    if (!(s->number >= 1 && s->number <= 1e7 && s->number == floor(s->number)))
        return ph_fail(PH_USAGE, "score nll:%g: there are no such numbers of samples", s->number);
    PH_TRY(ph_likelihoods(s->model, data, (size_t)s->number, out));
    for (size_t r = 0; r < data->rows; r++)
        out[r] = -out[r];
    return PH_OK;
}

static ph_status score_bits(scorer *s, const ph_data *data, double *out)
{
    size_t rows;
    return ph_model_word_bits(s->model, data, NULL, out, &rows);
}

static const struct score_kind {
    const char *name;
    ph_status (*fit)(scorer *, const ph_data *training); /* NULL: there is nothing to fit */
    ph_status (*score)(scorer *, const ph_data *, double *out);
} kinds[] = {
    { "error", NULL, score_errors },   { "blurred:", NULL, score_blurred },
    { "code", fit_codes, score_codes }, { "both", fit_both, score_both },
    { "nll:", NULL, score_likelihoods }, { "bits", NULL, score_bits },
};

/* The kind that a text asks for, which must be one of PH_SCORES. */
static const struct score_kind *read_kind(scorer *s, const char *text)
{
    static const ph_option table[] = { { .name = "score", .type = PH_OPTION_CHOICE,
                                         .choices = PH_SCORES } };
    const char *read = NULL;
    const struct score_kind *found = NULL;
    ph_settings *set = ph_settings_new();
    if (set && ph_settings_set(set, "score", text) == PH_OK && ph_options_read(table, 1, set, &read) == PH_OK)
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && !found; i++)
            if (strncmp(text, kinds[i].name, strlen(kinds[i].name)) == 0)
                found = &kinds[i];
    ph_settings_free(set);
    s->number = found ? strtod(text + strlen(found->name), NULL) : 0;
    return found;
}

/* Where the share of the training rows ends. */
static ph_status find_threshold(scorer *s, const struct score_kind *kind, const ph_score_desc *d,
                                double *threshold)
{
    double *scores = malloc(d->training->rows * sizeof *scores);
    ph_status status = scores ? kind->score(s, d->training, scores) : out_of_memory();
    if (status == PH_OK) {
        size_t count = ph_model_fold(d->training, ph_model_fold_of(d->of_windows), scores);
        ph_sort_numbers(scores, count);
        *threshold = ph_at_share(scores, count, d->share);
    }
    free(scores);
    return status;
}

/* What the model keeps: of pieces, where it was trained on windows of several, else of its rows. */
static double kept_threshold(const scorer *s, const ph_data *data, const ph_score_desc *d)
{
    bool pieces = ph_data_excerpt(data, 0, &(ph_excerpt){ 0 });
    double kept = pieces ? ph_model_threshold_of(s->model, d->of_windows, d->share) : NAN;
    return isnan(kept) ? ph_model_threshold(s->model, d->share) : kept;
}

static ph_status run(scorer *s, const struct score_kind *kind, const ph_data *data, const ph_score_desc *d,
                     double *scores, double *threshold)
{
    if (kind->fit && d->training == NULL)
        return ph_fail(PH_USAGE, "score %s: it needs the training rows, with which it compares", kind->name);
    if (!(d->share >= 0 && d->share <= 1))
        return ph_fail(PH_USAGE, "score: %g is no share of the training rows", d->share);
    if (kind->fit)
        PH_TRY(kind->fit(s, d->training));
    PH_TRY(kind->score(s, data, scores));
    ph_model_fold(data, ph_model_fold_of(d->of_windows), scores);
    if (threshold && d->training)
        return find_threshold(s, kind, d, threshold);
    if (threshold)
        *threshold = kind->score == score_errors ? kept_threshold(s, data, d) : NAN;
    return PH_OK;
}

ph_status ph_model_score(ph_model *m, const ph_data *data, const ph_score_desc *desc, double *scores,
                         double *threshold)
{
    scorer s = { .model = m };
    ph_score_desc resolved = *desc, *d = &resolved;
    const struct score_kind *kind = read_kind(&s, d->score ? d->score : "error");
    PH_TRY(kind ? PH_OK : ph_last_status());
    d->of_windows = d->of_windows ? d->of_windows : "each";
    if (ph_model_fold_of(d->of_windows) == PH_FOLDS)
        return ph_fail(PH_USAGE, "score: of windows '%s': not largest, mean or each", d->of_windows);
    PH_TRY(ph_model_check_data(m, "reconstruct", data));
    if (d->training)
        PH_TRY(ph_model_check_data(m, "reconstruct", d->training));
    ph_status status = run(&s, kind, data, d, scores, threshold);
    ph_mixture_free(&s.codes);
    return status;
}
