#include "api/alert_levels.h"

#include "lib/number.h"

GQuark alert_levels_error_quark(void);

GQuark alert_levels_error_quark(void)
{
    return g_quark_from_static_string("daybook-alert-levels-error");
}

static bool refuse(GError **error, const char *item)
{
    g_set_error(error, alert_levels_error_quark(), 0,
                "alerts.levels: '%s' is not a level. Allowed: 1 to %d whole percents from 1 to %d, ascending, separated by ';'.",
                item, LIMIT_LEVELS_MAX, LIMIT_LEVEL_MAX);
    return false;
}

bool alert_levels_parse(struct alert_levels *levels, const char *const *items, GError **error)
{
    *levels = (struct alert_levels){.n = 0};
    for (; *items != NULL; items++) {
        uint64_t level;
        uint32_t before = levels->n > 0 ? levels->list[levels->n - 1] : 0;
        if (levels->n == LIMIT_LEVELS_MAX || !number_read(view_of(*items), &level) || level <= before || level > LIMIT_LEVEL_MAX)
            return refuse(error, *items);
        levels->list[levels->n++] = (uint32_t)level;
    }
    return levels->n > 0 || refuse(error, "");
}

struct alert_levels alert_levels_of(const struct limit_rule *rule, const struct alert_levels *others)
{
    struct alert_levels own = {.n = rule->n_levels};
    if (rule->n_levels == 0)
        return *others;
    memcpy(own.list, rule->levels, sizeof own.list);
    return own;
}

uint64_t alert_levels_count(uint64_t limit, uint32_t level)
{
    uint64_t product = limit * level;
    return product / 100 + (product % 100 != 0);
}

uint32_t alert_levels_reached(const struct alert_levels *levels, uint64_t limit, uint64_t count)
{
    uint32_t reached = 0;
    for (size_t i = 0; i < levels->n && count >= alert_levels_count(limit, levels->list[i]); i++)
        reached = levels->list[i];
    return reached;
}

uint64_t alert_levels_next(const struct alert_levels *levels, uint64_t limit, uint32_t above)
{
    for (size_t i = 0; i < levels->n; i++)
        if (levels->list[i] > above)
            return alert_levels_count(limit, levels->list[i]);
    return UINT64_MAX;
}
