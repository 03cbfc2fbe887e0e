#include "aggregator/filter.h"
#include <glib.h>
#include <string.h>

static void digest_of(guint number, guint8 digest[FILTER_DIGEST_SIZE])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 all[32];
    gsize size = sizeof all;
    g_checksum_update(sum, (const guchar *)&number, sizeof number);
    g_checksum_get_digest(sum, all, &size);
    memcpy(digest, all, FILTER_DIGEST_SIZE);
}

/* What was added is always found; what was not, seldom. */
static void test_certain_no(void)
{
    struct filter *filter = filter_new();
    guint8 digest[FILTER_DIGEST_SIZE];
    guint wrong = 0, n = 100000;
    digest_of(1, digest);
    g_assert_false(filter_has(filter, digest));
    for (guint i = 0; i < n; i++) {
        digest_of(i, digest);
        filter_add(filter, digest);
    }
    for (guint i = 0; i < 2 * n; i++) {
        digest_of(i, digest);
        if (i < n)
            g_assert_true(filter_has(filter, digest));
        else
            wrong += filter_has(filter, digest);
    }
    g_assert_cmpuint(wrong, <, n / 10000);
    filter_free(filter);
}

/* Its memory is bounded: then the answer is always "perhaps". */
static void test_full(void)
{
    struct filter *filter = filter_new();
    guint8 digest[FILTER_DIGEST_SIZE], other[FILTER_DIGEST_SIZE];
    digest_of(0, other);
    for (guint i = 1; i < 6000000; i++) {
        memcpy(digest, other, sizeof digest);
        memcpy(digest, &i, sizeof i);
        digest[9] = (guint8)(i * 7);
        filter_add(filter, digest);
    }
    digest_of(77, other);
    g_assert_true(filter_has(filter, other));
    filter_free(filter);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/filter/certain-no", test_certain_no);
    g_test_add_func("/filter/full", test_full);
    return g_test_run();
}
