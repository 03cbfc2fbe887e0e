/* The rules; what Redis says is in test_usage_days.py. */
#include "api/finality.h"

#include "api/members.h"
#include "lib/civil.h"

enum { FIRST = 1000 };

/* "d" or "d.r" for each line, ascending. */
static struct ledger_index *index_of(const char *lines)
{
    struct ledger_index *index = g_new0(struct ledger_index, 1);
    index->lines = g_array_new(FALSE, TRUE, sizeof(struct ledger_line));
    g_auto(GStrv) words = g_strsplit(lines, " ", -1);
    for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++) {
        struct ledger_line line = {.day = g_ascii_strtoll(words[i], NULL, 10), .revision = 1, .n = i + 1};
        if (strchr(words[i], '.') != NULL)
            line.revision = (int)g_ascii_strtoll(strchr(words[i], '.') + 1, NULL, 10);
        g_array_append_val(index->lines, line);
    }
    return index;
}

static void index_free(struct ledger_index *index)
{
    g_array_free(index->lines, TRUE);
    g_free(index);
}

static int64_t through(const char *lines, const char *open, int64_t first_day)
{
    struct ledger_index *index = index_of(lines);
    g_autoptr(GArray) days = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_auto(GStrv) words = g_strsplit(open, " ", -1);
    for (guint i = 0; words[i] != NULL && words[i][0] != '\0'; i++) {
        int64_t day = g_ascii_strtoll(words[i], NULL, 10);
        g_array_append_val(days, day);
    }
    int64_t result = finality_through(index, days, first_day);
    index_free(index);
    return result;
}

static void test_through(void)
{
    g_assert_cmpint(through("", "", -1), ==, FINALITY_NONE); /* nothing was ever counted */
    g_assert_cmpint(through("", "1000", FIRST), ==, 999);    /* before the log everything is empty */
    g_assert_cmpint(through("1000", "1001", FIRST), ==, 1000);
    g_assert_cmpint(through("1000 1001 1002.1 1002.2", "1003", FIRST), ==, 1002);
    g_assert_cmpint(through("1000 1002", "1001", FIRST), ==, 1000);
    g_assert_cmpint(through("1000 1002", "", FIRST), ==, 1000); /* a day of the log without events wants its entry, too */
    g_assert_cmpint(through("1001", "", FIRST), ==, 999);
    /* days before the log's first: an import */
    g_assert_cmpint(through("1000", "500 1001", FIRST), ==, 499);
    g_assert_cmpint(through("500 1000", "500 1001", FIRST), ==, 1000); /* late events of a closed day: its next revision */
    g_assert_cmpint(through("500 1000", "700 600", FIRST), ==, 599);
    g_assert_cmpint(through("500 1000", "500 600 700", FIRST), ==, 599);
    g_assert_cmpint(through("500 501 900", "", FIRST), ==, 999);
    g_assert_cmpint(through("0", "", 0), ==, 0);
    g_assert_cmpint(through("", "0", 0), ==, FINALITY_NONE);
    /* the log's first day is not known: the ledger alone says */
    g_assert_cmpint(through("500 501 900", "", -1), ==, 501);
}

static void add_generation(GArray *generations, int64_t day, int revision)
{
    const struct generation generation = {.day = day, .revision = revision};
    g_array_append_val(generations, generation);
}

static bool covers(const struct finality *finality, int64_t day, int64_t days)
{
    return finality_covers(finality, day * CIVIL_DAY_MS, (day + days) * CIVIL_DAY_MS);
}

static void test_days_of_a_window(void)
{
    struct ledger_index *index = index_of("1000 1001.1 1001.2 1002 1004 1005");
    struct finality finality = {.through = 1002};
    g_autoptr(GArray) generations = g_array_new(FALSE, TRUE, sizeof(struct generation));
    g_autoptr(GArray) sheets = g_array_new(FALSE, TRUE, sizeof(struct sheet_want));
    const struct closed closed = {.sheets = sheets};
    const struct sheet_want in_sheet = {.name = {0, 1004, 2}};
    g_array_append_val(sheets, in_sheet); /* the next revision has its sheet, but is not in the ledger */
    add_generation(generations, 1001, 2);
    add_generation(generations, 1002, 2); /* late events */
    add_generation(generations, 1006, 1);
    finality_look(&finality, index, generations, &closed, 998, 1006);
    g_assert_true(covers(&finality, 998, 4));   /* the first two before the log */
    g_assert_false(covers(&finality, 997, 1));  /* outside */
    g_assert_false(covers(&finality, 1002, 1)); /* late */
    g_assert_false(covers(&finality, 1003, 1)); /* not in the ledger */
    g_assert_false(covers(&finality, 1004, 1));
    g_assert_true(covers(&finality, 1005, 1));
    g_assert_false(covers(&finality, 1005, 2));
    g_assert_true(finality_covers(&finality, 1005 * CIVIL_DAY_MS + 5, 1006 * CIVIL_DAY_MS));
    g_assert_false(finality_covers(&finality, 1005 * CIVIL_DAY_MS, 1006 * CIVIL_DAY_MS + 1));
    g_assert_false(finality_covers(NULL, 0, 1));
    finality_clear(&finality);
    g_assert_false(covers(&finality, 1005, 1));
    index_free(index);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/finality/through", test_through);
    g_test_add_func("/finality/days-of-a-window", test_days_of_a_window);
    return g_test_run();
}
