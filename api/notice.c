#include "api/notice.h"

#include "lib/civil.h"

static const char *const names[DELIVERY_EVENT_N] = {[DELIVERY_RAISED] = "alert.raised", [DELIVERY_RECOVERED] = "alert.recovered"};

const char *notice_event_name(enum delivery_event event)
{
    return names[event];
}

/* ---- webhooks ---- */

static void begin(struct writer *writer, GString *out, const char *id, const char *event)
{
    writer_init(writer, out);
    writer_begin(writer, NULL, '{');
    writer_text(writer, "id", view_of(id));
    writer_text(writer, "event", view_of(event));
}

static GString *end(struct writer *writer, int64_t now_ms)
{
    writer_time_ms(writer, "sentAt", now_ms);
    writer_end(writer, '}');
    return writer->out;
}

GString *notice_body(const struct alert *alert, enum delivery_event event, int64_t now_ms)
{
    struct writer writer;
    g_autofree char *id = g_strdup_printf("%s.%s", alert->id, delivery_event_name(event));
    begin(&writer, g_string_new(NULL), id, names[event]);
    alert_write(&writer, "alert", alert);
    return end(&writer, now_ms);
}

GString *notice_test_body(const char *id, int64_t now_ms)
{
    struct writer writer;
    begin(&writer, g_string_new(NULL), id, NOTICE_TEST);
    writer_null(&writer, "alert");
    return end(&writer, now_ms);
}

/* ---- mail ---- */

char *notice_subject(const struct alert *alert, enum delivery_event event)
{
    const char *recovered = event == DELIVERY_RECOVERED ? "Recovered: " : "";
    if (alert->kind == ALERT_SYSTEM)
        return g_strdup_printf("[Daybook] %s%s: %s", recovered, alert->type, alert->subject);
    return g_strdup_printf("[Daybook] %s%s at %u %% of its %s limit", recovered, alert->client, alert->level,
                           limit_period_name(alert->period));
}

static void append_time(GString *out, const char *name, int64_t time_ms)
{
    char text[CIVIL_TEXT_MAX];
    civil_format(text, time_ms);
    g_string_append_printf(out, "%-14s%s\n", name, text);
}

static void append_limit(GString *out, const struct alert *alert)
{
    char from[CIVIL_TEXT_MAX], to[CIVIL_TEXT_MAX];
    civil_format(from, alert->from_ms);
    civil_format(to, alert->to_ms);
    g_string_append_printf(out,
                           "Client:       %s\nOrganization: %s\nMetric:       %s\nWindow:       %s, from %s to %s\n"
                           "Limit:        %" G_GUINT64_FORMAT "\nValue:        %" G_GUINT64_FORMAT "\nLevel:        %u %%\n",
                           alert->client, alert->organization, alert->metric, limit_period_name(alert->period), from, to,
                           alert->limit, alert->value, alert->level);
}

char *notice_text(const struct alert *alert, enum delivery_event event, const char *public_url)
{
    GString *out = g_string_new(NULL);
    g_autofree char *sentence = alert_sentence(alert);
    g_string_append_printf(out, "%s%s\n\n", event == DELIVERY_RECOVERED ? "It is over: " : "", sentence);
    if (alert->kind == ALERT_SYSTEM)
        g_string_append_printf(out, "Condition:    %s\nSubject:      %s\n", alert->type, alert->subject);
    else
        append_limit(out, alert);
    append_time(out, "Raised:", alert->created_ms);
    if (alert->recovered_ms != 0)
        append_time(out, "Recovered:", alert->recovered_ms);
    g_string_append_printf(out, "Alert:        %s\n", alert->id);
    if (public_url[0] != '\0')
        g_string_append_printf(out, "\n%s/api/v2/usage/alerts/%s\n", public_url, alert->id);
    return g_string_free(out, FALSE);
}
