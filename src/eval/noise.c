/* noise.c - how well rows come back from noise: the mean squared error of corrupted and of restored
 * rows against the clean ones, over the whole set, in the model's input scale. Noise is measured as
 * it is, not clipped to the range of the data, as in training.
 *
 * The signal of a signal-to-noise ratio is what the set's numbers differ by from their mean over all rows and
 * columns: a brightness or an offset that all of them share is none, so that the ratio of a set does not hang
 * on where its scale has its zero. (Of rows that are standardised that mean is 0, and of sounds it is about
 * that.)
 */
#include "eval/eval.h"

#include "model/noise.h"

#include <math.h>

static double squares(const real *x, const real *y, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sum;
}

/* Sum of squares about the mean of numbers that come one by one (Welford 1962). */
typedef struct signal {
    double count, mean, squares;
} signal;

static void add(signal *s, const real *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double delta = (double)x[i] - s->mean;
        s->mean += delta / ++s->count;
        s->squares += delta * ((double)x[i] - s->mean);
    }
}

ph_status ph_noise_measure(ph_noise *n, const ph_data *data, ph_figures *figures)
{
    ph_study s = { .model = n->model, .figures = figures };
    double corrupted = 0, restored = 0, numbers = (double)data->rows * (double)data->width;
    signal clean = { 0 };
    for (size_t first = 0; first < data->rows;) {
        ph_noisy block;
        PH_TRY(ph_noise_block(n, data, first, data->rows - first, &block));
        corrupted += squares(block.corrupted, block.clean, block.count * data->width) / numbers;
        restored += squares(block.restored, block.clean, block.count * data->width) / numbers;
        add(&clean, block.clean, block.count * data->width);
        first += block.count;
    }
    PH_TRY(ph_study_add(&s, "mse_corrupted", corrupted, "mean over all elements of %zu rows with "
                        "noise %s, seed %llu, not clipped, against the clean ones, in the model's "
                        "input scale", data->rows, n->kind, (unsigned long long)n->seed));
    PH_TRY(ph_study_add(&s, "mse_restored", restored, "the same of their reconstructions"));
    double power = clean.squares / numbers;
    if (power > 0) {
        PH_TRY(ph_study_add(&s, "snr_before", 10 * log10(power / corrupted), "dB, of the squares of all clean "
                            "numbers less their mean, to those of what mse_corrupted is the mean of"));
        PH_TRY(ph_study_add(&s, "snr_after", 10 * log10(power / restored), "dB, the same of mse_restored"));
    }
    if (!ph_model_has_peak(n->model))
        return PH_OK;
    PH_TRY(ph_study_add(&s, "psnr_corrupted", -10 * log10(corrupted),
                        "dB, of mse_corrupted, peak 1"));
    return ph_study_add(&s, "psnr_restored", -10 * log10(restored), "dB, of mse_restored, peak 1");
}

ph_status ph_study_noise(ph_study *s)
{
    ph_noise *n = ph_noise_new(s->model, s->asked->noise, s->asked->noise_seed);
    ph_status status = n ? ph_noise_measure(n, s->data, s->figures) : ph_last_status();
    ph_noise_free(n);
    return status;
}
