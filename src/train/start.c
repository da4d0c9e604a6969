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

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t held_out(const ph_trainer_options *o, size_t rows)
{
    return (size_t)(o->val_split * (double)rows + 0.5);
}

static ph_status split(ph_fitting *f)
{
    const ph_trainer_options *o = &f->t->o;
    if (f->validation || o->val_split == 0)
        return PH_OK;
    f->validation_count = held_out(o, f->rows);
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

/* Which rows are there for their labels: those that training is restricted to, or those of the second
 * set, which are left in the first one unless the family wants them apart. */
static ph_status choose_labelled(ph_fitting *f)
{
    const ph_trainer *t = f->t;
    const ph_graph *g = t->graph;
    if (!g->labels_drawn)
        return PH_OK;
    ph_status status = PH_OK;
    size_t n = f->rows, count = 0, other = 0;
    bool *drawn = calloc(n, sizeof *drawn);
    size_t *in = malloc(n * sizeof *in), *out = malloc(n * sizeof *out);
    if (drawn && in && out)
        count = ph_draw_labelled(f->data, f->training_rows, n, g->labels_count, (uint64_t)t->o.seed,
                                 drawn, &status);
    else
        status = out_of_memory();
    for (size_t i = 0, k = 0; i < n && status == PH_OK; i++) {
        size_t row = f->training_rows ? f->training_rows[i] : i;
        *(drawn[i] ? &in[k++] : &out[other++]) = row;
    }
    free(drawn);
    if (status == PH_OK && t->labelled && g->labels_apart && other == 0)
        status = ph_fail(PH_USAGE, "every row has its label used, and none is left without");
    if (status == PH_OK && t->labelled) {
        f->labelled_rows = in;
        f->labelled_count = count;
        in = NULL;
    }
    if (status == PH_OK && (g->labels_apart || !t->labelled)) {
        size_t **kept = t->labelled ? &out : &in;
        free(f->training_rows);
        f->training_rows = *kept;
        f->rows = t->labelled ? other : count;
        *kept = NULL;
    }
    free(in);
    free(out);
    return status;
}

/* Rows with a label among those that are not held out. */
static ph_status count_labels(const ph_trainer *t, const ph_data *data, size_t held, size_t *count)
{
    size_t *order = ph_split_rows(data->rows, held, (uint64_t)t->o.seed);
    if (order == NULL)
        return out_of_memory();
    *count = 0;
    for (size_t i = 0; i < data->rows - held && data->labels; i++)
        *count += data->labels[order[i]] != PH_NO_LABEL;
    free(order);
    return PH_OK;
}

ph_status ph_trainer_rows(const ph_trainer *t, const ph_data *data, ph_rows_used *used)
{
    const ph_graph *g = t->graph;
    const ph_trainer_progress *p = &t->progress;
    *used = (ph_rows_used){ .held_out = held_out(&t->o, data->rows) };
    used->held_out = used->held_out < data->rows ? used->held_out : 0;
    used->rows = data->rows - used->held_out;
    if (g->labels_drawn) {
        size_t there = 0;
        PH_TRY(count_labels(t, data, used->held_out, &there));
        used->labelled = g->labels_count && g->labels_count < there ? g->labels_count : there;
        used->apart = t->labelled && g->labels_apart;
        if (t->labelled == NULL)
            used->rows = used->labelled;
        else if (used->apart)
            used->rows -= used->labelled;
    }
    size_t batch = lesser((size_t)t->o.batch_size, used->rows);
    int64_t batches = batch ? (int64_t)((used->rows + batch - 1) / batch) : 0;
    used->known = batches > 0 && p->step == p->epoch * batches + p->batch;
    return PH_OK;
}

static ph_status time_programs(ph_fitting *f)
{
    size_t count, all = 0;
    for (int i = 0; i < f->t->graph->phase_count; i++) {
        PH_TRY(ph_program_time(f->phase[i], f->t->graph->phase[i].name));
        ph_program_layers(f->phase[i], &count);
        all += count;
    }
    f->layer = malloc((all + 1) * sizeof *f->layer);
    return f->layer ? PH_OK : out_of_memory();
}

static ph_status compile_programs(ph_fitting *f)
{
    ph_trainer *t = f->t;
    size_t rows = f->batch_size > f->labelled_batch ? f->batch_size : f->labelled_batch;
    for (int i = 0; i < t->graph->phase_count; i++) {
        f->phase[i] = ph_trainer_compile(t, i, rows);
        if (f->phase[i] == NULL)
            return ph_last_status();
        f->cost[i] = (ph_phase_cost){ t->graph->phase[i].name, ph_program_flops(f->phase[i], 1), 0 };
    }
    PH_TRY(f->hooks->time_layers ? time_programs(f) : PH_OK);
    f->measure = f->validation ? ph_trainer_compile(t, PH_MEASURE, rows) : NULL;
    return f->validation && f->measure == NULL ? ph_last_status() : PH_OK;
}

static real *rows_of(size_t rows, size_t width)
{
    return aligned_alloc(64, (rows * width * sizeof(real) + 127) / 64 * 64);
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
    if (t->proper > 1 && (t->o.early_stop > 0 || strcmp(t->o.schedule, "plateau") == 0))
        return ph_fail(PH_USAGE, "%s: this model has %d losses, and no one of them to judge it by",
                       t->o.early_stop > 0 ? "early-stop" : "schedule plateau", t->proper);
    PH_TRY(split(f));
    PH_TRY(choose_labelled(f));
    f->batch_size = lesser((size_t)t->o.batch_size, f->rows);
    f->batches = (int64_t)((f->rows + f->batch_size - 1) / f->batch_size);
    f->labelled_batch = lesser((size_t)t->o.batch_size, f->labelled_count);
    f->labelled_pass = -1;
    f->order = malloc(f->rows * sizeof *f->order);
    f->labelled_order = malloc((f->labelled_count + 1) * sizeof *f->labelled_order);
    f->batch = rows_of(f->batch_size, f->width);
    f->second = rows_of(f->labelled_count ? f->batch_size + f->labelled_batch : 0, f->width);
    f->classes = t->y ? ph_shape_size(&t->y->shape) : 0;
    f->labels = rows_of(f->batch_size + f->labelled_batch, f->classes);
    f->good = malloc((ph_trainer_snapshot_size(t) + 1) * sizeof(real));
    if (f->validation && f->validation_rows == NULL) {
        f->validation_rows = malloc(f->validation_count * sizeof *f->validation_rows);
        for (size_t i = 0; f->validation_rows && i < f->validation_count; i++)
            f->validation_rows[i] = i;
    }
    f->judges = f->validation && t->proper == 1;
    if (f->judges && t->best == NULL)
        f->spare = malloc((ph_trainer_snapshot_size(t) + 1) * sizeof(real));
    if (!f->order || !f->labelled_order || !f->batch || !f->second || !f->labels || !f->good ||
        (f->validation && !f->validation_rows) || (f->judges && !t->best && !f->spare))
        return out_of_memory();
    if (t->use.count)
        PH_TRY(ph_word_use_begin(&f->val_use, t->graph));
    ph_trainer_snapshot(t, f->good);
    ph_trainer_choose_weights(t, false);
    return compile_programs(f);
}

void ph_fitting_end(ph_fitting *f)
{
    for (int i = 0; i < PH_MAX_PHASES; i++)
        ph_program_free(f->phase[i]);
    ph_program_free(f->measure);
    ph_word_use_end(&f->val_use);
    free(f->order);
    free(f->labelled_order);
    free(f->labelled_rows);
    free(f->training_rows);
    free(f->validation_rows);
    free(f->batch);
    free(f->second);
    free(f->labels);
    free(f->good);
    free(f->layer);
    free(f->spare);
}
