#include "api/system_facts.h"

#include "api/closed.h"
#include "lib/hex.h"
#include "lib/keys.h"
#include "lib/number.h"

#define TIME_END_MS INT64_C(253402300800000) /* year 10000 */
#define OFFSET_MAX (INT64_MAX / 2)
enum {
    BOARD_WORDS = 5,
    HEARTBEAT_WORDS = 9,
    HEARTBEAT_NUMBERS = 7,
    GAP_WORDS = 6,
    COLLECTOR_NAME_MAX = 1024 /* bytes, as it is escaped */
};

void system_partition_free(struct system_partition *partition)
{
    g_free(partition->worker);
    g_free(partition);
}

void system_collector_free(struct system_collector *collector)
{
    g_free(collector->name);
    g_free(collector);
}

static void gap_free(gpointer opaque)
{
    struct system_gap *gap = opaque;
    g_free(gap->stream);
    g_free(gap);
}

void system_facts_free(struct system_facts *facts)
{
    if (facts == NULL)
        return;
    if (facts->index != NULL)
        ledger_index_release(facts->index);
    g_ptr_array_unref(facts->partitions);
    g_hash_table_destroy(facts->collectors);
    g_hash_table_destroy(facts->streams);
    g_hash_table_destroy(facts->gaps);
    g_hash_table_destroy(facts->open);
    g_hash_table_destroy(facts->kept);
    g_free(facts);
}

static struct system_facts *facts_new(int partitions)
{
    struct system_facts *facts = g_new0(struct system_facts, 1);
    facts->first_ms = -1;
    facts->partitions = g_ptr_array_new_with_free_func((GDestroyNotify)system_partition_free);
    for (int i = 0; i < partitions; i++) {
        struct system_partition *partition = g_new0(struct system_partition, 1);
        partition->next = partition->high = -1;
        g_ptr_array_add(facts->partitions, partition);
    }
    facts->collectors = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)system_collector_free);
    facts->streams = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    facts->gaps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, gap_free);
    facts->open = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    facts->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return facts;
}

/* At most n words, the last one takes the rest. */
static guint cut(struct view text, struct view *words, guint n)
{
    guint count = 0;
    const char *at = text.data, *end = at + text.size;
    while (count < n && at < end) {
        const char *blank = count + 1 < n ? memchr(at, ' ', (size_t)(end - at)) : NULL;
        words[count++] = view_make(at, (size_t)((blank != NULL ? blank : end) - at));
        at = blank != NULL ? blank + 1 : end;
    }
    return count;
}

static bool read_numbers(const struct view *words, int64_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!number_read_signed(words[i], &numbers[i]))
            return false;
    return true;
}

/* Of the years that can be written down. */
static bool is_time(int64_t ms)
{
    return ms >= 0 && ms < TIME_END_MS;
}

static char *text_of(struct view view)
{
    return g_utf8_make_valid(view.size > 0 ? view.data : "", (gssize)view.size);
}

/* ---- the board ---- */

static void take_board(struct view name, struct view value, void *opaque, size_t a)
{
    (void)a;
    struct system_facts *facts = opaque;
    struct view words[BOARD_WORDS];
    int64_t numbers[BOARD_WORDS - 1];
    uint64_t number;
    int64_t since_ms;
    if (view_is(name, "since") && number_read_signed(value, &since_ms) && is_time(since_ms))
        facts->board_since_ms = since_ms;
    if (!number_read(name, &number) || number >= facts->partitions->len || cut(value, words, BOARD_WORDS) != BOARD_WORDS ||
        !read_numbers(words, numbers, BOARD_WORDS - 1) || !is_time(numbers[2]) || !is_time(numbers[3]))
        return;
    struct system_partition *partition = g_ptr_array_index(facts->partitions, (guint)number);
    partition->next = CLAMP(numbers[0], -1, OFFSET_MAX);
    partition->high = CLAMP(numbers[1], -1, OFFSET_MAX);
    partition->said_ms = numbers[2];
    partition->standing_ms = numbers[3];
    g_free(partition->worker);
    partition->worker = text_of(words[BOARD_WORDS - 1]);
    facts->has_board = true;
}

static void take_kept(struct view name, struct view value, void *opaque, size_t a)
{
    (void)a;
    struct system_facts *facts = opaque;
    gint64 since_ms;
    if (number_read_signed(value, &since_ms) && is_time(since_ms))
        g_hash_table_replace(facts->kept, text_of(name), g_memdup2(&since_ms, sizeof since_ms));
}

/* ---- partitions ---- */

static void take_meta(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t number, size_t b)
{
    (void)reader, (void)b;
    struct system_facts *facts = opaque;
    struct system_partition *partition = g_ptr_array_index(facts->partitions, (guint)number);
    int64_t clock_ms, first_ms;
    if (number_read_signed(redis_reply_text(redis_reply_at(reply, 0)), &clock_ms) && is_time(clock_ms))
        partition->clock_ms = clock_ms;
    if (!number_read_signed(redis_reply_text(redis_reply_at(reply, 1)), &first_ms) || !is_time(first_ms))
        return;
    if (facts->first_ms < 0 || first_ms < facts->first_ms)
        facts->first_ms = first_ms;
}

/* "collector clock_ms journal_bytes journal_oldest_ms received accepted rejected excluded sequence,sequence,…" */
static struct system_collector *read_heartbeat(struct view value)
{
    struct view words[HEARTBEAT_WORDS];
    int64_t numbers[HEARTBEAT_NUMBERS];
    if (cut(value, words, HEARTBEAT_WORDS) < HEARTBEAT_WORDS - 1 || words[0].size > COLLECTOR_NAME_MAX ||
        !read_numbers(words + 1, numbers, HEARTBEAT_NUMBERS))
        return NULL;
    for (size_t i = 0; i < HEARTBEAT_NUMBERS; i++)
        if (numbers[i] < 0 || ((i == 0 || i == 2) && !is_time(numbers[i])))
            return NULL;
    g_autofree char *escaped = g_strndup(words[0].data, words[0].size);
    g_autofree char *name = g_uri_unescape_string(escaped, NULL);
    struct system_collector *collector = g_new(struct system_collector, 1);
    *collector = (struct system_collector){.name = g_utf8_make_valid(name != NULL ? name : escaped, -1),
                                           .heard_ms = numbers[0],
                                           .journal_bytes = (uint64_t)numbers[1],
                                           .journal_oldest_ms = numbers[2],
                                           .received = (uint64_t)numbers[3],
                                           .accepted = (uint64_t)numbers[4],
                                           .rejected = (uint64_t)numbers[5],
                                           .excluded = (uint64_t)numbers[6]};
    return collector;
}

static void take_heartbeat(struct view stream, struct view value, void *opaque, size_t a)
{
    (void)a;
    struct system_facts *facts = opaque;
    struct system_collector *collector = read_heartbeat(value);
    if (collector == NULL)
        return;
    if (g_hash_table_size(facts->streams) < SYSTEM_STREAMS_MAX)
        g_hash_table_replace(facts->streams, text_of(stream), g_strdup(collector->name));
    const struct system_collector *known = g_hash_table_lookup(facts->collectors, collector->name);
    bool room = known != NULL || g_hash_table_size(facts->collectors) < SYSTEM_COLLECTORS_MAX;
    if (!room || (known != NULL && known->heard_ms >= collector->heard_ms))
        system_collector_free(collector);
    else
        g_hash_table_replace(facts->collectors, collector->name, collector);
}

/* "n offset stream expected got day" */
static void take_gap(struct view place, struct view value, void *opaque, size_t partition)
{
    (void)place;
    struct system_facts *facts = opaque;
    struct view words[GAP_WORDS];
    uint64_t expected, got, day;
    uint8_t id[STREAM_ID_SIZE];
    if (cut(value, words, GAP_WORDS) != GAP_WORDS || !hex_read(words[2], id, sizeof id) || !number_read(words[3], &expected) ||
        !number_read(words[4], &got) || got < expected || !number_read(words[5], &day) || day > (uint64_t)CLOSED_LAST_DAY)
        return;
    g_autofree char *stream = g_strndup(words[2].data, words[2].size);
    g_autofree char *key = g_strdup_printf("%s %" G_GUINT64_FORMAT, stream, day);
    struct system_gap *gap = g_hash_table_lookup(facts->gaps, key);
    if (gap == NULL && g_hash_table_size(facts->gaps) < SYSTEM_GAPS_MAX) {
        gap = g_new0(struct system_gap, 1);
        *gap = (struct system_gap){g_steal_pointer(&stream), (int64_t)day, 0, (int)partition, expected, got, 0};
        g_hash_table_insert(facts->gaps, g_strdup(key), gap);
    }
    if (gap == NULL)
        return;
    gap->batches = gap->batches + (got - expected) < gap->batches ? UINT64_MAX : gap->batches + (got - expected);
    gap->n++;
}

static void take_open(struct view name, struct view value, void *opaque, size_t partition)
{
    struct system_facts *facts = opaque;
    struct open_day open;
    int64_t day;
    int revision;
    if (!generation_read(name, &day, &revision) || !open_day_read(value, &open) || open.events == 0 || !is_time(open.last_ms))
        return;
    struct system_open *known = g_hash_table_lookup(facts->open, &day);
    if (known == NULL) {
        known = g_new0(struct system_open, 1);
        known->day = day;
        g_hash_table_insert(facts->open, &known->day, known);
    }
    known->revision = MAX(known->revision, revision);
    if (open.last_ms < known->last_ms)
        return;
    known->last_ms = open.last_ms;
    known->partition = (int)partition;
}

/* ---- reading ---- */

static void ask_partition(struct reader *reader, struct system_facts *facts, int partition)
{
    static const struct {
        const char *kind;
        void (*each)(struct view name, struct view value, void *opaque, size_t a);
    } hashes[] = {{"hb", take_heartbeat}, {"gaps", take_gap}, {"open", take_open}};
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("HMGET"), view_make(key, keys_plain(key, partition, "meta")), view_of("clock"),
                                view_of("first_ms")};
    reader_ask(reader, partition, argv, G_N_ELEMENTS(argv),
               (struct reader_then){.take = take_meta, .opaque = facts, .a = (size_t)partition});
    for (size_t i = 0; i < G_N_ELEMENTS(hashes); i++) {
        keys_plain(key, partition, hashes[i].kind);
        reader_scan(reader, partition, "HSCAN", key, NULL,
                    (struct reader_pairs){.each = hashes[i].each, .opaque = facts, .a = (size_t)partition, .once = true});
    }
}

struct system_facts *system_facts_read(struct reader *reader, struct ledger_cache *ledger, GError **error)
{
    struct system_facts *facts = facts_new(reader_partitions(reader));
    facts->index = ledger_cache_take(ledger, reader, error);
    bool ok = facts->index != NULL;
    if (ok) {
        reader_scan(reader, READER_CONTROL, "HSCAN", SYSTEM_BOARD_KEY, NULL,
                    (struct reader_pairs){.each = take_board, .opaque = facts});
        reader_scan(reader, READER_CONTROL, "HSCAN", SYSTEM_KEPT_KEY, NULL,
                    (struct reader_pairs){.each = take_kept, .opaque = facts});
        for (int partition = 0; partition < reader_partitions(reader); partition++)
            ask_partition(reader, facts, partition);
        ok = reader_finish(reader, error);
    }
    if (ok)
        return facts;
    system_facts_free(facts);
    return NULL;
}

/* ---- days ---- */

struct days_asked {
    struct day_state *states;
    size_t n_days;
};

static void take_days(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t partition, size_t b)
{
    (void)reader, (void)b;
    const struct days_asked *asked = opaque;
    for (size_t i = 0; i < asked->n_days; i++)
        day_state_read(redis_reply_text(redis_reply_at(reply, i)), &asked->states[partition * asked->n_days + i]);
}

struct day_state *system_facts_read_days(struct reader *reader, const int64_t *days, size_t n_days, GError **error)
{
    struct days_asked asked = {g_new0(struct day_state, (size_t)reader_partitions(reader) * n_days + 1), n_days};
    char key[KEYS_MAX], numbers[SYSTEM_DAYS_MAX][NUMBER_MAX];
    struct view argv[2 + SYSTEM_DAYS_MAX] = {view_of("HMGET")};
    g_assert(n_days <= SYSTEM_DAYS_MAX);
    for (size_t i = 0; i < n_days; i++)
        argv[2 + i] = view_make(numbers[i], number_write_signed(numbers[i], days[i]));
    for (int partition = 0; n_days > 0 && partition < reader_partitions(reader); partition++) {
        argv[1] = view_make(key, keys_plain(key, partition, "days"));
        reader_ask(reader, partition, argv, 2 + n_days,
                   (struct reader_then){.take = take_days, .opaque = &asked, .a = (size_t)partition});
    }
    if (reader_finish(reader, error))
        return asked.states;
    g_free(asked.states);
    return NULL;
}
