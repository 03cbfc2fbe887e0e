/* outgoing: sends webhooks and mail; the only door to libcurl.
 *
 * Any number of transfers go side by side; who begins them bounds their number. outgoing_run waits until something moves and calls
 * `done` of what has ended, exactly once for each. A transfer takes timeout_ms at most, resolving names included, and nobody's
 * delays another's, with one exception: a mail server that does not answer the end of a session holds all for timeout_ms; so mail
 * has an outgoing of its own (notifier.h).
 *
 * A webhook goes to http and https only; certificates are verified; redirects are not followed, proxies of the environment not
 * used; of the answer OUTGOING_ANSWER_MAX bytes are read, and none kept. Unless allow_private, only public addresses (address.h)
 * are connected to: each is looked at when its socket is made, so a name that means another address the next time is of no use.
 * Mail goes to the one server that is configured, wherever that is.
 *
 * Belongs to one thread, but for outgoing_wake. */
#ifndef DAYBOOK_OUTGOING_H
#define DAYBOOK_OUTGOING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { OUTGOING_ANSWER_MAX = 64 * 1024, OUTGOING_ERROR_MAX = 256 };
/* STARTTLS (smtps:// needs none). To try is enough only where no password is sent, else it is as always. */
enum outgoing_tls { OUTGOING_TLS_TRY, OUTGOING_TLS_ALWAYS, OUTGOING_TLS_NEVER };

/* All texts are borrowed for the life of the outgoing. */
struct outgoing_settings {
    int timeout_ms;
    bool allow_private;
    const char *smtp_url;                  /* smtp://host:port or smtps://host:port; "": no mail can be sent */
    const char *smtp_user, *smtp_password; /* "": none */
    const char *mail_from;
    enum outgoing_tls smtp_tls;
};

struct outgoing_result {
    bool taken;                     /* the receiver has it */
    int status;                     /* of HTTP or SMTP; 0: there was no answer */
    int64_t retry_after_s;          /* as the receiver asks; 0: it did not */
    char error[OUTGOING_ERROR_MAX]; /* a sentence; "" if taken */
};
typedef void outgoing_done(const struct outgoing_result *result, void *opaque);

struct outgoing;

/* False, with a sentence in *why (constant): this is no address of a mail server as above. */
bool outgoing_smtp_url_check(const char *url, const char **why);

struct outgoing *outgoing_new(const struct outgoing_settings *settings);
/* What is still on its way is dropped without `done`. */
void outgoing_free(struct outgoing *outgoing);

/* headers: "Name: value", NULL-terminated, copied. Takes the body. */
void outgoing_post(struct outgoing *outgoing, const char *url, const char *const *headers, GString *body, outgoing_done *done,
                   void *opaque);
/* Takes the message (mail.h). */
void outgoing_mail(struct outgoing *outgoing, const char *to, GString *message, outgoing_done *done, void *opaque);

/* Moves what can be moved, waiting for that for timeout_ms at most, and calls `done`, which may begin others. */
void outgoing_run(struct outgoing *outgoing, int timeout_ms);
/* From any thread: outgoing_run returns, or the next one does. */
void outgoing_wake(struct outgoing *outgoing);

#endif
