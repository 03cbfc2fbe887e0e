/* month_usage: what was counted in a month, by client and day: in the ledger, and beside it what is not there yet. One thread. */
#ifndef DAYBOOK_CLI_MONTH_USAGE_H
#define DAYBOOK_CLI_MONTH_USAGE_H

#include "cli/client_name.h"
#include "cli/dates.h"
#include "cli/shards.h"
#include "lib/archive.h"

enum { MONTH_DAYS = 31 };

struct month_client {
    struct client_name name;
    /* By day of the month, from 0 on. */
    uint64_t ledger[MONTH_DAYS];  /* the newest closed revision */
    uint64_t late[MONTH_DAYS];    /* came after it, and are in no closed revision yet */
    uint64_t open[MONTH_DAYS];    /* of days that are not closed */
    int64_t restated[MONTH_DAYS]; /* what later revisions have changed, as far as the ledger lists it */
};

struct month_usage {
    struct date_range month;
    bool by_organization; /* false: a client's requests are the sum over all, under the organization "" */
    GHashTable *clients;  /* set of struct month_client */
    bool closed[MONTH_DAYS];
    uint64_t excluded; /* requests that the collectors' rules have excluded, as their newest heartbeats say */
};

struct month_usage *month_usage_read(struct shards *shards, struct archive *archive, const struct date_range *month,
                                     bool by_organization, GError **error);
void month_usage_free(struct month_usage *usage);
/* NULL: nothing was counted for the client. */
const struct month_client *month_usage_find(const struct month_usage *usage, const struct client_name *name);

#endif
