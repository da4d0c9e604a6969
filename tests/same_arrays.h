/* same_arrays.h - whether two model files hold the same numbers, to the bit. */
#ifndef TESTS_SAME_ARRAYS_H
#define TESTS_SAME_ARRAYS_H

#include <stdbool.h>
#include <string.h>

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

#endif
