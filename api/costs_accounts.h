/* costs_accounts: to which accounts the requests of a month belong. Pure: no I/O.
 *
 * Every request is in just one of them: that of its client, if the client has a plan of its own; else that of its organization, if
 * that has one; else it is its client's, and unpriced. So the requests of all accounts add up to all that were counted. A client,
 * or organization, whose plan is not set up is unpriced, too: nobody knows what it would cost. Owned by one thread. */
#ifndef DAYBOOK_COSTS_ACCOUNTS_H
#define DAYBOOK_COSTS_ACCOUNTS_H

#include "api/costs_read.h"

struct cost_account {
    char
        *name; /* organization, or organization KEYS_CLIENT_SEPARATOR client: they sort by it, an organization before its clients */
    enum cost_kind kind;
    char *organization, *client; /* client NULL: the organization's */
    const char *plan_name;       /* NULL: none; borrowed from the registry, like the next */
    const struct plan *plan;     /* NULL: none, or it is not set up, or its amount is not this one's to know */
    uint64_t requests[COST_DAYS_MAX];
};

/* What is asked for; all may be NULL, and are borrowed. */
struct cost_filter {
    const char *organization, *client;
    const char *plan; /* accounts of plans of this name only */
};

/* Accounts of a usage that was read for this organization and client, sorted: also those that used nothing, but of who has no plan
 * only who used something. With a client there is only what is its own: where it has no plan, its share (COST_MEMBER). The registry
 * must outlive them. GPtrArray of struct cost_account. */
GPtrArray *cost_accounts_new(const struct cost_usage *usage, const struct registry_snapshot *registry,
                             const struct cost_filter *filter);
/* First one behind the account of this name (NULL: the first of all). */
guint cost_accounts_after(const GPtrArray *accounts, const char *name);
/* What it costs; the summary is to be cleared. */
void cost_account_sum(struct cost_summary *summary, const struct cost_account *account, const struct cost_month *month);

/* ---- all of them together ---- */

struct cost_amount {
    const char *currency; /* borrowed from the registry */
    money amount, projected;
};

struct cost_totals {
    uint64_t requests, priced, members, unpriced; /* requests = priced + members + unpriced */
    uint64_t accounts;                            /* priced ones */
    GArray *amounts;                              /* struct cost_amount, by currency */
};

void cost_totals_init(struct cost_totals *totals, const GPtrArray *accounts, const struct cost_month *month);
void cost_totals_clear(struct cost_totals *totals);

#endif
