#include "lib/http_tls.h"
#include "lib/http.h"
#include "lib/log.h"
#include <glib/gstdio.h>
#include <gnutls/x509.h>

enum { FILE_MAX_BYTES = 1024 * 1024 };

const char http_tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
                                   "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE";

struct http_tls_pair {
    gatomicrefcount references;
    gnutls_certificate_credentials_t credentials;
};

struct http_tls {
    char *cert_path;
    char *key_path;
    GMutex lock;
    struct http_tls_pair *pair; /* under lock; one reference */
};

/* ---- reading ---- */

static bool read_file(const char *path, gnutls_datum_t *content, GError **error)
{
    GStatBuf st;
    char *bytes = NULL;
    gsize size = 0;

    if (g_stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)) {
        g_set_error(error, HTTP_ERROR, 0, "%s is no file of at most %d bytes.", path, FILE_MAX_BYTES);
        return false;
    }
    if (!g_file_get_contents(path, &bytes, &size, error))
        return false;
    content->data = (unsigned char *)bytes;
    content->size = (unsigned)size;
    return true;
}

static void forget(gnutls_datum_t *content)
{
    if (content->data)
        gnutls_memset(content->data, 0, content->size);
    g_free(content->data);
}

/* What is read of the two files. */
struct material {
    gnutls_x509_crt_t *chain;
    unsigned n;
    gnutls_x509_privkey_t key;
};

static void material_clear(struct material *material)
{
    for (unsigned i = 0; i < material->n; i++)
        gnutls_x509_crt_deinit(material->chain[i]);
    gnutls_free(material->chain);
    if (material->key)
        gnutls_x509_privkey_deinit(material->key);
}

static bool read_chain(struct material *material, const char *path, GError **error)
{
    gnutls_datum_t content = {NULL, 0};

    if (!read_file(path, &content, error))
        return false;
    int code =
        gnutls_x509_crt_list_import2(&material->chain, &material->n, &content, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
    forget(&content);
    if (code < 0)
        g_set_error(error, HTTP_ERROR, 0, "%s does not hold a certificate in PEM form: %s", path, gnutls_strerror(code));
    return code >= 0;
}

static bool read_key(struct material *material, const char *path, GError **error)
{
    gnutls_datum_t content = {NULL, 0};

    if (!read_file(path, &content, error))
        return false;
    int code = gnutls_x509_privkey_init(&material->key);
    if (code >= 0)
        code = gnutls_x509_privkey_import2(material->key, &content, GNUTLS_X509_FMT_PEM, NULL, 0);
    forget(&content);
    if (code < 0)
        g_set_error(error, HTTP_ERROR, 0, "%s does not hold a private key in PEM form, not encrypted: %s", path,
                    gnutls_strerror(code));
    return code >= 0;
}

/* ---- pairs ---- */

static void pair_unref(struct http_tls_pair *pair)
{
    if (!g_atomic_ref_count_dec(&pair->references))
        return;
    gnutls_certificate_free_credentials(pair->credentials);
    g_free(pair);
}

static struct http_tls_pair *pair_new(const struct http_tls *tls, const struct material *material, GError **error)
{
    struct http_tls_pair *pair = g_new0(struct http_tls_pair, 1);

    g_atomic_ref_count_init(&pair->references);
    int code = gnutls_certificate_allocate_credentials(&pair->credentials);
    g_assert(code >= 0);
    code = gnutls_certificate_set_x509_key(pair->credentials, material->chain, (int)material->n, material->key);
    if (code >= 0)
        return pair;
    g_set_error(error, HTTP_ERROR, 0, "The key in %s is not of use with the certificate in %s: %s", tls->key_path, tls->cert_path,
                gnutls_strerror(code));
    pair_unref(pair);
    return NULL;
}

/* One that is not valid now is taken, as refusing it would be no better for clients; but it is said. */
static void say_validity(const struct http_tls *tls, gnutls_x509_crt_t certificate)
{
    time_t now = (time_t)(g_get_real_time() / G_USEC_PER_SEC);
    time_t from = gnutls_x509_crt_get_activation_time(certificate), to = gnutls_x509_crt_get_expiration_time(certificate);
    g_autoptr(GDateTime) end = g_date_time_new_from_unix_utc(to);
    g_autofree char *text = end ? g_date_time_format_iso8601(end) : g_strdup("?");

    if (now < from || now > to)
        log_warn("tls_certificate_not_valid", "file=%s expires=%s", tls->cert_path, text);
    else
        log_info("tls_certificate", "file=%s expires=%s", tls->cert_path, text);
}

static struct http_tls_pair *load(const struct http_tls *tls, GError **error)
{
    struct material material = {NULL, 0, NULL};
    struct http_tls_pair *pair = NULL;

    if (read_chain(&material, tls->cert_path, error) && read_key(&material, tls->key_path, error))
        pair = pair_new(tls, &material, error);
    if (pair)
        say_validity(tls, material.chain[0]);
    material_clear(&material);
    return pair;
}

/* ---- the server's ---- */

struct http_tls *http_tls_new(const char *cert_path, const char *key_path, GError **error)
{
    struct http_tls *tls = g_new0(struct http_tls, 1);

    tls->cert_path = g_strdup(cert_path);
    tls->key_path = g_strdup(key_path);
    g_mutex_init(&tls->lock);
    tls->pair = load(tls, error);
    if (tls->pair)
        return tls;
    http_tls_free(tls);
    return NULL;
}

void http_tls_free(struct http_tls *tls)
{
    if (!tls)
        return;
    if (tls->pair)
        pair_unref(tls->pair);
    g_mutex_clear(&tls->lock);
    g_free(tls->cert_path);
    g_free(tls->key_path);
    g_free(tls);
}

bool http_tls_reload(struct http_tls *tls, GError **error)
{
    struct http_tls_pair *fresh = load(tls, error);

    if (!fresh)
        return false;
    g_mutex_lock(&tls->lock);
    struct http_tls_pair *old = tls->pair;
    tls->pair = fresh;
    g_mutex_unlock(&tls->lock);
    pair_unref(old);
    return true;
}

/* deviation: its parameters are GnuTLS'. */
int http_tls_no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                            const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain, unsigned *n_chain,
                            gnutls_privkey_t *key)
{
    (void)session, (void)authorities, (void)n_authorities, (void)algorithms, (void)n_algorithms;
    *chain = NULL;
    *n_chain = 0;
    *key = NULL;
    return -1;
}

struct http_tls_pair *http_tls_begin(struct http_tls *tls, gnutls_session_t session)
{
    g_mutex_lock(&tls->lock);
    struct http_tls_pair *pair = tls->pair;
    g_atomic_ref_count_inc(&pair->references);
    g_mutex_unlock(&tls->lock);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, pair->credentials);
    return pair;
}

void http_tls_end(struct http_tls_pair *pair)
{
    if (pair)
        pair_unref(pair);
}
