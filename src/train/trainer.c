/* trainer.c - what a model's training is made of and has come to: updates, figures, the weights that
 * count, and a look at the compiled step. The loop itself is fit.c.
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void ph_trainer_start(ph_trainer *t, ph_graph *graph, ph_node *x, const ph_scaling *scaling)
{
    t->graph = graph;
    t->x = x;
    t->scaling = scaling;
    t->progress = (ph_trainer_progress){ .plateau = 1, .best = INFINITY };
}

void ph_trainer_free(ph_trainer *t)
{
    free(t->best);
    free(t->history);
    ph_word_use_end(&t->use);
    t->best = NULL;
    t->history = NULL;
}

static void add_figure(ph_trainer *t, int phase, const char *name, const char *unit, ph_node *value)
{
    int i = t->figure_count++;
    snprintf(t->figure_name[i], sizeof t->figure_name[i], "%s", name);
    snprintf(t->figure_name[PH_MAX_FIGURES + i], sizeof t->figure_name[i], "val_%s", name);
    t->figure_unit[i] = unit;
    t->figure_phase[i] = phase;
    t->figure_labelled[i] = t->labelled && ph_needs_more(value);
    t->figure[i] = value->shape.set ? ph_mean_rows(ph_sum(value)) : value;
}

/* What a phase's loss is called among the figures, if `before` phases of training proper come before it. */
static void name_loss(const ph_phase *phase, int before, char name[64])
{
    if (before > 0 && phase->name)
        snprintf(name, 64, "%s_loss", phase->name);
    else
        snprintf(name, 64, before ? "loss%d" : "loss", before + 1);
}

static const char *unit_of_loss(const ph_phase *phase)
{
    return phase->unit ? phase->unit : "summed over a row, mean over rows";
}

const char *ph_loss_unit(const ph_graph *graph, const char *figure)
{
    char name[64];
    for (int i = 0, proper = 0; i < graph->phase_count; i++) {
        if (graph->phase[i].epochs > 0)
            continue;
        name_loss(&graph->phase[i], proper++, name);
        if (strcmp(name, figure) == 0)
            return unit_of_loss(&graph->phase[i]);
    }
    return NULL;
}

ph_status ph_trainer_prepare(ph_trainer *t)
{
    if (t->prepared)
        return PH_OK;
    ph_graph *graph = t->graph;
    PH_TRY(ph_graph_status(graph));
    if (t->use.count == NULL && !graph->words_stay)
        PH_TRY(ph_word_use_begin(&t->use, graph));
    if (graph->phase_count == 0)
        return ph_fail(PH_MODEL, "the model has no phase, so there is nothing to train");
    t->lead = -1;
    for (int i = 0; i < graph->phase_count; i++) {
        char name[64];
        PH_TRY(ph_phase_update(graph, i, &t->o, &t->update[i]));
        t->prelude += graph->phase[i].epochs;
        if (graph->phase[i].epochs > 0)
            continue;
        t->lead = t->lead < 0 ? i : t->lead;
        name_loss(&graph->phase[i], t->proper++, name);
        add_figure(t, i, name, unit_of_loss(&graph->phase[i]), t->update[i].loss);
    }
    if (t->lead < 0)
        return ph_fail(PH_MODEL, "every phase of the model prepares, and nothing follows");
    for (int i = 0; i < graph->report_count && t->figure_count < PH_MAX_FIGURES; i++) {
        const ph_named *r = &graph->report[i];
        add_figure(t, r->phase < 0 ? t->lead : r->phase, r->name, r->unit, r->value);
    }
    for (; t->list_count < graph->list_count; t->list_count++) {
        int i = t->figure_count + t->list_count;
        t->figure[i] = ph_mean_rows(ph_flatten(graph->list[t->list_count].value));
        t->figure_phase[i] = t->lead;
    }
    t->prepared = true;
    return ph_graph_status(graph);
}

int ph_trainer_preparing(const ph_trainer *t, int64_t epoch)
{
    for (int i = 0; i < t->graph->phase_count; i++) {
        if (epoch < t->graph->phase[i].epochs)
            return i;
        epoch -= t->graph->phase[i].epochs;
    }
    return -1;
}

static bool in_snapshot(const ph_variable *v)
{
    return v->kind == PH_VARIABLE_PARAMETER ||
           (v->kind == PH_VARIABLE_STATE && strncmp(v->name, "optimizer/", 10) != 0);
}

void ph_trainer_choose_weights(ph_trainer *t, bool best)
{
    size_t at = 0;
    for (ph_variable *v = t->graph->variable; v; v = v->next) {
        size_t own = at, average = own + (in_snapshot(v) ? v->size : 0);
        at = average + (v->average ? v->average->size : 0);
        v->used = v->average ? v->average->data : NULL;
        if (best && t->best && in_snapshot(v))
            v->used = t->best + (v->average ? average : own);
    }
}

static size_t each_kept(const ph_trainer *t, real *out, const real *in)
{
    size_t at = 0;
    for (ph_variable *v = t->graph->variable; v; v = v->next) {
        ph_variable *kept[2] = { in_snapshot(v) ? v : NULL, v->average };
        for (int i = 0; i < 2; i++) {
            if (kept[i] == NULL)
                continue;
            if (out)
                memcpy(out + at, kept[i]->data, kept[i]->size * sizeof(real));
            if (in)
                memcpy(kept[i]->data, in + at, kept[i]->size * sizeof(real));
            at += kept[i]->size;
        }
    }
    return at;
}

size_t ph_trainer_snapshot_size(const ph_trainer *t)
{
    return each_kept(t, NULL, NULL);
}

void ph_trainer_snapshot(const ph_trainer *t, real *out)
{
    each_kept(t, out, NULL);
}

void ph_trainer_restore(ph_trainer *t, const real *in)
{
    each_kept(t, NULL, in);
}

int ph_trainer_feeds(const ph_trainer *t, ph_node *feed[PH_MAX_FEEDS])
{
    int count = 0;
    feed[count++] = t->x;
    if (t->y)
        feed[count++] = t->y;
    if (t->labelled)
        feed[count++] = t->labelled;
    return count;
}

ph_program *ph_trainer_compile(const ph_trainer *t, int phase, size_t rows)
{
    ph_node *feed[PH_MAX_FEEDS], *output[PH_MAX_FIGURES + PH_MAX_LISTS + 1];
    bool trains = phase != PH_MEASURE;
    const ph_update *u = trains ? &t->update[phase] : NULL;
    ph_program_desc d = { .training = trains, .feeds = feed, .outputs = output, .max_rows = rows };
    d.feed_count = ph_trainer_feeds(t, feed);
    int last = t->figure_count + (trains ? t->list_count : 0);
    for (int i = 0; i < last; i++)
        if (!trains || t->figure_phase[i] == phase)
            output[d.output_count++] = t->figure[i];
    if (t->use.count && (!trains || phase == t->lead))
        output[d.output_count++] = t->graph->tokens;
    if (d.output_count == 0) /* it prepares, and tells its loss alone */
        output[d.output_count++] = u->loss;
    if (trains) {
        d.assigns = u->assign;
        d.assign_count = u->count;
        d.guard = u->loss;
    }
    ph_program *p = ph_compile(t->graph, &d);
    if (p && trains)
        p->noise_phase = (uint32_t)phase;
    return p;
}

double ph_trainer_flops(const ph_trainer *t)
{
    double sum = 0;
    for (int i = 0; t->prepared && i < t->graph->phase_count; i++) {
        ph_program *p = t->graph->phase[i].epochs ? NULL : ph_trainer_compile(t, i, 1);
        sum += p ? ph_program_flops(p, 1) : 0;
        ph_program_free(p);
    }
    return sum;
}

ph_status ph_trainer_print(ph_trainer *t, FILE *to)
{
    PH_TRY(ph_trainer_prepare(t));
    for (int i = 0; i < t->graph->phase_count; i++) {
        ph_program *p = ph_trainer_compile(t, i, (size_t)t->o.batch_size);
        if (p == NULL)
            return ph_last_status();
        const char *name = t->graph->phase[i].name;
        if (t->graph->phase_count > 1)
            fprintf(to, "phase %d%s%s: ", i + 1, name ? ", " : "", name ? name : "");
        ph_program_print(p, to);
        ph_program_free(p);
    }
    return PH_OK;
}
