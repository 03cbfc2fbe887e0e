#include "api/integration_errors.h"

#include "lib/keys.h"
#include "lib/number.h"

#define PURGED_KEY "{daybook}:refused_purged"
enum { FIELD_SEPARATOR = 0x1f, MARKS_AT_ONCE = 200, SLACK = 1024 };

/* ---- entries of the ring: "n ms refused_ms count reason collector<0x1f>message<0x1f>sample" ---- */

static bool take_number(const char **at, const char *end, uint64_t *number)
{
    return number_scan(at, end, number) && *at < end && *(*at)++ == ' ';
}

static bool take_until(const char **at, const char *end, char stop, struct view *text)
{
    const char *found = memchr(*at, stop, (size_t)(end - *at));
    if (!found)
        return false;
    *text = view_make(*at, (size_t)(found - *at));
    *at = found + 1;
    return true;
}

/* Views into the text. */
static bool parse_sample(struct view text, struct integration_sample *sample)
{
    const char *at = text.data, *end = text.data + text.size;
    uint64_t time_ms, refused_ms;
    *sample = (struct integration_sample){0};
    if (!take_number(&at, end, &sample->place.number) || !take_number(&at, end, &time_ms) || !take_number(&at, end, &refused_ms) ||
        !take_number(&at, end, &sample->count) || !take_until(&at, end, ' ', &sample->reason) ||
        !take_until(&at, end, FIELD_SEPARATOR, &sample->collector) || !take_until(&at, end, FIELD_SEPARATOR, &sample->message))
        return false;
    sample->place.time_ms = (int64_t)time_ms;
    sample->refused_ms = (int64_t)refused_ms;
    sample->sample = view_make(at, (size_t)(end - at));
    return true;
}

static struct integration_sample *sample_dup(const struct integration_sample *sample, struct view text)
{
    struct integration_sample *copy = g_new(struct integration_sample, 1);
    *copy = *sample;
    copy->text = g_memdup2(text.data, text.size);
    struct view *const views[] = {&copy->reason, &copy->collector, &copy->message, &copy->sample};
    for (size_t i = 0; i < G_N_ELEMENTS(views); i++)
        views[i]->data = copy->text + (views[i]->data - text.data);
    return copy;
}

static void sample_free(gpointer sample)
{
    g_free(((struct integration_sample *)sample)->text);
    g_free(sample);
}

/* Below 0: a comes before b in the list. */
static int compare_places(const struct integration_place *a, const struct integration_place *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms > b->time_ms ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition > b->partition ? -1 : 1;
    return a->number == b->number ? 0 : a->number > b->number ? -1 : 1;
}

static gint compare_samples(gconstpointer a, gconstpointer b)
{
    const struct integration_sample *const *x = a, *const *y = b;
    return compare_places(&(*x)->place, &(*y)->place);
}

/* ---- filters ---- */

static bool fits(const struct integration_filter *filter, int64_t day, struct view reason, struct view collector)
{
    return day >= filter->from_day && day <= filter->to_day && (!filter->reason || view_is(reason, filter->reason)) &&
           (!filter->collector || view_is(collector, filter->collector));
}

/* ---- reading ---- */

/* Only the first ones in order are wanted: now and then the others are dropped, so memory is bounded whatever there is. */
static void drop_others(struct integration_errors *errors)
{
    g_ptr_array_sort(errors->samples, compare_samples);
    errors->more |= errors->samples->len > errors->wanted;
    if (errors->more)
        g_ptr_array_set_size(errors->samples, (gint)MIN(errors->samples->len, errors->wanted));
}

static void take_sample(struct view field, struct view value, void *opaque, size_t partition)
{
    struct integration_errors *errors = opaque;
    struct integration_sample sample;
    (void)field;
    if (!parse_sample(value, &sample) || sample.place.number < errors->first[partition] ||
        !fits(&errors->filter, sample.place.time_ms / KEYS_DAY_MS, sample.reason, sample.collector))
        return;
    sample.place.partition = (int)partition;
    errors->kept++;
    if (errors->has_after && compare_places(&sample.place, &errors->after) <= 0)
        return;
    g_ptr_array_add(errors->samples, sample_dup(&sample, value));
    if (errors->samples->len > errors->wanted + SLACK)
        drop_others(errors);
}

static void add_sum(GHashTable *sums, struct view name, uint64_t count)
{
    g_autofree char *key = g_strndup(name.data, name.size);
    struct integration_sum *sum = g_hash_table_lookup(sums, key);
    if (!sum) {
        sum = g_new0(struct integration_sum, 1);
        sum->name = g_steal_pointer(&key);
        g_hash_table_insert(sums, sum->name, sum);
    }
    sum->count += count;
}

/* "day reason collector" */
static void take_count(struct view field, struct view value, void *opaque, size_t partition)
{
    struct integration_errors *errors = opaque;
    const char *at = field.data, *end = field.data + field.size;
    struct view reason;
    uint64_t day, count;
    (void)partition;
    if (!take_number(&at, end, &day) || !take_until(&at, end, ' ', &reason) || !number_read(value, &count))
        return;
    struct view collector = view_make(at, (size_t)(end - at));
    if (!fits(&errors->filter, (int64_t)day, reason, collector))
        return;
    errors->total += count;
    add_sum(errors->reasons, reason, count);
    add_sum(errors->collectors, collector, count);
}

struct marks {
    uint64_t *first;
    int partitions;
};

static void take_mark(struct view field, struct view value, void *opaque, size_t a)
{
    const struct marks *marks = opaque;
    uint64_t partition, number;
    (void)a;
    if (number_read(field, &partition) && partition < (uint64_t)marks->partitions && number_read(value, &number))
        marks->first[partition] = number;
}

static bool read_marks(struct reader *reader, uint64_t *first, GError **error)
{
    struct marks marks = {first, reader_partitions(reader)};
    reader_scan(reader, READER_CONTROL, "HSCAN", PURGED_KEY, NULL,
                (struct reader_pairs){.each = take_mark, .opaque = &marks, .once = true});
    return reader_finish(reader, error);
}

static gint compare_sums(gconstpointer a, gconstpointer b)
{
    const struct integration_sum *const *x = a, *const *y = b;
    if ((*x)->count != (*y)->count)
        return (*x)->count > (*y)->count ? -1 : 1;
    return strcmp((*x)->name, (*y)->name);
}

static GPtrArray *sorted(GHashTable *sums)
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter iter;
    gpointer sum;
    g_hash_table_iter_init(&iter, sums);
    while (g_hash_table_iter_next(&iter, NULL, &sum))
        g_ptr_array_add(list, sum);
    g_ptr_array_sort(list, compare_sums);
    return list;
}

static void sum_free(gpointer sum)
{
    g_free(((struct integration_sum *)sum)->name);
    g_free(sum);
}

static void scan(struct reader *reader, int partition, const char *kind, struct integration_errors *errors,
                 void (*each)(struct view, struct view, void *, size_t))
{
    char key[KEYS_MAX];
    keys_plain(key, partition, kind);
    reader_scan(reader, partition, "HSCAN", key, NULL,
                (struct reader_pairs){.each = each, .opaque = errors, .a = (size_t)partition, .once = true});
}

bool integration_errors_read(struct integration_errors *errors, struct reader *reader, GError **error)
{
    int partitions = reader_partitions(reader);
    errors->first = g_new0(uint64_t, (gsize)partitions);
    errors->samples = g_ptr_array_new_with_free_func(sample_free);
    errors->reasons = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sum_free);
    errors->collectors = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sum_free);
    if (!read_marks(reader, errors->first, error))
        return false;
    for (int i = 0; i < partitions; i++) {
        errors->purged += errors->first[i];
        scan(reader, i, "refused", errors, take_sample);
        scan(reader, i, "refusals", errors, take_count);
    }
    if (!reader_finish(reader, error))
        return false;
    drop_others(errors);
    errors->by_reason = sorted(errors->reasons);
    errors->by_collector = sorted(errors->collectors);
    return true;
}

void integration_errors_clear(struct integration_errors *errors)
{
    g_clear_pointer(&errors->by_reason, g_ptr_array_unref);
    g_clear_pointer(&errors->by_collector, g_ptr_array_unref);
    g_clear_pointer(&errors->reasons, g_hash_table_destroy);
    g_clear_pointer(&errors->collectors, g_hash_table_destroy);
    g_clear_pointer(&errors->samples, g_ptr_array_unref);
    g_clear_pointer(&errors->first, g_free);
}

/* ---- purging ---- */

/* KEYS[1]; ARGV: partition, number, …. Marks only grow; one write, as everywhere. */
static const char mark_script[] = "local set = {} "
                                  "for i = 1, #ARGV, 2 do "
                                  "  local old = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '0') "
                                  "  if tonumber(ARGV[i + 1]) > old then set[#set + 1] = ARGV[i] set[#set + 1] = ARGV[i + 1] end "
                                  "end "
                                  "if #set > 0 then redis.call('HSET', KEYS[1], unpack(set)) end "
                                  "return #set";

/* KEYS[1]; ARGV[1]: the first number that stays. In a script, for its owner may write a new entry over an old one meanwhile. */
static const char remove_script[] = "local all, gone = redis.call('HGETALL', KEYS[1]), {} "
                                    "for i = 1, #all, 2 do "
                                    "  local n = tonumber(string.match(all[i + 1], '^%d+')) "
                                    "  if n and n < tonumber(ARGV[1]) then gone[#gone + 1] = all[i] end "
                                    "end "
                                    "if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end "
                                    "return #gone";

struct purge {
    int64_t before_ms;
    uint64_t *first; /* by partition: marks before */
    uint64_t *next;  /* and after; 0: nothing to do */
    uint64_t purged;
};

static void look_at(struct view field, struct view value, void *opaque, size_t partition)
{
    struct purge *purge = opaque;
    struct integration_sample sample;
    (void)field;
    if (!parse_sample(value, &sample) || sample.place.time_ms >= purge->before_ms)
        return;
    purge->purged += sample.place.number >= purge->first[partition];
    purge->next[partition] = MAX(purge->next[partition], sample.place.number + 1);
}

static void ask_marks(struct reader *reader, GPtrArray *texts)
{
    struct view argv[4 + 2 * MARKS_AT_ONCE] = {view_of("EVAL"), view_of(mark_script), view_of("1"), view_of(PURGED_KEY)};
    for (guint i = 0; i < texts->len; i++)
        argv[4 + i] = view_of(g_ptr_array_index(texts, i));
    if (texts->len > 0)
        reader_ask(reader, READER_CONTROL, argv, 4 + texts->len, (struct reader_then){0});
    g_ptr_array_set_size(texts, 0);
}

static bool write_marks(const struct purge *purge, struct reader *reader, GError **error)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < reader_partitions(reader); i++) {
        if (purge->next[i] == 0)
            continue;
        g_ptr_array_add(texts, g_strdup_printf("%d", i));
        g_ptr_array_add(texts, g_strdup_printf("%" G_GUINT64_FORMAT, purge->next[i]));
        if (texts->len == 2 * MARKS_AT_ONCE)
            ask_marks(reader, texts);
    }
    ask_marks(reader, texts);
    return reader_finish(reader, error);
}

static bool remove_all(const struct purge *purge, struct reader *reader, GError **error)
{
    char key[KEYS_MAX], number[NUMBER_MAX];
    for (int i = 0; i < reader_partitions(reader); i++) {
        if (purge->next[i] == 0)
            continue;
        const struct view argv[] = {view_of("EVAL"), view_of(remove_script), view_of("1"),
                                    view_make(key, keys_plain(key, i, "refused")),
                                    view_make(number, number_write(number, purge->next[i]))};
        reader_ask(reader, i, argv, G_N_ELEMENTS(argv), (struct reader_then){0});
    }
    return reader_finish(reader, error);
}

/* First the marks, so that nothing that is half removed is ever seen. */
static bool run_purge(struct purge *purge, struct reader *reader, GError **error)
{
    char key[KEYS_MAX];
    if (!read_marks(reader, purge->first, error))
        return false;
    for (int i = 0; i < reader_partitions(reader); i++) {
        keys_plain(key, i, "refused");
        reader_scan(reader, i, "HSCAN", key, NULL,
                    (struct reader_pairs){.each = look_at, .opaque = purge, .a = (size_t)i, .once = true});
    }
    return reader_finish(reader, error) && write_marks(purge, reader, error) && remove_all(purge, reader, error);
}

bool integration_errors_purge(struct reader *reader, int64_t before_ms, uint64_t *purged, GError **error)
{
    gsize partitions = (gsize)reader_partitions(reader);
    g_autofree uint64_t *first = g_new0(uint64_t, partitions), *next = g_new0(uint64_t, partitions);
    struct purge purge = {.before_ms = before_ms, .first = first, .next = next};
    bool ok = run_purge(&purge, reader, error);
    *purged = purge.purged;
    return ok;
}
