#include "collector/identity.h"

static void expect(const char *const *fields, const struct raw_event *raw, const char *wanted)
{
    struct identity *identity = identity_new(fields, NULL);
    struct view found = identity_pick(identity, raw);
    g_autofree char *text = g_strndup(found.data, found.size);
    g_assert_cmpstr(text, ==, wanted);
    identity_free(identity);
}

static void test_order(void)
{
    static const char *const both[] = {"client", "user", NULL}, *const other[] = {"user", "client", NULL};
    static const char *const all[] = {"CLIENT", "source", "user_agent", "organization", NULL};
    struct raw_event raw = {.client = view_of("c"), .user = view_of("u")};
    expect(NULL, &raw, "c");
    expect(both, &raw, "c");
    expect(other, &raw, "u");
    raw.client = view_of("");
    expect(both, &raw, "u");
    expect(NULL, &raw, "-");
    raw.client = view_of("-"); /* what proxies write for nothing */
    expect(both, &raw, "u");
    raw.user = view_of("-");
    expect(both, &raw, "-");
    raw.organization = view_of("acme");
    expect(all, &raw, "acme");
    raw.user_agent = view_of("curl/8");
    expect(all, &raw, "curl/8");
    raw.source = view_of("10.0.0.1");
    expect(all, &raw, "10.0.0.1");
    expect(both, &raw, "-");
}

static void test_too_long(void)
{
    static const char *const fields[] = {"user_agent", "user", NULL};
    g_autofree char *text = g_strnfill(EVENT_NAME_MAX + 1, 'x');
    struct raw_event raw = {.user_agent = view_of(text), .user = view_of("u")};
    expect(fields, &raw, "u");
    raw.user_agent.size = EVENT_NAME_MAX;
    text[EVENT_NAME_MAX] = '\0';
    expect(fields, &raw, text);
}

static void test_wrong_field(void)
{
    static const char *const fields[] = {"client", "ip", NULL};
    static const char *const many[] = {"user", "user", "user", "user", "user", "user", "user", "user", "user", NULL};
    GError *error = NULL;
    g_assert_null(identity_new(fields, &error));
    g_assert_nonnull(strstr(error->message, "'ip'"));
    g_assert_nonnull(strstr(error->message, "user_agent"));
    g_clear_error(&error);
    g_assert_null(identity_new(many, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/order", test_order);
    g_test_add_func("/identity/too_long", test_too_long);
    g_test_add_func("/identity/wrong_field", test_wrong_field);
    return g_test_run();
}
