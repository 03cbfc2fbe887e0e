/* report_world: closed days with random rows in a real Redis, and the naive sums over the rows, for the tests of reports. */
#ifndef DAYBOOK_TESTS_REPORT_WORLD_H
#define DAYBOOK_TESTS_REPORT_WORLD_H

#include "api/meters.h"
#include "api/report.h"
#include "tests/unit/ledger_world.h"

enum { FIRST = WORLD_DAY - 12, DAYS = 12, ROWS = 1500, SLOTS = KEYS_SLOTS_PER_DAY };

static struct ledger_world world;
static struct metrics *metrics;
static GArray *raw; /* struct raw */
static struct closed_days *all_days, *pinned_days;

/* ---- rows ---- */

struct raw {
    int64_t day;
    int revision; /* that first has it */
    guint slot, status;
    uint64_t count;
    const char *names[REPORT_NAMES];
};

static const char *const clients[] = {"-", "c", "c-1", "c-2", "c-10", "acme", "{other}"};
static const char *const organizations[] = {"", "acme", "globex"};
static const char *const users[] = {"", "", "", "u-1", "u-2", "acme", "ü"};
static const char *const templates[] = {"/v1/orders", "v1/orders", "/v1/orders/{id}", "/", "{other}", "//x", "/c"};
static const char *const methods[] = {"GET", "GET", "POST", "DELETE", ""};
static const char *const platforms[] = {"", "", "", "ios", "GET"};
static const struct {
    const char *const *names;
    gint32 n;
} pools[REPORT_NAMES] = {
    {clients, G_N_ELEMENTS(clients)}, {organizations, G_N_ELEMENTS(organizations)},
    {users, G_N_ELEMENTS(users)},     {templates, G_N_ELEMENTS(templates)},
    {methods, G_N_ELEMENTS(methods)}, {platforms, G_N_ELEMENTS(platforms)},
};

static inline const char *pick(GRand *rand, unsigned bit)
{
    return pools[bit].names[g_rand_int_range(rand, 0, pools[bit].n)];
}

static inline void add_raw(GRand *rand)
{
    static const guint statuses[] = {100, 103, 200, 200, 200, 204, 301, 399, 400, 404, 429, 429, 500, 599};
    struct raw row = {.revision = g_rand_int_range(rand, 0, 5) == 0 ? 2 : 1};
    row.day = FIRST + g_rand_int_range(rand, 0, DAYS);
    row.slot = (guint)g_rand_int_range(rand, 0, SLOTS);
    row.status = statuses[g_rand_int_range(rand, 0, G_N_ELEMENTS(statuses))];
    row.count = g_rand_boolean(rand) ? 1 : (uint64_t)g_rand_int_range(rand, 1, 1000);
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++)
        row.names[bit] = pick(rand, bit);
    if (row.day == FIRST + 4 || (row.day == FIRST + 5 && row.revision == 1)) /* one day is empty, one only at first */
        return;
    g_array_append_val(raw, row);
}

static inline void add_to_sheet(const struct raw *raw_row)
{
    struct tally statuses = {.key = raw_row->status & UINT16_MAX, .count = raw_row->count & TALLY_COUNT_MAX};
    struct sheet_row row = {.client = view_of(raw_row->names[0]),
                            .organization = view_of(raw_row->names[1]),
                            .user = view_of(raw_row->names[2]),
                            .template = view_of(raw_row->names[3]),
                            .method = view_of(raw_row->names[4]),
                            .platform = view_of(raw_row->names[5]),
                            .slot = raw_row->slot};
    row.measure = (struct measure){.requests = raw_row->count, .statuses = {&statuses, 1, 1}};
    guint partition = partition_of(row.organization, row.client, WORLD_PARTITIONS);
    if (raw_row->day % 3 == 0 || g_str_equal(raw_row->names[0], KEYS_OTHER)) /* collectors counted with other partitions */
        partition = g_str_hash(raw_row->names[2]) / 7 % WORLD_PARTITIONS;
    g_autoptr(GError) error = NULL;
    sheet_builder_add(world.rows[partition], &row, &error);
    g_assert_no_error(error);
    client_sums_add(world.sums, row.organization, row.client, raw_row->count);
}

static inline void close_day(int64_t day, int revision)
{
    for (guint i = 0; i < raw->len; i++) {
        const struct raw *row = &g_array_index(raw, struct raw, i);
        if (row->day == day && row->revision <= revision)
            add_to_sheet(row);
    }
    world_close(&world, day, revision, revision > 1 ? SEAL_LATE : SEAL_DAY_END);
}

static inline struct reader *open_reader(void)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    struct reader *reader = reader_new(&settings, 1);
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    return reader;
}

static inline void read_days(void)
{
    g_autoptr(GError) error = NULL;
    struct reader *reader = open_reader();
    struct ledger_cache *cache = ledger_cache_new();
    struct ledger_place place = {.reader = reader, .index = ledger_cache_take(cache, reader, &error)};
    g_assert_no_error(error);
    const struct pin first = {DAYS, FIRST + DAYS - 1}, last = {place.index->n, FIRST + DAYS - 1};
    pinned_days = closed_days_read(&place, first, FIRST - 3, FIRST + DAYS + 3, &error);
    all_days = closed_days_read(&place, last, FIRST - 3, FIRST + DAYS + 3, &error);
    g_assert_no_error(error);
    ledger_index_release(place.index);
    ledger_cache_free(cache);
    reader_free(reader);
}

static inline void fill(GRand *rand)
{
    raw = g_array_new(FALSE, FALSE, sizeof(struct raw));
    for (int i = 0; i < ROWS; i++)
        add_raw(rand);
    for (int64_t day = FIRST; day < FIRST + DAYS; day++)
        close_day(day, 1);
    for (int64_t day = FIRST; day < FIRST + DAYS; day += day == FIRST + 6 ? 2 : 1) /* one has a single revision */
        close_day(day, 2);
    read_days();
}

/* ---- the naive sum ---- */

static inline const char *bare(const char *name, unsigned bit)
{
    return bit == 3 && name[0] == '/' ? name + 1 : name;
}

static inline bool passes(const struct report_filter *filter, const struct raw *row)
{
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++) {
        bool found = filter->names[bit] == NULL;
        for (guint i = 0; !found && i < filter->names[bit]->len; i++)
            found = g_str_equal(bare(g_ptr_array_index(filter->names[bit], i), bit), bare(row->names[bit], bit));
        if (!found)
            return false;
    }
    return true;
}

static inline int period_of(const GArray *periods, const struct raw *row)
{
    const int64_t slot = row->day * SLOTS + row->slot;
    for (guint i = 0; i < periods->len; i++) {
        const struct report_period *period = &g_array_index(periods, struct report_period, i);
        if (slot >= period->from_slot && slot < period->to_slot)
            return (int)i;
    }
    return -1;
}

static inline void count_raw(struct report_counts *counts, const struct raw *row)
{
    counts->requests += row->count;
    counts->status200 += row->status / 100 == 2 ? row->count : 0;
    counts->status300 += row->status / 100 == 3 ? row->count : 0;
    counts->status400 += row->status / 100 == 4 ? row->count : 0;
    counts->status500 += row->status / 100 == 5 ? row->count : 0;
    counts->status429 += row->status == 429 ? row->count : 0;
}

struct naive {
    char *key; /* period and names, separated by tabs */
    uint32_t period;
    struct report_counts counts;
};

static inline void free_naive(gpointer opaque)
{
    g_free(((struct naive *)opaque)->key);
    g_free(opaque);
}

/* No name of the pools has a byte below the tab: so the order of keys is that of the names. */
static inline gint compare_naive(gconstpointer a, gconstpointer b)
{
    const struct naive *x = *(const struct naive *const *)a, *y = *(const struct naive *const *)b;
    if (x->period != y->period)
        return x->period < y->period ? -1 : 1;
    if (x->counts.requests != y->counts.requests)
        return x->counts.requests > y->counts.requests ? -1 : 1;
    return strcmp(x->key, y->key);
}

static inline void append_line(GString *text, const char *key, const struct report_counts *counts)
{
    g_string_append_printf(text,
                           "%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                           " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                           key, counts->requests, counts->status200, counts->status300, counts->status400, counts->status500,
                           counts->status429);
}

static inline GPtrArray *sum_naively(const struct report_question *question, bool pinned)
{
    GHashTable *groups = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *sorted = g_ptr_array_new_with_free_func(free_naive);
    for (guint i = 0; i < raw->len; i++) {
        const struct raw *row = &g_array_index(raw, struct raw, i);
        const int period = period_of(question->periods, row);
        if (period < 0 || !passes(&question->filter, row) || (pinned && row->revision > 1) ||
            (row->day == FIRST + 7 && row->revision > 1)) /* its second revision was never closed */
            continue;
        g_autoptr(GString) key = g_string_new(NULL);
        g_string_append_printf(key, "%d", period);
        for (unsigned bit = 0; bit < REPORT_NAMES; bit++)
            g_string_append_printf(key, "\t%s", question->group & 1u << bit ? bare(row->names[bit], bit) : "");
        struct naive *naive = g_hash_table_lookup(groups, key->str);
        if (naive == NULL) {
            naive = g_new0(struct naive, 1);
            naive->period = (uint32_t)period;
            naive->key = g_strdup(key->str);
            g_hash_table_insert(groups, naive->key, naive);
            g_ptr_array_add(sorted, naive);
        }
        count_raw(&naive->counts, row);
    }
    g_hash_table_destroy(groups);
    g_ptr_array_sort(sorted, compare_naive);
    return sorted;
}

static inline char *naive_text(const struct report_question *question, bool pinned)
{
    g_autoptr(GPtrArray) sorted = sum_naively(question, pinned);
    GString *text = g_string_new(NULL);
    uint32_t shown = 0;
    for (guint i = 0; i < sorted->len; i++) {
        const struct naive *naive = g_ptr_array_index(sorted, i);
        if (i == 0 || ((const struct naive *)g_ptr_array_index(sorted, i - 1))->period != naive->period)
            shown = 0;
        if (question->top == 0 || shown++ < question->top)
            append_line(text, naive->key, &naive->counts);
    }
    return g_string_free(text, FALSE);
}

#endif
