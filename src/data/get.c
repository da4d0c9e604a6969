/* get.c - official sets: where they are, what they must be, and how they come into the cache.
 *
 * A part that lies there already is trusted only as far as the sum of the finished file: if that is
 * wrong, all of it is brought anew before a mirror is blamed.
 */
#include "data/get.h"

#include "base/file.h"
#include "base/sha256.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4096 };

/* Sizes and sums are those of url_checksums in tensorflow/datasets and of torchvision. */
static const ph_tar_member cifar10[] = {
    { "data_batch_1.bin", 30730000 }, { "data_batch_2.bin", 30730000 },
    { "data_batch_3.bin", 30730000 }, { "data_batch_4.bin", 30730000 },
    { "data_batch_5.bin", 30730000 }, { "test_batch.bin", 30730000 },
    { "batches.meta.txt", 0 },        { NULL, 0 },
};

static const ph_remote_set sets[] = {
    { "fashion-mnist",
      { "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com" },
      { { "train-images-idx3-ubyte.gz", 26421880,
          "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84" },
        { "train-labels-idx1-ubyte.gz", 29515,
          "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845" },
        { "t10k-images-idx3-ubyte.gz", 4422102,
          "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073" },
        { "t10k-labels-idx1-ubyte.gz", 5148,
          "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5" } },
      NULL },
    { "mnist",
      { "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist" },
      { { "train-images-idx3-ubyte.gz", 9912422,
          "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609" },
        { "train-labels-idx1-ubyte.gz", 28881,
          "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c" },
        { "t10k-images-idx3-ubyte.gz", 1648877,
          "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6" },
        { "t10k-labels-idx1-ubyte.gz", 4542,
          "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6" } },
      NULL },
    { "cifar10",
      { "https://www.cs.toronto.edu/~kriz" },
      { { "cifar-10-binary.tar.gz", 170052171,
          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd" } },
      cifar10 },
};
enum { SETS = sizeof sets / sizeof sets[0] };

const char *ph_data_downloadable(size_t i)
{
    return i < SETS ? sets[i].name : NULL;
}

/* ---- The cache ----------------------------------------------------------------------------------- */

bool ph_data_cache(const char *name, char *path, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool own = cache && *cache;
    if (!own && (home == NULL || *home == '\0'))
        return false;
    int length = snprintf(path, size, "%s%s/pinhole/%s", own ? cache : home, own ? "" : "/.cache", name);
    return length > 0 && (size_t)length < size;
}

/* With all folders above it. */
static ph_status make_folder(const char *path)
{
    char above[PATH];
    struct stat info;
    snprintf(above, sizeof above, "%s", path);
    for (char *slash = above; slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        int error = mkdir(above, 0777) == 0 ? 0 : errno;
        if (error && (stat(above, &info) != 0 || !S_ISDIR(info.st_mode)))
            return ph_fail(PH_IO, "%s: cannot make the folder: %s", above, strerror(error));
        if (slash)
            *slash = '/';
    }
    return PH_OK;
}

static bool has_size(const char *path, uint64_t bytes)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t)info.st_size == bytes;
}

/* Opens the part to go on with, which one process may do at a time. */
static ph_status open_part(ph_download *d)
{
    struct stat info, named;
    d->here = true;
    d->descriptor = open(d->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (d->descriptor < 0 || fstat(d->descriptor, &info) != 0)
        return ph_fail(PH_IO, "%s: cannot write: %s", d->path, strerror(errno));
    bool taken = flock(d->descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (taken || stat(d->path, &named) != 0 || named.st_ino != info.st_ino)
        return ph_fail(PH_IO, "%s: cannot write: another process is downloading it", d->path);
    d->done = (uint64_t)info.st_size;
    return d->done > d->total ? ph_download_restart(d) : PH_OK;
}

/* ---- Files ----------------------------------------------------------------------------------------- */

/* PH_DATA where the part is not the file that it should be; its bytes are forgotten then. */
static ph_status verify(ph_download *d, const ph_remote_file *file, const char *url)
{
    char sum[PH_SHA256_TEXT];
    PH_TRY(ph_sha256_file(d->path, sum));
    if (d->done == file->bytes && strcmp(sum, file->sha256) == 0)
        return PH_OK;
    unsigned long long bytes = d->done;
    PH_TRY(ph_download_restart(d));
    return ph_fail(PH_DATA, "%s: %llu bytes with the SHA-256 %s, but the official file has %llu with %s; "
                   "removed", url, bytes, sum, (unsigned long long)file->bytes, file->sha256);
}

static ph_status try_mirror(ph_download *d, const ph_remote_file *file, const char *url)
{
    for (;;) {
        bool fresh = d->done == 0;
        ph_status status = ph_download_from(d, url);
        if (status == PH_OK) {
            d->here = true;
            status = verify(d, file, url);
            d->here = status != PH_DATA;
        } else if (status == PH_DATA) {
            PH_TRY(ph_download_restart(d));
        }
        if (status != PH_DATA || fresh)
            return status;
    }
}

static ph_status try_mirrors(const ph_remote_set *set, ph_download *d, const ph_remote_file *file)
{
    const char *own = getenv("PINHOLE_MIRROR");
    char url[PATH];
    ph_status status = PH_OK;
    if (own && *own) {
        bool slash = own[strlen(own) - 1] == '/';
        snprintf(url, sizeof url, "%s%s%s/%s", own, slash ? "" : "/", set->name, file->name);
        return try_mirror(d, file, url);
    }
    for (size_t i = 0; i < PH_GET_MIRRORS && set->mirrors[i]; i++) {
        snprintf(url, sizeof url, "%s/%s", set->mirrors[i], file->name);
        status = try_mirror(d, file, url);
        if (status == PH_OK || d->here)
            break;
    }
    return status;
}

static ph_status get_file(const ph_remote_set *set, const ph_remote_file *file, const char *folder,
                          ph_get_progress *progress, void *user)
{
    char path[PATH + 64], part[PATH + 72], sum[PH_SHA256_TEXT];
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    snprintf(part, sizeof part, "%s.part", path);
    bool there = has_size(path, file->bytes);
    if (there)
        PH_TRY(ph_sha256_file(path, sum));
    if (!there || strcmp(sum, file->sha256) != 0) {
        ph_download d = { .file = file->name, .path = part, .total = file->bytes,
                          .progress = progress, .user = user };
        ph_status status = open_part(&d);
        if (status == PH_OK && progress && d.done < d.total)
            progress(user, file->name, d.done, d.total);
        if (status == PH_OK)
            status = try_mirrors(set, &d, file);
        if (status == PH_OK)
            status = ph_file_rename(d.descriptor, part, path);
        else if (d.descriptor >= 0 && has_size(part, 0))
            unlink(part);
        if (d.descriptor >= 0)
            close(d.descriptor);
        PH_TRY(status);
    }
    if (progress)
        progress(user, file->name, file->bytes, file->bytes);
    return PH_OK;
}

/* ---- Sets -------------------------------------------------------------------------------------------- */

static bool is_unpacked(const ph_tar_member *members, const char *folder)
{
    char path[PATH + 64];
    for (const ph_tar_member *m = members; m->name; m++) {
        snprintf(path, sizeof path, "%s/%s", folder, m->name);
        if (m->bytes && !has_size(path, m->bytes))
            return false;
    }
    return true;
}

static ph_status unpack(const ph_remote_set *set, const char *folder)
{
    char archive[PATH + 64];
    snprintf(archive, sizeof archive, "%s/%s", folder, set->files[0].name);
    PH_TRY(ph_tar_unpack(archive, folder, set->members));
    if (unlink(archive) != 0)
        return ph_fail(PH_IO, "%s: cannot remove: %s", archive, strerror(errno));
    return PH_OK;
}

static ph_status get_into(const ph_remote_set *set, const char *folder, ph_get_progress *progress,
                          void *user)
{
    bool unpacked = set->members && is_unpacked(set->members, folder);
    for (size_t i = 0; i < PH_GET_FILES && set->files[i].name && !unpacked; i++)
        PH_TRY(get_file(set, &set->files[i], folder, progress, user));
    if (set->members && !unpacked)
        PH_TRY(unpack(set, folder));
    for (const ph_tar_member *m = set->members; m && m->name && progress; m++)
        if (m->bytes)
            progress(user, m->name, m->bytes, m->bytes);
    return PH_OK;
}

ph_status ph_get_set(const ph_remote_set *set, ph_get_progress *progress, void *user)
{
    char folder[PATH];
    ph_stop_forget();
    if (!ph_data_cache(set->name, folder, sizeof folder))
        return ph_fail(PH_IO, "%s: no folder for it: neither $XDG_CACHE_HOME nor $HOME is set", set->name);
    PH_TRY(make_folder(folder));
    ph_status status = get_into(set, folder, progress, user);
    /* An empty folder would be found as a set. */
    if (status != PH_OK)
        rmdir(folder);
    return status;
}

ph_status ph_data_get(const char *name, ph_get_progress *progress, void *user)
{
    const char *names[SETS];
    char list[128] = "";
    for (size_t i = 0; i < SETS; i++) {
        names[i] = sets[i].name;
        if (strcmp(name, names[i]) == 0)
            return ph_get_set(&sets[i], progress, user);
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = ph_nearest(name, names, SETS);
    return ph_fail(PH_USAGE, "%s: no set of that name can be downloaded%s%s%s; there are %s", name,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "", list);
}
