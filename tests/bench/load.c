/* See load.h. Random numbers: splitmix64 (Steele, Lea, Flood, OOPSLA 2014); integer tables are built once with libm, so that an
 * event costs some 50 ns and the generator is never what is measured. */
#include "tests/bench/load.h"
#include <math.h>

enum { LATENCIES = 65536, NAME_SIZE = 24, ROUTES_MIN = 5, ROUTES_MAX = 30 };

struct route {
    char template[64];
    struct view view;
    struct view method;
};

struct client {
    char name[NAME_SIZE];
    struct view view;
    struct view organization;
    uint32_t n_routes;
    uint16_t routes[ROUTES_MAX];
};

struct load {
    struct load_settings settings;
    uint64_t state;
    uint64_t made;
    struct route routes[LOAD_ROUTES];
    struct client clients[LOAD_CLIENTS];
    uint64_t client_edge[LOAD_CLIENTS]; /* cumulative, scaled to 2^63 */
    char users[LOAD_USERS][NAME_SIZE];
    uint32_t latency_us[LATENCIES];
    char id[NAME_SIZE];
};

/* Statuses and their share of 10,000: 94 % are 2xx. */
static const uint32_t statuses[LOAD_STATUSES] = {200, 201, 204, 304, 400, 404, 429, 500};
static const uint32_t status_edge[LOAD_STATUSES] = {8000, 9000, 9400, 9500, 9650, 9850, 9930, 10000};

static uint64_t next_random(struct load *load)
{
    uint64_t z = (load->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint32_t below(struct load *load, uint32_t limit)
{
    return (uint32_t)(((next_random(load) >> 32) * limit) >> 32);
}

static double unit(struct load *load)
{
    return ((double)(next_random(load) >> 11) + 0.5) * 0x1.0p-53;
}

static void make_routes(struct load *load)
{
    static const char *const resources[] = {"orders",    "users",    "invoices",  "products", "carts",      "sessions",  "messages",
                                            "queues",    "reports",  "devices",   "teams",    "recordings", "schedules", "contacts",
                                            "campaigns", "payments", "shipments", "tickets",  "webhooks",   "settings"};
    static const struct {
        const char *method, *shape;
    } shapes[] = {{"GET", "/v1/%s"},
                  {"POST", "/v1/%s"},
                  {"GET", "/v1/%s/{id}"},
                  {"PUT", "/v1/%s/{id}"},
                  {"DELETE", "/v1/%s/{id}"},
                  {"GET", "/v1/%s/{id}/history"},
                  {"PATCH", "/v1/%s/{id}/state"},
                  {"POST", "/v1/%s/search"},
                  {"GET", "/v1/%s/{id}/members/{memberId}"},
                  {"GET", "/v1/%s/export"}};
    for (size_t i = 0; i < LOAD_ROUTES; i++) {
        struct route *route = &load->routes[i];
        g_autoptr(GString) text = g_string_new(shapes[i / 20].shape);
        g_string_replace(text, "%s", resources[i % 20], 1);
        g_assert(text->len < sizeof route->template);
        g_strlcpy(route->template, text->str, sizeof route->template);
        route->view = view_of(route->template);
        route->method = view_of(shapes[i / 20].method);
    }
}

/* Picks a client's routes without repeating one. */
static void choose_routes(struct load *load, struct client *client)
{
    uint16_t all[LOAD_ROUTES];
    for (uint16_t i = 0; i < LOAD_ROUTES; i++)
        all[i] = i;
    client->n_routes = ROUTES_MIN + below(load, ROUTES_MAX - ROUTES_MIN + 1);
    for (uint32_t i = 0; i < client->n_routes; i++) {
        uint32_t j = i + below(load, LOAD_ROUTES - i);
        uint16_t chosen = all[j];
        all[j] = all[i];
        client->routes[i] = chosen;
    }
}

static void make_clients(struct load *load)
{
    static const char *const organizations[] = {"acme", "globex", "initech", "umbrella"};
    double total = 0, sum = 0;
    for (size_t i = 0; i < LOAD_CLIENTS; i++)
        total += 1.0 / (double)(i + 1);
    for (size_t i = 0; i < LOAD_CLIENTS; i++) {
        struct client *client = &load->clients[i];
        g_snprintf(client->name, sizeof client->name, "client-%04u", (unsigned)i);
        client->view = view_of(client->name);
        client->organization = view_of(organizations[i % G_N_ELEMENTS(organizations)]);
        choose_routes(load, client);
        sum += load->settings.hostile ? total / LOAD_CLIENTS : 1.0 / (double)(i + 1);
        load->client_edge[i] = (uint64_t)(fmin(sum / total, 1.0) * 0x1.0p63);
    }
    load->client_edge[LOAD_CLIENTS - 1] = UINT64_C(1) << 63;
}

/* Log-normal (median 18 ms, sigma 0.9), by Box and Muller. */
static void make_latencies(struct load *load)
{
    for (size_t i = 0; i < LATENCIES; i++) {
        double normal = sqrt(-2.0 * log(unit(load))) * cos(2.0 * G_PI * unit(load));
        load->latency_us[i] = (uint32_t)fmin(18000.0 * exp(0.9 * normal), 60e6);
    }
}

struct load *load_new(const struct load_settings *settings)
{
    g_assert(settings->events > 0);
    struct load *load = g_new0(struct load, 1);
    load->settings = *settings;
    load->state = settings->seed;
    make_routes(load);
    make_clients(load);
    make_latencies(load);
    for (size_t i = 0; i < LOAD_USERS; i++)
        g_snprintf(load->users[i], NAME_SIZE, "user-%05u", (unsigned)i);
    return load;
}

void load_free(struct load *load)
{
    g_free(load);
}

static const struct client *pick_client(struct load *load)
{
    uint64_t point = next_random(load) >> 1;
    size_t low = 0, high = LOAD_CLIENTS - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (load->client_edge[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return &load->clients[low];
}

static const struct route *pick_route(struct load *load, const struct client *client)
{
    if (load->settings.hostile)
        return &load->routes[below(load, LOAD_ROUTES)];
    /* The lower of two draws: a client calls some of its routes more often than others. */
    uint32_t a = below(load, client->n_routes), b = below(load, client->n_routes);
    return &load->routes[client->routes[MIN(a, b)]];
}

static uint32_t pick_status(struct load *load)
{
    if (load->settings.hostile)
        return statuses[below(load, LOAD_STATUSES)];
    uint32_t point = below(load, 10000);
    size_t i = 0;
    while (status_edge[i] <= point)
        i++;
    return statuses[i];
}

void load_next(struct load *load, struct event *event)
{
    const struct client *client = pick_client(load);
    const struct route *route = pick_route(load, client);
    *event = (struct event){
        .time_ms =
            load->settings.start_ms + (int64_t)((double)(load->made % load->settings.events) / (double)load->settings.events *
                                                (double)(load->settings.span_ms ? load->settings.span_ms : LOAD_HOUR_MS)),
        .organization = client->organization,
        .client = client->view,
        .method = route->method,
        .route = route->view,
        .status = pick_status(load),
        .latency_us = load->latency_us[below(load, LATENCIES)],
        .request_bytes = 180 + below(load, 400),
        .response_bytes = 300 + below(load, 4000),
    };
    uint32_t user = below(load, 3 * LOAD_USERS);
    if (user < LOAD_USERS && !load->settings.no_users)
        event->user = view_of(load->users[user]);
    if (below(load, 10) == 0) {
        g_snprintf(load->id, sizeof load->id, "%016" G_GINT64_MODIFIER "x", next_random(load));
        event->id = view_of(load->id);
    }
    load->made++;
}

static void json_text(GString *out, const char *name, struct view value)
{
    if (value.size == 0)
        return;
    g_string_append_printf(out, "\"%s\":\"", name);
    g_string_append_len(out, value.data, (gssize)value.size);
    g_string_append(out, "\",");
}

void load_json(const struct event *event, GString *out)
{
    g_string_append_c(out, '{');
    json_text(out, "organization", event->organization);
    json_text(out, "client", event->client);
    json_text(out, "user", event->user);
    json_text(out, "method", event->method);
    json_text(out, "route", event->route);
    json_text(out, "id", event->id);
    g_string_append_printf(out,
                           "\"time\":%" G_GINT64_FORMAT ",\"status\":%u,\"latencyMs\":%" G_GUINT64_FORMAT ".%03u,"
                           "\"requestBytes\":%" G_GUINT64_FORMAT ",\"responseBytes\":%" G_GUINT64_FORMAT "}",
                           event->time_ms, event->status, event->latency_us / 1000, (unsigned)(event->latency_us % 1000),
                           event->request_bytes, event->response_bytes);
}

void load_cloudevent(const struct event *event, GString *out)
{
    g_string_append(out, "{\"specversion\":\"1.0\",\"type\":\"daybook.usage\",\"source\":\"/bench\",");
    json_text(out, "id", event->id);
    json_text(out, "subject", event->client);
    g_string_append(out, "\"data\":");
    struct event data = *event;
    data.id = data.client = view_of("");
    load_json(&data, out);
    g_string_append_c(out, '}');
}

void load_combined(const struct event *event, GString *out)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(event->time_ms / 1000);
    g_autofree char *stamp = g_date_time_format(time, "%d/%b/%Y:%H:%M:%S +0000");
    g_string_append_printf(out, "192.0.2.7 - %.*s [%s] \"%.*s %.*s HTTP/1.1\" %u %" G_GUINT64_FORMAT " \"-\" \"bench/1.0\"\n",
                           (int)event->client.size, event->client.data, stamp, (int)event->method.size, event->method.data,
                           (int)event->route.size, event->route.data, event->status, event->response_bytes);
}
