/* folder.c - finding the pictures, sounds or other files of a folder, its parts and its classes. */
#include "data/folder.h"

#include "data/picture.h"
#include "data/wav.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

/* ---- Finding the files -------------------------------------------------------------------------- */

const char *ph_folder_relative(const ph_folder *f, const char *path)
{
    const char *below = path + strlen(f->root), *last = strrchr(path, '/');
    if (*below == '\0') /* the root is a picture itself */
        return last ? last + 1 : path;
    return below + strspn(below, "/");
}

static ph_status add_file(ph_folder *f, const char *path)
{
    if (f->count == f->room) {
        size_t room = f->room ? 2 * f->room : 256;
        ph_folder_file *grown = realloc(f->files, room * sizeof *grown);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", f->root);
        f->files = grown;
        f->room = room;
    }
    char *own = strdup(path);
    if (own == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", f->root);
    f->files[f->count++] = (ph_folder_file){ .path = own, .inside = ph_folder_relative(f, own) };
    return PH_OK;
}

/* A set is of one kind. */
static ph_status add_of_kind(ph_folder *f, const char *path, bool sound)
{
    if (f->count && f->sounds != sound)
        return ph_fail(PH_USAGE, "%s: pictures and sounds in one folder (%s, %s); a set is of one kind", f->root,
                       ph_folder_relative(f, f->files[0].path), ph_folder_relative(f, path));
    f->sounds = sound;
    return add_file(f, path);
}

static bool is_series(const char *path)
{
    size_t length = strlen(path);
    length -= length > 3 && strcmp(path + length - 3, ".gz") == 0 ? 3 : 0;
    return length > 4 && (strncmp(path + length - 4, ".csv", 4) == 0 || strncmp(path + length - 4, ".tsv", 4) == 0);
}

static void note_table(ph_folder *f, const char *path)
{
    const char *ending = strrchr(path, '.');
    if (ending == NULL || (strcmp(ending, ".csv") != 0 && strcmp(ending, ".npz") != 0 &&
                           strcmp(ending, ".npy") != 0))
        return;
    size_t used = strlen(f->table_names);
    if (f->tables++ < 3)
        snprintf(f->table_names + used, sizeof f->table_names - used, "%s %s", used ? "," : "",
                 ph_folder_relative(f, path));
}

static ph_status visit(ph_folder *f, FTS *walk, FTSENT *at)
{
    switch (at->fts_info) {
    case FTS_D:
        if (at->fts_level > 0 && at->fts_name[0] == '.')
            fts_set(walk, at, FTS_SKIP);
        return PH_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return ph_fail(PH_IO, "%s: cannot read: %s", at->fts_path, strerror(at->fts_errno));
    case FTS_F:
    case FTS_SLNONE:   /* A link to nowhere is told when it is opened. */
        if (at->fts_name[0] == '.')
            return PH_OK;
        if (f->any || (f->series && is_series(at->fts_name)))
            return add_file(f, at->fts_path);
        if (f->series)
            return PH_OK;
        if (ph_is_picture(at->fts_name) || ph_is_sound(at->fts_name))
            return add_of_kind(f, at->fts_path, ph_is_sound(at->fts_name));
        note_table(f, at->fts_path);
    }
    return PH_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static ph_status walk_through(ph_folder *f)
{
    FTSENT *at;
    ph_status status = PH_OK;
    /* The working folder belongs to the whole process and must stay. */
    FTS *walk = fts_open((char *const[]){ (char *)f->root, NULL }, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (walk == NULL)
        return ph_fail(PH_IO, "%s: cannot read: %s", f->root, strerror(errno));
    while (status == PH_OK && (at = fts_read(walk)) != NULL)
        status = visit(f, walk, at);
    if (status == PH_OK && errno != 0)
        status = ph_fail(PH_IO, "%s: cannot read: %s", f->root, strerror(errno));
    fts_close(walk);
    return status;
}

/* Tables often stand beside pictures and sounds, to tell of them; they are a set where they are alone. */
static ph_status find_files(ph_folder *f, bool series)
{
    ph_status status = walk_through(f);
    if (status == PH_OK && f->count == 0 && series) {
        f->series = true;
        status = walk_through(f);
    }
    if (status == PH_OK && f->count == 0 && f->any)
        status = ph_fail(PH_USAGE, "%s: a folder without files", f->root);
    else if (status == PH_OK && f->count == 0)
        status = ph_fail(PH_USAGE, "%s: a folder without pictures, sounds, IDX or CIFAR files%s%s%s", f->root,
                         f->tables ? "; it has files that may be opened:" : "", f->table_names,
                         f->tables > 3 ? ", ..." : "");
    return status;
}

/* ---- Parts and classes -------------------------------------------------------------------------- */

/* Steps through folders that hold nothing but one folder with pictures. */
static void descend(ph_folder *f)
{
    for (;;) {
        const char *head = f->files[0].inside, *slash = strchr(head, '/');
        size_t length = slash ? (size_t)(slash - head) + 1 : 0;
        for (size_t i = 0; i < f->count; i++)
            if (strncmp(f->files[i].inside, head, length) != 0)
                return;
        if (length == 0)
            return;
        for (size_t i = 0; i < f->count; i++)
            f->files[i].inside += length;
    }
}

static const char *const part_names[] = { "train/", "test/" };

static int part_of(const ph_folder_file *e)
{
    for (int part = 0; part < 2; part++)
        if (strncmp(e->inside, part_names[part], strlen(part_names[part])) == 0)
            return part;
    return -1;
}

/* Where there are both parts: keeps their files alone, those of train first. */
static ph_status split(ph_folder *f)
{
    size_t count[2] = { 0 };
    for (size_t i = 0; i < f->count; i++)
        if (part_of(&f->files[i]) >= 0)
            count[part_of(&f->files[i])]++;
    if (count[0] == 0 || count[1] == 0)
        return PH_OK;
    ph_folder_file *kept = malloc((count[0] + count[1]) * sizeof *kept);
    if (kept == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", f->root);
    size_t next[2] = { 0, count[0] };
    for (size_t i = 0; i < f->count; i++) {
        ph_folder_file e = f->files[i];
        int part = part_of(&e);
        if (part < 0) {
            free(e.path);
            continue;
        }
        e.inside += strlen(part_names[part]);
        kept[next[part]++] = e;
    }
    free(f->files);
    f->files = kept;
    f->train = count[0];
    f->count = count[0] + count[1];
    descend(f);
    return PH_OK;
}

/* Compares paths up to their first "/". */
static int by_head(const void *a, const void *b)
{
    const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;
    while (*x == *y && *x != '/')
        x++, y++;
    return (*x == '/' ? 0 : *x) - (*y == '/' ? 0 : *y);
}

/* Files bare of a class's folder and files within one are told apart by the "/" left in them. */
static ph_status check_depth(const ph_folder *f, bool *flat)
{
    const ph_folder_file *bare = NULL, *within = NULL;
    for (size_t i = f->count; i-- > 0;)
        if (strchr(f->files[i].inside, '/'))
            within = &f->files[i];
        else
            bare = &f->files[i];
    *flat = within == NULL;
    if (bare && within)
        return ph_fail(PH_DATA, "%s: %s lies beside folders of pictures, as that of %s; a set is flat or "
                       "has a folder for each class", f->root, ph_folder_relative(f, bare->path),
                       ph_folder_relative(f, within->path));
    return PH_OK;
}

static ph_status find_classes(ph_folder *f)
{
    bool flat;
    PH_TRY(check_depth(f, &flat));
    if (flat)
        return PH_OK;
    f->classes = malloc(f->count * sizeof *f->classes);
    if (f->classes == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", f->root);
    for (size_t i = 0; i < f->count; i++)
        f->classes[i] = f->files[i].inside;
    qsort(f->classes, f->count, sizeof *f->classes, by_head);
    for (size_t i = 0; i < f->count; i++)
        if (i == 0 || by_head(&f->classes[f->class_count - 1], &f->classes[i]) != 0)
            f->classes[f->class_count++] = f->classes[i];
    for (size_t i = 0; i < f->count; i++) {
        const char **found = bsearch(&f->files[i].inside, f->classes, f->class_count,
                                     sizeof *f->classes, by_head);
        f->files[i].label = (uint32_t)(found - f->classes);
    }
    return PH_OK;
}

ph_status ph_folder_list(ph_folder *f, const char *root, bool any, bool series)
{
    *f = (ph_folder){ .root = root, .any = any };
    PH_TRY(find_files(f, series));
    descend(f);
    PH_TRY(split(f));
    return find_classes(f);
}

ph_status ph_folder_part(const ph_folder *f, ph_data *d, const char *part, const ph_data_desc *desc, size_t *from,
                         size_t *to)
{
    const char *wanted = part ? part : desc->part;
    d->has_test = f->train > 0;
    if (part && !d->has_test && strcmp(part, "all") != 0)
        return ph_fail(PH_USAGE, "%s: no part %s: it has no folders train and test", f->root, part);
    *from = d->has_test && strcmp(wanted, "test") == 0 ? f->train : 0;
    *to = d->has_test && strcmp(wanted, "train") == 0 ? f->train : f->count;
    return PH_OK;
}

ph_status ph_folder_classes(const ph_folder *f, ph_data *d, size_t from)
{
    if (f->classes == NULL)
        return PH_OK;
    uint32_t *labels = malloc(d->rows * sizeof *labels);
    if (labels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", f->root);
    for (size_t i = 0; i < d->rows; i++) {
        size_t file = d->windows ? ph_windows_at(d->windows, i, (size_t[2]){ 0 }) : i;
        labels[i] = f->files[from + file].label;
    }
    ph_data_take_labels(d, labels);
    d->classes = f->class_count;   /* A part may have no row of the last. */
    for (size_t c = 0; c < f->class_count; c++) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(f->classes[c], "/"), f->classes[c]);
        PH_TRY(ph_data_add_class(d, name));
    }
    return PH_OK;
}

void ph_folder_free(ph_folder *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->files[i].path);
    free(f->files);
    free(f->classes);
    *f = (ph_folder){ 0 };
}
