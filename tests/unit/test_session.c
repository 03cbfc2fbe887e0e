#include "api/session.h"

#include <string.h>

static char secret[REGISTRY_SECRET_SIZE];

static char *header(const char *format)
{
    g_auto(GStrv) parts = g_strsplit(format, "@", -1);
    return g_strjoinv(secret, parts);
}

static void expect(enum session_cookie wanted, const char *format)
{
    g_autofree char *text = header(format);
    char found[REGISTRY_SECRET_SIZE];
    g_assert_cmpint((int)session_cookie_find(text, found), ==, (int)wanted);
    g_assert_cmpstr(found, ==, wanted == SESSION_COOKIE_ONE ? secret : "");
}

/* @ stands for a secret. */
static void test_find(void)
{
    char found[REGISTRY_SECRET_SIZE];
    registry_secret_make(secret);
    g_assert_cmpint((int)session_cookie_find(NULL, found), ==, SESSION_COOKIE_NONE);
    expect(SESSION_COOKIE_NONE, "");
    expect(SESSION_COOKIE_NONE, ";; =; a=b");
    expect(SESSION_COOKIE_NONE, "daybook_session2=@");
    expect(SESSION_COOKIE_NONE, "a=daybook_session=@");
    expect(SESSION_COOKIE_NONE, "Daybook_session=@");
    expect(SESSION_COOKIE_ONE, "daybook_session=@");
    expect(SESSION_COOKIE_ONE, "a=b; daybook_session=@; c=d");
    expect(SESSION_COOKIE_ONE, "a=b;daybook_session=@;");
    expect(SESSION_COOKIE_BAD, "daybook_session=");
    expect(SESSION_COOKIE_BAD, "daybook_session=@x");
    expect(SESSION_COOKIE_BAD, "daybook_session=\"@\"");
    expect(SESSION_COOKIE_BAD, "daybook_session=short");
    expect(SESSION_COOKIE_BAD, "daybook_session=@; daybook_session=@");
    expect(SESSION_COOKIE_BAD, "daybook_session=@; a=b; daybook_session=x");
    expect(SESSION_COOKIE_BAD, "daybook_session=x; daybook_session=@");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/find", test_find);
    return g_test_run();
}
