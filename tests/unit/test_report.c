/* Random rows, random questions: what the engine says is what a naive sum over the rows says, on a real redis-server. */
#include "api/report.h"

#include "api/meters.h"
#include "api/result.h"
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

static const char *pick(GRand *rand, unsigned bit)
{
    return pools[bit].names[g_rand_int_range(rand, 0, pools[bit].n)];
}

static void add_raw(GRand *rand)
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

static void add_to_sheet(const struct raw *raw_row)
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

static void close_day(int64_t day, int revision)
{
    for (guint i = 0; i < raw->len; i++) {
        const struct raw *row = &g_array_index(raw, struct raw, i);
        if (row->day == day && row->revision <= revision)
            add_to_sheet(row);
    }
    world_close(&world, day, revision, revision > 1 ? SEAL_LATE : SEAL_DAY_END);
}

static struct reader *open_reader(void)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {world.server.url, 1000, 5000};
    struct reader *reader = reader_new(&settings, 1);
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    return reader;
}

static void read_days(void)
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

static void fill(GRand *rand)
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

static const char *bare(const char *name, unsigned bit)
{
    return bit == 3 && name[0] == '/' ? name + 1 : name;
}

static bool passes(const struct report_filter *filter, const struct raw *row)
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

static int period_of(const GArray *periods, const struct raw *row)
{
    const int64_t slot = row->day * SLOTS + row->slot;
    for (guint i = 0; i < periods->len; i++) {
        const struct report_period *period = &g_array_index(periods, struct report_period, i);
        if (slot >= period->from_slot && slot < period->to_slot)
            return (int)i;
    }
    return -1;
}

static void count_raw(struct report_counts *counts, const struct raw *row)
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

static void free_naive(gpointer opaque)
{
    g_free(((struct naive *)opaque)->key);
    g_free(opaque);
}

/* No name of the pools has a byte below the tab: so the order of keys is that of the names. */
static gint compare_naive(gconstpointer a, gconstpointer b)
{
    const struct naive *x = *(const struct naive *const *)a, *y = *(const struct naive *const *)b;
    if (x->period != y->period)
        return x->period < y->period ? -1 : 1;
    if (x->counts.requests != y->counts.requests)
        return x->counts.requests > y->counts.requests ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void append_line(GString *text, const char *key, const struct report_counts *counts)
{
    g_string_append_printf(text,
                           "%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                           " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "\n",
                           key, counts->requests, counts->status200, counts->status300, counts->status400, counts->status500,
                           counts->status429);
}

static GPtrArray *sum_naively(const struct report_question *question, bool pinned)
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

static char *naive_text(const struct report_question *question, bool pinned)
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

/* ---- random questions ---- */

static GArray *random_periods(GRand *rand)
{
    GArray *periods = g_array_new(FALSE, FALSE, sizeof(struct report_period));
    const gint32 kind = g_rand_int_range(rand, 0, 4);
    int64_t slot = (FIRST - 2) * SLOTS + (kind == 0 ? 0 : g_rand_int_range(rand, 0, 3 * SLOTS));
    const int64_t end = (FIRST + DAYS + 2) * SLOTS;
    while (slot < end) {
        int64_t length = SLOTS; /* UTC days, or those of a zone */
        if (kind == 2)
            length = g_rand_int_range(rand, 1, 20); /* many in a day */
        if (kind == 3)
            length = g_rand_int_range(rand, 1, DAYS * SLOTS);
        const struct report_period period = {slot, slot + length};
        g_array_append_val(periods, period);
        slot += length + (g_rand_int_range(rand, 0, 4) == 0 ? g_rand_int_range(rand, 0, 150) : 0);
    }
    return periods;
}

static GPtrArray *random_names(GRand *rand, unsigned bit)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (gint32 n = g_rand_int_range(rand, 0, 4); n > 0; n--) {
        const char *name = pick(rand, bit);
        if (bit == 3 && g_rand_boolean(rand))
            name = bare(name, bit);
        g_ptr_array_add(names, g_strdup(g_rand_int_range(rand, 0, 8) == 0 ? "nobody" : name));
    }
    return names;
}

static void random_question(GRand *rand, struct report_question *question, bool pinned)
{
    *question = (struct report_question){.groups_max = 100000, .days = pinned ? pinned_days : all_days};
    question->group = (uint32_t)g_rand_int_range(rand, 0, 1 << REPORT_NAMES);
    question->periods = random_periods(rand);
    question->top = g_rand_int_range(rand, 0, 3) == 0 ? (uint32_t)g_rand_int_range(rand, 1, 6) : 0;
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++)
        if (g_rand_int_range(rand, 0, 5) == 0)
            question->filter.names[bit] = random_names(rand, bit);
}

/* ---- what the engine says ---- */

struct taken {
    GString *text;
    struct result *result;
    uint32_t rows, stop_after;
};

static bool take_row(const struct report_row *row, void *opaque)
{
    struct taken *taken = opaque;
    g_autoptr(GString) key = g_string_new(NULL);
    g_string_append_printf(key, "%u", row->period);
    for (unsigned bit = 0; bit < REPORT_NAMES; bit++) {
        g_string_append_c(key, '\t');
        g_string_append_len(key, row->names[bit].data, (gssize)row->names[bit].size);
    }
    append_line(taken->text, key->str, &row->counts);
    if (taken->result != NULL)
        g_assert_true(result_add(row, taken->result));
    return ++taken->rows != taken->stop_after;
}

struct engine {
    struct reader *reader;
    struct sheets *sheets;
    gint cancelled;
};

static void engine_init(struct engine *engine, size_t cache_bytes)
{
    *engine = (struct engine){.reader = open_reader(), .sheets = sheets_new(cache_bytes, world.archive, metrics)};
}

static void engine_clear(struct engine *engine)
{
    sheets_free(engine->sheets);
    reader_free(engine->reader);
}

static bool run(struct engine *engine, const struct report_question *question, guint threads, struct taken *taken, GError **error)
{
    const struct report_place place = {engine->sheets, engine->reader, threads, &engine->cancelled, true};
    taken->text = g_string_new(NULL);
    return report_run(question, &place, (struct report_sink){take_row, taken}, error);
}

static char *run_text(struct engine *engine, const struct report_question *question, guint threads, struct result *result)
{
    g_autoptr(GError) error = NULL;
    struct taken taken = {.result = result};
    run(engine, question, threads, &taken, &error);
    g_assert_no_error(error);
    return g_string_free(taken.text, FALSE);
}

/* ---- tests ---- */

static char *text_of_result(const struct result *result, uint64_t first)
{
    g_autoptr(GError) error = NULL;
    struct result_cursor *cursor = result_cursor_new(result, first);
    struct taken taken = {.text = g_string_new(NULL)};
    struct report_row row;
    while (result_cursor_next(cursor, &row, &error))
        take_row(&row, &taken);
    g_assert_no_error(error);
    result_cursor_free(cursor);
    return g_string_free(taken.text, FALSE);
}

static const char *behind_lines(const char *text, uint64_t n)
{
    for (; n > 0; n--)
        text = strchr(text, '\n') + 1;
    return text;
}

static void test_as_the_naive_sum(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32) & 0x7fffffff);
    struct engine warm, cold;
    engine_init(&warm, 1 << 24);
    for (int i = 0; i < 400; i++) {
        struct report_question question;
        g_autoptr(GError) error = NULL;
        const bool pinned = g_rand_boolean(rand);
        random_question(rand, &question, pinned);
        struct result *result = result_new(g_get_tmp_dir(), 1 << 24, &error);
        g_assert_no_error(error);
        g_autofree char *wanted = naive_text(&question, pinned);
        g_autofree char *one = run_text(&warm, &question, 1, NULL);
        g_autofree char *four = run_text(&warm, &question, 4, result);
        g_assert_cmpstr(one, ==, wanted);
        g_assert_cmpstr(four, ==, wanted);
        if (i % 20 == 0) {
            engine_init(&cold, 0);
            g_autofree char *slow = run_text(&cold, &question, 3, NULL);
            g_assert_cmpstr(slow, ==, wanted);
            engine_clear(&cold);
        }
        g_assert_true(result_finish(result, &error));
        for (uint64_t first = 0; first <= result_rows(result); first += 1 + result_rows(result) / 3) {
            g_autofree char *rest = text_of_result(result, first);
            g_assert_cmpstr(rest, ==, behind_lines(wanted, first));
        }
        result_unref(result);
        report_question_clear(&question);
    }
    engine_clear(&warm);
    g_rand_free(rand);
}

static bool add_row(const struct report_row *row, void *opaque)
{
    return report_counts_add(opaque, &row->counts);
}

static struct report_counts total(struct engine *engine, const struct report_question *question)
{
    g_autoptr(GError) error = NULL;
    const struct report_place place = {engine->sheets, engine->reader, 2, NULL, true};
    struct report_counts counts = {0};
    report_run(question, &place, (struct report_sink){add_row, &counts}, &error);
    g_assert_no_error(error);
    return counts;
}

/* By whatever road: days, groups, slots, all at once. */
static void test_roads(void)
{
    GRand *rand = g_rand_new_with_seed(g_test_rand_int_range(0, G_MAXINT32) & 0x7fffffff);
    struct engine engine;
    engine_init(&engine, 1 << 24);
    for (int i = 0; i < 30; i++) {
        struct report_question question;
        random_question(rand, &question, false);
        question.top = 0;
        g_array_set_size(question.periods, 1);
        struct report_period *whole = &g_array_index(question.periods, struct report_period, 0);
        whole->to_slot = whole->from_slot + g_rand_int_range(rand, 1, DAYS * SLOTS);
        const struct report_counts wanted = total(&engine, &question);
        for (question.group = 0; question.group < 1 << REPORT_NAMES; question.group++) {
            const struct report_counts found = total(&engine, &question);
            g_assert_true(memcmp(&found, &wanted, sizeof found) == 0);
        }
        for (int64_t length = 1; length < 200; length = length * 3 + 1) {
            struct report_period period = g_array_index(question.periods, struct report_period, 0);
            const int64_t end = g_array_index(question.periods, struct report_period, question.periods->len - 1).to_slot;
            g_array_set_size(question.periods, 0);
            for (; period.from_slot < end; period.from_slot = period.to_slot) {
                period.to_slot = MIN(period.from_slot + length, end);
                g_array_append_val(question.periods, period);
            }
            question.group = g_rand_int(rand) % (1 << REPORT_NAMES);
            const struct report_counts found = total(&engine, &question);
            g_assert_true(memcmp(&found, &wanted, sizeof found) == 0);
        }
        report_question_clear(&question);
    }
    engine_clear(&engine);
    g_rand_free(rand);
}

static void whole_question(struct report_question *question, uint32_t group)
{
    const struct report_period period = {FIRST * SLOTS, (FIRST + DAYS) * SLOTS};
    *question = (struct report_question){.group = group, .groups_max = 100000, .days = all_days};
    question->periods = g_array_new(FALSE, FALSE, sizeof(struct report_period));
    g_array_append_val(question->periods, period);
}

static int64_t sheets_used(void)
{
    return metrics_get(metrics, METER_SHEETS_USED, NULL);
}

static void filter(struct report_question *question, unsigned bit, const char *name)
{
    question->filter.names[bit] = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(question->filter.names[bit], g_strdup(name));
}

/* Sheets that a question about one client looks at; its answer is right. */
static int64_t ask_of_client(struct engine *engine, const char *client, const char *organization)
{
    struct report_question question;
    whole_question(&question, REPORT_TEMPLATE);
    filter(&question, 0, client);
    filter(&question, 1, organization);
    const int64_t before = sheets_used();
    g_autofree char *wanted = naive_text(&question, false);
    g_autofree char *found = run_text(engine, &question, 2, NULL);
    g_assert_cmpstr(found, ==, wanted);
    report_question_clear(&question);
    return sheets_used() - before;
}

/* Once all sheets of a day were seen, one client's question opens one of them, where clients are where they belong. */
static void test_one_client(void)
{
    struct engine engine;
    world_call(&world, "DEL %s", "{daybook}:placement");
    engine_init(&engine, 0);
    const int64_t all = ask_of_client(&engine, "c-1", "acme"), less = ask_of_client(&engine, "c-1", "acme");
    g_assert_cmpint(all, >, DAYS);
    g_assert_cmpint(less, <, all);
    g_assert_cmpint(less, >, DAYS / 3); /* those of the days where nothing is certain */
    for (unsigned i = 0; i < G_N_ELEMENTS(clients); i++)
        for (unsigned k = 0; k < G_N_ELEMENTS(organizations); k++) {
            const int64_t used = ask_of_client(&engine, clients[i], organizations[k]);
            g_assert_true(used == less || (used == all) == g_str_equal(clients[i], KEYS_OTHER));
        }
    engine_clear(&engine);
    engine_init(&engine, 0); /* another process */
    g_assert_cmpint(ask_of_client(&engine, "c-1", "acme"), ==, less);
    engine_clear(&engine);
}

static void test_limits(void)
{
    struct engine engine;
    struct report_question question;
    struct taken taken = {0};
    g_autoptr(GError) error = NULL;
    engine_init(&engine, 1 << 24);
    whole_question(&question, REPORT_CLIENT);
    question.groups_max = G_N_ELEMENTS(clients);
    for (guint threads = 1; threads < 4; threads++) {
        taken = (struct taken){0};
        g_assert_true(run(&engine, &question, threads, &taken, &error));
        g_assert_cmpuint(taken.rows, ==, G_N_ELEMENTS(clients));
        g_string_free(taken.text, TRUE);
    }
    question.groups_max--;
    for (guint threads = 1; threads < 4; threads++) {
        g_assert_false(run(&engine, &question, threads, &taken, &error));
        g_assert_error(error, REPORT_ERROR, REPORT_ERROR_LIMIT);
        g_clear_error(&error);
        g_string_free(taken.text, TRUE);
    }
    question.groups_max = 100;
    taken = (struct taken){.stop_after = 3};
    g_assert_true(run(&engine, &question, 2, &taken, &error)); /* the sink had enough */
    g_assert_cmpuint(taken.rows, ==, 3);
    g_string_free(taken.text, TRUE);
    g_atomic_int_set(&engine.cancelled, 1);
    g_assert_false(run(&engine, &question, 2, &taken, &error));
    g_assert_error(error, REPORT_ERROR, REPORT_ERROR_CANCELLED);
    g_string_free(taken.text, TRUE);
    g_assert_cmpuint(report_cost(&question), >, 0);
    report_question_clear(&question);
    engine_clear(&engine);
}

static void test_deadline(void)
{
    struct engine engine;
    struct report_question question;
    struct taken taken = {0};
    g_autoptr(GError) error = NULL;
    engine_init(&engine, 1 << 24);
    whole_question(&question, REPORT_CLIENT);
    g_free(run_text(&engine, &question, 2, NULL));
    reader_begin(engine.reader, g_get_monotonic_time() - 1, NULL);
    g_assert_false(run(&engine, &question, 2, &taken, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_DEADLINE);
    g_string_free(taken.text, TRUE);
    report_question_clear(&question);
    engine_clear(&engine);
}

/* A sheet that Redis has lost comes from the archive; one that nobody has is named. */
static void test_lost(void)
{
    struct engine engine;
    struct report_question question;
    struct taken taken = {0};
    g_autoptr(GError) error = NULL;
    char key[KEYS_MAX];
    engine_init(&engine, 0);
    whole_question(&question, REPORT_CLIENT | REPORT_TEMPLATE);
    g_autofree char *wanted = naive_text(&question, false);
    keys_sheet(key, 1, FIRST + 2, 2);
    world_call(&world, "SET %s nonsense", key);
    for (guint threads = 1; threads < 4; threads++) {
        g_autofree char *found = run_text(&engine, &question, threads, NULL);
        g_assert_cmpstr(found, ==, wanted);
    }
    const struct sheet_name name = {1, FIRST + 2, 2};
    g_assert_true(archive_remove_sheet(world.archive, &name, &error));
    for (guint threads = 1; threads < 4; threads++) {
        g_assert_false(run(&engine, &question, threads, &taken, &error));
        g_assert_error(error, READER_ERROR, READER_ERROR_COPY);
        g_assert_nonnull(strstr(error->message, key));
        g_clear_error(&error);
        g_string_free(taken.text, TRUE);
    }
    report_question_clear(&question);
    engine_clear(&engine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    GRand *rand = g_rand_new_with_seed(17);
    world_set_up(&world);
    metrics = metrics_new(api_meters, METER_N);
    fill(rand);
    g_test_add_func("/report/as-the-naive-sum", test_as_the_naive_sum);
    g_test_add_func("/report/roads", test_roads);
    g_test_add_func("/report/one-client", test_one_client);
    g_test_add_func("/report/limits", test_limits);
    g_test_add_func("/report/deadline", test_deadline);
    g_test_add_func("/report/lost", test_lost);
    const int code = g_test_run();
    closed_days_free(all_days);
    closed_days_free(pinned_days);
    g_array_free(raw, TRUE);
    g_rand_free(rand);
    metrics_free(metrics);
    world_tear_down(&world);
    return code;
}
