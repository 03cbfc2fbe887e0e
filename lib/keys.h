/* clang-format off: the table below is not to be filled like a paragraph. */
/* keys: names of all that is kept in Redis. The one place that knows them; ARCHITECTURE.md has the same table for people.
 *
 * Every key of partition 3 begins with the hash tag "{p3}:", so that on a cluster they live together. A *generation* is a UTC day
 * (days since 1970-01-01) and a revision: what is counted between two closings of that day, written "20778.1". Within a generation
 * clients, and within a client its routes, users and platforms, have short numbers (1, 2, 3, … in log order), their *symbols*.
 *
 *   {p3}:commit                        hash  the commit record (aggregator/commit.h)
 *   {p3}:meta                          hash  clock (log clock, ms), horizon (newest minute counted), events, duplicates (events
 *                                            dropped by id), duplicate_batches, duplicate_batch_events, quarantined (records),
 *                                            quarantined_events, gaps, gap_batches, other_crc, over_cap, cnt:<generation> (its
 *                                            events; gone with its buckets), seals, seals_ignored, sheets (made), first_ms (log
 *                                            clock at the first record), incomplete_before (ms, daybook restore: days that began
 *                                            earlier were not seen whole); in {p0} also ledger (n of the last entry),
 *                                            ledger_offset, ledger_checksum (64 hex digits), ledger_ignored, archived (n of the
 *                                            last entry in the archive)
 *   {p3}:hw                            hash  stream (32 hex digits) -> "sequence crc created_ms flags"; flags "i": import, else "-"
 *   {p3}:hb                            hash  stream -> last heartbeat: "collector clock_ms journal_bytes journal_oldest_ms received
 *                                            accepted rejected excluded sequence,sequence,…" (the last per partition)
 *   {p3}:imports                       hash  stream -> manifest (only in {p0})
 *   {p3}:quar                          hash  ring of the newest 1,000: n mod 1000 -> "n offset reason"
 *   {p3}:gaps                          hash  ring of the newest 1,000: n mod 1000 -> "n offset stream expected got day"
 *   {p3}:refusals                      hash  "day reason collector" -> what the collector refused, counted on that day of the log
 *                                            clock (the total ever is `refused` of meta)
 *   {p3}:refused                       hash  ring of the newest 1,000 samples of it: n mod 1000 -> "n ms refused_ms count reason
 *                                            collector<0x1f>message<0x1f>sample"; ms is the log clock, refused_ms the collector's
 *                                            (0: an import); the next n is `refused_samples` of meta
 *   {p3}:due                           hash  what is unlinked when the log clock passes: name -> ms; names "m:<minute>.<revision>",
 *                                            "ids:<day>", "refused:<day>" (its fields of refusals), "g:<generation>:<slot>" (from
 *                                            this slot on; 96: its names), "sheet:<generation>", "erased:<generation>" (from the
 *                                            archive too)
 *   {p3}:days                          hash  day -> "sealed sheeted ledgered skip_below" (struct day_state of lib/ledger.h)
 *   {p3}:open                          hash  generation -> what came for it (struct open_day of lib/ledger.h); gone with its seal
 *   {p3}:streams                       hash  "generation stream" -> "first last": sequences of the batches with events of it; 0 0:
 *                                            only heard on that day; gone with its seal
 *   {p3}:closed                        hash  generation -> PartitionDay (proto/usage.proto); without a checksum until its sheet is
 *                                            there
 *   {p3}:sheet:2026-11-20:1            string  the sheet of a day and revision (lib/sheet.h), packed; written once
 *   {p3}:erasures                      hash  user -> "offset pseudonym"
 *   {p0}:ledger                        hash  n -> the Record with entry n of the ledger
 *   {p0}:entries                       hash  generation -> n
 *   {p3}:ids:<day>:<shard>             hash  16 bytes of SHA-256(organization 0 client 0 id) -> log clock (ms) when it was entered;
 *                                            day is the log clock's; shard 00 to ff is the digest's first byte
 *   {p3}:t:<generation>                hash  slot (0 to 95 of the day) -> requests in it, all clients
 *   {p3}:c:<generation>                hash  organization <0x1f> client -> symbol
 *   {p3}:r:<generation>:<c>            hash  "r" METHOD " " template -> symbol; "p" platform -> symbol (each counted from 1 on)
 *   {p3}:u:<generation>:<c>            hash  block -> names of users, each followed by a line feed: block b holds the symbols from
 *                                            b·KEYS_USERS_PER_BLOCK + 1 on
 *   {p3}:s:<generation>:<slot>:<c>     hash  a slot bucket (slot 0 to 95 of the day): shard -> lines, one for each combination,
 *                                            "route.user.platform measure" (symbols, 0: none; lib/measure.h), each ended by a line
 *                                            feed; shard = user symbol / KEYS_USERS_PER_SHARD
 *   {p3}:m:<minute>.<revision>:<shard> hash  a minute bucket: client symbol -> measure; minute = Unix time / 60 s; shard = client
 *                                            symbol / KEYS_CLIENTS_PER_SHARD
 *   {p3}:ss:<generation>:<slot>        hash  what the slot comes to: "c" client symbol -> measure; "r" METHOD " " template ->
 *                                            measure of all clients; "m" -> requests of its 15 minutes, blanks between; none where
 *                                            there are more than KEYS_SLOT_SUMS_MAX
 *   {p3}:zs:<generation>:<slot>        zset  client symbol by requests in the slot
 *   {p3}:zr:<generation>:<slot>        zset  METHOD " " template by requests in the slot, all clients
 *   {p3}:zm:<minute>.<revision>        zset  client symbol by requests in the minute
 *
 * What is over a cap has the symbol of the name KEYS_OTHER (counted, never dropped; a client over the cap loses its organization
 * too). The caps are constants, not settings: they decide what is counted under which name, and that must follow from the log
 * alone. The generation of minute m is (m / 1440).revision. What costs Redis its time is the number of fields written, not their
 * size (ARCHITECTURE.md has the measurement): so the combinations of a few users share a field, and so do the names of many. Shards
 * of clients keep the minutes' hashes small. */
/* clang-format on */
#ifndef DAYBOOK_KEYS_H
#define DAYBOOK_KEYS_H

#include <glib.h>
#include <stdint.h>

enum {
    KEYS_USERS_PER_SHARD = 4,
    KEYS_USERS_PER_BLOCK = 64,
    KEYS_CLIENTS_PER_SHARD = 64,
    KEYS_SLOTS_PER_DAY = 96,
    KEYS_SLOT_MS = 15 * 60 * 1000,
    KEYS_SLOT_MINUTES = 15,
    KEYS_SLOT_SUMS_MAX = 5000, /* clients and routes of a slot in a partition; where there are more it has no sums */
    KEYS_RING = 1000,
    KEYS_REFUSALS_MAX = 500,   /* pairs of reason and collector of a day in a partition, before KEYS_OTHER */
    KEYS_REFUSALS_DAYS = 90,   /* that they are kept after their day, by the log clock */
    KEYS_CLIENTS_MAX = 100000, /* distinct clients of a generation, before KEYS_OTHER */
    KEYS_ROUTES_MAX = 1000,    /* distinct METHOD template of a client in a generation */
    KEYS_USERS_MAX = 10000,    /* distinct users of a client in a generation */
    KEYS_PLATFORMS_MAX = 64,   /* distinct platforms of a client in a generation */
    KEYS_IDS_SHARDS = 256,
    KEYS_MINUTE_KEPT_MS = 48 * 3600 * 1000, /* after the end of the minute, by the log clock */
    KEYS_MAX = 128,                         /* bytes a key needs at most, with its NUL */
};
#define KEYS_DAY_MS INT64_C(86400000)
#define KEYS_MINUTE_MS INT64_C(60000)
#define KEYS_OTHER "{other}"
#define KEYS_CLIENT_SEPARATOR '\x1f'

/* Each writes into out (at least KEYS_MAX bytes) and returns the length. kind is "commit", "meta", "hw", "hb", "imports", "quar",
 * "gaps", "due", "days", "open", "streams", "closed", "erasures", "refusals", "refused", "ledger", "entries". */
size_t keys_plain(char *out, int partition, const char *kind);
size_t keys_ids(char *out, int partition, int64_t day, unsigned shard);
size_t keys_totals(char *out, int partition, int64_t day, int revision);
size_t keys_clients(char *out, int partition, int64_t day, int revision);
size_t keys_routes(char *out, int partition, int64_t day, int revision, uint32_t client);
size_t keys_users(char *out, int partition, int64_t day, int revision, uint32_t client);
size_t keys_slot(char *out, int partition, int64_t day, int revision, int slot, uint32_t client);
size_t keys_slot_sums(char *out, int partition, int64_t day, int revision, int slot);
size_t keys_slot_clients(char *out, int partition, int64_t day, int revision, int slot);
size_t keys_slot_routes(char *out, int partition, int64_t day, int revision, int slot);
size_t keys_minute(char *out, int partition, int64_t minute, int revision, uint32_t shard);
size_t keys_minute_clients(char *out, int partition, int64_t minute, int revision);
size_t keys_sheet(char *out, int partition, int64_t day, int revision);

#endif
