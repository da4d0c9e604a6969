/* gallery.c - rows beside their reconstructions: pictures as pictures, bytes as text, series as curves, other rows as
 * small tables; the rows and the columns that err most.
 */
#include "report/report.h"

#include "view/heat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_PICTURES = 18, SHOWN_TABLES = 3, SHOWN_COLUMNS = 12, SHOWN_TEXTS = 6, SHOWN_SERIES = 6, SHOWN_CURVES = 4 };

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory for the report's rows");
}

/* ---- Rows ---------------------------------------------------------------------------------------- */

static void put_name(ph_page *r, size_t row)
{
    ph_put(r, "<b>");
    ph_put_row(r, row);
    ph_put(r, "</b>");
    if (r->labels) {
        ph_put(r, " <span class=\"class\">");
        ph_put_label(r, r->labels[row]);
        ph_put(r, "</span>");
    }
    if (r->bytes)
        return;
    ph_put(r, " <span class=\"error\">error ");
    ph_put_number(r, r->error[row], 3);
    ph_put(r, "</span>");
}

/* A row as the model saw it: gray where it saw nothing. */
static ph_status put_seen(ph_page *r, const real *x, const real *seen)
{
    real *shown = malloc(r->info.width * sizeof *shown);
    ph_status status = shown ? PH_OK : out_of_memory();
    for (size_t i = 0; i < r->info.width && shown; i++)
        shown[i] = seen[i] != 0 ? x[i] : (real)((r->info.white > 0 ? r->info.white : 1) / 2);
    if (status == PH_OK)
        status = ph_put_tile(r, shown, "what was seen");
    free(shown);
    return status;
}

/* One row as it is shown; seen: what a model that hides a part of each row saw of it, or NULL; error: of
 * each pixel, or NULL. */
typedef struct shown_row {
    size_t row;
    const real *x, *y, *seen, *error;
    double most;               /* the largest error of a pixel of all that are shown */
} shown_row;

static ph_status put_heat(ph_page *r, const shown_row *s)
{
    real *rgb = malloc(3 * r->height * r->width * sizeof *rgb);
    ph_status status = rgb ? PH_OK : out_of_memory();
    if (status == PH_OK) {
        ph_heat_draw(&(ph_heat){ .original = s->x, .error = s->error, .height = r->height,
                                 .width = r->width, .channels = r->channels, .white = r->info.white,
                                 .most = s->most }, rgb);
        status = ph_put_picture(r, rgb, 3, 1, "error of each pixel");
    }
    free(rgb);
    return status;
}

static ph_status put_pictures(ph_page *r, const shown_row *s)
{
    static const char *const columns[] = { "", " three", " four" };
    ph_put(r, "<figure class=\"pair%s\">", columns[(s->seen != NULL) + (s->error != NULL)]);
    if (s->seen) {
        PH_TRY(put_seen(r, s->x, s->seen));
        PH_TRY(ph_put_tile(r, s->y, "filled"));
        PH_TRY(ph_put_tile(r, s->x, "original"));
    } else {
        PH_TRY(ph_put_tile(r, s->x, "original"));
        PH_TRY(ph_put_tile(r, s->y, "reconstruction"));
    }
    if (s->error)
        PH_TRY(put_heat(r, s));
    ph_put(r, "<figcaption>");
    put_name(r, s->row);
    ph_put(r, "</figcaption></figure>");
    return PH_OK;
}

/* The squared error of each column of a row, in the model's input scale. */
static ph_status find_errors(const ph_page *r, const shown_row *s, double *error)
{
    size_t width = r->info.width;
    real *scaled = malloc(2 * width * sizeof *scaled);
    ph_status status = scaled ? PH_OK : out_of_memory();
    if (status == PH_OK) {
        memcpy(scaled, s->x, width * sizeof *scaled);
        memcpy(scaled + width, s->y, width * sizeof *scaled);
        status = ph_scaling_apply_to(&r->model->scaling, s->row, scaled, 2, width);
    }
    for (size_t i = 0; i < width && status == PH_OK; i++)
        error[i % r->columns] += pow((double)scaled[i] - (double)scaled[width + i], 2);
    free(scaled);
    return status;
}

static double share_of(const ph_page *r, const shown_row *s, double error)
{
    return r->error[s->row] > 0 ? 100 * fmin(error / r->error[s->row], 1) : 0;
}

static void put_cells(ph_page *r, const shown_row *s, size_t column, double share)
{
    ph_put(r, "<tr><th scope=\"row\" style=\"--share:%.1f%%\">", share);
    ph_put_column(r, column);
    ph_put(r, "</th><td>");
    ph_put_number(r, (double)s->x[column], 4);
    ph_put(r, "</td><td>");
    if (s->seen == NULL || s->seen[column] == 0)
        ph_put_number(r, (double)s->y[column], 4);
    else
        ph_put(r, "seen");
    ph_put(r, "</td></tr>");
}

static void put_curves(ph_page *r, const shown_row *s, size_t column, double share)
{
    ph_put(r, "<p class=\"note\"><b>");
    ph_put_column(r, column);
    ph_put(r, "</b>");
    if (r->columns > 1)
        ph_put(r, " %.1f %% of the error", share);
    ph_put(r, "</p>");
    ph_put_series(r, s->row, column, s->x, s->y, s->seen);
}

static size_t most_columns(const ph_page *r)
{
    return r->series ? SHOWN_CURVES : SHOWN_COLUMNS;
}

/* The columns of a row that err most; where there is room for all, in their order. */
static ph_status put_columns(ph_page *r, const shown_row *s)
{
    size_t chosen[SHOWN_COLUMNS], most = most_columns(r), count = r->columns;
    double *error = calloc(r->columns, sizeof *error);
    ph_status status = error ? find_errors(r, s, error) : out_of_memory();
    for (size_t c = 0; c < count && c < most; c++)
        chosen[c] = c;
    if (count > most && status == PH_OK)
        count = ph_page_largest(error, r->columns, most, chosen);
    for (size_t i = 0; i < count && status == PH_OK; i++)
        (r->series ? put_curves : put_cells)(r, s, chosen[i], share_of(r, s, error[chosen[i]]));
    free(error);
    return status;
}

static ph_status put_table(ph_page *r, const shown_row *s)
{
    ph_put(r, "<div class=\"card\"><table><caption>");
    put_name(r, s->row);
    ph_put(r, "</caption><thead><tr><th scope=\"col\">column<th scope=\"col\">original"
              "<th scope=\"col\">back</tr></thead><tbody>");
    ph_status status = put_columns(r, s);
    ph_put(r, "</tbody></table></div>");
    return status;
}

static ph_status put_series(ph_page *r, const shown_row *s)
{
    ph_put(r, "<figure class=\"card\"><figcaption>");
    put_name(r, s->row);
    ph_put(r, "</figcaption>");
    ph_status status = put_columns(r, s);
    ph_put(r, "</figure>");
    return status;
}

/* A byte as a character of its own, a dot where it is none that shows. */
static void put_byte(ph_page *r, real byte)
{
    int code = (int)(byte + (real)0.5);
    if (code == '\n')
        ph_put(r, "↵");
    else if (code < 0x20 || code > 0x7e)
        ph_put(r, "·");
    else
        ph_put_text(r, (const char[]){ (char)code, '\0' });
}

/* What was seen, what came back, and what stood there; a hidden byte that came back as another is marked. */
static ph_status put_text(ph_page *r, const shown_row *s)
{
    size_t width = r->info.width, hidden = 0, right = 0;
    ph_put(r, "<figure class=\"card text\"><figcaption>");
    put_name(r, s->row);
    for (size_t i = 0; i < width; i++)
        if (s->seen == NULL || s->seen[i] == 0) {
            hidden++;
            right += fabs((double)s->x[i] - (double)s->y[i]) < 0.5;
        }
    ph_put(r, " %zu of %zu%s came back</figcaption><pre>", right, hidden, s->seen ? " hidden bytes" : " bytes");
    for (size_t i = 0; i < width && s->seen; i++)
        if (s->seen[i] != 0)
            put_byte(r, s->x[i]);
        else
            ph_put(r, "<i>▒</i>");
    ph_put(r, s->seen ? "\n" : "");
    for (size_t i = 0; i < width; i++) {
        bool wrong = fabs((double)s->x[i] - (double)s->y[i]) >= 0.5;
        ph_put(r, wrong ? "<mark>" : "");
        put_byte(r, s->y[i]);
        ph_put(r, wrong ? "</mark>" : "");
    }
    ph_put(r, "\n");
    for (size_t i = 0; i < width; i++)
        put_byte(r, s->x[i]);
    ph_put(r, "</pre></figure>");
    return PH_OK;
}

static void put_key(ph_page *r)
{
    ph_put(r, "<p class=\"key\"><span class=\"key-first\">original</span> "
              "<span class=\"key-second\">back</span>%s</p>",
           r->hides ? " <span class=\"key-unseen\">hidden from the model</span>" : "");
}

/* most: 0 for no heat. */
static ph_status put_rows(ph_page *r, const size_t *row, size_t count, double most)
{
    size_t width = r->info.width;
    real *x = malloc(4 * width * sizeof *x), *seen = x && r->hides ? x + 2 * width : NULL;
    real *error = x && most > 0 ? x + 3 * width : NULL;
    ph_status status = x ? PH_OK : out_of_memory();
    if (r->series)
        put_key(r);
    ph_put(r, "<div class=\"%s\">", r->bytes ? "texts" : !r->picture ? "tables" : seen || error ? "pairs wide" : "pairs");
    for (size_t i = 0; i < count && status == PH_OK; i++) {
        const shown_row s = { row[i], x, x + width, seen, error, most };
        status = ph_data_read(r->data, &row[i], 1, x);
        if (status == PH_OK)
            status = ph_model_apply(r->model, "reconstruct", x, 1, x + width);
        if (status == PH_OK && seen)
            status = ph_model_apply(r->model, "seen", x, 1, seen);
        if (status == PH_OK && error)
            status = ph_model_error_maps(r->model, r->data, row[i], 1, error);
        if (status == PH_OK)
            status = (r->picture ? put_pictures : r->bytes ? put_text : r->series ? put_series : put_table)(r, &s);
    }
    ph_put(r, "</div>");
    free(x);
    return status;
}

static void explain(ph_page *r)
{
    if (r->bytes) {
        ph_put(r, "%s what came back, with wrong bytes marked, and what stood there.",
               r->hides ? "What the model saw," : "Above");
        return;
    }
    ph_put(r, r->series ? "Original values and what came back as curves, in the data's own units; the error "
              : !r->picture ? "Original values and what came back, in the data's own units; the error "
              : r->hides ? "What the model saw on the left, the rest filled in the middle, originals on "
                           "the right; the error "
                         : "Originals on the left, reconstructions on the right; the error ");
    ph_put(r, "is the squared error summed over the row, in the model's input scale.");
    if (!r->picture && !r->series)
        ph_put(r, " The bar behind a name is the column's share of it.");
    if (!r->picture && r->hides)
        ph_put(r, " What the model saw comes back as it was.");
    if (!r->picture && r->columns > most_columns(r))
        ph_put(r, " Of %zu columns each %s has the %zu that differ most.", r->columns,
               r->series ? "row" : "table", most_columns(r));
}

/* How many rows a section shows. */
static size_t most_rows(const ph_page *r)
{
    return r->picture ? SHOWN_PICTURES : r->bytes ? SHOWN_TEXTS : r->series ? SHOWN_SERIES : SHOWN_TABLES;
}

static ph_status write_rows(ph_page *r)
{
    size_t row[SHOWN_PICTURES], count = r->rows < most_rows(r) ? r->rows : most_rows(r);
    for (size_t i = 0; i < count; i++)
        row[i] = ph_page_spread(r, i, count);
    ph_put(r, "<p>%s. ", count < r->rows ? "Rows spread evenly over the set" : "All rows");
    explain(r);
    ph_put(r, "</p>");
    return put_rows(r, row, count, 0);
}

static bool rows_err(const ph_page *r)
{
    return r->rows > most_rows(r) && ph_figure_get(&r->figures, "sse") > 0;
}

/* The largest error of a pixel in the rows that err most. */
static ph_status find_most(ph_page *r, double *most)
{
    size_t size = r->height * r->width;
    real *map = malloc(size * sizeof *map);
    ph_status status = map ? PH_OK : out_of_memory();
    for (size_t i = 0; i < r->worst_count && status == PH_OK; i++) {
        status = ph_model_error_maps(r->model, r->data, r->worst[i], 1, map);
        for (size_t p = 0; p < size && status == PH_OK; p++)
            *most = (double)map[p] > *most ? (double)map[p] : *most;
    }
    free(map);
    return status;
}

static void explain_heat(ph_page *r, double most)
{
    enum { STOPS = 9 };
    ph_put(r, " The heat is the error of each pixel, the root of its squared error in the model's input scale: "
              "<span class=\"scale\">0 <i style=\"background:linear-gradient(90deg");
    for (int i = 0; i < STOPS; i++) {
        double rgb[3];
        ph_heat_colour((double)i / (STOPS - 1), rgb);
        ph_put(r, ",#%02x%02x%02x", (int)(rgb[0] * 255 + 0.5), (int)(rgb[1] * 255 + 0.5),
               (int)(rgb[2] * 255 + 0.5));
    }
    ph_put(r, ")\"></i> ");
    ph_put_number(r, most, 3);
    ph_put(r, "</span>.");
}

static ph_status write_worst(ph_page *r)
{
    double hottest = 0;
    if (r->picture)
        PH_TRY(find_most(r, &hottest));
    ph_put(r, "<p>The rows of largest squared error; the mean over all rows is ");
    ph_put_number(r, ph_figure_get(&r->figures, "sse"), 3);
    ph_put(r, ".");
    if (r->picture)
        explain_heat(r, hottest);
    ph_put(r, "</p>");
    return put_rows(r, r->worst, r->worst_count < most_rows(r) ? r->worst_count : most_rows(r), hottest);
}

/* ---- Columns ------------------------------------------------------------------------------------- */

static bool columns_err(const ph_page *r)
{
    return !r->picture && r->columns > 1 && ph_figure_get(&r->figures, "sse") > 0;
}

static ph_status write_columns(ph_page *r)
{
    size_t columns = r->columns, chosen[SHOWN_COLUMNS];
    size_t shown = ph_page_largest(r->column_error, columns, SHOWN_COLUMNS, chosen);
    double total = 0, told = 0, largest = r->column_error[chosen[0]];
    for (size_t c = 0; c < columns; c++)
        total += r->column_error[c];
    ph_put(r, "<p>Each column's share of the squared error of all rows, in the model's input "
              "scale.</p><div class=\"card\"><table class=\"bars\"><thead><tr><th scope=\"col\">column"
              "<th scope=\"col\">share<th></tr></thead><tbody>");
    for (size_t i = 0; i < shown; i++) {
        double error = r->column_error[chosen[i]];
        told += error / total;
        ph_put(r, "<tr><th scope=\"row\">");
        ph_put_column(r, chosen[i]);
        ph_put(r, "</th><td>%.1f %%</td><td class=\"bar\"><i style=\"width:%.1f%%\"></i></td></tr>",
               100 * error / total, 100 * error / largest);
    }
    ph_put(r, "</tbody></table>");
    if (shown < columns)
        ph_put(r, "<p class=\"note\">These %zu of %zu columns make %.1f %% of the error.</p>", shown,
               columns, 100 * told);
    ph_put(r, "</div>");
    return PH_OK;
}

const ph_section ph_section_rows = { "rows", "Reconstructions", NULL, write_rows };
const ph_section ph_section_worst = { "worst", "Worst rows", rows_err, write_worst };
const ph_section ph_section_columns = { "columns", "Columns that err most", columns_err, write_columns };
