/* Files made here by hand, and what their footers say. Every zone of the system is compared with another reader in
 * tests/system/test_tz.py. */
#include "lib/tz.h"

#include "lib/civil.h"
#include <string.h>

enum { HOUR = 3600, DAY = 86400 };

/* ---- a file ---- */

struct sample {
    char version; /* '\0', '2', … */
    int n_times;
    int64_t times[4];
    uint8_t kinds[4];
    int n_types;
    struct {
        int32_t offset_s;
        uint8_t dst, at;
    } types[4];
    const char *letters; /* abbreviations, each ends with '|' */
    uint32_t n_leap;
    const char *footer; /* NULL: none, not even its line ends */
};

static void put(GByteArray *bytes, uint64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        g_byte_array_append(bytes, &byte, 1);
    }
}

static void put_text(GByteArray *bytes, const char *text)
{
    g_byte_array_append(bytes, (const guint8 *)text, (guint)strlen(text));
}

static void put_header(GByteArray *bytes, char version, const uint32_t counts[6])
{
    put_text(bytes, "TZif");
    put(bytes, (uint8_t)version, 1);
    put(bytes, 0, 8);
    put(bytes, 0, 7);
    for (int i = 0; i < 6; i++)
        put(bytes, counts[i], 4);
}

static void put_block(GByteArray *bytes, const struct sample *sample, int time_size)
{
    uint32_t counts[6] = {
        0, 0, sample->n_leap, (uint32_t)sample->n_times, (uint32_t)sample->n_types, (uint32_t)strlen(sample->letters)};
    put_header(bytes, sample->version, counts);
    for (int i = 0; i < sample->n_times; i++)
        put(bytes, (uint64_t)sample->times[i], time_size);
    g_byte_array_append(bytes, sample->kinds, (guint)sample->n_times);
    for (int i = 0; i < sample->n_types; i++) {
        put(bytes, (uint32_t)sample->types[i].offset_s, 4);
        put(bytes, sample->types[i].dst, 1);
        put(bytes, sample->types[i].at, 1);
    }
    for (const char *letter = sample->letters; *letter; letter++)
        put(bytes, *letter == '|' ? 0 : (uint8_t)*letter, 1);
    for (uint32_t i = 0; i < sample->n_leap; i++) {
        put(bytes, i, time_size);
        put(bytes, 1, 4);
    }
}

static GByteArray *sample_bytes(const struct sample *sample)
{
    static const uint32_t least[6] = {0, 0, 0, 0, 1, 4}; /* what is written where the first block is not meant to be read */
    GByteArray *bytes = g_byte_array_new();
    if (sample->version == '\0') {
        put_block(bytes, sample, 4);
        return bytes;
    }
    put_header(bytes, sample->version, least);
    put(bytes, 0, 6);
    put_text(bytes, "AAA");
    put(bytes, 0, 1);
    put_block(bytes, sample, 8);
    if (sample->footer != NULL) {
        put_text(bytes, "\n");
        put_text(bytes, sample->footer);
        put_text(bytes, "\n");
    }
    return bytes;
}

static struct tz *sample_parse(const struct sample *sample, GError **error)
{
    g_autoptr(GByteArray) bytes = sample_bytes(sample);
    g_autofree void *copy = g_memdup2(bytes->data, bytes->len); /* of exactly this size, so that a byte too far is seen */
    return tz_parse("Test/Zone", copy, bytes->len, error);
}

static struct tz *of_sample(const struct sample *sample)
{
    g_autoptr(GError) error = NULL;
    struct tz *tz = sample_parse(sample, &error);
    g_assert_no_error(error);
    return tz;
}

/* No transitions, so that the footer holds for all time; the type is any. */
static struct sample of_footer(const char *footer)
{
    return (struct sample){.version = '3', .n_types = 1, .letters = "UTC|", .footer = footer};
}

static void refused(const struct sample *sample, const char *why)
{
    g_autoptr(GError) error = NULL;
    struct tz *tz = sample_parse(sample, &error);
    g_assert_null(tz);
    g_assert_error(error, TZ_ERROR, TZ_ERROR_DAMAGED);
    g_assert_nonnull(strstr(error->message, "Test/Zone"));
    if (strstr(error->message, why) == NULL)
        g_error("%s: %s", why, error->message);
}

static int64_t utc(int year, int month, int day, int64_t s)
{
    return civil_day((struct civil_date){year, month, day}) * DAY + s;
}

static void assert_at(const struct tz *tz, int64_t utc_s, int32_t offset_s, bool dst, const char *abbreviation)
{
    struct tz_offset at = tz_at(tz, utc_s);
    g_assert_cmpint(at.offset_s, ==, offset_s);
    g_assert_cmpint(at.dst, ==, dst);
    g_assert_cmpstr(at.abbreviation, ==, abbreviation);
}

/* ---- files ---- */

static struct sample two_transitions(char version, const char *footer)
{
    return (struct sample){
        .version = version,
        .n_times = 2,
        .times = {1000000, 2000000},
        .kinds = {1, 2},
        .n_types = 3,
        .types = {{-2670, 0, 0}, {7200, 1, 4}, {3600, 0, 9}},
        .letters = "LMT|CEST|CET|",
        .footer = footer,
    };
}

static void test_versions(void)
{
    static const char versions[] = {'\0', '2', '3', '4', '5'};
    for (size_t i = 0; i < sizeof versions; i++) {
        struct sample sample = two_transitions(versions[i], "CET-1");
        struct tz *tz = of_sample(&sample);
        g_assert_cmpstr(tz_name(tz), ==, "Test/Zone");
        assert_at(tz, INT64_MIN, -2670, false, "LMT");
        assert_at(tz, 999999, -2670, false, "LMT");
        assert_at(tz, 1000000, 7200, true, "CEST");
        assert_at(tz, 1999999, 7200, true, "CEST");
        assert_at(tz, 2000000, 3600, false, "CET");
        assert_at(tz, INT64_MAX, 3600, false, "CET");
        g_assert_cmpint(tz_next_change(tz, INT64_MIN), ==, 1000000);
        g_assert_cmpint(tz_next_change(tz, 1000000), ==, 2000000);
        g_assert_cmpint(tz_next_change(tz, 2000000), ==, TZ_NEVER);
        tz_free(tz);
    }
}

static void test_before_1970(void)
{
    struct sample sample = two_transitions('2', "CET-1");
    sample.times[0] = -(INT64_C(1) << 59);
    sample.times[1] = -2147483649; /* does not fit 32 bits */
    struct tz *tz = of_sample(&sample);
    assert_at(tz, INT64_MIN, 7200, true, "CEST");
    assert_at(tz, -2147483650, 7200, true, "CEST");
    assert_at(tz, -2147483649, 3600, false, "CET");
    tz_free(tz);
    sample.version = '\0';
    sample.times[0] = INT32_MIN;
    sample.times[1] = -1;
    tz = of_sample(&sample);
    assert_at(tz, -2, 7200, true, "CEST");
    assert_at(tz, -1, 3600, false, "CET");
    tz_free(tz);
}

static void test_no_footer_text(void)
{
    struct sample sample = two_transitions('2', "");
    struct tz *tz = of_sample(&sample);
    assert_at(tz, INT64_MAX, 3600, false, "CET");
    tz_free(tz);
    sample.n_times = 0;
    tz = of_sample(&sample);
    assert_at(tz, 0, -2670, false, "LMT");
    g_assert_cmpint(tz_next_change(tz, 0), ==, TZ_NEVER);
    tz_free(tz);
}

static void test_damaged(void)
{
    struct sample sample = two_transitions('2', "CET-1");
    struct sample wrong = sample;
    wrong.n_leap = 1;
    refused(&wrong, "leap seconds");
    wrong = sample, wrong.times[1] = wrong.times[0];
    refused(&wrong, "not in order");
    wrong = sample, wrong.times[1] = TZ_TIME_MAX_S + 1;
    refused(&wrong, "9999");
    wrong = sample, wrong.kinds[0] = 3;
    refused(&wrong, "a type that it does not have");
    wrong = sample, wrong.types[1].offset_s = 93600;
    refused(&wrong, "out of range");
    wrong = sample, wrong.types[1].offset_s = INT32_MIN;
    refused(&wrong, "out of range");
    wrong = sample, wrong.types[1].dst = 2;
    refused(&wrong, "out of range");
    wrong = sample, wrong.types[1].at = 13;
    refused(&wrong, "abbreviation");
    wrong = sample, wrong.types[1].at = 3;
    refused(&wrong, "abbreviation");
    wrong = sample, wrong.letters = "LMT|CE\"T|CET|";
    refused(&wrong, "abbreviation");
    wrong = sample, wrong.letters = "LMT|CEST|CETT";
    refused(&wrong, "abbreviation");
    wrong = sample, wrong.n_types = 0;
    refused(&wrong, "no types");
    wrong = sample, wrong.footer = NULL;
    refused(&wrong, "footer is missing");
    wrong = sample, wrong.footer = "EET-2";
    refused(&wrong, "contradicts");
}

/* Cut anywhere, or with any byte changed: an error, or a zone that answers. */
static void test_every_byte(void)
{
    struct sample sample = two_transitions('2', "CET-1CEST,M3.5.0,M10.5.0/3");
    g_autoptr(GByteArray) bytes = sample_bytes(&sample);
    for (guint size = 0; size < bytes->len; size++) {
        g_autofree void *copy = g_memdup2(bytes->data, MAX(size, 1));
        g_autoptr(GError) error = NULL;
        g_assert_null(tz_parse("Test/Zone", copy, size, &error));
        g_assert_error(error, TZ_ERROR, TZ_ERROR_DAMAGED);
    }
    for (guint i = 0; i < bytes->len; i++) {
        g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);
        copy[i] ^= (uint8_t)(1 << g_random_int_range(0, 8));
        g_autoptr(GError) error = NULL;
        struct tz *tz = tz_parse("Test/Zone", copy, bytes->len, &error);
        g_assert_true((tz == NULL) == (error != NULL));
        if (tz != NULL)
            g_assert_nonnull(tz_at(tz, 0).abbreviation);
        tz_free(tz);
    }
    g_autofree void *large = g_malloc0(TZ_FILE_MAX + 1);
    memcpy(large, bytes->data, bytes->len);
    g_assert_null(tz_parse("Test/Zone", large, TZ_FILE_MAX + 1, NULL));
    struct tz *tz = tz_parse("Test/Zone", large, TZ_FILE_MAX, NULL); /* what follows the footer is ignored */
    g_assert_nonnull(tz);
    tz_free(tz);
}

/* ---- footers ---- */

struct change {
    int64_t at;
    int32_t offset_s;
    bool dst;
    const char *abbreviation;
};

/* From before the first, and between them, nothing else changes. */
static void follows(const char *footer, const struct change *changes, size_t n)
{
    struct sample sample = of_footer(footer);
    struct tz *tz = of_sample(&sample);
    for (size_t i = 0; i < n; i++) {
        assert_at(tz, changes[i].at, changes[i].offset_s, changes[i].dst, changes[i].abbreviation);
        if (i == 0)
            continue;
        g_assert_cmpint(tz_next_change(tz, changes[i - 1].at), ==, changes[i].at);
        g_assert_cmpint(tz_next_change(tz, changes[i].at - 1), ==, changes[i].at);
        assert_at(tz, changes[i].at - 1, changes[i - 1].offset_s, changes[i - 1].dst, changes[i - 1].abbreviation);
        if (changes[i].at == TZ_NEVER)
            continue;
        /* 400 years repeat themselves, both ways */
        int64_t far = changes[i].at + INT64_C(146097) * DAY * (i % 2 ? 19 : -4);
        assert_at(tz, far, changes[i].offset_s, changes[i].dst, changes[i].abbreviation);
        assert_at(tz, far - 1, changes[i - 1].offset_s, changes[i - 1].dst, changes[i - 1].abbreviation);
    }
    tz_free(tz);
}
#define FOLLOWS(footer, ...)                               \
    do {                                                   \
        const struct change changes_[] = {__VA_ARGS__};    \
        follows(footer, changes_, G_N_ELEMENTS(changes_)); \
    } while (0)

static void test_rules(void)
{
    FOLLOWS("EST5EDT,M3.2.0,M11.1.0", {utc(2026, 1, 1, 0), -5 * HOUR, false, "EST"},
            {utc(2026, 3, 8, 7 * HOUR), -4 * HOUR, true, "EDT"}, {utc(2026, 11, 1, 6 * HOUR), -5 * HOUR, false, "EST"},
            {utc(2027, 3, 14, 7 * HOUR), -4 * HOUR, true, "EDT"});
    /* the south; half an hour of daylight saving */
    FOLLOWS("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", {utc(2026, 1, 1, 0), 11 * HOUR, true, "+11"},
            {utc(2026, 4, 4, 15 * HOUR), 37800, false, "+1030"}, {utc(2026, 10, 3, 15 * HOUR + 1800), 11 * HOUR, true, "+11"},
            {utc(2027, 4, 3, 15 * HOUR), 37800, false, "+1030"});
    /* daylight saving that is negative: winter */
    FOLLOWS("IST-1GMT0,M10.5.0,M3.5.0/1", {utc(2026, 1, 1, 0), 0, true, "GMT"}, {utc(2026, 3, 29, HOUR), HOUR, false, "IST"},
            {utc(2026, 10, 25, HOUR), 0, true, "GMT"}, {utc(2027, 3, 28, HOUR), HOUR, false, "IST"});
    /* times before and beyond the day */
    FOLLOWS("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", {utc(2026, 1, 1, 0), -2 * HOUR, false, "-02"},
            {utc(2026, 3, 29, HOUR), -HOUR, true, "-01"}, {utc(2026, 10, 25, HOUR), -2 * HOUR, false, "-02"});
    FOLLOWS("EET-2EEST,M3.4.4/50,M10.4.4/50", {utc(2026, 1, 1, 0), 2 * HOUR, false, "EET"},
            {utc(2026, 3, 28, 0), 3 * HOUR, true, "EEST"}, {utc(2026, 10, 23, 23 * HOUR), 2 * HOUR, false, "EET"});
    FOLLOWS("AAA0BBB,M1.5.0/-167,M12.5.6/167", {utc(2026, 12, 1, 0), HOUR, true, "BBB"},
            {utc(2027, 1, 1, 22 * HOUR), 0, false, "AAA"}, {utc(2027, 1, 24, HOUR), HOUR, true, "BBB"});
    FOLLOWS("AAA0BBB,M1.1.0/-167,M6.1.0/0", {utc(2026, 12, 1, 0), 0, false, "AAA"}, {utc(2026, 12, 27, HOUR), HOUR, true, "BBB"},
            {utc(2027, 6, 5, 23 * HOUR), 0, false, "AAA"});
    FOLLOWS("AAA0BBB,M1.1.0/-167,M12.5.6/167", {utc(2026, 12, 1, 0), HOUR, true, "BBB"},
            {TZ_NEVER, HOUR, true, "BBB"}); /* overlap */
    /* no hour given: 2 o'clock; the offset of daylight saving: one hour more; seconds; a sign */
    FOLLOWS("AAA+1:02:03BBB,100,200", {utc(2026, 1, 1, 0), -3723, false, "AAA"}, {utc(2026, 4, 11, 7200 + 3723), -123, true, "BBB"},
            {utc(2026, 7, 20, 7200 + 123), -3723, false, "AAA"});
}

static void test_rule_days(void)
{
    /* J60 is 1 March whatever the year, 60 is 29 February + 1 in a leap year only */
    FOLLOWS("AAA0BBB,J59/0,J60/0", {utc(2024, 1, 1, 0), 0, false, "AAA"}, {utc(2024, 2, 28, 0), HOUR, true, "BBB"},
            {utc(2024, 2, 29, 23 * HOUR), 0, false, "AAA"}, {utc(2025, 2, 28, 0), HOUR, true, "BBB"},
            {utc(2025, 2, 28, 23 * HOUR), 0, false, "AAA"});
    FOLLOWS("AAA0BBB,58/0,60/0", {utc(2024, 1, 1, 0), 0, false, "AAA"}, {utc(2024, 2, 28, 0), HOUR, true, "BBB"},
            {utc(2024, 2, 29, 23 * HOUR), 0, false, "AAA"}, {utc(2025, 2, 28, 0), HOUR, true, "BBB"},
            {utc(2025, 3, 1, 23 * HOUR), 0, false, "AAA"});
    /* on leap days only: years without any change */
    FOLLOWS("AAA0BBB,59/0,J60/1", {utc(2023, 12, 1, 0), 0, false, "AAA"}, {utc(2024, 2, 29, 0), HOUR, true, "BBB"},
            {utc(2024, 3, 1, 0), 0, false, "AAA"}, {utc(2028, 2, 29, 0), HOUR, true, "BBB"});
    FOLLOWS("AAA0BBB,J365/0,0/24", {utc(2026, 6, 1, 0), 0, false, "AAA"}, {utc(2026, 12, 31, 0), HOUR, true, "BBB"},
            {utc(2027, 1, 1, 23 * HOUR), 0, false, "AAA"});
    /* all year */
    FOLLOWS("EST5EDT,0/0,J365/25", {utc(2026, 6, 1, 0), -4 * HOUR, true, "EDT"}, {TZ_NEVER, -4 * HOUR, true, "EDT"});
    FOLLOWS("XXX3EDT4,0/0,J365/23", {utc(2026, 6, 1, 0), -4 * HOUR, true, "EDT"}, {TZ_NEVER, -4 * HOUR, true, "EDT"});
    FOLLOWS("<-00>0", {0, 0, false, "-00"}, {TZ_NEVER, 0, false, "-00"});
}

static void test_wrong_rules(void)
{
    static const char *const wrong[] = {
        "E",
        "ES5",
        "EST",
        "EST5X",
        "EST25",
        "EST5:60",
        "EST5:",
        "<EST5",
        "<E>5",
        "<E ST>5",
        "ABCDEFGHIJKLMNOP5",
        "EST5EDT",
        "EST5EDT,",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M0.2.0,M11.1.0",
        "EST5EDT,M3.0.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,J0,J1",
        "EST5EDT,J1,J366",
        "EST5EDT,0,366",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,M3.2.0/-168,M11.1.0",
        "EST5EDT,M3.2.0,M11.1.0,",
        "EST5EDT,M3.2.0,M11.1.0/",
        "EST5EDT,-1,5",
        "EST99999999999999999999",
        "EST5 EDT,M3.2.0,M11.1.0",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        struct sample sample = of_footer(wrong[i]);
        refused(&sample, "footer");
    }
    g_autofree char *text = g_strnfill(300, 'A');
    struct sample sample = of_footer(text);
    refused(&sample, "too long");
}

/* What the file lists last holds until the footer's next change, though the footer would say otherwise; every 400 years after it
 * does. */
static void test_footer_begins(void)
{
    struct sample sample = two_transitions('2', "CET-1CEST,M3.5.0,M10.5.0/3");
    sample.times[1] = utc(2026, 7, 1, 0);
    struct tz *tz = of_sample(&sample);
    assert_at(tz, utc(2026, 8, 1, 0), HOUR, false, "CET");
    g_assert_cmpint(tz_next_change(tz, utc(2026, 8, 1, 0)), ==, utc(2026, 10, 25, HOUR));
    assert_at(tz, utc(2027, 3, 28, HOUR), 2 * HOUR, true, "CEST");
    assert_at(tz, utc(2426, 8, 1, 0), 2 * HOUR, true, "CEST");
    tz_free(tz);
}

/* ---- from local time ---- */

static void test_from_local(void)
{
    struct sample sample = of_footer("EST5EDT,M3.2.0,M11.1.0");
    struct tz *tz = of_sample(&sample);
    int64_t at[2];
    g_assert_cmpint(tz_from_local(tz, utc(2026, 3, 8, 2 * HOUR - 1), at), ==, 1);
    g_assert_cmpint(at[0], ==, utc(2026, 3, 8, 7 * HOUR - 1));
    g_assert_cmpint(tz_from_local(tz, utc(2026, 3, 8, 2 * HOUR), at), ==, 0);
    g_assert_cmpint(tz_from_local(tz, utc(2026, 3, 8, 3 * HOUR - 1), at), ==, 0);
    g_assert_cmpint(tz_from_local(tz, utc(2026, 3, 8, 3 * HOUR), at), ==, 1);
    g_assert_cmpint(at[0], ==, utc(2026, 3, 8, 7 * HOUR));
    g_assert_cmpint(tz_from_local(tz, utc(2026, 11, 1, HOUR - 1), at), ==, 1);
    g_assert_cmpint(tz_from_local(tz, utc(2026, 11, 1, HOUR), at), ==, 2);
    g_assert_cmpint(at[0], ==, utc(2026, 11, 1, 5 * HOUR));
    g_assert_cmpint(at[1], ==, utc(2026, 11, 1, 6 * HOUR));
    g_assert_cmpint(tz_from_local(tz, utc(2026, 11, 1, 2 * HOUR), at), ==, 1);
    g_assert_cmpint(at[0], ==, utc(2026, 11, 1, 7 * HOUR));
    g_assert_cmpint(tz_from_local(tz, INT64_MAX, at), ==, 0);
    g_assert_cmpint(tz_from_local(tz, INT64_MIN, at), ==, 0);
    g_assert_cmpint(tz_from_local(tz, TZ_TIME_MIN_S, at), ==, 1);
    tz_free(tz);
    /* a clock that is put back twice shows a time three times */
    sample = two_transitions('2', "");
    sample.times[1] = sample.times[0] + 600;
    sample.types[0].offset_s = 2 * HOUR, sample.types[1].offset_s = HOUR, sample.types[2].offset_s = 0;
    tz = of_sample(&sample);
    g_assert_cmpint(tz_from_local(tz, 1000000 + HOUR + 300, at), ==, 2);
    g_assert_cmpint(at[0], ==, 1000000 + HOUR + 300 - 2 * HOUR);
    g_assert_cmpint(at[1], ==, 1000000 + HOUR + 300);
    tz_free(tz);
}

static void test_days(void)
{
    /* from -11 to +13 at the end of 1970-01-11, whose successor never was; and at 2 o'clock of the 23rd a day back: it has 48 hours
     */
    struct sample sample = two_transitions('2', "");
    sample.times[0] = 11 * DAY + 11 * HOUR, sample.times[1] = 22 * DAY - 11 * HOUR;
    sample.types[0].offset_s = -11 * HOUR, sample.types[1].offset_s = 13 * HOUR, sample.types[2].offset_s = -11 * HOUR;
    struct tz *tz = of_sample(&sample);
    int64_t at, next = 0;
    g_assert_true(tz_day_start(tz, 10, &at));
    g_assert_cmpint(at, ==, 10 * DAY + 11 * HOUR);
    g_assert_false(tz_day_start(tz, 11, &at));
    g_assert_cmpint(at, ==, 11 * DAY + 11 * HOUR);
    g_assert_true(tz_day_start(tz, 12, &next));
    g_assert_cmpint(next, ==, at);
    g_assert_cmpint(tz_day(tz, at - 1), ==, 10);
    g_assert_cmpint(tz_day(tz, at), ==, 12);
    g_assert_true(tz_day_start(tz, 22, &at) && tz_day_start(tz, 23, &next));
    g_assert_cmpint(at, ==, 22 * DAY - 13 * HOUR);
    g_assert_cmpint(next - at, ==, 48 * HOUR);
    g_assert_true(tz_day_start(tz, INT64_MAX, &at));
    g_assert_true(tz_day_start(tz, INT64_MIN, &next));
    g_assert_cmpint(at, >, next);
    tz_free(tz);
}

/* Put back over midnight: the new day begins once, at the first midnight. */
static void test_back_over_midnight(void)
{
    struct sample sample = of_footer("NST3:30NDT,M4.1.0/0:01,M10.5.0/0:01");
    struct tz *tz = of_sample(&sample);
    int64_t day = civil_day((struct civil_date){2010, 10, 31}), at, next = 0;
    g_assert_true(tz_day_start(tz, day, &at) && tz_day_start(tz, day + 1, &next));
    g_assert_cmpint(at, ==, day * DAY + 2 * HOUR + 1800);
    g_assert_cmpint(next - at, ==, 25 * HOUR);
    g_assert_cmpint(tz_day(tz, at), ==, day);
    g_assert_cmpint(tz_day(tz, at + 60), ==, day - 1);
    tz_free(tz);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tz/versions", test_versions);
    g_test_add_func("/tz/before-1970", test_before_1970);
    g_test_add_func("/tz/no-footer-text", test_no_footer_text);
    g_test_add_func("/tz/damaged", test_damaged);
    g_test_add_func("/tz/every-byte", test_every_byte);
    g_test_add_func("/tz/rules", test_rules);
    g_test_add_func("/tz/rule-days", test_rule_days);
    g_test_add_func("/tz/wrong-rules", test_wrong_rules);
    g_test_add_func("/tz/footer-begins", test_footer_begins);
    g_test_add_func("/tz/from-local", test_from_local);
    g_test_add_func("/tz/days", test_days);
    g_test_add_func("/tz/back-over-midnight", test_back_over_midnight);
    return g_test_run();
}
