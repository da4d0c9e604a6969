/* wav.c - a sound from its windows, as WAV: PCM of 16 bits where the source has such or fewer, else float,
 * which holds what any other coding does.
 */
#include "view/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put(uint8_t **at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(value >> 8 * i);
}

static bool is_pcm(const char *coding)
{
    return coding && (strcmp(coding, "16-bit PCM") == 0 || strcmp(coding, "8-bit PCM") == 0);
}

/* Canonical: the format, for floats the number of frames, then the data. */
static ph_status write_header(ph_writer *w, const ph_excerpt *sound, const ph_data_info *info)
{
    uint8_t head[64], *at = head;
    bool pcm = is_pcm(info->coding);
    size_t frame = sound->channels * (pcm ? 2 : 4), bytes, limit = UINT32_MAX - sizeof head;
    if (__builtin_mul_overflow(sound->whole[0], frame, &bytes) || bytes > limit ||
        frame * info->rate > limit || sound->channels > UINT16_MAX)
        return ph_fail(PH_USAGE, "%s: %zu samples are more than a WAV can hold", w->path, sound->whole[0]);
    size_t before = pcm ? 36 : 50;
    memcpy(at, "RIFF", 4);
    at += 4;
    put(&at, (uint32_t)(before + bytes), 4);
    memcpy(at, "WAVEfmt ", 8);
    at += 8;
    put(&at, pcm ? 16 : 18, 4);
    put(&at, pcm ? 1 : 3, 2);
    put(&at, (uint32_t)sound->channels, 2);
    put(&at, info->rate, 4);
    put(&at, (uint32_t)(frame * info->rate), 4);
    put(&at, (uint32_t)frame, 2);
    put(&at, pcm ? 16 : 32, 2);
    if (!pcm) {
        put(&at, 0, 2);
        memcpy(at, "fact", 4);
        at += 4;
        put(&at, 4, 4);
        put(&at, (uint32_t)sound->whole[0], 4);
    }
    memcpy(at, "data", 4);
    at += 4;
    put(&at, (uint32_t)bytes, 4);
    return ph_file_write(w->file, head, (size_t)(at - head));
}

/* Full scale, 1, lies half a step above the largest number there is, and is taken for that. */
static uint32_t pcm(ph_writer *w, double value)
{
    double scaled = value * 32768;
    w->clipped += !(fabs(value) <= 1);
    return (uint16_t)(int16_t)lrint(scaled > 32767 ? 32767 : scaled < -32768 ? -32768 : scaled);
}

static ph_status write_frames(void *to, const real *lines, size_t count)
{
    enum { PIECE = 1024 };
    uint8_t piece[4 * PIECE];
    ph_writer *w = to;
    size_t numbers = count * w->channels;
    for (size_t i = 0; i < numbers;) {
        uint8_t *at = piece;
        for (size_t n = 0; n < PIECE && i < numbers; n++, i++) {
            float single = (float)lines[i];
            uint32_t bits;
            memcpy(&bits, &single, sizeof bits);
            if (!isfinite(single))
                return ph_fail(PH_DATA, "%s: a sample is %s", w->path, isnan(single) ? "no number" : "infinite");
            put(&at, w->pcm ? pcm(w, (double)lines[i]) : bits, w->pcm ? 2 : 4);
        }
        PH_TRY(ph_file_write(w->file, piece, (size_t)(at - piece)));
    }
    return PH_OK;
}

ph_status ph_begin_wav(ph_writer *w)
{
    ph_excerpt sound;
    ph_data_info info = { 0 };
    const ph_data *source = w->desc.source;
    if (source)
        ph_data_describe(source, &info);
    if (!w->desc.whole || info.rate == 0 || !ph_data_excerpt(source, 0, &sound))
        return ph_fail(PH_USAGE, "%s: a .wav is written of what comes back of a sound; these rows are none", w->path);
    w->pcm = is_pcm(info.coding);
    w->channels = sound.channels;
    w->join = ph_join_new(w->path, source, w->channels, write_frames, w);
    return w->join ? write_header(w, &sound, &info) : ph_last_status();
}
