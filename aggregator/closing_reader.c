#include "aggregator/closing_reader.h"

#include "lib/keys.h"
#include "lib/number.h"
#include "lib/sheet.h"

enum { CONNECT_MS = 1000, REPLY_MS = 2000, AGAIN_MS = 30000, FIELD_MAX = 64 };
enum { META_FIRST_MS, META_SEALS, META_SHEETS, META_LEDGER, META_CHECKSUM, META_FIELDS };

/* What is remembered of a partition besides its view. */
struct seen {
    struct redis *redis; /* borrowed from the servers */
    char *counters;      /* seals, sheets, ledger as last read; NULL: never */
    bool again;          /* the days are to be read in the next round too */
    bool wanted;         /* the days are to be read in this round */
    int64_t read_at_ms;  /* monotonic: the days */
    int64_t next;
};

struct closing_reader {
    struct redis_settings settings;
    bool cluster;
    GPtrArray *servers; /* struct redis */
    GArray *seen;       /* struct seen by partition */
    struct closing_view view;
    bool has_checksum;
    uint8_t checksum[LEDGER_CHECKSUM_SIZE];
};

struct closing_reader *closing_reader_new(const char *redis_url)
{
    struct closing_reader *reader = g_new0(struct closing_reader, 1);
    reader->settings = (struct redis_settings){redis_url, CONNECT_MS, REPLY_MS};
    reader->cluster = g_str_has_prefix(redis_url, "redis+cluster:");
    reader->servers = g_ptr_array_new_with_free_func((GDestroyNotify)redis_free);
    reader->seen = g_array_new(FALSE, TRUE, sizeof(struct seen));
    reader->view.partitions = g_ptr_array_new_with_free_func((GDestroyNotify)closing_partition_free);
    return reader;
}

static struct seen *seen_at(const struct closing_reader *reader, int partition)
{
    return &g_array_index(reader->seen, struct seen, partition);
}

static struct closing_partition *partition_at(const struct closing_reader *reader, int partition)
{
    return g_ptr_array_index(reader->view.partitions, partition);
}

void closing_reader_forget(struct closing_reader *reader)
{
    for (guint p = 0; p < reader->seen->len; p++)
        g_free(seen_at(reader, (int)p)->counters);
    g_array_set_size(reader->seen, 0);
    g_ptr_array_set_size(reader->view.partitions, 0);
    g_ptr_array_set_size(reader->servers, 0);
    reader->view.ledger = 0;
    reader->has_checksum = false;
}

void closing_reader_free(struct closing_reader *reader)
{
    closing_reader_forget(reader);
    g_ptr_array_free(reader->servers, TRUE);
    g_array_free(reader->seen, TRUE);
    g_ptr_array_free(reader->view.partitions, TRUE);
    g_free(reader);
}

struct closing_view *closing_reader_view(struct closing_reader *reader)
{
    return &reader->view;
}

const uint8_t *closing_reader_checksum(const struct closing_reader *reader)
{
    return reader->has_checksum ? reader->checksum : NULL;
}

int64_t closing_reader_next(const struct closing_reader *reader, int partition)
{
    return seen_at(reader, partition)->next;
}

struct redis *closing_reader_redis(const struct closing_reader *reader, int partition)
{
    return seen_at(reader, partition)->redis;
}

/* ---- connections ---- */

/* Of two connections to one server the older one stays. */
static struct redis *keep_server(struct closing_reader *reader, struct redis *redis)
{
    for (guint i = 0; i < reader->servers->len; i++) {
        struct redis *known = g_ptr_array_index(reader->servers, i);
        if (strcmp(redis_address(known), redis_address(redis)) == 0) {
            redis_free(redis);
            return known;
        }
    }
    g_ptr_array_add(reader->servers, redis);
    return redis;
}

static bool add_partition(struct closing_reader *reader, GError **error)
{
    struct seen seen = {0};
    char key[KEYS_MAX];
    keys_plain(key, (int)reader->seen->len, "commit");
    if (!reader->cluster && reader->servers->len > 0) {
        seen.redis = g_ptr_array_index(reader->servers, 0);
    } else {
        struct redis *redis = redis_connect(&reader->settings, key, error);
        if (!redis)
            return false;
        seen.redis = keep_server(reader, redis);
    }
    g_array_append_val(reader->seen, seen);
    g_ptr_array_add(reader->view.partitions, closing_partition_new());
    return true;
}

/* The next reply of the partition's server, if it is of that kind. */
static struct redis_reply *read_reply(struct closing_reader *reader, int partition, enum redis_kind kind, GError **error)
{
    struct redis_reply *reply = redis_read(seen_at(reader, partition)->redis, error);
    if (!reply || redis_reply_kind(reply) == kind)
        return reply;
    struct view text = redis_reply_text(reply);
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "partition %d: Redis replied something else than was asked for: %.*s",
                partition, (int)MIN(text.size, 200), text.data ? text.data : "(nothing)");
    redis_reply_free(reply);
    return NULL;
}

static bool unreadable(int partition, const char *what, struct view text, GError **error)
{
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "partition %d: what Redis has as %s cannot be read: \"%.*s\"", partition,
                what, (int)MIN(text.size, 200), text.data ? text.data : "");
    return false;
}

/* ---- meta and commit ---- */

static void ask_state(struct closing_reader *reader, int partition)
{
    char meta[KEYS_MAX], commit[KEYS_MAX], open[KEYS_MAX];
    struct redis *redis = seen_at(reader, partition)->redis;
    keys_plain(meta, partition, "meta");
    keys_plain(commit, partition, "commit");
    keys_plain(open, partition, "open");
    redis_append_call(redis, "HMGET %s first_ms seals sheets ledger ledger_checksum", meta);
    redis_append_call(redis, "HMGET %s next", commit);
    redis_append_call(redis, "HGETALL %s", open);
}

/* A number that is not there is `none`. */
static bool take_number(const struct redis_reply *reply, int64_t none, int64_t *number)
{
    *number = none;
    return redis_reply_kind(reply) == REDIS_NIL || (number_read_signed(redis_reply_text(reply), number) && *number >= 0);
}

static bool take_ledger(struct closing_reader *reader, const struct redis_reply *meta, GError **error)
{
    int64_t ledger;
    struct view hex = redis_reply_text(redis_reply_at(meta, META_CHECKSUM));
    if (!take_number(redis_reply_at(meta, META_LEDGER), 0, &ledger))
        return unreadable(0, "ledger", redis_reply_text(redis_reply_at(meta, META_LEDGER)), error);
    if (ledger > 0 && !ledger_unhex(hex, reader->checksum))
        return unreadable(0, "ledger_checksum", hex, error);
    reader->view.ledger = (uint64_t)ledger;
    reader->has_checksum = ledger > 0;
    return true;
}

static bool take_meta(struct closing_reader *reader, int partition, const struct redis_reply *meta, GError **error)
{
    struct seen *seen = seen_at(reader, partition);
    g_autoptr(GString) counters = g_string_new(NULL);
    for (size_t i = META_SEALS; i <= META_LEDGER; i++) {
        struct view text = redis_reply_text(redis_reply_at(meta, i));
        g_string_append_len(counters, text.data ? text.data : "", (gssize)text.size);
        g_string_append_c(counters, ' ');
    }
    bool moved = g_strcmp0(counters->str, seen->counters) != 0;
    seen->wanted = moved || seen->again || g_get_monotonic_time() / 1000 - seen->read_at_ms >= AGAIN_MS;
    seen->again = moved;
    g_free(seen->counters);
    seen->counters = g_strdup(counters->str);
    if (!take_number(redis_reply_at(meta, META_FIRST_MS), -1, &partition_at(reader, partition)->first_ms))
        return unreadable(partition, "first_ms", redis_reply_text(redis_reply_at(meta, META_FIRST_MS)), error);
    return partition > 0 || take_ledger(reader, meta, error);
}

static bool read_meta(struct closing_reader *reader, int partition, GError **error)
{
    struct redis_reply *meta = read_reply(reader, partition, REDIS_ARRAY, error);
    bool ok = meta && redis_reply_count(meta) == META_FIELDS && take_meta(reader, partition, meta, error);
    redis_reply_free(meta);
    struct redis_reply *commit = ok ? read_reply(reader, partition, REDIS_ARRAY, error) : NULL;
    if (!commit)
        return false;
    ok = redis_reply_count(commit) == 1 && (take_number(redis_reply_at(commit, 0), 0, &seen_at(reader, partition)->next) ||
                                            unreadable(partition, "next", redis_reply_text(redis_reply_at(commit, 0)), error));
    redis_reply_free(commit);
    return ok;
}

/* ---- days ---- */

static gint compare_days(gconstpointer a, gconstpointer b)
{
    int64_t left = ((const struct closing_day *)a)->day, right = ((const struct closing_day *)b)->day;
    return (left > right) - (left < right);
}

/* Of one day the highest revision first. */
static gint compare_open(gconstpointer a, gconstpointer b)
{
    const struct closing_open *left = a, *right = b;
    if (left->day != right->day)
        return left->day < right->day ? -1 : 1;
    return (left->revision < right->revision) - (left->revision > right->revision);
}

static void keep_highest(GArray *open)
{
    guint kept = 0;
    g_array_sort(open, compare_open);
    for (guint i = 0; i < open->len; i++) {
        const struct closing_open *one = &g_array_index(open, struct closing_open, i);
        if (kept == 0 || g_array_index(open, struct closing_open, kept - 1).day != one->day)
            g_array_index(open, struct closing_open, kept++) = *one;
    }
    g_array_set_size(open, kept);
}

static bool read_open(struct closing_reader *reader, int partition, GError **error)
{
    struct redis_reply *reply = read_reply(reader, partition, REDIS_ARRAY, error);
    GArray *list = partition_at(reader, partition)->open;
    bool ok = reply != NULL;
    g_array_set_size(list, 0);
    for (size_t i = 0; ok && i + 1 < redis_reply_count(reply); i += 2) {
        struct closing_open open;
        struct view field = redis_reply_text(redis_reply_at(reply, i));
        ok = (generation_read(field, &open.day, &open.revision) &&
              open_day_read(redis_reply_text(redis_reply_at(reply, i + 1)), &open.open)) ||
             unreadable(partition, "open", field, error);
        if (ok)
            g_array_append_val(list, open);
    }
    redis_reply_free(reply);
    keep_highest(list);
    return ok;
}

static bool read_days(struct closing_reader *reader, int partition, GError **error)
{
    struct redis_reply *reply = read_reply(reader, partition, REDIS_ARRAY, error);
    GArray *list = partition_at(reader, partition)->days;
    bool ok = reply != NULL;
    g_array_set_size(list, 0);
    for (size_t i = 0; ok && i + 1 < redis_reply_count(reply); i += 2) {
        struct closing_day day;
        struct view field = redis_reply_text(redis_reply_at(reply, i));
        ok = (number_read_signed(field, &day.day) && day.day >= 0 && day.day < SHEET_DAY_END &&
              day_state_read(redis_reply_text(redis_reply_at(reply, i + 1)), &day.state)) ||
             unreadable(partition, "days", field, error);
        if (ok)
            g_array_append_val(list, day);
    }
    redis_reply_free(reply);
    g_array_sort(list, compare_days);
    seen_at(reader, partition)->read_at_ms = g_get_monotonic_time() / 1000;
    return ok;
}

static bool read_all(struct closing_reader *reader, GError **error)
{
    int n = (int)reader->seen->len;
    bool ok = true;
    for (int p = 0; p < n; p++)
        ask_state(reader, p);
    for (int p = 0; ok && p < n; p++)
        ok = read_meta(reader, p, error) && read_open(reader, p, error);
    for (int p = 0; ok && p < n; p++) {
        char key[KEYS_MAX];
        keys_plain(key, p, "days");
        if (seen_at(reader, p)->wanted)
            redis_append_call(seen_at(reader, p)->redis, "HGETALL %s", key);
    }
    for (int p = 0; ok && p < n; p++)
        ok = !seen_at(reader, p)->wanted || read_days(reader, p, error);
    return ok;
}

bool closing_reader_read(struct closing_reader *reader, int partitions, GError **error)
{
    bool ok = true;
    if ((int)reader->seen->len > partitions)
        closing_reader_forget(reader);
    while (ok && (int)reader->seen->len < partitions)
        ok = add_partition(reader, error);
    if (ok && read_all(reader, error))
        return true;
    if (error && !*error)
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "Redis replied with another number of values than was asked for");
    closing_reader_forget(reader);
    return false;
}

/* ---- single things ---- */

/* A field of a hash, whose text must be there. */
static struct redis_reply *read_field(struct closing_reader *reader, int partition, const char *kind, const char *field,
                                      GError **error)
{
    char key[KEYS_MAX];
    keys_plain(key, partition, kind);
    struct redis_reply *reply = redis_call(seen_at(reader, partition)->redis, error, "HGET %s %s", key, field);
    if (!reply || redis_reply_kind(reply) == REDIS_STRING)
        return reply;
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "Redis has no %s in %s", field, key);
    redis_reply_free(reply);
    return NULL;
}

static void write_generation(char field[FIELD_MAX], const struct closing_entry *entry)
{
    g_snprintf(field, FIELD_MAX, "%" G_GINT64_FORMAT ".%d", entry->day, entry->revision);
}

struct partition_day *closing_reader_closed(struct closing_reader *reader, int partition, const struct closing_entry *entry,
                                            GError **error)
{
    char field[FIELD_MAX];
    write_generation(field, entry);
    struct redis_reply *reply = read_field(reader, partition, "closed", field, error);
    struct partition_day *day = reply ? partition_day_parse(redis_reply_text(reply), error) : NULL;
    if (reply && !day)
        g_prefix_error(error, "partition %d, what was sealed as %s: ", partition, field);
    redis_reply_free(reply);
    if (!day || (int)day->partition == partition)
        return day;
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "partition %d: what was sealed as %s is of partition %u", partition, field,
                day->partition);
    partition_day_free(day);
    return NULL;
}

struct ledger_entry *closing_reader_entry(struct closing_reader *reader, const struct closing_entry *entry, GError **error)
{
    char field[FIELD_MAX], number[FIELD_MAX];
    write_generation(field, entry);
    struct redis_reply *n = read_field(reader, 0, "entries", field, error);
    if (!n)
        return NULL;
    struct view text = redis_reply_text(n);
    g_snprintf(number, sizeof number, "%.*s", (int)MIN(text.size, sizeof number - 1), text.data);
    redis_reply_free(n);
    struct redis_reply *record = read_field(reader, 0, "ledger", number, error);
    struct ledger_entry *found = record ? ledger_entry_parse(redis_reply_text(record), error) : NULL;
    redis_reply_free(record);
    if (!found || (found->day == entry->day && (int)found->revision == entry->revision))
        return found;
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "entry %s of the ledger is that of day %u, revision %u, but should be of %s",
                number, found->day, found->revision, field);
    ledger_entry_free(found);
    return NULL;
}
