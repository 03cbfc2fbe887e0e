/* What makes a question dearer, on closed days in a real redis-server. */
#include "api/v2_cost.h"

#include "api/meters.h"
#include "tests/unit/ledger_world.h"

enum { DAYS = 4, CLIENTS = 300, MOST_US = 1000000 };

static struct ledger_world world;
static struct metrics *metrics;
static struct sheets *sheets;
static struct reader *reader;
static struct closed_days *days;

static void set_up(void)
{
    g_autoptr(GError) error = NULL;
    world_set_up(&world);
    for (int64_t day = WORLD_DAY - DAYS; day < WORLD_DAY; day++) {
        for (int client = 0; client < CLIENTS; client++)
            world_rows(&world, "acme", client, "u", 3);
        world_close(&world, day, 1, SEAL_DAY_END);
    }
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    struct ledger_cache *cache = ledger_cache_new();
    metrics = metrics_new(api_meters, METER_N);
    sheets = sheets_new(1 << 24, NULL, metrics);
    reader = reader_new(&settings, 1);
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    const struct ledger_place place = {.reader = reader, .index = ledger_cache_take(cache, reader, &error)};
    const struct pin pin = {place.index->n, WORLD_DAY - 1};
    days = closed_days_read(&place, pin, WORLD_DAY - DAYS, WORLD_DAY - 1, &error);
    g_assert_no_error(error);
    ledger_index_release(place.index);
    ledger_cache_free(cache);
}

static bool look(struct sheet_want *want, const struct sheet *sheet, void *opaque)
{
    (void)want, (void)sheet, (void)opaque;
    return true;
}

static void open_all(void)
{
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < days->days->len; i++)
        g_assert_true(sheets_visit(sheets, reader, g_array_index(days->days, struct closed_day, i).sheets,
                                   (struct sheets_visit){look, NULL}, &error));
}

static uint64_t cost(uint32_t group, guint n_clients, uint64_t most_us)
{
    struct report_question question = {.group = group, .days = days};
    if (n_clients > 0)
        question.filter.names[0] = g_ptr_array_new();
    for (guint i = 0; i < n_clients; i++)
        g_ptr_array_add(question.filter.names[0], "c-1");
    uint64_t us = v2_cost_us(&question, sheets, most_us);
    report_question_clear(&question);
    return us;
}

static void test_dearer(void)
{
    uint64_t cold = cost(REPORT_CLIENT, 0, MOST_US);
    g_assert_cmpuint(cost(REPORT_CLIENT, 0, cold / 2), ==, cold / 2);
    g_assert_cmpuint(cost(REPORT_CLIENT, 0, cold + 1), ==, cold);
    open_all();
    uint64_t narrow = cost(REPORT_CLIENT, 0, MOST_US), wide = cost(REPORT_CLIENT | REPORT_TEMPLATE, 0, MOST_US);
    uint64_t one = cost(REPORT_CLIENT | REPORT_USER, 1, MOST_US), many = cost(REPORT_CLIENT | REPORT_USER, 1000, MOST_US);
    g_assert_cmpuint(one, <, narrow);
    g_assert_cmpuint(narrow, <, wide);
    g_assert_cmpuint(narrow, <, cold);
    g_assert_cmpuint(many, ==, wide);
    g_assert_cmpuint(cost(REPORT_USER, 0, MOST_US), ==, wide);
    g_assert_cmpuint(cost(0, 0, MOST_US), ==, narrow);
}

/* Days without sheets cost nothing. */
static void test_nothing(void)
{
    struct closed_days none = *days;
    none.days = g_array_new(FALSE, TRUE, sizeof(struct closed_day));
    g_array_set_size(none.days, 1000);
    const struct report_question question = {.days = &none};
    g_assert_cmpuint(v2_cost_us(&question, sheets, MOST_US), ==, 0);
    g_array_free(none.days, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    set_up();
    g_test_add_func("/v2_cost/dearer", test_dearer);
    g_test_add_func("/v2_cost/nothing", test_nothing);
    int code = g_test_run();
    closed_days_free(days);
    reader_free(reader);
    sheets_free(sheets);
    metrics_free(metrics);
    world_tear_down(&world);
    return code;
}
