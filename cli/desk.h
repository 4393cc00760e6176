/* A component that elvesctl asks: elves-cron, elves-queue, the scheduler itself. Blocks, as all of
 * elvesctl does. */
#pragma once

#include "cli/command.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct ElvesCliDesk ElvesCliDesk;

/* @component: "cron", "queue" or "scheduler". */
ElvesCliDesk *
elves_cli_desk_open (const ElvesCliContext *context, const char *component, GError **error);
void elves_cli_desk_close (ElvesCliDesk *self);

/* The mqbody of the answer to an action. @body: (transfer full), an object. */
JsonNode *
elves_cli_desk_ask (ElvesCliDesk *self, const char *action, JsonBuilder *body, GError **error);

/* Of an answer: whether it is a refusal. Prints it. */
gboolean elves_cli_is_refused (JsonNode *answer);

/* An object to be filled, and its members. A text that is NULL is left out. */
JsonBuilder *elves_cli_body_new (void);
void elves_cli_body_add (JsonBuilder *body, const char *name, const char *text);
void elves_cli_body_add_number (JsonBuilder *body, const char *name, gint64 number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCliDesk, elves_cli_desk_close)

G_END_DECLS
