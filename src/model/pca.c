/* pca.c - principal component analysis in closed form (Pearson 1901, Hotelling 1933): the best
 * linear autoencoder.
 *
 *     code = (x - mean) C,  y = code transpose(C) + mean,  C: the leading eigenvectors of the
 *     covariance of the rows, of unit length, each with its largest entry positive
 *
 * With fewer rows than columns the Gram matrix of the rows is the smaller one: its eigenvectors u
 * give C = transpose(X) u / sqrt(eigenvalue). Only the wanted eigenvectors are computed (LAPACK's
 * syevr); sums over rows are made in blocks of single precision and added up in double.
 */
#include "model/model.h"

#include "base/lapack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct pca_options {
    int64_t latent_dim;
} pca_options;

static const ph_option table[] = {
    { "latent-dim", "n-latent hiddensize z-dim code-size n-components", PH_OPTION_INT,
      offsetof(pca_options, latent_dim), "20", 1, 1e6, NULL, "number of components" },
};

static void build(ph_graph *g, ph_node *x, const void *options)
{
    const pca_options *o = options;
    ph_node *row = ph_flatten(x);
    size_t width = ph_width(x), k = (size_t)o->latent_dim;
    if (k > width) {
        ph_refuse(g, "latent-dim: %zu components of rows of %zu numbers", k, width);
        return;
    }
    ph_scope *scope = ph_scope_of(g, "pca");
    ph_node *mean = ph_parameter(scope, "mean", 1, &width, PH_ZEROS, 0);
    ph_node *components = ph_parameter(scope, "components", 2, (size_t[]){ width, k }, PH_ZEROS, 0);
    ph_state(scope, "variance", 1, &k, PH_ZEROS);
    ph_node *code = ph_product(ph_sub(row, mean), components, false);
    ph_node *y = ph_add(ph_product(code, components, true), mean);
    ph_node *picture = ph_reshape_like(y, x);
    ph_add_phase(g, &(ph_phase){ .loss = ph_loss("mse", y, row) });
    ph_export(g, "encode", x, code);
    ph_export(g, "decode", code, picture);
    ph_export(g, "reconstruct", x, picture);
}

/* ---- The closed form ----------------------------------------------------------------------------- */

enum { BLOCK = 1024 };

typedef struct fitting {
    const ph_data *data;
    const ph_scaling *scaling;
    size_t rows, width, k;
    double *mean;              /* width */
    double *matrix;            /* size x size: covariance or Gram, times the number of rows */
    size_t size;
} fitting;

static ph_status out_of_memory(void)
{
    return ph_fail(PH_MEMORY, "out of memory while fitting pca");
}

static ph_status sum_mean(fitting *f, real *block)
{
    for (size_t first = 0; first < f->rows; first += BLOCK) {
        size_t count = f->rows - first < BLOCK ? f->rows - first : BLOCK;
        PH_TRY(ph_fetch_range(f->data, f->scaling, first, count, block));
        for (size_t r = 0; r < count; r++)
            for (size_t c = 0; c < f->width; c++)
                f->mean[c] += (double)block[r * f->width + c];
    }
    for (size_t c = 0; c < f->width; c++)
        f->mean[c] /= (double)f->rows;
    return PH_OK;
}

/* The Gram matrix of centred rows, in double: there are few rows. */
static ph_status gram(fitting *f, double *x)
{
    size_t n = f->width;
    for (size_t i = 0; i < f->rows; i++)
        for (size_t j = i; j < f->rows; j++) {
            double sum = 0;
            for (size_t c = 0; c < n; c++)
                sum += x[i * n + c] * x[j * n + c];
            f->matrix[i * f->rows + j] = sum;
        }
    return PH_OK;
}

/* The k largest eigenvalues, descending, and their vectors as columns of vectors[size x k]. */
static ph_status leading(const fitting *f, double *value, double *vectors)
{
    double *w = malloc(f->k * sizeof *w), *z = malloc(f->size * f->k * sizeof *z);
    ph_status status = w && z ? ph_eigenvectors(f->matrix, f->size, f->k, w, z) : out_of_memory();
    for (size_t j = 0; j < f->k && status == PH_OK; j++) {
        value[j] = w[f->k - 1 - j];
        for (size_t i = 0; i < f->size; i++)
            vectors[i * f->k + j] = z[(f->k - 1 - j) * f->size + i];
    }
    free(w);
    free(z);
    return status;
}

static void store(ph_graph *g, const fitting *f, const double *value, double *components)
{
    real *mean = ph_variable_find(g, "pca/mean")->data;
    real *c = ph_variable_find(g, "pca/components")->data;
    real *variance = ph_variable_find(g, "pca/variance")->data;
    double freedom = f->rows > 1 ? (double)f->rows - 1 : 1;
    for (size_t i = 0; i < f->width; i++)
        mean[i] = (real)f->mean[i];
    for (size_t j = 0; j < f->k; j++) {
        double largest = 0;
        for (size_t i = 0; i < f->width; i++)
            largest = fabs(components[i * f->k + j]) > fabs(largest) ? components[i * f->k + j]
                                                                    : largest;
        for (size_t i = 0; i < f->width; i++)
            c[i * f->k + j] = (real)(largest < 0 ? -components[i * f->k + j]
                                                 : components[i * f->k + j]);
        variance[j] = (real)(value[j] / freedom);
    }
}

static ph_status fit_wide(fitting *f, ph_graph *g, real *block, double *value)
{
    double *x = malloc(f->rows * f->width * sizeof *x);
    double *u = malloc(f->rows * f->k * sizeof *u);
    double *components = calloc(f->width * f->k, sizeof *components);
    ph_status status = x && u && components ? sum_mean(f, block) : out_of_memory();
    for (size_t first = 0; first < f->rows && status == PH_OK; first += BLOCK) {
        size_t count = f->rows - first < BLOCK ? f->rows - first : BLOCK;
        status = ph_fetch_range(f->data, f->scaling, first, count, block);
        for (size_t r = 0; r < count; r++)
            for (size_t c = 0; c < f->width; c++)
                x[(first + r) * f->width + c] = (double)block[r * f->width + c] - f->mean[c];
    }
    if (status == PH_OK)
        status = gram(f, x);
    if (status == PH_OK)
        status = leading(f, value, u);
    for (size_t j = 0; j < f->k && status == PH_OK; j++) {
        /* Directions without variance have no defined component; they stay zero. */
        double scale = value[j] > 1e-12 * value[0] ? 1 / sqrt(value[j]) : 0;
        for (size_t r = 0; r < f->rows; r++)
            for (size_t c = 0; c < f->width; c++)
                components[c * f->k + j] += scale * u[r * f->k + j] * x[r * f->width + c];
    }
    if (status == PH_OK)
        store(g, f, value, components);
    free(x);
    free(u);
    free(components);
    return status;
}

static ph_status fit_tall(fitting *f, ph_graph *g, double *value)
{
    double *components = malloc(f->width * f->k * sizeof *components);
    ph_status status = components ? ph_moments(f->data, f->scaling, f->mean, f->matrix)
                                  : out_of_memory();
    if (status == PH_OK)
        status = leading(f, value, components);
    if (status == PH_OK)
        store(g, f, value, components);
    free(components);
    return status;
}

static ph_status fit(ph_graph *g, const ph_data *data, const ph_scaling *scaling)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    size_t k = ph_variable_find(g, "pca/components")->shape.dim[1];
    if (info.width != ph_variable_find(g, "pca/mean")->size)
        return ph_fail(PH_DATA, "%s: rows of %zu numbers, but the model takes %zu", info.name,
                       info.width, ph_variable_find(g, "pca/mean")->size);
    if (k > info.rows)
        return ph_fail(PH_USAGE, "latent-dim: %zu components from %zu rows", k, info.rows);
    fitting f = { .data = data, .scaling = scaling, .rows = info.rows, .width = info.width, .k = k };
    bool wide = info.rows < info.width;
    f.size = wide ? info.rows : info.width;
    f.mean = calloc(f.width, sizeof *f.mean);
    f.matrix = calloc(f.size * f.size, sizeof *f.matrix);
    real *block = aligned_alloc(64, (BLOCK * f.width * sizeof(real) + 63) / 64 * 64);
    double *value = calloc(k, sizeof *value);
    ph_status status = !f.mean || !f.matrix || !block || !value ? out_of_memory()
                       : wide                                    ? fit_wide(&f, g, block, value)
                                                                 : fit_tall(&f, g, value);
    free(f.mean);
    free(f.matrix);
    free(block);
    free(value);
    return status;
}

const ph_family_desc ph_family_pca = {
    .face = { "pca", "principal components, in closed form", table, sizeof table / sizeof table[0] },
    .options_size = sizeof(pca_options),
    .build = build,
    .fit = fit,
};
