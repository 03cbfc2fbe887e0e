#include "lib/keys.h"

#include "lib/civil.h"

size_t keys_plain(char *out, int partition, const char *kind)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:%s", partition, kind);
}

size_t keys_ids(char *out, int partition, int64_t day, unsigned shard)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:ids:%" G_GINT64_FORMAT ":%02x", partition, day, shard);
}

size_t keys_totals(char *out, int partition, int64_t day, int revision)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:t:%" G_GINT64_FORMAT ".%d", partition, day, revision);
}

size_t keys_clients(char *out, int partition, int64_t day, int revision)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:c:%" G_GINT64_FORMAT ".%d", partition, day, revision);
}

size_t keys_routes(char *out, int partition, int64_t day, int revision, uint32_t client)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:r:%" G_GINT64_FORMAT ".%d:%u", partition, day, revision, client);
}

size_t keys_users(char *out, int partition, int64_t day, int revision, uint32_t client)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:u:%" G_GINT64_FORMAT ".%d:%u", partition, day, revision, client);
}

size_t keys_slot(char *out, int partition, int64_t day, int revision, int slot, uint32_t client)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:s:%" G_GINT64_FORMAT ".%d:%d:%u", partition, day, revision, slot, client);
}

size_t keys_slot_sums(char *out, int partition, int64_t day, int revision, int slot)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:ss:%" G_GINT64_FORMAT ".%d:%d", partition, day, revision, slot);
}

size_t keys_slot_clients(char *out, int partition, int64_t day, int revision, int slot)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:zs:%" G_GINT64_FORMAT ".%d:%d", partition, day, revision, slot);
}

size_t keys_slot_routes(char *out, int partition, int64_t day, int revision, int slot)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:zr:%" G_GINT64_FORMAT ".%d:%d", partition, day, revision, slot);
}

size_t keys_minute(char *out, int partition, int64_t minute, int revision, uint32_t shard)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:m:%" G_GINT64_FORMAT ".%d:%u", partition, minute, revision, shard);
}

size_t keys_minute_clients(char *out, int partition, int64_t minute, int revision)
{
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:zm:%" G_GINT64_FORMAT ".%d", partition, minute, revision);
}

size_t keys_sheet(char *out, int partition, int64_t day, int revision)
{
    char date[CIVIL_TEXT_MAX];
    civil_format_day(date, day);
    return (size_t)g_snprintf(out, KEYS_MAX, "{p%d}:sheet:%s:%d", partition, date, revision);
}
