/* POST /v1/events when the disk fails, the collector closes, and clients are at their worst. */
#include "tests/unit/ingest_tools.h"

/* ---- faults ---- */

/* The disk is full: nothing is lost, and the answer comes when there is room, or says when to come again. */
static void test_full(struct fixture *f, gconstpointer sets)
{
    struct http_client client;
    struct http_answer answer;
    (void)sets;
    atomic_store(&f->failing, ENOSPC);
    http_client_init(&client, f->port);
    send_request(&client, JSON, GET, strlen(GET));
    for (int i = 0; i < 1000 && journal_has_room(f->tools.journal); i++)
        g_usleep(10000);
    g_assert_false(journal_has_room(f->tools.journal));
    answer = ask(f, JSON, GET, strlen(GET));
    g_assert_nonnull(strstr(answer.head, "\r\nretry-after: 10\r\n"));
    check_refusal(&answer, 503, "JOURNAL_FULL", "no room");
    /* What is refused is listed, and so needs the journal as well; an answer that is not durable is none. */
    answer = ask(f, JSON, "[{}]", 4);
    check_refusal(&answer, 503, "JOURNAL_FULL", "no room");
    answer = ask(f, JSON, "[{}", 3);
    check_refusal(&answer, 503, "JOURNAL_FULL", "no room");
    atomic_store(&f->failing, 0);
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 202);
    http_answer_clear(&answer);
    http_client_clear(&client);
    expect(f, JSON, "[{}]",
           "{\"accepted\":0,\"rejected\":[{\"index\":0,\"reason\":\"missing_field\",\"message\":\"method is missing; "
           "needed: method, status, and route or path.\"}]}");
    answer = ask(f, JSON, "[{}", 3);
    check_refusal(&answer, 400, "MALFORMED_BODY", "not valid JSON");
    expect_books(f, 1, 0, 1);
    g_assert_cmpint(metrics_get(f->metrics, METER_BODIES_REJECTED, "malformed_body"), ==, 1);
}

/* The disk fails twice: whether the bytes survive is not known, so there is no answer. */
static void test_lost(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    expect(f, JSON, GET, "{\"accepted\":1,\"rejected\":[]}");
    atomic_store(&f->failing, EIO);
    struct http_answer answer = ask(f, JSON, GET, strlen(GET));
    g_assert_cmpint(answer.status, ==, 0);
    http_answer_clear(&answer);
    expect_books(f, 1, 0, 0);
    g_assert_cmpint(metrics_get(f->metrics, METER_HTTP_REQUESTS, "none"), ==, 1);
}

static void test_closing(struct fixture *f, gconstpointer sets)
{
    (void)sets;
    batcher_stop(f->batcher);
    struct http_answer answer = ask(f, JSON, GET, strlen(GET));
    check_refusal(&answer, 503, "SERVICE_UNAVAILABLE", "shutting down");
    expect_books(f, 0, 0, 0);
}

/* ---- clients at their worst ---- */

static void test_aborted(struct fixture *f, gconstpointer sets)
{
    struct http_client client;
    (void)sets;
    for (int i = 0; i < 50; i++) {
        http_client_init(&client, f->port);
        send_request(&client, JSON, GET, i % 2 ? strlen(GET) : strlen(GET) / 2);
        http_client_abort(&client);
    }
    expect(f, JSON, GET, "{\"accepted\":1,\"rejected\":[]}");
    /* Each was taken whole or not at all, and the books know. */
    struct intake_tally totals;
    intake_totals(f->intake, &totals);
    stop_server(f);
    stop_batcher(f);
    intake_totals(f->intake, &totals);
    g_assert_cmpuint(totals.accepted, >=, 1);
    g_assert_cmpuint(totals.accepted, <=, 26);
    g_autofree char *found = journaled(f);
    g_auto(GStrv) lines = g_strsplit(found, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, totals.accepted);
}

static void test_slow(struct fixture *f, gconstpointer sets)
{
    struct http_client client;
    struct http_answer answer;
    (void)sets;
    http_client_init(&client, f->port);
    http_client_send(&client, "POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" JSON "\r\n");
    for (const char *c = GET; *c; c++) {
        char chunk[8];
        g_snprintf(chunk, sizeof chunk, "1\r\n%c\r\n", *c);
        http_client_send(&client, chunk);
        g_usleep(1000);
    }
    http_client_send(&client, "0\r\n\r\n");
    http_client_receive(&client, TRUE, &answer);
    g_assert_cmpint(answer.status, ==, 202);
    http_answer_clear(&answer);
    http_client_clear(&client);
}

enum { SENDERS = 8, ROUNDS = 100 };

static gpointer send_many(gpointer data)
{
    struct fixture *f = data;
    struct http_client client;
    http_client_init(&client, f->port);
    for (int i = 0; i < ROUNDS; i++) {
        struct http_answer answer;
        send_request(&client, LINES, GET "\n{}\n" GET, sizeof GET "\n{}\n" GET - 1);
        http_client_receive(&client, TRUE, &answer);
        g_assert_cmpint(answer.status, ==, 202);
        http_answer_clear(&answer);
    }
    http_client_clear(&client);
    return NULL;
}

static void test_many_clients(struct fixture *f, gconstpointer sets)
{
    GThread *threads[SENDERS];
    (void)sets;
    for (int i = 0; i < SENDERS; i++)
        threads[i] = g_thread_new("sender", send_many, f);
    for (int i = 0; i < SENDERS; i++)
        g_thread_join(threads[i]);
    expect_books(f, 2 * SENDERS * ROUNDS, 0, SENDERS * ROUNDS);
    g_autofree char *found = journaled(f);
    g_auto(GStrv) lines = g_strsplit(found, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 2 * SENDERS * ROUNDS);
}

int main(int argc, char **argv)
{
    static const char *const plain[] = {"input.organization=acme", "input.max_events=50", "listen.body_max_bytes=20000",
                                        "exclude.clients=probe", NULL};
    static const struct ingest_test tests[] = {
        {"/ingest_http_faults/full", plain, test_full},       {"/ingest_http_faults/lost", plain, test_lost},
        {"/ingest_http_faults/closing", plain, test_closing}, {"/ingest_http_faults/aborted", plain, test_aborted},
        {"/ingest_http_faults/slow", plain, test_slow},       {"/ingest_http_faults/many_clients", plain, test_many_clients},
    };
    return run_ingest_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
