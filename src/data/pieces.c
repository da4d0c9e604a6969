/* pieces.c - a set of windows, file by file. */
#include "data/pieces.h"

#include <stdlib.h>
#include <string.h>

static ph_status add_piece(ph_pieces *p, const char *name, size_t frames)
{
    if (p->count == p->room) {
        size_t room = p->room ? 2 * p->room : 16;
        ph_piece *grown = realloc(p->piece, room * sizeof *grown);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", name);
        p->piece = grown;
        p->room = room;
    }
    p->piece[p->count++] = (ph_piece){ .size = { frames, 1 } };
    return ph_texts_add(&p->names, name, strlen(name));
}

static ph_status add_source(ph_pieces *p, ph_source *in, const char *name, ph_piece_reader read)
{
    size_t frames = 0;
    PH_TRY(read(p, in, &frames));
    return frames ? add_piece(p, name, frames) : PH_OK;
}

static ph_status add_file(ph_pieces *p, const char *path, const char *name, ph_piece_reader read)
{
    ph_source *in = ph_source_open(path);
    ph_status status = in ? add_source(p, in, name, read) : ph_last_status();
    ph_source_close(in);
    return status;
}

static ph_status cut(ph_pieces *p, const char *path)
{
    if (p->count == 0)
        return PH_OK;
    if (p->labels.count)
        PH_TRY(ph_data_label_texts(p->d, &p->labels, path));
    ph_piece *piece = p->piece;
    p->piece = NULL;
    return ph_data_cut(p->d, path, &p->cut, false, piece, p->count, &p->names);
}

static ph_status add_folder(ph_pieces *p, const ph_folder *f, const char *part, const ph_piece_kind *kind)
{
    size_t from, to;
    PH_TRY(ph_cut_read(p->desc, false, kind->window, &p->cut));
    PH_TRY(ph_folder_part(f, p->d, part, p->desc, &from, &to));
    for (size_t i = from; i < to; i++)
        PH_TRY(add_file(p, f->files[i].path, ph_folder_relative(f, f->files[i].path), kind->read));
    PH_TRY(cut(p, f->root));
    return p->labels.count ? PH_OK : ph_folder_classes(f, p->d, from);
}

static ph_data *done(ph_pieces *p, ph_status status)
{
    ph_texts_free(&p->names);
    ph_texts_free(&p->labels);
    free(p->piece);
    if (status == PH_OK)
        return p->d;
    ph_data_close(p->d);
    return NULL;
}

ph_data *ph_pieces_of_folder(const ph_folder *folder, const char *name, const char *part,
                             const ph_piece_kind *kind, const ph_data_desc *desc)
{
    ph_pieces p = { .d = ph_data_make(name, kind->format), .desc = desc };
    return done(&p, p.d ? add_folder(&p, folder, part, kind) : PH_MEMORY);
}

ph_data *ph_pieces_of_file(ph_source *in, const char *name, const ph_piece_kind *kind, const ph_data_desc *desc)
{
    ph_pieces p = { .d = ph_data_make(name, kind->format), .desc = desc };
    ph_status status = p.d ? ph_cut_read(desc, false, kind->window, &p.cut) : PH_MEMORY;
    if (status == PH_OK)
        status = add_source(&p, in, name, kind->read);
    return done(&p, status == PH_OK ? cut(&p, ph_source_name(in)) : status);
}
