/* The interface of QBaseCron: delayed HTTP callbacks, and notifications for devices (qbasecron.md).
 * Tasks are timed tasks of elves-cron. */
#pragma once

#include "openapi/door.h"

G_BEGIN_DECLS

extern const ElvesDoorType elves_qbasecron_door;

G_END_DECLS
