/* test_layers_double.c - lists of layers: what is read, what shapes they make, what a decoder mirrors; and rows
 * of words, whose likelihood is computed by hand.
 */
#include "model/made.h"
#include "nn/likelihood.h"
#include "nn/nn.h"

static ph_layers read_list(const char *text)
{
    ph_layers layers;
    if (ph_layers_read("hidden", text, &layers) != PH_OK)
        fail_msg("%s", ph_message());
    return layers;
}

static void check_size(const ph_picture *p, size_t h, size_t w, size_t c)
{
    if (p->size[0] != h || p->size[1] != w || p->size[2] != c)
        fail_msg("%zux%zux%zu, not %zux%zux%zu", p->size[0], p->size[1], p->size[2], h, w, c);
}

/* What the help shows can be written so. */
static void every_form_is_read(void **state)
{
    (void)state;
    const char *form, *help;
    size_t count = 0;
    for (; (form = ph_layer_at(count, &help)); count++) {
        assert_int_equal(read_list(form).layer[0].kind, count);
        assert_true(strlen(help) > 10);
    }
    assert_int_equal(count, PH_EMBED + 1);
    assert_null(help);
}

static void windows_are_whole(void **state)
{
    (void)state;
    ph_layers plain = read_list("conv 8 5"), full = read_list(" conv 6 3x5/1x2 pad 0x2 dilate 2 groups 3 ,64 ");
    const ph_window *w = &plain.layer[0].window, *v = &full.layer[0].window;
    assert_true(w->groups == 1 && w->dilation[0] == 1 && w->dilation[1] == 1 && w->stride[1] == 1);
    assert_true(w->padding[0] == 2 && w->padding[1] == 2);
    assert_true(v->groups == 3 && v->dilation[0] == 2 && v->dilation[1] == 2);
    assert_true(v->stride[0] == 1 && v->stride[1] == 2 && v->padding[0] == 0 && v->padding[1] == 2);
    assert_int_equal(full.layer[1].width, 64);
    plain = read_list("attend 2 x3 causal, up 2 nearest, up 3 bilinear, attend 2 causal x3");
    assert_true(plain.layer[0].causal && plain.layer[0].repeat == 3 && plain.layer[3].causal);
    assert_true(plain.layer[3].repeat == 3 && !plain.layer[1].bilinear && plain.layer[2].bilinear);
    plain = read_list("pool 2");
    assert_true(plain.layer[0].window.groups == 1 && plain.layer[0].window.dilation[0] == 1);
}

/* The decoder of words and norms: norms on the same numbers, from the words a number for each again; norms of
 * the row itself are not undone. */
static void mirrors(void **state)
{
    (void)state;
    static const ph_layer_kind of_words[] = { PH_DENSE, PH_GRID, PH_NORMED, PH_DECONVOLUTION };
    ph_shape row = ph_shape_of(1, 1, (size_t[]){ 12 });
    ph_picture code = { .flat = true, .size = { 1, 1, 1 } };
    ph_layers in = read_list("embed 5x3, conv 4 4/2, norm batch"), out;
    assert_int_equal(ph_layers_words(&in), 5);
    assert_int_equal(ph_layers_mirror("mirror", &in, &row, &code, &out), PH_OK);
    assert_int_equal(out.count, 4);
    for (size_t i = 0; i < out.count; i++)
        assert_int_equal(out.layer[i].kind, of_words[i]);
    assert_string_equal(out.layer[2].norm, "batch");
    assert_string_equal(ph_layers_norm(&out, 0), "batch"); /* through the grid */
    assert_null(ph_layers_norm(&out, 2));
    ph_picture p = { .size = { 1, 6, 4 } };
    assert_int_equal(ph_layer_shape("hidden", &out.layer[3], &p), PH_OK);
    check_size(&p, 1, 12, 3);
    assert_int_equal(out.last.kind, PH_CONVOLUTION);
    assert_int_equal(ph_layer_shape("hidden", &out.last, &p), PH_OK);
    check_size(&p, 1, 12, 1);

    in = read_list("norm batch, 7");
    assert_int_equal(ph_layers_words(&in), 0);
    assert_int_equal(ph_layers_mirror("mirror", &in, &row, &code, &out), PH_OK);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.last.kind, PH_DENSE);
    in = read_list("norm batch");
    assert_int_equal(ph_layers_mirror("mirror", &in, &row, &code, &out), PH_OK);
    assert_int_equal(out.last.kind, PH_DENSE);
}

/* The mirror gives back rows of any size, also from a single pixel; along a line's or a column's other way
 * nothing moves. */
static void mirrors_of_small_pictures(void **state)
{
    (void)state;
    static const struct { size_t rank, shape[3]; const char *list; size_t end[2]; } cases[] = {
        { 3, { 8, 8, 3 }, "conv 8 4/2, conv 8 4/2, conv 8 4/2", { 1, 1 } },
        { 3, { 24, 3, 1 }, "conv 8 4/2", { 12, 1 } },
        { 3, { 5, 7, 1 }, "conv 8 4/2, conv 8 4/2", { 1, 1 } },
        { 3, { 8, 8, 2 }, "conv 8 8/8 pad 0, res 4", { 1, 1 } },
        { 3, { 4, 4, 1 }, "pool 2, average 2", { 1, 1 } },
        { 1, { 16 }, "conv 8 4/2, conv 8 4/2, conv 8 4/2, conv 8 4/2", { 1, 1 } },
        { 2, { 16, 1 }, "conv 8 4/2, pool 2, conv 2 3", { 4, 1 } },
        { 1, { 1 }, "conv 8 4/2", { 1, 1 } },
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        ph_shape row = ph_shape_of(1, cases[k].rank, cases[k].shape);
        ph_picture code = { .flat = true, .size = { 1, 1, 1 } }, p = ph_picture_of(&row), end = p;
        ph_layers in = read_list(cases[k].list), out;
        if (ph_layers_mirror("mirror", &in, &row, &code, &out) != PH_OK)
            fail_msg("%s: %s", cases[k].list, ph_message());
        for (size_t i = 0; i < in.count; i++)
            assert_int_equal(ph_layer_shape("hidden", &in.layer[i], &p), PH_OK);
        check_size(&p, cases[k].end[0], cases[k].end[1], in.layer[in.count - 1].width ? p.size[2] : end.size[2]);
        for (size_t i = 0; i < out.count; i++)
            if (ph_layer_shape("hidden", &out.layer[i], &p) != PH_OK)
                fail_msg("%s: %s", cases[k].list, ph_message());
        assert_int_equal(ph_layer_shape("hidden", &out.last, &p), PH_OK);
        check_size(&p, end.size[0], end.size[1], end.size[2]);
    }
}

/* A window of a decoder of one's own opens from a single pixel, where it did not once have a place to move. */
static void windows_open_from_a_pixel(void **state)
{
    (void)state;
    ph_shape square = ph_shape_of(1, 3, (size_t[]){ 16, 16, 1 }), line = ph_shape_of(1, 1, (size_t[]){ 16 });
    ph_layers list = read_list("64, grid 1x1x64, deconv 32 4 pad 0, deconv 16 4/2, up 2");
    ph_picture p = ph_picture_of(&square);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(ph_layer_shape("hidden", &list.layer[i], &p), PH_OK);
    check_size(&p, 16, 16, 16);
    list = read_list("64, grid 1x1x64, deconv 32 4 pad 0, deconv 16 4/2, up 2");
    p = ph_picture_of(&line);
    for (size_t i = 0; i < list.count; i++)
        assert_int_equal(ph_layer_shape("hidden", &list.layer[i], &p), PH_OK);
    check_size(&p, 1, 16, 16);
    /* And one that has shrunk a picture to a pixel has no place for a window that skips. */
    list = read_list("conv 4 16 pad 0, conv 4 4/2");
    p = ph_picture_of(&square);
    assert_int_equal(ph_layer_shape("hidden", &list.layer[0], &p), PH_OK);
    assert_int_equal(ph_layer_shape("hidden", &list.layer[1], &p), PH_USAGE);
}

/* Of a line of numbers each has its own mean; of a picture each channel. */
static void what_a_norm_is_of(void **state)
{
    (void)state;
    static const struct { size_t rank, shape[3]; const char *list, *name; size_t size; } cases[] = {
        { 1, { 12 }, "norm batch, 4", "net/0/scale", 12 },
        { 3, { 2, 2, 3 }, "norm batch, 4", "net/0/scale", 3 },
        { 1, { 12 }, "conv 4 3, norm group:2", "net/1/scale", 4 },
        { 1, { 12 }, "9, norm layer", "net/1/scale", 9 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ph_graph *g = ph_graph_new(1);
        ph_node *x = ph_input(g, "x", cases[i].rank, cases[i].shape);
        ph_picture picture = ph_picture_of(&x->shape);
        ph_layers layers = read_list(cases[i].list);
        ph_stack stack = { .activation = "relu", .init = "auto", .norm = "batch", .bias = true };
        ph_node *h = ph_stack_over(ph_scope_of(g, "net"), ph_flatten(x), &picture, &layers, &stack);
        assert_int_equal(ph_graph_status(g), PH_OK);
        ph_variable *scale = ph_variable_find(g, cases[i].name);
        assert_non_null(scale);
        assert_int_equal(scale->size, cases[i].size);
        assert_int_equal(ph_width(h), picture.size[0] * picture.size[1] * picture.size[2]);
        ph_graph_free(g);
    }
}

/* ---- Words ---------------------------------------------------------------------------------------------- */

enum { WIDTH = 3, WORDS = 4, ROWS = 5 };

static void likelihood_of_words(void **state)
{
    (void)state;
    real logits[ROWS * WIDTH * WORDS], rows[ROWS * WIDTH];
    ph_graph *g = ph_graph_new(1);
    ph_node *y = ph_input(g, "y", 1, (size_t[]){ WIDTH * WORDS });
    ph_node *row = ph_input_beside(y, "row", 1, (size_t[]){ WIDTH });
    ph_likelihood l;
    ph_likelihood_read(&l, "categorical", ph_scope_of(g, "decoder"), WIDTH, WORDS);
    assert_int_equal(ph_likelihood_width(&l), WIDTH * WORDS);
    ph_node *outputs[] = { ph_log_likelihood(&l, y, row), ph_likelihood_mean(&l, y) };
    ph_program *p = ph_compile(g, &(ph_program_desc){ .feeds = (ph_node *[]){ y, row }, .feed_count = 2,
                                                      .outputs = outputs, .output_count = 2, .max_rows = ROWS });
    if (p == NULL)
        fail_msg("%s", ph_message());
    for (size_t i = 0; i < ROWS * WIDTH * WORDS; i++)
        logits[i] = 3 * mixed_normal(i);
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        rows[i] = floor(WORDS * mixed(1000 + i));
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, ROWS }, (const void *[]){ logits, rows }), PH_OK);
    for (size_t r = 0; r < ROWS; r++) {
        double log_p = 0;
        for (size_t i = 0; i < WIDTH; i++) {
            const real *own = logits + (r * WIDTH + i) * WORDS;
            double sum = 0;
            size_t best = 0;
            for (size_t w = 0; w < WORDS; w++) {
                sum += exp(own[w]);
                best = own[w] > own[best] ? w : best;
            }
            log_p += own[(size_t)rows[r * WIDTH + i]] - log(sum);
            assert_true(ph_program_output(p, 1)[r * WIDTH + i] == (double)best);
        }
        assert_true(fabs(ph_program_output(p, 0)[r] - log_p) < 1e-12 * fabs(log_p));
    }
    ph_program_free(p);
    ph_graph_free(g);
}

/* What noise makes of a word is the nearest one, and none is looked for beyond the table. */
static void nearest_words(void **state)
{
    (void)state;
    static const real in[] = { 0, 2, 1.4, -7, 99, 2.6 };
    static const size_t word[] = { 0, 2, 1, 0, 2, 2 };
    ph_graph *g = ph_graph_new(1);
    ph_node *x = ph_input(g, "x", 1, (size_t[]){ 6 });
    ph_picture picture = ph_picture_of(&x->shape);
    ph_layers layers = read_list("embed 3x2");
    ph_stack stack = { .activation = "relu", .init = "auto", .bias = true };
    ph_node *h = ph_stack_over(ph_scope_of(g, "net"), x, &picture, &layers, &stack);
    check_size(&picture, 1, 6, 2);
    ph_program *p = ph_compile(g, &(ph_program_desc){ .feeds = &x, .feed_count = 1, .outputs = &h,
                                                      .output_count = 1, .max_rows = 1 });
    if (p == NULL)
        fail_msg("%s", ph_message());
    assert_int_equal(ph_program_run(p, (size_t[PH_MAX_SETS]){ 1, 1 }, (const void *[]){ in }), PH_OK);
    const real *words = ph_variable_find(g, "net/0/words")->data;
    for (size_t i = 0; i < 6; i++)
        assert_memory_equal(ph_program_output(p, 0) + 2 * i, words + 2 * word[i], 2 * sizeof *words);
    ph_program_free(p);
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read), cmocka_unit_test(windows_are_whole), cmocka_unit_test(mirrors),
        cmocka_unit_test(mirrors_of_small_pictures), cmocka_unit_test(windows_open_from_a_pixel),
        cmocka_unit_test(what_a_norm_is_of),  cmocka_unit_test(likelihood_of_words),
        cmocka_unit_test(nearest_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
