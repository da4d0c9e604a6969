/* json.h - as much of JSON as the header of a model file needs.
 *
 * Reading takes no memory: texts are unescaped where they stand. Writing has one buffer, and a lack
 * of memory is remembered. Both matter: a header that lost a piece on the way would be a lost model.
 */
#ifndef PH_BASE_JSON_H
#define PH_BASE_JSON_H

#include "base/error.h"

/* A text that grows. `text` is NULL-terminated and to be freed; no good after a failure. */
typedef struct ph_json_out {
    char *text;
    size_t used, room;
    bool failed;
} ph_json_out;

/* Appends as it is, printf-like. */
void ph_json_put(ph_json_out *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends quoted and escaped; what is not UTF-8 becomes U+FFFD. */
void ph_json_put_text(ph_json_out *, const char *text);

/* A place in a text that is read and may be written to. */
typedef struct ph_json_in {
    char *at, *end;
} ph_json_in;

/* Takes the mark if it comes next, after blanks. */
bool ph_json_take(ph_json_in *, char mark);
/* The text that comes next, or NULL where none does. */
char *ph_json_take_text(ph_json_in *);
/* A whole number that is not negative. */
bool ph_json_take_size(ph_json_in *, size_t *out);
/* Whether nothing but blanks follows. */
bool ph_json_is_at_end(ph_json_in *);

#endif
