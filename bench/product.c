/* product.c - how fast is the matrix product kernel, and is it right?
 *
 *     gcc -std=gnu11 -O3 -Iinclude -Isrc bench/product.c src/base/product.c -ldnnl -lm -o product
 *     OMP_NUM_THREADS=1 taskset -c 1 ./product [check|brief]
 *
 * Each layer of three autoencoders is run in its three uses: forward, data gradient (the only one
 * that packs B) and weight gradient, block by block into a scratch tile that is copied to its place
 * (`ours`; `bare` leaves the copy out, as the library does, which works on in the tile). Beside it
 * runs dnnl_sgemm of oneDNN on the same operands, and before all a loop of nothing but fused
 * multiply-adds, which gives the peak that the shares refer to. `pack` is what packing takes of
 * `ours`, or would take where it is not done. `brief` is batch 128 only. `check` compares with a
 * naive product in double precision instead, and the bits across ways to cut and to pack.
 * -DPH_DOUBLE checks and times the double precision build (then without oneDNN).
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/product.h"
#ifndef PH_DOUBLE
#include <oneapi/dnnl/dnnl.h>
#endif

enum { ALIGN = 64, TRIALS = 41 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static real *fresh(size_t count)
{
    void *memory;
    if (posix_memalign(&memory, ALIGN, count * sizeof(real)) != 0)
        abort();
    real *x = memory;
    for (size_t i = 0; i < count; i++)
        x[i] = (real)rand() / (real)RAND_MAX - (real)0.5;
    return x;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A product as the callers of the kernel see it: the element (i, kk) of A is
 * a[i * a_row + kk * a_column], and likewise for B; `rows` and `panels` are the size of a block. */
typedef struct product {
    size_t m, n, k, a_row, a_column, b_row, b_column, rows, panels;
    const real *a, *b;
    real *c, *packed;
} product;

static void pack(const product *p)
{
    ph_pack_panels(p->packed, p->b, p->b_row, p->b_column, p->k, p->n, 0,
                   (p->n + PH_PANEL - 1) / PH_PANEL);
}

static void compute(const product *p, bool direct, bool copy)
{
    static _Alignas(ALIGN) real tile[512 * 1024];
    size_t width = p->panels * PH_PANEL, blocks = (p->m + p->rows - 1) / p->rows;
    size_t height = (p->m + blocks - 1) / blocks;
    if (!direct)
        pack(p);
    for (size_t j = 0; j < p->n; j += width)
        for (size_t i = 0; i < p->m; i += height) {
            size_t rows = least(height, p->m - i), columns = least(width, p->n - j);
            const real *a = p->a + i * p->a_row;
            if (direct)
                ph_product_block_direct(tile, width, a, p->a_row, p->a_column, p->b + j, p->b_row,
                                        rows, p->k, columns, false);
            else
                ph_product_block(tile, width, a, p->a_row, p->a_column, p->packed + j * p->k, rows,
                                 p->k, columns, false);
            for (size_t r = 0; copy && r < rows; r++)
                memcpy(p->c + (i + r) * p->n + j, tile + r * width, columns * sizeof(real));
        }
}

static void ours(const product *p)
{
    compute(p, p->b_column == 1, true);
}

static void bare(const product *p)
{
    compute(p, p->b_column == 1, false);
}

static void theirs(const product *p)
{
#ifdef PH_DOUBLE
    (void)p;
#else
    dnnl_sgemm(p->a_column == 1 ? 'N' : 'T', p->b_column == 1 ? 'N' : 'T', (dnnl_dim_t)p->m,
               (dnnl_dim_t)p->n, (dnnl_dim_t)p->k, 1, p->a,
               (dnnl_dim_t)(p->a_column == 1 ? p->a_row : p->a_column), p->b,
               (dnnl_dim_t)(p->b_column == 1 ? p->b_row : p->b_column), 0, p->c,
               (dnnl_dim_t)p->n);
#endif
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median seconds of one call; a trial repeats it for about half a millisecond. */
static double seconds(void (*run)(const product *), const product *p)
{
    double trial[TRIALS];
    double begin = now();
    run(p);
    run(p);
    int repeat = 1 + (int)(1e-3 / (now() - begin));
    for (int t = 0; t < TRIALS; t++) {
        begin = now();
        for (int r = 0; r < repeat; r++)
            run(p);
        trial[t] = (now() - begin) / repeat;
    }
    qsort(trial, TRIALS, sizeof *trial, ascending);
    return trial[TRIALS / 2];
}

/* Eight independent chains of multiply-adds, as many as the units have stages. */
#ifdef __x86_64__
#define WIDEST __attribute__((target("avx512f,fma")))
#define REGISTER(x) "v"(x)
#else
#define WIDEST
#define REGISTER(x) "w"(x)
#endif
typedef real line __attribute__((vector_size(64)));
static volatile real sink;
WIDEST static void chains(const product *p)
{
    line x = {(real)0.5}, y = {(real)0.25}, a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x;
    for (size_t i = 0; i < p->k; i++) {
        a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y;
        e = e * x + y, f = f * x + y, g = g * x + y, h = h * x + y;
        __asm__ volatile("" : "+" REGISTER(a), "+" REGISTER(b), "+" REGISTER(c), "+" REGISTER(d),
                              "+" REGISTER(e), "+" REGISTER(f), "+" REGISTER(g), "+" REGISTER(h));
    }
    sink = (a + b + c + d + e + f + g + h)[0];
}

static void fill(product *p)
{
    p->a = fresh(p->m * p->k);
    p->b = fresh(p->k * p->n);
    p->c = fresh(p->m * p->n);
    p->packed = fresh(ph_panels_size(p->k, p->n));
}

static product shape(char use, size_t batch, size_t in, size_t out)
{
    product p = {.rows = PH_BLOCK_ROWS, .panels = PH_BLOCK_PANELS};
    if (use == 'f') /* Y = X W */
        p = (product){batch, out, in, in, 1, out, 1, p.rows, p.panels, 0, 0, 0, 0};
    else if (use == 'd') /* dX = dY W^T */
        p = (product){batch, in, out, out, 1, 1, out, p.rows, p.panels, 0, 0, 0, 0};
    else /* dW = X^T dY */
        p = (product){in, out, batch, 1, in, out, 1, p.rows, p.panels, 0, 0, 0, 0};
    fill(&p);
    return p;
}

static void drop(product *p)
{
    free((void *)p->a);
    free((void *)p->b);
    free(p->c);
    free(p->packed);
}

static void table(bool brief)
{
    static const size_t layer[][2] = {{784, 256}, {256, 128},  {128, 20},    {20, 128},
                                      {128, 256}, {256, 784},  {784, 1000},  {1000, 1000},
                                      {1000, 20}, {20, 1000},  {1000, 784}};
    static const size_t batches[] = {128, 100, 512};
    product loop = {.k = 100000};
    double peak = 2 * 8 * (64 / sizeof(real)) * 100000.0 / seconds(chains, &loop);
    printf("isa %s, peak %.1f GFLOP/s, blocks of %d x %d panels\n", ph_product_isa(), peak * 1e-9,
           PH_BLOCK_ROWS, PH_BLOCK_PANELS);
    printf("%-6s %-10s %4s  %8s %7s %7s %7s %7s\n", "use", "layer", "M", "us", "ours",
           "bare", "dnnl", "pack");
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b += brief ? 9 : 1)
        for (size_t l = 0; l < sizeof layer / sizeof *layer; l++)
            for (const char *use = "fdw"; *use; use++) {
                product p = shape(*use, batches[b], layer[l][0], layer[l][1]);
                double flops = 2.0 * (double)p.m * (double)p.n * (double)p.k;
                double mine = seconds(ours, &p), other = seconds(theirs, &p);
                double in_tile = seconds(bare, &p), packing = seconds(pack, &p);
                char name[32];
                snprintf(name, sizeof name, "%zux%zu", layer[l][0], layer[l][1]);
                printf("%-6c %-10s %4zu  %8.1f %6.1f%% %6.1f%% %6.1f%% %6.1f%%%s\n", *use, name,
                       batches[b], mine * 1e6, 100 * flops / mine / peak,
                       100 * flops / in_tile / peak, 100 * flops / other / peak,
                       100 * packing / mine, mine > other ? "  <" : "");
                drop(&p);
            }
}

/* All sizes around the edges of tiles, panels and parts of k, all orientations; the largest error
 * in units of what rounding may cost; false if the bits depend on the blocks or on packing. A hash
 * of all results lets two instruction sets be compared. */
static bool check(void)
{
    static const size_t edge[] = {1, 2, 3, 7, 13, 15, 16, 17, 20, 31, 33, 64, 97, 130};
    static const size_t deep[] = {1, 2, 5, 20, 31, 256, 257, 700};
    enum { EDGES = sizeof edge / sizeof *edge, DEEPS = sizeof deep / sizeof *deep };
    double worst = 0;
    uint64_t hash = 1469598103934665603u;
    bool equal = true;
    for (size_t t = 0; t < (size_t)EDGES * EDGES * DEEPS * 4; t++) {
        product p = {edge[t / 4 % EDGES], edge[t / 4 / EDGES % EDGES], deep[t / 4 / EDGES / EDGES],
                     1, 1, 1, 1, 64, 2, 0, 0, 0, 0};
        if (t & 1)
            p.a_column = p.m;
        else
            p.a_row = p.k;
        if (t & 2)
            p.b_column = p.k;
        else
            p.b_row = p.n;
        fill(&p);
        compute(&p, false, true);
        size_t bytes = p.m * p.n * sizeof(real);
        for (size_t i = 0; i < p.m; i++)
            for (size_t j = 0; j < p.n; j++) {
                double sum = 0, size = 0;
                for (size_t kk = 0; kk < p.k; kk++) {
                    double x = (double)p.a[i * p.a_row + kk * p.a_column] *
                               (double)p.b[kk * p.b_row + j * p.b_column];
                    sum += x;
                    size += fabs(x);
                }
                double unit = (sizeof(real) == 4 ? 0x1p-24 : 0x1p-53) * (double)(p.k + 1) * size;
                worst = fmax(worst, fabs(p.c[i * p.n + j] - sum) / unit);
            }
        for (size_t i = 0; i < bytes; i++)
            hash = (hash ^ ((unsigned char *)p.c)[i]) * 1099511628211u;
        real *first = p.c;
        p.c = fresh(p.m * p.n);
        for (size_t rows = 1; rows < 40; rows += 9) {
            p.rows = rows;
            p.panels = 1 + rows % 4;
            compute(&p, p.b_row >= p.n && p.b_column == 1 && rows % 2, true);
            equal &= memcmp(first, p.c, bytes) == 0;
        }
        free(first);
        drop(&p);
    }
    printf("isa %s: error at most %.3f of the bound, bits %s, hash %016llx\n", ph_product_isa(),
           worst, equal ? "equal" : "DIFFERENT", (unsigned long long)hash);
    return equal && worst <= 1;
}

int main(int count, char **word)
{
    if (count > 1 && strcmp(word[1], "check") == 0)
        return check() ? 0 : 1;
    table(count > 1);
    return 0;
}
