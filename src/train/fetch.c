/* fetch.c - a batch: rows by index, read and scaled by all threads, and their labels. */
#include "base/team.h"
#include "train/train.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

typedef struct fetch {
    const ph_data *data;
    const ph_scaling *scaling;
    const size_t *index;
    size_t n, width;
    real *out;
    pthread_mutex_t lock;
    int failed;                /* the first part that did, by order, so that the same row is told every time */
    ph_status status;
    char message[1024];        /* of that one: messages belong to a thread */
} fetch;

static void job(void *context, int part, int parts)
{
    fetch *f = context;
    size_t begin = f->n * (size_t)part / (size_t)parts, end = f->n * (size_t)(part + 1) / (size_t)parts;
    if (begin == end)
        return;
    ph_status status = ph_data_read_scaled(f->data, f->scaling, f->index + begin, end - begin,
                                           f->out + begin * f->width);
    if (status == PH_OK)
        return;
    pthread_mutex_lock(&f->lock);
    if (part < f->failed) {
        f->failed = part;
        f->status = status;
        snprintf(f->message, sizeof f->message, "%s", ph_message());
    }
    pthread_mutex_unlock(&f->lock);
}

ph_status ph_fetch(const ph_data *data, const ph_scaling *scaling, const size_t *index, size_t n,
                   real *out)
{
    ph_data_info info;
    ph_data_describe(data, &info);
    fetch f = { .data = data, .scaling = scaling, .index = index, .n = n, .width = info.width,
                .out = out, .lock = PTHREAD_MUTEX_INITIALIZER, .failed = INT_MAX };
    ph_team_run(job, &f);
    return f.status == PH_OK ? PH_OK : ph_fail(f.status, "%s", f.message);
}

ph_status ph_fetch_range(const ph_data *data, const ph_scaling *scaling, size_t first, size_t count,
                         real *out)
{
    enum { MOST = 1024 };
    size_t index[MOST];
    for (size_t done = 0; done < count; done += MOST) {
        size_t n = count - done < MOST ? count - done : MOST;
        for (size_t i = 0; i < n; i++)
            index[i] = first + done + i;
        PH_TRY(ph_fetch(data, scaling, index, n, out + done * data->width));
    }
    return PH_OK;
}

ph_status ph_fetch_labels(const ph_data *data, const size_t *index, size_t n, size_t classes,
                          real *out)
{
    const uint32_t *labels = ph_data_labels(data);
    if (labels == NULL)
        return ph_fail(PH_DATA, "%s: there are no labels", data->name);
    memset(out, 0, n * classes * sizeof out[0]);
    for (size_t i = 0; i < n; i++) {
        uint32_t label = labels[index[i]];
        if (label == PH_NO_LABEL)
            continue;
        if (label >= classes)
            return ph_fail(PH_DATA, "%s: row %zu: label %u, but there are %zu classes", data->name,
                           index[i] + 1, label, classes);
        out[i * classes + label] = 1;
    }
    return PH_OK;
}
