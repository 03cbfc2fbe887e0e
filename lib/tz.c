/* tz: a zone is a row of stretches of time, in each of which one type holds. Every question is a walk over them: the one that holds
 * an instant is found by bisection, each begins where the one before ends. */
#include "lib/tz.h"

#include "lib/civil.h"
#include "lib/tz_internal.h"

struct stretch {
    const struct tz_offset *type;
    int64_t end_s; /* or TZ_NEVER */
};

const char *tz_name(const struct tz *tz)
{
    return tz->name;
}

/* How many of the ascending times are not after t. */
static size_t count_until(const int64_t *times, size_t n, int64_t t)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (times[middle] <= t)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

/* By the rule: the 400 years that are worked out, turned to where t is. What the file lists last holds until the rule's first
 * change. */
static struct stretch rule_stretch(const struct tz *tz, int64_t t)
{
    if (tz->n_cycle == 0)
        return (struct stretch){&tz->types[tz->cycle_kind], TZ_NEVER};
    int64_t turned_s = civil_align(t - tz->cycle_s, TZ_CYCLE_S);
    size_t next = count_until(tz->cycle_times, tz->n_cycle, t - turned_s);
    uint16_t kind = tz->cycle_kinds[next > 0 ? next - 1 : tz->n_cycle - 1];
    if (next == 0 && turned_s == 0 && tz->n_times > 0)
        kind = tz->kinds[tz->n_times - 1];
    int64_t end_s = next < tz->n_cycle ? tz->cycle_times[next] : tz->cycle_times[0] + TZ_CYCLE_S;
    return (struct stretch){&tz->types[kind], end_s + turned_s};
}

static struct stretch stretch_at(const struct tz *tz, int64_t utc_s)
{
    int64_t t = CLAMP(utc_s, TZ_TIME_MIN_S, TZ_TIME_MAX_S);
    size_t next = count_until(tz->times, tz->n_times, t);
    struct stretch stretch = {&tz->types[next > 0 ? tz->kinds[next - 1] : 0], TZ_NEVER};
    if (next < tz->n_times)
        stretch.end_s = tz->times[next];
    else if (tz->has_rule)
        stretch = rule_stretch(tz, t);
    if (stretch.end_s > TZ_TIME_MAX_S)
        stretch.end_s = TZ_NEVER;
    return stretch;
}

struct tz_offset tz_at(const struct tz *tz, int64_t utc_s)
{
    return *stretch_at(tz, utc_s).type;
}

int64_t tz_next_change(const struct tz *tz, int64_t utc_s)
{
    return utc_s >= TZ_TIME_MAX_S ? TZ_NEVER : stretch_at(tz, utc_s).end_s;
}

int tz_from_local(const struct tz *tz, int64_t local_s, int64_t utc_s[2])
{
    int n = 0;
    int64_t first = 0, last = 0;
    if (local_s < TZ_TIME_MIN_S || local_s >= TZ_TIME_MAX_S)
        return 0;
    int64_t from = local_s - TZ_OFFSET_MAX_S;
    while (from <= local_s + TZ_OFFSET_MAX_S) {
        struct stretch stretch = stretch_at(tz, from);
        int64_t candidate = local_s - stretch.type->offset_s;
        if (candidate >= from && candidate < stretch.end_s) {
            first = n == 0 ? candidate : first;
            last = candidate;
            n = n == 0 ? 1 : 2;
        }
        from = stretch.end_s;
    }
    utc_s[0] = first;
    utc_s[1] = last;
    return n;
}

bool tz_day_start(const struct tz *tz, int64_t day, int64_t *utc_s)
{
    day = CLAMP(day, civil_divide(TZ_TIME_MIN_S, TZ_DAY_S), civil_divide(TZ_TIME_MAX_S, TZ_DAY_S));
    int64_t midnight = day * TZ_DAY_S;
    int64_t from = midnight - TZ_OFFSET_MAX_S; /* before that no clock shows midnight */
    for (;;) {
        struct stretch stretch = stretch_at(tz, from);
        int64_t shown = MAX(from, midnight - stretch.type->offset_s);
        if (shown < stretch.end_s) {
            *utc_s = shown;
            return shown + stretch.type->offset_s < midnight + TZ_DAY_S;
        }
        from = stretch.end_s;
    }
}

int64_t tz_day(const struct tz *tz, int64_t utc_s)
{
    return civil_divide(CLAMP(utc_s, TZ_TIME_MIN_S, TZ_TIME_MAX_S) + tz_at(tz, utc_s).offset_s, TZ_DAY_S);
}
