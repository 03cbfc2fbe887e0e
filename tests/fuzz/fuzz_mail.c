/* Messages of any subject and text, and addresses: whatever is in them, the message is lines of ASCII of the allowed length, with
 * our headers and no others, each once; and an address that is taken can end no line.
 *
 * The subject goes to the first NUL, the text to the second, the rest is an address. */
#include "api/mail.h"

#include <stdlib.h>
#include <string.h>

enum { HEADERS = 9, LINE_MAX_BYTES = 998 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static const char *take(const char **rest, const char *end)
{
    const char *text = *rest;
    *rest = text < end ? text + strlen(text) + 1 : end;
    return text < end ? text : "";
}

static void check_line(const char *line, size_t size)
{
    check(size <= LINE_MAX_BYTES);
    for (size_t i = 0; i < size; i++)
        check(line[i] >= ' ' && line[i] <= '~');
}

/* Returns the lines before the first empty one that begin a header. */
static int check_message(const GString *message)
{
    int headers = 0;
    bool in_head = true;
    for (const char *line = message->str; *line != '\0';) {
        const char *end = strstr(line, "\r\n");
        check(end != NULL);
        check_line(line, (size_t)(end - line));
        in_head = in_head && end != line;
        headers += in_head && line[0] != ' ';
        line = end + 2;
    }
    return headers;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *copy = g_malloc0(size + 1);
    memcpy(copy, data, size);
    const char *rest = copy, *end = copy + size;
    const char *subject = take(&rest, end), *text = take(&rest, end), *address = take(&rest, end);
    bool is_address = mail_address_is_valid(address);
    const struct mail mail = {.from = "usage@example.com",
                              .to = is_address ? address : "ops@example.org",
                              .id = "0.raised.m-1",
                              .time_ms = (int64_t)size * 86399999,
                              .subject = subject,
                              .text = text};
    GString *message = mail_write(&mail);
    check(strlen(message->str) == message->len);
    check(check_message(message) == HEADERS);
    g_string_free(message, TRUE);
    return 0;
}
