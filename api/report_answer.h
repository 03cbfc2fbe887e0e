/* report_answer: the report as JSON: everything that one page needs.
 *
 *   {"interval","timeZone","dayBoundary","finalizedThrough","omittedDays":[{"interval","reason"}],"revisions":[{"day","revision"}],
 *    "incompleteDays":["2026-11-03/2026-11-04"],"skippedDates":["2011-12-30"],
 *    "totalRequests","totalClients","totalUrls","statuses":{counts},
 *    "clients":[{"clientId","clientName","organizationId",counts,"totalUrls","urls":[{"templateUri",counts}]}],
 *    "urls":[{"templateUri",counts}],"days":[{"date","begin","end",counts}]}
 *
 * counts: status200, status300, status400 (429 among them), status500, status429, requests. The first row is the same for all who
 * ask about the same days, and known before anything is counted. Owned by one thread. */
#ifndef DAYBOOK_REPORT_ANSWER_H
#define DAYBOOK_REPORT_ANSWER_H

#include "api/report_ask.h"
#include "api/writer.h"

enum { REPORT_CLIENT_URLS_MAX = 100 }; /* of one client, even if more are asked for by `top` */

struct report_url {
    char *template;
    struct report_counts counts;
};

struct report_client {
    char *id, *organization;
    struct report_counts counts;
    GPtrArray *urls; /* struct report_url */
    uint64_t n_urls;
};

struct report_page {
    GArray *days;       /* struct report_counts, of each day of the range */
    GPtrArray *clients; /* struct report_client */
    GPtrArray *urls;    /* struct report_url */
    uint64_t n_clients, n_urls;
    struct report_counts total;
};

/* Asks. False with an error; the page is to be cleared either way. */
bool report_page_fill(struct report_page *page, const struct report_ask *ask, uint32_t top, GError **error);
void report_page_clear(struct report_page *page);

/* The members that say what was looked at, into an object that was begun. */
void report_answer_about(struct writer *writer, const struct report_range *range, int64_t through);
/* The other members. */
void report_answer_page(struct writer *writer, const struct report_page *page, const struct report_range *range,
                        const struct registry_snapshot *registry);

#endif
