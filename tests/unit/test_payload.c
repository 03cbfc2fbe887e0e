#include "aggregator/payload.h"

static bool append_text(const struct payload_command *command, void *opaque)
{
    GString *text = opaque;
    g_string_append_printf(text, "%s %.*s", command->name, (int)command->key.size, command->key.data);
    for (size_t i = 0; i < command->argc; i++)
        g_string_append_printf(text, " %.*s", (int)command->argv[i].size, command->argv[i].data);
    g_string_append_c(text, ';');
    return true;
}

static bool count_arguments(const struct payload_command *command, void *opaque)
{
    size_t *counts = opaque;
    g_assert_cmpuint(command->argc, <=, PAYLOAD_ARGS_MAX);
    counts[0]++;
    counts[1] += command->argc;
    return true;
}

static bool refuse(const struct payload_command *command, void *opaque)
{
    (void)command;
    (void)opaque;
    return false;
}

static void test_round_trip(void)
{
    struct payload *payload = payload_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *large = g_strnfill(70000, 'v');
    payload_begin(payload, PAYLOAD_HSET, view_of("a"));
    payload_add_pair(payload, view_of("f"), view_of(""));
    payload_begin(payload, PAYLOAD_HSET, view_of("nothing")); /* vanishes */
    payload_begin(payload, PAYLOAD_ZADD, view_of("z"));
    payload_add_pair(payload, view_of("3"), view_of("m"));
    payload_begin(payload, PAYLOAD_HDEL, view_of("a"));
    payload_add(payload, view_of("g"));
    payload_begin(payload, PAYLOAD_UNLINK, view_of("b"));
    g_assert_true(payload_each(payload_bytes(payload), append_text, text));
    g_assert_cmpstr(text->str, ==, "HSET a f ;ZADD z 3 m;HDEL a g;UNLINK b;");
    payload_reset(payload);
    g_assert_cmpuint(payload_bytes(payload).size, ==, 0);
    payload_begin(payload, PAYLOAD_HSET, view_of("a"));
    payload_add_pair(payload, view_of("f"), view_of(large));
    g_string_truncate(text, 0);
    g_assert_true(payload_each(payload_bytes(payload), append_text, text));
    g_assert_cmpuint(text->len, ==, 70000 + strlen("HSET a f ;"));
    payload_free(payload);
}

static void test_long_commands(void)
{
    struct payload *payload = payload_new();
    size_t counts[2] = {0, 0};
    payload_begin(payload, PAYLOAD_HSET, view_of("key"));
    for (int i = 0; i < 2500; i++)
        payload_add_pair(payload, view_of("f"), view_of("v"));
    payload_begin(payload, PAYLOAD_UNLINK, view_of("key"));
    for (int i = 0; i < 2500; i++)
        payload_add(payload, view_of("other"));
    g_assert_true(payload_each(payload_bytes(payload), count_arguments, counts));
    g_assert_cmpuint(counts[0], ==, 3 + 2);
    g_assert_cmpuint(counts[1], ==, 5000 + 2500);
    payload_free(payload);
}

static void test_damaged(void)
{
    struct payload *payload = payload_new();
    payload_begin(payload, PAYLOAD_HSET, view_of("a"));
    payload_add_pair(payload, view_of("f"), view_of("v"));
    struct view bytes = payload_bytes(payload);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t cut = 1; cut < bytes.size; cut++)
        g_assert_false(payload_each(view_make(bytes.data, cut), append_text, text));
    g_assert_false(payload_each(view_of("X"), append_text, text));
    g_assert_false(payload_each(bytes, refuse, NULL));
    for (int i = 0; i < 20000; i++) {
        char copy[64];
        memcpy(copy, bytes.data, bytes.size);
        copy[g_test_rand_int_range(0, (gint32)bytes.size)] = (char)g_test_rand_int_range(0, 256);
        payload_each(view_make(copy, bytes.size), append_text, text); /* must not read beyond: sanitizers look */
        g_string_truncate(text, 0);
    }
    payload_free(payload);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payload/round-trip", test_round_trip);
    g_test_add_func("/payload/long-commands", test_long_commands);
    g_test_add_func("/payload/damaged", test_damaged);
    return g_test_run();
}
