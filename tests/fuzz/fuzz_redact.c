/* Any text, with a secret somewhere in it: the sample is bounded, printable ASCII, always the same, and the secret is not in it. */
#include "collector/redact.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_sample(struct view text)
{
    char out[REDACT_MAX + 1], again[REDACT_MAX + 1];
    g_autofree char *copy = g_memdup2(text.data, text.size); /* of exactly this size, so that a byte too far is seen */
    size_t n = redact(view_make(copy, text.size), out);
    check(n <= REDACT_MAX && strlen(out) == n);
    for (size_t i = 0; i < n; i++)
        check(out[i] >= 0x20 && out[i] < 0x7f);
    check(redact(text, again) == n && memcmp(out, again, n) == 0);
    check(strstr(out, "S3cr3t-9f8E7d6C5b4A") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t at = 1 + data[0] % size;
    g_autoptr(GString) text = g_string_new_len((const char *)data + 1, (gssize)(size - 1));
    if (strstr(text->str, "S3cr3t"))
        return 0;
    check_sample(view_make(text->str, text->len));
    g_string_insert(text, (gssize)MIN(at, text->len), "S3cr3t-9f8E7d6C5b4A");
    check_sample(view_make(text->str, text->len));
    return 0;
}
