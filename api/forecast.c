#include "api/forecast.h"

__extension__ typedef unsigned __int128 wide; /* products of two 64-bit numbers */

uint64_t forecast_end(uint64_t used, int64_t elapsed_ms, int64_t length_ms)
{
    if (elapsed_ms <= 0 || elapsed_ms >= length_ms)
        return used;
    wide elapsed = (wide)elapsed_ms, end = ((wide)used * (wide)length_ms + elapsed / 2) / elapsed;
    return end > UINT64_MAX ? UINT64_MAX : (uint64_t)end;
}

bool forecast_reach(uint64_t used, int64_t elapsed_ms, uint64_t limit, int64_t *after_ms)
{
    if (used == 0 || elapsed_ms <= 0)
        return false;
    wide after = ((wide)limit * (wide)elapsed_ms + used - 1) / used;
    if (after > INT64_MAX)
        return false;
    *after_ms = (int64_t)after;
    return true;
}
