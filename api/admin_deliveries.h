/* admin_deliveries: what is still to be told of alerts, and what was given up. Permission admin.
 *
 *   GET    /api/v2/admin/deliveries             state=pending (without it) or dead, channel, pageSize, after; those due first come
 * first, dead ones in the order in which they were given up DELETE /api/v2/admin/deliveries/{id}        it is not delivered (again)
 *   POST   /api/v2/admin/deliveries/{id}/retry  it is tried now, and as long as a new one, whether it is pending or dead
 *   POST   /api/v2/admin/channels/{id}/test     sends a test event, and answers with what came of it
 *
 * Who administers one organization sees deliveries to its own channels only. A list that changes while it is read page by page may
 * show an entry twice, or leave out one that was moved. */
#ifndef DAYBOOK_ADMIN_DELIVERIES_H
#define DAYBOOK_ADMIN_DELIVERIES_H

#include "api/admin_job.h"

void admin_deliveries_route_handle(struct admin_route *route, struct call *call);
void admin_deliveries_retry_handle(struct admin_route *route, struct call *call);
void admin_deliveries_test_handle(struct admin_route *route, struct call *call);

#endif
