/* rescue.c - training that could not go on or could not be saved: what it has come to is kept all the
 * same, if need be in another folder. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Saves in a new folder within `parent`, where no name can be in the way. */
static bool save_within(const ph_model *m, const char *parent, const char *name, char path[4096])
{
    if (parent == NULL || *parent == '\0' ||
        snprintf(path, 4096, "%s/pinhole-XXXXXX", parent) >= 4096 || mkdtemp(path) == NULL)
        return false;
    size_t folder = strlen(path);
    snprintf(path + folder, 4096 - folder, "/%s", name);
    if (ph_model_save(m, path, false) == PH_OK)
        return true;
    path[folder] = '\0';
    rmdir(path);
    return false;
}

bool cli_rescue(const ph_model *m, const char *output, char path[4096])
{
    const char *slash = strrchr(output, '/'), *name = slash ? slash + 1 : output;
    const char *parents[] = { getenv("TMPDIR"), "/tmp", "/var/tmp", getenv("HOME") };
    snprintf(path, 4096, "%s", output);
    bool saved = ph_model_save(m, output, false) == PH_OK;
    for (size_t i = 0; i < sizeof parents / sizeof parents[0] && !saved; i++)
        saved = save_within(m, parents[i], name, path);
    return saved;
}
