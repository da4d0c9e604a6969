/* wav.c - reading WAV. */
#include "data/wav.h"

#include <string.h>
#include <strings.h>

enum { PCM = 1, FLOAT = 3, EXTENSIBLE = 0xfffe, MOST_CHANNELS = 1024, MOST_RATE = 100000000 };

/* Programs that write to a pipe say this much, or more, of data whose length they do not know. */
static const uint32_t endless = 0x7fff0000;

static const struct coding {
    unsigned tag, bits;
    const char *name;
} codings[] = {
    { PCM, 8, "8-bit PCM" },      { PCM, 16, "16-bit PCM" },     { PCM, 24, "24-bit PCM" },
    { PCM, 32, "32-bit PCM" },    { FLOAT, 32, "32-bit float" }, { FLOAT, 64, "64-bit float" },
};
enum { CODINGS = sizeof codings / sizeof codings[0] };

static ph_status damaged(const ph_wav *w, const char *why)
{
    return ph_fail(PH_DATA, "%s: a damaged WAV: %s", ph_source_name(w->in), why);
}

bool ph_is_sound(const char *path)
{
    const char *ending = strrchr(path, '.');
    return ending && (strcasecmp(ending, ".wav") == 0 || strcasecmp(ending, ".wave") == 0);
}

static unsigned two(const uint8_t *p)
{
    return (unsigned)(p[0] | p[1] << 8);
}

static uint32_t four(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static ph_status skip(ph_wav *w, uint64_t count)
{
    uint8_t piece[4096];
    for (size_t n; count > 0; count -= n) {
        n = count < sizeof piece ? (size_t)count : sizeof piece;
        PH_TRY(ph_source_take(w->in, piece, n));
    }
    return PH_OK;
}

/* What else is found in such files. */
static ph_status other_coding(const ph_wav *w, unsigned tag, unsigned bits)
{
    static const struct { unsigned tag; const char *name; } known[] = {
        { 2, "ADPCM" }, { 6, "A-law" }, { 7, "mu-law" }, { 0x11, "IMA ADPCM" }, { 0x31, "GSM" }, { 0x55, "MP3" } };
    char kind[64];
    snprintf(kind, sizeof kind, "format %u", tag);
    if (tag == PCM || tag == FLOAT)
        snprintf(kind, sizeof kind, "%s of %u bits", tag == PCM ? "PCM" : "float", bits);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].tag == tag)
            snprintf(kind, sizeof kind, "%s", known[i].name);
    return ph_fail(PH_DATA, "%s: its samples are %s; read are PCM of 8, 16, 24 or 32 bits and float of 32 or 64",
                   ph_source_name(w->in), kind);
}

static ph_status read_format(ph_wav *w, uint32_t size)
{
    static const uint8_t guid[14] = { 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71 };
    uint8_t f[40] = { 0 };
    size_t there = size < sizeof f ? size : sizeof f;
    if (size < 16)
        return damaged(w, "its format chunk is shorter than 16 bytes");
    PH_TRY(ph_source_take(w->in, f, there));
    PH_TRY(skip(w, size - there));
    unsigned tag = two(f), bits = two(f + 14);
    if (tag == EXTENSIBLE) {
        if (there < 40 || memcmp(f + 26, guid, sizeof guid) != 0)
            return damaged(w, "its extensible format names no coding");
        tag = two(f + 24);
    }
    w->channels = two(f + 2);
    w->rate = four(f + 4);
    w->bytes = bits / 8;
    w->real = tag == FLOAT;
    w->coding = NULL;
    for (size_t i = 0; i < CODINGS; i++)
        if (codings[i].tag == tag && codings[i].bits == bits)
            w->coding = codings[i].name;
    if (w->coding == NULL)
        return other_coding(w, tag, bits);
    if (w->channels == 0 || w->channels > MOST_CHANNELS || w->rate == 0 || w->rate > MOST_RATE)
        return damaged(w, "its format chunk names no channel or no rate, or too many");
    if (two(f + 12) != w->channels * w->bytes)
        return damaged(w, "its format chunk gives a frame another size than its samples have");
    return PH_OK;
}

static ph_status read_length(ph_wav *w, uint32_t size)
{
    size_t frame = w->channels * w->bytes;
    w->frames = w->left = size >= endless ? UINT64_MAX : size / frame;
    if (w->frames != UINT64_MAX && size % frame)
        return damaged(w, "its data are no whole number of frames");
    return w->frames ? PH_OK : ph_fail(PH_DATA, "%s: there are no samples in it", ph_source_name(w->in));
}

ph_status ph_wav_begin(ph_source *in, ph_wav *w)
{
    uint8_t head[12];
    *w = (ph_wav){ .in = in };
    PH_TRY(ph_source_take(in, head, 12));
    if (memcmp(head, "RF64", 4) == 0 || memcmp(head, "RIFX", 4) == 0)
        return ph_fail(PH_DATA, "%s: a WAV of kind %.4s, which is not read; save it as plain RIFF",
                       ph_source_name(in), (const char *)head);
    if (memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
        return ph_fail(PH_DATA, "%s: its first bytes are not those of a WAV", ph_source_name(in));
    for (;;) {
        uint8_t chunk[8];
        PH_TRY(ph_source_take(in, chunk, 8));
        uint32_t size = four(chunk + 4);
        if (memcmp(chunk, "data", 4) == 0)
            return w->coding ? read_length(w, size) : damaged(w, "its data come before their format");
        if (memcmp(chunk, "fmt ", 4) == 0)
            PH_TRY(read_format(w, size));
        else
            PH_TRY(skip(w, size));
        PH_TRY(skip(w, size & 1)); /* chunks begin at even places */
    }
}

static float sample(const ph_wav *w, const uint8_t *p)
{
    float single;
    double number;
    uint64_t bits;
    switch (w->bytes) {
    case 1:
        return (float)(p[0] - 128) / 128;
    case 2:
        return (float)(int16_t)two(p) / 32768;
    case 3:
        return (float)((int32_t)(two(p) << 8 | (uint32_t)p[2] << 24) >> 8) / 8388608;
    case 4:
        memcpy(&single, &(uint32_t){ four(p) }, sizeof single);
        return w->real ? single : (float)((double)(int32_t)four(p) / 2147483648.0);
    }
    bits = four(p) | (uint64_t)four(p + 4) << 32;
    memcpy(&number, &bits, sizeof number);
    return (float)number;
}

/* Up to count bytes; fewer at the end only. */
static ph_status fill(ph_wav *w, uint8_t *to, size_t count, size_t *there)
{
    for (size_t got = 1; *there < count && got > 0; *there += got)
        PH_TRY(ph_source_some(w->in, to + *there, count - *there, &got));
    return PH_OK;
}

/* Behind the samples: further chunks, of which none may be data, up to the end of the file. */
static ph_status finish(ph_wav *w)
{
    uint8_t piece[4096];
    bool odd = w->frames != UINT64_MAX && (w->frames * w->channels * w->bytes & 1);
    uint64_t left = odd;   /* bytes up to the next chunk */
    for (size_t there;; left -= there) {
        there = 0;
        PH_TRY(fill(w, piece, left ? (size_t)(left < sizeof piece ? left : sizeof piece) : 8, &there));
        if (there == 0)
            return PH_OK;
        if (left)
            continue;
        if (there == 8 && memcmp(piece, "data", 4) == 0)
            return damaged(w, "there is a second chunk of data in it");
        left = there + (there == 8 ? four(piece + 4) + (uint64_t)(piece[4] & 1) : 0);
    }
}

static ph_status ends_early(const ph_wav *w, size_t rest)
{
    if (w->frames != UINT64_MAX)
        return ph_fail(PH_DATA, "%s: its header says %llu samples, but it ends after %llu", ph_source_name(w->in),
                       (unsigned long long)w->frames, (unsigned long long)(w->frames - w->left));
    return rest ? damaged(w, "it ends within a frame") : PH_OK;
}

ph_status ph_wav_frames(ph_wav *w, float *out, size_t count, size_t *got)
{
    enum { PIECE = 1 << 14 };
    uint8_t piece[PIECE];
    size_t frame = w->channels * w->bytes, most = PIECE / frame, there = 0;
    count = count < most ? count : most;
    count = w->left < count ? (size_t)w->left : count;
    PH_TRY(fill(w, piece, count * frame, &there));
    *got = there / frame;
    if (w->frames != UINT64_MAX)
        w->left -= *got;
    if (*got < count)
        PH_TRY(ends_early(w, there % frame));
    for (size_t i = 0; i < *got * w->channels; i++)
        out[i] = sample(w, piece + i * w->bytes);
    return *got ? PH_OK : finish(w);
}
