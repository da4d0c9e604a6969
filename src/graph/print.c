/* print.c - a compiled program for reading: each call, the formulas of its group, shapes, bytes and
 * arithmetic. */
#include "graph/program.h"

#include <ctype.h>
#include <string.h>

static const char *name_of(const ph_program *p, const ph_call *call, const ph_node *n, char buffer[128])
{
    n = p->root[n->id];
    const ph_variable *v = n->variable;
    if (v && v->kind == PH_VARIABLE_CONSTANT && v->size == 1)
        snprintf(buffer, 128, "%g", (double)v->data[0]);
    else if (v)
        snprintf(buffer, 128, "%s", v->name);
    else if (call && n == call->node)
        snprintf(buffer, 128, "tile");
    else
        snprintf(buffer, 128, "v%d", n->id);
    return buffer;
}

/* The formula with operands and attributes in the place of single letters. */
static void print_formula(const ph_program *p, const ph_call *call, const ph_node *n, FILE *to)
{
    const char *f = n->op->formula ? n->op->formula : n->op->name;
    for (const char *at = f; *at; at++) {
        bool alone = (at == f || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')) &&
                     !(isalnum((unsigned char)at[1]) || at[1] == '_');
        char buffer[128];
        if (alone && *at >= 'a' && *at <= 'e' && *at - 'a' < n->input_count)
            fputs(name_of(p, call, n->input[*at - 'a'], buffer), to);
        else if (alone && *at >= 'p' && *at <= 'r')
            fprintf(to, "%.7g", (double)n->attribute[*at - 'p']);
        else
            fputc(*at, to);
    }
}

static void print_value(const ph_program *p, const ph_node *n, const char *indent, FILE *to)
{
    char shape[96];
    size_t bytes = ph_shape_size(&n->shape) *
                   (ph_is_index(n) ? sizeof(uint32_t) : sizeof(real));
    fprintf(to, "%s%s, %zu bytes%s", indent, ph_shape_text(&n->shape, shape), bytes,
            n->shape.set ? " a row" : "");
    if (p->value[n->id].stored)
        fprintf(to, ", at %zu", p->value[n->id].offset * sizeof(real));
    fputc('\n', to);
}

static void print_group(const ph_program *p, const ph_call *call, FILE *to)
{
    for (int i = 0; i < call->group.node_count; i++) {
        const ph_node *n = call->group.node[i];
        char buffer[128];
        if (n->op->flags & PH_OP_ASSIGN) {
            fprintf(to, "      %s := ", name_of(p, NULL, n->input[0], buffer));
            fprintf(to, "%s\n", name_of(p, call, n->input[1], buffer));
            continue;
        }
        fprintf(to, "      %s = ", name_of(p, NULL, n, buffer));
        print_formula(p, call, n, to);
        if (p->value[n->id].stored)
            print_value(p, n, "   -> memory: ", to);
        else
            fputc('\n', to);
    }
}

static const char *where(const ph_program *p, const ph_call *call)
{
    for (int s = 0; s < p->step_count; s++)
        if (p->step[s].call == call)
            return p->step[s].serial ? "one thread" : "all threads";
    return "";
}

static double group_flops(const ph_call *call)
{
    double each = 0;
    for (int i = 0; i < call->group.node_count; i++)
        each += !(call->group.node[i]->op->flags & PH_OP_ASSIGN);
    return each * (double)ph_shape_size(&call->group.domain);
}

double ph_program_flops(const ph_program *p, size_t rows)
{
    double sum = 0;
    for (int c = 0; c < p->call_count; c++) {
        const ph_node *n = p->call[c]->node;
        if (n && n->op->flops) {
            bool per_row = n->shape.set || n->input[0]->shape.set;
            sum += n->op->flops(n) * (per_row ? (double)rows : 1);
        }
    }
    return sum;
}

void ph_program_print(const ph_program *p, FILE *to)
{
    size_t barriers = 0;
    for (int s = 0; s < p->step_count; s++)
        barriers += p->step[s].barrier;
    fprintf(to, "%d calls in %d steps, %zu barriers; %zu bytes for up to %zu rows; "
            "%.6g operations a row in products\n",
            p->call_count, p->step_count, barriers, p->arena_size * sizeof(real), p->max_rows[1],
            ph_program_flops(p, 1));
    for (int c = 0; c < p->call_count; c++) {
        const ph_call *call = p->call[c];
        char a[128], shape[96];
        fprintf(to, "%4d  ", c + 1);
        if (call->op) {
            fprintf(to, "%s(", call->op->name);
            for (int i = 0; i < call->node->input_count; i++)
                fprintf(to, "%s%s", i ? ", " : "", name_of(p, NULL, call->node->input[i], a));
            fprintf(to, "%s) -> %s", call->node->flag ? " transposed" : "",
                    ph_shape_text(&call->node->shape, shape));
            if (call->op->flops)
                fprintf(to, ", %.6g operations%s", call->op->flops(call->node),
                        call->node->shape.set || call->node->input[0]->shape.set ? " a row" : "");
            if (call->stored)
                print_value(p, call->node, "   -> memory: ", to);
            else
                fputc('\n', to);
        } else {
            fprintf(to, "group over %s, %s, %.6g operations%s\n",
                    ph_shape_text(&call->group.domain, shape), where(p, call), group_flops(call),
                    call->group.domain.set ? " a row" : "");
        }
        print_group(p, call, to);
    }
}
