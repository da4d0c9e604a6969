/* sounds.c - sounds as a set: windows of a WAV file, or of all in a folder.
 *
 * Samples are kept as floats, full scale being 1, whatever their coding was: so a model takes files of any.
 * A row is a window: [n] of one channel, [1, n, channels] of several, since a series is a picture of one line.
 */
#include "data/pieces.h"
#include "data/wav.h"

#include <string.h>

static ph_status begin(ph_pieces *p, const ph_wav *w)
{
    p->d->element = PH_F4;
    p->d->rate = w->rate;
    p->d->coding = w->coding;
    p->d->rank = 1;
    p->d->shape[0] = w->channels;
    return ph_data_begin(p->d, p->desc->memory_limit);
}

/* Sounds of a set are alike, but for their coding. */
static ph_status compare(ph_pieces *p, const ph_wav *w)
{
    const char *path = ph_source_name(w->in), *first = ph_texts_at(&p->names, 0);
    if (w->channels != p->d->width)
        return ph_fail(PH_USAGE, "%s: %zu channel%s, but %s has %zu", path, w->channels,
                       w->channels == 1 ? "" : "s", first, p->d->width);
    if (w->rate != p->d->rate)
        return ph_fail(PH_USAGE, "%s: %lu samples a second, but %s has %lu", path, (unsigned long)w->rate, first,
                       (unsigned long)p->d->rate);
    if (strcmp(w->coding, p->d->coding) != 0)
        p->d->coding = "mixed";
    return PH_OK;
}

static ph_status read_sound(ph_pieces *p, ph_source *in, size_t *frames)
{
    enum { NUMBERS = 1 << 14 };   /* the samples of a piece of ph_wav_frames at most */
    float numbers[NUMBERS];
    ph_wav w;
    size_t got;
    PH_TRY(ph_wav_begin(in, &w));
    PH_TRY(p->count ? compare(p, &w) : begin(p, &w));
    do {
        PH_TRY(ph_wav_frames(&w, numbers, NUMBERS / w.channels, &got));
        if (got)
            PH_TRY(ph_data_append(p->d, numbers, got));
        *frames += got;
    } while (got);
    return *frames ? PH_OK : ph_fail(PH_DATA, "%s: there are no samples in it", ph_source_name(in));
}

static const ph_piece_kind sounds = { "WAV", read_sound, 1024 };

ph_data *ph_sounds_open(const ph_folder *folder, const char *name, const char *part, const ph_data_desc *desc)
{
    return ph_pieces_of_folder(folder, name, part, &sounds, desc);
}

ph_data *ph_wav_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    return ph_pieces_of_file(in, name, &sounds, desc);
}
