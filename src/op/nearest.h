/* nearest.h - the entry of a table, [v, d], that is nearest to each of some lines: the search of
 * `nearest_entry`, which clusters are formed by, too.
 */
#ifndef PH_OP_NEAREST_H
#define PH_OP_NEAREST_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"

/* How many reals a table takes as the search wants it. */
size_t ph_nearest_room(size_t entries, size_t depth);

/* Fills what panels first .. last-1 of the table's PH_PANEL entries each are in that room. */
void ph_nearest_pack(real *room, const real *table, size_t entries, size_t depth, size_t first, size_t last);

/* Index of the nearest entry for each of at most PH_BLOCK_ROWS lines, of equal ones the first; 0 for a line of
 * NaN. tile has room for PH_BLOCK_ROWS rows of PH_BLOCK_PANELS panels. */
void ph_nearest_search(uint32_t *index, const real *line, size_t count, const real *room, size_t entries,
                       size_t depth, real *tile);

#endif
