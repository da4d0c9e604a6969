/* layer_list.c - lists of layers as text, what shapes they make, and how a decoder mirrors them.
 *
 *     conv 32 4/2, conv 64 4/2, res 64 x2, 128
 *
 * Along a dimension of which rows have one pixel (a series is a picture of one line) every window is one pixel.
 * A kind is a row of the table below: how it is written and read, the shape it makes, and what undoes it in a
 * decoder.
 */
#include "nn/nn.h"
#include "op/window.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Words ------------------------------------------------------------------------------------- */

enum { MOST_WORDS = 12, WHY = 160, MOST_NUMBERS = 1 << 24 };

/* One item of a list, cut into words; why: what is wrong with it, where there is more to say than its form. */
typedef struct words {
    char text[96], *word[MOST_WORDS], why[WHY];
    int count, next;
    bool ended;                /* a word was asked for behind the last one */
} words;

/* False, after the reason. */
static bool wrong(char why[WHY], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(char why[WHY], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, WHY, format, args);
    va_end(args);
    return false;
}

static bool take_from(size_t least, const char *text, size_t *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long read = strtoull(text, &end, 10);
    *value = (size_t)read;
    return *end == '\0' && read >= least && read <= 1000000;
}

static bool take_number(const char *text, size_t *value)
{
    return take_from(1, text, value);
}

/* "3", or "3x5" with both, each so much at least. */
static bool take_pair_from(size_t least, char *text, size_t pair[2])
{
    char *second = strchr(text, 'x');
    if (second)
        *second++ = '\0';
    if (!take_from(least, text, &pair[0]) || (second && !take_from(least, second, &pair[1])))
        return false;
    pair[1] = second ? pair[1] : pair[0];
    return true;
}

static bool take_pair(char *text, size_t pair[2])
{
    return take_pair_from(1, text, pair);
}

static char *next_word(words *w)
{
    w->ended = w->next == w->count;
    return w->ended ? NULL : w->word[w->next++];
}

static bool next_is(words *w, const char *word)
{
    bool is = w->next < w->count && strcmp(w->word[w->next], word) == 0;
    w->next += is;
    return is;
}

/* "4/2": window and stride; the window alone has the stride `usual`, or its own size for 0. */
static bool read_window(words *w, ph_layer *l, size_t usual)
{
    char *text = next_word(w), *stride = text ? strchr(text, '/') : NULL;
    if (stride)
        *stride++ = '\0';
    if (text == NULL)
        return false;
    if (!take_pair(text, l->kernel) || (stride && !take_pair(stride, l->window.stride)))
        return wrong(w->why, "a window and its stride are whole numbers from 1 on, as 4/2 or 3x5/1x2");
    for (int i = 0; i < 2 && !stride; i++)
        l->window.stride[i] = usual ? usual : l->kernel[i];
    return true;
}

/* ---- How each kind is read ----------------------------------------------------------------------- */

static bool read_width(words *w, ph_layer *l)
{
    char *text = next_word(w);
    return text && take_number(text, &l->width);
}

static bool read_convolution(words *w, ph_layer *l)
{
    bool padded = false, sound = read_width(w, l) && read_window(w, l, 1);
    while (sound && w->next < w->count) {
        bool pad = next_is(w, "pad"), dilate = !pad && next_is(w, "dilate");
        bool groups = !pad && !dilate && next_is(w, "groups");
        if (!pad && !dilate && !groups)
            break;
        char *text = next_word(w);
        padded = padded || pad;
        if (groups)
            sound = text && take_number(text, &l->window.groups);
        else
            sound = text && take_pair_from(pad ? 0 : 1, text, pad ? l->window.padding : l->window.dilation);
    }
    for (int i = 0; i < 2 && sound; i++) {
        size_t more = (l->kernel[i] - 1) * l->window.dilation[i], *padding = &l->window.padding[i];
        *padding = padded ? *padding : more / 2;
        if (*padding > more) /* there would be windows that see nothing */
            return wrong(w->why, "pad %zu is not below the %zu pixels from end to end of its window",
                         *padding, more + 1);
    }
    return sound;
}

/* "x2", or nothing. */
static bool read_times(words *w, ph_layer *l)
{
    char *times = next_word(w);
    l->repeat = 1;
    return times == NULL || (*times == 'x' && take_number(times + 1, &l->repeat));
}

static bool read_residual(words *w, ph_layer *l)
{
    return read_width(w, l) && read_times(w, l);
}

static bool read_pool(words *w, ph_layer *l)
{
    return read_window(w, l, 0);
}

static bool read_up(words *w, ph_layer *l)
{
    char *text = next_word(w);
    if (text == NULL || !take_pair(text, l->kernel))
        return false;
    l->bilinear = !next_is(w, "nearest") && next_is(w, "bilinear");
    return true;
}

static bool read_grid(words *w, ph_layer *l)
{
    char *text = next_word(w), *channels = text ? strrchr(text, 'x') : NULL;
    if (channels == NULL)
        return false;
    *channels++ = '\0';
    return strchr(text, 'x') && take_pair(text, l->size) && take_number(channels, &l->width);
}

/* "4", "4 causal", "4 x2 causal", in either order. */
static bool read_attend(words *w, ph_layer *l)
{
    char *heads = next_word(w);
    if (heads == NULL || !take_number(heads, &l->heads))
        return false;
    l->causal = next_is(w, "causal");
    bool sound = read_times(w, l);
    l->causal = l->causal || (sound && next_is(w, "causal"));
    return sound;
}

static bool read_norm(words *w, ph_layer *l)
{
    char *kind = next_word(w);
    if (kind == NULL || strcmp(kind, "none") == 0 || strlen(kind) >= sizeof l->norm || !ph_norm_fits(kind, 0))
        return false;
    strcpy(l->norm, kind);
    return true;
}

/* "50x8". */
static bool read_embed(words *w, ph_layer *l)
{
    char *text = next_word(w), *width = text ? strchr(text, 'x') : NULL;
    if (width == NULL)
        return false;
    *width++ = '\0';
    return take_number(text, &l->words) && take_number(width, &l->width);
}

static bool read_nothing(words *w, ph_layer *l)
{
    (void)w;
    (void)l;
    return true;
}

/* ---- The shapes they make ------------------------------------------------------------------------- */

/* A window acts along a dimension of which rows have more than one pixel. */
static void fit_window(ph_layer *l, const ph_picture *p)
{
    for (int i = 0; i < 2; i++)
        if (p->thin[i]) {
            l->kernel[i] = 1;
            l->window.stride[i] = l->window.dilation[i] = 1;
            l->window.padding[i] = 0;
        }
}

/* Places of the window in so many pixels, 0 if there is none. */
static size_t places(const ph_layer *l, int i, size_t pixels)
{
    size_t extent[PH_MAX_EXTENTS];
    ph_window_extents(&l->window, extent);
    return ph_window_places(extent, i, l->kernel[i], pixels);
}

static bool shape_dense(ph_layer *l, ph_picture *p, char *why)
{
    (void)why;
    p->flat = true;
    memcpy(p->size, (size_t[]){ 1, 1, l->width }, sizeof p->size);
    return true;
}

static bool shape_window(ph_layer *l, ph_picture *p, char *why)
{
    (void)why;
    fit_window(l, p);
    p->size[0] = l->size[0] = places(l, 0, p->size[0]);
    p->size[1] = l->size[1] = places(l, 1, p->size[1]);
    return p->size[0] && p->size[1];
}

static bool groups_fit(const ph_layer *l, const ph_picture *p, char *why)
{
    size_t groups = l->window.groups, left = p->size[2] % groups ? p->size[2] : l->width;
    return left % groups == 0 || wrong(why, "groups %zu do not divide %zu channels", groups, left);
}

static bool shape_convolution(ph_layer *l, ph_picture *p, char *why)
{
    if (!groups_fit(l, p, why) || !shape_window(l, p, why))
        return false;
    p->size[2] = l->width;
    return true;
}

/* As many pixels as the stride says, if a window then has these places; else the fewest that have. */
static bool shape_deconvolution(ph_layer *l, ph_picture *p, char *why)
{
    if (!groups_fit(l, p, why))
        return false;
    fit_window(l, p);
    for (int i = 0; i < 2; i++) {
        size_t here = p->size[i];
        size_t least = (here - 1) * l->window.stride[i] + (l->kernel[i] - 1) * l->window.dilation[i] + 1;
        if (l->size[i] == 0 && places(l, i, here * l->window.stride[i]) == here)
            l->size[i] = here * l->window.stride[i];
        else if (l->size[i] == 0 && least > 2 * l->window.padding[i])
            l->size[i] = least - 2 * l->window.padding[i];
        if (l->size[i] == 0 || places(l, i, l->size[i]) != here)
            return false;
        p->size[i] = l->size[i];
    }
    p->size[2] = l->width;
    return true;
}

static bool shape_residual(ph_layer *l, ph_picture *p, char *why)
{
    (void)why;
    p->size[2] = l->width;
    return true;
}

static bool shape_up(ph_layer *l, ph_picture *p, char *why)
{
    (void)why;
    for (int i = 0; i < 2; i++) {
        if (l->size[i] == 0)
            l->size[i] = p->thin[i] ? 1 : p->size[i] * l->kernel[i];
        p->size[i] = l->size[i];
    }
    return true;
}

static size_t numbers(const ph_picture *p)
{
    return p->size[0] * p->size[1] * p->size[2];
}

static bool shape_grid(ph_layer *l, ph_picture *p, char *why)
{
    size_t before = numbers(p);
    *p = (ph_picture){ .size = { l->size[0], l->size[1], l->width },
                       .thin = { p->thin[0] && l->size[0] == 1, p->thin[1] && l->size[1] == 1 } };
    return before == numbers(p) || wrong(why, "%zux%zux%zu are %zu numbers, but there are %zu before it",
                                         p->size[0], p->size[1], p->size[2], numbers(p), before);
}

static bool shape_attend(ph_layer *l, ph_picture *p, char *why)
{
    size_t c = p->size[2];
    return c % l->heads == 0 || wrong(why, "%zu heads do not divide %zu channels", l->heads, c);
}

/* Of channels; of a row that is a line of numbers, of each of them. */
static bool shape_norm(ph_layer *l, ph_picture *p, char *why)
{
    bool line = p->row && p->size[0] * p->size[2] == 1;
    l->width = line ? p->size[1] : p->size[2];
    if (strcmp(l->norm, "layer") == 0 && l->width == 1)
        return wrong(why, "of a single channel, layer leaves nothing");
    return ph_norm_fits(l->norm, l->width) || wrong(why, "%s does not divide %zu channels", l->norm, l->width);
}

static bool shape_embed(ph_layer *l, ph_picture *p, char *why)
{
    p->size[2] *= l->width;
    return p->row || wrong(why, "stands first in an encoder's list, as it takes the whole numbers of rows");
}

static bool shape_same(ph_layer *l, ph_picture *p, char *why)
{
    (void)l;
    (void)p;
    (void)why;
    return true;
}

/* ---- The table -------------------------------------------------------------------------------------- */

/* In the order of ph_layer_kind. */
static const struct kind {
    const char *name, *form;
    bool (*read)(words *, ph_layer *);
    bool (*shape)(ph_layer *, ph_picture *, char why[WHY]);
    bool picture;              /* it needs one */
    ph_layer_kind undo;        /* what a decoder has in its place */
    const char *help;
} kinds[] = {
    { "dense", "256", read_width, shape_dense, false, PH_DENSE, "dense layer of so many numbers" },
    { "conv", "conv 32 4/2", read_convolution, shape_convolution, true, PH_DECONVOLUTION,
      "convolution: channels, window/stride, or 3x5/1x2; then pad 1 [half of what the window has more than "
      "one], dilate 2, groups 4" },
    { "deconv", "deconv 32 4/2", read_convolution, shape_deconvolution, true, PH_CONVOLUTION,
      "transposed convolution, likewise" },
    { "res", "res 64 x2", read_residual, shape_residual, true, PH_RESIDUAL, "so many residual blocks [x1]" },
    { "pool", "pool 2", read_pool, shape_window, true, PH_UP, "the largest of each window" },
    { "average", "average 2", read_pool, shape_window, true, PH_UP, "the mean of each window" },
    { "up", "up 2", read_up, shape_up, true, PH_AVERAGE, "each pixel so many times; up 2 bilinear" },
    { "grid", "grid 7x7x64", read_grid, shape_grid, false, PH_DENSE, "the numbers before it as a picture" },
    { "attend", "attend 4 x2", read_attend, shape_attend, true, PH_ATTEND,
      "attention of so many heads of each pixel to all, so many times [x1]; attend 4 causal: to those before it" },
    { "places", "places", read_nothing, shape_same, true, PH_PLACES,
      "a learned vector for each place, by which attention knows it" },
    { "norm", "norm batch", read_norm, shape_norm, false, PH_NORMED,
      "normalises what the layer before it gives, before its activation; also layer, group:8" },
    { "embed", "embed 50x8", read_embed, shape_embed, false, PH_CONVOLUTION,
      "first of all, for rows of whole numbers from 0 to 49: a learned line of 8 for each" },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

const char *ph_layer_at(size_t i, const char **help)
{
    *help = i < KINDS ? kinds[i].help : NULL;
    return i < KINDS ? kinds[i].form : NULL;
}

ph_layer ph_layer_of(ph_layer_kind kind, size_t width)
{
    return (ph_layer){ .kind = kind, .width = width, .kernel = { 1, 1 },
                       .window = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 } };
}

/* ---- Reading ---------------------------------------------------------------------------------------- */

/* The next item of a list: how long it is, without the comma. One of too many words has none. */
static size_t cut(const char *text, words *w)
{
    size_t length = strcspn(text, ",");
    *w = (words){ .count = 0 };
    if (length >= sizeof w->text)
        return length;
    memcpy(w->text, text, length);
    char *rest = NULL, *word = strtok_r(w->text, " ", &rest);
    for (; word && w->count < MOST_WORDS; word = strtok_r(NULL, " ", &rest))
        w->word[w->count++] = word;
    if (word)
        w->count = 0;
    return length;
}

/* The names of the layers, one after the other. */
static const char *names(char text[128])
{
    size_t used = 0;
    for (int k = PH_DENSE + 1; k < KINDS && used < 128; k++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%s", used ? " " : "", kinds[k].name);
    return text;
}

static ph_status read_layer(const char *option, const char *text, size_t length, words *w, ph_layer *l)
{
    size_t number;
    char known[128];
    const struct kind *found = NULL;
    *l = ph_layer_of(PH_DENSE, 0);
    if (w->count && take_number(w->word[0], &number))
        found = &kinds[PH_DENSE];
    for (int k = PH_DENSE + 1; w->count && k < KINDS && found == NULL; k++)
        if (next_is(w, kinds[k].name)) {
            found = &kinds[k];
            l->kind = (ph_layer_kind)k;
        }
    if (found == NULL)
        return ph_fail(PH_USAGE, "%s: '%.*s' is neither a width such as 256 nor a layer such as conv 32 4/2 (%s)",
                       option, (int)length, text, names(known));
    bool sound = found->read(w, l);
    if (sound && w->next == w->count)
        return PH_OK;
    if (*w->why)
        return ph_fail(PH_USAGE, "%s: '%.*s': %s", option, (int)length, text, w->why);
    if (!sound && w->ended)
        return ph_fail(PH_USAGE, "%s: '%.*s' is not a layer such as %s: something is missing behind it", option,
                       (int)length, text, found->form);
    /* The word as the list has it, since reading cuts it. */
    const char *word = text + (w->word[sound ? w->next : w->next - 1] - w->text);
    return ph_fail(PH_USAGE, "%s: '%.*s' is not a layer such as %s: '%.*s' does not belong there", option, (int)length,
                   text, found->form, (int)strcspn(word, " ,"), word);
}

ph_status ph_layers_read(const char *option, const char *text, ph_layers *layers)
{
    words w;
    *layers = (ph_layers){ .option = option };
    if (text == NULL || *text == '\0' || strcmp(text, "none") == 0)
        return PH_OK;
    for (const char *at = text; at; at = *at ? at + 1 : NULL) {
        at += strspn(at, " ");
        size_t length = cut(at, &w);
        if (layers->count && *at == '\0')
            return ph_fail(PH_USAGE, "%s: '%s' ends in a comma", option, text);
        if (layers->count == PH_MAX_LAYERS)
            return ph_fail(PH_USAGE, "%s: '%s' has more than %d layers", option, text, PH_MAX_LAYERS);
        PH_TRY(read_layer(option, at, length, &w, &layers->layer[layers->count++]));
        at += length;
    }
    return PH_OK;
}

/* ---- Shapes ------------------------------------------------------------------------------------------ */

bool ph_layers_dense(const ph_layers *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        if (layers->layer[i].kind != PH_DENSE)
            return false;
    return true;
}

const char *ph_layers_untied(const ph_layers *layers)
{
    for (size_t i = 0; i < layers->count; i++) {
        ph_layer_kind kind = layers->layer[i].kind;
        if (kind == PH_RESIDUAL || kind == PH_ATTEND || kind == PH_PLACES || kind == PH_NORMED || kind == PH_EMBED)
            return kinds[kind].name;
    }
    return NULL;
}

size_t ph_layers_words(const ph_layers *layers)
{
    return layers->count && layers->layer[0].kind == PH_EMBED ? layers->layer[0].words : 0;
}

const char *ph_layers_norm(const ph_layers *layers, size_t i)
{
    size_t next = i + 1;
    next += next < layers->count && layers->layer[next].kind == PH_GRID;
    bool is = next < layers->count && layers->layer[next].kind == PH_NORMED;
    return is ? layers->layer[next].norm : NULL;
}

ph_picture ph_picture_of(const ph_shape *row)
{
    const size_t *d = row->dim;
    ph_picture p = { .size = { 1, d[0], 1 }, .row = true };
    if (row->rank == 2)
        memcpy(p.size, (size_t[]){ d[0], d[1], 1 }, sizeof p.size);
    else if (row->rank > 2)
        memcpy(p.size, d + row->rank - 3, sizeof p.size);
    for (int i = 0; i < 2; i++)
        p.thin[i] = p.size[i] == 1;
    return p;
}

ph_status ph_layer_shape(const char *option, ph_layer *l, ph_picture *p)
{
    const struct kind *kind = &kinds[l->kind];
    char why[WHY] = "";
    const size_t before[] = { p->size[0], p->size[1], p->size[2] }, *after = p->size;
    if (kind->picture && p->flat)
        return ph_fail(PH_USAGE, "%s: %s needs a picture, but has %zu numbers before it; grid HxWxC makes "
                       "one of them", option, kind->name, p->size[2]);
    bool fits = kind->shape(l, p, why);
    if (*why)
        return ph_fail(PH_USAGE, "%s: %s: %s", option, kind->name, why);
    if (!fits)
        return ph_fail(PH_USAGE, "%s: %s does not fit to %zux%zux%zu before it", option, kind->name, before[0],
                       before[1], before[2]);
    if ((double)after[0] * (double)after[1] * (double)after[2] > MOST_NUMBERS)
        return ph_fail(PH_USAGE, "%s: %s would make %zux%zux%zu of %zux%zux%zu; a layer has %d numbers at most",
                       option, kind->name, after[0], after[1], after[2], before[0], before[1], before[2],
                       MOST_NUMBERS);
    p->row = false;
    return PH_OK;
}

static ph_status append(ph_layers *layers, const ph_layer *l)
{
    if (layers->count == PH_MAX_LAYERS)
        return ph_fail(PH_USAGE, "%s: a decoder that mirrors it would have more than %d layers",
                       layers->option, PH_MAX_LAYERS);
    layers->layer[layers->count++] = *l;
    return PH_OK;
}

/* What stands in the decoder where layer l stands in the encoder, and gives back what was before it. */
static ph_layer undone(const ph_layer *l, const ph_picture *before)
{
    ph_layer back = *l;
    back.kind = kinds[l->kind].undo;
    back.width = back.kind == PH_DENSE ? numbers(before) : before->size[2];
    memcpy(back.size, before->size, sizeof back.size);
    if (l->kind == PH_UP)
        memcpy(back.window.stride, l->kernel, sizeof l->kernel);
    return back;
}

/* A picture of the numbers that a dense layer gives. */
static ph_status append_grid(ph_layers *layers, const ph_picture *p)
{
    ph_layer grid = ph_layer_of(PH_GRID, p->size[2]);
    memcpy(grid.size, p->size, sizeof grid.size);
    return p->flat ? PH_OK : append(layers, &grid);
}

/* From the code to what the encoder's last layer gave: by a window of 3 x 3 from picture to picture. */
static ph_status append_first(ph_layers *layers, const ph_picture *code, const ph_picture *end)
{
    ph_layer first = ph_layer_of(PH_DENSE, numbers(end));
    if (code->flat) {
        PH_TRY(append(layers, &first));
        return append_grid(layers, end);
    }
    first = ph_layer_of(PH_CONVOLUTION, end->size[2]);
    for (int i = 0; i < 2; i++) {
        first.kernel[i] = 3;
        first.window.padding[i] = 1;
    }
    return append(layers, &first);
}

ph_status ph_layers_mirror(const char *text, ph_layers *encoder, const ph_shape *row, ph_picture *code,
                           ph_layers *decoder)
{
    ph_picture after[PH_MAX_LAYERS + 1] = { ph_picture_of(row) };
    for (size_t i = 0; i < encoder->count; i++) {
        after[i + 1] = after[i];
        PH_TRY(ph_layer_shape(encoder->option, &encoder->layer[i], &after[i + 1]));
    }
    const ph_picture *end = &after[encoder->count];
    if (!code->flat)
        *code = (ph_picture){ .flat = end->flat, .size = { end->size[0], end->size[1], code->size[2] } };
    if (strcmp(text, "mirror") != 0)
        return ph_layers_read("decoder-hidden", text, decoder);
    *decoder = (ph_layers){ .option = encoder->option, .mirror = encoder->count > 0 };
    if (encoder->count == 0)
        return PH_OK;
    PH_TRY(append_first(decoder, code, end));
    /* What normalises rows is not undone: a decoder gives them as they are. */
    size_t first = 0;
    while (first < encoder->count && encoder->layer[first].kind == PH_NORMED)
        first++;
    for (size_t i = encoder->count; i-- > first + 1;) {
        ph_layer back = undone(&encoder->layer[i], &after[i]);
        PH_TRY(append(decoder, &back));
        if (back.kind == PH_DENSE)
            PH_TRY(append_grid(decoder, &after[i]));
    }
    if (first < encoder->count)
        decoder->last = undone(&encoder->layer[first], &after[first]);
    return PH_OK;
}
