/* The tables of elves-queue, for elves_store_open(). */
#pragma once

#include "common/store.h"

G_BEGIN_DECLS

#define ELVES_QUEUE_SCHEMA "queue"

extern const ElvesStoreMigration elves_queue_migrations[];

G_END_DECLS
