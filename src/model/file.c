/* file.c - the model file: safetensors with options, scaling and the training record as texts.
 *
 * Arrays: every parameter and state under its own name; "scaling/shift" and "scaling/scale";
 * "best/N" for what the best epoch had; "training/progress" for the numbers a resumed run needs, with
 * "training/listN" for the sums of lists in an epoch that was begun.
 *
 * Texts: "format", "family", "data", "option:NAME" for every option, what other sets are opened by ("row-shape",
 * "columns", "classes", "picture-size", ...) and the training record. "columns" and "classes" are names in quotes,
 * commas between them, a quote doubled; a class that had none in its set has its number for a name. Older
 * files lack "classes": theirs go by the number that they have in any set.
 */
#include "base/safetensors.h"
#include "base/options.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char format_name[] = "pinhole 1";

static const char *real_type(void)
{
    return sizeof(real) == 8 ? "F64" : "F32";
}

static bool is_kept(const ph_variable *v, bool weights_only)
{
    return v->kind == PH_VARIABLE_PARAMETER ||
           (v->kind == PH_VARIABLE_STATE &&
            !(weights_only && strncmp(v->name, "optimizer/", 10) == 0));
}

static ph_tensor tensor_of(const ph_variable *v, const real *data)
{
    ph_tensor t = { .name = v->name, .type = real_type(), .rank = v->shape.rank,
                    .bytes = v->size * sizeof(real), .data = data };
    memcpy(t.shape, v->shape.dim, v->shape.rank * sizeof t.shape[0]);
    return t;
}

static ph_tensor vector(const char *name, const char *type, const void *data, size_t count,
                        size_t bytes_each)
{
    return (ph_tensor){ .name = name, .type = type, .rank = 1, .shape = { count },
                        .bytes = count * bytes_each, .data = data };
}

/* The numbers a resumed run needs, as an array of F64 that any reader can show. */
enum { PROGRESS = 9 + PH_MAX_FIGURES };

static const char *const list_names[PH_MAX_LISTS] = { "training/list1", "training/list2",
                                                      "training/list3", "training/list4" };

/* A file in the making: what it lists, and what was made only for it. */
typedef struct writing {
    ph_tensor *tensor;
    ph_text *text;
    size_t tensors, texts;
    char (*option)[96], *columns, *classes, shape[96], white[32], rate[16];
    double progress[PROGRESS];
} writing;

static void text(writing *w, const char *name, const char *value)
{
    w->text[w->texts++] = (ph_text){ name, value };
}

static void write_progress(const ph_trainer_progress *p, double out[PROGRESS])
{
    const double head[9] = { (double)p->epoch, (double)p->batch, (double)p->step, (double)p->rows,
                             p->seconds, p->plateau, p->best, (double)p->best_epoch,
                             (double)p->waited };
    memcpy(out, head, sizeof head);
    memcpy(out + 9, p->sum, sizeof p->sum);
}

static void read_progress(const double in[PROGRESS], ph_trainer_progress *p)
{
    *p = (ph_trainer_progress){ .epoch = (int64_t)in[0], .batch = (int64_t)in[1],
                                .step = (int64_t)in[2], .rows = (int64_t)in[3], .seconds = in[4],
                                .plateau = in[5], .best = in[6], .best_epoch = (int64_t)in[7],
                                .waited = (int64_t)in[8] };
    memcpy(p->sum, in + 9, sizeof p->sum);
}

static const char *const quantile_names[PH_FOLDS] = { "score/quantiles", "score/quantiles-largest",
                                                      "score/quantiles-mean" };

/* Room for all that a file may hold, and the texts that are made for it. */
static ph_status begin_writing(writing *w, const ph_model *m, const char *path)
{
    size_t variables = 0, options = ph_settings_count(m->settings);
    for (const ph_variable *v = m->graph->variable; v; v = v->next)
        variables++;
    *w = (writing){ .tensor = calloc(variables + 16 + PH_MAX_LISTS, sizeof *w->tensor),
                    .text = calloc(options + 20, sizeof *w->text),
                    .option = calloc(options + 1, sizeof *w->option) };
    w->columns = m->columns.count ? ph_texts_list(&m->columns) : NULL;
    w->classes = m->classes.count ? ph_texts_list(&m->classes) : NULL;
    bool whole = w->tensor && w->text && w->option && (w->columns || m->columns.count == 0) &&
                 (w->classes || m->classes.count == 0);
    return whole ? PH_OK : ph_fail(PH_MEMORY, "%s: out of memory while saving", path);
}

static void end_writing(writing *w)
{
    free(w->tensor);
    free(w->text);
    free(w->option);
    free(w->columns);
    free(w->classes);
}

static void put(writing *w, ph_tensor t)
{
    w->tensor[w->tensors++] = t;
}

static void put_mixture(writing *w, const ph_mixture *m)
{
    ph_tensor mean = vector("mixture/mean", "F64", m->mean, m->count * m->width, sizeof(double));
    ph_tensor factor = vector("mixture/factor", "F64", m->factor, m->count * m->width * m->width,
                              sizeof(double));
    mean.rank = 2;
    factor.rank = 3;
    mean.shape[0] = factor.shape[0] = m->count;
    mean.shape[1] = factor.shape[1] = factor.shape[2] = m->width;
    put(w, vector("mixture/weight", "F64", m->weight, m->count, sizeof(double)));
    put(w, mean);
    put(w, factor);
}

static void put_arrays(writing *w, const ph_model *m, bool weights_only)
{
    const ph_trainer *t = &m->trainer;
    const ph_scaling *s = &m->scaling;
    for (const ph_variable *v = m->graph->variable; v; v = v->next)
        if (is_kept(v, weights_only))
            put(w, tensor_of(v, weights_only && v->used ? v->used : v->data));
    put(w, vector("scaling/shift", real_type(), s->shift, s->width, sizeof(real)));
    put(w, vector("scaling/scale", real_type(), s->scale, s->width, sizeof(real)));
    if (s->fill)
        put(w, vector("scaling/fill", real_type(), s->fill, s->columns, sizeof(real)));
    for (int i = 0; i < PH_FOLDS; i++)
        if (m->quantile[i])
            put(w, vector(quantile_names[i], "F64", m->quantile[i], PH_QUANTILES, sizeof(double)));
    if (m->mixture.count)
        put_mixture(w, &m->mixture);
    if (!t->prepared || weights_only)
        return;
    write_progress(&t->progress, w->progress);
    put(w, vector("training/progress", "F64", w->progress, PROGRESS, sizeof(double)));
    for (int i = 0; i < t->list_count && t->progress.batch > 0; i++)
        put(w, vector(list_names[i], "F64", t->progress.list[i], ph_width(m->graph->list[i].value),
                      sizeof(double)));
    if (t->use.count && t->progress.batch > 0)
        put(w, vector("training/words", "F64", t->use.count, t->use.words * t->use.books,
                      sizeof(double)));
    if (t->best)
        put(w, vector("training/best", real_type(), t->best, ph_trainer_snapshot_size(t),
                      sizeof(real)));
}

static void put_texts(writing *w, const ph_model *m, bool weights_only)
{
    for (size_t d = 0, used = 0; d < m->row.rank; d++)
        used += (size_t)snprintf(w->shape + used, sizeof w->shape - used, "%s%zu", d ? "," : "",
                                 m->row.dim[d]);
    snprintf(w->white, sizeof w->white, "%.17g", m->white);
    snprintf(w->rate, sizeof w->rate, "%lu", (unsigned long)m->rate);
    text(w, "format", format_name);
    text(w, "family", m->family->face.name);
    text(w, "data", m->data_name);
    text(w, "row-shape", w->shape);
    text(w, "scaling-kind", m->scaling.kind);
    text(w, "white", w->white);
    if (w->columns)
        text(w, "columns", w->columns);
    if (w->classes)
        text(w, "classes", w->classes);
    if (*m->size) {
        text(w, "picture-size", m->size);
        text(w, "picture-fit", m->fit);
    }
    if (*m->window) {
        text(w, "window", m->window);
        text(w, "hop", m->hop);
    }
    if (m->table)
        text(w, "window-of", "table");
    if (m->rate)
        text(w, "rate", w->rate);
    if (m->trainer.history)
        text(w, "record", m->trainer.history);
    for (size_t i = 0; i < ph_settings_count(m->settings); i++) {
        const char *option = ph_settings_name(m->settings, i);
        bool averaged = weights_only && strcmp(option, "average") == 0;
        snprintf(w->option[i], sizeof w->option[i], "option:%s", option);
        text(w, w->option[i], averaged ? "0" : ph_settings_value(m->settings, i));
    }
}

ph_status ph_model_save(const ph_model *m, const char *path, bool weights_only)
{
    writing w;
    ph_status status = begin_writing(&w, m, path);
    if (status == PH_OK) {
        put_arrays(&w, m, weights_only);
        put_texts(&w, m, weights_only);
        status = ph_tensors_write(path, w.tensor, w.tensors, w.text, w.texts);
    }
    end_writing(&w);
    return status;
}

/* ---- Loading ---------------------------------------------------------------------------------------- */

static ph_status damaged(const char *path, const char *place, const char *why)
{
    return ph_fail(PH_DATA, "%s: not a sound model file (%s): %s", path, place, why);
}

static ph_status read_vector(const char *path, const ph_tensors *file, const char *name,
                             size_t count, size_t bytes_each, const char *type, void *out)
{
    const ph_tensor *t = ph_tensors_find(file, name);
    if (t == NULL)
        return damaged(path, name, "the array is missing");
    if (strcmp(t->type, type) != 0 || t->bytes != count * bytes_each)
        return damaged(path, name, "the array has another type or size than the model's options say");
    memcpy(out, t->data, t->bytes);
    return PH_OK;
}

static ph_status read_shape(const char *path, const char *text, ph_shape *row)
{
    *row = (ph_shape){ .set = 1 };
    size_t size = 1;
    for (const char *at = text ? text : ""; *at;) {
        unsigned long dim;
        int end = 0;
        if (row->rank == PH_MAX_RANK || *at == '-' || sscanf(at, "%lu%n", &dim, &end) != 1 ||
            dim == 0 || __builtin_mul_overflow(size, dim, &size) || size > 100000000)
            return damaged(path, "row-shape", "not a shape");
        row->dim[row->rank++] = dim;
        at += end + (at[end] == ',');
    }
    return row->rank ? PH_OK : damaged(path, "row-shape", "missing");
}

/* Those of the table, where rows are windows of it. */
static size_t columns_of(const ph_model *m)
{
    return !m->table ? ph_shape_size(&m->row) : m->row.rank == 3 ? m->row.dim[2] : 1;
}

static ph_status read_scaling(const char *path, const ph_tensors *file, ph_model *m)
{
    const ph_tensor *shift = ph_tensors_find(file, "scaling/shift");
    const char *kind = ph_tensors_text(file, "scaling-kind");
    size_t width = shift ? shift->bytes / sizeof(real) : 0;
    if (kind == NULL || (width != 1 && width != columns_of(m)))
        return damaged(path, "scaling/shift", "missing, or of another size than a row");
    static const char kinds[] = " none bytes center minmax standardise ";
    char word[40];
    snprintf(word, sizeof word, " %.30s ", kind);
    if (strstr(kinds, word) == NULL)
        return damaged(path, "scaling-kind", "not a kind of scaling");
    snprintf(m->scaling.kind, sizeof m->scaling.kind, "%s", kind);
    m->scaling.width = width;
    m->scaling.words = ph_model_row_words(m);
    m->scaling.shift = malloc(width * sizeof(real));
    m->scaling.scale = malloc(width * sizeof(real));
    if (m->scaling.shift == NULL || m->scaling.scale == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    const ph_tensor *fill = ph_tensors_find(file, "scaling/fill");
    if (fill) {
        m->scaling.columns = fill->bytes == sizeof(real) ? 1 : columns_of(m);
        m->scaling.fill = malloc(m->scaling.columns * sizeof(real));
        if (m->scaling.fill == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", path);
        PH_TRY(read_vector(path, file, "scaling/fill", m->scaling.columns, sizeof(real), real_type(),
                           m->scaling.fill));
    }
    PH_TRY(read_vector(path, file, "scaling/shift", width, sizeof(real), real_type(),
                       m->scaling.shift));
    return read_vector(path, file, "scaling/scale", width, sizeof(real), real_type(),
                       m->scaling.scale);
}

static ph_status read_training(const char *path, const ph_tensors *file, ph_model *m)
{
    ph_trainer *t = &m->trainer;
    const char *record = ph_tensors_text(file, "record");
    if (record) {
        t->history = strdup(record);
        if (t->history == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", path);
        t->history_size = strlen(record);
    }
    if (ph_tensors_find(file, "training/progress") == NULL)
        return PH_OK;
    PH_TRY(ph_trainer_prepare(t));
    double progress[PROGRESS];
    PH_TRY(read_vector(path, file, "training/progress", PROGRESS, sizeof(double), "F64", progress));
    for (int i = 0; i < 9; i++) /* all but the best loss, which is infinite before there is one */
        if (i != 6 && !(progress[i] >= 0 && progress[i] < 1e15))
            return damaged(path, "training/progress", "a number is out of range");
    read_progress(progress, &t->progress);
    for (int i = 0; i < t->list_count; i++)
        if (ph_tensors_find(file, list_names[i]))
            PH_TRY(read_vector(path, file, list_names[i], ph_width(m->graph->list[i].value),
                               sizeof(double), "F64", t->progress.list[i]));
    if (t->use.count && ph_tensors_find(file, "training/words"))
        PH_TRY(read_vector(path, file, "training/words", t->use.words * t->use.books, sizeof(double),
                           "F64", t->use.count));
    if (ph_tensors_find(file, "training/best")) {
        size_t size = ph_trainer_snapshot_size(t);
        t->best = malloc((size + 1) * sizeof(real));
        if (t->best == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", path);
        PH_TRY(read_vector(path, file, "training/best", size, sizeof(real), real_type(), t->best));
    }
    return PH_OK;
}

/* Options that lie must not make the library take more memory than the file's arrays can fill. */
static ph_status build(const char *path, const ph_tensors *file, ph_model *m)
{
    size_t bytes = 0;
    for (size_t i = 0; i < file->tensor_count; i++)
        bytes += file->tensor[i].bytes;
    ph_status status = ph_model_build(m, bytes / sizeof(real));
    if (status == PH_OK)
        return PH_OK;
    return status == PH_MEMORY ? ph_fail(PH_MEMORY, "%s: %s", path, ph_message())
                               : damaged(path, "options", ph_message());
}

/* What was found out from the training rows after training. */
static ph_status read_findings(const char *path, const ph_tensors *file, ph_model *m)
{
    size_t in, width;
    const ph_tensor *weight = ph_tensors_find(file, "mixture/weight");
    for (int i = 0; i < PH_FOLDS; i++) {
        if (ph_tensors_find(file, quantile_names[i]) == NULL)
            continue;
        m->quantile[i] = malloc(PH_QUANTILES * sizeof *m->quantile[i]);
        if (m->quantile[i] == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", path);
        PH_TRY(read_vector(path, file, quantile_names[i], PH_QUANTILES, sizeof(double), "F64", m->quantile[i]));
    }
    if (weight == NULL)
        return PH_OK;
    PH_TRY(ph_model_port(m, "decode", &width, &in));
    size_t count = weight->bytes / sizeof(double), numbers;
    if (count == 0 || count > 1000000 || __builtin_mul_overflow(count * width, width, &numbers))
        return damaged(path, "mixture/weight", "not a count of components");
    const ph_tensor *factors = ph_tensors_find(file, "mixture/factor");
    if (factors == NULL || factors->bytes != numbers * sizeof(double))
        return damaged(path, "mixture/factor", "missing, or of another size than the codes");
    PH_TRY(ph_mixture_make(&m->mixture, count, width));
    PH_TRY(read_vector(path, file, "mixture/weight", count, sizeof(double), "F64",
                       m->mixture.weight));
    PH_TRY(read_vector(path, file, "mixture/mean", count * width, sizeof(double), "F64",
                       m->mixture.mean));
    return read_vector(path, file, "mixture/factor", numbers, sizeof(double), "F64",
                       m->mixture.factor);
}

/* Names of `count` things, where the file has them. */
static ph_status read_names(const char *path, const ph_tensors *file, const char *place, ph_texts *names,
                            size_t count)
{
    const char *list = ph_tensors_text(file, place);
    if (list == NULL)
        return PH_OK;
    ph_status status = ph_texts_read_list(names, list);
    if (status == PH_OK && names->count != count)
        status = ph_fail(PH_DATA, "other names than there are");
    return status == PH_DATA ? damaged(path, place, ph_message()) : status;
}

static ph_status read_model(const char *path, const ph_tensors *file, ph_model *m)
{
    const char *data = ph_tensors_text(file, "data");
    snprintf(m->data_name, sizeof m->data_name, "%s", data ? data : "");
    const char *of = ph_tensors_text(file, "window-of");
    m->table = of && strcmp(of, "table") == 0;
    PH_TRY(read_names(path, file, "columns", &m->columns, columns_of(m)));
    const char *size = ph_tensors_text(file, "picture-size");
    const char *fit = ph_tensors_text(file, "picture-fit");
    snprintf(m->size, sizeof m->size, "%s", size ? size : "");
    snprintf(m->fit, sizeof m->fit, "%s", size && fit ? fit : "");
    const char *window = ph_tensors_text(file, "window"), *hop = ph_tensors_text(file, "hop");
    snprintf(m->window, sizeof m->window, "%s", window ? window : "");
    snprintf(m->hop, sizeof m->hop, "%s", window && hop ? hop : "");
    const char *rate = ph_tensors_text(file, "rate");
    if (rate && sscanf(rate, "%9" SCNu32, &m->rate) != 1)
        return damaged(path, "rate", "not a whole number");
    const char *white = ph_tensors_text(file, "white");
    m->white = white ? strtod(white, NULL) : 0;
    if (!(m->white >= 0 && m->white < 1e30))
        return damaged(path, "white", "not a number from 0 on");
    PH_TRY(read_scaling(path, file, m));
    PH_TRY(build(path, file, m));
    PH_TRY(read_names(path, file, "classes", &m->classes, ph_model_classes(m)));
    PH_TRY(read_training(path, file, m));
    for (ph_variable *v = m->graph->variable; v; v = v->next)
        if (is_kept(v, false))
            PH_TRY(read_vector(path, file, v->name, v->size, sizeof(real), real_type(), v->data));
    m->graph->room = PH_ANY_ROOM; /* A run that goes on may need states that the file has not. */
    ph_trainer_choose_weights(&m->trainer, true);
    return read_findings(path, file, m);
}

static ph_model *make(const char *path, const ph_tensors *file)
{
    const char *format = ph_tensors_text(file, "format"), *family = ph_tensors_text(file, "family");
    ph_shape row;
    if (format == NULL || family == NULL || strncmp(format, "pinhole ", 8) != 0) {
        ph_fail(PH_DATA, "%s: a safetensors file, but not a model of pinhole", path);
        return NULL;
    }
    if (strcmp(format, format_name) != 0) {
        ph_fail(PH_DATA, "%s: made by a newer version (format '%s'; this one reads '%s')", path,
                format, format_name);
        return NULL;
    }
    if (read_shape(path, ph_tensors_text(file, "row-shape"), &row) != PH_OK)
        return NULL;
    ph_settings *settings = ph_settings_new();
    ph_model *m = NULL;
    ph_status status = settings ? PH_OK : PH_MEMORY;
    for (size_t i = 0; i < file->text_count && status == PH_OK; i++)
        if (strncmp(file->text[i].name, "option:", 7) == 0)
            status = ph_settings_set(settings, file->text[i].name + 7, file->text[i].value);
    if (status == PH_OK)
        m = ph_model_make(family, settings, &row);
    if (m == NULL) /* nobody gave these options: the file has them */
        ph_fail(ph_last_status() == PH_USAGE ? PH_DATA : ph_last_status(), "%s: %s", path, ph_message());
    ph_settings_free(settings);
    return m;
}

ph_model *ph_model_load(const char *path)
{
    ph_tensors file;
    if (ph_tensors_read(path, &file) != PH_OK)
        return NULL;
    ph_model *m = make(path, &file);
    if (m && read_model(path, &file, m) != PH_OK) {
        ph_model_free(m);
        m = NULL;
    }
    ph_tensors_free(&file);
    return m;
}
