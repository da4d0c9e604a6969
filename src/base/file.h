/* file.h - files that appear whole or not at all.
 *
 * Bytes go to a temporary file beside the target, which takes the target's name at ph_file_commit.
 * A kill at any moment leaves the old file or the new one, and beside it at most .NAME.part, which
 * the next writer of NAME takes over. Several processes may write the same NAME: the last to end
 * has its file there.
 */
#ifndef PH_BASE_FILE_H
#define PH_BASE_FILE_H

#include "base/error.h"

typedef struct ph_file ph_file;

/* "-" is standard output, written as it comes. */
ph_file *ph_file_create(const char *path);
/* Failures are kept and told at commit, too. */
ph_status ph_file_write(ph_file *, const void *bytes, size_t count);
/* Writes at an earlier place; not for standard output. */
ph_status ph_file_write_at(ph_file *, size_t offset, const void *bytes, size_t count);
bool ph_file_is_stream(const ph_file *);
/* Puts the file in its place and frees the handle, whatever the status. */
ph_status ph_file_commit(ph_file *);
void ph_file_discard(ph_file *);

/* Flushes a file that was written elsewhere to the disk and gives it its name. */
ph_status ph_file_rename(int descriptor, const char *from, const char *to);

/* The whole file in memory (free it), or NULL. */
uint8_t *ph_file_read(const char *path, size_t *size);

#endif
