/* crc32c: the Castagnoli CRC (RFC 3720 appendix B.4), in hardware where the processor has it. */
#ifndef DAYBOOK_CRC32C_H
#define DAYBOOK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues from crc; begin with 0. crc32c(0, "123456789", 9) == 0xe3069283. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

#endif
