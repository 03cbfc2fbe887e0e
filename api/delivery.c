#include "api/delivery.h"

#include <jansson.h>

static const char *const events[DELIVERY_EVENT_N] = {[DELIVERY_RAISED] = "raised", [DELIVERY_RECOVERED] = "recovered"};

const char *delivery_event_name(enum delivery_event event)
{
    return events[event];
}

char *delivery_id(const struct delivery *delivery)
{
    return g_strjoin(".", delivery->alert, events[delivery->event], delivery->channel, NULL);
}

/* ---- reading an id ---- */

static bool is_word(const char *text, size_t size_max)
{
    size_t size = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz-");
    return size > 0 && size < size_max && text[size] == '\0';
}

static bool parse_event(const char *name, enum delivery_event *event)
{
    for (*event = 0; *event < DELIVERY_EVENT_N; (*event)++)
        if (strcmp(events[*event], name) == 0)
            return true;
    return false;
}

bool delivery_parse(struct view id, struct delivery *delivery)
{
    if (id.size == 0 || id.size >= DELIVERY_ID_MAX || memchr(id.data, '\0', id.size) != NULL)
        return false;
    g_autofree char *text = g_strndup(id.data, id.size);
    g_auto(GStrv) parts = g_strsplit(text, ".", 0);
    if (g_strv_length(parts) != 3 || !is_word(parts[0], sizeof delivery->alert) || !is_word(parts[2], sizeof delivery->channel))
        return false;
    g_strlcpy(delivery->alert, parts[0], sizeof delivery->alert);
    g_strlcpy(delivery->channel, parts[2], sizeof delivery->channel);
    return parse_event(parts[1], &delivery->event);
}

/* ---- tries ---- */

char *delivery_tries_write(const struct delivery_tries *tries)
{
    GString *out = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_count(&writer, "attempts", tries->attempts);
    writer_integer(&writer, "firstMs", tries->first_ms);
    writer_integer(&writer, "lastMs", tries->last_ms);
    writer_integer(&writer, "status", tries->status);
    writer_text(&writer, "lastError", view_of(tries->error));
    writer_end(&writer, '}');
    return g_string_free(out, FALSE);
}

static int64_t number(const json_t *object, const char *key, int64_t most)
{
    int64_t value = json_integer_value(json_object_get(object, key));
    return CLAMP(value, 0, most);
}

static void copy_error(char out[DELIVERY_ERROR_MAX], const char *text)
{
    const char *end;
    g_strlcpy(out, text != NULL ? text : "", DELIVERY_ERROR_MAX);
    g_utf8_validate(out, -1, &end); /* a letter that was cut in two goes */
    out[end - out] = '\0';
}

void delivery_tries_read(struct view json, struct delivery_tries *tries)
{
    *tries = (struct delivery_tries){0};
    json_t *object = json.size > 0 ? json_loadb(json.data, json.size, 0, NULL) : NULL;
    if (object == NULL)
        return;
    tries->attempts = (uint32_t)number(object, "attempts", DELIVERY_ATTEMPTS_MAX);
    tries->first_ms = number(object, "firstMs", INT64_MAX);
    tries->last_ms = number(object, "lastMs", INT64_MAX);
    tries->status = (int)number(object, "status", 999);
    tries->is_urgent = number(object, "urgent", 1) == 1;
    copy_error(tries->error, json_string_value(json_object_get(object, "lastError")));
    json_decref(object);
}

void delivery_tries_add(struct delivery_tries *tries, int64_t now_ms, int status, const char *error)
{
    if (tries->first_ms == 0)
        tries->first_ms = now_ms;
    tries->is_urgent = false;
    tries->attempts = MIN(tries->attempts + 1, (uint32_t)DELIVERY_ATTEMPTS_MAX);
    tries->last_ms = now_ms;
    tries->status = status;
    copy_error(tries->error, error);
}

/* ---- when next ---- */

int64_t delivery_backoff_ms(uint32_t attempts, int64_t least_ms, int64_t most_ms, uint32_t chance)
{
    int64_t base = least_ms;
    for (uint32_t n = 1; n < attempts && base < most_ms; n++)
        base *= 2;
    base = MIN(base, most_ms);
    int64_t spread = base / 2 * (int64_t)(chance % 1024) / 1023; /* 0 to a half of it */
    return CLAMP(base - base / 4 + spread, least_ms, most_ms);
}
