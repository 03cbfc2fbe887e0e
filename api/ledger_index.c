#include "api/ledger_index.h"

#include "lib/keys.h"
#include "lib/number.h"

enum { TRIES = 5, PAUSE_MS = 10 };

struct ledger_cache {
    GMutex lock;
    struct ledger_index *index; /* the newest; NULL: none was read yet */
};

struct ledger_cache *ledger_cache_new(void)
{
    struct ledger_cache *cache = g_new0(struct ledger_cache, 1);
    g_mutex_init(&cache->lock);
    return cache;
}

void ledger_cache_free(struct ledger_cache *cache)
{
    if (cache == NULL)
        return;
    if (cache->index != NULL)
        ledger_index_release(cache->index);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

/* ---- an index ---- */

static struct ledger_index *index_new(void)
{
    struct ledger_index *index = g_new0(struct ledger_index, 1);
    index->users = 1;
    index->lines = g_array_new(FALSE, TRUE, sizeof(struct ledger_line));
    index->summaries = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    index->sheets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    g_mutex_init(&index->lock);
    return index;
}

void ledger_index_release(struct ledger_index *index)
{
    if (!g_atomic_int_dec_and_test(&index->users))
        return;
    g_array_free(index->lines, TRUE);
    g_hash_table_destroy(index->summaries);
    g_hash_table_destroy(index->sheets);
    g_mutex_clear(&index->lock);
    g_free(index);
}

static struct ledger_index *index_ref(struct ledger_index *index)
{
    g_atomic_int_inc(&index->users);
    return index;
}

const struct ledger_line *ledger_index_at(const struct ledger_index *index, guint position)
{
    return &g_array_index(index->lines, struct ledger_line, position);
}

guint ledger_index_find(const struct ledger_index *index, int64_t day, int revision)
{
    guint low = 0, high = index->lines->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct ledger_line *line = ledger_index_at(index, middle);
        if (line->day < day || (line->day == day && line->revision < revision))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int ledger_index_revision(const struct ledger_index *index, int64_t day)
{
    guint behind = ledger_index_find(index, day + 1, 0);
    if (behind == 0 || ledger_index_at(index, behind - 1)->day != day)
        return 0;
    return ledger_index_at(index, behind - 1)->revision;
}

bool ledger_index_recall(struct ledger_index *index, uint64_t n, struct ledger_summary *summary)
{
    gint64 key = (gint64)n;
    g_mutex_lock(&index->lock);
    const struct ledger_summary *known = g_hash_table_lookup(index->summaries, &key);
    if (known != NULL)
        *summary = *known;
    g_mutex_unlock(&index->lock);
    return known != NULL;
}

/* As many as there are entries, at most. */
void ledger_index_learn(struct ledger_index *index, const struct ledger_summary *summary)
{
    struct ledger_summary *copy = g_new(struct ledger_summary, 1);
    *copy = *summary;
    g_mutex_lock(&index->lock);
    g_hash_table_replace(index->summaries, &copy->n, copy);
    g_mutex_unlock(&index->lock);
}

GPtrArray *ledger_index_recall_sheets(struct ledger_index *index, uint64_t n)
{
    gint64 key = (gint64)n;
    g_mutex_lock(&index->lock);
    GPtrArray *sheets = g_hash_table_lookup(index->sheets, &key);
    if (sheets != NULL)
        g_ptr_array_ref(sheets);
    g_mutex_unlock(&index->lock);
    return sheets;
}

void ledger_index_learn_sheets(struct ledger_index *index, uint64_t n, GPtrArray *sheets)
{
    gint64 key = (gint64)n;
    g_mutex_lock(&index->lock);
    if (!g_hash_table_contains(index->sheets, &key) && index->n_sheets + sheets->len <= LEDGER_INDEX_SHEETS_MAX) {
        g_hash_table_insert(index->sheets, g_memdup2(&key, sizeof key), g_ptr_array_ref(sheets));
        index->n_sheets += sheets->len;
    }
    g_mutex_unlock(&index->lock);
}

/* ---- reading it ---- */

/* ledger, ledger_checksum of {p0}:meta; neither is there as long as nothing is closed. */
static void take_head(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t a, size_t b)
{
    (void)a, (void)b;
    struct ledger_index *head = opaque;
    const struct redis_reply *n = redis_reply_at(reply, 0), *checksum = redis_reply_at(reply, 1);
    if (redis_reply_kind(n) == REDIS_NIL)
        return;
    if (!number_read(redis_reply_text(n), &head->n) || head->n > G_MAXINT64 ||
        (head->n > 0 && !ledger_unhex(redis_reply_text(checksum), head->checksum)))
        reader_fail(reader, "The fields ledger and ledger_checksum of {p0}:meta are not the number and checksum of an entry.");
}

static bool read_head(struct reader *reader, struct ledger_index *head, GError **error)
{
    char key[KEYS_MAX];
    const struct view argv[] = {view_of("HMGET"), view_make(key, keys_plain(key, 0, "meta")), view_of("ledger"),
                                view_of("ledger_checksum")};
    head->n = 0;
    memset(head->checksum, 0, sizeof head->checksum);
    reader_ask(reader, 0, argv, G_N_ELEMENTS(argv), (struct reader_then){.take = take_head, .opaque = head});
    return reader_finish(reader, error);
}

static bool same_head(const struct ledger_index *a, const struct ledger_index *b)
{
    return a->n == b->n && memcmp(a->checksum, b->checksum, sizeof a->checksum) == 0;
}

struct lines {
    struct reader *reader;
    struct ledger_index *index;
};

static void take_line(struct view generation, struct view n, void *opaque, size_t a)
{
    (void)a;
    struct lines *lines = opaque;
    struct ledger_line line;
    if (!generation_read(generation, &line.day, &line.revision) || !number_read(n, &line.n) || line.n == 0) {
        reader_fail(lines->reader, "A field of {p0}:entries is '%.*s', which is not the number of an entry of a day and revision.",
                    (int)MIN(generation.size, 40), generation.data);
        return;
    }
    if (line.n <= lines->index->n) /* what is behind is being entered just now */
        g_array_append_val(lines->index->lines, line);
}

static int compare_lines(gconstpointer a, gconstpointer b)
{
    const struct ledger_line *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->revision > y->revision) - (x->revision < y->revision);
}

/* Redis may have shown a field twice. */
static void drop_repeated(GArray *lines)
{
    guint kept = 0;
    for (guint i = 0; i < lines->len; i++) {
        const struct ledger_line *line = &g_array_index(lines, struct ledger_line, i);
        if (kept == 0 || compare_lines(line, &g_array_index(lines, struct ledger_line, kept - 1)) != 0)
            g_array_index(lines, struct ledger_line, kept++) = *line;
    }
    g_array_set_size(lines, kept);
}

/* Every number once. */
static bool is_whole(const struct ledger_index *index)
{
    if (index->lines->len != index->n)
        return false;
    g_autofree bool *seen = g_new0(bool, index->n + 1);
    for (guint i = 0; i < index->lines->len; i++) {
        uint64_t n = ledger_index_at(index, i)->n;
        if (seen[n])
            return false;
        seen[n] = true;
    }
    return true;
}

/* The head is known; reads the lines. */
static bool read_lines(struct reader *reader, struct ledger_index *index, GError **error)
{
    char key[KEYS_MAX];
    struct lines lines = {reader, index};
    keys_plain(key, 0, "entries");
    g_array_set_size(index->lines, 0);
    reader_scan(reader, 0, "HSCAN", key, NULL, (struct reader_pairs){.each = take_line, .opaque = &lines});
    if (!reader_finish(reader, error))
        return false;
    g_array_sort(index->lines, compare_lines);
    drop_repeated(index->lines);
    return true;
}

static struct ledger_index *known_index(struct ledger_cache *cache, const struct ledger_index *head)
{
    g_mutex_lock(&cache->lock);
    struct ledger_index *index = cache->index != NULL && same_head(cache->index, head) ? index_ref(cache->index) : NULL;
    g_mutex_unlock(&cache->lock);
    return index;
}

static void keep(struct ledger_cache *cache, struct ledger_index *index)
{
    g_mutex_lock(&cache->lock);
    struct ledger_index *before = cache->index;
    cache->index = index_ref(index);
    g_mutex_unlock(&cache->lock);
    if (before != NULL)
        ledger_index_release(before);
}

/* Meta and entries are two keys, written one after the other: a moment later both are. */
struct ledger_index *ledger_cache_take(struct ledger_cache *cache, struct reader *reader, GError **error)
{
    struct ledger_index *fresh = index_new();
    for (int try = 0; try < TRIES; try++) {
        if (!read_head(reader, fresh, error)) {
            ledger_index_release(fresh);
            return NULL;
        }
        struct ledger_index *known = known_index(cache, fresh);
        bool ok = known != NULL || read_lines(reader, fresh, error);
        if (known == NULL && ok && is_whole(fresh)) {
            keep(cache, fresh);
            return fresh;
        }
        if (known != NULL || !ok) {
            ledger_index_release(fresh);
            return known;
        }
        g_usleep(PAUSE_MS * 1000);
    }
    g_set_error(error, READER_ERROR, READER_ERROR_COPY,
                "The ledger's index is damaged: {p0}:meta says that the ledger has %" G_GUINT64_FORMAT
                " entries, {p0}:entries has %u of them.",
                fresh->n, fresh->lines->len);
    ledger_index_release(fresh);
    return NULL;
}
