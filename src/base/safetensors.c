/* safetensors.c - reader and writer of the safetensors format. Every number of a file is checked
 * before it is used: lengths against the file, shapes against lengths, pieces against each other.
 */
#include "base/safetensors.h"

#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = { { "F32", 4 }, { "F64", 8 }, { "U8", 1 },  { "I8", 1 },  { "U16", 2 },
              { "I16", 2 }, { "U32", 4 }, { "I32", 4 }, { "U64", 8 }, { "I64", 8 },
              { "F16", 2 }, { "BF16", 2 }, { "BOOL", 1 } };

static size_t type_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].bytes;
    return 0;
}

static bool little_endian(void)
{
    return *(const uint8_t *)&(uint16_t){ 1 } == 1;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

static void put_header(ph_json_out *out, const ph_tensor *tensors, size_t tensor_count,
                       const ph_text *texts, size_t text_count)
{
    size_t at = 0;
    ph_json_put(out, "{\"__metadata__\":{");
    for (size_t i = 0; i < text_count; i++) {
        ph_json_put(out, i ? "," : "");
        ph_json_put_text(out, texts[i].name);
        ph_json_put(out, ":");
        ph_json_put_text(out, texts[i].value);
    }
    ph_json_put(out, "}");
    for (size_t i = 0; i < tensor_count; i++) {
        const ph_tensor *t = &tensors[i];
        ph_json_put(out, ",");
        ph_json_put_text(out, t->name);
        ph_json_put(out, ":{\"dtype\":\"%s\",\"shape\":[", t->type);
        for (size_t d = 0; d < t->rank; d++)
            ph_json_put(out, d ? ",%zu" : "%zu", t->shape[d]);
        ph_json_put(out, "],\"data_offsets\":[%zu,%zu]}", at, at + t->bytes);
        at += t->bytes;
    }
    ph_json_put(out, "}");
}

ph_status ph_tensors_write(const char *path, const ph_tensor *tensors, size_t tensor_count,
                           const ph_text *texts, size_t text_count)
{
    if (!little_endian())
        return ph_fail(PH_IO, "%s: model files are written on little-endian machines only", path);
    ph_json_out json = { 0 };
    put_header(&json, tensors, tensor_count, texts, text_count);
    /* Blanks bring the arrays to a multiple of 64, so that a reader can map them. */
    while ((json.used + sizeof(uint64_t)) % 64 && !json.failed)
        ph_json_put(&json, " ");
    uint64_t length = json.used;
    ph_status status = json.failed ? ph_fail(PH_MEMORY, "%s: out of memory", path) : PH_OK;
    ph_file *file = status == PH_OK ? ph_file_create(path) : NULL;
    if (file) {
        ph_file_write(file, &length, sizeof length);
        ph_file_write(file, json.text, json.used);
        for (size_t i = 0; i < tensor_count; i++)
            ph_file_write(file, tensors[i].data, tensors[i].bytes);
        status = ph_file_commit(file);
    } else if (status == PH_OK) {
        status = ph_last_status();
    }
    free(json.text);
    return status;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static ph_status damaged(const char *path, const char *tensor, const char *why)
{
    return ph_fail(PH_DATA, "%s: not a sound safetensors file (%s): %s", path, tensor, why);
}

/* [size, size, ...], no more than `most`. */
static bool take_sizes(ph_json_in *in, size_t *out, size_t most, size_t *count)
{
    *count = 0;
    if (!ph_json_take(in, '['))
        return false;
    if (ph_json_take(in, ']'))
        return true;
    do {
        if (*count == most || !ph_json_take_size(in, &out[(*count)++]))
            return false;
    } while (ph_json_take(in, ','));
    return ph_json_take(in, ']');
}

/* {"dtype": ..., "shape": ..., "data_offsets": ...} in any order. */
static ph_status take_tensor(const char *path, ph_json_in *in, const char *name,
                             const uint8_t *data, size_t size, ph_tensor *t)
{
    size_t offset[2] = { 1, 0 }, offsets = 0, bytes;
    bool has_shape = false;
    *t = (ph_tensor){ .name = name };
    if (!ph_json_take(in, '{'))
        return damaged(path, name, "not a JSON object");
    do {
        const char *key = ph_json_take_text(in);
        if (key == NULL || !ph_json_take(in, ':'))
            return damaged(path, name, "not a JSON object");
        if (strcmp(key, "dtype") == 0)
            t->type = ph_json_take_text(in);
        else if (strcmp(key, "shape") == 0)
            has_shape = take_sizes(in, t->shape, PH_TENSOR_RANK, &t->rank);
        else if (strcmp(key, "data_offsets") != 0)
            return damaged(path, name, "its entry has an unknown key");
        else if (!take_sizes(in, offset, 2, &offsets))
            offsets = 0;
    } while (ph_json_take(in, ','));
    bytes = t->type ? type_bytes(t->type) : 0;
    if (bytes == 0)
        return damaged(path, name, "unknown dtype");
    if (!has_shape)
        return damaged(path, name, "shape is not a list of up to 8 sizes");
    if (offsets != 2 || offset[0] > offset[1] || offset[1] > size)
        return damaged(path, name, "data_offsets lie outside the file");
    if (!ph_json_take(in, '}'))
        return damaged(path, name, "not a JSON object");
    t->bytes = offset[1] - offset[0];
    t->data = data + offset[0];
    for (size_t d = 0; d < t->rank; d++)
        if (__builtin_mul_overflow(bytes, t->shape[d], &bytes))
            return damaged(path, name, "shape is too large");
    return bytes == t->bytes ? PH_OK : damaged(path, name, "shape and data_offsets do not agree");
}

static ph_status take_text(const char *path, ph_json_in *in, const char *name, ph_text *out)
{
    *out = (ph_text){ name, ph_json_take_text(in) };
    return out->value ? PH_OK : damaged(path, name, "metadata is not a text");
}

/* Room for one more at the end of a list, doubled when it is full: lengths of powers of two. */
static void *with_room(const char *path, void *list, size_t count, size_t each)
{
    if (count & (count - 1) || (count && count < 16))
        return list;
    void *grown = realloc(list, (count ? 2 * count : 16) * each);
    if (grown == NULL)
        ph_fail(PH_MEMORY, "%s: out of memory", path);
    return grown;
}

static ph_status take_texts(const char *path, ph_json_in *in, ph_tensors *out)
{
    if (!ph_json_take(in, '{'))
        return damaged(path, "__metadata__", "not a map of texts");
    if (ph_json_take(in, '}'))
        return PH_OK;
    do {
        const char *name = ph_json_take_text(in);
        if (name == NULL || !ph_json_take(in, ':'))
            return damaged(path, "__metadata__", "not a map of texts");
        ph_text *grown = with_room(path, out->text, out->text_count, sizeof *grown);
        if (grown == NULL)
            return PH_MEMORY;
        out->text = grown;
        PH_TRY(take_text(path, in, name, &out->text[out->text_count]));
        out->text_count++;
    } while (ph_json_take(in, ','));
    return ph_json_take(in, '}') ? PH_OK : damaged(path, "__metadata__", "not a map of texts");
}

static int by_place(const void *a, const void *b)
{
    const ph_tensor *x = *(ph_tensor *const *)a, *y = *(ph_tensor *const *)b;
    return x->data < y->data ? -1 : x->data > y->data ? 1 : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(ph_tensor *const *)a)->name, (*(ph_tensor *const *)b)->name);
}

/* No two arrays share bytes or a name. */
static ph_status check_each_other(const char *path, ph_tensors *out)
{
    ph_tensor **order = malloc((out->tensor_count + 1) * sizeof *order);
    if (order == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; i < out->tensor_count; i++)
        order[i] = &out->tensor[i];
    qsort(order, out->tensor_count, sizeof *order, by_place);
    ph_status status = PH_OK;
    for (size_t i = 1; i < out->tensor_count && status == PH_OK; i++)
        if ((const uint8_t *)order[i - 1]->data + order[i - 1]->bytes >
            (const uint8_t *)order[i]->data)
            status = damaged(path, order[i]->name, "overlaps another array");
    qsort(order, out->tensor_count, sizeof *order, by_name);
    for (size_t i = 1; i < out->tensor_count && status == PH_OK; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            status = damaged(path, order[i]->name, "there are two of that name");
    free(order);
    return status;
}

static ph_status take_entries(const char *path, ph_json_in *in, ph_tensors *out, const uint8_t *data,
                              size_t size)
{
    if (!ph_json_take(in, '{'))
        return damaged(path, "header", "not a JSON object");
    if (ph_json_take(in, '}'))
        return PH_OK;
    do {
        const char *name = ph_json_take_text(in);
        if (name == NULL || !ph_json_take(in, ':'))
            return damaged(path, "header", "not a JSON object");
        if (strcmp(name, "__metadata__") == 0) {
            PH_TRY(take_texts(path, in, out));
            continue;
        }
        ph_tensor *grown = with_room(path, out->tensor, out->tensor_count, sizeof *grown);
        if (grown == NULL)
            return PH_MEMORY;
        out->tensor = grown;
        PH_TRY(take_tensor(path, in, name, data, size, &out->tensor[out->tensor_count]));
        out->tensor_count++;
    } while (ph_json_take(in, ','));
    return ph_json_take(in, '}') ? PH_OK : damaged(path, "header", "not a JSON object");
}

static ph_status read_header(const char *path, ph_tensors *out, size_t size)
{
    uint64_t length;
    if (size < sizeof length)
        return damaged(path, "header", "the file is shorter than 8 bytes");
    memcpy(&length, out->bytes, sizeof length);
    if (length > size - sizeof length)
        return damaged(path, "header", "its length is beyond the end of the file");
    char *text = (char *)out->bytes + sizeof length;
    ph_json_in in = { text, text + length };
    PH_TRY(take_entries(path, &in, out, out->bytes + sizeof length + length,
                        size - sizeof length - (size_t)length));
    if (!ph_json_is_at_end(&in))
        return damaged(path, "header", "not a JSON object");
    return check_each_other(path, out);
}

ph_status ph_tensors_read(const char *path, ph_tensors *out)
{
    *out = (ph_tensors){ 0 };
    if (!little_endian())
        return ph_fail(PH_IO, "%s: model files are read on little-endian machines only", path);
    size_t size;
    out->bytes = ph_file_read(path, &size);
    if (out->bytes == NULL)
        return ph_last_status();
    ph_status status = read_header(path, out, size);
    if (status != PH_OK)
        ph_tensors_free(out);
    return status;
}

void ph_tensors_free(ph_tensors *t)
{
    free(t->bytes);
    free(t->tensor);
    free(t->text);
    *t = (ph_tensors){ 0 };
}

const ph_tensor *ph_tensors_find(const ph_tensors *t, const char *name)
{
    for (size_t i = 0; i < t->tensor_count; i++)
        if (strcmp(t->tensor[i].name, name) == 0)
            return &t->tensor[i];
    return NULL;
}

const char *ph_tensors_text(const ph_tensors *t, const char *name)
{
    for (size_t i = 0; i < t->text_count; i++)
        if (strcmp(t->text[i].name, name) == 0)
            return t->text[i].value;
    return NULL;
}
