/* embedded_broker: see embedded_broker.h. A process of its own, so that it can be killed and restarted like a real broker. */
#include "cli/embedded_broker.h"

#include "cli/options.h"
#include "lib/kafka_mock.h"

#include <signal.h>
#include <stdio.h>

int embedded_broker_command(int argc, char **argv)
{
    g_autofree char *topic = NULL;
    g_autofree char *ready_file = NULL;
    int partitions = 4;
    const GOptionEntry entries[] = {
        {"topic", 0, 0, G_OPTION_ARG_STRING, &topic, "Topic to serve", "NAME"},
        {"partitions", 0, 0, G_OPTION_ARG_INT, &partitions, "Its partitions (4)", "N"},
        {"ready-file", 0, 0, G_OPTION_ARG_FILENAME, &ready_file, "Where to write host:port", "FILE"},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };
    g_autoptr(GError) error = NULL;
    sigset_t signals;
    int signal_number = 0;
    int exit_code = 0;

    if (!options_parse(entries, NULL, "Serves an in-memory broker, for trying out.", &argc, argv, &exit_code))
        return exit_code;
    if (!topic || !ready_file || partitions < 1)
        return options_fail("--topic, --ready-file and at least one partition are needed");

    /* Blocked before the broker's threads start, so that only sigwait() below takes them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);

    struct kafka_mock *mock = kafka_mock_new(topic, partitions, &error);
    if (!mock)
        return options_fail("%s", error->message);
    printf("embedded broker: topic %s, %d partitions, at %s\n", topic, partitions, kafka_mock_brokers(mock));
    fflush(stdout);
    if (!g_file_set_contents(ready_file, kafka_mock_brokers(mock), -1, &error))
        exit_code = options_fail("%s", error->message);
    else
        sigwait(&signals, &signal_number);
    kafka_mock_free(mock);
    return exit_code;
}
