/* idx.c - the IDX format of the MNIST family, plain or gzipped: a file, or a folder with the four
 * usual names.
 *
 * A header of 4 + 4 * dimensions bytes (two zeros, type, number of dimensions, then sizes, all
 * big-endian), then the numbers. Gzipped files have no places to jump to and are unpacked into
 * memory.
 */
#include "data/data.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

typedef struct header {
    ph_element element;
    size_t bytes, count, rank, dim[5];
} header;

static ph_status damaged(const char *path, const char *why)
{
    return ph_fail(PH_DATA, "%s: not a sound IDX file: %s", path, why);
}

static ph_status take(gzFile file, const char *path, void *to, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        size_t piece = bytes - done < (1u << 30) ? bytes - done : 1u << 30;
        int got = gzread(file, (char *)to + done, (unsigned)piece), error = 0;
        if (got <= 0) {
            const char *text = gzerror(file, &error);
            return damaged(path, got < 0 || (error != Z_OK && error != Z_BUF_ERROR)
                                     ? text
                                     : "it ends before the header says it does");
        }
        done += (size_t)got;
    }
    return PH_OK;
}

static ph_status read_header(gzFile file, const char *path, header *h)
{
    static const struct { uint8_t code; ph_element element; } types[] = {
        { 0x08, PH_U1 }, { 0x09, PH_I1 }, { 0x0b, PH_I2 }, { 0x0c, PH_I4 }, { 0x0d, PH_F4 },
        { 0x0e, PH_F8 } };
    uint8_t magic[4], size[4];
    PH_TRY(take(file, path, magic, sizeof magic));
    size_t t = 0, count = sizeof types / sizeof types[0];
    while (t < count && types[t].code != magic[2])
        t++;
    if (magic[0] || magic[1] || t == count)
        return damaged(path, "it does not begin with 0, 0 and a type (bytes 1 to 3)");
    if (magic[3] < 1 || magic[3] > 5)
        return damaged(path, "the number of dimensions (byte 4) is not 1 to 5");
    *h = (header){ .element = types[t].element, .rank = magic[3], .count = 1 };
    for (size_t i = 0; i < h->rank; i++) {
        PH_TRY(take(file, path, size, sizeof size));
        h->dim[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
        if (__builtin_mul_overflow(h->count, h->dim[i], &h->count) || h->count > SIZE_MAX / 16)
            return damaged(path, "the sizes in its header overflow");
    }
    h->bytes = 4 + 4 * h->rank;
    return PH_OK;
}

static gzFile open_gz(const char *path)
{
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        ph_fail(PH_IO, "%s: cannot read", path);
    else
        gzbuffer(file, 1 << 17);
    return file;
}

/* Numbers of a gzipped file into memory. Memory grows with what is really there, so that a header
 * that lies cannot ask for more than the file holds. */
static ph_status unpack(gzFile file, const char *path, ph_data *d)
{
    size_t bytes = d->rows * d->width * ph_element_bytes(d->element), have = 0;
    while (have < bytes) {
        size_t next = have + (have ? have : (size_t)1 << 22);
        next = next < bytes ? next : bytes;
        uint8_t *grown = realloc(d->memory, next + 64);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", path);
        d->memory = grown;
        PH_TRY(take(file, path, d->memory + have, next - have));
        have = next;
    }
    return PH_OK;
}

static ph_status read_images(ph_data *d, const char *path, size_t memory_limit)
{
    header h;
    gzFile file = open_gz(path);
    if (file == NULL)
        return PH_IO;
    bool packed = !gzdirect(file);
    ph_status status = read_header(file, path, &h);
    size_t one = 1;
    if (status == PH_OK) {
        d->element = h.element;
        d->swapped = ph_element_bytes(h.element) > 1;
        status = ph_data_shape(d, path, h.dim[0], h.rank > 1 ? h.rank - 1 : 1,
                               h.rank > 1 ? h.dim + 1 : &one);
    }
    if (status == PH_OK)
        status = packed ? unpack(file, path, d)
                        : ph_data_take_file(d, path, h.bytes, memory_limit);
    gzclose(file);
    return status;
}

static ph_status read_labels(ph_data *d, const char *path)
{
    header h;
    gzFile file = open_gz(path);
    if (file == NULL)
        return PH_IO;
    ph_status status = read_header(file, path, &h);
    if (status == PH_OK && (h.rank != 1 || h.element != PH_U1))
        status = damaged(path, "labels are one byte for each row");
    if (status == PH_OK && h.dim[0] != d->rows)
        status = ph_fail(PH_DATA, "%s: %zu labels for %zu rows", path, h.dim[0], d->rows);
    uint8_t *bytes = malloc(d->rows);
    uint32_t *labels = malloc(d->rows * sizeof *labels);
    if (status == PH_OK && (bytes == NULL || labels == NULL))
        status = ph_fail(PH_MEMORY, "%s: out of memory", path);
    if (status == PH_OK)
        status = take(file, path, bytes, d->rows);
    if (status == PH_OK) {
        for (size_t i = 0; i < d->rows; i++)
            labels[i] = bytes[i];
        ph_data_take_labels(d, labels);
        labels = NULL;
    }
    free(labels);
    free(bytes);
    gzclose(file);
    return status;
}

static bool try_name(char *path, size_t size, const char *folder, const char *stem)
{
    static const char *const endings[] = { "", ".gz" };
    static const char joints[] = "-.";
    struct stat info;
    for (int e = 0; e < 2; e++)
        for (int j = 0; j < 2; j++) {
            const char *mark = strstr(stem, "-idx");
            snprintf(path, size, "%s/%.*s%c%s%s", folder, (int)(mark - stem), stem, joints[j],
                     mark + 1, endings[e]);
            if (stat(path, &info) == 0)
                return true;
        }
    return false;
}

static ph_status open_part(ph_data *d, const char *folder, const char *part, size_t memory_limit)
{
    char path[4400], stem[64];
    const char *prefix = strcmp(part, "test") == 0 ? "t10k" : "train";
    snprintf(stem, sizeof stem, "%s-images-idx3-ubyte", prefix);
    if (!try_name(path, sizeof path, folder, stem))
        return ph_fail(PH_USAGE, "%s: a folder without %s[.gz]", folder, stem);
    PH_TRY(read_images(d, path, memory_limit));
    snprintf(stem, sizeof stem, "%s-labels-idx1-ubyte", prefix);
    return try_name(path, sizeof path, folder, stem) ? read_labels(d, path) : PH_OK;
}

/* The labels that belong to a single file of images, if they lie beside it. */
static bool labels_beside(const char *path, char *labels, size_t size)
{
    struct stat info;
    const char *images = strstr(path, "images");
    while (images && strstr(images + 1, "images"))
        images = strstr(images + 1, "images");
    const char *kind = images ? strstr(images, "idx3") : NULL;
    if (kind == NULL)
        return false;
    snprintf(labels, size, "%.*slabels%.*sidx1%s", (int)(images - path), path,
             (int)(kind - images - 6), images + 6, kind + 4);
    return stat(labels, &info) == 0;
}

/* Training and test rows one after the other: both are small enough where this is asked for. */
static ph_data *join(ph_data *a, ph_data *b, const char *path)
{
    if (a->width != b->width || a->element != b->element || a->memory == NULL ||
        b->memory == NULL || (a->labels == NULL) != (b->labels == NULL)) {
        ph_fail(PH_USAGE, "%s: the two parts cannot be joined; name :train or :test", path);
        return NULL;
    }
    size_t bytes = ph_element_bytes(a->element) * a->width, rows = a->rows + b->rows;
    uint8_t *memory = realloc(a->memory, rows * bytes + 64);
    if (memory)
        memcpy(memory + a->rows * bytes, b->memory, b->rows * bytes);
    a->memory = memory ? memory : a->memory;
    uint32_t *labels = a->labels ? realloc(a->labels, rows * sizeof *labels) : NULL;
    if (memory == NULL || (a->labels && labels == NULL)) {
        ph_fail(PH_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    if (labels)
        memcpy(labels + a->rows, b->labels, b->rows * sizeof *labels);
    a->rows = rows;
    if (labels)
        ph_data_take_labels(a, labels);
    return a;
}

static ph_data *open_folder(const char *path, const char *name, const char *part, size_t limit)
{
    bool all = strcmp(part, "all") == 0;
    char test[4400];
    ph_data *d = ph_data_make(name, "IDX"), *second = NULL;
    if (d == NULL)
        return NULL;
    bool has_test = try_name(test, sizeof test, path, "t10k-images-idx3-ubyte");
    bool fails = open_part(d, path, all ? "train" : part, limit) != PH_OK;
    if (!fails && all && has_test) {
        second = ph_data_make(name, "IDX");
        fails = second == NULL || open_part(second, path, "test", limit) != PH_OK ||
                join(d, second, path) == NULL;
    }
    d->has_test = has_test;
    ph_data_close(second);
    if (fails) {
        ph_data_close(d);
        return NULL;
    }
    return d;
}

ph_data *ph_idx_open(const char *path, const char *name, const char *part, size_t memory_limit)
{
    if (part)
        return open_folder(path, name, part, memory_limit);
    char labels[4400];
    ph_data *d = ph_data_make(name, "IDX");
    if (d && (read_images(d, path, memory_limit) != PH_OK ||
              (labels_beside(path, labels, sizeof labels) && read_labels(d, labels) != PH_OK))) {
        ph_data_close(d);
        return NULL;
    }
    return d;
}
