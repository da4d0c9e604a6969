/* windowed.h - what the tests of sounds and of series share: files of the test's folder, opened or refused. */
#ifndef TESTS_WINDOWED_H
#define TESTS_WINDOWED_H

#include "data/data.h"
#include "scratch.h"

static inline ph_data *opened(const char *name, const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    if (d == NULL)
        fail_msg("%s: %s", name, ph_message());
    return d;
}

/* In one line, which says that part. */
static inline void assert_refused(const char *name, const ph_data_desc *desc, ph_status status, const char *part)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    assert_null(d);
    if (ph_last_status() != status || strstr(ph_message(), part) == NULL || strchr(ph_message(), '\n'))
        fail_msg("'%s' (%d) does not say '%s'", ph_message(), ph_last_status(), part);
}

#endif
