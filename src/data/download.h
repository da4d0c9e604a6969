/* download.h - bytes from an address into a file, going on where an earlier try ended. */
#ifndef PH_DATA_DOWNLOAD_H
#define PH_DATA_DOWNLOAD_H

#include "base/error.h"

typedef void ph_get_progress(void *user, const char *file, uint64_t done, uint64_t total);

typedef struct ph_download {
    const char *file;          /* its name, for progress */
    const char *path;          /* of the part, for messages */
    int descriptor;            /* of the part */
    uint64_t done, total;      /* bytes in the part, bytes of the whole file */
    ph_get_progress *progress; /* may be NULL */
    void *user;
    bool here;                 /* the failure is this machine's: another address would not help */
} ph_download;

/* Brings what is missing. PH_IO, PH_STOPPED: what has come is kept in the part; PH_DATA: the file there
 * is too long. A server that cannot go on in the middle sends all of it again. */
ph_status ph_download_from(ph_download *, const char *url);
/* Forgets what has come. */
ph_status ph_download_restart(ph_download *);

#endif
