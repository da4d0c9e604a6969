/* use.c - a trained model at work: its functions on rows, and how well it does on data.
 *
 * Rows pass in batches of up to PH_USE_ROWS, so sets larger than memory work, and a row's result is the
 * same in any batch: products compute every element by the same chain of operations.
 */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ph_status ph_model_scratch(ph_model *m, size_t width)
{
    if (width <= m->scratch_width)
        return PH_OK;
    free(m->rows_in);
    m->rows_in = aligned_alloc(64, (PH_USE_ROWS * width * sizeof(real) + 63) / 64 * 64);
    m->scratch_width = m->rows_in ? width : 0;
    return m->rows_in ? PH_OK : ph_fail(PH_MEMORY, "out of memory for rows");
}

/* For as many rows as its values have room for: a softmax over 256 levels of every pixel takes
 * gigabytes for a thousand rows. */
static ph_program *compile_use(ph_graph *graph, ph_program_desc desc)
{
    static const size_t most = ((size_t)256 << 20) / sizeof(real);
    for (desc.max_rows = PH_USE_ROWS;; desc.max_rows /= 4) {
        ph_program *p = ph_compile(graph, &desc);
        bool fewer = p ? p->arena_size > most : ph_last_status() == PH_MEMORY;
        if (!fewer || desc.max_rows < 16)
            return p;
        ph_program_free(p);
    }
}

size_t ph_use_rows(const ph_program *p, size_t left)
{
    return left < p->max_rows[1] ? left : p->max_rows[1];
}

/* A node has the scale of the data when it has the shape of a row of it. */
static bool is_row(const ph_model *m, const ph_node *n)
{
    return ph_shape_equal(&n->shape, &m->row);
}

const ph_named *ph_model_export(const ph_model *m, const char *name)
{
    for (int i = 0; i < m->graph->export_count; i++)
        if (strcmp(m->graph->exported[i].name, name) == 0)
            return &m->graph->exported[i];
    return NULL;
}

/* The same, or NULL with a message that says what there is. */
static const ph_named *named(const ph_model *m, const char *name)
{
    const ph_named *found = ph_model_export(m, name);
    if (found)
        return found;
    char list[512] = "";
    size_t used = 0;
    for (int i = 0; i < m->graph->export_count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, " %s",
                                 m->graph->exported[i].name);
    ph_fail(PH_USAGE, "a model of family %s has no '%s'; it has:%s", m->family->face.name, name,
            list);
    return NULL;
}

ph_function *ph_model_function(ph_model *m, const char *name)
{
    for (int i = 0; i < m->function_count; i++)
        if (strcmp(m->function[i].named->name, name) == 0)
            return &m->function[i];
    const ph_named *found = named(m, name);
    if (found == NULL)
        return NULL;
    ph_function *f = &m->function[m->function_count];
    *f = (ph_function){ .named = found, .raw_in = found->input == m->x,
                        .raw_out = strncmp(name, "decode", 6) == 0 || strcmp(name, "reconstruct") == 0 };
    f->raw_out = f->raw_out && is_row(m, found->value);
    f->program = compile_use(m->graph, (ph_program_desc){
        .feeds = (ph_node *[]){ found->input }, .feed_count = 1,
        .outputs = (ph_node *[]){ found->value }, .output_count = 1 });
    if (f->program == NULL)
        return NULL;
    m->function_count++;
    return f;
}

ph_status ph_model_port(const ph_model *m, const char *function, size_t *width_in, size_t *width_out)
{
    const ph_named *found = named(m, function);
    if (found == NULL)
        return PH_USAGE;
    *width_in = ph_shape_size(&found->input->shape);
    *width_out = ph_shape_size(&found->value->shape);
    return PH_OK;
}

real *ph_function_run(ph_model *m, ph_function *f, size_t n, real *out)
{
    size_t width = ph_shape_size(&f->named->value->shape);
    if (ph_program_run(f->program, (size_t[PH_MAX_SETS]){ 1, n }, (const void *[]){ m->rows_in }))
        return NULL;
    memcpy(out, ph_program_output(f->program, 0), n * width * sizeof out[0]);
    if (f->raw_out)
        ph_scaling_undo_to(&m->scaling, out, n, width);
    return out + n * width;
}

ph_status ph_model_apply(ph_model *m, const char *function, const ph_real *in, size_t rows,
                         ph_real *out)
{
    ph_function *f = ph_model_function(m, function);
    if (f == NULL)
        return ph_last_status();
    size_t width_in = ph_shape_size(&f->named->input->shape);
    PH_TRY(ph_model_scratch(m, width_in));
    for (size_t first = 0, count; first < rows; first += count) {
        count = ph_use_rows(f->program, rows - first);
        memcpy(m->rows_in, in + first * width_in, count * width_in * sizeof in[0]);
        if (f->raw_in) {
            PH_TRY(ph_scaling_check_words(&m->scaling, first, m->rows_in, count, width_in));
            PH_TRY(ph_scaling_apply_to(&m->scaling, first, m->rows_in, count, width_in));
        }
        PH_TRY(ph_model_check_tokens(m, f->named, m->rows_in, first, count));
        out = ph_function_run(m, f, count, out);
        if (out == NULL)
            return ph_last_status();
    }
    return PH_OK;
}

/* ---- Measures ------------------------------------------------------------------------------------- */

static ph_status compile_eval(ph_model *m)
{
    const ph_named *rec = named(m, "reconstruct");
    if (rec == NULL)
        return PH_USAGE;
    int count = 1;
    ph_node *outputs[PH_MAX_NAMED + 2] = { rec->value };
    for (int i = 0; i < m->graph->report_count; i++) {
        ph_node *value = m->graph->report[i].value;
        if (!m->graph->report[i].needs_more) /* labels: a figure of training alone */
            outputs[count++] = value->shape.set ? ph_mean_rows(ph_sum(value)) : value;
    }
    if (m->graph->tokens)
        outputs[count++] = m->graph->tokens;
    m->eval = compile_use(m->graph, (ph_program_desc){
        .feeds = &m->x, .feed_count = 1, .outputs = outputs,
        .output_count = count });
    return m->eval ? PH_OK : ph_last_status();
}

static double squared_error(const real *x, const real *y, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double d = (double)x[i] - (double)y[i];
        sum += d * d;
    }
    return sum;
}

void ph_figure_add(ph_figures *f, const char *name, const char *unit, double value)
{
    if (f->count < sizeof f->at / sizeof f->at[0])
        f->at[f->count++] = (ph_figure){ name, unit, value };
}

void ph_histogram_add(ph_figures *f, const ph_histogram *histogram)
{
    if (f->histograms < sizeof f->histogram / sizeof f->histogram[0])
        f->histogram[f->histograms++] = *histogram;
}

/* The share of rows whose most likely class is not their label. */
static ph_status add_error(ph_model *m, const ph_data *data, size_t rows, ph_figures *figures)
{
    const uint32_t *labels = ph_data_labels(data);
    uint32_t *number;
    size_t in, classes, wrong = 0, known = 0;
    if (ph_model_export(m, "classify") == NULL || labels == NULL)
        return PH_OK;
    PH_TRY(ph_model_port(m, "classify", &in, &classes));
    PH_TRY(ph_model_class_numbers(m, data, &number));
    real *share = malloc(PH_USE_ROWS * classes * sizeof *share);
    ph_status status = share ? PH_OK : ph_fail(PH_MEMORY, "out of memory for classes");
    for (size_t first = 0; first < rows && status == PH_OK; first += PH_USE_ROWS) {
        size_t count = rows - first < PH_USE_ROWS ? rows - first : PH_USE_ROWS;
        status = ph_model_apply_data(m, "classify", data, first, count, share);
        for (size_t r = 0; r < count && status == PH_OK; r++) {
            size_t best = 0;
            for (size_t c = 1; c < classes; c++)
                best = share[r * classes + c] > share[r * classes + best] ? c : best;
            known += labels[first + r] != PH_NO_LABEL;
            wrong += labels[first + r] != PH_NO_LABEL && best != number[labels[first + r]];
        }
    }
    free(share);
    free(number);
    if (status == PH_OK && known > 0)
        ph_figure_add(figures, "error", "share of rows misclassified", (double)wrong / (double)known);
    return status;
}

/* How far codes are from the prior that they should follow. */
static ph_status add_distance(ph_model *m, const ph_data *data, size_t rows, ph_figures *figures)
{
    ph_distance d;
    ph_figure figure[PH_DISTANCES];
    if (m->graph->compared[0] == NULL)
        return PH_OK;
    PH_TRY(ph_distance_measure(m->graph, m->x, data, &m->scaling, NULL, rows, &d));
    ph_distance_figures(&d, figure);
    for (int i = 0; i < PH_DISTANCES; i++)
        ph_figure_add(figures, figure[i].name, figure[i].unit, figure[i].value);
    return PH_OK;
}

bool ph_model_has_peak(const ph_model *m)
{
    return strcmp(m->scaling.kind, "bytes") == 0 || strcmp(m->scaling.kind, "minmax") == 0 ||
           (strcmp(m->scaling.kind, "none") == 0 && m->white == 1) ||
           (strcmp(m->scaling.kind, "center") == 0 &&
            fabs(m->white * (double)m->scaling.scale[0] - 1) < 1e-6);
}

/* What a pass over a set sums up. */
typedef struct sums {
    double squares, report[PH_MAX_NAMED];
    ph_word_use words;
} sums;

static ph_status pass(ph_model *m, const ph_data *data, size_t rows, sums *sum)
{
    size_t width = ph_shape_size(&m->row);
    for (size_t first = 0, count; first < rows; first += count) {
        int k = 1;
        count = ph_use_rows(m->eval, rows - first);
        PH_TRY(ph_fetch_range(data, &m->scaling, first, count, m->rows_in));
        m->eval->noise_step = (uint32_t)(first / m->eval->max_rows[1]); /* other rows, other noise */
        PH_TRY(ph_program_run(m->eval, (size_t[PH_MAX_SETS]){ 1, count },
                              (const void *[]){ m->rows_in }));
        sum->squares += squared_error(m->rows_in, ph_program_output(m->eval, 0), count * width);
        for (int i = 0; i < m->graph->report_count; i++)
            if (!m->graph->report[i].needs_more)
                sum->report[i] += (double)ph_program_output(m->eval, k++)[0] * (double)count;
        if (m->graph->tokens)
            ph_word_use_add(&sum->words, m->graph, ph_program_output(m->eval, k), count);
    }
    return PH_OK;
}

static ph_status list_figures(ph_model *m, const ph_data *data, size_t count, const sums *sum,
                              ph_figures *figures)
{
    double rows = (double)count, width = (double)ph_shape_size(&m->row);
    double sse = sum->squares / rows, mse = sse / width;
    ph_figure_add(figures, "rows", "rows measured", rows);
    bool numbers = !ph_model_of_bytes(m);
    if (numbers) {
        ph_figure_add(figures, "mse", "mean over all elements, in the model's input scale", mse);
        ph_figure_add(figures, "sse", "squared error summed over a row, mean over rows", sse);
    }
    for (int i = 0; i < m->graph->report_count; i++) {
        const ph_named *r = &m->graph->report[i];
        if (r->needs_more)
            continue;
        ph_figure_add(figures, r->name, r->unit, sum->report[i] / rows);
        if (strcmp(r->name, "masked_bits") == 0 && data->element == PH_U1) {
            double bits;
            PH_TRY(ph_data_entropy(data, &bits));
            ph_figure_add(figures, "entropy", "bits of a number by how often each is in the data", bits);
        }
        if (strcmp(r->name, "bce") == 0)
            ph_figure_add(figures, "bce_per_element", "nats per element", sum->report[i] / rows / width);
    }
    if (numbers && ph_model_has_peak(m))
        ph_figure_add(figures, "psnr", "dB, of the mean squared error, peak 1", -10 * log10(mse));
    if (m->graph->tokens)
        PH_TRY(ph_model_word_figures(m, &sum->words, data, figures));
    PH_TRY(add_error(m, data, count, figures));
    PH_TRY(ph_model_cluster_error(m, data, figures));
    return add_distance(m, data, count, figures);
}

ph_status ph_model_eval(ph_model *m, const ph_data *data, ph_figures *figures)
{
    ph_data_info info;
    sums sum = { 0 };
    ph_data_describe(data, &info);
    figures->count = figures->lists = figures->histograms = 0;
    PH_TRY(ph_model_check_data(m, "reconstruct", data));
    if (m->eval == NULL)
        PH_TRY(compile_eval(m));
    PH_TRY(ph_model_scratch(m, ph_shape_size(&m->row)));
    PH_TRY(ph_word_use_begin(&sum.words, m->graph));
    ph_status status = pass(m, data, info.rows, &sum);
    if (status == PH_OK)
        status = list_figures(m, data, info.rows, &sum, figures);
    ph_word_use_end(&sum.words);
    return status;
}
