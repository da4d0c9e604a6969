/* options.h - tables of options for the library's own use, beside what pinhole.h has. */
#ifndef PH_BASE_OPTIONS_H
#define PH_BASE_OPTIONS_H

#include "base/error.h"

/* The value in the struct as text that reads back exactly. */
const char *ph_option_text(const ph_option *, const void *target, char *buffer, size_t size);
/* Whether an option that is a choice has such a value. */
bool ph_option_allows(const ph_option *, const char *value);
#endif
