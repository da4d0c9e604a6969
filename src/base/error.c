/* error.c - the last failure of each thread. A thread-local line needs no allocation, so even
 * "out of memory" can be said. */
#include "base/error.h"

#include <ctype.h>
#include <stdarg.h>

static _Thread_local char message[1024];
static _Thread_local ph_status last;

ph_status ph_fail(ph_status status, const char *format, ...)
{
    /* The new message may quote the old one, so it is put together elsewhere first. */
    char line[sizeof message];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    /* What is quoted may come from any file; it must not end the line or steer a terminal. */
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    snprintf(message, sizeof message, "%s", line);
    last = status;
    return status;
}

const char *ph_message(void)
{
    return message;
}

ph_status ph_last_status(void)
{
    return last;
}
