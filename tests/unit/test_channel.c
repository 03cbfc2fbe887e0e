#include "api/channel.h"

static bool takes(enum channel_kind kind, const char *target)
{
    const char *allowed = NULL;
    struct channel *channel = item_new(&channel_shape);
    channel->kind = kind;
    bool ok = item_take_text(item_field_named(&channel_shape, "target"), channel, target) &&
              channel_shape.check(channel, &allowed) == NULL;
    item_free(&channel_shape, channel);
    return ok;
}

static void test_urls(void)
{
    static const char *const right[] = {"https://example.com", "http://example.com:8080/a/b?c=d&e=%20", "https://10.0.0.1/",
                                        "https://[2001:db8::1]:443/x", "HTTPS://Example.com/x"};
    static const char *const wrong[] = {"",
                                        "example.com",
                                        "//example.com/",
                                        "ftp://example.com/",
                                        "file:///etc/passwd",
                                        "javascript:alert(1)",
                                        "https://",
                                        "https:///path",
                                        "https://user@example.com/",
                                        "https://user:secret@example.com/",
                                        "https://@example.com/",
                                        "https://example.com/#part",
                                        "https://example.com:0/",
                                        "https://example.com:99999/",
                                        "https://exa mple.com/",
                                        "https://example.com/\"x",
                                        "https://exämple.com/",
                                        "ops@example.com"};
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++)
        if (!takes(CHANNEL_WEBHOOK, right[i]))
            g_error("%s is refused", right[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        if (takes(CHANNEL_WEBHOOK, wrong[i]))
            g_error("%s is taken", wrong[i]);
    g_autofree char *path = g_strnfill(CHANNEL_TARGET_MAX, 'x'), *longer = g_strconcat("https://a/", path, NULL);
    g_assert_false(takes(CHANNEL_WEBHOOK, longer));
    g_assert_true(takes(CHANNEL_WEBHOOK, (longer[CHANNEL_TARGET_MAX] = '\0', longer)));
}

static void test_addresses(void)
{
    static const char *const right[] = {"ops@example.com", "a.b+c_d'e@sub-1.example.org", "root@localhost", "x@1.example"};
    static const char *const wrong[] = {"ops",
                                        "@example.com",
                                        "ops@",
                                        "ops@@example.com",
                                        "a b@example.com",
                                        "a,b@example.com",
                                        "<a@example.com>",
                                        "a@example..com",
                                        "a@-x.com",
                                        ".a@example.com",
                                        "a.@example.com",
                                        "a..b@example.com",
                                        "a@example.com, b@example.com",
                                        "a@[10.0.0.1]",
                                        "\"a\"@example.com",
                                        "grüße@example.com",
                                        "https://example.com/"};
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++)
        if (!takes(CHANNEL_EMAIL, right[i]))
            g_error("%s is refused", right[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        if (takes(CHANNEL_EMAIL, wrong[i]))
            g_error("%s is taken", wrong[i]);
    g_autofree char *local = g_strnfill(65, 'a'), *address = g_strconcat(local, "@example.com", NULL);
    g_assert_false(takes(CHANNEL_EMAIL, address));
    g_assert_true(takes(CHANNEL_EMAIL, address + 1));
}

static void test_system(void)
{
    const char *allowed;
    struct channel channel = {.kind = CHANNEL_EMAIL, .target = (char[]){"ops@example.com"}, .system = true};
    g_assert_null(channel_shape.check(&channel, &allowed));
    channel.organization = (char[]){"acme"};
    g_assert_cmpstr(channel_shape.check(&channel, &allowed)->name, ==, "system");
}

static void test_made(void)
{
    char id[CHANNEL_ID_SIZE], other[CHANNEL_ID_SIZE], secret[CHANNEL_SECRET_SIZE], more[CHANNEL_SECRET_SIZE];
    channel_id_make(CHANNEL_WEBHOOK, id);
    channel_id_make(CHANNEL_EMAIL, other);
    g_assert_true(g_str_has_prefix(id, "w-") && g_str_has_prefix(other, "m-"));
    g_assert_cmpuint(strlen(id), ==, 34);
    g_assert_cmpstr(id + 2, !=, other + 2);
    channel_secret_make(secret);
    channel_secret_make(more);
    g_assert_true(g_str_has_prefix(secret, "whsec_"));
    g_assert_cmpuint(strlen(secret), ==, 6 + 43);
    g_assert_cmpstr(secret, !=, more);
    g_assert_cmpstr(channel_kind_name(CHANNEL_EMAIL), ==, "email");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel/urls", test_urls);
    g_test_add_func("/channel/addresses", test_addresses);
    g_test_add_func("/channel/system", test_system);
    g_test_add_func("/channel/made", test_made);
    return g_test_run();
}
