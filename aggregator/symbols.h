/* symbols: short numbers for names, per generation (day and revision) and client, kept in log order in Redis.
 *
 * Keys c, r and u of lib/keys.h. A table is read when it is first needed, unless it is known that it cannot exist yet (the horizon:
 * the newest minute ever counted in the partition). Caps are applied here: what comes after a full table is KEYS_OTHER. Owned by
 * one thread. */
#ifndef DAYBOOK_SYMBOLS_H
#define DAYBOOK_SYMBOLS_H

#include "aggregator/commit.h"
#include "aggregator/mirror.h"

struct symbols;

struct generation {
    int64_t day; /* since 1970-01-01 */
    int revision;
    uint64_t counted;                 /* events since the last flush */
    struct generation_tables *tables; /* private */
};

struct client; /* a client in a generation */

enum symbol_kind { SYMBOL_ROUTE, SYMBOL_USER, SYMBOL_PLATFORM, SYMBOL_KINDS };

struct symbols *symbols_new(int partition);
void symbols_free(struct symbols *symbols);

/* Numbers of names, the same until symbols_trim; to remember look-ups by. "" is 0. */
uint32_t symbols_name(struct symbols *symbols, struct view text);
void symbols_names(struct symbols *symbols, const struct view *texts, size_t n, uint32_t *names);
/* The name made of two with a separator between them: KEYS_CLIENT_SEPARATOR or ' '. */
uint32_t symbols_pair(struct symbols *symbols, uint32_t first, char separator, uint32_t second);
struct view symbols_text(const struct symbols *symbols, uint32_t name);

/* NULL: not in memory; it was asked for, call again after commit_read. */
struct generation *symbols_generation(struct symbols *symbols, struct commit *commit, int64_t day, int revision, int64_t horizon);
/* name: of organization, KEYS_CLIENT_SEPARATOR, client. *over_cap is set when it is counted under KEYS_OTHER. */
struct client *symbols_client(struct symbols *symbols, struct commit *commit, struct generation *generation, uint32_t name,
                              bool *over_cap);
uint32_t symbols_client_number(const struct client *client);
/* The number of a name of this kind; 0 for the empty name. */
uint32_t symbols_number(struct symbols *symbols, struct client *client, enum symbol_kind kind, uint32_t name, bool *over_cap);
/* Begins to bring what symbols_number will look at. */
void symbols_prefetch(const struct client *client, enum symbol_kind kind, uint32_t name);

size_t symbols_bytes(const struct symbols *symbols);
/* Upper estimate of what the next flush writes. */
size_t symbols_dirty_bytes(const struct symbols *symbols);
/* Writes new symbols, and adds the events counted to meta's cnt:<generation>. */
void symbols_flush(struct symbols *symbols, struct payload *payload, struct mirror *meta);
/* Forgets everything; only when clean. */
void symbols_trim(struct symbols *symbols);

#endif
