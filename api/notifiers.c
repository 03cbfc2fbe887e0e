#include "api/notifiers.h"

#include "lib/civil.h"

struct notifiers {
    struct notifier *webhooks, *mail;
    char *public_url;
};

static enum outgoing_tls tls_of(const struct config *config)
{
    const char *name = config_string(config, "alerts.smtp_tls");
    if (strcmp(name, "never") == 0)
        return OUTGOING_TLS_NEVER;
    return strcmp(name, "always") == 0 ? OUTGOING_TLS_ALWAYS : OUTGOING_TLS_TRY;
}

static struct outgoing_settings outgoing_settings_of(const struct config *config)
{
    return (struct outgoing_settings){
        .timeout_ms = (int)config_int(config, "alerts.timeout_s") * 1000,
        .allow_private = config_bool(config, "alerts.allow_private"),
        .smtp_url = config_string(config, "alerts.smtp_url"),
        .smtp_user = config_string(config, "alerts.smtp_user"),
        .smtp_password = config_string(config, "alerts.smtp_password"),
        .mail_from = config_string(config, "alerts.mail_from"),
        .smtp_tls = tls_of(config),
    };
}

static char *without_slashes(const char *url)
{
    char *copy = g_strdup(url);
    for (size_t size = strlen(copy); size > 0 && copy[size - 1] == '/'; size--)
        copy[size - 1] = '\0';
    return copy;
}

struct notifiers *notifiers_start(const struct config *config, const struct redis_settings *redis, struct registry *registry,
                                  struct metrics *metrics)
{
    struct notifiers *notifiers = g_new0(struct notifiers, 1);
    notifiers->public_url = without_slashes(config_string(config, "alerts.public_url"));
    struct notifier_settings settings = {
        .kind = CHANNEL_WEBHOOK,
        .redis = *redis,
        .outgoing = outgoing_settings_of(config),
        .public_url = notifiers->public_url,
        .parallel = (guint)config_int(config, "alerts.deliveries_parallel"),
        .retry_least_ms = config_int(config, "alerts.retry_first_s") * 1000,
        .retry_most_ms = config_int(config, "alerts.retry_most_s") * 1000,
        .retry_for_ms = config_int(config, "alerts.retry_for_s") * 1000,
        .dead_max = (uint32_t)config_int(config, "alerts.dead_max"),
        .dead_keep_ms = config_int(config, "alerts.keep_days") * CIVIL_DAY_MS,
    };
    notifiers->webhooks = notifier_start(&settings, registry, metrics);
    settings.kind = CHANNEL_EMAIL;
    notifiers->mail = notifier_start(&settings, registry, metrics);
    return notifiers;
}

void notifiers_stop(struct notifiers *notifiers)
{
    if (notifiers == NULL)
        return;
    notifier_stop(notifiers->webhooks);
    notifier_stop(notifiers->mail);
    g_free(notifiers->public_url);
    g_free(notifiers);
}

bool notifiers_test(struct notifiers *notifiers, const struct channel *channel, outgoing_done *done, void *opaque)
{
    return notifier_test(channel->kind == CHANNEL_WEBHOOK ? notifiers->webhooks : notifiers->mail, channel, done, opaque);
}
