/* month_usage: see month_usage.h. The ledger's part is read from sheets; what is not closed from the sorted sets of the generations
 * behind them, which know clients and requests only. */
#include "cli/month_usage.h"

#include "cli/chain.h"
#include "lib/keys.h"
#include "lib/number.h"
#include "lib/sheet.h"
#include "lib/sheet_fetch.h"

#include <string.h>

enum { HEARTBEAT_EXCLUDED = 7, HEARTBEAT_WORDS = 9 }; /* of {pN}:hb, see lib/keys.h */

/* ---- clients ---- */

static void client_free(gpointer pointer)
{
    struct month_client *client = pointer;

    client_name_clear(&client->name);
    g_free(client);
}

const struct month_client *month_usage_find(const struct month_usage *usage, const struct client_name *name)
{
    return g_hash_table_lookup(usage->clients, name);
}

/* The client, made if need be. */
static struct month_client *client_of(struct month_usage *usage, struct view organization, struct view client)
{
    struct client_name name = client_name_make(usage->by_organization ? organization : view_of(""), client);
    struct month_client *found = g_hash_table_lookup(usage->clients, &name);

    if (found) {
        client_name_clear(&name);
        return found;
    }
    found = g_new0(struct month_client, 1);
    found->name = name;
    g_hash_table_add(usage->clients, found);
    return found;
}

/* ---- the ledger ---- */

struct month_reader {
    struct month_usage *usage;
    struct shards *shards;
    struct archive *archive;
    struct chain *chain;
};

static bool add_sheet(struct month_reader *reader, const struct sheet_name *name, const uint8_t *checksum, GError **error)
{
    struct redis *redis = shards_get(reader->shards, name->partition, error);
    g_autoptr(GBytes) bytes = redis ? sheet_fetch(redis, reader->archive, name, checksum, NULL, error) : NULL;
    struct sheet *sheet = bytes ? sheet_open(bytes, error) : NULL;
    struct sheet_client client;

    if (!sheet)
        return false;
    for (uint32_t i = 0; i < sheet_client_count(sheet); i++) {
        sheet_client_get(sheet, i, &client);
        client_of(reader->usage, sheet_symbol(sheet, client.organization), sheet_symbol(sheet, client.client))
            ->ledger[name->day - reader->usage->month.first] += client.requests;
    }
    sheet_free(sheet);
    return true;
}

static bool add_entry(struct month_reader *reader, const struct ledger_entry *entry, GError **error)
{
    for (guint i = 0; i < entry->partitions->len; i++) {
        const struct partition_day *said = g_ptr_array_index(entry->partitions, i);
        const struct sheet_name name = {(int)said->partition, entry->day, (int)entry->revision};
        if (said->partition >= (uint32_t)shards_count(reader->shards)) {
            g_set_error(error, CHAIN_ERROR, CHAIN_ERROR_DAMAGED,
                        "entry %" G_GUINT64_FORMAT " of the ledger names partition %u of %d", entry->n, said->partition,
                        shards_count(reader->shards));
            return false;
        }
        if (!add_sheet(reader, &name, said->sheet_checksum, error))
            return false;
    }
    reader->usage->closed[entry->day - reader->usage->month.first] = true;
    return true;
}

static void add_differences(struct month_reader *reader, const struct ledger_entry *entry)
{
    for (guint i = 0; i < entry->differences->len; i++) {
        const struct client_difference *difference = g_ptr_array_index(entry->differences, i);
        client_of(reader->usage, view_of(difference->organization), view_of(difference->client))
            ->restated[entry->day - reader->usage->month.first] += difference->requests;
    }
}

static bool read_ledger(struct month_reader *reader, GError **error)
{
    const struct date_range *month = &reader->usage->month;

    for (guint i = 0; i < reader->chain->links->len; i++) {
        const struct ledger_entry *entry = ((const struct chain_link *)g_ptr_array_index(reader->chain->links, i))->entry;
        if (date_range_has(month, entry->day))
            add_differences(reader, entry);
    }
    for (int64_t day = month->first; day <= month->last; day++) {
        const struct chain_link *link = chain_find(reader->chain, day, 0);
        if (link && !add_entry(reader, link->entry, error))
            return false;
    }
    return true;
}

/* ---- what is in no closed revision ---- */

struct generation {
    int partition;
    int64_t day;
    int revision;
    GHashTable *names; /* symbol -> "organization <0x1f> client" */
    bool closed;       /* the day is, in an earlier revision */
};

static bool read_names(struct generation *generation, struct redis *redis, GError **error)
{
    char key[KEYS_MAX];
    uint64_t symbol;

    keys_clients(key, generation->partition, generation->day, generation->revision);
    struct redis_reply *reply = redis_call(redis, error, "HGETALL %s", key);
    if (!reply)
        return false;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view name = redis_reply_text(redis_reply_at(reply, i));
        if (number_read(redis_reply_text(redis_reply_at(reply, i + 1)), &symbol) && symbol <= KEYS_CLIENTS_MAX + 1)
            g_hash_table_replace(generation->names, GUINT_TO_POINTER((guint)symbol), g_strndup(name.data, name.size));
    }
    redis_reply_free(reply);
    return true;
}

static void add_score(struct month_reader *reader, const struct generation *generation, struct view member, struct view score)
{
    uint64_t symbol, requests;
    const char *name = number_read(member, &symbol) && symbol <= KEYS_CLIENTS_MAX + 1
                           ? g_hash_table_lookup(generation->names, GUINT_TO_POINTER((guint)symbol))
                           : NULL;
    const char *separator = name ? strchr(name, KEYS_CLIENT_SEPARATOR) : NULL;

    if (!separator || !number_read(score, &requests))
        return; /* a flush is just being applied */
    struct month_client *client = client_of(reader->usage, view_make(name, (size_t)(separator - name)), view_of(separator + 1));
    int64_t day = generation->day - reader->usage->month.first;
    *(generation->closed ? &client->late[day] : &client->open[day]) += requests;
}

static bool read_slots(struct month_reader *reader, const struct generation *generation, struct redis *redis, GError **error)
{
    char key[KEYS_MAX];

    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
        keys_slot_clients(key, generation->partition, generation->day, generation->revision, slot);
        redis_append_call(redis, "ZRANGE %s 0 -1 WITHSCORES", key);
    }
    for (int slot = 0; slot < KEYS_SLOTS_PER_DAY; slot++) {
        struct redis_reply *reply = redis_read(redis, error);
        if (!reply)
            return false;
        for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
            add_score(reader, generation, redis_reply_text(redis_reply_at(reply, i)),
                      redis_reply_text(redis_reply_at(reply, i + 1)));
        redis_reply_free(reply);
    }
    return true;
}

static bool add_generation(struct month_reader *reader, struct generation *generation, GError **error)
{
    struct redis *redis = shards_get(reader->shards, generation->partition, error);

    generation->names = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
    bool ok = redis && read_names(generation, redis, error) && read_slots(reader, generation, redis, error);
    g_hash_table_unref(generation->names);
    return ok;
}

/* Of one day in one partition: the generations behind the closed revision, up to the open one. */
static bool add_day(struct month_reader *reader, int partition, int64_t day, struct view text, GError **error)
{
    const struct chain_link *link = chain_find(reader->chain, day, 0);
    struct day_state state = {0};

    if (text.size > 0 && !day_state_read(text, &state)) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "day %" G_GINT64_FORMAT " of {p%d}:days in Redis cannot be understood",
                    day, partition);
        return false;
    }
    int closed = link ? (int)link->entry->revision : 0;
    for (int revision = MIN(closed, state.sealed) + 1; revision <= state.sealed + 1; revision++) {
        struct generation generation = {.partition = partition, .day = day, .revision = revision, .closed = closed > 0};
        if (!add_generation(reader, &generation, error))
            return false;
    }
    return true;
}

static bool read_open(struct month_reader *reader, int partition, GError **error)
{
    const struct date_range *month = &reader->usage->month;
    struct redis *redis = shards_get(reader->shards, partition, error);
    char key[KEYS_MAX];
    bool ok = redis != NULL;

    keys_plain(key, partition, "days");
    for (int64_t day = month->first; ok && day <= month->last; day++) {
        char field[NUMBER_MAX + 1];
        field[number_write_signed(field, day)] = '\0';
        struct redis_reply *reply = redis_call(redis, error, "HGET %s %s", key, field);
        ok = reply && add_day(reader, partition, day, redis_reply_text(reply), error);
        redis_reply_free(reply);
    }
    return ok;
}

/* ---- what the collectors have excluded ---- */

/* A stream sends its heartbeats to the partitions in turn: its largest number is the newest. */
static bool read_excluded(struct month_reader *reader, int partition, GHashTable *streams, GError **error)
{
    struct redis_reply *reply = shards_hash(reader->shards, partition, "hb", error);
    uint64_t excluded;

    if (!reply)
        return false;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        struct view stream = redis_reply_text(redis_reply_at(reply, i)), text = redis_reply_text(redis_reply_at(reply, i + 1));
        g_autofree char *value = g_strndup(text.data, text.size);
        g_auto(GStrv) words = g_strsplit(value, " ", HEARTBEAT_WORDS);
        g_autofree char *name = g_strndup(stream.data, stream.size);
        if (g_strv_length(words) <= HEARTBEAT_EXCLUDED || !number_read(view_of(words[HEARTBEAT_EXCLUDED]), &excluded))
            continue;
        uint64_t *known = g_hash_table_lookup(streams, name);
        if (!known)
            g_hash_table_insert(streams, g_steal_pointer(&name), g_memdup2(&excluded, sizeof excluded));
        else
            *known = MAX(*known, excluded);
    }
    redis_reply_free(reply);
    return true;
}

static bool read_partitions(struct month_reader *reader, GError **error)
{
    g_autoptr(GHashTable) streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer excluded;

    for (int i = 0; i < shards_count(reader->shards); i++) {
        if (!read_open(reader, i, error) || !read_excluded(reader, i, streams, error))
            return false;
    }
    g_hash_table_iter_init(&iter, streams);
    while (g_hash_table_iter_next(&iter, NULL, &excluded))
        reader->usage->excluded += *(const uint64_t *)excluded;
    return true;
}

/* ---- life ---- */

struct month_usage *month_usage_read(struct shards *shards, struct archive *archive, const struct date_range *month,
                                     bool by_organization, GError **error)
{
    struct month_usage *usage = g_new0(struct month_usage, 1);
    struct month_reader reader = {.usage = usage, .shards = shards, .archive = archive};

    usage->month = *month;
    usage->by_organization = by_organization;
    usage->clients = g_hash_table_new_full(client_name_hash, client_name_equal, client_free, NULL);
    reader.chain = chain_read(shards, error);
    bool ok = reader.chain && chain_check(reader.chain, error) && read_ledger(&reader, error) && read_partitions(&reader, error);
    chain_free(reader.chain);
    if (ok)
        return usage;
    month_usage_free(usage);
    return NULL;
}

void month_usage_free(struct month_usage *usage)
{
    if (!usage)
        return;
    g_hash_table_unref(usage->clients);
    g_free(usage);
}
