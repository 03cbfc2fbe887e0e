/* sheet_clients: the clients of a sheet that a scope is about. */
#ifndef DAYBOOK_SHEET_CLIENTS_H
#define DAYBOOK_SHEET_CLIENTS_H

#include "api/scope.h"
#include "lib/sheet.h"

typedef void sheet_clients_use(const struct sheet *sheet, uint32_t number, void *opaque);

/* Calls back for each, ascending. Returns whether there was any. */
bool sheet_clients_each(const struct sheet *sheet, const struct scope *scope, sheet_clients_use *use, void *opaque);

#endif
