/* noise.c - rows with noise on them and what a model makes of those: the noise of training
 * (nn/regularizers.c) in use.
 *
 * Rows are corrupted in blocks of PH_USE_ROWS from the set's first row on, a block's number taken
 * for the step that noise is drawn in. So a row's noise is a function of kind, seed, its number and
 * the column alone, and models are compared on the very same rows.
 */
#include "model/noise.h"

#include <stdlib.h>
#include <string.h>

/* Kinds are read as training reads its option. */
static ph_status read_kind(ph_noise *n, const char *kind)
{
    static const ph_option table[] = { { .name = "noise", .type = PH_OPTION_CHOICE,
                                         .choices = PH_NOISES } };
    const char *read = NULL;
    ph_settings *s = ph_settings_new();
    ph_status status = s ? ph_settings_set(s, "noise", kind) : ph_last_status();
    if (status == PH_OK)
        status = ph_options_read(table, 1, s, &read);
    ph_settings_free(s);
    if (status == PH_OK && strcmp(kind, "none") == 0)
        status = ph_fail(PH_USAGE, "noise none: nothing would be corrupted");
    snprintf(n->kind, sizeof n->kind, "%s", kind);
    return status;
}

static ph_status make_program(ph_noise *n)
{
    size_t width = ph_shape_size(&n->model->row);
    n->graph = ph_graph_new(n->seed);
    if (n->graph == NULL)
        return ph_last_status();
    ph_node *touched, *x = ph_input(n->graph, "x", 1, &width);
    ph_node *noisy = ph_corrupt(x, n->kind, &touched);
    n->program = ph_compile(n->graph, &(ph_program_desc){
        .feeds = &x, .feed_count = 1, .outputs = &noisy, .output_count = 1,
        .max_rows = PH_USE_ROWS });
    return n->program ? PH_OK : ph_last_status();
}

ph_noise *ph_noise_new(ph_model *m, const char *kind, uint64_t seed)
{
    ph_noise *n = calloc(1, sizeof *n);
    if (n == NULL) {
        ph_fail(PH_MEMORY, "out of memory for noise");
        return NULL;
    }
    n->model = m;
    n->seed = seed;
    ph_status status = read_kind(n, kind);
    if (status == PH_OK)
        status = make_program(n);
    if (status == PH_OK)
        return n;
    ph_noise_free(n);
    return NULL;
}

void ph_noise_free(ph_noise *n)
{
    if (n == NULL)
        return;
    ph_program_free(n->program);
    ph_graph_free(n->graph);
    free(n);
}

ph_status ph_noise_block(ph_noise *n, const ph_data *data, size_t first, size_t count,
                         ph_noisy *out)
{
    ph_model *m = n->model;
    size_t width = ph_shape_size(&m->row), skipped = first % PH_USE_ROWS;
    ph_function *f = ph_model_function(m, "reconstruct");
    if (f == NULL)
        return ph_last_status();
    PH_TRY(ph_model_check_data(m, "reconstruct", data));
    PH_TRY(ph_model_scratch(m, width));
    count = ph_use_rows(f->program, count < PH_USE_ROWS - skipped ? count : PH_USE_ROWS - skipped);
    PH_TRY(ph_fetch_range(data, &m->scaling, first - skipped, skipped + count, m->rows_in));
    n->program->noise_step = (uint32_t)(first / PH_USE_ROWS);
    PH_TRY(ph_program_run(n->program, (size_t[PH_MAX_SETS]){ 1, skipped + count },
                          (const void *[]){ m->rows_in }));
    out->count = count;
    out->clean = m->rows_in + skipped * width;
    out->corrupted = ph_program_output(n->program, 0) + skipped * width;
    PH_TRY(ph_program_run(f->program, (size_t[PH_MAX_SETS]){ 1, count },
                          (const void *[]){ out->corrupted }));
    out->restored = ph_program_output(f->program, 0);
    return PH_OK;
}

ph_status ph_noise_rows(ph_noise *n, const ph_data *data, size_t first, size_t count,
                        ph_real *corrupted, ph_real *restored)
{
    size_t width = ph_shape_size(&n->model->row);
    for (size_t done = 0; done < count;) {
        ph_noisy block;
        PH_TRY(ph_noise_block(n, data, first + done, count - done, &block));
        const real *from[] = { block.corrupted, block.restored };
        ph_real *to[] = { corrupted, restored };
        for (int i = 0; i < 2; i++)
            if (to[i]) {
                real *rows = to[i] + done * width;
                memcpy(rows, from[i], block.count * width * sizeof *rows);
                ph_scaling_undo_to(&n->model->scaling, rows, block.count, width);
            }
        done += block.count;
    }
    return PH_OK;
}
