/* A configuration file, environment and flags made of any bytes: whatever is wrong is a message of valid UTF-8, one line per
 * mistake, which holds no secret; and what is taken is within the limits of its row. The input is three parts, divided by zero
 * bytes: file, environment, flags. */
#include "lib/config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "hunter2hunter2";

static const struct config_row rows[] = {
    {"log", "level", CONFIG_CHOICE, "info", 0, 0, NULL, "debug|info|warn|error", false, "Least level."},
    {"journal", "max_bytes", CONFIG_INT, "1GiB", 1024, G_GINT64_CONSTANT(1) << 40, "bytes", NULL, false, "Most that it holds."},
    {"listen", "pin", CONFIG_INT, "1", 1, 9999, NULL, NULL, true, "A secret number."},
    {"listen", "tls", CONFIG_BOOL, "no", 0, 0, NULL, NULL, false, "Encrypt."},
    {"client", "fields", CONFIG_LIST, "client;user", 0, 0, NULL, NULL, false, "Ordered fields."},
    {"follow.*", "path", CONFIG_STRING, NULL, 0, 0, NULL, NULL, false, "File."},
    {"follow.*", "poll_ms", CONFIG_INT, "250", 1, 60000, "ms", NULL, false, "How often."},
};
static const struct config_table table = {"collector", "Collects.", rows, G_N_ELEMENTS(rows)};

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_taken(const struct config *config)
{
    gint64 max_bytes = config_int(config, "journal.max_bytes");
    check(max_bytes >= 1024 && max_bytes <= G_GINT64_CONSTANT(1) << 40);
    check(strstr("debug info warn error", config_string(config, "log.level")) != NULL);
    (void)config_bool(config, "listen.tls");
    for (const char *const *field = config_list(config, "client.fields"); *field; field++)
        check((*field)[0] != '\0' && !strchr(*field, ';'));
    for (const char *const *name = config_instances(config, "follow"); *name; name++) {
        g_autofree char *path = g_strdup_printf("follow.%s.path", *name);
        g_autofree char *poll = g_strdup_printf("follow.%s.poll_ms", *name);
        check(g_utf8_validate(config_string(config, path), -1, NULL));
        check(config_int(config, poll) >= 1 && config_int(config, poll) <= 60000);
    }
}

static void check_refused(const GError *error)
{
    check(error && error->message[0] && g_utf8_validate(error->message, -1, NULL));
    check(!strstr(error->message, secret));
}

static void load(const char *file_text, size_t file_size, char **environment, char **sets)
{
    char path[64];
    g_autoptr(GError) error = NULL;
    int fd = memfd_create("config", 0);
    check(fd >= 0 && write(fd, file_text, file_size) == (ssize_t)file_size);
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct config *config = config_load(&table, path, (const char *const *)sets, environment, &error);
    if (config)
        check_taken(config);
    else
        check_refused(error);
    config_free(config);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (memmem(data, size, secret, strlen(secret)))
        return 0;                                                /* who writes it as a name is told of that name */
    g_autofree char *text = g_strndup((const char *)data, size); /* ends with the first zero byte, or the input */
    size_t file_size = strnlen((const char *)data, size);
    const char *rest = file_size < size ? (const char *)data + file_size + 1 : "";
    g_autofree char *more = g_strndup(rest, file_size < size ? size - file_size - 1 : 0);
    size_t more_size = strlen(more);
    g_autofree char *last = g_strndup(file_size + more_size + 2 < size ? rest + more_size + 1 : "",
                                      file_size + more_size + 2 < size ? size - file_size - more_size - 2 : 0);
    g_auto(GStrv) environment = g_strsplit(more, "\n", 20);
    g_auto(GStrv) sets = g_strsplit(last, "\n", 20);
    g_autofree char *pin = g_strconcat("listen.pin=", secret, NULL);
    char *secret_sets[] = {pin, NULL};
    load(text, file_size, environment, last[0] ? sets : NULL);
    load(text, file_size, environment, secret_sets);
    return 0;
}
