/* sounds.c - sounds as a set: windows of a WAV file, or of all in a folder.
 *
 * Samples are kept as floats, full scale being 1, whatever their coding was: so a model takes files of any.
 * A row is a window: [n] of one channel, [1, n, channels] of several, since a series is a picture of one line.
 */
#include "data/data.h"

#include "data/folder.h"
#include "data/wav.h"

#include <stdlib.h>
#include <string.h>

typedef struct sounds {
    ph_data *d;
    ph_piece *piece;
    size_t count, room;
    ph_texts names;
    ph_cut cut;
    size_t memory_limit;
} sounds;

static ph_status begin(sounds *s, const ph_wav *w)
{
    s->d->element = PH_F4;
    s->d->rate = w->rate;
    s->d->coding = w->coding;
    s->d->rank = 1;
    s->d->shape[0] = w->channels;
    return ph_data_begin(s->d, s->memory_limit);
}

/* Sounds of a set are alike, but for their coding. */
static ph_status compare(sounds *s, const ph_wav *w)
{
    const char *path = ph_source_name(w->in), *first = ph_texts_at(&s->names, 0);
    if (w->channels != s->d->width)
        return ph_fail(PH_USAGE, "%s: %zu channel%s, but %s has %zu", path, w->channels,
                       w->channels == 1 ? "" : "s", first, s->d->width);
    if (w->rate != s->d->rate)
        return ph_fail(PH_USAGE, "%s: %lu samples a second, but %s has %lu", path, (unsigned long)w->rate, first,
                       (unsigned long)s->d->rate);
    if (strcmp(w->coding, s->d->coding) != 0)
        s->d->coding = "mixed";
    return PH_OK;
}

static ph_status add_piece(sounds *s, const char *name, size_t frames)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        ph_piece *grown = realloc(s->piece, room * sizeof *grown);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", name);
        s->piece = grown;
        s->room = room;
    }
    s->piece[s->count++] = (ph_piece){ .size = { frames, 1 } };
    return ph_texts_add(&s->names, name, strlen(name));
}

static ph_status add_sound(sounds *s, ph_source *in, const char *name)
{
    enum { NUMBERS = 1 << 14 };   /* the samples of a piece of ph_wav_frames at most */
    float numbers[NUMBERS];
    ph_wav w;
    size_t frames = 0, got;
    PH_TRY(ph_wav_begin(in, &w));
    PH_TRY(s->count ? compare(s, &w) : begin(s, &w));
    do {
        PH_TRY(ph_wav_frames(&w, numbers, NUMBERS / w.channels, &got));
        if (got)
            PH_TRY(ph_data_append(s->d, numbers, got));
        frames += got;
    } while (got);
    if (frames == 0)
        return ph_fail(PH_DATA, "%s: there are no samples in it", ph_source_name(in));
    return add_piece(s, name, frames);
}

static ph_status add_file(sounds *s, const char *path, const char *name)
{
    ph_source *in = ph_source_open(path);
    ph_status status = in ? add_sound(s, in, name) : ph_last_status();
    ph_source_close(in);
    return status;
}

static ph_status cut(sounds *s, const char *path)
{
    ph_piece *piece = s->piece;
    s->piece = NULL;
    return ph_data_cut(s->d, path, &s->cut, false, piece, s->count, &s->names);
}

static ph_status add_folder(sounds *s, const ph_folder *f, const char *part, const ph_data_desc *desc)
{
    size_t from, to;
    PH_TRY(ph_cut_read(desc, false, &s->cut));
    PH_TRY(ph_folder_part(f, s->d, part, desc, &from, &to));
    for (size_t i = from; i < to; i++)
        PH_TRY(add_file(s, f->files[i].path, ph_folder_relative(f, f->files[i].path)));
    PH_TRY(cut(s, f->root));
    return ph_folder_classes(f, s->d, from);
}

static ph_data *done(sounds *s, ph_status status)
{
    ph_texts_free(&s->names);
    free(s->piece);
    if (status == PH_OK)
        return s->d;
    ph_data_close(s->d);
    return NULL;
}

ph_data *ph_sounds_open(const ph_folder *folder, const char *name, const char *part, const ph_data_desc *desc)
{
    sounds s = { .d = ph_data_make(name, "WAV"), .memory_limit = desc->memory_limit };
    return done(&s, s.d ? add_folder(&s, folder, part, desc) : PH_MEMORY);
}

ph_data *ph_wav_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    sounds s = { .d = ph_data_make(name, "WAV"), .memory_limit = desc->memory_limit };
    ph_status status = s.d ? ph_cut_read(desc, false, &s.cut) : PH_MEMORY;
    if (status == PH_OK)
        status = add_sound(&s, in, name);
    return done(&s, status == PH_OK ? cut(&s, ph_source_name(in)) : status);
}
