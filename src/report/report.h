/* report.h - the page about a model: what was measured, and the sections that show it. */
#ifndef PH_REPORT_REPORT_H
#define PH_REPORT_REPORT_H

#include "base/file.h"
#include "eval/eval.h"

enum { PH_PAGE_WORST = 12 };

/* Everything is measured before the first byte is written (measure.c). */
typedef struct ph_page {
    ph_file *page;
    ph_model *model;
    const ph_data *data, *train;   /* train NULL: none to compare with */
    const char *title, *name;      /* name: of the model, where there is another */
    const char *times;             /* to show beside the model's own, or NULL */
    struct ph_page *beside;        /* what was measured of that one, or NULL */
    ph_model_info info;
    ph_data_info set;
    const uint32_t *labels;
    size_t variables;              /* of the code, that have a divergence from a prior; 0: none has */
    size_t classes;                /* of each of them; 0: they are normal */
    bool picture, series, bytes;   /* what a row is; a series is lines of a table, or samples of a sound */
    size_t height, width, channels;
    size_t columns;                /* of the table, or channels of the sound; number c is of column c % columns */
    size_t rows, code;             /* rows measured, numbers of a code (0: the model has none) */
    bool decodes, hides;           /* hides: a part of a row before it is given back */
    ph_figures figures, train_figures;
    double *error, *column_error;  /* squared error of each row; of each column, over all rows */
    size_t worst[PH_PAGE_WORST], worst_count; /* rows of largest error, the largest first */
    double *variance, *kl;         /* of each number of the code, of each variable */
    ph_plane map;                  /* of the codes */
    size_t sample_count, *sample;  /* rows shown on the map */
    ph_activity activity;          /* of the code's units; units 0: they are not on or off */
    ph_word_use words;             /* of a codebook, on these rows; count NULL: there is none */
} ph_page;

ph_status ph_page_measure(ph_page *);
void ph_page_release(ph_page *);
/* The places of the `most` largest of count values, the largest first; returns how many there are. */
size_t ph_page_largest(const double *values, size_t count, size_t most, size_t *place);
/* Number i of count rows spread evenly over the set. */
size_t ph_page_spread(const ph_page *, size_t i, size_t count);

/* ---- Writing (html.c). A failure to write waits in the file until it is committed. ------------ */

/* Markup of ours; what comes from data goes through ph_put_text, which escapes it. */
void ph_put(ph_page *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ph_put_text(ph_page *, const char *text);
/* With so many significant digits, and a minus sign that is one. */
void ph_put_number(ph_page *, double value, int digits);
/* "12.3 s", "14 min 05 s" or "3 h 33 min". */
void ph_put_duration(ph_page *, double seconds);
/* In groups of three digits. */
void ph_put_count(ph_page *, size_t count);
void ph_put_row(ph_page *, size_t row);     /* "row 17" or its id */
void ph_put_label(ph_page *, size_t label); /* the name of a class of the set, or its number */
void ph_put_kind(ph_page *, size_t label);  /* of a class or a cluster of the model */
void ph_put_column(ph_page *, size_t column);
/* A picture as a data: URI; grids of more than `budget` bytes as PNG are drawn smaller.
 * (may be NULL) tells how many times. */
ph_status ph_put_image(ph_page *, const ph_grid *, size_t budget);
/* A row of data, or one like it, as <img>; alt is what stands for it. */
ph_status ph_put_tile(ph_page *, const real *row, const char *alt);
/* A picture of the same height and width, of 1 or 3 channels. */
ph_status ph_put_picture(ph_page *, const real *pixels, size_t channels, double white, const char *alt);
/* By which factor a picture is made smaller so that no side is longer than `most`. */
size_t ph_shrink_factor(size_t height, size_t width, size_t most);
/* A column of a row of a series, original and back, as curves over its lines or samples; what the model did not
 * see is shaded (seen: NULL where it saw all). */
void ph_put_series(ph_page *, size_t row, size_t column, const real *original, const real *back, const real *seen);
/* The mean of factor x factor blocks; returns the room that the result takes. */
size_t ph_shrink(const real *in, size_t height, size_t width, size_t channels, size_t factor,
                 real *out);

/* ---- Plots (plot.c) --------------------------------------------------------------------------- */

typedef struct ph_axis {
    double low, high;
    bool log, whole, down;     /* whole: ticks at whole numbers only; down: the lowest is at the top */
    const char *label;         /* markup */
} ph_axis;

typedef struct ph_plot {
    double width, height, left, right, top, bottom; /* of the whole, and the margins */
    ph_axis x, y;
} ph_plot;

/* Widens the range to round numbers. */
void ph_axis_settle(ph_axis *);
double ph_plot_x(const ph_plot *, double value);
double ph_plot_y(const ph_plot *, double value);
/* Opens the svg with its alternative text still to be written: <svg ... aria-label="  */
void ph_plot_begin(ph_page *, const ph_plot *, const char *classes);
/* Closes the label and draws axes, ticks and their labels. */
void ph_plot_axes(ph_page *, const ph_plot *);

/* A line through points; where y is no number, it is broken. kind: "first" or "second" of two. */
void ph_plot_line(ph_page *, const ph_plot *, const double *x, const double *y, size_t count, const char *kind);

/* Of a prior that the model shown has draws of (prior.c): lines around half and nine tenths of them,
 * where codes are points of a plane; so many deviations about their mean, each way. */
bool ph_page_has_contours(const ph_page *shown);
ph_status ph_put_contours(ph_page *, const ph_page *shown, const ph_plot *);
ph_status ph_page_prior_range(const ph_page *shown, double deviations, double *low, double *high);

/* What lies on its map: "code", or "style" where a code has a class in front; its two numbers, as markup. */
const char *ph_page_what(const ph_page *shown);
#define PH_Z1 "z<tspan dy=\"3\" font-size=\"75%\">1</tspan>"
#define PH_Z2 "z<tspan dy=\"3\" font-size=\"75%\">2</tspan>"

/* Whether the times to show can be read. */
ph_status ph_page_check_times(const ph_page *);

/* ---- Sections --------------------------------------------------------------------------------- */

typedef struct ph_section {
    const char *id, *heading;
    bool (*applies)(const ph_page *); /* NULL: always */
    ph_status (*write)(ph_page *);
} ph_section;

extern const ph_section ph_section_summary, ph_section_curves, ph_section_rows, ph_section_worst,
    ph_section_columns, ph_section_filters, ph_section_map, ph_section_lattice, ph_section_samples,
    ph_section_activity, ph_section_units, ph_section_posterior, ph_section_words, ph_section_times;

#endif
