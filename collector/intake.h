/* intake: judges events before they are taken: what is missing, wrong, excluded; who the client is; which route it was.
 *
 * Every input fills a raw_event and asks intake_judge(). Accepted events are added to the submission with all strings copied into
 * it. The intake also keeps the books: received = accepted + rejected by reason + excluded. An intake is immutable after intake_new
 * but for its counters, which are atomic: all inputs share one. */
#ifndef DAYBOOK_INTAKE_H
#define DAYBOOK_INTAKE_H

#include "collector/submission.h"
#include "lib/config.h"
#include "lib/metrics.h"

/* Reasons for a rejection; the words are part of the HTTP contract. */
#define INTAKE_REASONS(X)                                               \
    X(MALFORMED, "malformed") /* cannot be parsed as an event at all */ \
    X(UNKNOWN_FIELD, "unknown_field")                                   \
    X(MISSING_FIELD, "missing_field")                                   \
    X(WRONG_TYPE, "wrong_type")                                         \
    X(OUT_OF_RANGE, "out_of_range")                                     \
    X(INVALID_TEXT, "invalid_text") /* not UTF-8, control characters */ \
    X(TOO_LONG, "too_long")                                             \
    X(INVALID_TIME, "invalid_time")                                     \
    X(TOO_OLD, "too_old")                                               \
    X(IN_FUTURE, "in_future")

enum intake_reason {
#define X(name, word) INTAKE_##name,
    INTAKE_REASONS(X)
#undef X
        INTAKE_N_REASONS,
};
const char *intake_reason_word(enum intake_reason reason);

/* Longest path, user agent and source that is looked at, in bytes: they are not kept. */
enum { INTAKE_TEXT_MAX = 8192 };
/* The latest time of an event: the end of 2199. */
#define INTAKE_TIME_MAX_MS INT64_C(7258118399999)

/* An event as an input found it. Views may be empty when a field was not given. */
struct raw_event {
    bool has_time;
    int64_t time_ms;
    struct view organization, client, user, method, route, path, platform, user_agent, source, id;
    /* The source's identity candidates by name, for the client's ordered list of fields (configuration `client.fields`): "client"
     * is raw_event.client, "user" raw_event.user, "source" raw_event.source, "organization", "user_agent"; others come from the
     * field map. */
    bool has_status;
    int64_t status;
    uint64_t latency_us, request_bytes, response_bytes;
};

enum intake_verdict { INTAKE_ACCEPTED, INTAKE_EXCLUDED, INTAKE_REJECTED };

/* Why an event was refused: filled for INTAKE_REJECTED. */
struct intake_refusal {
    enum intake_reason reason;
    char message[256];           /* a sentence: field, value, what is allowed. Valid UTF-8. */
    size_t value_at, value_size; /* bytes of the message that were sent to us, with their quotes; 0 bytes: none */
};

/* Fills the refusal with the sentence "<field> is '<value>'; allowed: <allowed>.", the value cut and cleaned, or for a missing
 * field "<field> is missing; needed: <allowed>." */
void intake_refuse(struct intake_refusal *refusal, enum intake_reason reason, const char *field, struct view value,
                   const char *allowed);
/* "'<name>' is <rest>" */
void intake_refuse_name(struct intake_refusal *refusal, enum intake_reason reason, struct view name, const char *rest);
/* A sentence that repeats nothing of what was sent. */
void intake_refuse_plain(struct intake_refusal *refusal, enum intake_reason reason, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Lists it with the submission: why, without the value (INTAKE_UNKNOWN_FIELD keeps a name that is a word), and the text that was
 * refused, redacted. reason is a word for the list; time_ms the wall clock, 0 for imports. */
void intake_list(struct submission *submission, const char *reason, const struct intake_refusal *refusal, int64_t time_ms,
                 struct view text);

struct intake;
struct intake *intake_new(const struct config *config, GError **error);
void intake_free(struct intake *intake);

/* Judges at the time now_ms (wall clock); an accepted event is appended to the submission. Counts nothing by itself.
 * check_age=false for imports. */
enum intake_verdict intake_judge(const struct intake *intake, const struct raw_event *raw, int64_t now_ms, bool check_age,
                                 struct submission *submission, struct intake_refusal *refusal);
/* What an input met in one submission; added to the books when its outcome is known (accepted: durable). */
struct intake_tally {
    uint64_t accepted, excluded, rejected[INTAKE_N_REASONS];
};
void intake_count(struct intake *intake, const struct intake_tally *tally);
void intake_totals(const struct intake *intake, struct intake_tally *totals);
/* SHA-256 over every setting that changes what an event becomes (templates, identity, exclusions, defaults), for the manifests
 * of imports. */
void intake_rules_digest(const struct intake *intake, uint8_t digest[32]);

#endif
