/* What is kept of the window before, and for whom; over an empty Redis, which is enough for that. */
#include "api/overview_before.h"

#include "lib/civil.h"
#include "tests/unit/redis_process.h"

enum { DAY = 20778 };

struct place {
    struct redis_process server;
    struct reader *reader;
    struct live_sources sources;
};

static void set_up(struct place *place, gconstpointer data)
{
    (void)data;
    redis_process_start(&place->server, 0, NULL);
    const struct redis_settings settings = {place->server.url, 20000, 60000};
    place->reader = reader_new(&settings, 2);
    place->sources = (struct live_sources){.ledger = ledger_cache_new(), .cache = live_cache_new(1 << 20)};
}

static void tear_down(struct place *place, gconstpointer data)
{
    (void)data;
    reader_free(place->reader);
    ledger_cache_free(place->sources.ledger);
    live_cache_free(place->sources.cache);
    redis_process_clear(&place->server);
}

static enum live_outcome take(struct place *place, const char *organization, int64_t from_ms, bool known,
                              struct overview_before **before)
{
    g_autoptr(GError) error = NULL;
    struct refusal refusal = {0};
    const struct window_range range = {.from_ms = from_ms, .to_ms = from_ms + CIVIL_DAY_MS, .unit = WINDOW_WHOLE};
    const struct live_question question = {
        .sources = &place->sources,
        .reader = place->reader,
        .scope = {.organization = organization},
        .range = &range,
        .known = known,
        .now_ms = DAY * CIVIL_DAY_MS,
    };
    *before = NULL;
    g_assert_true(reader_begin(place->reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error));
    enum live_outcome outcome = overview_before_take(before, &question, &refusal, &error);
    g_assert_no_error(error);
    refusal_clear(&refusal);
    return outcome;
}

/* The same thing is handed out again, but not for another question. */
static void test_kept(struct place *place, gconstpointer data)
{
    (void)data;
    const int64_t from_ms = (DAY - 2) * CIVIL_DAY_MS;
    struct overview_before *first, *again, *others, *earlier;
    g_assert_cmpint(take(place, NULL, from_ms, true, &first), ==, LIVE_ANSWERED);
    g_assert_cmpuint(first->live.window.n_slots, ==, 96);
    g_assert_cmpuint(g_hash_table_size(first->live.table->clients), ==, 0);
    g_assert_cmpuint(first->kept.bytes, >=, sizeof *first + usage_table_bytes(first->live.table));
    g_assert_cmpint(take(place, NULL, from_ms, true, &again), ==, LIVE_ANSWERED);
    g_assert_true(again == first);
    g_assert_cmpint(take(place, "acme", from_ms, true, &others), ==, LIVE_ANSWERED);
    g_assert_true(others != first);
    g_assert_cmpint(take(place, NULL, from_ms - CIVIL_DAY_MS, true, &earlier), ==, LIVE_ANSWERED);
    g_assert_true(earlier != first && earlier != others);
    first->read_us -= OVERVIEW_BEFORE_MS * G_TIME_SPAN_MILLISECOND; /* it is old now */
    overview_before_release(again);
    g_assert_cmpint(take(place, NULL, from_ms, true, &again), ==, LIVE_ANSWERED);
    g_assert_true(again != first);
    overview_before_release(first);
    overview_before_release(again);
    overview_before_release(others);
    overview_before_release(earlier);
}

static void test_refused(struct place *place, gconstpointer data)
{
    (void)data;
    struct overview_before *before;
    g_assert_cmpint(take(place, "nobody", (DAY - 2) * CIVIL_DAY_MS, false, &before), ==, LIVE_REFUSED);
    g_assert_null(before);
    overview_before_release(NULL);
}

static void test_without_a_cache(struct place *place, gconstpointer data)
{
    (void)data;
    struct overview_before *first, *again;
    live_cache_free(g_steal_pointer(&place->sources.cache));
    g_assert_cmpint(take(place, NULL, (DAY - 2) * CIVIL_DAY_MS, true, &first), ==, LIVE_ANSWERED);
    g_assert_cmpint(take(place, NULL, (DAY - 2) * CIVIL_DAY_MS, true, &again), ==, LIVE_ANSWERED);
    g_assert_true(again != first);
    overview_before_release(first);
    overview_before_release(again);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/overview_before/kept", struct place, NULL, set_up, test_kept, tear_down);
    g_test_add("/overview_before/refused", struct place, NULL, set_up, test_refused, tear_down);
    g_test_add("/overview_before/without-a-cache", struct place, NULL, set_up, test_without_a_cache, tear_down);
    return g_test_run();
}
