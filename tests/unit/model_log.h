/* model_log: a random log: several collectors, with resends, restarts, ids, gaps, foreign records; seals, entries of the ledger and
 * erasures, most of them such as a closer would write; and a clock that jumps by days. For test_commit_model.c alone. */
#ifndef DAYBOOK_TEST_MODEL_LOG_H
#define DAYBOOK_TEST_MODEL_LOG_H

#include "tests/unit/model_closing.h"

enum { COLLECTORS = 2 };
static const int64_t BEGIN_MS = INT64_C(1700000000000);

struct collector {
    uint8_t stream[STREAM_ID_SIZE];
    uint64_t sequence;
    GPtrArray *sent; /* struct entry's bytes of this stream: for resends */
};

struct log_maker {
    GRand *random;         /* borrowed */
    GArray *log;           /* struct entry */
    struct oracle *oracle; /* has read all of it */
    struct batch_builder *builder;
    struct collector collectors[COLLECTORS];
    int64_t clock_ms;
    double jumps, closings; /* how likely a record is behind a jump of the clock, or one that closes days */
    bool erases;            /* seals for erasures too */
};

static uint32_t pick(GRand *random, uint32_t n)
{
    return n ? (uint32_t)g_rand_int_range(random, 0, (gint32)n) : 0;
}

static bool chance(GRand *random, double p)
{
    return g_rand_double(random) < p;
}

static void append_record(struct log_maker *maker, GBytes *bytes)
{
    struct entry entry = {bytes, maker->clock_ms};
    g_array_append_val(maker->log, entry);
    oracle_read(maker->oracle);
}

/* ---- usage ---- */

static void new_stream(struct log_maker *maker, struct collector *collector)
{
    for (size_t i = 0; i < STREAM_ID_SIZE; i++)
        collector->stream[i] = (uint8_t)pick(maker->random, 256);
    collector->sequence = 0;
    g_ptr_array_set_size(collector->sent, 0);
}

static void add_event(struct log_maker *maker)
{
    static const char *const clients[] = {"a", "b", "c", "u"}, *const routes[] = {"/x", "/y/{n}", "/z"},
                             *const users[] = {"", "u", "v", "w"};
    GRand *random = maker->random;
    char id[16] = "";
    if (chance(random, 0.3))
        g_snprintf(id, sizeof id, "id-%u", pick(random, 12));
    int64_t back_ms = chance(random, 0.7) ? pick(random, 120000) : (int64_t)pick(random, 4) * 3600000 * 20;
    const struct event event = {
        .time_ms = maker->clock_ms - back_ms,
        .organization = view_of(chance(random, 0.5) ? "o" : ""),
        .client = view_of(clients[pick(random, 4)]),
        .user = view_of(users[pick(random, 4)]),
        .method = view_of(chance(random, 0.8) ? "GET" : "POST"),
        .route = view_of(routes[pick(random, 3)]),
        .platform = view_of(chance(random, 0.2) ? "ios" : ""),
        .id = view_of(id),
        .status = chance(random, 0.8) ? 200 : 503,
        .latency_us = pick(random, 100000),
        .request_bytes = pick(random, 100),
        .response_bytes = pick(random, 1000),
    };
    batch_builder_add(maker->builder, &event);
}

/* Several of a reason and message, and several messages: what the builder makes of them is not under test here. */
static void add_rejections(struct log_maker *maker)
{
    static const char *const reasons[] = {"missing_field", "too_old", "malformed"}, *const messages[] = {"", "a", "b", "c"};
    GRand *random = maker->random;
    struct rejections *rejections = rejections_new();
    for (uint32_t n = 1 + pick(random, 4); n > 0; n--)
        rejections_add(rejections, &(struct rejection){.time_ms = chance(random, 0.8) ? maker->clock_ms - pick(random, 5000) : 0,
                                                       .count = 1 + pick(random, 3),
                                                       .reason = view_of(reasons[pick(random, 3)]),
                                                       .message = view_of(messages[pick(random, 4)]),
                                                       .sample = view_of(chance(random, 0.5) ? "{}" : "")});
    batch_builder_reject(maker->builder, chance(random, 0.7) ? "sim" : "sim two", rejections);
    rejections_free(rejections);
}

static void collect(struct log_maker *maker)
{
    GRand *random = maker->random;
    struct collector *collector = &maker->collectors[pick(random, COLLECTORS)];
    if (chance(random, 0.05))
        new_stream(maker, collector);
    if (collector->sent->len > 0 && chance(random, 0.2)) { /* a resend, from somewhere */
        for (guint i = pick(random, collector->sent->len); i < collector->sent->len; i++)
            append_record(maker, g_bytes_ref(collector->sent->pdata[i]));
        return;
    }
    if (chance(random, 0.02))
        collector->sequence++; /* lost before the log: a gap, or an unknown stream's quarantine */
    bool refuses = chance(random, 0.2);
    for (uint32_t n = pick(random, 5) + (refuses ? 0 : 1); n > 0; n--)
        add_event(maker);
    if (refuses)
        add_rejections(maker);
    struct batch_header header = {
        .partition = 0, .partition_count = 2, .sequence = ++collector->sequence, .created_ms = maker->clock_ms};
    memcpy(header.stream_id, collector->stream, STREAM_ID_SIZE);
    if (chance(random, 0.01))
        header.partition = 1; /* belongs elsewhere */
    GBytes *bytes = batch_builder_seal(maker->builder, &header);
    g_ptr_array_add(collector->sent, g_bytes_ref(bytes));
    append_record(maker, bytes);
}

static void beat(struct log_maker *maker)
{
    const struct collector *collector = &maker->collectors[pick(maker->random, COLLECTORS)];
    const uint64_t sequences[] = {collector->sequence, pick(maker->random, 3)};
    struct heartbeat heartbeat = {
        .collector = "sim", .clock_ms = maker->clock_ms - pick(maker->random, 5000), .last_sequence = sequences, .n_partitions = 2};
    memcpy(heartbeat.stream_id, collector->stream, STREAM_ID_SIZE);
    append_record(maker, record_heartbeat(&heartbeat));
}

/* ---- closing ---- */

/* Some of them are repeated, or too early, or of a day that is not over. */
static void seal_day(struct log_maker *maker)
{
    GRand *random = maker->random;
    const GPtrArray *days = maker->oracle->days;
    const struct oracle_day *day = days->len ? g_ptr_array_index(days, pick(random, days->len)) : NULL;
    struct day_seal seal = {.day = (uint32_t)(maker->clock_ms / KEYS_DAY_MS) - pick(random, 6), .revision = 1};
    if (day && chance(random, 0.9))
        seal = (struct day_seal){.day = (uint32_t)day->number, .revision = (uint32_t)day->sealed + 1};
    if (chance(random, 0.1))
        seal.revision = 1 + pick(random, 3);
    seal.reason = maker->erases && chance(random, 0.3) ? SEAL_ERASURE : (enum seal_reason)pick(random, 3);
    append_record(maker, ledger_seal(&seal));
}

/* One that goes on where the chain ends, or is wrong in one way. */
static void enter_day(struct log_maker *maker)
{
    GRand *random = maker->random;
    const struct oracle *oracle = maker->oracle;
    struct ledger_entry *entry = ledger_entry_new();
    struct partition_day *closed = partition_day_new();
    const struct oracle_day *day = NULL;
    for (int i = 0; i < 5 && (!day || day->ledgered == day->sealed); i++)
        day = g_ptr_array_index(oracle->days, pick(random, oracle->days->len));
    entry->day = (uint32_t)day->number;
    entry->revision = (uint32_t)day->ledgered + 1;
    entry->n = oracle->entries->len + 1;
    entry->has_previous = ledger_unhex(view_of(oracle->last_checksum), entry->previous_checksum);
    switch (pick(random, 12)) {
    case 0:
        entry->n = 1 + pick(random, oracle->entries->len + 2);
        break;
    case 1:
        entry->revision = 1 + pick(random, 3);
        break;
    case 2:
        entry->previous_checksum[pick(random, LEDGER_CHECKSUM_SIZE)] ^= 1;
        break;
    }
    entry->has_previous = entry->n > 1;
    closed->has_sheet = true;
    g_ptr_array_add(entry->partitions, closed);
    ledger_entry_add_up(entry);
    append_record(maker, ledger_entry_pack(entry));
    ledger_entry_free(entry);
}

/* The pseudonyms are of nobody, or of somebody who is there too. */
static void erase_user(struct log_maker *maker)
{
    const struct erasure erasure = {view_of(chance(maker->random, 0.5) ? "u" : "v"),
                                    view_of(chance(maker->random, 0.5) ? "x1" : "w")};
    append_record(maker, ledger_erasure(&erasure));
}

static void close_days(struct log_maker *maker)
{
    uint32_t what = pick(maker->random, 10);
    if (what < 6)
        seal_day(maker);
    else if (what < 7)
        erase_user(maker);
    else if (maker->oracle->days->len > 0)
        enter_day(maker);
}

static void write_log(struct log_maker *maker)
{
    GRand *random = maker->random;
    maker->clock_ms += pick(random, 20000);
    if (chance(random, maker->jumps))
        maker->clock_ms += (int64_t)pick(random, 49) * 3600000;
    if (chance(random, 0.001))
        maker->clock_ms += INT64_C(31) * KEYS_DAY_MS;
    if (chance(random, 0.01))
        append_record(maker, g_bytes_new_static("\xff junk", 6));
    else if (chance(random, 0.05))
        beat(maker);
    else if (chance(random, maker->closings))
        close_days(maker);
    else
        collect(maker);
}

/* ---- life ---- */

static void log_maker_init(struct log_maker *maker, GRand *random)
{
    *maker = (struct log_maker){.random = random, .clock_ms = BEGIN_MS, .log = g_array_new(FALSE, FALSE, sizeof(struct entry))};
    maker->oracle = oracle_new(maker->log);
    maker->builder = batch_builder_new();
    for (size_t i = 0; i < COLLECTORS; i++) {
        maker->collectors[i].sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        new_stream(maker, &maker->collectors[i]);
    }
}

static void log_maker_clear(struct log_maker *maker)
{
    oracle_free(maker->oracle);
    for (size_t i = 0; i < COLLECTORS; i++)
        g_ptr_array_free(maker->collectors[i].sent, TRUE);
    for (guint i = 0; i < maker->log->len; i++)
        g_bytes_unref(g_array_index(maker->log, struct entry, i).bytes);
    g_array_free(maker->log, TRUE);
    batch_builder_free(maker->builder);
}

#endif
