/* JSON web tokens: any text as a token, any claims with a good signature, any set of keys. Nobody gets in without a signature; who
 * gets in belongs to one organization or said all of them; what is refused is refused with a sentence of valid UTF-8.
 *
 * The first byte says what the rest is. */
#include "api/jwt.h"

#include "tests/unit/jwt_tools.h"
#include <stdlib.h>

#define NOW INT64_C(1795257421)
enum { REST_MAX = 12000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct jwt_rules rules = {"i", "a"};
static struct jwt_key key;
static struct jwt_keys *keys;

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void prepare(void)
{
    jwt_key_init(&key, "EdDSA", "k", 0);
    g_autofree char *set = g_strdup_printf("{\"keys\":[%s]}", key.jwk);
    keys = jwt_keys_parse(view_of(set), NULL);
    check(keys != NULL);
}

static void check_error(const GError *error)
{
    check(error != NULL && error->message[0] != '\0' && g_utf8_validate(error->message, -1, NULL));
}

static void check_caller(const struct caller *caller, const char *claims)
{
    bool all = strstr(claims, "daybook_all_organizations") != NULL;
    check(g_str_has_prefix(caller->id, "jwt:i#") && caller->id[6] != '\0' && caller->tier < TIER_N);
    check((caller->permissions & ~(uint32_t)PERMISSION_ALL) == 0);
    check(caller->organization != NULL ? caller->organization[0] != '\0' : all && caller->client == NULL);
}

static void try_text(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct caller *caller = jwt_identify(keys, &rules, text, NOW, NULL, &error);
    check(caller == NULL);
    check_error(error);
    (void)jwt_is_one(text);
}

static void try_claims(const char *claims)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *token = jwt_sign(&key, "{\"alg\":\"EdDSA\",\"kid\":\"k\"}", claims);
    struct caller *caller = jwt_identify(keys, &rules, token, NOW, NULL, &error);
    if (caller != NULL)
        check_caller(caller, claims);
    else
        check_error(error);
    caller_unref(caller);
}

static void try_header(const char *header)
{
    g_autofree char *token =
        jwt_sign(&key, header, "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\",\"exp\":1795261021,\"organization\":\"o\"}");
    struct caller *caller = jwt_identify(keys, &rules, token, NOW, NULL, NULL);
    check(caller == NULL || strstr(header, "EdDSA") != NULL || strchr(header, '\\') != NULL);
    caller_unref(caller);
}

static void try_keys(const char *text, size_t size)
{
    g_autoptr(GError) error = NULL;
    struct jwt_keys *set = jwt_keys_parse(view_make(text, size), &error);
    if (set != NULL)
        check(jwt_keys_count(set) >= 1 && jwt_keys_count(set) <= JWT_KEYS_MAX);
    else
        check(error != NULL);
    jwt_keys_unref(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (keys == NULL)
        prepare();
    if (size == 0 || size > REST_MAX)
        return 0;
    g_autofree char *rest = g_strndup((const char *)data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        try_text(rest);
        break;
    case 1:
        try_claims(rest);
        break;
    case 2:
        try_header(rest);
        break;
    default:
        try_keys((const char *)data + 1, size - 1);
    }
    return 0;
}
