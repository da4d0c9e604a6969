/* sample.c - new rows: codes drawn from a prior, decoded. */
#include "model/model.h"

#include "base/philox.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ph_model_has_prior(const ph_model *m)
{
    return m->family->has_prior || ph_model_export(m, "prior") || ph_model_says_words(m);
}

/* Two normals of one draw (Box and Muller 1958), the same for a sample whatever else is drawn. */
static void draw_normals(uint64_t seed, size_t sample, size_t n, double *u, double *normal)
{
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) }, word[4];
    for (size_t i = 0; i < n; i += 2) {
        ph_philox(word, (uint32_t[4]){ (uint32_t)i, (uint32_t)sample, (uint32_t)(sample >> 32),
                                       0x53414d50 }, key);
        double radius = sqrt(-2 * log((word[0] + 0.5) / 4294967296.0));
        double angle = 2 * M_PI * ((word[1] + 0.5) / 4294967296.0);
        normal[i] = radius * cos(angle);
        if (i + 1 < n)
            normal[i + 1] = radius * sin(angle);
        if (i == 0)
            *u = (word[2] + 0.5) / 4294967296.0;
    }
}

/* Normals and mixtures of them are numbers; a code with classes is not. */
static ph_status check_numbers(const ph_model *m, const char *from)
{
    size_t classes = ph_model_code_classes(m), labels = ph_model_label_numbers(m);
    if (classes)
        return ph_fail(PH_USAGE, "codes from %s are numbers, but the model's are variables of %zu "
                       "classes: codes come from prior", from, classes);
    if (labels)
        return ph_fail(PH_USAGE, "codes from %s are numbers, but the model's begin with one of %zu "
                       "classes: codes come from prior", from, labels);
    return PH_OK;
}

/* Whether codes can be drawn from there. */
static ph_status check_source(const ph_model *m, const char *from)
{
    bool mixture = strcmp(from, "mixture") == 0, prior = strcmp(from, "prior") == 0;
    if (!mixture && !prior && strcmp(from, "normal") != 0)
        return ph_fail(PH_USAGE, "codes from '%s': it is prior, normal or mixture", from);
    if (prior && !ph_model_has_prior(m))
        return ph_fail(PH_USAGE, "a model of family %s has no prior: codes come from normal or mixture",
                       m->family->face.name);
    if (!prior)
        PH_TRY(check_numbers(m, from));
    if (mixture && m->mixture.count == 0)
        return ph_fail(PH_USAGE, "the model keeps no mixture of its codes yet: give the data to fit "
                       "one on");
    return PH_OK;
}

static ph_status no_such_class(const ph_model *m, size_t label)
{
    return ph_fail(PH_USAGE, "label %zu: the model has classes 0 to %zu", label, ph_model_labels(m) - 1);
}

/* Row r of the classes that draws are told: that of draw r, and 0 where it is told none. */
static void tell_classes(real *out, const ph_draws *d, size_t first, size_t count, size_t classes)
{
    memset(out, 0, count * classes * sizeof *out);
    for (size_t r = 0; r < count; r++)
        out[r * classes + (d->labels[first + r] == PH_NO_LABEL ? 0 : d->labels[first + r])] = 1;
}

/* Draws that the graph makes itself, in blocks whose number is the step of their noise: of "prior", or of
 * "prior-of" the classes that they are told. */
static ph_status draw_exported(ph_model *m, const char *name, const ph_draws *d, size_t first, size_t count,
                               real *codes)
{
    ph_function *f = ph_model_function(m, name);
    if (f == NULL)
        return ph_last_status();
    size_t width = ph_shape_size(&f->named->value->shape), most = ph_use_rows(f->program, PH_USE_ROWS);
    size_t in = ph_shape_size(&f->named->input->shape);
    bool told = f->named->input != m->x;
    PH_TRY(ph_model_scratch(m, in));
    f->program->seed = d->seed;
    for (size_t done = 0; done < count;) {
        size_t block = (first + done) / most, skip = (first + done) % most;
        size_t n = most - skip < count - done ? most - skip : count - done;
        f->program->noise_step = (uint32_t)block;
        if (told) /* what is skipped was told before, and is not looked at */
            tell_classes(m->rows_in + skip * in, d, done, n, in);
        PH_TRY(ph_program_run(f->program, (size_t[PH_MAX_SETS]){ 1, skip + n },
                              (const void *[]){ m->rows_in }));
        memcpy(codes + done * width, ph_program_output(f->program, 0) + skip * width,
               n * width * sizeof codes[0]);
        done += n;
    }
    return PH_OK;
}

static ph_status draw_numbers(ph_model *m, bool mixture, uint64_t seed, size_t first, size_t count,
                              size_t width, real *codes)
{
    double *normal = malloc(width * sizeof *normal), u = 0;
    if (normal == NULL)
        return ph_fail(PH_MEMORY, "out of memory for codes");
    for (size_t r = 0; r < count; r++, codes += width) {
        draw_normals(seed, first + r, width, &u, normal);
        if (mixture)
            ph_mixture_draw(&m->mixture, u, normal, codes);
        for (size_t i = 0; i < width && !mixture; i++)
            codes[i] = (real)normal[i];
    }
    free(normal);
    return PH_OK;
}

/* Classes have parts of the prior: rows that are told one come from that. */
static ph_status draw_parts(ph_model *m, const ph_draws *d, size_t first, size_t count, size_t width,
                            real *codes)
{
    size_t classes = ph_model_labels(m);
    real *own = malloc(count * width * sizeof *own);
    ph_status status = own ? PH_OK : ph_fail(PH_MEMORY, "out of memory for codes");
    for (size_t i = 0; i < count && status == PH_OK; i++)
        if (d->labels[i] != PH_NO_LABEL && d->labels[i] >= classes)
            status = no_such_class(m, d->labels[i]);
    if (status == PH_OK)
        status = draw_exported(m, "prior-of", d, first, count, own);
    for (size_t i = 0; i < count && status == PH_OK; i++)
        if (d->labels[i] != PH_NO_LABEL)
            memcpy(codes + i * width, own + i * width, width * sizeof *own);
    free(own);
    return status;
}

ph_status ph_model_draw_codes(ph_model *m, const ph_draws *d, size_t first, size_t count, ph_real *codes)
{
    size_t width, out;
    bool prior = strcmp(d->from, "prior") == 0, mixture = strcmp(d->from, "mixture") == 0;
    bool says = prior && ph_model_says_words(m);
    PH_TRY(ph_model_port(m, "decode", &width, &out));
    PH_TRY(check_source(m, d->from));
    if (says)
        return ph_model_say(m, d, first, count, codes);
    if (d->temperature > 0 || d->top)
        return ph_fail(PH_USAGE, "%s: codes are not drawn word by word from %s",
                       d->top ? "top" : "temperature", prior ? "this model's prior" : d->from);
    if (prior && ph_model_export(m, "prior"))
        PH_TRY(draw_exported(m, "prior", d, first, count, codes));
    else
        PH_TRY(draw_numbers(m, mixture, d->seed, first, count, width, codes));
    if (prior && d->labels && ph_model_export(m, "prior-of"))
        return draw_parts(m, d, first, count, width, codes);
    for (size_t i = 0; d->labels && i < count; i++)
        if (d->labels[i] != PH_NO_LABEL)
            PH_TRY(ph_model_set_label(m, d->labels[i], codes + i * width, 1));
    return PH_OK;
}

size_t ph_model_label_numbers(const ph_model *m)
{
    const ph_named *label = ph_model_export(m, "label");
    return label ? ph_shape_size(&label->value->shape) : 0;
}

size_t ph_model_labels(const ph_model *m)
{
    const ph_named *named = ph_model_says_words(m) ? ph_model_export(m, "classify") : NULL;
    const ph_named *parts = ph_model_export(m, "prior-of");
    return named ? ph_shape_size(&named->value->shape)
           : parts ? ph_shape_size(&parts->input->shape)
                   : ph_model_label_numbers(m);
}

ph_status ph_model_set_label(const ph_model *m, size_t label, ph_real *codes, size_t count)
{
    size_t labels = ph_model_label_numbers(m), width, out;
    if (labels == 0)
        return ph_fail(PH_USAGE, "label %zu: codes of this model have no class", label);
    if (label >= labels)
        return no_such_class(m, label);
    PH_TRY(ph_model_port(m, "decode", &width, &out));
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < labels; c++)
            codes[r * width + c] = c == label;
    return PH_OK;
}

size_t ph_model_mixture(const ph_model *m)
{
    return m->mixture.count;
}

ph_status ph_model_fit_mixture(ph_model *m, const ph_data *data, size_t components, uint64_t seed)
{
    enum { MOST_ROWS = 20000 };
    size_t in, width;
    ph_data_info info;
    ph_data_describe(data, &info);
    PH_TRY(check_numbers(m, "a mixture of Gaussians"));
    PH_TRY(ph_model_port(m, "encode", &in, &width));
    size_t rows = info.rows < MOST_ROWS ? info.rows : MOST_ROWS;
    ph_real *codes = malloc(rows * width * sizeof *codes);
    ph_status status = codes ? PH_OK : ph_fail(PH_MEMORY, "out of memory for codes");
    /* Rows from all over the set, which may be sorted by class. */
    for (size_t r = 0; r < rows && status == PH_OK; r++)
        status = ph_model_apply_data(m, "encode", data, r * info.rows / rows, 1, codes + r * width);
    if (status == PH_OK)
        status = ph_mixture_fit(&m->mixture, components, codes, rows, width, seed);
    free(codes);
    return status;
}
