/* log_chain: which records of the log are the entries of the ledger, found out without the aggregator's code. One thread. */
#ifndef DAYBOOK_CLI_LOG_CHAIN_H
#define DAYBOOK_CLI_LOG_CHAIN_H

#include "cli/chain.h"
#include "cli/finding.h"
#include "lib/record.h"

struct log_chain;

/* begins_late: the beginning of partition 0 is gone, so what the log says first is taken as it is if it fits to the chain. */
struct log_chain *log_chain_new(const struct chain *chain, bool begins_late);
void log_chain_free(struct log_chain *log_chain);
/* A seal of partition 0 that counts. */
void log_chain_seal(struct log_chain *log_chain, int64_t day, int revision);
/* An entry in partition 0. The first difference to the chain, or NULL. */
struct finding *log_chain_entry(struct log_chain *log_chain, const struct ledger_link *link, struct view record);
/* n of the first and the last entry that counted; 0: none did. */
uint64_t log_chain_first(const struct log_chain *log_chain);
uint64_t log_chain_last(const struct log_chain *log_chain);

#endif
