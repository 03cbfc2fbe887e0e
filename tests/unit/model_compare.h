/* model_compare: what Redis holds, read back through the symbols, against what the log says. For test_commit_model.c alone.
 *
 * Exact are, at the end of a schedule (everything done that could be done, all that is due by the log clock removed):
 *   - all totals, what was refused and its samples, the days, their open revisions and streams, what was sealed (as bytes), the
 * ledger, the erasures;
 *   - every sheet's canonical bytes. A sheet may be gone only when its time to stay is over by the earliest time at which it can
 *     have been made; it must be gone when nothing says any more that it is due;
 *   - every bucket of every generation, until its removal is due. That of a sealed generation is due two days of log clock after
 * its sheet was made, and when that was varies with the schedule: Redis itself says when (key due). What it says must lie between
 *     two days after the seal and two days from now; until then every bucket must be there, and afterwards none of them. */
#ifndef DAYBOOK_TEST_MODEL_COMPARE_H
#define DAYBOOK_TEST_MODEL_COMPARE_H

#include "lib/archive.h"
#include "lib/number.h"
#include "tests/unit/model_closing.h"
#include "tests/unit/model_redis.h"

#include <stdio.h>

struct comparison {
    struct model *model;
    struct oracle *oracle;
    struct archive *archive; /* NULL: none */
    int keep_days;
    bool alone; /* no other worker was there, who might have come back late with what is gone from the archive */
    guint removed, sheets_removed;
};

/* ---- what Redis holds ---- */

static uint64_t model_number(struct model *model, const char *key, const char *field)
{
    uint64_t value = 0;
    return number_read(model_text(model, view_of(key), field), &value) ? value : 0;
}

static GHashTable *model_hash(struct model *model, const char *name)
{
    g_autoptr(GBytes) key = g_bytes_new(name, strlen(name));
    return g_hash_table_lookup(model->keys, key);
}

static char *bytes_text(GBytes *bytes)
{
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static struct view bytes_view(GBytes *bytes)
{
    return view_make(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* The name behind a symbol in one of the tables c, r, u; "" for symbol 0. */
static char *symbol_name(struct model *model, const char *table, const char *prefix, uint64_t symbol)
{
    GHashTable *hash = model_hash(model, table);
    GHashTableIter iter;
    gpointer field, value;
    if (symbol == 0)
        return g_strdup("");
    if (hash)
        g_hash_table_iter_init(&iter, hash);
    while (hash && g_hash_table_iter_next(&iter, &field, &value)) {
        g_autofree char *name = bytes_text(field);
        uint64_t number;
        if (number_read(bytes_view(value), &number) && number == symbol && g_str_has_prefix(name, prefix))
            return g_strdup(name + strlen(prefix));
    }
    return g_strdup_printf("{no symbol %" G_GUINT64_FORMAT " in %s}", symbol, table);
}

struct place_in { /* a field of a bucket */
    struct model *model;
    GHashTable *found;
    const char *key, *field;
    struct view value;
    long long day;
    int revision;
};

static char *client_name_of(const struct place_in *place, uint64_t symbol)
{
    char table[KEYS_MAX];
    keys_clients(table, 0, place->day, place->revision);
    return symbol_name(place->model, table, "", symbol);
}

static void put_measure(GHashTable *found, char *name, struct view value)
{
    struct measure measure;
    struct sums *sums = sums_of(found, name);
    if (!measure_parse(&measure, value)) {
        sums->requests += 1000000000;
        return;
    }
    sums->requests += measure.requests;
    sums->latency_us += measure.latency_sum_us;
    sums->latency_max_us = MAX(sums->latency_max_us, measure.latency_max_us);
    for (uint32_t i = 0; i < measure.latencies.n; i++)
        sums->latencies += latencies_of(measure.latencies.items[i].key, measure.latencies.items[i].count);
    sums->bytes += measure.request_bytes * 100000 + measure.response_bytes;
    sums->ok += measure_status(&measure, 200);
    measure_clear(&measure);
}

/* The name at a place in the blocks of the users' table. */
static char *user_name_of(struct model *model, const char *table, unsigned user)
{
    char field[16];
    if (user == 0)
        return g_strdup("");
    g_snprintf(field, sizeof field, "%u", (user - 1) / KEYS_USERS_PER_BLOCK);
    g_autofree char *block = text(model_text(model, view_of(table), field));
    g_auto(GStrv) names = g_strsplit(block, "\n", -1);
    unsigned at = (user - 1) % KEYS_USERS_PER_BLOCK;
    return g_strdup(at < g_strv_length(names) ? names[at] : "{no user}");
}

static void put_line(const struct place_in *place, int slot, unsigned client, const char *line)
{
    unsigned route, user, platform;
    char routes[KEYS_MAX], users[KEYS_MAX];
    if (sscanf(line, "%u.%u.%u ", &route, &user, &platform) != 3)
        return;
    keys_routes(routes, 0, place->day, place->revision, client);
    keys_users(users, 0, place->day, place->revision, client);
    g_autofree char *c = client_name_of(place, client), *r = symbol_name(place->model, routes, "r", route),
                    *p = symbol_name(place->model, routes, "p", platform), *u = user_name_of(place->model, users, user);
    put_measure(place->found, g_strdup_printf("%lld.%d slot %d %s %s [%s] [%s]", place->day, place->revision, slot, c, r, u, p),
                view_of(strchr(line, ' ') + 1));
}

static void put_slot(const struct place_in *place, int slot, unsigned client)
{
    g_autofree char *value = text(place->value);
    g_auto(GStrv) lines = g_strsplit(value, "\n", -1);
    for (size_t i = 0; lines[i]; i++)
        put_line(place, slot, client, lines[i]);
}

static void put_score(const struct place_in *place, const char *what)
{
    uint64_t score = 0;
    number_read(place->value, &score);
    sums_of(place->found, g_strdup_printf("%lld.%d %s", place->day, place->revision, what))->requests += score;
}

static void put_named_score(const struct place_in *place, const char *what, long long number, const char *name)
{
    g_autofree char *whole = g_strdup_printf("%s %lld %s", what, number, name);
    put_score(place, whole);
}

/* The numbers behind one another, and how many are too many. */
static void put_sum_minutes(const struct place_in *place, int slot)
{
    g_autofree char *value = text(place->value);
    g_auto(GStrv) numbers = g_strsplit(value, " ", -1);
    for (guint i = 0; numbers[i]; i++) {
        struct place_in one = *place;
        g_autofree char *index = g_strdup_printf("%u", i);
        one.value = view_of(numbers[i]);
        put_named_score(&one, "sum-minutes", slot, index);
    }
    sums_of(place->found, g_strdup_printf("%lld.%d sum-minutes %d too many", place->day, place->revision, slot))->requests =
        g_strv_length(numbers) - KEYS_SLOT_MINUTES;
}

static void put_sum(const struct place_in *place, int slot)
{
    const char *name = place->field + 1;
    bool is_client = place->field[0] == 'c';
    if (strcmp(place->field, "m") == 0) {
        put_sum_minutes(place, slot);
        return;
    }
    g_autofree char *of = is_client ? client_name_of(place, g_ascii_strtoull(name, NULL, 10)) : g_strdup(name);
    put_measure(place->found,
                g_strdup_printf("%lld.%d sum-%s %d %s", place->day, place->revision, is_client ? "clients" : "routes", slot, of),
                place->value);
}

static void put_minute(struct place_in *place, long long minute, bool measures)
{
    place->day = minute * KEYS_MINUTE_MS / KEYS_DAY_MS;
    g_autofree char *name = client_name_of(place, g_ascii_strtoull(place->field, NULL, 10));
    if (measures)
        put_measure(place->found, g_strdup_printf("%lld.%d minute %lld %s", place->day, place->revision, minute, name),
                    place->value);
    else
        put_named_score(place, "minute-clients", minute, name);
}

static void put_field(struct place_in *place, int64_t clock_ms)
{
    long long number;
    int slot;
    unsigned client;
    if (sscanf(place->key, "{p0}:s:%lld.%d:%d:%u", &place->day, &place->revision, &slot, &client) == 4) {
        put_slot(place, slot, client);
    } else if (sscanf(place->key, "{p0}:ss:%lld.%d:%d", &place->day, &place->revision, &slot) == 3) {
        put_sum(place, slot);
    } else if (sscanf(place->key, "{p0}:t:%lld.%d", &place->day, &place->revision) == 2) {
        g_autofree char *total = g_strdup_printf("total %s", place->field);
        put_score(place, total);
    } else if (sscanf(place->key, "{p0}:m:%lld.%d:", &number, &place->revision) == 2) {
        put_minute(place, number, true);
    } else if (sscanf(place->key, "{p0}:zm:%lld.%d", &number, &place->revision) == 2) {
        put_minute(place, number, false);
    } else if (sscanf(place->key, "{p0}:zs:%lld.%d:%d", &place->day, &place->revision, &slot) == 3) {
        g_autofree char *name = client_name_of(place, g_ascii_strtoull(place->field, NULL, 10));
        put_named_score(place, "slot-clients", slot, name);
    } else if (sscanf(place->key, "{p0}:zr:%lld.%d:%d", &place->day, &place->revision, &slot) == 3) {
        put_named_score(place, "slot-routes", slot, place->field);
    } else if (strcmp(place->key, "{p0}:meta") == 0 && sscanf(place->field, "cnt:%lld.%d", &place->day, &place->revision) == 2) {
        put_score(place, "events");
    } else if (sscanf(place->key, "{p0}:%*[cru]:%lld.%d", &place->day, &place->revision) == 2) {
        sums_of(place->found, g_strdup_printf("%lld.%d names", place->day, place->revision))->requests = 1;
    } else if (sscanf(place->key, "{p0}:ids:%lld:", &number) == 1 && (number + 2) * KEYS_DAY_MS <= clock_ms) {
        sums_of(place->found, g_strdup_printf("leaked %s", place->key))->requests++;
    }
}

static void read_buckets(const struct comparison *comparison, GHashTable *found)
{
    GHashTableIter keys, fields;
    gpointer key, hash, field, value;
    g_hash_table_iter_init(&keys, comparison->model->keys);
    while (g_hash_table_iter_next(&keys, &key, &hash)) {
        g_autofree char *key_text = bytes_text(key);
        g_hash_table_iter_init(&fields, hash);
        while (g_hash_table_iter_next(&fields, &field, &value)) {
            g_autofree char *field_text = bytes_text(field);
            struct place_in place = {comparison->model, found, key_text, field_text, bytes_view(value), 0, 0};
            put_field(&place, comparison->oracle->clock_ms);
        }
    }
}

/* ---- buckets ---- */

static gboolean is_past_minute(gpointer key, gpointer value, gpointer oracle)
{
    long long minute;
    (void)value;
    return (sscanf(key, "%*d.%*d minute %lld ", &minute) == 1 || sscanf(key, "%*d.%*d minute-clients %lld ", &minute) == 1) &&
           (minute + 1) * KEYS_MINUTE_MS + KEYS_MINUTE_KEPT_MS <= ((struct oracle *)oracle)->clock_ms;
}

static gboolean is_of_generation(gpointer key, gpointer value, gpointer generation)
{
    (void)value;
    return g_str_has_prefix(key, generation);
}

/* The sealed generations that are gone are taken from what is wanted. */
static char *leave_out_removed(struct comparison *comparison, const struct sealed *sealed)
{
    char generation[64], due[80];
    int64_t clock_ms = comparison->oracle->clock_ms, due_ms;
    g_snprintf(generation, sizeof generation, "%" G_GINT64_FORMAT ".%d", sealed->day, sealed->revision);
    g_snprintf(due, sizeof due, "g:%s:0", generation);
    struct view found = model_text(comparison->model, view_of("{p0}:due"), due);
    if (found.size == 0) {
        g_strlcat(generation, " ", sizeof generation);
        g_hash_table_foreach_remove(comparison->oracle->sums, is_of_generation, generation);
        comparison->removed++;
        return sealed->clock_ms + 2 * KEYS_DAY_MS <= clock_ms ? NULL
                                                              : g_strdup_printf("buckets of %sare due too early", generation);
    }
    if (number_read_signed(found, &due_ms) && sealed->clock_ms + 2 * KEYS_DAY_MS <= due_ms && due_ms > clock_ms &&
        due_ms <= clock_ms + 2 * KEYS_DAY_MS)
        return NULL;
    return g_strdup_printf("buckets of %s are due at %.*s", generation, (int)found.size, found.data);
}

static char *one_way(GHashTable *wanted, GHashTable *found, const char *what)
{
    GHashTableIter iter;
    gpointer name, value;
    g_hash_table_iter_init(&iter, wanted);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        const struct sums none = {0}, *w = value, *f = g_hash_table_lookup(found, name);
        if (memcmp(w, f ? f : &none, sizeof none) != 0)
            return g_strdup_printf("%s: \"%s\" has %" G_GUINT64_FORMAT " requests here and %" G_GUINT64_FORMAT " there", what,
                                   (char *)name, w->requests, f ? f->requests : 0);
    }
    return NULL;
}

static char *compare_buckets(struct comparison *comparison)
{
    GHashTable *sums = comparison->oracle->sums;
    g_autoptr(GHashTable) found = string_table();
    char *difference = NULL;
    comparison->removed += g_hash_table_foreach_remove(sums, is_past_minute, comparison->oracle);
    for (guint i = 0; !difference && i < comparison->oracle->sealed->len; i++)
        difference = leave_out_removed(comparison, g_ptr_array_index(comparison->oracle->sealed, i));
    read_buckets(comparison, found);
    if (!difference)
        difference = one_way(sums, found, "log against Redis");
    if (!difference)
        difference = one_way(found, sums, "Redis against log");
    return difference;
}

/* ---- hashes ---- */

static GHashTable *wanted_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
}

G_GNUC_PRINTF(2, 3) static void want(GHashTable *wanted, const char *format, ...)
{
    /* "field=value" */
    va_list list;
    va_start(list, format);
    g_autofree char *both = g_strdup_vprintf(format, list);
    va_end(list);
    const char *value = strchr(both, '=') + 1;
    g_hash_table_insert(wanted, g_strndup(both, (gsize)(value - 1 - both)), g_bytes_new(value, strlen(value)));
}

/* Takes wanted: field -> GBytes. */
static char *compare_hash(struct model *model, const char *kind, GHashTable *wanted)
{
    char key[KEYS_MAX];
    GHashTableIter iter;
    gpointer field, value;
    char *difference = NULL;
    keys_plain(key, 0, kind);
    GHashTable *hash = model_hash(model, key);
    g_hash_table_iter_init(&iter, wanted);
    while (!difference && g_hash_table_iter_next(&iter, &field, &value)) {
        struct view found = model_text(model, view_of(key), field);
        if (!view_equal(found, bytes_view(value)))
            difference = g_strdup_printf("%s of %s is \"%.*s\", wanted \"%.*s\"", (char *)field, kind, (int)found.size, found.data,
                                         (int)g_bytes_get_size(value), (const char *)g_bytes_get_data(value, NULL));
    }
    if (!difference && (hash ? g_hash_table_size(hash) : 0) != g_hash_table_size(wanted))
        difference =
            g_strdup_printf("%s has %u fields, wanted %u", kind, hash ? g_hash_table_size(hash) : 0, g_hash_table_size(wanted));
    g_hash_table_destroy(wanted);
    return difference;
}

static char *compare_meta(const struct comparison *comparison)
{
    const struct oracle *oracle = comparison->oracle;
    const struct {
        const char *field;
        uint64_t wanted;
    } fields[] = {{"events", oracle->events},
                  {"duplicates", oracle->duplicates},
                  {"duplicate_batches", oracle->duplicate_batches},
                  {"duplicate_batch_events", oracle->duplicate_batch_events},
                  {"quarantined", oracle->quarantined},
                  {"gaps", oracle->gaps},
                  {"gap_batches", oracle->gap_batches},
                  {"clock", (uint64_t)oracle->clock_ms},
                  {"first_ms", (uint64_t)oracle->first_ms},
                  {"seals", oracle->sealed->len},
                  {"seals_ignored", oracle->seals_ignored},
                  {"sheets", oracle->sealed->len},
                  {"ledger", oracle->entries->len},
                  {"ledger_offset", (uint64_t)oracle->ledger_offset},
                  {"ledger_ignored", oracle->ledger_ignored},
                  {"refused", oracle->refusals_total},
                  {"refused_samples", oracle->refused->len},
                  {"archived", comparison->archive ? oracle->entries->len : 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        uint64_t found = model_number(comparison->model, "{p0}:meta", fields[i].field);
        if (found != fields[i].wanted)
            return g_strdup_printf("meta %s is %" G_GUINT64_FORMAT ", wanted %" G_GUINT64_FORMAT, fields[i].field, found,
                                   fields[i].wanted);
    }
    if (!view_is(model_text(comparison->model, view_of("{p0}:meta"), "ledger_checksum"), oracle->last_checksum))
        return g_strdup_printf("meta ledger_checksum is not %s", oracle->last_checksum);
    return NULL;
}

static char *compare_days(const struct comparison *comparison)
{
    GHashTable *days = wanted_new(), *open = wanted_new(), *streams = wanted_new();
    GHashTableIter iter;
    gpointer stream, span;
    for (guint i = 0; i < comparison->oracle->days->len; i++) {
        const struct oracle_day *day = g_ptr_array_index(comparison->oracle->days, i);
        const struct day_state state = {.sealed = day->sealed, .sheeted = day->sealed, .ledgered = day->ledgered};
        char sealed_text[DAY_TEXT_MAX], open_text[OPEN_TEXT_MAX];
        day_state_write(&state, sealed_text);
        open_day_write(&day->open, open_text);
        if (day->sealed > 0)
            want(days, "%" G_GINT64_FORMAT "=%s", day->number, sealed_text);
        if (day->has_open)
            want(open, "%" G_GINT64_FORMAT ".%d=%s", day->number, day->sealed + 1, open_text);
        g_hash_table_iter_init(&iter, day->heard);
        while (g_hash_table_iter_next(&iter, &stream, &span))
            want(streams, "%" G_GINT64_FORMAT ".%d %s=%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, day->number, day->sealed + 1,
                 (char *)stream, ((struct span *)span)->first, ((struct span *)span)->last);
    }
    g_autofree char *one = compare_hash(comparison->model, "days", days), *two = compare_hash(comparison->model, "open", open),
                    *three = compare_hash(comparison->model, "streams", streams);
    return g_strdup(one ? one : two ? two : three);
}

static char *compare_refusals(const struct comparison *comparison)
{
    const struct oracle *oracle = comparison->oracle;
    GHashTable *counts = wanted_new(), *samples = wanted_new();
    GHashTableIter iter;
    gpointer field, count;
    g_hash_table_iter_init(&iter, oracle->refusals);
    while (g_hash_table_iter_next(&iter, &field, &count))
        if ((g_ascii_strtoll(field, NULL, 10) + 1 + KEYS_REFUSALS_DAYS) * KEYS_DAY_MS > oracle->clock_ms)
            want(counts, "%s=%" G_GUINT64_FORMAT, (char *)field, *(uint64_t *)count);
    for (guint i = 0; i < oracle->refused->len; i++)
        g_hash_table_replace(samples, g_strdup_printf("%u", i % KEYS_RING),
                             g_bytes_new(oracle->refused->pdata[i], strlen(oracle->refused->pdata[i])));
    g_autofree char *one = compare_hash(comparison->model, "refusals", counts),
                    *two = compare_hash(comparison->model, "refused", samples);
    return g_strdup(one ? one : two);
}

static char *compare_ledger(const struct comparison *comparison)
{
    const struct oracle *oracle = comparison->oracle;
    GHashTable *ledger = wanted_new(), *entries = wanted_new(), *erasures = wanted_new();
    GHashTableIter iter;
    gpointer field, value;
    for (guint i = 0; i < oracle->entries->len; i++)
        g_hash_table_insert(ledger, g_strdup_printf("%u", i + 1), g_bytes_ref(oracle->entries->pdata[i]));
    g_hash_table_iter_init(&iter, oracle->by_entry);
    while (g_hash_table_iter_next(&iter, &field, &value))
        want(entries, "%s=%s", (char *)field, (char *)value);
    g_hash_table_iter_init(&iter, oracle->erasures);
    while (g_hash_table_iter_next(&iter, &field, &value))
        want(erasures, "%s=%s", (char *)field, (char *)value);
    g_autofree char *one = compare_hash(comparison->model, "ledger", ledger),
                    *two = compare_hash(comparison->model, "entries", entries),
                    *three = compare_hash(comparison->model, "erasures", erasures);
    return g_strdup(one ? one : two ? two : three);
}

/* ---- sheets ---- */

/* When at the earliest its sheet may go, since the log says that a later revision was sealed without an erased user. */
static int64_t erased_at(const struct comparison *comparison, const struct sealed *sealed)
{
    for (guint i = 0; i < comparison->oracle->sealed->len; i++) {
        const struct sealed *later = g_ptr_array_index(comparison->oracle->sealed, i);
        if (later->day == sealed->day && later->revision > sealed->revision && later->reason == SEAL_ERASURE)
            return later->clock_ms + 3600000;
    }
    return INT64_MAX;
}

static bool is_due(const struct comparison *comparison, const struct sealed *sealed, const char *what)
{
    g_autofree char *name = g_strdup_printf("%s:%" G_GINT64_FORMAT ".%d", what, sealed->day, sealed->revision);
    return model_text(comparison->model, view_of("{p0}:due"), name).size > 0;
}

static const char *compare_archived(const struct comparison *comparison, const struct sealed *sealed, int64_t erased_ms)
{
    g_autoptr(GError) error = NULL;
    if (!comparison->archive)
        return NULL;
    const struct sheet_name name = {0, sealed->day, sealed->revision};
    g_autoptr(GBytes) bytes = archive_get_sheet(comparison->archive, &name, sealed->checksum, &error);
    if (!bytes)
        return error->code == ARCHIVE_ERROR_MISSING && erased_ms <= comparison->oracle->clock_ms ? NULL : "is not in the archive";
    return comparison->alone && erased_ms < INT64_MAX && !is_due(comparison, sealed, "erased") ? "is still in the archive" : NULL;
}

static const char *compare_sheet(struct comparison *comparison, const struct sealed *sealed)
{
    char key[KEYS_MAX];
    int64_t erased_ms = erased_at(comparison, sealed), clock_ms = comparison->oracle->clock_ms;
    int64_t kept_ms = INT64_MAX;
    if (comparison->keep_days > 0)
        kept_ms = MAX((sealed->day + 1 + comparison->keep_days) * KEYS_DAY_MS, sealed->clock_ms + 2 * KEYS_DAY_MS);
    bool due = is_due(comparison, sealed, "sheet") || is_due(comparison, sealed, "erased");
    keys_sheet(key, 0, sealed->day, sealed->revision);
    struct view packed = model_text(comparison->model, view_of(key), MODEL_STRING);
    if (packed.size == 0) {
        comparison->sheets_removed++;
        return kept_ms <= clock_ms || erased_ms <= clock_ms ? compare_archived(comparison, sealed, erased_ms) : "is missing";
    }
    if (!due && (kept_ms < INT64_MAX || erased_ms < INT64_MAX))
        return "came back";
    g_autoptr(GBytes) bytes = sheet_unpack(packed.data, packed.size, NULL);
    if (!bytes || !g_bytes_equal(bytes, sealed->sheet))
        return "is another one";
    return compare_archived(comparison, sealed, erased_ms);
}

/* A PartitionDay for people. */
static char *closed_text(struct view bytes)
{
    struct partition_day *day = partition_day_parse(bytes, NULL);
    GString *out = g_string_new(NULL);
    if (!day)
        return g_string_free(out, FALSE);
    const uint64_t numbers[] = {day->seal_offset, (uint64_t)day->sealed_at_ms,
                                day->reason,      day->first_offset,
                                day->end_offset,  day->events,
                                day->late,        day->duplicates,
                                day->gaps,        day->gap_batches,
                                day->quarantined, day->rows,
                                day->incomplete,  day->has_sheet};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_string_append_printf(out, "%" G_GUINT64_FORMAT " ", numbers[i]);
    for (guint i = 0; i < day->streams->len; i++) {
        const struct stream_day *stream = g_ptr_array_index(day->streams, i);
        g_string_append_printf(
            out, "%02x%02x:%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %d ",
            stream->stream_id[0], stream->stream_id[1], stream->collector, stream->first_sequence, stream->last_sequence,
            stream->high_water, stream->heard_ms, stream->announced != NULL);
    }
    partition_day_free(day);
    return g_string_free(out, FALSE);
}

static char *compare_bytes_of(const struct comparison *comparison, const char *generation, const struct sealed *sealed)
{
    struct view found = model_text(comparison->model, view_of("{p0}:closed"), generation), wanted = bytes_view(sealed->closed);
    if (view_equal(found, wanted))
        return NULL;
    g_autofree char *is = closed_text(found), *should = closed_text(wanted);
    return g_strdup_printf("closed %s is \"%s\", wanted \"%s\"", generation, is, should);
}

static char *compare_closed(struct comparison *comparison)
{
    GHashTable *hash = model_hash(comparison->model, "{p0}:closed");
    guint n = comparison->oracle->sealed->len, found = hash ? g_hash_table_size(hash) : 0;
    char *difference = found == n ? NULL : g_strdup_printf("%u days are closed, wanted %u", found, n);
    for (guint i = 0; !difference && i < n; i++) {
        const struct sealed *sealed = g_ptr_array_index(comparison->oracle->sealed, i);
        g_autofree char *generation = g_strdup_printf("%" G_GINT64_FORMAT ".%d", sealed->day, sealed->revision);
        const char *what = compare_sheet(comparison, sealed);
        difference =
            what ? g_strdup_printf("the sheet of %s %s", generation, what) : compare_bytes_of(comparison, generation, sealed);
    }
    return difference;
}

/* ---- all ---- */

/* The first difference, or NULL; takes from the oracle what is gone. */
static char *compare_with_log(struct comparison *comparison)
{
    char *difference = compare_meta(comparison);
    if (!difference)
        difference = compare_days(comparison);
    if (!difference)
        difference = compare_refusals(comparison);
    if (!difference)
        difference = compare_ledger(comparison);
    if (!difference)
        difference = compare_closed(comparison);
    return difference ? difference : compare_buckets(comparison);
}

/* Whether nothing is left to be done of what is not counting: sheets, the archive, removal of what is due. */
static bool is_all_done(const struct comparison *comparison, bool removal)
{
    const struct oracle *oracle = comparison->oracle;
    GHashTable *due = model_hash(comparison->model, "{p0}:due");
    GHashTableIter iter;
    gpointer value;
    int64_t due_ms;
    if (model_number(comparison->model, "{p0}:meta", "sheets") != oracle->sealed->len ||
        (comparison->archive && model_number(comparison->model, "{p0}:meta", "archived") != oracle->entries->len))
        return false;
    if (!removal || !due)
        return true;
    g_hash_table_iter_init(&iter, due);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (number_read_signed(bytes_view(value), &due_ms) && due_ms <= oracle->clock_ms)
            return false;
    return true;
}

#endif
