/* Reads an address from left to right: scheme, credentials, hosts, path. */
#include "lib/redis_url.h"
#include "lib/redis.h"

enum { DEFAULT_PORT = 6379, DEFAULT_SENTINEL_PORT = 26379, PORT_MAX = 65535, DB_MAX = 1000000 };

struct scheme {
    const char *prefix;
    enum redis_url_kind kind;
};

static const struct scheme schemes[] = {
    {"redis://", REDIS_URL_PLAIN},
    {"redis+sentinel://", REDIS_URL_SENTINEL},
    {"redis+cluster://", REDIS_URL_CLUSTER},
};

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "The Redis address is wrong: %s.", text);
    return false;
}

static void host_clear(gpointer host)
{
    g_free(((struct redis_host *)host)->host);
}

void redis_url_free(struct redis_url *url)
{
    if (!url)
        return;
    g_array_free(url->hosts, TRUE);
    g_free(url->user);
    g_free(url->password);
    g_free(url->master_name);
    g_free(url);
}

const struct redis_host *redis_url_host(const struct redis_url *url, guint index)
{
    return &g_array_index(url->hosts, struct redis_host, index);
}

static const char *parse_scheme(struct redis_url *url, const char *text, GError **error)
{
    if (g_str_has_prefix(text, "rediss")) {
        refuse(error,
               "rediss:// asks for TLS, which hiredis 0.14 does not have; put a TLS tunnel (stunnel, a service mesh) beside the "
               "program and use redis:// to it");
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (g_str_has_prefix(text, schemes[i].prefix)) {
            url->kind = schemes[i].kind;
            return text + strlen(schemes[i].prefix);
        }
    }
    refuse(error, "it must begin with redis://, redis+sentinel:// or redis+cluster://");
    return NULL;
}

static bool parse_credentials(struct redis_url *url, const char *text, size_t size, GError **error)
{
    g_autofree char *both = g_strndup(text, size);
    char *colon = strchr(both, ':');

    if (!colon)
        return refuse(error, "what stands before the @ must be user:password or :password");
    *colon = '\0';
    url->user = *both ? g_uri_unescape_string(both, NULL) : NULL;
    url->password = g_uri_unescape_string(colon + 1, NULL);
    if (!url->password || !*url->password || (*both && !url->user))
        return refuse(error, "user or password are empty or not percent-encoded as they should be");
    return true;
}

/* One "host", "host:port", "[v6]" or "[v6]:port". */
static bool parse_host(struct redis_url *url, const char *text, GError **error)
{
    const char *port = NULL;
    struct redis_host host = {NULL, url->kind == REDIS_URL_SENTINEL ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT};
    guint64 number;

    if (*text == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return refuse(error, "\"%s\" is not a host in brackets", text);
        host.host = g_strndup(text + 1, (gsize)(end - text - 1));
        port = end[1] == ':' ? end + 2 : NULL;
    } else {
        const char *colon = strchr(text, ':');
        host.host = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
        port = colon ? colon + 1 : NULL;
    }
    bool ok = *host.host != '\0' && (!port || g_ascii_string_to_unsigned(port, 10, 1, PORT_MAX, &number, NULL));
    if (!ok) {
        g_free(host.host);
        return refuse(error, "\"%s\" is not host:port", text);
    }
    if (port)
        host.port = (int)number;
    g_array_append_val(url->hosts, host);
    /* cppcheck-suppress memleak ; the array has it */
    return true;
}

static bool parse_hosts(struct redis_url *url, const char *text, size_t size, GError **error)
{
    g_autofree char *list = g_strndup(text, size);
    g_auto(GStrv) hosts = g_strsplit(list, ",", REDIS_URL_HOSTS_MAX + 1);

    if (g_strv_length(hosts) > REDIS_URL_HOSTS_MAX)
        return refuse(error, "it names more than %d hosts", REDIS_URL_HOSTS_MAX);
    for (char **host = hosts; *host; host++)
        if (!parse_host(url, *host, error))
            return false;
    return url->hosts->len > 0 || refuse(error, "it names no host");
}

static bool parse_db(struct redis_url *url, const char *text, GError **error)
{
    guint64 db;

    if (*text == '\0')
        return true;
    if (!g_ascii_string_to_unsigned(text, 10, 0, DB_MAX, &db, NULL))
        return refuse(error, "\"%s\" is not the number of a database", text);
    if (url->kind == REDIS_URL_CLUSTER && db != 0)
        return refuse(error, "a cluster has no database but 0");
    url->db = (int)db;
    return true;
}

/* path begins after the first slash, or is "". */
static bool parse_path(struct redis_url *url, const char *path, GError **error)
{
    if (url->kind != REDIS_URL_SENTINEL)
        return parse_db(url, path, error);
    const char *slash = strchr(path, '/');
    url->master_name = slash ? g_strndup(path, (gsize)(slash - path)) : g_strdup(path);
    if (*url->master_name == '\0')
        return refuse(error, "with Sentinels it must end in /name-of-the-master");
    return parse_db(url, slash ? slash + 1 : "", error);
}

struct redis_url *redis_url_parse(const char *text, GError **error)
{
    struct redis_url *url = g_new0(struct redis_url, 1);

    url->hosts = g_array_new(FALSE, FALSE, sizeof(struct redis_host));
    g_array_set_clear_func(url->hosts, host_clear);
    const char *rest = parse_scheme(url, text ? text : "", error);
    if (!rest)
        goto wrong;
    size_t authority = strcspn(rest, "/");
    const char *path = rest[authority] ? rest + authority + 1 : "";
    const char *at = g_strrstr_len(rest, (gssize)authority, "@");
    const char *hosts = at ? at + 1 : rest;
    if (at && !parse_credentials(url, rest, (size_t)(at - rest), error))
        goto wrong;
    if (!parse_hosts(url, hosts, authority - (size_t)(hosts - rest), error) || !parse_path(url, path, error))
        goto wrong;
    return url;
wrong:
    redis_url_free(url);
    return NULL;
}

static unsigned crc16(const char *data, size_t size)
{
    unsigned crc = 0;

    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned)(unsigned char)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000U) ? (crc << 1 ^ 0x1021U) & 0xffffU : crc << 1 & 0xffffU;
    }
    return crc;
}

unsigned redis_slot_of(struct view key)
{
    const char *open = key.size ? (const char *)memchr(key.data, '{', key.size) : NULL;

    if (open) {
        const char *tag = open + 1;
        const char *close = (const char *)memchr(tag, '}', key.size - (size_t)(tag - key.data));
        if (close && close > tag)
            return crc16(tag, (size_t)(close - tag)) % REDIS_SLOTS;
    }
    return crc16(key.data, key.size) % REDIS_SLOTS;
}
