#include "collector/follow_mark.h"
#include <string.h>

static struct follow_mark example(uint64_t offset)
{
    struct follow_mark mark = {.device = 64769,
                               .inode = UINT64_C(18446744073709551615),
                               .first_ns = INT64_C(1795257421250000001),
                               .offset = offset,
                               .skipping = offset % 2,
                               .finished = offset == 4,
                               .head_size = 1024,
                               .tail_size = (uint32_t)MIN(offset, (uint64_t)256)};
    follow_digest("head", 4, mark.head_digest);
    follow_digest("tail", 4, mark.tail_digest);
    return mark;
}

static void test_round_trip(void)
{
    GString *text = g_string_new(NULL);
    int64_t since_ns = 0;
    follow_position_begin(text, -5);
    for (uint64_t i = 0; i < FOLLOW_MARKS_MAX; i++) {
        struct follow_mark mark = example(i * i);
        follow_position_add(text, &mark);
    }
    GArray *marks = follow_position_read(text->str, text->len, &since_ns);
    g_assert_nonnull(marks);
    g_assert_cmpint(since_ns, ==, -5);
    g_assert_cmpuint(marks->len, ==, FOLLOW_MARKS_MAX);
    for (uint64_t i = 0; i < FOLLOW_MARKS_MAX; i++) {
        struct follow_mark mark = example(i * i);
        const struct follow_mark *found = &g_array_index(marks, struct follow_mark, i);
        g_assert_cmpuint(found->device, ==, mark.device);
        g_assert_cmpuint(found->inode, ==, mark.inode);
        g_assert_cmpint(found->first_ns, ==, mark.first_ns);
        g_assert_cmpuint(found->offset, ==, mark.offset);
        g_assert_cmpint(found->finished, ==, mark.finished);
        g_assert_cmpint(found->skipping, ==, mark.skipping && !mark.finished);
        g_assert_cmpuint(found->head_size, ==, mark.head_size);
        g_assert_cmpuint(found->tail_size, ==, mark.tail_size);
        g_assert_true(memcmp(found->head_digest, mark.head_digest, FOLLOW_DIGEST_SIZE) == 0);
        g_assert_true(memcmp(found->tail_digest, mark.tail_digest, FOLLOW_DIGEST_SIZE) == 0);
    }
    g_array_unref(marks);
    struct follow_mark more = example(0);
    follow_position_add(text, &more);
    g_assert_null(follow_position_read(text->str, text->len, &since_ns));
    g_assert_cmpuint(text->len, <, 64 * 1024); /* what the journal takes */
    g_string_free(text, TRUE);
}

static void test_no_files(void)
{
    int64_t since_ns = 0;
    GArray *marks = follow_position_read("1 77\n", 5, &since_ns);
    g_assert_nonnull(marks);
    g_assert_cmpuint(marks->len, ==, 0);
    g_assert_cmpint(since_ns, ==, 77);
    g_array_unref(marks);
}

/* No text that was cut or has another byte in it breaks the reader; what it takes is within its limits. */
static void test_damaged(void)
{
    static const char bytes[] = "\0\n 01s-f\xff";
    GString *text = g_string_new(NULL);
    int64_t since_ns = 0;
    follow_position_begin(text, 1);
    struct follow_mark mark = example(1000);
    follow_position_add(text, &mark);
    for (size_t i = 0; i < text->len; i++) {
        GArray *cut = follow_position_read(text->str, i, &since_ns);
        g_assert_true(cut == NULL || i == 4); /* behind the first line nothing is missing */
        if (cut)
            g_array_unref(cut);
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            g_autofree char *other = g_memdup2(text->str, text->len);
            other[i] = bytes[b];
            GArray *marks = follow_position_read(other, text->len, &since_ns);
            for (guint m = 0; marks && m < marks->len; m++) {
                const struct follow_mark *found = &g_array_index(marks, struct follow_mark, m);
                g_assert_true(found->head_size <= FOLLOW_HEAD_MAX && found->tail_size <= FOLLOW_TAIL_MAX);
                g_assert_true(found->tail_size <= found->offset);
            }
            if (marks)
                g_array_unref(marks);
        }
    }
    g_string_free(text, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/follow_mark/round_trip", test_round_trip);
    g_test_add_func("/follow_mark/no_files", test_no_files);
    g_test_add_func("/follow_mark/damaged", test_damaged);
    return g_test_run();
}
