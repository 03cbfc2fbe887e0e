#include "api/mail.h"

#include "lib/civil.h"
#include <string.h>

enum {
    ADDRESS_MAX = 254,
    WORD_BYTES = 39,   /* of one encoded word: 52 letters of base64, with what is around them and "Subject: " fewer than 76 */
    LINE_LETTERS = 73, /* of quoted-printable, before a "=20" or the "=" that ends it: 76 are allowed */
};

bool mail_address_is_valid(const char *address)
{
    const char *at = strchr(address, '@');
    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL || strlen(address) > ADDRESS_MAX)
        return false;
    for (const char *letter = address; *letter != '\0'; letter++)
        if (*letter <= ' ' || *letter > '~' || strchr("\"(),:;<>[\\]", *letter) != NULL)
            return false;
    return true;
}

/* ---- headers ---- */

static char *without_controls(const char *text)
{
    char *clean = g_utf8_make_valid(text, -1);
    for (char *letter = clean; *letter != '\0'; letter++)
        if ((unsigned char)*letter < ' ' || *letter == 0x7f)
            *letter = ' ';
    return clean;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* RFC 2047: each word stands alone, so none ends within a letter. */
static void append_encoded(GString *out, const char *text)
{
    const char *separator = "";
    while (*text != '\0') {
        const char *end = text;
        while (*end != '\0' && g_utf8_next_char(end) - text <= WORD_BYTES)
            end = g_utf8_next_char(end);
        g_autofree char *base64 = g_base64_encode((const guchar *)text, (gsize)(end - text));
        g_string_append_printf(out, "%s=?UTF-8?B?%s?=", separator, base64);
        separator = "\r\n ";
        text = end;
    }
}

/* A line may be 998 bytes long; subjects are far shorter, or encoded. What looks like an encoded word is encoded as well. */
static void append_text(GString *out, const char *text)
{
    g_autofree char *clean = without_controls(text);
    if (is_ascii(clean) && strlen(clean) <= 200 && strstr(clean, "=?") == NULL)
        g_string_append(out, clean);
    else
        append_encoded(out, clean);
}

/* "Sat, 21 Nov 2026 18:04:59 +0000" */
static void append_date(GString *out, int64_t time_ms)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t day = civil_divide(time_ms, CIVIL_DAY_MS);
    int second = (int)((time_ms - day * CIVIL_DAY_MS) / 1000);
    struct civil_date date = civil_date_of(day);
    g_string_append_printf(out, "%s, %d %s %04d %02d:%02d:%02d +0000", days[civil_weekday(day)], date.day, months[date.month - 1],
                           date.year, second / 3600, second / 60 % 60, second % 60);
}

/* ---- the text ---- */

static bool is_plain(unsigned char letter)
{
    return letter >= ' ' && letter <= '~' && letter != '=';
}

/* One line without its end, quoted-printable (RFC 2045, section 6.7). A '.' at its begin is SMTP's own matter. */
static void append_quoted(GString *out, const char *line, size_t size)
{
    size_t column = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char letter = (unsigned char)line[i];
        bool is_last = i + 1 == size;
        if (column >= LINE_LETTERS) {
            g_string_append(out, "=\r\n");
            column = 0;
        }
        if (is_plain(letter) && !(letter == ' ' && is_last)) {
            g_string_append_c(out, (char)letter);
            column++;
        } else {
            g_string_append_printf(out, "=%02X", letter);
            column += 3;
        }
    }
    g_string_append(out, "\r\n");
}

static void append_body(GString *out, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        append_quoted(out, text, size);
        text += size + (text[size] == '\n');
    }
}

GString *mail_write(const struct mail *mail)
{
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "From: <%s>\r\nTo: <%s>\r\nSubject: ", mail->from, mail->to);
    append_text(out, mail->subject);
    g_string_append(out, "\r\nDate: ");
    append_date(out, mail->time_ms);
    g_string_append_printf(out, "\r\nMessage-ID: <%s%s>\r\n", mail->id, strchr(mail->from, '@'));
    g_string_append(out, "MIME-Version: 1.0\r\n"
                         "Content-Type: text/plain; charset=utf-8\r\n"
                         "Content-Transfer-Encoding: quoted-printable\r\n"
                         "Auto-Submitted: auto-generated\r\n"
                         "\r\n");
    append_body(out, mail->text);
    return out;
}
