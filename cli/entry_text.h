/* entry_text: an entry of the ledger for people and for programs. */
#ifndef DAYBOOK_CLI_ENTRY_TEXT_H
#define DAYBOOK_CLI_ENTRY_TEXT_H

#include "cli/chain.h"

#include <jansson.h>
#include <stdio.h>

/* The heading of the table, and one line of it. */
void entry_text_heading(FILE *out);
void entry_text_line(const struct chain_link *link, FILE *out);
/* The names are those of the API. Caller owns it. */
json_t *entry_text_json(const struct chain_link *link);

#endif
