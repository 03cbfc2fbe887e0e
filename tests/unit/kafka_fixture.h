/* A fresh topic for each test, on the embedded broker or, with DAYBOOK_TEST_BROKERS=host:port, on another one. */
#ifndef DAYBOOK_TESTS_KAFKA_FIXTURE_H
#define DAYBOOK_TESTS_KAFKA_FIXTURE_H

#include "lib/kafka.h"
#include "lib/kafka_mock.h"
#include <unistd.h>

enum { PARTITIONS = 3, TIMEOUT_MS = 60000, WAIT_US = 120 * G_USEC_PER_SEC };

static const char *outside; /* brokers, or NULL */
static guint topics_made;

struct fixture {
    struct kafka_mock *mock;
    struct kafka_settings settings;
    char *topic;
    int delivered[PARTITIONS];
    int failed[PARTITIONS];
    gboolean out_of_order;
};

static void set_up(struct fixture *f, gconstpointer data)
{
    GError *error = NULL;

    (void)data;
    f->topic = g_strdup_printf("usage-%d-%u", (int)getpid(), topics_made++);
    f->settings.client_id = "test";
    f->settings.brokers = outside;
    if (outside) {
        g_assert_true(kafka_topic_create(&f->settings, f->topic, PARTITIONS, 1, 3600000, TIMEOUT_MS, &error));
        g_assert_no_error(error);
        return;
    }
    f->mock = kafka_mock_new(f->topic, PARTITIONS, &error);
    g_assert_no_error(error);
    f->settings.brokers = kafka_mock_brokers(f->mock);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
    (void)data;
    kafka_mock_free(f->mock);
    g_free(f->topic);
}

struct kafka_test {
    const char *name;
    void (*run)(struct fixture *, gconstpointer);
    gboolean mock_only;
};

/* After g_test_init. */
static void add_tests(const struct kafka_test *tests, size_t n)
{
    outside = g_getenv("DAYBOOK_TEST_BROKERS");
    for (size_t i = 0; i < n; i++)
        if (!outside || !tests[i].mock_only)
            g_test_add(tests[i].name, struct fixture, NULL, set_up, tests[i].run, tear_down);
}

#endif
