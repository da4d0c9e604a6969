/* fit.c - the training loop: batches, phases, schedule, validation, best weights, checkpoints.
 *
 * Everything the loop depends on is a function of seed, epoch and step or stands in the trainer's
 * progress, so a run that was stopped and resumed equals, bit for bit, the one that was not.
 */
#include "train/fit.h"

#include "base/json.h"
#include "base/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The rate of the schedule, which begins with training proper. */
static double rate_at(const ph_fitting *f, double epoch)
{
    const ph_trainer *t = f->t;
    int preparing = ph_trainer_preparing(t, t->progress.epoch);
    if (preparing >= 0)
        return t->graph->phase[preparing].lr > 0 ? t->graph->phase[preparing].lr : t->o.lr;
    return ph_schedule_rate(&t->o, epoch - (double)t->prelude, t->progress.plateau);
}

/* Of the last step that was done. */
static double rate(const ph_fitting *f)
{
    const ph_trainer_progress *p = &f->t->progress;
    return rate_at(f, (double)p->epoch + (double)p->batch / (double)f->batches);
}

/* Figures that this epoch has: a phase that prepares tells its loss alone. */
static int figures(const ph_fitting *f, int64_t epoch)
{
    return ph_trainer_preparing(f->t, epoch) < 0 ? f->t->figure_count : 1;
}

/* Lists that it has. */
static int lists(const ph_fitting *f, int64_t epoch)
{
    return ph_trainer_preparing(f->t, epoch) < 0 ? f->t->list_count : 0;
}

/* ---- Telling --------------------------------------------------------------------------------------- */

static void tell(ph_fitting *f, ph_event event, const double *sum, double rows, double lr, const char *note)
{
    const ph_trainer *t = f->t;
    if (f->hooks->progress == NULL)
        return;
    double elapsed = now() - f->began, since = now() - f->logged_at;
    double trained = (double)(t->progress.step - f->logged_step) * (double)f->batch_size;
    ph_progress p = { .event = event, .epoch = t->progress.epoch, .epochs = t->prelude + t->o.epochs,
                      .step = t->progress.step, .steps = (t->prelude + t->o.epochs) * f->batches,
                      .rows = f->rows, .seconds = elapsed, .lr = lr, .note = note,
                      .rows_per_second = since > 0 ? trained / since : 0 };
    for (int i = 0; i < figures(f, t->progress.epoch - (event == PH_EVENT_EPOCH)); i++)
        p.figures.at[p.figures.count++] = (ph_figure){ t->figure_name[i], t->figure_unit[i],
                                                       rows > 0 ? sum[i] / rows : NAN };
    for (int i = 0; f->has_val && i < t->figure_count &&
                    p.figures.count < sizeof p.figures.at / sizeof p.figures.at[0]; i++)
        p.figures.at[p.figures.count++] = (ph_figure){ t->figure_name[PH_MAX_FIGURES + i],
                                                       t->figure_unit[i], f->val[i] };
    f->hooks->progress(f->hooks->context, &p);
}

/* The line of the epoch that is about to be counted in the training record, which the model file
 * keeps. */
static ph_status record(ph_fitting *f)
{
    ph_trainer *t = f->t;
    ph_json_out line = { 0 };
    const ph_trainer_progress *p = &t->progress;
    double rows = (double)p->rows;
    ph_json_put(&line, "{\"epoch\":%lld,\"step\":%lld,\"seconds\":%.6g,\"lr\":%.9g",
                (long long)p->epoch + 1, (long long)p->step, p->seconds, rate(f));
    for (int i = 0; i < figures(f, p->epoch); i++)
        ph_json_put(&line, ",\"%s\":%.9g", t->figure_name[i], p->sum[i] / rows);
    for (int i = 0; f->has_val && i < t->figure_count; i++)
        ph_json_put(&line, ",\"%s\":%.9g", t->figure_name[PH_MAX_FIGURES + i], f->val[i]);
    for (int i = 0; i < lists(f, p->epoch); i++) {
        ph_json_put(&line, ",\"%s\":[", t->graph->list[i].name);
        for (size_t k = 0; k < ph_width(t->graph->list[i].value); k++)
            ph_json_put(&line, "%s%.5g", k ? "," : "", p->list[i][k] / rows);
        ph_json_put(&line, "]");
    }
    ph_json_put(&line, "}\n");
    char *grown = line.failed ? NULL : realloc(t->history, t->history_size + line.used + 1);
    if (grown) {
        memcpy(grown + t->history_size, line.text, line.used + 1);
        t->history = grown;
        t->history_size += line.used;
    }
    free(line.text);
    return grown ? PH_OK : ph_fail(PH_MEMORY, "out of memory for the record of training");
}

/* ---- Steps and epochs -------------------------------------------------------------------------------- */

static ph_status save(ph_fitting *f)
{
    return f->hooks->save ? f->hooks->save(f->hooks->context) : PH_OK;
}

/* A checkpoint that cannot be saved, because the disk is full for a while, is no reason to lose what
 * is in memory: it is told, and the next one comes in its time. */
static void checkpoint(ph_fitting *f)
{
    if (save(f) != PH_OK)
        tell(f, PH_EVENT_NOT_SAVED, f->logged, (double)f->logged_rows, rate(f), ph_message());
    f->saved_at = now();
}

/* Back to the weights of the last epoch, which are saved, with word of where it happened and which
 * reported term, if one did, became infinite or NaN with the loss. */
static ph_status diverged(ph_fitting *f)
{
    ph_trainer *t = f->t;
    const char *term = t->figure_name[0];
    for (int i = 1; i < t->figure_count && ph_trainer_preparing(t, t->progress.epoch) < 0; i++)
        if (!isfinite(ph_program_output(f->phase[t->lead], i)[0]))
            term = t->figure_name[i];
    ph_trainer_restore(t, f->good);
    PH_TRY(save(f));
    return ph_fail(PH_DIVERGED, "step %lld of epoch %lld: %s is not a finite number any more; the "
                   "weights are those from the end of epoch %lld. A lower --lr, --clip-norm 1 or "
                   "another --scaling may help", (long long)t->progress.batch + 1,
                   (long long)t->progress.epoch + 1, term, (long long)t->progress.epoch);
}

/* Rows by index, and their labels where the graph takes them. */
static ph_status fetch(ph_fitting *f, const ph_data *data, const size_t *index, size_t count)
{
    PH_TRY(ph_fetch(data, f->t->scaling, index, count, f->batch));
    return f->classes ? ph_fetch_labels(data, index, count, f->classes, f->labels) : PH_OK;
}

static ph_status one_step(ph_fitting *f, double *lr)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    size_t first = (size_t)p->batch * f->batch_size;
    size_t count = f->rows - first < f->batch_size ? f->rows - first : f->batch_size;
    PH_TRY(fetch(f, f->data, f->order + first, count));
    double epoch = (double)p->epoch + (double)(p->batch + 1) / (double)f->batches;
    *lr = rate_at(f, epoch);
    int preparing = ph_trainer_preparing(t, p->epoch);
    size_t rows[PH_MAX_SETS] = { 1, count };
    const void *bound[] = { f->batch, f->labels };
    if (t->schedule)
        t->schedule(t->graph, t->family_options, (double)(p->epoch - t->prelude) +
                                                     (double)p->batch / (double)f->batches);
    for (int i = 0; i < t->graph->phase_count; i++) {
        char name[32];
        if (preparing >= 0 ? i != preparing : t->graph->phase[i].epochs > 0)
            continue;
        snprintf(name, sizeof name, t->graph->phase_count > 1 ? "lr%d" : "lr", i + 1);
        ph_knob_set(t->graph, name, *lr);
        f->phase[i]->noise_step = (uint32_t)p->step;
        ph_status status = ph_program_run(f->phase[i], rows, bound);
        if (status == PH_DIVERGED)
            return diverged(f);
        PH_TRY(status);
    }
    ph_program *telling = f->phase[preparing >= 0 ? preparing : t->lead];
    for (int i = 0; i < figures(f, p->epoch); i++) {
        double value = (double)ph_program_output(telling, i)[0] * (double)count;
        p->sum[i] += value;
        f->logged[i] += value;
    }
    for (int i = 0; i < lists(f, p->epoch); i++) {
        const real *value = ph_program_output(telling, t->figure_count + i);
        for (size_t k = 0; k < ph_width(t->graph->list[i].value); k++)
            p->list[i][k] += (double)value[k] * (double)count;
    }
    f->logged_rows += (int64_t)count;
    p->rows += (int64_t)count;
    p->batch++;
    p->step++;
    p->seconds += now() - f->step_began;
    f->step_began = now();
    return PH_OK;
}

static ph_status measure(ph_fitting *f)
{
    const ph_trainer *t = f->t;
    memset(f->val, 0, sizeof f->val);
    if (t->schedule)
        t->schedule(t->graph, t->family_options, INFINITY);
    for (size_t first = 0; first < f->validation_count; first += f->batch_size) {
        size_t left = f->validation_count - first;
        size_t count = left < f->batch_size ? left : f->batch_size;
        PH_TRY(fetch(f, f->validation, f->validation_rows + first, count));
        PH_TRY(ph_program_run(f->measure, (size_t[PH_MAX_SETS]){ 1, count },
                              (const void *[]){ f->batch, f->labels }));
        for (int i = 0; i < t->figure_count; i++)
            f->val[i] += (double)ph_program_output(f->measure, i)[0] * (double)count /
                         (double)f->validation_count;
    }
    f->has_val = true;
    return PH_OK;
}

/* What follows from the validation loss: best weights, plateau. */
static void judge(ph_fitting *f)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    if (f->val[0] < p->best) {
        p->best = f->val[0];
        p->best_epoch = p->epoch;
        p->waited = 0;
        if (t->best == NULL) {
            t->best = f->spare;
            f->spare = NULL;
        }
        ph_trainer_snapshot(t, t->best);
    } else if (++p->waited >= t->o.patience && strcmp(t->o.schedule, "plateau") == 0) {
        p->plateau *= t->o.decay;
        p->waited = 0;
    }
}

/* Why training ends before its last epoch, or NULL: of the progress alone, so that a run resumed
 * here ends as well. */
static const char *early_end(const ph_fitting *f)
{
    const ph_trainer *t = f->t;
    int64_t best = t->progress.best_epoch > t->prelude ? t->progress.best_epoch : t->prelude;
    bool waited = t->progress.epoch - best >= t->o.early_stop;
    return t->o.early_stop > 0 && waited ? "early stop: the validation loss has not improved" : NULL;
}

/* What can fail comes first: a failure finds the epoch not yet ended, and it is ended when resumed. */
static ph_status end_epoch(ph_fitting *f)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    double lr = rate(f);
    bool validates = f->validation && ph_trainer_preparing(t, p->epoch) < 0;
    if (validates)
        PH_TRY(measure(f));
    PH_TRY(record(f));
    p->epoch++;
    p->batch = 0;
    if (validates)
        judge(f);
    tell(f, PH_EVENT_EPOCH, p->sum, (double)p->rows, lr, early_end(f));
    memset(p->sum, 0, sizeof p->sum);
    memset(p->list, 0, sizeof p->list);
    p->rows = 0;
    ph_trainer_snapshot(t, f->good);
    if (f->checkpoint_epochs && p->epoch % f->checkpoint_epochs == 0 &&
        p->epoch < t->prelude + t->o.epochs)
        checkpoint(f);
    return PH_OK;
}

static void restart_log(ph_fitting *f)
{
    memset(f->logged, 0, sizeof f->logged);
    f->logged_rows = 0;
    f->logged_step = f->t->progress.step;
    f->logged_at = f->step_began = now();
}

static void order_rows(ph_fitting *f)
{
    const ph_trainer *t = f->t;
    if (t->o.no_shuffle)
        for (size_t i = 0; i < f->rows; i++)
            f->order[i] = i;
    else
        ph_shuffle(f->order, f->rows, (uint64_t)t->o.seed, (uint64_t)t->progress.epoch);
    for (size_t i = 0; f->training_rows && i < f->rows; i++)
        f->order[i] = f->training_rows[f->order[i]];
}

/* The batches that this epoch still has. */
static ph_status steps(ph_fitting *f)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    double lr = t->o.lr;
    while (p->batch < f->batches) {
        PH_TRY(one_step(f, &lr));
        if (t->o.log_every && p->step % t->o.log_every == 0)
            tell(f, PH_EVENT_STEP, f->logged, (double)f->logged_rows, lr, NULL);
        if (now() - f->told_at >= 1) {
            f->told_at = now();
            tell(f, PH_EVENT_SECOND, f->logged, (double)f->logged_rows, lr, NULL);
        }
        if (ph_stop_asked()) {
            PH_TRY(save(f));
            return ph_fail(PH_STOPPED, "stopped in epoch %lld, after step %lld",
                           (long long)p->epoch + 1, (long long)p->step);
        }
        if (f->checkpoint_seconds && now() - f->saved_at >= f->checkpoint_seconds)
            checkpoint(f);
    }
    return PH_OK;
}

static ph_status loop(ph_fitting *f)
{
    ph_trainer *t = f->t;
    f->began = f->saved_at = f->told_at = now();
    while (t->progress.epoch < t->prelude + t->o.epochs && early_end(f) == NULL) {
        order_rows(f);
        restart_log(f);
        PH_TRY(steps(f));
        PH_TRY(end_epoch(f));
    }
    PH_TRY(save(f));
    tell(f, PH_EVENT_DONE, t->progress.sum, 0, rate(f), early_end(f));
    return PH_OK;
}

ph_status ph_trainer_run(ph_trainer *t, const ph_data *data, const ph_data *validation,
                 const ph_hooks *hooks)
{
    ph_fitting f = { .t = t, .hooks = hooks, .data = data, .validation = validation };
    ph_status status = ph_fitting_begin(&f);
    if (status == PH_OK)
        status = loop(&f);
    ph_fitting_end(&f);
    ph_stop_forget(); /* not before: a stop that was asked while this started would be lost */
    ph_trainer_choose_weights(t, true);
    return status;
}

ph_status ph_trainer_closed_form(ph_trainer *t, ph_status (*form)(ph_graph *, const ph_data *,
                                                                  const ph_scaling *),
                                 const ph_data *data, const ph_hooks *hooks)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    ph_fitting f = { .t = t, .hooks = hooks, .data = data, .rows = info.rows, .batch_size = info.rows,
              .batches = 1 };
    f.began = f.logged_at = now();
    PH_TRY(form(t->graph, data, t->scaling));
    t->progress.epoch = t->o.epochs = 1;
    t->progress.step = 1;
    t->progress.seconds = now() - f.began;
    PH_TRY(save(&f));
    tell(&f, PH_EVENT_DONE, t->progress.sum, 0, 0, NULL);
    ph_stop_forget();
    return PH_OK;
}
