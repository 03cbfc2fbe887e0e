/* Which server to talk to, and whether it may be talked to.
 *
 * Whatever way a server was found, it is used only when it is a master and not loading: a replica would refuse writes or, worse,
 * answer reads of the past. PING says LOADING (and MASTERDOWN); ROLE says the role. On a cluster the server is also asked for the
 * key, so that an outdated slot table shows as MOVED before the first real command. */
#include "lib/redis_internal.h"
#include "lib/redis_url.h"

enum { REDIRECTS_MAX = 5, PORT_MAX = 65535 };

/* One try to find a server; what failed is gathered, since the last failure alone often is not the interesting one. */
struct attempt {
    const struct redis_settings *settings;
    const struct redis_url *url;
    GString *failures;
    bool config; /* one of them will not go away by waiting */
};

bool redis_url_check(const char *url, GError **error)
{
    struct redis_url *parsed = redis_url_parse(url, error);

    redis_url_free(parsed);
    return parsed != NULL;
}

static void attempt_note(struct attempt *attempt, GError *error)
{
    if (!error)
        return;
    attempt->config = attempt->config || error->code == REDIS_ERROR_CONFIG;
    if (attempt->failures->len > 0)
        g_string_append_c(attempt->failures, ' ');
    g_string_append(attempt->failures, error->message);
    g_error_free(error);
}

static struct redis *reject(struct redis *redis, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static struct redis *reject(struct redis *redis, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_clear_error(error);
    g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "Redis at %s cannot be used: %s.", redis_address(redis), text);
    redis_free(redis);
    return NULL;
}

/* ---- checks of one server ---- */

/* True also for a reply that says OK; an error reply is CONFIG: a wrong password or database stays wrong. */
static bool expect_ok(struct redis *redis, struct redis_reply *reply, const char *what, GError **error)
{
    if (reply) {
        redis_reply_free(reply);
        return true;
    }
    if (error && g_error_matches(*error, REDIS_ERROR, REDIS_ERROR_REPLY) && !g_str_has_prefix((*error)->message, "LOADING")) {
        g_autofree char *said = g_strdup((*error)->message);
        g_clear_error(error);
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "Redis at %s refuses %s: %s.", redis_address(redis), what, said);
    }
    return false;
}

static bool log_in(struct redis *redis, const struct redis_url *url, GError **error)
{
    if (!url->password)
        return true;
    struct redis_reply *reply = url->user ? redis_call(redis, error, "AUTH %s %s", url->user, url->password)
                                          : redis_call(redis, error, "AUTH %s", url->password);
    return expect_ok(redis, reply, "the password", error);
}

static bool select_db(struct redis *redis, const struct redis_url *url, GError **error)
{
    if (url->db == 0)
        return true;
    g_autofree char *db = g_strdup_printf("%d", url->db);
    return expect_ok(redis, redis_call(redis, error, "SELECT %s", db), "the database", error);
}

static bool is_ready(struct redis *redis, GError **error)
{
    GError *inner = NULL;
    struct redis_reply *reply = redis_call(redis, &inner, "PING");

    redis_reply_free(reply);
    if (reply)
        return true;
    if (inner->code != REDIS_ERROR_REPLY) {
        g_propagate_error(error, inner);
        return false;
    }
    if (g_str_has_prefix(inner->message, "NOAUTH"))
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_CONFIG, "Redis at %s wants a password, and its address has none.",
                    redis_address(redis));
    else
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "Redis at %s is not ready: %s.", redis_address(redis), inner->message);
    g_error_free(inner);
    return false;
}

static bool is_master(struct redis *redis, GError **error)
{
    struct redis_reply *reply = redis_call(redis, error, "ROLE");
    bool known = reply && redis_reply_count(reply) > 0;
    bool ok = known && view_is(redis_reply_text(redis_reply_at(reply, 0)), "master");

    if (reply && !ok)
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "Redis at %s is not a master but a %s.", redis_address(redis),
                    known ? redis_reply_text(redis_reply_at(reply, 0)).data : "stranger");
    redis_reply_free(reply);
    return ok;
}

static struct redis *open_master(const struct attempt *attempt, const char *host, int port, GError **error)
{
    const struct redis_settings *settings = attempt->settings;
    struct redis *redis = redis_open(host, port, settings->connect_timeout_ms, error);
    GError *inner = NULL;

    if (!redis)
        return NULL;
    if (log_in(redis, attempt->url, &inner) && is_ready(redis, &inner) && select_db(redis, attempt->url, &inner) &&
        is_master(redis, &inner)) {
        redis_set_timeout(redis, settings->command_timeout_ms);
        return redis;
    }
    if (g_error_matches(inner, REDIS_ERROR, REDIS_ERROR_REPLY)) {
        redis = reject(redis, error, "%s", inner->message);
        g_error_free(inner);
    } else {
        g_propagate_error(error, inner);
        redis_free(redis);
    }
    return NULL;
}

/* ---- plain and Sentinel ---- */

static struct redis *connect_plain(struct attempt *attempt)
{
    for (guint i = 0; i < attempt->url->hosts->len; i++) {
        const struct redis_host *host = redis_url_host(attempt->url, i);
        GError *error = NULL;
        struct redis *redis = open_master(attempt, host->host, host->port, &error);
        if (redis)
            return redis;
        attempt_note(attempt, error);
    }
    return NULL;
}

/* Reads [host, port]; a host that is empty or "?" stands for the one that was asked. */
static bool host_from(const struct redis_reply *pair, const char *asked, struct redis_host *host)
{
    if (redis_reply_count(pair) < 2)
        return false;
    struct view name = redis_reply_text(redis_reply_at(pair, 0));
    const struct redis_reply *port = redis_reply_at(pair, 1);
    guint64 number = (guint64)redis_reply_integer(port);
    if (redis_reply_kind(port) == REDIS_STRING &&
        !g_ascii_string_to_unsigned(redis_reply_text(port).data, 10, 1, PORT_MAX, &number, NULL))
        return false;
    if (number < 1 || number > PORT_MAX)
        return false;
    host->host = name.size == 0 || view_is(name, "?") ? g_strdup(asked) : g_strndup(name.data, name.size);
    host->port = (int)number;
    return true;
}

static struct redis *ask_sentinel(struct attempt *attempt, const struct redis_host *sentinel, GError **error)
{
    struct redis_host master = {NULL, 0};
    struct redis *redis = redis_open(sentinel->host, sentinel->port, attempt->settings->connect_timeout_ms, error);

    if (!redis)
        return NULL;
    struct redis_reply *reply = redis_call(redis, error, "SENTINEL get-master-addr-by-name %s", attempt->url->master_name);
    if (!reply)
        return reject(redis, error, "it does not answer as a Sentinel does");
    bool known = host_from(reply, sentinel->host, &master);
    redis_reply_free(reply);
    if (!known)
        return reject(redis, error, "this Sentinel knows no master named %s", attempt->url->master_name);
    redis_free(redis);
    redis = open_master(attempt, master.host, master.port, error);
    g_free(master.host);
    return redis;
}

static struct redis *connect_sentinel(struct attempt *attempt)
{
    for (guint i = 0; i < attempt->url->hosts->len; i++) {
        GError *error = NULL;
        struct redis *redis = ask_sentinel(attempt, redis_url_host(attempt->url, i), &error);
        if (redis)
            return redis;
        attempt_note(attempt, error);
    }
    return NULL;
}

/* ---- cluster ---- */

/* The slot table of the first node that answers, and that node. NULL when none does. */
static struct redis_reply *slot_table(struct attempt *attempt, const struct redis_host **asked)
{
    for (guint i = 0; i < attempt->url->hosts->len; i++) {
        const struct redis_host *host = redis_url_host(attempt->url, i);
        GError *error = NULL;
        struct redis *redis = redis_open(host->host, host->port, attempt->settings->connect_timeout_ms, &error);
        struct redis_reply *reply = NULL;
        if (redis && log_in(redis, attempt->url, &error))
            reply = redis_call(redis, &error, "CLUSTER SLOTS");
        redis_free(redis);
        if (reply && redis_reply_count(reply) > 0) {
            *asked = host;
            return reply;
        }
        if (reply)
            g_set_error(&error, REDIS_ERROR, REDIS_ERROR_LOST, "Redis at %s:%d serves no slots.", host->host, host->port);
        redis_reply_free(reply);
        attempt_note(attempt, error);
    }
    return NULL;
}

/* The master of row [first, last, [host, port, id], replicas…]. */
static bool row_master(const struct redis_reply *row, const char *asked, struct redis_host *master)
{
    return redis_reply_count(row) >= 3 && host_from(redis_reply_at(row, 2), asked, master);
}

static bool find_owner(struct attempt *attempt, unsigned slot, struct redis_host *owner)
{
    const struct redis_host *asked;
    struct redis_reply *table = slot_table(attempt, &asked);
    bool found = false;

    if (!table)
        return false;
    for (size_t i = 0; i < redis_reply_count(table) && !found; i++) {
        const struct redis_reply *row = redis_reply_at(table, i);
        if (redis_reply_count(row) >= 3 && redis_reply_integer(redis_reply_at(row, 0)) <= (int64_t)slot &&
            redis_reply_integer(redis_reply_at(row, 1)) >= (int64_t)slot)
            found = row_master(row, asked->host, owner);
    }
    redis_reply_free(table);
    if (!found)
        attempt_note(attempt, g_error_new(REDIS_ERROR, REDIS_ERROR_LOST, "No node of the Redis cluster serves slot %u.", slot));
    return found;
}

/* "MOVED 3999 127.0.0.1:6381" */
static bool parse_moved(const char *text, const char *asked, struct redis_host *host)
{
    const char *address = strrchr(text, ' ');
    const char *colon = strrchr(text, ':');
    guint64 port;

    if (!g_str_has_prefix(text, "MOVED ") || !address || !colon || colon < address ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 1, PORT_MAX, &port, NULL))
        return false;
    address++;
    host->host = colon == address ? g_strdup(asked) : g_strndup(address, (gsize)(colon - address));
    host->port = (int)port;
    return true;
}

/* Asks the server for the key. False with the new owner in *owner (when it was named) or with *error. */
static bool owns(struct redis *redis, const char *key, struct redis_host *owner, bool *moved, GError **error)
{
    GError *inner = NULL;
    struct redis_reply *reply = redis_call(redis, &inner, "EXISTS %s", key);

    *moved = false;
    redis_reply_free(reply);
    if (reply)
        return true;
    if (inner->code != REDIS_ERROR_REPLY) {
        g_propagate_error(error, inner);
        return false;
    }
    g_autofree char *asked = g_strdup(owner->host);
    struct redis_host next = {NULL, 0};
    if (parse_moved(inner->message, asked, &next)) {
        *moved = true;
        g_free(owner->host);
        *owner = next;
    } else if (g_str_has_prefix(inner->message, "ASK ")) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "The slot of %s is just being moved away from Redis at %s.", key,
                    redis_address(redis));
    } else {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_LOST, "Redis at %s does not serve %s: %s.", redis_address(redis), key,
                    inner->message);
    }
    g_error_free(inner);
    return false;
}

static struct redis *connect_owner(struct attempt *attempt, const char *key)
{
    struct redis_host owner = {NULL, 0};
    struct redis *redis = NULL;
    unsigned slot = redis_slot_of(view_of(key));
    bool moved = find_owner(attempt, slot, &owner);

    for (int i = 0; moved && i < REDIRECTS_MAX; i++) {
        GError *error = NULL;
        redis = open_master(attempt, owner.host, owner.port, &error);
        moved = false;
        if (redis && !owns(redis, key, &owner, &moved, &error))
            g_clear_pointer(&redis, redis_free);
        attempt_note(attempt, error);
    }
    if (moved)
        attempt_note(attempt, g_error_new(REDIS_ERROR, REDIS_ERROR_LOST,
                                          "The nodes of the Redis cluster do not agree on who serves slot %u: "
                                          "%d of them in turn named another, the last one %s:%d.",
                                          slot, REDIRECTS_MAX, owner.host, owner.port));
    g_free(owner.host);
    return redis;
}

/* One connection for each master of the table. */
static bool connect_masters(struct attempt *attempt, GPtrArray *all)
{
    const struct redis_host *asked;
    struct redis_reply *table = slot_table(attempt, &asked);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int64_t slots = 0;
    bool ok = table != NULL;

    for (size_t i = 0; ok && i < redis_reply_count(table); i++) {
        const struct redis_reply *row = redis_reply_at(table, i);
        struct redis_host master = {NULL, 0};
        GError *error = NULL;
        if (!row_master(row, asked->host, &master))
            continue;
        slots += redis_reply_integer(redis_reply_at(row, 1)) - redis_reply_integer(redis_reply_at(row, 0)) + 1;
        if (g_hash_table_add(seen, g_strdup_printf("%s:%d", master.host, master.port))) {
            struct redis *redis = open_master(attempt, master.host, master.port, &error);
            ok = redis != NULL;
            if (redis)
                g_ptr_array_add(all, redis);
        }
        attempt_note(attempt, error);
        g_free(master.host);
    }
    if (ok && slots != REDIS_SLOTS) {
        ok = false;
        attempt_note(attempt,
                     g_error_new(REDIS_ERROR, REDIS_ERROR_LOST, "The Redis cluster serves %" G_GINT64_FORMAT " of %d slots.",
                                 (gint64)slots, REDIS_SLOTS));
    }
    redis_reply_free(table);
    return ok;
}

/* ---- public ---- */

static bool attempt_begin(struct attempt *attempt, const struct redis_settings *settings, GError **error)
{
    attempt->settings = settings;
    attempt->url = redis_url_parse(settings->url, error);
    attempt->failures = g_string_new(NULL);
    attempt->config = false;
    return attempt->url != NULL;
}

/* Frees the attempt; when it failed, what it gathered becomes the error. CONFIG only when no other server could have served. */
static void attempt_end(struct attempt *attempt, bool ok, GError **error)
{
    bool only_one = attempt->url && attempt->url->hosts->len == 1;

    if (!ok && attempt->url)
        g_set_error_literal(error, REDIS_ERROR, attempt->config && only_one ? REDIS_ERROR_CONFIG : REDIS_ERROR_LOST,
                            attempt->failures->str);
    g_string_free(attempt->failures, TRUE);
    redis_url_free((struct redis_url *)attempt->url);
}

static struct redis *connect_any(struct attempt *attempt, const char *key)
{
    switch (attempt->url->kind) {
    case REDIS_URL_SENTINEL:
        return connect_sentinel(attempt);
    case REDIS_URL_CLUSTER:
        return connect_owner(attempt, key ? key : "");
    default:
        return connect_plain(attempt);
    }
}

struct redis *redis_connect(const struct redis_settings *settings, const char *key, GError **error)
{
    struct attempt attempt;
    struct redis *redis = NULL;

    if (attempt_begin(&attempt, settings, error))
        redis = connect_any(&attempt, key);
    attempt_end(&attempt, redis != NULL, error);
    return redis;
}

static void free_connection(gpointer redis)
{
    redis_free((struct redis *)redis);
}

GPtrArray *redis_connect_all(const struct redis_settings *settings, GError **error)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(free_connection);
    struct attempt attempt;
    bool ok = attempt_begin(&attempt, settings, error);

    if (ok && attempt.url->kind == REDIS_URL_CLUSTER) {
        ok = connect_masters(&attempt, all);
    } else if (ok) {
        struct redis *redis = connect_any(&attempt, NULL);
        ok = redis != NULL;
        if (redis)
            g_ptr_array_add(all, redis);
    }
    attempt_end(&attempt, ok, error);
    if (ok)
        return all;
    g_ptr_array_free(all, TRUE);
    return NULL;
}
