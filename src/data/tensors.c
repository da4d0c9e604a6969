/* tensors.c - matrices in a .safetensors file. */
#include "base/safetensors.h"
#include "data/arrays.h"

#include <string.h>

static ph_status read_array(const ph_arrays *a, ph_data *d, const char *name,
                            const ph_data_desc *desc)
{
    static const struct { const char *type; ph_element element; } types[] = {
        { "F32", PH_F4 }, { "F64", PH_F8 }, { "F16", PH_F2 }, { "BF16", PH_BF2 }, { "U8", PH_U1 },
        { "I8", PH_I1 }, { "U16", PH_U2 }, { "I16", PH_I2 }, { "U32", PH_U4 }, { "I32", PH_I4 },
        { "U64", PH_U8 }, { "I64", PH_I8 }, { "BOOL", PH_U1 } };
    const ph_tensors *file = a->source;
    const ph_tensor *t = ph_tensors_find(file, name);
    if (t->rank == 0 || t->rank > 1 + PH_DATA_RANK)
        return ph_fail(PH_DATA, "%s: '%s' has %zu dimensions; rows have 1 to %d", a->path, name,
                       t->rank, PH_DATA_RANK);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].type, t->type) == 0)
            d->element = types[i].element;
    char where[4400];
    size_t one = 1;
    snprintf(where, sizeof where, "%s: '%s'", a->path, name);
    PH_TRY(ph_data_shape(d, where, t->shape[0], t->rank > 1 ? t->rank - 1 : 1,
                         t->rank > 1 ? t->shape + 1 : &one));
    return ph_data_take_file(d, a->path, (uint64_t)((const uint8_t *)t->data - file->bytes),
                             false, desc->memory_limit);
}

ph_data *ph_safetensors_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    ph_tensors file;
    const char *path = ph_source_name(in);
    if (!ph_source_is_plain(in)) {
        ph_fail(PH_USAGE, "%s: safetensors are read from a file, not from a pipe or through gzip",
                path);
        return NULL;
    }
    if (ph_tensors_read(path, &file) != PH_OK)
        return NULL;
    ph_arrays a = { .path = path, .read = read_array, .source = &file };
    ph_status status = PH_OK;
    for (size_t i = 0; i < file.tensor_count && status == PH_OK; i++)
        status = ph_texts_add(&a.names, file.tensor[i].name, strlen(file.tensor[i].name));
    ph_data *d = status == PH_OK ? ph_arrays_open(&a, name, "safetensors", desc) : NULL;
    ph_texts_free(&a.names);
    ph_tensors_free(&file);
    return d;
}
