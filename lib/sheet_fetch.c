#include "lib/sheet_fetch.h"

#include "lib/civil.h"
#include "lib/keys.h"
#include "lib/log.h"
#include "lib/sheet.h"

static GBytes *damaged(const char *key, struct view value, const uint8_t *checksum, GError **error)
{
    uint8_t is[LEDGER_CHECKSUM_SIZE];
    char is_hex[2 * LEDGER_CHECKSUM_SIZE + 1], wanted_hex[2 * LEDGER_CHECKSUM_SIZE + 1];
    ledger_checksum(value, is);
    ledger_hex(is, is_hex);
    ledger_hex(checksum, wanted_hex);
    g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_DAMAGED,
                "the sheet in Redis under %s is damaged: its SHA-256 is %s, that of the sheet is %s", key, is_hex, wanted_hex);
    return NULL;
}

GBytes *sheet_fetch_packed(struct view packed, const struct sheet_name *name, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                           GError **error)
{
    char key[KEYS_MAX];
    keys_sheet(key, name->partition, name->day, name->revision);
    g_autoptr(GBytes) bytes = sheet_unpack(packed.data, packed.size, NULL);
    if (!bytes)
        return damaged(key, packed, checksum, error);
    uint8_t is[LEDGER_CHECKSUM_SIZE];
    sheet_checksum(bytes, is);
    if (memcmp(is, checksum, sizeof is) == 0)
        return g_steal_pointer(&bytes);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    return damaged(key, view_make(data, size), checksum, error);
}

GBytes *sheet_fetch_reply(const struct redis_reply *reply, const struct sheet_name *name,
                          const uint8_t checksum[LEDGER_CHECKSUM_SIZE], GError **error)
{
    char key[KEYS_MAX];
    keys_sheet(key, name->partition, name->day, name->revision);
    struct view packed = redis_reply_text(reply);
    if (redis_reply_kind(reply) == REDIS_NIL) {
        g_set_error(error, ARCHIVE_ERROR, ARCHIVE_ERROR_MISSING, "there is no sheet in Redis under %s", key);
        return NULL;
    }
    if (redis_reply_kind(reply) != REDIS_STRING) {
        g_set_error(error, REDIS_ERROR, REDIS_ERROR_REPLY, "what Redis has under %s is no sheet: %.*s", key,
                    (int)MIN(packed.size, 200), packed.data ? packed.data : "");
        return NULL;
    }
    return sheet_fetch_packed(packed, name, checksum, error);
}

static GBytes *from_redis(struct redis *redis, const struct sheet_name *name, const uint8_t *checksum, GError **error)
{
    char key[KEYS_MAX];
    keys_sheet(key, name->partition, name->day, name->revision);
    struct redis_reply *reply = redis_call(redis, error, "GET %s", key);
    if (!reply) {
        g_prefix_error(error, "the sheet %s could not be read: ", key);
        return NULL;
    }
    GBytes *bytes = sheet_fetch_reply(reply, name, checksum, error);
    redis_reply_free(reply);
    return bytes;
}

/* One error of two. What may pass by itself (a lost connection, a disk) comes first, then damage, then absence. */
static void both_failed(GError *redis, GError *archive, GError **error)
{
    bool second = redis->domain == ARCHIVE_ERROR && archive->code > redis->code;
    const GError *kind = second ? archive : redis;
    g_set_error(error, kind->domain, kind->code, "%s; and %s", redis->message, archive->message);
    g_error_free(redis);
    g_error_free(archive);
}

GBytes *sheet_fetch(struct redis *redis, struct archive *archive, const struct sheet_name *name,
                    const uint8_t checksum[LEDGER_CHECKSUM_SIZE], enum sheet_source *source, GError **error)
{
    GError *first = NULL, *second = NULL;
    GBytes *bytes = from_redis(redis, name, checksum, &first);
    if (source)
        *source = bytes ? SHEET_FROM_REDIS : SHEET_FROM_ARCHIVE;
    if (bytes)
        return bytes;
    if (!archive) {
        g_propagate_prefixed_error(error, first, "there is no archive, and ");
        return NULL;
    }
    bytes = archive_get_sheet(archive, name, checksum, &second);
    if (bytes) {
        log_warn("sheet_from_archive", "partition=%d reason=%s", name->partition, first->message);
        g_error_free(first);
        return bytes;
    }
    both_failed(first, second, error);
    return NULL;
}
