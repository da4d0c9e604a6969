/* start.c - what a run of the training loop works with: rows, programs, memory. Everything that can run
 * out is taken here, before the first step.
 */
#include "train/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory while starting to train");
}

static ph_status split(ph_fitting *f)
{
    const ph_trainer_options *o = &f->t->o;
    if (f->validation || o->val_split == 0)
        return PH_OK;
    f->validation_count = (size_t)(o->val_split * (double)f->rows + 0.5);
    if (f->validation_count == 0 || f->validation_count == f->rows)
        return ph_fail(PH_USAGE, "val-split %g leaves no row on one side: there are %zu",
                       o->val_split, f->rows);
    f->training_rows = ph_split_rows(f->rows, f->validation_count, (uint64_t)o->seed);
    if (f->training_rows == NULL)
        return out_of_memory();
    f->rows -= f->validation_count;
    f->validation = f->data;
    f->validation_rows = malloc(f->validation_count * sizeof *f->validation_rows);
    if (f->validation_rows == NULL)
        return out_of_memory();
    memcpy(f->validation_rows, f->training_rows + f->rows,
           f->validation_count * sizeof *f->validation_rows);
    return PH_OK;
}

static ph_status read_checkpoint_rule(ph_fitting *f)
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

static ph_status compile_programs(ph_fitting *f)
{
    ph_trainer *t = f->t;
    ph_node *feeds[] = { t->x, t->y };
    int feed_count = t->y ? 2 : 1;
    for (int i = 0; i < t->graph->phase_count; i++) {
        const ph_update *u = &t->update[i];
        f->phase[i] = ph_compile(t->graph, &(ph_program_desc){
            .training = true, .feeds = feeds, .feed_count = feed_count,
            .outputs = i == t->lead ? t->figure : (ph_node *const *)&u->loss,
            .output_count = i == t->lead ? t->figure_count + t->list_count : 1,
            .assigns = u->assign, .assign_count = u->count, .guard = u->loss,
            .max_rows = f->batch_size });
        if (f->phase[i] == NULL)
            return ph_last_status();
        f->phase[i]->noise_phase = (uint32_t)i;
    }
    if (f->validation)
        f->measure = ph_compile(t->graph, &(ph_program_desc){
            .feeds = feeds, .feed_count = feed_count, .outputs = t->figure,
            .output_count = t->figure_count, .max_rows = f->batch_size });
    return f->validation && f->measure == NULL ? ph_last_status() : PH_OK;
}

ph_status ph_fitting_begin(ph_fitting *f)
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
    PH_TRY(split(f));
    f->batch_size = (size_t)t->o.batch_size < f->rows ? (size_t)t->o.batch_size : f->rows;
    f->batches = (int64_t)((f->rows + f->batch_size - 1) / f->batch_size);
    f->order = malloc(f->rows * sizeof *f->order);
    f->batch = aligned_alloc(64, (f->batch_size * f->width * sizeof(real) + 63) / 64 * 64);
    f->classes = t->y ? ph_shape_size(&t->y->shape) : 0;
    f->labels = aligned_alloc(64, (f->batch_size * f->classes * sizeof(real) + 127) / 64 * 64);
    f->good = malloc((ph_trainer_snapshot_size(t) + 1) * sizeof(real));
    if (f->validation && f->validation_rows == NULL) {
        f->validation_rows = malloc(f->validation_count * sizeof *f->validation_rows);
        for (size_t i = 0; f->validation_rows && i < f->validation_count; i++)
            f->validation_rows[i] = i;
    }
    if (f->validation && t->best == NULL)
        f->spare = malloc((ph_trainer_snapshot_size(t) + 1) * sizeof(real));
    if (!f->order || !f->batch || !f->labels || !f->good ||
        (f->validation && !f->validation_rows) ||
        (f->validation && !t->best && !f->spare))
        return out_of_memory();
    ph_trainer_snapshot(t, f->good);
    ph_trainer_choose_weights(t, false);
    return compile_programs(f);
}

void ph_fitting_end(ph_fitting *f)
{
    for (int i = 0; i < PH_MAX_PHASES; i++)
        ph_program_free(f->phase[i]);
    ph_program_free(f->measure);
    free(f->order);
    free(f->training_rows);
    free(f->validation_rows);
    free(f->batch);
    free(f->labels);
    free(f->good);
    free(f->spare);
}
