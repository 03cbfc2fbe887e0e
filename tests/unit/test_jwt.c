/* JSON web tokens: the good ones, and everything that must not open a door. */
#include "api/jwt.h"

#include "tests/unit/jwt_tools.h"

#define NOW INT64_C(1795257421)
#define ISS "https://login.example"
#define AUD "daybook"
/* Claims of a token that is good for an hour; what follows is put in. */
#define GOOD "\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"u-1\",\"exp\":1795261021,\"organization\":\"acme\""

static const struct jwt_rules rules = {ISS, AUD};
static struct jwt_key rsa, ec, ed, other;
static struct jwt_keys *keys;

static struct caller *identify(const char *token, GError **error)
{
    return jwt_identify(keys, &rules, token, NOW, NULL, error);
}

static struct caller *accept(const char *claims)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *token = jwt_sign(&ec, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", claims);
    struct caller *caller = identify(token, &error);
    g_assert_no_error(error);
    return caller;
}

static void refuse_token(const char *token, enum jwt_error code, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(identify(token, &error));
    g_assert_error(error, JWT_ERROR, (gint)code);
    if (strstr(error->message, words) == NULL)
        g_error("'%s' does not say '%s'", error->message, words);
}

static void refuse_claims(const char *claims, enum jwt_error code, const char *words)
{
    g_autofree char *token = jwt_sign(&ec, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", claims);
    refuse_token(token, code, words);
}

static void refuse_header(const struct jwt_key *key, const char *header, const char *words)
{
    g_autofree char *token = jwt_sign(key, header, "{" GOOD "}");
    refuse_token(token, JWT_ERROR_BAD, words);
}

/* ---- signatures ---- */

static void test_algorithms(void)
{
    const struct {
        const struct jwt_key *key;
        const char *header;
    } cases[] = {
        {&rsa, "{\"alg\":\"RS256\",\"kid\":\"rsa\",\"typ\":\"JWT\"}"},
        {&rsa, "{\"alg\":\"RS256\"}"}, /* just one key of that kind */
        {&ec, "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"ec\"}"},
        {&ed, "{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"x5t\":\"passed over\"}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *token = jwt_sign(cases[i].key, cases[i].header, "{" GOOD "}");
        g_assert_true(jwt_is_one(token));
        struct caller *caller = identify(token, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(caller->id, ==, "jwt:" ISS "#u-1");
        g_assert_cmpstr(caller->name, ==, "u-1");
        g_assert_cmpstr(caller->organization, ==, "acme");
        caller_unref(caller);
    }
}

static void test_none(void)
{
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"\"}", "{}", "{\"alg\":7}", "[]"};
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *text = jwt_join(headers[i], "{" GOOD "}"), *bare = g_strconcat(text, ".", NULL);
        refuse_token(bare, JWT_ERROR_BAD, "");
        refuse_header(&ec, headers[i], "");
    }
}

/* The public key as the secret of a symmetric algorithm, in each form in which somebody might hold it. */
static void test_confusion(void)
{
    const char *const secrets[] = {rsa.pem, rsa.jwk, ec.pem, ed.pem, ""};
    for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++) {
        g_autofree char *hmac = jwt_sign_hmac(secrets[i], "{\"alg\":\"HS256\",\"kid\":\"rsa\"}", "{" GOOD "}");
        g_autofree char *said = jwt_sign_hmac(secrets[i], "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", "{" GOOD "}");
        refuse_token(hmac, JWT_ERROR_BAD, "not one of RS256");
        refuse_token(said, JWT_ERROR_BAD, "not signed by a key");
    }
    refuse_header(&ec, "{\"alg\":\"RS256\",\"kid\":\"ec\"}", "not signed by a key");
    refuse_header(&rsa, "{\"alg\":\"ES256\",\"kid\":\"rsa\"}", "not signed by a key");
    refuse_header(&ed, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", "not signed by a key");
    refuse_header(&rsa, "{\"alg\":\"RS512\",\"kid\":\"rsa\"}", "not one of RS256");
    refuse_header(&rsa, "{\"alg\":\"rs256\",\"kid\":\"rsa\"}", "not one of RS256");
}

static void test_headers(void)
{
    refuse_header(&ec, "{\"alg\":\"ES256\",\"kid\":\"gone\"}", "not signed by a key");
    refuse_header(&ec, "{\"alg\":\"ES256\",\"kid\":7}", "kid");
    refuse_header(&ec, "{\"alg\":\"ES256\",\"kid\":\"ec\",\"crit\":[\"b64\"],\"b64\":false}", "critical");
    refuse_header(&ec, "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"dpop+jwt\"}", "type");
    refuse_header(&ec, "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":7}", "type");
    refuse_header(&ec, "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"ec\"}", "not a JSON web token");
    refuse_header(&other, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", "not signed by a key");
    /* A key that comes with the token is nobody's. */
    g_autofree char *header = g_strdup_printf("{\"alg\":\"ES256\",\"kid\":\"ec\",\"jwk\":%s}", other.jwk);
    refuse_header(&other, header, "not signed by a key");
}

static void test_broken(void)
{
    g_autofree char *token = jwt_sign(&ec, "{\"alg\":\"ES256\",\"kid\":\"ec\"}", "{" GOOD "}");
    size_t size = strlen(token);
    for (size_t i = 0; i < size; i += 3) {
        g_autofree char *cut = g_strndup(token, i), *changed = g_strdup(token);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        refuse_token(cut, JWT_ERROR_BAD, "");
        refuse_token(changed, JWT_ERROR_BAD, "");
    }
    g_autofree char *longer = g_strconcat(token, ".x", NULL), *padded = g_strconcat(token, "=", NULL);
    g_autofree char *big = g_strnfill(JWT_MAX, 'A'), *huge = g_strconcat("e30.", big, ".e30", NULL);
    refuse_token(longer, JWT_ERROR_BAD, "not a JSON web token");
    refuse_token(padded, JWT_ERROR_BAD, "not a JSON web token");
    refuse_token("..", JWT_ERROR_BAD, "");
    refuse_token("", JWT_ERROR_BAD, "");
    refuse_token(huge, JWT_ERROR_BAD, "longer");
    g_assert_false(jwt_is_one("a.b"));
    g_assert_false(jwt_is_one("dbk_abc"));
    refuse_claims("[]", JWT_ERROR_BAD, "object");
    refuse_claims("{", JWT_ERROR_BAD, "object");
    refuse_claims("{" GOOD ",\"sub\":\"u-2\"}", JWT_ERROR_BAD, "object");
}

/* ---- claims ---- */

#define WITH(exp) "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"sub\":\"u\",\"organization\":\"acme\"" exp "}"

static void test_times(void)
{
    caller_unref(accept(WITH(",\"exp\":1795257362")));   /* over since 59 s */
    caller_unref(accept(WITH(",\"exp\":1795257400.5"))); /* RFC 7519 allows a fraction */
    refuse_claims(WITH(",\"exp\":1795257361"), JWT_ERROR_EXPIRED, "expired");
    refuse_claims(WITH(",\"exp\":0"), JWT_ERROR_EXPIRED, "expired");
    refuse_claims(WITH(",\"exp\":-1e300"), JWT_ERROR_EXPIRED, "expired");
    refuse_claims(WITH(""), JWT_ERROR_BAD, "exp");
    refuse_claims(WITH(",\"exp\":\"1795261021\""), JWT_ERROR_BAD, "exp");
    refuse_claims(WITH(",\"exp\":null"), JWT_ERROR_BAD, "exp");
    caller_unref(accept("{" GOOD ",\"nbf\":1795257481,\"iat\":1795257481}"));
    refuse_claims("{" GOOD ",\"nbf\":1795257482}", JWT_ERROR_BAD, "nbf");
    refuse_claims("{" GOOD ",\"nbf\":\"soon\"}", JWT_ERROR_BAD, "nbf");
    refuse_claims("{" GOOD ",\"iat\":1795257482}", JWT_ERROR_BAD, "iat");
    refuse_claims("{" GOOD ",\"iat\":true}", JWT_ERROR_BAD, "iat");
}

#define FROM(iss, aud) "{\"exp\":1795261021,\"sub\":\"u\",\"organization\":\"acme\"" iss aud "}"
#define GOOD_ISS ",\"iss\":\"" ISS "\""
#define GOOD_AUD ",\"aud\":\"" AUD "\""

static void test_issuer_and_audience(void)
{
    caller_unref(accept(FROM(GOOD_ISS, ",\"aud\":[\"x\",\"" AUD "\"]")));
    refuse_claims(FROM("", GOOD_AUD), JWT_ERROR_BAD, "iss");
    refuse_claims(FROM(",\"iss\":\"https://login.example.evil\"", GOOD_AUD), JWT_ERROR_BAD, "iss");
    refuse_claims(FROM(",\"iss\":[\"" ISS "\"]", GOOD_AUD), JWT_ERROR_BAD, "iss");
    refuse_claims(FROM(GOOD_ISS, ""), JWT_ERROR_BAD, "aud");
    refuse_claims(FROM(GOOD_ISS, ",\"aud\":\"day\""), JWT_ERROR_BAD, "aud");
    refuse_claims(FROM(GOOD_ISS, ",\"aud\":[]"), JWT_ERROR_BAD, "aud");
    refuse_claims(FROM(GOOD_ISS, ",\"aud\":[[\"" AUD "\"],7,null]"), JWT_ERROR_BAD, "aud");
    refuse_claims(FROM(GOOD_ISS, ",\"aud\":{\"" AUD "\":\"" AUD "\"}"), JWT_ERROR_BAD, "aud");
}

static void test_ours(void)
{
    struct caller *caller =
        accept("{" GOOD ",\"client\":\"c-17\",\"tier\":\"Starter\",\"permissions\":[\"usage:client:view\",7,\"x\"],"
               "\"scope\":\"openid usage:simpleSearch:view\"}");
    g_assert_cmpstr(caller->client, ==, "c-17");
    g_assert_cmpuint(caller->permissions, ==, PERMISSION_CLIENT_VIEW | PERMISSION_SIMPLE_SEARCH_VIEW);
    g_assert_cmpint((int)caller->tier, ==, TIER_STARTER);
    caller_unref(caller);
    caller = accept("{" GOOD "}");
    g_assert_null(caller->client);
    g_assert_cmpuint(caller->permissions, ==, 0);
    g_assert_cmpint((int)caller->tier, ==, TIER_FREE);
    caller_unref(caller);
    refuse_claims("{" GOOD ",\"client\":\"\"}", JWT_ERROR_BAD, "client");
    refuse_claims("{" GOOD ",\"client\":[]}", JWT_ERROR_BAD, "client");
    refuse_claims("{" GOOD ",\"permissions\":\"admin\"}", JWT_ERROR_BAD, "permissions");
    refuse_claims("{" GOOD ",\"scope\":[\"admin\"]}", JWT_ERROR_BAD, "scope");
    refuse_claims("{" GOOD ",\"tier\":\"gold\"}", JWT_ERROR_BAD, "tier");
    refuse_claims("{" GOOD ",\"tier\":1}", JWT_ERROR_BAD, "tier");
}

#define FOR(claims) "{\"iss\":\"" ISS "\",\"aud\":\"" AUD "\",\"exp\":1795261021" claims "}"

static void test_whose(void)
{
    struct caller *caller = accept(FOR(",\"sub\":\"u\",\"daybook_all_organizations\":true"));
    g_assert_true(caller_sees_all(caller));
    caller_unref(caller);
    refuse_claims(FOR(",\"sub\":\"u\""), JWT_ERROR_BAD, "organization");
    refuse_claims(FOR(",\"sub\":\"u\",\"organization\":null"), JWT_ERROR_BAD, "organization");
    refuse_claims(FOR(",\"sub\":\"u\",\"organization\":\"\""), JWT_ERROR_BAD, "organization");
    refuse_claims(FOR(",\"sub\":\"u\",\"daybook_all_organizations\":\"true\""), JWT_ERROR_BAD, "organization");
    refuse_claims(FOR(",\"sub\":\"u\",\"daybook_all_organizations\":false"), JWT_ERROR_BAD, "organization");
    refuse_claims("{" GOOD ",\"daybook_all_organizations\":true}", JWT_ERROR_BAD, "organization");
    refuse_claims(FOR(",\"sub\":\"u\",\"daybook_all_organizations\":true,\"client\":\"c\""), JWT_ERROR_BAD, "client");
    refuse_claims(FOR(",\"organization\":\"acme\""), JWT_ERROR_BAD, "sub");
    refuse_claims(FOR(",\"sub\":\"a\\nb\",\"organization\":\"acme\""), JWT_ERROR_BAD, "sub");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(void);
    } tests[] = {
        {"/jwt/algorithms", test_algorithms},
        {"/jwt/none", test_none},
        {"/jwt/confusion", test_confusion},
        {"/jwt/headers", test_headers},
        {"/jwt/broken", test_broken},
        {"/jwt/times", test_times},
        {"/jwt/issuer_and_audience", test_issuer_and_audience},
        {"/jwt/ours", test_ours},
        {"/jwt/whose", test_whose},
    };
    g_autoptr(GError) error = NULL;
    g_test_init(&argc, &argv, NULL);
    jwt_key_init(&rsa, "RS256", "rsa", 2048);
    jwt_key_init(&ec, "ES256", "ec", 0);
    jwt_key_init(&ed, "EdDSA", "ed", 0);
    jwt_key_init(&other, "ES256", "ec", 0);
    g_autofree char *set = g_strdup_printf("{\"keys\":[%s,%s,%s]}", rsa.jwk, ec.jwk, ed.jwk);
    keys = jwt_keys_parse(view_of(set), &error);
    g_assert_no_error(error);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add_func(tests[i].path, tests[i].run);
    int code = g_test_run();
    jwt_keys_unref(keys);
    jwt_key_clear(&rsa);
    jwt_key_clear(&ec);
    jwt_key_clear(&ed);
    jwt_key_clear(&other);
    return code;
}
