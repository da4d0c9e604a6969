/* stop.h - the wish to end early, which ph_stop() leaves for whatever runs long in this process. */
#ifndef PH_BASE_STOP_H
#define PH_BASE_STOP_H

#include <stdbool.h>

bool ph_stop_asked(void);
/* Forgets an earlier wish; what can be stopped begins with this. */
void ph_stop_forget(void);

#endif
