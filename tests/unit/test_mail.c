/* Messages are taken apart again by what the RFCs say, not compared with what was written before. */
#include "api/mail.h"

#include "lib/view.h"

static const struct mail plain = {.from = "daybook@example.com",
                                  .to = "ops@example.org",
                                  .id = "00ff.raised.m-1",
                                  .time_ms = INT64_C(1795284299000),
                                  .subject = "Level 80 reached",
                                  .text = "One line.\nAnother = one.\n"};

/* Lines end with CRLF, are of ASCII and short, and no bare CR or LF is anywhere. */
static void check_lines(const GString *message)
{
    g_assert_cmpuint(strlen(message->str), ==, message->len);
    g_assert_true(g_str_has_suffix(message->str, "\r\n"));
    g_auto(GStrv) lines = g_strsplit(message->str, "\r\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_assert_cmpuint(strlen(*line), <=, 998);
        for (const char *letter = *line; *letter != '\0'; letter++)
            g_assert_true(*letter >= ' ' && *letter <= '~');
    }
}

/* Unfolded headers, one a string. */
static char **headers_of(const GString *message)
{
    const char *end = strstr(message->str, "\r\n\r\n");
    g_assert_nonnull(end);
    g_autofree char *head = g_strndup(message->str, (gsize)(end - message->str));
    g_auto(GStrv) folds = g_strsplit(head, "\r\n ", -1);
    g_autofree char *unfolded = g_strjoinv(" ", folds);
    return g_strsplit(unfolded, "\r\n", -1);
}

static char *header_of(const GString *message, const char *name)
{
    g_auto(GStrv) headers = headers_of(message);
    g_autofree char *start = g_strconcat(name, ": ", NULL);
    char *found = NULL;
    for (char **header = headers; *header != NULL; header++) {
        if (!g_str_has_prefix(*header, start))
            continue;
        g_assert_null(found); /* each once */
        found = g_strdup(*header + strlen(start));
    }
    return found;
}

/* Of encoded words only, as we write them. */
static char *decode_words(const char *text)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        gsize size;
        g_assert_cmpuint(strlen(*word), <=, 75);
        g_assert_true(g_str_has_prefix(*word, "=?UTF-8?B?") && g_str_has_suffix(*word, "?="));
        g_autofree char *base64 = g_strndup(*word + 10, strlen(*word) - 12);
        g_autofree guchar *bytes = g_base64_decode(base64, &size);
        g_assert_true(g_utf8_validate((const char *)bytes, (gssize)size, NULL)); /* no letter is cut in two */
        g_string_append_len(out, (const char *)bytes, (gssize)size);
    }
    return g_string_free(out, FALSE);
}

static char *decode_body(const GString *message)
{
    GString *out = g_string_new(NULL);
    const char *text = strstr(message->str, "\r\n\r\n") + 4;
    while (*text != '\0') {
        if (g_str_has_prefix(text, "=\r\n")) {
            text += 3;
        } else if (g_str_has_prefix(text, "\r\n")) {
            g_string_append_c(out, '\n');
            text += 2;
        } else if (*text == '=') {
            g_string_append_c(out, (char)(g_ascii_xdigit_value(text[1]) * 16 + g_ascii_xdigit_value(text[2])));
            text += 3;
        } else {
            g_string_append_c(out, *text++);
        }
    }
    return g_string_free(out, FALSE);
}

static void check_header(const GString *message, const char *name, const char *wanted)
{
    g_autofree char *value = header_of(message, name);
    g_assert_cmpstr(value, ==, wanted);
}

static void test_headers(void)
{
    GString *message = mail_write(&plain);
    check_lines(message);
    check_header(message, "From", "<daybook@example.com>");
    check_header(message, "To", "<ops@example.org>");
    check_header(message, "Subject", "Level 80 reached");
    check_header(message, "Date", "Sat, 21 Nov 2026 18:04:59 +0000");
    check_header(message, "Message-ID", "<00ff.raised.m-1@example.com>");
    check_header(message, "MIME-Version", "1.0");
    check_header(message, "Content-Type", "text/plain; charset=utf-8");
    check_header(message, "Auto-Submitted", "auto-generated");
    g_autofree char *text = decode_body(message);
    g_assert_cmpstr(text, ==, plain.text);
    g_string_free(message, TRUE);
}

static void test_other_letters(void)
{
    struct mail mail = plain;
    g_autoptr(GString) subject = g_string_new(NULL), text = g_string_new(NULL);
    for (int i = 0; i < 60; i++)
        g_string_append(subject, i % 3 == 0 ? "ü" : i % 3 == 1 ? "日" : "𝄞");
    for (int i = 0; i < 3000; i++)
        g_string_append(text, i % 7 == 0 ? " " : i % 5 == 0 ? "é" : "=");
    g_string_append(text, " \n.\n..\n\n tail\t\n");
    mail.subject = subject->str;
    mail.text = text->str;
    GString *message = mail_write(&mail);
    check_lines(message);
    g_auto(GStrv) lines = g_strsplit(message->str, "\r\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_assert_cmpuint(strlen(*line), <=, 76);
        g_assert_false(g_str_has_suffix(*line, " ") || g_str_has_suffix(*line, "\t"));
    }
    g_autofree char *header = header_of(message, "Subject"), *words = decode_words(header), *body = decode_body(message);
    g_assert_cmpstr(words, ==, subject->str);
    g_assert_cmpstr(body, ==, text->str);
    g_string_free(message, TRUE);
}

/* Whatever a client calls itself, there are our headers and no others. */
static void test_injection(void)
{
    static const char *const subjects[] = {
        "x\r\nBcc: thief@example.net", "x\nBcc: thief@example.net\n\nBody", "x\r\n\r\nBody",        "x\rBcc: a@b",
        "\r\n.\r\nMAIL FROM:<x@y>",    "=?UTF-8?B?DQpCY2M6IGFAYg==?=",      "\xff\xfe\r\nBcc: a@b", "x\v\f\x7f\x1b[31m",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        struct mail mail = plain;
        mail.subject = mail.text = subjects[i];
        GString *message = mail_write(&mail);
        check_lines(message);
        g_auto(GStrv) headers = headers_of(message);
        g_assert_cmpuint(g_strv_length(headers), ==, 9);
        g_autofree char *bcc = header_of(message, "Bcc"), *subject = header_of(message, "Subject");
        g_assert_null(bcc);
        g_assert_nonnull(subject);
        g_assert_null(strstr(message->str, "\r\n.\r\n")); /* nor an end of the message; curl doubles such a '.', too */
        g_string_free(message, TRUE);
    }
}

static void test_encoded_word_in_a_subject(void)
{
    struct mail mail = plain;
    mail.subject = "=?UTF-8?B?eA==?=";
    GString *message = mail_write(&mail);
    g_autofree char *header = header_of(message, "Subject"), *words = decode_words(header);
    g_assert_cmpstr(words, ==, mail.subject);
    g_string_free(message, TRUE);
}

static void test_addresses(void)
{
    static const char *const good[] = {"a@b", "ops@example.com", "first.last+tag@sub.example.co", "o'hara@example.com"};
    static const char *const bad[] = {
        "",      "a",     "@b",      "a@",   "a@b@c", "a b@c",      "a@b\r\nRCPT TO:<x@y>",
        "<a@b>", "a,b@c", "\"a\"@b", "a@b>", "a@b;c", "\xc3\xbc@b", "a\x7f@b",
    };
    g_autofree char *longest = g_strnfill(253, 'a'), *too_long = g_strconcat(longest, "@b", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(mail_address_is_valid(good[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(mail_address_is_valid(bad[i]));
    g_assert_false(mail_address_is_valid(too_long));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mail/headers", test_headers);
    g_test_add_func("/mail/other-letters", test_other_letters);
    g_test_add_func("/mail/injection", test_injection);
    g_test_add_func("/mail/encoded-word-in-a-subject", test_encoded_word_in_a_subject);
    g_test_add_func("/mail/addresses", test_addresses);
    return g_test_run();
}
