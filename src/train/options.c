/* options.c - the one table of training options: flags, help, configuration and model file alike. */
#include "train/train.h"

#include <string.h>

#define AT(field) offsetof(ph_trainer_options, field)

const ph_option ph_training_table[] = {
    { "epochs", "max-epochs num-epochs epoch-num", PH_OPTION_INT, AT(epochs), "20", 0, 1e9, NULL,
      "passes over the training rows, in all, also when resuming" },
    { "batch-size", "mini-batch-size", PH_OPTION_INT, AT(batch_size), "128", 1, 1e6, NULL,
      "rows in a step" },
    { "optimizer", NULL, PH_OPTION_CHOICE, AT(optimizer), "adam", 0, 0, "adam adamw sgd rmsprop",
      "rule of the update" },
    { "lr", "learning-rate", PH_OPTION_REAL, AT(lr), "0.001", 0, 1e3, NULL,
      "learning rate (its highest, with a schedule)" },
    { "schedule", NULL, PH_OPTION_CHOICE, AT(schedule), "constant", 0, 0,
      "constant step cosine plateau", "how the rate changes over the epochs" },
    { "warmup", NULL, PH_OPTION_REAL, AT(warmup), "0", 0, 1e6, NULL,
      "epochs over which the rate rises from 0" },
    { "lr-min", NULL, PH_OPTION_REAL, AT(lr_min), "0", 0, 1e3, NULL,
      "lowest rate of the cosine and plateau schedules" },
    { "decay", "lr-decay", PH_OPTION_REAL, AT(decay), "0.5", 0, 1, NULL,
      "factor of the step and plateau schedules" },
    { "step-every", NULL, PH_OPTION_INT, AT(step_every), "30", 1, 1e9, NULL,
      "epochs between two steps of the step schedule" },
    { "patience", NULL, PH_OPTION_INT, AT(patience), "5", 1, 1e9, NULL,
      "epochs without a better validation loss before the plateau schedule acts" },
    { "momentum", NULL, PH_OPTION_REAL, AT(momentum), "0", 0, 0.999999, NULL,
      "of sgd and rmsprop" },
    { "nesterov", NULL, PH_OPTION_FLAG, AT(nesterov), "0", 0, 0, NULL,
      "look ahead along the momentum (sgd)" },
    { "beta1", NULL, PH_OPTION_REAL, AT(beta1), "0.9", 0, 0.999999, NULL,
      "decay of adam's mean gradient" },
    { "beta2", NULL, PH_OPTION_REAL, AT(beta2), "0.999", 0, 0.9999999, NULL,
      "decay of the mean squared gradient (adam, rmsprop)" },
    { "epsilon", NULL, PH_OPTION_REAL, AT(epsilon), "1e-8", 1e-30, 1, NULL,
      "added to the root of the mean squared gradient" },
    { "weight-decay", "alpha l2", PH_OPTION_REAL, AT(weight_decay), "0", 0, 1e3, NULL,
      "pull of the weights (not biases) to 0: with the gradient, or apart from it in adamw" },
    { "clip-norm", NULL, PH_OPTION_REAL, AT(clip_norm), "0", 0, 1e9, NULL,
      "largest norm of all gradients together; 0: no limit" },
    { "average", "ema", PH_OPTION_REAL, AT(average), "0", 0, 0.9999999, NULL,
      "decay of averaged weights, which are then the ones in use; 0: none" },
    { "val-split", "validation-split", PH_OPTION_REAL, AT(val_split), "0", 0, 0.9, NULL,
      "share of the rows held out, drawn by the seed; the best weights on them are kept, but for models of several "
      "losses, which keep the last" },
    { "early-stop", "early-stopping", PH_OPTION_INT, AT(early_stop), "0", 0, 1e9, NULL,
      "epochs without a better validation loss before training ends; 0: never" },
    { "seed", "random-state", PH_OPTION_INT, AT(seed), "1", 0, 9e15, NULL,
      "of the starting weights, the order of rows and all noise" },
    { "no-shuffle", NULL, PH_OPTION_FLAG, AT(no_shuffle), "0", 0, 0, NULL,
      "take the rows in their order" },
    { "missing", "missing-values-handling", PH_OPTION_CHOICE, AT(missing), "refuse", 0, 0,
      "refuse mean", "values that are missing: an error, or the mean of their column, which figures "
      "take for the truth, too" },
    { "scaling", NULL, PH_OPTION_CHOICE, AT(scaling), "auto", 0, 0,
      "auto none bytes center minmax standardise",
      "of the rows, kept in the model (auto: bytes / 255, [0,1] as it is, else standardise; "
      "center: bytes / 255, less the mean)" },
    { "checkpoint-every", NULL, PH_OPTION_TEXT, AT(checkpoint_every), "", 0, 0, NULL,
      "save the model every so many epochs (2) or minutes (5m)" },
    { "log-every", NULL, PH_OPTION_INT, AT(log_every), "0", 0, 1e12, NULL,
      "steps between two reports within an epoch; 0: none" },
};
const size_t ph_training_table_size = sizeof ph_training_table / sizeof ph_training_table[0];

const ph_option *ph_training_options(size_t *count)
{
    *count = ph_training_table_size;
    return ph_training_table;
}

ph_status ph_training_check(const ph_trainer_options *o, bool validates)
{
    validates = validates || o->val_split > 0;
    if (o->early_stop > 0 && !validates)
        return ph_fail(PH_USAGE, "early-stop needs a validation part: give val-split too");
    if (strcmp(o->schedule, "plateau") == 0 && !validates)
        return ph_fail(PH_USAGE, "schedule plateau needs a validation part: give val-split too");
    if (o->nesterov && (o->momentum == 0 || strcmp(o->optimizer, "sgd") != 0))
        return ph_fail(PH_USAGE, "nesterov needs optimizer sgd and a momentum above 0");
    if (o->lr_min > o->lr)
        return ph_fail(PH_USAGE, "lr-min %g is above lr %g", o->lr_min, o->lr);
    return PH_OK;
}
