/* system_options: the options by which a command finds the running system, the same in all of them: what is not given comes from
 * --dir, or else from the environment. */
#ifndef DAYBOOK_CLI_SYSTEM_OPTIONS_H
#define DAYBOOK_CLI_SYSTEM_OPTIONS_H

#include "cli/options.h"

/* Owned; after loading, what was needed is not NULL. */
struct system_options {
    char *dir, *brokers, *topic, *redis, *archive;
    char **properties; /* for librdkafka; may be NULL */
};

/* Rows for a table of options. */
#define SYSTEM_OPTIONS_REDIS(options)                                                                           \
    {"dir", 0, 0, G_OPTION_ARG_FILENAME, &(options)->dir, "Directory of a running `daybook dev`", "DIR"},       \
    {                                                                                                           \
        "redis", 0, 0, G_OPTION_ARG_STRING, &(options)->redis, "Redis that holds the counts (REDIS_URL)", "URL" \
    }
#define SYSTEM_OPTIONS_KAFKA(options)                                                                                             \
    {"brokers", 0, 0, G_OPTION_ARG_STRING, &(options)->brokers, "Kafka's bootstrap addresses (KAFKA_BROKERS)", "HOST:PORT,…"},    \
        {"topic", 0, 0, G_OPTION_ARG_STRING, &(options)->topic, "Topic with the usage events (TOPIC)", "NAME"},                   \
    {                                                                                                                             \
        "property", 0, 0, G_OPTION_ARG_STRING_ARRAY, &(options)->properties, "A property for librdkafka (security and the like)", \
            "NAME=VALUE"                                                                                                          \
    }
#define SYSTEM_OPTIONS_ARCHIVE(options)                                                                             \
    {                                                                                                               \
        "archive", 0, 0, G_OPTION_ARG_FILENAME, &(options)->archive, "The archive's directory (ARCHIVE_DIR)", "DIR" \
    }

enum system_need { SYSTEM_NEEDS_REDIS, SYSTEM_NEEDS_REDIS_AND_KAFKA };

/* Fills in what was not given: Redis must be known, Kafka if it is needed; the archive may stay NULL. */
bool system_options_load(struct system_options *options, enum system_need need, GError **error);
void system_options_clear(struct system_options *options);

#endif
