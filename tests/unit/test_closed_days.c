/* Pins and days on a real redis-server: which revision of each day is meant, and what sheets it has. */
#include "api/closed_days.h"

#include "tests/unit/ledger_world.h"

static struct ledger_world world;

enum { FIRST = WORLD_DAY - 10 };

static struct reader *open_reader(void)
{
    g_autoptr(GError) error = NULL;
    const struct redis_settings settings = {world.server.url, 20000, 60000};
    struct reader *reader = reader_new(&settings, 1);
    reader_begin(reader, g_get_monotonic_time() + 600 * G_TIME_SPAN_SECOND, &error);
    g_assert_no_error(error);
    return reader;
}

/* Day FIRST + offset is closed with so many requests of c-0 (partition 0) and c-1 (partition 1). */
static void close_day(int offset, int revision, uint64_t first, uint64_t second)
{
    world_rows(&world, "acme", 0, "", first);
    world_rows(&world, "acme", 1, "", second);
    world_close(&world, FIRST + offset, revision, revision > 1 ? SEAL_LATE : SEAL_DAY_END);
}

static void set_first(int offset)
{
    g_autofree char *first_ms = g_strdup_printf("%" G_GINT64_FORMAT, (int64_t)(FIRST + offset) * KEYS_DAY_MS);
    world_call(&world, "HSET {p0}:meta first_ms %s", first_ms);
}

struct view_of_ledger {
    struct reader *reader;
    struct ledger_cache *cache;
    struct ledger_place place;
};

static struct view_of_ledger look(void)
{
    g_autoptr(GError) error = NULL;
    struct view_of_ledger view = {.reader = open_reader(), .cache = ledger_cache_new()};
    view.place = (struct ledger_place){.reader = view.reader, .archive = world.archive};
    view.place.index = ledger_cache_take(view.cache, view.reader, &error);
    g_assert_no_error(error);
    return view;
}

static void look_away(struct view_of_ledger *view)
{
    ledger_index_release(view->place.index);
    ledger_cache_free(view->cache);
    reader_free(view->reader);
}

static struct pin pin_of(const struct view_of_ledger *view)
{
    g_autoptr(GError) error = NULL;
    struct pin pin;
    g_assert_true(pin_read(&pin, view->reader, view->place.index, &error));
    g_assert_no_error(error);
    return pin;
}

static struct closed_days *read_days(const struct view_of_ledger *view, struct pin pin, int first, int last)
{
    g_autoptr(GError) error = NULL;
    struct closed_days *days = closed_days_read(&view->place, pin, FIRST + first, FIRST + last, &error);
    g_assert_no_error(error);
    return days;
}

/* "e" empty, "-" not closed, else revision:events/sheets. */
static char *text_of(const struct closed_days *days)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < days->days->len; i++) {
        const struct closed_day *day = closed_days_get(days, days->first_day + i);
        g_assert_cmpint(day->day, ==, days->first_day + i);
        if (i > 0)
            g_string_append_c(text, ' ');
        if (day->state == DAY_CLOSED)
            g_string_append_printf(text, "%d:%" G_GUINT64_FORMAT "/%u", day->revision, day->events, day->sheets->len);
        else
            g_string_append(text, day->state == DAY_EMPTY ? "e" : "-");
        g_assert_true((day->state == DAY_CLOSED) == (day->sheets != NULL));
    }
    return g_string_free(text, FALSE);
}

static void expect(const struct view_of_ledger *view, struct pin pin, int first, int last, const char *wanted)
{
    struct closed_days *days = read_days(view, pin, first, last);
    g_autofree char *found = text_of(days);
    g_assert_cmpstr(found, ==, wanted);
    closed_days_free(days);
}

static void test_nothing(void)
{
    struct view_of_ledger view = look();
    const struct pin pin = pin_of(&view);
    int64_t first, last;
    g_assert_cmpuint(pin.n, ==, 0);
    g_assert_cmpint(pin.through, ==, FINALITY_NONE);
    g_assert_false(closed_days_bounds(view.place.index, pin, &first, &last));
    expect(&view, pin, -1, 1, "- - -");
    look_away(&view);
}

static void test_pins(void)
{
    int64_t first, last;
    set_first(0);
    close_day(0, 1, 3, 4);
    close_day(1, 1, 0, 5);
    close_day(2, 1, 0, 0);
    struct view_of_ledger view = look();
    const struct pin before = pin_of(&view);
    g_assert_cmpuint(before.n, ==, 3);
    g_assert_cmpint(before.through, ==, FIRST + 2);
    expect(&view, before, -2, 4, "e e 1:7/2 1:5/1 1:0/0 - -");
    look_away(&view);

    close_day(1, 2, 1, 6);
    close_day(3, 1, 1, 1);
    close_day(-2, 1, 2, 0); /* an import of a day before the log */
    close_day(1, 3, 2, 6);
    view = look();
    const struct pin now = pin_of(&view);
    g_assert_cmpuint(now.n, ==, 7);
    g_assert_cmpint(now.through, ==, FIRST + 3);
    expect(&view, now, -3, 4, "e 1:2/1 e 1:7/2 3:8/2 1:0/0 1:2/2 -");
    expect(&view, before, -3, 4, "e e e 1:7/2 1:5/1 1:0/0 - -"); /* what came later is not seen */
    expect(&view, (struct pin){4, FIRST + 2}, 1, 3, "2:7/2 1:0/0 -");
    g_assert_true(closed_days_bounds(view.place.index, now, &first, &last));
    g_assert_cmpint(first, ==, FIRST - 2);
    g_assert_cmpint(last, ==, FIRST + 3);
    g_assert_true(closed_days_bounds(view.place.index, before, &first, &last));
    g_assert_cmpint(first, ==, FIRST);
    g_assert_cmpint(last, ==, FIRST + 2);
    look_away(&view);
}

static void test_sheets(void)
{
    struct view_of_ledger view = look();
    struct closed_days *days = read_days(&view, pin_of(&view), 1, 1);
    const struct closed_day *day = closed_days_get(days, FIRST + 1);
    g_assert_null(closed_days_get(days, FIRST));
    g_assert_null(closed_days_get(days, FIRST + 2));
    g_assert_cmpuint(day->sheets->len, ==, 2);
    g_assert_true(day->complete);
    for (guint i = 0; i < 2; i++) {
        const struct sheet_want *want = g_ptr_array_index(day->sheets, i);
        const struct sheet_name name = {(int)i, FIRST + 1, 3};
        g_autoptr(GError) error = NULL;
        g_assert_true(want->name.partition == name.partition && want->name.day == name.day && want->name.revision == name.revision);
        g_assert_cmpuint(want->events, ==, i == 0 ? 2 : 6);
        GBytes *bytes = archive_get_sheet(world.archive, &name, want->checksum, &error); /* compares the checksum */
        g_assert_no_error(error);
        g_bytes_unref(bytes);
    }
    closed_days_free(days);
    look_away(&view);
}

/* What was learned once is not asked for again. */
static void test_remembered(void)
{
    struct view_of_ledger view = look();
    const struct pin pin = pin_of(&view);
    closed_days_free(read_days(&view, pin, -10, 10));
    const uint64_t asked = reader_asked(view.reader);
    closed_days_free(read_days(&view, pin, -10, 10));
    closed_days_free(read_days(&view, (struct pin){3, FIRST + 2}, 1, 1));
    g_assert_cmpuint(reader_asked(view.reader), ==, asked + 1); /* of an older revision: that entry */
    look_away(&view);
}

/* Beyond the bound nothing is remembered. */
static void test_bound(void)
{
    struct view_of_ledger view = look();
    struct ledger_index *index = view.place.index;
    for (guint size = 10; size <= LEDGER_INDEX_SHEETS_MAX; size += LEDGER_INDEX_SHEETS_MAX - 10) {
        g_autoptr(GPtrArray) sheets = g_ptr_array_sized_new(size);
        g_ptr_array_set_size(sheets, (gint)size);
        ledger_index_learn_sheets(index, 1000 + size, sheets);
        g_autoptr(GPtrArray) known = ledger_index_recall_sheets(index, 1000 + size);
        g_assert_true((known != NULL) == (size == 10));
    }
    look_away(&view);
}

static void test_failures(void)
{
    g_autoptr(GError) error = NULL;
    struct view_of_ledger view = look();
    struct pin pin = pin_of(&view);
    pin.n++;
    g_assert_null(closed_days_read(&view.place, pin, FIRST, FIRST + 1, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_CHANGED);
    g_clear_error(&error);
    pin.n--;
    view.place.archive = NULL;
    world_call(&world, "HSET {p0}:ledger 5 %s", "nonsense");
    g_assert_null(closed_days_read(&view.place, pin, FIRST, FIRST + 3, &error));
    g_assert_error(error, READER_ERROR, READER_ERROR_COPY);
    g_assert_nonnull(strstr(error->message, "{p0}:ledger"));
    look_away(&view);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    world_set_up(&world);
    g_test_add_func("/closed_days/nothing", test_nothing);
    g_test_add_func("/closed_days/pins", test_pins);
    g_test_add_func("/closed_days/sheets", test_sheets);
    g_test_add_func("/closed_days/remembered", test_remembered);
    g_test_add_func("/closed_days/bound", test_bound);
    g_test_add_func("/closed_days/failures", test_failures);
    const int code = g_test_run();
    world_tear_down(&world);
    return code;
}
