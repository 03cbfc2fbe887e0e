/* The bytes of a file of a time zone. What is read answers consistently: nothing changes before it is said to, wall clock times
 * lead back to where they came from, and days follow one another. */
#include "lib/tz.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, CHANGES_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static bool same(struct tz_offset a, struct tz_offset b)
{
    return a.offset_s == b.offset_s && a.dst == b.dst && strcmp(a.abbreviation, b.abbreviation) == 0;
}

static void check_instant(const struct tz *tz, int64_t utc_s)
{
    struct tz_offset at = tz_at(tz, utc_s);
    size_t length = strlen(at.abbreviation);
    int64_t change = tz_next_change(tz, utc_s), back[2] = {0}, start, next;
    check(abs(at.offset_s) <= TZ_OFFSET_MAX_S && length > 0 && length <= TZ_ABBREVIATION_MAX && change > utc_s);
    int64_t from = MAX(utc_s, TZ_TIME_MIN_S), middle = from + (MIN(change, TZ_TIME_MAX_S) - from) / 2;
    check(same(at, tz_at(tz, middle)) && same(at, tz_at(tz, change - 1)));
    if (utc_s < TZ_TIME_MIN_S + 2 * DAY_S || utc_s > TZ_TIME_MAX_S - 2 * DAY_S)
        return;
    int n = tz_from_local(tz, utc_s + at.offset_s, back);
    check(n >= 1 && n <= 2 && back[0] <= utc_s && back[1] >= utc_s && (n == 1) == (back[0] == back[1]));
    int64_t day = tz_day(tz, utc_s);
    check(tz_day_start(tz, day, &start) || start <= utc_s);
    tz_day_start(tz, day + 1, &next);
    check(start <= utc_s && start <= next && tz_day(tz, start) >= day && tz_day(tz, next) > day);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *copy = g_memdup2(data, MAX(size, 1)); /* of exactly this size, so that a byte too far is seen */
    g_autoptr(GError) error = NULL;
    struct tz *tz = tz_parse("Fuzz", copy, size, &error);
    check((tz == NULL) == (error != NULL));
    if (tz == NULL)
        return 0;
    static const int64_t any[] = {INT64_MIN,     TZ_TIME_MIN_S, -1, 0, INT64_C(1795132800), INT64_C(100000000000),
                                  TZ_TIME_MAX_S, INT64_MAX - 1};
    for (size_t i = 0; i < G_N_ELEMENTS(any); i++)
        check_instant(tz, any[i]);
    int64_t change = INT64_MIN;
    for (int i = 0; i < CHANGES_MAX && (change = tz_next_change(tz, change)) != TZ_NEVER; i++) {
        check_instant(tz, change - 1);
        check_instant(tz, change);
    }
    tz_free(tz);
    return 0;
}
