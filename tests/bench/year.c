/* bench-year: a year of closed days, as the aggregator would have left it in Redis: for `daybook verify` to check.
 *
 *   year REDIS_URL DAYS ROWS PARTITIONS
 *
 * DAYS days that end yesterday, each with ROWS rows over all partitions: sheets, what the partitions say of them, and the ledger.
 */
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/ledger.h"
#include "lib/number.h"
#include "lib/redis.h"
#include "lib/sheet.h"
#include "tests/bench/load.h"
#include <stdio.h>
#include <stdlib.h>

struct year {
    struct redis *redis;
    struct load *load;
    guint32 partitions, rows;
    uint8_t previous[LEDGER_CHECKSUM_SIZE];
};

G_NORETURN static void die(const GError *error)
{
    fprintf(stderr, "bench-year: %s\n", error ? error->message : "usage: year REDIS_URL DAYS ROWS PARTITIONS");
    exit(error ? 1 : 2);
}

static void put(struct year *year, const char *command, struct view key, struct view field, GBytes *value)
{
    GError *error = NULL;
    gsize size;
    const void *data = g_bytes_get_data(value, &size);
    const struct view words[] = {view_of(command), key, field.data ? field : view_make(data, size), view_make(data, size)};
    struct redis_reply *reply = redis_command(year->redis, field.data ? 4 : 3, words, &error);
    if (!reply)
        die(error);
    redis_reply_free(reply);
}

/* Random rows of the realistic load; a row that comes twice is merged, so a few more are drawn. */
static GBytes *make_sheet(struct year *year, const struct sheet_header *header, struct sheet_totals *totals)
{
    GError *error = NULL;
    struct sheet_builder *builder = sheet_builder_new();
    while (sheet_builder_totals(builder)->rows < year->rows / year->partitions) {
        struct event event;
        load_next(year->load, &event);
        if (partition_of(event.organization, event.client, year->partitions) != header->partition)
            continue;
        struct sheet_row row = {event.organization, event.client, event.user, event.method, event.route, event.platform, 0, {0}};
        row.slot = (guint32)(event.time_ms / KEYS_SLOT_MS % KEYS_SLOTS_PER_DAY);
        measure_add(&row.measure, event.status, event.latency_us, event.request_bytes, event.response_bytes, true);
        if (!sheet_builder_add(builder, &row, &error))
            die(error);
        measure_clear(&row.measure);
    }
    *totals = *sheet_builder_totals(builder);
    GBytes *bytes = sheet_builder_finish(builder, header, &error);
    if (!bytes)
        die(error);
    sheet_builder_free(builder);
    return bytes;
}

static void add_totals(GHashTable *totals, GBytes *bytes)
{
    struct sheet *sheet = sheet_open(bytes, NULL);
    for (guint32 i = 0; i < sheet_client_count(sheet); i++) {
        struct sheet_client client;
        sheet_client_get(sheet, i, &client);
        struct view name = sheet_symbol(sheet, client.organization);
        char *organization = g_strndup(name.data, name.size);
        guint64 *sum = g_hash_table_lookup(totals, organization);
        guint64 before = sum ? *sum : 0;
        client.requests += before;
        g_hash_table_replace(totals, organization, g_memdup2(&client.requests, sizeof client.requests));
    }
    sheet_free(sheet);
}

static struct partition_day *make_partition(struct year *year, guint32 partition, gint64 day, GHashTable *totals)
{
    char key[KEYS_MAX], field[32];
    const struct sheet_header header = {partition, (guint32)day, 1, (guint64)day * 10, (guint64)day * 10 + 5};
    struct sheet_totals sums;
    g_autoptr(GBytes) bytes = make_sheet(year, &header, &sums);
    g_autoptr(GBytes) packed = sheet_pack(bytes);
    struct partition_day *result = partition_day_new();
    result->partition = partition;
    result->seal_offset = (guint64)day * 10 + 9;
    result->sealed_at_ms = (day + 1) * KEYS_DAY_MS + 3600000;
    result->first_offset = header.first_offset;
    result->end_offset = header.end_offset;
    result->events = sums.requests;
    result->rows = sums.rows;
    result->has_sheet = true;
    sheet_checksum(bytes, result->sheet_checksum);
    add_totals(totals, bytes);
    put(year, "SET", view_make(key, keys_sheet(key, (int)partition, day, 1)), (struct view){NULL, 0}, packed);
    g_autoptr(GBytes) closed = partition_day_pack(result);
    g_snprintf(field, sizeof field, "%" G_GINT64_FORMAT ".1", day);
    put(year, "HSET", view_make(key, keys_plain(key, (int)partition, "closed")), view_of(field), closed);
    g_autoptr(GBytes) state = g_bytes_new_take(g_strdup(partition == 0 ? "1 1 1 0" : "1 1 0 0"), 7);
    g_snprintf(field, sizeof field, "%" G_GINT64_FORMAT, day);
    put(year, "HSET", view_make(key, keys_plain(key, (int)partition, "days")), view_of(field), state);
    return result;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const struct organization_total *const *left = a, *const *right = b;
    return strcmp((*left)->organization, (*right)->organization);
}

static void list_totals(struct ledger_entry *entry, GHashTable *totals)
{
    GHashTableIter iter;
    gpointer name, sum;
    g_hash_table_iter_init(&iter, totals);
    while (g_hash_table_iter_next(&iter, &name, &sum)) {
        struct organization_total *total = g_new(struct organization_total, 1);
        *total = (struct organization_total){g_strdup(name), *(const guint64 *)sum};
        g_ptr_array_add(entry->organizations, total);
    }
    g_ptr_array_sort(entry->organizations, by_name);
}

static void put_text(struct year *year, const char *key, const char *field, const char *text)
{
    g_autoptr(GBytes) value = g_bytes_new(text, strlen(text));
    put(year, "HSET", view_of(key), view_of(field), value);
}

static void make_day(struct year *year, guint64 n, gint64 day)
{
    char field[32], number[32], hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    struct ledger_entry *entry = ledger_entry_new();
    g_autoptr(GHashTable) totals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    entry->n = n;
    entry->day = (guint32)day;
    entry->revision = 1;
    entry->has_previous = n > 1;
    memcpy(entry->previous_checksum, year->previous, sizeof year->previous);
    for (guint32 partition = 0; partition < year->partitions; partition++)
        g_ptr_array_add(entry->partitions, make_partition(year, partition, day, totals));
    list_totals(entry, totals);
    ledger_entry_add_up(entry);
    g_autoptr(GBytes) record = ledger_entry_pack(entry);
    gsize size;
    const void *data = g_bytes_get_data(record, &size);
    ledger_checksum(view_make(data, size), year->previous);
    ledger_hex(year->previous, hex);
    g_snprintf(number, sizeof number, "%" G_GUINT64_FORMAT, n);
    put(year, "HSET", view_of("{p0}:ledger"), view_of(number), record);
    g_snprintf(field, sizeof field, "%" G_GINT64_FORMAT ".1", day);
    put_text(year, "{p0}:entries", field, number);
    put_text(year, "{p0}:meta", "ledger", number);
    put_text(year, "{p0}:meta", "ledger_checksum", hex);
    ledger_entry_free(entry);
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    guint64 numbers[3];
    if (argc != 5)
        die(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (!number_read(view_of(argv[i + 2]), &numbers[i]) || numbers[i] == 0 || numbers[i] > 1000000)
            die(NULL);
    const struct redis_settings settings = {.url = argv[1], .connect_timeout_ms = 3000, .command_timeout_ms = 30000};
    struct year year = {.rows = (guint32)numbers[1], .partitions = (guint32)numbers[2]};
    year.redis = redis_connect(&settings, NULL, &error);
    if (!year.redis)
        die(error);
    year.load = load_new(&(struct load_settings){.seed = 1, .events = 1000003, .span_ms = KEYS_DAY_MS});
    put_text(&year, "daybook:topic", "partitions", argv[4]);
    put_text(&year, "daybook:topic", "topic", "year");
    gint64 yesterday = g_get_real_time() / 1000 / KEYS_DAY_MS - 1;
    g_autofree char *first_ms = g_strdup_printf("%" G_GINT64_FORMAT, (yesterday - (gint64)(numbers[0] - 1)) * (gint64)KEYS_DAY_MS);
    put_text(&year, "{p0}:meta", "first_ms", first_ms);
    for (guint64 i = 0; i < numbers[0]; i++)
        make_day(&year, i + 1, yesterday - (gint64)(numbers[0] - 1 - i));
    printf("{\"days\":%" G_GUINT64_FORMAT ",\"rows\":%" G_GUINT64_FORMAT "}\n", numbers[0], numbers[0] * numbers[1]);
    load_free(year.load);
    redis_free(year.redis);
    return 0;
}
