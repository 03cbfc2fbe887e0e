/* Any text: what is accepted is a range of days of the calendar that means itself when it is written down; what is refused says
 * why. */
#include "api/interval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    struct refusal refusal = {0};
    struct interval interval, again;
    if (!interval_parse(text, "interval", &interval, &refusal)) {
        g_assert(refusal.status == 400 && refusal.field != NULL && refusal.allowed != NULL);
        g_assert(g_utf8_validate(refusal.message, -1, NULL));
        refusal_clear(&refusal);
        return 0;
    }
    char written[INTERVAL_TEXT_MAX];
    interval_write(&interval, written);
    g_assert(interval.first_day <= interval.last_day);
    g_assert(interval_parse(written, "interval", &again, &refusal));
    g_assert(interval.first_day == again.first_day && interval.last_day == again.last_day);
    return 0;
}
