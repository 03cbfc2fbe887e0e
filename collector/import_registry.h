/* import_registry: what Redis knows of imports: their manifests ({p0}:imports), and how far each stream is counted ({p}:hw).
 *
 * Reads only. Connects when it must, and again after a failure. Belongs to one thread. */
#ifndef DAYBOOK_IMPORT_REGISTRY_H
#define DAYBOOK_IMPORT_REGISTRY_H

#include "collector/import_plan.h"
#include "lib/redis.h"

/* A manifest as the aggregator wrote it down. */
struct import_entry {
    uint8_t stream_id[STREAM_ID_SIZE];
    uint32_t partition_count;
    uint8_t rules_digest[32];
    uint8_t head_digest[32];
    uint64_t size_bytes;
    uint64_t first_line;
    char *name;
};
void import_entry_free(struct import_entry *entry);
/* Reads "stream" (32 hex digits) and "partition_count rules head size first_line name"; NULL when it is not that. */
struct import_entry *import_entry_parse(struct view stream, struct view text);

struct import_registry;
/* Settings must outlive it. */
struct import_registry *import_registry_new(const struct redis_settings *settings, uint32_t partition_count);
void import_registry_free(struct import_registry *registry);

/* All entries: GPtrArray of struct import_entry, which owns them. */
GPtrArray *import_registry_entries(struct import_registry *registry, GError **error);
/* Highest sequence of the stream that is counted, by partition (0: none); sequences has partition_count elements. */
bool import_registry_counted(struct import_registry *registry, const uint8_t stream_id[STREAM_ID_SIZE], uint64_t *sequences,
                             GError **error);

/* What a new import is, beside those that were. */
enum import_standing {
    IMPORT_NEW,     /* never heard of */
    IMPORT_BEGUN,   /* the same stream under the same rules: go on, or repeat */
    IMPORT_REFUSED, /* the error says why */
};
enum import_standing import_registry_judge(const GPtrArray *entries, const struct import_plan *plan, const char *format,
                                           const struct import_entry *wanted, GError **error);

#endif
