/* asked_endpoints: what the parameter `endpoint` stands for: one route, or a method of the registry. Owned by one thread at a
 * time. */
#ifndef DAYBOOK_ASKED_ENDPOINTS_H
#define DAYBOOK_ASKED_ENDPOINTS_H

#include "api/registry_snapshot.h"
#include "api/usage_params.h"

/* Begins empty ({0}). */
struct asked_endpoints {
    struct registry_snapshot *registry; /* a reference: holds the method that was found */
    struct endpoints *exact;            /* the route that was asked for */
};

/* *endpoints is NULL for all routes; else the asked hold it, until they are asked again or cleared. False: there is no such method,
 * and the refusal names those that there are. */
bool asked_endpoints_find(struct asked_endpoints *asked, struct registry_snapshot *registry, const struct usage_params *params,
                          const struct endpoints **endpoints, struct refusal *refusal);
void asked_endpoints_clear(struct asked_endpoints *asked);

#endif
