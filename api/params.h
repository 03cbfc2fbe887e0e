/* params: one parameter of a query, and what all lists of parameters refuse with the same words.
 *
 * A list of parameters is read one by one, in the order in which they were given, and the first that is wrong is refused: an
 * unknown one, one that was given twice, a value that is not allowed. All functions that refuse return false, so that a check can
 * end with them. Pure. */
#ifndef DAYBOOK_PARAMS_H
#define DAYBOOK_PARAMS_H

#include "api/refusal.h"
#include "lib/view.h"
#include <stddef.h>
#include <stdint.h>

struct usage_param {
    const char *name, *value; /* decoded; value may be NULL (no '=') */
};

#define PARAMS_ONCE "each parameter once"

/* Its value; "" where there is none. */
const char *param_value(const struct usage_param *param);
/* An integer from least to most, else it is refused. */
bool param_take_number(const struct usage_param *param, uint32_t least, uint32_t most, uint32_t *number, struct refusal *refusal);
/* UTF-8 of 1 to most bytes without control characters. */
bool param_text_is_valid(struct view text, size_t most);
/* Such a text, borrowed from param, else it is refused. */
bool param_take_text(const struct usage_param *param, size_t most, const char **text, struct refusal *refusal);

/* One of the same name stands before given[i]. */
bool params_repeats(const struct usage_param *given, size_t i);

/* names: those that there are, "a|b|c", or "no parameter". code: UNKNOWN_PARAMETER but for /v1/developer/usage. */
bool param_refuse_unknown(const struct usage_param *param, const char *code, const char *names, struct refusal *refusal);
/* once: PARAMS_ONCE, or which ones may come more often. */
bool param_refuse_repeated(const struct usage_param *param, const char *once, struct refusal *refusal);
bool param_refuse_value(const struct usage_param *param, const char *allowed, struct refusal *refusal);

#endif
