/* Bytes from the topic: what the parser takes keeps to what lib/record.h promises (every index within the symbols, every value in
 * range), and building a batch of the same events and parsing that gives the same events. Foreign batches (lib/record_foreign.h)
 * only must not be trusted. */
#include "lib/record.h"
#include "lib/record_foreign.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_text(struct view text, size_t max)
{
    check(text.size <= max && g_utf8_validate_len(text.data ? text.data : "", text.size, NULL));
}

static void check_event(const struct event *event)
{
    check_text(event->organization, EVENT_NAME_MAX);
    check_text(event->client, EVENT_NAME_MAX);
    check_text(event->user, EVENT_NAME_MAX);
    check_text(event->platform, EVENT_NAME_MAX);
    check_text(event->method, EVENT_METHOD_MAX);
    check_text(event->route, EVENT_ROUTE_MAX);
    check(event->id.size <= EVENT_NAME_MAX);
    check(event->status >= EVENT_STATUS_MIN && event->status <= EVENT_STATUS_MAX);
    check(event->latency_us <= EVENT_LATENCY_MAX_US);
    check(event->request_bytes <= EVENT_BYTES_MAX && event->response_bytes <= EVENT_BYTES_MAX);
}

static bool same(const struct event *a, const struct event *b)
{
    return a->time_ms == b->time_ms && view_equal(a->organization, b->organization) && view_equal(a->client, b->client) &&
           view_equal(a->user, b->user) && view_equal(a->method, b->method) && view_equal(a->route, b->route) &&
           view_equal(a->platform, b->platform) && view_equal(a->id, b->id) && a->status == b->status &&
           a->latency_us == b->latency_us && a->request_bytes == b->request_bytes && a->response_bytes == b->response_bytes;
}

static void check_rebuilt(const struct batch *batch)
{
    struct batch_builder *builder = batch_builder_new();
    struct record_parser *parser = record_parser_new();
    struct record record;
    struct event before, after;
    for (size_t i = 0; i < batch->n_events; i++) {
        batch_event(batch, i, &before);
        batch_builder_add(builder, &before);
    }
    g_autoptr(GBytes) bytes = batch_builder_seal(builder, &batch->header);
    check(record_parse(parser, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &record, NULL));
    check(record.kind == RECORD_BATCH && record.batch.n_events == batch->n_events);
    for (size_t i = 0; i < batch->n_events; i++) {
        batch_event(batch, i, &before);
        batch_event(&record.batch, i, &after);
        check(same(&before, &after));
    }
    record_parser_free(parser);
    batch_builder_free(builder);
}

static void check_rejections(const struct batch *batch)
{
    check(batch->n_rejections <= REJECTIONS_MAX);
    if (batch->n_rejections > 0)
        check_text(batch->collector, EVENT_NAME_MAX);
    for (size_t i = 0; i < batch->n_rejections; i++) {
        const struct rejection *rejection = &batch->rejections[i];
        check(rejection->count > 0 && rejection->time_ms >= 0 && rejection_reason_is_word(rejection->reason));
        check_text(rejection->message, REJECTION_MESSAGE_MAX);
        check_text(rejection->sample, REJECTION_SAMPLE_MAX);
    }
}

static bool check_foreign(void *opaque, const struct event *event)
{
    size_t *left = opaque;
    check(event->organization.size + event->client.size + event->route.size < SIZE_MAX / 2);
    return --*left > 0;
}

static void parse_foreign(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    size_t left = 100000;
    struct foreign_batch *batch = foreign_batch_parse(view_make(data, size), &error);
    if (batch) {
        foreign_batch_each(batch, check_foreign, &left);
        foreign_batch_free(batch);
    } else {
        check(error && g_utf8_validate(error->message, -1, NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    struct record_parser *parser = record_parser_new();
    struct record record;
    g_autofree uint8_t *copy = g_memdup2(data, size); /* of exactly this size, so that a byte too far is seen */
    if (!record_parse(parser, copy, size, &record, &error)) {
        check(error && g_utf8_validate(error->message, -1, NULL));
    } else if (record.kind == RECORD_BATCH) {
        struct event event;
        for (size_t i = 0; i < record.batch.n_events; i++) {
            batch_event(&record.batch, i, &event);
            check_event(&event);
        }
        check_rejections(&record.batch);
        if (record.batch.n_events > 0)
            check_rebuilt(&record.batch);
    }
    parse_foreign(copy, size);
    record_parser_free(parser);
    return 0;
}
