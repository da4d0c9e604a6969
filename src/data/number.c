/* number.c - decimal text to a number. */
#define _GNU_SOURCE
#include "data/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static locale_t plain;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* What the short way cannot do exactly. */
static double slow(const char *text, const char *end, char decimal)
{
    enum { LONGEST = 400 };
    char copy[LONGEST + 1];
    size_t length = (size_t)(end - text) < LONGEST ? (size_t)(end - text) : LONGEST;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *comma = decimal == '.' ? NULL : memchr(copy, decimal, length);
    if (comma)
        *comma = '.';
    pthread_once(&once, make_locale);
    return plain ? strtod_l(copy, NULL, plain) : strtod(copy, NULL);
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

const char *ph_number_read(const char *text, const char *end, char decimal, double *number)
{
    static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const char *p = text, *first;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    uint64_t digits = 0;
    int scale = 0;
    for (first = p; p < end && is_digit(*p); p++)
        digits = digits * 10 + (uint64_t)(*p - '0');
    long count = p - first;
    if (p < end && *p == decimal) {
        const char *point = ++p;
        for (; p < end && is_digit(*p); p++)
            digits = digits * 10 + (uint64_t)(*p - '0');
        scale = (int)(point - p);
        count += p - point;
    }
    if (count == 0)
        return text;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        bool down = q < end && *q == '-';
        int exponent = 0;
        if (q < end && (*q == '-' || *q == '+'))
            q++;
        if (q < end && is_digit(*q)) {
            for (; q < end && is_digit(*q); q++)
                exponent = exponent < 100000 ? exponent * 10 + (*q - '0') : exponent;
            scale += down ? -exponent : exponent;
            p = q;
        }
    }
    double value;
    if (count <= 19 && digits <= (uint64_t)1 << 53 && scale >= -22 && scale <= 22) {
        value = scale < 0 ? (double)digits / power[-scale] : (double)digits * power[scale];
        value = negative ? -value : value;
    } else {
        value = slow(text, p, decimal);
    }
    *number = value;
    return p;
}
