/* test_series.c - tables and arrays as series: windows of their lines, what these are called, their labels, the scale
 * of each column, folders of tables, and what is refused.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data.h"
#include "data/windowed.h"
#include "data/scaling.h"
#include "scratch.h"

enum { LINES = 50, MOST = 64 };

/* What stands in line i, column c: different everywhere. */
static double number_at(size_t i, size_t c)
{
    return (double)(1000 * c) + 0.5 * (double)i;
}

/* t,c1,...,label: times of text, `columns` of numbers, and 1 from line `odd` up to that before `end`, else 0. */
static void write_table(const char *name, size_t lines, size_t columns, size_t odd, size_t end)
{
    FILE *f = fopen(in_folder(name), "w");
    assert_non_null(f);
    fputs("t", f);
    for (size_t c = 0; c < columns; c++)
        fprintf(f, ",c%zu", c + 1);
    fputs(",odd\n", f);
    for (size_t i = 0; i < lines; i++) {
        fprintf(f, "day %zu", i + 1);
        for (size_t c = 0; c < columns; c++)
            fprintf(f, ",%.17g", number_at(i, c));
        fprintf(f, ",%d\n", i >= odd && i < end);
    }
    fclose(f);
}

/* Row r is lines `begin` and on of the first piece. */
static void assert_row(const ph_data *d, size_t r, size_t begin, size_t window, size_t columns)
{
    real row[MOST * 3];
    char id[64];
    ph_excerpt at;
    assert_true(ph_data_excerpt(d, r, &at));
    assert_true(at.place[0] == begin && at.place[1] == 0 && at.channels == columns && !at.picture);
    snprintf(id, sizeof id, ":%zu-%zu", begin + 1, begin + window);
    assert_non_null(strstr(ph_data_id(d, r), id));
    assert_int_equal(ph_data_read(d, &r, 1, row), PH_OK);
    for (size_t i = 0; i < window * columns; i++)
        assert_true(row[i] == (real)number_at(begin + i / columns, i % columns));
}

/* By 8 of 50 lines, in memory and from a file of numbers: the last window lies flush with the end. */
static void windows_of_lines(void **state)
{
    (void)state;
    for (size_t columns = 1; columns <= 3; columns++)
        for (size_t limit = 1; limit <= 1000000; limit *= 1000) {
            write_table("t.csv", LINES, columns, 0, 0);
            ph_data *d = opened("t.csv", &(ph_data_desc){ .window = "8", .hop = "5", .label_column = "odd",
                                                          .memory_limit = limit });
            ph_data_info info;
            ph_data_describe(d, &info);
            assert_true(info.table && info.pieces == 1 && info.rows == 10 && info.width == 8 * columns);
            assert_true(columns == 1 ? info.rank == 1 : info.rank == 3 && info.shape[0] == 1 && info.shape[1] == 8 &&
                                                            info.shape[2] == columns);
            assert_string_equal(info.window, "8");
            assert_string_equal(info.hop, "5");
            for (size_t r = 0; r < info.rows; r++)
                assert_row(d, r, r < 9 ? 5 * r : LINES - 8, 8, columns);
            static const char *const last[] = { "c1", "c2", "c3" };
            assert_string_equal(ph_data_column(d, 2 * columns - 1), last[columns - 1]);
            assert_string_equal(ph_data_line(d, 0, LINES - 1), "day 50");
            assert_null(ph_data_line(d, 0, LINES));
            assert_null(ph_data_line(d, 1, 0));
            ph_data_close(d);
        }
}

static void a_window_of_any_size(void **state)
{
    (void)state;
    static const struct { const char *window; size_t size, rows; } cuts[] = {
        { "1", 1, 50 }, { "2", 2, 49 }, { "49", 49, 2 }, { "50", 50, 1 } };
    write_table("t.csv", LINES, 1, 0, 0);
    for (size_t k = 0; k < sizeof cuts / sizeof cuts[0]; k++) {
        ph_data *d = opened("t.csv", &(ph_data_desc){ .window = cuts[k].window, .label_column = "odd" });
        size_t hop = (cuts[k].size + 1) / 2;
        assert_int_equal(d->rows, cuts[k].rows);
        for (size_t r = 0; r < d->rows; r++)
            assert_row(d, r, r * hop < LINES - cuts[k].size ? r * hop : LINES - cuts[k].size, cuts[k].size, 1);
        ph_data_close(d);
    }
    real row[52];
    ph_data *d = opened("t.csv", &(ph_data_desc){ .window = "52", .label_column = "odd" });
    assert_int_equal(d->rows, 1);
    assert_string_equal(ph_data_id(d, 0), "t.csv:1-50");
    assert_int_equal(ph_data_read(d, &(size_t){ 0 }, 1, row), PH_OK);
    for (size_t i = 0; i < 52; i++) /* it goes on by reflection */
        assert_true(row[i] == (real)number_at(i < 50 ? i : 98 - i, 0));
    ph_data_close(d);
}

/* A window is odd where any of its lines is; names are ordered, and lines without a label count neither way. */
static void labels_of_windows(void **state)
{
    (void)state;
    write_table("t.csv", LINES, 2, 12, 14);
    ph_data *d = opened("t.csv", &(ph_data_desc){ .window = "4", .hop = "1", .label_column = "odd" });
    for (size_t r = 0; r < d->rows; r++)
        assert_int_equal(ph_data_labels(d)[r], r + 4 > 12 && r < 14);
    /* Rows of one class are copies of windows, and are still known for such. */
    ph_data *usual = ph_data_pick_labels(d, "0", PH_MEMORY_LIMIT);
    ph_data_info info;
    ph_data_describe(usual, &info);
    assert_true(info.rows == 47 - 5 && info.pieces == 0 && info.table);
    assert_string_equal(info.window, "4");
    assert_int_equal(ph_data_scales(usual), 2);
    assert_false(ph_data_excerpt(usual, 0, &(ph_excerpt){ 0 }));
    real row[8];
    assert_int_equal(ph_data_read(usual, &(size_t){ 9 }, 1, row), PH_OK);
    assert_true(row[0] == (real)number_at(14, 0) && row[1] == (real)number_at(14, 1));
    ph_data_close(usual);
    ph_data_close(d);
    FILE *f = fopen(in_folder("named.csv"), "w");
    fputs("a,k\n1,run\n2,\n3,\n4,\n5,stop\n6,run\n", f);
    fclose(f);
    d = opened("named.csv", &(ph_data_desc){ .window = "2", .hop = "1", .label_column = "k" });
    static const uint32_t wanted[] = { 0, PH_NO_LABEL, PH_NO_LABEL, 1, 1 };
    for (size_t r = 0; r < 5; r++)
        assert_int_equal(ph_data_labels(d)[r], wanted[r]);
    assert_string_equal(ph_data_class(d, 1), "stop");
    ph_data_close(d);
}

/* One scale for each column, whatever the place in the window; and one mean that fills its gaps. */
static void a_scale_for_each_column(void **state)
{
    (void)state;
    write_table("t.csv", LINES, 3, 0, 0);
    ph_data *d = opened("t.csv", &(ph_data_desc){ .window = "10", .hop = "10", .label_column = "odd" });
    ph_scaling s;
    assert_int_equal(ph_scaling_fit(&s, "standardise", "mean", d), PH_OK);
    assert_true(s.width == 3 && s.columns == 3);
    double deviation = 0.5 * sqrt((LINES * LINES - 1) / 12.0); /* of 0, 0.5, ..., 24.5 */
    real rows[5 * 30], back[30];
    assert_int_equal(ph_data_read_scaled(d, &s, (size_t[]){ 0, 1, 2, 3, 4 }, 5, rows), PH_OK);
    for (size_t c = 0; c < 3; c++) {
        assert_true(fabs((double)s.shift[c] - (1000.0 * (double)c + 12.25)) < 1e-3);
        assert_true(fabs((double)s.fill[c] - (1000.0 * (double)c + 12.25)) < 1e-3);
        assert_true(fabs(1 / (double)s.scale[c] - deviation) < 1e-4);
        for (size_t i = 0; i < LINES; i++)
            assert_true(fabs((double)rows[3 * i + c] - (0.5 * (double)i - 12.25) / deviation) < 1e-4);
    }
    memcpy(back, rows + 30, sizeof back);
    ph_scaling_undo_to(&s, back, 1, 30);
    for (size_t i = 0; i < 30; i++)
        assert_true(fabs((double)back[i] - number_at(10 + i / 3, i % 3)) < 1e-3);
    back[4] = NAN;
    assert_int_equal(ph_scaling_apply_to(&s, 0, back, 1, 30), PH_OK);
    assert_true(fabs((double)back[4]) < 1e-6);
    ph_column column[30];
    assert_int_equal(ph_data_survey(d, column), PH_OK);
    for (size_t c = 0; c < 30; c++)
        assert_true(fabs(column[c].min - 1000.0 * (double)(c % 3)) < 1e-9 &&
                    fabs(column[c].max - 1000.0 * (double)(c % 3) - 24.5) < 1e-9 &&
                    fabs(column[c].deviation - deviation) < 1e-6);
    ph_scaling_free(&s);
    ph_data_close(d);
}

/* The line and the column of it are told. */
static void gaps_are_told_by_line(void **state)
{
    (void)state;
    FILE *f = fopen(in_folder("gap.csv"), "w");
    fputs("a,b\n1,2\n3,4\n5,6\n7,8\n9,\n11,12\n", f);
    fclose(f);
    ph_data *d = opened("gap.csv", &(ph_data_desc){ .window = "3", .hop = "3" });
    ph_scaling s;
    assert_int_equal(ph_scaling_fit(&s, "auto", "refuse", d), PH_DATA);
    assert_non_null(strstr(ph_message(), "gap.csv: row 2 ('gap.csv:4-6'), its line 2, column 2 ('b'): the value is "
                                         "missing"));
    ph_data_close(d);
}

/* Each table is a piece, and labels of lines win over those of folders. */
static void folders_of_tables(void **state)
{
    (void)state;
    mkdir(in_folder("runs"), 0777);
    mkdir(in_folder("runs/good"), 0777);
    mkdir(in_folder("runs/odd"), 0777);
    write_table("runs/good/a.csv", 20, 2, 0, 0);
    write_table("runs/odd/b.csv", 11, 2, 3, 5);
    FILE *f = fopen(in_folder("runs/README"), "w");
    fputs("what they are\n", f);
    fclose(f);
    assert_refused("runs", NULL, PH_USAGE, "it has files that may be opened: good/a.csv, odd/b.csv");
    ph_data *d = opened("runs", &(ph_data_desc){ .window = "8", .hop = "4", .drop_columns = "odd" });
    ph_data_info info;
    ph_data_describe(d, &info);
    assert_true(info.pieces == 2 && info.rows == 4 + 2 && info.classes == 2 && info.table);
    assert_int_equal(ph_data_labels(d)[3], 0);
    assert_int_equal(ph_data_labels(d)[4], 1);
    assert_string_equal(ph_data_id(d, 5), "odd/b.csv:4-11");
    assert_string_equal(ph_data_line(d, 1, 10), "day 11");
    assert_row(d, 4, 0, 8, 2);
    ph_data_close(d);
    d = opened("runs", &(ph_data_desc){ .window = "4", .hop = "4", .label_column = "odd" });
    static const uint32_t wanted[] = { 0, 0, 0, 0, 0, 1, 1, 0 };
    assert_int_equal(d->rows, 8);
    for (size_t r = 0; r < 8; r++)
        assert_int_equal(ph_data_labels(d)[r], wanted[r]);
    ph_data_close(d);
    write_table("runs/odd/c.csv", 11, 3, 3, 5);
    assert_refused("runs", &(ph_data_desc){ .window = "8", .label_column = "odd" }, PH_DATA,
                   "odd/c.csv: 3 columns of numbers, but those before it have 2");
    f = fopen(in_folder("runs/odd/c.csv"), "w");
    fputs("t,c1,c3,odd\nday 1,1,2,0\n", f);
    fclose(f);
    assert_refused("runs", &(ph_data_desc){ .window = "8", .label_column = "odd" }, PH_DATA,
                   "odd/c.csv: column 2 of numbers is 'c3', but of those before it 'c2'");
    f = fopen(in_folder("runs/odd/c.csv"), "w");
    fputs("c1,c2,odd\n1,2,0\n", f);
    fclose(f);
    assert_refused("runs", &(ph_data_desc){ .window = "8", .label_column = "odd" }, PH_DATA,
                   "odd/c.csv: its lines have no names");
    f = fopen(in_folder("runs/odd/c.csv"), "w");
    fputs("t,c1,c2,odd\n", f);
    fclose(f);
    assert_refused("runs", &(ph_data_desc){ .window = "8", .label_column = "odd" }, PH_DATA, "odd/c.csv: ");
}

static void write_array(const char *name, const char *order, const char *shape, size_t count)
{
    char header[128];
    int length = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': %s, 'shape': %s, }", order, shape);
    FILE *f = fopen(in_folder(name), "wb");
    fwrite("\x93NUMPY\x01\x00", 1, 8, f);
    fputc(length & 255, f);
    fputc(length >> 8, f);
    fwrite(header, 1, (size_t)length, f);
    for (size_t i = 0; i < count; i++)
        fwrite(&(float){ (float)i }, sizeof(float), 1, f);
    fclose(f);
}

static void arrays_are_series(void **state)
{
    (void)state;
    real row[6];
    write_array("two.npy", "False", "(20, 2)", 40);
    ph_data *d = opened("two.npy", &(ph_data_desc){ .window = "3", .hop = "2" });
    assert_true(d->rows == 10 && d->rank == 3 && d->windows->table);
    assert_int_equal(ph_data_read(d, &(size_t){ 9 }, 1, row), PH_OK);
    for (size_t i = 0; i < 6; i++)
        assert_true(row[i] == (real)(34 + i));
    ph_data_close(d);
    write_array("fortran.npy", "True", "(20, 2)", 40);
    d = opened("fortran.npy", &(ph_data_desc){ .window = "3", .hop = "2" });
    assert_int_equal(ph_data_read(d, &(size_t){ 1 }, 1, row), PH_OK);
    assert_true(row[0] == 2 && row[1] == 22 && row[4] == 4);
    ph_data_close(d);
    write_array("one.npy", "False", "(20,)", 20);
    d = opened("one.npy", &(ph_data_desc){ .window = "4" });
    assert_true(d->rows == 9 && d->rank == 1 && d->width == 4);
    ph_data_close(d);
    write_array("four.npy", "False", "(5, 2, 2)", 20);
    assert_refused("four.npy", &(ph_data_desc){ .window = "4" }, PH_USAGE,
                   "four.npy: window: its rows have 2 dimensions");
    d = opened("four.npy", &(ph_data_desc){ .window = "2", .row = 4 });
    assert_true(d->rows == 5 && d->rank == 2 && d->windows == NULL);
    ph_data_close(d);
    d = opened("two.npy", &(ph_data_desc){ .window = "2", .hop = "2", .row = 4 });
    assert_true(d->rows == 10 && d->windows);
    ph_data_close(d);
    /* What a model's window does not ask for: rows may be windows already. */
    d = opened("two.npy", &(ph_data_desc){ .window = "3", .window_of = "table" });
    assert_true(d->rows == 20 && d->windows == NULL);
    ph_data_close(d);
    write_table("t.csv", LINES, 2, 0, 0);
    d = opened("t.csv", &(ph_data_desc){ .window = "8", .window_of = "other", .label_column = "odd" });
    assert_true(d->rows == LINES && d->windows == NULL);
    ph_data_close(d);
}

static void refused_windows(void **state)
{
    (void)state;
    write_table("t.csv", LINES, 1, 0, 0);
    assert_refused("t.csv", &(ph_data_desc){ .window = "8x8", .label_column = "odd" }, PH_USAGE,
                   "of a table a number of lines");
    assert_refused("t.csv", &(ph_data_desc){ .window = "0", .label_column = "odd" }, PH_USAGE, "window 0:");
    assert_refused("t.csv", &(ph_data_desc){ .window = "8", .hop = "9", .label_column = "odd" }, PH_USAGE,
                   "hop 9: larger than the window");
    assert_refused("t.csv", &(ph_data_desc){ .hop = "9", .label_column = "odd" }, PH_USAGE,
                   "hop 9: of tables it takes a window, too");
    FILE *f = fopen(in_folder("none.csv"), "w");
    fputs("a,b\n", f);
    fclose(f);
    assert_refused("none.csv", &(ph_data_desc){ .window = "8" }, PH_DATA, "none.csv: there are no rows");
    f = fopen(in_folder("bad.csv"), "w");
    fputs("a,b\n1,2\n3\n", f);
    fclose(f);
    assert_refused("bad.csv", &(ph_data_desc){ .window = "2" }, PH_DATA, "bad.csv: line 3: 1 fields");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_lines),        cmocka_unit_test(a_window_of_any_size),
        cmocka_unit_test(labels_of_windows),       cmocka_unit_test(a_scale_for_each_column),
        cmocka_unit_test(gaps_are_told_by_line),   cmocka_unit_test(folders_of_tables),
        cmocka_unit_test(arrays_are_series),       cmocka_unit_test(refused_windows),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
