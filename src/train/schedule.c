/* schedule.c - the learning rate over the epochs, the order of rows in an epoch, the rows that are held out,
 * and some of many rows.
 */
#include "base/philox.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double ph_schedule_rate(const ph_trainer_options *o, double epoch, double plateau)
{
    double rate = o->lr;
    if (epoch < o->warmup)
        return rate * epoch / o->warmup;
    if (strcmp(o->schedule, "step") == 0)
        rate *= pow(o->decay, floor(epoch / (double)o->step_every));
    if (strcmp(o->schedule, "plateau") == 0)
        rate = fmax(o->lr_min, rate * plateau);
    if (strcmp(o->schedule, "cosine") == 0 && (double)o->epochs > o->warmup) {
        double done = (epoch - o->warmup) / ((double)o->epochs - o->warmup);
        rate = o->lr_min + (rate - o->lr_min) * 0.5 * (1 + cos(M_PI * fmin(done, 1)));
    }
    return rate;
}

/* A number from 0 to n-1. */
static size_t draw_below(size_t n, const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t bits[4];
    ph_philox(bits, counter, key);
    return (size_t)(((unsigned __int128)(((uint64_t)bits[0] << 32) | bits[1]) * n) >> 64);
}

void ph_shuffle(size_t *order, size_t n, uint64_t seed, uint64_t epoch)
{
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) ^ 0x4f524445u };
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        uint32_t counter[4] = { (uint32_t)i, (uint32_t)(i >> 32), (uint32_t)epoch,
                                (uint32_t)(epoch >> 32) };
        size_t k = draw_below(i, counter, key);
        size_t moved = order[i - 1];
        order[i - 1] = order[k];
        order[k] = moved;
    }
}

size_t ph_spread(size_t i, size_t count, size_t rows)
{
    size_t first = (size_t)((unsigned __int128)i * rows / count);
    size_t end = (size_t)(((unsigned __int128)i + 1) * rows / count);
    uint32_t counter[4] = { (uint32_t)i, (uint32_t)((uint64_t)i >> 32) };
    return first + draw_below(end - first, counter, (uint32_t[]){ 0, 0x53505244u });
}

size_t *ph_split_rows(size_t n, size_t held_out, uint64_t seed)
{
    size_t *shuffled = malloc(n * sizeof *shuffled), *rows = malloc(n * sizeof *rows);
    bool *held = calloc(n, sizeof *held);
    if (shuffled && rows && held) {
        ph_shuffle(shuffled, n, seed, UINT64_MAX);
        for (size_t i = 0; i < held_out; i++)
            held[shuffled[i]] = true;
        size_t trained = 0, validated = n - held_out;
        for (size_t i = 0; i < n; i++)
            rows[held[i] ? validated++ : trained++] = i;
    } else {
        free(rows);
        rows = NULL;
    }
    free(shuffled);
    free(held);
    return rows;
}
