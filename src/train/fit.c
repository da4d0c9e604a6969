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

/* The rate of a phase: its own or the option's, constant where it prepares, else moved by the schedule,
 * which begins with training proper. */
static double rate_at(const ph_fitting *f, int phase, double epoch)
{
    const ph_trainer *t = f->t;
    const ph_phase *own = &t->graph->phase[phase];
    ph_trainer_options o = t->o;
    if (own->lr > 0) {
        o.lr = own->lr;
        o.lr_min = fmin(o.lr_min, o.lr);
    }
    return own->epochs > 0 ? o.lr
                           : ph_schedule_rate(&o, epoch - (double)t->prelude, t->progress.plateau);
}

/* The phase whose rate is told: the one that prepares, or the first of training proper. */
static int told_phase(const ph_fitting *f)
{
    int preparing = ph_trainer_preparing(f->t, f->t->progress.epoch);
    return preparing >= 0 ? preparing : f->t->lead;
}

/* Of the last step that was done. */
static double rate(const ph_fitting *f)
{
    const ph_trainer_progress *p = &f->t->progress;
    return rate_at(f, told_phase(f), (double)p->epoch + (double)p->batch / (double)f->batches);
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

/* The name of the phase that prepares in that epoch, or NULL. */
static const char *preparing(const ph_fitting *f, int64_t epoch)
{
    int phase = ph_trainer_preparing(f->t, epoch);
    return phase < 0 ? NULL : f->t->graph->phase[phase].name;
}

/* The use of words in this epoch, and of the validation part's. */
static void list_words(const ph_fitting *f, ph_figures *out)
{
    static const char *const held_out[PH_WORD_FIGURES] = { "val_codes_used", "val_perplexity" };
    size_t most = sizeof out->at / sizeof out->at[0];
    ph_figure figure[PH_WORD_FIGURES];
    ph_word_figures(&f->t->use, figure);
    for (int i = 0; i < PH_WORD_FIGURES && out->count < most; i++)
        out->at[out->count++] = figure[i];
    ph_word_figures(&f->val_use, figure);
    for (int i = 0; f->validation_count && i < PH_WORD_FIGURES && out->count < most; i++)
        out->at[out->count++] = (ph_figure){ held_out[i], figure[i].unit, figure[i].value };
}

/* All that training tells: means over `rows` of the first `count` sums, validation, words, the prior.
 * What is not known yet is NaN, so that every list has the same names. */
static void list_figures(const ph_fitting *f, const double *sum, double rows, int count, ph_figures *out)
{
    const ph_trainer *t = f->t;
    size_t most = sizeof out->at / sizeof out->at[0];
    ph_figure distance[PH_DISTANCES];
    ph_distance_figures(&(ph_distance){ NAN, NAN, NAN }, distance);
    out->count = out->lists = out->histograms = 0;
    for (int i = 0; i < t->figure_count; i++)
        out->at[out->count++] = (ph_figure){ t->figure_name[i], t->figure_unit[i],
                                             i < count && rows > 0 ? sum[i] / rows : NAN };
    for (int i = 0; f->validation_count && i < t->figure_count && out->count < most; i++)
        out->at[out->count++] = (ph_figure){ t->figure_name[PH_MAX_FIGURES + i], t->figure_unit[i],
                                             f->has_val ? f->val[i] : NAN };
    if (t->use.count)
        list_words(f, out);
    for (int i = 0; t->graph->compared[0] && i < PH_DISTANCES && out->count < most; i++)
        out->at[out->count++] = f->has_distance ? f->distance[i] : distance[i];
}

/* ---- Telling --------------------------------------------------------------------------------------- */

static void tell(ph_fitting *f, ph_event event, const double *sum, double rows, double lr, const char *note)
{
    const ph_trainer *t = f->t;
    if (f->hooks->progress == NULL)
        return;
    double elapsed = ph_clock() - f->began, since = ph_clock() - f->logged_at;
    double trained = (double)(t->progress.step - f->logged_step) * (double)f->batch_size;
    ph_progress p = { .event = event, .epoch = t->progress.epoch, .epochs = t->prelude + t->o.epochs,
                      .step = t->progress.step, .steps = (t->prelude + t->o.epochs) * f->batches,
                      .rows = f->rows, .seconds = elapsed, .lr = lr, .note = note,
                      .rows_per_second = since > 0 ? trained / since : 0,
                      .phases = (size_t)t->graph->phase_count, .phase = f->cost };
    int64_t epoch = t->progress.epoch - (event == PH_EVENT_EPOCH);
    for (int i = 0; f->layer && i < t->graph->phase_count; i++) {
        size_t count;
        const ph_layer_cost *layer = ph_program_layers(f->phase[i], &count);
        memcpy(f->layer + p.layers, layer, count * sizeof *layer);
        p.layers += count;
    }
    p.layer = f->layer;
    p.preparing = preparing(f, epoch);
    list_figures(f, sum, rows, figures(f, epoch), &p.figures);
    f->hooks->progress(f->hooks->context, &p);
}

/* The line of the epoch that is about to be counted in the training record, which the model file
 * keeps. The loss of a phase that prepares goes by the phase's name: it is another objective. */
static ph_status record(ph_fitting *f)
{
    ph_trainer *t = f->t;
    ph_json_out line = { 0 };
    const ph_trainer_progress *p = &t->progress;
    double rows = (double)p->rows;
    ph_figures all;
    const char *phase = preparing(f, p->epoch);
    ph_json_put(&line, "{\"epoch\":%lld,\"step\":%lld,\"seconds\":%.6g,\"lr\":%.9g",
                (long long)p->epoch + 1, (long long)p->step, p->seconds, rate(f));
    list_figures(f, p->sum, rows, figures(f, p->epoch), &all);
    for (size_t i = 0; i < all.count; i++)
        if (!isnan(all.at[i].value))
            ph_json_put(&line, ",\"%s%s%s\":%.9g", i == 0 && phase ? phase : "",
                        i == 0 && phase ? "_" : "", all.at[i].name, all.at[i].value);
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
    f->saved_at = ph_clock();
}

/* Figure number i, or the list that stands there behind the figures, as the last step gave it. */
static const real *output_of(const ph_fitting *f, int i)
{
    const ph_trainer *t = f->t;
    int preparing = ph_trainer_preparing(t, t->progress.epoch), slot = 0;
    if (preparing >= 0)
        return ph_program_output(f->phase[preparing], 0);
    for (int k = 0; k < i; k++)
        slot += t->figure_phase[k] == t->figure_phase[i];
    return ph_program_output(f->phase[t->figure_phase[i]], slot);
}

/* The words of the rows that a program was run on. */
static void count_words(ph_word_use *use, const ph_trainer *t, const ph_program *p, size_t rows)
{
    if (t->use.count)
        ph_word_use_add(use, t->graph, ph_program_output(p, p->output_count - 1), rows);
}

/* Back to the weights of the last epoch, which are saved, with word of where it happened and which
 * reported term, if one did, became infinite or NaN with the loss. */
static ph_status diverged(ph_fitting *f, int phase)
{
    ph_trainer *t = f->t;
    const char *term = t->figure_name[0];
    for (int i = 0; i < t->figure_count && ph_trainer_preparing(t, t->progress.epoch) < 0; i++)
        if (t->figure_phase[i] == phase && !isfinite(output_of(f, i)[0]))
            term = t->figure_name[i];
    ph_trainer_restore(t, f->good);
    PH_TRY(save(f));
    return ph_fail(PH_DIVERGED, "step %lld of epoch %lld: %s is not a finite number any more; the "
                   "weights are those from the end of epoch %lld. A lower --lr, --clip-norm 1 or "
                   "another --scaling may help", (long long)t->progress.batch + 1,
                   (long long)t->progress.epoch + 1, term, (long long)t->progress.epoch);
}

/* What the programs are run on: batches, and rows of each set. */
typedef struct feeds {
    const void *bound[PH_MAX_FEEDS];
    size_t rows[PH_MAX_SETS];
} feeds;

static feeds bind(const ph_fitting *f, size_t count, const real *second, size_t second_count)
{
    feeds b = { .rows = { 1, count } };
    int n = 0;
    b.bound[n++] = f->batch;
    if (f->t->y)
        b.bound[n++] = f->labels;
    if (f->t->labelled) {
        b.bound[n] = second;
        b.rows[f->t->labelled->shape.set] = second_count;
    }
    return b;
}

/* Rows by index, and their labels where the graph takes them. */
static ph_status fetch(ph_fitting *f, const ph_data *data, const size_t *index, size_t count)
{
    PH_TRY(ph_fetch(data, f->t->scaling, index, count, f->batch));
    return f->classes ? ph_fetch_labels(data, index, count, f->classes, f->labels) : PH_OK;
}

/* The second set's batch of this step: a function of the step alone, so that a resumed run has it, too.
 * Each pass over the set has an order of its own. */
static ph_status fetch_labelled(ph_fitting *f, size_t *count)
{
    const ph_trainer *t = f->t;
    size_t batch = f->labelled_batch, all = f->labelled_count, batches = (all + batch - 1) / batch;
    int64_t pass = t->progress.step / (int64_t)batches;
    size_t first = (size_t)(t->progress.step % (int64_t)batches) * batch;
    if (pass != f->labelled_pass) {
        ph_shuffle(f->labelled_order, all, (uint64_t)t->o.seed ^ 0x6c6162656c6c6564u, (uint64_t)pass);
        for (size_t i = 0; i < all; i++)
            f->labelled_order[i] = f->labelled_rows[f->labelled_order[i]];
        f->labelled_pass = pass;
    }
    *count = all - first < batch ? all - first : batch;
    PH_TRY(ph_fetch(f->data, t->scaling, f->labelled_order + first, *count, f->second));
    return ph_fetch_labels(f->data, f->labelled_order + first, *count, f->classes, f->labels);
}

/* The batches of a step. Labels stand beside the second set where there is one. */
static ph_status fetch_step(ph_fitting *f, size_t *count, size_t *labelled)
{
    const ph_trainer_progress *p = &f->t->progress;
    size_t first = (size_t)p->batch * f->batch_size;
    *count = f->rows - first < f->batch_size ? f->rows - first : f->batch_size;
    *labelled = 0;
    if (f->labelled_rows == NULL)
        return fetch(f, f->data, f->order + first, *count);
    PH_TRY(ph_fetch(f->data, f->t->scaling, f->order + first, *count, f->batch));
    return fetch_labelled(f, labelled);
}

static ph_status one_step(ph_fitting *f, double *lr)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    size_t count, labelled;
    PH_TRY(fetch_step(f, &count, &labelled));
    double epoch = (double)p->epoch + (double)(p->batch + 1) / (double)f->batches;
    *lr = rate_at(f, told_phase(f), epoch);
    int preparing = ph_trainer_preparing(t, p->epoch);
    feeds b = bind(f, count, f->second, labelled);
    if (t->schedule)
        t->schedule(t->graph, t->family_options, (double)(p->epoch - t->prelude) +
                                                     (double)p->batch / (double)f->batches);
    for (int i = 0; i < t->graph->phase_count; i++) {
        char name[32];
        if (preparing >= 0 ? i != preparing : t->graph->phase[i].epochs > 0)
            continue;
        snprintf(name, sizeof name, t->graph->phase_count > 1 ? "lr%d" : "lr", i + 1);
        ph_knob_set(t->graph, name, rate_at(f, i, epoch));
        f->phase[i]->noise_step = (uint32_t)p->step;
        double began = ph_clock();
        ph_status status = ph_program_run(f->phase[i], b.rows, b.bound);
        f->cost[i].seconds += ph_clock() - began;
        if (status == PH_DIVERGED)
            return diverged(f, i);
        PH_TRY(status);
    }
    for (int i = 0; i < figures(f, p->epoch); i++) {
        double value = (double)output_of(f, i)[0] * (double)count;
        p->sum[i] += value;
        f->logged[i] += value;
    }
    for (int i = 0; i < lists(f, p->epoch); i++) {
        const real *value = output_of(f, t->figure_count + i);
        for (size_t k = 0; k < ph_width(t->graph->list[i].value); k++)
            p->list[i][k] += (double)value[k] * (double)count;
    }
    if (preparing < 0)
        count_words(&t->use, t, f->phase[t->lead], count);
    f->logged_rows += (int64_t)count;
    p->rows += (int64_t)count;
    p->batch++;
    p->step++;
    p->seconds += ph_clock() - f->step_began;
    f->step_began = ph_clock();
    return PH_OK;
}

/* Those rows of a batch whose labels are known become the second set; returns how many they are. */
static size_t take_known(ph_fitting *f, size_t count)
{
    size_t known = 0;
    for (size_t r = 0; r < count && f->t->labelled; r++) {
        const real *label = f->labels + r * f->classes;
        bool is_known = false;
        for (size_t c = 0; c < f->classes; c++)
            is_known = is_known || label[c] != 0;
        if (!is_known)
            continue;
        memcpy(f->second + known * f->width, f->batch + r * f->width, f->width * sizeof *f->second);
        memmove(f->labels + known * f->classes, label, f->classes * sizeof *label);
        known++;
    }
    return known;
}

/* Means over all rows held out; of figures of the labelled rows, over those of them that are. */
static ph_status measure(ph_fitting *f)
{
    const ph_trainer *t = f->t;
    size_t all_known = 0;
    memset(f->val, 0, sizeof f->val);
    ph_word_use_forget(&f->val_use);
    if (t->schedule)
        t->schedule(t->graph, t->family_options, INFINITY);
    for (size_t first = 0; first < f->validation_count; first += f->batch_size) {
        size_t left = f->validation_count - first;
        size_t count = left < f->batch_size ? left : f->batch_size;
        PH_TRY(fetch(f, f->validation, f->validation_rows + first, count));
        size_t known = take_known(f, count);
        all_known += known;
        feeds b = bind(f, count, f->second, known ? known : 1);
        PH_TRY(ph_program_run(f->measure, b.rows, b.bound));
        count_words(&f->val_use, t, f->measure, count);
        for (int i = 0; i < t->figure_count; i++)
            f->val[i] += (double)ph_program_output(f->measure, i)[0] *
                         (double)(t->figure_labelled[i] ? known : count);
    }
    for (int i = 0; i < t->figure_count; i++)
        f->val[i] /= (double)(t->figure_labelled[i] ? all_known : f->validation_count);
    f->has_val = true;
    return PH_OK;
}

/* Codes of some training rows beside draws of the prior. */
static ph_status compare(ph_fitting *f)
{
    const ph_trainer *t = f->t;
    ph_distance d;
    if (t->graph->compared[0] == NULL || ph_trainer_preparing(t, t->progress.epoch) >= 0)
        return PH_OK;
    PH_TRY(ph_distance_measure(t->graph, t->x, f->data, t->scaling, f->training_rows, f->rows, &d));
    ph_distance_figures(&d, f->distance);
    f->has_distance = true;
    return PH_OK;
}

/* What is odd about the epoch, where the one before was not so, too. */
static const char *new_remark(ph_fitting *f)
{
    const ph_trainer_progress *p = &f->t->progress;
    ph_figures all;
    if (f->t->remark == NULL || ph_trainer_preparing(f->t, p->epoch - 1) >= 0)
        return NULL;
    list_figures(f, p->sum, (double)p->rows, f->t->figure_count, &all);
    const char *before = f->remark;
    f->remark = f->t->remark(&all);
    return f->remark != before ? f->remark : NULL;
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
    PH_TRY(compare(f));
    PH_TRY(record(f));
    p->epoch++;
    p->batch = 0;
    if (validates && f->judges)
        judge(f);
    const char *remark = new_remark(f), *end = early_end(f);
    tell(f, PH_EVENT_EPOCH, p->sum, (double)p->rows, lr, end ? end : remark);
    memset(p->sum, 0, sizeof p->sum);
    memset(p->list, 0, sizeof p->list);
    ph_word_use_forget(&t->use);
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
    f->logged_at = f->step_began = ph_clock();
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
        if (ph_clock() - f->told_at >= 1) {
            f->told_at = ph_clock();
            tell(f, PH_EVENT_SECOND, f->logged, (double)f->logged_rows, lr, NULL);
        }
        if (ph_stop_asked()) {
            PH_TRY(save(f));
            return ph_fail(PH_STOPPED, "stopped in epoch %lld, after step %lld",
                           (long long)p->epoch + 1, (long long)p->step);
        }
        if (f->checkpoint_seconds && ph_clock() - f->saved_at >= f->checkpoint_seconds)
            checkpoint(f);
    }
    return PH_OK;
}

static ph_status loop(ph_fitting *f)
{
    ph_trainer *t = f->t;
    f->began = f->saved_at = f->told_at = ph_clock();
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
    f.began = f.logged_at = ph_clock();
    PH_TRY(form(t->graph, data, t->scaling));
    t->progress.epoch = t->o.epochs = 1;
    t->progress.step = 1;
    t->progress.seconds = ph_clock() - f.began;
    PH_TRY(save(&f));
    tell(&f, PH_EVENT_DONE, t->progress.sum, 0, 0, NULL);
    ph_stop_forget();
    return PH_OK;
}
