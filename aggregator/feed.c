#include "aggregator/feed.h"

struct feed {
    struct record_parser *parsers[FEED_MAX];
    struct fed fed[FEED_MAX];
};

struct feed *feed_new(void)
{
    return g_new0(struct feed, 1);
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    for (size_t i = 0; i < FEED_MAX; i++) {
        record_parser_free(feed->parsers[i]);
        g_free(feed->fed[i].reason);
    }
    g_free(feed);
}

struct fed *feed_parse(struct feed *feed, const struct log_record *records, size_t n)
{
    g_assert(n <= FEED_MAX);
    for (size_t i = 0; i < n; i++) {
        g_autoptr(GError) error = NULL;
        struct fed *fed = &feed->fed[i];
        if (!feed->parsers[i])
            feed->parsers[i] = record_parser_new();
        g_clear_pointer(&fed->reason, g_free);
        fed->log = &records[i];
        fed->valid = record_parse(feed->parsers[i], records[i].data, records[i].size, &fed->record, &error);
        if (!fed->valid)
            fed->reason = g_strdup(error->message);
    }
    return feed->fed;
}
