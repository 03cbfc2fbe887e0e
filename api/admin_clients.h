/* admin_clients: the clients that have names, tiers, platforms and plans. Permission admin.
 *
 *   GET    /api/v2/admin/clients[?organization=&pageSize=&after=]   a page, by organization and id
 *   GET    /api/v2/admin/clients/{clientId}[?organization=]         one
 *   PUT    /api/v2/admin/clients/{clientId}                         creates or replaces it; body: {name, organization, tier,
 *                                                                   platform, plan}; what is left out is empty, the tier free
 *   DELETE /api/v2/admin/clients/{clientId}[?organization=]         forgets it; what it used stays, under its id
 *
 * Two organizations may have clients of one id. An administrator of one organization means theirs; one of all may leave the
 * organization out where just one has such a client. */
#ifndef DAYBOOK_ADMIN_CLIENTS_H
#define DAYBOOK_ADMIN_CLIENTS_H

#include "api/admin_job.h"
#include "api/writer.h"

void admin_clients_route_handle(struct admin_route *route, struct call *call);

#endif
