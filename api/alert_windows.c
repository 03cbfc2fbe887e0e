#include "api/alert_windows.h"

#include "lib/keys.h"
#include "lib/number.h"

/* ---- names ---- */

char *alert_windows_name(const struct limit_watch *watch, int64_t from_ms)
{
    return g_strdup_printf("%s%c%s %s %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, watch->key, KEYS_CLIENT_SEPARATOR,
                           watch->rule->metric, limit_period_name(watch->rule->period), from_ms, watch->rule->value);
}

/* The last word of a text, which becomes shorter by it and the blank before. */
static bool cut_word(struct view *text, struct view *word)
{
    size_t at = text->size;
    while (at > 0 && text->data[at - 1] != ' ')
        at--;
    if (at == 0)
        return false;
    *word = view_make(text->data + at, text->size - at);
    text->size = at - 1;
    return true;
}

bool alert_windows_end(struct view name, int64_t *to_ms)
{
    struct view limit, from, period;
    enum limit_period of;
    int64_t from_ms, begin_ms;
    if (!cut_word(&name, &limit) || !cut_word(&name, &from) || !cut_word(&name, &period) || !number_read_signed(from, &from_ms))
        return false;
    g_autofree char *text = g_strndup(period.data, period.size);
    if (!limit_period_parse(text, &of))
        return false;
    limit_window(of, from_ms, &begin_ms, to_ms);
    return true;
}

/* ---- windows ---- */

static bool is_there(const struct alert_window *window)
{
    return window->from_ms < window->to_ms;
}

static void begin(const struct alert_watcher *watcher, struct alert_window *window, GHashTable *levels)
{
    g_autofree char *name = alert_windows_name(watcher->watch, window->from_ms);
    window->most = ALERT_WINDOWS_UNKNOWN;
    window->raised = GPOINTER_TO_UINT(g_hash_table_lookup(levels, name));
}

static uint64_t counter_of(const struct alert_watcher *watcher, const struct alert_window *window)
{
    return window->is_over ? watcher->client->ended : watcher->client->all;
}

/* The current window is over. */
static void end(const struct alert_watcher *watcher, struct alert_window *window)
{
    window->most = alert_windows_most(watcher, window);
    window->is_over = true;
    window->counter = counter_of(watcher, window);
}

void alert_windows_roll(struct alert_watcher *watcher, GHashTable *levels, int64_t now_ms)
{
    struct alert_window *current = &watcher->windows[0], *last = &watcher->windows[1];
    int64_t from_ms, to_ms;
    enum limit_period period = watcher->watch->rule->period;
    limit_window(period, now_ms, &from_ms, &to_ms);
    if (is_there(last) && now_ms >= last->to_ms + ALERT_WINDOWS_LATE_MS)
        *last = (struct alert_window){0};
    if (is_there(current) && current->from_ms == from_ms)
        return;
    *last = *current;
    *current = (struct alert_window){.from_ms = from_ms, .to_ms = to_ms};
    begin(watcher, current, levels);
    if (now_ms >= from_ms + ALERT_WINDOWS_LATE_MS)
        *last = (struct alert_window){0};
    else if (is_there(last) && last->to_ms == from_ms)
        end(watcher, last);
    else {
        *last = (struct alert_window){.is_over = true};
        limit_window(period, from_ms - 1, &last->from_ms, &last->to_ms);
        begin(watcher, last, levels);
    }
}

void alert_windows_inherit(struct alert_watcher *watcher, const struct alert_watcher *before)
{
    memcpy(watcher->windows, before->windows, sizeof watcher->windows);
}

uint64_t alert_windows_most(const struct alert_watcher *watcher, const struct alert_window *window)
{
    if (window->most == ALERT_WINDOWS_UNKNOWN)
        return ALERT_WINDOWS_UNKNOWN;
    return window->most + (counter_of(watcher, window) - window->counter);
}

bool alert_windows_is_due(const struct alert_watcher *watcher, const struct alert_window *window)
{
    uint64_t next = alert_levels_next(&watcher->watch->levels, watcher->watch->rule->value, window->raised);
    return is_there(window) && next != UINT64_MAX && alert_windows_most(watcher, window) >= next;
}

void alert_windows_know(const struct alert_watcher *watcher, struct alert_window *window, uint64_t most)
{
    window->most = most;
    window->counter = counter_of(watcher, window);
}
