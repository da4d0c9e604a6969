/* machine.c - what the machine can do: its arithmetic peak, the limit that speeds are held against.
 */
#include "base/kernel.h"
#include "base/product.h"
#include "base/team.h"

#include <string.h>
#include <time.h>

enum { CHAINS = 192 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef float lanes __attribute__((vector_size(64)));

/* Twelve vectors of sixteen chains each: enough to hide the latency of two units. On narrower
 * machines a vector becomes several and the chains are more than enough. */
PH_KERNEL static float multiply_add(long turns)
{
    /* Different starts: equal chains would be computed once. */
    lanes a0 = { 0 }, a1 = a0 + 1, a2 = a0 + 2, a3 = a0 + 3, a4 = a0 + 4, a5 = a0 + 5, a6 = a0 + 6,
          a7 = a0 + 7, a8 = a0 + 8, a9 = a0 + 9, a10 = a0 + 10, a11 = a0 + 11;
    lanes x = a0 + 0.999f, y = a0 + 1e-6f;
    for (long t = 0; t < turns; t++) {
        a0 = a0 * x + y, a1 = a1 * x + y, a2 = a2 * x + y, a3 = a3 * x + y;
        a4 = a4 * x + y, a5 = a5 * x + y, a6 = a6 * x + y, a7 = a7 * x + y;
        a8 = a8 * x + y, a9 = a9 * x + y, a10 = a10 * x + y, a11 = a11 * x + y;
    }
    lanes sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return sum[0];
}

typedef struct probe {
    double seconds;
    double operations[64];
    volatile float sink;
} probe;

static void job(void *context, int part, int parts)
{
    probe *p = context;
    (void)parts;
    double began = now(), operations = 0;
    do {
        p->sink = multiply_add(20000);
        operations += 20000.0 * 2 * CHAINS;
    } while (now() - began < p->seconds);
    p->operations[part] = operations / (now() - began);
}

double ph_machine_peak(double seconds)
{
    probe p = { .seconds = seconds };
    ph_team_run(job, &p);
    double sum = 0;
    for (int i = 0; i < ph_team_parts(); i++)
        sum += p.operations[i];
    return sum;
}

const char *ph_machine_isa(void)
{
#if defined(__x86_64__)
    const char *set = ph_product_isa();
    return strcmp(set, "v4") == 0 ? "x86-64-v4" : strcmp(set, "v3") == 0 ? "x86-64-v3" : "x86-64";
#elif defined(__aarch64__)
    return "aarch64";
#else
    return "generic";
#endif
}
