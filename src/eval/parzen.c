/* parzen.c - how likely rows are, by Gaussian windows around many draws from the model (Parzen 1962; for
 * generative models Breuleux, Bengio and Vincent 2011): the mean over draws g of N(x; g, deviation^2).
 *
 * The deviation is the one, on a ladder, under which rows of the training part are likeliest. Draws come
 * in blocks, so any number of them takes the same memory. In many dimensions the estimate is a poor one,
 * and higher is not always better (Theis, van den Oord and Bethge 2016): it is here to be compared with
 * what was published.
 */
#include "eval/eval.h"

#include <math.h>
#include <stdlib.h>

enum { LADDER = 61, CHOOSING_ROWS = 1000 };

static const char protocol[] = "nats per row in the model's input scale: Gaussian windows around %zu "
                               "draws from the prior, seed 1; deviation by %zu other rows (%s); a "
                               "fragile measure (Theis et al. 2016)";

/* Sums over draws for `count` rows and `steps` deviations: of exp(-(d - low) / (2 deviation^2)), where d is
 * the squared distance without the row's own norm and low the least d so far. */
typedef struct windows {
    ph_distances d;
    size_t steps;
    double factor[LADDER];     /* -1 / (2 deviation^2) */
    double *low, *sum;
} windows;

static double deviation_of(size_t step)
{
    return pow(10, -2 + 3.0 * (double)step / (LADDER - 1));
}

static void add_line(void *context, size_t row, size_t first, const real *distance, size_t n)
{
    windows *w = context;
    double least = w->low[row], *sum = w->sum + row * w->steps;
    (void)first;
    for (size_t c = 0; c < n; c++)
        least = fmin(least, (double)distance[c]);
    for (size_t k = 0; k < w->steps; k++) {
        if (least < w->low[row])
            sum[k] *= exp((w->low[row] - least) * w->factor[k]);
        for (size_t c = 0; c < n; c++)
            sum[k] += exp(((double)distance[c] - least) * w->factor[k]);
    }
    w->low[row] = least;
}

static ph_status draw_all(windows *w, ph_study *s)
{
    ph_model *m = s->model;
    size_t draws = s->asked->parzen_draws, code, out;
    PH_TRY(ph_model_port(m, "decode", &code, &out));
    real *codes = malloc(PH_EVAL_ROWS * code * sizeof *codes);
    ph_status status = codes ? PH_OK : ph_fail(PH_MEMORY, "out of memory for draws");
    for (size_t first = 0; first < draws && status == PH_OK; first += PH_EVAL_ROWS) {
        size_t count = draws - first < PH_EVAL_ROWS ? draws - first : PH_EVAL_ROWS;
        status = ph_model_draw_codes(m, &(ph_draws){ .from = "prior", .seed = 1 }, first, count, codes);
        if (status == PH_OK)
            status = ph_model_apply(m, "decode", codes, count, w->d.block);
        if (status == PH_OK)
            status = ph_scaling_apply_to(&m->scaling, first, w->d.block, count, w->d.width);
        if (status == PH_OK)
            ph_distances_visit(&w->d, count, add_line, w);
    }
    free(codes);
    return status;
}

static double log_likelihood(const windows *w, size_t row, size_t step, size_t draws)
{
    double squared = w->low[row] + ph_squares(w->d.rows + row * w->d.width, w->d.width);
    double width = (double)w->d.width;
    return log(w->sum[row * w->steps + step] / (double)draws) + squared * w->factor[step] -
           width / 2 * log(-M_PI / w->factor[step]);
}

/* Mean over rows, and its standard error. */
static double mean_of(const windows *w, size_t step, size_t draws, double *error)
{
    double mean = 0, square = 0;
    for (size_t r = 0; r < w->d.count; r++) {
        double delta = log_likelihood(w, r, step, draws) - mean; /* Welford (1962) */
        mean += delta / (double)(r + 1);
        square += delta * delta * (double)r / (double)(r + 1);
    }
    double n = (double)w->d.count;
    *error = n > 1 ? sqrt(square / (n - 1) / n) : 0;
    return mean;
}

/* `count` rows spread over data, under every step of the ladder from `first` on. */
static ph_status weigh(windows *w, ph_study *s, const ph_data *data, size_t count, size_t first,
                       size_t steps)
{
    PH_TRY(ph_distances_begin(&w->d, count, data->width));
    w->steps = steps;
    w->low = malloc(count * sizeof *w->low);
    w->sum = calloc(count * steps, sizeof *w->sum);
    if (w->low == NULL || w->sum == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the windows of %zu rows", count);
    for (size_t k = 0; k < steps; k++)
        w->factor[k] = -0.5 / (deviation_of(first + k) * deviation_of(first + k));
    for (size_t r = 0; r < count; r++) {
        size_t row = ph_spread(r, count, data->rows);
        w->low[r] = INFINITY;
        PH_TRY(ph_data_read_scaled(data, &s->model->scaling, &row, 1, w->d.rows + r * data->width));
    }
    return draw_all(w, s);
}

static void forget(windows *w)
{
    ph_distances_end(&w->d);
    free(w->low);
    free(w->sum);
    *w = (windows){ .steps = 0 };
}

static ph_status choose(windows *w, ph_study *s, size_t rows, size_t *step)
{
    double most = -INFINITY, error;
    PH_TRY(weigh(w, s, s->fit, rows, 0, LADDER));
    for (size_t k = 0; k < LADDER; k++) {
        double mean = mean_of(w, k, s->asked->parzen_draws, &error);
        if (mean > most) {
            most = mean;
            *step = k;
        }
    }
    return PH_OK;
}

ph_status ph_study_parzen(ph_study *s)
{
    windows w = { .steps = 0 };
    size_t draws = s->asked->parzen_draws, step = 0;
    size_t rows = s->fit->rows < CHOOSING_ROWS ? s->fit->rows : CHOOSING_ROWS;
    if (!ph_model_has_prior(s->model))
        return ph_fail(PH_USAGE, "parzen: a model of family %s has no prior to draw from",
                       s->model->family->face.name);
    double mean = 0, error = 0;
    ph_status status = choose(&w, s, rows, &step);
    forget(&w);
    if (status == PH_OK)
        status = weigh(&w, s, s->test, s->test->rows, step, 1);
    if (status == PH_OK)
        mean = mean_of(&w, 0, draws, &error);
    forget(&w);
    PH_TRY(status);
    PH_TRY(ph_study_add(s, "parzen", mean, protocol, draws, rows, s->parts));
    PH_TRY(ph_study_add(s, "parzen_se", error, "its standard error over rows"));
    return ph_study_add(s, "parzen_deviation", deviation_of(step), "of a window, out of %d from 0.01 to "
                        "10", LADDER);
}
