#include "api/sender.h"

#include "api/mail.h"
#include "api/notice.h"
#include "api/signature.h"

static int64_t now_ms(void)
{
    return g_get_real_time() / G_TIME_SPAN_MILLISECOND;
}

static bool refuse(struct outgoing_result *why, const char *sentence)
{
    *why = (struct outgoing_result){0};
    g_strlcpy(why->error, sentence, sizeof why->error);
    return false;
}

static GString *make_body(const struct sender_message *message, int64_t time_ms)
{
    if (message->alert == NULL)
        return notice_test_body(message->id, time_ms);
    return notice_body(message->alert, message->event, time_ms);
}

static bool send_webhook(const struct sender *sender, const struct channel *channel, const struct sender_message *message,
                         outgoing_done *done, void *opaque)
{
    char signature[SIGNATURE_SIZE];
    int64_t time_ms = now_ms();
    GString *body = make_body(message, time_ms);
    const char *event = message->alert != NULL ? notice_event_name(message->event) : NOTICE_TEST;
    signature_write(signature, channel->secret, time_ms / 1000, view_make(body->str, body->len));
    g_autofree char *event_header = g_strconcat("Daybook-Event: ", event, NULL);
    g_autofree char *id_header = g_strconcat("Daybook-Delivery: ", message->id, NULL);
    g_autofree char *signature_header = g_strconcat("Daybook-Signature: ", signature, NULL);
    const char *const headers[] = {"Content-Type: application/json", event_header, id_header, signature_header, NULL};
    outgoing_post(sender->outgoing, channel->target, headers, body, done, opaque);
    return true;
}

static bool send_mail(const struct sender *sender, const struct channel *channel, const struct sender_message *message,
                      outgoing_done *done, void *opaque)
{
    const struct alert *alert = message->alert;
    g_autofree char *subject = alert != NULL ? notice_subject(alert, message->event) : g_strdup("[Daybook] Test");
    g_autofree char *text = alert != NULL ? notice_text(alert, message->event, sender->public_url)
                                          : g_strdup("This is a test: alerts of Daybook arrive here.\n");
    const struct mail mail = {.from = sender->settings->mail_from,
                              .to = channel->target,
                              .id = message->id,
                              .time_ms = now_ms(),
                              .subject = subject,
                              .text = text};
    outgoing_mail(sender->outgoing, mail.to, mail_write(&mail), done, opaque);
    return true;
}

bool sender_send(const struct sender *sender, const struct channel *channel, const struct sender_message *message,
                 outgoing_done *done, void *opaque, struct outgoing_result *why)
{
    if (channel->kind == CHANNEL_WEBHOOK)
        return send_webhook(sender, channel, message, done, opaque);
    if (sender->settings->smtp_url[0] == '\0')
        return refuse(why, "No mail can be sent: alerts.smtp_url is not set.");
    if (!mail_address_is_valid(channel->target))
        return refuse(why, "The channel's address is none that mail can be sent to.");
    return send_mail(sender, channel, message, done, opaque);
}
