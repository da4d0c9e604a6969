/* fit.c - the training loop: batches, phases, schedule, validation, best weights, checkpoints.
 *
 * Everything the loop depends on is a function of seed, epoch and step or stands in the trainer's
 * progress, so a run that was stopped and resumed equals, bit for bit, the one that was not.
 */
#include "train/train.h"

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

/* ---- One run of the loop ------------------------------------------------------------------------- */

typedef struct fit {
    ph_trainer *t;
    const ph_hooks *hooks;
    const ph_data *data, *validation;
    size_t rows, held_out, batch_size, width;
    size_t *order;             /* of the training rows in this epoch */
    size_t *training_rows;     /* NULL: all rows */
    size_t *validation_rows;   /* 0, 1, 2, ... where the validation part is a set of its own */
    size_t validation_count;
    ph_program *phase[PH_MAX_PHASES], *measure;
    real *batch, *good;
    int64_t batches;           /* in an epoch */
    int64_t checkpoint_epochs;
    double checkpoint_seconds, saved_at, began, logged_at, told_at;
    int64_t logged_step, logged_rows;
    double logged[PH_MAX_FIGURES];
    double val[PH_MAX_FIGURES];
    bool has_val;
} fit;

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory while starting to train");
}

/* Draws the rows that are held out, by the seed alone. The others keep their order. */
static ph_status split_rows(fit *f)
{
    const ph_trainer_options *o = &f->t->o;
    size_t all = f->rows;
    f->held_out = f->validation ? 0 : (size_t)(o->val_split * (double)all + 0.5);
    if (o->val_split > 0 && !f->validation && (f->held_out == 0 || f->held_out == all))
        return ph_fail(PH_USAGE, "val-split %g leaves no row on one side: there are %zu",
                       o->val_split, all);
    if (f->held_out == 0)
        return PH_OK;
    size_t *shuffled = malloc(all * sizeof *shuffled);
    bool *held = calloc(all, sizeof *held);
    f->training_rows = malloc(all * sizeof *f->training_rows);
    f->validation_rows = malloc(f->held_out * sizeof *f->validation_rows);
    if (shuffled && held && f->training_rows && f->validation_rows) {
        ph_shuffle(shuffled, all, (uint64_t)o->seed, UINT64_MAX);
        for (size_t i = 0; i < f->held_out; i++)
            held[shuffled[i]] = true;
        size_t training = 0, validating = 0;
        for (size_t i = 0; i < all; i++)
            if (held[i])
                f->validation_rows[validating++] = i;
            else
                f->training_rows[training++] = i;
        f->rows = training;
        f->validation = f->data;
        f->validation_count = f->held_out;
    }
    bool ok = shuffled && held && f->training_rows && f->validation_rows;
    free(shuffled);
    free(held);
    return ok ? PH_OK : out_of_memory();
}

static ph_status read_checkpoint_rule(fit *f)
{
    const char *text = f->t->o.checkpoint_every;
    double number = 0;
    char unit[2] = "";
    int end = 0;
    if (text == NULL || *text == '\0')
        return PH_OK;
    bool minutes = sscanf(text, "%lf%1[m]%n", &number, unit, &end) == 2 && text[end] == '\0';
    bool epochs = !minutes && sscanf(text, "%lf%n", &number, &end) == 1 && text[end] == '\0' &&
                  number == floor(number);
    if (!(minutes || epochs) || !(number > 0) || number > 1e9)
        return ph_fail(PH_USAGE, "checkpoint-every '%s' is neither a number of epochs (2) nor of "
                       "minutes (5m)", text);
    if (minutes)
        f->checkpoint_seconds = 60 * number;
    else
        f->checkpoint_epochs = (int64_t)number;
    return PH_OK;
}

static ph_status compile_programs(fit *f)
{
    ph_trainer *t = f->t;
    ph_node *feeds[] = { t->x };
    for (int i = 0; i < t->graph->phase_count; i++) {
        const ph_update *u = &t->update[i];
        f->phase[i] = ph_compile(t->graph, &(ph_program_desc){
            .training = true, .feeds = feeds, .feed_count = 1, .outputs = t->figure,
            .output_count = i == 0 ? t->figure_count : 1, .assigns = u->assign,
            .assign_count = u->count, .guard = u->loss, .max_rows = f->batch_size });
        if (f->phase[i] == NULL)
            return ph_last_status();
        f->phase[i]->noise_phase = (uint32_t)i;
    }
    if (f->validation)
        f->measure = ph_compile(t->graph, &(ph_program_desc){
            .feeds = feeds, .feed_count = 1, .outputs = t->figure, .output_count = t->figure_count,
            .max_rows = f->batch_size });
    return f->validation && f->measure == NULL ? ph_last_status() : PH_OK;
}

static ph_status begin(fit *f)
{
    ph_trainer *t = f->t;
    ph_data_info info;
    ph_data_describe(f->data, &info);
    f->rows = info.rows;
    f->width = info.width;
    if (info.width != ph_shape_size(&t->x->shape))
        return ph_fail(PH_DATA, "%s: rows of %zu numbers, but the model takes %zu", info.name,
                       info.width, ph_shape_size(&t->x->shape));
    if (f->validation) {
        ph_data_describe(f->validation, &info);
        if (info.width != f->width)
            return ph_fail(PH_DATA, "%s: validation rows of %zu numbers, but the model takes %zu",
                           info.name, info.width, f->width);
        f->validation_count = info.rows;
    }
    PH_TRY(ph_training_check(&t->o, f->validation != NULL));
    PH_TRY(read_checkpoint_rule(f));
    PH_TRY(ph_trainer_prepare(t));
    PH_TRY(split_rows(f));
    f->batch_size = (size_t)t->o.batch_size < f->rows ? (size_t)t->o.batch_size : f->rows;
    f->batches = (int64_t)((f->rows + f->batch_size - 1) / f->batch_size);
    f->order = malloc(f->rows * sizeof *f->order);
    f->batch = aligned_alloc(64, (f->batch_size * f->width * sizeof(real) + 63) / 64 * 64);
    f->good = malloc((ph_trainer_snapshot_size(t) + 1) * sizeof(real));
    if (f->validation && f->validation_rows == NULL) {
        f->validation_rows = malloc(f->validation_count * sizeof *f->validation_rows);
        for (size_t i = 0; f->validation_rows && i < f->validation_count; i++)
            f->validation_rows[i] = i;
    }
    if (!f->order || !f->batch || !f->good || (f->validation && !f->validation_rows))
        return out_of_memory();
    ph_trainer_snapshot(t, f->good);
    ph_trainer_choose_weights(t, false);
    return compile_programs(f);
}

static void end(fit *f)
{
    for (int i = 0; i < PH_MAX_PHASES; i++)
        ph_program_free(f->phase[i]);
    ph_program_free(f->measure);
    free(f->order);
    free(f->training_rows);
    free(f->validation_rows);
    free(f->batch);
    free(f->good);
}

/* ---- Telling --------------------------------------------------------------------------------------- */

static void tell(fit *f, ph_event event, const double *sum, double rows, double lr, const char *note)
{
    const ph_trainer *t = f->t;
    if (f->hooks->progress == NULL)
        return;
    double elapsed = now() - f->began, since = now() - f->logged_at;
    double trained = (double)(t->progress.step - f->logged_step) * (double)f->batch_size;
    ph_progress p = { .event = event, .epoch = t->progress.epoch, .epochs = t->o.epochs,
                      .step = t->progress.step, .steps = t->o.epochs * f->batches,
                      .rows = f->rows, .seconds = elapsed, .lr = lr, .note = note,
                      .rows_per_second = since > 0 ? trained / since : 0 };
    for (int i = 0; i < t->figure_count; i++)
        p.figures.at[p.figures.count++] = (ph_figure){ t->figure_name[i], t->figure_unit[i],
                                                       rows > 0 ? sum[i] / rows : NAN };
    for (int i = 0; f->has_val && i < t->figure_count &&
                    p.figures.count < sizeof p.figures.at / sizeof p.figures.at[0]; i++)
        p.figures.at[p.figures.count++] = (ph_figure){ t->figure_name[PH_MAX_FIGURES + i],
                                                       t->figure_unit[i], f->val[i] };
    f->hooks->progress(f->hooks->context, &p);
}

/* One line of the training record, which the model file keeps. */
static ph_status record(fit *f, double lr)
{
    ph_trainer *t = f->t;
    char line[8192];
    const ph_trainer_progress *p = &t->progress;
    int used = snprintf(line, sizeof line, "{\"epoch\":%lld,\"step\":%lld,\"seconds\":%.6g,\"lr\":%.9g",
                        (long long)p->epoch, (long long)p->step, p->seconds, lr);
    for (int i = 0; i < t->figure_count; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, ",\"%s\":%.9g", t->figure_name[i],
                         p->sum[i] / (double)p->rows);
    for (int i = 0; f->has_val && i < t->figure_count; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, ",\"%s\":%.9g",
                         t->figure_name[PH_MAX_FIGURES + i], f->val[i]);
    used += snprintf(line + used, sizeof line - (size_t)used, "}\n");
    char *grown = realloc(t->history, t->history_size + (size_t)used + 1);
    if (grown == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the record of training");
    memcpy(grown + t->history_size, line, (size_t)used + 1);
    t->history = grown;
    t->history_size += (size_t)used;
    return PH_OK;
}

/* ---- Steps and epochs -------------------------------------------------------------------------------- */

static ph_status save(fit *f)
{
    if (f->hooks->save == NULL)
        return PH_OK;
    PH_TRY(f->hooks->save(f->hooks->context));
    f->saved_at = now();
    return PH_OK;
}

/* Back to the weights of the last epoch, which are saved, with word of where it happened and which
 * reported term, if one did, became infinite or NaN with the loss. */
static ph_status diverged(fit *f)
{
    ph_trainer *t = f->t;
    const char *term = t->figure_name[0];
    for (int i = t->graph->phase_count; i < t->figure_count; i++)
        if (!isfinite(ph_program_output(f->phase[0], i)[0]))
            term = t->figure_name[i];
    ph_trainer_restore(t, f->good);
    PH_TRY(save(f));
    return ph_fail(PH_DIVERGED, "step %lld of epoch %lld: %s is not a finite number any more; the "
                   "weights are those from the end of epoch %lld. A lower --lr, --clip-norm 1 or "
                   "another --scaling may help", (long long)t->progress.batch + 1,
                   (long long)t->progress.epoch + 1, term, (long long)t->progress.epoch);
}

static ph_status one_step(fit *f, double *lr)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    size_t first = (size_t)p->batch * f->batch_size;
    size_t count = f->rows - first < f->batch_size ? f->rows - first : f->batch_size;
    PH_TRY(ph_fetch(f->data, t->scaling, f->order + first, count, f->batch));
    double epoch = (double)p->epoch + (double)(p->batch + 1) / (double)f->batches;
    *lr = ph_schedule_rate(&t->o, epoch, p->plateau);
    size_t rows[PH_MAX_SETS] = { 1, count };
    const void *bound[] = { f->batch };
    for (int i = 0; i < t->graph->phase_count; i++) {
        char name[32];
        snprintf(name, sizeof name, t->graph->phase_count > 1 ? "lr%d" : "lr", i + 1);
        ph_variable *knob = ph_variable_find(t->graph, name);
        if (knob)
            knob->data[0] = (real)*lr;
        f->phase[i]->noise_step = (uint32_t)p->step;
        ph_status status = ph_program_run(f->phase[i], rows, bound);
        if (status == PH_DIVERGED)
            return diverged(f);
        PH_TRY(status);
    }
    for (int i = 0; i < t->figure_count; i++) {
        double value = (double)ph_program_output(f->phase[0], i)[0] * (double)count;
        p->sum[i] += value;
        f->logged[i] += value;
    }
    f->logged_rows += (int64_t)count;
    p->rows += (int64_t)count;
    p->batch++;
    p->step++;
    return PH_OK;
}

static ph_status measure(fit *f)
{
    const ph_trainer *t = f->t;
    memset(f->val, 0, sizeof f->val);
    for (size_t first = 0; first < f->validation_count; first += f->batch_size) {
        size_t left = f->validation_count - first;
        size_t count = left < f->batch_size ? left : f->batch_size;
        PH_TRY(ph_fetch(f->validation, t->scaling, f->validation_rows + first, count, f->batch));
        PH_TRY(ph_program_run(f->measure, (size_t[PH_MAX_SETS]){ 1, count },
                              (const void *[]){ f->batch }));
        for (int i = 0; i < t->figure_count; i++)
            f->val[i] += (double)ph_program_output(f->measure, i)[0] * (double)count /
                         (double)f->validation_count;
    }
    f->has_val = true;
    return PH_OK;
}

/* What follows from the validation loss: best weights, plateau, early stop. */
static ph_status judge(fit *f, const char **note)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    if (f->val[0] < p->best) {
        p->best = f->val[0];
        p->best_epoch = p->epoch;
        p->waited = 0;
        if (t->best == NULL)
            t->best = malloc((ph_trainer_snapshot_size(t) + 1) * sizeof(real));
        if (t->best == NULL)
            return out_of_memory();
        ph_trainer_snapshot(t, t->best);
        return PH_OK;
    }
    if (++p->waited >= t->o.patience && strcmp(t->o.schedule, "plateau") == 0) {
        p->plateau *= t->o.decay;
        p->waited = 0;
    }
    if (t->o.early_stop > 0 && p->epoch - p->best_epoch >= t->o.early_stop)
        *note = "early stop: the validation loss has not improved";
    return PH_OK;
}

static ph_status end_epoch(fit *f, double lr, const char **note)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    p->epoch++;
    p->batch = 0;
    p->seconds += now() - f->logged_at;
    if (f->validation) {
        PH_TRY(measure(f));
        PH_TRY(judge(f, note));
    }
    PH_TRY(record(f, lr));
    tell(f, PH_EVENT_EPOCH, p->sum, (double)p->rows, lr, *note);
    memset(p->sum, 0, sizeof p->sum);
    p->rows = 0;
    ph_trainer_snapshot(t, f->good);
    if (f->checkpoint_epochs && p->epoch % f->checkpoint_epochs == 0 && p->epoch < t->o.epochs)
        PH_TRY(save(f));
    return PH_OK;
}

static void restart_log(fit *f)
{
    memset(f->logged, 0, sizeof f->logged);
    f->logged_rows = 0;
    f->logged_step = f->t->progress.step;
    f->logged_at = now();
}

static ph_status loop(fit *f)
{
    ph_trainer *t = f->t;
    ph_trainer_progress *p = &t->progress;
    const char *note = NULL;
    double lr = t->o.lr;
    f->began = f->saved_at = f->told_at = now();
    while (p->epoch < t->o.epochs && note == NULL) {
        if (t->o.no_shuffle)
            for (size_t i = 0; i < f->rows; i++)
                f->order[i] = i;
        else
            ph_shuffle(f->order, f->rows, (uint64_t)t->o.seed, (uint64_t)p->epoch);
        for (size_t i = 0; f->training_rows && i < f->rows; i++)
            f->order[i] = f->training_rows[f->order[i]];
        restart_log(f);
        while (p->batch < f->batches) {
            PH_TRY(one_step(f, &lr));
            if (t->o.log_every && p->step % t->o.log_every == 0)
                tell(f, PH_EVENT_STEP, f->logged, (double)f->logged_rows, lr, NULL);
            if (now() - f->told_at >= 1) {
                f->told_at = now();
                tell(f, PH_EVENT_SECOND, f->logged, (double)f->logged_rows, lr, NULL);
            }
            if (ph_stop_asked()) {
                p->seconds += now() - f->logged_at;
                PH_TRY(save(f));
                return ph_fail(PH_STOPPED, "stopped in epoch %lld, after step %lld",
                               (long long)p->epoch + 1, (long long)p->step);
            }
            if (f->checkpoint_seconds && now() - f->saved_at >= f->checkpoint_seconds)
                PH_TRY(save(f));
        }
        PH_TRY(end_epoch(f, lr, &note));
    }
    PH_TRY(save(f));
    tell(f, PH_EVENT_DONE, p->sum, 0, lr, note);
    return PH_OK;
}

ph_status ph_trainer_run(ph_trainer *t, const ph_data *data, const ph_data *validation,
                 const ph_hooks *hooks)
{
    fit f = { .t = t, .hooks = hooks, .data = data, .validation = validation };
    ph_stop_forget();
    ph_status status = begin(&f);
    if (status == PH_OK)
        status = loop(&f);
    end(&f);
    ph_trainer_choose_weights(t, true);
    return status;
}

ph_status ph_trainer_closed_form(ph_trainer *t, ph_status (*form)(ph_graph *, const ph_data *,
                                                                  const ph_scaling *),
                                 const ph_data *data, const ph_hooks *hooks)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    fit f = { .t = t, .hooks = hooks, .data = data, .rows = info.rows, .batch_size = info.rows,
              .batches = 1 };
    f.began = f.logged_at = now();
    PH_TRY(form(t->graph, data, t->scaling));
    t->progress.epoch = t->o.epochs = 1;
    t->progress.step = 1;
    t->progress.seconds = now() - f.began;
    PH_TRY(save(&f));
    tell(&f, PH_EVENT_DONE, t->progress.sum, 0, 0, NULL);
    return PH_OK;
}
