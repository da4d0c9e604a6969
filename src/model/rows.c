/* rows.c - the data that a model takes: what it keeps of the set it was made for, and whether another
 * set fits.
 */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is kept ---------------------------------------------------------------------------- */

/* Names are of use where each column has one of its own. */
ph_status ph_model_remember(ph_model *m, const ph_data *data)
{
    snprintf(m->size, sizeof m->size, "%s", data->size);
    snprintf(m->fit, sizeof m->fit, "%s", data->fit);
    ph_data_info info;
    ph_data_describe(data, &info);
    snprintf(m->window, sizeof m->window, "%s", info.window);
    snprintf(m->hop, sizeof m->hop, "%s", info.hop);
    m->rate = data->rate;
    m->table = info.table;
    size_t *order = ph_texts_order(&data->columns);
    if (order == NULL)
        return ph_last_status();
    bool unique = true;
    for (size_t c = 0; c < data->columns.count && unique; c++) {
        const char *name = ph_texts_at(&data->columns, order[c]);
        unique = *name && (c == 0 || strcmp(name, ph_texts_at(&data->columns, order[c - 1])) != 0);
    }
    free(order);
    return unique ? ph_texts_copy(&m->columns, &data->columns) : PH_OK;
}

ph_status ph_model_remember_classes(ph_model *m, const ph_data *data)
{
    char number[24];
    for (size_t k = 0; k < ph_model_classes(m); k++) {
        const char *name = ph_data_class_text(data, k, number);
        PH_TRY(ph_texts_add(&m->classes, name, strlen(name)));
    }
    return PH_OK;
}

static ph_status check_names(const ph_model *m, const ph_data *data)
{
    for (size_t c = 0; c < m->columns.count && c < data->columns.count; c++) {
        const char *name = ph_texts_at(&data->columns, c), *own = ph_texts_at(&m->columns, c);
        if (strcmp(name, own) != 0)
            return ph_fail(PH_DATA, "%s: column %zu is '%.100s', where the model has '%.100s'",
                           data->name, c + 1, name, own);
    }
    return PH_OK;
}

/* ---- Classes --------------------------------------------------------------------------------- */

size_t ph_model_classes(const ph_model *m)
{
    return m->graph->labels ? ph_width(m->graph->labels) : 0;
}

/* A file that does not say what its classes are called has them in the order of any set. */
static ph_status find_classes(const ph_model *m, const ph_data *data, uint32_t *number)
{
    if (m->classes.count)
        return ph_data_class_numbers(data, &m->classes, number);
    for (size_t k = 0; k < data->classes; k++)
        number[k] = k < ph_model_classes(m) ? (uint32_t)k : PH_NO_LABEL;
    return PH_OK;
}

static ph_status unknown_class(const ph_model *m, const ph_data *data, size_t row)
{
    char own[24], last[24];
    size_t count = ph_model_classes(m);
    bool named = m->classes.count > 0;
    snprintf(last, sizeof last, "%zu", count - 1);
    return ph_fail(PH_DATA, "%s: row %zu is of class '%.100s', and the model knows '%.100s'%s'%.100s'", data->name,
                   row + 1, ph_data_class_text(data, data->labels[row], own),
                   named ? ph_texts_at(&m->classes, 0) : "0", count > 2 ? " to " : " and ",
                   named ? ph_texts_at(&m->classes, count - 1) : last);
}

ph_status ph_model_class_numbers(const ph_model *m, const ph_data *data, uint32_t **number)
{
    *number = malloc((data->classes + 1) * sizeof **number);
    ph_status status = *number ? find_classes(m, data, *number)
                               : ph_fail(PH_MEMORY, "%s: out of memory", data->name);
    for (size_t r = 0; status == PH_OK && data->labels && r < data->rows; r++)
        if (data->labels[r] != PH_NO_LABEL && (*number)[data->labels[r]] == PH_NO_LABEL)
            status = unknown_class(m, data, r);
    if (status == PH_OK)
        return PH_OK;
    free(*number);
    *number = NULL;
    return status;
}

ph_status ph_model_check_classes(const ph_model *m, const ph_data *data)
{
    uint32_t *number;
    char text[24];
    if (ph_model_classes(m) == 0 || data->labels == NULL)
        return PH_OK;
    PH_TRY(ph_model_class_numbers(m, data, &number));
    ph_status status = PH_OK;
    for (size_t r = 0; r < data->rows && status == PH_OK; r++) {
        uint32_t label = data->labels[r];
        if (label != PH_NO_LABEL && number[label] != label)
            status = ph_fail(PH_DATA, "%s: class '%.100s' is number %u, where the model has %u: the set was not "
                             "opened for it", data->name, ph_data_class_text(data, label, text), label,
                             number[label]);
    }
    free(number);
    return status;
}

/* ---- Other sets ------------------------------------------------------------------------------ */

/* "784", or "784 (28x28)" where rows have a shape. */
static void size_text(size_t width, size_t rank, const size_t *shape, char text[96])
{
    size_t used = (size_t)snprintf(text, 96, "%zu", width);
    for (size_t i = 0; i < rank && rank > 1; i++)
        used += (size_t)snprintf(text + used, 96 - used, "%s%zu", i ? "x" : " (", shape[i]);
    if (rank > 1)
        snprintf(text + used, 96 - used, ")");
}

static size_t channels_of(size_t rank, const size_t *shape)
{
    return rank == 3 ? shape[2] : 1;
}

ph_status ph_model_check_data(const ph_model *m, const char *function, const ph_data *data)
{
    size_t in, out;
    PH_TRY(ph_model_port(m, function, &in, &out));
    const ph_named *f = ph_model_export(m, function);
    const ph_shape *s = &f->input->shape;
    bool rows = f->input == m->x, tokens = ph_model_takes_tokens(m, function);
    bool other = tokens && data->rank > 1 &&
                 (data->rank != s->rank || memcmp(data->shape, s->dim, s->rank * sizeof s->dim[0]) != 0);
    size_t channels = channels_of(data->rank, data->shape), wanted_channels = channels_of(s->rank, s->dim);
    if (rows && m->rate && data->rate && channels != wanted_channels)
        return ph_fail(PH_DATA, "%s: %zu channel%s, but the model was made for %zu", data->name, channels,
                       channels == 1 ? "" : "s", wanted_channels);
    if (data->width != in || other) {
        char there[96], wanted[96];
        size_text(data->width, data->rank, data->shape, there);
        size_text(in, s->rank, s->dim, wanted);
        return ph_fail(PH_DATA, "%s: rows of %s numbers, but the model's %s have %s", data->name, there,
                       rows ? "rows" : tokens ? "tokens" : "codes", wanted);
    }
    if (rows && m->rate && data->rate && m->rate != data->rate)
        return ph_fail(PH_DATA, "%s: %lu samples a second, but the model was made for %lu", data->name,
                       (unsigned long)data->rate, (unsigned long)m->rate);
    return rows ? check_names(m, data) : PH_OK;
}

bool ph_model_of_bytes(const ph_model *m)
{
    return *m->window && m->rate == 0 && m->row.rank == 1 && !m->table;
}

/* A model of bytes takes any file for such, but one of arrays. */
static void choose_format(const ph_model *m, ph_data_desc *desc, const char *spec)
{
    if (ph_model_of_bytes(m) && (desc->format == NULL || strcmp(desc->format, "auto") == 0) && !ph_is_arrays(spec))
        desc->format = "bytes";
}

/* Pictures are brought to the size that they had, and cut as they were, or else to that of a row; what the
 * caller asks for wins. size: room for a text. */
static void fit_pieces(const ph_model *m, ph_data_desc *desc, char size[48])
{
    bool picture = m->row.rank >= 2, own = desc->window == NULL;
    if (own && *m->window) {
        desc->window = m->window;
        desc->window_of = m->table ? "table" : "other";
        desc->hop = desc->hop ? desc->hop : m->hop;
    }
    if (picture && own && desc->size == NULL && (*m->size || *m->window == '\0')) {
        snprintf(size, 48, "%zux%zu", (size_t)m->row.dim[1], (size_t)m->row.dim[0]);
        desc->size = *m->window ? m->size : size;
        desc->fit = *m->size ? m->fit : desc->fit;
    }
    if (picture && (desc->channels == NULL || strcmp(desc->channels, "auto") == 0))
        desc->channels = m->row.rank == 3 && m->row.dim[2] == 3 ? "rgb" : "gray";
}

ph_data *ph_model_open_rows(const ph_model *m, const char *spec, const ph_data_desc *given)
{
    ph_data_desc desc = *given;
    bool columns = m->columns.count && !desc.columns && !desc.drop_columns;
    char *list = columns ? ph_texts_list(&m->columns) : NULL;
    if (columns && list == NULL)
        return NULL;
    if (columns)
        desc.columns = list;
    char size[48];
    choose_format(m, &desc, spec);
    fit_pieces(m, &desc, size);
    ph_data *d = ph_data_open(spec, &desc);
    free(list);
    if (d == NULL && columns && strstr(ph_message(), ": no column '"))
        ph_fail(PH_DATA, "%s (the model was made for a table that has it)", ph_message());
    return d;
}

ph_data *ph_model_open_data(const ph_model *m, const char *function, const char *spec,
                            const ph_data_desc *given)
{
    ph_data_desc desc = given ? *given : (ph_data_desc){ 0 };
    ph_data *d = ph_model_takes_rows(m, function) ? ph_model_open_rows(m, spec, &desc) : ph_data_open(spec, &desc);
    const ph_named *f = ph_model_export(m, function);
    if (d == NULL)
        return NULL;
    if (f)
        ph_data_as_row(d, f->input->shape.rank, f->input->shape.dim);
    bool fits = ph_model_check_data(m, function, d) == PH_OK;
    if (fits && (m->classes.count == 0 || ph_data_number_classes(d, &m->classes) == PH_OK))
        return d;
    ph_data_close(d);
    return NULL;
}

ph_status ph_model_apply_data(ph_model *m, const char *function, const ph_data *data, size_t first,
                              size_t count, ph_real *out)
{
    PH_TRY(ph_model_check_data(m, function, data));
    size_t width;
    ph_function *f = ph_model_function(m, function);
    if (f == NULL)
        return ph_last_status();
    PH_TRY(ph_model_port(m, function, &width, &(size_t){ 0 }));
    PH_TRY(ph_model_scratch(m, width));
    for (size_t done = 0; done < count;) {
        size_t n = ph_use_rows(f->program, count - done);
        PH_TRY(ph_fetch_range(data, f->raw_in ? &m->scaling : &ph_scaling_none, first + done, n,
                              m->rows_in));
        PH_TRY(ph_model_check_tokens(m, f->named, m->rows_in, first + done, n));
        out = ph_function_run(m, f, n, out);
        if (out == NULL)
            return ph_last_status();
        done += n;
    }
    return PH_OK;
}
