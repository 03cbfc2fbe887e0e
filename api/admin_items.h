/* admin_items: clients, methods, plans, organizations, limits and channels (admin_kind.h): shown, changed and removed. Permission
 * admin.
 *
 *   GET    {path}[?pageSize=&after=&filters]   a page, by organization and id
 *   GET    {path}/{id}[?organization=]         one
 *   PUT    {path}/{id}                         creates or replaces it; what is left out of the body is empty
 *   DELETE {path}/{id}[?organization=]         forgets it; what was counted stays
 *
 * Two organizations may have clients of one id: an administrator of one organization means theirs; one of all may leave the
 * organization out where just one has such a client. Methods and plans are of one organization or of all, and an organization's own
 * goes before the one of all with the same name; without an organization an administrator of one means theirs, an administrator of
 * all the one of all. The rest have ids that are unique. What is of all organizations is changed by administrators of all only.
 * Channels are created by admin_channels.h. */
#ifndef DAYBOOK_ADMIN_ITEMS_H
#define DAYBOOK_ADMIN_ITEMS_H

#include "api/admin_job.h"

void admin_items_route_handle(struct admin_route *route, struct call *call);

/* ---- for tables and channels ---- */

/* Calls show with all that the caller may see and the filters take, in order. */
bool admin_items_show(struct admin_job *job, void (*show)(struct admin_job *job, struct admin_page *page), GError **error);
/* The item that the path means; NULL: refused. */
const void *admin_items_find(const struct admin_job *job, const struct registry_snapshot *snapshot, struct refusal *refusal);
/* The same, of which the caller may change or remove it. */
const void *admin_items_find_own(const struct admin_job *job, const struct registry_snapshot *snapshot, struct refusal *refusal);
/* Takes job->item from the path and the body, checked. False: refused. */
bool admin_items_take(struct admin_job *job, struct refusal *refusal);
/* Puts job->item: an admin_answer. */
bool admin_items_answer_put(struct admin_job *job, struct reader *reader, struct refusal *refusal, GError **error);
void admin_items_keep(struct admin_job *job, void *done_taken);
/* Logs what happened to job->done ("created"); an event's name is the kind's with it: plan_created. */
void admin_items_log(const struct admin_job *job, const char *what);
/* Answers with job->done, with its secrets or without. */
void admin_items_write(const struct admin_job *job, bool with_secrets);

#endif
