/* The rules of what is counted, one test each, on records made by lib/record.h. */
#include "cli/counts.h"
#include "cli/recount_tally.h"
#include "lib/keys.h"
#include "lib/ledger.h"

#include <string.h>

#define T0 INT64_C(1795219200000) /* a UTC midnight */
#define HOUR INT64_C(3600000)
#define DAY KEYS_DAY_MS

struct fixture {
    struct names *names;
    struct counts *counts;
    struct series *series;
    struct recount_tally tally;
    struct recount_log *log;
    struct batch_builder *builder;
    int64_t offset;             /* of the next record of partition 0 */
    GArray *seals;              /* struct recount_seal: those that counted */
    GPtrArray *names_of_events; /* "revision user platform", if users are listened to */
    GPtrArray *erasures;        /* "user pseudonym" */
};

/* ---- listeners ---- */

static void heard_event(void *opaque, const struct recount_event *event)
{
    struct fixture *f = opaque;

    recount_tally_listener(&f->tally).event(&f->tally, event);
    g_ptr_array_add(f->names_of_events,
                    g_strdup_printf("%d %s %s %s", event->revision, event->user, event->platform, event->template));
}

static void heard_seal(void *opaque, const struct recount_seal *seal)
{
    struct fixture *f = opaque;

    g_array_append_val(f->seals, *seal);
}

static void heard_erasure(void *opaque, const struct recount_erasure *erasure)
{
    struct fixture *f = opaque;

    g_ptr_array_add(f->erasures, g_strdup_printf("%s %s", erasure->user, erasure->pseudonym));
}

static void set_up(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    f->names = names_new();
    f->counts = counts_new();
    f->series = series_new();
    f->tally = (struct recount_tally){f->counts, f->series};
    f->seals = g_array_new(FALSE, FALSE, sizeof(struct recount_seal));
    f->names_of_events = g_ptr_array_new_with_free_func(g_free);
    f->erasures = g_ptr_array_new_with_free_func(g_free);
    const struct recount_listener listener = {
        .opaque = f, .users = true, .event = heard_event, .seal = heard_seal, .erasure = heard_erasure};
    f->log = recount_log_new(2, f->names, f->counts->sums, &listener);
    f->builder = batch_builder_new();
}

static void tear_down(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    batch_builder_free(f->builder);
    recount_log_free(f->log);
    counts_free(f->counts);
    series_free(f->series);
    names_free(f->names);
    g_array_unref(f->seals);
    g_ptr_array_unref(f->names_of_events);
    g_ptr_array_unref(f->erasures);
}

/* Gives partition 0 its next record. */
static void give(struct fixture *f, int64_t at, const void *data, size_t size)
{
    recount_log_take(f->log, 0, f->offset++, at, view_make(data, size));
}

static struct event event_at(int64_t time_ms)
{
    return (struct event){.time_ms = time_ms,
                          .organization = view_of("acme"),
                          .client = view_of("c-1"),
                          .method = view_of("GET"),
                          .route = view_of("/v1/orders/{id}"),
                          .status = 200};
}

static void add(struct fixture *f, const char *client, const char *route, uint32_t status, const char *id)
{
    struct event event = event_at(T0);

    event.client = view_of(client);
    event.route = view_of(route);
    event.status = status;
    event.id = view_of(id);
    batch_builder_add(f->builder, &event);
}

/* Seals what was added and gives it to partition 0 at log time `at`. */
static void take(struct fixture *f, char stream, uint64_t sequence, int64_t created_ms, int64_t at)
{
    struct batch_header header = {.partition = 0, .partition_count = 2, .sequence = sequence, .created_ms = created_ms};

    memset(header.stream_id, stream, sizeof header.stream_id);
    g_autoptr(GBytes) bytes = batch_builder_seal(f->builder, &header);
    give(f, at, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static uint64_t count(struct fixture *f, const char *organization, const char *client, const char *route, uint32_t status)
{
    const struct counts_key key = {
        .day = T0 / DAY,
        .organization = names_get(f->names, view_of(organization)),
        .client = names_get(f->names, view_of(client)),
        .route = names_get(f->names, view_of(route)),
        .status = status,
    };

    return counts_get(f->counts, &key);
}

static void test_counts(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    add(f, "c-1", "/a", 200, "");
    add(f, "c-1", "/a", 200, "");
    add(f, "c-1", "/a", 404, "");
    add(f, "c-2", "/b", 200, "");
    take(f, 'a', 1, T0, T0);
    g_assert_cmpuint(count(f, "acme", "c-1", "GET /a", 200), ==, 2);
    g_assert_cmpuint(count(f, "acme", "c-1", "GET /a", 404), ==, 1);
    g_assert_cmpuint(count(f, "acme", "c-2", "GET /b", 200), ==, 1);
    g_assert_cmpuint(count(f, "acme", "c-2", "GET /a", 200), ==, 0);
    g_assert_cmpuint(f->counts->sums[COUNTS_EVENTS], ==, 4);
}

static void test_days(struct fixture *f, gconstpointer unused)
{
    struct event last = event_at(T0 + DAY - 1);
    struct event next = event_at(T0 + DAY);

    (void)unused;
    batch_builder_add(f->builder, &last);
    batch_builder_add(f->builder, &next);
    take(f, 'a', 1, T0, T0);
    g_assert_cmpuint(count(f, "acme", "c-1", "GET /v1/orders/{id}", 200), ==, 1);
    g_assert_cmpuint(g_hash_table_size(f->counts->cells), ==, 2);
}

static void test_sequences(struct fixture *f, gconstpointer unused)
{
    const uint64_t *sums = f->counts->sums;

    (void)unused;
    for (uint64_t i = 0; i < 2; i++) {
        add(f, "c-1", "/a", 200, "");
        take(f, 'a', 1, T0, T0);
    }
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 1);
    g_assert_cmpuint(sums[COUNTS_DUPLICATE_BATCHES], ==, 1);
    g_assert_cmpuint(sums[COUNTS_DUPLICATE_BATCH_EVENTS], ==, 1);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 5, T0, T0);
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 2);
    g_assert_cmpuint(sums[COUNTS_GAPS], ==, 1);
    g_assert_cmpuint(sums[COUNTS_GAP_BATCHES], ==, 3);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 4, T0, T0); /* filled in too late: below the high-water mark */
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 2);
    g_assert_cmpuint(sums[COUNTS_DUPLICATE_BATCHES], ==, 2);
}

static void test_quarantine(struct fixture *f, gconstpointer unused)
{
    const uint64_t *sums = f->counts->sums;

    (void)unused;
    give(f, T0, "no record", 9);
    g_assert_cmpuint(sums[COUNTS_QUARANTINED], ==, 1);
    add(f, "c-1", "/a", 200, "");
    take(f, 'b', 2, T0, T0); /* unknown stream, not its first batch */
    add(f, "c-1", "/a", 200, "");
    take(f, 'c', 1, T0 - 30 * DAY, T0); /* unknown and too old */
    g_assert_cmpuint(sums[COUNTS_QUARANTINED], ==, 3);
    g_assert_cmpuint(sums[COUNTS_QUARANTINED_EVENTS], ==, 2);
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 0);
    add(f, "c-1", "/a", 200, "");
    take(f, 'd', 1, T0 - 30 * DAY + 1, T0); /* just not */
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 1);
}

static void test_other_partition(struct fixture *f, gconstpointer unused)
{
    struct batch_header header = {.partition = 1, .partition_count = 2, .sequence = 1, .created_ms = T0};

    (void)unused;
    add(f, "c-1", "/a", 200, "");
    g_autoptr(GBytes) bytes = batch_builder_seal(f->builder, &header);
    give(f, T0, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 1);
    recount_log_take(f->log, 1, 0, T0, view_make(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
    g_assert_cmpuint(f->counts->sums[COUNTS_EVENTS], ==, 1);
}

/* A stream is forgotten 30 days after its newest batch; what then comes of it is not counted twice but shown. */
static void test_forgotten_stream(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 1, T0, T0);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 1, T0, T0 + 30 * DAY - 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_DUPLICATE_BATCHES], ==, 1);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 1, T0, T0 + 30 * DAY);
    g_assert_cmpuint(f->counts->sums[COUNTS_DUPLICATE_BATCHES], ==, 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_EVENTS], ==, 1);
}

static void test_import_is_remembered(struct fixture *f, gconstpointer unused)
{
    struct batch_header header = {.partition_count = 2, .sequence = 1, .created_ms = 1, .import = true};

    (void)unused;
    add(f, "c-1", "/a", 200, "");
    g_autoptr(GBytes) bytes = batch_builder_seal(f->builder, &header);
    give(f, T0, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    give(f, T0 + 3650 * DAY, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    g_assert_cmpuint(f->counts->sums[COUNTS_EVENTS], ==, 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_DUPLICATE_BATCHES], ==, 1);
}

static void test_ids(struct fixture *f, gconstpointer unused)
{
    const uint64_t *sums = f->counts->sums;

    (void)unused;
    add(f, "c-1", "/a", 200, "x");
    add(f, "c-1", "/a", 200, "x");
    add(f, "c-2", "/a", 200, "x"); /* another client's id */
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 1, T0, T0 + 23 * HOUR);
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 3);
    g_assert_cmpuint(sums[COUNTS_DUPLICATES], ==, 1);
    add(f, "c-1", "/a", 200, "x");
    take(f, 'a', 2, T0, T0 + 47 * HOUR - 1); /* the day has changed, 24 h have not passed */
    g_assert_cmpuint(sums[COUNTS_DUPLICATES], ==, 2);
    add(f, "c-1", "/a", 200, "x");
    take(f, 'a', 3, T0, T0 + 47 * HOUR);
    g_assert_cmpuint(sums[COUNTS_DUPLICATES], ==, 2);
    g_assert_cmpuint(sums[COUNTS_EVENTS], ==, 4);
}

/* The clock never goes back. */
static void test_clock(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    add(f, "c-1", "/a", 200, "x");
    take(f, 'a', 1, T0, T0 + 25 * HOUR);
    add(f, "c-1", "/a", 200, "x");
    take(f, 'a', 2, T0, T0);
    g_assert_cmpuint(f->counts->sums[COUNTS_DUPLICATES], ==, 1);
}

static void test_route_cap(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    for (int i = 0; i < KEYS_ROUTES_MAX + 5; i++) {
        g_autofree char *route = g_strdup_printf("/r%d", i);
        add(f, "c-1", route, 200, "");
    }
    add(f, "c-1", "/r0", 200, "");
    add(f, "c-2", "/r1003", 200, "");
    take(f, 'a', 1, T0, T0);
    g_assert_cmpuint(count(f, "acme", "c-1", KEYS_OTHER, 200), ==, 5);
    g_assert_cmpuint(count(f, "acme", "c-1", "GET /r0", 200), ==, 2);
    g_assert_cmpuint(count(f, "acme", "c-1", "GET /r1003", 200), ==, 0);
    g_assert_cmpuint(count(f, "acme", "c-2", "GET /r1003", 200), ==, 1);
}

static void test_client_cap(struct fixture *f, gconstpointer unused)
{
    uint64_t sequence = 0;

    (void)unused;
    for (int i = 0; i < KEYS_CLIENTS_MAX + 3; i++) {
        g_autofree char *client = g_strdup_printf("c-%d", i);
        add(f, client, "/a", 200, "");
        if (batch_builder_count(f->builder) == 10000)
            take(f, 'a', ++sequence, T0, T0);
    }
    add(f, "c-7", "/a", 200, "");
    take(f, 'a', ++sequence, T0, T0);
    g_assert_cmpuint(count(f, "", KEYS_OTHER, "GET /a", 200), ==, 3);
    g_assert_cmpuint(count(f, "acme", "c-7", "GET /a", 200), ==, 2);
    g_assert_cmpuint(count(f, "acme", "c-100001", "GET /a", 200), ==, 0);
}

static void test_compare(struct fixture *f, gconstpointer unused)
{
    struct counts *redis = counts_new();
    struct counts_key key = {.day = T0 / DAY,
                             .organization = names_get(f->names, view_of("acme")),
                             .client = names_get(f->names, view_of("c-1")),
                             .route = names_get(f->names, view_of("GET /a")),
                             .status = 200};

    (void)unused;
    add(f, "c-1", "/a", 200, "");
    add(f, "c-1", "/b", 200, "");
    take(f, 'a', 1, T0, T0);
    counts_add(redis, &key, 7);
    key.status = 500;
    counts_add(redis, &key, 1);
    g_autoptr(GArray) rows = counts_compare(f->counts, redis);
    g_assert_cmpuint(rows->len, ==, 3);
    const struct counts_row *row = (const struct counts_row *)(gpointer)rows->data;
    g_assert_cmpuint(row[0].log, ==, 1);
    g_assert_cmpuint(row[0].redis, ==, 7);
    g_assert_cmpuint(row[1].log, ==, 0);
    g_assert_cmpuint(row[1].key.status, ==, 500);
    g_assert_cmpstr(row[2].key.route, ==, "GET /b");
    counts_free(redis);
}

static void test_series(struct fixture *f, gconstpointer unused)
{
    const struct series_key minute = {SERIES_MINUTES, 0, T0 / KEYS_MINUTE_MS, 0};
    const struct series_key slot = {SERIES_SLOT_CLIENTS, 0, T0 / KEYS_SLOT_MS, 1};
    struct event later = event_at(T0 + 16 * 60000);
    const int64_t oldest[2] = {0};
    const struct series_limits limits = {.oldest_minute = oldest};
    size_t compared = 0;

    (void)unused;
    add(f, "c-1", "/a", 200, "");
    add(f, "c-2", "/b", 404, "x");
    add(f, "c-2", "/b", 404, "x");
    batch_builder_add(f->builder, &later);
    take(f, 'a', 1, T0, T0);
    g_assert_cmpuint(series_get(f->series, minute), ==, 2);
    g_assert_cmpuint(series_get(f->series, slot), ==, 2);
    g_assert_cmpint(recount_log_oldest_minute(f->log, 0), ==, (T0 - KEYS_MINUTE_KEPT_MS) / KEYS_MINUTE_MS);
    g_assert_cmpint(recount_log_oldest_minute(f->log, 1), ==, 0);
    /* Redis has nothing at all: every way of keeping the two minutes and two slots is different. */
    struct series *redis = series_new();
    g_autoptr(GArray) all = series_compare(f->series, redis, &limits, &compared);
    g_assert_cmpuint(compared, ==, 8);
    g_assert_cmpuint(all->len, ==, 8);
    series_free(redis);
}

static void test_series_comparison(struct fixture *f, gconstpointer unused)
{
    struct series *redis = series_new();
    int64_t oldest[2] = {0};
    const struct series_limits limits = {.oldest_minute = oldest};
    size_t compared = 0;

    (void)f;
    (void)unused;
    series_add(f->series, (struct series_key){SERIES_MINUTES, 1, 100, 0}, 5);
    series_add(redis, (struct series_key){SERIES_MINUTES, 1, 100, 0}, 3);
    series_add(redis, (struct series_key){SERIES_MINUTES, 1, 100, 0}, 2);
    series_add(redis, (struct series_key){SERIES_MINUTE_CLIENTS, 1, 100, 0}, 4);
    series_add(redis, (struct series_key){SERIES_SLOT_ROUTES, 0, 7, 1}, 1);
    g_autoptr(GArray) rows = series_compare(f->series, redis, &limits, &compared);
    g_assert_cmpuint(compared, ==, 3);
    g_assert_cmpuint(rows->len, ==, 2);
    const struct series_difference *row = (const struct series_difference *)(gpointer)rows->data;
    g_assert_cmpint(row[0].key.kind, ==, SERIES_MINUTE_CLIENTS);
    g_assert_cmpuint(row[0].log, ==, 5);
    g_assert_cmpuint(row[0].redis, ==, 4);
    g_assert_cmpint(row[1].key.kind, ==, SERIES_SLOT_ROUTES);
    /* A minute that may be gone is not looked at; a slot is. */
    oldest[1] = 101;
    g_autoptr(GArray) fewer = series_compare(f->series, redis, &limits, &compared);
    g_assert_cmpuint(fewer->len, ==, 1);
    series_free(redis);
}

static bool revision_1_is_sheeted(const void *opaque, int partition, int64_t day, int revision)
{
    return partition == 0 && day == *(const int64_t *)opaque && revision <= 1;
}

/* What is in a sheet need not be in buckets; what came later must be. */
static void test_series_behind_a_sheet(struct fixture *f, gconstpointer unused)
{
    const int64_t oldest[2] = {0}, day = T0 / DAY;
    const struct series_limits limits = {oldest, revision_1_is_sheeted, &day};
    struct series *redis = series_new();
    size_t compared = 0;

    (void)unused;
    for (int revision = 1; revision <= 2; revision++)
        series_add(f->series, (struct series_key){SERIES_SLOT_CLIENTS, 0, T0 / KEYS_SLOT_MS, revision}, 3);
    series_add(redis, (struct series_key){SERIES_SLOT_CLIENTS, 0, T0 / KEYS_SLOT_MS, 2}, 2);
    series_add(redis, (struct series_key){SERIES_SLOT_ROUTES, 0, T0 / KEYS_SLOT_MS, 2}, 3);
    g_autoptr(GArray) rows = series_compare(f->series, redis, &limits, &compared);
    g_assert_cmpuint(compared, ==, 2);
    g_assert_cmpuint(rows->len, ==, 1);
    const struct series_difference *row = (const struct series_difference *)(gpointer)rows->data;
    g_assert_cmpint(row->key.revision, ==, 2);
    g_assert_cmpuint(row->redis, ==, 2);
    series_free(redis);
}

/* ---- seals ---- */

static void seal(struct fixture *f, int64_t day, uint32_t revision, int64_t at)
{
    const struct day_seal seal = {.day = (uint32_t)day, .revision = revision, .reason = SEAL_DAY_END};
    g_autoptr(GBytes) bytes = ledger_seal(&seal);

    give(f, at, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static const struct recount_seal *seal_at(const struct fixture *f, guint i)
{
    g_assert_cmpuint(i, <, f->seals->len);
    return &g_array_index(f->seals, struct recount_seal, i);
}

static void test_seal(struct fixture *f, gconstpointer unused)
{
    const int64_t day = T0 / DAY;

    (void)unused;
    give(f, T0, "no record", 9);
    add(f, "c-1", "/a", 200, "x");
    add(f, "c-1", "/a", 200, "x");
    take(f, 'a', 1, T0, T0);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 3, T0, T0 + HOUR);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 2, T0, T0 + HOUR);
    seal(f, day, 1, T0 + DAY);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 4, T0, T0 + DAY);
    seal(f, day, 2, T0 + DAY);
    g_assert_cmpuint(f->seals->len, ==, 2);
    const struct recount_seal *first = seal_at(f, 0), *second = seal_at(f, 1);
    g_assert_cmpint(first->revision, ==, 1);
    g_assert_cmpint(first->offset, ==, 4);
    g_assert_cmpint(first->clock_ms, ==, T0 + DAY);
    g_assert_cmpuint(first->events, ==, 2);
    g_assert_cmpuint(first->late, ==, 0);
    g_assert_cmpuint(first->duplicates, ==, 2); /* one by its id, one by its sequence */
    g_assert_cmpuint(first->gaps, ==, 1);
    g_assert_cmpuint(first->gap_batches, ==, 1);
    g_assert_cmpuint(first->quarantined, ==, 1);
    g_assert_cmpint(first->first_offset, ==, 1);
    g_assert_cmpint(first->end_offset, ==, 3);
    g_assert_cmpint(second->revision, ==, 2);
    g_assert_cmpuint(second->events, ==, 3);
    g_assert_cmpuint(second->late, ==, 1);
    g_assert_cmpuint(second->duplicates, ==, 2);
    g_assert_cmpint(second->first_offset, ==, 1);
    g_assert_cmpint(second->end_offset, ==, 6);
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 1);
}

static void test_seals_that_do_not_count(struct fixture *f, gconstpointer unused)
{
    const int64_t day = T0 / DAY;

    (void)unused;
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 1, T0, T0);
    seal(f, day, 1, T0 + DAY - 1); /* not over */
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED_EVENTS], ==, 0);
    seal(f, day, 2, T0 + DAY); /* not the next one */
    g_assert_cmpuint(f->seals->len, ==, 0);
    seal(f, day, 1, T0 + DAY);
    seal(f, day, 1, T0 + DAY); /* once more */
    g_assert_cmpuint(f->seals->len, ==, 1);
    g_assert_cmpuint(seal_at(f, 0)->quarantined, ==, 0); /* a seal that came too early is no usage that is missing */
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 1);
}

/* Entries of the ledger and erasures are records of a known kind. */
static void test_other_records(struct fixture *f, gconstpointer unused)
{
    const struct erasure erasure = {view_of("ann"), view_of("erased-1")};
    struct ledger_entry *entry = ledger_entry_new();
    g_autoptr(GBytes) erased = ledger_erasure(&erasure);

    (void)unused;
    entry->n = 1;
    entry->day = (uint32_t)(T0 / DAY);
    entry->revision = 1;
    g_autoptr(GBytes) closed = ledger_entry_pack(entry);
    give(f, T0, g_bytes_get_data(closed, NULL), g_bytes_get_size(closed));
    give(f, T0, g_bytes_get_data(erased, NULL), g_bytes_get_size(erased));
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 0);
    recount_log_take(f->log, 1, 0, T0, view_make(g_bytes_get_data(closed, NULL), g_bytes_get_size(closed)));
    g_assert_cmpuint(f->counts->sums[COUNTS_QUARANTINED], ==, 1);
    g_assert_cmpuint(f->erasures->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(f->erasures, 0), ==, "ann erased-1");
    ledger_entry_free(entry);
}

/* A revision has names of its own: what was over the cap before is not any more. */
static void test_caps_of_a_revision(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    for (int i = 0; i < KEYS_ROUTES_MAX; i++) {
        g_autofree char *route = g_strdup_printf("/r%d", i);
        add(f, "c-1", route, 200, "");
    }
    add(f, "c-1", "/late", 200, "");
    take(f, 'a', 1, T0, T0);
    g_assert_cmpuint(count(f, "acme", "c-1", KEYS_OTHER, 200), ==, 1);
    seal(f, T0 / DAY, 1, T0 + DAY);
    add(f, "c-1", "/late", 200, "");
    take(f, 'a', 2, T0, T0 + DAY);
    g_assert_cmpuint(count(f, "acme", "c-1", "GET /late", 200), ==, 1);
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_ROUTES_MAX), ==, "1   " KEYS_OTHER);
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_ROUTES_MAX + 1), ==, "2   /late");
}

static void test_user_and_platform_caps(struct fixture *f, gconstpointer unused)
{
    struct event event = event_at(T0);

    (void)unused;
    for (int i = 0; i < KEYS_USERS_MAX + 2; i++) {
        g_autofree char *user = g_strdup_printf("u%d", i % (KEYS_USERS_MAX + 1));
        g_autofree char *platform = g_strdup_printf("p%d", MIN(i, KEYS_PLATFORMS_MAX));
        event.user = view_of(user);
        event.platform = view_of(platform);
        batch_builder_add(f->builder, &event);
    }
    take(f, 'a', 1, T0, T0);
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_PLATFORMS_MAX - 1), ==, "1 u63 p63 /v1/orders/{id}");
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_PLATFORMS_MAX), ==, "1 u64 {other} /v1/orders/{id}");
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_USERS_MAX - 1), ==, "1 u9999 {other} /v1/orders/{id}");
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_USERS_MAX), ==, "1 {other} {other} /v1/orders/{id}");
    g_assert_cmpstr(g_ptr_array_index(f->names_of_events, KEYS_USERS_MAX + 1), ==, "1 u0 {other} /v1/orders/{id}");
}

/* Without the log's beginning a stream begins where it is met. */
static void test_begins_late(struct fixture *f, gconstpointer unused)
{
    (void)unused;
    recount_log_begins_late(f->log, 0);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 7, T0, T0);
    add(f, "c-1", "/a", 200, "");
    take(f, 'a', 7, T0, T0);
    g_assert_cmpuint(f->counts->sums[COUNTS_EVENTS], ==, 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_DUPLICATE_BATCHES], ==, 1);
    g_assert_cmpuint(f->counts->sums[COUNTS_GAPS], ==, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(struct fixture *, gconstpointer);
    } tests[] = {
        {"/recount_log/counts", test_counts},
        {"/recount_log/days", test_days},
        {"/recount_log/sequences", test_sequences},
        {"/recount_log/quarantine", test_quarantine},
        {"/recount_log/other_partition", test_other_partition},
        {"/recount_log/forgotten_stream", test_forgotten_stream},
        {"/recount_log/import", test_import_is_remembered},
        {"/recount_log/ids", test_ids},
        {"/recount_log/clock", test_clock},
        {"/recount_log/route_cap", test_route_cap},
        {"/recount_log/client_cap", test_client_cap},
        {"/counts/compare", test_compare},
        {"/series/counted", test_series},
        {"/series/compare", test_series_comparison},
        {"/series/sheeted", test_series_behind_a_sheet},
        {"/recount_log/seal", test_seal},
        {"/recount_log/seals_ignored", test_seals_that_do_not_count},
        {"/recount_log/other_records", test_other_records},
        {"/recount_log/caps_of_a_revision", test_caps_of_a_revision},
        {"/recount_log/user_caps", test_user_and_platform_caps},
        {"/recount_log/begins_late", test_begins_late},
    };

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, struct fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
