/* admin_page: one page of a list, by the keys of its entries. */
#ifndef DAYBOOK_ADMIN_PAGE_H
#define DAYBOOK_ADMIN_PAGE_H

#include "api/admin_params.h"
#include "api/writer.h"

struct admin_entry {
    char *key;
    const void *item; /* borrowed from a snapshot */
};

struct admin_page {
    const struct admin_params *params; /* borrowed */
    GArray *entries;                   /* struct admin_entry */
    uint64_t total;                    /* of the whole list */
    bool more;                         /* there is a page behind this one */
};

void admin_page_init(struct admin_page *page, const struct admin_params *params);
void admin_page_clear(struct admin_page *page);
/* Entries that are not behind params->after are only counted. Takes the key. */
void admin_page_add(struct admin_page *page, char *key_taken, const void *item);
void admin_page_sort(struct admin_page *page);
/* The same, and cuts it to the size of a page. */
void admin_page_cut(struct admin_page *page);
const void *admin_page_item(const struct admin_page *page, guint index);
/* {"entities":[…],"total":n,"nextUri":…}; write writes the entry of an index. path: of the list. */
void admin_page_write(const struct admin_page *page, const char *path, GString *out,
                      void (*write)(struct writer *writer, const struct admin_page *page, guint index, const void *opaque),
                      const void *opaque);

#endif
