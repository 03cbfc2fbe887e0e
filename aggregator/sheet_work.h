/* sheet_work: what takes long about a sheet and needs no Redis: merging, sorting, compressing, the archive's disk. On a thread of
 * its own, one task after the other; the owner looks from time to time whether it is done. */
#ifndef DAYBOOK_SHEET_WORK_H
#define DAYBOOK_SHEET_WORK_H

#include "aggregator/mirror.h"
#include "lib/archive.h"
#include "lib/sheet.h"

struct sheet_work;

/* Erased users and their pseudonyms. */
struct erasures {
    GHashTable *pseudonyms; /* char * -> char * */
};
/* From {pN}:erasures: those that stand before this offset of the log; NULL: none. */
struct erasures *erasures_before(const struct mirror *erasures, uint64_t offset);

/* Begins to make a sheet: the builder's rows, those of the sheet before (canonical; NULL: none), users replaced. Takes builder,
 * before and erasures. */
struct sheet_work *sheet_work_make(struct sheet_builder *builder, const struct sheet_header *header, GBytes *before,
                                   struct erasures *erasures, bool threads);
/* Begins to write it to the archive (NULL: none, done at once). Only when it is done and has no error. */
void sheet_work_archive(struct sheet_work *work, struct archive *archive, const struct sheet_name *name);
/* Begins to write Records of the ledger (GBytes, from number first on) to the archive. Takes the records. */
struct sheet_work *sheet_work_entries(GPtrArray *records, uint64_t first, struct archive *archive, bool threads);
/* Waits until it is done. */
void sheet_work_free(struct sheet_work *work);

bool sheet_work_done(struct sheet_work *work);
/* ---- when it is done ---- */
GError *sheet_work_error(struct sheet_work *work); /* NULL: none; the caller's */
GBytes *sheet_work_packed(const struct sheet_work *work);
const uint8_t *sheet_work_checksum(const struct sheet_work *work); /* of the canonical bytes */
const struct sheet_totals *sheet_work_totals(const struct sheet_work *work);
size_t sheet_work_count(const struct sheet_work *work); /* of records */

#endif
