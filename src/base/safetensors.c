/* safetensors.c - reader and writer of the safetensors format. Every number of a file is checked
 * before it is used: lengths against the file, shapes against lengths, pieces against each other.
 */
#include "base/safetensors.h"

#include "base/file.h"

#include <jansson.h>
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

static json_t *header(const ph_tensor *tensors, size_t tensor_count, const ph_text *texts,
                      size_t text_count)
{
    json_t *root = json_object(), *map = json_object();
    bool ok = root && map;
    for (size_t i = 0; i < text_count && ok; i++)
        ok = json_object_set_new(map, texts[i].name, json_string(texts[i].value)) == 0;
    ok = ok && json_object_set(root, "__metadata__", map) == 0;
    json_decref(map);
    size_t at = 0;
    for (size_t i = 0; i < tensor_count && ok; i++) {
        const ph_tensor *t = &tensors[i];
        json_t *shape = json_array();
        for (size_t d = 0; d < t->rank; d++)
            ok = ok && json_array_append_new(shape, json_integer((json_int_t)t->shape[d])) == 0;
        json_t *entry = json_pack("{s:s, s:o, s:[I,I]}", "dtype", t->type, "shape", shape,
                                  "data_offsets", (json_int_t)at, (json_int_t)(at + t->bytes));
        ok = ok && json_object_set_new(root, t->name, entry) == 0;
        at += t->bytes;
    }
    if (ok)
        return root;
    json_decref(root);
    return NULL;
}

ph_status ph_tensors_write(const char *path, const ph_tensor *tensors, size_t tensor_count,
                           const ph_text *texts, size_t text_count)
{
    if (!little_endian())
        return ph_fail(PH_IO, "%s: model files are written on little-endian machines only", path);
    json_t *root = header(tensors, tensor_count, texts, text_count);
    char *json = root ? json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(root);
    if (json == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory, or a text that is not UTF-8", path);
    /* Blanks bring the arrays to a multiple of 64, so that a reader can map them. */
    size_t length = strlen(json), padded = (length + 8 + 63) / 64 * 64 - 8;
    uint64_t prefix = padded;
    ph_file *file = ph_file_create(path);
    if (file == NULL) {
        free(json);
        return ph_last_status();
    }
    ph_file_write(file, &prefix, sizeof prefix);
    ph_file_write(file, json, length);
    for (size_t i = length; i < padded; i++)
        ph_file_write(file, " ", 1);
    for (size_t i = 0; i < tensor_count; i++)
        ph_file_write(file, tensors[i].data, tensors[i].bytes);
    free(json);
    return ph_file_commit(file);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static ph_status damaged(const char *path, const char *tensor, const char *why)
{
    return ph_fail(PH_DATA, "%s: not a sound model file (%s): %s", path, tensor, why);
}

static bool as_size(const json_t *value, size_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (size_t)json_integer_value(value);
    return true;
}

static ph_status read_tensor(const char *path, const char *name, const json_t *entry,
                             const uint8_t *data, size_t size, ph_tensor *t)
{
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    size_t begin, end, bytes = type ? type_bytes(type) : 0;
    if (bytes == 0)
        return damaged(path, name, "unknown dtype");
    if (!json_is_array(shape) || json_array_size(shape) > PH_TENSOR_RANK)
        return damaged(path, name, "shape is not a list of up to 8 sizes");
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !as_size(json_array_get(offsets, 0), &begin) || !as_size(json_array_get(offsets, 1), &end) ||
        begin > end || end > size)
        return damaged(path, name, "data_offsets lie outside the file");
    *t = (ph_tensor){ .name = name, .type = type, .rank = json_array_size(shape),
                      .bytes = end - begin, .data = data + begin };
    for (size_t d = 0; d < t->rank; d++) {
        if (!as_size(json_array_get(shape, d), &t->shape[d]))
            return damaged(path, name, "shape is not a list of sizes");
        if (__builtin_mul_overflow(bytes, t->shape[d], &bytes))
            return damaged(path, name, "shape is too large");
    }
    return bytes == t->bytes ? PH_OK : damaged(path, name, "shape and data_offsets do not agree");
}

static int by_place(const void *a, const void *b)
{
    const ph_tensor *x = *(ph_tensor *const *)a, *y = *(ph_tensor *const *)b;
    return x->data < y->data ? -1 : x->data > y->data ? 1 : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static ph_status check_overlap(const char *path, ph_tensors *out)
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
    free(order);
    return status;
}

static ph_status read_entries(const char *path, ph_tensors *out, const uint8_t *data, size_t size)
{
    json_t *root = (json_t *)out->json, *value;
    const char *name;
    size_t count = json_object_size(root);
    json_t *map = json_object_get(root, "__metadata__");
    out->tensor = calloc(count + 1, sizeof *out->tensor);
    out->text = calloc(json_object_size(map) + 1, sizeof *out->text);
    if (out->tensor == NULL || out->text == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", path);
    if (map && !json_is_object(map))
        return damaged(path, "__metadata__", "not a map of texts");
    json_object_foreach(map, name, value) {
        if (!json_is_string(value))
            return damaged(path, name, "metadata is not a text");
        out->text[out->text_count++] = (ph_text){ name, json_string_value(value) };
    }
    json_object_foreach(root, name, value) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        PH_TRY(read_tensor(path, name, value, data, size, &out->tensor[out->tensor_count]));
        out->tensor_count++;
    }
    return check_overlap(path, out);
}

ph_status ph_tensors_read(const char *path, ph_tensors *out)
{
    *out = (ph_tensors){ 0 };
    if (!little_endian())
        return ph_fail(PH_IO, "%s: model files are read on little-endian machines only", path);
    size_t size;
    uint64_t length;
    out->bytes = ph_file_read(path, &size);
    if (out->bytes == NULL)
        return ph_last_status();
    ph_status status = PH_OK;
    if (size < sizeof length) {
        status = damaged(path, "header", "the file is shorter than 8 bytes");
    } else {
        memcpy(&length, out->bytes, sizeof length);
        json_error_t error;
        if (length > size - sizeof length)
            status = damaged(path, "header", "its length is beyond the end of the file");
        else if ((out->json = (struct json_t *)json_loadb((const char *)out->bytes + sizeof length,
                                                          length, JSON_REJECT_DUPLICATES,
                                                          &error)) == NULL)
            status = damaged(path, "header", error.text);
        else if (!json_is_object((json_t *)out->json))
            status = damaged(path, "header", "not a JSON object");
        else
            status = read_entries(path, out, out->bytes + sizeof length + length,
                                  size - sizeof length - (size_t)length);
    }
    if (status != PH_OK)
        ph_tensors_free(out);
    return status;
}

void ph_tensors_free(ph_tensors *t)
{
    json_decref((json_t *)t->json);
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
