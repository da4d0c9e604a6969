/* npz.c - NumPy's .npz: a zip archive of .npy arrays, stored or deflated (libzip). */
#include "data/arrays.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

typedef struct member {
    zip_file_t *file;
    const char *path, *name;
} member;

static ph_status take(void *source, void *to, size_t count)
{
    const member *m = source;
    for (size_t done = 0; done < count;) {
        zip_int64_t got = zip_fread(m->file, (char *)to + done, count - done);
        if (got < 0)
            return ph_fail(PH_DATA, "%s: '%s' cannot be unpacked: %s", m->path, m->name,
                           zip_file_strerror(m->file));
        if (got == 0)
            return ph_fail(PH_DATA, "%s: '%s' ends before its header says it does", m->path, m->name);
        done += (size_t)got;
    }
    return PH_OK;
}

/* libzip compares the checksum when it has met the end. */
static ph_status expect_end(const member *m)
{
    char byte;
    zip_int64_t got = zip_fread(m->file, &byte, 1);
    if (got < 0)
        return ph_fail(PH_DATA, "%s: '%s' cannot be unpacked: %s", m->path, m->name,
                       zip_file_strerror(m->file));
    return got ? ph_fail(PH_DATA, "%s: '%s' is longer than its header says", m->path, m->name)
               : PH_OK;
}

static ph_status read_array(const ph_arrays *a, ph_data *d, const char *name,
                            const ph_data_desc *desc)
{
    char file[300], where[4400];
    bool by_column;
    uint64_t header;
    snprintf(file, sizeof file, "%s.npy", name);
    member m = { zip_fopen(a->source, file, 0), a->path, name };
    if (m.file == NULL)
        return ph_fail(PH_DATA, "%s: '%s' cannot be unpacked: %s", a->path, name,
                       zip_strerror(a->source));
    snprintf(where, sizeof where, "%s: '%s'", a->path, name);
    ph_status status = ph_npy_header(d, where, take, &m, &by_column, &header);
    if (status == PH_OK)
        status = ph_data_take_stream(d, take, &m, desc->memory_limit);
    if (status == PH_OK)
        status = expect_end(&m);
    if (status == PH_OK && by_column)
        status = ph_data_transpose(d, desc->memory_limit);
    zip_fclose(m.file);
    return status;
}

/* The arrays' names, without .npy. */
static ph_status list(zip_t *archive, ph_texts *names)
{
    zip_int64_t count = zip_get_num_entries(archive, 0);
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
        size_t length = name ? strlen(name) : 0;
        if (length > 4 && length < 256 && strcmp(name + length - 4, ".npy") == 0)
            PH_TRY(ph_texts_add(names, name, length - 4));
    }
    return PH_OK;
}

ph_data *ph_npz_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    const char *path = ph_source_name(in);
    if (!ph_source_is_plain(in)) {
        ph_fail(PH_USAGE, "%s: an .npz is read from a file, not from a pipe or through gzip", path);
        return NULL;
    }
    int error = 0;
    ph_arrays a = { .path = path, .read = read_array, .source = zip_open(path, ZIP_RDONLY, &error) };
    if (a.source == NULL) {
        zip_error_t why;
        zip_error_init_with_code(&why, error);
        ph_fail(error == ZIP_ER_MEMORY ? PH_MEMORY : PH_DATA, "%s: not a sound zip archive: %s", path,
                zip_error_strerror(&why));
        zip_error_fini(&why);
        return NULL;
    }
    ph_data *d = list(a.source, &a.names) == PH_OK ? ph_arrays_open(&a, name, "NPZ", desc) : NULL;
    ph_texts_free(&a.names);
    zip_discard(a.source);
    return d;
}
