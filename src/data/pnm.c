/* pnm.c - PGM and PPM, plain (P2, P3) and raw (P5, P6).
 *
 * A header of four words, "P" with a digit, width, height and the largest value, with comments from
 * "#" to the end of a line; then the values, as words or as one or two bytes each, most significant
 * first. They are scaled so that the largest becomes 255, or 65535 where a byte is too small.
 */
#include "data/picture.h"

#include <ctype.h>
#include <string.h>

typedef struct pnm {
    const uint8_t *at, *end;
    bool plain;
    unsigned largest;
} pnm;

static ph_status damaged(const char *path, const char *why)
{
    return ph_fail(PH_DATA, "%s: a damaged PGM or PPM: %s", path, why);
}

bool ph_pnm_begins(const uint8_t *bytes, size_t size)
{
    return size >= 3 && bytes[0] == 'P' && memchr("2356", bytes[1], 4) &&
           (isspace(bytes[2]) || bytes[2] == '#');
}

static void skip_space(pnm *r)
{
    bool comment = false;
    for (; r->at < r->end && (comment || isspace(*r->at) || *r->at == '#'); r->at++)
        comment = *r->at == '#' || (comment && *r->at != '\n' && *r->at != '\r');
}

/* The next word as a number of at most 65535. */
static bool take_number(pnm *r, unsigned *value)
{
    skip_space(r);
    const uint8_t *begin = r->at;
    for (*value = 0; r->at < r->end && isdigit(*r->at) && *value <= 65535; r->at++)
        *value = 10 * *value + (unsigned)(*r->at - '0');
    return r->at > begin && *value <= 65535;
}

static ph_status take_header(const char *path, const uint8_t *bytes, size_t size, pnm *r,
                             ph_picture *p)
{
    unsigned width, height;
    *r = (pnm){ .at = bytes + 2, .end = bytes + size, .plain = bytes[1] < '5' };
    if (!take_number(r, &width) || !take_number(r, &height) || !take_number(r, &r->largest) ||
        r->at == r->end || !isspace(*r->at))
        return damaged(path, "its header is not a width, a height and a largest value up to 65535");
    if (r->largest == 0)
        return damaged(path, "its largest value is 0");
    r->at++;
    *p = (ph_picture){ .width = width, .height = height,
                       .channels = bytes[1] == '3' || bytes[1] == '6' ? 3 : 1,
                       .bits = r->largest > 255 ? 16 : 8 };
    return PH_OK;
}

ph_status ph_pnm_measure(const char *path, const uint8_t *bytes, size_t size, ph_picture *p)
{
    pnm r;
    return take_header(path, bytes, size, &r, p);
}

static bool take_value(pnm *r, unsigned bits, unsigned *value)
{
    if (r->plain)
        return take_number(r, value);
    *value = bits == 16 ? (unsigned)(r->at[0] << 8 | r->at[1]) : r->at[0];
    r->at += bits / 8;
    return true;
}

ph_status ph_pnm_decode(const char *path, const uint8_t *bytes, size_t size, ph_picture *p)
{
    pnm r;
    PH_TRY(take_header(path, bytes, size, &r, p));
    size_t count = p->width * p->height * p->channels, there = (size_t)(r.end - r.at);
    /* A word takes a digit and, but for the last, a space. */
    size_t least = r.plain ? 2 * count - 1 : count * (p->bits / 8);
    PH_TRY(ph_picture_allocate(p, path, p->channels, least, there));
    uint16_t *words = (uint16_t *)(void *)p->pixels;
    for (size_t i = 0; i < count; i++) {
        unsigned value, full = p->bits == 16 ? 65535 : 255;
        if (!take_value(&r, p->bits, &value))
            return damaged(path, "a value is missing, or not a number up to 65535");
        if (value > r.largest)
            return damaged(path, "a value is above the largest that its header names");
        value = (value * full + r.largest / 2) / r.largest;
        if (p->bits == 16)
            words[i] = (uint16_t)value;
        else
            p->pixels[i] = (uint8_t)value;
    }
    skip_space(&r);
    return r.at == r.end ? PH_OK : damaged(path, "there are bytes after its last pixel");
}
