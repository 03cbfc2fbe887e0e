/* log_scan: reads the partitions of the topic from a place up to another, in the order of each log. One thread. */
#ifndef DAYBOOK_CLI_LOG_SCAN_H
#define DAYBOOK_CLI_LOG_SCAN_H

#include "lib/kafka.h"

struct log_scan {
    int n_partitions;
    struct kafka_reader *reader;
    int64_t *done; /* by partition: the next offset; may be set before a scan */
    /* Called for every message from there on; borrowed by the call. False: enough, the reading ends. */
    bool (*take)(void *opaque, const struct kafka_message *message);
    void *opaque;
    bool progress; /* to stderr */
};

/* The topic must be there. take, opaque and progress are then to be set. */
bool log_scan_init(struct log_scan *scan, const struct kafka_settings *settings, const char *topic, GError **error);
void log_scan_clear(struct log_scan *scan);
/* Reads every partition up to its target (offset of the first message that is not taken). */
bool log_scan_read(struct log_scan *scan, const int64_t *targets, GError **error);

#define LOG_SCAN_ERROR log_scan_error_quark()
GQuark log_scan_error_quark(void);
enum log_scan_error { LOG_SCAN_ERROR_GONE, LOG_SCAN_ERROR_SILENT };

#endif
