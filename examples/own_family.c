/* own_family.c - a family of one's own: an autoencoder whose code is pushed to be sparse.
 *     own_family glyphs
 *
 *     loss = cross-entropy of the reconstruction + weight * sum |code|, per row */
#include <pinhole/graph.h>

typedef struct sparse_options {
    int64_t latent_dim;
    double sparsity_weight;
} sparse_options;

static const ph_option table[] = {
    { "latent-dim", NULL, PH_OPTION_INT, offsetof(sparse_options, latent_dim), "64", 1, 1e6, NULL,
      "size of the code" },
    { "sparsity-weight", NULL, PH_OPTION_REAL, offsetof(sparse_options, sparsity_weight), "0.5", 0,
      1e6, NULL, "weight of the code's L1 norm" },
};

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const sparse_options *o = options;
    ph_scope *encoder = ph_scope_of(g, "encoder"), *decoder = ph_scope_of(g, "decoder");
    ph_node *row = ph_flatten(x);
    ph_node *code = ph_relu(ph_linear(encoder, row, (size_t)o->latent_dim, "relu", true));
    ph_node *y = ph_linear(decoder, code, ph_width(x), "linear", true);

    ph_node *rec = ph_loss("bce", y, row);
    ph_node *l1 = ph_sum(ph_abs(code));
    ph_add_phase(g, &(ph_phase){ .loss = ph_add(rec, ph_scale(l1, o->sparsity_weight)) });

    ph_report(g, "rec", "nats per row", rec);
    ph_report(g, "active", "share of the code above 0",
              ph_mean(ph_less(ph_constant(g, 0), code)));
    ph_export(g, "encode", x, code);
    ph_export(g, "reconstruct", x, ph_reshape_like(ph_sigmoid(y), x));
}

static const ph_family_desc sparse = {
    .face = { "my-sparse", "an autoencoder with a sparse code", table, 2 },
    .options_size = sizeof(sparse_options),
    .build = build,
};

static void each_epoch(void *user, ph_model *model, const ph_progress *p)
{
    (void)user, (void)model;
    if (p->event == PH_EVENT_EPOCH)
        printf("epoch %d  rec %.2f  active %.3f\n", (int)p->epoch,
               ph_figure_get(&p->figures, "rec"), ph_figure_get(&p->figures, "active"));
}

int main(int argc, char **argv)
{
    ph_family_register(&sparse);
    ph_settings *settings = ph_settings_new();
    ph_settings_set(settings, "epochs", "5");
    ph_data *data = ph_data_open(argc > 1 ? argv[1] : "glyphs", &(ph_data_desc){ .part = "train" });
    ph_model *model = data ? ph_model_new("my-sparse", data, settings) : NULL;
    if (!model || ph_train(model, data, &(ph_training){ .progress = each_epoch }) != PH_OK)
        return fprintf(stderr, "%s\n", ph_message()), 1;
    ph_model_save(model, "sparse.pin", true);
    ph_model_free(model);
    ph_data_close(data);
    ph_settings_free(settings);
    return 0;
}
