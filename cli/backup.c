/* backup: see backup.h.
 *
 * The state of Redis is at every moment that after some prefix of its commands, and so is an RDB file: what restores it is an
 * ordinary rollback, from which the aggregator goes on by itself (aggregator/commit.h). So nothing has to stand still, and the
 * servers of a cluster need not be saved at the same moment. The archive comes last: then it has all that the RDB files say is in
 * it. redis-cli asks for the RDB as a replica would; a server that never had one takes a new replication id for that, and the
 * aggregator claims its partitions once more. */
#include "cli/backup.h"

#include "cli/backup_files.h"
#include "cli/shards.h"
#include "cli/system_options.h"
#include "lib/archive.h"
#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/number.h"
#include "lib/program.h"
#include "lib/redis_url.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMEOUT_MS = 30000, PROGRESS_EVERY = 64 };

static const char summary[] =
    "Writes what Redis holds (an RDB file of every server, by redis-cli of the package redis-tools) and the archive to DIR,\n"
    "which must be empty or not there. Nothing has to be stopped for it. The files of the archive are linked where that is\n"
    "possible, else copied. DIR is a whole backup when manifest.json is there; damage is found by\n"
    "    cd DIR && sha256sum --check --quiet SHA256SUMS\n"
    "\n"
    "To put it back: stop the Redis server, give it DIR/redis/HOST-PORT.rdb as dump.rdb in its directory, start it (with an\n"
    "append-only file: remove that, start with --appendonly no, then `redis-cli CONFIG SET appendonly yes`), and copy\n"
    "DIR/archive to where the archive was if that was lost too. The aggregator goes on where the backup ends, and counts by\n"
    "itself what came to the log since. If the log does not reach back so far: `daybook restore --from-log`.";

struct backup {
    struct system_options system;
    const char *directory;
    struct backup_files *files;
    json_t *manifest;
    bool progress;
    guint64 archived; /* files of the archive */
};

static void say(const struct backup *backup, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void say(const struct backup *backup, const char *format, ...)
{
    va_list arguments;

    if (!backup->progress)
        return;
    va_start(arguments, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

/* ---- what the backup holds at least ---- */

static json_t *text_json(const struct redis_reply *reply, size_t index)
{
    struct view text = redis_reply_text(redis_reply_at(reply, index));
    uint64_t number;

    if (number_read(text, &number) && number <= INT64_MAX)
        return json_integer((json_int_t)number);
    return text.size > 0 ? json_stringn(text.data, text.size) : json_null();
}

static bool note_partition(struct backup *backup, struct shards *shards, int partition, GError **error)
{
    char key[KEYS_MAX];
    struct redis *redis = shards_get(shards, partition, error);

    keys_plain(key, partition, "commit");
    struct redis_reply *reply = redis ? redis_call(redis, error, "HMGET %s n next topic", key) : NULL;
    if (!reply)
        return false;
    json_array_append_new(json_object_get(backup->manifest, "partitions"),
                          json_pack("{s:i,s:o,s:o,s:o}", "partition", partition, "n", text_json(reply, 0), "next",
                                    text_json(reply, 1), "topic", text_json(reply, 2)));
    redis_reply_free(reply);
    return true;
}

static bool note_ledger(struct backup *backup, struct shards *shards, GError **error)
{
    struct redis *redis = shards_get(shards, 0, error);
    struct redis_reply *reply = redis ? redis_call(redis, error, "HMGET {p0}:meta ledger ledger_checksum") : NULL;

    if (!reply)
        return false;
    json_object_set_new(backup->manifest, "ledger",
                        json_pack("{s:o,s:o}", "n", text_json(reply, 0), "checksum", text_json(reply, 1)));
    redis_reply_free(reply);
    return true;
}

static bool note_points(struct backup *backup, GError **error)
{
    char now[CIVIL_TEXT_MAX];
    struct shards *shards = shards_open(backup->system.redis, error);

    if (!shards)
        return false;
    civil_format(now, g_get_real_time() / 1000);
    backup->manifest = json_pack("{s:s,s:s,s:s,s:i,s:[],s:[]}", "daybook", DAYBOOK_VERSION, "begun", now, "topic",
                                 shards_topic(shards), "partitionCount", shards_count(shards), "partitions", "servers");
    bool ok = note_ledger(backup, shards, error);
    for (int i = 0; ok && i < shards_count(shards); i++)
        ok = note_partition(backup, shards, i, error);
    shards_free(shards);
    return ok;
}

/* ---- Redis ---- */

static bool tool_failed(GError **error, const char *address, const char *why)
{
    g_autofree char *text = g_strstrip(g_strdup(why));

    g_set_error(error, BACKUP_ERROR, BACKUP_ERROR_TOOL, "redis-cli could not take an RDB file of the server at %s: %s", address,
                *text ? text : "it said nothing");
    return false;
}

/* What has a beginning and an end is whole: the format ends with byte 255 and a checksum of 8 bytes. */
static bool check_rdb(const char *path, const char *address, GError **error)
{
    char head[5] = "", end[9] = "";
    FILE *file = fopen(path, "rbe");
    bool ok = file && fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, "REDIS", sizeof head) == 0 &&
              fseek(file, -(long)sizeof end, SEEK_END) == 0 && fread(end, 1, sizeof end, file) == sizeof end &&
              (unsigned char)end[0] == 255;

    if (file)
        fclose(file);
    return ok || tool_failed(error, address, "what it wrote is no whole RDB file");
}

/* The password goes by the environment: arguments can be seen by others. */
static bool run_redis_cli(const struct redis_url *url, const char *address, const char *path, GError **error)
{
    const char *colon = strrchr(address, ':'), *begin = address + (*address == '['), *end = colon - (*address == '[');
    g_autofree char *host = g_strndup(begin, (gsize)(end - begin)), *output = NULL, *errors = NULL;
    const char *argv[12] = {"redis-cli", "-h", host, "-p", colon + 1, "--rdb", path};
    g_auto(GStrv) environment = g_get_environ();
    g_autoptr(GError) cause = NULL;
    int status, argc = 7;

    if (url->user) {
        argv[argc++] = "--user";
        argv[argc++] = url->user;
    }
    if (url->password)
        environment = g_environ_setenv(environment, "REDISCLI_AUTH", url->password, TRUE);
    /* g_spawn_sync takes the vector as char **, but does not change it. */
    union {
        const char **in;
        char **out;
    } arguments = {argv};
    if (!g_spawn_sync(NULL, arguments.out, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors, &status, &cause))
        return tool_failed(error, address, cause->message);
    if (!g_spawn_check_wait_status(status, &cause))
        return tool_failed(error, address, *errors ? errors : output);
    return check_rdb(path, address, error);
}

static bool save_server(struct backup *backup, const struct redis_url *url, const char *address, GError **error)
{
    g_autofree char *flat = g_strdelimit(g_strdup(address), ":[]/", '-'), *name = g_strdup_printf("redis/%s.rdb", flat);
    g_autofree char *path = g_build_filename(backup->directory, name, NULL);

    say(backup, "Redis at %s", address);
    if (!run_redis_cli(url, address, path, error) || !backup_files_add(backup->files, name, error))
        return false;
    json_array_append_new(json_object_get(backup->manifest, "servers"), json_pack("{s:s,s:s}", "address", address, "file", name));
    return true;
}

static bool save_redis(struct backup *backup, GError **error)
{
    const struct redis_settings settings = {backup->system.redis, TIMEOUT_MS, TIMEOUT_MS};
    g_autofree char *directory = backup_files_directory(backup->files, "redis", error);
    struct redis_url *url = directory ? redis_url_parse(settings.url, error) : NULL;
    g_autoptr(GPtrArray) servers = url ? redis_connect_all(&settings, error) : NULL;
    bool ok = servers != NULL;

    for (guint i = 0; ok && i < servers->len; i++)
        ok = save_server(backup, url, redis_address(g_ptr_array_index(servers, i)), error);
    redis_url_free(url);
    return ok;
}

/* ---- the archive ---- */

/* What a writer has not finished begins with a dot. */
static GPtrArray *names_in(const char *directory, GError **error)
{
    GDir *dir = g_dir_open(directory, 0, error);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir && (name = g_dir_read_name(dir)))
        if (name[0] != '.')
            g_ptr_array_add(names, g_strdup(name));
    if (dir)
        return g_dir_close(dir), names;
    g_ptr_array_unref(names);
    return NULL;
}

/* Copies directory `name` of the archive with all that is in it; at most two levels of directories. */
static bool save_directory(struct backup *backup, const char *name, int depth, GError **error)
{
    g_autofree char *from = g_build_filename(backup->system.archive, name, NULL), *to = g_build_filename("archive", name, NULL);
    g_autofree char *made = backup_files_directory(backup->files, to, error);
    g_autoptr(GPtrArray) names = made ? names_in(from, error) : NULL;
    bool ok = names != NULL;

    for (guint i = 0; ok && i < names->len; i++) {
        g_autofree char *below = g_build_filename(name, g_ptr_array_index(names, i), NULL);
        g_autofree char *source = g_build_filename(backup->system.archive, below, NULL);
        g_autofree char *target = g_build_filename("archive", below, NULL);
        if (g_file_test(source, G_FILE_TEST_IS_DIR))
            ok = depth == 0 || save_directory(backup, below, depth - 1, error);
        else
            ok = backup_files_take(backup->files, source, target, error);
        if (++backup->archived % PROGRESS_EVERY == 0)
            say(backup, "archive: %" G_GUINT64_FORMAT " files", backup->archived);
    }
    return ok;
}

static bool save_archive(struct backup *backup, GError **error)
{
    if (!backup->system.archive)
        return true;
    g_autofree char *directory = backup_files_directory(backup->files, "archive", error);
    return directory && save_directory(backup, "sheets", 1, error) && save_directory(backup, "ledger", 0, error);
}

/* ---- the command ---- */

static bool finish(struct backup *backup, GError **error)
{
    char now[CIVIL_TEXT_MAX];

    say(backup, "writing SHA256SUMS and manifest.json");
    civil_format(now, g_get_real_time() / 1000);
    json_object_set_new(backup->manifest, "finished", json_string(now));
    json_object_set_new(backup->manifest, "archive", json_boolean(backup->system.archive != NULL));
    json_object_set_new(backup->manifest, "files", json_integer((json_int_t)backup_files_count(backup->files)));
    json_object_set_new(backup->manifest, "bytes", json_integer((json_int_t)backup_files_bytes(backup->files)));
    if (!backup_files_write_sums(backup->files, error))
        return false;
    char *text = json_dumps(backup->manifest, JSON_INDENT(1));
    bool ok = backup_files_finish(backup->files, "manifest.json", text, error);
    free(text);
    return ok;
}

/* Before Redis is asked for anything. */
static bool check_archive(const struct backup *backup, GError **error)
{
    struct archive *archive = backup->system.archive ? archive_open_reader(backup->system.archive, error) : NULL;
    bool ok = archive || !backup->system.archive;

    archive_free(archive);
    return ok;
}

static int run(struct backup *backup)
{
    g_autoptr(GError) error = NULL;

    if (!system_options_load(&backup->system, SYSTEM_NEEDS_REDIS, &error))
        return options_fail("%s", error->message);
    if (!check_archive(backup, &error))
        return options_fail("%s", error->message);
    backup->progress = isatty(STDERR_FILENO);
    backup->files = backup_files_new(backup->directory, &error);
    if (!backup->files)
        return options_fail("%s", error->message);
    bool ok = note_points(backup, &error) && save_redis(backup, &error) && save_archive(backup, &error) && finish(backup, &error);
    say(backup, "%s", "");
    if (!ok)
        return options_fail("%s; %s has no manifest.json: it is no whole backup", error->message, backup->directory);
    printf("%s: %" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " bytes%s\n", backup->directory, backup_files_count(backup->files),
           backup_files_bytes(backup->files), backup->system.archive ? "" : "; without an archive (--archive DIR)");
    return 0;
}

int backup_command(int argc, char **argv)
{
    struct backup backup = {0};
    const GOptionEntry entries[] = {
        SYSTEM_OPTIONS_REDIS(&backup.system),
        SYSTEM_OPTIONS_ARCHIVE(&backup.system),
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    int exit_code = 0;

    if (options_parse(entries, "DIR", summary, &argc, argv, &exit_code)) {
        backup.directory = argc == 2 ? argv[1] : NULL;
        exit_code = backup.directory ? run(&backup) : options_fail("one directory is needed (see --help)");
    }
    backup_files_free(backup.files);
    json_decref(backup.manifest);
    system_options_clear(&backup.system);
    return exit_code;
}
