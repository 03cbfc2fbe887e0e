/* executions: queries that were accepted, in Redis, for 24 hours, so that every replica can answer for them, also after a restart.
 *
 *   {daybook}:execution:<id>    string  the execution (v2_execution_write)
 *   {daybook}:ended:<id>        string  how it ended other than with rows: "cancelled <reason>" or "failed <reason>"; the first
 *                                       stays
 *   {daybook}:same:<digest>     string  id of the execution of this caller and question, for EXECUTIONS_SAME_S: who sends the same
 *                                       POST again, because the answer was lost, gets the same execution, unless it has ended
 *   {daybook}:kept:<caller>     string  bytes of executions that the caller had kept since the first of them, for 24 hours
 *
 * All are given up by Redis itself. Every function may be called again when a connection was lost. On a worker. */
#ifndef DAYBOOK_EXECUTIONS_H
#define DAYBOOK_EXECUTIONS_H

#include "api/v2_answer.h"

enum { EXECUTIONS_KEPT_S = 24 * 3600, EXECUTIONS_SAME_S = 10, EXECUTIONS_REASON_MAX = 2000 };
enum { EXECUTIONS_BYTES_MAX = 64 * 1024 * 1024 }; /* that a caller may have kept in 24 hours */

/* Keeps it, unless the same caller asked the same just before: then id is that of the execution made for it, and another. Or
 * unless the caller has kept too much already: then id is "". */
bool executions_keep(struct reader *reader, const struct v2_execution *execution, char id[V2_ID_SIZE], GError **error);
/* *execution is NULL where there is none (any more); else the caller's, like the end's reason. */
bool executions_find(struct reader *reader, const char *id, struct v2_execution **execution, struct v2_end *end, GError **error);
/* Says how it ended, unless that was said before. */
bool executions_end(struct reader *reader, const struct v2_execution *execution, const struct v2_end *end, GError **error);
void v2_end_clear(struct v2_end *end);
/* Whether it has the form of an id. */
bool executions_is_id(const char *text);

#endif
