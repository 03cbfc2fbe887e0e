/* Any line of an access log. A line that is cut gives fields that lie in it, in order; what the intake is given keeps to its
 * limits. */
#include "collector/access_log.h"
#include "collector/log_line.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(struct view line)
{
    struct view fields[ACCESS_N_FIELDS];
    const char *behind = line.data;
    g_autofree char *plain = g_malloc(line.size + 1);
    if (access_log_cut(line, fields) != NULL)
        return;
    for (int i = 0; i < ACCESS_N_FIELDS; i++) {
        if (fields[i].data == NULL)
            continue;
        g_assert(fields[i].data >= behind && fields[i].data + fields[i].size <= line.data + line.size);
        g_assert(access_log_unescape(fields[i], plain) <= fields[i].size);
        behind = fields[i].data + fields[i].size;
    }
}

static void check_event(const struct raw_event *raw)
{
    g_assert(raw->client.size <= EVENT_NAME_MAX && raw->user.size <= EVENT_NAME_MAX && raw->method.size <= EVENT_METHOD_MAX);
    g_assert(raw->client.size == 0 || g_utf8_validate_len(raw->client.data, raw->client.size, NULL));
    g_assert(raw->path.size == 0 || (raw->path.data[0] == '/' && g_utf8_validate_len(raw->path.data, raw->path.size, NULL)));
    g_assert(raw->user_agent.size == 0 || g_utf8_validate_len(raw->user_agent.data, raw->user_agent.size, NULL));
    g_assert(raw->method.size > 0 && raw->path.size + raw->route.size > 0); /* whatever the client sent */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const fields[] = {"latency=extra1:us", "client=extra2|remote_user", "source=http_user_agent", NULL};
    static struct log_line_reader *reader;
    if (reader == NULL) {
        struct log_line_settings settings = {.format = LOG_FORMAT_COMBINED, .fields = fields, .max_line_bytes = LOG_LINE_MAX};
        reader = log_line_reader_new(&settings, NULL);
    }
    struct raw_event raw;
    struct intake_refusal refusal = {.message = ""};
    g_autofree char *line = g_malloc(size + LOG_LINE_PADDING);
    memcpy(line, data, size);
    check_fields(view_make(line, size));
    if (log_line_read(reader, view_make(line, size), &raw, &refusal))
        check_event(&raw);
    else
        g_assert(g_utf8_validate(refusal.message, -1, NULL) && refusal.message[0] != '\0');
    return 0;
}
