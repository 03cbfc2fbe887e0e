/* hex: bytes as hexadecimal digits, two for each, lower case. */
#ifndef DAYBOOK_HEX_H
#define DAYBOOK_HEX_H

#include "lib/view.h"

/* Writes 2 * size digits and a NUL. */
void hex_write(char *out, const void *data, size_t size);
/* False: the text is not just 2 * size digits. */
bool hex_read(struct view text, void *out, size_t size);

#endif
