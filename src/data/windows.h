/* windows.h - rows that are windows of something larger: of a sound, of the bytes of a file, of the lines of a
 * table, or of a picture of any size.
 *
 * Pieces, sounds or files or tables or pictures, lie one behind the other in the set's store, each once, as frames: a
 * sample of every channel, a byte, a line of a table, a pixel. A piece has lines and columns of frames (all but
 * pictures have as many lines as frames, and one column), and so has a window. Windows overlap; their numbers
 * are taken from the piece when a row is read. The last one of a line or column lies flush with the end of the piece.
 *
 * A piece that is smaller than a window, along lines or columns, has one there, and is continued in it by
 * reflection: frames a b c are a b c b a b c ..., a single one repeats. What comes back of it is cropped to
 * the piece (view/join.h).
 */
#ifndef PH_DATA_WINDOWS_H
#define PH_DATA_WINDOWS_H

#include "base/error.h"

/* How pieces are cut, [0] along lines and [1] along columns. window 0: nothing was asked for. */
typedef struct ph_cut {
    size_t window[2], hop[2];
} ph_cut;

typedef struct ph_piece {
    size_t size[2];            /* lines and columns of frames */
    size_t frame, row;         /* its first ones */
} ph_piece;

typedef struct ph_windows {
    ph_cut cut;
    bool picture, table;       /* what pieces are; neither: sounds or bytes */
    size_t channels, count;    /* count 0: rows were windows, and are copies now (ph_data_pick) */
    ph_piece *piece;
    ph_texts names, frames;    /* of pieces, and of their frames, where a table names its lines */
} ph_windows;

/* Where the numbers of a row lie among all of the set: `count` runs of `length`, `apart` from each other; and in
 * the row, from the first number on: `within`. */
typedef struct ph_runs {
    size_t begin, count, length, apart, within;
} ph_runs;

/* desc's window and hop (by default half a window). usual: the frames of a window where desc names none; 0:
 * then nothing is cut. PH_USAGE. */
ph_status ph_cut_read(const ph_data_desc *, bool picture, size_t usual, ph_cut *);
/* Whether lines of a "table" or an "array" are to be cut: where they may be windows already, a model's window
 * is not for them. */
bool ph_is_cut(const ph_data_desc *, const char *of);
/* "1024", "64x48": as ph_cut_read takes it. */
void ph_cut_text(const size_t size[2], bool picture, char text[24]);

/* Makes a set whose rows are frames one of windows of `count` pieces, whose sizes are given (they are
 * taken over, whatever the status), with a name each. A row's id is its piece's name and where it begins
 * there: NAME+FRAME, NAME+X+Y; of a table its first and last line, from 1 on: NAME:FIRST-LAST. Ids that frames
 * have become the frames' names. Of the labels that they have, a row gets the highest that is in it: of 0 and 1,
 * 1 if any is. */
ph_status ph_data_cut(ph_data *, const char *path, const ph_cut *, bool picture, ph_piece *, size_t count,
                      const ph_texts *names);
void ph_windows_free(ph_windows *);

/* The piece that a row is a window of, and the first line and column of it there. */
size_t ph_windows_at(const ph_windows *, size_t row, size_t place[2]);
ph_runs ph_windows_runs(const ph_windows *, size_t row);
/* Continues a row whose runs are in their places, of numbers of so many bytes, where its piece ends before the
 * window does. */
void ph_windows_continue(const ph_windows *, size_t row, void *numbers, size_t bytes);

#endif
