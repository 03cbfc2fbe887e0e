/* route_path: a URL path as segments, and their classification.
 *
 * Empty segments (of "//" and of a '/' at the end) are dropped. Segments are percent-decoded where that gives clean text; one that
 * holds an encoded '/' or other bytes that are no text is not plain: it is never a literal. */
#ifndef DAYBOOK_ROUTE_PATH_H
#define DAYBOOK_ROUTE_PATH_H

#include "collector/route_template.h"

struct route_segment {
    struct view text; /* decoded */
    struct view raw;  /* as in the path */
    bool plain;
};

struct route_path {
    struct route_segment segments[ROUTE_SEGMENTS_MAX];
    size_t n;
    bool more; /* there were more segments */
    char decoded[ROUTE_PATH_MAX];
};

/* Cuts a path (without query); the segments' views live in path and in *to. */
void route_path_cut(struct view path, struct route_path *to);
/* The path with {n}, {uuid}, … for its variable segments; returns the size, at most EVENT_ROUTE_MAX. */
size_t route_path_classify(const struct route_path *path, char out[EVENT_ROUTE_MAX]);

#endif
