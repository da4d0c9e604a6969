/* same_files.h - whether two files are the same, whether two models hold the same numbers, to the bit. */
#ifndef TESTS_SAME_FILES_H
#define TESTS_SAME_FILES_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/safetensors.h"

/* The progress has the seconds that training took; all else in it shows in the other arrays. */
static inline bool same_arrays(const char *a, const char *b)
{
    ph_tensors x, y = { 0 };
    bool same = ph_tensors_read(a, &x) == PH_OK && ph_tensors_read(b, &y) == PH_OK &&
                x.tensor_count == y.tensor_count;
    for (size_t i = 0; same && i < x.tensor_count; i++) {
        const ph_tensor *t = &x.tensor[i], *other = ph_tensors_find(&y, t->name);
        same = other && t->bytes == other->bytes &&
               (strcmp(t->name, "training/progress") == 0 ||
                memcmp(t->data, other->data, t->bytes) == 0);
    }
    ph_tensors_free(&x);
    ph_tensors_free(&y);
    return same;
}

static inline bool same_bytes(const char *a, const char *b)
{
    size_t m, n;
    uint8_t *x = ph_file_read(a, &m), *y = ph_file_read(b, &n);
    bool same = x && y && m == n && memcmp(x, y, n) == 0;
    free(x);
    free(y);
    return same;
}

#endif
