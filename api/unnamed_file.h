/* unnamed_file: a temporary file without a name: it is gone with its last descriptor, also when the program is killed. */
#ifndef DAYBOOK_UNNAMED_FILE_H
#define DAYBOOK_UNNAMED_FILE_H

/* To be written and read, by this user only. The descriptor; -1 with errno. */
int unnamed_file_open(const char *directory);

#endif
