/* probe.c - what codes tell of classes that the model never saw: a linear probe (multinomial logistic
 * regression on standardised codes) and the nearest neighbours of codes; the same of the rows.
 */
#include "eval/eval.h"

#include <stdlib.h>

#define PROBE_PROTOCOL "share of labels right, logistic regression, L2 1e-4, Adam"

/* A linear probe on rows of `train`, measured on `test`. */
static ph_status probe(const ph_study *s, const ph_data *train, const ph_data *test,
                       const char *scaling, double *accuracy)
{
    ph_classifier *c = ph_classifier_train(train, &(ph_classifier_desc){
        .hidden = "none", .scaling = scaling, .missing = s->model->trainer.o.missing, .lr = 0.01,
        .l2 = 1e-4, .epochs = 20, .least_steps = 3000 });
    ph_status status = c ? ph_classifier_accuracy(c, test, accuracy) : ph_last_status();
    ph_classifier_free(c);
    return status;
}

static ph_status probe_codes(ph_study *s, const ph_data *train, const ph_data *test)
{
    double linear, near[2];
    PH_TRY(probe(s, train, test, "standardise", &linear));
    PH_TRY(ph_neighbours(train, test, &ph_scaling_none, (size_t[]){ 1, 10 }, 2, near));
    PH_TRY(ph_study_add(s, "probe_accuracy", linear, PROBE_PROTOCOL " on standardised codes; %s",
                        s->parts));
    PH_TRY(ph_study_add(s, "knn_1", near[0], "share of labels right, nearest code, Euclidean; %s",
                        s->parts));
    return ph_study_add(s, "knn_10", near[1], "share of labels right, most of 10 nearest codes; %s",
                        s->parts);
}

static ph_status probe_rows(ph_study *s)
{
    const ph_model *m = s->model;
    double linear, near[2];
    PH_TRY(probe(s, s->fit, s->test, m->scaling.kind, &linear));
    PH_TRY(ph_neighbours(s->fit, s->test, &m->scaling, (size_t[]){ 1, 10 }, 2, near));
    PH_TRY(ph_study_add(s, "rows_probe_accuracy", linear, PROBE_PROTOCOL
                        " on the rows themselves, scaling %s; %s", m->scaling.kind, s->parts));
    PH_TRY(ph_study_add(s, "rows_knn_1", near[0], "share of labels right, nearest row, in the model's "
                        "input scale; %s", s->parts));
    return ph_study_add(s, "rows_knn_10", near[1], "share of labels right, most of 10 nearest rows; %s",
                        s->parts);
}

/* So many rows of what is fitted on, as evenly over the classes as they are there. */
static ph_data *draw_few(const ph_study *s)
{
    size_t rows = s->fit->rows, count = 0;
    bool *drawn = calloc(rows, sizeof *drawn);
    size_t *index = malloc(rows * sizeof *index);
    ph_status status = drawn && index ? PH_OK : ph_fail(PH_MEMORY, "out of memory for a draw of rows");
    if (status == PH_OK)
        ph_draw_labelled(s->fit, NULL, rows, s->asked->probe_labels, s->asked->probe_seed, drawn, &status);
    for (size_t r = 0; status == PH_OK && r < rows; r++)
        if (drawn[r])
            index[count++] = r;
    ph_data *few = status == PH_OK ? ph_data_pick(s->fit, index, count, PH_MEMORY_LIMIT) : NULL;
    free(drawn);
    free(index);
    return few;
}

static ph_status probe_both(ph_study *s)
{
    ph_data *train = ph_results(s->model, "encode", s->fit);
    ph_data *test = train ? ph_results(s->model, "encode", s->test) : NULL;
    ph_status status = test ? probe_codes(s, train, test) : ph_last_status();
    ph_data_close(train);
    ph_data_close(test);
    return status == PH_OK ? probe_rows(s) : status;
}

ph_status ph_study_probe(ph_study *s)
{
    char parts[256];
    ph_study few = *s;
    if (s->fit->labels == NULL || s->test->labels == NULL)
        return ph_fail(PH_USAGE, "%s: a probe needs labels, and there are none", s->data->name);
    if (s->asked->probe_labels == 0)
        return probe_both(s);
    if (s->asked->probe_labels < s->fit->classes)
        return ph_fail(PH_USAGE, "probe: %zu labels are fewer than the %zu classes, so that some would never be seen",
                       s->asked->probe_labels, s->fit->classes);
    snprintf(parts, sizeof parts, "%s, with %zu of their labels, drawn by seed %llu", s->parts, s->asked->probe_labels,
             (unsigned long long)s->asked->probe_seed);
    ph_data *drawn = draw_few(s);
    few.fit = drawn;
    few.parts = parts;
    ph_status status = drawn ? probe_both(&few) : ph_last_status();
    ph_data_close(drawn);
    return status;
}
