#include "api/notice.h"

static struct alert *make(void)
{
    struct alert *alert = g_new0(struct alert, 1);
    *alert = (struct alert){
        .organization = g_strdup("acme"),
        .client = g_strdup("c\"1"),
        .rule = g_strdup("daily"),
        .metric = g_strdup("hits"),
        .period = LIMIT_DAY,
        .from_ms = INT64_C(1795219200000),
        .to_ms = INT64_C(1795305600000),
        .level = 120,
        .limit = 1000,
        .value = 1203,
        .created_ms = INT64_C(1795284299000),
    };
    alert_identify(alert);
    return alert;
}

static struct alert *make_system(void)
{
    struct alert *alert = g_new0(struct alert, 1);
    *alert = (struct alert){.type = g_strdup("silent_collector"),
                            .subject = g_strdup("edge-1"),
                            .message = g_strdup("Collector edge-1 is silent."),
                            .since_ms = INT64_C(1795284200000),
                            .created_ms = INT64_C(1795284299000),
                            .recovered_ms = INT64_C(1795284399000)};
    alert_identify(alert);
    return alert;
}

static void test_body(void)
{
    struct alert *alert = make();
    struct writer writer;
    g_autoptr(GString) shown = g_string_new(NULL);
    writer_init(&writer, shown);
    alert_write(&writer, NULL, alert);
    g_autofree char *wanted =
        g_strdup_printf("{\"id\":\"%s.raised\",\"event\":\"alert.raised\",\"alert\":%s,\"sentAt\":\"2026-11-21T18:05:00.007Z\"}",
                        alert->id, shown->str);
    GString *body = notice_body(alert, DELIVERY_RAISED, INT64_C(1795284300007));
    g_assert_cmpstr(body->str, ==, wanted);
    g_string_free(body, TRUE);
    body = notice_body(alert, DELIVERY_RECOVERED, INT64_C(1795284300007));
    g_autofree char *start = g_strdup_printf("{\"id\":\"%s.recovered\",\"event\":\"alert.recovered\",", alert->id);
    g_assert_true(g_str_has_prefix(body->str, start));
    g_string_free(body, TRUE);
    alert_free(alert);
}

static void test_test(void)
{
    GString *body = notice_test_body("t-1", INT64_C(1795284300000));
    g_assert_cmpstr(body->str, ==,
                    "{\"id\":\"t-1\",\"event\":\"channel.test\",\"alert\":null,\"sentAt\":\"2026-11-21T18:05:00.000Z\"}");
    g_string_free(body, TRUE);
}

static void check_has(const char *text, const char *const *parts)
{
    for (; *parts != NULL; parts++)
        if (strstr(text, *parts) == NULL)
            g_error("'%s' is not in: %s", *parts, text);
}

static void test_mail(void)
{
    struct alert *alert = make();
    g_autofree char *subject = notice_subject(alert, DELIVERY_RAISED);
    g_autofree char *link = g_strdup_printf("https://x.example/api/v2/usage/alerts/%s\n", alert->id);
    g_autofree char *text = notice_text(alert, DELIVERY_RAISED, "https://x.example"),
                    *bare = notice_text(alert, DELIVERY_RAISED, "");
    g_assert_cmpstr(subject, ==, "[Daybook] c\"1 at 120 % of its day limit");
    check_has(text, (const char *const[]){"c\"1", "acme", "hits", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "1000", "1203",
                                          "120 %", alert->id, link, NULL});
    g_assert_null(strstr(bare, "https:"));
    g_assert_null(strstr(bare, "Recovered"));
    alert_free(alert);
}

static void test_mail_of_the_system(void)
{
    struct alert *alert = make_system();
    g_autofree char *subject = notice_subject(alert, DELIVERY_RECOVERED);
    g_autofree char *text = notice_text(alert, DELIVERY_RECOVERED, "");
    g_assert_cmpstr(subject, ==, "[Daybook] Recovered: silent_collector: edge-1");
    check_has(text,
              (const char *const[]){"It is over: Collector edge-1 is silent.", "silent_collector", "2026-11-21T18:06:39Z", NULL});
    alert_free(alert);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notice/body", test_body);
    g_test_add_func("/notice/test", test_test);
    g_test_add_func("/notice/mail", test_mail);
    g_test_add_func("/notice/mail-of-the-system", test_mail_of_the_system);
    return g_test_run();
}
