#include "lib/config.h"

#include <glib/gstdio.h>
#include <string.h>

static const struct config_row rows[] = {
    {"log", "level", CONFIG_CHOICE, "info", 0, 0, NULL, "debug|info|warn|error", false, "Least level that is written."},
    {"journal", "dir", CONFIG_STRING, "/var/lib/daybook", 0, 0, NULL, NULL, false, "Directory of the journal."},
    {"journal", "max_bytes", CONFIG_INT, "1GiB", 1024, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false, "Most that it holds."},
    {"listen", "token", CONFIG_STRING, NULL, 0, 0, NULL, NULL, true, "Bearer token."},
    {"listen", "pin", CONFIG_INT, "1", 1, 9999, NULL, NULL, true, "A secret number."},
    {"listen", "tls", CONFIG_BOOL, "no", 0, 0, NULL, NULL, false, "Encrypt | or not."},
    {"client", "fields", CONFIG_LIST, "client; user", 0, 0, NULL, NULL, false, "Ordered fields."},
    {"follow.*", "path", CONFIG_STRING, NULL, 0, 0, NULL, NULL, false, "File."},
    {"follow.*", "poll_ms", CONFIG_INT, "250", 1, 60000, "ms", NULL, false, "How often it is looked at."},
};
static const struct config_table table = {"collector", "Collects.", rows, G_N_ELEMENTS(rows)};

static char *write_file(const char *text)
{
    g_autoptr(GError) error = NULL;
    char *path = NULL;
    int fd = g_file_open_tmp("test_config_XXXXXX.conf", &path, &error);
    g_assert_no_error(error);
    g_close(fd, NULL);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    return path;
}

static struct config *load(const char *file_text, const char *const *sets, const char *const *environment, GError **error)
{
    g_autofree char *path = file_text ? write_file(file_text) : NULL;
    struct config *config = config_load(&table, path, sets, (char **)environment, error);
    if (path)
        g_unlink(path);
    return config;
}

static void test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    struct config *config = load(NULL, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(config_string(config, "log.level"), ==, "info");
    g_assert_cmpint(config_int(config, "journal.max_bytes"), ==, G_GINT64_CONSTANT(1) << 30);
    g_assert_cmpstr(config_string(config, "listen.token"), ==, "");
    g_assert_false(config_bool(config, "listen.tls"));
    const char *const *fields = config_list(config, "client.fields");
    g_assert_cmpstr(fields[0], ==, "client");
    g_assert_cmpstr(fields[1], ==, "user");
    g_assert_null(fields[2]);
    g_assert_null(config_instances(config, "follow")[0]);
    config_free(config);
}

static void test_later_sources_win(void)
{
    const char *const environment[] = {"HOME=/root", "DAYBOOK_COLLECTOR_JOURNAL_MAX_BYTES=64MiB",
                                       "DAYBOOK_COLLECTOR_LOG_LEVEL=WARN", "DAYBOOK_API_LISTEN_PORT=1", NULL};
    const char *const sets[] = {"log.level=error", "journal.dir=a=b", NULL};
    g_autoptr(GError) error = NULL;
    struct config *config =
        load("# comment\n[journal]\nmax_bytes=5k\ndir=/x y\\d\n[listen]\ntls = on\n", sets, environment, &error);
    g_assert_no_error(error);
    g_assert_cmpint(config_int(config, "journal.max_bytes"), ==, 64 << 20);
    g_assert_cmpstr(config_string(config, "log.level"), ==, "error");
    g_assert_cmpstr(config_string(config, "journal.dir"), ==, "a=b");
    g_assert_true(config_bool(config, "listen.tls"));
    config_free(config);
}

static void test_file_values_are_taken_as_written(void)
{
    g_autoptr(GError) error = NULL;
    struct config *config = load("[journal]\ndir=  /x y\\d+;z \n[client]\nfields=a ;; b;\n", NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(g_str_has_prefix(config_string(config, "journal.dir"), "/x y\\d+;z"));
    const char *const *fields = config_list(config, "client.fields");
    g_assert_cmpstr(fields[0], ==, "a");
    g_assert_cmpstr(fields[1], ==, "b");
    g_assert_null(fields[2]);
    config_free(config);
}

static void test_instances(void)
{
    const char *const environment[] = {"DAYBOOK_COLLECTOR_FOLLOW_API_PATH=/e", "DAYBOOK_COLLECTOR_FOLLOW_NGINX_POLL_MS=9", NULL};
    const char *const sets[] = {"follow.third.path=/t", NULL};
    g_autoptr(GError) error = NULL;
    struct config *config = load("[follow.nginx]\npath=/n\n", sets, environment, &error);
    g_assert_no_error(error);
    g_autofree char *names = g_strjoinv(",", (char **)config_instances(config, "follow"));
    g_assert_cmpstr(names, ==, "nginx,api,third");
    g_assert_cmpstr(config_string(config, "follow.nginx.path"), ==, "/n");
    g_assert_cmpint(config_int(config, "follow.nginx.poll_ms"), ==, 9);
    g_assert_cmpstr(config_string(config, "follow.api.path"), ==, "/e");
    g_assert_cmpint(config_int(config, "follow.api.poll_ms"), ==, 250);
    config_free(config);
}

static void test_all_mistakes_at_once(void)
{
    const char *const environment[] = {"DAYBOOK_COLLECTOR_JOURNAL_SIZE=1", "DAYBOOK_COLLECTOR_LISTEN_TLS=maybe", NULL};
    const char *const sets[] = {"log.level=loud",     "nonsense",        "journal.max_bytes=1023",
                                "listen.pin=hunter2", "follow.*.path=x", NULL};
    g_autoptr(GError) error = NULL;
    struct config *config =
        load("[journal]\nmax_bytes=lots\nmax_byte=1\n[jurnal]\ndir=x\n[follow.Nginx]\npath=/n\n", sets, environment, &error);
    g_assert_null(config);
    g_assert_nonnull(error);
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 11);
    const char *const parts[] = {"journal.max_bytes = \"lots\"",
                                 "journal.max_byte (unknown key",
                                 "[jurnal]",
                                 "[follow.Nginx]",
                                 "environment DAYBOOK_COLLECTOR_JOURNAL_SIZE",
                                 "listen.tls = \"maybe\"",
                                 "one of debug, info, warn, error",
                                 "--set nonsense",
                                 "from 1024 to",
                                 "listen.pin = \"(secret)\"",
                                 "follow.*"};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (!strstr(error->message, parts[i]))
            g_error("\"%s\" is not in:\n%s", parts[i], error->message);
    g_assert_null(strstr(error->message, "hunter2"));
}

static void test_missing_and_broken_files(void)
{
    g_autoptr(GError) missing = NULL;
    g_autoptr(GError) broken = NULL;
    g_assert_null(config_load(&table, "/nonexistent/x.conf", NULL, NULL, &missing));
    g_assert_nonnull(strstr(missing->message, "/nonexistent/x.conf"));
    g_assert_null(load("no section here\n", NULL, NULL, &broken));
    g_assert_nonnull(broken);
}

/* The line itself is not shown: it may be a secret. */
static void test_lines_that_are_none(void)
{
    static const struct {
        const char *text, *place;
    } cases[] = {{"# c\n[listen]\ntoken hunter2\n", ", line 3: "},
                 {"token=hunter2\n", ""},
                 {"[listen\ntoken=hunter2\n", ", line 1: "},
                 {"[a\xff]\n[b\n", ", line 2: "}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(load(cases[i].text, NULL, NULL, &error));
        g_assert_nonnull(strstr(error->message, cases[i].place));
        g_assert_null(strstr(error->message, "hunter2"));
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        g_assert_null(strchr(error->message, '\n'));
    }
}

static void test_integers(void)
{
    static const struct {
        const char *text;
        gint64 value; /* -1: refused */
    } cases[] = {{"1024", 1024},
                 {"2k", 2000},
                 {"2KiB", 2048},
                 {"1M", 1000000},
                 {"3GiB", G_GINT64_CONSTANT(3) << 30},
                 {"", -1},
                 {"-5000", -1},
                 {"1024 ", -1},
                 {"0x400", -1},
                 {"1e6", -1},
                 {"99999999999999999999", -1},
                 {"9223372036854775807GiB", -1},
                 {"5K", -1},
                 {"5kB", -1},
                 {"+2000", -1}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *set = g_strdup_printf("journal.max_bytes=%s", cases[i].text);
        const char *const sets[] = {set, NULL};
        struct config *config = load(NULL, sets, NULL, NULL);
        g_assert_cmpint(config ? config_int(config, "journal.max_bytes") : -1, ==, cases[i].value);
        config_free(config);
    }
}

static void test_text(void)
{
    g_autofree char *help = config_help(&table);
    g_assert_nonnull(strstr(help, "journal.max_bytes = 1GiB"));
    g_assert_nonnull(strstr(help, "DAYBOOK_COLLECTOR_"));
    g_autofree char *markdown = config_markdown(&table);
    g_assert_nonnull(strstr(markdown, "### [follow.NAME]"));
    g_assert_nonnull(strstr(markdown, "| `token` |  | UTF-8 text; secret, never printed | Bearer token. |"));
    g_assert_nonnull(strstr(markdown, "Encrypt \\| or not."));
}

static void test_asking_for_what_is_not_there_is_a_bug(void)
{
    if (g_test_subprocess()) {
        struct config *config = load(NULL, NULL, NULL, NULL);
        config_int(config, "journal.nothing");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*journal.nothing*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/defaults", test_defaults);
    g_test_add_func("/config/later-sources-win", test_later_sources_win);
    g_test_add_func("/config/file-values-as-written", test_file_values_are_taken_as_written);
    g_test_add_func("/config/instances", test_instances);
    g_test_add_func("/config/all-mistakes-at-once", test_all_mistakes_at_once);
    g_test_add_func("/config/missing-and-broken-files", test_missing_and_broken_files);
    g_test_add_func("/config/lines-that-are-none", test_lines_that_are_none);
    g_test_add_func("/config/integers", test_integers);
    g_test_add_func("/config/text", test_text);
    g_test_add_func("/config/unknown-name-is-a-bug", test_asking_for_what_is_not_there_is_a_bug);
    return g_test_run();
}
