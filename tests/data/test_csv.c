/* test_csv.c - tables as text: how they may be written, what is made of their columns, and what is
 * wrong with them. A set is compared as a text of its own, see `told`. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "data/data.h"
#include "scratch.h"

static void write_file(const char *name, const char *bytes, size_t count)
{
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".gz") == 0) {
        gzFile f = gzopen(in_folder(name), "wb1");
        assert_int_equal(gzwrite(f, bytes, (unsigned)count), (int)count);
        gzclose(f);
        return;
    }
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, count, f), count);
    fclose(f);
}

/* The set as "columns|id=numbers/label|...": a,b|r1=1 2/0|r2=3 4/1 */
static char *told(const ph_data *d, char text[4096])
{
    ph_data_info info;
    ph_data_describe(d, &info);
    size_t n = 0;
    text[0] = '\0';
#define TELL(...) n += (size_t)snprintf(text + n, n < 4096 ? 4096 - n : 0, __VA_ARGS__)
    for (size_t c = 0; c < info.width && ph_data_column(d, c); c++)
        TELL("%s%s", c ? "," : "", ph_data_column(d, c));
    for (size_t r = 0; r < info.rows && n < 4000; r++) {
        real row[32];
        assert_true(info.width <= 32);
        assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
        TELL("|");
        if (ph_data_id(d, r))
            TELL("%s=", ph_data_id(d, r));
        for (size_t c = 0; c < info.width; c++)
            TELL(isnan(row[c]) ? "%s?" : "%s%.7g", c ? " " : "", (double)row[c]);
        if (ph_data_labels(d))
            TELL("/%u", ph_data_labels(d)[r]);
    }
    if (info.left_out)
        TELL("|without %s", info.left_out);
#undef TELL
    return text;
}

typedef struct table {
    const char *text, *told;   /* told: of a set, or a part of the message */
    ph_data_desc desc;
} table;

static void assert_told(const char *name, const table *t)
{
    char text[4096];
    ph_data *d = ph_data_open(in_folder(name), &t->desc);
    if (d == NULL)
        fail_msg("%s\n%s", t->text, ph_message());
    if (strcmp(told(d, text), t->told) != 0)
        fail_msg("%s\n%s\nis not\n%s", t->text, text, t->told);
    ph_data_close(d);
}

static void assert_refused(const char *name, ph_status status, const char *says,
                           const ph_data_desc *desc)
{
    ph_data *d = ph_data_open(in_folder(name), desc);
    if (d)
        fail_msg("%s was read, and not refused with '%s'", name, says);
    assert_null(d);
    if (strstr(ph_message(), says) == NULL || strstr(ph_message(), name) == NULL ||
        strchr(ph_message(), '\n'))
        fail_msg("'%s' does not say '%s' of %s in one line", ph_message(), says, name);
    assert_int_equal(ph_last_status(), status);
}

/* Each as a file, gzipped, and with a limit of memory that brings the numbers to a file. */
static void assert_all_told(const table *tables, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        table t = tables[i];
        write_file("t.csv", t.text, strlen(t.text));
        assert_told("t.csv", &t);
        t.desc.memory_limit = 1;
        assert_told("t.csv", &t);
        write_file("t.csv.gz", t.text, strlen(t.text));
        assert_told("t.csv.gz", &t);
    }
}
#define ALL_TOLD(tables) assert_all_told(tables, sizeof tables / sizeof tables[0])

static void separators(void **state)
{
    (void)state;
    static const table tables[] = {
        { .text = "1,2\n3,4\n", .told = "|1 2|3 4" },
        { .text = "1,2\n3,4", .told = "|1 2|3 4" },
        { .text = "1,2\r\n3,4\r\n", .told = "|1 2|3 4" },
        { .text = "\xef\xbb\xbf" "a,b\n3,4\n", .told = "a,b|3 4" },
        { .text = "\xef\xbb\xbf" "\"a\",\"b\"\r\n3,4\r\n", .told = "a,b|3 4" },
        { .text = "1;2\n3;4\n", .told = "|1 2|3 4" },
        { .text = "1|2\n3|4\n", .told = "|1 2|3 4" },
        { .text = "1\t2\n3\t4\n", .told = "|1 2|3 4" },
        { .text = "1 2\n3 4\n", .told = "|1 2|3 4" },
        { .text = "  1   2\n 3\t \t4  \n", .told = "|1 2|3 4" },
        { .text = " a b\n  1   2\n 33  4\n", .told = "a,b|1 2|33 4" },
        { .text = " 1 , 2 \n\t3\t,  4\t\n", .told = "|1 2|3 4" },
        { .text = "1\t 2 \n3 \t4\n", .told = "|1 2|3 4" },
        { .text = "\n\n1,2\n\n  \n3,4\n\r\n\n", .told = "|1 2|3 4" },
        { .text = "a\tb\n\t\n1\t2\n   \n", .told = "a,b|? ?|1 2" },
        { .text = "5\n6\n", .told = "|5|6" },
        { .text = "x\n5\n\n6\n", .told = "x|5|6" },
        { .text = "my x\n5\n6\n", .told = "my x|5|6" },
        { .text = "1,2,3\n", .told = "|1 2 3" },
        { .text = "1;2,5;3\n", .told = "|1 2.5 3" },
        { .text = "7", .told = "|7" },
        { .text = "1;2\n3;4\n", .told = "|1 2|3 4", { .separator = "semicolon" } },
        { .text = "1,2|3,4\n5,6|7,8\n", .told = "|1.2 3.4|5.6 7.8", { .separator = "bar" } },
        { .text = "1,2 3,4\n5,6 7,8\n", .told = "|1.2 3.4|5.6 7.8", { .separator = "blank" } },
        /* Trailing separators. */
        { .text = "1,2,\n3,4,\n", .told = "|1 2|3 4" },
        { .text = "a,b,\n1,2,\n3,4,\n", .told = "a,b|1 2|3 4" },
        { .text = "a,b\n1,2,\n3,4,\n", .told = "a,b|1 2|3 4" },
        { .text = "1;2;\r\n3;4;\r\n", .told = "|1 2|3 4" },
        { .text = ",1,2\n,3,4\n", .told = "|? 1 2|? 3 4" },
    };
    ALL_TOLD(tables);
}

static void decimals(void **state)
{
    (void)state;
    static const table tables[] = {
        { .text = "1,5;2\n-3,25;4\n", .told = "|1.5 2|-3.25 4" },
        { .text = "1,5\t2,125\n3,5\t4,5\n", .told = "|1.5 2.125|3.5 4.5" },
        { .text = "a;b\n0,123;1,234\n", .told = "a,b|0.123 1.234" },
        { .text = "1234,123;5\n1,5;6\n", .told = "|1234.123 5|1.5 6" },
        { .text = "\"1,5\",\"2,5\"\n\"3,5\",\"4,5\"\n", .told = "|1.5 2.5|3.5 4.5", { 0 } },
        { .text = "a,b\n\"1,5\",2\n\"3,5\",4\n", .told = "a,b|1.5 2|3.5 4", { 0 } },
        { .text = "\"1,5\",\"2,5\"\n\"3,5\",\"4,5\"\n", .told = "|1.5 2.5|3.5 4.5", { .decimal = "comma" } },
        { .text = "1,234;2,345\n3,456;4,567\n", .told = "|1.234 2.345|3.456 4.567", { .decimal = "comma" } },
        { .text = "1,5\n2,5\n", .told = "|1.5|2.5", { .separator = "semicolon" } },
        { .text = "1,2\n2,3\n", .told = "|1 2|2 3" },
        { .text = "1.5;2.5\n3;4\n", .told = "|1.5 2.5|3 4" },
        { .text = "1e3,-2.5E-1\n+.5,5.\n", .told = "|1000 -0.25|0.5 5" },
        { .text = "inf,-Infinity\n+INF,1\n", .told = "|inf -inf|inf 1" },
        { .text = "1,NA,3\n,nan,NULL\n?,n/a,-\n.,None,missing\n#N/A,2,3\n",
          .told = "|1 ? 3|? ? ?|? ? ?|? ? ?|? 2 3" },
    };
    ALL_TOLD(tables);
    static const struct { const char *text; } unclear[] = {
        { "1,234;5,678\n2,345;3,456\n" }, { "a\tb\n1,234\t5\n-2,000\t7\n" }, { "x y\n12,345 1\n" } };
    for (size_t i = 0; i < 3; i++) {
        write_file("u.csv", unclear[i].text, strlen(unclear[i].text));
        assert_refused("u.csv", PH_USAGE, "--decimal", NULL);
    }
}

static void quotes(void **state)
{
    (void)state;
    static const table tables[] = {
        { .text = "\"1\",\"2\"\n\"3\",\"4\"\n", .told = "|1 2|3 4" },
        { .text = "n,x\n\"a,b\",1\n\"c\nd\",2\n\"e\"\"f\",3\n\"\",4\n", .told = "x|a,b=1|c\nd=2|e\"f=3|=4" },
        { .text = "n,x\n\"a\r\nb\",1\r\nc,2\r\n", .told = "x|a\r\nb=1|c=2" },
        { .text = "n;x\n \"a;b\" ; 1\n\"\"\"c\"\"\";2\n", .told = "x|a;b=1|\"c\"=2" },
        { .text = "n\tx\n\"a\tb\"\t1\nc\t2\n", .told = "x|a\tb=1|c=2" },
        { .text = "n x\n\"a b\" 1\n\"c  d\"   2\n", .told = "x|a b=1|c  d=2" },
        { .text = "n,x\na\"b,1\n5\" pipe,2\n", .told = "x|a\"b=1|5\" pipe=2" },
        { .text = "n,x\nit's,1\n'q',2\n", .told = "x|it's=1|'q'=2" },
        { .text = "\"a, 1\",\"b\n2\"\n1,2\n", .told = "a, 1,b\n2|1 2" },
    };
    ALL_TOLD(tables);
}

static void headers(void **state)
{
    (void)state;
    static const table tables[] = {
        { .text = "1990,1991\n1,2\n", .told = "|1990 1991|1 2" },
        { .text = "1990,1991\n1,2\n", .told = "1990,1991|1 2", { .header = "yes" } },
        { .text = "id,1990,1991\n7,1,2\n", .told = "id,1990,1991|7 1 2" },
        { .text = "5,unknown,3\n4,3,2\n", .told = "5,unknown,3|4 3 2", { .header = "yes" } },
        { .text = ",0,1\n0,.5,.25\n1,2,3\n", .told = "0,1|0=0.5 0.25|1=2 3" },
        { .text = ",0,1\nx,.5,.25\ny,2,3\n", .told = "0,1|x=0.5 0.25|y=2 3" },
        { .text = ",a,b\n0,.5,.25\n1,2,3\n", .told = "a,b|0=0.5 0.25|1=2 3" },
        { .text = ",a,b\n0,.5,.25\n1,2,3\n", .told = ",a,b|0 0.5 0.25|1 2 3", { .id_column = "none" } },
        { .text = ",0.5,1\n0,.5,.25\n", .told = "|? 0.5 1|0 0.5 0.25" },
        { .text = "\"a\" \"b\"\n\"1\" 5 6\n\"2\" 7 8\n", .told = "a,b|1=5 6|2=7 8" },
        { .text = "a b\nx 5 6\ny 7 8\n", .told = "a,b|x=5 6|y=7 8" },
        { .text = "NaN,NA\n1,2\n", .told = "|? ?|1 2" },
        { .text = "a,a\n1,2\n", .told = "a,a|1 2" },
        { .text = "a,,c\n1,2,3\n", .told = "a,,c|1 2 3" },
        { .text = "a,,c\n1,,3\n", .told = "a,c|1 3" },
        { .text = "a,b,c\n1,,3\n", .told = "a,b,c|1 ? 3" },
    };
    ALL_TOLD(tables);
}

static void columns(void **state)
{
    (void)state;
#define IRIS "n,a,b,kind\nr1,1,2,x\nr2,3,4,y\nr3,5,6,x\n"
    static const table tables[] = {
        { .text = IRIS, .told = "a,b|r1=1 2/0|r2=3 4/1|r3=5 6/0", { .label_column = "kind" } },
        { .text = IRIS, .told = "a,b|r1=1 2/0|r2=3 4/1|r3=5 6/0", { .label_column = "4" } },
        { .text = IRIS, .told = "a,b|r1=1 2|r2=3 4|r3=5 6", { .drop_columns = "kind" } },
        { .text = IRIS, .told = "a|r1=1|r2=3|r3=5", { .drop_columns = "4,b" } },
        { .text = IRIS, .told = "a,b|r1=1 2|r2=3 4|r3=5 6|without kind", { .text_columns = "drop" } },
        { .text = IRIS, .told = "a,b|1 2|3 4|5 6|without n,kind",
          { .text_columns = "drop", .id_column = "none" } },
        { .text = IRIS, .told = "a,b|x=1 2/0|y=3 4/1|x=5 6/2", { .id_column = "kind", .label_column = "n" } },
        { .text = IRIS, .told = "b|1=2|3=4|5=6", { .id_column = "a", .drop_columns = "n,kind" } },
        { .text = IRIS, .told = "b,a|r1=2 1|r2=4 3|r3=6 5", { .columns = "b,a" } },
        { .text = IRIS, .told = "b,a|r1=2 1|r2=4 3|r3=6 5", { .columns = "3,2" } },
        { .text = IRIS, .told = "b|r1=2/0|r2=4/1|r3=6/0", { .columns = "b", .label_column = "kind" } },
        /* A label or a name within the list leaves no gap in the rows. */
        { .text = IRIS, .told = "b|r1=2/1|r2=4/3|r3=6/5", { .columns = "a,b", .label_column = "a" } },
        { .text = IRIS, .told = "b|1=2|3=4|5=6", { .columns = "a,b", .id_column = "a" } },
        { .text = IRIS, .told = "b|r1=2|r2=4|r3=6", { .columns = "a,b", .drop_columns = "a" } },
        { .text = "\"a,b\",\"c\"\"d\"\n1,2\n", .told = "c\"d,a,b|2 1", { .columns = "\"c\"\"d\",\"a,b\"" } },
        { .text = "1,2,3\n4,5,6\n", .told = "|3 1|6 4", { .columns = "3,1" } },
        { .text = "a,a,b\n1,2,3\n", .told = "a,b|2 3", { .columns = "2,b" } },
        { .text = "a,l\n1,-1\n2,1\n3,-1\n", .told = "a|1/0|2/1|3/0", { .label_column = "l" } },
        { .text = "a,l\n1,x\n2,\n3,w\n", .told = "a|1/1|2/4294967295|3/0", { .label_column = "l" } },
        { .text = "a,l\n1,\n2,3\n", .told = "a|1/4294967295|2/3", { .label_column = "l" } },
        { .text = "a,l\n1,7\n2,3\n", .told = "a|1/7|2/3", { .label_column = "l" } },
        { .text = "a,l\n1,10\n2,9.5\n3,1e1\n", .told = "a|1/1|2/0|3/1", { .label_column = "l" } },
        { .text = "\"a b\",c\n1,2\n", .told = "c|2", { .drop_columns = " a b " } },
    };
    ALL_TOLD(tables);
    write_file("t.csv", IRIS, strlen(IRIS));
    ph_data *d = ph_data_open(in_folder("t.csv"), &(ph_data_desc){ .label_column = "kind" });
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_string_equal(ph_data_class(d, 0), "x");
    assert_string_equal(ph_data_class(d, 1), "y");
    assert_null(ph_data_class(d, 2));
    assert_string_equal(info.id_column, "n");
    assert_int_equal(info.classes, 2);
    assert_string_equal(info.format, "CSV");
    ph_data *part = ph_data_slice(d, 1, 2);
    assert_string_equal(told(part, (char[4096]){ 0 }), "a,b|r2=3 4/1|r3=5 6/0");
    ph_data_close(part);
    ph_data_close(d);
}

typedef struct wrong {
    const char *text, *says;
    ph_status status;
    ph_data_desc desc;
} wrong;

static void damage(void **state)
{
    (void)state;
    static const wrong cases[] = {
        { "", "it is empty", PH_DATA, { 0 } },
        { "\n\n \n", "it is empty", PH_DATA, { 0 } },
        { "\xef\xbb\xbf", "it is empty", PH_DATA, { 0 } },
        { "a,b\n", "there are no rows", PH_DATA, { 0 } },
        { "a,b", "there are no rows", PH_DATA, { 0 } },
        { "1,2\n3\n", "line 2: 1 fields, where the first line has 2", PH_DATA, { .separator = "comma" } },
        { "a,b\n1,2\n3,4\n3,4,5\n7,8\n", "line 4: 3 fields, where the header has 2", PH_DATA, { 0 } },
        { "a;b\n1;2\n3;4\n5\n7;8\n", "line 4: 1 fields, where the header has 2", PH_DATA, { 0 } },
        { "a,b\n\"x\ny\",2\nz,4\nw\nu,8\n", "line 5: 1 fields", PH_DATA, { 0 } },
        { "1,2\n3,x\n", "line 2, column 2: 'x' is not a number", PH_DATA, { 0 } },
        { "a,b\n1,2\n\n3,1.2.3\n", "line 4, column 2 ('b'): '1.2.3' is not a number", PH_DATA, { 0 } },
        { "a,b\n1,x\n3,y\n", "column 2 ('b') holds text ('x' in line 2)", PH_USAGE, { 0 } },
        { "a,b,c,d\n1,x,1,u v\n3,y,2,z\n", "--drop-columns 'b,d'", PH_USAGE, { 0 } },
        { "x\ny\nz\n", "holds text", PH_USAGE, { 0 } },
        { "n,b\nx,z\ny,w\n", "holds text", PH_USAGE, { 0 } },
        { "n,b\nx,z\ny,w\n", "no column of numbers", PH_USAGE, { .text_columns = "drop" } },
        { "a,b\n1,\"2\n3,4\n", "a quoted field has no end", PH_DATA, { 0 } },
        { "a,b\n1,\"2\"x\n3,4\n", "line 2: 'x' follows the end of the quoted field '2'", PH_DATA, { 0 } },
        { "1,2\r3,4\r", "carriage returns", PH_DATA, { 0 } },
        { "a,a\n1,2\n", "two columns are called 'a' (1 and 2)", PH_USAGE, { .columns = "a" } },
        { "alpha,b\n1,2\n", "did you mean 'alpha'", PH_USAGE, { .columns = "alhpa" } },
        { "a,b\n1,2\n", "no column 'z'", PH_USAGE, { .label_column = "z" } },
        { "a,b\n1,2\n", "column 3 of 2", PH_USAGE, { .id_column = "3" } },
        { "a,b\n1,2\n", "column 0 of 2", PH_USAGE, { .drop_columns = "0" } },
        { "1,2\n3,4\n", "columns go by number", PH_USAGE, { .columns = "a" } },
        { "a,b\n1,2\n", "twice", PH_USAGE, { .columns = "a,b,a" } },
        { "a,b\n1,2\n", "no column of numbers", PH_USAGE, { .drop_columns = "a,b" } },
        { "a,l\n1,\n2,\n", "no row has a label", PH_DATA, { .label_column = "l" } },
        { "a,l\nx,1\ny,2\n", "holds text ('x' in line 2)", PH_USAGE, { .columns = "a" } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("bad.csv", cases[i].text, strlen(cases[i].text));
        assert_refused("bad.csv", cases[i].status, cases[i].says, &cases[i].desc);
    }
    static const struct { const char *bytes; size_t count; const char *says; } binary[] = {
        { "1,2\n3\0,4\n", 9, "zero bytes" },
        { "\xff\xfe" "1\0,\0", 6, "UTF-16" },
        { "\xfe\xff" "\0001\0,", 6, "UTF-16" },
        { "1\0,\0002\0\n\0", 8, "zero bytes" },
    };
    for (size_t i = 0; i < sizeof binary / sizeof binary[0]; i++) {
        write_file("bad.csv", binary[i].bytes, binary[i].count);
        assert_refused("bad.csv", PH_DATA, binary[i].says, NULL);
    }
    write_file("bad.csv", "a,b\n1,2\n", 8);
    assert_null(ph_data_open(in_folder("bad.csv"), &(ph_data_desc){ .columns = "\"a" }));
    assert_non_null(strstr(ph_message(), "the list of columns"));
    assert_refused("none.csv", PH_USAGE, "no such file", NULL);
}

/* Damage far behind the first lines, by which the table's layout is known. */
static void damage_far_behind(void **state)
{
    (void)state;
    static const struct { const char *line, *says; } lines[] = {
        { "1,x,3,", "line 90001, column 2 ('b'): 'x' is not a number" },
        { "1,2,3,4", "line 90001, column 4: '4', where the first lines have nothing" },
        { "1,2,3", "line 90001: 3 fields, where the header has 4" },
        { "1,2,3,,", "line 90001: 5 fields" },
        { "1,\"2,3,", "line 90001: a quoted field has no end" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        FILE *f = fopen(in_folder("far.csv"), "w");
        fputs("a,b,c,\n", f);
        for (int r = 1; r < 100000; r++)
            fprintf(f, r == 90000 ? "%s\n" : "100,2000,30000,\n", lines[i].line);
        fclose(f);
        assert_refused("far.csv", PH_DATA, lines[i].says, NULL);
    }
    FILE *f = fopen(in_folder("far.csv"), "r+");
    fseek(f, 1400000, SEEK_SET);
    fputc(0, f);
    fclose(f);
    assert_refused("far.csv", PH_DATA, "zero bytes", NULL);
}

/* Whatever is left of a file, it is read or refused in one line; the same with any byte replaced. */
static void any_damage(void **state)
{
    (void)state;
    static const char whole[] = "\xef\xbb\xbf" "id,\"x, 1\",y;,l\r\n\"a\"\"b\",1.5, -2e3 ,k\n"
                                "\"c\nd\",NA,.25,\"m\"\n\n'e,3,\"4\",k\n";
    static const char odd[] = "\"\n\r,; \t|1a.-\xff\xef";
    const ph_data_desc desc = { .label_column = "l" }, plain = { .text_columns = "drop" };
    char text[sizeof whole];
    for (size_t cut = 0; cut < sizeof whole; cut++)
        for (size_t o = 0; o < sizeof odd; o++) {
            memcpy(text, whole, sizeof whole);
            text[cut] = odd[o];
            size_t size = o + 1 < sizeof odd ? sizeof whole - 1 : cut;
            for (int p = 0; p < 2; p++) {
                write_file("any.csv", text, size);
                ph_data *d = ph_data_open(in_folder("any.csv"), p ? &plain : &desc);
                if (d == NULL && (strchr(ph_message(), '\n') || !strstr(ph_message(), "any.csv")))
                    fail_msg("not one line that names the file: %s", ph_message());
                ph_data_close(d);
            }
        }
    /* Every cut of a gzipped table. */
    write_file("any.csv.gz", whole, sizeof whole - 1);
    FILE *f = fopen(in_folder("any.csv.gz"), "rb");
    char packed[512];
    size_t size = fread(packed, 1, sizeof packed, f);
    fclose(f);
    for (size_t cut = 2; cut < size; cut++) {
        FILE *out = fopen(in_folder("cut.csv.gz"), "wb");
        fwrite(packed, 1, cut, out);
        fclose(out);
        assert_refused("cut.csv.gz", PH_DATA, "", &desc);
    }
}

/* Lines of prime length, pushed on by one byte from file to file: the edge of the buffer falls on every
 * place of a line, within quotes, before and behind them. */
static void edges_of_the_buffer(void **state)
{
    (void)state;
    enum { LINE = 31, ROWS = (1 << 20) / LINE + 60 };
    char *text = malloc(2 * LINE + ROWS * LINE + 64);
    for (int shift = 0; shift <= LINE; shift++) {
        size_t n = (size_t)sprintf(text, "%*sn,x,y,z\n", shift, "");
        for (int r = 0; r < ROWS; r++) {
            sprintf(text + n, "\"%06d\n\"\"\",%06d,-%.4f,\"5\"\n", r, r, r % 1000 / 1000.0);
            n += LINE;
        }
        write_file("edge.csv", text, n);
        ph_data *d = ph_data_open(in_folder("edge.csv"), NULL);
        if (d == NULL)
            fail_msg("shift %d: %s", shift, ph_message());
        assert_int_equal(d->rows, ROWS);
        assert_int_equal(d->width, 3);
        for (size_t r = 0; r < ROWS; r++) {
            const real *row = (const real *)d->store.memory + 3 * r;
            char id[16];
            sprintf(id, "%06d\n\"", (int)r);
            if (row[0] != (real)r || row[1] != (real)-(r % 1000 / 1000.0) || row[2] != 5 ||
                strcmp(ph_data_id(d, r), id) != 0)
                fail_msg("shift %d, row %zu: %g %g %g", shift, r, (double)row[0], (double)row[1],
                         (double)row[2]);
        }
        ph_data_close(d);
    }
    free(text);
}

static void many_lines(void **state)
{
    (void)state;
    enum { ROWS = 3000000 };
    char *text = malloc((size_t)ROWS * 8), *at = text;
    for (int r = 0; r < ROWS; r++) {
        int low = r % 1000;
        *at++ = (char)('0' + low / 100);
        *at++ = (char)('0' + low / 10 % 10);
        *at++ = (char)('0' + low % 10);
        *at++ = '\n';
    }
    size_t size = (size_t)(at - text);
    write_file("many.csv", text, size);
    write_file("many.csv.gz", text, size);
    static const char *const names[] = { "many.csv", "many.csv.gz" };
    for (int i = 0; i < 2; i++) {
        ph_data *d = ph_data_open(in_folder(names[i]), NULL);
        assert_non_null(d);
        assert_int_equal(d->rows, ROWS);
        for (size_t r = 0; r < ROWS; r++)
            assert_true(((const real *)d->store.memory)[r] == (real)(r % 1000));
        ph_data_close(d);
    }
    FILE *f = fopen(in_folder("many.csv.gz"), "rb");
    size_t packed = fread(text, 1, size, f);
    fclose(f);
    f = fopen(in_folder("cut.csv.gz"), "wb");
    fwrite(text, 1, packed - 100, f);
    fclose(f);
    assert_refused("cut.csv.gz", PH_DATA, "cut off", NULL);
    text[packed / 2] ^= 1;
    f = fopen(in_folder("bad.csv.gz"), "wb");
    fwrite(text, 1, packed, f);
    fclose(f);
    assert_refused("bad.csv.gz", PH_DATA, "", NULL);
    free(text);
}

static void wide_and_long(void **state)
{
    (void)state;
    enum { WIDTH = 10000, LONG = 100000000 };
    char *text = malloc(LONG + 1), *at = text;
    for (int c = 0; c < WIDTH; c++)
        at += sprintf(at, "%sgene %d", c ? "," : "", c);
    for (int r = 0; r < 20; r++)
        for (int c = 0; c < WIDTH; c++)
            at += sprintf(at, "%c%d.%d", c ? ',' : '\n', c, r);
    write_file("wide.csv", text, (size_t)(at - text));
    char *list = text, *end = list;
    for (int c = WIDTH; c-- > 0;)
        end += sprintf(end, "%sgene %d", c + 1 < WIDTH ? "," : "", c);
    for (int turned = 0; turned < 2; turned++) {
        ph_data *d = ph_data_open(in_folder("wide.csv"), &(ph_data_desc){ .columns = turned ? list : NULL });
        if (d == NULL)
            fail_msg("%s", ph_message());
        assert_int_equal(d->width, WIDTH);
        assert_int_equal(d->rows, 20);
        assert_string_equal(ph_data_column(d, WIDTH - 1), turned ? "gene 0" : "gene 9999");
        const real *row = (const real *)d->store.memory + 5 * WIDTH;
        for (int c = 0; c < WIDTH; c++)
            assert_true(fabs((double)row[turned ? WIDTH - 1 - c : c] - (c + 0.5)) < 1e-3);
        ph_data_close(d);
    }
    /* A hundred megabytes without a line end: fields, and text. */
    for (size_t i = 0; i < LONG; i += 2)
        memcpy(text + i, "1,", 2);
    write_file("long.csv", text, LONG);
    assert_refused("long.csv", PH_DATA, "line 1: more than 1000000 fields", NULL);
    memset(text, 'x', LONG);
    memcpy(text, "a,b\n1,2\n3,", 10);
    write_file("long.csv", text, LONG);
    assert_refused("long.csv", PH_DATA, "line 3, column 2 ('b'): 'xxxxx", NULL);
    unlink(in_folder("long.csv"));
    free(text);
}

/* The sample ends within a quoted field: the separator is found all the same. */
static void sample_that_ends_in_quotes(void **state)
{
    (void)state;
    size_t room = 3 << 20, n;
    char *text = malloc(room + 64);
    n = (size_t)sprintf(text, "name;x\n");
    for (int r = 0; n < room - 300000; r++) {
        n += (size_t)sprintf(text + n, "\"");
        for (int k = 0; k < 20000; k++)
            n += (size_t)sprintf(text + n, "text, \n");
        n += (size_t)sprintf(text + n, "\";%d,5\n", r);
    }
    write_file("quoted.csv", text, n);
    ph_data *d = ph_data_open(in_folder("quoted.csv"), NULL);
    if (d == NULL)
        fail_msg("%s", ph_message());
    assert_int_equal(d->width, 1);
    assert_true(((const real *)d->store.memory)[7] == (real)7.5);
    ph_data_close(d);
    free(text);
}

static void known_by_content(void **state)
{
    (void)state;
    static const table t = { .text = "alpha;beta\n1;2\n", .told = "alpha,beta|1 2" };
    static const char *const names[] = { "table", "table.gz", "table.tsv", "table.TXT", "table.dat.gz" };
    for (size_t i = 0; i < 5; i++) {
        write_file(names[i], t.text, strlen(t.text));
        assert_told(names[i], &t);
    }
    write_file("named.npy", t.text, strlen(t.text));
    assert_refused("named.npy", PH_DATA, "magic", NULL);
    assert_told("named.npy", &(table){ t.text, t.told, { .format = "csv" } });
    write_file("nothing", "", 0);
    assert_refused("nothing", PH_DATA, "it is empty", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators),          cmocka_unit_test(decimals),
        cmocka_unit_test(quotes),              cmocka_unit_test(headers),
        cmocka_unit_test(columns),             cmocka_unit_test(damage),
        cmocka_unit_test(damage_far_behind),   cmocka_unit_test(any_damage),
        cmocka_unit_test(edges_of_the_buffer), cmocka_unit_test(many_lines),
        cmocka_unit_test(wide_and_long),       cmocka_unit_test(sample_that_ends_in_quotes),
        cmocka_unit_test(known_by_content),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
