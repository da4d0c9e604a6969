/* wav.h - the samples of a WAV file, from the first to the last.
 *
 * RIFF with a format chunk and one of data: PCM of 8, 16, 24 or 32 bits, float of 32 or 64, any number of
 * channels, also as WAVE_FORMAT_EXTENSIBLE (Microsoft, "Multiple Channel Audio Data and WAVE Files", 2007).
 * Other chunks are passed over. What was written to a pipe does not know its length, says 2^31 bytes or
 * more, and ends where its bytes do.
 */
#ifndef PH_DATA_WAV_H
#define PH_DATA_WAV_H

#include "data/source.h"

typedef struct ph_wav {
    ph_source *in;
    const char *coding;        /* "16-bit PCM" */
    size_t channels, bytes;    /* bytes of a sample */
    bool real;                 /* samples are floats, and not whole numbers */
    uint32_t rate;             /* frames in a second */
    uint64_t left, frames;     /* still to be read, and in all; UINT64_MAX: as many as there are */
} ph_wav;

/* By the path's ending, in upper or lower case: .wav .wave. */
bool ph_is_sound(const char *path);
/* Reads up to the first sample. PH_DATA for what is damaged, and for codings that cannot be read. */
ph_status ph_wav_begin(ph_source *, ph_wav *);
/* The next frames, up to `count`, *got is 0 at the end only: `channels` numbers each, whole numbers from -1 up
 * to, but not including, 1. The end is told where the file has less than its header says. */
ph_status ph_wav_frames(ph_wav *, float *out, size_t count, size_t *got);

#endif
