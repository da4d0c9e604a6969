/* stack.c - nets: lists of layers made into nodes, encoders and the decoders that mirror them.
 *
 * A value is numbers, [n], or the same numbers as a picture, [h, w, c], as the layer that made it had them:
 * so its activation can run on the tiles of its product.
 */
#include "nn/nn.h"

#include <stdio.h>
#include <string.h>

/* A net that is being built: the value so far, and what picture it is, or is the numbers of. One dimension
 * more, before the others, is of further rows. */
typedef struct flow {
    ph_scope *scope;
    ph_node *a;
    bool spread;               /* a is [h, w, c] */
    ph_picture picture;
    const ph_stack *o;
    const char *norm;          /* of the layer that is added */
    bool due;                  /* what a hidden layer gave is not activated yet */
} flow;

/* The value with its own dimensions, the last `own`, replaced. */
static ph_node *reshaped(ph_node *a, size_t own, size_t rank, const size_t *dim)
{
    if (ph_is_dead(a))
        return a;
    size_t shape[PH_MAX_RANK], lead = a->shape.rank - own;
    if (lead + rank > PH_MAX_RANK)
        return ph_mistake(a->graph, "a layer of pictures takes one dimension before theirs at most");
    memcpy(shape, a->shape.dim, lead * sizeof shape[0]);
    memcpy(shape + lead, dim, rank * sizeof shape[0]);
    return ph_reshape(a, lead + rank, shape);
}

static ph_node *as_picture(const flow *f)
{
    return f->spread ? f->a : reshaped(f->a, 1, 3, f->picture.size);
}

static ph_node *as_numbers(const flow *f)
{
    const size_t *size = f->picture.size;
    return f->spread ? reshaped(f->a, 3, 1, (size_t[]){ size[0] * size[1] * size[2] }) : f->a;
}

/* Weight number i of a scope, if there is one. */
static ph_node *weight_of(ph_scope *scope, int i)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%d/weight", scope->name, i);
    ph_variable *v = ph_variable_find(scope->graph, name);
    return v ? v->node : NULL;
}

/* The encoder's weight that the decoder's next layer uses, or NULL. */
static ph_node *tied_weight(const flow *f)
{
    return f->o->tied ? weight_of(f->o->tied, f->o->tied->layers - 1 - f->scope->layers) : NULL;
}

static ph_node *dense(const flow *f, size_t width, const char *activation)
{
    return ph_linear_with(f->scope, as_numbers(f), width, activation, f->o->init, f->o->bias,
                          tied_weight(f));
}

/* Half width of the start of a convolution from in to out channels (see ph_start_range). A number of a
 * transposed one's result comes from a part of the window's places. */
static double window_range(const ph_layer *l, size_t in, size_t out, const char *f, const char *rule)
{
    size_t places = l->kernel[0] * l->kernel[1], groups = l->window.groups;
    size_t shared = l->kind == PH_DECONVOLUTION ? l->window.stride[0] * l->window.stride[1] : 1;
    size_t met = places * in / groups / shared;
    return ph_start_range(met ? met : 1, places * out / groups, f, rule);
}

/* A convolution, or a transposed one, of pictures a. */
static ph_node *convolve(const flow *f, ph_node *a, const ph_layer *l, const char *activation)
{
    if (ph_is_dead(a))
        return a;
    char name[32];
    bool back = l->kind == PH_DECONVOLUTION;
    size_t in = ph_shape_columns(&a->shape), groups = l->window.groups;
    size_t shape[] = { l->kernel[0], l->kernel[1], (back ? l->width : in) / groups, back ? in : l->width };
    ph_node *weight = tied_weight(f);
    int number = f->scope->layers++;
    snprintf(name, sizeof name, "%d/weight", number);
    double range = window_range(l, in, l->width, activation, f->o->init);
    if (weight == NULL)
        weight = ph_parameter(f->scope, name, 4, shape, PH_UNIFORM, range);
    ph_node *y = back ? ph_transposed_convolution(a, weight, &l->window, l->size)
                      : ph_convolution(a, weight, &l->window);
    return f->o->bias ? ph_add(y, ph_bias(f->scope, number, l->width, f->o->init, range)) : y;
}

static ph_node *activated(const flow *f, ph_node *a)
{
    return ph_activation(ph_norm(f->scope, a, f->norm), f->o->activation);
}

/* x + W1 f(W3 f(x)), W3 a convolution of 3 x 3 and W1 of 1 x 1 (He et al. 2016, pre-activated; the form of
 * van den Oord et al. 2017), so many times; the last sum is activated by who comes next. A norm stands before
 * each f, and each block begins with both; without one the first block takes x as the layer before has
 * activated it. */
static ph_node *residual(const flow *f, const ph_layer *l)
{
    const char *act = f->o->activation;
    ph_node *x = as_picture(f);
    bool normed = strcmp(f->norm, "none") != 0;
    bool line = f->picture.size[0] == 1, column = f->picture.size[1] == 1;
    ph_layer one = ph_layer_of(PH_CONVOLUTION, l->width), three = one;
    for (int i = 0; i < 2; i++)
        if (!(i == 0 ? line : column)) {
            three.kernel[i] = 3;
            three.window.padding[i] = 1;
        }
    if (f->picture.size[2] != l->width)
        x = convolve(f, x, &one, "linear");
    for (size_t i = 0; i < l->repeat; i++) {
        ph_node *h = i || normed ? activated(f, x) : x;
        h = activated(f, convolve(f, h, &three, act));
        x = ph_add(x, convolve(f, h, &one, "linear"));
    }
    return x;
}

/* x + attention(norm(x)) over the pixels, so many times. */
static ph_node *attend(const flow *f, const ph_layer *l)
{
    const size_t *size = f->picture.size;
    ph_node *x = reshaped(as_picture(f), 3, 2, (size_t[]){ size[0] * size[1], size[2] });
    for (size_t i = 0; i < l->repeat; i++)
        x = ph_add(x, ph_attention(f->scope, ph_norm(f->scope, x, "layer"), l->heads, l->causal));
    return reshaped(x, 2, 3, size);
}

static ph_node *add_places(const flow *f)
{
    char name[32];
    snprintf(name, sizeof name, "%d/places", f->scope->layers++);
    return ph_add(as_picture(f), ph_parameter(f->scope, name, 3, f->picture.size, PH_ZEROS, 0));
}

/* Rows are words as they are read; what noise makes of one is taken for the nearest. */
static ph_node *embed(const flow *f, const ph_layer *l)
{
    char name[32];
    const size_t *size = f->picture.size;
    snprintf(name, sizeof name, "%d/words", f->scope->layers++);
    ph_node *words = ph_parameter(f->scope, name, 2, (size_t[]){ l->words, l->width }, PH_NORMAL, 1);
    ph_node *index = ph_to_index(ph_clamp(ph_round(as_numbers(f)), 0, (double)l->words - 1));
    return ph_reshape(ph_gather(words, index), 3, (size_t[]){ size[0], size[1], size[2] * l->width });
}

/* Of channels, or of each number where the layer has found that many of them. */
static ph_node *norm(const flow *f, const ph_layer *l)
{
    const ph_picture *p = &f->picture;
    bool pixels = !p->flat && l->width == p->size[2];
    ph_node *y = ph_norm(f->scope, pixels ? as_picture(f) : as_numbers(f), l->norm);
    return pixels || p->flat ? y : reshaped(y, 1, 3, p->size);
}

static ph_node *layer(const flow *f, const ph_layer *l, const char *activation)
{
    switch (l->kind) {
    case PH_DENSE:
        return dense(f, l->width, activation);
    case PH_CONVOLUTION:
    case PH_DECONVOLUTION:
        return convolve(f, as_picture(f), l, activation);
    case PH_RESIDUAL:
        return residual(f, l);
    case PH_POOL:
        return ph_max_pool(as_picture(f), l->kernel[0], l->kernel[1], &l->window);
    case PH_AVERAGE:
        return ph_average_pool(as_picture(f), l->kernel[0], l->kernel[1], &l->window);
    case PH_UP:
        return ph_upsample(as_picture(f), l->size[0], l->size[1], l->bilinear);
    case PH_ATTEND:
        return attend(f, l);
    case PH_PLACES:
        return add_places(f);
    case PH_EMBED:
        return embed(f, l);
    case PH_NORMED:
        return norm(f, l);
    case PH_GRID:
        break;
    }
    return as_numbers(f);
}

/* One layer, without its activation. */
static void add_layer(flow *f, const char *option, ph_layer l, const char *activation)
{
    ph_picture after = f->picture;
    if (ph_layer_shape(option, &l, &after) == PH_OK)
        f->a = layer(f, &l, activation);
    else
        ph_refuse(f->scope->graph, "%s", ph_message());
    if (ph_graph_status(f->scope->graph) != PH_OK)
        f->a = &f->scope->graph->dead;
    f->picture = after;
    f->spread = !after.flat && l.kind != PH_GRID;
}

static void add_layers(flow *f, const ph_layers *layers)
{
    const ph_stack *o = f->o;
    for (size_t i = 0; i < layers->count; i++) {
        const ph_layer *l = &layers->layer[i];
        bool bare = o->last_is_linear && i + 1 == layers->count;
        const char *own = ph_layers_norm(layers, i), *usual = o->norm ? o->norm : "none";
        f->norm = own ? own : usual;
        add_layer(f, layers->option, *l, o->activation);
        f->due = f->due || l->kind <= PH_RESIDUAL;
        if (f->due && own == NULL) {
            f->norm = l->kind <= PH_RESIDUAL ? usual : "none"; /* the list's own norm is a layer of its own */
            f->a = bare ? f->a : activated(f, f->a);
            f->a = ph_dropout(f->a, o->dropout);
            f->due = false;
        }
        f->norm = usual;
        char name[32];
        snprintf(name, sizeof name, "layer%zu", i + 1);
        if (o->input)
            ph_export(f->a->graph, name, o->input, as_numbers(f));
    }
}

/* A row's numbers (of no picture, if that is NULL). */
static flow flow_of(ph_scope *scope, ph_node *a, const ph_picture *picture, const ph_stack *o)
{
    ph_picture none = { .flat = true, .size = { 1, 1, ph_shape_columns(&a->shape) } };
    return (flow){ scope, a, false, picture ? *picture : none, o, o->norm ? o->norm : "none", false };
}

ph_stack ph_stack_of(const ph_net_options *o)
{
    return (ph_stack){ .activation = o->activation, .init = o->init, .norm = o->norm,
                       .dropout = o->dropout, .bias = true };
}

ph_status ph_net_layers(const ph_net_options *o, const ph_shape *row, ph_picture *code,
                        ph_layers *encoder, ph_layers *decoder)
{
    ph_picture numbers = { .flat = true, .size = { 1, 1, 1 } };
    PH_TRY(ph_layers_read("hidden", o->hidden, encoder));
    return ph_layers_mirror(o->decoder_hidden, encoder, row, code ? code : &numbers, decoder);
}

ph_node *ph_stack_over(ph_scope *scope, ph_node *a, ph_picture *picture, const ph_layers *layers,
                       const ph_stack *o)
{
    if (ph_is_dead(a))
        return a;
    flow f = flow_of(scope, a, picture, o);
    add_layers(&f, layers);
    if (picture)
        *picture = f.picture;
    return as_numbers(&f);
}

ph_node *ph_decode_over(ph_scope *scope, ph_node *code, const ph_picture *picture, const ph_shape *row,
                        size_t each, const ph_layers *layers, const ph_stack *o)
{
    if (ph_is_dead(code))
        return code;
    flow f = flow_of(scope, code, picture, o);
    ph_picture end = ph_picture_of(row);
    memcpy(f.picture.thin, end.thin, sizeof end.thin);
    ph_layer last = layers->last;
    add_layers(&f, layers);
    if (layers->mirror && last.kind != PH_DENSE) {
        last.width = end.size[2] * each;
        add_layer(&f, layers->option, last, "linear");
        if (last.kind == PH_CONVOLUTION || last.kind == PH_DECONVOLUTION)
            return as_numbers(&f);
    }
    /* A picture of the right size lacks only channels; what is no picture of that size becomes one. */
    if (!f.picture.flat && memcmp(f.picture.size, end.size, 2 * sizeof end.size[0]) == 0)
        last = ph_layer_of(PH_CONVOLUTION, end.size[2] * each);
    else
        last = ph_layer_of(PH_DENSE, ph_shape_size(row) * each);
    add_layer(&f, layers->option, last, "linear");
    return as_numbers(&f);
}
