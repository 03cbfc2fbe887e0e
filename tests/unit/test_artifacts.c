#include "api/artifacts.h"

#include <dirent.h>
#include <glib/gstdio.h>
#include <unistd.h>

static struct export_file make(const char *text, int64_t size)
{
    struct export_file file = {.size = size};
    g_autofree char *path = NULL;
    file.fd = g_file_open_tmp("artifact-XXXXXX", &path, NULL);
    g_assert_cmpint(file.fd, >=, 0);
    g_unlink(path);
    g_assert_cmpint(write(file.fd, text, strlen(text)), ==, (ssize_t)strlen(text));
    g_snprintf(file.etag, sizeof file.etag, "\"%s\"", text);
    return file;
}

static void put(struct artifacts *artifacts, const char *key, int64_t size)
{
    struct export_file file = make(key, size);
    artifacts_put(artifacts, key, &file);
    close(file.fd);
}

/* Whether it is there, as it was put. */
static bool get(struct artifacts *artifacts, const char *key, int64_t size)
{
    struct export_file file;
    char text[64] = "";
    if (!artifacts_get(artifacts, key, &file))
        return false;
    g_assert_cmpint(pread(file.fd, text, sizeof text - 1, 0), ==, (ssize_t)strlen(key));
    g_assert_cmpstr(text, ==, key);
    g_assert_cmpint(file.size, ==, size);
    g_assert_true(strncmp(file.etag + 1, key, strlen(key)) == 0);
    close(file.fd);
    return true;
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

static void test_kept(void)
{
    int before = open_descriptors();
    struct artifacts *artifacts = artifacts_new(1000);
    g_assert_false(get(artifacts, "a", 10));
    put(artifacts, "a", 10);
    put(artifacts, "b", 20);
    g_assert_true(get(artifacts, "a", 10) && get(artifacts, "b", 20));
    put(artifacts, "a", 30); /* again */
    g_assert_true(get(artifacts, "a", 30));
    put(artifacts, "large", 1001);
    g_assert_false(get(artifacts, "large", 1001));
    artifacts_free(artifacts);
    g_assert_cmpint(open_descriptors(), ==, before);
}

/* Those longest unused go first; who has one open goes on. */
static void test_bounds(void)
{
    struct artifacts *artifacts = artifacts_new(1000);
    struct export_file open;
    put(artifacts, "a", 400);
    put(artifacts, "b", 400);
    g_assert_true(artifacts_get(artifacts, "b", &open));
    g_assert_true(get(artifacts, "a", 400));
    put(artifacts, "c", 200);
    g_assert_true(get(artifacts, "b", 400) && get(artifacts, "a", 400) && get(artifacts, "c", 200));
    put(artifacts, "d", 1);
    g_assert_false(get(artifacts, "b", 400));
    g_assert_true(get(artifacts, "a", 400) && get(artifacts, "c", 200) && get(artifacts, "d", 1));
    char text[8] = "";
    g_assert_cmpint(pread(open.fd, text, sizeof text, 0), ==, 1);
    g_assert_cmpstr(text, ==, "b");
    close(open.fd);
    put(artifacts, "e", 1000);
    g_assert_false(get(artifacts, "a", 400) || get(artifacts, "c", 200) || get(artifacts, "d", 1));
    g_assert_true(get(artifacts, "e", 1000));
    artifacts_free(artifacts);
}

static void test_many(void)
{
    struct artifacts *artifacts = artifacts_new(UINT64_C(1) << 40);
    int before = open_descriptors();
    for (int i = 0; i < 2 * ARTIFACTS_MAX; i++) {
        g_autofree char *key = g_strdup_printf("key %d", i);
        put(artifacts, key, i);
        g_assert_true(get(artifacts, key, i));
    }
    g_assert_cmpint(open_descriptors(), ==, before + ARTIFACTS_MAX);
    g_assert_false(get(artifacts, "key 255", 255));
    g_assert_true(get(artifacts, "key 256", 256));
    artifacts_free(artifacts);
    g_assert_cmpint(open_descriptors(), ==, before);
}

static void *use(void *opaque)
{
    struct artifacts *artifacts = opaque;
    GRand *rand = g_rand_new_with_seed(3);
    for (int i = 0; i < 300; i++) {
        g_autofree char *key = g_strdup_printf("key %d", g_rand_int_range(rand, 0, 30));
        if (!get(artifacts, key, 100))
            put(artifacts, key, 100);
    }
    g_rand_free(rand);
    return NULL;
}

static void test_threads(void)
{
    struct artifacts *artifacts = artifacts_new(2000);
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("use", use, artifacts);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    artifacts_free(artifacts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/artifacts/kept", test_kept);
    g_test_add_func("/artifacts/bounds", test_bounds);
    g_test_add_func("/artifacts/many", test_many);
    g_test_add_func("/artifacts/threads", test_threads);
    return g_test_run();
}
