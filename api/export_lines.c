#include "api/export_lines.h"

#include "api/export_internal.h"

struct export_lines {
    struct export_out out;
};

struct export_lines *export_lines_new(const char *directory, bool gzip, GError **error)
{
    int fd = export_file_open(directory, error);
    if (fd < 0)
        return NULL;
    struct export_lines *lines = g_new(struct export_lines, 1);
    export_out_init(&lines->out, fd, gzip);
    return lines;
}

void export_lines_append(struct export_lines *lines, struct view bytes)
{
    export_out_append(&lines->out, bytes);
}

bool export_lines_finish(struct export_lines *lines, struct export_file *file, GError **error)
{
    bool ok = export_out_finish(&lines->out, file, error);
    g_free(lines);
    return ok;
}
