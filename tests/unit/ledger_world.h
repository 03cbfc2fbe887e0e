/* ledger_world: a Redis and an archive with closed days, as the aggregator leaves them, for the tests of what reads them. */
#ifndef DAYBOOK_TESTS_LEDGER_WORLD_H
#define DAYBOOK_TESTS_LEDGER_WORLD_H

#include "cli/client_sums.h"
#include "lib/archive.h"
#include "lib/keys.h"
#include "lib/ledger.h"
#include "lib/redis.h"
#include "lib/sheet.h"
#include "tests/unit/redis_process.h"

#include <ftw.h>

enum { WORLD_PARTITIONS = 2, WORLD_DAY = 20778 /* 2026-11-21 */ };

struct ledger_world {
    struct redis_process server;
    struct redis *redis;
    char *dir; /* of the archive */
    struct archive *archive;
    uint64_t n; /* entries so far */
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
    struct sheet_builder *rows[WORLD_PARTITIONS]; /* for the next closing */
    GHashTable *sums, *before;                    /* of the rows; of the last revision that was closed */
    int64_t before_day;
    int64_t offset;
    /* May change an entry before it is written. */
    void (*tamper)(struct ledger_entry *entry);
};

static inline void world_do(struct ledger_world *world, struct redis_reply *reply, GError *error)
{
    (void)world;
    g_assert_no_error(error);
    redis_reply_free(reply);
}

#define world_call(world, ...)                                                                   \
    do {                                                                                         \
        GError *world_error = NULL;                                                              \
        struct redis_reply *world_reply = redis_call((world)->redis, &world_error, __VA_ARGS__); \
        world_do((world), world_reply, world_error);                                             \
    } while (0)

static inline void world_set_up(struct ledger_world *world)
{
    GError *error = NULL;

    *world = (struct ledger_world){.before_day = -1, .offset = 100};
    redis_process_start(&world->server, 0, NULL);
    const struct redis_settings settings = {.url = world->server.url, .connect_timeout_ms = 20000, .command_timeout_ms = 60000};
    world->redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    world->dir = g_dir_make_tmp("daybook-archive-XXXXXX", &error);
    g_assert_no_error(error);
    world->archive = archive_open(world->dir, &error);
    g_assert_no_error(error);
    world->sums = client_sums_new();
    world->before = client_sums_new();
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        world->rows[i] = sheet_builder_new();
    world_call(world, "HSET daybook:topic topic usage.events partitions %s", "2");
}

static inline int world_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void world_tear_down(struct ledger_world *world)
{
    redis_free(world->redis);
    redis_process_clear(&world->server);
    archive_free(world->archive);
    nftw(world->dir, world_remove, 16, FTW_DEPTH | FTW_PHYS);
    g_free(world->dir);
    g_hash_table_unref(world->sums);
    g_hash_table_unref(world->before);
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        sheet_builder_free(world->rows[i]);
}

/* So many requests of a client of an organization, by a user, for the next closing: clients c-0, c-2, … are in partition 0. */
static inline void world_rows(struct ledger_world *world, const char *organization, int client, const char *user, uint64_t requests)
{
    g_autofree char *name = g_strdup_printf("c-%d", client);
    struct sheet_row row = {.organization = view_of(organization),
                            .client = view_of(name),
                            .user = view_of(user),
                            .method = view_of("GET"),
                            .template = view_of("/v1/orders/{id}"),
                            .platform = view_of(""),
                            .slot = 40};

    measure_init(&row.measure);
    for (uint64_t i = 0; i < requests; i++)
        measure_add(&row.measure, 200, 1000 + i, 10, 20, true);
    if (requests > 0)
        g_assert_true(sheet_builder_add(world->rows[client % WORLD_PARTITIONS], &row, NULL));
    measure_clear(&row.measure);
    client_sums_add(world->sums, row.organization, row.client, requests);
}

/* Writes the partition's sheet, and what the partition says of it. */
static inline struct partition_day *world_sheet(struct ledger_world *world, int partition, int64_t day, int revision,
                                                enum seal_reason reason)
{
    struct partition_day *said = partition_day_new();
    const struct sheet_totals totals = *sheet_builder_totals(world->rows[partition]);
    const struct sheet_name name = {partition, day, revision};
    g_autofree char *generation = g_strdup_printf("%" G_GINT64_FORMAT ".%d", day, revision);
    GError *error = NULL;
    char key[KEYS_MAX];
    gsize size;

    said->partition = (uint32_t)partition;
    said->reason = reason;
    said->seal_offset = (uint64_t)world->offset++;
    said->sealed_at_ms = (day + 1) * KEYS_DAY_MS + 3600 * 1000 + revision;
    said->first_offset = totals.requests ? 5 : 0;
    said->end_offset = totals.requests ? 9 : 0;
    said->events = totals.requests;
    said->late = revision > 1 && totals.requests ? 1 : 0;
    said->rows = totals.rows;
    said->has_sheet = true;
    const struct sheet_header header = {(uint32_t)partition, (uint32_t)day, (uint32_t)revision, said->first_offset,
                                        said->end_offset};
    g_autoptr(GBytes) bytes = sheet_builder_finish(world->rows[partition], &header, &error);
    g_assert_no_error(error);
    sheet_checksum(bytes, said->sheet_checksum);
    g_autoptr(GBytes) packed = sheet_pack(bytes);
    keys_sheet(key, partition, day, revision);
    const void *data = g_bytes_get_data(packed, &size);
    world_call(world, "SET %s %b", key, data, size);
    g_assert_true(archive_put_sheet(world->archive, &name, packed, &error));
    g_autoptr(GBytes) closed = partition_day_pack(said);
    keys_plain(key, partition, "closed");
    data = g_bytes_get_data(closed, &size);
    world_call(world, "HSET %s %s %b", key, generation, data, size);
    return said;
}

static inline void world_add_totals(struct ledger_world *world, struct ledger_entry *entry)
{
    g_autoptr(GPtrArray) sorted = client_sums_sorted(world->sums);
    struct organization_total *last = NULL;

    for (guint i = 0; i < sorted->len; i++) {
        const struct client_sum *sum = g_ptr_array_index(sorted, i);
        int64_t difference = (int64_t)(sum->requests - client_sums_get(world->before, sum->name.organization, sum->name.client));
        if (!last || strcmp(last->organization, sum->name.organization) != 0) {
            last = g_new0(struct organization_total, 1);
            last->organization = g_strdup(sum->name.organization);
            g_ptr_array_add(entry->organizations, last);
        }
        last->requests += sum->requests;
        if (entry->revision == 1 || difference == 0)
            continue;
        struct client_difference *changed = g_new(struct client_difference, 1);
        *changed = (struct client_difference){g_strdup(sum->name.organization), g_strdup(sum->name.client), difference};
        g_ptr_array_add(entry->differences, changed);
    }
}

static inline void world_write_entry(struct ledger_world *world, const struct ledger_entry *entry)
{
    g_autofree char *generation = g_strdup_printf("%u.%u", entry->day, entry->revision);
    g_autofree char *n = g_strdup_printf("%" G_GUINT64_FORMAT, entry->n);
    g_autofree char *day = g_strdup_printf("%u", entry->day);
    g_autoptr(GBytes) record = ledger_entry_pack(entry);
    const struct day_state state = {(int)entry->revision, (int)entry->revision, (int)entry->revision, 0};
    char hex[2 * LEDGER_CHECKSUM_SIZE + 1], text[DAY_TEXT_MAX];
    GError *error = NULL;
    gsize size;
    const void *data = g_bytes_get_data(record, &size);

    ledger_checksum(view_make(data, size), world->checksum);
    ledger_hex(world->checksum, hex);
    world_call(world, "HSET {p0}:ledger %s %b", n, data, size);
    world_call(world, "HSET {p0}:entries %s %s", generation, n);
    world_call(world, "HSET {p0}:meta ledger %s ledger_checksum %s archived %s", n, hex, n);
    g_assert_true(archive_put_entry(world->archive, entry->n, record, &error));
    g_assert_no_error(error);
    for (int i = 0; i < WORLD_PARTITIONS; i++) {
        char key[KEYS_MAX];
        keys_plain(key, i, "days");
        day_state_write(&state, text);
        const struct view words[] = {view_of("HSET"), view_of(key), view_of(day), view_of(text)};
        world_do(world, redis_command(world->redis, G_N_ELEMENTS(words), words, &error), error);
    }
}

/* Closes the day in a revision, with the rows that were given since the last closing: all of the day's. */
static inline void world_close(struct ledger_world *world, int64_t day, int revision, enum seal_reason reason)
{
    struct ledger_entry *entry = ledger_entry_new();

    if (world->before_day != day)
        g_hash_table_remove_all(world->before);
    entry->n = ++world->n;
    entry->has_previous = entry->n > 1;
    if (entry->has_previous)
        memcpy(entry->previous_checksum, world->checksum, sizeof world->checksum);
    entry->day = (uint32_t)day;
    entry->revision = (uint32_t)revision;
    for (int i = 0; i < WORLD_PARTITIONS; i++)
        g_ptr_array_add(entry->partitions, world_sheet(world, i, day, revision, reason));
    ledger_entry_add_up(entry);
    world_add_totals(world, entry);
    if (world->tamper)
        world->tamper(entry);
    world_write_entry(world, entry);
    ledger_entry_free(entry);
    g_hash_table_unref(world->before);
    world->before = world->sums;
    world->before_day = day;
    world->sums = client_sums_new();
}

/* Flips one bit in the middle of a string value. */
static inline void world_flip_value(struct ledger_world *world, const char *key)
{
    GError *error = NULL;
    struct redis_reply *reply = redis_call(world->redis, &error, "GET %s", key);

    g_assert_no_error(error);
    struct view text = redis_reply_text(reply);
    g_assert_cmpuint(text.size, >, 0);
    g_autofree char *changed = g_memdup2(text.data, text.size);
    changed[text.size / 2] ^= 4;
    world_call(world, "SET %s %b", key, changed, text.size);
    redis_reply_free(reply);
}

static inline void world_flip_file(const char *path)
{
    g_autofree char *text = NULL;
    gsize size;
    GError *error = NULL;

    g_assert_true(g_file_get_contents(path, &text, &size, &error));
    text[size / 2] ^= 4;
    g_chmod(path, 0644);
    g_assert_true(g_file_set_contents(path, text, (gssize)size, &error));
}

#endif
