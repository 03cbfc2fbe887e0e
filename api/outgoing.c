/* Each transfer connects anew and closes its connection: what is checked about an address holds for every single one. */
#include "api/outgoing.h"

#include "api/address.h"
#include <curl/curl.h>
#include <string.h>

struct outgoing {
    struct outgoing_settings settings;
    CURLM *multi;
    GHashTable *transfers; /* struct transfer: those that are on their way */
};

struct transfer {
    CURL *easy;
    struct curl_slist *headers; /* or recipients */
    GString *content;
    gsize sent;                                /* of the content of a mail */
    gsize received;                            /* bytes of the answer, with its headers */
    bool is_mail, is_public_only, was_refused; /* by us, for its address */
    char error[CURL_ERROR_SIZE];
    outgoing_done *done;
    void *opaque;
};

static void transfer_free(void *opaque)
{
    struct transfer *transfer = opaque;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    g_string_free(transfer->content, TRUE);
    g_free(transfer);
}

/* ---- what curl asks ---- */

/* Counts what comes, and ends the transfer when it is too much: what was to be learned is in the status. */
static size_t take_answer(char *data, size_t size, size_t n, void *opaque)
{
    struct transfer *transfer = opaque;
    (void)data;
    transfer->received += size * n;
    return transfer->received <= OUTGOING_ANSWER_MAX ? size * n : 0;
}

static size_t give_content(char *out, size_t size, size_t n, void *opaque)
{
    struct transfer *transfer = opaque;
    gsize part = MIN(size * n, transfer->content->len - transfer->sent);
    memcpy(out, transfer->content->str + transfer->sent, part);
    transfer->sent += part;
    return part;
}

static curl_socket_t open_socket(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = opaque;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (transfer->is_public_only && !address_is_public(&address->addr, (socklen_t)address->addrlen)) {
        transfer->was_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- beginning ---- */

/* An option that curl does not take is a defect, or a library that lacks what we rely on: never send without it. */
#define SET(transfer, option, value)                                        \
    do {                                                                    \
        CURLcode code_ = curl_easy_setopt((transfer)->easy, option, value); \
        g_assert(code_ == CURLE_OK);                                        \
    } while (0)

static struct transfer *transfer_new(const struct outgoing *outgoing, GString *content, outgoing_done *done, void *opaque)
{
    struct transfer *transfer = g_new0(struct transfer, 1);
    *transfer = (struct transfer){.easy = curl_easy_init(), .content = content, .done = done, .opaque = opaque};
    g_assert(transfer->easy != NULL);
    SET(transfer, CURLOPT_PRIVATE, transfer);
    SET(transfer, CURLOPT_ERRORBUFFER, transfer->error);
    SET(transfer, CURLOPT_NOSIGNAL, 1L);
    SET(transfer, CURLOPT_TIMEOUT_MS, (long)outgoing->settings.timeout_ms);
    SET(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)outgoing->settings.timeout_ms);
    SET(transfer, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)MAX(outgoing->settings.timeout_ms / 1000, 1));
    SET(transfer, CURLOPT_QUICK_EXIT, 1L); /* a name that takes long to resolve is not waited for when the time is over */
    SET(transfer, CURLOPT_FRESH_CONNECT, 1L);
    SET(transfer, CURLOPT_FORBID_REUSE, 1L);
    SET(transfer, CURLOPT_PROXY, "");
    SET(transfer, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(transfer, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(transfer, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(transfer, CURLOPT_OPENSOCKETDATA, transfer);
    SET(transfer, CURLOPT_WRITEFUNCTION, take_answer);
    SET(transfer, CURLOPT_WRITEDATA, transfer);
    SET(transfer, CURLOPT_HEADERFUNCTION, take_answer);
    SET(transfer, CURLOPT_HEADERDATA, transfer);
    return transfer;
}

static void add(struct outgoing *outgoing, struct transfer *transfer)
{
    g_hash_table_add(outgoing->transfers, transfer);
    CURLMcode code = curl_multi_add_handle(outgoing->multi, transfer->easy);
    g_assert(code == CURLM_OK);
}

void outgoing_post(struct outgoing *outgoing, const char *url, const char *const *headers, GString *body, outgoing_done *done,
                   void *opaque)
{
    struct transfer *transfer = transfer_new(outgoing, body, done, opaque);
    transfer->is_public_only = !outgoing->settings.allow_private;
    for (; *headers != NULL; headers++)
        transfer->headers = curl_slist_append(transfer->headers, *headers);
    transfer->headers = curl_slist_append(transfer->headers, "Expect:"); /* the body goes at once */
    SET(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    SET(transfer, CURLOPT_HTTPHEADER, transfer->headers);
    SET(transfer, CURLOPT_USERAGENT, "Daybook");
    SET(transfer, CURLOPT_POSTFIELDS, body->str);
    SET(transfer, CURLOPT_POSTFIELDSIZE, (long)body->len);
    SET(transfer, CURLOPT_URL, url);
    add(outgoing, transfer);
}

/* A password is not shown to who is in between and hides that the server offers TLS. */
static long use_ssl(const struct outgoing_settings *settings)
{
    if (settings->smtp_tls == OUTGOING_TLS_NEVER)
        return CURLUSESSL_NONE;
    return settings->smtp_tls == OUTGOING_TLS_ALWAYS || settings->smtp_user[0] != '\0' ? CURLUSESSL_ALL : CURLUSESSL_TRY;
}

void outgoing_mail(struct outgoing *outgoing, const char *to, GString *message, outgoing_done *done, void *opaque)
{
    const struct outgoing_settings *settings = &outgoing->settings;
    struct transfer *transfer = transfer_new(outgoing, message, done, opaque);
    transfer->is_mail = true;
    transfer->headers = curl_slist_append(NULL, to);
    SET(transfer, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(transfer, CURLOPT_USE_SSL, use_ssl(settings));
    SET(transfer, CURLOPT_MAIL_FROM, settings->mail_from);
    SET(transfer, CURLOPT_MAIL_RCPT, transfer->headers);
    if (settings->smtp_user[0] != '\0') {
        SET(transfer, CURLOPT_USERNAME, settings->smtp_user);
        SET(transfer, CURLOPT_PASSWORD, settings->smtp_password);
    }
    SET(transfer, CURLOPT_READFUNCTION, give_content);
    SET(transfer, CURLOPT_READDATA, transfer);
    SET(transfer, CURLOPT_UPLOAD, 1L);
    SET(transfer, CURLOPT_URL, settings->smtp_url);
    add(outgoing, transfer);
}

/* ---- ending ---- */

static void say(struct outgoing_result *result, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(struct outgoing_result *result, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_vsnprintf(result->error, sizeof result->error, format, arguments);
    va_end(arguments);
}

static void explain(const struct transfer *transfer, CURLcode code, struct outgoing_result *result)
{
    say(result, "%s.", transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code));
}

/* Whoever answered with a status has judged, even if the rest of the answer was cut off or did not come. */
static void judge_http(const struct transfer *transfer, CURLcode code, struct outgoing_result *result)
{
    curl_off_t retry_after_s = 0;
    if (result->status >= 200) {
        curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        result->retry_after_s = MAX((int64_t)retry_after_s, 0);
        result->taken = result->status < 300;
        if (!result->taken)
            say(result, "The receiver answered %d%s.", result->status,
                result->status < 400 ? ", and redirects are not followed" : "");
    } else if (transfer->was_refused) {
        say(result, "The address is not a public one (alerts.allow_private).");
    } else if (code == CURLE_OK) {
        say(result, "The receiver did not answer in HTTP.");
    } else {
        explain(transfer, code, result);
    }
}

static void judge_mail(const struct transfer *transfer, CURLcode code, struct outgoing_result *result)
{
    result->taken = code == CURLE_OK;
    if (!result->taken)
        explain(transfer, code, result);
}

static void end(struct outgoing *outgoing, struct transfer *transfer, CURLcode code)
{
    struct outgoing_result result = {0};
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    result.status = (int)status;
    if (transfer->is_mail)
        judge_mail(transfer, code, &result);
    else
        judge_http(transfer, code, &result);
    curl_multi_remove_handle(outgoing->multi, transfer->easy);
    g_hash_table_steal(outgoing->transfers, transfer);
    transfer->done(&result, transfer->opaque);
    transfer_free(transfer);
}

void outgoing_run(struct outgoing *outgoing, int timeout_ms)
{
    int running, left;
    curl_multi_perform(outgoing->multi, &running);
    bool has_ended = (guint)running < g_hash_table_size(outgoing->transfers);
    curl_multi_poll(outgoing->multi, NULL, 0, has_ended ? 0 : timeout_ms, NULL);
    curl_multi_perform(outgoing->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(outgoing->multi, &left)) != NULL;) {
        void *transfer = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        end(outgoing, transfer, code);
    }
}

void outgoing_wake(struct outgoing *outgoing)
{
    curl_multi_wakeup(outgoing->multi);
}

/* ---- life ---- */

bool outgoing_smtp_url_check(const char *url, const char **why)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD, NULL);
    *why = "must be smtp://host:port or smtps://host:port; user and password have settings of their own";
    if (uri == NULL || (strcmp(g_uri_get_scheme(uri), "smtp") != 0 && strcmp(g_uri_get_scheme(uri), "smtps") != 0))
        return false;
    const char *host = g_uri_get_host(uri), *path = g_uri_get_path(uri);
    return host != NULL && host[0] != '\0' && g_uri_get_userinfo(uri) == NULL && (path[0] == '\0' || strcmp(path, "/") == 0) &&
           g_uri_get_query(uri) == NULL && g_uri_get_fragment(uri) == NULL;
}

struct outgoing *outgoing_new(const struct outgoing_settings *settings)
{
    static gsize done;
    if (g_once_init_enter(&done)) {
        CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
        g_assert(code == CURLE_OK);
        g_once_init_leave(&done, 1);
    }
    struct outgoing *outgoing = g_new0(struct outgoing, 1);
    outgoing->settings = *settings;
    outgoing->multi = curl_multi_init();
    g_assert(outgoing->multi != NULL);
    outgoing->transfers = g_hash_table_new_full(NULL, NULL, transfer_free, NULL);
    return outgoing;
}

void outgoing_free(struct outgoing *outgoing)
{
    GHashTableIter iter;
    void *key;
    if (outgoing == NULL)
        return;
    g_hash_table_iter_init(&iter, outgoing->transfers);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const struct transfer *transfer = key;
        curl_multi_remove_handle(outgoing->multi, transfer->easy);
    }
    g_hash_table_destroy(outgoing->transfers);
    curl_multi_cleanup(outgoing->multi);
    g_free(outgoing);
}
