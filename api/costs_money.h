/* costs_money: sums of money as integers, in millionths of a currency's unit.
 *
 * 128 bits hold what 2^64 requests cost at 2^64 millionths a thousand, and also the sum over any number of accounts, because all
 * requests together fit in 64 bits: so nothing of what was used overflows. What is only forecast may be more than that, and then
 * stays at the largest value (money_add). Pure functions. */
#ifndef DAYBOOK_COSTS_MONEY_H
#define DAYBOOK_COSTS_MONEY_H

#include "api/writer.h"

__extension__ typedef unsigned __int128 money; /* millionths */

enum { MONEY_TEXT_MAX = 48 }; /* bytes of a text, with its NUL */

/* What so many requests cost, at price_micros a thousand: rounded once, half up, to a millionth. */
money money_of(uint64_t requests, uint64_t price_micros);
/* The sum, or the largest value where it would be more. */
money money_add(money a, money b);
/* "12345678", and the same with the point: "12.345678". */
void money_format_micros(char out[MONEY_TEXT_MAX], money amount);
void money_format(char out[MONEY_TEXT_MAX], money amount);
/* "amountMicros":12345678,"amount":"12.345678" */
void money_write(struct writer *writer, money amount);

#endif
