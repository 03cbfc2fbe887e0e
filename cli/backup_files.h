/* backup_files: the files of a backup: copied or linked, synced, and listed with their checksums. One thread. */
#ifndef DAYBOOK_CLI_BACKUP_FILES_H
#define DAYBOOK_CLI_BACKUP_FILES_H

#include "lib/view.h"
#include <glib.h>

#define BACKUP_ERROR backup_error_quark()
GQuark backup_error_quark(void);
enum backup_error { BACKUP_ERROR_FILE, BACKUP_ERROR_TOOL };

struct backup_files;

/* Makes the directory; it must be empty. */
struct backup_files *backup_files_new(const char *directory, GError **error);
void backup_files_free(struct backup_files *files);
/* Makes a directory within. Returns its path; caller frees. */
char *backup_files_directory(struct backup_files *files, const char *name, GError **error);
/* Takes a file that was written within into the list: syncs and reads it. name: its path from the directory on. */
bool backup_files_add(struct backup_files *files, const char *name, GError **error);
/* The file from elsewhere, under the name: the same file once more (a hard link) where the file system can do that, else a copy. */
bool backup_files_take(struct backup_files *files, const char *from, const char *name, GError **error);
/* Writes SHA256SUMS, as sha256sum(1) reads it. */
bool backup_files_write_sums(struct backup_files *files, GError **error);
/* The last file: written under another name, synced, and renamed. */
bool backup_files_finish(struct backup_files *files, const char *name, const char *content, GError **error);

guint64 backup_files_count(const struct backup_files *files);
guint64 backup_files_bytes(const struct backup_files *files);

#endif
