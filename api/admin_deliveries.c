/* A cursor is "time id" of the last entry that was shown: what is behind it comes next, wherever that is by now. */
#include "api/admin_deliveries.h"

#include "api/answer.h"
#include "api/deliveries.h"
#include "api/notice.h"
#include "api/notifiers.h"
#include "lib/log.h"
#include "lib/number.h"

#define PATH "/api/v2/admin/deliveries"
enum { PAGES_MAX = 500, BUSY_RETRY_S = 5 };

static const char *const states[] = {"pending", "dead"};
static const char *const keys[] = {DELIVERIES_KEY, DELIVERIES_DEAD_KEY};
enum { PENDING, DEAD };

/* ---- one ---- */

static void write_tries(struct writer *writer, const struct delivery_tries *tries)
{
    writer_count(writer, "attempts", tries->attempts);
    if (tries->first_ms != 0)
        writer_time_ms(writer, "firstAt", tries->first_ms);
    if (tries->last_ms != 0)
        writer_time_ms(writer, "lastAt", tries->last_ms);
    if (tries->status != 0)
        writer_integer(writer, "lastStatus", tries->status);
    if (tries->error[0] != '\0')
        writer_text(writer, "lastError", view_of(tries->error));
}

static void write_entry(struct writer *writer, const struct deliveries_entry *entry, int state)
{
    struct delivery delivery;
    delivery_parse(view_of(entry->id), &delivery);
    writer_begin(writer, NULL, '{');
    writer_text(writer, "id", view_of(entry->id));
    writer_text(writer, "alertId", view_of(delivery.alert));
    writer_text(writer, "event", view_of(notice_event_name(delivery.event)));
    writer_text(writer, "channelId", view_of(delivery.channel));
    writer_text(writer, "state", view_of(states[state]));
    write_tries(writer, &entry->tries);
    writer_time_ms(writer, state == PENDING ? "nextAt" : "givenUpAt", entry->at_ms);
    writer_end(writer, '}');
}

/* Deliveries to channels that are gone belong to who sees all. */
static bool is_shown(const struct admin_job *job, const struct registry_snapshot *snapshot, const char *id)
{
    struct delivery delivery;
    if (!delivery_parse(view_of(id), &delivery))
        return false;
    const struct channel *channel = g_hash_table_lookup(snapshot->channels, delivery.channel);
    const char *wanted = job->params.channel;
    return (wanted == NULL || strcmp(wanted, delivery.channel) == 0) &&
           admin_sees(job->query.caller, channel != NULL ? channel->organization : NULL);
}

/* ---- the list ---- */

struct list {
    const struct admin_job *job;
    const struct registry_snapshot *snapshot;
    int state;
    int64_t after_ms;
    const char *after_id; /* "": from the begin */
    GArray *shown;        /* struct deliveries_entry, one more than the page has, if there are */
};

static bool is_behind(const struct list *list, const struct deliveries_entry *entry)
{
    return entry->at_ms > list->after_ms || (entry->at_ms == list->after_ms && strcmp(entry->id, list->after_id) > 0);
}

static bool read_page(struct list *list, struct reader *reader, uint64_t *first, bool *more, GError **error)
{
    struct deliveries_page page;
    deliveries_page_init(&page);
    deliveries_ask_range(reader, keys[list->state], *first, DELIVERIES_PAGE, &page);
    bool ok = reader_finish(reader, error);
    for (guint i = 0; ok && i < page.entries->len && list->shown->len <= list->job->params.page_size; i++) {
        const struct deliveries_entry *entry = deliveries_page_at(&page, i);
        if (is_behind(list, entry) && is_shown(list->job, list->snapshot, entry->id))
            g_array_append_vals(list->shown, entry, 1);
    }
    *first += page.seen;
    *more = page.seen == DELIVERIES_PAGE && list->shown->len <= list->job->params.page_size;
    deliveries_page_clear(&page);
    return ok;
}

static bool read_list(struct list *list, struct reader *reader, GError **error)
{
    uint64_t first = 0;
    bool ok = true, more = true;
    if (list->after_id[0] != '\0')
        deliveries_ask_rank(reader, keys[list->state], list->after_ms, &first);
    ok = reader_finish(reader, error);
    for (guint n = 0; ok && more && n < PAGES_MAX; n++)
        ok = read_page(list, reader, &first, &more, error);
    if (ok)
        deliveries_ask_tries(reader, (struct deliveries_entry *)(void *)list->shown->data, list->shown->len);
    return ok && reader_finish(reader, error);
}

static void write_list(struct admin_job *job, const struct list *list)
{
    struct writer writer;
    guint n = MIN(list->shown->len, job->params.page_size);
    writer_init(&writer, job->out);
    writer_begin(&writer, NULL, '{');
    writer_begin(&writer, "entities", '[');
    for (guint i = 0; i < n; i++)
        write_entry(&writer, &g_array_index(list->shown, struct deliveries_entry, i), list->state);
    writer_end(&writer, ']');
    if (list->shown->len > n) {
        const struct deliveries_entry *last = &g_array_index(list->shown, struct deliveries_entry, n - 1);
        g_autofree char *cursor = g_strdup_printf("%" G_GINT64_FORMAT " %s", last->at_ms, last->id);
        g_autofree char *next = admin_params_next(&job->params, PATH, cursor);
        writer_text(&writer, "nextUri", view_of(next));
    }
    writer_end(&writer, '}');
}

/* False: the cursor is of another list. */
static bool parse_after(const char *after, struct list *list, struct refusal *refusal)
{
    const char *blank = after != NULL ? strchr(after, ' ') : NULL;
    list->after_id = blank != NULL ? blank + 1 : "";
    if (after == NULL || (blank != NULL && number_read_signed(view_make(after, (size_t)(blank - after)), &list->after_ms)))
        return true;
    return refusal_set_value(refusal, "INVALID_PARAMETER", "Invalid parameter", "after", after,
                             "the value of after in a nextUri of this list");
}

static bool parse_state(const char *state, int *found, struct refusal *refusal)
{
    *found = state != NULL && g_ascii_strcasecmp(state, states[DEAD]) == 0 ? DEAD : PENDING;
    return state == NULL || g_ascii_strcasecmp(state, states[*found]) == 0 ||
           refusal_set_value(refusal, "INVALID_PARAMETER", "Invalid parameter", "state", state, "pending|dead");
}

static bool answer_list(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct list list = {.job = job};
    if (!parse_state(job->params.state, &list.state, refusal) || !parse_after(job->params.after, &list, refusal))
        return false;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    list.snapshot = snapshot;
    list.shown = g_array_new(FALSE, FALSE, sizeof(struct deliveries_entry));
    bool ok = read_list(&list, reader, error);
    if (ok)
        write_list(job, &list);
    g_array_free(list.shown, TRUE);
    registry_release(snapshot);
    return ok;
}

/* ---- changes ---- */

/* *state: -1 if it is neither pending nor dead, or not the caller's; then it is refused. */
static bool find(struct admin_job *job, struct reader *reader, struct deliveries_entry *entry, int *state, struct refusal *refusal,
                 GError **error)
{
    int64_t times[G_N_ELEMENTS(keys)] = {0};
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    bool is_theirs = is_shown(job, snapshot, job->part);
    registry_release(snapshot);
    if (is_theirs) {
        g_strlcpy(entry->id, job->part, sizeof entry->id);
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
            deliveries_ask_time(reader, keys[i], entry->id, &times[i]);
        deliveries_ask_tries(reader, entry, 1);
    }
    if (!reader_finish(reader, error))
        return false;
    *state = times[PENDING] != 0 ? PENDING : DEAD;
    entry->at_ms = times[*state];
    return entry->at_ms != 0 || refusal_set(refusal, 404, "NOT_FOUND", "There is no delivery '%s'.", job->part);
}

static void write_one(struct admin_job *job, const struct deliveries_entry *entry, int state)
{
    struct writer writer;
    writer_init(&writer, job->out);
    write_entry(&writer, entry, state);
}

static void log_change(const struct admin_job *job, const char *event)
{
    log_info(event, "caller=%s delivery=%s", job->query.caller->id, job->part);
}

static bool answer_delete(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct deliveries_entry entry = {0};
    int state;
    if (!find(job, reader, &entry, &state, refusal, error))
        return false;
    deliveries_ask_remove(reader, entry.id, NULL);
    if (!reader_finish(reader, error))
        return false;
    log_change(job, "delivery_removed");
    write_one(job, &entry, state);
    return true;
}

static bool answer_retry(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    struct deliveries_entry entry = {0};
    int state;
    bool was_there = false;
    if (!find(job, reader, &entry, &state, refusal, error))
        return false;
    entry.at_ms = g_get_real_time() / G_TIME_SPAN_MILLISECOND;
    entry.tries = (struct delivery_tries){0};
    deliveries_ask_retry(reader, entry.id, entry.at_ms, &was_there);
    if (!reader_finish(reader, error))
        return false;
    if (!was_there)
        return refusal_set(refusal, 404, "NOT_FOUND", "There is no delivery '%s' any more.", job->part);
    log_change(job, "delivery_retried");
    write_one(job, &entry, PENDING);
    return true;
}

/* ---- tests of channels ---- */

/* Who waits, when the job is gone. */
struct waiting {
    struct http_request *request;
    struct metrics *metrics;
    char channel[CHANNEL_ID_SIZE];
};

static void answer_tested(const struct outgoing_result *result, void *opaque)
{
    struct waiting *waiting = opaque;
    g_autoptr(GString) out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_text(&writer, "channelId", view_of(waiting->channel));
    writer_bool(&writer, "delivered", result->taken);
    if (result->status != 0)
        writer_integer(&writer, "status", result->status);
    if (!result->taken)
        writer_text(&writer, "error", view_of(result->error));
    writer_end(&writer, '}');
    answer_json(waiting->request, waiting->metrics, 200, out);
    g_free(waiting);
}

static bool begin_test(struct admin_job *job, const struct channel *channel, struct refusal *refusal)
{
    struct waiting *waiting = g_new(struct waiting, 1);
    *waiting = (struct waiting){.request = job->query.request, .metrics = job->query.queries->metrics};
    g_strlcpy(waiting->channel, channel->id, sizeof waiting->channel);
    log_info("channel_tested", "caller=%s channel=%s", job->query.caller->id, channel->id);
    job->status = ADMIN_ANSWERED_LATER;
    if (notifiers_test(job->route->notifiers, channel, answer_tested, waiting))
        return true;
    g_free(waiting);
    refusal_set(refusal, 503, "SERVICE_UNAVAILABLE", "Too many channels are being tested. Try again in %d seconds.", BUSY_RETRY_S);
    refusal->retry_after_s = BUSY_RETRY_S;
    return false;
}

static bool answer_test(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    (void)reader;
    struct registry_snapshot *snapshot = admin_job_look(job, error);
    if (snapshot == NULL)
        return false;
    const struct channel *channel = g_hash_table_lookup(snapshot->channels, job->part);
    bool ok = channel != NULL && admin_sees(job->query.caller, channel->organization);
    if (ok)
        ok = begin_test(job, channel, refusal);
    else
        refusal_set(refusal, 404, "NOT_FOUND", "There is no channel '%s'.", job->part);
    registry_release(snapshot);
    return ok;
}

/* ---- the requests ---- */

static void submit(struct admin_route *route, struct call *call, uint32_t params, admin_answer *answer)
{
    struct admin_job *job = admin_job_new(route, call, params, answer);
    if (job != NULL)
        admin_job_submit(job);
}

void admin_deliveries_route_handle(struct admin_route *route, struct call *call)
{
    if (call->parts[0][0] != '\0')
        submit(route, call, 0, answer_delete);
    else
        submit(route, call, ADMIN_BY_STATE | ADMIN_BY_CHANNEL | ADMIN_BY_PAGE, answer_list);
}

void admin_deliveries_retry_handle(struct admin_route *route, struct call *call)
{
    submit(route, call, 0, answer_retry);
}

void admin_deliveries_test_handle(struct admin_route *route, struct call *call)
{
    submit(route, call, 0, answer_test);
}
