/* Random rows, random questions: what the engine says is what a naive sum over the rows says, on a real redis-server. */
#include "api/report.h"

#include "api/result.h"
#include "tests/unit/report_world.h"

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
