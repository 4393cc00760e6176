/* A timed task as a line of a table. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

void elves_cron_row_print_head (void);
/* @task: as cronDetail or findCron show it. */
void elves_cron_row_print (JsonObject *task);

G_END_DECLS
