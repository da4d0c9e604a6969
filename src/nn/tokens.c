/* tokens.c - rows cut into tokens and put together again, and where the tokens lie.
 *
 * A picture, [h, w, c], is [h / p, p, w / p, p c]: with the two middle dimensions exchanged, its patches
 * stand one after the other.
 */
#include "nn/nn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "1 2 4", the sides of patches that divide both. */
static const char *sides(size_t h, size_t w, char text[128])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t p = 1; p <= (h < w ? h : w) && used < 100; p++)
        if (h % p == 0 && w % p == 0)
            used += (size_t)snprintf(text + used, 128 - used, "%s%zu", used ? " " : "", p);
    return text;
}

/* And not a series: a picture of one line is one of several channels, cut as a row of numbers is. */
static bool is_picture(const ph_shape *row)
{
    return (row->rank == 2 || row->rank == 3) && row->dim[0] > 1;
}

ph_status ph_tokens_of(const ph_shape *row, size_t patch, ph_tokens *t)
{
    char text[128];
    size_t each = row->rank == 3 ? row->dim[2] : 1, n = ph_shape_size(row) / each;
    size_t p = patch ? patch : is_picture(row) ? 4 : 1;
    if (!is_picture(row)) {
        *t = (ph_tokens){ p, 1, n / p, n / p, p * each };
        return n % p == 0 ? PH_OK
                          : ph_fail(PH_USAGE, "patch %zu: rows of %zu numbers cannot be cut into such "
                                    "pieces; --patch takes a divisor of %zu", p, n, n);
    }
    size_t h = row->dim[0], w = row->dim[1];
    if (h % p || w % p)
        return ph_fail(PH_USAGE, "patch %zu: pictures of %zux%zu cannot be cut into such squares; "
                       "--patch takes one of %s, and pictures from files another --size, such as %zux%zu", p, h, w,
                       sides(h, w, text), (w + p - 1) / p * p, (h + p - 1) / p * p);
    *t = (ph_tokens){ p, h / p, w / p, h / p * (w / p), p * p * each };
    return PH_OK;
}

ph_node *ph_to_tokens(ph_node *rows, const ph_tokens *t)
{
    size_t apart[] = { t->lines, t->patch, t->columns, t->width / t->patch };
    if (is_picture(&rows->shape))
        rows = ph_swap_axes(ph_reshape(rows, 4, apart), 1, 2);
    return ph_reshape(rows, 2, (size_t[]){ t->count, t->width });
}

ph_node *ph_from_tokens(ph_node *tokens, const ph_tokens *t, const ph_shape *row)
{
    size_t apart[] = { t->lines, t->columns, t->patch, t->width / t->patch };
    if (is_picture(row))
        tokens = ph_swap_axes(ph_reshape(tokens, 4, apart), 1, 2);
    return ph_reshape(tokens, row->rank, row->dim);
}

/* n sines of a place, at wave lengths from 2 pi to almost 20000 pi, then the n cosines. */
static void waves(double place, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double angle = place / pow(10000, (double)i / (double)n);
        out[i] = sin(angle);
        out[n + i] = cos(angle);
    }
}

static ph_node *sines(ph_scope *scope, const ph_tokens *t, size_t width)
{
    char name[64];
    size_t parts = t->lines > 1 ? 2 : 1, each = width / parts;
    double *values = malloc(t->count * width * sizeof *values);
    if (values == NULL)
        return ph_out_of_memory(scope->graph);
    for (size_t i = 0; i < t->count; i++) {
        double *own = values + i * width;
        if (parts == 2)
            waves((double)(i / t->columns), each / 2, own);
        waves((double)(i % t->columns), each / 2, own + (parts - 1) * each);
    }
    snprintf(name, sizeof name, "%s/positions", scope->name);
    ph_node *node = ph_constants(scope->graph, name, 2, (size_t[]){ t->count, width }, values);
    free(values);
    return node;
}

ph_node *ph_positions(ph_scope *scope, const char *kind, const ph_tokens *t, size_t width)
{
    size_t divisor = t->lines > 1 ? 4 : 2;
    if (strcmp(kind, "learned") == 0)
        return ph_parameter(scope, "positions", 2, (size_t[]){ t->count, width }, PH_NORMAL, 0.02);
    if (width % divisor == 0)
        return sines(scope, t, width);
    ph_refuse(scope->graph, "positions sine: they take a width that %zu divides, not %zu (or "
              "--positions learned)", divisor, width);
    return &scope->graph->dead;
}
