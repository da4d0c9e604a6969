/* cli.h - what the commands share: arguments, messages, JSON, opening things, the picture. */
#ifndef PH_CLI_H
#define PH_CLI_H

#include <pinhole.h>

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_MAX_WORDS = 8 };

/* A command: its name, the words it takes, its table of options and the struct they are read into.
 * --threads, --no-pin, --json and --help are every command's. */
typedef struct cli_command {
    const char *name, *words, *help;
    const ph_option *options;
    size_t option_count;
    size_t least_words, most_words;
    int (*run)(const struct cli_command *, int argc, char **argv);
    bool reads;                /* takes the options of opening data, too */
    bool trains;               /* and those of training and of a family */
    /* NULL, or options that do something only beside one of others: "steps", "--grid or --interpolate", ..., NULL. */
    const char *const *needs;
} cli_command;

extern const cli_command cli_train, cli_eval, cli_encode, cli_decode, cli_reconstruct, cli_info,
    cli_sample, cli_score, cli_report, cli_data, cli_bench;
/* Every command, the last one followed by NULL. */
extern const cli_command *const cli_commands[];

typedef struct cli_arguments {
    size_t words;
    const char *word[CLI_MAX_WORDS];
    ph_settings *settings;     /* everything that was given with -- */
    bool json, help;
} cli_arguments;

/* Reads the command line; says what is wrong and returns CLI_USAGE, or CLI_DONE with help said. */
int cli_read(const cli_command *, int argc, char **argv, cli_arguments *);
/* Fills a command's struct from its options; complains like cli_read, also where an output is a file
 * that is read. */
int cli_options(const cli_command *, const cli_arguments *, void *target);
void cli_free(cli_arguments *);
/* All of a command that writes a file: reads arguments and options, of which *output is one that
 * must be given, and does the work. */
int cli_write(const cli_command *, int argc, char **argv, void *options, const char *const *output,
              int (*work)(const cli_command *, const cli_arguments *, const void *options));

/* Says "pinhole: MESSAGE" on stderr and returns the exit status that goes with the last failure. */
int cli_fail(void);
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens data by the options given; part: what is taken where the spec names none. With a model, the
 * data are for `function` of it. Tells on stderr which columns were left out and which options had
 * nothing to do; quietly: not the columns. */
ph_data *cli_open(const cli_arguments *, const char *spec, const char *part);
ph_data *cli_open_quietly(const cli_arguments *, const char *spec, const char *part);
ph_data *cli_open_for(const cli_arguments *, const ph_model *, const char *function,
                      const char *spec, const char *part);

/* Sorts n numbers, the smallest first. */
void cli_sort_numbers(double *values, size_t n);

/* "28x28". */
const char *cli_shape(size_t rank, const size_t *shape, char text[96]);

/* The part that a spec names at its end, "train", "test" or "all", or NULL. */
const char *cli_part(const char *spec);

/* pinhole data get NAME. Says what is wrong, returns the exit status. */
int cli_get(const cli_arguments *);

/* Saves a model that training left unsaved: under its name, or else in a folder that has room; path
 * is where. False: nowhere. */
bool cli_rescue(const ph_model *, const char *output, char path[4096]);

/* Text from a file as it may be shown: what could end the line or steer a terminal becomes "?". The
 * last four texts live. */
const char *cli_shown(const char *text);

/* One JSON object on a line of stdout. */
void cli_json_begin(void);
void cli_json_number(const char *name, double value);
void cli_json_text(const char *name, const char *value);
void cli_json_object_begin(const char *name); /* a member; ends like a list */
void cli_json_object_end(void);
void cli_json_list_begin(const char *name);
void cli_json_item_number(double value);
void cli_json_item_text(const char *value);
void cli_json_list_end(void);
void cli_json_end(void);
/* Figures with their units, as one object. */
void cli_json_figures(const ph_figures *);

/* A histogram: as bars in text; as a member of the JSON object that is open. */
void cli_print_histogram(const ph_histogram *);
void cli_json_histogram(const ph_histogram *);
/* The units of a sparse code: a line of text; members of the JSON object that is open. */
void cli_print_activity(const ph_activity *);
void cli_json_activity(const ph_activity *);

/* The tutorials' picture: ten by ten tiles filled column by column, the first fifty rows in the
 * left five columns, their reconstructions in the right five; of a table, fifty lines of cells. Fewer rows
 * have as many places, and small pictures are magnified. Of a model that hides a part of each row: what it sees,
 * what it gives back, and the rows as they are. A set that lies class by class gives rows from all over it. Says
 * what is wrong, returns the exit status. */
int cli_picture(ph_model *, const ph_data *, const char *path);
/* Its rows, and its layout for more panels than two: `shown` rows for each, one panel after the other. */
enum { CLI_SHOWN = 50 };
size_t cli_choose_rows(const ph_data *, size_t index[CLI_SHOWN]);
ph_status cli_draw_panels(const char *path, const ph_model_info *, const ph_real *rows, size_t panels,
                          size_t shown);
/* Whether rows of this shape are pictures; their height, width and channels. */
bool cli_is_picture(size_t rank, const size_t *shape, size_t *height, size_t *width,
                    size_t *channels);
/* A writer's name of a column: the model's, as `user`, or x1, x2, ... */
const char *cli_row_name(const void *user, size_t column);
/* A picture of a table's rows: each of `shown` rows on a line of cells, in `sets` versions side by
 * side; row r of version v is row v * shown + r of `rows`. */
ph_status cli_cells(const char *path, const ph_real *rows, size_t width, size_t shown, size_t sets);
/* pinhole reconstruct --beside: `rows` rows of the set, and below each what becomes of it in the
 * model and in those that the list `others` names; tells what is what. Returns the exit status. */
int cli_beside(const cli_arguments *, const char *others, const char *path, size_t rows);
/* Whether reconstruct draws fifty rows beside what became of them into that file; the windows of one picture are put
 * together instead. */
bool cli_draws_rows(const ph_data *, const char *path);
/* Runs a function of the model over data, batch by batch, into a file; into a folder, where path ends in "/",
 * with a file for each sound, picture or file of bytes that rows are windows of, and of reconstruct for each
 * picture that is a row. Says what is wrong, returns the exit status. */
int cli_stream(ph_model *, const char *function, const ph_data *, const char *path, double white);
/* The same with what `make` gives for every row of data, a batch at a time, in place of what reconstruct
 * does. */
typedef ph_status (*cli_make)(void *, const ph_data *, size_t first, size_t count, ph_real *);
int cli_write_rows(ph_model *, const ph_data *, const char *path, cli_make, void *);
/* Whether a name ends so. */
bool cli_ends(const char *name, const char *ending);
/* pinhole reconstruct --noise: what the model makes of rows with noise, into a file or a picture
 * beside them, and how well they came back. Says what is wrong, returns the exit status. */
typedef struct cli_restore {
    const char *noise, *path;
    int64_t seed;
    bool json;
} cli_restore;
int cli_restore_rows(ph_model *, const ph_data *, const cli_restore *);
/* Whether the model can fill holes, and values are missing in data. */
bool cli_has_gaps(const ph_model *, const ph_data *);
/* pinhole reconstruct --mask: what the model fills holes with, likewise; without a mask those values. */
typedef struct cli_filling {
    const char *mask, *path;   /* mask: NULL for none */
    bool json;
} cli_filling;
int cli_fill_rows(ph_model *, const ph_data *, const cli_filling *);
/* What pinhole score scores: rows, or the sounds or pictures that rows are windows of. */
typedef struct cli_scored {
    const ph_data *data;
    bool whole;                /* these */
    size_t count, *first;      /* the first row of each, and at last the number of rows */
} cli_scored;
/* The id of a row, the name of a sound or picture, or NULL. */
const char *cli_scored_name(const cli_scored *, size_t number);
/* pinhole score --maps: `count` of them beside their reconstructions and the heat of their errors, one PNG
 * each, on one scale that ends at *most. Says what is wrong, returns the exit status. */
int cli_draw_maps(const cli_arguments *, ph_model *, const cli_scored *, const size_t *number, size_t count,
                  const char *folder, double *most);
/* Rows as the model sees them: what it does not see is gray in pictures and missing in other rows. */
void cli_hide(const ph_model_info *, const ph_real *rows, const ph_real *seen, size_t count, ph_real *out);

#endif
