/* model_oracle: what Redis must hold after a log, computed record by record without any of the code under test but the parser; and
 * what it does hold, read back through the symbols. Both as maps from a readable name to numbers. For test_commit_model.c alone. */

struct sums {
    uint64_t requests, latency_us, bytes, ok;
};

struct oracle {
    GHashTable *sums;    /* name -> struct sums */
    GHashTable *streams; /* stream -> struct mark */
    GHashTable *ids;     /* client and id -> clock */
    int64_t clock_ms;
    uint64_t events, duplicates, duplicate_batches, quarantined, gaps;
};

struct mark {
    uint64_t sequence;
    int64_t created_ms;
};

static GHashTable *string_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static struct sums *sums_of(GHashTable *table, char *name) /* takes name */
{
    struct sums *sums = g_hash_table_lookup(table, name);
    if (sums) {
        g_free(name);
        return sums;
    }
    sums = g_new0(struct sums, 1);
    g_hash_table_insert(table, name, sums);
    return sums;
}

static void add(GHashTable *table, char *name, const struct event *event)
{
    struct sums *sums = sums_of(table, name);
    sums->requests++;
    if (!event)
        return;
    sums->latency_us += event->latency_us;
    sums->bytes += event->request_bytes * 100000 + event->response_bytes;
    sums->ok += event->status == 200;
}

static char *text(struct view view)
{
    return g_strndup(view.data ? view.data : "", view.size);
}

static bool is_duplicate(struct oracle *oracle, const struct event *event)
{
    if (event->id.size == 0)
        return false;
    g_autofree char *key = g_strdup_printf("%.*s|%.*s|%.*s", (int)event->organization.size, event->organization.data,
                                           (int)event->client.size, event->client.data, (int)event->id.size, event->id.data);
    int64_t *entered = g_hash_table_lookup(oracle->ids, key);
    if (entered && oracle->clock_ms - *entered < KEYS_DAY_MS)
        return true;
    g_hash_table_replace(oracle->ids, g_steal_pointer(&key), g_memdup2(&oracle->clock_ms, sizeof oracle->clock_ms));
    return false;
}

static void count_event(struct oracle *oracle, const struct event *event)
{
    if (is_duplicate(oracle, event)) {
        oracle->duplicates++;
        return;
    }
    oracle->events++;
    g_autofree char *org = text(event->organization), *client = text(event->client), *user = text(event->user),
                    *method = text(event->method), *route = text(event->route), *platform = text(event->platform);
    long long slot = event->time_ms / KEYS_SLOT_MS, minute = event->time_ms / KEYS_MINUTE_MS;
    add(oracle->sums, g_strdup_printf("slot %lld %s\x1f%s %s %s [%s] [%s]", slot, org, client, method, route, user, platform),
        event);
    add(oracle->sums, g_strdup_printf("slot-clients %lld %s\x1f%s", slot, org, client), NULL);
    add(oracle->sums, g_strdup_printf("slot-routes %lld %s %s", slot, method, route), NULL);
    add(oracle->sums, g_strdup_printf("day %lld", (long long)(event->time_ms / KEYS_DAY_MS)), NULL);
    add(oracle->sums, g_strdup_printf("minute %lld %s\x1f%s", minute, org, client), event);
    add(oracle->sums, g_strdup_printf("minute-clients %lld %s\x1f%s", minute, org, client), NULL);
}

static bool admits(struct oracle *oracle, const struct batch *batch)
{
    g_autofree char *stream = g_base64_encode(batch->header.stream_id, STREAM_ID_SIZE);
    struct mark *mark = g_hash_table_lookup(oracle->streams, stream);
    if (mark && mark->created_ms + 30 * KEYS_DAY_MS <= oracle->clock_ms)
        mark = NULL;
    if (batch->header.partition != 0 ||
        (!mark && (batch->header.sequence != 1 || batch->header.created_ms + 30 * KEYS_DAY_MS <= oracle->clock_ms))) {
        oracle->quarantined++;
        return false;
    }
    if (mark && batch->header.sequence <= mark->sequence) {
        oracle->duplicate_batches++;
        return false;
    }
    oracle->gaps += mark && batch->header.sequence > mark->sequence + 1;
    struct mark now = {batch->header.sequence, MAX(mark ? mark->created_ms : 0, batch->header.created_ms)};
    g_hash_table_replace(oracle->streams, g_steal_pointer(&stream), g_memdup2(&now, sizeof now));
    return true;
}

static void read_log_entry(struct oracle *oracle, struct record_parser *parser, const struct entry *entry)
{
    struct record record;
    struct event event;
    oracle->clock_ms = MAX(oracle->clock_ms, entry->timestamp_ms);
    if (!record_parse(parser, g_bytes_get_data(entry->bytes, NULL), g_bytes_get_size(entry->bytes), &record, NULL)) {
        oracle->quarantined++;
        return;
    }
    if (record.kind != RECORD_BATCH || !admits(oracle, &record.batch))
        return;
    for (size_t i = 0; i < record.batch.n_events; i++) {
        batch_event(&record.batch, i, &event);
        count_event(oracle, &event);
    }
}

static bool minute_is_past(int64_t minute, int64_t clock_ms)
{
    return (minute + 1) * KEYS_MINUTE_MS + KEYS_MINUTE_KEPT_MS <= clock_ms;
}

static gboolean is_past_minute(gpointer key, gpointer value, gpointer oracle)
{
    long long minute;
    (void)value;
    return (sscanf(key, "minute %lld ", &minute) == 1 || sscanf(key, "minute-clients %lld ", &minute) == 1) &&
           minute_is_past(minute, ((struct oracle *)oracle)->clock_ms);
}

/* Removal runs once a minute of log clock: what became due since may still be there. */
static gboolean is_due_just_now(gpointer key, gpointer value, gpointer oracle)
{
    struct oracle before = {.clock_ms = ((struct oracle *)oracle)->clock_ms - KEYS_MINUTE_MS};
    return is_past_minute(key, value, oracle) && !is_past_minute(key, value, &before);
}

/* ---- what Redis holds ---- */

static uint64_t model_number(struct model *model, const char *key, const char *field)
{
    uint64_t value = 0;
    return number_read(model_text(model, view_of(key), field), &value) ? value : 0;
}

/* The name behind a symbol in one of the tables c, r, u; "" for symbol 0. */
static char *symbol_name(struct model *model, const char *table, const char *prefix, uint64_t symbol)
{
    g_autoptr(GBytes) key = g_bytes_new(table, strlen(table));
    GHashTable *hash = g_hash_table_lookup(model->keys, key);
    GHashTableIter iter;
    gpointer field, value;
    if (symbol == 0)
        return g_strdup("");
    if (hash)
        g_hash_table_iter_init(&iter, hash);
    while (hash && g_hash_table_iter_next(&iter, &field, &value)) {
        g_autofree char *name = g_strndup(g_bytes_get_data(field, NULL), g_bytes_get_size(field));
        uint64_t number;
        if (number_read(view_make(g_bytes_get_data(value, NULL), g_bytes_get_size(value)), &number) && number == symbol &&
            g_str_has_prefix(name, prefix))
            return g_strdup(name + strlen(prefix));
    }
    return g_strdup_printf("{no symbol %" G_GUINT64_FORMAT " in %s}", symbol, table);
}

static char *client_name_of(struct model *model, long long day, uint64_t symbol)
{
    char table[KEYS_MAX];
    g_snprintf(table, sizeof table, "{p0}:c:%lld.1", day);
    return symbol_name(model, table, "", symbol);
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
    sums->bytes += measure.request_bytes * 100000 + measure.response_bytes;
    sums->ok += measure_status(&measure, 200);
    measure_clear(&measure);
}

struct field {
    struct world *world;
    GHashTable *found;
    const char *key, *field;
    struct view value;
};

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

static void put_line(const struct field *f, long long day, long long slot, unsigned client, const char *line)
{
    unsigned route, user, platform;
    char routes[KEYS_MAX], users[KEYS_MAX];
    if (sscanf(line, "%u.%u.%u ", &route, &user, &platform) != 3)
        return;
    keys_routes(routes, 0, day, 1, client);
    keys_users(users, 0, day, 1, client);
    g_autofree char *client_text = client_name_of(f->world->model, day, client);
    g_autofree char *r = symbol_name(f->world->model, routes, "r", route), *p = symbol_name(f->world->model, routes, "p", platform);
    g_autofree char *u = user_name_of(f->world->model, users, user);
    put_measure(f->found, g_strdup_printf("slot %lld %s %s [%s] [%s]", day * KEYS_SLOTS_PER_DAY + slot, client_text, r, u, p),
                view_of(strchr(line, ' ') + 1));
}

static void put_slot(const struct field *f, long long day, long long slot, unsigned client)
{
    g_autofree char *value = text(f->value);
    g_auto(GStrv) lines = g_strsplit(value, "\n", -1);
    for (size_t i = 0; lines[i]; i++)
        put_line(f, day, slot, client, lines[i]);
}

static void put_score(const struct field *f, char *name)
{
    uint64_t score = 0;
    number_read(f->value, &score);
    sums_of(f->found, name)->requests += score;
}

static void put_field(const struct field *f)
{
    long long day, slot, minute, due;
    unsigned client;
    uint64_t member = g_ascii_strtoull(f->field, NULL, 10);
    struct model *model = f->world->model;
    if (sscanf(f->key, "{p0}:s:%lld.1:%lld:%u", &day, &slot, &client) == 3) {
        put_slot(f, day, slot, client);
    } else if (sscanf(f->key, "{p0}:m:%lld.1:", &minute) == 1) {
        g_autofree char *name = client_name_of(model, minute / 1440, member);
        put_measure(f->found, g_strdup_printf("minute %lld %s", minute, name), f->value);
    } else if (sscanf(f->key, "{p0}:zs:%lld.1:%lld", &day, &slot) == 2) {
        g_autofree char *name = client_name_of(model, day, member);
        put_score(f, g_strdup_printf("slot-clients %lld %s", day * KEYS_SLOTS_PER_DAY + slot, name));
    } else if (sscanf(f->key, "{p0}:zr:%lld.1:%lld", &day, &slot) == 2) {
        put_score(f, g_strdup_printf("slot-routes %lld %s", day * KEYS_SLOTS_PER_DAY + slot, f->field));
    } else if (sscanf(f->key, "{p0}:zm:%lld.1", &minute) == 1) {
        g_autofree char *name = client_name_of(model, minute / 1440, member);
        put_score(f, g_strdup_printf("minute-clients %lld %s", minute, name));
    } else if (strcmp(f->key, "{p0}:meta") == 0 && sscanf(f->field, "cnt:%lld.1", &day) == 1) {
        put_score(f, g_strdup_printf("day %lld", day));
    } else if (sscanf(f->key, "{p0}:ids:%lld:", &due) == 1 && (due + 2) * KEYS_DAY_MS + KEYS_MINUTE_MS <= f->world->clock_ms) {
        sums_of(f->found, g_strdup_printf("leaked %s", f->key))->requests++;
    }
}

static void read_model(struct world *world, GHashTable *found)
{
    GHashTableIter keys, fields;
    gpointer key, hash, field, value;
    g_hash_table_iter_init(&keys, world->model->keys);
    while (g_hash_table_iter_next(&keys, &key, &hash)) {
        g_autofree char *key_text = g_strndup(g_bytes_get_data(key, NULL), g_bytes_get_size(key));
        g_hash_table_iter_init(&fields, hash);
        while (g_hash_table_iter_next(&fields, &field, &value)) {
            g_autofree char *field_text = g_strndup(g_bytes_get_data(field, NULL), g_bytes_get_size(field));
            put_field(&(struct field){world, found, key_text, field_text,
                                      view_make(g_bytes_get_data(value, NULL), g_bytes_get_size(value))});
        }
    }
}

/* ---- comparing ---- */

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

static char *compare_meta(struct world *world, const struct oracle *oracle)
{
    const struct {
        const char *field;
        uint64_t wanted;
    } fields[] = {{"events", oracle->events},
                  {"duplicates", oracle->duplicates},
                  {"duplicate_batches", oracle->duplicate_batches},
                  {"quarantined", oracle->quarantined},
                  {"gaps", oracle->gaps},
                  {"clock", (uint64_t)oracle->clock_ms}};
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        uint64_t found = model_number(world->model, "{p0}:meta", fields[i].field);
        if (found != fields[i].wanted)
            return g_strdup_printf("meta %s is %" G_GUINT64_FORMAT ", wanted %" G_GUINT64_FORMAT, fields[i].field, found,
                                   fields[i].wanted);
    }
    return NULL;
}

static char *compare_with_log(struct world *world)
{
    struct oracle oracle = {string_table(), string_table(), string_table(), 0, 0, 0, 0, 0, 0};
    struct record_parser *parser = record_parser_new();
    GHashTable *found = string_table();
    for (guint i = 0; i < world->log->len; i++)
        read_log_entry(&oracle, parser, &g_array_index(world->log, struct entry, i));
    total[EVENTS] += oracle.events;
    total[SWEPT] += g_hash_table_foreach_remove(oracle.sums, is_past_minute, &oracle);
    read_model(world, found);
    g_hash_table_foreach_remove(found, is_due_just_now, &oracle);
    char *difference = compare_meta(world, &oracle);
    if (!difference)
        difference = one_way(oracle.sums, found, "log against Redis");
    if (!difference)
        difference = one_way(found, oracle.sums, "Redis against log");
    g_hash_table_destroy(found);
    g_hash_table_destroy(oracle.sums);
    g_hash_table_destroy(oracle.streams);
    g_hash_table_destroy(oracle.ids);
    record_parser_free(parser);
    return difference;
}
