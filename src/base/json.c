/* json.c - reading and writing texts, sizes and marks of JSON (RFC 8259). */
#include "base/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 sequence that begins at p (RFC 3629), 0 if none does. */
static size_t sequence(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4 : 0;
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool too_long = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool no_character = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return too_long || no_character ? 0 : n;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void append(ph_json_out *out, const char *bytes, size_t count)
{
    if (out->used + count >= out->room && !out->failed) {
        size_t room = 2 * (out->used + count) + 1024;
        char *grown = realloc(out->text, room);
        out->failed = grown == NULL;
        out->text = grown ? grown : out->text;
        out->room = grown ? room : out->room;
    }
    if (out->failed)
        return;
    memcpy(out->text + out->used, bytes, count);
    out->used += count;
    out->text[out->used] = '\0';
}

void ph_json_put(ph_json_out *out, const char *format, ...)
{
    char piece[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    out->failed = out->failed || length < 0 || (size_t)length >= sizeof piece;
    append(out, piece, out->failed ? 0 : (size_t)length);
}

void ph_json_put_text(ph_json_out *out, const char *text)
{
    append(out, "\"", 1);
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        unsigned char c = (unsigned char)*text;
        n = sequence((const uint8_t *)text, left);
        if (n == 0) {
            append(out, "\\ufffd", 6);
            n = 1;
        } else if (c == '\n') {
            append(out, "\\n", 2);
        } else if (c < 0x20 || c == 0x7f) {
            ph_json_put(out, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\')
                append(out, "\\", 1);
            append(out, text, n);
        }
    }
    append(out, "\"", 1);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void skip_blanks(ph_json_in *in)
{
    while (in->at < in->end && strchr(" \t\r\n", *in->at) && *in->at)
        in->at++;
}

bool ph_json_take(ph_json_in *in, char mark)
{
    skip_blanks(in);
    bool found = in->at < in->end && *in->at == mark;
    in->at += found;
    return found;
}

bool ph_json_is_at_end(ph_json_in *in)
{
    skip_blanks(in);
    return in->at == in->end;
}

bool ph_json_take_size(ph_json_in *in, size_t *out)
{
    skip_blanks(in);
    const char *begin = in->at;
    for (*out = 0; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++)
        if (__builtin_mul_overflow(*out, (size_t)10, out) ||
            __builtin_add_overflow(*out, (size_t)(*in->at - '0'), out))
            return false;
    return in->at > begin;
}

/* Four hexadecimal digits after \u; -1 if there are none. */
static long code_unit(ph_json_in *in)
{
    long unit = 0;
    for (int i = 0; i < 4; i++, in->at++) {
        const char *digits = "0123456789abcdef", *found = NULL;
        if (in->at < in->end && *in->at)
            found = strchr(digits, *in->at | (*in->at >= 'A' && *in->at <= 'F' ? 0x20 : 0));
        if (found == NULL)
            return -1;
        unit = unit * 16 + (found - digits);
    }
    return unit;
}

/* A character written as \uXXXX, or as two of them, into UTF-8: always shorter than what it was. */
static bool unescape_unicode(ph_json_in *in, char **to)
{
    long code = code_unit(in);
    if (code >= 0xd800 && code < 0xdc00) {
        bool pair = in->end - in->at >= 2 && in->at[0] == '\\' && in->at[1] == 'u';
        in->at += pair ? 2 : 0;
        long low = pair ? code_unit(in) : -1;
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + (code - 0xd800) * 0x400 + low - 0xdc00 : -1;
    }
    if (code <= 0 || (code >= 0xdc00 && code < 0xe000))
        return false; /* 0 would end the text for every reader in C */
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const int lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    *(*to)++ = (char)(lead[more] | code >> 6 * more);
    while (more-- > 0)
        *(*to)++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return true;
}

static bool unescape(ph_json_in *in, char **to)
{
    static const char names[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    char name = in->at < in->end ? *in->at++ : '\0';
    if (name == 'u')
        return unescape_unicode(in, to);
    const char *found = name ? strchr(names, name) : NULL;
    if (found)
        *(*to)++ = characters[found - names];
    return found != NULL;
}

char *ph_json_take_text(ph_json_in *in)
{
    if (!ph_json_take(in, '"'))
        return NULL;
    char *begin = in->at, *to = begin;
    while (in->at < in->end && *in->at != '"') {
        size_t n = sequence((const uint8_t *)in->at, (size_t)(in->end - in->at));
        if (n == 0 || (unsigned char)*in->at < 0x20)
            return NULL;
        if (*in->at == '\\') {
            in->at++;
            if (!unescape(in, &to))
                return NULL;
            continue;
        }
        memmove(to, in->at, n);
        to += n;
        in->at += n;
    }
    if (in->at == in->end)
        return NULL;
    in->at++;
    *to = '\0';
    return begin;
}
