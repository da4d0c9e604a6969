/* team.c - the thread team: start, pinning, dispatch, barrier.
 *
 * Measured: two unpinned threads of a guest often landed on one CPU and cost 2 to 10 times, hence
 * the pinning, inside the mask that was inherited and never with more threads than CPUs. Waiting
 * spins first, since the next job of a training step comes within microseconds, and then sleeps,
 * so that an idle library costs nothing and more threads than CPUs still make progress.
 */
#define _GNU_SOURCE
#include "base/team.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PARTS = 64, SPINS = 20000 };

static struct {
    pthread_mutex_t lock;      /* held by the caller that runs a job, and while the team changes */
    pthread_t thread[MAX_PARTS];
    int wanted, parts, spins;
    bool pin, pinned;
    ph_team_job job;
    void *context;
    atomic_uint generation;    /* of jobs; a futex */
    atomic_uint arrived, barrier; /* barrier counts the barriers passed; a futex */
    atomic_uint sleepers;
    atomic_bool leave;
} team = { .lock = PTHREAD_MUTEX_INITIALIZER, .pin = true };

static int usable_cpus(cpu_set_t *set)
{
    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof *set, set) != 0)
        return 1;
    int count = CPU_COUNT(set);
    return count < 1 ? 1 : count > MAX_PARTS ? MAX_PARTS : count;
}

static void futex_wait(atomic_uint *word, unsigned value)
{
    atomic_fetch_add(&team.sleepers, 1);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    atomic_fetch_sub(&team.sleepers, 1);
}

/* Changes the word and wakes whoever sleeps on it; mostly nobody does, and no system call is made.
 */
static void advance(atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(&team.sleepers) > 0)
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void wait_for_change(atomic_uint *word, unsigned old)
{
    for (int i = 0; i < team.spins; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old)
            return;
        pause_briefly();
    }
    while (atomic_load_explicit(word, memory_order_acquire) == old)
        futex_wait(word, old);
}

void ph_team_barrier(void (*between)(void *), void *context)
{
    unsigned passed = atomic_load_explicit(&team.barrier, memory_order_relaxed);
    unsigned count = atomic_fetch_add_explicit(&team.arrived, 1, memory_order_acq_rel) + 1;
    if (count < (unsigned)team.parts) {
        wait_for_change(&team.barrier, passed);
        return;
    }
    if (between)
        between(context);
    atomic_store_explicit(&team.arrived, 0, memory_order_relaxed);
    advance(&team.barrier);
}

static void *work(void *argument)
{
    int part = (int)(intptr_t)argument;
    unsigned seen = 0;
    for (;;) {
        wait_for_change(&team.generation, seen);
        seen = atomic_load_explicit(&team.generation, memory_order_acquire);
        if (atomic_load_explicit(&team.leave, memory_order_acquire))
            return NULL;
        team.job(team.context, part, team.parts);
        ph_team_barrier(NULL, NULL);
    }
}

static void pin_to(pthread_t thread, const cpu_set_t *usable, int number)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, usable) && number-- == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            pthread_setaffinity_np(thread, sizeof one, &one);
            return;
        }
}

static void stop(void)
{
    if (team.parts == 0)
        return;
    atomic_store(&team.leave, true);
    advance(&team.generation);
    for (int i = 1; i < team.parts; i++)
        pthread_join(team.thread[i], NULL);
    atomic_store(&team.leave, false);
    team.parts = 0;
}

static cpu_set_t inherited;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void remember_mask(void)
{
    usable_cpus(&inherited);
}

/* A forked child has none of the threads: it starts a team of its own. */
static void forget(void)
{
    team.parts = 0;
    pthread_mutex_init(&team.lock, NULL);
}

static void start(void)
{
    pthread_once(&once, remember_mask);
    int cpus = CPU_COUNT(&inherited);
    cpus = cpus < 1 ? 1 : cpus > MAX_PARTS ? MAX_PARTS : cpus;
    int parts = team.wanted > 0 ? team.wanted : cpus;
    team.spins = parts > cpus ? 0 : SPINS;
    static bool prepared;
    if (!prepared) {
        pthread_atfork(NULL, NULL, forget);
        prepared = true;
    }
    atomic_store(&team.generation, 0);
    atomic_store(&team.arrived, 0);
    atomic_store(&team.sleepers, 0);
    bool pin = team.pin && parts <= cpus && parts > 1;
    team.parts = parts;
    for (int i = 1; i < parts; i++) {
        if (pthread_create(&team.thread[i], NULL, work, (void *)(intptr_t)i) != 0) {
            team.parts = i;
            break;
        }
        if (pin)
            pin_to(team.thread[i], &inherited, i);
    }
    team.pinned = pin;
}

/* The caller is not ours to pin: whatever threads it or another library starts later would inherit
 * that. It is moved to the first CPU when it is found elsewhere, and left free; as the other CPUs
 * are busy with the team, it stays. */
static void move_home(void)
{
    int cpu = sched_getcpu();
    if (!team.pinned || cpu < 0)
        return;
    for (int i = 0; i < cpu; i++)
        if (CPU_ISSET(i, &inherited)) {
            pin_to(pthread_self(), &inherited, 0);
            pthread_setaffinity_np(pthread_self(), sizeof inherited, &inherited);
            return;
        }
}

void ph_team_run(ph_team_job job, void *context)
{
    pthread_mutex_lock(&team.lock);
    if (team.parts == 0)
        start();
    move_home();
    team.job = job;
    team.context = context;
    advance(&team.generation);
    job(context, 0, team.parts);
    ph_team_barrier(NULL, NULL);
    pthread_mutex_unlock(&team.lock);
}

int ph_team_parts(void)
{
    pthread_mutex_lock(&team.lock);
    if (team.parts == 0)
        start();
    int parts = team.parts;
    pthread_mutex_unlock(&team.lock);
    return parts;
}

ph_status ph_set_threads(int threads, bool pin)
{
    if (threads < 0 || threads > MAX_PARTS)
        return ph_fail(PH_USAGE, "threads: %d is not between 0 and %d", threads, MAX_PARTS);
    pthread_mutex_lock(&team.lock);
    stop();
    team.wanted = threads;
    team.pin = pin;
    pthread_mutex_unlock(&team.lock);
    return PH_OK;
}

int ph_threads(void)
{
    return ph_team_parts();
}
