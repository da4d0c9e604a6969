/* json.c - results as JSON on standard output: one object, one line. */
#include "cli.h"

#include <math.h>

static bool first_member;

void cli_json_begin(void)
{
    putchar('{');
    first_member = true;
}

static void quoted(const char *text)
{
    putchar('"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", *text);
        else
            putchar(*text);
    putchar('"');
}

static void item(void)
{
    if (!first_member)
        putchar(',');
    first_member = false;
}

static void member(const char *name)
{
    item();
    quoted(name);
    putchar(':');
}

static void number(double value)
{
    if (isfinite(value))
        printf("%.9g", value);
    else
        fputs("null", stdout);
}

void cli_json_number(const char *name, double value)
{
    member(name);
    number(value);
}

void cli_json_text(const char *name, const char *value)
{
    member(name);
    quoted(value);
}

void cli_json_object_begin(const char *name)
{
    member(name);
    putchar('{');
    first_member = true;
}

void cli_json_object_end(void)
{
    putchar('}');
    first_member = false;
}

void cli_json_list_begin(const char *name)
{
    member(name);
    putchar('[');
    first_member = true;
}

void cli_json_item_number(double value)
{
    item();
    number(value);
}

void cli_json_item_text(const char *value)
{
    item();
    quoted(value);
}

void cli_json_list_end(void)
{
    putchar(']');
    first_member = false;
}

void cli_json_end(void)
{
    puts("}");
    fflush(stdout);
}

void cli_json_figures(const ph_figures *f)
{
    cli_json_begin();
    cli_json_object_begin("units");
    for (size_t i = 0; i < f->count; i++)
        cli_json_text(f->at[i].name, f->at[i].unit);
    cli_json_object_end();
    for (size_t i = 0; i < f->count; i++)
        cli_json_number(f->at[i].name, f->at[i].value);
    cli_json_end();
}
