/* costs: what a month's requests cost an account under its plan.
 *
 * A client with a plan of its own is an account; an organization with a plan is one for all its clients that have none of their
 * own, together. Months are calendar months, UTC. Everything is integers:
 *
 *   overage = what was used beyond the plan's included requests, or 0
 *   amount  = overage · price of a thousand / 1000, in millionths of the currency's unit, rounded once, half up
 *
 * A day's overage and amount are what the month's had grown by at its end, so days add up to the month exactly. What is projected
 * is the linear forecast of forecast.h, for the month as a whole, after so many whole minutes of it: an answer stays the same for
 * a minute if nothing was counted.
 *
 * costs_read.h reads a summary, for one key or organization (the section `costs` of Get Usage), and those of all accounts. The
 * functions here are pure. A summary owns what it holds; cost_summary_clear it. */
#ifndef DAYBOOK_COSTS_H
#define DAYBOOK_COSTS_H

#include "api/costs_money.h"
#include "api/plan.h"

enum { COST_DAYS_MAX = 31, COST_MONTH_TEXT = 8 };

enum cost_kind {
    COST_NONE,         /* it is not known whose account it is: nothing but the requests is filled in */
    COST_CLIENT,       /* the account of a client with a plan of its own */
    COST_ORGANIZATION, /* the account of an organization, of its clients without a plan of their own */
    COST_MEMBER,       /* a client's share of its organization's account: requests, no amount */
    COST_UNPRICED,     /* nobody's account: there is no plan, or it names one that is not set up */
    COST_KIND_N,
};

/* A calendar month as it is being used; one for all its accounts. */
struct cost_month {
    int64_t first_day;               /* days since 1970 */
    int n_days;                      /* of the month */
    int n_shown;                     /* that have begun, or hold events from ahead of the clock */
    int revisions[COST_DAYS_MAX];    /* closed days: the revision that was counted; 0: there were no requests */
    bool provisional[COST_DAYS_MAX]; /* days that are not closed */
    int64_t finalized_through;       /* last day up to which all days are closed; FINALITY_NONE: there is none */
    int64_t elapsed_ms;              /* of the month, in whole minutes, at most its length */
};

struct cost_day {
    uint64_t requests, cumulative, overage; /* overage: of this day */
    money amount;                           /* of this day */
};

struct cost_projection {
    uint64_t used, overage;
    money amount;
};

struct cost_summary {
    struct cost_month month;
    enum cost_kind kind;
    char *organization, *client; /* client NULL: it is no client's */
    char *plan_name;             /* also of a plan that is not set up; NULL: none */
    struct plan *plan;           /* COST_CLIENT, COST_ORGANIZATION; else NULL */
    uint64_t used, overage;
    money amount;
    bool fair_use_exceeded;
    struct cost_projection projected;
    struct cost_day days[COST_DAYS_MAX]; /* month.n_shown of them */
};

/* The month that holds a day, of which nothing is known yet but what the time says. */
void cost_month_init(struct cost_month *month, int64_t day, int64_t now_ms);
bool cost_month_is_final(const struct cost_month *month); /* all its days are closed */
/* "2026-11" */
void cost_month_format(char out[COST_MONTH_TEXT], const struct cost_month *month);

/* Computes everything from the requests of the month's days (n_shown of them, which together fit in 64 bits). The plan is
 * duplicated; NULL: amounts stay 0. The caller sets kind, organization, client and plan_name. */
void cost_summary_fill(struct cost_summary *summary, const struct cost_month *month, const struct plan *plan,
                       const uint64_t *requests);
void cost_summary_clear(struct cost_summary *summary);

/* "client", "organization", "member", "unpriced"; NULL for COST_NONE. */
const char *cost_kind_name(enum cost_kind kind);

/* As an object with all that it has; COST_NONE as null. */
void costs_write(struct writer *writer, const char *key, const struct cost_summary *summary);
/* The month, where it begins and ends, and up to when it is final: into an object that has been begun. */
void cost_month_write(struct writer *writer, const struct cost_month *month);
/* One account of a list: without month, and without days unless they are wanted. client_name: NULL: none. */
void costs_write_entity(struct writer *writer, const struct cost_summary *summary, const char *client_name, bool with_days);

#endif
