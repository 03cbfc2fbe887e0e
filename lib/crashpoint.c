#include "lib/crashpoint.h"

#include "lib/log.h"
#include "lib/number.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Read once from the environment; only `hits` changes afterwards. */
static struct {
    struct view name; /* empty: nothing is armed */
    uint64_t nth;
    atomic_uint_fast64_t hits;
} armed;

/* Before main, so that no call has to ask whether it was done. A variable that cannot be understood ends the program: a test
 * that believes to have killed something must not pass. */
__attribute__((constructor)) static void crashpoint_read(void)
{
    const char *text = getenv("DAYBOOK_CRASH_AT");
    if (!text || !text[0])
        return;
    const char *colon = strchr(text, ':');
    armed.name = view_make(text, colon ? (size_t)(colon - text) : strlen(text));
    armed.nth = 1;
    if (colon && (!number_read(view_of(colon + 1), &armed.nth) || armed.nth == 0))
        g_error("DAYBOOK_CRASH_AT=%s: expected <name> or <name>:<n>, n from 1 on", text);
}

static bool is_armed(const char *name)
{
    return armed.name.size > 0 && view_is(armed.name, name);
}

void crashpoint(const char *name)
{
    if (!is_armed(name))
        return;
    uint64_t hit = atomic_fetch_add(&armed.hits, 1) + 1;
    if (hit != armed.nth)
        return;
    log_warn("crashpoint", "name=%s hit=%" G_GUINT64_FORMAT, name, (guint64)hit);
    kill(getpid(), SIGKILL);
    for (;;)
        pause(); /* no other step of this thread happens */
}

bool crashpoint_due(const char *name)
{
    return is_armed(name) && atomic_load(&armed.hits) + 1 == armed.nth;
}

uint64_t crashpoint_hits(const char *name)
{
    return is_armed(name) ? atomic_load(&armed.hits) : 0;
}
