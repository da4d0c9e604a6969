/* labels.c - the option of families that learn from some rows' labels: none, all, or how many. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

int64_t ph_labels_wanted(ph_graph *g, const char *text, int64_t classes)
{
    char *end;
    long long count = strtoll(text, &end, 10);
    if (strcmp(text, "none") == 0)
        return -1;
    if (strcmp(text, "all") == 0)
        return 0;
    if (*text == '\0' || *end || count < 1)
        ph_refuse(g, "labels %s: it is none, all, or a number of rows", text);
    else if (count < classes)
        ph_refuse(g, "labels %s: fewer than the %lld classes, so that some would never be seen", text,
                  (long long)classes);
    return count;
}
