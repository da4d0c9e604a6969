/* bytes.c - a file from its windows, byte for byte. */
#include "view/writer.h"

#include <math.h>

static uint8_t nearest(ph_writer *w, double value)
{
    double whole = rint(value);
    w->clipped += !(whole >= 0 && whole <= 255);
    return (uint8_t)(whole >= 255 ? 255 : whole > 0 ? whole : 0);
}

static ph_status write_bytes(void *to, const real *lines, size_t count)
{
    enum { PIECE = 4096 };
    uint8_t piece[PIECE];
    ph_writer *w = to;
    for (size_t i = 0; i < count;) {
        size_t n = 0;
        for (; n < PIECE && i < count; i++) {
            if (!isfinite(lines[i]))
                return ph_fail(PH_DATA, "%s: a number is %s", w->path, isnan(lines[i]) ? "missing (NaN)" : "infinite");
            piece[n++] = nearest(w, (double)lines[i]);
        }
        PH_TRY(ph_file_write(w->file, piece, n));
    }
    return PH_OK;
}

ph_status ph_begin_bytes(ph_writer *w)
{
    if (!ph_writes_bytes(&w->desc))
        return ph_fail(PH_USAGE, "%s: bytes are written of what comes back of a file of bytes; these rows are none",
                       w->path);
    w->join = ph_join_new(w->path, w->desc.source, 1, write_bytes, w);
    return w->join ? PH_OK : ph_last_status();
}
