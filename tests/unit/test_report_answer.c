#include "api/report_answer.h"

static struct report_range range_of(const char *zone, bool local, int64_t first_day, int64_t last_day)
{
    const struct report_known known = {.through = 20777, .has_first = true, .first_day = 0, .now_s = 20778 * INT64_C(86400)};
    struct report_params params = {.has_interval = true, .interval = {first_day, last_day}, .local = local};
    struct report_range range;
    params.tz = tz_shared(zone, NULL);
    report_range_init(&range, &params, &known);
    return range;
}

static void check_about(struct report_range *range, int64_t through, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, text);
    report_answer_about(&writer, range, through);
    g_assert_cmpstr(text->str, ==, expected);
    report_range_clear(range);
}

static void test_about(void)
{
    struct report_range range = range_of("Pacific/Apia", true, 15337, 15340);
    check_about(&range, 20777,
                "\"interval\":\"2011-12-29/2012-01-01\",\"timeZone\":\"Pacific/Apia\",\"dayBoundary\":\"local\","
                "\"finalizedThrough\":\"2026-11-20\",\"omittedDays\":[],\"revisions\":[],\"incompleteDays\":[],"
                "\"skippedDates\":[\"2011-12-30\"]");
    range = range_of("UTC", false, 20770, 20779);
    const struct report_omitted omitted[] = {{20770, 20772, REPORT_NOT_CLOSED}, {20778, 20779, REPORT_NOT_ENDED}};
    const struct report_revised revised[] = {{20773, 2}, {20775, 11}};
    const int64_t incomplete[] = {20773, 20774, 20776};
    g_array_append_vals(range.omitted, omitted, G_N_ELEMENTS(omitted));
    g_array_append_vals(range.revised, revised, G_N_ELEMENTS(revised));
    g_array_append_vals(range.incomplete, incomplete, G_N_ELEMENTS(incomplete));
    check_about(&range, FINALITY_NONE,
                "\"interval\":\"2026-11-13/2026-11-22\",\"timeZone\":\"UTC\",\"dayBoundary\":\"utc\",\"finalizedThrough\":null,"
                "\"omittedDays\":[{\"interval\":\"2026-11-13/2026-11-15\",\"reason\":\"notClosed\"},"
                "{\"interval\":\"2026-11-21/2026-11-22\",\"reason\":\"notEnded\"}],"
                "\"revisions\":[{\"day\":\"2026-11-16\",\"revision\":2},{\"day\":\"2026-11-18\",\"revision\":11}],"
                "\"incompleteDays\":[\"2026-11-16/2026-11-17\",\"2026-11-19/2026-11-19\"],\"skippedDates\":[]");
}

/* A page without anything, of a zone where a day has 23 hours. */
static void test_empty(void)
{
    struct report_range range = range_of("America/New_York", true, 20520, 20520);
    struct registry_snapshot *registry = registry_snapshot_new(1);
    struct report_page page = {
        g_array_new(FALSE, TRUE, sizeof(struct report_counts)), g_ptr_array_new(), g_ptr_array_new(), 0, 0, {0}};
    g_array_set_size(page.days, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    struct writer writer;
    writer_init(&writer, text);
    report_answer_page(&writer, &page, &range, registry);
    g_assert_cmpstr(text->str, ==,
                    "\"totalRequests\":0,\"totalClients\":0,\"totalUrls\":0,\"statuses\":{\"status200\":0,\"status300\":0,"
                    "\"status400\":0,\"status500\":0,\"status429\":0,\"requests\":0},\"clients\":[],\"urls\":[],\"days\":["
                    "{\"date\":\"2026-03-08\",\"begin\":\"2026-03-08T00:00:00-05:00\",\"end\":\"2026-03-09T00:00:00-04:00\","
                    "\"status200\":0,\"status300\":0,\"status400\":0,\"status500\":0,\"status429\":0,\"requests\":0}]");
    report_page_clear(&page);
    registry_snapshot_unref(registry);
    report_range_clear(&range);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/report-answer/about", test_about);
    g_test_add_func("/report-answer/empty", test_empty);
    int failed = g_test_run();
    tz_shared_clear();
    return failed;
}
