/* settings: every setting of daybook-api, as one table (lib/config.h). */
#ifndef DAYBOOK_API_SETTINGS_H
#define DAYBOOK_API_SETTINGS_H

#include "lib/config.h"

extern const struct config_table api_settings;

/* What the table alone cannot say; for struct program. */
bool api_settings_check(const struct config *config, GError **error);

#endif
