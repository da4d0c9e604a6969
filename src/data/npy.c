/* npy.c - NumPy's .npy format, versions 1 to 3, C and Fortran order.
 *
 * Magic, version, the length of a header, and the header: a Python dictionary with descr,
 * fortran_order and shape. The first dimension counts the rows.
 */
#include "data/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static ph_status damaged(const char *path, const char *why)
{
    return ph_fail(PH_DATA, "%s: not a sound .npy file: %s", path, why);
}

/* The text after 'key': in the dictionary, or NULL. */
static const char *after(const char *header, const char *key)
{
    char quoted[32];
    for (int q = 0; q < 2; q++) {
        snprintf(quoted, sizeof quoted, q ? "\"%s\"" : "'%s'", key);
        const char *at = strstr(header, quoted);
        if (at) {
            at += strlen(quoted);
            at += strspn(at, " ");
            return *at == ':' ? at + 1 + strspn(at + 1, " ") : NULL;
        }
    }
    return NULL;
}

static ph_status read_type(ph_data *d, const char *path, const char *header)
{
    const char *at = after(header, "descr");
    if (at == NULL || (*at != '\'' && *at != '"'))
        return damaged(path, "its header has no 'descr' of one plain type");
    char order = at[1];
    size_t length = strcspn(at + 2, "'\"");
    for (int e = PH_U1; e <= PH_F8; e++)
        if (strlen(ph_element_name((ph_element)e)) == length &&
            strncmp(ph_element_name((ph_element)e), at + 2, length) == 0 && strchr("<>|=", order)) {
            d->element = (ph_element)e;
            d->swapped = order == '>' && ph_element_bytes(d->element) > 1;
            return PH_OK;
        }
    return ph_fail(PH_DATA, "%s: numbers of type '%.*s'; known are u1, i1, i2, i4, i8, f4 and f8", path,
                   (int)(length < 16 ? length + 1 : 16), at + 1);
}

static ph_status read_shape(ph_data *d, const char *path, const char *header)
{
    const char *at = after(header, "shape");
    size_t dim[1 + PH_DATA_RANK + 1], rank = 0;
    if (at == NULL || *at++ != '(')
        return damaged(path, "its header has no 'shape'");
    for (at += strspn(at, " "); *at != ')'; at += strspn(at, " ,")) {
        char *end;
        errno = 0;
        unsigned long long size = strtoull(at, &end, 10);
        if (end == at || *at == '-' || errno || size > SIZE_MAX || rank > PH_DATA_RANK)
            return damaged(path, "its shape is not a list of 1 to 5 sizes");
        dim[rank++] = (size_t)size;
        at = end;
    }
    if (rank == 0)
        return damaged(path, "a single number has no rows");
    size_t one = 1;
    return ph_data_shape(d, path, dim[0], rank > 1 ? rank - 1 : 1, rank > 1 ? dim + 1 : &one);
}

static ph_status read_header(ph_data *d, const char *path, uint64_t *offset)
{
    uint8_t start[12];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return ph_fail(PH_IO, "%s: cannot read: %s", path, strerror(errno));
    size_t got = fread(start, 1, sizeof start, file), length = 0, begin = 0;
    char *header = NULL;
    ph_status status = PH_OK;
    if (got < 10 || memcmp(start, "\x93NUMPY", 6) != 0)
        status = damaged(path, "it does not begin with NumPy's magic bytes");
    else if (start[6] < 1 || start[6] > 3 || (start[6] > 1 && got < 12))
        status = damaged(path, "it is of an unknown version");
    if (status == PH_OK) {
        begin = start[6] == 1 ? 10 : 12;
        length = start[8] | (size_t)start[9] << 8;
        if (start[6] > 1)
            length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
        header = length < (1 << 20) ? calloc(1, length + 1) : NULL;
        if (header == NULL || fseek(file, (long)begin, SEEK_SET) != 0 ||
            fread(header, 1, length, file) != length)
            status = damaged(path, "its header is longer than the file");
    }
    if (status == PH_OK)
        status = read_type(d, path, header);
    const char *order = status == PH_OK ? after(header, "fortran_order") : NULL;
    d->by_column = order && strncmp(order, "True", 4) == 0;
    if (status == PH_OK)
        status = read_shape(d, path, header);
    free(header);
    fclose(file);
    *offset = begin + length;
    return status;
}

ph_data *ph_npy_open(const char *path, const char *name, size_t memory_limit)
{
    uint64_t offset = 0;
    ph_data *d = ph_data_make(name, "NPY");
    if (d == NULL)
        return NULL;
    ph_status status = read_header(d, path, &offset);
    if (status == PH_OK && d->by_column && d->rank > 1)
        status = ph_fail(PH_DATA, "%s: Fortran order with more than two dimensions; save it in C order",
                         path);
    if (status == PH_OK)
        status = ph_data_take_file(d, path, offset, memory_limit);
    if (status == PH_OK)
        return d;
    ph_data_close(d);
    return NULL;
}
