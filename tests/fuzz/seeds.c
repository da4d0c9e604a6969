/* seeds.c - small sound files of every kind, for fuzzing to start from, and dictionaries of the words
 * that matter in them: fuzz_seeds FOLDER writes FOLDER/KIND/NAME and FOLDER/KIND.dict.
 */
#include <pinhole.h>

#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char *folder;

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_seeds: %s: %s\n", what, ph_message());
    exit(1);
}

static const char *path_of(const char *kind, const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, kind);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, kind, name);
    return path;
}

static void seed(const char *kind, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(path_of(kind, name), "wb");
    need(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, path_of(kind, name));
}

static void seed_text(const char *kind, const char *name, const char *text)
{
    seed(kind, name, text, strlen(text));
}

/* ---- Arrays ---------------------------------------------------------------------------------------- */

/* 2 x 3 numbers 0, 1, ... of a type as NumPy names it, behind a .npy header. */
static size_t npy(uint8_t *to, const char *type, const char *order, const char *shape)
{
    size_t each = (size_t)(type[2] - '0');
    int length = snprintf((char *)to + 10, 118, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }",
                          type, order, shape);
    memset(to + 10 + length, ' ', 117 - (size_t)length);
    to[127] = '\n';
    memcpy(to, "\x93NUMPY\x01\x00\x76\x00", 10);
    for (uint8_t i = 0; i < 6; i++) {
        float single = i;
        double number = i;
        uint8_t *at = memset(to + 128 + i * each, 0, each);
        if (type[1] == 'f')
            memcpy(at, each == 4 ? (void *)&single : (void *)&number, each);
        else
            at[type[0] == '>' ? each - 1 : 0] = i;
    }
    return 128 + 6 * each;
}

static void arrays(void)
{
    static const char *const types[] = { "|u1", "|i1", "<i2", "<i4", "<i8", "<f4", "<f8", ">i2", ">u4",
                                         "|b1" };
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        seed("npy", types[i] + (types[i][0] != '>'), bytes, npy(bytes, types[i], "False", "(2, 3)"));
    seed("npy", "fortran", bytes, npy(bytes, "<f4", "True", "(2, 3)"));
    seed("npy", "vector", bytes, npy(bytes, "<f8", "False", "(6,)"));
    seed("npy", "pictures", bytes, npy(bytes, "|u1", "False", "(1, 2, 3, 1)"));
    npy(bytes, "<f4", "False", "(2, 3)");
    memmove(bytes + 12, bytes + 10, 118 + 24); /* version 2: four bytes of length */
    memcpy(bytes + 6, "\x02\x00\x76\x00\x00", 6);
    seed("npy", "version-2", bytes, 128 + 24 + 2);
}

/* ---- IDX --------------------------------------------------------------------------------------------- */

static void seed_idx(const char *name, const void *bytes, size_t size)
{
    char packed[64];
    seed("idx", name, bytes, size);
    snprintf(packed, sizeof packed, "%s.gz", name);
    gzFile file = gzopen(path_of("gz", packed), "wb");
    need(file && gzwrite(file, bytes, (unsigned)size) == (int)size && gzclose(file) == Z_OK, packed);
}

static void idx(void)
{
    static const uint8_t pictures[] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2,
                                        1, 2, 3, 4, 5, 6, 7, 255 };
    static const uint8_t floats[] = { 0, 0, 13, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0x3f, 0x80, 0, 0, 0x40, 0, 0, 0 };
    static const uint8_t vector[] = { 0, 0, 11, 1, 0, 0, 0, 3, 0, 1, 0, 2, 255, 255 };
    seed_idx("pictures", pictures, sizeof pictures);
    seed_idx("floats", floats, sizeof floats);
    seed_idx("vector", vector, sizeof vector);
    seed("gz", "plain", pictures, sizeof pictures);
}

/* ---- ZIP with arrays ------------------------------------------------------------------------------- */

typedef struct zip {
    size_t size, directory_size;
    unsigned entries;
    uint8_t bytes[2048], directory[512];
} zip;

static void put(uint8_t **at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *(*at)++ = (uint8_t)(value >> 8 * i);
}

/* What the header of an entry and its line in the directory have in common. */
static void put_entry(uint8_t **at, bool packed, uint32_t sum, size_t there, size_t size, size_t name)
{
    put(at, 20, 2);
    put(at, 0, 2);
    put(at, packed ? Z_DEFLATED : 0, 2);
    put(at, 0x00210000, 4);
    put(at, sum, 4);
    put(at, (uint32_t)there, 4);
    put(at, (uint32_t)size, 4);
    put(at, (uint32_t)name, 2);
    put(at, 0, 2);
}

static void add(zip *z, const char *name, const uint8_t *bytes, size_t size, bool packed)
{
    uint8_t small[512];
    z_stream stream = { .next_in = (uint8_t *)bytes, .avail_in = (unsigned)size, .next_out = small,
                        .avail_out = sizeof small };
    /* A negative window: bare deflate, as ZIP has it. */
    need(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
             deflate(&stream, Z_FINISH) == Z_STREAM_END && deflateEnd(&stream) == Z_OK, name);
    size_t there = packed ? stream.total_out : size, offset = z->size;
    uint32_t sum = (uint32_t)crc32(0, bytes, (unsigned)size);
    uint8_t *at = z->bytes + z->size;
    put(&at, 0x04034b50, 4);
    put_entry(&at, packed, sum, there, size, strlen(name));
    memcpy(at, name, strlen(name));
    memcpy(at + strlen(name), packed ? small : bytes, there);
    z->size = (size_t)(at - z->bytes) + strlen(name) + there;
    at = z->directory + z->directory_size;
    put(&at, 0x02014b50, 4);
    put(&at, 20, 2);
    put_entry(&at, packed, sum, there, size, strlen(name));
    put(&at, 0, 2);
    put(&at, 0, 4);
    put(&at, 0, 4);
    put(&at, (uint32_t)offset, 4);
    memcpy(at, name, strlen(name));
    z->directory_size = (size_t)(at - z->directory) + strlen(name);
    z->entries++;
}

static void finish(zip *z, const char *name)
{
    size_t offset = z->size;
    memcpy(z->bytes + z->size, z->directory, z->directory_size);
    uint8_t *at = z->bytes + z->size + z->directory_size;
    put(&at, 0x06054b50, 4);
    put(&at, 0, 4);
    put(&at, z->entries, 2);
    put(&at, z->entries, 2);
    put(&at, (uint32_t)z->directory_size, 4);
    put(&at, (uint32_t)offset, 4);
    put(&at, 0, 2);
    seed("npz", name, z->bytes, (size_t)(at - z->bytes));
}

static void archives(void)
{
    uint8_t rows[256], labels[256];
    size_t rows_size = npy(rows, "<f8", "False", "(2, 3)");
    size_t labels_size = npy(labels, "|u1", "False", "(2,)") - 4;
    labels[129] = 1;
    for (int packed = 0; packed < 2; packed++) {
        zip both = { 0 }, one = { 0 };
        add(&both, "X.npy", rows, rows_size, packed);
        add(&both, "y.npy", labels, labels_size, packed);
        finish(&both, packed ? "two-deflated" : "two-stored");
        add(&one, "arr_0.npy", rows, rows_size, packed);
        finish(&one, packed ? "one-deflated" : "one-stored");
    }
}

/* ---- Tables ------------------------------------------------------------------------------------------ */

static void tables(void)
{
    seed_text("csv", "plain", "1,2,3\n4,5,6\n");
    seed_text("csv", "header", "a,b,label\n1.5,-2e3,0\n4,.5,1\n");
    seed_text("csv", "quotes", "\"a, \"\"b\"\"\",c\r\n\"1\",2\r\n\"3\",4\r\n");
    seed_text("csv", "decimal-comma", "a;b\n1,5;2\n-3,25;4\n");
    seed_text("csv", "mark", "\xef\xbb\xbf" "a,b\n1,2\n3,4\n");
    seed_text("csv", "missing", "a,b\n1,\nnan,4\n,inf\n");
    seed_text("csv", "time", "datetime;a;b\n2020-03-08 15:34:01;0.2;1\n2020-03-08 15:34:02;0.3;0\n");
    seed_text("csv", "text", "id,kind,a\nx,red,1\ny,blue,2\nz,red,3\n");
    seed_text("csv", "no-newline", "1,2\n\n3,4");
    seed_text("tsv", "header", "a\tb\n1\t2\n3\t4\n");
    seed_text("tsv", "plain", "1\t2\t3\r\n4\t5\t6\r\n");
    seed_text(".", "csv.dict", "\",\"\n\";\"\n\"\\x09\"\n\"\\x0d\\x0a\"\n\"\\\"\"\n\"nan\"\n\"-inf\"\n\"1e400\"\n"
                               "\"\\xef\\xbb\\xbf\"\n\"0x1p-3\"\n\"label\"\n");
    seed_text(".", "tsv.dict", "\"\\x09\"\n\"\\x0d\\x0a\"\n\"\\\"\"\n\"nan\"\n\"label\"\n");
}

/* ---- Pictures ---------------------------------------------------------------------------------------- */

static void png(const char *name, uint8_t color, uint8_t depth, size_t size)
{
    static const uint8_t pixels[16] = { 1, 0, 0, 1, 1, 1, 0, 0, 200, 100, 50, 25, 12, 6, 3, 255 };
    struct spng_ihdr header = { .width = 2, .height = 2, .color_type = color, .bit_depth = depth };
    struct spng_plte palette = { .n_entries = 2, .entries = { { 255, 0, 0, 255 }, { 0, 0, 255, 255 } } };
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    size_t length = 0;
    int error = 0;
    need(context && spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1) == 0 &&
             spng_set_ihdr(context, &header) == 0 &&
             (color != SPNG_COLOR_TYPE_INDEXED || spng_set_plte(context, &palette) == 0) &&
             spng_encode_image(context, pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) == 0, name);
    void *bytes = spng_get_png_buffer(context, &length, &error);
    need(bytes != NULL, name);
    seed("png", name, bytes, length);
    free(bytes);
    spng_ctx_free(context);
}

/* Written once by libjpeg: 4 x 3 pixels, grey; and in colour with halved chroma, progressive. */
static const char grey_jpeg[] =
    "ffd8ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565645f555d5b6a7899816a7190"
    "735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffc0000b080003000401011100ffc400140001000000000000"
    "00000000000000000003ffc4001a100001050100000000000000000000000004000102031323ffda0008010100003f00"
    "7a011736e315ffd9";
static const char colour_jpeg[] =
    "ffd8ffdb0043001b12141714111b1716171e1c1b2028422b28252528513a3d3042605565645f555d5b6a7899816a7190"
    "735b5d85b586909ea3abadab6780bcc9baa6c799a8aba4ffdb0043011c1e1e2823284e2b2b4ea46e5d6ea4a4a4a4a4a4"
    "a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4ffc20011"
    "080003000403012200021101031101ffc4001500010100000000000000000000000000000003ffc40015010101000000"
    "00000000000000000000000001ffda000c03010002100310000001984fffc40015100101000000000000000000000000"
    "00000201ffda00080101000105024a9bffc4001511010100000000000000000000000000000001ffda0008010301013f"
    "01afffc400161100030000000000000000000000000000000111ffda0008010201013f0188ffc4001710000301000000"
    "0000000000000000000000011131ffda0008010100063f028b0fffc40018100002030000000000000000000000000000"
    "01112151ffda0008010100013f21a9ea187fffda000c03010002000300000010ff00ffc4001511010100000000000000"
    "000000000000000031ffda0008010301013f10a7ffc40017110003010000000000000000000000000000011131ffda00"
    "08010201013f10a6a3ffc4001810010100030000000000000000000000000111004161ffda0008010100013f10a64421"
    "0e8e67ffd9";

static void seed_hexadecimal(const char *kind, const char *name, const char *text)
{
    uint8_t bytes[1024];
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    seed(kind, name, bytes, size);
}

static void pictures(void)
{
    png("gray", SPNG_COLOR_TYPE_GRAYSCALE, 8, 4);
    png("gray-1", SPNG_COLOR_TYPE_GRAYSCALE, 1, 2);
    png("gray-16", SPNG_COLOR_TYPE_GRAYSCALE, 16, 8);
    png("gray-alpha", SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 8);
    png("rgb", SPNG_COLOR_TYPE_TRUECOLOR, 8, 12);
    png("rgba", SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, 16);
    png("palette", SPNG_COLOR_TYPE_INDEXED, 8, 4);
    seed_hexadecimal("jpg", "gray", grey_jpeg);
    seed_hexadecimal("jpg", "colour", colour_jpeg);
    seed_text("pgm", "p2", "P2\n# a comment\n2 2\n255\n0 10\n20 255\n");
    seed_text("pgm", "p5", "P5\n2 2\n255\nabcd");
    seed_text("pgm", "p5-16", "P5 2 1 65535\nabcd");
    seed_text("pgm", "p6", "P6\n2 1\n255\nabcdef");
    uint8_t batch[3073 * 2];
    for (size_t i = 0; i < sizeof batch; i++)
        batch[i] = (uint8_t)(i % 3073 == 0 ? i % 10 : i);
    seed("bin", "two-pictures", batch, sizeof batch);
}

/* ---- Sounds ------------------------------------------------------------------------------------------ */

/* Two short ones open in windows of 2 alone, the long ones as they are. */
static void sound(const char *name, uint32_t format, unsigned tag, unsigned channels, unsigned bits, uint32_t frames)
{
    static uint8_t bytes[8192];
    uint8_t *at = bytes;
    uint32_t frame = channels * bits / 8;
    put(&at, 0x46464952, 4);
    put(&at, 20 + format + frames * frame, 4);
    put(&at, 0x45564157, 4);
    put(&at, 0x20746d66, 4);
    put(&at, format, 4);
    put(&at, format == 40 ? 0xfffe : tag, 2);
    put(&at, channels, 2);
    put(&at, 8000, 4);
    put(&at, 8000 * frame, 4);
    put(&at, frame, 2);
    put(&at, bits, 2);
    if (format == 40) {
        put(&at, 22, 2);
        put(&at, bits, 2);
        put(&at, 0, 4);
        put(&at, tag, 4);
        put(&at, 0x00100000, 4);
        put(&at, 0xaa000080, 4);
        put(&at, 0x719b3800, 4);
    }
    put(&at, 0x61746164, 4);
    put(&at, frames * frame, 4);
    for (uint32_t i = 0; i < frames * frame; i++)
        *at++ = (uint8_t)(i * 29 % 61);
    seed("wav", name, bytes, (size_t)(at - bytes));
}

static void sounds(void)
{
    sound("pcm-8", 16, 1, 1, 8, 1040);
    sound("pcm-16", 16, 1, 1, 16, 1030);
    sound("extensible", 40, 1, 1, 16, 1030);
    sound("pcm-24", 16, 1, 2, 24, 5);
    sound("pcm-32", 40, 1, 1, 32, 5);
    sound("float", 16, 3, 1, 32, 1024);
    sound("double", 40, 3, 2, 64, 4);
    seed_text(".", "wav.dict", "\"RIFF\"\n\"WAVE\"\n\"fmt \"\n\"data\"\n\"LIST\"\n"
                               "\"\\xff\\xff\\xff\\xff\"\n");
}

/* ---- Models and recipes -------------------------------------------------------------------------- */

static void seed_tensors(void)
{
    static const char header[] = "{\"y\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[16,18]},"
                                 "\"X\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
    uint8_t bytes[256] = { sizeof header - 1 };
    memcpy(bytes + 8, header, sizeof header - 1);
    memcpy(bytes + 8 + sizeof header - 1, (float[]){ 0, 1, 2, 3 }, 16);
    bytes[8 + sizeof header - 1 + 17] = 1;
    seed("safetensors", "two", bytes, 8 + sizeof header - 1 + 18);
}

/* settings: "name=value name=value ..." */
static void seed_model(const char *name, const char *family, const char *options, bool weights_only)
{
    static const uint32_t labels[8] = { 0, 1, 0, 1, 1, 0, 1, 0 };
    static const ph_real rows[8 * 3] = { 0, 1, 2, 1, 0, 1, 2, 2, 0, 3, 1, 1, 0, 0, 1, 1, 3, 2 };
    char text[700], *rest = text;
    snprintf(text, sizeof text, "%s", options);
    ph_settings *settings = ph_settings_new();
    ph_settings_set(settings, "latent-dim", "1");
    for (char *word; (word = strtok_r(rest, " ", &rest));) {
        char *value = strchr(word, '=');
        *value = '\0';
        ph_settings_set(settings, word, value + 1);
    }
    ph_data *data = ph_data_from_memory(rows, 8, 3, labels);
    ph_model *model = data ? ph_model_new(family, data, settings) : NULL;
    need(model && ph_train(model, data, NULL) == PH_OK &&
             ph_model_save(model, path_of("model", name), weights_only) == PH_OK, name);
    ph_model_free(model);
    ph_data_close(data);
    ph_settings_free(settings);
}

static void models(void)
{
    seed_model("ae", "ae", "hidden=2 epochs=2", false);
    seed_model("best", "ae", "hidden=2 epochs=2 val-split=0.25 average=0.9 optimizer=rmsprop", false);
    seed_model("tied", "ae", "hidden=2 epochs=1 tied=1 optimizer=sgd momentum=0.5 dropout=0.1", false);
    seed_model("shallow", "ae", "hidden=none epochs=0 scaling=minmax loss=bce", false);
    seed_model("weights", "ae", "hidden=3,2 epochs=1 loss=lp:1.5", true);
    seed_model("pca", "pca", "latent-dim=2", false);
    seed_model("labels", "aae", "hidden=2 labels=all labels-for=classifier epochs=1", true);
    seed_model("vqvae", "vqvae", "hidden=2 codes=3 epochs=1", false);
    char text[700];
    snprintf(text, sizeof text, "base=%s width=2 heads=1 depth=1 mlp-ratio=1 epochs=1", path_of("model", "vqvae"));
    seed_model("prior", "prior", text, false);
}

static void recipes(void)
{
    seed_text("recipe", "all", "# a comment\nfamily = ae\ndata = glyphs\nhidden = 256,128 # widths\n"
                               "latent_dim=20\nloss = lp:1.5\nlr = 6e-3\ntied\nNesterov = no\n");
    seed_text("recipe", "windows", "epochs = 3\r\n\r\n  seed\t=\t7  \r\n");
    seed_text("recipe", "no-newline", "batch-size = 0x10\nscaling = minmax\ncheckpoint-every = 5m");
    seed_text("recipe", "empty", "");
}

/* ---- Dictionaries ------------------------------------------------------------------------------------ */

static void write_words(FILE *file, const ph_option *table, size_t count)
{
    for (const ph_option *o = table; o < table + count; o++) {
        fprintf(file, "\"%s\"\n", o->name);
        for (const char *at = o->choices ? o->choices : ""; *at; at += strspn(at, " ")) {
            int length = (int)strcspn(at, " ");
            fprintf(file, "\"%.*s\"\n", length, at);
            at += length;
        }
    }
}

static void dictionary(const char *kind, const char *more)
{
    char name[64];
    size_t count;
    snprintf(name, sizeof name, "%s.dict", kind);
    FILE *file = fopen(path_of(".", name), "w");
    need(file != NULL, name);
    const ph_option *training = ph_training_options(&count);
    write_words(file, training, count);
    for (size_t i = 0; ph_family_at(i); i++)
        write_words(file, ph_family_at(i)->options, ph_family_at(i)->option_count);
    fputs("\"1000000\"\n\"1e6\"\n\"-1\"\n\"4000000000\"\n\"none\"\n\"mirror\"\n", file);
    fputs(more, file);
    need(fclose(file) == 0, name);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    mkdir(folder, 0777);
    arrays();
    idx();
    archives();
    tables();
    pictures();
    sounds();
    seed_tensors();
    models();
    recipes();
    dictionary("recipe", "\" = \"\n\"#\"\n\"family\"\n\"data\"\n");
    dictionary("model", "\"\\\"__metadata__\\\":{\"\n\"\\\"option:\"\n\"\\\"dtype\\\":\\\"F64\\\"\"\n"
                        "\"\\\"shape\\\":[\"\n\"\\\"data_offsets\\\":[\"\n\"row-shape\"\n\"scaling/shift\"\n"
                        "\"scaling/scale\"\n\"training/progress\"\n\"training/best\"\n\"optimizer/\"\n"
                        "\"encoder/0/weight\"\n\"decoder/0/bias\"\n\"scaling-kind\"\n\"classes\"\n\"window\"\n\"hop\"\n\"100000000\"\n");
    dictionary("safetensors", "\"\\\"__metadata__\\\":{\"\n\"\\\"dtype\\\":\\\"F64\\\"\"\n\"BF16\"\n\"I64\"\n"
                              "\"\\\"shape\\\":[\"\n\"\\\"data_offsets\\\":[\"\n");
    return 0;
}
