#include "collector/event_text.h"
#include <glib.h>

static bool clean(const char *text, size_t size)
{
    g_autofree char *copy = g_memdup2(text, size); /* its own allocation: a read behind the end is seen by ASan */
    return event_text_is_clean(view_make(copy, size));
}

static void test_every_byte_at_every_place(void)
{
    char text[20];
    for (int size = 1; size <= (int)sizeof text; size++) {
        for (int at = 0; at < size; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(text, 'a', sizeof text);
                text[at] = (char)byte;
                g_assert_cmpint(clean(text, (size_t)size), ==, byte >= 0x20 && byte < 0x7f);
            }
        }
    }
    g_assert_true(event_text_is_clean(view_make(NULL, 0)));
}

static void test_unicode(void)
{
    static const struct {
        const char *text;
        bool clean;
    } cases[] = {
        {"Zürich", true},
        {"日本語のテキスト", true},
        {"😀", true},
        {"\xc2\xa0", true},              /* no-break space: the first behind the controls */
        {"\xc2\x80", false},             /* U+0080 */
        {"long enough \xc2\x9f", false}, /* U+009F */
        {"\xc3", false},                 /* cut off */
        {"\xc3(", false},                /* no continuation */
        {"\xc0\x80", false},             /* overlong */
        {"\xe0\x80\xaf", false},         /* overlong */
        {"\xed\xa0\x80", false},         /* surrogate */
        {"\xf4\x90\x80\x80", false},     /* beyond U+10FFFF */
        {"\xff\xfe", false},
        {"ü\n", false},
        {"ü\x7f", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(clean(cases[i].text, strlen(cases[i].text)), ==, cases[i].clean);
    g_assert_false(clean("a\0b", 3));
    g_assert_false(clean("\xc3\xbc\0b", 4));
}

static void expect_shown(struct view text, const char *wanted)
{
    char shown[EVENT_TEXT_SHOWN_MAX + 4];
    event_text_show(text, shown);
    g_assert_cmpstr(shown, ==, wanted);
    g_assert_true(g_utf8_validate(shown, -1, NULL));
}

static void test_show(void)
{
    expect_shown(view_of("plain"), "plain");
    expect_shown(view_of(""), "");
    expect_shown(view_make(NULL, 0), "");
    expect_shown(view_of("a\nb\x7f\xff"), "a?b??");
    expect_shown(view_make("a\0b", 3), "a?b");
    expect_shown(view_of("ü\xc3"), "ü?");
    expect_shown(view_of("\xc2\x85"), "??"); /* U+0085, byte for byte */
    g_autofree char *fits = g_strnfill(EVENT_TEXT_SHOWN_MAX, 'x');
    expect_shown(view_of(fits), fits);
    g_autofree char *more = g_strconcat(fits, "y", NULL);
    g_autofree char *cut = g_strconcat(fits, "…", NULL);
    expect_shown(view_of(more), cut);
    /* A character is never cut in two. */
    g_autofree char *head = g_strnfill(EVENT_TEXT_SHOWN_MAX - 1, 'x');
    g_autofree char *wide = g_strconcat(head, "ü", NULL);
    g_autofree char *wide_cut = g_strconcat(head, "…", NULL);
    expect_shown(view_of(wide), wide_cut);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event_text/every_byte_at_every_place", test_every_byte_at_every_place);
    g_test_add_func("/event_text/unicode", test_unicode);
    g_test_add_func("/event_text/show", test_show);
    return g_test_run();
}
