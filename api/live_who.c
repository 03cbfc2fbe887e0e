#include "api/live_who.h"

enum { NAME_BYTES = 16 /* malloc's own */ };

struct who {
    struct live_kept kept;
    struct live_stamp owner;
    uint32_t clients; /* of the generation, of all scopes */
    guint n;
    uint32_t *symbols;
    char **names;
};

static void who_free(struct live_kept *kept)
{
    struct who *who = (struct who *)(void *)kept;
    g_strfreev(who->names);
    g_free(who->symbols);
    g_free(who);
}

/* Takes over what is known of a generation. False: nothing, or it is not the same any more. */
static bool recall(const struct live_notes *notes, const struct scope *scope, struct members *members, guint index)
{
    const struct generation *generation = &g_array_index(members->generations, struct generation, index);
    g_autofree char *key = live_notes_key("who", scope, generation);
    struct who *who = (struct who *)(void *)live_cache_take(notes->cache, key);
    if (who == NULL)
        return false;
    bool same =
        who->clients == generation->clients && live_stamp_same_owner(&who->owner, live_notes_owner(notes, generation->partition));
    for (guint i = 0; same && i < who->n; i++)
        members_add(members, index, who->symbols[i], who->names[i]);
    live_kept_unref(&who->kept);
    return same;
}

static void learn(struct live_notes *notes, const struct scope *scope, const struct members *members, guint index)
{
    const struct generation *generation = &g_array_index(members->generations, struct generation, index);
    const struct live_stamp *owner = live_notes_owner(notes, generation->partition);
    guint first, end = members_of(members, index, &first);
    if (!owner->has_token || end - first > LIVE_MEMBERS_MAX)
        return;
    struct who *who = g_new0(struct who, 1);
    live_kept_init(&who->kept, sizeof *who, who_free);
    who->owner = *owner;
    who->clients = generation->clients;
    who->n = end - first;
    who->symbols = g_new(uint32_t, who->n);
    who->names = g_new0(char *, who->n + 1);
    for (guint i = 0; i < who->n; i++) {
        const struct member *member = &g_array_index(members->list, struct member, first + i);
        who->symbols[i] = member->symbol;
        who->names[i] = g_strdup(member->name);
        who->kept.bytes += sizeof *who->symbols + sizeof *who->names + strlen(member->name) + NAME_BYTES;
    }
    live_notes_touch(notes, generation->partition);
    live_notes_add(notes, live_notes_key("who", scope, generation), &who->kept);
}

/* Asks about generations [first, end) and adds them. */
static bool find_rest(struct live_notes *notes, const struct scope *scope, struct members *members, guint first, guint end,
                      GError **error)
{
    if (first == end)
        return true;
    struct members *found = members_find(notes->reader, members->generations, first, end - first, scope, error);
    if (found == NULL)
        return false;
    for (guint i = 0; i < found->list->len; i++) {
        const struct member *member = &g_array_index(found->list, struct member, i);
        members_add(members, member->generation, member->symbol, member->name);
    }
    for (guint i = first; i < end; i++)
        learn(notes, scope, found, i);
    members_free(found);
    return true;
}

struct members *live_who_find(struct live_notes *notes, const GArray *generations, guint first, guint n, const struct scope *scope,
                              GError **error)
{
    struct members *members = members_new(generations);
    guint asked = first;
    bool ok = true;
    for (guint i = first; ok && i < first + n; i++) {
        if (!recall(notes, scope, members, i))
            continue;
        ok = find_rest(notes, scope, members, asked, i, error);
        asked = i + 1;
    }
    if (!ok || !find_rest(notes, scope, members, asked, first + n, error)) {
        members_free(members);
        return NULL;
    }
    members_sort(members);
    return members;
}
