/* Alerts: their ids, their texts, and that what is kept comes back. */
#include "api/alert.h"

#include "lib/civil.h"

static struct alert *make(uint32_t level, uint64_t limit)
{
    struct alert *alert = g_new0(struct alert, 1);
    alert->organization = g_strdup("acme");
    alert->client = g_strdup("c \"1\"");
    alert->rule = g_strdup("daily");
    alert->metric = g_strdup("hits");
    alert->period = LIMIT_DAY;
    alert->from_ms = 20000 * CIVIL_DAY_MS;
    alert->to_ms = 20001 * CIVIL_DAY_MS;
    alert->level = level;
    alert->limit = limit;
    alert->value = 812;
    alert->created_ms = 20000 * CIVIL_DAY_MS + 5;
    alert_identify(alert);
    return alert;
}

static struct alert *make_system(int64_t since_ms)
{
    struct alert *alert = g_new0(struct alert, 1);
    alert->type = g_strdup("silent_collector");
    alert->subject = g_strdup("edge-1");
    alert->message = g_strdup("Collector edge-1 is silent.");
    alert->since_ms = since_ms;
    alert->created_ms = 7;
    alert_identify(alert);
    return alert;
}

static void test_id(void)
{
    struct alert *one = make(80, 1000), *same = make(80, 1000), *level = make(90, 1000), *limit = make(80, 1001);
    struct alert *system = make_system(3), *again = make_system(3), *later = make_system(4);
    same->value = 900;
    same->created_ms++;
    alert_identify(same);
    g_assert_cmpstr(one->id, ==, same->id);
    g_assert_cmpuint(strlen(one->id), ==, ALERT_ID_SIZE - 1);
    g_assert_cmpstr(one->id, !=, level->id);
    g_assert_cmpstr(one->id, !=, limit->id);
    g_assert_cmpstr(system->id, ==, again->id);
    g_assert_cmpstr(system->id, !=, later->id);
    struct alert *all[] = {one, same, level, limit, system, again, later};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        alert_free(all[i]);
}

static void test_kind(void)
{
    struct alert *below = make(99, 10), *violation = make(100, 10), *system = make_system(1);
    g_assert_cmpint(below->kind, ==, ALERT_LIMIT);
    g_assert_cmpint(violation->kind, ==, ALERT_VIOLATION);
    g_assert_cmpint(system->kind, ==, ALERT_SYSTEM);
    alert_free(below);
    alert_free(violation);
    alert_free(system);
}

static void check_kept(struct alert *alert)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *kept = alert_keep(alert);
    struct alert *read = alert_read(view_of(alert->id), view_of(kept), &error);
    g_assert_no_error(error);
    g_autofree char *again = alert_keep(read), *sentence = alert_sentence(alert), *same = alert_sentence(read);
    g_assert_cmpstr(again, ==, kept);
    g_assert_cmpstr(sentence, ==, same);
    g_assert_cmpint(read->state, ==, ALERT_UNREAD);
    g_assert_cmpint(read->recovered_ms, ==, 0);
    alert_free(read);
    g_assert_null(alert_read(view_of("00000000000000000000000000000000"), view_of(kept), &error));
    g_assert_nonnull(error);
    alert_free(alert);
}

static void test_kept(void)
{
    check_kept(make(80, 1000));
    check_kept(make(300, LIMIT_VALUE_MAX));
    check_kept(make_system(20000 * CIVIL_DAY_MS));
}

static void test_damaged(void)
{
    struct alert *alert = make(80, 1000);
    g_autofree char *kept = alert_keep(alert);
    for (size_t cut = 0; cut < strlen(kept); cut++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(alert_read(view_of(alert->id), view_make(kept, cut), &error));
        g_assert_nonnull(error);
    }
    static const char *const wrong[] = {"[]", "{}", "{\"created\":-1}", "{\"created\":1,\"type\":3}"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(alert_read(view_of(alert->id), view_of(wrong[i]), NULL));
    alert_free(alert);
}

static void test_shown(void)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    struct alert *alert = make(100, 812);
    alert->state = ALERT_READ;
    alert->recovered_ms = 20001 * CIVIL_DAY_MS;
    writer_init(&writer, out);
    alert_write(&writer, NULL, alert);
    g_autofree char *expected = g_strdup_printf(
        "{\"id\":\"%s\",\"kind\":\"violation\",\"organization\":\"acme\",\"clientId\":\"c \\\"1\\\"\",\"limitId\":\"daily\","
        "\"metric\":\"hits\",\"period\":\"day\",\"window\":{\"from\":\"2024-10-04T00:00:00Z\",\"to\":\"2024-10-05T00:00:00Z\"},"
        "\"level\":100,\"limit\":812,\"value\":812,"
        "\"message\":\"Client 'c \\\"1\\\"' of organization 'acme' has reached 100 %% of its "
        "limit of 812 requests a day: 812 since 2024-10-04T00:00:00Z.\","
        "\"createdAt\":\"2024-10-04T00:00:00.005Z\",\"active\":false,"
        "\"recoveredAt\":\"2024-10-05T00:00:00.000Z\",\"state\":\"read\"}",
        alert->id);
    g_assert_cmpstr(out->str, ==, expected);
    g_string_free(out, TRUE);
    alert_free(alert);
}

static void test_names(void)
{
    for (enum alert_kind kind = 0; kind < ALERT_KIND_N; kind++) {
        enum alert_kind read;
        g_autofree char *upper = g_ascii_strup(alert_kind_name(kind), -1);
        g_assert_true(alert_kind_parse(upper, &read) && read == kind);
    }
    for (enum alert_state state = 0; state < ALERT_STATE_N; state++) {
        enum alert_state read;
        g_assert_true(alert_state_parse(alert_state_name(state), &read) && read == state);
    }
    enum alert_kind kind;
    enum alert_state state;
    g_assert_false(alert_kind_parse("alerts", &kind));
    g_assert_false(alert_state_parse("all", &state));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alert/id", test_id);
    g_test_add_func("/alert/kind", test_kind);
    g_test_add_func("/alert/kept", test_kept);
    g_test_add_func("/alert/damaged", test_damaged);
    g_test_add_func("/alert/shown", test_shown);
    g_test_add_func("/alert/names", test_names);
    return g_test_run();
}
