/* Rows as a workbook, by libxlsxwriter: the only file that includes it.
 *
 * In its mode of constant memory it writes row after row to temporary files, one a sheet, and packs them when the workbook is
 * closed. The finished file goes to the descriptor by its path in /proc, so that it never has a name. The library does not notice
 * when a temporary file cannot be written; so the room that all of it takes at most is asked for before. Its date of creation is a
 * fixed one: the same rows give the same bytes. */
#include "api/export_internal.h"

#include <sys/statvfs.h>
#include <xlsxwriter.h>

enum {
    XLSX_ROWS_MAX = LXW_ROW_MAX - 1, /* below a header */
    CELL_BYTES = 64,                 /* of markup around a value, and a number, at most */
    SAME_TIMES = 3,                  /* a value's bytes: as rows, escaped, in the packed file */
    COLUMN_WIDTH = 18,
    CREATED_S = 946684800, /* 2000-01-01 */
};
#define EXACT_MAX (UINT64_C(1) << 53)        /* of a double */
#define ZIP32_MAX (UINT64_C(3) * (1u << 30)) /* bytes beyond which the long form of the container is needed, with room to spare */

struct book {
    const struct export_spec *spec;
    struct export_names *names;
    lxw_workbook *workbook;
    lxw_worksheet *sheet;
    lxw_format *bold;
    lxw_row_t row; /* the next one */
    int sheets;
    GString *text; /* with a NUL */
    lxw_error failed;
};

static void check(struct book *book, lxw_error error)
{
    if (book->failed == LXW_NO_ERROR)
        book->failed = error;
}

static void write_text(struct book *book, lxw_col_t column, struct view value, lxw_format *format)
{
    if (value.size == 0)
        return; /* an empty cell */
    g_string_truncate(book->text, 0);
    g_string_append_len(book->text, value.data, (gssize)value.size);
    check(book, worksheet_write_string(book->sheet, book->row, column, book->text->str, format));
}

static void write_count(struct book *book, lxw_col_t column, uint64_t count)
{
    if (count <= EXACT_MAX) {
        check(book, worksheet_write_number(book->sheet, book->row, column, (double)count, NULL));
        return;
    }
    g_string_printf(book->text, "%" G_GUINT64_FORMAT, count);
    check(book, worksheet_write_string(book->sheet, book->row, column, book->text->str, NULL));
}

static void begin_sheet(struct book *book)
{
    char name[32];
    g_snprintf(name, sizeof name, "Usage %d", ++book->sheets);
    book->sheet = workbook_add_worksheet(book->workbook, name);
    book->row = 0;
    if (book->sheet == NULL) {
        check(book, LXW_ERROR_MEMORY_MALLOC_FAILED);
        return;
    }
    worksheet_freeze_panes(book->sheet, 1, 0);
    worksheet_set_column(book->sheet, 0, (lxw_col_t)(book->spec->n_columns - 1), COLUMN_WIDTH, NULL);
    for (size_t i = 0; i < book->spec->n_columns; i++)
        write_text(book, (lxw_col_t)i, view_of(book->spec->columns[i].name), book->bold);
    book->row++;
}

static void write_row(struct book *book, const struct report_row *row)
{
    for (size_t i = 0; i < book->spec->n_columns; i++) {
        const struct export_column *column = &book->spec->columns[i];
        if (export_is_count(column))
            write_count(book, (lxw_col_t)i, export_count(column, row));
        else
            write_text(book, (lxw_col_t)i, export_text(book->names, column, row), NULL);
    }
    book->row++;
}

static bool write_rows(struct book *book, const struct result *result, GError **error)
{
    GError *failure = NULL;
    struct report_row row;
    lxw_row_t rows_max = book->spec->sheet_rows > 0 ? book->spec->sheet_rows : XLSX_ROWS_MAX;
    struct result_cursor *cursor = result_cursor_new(result, 0);
    begin_sheet(book);
    while (book->failed == LXW_NO_ERROR && result_cursor_next(cursor, &row, &failure)) {
        if (book->row > rows_max)
            begin_sheet(book);
        if (book->failed == LXW_NO_ERROR)
            write_row(book, &row);
    }
    result_cursor_free(cursor);
    if (failure != NULL)
        g_propagate_error(error, failure);
    return failure == NULL;
}

/* Bytes that the sheets have at most, before they are packed. */
static uint64_t size_of_sheets(const struct export_spec *spec, const struct result *result)
{
    uint64_t texts = 0;
    for (size_t i = 0; i < spec->n_columns; i++)
        texts += spec->columns[i].source == EXPORT_CLIENT_NAME ? REGISTRY_NAME_MAX : 0;
    return result_bytes(result) + (result_rows(result) + 1) * (spec->n_columns * CELL_BYTES + texts);
}

static bool check_room(const char *directory, uint64_t size, GError **error)
{
    struct statvfs room;
    if (statvfs(directory, &room) != 0 || size * SAME_TIMES <= (uint64_t)room.f_bavail * room.f_frsize)
        return true;
    g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_FILE,
                "A workbook of this size may take %" G_GUINT64_FORMAT
                " MB for a while, and there is less room for temporary files. "
                "Ask for CSV, or for fewer rows.",
                size * SAME_TIMES / 1000000 + 1);
    return false;
}

static lxw_workbook *open_workbook(const char *directory, uint64_t size, int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *temporary = g_strdup(directory);
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = temporary, .use_zip64 = size > ZIP32_MAX};
    lxw_workbook *workbook = workbook_new_opt(path, &options);
    lxw_doc_properties properties = {.created = CREATED_S};
    if (workbook != NULL)
        workbook_set_properties(workbook, &properties);
    return workbook;
}

bool export_render_xlsx(const struct export_spec *spec, const struct result *result, const char *directory, int fd, GError **error)
{
    uint64_t size = size_of_sheets(spec, result);
    if (!check_room(directory, size, error))
        return false;
    struct book book = {.spec = spec, .workbook = open_workbook(directory, size, fd), .failed = LXW_ERROR_MEMORY_MALLOC_FAILED};
    if (book.workbook != NULL) {
        book.names = export_names_new(spec);
        book.text = g_string_new(NULL);
        book.failed = LXW_NO_ERROR;
        book.bold = workbook_add_format(book.workbook);
        format_set_bold(book.bold);
        bool read = write_rows(&book, result, error);
        check(&book, workbook_close(book.workbook)); /* frees it */
        g_string_free(book.text, TRUE);
        export_names_free(book.names);
        if (!read)
            return false;
    }
    if (book.failed != LXW_NO_ERROR)
        g_set_error(error, EXPORT_ERROR, EXPORT_ERROR_FILE, "A workbook cannot be written: %s", lxw_strerror(book.failed));
    return book.failed == LXW_NO_ERROR;
}
