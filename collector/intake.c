/* An event is judged field by field, and the first that is wrong is the one that is named. Only then it is decided who the client
 * is, which route it was, and whether a rule excludes it: a wrong event is rejected even if it would have been excluded, so that
 * the books do not depend on the order of rules.
 *
 * What an accepted event keeps is copied into the submission. Events that come together share most of their texts, so a text that
 * equals the one of the event before is not copied again. */
#include "collector/intake.h"
#include "collector/event_text.h"
#include "collector/exclusion.h"
#include "collector/identity.h"
#include "collector/redact.h"
#include "collector/route_segment.h"
#include "collector/route_template.h"
#include "lib/number.h"
#include <stdatomic.h>

enum { MS_PER_DAY = 86400000, MS_PER_S = 1000, US_PER_MS = 1000 };

struct intake {
    char *organization; /* of events that name none */
    int64_t max_age_ms; /* 0: no limit */
    int64_t max_ahead_ms;
    struct identity *identity;
    struct route_templates *templates;
    struct exclusion *exclusion;
    uint8_t digest[32];
    atomic_uint_fast64_t accepted, excluded, rejected[INTAKE_N_REASONS];
};

/* An event on its way through the checks. */
struct judgement {
    const struct raw_event *raw;
    struct event event;
    char method[EVENT_METHOD_MAX];
    char route[EVENT_ROUTE_MAX];
    struct intake_refusal *refusal;
};

static const char *const reason_words[INTAKE_N_REASONS] = {
#define X(name, word) [INTAKE_##name] = word,
    INTAKE_REASONS(X)
#undef X
};

const char *intake_reason_word(enum intake_reason reason)
{
    g_assert(reason < INTAKE_N_REASONS);
    return reason_words[reason];
}

void intake_refuse(struct intake_refusal *refusal, enum intake_reason reason, const char *field, struct view value,
                   const char *allowed)
{
    char shown[EVENT_TEXT_SHOWN_MAX + 4];
    if (reason == INTAKE_MISSING_FIELD) {
        intake_refuse_plain(refusal, reason, "%s is missing; needed: %s.", field, allowed);
        return;
    }
    event_text_show(value, shown);
    intake_refuse_plain(refusal, reason, "%s is '%s'; allowed: %s.", field, shown, allowed);
    refusal->value_at = strlen(field) + strlen(" is ");
    refusal->value_size = strlen(shown) + 2;
}

void intake_refuse_name(struct intake_refusal *refusal, enum intake_reason reason, struct view name, const char *rest)
{
    char shown[EVENT_TEXT_SHOWN_MAX + 4];
    event_text_show(name, shown);
    intake_refuse_plain(refusal, reason, "'%s' is %s", shown, rest);
    refusal->value_size = strlen(shown) + 2;
}

void intake_refuse_plain(struct intake_refusal *refusal, enum intake_reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    refusal->reason = reason;
    refusal->value_at = refusal->value_size = 0;
    g_vsnprintf(refusal->message, sizeof refusal->message, format, arguments);
    va_end(arguments);
}

/* The message without what was sent. */
static void write_listed(const struct intake_refusal *refusal, char out[sizeof refusal->message])
{
    const char *message = refusal->message;
    size_t at = refusal->value_at, size = refusal->value_size;
    struct view value = size > 2 ? view_make(message + at + 1, size - 2) : view_make("", 0);
    if (size == 0 || at + size > strlen(message) || (refusal->reason == INTAKE_UNKNOWN_FIELD && redact_is_word(value)))
        g_strlcpy(out, message, sizeof refusal->message);
    else
        g_snprintf(out, sizeof refusal->message, "%.*s%s%s", (int)at, message, redact_kind(value), message + at + size);
}

void intake_list(struct submission *submission, const char *reason, const struct intake_refusal *refusal, int64_t time_ms,
                 struct view text)
{
    char message[sizeof refusal->message], sample[REDACT_MAX + 1];
    write_listed(refusal, message);
    size_t size = redact(text, sample);
    if (!submission->rejections)
        submission->rejections = rejections_new();
    rejections_add(submission->rejections, &(struct rejection){.time_ms = time_ms,
                                                               .count = 1,
                                                               .reason = view_of(reason),
                                                               .message = view_of(message),
                                                               .sample = view_make(sample, size)});
}

/* ---- settings ---- */

static void digest_text(GChecksum *checksum, const char *text)
{
    char size[NUMBER_MAX];
    size_t n = number_write(size, strlen(text));
    g_checksum_update(checksum, (const guchar *)size, (gssize)n);
    g_checksum_update(checksum, (const guchar *)":", 1);
    g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text));
}

static void digest_list(GChecksum *checksum, const struct config *config, const char *name)
{
    digest_text(checksum, name);
    for (const char *const *items = config_list(config, name); items && *items; items++)
        digest_text(checksum, *items);
}

static void make_digest(struct intake *intake, const struct config *config)
{
    static const char *const lists[] = {"client.fields", "exclude.clients", "exclude.routes", "exclude.user_agents",
                                        "exclude.sources"};
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *version = g_strdup_printf("daybook rules %d", ROUTE_SEGMENT_VERSION);
    g_autofree char *templates = route_templates_text(intake->templates);
    gsize size = sizeof intake->digest;
    digest_text(checksum, version);
    digest_text(checksum, intake->organization);
    digest_text(checksum, templates);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        digest_list(checksum, config, lists[i]);
    g_checksum_get_digest(checksum, intake->digest, &size);
}

static bool read_organization(struct intake *intake, const struct config *config, GError **error)
{
    intake->organization = g_strdup(config_string(config, "input.organization"));
    struct view organization = view_of(intake->organization);
    if (organization.size <= EVENT_NAME_MAX && event_text_is_clean(organization))
        return true;
    g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                "input.organization: at most %d bytes of UTF-8 without control characters are allowed.", EVENT_NAME_MAX);
    return false;
}

static bool read_rules(struct intake *intake, const struct config *config, GError **error)
{
    const struct exclusion_lists lists = {
        .clients = config_list(config, "exclude.clients"),
        .routes = config_list(config, "exclude.routes"),
        .user_agents = config_list(config, "exclude.user_agents"),
        .sources = config_list(config, "exclude.sources"),
    };
    intake->identity = identity_new(config_list(config, "client.fields"), error);
    if (!intake->identity)
        return false;
    intake->templates = route_templates_new(config_list(config, "route.templates"), config_string(config, "route.file"), error);
    if (!intake->templates)
        return false;
    intake->exclusion = exclusion_new(&lists, error);
    return intake->exclusion != NULL;
}

struct intake *intake_new(const struct config *config, GError **error)
{
    struct intake *intake = g_new0(struct intake, 1);
    intake->max_age_ms = config_int(config, "input.max_age_days") * MS_PER_DAY;
    intake->max_ahead_ms = config_int(config, "input.max_ahead_s") * MS_PER_S;
    if (read_organization(intake, config, error) && read_rules(intake, config, error)) {
        make_digest(intake, config);
        return intake;
    }
    intake_free(intake);
    return NULL;
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    g_free(intake->organization);
    identity_free(intake->identity);
    route_templates_free(intake->templates);
    exclusion_free(intake->exclusion);
    g_free(intake);
}

void intake_rules_digest(const struct intake *intake, uint8_t digest[32])
{
    memcpy(digest, intake->digest, sizeof intake->digest);
}

/* ---- checks: each false when the event is refused ---- */

static bool refuse(struct judgement *judgement, enum intake_reason reason, const char *field, struct view value,
                   const char *allowed)
{
    intake_refuse(judgement->refusal, reason, field, value, allowed);
    return false;
}

static bool check_text(struct judgement *judgement, const char *field, struct view value, size_t max)
{
    if (value.size > max) {
        char allowed[48];
        g_snprintf(allowed, sizeof allowed, "at most %zu bytes", max);
        return refuse(judgement, INTAKE_TOO_LONG, field, value, allowed);
    }
    if (!event_text_is_clean(value))
        return refuse(judgement, INTAKE_INVALID_TEXT, field, value, "UTF-8 without control characters");
    return true;
}

static bool check_texts(struct judgement *judgement)
{
    const struct raw_event *raw = judgement->raw;
    return check_text(judgement, "organization", raw->organization, EVENT_NAME_MAX) &&
           check_text(judgement, "client", raw->client, EVENT_NAME_MAX) &&
           check_text(judgement, "user", raw->user, EVENT_NAME_MAX) &&
           check_text(judgement, "platform", raw->platform, EVENT_NAME_MAX) &&
           check_text(judgement, "id", raw->id, EVENT_NAME_MAX) &&
           check_text(judgement, "userAgent", raw->user_agent, INTAKE_TEXT_MAX) &&
           check_text(judgement, "source", raw->source, INTAKE_TEXT_MAX);
}

static bool check_method(struct judgement *judgement)
{
    struct view method = judgement->raw->method;
    if (method.size == 0)
        return refuse(judgement, INTAKE_MISSING_FIELD, "method", method, "method, status, and route or path");
    if (method.size > EVENT_METHOD_MAX)
        return refuse(judgement, INTAKE_TOO_LONG, "method", method, "at most 32 bytes");
    for (size_t i = 0; i < method.size; i++) {
        char c = method.data[i];
        if (!g_ascii_isalnum(c) && c != '-' && c != '_')
            return refuse(judgement, INTAKE_INVALID_TEXT, "method", method, "letters, digits, '-' and '_'");
        judgement->method[i] = g_ascii_toupper(c);
    }
    judgement->event.method = view_make(judgement->method, method.size);
    return true;
}

static bool refuse_number(struct judgement *judgement, const char *field, int64_t value, const char *allowed)
{
    char text[NUMBER_MAX];
    return refuse(judgement, INTAKE_OUT_OF_RANGE, field, view_make(text, number_write_signed(text, value)), allowed);
}

static bool check_status(struct judgement *judgement)
{
    int64_t status = judgement->raw->status;
    if (!judgement->raw->has_status)
        return refuse(judgement, INTAKE_MISSING_FIELD, "status", view_of(""), "method, status, and route or path");
    if (status < EVENT_STATUS_MIN || status > EVENT_STATUS_MAX)
        return refuse_number(judgement, "status", status, "an integer from 100 to 599");
    judgement->event.status = (uint32_t)status;
    return true;
}

static bool check_numbers(struct judgement *judgement)
{
    const struct raw_event *raw = judgement->raw;
    if (raw->latency_us > EVENT_LATENCY_MAX_US) {
        char text[32];
        g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT ".%03u", raw->latency_us / US_PER_MS,
                   (unsigned)(raw->latency_us % US_PER_MS));
        return refuse(judgement, INTAKE_OUT_OF_RANGE, "latencyMs", view_of(text), "0 to 86400000, a day");
    }
    if (raw->request_bytes > EVENT_BYTES_MAX)
        return refuse_number(judgement, "requestBytes", (int64_t)MIN(raw->request_bytes, (uint64_t)INT64_MAX),
                             "0 to 17592186044416");
    if (raw->response_bytes > EVENT_BYTES_MAX)
        return refuse_number(judgement, "responseBytes", (int64_t)MIN(raw->response_bytes, (uint64_t)INT64_MAX),
                             "0 to 17592186044416");
    judgement->event.latency_us = raw->latency_us;
    judgement->event.request_bytes = raw->request_bytes;
    judgement->event.response_bytes = raw->response_bytes;
    return true;
}

static bool refuse_time(struct judgement *judgement, enum intake_reason reason, const char *allowed)
{
    char text[NUMBER_MAX];
    struct view value = view_make(text, number_write_signed(text, judgement->event.time_ms));
    return refuse(judgement, reason, "time", value, allowed);
}

static bool refuse_old(const struct intake *intake, struct judgement *judgement, int64_t now_ms)
{
    char allowed[128];
    int64_t now_s = now_ms / MS_PER_S, time_ms = judgement->event.time_ms;
    bool seconds = time_ms > now_s / 2 && time_ms < now_s * 2;
    g_snprintf(allowed, sizeof allowed, "at most %" G_GINT64_FORMAT " days old%s", intake->max_age_ms / MS_PER_DAY,
               seconds ? "; milliseconds are wanted, this looks like seconds" : "");
    return refuse_time(judgement, INTAKE_TOO_OLD, allowed);
}

static bool check_time(const struct intake *intake, struct judgement *judgement, int64_t now_ms, bool check_age)
{
    const struct raw_event *raw = judgement->raw;
    int64_t time_ms = raw->has_time ? raw->time_ms : now_ms;
    char allowed[128];
    judgement->event.time_ms = time_ms;
    if (time_ms < 0 || time_ms > INTAKE_TIME_MAX_MS)
        return refuse_time(judgement, INTAKE_INVALID_TIME, "times from 1970 through 2199");
    if (!check_age || !raw->has_time)
        return true;
    if (time_ms > now_ms + intake->max_ahead_ms) {
        g_snprintf(allowed, sizeof allowed, "at most %" G_GINT64_FORMAT " s ahead of the collector's clock",
                   intake->max_ahead_ms / MS_PER_S);
        return refuse_time(judgement, INTAKE_IN_FUTURE, allowed);
    }
    bool old = intake->max_age_ms > 0 && time_ms < now_ms - intake->max_age_ms;
    return !old || refuse_old(intake, judgement, now_ms);
}

/* The source's own route is taken as it is, without a query. */
static bool take_route(struct judgement *judgement)
{
    struct view route = judgement->raw->route;
    if (!check_text(judgement, "route", route, INTAKE_TEXT_MAX))
        return false;
    route = route_cut_query(route);
    if (!view_is(route, ROUTE_UNMATCHED) && (route.size == 0 || route.data[0] != '/'))
        return refuse(judgement, INTAKE_INVALID_TEXT, "route", judgement->raw->route, "a URL template that begins with '/'");
    if (route.size > EVENT_ROUTE_MAX)
        return refuse(judgement, INTAKE_TOO_LONG, "route", route, "at most 1024 bytes");
    judgement->event.route = route;
    return true;
}

static bool check_route(const struct intake *intake, struct judgement *judgement)
{
    struct view path = judgement->raw->path;
    if (path.size == 0 && judgement->raw->route.size == 0)
        return refuse(judgement, INTAKE_MISSING_FIELD, "route", path, "method, status, and route or path");
    if (path.size > 0 && !check_text(judgement, "path", path, ROUTE_PATH_MAX))
        return false;
    if (judgement->raw->route.size > 0)
        return take_route(judgement);
    if (view_is(path, "*")) { /* OPTIONS * */
        judgement->event.route = view_of(ROUTE_UNMATCHED);
        return true;
    }
    if (path.data[0] != '/')
        return refuse(judgement, INTAKE_INVALID_TEXT, "path", path, "a URL path that begins with '/'");
    judgement->event.route =
        route_templates_match(intake->templates, judgement->event.method, path, judgement->event.status, judgement->route);
    return true;
}

/* ---- taking ---- */

static struct view keep(struct submission *submission, struct view text, struct view before)
{
    if (text.size == 0)
        return view_make(NULL, 0);
    return view_equal(text, before) ? before : submission_copy(submission, text.data, text.size);
}

static void append(struct submission *submission, const struct event *event)
{
    static const struct event none;
    GArray *events = submission->events;
    guint n = events->len;
    g_array_set_size(events, n + 1);
    const struct event *before = n > 0 ? &g_array_index(events, struct event, n - 1) : &none;
    struct event *kept = &g_array_index(events, struct event, n);
    *kept = *event;
    kept->organization = keep(submission, event->organization, before->organization);
    kept->client = keep(submission, event->client, before->client);
    kept->user = keep(submission, event->user, before->user);
    kept->method = keep(submission, event->method, before->method);
    kept->route = keep(submission, event->route, before->route);
    kept->platform = keep(submission, event->platform, before->platform);
    kept->id = keep(submission, event->id, before->id);
}

enum intake_verdict intake_judge(const struct intake *intake, const struct raw_event *raw, int64_t now_ms, bool check_age,
                                 struct submission *submission, struct intake_refusal *refusal)
{
    struct judgement judgement;
    judgement.raw = raw;
    judgement.refusal = refusal;
    judgement.event = (struct event){.user = raw->user, .platform = raw->platform, .id = raw->id};
    if (!check_method(&judgement) || !check_status(&judgement) || !check_texts(&judgement) || !check_numbers(&judgement) ||
        !check_route(intake, &judgement) || !check_time(intake, &judgement, now_ms, check_age))
        return INTAKE_REJECTED;
    judgement.event.organization = raw->organization.size > 0 ? raw->organization : view_of(intake->organization);
    judgement.event.client = identity_pick(intake->identity, raw);
    if (exclusion_fits(intake->exclusion, &judgement.event, raw->user_agent, raw->source))
        return INTAKE_EXCLUDED;
    append(submission, &judgement.event);
    return INTAKE_ACCEPTED;
}

/* ---- the books ---- */

static void count(atomic_uint_fast64_t *counter, uint64_t n)
{
    if (n > 0)
        atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void intake_count(struct intake *intake, const struct intake_tally *tally)
{
    count(&intake->accepted, tally->accepted);
    count(&intake->excluded, tally->excluded);
    for (size_t i = 0; i < INTAKE_N_REASONS; i++)
        count(&intake->rejected[i], tally->rejected[i]);
}

void intake_totals(const struct intake *intake, struct intake_tally *totals)
{
    totals->accepted = atomic_load_explicit(&intake->accepted, memory_order_relaxed);
    totals->excluded = atomic_load_explicit(&intake->excluded, memory_order_relaxed);
    for (size_t i = 0; i < INTAKE_N_REASONS; i++)
        totals->rejected[i] = atomic_load_explicit(&intake->rejected[i], memory_order_relaxed);
}
