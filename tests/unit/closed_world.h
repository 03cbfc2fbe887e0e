/* closed_world: random requests of one partition, as buckets and as sheets in a real Redis: what an aggregator would have written
 * before and after a day is closed. */
#ifndef DAYBOOK_TESTS_CLOSED_WORLD_H
#define DAYBOOK_TESTS_CLOSED_WORLD_H

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/ledger.h"
#include "lib/redis.h"
#include "lib/sheet.h"
#include "tests/unit/redis_process.h"

enum { WORLD_CLIENTS = 4, WORLD_ROUTES = 3 };

struct world_event {
    int64_t time_ms;
    int client, route, revision;
    uint32_t status;
    uint64_t latency_us, bytes;
};

struct world {
    struct redis_process server;
    struct redis *redis;
    GArray *events; /* struct world_event */
};

static const char *const world_clients[WORLD_CLIENTS] = {"c-1", "c-2", "c-3", "{other}"};
static const char *const world_organizations[WORLD_CLIENTS] = {"acme", "acme", "globex", ""};
static const char *const world_routes[WORLD_ROUTES] = {"GET /v1/orders/{id}", "POST /v1/orders", KEYS_OTHER};

static inline void world_start(struct world *world)
{
    g_autoptr(GError) error = NULL;
    redis_process_start(&world->server, 0, NULL);
    const struct redis_settings settings = {world->server.url, 20000, 60000};
    world->redis = redis_connect(&settings, NULL, &error);
    g_assert_no_error(error);
    world->events = g_array_new(FALSE, TRUE, sizeof(struct world_event));
}

static inline void world_clear(struct world *world)
{
    redis_free(world->redis);
    g_array_free(world->events, TRUE);
    redis_process_clear(&world->server);
}

static inline void world_do(struct world *world, size_t argc, const struct view *argv)
{
    g_autoptr(GError) error = NULL;
    struct redis_reply *reply = redis_command(world->redis, argc, argv, &error);
    g_assert_no_error(error);
    redis_reply_free(reply);
}

static inline void world_set(struct world *world, const char *command, const char *key, const char *field, const char *value)
{
    const struct view argv[] = {view_of(command), view_of(key), view_of(field), view_of(value)};
    world_do(world, value != NULL ? 4 : 3, argv);
}

static inline void world_delete(struct world *world, const char *key)
{
    const struct view argv[] = {view_of("UNLINK"), view_of(key)};
    world_do(world, 2, argv);
}

static inline void world_add(struct world *world, GRand *rand, int64_t day, int revision)
{
    static const uint32_t statuses[] = {200, 200, 200, 201, 404, 500};
    struct world_event event = {.revision = revision};
    event.time_ms = day * CIVIL_DAY_MS + (int64_t)(g_rand_double(rand) * (double)CIVIL_DAY_MS);
    event.client = g_rand_int_range(rand, 0, WORLD_CLIENTS);
    event.route = g_rand_int_range(rand, 0, WORLD_ROUTES);
    event.status = statuses[g_rand_int_range(rand, 0, G_N_ELEMENTS(statuses))];
    event.latency_us = g_rand_int(rand) >> g_rand_int_range(rand, 0, 30);
    event.bytes = g_rand_int(rand);
    g_array_append_val(world->events, event);
}

/* ---- buckets: for each key the sum of its events ---- */

static inline void world_sum_free(void *opaque)
{
    measure_clear(opaque);
    g_free(opaque);
}

static inline void world_merge(GHashTable *sums, const char *name, const struct world_event *event)
{
    struct measure *sum = g_hash_table_lookup(sums, name);
    if (sum == NULL) {
        sum = g_new(struct measure, 1);
        measure_init(sum);
        g_hash_table_insert(sums, g_strdup(name), sum);
    }
    measure_add(sum, event->status, event->latency_us, 3, event->bytes, true);
}

static inline void world_names(struct world *world, int64_t day, int revision, int client)
{
    char key[KEYS_MAX], symbol[16];
    g_autofree char *name = g_strdup_printf("%s\x1f%s", world_organizations[client], world_clients[client]);
    keys_clients(key, 0, day, revision);
    g_snprintf(symbol, sizeof symbol, "%d", client + 1);
    world_set(world, "HSET", key, name, symbol);
    for (int route = 0; route < WORLD_ROUTES; route++) {
        g_autofree char *field = g_strdup_printf("r%s", world_routes[route]);
        keys_routes(key, 0, day, revision, (uint32_t)client + 1);
        g_snprintf(symbol, sizeof symbol, "%d", route + 1);
        world_set(world, "HSET", key, field, symbol);
    }
}

/* "key field" -> measure: a slot's lines or a minute's client. */
static inline void world_write_sums(struct world *world, GHashTable *sums, bool slots)
{
    GHashTableIter iterator;
    gpointer name, sum;
    g_hash_table_iter_init(&iterator, sums);
    while (g_hash_table_iter_next(&iterator, &name, &sum)) {
        g_auto(GStrv) words = g_strsplit(name, " ", 2);
        g_autoptr(GString) text = g_string_new(NULL);
        if (slots)
            g_string_append_printf(text, "%s.0.0 ", words[1]);
        measure_format(sum, text);
        if (slots)
            g_string_append_c(text, '\n');
        world_set(world, "HSET", words[0], words[1], text->str);
    }
}

static inline int world_slot(const struct world_event *event)
{
    return (int)(event->time_ms % CIVIL_DAY_MS / KEYS_SLOT_MS);
}

/* All of a generation. (Each route has a shard of its own: any is right for a reader.) */
static inline void world_write(struct world *world, int64_t day, int revision)
{
    g_autoptr(GHashTable) slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, world_sum_free);
    g_autoptr(GHashTable) minutes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, world_sum_free);
    char key[KEYS_MAX], symbol[16], count[16], name[KEYS_MAX + 16];
    int n = 0;
    for (guint i = 0; i < world->events->len; i++) {
        const struct world_event *event = &g_array_index(world->events, struct world_event, i);
        int64_t minute = event->time_ms / KEYS_MINUTE_MS;
        if (event->time_ms / CIVIL_DAY_MS != day || event->revision != revision)
            continue;
        n++;
        world_names(world, day, revision, event->client);
        keys_slot(key, 0, day, revision, world_slot(event), (uint32_t)event->client + 1);
        g_snprintf(name, sizeof name, "%s %d", key, event->route + 1);
        world_merge(slots, name, event);
        keys_minute(key, 0, minute, revision, 0);
        g_snprintf(name, sizeof name, "%s %d", key, event->client + 1);
        world_merge(minutes, name, event);
        g_snprintf(symbol, sizeof symbol, "%d", event->client + 1);
        keys_slot_clients(key, 0, day, revision, world_slot(event));
        world_set(world, "ZINCRBY", key, "1", symbol);
        keys_minute_clients(key, 0, minute, revision);
        world_set(world, "ZINCRBY", key, "1", symbol);
        g_snprintf(symbol, sizeof symbol, "%d", world_slot(event));
        keys_totals(key, 0, day, revision);
        world_set(world, "HINCRBY", key, symbol, "1");
    }
    world_write_sums(world, slots, true);
    world_write_sums(world, minutes, false);
    g_snprintf(name, sizeof name, "cnt:%d.%d", (int)day, revision);
    g_snprintf(count, sizeof count, "%d", n);
    if (n > 0)
        world_set(world, "HSET", "{p0}:meta", name, count);
}

/* What goes two days after the sheet. */
static inline void world_remove(struct world *world, int64_t day, int revision)
{
    char key[KEYS_MAX], name[64];
    g_snprintf(name, sizeof name, "g:%d.%d:0", (int)day, revision);
    world_set(world, "HDEL", "{p0}:due", name, NULL);
    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
        keys_slot_sums(key, 0, day, revision, slot);
        world_delete(world, key);
        keys_slot_clients(key, 0, day, revision, slot);
        world_delete(world, key);
    }
    for (int client = 1; client <= WORLD_CLIENTS; client++) {
        for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
            keys_slot(key, 0, day, revision, slot, (uint32_t)client);
            world_delete(world, key);
        }
        keys_routes(key, 0, day, revision, (uint32_t)client);
        world_delete(world, key);
    }
    keys_clients(key, 0, day, revision);
    world_delete(world, key);
    keys_totals(key, 0, day, revision);
    world_delete(world, key);
    g_snprintf(name, sizeof name, "cnt:%d.%d", (int)day, revision);
    world_set(world, "HDEL", "{p0}:meta", name, NULL);
}

/* ---- sheets ---- */

static inline struct view world_split(const char *route, bool method)
{
    const char *blank = strchr(route, ' ');
    if (blank == NULL)
        return method ? view_of("") : view_of(route);
    return method ? view_make(route, (size_t)(blank - route)) : view_of(blank + 1);
}

/* The sheet of a revision: everything up to it. */
static inline GBytes *world_sheet(const struct world *world, int64_t day, int revision, struct sheet_totals *totals)
{
    g_autoptr(GError) error = NULL;
    struct sheet_builder *builder = sheet_builder_new();
    for (guint i = 0; i < world->events->len; i++) {
        const struct world_event *event = &g_array_index(world->events, struct world_event, i);
        if (event->time_ms / CIVIL_DAY_MS != day || event->revision > revision)
            continue;
        struct sheet_row row = {.slot = (uint32_t)world_slot(event)};
        row.organization = view_of(world_organizations[event->client]);
        row.client = view_of(world_clients[event->client]);
        row.method = world_split(world_routes[event->route], true);
        row.template = world_split(world_routes[event->route], false);
        measure_init(&row.measure);
        measure_add(&row.measure, event->status, event->latency_us, 3, event->bytes, true);
        g_assert_true(sheet_builder_add(builder, &row, &error));
        measure_clear(&row.measure);
    }
    const struct sheet_header header = {.day = (uint32_t)day, .revision = (uint32_t)revision};
    *totals = *sheet_builder_totals(builder);
    GBytes *bytes = sheet_builder_finish(builder, &header, &error);
    g_assert_no_error(error);
    sheet_builder_free(builder);
    return bytes;
}

static inline struct view world_view(GBytes *bytes)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    return view_make(data, size);
}

static inline void world_state(struct world *world, int64_t day, int sealed, int sheeted)
{
    char text[DAY_TEXT_MAX], field[16];
    const struct day_state state = {.sealed = sealed, .sheeted = sheeted};
    day_state_write(&state, text);
    g_snprintf(field, sizeof field, "%d", (int)day);
    world_set(world, "HSET", "{p0}:days", field, text);
}

/* The sheet of a revision and all that says that it is there. */
static inline void world_seal(struct world *world, int64_t day, int revision)
{
    char key[KEYS_MAX], field[64];
    struct sheet_totals totals;
    GBytes *bytes = world_sheet(world, day, revision, &totals), *packed = sheet_pack(bytes);
    keys_sheet(key, 0, day, revision);
    const struct view sheet[] = {view_of("SET"), view_of(key), world_view(packed)};
    world_do(world, G_N_ELEMENTS(sheet), sheet);
    struct partition_day *part = partition_day_new();
    part->sealed_at_ms = (day + 1) * CIVIL_DAY_MS;
    part->events = totals.requests;
    part->rows = totals.rows;
    part->has_sheet = true;
    sheet_checksum(bytes, part->sheet_checksum);
    GBytes *text = partition_day_pack(part);
    g_snprintf(field, sizeof field, "%d.%d", (int)day, revision);
    const struct view closed[] = {view_of("HSET"), view_of("{p0}:closed"), view_of(field), world_view(text)};
    world_do(world, G_N_ELEMENTS(closed), closed);
    g_snprintf(field, sizeof field, "g:%d.%d:0", (int)day, revision);
    world_set(world, "HSET", "{p0}:due", field, "1");
    world_state(world, day, revision, revision);
    partition_day_free(part);
    g_bytes_unref(text);
    g_bytes_unref(packed);
    g_bytes_unref(bytes);
}

#endif
