/* json_index: where the tokens of a JSON text begin, found by simdjson's vector instructions. A thin C door to its first stage.
 *
 * The first stage finds every one of {}[]:, outside strings, every opening quote and every first character of a number or a
 * literal; it checks UTF-8, that strings end, and that they hold no bare control characters. All else is left to the reader
 * (json_cursor.h), who thus has each token as it is written, knows where a text is wrong, and can go on behind a wrong part.
 *
 * An index belongs to one thread. It keeps memory, four bytes for each byte of the largest text that it has seen, but no more than
 * for JSON_INDEX_KEPT_MAX bytes. */
#ifndef DAYBOOK_JSON_INDEX_H
#define DAYBOOK_JSON_INDEX_H

#include "lib/view.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { JSON_INDEX_KEPT_MAX = 256 * 1024 };

struct json_index;
struct json_index *json_index_new(void);
void json_index_free(struct json_index *index);

/* Reads the text, of less than 2^32 bytes; nothing behind it is touched. False if the text is wrong, or there is no memory for it.
 * */
bool json_index_build(struct json_index *index, struct view text);
/* Offsets of the tokens in ascending order; valid until the next build. */
const uint32_t *json_index_tokens(const struct json_index *index);
size_t json_index_count(const struct json_index *index);
/* Gives up the memory of a large text. */
void json_index_trim(struct json_index *index);

#ifdef __cplusplus
}
#endif

#endif
