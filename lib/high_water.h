/* high_water: how far a stream was counted in a partition, as {pN}:hw has it: "sequence crc created_ms flags" (lib/keys.h).
 *
 * Written by the aggregator and by a restore, read also by the command-line tool. Pure. */
#ifndef DAYBOOK_HIGH_WATER_H
#define DAYBOOK_HIGH_WATER_H

#include <stdbool.h>
#include <stdint.h>

enum { HIGH_WATER_MAX = 80 /* bytes of the text, with its NUL */ };

struct high_water {
    uint64_t sequence, crc; /* of the last batch; crc 0: it is not known */
    int64_t created_ms;     /* the newest created_ms of the stream; at most INT64_MAX / 2, so that time can be added */
    bool import;
};

/* False: the text is NULL, or damaged. */
bool high_water_read(const char *text, struct high_water *water);
void high_water_write(char text[HIGH_WATER_MAX], const struct high_water *water);

#endif
