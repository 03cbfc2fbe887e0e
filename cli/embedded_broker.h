/* embedded_broker: the hidden command that serves lib/kafka_mock.h to other processes; the child of `daybook dev`. */
#ifndef DAYBOOK_CLI_EMBEDDED_BROKER_H
#define DAYBOOK_CLI_EMBEDDED_BROKER_H

/* --topic NAME --partitions N --ready-file FILE: writes its host:port into FILE, atomically, when it serves; ends at SIGTERM or
 * SIGINT. */
int embedded_broker_command(int argc, char **argv);

#endif
