/* cifar.c - the binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): a file, plain or gzipped,
 * or a folder of batches.
 *
 * A record is one label (CIFAR-100: two, coarse and fine) and 1024 red, 1024 green, 1024 blue bytes,
 * row by row. Rows here are 32x32x3, the colours of a point side by side.
 */
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, POINTS = SIDE * SIDE, NUMBERS = 3 * POINTS };

typedef struct batch {
    ph_data *data;
    uint32_t *labels;
    size_t room, head;         /* head: label bytes of a record */
} batch;

/* number: of the record in its file, from 1 on. */
static ph_status add_record(batch *b, const uint8_t *record, size_t number, const char *path)
{
    uint8_t row[NUMBERS];
    const uint8_t *planes = record + b->head;
    size_t n = b->data->rows;
    if (record[b->head - 1] >= (b->head == 1 ? 10 : 100))
        return ph_fail(PH_DATA, "%s: record %zu: the label is %d: not a CIFAR batch", path, number,
                       record[b->head - 1]);
    if (n == b->room) {
        size_t room = b->room * 2 + 10000;
        uint32_t *grown = realloc(b->labels, room * sizeof *grown);
        if (grown == NULL)
            return ph_fail(PH_MEMORY, "%s: out of memory", path);
        b->labels = grown;
        b->room = room;
    }
    b->labels[n] = record[b->head - 1];
    for (size_t i = 0; i < POINTS; i++)
        for (size_t c = 0; c < 3; c++)
            row[3 * i + c] = planes[c * POINTS + i];
    return ph_data_append(b->data, row, 1);
}

static ph_status read_batch(batch *b, ph_source *in)
{
    uint8_t record[2 + NUMBERS];
    size_t size = b->head + NUMBERS, first = b->data->rows, have = 0, got = 1;
    while (got) {
        PH_TRY(ph_source_some(in, record + have, size - have, &got));
        have += got;
        if (have == size) {
            PH_TRY(add_record(b, record, b->data->rows - first + 1, ph_source_name(in)));
            have = 0;
        }
    }
    if (have || b->data->rows == first)
        return ph_fail(PH_DATA, "%s: record %zu of %zu bytes is cut off after %zu",
                       ph_source_name(in), b->data->rows - first + 1, size, have);
    return PH_OK;
}

static ph_status begin(batch *b, const char *name, size_t head, const ph_data_desc *desc)
{
    *b = (batch){ .data = ph_data_make(name, "CIFAR"), .head = head };
    if (b->data == NULL)
        return PH_MEMORY;
    b->data->rank = 3;
    b->data->shape[0] = b->data->shape[1] = SIDE;
    b->data->shape[2] = 3;
    return ph_data_begin(b->data, desc->memory_limit);
}

/* The names in batches.meta.txt or fine_label_names.txt, one a line, if it is there: beside the batches. */
static ph_status read_names(ph_data *d, const char *folder, size_t head)
{
    char path[4400], line[256];
    snprintf(path, sizeof path, "%s/%s", folder,
             head == 1 ? "batches.meta.txt" : "fine_label_names.txt");
    FILE *file = fopen(path, "r");
    ph_status status = PH_OK;
    while (file && status == PH_OK && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line)
            status = ph_data_add_class(d, line);
    }
    if (file)
        fclose(file);
    return status;
}

static ph_data *end(batch *b, ph_status status)
{
    if (status == PH_OK) {
        ph_data_take_labels(b->data, b->labels);
        return b->data;
    }
    free(b->labels);
    ph_data_close(b->data);
    return NULL;
}

ph_data *ph_cifar_open(ph_source *in, const char *name, const ph_data_desc *desc)
{
    batch b;
    /* CIFAR-100 calls its files train.bin and test.bin. */
    const char *path = ph_source_name(in), *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    bool hundred = strncmp(last, "train.bin", 9) == 0 || strncmp(last, "test.bin", 8) == 0;
    ph_status status = begin(&b, name, hundred ? 2 : 1, desc);
    if (status == PH_OK)
        status = read_batch(&b, in);
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (status == PH_OK)
        status = read_names(b.data, folder, b.head);
    return end(&b, status);
}

/* ---- Folders --------------------------------------------------------------------------------- */

/* Batch number i (from 1 on) of a part of CIFAR-10, or file 1 of one of CIFAR-100. */
static bool find_batch(char *path, size_t size, const char *folder, const char *part, int i,
                       size_t *head)
{
    bool test = strcmp(part, "test") == 0;
    static const char *const endings[] = { "", ".gz" };
    for (int hundred = 0; hundred < 2; hundred++)
        for (int e = 0; e < 2; e++) {
            char name[64];
            if (hundred || test)
                snprintf(name, sizeof name, "%s%s.bin%s", test ? "test" : "train",
                         hundred ? "" : "_batch", endings[e]);
            else
                snprintf(name, sizeof name, "data_batch_%d.bin%s", i, endings[e]);
            snprintf(path, size, "%s/%s", folder, name);
            FILE *file = (i == 1 || !(hundred || test)) ? fopen(path, "rb") : NULL;
            if (file) {
                fclose(file);
                *head = hundred ? 2 : 1;
                return true;
            }
        }
    return false;
}

bool ph_cifar_has(const char *folder, const char *part)
{
    char path[4400];
    size_t head;
    bool found = false;
    for (int i = 1; i <= 5 && !found; i++)
        found = find_batch(path, sizeof path, folder, part, i, &head);
    return found;
}

ph_data *ph_cifar_part(const char *folder, const char *name, const char *part,
                       const ph_data_desc *desc)
{
    batch b;
    char path[4400];
    size_t head = 1, first = 1;
    while (first < 5 && !find_batch(path, sizeof path, folder, part, (int)first, &head))
        first++;
    ph_status status = begin(&b, name, head, desc);
    for (int i = (int)first; i <= 5 && status == PH_OK; i++) {
        if (!find_batch(path, sizeof path, folder, part, i, &head))
            continue;
        ph_source *in = ph_source_open(path);
        status = in ? read_batch(&b, in) : ph_last_status();
        ph_source_close(in);
    }
    if (status == PH_OK)
        status = read_names(b.data, folder, head);
    return end(&b, status);
}
