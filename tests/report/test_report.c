/* test_report.c - the page about a model: whole, by itself, with the right sections and figures, and
 * safe whatever names the data bring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <math.h>
#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pinhole/graph.h>

#include "scratch.h"
#include "sound.h"
#include "train/train.h"

/* ---- Models and pages ---------------------------------------------------------------------------- */

static ph_data *open_set(const char *spec, const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(spec, desc);
    if (d == NULL)
        fail_msg("%s", ph_message());
    return d;
}

/* options: "name=value" texts, the last NULL. */
static ph_model *train(const char *family, const ph_data *data, const char *const *options)
{
    ph_settings *s = ph_settings_new();
    for (; *options; options++) {
        char name[64];
        const char *equals = strchr(*options, '=');
        snprintf(name, sizeof name, "%.*s", (int)(equals - *options), *options);
        ph_settings_set(s, name, equals + 1);
    }
    ph_model *m = ph_model_new(family, data, s);
    if (m == NULL || ph_train(m, data, NULL) != PH_OK)
        fail_msg("%s", ph_message());
    ph_settings_free(s);
    return m;
}
#define OPTIONS(...) (const char *const[]){ __VA_ARGS__, NULL }

static char *read_page(const char *name)
{
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    char *page = malloc(4 << 20);
    size_t size = fread(page, 1, (4 << 20) - 1, f);
    page[size] = '\0';
    fclose(f);
    assert_true(size > 5000 && size < 3 << 20);
    return page;
}

static char *report(ph_model *m, const ph_data *data, const ph_data *part, const char *title)
{
    if (ph_report_save(m, data, &(ph_report_desc){ .train = part, .title = title },
                       in_folder("page.html")) != PH_OK)
        fail_msg("%s", ph_message());
    return read_page("page.html");
}

/* ---- What every page must be --------------------------------------------------------------------- */

static bool is_void(const char *tag)
{
    static const char *const names[] = { "meta", "img", "input", "wbr" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(tag, names[i]) == 0)
            return true;
    return false;
}

/* <th> may stay open: a row or the next cell ends it. */
static size_t close_cells(char (*open)[16], size_t depth)
{
    while (depth && strcmp(open[depth - 1], "th") == 0)
        depth--;
    return depth;
}

/* Moves over a tag's attributes; every value is in double quotes and every quote is closed. */
static const char *attributes(const char *at, bool *empty)
{
    bool quoted = false;
    for (; quoted || *at != '>'; at++) {
        assert_true(*at != '\0');
        if (*at == '<' && quoted)
            fail_msg("'<' in an attribute: %.60s", at);
        quoted ^= *at == '"';
    }
    *empty = at[-1] == '/';
    return at + 1;
}

static void assert_balanced(const char *page)
{
    char open[64][16], tag[16];
    size_t depth = 0;
    assert_int_equal(strncmp(page, "<!DOCTYPE html>", 15), 0);
    for (const char *at = page + 15; (at = strchr(at, '<'));) {
        bool closing = at[1] == '/', empty;
        size_t length = 0;
        for (at += 1 + closing; isalnum((unsigned char)*at) && length < 15; at++)
            tag[length++] = *at;
        tag[length] = '\0';
        if (length == 0)
            fail_msg("a '<' that begins no tag: %.60s", at - 1);
        at = attributes(at, &empty);
        if (strcmp(tag, "td") == 0 || strcmp(tag, "th") == 0 || strcmp(tag, "tr") == 0)
            depth = closing && strcmp(tag, "th") == 0 ? depth : close_cells(open, depth);
        if (closing) {
            if (depth == 0 || strcmp(open[depth - 1], tag) != 0)
                fail_msg("</%s> where <%s> is open: %.60s", tag, depth ? open[depth - 1] : "nothing", at);
            depth--;
        } else if (!empty && !is_void(tag)) {
            assert_true(depth < 64);
            strcpy(open[depth++], tag);
        }
        const char *end = strcmp(tag, "script") == 0 && !closing ? strstr(at, "</script") :
                          strcmp(tag, "style") == 0 && !closing  ? strstr(at, "</style") : at;
        assert_non_null(end);
        at = end;
    }
    assert_int_equal(depth, 0);
}

static void assert_alone(const char *page)
{
    static const char *const outside[] = { "http:", "https:", "@import", "<link", "src=\"/", "src=\"." };
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (strstr(page, outside[i]))
            fail_msg("the page holds %s", outside[i]);
    for (const char *at = page; (at = strstr(at, " src=\"")); at++)
        assert_int_equal(strncmp(at, " src=\"data:image/png;base64,", 28), 0);
    for (const char *at = page; (at = strstr(at, " href=\"")); at++)
        assert_true(at[7] == '#' || strncmp(at + 7, "data:image/png;base64,", 22) == 0);
}

/* Sections in their order, and no others. */
static void assert_sections(const char *page, const char *expected)
{
    char found[512] = "";
    for (const char *at = page; (at = strstr(at, "<section id=\"")); at++) {
        const char *id = at + 13;
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%.*s", *found ? " " : "",
                 (int)strcspn(id, "\""), id);
        char link[64];
        snprintf(link, sizeof link, "href=\"#%.*s\"", (int)strcspn(id, "\""), id);
        assert_non_null(strstr(page, link));
    }
    assert_string_equal(found, expected);
}

static void assert_says(const char *page, const char *text)
{
    if (strstr(page, text) == NULL)
        fail_msg("the page does not say: %s", text);
}

static void assert_sound(const char *page, const char *sections)
{
    assert_balanced(page);
    assert_alone(page);
    assert_sections(page, sections);
    for (const char *at = page; (at = strstr(at, "<img ")); at++)
        assert_non_null(strstr(at, "alt="));
    for (const char *at = page; (at = strstr(at, "role=\"img\"")); at++)
        assert_int_equal(strncmp(at + 10, " aria-label=\"", 13), 0);
    for (const char *wrong = "nan"; wrong; wrong = strcmp(wrong, "nan") == 0 ? "inf" : NULL) {
        char number[16];
        snprintf(number, sizeof number, ">%s<", wrong);
        assert_null(strstr(page, number));
        snprintf(number, sizeof number, "=\"%s\"", wrong);
        assert_null(strstr(page, number));
    }
}

static size_t count(const char *page, const char *text)
{
    size_t n = 0;
    for (const char *at = page; (at = strstr(at, text)); at++)
        n++;
    return n;
}

/* ---- Pictures ------------------------------------------------------------------------------------ */

static void figures_are_those_of_eval(const char *page, const ph_figures *figures)
{
    for (size_t i = 1; i < figures->count; i++) {
        char line[128], name[64];
        const ph_figure *f = &figures->at[i];
        snprintf(name, sizeof name, "%s", f->name);
        snprintf(line, sizeof line, "<li><b>%.*g</b> <span class=\"name\">%.*s", 4, f->value,
                 (int)strcspn(name, "_"), name);
        assert_says(page, line);
    }
}

/* The PNG of the first data: URI after `at`. */
static uint8_t *picture(const char *at, struct spng_ihdr *header)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    at = strstr(at, "base64,") + 7;
    size_t length = strcspn(at, "\""), size = 0, pixels;
    uint8_t *bytes = malloc(length);
    assert_int_equal(length % 4, 0);
    uint32_t bits = 0;
    for (size_t i = 0; i < length && at[i] != '='; i++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, at[i]) - digits);
        if (i % 4)
            bytes[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    spng_ctx *png = spng_ctx_new(0);
    spng_set_png_buffer(png, bytes, size);
    assert_int_equal(spng_get_ihdr(png, header), 0);
    assert_int_equal(spng_decoded_image_size(png, SPNG_FMT_PNG, &pixels), 0);
    uint8_t *out = malloc(pixels);
    assert_int_equal(spng_decode_image(png, out, pixels, SPNG_FMT_PNG, 0), 0);
    spng_ctx_free(png);
    free(bytes);
    return out;
}

/* Heat beside each of the rows that err most, on a scale that ends at the largest error of a pixel in them. */
static void maps_beside_worst_rows(const char *page, ph_model *m, const ph_data *data)
{
    enum { SHOWN = 12, PIXELS = 784 };
    ph_data_info info;
    ph_data_describe(data, &info);
    double *errors = malloc(info.rows * sizeof *errors), most = 0;
    ph_real *maps = malloc(info.rows * PIXELS * sizeof *maps);
    assert_int_equal(ph_model_errors(m, data, 0, info.rows, errors), PH_OK);
    assert_int_equal(ph_model_error_maps(m, data, 0, info.rows, maps), PH_OK);
    for (size_t r = 0; r < info.rows; r++) {
        size_t above = 0;
        for (size_t i = 0; i < info.rows; i++)
            above += errors[i] > errors[r];
        for (size_t p = 0; above < SHOWN && p < PIXELS; p++)
            most = fmax(most, (double)maps[r * PIXELS + p]);
    }
    size_t count = 0;
    for (const char *at = page; (at = strstr(at, "<img alt=\"error of each pixel\"")); at++)
        count++;
    assert_int_equal(count, SHOWN);
    char scale[64];
    snprintf(scale, sizeof scale, "</i> %.3g</span>", most);
    assert_says(page, scale);
    free(errors);
    free(maps);
}

static void pictures(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL), *part = open_set("glyphs:train", NULL);
    ph_model *m = train("ae", data, OPTIONS("hidden=32", "latent-dim=2", "epochs=3", "val-split=0.2",
                                            "schedule=cosine"));
    char *page = report(m, data, part, NULL);
    assert_sound(page, "summary curves rows worst filters map lattice activity");
    ph_figures figures, other;
    assert_int_equal(ph_model_eval(m, data, &figures), PH_OK);
    assert_int_equal(ph_model_eval(m, part, &other), PH_OK);
    figures_are_those_of_eval(page, &figures);
    assert_says(page, "<title>ae on glyphs</title>");
    maps_beside_worst_rows(page, m, data);
    assert_says(page, "Training minus test error");
    assert_says(page, "<code>hidden = 32</code>");
    assert_says(page, "<code>schedule = cosine</code>");
    assert_says(page, "validation</span>");
    assert_says(page, "<b>loss = bce</b>");
    assert_says(page, "<b>lr</b>");
    assert_null(strstr(page, "<code>batch-size"));
    assert_int_equal(count(page, "<use "), 2000 + 10); /* marks, and the legend's */
    assert_int_equal(count(page, "data-class=\"7\""), 201);
    assert_int_equal(count(page, "alt=\"original\""), 18 + 12);
    assert_says(page, "image-rendering:pixelated");
    /* The first original is the first of the eighteen rows that are shown, the right way up. */
    struct spng_ihdr header;
    ph_real row[784];
    uint8_t *drawn = picture(strstr(page, "alt=\"original\""), &header);
    assert_int_equal(ph_data_read(data, (size_t[]){ ph_spread(0, 18, 2000) }, 1, row), PH_OK);
    assert_true(header.width == 28 && header.height == 28);
    for (int i = 0; i < 784; i++)
        assert_int_equal(drawn[i], row[i]);
    free(drawn);
    /* Fifteen by fifteen decoded codes, and a tile in the sprite for each mark. */
    drawn = picture(strstr(page, "<image "), &header);
    assert_true(header.width == header.height && header.width % 15 == 0);
    free(drawn);
    drawn = picture(strstr(page, "id=\"sprite\""), &header);
    assert_true(header.width == 50 * 28 && header.height == 40 * 28);
    free(drawn);
    /* Equal arguments give equal bytes. */
    char *again = report(m, data, part, NULL);
    assert_string_equal(page, again);
    free(again);
    free(page);
    ph_model_free(m);
    ph_data_close(part);
    ph_data_close(data);
}

static void without_a_record(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("pca", data, OPTIONS("latent-dim=5"));
    char *page = report(m, data, NULL, "PCA & <co>");
    assert_sound(page, "summary rows worst filters map activity");
    assert_says(page, "<title>PCA &amp; &lt;co&gt;</title>");
    assert_says(page, "first two principal axes");
    assert_says(page, "in closed form");
    assert_null(strstr(page, "Training minus"));
    /* Codes of PCA lie along their axes: those of the map are the first two, up to the sample. */
    char told[64];
    double total = 0, first = 0, mean[5] = { 0 }, variance[5] = { 0 };
    ph_real *code = malloc(2000 * 5 * sizeof *code);
    assert_int_equal(ph_model_apply_data(m, "encode", data, 0, 2000, code), PH_OK);
    for (int i = 0; i < 10000; i++)
        mean[i % 5] += (double)code[i] / 2000;
    for (int i = 0; i < 10000; i++)
        variance[i % 5] += pow((double)code[i] - mean[i % 5], 2);
    for (int c = 0; c < 5; c++) {
        total += variance[c];
        first = fmax(first, variance[c]);
    }
    snprintf(told, sizeof told, "first axis, %.1f %% of the variance", 100 * first / total);
    assert_says(page, told);
    free(code);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* A sparse code gets a section: what units come to, where they were to be, how many are dead. */
static void sparse_code(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("ae", data,
                        OPTIONS("hidden=none", "latent-dim=12", "latent-activation=sigmoid",
                                "sparsity=kl:0.25", "epochs=2"));
    char *page = report(m, data, NULL, NULL), told[96];
    assert_sound(page, "summary curves rows worst filters map activity units");
    ph_activity a;
    assert_int_equal(ph_model_activity(m, data, &a), PH_OK);
    assert_says(page, "above 0.1. In a row ");
    assert_says(page, ">ρ = 0.25</text>");
    snprintf(told, sizeof told, "In a row %.3g %% of the 12 units", 100 * a.share);
    assert_says(page, told);
    if (a.dead)
        snprintf(told, sizeof told, ". %zu unit", a.dead);
    assert_says(page, a.dead ? told : "No unit is dead");
    snprintf(told, sizeof told, "0.95 to 1 · ");
    assert_says(page, told);
    ph_activity_free(&a);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* Bars beside the model's own time; what is no time is refused before the page is begun. */
static void times_of_training(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("ae", data, OPTIONS("hidden=16", "latent-dim=2", "epochs=1"));
    ph_report_desc desc = { .times = "a <fast> one=14.25,slow=12780,middle=845" };
    assert_int_equal(ph_report_save(m, data, &desc, in_folder("page.html")), PH_OK);
    char *page = read_page("page.html");
    assert_sound(page, "summary curves rows worst filters map lattice activity times");
    assert_says(page, "this model</th><td>");
    assert_says(page, "a &lt;fast&gt; one</th><td>14.2 s</td>");
    assert_says(page, "slow</th><td>3 h 33 min</td><td class=\"bar\"><i style=\"width:100.0%\">");
    assert_says(page, "middle</th><td>14 min 05 s</td>");
    free(page);
    static const char *const bad[] = { "", "a", "a=", "=3", "a=-1", "a=1s", "a=1,,b=2", "a=inf" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        desc.times = bad[i];
        assert_int_equal(ph_report_save(m, data, &desc, in_folder("none.html")), PH_USAGE);
        assert_int_not_equal(access(in_folder("none.html"), F_OK), 0);
    }
    ph_model_free(m);
    ph_data_close(data);
}

/* Two models on one map: both plots, the figures of both, and no section twice. */
static void beside_another(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL), *part = open_set("glyphs:train", NULL);
    ph_model *a = train("ae", data, OPTIONS("hidden=16", "latent-dim=2", "epochs=2"));
    ph_model *b = train("vae", data, OPTIONS("hidden=16", "latent-dim=3", "epochs=2"));
    ph_figures own, other, alone;
    ph_report_desc desc = { .train = part, .beside = b, .name = "one <&>", .figures = &own,
                            .beside_figures = &other };
    assert_int_equal(ph_report_save(a, data, &desc, in_folder("page.html")), PH_OK);
    char *page = read_page("page.html"), told[160];
    assert_sound(page, "summary curves rows worst filters map lattice activity");
    assert_int_equal(count(page, "<use "), 2 * 2000 + 10);
    assert_int_equal(count(page, "<circle class=\"ring\""), 2);
    assert_int_equal(count(page, "id=\"sprite\""), 1);
    assert_says(page, "<b>one &lt;&amp;&gt;</b> Each row at the two numbers of its code");
    assert_says(page, "<b>vae</b> The codes on their first two principal axes");
    assert_says(page, "numbers of a code</th><td>2</td><td>3</td>");
    snprintf(told, sizeof told, "empty cells</th><td>%.3g %%</td><td>%.3g %%</td>",
             100 * ph_figure_get(&own, "empty_cells"), 100 * ph_figure_get(&other, "empty_cells"));
    assert_says(page, told);
    snprintf(told, sizeof told, "on these rows</th><td>%.4g</td><td>%.4g</td>",
             ph_figure_get(&own, "mse"), ph_figure_get(&other, "mse"));
    assert_says(page, told);
    free(page);
    /* The figures are those of eval. */
    assert_int_equal(
        ph_model_measure(b, data, &(ph_measures){ .map = true, .training = part }, &alone), PH_OK);
    static const char *const names[] = { "mse", "empty_cells", "empty_cells_normal",
                                         "train_minus_test" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(ph_figure_get(&other, names[i]) == ph_figure_get(&alone, names[i]));
    /* A model of other rows cannot stand beside it. */
    ph_data *table = ph_data_from_memory((const ph_real[]){ 1, 2, 3, 4, 5, 7 }, 3, 2, NULL);
    ph_model *narrow = train("ae", table, OPTIONS("hidden=4", "latent-dim=1", "epochs=1"));
    desc.beside = narrow;
    assert_int_equal(ph_report_save(a, data, &desc, in_folder("none.html")), PH_DATA);
    assert_non_null(strstr(ph_message(), "rows of 784"));
    assert_int_not_equal(access(in_folder("none.html"), F_OK), 0);
    ph_model_free(narrow);
    ph_data_close(table);
    ph_model_free(b);
    ph_model_free(a);
    ph_data_close(part);
    ph_data_close(data);
}

/* Pixels of a PNG file in the folder, of three channels. */
static uint8_t *pixels_of(const char *name, struct spng_ihdr *header)
{
    size_t size;
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    spng_ctx *png = spng_ctx_new(0);
    spng_set_png_file(png, f);
    assert_int_equal(spng_get_ihdr(png, header), 0);
    assert_int_equal(spng_decoded_image_size(png, SPNG_FMT_RGB8, &size), 0);
    uint8_t *out = malloc(size);
    assert_int_equal(spng_decode_image(png, out, size, SPNG_FMT_RGB8, 0), 0);
    spng_ctx_free(png);
    fclose(f);
    return out;
}

/* What a unit is told by each pixel, found by lighting one after the other. */
static void weights_of(ph_model *m, ph_real weight[5][784])
{
    static ph_real x[785 * 784], code[785 * 5];
    for (size_t i = 0; i < 784; i++)
        x[i * 784 + i] = 255;
    assert_int_equal(ph_model_apply(m, "encode", x, 785, code), PH_OK); /* the last row is dark */
    for (size_t u = 0; u < 5; u++)
        for (size_t i = 0; i < 784; i++)
            weight[u][i] = code[i * 5 + u] - code[784 * 5 + u];
}

/* Five tiles in two lines of three, the largest norm first, from blue over white to red-brown; what
 * is left over and the lines between are black. */
static void filters_as_a_picture(void **state)
{
    (void)state;
    static ph_real weight[5][784];
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("ae", data, OPTIONS("hidden=none", "latent-dim=5", "epochs=1"));
    size_t there, order[5] = { 0, 1, 2, 3, 4 };
    struct spng_ihdr header;
    assert_int_equal(ph_filters_save(m, 0, in_folder("filters.png"), &there), PH_OK);
    uint8_t *drawn = pixels_of("filters.png", &header);
    assert_true(there == 5 && header.width == 3 * 29 - 1 && header.height == 2 * 29 - 1);
    weights_of(m, weight);
    double norm[5] = { 0 }, most[5] = { 0 };
    for (size_t k = 0; k < 5 * 784; k++) {
        norm[k / 784] += pow((double)weight[k / 784][k % 784], 2);
        most[k / 784] = fmax(most[k / 784], fabs((double)weight[k / 784][k % 784]));
    }
    for (size_t a = 0; a < 5; a++)
        for (size_t b = a + 1; b < 5; b++)
            if (norm[order[b]] > norm[order[a]]) {
                size_t kept = order[a];
                order[a] = order[b];
                order[b] = kept;
            }
    static const double ends[2][3] = { { 0.02, 0.31, 0.60 }, { 0.69, 0.27, 0.02 } };
    for (size_t y = 0; y < header.height; y++)
        for (size_t x = 0; x < header.width; x++)
            for (size_t c = 0; c < 3; c++) {
                size_t tile = y / 29 * 3 + x / 29;
                double want = 0;
                if (y % 29 < 28 && x % 29 < 28 && tile < 5) {
                    double v = (double)weight[order[tile]][y % 29 * 28 + x % 29] /
                               most[order[tile]];
                    want = 255 * (0.97 + fabs(v) * (ends[v > 0][c] - 0.97));
                }
                assert_true(fabs(drawn[(y * header.width + x) * 3 + c] - want) < 1);
            }
    free(drawn);
    assert_int_equal(ph_filters_save(m, 2, in_folder("filters.png"), NULL), PH_OK);
    free(pixels_of("filters.png", &header));
    assert_true(header.width == 2 * 29 - 1 && header.height == 28);
    ph_model_free(m);
    ph_data_close(data);
    ph_data *table = ph_data_from_memory((const ph_real[]){ 1, 2, 3, 4, 5, 7 }, 3, 2, NULL);
    m = train("ae", table, OPTIONS("hidden=4", "latent-dim=1", "epochs=1"));
    assert_int_equal(ph_filters_save(m, 0, in_folder("none.png"), &there), PH_USAGE);
    assert_non_null(strstr(ph_message(), "no pictures"));
    ph_model_free(m);
    ph_data_close(table);
}

static void one_number(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("ae", data, OPTIONS("hidden=8", "latent-dim=1", "epochs=1"));
    char *page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map lattice");
    assert_says(page, "the error of its reconstruction");
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* ---- Tables -------------------------------------------------------------------------------------- */

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "wb");
    fputs(text, f);
    fclose(f);
}

static void names_are_escaped(void **state)
{
    (void)state;
    char text[8192] = "id,\"<script>\"\"&'\",constant,c,label\n";
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "</svg>%d,%g,5,%g,<i>&%d\n", i,
                 sin(i), cos(2 * i), i % 3);
    write_file("evil&<b>.csv", text);
    ph_data *data = open_set(in_folder("evil&<b>.csv"), &(ph_data_desc){ .label_column = "label" });
    ph_model *m = train("ae", data, OPTIONS("hidden=4", "latent-dim=3", "epochs=2"));
    char *page = report(m, data, NULL, "<script>\"&'");
    assert_sound(page, "summary curves rows worst columns map activity");
    assert_says(page, "&lt;script&gt;&quot;&amp;&#39;");
    assert_says(page, "&lt;/svg&gt;0");
    assert_says(page, "&lt;i&gt;&amp;2");
    assert_says(page, "evil&amp;&lt;b&gt;.csv");
    assert_int_equal(count(page, "<script>"), 1);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* ---- Series ---------------------------------------------------------------------------------------- */

/* How many curves there are in a section, from its start on. */
static size_t curves_in(const char *page, const char *id, const char *kind)
{
    char start[64];
    snprintf(start, sizeof start, "<section id=\"%s\">", id);
    const char *at = strstr(page, start), *end = at ? strstr(at, "</section>") : NULL;
    assert_non_null(end);
    char *part = strndup(at, (size_t)(end - at));
    size_t n = count(part, kind);
    free(part);
    return n;
}

/* The share that "Columns that err most" gives a column. */
static double share_of(const char *page, const char *column)
{
    char cell[64];
    snprintf(cell, sizeof cell, "<tr><th scope=\"row\">%s</th><td>", column);
    const char *at = strstr(strstr(page, "<section id=\"columns\">"), cell);
    assert_non_null(at);
    return strtod(at + strlen(cell), NULL) / 100;
}

/* Windows of a table are curves of its columns over its lines; errors are summed over the columns. */
static void windows_of_a_table(void **state)
{
    enum { LINES = 100, WINDOW = 16 };
    (void)state;
    for (size_t columns = 2; columns <= 5; columns++) { /* three are no colours */
        char text[16384] = "a", name[16];
        for (size_t c = 1; c < columns; c++)
            snprintf(text + strlen(text), sizeof text - strlen(text), ",%c", (char)('a' + c));
        for (int i = 0; i < LINES; i++)
            for (size_t c = 0; c < columns; c++)
                snprintf(text + strlen(text), sizeof text - strlen(text), "%c%.4f", c ? ',' : '\n',
                         100 * (double)c + sin(i * (0.1 + (double)c)));
        write_file("series.csv", text);
        ph_data *data = open_set(in_folder("series.csv"), &(ph_data_desc){ .window = "16" });
        ph_model *m = train("ae", data, OPTIONS("hidden=4", "latent-dim=3", "epochs=2", "scaling=none"));
        char *page = report(m, data, NULL, NULL);
        assert_sound(page, "summary curves rows worst columns map activity");
        size_t shown = columns < 4 ? columns : 4; /* of each of six windows */
        assert_int_equal(curves_in(page, "rows", "class=\"curve first\""), 6 * shown);
        assert_int_equal(curves_in(page, "rows", "class=\"curve second\""), 6 * shown);
        assert_int_equal(curves_in(page, "worst", "class=\"curve second\""), 6 * shown);
        assert_int_equal(count(page, "Of 5 columns each row has the 4 that differ most"), columns == 5);
        assert_null(strstr(page, "class=\"unseen\""));
        for (const char *plot = page; (plot = strstr(plot, "original and back,")); plot++) { /* the scale can be read */
            const char *second = strstr(strstr(plot, "class=\"end\"") + 1, "class=\"end\"");
            assert_true(second && second < strstr(plot, "</svg>"));
        }
        double squares[5] = { 0 }, all = 0;
        ph_data_info info;
        ph_excerpt at;
        ph_data_describe(data, &info);
        assert_true(ph_data_excerpt(data, ph_spread(0, 6, info.rows), &at));
        snprintf(text, sizeof text, "original and back, line %zu to %zu\"", at.place[0] + 1, at.place[0] + WINDOW);
        assert_int_equal(count(page, text) % shown, 0);
        assert_true(count(page, text) >= shown);
        ph_real *x = malloc(2 * info.width * sizeof *x);
        for (size_t r = 0; r < info.rows; r++) {
            assert_int_equal(ph_data_read(data, &r, 1, x), PH_OK);
            assert_int_equal(ph_model_apply(m, "reconstruct", x, 1, x + info.width), PH_OK);
            for (size_t i = 0; i < info.width; i++)
                squares[i % columns] += pow((double)x[i] - (double)x[info.width + i], 2);
        }
        for (size_t c = 0; c < columns; c++)
            all += squares[c];
        for (size_t c = 0; c < columns; c++) {
            snprintf(name, sizeof name, "%c", (char)('a' + c));
            assert_true(fabs(share_of(page, name) - squares[c] / all) < 0.00051);
        }
        free(x);
        free(page);
        ph_model_free(m);
        ph_data_close(data);
    }
}

/* What the model did not see is shaded; channels are named and samples counted from 0 on, as in a row's name. */
static void windows_of_a_sound(void **state)
{
    (void)state;
    write_sound("sound.wav", &(sound){ .tag = 1, .bits = 16, .channels = 2, .rate = 8000, .frames = 600 });
    ph_data *data = open_set(in_folder("sound.wav"), &(ph_data_desc){ .window = "64" });
    ph_model *m = train("mae", data, OPTIONS("patch=8", "width=8", "depth=1", "decoder-width=8", "epochs=1"));
    char *page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst columns map activity");
    assert_true(curves_in(page, "rows", "class=\"unseen\"") >= 12);
    assert_true(curves_in(page, "rows", "hidden from the model") == 1);
    assert_says(page, "channel 2, original and back, sample 0 to 63\"");
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* Rows of one line of several numbers are series, too; what is drawn of a long one has its peak. */
static void long_rows(void **state)
{
    enum { ROWS = 3, FRAMES = 5000, PEAK = 777 };
    (void)state;
    ph_real *values = malloc(ROWS * FRAMES * 2 * sizeof *values);
    for (size_t i = 0; i < ROWS * FRAMES * 2; i++)
        values[i] = i % (FRAMES * 2) == 2 * PEAK ? 9 : (ph_real)sin(0.001 * (double)i);
    ph_data *data = ph_data_from_memory(values, ROWS, FRAMES * 2, NULL);
    assert_int_equal(ph_data_set_shape(data, 3, (size_t[]){ 1, FRAMES, 2 }), PH_OK);
    ph_model *m = train("pca", data, OPTIONS("latent-dim=1"));
    char *page = report(m, data, NULL, NULL);
    assert_says(page, "column 1, original and back, place in the row 1 to 5000\"");
    size_t points = 0;
    double highest = INFINITY;
    const char *at = strstr(strstr(page, "<section id=\"rows\">"), "class=\"curve first\" d=\"");
    for (at = strstr(at, "d=\"") + 3; *at == 'M' || *at == 'L'; points++) {
        char *end;
        strtod(at + 1, &end);
        highest = fmin(highest, strtod(end, &end));
        at = end;
    }
    assert_true(points > 300 && points <= 600);
    assert_true(highest < 20); /* of 176, from the top */
    free(values);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

static void small_sets(void **state)
{
    (void)state;
    static const struct { const char *text, *sections; } sets[] = {
        { "a,b,c\n1,2,3\n4,5,7\n0,1,1\n", "summary curves rows columns map activity" },
        { "a,b,c\n1,2,3\n", "summary curves rows map activity" },
        { "a,b\n1,2\n1,2\n1,2\n1,2\n1,2\n", "summary curves rows map activity" },
        { "a\n1\n2\n3\n5\n8\n", "summary curves rows worst map activity" },
    };
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        write_file("small.csv", sets[i].text);
        ph_data *data = open_set(in_folder("small.csv"), NULL);
        ph_model *m = train("ae", data, OPTIONS("hidden=4", "latent-dim=2", "epochs=2"));
        char *page = report(m, data, NULL, NULL);
        assert_sound(page, sets[i].sections);
        assert_null(strstr(page, "class=\"legend\" role"));
        free(page);
        ph_model_free(m);
        ph_data_close(data);
    }
}

static void many_classes(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    static ph_real values[ROWS * 3];
    static uint32_t labels[ROWS];
    for (uint32_t classes = 100; classes <= 101; classes++) {
        for (uint32_t i = 0; i < ROWS; i++) {
            labels[i] = i % classes;
            for (uint32_t c = 0; c < 3; c++)
                values[i * 3 + c] = (ph_real)sin(i + c * i);
        }
        ph_data *data = ph_data_from_memory(values, ROWS, 3, labels);
        ph_model *m = train("ae", data, OPTIONS("hidden=4", "latent-dim=2", "epochs=1"));
        char *page = report(m, data, NULL, NULL);
        assert_sound(page, "summary curves rows worst columns map activity");
        assert_int_equal(count(page, "<input type=\"checkbox\" checked data-class"),
                         classes == 100 ? 100 : 0);
        assert_int_equal(count(page, "not coloured"), classes == 101);
        free(page);
        ph_model_free(m);
        ph_data_close(data);
    }
}

/* ---- A posterior --------------------------------------------------------------------------------- */

typedef struct gauss_options {
    int64_t latent_dim;
} gauss_options;

static const ph_option gauss_table[] = { { "latent-dim", NULL, PH_OPTION_INT,
                                           offsetof(gauss_options, latent_dim), "2", 1, 100, NULL,
                                           "size of the code" } };

/* The log-variance is 0 and so is every mean but the first: a dimension's divergence is half its square. */
static void build_gauss(ph_graph *g, ph_node *x, const void *options)
{
    const gauss_options *o = options;
    size_t n = (size_t)o->latent_dim;
    ph_node *row = ph_flatten(x);
    ph_node *moving = ph_linear(ph_scope_of(g, "encoder"), row, 1, "linear", true);
    ph_node *zeros = ph_scale(ph_slice(row, 0, n - 1), 0), *code = ph_concatenate(moving, zeros);
    ph_node *y = ph_linear(ph_scope_of(g, "decoder"), code, ph_width(x), "linear", true);
    ph_add_phase(g, &(ph_phase){ .loss = ph_loss("mse", y, row) });
    ph_export(g, "encode", x, code);
    ph_export(g, "kl", x, ph_scale(ph_square(code), 0.5));
    ph_export(g, "decode", code, ph_reshape_like(y, x));
    ph_export(g, "reconstruct", x, ph_reshape_like(y, x));
}

static const ph_family_desc gauss = { .face = { "test-gauss", "for a test", gauss_table, 1 },
                                      .options_size = sizeof(gauss_options), .build = build_gauss };

static void posterior(void **state)
{
    (void)state;
    assert_int_equal(ph_family_register(&gauss), PH_OK);
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("test-gauss", data, OPTIONS("epochs=1"));
    char *page = report(m, data, NULL, NULL), told[96];
    assert_sound(page, "summary curves rows worst filters map lattice samples activity posterior");
    assert_says(page, "codes from −3 to 3");
    assert_says(page, "1 of 2 units are active");
    assert_int_equal(count(page, "alt=\"\" width=\"28\""), 48);
    double squares = 0;
    ph_real *code = malloc(2000 * 2 * sizeof *code);
    assert_int_equal(ph_model_apply_data(m, "encode", data, 0, 2000, code), PH_OK);
    for (int i = 0; i < 2000; i++)
        squares += (double)code[2 * i] * (double)code[2 * i];
    snprintf(told, sizeof told, "is %.4g nats per row", 0.5 * squares / 2000);
    assert_says(page, told);
    free(code);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* A real one: the curves have a line for each dimension; of classes there is no plane to look at. */
static void dimensions(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("vae", data, OPTIONS("hidden=16", "latent-dim=2", "epochs=3"));
    char *page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map lattice samples activity posterior");
    assert_says(page, "<b>kl_per_dim</b>");
    assert_says(page, "2 lines over 3 epochs");
    assert_int_equal(count(page, "<g class=\"part\">"), 2);
    assert_says(page, "<b>sigma</b>");
    free(page);
    ph_model_free(m);
    m = train("vae", data, OPTIONS("hidden=16", "latent=categorical:2x30", "epochs=1"));
    page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map samples activity posterior");
    assert_says(page, "all classes equally likely");
    assert_says(page, "of 30 variables are active");
    assert_says(page, "The largest 24 of 30; number");
    assert_int_equal(count(page, "<g class=\"part\">"), 24);
    assert_says(page, "<title>v1 · ");
    assert_says(page, "<title>z60 · ");
    free(page);
    ph_model_free(m);
    m = train("vae", data, OPTIONS("hidden=16", "latent=categorical:2x1", "epochs=1"));
    page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map samples activity posterior");
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* Words of a codebook: which weights it was trained with, how they are used, and JPEG beside them. */
static void words(void **state)
{
    (void)state;
    static const struct { const char *options[4], *says; } cases[] = {
        { { "codes=32", "latent-dim=4" }, "the weights of the paper" },
        { { "codes=32", "codebook-weight=0.5", "commitment=1" }, "the weights of lectures, (β, 1)" },
        { { "codes=32", "codebook=ema", "product=2" }, "exponential averages of their vectors" },
        { { "quantizer=fsq:4,3,3" }, "levels of a fixed grid (fsq:4,3,3)" },
    };
    ph_data *data = open_set("glyphs:test", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *options[8] = { "hidden=conv 4 4/2, conv 8 4/2", "epochs=1" };
        memcpy(options + 2, cases[i].options, sizeof cases[i].options);
        ph_figures figures;
        char told[96];
        ph_model *m = train("vqvae", data, options);
        char *page = report(m, data, NULL, NULL);
        assert_sound(page, "summary curves rows worst map activity words");
        assert_says(page, cases[i].says);
        assert_int_equal(ph_model_eval(m, data, &figures), PH_OK);
        snprintf(told, sizeof told, "On these rows %g words are used",
                 ph_figure_get(&figures, "codes_used"));
        assert_says(page, told);
        assert_says(page, "A picture in so many bits");
        assert_says(page, "a picture's own data are, at the best quality that takes no more than the words");
        /* Two books take 490 bits, within JPEG's reach; one takes less than it ever does. */
        assert_true((strstr(page, "JPEG, the least there is") != NULL) == (i != 2));
        assert_true((strstr(page, "JPEG of that size") != NULL) == (i == 2));
        assert_says(page, "with them a file has ");
        free(page);
        ph_model_free(m);
    }
    ph_data_close(data);
}

/* Lines around the prior's draws, on the map of the model that has it; each class with the same styles. */
static void draws_of_a_prior(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("aae", data, OPTIONS("hidden=16", "latent-dim=2", "lr=0.003", "batch-size=64",
                                             "epochs=15"));
    char *page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map lattice samples activity");
    assert_int_equal(count(page, "stroke-opacity=\".4\" d=\"M"), 2);
    assert_says(page, "The lines hold half and nine tenths");
    assert_says(page, "within two deviations of the prior");
    assert_says(page, "codes drawn from the prior;");
    free(page);
    ph_model_free(m);
    m = train("aae", data, OPTIONS("hidden=16", "labels=20", "epochs=1"));
    page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map samples activity");
    assert_says(page, "Each line has one style, each column one class");
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* A tile of a picture on the page, whose tiles are side by side, is what the decoder makes of a code. */
static void assert_decoded(ph_model *m, const char *at, size_t side, size_t line, size_t column, const ph_real *code)
{
    struct spng_ihdr header;
    ph_model_info info;
    ph_model_describe(m, &info);
    size_t height = info.shape[0], width = info.shape[1];
    uint8_t *pixels = picture(at, &header);
    ph_real *row = malloc(info.width * sizeof *row);
    assert_int_equal(header.width, side * width);
    assert_int_equal(header.height, side * height);
    assert_int_equal(ph_model_apply(m, "decode", code, 1, row), PH_OK);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            double wanted = 255 * (double)row[y * width + x] / info.white;
            double drawn = pixels[(line * height + y) * header.width + column * width + x];
            assert_true(fabs(drawn - fmin(fmax(wanted, 0), 255)) < 1);
        }
    free(row);
    free(pixels);
}

/* The lattice over a prior begins where both numbers are smallest, as `sample --grid` has it; that over the codes
 * of rows goes up as the map does. */
static void lattices(void **state)
{
    (void)state;
    ph_data *data = open_set("glyphs:test", NULL);
    ph_model *m = train("aae", data, OPTIONS("hidden=16", "latent-dim=2", "prior=normal:5", "epochs=2", "lr=0.003"));
    char *page = report(m, data, NULL, NULL);
    assert_says(page, "codes within two deviations of the prior, from (−10, −10) at the top left to (10, 10) at the "
                      "bottom right<");
    const char *at = strstr(page, "<image ");
    assert_decoded(m, at, 15, 0, 0, (ph_real[]){ -10, -10 });
    assert_decoded(m, at, 15, 0, 14, (ph_real[]){ 10, -10 });
    assert_decoded(m, at, 15, 14, 0, (ph_real[]){ -10, 10 });
    assert_decoded(m, at, 15, 7, 7, (ph_real[]){ 0, 0 });
    /* The axis beside it goes the same way. */
    double low = 0, high = 0;
    for (const char *tick = strstr(page, "id=\"lattice\""); (tick = strstr(tick, "class=\"end\""));) {
        double y = strtod(strstr(tick, "y=\"") + 3, NULL);
        tick = strchr(tick, '>') + 1;
        low = strncmp(tick, "−10<", strlen("−10<")) == 0 ? y : low;
        high = strncmp(tick, "10<", 3) == 0 ? y : high;
    }
    assert_true(0 < low && low < high);
    free(page);
    ph_model_free(m);
    m = train("vae", data, OPTIONS("hidden=16", "latent-dim=2", "epochs=1"));
    page = report(m, data, NULL, NULL);
    assert_says(page, "from (−3, −3) at the top left to (3, 3)");
    assert_decoded(m, strstr(page, "<image "), 15, 0, 14, (ph_real[]){ 3, -3 });
    free(page);
    ph_model_free(m);
    m = train("ae", data, OPTIONS("hidden=16", "latent-dim=2", "epochs=1"));
    page = report(m, data, NULL, NULL);
    at = strstr(page, "codes over the central 95 % of those above, from (");
    assert_non_null(at);
    const char *corner[2] = { strstr(at, "from (") + 6, strstr(at, " to (") + 5 };
    double upper[2];
    for (int i = 0; i < 2; i++) { /* "−1.2, 3.4" */
        const char *second = strstr(corner[i], ", ") + 2;
        bool minus = strncmp(second, "−", strlen("−")) == 0;
        upper[i] = strtod(second + (minus ? strlen("−") : 0), NULL) * (minus ? -1 : 1);
    }
    assert_true(upper[0] > upper[1]);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* Pictures of three kinds of trees, 6 by 7, in folders of their names. */
static void draw_trees(void)
{
    static const char *const names[] = { "ash", "elm & <elm>", "oak" };
    mkdir(in_folder("trees"), 0777);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 30; i++) {
            char name[64];
            ph_real pixels[6 * 7];
            snprintf(name, sizeof name, "trees/%s", names[k]);
            mkdir(in_folder(name), 0777);
            snprintf(name, sizeof name, "trees/%s/%d.png", names[k], i);
            for (int p = 0; p < 6 * 7; p++)
                pixels[p] = (ph_real)((p * (k + 2) + i * p % 5) % 7) / 7;
            const ph_grid one = { .tiles = pixels, .rows = 1, .columns = 1, .height = 6, .width = 7, .channels = 1 };
            assert_int_equal(ph_grid_save(in_folder(name), &one), PH_OK);
        }
}

/* A code of a class and a style: the map, its lines and the lattices are of the style, and classes have names. */
static void classes_and_styles(void **state)
{
    (void)state;
    draw_trees();
    ph_data *data = open_set(in_folder("trees"), NULL);
    ph_model *m = train("aae", data, OPTIONS("hidden=16", "labels=30", "latent-dim=2", "epochs=150", "lr=0.01",
                                             "batch-size=30", "labelled-apart=1"));
    char *page = report(m, data, data, NULL);
    assert_sound(page, "summary curves rows worst filters map lattice samples activity");
    assert_says(page, "code of 5 (class 3, style 2), ");
    assert_says(page, "90 rows, of which it was trained on 60 and on the labels of 30 others<");
    assert_says(page, "Each row at the two numbers of its style");
    assert_says(page, "A code is a class, 3 numbers, and a style, 2");
    assert_says(page, "over the central 95 % of all styles are empty");
    assert_says(page, "The lines hold half and nine tenths");
    assert_int_equal(count(page, "stroke-opacity=\".4\" d=\"M"), 2);
    assert_null(strstr(page, "principal axes"));
    assert_says(page, "<b>ash</b><b>elm &amp; &lt;elm&gt;</b><b>oak</b><img alt=\"8 styles in 3 classes\"");
    assert_says(page, "<title>y"); /* of the bars: a class's numbers are none of the style's */
    assert_says(page, "<title>z2 ");
    assert_null(strstr(page, "<title>z3 "));

    /* Each row at its style. */
    ph_figures figures;
    assert_int_equal(ph_model_measure(m, data, &(ph_measures){ .map = true }, &figures), PH_OK);
    char line[96];
    snprintf(line, sizeof line, "%.1f %% of the 400 cells", 100 * ph_figure_get(&figures, "empty_cells"));
    assert_says(page, line);

    /* A lattice for each class, the smallest numbers first. */
    const char *at = strstr(page, "What the decoder makes of styles within two deviations of the prior, from (");
    assert_non_null(at);
    assert_int_equal(count(page, "<img alt=\"9 by 9 decoded styles\""), 3);
    assert_says(at, "(−2, −2) at the top left to (2, 2) at the bottom right, with each class<");
    assert_says(at, "<figcaption>class elm &amp; &lt;elm&gt;</figcaption>");
    at = strstr(at, "<figcaption>class oak</figcaption>");
    assert_decoded(m, at, 9, 0, 8, (ph_real[]){ 0, 0, 1, 2, -2 });
    assert_decoded(m, at, 9, 8, 0, (ph_real[]){ 0, 0, 1, -2, 2 });
    free(page);
    ph_model_free(m);

    /* The decoder is told the class; a style of one number is a line of each. */
    m = train("aae", data, OPTIONS("hidden=16", "labels=all", "latent-dim=1", "epochs=2"));
    page = report(m, data, NULL, NULL);
    assert_sound(page, "summary curves rows worst filters map lattice samples");
    assert_int_equal(count(page, "<img alt=\"9 by 1 decoded styles\""), 3);
    free(page);
    ph_model_free(m);
    ph_data_close(data);
}

/* What training took of its part, as far as the model's options and steps tell. */
static void rows_of_training(void **state)
{
    (void)state;
    static const struct { const char *family, *options[6], *says; } cases[] = {
        { "ae", { "val-split=0.2" }, "90 rows, of which it was trained on 72; 18 were held out<" },
        { "ae", { "batch-size=32" }, "90 rows<" },
        { "aae", { "labels=12" }, "90 rows, and on the labels of 12 of them<" },
        { "aae", { "labels=12", "labels-for=decoder" }, "90 rows, of which it was trained on 12, with their labels<" },
        { "aae", { "labels=12", "labelled-apart=1", "val-split=0.2", "batch-size=10" },
          "90 rows, of which it was trained on 60 and on the labels of 12 others; 18 were held out<" },
        { "pca", { "latent-dim=2" }, "90 rows<" },
    };
    ph_data *data = open_set(in_folder("trees"), NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *options[8] = { "latent-dim=2" };
        memcpy(options + 1, cases[i].options, sizeof cases[i].options);
        size_t n = 1;
        while (options[n])
            n++;
        if (strcmp(cases[i].family, "pca") != 0)
            options[n] = "epochs=2";
        ph_model *m = train(cases[i].family, data, options);
        char *page = report(m, data, data, NULL), wanted[160];
        snprintf(wanted, sizeof wanted, "training part</dt><dd>%s", cases[i].says);
        assert_says(page, wanted);
        free(page);
        ph_model_free(m);
    }
    /* Half of the rows take half of the steps. */
    ph_data *half = ph_data_slice(data, 0, 45);
    ph_model *m = train("ae", half, OPTIONS("latent-dim=2", "epochs=1", "batch-size=10"));
    char *page = report(m, data, data, NULL);
    assert_says(page, "90 rows, which are not those that it was trained on");
    free(page);
    ph_model_free(m);
    ph_data_close(half);
    ph_data_close(data);
}

/* ---- Failures ------------------------------------------------------------------------------------ */

static void failures(void **state)
{
    (void)state;
    write_file("good.csv", "a,b\n1,2\n3,5\n2,2\n");
    write_file("bad.csv", "a,b\n1,2\n3,\n2,2\n");
    ph_data *good = open_set(in_folder("good.csv"), NULL), *bad = open_set(in_folder("bad.csv"), NULL);
    ph_model *m = train("ae", good, OPTIONS("hidden=4", "latent-dim=2", "epochs=1"));
    assert_int_equal(ph_report_save(m, good, NULL, "/nowhere/page.html"), PH_IO);
    assert_non_null(strstr(ph_message(), "/nowhere/page.html"));
    assert_null(strchr(ph_message(), '\n'));
    assert_int_equal(ph_report_save(m, good, NULL, "/dev/full"), PH_IO);
    /* What cannot be measured leaves an older page as it was, and nothing beside it. */
    write_file("old.html", "old");
    assert_int_equal(ph_report_save(m, bad, NULL, in_folder("old.html")), PH_DATA);
    assert_non_null(strstr(ph_message(), "bad.csv: row 2, column 2"));
    assert_int_equal(
        ph_report_save(m, good, &(ph_report_desc){ .train = bad }, in_folder("old.html")), PH_DATA);
    ph_data *other = open_set("glyphs:test", NULL);
    assert_int_equal(ph_report_save(m, other, NULL, in_folder("old.html")), PH_DATA);
    char command[300], text[8] = "";
    FILE *f = fopen(in_folder("old.html"), "rb");
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    assert_string_equal(text, "old");
    snprintf(command, sizeof command, "test $(ls -A %s | grep -c 'html\\.') = 0", folder);
    assert_int_equal(system(command), 0);
    ph_data_close(other);
    ph_data_close(bad);
    ph_data_close(good);
    ph_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures),   cmocka_unit_test(without_a_record), cmocka_unit_test(one_number),
        cmocka_unit_test(sparse_code), cmocka_unit_test(beside_another),
        cmocka_unit_test(times_of_training),
        cmocka_unit_test(filters_as_a_picture),
        cmocka_unit_test(names_are_escaped), cmocka_unit_test(small_sets),
        cmocka_unit_test(windows_of_a_table), cmocka_unit_test(windows_of_a_sound),
        cmocka_unit_test(long_rows),
        cmocka_unit_test(many_classes), cmocka_unit_test(posterior),
        cmocka_unit_test(dimensions), cmocka_unit_test(words), cmocka_unit_test(draws_of_a_prior),
        cmocka_unit_test(lattices), cmocka_unit_test(classes_and_styles), cmocka_unit_test(rows_of_training),
        cmocka_unit_test(failures),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
