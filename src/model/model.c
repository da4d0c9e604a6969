/* model.c - the families there are, and what every model has whatever its family: options, scaling,
 * graph, trainer.
 */
#include "model/model.h"

#include "base/file.h"
#include "base/options.h"

#include <stdlib.h>
#include <string.h>

/* ---- Families ------------------------------------------------------------------------------------- */

enum { MAX_FAMILIES = 32 };
static const ph_family_desc *families[MAX_FAMILIES] = { &ph_family_ae, &ph_family_aae,
                                                        &ph_family_logistic_pca, &ph_family_mae,
                                                        &ph_family_pca, &ph_family_prior,
                                                        &ph_family_vae, &ph_family_vqvae };
static size_t family_count = 8;

ph_status ph_family_register(const ph_family_desc *desc)
{
    if (ph_family_find(desc->face.name))
        return ph_fail(PH_USAGE, "family '%s' is there already", desc->face.name);
    if (family_count == MAX_FAMILIES)
        return ph_fail(PH_USAGE, "more than %d families", MAX_FAMILIES);
    families[family_count++] = desc;
    return PH_OK;
}

const ph_family *ph_family_at(size_t i)
{
    return i < family_count ? &families[i]->face : NULL;
}

const ph_family_desc *ph_family_find(const char *name)
{
    for (size_t i = 0; i < family_count; i++)
        if (strcmp(families[i]->face.name, name) == 0)
            return families[i];
    return NULL;
}

static ph_status unknown_family(const char *name)
{
    char list[256] = "";
    const char *names[MAX_FAMILIES];
    for (size_t i = 0, used = 0; i < family_count && used < sizeof list; i++) {
        names[i] = families[i]->face.name;
        used += (size_t)snprintf(list + used, sizeof list - used, " %s", names[i]);
    }
    const char *nearest = ph_nearest(name, names, family_count);
    return nearest ? ph_fail(PH_USAGE, "unknown family '%s'; did you mean '%s'? There are:%s", name,
                             nearest, list)
                   : ph_fail(PH_USAGE, "unknown family '%s'; there are:%s", name, list);
}

/* ---- Settings to graph ------------------------------------------------------------------------------ */

/* Every option of both tables into m->settings, as text that reads back exactly. */
static ph_status resolve(ph_model *m, const ph_option *table, size_t count, const void *target)
{
    char text[4096];
    for (size_t i = 0; i < count; i++)
        PH_TRY(ph_settings_set(m->settings, table[i].name,
                               ph_option_text(&table[i], target, text, sizeof text)));
    return PH_OK;
}

static ph_status read_options(ph_model *m, const ph_settings *settings)
{
    const ph_family *face = &m->family->face;
    const ph_option *tables[] = { face->options, ph_training_table };
    size_t counts[] = { face->option_count, ph_training_table_size };
    PH_TRY(ph_options_check(settings, tables, counts, 2));
    ph_settings *given = m->settings;
    for (int t = 0; t < 2; t++) {
        void *target = t == 0 ? m->options : (void *)&m->trainer.o;
        PH_TRY(ph_options_read(tables[t], counts[t], settings, target));
        PH_TRY(resolve(m, tables[t], counts[t], target));
        /* Once more from the resolved texts, which live as long as the model. */
        PH_TRY(ph_options_read(tables[t], counts[t], given, target));
    }
    return PH_OK;
}

/* Options that have to fit the kind of data: what is for numbers in [0,1], and what for any; whether the
 * data settle what "auto" is, which is of bytes `symbols`, where the family has it. */
static const struct {
    const char *name, *unit, *any;
    bool settles;
} by_data[] = { { "loss", "bce", "mse", true }, { "likelihood", "bernoulli", "gaussian", true },
                { "output-activation", "sigmoid", "linear", false } };

/* The levels of a likelihood lie in [0,1], too, but for those that are words. */
static bool asks_for_unit(const ph_model *m, const char *value, const char *unit)
{
    return strcmp(value, unit) == 0 || strncmp(value, "logistic", 8) == 0 ||
           (strncmp(value, "categorical", 11) == 0 && m->scaling.words == 0);
}

static ph_status is_unit(const ph_model *m, const ph_data *data, bool *unit)
{
    double low, high;
    bool bytes = strcmp(m->scaling.kind, "bytes") == 0;
    *unit = strcmp(m->scaling.kind, "minmax") == 0 || (bytes && ph_data_white(data) > 0);
    if (*unit || (!bytes && strcmp(m->scaling.kind, "none") != 0))
        return PH_OK;
    PH_TRY(ph_data_range(data, &low, &high));
    *unit = low >= 0 && high <= (bytes ? 255 : 1);
    return PH_OK;
}

static const char symbols[] = "categorical:256";

/* What "auto" of an option is: the first of these that the family offers. */
static const char *settled(const ph_model *m, size_t which, const ph_data *data, bool unit)
{
    const char *name = by_data[which].name;
    const ph_option *o = ph_option_find(m->family->face.options, m->family->face.option_count, name);
    if (data->bytes && unit && ph_option_allows(o, symbols))
        return symbols;
    return unit && ph_option_allows(o, by_data[which].unit) ? by_data[which].unit : by_data[which].any;
}

/* "auto" is settled once, from the data, and the model file keeps what it came to. */
static ph_status settle_loss(ph_model *m, const ph_data *data)
{
    for (size_t i = 0; i < sizeof by_data / sizeof by_data[0]; i++) {
        const char *value = ph_settings_get(m->settings, by_data[i].name);
        bool is_auto = value && strcmp(value, "auto") == 0, unit;
        if (is_auto && !by_data[i].settles)
            continue;
        if (!is_auto && (value == NULL || !asks_for_unit(m, value, by_data[i].unit)))
            continue;
        PH_TRY(is_unit(m, data, &unit));
        if (is_auto)
            PH_TRY(ph_settings_set(m->settings, by_data[i].name, settled(m, i, data, unit)));
        else if (!unit)
            return ph_fail(PH_USAGE, "%s %s needs values in [0,1]: choose scaling minmax or bytes, or "
                           "%s %s", by_data[i].name, value, by_data[i].name, by_data[i].any);
    }
    return PH_OK;
}

static ph_status check_unit_rows(const ph_model *m, const ph_data *data)
{
    bool unit = true;
    if (m->family->unit_rows)
        PH_TRY(is_unit(m, data, &unit));
    return unit ? PH_OK
                : ph_fail(PH_USAGE, "%s needs values in [0,1], and with scaling %s those of %s are "
                          "not: choose scaling minmax or bytes", m->family->face.name,
                          m->scaling.kind, m->data_name);
}

/* How many classes there are follows from the data, where a family asks for it. */
static ph_status settle_classes(ph_model *m, const ph_data_info *info)
{
    const char *classes = ph_settings_get(m->settings, "classes");
    char text[24];
    if (classes == NULL || strcmp(classes, "0") != 0)
        return PH_OK;
    snprintf(text, sizeof text, "%zu", info->classes);
    return ph_settings_set(m->settings, "classes", text);
}

ph_status ph_model_build(ph_model *m, size_t room)
{
    m->graph = ph_graph_new((uint64_t)m->trainer.o.seed);
    if (m->graph == NULL)
        return ph_last_status();
    m->graph->room = room;
    m->x = ph_input(m->graph, "x", m->row.rank, m->row.dim);
    m->family->build(m->graph, m->x, m->options);
    PH_TRY(ph_graph_status(m->graph));
    m->scaling.gaps = ph_model_export(m, "fill") ? "pinhole reconstruct MODEL DATA -o FILE fills the gaps"
                                                 : ph_gaps_take_means;
    ph_trainer_start(&m->trainer, m->graph, m->x, &m->scaling);
    m->trainer.y = m->graph->labels;
    m->trainer.labelled = m->graph->labelled;
    m->trainer.schedule = m->family->schedule;
    m->trainer.remark = m->family->remark;
    m->trainer.family_options = m->options;
    return PH_OK;
}

ph_model *ph_model_make(const char *family, const ph_settings *settings, const ph_shape *row)
{
    const ph_family_desc *desc = ph_family_find(family);
    if (desc == NULL) {
        unknown_family(family);
        return NULL;
    }
    ph_model *m = calloc(1, sizeof *m);
    if (m) {
        m->family = desc;
        m->row = *row;
        m->options = calloc(1, desc->options_size + 1);
        m->settings = ph_settings_new();
    }
    if (m == NULL || m->options == NULL || m->settings == NULL)
        ph_fail(PH_MEMORY, "out of memory for a model");
    else if (read_options(m, settings) == PH_OK)
        return m;
    ph_model_free(m);
    return NULL;
}

ph_status ph_model_check(const char *family, const ph_settings *settings)
{
    ph_model *m = ph_model_make(family, settings, &(ph_shape){ .rank = 1, .dim = { 1 } });
    ph_status status = m ? PH_OK : ph_last_status();
    ph_model_free(m);
    return status;
}

size_t ph_model_row_words(const ph_model *m)
{
    ph_layers layers;
    const char *list = ph_settings_get(m->settings, "hidden");
    return list && ph_layers_read("hidden", list, &layers) == PH_OK ? ph_layers_words(&layers) : 0;
}

/* Words are taken as they are. */
static ph_status fit_scaling(ph_model *m, const ph_data *data)
{
    const char *kind = m->trainer.o.scaling, *missing = m->trainer.o.missing;
    size_t words = ph_model_row_words(m);
    if (words && strcmp(kind, "auto") != 0 && strcmp(kind, "none") != 0)
        return ph_fail(PH_USAGE, "scaling %s: embed takes whole numbers as they are (scaling none)", kind);
    if (words && strcmp(missing, "refuse") != 0)
        return ph_fail(PH_USAGE, "missing %s: embed takes words, of which there is no mean", missing);
    PH_TRY(ph_scaling_fit(&m->scaling, words ? "none" : kind, missing, data));
    m->scaling.words = words;
    return PH_OK;
}

/* The options once more, after one of them was settled. */
static ph_status reread(ph_model *m)
{
    return ph_options_read(m->family->face.options, m->family->face.option_count, m->settings,
                           m->options);
}

/* earlier: the model that it starts with, or NULL. */
static ph_status start(ph_model *m, const ph_data *data, const ph_data_info *info,
                       const ph_model *earlier)
{
    snprintf(m->data_name, sizeof m->data_name, "%s", info->name);
    if (earlier)
        PH_TRY(ph_model_take_over(m, earlier, data));
    else
        PH_TRY(fit_scaling(m, data));
    PH_TRY(check_unit_rows(m, data));
    PH_TRY(settle_loss(m, data));
    PH_TRY(settle_classes(m, info));
    if (m->family->settle)
        PH_TRY(m->family->settle(m->settings, data));
    PH_TRY(ph_settings_set(m->settings, "scaling", m->scaling.kind));
    PH_TRY(reread(m));
    PH_TRY(ph_options_read(ph_training_table, ph_training_table_size, m->settings, &m->trainer.o));
    PH_TRY(ph_model_remember(m, data));
    double low, high;
    m->white = ph_data_white(data);
    if (strcmp(m->scaling.kind, "bytes") == 0)
        m->white = 1 / (double)m->scaling.scale[0];
    else if (m->white == 0 && ph_data_range(data, &low, &high) == PH_OK)
        m->white = high > 0 ? high : 0; /* pictures of numbers: their largest is drawn white */
    PH_TRY(ph_model_build(m, PH_ANY_ROOM));
    PH_TRY(ph_model_remember_classes(m, data));
    if (earlier)
        PH_TRY(ph_model_copy_weights(m, earlier));
    return m->family->start ? m->family->start(m->graph, m->options) : PH_OK;
}

ph_model *ph_model_new(const char *family, const ph_data *data, const ph_settings *settings)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    ph_shape row = ph_shape_of(1, info.rank, info.shape);
    ph_model *m = ph_model_make(family, settings, &row), *earlier = NULL;
    ph_status status = m ? ph_model_load_earlier(m, &earlier) : ph_last_status();
    if (status == PH_OK)
        status = start(m, data, &info, earlier);
    ph_model_free(earlier);
    if (status == PH_OK)
        return m;
    ph_model_free(m);
    return NULL;
}

void ph_model_forget_programs(ph_model *m)
{
    for (int i = 0; i < m->function_count; i++)
        ph_program_free(m->function[i].program);
    m->function_count = 0;
    ph_program_free(m->eval);
    m->eval = NULL;
}

void ph_model_free(ph_model *m)
{
    if (m == NULL)
        return;
    ph_model_forget_programs(m);
    ph_trainer_free(&m->trainer);
    ph_graph_free(m->graph);
    ph_scaling_free(&m->scaling);
    ph_settings_free(m->settings);
    ph_texts_free(&m->columns);
    ph_texts_free(&m->classes);
    for (int i = 0; i < PH_FOLDS; i++)
        free(m->quantile[i]);
    ph_mixture_free(&m->mixture);
    free(m->options);
    free(m->rows_in);
    free(m);
}

/* ---- Training ----------------------------------------------------------------------------------------- */

typedef struct listener {
    ph_model *model;
    const ph_training *training;
} listener;

static void pass_on(void *context, const ph_progress *progress)
{
    const listener *l = context;
    l->training->progress(l->training->user, l->model, progress);
}

static ph_status save(void *context)
{
    const listener *l = context;
    return ph_model_save(l->model, l->training->save_to, false);
}

/* What a run that goes on may change; anything else would make it another run. */
static const char *const changeable = " epochs early-stop log-every checkpoint-every lr lr-min "
                                      "schedule warmup decay step-every patience ";

static ph_status override(ph_model *m, const ph_settings *settings)
{
    const ph_option *table = ph_training_table;
    PH_TRY(ph_options_check(settings, &table, &ph_training_table_size, 1));
    for (size_t i = 0; i < ph_settings_count(settings); i++) {
        const ph_option *o = ph_option_find(table, ph_training_table_size,
                                            ph_settings_name(settings, i));
        char word[64], text[4096];
        ph_trainer_options wanted = m->trainer.o;
        ph_settings *one = ph_settings_new();
        if (one == NULL)
            return PH_MEMORY;
        ph_status status = ph_settings_set(one, o->name, ph_settings_value(settings, i));
        if (status == PH_OK)
            status = ph_options_read(o, 1, one, &wanted);
        if (status == PH_OK)
            ph_option_text(o, &wanted, text, sizeof text);
        ph_settings_free(one);
        PH_TRY(status);
        const char *now = ph_settings_get(m->settings, o->name);
        snprintf(word, sizeof word, " %s ", o->name);
        bool same = now && strcmp(now, text) == 0;
        if (!same && m->trainer.prepared && strstr(changeable, word) == NULL)
            return ph_fail(PH_USAGE, "%s: a model that was trained with %s cannot go on with %s",
                           o->name, now, text);
        if (!same && !m->trainer.prepared && strcmp(o->name, "scaling") != 0 &&
            strcmp(o->name, "seed") != 0)
            PH_TRY(ph_settings_set(m->settings, o->name, text));
        else if (!same && m->trainer.prepared)
            PH_TRY(ph_settings_set(m->settings, o->name, text));
    }
    return ph_options_read(table, ph_training_table_size, m->settings, &m->trainer.o);
}

ph_status ph_train(ph_model *m, const ph_data *data, const ph_training *training)
{
    ph_training none = { 0 };
    training = training ? training : &none;
    PH_TRY(ph_model_check_data(m, "reconstruct", data));
    PH_TRY(ph_model_check_classes(m, data));
    if (training->validation)
        PH_TRY(ph_model_check_classes(m, training->validation));
    PH_TRY(override(m, training->settings));
    if (training->save_to) { /* Where the file cannot be written, that is said before the work. */
        ph_file *trial = ph_file_create(training->save_to);
        if (trial == NULL)
            return ph_last_status();
        ph_file_discard(trial);
    }
    listener l = { m, training };
    ph_hooks hooks = { .save = training->save_to ? save : NULL,
                       .progress = training->progress ? pass_on : NULL, .context = &l,
                       .time_layers = training->time_layers };
    ph_model_forget_programs(m);
    ph_status status = m->family->fit
                           ? ph_trainer_closed_form(&m->trainer, m->family->fit, data, &hooks)
                           : ph_trainer_run(&m->trainer, data, training->validation, &hooks);
    ph_model_forget_programs(m);
    return status;
}

/* ---- Telling -------------------------------------------------------------------------------------------- */

const char *ph_model_column(const ph_model *m, size_t column)
{
    return m->table ? NULL : ph_texts_at(&m->columns, column);
}

const char *ph_model_class(const ph_model *m, size_t label)
{
    return ph_texts_at(&m->classes, label);
}

uint32_t ph_model_find_class(const ph_model *m, const char *text)
{
    size_t named = ph_texts_find(&m->classes, text), count = ph_model_labels(m);
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (named != SIZE_MAX)
        return (uint32_t)named;
    return *text >= '0' && *text <= '9' && *end == '\0' && number < count ? (uint32_t)number : PH_NO_LABEL;
}

double ph_figure_get(const ph_figures *figures, const char *name)
{
    for (size_t i = 0; i < figures->count; i++)
        if (strcmp(figures->at[i].name, name) == 0)
            return figures->at[i].value;
    return (double)__builtin_nanf("");
}

const char *ph_model_option(const ph_model *m, const char *name)
{
    const ph_option *o = ph_option_find(m->family->face.options, m->family->face.option_count, name);
    o = o ? o : ph_option_find(ph_training_table, ph_training_table_size, name);
    return o ? ph_settings_get(m->settings, o->name) : NULL;
}

size_t ph_model_code_classes(const ph_model *m)
{
    return m->family->code_classes ? m->family->code_classes(m->options) : 0;
}

size_t ph_model_layers(const ph_model *m)
{
    size_t layers = 0;
    for (int i = 0; i < m->graph->export_count; i++)
        layers += strncmp(m->graph->exported[i].name, "layer", 5) == 0;
    return layers;
}

void ph_model_describe(const ph_model *m, ph_model_info *info)
{
    *info = (ph_model_info){ .family = m->family->face.name, .rank = m->row.rank,
                             .width = ph_shape_size(&m->row), .layers = ph_model_layers(m),
                             .epoch = m->trainer.progress.epoch, .step = m->trainer.progress.step,
                             .white = m->white, .code_classes = ph_model_code_classes(m) };
    snprintf(info->data, sizeof info->data, "%s", m->data_name);
    memcpy(info->shape, m->row.dim, sizeof info->shape);
    for (const ph_variable *v = m->graph->variable; v; v = v->next)
        if (v->kind == PH_VARIABLE_PARAMETER)
            info->parameters += v->size;
    const ph_named *encode = ph_model_export(m, "encode");
    if (encode)
        info->latent_dim = ph_shape_size(&encode->value->shape);
    const ph_graph *g = m->graph;
    if (g->tokens) {
        info->words = g->words;
        info->books = g->books;
        info->token_rank = g->tokens->shape.rank;
        memcpy(info->token_shape, g->tokens->shape.dim, sizeof info->token_shape);
    }
    info->flops_per_row = ph_trainer_flops(&m->trainer);
}

/* The training step; where there is a closed form in its place, the reconstruction. */
static ph_status print_program(const ph_model *m, FILE *to)
{
    if (m->family->fit == NULL)
        return ph_trainer_print((ph_trainer *)&m->trainer, to);
    ph_function *f = ph_model_function((ph_model *)m, "reconstruct");
    if (f == NULL)
        return ph_last_status();
    ph_program_print(f->program, to);
    return PH_OK;
}

/* What the classes are called, the first of many. */
static void print_classes(const ph_model *m, FILE *to)
{
    enum { MOST = 20 };
    size_t count = m->classes.count;
    for (size_t k = 0; k < count && k < MOST; k++) {
        fputs(k == 0 ? "classes: " : ", ", to);
        for (const char *c = ph_texts_at(&m->classes, k); *c; c++) /* what steers a terminal is not shown */
            fputc((unsigned char)*c < ' ' || *c == 127 ? '?' : *c, to);
    }
    if (count > MOST)
        fprintf(to, " and %zu more", count - MOST);
    if (count)
        fputc('\n', to);
}

ph_status ph_model_print(const ph_model *m, FILE *to, const char *what)
{
    ph_model_info info;
    char shape[96];
    if (strcmp(what, "options") == 0) {
        for (size_t i = 0; i < ph_settings_count(m->settings); i++)
            fprintf(to, "%s = %s\n", ph_settings_name(m->settings, i),
                    ph_settings_value(m->settings, i));
    } else if (strcmp(what, "record") == 0) {
        fputs(m->trainer.history ? m->trainer.history : "", to);
    } else if (strcmp(what, "program") == 0) {
        return print_program(m, to);
    } else if (strcmp(what, "summary") == 0) {
        ph_model_describe(m, &info);
        fprintf(to, "family %s, made for %s, row %s, scaling %s\n", info.family, info.data,
                ph_shape_text(&(ph_shape){ 0, m->row.rank, { m->row.dim[0], m->row.dim[1],
                              m->row.dim[2], m->row.dim[3] } }, shape), m->scaling.kind);
        fprintf(to, "trained for %lld epochs, %lld steps\n", (long long)info.epoch,
                (long long)info.step);
        fprintf(to, "%zu trained numbers, code of %zu", info.parameters, info.latent_dim);
        if (info.code_classes)
            fprintf(to, ": %zu variables of %zu classes", info.latent_dim / info.code_classes,
                    info.code_classes);
        fputc('\n', to);
        print_classes(m, to);
        if (info.words)
            fprintf(to, "a row is %s words of %zu%s\n",
                    ph_shape_text(&(ph_shape){ 0, m->graph->tokens->shape.rank, { info.token_shape[0],
                                  info.token_shape[1], info.token_shape[2] } }, shape), info.words,
                    info.books > 1 ? ", the last dimension being that of the books" : "");
        for (const ph_variable *v = m->graph->variable; v; v = v->next)
            if (v->kind == PH_VARIABLE_PARAMETER)
                fprintf(to, "    %-28s %s\n", v->name, ph_shape_text(&v->shape, shape));
    } else {
        return ph_fail(PH_USAGE, "print: '%s' is not one of summary, options, record, program", what);
    }
    return ferror(to) ? ph_fail(PH_IO, "cannot write") : PH_OK;
}
