#include "api/usage_table.h"

#include "api/measured.h"
#include "lib/keys.h"

enum { HOUR_S = 3600 };

static void line_free(struct usage_line *line)
{
    g_free(line->name);
    measure_clear(&line->measure);
    g_free(line);
}

static GHashTable *lines_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)line_free);
}

struct usage_table *usage_table_new(const struct window *window)
{
    struct usage_table *table = g_new0(struct usage_table, 1);
    table->window = window;
    table->n_cells = window->unit == CIVIL_MINUTE ? window->n_slots : window->n_points;
    table->cells = g_new0(struct measure, table->n_cells);
    table->slot_requests = g_new0(uint64_t, window->n_slots);
    table->slot_errors = g_new0(uint64_t, window->n_slots);
    for (size_t status = 0; status < G_N_ELEMENTS(table->status_last); status++)
        table->status_last[status] = -1;
    table->routes = lines_new();
    table->clients = lines_new();
    int64_t end = window->first_slot + window->n_slots, first = MAX(window->first_slot, MIN(window->minutes_first_slot, end));
    table->first_minute = first * KEYS_SLOT_MINUTES;
    table->n_minutes = (uint32_t)(end - first) * KEYS_SLOT_MINUTES;
    table->minute_requests = g_new0(uint64_t, table->n_minutes);
    if (window->unit == CIVIL_MINUTE)
        table->minutes = g_new0(struct measure, table->n_minutes);
    return table;
}

void usage_table_free(struct usage_table *table)
{
    if (table == NULL)
        return;
    for (uint32_t i = 0; i < table->n_cells; i++)
        measure_clear(&table->cells[i]);
    for (uint32_t i = 0; table->minutes != NULL && i < table->n_minutes; i++)
        measure_clear(&table->minutes[i]);
    g_free(table->cells);
    g_free(table->minutes);
    g_free(table->slot_requests);
    g_free(table->slot_errors);
    g_free(table->minute_requests);
    g_hash_table_destroy(table->routes);
    g_hash_table_destroy(table->clients);
    g_free(table);
}

void usage_table_add_slot(struct usage_table *table, int64_t slot, const struct measure *measure)
{
    const struct window *window = table->window;
    uint32_t index = (uint32_t)(slot - window->first_slot);
    g_assert(slot >= window->first_slot && index < window->n_slots);
    measure_merge(&table->cells[window->unit == CIVIL_MINUTE ? index : window_point(window, slot)], measure);
    table->slot_requests[index] += measure->requests;
    table->slot_errors[index] += measured_failed(measure);
    for (uint32_t i = 0; i < measure->statuses.n; i++) {
        uint32_t status = measure->statuses.items[i].key;
        if (status < G_N_ELEMENTS(table->status_last))
            table->status_last[status] = MAX(table->status_last[status], slot);
    }
}

static struct usage_line *line_of(GHashTable *lines, const char *name)
{
    struct usage_line *line = g_hash_table_lookup(lines, name);
    if (line != NULL)
        return line;
    line = g_new0(struct usage_line, 1);
    line->name = g_strdup(name);
    line->last_slot = INT64_MIN;
    g_hash_table_insert(lines, line->name, line);
    return line;
}

void usage_line_add(struct usage_line *line, const struct measure *measure, int64_t last_slot)
{
    measure_merge(&line->measure, measure);
    line->last_slot = MAX(line->last_slot, last_slot);
}

struct usage_line *usage_table_route(struct usage_table *table, const char *name)
{
    return line_of(table->routes, name);
}

static void add_line(GHashTable *lines, const char *name, const struct measure *measure, int64_t last_slot)
{
    if (measure->requests > 0)
        usage_line_add(line_of(lines, name), measure, last_slot);
}

void usage_table_add_route(struct usage_table *table, const char *name, const struct measure *measure, int64_t last_slot)
{
    add_line(table->routes, name, measure, last_slot);
}

void usage_table_add_client(struct usage_table *table, const char *name, const struct measure *measure, int64_t last_slot)
{
    add_line(table->clients, name, measure, last_slot);
}

void usage_table_add_minute_requests(struct usage_table *table, int64_t minute, uint64_t requests)
{
    if (minute >= table->first_minute && minute - table->first_minute < table->n_minutes)
        table->minute_requests[minute - table->first_minute] += requests;
}

void usage_table_add_minute(struct usage_table *table, int64_t minute, const struct measure *measure)
{
    if (minute < table->first_minute || minute - table->first_minute >= table->n_minutes)
        return;
    g_assert(table->minutes != NULL);
    measure_merge(&table->minutes[minute - table->first_minute], measure);
}

/* ---- tables of slots ---- */

static void merge_lines(GHashTable *lines, GHashTable *more)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, more);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct usage_line *line = value;
        add_line(lines, line->name, &line->measure, line->last_slot);
    }
}

/* The slots of a point are those that begin in it. */
static int64_t first_slot_of(const struct window *window, uint32_t point)
{
    return MAX(window_slot(window->points[point] + KEYS_SLOT_MS - 1), window->first_slot);
}

static void merge_slots(struct usage_table *table, const struct usage_table *other)
{
    const uint32_t first = (uint32_t)(other->window->first_slot - table->window->first_slot);
    g_assert(first <= table->window->n_slots && other->window->n_slots <= table->window->n_slots - first);
    for (uint32_t i = 0; i < other->window->n_slots; i++) {
        table->slot_requests[first + i] += other->slot_requests[i];
        table->slot_errors[first + i] += other->slot_errors[i];
    }
    for (size_t status = 0; status < G_N_ELEMENTS(table->status_last); status++)
        table->status_last[status] = MAX(table->status_last[status], other->status_last[status]);
}

void usage_table_merge(struct usage_table *table, const struct usage_table *other)
{
    g_assert(other->minutes == NULL && table->minutes == NULL);
    for (uint32_t i = 0; i < other->n_cells; i++)
        if (other->cells[i].requests > 0)
            measure_merge(&table->cells[window_point(table->window, first_slot_of(other->window, i))], &other->cells[i]);
    merge_slots(table, other);
    for (uint32_t i = 0; i < other->n_minutes; i++)
        usage_table_add_minute_requests(table, other->first_minute + i, other->minute_requests[i]);
    merge_lines(table->routes, other->routes);
    merge_lines(table->clients, other->clients);
}

static size_t measure_bytes(const struct measure *measure)
{
    return sizeof *measure + (measure->statuses.capacity + measure->latencies.capacity) * sizeof(struct tally);
}

static size_t lines_bytes(GHashTable *lines)
{
    enum { ENTRY_BYTES = 64 /* of the hash table and of malloc */ };
    GHashTableIter iter;
    void *value;
    size_t bytes = 0;
    g_hash_table_iter_init(&iter, lines);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct usage_line *line = value;
        bytes += ENTRY_BYTES + strlen(line->name) + measure_bytes(&line->measure);
    }
    return bytes;
}

size_t usage_table_bytes(const struct usage_table *table)
{
    size_t bytes = sizeof *table + table->window->n_slots * 2 * sizeof(uint64_t) + table->n_minutes * sizeof(uint64_t);
    for (uint32_t i = 0; i < table->n_cells; i++)
        bytes += measure_bytes(&table->cells[i]);
    for (uint32_t i = 0; table->minutes != NULL && i < table->n_minutes; i++)
        bytes += measure_bytes(&table->minutes[i]);
    return bytes + lines_bytes(table->routes) + lines_bytes(table->clients);
}

/* ---- settling minutes against their slot ---- */

/* True when every count in `part` is also in `whole`. */
static bool tallies_within(const struct tally_list *part, const struct tally_list *whole)
{
    for (uint32_t i = 0, j = 0; i < part->n; i++) {
        while (j < whole->n && whole->items[j].key < part->items[i].key)
            j++;
        if (j == whole->n || whole->items[j].key != part->items[i].key || whole->items[j].count < part->items[i].count)
            return false;
    }
    return true;
}

static bool is_within(const struct measure *part, const struct measure *whole)
{
    return part->requests <= whole->requests && part->latency_sum_us <= whole->latency_sum_us &&
           part->latency_max_us <= whole->latency_max_us && part->request_bytes <= whole->request_bytes &&
           part->response_bytes <= whole->response_bytes && tallies_within(&part->statuses, &whole->statuses) &&
           tallies_within(&part->latencies, &whole->latencies);
}

static uint64_t count_of(const struct tally_list *list, uint32_t key)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i].key == key)
            return list->items[i].count;
    return 0;
}

static void add_difference(struct tally_list *into, const struct tally_list *whole, const struct tally_list *part)
{
    for (uint32_t i = 0; i < whole->n; i++) {
        uint64_t rest = whole->items[i].count - count_of(part, whole->items[i].key);
        if (rest > 0)
            tally_add(into, NULL, whole->items[i].key, rest);
    }
}

/* whole - part, into an initialized measure; part is within whole. The maximum is not a sum: it is the whole's only when no
 * part has it. */
static void subtract(struct measure *into, const struct measure *whole, const struct measure *part)
{
    into->requests = whole->requests - part->requests;
    into->latency_sum_us = whole->latency_sum_us - part->latency_sum_us;
    into->request_bytes = whole->request_bytes - part->request_bytes;
    into->response_bytes = whole->response_bytes - part->response_bytes;
    add_difference(&into->statuses, &whole->statuses, &part->statuses);
    add_difference(&into->latencies, &whole->latencies, &part->latencies);
    if (part->latency_max_us < whole->latency_max_us)
        into->latency_max_us = whole->latency_max_us;
}

static bool is_equal(const struct measure *a, const struct measure *b)
{
    return is_within(a, b) && is_within(b, a);
}

static void merge_range(struct measure *into, const struct measure *minutes, int n)
{
    for (int i = 0; i < n; i++)
        measure_merge(into, &minutes[i]);
}

/* The newest of the fifteen that counts anything, or, where none does, the newest that has begun. */
static int newest_minute(const struct usage_table *table, uint32_t slot, const struct measure *minutes)
{
    int newest = KEYS_SLOT_MINUTES - 1;
    while (newest >= 0 && minutes[newest].requests == 0)
        newest--;
    if (newest >= 0)
        return newest;
    int64_t begun = (table->window->now_ms - window_slot_ms(table->window->first_slot + slot)) / KEYS_MINUTE_MS;
    return (int)CLAMP(begun, 0, KEYS_SLOT_MINUTES - 1);
}

/* False: they added up already. */
static bool settle_slot(struct usage_table *table, uint32_t slot)
{
    struct measure *minutes = &table->minutes[slot * KEYS_SLOT_MINUTES];
    const struct measure *whole = &table->cells[slot];
    struct measure sum;
    measure_init(&sum);
    merge_range(&sum, minutes, KEYS_SLOT_MINUTES);
    bool equal = is_equal(&sum, whole);
    int target = newest_minute(table, slot, minutes), older = target;
    for (; !equal && older >= 0; older--) {
        measure_clear(&sum);
        merge_range(&sum, minutes, older);
        if (is_within(&sum, whole))
            break;
    }
    if (!equal) {
        uint64_t max = 0;
        for (int i = MAX(older, 0); i < KEYS_SLOT_MINUTES; i++) {
            max = MAX(max, MIN(minutes[i].latency_max_us, whole->latency_max_us));
            measure_clear(&minutes[i]);
        }
        minutes[target].latency_max_us = max;
        subtract(&minutes[target], whole, &sum);
    }
    measure_clear(&sum);
    return !equal;
}

uint32_t usage_table_settle(struct usage_table *table)
{
    uint32_t settled = 0;
    if (table->minutes == NULL)
        return 0;
    g_assert(table->n_minutes == table->n_cells * KEYS_SLOT_MINUTES);
    for (uint32_t slot = 0; slot < table->n_cells; slot++)
        if (settle_slot(table, slot))
            settled++;
    return settled;
}

/* ---- sums ---- */

void usage_table_total(const struct usage_table *table, struct measure *total)
{
    for (uint32_t i = 0; i < table->n_cells; i++)
        measure_merge(total, &table->cells[i]);
}

uint64_t usage_table_between(const struct usage_table *table, int64_t from_ms, int64_t to_ms, uint64_t *errors)
{
    uint64_t requests = 0, failed = 0;
    for (uint32_t i = 0; i < table->window->n_slots; i++) {
        int64_t begin_ms = window_slot_ms(table->window->first_slot + i);
        if (begin_ms < from_ms || begin_ms >= to_ms)
            continue;
        requests += table->slot_requests[i];
        failed += table->slot_errors[i];
    }
    if (errors != NULL)
        *errors = failed;
    return requests;
}

/* Read after its slot, a minute may be ahead of it by a moment; no minute is shown with more than its slot. */
uint64_t usage_table_minute(const struct usage_table *table, int64_t minute)
{
    g_assert(minute >= table->first_minute && minute - table->first_minute < table->n_minutes);
    int64_t index = minute - table->first_minute;
    uint64_t limit = table->slot_requests[minute / KEYS_SLOT_MINUTES - table->window->first_slot];
    uint64_t requests = table->minutes != NULL ? table->minutes[index].requests : table->minute_requests[index];
    return MIN(requests, limit);
}

uint64_t usage_table_peak_minute(const struct usage_table *table)
{
    uint64_t peak = 0;
    for (uint32_t i = 0; i < table->n_minutes; i++)
        peak = MAX(peak, usage_table_minute(table, table->first_minute + i));
    return peak;
}

/* Unix time from which on the offset may be another one. */
static int64_t read_offset(const struct tz *tz, int64_t time_s, int32_t *offset_s)
{
    *offset_s = tz_at(tz, time_s).offset_s;
    return tz_next_change(tz, time_s);
}

/* Another offset begins another hour, as in zone_days.h. */
uint64_t usage_table_peak_hour(const struct usage_table *table)
{
    const struct window *window = table->window;
    uint64_t peak = 0, sum = 0;
    int64_t last_hour = INT64_MIN, until_s = INT64_MIN;
    int32_t offset_s = 0, last_offset_s = 0;
    for (uint32_t i = 0; i < window->n_slots; i++) {
        const int64_t time_s = window_slot_ms(window->first_slot + i) / 1000;
        if (time_s >= until_s)
            until_s = read_offset(window->tz, time_s, &offset_s);
        const int64_t hour = civil_divide(time_s + offset_s, HOUR_S);
        sum = hour == last_hour && offset_s == last_offset_s ? sum + table->slot_requests[i] : table->slot_requests[i];
        peak = MAX(peak, sum);
        last_hour = hour;
        last_offset_s = offset_s;
    }
    return peak;
}
