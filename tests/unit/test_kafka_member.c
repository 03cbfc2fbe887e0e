/* Members of a group, against the embedded broker or another one (kafka_fixture.h). */
#include "tests/unit/kafka_fixture.h"
#include <string.h>

struct member {
    struct kafka_member *member;
    int owned[PARTITIONS];
    size_t n;
    int callbacks;
};

static void on_assigned(void *opaque, const int *partitions, size_t n)
{
    struct member *m = (struct member *)opaque;

    m->n = n;
    for (size_t i = 0; i < n; i++)
        m->owned[i] = partitions[i];
    m->callbacks++;
}

static void member_join(struct fixture *f, struct member *m, const char *instance)
{
    /* a broker allows 6 s and more; the embedded one takes a session time-out less one second for every change of members */
    static const char *const real[] = {"session.timeout.ms=6000", "heartbeat.interval.ms=300", NULL};
    static const char *const embedded[] = {"session.timeout.ms=5000", "heartbeat.interval.ms=300", NULL};
    GError *error = NULL;

    memset(m, 0, sizeof *m);
    f->settings.properties = outside ? real : embedded;
    m->member = kafka_member_new(&f->settings, f->topic, instance, f->topic, on_assigned, m, &error);
    g_assert_no_error(error);
}

/* Polls both (b may be NULL) until together they own all and none of them nothing. */
static void wait_for_shares(struct member *a, struct member *b)
{
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;

    while (a->n + (b ? b->n : 0) != PARTITIONS || a->n == 0 || (b && b->n == 0)) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        kafka_member_poll(a->member, 20);
        if (b)
            kafka_member_poll(b->member, 20);
    }
    gboolean taken[PARTITIONS] = {FALSE};
    for (size_t i = 0; i < a->n; i++)
        taken[a->owned[i]] = TRUE;
    for (size_t i = 0; b && i < b->n; i++) {
        g_assert_false(taken[b->owned[i]]);
        taken[b->owned[i]] = TRUE;
    }
    g_assert_true(taken[0] && taken[1] && taken[2]);
}

static void test_group(struct fixture *f, gconstpointer data)
{
    struct member a, b;

    (void)data;
    member_join(f, &a, outside ? "a" : NULL);
    wait_for_shares(&a, NULL);
    member_join(f, &b, outside ? "b" : NULL);
    wait_for_shares(&a, &b); /* range: one gets one more, by the order of the ids that the broker gives */
    /* it stays that way, although nothing is ever fetched */
    int callbacks = a.callbacks + b.callbacks;
    for (int i = 0; i < 50; i++) {
        kafka_member_poll(a.member, 20);
        kafka_member_poll(b.member, 20);
    }
    g_assert_cmpint(a.callbacks + b.callbacks, ==, callbacks);
    kafka_member_free(b.member);
    g_assert_cmpuint(b.n, ==, 0); /* said before it left */
    wait_for_shares(&a, NULL);
    g_assert_false(kafka_member_failed(a.member, NULL));
    kafka_member_free(a.member);
    g_assert_cmpuint(a.n, ==, 0);
}

/* Two processes with one instance id: the older one is told, loses its partitions and knows it. */
static void test_same_instance(struct fixture *f, gconstpointer data)
{
    struct member a, b;
    gint64 deadline_us = g_get_monotonic_time() + WAIT_US;
    const char *message;

    (void)data;
    if (!outside) {
        g_test_skip("the embedded broker does not fence");
        return;
    }
    member_join(f, &a, "same");
    wait_for_shares(&a, NULL);
    member_join(f, &b, "same");
    while (!kafka_member_failed(a.member, &message) || b.n == 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        kafka_member_poll(a.member, 20);
        kafka_member_poll(b.member, 20);
    }
    g_assert_cmpuint(a.n, ==, 0);
    g_assert_nonnull(strstr(message, "instance"));
    g_assert_cmpuint(b.n, ==, PARTITIONS);
    kafka_member_free(a.member);
    kafka_member_free(b.member);
}

int main(int argc, char **argv)
{
    static const struct kafka_test tests[] = {
        {"/kafka_member/group", test_group, FALSE},
        {"/kafka_member/same_instance", test_same_instance, FALSE},
    };

    g_test_init(&argc, &argv, NULL);
    add_tests(tests, G_N_ELEMENTS(tests));
    return g_test_run();
}
