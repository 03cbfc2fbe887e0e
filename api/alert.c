#include "api/alert.h"

#include "api/registry_text.h"
#include "lib/civil.h"
#include "lib/hex.h"
#include "lib/keys.h"
#include <gnutls/crypto.h>
#include <jansson.h>

enum { ID_BYTES = (ALERT_ID_SIZE - 1) / 2, DIGEST_SIZE = 32 };

static const char *const kinds[ALERT_KIND_N] = {"alert", "violation", "system"};
static const char *const states[ALERT_STATE_N] = {"unread", "read", "deleted"};
static const char *const periods[LIMIT_PERIOD_N] = {"a minute", "an hour", "a day", "a week", "a month"};

void alert_free(struct alert *alert)
{
    if (alert == NULL)
        return;
    g_free(alert->organization);
    g_free(alert->client);
    g_free(alert->rule);
    g_free(alert->metric);
    g_free(alert->type);
    g_free(alert->subject);
    g_free(alert->message);
    g_free(alert);
}

/* ---- names ---- */

static bool parse(const char *const *names, int n, const char *name, int *found)
{
    for (*found = 0; *found < n; (*found)++)
        if (g_ascii_strcasecmp(names[*found], name) == 0)
            return true;
    return false;
}

const char *alert_kind_name(enum alert_kind kind)
{
    return kinds[kind];
}

bool alert_kind_parse(const char *name, enum alert_kind *kind)
{
    int found;
    bool ok = parse(kinds, ALERT_KIND_N, name, &found);
    *kind = (enum alert_kind)found;
    return ok;
}

const char *alert_state_name(enum alert_state state)
{
    return states[state];
}

bool alert_state_parse(const char *name, enum alert_state *state)
{
    int found;
    bool ok = parse(states, ALERT_STATE_N, name, &found);
    *state = (enum alert_state)found;
    return ok;
}

/* ---- the id ---- */

/* Names cannot hold the separator (registry_name_is_valid), nor can methods. */
static char *essence(const struct alert *alert)
{
    char s = KEYS_CLIENT_SEPARATOR;
    if (alert->kind == ALERT_SYSTEM)
        return g_strdup_printf("system%c%s%c%s%c%" G_GINT64_FORMAT, s, alert->type, s, alert->subject, s, alert->since_ms);
    return g_strdup_printf("limit%c%s%c%s%c%s%c%s%c%" G_GINT64_FORMAT "%c%" G_GUINT64_FORMAT "%c%u", s, alert->organization, s,
                           alert->client, s, alert->metric, s, limit_period_name(alert->period), s, alert->from_ms, s, alert->limit,
                           s, alert->level);
}

void alert_identify(struct alert *alert)
{
    uint8_t digest[DIGEST_SIZE];
    alert->kind = alert->type != NULL ? ALERT_SYSTEM : alert->level >= ALERT_VIOLATION_LEVEL ? ALERT_VIOLATION : ALERT_LIMIT;
    g_autofree char *text = essence(alert);
    int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), digest);
    g_assert(failed == 0);
    hex_write(alert->id, digest, ID_BYTES);
}

/* ---- for people ---- */

char *alert_sentence(const struct alert *alert)
{
    char from[CIVIL_TEXT_MAX];
    if (alert->kind == ALERT_SYSTEM)
        return g_strdup(alert->message);
    civil_format(from, alert->from_ms);
    return g_strdup_printf("Client '%s' of organization '%s' has reached %u %% of its limit of %" G_GUINT64_FORMAT
                           " %s %s: %" G_GUINT64_FORMAT " since %s.",
                           alert->client, alert->organization, alert->level, alert->limit,
                           strcmp(alert->metric, METHOD_HITS) == 0 ? "requests" : alert->metric, periods[alert->period],
                           alert->value, from);
}

static void write_limit(struct writer *writer, const struct alert *alert)
{
    writer_text(writer, "organization", view_of(alert->organization));
    writer_text(writer, "clientId", view_of(alert->client));
    writer_text(writer, "limitId", view_of(alert->rule));
    writer_text(writer, "metric", view_of(alert->metric));
    writer_text(writer, "period", view_of(limit_period_name(alert->period)));
    writer_begin(writer, "window", '{');
    writer_time(writer, "from", alert->from_ms);
    writer_time(writer, "to", alert->to_ms);
    writer_end(writer, '}');
    writer_count(writer, "level", alert->level);
    writer_count(writer, "limit", alert->limit);
    writer_count(writer, "value", alert->value);
}

void alert_write(struct writer *writer, const char *key, const struct alert *alert)
{
    g_autofree char *sentence = alert_sentence(alert);
    writer_begin(writer, key, '{');
    writer_text(writer, "id", view_of(alert->id));
    writer_text(writer, "kind", view_of(alert_kind_name(alert->kind)));
    if (alert->kind == ALERT_SYSTEM) {
        writer_text(writer, "type", view_of(alert->type));
        writer_text(writer, "subject", view_of(alert->subject));
        writer_time_ms(writer, "since", alert->since_ms);
    } else {
        write_limit(writer, alert);
    }
    writer_text(writer, "message", view_of(sentence));
    writer_time_ms(writer, "createdAt", alert->created_ms);
    writer_bool(writer, "active", alert->recovered_ms == 0);
    if (alert->recovered_ms != 0)
        writer_time_ms(writer, "recoveredAt", alert->recovered_ms);
    writer_text(writer, "state", view_of(alert_state_name(alert->state)));
    writer_end(writer, '}');
}

/* ---- in Redis ---- */

char *alert_keep(const struct alert *alert)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_integer(&writer, "created", alert->created_ms);
    if (alert->kind == ALERT_SYSTEM) {
        writer_text(&writer, "type", view_of(alert->type));
        writer_text(&writer, "subject", view_of(alert->subject));
        writer_text(&writer, "message", view_of(alert->message));
        writer_integer(&writer, "since", alert->since_ms);
    } else {
        writer_text(&writer, "organization", view_of(alert->organization));
        writer_text(&writer, "client", view_of(alert->client));
        writer_text(&writer, "rule", view_of(alert->rule));
        writer_text(&writer, "metric", view_of(alert->metric));
        writer_text(&writer, "period", view_of(limit_period_name(alert->period)));
        writer_integer(&writer, "from", alert->from_ms);
        writer_integer(&writer, "to", alert->to_ms);
        writer_count(&writer, "level", alert->level);
        writer_count(&writer, "limit", alert->limit);
        writer_count(&writer, "value", alert->value);
    }
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

static bool bad_field(GError **error, const char *field)
{
    g_set_error(error, REGISTRY_TEXT_ERROR, 0, "Its field %s is missing or not as it should be.", field);
    return false;
}

static bool take_text(const json_t *object, const char *field, char **text, GError **error)
{
    const char *value = json_string_value(json_object_get(object, field));
    *text = g_strdup(value);
    return value != NULL || bad_field(error, field);
}

static bool take_integer(const json_t *object, const char *field, int64_t *value, GError **error)
{
    const json_t *item = json_object_get(object, field);
    *value = json_integer_value(item);
    return (json_is_integer(item) && *value >= 0) || bad_field(error, field);
}

static bool take_count(const json_t *object, const char *field, int64_t most, uint64_t *count, GError **error)
{
    int64_t value;
    bool ok = take_integer(object, field, &value, error) && (value <= most || bad_field(error, field));
    *count = ok ? (uint64_t)value : 0;
    return ok;
}

static bool take_period(const json_t *object, enum limit_period *period, GError **error)
{
    const char *name = json_string_value(json_object_get(object, "period"));
    return (name != NULL && limit_period_parse(name, period)) || bad_field(error, "period");
}

static bool fill_system(const json_t *object, struct alert *alert, GError **error)
{
    return take_text(object, "type", &alert->type, error) && take_text(object, "subject", &alert->subject, error) &&
           take_text(object, "message", &alert->message, error) && take_integer(object, "since", &alert->since_ms, error);
}

static bool fill_limit(const json_t *object, struct alert *alert, GError **error)
{
    uint64_t level;
    bool ok = take_text(object, "organization", &alert->organization, error) &&
              take_text(object, "client", &alert->client, error) && take_text(object, "rule", &alert->rule, error) &&
              take_text(object, "metric", &alert->metric, error) && take_period(object, &alert->period, error) &&
              take_integer(object, "from", &alert->from_ms, error) && take_integer(object, "to", &alert->to_ms, error) &&
              take_count(object, "level", UINT32_MAX, &level, error) &&
              take_count(object, "limit", INT64_MAX, &alert->limit, error) &&
              take_count(object, "value", INT64_MAX, &alert->value, error);
    alert->level = ok ? (uint32_t)level : 0;
    return ok;
}

struct alert *alert_read(struct view id, struct view json, GError **error)
{
    json_error_t why;
    json_t *object = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(object)) {
        json_decref(object);
        g_set_error(error, REGISTRY_TEXT_ERROR, 0, "It is not a JSON object.");
        return NULL;
    }
    struct alert *alert = g_new0(struct alert, 1);
    bool is_system = json_object_get(object, "type") != NULL;
    bool ok = take_integer(object, "created", &alert->created_ms, error) &&
              (is_system ? fill_system(object, alert, error) : fill_limit(object, alert, error));
    json_decref(object);
    if (ok)
        alert_identify(alert);
    if (ok && !view_is(id, alert->id))
        ok = bad_field(error, "id");
    if (!ok)
        g_clear_pointer(&alert, alert_free);
    return alert;
}
