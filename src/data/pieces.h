/* pieces.h - files of any length as a set: each is a piece that rows are windows of; one file, or all of a
 * folder.
 */
#ifndef PH_DATA_PIECES_H
#define PH_DATA_PIECES_H

#include "data/folder.h"

typedef struct ph_pieces {
    ph_data *d;
    ph_piece *piece;
    size_t count, room;
    ph_texts names;
    ph_texts labels;           /* of frames, one each, where files have them; none: folders are the classes */
    ph_cut cut;
    const ph_data_desc *desc;
} ph_pieces;

/* Appends the frames of a file to p->d; the first one, for which p->count is 0, begins the set. *frames:
 * how many there are; 0: its rows are windows already, and nothing is cut. */
typedef ph_status (*ph_piece_reader)(ph_pieces *p, ph_source *, size_t *frames);

/* What such files have in common. */
typedef struct ph_piece_kind {
    const char *format;        /* of the set */
    ph_piece_reader read;
    size_t window;             /* frames in one, where nothing else is asked for; 0: that is always asked for */
} ph_piece_kind;

/* The windows of a file, or of the folder's files, with their classes. NULL on failure. */
ph_data *ph_pieces_of_file(ph_source *, const char *name, const ph_piece_kind *, const ph_data_desc *);
ph_data *ph_pieces_of_folder(const ph_folder *, const char *name, const char *part, const ph_piece_kind *,
                             const ph_data_desc *);

#endif
