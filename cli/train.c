/* train.c - pinhole train FAMILY DATA: trains a model and saves it. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct train_options {
    const char *family, *data, *output, *config, *log, *pictures;
    bool resume, quiet;
} train_options;

#define AT(field) offsetof(train_options, field)

static const ph_option table[] = {
    { "output", NULL, PH_OPTION_TEXT, AT(output), NULL, 0, 0, NULL,
      "model file, also -o; replaced unless --resume [FAMILY-DATA.pin]" },
    { "resume", NULL, PH_OPTION_FLAG, AT(resume), "0", 0, 0, NULL,
      "go on with the model in the output file" },
    { "config", NULL, PH_OPTION_TEXT, AT(config), NULL, 0, 0, NULL,
      "file of 'name = value' lines; what is given here wins" },
    { "family", NULL, PH_OPTION_TEXT, AT(family), NULL, 0, 0, NULL, "family, as in a config file" },
    { "data", NULL, PH_OPTION_TEXT, AT(data), NULL, 0, 0, NULL, "data, as in a config file" },
    { "log", NULL, PH_OPTION_TEXT, AT(log), NULL, 0, 0, NULL,
      "CSV file with a line for each report" },
    { "pictures", NULL, PH_OPTION_TEXT, AT(pictures), NULL, 0, 0, NULL,
      "folder for rec_epoch_N.png, rows and their reconstructions after each epoch" },
    { "quiet", NULL, PH_OPTION_FLAG, AT(quiet), "0", 0, 0, NULL, "no line for each epoch" },
};
enum { OPTIONS = sizeof table / sizeof table[0] };

/* What the progress callback works with. */
typedef struct run {
    train_options o;
    char **word;               /* of the command line, behind "train" */
    int words;
    bool json, terminal;
    FILE *log;
    bool log_has_head, units_said;
    const ph_data *shown;      /* rows for the pictures */
    ph_progress last;
} run;

static void interrupt(int number)
{
    (void)number;
    ph_stop();
}

static void say_json(const run *r, ph_model *m, const ph_progress *p)
{
    ph_model_info info;
    ph_model_describe(m, &info);
    cli_json_begin();
    if (p->event == PH_EVENT_DONE)
        cli_json_text("family", info.family);
    else
        cli_json_number("epoch", (double)p->epoch);
    if (p->event == PH_EVENT_DONE)
        cli_json_number("epochs", (double)p->epoch);
    cli_json_number(p->event == PH_EVENT_DONE ? "steps" : "step", (double)p->step);
    cli_json_number("rows", (double)p->rows);
    cli_json_number("seconds", p->seconds);
    cli_json_number("rows_per_second", p->event == PH_EVENT_DONE ? r->last.rows_per_second
                                                                 : p->rows_per_second);
    const ph_figures *f = p->event == PH_EVENT_DONE ? &r->last.figures : &p->figures;
    for (size_t i = 0; i < f->count; i++)
        if (!isnan(f->at[i].value))
            cli_json_number(f->at[i].name, f->at[i].value);
    if (!isnan(ph_figure_get(f, "val_loss")))
        cli_json_number("val", ph_figure_get(f, "val_loss"));
    if (p->note)
        cli_json_text("note", p->note);
    cli_json_end();
}

/* Once, before the first figures: what they are. Epoch lines would be too long with it. */
static void say_units(run *r, const ph_figures *f)
{
    if (r->units_said || f->count == 0)
        return;
    for (size_t i = 0; i < f->count; i++)
        fprintf(stderr, "%s%s: %s", i ? "; " : "", f->at[i].name, f->at[i].unit);
    fputc('\n', stderr);
    r->units_said = true;
}

/* On a terminal one line that is written over, with the time left; elsewhere one line each. */
static void say_line(run *r, const ph_progress *p)
{
    say_units(r, &p->figures);
    double rows_left = p->steps > 0 ? (double)p->rows * (double)p->epochs *
                                          (double)(p->steps - p->step) / (double)p->steps
                                    : 0;
    bool last = p->event == PH_EVENT_EPOCH && (p->epoch >= p->epochs || p->note);
    fprintf(stderr, "%sepoch %lld/%lld%s%s  %.0f rows/s  lr %.3g", r->terminal ? "\r\033[K" : "",
            (long long)p->epoch, (long long)p->epochs, p->preparing ? " " : "",
            p->preparing ? p->preparing : "", p->rows_per_second, p->lr);
    for (size_t i = 0; i < p->figures.count; i++)
        if (!isnan(p->figures.at[i].value))
            fprintf(stderr, "  %s %.6g", p->figures.at[i].name, p->figures.at[i].value);
    if (r->terminal && !last && p->rows_per_second > 0)
        fprintf(stderr, "  %.0f s left", rows_left / p->rows_per_second);
    if (!r->terminal || last)
        fputc('\n', stderr);
    if (p->note)
        fprintf(stderr, "%s\n", p->note);
}

static void log_line(run *r, const ph_progress *p)
{
    if (!r->log_has_head) {
        fputs("epoch,step,seconds,rows_per_second,lr", r->log);
        for (size_t i = 0; i < p->figures.count; i++)
            fprintf(r->log, ",%s", p->figures.at[i].name);
        fputc('\n', r->log);
        r->log_has_head = true;
    }
    fprintf(r->log, "%lld,%lld,%.6f,%.1f,%.9g", (long long)p->epoch, (long long)p->step, p->seconds,
            p->rows_per_second, p->lr);
    for (size_t i = 0; i < p->figures.count; i++)
        if (isnan(p->figures.at[i].value)) /* not known yet */
            fputc(',', r->log);
        else
            fprintf(r->log, ",%.9g", p->figures.at[i].value);
    fputc('\n', r->log);
    fflush(r->log);
}

static void progress(void *user, ph_model *m, const ph_progress *p)
{
    run *r = user;
    if (p->event == PH_EVENT_SECOND) {
        if (r->terminal && !r->json && !r->o.quiet)
            say_line(r, p);
        return;
    }
    if (p->event == PH_EVENT_NOT_SAVED) {
        fprintf(stderr, "%spinhole: no checkpoint: %s; training goes on\n", r->terminal ? "\n" : "",
                p->note);
        return;
    }
    if (p->event == PH_EVENT_DONE && p->note && r->last.step == 0)
        fprintf(stderr, "%s\n", p->note); /* of an earlier run: nothing was left to do */
    if (p->event == PH_EVENT_EPOCH)
        r->last = *p;
    if (r->log && p->event != PH_EVENT_DONE)
        log_line(r, p);
    if (r->json)
        say_json(r, m, p);
    else if (!r->o.quiet && p->event != PH_EVENT_DONE)
        say_line(r, p);
    if (r->o.pictures && r->shown && p->event == PH_EVENT_EPOCH) {
        char path[4096];
        snprintf(path, sizeof path, "%s/rec_epoch_%lld.png", r->o.pictures, (long long)p->epoch);
        cli_picture(m, r->shown, path);
    }
}

/* The settings that are the model's: those of training and of the family. */
static ph_settings *model_settings(const ph_settings *all, const char *family)
{
    ph_settings *own = ph_settings_new();
    for (size_t i = 0; own && i < ph_settings_count(all); i++) {
        const char *name = ph_settings_name(all, i);
        bool command = ph_option_find(table, OPTIONS, name) || strcmp(name, "threads") == 0 ||
                       strcmp(name, "no-pin") == 0 || strcmp(name, "json") == 0;
        size_t count;
        const ph_option *data = ph_data_options(&count);
        command = command || ph_option_find(data, count, name);
        const ph_option *training = ph_training_options(&count);
        bool taken = !command && (family || ph_option_find(training, count, name));
        if (taken && ph_settings_set(own, name, ph_settings_value(all, i)) != PH_OK) {
            ph_settings_free(own);
            return NULL;
        }
    }
    return own;
}

static const ph_family *family_of(const char *name)
{
    for (size_t i = 0; ph_family_at(i); i++)
        if (strcmp(ph_family_at(i)->name, name) == 0)
            return ph_family_at(i);
    return NULL;
}

/* Whether the family is trained on top of a model: FAMILY MODEL DATA. */
static bool has_base(const ph_family *f)
{
    return f && ph_option_find(f->options, f->option_count, "base");
}

/* The words and the config file into settings: FAMILY DATA or FAMILY MODEL DATA, one recipe file, or
 * nothing. */
static int gather(const cli_arguments *a, train_options *o)
{
    const char *recipe = ph_settings_get(a->settings, "config");
    const ph_family *family = a->words ? family_of(a->word[0]) : NULL;
    const char *names[] = { "family", has_base(family) ? "base" : "data", "data" };
    bool first_is_recipe = a->words && family == NULL && access(a->word[0], R_OK) == 0 && recipe == NULL;
    if (a->words == 3 && !has_base(family))
        return cli_usage("what is '%s'? pinhole train FAMILY DATA", a->word[2]);
    if (first_is_recipe)
        recipe = a->word[0];
    if (first_is_recipe && a->words == 2 && ph_settings_set(a->settings, "data", a->word[1]))
        return cli_fail();
    for (size_t i = 0; !first_is_recipe && i < a->words; i++)
        if (ph_settings_set(a->settings, names[i], a->word[i]) != PH_OK)
            return cli_fail();
    if (recipe && ph_settings_read(a->settings, recipe) != PH_OK)
        return cli_fail();
    if (cli_options(&cli_train, a, o) != CLI_DONE)
        return CLI_USAGE;
    if (o->family && o->data == NULL && !recipe && family_of(o->family) == NULL)
        return cli_usage("%s: neither a family nor a recipe that can be read: pinhole train FAMILY DATA, "
                         "or pinhole train RECIPE", o->family);
    if (has_base(family_of(o->family ? o->family : "")) && o->data == NULL)
        return cli_usage("train %s over which model, on what? pinhole train %s MODEL DATA", o->family, o->family);
    if (o->family == NULL || o->data == NULL)
        return cli_usage("train what? pinhole train FAMILY DATA, or pinhole train RECIPE");
    return CLI_DONE;
}

/* Mistakes in the options are told before data are read, which may take long. */
static int check(const cli_arguments *a, const train_options *o)
{
    ph_settings *settings = model_settings(a->settings, o->family);
    ph_status status = settings ? ph_model_check(o->family, settings) : PH_MEMORY;
    ph_settings_free(settings);
    return status == PH_OK ? CLI_DONE : cli_fail();
}

/* Whether the family or one of its options, given anew, differs from the model's. */
static int check_resumed(ph_model *m, const train_options *o, const ph_settings *settings)
{
    ph_model_info info;
    ph_model_describe(m, &info);
    if (strcmp(info.family, o->family) != 0)
        return cli_usage("%s: a model of family %s cannot go on as %s", o->output, info.family,
                         o->family);
    size_t count;
    const ph_option *training = ph_training_options(&count);
    for (size_t i = 0; i < ph_settings_count(settings); i++) {
        const char *name = ph_settings_name(settings, i), *now = ph_model_option(m, name);
        const char *value = ph_settings_value(settings, i);
        if (ph_option_find(training, count, name))
            continue;
        if (now == NULL)
            return cli_usage("unknown option '%s'", name);
        if (strcmp(now, value) != 0 && strcmp(value, "auto") != 0)
            return cli_usage("--%s %s: the model was made with %s", name, value, now);
    }
    return CLI_DONE;
}

/* A word as a shell reads it. */
static void say_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,=+@%";
    bool quote = *word == '\0' || word[strspn(word, plain)] != '\0';
    fputs(quote ? " '" : " ", stderr);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", stderr);
        else
            fputc(*word, stderr);
    fputs(quote ? "'" : "", stderr);
}

/* The same command once more: the data may need its options again. */
static void say_how_to_go_on(const run *r)
{
    fprintf(stderr, "saved %s; to go on: pinhole train%s", r->o.output,
            r->o.resume ? "" : " --resume");
    for (int i = 0; i < r->words; i++)
        say_word(r->word[i]);
    fputc('\n', stderr);
}

/* Training ended by a failure and not by word of ours. What it has come to is not lost. */
static void rescue(const run *r, const ph_model *m)
{
    char path[4096];
    if (!cli_rescue(m, r->o.output, path))
        fprintf(stderr, "pinhole: there is nowhere to save what was trained: it is lost\n");
    else if (strcmp(path, r->o.output) == 0)
        say_how_to_go_on(r);
    else
        fprintf(stderr, "saved %s instead; to go on, move it to %s and add --resume\n", path,
                r->o.output);
}

/* A code that no row moves, in the last epoch, is of no use, and that is said. */
static void tell_collapse(const run *r)
{
    if (ph_figure_get(&r->last.figures, "active_in_batch") == 0)
        fprintf(stderr, "pinhole: no dimension of the code is active: the posterior has collapsed, the "
                "code says nothing of the row (try a lower beta, kl-warmup or free-bits)\n");
}

/* first_step: where this run began. */
static int finish(const run *r, const ph_model *m, int64_t first_step, ph_status status)
{
    if (status == PH_OK) {
        tell_collapse(r);
        if (!r->json)
            fprintf(stderr, "saved %s\n", r->o.output);
        return CLI_DONE;
    }
    if (r->terminal)
        fputc('\n', stderr);
    int code = cli_fail();
    ph_model_info info;
    ph_model_describe(m, &info);
    if (status == PH_STOPPED)
        say_how_to_go_on(r);
    else if (status != PH_DIVERGED && info.step > first_step)
        rescue(r, m);
    return code;
}

/* The system refused something that is the command's own. */
static int cannot(const char *path, const char *what)
{
    fprintf(stderr, "pinhole: %s: cannot %s: %s\n", path, what, strerror(errno));
    return CLI_FAILED;
}

/* A column that was taken for names is not trained on, and that is said. */
static void tell_names(const cli_arguments *a, const ph_data *data)
{
    ph_data_info info = { 0 };
    if (data)
        ph_data_describe(data, &info);
    if (info.id_column && ph_settings_get(a->settings, "id-column") == NULL)
        fprintf(stderr, "pinhole: %s: %s are named by '%s', which is not trained on (--id-column none: "
                "it is a column like others)\n", info.name, info.table ? "lines" : "rows", cli_shown(info.id_column));
}

static int train(run *r, const cli_arguments *a, const ph_data *data)
{
    ph_settings *settings = model_settings(a->settings, r->o.family), *training = NULL;
    ph_model *m = NULL;
    if (settings)
        m = r->o.resume ? ph_model_load(r->o.output)
                        : ph_model_new(r->o.family, data, settings);
    int code = m ? CLI_DONE : cli_fail();
    if (m && r->o.resume) {
        code = check_resumed(m, &r->o, settings);
        training = model_settings(a->settings, NULL);
    }
    if (m && r->o.log && code == CLI_DONE) {
        r->log = fopen(r->o.log, r->o.resume ? "a" : "w");
        r->log_has_head = r->o.resume && r->log && fseek(r->log, 0, SEEK_END) == 0 &&
                          ftell(r->log) > 0;
        if (r->log == NULL)
            code = cannot(r->o.log, "write");
    }
    if (r->o.pictures && code == CLI_DONE && mkdir(r->o.pictures, 0777) != 0 && errno != EEXIST)
        code = cannot(r->o.pictures, "make the folder");
    if (m && code == CLI_DONE) {
        tell_names(a, data);
        struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESETHAND };
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        ph_model_info info;
        ph_model_describe(m, &info);
        ph_status status = ph_train(m, data, &(ph_training){
            .settings = training, .save_to = r->o.output, .progress = progress, .user = r });
        /* What score compares with: how the training rows' errors are distributed. */
        if (status == PH_OK && (status = ph_model_calibrate(m, data)) == PH_OK)
            status = ph_model_save(m, r->o.output, false);
        code = finish(r, m, info.step, status);
    }
    bool log_lost = r->log && ferror(r->log);
    if (r->log && (fclose(r->log) != 0 || log_lost) && code == CLI_DONE)
        code = cannot(r->o.log, "write all of the log");
    ph_model_free(m);
    ph_settings_free(settings);
    ph_settings_free(training);
    return code;
}

/* A run that goes on takes columns and pictures as its model does, and one on top of a model as that does. */
static ph_data *open_rows(const cli_arguments *a, const train_options *o, const char *part)
{
    const char *base = o->family && has_base(family_of(o->family)) ? ph_settings_get(a->settings, "base") : NULL;
    const char *path = o->resume && o->output ? o->output : base;
    if (path == NULL)
        return cli_open(a, o->data, part);
    ph_model *m = ph_model_load(path);
    ph_data *data = m ? cli_open_for(a, m, "reconstruct", o->data, part) : NULL;
    ph_model_free(m);
    return data;
}

static int run_train(const cli_command *c, int argc, char **argv)
{
    cli_arguments a;
    run r = { .terminal = isatty(STDERR_FILENO), .word = argv, .words = argc };
    int code = cli_read(c, argc, argv, &a);
    if (code == CLI_DONE && !a.help)
        code = gather(&a, &r.o);
    if (code == CLI_DONE && !a.help)
        code = check(&a, &r.o);
    if (code != CLI_DONE || a.help) {
        cli_free(&a);
        return code;
    }
    r.json = a.json;
    ph_data *data = open_rows(&a, &r.o, "train");
    ph_data *shown = data && r.o.pictures ? open_rows(&a, &r.o, "test") : NULL;
    char name[128];
    if (data == NULL) {
        code = cli_fail();
    } else {
        ph_data_info info;
        ph_data_describe(data, &info);
        snprintf(name, sizeof name, "%s-%s.pin", r.o.family, info.name);
        for (char *blank = name; (blank = strchr(blank, ' '));) /* ae-standard-input.pin */
            *blank = '-';
        r.o.output = r.o.output ? r.o.output : name;
        r.shown = shown ? shown : data;
        code = train(&r, &a, data);
    }
    ph_data_close(data);
    ph_data_close(shown);
    cli_free(&a);
    return code;
}

const cli_command cli_train = {
    .name = "train", .words = "FAMILY [MODEL] DATA", .help = "train a model (or: train RECIPE)",
    .options = table, .option_count = OPTIONS, .most_words = 3, .run = run_train, .reads = true,
    .trains = true,
};
