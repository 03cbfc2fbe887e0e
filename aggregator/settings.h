/* settings: every setting of daybook-aggregator. */
#ifndef DAYBOOK_AGGREGATOR_SETTINGS_H
#define DAYBOOK_AGGREGATOR_SETTINGS_H

#include "lib/config.h"

extern const struct config_table aggregator_settings;

#endif
