/* npy.c - NumPy's .npy format, versions 1 to 3, C and Fortran order, plain, gzipped or from a pipe.
 *
 * Magic, version, the length of a header, and the header: a Python dictionary with descr,
 * fortran_order and shape. The first dimension counts the rows.
 */
#include "data/pieces.h"

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
    if (strncmp(at + 1, "|b1", 3) == 0) /* truth values are bytes of 0 and 1 */
        at = "'|u1'";
    char order = at[1];
    size_t length = order ? strcspn(at + 2, "'\"") : 0;
    for (int e = PH_U1; e < PH_ELEMENTS; e++)
        if (strlen(ph_element_name((ph_element)e)) == length &&
            strncmp(ph_element_name((ph_element)e), at + 2, length) == 0 &&
            strchr("<>|=", order)) {
            d->element = (ph_element)e;
            d->swapped = order == '>' && ph_element_bytes(d->element) > 1;
            return PH_OK;
        }
    return ph_fail(PH_DATA, "%s: numbers of type '%.*s'; known are u1 to u8, i1 to i8, f2, f4, f8 "
                   "and b1", path, (int)(length < 16 ? length + 1 : 16), at + 1);
}

static ph_status read_shape(ph_data *d, const char *path, const char *header)
{
    const char *at = after(header, "shape");
    size_t dim[1 + PH_DATA_RANK + 1], rank = 0;
    if (at == NULL || *at++ != '(')
        return damaged(path, "its header has no 'shape'");
    for (at += strspn(at, " "); *at != ')'; at += strspn(at, " ,L")) {
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

ph_status ph_npy_header(ph_data *d, const char *path, ph_reader read, void *source, bool *by_column,
                        uint64_t *bytes)
{
    uint8_t start[12];
    PH_TRY(read(source, start, 10));
    if (memcmp(start, "\x93NUMPY", 6) != 0)
        return damaged(path, "it does not begin with NumPy's magic bytes");
    if (start[6] < 1 || start[6] > 3)
        return damaged(path, "it is of an unknown version");
    size_t begin = 10, length = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) {
        begin = 12;
        PH_TRY(read(source, start + 10, 2));
        length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    char *header = length < (1 << 20) ? calloc(1, length + 4) : NULL;
    if (header == NULL)
        return damaged(path, "its header is longer than a megabyte");
    ph_status status = read(source, header, length);
    if (status == PH_OK)
        status = read_type(d, path, header);
    const char *order = status == PH_OK ? after(header, "fortran_order") : NULL;
    if (status == PH_OK)
        status = read_shape(d, path, header);
    *by_column = order && strncmp(order, "True", 4) == 0 && d->width > 1;
    *bytes = begin + length;
    free(header);
    return status;
}

static ph_status read_array(ph_data *d, ph_source *in, const ph_data_desc *desc)
{
    bool by_column;
    uint64_t offset;
    const char *path = ph_source_name(in);
    PH_TRY(ph_npy_header(d, path, ph_source_take, in, &by_column, &offset));
    if (ph_source_is_plain(in)) {
        PH_TRY(ph_data_take_file(d, path, offset, true, desc->memory_limit));
    } else {
        PH_TRY(ph_data_take_stream(d, ph_source_take, in, desc->memory_limit));
        PH_TRY(ph_source_end(in));
    }
    return by_column ? ph_data_transpose(d, desc->memory_limit) : PH_OK;
}

/* Its rows are the lines of a series, unless they are windows already. */
static ph_status read_series(ph_pieces *p, ph_source *in, size_t *frames)
{
    PH_TRY(read_array(p->d, in, p->desc));
    bool windows = p->d->width == p->desc->row;
    *frames = windows ? 0 : p->d->rows;
    return p->d->rank == 1 || windows
               ? PH_OK
               : ph_fail(PH_USAGE, "%s: window: its rows have %zu dimensions; a series has lines of numbers",
                         ph_source_name(in), p->d->rank);
}

static const ph_piece_kind series = { "NPY", read_series, 0 };

ph_data *ph_npy_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    if (ph_is_cut(desc, "array"))
        return ph_pieces_of_file(in, name, &series, desc);
    ph_data *d = ph_data_make(name, "NPY");
    if (d == NULL || read_array(d, in, desc) == PH_OK)
        return d;
    ph_data_close(d);
    return NULL;
}
