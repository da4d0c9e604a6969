/* pictures.c - a folder of pictures as a set: headers are measured, then pictures are decoded and
 * brought to one shape, both by all threads.
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
    ph_folder folder;
    ph_picture *sizes;         /* of each file, as measured */
    size_t width, height, channels;
    unsigned bits;
    const char *fit;
    uint8_t *batch;            /* rows from the file `first` on */
    size_t first, row_bytes;
} pictures;

/* ---- What the caller asks for ------------------------------------------------------------------- */

static ph_status read_choices(pictures *p, const ph_data_desc *desc)
{
    const char *size = desc->size;
    const char *channels = desc->channels ? desc->channels : "auto";
    p->fit = desc->fit ? desc->fit : "crop";
    int end = 0;
    if (size && (strspn(size, "0123456789x") != strlen(size) ||
                 sscanf(size, "%6zux%6zu%n", &p->width, &p->height, &end) != 2 || size[end] ||
                 p->width == 0 || p->height == 0 || p->width > PH_PICTURE_SIDE ||
                 p->height > PH_PICTURE_SIDE || p->width * p->height > PH_PICTURE_PIXELS))
        return ph_fail(PH_USAGE, "size %s: not WIDTHxHEIGHT, as 64x48, of 1 to %d pixels a side and "
                       "2^28 in all", size, PH_PICTURE_SIDE);
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
    return ph_picture_measure(p->folder.files[i].path, &p->sizes[i]);
}

static ph_status read_one(pictures *p, size_t i)
{
    ph_picture picture;
    const char *path = p->folder.files[i].path;
    PH_TRY(ph_picture_read(path, &picture));
    ph_status status = ph_picture_fit(&picture, p->fit, p->width, p->height, p->channels, p->bits,
                                      p->batch + (i - p->first) * p->row_bytes);
    ph_picture_free(&picture);
    return status == PH_OK ? PH_OK : ph_fail(status, "%s: %s", path, ph_message());
}

/* ---- The set ------------------------------------------------------------------------------------ */

/* A row's id: the file's path below the root. */
static const char *relative(const pictures *p, size_t i)
{
    return ph_folder_relative(&p->folder, p->folder.files[i].path);
}

/* The shape of a row, from the headers of all files. */
static ph_status choose_shape(pictures *p, ph_data *d)
{
    size_t count = p->folder.count;
    p->sizes = calloc(count, sizeof *p->sizes);
    if (p->sizes == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", p->folder.root);
    PH_TRY(for_each(p, 0, count, measure_one));
    const ph_picture *a = p->sizes, *b = p->sizes;
    bool as_they_are = p->width == 0, colour = false;
    p->bits = 8;
    for (size_t i = 0; i < count; i++, b++) {
        colour = colour || b->channels == 3;
        p->bits = b->bits > p->bits ? b->bits : p->bits;
        if (as_they_are && (a->width != b->width || a->height != b->height))
            return ph_fail(PH_USAGE, "%s: pictures of different sizes: %s is %zux%zu, %s is %zux%zu; "
                           "bring them to one with --size WxH", p->folder.root, relative(p, 0),
                           a->width, a->height, relative(p, i), b->width, b->height);
    }
    p->width = as_they_are ? a->width : p->width;
    p->height = as_they_are ? a->height : p->height;
    if (p->channels == 0)
        p->channels = colour ? 3 : 1;
    d->element = p->bits == 16 ? PH_U2 : PH_U1;
    p->row_bytes = p->width * p->height * p->channels * (p->bits / 8);
    return ph_data_shape(d, p->folder.root, count, p->channels == 3 ? 3 : 2,
                         (size_t[]){ p->height, p->width, 3 });
}

static ph_status read_rows(pictures *p, ph_data *d, size_t begin, size_t end)
{
    enum { EACH = 64, BYTES = 1 << 26 };
    size_t parts = (size_t)ph_team_parts(), rows = BYTES / p->row_bytes;
    rows = rows < parts ? parts : rows > EACH * parts ? EACH * parts : rows;
    p->batch = malloc(rows * p->row_bytes);
    if (p->batch == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", p->folder.root);
    for (p->first = begin; p->first < end; p->first += rows) {
        size_t stop = end - p->first < rows ? end : p->first + rows;
        PH_TRY(for_each(p, p->first, stop, read_one));
        PH_TRY(ph_data_append(d, p->batch, stop - p->first));
        for (size_t i = p->first; i < stop; i++)
            PH_TRY(ph_data_add_id(d, relative(p, i), strlen(relative(p, i))));
    }
    return ph_data_finish(d, p->folder.root);
}

static ph_status take_classes(const ph_folder *f, ph_data *d, size_t begin)
{
    if (f->classes == NULL)
        return PH_OK;
    uint32_t *labels = malloc(d->rows * sizeof *labels);
    if (labels == NULL)
        return ph_fail(PH_MEMORY, "%s: out of memory", f->root);
    for (size_t i = 0; i < d->rows; i++)
        labels[i] = f->files[begin + i].label;
    ph_data_take_labels(d, labels);
    d->classes = f->class_count;   /* A part may have no row of the last. */
    for (size_t c = 0; c < f->class_count; c++) {
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(f->classes[c], "/"), f->classes[c]);
        PH_TRY(ph_data_add_class(d, name));
    }
    return PH_OK;
}

static ph_status fill(pictures *p, ph_data *d, const char *path, const char *part,
                      const ph_data_desc *desc)
{
    const ph_folder *f = &p->folder;
    const char *wanted = part ? part : desc->part;
    PH_TRY(read_choices(p, desc));
    PH_TRY(ph_folder_list(&p->folder, path));
    d->has_test = f->train > 0;
    if (part && !d->has_test && strcmp(part, "all") != 0)
        return ph_fail(PH_USAGE, "%s: no part %s: it has no folders train and test", path, part);
    size_t begin = d->has_test && strcmp(wanted, "test") == 0 ? f->train : 0;
    size_t end = d->has_test && strcmp(wanted, "train") == 0 ? f->train : f->count;
    PH_TRY(choose_shape(p, d));
    if (desc->size) {
        snprintf(d->size, sizeof d->size, "%zux%zu", p->width, p->height);
        snprintf(d->fit, sizeof d->fit, "%s", p->fit);
    }
    PH_TRY(ph_data_begin(d, desc->memory_limit));
    PH_TRY(read_rows(p, d, begin, end));
    return take_classes(f, d, begin);
}

ph_data *ph_pictures_open(const char *path, const char *name, const char *part,
                          const ph_data_desc *desc)
{
    pictures p = { 0 };
    ph_data *d = ph_data_make(name, "pictures");
    if (d && fill(&p, d, path, part, desc) != PH_OK) {
        ph_data_close(d);
        d = NULL;
    }
    ph_folder_free(&p.folder);
    free(p.sizes);
    free(p.batch);
    return d;
}
