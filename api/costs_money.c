#include "api/costs_money.h"

#include <string.h>

enum { THOUSAND = 1000, DECIMALS = 6 /* of a millionth */ };

money money_of(uint64_t requests, uint64_t price_micros)
{
    return ((money)requests * price_micros + THOUSAND / 2) / THOUSAND;
}

money money_add(money a, money b)
{
    money sum = a + b;
    return sum < a ? ~(money)0 : sum;
}

/* At least so many digits, those of the amount from the right; returns where they begin, before end. */
static char *put_digits(char *end, money amount, int least)
{
    char *at = end;
    for (int n = 0; n < least || amount > 0; n++) {
        *--at = (char)('0' + (int)(amount % 10));
        amount /= 10;
    }
    return at;
}

void money_format_micros(char out[MONEY_TEXT_MAX], money amount)
{
    char digits[MONEY_TEXT_MAX], *end = digits + sizeof digits;
    char *at = put_digits(end, amount, 1);
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
}

void money_format(char out[MONEY_TEXT_MAX], money amount)
{
    char digits[MONEY_TEXT_MAX], *end = digits + sizeof digits;
    char *at = put_digits(end, amount, DECIMALS + 1);
    size_t units = (size_t)(end - at) - DECIMALS;
    memcpy(out, at, units);
    out[units] = '.';
    memcpy(out + units + 1, at + units, DECIMALS);
    out[units + 1 + DECIMALS] = '\0';
}

void money_write(struct writer *writer, money amount)
{
    char text[MONEY_TEXT_MAX];
    money_format_micros(text, amount);
    writer_digits(writer, "amountMicros", view_of(text));
    money_format(text, amount);
    writer_text(writer, "amount", view_of(text));
}
