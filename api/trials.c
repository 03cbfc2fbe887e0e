#include "api/trials.h"

#include "api/registry_snapshot.h"

struct trial {
    struct trials *trials;
    struct channel *channel;
    char id[REGISTRY_ID_SIZE];
    outgoing_done *done;
    void *opaque;
};

struct trials {
    struct sender sender;
    GHashTable *under_way; /* struct trial */
    GMutex lock;
    GQueue added; /* struct trial, under lock, like the next */
    guint waiting;
};

static void trial_free(void *opaque)
{
    struct trial *trial = opaque;
    item_free(&channel_shape, trial->channel);
    g_free(trial);
}

struct trials *trials_new(const struct sender *sender)
{
    struct trials *trials = g_new0(struct trials, 1);
    trials->sender = *sender;
    trials->under_way = g_hash_table_new_full(NULL, NULL, trial_free, NULL);
    g_queue_init(&trials->added);
    g_mutex_init(&trials->lock);
    return trials;
}

void trials_free(struct trials *trials)
{
    const struct outgoing_result stopped = {.error = "daybook-api is being stopped."};
    GHashTableIter iter;
    void *key;
    if (trials == NULL)
        return;
    for (struct trial *trial; (trial = g_queue_pop_head(&trials->added)) != NULL;)
        g_hash_table_add(trials->under_way, trial);
    g_hash_table_iter_init(&iter, trials->under_way);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const struct trial *trial = key;
        trial->done(&stopped, trial->opaque);
    }
    g_hash_table_destroy(trials->under_way);
    g_mutex_clear(&trials->lock);
    g_free(trials);
}

/* "t-" and 32 hex digits, of which the id of the event is made. */
static struct trial *trial_new(struct trials *trials, const struct channel *channel, outgoing_done *done, void *opaque)
{
    struct trial *trial = g_new(struct trial, 1);
    *trial = (struct trial){.trials = trials, .channel = item_dup(&channel_shape, channel), .done = done, .opaque = opaque};
    registry_token_id(trial->id, 't');
    return trial;
}

bool trials_add(struct trials *trials, const struct channel *channel, outgoing_done *done, void *opaque)
{
    g_mutex_lock(&trials->lock);
    bool ok = trials->waiting < TRIALS_MAX;
    if (ok) {
        trials->waiting++;
        g_queue_push_tail(&trials->added, trial_new(trials, channel, done, opaque));
    }
    g_mutex_unlock(&trials->lock);
    return ok;
}

guint trials_waiting(struct trials *trials)
{
    g_mutex_lock(&trials->lock);
    guint waiting = trials->waiting;
    g_mutex_unlock(&trials->lock);
    return waiting;
}

static void ended(const struct outgoing_result *result, void *opaque)
{
    struct trial *trial = opaque;
    struct trials *trials = trial->trials;
    trial->done(result, trial->opaque);
    g_hash_table_remove(trials->under_way, trial);
    g_mutex_lock(&trials->lock);
    trials->waiting--;
    g_mutex_unlock(&trials->lock);
}

static struct trial *take(struct trials *trials)
{
    g_mutex_lock(&trials->lock);
    struct trial *trial = g_queue_pop_head(&trials->added);
    g_mutex_unlock(&trials->lock);
    return trial;
}

void trials_begin(struct trials *trials)
{
    for (struct trial *trial; (trial = take(trials)) != NULL;) {
        struct outgoing_result why;
        const struct sender_message message = {.id = trial->id};
        g_hash_table_add(trials->under_way, trial);
        if (!sender_send(&trials->sender, trial->channel, &message, ended, trial, &why))
            ended(&why, trial);
    }
}
