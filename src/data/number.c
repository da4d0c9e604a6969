/* number.c - decimal text to a number. */
#include "data/number.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* What the short ways cannot do: the digits alone with one exponent go to strtod, so that no locale's
 * decimal mark matters. More digits than 770 only matter in that they are not all zero. */
static double slow(const char *p, const char *end, char decimal, long scale)
{
    enum { MOST = 780 };
    char copy[MOST + 32];
    size_t n = 0;
    bool more = false;
    for (; p < end && (is_digit(*p) || *p == decimal); p++) {
        if (*p == decimal || (n == 0 && *p == '0'))
            continue;
        if (n < MOST) {
            copy[n++] = *p;
        } else {
            more = more || *p != '0';
            scale++;
        }
    }
    if (n == 0)
        return 0;
    if (more)
        copy[n - 1] |= 1; /* it stands for all that follows: 0 becomes 1 */
    snprintf(copy + n, sizeof copy - n, "e%ld", scale);
    return strtod(copy, NULL);
}

static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

/* Digits and power are exact in 64 bits, so what long double makes of them is half a unit from the
 * truth at most; false where that leaves open to which double it is to be rounded. */
static bool by_long_double(uint64_t digits, long scale, double *value)
{
    long size = scale < 0 ? -scale : scale;
    if (LDBL_MANT_DIG < 64 || size > 27)
        return false;
    long double ten = size <= 22 ? power[size] : (long double)power[22] * power[size - 22];
    long double close = scale < 0 ? (long double)digits / ten : (long double)digits * ten;
    *value = (double)(close * (1 - LDBL_EPSILON));
    return *value == (double)(close * (1 + LDBL_EPSILON));
}

/* The rare kinds of numbers. */
static const char *read_long(const char *text, const char *end, char decimal, uint64_t digits,
                             long scale, double *number)
{
    const char *first = text + (*text == '-' || *text == '+'), *p = first;
    size_t count = 0;
    for (; p < end && (is_digit(*p) || *p == decimal); p++)
        count += *p != decimal && (count || *p != '0');
    if (count > 19 || !by_long_double(digits, scale, number))
        *number = slow(first, end, decimal, scale);
    if (*text == '-')
        *number = -*number;
    return end;
}

const char *ph_number_read(const char *text, const char *end, char decimal, double *number)
{
    const char *p = text;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    const char *first = p;
    uint64_t digits = 0;
    long scale = 0;
    for (; p < end && is_digit(*p); p++)
        digits = digits * 10 + (uint64_t)(*p - '0');
    long count = p - first;
    if (p < end && *p == decimal) {
        const char *point = ++p;
        for (; p < end && is_digit(*p); p++)
            digits = digits * 10 + (uint64_t)(*p - '0');
        scale = point - p;
        count += p - point;
    }
    if (count == 0)
        return text;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        bool down = q < end && *q == '-';
        long exponent = 0;
        if (q < end && (*q == '-' || *q == '+'))
            q++;
        if (q < end && is_digit(*q)) {
            for (; q < end && is_digit(*q); q++)
                exponent = exponent < 1000000000 ? exponent * 10 + (*q - '0') : exponent;
            scale += down ? -exponent : exponent;
            p = q;
        }
    }
    if (count > 19 || digits > (uint64_t)1 << 53 || scale < -22 || scale > 22)
        return read_long(text, p, decimal, digits, scale, number);
    double value = (double)(int64_t)digits;
    if (scale)
        value = scale < 0 ? value / power[-scale] : value * power[scale];
    *number = negative ? -value : value;
    return p;
}
