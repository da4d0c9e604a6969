/* stop.c - one flag, set in a signal handler, read where work may end. */
#include "base/stop.h"

#include <pinhole.h>
#include <signal.h>

static volatile sig_atomic_t asked;

void ph_stop(void)
{
    asked = 1;
}

bool ph_stop_asked(void)
{
    return asked;
}

void ph_stop_forget(void)
{
    asked = 0;
}
