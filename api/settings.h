/* settings: every setting of daybook-api, as one table (lib/config.h). */
#ifndef DAYBOOK_API_SETTINGS_H
#define DAYBOOK_API_SETTINGS_H

#include "api/alert_levels.h"
#include "api/system_state.h"
#include "lib/config.h"

extern const struct config_table api_settings;

/* What the table alone cannot say; for struct program. */
bool api_settings_check(const struct config *config, GError **error);

/* Section "system". */
struct system_settings api_settings_system(const struct config *config, struct ledger_cache *ledger);

/* Levels of limits that have none of their own; api_settings_check has looked at them. */
struct alert_levels api_settings_levels(const struct config *config);

#endif
