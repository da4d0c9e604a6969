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

typedef struct header {
    ph_element element;
    size_t bytes, count, rank, dim[5];
} header;

static ph_status damaged(const char *path, const char *why)
{
    return ph_fail(PH_DATA, "%s: not a sound IDX file: %s", path, why);
}

static ph_status read_header(ph_source *in, header *h)
{
    const char *path = ph_source_name(in);
    static const struct { uint8_t code; ph_element element; } types[] = {
        { 0x08, PH_U1 }, { 0x09, PH_I1 }, { 0x0b, PH_I2 }, { 0x0c, PH_I4 }, { 0x0d, PH_F4 },
        { 0x0e, PH_F8 } };
    uint8_t magic[4], size[4];
    PH_TRY(ph_source_take(in, magic, sizeof magic));
    size_t t = 0, count = sizeof types / sizeof types[0];
    while (t < count && types[t].code != magic[2])
        t++;
    if (magic[0] || magic[1] || t == count)
        return damaged(path, "it does not begin with 0, 0 and a type (bytes 1 to 3)");
    if (magic[3] < 1 || magic[3] > 5)
        return damaged(path, "the number of dimensions (byte 4) is not 1 to 5");
    *h = (header){ .element = types[t].element, .rank = magic[3], .count = 1 };
    for (size_t i = 0; i < h->rank; i++) {
        PH_TRY(ph_source_take(in, size, sizeof size));
        h->dim[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
        if (__builtin_mul_overflow(h->count, h->dim[i], &h->count) || h->count > SIZE_MAX / 16)
            return damaged(path, "the sizes in its header overflow");
    }
    h->bytes = 4 + 4 * h->rank;
    return PH_OK;
}

static ph_status read_numbers(ph_data *d, ph_source *in, const ph_data_desc *desc)
{
    header h;
    const char *path = ph_source_name(in);
    size_t one = 1;
    PH_TRY(read_header(in, &h));
    d->element = h.element;
    d->swapped = ph_element_bytes(h.element) > 1;
    PH_TRY(ph_data_shape(d, path, h.dim[0], h.rank > 1 ? h.rank - 1 : 1,
                         h.rank > 1 ? h.dim + 1 : &one));
    if (ph_source_is_plain(in))
        return ph_data_take_file(d, path, h.bytes, true, desc->memory_limit);
    PH_TRY(ph_data_take_stream(d, ph_source_take, in, desc->memory_limit));
    return ph_source_end(in);
}

static ph_status take_labels(ph_data *d, ph_source *in)
{
    header h;
    const char *path = ph_source_name(in);
    PH_TRY(read_header(in, &h));
    if (h.rank != 1 || h.element != PH_U1)
        return damaged(path, "labels are one byte for each row");
    if (h.dim[0] != d->rows)
        return ph_fail(PH_DATA, "%s: %zu labels for %zu rows", path, h.dim[0], d->rows);
    uint8_t *bytes = malloc(d->rows);
    uint32_t *labels = malloc(d->rows * sizeof *labels);
    ph_status status = bytes && labels ? ph_source_take(in, bytes, d->rows)
                                       : ph_fail(PH_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; i < d->rows && status == PH_OK; i++)
        labels[i] = bytes[i];
    if (status == PH_OK)
        ph_data_take_labels(d, labels);
    else
        free(labels);
    free(bytes);
    return status;
}

static ph_status read_labels(ph_data *d, const char *path)
{
    ph_source *in = ph_source_open(path);
    ph_status status = in ? take_labels(d, in) : ph_last_status();
    ph_source_close(in);
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

bool ph_idx_has(const char *folder, const char *part)
{
    char path[4400];
    return try_name(path, sizeof path, folder, strcmp(part, "test") == 0
                                                   ? "t10k-images-idx3-ubyte"
                                                   : "train-images-idx3-ubyte");
}

static ph_status open_part(ph_data *d, const char *folder, const char *part,
                           const ph_data_desc *desc)
{
    char path[4400], stem[64];
    const char *prefix = strcmp(part, "test") == 0 ? "t10k" : "train";
    snprintf(stem, sizeof stem, "%s-images-idx3-ubyte", prefix);
    if (!try_name(path, sizeof path, folder, stem))
        return ph_fail(PH_USAGE, "%s: a folder without %s[.gz]", folder, stem);
    ph_source *in = ph_source_open(path);
    ph_status status = in ? read_numbers(d, in, desc) : ph_last_status();
    ph_source_close(in);
    snprintf(stem, sizeof stem, "%s-labels-idx1-ubyte", prefix);
    if (status == PH_OK && try_name(path, sizeof path, folder, stem))
        status = read_labels(d, path);
    return status;
}

ph_data *ph_idx_part(const char *path, const char *name, const char *part, const ph_data_desc *desc)
{
    ph_data *d = ph_data_make(name, "IDX");
    if (d == NULL || open_part(d, path, part, desc) == PH_OK)
        return d;
    ph_data_close(d);
    return NULL;
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

ph_data *ph_idx_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    char labels[4400];
    ph_data *d = ph_data_make(name, "IDX");
    if (d && (read_numbers(d, in, desc) != PH_OK ||
              (labels_beside(ph_source_name(in), labels, sizeof labels) &&
               read_labels(d, labels) != PH_OK))) {
        ph_data_close(d);
        return NULL;
    }
    return d;
}
