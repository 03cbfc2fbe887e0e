#include "api/admin_page.h"

static void clear_entry(void *opaque)
{
    struct admin_entry *entry = opaque;
    g_free(entry->key);
}

void admin_page_init(struct admin_page *page, const struct admin_params *params)
{
    *page = (struct admin_page){.params = params, .entries = g_array_new(FALSE, FALSE, sizeof(struct admin_entry))};
    g_array_set_clear_func(page->entries, clear_entry);
}

void admin_page_clear(struct admin_page *page)
{
    g_array_free(page->entries, TRUE);
}

void admin_page_add(struct admin_page *page, char *key, const void *item)
{
    const struct admin_entry entry = {key, item};
    page->total++;
    if (page->params->after != NULL && strcmp(key, page->params->after) <= 0)
        g_free(key);
    else
        g_array_append_val(page->entries, entry);
}

static int compare(const void *a, const void *b)
{
    const struct admin_entry *first = a, *second = b;
    return strcmp(first->key, second->key);
}

void admin_page_sort(struct admin_page *page)
{
    g_array_sort(page->entries, compare);
}

void admin_page_cut(struct admin_page *page)
{
    admin_page_sort(page);
    page->more = page->entries->len > page->params->page_size;
    if (page->more)
        g_array_set_size(page->entries, page->params->page_size);
}

static const struct admin_entry *entry_at(const struct admin_page *page, guint index)
{
    return &g_array_index(page->entries, struct admin_entry, index);
}

const void *admin_page_item(const struct admin_page *page, guint index)
{
    return entry_at(page, index)->item;
}

void admin_page_write(const struct admin_page *page, const char *path, GString *out,
                      void (*write)(struct writer *writer, const struct admin_page *page, guint index, const void *opaque),
                      const void *opaque)
{
    struct writer writer;
    writer_init(&writer, out);
    writer_begin(&writer, NULL, '{');
    writer_begin(&writer, "entities", '[');
    for (guint i = 0; i < page->entries->len; i++)
        write(&writer, page, i, opaque);
    writer_end(&writer, ']');
    writer_count(&writer, "total", page->total);
    if (page->more) {
        g_autofree char *next = admin_params_next(page->params, path, entry_at(page, page->entries->len - 1)->key);
        writer_text(&writer, "nextUri", view_of(next));
    }
    writer_end(&writer, '}');
}
