/* labelled.c - which rows training uses the labels of. */
#include "train/train.h"

#include <stdlib.h>

/* One more for each class in turn, until there are as many as wanted. */
static void share_out(const size_t *there, size_t classes, size_t wanted, size_t *quota)
{
    for (bool any = true; any && wanted > 0;) {
        any = false;
        for (size_t c = 0; c < classes && wanted > 0; c++)
            if (quota[c] < there[c]) {
                quota[c]++;
                wanted--;
                any = true;
            }
    }
}

size_t ph_draw_labelled(const ph_data *data, const size_t *rows, size_t n, size_t wanted, uint64_t seed,
                        bool *drawn, ph_status *status)
{
    const uint32_t *labels = ph_data_labels(data);
    size_t classes = data->classes, all = 0, count = 0;
    size_t *there = calloc(classes + 1, sizeof *there), *quota = calloc(classes + 1, sizeof *quota);
    size_t *order = malloc(n * sizeof *order);
    for (size_t i = 0; labels && there && i < n; i++) {
        uint32_t label = labels[rows ? rows[i] : i];
        there[label == PH_NO_LABEL ? classes : label]++;
        all += label != PH_NO_LABEL;
    }
    if (there == NULL || quota == NULL || order == NULL)
        *status = ph_fail(PH_MEMORY, "out of memory for the order of labelled rows");
    else if (all == 0)
        *status = ph_fail(PH_USAGE, "%s: there are no labels to learn from", data->name);
    else if (wanted > all)
        *status = ph_fail(PH_USAGE, "%s: %zu labelled rows are wanted, but training has %zu",
                          data->name, wanted, all);
    else {
        *status = PH_OK;
        share_out(there, classes, wanted ? wanted : all, quota);
        ph_shuffle(order, n, seed, UINT64_MAX - 1); /* an epoch that never comes */
        for (size_t k = 0; k < n; k++) {
            uint32_t label = labels[rows ? rows[order[k]] : order[k]];
            drawn[order[k]] = label != PH_NO_LABEL && quota[label] > 0;
            if (drawn[order[k]]) {
                quota[label]--;
                count++;
            }
        }
    }
    free(there);
    free(quota);
    free(order);
    return count;
}
