/* archive: a directory with what is closed: the sheets and the ledger, as files that are written once.
 *
 *   <directory>/sheets/2026/2026-11-20.r1.p3.sheet.zst   a sheet as it stands in Redis (lib/sheet.h, packed)
 *   <directory>/ledger/000000000017.record               the Record with entry 17 of the ledger, as it stands in the log
 *
 * A file is written under another name, synced, linked to its own name, and the directory synced: so a name is either not there or
 * whole, and never means something else later. Several processes and machines may share the directory. What is read is compared
 * with the checksum that the ledger has; a file that differs is refused by its name and both checksums, never handed out. Thread-
 * safe: no state but the name of the directory. */
#ifndef DAYBOOK_ARCHIVE_H
#define DAYBOOK_ARCHIVE_H

#include "lib/ledger.h"

#define ARCHIVE_ERROR archive_error_quark()
GQuark archive_error_quark(void);
enum archive_error {
    ARCHIVE_ERROR_MISSING,  /* no such file */
    ARCHIVE_ERROR_DAMAGED,  /* it is not what it must be; the message has its name and both checksums */
    ARCHIVE_ERROR_CONFLICT, /* the name is taken by other content */
    ARCHIVE_ERROR_SYSTEM,   /* the disk is full, no permission and the like */
};

struct archive;

/* Makes the directories if need be. NULL: they cannot be made or written. */
struct archive *archive_open(const char *directory, GError **error);
/* For readers: makes nothing and needs no permission to write. NULL: there is no such directory. */
struct archive *archive_open_reader(const char *directory, GError **error);
void archive_free(struct archive *archive);
const char *archive_directory(const struct archive *archive); /* borrowed */

struct sheet_name {
    int partition;
    int64_t day;
    int revision;
};

/* Where the file of a sheet, or of an entry, is or would be; caller frees. */
char *archive_sheet_path(const struct archive *archive, const struct sheet_name *name);
char *archive_entry_path(const struct archive *archive, uint64_t n);

/* Succeeds too when the same bytes are there already. The sheet is packed; equality is that of what is packed. */
bool archive_put_sheet(struct archive *archive, const struct sheet_name *name, GBytes *packed, GError **error);
/* The canonical bytes, whose SHA-256 is `checksum` (NULL: any, they are a sheet of that name at least). */
GBytes *archive_get_sheet(struct archive *archive, const struct sheet_name *name, const uint8_t checksum[LEDGER_CHECKSUM_SIZE],
                          GError **error);
/* The same, but as it stands in the file. */
GBytes *archive_get_packed_sheet(struct archive *archive, const struct sheet_name *name,
                                 const uint8_t checksum[LEDGER_CHECKSUM_SIZE], GError **error);
/* Succeeds when it is not there. */
bool archive_remove_sheet(struct archive *archive, const struct sheet_name *name, GError **error);

bool archive_put_entry(struct archive *archive, uint64_t n, GBytes *record, GError **error);
/* The bytes of the Record; that they are entry n was checked, their place in the chain was not. */
GBytes *archive_get_entry(struct archive *archive, uint64_t n, GError **error);
/* The largest number that a file has; 0: there is none. */
bool archive_last_entry(struct archive *archive, uint64_t *n, GError **error);

#endif
