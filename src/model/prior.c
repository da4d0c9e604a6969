/* prior.c - distributions that codes are to follow, as draws in a graph: formulas over noise, so that a
 * step draws what a resumed run would have drawn, and samples come from what training came to.
 *
 *     mixture    petal k points at the angle t = 2 pi k / K: its mean is 1.4 away from the middle, its
 *                deviation 0.5 along that way and 0.1 across
 *                mixture:KxL is a grid of normals of deviation 0.15, 1 apart, round the middle; the first
 *                is at the top left, and those of its line follow
 *     swissroll  (r cos t, r sin t) with r = 3 sqrt(u), t = 4 pi sqrt(u), u uniform in (0, 1)
 * Both as Makhzani et al. (2015, figure 4) draw them; the sizes are those of the code that is around.
 */
#include "model/prior.h"

#include "data/data.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROLL = 4096, MOST_PARTS = 1000 };

/* ---- Text ------------------------------------------------------------------------------------ */

/* "NAME" or "NAME:X" at the start of text, up to its end or a comma; X stays as it is without. */
static bool is_named(const char *text, const char *name, double *x)
{
    size_t length = strlen(name);
    if (strncmp(text, name, length) != 0)
        return false;
    if (text[length] != ':')
        return text[length] == '\0' || text[length] == ',';
    const char *number = text + length + 1;
    char *end;
    *x = strtod(number, &end);
    bool is_hex = strcspn(number, "xX") < (size_t)(end - number);
    return end > number && !is_hex && (*end == '\0' || *end == ',');
}

static bool is_count(double x)
{
    return x >= 2 && x <= MOST_PARTS && x == floor(x);
}

ph_status ph_prior_read(const char *text, ph_prior *p)
{
    double x = 0, one = 1;
    size_t down;
    int end = 0;
    const char *all = text;
    *p = (ph_prior){ .kind = PH_PRIOR_NORMAL, .scale = 1 };
    if (is_named(text, "categorical", &x)) {
        if (!is_count(x))
            return ph_fail(PH_USAGE, "prior %s: 2 to %d clusters, such as categorical:16", all, MOST_PARTS);
        p->clusters = (size_t)x;
        text += strcspn(text, ",");
        if (*text == '\0')
            return PH_OK;
        text++;
    }
    size_t length = strlen(text);
    if (is_named(text, "normal", &one)) {
        p->scale = one;
    } else if (is_named(text, "uniform", &one)) {
        p->kind = PH_PRIOR_UNIFORM;
        p->scale = one;
    } else if (strcmp(text, "swissroll") == 0) {
        p->kind = PH_PRIOR_SWISSROLL;
    } else if (is_named(text, "mixture", &x)) {
        p->kind = PH_PRIOR_MIXTURE;
        if (!is_count(x))
            return ph_fail(PH_USAGE, "prior %s: 2 to %d components, such as mixture:10 or mixture:5x5", all,
                           MOST_PARTS);
        p->parts = (size_t)x;
    } else if (strchr(text, '-') == NULL &&
               sscanf(text, "mixture:%4zux%4zu%n", &p->across, &down, &end) == 2 && text[end] == '\0') {
        p->kind = PH_PRIOR_MIXTURE;
        p->parts = p->across * down;
        if (!is_count((double)p->parts))
            return ph_fail(PH_USAGE, "prior %s: 2 to %d components, such as mixture:5x5", all, MOST_PARTS);
    } else if (length > 4 && strcmp(text + length - 4, ".npy") == 0) {
        p->kind = PH_PRIOR_ROWS;
        p->path = text;
    } else {
        return ph_fail(PH_USAGE, "prior '%s' is not one of normal:S, uniform:A, mixture:K, mixture:KxL, "
                       "swissroll, FILE.npy, or one of these behind categorical:K,", all);
    }
    bool wide = p->scale > 0 && p->scale < 1e6 && strchr(text, ',') == NULL;
    return wide ? PH_OK
                : ph_fail(PH_USAGE, "prior %s: behind the colon stands one number above 0 and below 1e6", all);
}

/* ---- Draws ----------------------------------------------------------------------------------- */

/* A value per row of that many numbers, to draw noise like it. */
static ph_node *wide(ph_node *like, size_t width)
{
    return ph_broadcast_to(ph_constant(like->graph, 0), &(ph_shape){ like->shape.set, 1, { width } });
}

ph_node *ph_prior_category(ph_node *like, size_t count)
{
    return ph_largest(ph_uniform_like(wide(like, count)), 1);
}

/* Along the petal's way and across it, each one number, times the directions of those. */
static ph_node *draw_petal(const ph_prior *p, ph_node *like, ph_node *part)
{
    double along[MOST_PARTS * 2], across[MOST_PARTS * 2];
    for (size_t k = 0; k < p->parts; k++) {
        double angle = 2 * M_PI * (double)k / (double)p->parts;
        along[2 * k] = across[2 * k + 1] = cos(angle);
        along[2 * k + 1] = sin(angle);
        across[2 * k] = -sin(angle);
    }
    ph_node *one = wide(like, 1), *way = part ? part : ph_prior_category(like, p->parts);
    size_t shape[] = { p->parts, 2 };
    ph_node *r = ph_shift(ph_scale(ph_normal_like(one), 0.5), 1.4);
    ph_node *t = ph_scale(ph_normal_like(one), 0.1);
    ph_node *forth = ph_product(way, ph_constants(like->graph, "along", 2, shape, along), false);
    ph_node *aside = ph_product(way, ph_constants(like->graph, "across", 2, shape, across), false);
    return ph_add(ph_mul(forth, r), ph_mul(aside, t));
}

/* One of the grid's places, and a normal round it. */
static ph_node *draw_grid(const ph_prior *p, ph_node *like, ph_node *part)
{
    double centre[MOST_PARTS * 2];
    size_t across = p->across, down = p->parts / across;
    for (size_t k = 0; k < p->parts; k++) {
        centre[2 * k] = (double)(k % across) - (double)(across - 1) / 2;
        centre[2 * k + 1] = (double)(down - 1) / 2 - (double)(k / across);
    }
    ph_node *place = part ? part : ph_prior_category(like, p->parts);
    ph_node *centres = ph_constants(like->graph, "centres", 2, (size_t[]){ p->parts, 2 }, centre);
    return ph_add(ph_product(place, centres, false), ph_scale(ph_normal_like(wide(like, 2)), 0.15));
}

/* Part k of n is u from k/n to (k+1)/n. The roll is a table of points 0.005 apart. */
static ph_node *draw_roll(ph_node *like, ph_node *part)
{
    double *roll = ph_arena_take(&like->graph->arena, ROLL * 2 * sizeof *roll);
    if (roll == NULL)
        return ph_out_of_memory(like->graph);
    for (size_t i = 0; i < ROLL; i++) {
        double root = sqrt(((double)i + 0.5) / ROLL);
        roll[2 * i] = 3 * root * cos(4 * M_PI * root);
        roll[2 * i + 1] = 3 * root * sin(4 * M_PI * root);
    }
    ph_node *u = ph_uniform_like(wide(like, 1));
    if (part) {
        size_t n = ph_width(part);
        double number[MOST_PARTS];
        for (size_t k = 0; k < n && k < MOST_PARTS; k++)
            number[k] = (double)k;
        ph_node *piece = ph_constants(like->graph, "piece", 2, (size_t[]){ n, 1 }, number);
        ph_node *which = ph_product(part, piece, false);
        u = ph_scale(ph_add(which, u), 1 / (double)n);
    }
    return ph_pick(ph_constants(like->graph, "roll", 2, (size_t[]){ ROLL, 2 }, roll), u);
}

ph_node *ph_prior_draw(const ph_prior *p, ph_node *like, ph_node *part, ph_node *table)
{
    if (ph_is_dead(like))
        return like;
    if (ph_prior_has_parts(p) && ph_width(like) != 2) {
        ph_refuse(like->graph, "prior: this one lies in a plane, so --latent-dim is 2, not %zu",
                  ph_width(like));
        return &like->graph->dead;
    }
    switch (p->kind) {
    case PH_PRIOR_NORMAL:
        return ph_scale(ph_normal_like(like), p->scale);
    case PH_PRIOR_UNIFORM:
        return ph_scale(ph_shift(ph_scale(ph_uniform_like(like), 2), -1), p->scale);
    case PH_PRIOR_MIXTURE:
        return p->across ? draw_grid(p, like, part) : draw_petal(p, like, part);
    case PH_PRIOR_SWISSROLL:
        return draw_roll(like, part);
    default:
        return ph_pick(table, ph_uniform_like(wide(like, 1)));
    }
}

/* ---- The rows of a file ---------------------------------------------------------------------- */

static ph_data *open_rows(const ph_prior *p, size_t width)
{
    if (access(p->path, F_OK) != 0) {
        ph_fail(PH_IO, "prior %s: %s", p->path, strerror(errno));
        return NULL;
    }
    ph_data *rows = ph_data_open(p->path, NULL);
    if (rows && rows->width != width) {
        ph_fail(PH_DATA, "%s: rows of %zu numbers, but --latent-dim is %zu", p->path, rows->width, width);
        ph_data_close(rows);
        return NULL;
    }
    return rows;
}

ph_status ph_prior_settle(ph_settings *s)
{
    ph_prior p;
    char text[32];
    if (ph_prior_read(ph_settings_get(s, "prior"), &p) != PH_OK)
        return PH_OK; /* who builds with it says what is wrong */
    size_t asked = (size_t)strtoull(ph_settings_get(s, "prior-rows"), NULL, 10);
    if (p.kind != PH_PRIOR_ROWS)
        return asked == 0 ? PH_OK : ph_fail(PH_USAGE, "prior-rows %zu: prior %s is no file of rows", asked,
                                            ph_settings_get(s, "prior"));
    ph_data *data = open_rows(&p, (size_t)strtoull(ph_settings_get(s, "latent-dim"), NULL, 10));
    if (data == NULL)
        return ph_last_status();
    size_t there = data->rows;
    ph_data_close(data);
    if (asked > there)
        return ph_fail(PH_USAGE, "prior-rows %zu: %s has %zu", asked, p.path, there);
    snprintf(text, sizeof text, "%zu", asked ? asked : there);
    return ph_settings_set(s, "prior-rows", text);
}

static ph_status read_row(const ph_prior *p, const ph_data *data, size_t r, real *row)
{
    PH_TRY(ph_data_read(data, &r, 1, row));
    for (size_t i = 0; i < data->width; i++)
        if (!isfinite(row[i]))
            return ph_fail(PH_DATA, "%s: row %zu: number %zu is not finite", p->path, r + 1, i + 1);
    return PH_OK;
}

ph_status ph_prior_fill(const ph_prior *p, ph_variable *table)
{
    if (p->kind != PH_PRIOR_ROWS)
        return PH_OK;
    size_t width = table->shape.dim[1];
    ph_data *data = open_rows(p, width);
    ph_status status = data ? PH_OK : ph_last_status();
    for (size_t r = 0; r < table->shape.dim[0] && status == PH_OK; r++)
        status = read_row(p, data, r, table->data + r * width);
    ph_data_close(data);
    return status;
}
