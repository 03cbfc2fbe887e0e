/* bench-lines: a load (load.h) as log lines on stdout, for the inputs that read files.
 *
 * bench-lines combined|ndjson EVENTS */
#include "tests/bench/load.h"
#include <stdio.h>

enum { CHUNK = 1 << 20 };

int main(int argc, char **argv)
{
    guint64 events = argc == 3 ? g_ascii_strtoull(argv[2], NULL, 10) : 0;
    if (events == 0) {
        fprintf(stderr, "bench-lines: give combined or ndjson, and how many.\n");
        return 2;
    }
    bool json = g_str_equal(argv[1], "ndjson");
    struct load *load = load_new(&(struct load_settings){1, events, g_get_real_time() / 1000 - LOAD_HOUR_MS, 0, false, false});
    g_autoptr(GString) text = g_string_sized_new(CHUNK + 4096);
    for (guint64 i = 0; i < events; i++) {
        struct event event;
        load_next(load, &event);
        if (json)
            load_json(&event, text);
        else
            load_combined(&event, text);
        if (json)
            g_string_append_c(text, '\n');
        if (text->len >= CHUNK || i + 1 == events) {
            if (fwrite(text->str, 1, text->len, stdout) != text->len)
                return 1;
            g_string_truncate(text, 0);
        }
    }
    load_free(load);
    return fflush(stdout) ? 1 : 0;
}
