/* pictures.c - a folder of pictures as a set: headers are measured, then pictures are decoded and
 * brought to one shape, both by all threads. Where rows are windows of them, they may keep their sizes.
 *
 * Shape and classes are those of both parts together, so that the parts agree.
 */
#include "base/team.h"
#include "data/data.h"
#include "data/folder.h"
#include "data/picture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct pictures {
    const ph_folder *folder;
    ph_picture *sizes;         /* of each file, as measured, then as it is to be */
    ph_cut cut;                /* windows of them; of 0 lines: rows are whole pictures */
    size_t width, height, channels; /* width 0: they keep their sizes */
    unsigned bits;
    const char *fit;
    uint8_t *batch;            /* the pixels of pictures from the file `first` on */
    size_t first, *place;      /* where each begins in it */
} pictures;

/* ---- What the caller asks for ------------------------------------------------------------------- */

static ph_status read_choices(pictures *p, const ph_data_desc *desc)
{
    const char *size = desc->size && strcmp(desc->size, "own") != 0 ? desc->size : NULL;
    const char *channels = desc->channels ? desc->channels : "auto";
    p->fit = desc->fit ? desc->fit : "crop";
    int end = 0;
    if (size && (strspn(size, "0123456789x") != strlen(size) ||
                 sscanf(size, "%6zux%6zu%n", &p->width, &p->height, &end) != 2 || size[end] ||
                 p->width == 0 || p->height == 0 || p->width > PH_PICTURE_SIDE ||
                 p->height > PH_PICTURE_SIDE || p->width * p->height > PH_PICTURE_PIXELS))
        return ph_fail(PH_USAGE, "size %s: not WIDTHxHEIGHT, as 64x48, of 1 to %d pixels a side and "
                       "2^28 in all, nor own", size, PH_PICTURE_SIDE);
    if (strcmp(p->fit, "crop") != 0 && strcmp(p->fit, "pad") != 0 && strcmp(p->fit, "stretch") != 0)
        return ph_fail(PH_USAGE, "fit %s: not crop, pad or stretch", p->fit);
    bool gray = strcmp(channels, "gray") == 0, rgb = strcmp(channels, "rgb") == 0;
    if (!gray && !rgb && strcmp(channels, "auto") != 0)
        return ph_fail(PH_USAGE, "channels %s: not auto, gray or rgb", channels);
    p->channels = gray ? 1 : rgb ? 3 : 0;
    return PH_OK;
}

/* ---- Work on all threads ------------------------------------------------------------------------ */

typedef struct sweep {
    pictures *pictures;
    ph_status (*visit)(pictures *, size_t);
    size_t end;
    atomic_size_t next, failed;   /* failed: the first that did, by order */
    pthread_mutex_t lock;
    ph_status status;
    char message[1024];           /* of that one: messages belong to a thread */
} sweep;

static void sweep_job(void *context, int part, int parts)
{
    sweep *s = context;
    (void)part, (void)parts;
    for (;;) {
        /* Numbers are handed out in order: whatever comes before a failure has been begun. */
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= s->end || i > atomic_load(&s->failed))
            return;
        ph_status status = s->visit(s->pictures, i);
        if (status == PH_OK)
            continue;
        pthread_mutex_lock(&s->lock);
        if (i < atomic_load(&s->failed)) {
            atomic_store(&s->failed, i);
            s->status = status;
            snprintf(s->message, sizeof s->message, "%s", ph_message());
        }
        pthread_mutex_unlock(&s->lock);
    }
}

static ph_status for_each(pictures *p, size_t begin, size_t end,
                          ph_status (*visit_one)(pictures *, size_t))
{
    sweep s = { .pictures = p, .visit = visit_one, .end = end, .lock = PTHREAD_MUTEX_INITIALIZER };
    atomic_init(&s.next, begin);
    atomic_init(&s.failed, SIZE_MAX);
    ph_team_run(sweep_job, &s);
    return s.status == PH_OK ? PH_OK : ph_fail(s.status, "%s", s.message);
}

static ph_status measure_one(pictures *p, size_t i)
{
    return ph_picture_measure(p->folder->files[i].path, &p->sizes[i]);
}

static ph_status read_one(pictures *p, size_t i)
{
    ph_picture picture;
    const char *path = p->folder->files[i].path;
    const ph_picture *size = &p->sizes[i];
    PH_TRY(ph_picture_read(path, &picture));
    ph_status status = ph_picture_fit(&picture, p->fit, size->width, size->height, p->channels, p->bits,
                                      p->batch + p->place[i - p->first]);
    ph_picture_free(&picture);
    return status == PH_OK ? PH_OK : ph_fail(status, "%s: %s", path, ph_message());
}

/* ---- The set ------------------------------------------------------------------------------------ */

/* A row's id: the file's path below the root. */
static const char *relative(const pictures *p, size_t i)
{
    return ph_folder_relative(p->folder, p->folder->files[i].path);
}

static size_t bytes_of(const pictures *p, size_t i)
{
    return p->sizes[i].width * p->sizes[i].height * p->channels * (p->bits / 8);
}

/* The shape of a row, from the headers of all files; of pictures that are still to be cut into windows, a
 * pixel. */
static ph_status choose_shape(pictures *p, ph_data *d)
{
    size_t count = p->folder->count;
    const char *root = p->folder->root;
    p->sizes = calloc(count, sizeof *p->sizes);
    if (p->sizes == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", root);
    PH_TRY(for_each(p, 0, count, measure_one));
    const ph_picture *a = p->sizes, first = *a;
    bool cut = p->cut.window[0] > 0, colour = false, same = true;
    p->bits = 8;
    for (size_t i = 0; i < count; i++) {
        ph_picture *b = &p->sizes[i];
        colour = colour || b->channels == 3;
        p->bits = b->bits > p->bits ? b->bits : p->bits;
        same = same && b->width == first.width && b->height == first.height;
        if (p->width) {
            b->width = p->width;
            b->height = p->height;
        } else if (!cut && (a->width != b->width || a->height != b->height))
            return ph_fail(PH_USAGE, "%s: pictures of different sizes: %s is %zux%zu, %s is %zux%zu; bring them to "
                           "one with --size WxH, or cut them with --window WxH", root, relative(p, 0), a->width,
                           a->height, relative(p, i), b->width, b->height);
    }
    if (p->width && same) {
        d->own[0] = first.height;
        d->own[1] = first.width;
    }
    if (p->channels == 0)
        p->channels = colour ? 3 : 1;
    d->element = p->bits == 16 ? PH_U2 : PH_U1;
    if (cut)
        return ph_data_shape(d, root, count, 1, &p->channels);
    return ph_data_shape(d, root, count, p->channels == 3 ? 3 : 2, (size_t[]){ a->height, a->width, 3 });
}

/* How many of the pictures from p->first on go into a batch, and where in it they lie. */
static size_t next_batch(pictures *p, size_t end)
{
    enum { EACH = 64, BYTES = 1 << 26 };
    size_t parts = (size_t)ph_team_parts(), most = EACH * parts, count = 0, bytes = 0;
    for (size_t i = p->first; i < end && count < most; i++) {
        if (count >= parts && bytes + bytes_of(p, i) > BYTES)
            break;
        p->place[count++] = bytes;
        bytes += bytes_of(p, i);
    }
    p->place[count] = bytes;
    return count;
}

static ph_status read_rows(pictures *p, ph_data *d, size_t begin, size_t end)
{
    size_t room = 0, bytes = d->width * ph_element_bytes(d->element);
    p->place = malloc((end - begin + 1) * sizeof *p->place);
    if (p->place == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", p->folder->root);
    for (p->first = begin; p->first < end;) {
        size_t count = next_batch(p, end);
        if (p->place[count] > room) {
            free(p->batch);
            room = p->place[count];
            p->batch = malloc(room);
        }
        if (p->batch == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", p->folder->root);
        PH_TRY(for_each(p, p->first, p->first + count, read_one));
        PH_TRY(ph_data_append(d, p->batch, p->place[count] / bytes));
        p->first += count;
    }
    return ph_data_finish(d, p->folder->root);
}

static ph_status cut(const pictures *p, ph_data *d, size_t begin, const ph_texts *names)
{
    ph_piece *piece = calloc(names->count, sizeof *piece);
    if (piece == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", p->folder->root);
    for (size_t i = 0; i < names->count; i++) {
        piece[i].size[0] = p->sizes[begin + i].height;
        piece[i].size[1] = p->sizes[begin + i].width;
    }
    return ph_data_cut(d, p->folder->root, &p->cut, true, piece, names->count, names);
}

/* Pictures have names; where rows are windows of them, rows' are made of those. */
static ph_status name_rows(const pictures *p, ph_data *d, size_t begin, size_t end)
{
    ph_texts names = { 0 };
    ph_status status = PH_OK;
    for (size_t i = begin; i < end && status == PH_OK; i++)
        status = ph_texts_add(&names, relative(p, i), strlen(relative(p, i)));
    if (status == PH_OK)
        status = p->cut.window[0] ? cut(p, d, begin, &names) : ph_texts_copy(&d->ids, &names);
    ph_texts_free(&names);
    return status;
}

static ph_status fill(pictures *p, ph_data *d, const char *part, const ph_data_desc *desc)
{
    size_t begin, end;
    PH_TRY(read_choices(p, desc));
    PH_TRY(ph_cut_read(desc, true, 0, &p->cut));
    PH_TRY(ph_folder_part(p->folder, d, part, desc, &begin, &end));
    PH_TRY(choose_shape(p, d));
    if (p->width) {
        snprintf(d->size, sizeof d->size, "%zux%zu", p->width, p->height);
        snprintf(d->fit, sizeof d->fit, "%s", p->fit);
    }
    PH_TRY(ph_data_begin(d, desc->memory_limit));
    PH_TRY(read_rows(p, d, begin, end));
    PH_TRY(name_rows(p, d, begin, end));
    return ph_folder_classes(p->folder, d, begin);
}

ph_data *ph_pictures_open(const ph_folder *folder, const char *name, const char *part,
                          const ph_data_desc *desc)
{
    pictures p = { .folder = folder };
    ph_data *d = ph_data_make(name, "pictures");
    if (d && fill(&p, d, part, desc) != PH_OK) {
        ph_data_close(d);
        d = NULL;
    }
    free(p.sizes);
    free(p.place);
    free(p.batch);
    return d;
}
