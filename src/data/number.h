/* number.h - decimal text to a number, the same in every locale, at hundreds of megabytes a second.
 *
 * Digits up to 2^53 and a power of ten up to 22 need one exact multiplication or division in double
 * precision (Clinger 1990), 19 digits and a power up to 27 one in long double whose rounding is checked;
 * the rest goes to strtod. The bits are strtod's.
 */
#ifndef PH_DATA_NUMBER_H
#define PH_DATA_NUMBER_H

/* Reads the number at text, before end (*end must be readable). decimal is '.' or ','. Returns where
 * the number ends, text itself where there is none. "nan" and "inf" are no numbers here. */
const char *ph_number_read(const char *text, const char *end, char decimal, double *number);

#endif
