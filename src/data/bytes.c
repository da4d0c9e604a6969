/* bytes.c - the bytes of any file, or of all in a folder, as they are: a row is a window of them. Nothing
 * is taken for bytes unless that is asked for.
 */
#include "data/pieces.h"

static ph_status begin(ph_pieces *p)
{
    p->d->element = PH_U1;
    p->d->bytes = true;
    p->d->rank = p->d->shape[0] = 1;
    return ph_data_begin(p->d, p->desc->memory_limit);
}

static ph_status read_bytes(ph_pieces *p, ph_source *in, size_t *frames)
{
    enum { PIECE = 1 << 16 };
    uint8_t bytes[PIECE];
    size_t got;
    if (p->count == 0)
        PH_TRY(begin(p));
    do {
        PH_TRY(ph_source_some(in, bytes, sizeof bytes, &got));
        if (got)
            PH_TRY(ph_data_append(p->d, bytes, got));
        *frames += got;
    } while (got);
    return *frames ? PH_OK : ph_fail(PH_DATA, "%s: it is empty", ph_source_name(in));
}

static const ph_piece_kind bytes = { "bytes", read_bytes, 64 };

ph_data *ph_bytes_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    return ph_pieces_of_file(in, name, &bytes, desc);
}

ph_data *ph_bytes_folder(const ph_folder *folder, const char *name, const char *part, const ph_data_desc *desc)
{
    return ph_pieces_of_folder(folder, name, part, &bytes, desc);
}
