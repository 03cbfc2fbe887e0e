#include "api/hot_answers.h"

enum {
    PERIOD_US = HOT_ANSWERS_PERIOD_MS * 1000,
    COOL_US = HOT_ANSWERS_COOL_MS * 1000,
    ANEW_US = HOT_ANSWERS_ANEW_MS * 1000,
    AGE_MAX_US = HOT_ANSWERS_AGE_MAX_MS * 1000
};

struct entry {
    GList link; /* data is the entry; in the order, the one asked last at the head */
    char *question;
    int64_t period_us; /* asked so often since then */
    guint asked;
    int64_t hot_until_us;
    struct hot_answer *answer; /* or NULL */
    int64_t began_us;          /* of the answer */
    int64_t sent_us;           /* when one was last sent to read it */
};

struct hot_answers {
    GMutex lock;
    GHashTable *entries; /* question -> struct entry; under lock, like the next */
    GQueue order;
};

static void entry_free(void *opaque)
{
    struct entry *entry = opaque;
    hot_answer_release(entry->answer);
    g_free(entry->question);
    g_free(entry);
}

struct hot_answers *hot_answers_new(void)
{
    struct hot_answers *hot = g_new0(struct hot_answers, 1);
    g_mutex_init(&hot->lock);
    hot->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    g_queue_init(&hot->order);
    return hot;
}

void hot_answers_free(struct hot_answers *hot)
{
    if (hot == NULL)
        return;
    g_hash_table_destroy(hot->entries);
    g_mutex_clear(&hot->lock);
    g_free(hot);
}

void hot_answer_release(struct hot_answer *answer)
{
    if (answer != NULL && g_atomic_int_dec_and_test(&answer->users))
        g_free(answer);
}

static struct hot_answer *make_answer(struct view body)
{
    struct hot_answer *answer = g_malloc(sizeof *answer + body.size);
    char *copy = (char *)(answer + 1);
    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    answer->users = 1;
    answer->body = view_make(copy, body.size);
    etag_of(answer->body, false, answer->etag);
    etag_of(answer->body, true, answer->gzip_etag);
    return answer;
}

/* The question's entry, in front of the others. */
static struct entry *entry_of(struct hot_answers *hot, const char *question)
{
    struct entry *entry = g_hash_table_lookup(hot->entries, question);
    if (entry != NULL) {
        g_queue_unlink(&hot->order, &entry->link);
        g_queue_push_head_link(&hot->order, &entry->link);
        return entry;
    }
    if (g_hash_table_size(hot->entries) == HOT_ANSWERS_QUESTIONS) {
        struct entry *oldest = g_queue_peek_tail(&hot->order);
        g_queue_unlink(&hot->order, &oldest->link);
        g_hash_table_remove(hot->entries, oldest->question);
    }
    entry = g_new0(struct entry, 1);
    entry->link.data = entry;
    entry->question = g_strdup(question);
    entry->period_us = entry->hot_until_us = entry->sent_us = G_MININT64 / 2;
    g_hash_table_insert(hot->entries, entry->question, entry);
    g_queue_push_head_link(&hot->order, &entry->link);
    return entry;
}

static bool is_hot(struct entry *entry, int64_t now_us)
{
    if (now_us - entry->period_us >= PERIOD_US) {
        entry->asked = 0;
        entry->period_us = now_us;
    }
    entry->asked++;
    if (entry->asked >= HOT_ANSWERS_ASKED)
        entry->hot_until_us = now_us + COOL_US;
    return now_us < entry->hot_until_us;
}

/* Whether this asker is to read the answer anew, for all. */
static bool is_sent(struct entry *entry, int64_t now_us)
{
    if ((entry->answer != NULL && now_us - entry->began_us < ANEW_US) || now_us - entry->sent_us < ANEW_US)
        return false;
    entry->sent_us = now_us;
    return true;
}

struct hot_answer *hot_answers_take(struct hot_answers *hot, const char *question, int64_t now_us, bool *keep)
{
    struct hot_answer *answer = NULL;
    g_mutex_lock(&hot->lock);
    struct entry *entry = entry_of(hot, question);
    bool wanted = is_hot(entry, now_us);
    *keep = wanted && is_sent(entry, now_us);
    if (wanted && !*keep && entry->answer != NULL && now_us - entry->began_us < AGE_MAX_US) {
        answer = entry->answer;
        g_atomic_int_inc(&answer->users);
    }
    g_mutex_unlock(&hot->lock);
    return answer;
}

void hot_answers_put(struct hot_answers *hot, const char *question, struct view body, int64_t began_us)
{
    if (body.size > HOT_ANSWERS_SIZE_MAX)
        return;
    struct hot_answer *old = make_answer(body);
    g_mutex_lock(&hot->lock);
    struct entry *entry = entry_of(hot, question);
    if (entry->answer == NULL || entry->began_us < began_us) {
        struct hot_answer *fresh = old;
        old = entry->answer;
        entry->answer = fresh;
        entry->began_us = began_us;
    }
    g_mutex_unlock(&hot->lock);
    hot_answer_release(old);
}
