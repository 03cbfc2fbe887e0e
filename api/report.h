/* report: sums over closed days, by any grouping: the one way in which reports get their numbers.
 *
 * A question says which requests count (filters), by what they are told apart (grouping), and over which periods: ranges of
 * 15-minute slots, so that billing days, weeks, months, the whole, and the days of any time zone are the same to it. It scans the
 * columns of cached sheets, several days at a time on several threads, and hands out one period after the other, each with its
 * rows sorted: requests descending, then the grouped names. All is integers; the same question gives the same rows in the same
 * order, however many threads there are.
 *
 * Bounded: a period may have groups_max groups; one more, and the question fails with REPORT_ERROR_LIMIT, which says what to ask
 * instead. They take some 150 bytes each, and their names, on each thread; a few periods are in memory at a time, however many
 * there are. A question belongs to one thread while it runs. */
#ifndef DAYBOOK_REPORT_H
#define DAYBOOK_REPORT_H

#include "api/closed_days.h"
#include "api/sheets.h"

#define REPORT_ERROR report_error_quark()
GQuark report_error_quark(void);
enum report_error { REPORT_ERROR_LIMIT, REPORT_ERROR_CANCELLED, REPORT_ERROR_OVERFLOW };

/* The names of a row, in the order in which they stand and sort. */
enum report_name {
    REPORT_NAME_CLIENT, /* client id */
    REPORT_NAME_ORGANIZATION,
    REPORT_NAME_USER,
    REPORT_NAME_TEMPLATE, /* without its leading slash */
    REPORT_NAME_METHOD,
    REPORT_NAME_PLATFORM,
    REPORT_NAMES,
};
/* What rows are told apart by: a bit for each name. REPORT_CLIENT does not imply REPORT_ORGANIZATION. */
enum report_group {
    REPORT_CLIENT = 1 << REPORT_NAME_CLIENT,
    REPORT_ORGANIZATION = 1 << REPORT_NAME_ORGANIZATION,
    REPORT_USER = 1 << REPORT_NAME_USER,
    REPORT_TEMPLATE = 1 << REPORT_NAME_TEMPLATE,
    REPORT_METHOD = 1 << REPORT_NAME_METHOD,
    REPORT_PLATFORM = 1 << REPORT_NAME_PLATFORM,
};

/* A name passes when the list is NULL or holds it (an empty list lets nothing pass). Templates compare without a leading slash. */
struct report_filter {
    GPtrArray *names[REPORT_NAMES]; /* char *, or NULL; by enum report_name; owned by the question */
};

struct report_period {
    int64_t from_slot, to_slot; /* slots since 1970: from_slot to to_slot - 1 */
};

/* 429 is in status400 too; 1xx and unknown codes are in requests only. */
struct report_counts {
    uint64_t requests, status200, status300, status400, status500, status429;
};

struct report_row {
    uint32_t period;                 /* index */
    struct view names[REPORT_NAMES]; /* "" where not grouped by; borrowed for the call */
    struct report_counts counts;
};

struct report_question {
    struct report_filter filter;
    uint32_t group;           /* enum report_group */
    GArray *periods;          /* struct report_period, ascending, disjoint */
    struct closed_days *days; /* borrowed: what the periods touch; days that are not in it, or not DAY_CLOSED, have no rows */
    uint32_t groups_max;
    /* A row is asked for its first `top` only; 0: all. */
    uint32_t top;
};

struct report_sink {
    /* Rows of period after period, sorted; a period without rows is not mentioned. Returns false to stop (not an error). */
    bool (*row)(const struct report_row *row, void *opaque);
    void *opaque;
};

struct report_place {
    struct sheets *sheets;
    struct reader *reader; /* of the calling thread, begun */
    guint threads;         /* that scan at a time, at least 1 */
    const gint *cancelled; /* looked at between sheets (atomic); or NULL */
    bool hasty;            /* threads begin at once, not only when the calling thread was at it for a moment: for tests */
};

/* False with an error, also READER_ERROR_COPY where a sheet cannot be had. */
bool report_run(const struct report_question *question, const struct report_place *place, struct report_sink sink, GError **error);
void report_question_clear(struct report_question *question);
/* Rows of sheets that the question has to look at, for deciding where it runs. */
uint64_t report_cost(const struct report_question *question);

/* False: a sum passes 64 bits, and into is of no use. */
bool report_counts_add(struct report_counts *into, const struct report_counts *from);

#endif
