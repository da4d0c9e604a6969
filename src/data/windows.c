/* windows.c - sounds, bytes, tables and pictures of any size as overlapping windows, each a row. */
#include "data/data.h"

#include "data/picture.h"

#include <stdlib.h>
#include <string.h>

/* ---- What the caller asks for ------------------------------------------------------------------- */

/* "64x48", width by height, or one number: of a picture both sides, of anything else the length. */
static bool read_size(const char *text, bool picture, size_t size[2])
{
    size_t first = 0, second = 0;
    int end = 0;
    if (strspn(text, "0123456789x") != strlen(text))
        return false;
    if (sscanf(text, "%9zu%n", &first, &end) == 1 && text[end] == '\0')
        second = picture ? first : 1;
    else if (!picture || sscanf(text, "%9zux%9zu%n", &first, &second, &end) != 2 || text[end])
        return false;
    size[0] = picture ? second : first;
    size[1] = picture ? first : 1;
    return first > 0 && second > 0 && (!picture || first * second <= PH_PICTURE_PIXELS);
}

void ph_cut_text(const size_t size[2], bool picture, char text[24])
{
    if (picture)
        snprintf(text, 24, "%zux%zu", size[1], size[0]);
    else
        snprintf(text, 24, "%zu", size[0]);
}

static ph_status refuse(const char *name, const char *value, bool picture)
{
    return picture ? ph_fail(PH_USAGE, "%s %s: not WIDTHxHEIGHT, as 64x48, or one number for both", name, value)
                   : ph_fail(PH_USAGE, "%s %s: of sounds and bytes it is one number of them, as 1024, of a table a "
                             "number of lines", name, value);
}

ph_status ph_cut_read(const ph_data_desc *desc, bool picture, size_t usual, ph_cut *cut)
{
    *cut = (ph_cut){ .window = { usual, usual ? 1 : 0 } };
    if (desc->window && !read_size(desc->window, picture, cut->window))
        return refuse("window", desc->window, picture);
    for (int i = 0; i < 2; i++)
        cut->hop[i] = (cut->window[i] + 1) / 2;
    if (desc->hop == NULL)
        return PH_OK;
    if (cut->window[0] == 0)
        return ph_fail(PH_USAGE, "hop %s: of %s it takes a window, too", desc->hop, picture ? "pictures" : "tables");
    if (!read_size(desc->hop, picture, cut->hop))
        return refuse("hop", desc->hop, picture);
    if (cut->hop[0] > cut->window[0] || cut->hop[1] > cut->window[1])
        return ph_fail(PH_USAGE, "hop %s: larger than the window, which would leave out what is between", desc->hop);
    return PH_OK;
}

bool ph_is_cut(const ph_data_desc *desc, const char *of)
{
    return (desc->window || desc->hop) && (desc->window_of == NULL || strcmp(desc->window_of, of) == 0);
}

/* ---- Where windows are -------------------------------------------------------------------------- */

/* Where the last window begins along `size`. */
static size_t last_start(const ph_cut *cut, const ph_piece *p, int i)
{
    return p->size[i] > cut->window[i] ? p->size[i] - cut->window[i] : 0;
}

/* How many windows there are in a row along `size`. */
static size_t steps(const ph_cut *cut, const ph_piece *p, int i)
{
    return 1 + (last_start(cut, p, i) + cut->hop[i] - 1) / cut->hop[i];
}

static size_t start(const ph_cut *cut, const ph_piece *p, int i, size_t step)
{
    size_t at = step * cut->hop[i], last = last_start(cut, p, i);
    return at < last ? at : last;
}

/* What of a window the piece has. */
static size_t share(const ph_cut *cut, const ph_piece *p, int i)
{
    return p->size[i] < cut->window[i] ? p->size[i] : cut->window[i];
}

size_t ph_windows_at(const ph_windows *w, size_t row, size_t place[2])
{
    size_t low = 0, high = w->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (w->piece[middle].row <= row)
            low = middle;
        else
            high = middle;
    }
    const ph_piece *p = &w->piece[low];
    size_t across = steps(&w->cut, p, 1), number = row - p->row;
    place[0] = start(&w->cut, p, 0, number / across);
    place[1] = start(&w->cut, p, 1, number % across);
    return low;
}

ph_runs ph_windows_runs(const ph_windows *w, size_t row)
{
    size_t place[2], c = w->channels;
    const ph_piece *p = &w->piece[ph_windows_at(w, row, place)];
    ph_runs r = { .begin = (p->frame + place[0] * p->size[1] + place[1]) * c, .count = share(&w->cut, p, 0),
                  .length = share(&w->cut, p, 1) * c, .apart = p->size[1] * c, .within = w->cut.window[1] * c };
    if (r.length == r.apart && r.length == r.within) /* whole lines, as in a sound, lie one behind the other */
        return (ph_runs){ .begin = r.begin, .count = 1, .length = r.count * r.length };
    return r;
}

/* The place among n that a place beyond them is reflected to. */
static size_t reflect(size_t at, size_t n)
{
    size_t there = n > 1 ? at % (2 * n - 2) : 0;
    return there < n ? there : 2 * n - 2 - there;
}

void ph_windows_continue(const ph_windows *w, size_t row, void *numbers, size_t bytes)
{
    size_t place[2], frame = w->channels * bytes, line = w->cut.window[1] * frame;
    const ph_piece *p = &w->piece[ph_windows_at(w, row, place)];
    size_t lines = share(&w->cut, p, 0), columns = share(&w->cut, p, 1);
    uint8_t *to = numbers;
    for (size_t y = 0; y < lines; y++)
        for (size_t x = columns; x < w->cut.window[1]; x++)
            memcpy(to + y * line + x * frame, to + y * line + reflect(x, columns) * frame, frame);
    for (size_t y = lines; y < w->cut.window[0]; y++)
        memcpy(to + y * line, to + reflect(y, lines) * line, line);
}

/* ---- Cutting ------------------------------------------------------------------------------------ */

/* Sets *rows to how many there are. Numbers go on by reflection where a piece is smaller than a window, but not
 * symbols. */
static ph_status place_pieces(const ph_data *d, const char *path, size_t *rows)
{
    ph_windows *w = d->windows;
    size_t frame = 0;
    *rows = 0;
    for (size_t i = 0; i < w->count; i++) {
        ph_piece *p = &w->piece[i];
        if (d->bytes && p->size[0] < w->cut.window[0])
            return ph_fail(PH_DATA, "%s: %s is %zu bytes long, smaller than a window of %zu (--window)", path,
                           ph_texts_at(&w->names, i), p->size[0], w->cut.window[0]);
        p->frame = frame;
        p->row = *rows;
        frame += p->size[0] * p->size[1];
        *rows += steps(&w->cut, p, 0) * steps(&w->cut, p, 1);
    }
    return PH_OK;
}

static ph_status name_rows(ph_data *d)
{
    const ph_windows *w = d->windows;
    for (size_t r = 0; r < d->rows; r++) {
        char text[400];
        size_t place[2], piece = ph_windows_at(w, r, place);
        const char *name = ph_texts_at(&w->names, piece);
        int length = w->picture ? snprintf(text, sizeof text, "%.300s+%zu+%zu", name, place[1], place[0])
                     : w->table ? snprintf(text, sizeof text, "%.300s:%zu-%zu", name, place[0] + 1,
                                           place[0] + share(&w->cut, &w->piece[piece], 0))
                                : snprintf(text, sizeof text, "%.300s+%zu", name, place[0]);
        PH_TRY(ph_data_add_id(d, text, (size_t)length));
    }
    return PH_OK;
}

/* Of classes 0 and 1, which tell what is odd, a row is odd where any of its frames is. */
static uint32_t highest(const uint32_t *labels, size_t count)
{
    uint32_t found = PH_NO_LABEL;
    for (size_t i = 0; i < count; i++)
        if (labels[i] != PH_NO_LABEL && (found == PH_NO_LABEL || labels[i] > found))
            found = labels[i];
    return found;
}

static ph_status label_rows(ph_data *d, const char *path)
{
    const ph_windows *w = d->windows;
    uint32_t *labels = malloc(d->rows * sizeof *labels);
    if (labels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    for (size_t r = 0; r < d->rows; r++) {
        size_t place[2];
        const ph_piece *p = &w->piece[ph_windows_at(w, r, place)];
        labels[r] = highest(d->labels + p->frame + place[0], share(&w->cut, p, 0));
    }
    free(d->labels);
    d->labels = labels;
    return PH_OK;
}

ph_status ph_data_cut(ph_data *d, const char *path, const ph_cut *cut, bool picture, ph_piece *piece,
                      size_t count, const ph_texts *names)
{
    size_t channels = d->width;
    ph_windows *w = d->windows = calloc(1, sizeof *w);
    if (w == NULL) {
        free(piece);
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    }
    *w = (ph_windows){ .cut = *cut, .picture = picture, .table = !picture && !d->rate && !d->bytes,
                       .channels = channels, .count = count, .piece = piece, .frames = d->ids };
    d->ids = (ph_texts){ 0 };
    PH_TRY(ph_texts_copy(&w->names, names));
    size_t rows;
    PH_TRY(place_pieces(d, path, &rows));
    size_t shape[] = { picture ? cut->window[0] : 1, picture ? cut->window[1] : cut->window[0], channels };
    bool line = !picture && channels == 1;
    PH_TRY(ph_data_shape(d, path, rows, line ? 1 : channels == 1 ? 2 : 3, shape + line));
    if (d->labels)
        PH_TRY(label_rows(d, path));
    return name_rows(d);
}

void ph_windows_free(ph_windows *w)
{
    if (w == NULL)
        return;
    ph_texts_free(&w->names);
    ph_texts_free(&w->frames);
    free(w->piece);
    free(w);
}

bool ph_data_excerpt(const ph_data *d, size_t row, ph_excerpt *out)
{
    const ph_windows *w = d->windows;
    if (w == NULL || w->count == 0 || row >= d->rows)
        return false;
    size_t piece = ph_windows_at(w, row + d->first, out->place);
    const ph_piece *p = &w->piece[piece];
    out->piece = piece;
    out->name = ph_texts_at(&w->names, piece);
    out->channels = w->channels;
    out->picture = w->picture;
    memcpy(out->size, w->cut.window, sizeof out->size);
    memcpy(out->whole, p->size, sizeof out->whole);
    return true;
}

const char *ph_data_line(const ph_data *d, size_t piece, size_t line)
{
    const ph_windows *w = d->windows;
    bool there = w && piece < w->count && line < w->piece[piece].size[0];
    return there ? ph_texts_at(&w->frames, w->piece[piece].frame + line) : NULL;
}
