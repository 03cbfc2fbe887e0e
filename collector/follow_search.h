/* follow_search: finds the files of a log that have been rotated away, in the directory of its path.
 *
 * A rotated name is the log's own with a separator (. - _) and digits behind it ("access.log.1", "access.log-20261120"), or before
 * its extension ("access-20261120.log", "access.1.log"), or with ".old". Compressed files and anything else are left alone. */
#ifndef DAYBOOK_FOLLOW_SEARCH_H
#define DAYBOOK_FOLLOW_SEARCH_H

#include "collector/follow_file.h"

enum { FOLLOW_SEARCH_MAX = 256 }; /* files found by one search; of more the youngest */

/* Whether name is a rotated name of base. */
bool follow_is_rotated_name(const char *base, const char *name);
/* Opens every file with a rotated name of path, in order of birth. GPtrArray of struct follow_file, which it owns. *complete (or
 * NULL) says whether these are all: false when files were renamed without pause, so that one may have been passed over. */
GPtrArray *follow_search_rotated(const char *path, bool *complete);
/* The file that a mark was made of, standing at the mark's offset. By inode and content it may have any name in the directory of
 * path; by content alone it must be a copy: the youngest one with a rotated name, or what is at path (a restored log), if at least
 * a whole head is known of it. NULL when there is none. */
struct follow_file *follow_search_mark(const char *path, const struct follow_mark *mark);
/* The file with a rotated name that holds what the mark knows, standing at its offset; NULL when there is none. It is younger than
 * the mark's file. Of several it is the youngest if a whole head is known: it holds most; else the oldest: the others may only
 * begin alike. complete: as above. */
struct follow_file *follow_search_copy(const char *path, const struct follow_mark *mark, bool *complete);
/* The file with the mark's device and inode under path or a rotated name, at offset 0, whatever it holds; NULL when there is none.
 */
struct follow_file *follow_search_inode(const char *path, const struct follow_mark *mark);

#endif
