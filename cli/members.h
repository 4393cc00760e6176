/* Members of answers: what is not there, or is of another kind, is empty. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

JsonObject *elves_cli_object (JsonObject *object, const char *name); /* NULL when there is none */
JsonArray *elves_cli_array (JsonObject *object, const char *name);   /* NULL when there is none */
const char *elves_cli_text (JsonObject *object, const char *name);   /* "" when there is none */
gint64 elves_cli_number (JsonObject *object, const char *name);      /* also of a text */

G_END_DECLS
