/* Field by field; whole lines are in test_log_line.c. */
#include "collector/log_event.h"

enum { SCRATCH = 65536 };

struct world {
    struct field_map *map;
    struct view values[FIELD_MAP_SOURCES_MAX];
    struct log_scratch scratch;
    struct raw_event raw;
    struct intake_refusal refusal;
};

/* A map where every target's source has the target's name. */
static void set_up(struct world *world)
{
    *world = (struct world){.scratch = {.data = g_malloc(SCRATCH), .size = SCRATCH}};
    char *items[FIELD_N_TARGETS + 1] = {NULL};
    for (int i = 0; i < FIELD_N_TARGETS; i++)
        items[i] = g_strdup_printf("%s=%s", field_target_name((enum field_target)i), field_target_name((enum field_target)i));
    world->map = field_map_new(LOG_FORMAT_NDJSON, (const char *const *)items, NULL);
    g_assert_nonnull(world->map);
    for (int i = 0; i < FIELD_N_TARGETS; i++)
        g_free(items[i]);
}

static void tear_down(struct world *world)
{
    field_map_free(world->map);
    g_free(world->scratch.data);
}

static void set(struct world *world, const char *name, struct view value)
{
    int source = field_map_find(world->map, view_of(name));
    g_assert_cmpint(source, >=, 0);
    world->values[source] = value;
}

static void set_text(struct world *world, const char *name, const char *value)
{
    set(world, name, view_of(value));
}

static bool fill(struct world *world)
{
    world->scratch.used = 0;
    return log_event_fill(world->map, world->values, &world->scratch, &world->raw, &world->refusal);
}

static void test_nothing(void)
{
    struct world world;
    set_up(&world);
    g_assert_true(fill(&world)); /* what is missing is for the intake to say */
    g_assert_false(world.raw.has_time || world.raw.has_status);
    g_assert_cmpuint(world.raw.method.size + world.raw.path.size + world.raw.route.size, ==, 0);
    tear_down(&world);
}

static void test_method_and_path_win_over_request(void)
{
    struct world world;
    set_up(&world);
    set_text(&world, "request", "GET /one HTTP/1.1");
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.method, "GET") && view_is(world.raw.path, "/one"));
    set_text(&world, "method", "put");
    set_text(&world, "path", "/two?x");
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.method, "PUT") && view_is(world.raw.path, "/two"));
    tear_down(&world);
}

static void test_route(void)
{
    struct world world;
    set_up(&world);
    set_text(&world, "method", "GET");
    set_text(&world, "path", "*");
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.route, "{unmatched}"));
    set_text(&world, "route", "/v1/{x}");
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.route, "/v1/{x}")); /* the source's own route is known better */
    set_text(&world, "method", "\x16\x03");
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.method, LOG_EVENT_INVALID_METHOD) && view_is(world.raw.route, "{unmatched}"));
    tear_down(&world);
}

static void test_names(void)
{
    struct world world;
    g_autofree char *longest = g_strnfill(EVENT_NAME_MAX, 'n');
    g_autofree char *too_long = g_strnfill(EVENT_NAME_MAX + 1, 'n');
    set_up(&world);
    set_text(&world, "client", longest);
    set_text(&world, "user", too_long);
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.client, longest));
    g_assert_cmpuint(world.raw.user.size, ==, 0);
    set(&world, "client", view_make("a\0b", 3));
    set_text(&world, "user", "-");
    g_assert_true(fill(&world));
    g_assert_cmpuint(world.raw.client.size + world.raw.user.size, ==, 0);
    tear_down(&world);
}

static void test_texts(void)
{
    struct world world;
    g_autofree char *long_text = g_strnfill(LOG_EVENT_TEXT_MAX + 9, 'x');
    set_up(&world);
    set_text(&world, "user_agent", "caf\xc3\xa9");
    set_text(&world, "source", "caf\xe9\n");
    g_assert_true(fill(&world));
    g_assert_true(view_is(world.raw.user_agent, "caf\xc3\xa9") && view_is(world.raw.source, "caf??"));
    set_text(&world, "user_agent", long_text);
    g_assert_true(fill(&world));
    g_assert_cmpuint(world.raw.user_agent.size, ==, LOG_EVENT_TEXT_MAX);
    tear_down(&world);
}

static void check_refused(const char *field, const char *value, enum intake_reason reason)
{
    struct world world;
    set_up(&world);
    set_text(&world, field, value);
    g_assert_false(fill(&world));
    g_assert_cmpint(world.refusal.reason, ==, reason);
    g_assert_nonnull(strstr(world.refusal.message, field));
    tear_down(&world);
}

static void test_refused(void)
{
    check_refused("time", "noon", INTAKE_INVALID_TIME);
    check_refused("time", "99999999999999999", INTAKE_INVALID_TIME);
    check_refused("status", "OK", INTAKE_WRONG_TYPE);
    check_refused("status", "200.0", INTAKE_WRONG_TYPE);
    check_refused("status", "-200", INTAKE_WRONG_TYPE);
    check_refused("latency", "fast", INTAKE_WRONG_TYPE);
    check_refused("latency", "-fast", INTAKE_WRONG_TYPE);
    check_refused("request_bytes", "1k", INTAKE_WRONG_TYPE);
    check_refused("response_bytes", "1,000", INTAKE_WRONG_TYPE);
}

static void test_numbers(void)
{
    struct world world;
    set_up(&world);
    set_text(&world, "status", "0200");
    set_text(&world, "latency", "0.0015");
    set_text(&world, "request_bytes", "17");
    set_text(&world, "response_bytes", "-1");
    g_assert_true(fill(&world));
    g_assert_cmpint(world.raw.status, ==, 200);
    g_assert_cmpuint(world.raw.latency_us, ==, 1500);
    g_assert_cmpuint(world.raw.request_bytes, ==, 17);
    g_assert_cmpuint(world.raw.response_bytes, ==, 0);
    tear_down(&world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log_event/nothing", test_nothing);
    g_test_add_func("/log_event/method_and_path_win_over_request", test_method_and_path_win_over_request);
    g_test_add_func("/log_event/route", test_route);
    g_test_add_func("/log_event/names", test_names);
    g_test_add_func("/log_event/texts", test_texts);
    g_test_add_func("/log_event/refused", test_refused);
    g_test_add_func("/log_event/numbers", test_numbers);
    return g_test_run();
}
