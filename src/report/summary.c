/* summary.c - what was trained on what, and the headline figures. */
#include "report/report.h"

#include "base/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_shape(ph_page *r)
{
    for (size_t d = 0; d < r->info.rank; d++)
        ph_put(r, "%s%zu", d ? " × " : "", r->info.shape[d]);
}

static void fact(ph_page *r, const char *name)
{
    ph_put(r, "<div><dt>%s</dt><dd>", name);
}

static void fact_end(ph_page *r)
{
    ph_put(r, "</dd></div>");
}

/* ---- Options ------------------------------------------------------------------------------------- */

/* The options of a table that are not what they are by default. Targets are compared as texts, so that
 * 1e-3 equals 0.001. */
static ph_status put_options(ph_page *r, const ph_option *table, size_t count, size_t size,
                             size_t *shown)
{
    void *usual = calloc(1, size + 1);
    ph_settings *none = ph_settings_new();
    ph_status status = usual && none ? ph_options_read(table, count, none, usual)
                                     : ph_fail(PH_MEMORY, "out of memory for the report");
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        char text[4096];
        const char *value = ph_model_option(r->model, table[i].name);
        const char *standard = ph_option_text(&table[i], usual, text, sizeof text);
        bool told = strcmp(table[i].name, "scaling") == 0; /* above, as what it came to */
        if (value == NULL || *value == '\0' || strcmp(value, standard) == 0 || told)
            continue;
        bool flag = table[i].type == PH_OPTION_FLAG;
        ph_put(r, "%s<code>", (*shown)++ ? " " : "");
        ph_put_text(r, table[i].name);
        if (!flag || strcmp(value, "1") != 0) {
            ph_put(r, " = ");
            ph_put_text(r, value);
        }
        ph_put(r, "</code>");
    }
    ph_settings_free(none);
    free(usual);
    return status;
}

/* ---- Figures -------------------------------------------------------------------------------------- */

/* A long name may break behind each of its parts. */
static void put_breakable(ph_page *r, const char *name)
{
    for (const char *end; *name; name = end) {
        char part[64];
        end = name + strcspn(name, "_");
        end += *end == '_';
        snprintf(part, sizeof part, "%.*s", (int)(end - name), name);
        ph_put_text(r, part);
        ph_put(r, *end ? "<wbr>" : "");
    }
}

static void put_figures(ph_page *r)
{
    ph_put(r, "<ul class=\"figures\">");
    for (size_t i = 0; i < r->figures.count; i++) {
        const ph_figure *f = &r->figures.at[i];
        if (strcmp(f->name, "rows") == 0)
            continue;
        ph_put(r, "<li><b>");
        ph_put_number(r, f->value, 4);
        ph_put(r, "</b> <span class=\"name\">");
        put_breakable(r, f->name);
        ph_put(r, "</span> <span class=\"unit\">");
        ph_put_text(r, f->unit);
        ph_put(r, "</span></li>");
    }
    ph_put(r, "</ul>");
}

static void put_time(ph_page *r)
{
    const ph_trainer_progress *p = &r->model->trainer.progress;
    ph_put_count(r, (size_t)p->epoch);
    ph_put(r, " epoch%s, ", p->epoch == 1 ? "" : "s");
    ph_put_count(r, (size_t)p->step);
    ph_put(r, " step%s", p->step == 1 ? "" : "s");
    if (p->seconds > 0) {
        ph_put(r, ", ");
        ph_put_duration(r, p->seconds);
    }
}

/* The training part, and what of it training took, as far as the model tells. */
static ph_status put_training_rows(ph_page *r)
{
    const ph_model *m = r->model;
    ph_rows_used used;
    bool trained = m->trainer.progress.epoch > 0 && m->family->fit == NULL;
    PH_TRY(ph_trainer_rows(&m->trainer, r->train, &used));
    fact(r, "training part");
    ph_put_count(r, r->train->rows);
    ph_put(r, " row%s", r->train->rows == 1 ? "" : "s");
    if (trained && !used.known) {
        ph_put(r, ", which are not those that it was trained on: its steps are of another number");
    } else if (trained && used.rows < r->train->rows) {
        ph_put(r, ", of which it was trained on ");
        ph_put_count(r, used.rows);
    }
    if (trained && used.known && m->trainer.labelled) {
        ph_put(r, used.apart ? " and on the labels of " : ", and on the labels of ");
        ph_put_count(r, used.labelled);
        ph_put(r, used.apart ? " others" : " of them");
    } else if (trained && used.known && used.labelled) {
        ph_put(r, ", with their labels");
    }
    if (trained && used.known && used.held_out) {
        ph_put(r, "; ");
        ph_put_count(r, used.held_out);
        ph_put(r, " were held out");
    }
    fact_end(r);
    return PH_OK;
}

static ph_status write_summary(ph_page *r)
{
    const ph_family_desc *family = r->model->family;
    ph_put(r, "<p>Measured on ");
    ph_put_count(r, r->rows);
    ph_put(r, " row%s of <b>", r->rows == 1 ? "" : "s");
    ph_put_text(r, r->set.name);
    ph_put(r, "</b>:</p>");
    put_figures(r);
    ph_put(r, "<dl class=\"card facts\">");
    fact(r, "model");
    ph_put(r, "<code>%s</code>, ", r->info.family);
    ph_put_text(r, family->face.help);
    fact_end(r);
    fact(r, "made for");
    ph_put_text(r, r->info.data);
    ph_put(r, ", rows of ");
    put_shape(r);
    fact_end(r);
    if (r->train)
        PH_TRY(put_training_rows(r));
    fact(r, "size");
    ph_put(r, "code of ");
    ph_put_count(r, r->info.latent_dim);
    if (r->code && ph_plane_of_styles(&r->map))
        ph_put(r, " (%s %zu, style %zu)", ph_model_export(r->model, "cluster") ? "cluster" : "class",
               r->code - r->map.code, r->map.code);
    ph_put(r, ", ");
    ph_put_count(r, r->info.parameters);
    ph_put(r, " trained numbers");
    if (r->info.layers)
        ph_put(r, ", %zu hidden layer%s in the encoder", r->info.layers, r->info.layers == 1 ? "" : "s");
    fact_end(r);
    if (r->info.epoch) {
        fact(r, "trained");
        if (family->fit)
            ph_put(r, "in closed form");
        else
            put_time(r);
        fact_end(r);
    }
    fact(r, "scaling");
    ph_put(r, "<code>");
    ph_put_text(r, r->model->scaling.kind);
    ph_put(r, "</code>%s", strcmp(r->model->scaling.kind, "none") == 0 ? ": numbers as they are" : "");
    fact_end(r);
    fact(r, "options that differ from the defaults");
    size_t shown = 0;
    ph_status status = put_options(r, family->face.options, family->face.option_count,
                                   family->options_size, &shown);
    if (status == PH_OK)
        status = put_options(r, ph_training_table, ph_training_table_size, sizeof(ph_trainer_options),
                             &shown);
    ph_put(r, shown ? "" : "none");
    fact_end(r);
    ph_put(r, "</dl>");
    return status;
}

const ph_section ph_section_summary = { "summary", "The model", NULL, write_summary };
