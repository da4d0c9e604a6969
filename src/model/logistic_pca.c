/* logistic_pca.c - principal components of rows in [0,1] (Collins, Dasgupta and Schapire 2001;
 * Schein, Saul and Ungar 2003): the logits have low rank, and the cross-entropy takes the place of
 * the squared error.
 *
 *     logits = mean + W z,  z(x) = the code that minimises  bce(logits, x) + ridge/2 |z|^2
 *     loss = its mean over rows, at z(x)
 *
 * There is no encoder to learn: a code is the solution of a convex problem (op/logistic_code.c),
 * for new rows as for those of training. So W and mean are all that is trained, and by the envelope
 * theorem the derivative of the loss by them is the partial one, with the codes held where they
 * are.
 */
#include "model/model.h"

typedef struct logistic_options {
    int64_t latent_dim;
    double ridge;
} logistic_options;

#define AT(field) offsetof(logistic_options, field)

static const ph_option table[] = {
    { "latent-dim", "n-latent hiddensize z-dim code-size n-components", PH_OPTION_INT,
      AT(latent_dim), "20", 1, 512, NULL, "number of components" },
    { "ridge", NULL, PH_OPTION_REAL, AT(ridge), "0.001", 1e-6, 1e3, NULL,
      "pull of the codes to 0, half of it times their square: keeps codes of rows finite that some "
      "direction separates" },
};

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const logistic_options *o = options;
    ph_node *row = ph_flatten(x);
    size_t width = ph_width(x), k = (size_t)o->latent_dim;
    if (k > width) {
        ph_refuse(g, "latent-dim: %zu components of rows of %zu numbers", k, width);
        return;
    }
    ph_scope *scope = ph_scope_of(g, "logistic-pca");
    ph_node *mean = ph_parameter(scope, "mean", 1, &width, PH_ZEROS, 0);
    ph_node *loadings = ph_parameter(scope, "loadings", 2, (size_t[]){ width, k }, PH_NORMAL, 0.1);
    ph_node *code = ph_logistic_code(ph_clamp(row, 0, 1), loadings, mean, o->ridge);
    ph_node *logits = ph_add(ph_product(code, loadings, true), mean);
    ph_node *bce = ph_loss("bce", logits, row);
    ph_node *pull = ph_scale(ph_sum(ph_square(code)), o->ridge / 2);
    ph_add_phase(g, &(ph_phase){ .loss = ph_add(bce, pull) });
    ph_report(g, "bce", "nats per row", bce);
    ph_node *picture = ph_reshape_like(ph_sigmoid(logits), x);
    ph_export(g, "encode", x, code);
    ph_export(g, "decode", code, picture);
    ph_export(g, "reconstruct", x, picture);
}

const ph_family_desc ph_family_logistic_pca = {
    .face = { "logistic-pca", "principal components of rows in [0,1], by their cross-entropy",
              table, sizeof table / sizeof table[0] },
    .options_size = sizeof(logistic_options),
    .build = build,
    .unit_rows = true,
};
