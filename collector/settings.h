/* settings: every setting of daybook-collector, as one table (lib/config.h). */
#ifndef DAYBOOK_COLLECTOR_SETTINGS_H
#define DAYBOOK_COLLECTOR_SETTINGS_H

#include "lib/config.h"

extern const struct config_table collector_settings;

#endif
