/* reader: replies come back on each connection in the order of its questions, so one queue over all connections, taken from its
 * head, is enough to match them: the head's reply is the next one on its connection.
 *
 * Questions asked from within a `take` are queued like others but do not read replies themselves, or the stack would grow with
 * the data. */
#include "api/reader.h"

#include "lib/keys.h"
#include "lib/number.h"

#define TOPIC_KEY "daybook:topic" /* hash: topic, partitions; written by the aggregator */
#define CONTROL_KEY "{daybook}:version"
enum { TOPIC = -2, FIRST = TOPIC, SCAN_COUNT = 1000, SCAN_ARGUMENTS = 7 };

struct question {
    struct redis *redis;
    struct reader_then then;
};

struct reader {
    struct redis_settings settings;
    int partitions_fallback, partitions;
    GPtrArray *links;   /* struct redis, one for each server */
    GPtrArray *link_of; /* borrowed: [partition - FIRST] */
    GQueue pending;     /* struct question */
    GPtrArray *scans;   /* struct scan, of this answer */
    bool draining;
    GError *error; /* sticky */
    int64_t deadline_us;
    uint64_t asked;
    uint64_t rows_max;       /* 0: any number */
    struct reader_pace pace; /* rest NULL: none */
    int64_t rested_us;       /* when it rested last, or began */
};

GQuark reader_error_quark(void)
{
    return g_quark_from_static_string("daybook-reader-error");
}

/* One walk. Redis promises every element that stays, perhaps more than once, but never twice in one reply: only walks of several
 * replies need to remember names. */
struct scan {
    int partition;
    const char *command; /* constant */
    char *key, *pattern;
    struct reader_pairs pairs;
    GHashTable *seen; /* names; NULL: all in one reply, or repetition does no harm */
};

static void scan_free(struct scan *scan)
{
    if (scan->seen != NULL)
        g_hash_table_destroy(scan->seen);
    g_free(scan->key);
    g_free(scan->pattern);
    g_free(scan);
}

struct reader *reader_new(const struct redis_settings *settings, int partitions_fallback)
{
    struct reader *reader = g_new0(struct reader, 1);
    reader->settings = *settings;
    reader->partitions_fallback = partitions_fallback;
    reader->links = g_ptr_array_new_with_free_func((GDestroyNotify)redis_free);
    reader->link_of = g_ptr_array_new();
    reader->scans = g_ptr_array_new_with_free_func((GDestroyNotify)scan_free);
    g_queue_init(&reader->pending);
    return reader;
}

static void close_links(struct reader *reader)
{
    g_queue_clear_full(&reader->pending, g_free);
    g_ptr_array_set_size(reader->link_of, 0);
    g_ptr_array_set_size(reader->links, 0);
}

void reader_free(struct reader *reader)
{
    if (reader == NULL)
        return;
    close_links(reader);
    g_clear_error(&reader->error);
    g_ptr_array_free(reader->links, TRUE);
    g_ptr_array_free(reader->link_of, TRUE);
    g_ptr_array_free(reader->scans, TRUE);
    g_free(reader);
}

int reader_partitions(const struct reader *reader)
{
    return reader->partitions;
}

void reader_set_pace(struct reader *reader, struct reader_pace pace)
{
    reader->pace = pace;
}

void reader_set_room(struct reader *reader, uint64_t rows)
{
    reader->rows_max = rows;
}

bool reader_has_room(const struct reader *reader, uint64_t rows, GError **error)
{
    if (reader->rows_max == 0 || rows <= reader->rows_max)
        return true;
    g_set_error(error, READER_ERROR, READER_ERROR_ROOM, "%" G_GUINT64_FORMAT " rows are too many.", rows);
    return false;
}

bool reader_is_late(const struct reader *reader, GError **error)
{
    if (g_get_monotonic_time() <= reader->deadline_us)
        return false;
    g_set_error(error, READER_ERROR, READER_ERROR_DEADLINE, "The time for this answer ran out.");
    return true;
}

uint64_t reader_asked(const struct reader *reader)
{
    return reader->asked;
}

/* ---- connections ---- */

static bool is_cluster(const struct reader *reader)
{
    return g_str_has_prefix(reader->settings.url, "redis+cluster:");
}

/* The connection for a key: the one that is open to its server already, or a new one. */
static struct redis *link_for(struct reader *reader, const char *key, GError **error)
{
    if (!is_cluster(reader) && reader->links->len > 0)
        return g_ptr_array_index(reader->links, 0);
    struct redis *fresh = redis_connect(&reader->settings, key, error);
    if (fresh == NULL)
        return NULL;
    for (guint i = 0; i < reader->links->len; i++) {
        struct redis *link = g_ptr_array_index(reader->links, i);
        if (strcmp(redis_address(link), redis_address(fresh)) != 0)
            continue;
        redis_free(fresh);
        return link;
    }
    g_ptr_array_add(reader->links, fresh);
    return fresh;
}

static bool connect_up_to(struct reader *reader, int partitions, GError **error)
{
    for (int partition = (int)reader->link_of->len + FIRST; partition < partitions; partition++) {
        char key[KEYS_MAX];
        if (partition >= 0)
            keys_plain(key, partition, "meta");
        else
            g_strlcpy(key, partition == TOPIC ? TOPIC_KEY : CONTROL_KEY, sizeof key);
        struct redis *link = link_for(reader, key, error);
        if (link == NULL)
            return false;
        g_ptr_array_add(reader->link_of, link);
    }
    return true;
}

static void take_topic(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)opaque, (void)a, (void)b;
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2) {
        if (!view_is(redis_reply_text(redis_reply_at(reply, i)), "partitions"))
            continue;
        uint64_t partitions;
        struct view text = redis_reply_text(redis_reply_at(reply, i + 1));
        if (number_read(text, &partitions) && partitions > 0 && partitions <= READER_PARTITIONS_MAX)
            reader->partitions = (int)partitions;
        else
            reader_fail(reader, "The field partitions of " TOPIC_KEY " is not a number from 1 to %d.", READER_PARTITIONS_MAX);
    }
}

bool reader_begin(struct reader *reader, int64_t deadline_us, GError **error)
{
    reader->deadline_us = deadline_us;
    reader->rested_us = g_get_monotonic_time();
    reader->partitions = reader->partitions_fallback;
    if (!connect_up_to(reader, 0, error)) {
        close_links(reader);
        return false;
    }
    const struct view argv[] = {view_of("HGETALL"), view_of(TOPIC_KEY)};
    reader_ask(reader, TOPIC, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_topic});
    if (!reader_finish(reader, error))
        return false;
    if (connect_up_to(reader, reader->partitions, error))
        return true;
    close_links(reader);
    return false;
}

/* ---- questions and replies ---- */

static void set_error(struct reader *reader, GError *error)
{
    if (reader->error == NULL)
        reader->error = error;
    else
        g_error_free(error);
}

void reader_fail(struct reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_error(reader, g_error_new_valist(READER_ERROR, READER_ERROR_DATA, format, arguments));
    va_end(arguments);
}

/* An error that another connection, or a little time, may mend. */
static bool is_passing(struct view text)
{
    static const char *const words[] = {"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "BUSY", "NOAUTH"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (text.size >= strlen(words[i]) && memcmp(text.data, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

static void take_error(struct reader *reader, const struct redis *redis, const struct redis_reply *reply)
{
    struct view text = redis_reply_text(reply);
    int code = is_passing(text) ? REDIS_ERROR_LOST : REDIS_ERROR_REPLY;
    set_error(reader,
              g_error_new(REDIS_ERROR, code, "Redis at %s answered: %.*s.", redis_address(redis), (int)text.size, text.data));
}

static void take_next(struct reader *reader)
{
    g_autofree struct question *question = g_queue_pop_head(&reader->pending);
    GError *error = NULL;
    struct redis_reply *reply = redis_read(question->redis, &error);
    if (reply == NULL)
        set_error(reader, error);
    else if (redis_reply_kind(reply) == REDIS_ERROR_REPLY_KIND)
        take_error(reader, question->redis, reply);
    else if (question->then.take != NULL)
        question->then.take(reader, reply, question->then.opaque, question->then.a, question->then.b);
    if (reply != NULL)
        redis_reply_free(reply);
}

static void send_all(struct reader *reader)
{
    for (guint i = 0; i < reader->links->len && reader->error == NULL; i++) {
        GError *error = NULL;
        if (!redis_send(g_ptr_array_index(reader->links, i), &error))
            set_error(reader, error);
    }
}

static void take_rest(struct reader *reader)
{
    if (reader->pace.rest == NULL)
        return;
    if (!reader->pace.rest(g_get_monotonic_time() - reader->rested_us, reader->pace.opaque))
        set_error(reader, g_error_new(READER_ERROR, READER_ERROR_DEADLINE, "This answer is not wanted any more."));
    reader->rested_us = g_get_monotonic_time();
}

/* Reads replies until at most so many are outstanding. */
static void drain(struct reader *reader, guint down_to)
{
    reader->draining = true;
    guint sent = 0; /* questions at the head of the queue that are surely on their way */
    while (reader->error == NULL && g_queue_get_length(&reader->pending) > down_to) {
        GError *late = NULL;
        if (reader_is_late(reader, &late))
            set_error(reader, late);
        if (sent == 0) {
            take_rest(reader);
            sent = g_queue_get_length(&reader->pending);
            send_all(reader);
        }
        if (reader->error == NULL)
            take_next(reader);
        sent--;
    }
    reader->draining = false;
}

void reader_ask(struct reader *reader, int partition, const struct view *argv, size_t argc, struct reader_then then)
{
    g_assert(argc <= READER_ARGUMENTS_MAX && partition - FIRST < (int)reader->link_of->len);
    if (reader->error != NULL)
        return;
    struct question *question = g_new(struct question, 1);
    *question = (struct question){.redis = g_ptr_array_index(reader->link_of, partition - FIRST), .then = then};
    redis_append(question->redis, argc, argv);
    g_queue_push_tail(&reader->pending, question);
    reader->asked++;
    if (!reader->draining && g_queue_get_length(&reader->pending) >= READER_PENDING_MAX)
        drain(reader, READER_PENDING_MAX / 2);
}

bool reader_finish(struct reader *reader, GError **error)
{
    drain(reader, 0);
    g_ptr_array_set_size(reader->scans, 0);
    if (reader->error == NULL)
        return true;
    g_propagate_error(error, g_steal_pointer(&reader->error));
    close_links(reader);
    return false;
}

/* ---- scans ---- */

static void scan_ask(struct reader *reader, struct scan *scan, struct view cursor);

static bool is_new(struct scan *scan, struct view name)
{
    return scan->seen == NULL || g_hash_table_add(scan->seen, g_strndup(name.data, name.size));
}

static void take_scan(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct scan *scan = opaque;
    if (redis_reply_count(reply) != 2) {
        reader_fail(reader, "%s of %s was answered by something else.", scan->command, scan->key);
        return;
    }
    struct view cursor = redis_reply_text(redis_reply_at(reply, 0));
    bool more = !view_is(cursor, "0");
    if (more && scan->pairs.once && scan->seen == NULL)
        scan->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct redis_reply *elements = redis_reply_at(reply, 1);
    for (size_t i = 0; i + 1 < redis_reply_count(elements); i += 2) {
        struct view name = redis_reply_text(redis_reply_at(elements, i)), value = redis_reply_text(redis_reply_at(elements, i + 1));
        if (is_new(scan, name))
            scan->pairs.each(name, value, scan->pairs.opaque, scan->pairs.a);
    }
    if (more)
        scan_ask(reader, scan, cursor);
}

static void scan_ask(struct reader *reader, struct scan *scan, struct view cursor)
{
    char count[NUMBER_MAX];
    struct view argv[SCAN_ARGUMENTS] = {view_of(scan->command), view_of(scan->key), cursor, view_of("COUNT"),
                                        view_make(count, number_write(count, SCAN_COUNT))};
    size_t argc = 5;
    if (scan->pattern != NULL) {
        argv[argc++] = view_of("MATCH");
        argv[argc++] = view_of(scan->pattern);
    }
    reader_ask(reader, scan->partition, argv, argc, (struct reader_then){.take = take_scan, .opaque = scan});
}

/* One more than a walk has in one reply, or all of it. */
static void take_range(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct scan *scan = opaque;
    if (redis_reply_count(reply) / 2 > SCAN_COUNT) {
        scan_ask(reader, scan, view_of("0"));
        return;
    }
    for (size_t i = 0; i + 1 < redis_reply_count(reply); i += 2)
        scan->pairs.each(redis_reply_text(redis_reply_at(reply, i)), redis_reply_text(redis_reply_at(reply, i + 1)),
                         scan->pairs.opaque, scan->pairs.a);
}

/* A sorted set of no more than fits into one reply is had in half the time that ZSCAN needs, and as it is at one moment. */
static void range_ask(struct reader *reader, struct scan *scan)
{
    char last[NUMBER_MAX];
    const struct view argv[] = {view_of("ZRANGE"), view_of(scan->key), view_of("0"),
                                view_make(last, number_write(last, SCAN_COUNT)), view_of("WITHSCORES")};
    reader_ask(reader, scan->partition, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_range, .opaque = scan});
}

void reader_scan(struct reader *reader, int partition, const char *command, const char *key, const char *pattern,
                 struct reader_pairs pairs)
{
    struct scan *scan = g_new(struct scan, 1);
    *scan = (struct scan){partition, command, g_strdup(key), g_strdup(pattern), pairs, NULL};
    g_ptr_array_add(reader->scans, scan);
    if (strcmp(command, "ZSCAN") == 0 && pattern == NULL)
        range_ask(reader, scan);
    else
        scan_ask(reader, scan, view_of("0"));
}
