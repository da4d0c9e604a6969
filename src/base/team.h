/* team.h - a persistent team of threads that all run the same function.
 *
 * Thread 0 is the caller. The others wait, spinning for a moment and then asleep. Inside the
 * function ph_team_barrier() holds every part until all have arrived.
 */
#ifndef PH_BASE_TEAM_H
#define PH_BASE_TEAM_H

#include "base/error.h"

typedef void (*ph_team_job)(void *context, int part, int parts);

/* Runs job(context, part, parts) on every part and returns when all are done. One at a time: a
 * second thread that calls this waits. Starts the team if need be; if threads cannot be started,
 * the parts there are do the work. */
void ph_team_run(ph_team_job job, void *context);
/* The number of parts that ph_team_run will use. */
int ph_team_parts(void);
/* Waits for the other parts. The last to arrive runs `between` first, if it is not NULL. */
void ph_team_barrier(void (*between)(void *), void *context);

#endif
