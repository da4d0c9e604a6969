/* features.c - reconstructions and samples judged by the features of a classifier that is trained on
 * the set itself, or by features that come from elsewhere.
 *
 * Such figures can be compared only where the classifier is the same one, so its hash stands beside
 * them, and what real rows reach: the score of the test rows, the distance from training to test rows.
 */
#include "eval/eval.h"

#define CLASSIFIER "256,128"

typedef struct judge {
    ph_study *study;
    ph_classifier *classifier;
    ph_data *real;             /* features of the test rows */
    char words[96];            /* the classifier, in words */
} judge;

/* Inception score of rows as figures NAME and NAME_sd. */
static ph_status add_score(judge *j, const char *name, const char *what, const ph_data *rows)
{
    char deviation_name[64];
    double mean, deviation;
    ph_data *log_p = ph_classifier_apply(j->classifier, "log-p", rows);
    ph_status status = log_p ? ph_inception_score(log_p, &mean, &deviation) : ph_last_status();
    ph_data_close(log_p);
    PH_TRY(status);
    snprintf(deviation_name, sizeof deviation_name, "%s_sd", name);
    PH_TRY(ph_study_add(j->study, name, mean, "inception score of %zu %s, mean of 10 parts; %s",
                        rows->rows, what, j->words));
    return ph_study_add(j->study, deviation_name, deviation, "standard deviation over the 10 parts");
}

static ph_status add_distance(judge *j, const char *name, const char *what, const ph_data *rows)
{
    double distance = 0;
    ph_data *features = ph_classifier_apply(j->classifier, "features", rows);
    ph_status status = features ? ph_frechet(features, j->real, &distance) : ph_last_status();
    size_t width = features ? features->width : 0;
    ph_data_close(features);
    PH_TRY(status);
    return ph_study_add(j->study, name, distance, "squared Fréchet distance, %zu %s against %zu test "
                        "rows, %zu features; %s", rows->rows, what, j->study->test->rows, width,
                        j->words);
}

static ph_status add_generated(judge *j, const char *name, const char *what, ph_data *rows)
{
    char figure[2][64];
    if (rows == NULL)
        return ph_last_status();
    snprintf(figure[0], sizeof figure[0], "frechet_%s", name);
    snprintf(figure[1], sizeof figure[1], "inception_%s", name);
    ph_status status = add_distance(j, figure[0], what, rows);
    if (status == PH_OK)
        status = add_score(j, figure[1], what, rows);
    ph_data_close(rows);
    return status;
}

static ph_status add_real(judge *j)
{
    ph_study *s = j->study;
    double accuracy;
    PH_TRY(ph_classifier_accuracy(j->classifier, s->test, &accuracy));
    PH_TRY(ph_study_add(s, "classifier_accuracy", accuracy, "share of test rows right: %zu-" CLASSIFIER
                        "-%zu, ReLU, dropout 0.2, Adam, cosine from 1e-3, batch 128, 15 epochs at "
                        "least; %s; %s", s->fit->width, s->fit->classes, j->words, s->parts));
    size_t rows = s->fit->rows < s->test->rows ? s->fit->rows : s->test->rows;
    ph_data *part = ph_data_slice(s->fit, 0, rows);
    ph_status status = part ? add_distance(j, "frechet_floor", "first training rows", part)
                            : ph_last_status();
    ph_data_close(part);
    return status == PH_OK ? add_score(j, "inception_real", "test rows", s->test) : status;
}

/* Whether the decoder gives what it is told: rows of every class, as the classifier sees them. */
static ph_status add_classes(judge *j)
{
    ph_study *s = j->study;
    double share = 0;
    if (ph_model_labels(s->model) != s->fit->classes || ph_model_export(s->model, "cluster") ||
        ph_model_check_classes(s->model, s->fit) != PH_OK)
        return PH_OK;
    ph_data *rows = ph_samples_of_classes(s->model, s->test->rows, 1);
    ph_status status = rows ? ph_classifier_accuracy(j->classifier, rows, &share) : ph_last_status();
    ph_data_close(rows);
    return status != PH_OK ? status
                           : ph_study_add(s, "samples_right", share, "share of %zu samples that the "
                                          "classifier puts into the class they were decoded for, each "
                                          "class in turn, style from the prior, seed 1; %s",
                                          s->test->rows, j->words);
}

/* From the prior; without one from standard normals, which shows that the codes do not follow them, and
 * from the mixture of Gaussians that the model keeps, or one of 10 fitted here. */
static ph_status add_samples(judge *j)
{
    ph_model *m = j->study->model;
    size_t rows = j->study->test->rows, in, out;
    if (ph_model_has_prior(m)) {
        PH_TRY(add_generated(j, "samples", "samples, codes from the prior, seed 1",
                             ph_samples(m, "prior", rows, 1)));
        return add_classes(j);
    }
    if (ph_model_port(m, "decode", &in, &out) != PH_OK || ph_model_code_classes(m))
        return PH_OK;
    PH_TRY(add_generated(j, "normal", "samples, codes from standard normals, seed 1",
                         ph_samples(m, "normal", rows, 1)));
    if (m->mixture.count == 0)
        PH_TRY(ph_model_fit_mixture(m, j->study->fit, 10, 1));
    return add_generated(j, "mixture", "samples, codes from a Gaussian mixture fitted to the training "
                         "rows' codes, seed 1", ph_samples(m, "mixture", rows, 1));
}

static ph_status judge_all(judge *j)
{
    ph_study *s = j->study;
    snprintf(j->words, sizeof j->words, "classifier %016llx",
             (unsigned long long)ph_classifier_hash(j->classifier));
    j->real = ph_classifier_apply(j->classifier, "features", s->test);
    if (j->real == NULL)
        return ph_last_status();
    PH_TRY(add_real(j));
    PH_TRY(add_generated(j, "rec", "reconstructions of the test rows",
                         ph_results(s->model, "reconstruct", s->test)));
    return add_samples(j);
}

ph_status ph_study_classifier(ph_study *s)
{
    if (s->fit->labels == NULL || s->test->labels == NULL)
        return ph_fail(PH_USAGE, "%s: a classifier needs labels, and there are none", s->data->name);
    judge j = { .study = s };
    j.classifier = ph_classifier_train(s->fit, &(ph_classifier_desc){
        .hidden = CLASSIFIER, .scaling = "auto", .missing = s->model->trainer.o.missing, .lr = 1e-3,
        .dropout = 0.2, .epochs = 15, .least_steps = 2000 });
    ph_status status = j.classifier ? judge_all(&j) : ph_last_status();
    ph_data_close(j.real);
    ph_classifier_free(j.classifier);
    return status;
}

ph_status ph_study_matrices(ph_study *s)
{
    const ph_data *own = s->asked->real_features, *generated = s->asked->generated_features;
    double distance;
    if (own == NULL || generated == NULL)
        return ph_fail(PH_USAGE, "features: two sets are needed, of real rows and of generated ones");
    PH_TRY(ph_frechet(own, generated, &distance));
    return ph_study_add(s, "frechet_given", distance, "squared Fréchet distance, %zu rows of %.60s "
                        "against %zu of %.60s, %zu features", generated->rows, generated->name,
                        own->rows, own->name, own->width);
}
