/* http_tls: the certificate and key of a server, as one pair that can be replaced while connections go on.
 *
 * A connection holds the pair that was in force when it began, until it ends; so replacing one breaks nothing. Any thread may call;
 * files are read by the caller of http_tls_new and http_tls_reload only. TLS 1.2 and 1.3, and of 1.2 what gives forward secrecy and
 * authenticated encryption. */
#ifndef DAYBOOK_HTTP_TLS_H
#define DAYBOOK_HTTP_TLS_H

#include <glib.h>
#include <gnutls/abstract.h>
#include <stdbool.h>

extern const char http_tls_priorities[]; /* in GnuTLS' words */

struct http_tls;
struct http_tls_pair;

/* PEM files: a certificate, with those that lead to its root, if any; its private key. The error names the file that is wrong. */
struct http_tls *http_tls_new(const char *cert_path, const char *key_path, GError **error);
/* No connection holds a pair any more. */
void http_tls_free(struct http_tls *tls);
/* Reads both files again. When anything is wrong with them the pair in force stays. */
bool http_tls_reload(struct http_tls *tls, GError **error);

/* For who wants a function that finds certificates: it finds none, as each session gets its pair by http_tls_begin. */
gnutls_certificate_retrieve_function2 http_tls_no_certificate;
/* Lets a session that has not begun yet use the pair in force; http_tls_end when it is over. */
struct http_tls_pair *http_tls_begin(struct http_tls *tls, gnutls_session_t session);
void http_tls_end(struct http_tls_pair *pair); /* NULL is fine */

#endif
