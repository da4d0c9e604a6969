/* get.h - sets that can be downloaded, as tables; tests bring tables of their own. */
#ifndef PH_DATA_GET_H
#define PH_DATA_GET_H

#include "data/download.h"
#include "data/tar.h"

enum { PH_GET_FILES = 4, PH_GET_MIRRORS = 3 };

typedef struct ph_remote_file {
    const char *name;
    uint64_t bytes;
    const char *sha256;        /* hexadecimal, small letters */
} ph_remote_file;

typedef struct ph_remote_set {
    const char *name;
    const char *mirrors[PH_GET_MIRRORS];     /* folders of all the files, tried in turn */
    ph_remote_file files[PH_GET_FILES];      /* an entry without a name ends the list */
    const ph_tar_member *members;            /* the set's files, where files[0] is their archive */
} ph_remote_set;

/* ph_data_get for one row of a table. */
ph_status ph_get_set(const ph_remote_set *, ph_get_progress *progress, void *user);

#endif
