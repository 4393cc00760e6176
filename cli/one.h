/* Commands that ask a component for one thing by its id. */
#pragma once

#include "cli/command.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *component; /* "cron" or "queue" */
  const char *action;
  const char *summary;
  void (*print) (JsonObject *body); /* (nullable): nothing to print when it went well */
} ElvesCliOne;

int elves_cli_one_run (const ElvesCliOne *one,
                       const ElvesCliContext *context,
                       int argc,
                       char **argv,
                       GError **error);

/* A member a line; objects within it are passed over. */
void elves_cli_print_members (JsonObject *object);

G_END_DECLS
