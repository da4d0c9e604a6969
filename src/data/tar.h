/* tar.h - the files of a tar archive. */
#ifndef PH_DATA_TAR_H
#define PH_DATA_TAR_H

#include "base/error.h"

typedef struct ph_tar_member {
    const char *name;          /* without folders; NULL ends a list */
    uint64_t bytes;            /* 0: any number of them */
} ph_tar_member;

/* Writes the listed members of a tar archive (gzipped or not) into folder, each atomically. All must
 * be there and have their sizes: PH_DATA. Nothing else in the archive is looked at. */
ph_status ph_tar_unpack(const char *archive, const char *folder, const ph_tar_member *members);

#endif
