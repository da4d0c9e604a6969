/* test_op_double.c - every op in the proving build: derivatives to 1e-6, second derivatives too. */
#include "op_table.h"

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_op_has_a_row),
                                        cmocka_unit_test(all_rows),
                                        cmocka_unit_test(indices_cross_calls),
                                        cmocka_unit_test(indices_are_no_numbers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
