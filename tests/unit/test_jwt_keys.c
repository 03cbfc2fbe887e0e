/* The vectors of RFC 7515 (A.2, A.3) and RFC 8037 (A.4), and sets of keys that are not what they should be. */
#include "api/jwt_keys.h"

#include "lib/base64url.h"
#include "tests/unit/jwt_tools.h"
#include <unistd.h>

#define RSA_KEY                                                                                            \
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJr" \
    "cS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHS" \
    "XndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyx" \
    "XFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}"
#define P256_KEY                                                                                           \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FE" \
    "zRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ED25519_KEY "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define JOE "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static const struct vector {
    enum jwt_algorithm algorithm;
    const char *key, *text, *signature;
} vectors[] = {
    {JWT_RS256, RSA_KEY, "eyJhbGciOiJSUzI1NiJ9." JOE,
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9"
     "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB"
     "_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq"
     "Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
    {JWT_ES256, P256_KEY, "eyJhbGciOiJFUzI1NiJ9." JOE,
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {JWT_EDDSA, ED25519_KEY, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

static struct jwt_keys *keys_of(const char *list)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s]}", list);
    struct jwt_keys *keys = jwt_keys_parse(view_of(json), &error);
    g_assert_no_error(error);
    return keys;
}

static void test_vectors(void)
{
    struct jwt_keys *all = keys_of(RSA_KEY "," P256_KEY "," ED25519_KEY);
    g_assert_cmpuint(jwt_keys_count(all), ==, 3);
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
        const struct vector *v = &vectors[i];
        size_t size;
        g_autofree uint8_t *signature = base64url_read(view_of(v->signature), &size);
        struct jwt_keys *one = keys_of(v->key);
        g_assert_true(jwt_keys_verify(one, v->algorithm, NULL, view_of(v->text), view_make(signature, size)));
        g_assert_true(jwt_keys_verify(all, v->algorithm, NULL, view_of(v->text), view_make(signature, size)));
        g_assert_false(jwt_keys_verify(one, v->algorithm, "x", view_of(v->text), view_make(signature, size)));
        for (int other = 0; other < JWT_ALGORITHM_N; other++)
            if (other != (int)v->algorithm)
                g_assert_false(jwt_keys_verify(all, (enum jwt_algorithm)other, NULL, view_of(v->text), view_make(signature, size)));
        g_assert_false(jwt_keys_verify(one, v->algorithm, NULL, view_of("another text"), view_make(signature, size)));
        g_assert_false(jwt_keys_verify(one, v->algorithm, NULL, view_of(v->text), view_make(signature, size - 1)));
        g_assert_false(jwt_keys_verify(one, v->algorithm, NULL, view_of(v->text), view_make(signature, 0)));
        for (size_t at = 0; at < size; at += 7) {
            signature[at] ^= 1;
            g_assert_false(jwt_keys_verify(one, v->algorithm, NULL, view_of(v->text), view_make(signature, size)));
            signature[at] ^= 1;
        }
        jwt_keys_unref(one);
    }
    jwt_keys_unref(all);
}

/* r = s = 0 was once taken by others (CVE-2022-21449). */
static void test_zero_signature(void)
{
    static const uint8_t zeros[64];
    struct jwt_keys *keys = keys_of(P256_KEY "," ED25519_KEY);
    g_assert_false(jwt_keys_verify(keys, JWT_ES256, NULL, view_of("text"), view_make(zeros, sizeof zeros)));
    g_assert_false(jwt_keys_verify(keys, JWT_EDDSA, NULL, view_of("text"), view_make(zeros, sizeof zeros)));
    jwt_keys_unref(keys);
}

static void test_kids(void)
{
    struct jwt_key a, b;
    jwt_key_init(&a, "ES256", "a", 0);
    jwt_key_init(&b, "ES256", "b", 0);
    g_autofree char *list = g_strdup_printf("%s,%s", a.jwk, b.jwk);
    g_autofree char *token = jwt_sign(&b, "{}", "{}");
    size_t size, text_size = (size_t)(strrchr(token, '.') - token);
    g_autofree uint8_t *signature = base64url_read(view_of(token + text_size + 1), &size);
    struct jwt_keys *keys = keys_of(list);
    struct view text = view_make(token, text_size), sent = view_make(signature, size);
    g_assert_true(jwt_keys_verify(keys, JWT_ES256, "b", text, sent));
    g_assert_false(jwt_keys_verify(keys, JWT_ES256, "a", text, sent));
    g_assert_false(jwt_keys_verify(keys, JWT_ES256, "c", text, sent));
    g_assert_false(jwt_keys_verify(keys, JWT_ES256, NULL, text, sent)); /* which of the two? */
    jwt_keys_unref(keys);
    jwt_key_clear(&a);
    jwt_key_clear(&b);
}

static void test_passed_over(void)
{
    struct jwt_keys *keys = keys_of("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"\",\"y\":\"\"},{\"kty\":\"RSA\",\"use\":\"enc\"},"
                                    "{\"kty\":\"RSA\",\"alg\":\"RS512\"},{\"kty\":\"new\"},{}," P256_KEY);
    g_assert_cmpuint(jwt_keys_count(keys), ==, 1);
    jwt_keys_unref(keys);
}

static void test_refused(void)
{
    static const char *const sets[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[7]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\"}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\",\"x\":"
        "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"!!\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}]}",
        "{\"keys\":[" ED25519_KEY "]",
        "{\"keys\":[" ED25519_KEY "],\"keys\":[]}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(jwt_keys_parse(view_of(sets[i]), &error));
        g_assert_nonnull(error);
    }
}

static void test_weak_and_twice(void)
{
    struct jwt_key weak, key;
    g_autoptr(GError) error = NULL;
    jwt_key_init(&weak, "RS256", "w", 1024);
    jwt_key_init(&key, "EdDSA", "k", 0);
    g_autofree char *small = g_strdup_printf("{\"keys\":[%s]}", weak.jwk);
    g_assert_null(jwt_keys_parse(view_of(small), &error));
    g_assert_nonnull(strstr(error->message, "2048"));
    g_clear_error(&error);
    g_autofree char *twice = g_strdup_printf("{\"keys\":[%s,%s]}", key.jwk, key.jwk);
    g_assert_null(jwt_keys_parse(view_of(twice), &error));
    g_assert_nonnull(strstr(error->message, "same kid: k"));
    jwt_key_clear(&weak);
    jwt_key_clear(&key);
}

static void test_file(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("daybook-jwks-XXXXXX", &path, &error);
    g_assert_no_error(error);
    close(fd);
    g_assert_true(g_file_set_contents(path, "{\"keys\":[" P256_KEY "]}", -1, &error));
    struct jwt_keys *keys = jwt_keys_read(path, &error), *again = jwt_keys_ref(keys);
    g_assert_no_error(error);
    jwt_keys_unref(keys);
    g_assert_cmpuint(jwt_keys_count(again), ==, 1);
    jwt_keys_unref(again);
    jwt_keys_unref(NULL);
    g_assert_true(g_file_set_contents(path, "{\"keys\":", -1, &error));
    g_assert_null(jwt_keys_read(path, &error));
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);
    unlink(path);
    g_assert_null(jwt_keys_read(path, &error));
    g_assert_nonnull(strstr(error->message, path));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/jwt_keys/vectors", test_vectors);
    g_test_add_func("/jwt_keys/zero_signature", test_zero_signature);
    g_test_add_func("/jwt_keys/kids", test_kids);
    g_test_add_func("/jwt_keys/passed_over", test_passed_over);
    g_test_add_func("/jwt_keys/refused", test_refused);
    g_test_add_func("/jwt_keys/weak_and_twice", test_weak_and_twice);
    g_test_add_func("/jwt_keys/file", test_file);
    return g_test_run();
}
