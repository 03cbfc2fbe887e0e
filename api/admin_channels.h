/* admin_channels: channels are made, and get new secrets. (Shown, changed and removed: admin_items.h.) Permission admin.
 *
 *   POST /api/v2/admin/channels               makes one, with an id; a webhook's secret is shown this once
 *   POST /api/v2/admin/channels/{channelId}/secret   gives a webhook a new secret, and shows it this once; the old one is void
 */
#ifndef DAYBOOK_ADMIN_CHANNELS_H
#define DAYBOOK_ADMIN_CHANNELS_H

#include "api/admin_job.h"

void admin_channels_create_handle(struct admin_route *route, struct call *call);
void admin_channels_secret_handle(struct admin_route *route, struct call *call);

#endif
