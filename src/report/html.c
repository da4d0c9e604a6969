/* html.c - text, numbers and pictures on their way into the page. */
#include "report/report.h"

#include "view/png.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void raw(ph_page *r, const char *text, size_t size)
{
    ph_file_write(r->page, text, size);
}

void ph_put(ph_page *r, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    raw(r, text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

void ph_put_text(ph_page *r, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': ph_put(r, "&amp;"); break;
        case '<': ph_put(r, "&lt;"); break;
        case '>': ph_put(r, "&gt;"); break;
        case '"': ph_put(r, "&quot;"); break;
        case '\'': ph_put(r, "&#39;"); break;
        default:
            /* Control characters are no part of HTML. */
            raw(r, (unsigned char)*text < 0x20 ? " " : text, 1);
        }
}

void ph_put_number(ph_page *r, double value, int digits)
{
    char text[48];
    if (!isfinite(value)) {
        ph_put(r, isnan(value) ? "–" : value > 0 ? "∞" : "−∞");
        return;
    }
    double size = fabs(value);
    if (size >= pow(10, digits) && size < 1e8)
        snprintf(text, sizeof text, "%.0f", size);
    else
        snprintf(text, sizeof text, "%.*g", digits, size);
    bool zero = strtod(text, NULL) == 0;
    ph_put(r, "%s%s", value < 0 && !zero ? "−" : "", text);
}

void ph_put_count(ph_page *r, size_t count)
{
    char text[32];
    int length = snprintf(text, sizeof text, "%zu", count);
    for (int i = 0; i < length; i++)
        ph_put(r, "%s%c", i && length > 4 && (length - i) % 3 == 0 ? "\u202f" : "", text[i]);
}

void ph_put_row(ph_page *r, size_t row)
{
    const char *id = ph_data_id(r->data, row);
    if (id && *id)
        ph_put_text(r, id);
    else
        ph_put(r, "row %zu", row + 1);
}

void ph_put_label(ph_page *r, size_t label)
{
    const char *name = label == PH_NO_LABEL ? "no label" : ph_data_class(r->data, label);
    if (name && *name)
        ph_put_text(r, name);
    else
        ph_put(r, "class %zu", label);
}

void ph_put_kind(ph_page *r, size_t label)
{
    const char *name = ph_model_class(r->model, label);
    if (name && *name)
        ph_put_text(r, name);
    else
        ph_put(r, "%zu", label);
}

void ph_put_column(ph_page *r, size_t column)
{
    const char *name = ph_model_column(r->model, column);
    name = name ? name : ph_data_column(r->data, column);
    if (name && *name)
        ph_put_text(r, name);
    else
        ph_put(r, "%s %zu", r->set.rate ? "channel" : "column", column + 1);
}

/* ---- Pictures -------------------------------------------------------------------------------- */

static void base64(ph_page *r, const uint8_t *bytes, size_t size)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        char four[4] = { digit[three >> 18], digit[three >> 12 & 63],
                         left > 1 ? digit[three >> 6 & 63] : '=', left > 2 ? digit[three & 63] : '=' };
        raw(r, four, 4);
    }
}

size_t ph_shrink_factor(size_t height, size_t width, size_t most)
{
    size_t side = height > width ? height : width;
    return (side + most - 1) / most;
}

size_t ph_shrink(const real *in, size_t height, size_t width, size_t channels, size_t factor,
                 real *out)
{
    size_t rows = (height + factor - 1) / factor, columns = (width + factor - 1) / factor;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++)
            for (size_t c = 0; c < channels; c++) {
                double sum = 0, count = 0;
                for (size_t i = y * factor; i < (y + 1) * factor && i < height; i++)
                    for (size_t j = x * factor; j < (x + 1) * factor && j < width; j++, count++)
                        sum += (double)in[(i * width + j) * channels + c];
                out[(y * columns + x) * channels + c] = (real)(sum / count);
            }
    return rows * columns * channels;
}

/* The same grid with tiles made smaller; they are allocated and the caller frees them. */
static ph_status smaller(const ph_grid *g, size_t factor, ph_grid *out)
{
    size_t count = g->rows * g->columns, size = g->height * g->width * g->channels;
    *out = *g;
    out->height = (g->height + factor - 1) / factor;
    out->width = (g->width + factor - 1) / factor;
    size_t room = out->height * out->width * g->channels;
    real *tiles = malloc(count * room * sizeof *tiles);
    if (tiles == NULL)
        return ph_fail(PH_MEMORY, "out of memory for the report's pictures");
    for (size_t t = 0; t < count; t++)
        ph_shrink(g->tiles + t * size, g->height, g->width, g->channels, factor, tiles + t * room);
    out->tiles = tiles;
    return PH_OK;
}

ph_status ph_put_image(ph_page *r, const ph_grid *grid, size_t budget)
{
    size_t size = 0, times = 1;
    uint8_t *png = ph_grid_encode("report", grid, &size);
    while (png && size > budget && (grid->height > times || grid->width > times)) {
        ph_grid less;
        free(png);
        times++;
        PH_TRY(smaller(grid, times, &less));
        png = ph_grid_encode("report", &less, &size);
        free((void *)less.tiles);
    }
    if (png == NULL)
        return ph_last_status();
    ph_put(r, "data:image/png;base64,");
    base64(r, png, size);
    free(png);
    return PH_OK;
}

ph_status ph_put_picture(ph_page *r, const real *pixels, size_t channels, double white, const char *alt)
{
    size_t factor = ph_shrink_factor(r->height, r->width, 64);
    ph_grid one = { .tiles = pixels, .rows = 1, .columns = 1, .height = r->height, .width = r->width,
                    .channels = channels, .white = white }, drawn = one;
    if (factor > 1)
        PH_TRY(smaller(&one, factor, &drawn));
    ph_put(r, "<img alt=\"%s\" width=\"%zu\" height=\"%zu\" src=\"", alt, drawn.width, drawn.height);
    ph_status status = ph_put_image(r, &drawn, SIZE_MAX);
    ph_put(r, "\">");
    if (factor > 1)
        free((void *)drawn.tiles);
    return status;
}

ph_status ph_put_tile(ph_page *r, const real *row, const char *alt)
{
    return ph_put_picture(r, row, r->channels, r->info.white, alt);
}
