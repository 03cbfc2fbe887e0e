/* identity: who the client of an event is: the first of an ordered list of fields that holds a name.
 *
 * Fields are those of a raw event: client, user, source, organization, user_agent. A field that is empty, "-", or longer than a
 * name may be (EVENT_NAME_MAX) is passed over. Who is unknown counts as "-", never as nobody.
 *
 * Immutable once made; shared by threads. */
#ifndef DAYBOOK_IDENTITY_H
#define DAYBOOK_IDENTITY_H

#include "collector/intake.h"

#define IDENTITY_UNKNOWN "-"

struct identity;

/* fields: NULL-terminated; none is the same as "client". Errors name the field and what is allowed. */
struct identity *identity_new(const char *const *fields, GError **error);
void identity_free(struct identity *identity);
/* A view of one of raw's, or of a constant. */
struct view identity_pick(const struct identity *identity, const struct raw_event *raw);

#endif
