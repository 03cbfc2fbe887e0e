/* decimal: JSON numbers to integers, exactly. No floating point: what is read here is billed.
 *
 * Pure functions. */
#ifndef DAYBOOK_DECIMAL_H
#define DAYBOOK_DECIMAL_H

#include "lib/view.h"

enum decimal_result {
    DECIMAL_OK,
    DECIMAL_NEGATIVE,  /* less than 0; "-0" is 0 */
    DECIMAL_FRACTION,  /* DECIMAL_EXACT was asked for, and it is not an integer */
    DECIMAL_TOO_LARGE, /* more than 64 bits */
};

enum decimal_rounding { DECIMAL_EXACT, DECIMAL_DOWN, DECIMAL_HALF_UP };

/* token × 10^scale as an integer; scale 0 to 9. The token must be a number of RFC 8259 section 6, of any length. */
enum decimal_result decimal_read(struct view token, unsigned scale, enum decimal_rounding rounding, uint64_t *value);

#endif
