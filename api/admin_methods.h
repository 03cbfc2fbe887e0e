/* admin_methods: named groups of endpoints (method.h), of one organization or of all. Permission admin.
 *
 *   GET    /api/v2/admin/methods[?organization=&pageSize=&after=]   a page, by organization and name
 *   GET    /api/v2/admin/methods/{name}[?organization=]             the one that the organization means by the name
 *   PUT    /api/v2/admin/methods/{name}                             creates or replaces it; body: {endpoints, title, organization}
 *   DELETE /api/v2/admin/methods/{name}[?organization=]             forgets it
 *
 * An organization's own method goes before the one of all that has the same name. Without an organization an administrator of one
 * means theirs, an administrator of all the method of all. Methods of all are shown to every administrator, and changed by those of
 * all only. */
#ifndef DAYBOOK_ADMIN_METHODS_H
#define DAYBOOK_ADMIN_METHODS_H

#include "api/admin_job.h"

void admin_methods_route_handle(struct admin_route *route, struct call *call);

#endif
