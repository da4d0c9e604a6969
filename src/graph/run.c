/* run.c - running a program: every thread of the team walks the same list of steps, does its share
 * of each, and waits only where the plan says so. Nothing is allocated.
 */
#include "graph/program.h"

#include "base/product.h"
#include "base/team.h"

#include <math.h>

size_t ph_call_rows(const ph_call *call, const ph_shape *shape)
{
    return call->program->rows[shape->set] * ph_shape_lead(shape);
}

const real *ph_call_input(const ph_call *call, int i)
{
    const ph_program *p = call->program;
    return p->value[p->root[call->node->input[i]->id]->id].data;
}

real *ph_call_output(const ph_call *call)
{
    return call->program->value[call->node->id].data;
}

real *ph_call_scratch(const ph_call *call)
{
    return call->program->arena + call->scratch;
}

real *ph_call_own(const ph_call *call, int part)
{
    const ph_program *p = call->program;
    return p->scratch + (size_t)part * p->scratch_size + p->registers_size;
}

bool ph_next_task(ph_call *call, int part, size_t tasks, size_t *task)
{
    const ph_program *p = call->program;
    const ph_step *step = p->current[part];
    size_t parts = (size_t)p->parts;
    for (size_t turn = 0; turn < parts; turn++) {
        size_t owner = ((size_t)part + turn) % parts;
        size_t begin = tasks * owner / parts, end = tasks * (owner + 1) / parts;
        atomic_size_t *next = &step->counter[owner].next;
        if (step->serial) {
            begin = 0;
            end = owner == (size_t)part ? tasks : 0;
        }
        if (atomic_load_explicit(next, memory_order_relaxed) >= end - begin)
            continue;
        *task = begin + atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
        if (*task < end)
            return true;
    }
    return false;
}

static void run_step(ph_program *p, ph_step *step, int part)
{
    p->current[part] = step;
    ph_call *call = step->call;
    switch (step->stage) {
    case PH_PREPARE:
        call->op->prepare(call, part);
        break;
    case PH_RUN:
        if (call->op)
            call->op->run(call, part);
        else
            ph_group_run(call, part);
        break;
    case PH_FINISH:
        ph_group_finish(call, part);
        break;
    case PH_GUARD:
        if (!isfinite(p->value[p->guard->id].data[0]))
            atomic_store_explicit(&p->stopped, true, memory_order_relaxed);
    }
}

/* Compiled twice, so that a program that is not timed pays nothing for it. */
static inline __attribute__((always_inline)) void walk(ph_program *p, int part, bool timed)
{
    double began = timed ? ph_clock() : 0;
    for (int s = 0; s < p->step_count; s++) {
        ph_step *step = &p->step[s];
        if (step->barrier) {
            ph_team_barrier(NULL, NULL);
            if (step->check && atomic_load_explicit(&p->stopped, memory_order_relaxed))
                return;
        }
        if (timed && part == 0 && s > 0) {
            double time = ph_clock();
            p->timing->spent[s - 1] += time - began;
            began = time;
        }
        if (!step->serial || part == 0)
            run_step(p, step, part);
    }
    if (timed && part == 0 && p->step_count)
        p->timing->spent[p->step_count - 1] += ph_clock() - began;
}

static void run_steps(void *context, int part, int parts)
{
    (void)parts;
    walk(context, part, false);
}

static void run_timed(void *context, int part, int parts)
{
    (void)parts;
    walk(context, part, true);
}

ph_status ph_program_run(ph_program *p, const size_t *rows, const void *const *bound)
{
    for (int s = 1; s <= p->graph->set_count; s++) {
        if (rows[s] > p->max_rows[s])
            return ph_fail(PH_USAGE, "a program for at most %zu rows was run with %zu",
                           p->max_rows[s], rows[s]);
        p->rows[s] = rows[s];
    }
    for (int i = 0; i < p->feed_count; i++)
        p->value[p->feed[i]->id].data = (real *)bound[i];
    for (ph_variable *v = p->graph->variable; v; v = v->next)
        if (v->kind == PH_VARIABLE_INVERSE_ROWS)
            v->data[0] = (real)(1.0 / (double)p->rows[v->slot]);
    p->parts = ph_team_parts();
    for (int s = 0; s < p->step_count; s++)
        for (int i = 0; i < p->parts; i++)
            atomic_store_explicit(&p->step[s].counter[i].next, 0, memory_order_relaxed);
    atomic_store_explicit(&p->stopped, false, memory_order_relaxed);
    ph_team_run(p->timing ? run_timed : run_steps, p);
    if (atomic_load_explicit(&p->stopped, memory_order_relaxed))
        return ph_fail(PH_DIVERGED, "the loss is not a finite number");
    return PH_OK;
}

const real *ph_program_output(const ph_program *p, int i)
{
    return p->value[p->root[p->output[i]->id]->id].data;
}
