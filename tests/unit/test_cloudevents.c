#include "collector/cloudevents.h"

static struct cloudevent right_event(void)
{
    struct cloudevent cloudevent = {0};
    cloudevent.attributes[CLOUDEVENT_SPECVERSION] = view_of("1.0");
    cloudevent.attributes[CLOUDEVENT_ID] = view_of("id-1");
    cloudevent.attributes[CLOUDEVENT_SOURCE] = view_of("/gateway/a");
    cloudevent.attributes[CLOUDEVENT_TYPE] = view_of("usage");
    return cloudevent;
}

static void expect_view(struct view found, const char *wanted)
{
    g_autofree char *text = g_strndup(found.size ? found.data : "", found.size);
    g_assert_cmpstr(text, ==, wanted);
}

static void test_apply(void)
{
    struct cloudevent cloudevent = right_event();
    struct raw_event raw = {0};
    struct intake_refusal refusal;
    g_assert_true(cloudevent_apply(&cloudevent, &raw, &refusal));
    expect_view(raw.id, "/gateway/a id-1");
    expect_view(raw.source, "/gateway/a");
    expect_view(raw.client, "");
    g_assert_false(raw.has_time);
    cloudevent.attributes[CLOUDEVENT_SUBJECT] = view_of("c-17");
    cloudevent.attributes[CLOUDEVENT_TIME] = view_of("2025-11-21T10:00:00.123Z");
    raw = (struct raw_event){.client = view_of("data's"), .source = view_of("10.0.0.1"), .id = view_of("data's")};
    g_assert_true(cloudevent_apply(&cloudevent, &raw, &refusal));
    expect_view(raw.client, "c-17");
    expect_view(raw.source, "10.0.0.1");
    expect_view(raw.id, "/gateway/a id-1");
    g_assert_true(raw.has_time);
    g_assert_cmpint(raw.time_ms, ==, INT64_C(1763719200123));
    raw = (struct raw_event){.has_time = true, .time_ms = 5};
    g_assert_true(cloudevent_apply(&cloudevent, &raw, &refusal));
    g_assert_cmpint(raw.time_ms, ==, 5); /* the event's own time */
}

static void expect_refused(enum cloudevent_attribute attribute, const char *value, enum intake_reason reason, const char *words)
{
    struct cloudevent cloudevent = right_event();
    struct raw_event raw = {0};
    struct intake_refusal refusal;
    cloudevent.attributes[attribute] = view_of(value);
    g_assert_false(cloudevent_apply(&cloudevent, &raw, &refusal));
    g_test_message("%s", refusal.message);
    g_assert_cmpstr(intake_reason_word(refusal.reason), ==, intake_reason_word(reason));
    g_assert_nonnull(strstr(refusal.message, words));
}

static void test_refused(void)
{
    expect_refused(CLOUDEVENT_SPECVERSION, "", INTAKE_MISSING_FIELD, "specversion is missing");
    expect_refused(CLOUDEVENT_ID, "", INTAKE_MISSING_FIELD, "id is missing");
    expect_refused(CLOUDEVENT_SOURCE, "", INTAKE_MISSING_FIELD, "source is missing");
    expect_refused(CLOUDEVENT_TYPE, "", INTAKE_MISSING_FIELD, "type is missing");
    expect_refused(CLOUDEVENT_SPECVERSION, "0.3", INTAKE_OUT_OF_RANGE, "specversion is '0.3'; allowed: 1.0.");
    expect_refused(CLOUDEVENT_ID, "a\nb", INTAKE_INVALID_TEXT, "id is 'a?b'");
    expect_refused(CLOUDEVENT_TIME, "yesterday", INTAKE_INVALID_TIME, "time is 'yesterday'");
    expect_refused(CLOUDEVENT_DATACONTENTTYPE, "text/xml", INTAKE_WRONG_TYPE, "datacontenttype is 'text/xml'");
}

static void test_content_types(void)
{
    static const char *const right[] = {"application/json", "application/JSON; charset=utf-8", "application/vnd.acme+json",
                                        "text/json ;q=1"};
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
        struct cloudevent cloudevent = right_event();
        struct raw_event raw = {0};
        struct intake_refusal refusal;
        cloudevent.attributes[CLOUDEVENT_DATACONTENTTYPE] = view_of(right[i]);
        g_assert_true(cloudevent_apply(&cloudevent, &raw, &refusal));
    }
}

static void test_names(void)
{
    for (int i = 0; i < CLOUDEVENT_N_ATTRIBUTES; i++)
        g_assert_cmpint(cloudevent_attribute_named(view_of(cloudevent_attribute_name((enum cloudevent_attribute)i))), ==, i);
    g_assert_cmpint(cloudevent_attribute_named(view_of("traceparent")), ==, CLOUDEVENT_EXTENSION);
    g_assert_cmpint(cloudevent_attribute_named(view_of("sampledrate2")), ==, CLOUDEVENT_EXTENSION);
    g_assert_cmpint(cloudevent_attribute_named(view_of("latencyMs")), ==, CLOUDEVENT_NO_ATTRIBUTE);
    g_assert_cmpint(cloudevent_attribute_named(view_of("data_base64")), ==, CLOUDEVENT_NO_ATTRIBUTE);
    g_assert_cmpint(cloudevent_attribute_named(view_of("")), ==, CLOUDEVENT_NO_ATTRIBUTE);
}

static char *compose(const char *source, const char *id)
{
    char out[EVENT_NAME_MAX];
    g_autofree char *source_copy = g_memdup2(source, strlen(source)), *id_copy = g_memdup2(id, strlen(id));
    size_t size = cloudevent_compose_id(view_make(source_copy, strlen(source)), view_make(id_copy, strlen(id)), out);
    g_assert_cmpuint(size, <=, EVENT_NAME_MAX);
    return g_strndup(out, size);
}

/* Different pairs must be different events, whatever their parts hold. */
static void test_ids(void)
{
    g_autofree char *s255 = g_strnfill(253, 's'), *s256 = g_strnfill(254, 's'), *s257 = g_strnfill(255, 's');
    const char *const pairs[][2] = {{"/a", "1"},    {"/a", "1 2"},   {"/a 1", "2"},   {"/a  1", "2"}, {"/a", " 1"},
                                    {"/a 1", " 2"}, {"/a 1 2", "3"}, {"/a 1", "2 3"}, {s255, "xx"},   {s256, "x"},
                                    {s257, "x"},    {s256, "xx"},    {s255, "xxx"}};
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        char *id = compose(pairs[i][0], pairs[i][1]);
        for (guint k = 0; k < ids->len; k++)
            g_assert_cmpstr(id, !=, g_ptr_array_index(ids, k));
        g_ptr_array_add(ids, id);
    }
    g_assert_cmpstr(g_ptr_array_index(ids, 0), ==, "/a 1");
    g_assert_cmpuint(strlen(g_ptr_array_index(ids, 8)), ==, 256);
    g_assert_cmpuint(strlen(g_ptr_array_index(ids, 10)), ==, 64);
    /* printf '/a 1\x1f2' | sha256sum */
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256,
                                                            "/a 1\x1f"
                                                            "2",
                                                            -1);
    g_assert_cmpstr(g_ptr_array_index(ids, 2), ==, digest);
}

static void expect_header(const char *header, const char *wanted)
{
    g_autofree char *value = g_strdup(header);
    cloudevent_decode_header(value);
    g_assert_cmpstr(value, ==, wanted);
}

static void test_headers(void)
{
    expect_header("", "");
    expect_header("plain", "plain");
    expect_header("Z%C3%BCrich%20%E2%82%AC", "Zürich €");
    expect_header("100%", "100%");
    expect_header("%4", "%4");
    expect_header("%zz%41", "%zzA");
    expect_header("a%00b", "a%00b");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cloudevents/apply", test_apply);
    g_test_add_func("/cloudevents/refused", test_refused);
    g_test_add_func("/cloudevents/content_types", test_content_types);
    g_test_add_func("/cloudevents/names", test_names);
    g_test_add_func("/cloudevents/ids", test_ids);
    g_test_add_func("/cloudevents/headers", test_headers);
    return g_test_run();
}
