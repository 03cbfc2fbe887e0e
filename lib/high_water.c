#include "lib/high_water.h"

#include "lib/number.h"
#include <glib.h>

bool high_water_read(const char *text, struct high_water *water)
{
    uint64_t created;
    const char *end = text != NULL ? text + strlen(text) : NULL;
    if (text == NULL || !number_scan(&text, end, &water->sequence) || *text++ != ' ' || !number_scan(&text, end, &water->crc) ||
        *text++ != ' ' || !number_scan(&text, end, &created) || *text++ != ' ' || created > INT64_MAX / 2)
        return false;
    water->created_ms = (int64_t)created;
    water->import = *text == 'i';
    return true;
}

void high_water_write(char text[HIGH_WATER_MAX], const struct high_water *water)
{
    g_snprintf(text, HIGH_WATER_MAX, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %s", water->sequence,
               water->crc, water->created_ms, water->import ? "i" : "-");
}
