/* arrays.c - gathered rows as arrays: .npy, .npz (libzip) and .safetensors. The rows are the array X,
 * their set's labels, if it has any, y.
 */
#include "view/writer.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

size_t ph_npy_text(char text[PH_NPY_HEADER], const char *type, size_t rows, size_t rank,
                   const size_t *shape)
{
    static const char magic[8] = { '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0 };
    memcpy(text, magic, sizeof magic);
    size_t used = 10;
    used += (size_t)snprintf(text + used, PH_NPY_HEADER - used, "{'descr': '%s', 'fortran_order': "
                             "False, 'shape': (%zu,", type, rows);
    for (size_t i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, PH_NPY_HEADER - used, " %zu,", shape[i]);
    used += (size_t)snprintf(text + used, PH_NPY_HEADER - used, "), }");
    size_t length = (used + 1 + 63) / 64 * 64;
    memset(text + used, ' ', length - used);
    text[length - 1] = '\n';
    text[8] = (char)((length - 10) & 255);
    text[9] = (char)((length - 10) >> 8);
    return length;
}

/* The gathered rows, piece by piece. */
static ph_status copy_rows(ph_writer *w)
{
    enum { PIECE = 1 << 16 };
    uint8_t piece[PIECE];
    for (size_t done = 0; done < w->gathered.size; done += PIECE) {
        size_t left = w->gathered.size - done, count = left < PIECE ? left : PIECE;
        PH_TRY(ph_store_read(&w->gathered, piece, count, done));
        PH_TRY(ph_file_write(w->file, piece, count));
    }
    return PH_OK;
}

ph_status ph_write_npy(ph_writer *w)
{
    char text[PH_NPY_HEADER];
    size_t length = ph_npy_text(text, w->element->npy, w->rows, w->desc.rank, w->desc.shape);
    PH_TRY(ph_file_write(w->file, text, length));
    return copy_rows(w);
}

/* Labels as eight bytes each, which every reader knows, -1 where a row has none; NULL, with PH_OK, where there are
 * none. */
static ph_status widen_labels(const ph_writer *w, int64_t **out)
{
    const uint32_t *labels = w->desc.source ? ph_data_labels(w->desc.source) : NULL;
    *out = NULL;
    if (labels == NULL)
        return PH_OK;
    *out = malloc((w->rows + 1) * sizeof **out);
    if (*out == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", w->path);
    for (size_t r = 0; r < w->rows; r++)
        (*out)[r] = labels[r] == PH_NO_LABEL ? -1 : (int64_t)labels[r];
    return PH_OK;
}

/* ---- .safetensors ---------------------------------------------------------------------------- */

/* The labels come first, so that they lie at a multiple of their size whatever the rows are made of. */
ph_status ph_write_safetensors(ph_writer *w)
{
    char text[512], shape[96] = "";
    int64_t *labels;
    size_t used = 0;
    PH_TRY(widen_labels(w, &labels));
    size_t first = labels ? w->rows * sizeof *labels : 0;
    for (size_t i = 0; i < w->desc.rank; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, ",%zu", w->desc.shape[i]);
    used = (size_t)snprintf(text + 8, sizeof text - 8, "{\"X\":{\"dtype\":\"%s\",\"shape\":[%zu%s],"
                            "\"data_offsets\":[%zu,%zu]}", w->element->safetensors, w->rows, shape,
                            first, first + w->gathered.size);
    if (labels)
        used += (size_t)snprintf(text + 8 + used, sizeof text - 8 - used, ",\"y\":{\"dtype\":\"I64\","
                                 "\"shape\":[%zu],\"data_offsets\":[0,%zu]}", w->rows, first);
    text[8 + used++] = '}';
    for (; used % 8; used++)
        text[8 + used] = ' ';
    memcpy(text, &(uint64_t){ used }, 8);
    ph_status status = ph_file_write(w->file, text, 8 + used);
    if (status == PH_OK && labels)
        status = ph_file_write(w->file, labels, first);
    if (status == PH_OK)
        status = copy_rows(w);
    free(labels);
    return status;
}

/* ---- .npz ------------------------------------------------------------------------------------ */

/* A member of the archive as libzip asks for it: a header, then what is gathered or the labels. */
typedef struct member {
    const ph_store *rows;
    const int64_t *labels;     /* in the place of rows */
    char head[PH_NPY_HEADER];
    size_t head_size, size, at;
    zip_error_t error;
} member;

static zip_int64_t read_member(member *m, uint8_t *to, size_t count)
{
    size_t left = m->size - m->at, done = 0;
    count = count < left ? count : left;
    if (m->at < m->head_size) {
        done = m->head_size - m->at < count ? m->head_size - m->at : count;
        memcpy(to, m->head + m->at, done);
    }
    size_t at = m->at + done - m->head_size;
    if (m->labels)
        memcpy(to + done, (const uint8_t *)m->labels + at, count - done);
    else if (count > done && ph_store_read(m->rows, to + done, count - done, at) != PH_OK)
        return -1;
    m->at += count;
    return (zip_int64_t)count;
}

static zip_int64_t serve(void *user, void *data, zip_uint64_t length, zip_source_cmd_t command)
{
    member *m = user;
    switch (command) {
    case ZIP_SOURCE_OPEN:
        m->at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return read_member(m, data, (size_t)length);
    case ZIP_SOURCE_STAT: {
        zip_stat_t *stat = data;
        zip_stat_init(stat);
        stat->valid = ZIP_STAT_SIZE;
        stat->size = m->size;
        return sizeof *stat;
    }
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&m->error, data, length);
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE,
                                              ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    default:
        return 0;
    }
}

static bool add_member(zip_t *archive, const char *name, member *m)
{
    zip_source_t *source = zip_source_function(archive, serve, m);
    zip_int64_t index = source ? zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (source && index < 0)
        zip_source_free(source);
    /* Equal rows make equal files, so no time of day is kept (this is the first of 1980). Codes hardly
     * shrink; the fastest level takes what is to be had. */
    return index >= 0 && zip_file_set_dostime(archive, (zip_uint64_t)index, 0, 33, 0) == 0 &&
           zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_DEFLATE, 1) == 0;
}

/* libzip writes to a temporary file of its own beside path and renames it. */
ph_status ph_write_npz(ph_writer *w)
{
    int code = 0;
    int64_t *labels;
    PH_TRY(widen_labels(w, &labels));
    member x = { .rows = &w->gathered }, y = { .labels = labels };
    x.head_size = ph_npy_text(x.head, w->element->npy, w->rows, w->desc.rank, w->desc.shape);
    x.size = x.head_size + w->gathered.size;
    y.head_size = ph_npy_text(y.head, "<i8", w->rows, 0, NULL);
    y.size = y.head_size + w->rows * sizeof *labels;
    zip_t *archive = zip_open(w->path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    ph_status status = PH_OK;
    if (archive == NULL) {
        zip_error_t why;
        zip_error_init_with_code(&why, code);
        status = ph_fail(PH_IO, "%s: cannot write: %s", w->path, zip_error_strerror(&why));
        zip_error_fini(&why);
    } else if (!add_member(archive, "X.npy", &x) || (labels && !add_member(archive, "y.npy", &y)) ||
               zip_close(archive) != 0) {
        status = ph_fail(PH_IO, "%s: cannot write: %s", w->path, zip_strerror(archive));
        zip_discard(archive);
    }
    free(labels);
    return status;
}
