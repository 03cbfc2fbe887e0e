/* members: who of those asked for was counted when: clients in a generation, and the slots in which each was active.
 *
 * First step of reading live usage (lib/keys.h has the layout). A generation here is a partition's: its events of one UTC day and
 * revision. A member is one client with its symbol there. Owned by one thread. */
#ifndef DAYBOOK_MEMBERS_H
#define DAYBOOK_MEMBERS_H

#include "api/reader.h"
#include "api/scope.h"
#include "lib/keys.h"

struct generation {
    int64_t day;
    int partition, revision;
    uint64_t events;
    uint32_t clients;       /* distinct clients; 0 until members_count, like the next two */
    const uint64_t *totals; /* requests of all clients in each slot of the day; borrowed of who keeps the generations */
    bool has_totals;        /* they are of all of its events, or of newer ones, too */
    bool in_sheet;          /* its slots are in the day's sheet: only its minutes are read from buckets */
};

struct member {
    uint32_t generation; /* index into the generations */
    uint32_t symbol;
    const char *name;   /* organization KEYS_CLIENT_SEPARATOR client */
    uint64_t active[2]; /* a bit for each slot of the day in which it was counted */
};

struct members {
    const GArray *generations; /* struct generation, all of them; borrowed */
    GArray *list;              /* struct member, by generation, then symbol */
    uint64_t *scores;          /* of each member, for each slot of the day: its requests there; NULL: not wanted */
    GStringChunk *names;
};

/* Slots from first to last, counted since 1970. */
struct slot_range {
    int64_t first, last;
};

/* All generations whose buckets are kept and hold an event, by day, partition and revision. GArray of struct generation. */
GArray *members_generations(struct reader *reader, GError **error);
/* Fills in clients and totals of all generations; the totals stand in an array that g_free frees. NULL with an error. */
uint64_t *members_count(struct reader *reader, GArray *generations, GError **error);

/* True when the scope is one client of one organization. */
bool members_one(const struct scope *scope);
/* Without any member yet. */
struct members *members_new(const GArray *generations);
/* The name is copied. After the last one: members_sort. */
void members_add(struct members *members, uint32_t generation, uint32_t symbol, const char *name);
void members_sort(struct members *members);
/* Members of generations [first, first + n) that the scope has (key, organization). NULL with an error. */
struct members *members_find(struct reader *reader, const GArray *generations, guint first, guint n, const struct scope *scope,
                             GError **error);
void members_free(struct members *members);
/* From now on members_see notes the requests, too. */
void members_keep_scores(struct members *members);
/* Learns in which slots of the ranges each was active. */
bool members_see(struct members *members, struct reader *reader, const struct slot_range *ranges, guint n, GError **error);

bool member_is_active(const struct member *member, int slot_of_day);
/* Requests in a slot of the day; only with scores. */
uint64_t members_score(const struct members *members, guint index, int slot_of_day);
/* Members of one generation: [*first, returned end). */
guint members_of(const struct members *members, uint32_t generation, guint *first);
/* The member with this symbol among [first, end), or NULL. */
struct member *members_by_symbol(const struct members *members, guint first, guint end, struct view symbol);
/* Slots of the generation that lie in the range, as slots of its day: [*first, returned end). */
int generation_slots(const struct generation *generation, struct slot_range range, int *first);

/* Up to so many members of a generation are asked for one by one, more by walking the whole set. */
enum { MEMBERS_FEW = 8 };

#endif
