/* Ids and secrets are drawn before the job is handed over: it may run twice, and makes the same channel then. */
#include "api/admin_channels.h"

#include "api/admin_items.h"

static void set_text(void *channel, const char *field, const char *text)
{
    bool ok = item_take_text(item_field_named(&channel_shape, field), channel, text);
    g_assert(ok);
}

static void submit(struct admin_job *job, bool ok, struct refusal *refusal)
{
    if (ok)
        admin_job_submit(job);
    else
        admin_job_refuse(job, refusal);
}

void admin_channels_create_handle(struct admin_route *route, struct call *call)
{
    struct refusal refusal = {0};
    struct admin_job *job = admin_job_new(route, call, 0, admin_items_answer_put);
    if (job == NULL)
        return;
    job->kind = admin_kind_at(http_request_path(call->request));
    job->is_new = true;
    channel_id_make(CHANNEL_WEBHOOK, job->part);
    bool ok = admin_items_take(job, &refusal);
    const struct channel *channel = job->item;
    if (ok && channel->kind == CHANNEL_WEBHOOK) {
        channel_secret_make(job->secret);
        set_text(job->item, "secret", job->secret);
    } else if (ok) {
        channel_id_make(CHANNEL_EMAIL, job->part);
        set_text(job->item, "id", job->part);
    }
    submit(job, ok, &refusal);
}

/* ---- a new secret ---- */

static void decide_secret(struct registry_change *change, void *opaque)
{
    struct admin_job *job = opaque;
    const struct channel *channel = admin_items_find_own(job, change->snapshot, job->refusal);
    if (channel == NULL)
        return;
    if (channel->kind != CHANNEL_WEBHOOK) {
        refusal_set(job->refusal, 409, "CONFLICT", "Only a webhook has a secret; '%s' is an address for mail.", job->part);
        return;
    }
    admin_items_keep(job, item_dup(&channel_shape, channel));
    set_text(job->done, "secret", job->secret);
    registry_put(change, REGISTRY_CHANNELS, job->done);
}

static bool answer_secret(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error)
{
    if (!admin_job_change(job, reader, decide_secret, refusal, error))
        return false;
    admin_items_log(job, "secret_changed");
    admin_items_write(job, true);
    return true;
}

void admin_channels_secret_handle(struct admin_route *route, struct call *call)
{
    struct admin_job *job = admin_job_new(route, call, 0, answer_secret);
    if (job == NULL)
        return;
    job->kind = admin_kind_at(http_request_path(call->request));
    channel_secret_make(job->secret);
    admin_job_submit(job);
}
