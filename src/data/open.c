/* open.c - from what the user calls a set to the reader that opens it. */
#define _GNU_SOURCE
#include "data/data.h"

#include "data/folder.h"
#include "data/picture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Kinds of files -------------------------------------------------------------------------- */

static const struct file_kind {
    const char *name, *endings;       /* of the file's name, without .gz */
    const char *magic;                /* the first bytes, where they tell */
    size_t magic_size;
    ph_file_reader open;
} kinds[] = {
    { "idx", ".idx -ubyte", "\0\0", 2, ph_idx_open },
    { "npy", ".npy", "\x93NUMPY", 6, ph_npy_open },
    { "npz", ".npz", "PK\x03\x04", 4, ph_npz_open },
    { "csv", ".csv .tsv .tab .txt .dat .data", NULL, 0, ph_csv_open },
    { "cifar", ".bin", NULL, 0, ph_cifar_open },
    { "safetensors", ".safetensors .pin", NULL, 0, ph_safetensors_open },
    { "wav", ".wav .wave", "RIFF", 4, ph_wav_open },
    { "bytes", "", NULL, 0, ph_bytes_open },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bool ends_with(const char *text, size_t length, const char *ending, size_t size)
{
    return length >= size && strncasecmp(text + length - size, ending, size) == 0;
}

static const struct file_kind *kind_by_ending(const char *path)
{
    size_t length = strlen(path);
    length -= ends_with(path, length, ".gz", 3) ? 3 : 0;
    for (int k = 0; k < KINDS; k++)
        for (const char *e = kinds[k].endings; *e;) {
            size_t size = strcspn(e, " ");
            if (ends_with(path, length, e, size))
                return &kinds[k];
            e += size + strspn(e + size, " ");
        }
    return NULL;
}

bool ph_is_arrays(const char *path)
{
    const struct file_kind *kind = kind_by_ending(path);
    return kind && (kind->open == ph_npy_open || kind->open == ph_npz_open || kind->open == ph_safetensors_open);
}

/* Text has no bytes below the blank but tabs and line ends; UTF-8 and Latin letters are fine. */
static bool is_text(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (head[i] < ' ' && memchr("\t\r\n", head[i], 3) == NULL)
            return false;
    return size > 0;
}

static const struct file_kind *kind_by_content(ph_source *in)
{
    uint8_t head[16];
    size_t size = ph_source_peek(in, head);
    for (int k = 0; k < KINDS; k++)
        if (kinds[k].magic_size && size >= kinds[k].magic_size &&
            memcmp(head, kinds[k].magic, kinds[k].magic_size) == 0)
            return &kinds[k];
    for (int k = 0; k < KINDS; k++)
        if (kinds[k].open == ph_csv_open && is_text(head, size))
            return &kinds[k];
    return NULL;
}

static const struct file_kind *kind_by_name(const char *name)
{
    for (int k = 0; name && k < KINDS; k++)
        if (strcmp(kinds[k].name, name) == 0)
            return &kinds[k];
    return NULL;
}

static ph_data *open_file(const char *path, const char *name, const ph_data_desc *desc)
{
    ph_source *in = ph_source_open(path);
    if (in == NULL)
        return NULL;
    const struct file_kind *kind = kind_by_name(desc->format);
    kind = kind ? kind : kind_by_ending(path);
    kind = kind ? kind : kind_by_content(in);
    ph_data *d = kind ? kind->open(in, name, desc) : NULL;
    if (kind == NULL && ph_source_peek(in, (uint8_t[16]){ 0 }) == 0)
        ph_fail(PH_DATA, "%s: it is empty", ph_source_name(in));
    else if (kind == NULL)
        ph_fail(PH_USAGE, "%s: not a kind of file that can be read; known are IDX, .npy, .npz, .csv, "
                ".tsv, CIFAR .bin, .safetensors, .wav, pictures, folders of pictures or sounds, and any with --format "
                "bytes", ph_source_name(in));
    ph_source_close(in);
    return d;
}

/* ---- Folders --------------------------------------------------------------------------------- */

typedef bool (*has_part)(const char *folder, const char *part);
typedef ph_data *(*part_reader)(const char *folder, const char *name, const char *part,
                                const ph_data_desc *);

/* Training rows, test rows, or the one after the other. */
static ph_data *open_parts(const char *path, const char *name, const ph_data_desc *desc, bool asked,
                           has_part has, part_reader open)
{
    bool train = has(path, "train"), test = has(path, "test");
    bool all = strcmp(desc->part, "all") == 0 || (!asked && !(train && test));
    const char *first = all ? (train ? "train" : "test") : desc->part;
    if (!has(path, first)) {
        ph_fail(PH_USAGE, "%s: a folder without a %s part", path,
                strcmp(first, "test") == 0 ? "test" : "training");
        return NULL;
    }
    ph_data *d = open(path, name, first, desc), *second = NULL;
    bool fails = d == NULL;
    if (!fails && all && train && test) {
        second = open(path, name, "test", desc);
        fails = second == NULL || ph_data_join(d, second, path) != PH_OK;
    }
    ph_data_close(second);
    if (fails) {
        ph_data_close(d);
        return NULL;
    }
    d->has_test = train && test;
    return d;
}

static bool wants_bytes(const ph_data_desc *desc)
{
    return desc->format && strcmp(desc->format, "bytes") == 0;
}

static ph_data *open_folder(const char *path, const char *name, const ph_data_desc *desc,
                            bool asked)
{
    bool bytes = wants_bytes(desc);
    if (!bytes && (ph_idx_has(path, "train") || ph_idx_has(path, "test")))
        return open_parts(path, name, desc, asked, ph_idx_has, ph_idx_part);
    if (!bytes && (ph_cifar_has(path, "train") || ph_cifar_has(path, "test")))
        return open_parts(path, name, desc, asked, ph_cifar_has, ph_cifar_part);
    ph_folder folder;   /* or one picture */
    ph_data *d = NULL;
    if (ph_folder_list(&folder, path, bytes, ph_is_cut(desc, "table")) == PH_OK)
        d = (bytes           ? ph_bytes_folder
             : folder.series ? ph_csv_folder
             : folder.sounds ? ph_sounds_open
                             : ph_pictures_open)(&folder, name, asked ? desc->part : NULL, desc);
    ph_folder_free(&folder);
    return d;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Where `name` lies: as a path, in a folder of $PINHOLE_DATA, in the user's cache. */
static bool find(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s", name);
    if (strcmp(name, "-") == 0 || exists(path))
        return true;
    const char *list = getenv("PINHOLE_DATA");
    while (list && *list) {
        int length = (int)strcspn(list, ":");
        snprintf(path, size, "%.*s/%s", length, list, name);
        if (length && exists(path))
            return true;
        list += length + (list[length] == ':');
    }
    return ph_data_cache(name, path, size) && exists(path);
}

static bool is_part(const char *text)
{
    return strcmp(text, "train") == 0 || strcmp(text, "test") == 0 || strcmp(text, "all") == 0;
}

static void not_found(const char *name)
{
    const char *data = getenv("PINHOLE_DATA");
    for (size_t i = 0; ph_data_downloadable(i); i++)
        if (strcmp(name, ph_data_downloadable(i)) == 0) {
            ph_fail(PH_USAGE, "%s: not in $PINHOLE_DATA (%s) nor in the cache: pinhole data get %s "
                    "downloads it", name, data && *data ? data : "not set", name);
            return;
        }
    ph_fail(PH_USAGE, "%s: no such file, no set of that name in $PINHOLE_DATA (%s) or the cache, and "
            "the only built-in set is glyphs%s", name, data && *data ? data : "not set",
            ph_nearest(name, (const char *[]){ "glyphs" }, 1) ? ": did you mean glyphs?" : "");
}

static ph_data *open_spec(const char *name, const ph_data_desc *desc, bool asked)
{
    char path[4096 + 64];
    const char *last = strrchr(name, '/');
    last = strcmp(name, "-") == 0 ? "standard input" : last ? last + 1 : name;
    if (find(name, path, sizeof path))
        return is_folder(path) || (ph_is_picture(path) && !wants_bytes(desc))
                   ? open_folder(path, last, desc, asked)
                   : open_file(path, last, desc);
    if (strcmp(name, "glyphs") == 0)
        return ph_glyphs_open(desc->part, desc->seed);
    not_found(name);
    return NULL;
}

static ph_data *open_one(const char *spec, const ph_data_desc *given)
{
    char name[4096];
    ph_data_desc desc = *given;
    const char *colon = strrchr(spec, ':');
    bool asked = colon && is_part(colon + 1);
    desc.part = asked ? colon + 1 : desc.part ? desc.part : "all";
    snprintf(name, sizeof name, "%.*s", (int)(asked ? colon - spec : (ptrdiff_t)strlen(spec)), spec);
    if (*name == '\0') {
        ph_fail(PH_USAGE, "the name of the data is empty");
        return NULL;
    }
    for (size_t length = strlen(name); length > 1 && name[length - 1] == '/';)
        name[--length] = '\0';
    ph_data *d = open_spec(name, &desc, asked);
    if (d && asked && !d->has_test && strcmp(desc.part, "all") != 0) {
        ph_fail(PH_USAGE, "%s: there is no training and test part in it, so ':%s' names nothing", name,
                desc.part);
        ph_data_close(d);
        return NULL;
    }
    return d;
}

/* Whether a '+' in it stands between sets, and is not of a name. */
static bool is_sum(const char *spec)
{
    char path[4096 + 64];
    return strchr(spec, '+') && !find(spec, path, sizeof path);
}

/* FIRST+SECOND+...: the rows of all, one set after the other. */
static ph_data *open_sum(const char *spec, const ph_data_desc *desc)
{
    ph_data *all = NULL;
    for (const char *at = spec; at; at = strchr(at, '+') ? strchr(at, '+') + 1 : NULL) {
        char one[4096];
        snprintf(one, sizeof one, "%.*s", (int)strcspn(at, "+"), at);
        ph_data *d = open_one(one, desc), *first = all ? all : d;
        bool joined = d && (all == NULL || ph_data_join(all, d, spec) == PH_OK);
        if (all)
            ph_data_close(d);
        all = first;
        if (!joined) {
            ph_data_close(all);
            return NULL;
        }
        all->has_test = false;
    }
    return all;
}

ph_data *ph_data_open(const char *spec, const ph_data_desc *given)
{
    ph_data_desc desc = given ? *given : (ph_data_desc){ 0 };
    desc.memory_limit = desc.memory_limit ? desc.memory_limit : PH_MEMORY_LIMIT;
    ph_data *d = is_sum(spec) ? open_sum(spec, &desc) : open_one(spec, &desc);
    if (d == NULL || desc.only_label == NULL)
        return d;
    ph_data *picked = ph_data_pick_labels(d, desc.only_label, desc.memory_limit);
    ph_data_close(d);
    return picked;
}
