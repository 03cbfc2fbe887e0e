#include "lib/record_foreign.h"

#include "lib/record.h"
#include "usage.pb-c.h"

struct foreign_batch {
    Daybook__V1__Record *record; /* owns the batch, or NULL */
    Daybook__V1__UsageBatch *batch;
};

static bool malformed(GError **error, const char *what)
{
    g_set_error(error, RECORD_ERROR, RECORD_ERROR_MALFORMED, "%s", what);
    return false;
}

static bool column_fits(const Daybook__V1__UsageBatch *batch, size_t n, const uint32_t *symbols)
{
    if (n != 0 && n != batch->n_status)
        return false;
    for (size_t i = 0; symbols && i < n; i++) {
        if (symbols[i] >= MAX(batch->n_symbols, (size_t)1))
            return false;
    }
    return true;
}

static bool check_columns(const Daybook__V1__UsageBatch *batch, GError **error)
{
    if (batch->base.n_unknown_fields > 0)
        return malformed(error, "it holds a field that a UsageBatch does not have");
    if (batch->n_rejection > 0)
        return malformed(error, "it holds rejections, which only collectors write");
    if (batch->n_status > RECORD_EVENTS_MAX)
        return malformed(error, "it holds more than 65536 events");
    if (batch->n_symbols > 0 && batch->symbols[0][0] != '\0')
        return malformed(error, "symbols[0] is not the empty string");
    if (!column_fits(batch, batch->n_organization, batch->organization) || !column_fits(batch, batch->n_client, batch->client) ||
        !column_fits(batch, batch->n_user, batch->user) || !column_fits(batch, batch->n_method, batch->method) ||
        !column_fits(batch, batch->n_route, batch->route) || !column_fits(batch, batch->n_platform, batch->platform))
        return malformed(error, "a column of symbols is not as long as status, or names a symbol that does not exist");
    if (!column_fits(batch, batch->n_time_delta_ms, NULL) || !column_fits(batch, batch->n_latency_us, NULL) ||
        !column_fits(batch, batch->n_request_bytes, NULL) || !column_fits(batch, batch->n_response_bytes, NULL))
        return malformed(error, "a column is not as long as status");
    return true;
}

static bool check_ids(const Daybook__V1__UsageBatch *batch, GError **error)
{
    if (batch->n_id != batch->n_id_event)
        return malformed(error, "id and id_event have different lengths");
    for (size_t i = 0; i < batch->n_id; i++) {
        bool ascends = i == 0 || batch->id_event[i] > batch->id_event[i - 1];
        if (batch->id_event[i] >= batch->n_status || !ascends)
            return malformed(error, "id_event is not ascending, or names an event that does not exist");
    }
    return true;
}

/* A Record and a UsageBatch both begin with a field 1 of bytes: a batch, or a stream id of 16 bytes. What has no events and a
 * longer "id" is a Record. */
static bool is_record(const Daybook__V1__UsageBatch *batch)
{
    return batch->n_status == 0 && batch->stream_id.len > STREAM_ID_SIZE;
}

static bool unpack(struct foreign_batch *foreign, struct view data, GError **error)
{
    const uint8_t *bytes = (const uint8_t *)data.data;
    foreign->batch = daybook__v1__usage_batch__unpack(NULL, data.size, bytes);
    if (!foreign->batch || !is_record(foreign->batch))
        return foreign->batch != NULL || malformed(error, "the bytes are no UsageBatch");
    daybook__v1__usage_batch__free_unpacked(foreign->batch, NULL);
    foreign->batch = NULL;
    foreign->record = daybook__v1__record__unpack(NULL, data.size, bytes);
    if (!foreign->record || foreign->record->kind_case != DAYBOOK__V1__RECORD__KIND_BATCH)
        return malformed(error, "the bytes are neither a UsageBatch nor a Record with one");
    foreign->batch = foreign->record->batch;
    return true;
}

struct foreign_batch *foreign_batch_parse(struct view data, GError **error)
{
    struct foreign_batch *foreign = g_new0(struct foreign_batch, 1);
    if (unpack(foreign, data, error) && check_columns(foreign->batch, error) && check_ids(foreign->batch, error))
        return foreign;
    foreign_batch_free(foreign);
    return NULL;
}

void foreign_batch_free(struct foreign_batch *foreign)
{
    if (!foreign)
        return;
    if (foreign->record)
        daybook__v1__record__free_unpacked(foreign->record, NULL);
    else if (foreign->batch)
        daybook__v1__usage_batch__free_unpacked(foreign->batch, NULL);
    g_free(foreign);
}

size_t foreign_batch_count(const struct foreign_batch *foreign)
{
    return foreign->batch->n_status;
}

bool foreign_batch_has_times(const struct foreign_batch *foreign)
{
    return foreign->batch->base_time_ms != 0 || foreign->batch->n_time_delta_ms > 0;
}

static struct view symbol(const Daybook__V1__UsageBatch *batch, const uint32_t *column, size_t n, size_t index)
{
    return n > 0 && column[index] < batch->n_symbols ? view_of(batch->symbols[column[index]]) : view_make(NULL, 0);
}

static uint64_t number(const uint64_t *column, size_t n, size_t index)
{
    return n > 0 ? column[index] : 0;
}

/* The time after this one; what overflows is no time any more and stays negative. */
static int64_t next_time(const Daybook__V1__UsageBatch *batch, size_t index, int64_t time_ms)
{
    int64_t delta = batch->n_time_delta_ms > 0 ? batch->time_delta_ms[index] : 0;
    return __builtin_add_overflow(time_ms, delta, &time_ms) ? INT64_MIN : time_ms;
}

void foreign_batch_each(const struct foreign_batch *foreign, bool (*each)(void *opaque, const struct event *event), void *opaque)
{
    const Daybook__V1__UsageBatch *b = foreign->batch;
    int64_t time_ms = b->base_time_ms <= INT64_MAX ? (int64_t)b->base_time_ms : INT64_MIN;
    size_t id = 0;
    for (size_t i = 0; i < b->n_status; i++) {
        time_ms = next_time(b, i, time_ms);
        struct event event = {
            .time_ms = time_ms,
            .organization = symbol(b, b->organization, b->n_organization, i),
            .client = symbol(b, b->client, b->n_client, i),
            .user = symbol(b, b->user, b->n_user, i),
            .method = symbol(b, b->method, b->n_method, i),
            .route = symbol(b, b->route, b->n_route, i),
            .platform = symbol(b, b->platform, b->n_platform, i),
            .status = b->status[i],
            .latency_us = number(b->latency_us, b->n_latency_us, i),
            .request_bytes = number(b->request_bytes, b->n_request_bytes, i),
            .response_bytes = number(b->response_bytes, b->n_response_bytes, i),
        };
        if (id < b->n_id && b->id_event[id] == i) {
            event.id = view_make(b->id[id].data, b->id[id].len);
            id++;
        }
        if (!each(opaque, &event))
            return;
    }
}
