/* What a journal makes of files that are torn, damaged, missing or not its own. Nothing that is right may be lost, nothing that is
 * wrong may stop the start. */
#include "tests/unit/journal_tools.h"

/* ---- a torn end ---- */

/* Where the groups of the only segment begin: g_array of uint64_t, the end of the last one at its end. Appends groups 1 to n. */
static GArray *append_and_note(struct tools *t, uint64_t n)
{
    GArray *offsets = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    for (uint64_t i = 1; i <= n; i++) {
        struct journal_group *group = tools_group(i, 200);
        g_assert_cmpint(journal_append(t->journal, group), ==, JOURNAL_DURABLE);
        g_assert_cmpuint(group->end.segment, ==, 1);
        g_array_append_val(offsets, group->end.offset);
        journal_group_free(group);
    }
    return offsets;
}

/* Throws all files away but segment 1, which gets these bytes. */
static void only_segment(struct tools *t, const void *data, size_t size)
{
    tools_close(t);
    tools_remove(t->dir);
    g_assert_cmpint(g_mkdir(t->dir, 0750), ==, 0);
    g_autofree char *path = tools_segment(t, 1);
    tools_store(path, data, size);
    tools_open(t);
}

/* Whatever part of the last group reached the disk: it never was. */
static void test_torn_at_every_byte(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 4);
    uint64_t from = g_array_index(ends, uint64_t, 2), to = g_array_index(ends, uint64_t, 3);
    g_autofree char *path = tools_segment(t, 1);
    g_autoptr(GBytes) whole = tools_load(path);
    char *data = g_memdup2(g_bytes_get_data(whole, NULL), g_bytes_get_size(whole));
    for (uint64_t cut = from; cut < to; cut++) {
        memset(data + cut, 0, to - cut); /* the file has its length before its bytes */
        if (cut % 2 && memcmp(data, g_bytes_get_data(whole, NULL), to) == 0)
            continue; /* there were zeros before */
        only_segment(t, data, cut % 2 ? to + 100 : cut);
        tools_assert_reads_range(t, 1, 3);
        g_assert_cmpuint(tools_position(t), ==, 3);
        g_assert_cmpuint(tools_stats(t).bad_files, ==, 0);
        g_assert_cmpint(tools_stats(t).cut_bytes > 0, ==, cut > from);
        tools_append(t, 4, 5);
        tools_assert_reads_range(t, 1, 5);
        memcpy(data, g_bytes_get_data(whole, NULL), g_bytes_get_size(whole));
    }
    g_free(data);
}

/* A disk may write the last pages of a group first. */
static void test_torn_in_any_order(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 4);
    uint64_t from = g_array_index(ends, uint64_t, 2), to = g_array_index(ends, uint64_t, 3);
    g_autofree char *path = tools_segment(t, 1);
    g_autoptr(GBytes) whole = tools_load(path);
    gsize size = g_bytes_get_size(whole);
    char *data = g_malloc(size);
    for (uint64_t hole = from; hole < to; hole += 8)
        for (uint64_t length = 8; length <= to - hole; length += 40) {
            memcpy(data, g_bytes_get_data(whole, NULL), size);
            memset(data + hole, 0, length);
            if (memcmp(data, g_bytes_get_data(whole, NULL), size) == 0)
                continue; /* there were zeros before */
            only_segment(t, data, size);
            tools_assert_reads_range(t, 1, 3);
            g_assert_cmpuint(tools_stats(t).bad_files, ==, 0);
        }
    g_free(data);
}

/* ---- damage in the middle ---- */

static void test_damaged_middle(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 6);
    uint64_t from = g_array_index(ends, uint64_t, 1), to = g_array_index(ends, uint64_t, 2); /* group 3 */
    g_autofree char *path = tools_segment(t, 1);
    g_autoptr(GBytes) whole = tools_load(path);
    gsize size = g_bytes_get_size(whole);
    char *data = g_malloc(size);
    for (uint64_t at = from; at < to; at += 5) {
        memcpy(data, g_bytes_get_data(whole, NULL), size);
        data[at] = (char)(data[at] ^ 1);
        only_segment(t, data, size);
        g_assert_true(tools_exists(t, 1, "bad"));
        g_autofree char *text = tools_read(t, 6);
        /* A flipped bit in the padding harms nothing but is not looked at either. */
        if (strcmp(text, "1 2 3 4 5 6") != 0) {
            g_assert_cmpstr(text, ==, "1 2 4 5 6");
            g_assert_cmpuint(tools_stats(t).lost_groups, ==, 1);
        }
        g_assert_cmpuint(tools_position(t), ==, 6);
        tools_append(t, 7, 8);
        tools_assert_reads(t, "7 8");
        g_assert_true(journal_save(t->journal));
        g_assert_true(tools_exists(t, 1, "bad")); /* kept to be looked at */
        tools_reopen(t);
        tools_assert_reads(t, "7 8");
        g_assert_cmpuint(tools_stats(t).bad_files, ==, 1);
    }
    g_free(data);
}

/* Zeros look like an end. */
static void test_zeroed_middle(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 6);
    uint64_t from = g_array_index(ends, uint64_t, 1), to = g_array_index(ends, uint64_t, 3);
    g_autofree char *path = tools_segment(t, 1);
    g_autoptr(GBytes) whole = tools_load(path);
    gsize size = g_bytes_get_size(whole);
    char *data = g_memdup2(g_bytes_get_data(whole, NULL), size);
    memset(data + from, 0, to - from);
    only_segment(t, data, size);
    tools_assert_reads(t, "1 2 5 6");
    g_assert_cmpuint(tools_stats(t).lost_groups, ==, 2);
    g_assert_true(tools_exists(t, 1, "bad"));
    g_free(data);
}

/* The snapshot was durable before any group: one group behind it proves that it was damaged. */
static void test_damaged_snapshot(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_array_unref(append_and_note(t, 1));
    g_autofree char *path = tools_segment(t, 1);
    tools_flip(path, JOURNAL_HEADER_SIZE + 30);
    tools_reopen(t);
    g_assert_true(tools_exists(t, 1, "bad"));
    tools_assert_reads(t, "1");
    g_assert_cmpuint(tools_position(t), ==, 1);
    tools_append(t, 2, 3);
    tools_reopen(t);
    tools_assert_reads_range(t, 1, 3);
}

/* In a segment that is not the newest: met when it is read, not at the start. */
static void test_damaged_older_segment(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 200);
    tools_close(t);
    g_autofree char *path = tools_segment(t, 2);
    tools_flip(path, 30000);
    tools_open(t);
    g_assert_cmpuint(tools_stats(t).bad_files, ==, 0);
    g_autofree char *text = tools_read(t, 200);
    g_auto(GStrv) numbers = g_strsplit(text, " ", -1);
    g_assert_cmpuint(g_strv_length(numbers), ==, 199);
    g_assert_cmpuint(tools_stats(t).bad_files, ==, 1);
    g_assert_cmpuint(tools_stats(t).lost_groups, ==, 1);
    g_assert_true(journal_save(t->journal));
    g_assert_true(tools_exists(t, 2, "bad"));
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 0);
}

/* The last group of an older segment: the next segment tells that it was there. */
static void test_damaged_end_of_older_segment(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 5);
    tools_reopen(t);
    tools_append(t, 6, 7);
    tools_close(t);
    g_autofree char *path = tools_segment(t, 1);
    tools_flip(path, g_array_index(ends, uint64_t, 3) + 60);
    tools_open(t);
    tools_assert_reads(t, "1 2 3 4 6 7");
    g_assert_cmpuint(tools_stats(t).lost_groups, ==, 1);
    g_assert_true(tools_exists(t, 1, "bad"));
}

static void test_damage_while_running(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 6);
    g_autofree char *path = tools_segment(t, 1);
    FILE *file = fopen(path, "r+"); /* in place: the writer has the file open */
    g_assert_nonnull(file);
    g_assert_cmpint(fseek(file, (long)g_array_index(ends, uint64_t, 1) + 50, SEEK_SET), ==, 0);
    g_assert_cmpint(fputc(0xff, file), ==, 0xff);
    fclose(file);
    tools_append(t, 7, 7);
    g_autofree char *text = tools_read(t, 0);
    g_assert_cmpstr(text, ==, "1 2 4 5 6 7");
    tools_append(t, 8, 100); /* it goes on */
    g_autofree char *more = tools_read(t, 100);
    g_assert_true(g_str_has_suffix(more, " 99 100"));
    g_assert_true(journal_save(t->journal));
}

/* ---- files that are not what they should be ---- */

static void test_no_header(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 3);
    tools_reopen(t);
    tools_append(t, 4, 6);
    tools_close(t);
    g_autofree char *path = tools_segment(t, 2);
    tools_flip(path, 20);
    tools_open(t); /* what was in it is lost, nothing else, and the start goes on */
    g_assert_true(tools_exists(t, 2, "bad"));
    tools_assert_reads_range(t, 1, 3);
    tools_append(t, 7, 8);
    tools_assert_reads(t, "1 2 3 7 8");
}

static void test_foreign_files(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 3);
    tools_close(t);
    g_autofree char *segment = tools_segment(t, 9), *note = tools_path(t, "README"), *spare = tools_path(t, "spare.0"),
                    *bad = tools_path(t, "cursor.bad"), *empty = tools_segment(t, 10), *odd = tools_path(t, "12.seg");
    tools_store(segment, "somebody else's file", 20);
    tools_store(note, "hello", 5);
    tools_store(spare, "short", 5);
    tools_store(bad, "x", 1);
    tools_store(empty, "", 0);
    tools_store(odd, "x", 1);
    tools_open(t);
    tools_assert_reads_range(t, 1, 3);
    g_assert_true(tools_exists(t, 9, "bad"));
    g_assert_true(tools_exists(t, 10, "bad"));
    g_assert_true(g_file_test(note, G_FILE_TEST_EXISTS));
    tools_append(t, 4, 5); /* in a segment with a number behind all others */
    g_assert_true(tools_exists(t, 11, "seg"));
    tools_assert_reads_range(t, 1, 5);
}

static void test_wrong_number(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 3);
    tools_close(t);
    g_autofree char *from = tools_segment(t, 1), *to = tools_segment(t, 5);
    g_autoptr(GBytes) copy = tools_load(from);
    tools_store(to, g_bytes_get_data(copy, NULL), g_bytes_get_size(copy));
    tools_open(t);
    tools_assert_reads_range(t, 1, 3);
    g_assert_true(tools_exists(t, 5, "bad"));
}

static void test_missing_segment(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 200);
    tools_close(t);
    g_autofree char *path = tools_segment(t, 2);
    g_assert_cmpint(g_remove(path), ==, 0);
    tools_open(t);
    g_autofree char *text = tools_read(t, 200);
    g_assert_true(g_str_has_prefix(text, "1 2 3 "));
    g_assert_true(g_str_has_suffix(text, " 199 200"));
    g_assert_cmpuint(tools_stats(t).lost_groups, >, 20);
    g_assert_true(journal_save(t->journal));
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 0);
}

static void test_missing_while_running(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 200);
    g_autofree char *path = tools_segment(t, 2);
    g_assert_cmpint(g_remove(path), ==, 0);
    g_autofree char *text = tools_read(t, 200);
    g_assert_true(g_str_has_suffix(text, " 199 200"));
    g_assert_cmpuint(tools_stats(t).lost_groups, >, 20);
}

/* What a segment held before it was used again never comes back, though its frames are whole. */
static void test_other_nonce(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GArray) ends = append_and_note(t, 4);
    uint64_t from = g_array_index(ends, uint64_t, 2), to = g_array_index(ends, uint64_t, 3);
    g_autofree char *path = tools_segment(t, 1);
    g_autoptr(GBytes) old = tools_load(path);
    tools_close(t);
    tools_remove(t->dir);
    tools_open(t);
    g_array_unref(append_and_note(t, 3));
    tools_close(t);
    g_autoptr(GBytes) new = tools_load(path);
    char *data = g_memdup2(g_bytes_get_data(new, NULL), g_bytes_get_size(new));
    memcpy(data + from, (const char *)g_bytes_get_data(old, NULL) + from, to - from);
    only_segment(t, data, g_bytes_get_size(new));
    tools_assert_reads_range(t, 1, 3);
    g_assert_cmpuint(tools_stats(t).bad_files, ==, 0);
    g_free(data);
}

/* ---- the cursor ---- */

static void prepare_cursor(struct tools *t)
{
    tools_append(t, 1, 10);
    g_free(tools_read(t, 4)); /* generation 1, in the second slot */
    g_assert_true(journal_save(t->journal));
    g_free(tools_read(t, 7)); /* generation 2, in the first */
    g_assert_true(journal_save(t->journal));
    tools_close(t);
}

static void test_cursor_slots(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = tools_path(t, "cursor");
    prepare_cursor(t);
    g_autoptr(GBytes) whole = tools_load(path);
    for (size_t at = 0; at < 76; at++) {
        tools_store(path, g_bytes_get_data(whole, NULL), g_bytes_get_size(whole));
        tools_flip(path, at); /* the newer one is torn: the older one holds */
        tools_open(t);
        tools_assert_reads_range(t, 5, 10);
        tools_close(t);
        tools_store(path, g_bytes_get_data(whole, NULL), g_bytes_get_size(whole));
        tools_flip(path, 4096 + at);
        tools_open(t);
        tools_assert_reads_range(t, 8, 10);
        tools_close(t);
    }
}

static void test_cursor_lost(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = tools_path(t, "cursor"), *bad = tools_path(t, "cursor.bad");
    prepare_cursor(t);
    tools_flip(path, 10);
    tools_flip(path, 4096 + 10);
    tools_open(t);
    g_assert_true(g_file_test(bad, G_FILE_TEST_EXISTS));
    tools_assert_reads_range(t, 1, 10); /* everything again: sequences drop what was there */
    g_assert_cmpuint(tools_stats(t).unacknowledged_batches, ==, 10);
    tools_close(t);
    g_assert_cmpint(g_remove(path), ==, 0);
    tools_open(t);
    tools_assert_reads_range(t, 1, 10);
    tools_close(t);
    tools_store(path, "a foreign file", 14);
    tools_open(t);
    tools_assert_reads_range(t, 1, 10);
}

/* A cursor that was taken in another file of the same number (a restored disk) must not skip anything. */
static void test_cursor_of_another_file(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = tools_path(t, "cursor");
    prepare_cursor(t);
    g_autoptr(GBytes) cursor = tools_load(path);
    tools_remove(t->dir);
    tools_open(t);
    tools_append(t, 1, 10);
    tools_close(t);
    tools_store(path, g_bytes_get_data(cursor, NULL), g_bytes_get_size(cursor));
    tools_open(t);
    /* Group numbers still count: the journal believes that 1 to 7 are acknowledged, and reads the rest whole. */
    g_autofree char *text = tools_read(t, 0);
    g_assert_true(g_str_has_suffix(text, "8 9 10"));
}

/* ---- removing ---- */

/* Killed between "deleting up to N" and the unlink: what comes back is not sent again. */
static void test_deleted_file_comes_back(struct tools *t, gconstpointer unused)
{
    (void)unused;
    tools_append(t, 1, 200);
    g_autofree char *path = tools_segment(t, 1);
    g_autoptr(GBytes) copy = tools_load(path);
    g_free(tools_read(t, 200));
    g_assert_true(journal_save(t->journal));
    g_assert_false(tools_exists(t, 1, "seg"));
    tools_close(t);
    tools_store(path, g_bytes_get_data(copy, NULL), g_bytes_get_size(copy));
    tools_open(t);
    g_assert_false(tools_exists(t, 1, "seg"));
    tools_assert_reads(t, "");
    tools_append(t, 201, 202);
    tools_assert_reads(t, "201 202");
}

/* ---- at random ---- */

static uint32_t seed;

/* One change to one file. */
static void damage(struct tools *t, GRand *rand)
{
    GDir *listing = g_dir_open(t->dir, 0, NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(listing)) != NULL;)
        g_ptr_array_add(names, g_strdup(name));
    g_dir_close(listing);
    g_autofree char *path = tools_path(t, names->pdata[g_rand_int_range(rand, 0, (gint32)names->len)]);
    g_autoptr(GBytes) bytes = tools_load(path);
    gsize size = g_bytes_get_size(bytes);
    if (size == 0)
        return;
    g_autofree char *data = g_memdup2(g_bytes_get_data(bytes, NULL), size);
    gsize at = (gsize)(g_rand_double(rand) * (double)size), length = 1 + (gsize)g_rand_int_range(rand, 0, 3000);
    length = MIN(length, size - at);
    switch (g_rand_int_range(rand, 0, 4)) {
    case 0:
        memset(data + at, g_rand_int_range(rand, 0, 2) ? 0xff : 0, length);
        break;
    case 1:
        size = at;
        break;
    case 2:
        data[at] = (char)(data[at] ^ (1 << g_rand_int_range(rand, 0, 8)));
        break;
    default:
        memmove(data + at, data + g_rand_int_range(rand, 0, (gint32)(size - length + 1)), length);
        break;
    }
    tools_store(path, data, size);
}

/* Whatever is done to the files: it opens, gives back only groups that were written, each once and in order, and takes new ones. */
static void test_random_damage(struct tools *t, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    uint64_t n = 0;
    for (int round = 0; round < 300; round++) {
        uint64_t more = (uint64_t)g_rand_int_range(rand, 1, 120);
        tools_append(t, n + 1, n + more);
        n += more;
        if (g_rand_int_range(rand, 0, 2)) {
            g_free(tools_read(t, n - (uint64_t)g_rand_int_range(rand, 0, 20)));
            journal_save(t->journal);
        }
        tools_close(t);
        for (int i = g_rand_int_range(rand, 0, 3); i > 0; i--)
            damage(t, rand);
        tools_open(t);
        g_autofree char *text = tools_read(t, 0);
        g_auto(GStrv) numbers = g_strsplit(text, " ", -1);
        uint64_t before = 0;
        for (size_t i = 0; numbers[i]; i++) {
            uint64_t number = g_ascii_strtoull(numbers[i], NULL, 10);
            g_assert_cmpuint(number, >, before);
            g_assert_cmpuint(number, <=, n);
            before = number;
        }
        if (round % 20 == 19) { /* evidence uses up the budget, as it shall: somebody has looked at it */
            tools_close(t);
            tools_remove(t->dir);
            tools_open(t);
        }
    }
}

#define ADD(name) g_test_add("/journal/damage/" #name, struct tools, NULL, tools_set_up, test_##name, tools_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    seed = (uint32_t)g_test_rand_int(); /* given again by --seed */
    ADD(torn_at_every_byte);
    ADD(torn_in_any_order);
    ADD(damaged_middle);
    ADD(zeroed_middle);
    ADD(damaged_snapshot);
    ADD(damaged_older_segment);
    ADD(damaged_end_of_older_segment);
    ADD(damage_while_running);
    ADD(no_header);
    ADD(foreign_files);
    ADD(wrong_number);
    ADD(missing_segment);
    ADD(missing_while_running);
    ADD(other_nonce);
    ADD(cursor_slots);
    ADD(cursor_lost);
    ADD(cursor_of_another_file);
    ADD(deleted_file_comes_back);
    ADD(random_damage);
    return g_test_run();
}
