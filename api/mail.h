/* mail: a message of plain text as it goes over SMTP (RFC 5322, RFC 2047, RFC 2045).
 *
 * Lines end with CRLF and have only ASCII in them, 998 bytes at most: the text is quoted-printable, a subject with other letters is
 * made of encoded words. Control characters in what a header is made of become blanks, so nobody can add a header by the name of a
 * client. The id makes the Message-ID: a message that is sent again is known as the same. Pure. */
#ifndef DAYBOOK_MAIL_H
#define DAYBOOK_MAIL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct mail {
    const char *from, *to; /* addresses alone: mail_address_is_valid */
    const char *id;        /* letters, digits, '.' and '-' */
    int64_t time_ms;       /* Unix time */
    const char *subject;   /* UTF-8 */
    const char *text;      /* UTF-8, lines that end with '\n' */
};

/* local@domain, of visible ASCII, without quotes, brackets, commas and the like. */
bool mail_address_is_valid(const char *address);
/* The whole message; the caller frees it. */
GString *mail_write(const struct mail *mail);

#endif
