/* crc32c: SSE 4.2 has an instruction for exactly this polynomial; elsewhere a table of 256 entries serves. Which of the two is
 * decided once, at the first call; both threads of a race decide the same. */
#include "lib/crc32c.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

static uint32_t table[256];

static uint32_t crc_table(uint32_t crc, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xff];
    return crc;
}

static void table_fill(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) ? UINT32_C(0x82f63b78) : 0); /* reflected 0x1edc6f41 */
        table[i] = crc;
    }
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *bytes, size_t size)
{
    uint64_t wide = crc;
    for (; size >= 8; bytes += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; bytes++, size--)
        crc = _mm_crc32_u8(crc, *bytes);
    return crc;
}

static bool has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t crc_sse42(uint32_t crc, const uint8_t *bytes, size_t size)
{
    return crc_table(crc, bytes, size);
}

static bool has_sse42(void)
{
    return false;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
    static gsize decided;
    static bool hardware;
    if (g_once_init_enter(&decided)) {
        table_fill();
        hardware = has_sse42();
        g_once_init_leave(&decided, 1);
    }
    crc = ~crc;
    crc = hardware ? crc_sse42(crc, data, size) : crc_table(crc, data, size);
    return ~crc;
}
