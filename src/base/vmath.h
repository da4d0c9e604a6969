/* vmath.h - exp, log, tanh, erf and relatives that the compiler can put into vectors.
 *
 * Plain C without branches, so one source serves every instruction set and compiler; the libraries
 * of vector functions need one call for each. Single precision: range reduction and polynomials
 * after Moshier's Cephes (1989), 2 units in the last place or better where the tests look. Double
 * precision, which is there to prove formulas, uses the C library.
 */
#ifndef PH_BASE_VMATH_H
#define PH_BASE_VMATH_H

#include "base/kernel.h"
#include "base/real.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef PH_DOUBLE

PH_INLINE real ph_v_exp(real x) { return exp(x); }
PH_INLINE real ph_v_log(real x) { return log(x); }
PH_INLINE real ph_v_log1p(real x) { return log1p(x); }
PH_INLINE real ph_v_tanh(real x) { return tanh(x); }
PH_INLINE real ph_v_erf(real x) { return erf(x); }
PH_INLINE real ph_v_cos(real x) { return cos(x); }
PH_INLINE real ph_v_sin(real x) { return sin(x); }

#else

PH_INLINE float ph_v_bits(uint32_t i)
{
    float f;
    memcpy(&f, &i, sizeof f);
    return f;
}

PH_INLINE int32_t ph_v_integer(float f)
{
    int32_t i;
    memcpy(&i, &f, sizeof i);
    return i;
}

/* The scale 2^n is applied in two halves, so that results overflow to infinity and underflow
 * gradually as they should. */
PH_INLINE float ph_v_exp(float x)
{
    float y = x < -104.f ? -104.f : x;
    y = y > 89.f ? 89.f : y;
    float n = y * 1.44269504089f + 12582912.f; /* rounds to an integer in the low bits */
    int32_t k = ph_v_integer(n) - 0x4b400000;
    n -= 12582912.f;
    float r = y - n * 0.693359375f;
    r -= n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    int32_t half = k >> 1;
    float scaled = p * ph_v_bits((uint32_t)(half + 127) << 23) *
                   ph_v_bits((uint32_t)(k - half + 127) << 23);
    return x != x ? x : scaled;
}

PH_INLINE float ph_v_log(float x)
{
    float tiny = x < 1.17549435e-38f ? 8388608.f : 1.f;
    float y = x * tiny;
    int32_t bits = ph_v_integer(y);
    int32_t k = (int32_t)((uint32_t)bits - 0x3f3504f3u) >> 23; /* mantissa in [sqrt(1/2), sqrt(2)) */
    float m = ph_v_bits((uint32_t)bits - ((uint32_t)k << 23)) - 1.f;
    float e = (float)k - (tiny != 1.f ? 23.f : 0.f);
    float z = m * m;
    float p = 7.0376836292e-2f;
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    float r = p * m * z + e * -2.12194440e-4f - 0.5f * z + m + e * 0.693359375f;
    r = x == 0.f ? -INFINITY : r;
    r = x < 0.f ? NAN : r;
    return x == INFINITY || x != x ? x : r;
}

/* Kahan's correction puts back what rounding 1 + x lost. */
PH_INLINE float ph_v_log1p(float x)
{
    float w = 1.f + x;
    float lost = x - (w - 1.f);
    float r = ph_v_log(w) + lost / w;
    return w == INFINITY ? w : r;
}

PH_INLINE float ph_v_tanh(float x)
{
    float a = fabsf(x), z = x * x;
    float p = -5.70498872745e-3f;
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    float small = p * z * x + x;
    float large = 1.f - 2.f / (ph_v_exp(2.f * a) + 1.f);
    return a < 0.625f ? small : copysignf(large, x);
}

/* Small arguments: Taylor's series. Others: Abramowitz and Stegun (1964), 7.1.26; error below 4e-7. */
PH_INLINE float ph_v_erf(float x)
{
    float a = fabsf(x), z = x * x;
    float s = -7.5757576e-4f;
    s = s * z + 4.6296296e-3f;
    s = s * z - 2.3809524e-2f;
    s = s * z + 0.1f;
    s = s * z - 0.33333333f;
    s = s * z + 1.f;
    float small = 1.12837917f * x * s;
    float t = 1.f / (1.f + 0.3275911f * a);
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    float large = 1.f - p * t * ph_v_exp(-z);
    return a < 0.5f ? small : copysignf(large, x);
}

/* For angles in [-pi, pi]: Taylor polynomials around 0 after folding to [-pi/2, pi/2]. */
PH_INLINE float ph_v_sin(float x)
{
    float y = x > 1.57079633f ? 3.14159265f - x : x;
    y = y < -1.57079633f ? -3.14159265f - y : y;
    float z = y * y, p = -2.5052108e-8f;
    p = p * z + 2.7557319e-6f;
    p = p * z - 1.9841270e-4f;
    p = p * z + 8.3333333e-3f;
    p = p * z - 1.6666667e-1f;
    return p * z * y + y;
}

PH_INLINE float ph_v_cos(float x)
{
    return ph_v_sin(1.57079633f - fabsf(x));
}

#endif

PH_INLINE real ph_v_sigmoid(real x)
{
    return 1 / (1 + ph_v_exp(-x));
}

PH_INLINE real ph_v_softplus(real x)
{
    real positive = x > 0 ? x : 0, size = x > 0 ? x : -x;
    return positive + ph_v_log1p(ph_v_exp(-size)) + (x != x ? x : 0);
}

#endif
