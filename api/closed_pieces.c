/* closed_pieces: days are read in groups, so that neither Redis nor this process holds many sheets at a time besides the cache.
 * The thread that asks gets the sheets of a group, which needs the reader; then all threads take a day each, read it or take its
 * piece, and add it to a table of their own, until there is none left. */
#include "api/closed_pieces.h"

#include "api/packed_usage.h"
#include "api/sheet_sums.h"
#include "lib/keys.h"

enum {
    GROUP_DAYS_MAX = 128,
    GROUP_ROWS_MAX = 1 << 20,  /* of sheets that are read */
    THREAD_ROWS_MIN = 1 << 16, /* of a group; for fewer, starting threads takes longer */
    PIECE_ROWS_MIN = 1024,     /* of fewer rows nothing is kept: they are read in less than a tenth of a millisecond */
    SUM_DAYS_MIN = 4,
    SUM_ROWS_MIN = 16 * 1024,
    SUM_SHARE = 4, /* of the cache: the most that one sum may take */
};

struct piece {
    struct live_kept kept;
    struct packed_usage *packed;
    struct sheet_sums_found found;
};

/* Whole days in the points of one window. */
struct sum {
    struct live_kept kept;
    struct window window;
    struct usage_table *table;
    bool seen;
    uint64_t rows;
};

struct day {
    guint first, n;               /* of what is wanted */
    int64_t first_slot, end_slot; /* that are in the window */
    bool whole;
    char *key;           /* of its piece */
    struct piece *piece; /* NULL: to be read */
};

/* A sheet that has been had: one of them, or none: Redis does not have it. */
struct food {
    struct sheets_hold *hold;
    GBytes *packed;
};

struct run {
    const struct closed_place *place;
    struct sheets_query query; /* the place's */
    GPtrArray *wanted;
    GArray *days;      /* struct day */
    struct food *food; /* by what is wanted */
    bool keeps;
    gint next; /* atomic, like the next: day that no thread has begun */
    gint over;
    guint end; /* of the group */
    GMutex lock;
    GError *error; /* under lock, like the next two */
    bool seen;
    uint64_t rows;
};

/* What one thread needs. */
struct adder {
    struct run *run;
    struct sheet_sums *sums;
    struct usage_table *table;
    bool is_first; /* the thread that asks */
};

static const struct sheet_want *want_at(const struct run *run, guint i)
{
    return g_ptr_array_index(run->wanted, i);
}

static struct day *day_at(const struct run *run, guint i)
{
    return &g_array_index(run->days, struct day, i);
}

static void piece_free(struct live_kept *kept)
{
    struct piece *piece = (struct piece *)(void *)kept;
    packed_usage_free(piece->packed);
    g_free(piece);
}

static void sum_free(struct live_kept *kept)
{
    struct sum *sum = (struct sum *)(void *)kept;
    usage_table_free(sum->table);
    window_clear(&sum->window);
    g_free(sum);
}

static void piece_unref(struct piece *piece)
{
    if (piece != NULL)
        live_kept_unref(&piece->kept);
}

/* ---- keys ---- */

/* Of some sheets, and of what else there is. Numbers are separated, so no two lists are the same text. */
static char *make_key(const struct run *run, const char *kind, guint first, guint n, const struct window *window)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    GString *key = g_string_new(kind);
    for (guint i = first; i < first + n; i++) {
        const struct sheet_want *want = want_at(run, i);
        const int64_t name[] = {want->name.partition, want->name.day, want->name.revision};
        g_checksum_update(checksum, (const guchar *)name, sizeof name);
        g_checksum_update(checksum, want->checksum, sizeof want->checksum);
    }
    if (window != NULL)
        g_checksum_update(checksum, (const guchar *)window->points, (gssize)(window->n_points * sizeof *window->points));
    live_cache_append_name(key, run->query.scope->organization);
    live_cache_append_name(key, run->query.scope->key);
    g_string_append(key, g_checksum_get_string(checksum));
    return g_string_free(key, FALSE);
}

/* ---- which days ---- */

static void add_day(struct run *run, guint first, guint n, const struct window *window)
{
    const int64_t midnight = want_at(run, first)->name.day * KEYS_SLOTS_PER_DAY, next = midnight + KEYS_SLOTS_PER_DAY;
    struct day day = {.first = first, .n = n};
    day.first_slot = MAX(midnight, window->first_slot);
    day.end_slot = MIN(next, window->first_slot + window->n_slots);
    day.whole = day.first_slot == midnight && day.end_slot == next;
    if (day.first_slot < day.end_slot)
        g_array_append_val(run->days, day);
}

static void find_days(struct run *run, const struct window *window)
{
    for (guint first = 0, end; first < run->wanted->len; first = end) {
        for (end = first + 1; end < run->wanted->len && want_at(run, end)->name.day == want_at(run, first)->name.day;)
            end++;
        add_day(run, first, end - first, window);
    }
}

/* Days [*first, end) that are in the window as a whole; returns how many. */
static guint whole_days(const struct run *run, guint *first)
{
    guint end = run->days->len;
    *first = 0;
    while (*first < end && !day_at(run, *first)->whole)
        ++*first;
    while (end > *first && !day_at(run, end - 1)->whole)
        end--;
    return end - *first;
}

static void day_clear(void *opaque)
{
    struct day *day = opaque;
    g_free(day->key);
    piece_unref(day->piece);
}

/* ---- getting sheets ---- */

static void take_packed(struct reader *reader, const struct redis_reply *reply, void *opaque, size_t i, size_t b)
{
    (void)reader, (void)b;
    const struct run *run = opaque;
    const struct view packed = redis_reply_text(reply);
    if (redis_reply_kind(reply) == REDIS_STRING)
        run->food[i].packed = g_bytes_new(packed.data, packed.size);
}

/* The sheets of a day of which there is no piece. Returns their rows. */
static uint64_t ask_sheets(struct run *run, const struct day *day)
{
    uint64_t rows = 0;
    for (guint i = day->first; i < day->first + day->n; i++) {
        const struct sheet_want *want = want_at(run, i);
        run->food[i].hold = sheets_acquire(run->query.sheets, want);
        if (run->food[i].hold == NULL)
            sheets_ask(run->query.reader, want, (struct reader_then){.take = take_packed, .opaque = run, .a = i});
        rows += want->rows;
    }
    return rows;
}

static void look_up(struct run *run, struct day *day)
{
    char kind[64];
    if (!run->keeps)
        return;
    g_snprintf(kind, sizeof kind, "day\x1e%" G_GINT64_FORMAT " %d\x1e", day->first_slot, (int)(day->end_slot - day->first_slot));
    day->key = make_key(run, kind, day->first, day->n, NULL);
    day->piece = (struct piece *)(void *)live_cache_take(run->place->cache, day->key);
}

/* Days from first on that are done together, with their pieces or sheets. Returns the end. */
static guint feed(struct run *run, guint first, guint end)
{
    uint64_t rows = 0;
    guint i = first;
    for (; i < end && i - first < GROUP_DAYS_MAX && rows < GROUP_ROWS_MAX; i++) {
        look_up(run, day_at(run, i));
        if (day_at(run, i)->piece == NULL)
            rows += ask_sheets(run, day_at(run, i));
    }
    return i;
}

/* What a day needed, if it is still there. */
static void drop(struct run *run, struct day *day)
{
    for (guint i = day->first; i < day->first + day->n; i++) {
        if (run->food[i].hold != NULL)
            sheets_release(run->query.sheets, g_steal_pointer(&run->food[i].hold));
        g_clear_pointer(&run->food[i].packed, g_bytes_unref);
    }
    g_clear_pointer(&day->piece, piece_unref);
}

/* ---- adding: on any thread ---- */

static void fail(struct run *run, GError *error)
{
    g_mutex_lock(&run->lock);
    if (run->error == NULL)
        run->error = g_steal_pointer(&error);
    g_mutex_unlock(&run->lock);
    g_clear_error(&error);
    g_atomic_int_set(&run->over, true);
}

static bool add_sheet(struct adder *adder, guint i, GError **error)
{
    struct run *run = adder->run;
    struct food *food = &run->food[i];
    if (food->hold == NULL)
        food->hold = sheets_open(run->query.sheets, want_at(run, i), food->packed, error);
    if (food->hold == NULL || !sheets_hold_check(food->hold, error))
        return false;
    sheet_sums_add(adder->sums, sheets_hold_get(food->hold));
    return true;
}

/* NULL with an error. */
static struct piece *read_day(struct adder *adder, const struct day *day, GError **error)
{
    bool ok = true;
    if (adder->sums == NULL)
        adder->sums = sheet_sums_new(adder->run->query.scope);
    sheet_sums_begin(adder->sums, day->first_slot, day->end_slot);
    for (guint i = day->first; ok && i < day->first + day->n; i++)
        ok = add_sheet(adder, i, error);
    struct piece *piece = g_new0(struct piece, 1);
    piece->packed = sheet_sums_end(adder->sums, &piece->found);
    live_kept_init(&piece->kept, sizeof *piece + packed_usage_bytes(piece->packed), piece_free);
    if (!ok)
        g_clear_pointer(&piece, piece_unref);
    return piece;
}

static void note(struct run *run, const struct piece *piece)
{
    g_mutex_lock(&run->lock);
    run->seen |= piece->found.seen;
    run->rows += piece->found.rows;
    g_mutex_unlock(&run->lock);
}

static bool add_day_to(struct adder *adder, struct day *day, GError **error)
{
    struct run *run = adder->run;
    if (adder->is_first && reader_is_late(run->query.reader, error))
        return false;
    if (day->piece == NULL) {
        day->piece = read_day(adder, day, error);
        if (day->piece == NULL)
            return false;
        if (run->keeps && day->piece->found.rows >= PIECE_ROWS_MIN)
            live_cache_put(run->place->cache, day->key, &day->piece->kept);
    }
    packed_usage_merge(day->piece->packed, adder->table);
    note(run, day->piece);
    return true;
}

static void *add_days(void *opaque)
{
    struct adder *adder = opaque;
    struct run *run = adder->run;
    for (;;) {
        GError *error = NULL;
        const guint i = (guint)g_atomic_int_add(&run->next, 1);
        if (i >= run->end || g_atomic_int_get(&run->over))
            return NULL;
        if (!add_day_to(adder, day_at(run, i), &error))
            fail(run, error);
        drop(run, day_at(run, i));
    }
}

/* ---- the days of a table ---- */

static guint threads_for(const struct run *run, guint first, guint end, const struct usage_table *table)
{
    uint64_t rows = 0;
    for (guint i = first; i < end; i++)
        for (guint k = 0; k < day_at(run, i)->n; k++)
            rows += want_at(run, day_at(run, i)->first + k)->rows;
    return rows < THREAD_ROWS_MIN || table->minutes != NULL ? 1 : CLAMP(run->place->threads, 1, end - first);
}

static void add_group(struct run *run, GPtrArray *adders, guint n_threads)
{
    g_autoptr(GPtrArray) threads = g_ptr_array_new();
    const struct adder *first = g_ptr_array_index(adders, 0);
    while (adders->len < n_threads) {
        struct adder *adder = g_new0(struct adder, 1);
        *adder = (struct adder){.run = run, .table = usage_table_new(first->table->window)};
        g_ptr_array_add(adders, adder);
    }
    for (guint i = 1; i < n_threads; i++)
        g_ptr_array_add(threads, g_thread_new("closed", add_days, g_ptr_array_index(adders, i)));
    add_days(g_ptr_array_index(adders, 0));
    for (guint i = 0; i < threads->len; i++)
        g_thread_join(g_ptr_array_index(threads, i));
}

static bool add_groups(struct run *run, GPtrArray *adders, guint first, guint end, GError **error)
{
    const struct adder *adder = g_ptr_array_index(adders, 0);
    bool ok = true;
    for (guint group_end; ok && first < end; first = group_end) {
        group_end = feed(run, first, end);
        run->next = (gint)first;
        run->end = group_end;
        ok = reader_finish(run->query.reader, error);
        if (ok)
            add_group(run, adders, threads_for(run, first, group_end, adder->table));
        for (guint i = first; i < group_end; i++)
            drop(run, day_at(run, i));
        if (ok && run->error != NULL) {
            g_propagate_error(error, g_steal_pointer(&run->error));
            ok = false;
        }
    }
    return ok;
}

static void adder_free(void *opaque)
{
    struct adder *adder = opaque;
    sheet_sums_free(adder->sums);
    if (!adder->is_first)
        usage_table_free(adder->table);
    g_free(adder);
}

/* Adds days [first, end) to a table. */
static bool add_to(struct run *run, guint first, guint end, struct usage_table *table, GError **error)
{
    g_autoptr(GPtrArray) adders = g_ptr_array_new_with_free_func(adder_free);
    struct adder *adder = g_new0(struct adder, 1);
    *adder = (struct adder){.run = run, .table = table, .is_first = true};
    g_ptr_array_add(adders, adder);
    bool ok = first == end || add_groups(run, adders, first, end, error);
    for (guint i = 1; ok && i < adders->len; i++)
        usage_table_merge(table, ((const struct adder *)g_ptr_array_index(adders, i))->table);
    return ok;
}

/* ---- sums ---- */

static struct sum *sum_new(const struct run *run, const struct window *window, guint first, guint end)
{
    const int64_t first_slot = day_at(run, first)->first_slot, end_slot = day_at(run, end - 1)->end_slot;
    struct sum *sum = g_new0(struct sum, 1);
    live_kept_init(&sum->kept, sizeof *sum, sum_free);
    window_init_part(&sum->window, window, first_slot, (uint32_t)(end_slot - first_slot));
    sum->table = usage_table_new(&sum->window);
    return sum;
}

static void keep_sum(const struct run *run, const char *key, struct sum *sum)
{
    sum->kept.bytes += usage_table_bytes(sum->table) + sum->window.n_points * sizeof *sum->window.points;
    if (sum->rows >= SUM_ROWS_MIN && sum->kept.bytes <= live_cache_bytes_max(run->place->cache) / SUM_SHARE)
        live_cache_put(run->place->cache, key, &sum->kept);
}

/* Days [first, end) by way of their sum. */
static bool add_sum(struct run *run, guint first, guint end, struct usage_table *table, GError **error)
{
    const struct day *from = day_at(run, first), *last = day_at(run, end - 1);
    struct sum *fresh = sum_new(run, table->window, first, end);
    g_autofree char *key = make_key(run, "days\x1e", from->first, last->first + last->n - from->first, &fresh->window);
    struct sum *sum = (struct sum *)(void *)live_cache_take(run->place->cache, key);
    bool ok = true;
    if (sum == NULL) {
        sum = g_steal_pointer(&fresh);
        ok = add_to(run, first, end, sum->table, error);
        sum->seen = run->seen;
        sum->rows = run->rows;
        if (ok)
            keep_sum(run, key, sum);
    }
    if (ok)
        usage_table_merge(table, sum->table);
    run->seen |= sum->seen;
    live_kept_unref(&sum->kept);
    if (fresh != NULL)
        live_kept_unref(&fresh->kept);
    return ok;
}

static bool add_all(struct run *run, struct usage_table *table, GError **error)
{
    guint first, n = whole_days(run, &first);
    if (!run->keeps || table->minutes != NULL || n < SUM_DAYS_MIN)
        return add_to(run, 0, run->days->len, table, error);
    return add_sum(run, first, first + n, table, error) && add_to(run, 0, first, table, error) &&
           add_to(run, first + n, run->days->len, table, error);
}

bool closed_pieces_sum(const struct closed_place *place, GPtrArray *wanted, struct usage_table *table, bool *seen, GError **error)
{
    struct run run = {.place = place, .query = place->query, .wanted = wanted};
    run.keeps = live_cache_bytes_max(place->cache) > 0 && place->query.scope->endpoints == NULL;
    run.days = g_array_new(FALSE, FALSE, sizeof(struct day));
    g_array_set_clear_func(run.days, day_clear);
    run.food = g_new0(struct food, (gsize)wanted->len + 1);
    g_mutex_init(&run.lock);
    find_days(&run, table->window);
    const bool ok = add_all(&run, table, error);
    *seen |= run.seen;
    g_array_free(run.days, TRUE);
    g_free(run.food);
    g_mutex_clear(&run.lock);
    return ok;
}
