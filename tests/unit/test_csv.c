/* RFC 4180, and what is not it. */
#include "lib/csv.h"

#include <string.h>

/* Fields separated by '|', records by '/', each begun with its line; then the error, if there is one. */
static char *read_all(const char *text, size_t size)
{
    struct csv *csv = csv_new(view_make(text, size));
    GString *out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    while (csv_next(csv, &error)) {
        g_string_append_printf(out, "%s%" G_GUINT64_FORMAT ":", out->len ? "/" : "", csv_line(csv));
        for (guint i = 0; i < csv_count(csv); i++)
            g_string_append_printf(out, "%s%s", i ? "|" : "", csv_field(csv, i));
    }
    if (error) {
        g_assert_cmpint(error->domain, ==, (gint)CSV_ERROR);
        g_string_append_printf(out, "!%s", error->message);
    }
    csv_free(csv);
    return g_string_free(out, FALSE);
}

static void test_records(void)
{
    static const struct {
        const char *text, *records;
    } cases[] = {
        {"", ""},
        {"\n\r\n\n", ""},
        {"a", "1:a"},
        {"a,b\nc,d\n", "1:a|b/2:c|d"},
        {"a,b\r\nc,d\r\n", "1:a|b/2:c|d"},
        {"a,b\n\r\n\nc,d", "1:a|b/4:c|d"},
        {",\n,,", "1:|/2:||"},
        {"\"\"", "1:"},
        {"\"a\",\"b,c\"", "1:a|b,c"},
        {"\"a\"\"b\"\"\"", "1:a\"b\""},
        {"\"a\nb\r\nc\",d\ne,f", "1:a\nb\r\nc|d/4:e|f"},
        {"\xef\xbb\xbf"
         "client,requests\n",
         "1:client|requests"},
        {" a , b ", "1: a | b "},
        {"ü,日本\n", "1:ü|日本"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *records = read_all(cases[i].text, strlen(cases[i].text));
        g_assert_cmpstr(records, ==, cases[i].records);
    }
}

static void test_errors(void)
{
    static const struct {
        const char *text, *begins;
    } cases[] = {
        {"a\n\"b", "1:a!line 2: a field in quotes does not end"},
        {"a,\"b\nc\nd", "!line 1: a field in quotes does not end"},
        {"\"a\nb\" c\n", "!line 2: there is text behind the closing quote"},
        {"\"a\"\"", "!line 1: a field in quotes does not end"},
        {"x\ny\na\"b", "1:x/2:y!line 3: there is a quote in a field that does not begin with one"},
        {"a\rb", "!line 1: there is a carriage return"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *records = read_all(cases[i].text, strlen(cases[i].text));
        g_assert_true(g_str_has_prefix(records, cases[i].begins));
    }
    g_autofree char *zero = read_all("a\0b\n", 4);
    g_assert_cmpstr(zero, ==, "!line 1: there is a zero byte");
    g_autoptr(GString) wide = g_string_new(NULL);
    for (int i = 0; i < CSV_FIELDS_MAX; i++)
        g_string_append_c(wide, ',');
    g_autofree char *many = read_all(wide->str, wide->len);
    g_assert_cmpstr(many, ==, "!line 1: it has more than 4096 fields");
    g_autofree char *most = read_all(wide->str, wide->len - 1);
    g_assert_null(strchr(most, '!'));
}

/* What is written is read again as it was, but for the apostrophe. */
static void test_writing(void)
{
    static const struct {
        const char *text, *field;
    } cases[] = {
        {"a", "a"},
        {"", ""},
        {"a,b", "\"a,b\""},
        {"a\"b", "\"a\"\"b\""},
        {"a\r\nb", "\"a\r\nb\""},
        {"=1+1", "'=1+1"},
        {"-x", "'-x"},
        {"@a,b", "\"'@a,b\""},
        {"-", "'-"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        csv_append(out, cases[i].text);
        g_assert_cmpstr(out->str, ==, cases[i].field);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csv/records", test_records);
    g_test_add_func("/csv/errors", test_errors);
    g_test_add_func("/csv/writing", test_writing);
    return g_test_run();
}
