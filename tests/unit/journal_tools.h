/* What the tests of the journal share: a directory, groups that can be recognized, and a look at what a reader gets. */
#ifndef DAYBOOK_TESTS_JOURNAL_TOOLS_H
#define DAYBOOK_TESTS_JOURNAL_TOOLS_H

#include "collector/journal.h"

#include <glib/gstdio.h>
#include <inttypes.h>

enum { TOOLS_SEGMENT = 64 * 1024, TOOLS_RECORD = 1000 };

struct tools {
    char *dir;
    struct journal_settings settings;
    struct journal *journal;
};

static inline void tools_remove(const char *dir)
{
    GDir *listing = g_dir_open(dir, 0, NULL);
    for (const char *name; listing && (name = g_dir_read_name(listing)) != NULL;) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_remove(path);
    }
    if (listing)
        g_dir_close(listing);
    g_rmdir(dir);
}

static inline void tools_open(struct tools *t)
{
    g_autoptr(GError) error = NULL;
    static const uint8_t stream[STREAM_ID_SIZE] = {1, 2, 3};
    t->journal = journal_open(&t->settings, &error);
    g_assert_no_error(error);
    journal_begin(t->journal, stream, 4);
}

static inline void tools_close(struct tools *t)
{
    g_clear_pointer(&t->journal, journal_close);
}

static inline void tools_reopen(struct tools *t)
{
    tools_close(t);
    tools_open(t);
}

/* A new directory; in memory where that is possible: thousands of fdatasyncs follow. */
static inline char *tools_directory(void)
{
    char *dir = g_strdup("/dev/shm/daybook-journal-XXXXXX");
    if (g_mkdtemp(dir))
        return dir;
    g_free(dir);
    dir = g_dir_make_tmp("daybook-journal-XXXXXX", NULL);
    g_assert_nonnull(dir);
    return dir;
}

static inline void tools_set_up(struct tools *t, gconstpointer unused)
{
    (void)unused;
    t->dir = tools_directory();
    t->settings =
        (struct journal_settings){.dir = t->dir, .topic = "t", .max_bytes = 64 * TOOLS_SEGMENT, .segment_bytes = TOOLS_SEGMENT};
    tools_open(t);
}

static inline void tools_tear_down(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_close(t);
    tools_remove(t->dir);
    g_free(t->dir);
}

/* Group n: one batch with sequence n whose record is `size` bytes that follow from n, and the position "file" = n. */
static inline struct journal_group *tools_group(uint64_t n, size_t size)
{
    struct journal_group *group = journal_group_new();
    char *record = g_malloc(size);
    for (size_t i = 0; i < size; i++)
        record[i] = (char)(n * 31 + i * 7);
    struct journal_batch batch = {.partition = (uint32_t)(n % 4), .events = 1, .sequence = n, .created_ms = (int64_t)(1000 + n)};
    batch.record = g_bytes_new_take(record, size);
    journal_group_take_batch(group, &batch);
    g_autoptr(GBytes) position = g_bytes_new(&n, sizeof n);
    journal_group_set_position(group, view_of("file"), position);
    return group;
}

static inline enum journal_result tools_try_append(struct tools *t, uint64_t n, size_t size)
{
    struct journal_group *group = tools_group(n, size);
    enum journal_result result = journal_append(t->journal, group);
    journal_group_free(group);
    return result;
}

/* Appends the groups first to last. */
static inline void tools_append(struct tools *t, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++)
        g_assert_cmpint(tools_try_append(t, n, TOOLS_RECORD), ==, JOURNAL_DURABLE);
}

/* Asserts that the group is group n as it was made, and returns n. */
static inline uint64_t tools_recognize(const struct journal_group *group)
{
    g_assert_cmpuint(group->batches->len, ==, 1);
    const struct journal_batch *batch = &g_array_index(group->batches, struct journal_batch, 0);
    struct journal_group *expected = tools_group(batch->sequence, g_bytes_get_size(batch->record));
    const struct journal_batch *made = &g_array_index(expected->batches, struct journal_batch, 0);
    g_assert_true(g_bytes_equal(made->record, batch->record));
    g_assert_cmpuint(made->partition, ==, batch->partition);
    g_assert_cmpint(made->created_ms, ==, batch->created_ms);
    journal_group_free(expected);
    return batch->sequence;
}

/* What a new reader gets, as "1 2 3 5": the groups' sequences. Acknowledges up to and including `acknowledge` (0: nothing). */
static inline char *tools_read(struct tools *t, uint64_t acknowledge)
{
    GString *text = g_string_new(NULL);
    struct journal_reader *reader = journal_reader_new(t->journal);
    struct journal_group *group = NULL;
    for (;;) {
        enum journal_read result = journal_reader_next(reader, &group);
        if (result == JOURNAL_READ_NOTHING)
            break;
        if (result == JOURNAL_READ_FAILED)
            continue;
        uint64_t n = group->batches->len > 0 ? tools_recognize(group) : 0; /* 0: only positions */
        if (n > 0)
            g_string_append_printf(text, "%s%" PRIu64, text->len ? " " : "", n);
        if (n <= acknowledge)
            journal_acknowledge(t->journal, group);
        g_clear_pointer(&group, journal_group_free);
    }
    journal_reader_free(reader);
    return g_string_free(text, FALSE);
}

static inline void tools_assert_reads(struct tools *t, const char *expected)
{
    g_autofree char *text = tools_read(t, 0);
    g_assert_cmpstr(text, ==, expected);
}

/* "first … last" */
static inline char *tools_range(uint64_t first, uint64_t last)
{
    GString *text = g_string_new(NULL);
    for (uint64_t n = first; n <= last; n++)
        g_string_append_printf(text, "%s%" PRIu64, text->len ? " " : "", n);
    return g_string_free(text, FALSE);
}

static inline void tools_assert_reads_range(struct tools *t, uint64_t first, uint64_t last)
{
    g_autofree char *expected = tools_range(first, last);
    tools_assert_reads(t, expected);
}

/* The position "file", 0: none. */
static inline uint64_t tools_position(struct tools *t)
{
    g_autoptr(GBytes) value = journal_position(t->journal, "file");
    uint64_t n = 0;
    if (!value)
        return 0;
    g_assert_cmpuint(g_bytes_get_size(value), ==, sizeof n);
    memcpy(&n, g_bytes_get_data(value, NULL), sizeof n);
    return n;
}

static inline struct journal_stats tools_stats(struct tools *t)
{
    struct journal_stats stats;
    journal_stats(t->journal, &stats);
    return stats;
}

/* ---- files ---- */

static inline char *tools_path(const struct tools *t, const char *name)
{
    return g_build_filename(t->dir, name, NULL);
}

static inline char *tools_segment(const struct tools *t, uint64_t number)
{
    return g_strdup_printf("%s/%016" PRIx64 ".seg", t->dir, number);
}

static inline bool tools_exists(const struct tools *t, uint64_t number, const char *suffix)
{
    g_autofree char *path = g_strdup_printf("%s/%016" PRIx64 ".%s", t->dir, number, suffix);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static inline GBytes *tools_load(const char *path)
{
    char *data = NULL;
    gsize size = 0;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &data, &size, &error);
    g_assert_no_error(error);
    return g_bytes_new_take(data, size);
}

static inline void tools_store(const char *path, const void *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, data, (gssize)size, &error);
    g_assert_no_error(error);
}

/* Changes the byte at offset. */
static inline void tools_flip(const char *path, size_t offset)
{
    g_autoptr(GBytes) bytes = tools_load(path);
    gsize size = 0;
    const char *data = g_bytes_get_data(bytes, &size);
    g_assert_cmpuint(offset, <, size);
    char *copy = g_memdup2(data, size);
    copy[offset] = (char)(copy[offset] ^ 0x55);
    tools_store(path, copy, size);
    g_free(copy);
}

#endif
