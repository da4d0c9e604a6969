/* clusters.c - clusters against labels: each cluster is taken for the class that most of its rows have. */
#include "model/model.h"

#include <stdlib.h>

/* Counts rows of each class, in each cluster: count[clusters x classes]. */
static ph_status count_rows(ph_model *m, const ph_data *data, size_t clusters, size_t classes,
                            size_t *count)
{
    const uint32_t *labels = ph_data_labels(data);
    real *share = malloc(PH_USE_ROWS * clusters * sizeof *share);
    ph_status status = share ? PH_OK : ph_fail(PH_MEMORY, "out of memory for clusters");
    for (size_t first = 0; first < data->rows && status == PH_OK; first += PH_USE_ROWS) {
        size_t n = data->rows - first < PH_USE_ROWS ? data->rows - first : PH_USE_ROWS;
        status = ph_model_apply_data(m, "cluster", data, first, n, share);
        for (size_t r = 0; r < n && status == PH_OK; r++) {
            size_t best = 0;
            for (size_t k = 1; k < clusters; k++)
                best = share[r * clusters + k] > share[r * clusters + best] ? k : best;
            if (labels[first + r] != PH_NO_LABEL)
                count[best * classes + labels[first + r]]++;
        }
    }
    free(share);
    return status;
}

ph_status ph_model_cluster_error(ph_model *m, const ph_data *data, ph_figures *figures)
{
    size_t in, clusters, classes = data->classes, used = 0, known = 0, right = 0;
    if (ph_model_export(m, "cluster") == NULL || ph_data_labels(data) == NULL || classes == 0)
        return PH_OK;
    PH_TRY(ph_model_port(m, "cluster", &in, &clusters));
    size_t *count = calloc(clusters * classes, sizeof *count);
    ph_status status = count ? count_rows(m, data, clusters, classes, count)
                             : ph_fail(PH_MEMORY, "out of memory for clusters");
    for (size_t k = 0; k < clusters && status == PH_OK; k++) {
        size_t all = 0, most = 0;
        for (size_t c = 0; c < classes; c++) {
            size_t own = count[k * classes + c];
            all += own;
            most = own > most ? own : most;
        }
        known += all;
        right += most;
        used += all > 0;
    }
    free(count);
    if (status == PH_OK && known > 0) {
        ph_figure_add(figures, "cluster_error", "share of rows whose label is not the most frequent one of "
                      "their cluster, counted on these rows", (double)(known - right) / (double)known);
        ph_figure_add(figures, "clusters_used", "clusters that rows with labels fall into", (double)used);
    }
    return status;
}
