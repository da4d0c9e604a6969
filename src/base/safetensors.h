/* safetensors.h - the model file's format: named arrays and a map of texts.
 *
 * Eight bytes with the length of a JSON header, the header, the arrays one after the other. Data
 * only: reading one can never run code, and every language has a reader.
 */
#ifndef PH_BASE_SAFETENSORS_H
#define PH_BASE_SAFETENSORS_H

#include "base/error.h"

enum { PH_TENSOR_RANK = 8 };

typedef struct ph_tensor {
    const char *name, *type;   /* type: "F32", "F64", "U8", "I64", ... */
    size_t rank, shape[PH_TENSOR_RANK], bytes;
    const void *data;
} ph_tensor;

typedef struct ph_text {
    const char *name, *value;
} ph_text;

/* Replaces path atomically. Little-endian hosts only. */
ph_status ph_tensors_write(const char *path, const ph_tensor *tensors, size_t tensor_count,
                           const ph_text *texts, size_t text_count);

typedef struct ph_tensors {
    size_t tensor_count, text_count;
    ph_tensor *tensor;
    ph_text *text;
    uint8_t *bytes;            /* of the file; tensors, names and texts point into it */
} ph_tensors;

/* PH_DATA with file, place and reason where the file is not what it says. */
ph_status ph_tensors_read(const char *path, ph_tensors *out);
void ph_tensors_free(ph_tensors *);
const ph_tensor *ph_tensors_find(const ph_tensors *, const char *name);
const char *ph_tensors_text(const ph_tensors *, const char *name);

#endif
