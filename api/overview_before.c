#include "api/overview_before.h"

static void before_free(struct live_kept *kept)
{
    struct overview_before *before = (struct overview_before *)(void *)kept;
    live_clear(&before->live);
    g_free(before);
}

void overview_before_release(struct overview_before *before)
{
    if (before != NULL)
        live_kept_unref(&before->kept);
}

/* What is NULL is not what is "". */
static void append(GString *key, const char *text)
{
    g_string_append_printf(key, "%c%s\x1e", text != NULL ? '=' : '-', text != NULL ? text : "");
}

static char *key_of(const struct live_question *question)
{
    GString *key = g_string_new("before\x1e");
    append(key, question->scope.organization);
    append(key, question->scope.key);
    g_string_append_printf(key, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, question->range->from_ms, question->range->to_ms);
    return g_string_free(key, FALSE);
}

static size_t size_of(const struct live *live)
{
    return sizeof(struct overview_before) + usage_table_bytes(live->table) + live->window.n_points * sizeof(int64_t);
}

/* NULL: it must be read. */
static struct overview_before *recall(struct live_cache *cache, const char *key)
{
    struct overview_before *before = (struct overview_before *)(void *)live_cache_take(cache, key);
    if (before != NULL && g_get_monotonic_time() - before->read_us < OVERVIEW_BEFORE_MS * G_TIME_SPAN_MILLISECOND)
        return before;
    overview_before_release(before);
    return NULL;
}

enum live_outcome overview_before_take(struct overview_before **before, const struct live_question *question,
                                       struct refusal *refusal, GError **error)
{
    g_autofree char *key = key_of(question);
    g_assert(question->range != NULL && question->scope.endpoints == NULL);
    *before = recall(question->sources->cache, key);
    if (*before != NULL)
        return LIVE_ANSWERED;
    struct overview_before *fresh = g_new0(struct overview_before, 1);
    fresh->read_us = g_get_monotonic_time();
    enum live_outcome outcome = live_read(&fresh->live, question, refusal, error);
    if (outcome != LIVE_ANSWERED) {
        g_free(fresh);
        return outcome;
    }
    live_kept_init(&fresh->kept, size_of(&fresh->live), before_free);
    live_cache_put(question->sources->cache, key, &fresh->kept);
    *before = fresh;
    return LIVE_ANSWERED;
}
