/* error.h - how a failure travels: a status is returned, its one-line message waits in the thread.
 */
#ifndef PH_BASE_ERROR_H
#define PH_BASE_ERROR_H

#include <pinhole.h>

/* Stores status and message (printf-like, one line, no newline) for this thread; returns status. */
ph_status ph_fail(ph_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Passes a failure on to the caller. */
#define PH_TRY(call)                                                                               \
    do {                                                                                           \
        ph_status status_ = (call);                                                                \
        if (status_ != PH_OK)                                                                      \
            return status_;                                                                        \
    } while (0)

#endif
