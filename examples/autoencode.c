/* autoencode.c - the library in use: train on a set, measure, write codes.
 *     autoencode fashion-mnist codes.npy */
#include <pinhole.h>

static void each_epoch(void *user, ph_model *model, const ph_progress *p)
{
    (void)user, (void)model;
    if (p->event == PH_EVENT_EPOCH)
        printf("epoch %d: %g nats per row\n", (int)p->epoch, ph_figure_get(&p->figures, "loss"));
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    ph_settings *settings = ph_settings_new();
    ph_settings_set(settings, "latent-dim", "10");
    ph_settings_set(settings, "epochs", "3");
    ph_data *train = ph_data_open(argv[1], &(ph_data_desc){ .part = "train" });
    ph_data *test = ph_data_open(argv[1], &(ph_data_desc){ .part = "test" });
    ph_model *model = train ? ph_model_new("ae", train, settings) : NULL;
    ph_figures figures = { 0 };
    ph_data_info info = { 0 };
    ph_real row[4096], code[10];
    ph_writer *out = ph_writer_open(argv[2], &(ph_writer_desc){ .width = 10 });
    bool ok = model && test && out &&
              !ph_train(model, train, &(ph_training){ .progress = each_epoch }) &&
              !ph_model_eval(model, test, &figures);
    if (ok)
        ph_data_describe(test, &info);
    for (size_t i = 0; ok && i < info.rows && info.width <= 4096; i++)
        ok = !ph_data_read(test, &i, 1, row) && !ph_model_apply(model, "encode", row, 1, code) &&
             !ph_writer_rows(out, code, 1);
    if (!ok || ph_writer_close(out) != PH_OK)
        return fprintf(stderr, "%s\n", ph_message()), 1;
    printf("test mse %g; codes in %s\n", ph_figure_get(&figures, "mse"), argv[2]);
    ph_model_free(model);
    ph_data_close(train), ph_data_close(test), ph_settings_free(settings);
}
