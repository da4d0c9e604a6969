/* test_number.c - ph_number_read against strtod, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/number.h"

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

/* Reads text up to its end and compares; with a comma for its point, too. */
static void same(char *text)
{
    size_t length = strlen(text);
    double got = -1, expected = strtod(text, NULL);
    const char *end = ph_number_read(text, text + length, '.', &got);
    if (end != text + length || memcmp(&got, &expected, sizeof got) != 0)
        fail_msg("'%.100s': %.17g, not %.17g", text, got, expected);
    char *point = strchr(text, '.');
    if (point == NULL)
        return;
    *point = ',';
    end = ph_number_read(text, text + length, ',', &got);
    *point = '.';
    if (end != text + length || memcmp(&got, &expected, sizeof got) != 0)
        fail_msg("'%.100s' with a comma: %.17g, not %.17g", text, got, expected);
}

/* A sign, digits with or without a point, an exponent of up to three digits. */
static void make(char *to, size_t most_digits, unsigned exponent)
{
    size_t before = draw(most_digits + 1), after = draw(most_digits + 1), zeros = draw(4) ? 0 : draw(30);
    if (before + after == 0)
        before = 1;
    unsigned sign = (unsigned)draw(4);
    if (sign < 2)
        *to++ = sign ? '-' : '+';
    for (size_t i = 0; i < zeros && before; i++)
        *to++ = '0';
    for (size_t i = 0; i < before; i++)
        *to++ = (char)('0' + draw(10));
    if (after || draw(2))
        *to++ = '.';
    for (size_t i = 0; i < zeros && before == 0; i++)
        *to++ = '0';
    for (size_t i = 0; i < after; i++)
        *to++ = (char)('0' + draw(10));
    *to = '\0';
    if (exponent && draw(2))
        sprintf(to, "%c%s%u", draw(2) ? 'e' : 'E', (const char *[]){ "", "+", "-" }[draw(3)],
                (unsigned)draw(exponent));
}

static void random_texts(void **unused)
{
    (void)unused;
    static const struct { size_t count, digits; unsigned exponent; } kinds[] = {
        { 500000, 4, 0 },   { 500000, 9, 30 },   { 500000, 10, 10 }, { 300000, 20, 40 },
        { 200000, 12, 330 }, { 100000, 30, 400 }, { 20000, 300, 700 } };
    char text[2000];
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < kinds[k].count; i++) {
            make(text, kinds[k].digits, kinds[k].exponent);
            same(text);
        }
}

/* All doubles as they are written: 15 to 19 digits, and neighbours of the middle between two. */
static void doubles_come_back(void **unused)
{
    (void)unused;
    char text[1200];
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = draw(1u << 31) << 33 ^ draw((uint64_t)1 << 50);
        double x, y;
        if (i % 2) /* numbers of ordinary size */
            bits = (bits & ~((uint64_t)0x7ff << 52)) | (uint64_t)(1023 - 40 + draw(80)) << 52;
        memcpy(&x, &bits, sizeof x);
        if (!(x - x == 0))
            continue;
        snprintf(text, sizeof text, "%.*g", 15 + (int)draw(5), x);
        same(text);
        snprintf(text, sizeof text, "%.17g", x);
        assert_true(ph_number_read(text, text + strlen(text), '.', &y) && y == x);
    }
    /* Exactly in the middle, and a little to both sides: all the digits decide. */
    for (int i = 0; i < 20000; i++) {
        long double middle = (long double)(((uint64_t)1 << 53) + draw((uint64_t)1 << 52)) * 2 + 1;
        int shift = (int)draw(100) - 60;
        for (int s = 0; s < shift; s++)
            middle *= 2;
        for (int s = 0; s > shift; s--)
            middle /= 2;
        int length = snprintf(text, 1000, "%.120Lf", middle);
        same(text);
        text[length] = '1';
        text[length + 1] = '\0';
        same(text);
        text[length] = '\0';
        while (text[--length] == '0' || text[length] == '.')
            text[length] = text[length] == '0' ? '9' : '.';
        text[length]--;
        same(text);
    }
}

static void edges(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "0", "-0", "+0", "0.0", "-0.0e5", ".5", "5.", "-.5e-3", "00000000000000000000000000000",
        "0000000000000000000000000000012", "0.00000000000000000000000000000000000000012", "1e22", "1e23",
        "9007199254740992", "9007199254740993", "9007199254740994", "18446744073709551615",
        "18446744073709551616", "9999999999999999999", "99999999999999999999", "1e308", "1.8e308",
        "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e400", "1e99999999999999999999",
        "1e-99999999999999999999", "0e99999999999", "4.9e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072014e-308", "1e-400",
        "8.41e21", "9.007199254740993e15", "5e-324", "1.00000000000000011102230246251565404",
    };
    char text[3000];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        strcpy(text, texts[i]);
        same(text);
    }
    /* Longer than any buffer: the exponent stands behind two thousand digits. */
    text[0] = '1';
    memset(text + 1, '0', 2000);
    strcpy(text + 2001, "e-2000");
    same(text);
    strcpy(text, "0.");
    memset(text + 2, '0', 2000);
    strcpy(text + 2002, "625e2001");
    same(text);
    /* The thousandth digit lifts the number over the middle. */
    strcpy(text, "9007199254740993.");
    memset(text + 17, '0', 1000);
    strcpy(text + 1017, "1");
    same(text);
}

static void where_numbers_end(void **unused)
{
    (void)unused;
    static const struct { const char *text; int length; char decimal; double value; } cases[] = {
        { "", 0, '.', 0 }, { "-", 0, '.', 0 }, { "+", 0, '.', 0 }, { ".", 0, '.', 0 },
        { "-.", 0, '.', 0 }, { "e5", 0, '.', 0 }, { ".e5", 0, '.', 0 }, { "nan", 0, '.', 0 },
        { "inf", 0, '.', 0 }, { " 1", 0, '.', 0 }, { "--1", 0, '.', 0 }, { "1,5", 1, '.', 1 },
        { "1.5", 1, ',', 1 }, { "1e", 1, '.', 1 }, { "1e+", 1, '.', 1 }, { "1ex", 1, '.', 1 },
        { "1.2.3", 3, '.', 1.2 }, { "12abc", 2, '.', 12 }, { "0x10", 1, '.', 0 }, { "1 000", 1, '.', 1 },
        { "1e5e5", 3, '.', 1e5 }, { "7-", 1, '.', 7 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double got = 0;
        const char *text = cases[i].text;
        const char *end = ph_number_read(text, text + strlen(text), cases[i].decimal, &got);
        if (end - text != cases[i].length || got != cases[i].value)
            fail_msg("'%s': %d bytes, %g", text, (int)(end - text), got);
    }
    /* Nothing behind the end is looked at. */
    double got;
    const char *text = "1234.5e6";
    for (int length = 1; length <= 8; length++) {
        const char *end = ph_number_read(text, text + length, '.', &got);
        assert_true(end <= text + length);
        assert_true(got == (length < 5 ? (double[]){ 0, 1, 12, 123, 1234 }[length]
                            : length < 6 ? 1234 : length < 8 ? 1234.5 : 1234.5e6));
    }
}

static void locales(void **unused)
{
    (void)unused;
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8" };
    for (size_t i = 0; i < 3; i++)
        if (setlocale(LC_ALL, names[i])) {
            double got;
            const char *text = "1.23456789012345678901234567890e-100";
            assert_ptr_equal(ph_number_read(text, text + strlen(text), '.', &got), text + strlen(text));
            setlocale(LC_ALL, "C");
            assert_true(got == strtod(text, NULL));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts),      cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(edges),             cmocka_unit_test(where_numbers_end),
        cmocka_unit_test(locales),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
