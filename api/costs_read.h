/* costs_read: the requests of a calendar month, by client and day: days that are closed from their sheets (report.h), all others
 * as they are now (live.h).
 *
 * A day is closed when its last revision is in the ledger and nothing was counted for it since (finality.h). That is looked up
 * once, and then each day is read in one of the two ways, so it counts once, whole, whatever is closed meanwhile; and the numbers
 * are those of reports, and of Get Usage and the statistics. Sheets are read for requests only, which takes a
 * twentieth of the time of all that live answers want to know of them.
 *
 * All requests of a month together fit in 64 bits, or it is an error. Owned by one thread. */
#ifndef DAYBOOK_COSTS_READ_H
#define DAYBOOK_COSTS_READ_H

#include "api/costs.h"
#include "api/live.h"
#include "api/registry.h"

struct archive;

/* All borrowed. */
struct costs_place {
    struct live_sources *sources;
    struct archive *archive; /* NULL: none is configured */
    struct registry *registry;
    guint threads;       /* that scan sheets at a time */
    uint32_t groups_max; /* clients of a month */
};

struct cost_client {
    char *name; /* organization KEYS_CLIENT_SEPARATOR client */
    uint64_t requests[COST_DAYS_MAX];
};

struct cost_usage {
    struct cost_month month;
    GHashTable *clients; /* name -> struct cost_client: those with requests */
    uint64_t requests;   /* of all */
};

struct cost_question {
    const struct costs_place *place;
    struct reader *reader;             /* begun */
    const char *organization, *client; /* NULL: all */
    int64_t day;                       /* any one of the month */
    int64_t now_ms;
};

/* False with an error, also REPORT_ERROR_LIMIT: more clients than groups_max; and READER_ERROR_ROOM. The usage is to be cleared
 * only after true. */
bool cost_usage_read(struct cost_usage *usage, const struct cost_question *question, GError **error);
void cost_usage_clear(struct cost_usage *usage);

/* For one client (the scope's key), or one organization: what it costs this month, that is its account, or a client's share of its
 * organization's. A key without organization is looked up among the registered clients. Where it is not known whose account it is,
 * or nobody has been asked for: COST_NONE. On a worker; the summary is to be cleared. */
bool costs_read_summary(struct cost_summary *summary, const struct costs_place *place, struct reader *reader,
                        const struct scope *scope, int64_t now_ms, GError **error);

#endif
