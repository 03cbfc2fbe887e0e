/* finding: see finding.h. */
#include "cli/finding.h"

struct finding *finding_new(char *where, const char *what, const char *expected, const char *found)
{
    struct finding *finding = g_new(struct finding, 1);

    *finding = (struct finding){where, g_strdup(what), g_strdup(expected), g_strdup(found)};
    return finding;
}

struct finding *finding_new_numbers(char *where, const char *what, uint64_t expected, uint64_t found)
{
    g_autofree char *x = g_strdup_printf("%" G_GUINT64_FORMAT, expected);
    g_autofree char *y = g_strdup_printf("%" G_GUINT64_FORMAT, found);

    return finding_new(where, what, x, y);
}

void finding_free(struct finding *finding)
{
    if (!finding)
        return;
    g_free(finding->where);
    g_free(finding->what);
    g_free(finding->expected);
    g_free(finding->found);
    g_free(finding);
}

void finding_print(const struct finding *finding, FILE *out)
{
    fprintf(out, "  where     %s\n  what      %s\n  expected  %s\n  found     %s\n", finding->where, finding->what,
            finding->expected, finding->found);
}

const struct finding_number *finding_first(const struct finding_number *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (numbers[i].expected != numbers[i].found)
            return &numbers[i];
    }
    return NULL;
}
