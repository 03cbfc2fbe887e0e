/* Any Cookie header: what is found is a secret that stands in it, behind its name, and it is there only when one is found. */
#include "api/session.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char secret[REGISTRY_SECRET_SIZE];
    g_autofree char *header = g_strndup((const char *)data, size);
    enum session_cookie found = session_cookie_find(header, secret);
    check((found == SESSION_COOKIE_ONE) == (secret[0] != '\0'));
    if (found == SESSION_COOKIE_NONE)
        check(!g_str_has_prefix(header, SESSION_COOKIE "="));
    if (found != SESSION_COOKIE_ONE)
        return 0;
    g_autofree char *pair = g_strconcat(SESSION_COOKIE "=", secret, NULL);
    bool stands = false;
    for (const char *at = strstr(header, pair); at != NULL; at = strstr(at + 1, pair))
        stands = stands || at[strlen(pair)] == ';' || at[strlen(pair)] == '\0';
    check(registry_secret_is_one(secret) && stands);
    return 0;
}
