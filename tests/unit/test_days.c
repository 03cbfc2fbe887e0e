#include "aggregator/days.h"
#include "lib/keys.h"
#include "tests/unit/model_store.h"

enum { PARTITION = 3, DAY = 20000 };
static const int64_t END_MS = (DAY + 1) * KEYS_DAY_MS;
static const char *const stream_a = "0a000000000000000000000000000000", *const stream_b = "0b0102030405060708090a0b0c0d0e0f",
                         *const stream_c = "ff000000000000000000000000000001";

struct world {
    struct owner owner;
    struct payload *payload;
    struct outbox *outbox;
    struct days *days;
    struct mirror *hw, *hb;
};

static void forget(struct world *world)
{
    days_free(world->days);
    outbox_free(world->outbox);
    mirror_free(world->hw);
    mirror_free(world->hb);
}

/* Reads everything again, as a new owner does. */
static bool claim(struct world *world, GError **error)
{
    forget(world);
    owner_claim(&world->owner, PARTITION);
    world->outbox = outbox_new(PARTITION);
    world->days = days_new(PARTITION, world->outbox);
    world->hw = mirror_new(PARTITION, "hw");
    world->hb = mirror_new(PARTITION, "hb");
    days_load(world->days, world->owner.commit);
    owner_read(&world->owner);
    return days_learn(world->days, error);
}

static void claim_well(struct world *world)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(claim(world, &error));
    g_assert_no_error(error);
}

static void world_init(struct world *world)
{
    *world = (struct world){.payload = payload_new()};
    owner_init(&world->owner);
    claim_well(world);
}

static void world_clear(struct world *world)
{
    forget(world);
    payload_free(world->payload);
    owner_clear(&world->owner);
}

static void flush(struct world *world)
{
    days_flush(world->days, world->payload);
    outbox_flush(world->outbox, world->payload);
    owner_flush(&world->owner, world->payload);
    owner_read(&world->owner);
}

static void expect_hash(struct world *world, const char *kind, const char *wanted)
{
    char key[KEYS_MAX];
    keys_plain(key, PARTITION, kind);
    g_autofree char *found = owner_hash(&world->owner, key);
    g_assert_cmpstr(found, ==, wanted);
}

static struct day *day_of(struct world *world, int64_t number)
{
    struct day *day = days_get(world->days, number);
    g_assert_cmpint(day->number, ==, number);
    return day;
}

static void seal(struct world *world, int64_t number, int64_t offset)
{
    const struct seal_point point = {.offset = offset, .clock_ms = END_MS + offset, .reason = SEAL_LATE};
    days_seal(world->days, day_of(world, number), &point, world->hw, world->hb);
}

/* What Redis has of a sealed revision; the caller frees it. */
static struct partition_day *closed(struct world *world, const char *generation)
{
    g_autoptr(GError) error = NULL;
    struct partition_day *day = partition_day_parse(model_text(world->owner.model, view_of("{p3}:closed"), generation), &error);
    g_assert_no_error(error);
    return day;
}

static void finish(struct world *world, int64_t number)
{
    struct day *day = day_of(world, number);
    g_autofree char *generation = g_strdup_printf("%" G_GINT64_FORMAT ".%d", number, day->state.sheeted + 1);
    struct partition_day *result = closed(world, generation);
    g_assert_false(result->has_sheet);
    result->has_sheet = true;
    memset(result->sheet_checksum, 'S', sizeof result->sheet_checksum);
    days_finish(world->days, day, result);
    partition_day_free(result);
}

/* ---- what came ---- */

static void expect_open(struct world *world, const char *field, const struct open_day *wanted)
{
    char text[OPEN_TEXT_MAX];
    open_day_write(wanted, text);
    struct view found = model_text(world->owner.model, view_of("{p3}:open"), field);
    if (!view_is(found, text))
        g_error("open %s is \"%.*s\", wanted \"%s\"", field, (int)found.size, found.data, text);
}

static void test_counts(void)
{
    struct world world;
    world_init(&world);
    struct day *day = day_of(&world, DAY);
    g_assert_false(day->has_open);
    days_count(day, 3, 7, 1000);
    days_duplicates(day, 2);
    days_count(day, 1, 9, 1500);
    days_gap(day, 4);
    days_gap(day, 1);
    days_quarantined(day);
    expect_hash(&world, "open", "");
    flush(&world);
    struct open_day wanted = {.events = 4,
                              .duplicates = 2,
                              .gaps = 2,
                              .gap_batches = 5,
                              .quarantined = 1,
                              .first_offset = 7,
                              .end_offset = 10,
                              .first_ms = 1000,
                              .last_ms = 1500};
    expect_open(&world, "20000.1", &wanted);
    expect_hash(&world, "days", ""); /* nothing was sealed */
    claim_well(&world);
    day = day_of(&world, DAY);
    g_assert_true(day->has_open);
    days_count(day, 1, 20, 2000);
    flush(&world);
    wanted.events = 5;
    wanted.end_offset = 21;
    wanted.last_ms = 2000;
    expect_open(&world, "20000.1", &wanted);
    world_clear(&world);
}

/* A day of which only something else was heard has no offsets, and its first event gives it some, also at offset 0. */
static void test_first_event(void)
{
    struct world world;
    world_init(&world);
    days_quarantined(day_of(&world, DAY));
    flush(&world);
    expect_open(&world, "20000.1", &(struct open_day){.quarantined = 1});
    days_count(day_of(&world, DAY), 1, 0, 10);
    days_count(day_of(&world, DAY), 1, 5, 20);
    days_count(day_of(&world, DAY - 1), 2, 5, 20);
    flush(&world);
    expect_open(
        &world, "20000.1",
        &(struct open_day){.events = 2, .quarantined = 1, .first_offset = 0, .end_offset = 6, .first_ms = 10, .last_ms = 20});
    expect_open(&world, "19999.1",
                &(struct open_day){.events = 2, .first_offset = 5, .end_offset = 6, .first_ms = 20, .last_ms = 20});
    world_clear(&world);
}

static bool count_command(const struct payload_command *command, void *opaque)
{
    (void)command;
    ++*(guint *)opaque;
    return true;
}

/* Only what changed is written. */
static void test_clean(void)
{
    struct world world;
    guint commands = 0;
    world_init(&world);
    days_count(day_of(&world, DAY), 1, 1, 1);
    days_heard(world.days, day_of(&world, DAY), stream_a, 1);
    flush(&world);
    day_of(&world, DAY);
    days_heard(world.days, day_of(&world, DAY), stream_a, 1);
    days_heard(world.days, day_of(&world, DAY), stream_a, 0);
    days_flush(world.days, world.payload);
    g_assert_true(payload_each(payload_bytes(world.payload), count_command, &commands));
    g_assert_cmpuint(commands, ==, 0);
    world_clear(&world);
}

static void test_heard(void)
{
    struct world world;
    world_init(&world);
    const struct day *day = day_of(&world, DAY);
    days_heard(world.days, day, stream_a, 0);
    flush(&world);
    expect_hash(&world, "streams", "20000.1 0a000000000000000000000000000000=0 0");
    days_heard(world.days, day, stream_a, 5);
    days_heard(world.days, day, stream_a, 9);
    days_heard(world.days, day, stream_a, 0);
    days_heard(world.days, day_of(&world, DAY + 1), stream_a, 10);
    flush(&world);
    expect_hash(&world, "streams", "20000.1 0a000000000000000000000000000000=5 9 20001.1 0a000000000000000000000000000000=10 10");
    claim_well(&world);
    days_heard(world.days, day_of(&world, DAY), stream_a, 12);
    flush(&world);
    expect_hash(&world, "streams", "20000.1 0a000000000000000000000000000000=5 12 20001.1 0a000000000000000000000000000000=10 10");
    world_clear(&world);
}

/* ---- seals ---- */

/* A seal writes down what came, and the next event is of the next revision. */
static void test_seal(void)
{
    struct world world;
    world_init(&world);
    struct day *day = day_of(&world, DAY);
    days_count(day, 3, 7, 1000);
    days_duplicates(day, 2);
    days_gap(day, 4);
    days_quarantined(day);
    days_heard(world.days, day, stream_a, 1);
    days_heard(world.days, day_of(&world, DAY + 1), stream_a, 1);
    days_count(day_of(&world, DAY + 1), 1, 8, 1001);
    flush(&world);
    const struct seal_point point = {.offset = 30, .clock_ms = END_MS + 5, .reason = SEAL_REQUESTED};
    days_seal(world.days, day, &point, world.hw, world.hb);
    days_count(day, 1, 31, END_MS + 6);
    flush(&world);
    expect_hash(&world, "days", "20000=1 0 0 0");
    expect_hash(&world, "streams", "20001.1 0a000000000000000000000000000000=1 1");
    g_assert_cmpuint(model_text(world.owner.model, view_of("{p3}:open"), "20000.1").size, ==, 0);
    expect_open(
        &world, "20000.2",
        &(struct open_day){.events = 1, .first_offset = 31, .end_offset = 32, .first_ms = END_MS + 6, .last_ms = END_MS + 6});
    struct partition_day *found = closed(&world, "20000.1");
    g_assert_cmpuint(found->partition, ==, PARTITION);
    g_assert_cmpuint(found->seal_offset, ==, 30);
    g_assert_cmpint(found->sealed_at_ms, ==, END_MS + 5);
    g_assert_cmpint(found->reason, ==, SEAL_REQUESTED);
    g_assert_cmpuint(found->first_offset, ==, 7);
    g_assert_cmpuint(found->end_offset, ==, 8);
    g_assert_cmpuint(found->events, ==, 3);
    g_assert_cmpuint(found->late, ==, 0);
    g_assert_cmpuint(found->duplicates, ==, 2);
    g_assert_cmpuint(found->gaps, ==, 1);
    g_assert_cmpuint(found->gap_batches, ==, 4);
    g_assert_cmpuint(found->quarantined, ==, 1);
    g_assert_false(found->has_sheet);
    g_assert_false(found->incomplete);
    g_assert_cmpuint(found->streams->len, ==, 1);
    partition_day_free(found);
    claim_well(&world);
    g_assert_cmpint(day_of(&world, DAY)->state.sealed, ==, 1);
    g_assert_true(day_of(&world, DAY)->has_open);
    world_clear(&world);
}

/* A day that nothing was ever heard of can be sealed too, and again. */
static void test_seal_empty(void)
{
    struct world world;
    world_init(&world);
    seal(&world, DAY, 4);
    seal(&world, DAY, 5);
    flush(&world);
    expect_hash(&world, "days", "20000=2 0 0 0");
    expect_hash(&world, "open", "");
    struct partition_day *first = closed(&world, "20000.1"), *second = closed(&world, "20000.2");
    g_assert_cmpuint(first->seal_offset, ==, 4);
    g_assert_cmpuint(second->seal_offset, ==, 5);
    g_assert_cmpuint(second->events + second->first_offset + second->end_offset, ==, 0);
    partition_day_free(first);
    partition_day_free(second);
    world_clear(&world);
}

/* Days that began before the log was there are incomplete. */
static void test_incomplete(void)
{
    struct world world;
    world_init(&world);
    for (int day = DAY - 1; day <= DAY + 1; day++) {
        const struct seal_point point = {.offset = 3, .clock_ms = END_MS, .incomplete_before_ms = DAY * KEYS_DAY_MS + 1};
        days_seal(world.days, day_of(&world, day), &point, world.hw, world.hb);
    }
    flush(&world);
    static const bool wanted[] = {true, true, false};
    for (int i = 0; i < 3; i++) {
        g_autofree char *generation = g_strdup_printf("%d.1", DAY - 1 + i);
        struct partition_day *found = closed(&world, generation);
        g_assert_cmpint(found->incomplete, ==, wanted[i]);
        partition_day_free(found);
    }
    world_clear(&world);
}

/* ---- streams at a seal ---- */

static const struct stream_day *stream_of(const struct partition_day *day, guint at, const char *hex)
{
    const struct stream_day *stream = g_ptr_array_index(day->streams, at);
    char found[2 * STREAM_ID_SIZE + 1];
    for (size_t i = 0; i < STREAM_ID_SIZE; i++)
        g_snprintf(found + 2 * i, 3, "%02x", stream->stream_id[i]);
    g_assert_cmpstr(found, ==, hex);
    return stream;
}

static struct partition_day *seal_streams(struct world *world, int64_t forgotten_ms)
{
    const struct seal_point point = {.offset = 40, .clock_ms = END_MS + 100, .forgotten_ms = forgotten_ms};
    days_seal(world->days, day_of(world, DAY), &point, world->hw, world->hb);
    flush(world);
    return closed(world, "20000.1");
}

static void test_streams(void)
{
    struct world world;
    world_init(&world);
    g_autofree char *early = g_strdup_printf("side%%20car %" G_GINT64_FORMAT " 0 0 0 0 0 0 7,8", END_MS - 1),
                    *after = g_strdup_printf("other %" G_GINT64_FORMAT " 0 0 0 0 0 0 7,8", END_MS);
    days_heard(world.days, day_of(&world, DAY), stream_c, 4);
    days_heard(world.days, day_of(&world, DAY), stream_a, 1);
    days_heard(world.days, day_of(&world, DAY), stream_b, 0);
    mirror_set(world.hw, stream_a, "11 123 5000 -");
    mirror_set(world.hw, stream_c, "4 123 6000 i");
    mirror_set(world.hb, stream_a, early);
    mirror_set(world.hb, stream_b, after);
    struct partition_day *found = seal_streams(&world, 0);
    g_assert_cmpuint(found->streams->len, ==, 3);
    const struct stream_day *a = stream_of(found, 0, stream_a), *b = stream_of(found, 1, stream_b),
                            *c = stream_of(found, 2, stream_c);
    g_assert_cmpstr(a->collector, ==, "side car");
    g_assert_cmpuint(a->first_sequence + a->last_sequence, ==, 2);
    g_assert_cmpuint(a->high_water, ==, 11);
    g_assert_cmpint(a->heard_ms, ==, END_MS - 1);
    g_assert_null(a->announced); /* its clock was not past the day */
    g_assert_false(a->import);
    g_assert_cmpstr(b->collector, ==, "other");
    g_assert_cmpuint(b->first_sequence + b->last_sequence + b->high_water, ==, 0);
    g_assert_cmpuint(b->announced->len, ==, 2);
    g_assert_cmpuint(g_array_index(b->announced, uint64_t, 1), ==, 8);
    g_assert_cmpstr(c->collector, ==, "");
    g_assert_true(c->import);
    g_assert_cmpint(c->heard_ms, ==, 6000);
    partition_day_free(found);
    world_clear(&world);
}

/* What may have been forgotten by now says nothing; the marks of imports are never forgotten. */
static void test_forgotten(void)
{
    struct world world;
    world_init(&world);
    static const char *const streams[] = {"00000000000000000000000000000000", "01000000000000000000000000000000",
                                          "02000000000000000000000000000000", "03000000000000000000000000000000",
                                          "04000000000000000000000000000000"};
    static const char *const marks[] = {"9 1 5000 -", "9 1 5001 -", "9 1 5000 i", NULL, NULL};
    static const char *const beats[] = {"c 5000 0 0 0 0 0 0 1", "c 5000 0 0 0 0 0 0 1", "c 5000 0 0 0 0 0 0 1",
                                        "c 5000 0 0 0 0 0 0 1", "c 5001 0 0 0 0 0 0 1"};
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        days_heard(world.days, day_of(&world, DAY), streams[i], 1);
        mirror_set(world.hb, streams[i], beats[i]);
        if (marks[i])
            mirror_set(world.hw, streams[i], marks[i]);
    }
    struct partition_day *found = seal_streams(&world, 5000);
    static const uint64_t waters[] = {0, 9, 9, 0, 0};
    static const int64_t heard[] = {0, 5001, 5000, 0, 5001};
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        const struct stream_day *stream = stream_of(found, (guint)i, streams[i]);
        g_assert_cmpuint(stream->high_water, ==, waters[i]);
        g_assert_cmpint(stream->heard_ms, ==, heard[i]);
        g_assert_cmpstr(stream->collector, ==, i == 4 ? "c" : "");
        g_assert_cmpuint(stream->first_sequence, ==, 1); /* of the day itself */
    }
    partition_day_free(found);
    world_clear(&world);
}

/* Texts that cannot be read leave a stream without them, never out. */
static void test_streams_unreadable(void)
{
    static const char *const marks[] = {"", "x", "5", "5 6", "5 6 7", "5 6 -7 -", "99999999999999999999 1 1 -"};
    static const char *const beats[] = {"", "c", "c x", "c 99999999999999999999 0", "%zz 5 0 0 0 0 0 0 1"};
    for (size_t i = 0; i < G_N_ELEMENTS(marks) * G_N_ELEMENTS(beats); i++) {
        struct world world;
        world_init(&world);
        days_heard(world.days, day_of(&world, DAY), stream_a, 3);
        mirror_set(world.hw, stream_a, marks[i % G_N_ELEMENTS(marks)]);
        mirror_set(world.hb, stream_a, beats[i / G_N_ELEMENTS(marks)]);
        struct partition_day *found = seal_streams(&world, 0);
        g_assert_cmpuint(found->streams->len, ==, 1);
        const struct stream_day *stream = stream_of(found, 0, stream_a);
        g_assert_cmpuint(stream->high_water, ==, 0);
        g_assert_cmpstr(stream->collector, ==, "");
        g_assert_cmpuint(stream->last_sequence, ==, 3);
        partition_day_free(found);
        world_clear(&world);
    }
}

/* More streams than can be listed: the first ones are, and the day says that it does not know. */
static void test_many_streams(void)
{
    struct world world;
    world_init(&world);
    for (int i = LEDGER_STREAMS_MAX; i >= 0; i--) {
        char stream[2 * STREAM_ID_SIZE + 1];
        g_snprintf(stream, sizeof stream, "%032x", (unsigned)i);
        days_heard(world.days, day_of(&world, DAY), stream, 1);
    }
    struct partition_day *found = seal_streams(&world, 0);
    g_assert_cmpuint(found->streams->len, ==, LEDGER_STREAMS_MAX);
    g_assert_true(found->incomplete);
    stream_of(found, 0, "00000000000000000000000000000000");
    expect_hash(&world, "streams", "");
    partition_day_free(found);
    world_clear(&world);
}

/* ---- sheets and the ledger ---- */

/* Ready is a sealed revision whose flush is committed, the first day first; one that waits holds up no other. */
static void test_unfinished(void)
{
    struct world world;
    world_init(&world);
    g_assert_null(days_unfinished(world.days, 100, 0));
    seal(&world, DAY + 1, 4);
    seal(&world, DAY, 5);
    g_assert_null(days_unfinished(world.days, 100, 0)); /* nothing is flushed */
    flush(&world);
    g_assert_null(days_unfinished(world.days, 4, 0));
    g_assert_cmpint(days_unfinished(world.days, 5, 0)->number, ==, DAY + 1);
    g_assert_cmpint(days_unfinished(world.days, 6, 0)->number, ==, DAY);
    g_assert_false(days_held(world.days));
    day_of(&world, DAY)->retry_at_ms = 50;
    g_assert_true(days_held(world.days));
    g_assert_cmpint(days_unfinished(world.days, 6, 49)->number, ==, DAY + 1);
    g_assert_cmpint(days_unfinished(world.days, 6, 50)->number, ==, DAY);
    finish(&world, DAY);
    g_assert_cmpint(days_unfinished(world.days, 6, 50)->number, ==, DAY + 1);
    finish(&world, DAY + 1);
    g_assert_null(days_unfinished(world.days, 6, 50));
    flush(&world);
    expect_hash(&world, "days", "20000=1 1 0 0 20001=1 1 0 0");
    struct partition_day *found = closed(&world, "20000.1");
    g_assert_true(found->has_sheet);
    partition_day_free(found);
    world_clear(&world);
}

/* Revisions get their sheets one after the other, by whoever owns the partition then. */
static void test_revisions(void)
{
    struct world world;
    world_init(&world);
    for (int revision = 1; revision <= 3; revision++) {
        days_count(day_of(&world, DAY), 1, 10 * revision, END_MS);
        seal(&world, DAY, 10 * revision + 1);
    }
    flush(&world);
    for (int revision = 1; revision <= 3; revision++) {
        claim_well(&world);
        const struct day *day = days_unfinished(world.days, 1, 0); /* sealed under another claim: committed */
        g_assert_nonnull(day);
        g_assert_cmpint(day->state.sheeted, ==, revision - 1);
        g_assert_cmpint(day->state.sealed, ==, 3);
        finish(&world, DAY);
        g_assert_null(days_unfinished(world.days, INT64_MAX, 0)); /* first the flush */
        flush(&world);
    }
    g_assert_null(days_unfinished(world.days, INT64_MAX, 0));
    expect_hash(&world, "days", "20000=3 3 0 0");
    days_enter_ledger(day_of(&world, DAY));
    days_enter_ledger(day_of(&world, DAY));
    flush(&world);
    expect_hash(&world, "days", "20000=3 3 2 0");
    claim_well(&world);
    g_assert_cmpint(day_of(&world, DAY)->state.ledgered, ==, 2);
    world_clear(&world);
}

/* ---- another log, damage ---- */

/* Offsets of the old log say nothing: sheets that are to be skipped up to there, and what came. */
static void test_new_log(void)
{
    struct world world;
    world_init(&world);
    owner_tamper(&world.owner, "{p3}:days", view_of("20000"), "1 1 0 500");
    owner_tamper(&world.owner, "{p3}:days", view_of("20001"), "1 1 0 0");
    claim_well(&world);
    g_assert_cmpint(day_of(&world, DAY)->state.skip_below, ==, 500);
    days_count(day_of(&world, DAY), 2, 700, 9000);
    flush(&world);
    claim_well(&world);
    days_new_log(world.days);
    days_count(day_of(&world, DAY), 1, 3, 9500);
    flush(&world);
    expect_hash(&world, "days", "20000=1 1 0 0 20001=1 1 0 0");
    expect_open(&world, "20000.2",
                &(struct open_day){.events = 3, .first_offset = 3, .end_offset = 4, .first_ms = 9000, .last_ms = 9500});
    world_clear(&world);
}

static void test_damage(void)
{
    static const struct {
        const char *key, *field, *value;
    } damages[] = {
        {"{p3}:days", "x", "1 1 0 0"},       {"{p3}:days", "20000x", "1 1 0 0"}, {"{p3}:days", "20000", ""},
        {"{p3}:days", "20000", "1 2 0 0"},   {"{p3}:days", "20000", "1 1 0"},    {"{p3}:days", "20000", "-1 0 0 0"},
        {"{p3}:days", "20000", "1 1 0 0 0"}, {"{p3}:open", "20000", "1"},        {"{p3}:open", "20000.1", ""},
        {"{p3}:open", "20000.1", "1 2 3"},   {"{p3}:open", "20000.2", NULL},     {"{p3}:open", "20000.0", NULL},
    };
    char text[OPEN_TEXT_MAX];
    open_day_write(&(struct open_day){.events = 1, .end_offset = 1}, text);
    for (size_t i = 0; i < G_N_ELEMENTS(damages); i++) {
        struct world world;
        g_autoptr(GError) error = NULL;
        world_init(&world);
        owner_tamper(&world.owner, damages[i].key, view_of(damages[i].field), damages[i].value ? damages[i].value : text);
        if (claim(&world, &error))
            g_error("damage %zu was not noticed", i);
        g_assert_error(error, COMMIT_ERROR, COMMIT_ERROR_DAMAGED);
        g_assert_nonnull(strstr(error->message, damages[i].field));
        world_clear(&world);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/days/counts", test_counts);
    g_test_add_func("/days/first-event", test_first_event);
    g_test_add_func("/days/clean", test_clean);
    g_test_add_func("/days/heard", test_heard);
    g_test_add_func("/days/seal", test_seal);
    g_test_add_func("/days/seal-empty", test_seal_empty);
    g_test_add_func("/days/incomplete", test_incomplete);
    g_test_add_func("/days/streams", test_streams);
    g_test_add_func("/days/forgotten", test_forgotten);
    g_test_add_func("/days/streams-unreadable", test_streams_unreadable);
    g_test_add_func("/days/many-streams", test_many_streams);
    g_test_add_func("/days/unfinished", test_unfinished);
    g_test_add_func("/days/revisions", test_revisions);
    g_test_add_func("/days/new-log", test_new_log);
    g_test_add_func("/days/damage", test_damage);
    return g_test_run();
}
