/* sound.h - WAV files in the test's folder, written without the product's help. */
#ifndef TESTS_SOUND_H
#define TESTS_SOUND_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "scratch.h"

typedef struct sound {
    unsigned tag, bits, channels, rate; /* tag: 1 PCM, 3 float */
    bool extensible;
    size_t frames;
} sound;

static inline uint8_t *number_to(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

/* What stands in frame i, channel c: within full scale, and different everywhere. */
static inline double sample_at(size_t i, size_t c)
{
    return 0.9 * sin(0.01 * (double)(i + 1) * (double)(1 + c)) + 0.0001 * (double)(i % 7);
}

/* The whole number that a sample is in PCM of so many bits. */
static inline int64_t level_at(const sound *s, size_t i, size_t c)
{
    return llrint(floor(sample_at(i, c) * ldexp(1, (int)s->bits - 1)));
}

static inline uint8_t *put_sample(uint8_t *at, const sound *s, size_t i, size_t c)
{
    float single = (float)sample_at(i, c);
    double number = sample_at(i, c);
    uint64_t bits = (uint64_t)(level_at(s, i, c) + (s->bits == 8 ? 128 : 0));
    if (s->tag == 3 && s->bits == 64)
        memcpy(&bits, &number, 8);
    else if (s->tag == 3)
        memcpy(&bits, &single, 4);
    return number_to(at, bits, s->bits / 8);
}

/* The bytes of such a file at `to`; returns how many. */
static inline size_t sound_bytes(uint8_t *to, const sound *s)
{
    static const uint8_t guid[14] = { 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71 };
    size_t frame = s->channels * s->bits / 8, format = s->extensible ? 40 : 16;
    uint8_t *at = to;
    memcpy(at, "RIFF", 4);
    at = number_to(at + 4, 20 + format + s->frames * frame, 4);
    memcpy(at, "WAVEfmt ", 8);
    at = number_to(at + 8, format, 4);
    at = number_to(at, s->extensible ? 0xfffe : s->tag, 2);
    at = number_to(at, s->channels, 2);
    at = number_to(at, s->rate, 4);
    at = number_to(at, s->rate * frame, 4);
    at = number_to(at, frame, 2);
    at = number_to(at, s->bits, 2);
    if (s->extensible) {
        at = number_to(at, 22, 2);
        at = number_to(at, s->bits, 2);
        at = number_to(at, 0, 4);
        at = number_to(at, s->tag, 2);
        memcpy(at, guid, 14);
        at += 14;
    }
    memcpy(at, "data", 4);
    at = number_to(at + 4, s->frames * frame, 4);
    for (size_t i = 0; i < s->frames; i++)
        for (size_t c = 0; c < s->channels; c++)
            at = put_sample(at, s, i, c);
    return (size_t)(at - to);
}

static inline int write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *f = fopen(in_folder(name), "wb");
    int written = f && fwrite(bytes, 1, size, f) == size;
    return f && fclose(f) == 0 && written;
}

static inline int write_sound(const char *name, const sound *s)
{
    static uint8_t bytes[1 << 20];
    return write_bytes(name, bytes, sound_bytes(bytes, s));
}

#endif
